"""A large BloodHound OpenGraph document: its edges are read in columns, its nodes a batch at a time, and no document is made of it.

    listed = listed_in(stream, size)     # None where the document is not of the usual shape
    listed.nodes(graph, before)
    listed.edges(graph, before, folders=True)   # then folders=False

An edge is stated in columns where its kind and both its nodes say what it is; each of these is looked at once a batch. Every other one is
handed to `Graph.add_edge`, in the order of the text, and so is all that is noted or refused.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import orjson
import polars as pl

from loaders import jsoncells
from loaders.jsonbatch import Bytes, Flags, Ints, cut
from loaders.jsonscan import Names, items, objects
from loaders.jsonspans import once_a_value, values_of
from loaders.opengraph_facts import Graph, Usual
from loaders.opengraph_items import Item
from loaders.opengraph_rights import FIRST
from loaders.recipients import Node

_DOCUMENT = Names(one={"graph": Names("nodes", "edges")})
_END = ("value", "match_by", "kind")
_EDGE = Names("kind", "properties", one={"start": Names(*_END), "end": Names(*_END)})
_PIECE = 1 << 20

Spans = tuple[Ints, Ints]


@dataclass
class Listed:
    """A document: where its nodes and edges begin and end."""

    text: Bytes
    _nodes: Spans
    _edges: Spans
    _batches: list[_Edges] | None = field(default=None, repr=False)

    def nodes(self, graph: Graph, before: str) -> int:
        """State the nodes; how many there are."""
        for first, part, starts, ends in cut(self.text, *self._nodes, share=4):  # objects take several times their text
            graph.add_nodes(orjson.loads(b"[" + part[starts[0] : ends[-1]].tobytes() + b"]"), first, before)
        return len(self._nodes[0])

    def edges(self, graph: Graph, before: str, *, folders: bool) -> int:
        """State the edges that the others lean on (`folders`), or all others; how many there are of both."""
        if self._batches is None:
            self._batches = [_Edges(*part) for part in cut(self.text, *self._edges)]
        for batch in self._batches:
            if folders:
                batch.state_first(graph, before)
            else:
                batch.state(graph, before)
        return len(self._edges[0])


def listed_in(stream: BinaryIO, size: int) -> Listed | None:
    """The nodes and edges of a document of so many bytes in UTF-8; None where it is damaged, or anything is not worth deciding here."""
    text = np.empty(size + 8, np.uint8)
    used = 0
    while used < size and (count := stream.readinto(text[used:size].data)):  # type: ignore[attr-defined]
        used += count
    text[size:] = ord("\n")
    start = len(codecs.BOM_UTF8) if text[:3].tobytes() == codecs.BOM_UTF8 else 0
    if used < size or stream.read(1) or not _is_text(text[:size]):
        return None
    found = objects(text, np.array([start]), np.array([size]), _DOCUMENT)
    graph = found.inner["graph"]
    if found.bad.any() or len(graph.row) != 1:
        return None
    nodes, edges = (_array(text, *graph.span(name)[0].tolist()) for name in ("nodes", "edges"))
    return Listed(text, nodes, edges) if nodes and edges else None


def _is_text(text: Bytes) -> bool:
    """Whether the bytes are UTF-8, a piece at a time."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for begin in range(0, len(text), _PIECE):
            piece = text[begin : begin + _PIECE].tobytes()
            if not piece.isascii() or decoder.getstate()[0]:
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _array(text: Bytes, start: int, end: int) -> Spans | None:
    """Where the values of an array are; none of what is absent or null; None of what is no array."""
    if start < 0 or text[start:end].tobytes() == b"null":
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return items(text[: end + 8], start) if text[start] == ord("[") else None


class _Edges:
    """The edges of a batch: which kind, ends and properties each has, by their number among the different ones."""

    def __init__(self, first: int, data: Bytes, starts: Ints, ends: Ints) -> None:
        self._first, self._data, self._starts, self._ends = first, data, starts, ends
        found = objects(data, np.where(data[starts] == ord("{"), starts, -1), ends, _EDGE)
        self._rows = found.row.copy()  # what it is a view of is larger
        self._kinds, kind_of = once_a_value(data, found.span("kind"))
        self._kind_of = kind_of.astype(np.int32)
        once, said_of = jsoncells.distinct(jsoncells.marks(data, found.span("properties")))
        self._said, self._said_of = found.span("properties")[once], said_of.astype(np.int32)
        start, end = found.of_each("start"), found.of_each("end")
        both = [np.concatenate([start[name], end[name]]) for name in _END]
        once, which = jsoncells.distinct(jsoncells.marks(data, *both))
        self._who = [spans[once] for spans in both]
        which = which.astype(np.int32)
        self._start_of, self._end_of = which[: len(found.row)], which[len(found.row) :]

    def state_first(self, graph: Graph, before: str) -> None:
        """Hand over the edges that others lean on, and those of which it is not known here whether they are."""
        first = np.array([not isinstance(kind, str) or kind in FIRST for kind in self._kinds], np.bool_)
        asked = np.ones(len(self._starts), np.bool_)
        asked[self._rows[~first[self._kind_of]]] = False
        self._hand_over(graph, before, np.flatnonzero(asked), folders=True)

    def state(self, graph: Graph, before: str) -> None:
        """State all others."""
        taken = np.array([isinstance(kind, str) and kind not in FIRST and graph.takes(kind) for kind in self._kinds], np.bool_)
        passed = np.array([isinstance(kind, str) and not takes for kind, takes in zip(self._kinds, taken.tolist(), strict=True)], np.bool_)
        for code, count in enumerate(np.bincount(self._kind_of, minlength=len(self._kinds)).tolist()):
            if passed[code] and self._kinds[code] not in FIRST:
                graph.leave(self._kinds[code], count)
        asked = np.ones(len(self._starts), np.bool_)
        asked[self._rows[passed[self._kind_of]]] = False
        ends = _Ends(self._resolved(graph))
        stated = self._in_columns(graph, before, ends, taken[self._kind_of])
        asked[self._rows[stated]] = False
        self._hand_over(graph, before, np.flatnonzero(asked), folders=False)

    def _hand_over(self, graph: Graph, before: str, rows: Ints, *, folders: bool) -> None:
        for row in rows.tolist():
            value = orjson.loads(self._data[self._starts[row] : self._ends[row]].tobytes())
            graph.add_edge(value, f"{before}[{self._first + row}]", folders)

    def _resolved(self, graph: Graph) -> list[Item | None]:
        """The node that each of the different ends means; None where that is not to be told by id or name."""
        values = jsoncells.texts(self._data, self._who[0]).to_list()
        (ways, way_of), (kinds, kind_of) = (once_a_value(self._data, spans) for spans in self._who[1:])
        found: list[Item | None] = []
        for value, way, kind in zip(values, way_of.tolist(), kind_of.tolist(), strict=True):
            by = ways[way] or "id"
            item = graph.of_id(value) if value is not None and by == "id" else None
            if item is None and value is not None and by in ("id", "name"):
                item = graph.end({"value": value, "match_by": by, "kind": kinds[kind]})
            found.append(item)
        return found

    def _in_columns(self, graph: Graph, before: str, ends: _Ends, wanted: Flags) -> Ints:
        """State the edges that are what their kind and nodes say; which these are, by their number among the objects."""
        known = wanted & (ends.node[self._start_of] >= 0) & (ends.node[self._end_of] >= 0) & (ends.node[self._start_of] != ends.node[self._end_of])
        rows = np.flatnonzero(known)
        width = len(ends.labels)
        groups = (self._kind_of[rows].astype(np.int64) * width + ends.label[self._start_of[rows]]) * width + ends.label[self._end_of[rows]]
        found, which = np.unique(groups, return_inverse=True)
        same: dict[Usual, list[int]] = {}
        for code, group in enumerate(found.tolist()):
            start, end = ends.labels[group // width % width], ends.labels[group % width]
            usual = graph.usual(self._kinds[group // width // width], start, end)
            if usual:
                same.setdefault(usual, []).append(code)
        stated = [np.empty(0, np.int64)]
        for usual, codes in same.items():
            chosen = rows[np.isin(which, codes)]
            self._state(graph, before, ends, usual, chosen)
            stated.append(chosen)
        return np.concatenate(stated)

    def _state(self, graph: Graph, before: str, ends: _Ends, usual: Usual, rows: Ints) -> None:
        """State these edges, all of them from one label to another."""
        place = pl.Series([before]) + jsoncells.numbered("[{}]", self._first + self._rows[rows])
        columns: dict[str, Any] = {name: value for name, value in (("via", usual.via), ("basis", usual.basis)) if value}
        if usual.type == "CONTROLS":
            once, said_of = np.unique(self._said_of[rows], return_inverse=True)
            inherited = [graph.inherited(said) for said in values_of(self._data, self._said[once])]
            right = pl.Series([kind if isinstance(kind, str) else None for kind in self._kinds], dtype=pl.String)
            columns = {"right": right.gather(self._kind_of[rows]), "inherited": pl.Series(inherited, dtype=pl.Boolean).gather(said_of)}
            graph.count_rights(ends.ids(self._end_of[rows]))
        source, target = (ends.keys.gather(which[rows]) for which in (self._start_of, self._end_of))
        source, target = (target, source) if usual.turned else (source, target)
        graph.out.edges(usual.type, (usual.source, source), (usual.target, target), place, **columns)


class _Ends:
    """The nodes that ends mean, in columns: `node` a number the same for the same node (-1: none), `label` its number in `labels`, `keys`."""

    def __init__(self, found: list[Item | None]) -> None:
        self._found = found
        nodes: dict[Node, int] = {}
        labels: dict[str, int] = {}
        said = [item.node if item else None for item in found]
        self.node = np.array([nodes.setdefault(node, len(nodes)) if node else -1 for node in said], np.int64)
        self.label = np.array([labels.setdefault(node[0], len(labels)) if node else -1 for node in said], np.int64)
        self.labels = list(labels)
        self.keys = pl.Series([node[1] if node else None for node in said], dtype=pl.String)

    def ids(self, codes: Ints) -> set[str]:
        """The file's own ids of some of them."""
        return {item.id for code in np.unique(codes).tolist() if (item := self._found[code])}
