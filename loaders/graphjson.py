"""JSON as Microsoft's tools write it: one object, an array, several arrays one after another, `{"value": […]}`, or an object a line.

    seen = peek(source)                     # keys of the first record, for recognising a file
    for place, record in Records(source, out): …
    Records(source, out).batches()          # the same as texts, many at once, where the file allows it; else None

A file of any size is read in bounded memory, as long as none of its records is large. UTF-16 is read up to 64 MiB.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ijson
import numpy as np
import orjson

from loaders.base import Broken, FactBuffer, Source
from loaders.collectors import MARKS, inside, tabled
from loaders.containers import ends_of, json_items, read_json, shallow
from loaders.jsonbatch import SMALL, Batch, Bytes, Ints, cut, is_text, padded

Record = dict[str, Any]

_WRAPPERS = ("value", "records", "data")
_WHOLE = 64 << 20
_LISTED = 256 << 20  # as bytes, of which no objects are made
_NEXT = "@odata.nextLink"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SCALARS = ("string", "number", "boolean")
_AGAIN = "it is damaged or cut short: export it again"


@dataclass(frozen=True)
class Peek:
    """The first record of a file: its keys, its text values, and under which key of an outer object it lies (`value`, …)."""

    keys: frozenset[str]
    values: dict[str, str]
    wrapper: str | None


def peek(source: Source) -> Peek | None:
    """What the first 64 KiB show of the first record; None for what is no JSON object."""
    if source.is_dir:
        return None
    text = shallow(_plain(source.head)).lstrip()
    found = _peek(text) if text[:1] in (b"{", b"[") else None
    return _peek_inside(text) or found if found and not found.keys.isdisjoint(MARKS) else found


@lru_cache(maxsize=8)
def _peek(head: bytes) -> Peek | None:
    found = _First()
    try:
        for prefix, event, value in ijson.parse(io.BytesIO(head), multiple_values=True):
            if found.see(prefix, event, value):
                break
    except (ijson.JSONError, UnicodeDecodeError, ValueError):
        pass  # the head ends within the record, or is none: what was seen counts
    return Peek(frozenset(found.keys), found.values, found.wrapper) if found.keys else None


@lru_cache(maxsize=8)
def _peek_inside(head: bytes) -> Peek | None:
    """The first record where a collector put something around it; None where nothing is."""
    given: Any = _loads(head.partition(b"\n")[0])
    if given is None:
        try:
            given = next(iter(ijson.items(io.BytesIO(head), "item" if head[:1] == b"[" else "", use_float=True)), None)
        except (ijson.JSONError, UnicodeDecodeError, ValueError):
            return None
    first = given[0] if isinstance(given, list) and given else given
    if not isinstance(first, dict):
        return None
    rows = tabled(first)
    found = inside(rows[0] if rows else first)
    if found is first or not found:
        return None
    return Peek(frozenset(found), {key: str(value) for key, value in found.items() if isinstance(value, str | int | float)}, None)


class _First:
    """Gathers the first record from a stream of parser events."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.values: dict[str, str] = {}
        self.wrapper: str | None = None
        self._at: str | None = None

    def see(self, prefix: str, event: str, value: Any) -> bool:
        """Take one event; True when the record is complete."""
        if self._at is None:
            self._at = "item" if event == "start_array" else ""
            return False
        if self._at == "" and self.wrapper is None and event == "start_map" and prefix.removesuffix(".item") in _WRAPPERS and prefix.endswith(".item"):
            self.wrapper, self._at = prefix.removesuffix(".item"), prefix
            self.keys.clear()
            self.values.clear()
        if prefix == self._at:
            if event == "map_key":
                self.keys.add(value)
            return bool(event == "end_map")
        if event in _SCALARS:
            holder, _, key = prefix.rpartition(".") if self._at else ("", "", prefix)
            if holder == self._at and key in self.keys:
                self.values[key] = str(value)
        return False


class Records:
    """The records of a file, (place, object). `more`: the file says that it is only a page (`@odata.nextLink`).

    Counts records in `out` and refuses those that are no objects. Raises Broken where the file stops being JSON.
    """

    def __init__(self, source: Source, out: FactBuffer) -> None:
        self._source, self._out = source, out
        self._number = 0
        self.more = False

    def __iter__(self) -> Iterator[tuple[str, Record]]:
        if self._source.size <= _WHOLE:
            with self._source.open() as stream:
                data = stream.read()
            yield from self._small(data)
        else:
            yield from self._large()

    def batches(self) -> Iterator[Batch] | None:
        """The records as texts in batches; None unless the file is one array, or an object with one, and neither small nor huge.

        The bytes are looked through first, so that a file that breaks midway is read, and told, by `__iter__`.
        """
        if not SMALL <= self._source.size <= _LISTED:
            return None
        from loaders.jsonscan import Names, items, objects  # noqa: PLC0415 -- compiled code, which only large files need

        with self._source.open() as stream:
            data = stream.read()
        text, start, end, name = padded(data), len(data) - len(data.lstrip()), len(data), ""
        if data[start : start + 1] == b"{":
            found = objects(text, np.array([start]), np.array([len(data)]), Names("value", _NEXT, "records", "data"))
            name = "value"
            value, more, records, listed_data = found.spans[0] if len(found.row) else np.full((4, 2), -1)
            if value[0] < 0 and listed_data[0] >= 0 and _wrapped(orjson.loads(data[start : listed_data[0]] + b"[]" + data[listed_data[1] :])) == "data":
                value, listed_data, name = listed_data, value, "data"
            if value[0] < 0 or max(records[0], listed_data[0]) >= 0:
                return None
            end = int(value[1])
            self.more |= more[0] >= 0 and bool(orjson.loads(data[more[0] : more[1]]))
            start = int(value[0])
        listed = items(text[: end + 8], start) if data[start : start + 1] == b"[" and is_text(data) else None
        return self._batches(text, *listed, name) if listed else None

    def _batches(self, text: Bytes, starts: Ints, ends: Ints, name: str) -> Iterator[Batch]:
        for first, part, begins, stops in cut(text, starts, ends):
            numbers = np.arange(first, first + len(begins))
            yield Batch(part, begins, stops, numbers, f"{name}[{{}}]", self._reader(part, begins, stops, name, first), sound=True)

    def _reader(self, data: Bytes, starts: Ints, ends: Ints, name: str, first: int) -> Callable[[int], Iterator[tuple[str, Record]]]:
        def read(row: int) -> Iterator[tuple[str, Record]]:
            self._number = first + row
            return self._objects([orjson.loads(data[starts[row] : ends[row]].tobytes())], name)

        return read

    def _small(self, data: bytes) -> Iterator[tuple[str, Record]]:
        text = _plain(data)
        first, _, rest = text.lstrip().partition(b"\n")
        if rest.strip() and _loads(first) is not None:
            yield from self._lines(io.BytesIO(text))
            return
        document = _loads(text)
        if document is not None:
            read_json(data)  # within bounds of depth
            yield from self._expand(document)
            return
        for document in self._several(text, data):
            yield from self._expand(document)

    def _several(self, text: bytes, data: bytes) -> Iterator[Any]:
        """Documents one after another. What is no JSON is told with its byte, as read_json does."""
        decoder = json.JSONDecoder()
        try:
            rest = text.decode()
            at = len(rest) - len(rest.lstrip())
            while at < len(rest):
                document, at = decoder.raw_decode(rest, at)
                yield document
                at += len(rest[at : at + 4096]) - len(rest[at : at + 4096].lstrip())
                while at < len(rest) and rest[at].isspace():
                    at += 1
        except (ValueError, RecursionError):
            read_json(data)
            raise Broken("JSON", "the file stops being JSON", _AGAIN) from None

    def _large(self) -> Iterator[tuple[str, Record]]:
        with self._source.open() as stream:
            first = stream.readline(_WHOLE)
        if first.endswith(b"\n") and _loads(_plain(first)) is not None:
            with self._source.open() as stream:
                yield from self._lines(stream)
            return
        seen = peek(self._source)
        inside = f"{seen.wrapper}.item" if seen and seen.wrapper else "item"
        with self._source.open() as stream:
            head, tail, _ = ends_of(stream)
        self.more = _NEXT.encode() in head or _NEXT.encode() in tail
        with self._source.open() as stream:
            yield from self._objects(json_items(stream, inside, several=True), inside.removesuffix("item").rstrip("."))

    def _lines(self, lines: Iterable[bytes]) -> Iterator[tuple[str, Record]]:
        for number, line in enumerate(lines, 1):
            if not (text := _plain(line).strip()):
                continue
            found = _loads(text)
            if isinstance(found, dict) and not _wrapped(found):
                self._out.records += 1
                yield f"line {number}", inside(found)
            elif found is not None:
                yield from self._expand(found)
            else:
                self._out.records += 1
                self._out.refuse(f"line {number}", "", f"not JSON; {_AGAIN}")

    def _expand(self, document: Any) -> Iterator[tuple[str, Record]]:
        if isinstance(document, dict):
            self.more |= bool(document.get(_NEXT))
            if wrapper := _wrapped(document):
                yield from self._objects(document[wrapper], wrapper)
                return
            if (rows := tabled(document)) is not None:
                yield from self._objects(rows, "tables")
                return
            document = [document]
        yield from self._objects(document if isinstance(document, list) else [document], "")

    def _objects(self, items: Iterable[Any], name: str) -> Iterator[tuple[str, Record]]:
        for item in items:
            place = f"{name}[{self._number}]"
            self._number += 1
            self._out.records += 1
            if isinstance(item, dict):
                yield place, inside(item)
            else:
                self._out.refuse(place, "", "not an object")


def _wrapped(document: Record) -> str | None:
    """The key under which an outer object has its records. `data` is one only where nothing but `meta` stands beside it."""
    for key in _WRAPPERS:
        if isinstance(document.get(key), list) and (key != "data" or document.keys() <= {"data", "meta"}):
            return key
    return None


def _loads(text: bytes) -> Any:
    """A JSON document, or None where it is none (or null)."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _plain(data: bytes) -> bytes:
    """Bytes in UTF-8 without a byte order mark; what is cut within a character of UTF-16 loses that character."""
    if data.startswith(_UTF16):
        return data.decode("utf-16", "ignore").encode("utf-8", "ignore")
    return data.removeprefix(codecs.BOM_UTF8)
