"""How a Neo4j graph is brought to a state: the marker that is its lock, the difference, and the statements.

The marker node (:HakyuState {name: 'graph'}) says which state the graph has, whether it is whole, and who is changing it.
Every transaction that changes the graph ends by checking, under the marker's write lock, that the lock is still its own: someone
who was taken for dead and wakes up changes nothing any more.
"""

from __future__ import annotations

import getpass
import os
import platform
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Protocol

import polars as pl

from graphmodel.errors import QueryError, StoreError
from graphmodel.kinds import EDGES, NODES, STEP
from graphmodel.store.difference import EDGES_THERE, FINGERPRINT, NODES_THERE, Changes, EdgeChanges, NodeChanges, changes
from graphmodel.store.neo4j_steps import MADE_BY, WRITE_STEP, Rules, derive, header, marked, rules_there, steps_there
from graphmodel.store.port import Derivation, Progress
from graphmodel.store.prints import Prints, edges_read, may_find
from graphmodel.store.step_rows import QUERY_COLUMNS
from graphmodel.times import to_iso
from graphmodel.view import View

BATCH = 10_000
READ_PAGE = 500_000
HEARTBEAT_SECONDS = 20
DEAD_SECONDS = 300
"""A lock whose holder has not been heard for so long may be taken."""


@dataclass(frozen=True)
class Answer:
    """What a statement gave: column names, rows; and of its plan: r | rw | w | s, operators, warnings of unknown names."""

    names: list[str]
    rows: list[list[Any]]
    query_type: str = "r"
    operators: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


class Run(Protocol):
    """Runs one statement within a transaction."""

    def __call__(self, cypher: str, /, **parameters: Any) -> Answer:
        """Rows of the statement."""


class Server(Protocol):
    """What a sync needs of a connection."""

    place: str

    def transaction(self) -> AbstractContextManager[Run]:
        """One writing transaction: committed at the end, rolled back by any exception."""

    def retried(self, work: Callable[[Run], None]) -> None:
        """Do `work(run)` in one writing transaction; transient errors (a deadlock) are tried again, so it may run twice."""

    def auto(self, cypher: str, **parameters: Any) -> Answer:
        """One statement that commits by itself."""


class Moved(Exception):
    """The graph was changed while it was read."""


@dataclass(frozen=True)
class Marker:
    """The marker as readers see it. `holder`: who is changing the graph now."""

    state: str | None
    complete: bool
    revision: int
    holder: str | None = field(default=None, compare=False)


def marker(run: Run) -> Marker | None:
    """The marker, or None on a server that hakyu has not used."""
    rows = run("MATCH (s:HakyuState {name: 'graph'}) RETURN s.state, s.complete, s.revision, s.holder").rows
    if not rows:
        return None
    state, complete, revision, holder = rows[0]
    return Marker(state, complete is not False, revision or 0, holder)


def check_columns(derivation: Derivation, names: Sequence[str]) -> None:
    """Raise QueryError when a step's columns are not those of a step."""
    if set(names) != set(QUERY_COLUMNS):
        raise QueryError(f"{derivation.rule}: a step returns {', '.join(QUERY_COLUMNS)}, not {', '.join(names)}")


def sync(
    server: Server, view: View, derivations: Sequence[Derivation], progress: Progress, one_transaction: int, check: Callable[[Derivation], None]
) -> frozenset[str] | None:
    """Bring the graph to `view`; the rules derived anew, None when somebody else had already done it all. Raises StoreError.

    `check` is told each rule that is to be derived before anything is changed, and raises QueryError for one that cannot be.
    """
    _constraints(server)
    prints = Prints(view)
    wanted = prints.rules(derivations, MADE_BY)
    with _locked(server) as token:
        with server.transaction() as run:
            found = marker(run)
            if found and found.complete and found.state == view.state:
                return None
            todo = changes(View(view.state, prints.nodes, prints.edges), _nodes_there(run), _edges_there(run))
            rules = rules_there(run, wanted)
        some = {type_ for type_, frame in view.edges.items() if frame.height}
        fresh = [derivation for derivation in derivations if derivation.rule not in rules.kept]
        for derivation in fresh:
            check(derivation)
        fresh = [derivation for derivation in fresh if may_find(derivation.cypher, some)]
        # There will be about as many steps as relationships that the rules read; one that is made weighs as much as a row that changes.
        whole = todo.rows + max(sum(rules.stale.values()), edges_read(fresh, view)) <= one_transaction
        job = _Job(server, token, fresh, wanted, rules, progress)
        (job.in_one if whole else job.in_parts)(view.state, todo)
    return frozenset(wanted.keys() - rules.kept.keys())


# -- the schema --------------------------------------------------------------------------------------------------------


def _constraints(server: Server) -> None:
    """Unique keys, by label for those who ask and over all labels (Entity), so that a key is found without its label."""
    wanted = {f"hakyu_key_{label.casefold()}": f"(n:`{label}`) REQUIRE n.key IS UNIQUE" for label in ("Entity", *NODES)}
    wanted["hakyu_state_name"] = "(n:HakyuState) REQUIRE n.name IS UNIQUE"
    with server.transaction() as run:
        there = {row[0] for row in run("SHOW CONSTRAINTS YIELD name").rows}

    def create(run: Run) -> None:
        for name, what in wanted.items():
            if name not in there:
                run(f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR {what}")

    server.retried(create)  # two who begin at once would each wait for what the other has


# -- the lock ----------------------------------------------------------------------------------------------------------

_LIVE: set[str] = set()  # tokens of this process's own syncs under way


def _me() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "someone"
    return f"{user}@{platform.node()} pid {os.getpid()}"


@contextmanager
def _locked(server: Server) -> Iterator[str]:
    """Hold the marker's lock; yields the token that proves it. Raises StoreError when someone alive holds it."""
    token = uuid.uuid4().hex
    _LIVE.add(token)
    try:
        server.retried(lambda run: _acquire(run, token, server.place))
        stop = Event()
        beat = Thread(target=_heartbeat, args=(server, token, stop), daemon=True)
        beat.start()
        try:
            yield token
        finally:
            stop.set()
            beat.join()
            with suppress(Exception):  # the reason why we leave matters more; a lock left behind is seen to be dead
                _release(server, token)
    finally:
        _LIVE.discard(token)


def _acquire(run: Run, token: str, place: str) -> None:
    # The write comes first: it takes the marker's lock, so that what is read next is not changed by anyone else.
    run("MERGE (s:HakyuState {name: 'graph'}) SET s.asked = timestamp()")
    cypher = "MATCH (s:HakyuState {name: 'graph'}) RETURN s.holder, s.host, s.pid, s.token, s.since, (timestamp() - s.heartbeat) / 1000"
    holder, host, pid, other, since, silent = run(cypher).rows[0]
    if holder is not None and other != token and silent < DEAD_SECONDS and not _dead(host, pid, other):
        raise StoreError(
            f"{place}: the graph is being brought up to date by {holder} since {to_iso(int(since))}; "
            f"try again when that has ended (a sync that died is let go after {DEAD_SECONDS // 60} minutes)"
        )
    run(
        "MATCH (s:HakyuState {name: 'graph'}) SET s.holder = $holder, s.host = $host, s.pid = $pid, s.token = $token, "
        "s.since = timestamp() / 1000, s.heartbeat = timestamp()",
        holder=_me(), host=platform.node(), pid=os.getpid(), token=token,
    )  # fmt: skip


def _dead(host: str, pid: int, token: str) -> bool:
    """Whether a holder on this machine is gone. Of another machine only its silence tells."""
    if host != platform.node():
        return False
    if pid == os.getpid():
        return token not in _LIVE
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _heartbeat(server: Server, token: str, stop: Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        with suppress(Exception):  # a missed beat is nothing; a lost server is told by the statement that needs it
            server.auto("MATCH (s:HakyuState {name: 'graph', token: $token}) SET s.heartbeat = timestamp()", token=token)


_LET_GO = "REMOVE s.holder, s.host, s.pid, s.token, s.since, s.heartbeat"


def _release(server: Server, token: str) -> None:
    server.auto(f"MATCH (s:HakyuState {{name: 'graph', token: $token}}) {_LET_GO}", token=token)


def _assert_mine(run: Run, token: str, place: str) -> None:
    """Take the marker's write lock until the transaction ends, and see whether the lock is still ours."""
    run("MATCH (s:HakyuState {name: 'graph'}) SET s.asked = timestamp()")
    rows = run("MATCH (s:HakyuState {name: 'graph'}) RETURN s.token, s.holder").rows
    if not rows or rows[0][0] != token:
        holder = (rows[0][1] if rows else None) or "someone"
        raise StoreError(f"{place}: {holder} took over while this sync was silent; nothing more was changed, run it again")


# -- what is there -----------------------------------------------------------------------------------------------------


def _pages(run: Run, cypher: str, schema: dict[str, Any]) -> pl.DataFrame:
    parts = [pl.DataFrame(schema=schema)]
    while True:
        rows = run(cypher, skip=READ_PAGE * (len(parts) - 1), page=READ_PAGE).rows[0][0]
        parts.append(pl.DataFrame(rows, schema=schema, orient="row"))
        if len(rows) < READ_PAGE:
            return pl.concat(parts)


def _nodes_there(run: Run) -> pl.DataFrame:
    cypher = f"MATCH (n:Entity) WITH n SKIP $skip LIMIT $page RETURN collect([n.key, n.kind, n.{FINGERPRINT}])"
    return _pages(run, cypher, NODES_THERE)


def _edges_there(run: Run) -> dict[str, pl.DataFrame]:
    """By type. Relationships without a `fact` are somebody's own and stay."""
    form = "MATCH ()-[r:`{}`]->() WHERE r.fact IS NOT NULL WITH r SKIP $skip LIMIT $page RETURN collect([r.fact, r.{}])"
    return {type_: _pages(run, form.format(type_, FINGERPRINT), EDGES_THERE) for type_ in EDGES}


# -- what is changed ---------------------------------------------------------------------------------------------------

_GUARD = "MATCH (:HakyuState {name: 'graph', token: $token})"
_MARKER = "MATCH (g:HakyuState {name: 'graph'})"  # its token is read again for each row, under each transaction
_GATHERED = "source, target, opens, closes, because"


def in_batches(derivation: Derivation) -> str:
    """The statement that derives a rule's steps and writes them, a transaction a batch, while `$token` holds the marker."""
    write = f"{_MARKER} CALL (g, {_GATHERED}) {{ WITH g, {_GATHERED} WHERE g.token = $token\n{WRITE_STEP} }} IN TRANSACTIONS OF {BATCH} ROWS"
    return f"{derive(derivation)} {write}"


@dataclass
class _Job:
    """One sync's writing, in one transaction or in several."""

    server: Server
    token: str
    derivations: Sequence[Derivation]
    wanted: Mapping[str, str]
    rules: Rules
    progress: Progress

    def in_one(self, state: str, todo: Changes) -> None:
        """Everything in one transaction: facts, steps, and the marker last."""
        with self.server.transaction() as run:
            for cypher, rows, what in _statements(todo):
                _run_batch(run, cypher, rows, what, self.server.place)
            if todo.rows:
                self.progress(f"graph: {todo.rows:,} rows changed")
            if self.rules.stale:
                run(f"MATCH ()-[r:{STEP}]->() WHERE coalesce(r.rule, '') IN $stale DELETE r", stale=list(self.rules.stale))
            for derivation in self.derivations:
                run(derive(derivation) + WRITE_STEP, **header(derivation))
                self.progress(f"steps: {derivation.rule}")
            self._finish(run, state)

    def in_parts(self, state: str, todo: Changes) -> None:
        """Transactions of a batch each, between the word that the graph is incomplete and the word that it is whole."""
        with self.server.transaction() as run:
            _assert_mine(run, self.token, self.server.place)
            begun = "SET s.complete = false, s.revision = coalesce(s.revision, 0) + 1, s.rules = $rules"
            run(f"MATCH (s:HakyuState {{name: 'graph'}}) {begun}", rules=marked(self.rules.kept))
        done = 0
        for cypher, rows, what in _statements(todo):
            with self.server.transaction() as run:
                _run_batch(run, cypher, rows, what, self.server.place)
                _assert_mine(run, self.token, self.server.place)
            done += len(rows)
            self.progress(f"graph: {done:,} of {todo.rows:,} rows changed")
        if self.rules.stale:
            clear = f"MATCH ()-[r:{STEP}]->() WHERE coalesce(r.rule, '') IN $stale CALL (r) {{ {_GUARD} DELETE r }} IN TRANSACTIONS OF {BATCH} ROWS"
            self.server.auto(clear, token=self.token, stale=list(self.rules.stale))
        for derivation in self.derivations:
            self.server.auto(in_batches(derivation), token=self.token, **header(derivation))
            self.progress(f"steps: {derivation.rule}")
        with self.server.transaction() as run:
            self._finish(run, state)

    def _finish(self, run: Run, state: str) -> None:
        _assert_mine(run, self.token, self.server.place)
        steps = steps_there(run)
        marks = {rule: f"{mark} {steps.get(rule, 0)}" for rule, mark in self.wanted.items()}
        run(
            "MATCH (s:HakyuState {name: 'graph'}) "
            f"SET s.state = $state, s.complete = true, s.revision = coalesce(s.revision, 0) + 1, s.rules = $rules {_LET_GO}",
            state=state, rules=marked(marks),
        )  # fmt: skip


def _run_batch(run: Run, cypher: str, rows: Sequence[Any], what: str, place: str) -> None:
    done = run(cypher, rows=rows).rows[0][0]
    if done != len(rows):
        raise StoreError(f"{place}: {len(rows) - done} of {len(rows)} {what} could not be written; someone else changes this graph by hand")


def _statements(todo: Changes) -> Iterator[tuple[str, Sequence[Any], str]]:
    """The changes as (Cypher, at most BATCH rows, what they are), in an order in which each can be done.

    Each statement returns how many rows it has done.
    """
    for type_, edge in todo.edges.items():
        yield from _gone_edges(type_, edge)
    for label, node in todo.nodes.items():
        gone = "UNWIND $rows AS key MATCH (n:Entity {key: key}) USING INDEX n:Entity(key) DETACH DELETE n RETURN count(*)"
        yield from _batches(gone, node.gone.to_list(), label)
    for label, node in todo.nodes.items():
        yield from _new_nodes(label, node)
    for type_, edge in todo.edges.items():
        yield from _new_edges(type_, edge)


def _batches(cypher: str, rows: Sequence[Any], what: str, size: int = BATCH) -> Iterator[tuple[str, Sequence[Any], str]]:
    for start in range(0, len(rows), size):
        yield cypher, rows[start : start + size], what


def _gone_edges(type_: str, edge: EdgeChanges) -> Iterator[tuple[str, Sequence[Any], str]]:
    # One pass over the type a statement: there is no index on facts, which only this would use. So the batches are larger.
    cypher = f"MATCH ()-[r:`{type_}`]->() WHERE r.fact IN $rows DELETE r RETURN count(*)"
    yield from _batches(cypher, edge.gone.to_list(), type_, size=10 * BATCH)


def _new_nodes(label: str, node: NodeChanges) -> Iterator[tuple[str, Sequence[Any], str]]:
    yield from _batches(f"UNWIND $rows AS row CREATE (n:Entity:`{label}`) SET n = row RETURN count(*)", _maps(node.new), label)
    cypher = f"UNWIND $rows AS row MATCH (n:`{label}` {{key: row.key}}) USING INDEX n:`{label}`(key) SET n = row RETURN count(*)"
    yield from _batches(cypher, _maps(node.changed), label)


def _new_edges(type_: str, edge: EdgeChanges) -> Iterator[tuple[str, Sequence[Any], str]]:
    if not edge.new.height:
        return
    for (source, target), part in edge.new.partition_by("from_label", "to_label", as_dict=True, maintain_order=True).items():
        cypher = (
            f"UNWIND $rows AS row MATCH (a:`{source}` {{key: row.a}}) USING INDEX a:`{source}`(key) "
            f"MATCH (b:`{target}` {{key: row.b}}) USING INDEX b:`{target}`(key) "
            f"CREATE (a)-[r:`{type_}`]->(b) SET r = row.p RETURN count(*)"
        )
        own = _maps(part.drop("from_label", "from_key", "to_label", "to_key"))
        ends = zip(part["from_key"], part["to_key"], own, strict=True)
        yield from _batches(cypher, [{"a": a, "b": b, "p": p} for a, b, p in ends], type_)


def _maps(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as maps; a null is an absent property."""
    return [{name: value for name, value in row.items() if value is not None} for row in frame.iter_rows(named=True)]
