r"""Zeek's logs, records as dicts: TSV with its `#` lines, or a JSON object a line; gzip in place (formats.md 9).

    for place, path, record in records(source, out, wanted): ...      # path: conn, smtp, ntlm, …
    for piece in pieces(source, out, wanted, "conn"): ...             # many lines of that log as Columns where that is safe

Unset fields (`-`, null) are left out, `(empty)` is an empty list, sets and vectors are lists, `\x2c` is unescaped; a time is seconds as text.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import orjson
import polars as pl
import pyarrow as pa

from loaders import columns
from loaders.base import SNIFF_BYTES, Broken, FactBuffer, Source

Record = dict[str, Any]

# Fields that one log has and no other, for JSON that does not name its log.
_TOLD = {
    "conn": "conn_state", "smtp": "trans_depth", "ntlm": "server_dns_computer_name", "rdp": "security_protocol", "kerberos": "request_type",
    "ssh": "auth_attempts",
}  # fmt: skip
_ESCAPED = re.compile(r"\\x([0-9a-fA-F]{2})")
_GZIP = b"\x1f\x8b"
_LONGEST = 16 << 20
_CHUNK = 2 << 20
NEWLINE = b"\n"
_TOTAL = 64 << 30
_AGAIN = "it is cut short: copy it again"


def head_of(source: Source) -> bytes:
    """The first 64 KiB, unpacked where the file is gzip; empty for a folder and for what does not unpack."""
    head = b"" if source.is_dir else source.head
    if not head.startswith(_GZIP):
        return head
    try:
        return zlib.decompressobj(31).decompress(head, SNIFF_BYTES)
    except zlib.error:
        return b""


def path_of(source: Source) -> str | None:
    """Which of Zeek's logs a file is by its first record, or None where it is none of them."""
    head = head_of(source)
    if head.startswith(b"#separator"):
        found = re.search(rb"^#path\s+(\S+)", head, re.MULTILINE)
        return found[1].decode("ascii", "replace") if found else None
    if not head.startswith(b"{"):
        return None
    try:
        record = orjson.loads(head.split(b"\n", 1)[0])
    except orjson.JSONDecodeError:
        return None
    return _json_path(record) if isinstance(record, dict) and "ts" in record and ("_path" in record or "uid" in record) else None


def records(source: Source, out: FactBuffer, wanted: frozenset[str]) -> Iterator[tuple[str, str, Record]]:
    """(place, log, record) one by one, with the `wanted` fields; damaged ones are refused. Raises Broken where the packed bytes are damaged or cut."""
    for piece in pieces(source, out, wanted, ""):
        if isinstance(piece, tuple):
            yield piece


def pieces(source: Source, out: FactBuffer, wanted: frozenset[str], many: str) -> Iterator[tuple[str, str, Record] | Columns]:
    """The same, with lines of the log `many` as columns where those are beyond doubt."""
    with _open(source) as stream:
        if head_of(source).startswith(b"#"):
            yield from _of_tsv(_chunks(stream), out, wanted, many)
        else:
            yield from _of_json(_Lines(stream), out)


def _open(source: Source) -> BinaryIO:
    return cast(BinaryIO, gzip.open(source.open(), "rb")) if source.head.startswith(_GZIP) else source.open()


class _Lines:
    """Lines with their numbers, bounded in length and sum. `whole`: the last one ended with a line break."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.whole = True

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        number, total = 0, 0
        while True:
            number += 1
            try:
                line = self._stream.readline(_LONGEST)
            except (EOFError, OSError, zlib.error):
                raise Broken(f"after line {number - 1}", "the packed bytes are damaged or end too early", _AGAIN) from None
            if not line:
                return
            total += len(line)
            if len(line) >= _LONGEST or total > _TOTAL:
                raise Broken(f"line {number}", "a line of more than 16 MiB, or more than 64 GiB unpacked", "it is no log of Zeek's")
            self.whole = line.endswith(b"\n")
            yield number, line


def _of_json(lines: _Lines, out: FactBuffer) -> Iterator[tuple[str, str, Record]]:
    for number, line in lines:
        if not line.strip():
            continue
        out.records += 1
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            if not lines.whole:
                raise Broken(f"line {number}", "the file ends in the middle of a record", _AGAIN) from None
            record = None
        path = _json_path(record) if isinstance(record, dict) else None
        if not isinstance(record, dict) or path is None:
            out.refuse(f"line {number}", "", "not a record of Zeek's" if record is not None else "not JSON: the line is damaged")
        else:
            yield f"line {number}", path, {name: value for name, value in record.items() if value is not None}


def _json_path(record: Record) -> str | None:
    path = record.get("_path")
    return path if isinstance(path, str) else next((name for name, field in _TOLD.items() if field in record), None)


class _Header:
    """What the `#` lines say: separators, the log's name, its fields and types."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._columns: list[tuple[int, str, bool]] = []
        self.separator, self.joint, self.unset, self.empty, self.path = "\t", ",", "-", "(empty)", ""
        self.fields: list[str] = []
        self.known: dict[str, dict[str, Any]] = {}
        """By field: what was found out of its texts so far (Columns.column)."""
        self.closed = False

    def take(self, text: str) -> None:
        """One line that begins with `#`."""
        if text.startswith("#separator"):
            self.separator = _unescape(text[len("#separator") :].strip()) or "\t"
            return
        name, _, rest = text[1:].partition(self.separator)
        values = rest.split(self.separator)
        if name == "set_separator":
            self.joint = rest or ","
        elif name == "empty_field":
            self.empty = rest
        elif name == "unset_field":
            self.unset = rest
        elif name == "path":
            self.path = rest.strip()
        elif name == "fields":
            self.fields = values
            self._columns = [(at, field, False) for at, field in enumerate(values) if field in self._wanted]
        elif name == "types":
            lists = {at for at, type_ in enumerate(values) if type_.startswith(("set[", "vector[", "table["))}
            self._columns = [(at, field, at in lists) for at, field, _ in self._columns]
        elif name == "close":
            self.closed = True

    def text(self, cell: str) -> str:
        """The text of a field that is no list; "" where it is not set."""
        return "" if cell in (self.unset, self.empty) else _unescape(cell) if "\\x" in cell else cell

    def record(self, cells: list[str]) -> Record:
        """A row by the names of its wanted fields."""
        found: Record = {}
        for at, name, is_list in self._columns:
            cell = cells[at]
            if cell == self.unset:
                continue
            if is_list:
                found[name] = [] if cell == self.empty else [_unescape(item) for item in cell.split(self.joint)]
            else:
                found[name] = "" if cell == self.empty else _unescape(cell) if "\\x" in cell else cell
        return found


@dataclass(frozen=True)
class Columns:
    """Lines of one log. `number`: of the first; `line` gives one as a record, as `records` does."""

    number: int
    height: int
    path: str
    _fields: dict[str, pa.Array]
    _header: _Header

    def column(self, name: str, work: Callable[[str], Any], dtype: Any) -> pl.Series:
        """`work` of a field's text, "" where it is not set, done once for each different one."""
        if name not in self._fields:
            return pl.repeat(work(""), self.height, dtype=dtype, eager=True)
        known = self._header.known.setdefault(name, {})
        return columns.once_a_value(self._fields[name], lambda cell: work(self._header.text(cell)), dtype, known)

    def raw(self, name: str) -> pl.Series:
        """The cells of a field as they stand."""
        found = self._fields.get(name)
        return columns.series(columns.empty(self.height) if found is None else found)

    def line(self, at: int) -> tuple[str, str, Record]:
        """(place, log, record) of one of the lines, from 0 on."""
        cells = {name: column[at].as_py() for name, column in self._fields.items()}
        return f"line {self.number + at}", self.path, self._header.record([cells.get(name, self._header.unset) for name in self._header.fields])


def _chunks(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """(number of the first line, whole lines), bounded in the length of a line and in sum."""
    number, total, rest = 1, 0, b""
    while True:
        try:
            data = stream.read(_CHUNK)
        except (EOFError, OSError, zlib.error):
            raise Broken(f"after line {number + rest.count(NEWLINE) - 1}", "the packed bytes are damaged or end too early", _AGAIN) from None
        total += len(data)
        rest += data
        end = rest.rfind(NEWLINE) + 1 if data else len(rest)
        if len(rest) - end >= _LONGEST or total > _TOTAL:
            raise Broken(f"line {number + rest.count(NEWLINE)}", "a line of more than 16 MiB, or more than 64 GiB unpacked", "it is no log of Zeek's")
        if end:
            yield number, rest[:end]
            number += rest.count(NEWLINE, 0, end)
            rest = rest[end:]
        if not data:
            return


def _of_tsv(chunks: Iterator[tuple[int, bytes]], out: FactBuffer, wanted: frozenset[str], many: str) -> Iterator[tuple[str, str, Record] | Columns]:
    header = _Header(wanted)
    for first, chunk in chunks:
        number, rest = first, chunk
        while rest.startswith(b"#"):
            line, _, rest = rest.partition(NEWLINE)
            yield from _line(line, number, header, out)
            number += 1
        if (found := _many(rest, number, header, wanted, many)) is not None:
            out.records += found.height
            yield found
            continue
        for at, line in enumerate(rest.split(NEWLINE), number):
            yield from _line(line, at, header, out)
    if not header.closed:
        out.note("no #close at the end: the log was still being written, or is cut short")


def _many(lines: bytes, number: int, header: _Header, wanted: frozenset[str], many: str) -> Columns | None:
    """Lines as columns; None where there is anything but rows of the log `many` with as many cells as there are fields."""
    unusual = (b"\n#", b"\r", b"\0", b"\n\n")
    if not many or header.path != many or len(header.separator) != 1 or not lines.endswith(NEWLINE) or lines.startswith(NEWLINE):
        return None
    if any(text in lines for text in unusual):
        return None
    places = [at for at, name in enumerate(header.fields) if name in wanted]
    found = columns.texts_of(lines, len(header.fields), header.separator, places, quoted=False) if places else None
    if not found:
        return None
    return Columns(number, len(found[0]), many, {header.fields[at]: column for at, column in zip(places, found, strict=True)}, header)


def _line(line: bytes, number: int, header: _Header, out: FactBuffer) -> Iterator[tuple[str, str, Record]]:
    try:
        text = line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        out.records += 1
        out.refuse(f"line {number}", "", "the bytes are not UTF-8: the line is damaged")
        return
    if text.startswith("#"):
        header.take(text)
    elif text:
        out.records += 1
        cells = text.split(header.separator)
        if len(cells) != len(header.fields):
            out.refuse(f"line {number}", f"{len(cells)} cells", f"not as many as #fields names, {len(header.fields)}")
        else:
            yield f"line {number}", header.path, header.record(cells)


def _unescape(text: str) -> str:
    r"""Zeek writes bytes that would break the line as `\x2c`, non-ASCII ones too."""
    raw = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    try:
        return raw.encode("latin-1").decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        return raw
