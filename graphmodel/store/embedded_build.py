"""How an embedded graph file is written: wholly anew, or as a copy of the last one with what differs.

A file is only written before it is named. In a copy, node tables get new rows, changed ones are set, gone ones deleted; relationships
are changed by the pair of labels that they join: where nothing went away new rows are copied in, else the pair is dropped from its
table and copied anew. (One relationship changed in place makes the engine write the pair's whole table again at the next checkpoint.)
STEP is treated likewise, with the rows of the rules that were derived anew, compared with those that they had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl
import pyarrow as pa

from graphmodel.kinds import EDGES, NODES, STEP, STEP_COLUMNS, Property
from graphmodel.store.difference import FINGERPRINT, NodeChanges, node_changes
from graphmodel.store.embedded_cache import Cache, Manifest, Pair, RuleRows, part_name, rows_digest
from graphmodel.store.port import Derivation, Progress
from graphmodel.store.prints import Prints, may_find
from graphmodel.store.step_rows import STEP_SCHEMA, step_rows
from graphmodel.view import View

SHARE = 0.5
"""Share of all rows up to which a copy is changed; beyond, little is saved (benchmarks/store.py)."""
COPIES = 30
"""How many times a file is copied and changed before one is made anew: history is kept short."""
GROWTH = 2.0
"""How many times the bytes a row of one made anew a file may have."""
SMALL = 32 << 20
"""Bytes below which nobody minds growth."""
GONE = 5_000
"""Nodes of one label that are deleted one by one; beyond, the file is made anew."""

_SQL_TYPES = {"string": "STRING", "int": "INT64", "bool": "BOOL", "float": "DOUBLE", "strings": "STRING[]", "ints": "INT64[]"}
_CACHED = ("from_label", "source", "to_label", "target", "opens", "closes", "because")
_NO_NODE = pl.DataFrame(schema={"key": pl.String, FINGERPRINT: pl.Int64})
_NO_STEP: Pair = ("Account", "Mailbox")  # a relationship table has a pair, even where there is no step


class Connection(Protocol):
    """What is needed of the engine: `execute` raises RuntimeError, `query` QueryError."""

    def execute(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Run a statement."""

    def copy(self, table: str, rows: pa.Table, options: str = "") -> None:
        """COPY rows into a table."""

    def merge(self, table: str, rows: pa.Table) -> None:
        """Set the properties of nodes by their keys."""

    def query(self, cypher: str) -> pl.DataFrame:
        """Rows of a read-only query."""


def columns(properties: Sequence[Property]) -> str:
    """Typed columns, as CREATE TABLE wants them."""
    return ", ".join(f"`{p.name}` {_SQL_TYPES[p.type]}" for p in properties)


def schema_statements() -> list[str]:
    """The typed tables of the graph, made from kinds.py (STEP comes with its rows: its pairs are what the steps produce)."""
    nodes = [f"CREATE NODE TABLE `{kind.label}`({columns(kind.columns)}, PRIMARY KEY(`key`))" for kind in NODES.values()]
    edges = [f"CREATE REL TABLE `{kind.type}`({_pairs(kind.pairs)}, {columns(kind.columns)})" for kind in EDGES.values()]
    return nodes + edges


def _pairs(pairs: Sequence[Pair]) -> str:
    return ", ".join(f"FROM `{source}` TO `{target}`" for source, target in pairs)


# -- what differs ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """Relationships of one type and pair of labels. `rows`: to be copied in, after the pair was dropped if `replace`."""

    type: str
    pair: Pair
    rows: pl.DataFrame
    replace: bool


@dataclass
class Plan:
    """What makes the last file the wanted one, but for the steps."""

    nodes: dict[str, NodeChanges] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows are written."""
        nodes = sum(len(c.gone) + c.new.height + c.changed.height for c in self.nodes.values())
        return nodes + sum(part.rows.height for part in self.parts)


@dataclass(frozen=True)
class Tables:
    """A view's rows by label, and by type and pair, each with fingerprints, and their names in the cache."""

    nodes: dict[str, pl.DataFrame]
    edges: dict[tuple[str, Pair], pl.DataFrame]

    @classmethod
    def of(cls, prints: Prints) -> Tables:
        """The tables of a view."""
        edges = {
            (type_, (str(pair[0]), str(pair[1]))): part.drop("from_label", "to_label")
            for type_, frame in prints.edges.items()
            for pair, part in frame.partition_by("from_label", "to_label", as_dict=True, maintain_order=True).items()
        }
        return cls(prints.nodes, edges)

    def remember(self, cache: Cache) -> tuple[dict[str, str], dict[str, str]]:
        """Put all fingerprints into the cache; their names (nodes, edges)."""
        nodes = {label: cache.put_prints(frame.select("key", FINGERPRINT)) for label, frame in self.nodes.items()}
        edges = {part_name(type_, *pair): cache.put_prints(frame.select(FINGERPRINT)) for (type_, pair), frame in self.edges.items()}
        return nodes, edges


def sound(last: Manifest, size: int) -> bool:
    """Whether the last file (of `size` bytes) is the one that its manifest speaks of, and neither copied too often nor grown too much."""
    grown = size > SMALL and size > GROWTH * last.fresh * last.rows
    return size == last.bytes and last.copies < COPIES and not grown


def plan(tables: Tables, last: Manifest, cache: Cache) -> Plan | None:
    """What differs from the last file; None when that is not known, or the file had better be made anew."""
    found = Plan()
    for label in sorted({*tables.nodes, *last.nodes}):
        frame = tables.nodes.get(label, _NO_NODE)
        if last.nodes.get(label) == rows_digest(frame.select("key", FINGERPRINT)):
            continue
        there = cache.prints(last.nodes[label]) if label in last.nodes else _NO_NODE
        if there is None:
            return None
        differs = node_changes(frame, there)
        if len(differs.gone) > GONE:
            return None
        if len(differs.gone) + differs.new.height + differs.changed.height:
            found.nodes[label] = differs
    for name in sorted(last.edges.keys() - {part_name(type_, *pair) for type_, pair in tables.edges}):
        type_, source, target = name.split("|")
        found.parts.append(Part(type_, (source, target), pl.DataFrame(), replace=True))
    for (type_, pair), frame in tables.edges.items():
        known = last.edges.get(part_name(type_, *pair))
        if known != rows_digest(frame.select(FINGERPRINT)):
            found.parts.append(_part(type_, pair, frame, cache.prints(known) if known else None, new=known is None))
    return found


def _part(type_: str, pair: Pair, frame: pl.DataFrame, there: pl.DataFrame | None, new: bool) -> Part:
    if new:
        return Part(type_, pair, frame, replace=False)
    if there is None or there.join(frame, on=FINGERPRINT, how="anti").height:
        return Part(type_, pair, frame, replace=True)
    return Part(type_, pair, frame.join(there, on=FINGERPRINT, how="anti"), replace=False)


# -- facts -------------------------------------------------------------------------------------------------------------


def facts_anew(connection: Connection, tables: Tables, progress: Progress) -> None:
    """All tables and all facts, into an empty file."""
    for statement in schema_statements():
        connection.execute(statement)
    for label, frame in tables.nodes.items():
        progress(f"graph: {frame.height:,} {label}")
        connection.copy(label, _arrow(frame))
    for (type_, pair), frame in tables.edges.items():
        progress(f"graph: {frame.height:,} {type_}")
        _copy_pair(connection, type_, pair, frame)


def facts_changed(connection: Connection, differs: Plan, step_pairs: Sequence[Pair], progress: Progress) -> set[Pair]:
    """Change the facts of a copy. The pairs of STEP that had to go with nodes that are gone."""
    for part in differs.parts:
        if part.replace:
            _drop_pair(connection, part.type, part.pair)
            connection.execute(f"ALTER TABLE `{part.type}` ADD {_pairs([part.pair])}")
    losing = {label for label, change in differs.nodes.items() if len(change.gone)}
    dropped = {pair for pair in step_pairs if losing & {*pair}}
    for pair in sorted(dropped):
        _drop_pair(connection, STEP, pair)
    for label, change in differs.nodes.items():
        progress(f"graph: {len(change.gone) + change.new.height + change.changed.height:,} {label} changed")
        if len(change.gone):
            connection.execute(f"MATCH (n:`{label}`) WHERE n.`key` IN $keys DELETE n", {"keys": change.gone.to_list()})
        if change.new.height:
            connection.copy(label, _arrow(change.new))
        if change.changed.height:
            connection.merge(label, _arrow(change.changed))
    for part in differs.parts:
        progress(f"graph: {part.rows.height:,} {part.type} copied")
        if part.rows.height:
            _copy_pair(connection, part.type, part.pair, part.rows)
    return dropped


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.drop(FINGERPRINT, strict=False).to_arrow()


def _copy_pair(connection: Connection, type_: str, pair: Pair, frame: pl.DataFrame) -> None:
    connection.copy(type_, _arrow(frame), f" (from='{pair[0]}', to='{pair[1]}')")


def _drop_pair(connection: Connection, type_: str, pair: Pair) -> None:
    connection.execute(f"ALTER TABLE `{type_}` DROP {_pairs([pair])}")


# -- steps -------------------------------------------------------------------------------------------------------------


class Steps:
    """The steps of a file that is being written: derived where a rule's fingerprint changed, else as they were.

    `rules`: what the manifest will say of them; `derived`: those that `derive` derived.
    """

    def __init__(
        self, connection: Connection, view: View, derivations: Sequence[Derivation], wanted: Mapping[str, str], last: Manifest, cache: Cache
    ) -> None:  # fmt: skip
        self._connection = connection
        self._derivations = {derivation.rule: derivation for derivation in derivations}
        self._wanted = wanted
        self._last = last.rules
        self._cache = cache
        self._kinds = _kinds(view)
        self._types = {type_ for type_, frame in view.edges.items() if frame.height}
        self._frames: dict[str, pl.DataFrame] = {}
        self.rules: dict[str, RuleRows] = {}
        self.derived: set[str] = set()

    @property
    def there(self) -> set[Pair]:
        """The pairs of STEP in the last file."""
        return {pair for rows in self._last.values() for pair in rows.pairs} or {_NO_STEP}

    def derive(self, progress: Progress) -> None:
        """Derive every rule whose fingerprint is not that of the last file; the facts have to be there."""
        for rule in self._derivations:
            known = self._last.get(rule)
            if known is not None and known.print == self._wanted[rule]:
                self.rules[rule] = known
            else:
                progress(f"steps: {self._derived(rule).height:,} {rule}")
                self.derived.add(rule)

    def _derived(self, rule: str) -> pl.DataFrame:
        derivation = self._derivations[rule]
        runs = may_find(derivation.cypher, self._types)
        found = step_rows(derivation, self._connection.query(derivation.cypher)) if runs else pl.DataFrame(schema=STEP_SCHEMA)
        rows = self._with_labels(found).select(_CACHED)
        pairs = tuple(sorted((str(a), str(b)) for a, b in rows.select("from_label", "to_label").unique().rows()))
        self._cache.put(self._wanted[rule], rows)
        self.rules[rule] = RuleRows(self._wanted[rule], rows_digest(rows), _header(derivation), pairs)
        self._frames[rule] = rows
        return rows

    def _frame(self, rule: str) -> pl.DataFrame:
        """A rule's rows; derived again where the cache has lost them."""
        if rule not in self._frames:
            rows = self._cache.rows(self.rules[rule])
            self._frames[rule] = self._derived(rule) if rows is None else rows
        return self._frames[rule]

    def _with_labels(self, rows: pl.DataFrame) -> pl.DataFrame:
        for end, label in (("source", "from_label"), ("target", "to_label")):
            rows = rows.join(self._kinds.rename({"key": end, "kind": label}), on=end, how="inner")
        return rows

    def write_all(self) -> None:
        """STEP with all its rows, into a file that has no such table."""
        pairs = sorted({pair for rows in self.rules.values() for pair in rows.pairs})
        self._connection.execute(f"CREATE REL TABLE `{STEP}`({_pairs(pairs or [_NO_STEP])}, {columns(STEP_COLUMNS)})")
        for pair in pairs:
            self._copy_all(pair)

    def write_changes(self, dropped: set[Pair]) -> None:
        """Bring STEP of a copy, from which the pairs `dropped` are gone already, to the rows wanted."""
        there = self.there
        wanted = {pair for rows in self.rules.values() for pair in rows.pairs} or {_NO_STEP}
        fresh, stale = self._compared()
        for pair in sorted((there - dropped) & (stale | (there - wanted))):
            _drop_pair(self._connection, STEP, pair)
        anew = dropped | stale | (wanted - there)
        for pair in sorted(wanted & anew):
            self._connection.execute(f"ALTER TABLE `{STEP}` ADD {_pairs([pair])}")
            self._copy_all(pair)
        for pair in sorted(wanted - anew):
            self._copy(pair, fresh)

    def _compared(self) -> tuple[dict[str, pl.DataFrame], set[Pair]]:
        """(rule -> rows that it did not have, pairs of which rows went away)."""
        fresh: dict[str, pl.DataFrame] = {}
        stale = {pair for rule, rows in self._last.items() if rule not in self.rules for pair in rows.pairs}
        for rule, rows in self.rules.items():
            last = self._last.get(rule)
            if last is None:
                fresh[rule] = self._frames[rule]
                continue
            if (last.digest, last.header) == (rows.digest, rows.header):
                continue
            before = self._cache.rows(last) if last.header == rows.header else None
            if before is None:
                stale |= {*last.pairs, *rows.pairs}
                continue
            now, then = (f.with_columns(f.hash_rows(seed=526).alias(FINGERPRINT)) for f in (self._frames[rule], before))
            gone = then.join(now, on=FINGERPRINT, how="anti")
            stale |= {(str(a), str(b)) for a, b in gone.select("from_label", "to_label").unique().rows()}
            fresh[rule] = now.join(then, on=FINGERPRINT, how="anti").drop(FINGERPRINT)
        return fresh, stale

    def _copy_all(self, pair: Pair) -> None:
        self._copy(pair, {rule: self._frame(rule) for rule in list(self.rules) if pair in self.rules[rule].pairs})

    def _copy(self, pair: Pair, frames: Mapping[str, pl.DataFrame]) -> None:
        order = ["source", "target", *(p.name for p in STEP_COLUMNS)]
        parts = []
        for rule, frame in frames.items():
            own = frame.filter((pl.col("from_label") == pair[0]) & (pl.col("to_label") == pair[1]))
            said = dict(zip(("rule", "hold", "vantage", "noise"), self.rules[rule].header, strict=True))
            parts.append(own.with_columns(pl.lit(value).alias(name) for name, value in said.items()).select(order))
        rows = pl.concat(parts) if parts else pl.DataFrame()
        if rows.height:
            _copy_pair(self._connection, STEP, pair, rows)


def _header(derivation: Derivation) -> tuple[str, ...]:
    return derivation.rule, derivation.hold, derivation.vantage, derivation.profile


def _kinds(view: View) -> pl.DataFrame:
    labels = pl.Enum(list(NODES))
    none = pl.DataFrame(schema={"key": pl.String, "kind": labels})
    return pl.concat([none, *(frame.select("key", pl.lit(label, dtype=labels).alias("kind")) for label, frame in view.nodes.items())])
