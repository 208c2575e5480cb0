"""Both engines: the graph is a function of the set of loads, and the same on either."""

from __future__ import annotations

import shutil
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import StoreError
from graphmodel.ledger import Ledger
from graphmodel.merge import view
from graphmodel.store.embedded_store import EmbeddedStore
from graphmodel.store.neo4j_store import Neo4jStore
from hakyu.case import Case
from queries.catalogue import steps
from tests.support.cases import whole_graph
from tests.support.loads import difference, environment, fixtures, staged_file

FILES = fixtures()
THIRDS = [FILES[start::3] for start in range(3)]


def dumped(case):
    """The case's whole graph, its engine let go."""
    try:
        return case.graph().dump()
    finally:
        case.close()


def loaded(folder, server, *jobs):
    """The whole graph after these jobs (lists of files), one after another."""
    case = Case(folder, environment(server))
    try:
        for files in jobs:
            assert case.load(files).exit_code in {0, 6}  # the fixtures have refused rows on purpose
        return dumped(case)
    finally:
        case.close()


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """The graph of all fixtures, loaded in one job into the embedded engine."""
    return loaded(tmp_path_factory.mktemp("all") / "case", None, FILES)


def test_the_fixtures_make_a_graph_worth_comparing(everything):
    nodes, edges = everything
    assert {"Account", "Mailbox", "Server", "Correspondent", "Organisation", "Group", "Message", "Rule", "LogCoverage"} <= nodes.keys()
    assert {"OWNS", "FULL_ACCESS", "MEMBER_OF", "SAME_IDENTITY", "CORRESPONDED", "HOLDS", "STEP"} <= edges.keys()
    # Not every step: some lean on what two fixtures would have to say of the same things. Each has its own case in tests/steps.
    assert edges["STEP"]["rule"].n_unique() > 0.7 * len(steps())


def test_loads_in_another_order_and_in_other_jobs_give_the_same_embedded_graph(tmp_path, everything):
    other = loaded(tmp_path / "case", None, *(files[::-1] for files in reversed(THIRDS)))
    assert difference(everything, other) == []


def test_loads_in_another_order_and_in_other_jobs_give_the_same_neo4j_graph_which_is_that_of_the_embedded_engine(tmp_path, neo4j_empty, everything):
    """All at once it is that too: a test of transactions, below, loads them so."""
    other = loaded(tmp_path / "other", neo4j_empty, THIRDS[2] + THIRDS[1][::-1], THIRDS[0][::-1])
    assert difference(other, everything) == []


def twice_and_forgotten(folder, server):
    """Load, load again, load more, forget that: what the graph was after each."""
    case = Case(folder, environment(server))
    first, more = THIRDS[0], THIRDS[1][:2]
    case.load(first)
    graphs, states = [case.graph().dump()], [case.graph().state()]
    again = case.load(first)
    assert {line.status for line in again.files} == {"known"}
    graphs.append(case.graph().dump())
    for line in case.load(more).files:
        case.forget(line.manifest.id)
    graphs.append(case.graph().dump())
    states.append(case.graph().state())
    case.close()
    assert states[0] == states[1]
    assert [difference(a, b) for a, b in pairwise(graphs)] == [[], []]


def test_loading_twice_changes_nothing_and_forgetting_leaves_the_graph_that_never_had_it(tmp_path):
    twice_and_forgotten(tmp_path / "case", None)


def test_on_neo4j_too_loading_twice_changes_nothing_and_forgetting_leaves_no_trace(tmp_path, neo4j_empty):
    twice_and_forgotten(tmp_path / "case", neo4j_empty)


def test_a_graph_file_that_cannot_be_opened_is_told_and_is_made_anew_when_asked(tmp_path):
    case = Case(tmp_path / "case", {})
    case.load(THIRDS[0][:1])
    whole = case.graph().dump()
    case.close()
    graph = tmp_path / "case" / "graph"
    (graph / f"{case.graph().state()}.lbug").write_bytes(b"no graph")
    case.close()
    with pytest.raises(StoreError, match=r"\.lbug: cannot be opened \(.*\); `hakyu doctor --rebuild` makes it anew"):
        case.graph().dump()
    case.rebuild()
    assert difference(case.graph().dump(), whole) == []
    case.close()


def test_loading_what_is_there_writes_nothing(tmp_path, neo4j_empty):
    case = Case(tmp_path / "case", environment(neo4j_empty))
    case.load(THIRDS[2])
    marker = "MATCH (s:HakyuState) RETURN s.revision AS revision"
    before = case.graph().read(marker).rows()
    case.load(THIRDS[2])
    assert case.graph().read(marker).rows() == before
    case.close()


def test_every_kind_and_every_pair_with_all_and_with_no_properties_comes_back_as_it_was_given(tmp_path, neo4j_store):
    whole = whole_graph()
    embedded = EmbeddedStore(tmp_path)
    for store in (embedded, neo4j_store):
        store.sync(whole, [])
        assert difference((whole.nodes, whole.edges), store.dump()) == [], store.engine
    embedded.close()


def test_a_sync_in_many_transactions_gives_the_same_graph_as_one(tmp_path, neo4j_empty, everything):
    ledger = Ledger(tmp_path / "case")
    with ledger.writing():
        ledger.commit([staged_file(ledger, path, path.name) for path in FILES])
    store = Neo4jStore(neo4j_empty.uri, one_transaction=0)
    assert store.sync(view(ledger), [step.derivation for step in steps()]).changed
    found = store.dump()
    again = store.sync(view(ledger), [step.derivation for step in steps()])
    store.close()
    assert difference(found, everything) == [] and not again.changed


CHOSEN = [path for path in FILES if path.parent.name in {"accounts_csv", "mailboxes_csv", "message_trace", "recipient_permissions", "json"}]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A case with the chosen fixtures, from which others are made by copying loads; and their ids."""
    ledger = Ledger(tmp_path_factory.mktemp("chosen") / "case")
    with ledger.writing():
        ledger.commit([staged_file(ledger, path) for path in CHOSEN])
    return ledger


def at_once(prepared, folder, ids):
    """The view of a case that got these loads in one job."""
    ledger = Ledger(folder)
    with ledger.writing():
        for id_ in ids:
            shutil.copytree(prepared.loads_folder / id_, ledger.loads_folder / id_)
        ledger.commit([])
        ledger._name(sorted(ids))
    return view(ledger)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_loaded_and_forgotten_the_view_is_that_of_what_remains(prepared, tmp_path_factory, data):
    ids = prepared.ids()
    moves = data.draw(st.lists(st.sampled_from(range(len(ids))), min_size=1, max_size=9))
    folder = tmp_path_factory.mktemp("moves")
    ledger, there = Ledger(folder / "case"), set()
    for move in moves:
        with ledger.writing():
            if ids[move] in there:
                ledger.forget(ids[move])
            else:
                ledger.commit([staged_file(ledger, next(p for p in CHOSEN if _id(p, prepared) == ids[move]))])
        there ^= {ids[move]}
    found, wanted = view(ledger), at_once(prepared, folder / "once", there)
    assert found.state == wanted.state
    assert difference((found.nodes, found.edges), (wanted.nodes, wanted.edges)) == []
    shutil.rmtree(folder)


def _id(path, ledger):
    return next(m.id for m in ledger.manifests() if m.name == f"{path.parent.name}/{path.name}")
