"""The embedded graph: a ladybug file in the case folder, written once and never again.

Each state is a new file, built beside the others, checkpointed, closed, and then named by an atomically replaced pointer.
A file is never written after it is named, so any number of readers open it read-only while the next one is built, and a crash
costs nothing but the build. The only file that imports ladybug.

A small load copies the last file and changes what differs (embedded_build.py); a large one, a file that has been copied often, that
has grown, or of which nothing is known is made anew. Either way the graph is the same. What was derived is kept for the next time
(embedded_cache.py).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import ladybug
import polars as pl
import pyarrow as pa

from graphmodel.errors import QueryError, StoreError
from graphmodel.kinds import EDGES, NODES, STEP, STEP_COLUMNS
from graphmodel.ledger import replace_file
from graphmodel.store import embedded_build as build
from graphmodel.store.allocator import give_back
from graphmodel.store.embedded_build import Plan, Steps, Tables
from graphmodel.store.embedded_cache import Cache, Manifest, read_manifest
from graphmodel.store.ordering import in_order, without_comments
from graphmodel.store.port import PROJECTED, Derivation, Progress, Projection, SyncReport
from graphmodel.store.prints import Prints
from graphmodel.store.step_rows import MADE_BY, STEP_SCHEMA, projected
from graphmodel.view import View, edge_view_schema, node_view_schema

_SCHEMA = sha256(repr((ladybug.__version__, build.schema_statements(), build.columns(STEP_COLUMNS))).encode()).hexdigest()[:16]
"""Of what a file's tables are: a file with others is made anew."""
AT_ONCE = 100_000
"""Rows of a graph up to which its file is written in one transaction (benchmarks/README.md)."""
_WRITES = re.compile(r"^\s*(CREATE|MERGE|DELETE|DETACH|SET|DROP|COPY|ALTER|INSTALL|LOAD|ATTACH|EXPORT|IMPORT|CALL|CHECKPOINT)\b", re.IGNORECASE)


def _silent(_: str) -> None:
    return None


class EmbeddedStore:
    """A Store over `<case>/graph/`. `folder` need not exist before the first sync.

    `share`: of all rows, up to which the last file is copied and changed; 0: every file is made anew.
    """

    engine = "embedded"

    def __init__(self, folder: Path, share: float = build.SHARE) -> None:
        self._folder = folder
        self._share = share
        self._cache = Cache(folder / "cache")
        self._pointer = folder / "current"
        self._database: ladybug.Database | None = None
        self._connections: tuple[ladybug.Connection, ladybug.Connection] | None = None  # with all threads, and with one
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
        for connection in self._connections or ():
            connection.close()
        if self._database is not None:
            self._database.close()
        self._connections = self._database = self._open_name = None

    def _reader(self, ordered: bool = False) -> ladybug.Connection:
        """A connection to the named file; follows the pointer when another process has named a newer one.

        `ordered`: for a query that sorts. Where several threads sort, ladybug 0.22 gives rows that are alike in a text before the last key in
        the wrong order, once in some forty runs, and so the wrong ones of a LIMIT (graphmodel/store/ordering.py says what else).
        """
        for _ in range(3):
            name = self._named()
            if name is None:
                raise StoreError("the graph is empty; load something first: `hakyu load PATH…`")
            if self._connections is not None and name == self._open_name:
                return self._connections[ordered]
            self.close()
            try:
                self._database = ladybug.Database(str(self._folder / name), read_only=True)
                self._connections = ladybug.Connection(self._database), ladybug.Connection(self._database, num_threads=1)
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
            return SyncReport(view.state, False, nodes, edges, self.rules())
        derived = self._make(name, view, derivations, progress)
        before = self._named()
        replace_file(self._pointer, name)
        self.close()
        self._sweep({name, before})  # the one before, for readers that have read the pointer but not yet opened the file
        return SyncReport(view.state, True, nodes, edges, self.rules(), derived)

    def rules(self) -> dict[str, int]:
        """See the port."""
        rows = _frame(self._reader().execute(f"MATCH ()-[r:{STEP}]->() RETURN r.rule AS rule, count(*) AS n ORDER BY rule"))
        return dict(rows.iter_rows())

    def _make(self, name: str, view: View, derivations: Sequence[Derivation], progress: Progress) -> frozenset[str]:
        """A file of that name, whole and on disk, with what is known of it; or none. The rules that were derived for it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        building = self._folder / f".build-{os.getpid()}.lbug"
        work = _Work(building, view, derivations, self._cache, progress)
        self._remove(building)
        try:
            made = self._changed(work) or work.anew()
        except BaseException:
            self._remove(building)
            raise
        with building.open("rb") as stream:
            os.fsync(stream.fileno())
        self._manifest(name).unlink(missing_ok=True)
        building.replace(self._folder / name)
        made.write(self._manifest(name))
        return work.derived

    def _changed(self, work: _Work) -> Manifest | None:
        """The last file copied and changed; None when that cannot be or is not worth it, or went wrong."""
        named = self._named()
        if named is None or (last := read_manifest(self._manifest(named))) is None:
            return None
        try:
            if not work.worth(last, (self._folder / named).stat().st_size, self._share):
                return None
            shutil.copyfile(self._folder / named, work.path)
            return work.changed(last)
        except (OSError, StoreError) as error:  # a file that cannot be read or changed: what it should hold is all in the view
            work.progress(f"graph: made anew ({_first_line(error)})")
            self._remove(work.path)
            return None

    def _manifest(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _sweep(self, keep: set[str | None]) -> None:
        for path in self._folder.iterdir():
            stem = path.name.split(".lbug")[0] + ".lbug"
            if path.is_file() and path.name != "current" and stem not in keep:
                self._remove(path)
        named = read_manifest(self._manifest(self._named() or ""))
        self._cache.sweep(named.names if named else ())

    @staticmethod
    def _remove(path: Path) -> None:
        for victim in (path, path.with_name(path.name + ".wal"), path.with_name(path.name + ".shadow"), path.with_name(path.name + ".tmp")):
            victim.unlink(missing_ok=True)

    def read(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """See the port."""
        found = in_order(cypher, _frame(_run(self._reader("order by" in cypher.lower()), cypher, parameters)))
        sums = [name for name, kind in found.schema.items() if isinstance(kind, pl.Decimal) and kind.scale == 0]
        return found.with_columns(pl.col(sums).cast(pl.Int64))

    def explain(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> list[str]:
        """See the port: this engine refuses unknown names outright, so there is nothing left to warn of."""
        _run(self._reader(), "EXPLAIN " + without_comments(cypher), parameters)
        return []

    def steps(self) -> pl.DataFrame:
        """See the port."""
        return _read_steps(self._reader())

    def nodes(self) -> pl.DataFrame:
        """See the port."""
        return _read_nodes(self._reader()).drop("id").sort("key")

    def projection(self, because: bool = False) -> Projection:
        """See the port."""
        connection = self._reader()
        nodes = _read_nodes(connection)
        # Numbers only, pair by pair: there a node's place in its table is its id. A rule's other words are the same for all its steps.
        pairs = _frame(connection.execute(f"CALL show_connection('{STEP}') RETURN *")).rows()
        own = "offset(id(a)) AS source, offset(id(b)) AS target, r.opens AS opens, r.closes AS closes, r.rule AS rule" + (", r.because AS because" if because else "")
        more = [pl.col("because").cast(pl.List(pl.String))] if because else []
        parts = []
        for a, b, *_ in pairs:
            rows = _frame(connection.execute(f"MATCH (a:`{a}`)-[r:{STEP}]->(b:`{b}`) RETURN {own}"))
            parts.append(rows.select(_plain(a, "source"), _plain(b, "target"), pl.col("opens", "closes").cast(pl.Int64), pl.col("rule").cast(pl.String), *more))
        return projected(nodes, pl.concat(parts), self._headers(connection))

    def _headers(self, connection: ladybug.Connection) -> pl.DataFrame:
        """What the steps of each rule have in common: the manifest says it, or else the file."""
        known = read_manifest(self._manifest(self._open_name or ""))
        if known is not None:
            return pl.DataFrame([rows.header for rows in known.rules.values()], schema=dict.fromkeys(PROJECTED[4:], pl.String), orient="row")
        words = ", ".join(f"r.{name} AS {name}" for name in PROJECTED[4:])
        return _frame(connection.execute(f"MATCH (a)-[r:{STEP}]->(b) RETURN DISTINCT {words}")).cast(pl.String)

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


class _Work:
    """The making of one file."""

    def __init__(self, path: Path, view: View, derivations: Sequence[Derivation], cache: Cache, progress: Progress) -> None:
        self.path = path
        self._view = view
        self._derivations = derivations
        self._cache = cache
        self.progress = progress
        self._prints = Prints(view)
        self._tables = Tables.of(self._prints)
        self._rules = self._prints.rules(derivations, f"{MADE_BY} {ladybug.__version__}")
        self._small = sum(view.counts) <= AT_ONCE
        self._plan: Plan | None = None
        self.derived: frozenset[str] = frozenset()

    def worth(self, last: Manifest, size: int, share: float) -> bool:
        """Whether the last file (of `size` bytes) should be copied and changed rather than made anew."""
        rows = sum(self._view.counts)
        if last.schema != _SCHEMA or not build.sound(last, size) or not rows:
            return False
        self._plan = build.plan(self._tables, last, self._cache)
        return self._plan is not None and self._plan.rows <= share * rows

    def changed(self, last: Manifest) -> Manifest:
        """Change the copy that lies at `path`."""
        assert self._plan is not None  # noqa: S101 - `worth` said so
        with _writing(self.path, self._small) as writer:
            steps = Steps(writer, self._view, self._derivations, self._rules, last, self._cache)
            dropped = build.facts_changed(writer, self._plan, sorted(steps.there), self.progress)
            steps.derive(self.progress)
            steps.write_changes(dropped)
        return self._made(steps, last.copies + 1, last.fresh)

    def anew(self) -> Manifest:
        """Make the file at `path`."""
        with _writing(self.path, self._small) as writer:
            build.facts_anew(writer, self._tables, self.progress)
            steps = Steps(writer, self._view, self._derivations, self._rules, Manifest(_SCHEMA), self._cache)
            steps.derive(self.progress)
            steps.write_all()
        return self._made(steps, 0, None)

    def _made(self, steps: Steps, copies: int, fresh: float | None) -> Manifest:
        self.derived = frozenset(steps.derived)
        nodes, edges = self._tables.remember(self._cache)
        size, rows = self.path.stat().st_size, sum(self._view.counts)
        return Manifest(_SCHEMA, size, rows, copies, fresh if fresh is not None else size / max(rows, 1), nodes, edges, steps.rules)


class _Writer:
    """A connection to a file that is being made."""

    def __init__(self, connection: ladybug.Connection) -> None:
        self._connection = connection

    def execute(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> None:
        self._connection.execute(cypher, dict(parameters or {}))

    def copy(self, table: str, rows: pa.Table, options: str = "") -> None:
        assert isinstance(rows, pa.Table)  # noqa: S101 - the engine finds `rows` by its name
        self._connection.execute(f"COPY `{table}` FROM rows{options}")

    def merge(self, table: str, rows: pa.Table) -> None:
        own = ", ".join(f"n.`{name}` = `{name}`" for name in rows.column_names if name != "key")
        self._connection.execute(f"LOAD FROM rows MERGE (n:`{table}` {{`key`: `key`}}) SET {own}")

    def query(self, cypher: str) -> pl.DataFrame:
        return _frame(_run(self._connection, cypher, None))


@contextmanager
def _writing(path: Path, at_once: bool) -> Iterator[_Writer]:
    """A file open for writing; whole and closed afterwards. Raises StoreError for whatever the engine says.

    `at_once`: in one transaction. It waits for the disk once instead of once a table, but writes all rows into the log first.
    """
    database = connection = None
    try:
        database = ladybug.Database(str(path))
        connection = ladybug.Connection(database)
        if at_once:
            connection.execute("BEGIN TRANSACTION")
        yield _Writer(connection)
        if at_once:
            connection.execute("COMMIT")
        connection.execute("CHECKPOINT")
    except RuntimeError as error:
        raise StoreError(f"{path.parent}: the graph could not be built: {_first_line(error)}") from error
    finally:
        if connection is not None:
            connection.close()
        if database is not None:
            database.close()
            give_back()


_TABLES = {label: number << 40 for number, label in enumerate(NODES)}


def _plain(label: str, column: str) -> pl.Expr:
    """A node's place in its label's table as a number that no other node has."""
    return (pl.col(column).cast(pl.Int64) + _TABLES[label]).alias(column)


def _read_nodes(connection: ladybug.Connection) -> pl.DataFrame:
    """All nodes that are no Message: `id, key, kind, name`."""
    cypher = "MATCH (n:`{}`) RETURN offset(id(n)) AS id, n.key AS `key`, n.kind AS kind, n.name AS name"
    frames = {label: _frame(connection.execute(cypher.format(label))) for label in NODES if label != "Message"}
    return pl.concat([frame.select(_plain(label, "id"), pl.col("key", "kind", "name").cast(pl.String)) for label, frame in frames.items()])


def _read_steps(connection: ladybug.Connection) -> pl.DataFrame:
    own = ", ".join(f"r.{p.name} AS {p.name}" for p in STEP_COLUMNS)
    frame = _frame(connection.execute(f"MATCH (a)-[r:{STEP}]->(b) RETURN a.key AS source, b.key AS target, {own}"))
    return frame.cast(STEP_SCHEMA).select(list(STEP_SCHEMA)).sort("source", "target", "rule", "opens", "closes")  # type: ignore[arg-type]


def _run(connection: ladybug.Connection, cypher: str, parameters: Mapping[str, Any] | None) -> ladybug.QueryResult:
    """Run one read-only query. Raises QueryError in one line."""
    text = without_comments(cypher)
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
