"""Two people and one Neo4j: the marker is the lock; who waits is told for whom, and the dead hold nothing."""

from __future__ import annotations

import getpass
import platform
import signal

import pytest

from graphmodel.errors import StoreError
from graphmodel.store import neo4j_sync
from hakyu.case import Case
from tests.support.cases import whole_graph
from tests.support.dying import in_a_process, load_and_die, start, sync_slowly
from tests.support.loads import LOADERS, difference, environment

MINE, THEIRS = ([LOADERS / name / "input.csv"] for name in ("mailboxes_csv", "delegations_csv"))
MARKER = "MATCH (s:HakyuState) RETURN s.holder AS holder, s.token AS token"


def test_who_comes_second_is_told_who_is_at_it_and_changes_nothing(tmp_path, neo4j_empty, neo4j_store):
    told = environment(neo4j_empty)
    # In many transactions the holder can be seen; in one, the second waits at the marker until the first has ended.
    holder, hear = start(sync_slowly, tmp_path / "theirs", told, THEIRS, tmp_path / "stop", True)
    assert hear.recv() == "holding"
    with pytest.raises(StoreError, match=rf"is being brought up to date by {getpass.getuser()}@{platform.node()} pid {holder.pid} since 20\d\d-.*; try again"):
        neo4j_store.sync(whole_graph(), [])
    with pytest.raises(StoreError, match=f"is being brought up to date by .* pid {holder.pid}; try again when that has ended"):
        neo4j_store.nodes()
    (tmp_path / "stop").touch()
    assert hear.recv() == "done"
    holder.join()
    case = Case(tmp_path / "theirs", told)
    alone = Case(tmp_path / "alone", {})
    alone.load(THEIRS)
    assert difference(case.graph().dump(), alone.graph().dump()) == []
    case.close()
    alone.close()
    assert neo4j_store.read(MARKER).rows() == [(None, None)]


def test_two_syncs_at_once_end_in_one_of_the_two_graphs_whole(tmp_path, neo4j_empty):
    told = environment(neo4j_empty)
    stop = tmp_path / "stop"
    stop.touch()  # nobody waits
    started = [start(sync_slowly, tmp_path / f"case-{n}", told, files, stop, False) for n, files in enumerate((MINE, THEIRS))]
    ended = [hear.recv() for _, hear in started]
    for process, _ in started:
        process.join()
    wholes = []
    for n, files in enumerate((MINE, THEIRS)):
        alone = Case(tmp_path / f"alone-{n}", {})
        alone.load(files)
        wholes.append(alone.graph().dump())
        alone.close()
    assert "done" in ended and all(said == "done" or "is being brought up to date by" in said for said in ended)
    found = Case(tmp_path / "nobody", told)
    assert [] in [difference(found.graph().dump(), whole) for whole in wholes]
    found.close()


def test_a_holder_that_died_on_this_machine_is_taken_over_at_once(tmp_path, neo4j_empty):
    told = environment(neo4j_empty)
    total = in_a_process(load_and_die, tmp_path / "count", told, MINE, None, None, True)[1]
    code, _ = in_a_process(load_and_die, tmp_path / "theirs", told, THEIRS, total // 2, None, True)
    assert code == -signal.SIGKILL
    case = Case(tmp_path / "mine", told)
    assert case.graph().state() is None
    with pytest.raises(StoreError, match="is being brought up to date by|the last sync stopped midway; run `hakyu load` again to finish it"):
        case.graph().nodes()
    case.load(MINE)
    alone = Case(tmp_path / "alone", {})
    alone.load(MINE)
    assert difference(case.graph().dump(), alone.graph().dump()) == []
    case.close()
    alone.close()


@pytest.mark.parametrize(("silent", "taken"), [(neo4j_sync.DEAD_SECONDS - 60, False), (neo4j_sync.DEAD_SECONDS + 60, True)])
def test_a_holder_on_another_machine_is_taken_over_when_it_was_silent_for_long(neo4j_store, silent, taken):
    neo4j_store._connection.auto(
        "MERGE (s:HakyuState {name: 'graph'}) SET s.holder = 'ken@elsewhere pid 1', s.host = 'elsewhere', s.pid = 1, "
        "s.token = 'theirs', s.since = timestamp() / 1000, s.heartbeat = timestamp() - $silent * 1000", silent=silent,
    )  # fmt: skip
    if taken:
        assert neo4j_store.sync(whole_graph(), []).changed
    else:
        with pytest.raises(StoreError, match="by ken@elsewhere pid 1 since"):
            neo4j_store.sync(whole_graph(), [])


def test_who_was_taken_for_dead_and_wakes_up_changes_nothing_more(neo4j_store):
    def robbed(_text):
        neo4j_store._connection.auto("MATCH (s:HakyuState) SET s.token = 'another', s.holder = 'ken@elsewhere pid 1'")

    neo4j_store._one_transaction = 0
    with pytest.raises(StoreError, match="ken@elsewhere pid 1 took over while this sync was silent; nothing more was changed"):
        neo4j_store.sync(whole_graph(), [], robbed)
    assert neo4j_store.state() is None
    assert neo4j_store._connection.auto("MATCH (n:Entity) RETURN count(n)").rows[0][0] < sum(f.height for f in whole_graph().nodes.values())
