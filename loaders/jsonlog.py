"""Logs of events kept as JSON: an object a line, an array, objects in an envelope, documents one after another; in a zip, member by member.

    first = sample(source, ("activities",))             # the first records, for recognising a file
    for place, record in records(source, out, ("activities",)): …
    batches(source, out, ("activities",))               # the same as texts, many at once, where the file allows it; else None
    listed_batches(source, out, ("activities",))        # the same of an array

`envelopes`: names under which exports put the array when they wrap it. Read in bounded memory, as long as no record is large.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

import ijson
import numpy as np
import orjson

from loaders.base import SNIFF_BYTES, Broken, FactBuffer, Source
from loaders.collectors import ENVELOPES, inside, listed
from loaders.containers import Archive, at, json_items, read_json, shallow
from loaders.jsonbatch import SMALL, Batch, Bytes, Ints, cut, is_text, of_lines, padded

Record = dict[str, Any]

_ZIP = b"PK\x03\x04"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_NAMES = (".json", ".ndjson", ".jsonl", ".log")
_AGAIN = "it is cut short: export it again"
_SMALL = 32 << 20
_LISTED = 256 << 20  # as bytes, of which no objects are made
_BLANK = b" \t\r\n"


@dataclass(frozen=True)
class _Part:
    """One text of JSON: `name` is the member's in a zip, "" for a file of its own."""

    name: str
    open: Callable[[], BinaryIO]


def sample(source: Source, envelopes: tuple[str, ...], count: int = 8) -> list[Record]:
    """The first records of a file, or of a zip's first member; empty for what is no JSON."""
    if source.is_dir:
        return []
    head = source.head
    if head.startswith(_ZIP):
        try:
            with Archive(source.open()) as archive:
                members = [member for member in archive.members if member.name.casefold().endswith(_NAMES) and not member.encrypted]
                if not members:
                    return []
                with archive.open(members[0]) as stream:
                    head = stream.read(SNIFF_BYTES)
        except Broken:
            return []
    return list(_sample(head, envelopes)[:count])


@lru_cache(maxsize=8)
def _sample(head: bytes, envelopes: tuple[str, ...]) -> tuple[Record, ...]:
    text = shallow(_utf8(head))
    if not text.lstrip(_BLANK).startswith((b"{", b"[")) and _layout(text, envelopes) is not None:
        return ()
    path = _layout(text, envelopes)
    found: list[Record] = []
    if path is None:
        for line in text.split(b"\n")[:16]:
            with suppress(orjson.JSONDecodeError):
                found += [inside(record) for record in _unwrapped(orjson.loads(line), envelopes) if isinstance(record, dict)]
        return tuple(found)
    with suppress(ijson.JSONError, UnicodeError, ValueError):
        for item in ijson.items(io.BytesIO(text), path, use_float=True, multiple_values=True):
            found += [inside(item)] if isinstance(item, dict) else []
            if len(found) >= 8:
                break
    return tuple(found)


def records(source: Source, out: FactBuffer, envelopes: tuple[str, ...]) -> Iterator[tuple[str, Record]]:
    """(place, record) for each record; all are counted in `out.records`, what is no object is refused.

    Raises Broken where a text ends in the middle of a record, or is not JSON.
    """
    if not source.head.startswith(_ZIP):
        yield from _records(_Part("", source.open), out, envelopes)
        return
    with Archive(source.open()) as archive:
        for member in archive.members:
            if member.name.casefold().endswith(_NAMES):
                yield from _records(_Part(member.name, lambda given=member: archive.open(given)), out, envelopes)  # type: ignore[misc]


def batches(source: Source, out: FactBuffer, envelopes: tuple[str, ...]) -> Iterator[Batch] | None:
    """The records of a large file in UTF-8 with one a line, as texts, many at once; None for any other."""
    head = source.head
    if source.size < SMALL or head.startswith((_ZIP, *_UTF16)) or _layout(_utf8(head), envelopes) is not None:
        return None

    def read(number: int, line: bytes) -> Iterator[tuple[str, Record]]:
        return _counted("", _of_line(number, line, "", envelopes), out)

    def all_() -> Iterator[Batch]:
        with source.open() as stream:
            yield from of_lines(stream, read, _SMALL)

    return all_()


def listed_batches(source: Source, out: FactBuffer, envelopes: tuple[str, ...]) -> Iterator[Batch] | None:
    """The same of a large file in UTF-8 that is one array, or one object with the array; None for any other, and for one that is huge.

    The bytes are looked through first, so that a file that breaks midway is read, and told, by `records`.
    """
    path = None if source.head.startswith((_ZIP, *_UTF16, _UTF8_MARK)) else _layout(source.head, envelopes)
    if not path or path.count(".") > 1 or not SMALL <= source.size <= _LISTED:
        return None
    from loaders.jsonscan import Names, items, objects  # noqa: PLC0415 -- compiled code, which only large files need

    with source.open() as stream:
        data = stream.read()
    text, start = padded(data), len(data) - len(data.lstrip(_BLANK))
    end = start
    if path == "item":
        end = len(data)
    else:
        found = objects(text, np.array([start]), np.array([len(data)]), Names(path.removesuffix(".item")))
        start, end = found.spans[0, 0].tolist() if len(found.row) else (-1, -1)
    listed = items(text[: end + 8], start) if start >= 0 and data[start : start + 1] == b"[" and is_text(data) else None
    return _sliced(text, *listed, out) if listed else None


def _sliced(text: Bytes, starts: Ints, ends: Ints, out: FactBuffer) -> Iterator[Batch]:
    for first, part, begins, stops in cut(text, starts, ends):

        def read(row: int, given: Bytes = part, begins: Ints = begins, stops: Ints = stops, number: int = first + 1) -> Iterator[tuple[str, Record]]:
            return _counted("", iter([(f"item {number + row}", orjson.loads(given[begins[row] : stops[row]].tobytes()))]), out)

        yield Batch(part, begins, stops, np.arange(first + 1, first + 1 + len(begins)), "item {}", read, sound=True)


def _records(part: _Part, out: FactBuffer, envelopes: tuple[str, ...]) -> Iterator[tuple[str, Record]]:
    with part.open() as stream:
        head = stream.read(SNIFF_BYTES)
    if head.startswith(_UTF16):
        with part.open() as stream:
            data = _decoded(stream.read(), part.name)
        part, head = _Part(part.name, lambda: io.BytesIO(data)), data[:SNIFF_BYTES]
    path = _layout(_utf8(head), envelopes)
    yield from _counted(part.name, _of_lines(part, envelopes) if path is None else _of_items(part, path), out)


def _counted(name: str, found: Iterator[tuple[str, Any]], out: FactBuffer) -> Iterator[tuple[str, Record]]:
    for place, record in found:
        out.records += 1
        if isinstance(record, dict):
            yield at(name, place), inside(record)
        else:
            out.refuse(at(name, place), "", "not a JSON object" if record is not None else "not JSON: the line is damaged")


def _of_lines(part: _Part, envelopes: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    with part.open() as stream:
        for number, line in enumerate(stream, 1):
            yield from _of_line(number, line, part.name, envelopes)


def _of_line(number: int, line: bytes, name: str, envelopes: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    text = (line.removeprefix(_UTF8_MARK) if number == 1 else line).strip(_BLANK)
    if not text:
        return
    place = f"line {number}"
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        if not line.endswith(b"\n"):
            raise Broken(at(name, place), "the file ends in the middle of a record", _AGAIN) from None
        yield place, None
        return
    if isinstance(found, dict) and listed(found, (*envelopes, *ENVELOPES)) is None:
        yield place, found
        return
    several = _unwrapped(found, envelopes) if isinstance(found, dict | list) else [found]
    for index, record in enumerate(several):
        yield f"{place}, item {index + 1}", record


def _of_items(part: _Part, path: str) -> Iterator[tuple[str, Any]]:
    whole = _whole(part, path)
    if whole is not None:
        yield from ((f"item {number}", record) for number, record in enumerate(whole, 1))
        return
    with part.open() as stream:
        for number, record in enumerate(json_items(stream, path, part.name, several=True), 1):
            yield f"item {number}", record


def _whole(part: _Part, path: str) -> list[Any] | None:
    """The records of a small text that is one document: parsed at once, which is faster. None: it is large, broken, or several."""
    with part.open() as stream:
        data = stream.read(_SMALL + 1)
    if len(data) > _SMALL:
        return None
    try:
        found = read_json(data, part.name)
    except Broken:
        return None  # read again bit by bit, which tells the place
    for key in path.split(".")[:-1]:
        found = found.get(key) if isinstance(found, dict) else None
    if path == "":
        return [found]
    return found if isinstance(found, list) else None


def _unwrapped(found: Any, envelopes: tuple[str, ...]) -> list[Any]:
    """The records of a document: a list's items, those in an envelope, or the document itself."""
    if isinstance(found, list):
        return found
    if not isinstance(found, dict):
        return []
    several = listed(found, (*envelopes, *ENVELOPES))
    return [found] if several is None else several


def _layout(text: bytes, envelopes: tuple[str, ...]) -> str | None:
    """Where the records are, as ijson writes it ("": each is a document); None where each stands on a line."""
    start = text.lstrip(_BLANK)
    if start.startswith(b"["):
        return "item"
    lines = start.split(b"\n")
    for line in lines[:8]:
        with suppress(orjson.JSONDecodeError):
            found = orjson.loads(line)
            if isinstance(found, dict) and found:
                return None
    if not start.startswith(b"{"):
        return None
    places = {*envelopes, *ENVELOPES}
    with suppress(ijson.JSONError, UnicodeError, ValueError):
        for prefix, event, _ in ijson.parse(io.BytesIO(start)):
            if event == "start_array" and prefix in places:
                return f"{prefix}.item"
    return ""


def _utf8(data: bytes) -> bytes:
    if data.startswith(_UTF16):
        return data.decode("utf-16", "ignore").encode("utf-8", "ignore")
    return data.removeprefix(_UTF8_MARK)


def _decoded(data: bytes, place: str) -> bytes:
    try:
        return data.decode("utf-16").encode()
    except UnicodeError:
        raise Broken(at(place, "byte 0"), "the bytes do not fit the byte order mark", "export it again") from None
