"""Facts that are said one by one and stated together: rows that have the same properties are kept together, and handed over as columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphmodel.facts import Column
from graphmodel.kinds import EDGES
from loaders.base import FactBuffer

_TOGETHER = 200_000

Cells = list[Any]
"""Row after row: nothing but texts and numbers, which the collector of garbage does not look at."""


@dataclass(init=False)
class Gathered(FactBuffer):
    """Takes facts as a FactBuffer does, for another one. What is refused or noted goes there at once, facts a batch at a time and by `flush`."""

    _nodes: dict[tuple[str, ...], Cells] = field(default_factory=dict)
    _edges: dict[tuple[str, ...], Cells] = field(default_factory=dict)

    def __init__(self, out: FactBuffer) -> None:
        super().__init__(taken=out.taken, refused=out.refused, notes=out.notes)
        self._into = out
        self._nodes, self._edges = {}, {}

    def node(self, label: str, key: str, place: str, **properties: Any) -> str:
        """As FactBuffer.node; what is wrong with a property is said when the batch is stated."""
        rows = self._nodes.get(kind := (label, *properties))
        if rows is None:
            rows = self._nodes[kind] = []
        rows += key, place
        rows += properties.values()
        if len(rows) >= _TOGETHER:
            self._state_nodes(kind, rows)
        return key

    def edge(self, type_: str, source: tuple[str, str], target: tuple[str, str], place: str, **properties: Any) -> None:
        """As FactBuffer.edge; what is wrong with a property is said when the batch is stated."""
        rows = self._edges.get(kind := (type_, source[0], target[0], *properties))
        if rows is None:
            if (source[0], target[0]) not in EDGES[type_].pairs:
                raise KeyError(f"{type_} does not join {source[0]} and {target[0]}")
            rows = self._edges[kind] = []
        rows += source[1], target[1], place
        rows += properties.values()
        if len(rows) >= _TOGETHER:
            self._state_edges(kind, rows)

    def nodes(self, label: str, keys: Column, place: Column, **properties: Column) -> None:
        """As FactBuffer.nodes, at once."""
        self._into.nodes(label, keys, place, **properties)

    def edges(self, type_: str, source: tuple[str, Column], target: tuple[str, Column], place: Column, **properties: Column) -> None:
        """As FactBuffer.edges, at once."""
        self._into.edges(type_, source, target, place, **properties)

    def flush(self) -> None:
        """Hand over what is left."""
        for kind, rows in self._nodes.items():
            self._state_nodes(kind, rows)
        for kind, rows in self._edges.items():
            self._state_edges(kind, rows)

    def _state_nodes(self, kind: tuple[str, ...], rows: Cells) -> None:
        label, *names = kind
        if rows:
            keys, places, *values = _columns(rows, 2 + len(names))
            try:
                self._into.nodes(label, keys, places, **dict(zip(names, values, strict=True)))
            except UnicodeEncodeError:  # half of a character, which the other way is made whole
                for key, place, *said in zip(keys, places, *values, strict=True):
                    self._into.node(label, key, place, **dict(zip(names, said, strict=True)))
            rows.clear()

    def _state_edges(self, kind: tuple[str, ...], rows: Cells) -> None:
        type_, source, target, *names = kind
        if rows:
            sources, targets, places, *values = _columns(rows, 3 + len(names))
            try:
                self._into.edges(type_, (source, sources), (target, targets), places, **dict(zip(names, values, strict=True)))
            except UnicodeEncodeError:
                for one, other, place, *said in zip(sources, targets, places, *values, strict=True):
                    self._into.edge(type_, (source, one), (target, other), place, **dict(zip(names, said, strict=True)))
            rows.clear()


def _columns(cells: Cells, width: int) -> list[Cells]:
    return [cells[at::width] for at in range(width)]
