"""Facts in columns: what a loader hands over, and the provenance each fact carries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from graphmodel.kinds import COVERAGE, EDGES, NODES, SNAPSHOTS, Property

POLARS_TYPES: dict[str, Any] = {
    "string": pl.String,
    "int": pl.Int64,
    "bool": pl.Boolean,
    "float": pl.Float64,
    "strings": pl.List(pl.String),
    "ints": pl.List(pl.Int64),
}

# A fact table is written out when it has this many rows, so that a load of any size stays in bounded memory.
FLUSH_ROWS = 200_000

Column = Sequence[Any] | pl.Series | str | int | float | bool | None
"""A column of facts stated together: a value a row, or one value for all."""

NODE_PLACE = (Property("place", "string", "row, line or path within the file"),)
EDGE_ENDS = tuple(Property(name, "string", "an end") for name in ("from_label", "from_key", "to_label", "to_key"))


def node_schema(label: str) -> dict[str, Any]:
    """Polars schema of the node facts of one label: key and properties, then the place."""
    return {p.name: POLARS_TYPES[p.type] for p in NODES[label].columns + NODE_PLACE if p.name != "kind"}


def edge_schema(type_: str) -> dict[str, Any]:
    """Polars schema of the edge facts of one type: both ends, then its properties (`fact` and `source` come later)."""
    skip = {"fact", "source"}
    return {p.name: POLARS_TYPES[p.type] for p in EDGE_ENDS + EDGES[type_].columns if p.name not in skip}


@dataclass(frozen=True)
class Refused:
    """One row or part of a file that could not be used: where, what it says (shortened), why."""

    place: str
    what: str
    why: str


@dataclass
class _Table:
    """Facts of one kind. A column is as long as its last value; what is missing after it is null."""

    schema: dict[str, Any]
    columns: dict[str, list[Any]]
    rows: int = 0


_PAIRS = {type_: frozenset(kind.pairs) for type_, kind in EDGES.items()}


@dataclass
class FactBuffer:
    """Collects what one file says, column by column; full tables go to `on_full(kind, frame)`.

    A loader calls `node`, `edge`, `refuse`, `coverage` and `note`, and counts what it reads in `records`; one that reads in batches
    states a batch with `nodes` and `edges`. The facts of a load are a set: their order says nothing.
    Unknown kinds and properties raise `KeyError`: a loader's mistake, not the file's.
    """

    on_full: Callable[[str, pl.DataFrame], None] | None = None
    taken: int | None = None
    """When the analyst says that a snapshot was exported (seconds); stands where the source itself does not say."""
    records: int = 0
    refused: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _tables: dict[str, _Table] = field(default_factory=dict)
    _frames: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _batches: dict[str, list[pl.DataFrame]] = field(default_factory=dict)

    def node(self, label: str, key: str, place: str, **properties: Any) -> str:
        """State that a node exists, with what the source says of it. Returns the key."""
        properties["key"] = key
        properties["place"] = place
        self._append(label, node_schema, properties)
        return key

    def edge(
        self,
        type_: str,
        source: tuple[str, str],
        target: tuple[str, str],
        place: str,
        **properties: Any,
    ) -> None:
        """State a relationship; `source` and `target` are (label, key). The ends need not be stated as nodes."""
        if (source[0], target[0]) not in _PAIRS[type_]:
            raise KeyError(f"{type_} does not join {source[0]} and {target[0]}")
        properties["from_label"], properties["from_key"] = source
        properties["to_label"], properties["to_key"] = target
        properties["place"] = place
        self._append(type_, edge_schema, properties)

    def nodes(self, label: str, keys: Column, place: Column, **properties: Column) -> None:
        """State a batch of nodes: `keys`, `place` and each property are a value a row (a polars Series is cheapest), or one for all rows.

        Rows without a key are left out. Lists of unlike length raise `ValueError`.
        """
        self._batch(label, node_schema(label), properties | {"key": keys, "place": place}, ("key",))

    def edges(self, type_: str, source: tuple[str, Column], target: tuple[str, Column], place: Column, **properties: Column) -> None:
        """State a batch of relationships; `source` and `target` are (label, keys). Rows that lack an end are left out."""
        if (source[0], target[0]) not in _PAIRS[type_]:
            raise KeyError(f"{type_} does not join {source[0]} and {target[0]}")
        ends = {"from_label": source[0], "from_key": source[1], "to_label": target[0], "to_key": target[1], "place": place}
        self._batch(type_, edge_schema(type_), properties | ends, ("from_key", "to_key"))

    def refuse(self, place: str, what: object, why: str) -> None:
        """Keep a row that could not be used. `what` is shortened; it must never be mail content or a secret."""
        text = str(what)
        self.refused.append(Refused(place, text if len(text) <= 200 else text[:197] + "...", why))

    def note(self, text: str) -> None:
        """Say something the analyst should see in the file's line (an inference made, a lossy export)."""
        if text not in self.notes:
            self.notes.append(text)

    def coverage(
        self,
        what: str,
        scope: str = "",
        *,
        first: int | None = None,
        last: int | None = None,
        collected: int | None = None,
        missing: int | None = None,
        capped: bool = False,
        blind: bool | None = None,
        snapshot: int | None = None,
        complete: bool | None = None,
        note: str | None = None,
    ) -> None:
        """State what this source saw (`what` is a word of kinds.COVERAGE); the ledger completes the key with the load's id.

        `first`, `last`: seconds; of a log the times it covers, with `blind` those in which it saw nothing. `snapshot`: when a state
        was exported, where the source says so. `complete`: an analyst says that nothing is missing between `first` and `last`.
        """
        if what not in COVERAGE:
            raise KeyError(f"{what!r} is not in kinds.COVERAGE")
        if snapshot is None and what in SNAPSHOTS:
            snapshot = self.taken
        gap = f"/blind/{first}" if blind else ""
        self.node(
            "LogCoverage", f"coverage:{{load}}/{what}/{scope}{gap}", "whole file", name=what, what=what, scope=scope,
            first=first, last=last, collected=collected, missing=missing, capped=capped, blind=blind, snapshot=snapshot, complete=complete, note=note,
        )  # fmt: skip

    def frames(self) -> dict[str, pl.DataFrame]:
        """Everything collected and not yet handed to `on_full`: kind -> frame. Empties the buffer's columns."""
        self._seal_all()
        frames = {kind: pl.concat(parts) for kind, parts in self._frames.items() if parts}
        self._frames.clear()
        return frames

    def flush(self) -> None:
        """Hand what is left to `on_full`."""
        self._seal_all()

    def _batch(self, kind: str, schema: dict[str, Any], values: dict[str, Column], needed: tuple[str, ...]) -> None:
        for name in values:
            if name not in schema:
                raise KeyError(f"{kind} has no property {name}")
        frame = _in_columns(schema, values)
        for name in needed:
            if frame[name].null_count():
                frame = frame.filter(pl.col(name).is_not_null())
        if not frame.height:
            return
        parts = self._batches.setdefault(kind, [])
        parts.append(frame)
        if sum(part.height for part in parts) >= FLUSH_ROWS:
            self._hand_over(kind, pl.concat(self._batches.pop(kind)))

    def _append(self, kind: str, schema: Callable[[str], dict[str, Any]], values: dict[str, Any]) -> None:
        table = self._tables.get(kind)
        if table is None:
            columns = schema(kind)
            table = self._tables[kind] = _Table(columns, {name: [] for name in columns})
        rows = table.rows
        try:
            for name, value in values.items():
                # Most properties of most facts are null: only what is said costs anything here.
                if value is not None:
                    cells = table.columns[name]
                    if len(cells) < rows:
                        cells.extend([None] * (rows - len(cells)))
                    cells.append(value)
        except KeyError as unknown:
            raise KeyError(f"{kind} has no property {unknown.args[0]}") from None
        table.rows = rows + 1
        if table.rows >= FLUSH_ROWS:
            self._seal(kind)

    def _seal(self, kind: str) -> None:
        table = self._tables.pop(kind)
        for cells in table.columns.values():
            cells.extend([None] * (table.rows - len(cells)))
        try:
            frame = pl.DataFrame(table.columns, schema=table.schema)
        except UnicodeEncodeError:
            frame = pl.DataFrame({name: [_whole(cell) for cell in cells] for name, cells in table.columns.items()}, schema=table.schema)
        self._hand_over(kind, frame)

    def _seal_all(self) -> None:
        for kind in list(self._tables):
            self._seal(kind)
        for kind in list(self._batches):
            self._hand_over(kind, pl.concat(self._batches.pop(kind)))

    def _hand_over(self, kind: str, frame: pl.DataFrame) -> None:
        if self.on_full is not None:
            self.on_full(kind, frame)
        else:
            self._frames.setdefault(kind, []).append(frame)


def _whole(cell: Any) -> Any:
    """A text in which a surrogate without its other half (an escape that JSON allows) is replaced, as it is in damaged text; all else as it is."""
    return cell.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(cell, str) else cell


def _in_columns(schema: dict[str, Any], values: dict[str, Column]) -> pl.DataFrame:
    """A frame of this schema: lists and Series as they are, single values repeated, nulls where nothing is said."""
    given: dict[str, pl.Series] = {}
    for name, value in values.items():
        if isinstance(value, pl.Series):
            given[name] = (value if value.dtype == schema[name] else value.cast(schema[name])).alias(name)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            given[name] = pl.Series(name, value, dtype=schema[name])
    heights = {len(column) for column in given.values()}
    if len(heights) > 1:
        raise ValueError(f"columns of unlike length: { {name: len(column) for name, column in given.items()} }")
    if not given:
        return pl.DataFrame({name: [values.get(name)] for name in schema}, schema=schema)
    return pl.DataFrame(list(given.values())).select(
        [pl.col(name) if name in given else pl.lit(values.get(name), dtype=dtype).alias(name) for name, dtype in schema.items()]
    )
