"""kill -9 at any point of a load: afterwards the case is as before or as after, whole, and the next load finishes it."""

from __future__ import annotations

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from hakyu.case import Case
from tests.support.dying import in_a_process, load_and_die, look
from tests.support.loads import LOADERS, difference, environment

BEFORE = [LOADERS / "delegations_csv" / "input.csv"]
ADDED = [LOADERS / "mailboxes_csv" / "input.csv", LOADERS / "message_trace" / "input.csv"]
POINTS = 20
some_or_all_points = pytest.mark.parametrize("count", [POINTS // 2, pytest.param(2 * POINTS, marks=pytest.mark.long)])


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A case with the first load; and (ids, state, graph) of it before and after a load that nobody killed."""
    folder = tmp_path_factory.mktemp("clean") / "case"
    case = Case(folder, {})
    case.load(BEFORE)
    case.close()
    worked = folder.with_name("worked")
    shutil.copytree(folder, worked)
    code, found = in_a_process(look, worked, {}, ADDED)
    assert code == 0 and found[0][0] != found[1][0]
    return folder, *found


def spread(total, wanted):
    """`wanted` numbers over 0 … total - 1, the first and the last among them."""
    return sorted({round(i * (total - 1) / (wanted - 1)) for i in range(wanted)})


def points(folder, told, parts=False):
    """How many points a load that nobody kills passes."""
    code, passed = in_a_process(load_and_die, folder, told, ADDED, None, None, parts)
    assert code == 0
    return passed


def check(found, before, after, whole=True):
    """Before or after, nothing else; and the next load finishes it."""
    (ids, state, graph), finished = found
    wanted = {tuple(ids): (state, graph) for ids, state, graph in (before, after)}
    assert tuple(ids) in wanted
    assert state in {before[1], after[1]} or (state is None and not whole)
    if graph is not None:
        assert difference(graph, before[2] if state == before[1] else after[2]) == []
    assert finished[:2] == after[:2]
    assert difference(finished[2], after[2]) == []
    return (tuple(ids) == tuple(after[0]), state)


@some_or_all_points
def test_killed_at_any_point_the_case_is_as_before_or_as_after_and_the_next_load_finishes_it(tmp_path, clean, count):
    folder, before, after = clean
    shutil.copytree(folder, tmp_path / "count")
    total = points(tmp_path / "count", {})
    assert total > 3 * POINTS >= count

    def killed(at):
        hurt = tmp_path / f"at-{at}"
        shutil.copytree(folder, hurt)
        code, passed = in_a_process(load_and_die, hurt, {}, ADDED, at, None, False)
        assert (code, passed) == (-signal.SIGKILL, None), at
        code, found = in_a_process(look, hurt, {}, ADDED)
        assert code == 0, at
        assert list((hurt / "tmp").iterdir()) == [], at
        assert not [path.name for path in (hurt / "graph").iterdir() if path.name.startswith(".")], at
        shutil.rmtree(hurt)
        return check(found, before, after)

    with ThreadPoolExecutor(2) as pool:
        met = set(pool.map(killed, spread(total, count)))
    # The points lie on either side of both moments that count: the loads are named, then the graph is.
    assert met >= {(False, before[1]), (True, before[1]), (True, after[1])}


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_killed_in_the_middle_of_writing_the_graphs_file_the_graph_is_the_one_before(tmp_path, clean, share):
    folder, before, after = clean
    size = (folder / "graph" / f"{before[1]}.lbug").stat().st_size
    shutil.copytree(folder, tmp_path / "case")
    code, passed = in_a_process(load_and_die, tmp_path / "case", {}, ADDED, None, int(size * share), False)
    assert (code, passed) == (-signal.SIGXFSZ, None)
    code, found = in_a_process(look, tmp_path / "case", {}, ADDED)
    assert code == 0
    assert check(found, before, after) == (True, before[1])


def test_after_a_kill_asking_brings_the_graph_to_the_cases_state(tmp_path, clean):
    folder, before, after = clean
    shutil.copytree(folder, tmp_path / "case")
    size = (folder / "graph" / f"{before[1]}.lbug").stat().st_size
    in_a_process(load_and_die, tmp_path / "case", {}, ADDED, None, size // 2, False)
    case = Case(tmp_path / "case", {})
    assert case._open().state() == before[1]
    assert difference(case.graph().dump(), after[2]) == []
    case.close()


@some_or_all_points
@pytest.mark.parametrize("parts", [False, True], ids=["one transaction", "many transactions"])
def test_on_neo4j_a_load_killed_at_any_point_is_finished_by_the_next(tmp_path, neo4j_empty, clean, parts, count):
    told = environment(neo4j_empty)
    _, before, after = clean
    case = Case(tmp_path / "case", told)
    case.load(BEFORE)
    total = points(tmp_path / "case", told, parts)
    added = [id_ for id_ in after[0] if id_ not in before[0]]
    met = set()
    for at in spread(total, count // 2 + 1):
        for id_ in added:
            case.forget(id_)
        code, passed = in_a_process(load_and_die, tmp_path / "case", told, ADDED, at, None, parts)
        assert (code, passed) == (-signal.SIGKILL, None), at
        code, found = in_a_process(look, tmp_path / "case", told, ADDED)
        assert code == 0, at
        met.add(check(found, before, after, whole=not parts))
    case.close()
    assert met >= {(False, before[1]), (True, before[1])} and ((True, None) in met) is parts
