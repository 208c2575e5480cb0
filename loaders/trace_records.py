"""Logs kept as JSON: one object a line, an array, or an array in an envelope (`value`, `d.results`, `data`, …), as a stream.

    for place, record in records(source, out): ...

Each record is a dict; what is none is refused with its place. A file that ends in the middle of a record is Broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import ijson
import orjson

from loaders.base import Broken, FactBuffer, Source
from loaders.collectors import inside
from loaders.containers import json_items, read_json, shallow
from loaders.encodings import Encoding, head_text, open_text
from loaders.jsonbatch import SMALL, Batch, of_lines

Record = dict[str, Any]

ENVELOPES = ("value", "d.results", "data", "records", "Records", "results", "messages", "events", "logs", "hits.hits")
"""Where exports put the array when they wrap it."""

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_CUT = "the file ends in the middle of a record"
_NOWHERE = Path()
_LONGEST = 256 << 20
_AGAIN = "it is cut short: export it again"


def sample(source: Source, count: int = 8) -> list[Record]:
    """The first records of a file that is JSON, for recognising it; empty for anything else."""
    if source.is_dir or source.head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] not in (b"{", b"["):
        return []
    return list(_sample(source.head)[:count])


def records(source: Source, out: FactBuffer) -> Iterator[tuple[str, Record]]:
    """(place, record) for each record of a file; all are counted in `out.records`.

    Raises Broken when the file ends in the middle of a record, or is not JSON at all.
    """
    path = _layout(_text(source.head))
    yield from _counted(_of_array(source, path) if path else _of_lines(source), out)


def batches(source: Source, out: FactBuffer) -> Iterator[Batch] | None:
    """The records of a large file in UTF-8 with one a line, as texts, many at once; None for any other."""
    if source.size < SMALL or source.head.startswith(_UTF16) or _layout(_text(source.head)):
        return None

    def all_() -> Iterator[Batch]:
        with source.open() as stream:
            yield from of_lines(stream, lambda number, line: _counted(_of_line(number, line), out), _LONGEST)

    return all_()


def _counted(found: Iterator[tuple[str, Any]], out: FactBuffer) -> Iterator[tuple[str, Record]]:
    for place, record in found:
        out.records += 1
        if isinstance(record, dict):
            yield place, inside(record)
        else:
            out.refuse(place, "", "not a JSON object" if record is not None else "not JSON: the line is damaged")


def _of_lines(source: Source) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(_lines(source), 1):
        yield from _of_line(number, line)


def _of_line(number: int, line: bytes) -> Iterator[tuple[str, Any]]:
    if not line.strip(b"\xef\xbb\xbf \t\r\n"):
        return
    try:
        record = orjson.loads(line if number > 1 else line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        if not line.endswith(b"\n"):
            raise Broken(f"line {number}", _CUT, _AGAIN) from None
        record = None
    yield f"line {number}", record


def _lines(source: Source) -> Iterator[bytes]:
    if source.head.startswith(_UTF16):
        with open_text(source, Encoding("utf-16")) as text:
            try:
                for line in text:
                    yield line.encode("utf-8", "surrogatepass")
            except UnicodeDecodeError:
                raise Broken("byte 0", "the bytes do not fit the byte order mark", "export it again") from None
    else:
        with source.open() as stream:
            yield from stream


def _of_array(source: Source, path: str) -> Iterator[tuple[str, Any]]:
    with source.open() as stream:
        items: Iterator[Any]
        if source.head.startswith(_UTF16):
            found: Any = read_json(stream.read())
            for key in path.split(".")[:-1]:
                found = found.get(key) if isinstance(found, dict) else None
            items = iter(found if isinstance(found, list) else [])
        else:
            items = json_items(stream, path)
        for number, record in enumerate(items, 1):
            yield f"item {number}", record


def _text(head: bytes) -> str:
    return head_text(Source(_NOWHERE, "", head)).lstrip("\ufeff \t\r\n")


@lru_cache(maxsize=4)
def _sample(head: bytes) -> tuple[Record, ...]:
    text = _text(shallow(head))
    path = _layout(text)
    found: list[Any] = []
    if path:
        with suppress(ijson.JSONError, UnicodeError):
            for item in ijson.items(text.encode(), path, use_float=True):
                found.append(item)
                if len(found) == 8:
                    break
    else:
        for line in text.split("\n")[:8]:
            with suppress(orjson.JSONDecodeError):
                found.append(orjson.loads(line))
    return tuple(inside(item) for item in found if isinstance(item, dict))


def _layout(text: str) -> str | None:
    """Where the records are, as ijson writes it; None where each stands on a line."""
    if text.startswith("["):
        return "item"
    first, _, rest = text.partition("\n")
    with suppress(orjson.JSONDecodeError):
        if isinstance(orjson.loads(first), dict) and rest.lstrip().startswith("{"):
            return None
    with suppress(ijson.JSONError, UnicodeError):
        for prefix, event, _ in ijson.parse(text.encode()):
            if event == "start_array" and prefix in ENVELOPES:
                return f"{prefix}.item"
    return None


def text_of(value: object) -> str:
    """A field as stripped text; "" for null, lists and objects."""
    if isinstance(value, str):
        return value.strip()
    return "" if value is None or isinstance(value, (bool, dict, list)) else str(value)


def texts_of(value: object) -> list[str]:
    """A field that holds a list of texts, or one text with items joined by `;` or `,`."""
    if isinstance(value, list):
        return [item.strip() for item in value if isinstance(item, str) and item.strip()]
    return [item.strip() for item in text_of(value).replace(";", ",").split(",") if item.strip()]


def dig(record: object, *path: str) -> Any:
    """The value at a path of keys; None where there is none."""
    for key in path:
        if not isinstance(record, dict):
            return None
        record = record.get(key)
    return record
