"""`hakyu steps` brings a graph that is behind to the case's state, says what it recomputed, and the graph is that of a full recompute."""

from __future__ import annotations

import json
import random
import shutil
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.ledger import CaseBusy, Ledger
from graphmodel.merge import view
from hakyu import case as case_module
from hakyu.case import Case
from hakyu.cli import main
from queries.catalogue import steps
from tests.graphmodel.test_store_incremental import facts, saying
from tests.support.loads import difference, environment, put
from tests.support.neo4j_server import wipe

RULES = {step.id for step in steps()}
FEW = {"own-mailbox", "full-access", "group-member", "shared-mailbox", "send-as"}
"""On a server planning each rule takes time."""
LOADS = st.lists(facts, min_size=2, max_size=3)
UNHURRIED = settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(params=["embedded", "neo4j"])
def server(request, monkeypatch):
    """None, or a server whose database is empty; the catalogue has FEW rules."""
    few = tuple(step for step in steps() if step.id in FEW)
    assert len(few) == len(FEW)
    monkeypatch.setattr(case_module, "steps", lambda: few)
    return None if request.param == "embedded" else request.getfixturevalue("neo4j_empty")


def office(out):
    """Twenty people with a mailbox each, a group that may open one of them."""
    for name in ("ann", "bob", *(f"p{n}" for n in range(18))):
        out.edge("OWNS", ("Account", f"upn:{name}@a.example"), ("Mailbox", f"mailbox:{name}@a.example"), f"row {name}")
    out.edge("MEMBER_OF", ("Account", "upn:ann@a.example"), ("Group", "group:1"), "row 2")
    out.edge("FULL_ACCESS", ("Group", "group:1"), ("Mailbox", "mailbox:ann@a.example"), "row 3")


def right(out):
    """One right more."""
    out.edge("FULL_ACCESS", ("Account", "upn:ann@a.example"), ("Mailbox", "mailbox:bob@a.example"), "row 1")


def asked(case):
    """(what became of the graph, the graph itself)."""
    found, graph = case.derive(), case.graph().dump()
    case.close()
    return found, graph


def anew(folder):
    """The graph of a case of the same loads that never had another."""
    shutil.rmtree(folder.parent / "anew", ignore_errors=True)
    shutil.copytree(folder, folder.parent / "anew", ignore=shutil.ignore_patterns("graph"))
    return asked(Case(folder.parent / "anew", {}))


def test_a_load_that_was_interrupted_before_the_graph_is_finished_and_only_what_reads_it_is_derived(tmp_path, server):
    folder = tmp_path / "case"
    put(Ledger(folder), office=office)
    first, _ = asked(Case(folder, environment(server)))
    assert first["changed"] and first["derived"].keys() == FEW and not first["kept"]
    put(Ledger(folder), right=right)
    second, graph = asked(Case(folder, environment(server)))
    assert second["derived"]["full-access"] == 2 and "group-member" in second["kept"] and second["kept"]["group-member"] == 1
    assert second["derived"].keys() | second["kept"].keys() == FEW and not second["derived"].keys() & second["kept"].keys()
    assert difference(graph, anew(folder)[1]) == []
    third, again = asked(Case(folder, environment(server)))
    assert not third["changed"] and not third["derived"] and third["kept"] == second["derived"] | second["kept"] and difference(graph, again) == []


def test_a_graph_that_was_lost_is_made_again(tmp_path, server):
    folder = tmp_path / "case"
    put(Ledger(folder), office=office, right=right)
    _, graph = asked(Case(folder, environment(server)))
    if server is None:
        shutil.rmtree(folder / "graph")
    else:
        wipe(server)
    found, again = asked(Case(folder, environment(server)))
    assert found["changed"] and found["derived"].keys() == FEW and difference(graph, again) == []


def test_a_step_file_that_changed_is_derived_anew_and_the_others_are_kept(tmp_path, server, monkeypatch):
    folder = tmp_path / "case"
    put(Ledger(folder), office=office, right=right)
    _, before = asked(Case(folder, environment(server)))
    every = case_module.steps()
    noisy = [s if s.id != "full-access" else type(s)(**{**vars(s), "cypher": s.cypher + "\n// reworded", "profile": "noisy"}) for s in every]
    monkeypatch.setattr(case_module, "steps", lambda: tuple(noisy))
    found, graph = asked(Case(folder, environment(server)))
    assert found["changed"] and found["derived"] == {"full-access": 2}
    assert set(graph[1]["STEP"].filter(rule="full-access")["noise"]) == {"noisy"}
    monkeypatch.setattr(case_module, "steps", lambda: every)
    found, graph = asked(Case(folder, environment(server)))
    assert found["derived"] == {"full-access": 2} and difference(graph, before) == []


@contextmanager
def twenty(seed):
    """A catalogue of twenty of the rules: all of them would take minutes."""
    few = tuple(random.Random(seed).sample(steps(), 20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(case_module, "steps", lambda: few)
        yield


def behind(tmp_path_factory, server, loads, interrupted):
    """Loads come one by one; after some of them somebody asks, after others not: the next who asks finds the graph of all."""
    folder = tmp_path_factory.mktemp("behind") / "case"
    for n, load in enumerate(loads):
        put(Ledger(folder), **{f"load{n}": saying(load)})
        if n in interrupted and n + 1 < len(loads):
            continue
        found, graph = asked(Case(folder, environment(server)))
        assert difference(graph, anew(folder)[1]) == []
        counted = graph[1]["STEP"]["rule"].value_counts().rows() if "STEP" in graph[1] else []
        assert {rule: n for rule, n in (found["derived"] | found["kept"]).items() if n} == dict(counted)
    assert found["state"] and view(Ledger(folder)).counts[1] > 0
    shutil.rmtree(folder.parent)


@UNHURRIED
@given(loads=LOADS, interrupted=st.sets(st.integers(0, 2)), seed=st.integers(0, 99))
def test_whenever_one_asks_the_embedded_graph_is_that_of_a_full_recompute(tmp_path_factory, loads, interrupted, seed):
    with twenty(seed):
        behind(tmp_path_factory, None, loads, interrupted)


@UNHURRIED
@given(loads=LOADS, interrupted=st.sets(st.integers(0, 2)), seed=st.integers(0, 99))
def test_whenever_one_asks_the_neo4j_graph_is_that_of_a_full_recompute(tmp_path_factory, neo4j_empty, loads, interrupted, seed):
    wipe(neo4j_empty)
    with twenty(seed):
        behind(tmp_path_factory, neo4j_empty, loads, interrupted)


def test_while_somebody_else_changes_the_case_it_says_so_instead_of_waiting(tmp_path):
    folder = tmp_path / "case"
    put(Ledger(folder), office=office)
    with Ledger(folder).writing(), pytest.raises(CaseBusy):
        Case(folder, {}).derive()


@pytest.fixture
def run(tmp_path, monkeypatch):
    for name in ("NEO4J_URI", "HAKYU_CASE"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(main, ["--case", str(tmp_path / "case"), *arguments])


def test_without_a_case_the_steps_are_listed_and_nothing_is_made(run, tmp_path):
    listed, data = run("steps"), json.loads(run("steps", "--json").output)
    assert listed.exit_code == 0 and "Open a mailbox as delegate" in " ".join(listed.output.split()) and "graph:" not in listed.output
    assert data["graph"] is None and {step["id"] for step in data["steps"]} == RULES
    assert not (tmp_path / "case").exists()


def test_with_a_case_it_says_first_what_was_derived_and_what_kept_and_then_lists(run, tmp_path):
    put(Ledger(tmp_path / "case"), office=office)
    first, second = run("steps").output, run("steps").output
    assert f"{len(RULES)} rules derived anew (22 steps: " in first and "own-mailbox 20" in first and "0 kept (0 steps)" in first
    assert f"already, nothing to derive; {len(RULES)} rules, 22 steps" in second.splitlines()[0] and "Open a mailbox as delegate" in " ".join(second.split())
    put(Ledger(tmp_path / "case"), right=right)
    data = json.loads(run("steps", "--json").output)["graph"]
    assert data["changed"] and data["derived"]["full-access"] == 2 and data["kept"]["own-mailbox"] == 20
