"""A large SharpHound file of users, groups or computers: no object is made of the rights on them, which are most of it; all else is read as ever.

    listed = listed_in(data)                  # None where the document is not of the usual shape
    for found in listed.objects(label, out):  # each as SharpHound wrote it, but for its Aces
        …take it…                             # its Aces are `Aces`, and are stated when the batch ends

What SIDs are depends on the order in which they are named. So each object's principals are made known when the object is taken.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import polars as pl

from loaders import jsoncells
from loaders.base import FactBuffer
from loaders.directory_rights import AcesAside, Json, counts
from loaders.jsonbatch import Bytes, Ints, cut, is_text, padded
from loaders.jsonscan import Found, Names, items, objects
from loaders.jsonspans import once_a_value
from loaders.recipients import Node

_DOCUMENT = Names("data", "meta")
_OBJECT = Names(many={"Aces": Names("RightName", "PrincipalSID", "PrincipalType", "IsInherited")})


@dataclass(frozen=True)
class Listed:
    """A document: its `meta`, and where the values of its `data` begin and end."""

    meta: Json
    text: Bytes
    starts: Ints
    ends: Ints

    def objects(self, label: str, out: FactBuffer) -> Iterator[Any]:
        """The values of `data`, which are of this label, in order. Rights are stated in `out` after the last object of each batch."""
        for _, part, starts, ends in cut(self.text, self.starts, self.ends):
            values, batch = _batch(part, starts, ends, label)
            yield from values
            batch.state(out)


def listed_in(data: bytes) -> Listed | None:
    """The objects of a document in UTF-8; None where it is damaged, or anything is not worth deciding here."""
    data = data.removeprefix(codecs.BOM_UTF8)
    if not is_text(data):
        return None
    text = padded(data)
    found = objects(text, np.array([0]), np.array([len(data)]), _DOCUMENT)
    if found.bad.any() or not len(found.row) or (found.spans[0, :, 0] < 0).any():
        return None
    (start, end), (meta_start, meta_end) = found.spans[0].tolist()
    meta = orjson.loads(data[meta_start:meta_end])
    listed = items(text[: end + 8], start) if data[start : start + 1] == b"[" and isinstance(meta, dict) else None
    return Listed(meta, text, *listed) if listed else None


def _batch(data: Bytes, starts: Ints, ends: Ints, label: str) -> tuple[list[Any], _Batch]:
    """(values of a list with their Aces set apart, these)."""
    found = objects(data, np.where(data[starts] == ord("{"), starts, -1), ends, _OBJECT)
    spans = np.full((len(starts), 2), -1)
    spans[found.row] = found.span("Aces")
    text = data.tobytes()
    parts = [
        text[start:end] if first < 0 else text[start:first] + b"[]" + text[last:end]
        for start, end, (first, last) in zip(starts.tolist(), ends.tolist(), spans.tolist(), strict=True)
    ]
    values: list[Any] = orjson.loads(b"[" + b",".join(parts) + b"]")
    aces = found.inner["Aces"]
    batch = _Batch(data, spans, aces, found.row[aces.row], label)
    for row in np.flatnonzero(spans[:, 0] >= 0).tolist():
        values[row]["Aces"] = Aces(batch, row)
    return values, batch


def _value(data: Bytes, span: tuple[int, int]) -> Any:
    """The value in a span; None where there is none."""
    return orjson.loads(data[span[0] : span[1]].tobytes()) if span[0] >= 0 else None


class _Batch:
    """The rights on the objects of a batch, in columns: only those that count on objects of the label, in the order of the text."""

    def __init__(self, data: Bytes, lists: Ints, aces: Found, owner: Ints, label: str) -> None:
        self._data, self._lists, self._label = data, lists, label
        firsts = np.searchsorted(owner, np.arange(len(lists) + 1))
        self.sizes: list[int] = np.diff(firsts).tolist()
        """How many rights there are on each object, whether they count or not."""
        rights, which = once_a_value(data, aces.span("RightName"))
        kept = np.array([isinstance(right, str) and counts(right, label) for right in rights], np.bool_)
        rows = np.flatnonzero(kept[which])
        self._rights = pl.Series([right if keep else None for right, keep in zip(rights, kept.tolist(), strict=True)], dtype=pl.String).gather(which[rows])
        self._owner, self._number = owner[rows], rows - firsts[owner[rows]]
        first, self._which = jsoncells.distinct(jsoncells.marks_of(data, aces, ("PrincipalSID", "PrincipalType"))[rows])
        self._said = aces.spans[rows[first]][:, [aces.names.column[name] for name in ("PrincipalSID", "PrincipalType")]].tolist()
        byte = data[aces.span("IsInherited")[rows, 0]]
        unknown = (aces.span("IsInherited")[rows, 0] < 0) | ((byte != ord("t")) & (byte != ord("f")))
        self._inherited = pl.Series(byte == ord("t")).set(pl.Series(unknown), None)
        self._firsts: list[int] = np.searchsorted(self._owner, np.arange(len(lists) + 1)).tolist()
        self._codes: list[int] = self._which.tolist()
        self._domain: str | None = None
        self._nodes: dict[int, Node | None] = {}
        """Principals by their code, once they are known; None: of a kind that nobody tells."""
        self._targets: list[str | None] = [None] * len(lists)
        self._places: list[str | None] = [None] * len(lists)

    def take(self, row: int, node: Node, place: str, domain: str, known: Callable[[str, str, str], Node | None], edge: Callable[..., None]) -> list[Any] | None:
        """As `AcesAside.take`, of one object."""
        self._domain = domain if self._domain is None else self._domain
        if domain != self._domain:  # well-known SIDs are others there
            start, end = self._lists[row].tolist()
            said: list[Any] = _value(self._data, (start, end))
            return said
        self._targets[row], self._places[row] = node[1], place
        nodes, begin = self._nodes, self._firsts[row]
        for at, code in enumerate(self._codes[begin : self._firsts[row + 1]], begin):
            if code not in nodes:
                who, kind = (_value(self._data, span) for span in self._said[code])
                nodes[code] = known(who, kind, domain) if isinstance(who, str) and isinstance(kind, str) else None
            if nodes[code] is None:
                who, kind = (_value(self._data, span) for span in self._said[code])
                principal = {"ObjectIdentifier": who, "ObjectType": kind}
                edge("CONTROLS", principal, node, f"{place}.Aces[{self._number[at]}]", domain, right=self._rights[at], inherited=self._inherited[at])
        return None

    def state(self, out: FactBuffer) -> None:
        """State the rights on the objects that were taken."""
        nodes = [self._nodes.get(code) for code in range(len(self._said))]
        target = pl.Series(self._targets, dtype=pl.String).gather(self._owner)
        place = pl.Series(self._places, dtype=pl.String).gather(self._owner) + jsoncells.numbered(".Aces[{}]", self._number)
        for label in sorted({node[0] for node in nodes if node}):
            source = pl.Series([node[1] if node and node[0] == label else None for node in nodes], dtype=pl.String).gather(self._which)
            if label == self._label:
                source = source.set((source == target).fill_null(value=False), None)
            rows = pl.select((source.is_not_null() & target.is_not_null()).arg_true()).to_series()
            columns = (column.gather(rows) for column in (source, target, place, self._rights, self._inherited))
            self._edges(out, label, *columns)

    def _edges(self, out: FactBuffer, label: str, source: pl.Series, target: pl.Series, place: pl.Series, right: pl.Series, inherited: pl.Series) -> None:
        if len(source):
            out.edges("CONTROLS", (label, source), (self._label, target), place, right=right, inherited=inherited)


@dataclass(frozen=True)
class Aces(AcesAside):
    """The rights on one object of a batch."""

    batch: _Batch = field(repr=False)
    row: int

    def __len__(self) -> int:
        return self.batch.sizes[self.row]

    def take(self, node: Node, place: str, domain: str, known: Callable[[str, str, str], Node | None], edge: Callable[..., None]) -> list[Any] | None:
        """See AcesAside."""
        return self.batch.take(self.row, node, place, domain, known, edge)
