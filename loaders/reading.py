"""Tables as people export them (CSV): rows that know their place, read as a stream (formats.md 0.3.2).

    table = Table(source, options, out, dates=("received",))
    table.require("senderaddress", "recipientaddress")
    for row in table:
        row["senderaddress"], row.date("received"), row.at("received")
    for piece in table.blocks():      # for logs: many rows as columns where that is safe, else row by row
        piece.column("received") if isinstance(piece, Block) else piece["received"]

Column names are normalised: stripped, spaces collapsed, case folded, ` [UTC]` dropped; the second copy of a name is `name#2`.
A row's number is what a spreadsheet shows: the header counts, a line break inside quotes does not.
Refused with their place: rows with too few or too many cells, with broken quoting, with NUL bytes. Broken: a file that ends
inside quotes, that fits no encoding, or lacks a required column.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from loaders import columns, dates
from loaders.base import Broken, FactBuffer, Options, Source
from loaders.csv_rows import CsvRows, Part, Record
from loaders.dates import DateOrder, Order
from loaders.encodings import encoding_of, head_text, open_text

DELIMITERS = ",;\t|"
# Real cells reach some hundred kilobytes (audit records); more than this is an unclosed quote that swallows the file.
_CELL_LIMIT = 64 << 20
_HEADER_LIMIT = 1 << 20
_PREAMBLE = re.compile(r'^("?#TYPE |sep=.\s*$)', re.IGNORECASE)
_UTC_SUFFIX = re.compile(r" \[utc\]$")
_CALCULATED = re.compile(r"^\{?\s*(?:\[\w+\])?\(?\$(?:_|psitem)\.(\w+)(?:\s*-join\b.*|\s*\}?)$")
"""A column that was asked for as a script, and goes by its text: ` $_.Recipients `."""
_TYPE_NAME = re.compile(r"^(Deserialized\.)?(System\.[A-Z]|Microsoft\.[A-Z]\w*\.)[\w.`+]*(\[.*\])?$")
_LOST_TEXT = re.compile(r"^[?\s]*\?\?[?\s]*$")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_PREFIXED = re.compile(r"\s+(?=[A-Za-z0-9]{2,10}:)")


def column_name(text: str) -> str:
    """A header cell in one spelling: stripped, spaces collapsed, case folded, without ` [UTC]`; of `$_.Name -join ';'` the name."""
    name = _UTC_SUFFIX.sub("", " ".join(text.split()).casefold())
    return match[1] if "$" in name and (match := _CALCULATED.match(name)) else name


def header_of(source: Source) -> frozenset[str]:
    """Normalised column names of a file by its first 64 KiB, for recognising it; empty for what is no table."""
    return frozenset() if source.is_dir else _header_of(source.head)


@lru_cache(maxsize=1)  # many formats ask the same of one file
def _header_of(head: bytes) -> frozenset[str]:
    lines = iter(head_text(Source(Path(), "", head)).splitlines(keepends=True))
    try:
        return frozenset(_split_header(_find_header(lines).text)[1])
    except (csv.Error, Broken):
        return frozenset()


def split_list(text: str) -> list[str]:
    """Items of a cell that holds a list: `a; b`, `a, b`, `{a, b}`, and addresses or `smtp:` items joined by spaces."""
    value = text.strip()
    if value.startswith("{") and value.endswith("}"):
        value = value[1:-1]
    for separator in (";", ",") if not value.upper().startswith(("CN=", "X500:")) else (";",):
        if separator in value:
            return [item.strip() for item in value.split(separator) if item.strip()]
    if len(parts := _PREFIXED.split(value)) > 1:
        return parts
    words = value.split()
    return words if words and all("@" in word for word in words) else [value] if value else []


def is_type_name(text: str) -> bool:
    """Whether a cell holds the name of a .NET type instead of a value, as Export-Csv writes for lists."""
    return bool(_TYPE_NAME.match(text))


class Row:
    """One data row: `row["column"]` is the stripped text, "" where empty or where the cell says nothing (see Table)."""

    __slots__ = ("_cells", "_table", "number")

    def __init__(self, table: Table, number: int, cells: list[str]) -> None:
        self._table = table
        self._cells = cells
        self.number = number

    @property
    def place(self) -> str:
        """`row 12`."""
        return f"row {self.number}"

    def at(self, column: str) -> str:
        """`row 12, column received`."""
        return f"row {self.number}, column {column}"

    def __getitem__(self, column: str) -> str:
        return self._table.clean(self, column, self._cells[self._table.index[column]])

    def get(self, column: str) -> str:
        """The same, and "" where the file has no such column."""
        return self[column] if column in self._table.index else ""

    def first(self, *columns: str) -> str:
        """The first of these columns that is not empty."""
        return next((text for column in columns if (text := self.get(column))), "")

    def raw(self, column: str) -> str:
        """The cell as it stands, only stripped; "" where there is no such column."""
        index = self._table.index.get(column)
        return self._cells[index].strip() if index is not None else ""

    def list(self, column: str) -> list[str]:
        """Items of a list cell (see `split_list`); empty where there is no such column."""
        return split_list(self.get(column))

    def date(self, *columns: str) -> int | None:
        """Seconds since 1970 UTC of the first of these columns that is neither empty nor `-`; None, and a note, where it is no good date."""
        for column in columns:
            if (text := self.get(column)) not in ("", "-"):
                return self._table.moment(self, column, text)
        return None

    def flag(self, column: str) -> bool | None:
        """A yes or no cell; None where empty or neither."""
        return _FLAGS.get(self.get(column).casefold())

    def rest(self, known: Iterable[str]) -> str | None:
        """What the columns besides `known` say, as JSON; None where they are empty."""
        rest = {name: self[name] for name in self._table.index if name and name not in known and self[name]}
        return json.dumps(rest, ensure_ascii=False, sort_keys=True) if rest else None


@dataclass(frozen=True)
class Block:
    """Rows as columns. `number`: of the first row; each following row has the next."""

    number: int
    _part: Part
    _table: Table

    def __len__(self) -> int:
        return self._part.height

    def column(self, name: str) -> pa.Array:
        """The texts of a column as they stand; empty ones where there is no such column."""
        at = self._table.index.get(name)
        return columns.empty(len(self)) if at is None else self._part.column(at)

    def moment_of(self, text: str) -> int | None:
        """A date as `Row.date` reads it; None where only the row can tell."""
        with suppress(dates.BadDate):
            return dates.moment(text, self._table._order, self._table._options.now)
        return None

    def row(self, at: int) -> Row:
        """The row at this place in the block, from 0 on."""
        return Row(self._table, self.number + at, self._part.cells(at))


class Table:
    """A CSV file. `header`: normalised names in order; `delimiter`; iterating gives rows and counts them in `out.records`.

    Cells that hold a .NET type name or only question marks count as empty, and are told in a note; so are bad dates.
    `dates` names the columns by which the order of day and month is settled: the whole file is asked at the first date that needs it.
    `unnamed`: columns behind those that the header names.
    """

    def __init__(self, source: Source, options: Options, out: FactBuffer, dates: tuple[str, ...] = (), unnamed: tuple[str, ...] = ()) -> None:
        csv.field_size_limit(_CELL_LIMIT)
        self._source, self._options, self._out = source, options, out
        self._encoding = encoding_of(source, options)
        if self._encoding.remark:
            out.note(self._encoding.remark)
        self._troubles: dict[tuple[str, str], _Trouble] = {}
        self._top = self._read_top()
        self.delimiter, self.header = _split_header(self._top.text)
        self.header += unnamed
        self.index = {name: at for at, name in enumerate(self.header)}
        self._rows = CsvRows(self._text, self._top.lines, self._top.rows, self.delimiter, len(self.header))
        self._dated = [column for column in dates if column in self.index]
        self._seen = DateOrder()
        self._order: Order | None = None
        self._settled = False
        self.undecided = False
        """Whether a date was met that could be day/month or month/day, and nothing in the file tells which."""

    @property
    def ambiguous_dates(self) -> bool:
        """Whether the whole file has such a date; it is read for that."""
        self._settle()
        return self.undecided

    def has(self, *columns: str) -> bool:
        """Whether the file has all of these columns."""
        return all(column in self.index for column in columns)

    def require(self, *columns: str) -> None:
        """Raises Broken when a column is missing, saying which and what there is."""
        missing = [column for column in columns if column not in self.index]
        if missing:
            found = ", ".join(name for name in self.header if name)
            raise Broken("header", f"no column {', '.join(missing)}", f"found: {found[:200]}")

    def __iter__(self) -> Iterator[Row]:
        for record in self._watched(self._rows.records()):
            if (row := self._sound(*record)) is not None:
                yield row
        self._tell()

    def _sound(self, number: int, cells: list[str], fault: tuple[str, str] | None) -> Row | None:
        """A row, counted; None where it is refused."""
        self._out.records += 1
        if fault:
            self._out.refuse(f"row {number}", *fault)
        elif len(cells) != len(self.header):
            self._out.refuse(f"row {number}", f"{len(cells)} cells", f"not as many cells as the header, {len(self.header)}")
        else:
            return Row(self, number, cells)
        return None

    def peek(self) -> Iterator[Row]:
        """Sound rows, without counting or refusing: for a first pass over the file."""
        for number, cells, fault in self._rows.records():
            if not fault and len(cells) == len(self.header):
                yield Row(self, number, cells)

    def blocks(self, *wanted: str) -> Iterator[Block | Row]:
        """The rows as blocks of many where that is safe, one by one where not; counted and refused as by iterating.

        `wanted`: the columns that will be asked for; others cost more.
        """
        for piece in self._watched(self._pieces([*wanted, *self._dated])):
            if isinstance(piece, Block):
                self._out.records += len(piece)
                yield piece
            elif (row := self._sound(*piece)) is not None:
                yield row
        self._tell()

    def usable(self, text: str) -> str | None:
        """A cell's text, stripped; None where it holds nothing that can be used, of which `clean` has to tell."""
        text = text.strip()
        return None if text and ((text[0] in "SMD" and is_type_name(text)) or (text[0] == "?" and _LOST_TEXT.match(text))) else text

    def all_usable(self, texts: list[str]) -> bool:
        """Whether it is sure, by a short look, that none of these holds nothing that can be used."""
        text = "\n".join(texts)
        return not any(word in text for word in ("??", "System.", "Microsoft."))

    def clean(self, row: Row, column: str, cell: str) -> str:
        """A cell's text; "" where it holds nothing that can be used, which is counted for the notes."""
        text = cell.strip()
        if text and text[0] in "SMD" and is_type_name(text):
            self._trouble(row, column, "type", text)
            return ""
        if text and text[0] == "?" and _LOST_TEXT.match(text):
            self._trouble(row, column, "lost", text)
            return ""
        return text

    def moment(self, row: Row, column: str, text: str) -> int | None:
        """A date of this file (see loaders/dates.py); None, and counted for the notes, where it is none to be believed."""
        try:
            return dates.moment(text, self._order, self._options.now)
        except dates.AmbiguousDate as error:
            self._trouble(row, column, "order", str(error))
        except dates.BadDate as error:
            self._trouble(row, column, "date", str(error))
        return None

    def _trouble(self, row: Row, column: str, kind: str, sample: str) -> None:
        trouble = self._troubles.setdefault((column, kind), _Trouble(row.number, sample))
        if row.number > trouble.last:  # a first pass may have counted the row already
            trouble.rows, trouble.last = trouble.rows + 1, row.number

    def _tell(self) -> None:
        """Say once a column what its cells lacked."""
        for (column, kind), trouble in self._troubles.items():
            where = f"column {column}: {trouble.rows:,} row{'s' if trouble.rows > 1 else ''} (first: row {trouble.first})"
            self._out.note(f"{where} {_TROUBLES[kind].format(trouble.sample)}")

    def _text(self) -> io.TextIOWrapper:
        return open_text(self._source, self._encoding)

    def _read_top(self) -> _Top:
        with closing(self._text()) as stream:
            try:
                return _find_header(stream)
            except UnicodeDecodeError:
                raise Broken("header", "the bytes do not fit the byte order mark", "export it again") from None

    def _settle(self) -> None:
        if self._settled:
            return
        self._settled, seen = True, DateOrder()
        for piece in self._pieces(self._dated) if self._dated else ():
            self._watch(piece, seen)
        self._order = seen.settle(self._options.date_order)
        self.undecided = seen.open and self._order is None
        if seen.open and seen.dmy != seen.mdy:
            words = "day/month/year" if self._order == "dmy" else "month/day/year"
            self._out.note(f"dates read as {words}: some of the file can be nothing else")

    def _watch(self, piece: Block | Record, seen: DateOrder) -> None:
        """Take note of the dates of rows; what begins with a year says nothing of the order."""
        if isinstance(piece, Block):
            for name in self._dated:
                texts: Any = pl.from_arrow(piece.column(name))
                for text in texts.filter(texts.str.slice(4, 1) != "-").unique().to_list():
                    seen.see(text)
        elif not piece[2] and len(piece[1]) == len(self.header):
            for name in self._dated:
                text = piece[1][self.index[name]]
                if text[4:5] != "-":
                    seen.see(text)

    def _watched(self, pieces: Iterable[Any]) -> Iterator[Any]:
        """The same pieces. At the first date that could be either, the whole file is asked."""
        for piece in pieces:
            if self._dated and not self._settled:
                self._watch(piece, self._seen)
                if self._seen.open:
                    self._settle()
            yield piece

    def _pieces(self, wanted: list[str]) -> Iterator[Block | Record]:
        for piece in self._rows.pieces(sorted({self.index[name] for name in wanted if name in self.index})):
            yield piece if isinstance(piece, tuple) else Block(piece.number, piece, self)


_TROUBLES = {
    "type": "with the type name {} instead of values, taken as unknown: join the list before Export-Csv",
    "lost": "with only question marks: the export lost non-ASCII names, export again with -Encoding UTF8",
    "date": "with a bad date, taken as unknown: {}",
    "order": "with a date taken as unknown: {}",
}


@dataclass
class _Trouble:
    first: int
    sample: str
    rows: int = 0
    last: int = 0


@dataclass(frozen=True)
class _Top:
    """The header's text, and how many lines and spreadsheet rows it ends after."""

    text: str
    lines: int
    rows: int


def _find_header(lines: Iterator[str]) -> _Top:
    """Pass over blank lines, one `#TYPE` and one `sep=` line; the header is what follows, to the end of its quotes."""
    text, line_count, rows = "", 0, 0
    for line in lines:
        line_count += 1
        if not text and (not line.strip() or _PREAMBLE.match(line)):
            rows += 1
            continue
        text += line
        if text.count('"') % 2 == 0:
            return _Top(text, line_count, rows + 1)
        if len(text) > _HEADER_LIMIT:
            break
    raise Broken("header", "no header row", "the first row must name the columns")


def _split_header(text: str) -> tuple[str, list[str]]:
    """(delimiter, normalised names): the delimiter that makes most columns, looked for in the header alone."""
    best = max(DELIMITERS, key=lambda delimiter: len(_header_cells(text, delimiter)))
    names: list[str] = []
    seen: Counter[str] = Counter()
    for cell in _header_cells(text, best):
        name = column_name(cell)
        seen[name] += 1
        names.append(f"{name}#{seen[name]}" if seen[name] > 1 else name)
    return best, names


def _header_cells(text: str, delimiter: str) -> list[str]:
    return next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])
