"""Who reads goes on reading while another process loads, and sees whole states only."""

from __future__ import annotations

import pytest

from hakyu.case import Case
from tests.support.dying import blast_again_and_again, dump_again_and_again, load_each, start
from tests.support.loads import LOADERS, difference, environment

FIRST, *MORE = [LOADERS / name / "input.csv" for name in ("recipient_permissions", "get_mailbox", "message_trace")]
WHO = "mailbox:info@nisc.example"


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """Graph and blast radius of each state that the loads pass through."""
    case = Case(tmp_path_factory.mktemp("states") / "case", {})
    found = []
    for file in (FIRST, *MORE):
        case.load([file])
        found.append((case.graph().dump(), case.blast(WHO, "2022-10-01", "2023-06-13") | {"engine": ""}))
    case.close()
    return found


def read_while_loading(folder, told, reader, *arguments):
    """What a reader sends that reads all the time that another process loads."""
    case = Case(folder, told)
    case.load([FIRST])
    case.close()
    until = folder.with_name("until")
    reading, hear = start(reader, folder, told, *arguments, until)
    loading, _ = start(load_each, folder, told, MORE, until)
    try:
        said = hear.recv() if hear.poll(400) else None
    except EOFError:
        said = None
    until.touch()
    loading.join()
    reading.join()
    assert (loading.exitcode, reading.exitcode) == (0, 0)
    return said


def only_whole_graphs(folder, told, states):
    asked, graphs = read_while_loading(folder, told, dump_again_and_again)
    assert asked > len(MORE) and len(graphs) > 1
    for graph in graphs:
        assert [] in [difference(graph, whole) for whole, _ in states]


def only_whole_answers(folder, told, states):
    asked, answers = read_while_loading(folder, told, blast_again_and_again, WHO)
    assert asked > len(MORE) and len(answers) > 1
    for answer in answers:
        assert answer in [whole for _, whole in states]


def test_a_reader_sees_only_whole_graphs_while_another_process_loads(tmp_path, states):
    only_whole_graphs(tmp_path / "case", {}, states)


def test_a_reader_of_neo4j_sees_only_whole_graphs_while_another_process_loads(tmp_path, neo4j_empty, states):
    only_whole_graphs(tmp_path / "case", environment(neo4j_empty), states)


def test_an_answer_of_several_questions_is_of_one_state_while_another_process_loads(tmp_path, states):
    only_whole_answers(tmp_path / "case", {}, states)


def test_an_answer_from_neo4j_is_of_one_state_while_another_process_loads(tmp_path, neo4j_empty, states):
    only_whole_answers(tmp_path / "case", environment(neo4j_empty), states)


def test_an_answer_is_asked_again_when_the_graph_changes_between_two_of_its_questions(tmp_path, states):
    case, other = Case(tmp_path / "case", {}), Case(tmp_path / "case", {})
    case.load([FIRST])
    store = case.graph()
    real, asked = store.projection, []

    def projection_and_then_a_load(because=False):
        found = real(because)
        asked.append(1)
        if len(asked) == 1:  # the steps are read; now the rest
            other.load([MORE[0]])
        return found

    store.projection = projection_and_then_a_load
    answer = case.blast(WHO, "2022-10-01", "2023-06-13") | {"engine": ""}
    case.close()
    other.close()
    assert len(asked) > 1
    assert answer == states[1][1]
