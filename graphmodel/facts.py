"""Facts in columns: what a loader hands over, and the provenance each fact carries."""

from __future__ import annotations

from collections.abc import Callable
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

    A loader calls `node`, `edge`, `refuse`, `coverage` and `note`, and counts what it reads in `records`.
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
        note: str | None = None,
    ) -> None:
        """State what this source saw (`what` is a word of kinds.COVERAGE); the ledger completes the key with the load's id.

        `first`, `last`: seconds; of a log the times it covers, with `blind` those in which it saw nothing. `snapshot`: when a state
        was exported, where the source says so.
        """
        if what not in COVERAGE:
            raise KeyError(f"{what!r} is not in kinds.COVERAGE")
        if snapshot is None and what in SNAPSHOTS:
            snapshot = self.taken
        gap = f"/blind/{first}" if blind else ""
        self.node(
            "LogCoverage", f"coverage:{{load}}/{what}/{scope}{gap}", "whole file", name=what, what=what, scope=scope,
            first=first, last=last, collected=collected, missing=missing, capped=capped, blind=blind, snapshot=snapshot, note=note,
        )  # fmt: skip

    def frames(self) -> dict[str, pl.DataFrame]:
        """Everything collected and not yet handed to `on_full`: kind -> frame. Empties the buffer's columns."""
        for kind in list(self._tables):
            self._seal(kind)
        frames = {kind: pl.concat(parts) for kind, parts in self._frames.items() if parts}
        self._frames.clear()
        return frames

    def flush(self) -> None:
        """Hand what is left to `on_full`."""
        for kind in list(self._tables):
            self._seal(kind)

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
        frame = pl.DataFrame(table.columns, schema=table.schema)
        if self.on_full is not None:
            self.on_full(kind, frame)
        else:
            self._frames.setdefault(kind, []).append(frame)
