"""Attributes of a large MISP export in columns: types, flags and times are read once a value, plain addresses, hosts and hashes all together.

A document that has not the usual shape throughout is left to the reader of objects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import polars as pl

from loaders import columns, dates, jsoncells
from loaders.indicators import normal
from loaders.jsonbatch import Bytes, Flags, Ints, is_text, padded
from loaders.jsonscan import Found, Names, items, objects
from loaders.jsonspans import once_a_value
from loaders.misp import DELETED, ODD, OTHER, SILENT, Attributes, halves, is_yes, kinds_of, title_of

_LIST = re.compile(rb'\s*\[\s*\{\s*"Event"\s*:\s*\{')
_EVENT = re.compile(rb'\s*\{\s*"Event"\s*:\s*\{')
_RESPONSE = re.compile(rb'\s*\{\s*"response"\s*:\s*\[\s*\{\s*"Event"\s*:\s*\{')
_FOUND = re.compile(rb'\s*\{\s*"response"\s*:\s*\{\s*"Attribute"\s*:\s*\[')
_MARKS = ("type", "value", "to_ids")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN = {
    "email": columns.ADDRESS, "domain": columns.HOST, "host": columns.HOST, "sha256": "^[0-9A-Fa-f]{64}$",
    "ip": rf"^(?:{_OCTET}\.){{3}}{_OCTET}$",
}  # fmt: skip
"""Values that are in the one spelling but for case."""


def _attribute() -> Names:
    return Names("type", "value", "to_ids", "deleted", "first_seen", "last_seen")


def _event(*others: str) -> Names:
    return Names("info", *others, many={"Attribute": _attribute(), "Object": Names("deleted", many={"Attribute": _attribute()})})


@dataclass(frozen=True)
class _Column:
    """Attributes of all events in their order. `event`: the number of each one's event, `before`: its place up to its own number, `spans` by key."""

    event: Ints
    before: pl.Series
    number: Ints
    deleted: Flags
    spans: dict[str, Ints]


def in_columns(data: bytes, attributes: Attributes) -> bool:
    """State the attributes of a document; False, and nothing is stated, where it has not the usual shape throughout."""
    found = _events(data) if is_text(data) else None
    if found is None:
        return False
    text = padded(data)
    events, places = found
    titles = [title_of({"info": orjson.loads(data[span[0] : span[1]])}) if span[0] >= 0 else "" for span in events.span("info")]
    column = _column(text, events, places)
    if not len(column.event):
        return False
    _Columns(text, column, titles, attributes).state()
    return True


def _events(data: bytes) -> tuple[Found, list[str]] | None:
    """Events, and the place of each (with a dot behind it); None where they are not where one of the usual shapes has them."""
    text, size = padded(data), len(data)
    if _LIST.match(data):
        listed = items(text, data.index(b"["))
        if listed is None:
            return None
        outer = objects(text, *listed, Names("response", *_MARKS, one={"Event": _event()}))
        return _within(outer, len(listed[0]), "[{}].Event.")
    if _EVENT.match(data):
        return _within(objects(text, np.array([0]), np.array([size]), Names("response", one={"Event": _event()})), 1, "Event.")
    if _RESPONSE.match(data):
        outer = objects(text, np.array([0]), np.array([size]), Names("Event", many={"response": Names("response", *_MARKS, one={"Event": _event()})}))
        within = outer.inner["response"]
        return _within(within, len(within.row), "response[{}].Event.") if len(outer.row) and outer.span("Event")[0, 0] < 0 else None
    if _FOUND.match(data):
        outer = objects(text, np.array([0]), np.array([size]), Names("Event", one={"response": _event("Event", "response")}))
        within = outer.inner["response"]
        usual = len(outer.row) and outer.span("Event")[0, 0] < 0 and (within.spans[0, 1:3, 0] < 0).all()
        return (within, ["response."]) if usual else None
    return None


def _within(outer: Found, count: int, place: str) -> tuple[Found, list[str]] | None:
    """The events in as many objects, one in each."""
    events = outer.inner["Event"]
    if not len(events.row) == len(outer.row) == count or any((outer.span(name)[:, 0] >= 0).any() for name in outer.names.keys if name != "Event"):
        return None
    return events, [place.format(number) for number in range(count)]


def _column(data: Bytes, events: Found, places: list[str]) -> _Column:
    """The attributes of each event, then those of its objects."""
    bare, things = events.inner["Attribute"], events.inner["Object"]
    inner = things.inner["Attribute"]
    event = np.concatenate([bare.row, things.row[inner.row]])
    order = np.argsort(event, kind="stable")
    place, numbered = pl.Series("", places, dtype=pl.String), pl.Series(_numbers(things.row)).cast(pl.String)
    before = pl.concat([place.gather(bare.row), (place.gather(things.row) + "Object[" + numbered + "].").gather(inner.row)])
    deleted = np.concatenate([np.zeros(len(bare.row), np.bool_), _flags(data, things.span("deleted"))[inner.row]])
    spans = {name: np.concatenate([bare.span(name), inner.span(name)])[order] for name in bare.names.keys}
    return _Column(event[order], before.gather(order), np.concatenate([_numbers(bare.row), _numbers(inner.row)])[order], deleted[order], spans)


def _numbers(outer: Ints) -> Ints:
    """The number of each among those that lie in the same outer one, which stand together."""
    found: Ints = np.arange(len(outer)) - np.searchsorted(outer, outer)
    return found


def _flags(data: Bytes, spans: Ints) -> Flags:
    values, which = once_a_value(data, spans)
    found: Flags = np.array([is_yes(value) for value in values], np.bool_)[which]
    return found


class _Columns:
    """States attributes through `attributes`."""

    def __init__(self, data: Bytes, column: _Column, titles: list[str], attributes: Attributes) -> None:
        self._data, self._column, self._attributes = data, column, attributes
        self._titles = pl.Series("", [title or None for title in titles], dtype=pl.String)

    def state(self) -> None:
        """State, refuse and count all."""
        data, spans, column, signs = self._data, self._column.spans, self._column, self._attributes.signs
        self._attributes.out.records += len(column.event)
        said, which = once_a_value(data, spans["type"])
        types = [kinds_of(type_) if isinstance(type_, str) else None for type_ in said]
        value = jsoncells.texts(data, spans["value"])
        good = np.array([kinds is not None for kinds in types], np.bool_)[which] & value.is_not_null().to_numpy()
        for place in self._places(np.flatnonzero(~good)):
            self._attributes.out.refuse(place, "dict", ODD)
        deleted = good & (column.deleted | _flags(data, spans["deleted"]))
        silent = good & ~deleted & ~_flags(data, spans["to_ids"])
        other = good & ~deleted & ~silent & ~np.array([bool(kinds and any(kinds)) for kinds in types], np.bool_)[which]
        for reason, rows in ((DELETED, deleted), (SILENT, silent), (OTHER, other)):
            signs.skip(reason, int(rows.sum()))
        rows = np.flatnonzero(good & ~deleted & ~silent & ~other)
        given = pl.DataFrame([
            pl.Series("row", rows), value.gather(rows).alias("text"), self._places(rows).alias("place"), self._times("first_seen", rows).alias("valid_from"),
            self._times("last_seen", rows).alias("valid_until"), self._titles.gather(column.event[rows]).alias("note"),
        ])  # fmt: skip
        parts = []
        for at in np.unique(which[rows]).tolist():
            parts += self._halves(given.filter(pl.Series(which[rows] == at)), types[at] or ())
        if parts:
            self._signs(pl.concat(parts).sort("row", "half"))

    def _halves(self, frame: pl.DataFrame, kinds: tuple[str, ...]) -> list[pl.DataFrame]:
        """Values of one type by their kinds."""
        if len(kinds) > 1:
            several = [halves(text, kinds) for text in frame["text"].to_list()]
            frames = [frame.with_columns(pl.Series("text", [texts[half] if half < len(texts) else None for texts in several], dtype=pl.String)) for half in range(2)]
        else:
            frames = [frame]
        found = [(half, kind, part.drop_nulls("text")) for half, (kind, part) in enumerate(zip(kinds, frames, strict=True)) if kind]
        return [part.with_columns(pl.lit(half).alias("half"), pl.lit(kind).alias("kind"), normal_values(kind, part["text"]).alias("value")) for half, kind, part in found]

    def _signs(self, frame: pl.DataFrame) -> None:
        if frame["value"].null_count():
            for place, text, kind in frame.filter(pl.col("value").is_null()).select("place", "text", "kind").iter_rows():
                self._attributes.signs.refuse(place, text, kind)
            frame = frame.drop_nulls("value")
        self._attributes.signs.state(frame)

    def _places(self, rows: Ints) -> pl.Series:
        column = self._column
        return column.before.gather(rows) + "Attribute[" + pl.Series(column.number[rows]).cast(pl.String) + "]"

    def _times(self, name: str, rows: Ints) -> pl.Series:
        """Seconds or null; what cannot be believed is noted with its place."""
        bad: list[bool] = []

        def read(value: Any) -> int | None:
            bad.append(False)
            try:
                return self._attributes.seconds(value)
            except dates.BadDate:
                bad[-1] = True
                return None

        values, which = once_a_value(self._data, self._column.spans[name][rows])
        said = [read(value) for value in values]
        for place in self._places(rows[np.array(bad, np.bool_)[which]]) if any(bad) else ():
            self._attributes.doubt(name, place)
        return pl.Series(said, dtype=pl.Int64).gather(which)


def normal_values(kind: str, texts: pl.Series) -> pl.Series:
    """indicators.normal of many values."""
    plain = _PLAIN.get(kind)
    if plain is None:
        return pl.Series([normal(kind, text) for text in texts.to_list()], dtype=pl.String)
    return columns.lowered(texts, plain, lambda text: normal(kind, text))
