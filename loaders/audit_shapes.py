"""The shapes in which the Microsoft 365 audit log leaves a tenant, all brought to one: AuditData's own keys (formats.md 1.1).

    for place, record in Shapes(source, options, out, skip): ...
    shapes.batches()        # the same records as texts, many at once, where the file is large and of a shape that allows it; else None

`skip(id, user, text)` is asked before a cell of AuditData is parsed, so that copies and upkeep cost nothing.
A record whose AuditData is cut keeps what the other columns say, and `_cut: True`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, BinaryIO

import orjson

from loaders import audit_tables
from loaders.audit_names import FLAT, canonical, sentinel, unflattened
from loaders.audit_who import Record
from loaders.base import Broken, FactBuffer, Options, Source
from loaders.collectors import ENVELOPES, inside, listed, tabled
from loaders.containers import json_items
from loaders.encodings import encoding_of, head_text, open_text
from loaders.jsonbatch import BATCH_BYTES, BATCH_ROWS, SMALL, Batch, of_lines
from loaders.reading import Row, Table, header_of
from loaders.zones import Clock

Skip = Callable[[str, str, str], bool]

_OUTER_TIMES = ("creationdate", "createddatetime", "_time")
_IN_TEXT = {key: re.compile(rf'"+{key}"+\s*:\s*"+([^"]+)"') for key in ("CreationTime", "Id", "Workload")}
# The record may stand as text within a collector's (`\"Operation\":`), a table's cell (`""Operation"":`), or under a longer name (`o365.audit.Operation`).
_QUOTED = r'"(?:o365\.audit\.)?({})(?:"|\\"|"")\s*:'
_LOOKS_LIKE_ONE = re.compile(_QUOTED.format("audit_?data|officeworkload|operation|cmdletname"), re.IGNORECASE)
_AND_ALSO = re.compile(_QUOTED.format("audit_?data|workload|officeworkload|recordtype|cmdletparameters"), re.IGNORECASE)
_USER = re.compile(_QUOTED.format("audit_?data|userid|userids|user_?key|caller"), re.IGNORECASE)
_TEXTS = ("AuditData", "_raw")
_WRAPPERS = ("value", "events", *ENVELOPES)
_LINE_LIMIT = 64 << 20
_CHUNK = 1 << 20


def shape_of(source: Source) -> str | None:
    """Which table a file is: `AuditData`, `_raw` (Splunk's, or Defender's CloudAppEvents, with the record in one column), `OfficeActivity`, `flattened`; None where it is none."""
    header = header_of(source)
    if header & {"_raw", "raweventdata"} and "auditdata" not in header and _says_so(head_text(source)):
        return "_raw"
    return _shape_of_header(frozenset(name.removeprefix("o365.audit.") for name in header))


def _says_so(text: str) -> bool:
    return all(pattern.search(text) for pattern in (_LOOKS_LIKE_ONE, _AND_ALSO, _USER))


def _shape_of_header(header: frozenset[str]) -> str | None:
    if "auditdata" in header:
        return "AuditData"
    if "officeworkload" in header and "operation" in header:
        return "OfficeActivity"
    if found := audit_tables.shape_of(header):
        return found
    if {"creationtime", "operation", "userid"} <= header and header & {"workload", "recordtype"}:
        return "flattened"
    if {"caller", "cmdlet", "rundate(utc)"} <= header:
        return "flattened"
    return None


def looks_like_records(source: Source) -> bool:
    """Whether the beginning of a file is JSON, and of such records."""
    text = head_text(source).lstrip("\ufeff \t\r\n")
    return text[:1] in ("{", "[") and (_says_so(text) or ('"tables"' in text[:99] and '"OfficeWorkload"' in text and '"Operation"' in text))


class Shapes:
    """The records of a file, one by one, with their places. `lossy`: the shape lost parts of them."""

    def __init__(self, source: Source, options: Options, out: FactBuffer, skip: Skip) -> None:
        self._source, self._options, self._out, self._skip = source, options, out, skip
        self.lossy = False

    def __iter__(self) -> Iterator[tuple[str, Record]]:
        text = head_text(self._source).lstrip("\ufeff \t\r\n")
        if text[:1] == "{":
            return self._lines()
        return self._arrays() if text[:1] == "[" else self._table()

    def batches(self) -> Iterator[Batch] | None:
        """The records as texts in batches; None where the file is small or its shape gives no text for a record."""
        text = head_text(self._source).lstrip("\ufeff \t\r\n")
        if self._source.size < SMALL or text[:1] == "[":
            return None
        if text[:1] == "{":
            return self._line_batches() if self._is_of_lines() else None
        return self._table_batches(Table(self._source, self._options, self._out)) if shape_of(self._source) in _TEXTS else None

    # Tables.

    def _table(self) -> Iterator[tuple[str, Record]]:
        shape = shape_of(self._source)
        # AuditData has its own times; only the other tables need the file's word on the order of day and month.
        times = () if shape in _TEXTS else (*audit_tables.TIMES, "timegenerated", "creationtime", "rundate(utc)", "creationdate")
        table = Table(self._source, self._options, self._out, dates=times)
        if shape is None:
            table.require("auditdata")
        if shape in _TEXTS:
            return self._audit_data(table)
        if shape in audit_tables.SHAPES:
            return self._other(table, shape)
        return self._sentinel(table) if shape == "OfficeActivity" else self._flattened(table)

    def _audit_data(self, table: Table) -> Iterator[tuple[str, Record]]:
        for row, text in self._cells(table):
            yield from self._cell(row, text)

    def _cells(self, table: Table) -> Iterator[tuple[Row, str]]:
        """Rows, and their AuditData, without copies and upkeep."""
        id_ = next((name for name in ("identity", "recordid", "id") if table.has(name)), "")
        user = next((name for name in ("userids", "userid") if table.has(name)), "")
        column = next(name for name in ("auditdata", "_raw", "raweventdata") if table.has(name))
        for row in table:
            text = row.raw(column)
            if not self._skip(row.raw(id_), row.raw(user), text):
                yield row, text

    def _cell(self, row: Row, text: str) -> Iterator[tuple[str, Record]]:
        try:
            record = orjson.loads(text)
        except orjson.JSONDecodeError:
            record = None
        if not isinstance(record, dict):
            yield row.place, self._outer(row, text or row.raw("_raw"))
            return
        whole = record if "Operation" in record else canonical(inside(record))
        if isinstance(whole.get("Operation"), str):
            yield row.place, whole
        else:
            self._out.refuse(row.place, "", "not a record of the audit log: it has no Operation")

    def _table_batches(self, table: Table) -> Iterator[Batch]:
        rows: list[Row] = []
        texts: list[str] = []
        size = 0
        for row, text in self._cells(table):
            rows.append(row)
            texts.append(text)
            size += len(text)
            if size >= BATCH_BYTES or len(rows) >= BATCH_ROWS:
                yield self._table_batch(rows, texts)
                rows, texts, size = [], [], 0
        if rows:
            yield self._table_batch(rows, texts)

    def _table_batch(self, rows: list[Row], texts: list[str]) -> Batch:
        return Batch.of(texts, [row.number for row in rows], "row {}", lambda i: self._cell(rows[i], texts[i]))

    def _outer(self, row: Row, text: str) -> Record:
        """What the other columns say of a record whose AuditData is cut, and what still stands in it."""
        found = {key: match[1] for key, pattern in _IN_TEXT.items() if (match := pattern.search(text[:4000]))}
        time = found.get("CreationTime") or row.date(*[name for name in _OUTER_TIMES if row.raw(name)][:1])
        return found | {
            "Id": found.get("Id") or row.first("identity", "recordid", "id"), "CreationTime": time,
            "Operation": row.first("operations", "operation"), "UserId": row.first("userids", "userid"), "_cut": True,
        }  # fmt: skip

    def _other(self, table: Table, shape: str) -> Iterator[tuple[str, Record]]:
        clock, local = Clock(self._options.zone), shape in audit_tables.LOCAL
        known: set[tuple[str, str]] = set()
        if local:
            self._out.note(f"times are local, {clock.words}" if clock.known else "times are local; they are read as UTC: say --zone where that is wrong")
        for row in table:
            at = row.date(*[name for name in audit_tables.TIMES if table.has(name)])
            if (account := audit_tables.named(shape, row)) and account not in known:
                known.add(account)
                self._out.node("Account", account[0], row.place, name=account[1])
            record = audit_tables.record_of(shape, row, clock.utc(at) if local and at is not None else at)
            if isinstance(record.get("Operation"), str):
                yield row.place, record
            else:
                self._out.refuse(row.place, "", "it has no operation")

    def _sentinel(self, table: Table) -> Iterator[tuple[str, Record]]:
        for row in table:
            cells = {name: text for name in table.index if name and (text := row.raw(name))}
            record = sentinel(cells)
            record["CreationTime"] = row.date("timegenerated")
            yield row.place, record

    def _flattened(self, table: Table) -> Iterator[tuple[str, Record]]:
        self.lossy = True
        for row in table:
            record = unflattened({name.removeprefix("o365.audit."): text for name in table.index if name and (text := row[name])})
            if (time := record.get("CreationTime")) and not (isinstance(time, str) and time[4:5] == "-"):
                record["CreationTime"] = row.date("creationtime", "rundate(utc)", "creationdate")
            yield row.place, record

    # JSON.

    def _lines(self) -> Iterator[tuple[str, Record]]:
        """One object a line; where the first line is not one by itself, objects spread over lines."""
        if not self._is_of_lines():
            yield from self._objects("")
            return
        with closing(self._bytes()) as stream:
            number = 0
            while line := stream.readline(_LINE_LIMIT):
                number += 1
                yield from self._line(number, line)

    def _is_of_lines(self) -> bool:
        with closing(self._bytes()) as stream:
            first = stream.readline(_LINE_LIMIT)
            while first and not first.strip(b"\xef\xbb\xbf \t\r\n"):
                first = stream.readline(_LINE_LIMIT)
        try:
            orjson.loads(first.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError:
            return first.strip().startswith(b'{"')
        return True

    def _line(self, number: int, line: bytes) -> Iterator[tuple[str, Record]]:
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if line.isspace():
            return
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            if not line.endswith(b"\n"):
                raise Broken(f"line {number}", "the file ends in the middle of a record", "it is cut short: export it again") from None
            self._out.records += 1
            self._out.refuse(f"line {number}", "", "not JSON: the line is damaged, export it again")
            return
        yield from self._values(f"line {number}", value)

    def _line_batches(self) -> Iterator[Batch]:
        with closing(self._bytes()) as stream:
            yield from of_lines(stream, self._line, _LINE_LIMIT)

    def _arrays(self) -> Iterator[tuple[str, Record]]:
        """Arrays of objects, several after another where a tool appended to the file."""
        return self._objects("item")

    def _objects(self, path: str) -> Iterator[tuple[str, Record]]:
        with closing(self._bytes()) as stream:
            for number, value in enumerate(json_items(stream, path, several=True), 1):
                yield from self._values(f"record {number}", value)

    def _values(self, place: str, value: Any) -> Iterator[tuple[str, Record]]:
        """The record in a JSON value; all of them where it is an answer of Graph's (`{"value": […]}`) or a list."""
        if isinstance(value, dict) and "Operation" not in value:
            several = listed(value, _WRAPPERS)
            several = tabled(value) if several is None else several
            value = value if several is None else several
        if isinstance(value, list):
            for number, item in enumerate(value, 1):
                yield from self._values(f"{place}, item {number}", item)
            return
        self._out.records += 1
        record = unwrapped(value) if isinstance(value, dict) else None
        if record is None or not isinstance(record.get("Operation"), str):
            self._out.refuse(place, "", "not a record of the audit log: it has no Operation")
        else:
            yield place, record

    def _bytes(self) -> BinaryIO:
        """The file as UTF-8, whatever it is written in (PowerShell 5.1 writes UTF-16)."""
        encoding = encoding_of(self._source, self._options) if self._source.head[:2] in (b"\xff\xfe", b"\xfe\xff") else None
        if encoding is None:
            return self._source.open()
        return io.BufferedReader(_Recoded(open_text(self._source, encoding)), _CHUNK)


class _Recoded(io.RawIOBase):
    """A text stream as bytes in UTF-8."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._left = text, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            try:
                self._left = self._text.read(_CHUNK).lstrip("\ufeff").encode()
            except UnicodeError:
                raise Broken("text", "the bytes do not fit the byte order mark", "it is damaged or cut short: export it again") from None
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        self._text.close()
        super().close()


def unwrapped(value: Record) -> Record | None:
    """The record in an object: itself, or in its AuditData (an object, or JSON text), or a row of Sentinel's table."""
    value = inside(value)
    inner = value.get("AuditData", value.get("auditData"))
    if isinstance(inner, str):
        try:
            inner = orjson.loads(inner)
        except orjson.JSONDecodeError:
            return canonical({FLAT.get(key.casefold(), key): item for key, item in value.items() if key.casefold() != "auditdata"}) | {"_cut": True}
    if isinstance(inner, dict):
        return inner if "Operation" in inner else canonical(inner)
    if "Operation" in value and "CreationTime" in value:
        return value
    if "CmdletName" in value:
        return audit_tables.from_command(value)
    if "OfficeWorkload" in value:
        return sentinel({key.casefold(): item for key, item in value.items()})
    return canonical(value)
