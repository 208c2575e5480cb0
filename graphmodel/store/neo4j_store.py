"""The graph on a Neo4j server (5.26 or newer), by its URI. The only file that imports neo4j.

How the graph is brought to a state is in neo4j_sync.py; here are the connection, the errors in plain words, and the reading.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import neo4j
import polars as pl
from neo4j import exceptions

from graphmodel.errors import HakyuError, QueryError, StoreError
from graphmodel.kinds import EDGES, NODES, STEP, STEP_COLUMNS
from graphmodel.store import answers, neo4j_projection, neo4j_sync
from graphmodel.store.neo4j_sync import Answer, Marker, Moved
from graphmodel.store.port import Derivation, Progress, Projection, SyncReport
from graphmodel.store.step_rows import STEP_SCHEMA
from graphmodel.view import View, edge_view_schema, node_view_schema

OLDEST = (5, 26)
PAGE = 200_000
"""Rows in one packed record: one list of lists costs the server's memory, one record a row costs ten times the time."""
ONE_TRANSACTION = 100_000
"""Changed rows and steps up to which a sync is one transaction.

Found by measuring: a changed row or a step takes some 3 KiB of the server's memory until it is committed (benchmarks/README.md), so this
many take 300 MiB. By its defaults Neo4j lets transactions have 70 % of its heap: they fit a heap of 512 MiB.
"""
TRIES = 5

# What the planner says of a name that is in no node or relationship (GQLSTATUS), and what we call it.
_UNKNOWN = {"01N50": "label", "01N51": "relationship type", "01N52": "property"}
_DECLARED = (
    {"label": set(NODES), "relationship type": {*EDGES, STEP}}
    | {"property": {p.name for n in NODES.values() for p in n.columns} | {p.name for e in EDGES.values() for p in e.columns} | {p.name for p in STEP_COLUMNS}}
)  # fmt: skip
# Readings by the server's word that are not readings of the graph.
_REFUSED_OPERATORS = {"LoadCSV": "reads a file", "TerminateTransactions": "ends other people's work"}

# The driver logs each warning of the planner; those that matter are in our errors.
logging.getLogger("neo4j").addHandler(logging.NullHandler())
logging.getLogger("neo4j.notifications").setLevel(logging.ERROR)

T = TypeVar("T")
_CHECKED: set[str] = set()
"""Queries of rules that a server has said to read only, and to return the columns of a step."""


def _silent(_: str) -> None:
    return None


class Connection:
    """A driver that has looked once whether the server answers, lets us in, and is new enough."""

    def __init__(self, uri: str, username: str, password: str, database: str | None) -> None:
        self.place = re.sub(r"//[^/@]*@", "//", uri)  # a password in the address stays out of messages
        self._uri = uri
        self._auth = (username, password) if password else None
        self._database = database
        self._driver: neo4j.Driver | None = None
        self._bookmarks = neo4j.GraphDatabase.bookmark_manager()  # on a cluster, each session sees what the last one wrote

    def _checked(self) -> neo4j.Driver:
        if self._driver is None:
            if not re.match(r"(bolt|neo4j)(\+s|\+ssc)?://[^/?#]", self._uri):
                raise StoreError(f"{self.place}: NEO4J_URI cannot be used (it names no Bolt server); write it as bolt://host:7687")
            driver = neo4j.GraphDatabase.driver(
                self._uri, auth=self._auth, connection_timeout=10, connection_acquisition_timeout=30,
                max_transaction_retry_time=15, telemetry_disabled=True, user_agent="hakyu",
            )  # fmt: skip
            try:
                self._check_version(driver.get_server_info().agent)
            except BaseException:
                driver.close()
                raise
            self._driver = driver
        return self._driver

    def _check_version(self, agent: str) -> None:
        found = re.match(r"Neo4j/(\d+)\.(\d+)", agent)
        if found is None or (int(found[1]), int(found[2])) < OLDEST:
            raise StoreError(f"{self.place}: {agent} answers, but hakyu needs Neo4j {OLDEST[0]}.{OLDEST[1]} or newer; upgrade the server")

    def session(self, mode: str = neo4j.WRITE_ACCESS) -> neo4j.Session:
        """A new session; the caller closes it."""
        return self._checked().session(database=self._database, default_access_mode=mode, bookmark_manager=self._bookmarks)

    @contextmanager
    def transaction(self) -> Iterator[neo4j_sync.Run]:
        """One writing transaction: committed at the end, rolled back by any exception."""
        with self.session() as session, session.begin_transaction() as open_:
            yield _runner(open_)
            open_.commit()

    def retried(self, work: Callable[[neo4j_sync.Run], None]) -> None:
        """Do `work(run)` in one writing transaction; transient errors are tried again."""
        with self.session() as session:
            session.execute_write(lambda open_: work(_runner(open_)))

    def auto(self, cypher: str, **parameters: Any) -> Answer:
        """One statement that commits by itself, in several transactions if it says so."""
        with self.session() as session:
            return _answer(session.run(cypher, parameters))

    def reading(self, work: Callable[[neo4j_sync.Run], T]) -> T:
        """Do `work(run)` in a transaction that cannot write; transient errors are tried again."""
        with self.explained(), self.session(neo4j.READ_ACCESS) as session:
            return session.execute_read(lambda open_: work(_runner(open_)))

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns the driver's errors into StoreError or QueryError, one line each."""
        try:
            yield
        except HakyuError:
            raise
        except exceptions.Neo4jError as error:
            raise self._refusal(error) from None
        except (exceptions.ServiceUnavailable, exceptions.SessionExpired, exceptions.ConnectionAcquisitionTimeoutError, OSError) as error:
            raise StoreError(
                f"{self.place}: no Neo4j answers ({_first_line(error)}); start it (`docker compose up -d neo4j`), "
                "or unset NEO4J_URI to use the embedded graph"
            ) from None
        except (exceptions.ConfigurationError, ValueError) as error:
            raise StoreError(f"{self.place}: NEO4J_URI cannot be used ({_first_line(error)}); write it as bolt://host:7687") from None
        except exceptions.DriverError as error:
            raise StoreError(f"{self.place}: {_first_line(error)}") from None

    def _refusal(self, error: exceptions.Neo4jError) -> HakyuError:
        code = error.code or ""
        if isinstance(error, exceptions.AuthError) and code != "Neo.ClientError.Security.Forbidden":
            return StoreError(f"{self.place}: refused the name or the password; set NEO4J_USERNAME and NEO4J_PASSWORD")
        if code.endswith("DatabaseNotFound"):
            return StoreError(f"{self.place}: has no database {self._database!r}; set NEO4J_DATABASE to one it has, or unset it")
        if code.startswith(("Neo.ClientError.Statement.", "Neo.ClientError.Procedure.")):
            if code.endswith("AccessMode"):
                return QueryError("only reading is allowed here: the query would change the graph")
            return QueryError(f"the query was refused: {_first_line(error)}")
        return StoreError(f"{self.place}: {_first_line(error)} ({code})")

    def close(self) -> None:
        """Let go of the driver."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None


def _runner(open_: neo4j.Transaction | neo4j.ManagedTransaction) -> neo4j_sync.Run:
    def run(cypher: str, /, **parameters: Any) -> Answer:
        return _answer(open_.run(cypher, parameters))

    return run


def _answer(result: neo4j.Result) -> Answer:
    names = list(result.keys())
    rows = result.values()
    summary = result.consume()
    warnings = []
    for status in summary.gql_status_objects:
        if what := _UNKNOWN.get(status.gql_status):
            name = (re.findall(r"`(.+)`", status.status_description) or [status.status_description])[0]
            if name not in _DECLARED[what]:
                warnings.append(f"unknown {what} {name}")
    return Answer(names, rows, summary.query_type or "", _operators(summary.plan), list(dict.fromkeys(warnings)))


def _operators(plan: Mapping[str, Any] | None) -> set[str]:
    if not plan:
        return set()
    return {str(plan["operatorType"]).split("@")[0]}.union(*(_operators(child) for child in plan.get("children", ())))


def _first_line(error: Exception) -> str:
    text = getattr(error, "message", None) or str(error)
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)


class Neo4jStore:
    """A Store on a Neo4j server. Nothing is asked of the server before the first call.

    `username` and `password` empty: the server asks nobody. `database` None: the user's home database.
    `one_transaction`: changed rows up to which a sync is a single transaction.
    """

    engine = "neo4j"

    def __init__(
        self, uri: str, username: str = "neo4j", password: str = "", database: str | None = None, one_transaction: int = ONE_TRANSACTION
    ) -> None:  # fmt: skip
        self._connection = Connection(uri, username, password, database)
        self._one_transaction = one_transaction

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()

    def state(self) -> str | None:
        """See the port: None as well while a sync of several transactions has not come to its end."""
        found = self._connection.reading(neo4j_sync.marker)
        return found.state if found and found.complete else None

    def sync(self, view: View, derivations: Sequence[Derivation], progress: Progress = _silent) -> SyncReport:
        """See the port. Up to `one_transaction` changed rows the graph is, whatever happens, as it was or as it shall be.

        Beyond that the graph says meanwhile that it is incomplete, and the next sync finishes it.
        """
        nodes, edges = view.counts
        if self.state() != view.state:
            with self._connection.explained():
                derived = neo4j_sync.sync(self._connection, view, derivations, progress, self._one_transaction, self._check_step)
        else:
            derived = None
        return SyncReport(view.state, derived is not None, nodes, edges, self.rules(), derived or frozenset())

    def rules(self) -> dict[str, int]:
        """See the port."""
        counted = self._connection.reading(lambda run: run(f"MATCH ()-[r:{STEP}]->() RETURN r.rule, count(*) ORDER BY r.rule").rows)
        return {str(rule): int(count) for rule, count in counted}

    def _check_step(self, derivation: Derivation) -> None:
        # What a query does and returns is in its text, not in the graph; planning one takes the server up to a second.
        if derivation.cypher in _CHECKED:
            return
        try:
            names = self._connection.reading(lambda run: _explain(run, derivation.cypher, {})).names
        except QueryError as error:
            raise QueryError(f"{derivation.rule}: {error}") from None
        neo4j_sync.check_columns(derivation, names)
        _CHECKED.add(derivation.cypher)

    def _steady(self, work: Callable[[neo4j_sync.Run], T]) -> T:
        """Do `work(run)` on a whole graph that nobody changes meanwhile. Raises StoreError when there is none."""

        def watched(run: neo4j_sync.Run) -> T:
            before = _whole(neo4j_sync.marker(run), self._connection.place)
            result = work(run)
            if neo4j_sync.marker(run) != before:
                raise Moved
            return result

        for _ in range(TRIES):
            try:
                return self._connection.reading(watched)
            except Moved:
                continue
        raise StoreError(f"{self._connection.place}: the graph keeps changing; try again")

    def read(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """See the port. Columns without a value have the type of the declared property of that name, or else String."""
        given = dict(parameters or {})

        def work(run: neo4j_sync.Run) -> Answer:
            if warnings := _explain(run, cypher, given).warnings:
                raise QueryError(f"the query was refused: {'; '.join(warnings)}; `hakyu doctor` lists what there is")
            return run(cypher, **given)

        found = self._steady(work)
        return answers.frame(found.names, found.rows)

    def explain(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> list[str]:
        """See the port. Names that are declared but of which the graph has none yet are no warning."""
        return self._connection.reading(lambda run: _explain(run, cypher, dict(parameters or {}))).warnings

    def steps(self) -> pl.DataFrame:
        """See the port."""
        return self._steady(_read_steps)

    def nodes(self) -> pl.DataFrame:
        """See the port."""
        cells = {"key": "n.key", "kind": "n.kind", "name": "n.name"}
        found = self._steady(lambda run: _packed(run, "MATCH (n:Entity) WHERE n.kind <> 'Message'", cells, dict.fromkeys(cells, pl.String)))
        return found.sort("key")

    def projection(self, because: bool = False) -> Projection:
        """See the port."""
        return self._steady(lambda run: neo4j_projection.read(run, because))

    def dump(self) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
        """See the port."""
        return self._steady(_read_all)


def _whole(found: Marker | None, place: str) -> Marker:
    if found is None or (found.complete and found.state is None):
        raise StoreError(f"{place}: the graph is empty; load something first: `hakyu load PATH…`")
    if not found.complete:
        if found.holder:
            raise StoreError(f"{place}: the graph is being brought up to date by {found.holder}; try again when that has ended")
        raise StoreError(f"{place}: the last sync stopped midway; run `hakyu load` again to finish it")
    return found


def _explain(run: neo4j_sync.Run, cypher: str, parameters: dict[str, Any]) -> Answer:
    found = run("EXPLAIN " + cypher, **parameters)
    if found.query_type != "r":
        raise QueryError("only reading is allowed here: the query would change the graph")
    for operator in found.operators & _REFUSED_OPERATORS.keys():
        raise QueryError(f"only reading the graph is allowed here: the query {_REFUSED_OPERATORS[operator]}")
    return found


def _packed(run: neo4j_sync.Run, match: str, cells: Mapping[str, str], schema: Mapping[str, Any]) -> pl.DataFrame:
    """Rows of `cells` (column -> expression over n, or a, r, b) as one list of lists a page."""
    names = "a, r, b" if "[r" in match else "n"
    cypher = f"{match} WITH {names} SKIP $skip LIMIT $page RETURN collect([{', '.join(cells.values())}])"
    parts = [pl.DataFrame(schema=dict(schema))]
    while True:
        rows = run(cypher, skip=PAGE * (len(parts) - 1), page=PAGE).rows[0][0]
        parts.append(pl.DataFrame(rows, schema=dict(schema), orient="row"))
        if len(rows) < PAGE:
            return pl.concat(parts)


def _read_steps(run: neo4j_sync.Run) -> pl.DataFrame:
    cells = {"source": "a.key", "target": "b.key"} | {p.name: f"r.{p.name}" for p in STEP_COLUMNS}
    found = _packed(run, f"MATCH (a:Entity)-[r:{STEP}]->(b:Entity)", cells, {name: STEP_SCHEMA[name] for name in cells})
    return found.select(list(STEP_SCHEMA)).sort("source", "target", "rule", "opens", "closes")


def _read_all(run: neo4j_sync.Run) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    nodes, edges = {}, {}
    for label in NODES:
        schema = node_view_schema(label)
        frame = _packed(run, f"MATCH (n:Entity) WHERE n:`{label}`", {c: f"n.`{c}`" for c in schema}, schema)
        if frame.height:
            nodes[label] = frame.sort("key")
    ends = {"from_label": "a.kind", "from_key": "a.key", "to_label": "b.kind", "to_key": "b.key"}
    for type_ in EDGES:
        schema = edge_view_schema(type_)
        cells = {c: ends.get(c, f"r.`{c}`") for c in schema}
        frame = _packed(run, f"MATCH (a:Entity)-[r:`{type_}`]->(b:Entity)", cells, schema)
        if frame.height:
            edges[type_] = frame.sort("fact")
    steps = _read_steps(run)
    if steps.height:
        edges[STEP] = steps
    return nodes, edges
