"""Indicators of a large STIX bundle in columns: patterns that are nothing but equalities joined by OR are taken apart all together.

Objects of other types are passed over without being made objects of. A document that has not the usual shape throughout is left to the
reader of objects, and so is, alone, an indicator that has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import polars as pl

from loaders import columns, dates, jsoncells
from loaders.indicators import Indicators, normal
from loaders.jsonbatch import Bytes, Flags, Ints, is_text, padded
from loaders.jsonscan import Found, Names, items, objects
from loaders.jsonspans import once_a_value
from loaders.misp_batches import normal_values
from loaders.stix_patterns import COMPARISONS, EACH, LONGEST, UNKNOWN_PATH, UNLIKELY, confidence_of, kind_of

_KEYS = ("type", "id", "pattern", "pattern_type", "revoked", "valid_from", "valid_until", "name", "confidence")
_SCHEMA = {
    "row": pl.Int64, "half": pl.Int64, "kind": pl.String, "value": pl.String, "place": pl.String, "valid_from": pl.Int64, "valid_until": pl.Int64, "note": pl.String,
    "confidence": pl.Int64,
}  # fmt: skip
_GROUPS = r"^ *(?P<path>[^=]*?) *= *'(?P<text>[^']*)' *$"
_DAY = 86_400

Left = Callable[[dict[str, Any], str, Callable[..., None]], None]
"""What reads one indicator by itself: (its keys that are read, its place, what is called for a sign as Indicators.add is)."""


def in_columns(data: bytes, signs: Indicators, left: Left, now: int | None) -> int | None:
    """State the indicators of a document; how many objects it has, or None, and nothing is stated, where it is not of the usual shape."""
    found = _objects(data) if is_text(data) else None
    if found is None or not len(found.row):
        return None
    text = padded(data)
    types, which = once_a_value(text, found.span("type"))
    if "indicator" not in types or not all(isinstance(type_, str) for type_ in types):
        return None
    _Columns(text, found, np.flatnonzero(which == types.index("indicator")), now).state(signs, left)
    return len(found.row)


def _objects(data: bytes) -> Found | None:
    """Every object of a bundle or of a list; None where they are not all objects."""
    text, names, start = padded(data), Names(*_KEYS), len(data) - len(data.lstrip())
    if data[start : start + 1] == b"[":
        listed = items(text, start)
        found = objects(text, *listed, names) if listed else None
        return found if found is not None and not found.bad.any() and len(found.row) == len(listed[0] if listed else ()) else None
    bundle = objects(text, np.array([0]), np.array([len(data)]), Names(many={"objects": names}))
    return bundle.inner["objects"] if len(bundle.row) == 1 and not bundle.bad.any() else None


class _Columns:
    """The objects in `rows` of all that were found, which are indicators."""

    def __init__(self, data: Bytes, found: Found, rows: Ints, now: int | None) -> None:
        self._data, self._rows = data, rows
        self._spans = {name: np.ascontiguousarray(found.span(name)[rows]) for name in _KEYS}
        self._latest = now + _DAY if now is not None else dates.LATEST

    def state(self, signs: Indicators, left: Left) -> None:
        """State, refuse and count all."""
        pattern = jsoncells.texts(self._data, self._spans["pattern"])
        from_, from_state = self._times("valid_from", self._latest)
        until, until_state = self._times("valid_until", dates.LATEST)
        names, no_name = jsoncells.texts(self._data, self._spans["name"]), self._spans["name"][:, 0] < 0
        usual = self._is("pattern_type", "stix", lambda value: value == "stix") & self._is("revoked", False, lambda value: value is not True)
        usual &= pattern.str.contains(COMPARISONS).fill_null(value=False).to_numpy() & ~pattern.str.contains(UNLIKELY).fill_null(value=True).to_numpy()
        usual &= (pattern.str.len_bytes() <= LONGEST).fill_null(value=False).to_numpy()
        usual &= (from_state != jsoncells.ASK) & (until_state != jsoncells.ASK) & (names.is_not_null().to_numpy() | no_name)
        at = np.flatnonzero(usual)
        given = pl.DataFrame([
            pl.Series("row", self._rows[at]), pattern.gather(at).str.extract_all(EACH).alias("each"), jsoncells.numbered("objects[{}]", self._rows[at]).alias("place"),
            _known("valid_from", from_, from_state, at), _known("valid_until", until, until_state, at),
            pl.Series("note", [" ".join(name.split()) if name else "" for name in names.gather(at).to_list()], dtype=pl.String), self._confidence(at),
        ])  # fmt: skip
        parts = self._taken_apart(given, signs)
        if len(at) < len(usual):
            parts.append(self._by_themselves(np.flatnonzero(~usual), signs, left))
        whole = pl.concat(parts).sort("row", "half")
        if whole.height:
            signs.state(whole)

    def _by_themselves(self, rows: Ints, signs: Indicators, left: Left) -> pl.DataFrame:
        said: list[tuple[Any, ...]] = []
        row = 0

        def add(kind: str, text: str, place: str, *, valid_from: int | None, valid_until: int | None, confidence: int | None, note: str | None) -> None:
            value = normal(kind, text)
            if value is None:
                signs.refuse(place, text, kind)
            else:
                said.append((row, len(said), kind, value, place, valid_from, valid_until, note, confidence))

        for at in rows.tolist():
            row = int(self._rows[at])
            left(self._object(at), f"objects[{row}]", add)
        return pl.DataFrame(said, schema=_SCHEMA, orient="row")

    def _taken_apart(self, given: pl.DataFrame, signs: Indicators) -> list[pl.DataFrame]:
        """The comparisons of plain patterns, kind by kind."""
        each = given.with_columns(pl.int_ranges(pl.col("each").list.len()).alias("half")).explode("each", "half")
        each = each.with_columns(pl.col("each").str.extract_groups(_GROUPS)).unnest("each")
        kinds = columns.once_a_value(columns.texts(each["path"]), kind_of, pl.String)
        signs.skip(UNKNOWN_PATH, kinds.null_count())
        parts = [pl.DataFrame(schema=_SCHEMA)]
        for (kind,), part in each.with_columns(kinds.alias("kind")).drop_nulls("kind").group_by("kind"):
            known = part.with_columns(normal_values(str(kind), part["text"]).alias("value"))
            for place, text in known.filter(pl.col("value").is_null()).select("place", "text").iter_rows():
                signs.refuse(place, text, str(kind))
            note = pl.when((pl.col("note") != "") & (pl.col("note") != pl.col("text"))).then(pl.col("note"))
            parts.append(known.drop_nulls("value").with_columns(note.alias("note")).select(pl.col(name).cast(type_) for name, type_ in _SCHEMA.items()))
        return parts

    def _times(self, name: str, latest: int) -> tuple[Any, Any]:
        return jsoncells.times(self._data, self._spans[name], dates.EARLIEST, latest, ending=True)

    def _is(self, name: str, absent: Any, work: Callable[[Any], bool]) -> Flags:
        values, which = once_a_value(self._data, self._spans[name], absent)
        found: Flags = np.array([work(value) for value in values], np.bool_)[which]
        return found

    def _confidence(self, rows: Ints) -> pl.Series:
        values, which = once_a_value(self._data, self._spans["confidence"][rows])
        return pl.Series("confidence", [confidence_of(value) for value in values], dtype=pl.Int64).gather(which)

    def _object(self, row: int) -> dict[str, Any]:
        """What of one object is read."""
        spans = ((name, self._spans[name][row].tolist()) for name in _KEYS)
        return {name: orjson.loads(self._data[start:end].tobytes()) for name, (start, end) in spans if start >= 0}


def _known(name: str, seconds: Any, state: Any, rows: Ints) -> pl.Series:
    found = pl.Series(name, seconds[rows], dtype=pl.Int64)
    return found if (state[rows] == jsoncells.GOOD).all() else found.set(pl.Series(state[rows] != jsoncells.GOOD), None)
