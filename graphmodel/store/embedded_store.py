"""The embedded graph: a ladybug file in the case folder, written once and never again.

Each state is a new file, built beside the others, checkpointed, closed, and then named by an atomically replaced pointer.
A file is never written after it is named, so any number of readers open it read-only while the next one is built, and a crash
costs nothing but the build. The only file that imports ladybug.

The file is made anew from the view rather than as a copy of the last one plus a difference: a file without deletions has no
history that could go wrong. The price (benchmarks/README.md, 1.1 million edges): 2 s to merge the loads, which both ways need, 8 s
for the facts and 11 s for a million steps, where a copy alone takes 0.2 s. Steps would have to be derived anew all the same, so
what a difference could save is the facts' share.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ladybug
import polars as pl
import pyarrow as pa

from graphmodel.errors import QueryError, StoreError
from graphmodel.kinds import EDGES, NODES, STEP, STEP_COLUMNS, Property
from graphmodel.ledger import replace_file
from graphmodel.store.port import Derivation, Progress, SyncReport
from graphmodel.store.step_rows import STEP_SCHEMA, step_rows
from graphmodel.view import View, edge_view_schema, node_view_schema

_SQL_TYPES = {"string": "STRING", "int": "INT64", "bool": "BOOL", "float": "DOUBLE", "strings": "STRING[]", "ints": "INT64[]"}
_WRITES = re.compile(r"^\s*(CREATE|MERGE|DELETE|DETACH|SET|DROP|COPY|ALTER|INSTALL|LOAD|ATTACH|EXPORT|IMPORT|CALL|CHECKPOINT)\b", re.IGNORECASE)


def _columns(properties: Sequence[Property]) -> str:
    return ", ".join(f"`{p.name}` {_SQL_TYPES[p.type]}" for p in properties)


def schema_statements() -> list[str]:
    """The typed tables of the graph, made from kinds.py (STEP comes with its rows: its pairs are what the steps produce)."""
    nodes = [f"CREATE NODE TABLE `{kind.label}`({_columns(kind.columns)}, PRIMARY KEY(`key`))" for kind in NODES.values()]
    edges = [
        f"CREATE REL TABLE `{kind.type}`({_pairs(kind.pairs)}, {_columns(kind.columns)})" for kind in EDGES.values()
    ]
    return nodes + edges


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"FROM `{source}` TO `{target}`" for source, target in pairs)


def _silent(_: str) -> None:
    return None


class EmbeddedStore:
    """A Store over `<case>/graph/`. `folder` need not exist before the first sync."""

    engine = "embedded"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pointer = folder / "current"
        self._database: ladybug.Database | None = None
        self._connection: ladybug.Connection | None = None
        self._open_name: str | None = None

    def state(self) -> str | None:
        """The state of the named file; None when there is none."""
        name = self._named()
        return name.removesuffix(".lbug") if name and (self._folder / name).is_file() else None

    def _named(self) -> str | None:
        try:
            return self._pointer.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
        if self._database is not None:
            self._database.close()
        self._connection = self._database = self._open_name = None

    def _reader(self) -> ladybug.Connection:
        """A connection to the named file; follows the pointer when another process has named a newer one."""
        for _ in range(3):
            name = self._named()
            if name is None:
                raise StoreError("the graph is empty; load something first: `hakyu load PATH…`")
            if self._connection is not None and name == self._open_name:
                return self._connection
            self.close()
            try:
                self._database = ladybug.Database(str(self._folder / name), read_only=True)
                self._connection = ladybug.Connection(self._database)
                self._open_name = name
            except RuntimeError as error:
                if self._named() == name:
                    raise StoreError(f"{self._folder / name}: cannot be opened ({_first_line(error)}); `hakyu doctor --rebuild` makes it anew") from None
        raise StoreError(f"{self._folder}: the graph keeps changing; try again")

    def sync(self, view: View, derivations: Sequence[Derivation], progress: Progress = _silent) -> SyncReport:
        """See the port. A file of this state that is there but not named is made anew: it may be what a rebuild is to get rid of."""
        nodes, edges = view.counts
        name = f"{view.state}.lbug"
        if self.state() == view.state:
            return SyncReport(view.state, False, nodes, edges, _count_rules(self.steps()))
        self._make(name, view, derivations, progress)
        before = self._named()
        replace_file(self._pointer, name)
        self.close()
        self._sweep({name, before})  # the one before, for readers that have read the pointer but not yet opened the file
        return SyncReport(view.state, True, nodes, edges, _count_rules(self.steps()))

    def _make(self, name: str, view: View, derivations: Sequence[Derivation], progress: Progress) -> None:
        """A file of that name, whole and on disk, or none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        building = self._folder / f".build-{os.getpid()}.lbug"
        self._remove(building)
        try:
            _build(building, view, derivations, progress)
        except BaseException:
            self._remove(building)
            raise
        with building.open("rb") as stream:
            os.fsync(stream.fileno())
        building.replace(self._folder / name)

    def _sweep(self, keep: set[str | None]) -> None:
        for path in self._folder.iterdir():
            stem = path.name.split(".lbug")[0] + ".lbug"
            if path.name != "current" and stem not in keep:
                self._remove(path)

    @staticmethod
    def _remove(path: Path) -> None:
        for victim in (path, path.with_name(path.name + ".wal"), path.with_name(path.name + ".shadow"), path.with_name(path.name + ".tmp")):
            victim.unlink(missing_ok=True)

    def read(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """See the port."""
        return _frame(_run(self._reader(), cypher, parameters))

    def explain(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> list[str]:
        """See the port: this engine refuses unknown names outright, so there is nothing left to warn of."""
        _run(self._reader(), "EXPLAIN " + _without_comments(cypher), parameters)
        return []

    def steps(self) -> pl.DataFrame:
        """See the port."""
        return _read_steps(self._reader())

    def nodes(self) -> pl.DataFrame:
        """See the port."""
        connection = self._reader()
        frames = [
            _frame(connection.execute(f"MATCH (n:`{label}`) RETURN n.key AS `key`, n.kind AS kind, n.name AS name")).cast(pl.String)
            for label in NODES
            if label != "Message"
        ]
        return pl.concat(frames).sort("key")

    def dump(self) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
        """See the port."""
        connection = self._reader()
        nodes, edges = {}, {}
        for label in NODES:
            schema = node_view_schema(label)
            cells = ", ".join(f"n.`{c}` AS `{c}`" for c in schema)
            frame = _frame(connection.execute(f"MATCH (n:`{label}`) RETURN {cells}"))
            if frame.height:
                nodes[label] = frame.cast(schema).sort("key")  # type: ignore[arg-type]
        for type_ in EDGES:
            schema = edge_view_schema(type_)
            own = ", ".join(f"r.`{c}` AS `{c}`" for c in schema if not c.startswith(("from_", "to_")))
            ends = "a.kind AS from_label, a.key AS from_key, b.kind AS to_label, b.key AS to_key"
            frame = _frame(connection.execute(f"MATCH (a)-[r:`{type_}`]->(b) RETURN {ends}, {own}"))
            if frame.height:
                edges[type_] = frame.cast(schema).sort("fact")  # type: ignore[arg-type]
        steps = _read_steps(connection)
        if steps.height:
            edges[STEP] = steps
        return nodes, edges


def _build(path: Path, view: View, derivations: Sequence[Derivation], progress: Progress) -> None:
    """Write the file of a view: tables, facts, steps."""
    database = ladybug.Database(str(path))
    connection = ladybug.Connection(database)
    try:
        for statement in schema_statements():
            connection.execute(statement)
        for label, frame in view.nodes.items():
            progress(f"graph: {frame.height:,} {label}")
            _copy(connection, label, frame.select(list(node_view_schema(label))))
        for type_, frame in view.edges.items():
            progress(f"graph: {frame.height:,} {type_}")
            _copy_edges(connection, type_, frame)
        steps = _derive(connection, derivations, progress)
        kinds = pl.concat([frame.select("key", "kind") for frame in view.nodes.values()]) if view.nodes else _NO_KINDS
        _write_steps(connection, steps, kinds)
        connection.execute("CHECKPOINT")
    except RuntimeError as error:
        raise StoreError(f"{path.parent}: the graph could not be built: {_first_line(error)}") from error
    finally:
        connection.close()
        database.close()


_NO_KINDS = pl.DataFrame(schema={"key": pl.String, "kind": pl.String})


def _copy(connection: ladybug.Connection, table: str, frame: pl.DataFrame, ends: str = "") -> None:
    rows = frame.to_arrow()  # found by the engine under this name
    assert isinstance(rows, pa.Table)  # noqa: S101 - keeps `rows` from being taken for unused
    connection.execute(f"COPY `{table}` FROM rows{ends}")


def _copy_edges(connection: ladybug.Connection, type_: str, frame: pl.DataFrame) -> None:
    several = len(EDGES[type_].pairs) > 1 if type_ in EDGES else True
    for (source, target), part in frame.partition_by("from_label", "to_label", as_dict=True).items():
        ends = f" (from='{source}', to='{target}')" if several else ""
        _copy(connection, type_, part.drop("from_label", "to_label"), ends)


def _derive(connection: ladybug.Connection, derivations: Sequence[Derivation], progress: Progress) -> pl.DataFrame:
    """Run the step files and gather their rows (columns of STEP_SCHEMA)."""
    found = []
    for derivation in derivations:
        rows = step_rows(derivation, _frame(_run(connection, derivation.cypher, None)))
        progress(f"steps: {rows.height:,} {derivation.rule}")
        found.append(rows)
    return pl.concat(found) if found else pl.DataFrame(schema=STEP_SCHEMA)


def _write_steps(connection: ladybug.Connection, steps: pl.DataFrame, kinds: pl.DataFrame) -> None:
    source = kinds.select(pl.col("key").alias("source"), pl.col("kind").alias("from_label"))
    target = kinds.select(pl.col("key").alias("target"), pl.col("kind").alias("to_label"))
    full = steps.join(source, on="source").join(target, on="target").rename({"source": "from_key", "target": "to_key"})
    pairs = full.select("from_label", "to_label").unique().sort("from_label", "to_label").rows() or [("Account", "Mailbox")]
    connection.execute(f"CREATE REL TABLE `{STEP}`({_pairs(pairs)}, {_columns(STEP_COLUMNS)})")
    columns = ["from_label", "from_key", "to_label", "to_key", *(p.name for p in STEP_COLUMNS)]
    for (a, b), part in full.select(columns).partition_by("from_label", "to_label", as_dict=True).items():
        ends = f" (from='{a}', to='{b}')" if len(pairs) > 1 else ""
        _copy(connection, STEP, part.drop("from_label", "to_label"), ends)


def _read_steps(connection: ladybug.Connection) -> pl.DataFrame:
    own = ", ".join(f"r.{p.name} AS {p.name}" for p in STEP_COLUMNS)
    frame = _frame(connection.execute(f"MATCH (a)-[r:{STEP}]->(b) RETURN a.key AS source, b.key AS target, {own}"))
    return frame.cast(STEP_SCHEMA).select(list(STEP_SCHEMA)).sort("source", "target", "rule", "opens", "closes")  # type: ignore[arg-type]


def _count_rules(steps: pl.DataFrame) -> dict[str, int]:
    return dict(steps.group_by("rule").len().sort("rule").iter_rows())


def _run(connection: ladybug.Connection, cypher: str, parameters: Mapping[str, Any] | None) -> ladybug.QueryResult:
    """Run one read-only query. Raises QueryError in one line."""
    text = _without_comments(cypher)
    if _WRITES.match(text):
        raise QueryError("only reading is allowed here: a query begins with MATCH, UNWIND, WITH or RETURN")
    try:
        result = connection.execute(text, dict(parameters or {}))
    except RuntimeError as error:
        message = _first_line(error)
        if "read-only" in message:
            raise QueryError("only reading is allowed here: the query would change the graph") from None
        raise QueryError(f"the query was refused: {message}") from None
    if isinstance(result, list):
        raise QueryError("one query at a time, please")
    return result


def _without_comments(cypher: str) -> str:
    kept = [line for line in cypher.splitlines() if not line.lstrip().startswith("//")]
    return "\n".join(kept).strip().rstrip(";")


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _frame(result: ladybug.QueryResult | list[ladybug.QueryResult]) -> pl.DataFrame:
    """A result as a frame with unique column names; nodes and relationships become structs of their properties."""
    one: Any = result[0] if isinstance(result, list) else result
    names = one.get_column_names()
    if len(set(names)) != len(names):
        raise QueryError("two columns have the same name; name them with AS")
    frame = pl.DataFrame(pl.from_arrow(one.get_as_arrow()))
    return frame.with_columns([pl.col(c).cast(pl.String) for c, t in frame.schema.items() if t == pl.Null])
