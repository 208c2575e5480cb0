"""The rows of a CSV file: one by one as the csv module reads them, or as blocks of many where that is safe (loaders/reading.py puts names to them).

A record is (row number, cells, what and why it cannot be used). A row's number is what a spreadsheet shows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO, TextIO

import pyarrow as pa

from loaders import columns
from loaders.base import Broken

_LITTLE = 1 << 20

Record = tuple[int, list[str], tuple[str, str] | None]


@dataclass(frozen=True)
class CsvRows:
    """`opened`: the file as text with its line ends as they are; `lines`, `rows`: how many of each the header ends after; `width`: its columns."""

    opened: Callable[[], TextIO]
    lines: int
    rows: int
    delimiter: str
    width: int

    def records(self) -> Iterator[Record]:
        """Each data row; blank lines are passed over."""
        with closing(self.opened()) as stream:
            for record in _read(_Lines(islice(stream, self.lines, None)), self.delimiter, self.rows + 1):
                if record[1] or record[2]:
                    yield record

    def pieces(self, wanted: Sequence[int]) -> Iterator[Part | Record]:
        """The same rows, many of them as one part where all readers would read them alike. `wanted`: the columns that will be asked for."""
        number = self.rows + 1
        with closing(self.opened()) as stream:
            for _ in range(self.lines):
                stream.readline()
            parts: Iterator[bytes] = _parts(stream, number)
            while part := next(parts, b""):
                if (whole := self._whole(part, number, wanted)) is not None:
                    yield whole
                    number += whole.height
                    continue
                # A row that is not as usual keeps only those near it from being read together.
                if len(part) > 2 * _LITTLE and len(pieces := [*columns.chunks(io.BytesIO(part), _LITTLE)]) > 1:
                    parts = chain(pieces, parts)
                    continue
                lines = PartLines(part, parts)
                for record in _read(lines, self.delimiter, number):
                    number = record[0] + 1
                    if record[1] or record[2]:
                        yield record
                    if not lines.left:
                        break


    def _whole(self, data: bytes, number: int, wanted: Sequence[int]) -> Part | None:
        if not columns.is_plain(data, self.delimiter):
            return None
        found = columns.texts_of(data, self.width, self.delimiter, wanted or [0])
        return None if found is None else Part(number, len(found[0]), data, self.width, self.delimiter, dict(zip(wanted, found, strict=False)))


@dataclass(frozen=True)
class Part:
    """Rows of a file that are beyond doubt, as columns. `number`: of the first row; `height`: how many."""

    number: int
    height: int
    data: bytes
    width: int
    delimiter: str
    _columns: dict[int, pa.Array]

    def column(self, at: int) -> pa.Array:
        """The texts of a column."""
        if at not in self._columns:
            every = range(self.width)
            self._columns.update(zip(every, columns.texts_of(self.data, self.width, self.delimiter, every) or [], strict=True))
        return self._columns[at]

    def cells(self, row: int) -> list[str]:
        """The texts of a row, from 0 on."""
        return [self.column(at)[row].as_py() for at in range(self.width)]


def _parts(stream: TextIO, number: int) -> Iterator[bytes]:
    """What is left of the file, as UTF-8. Where it is that already (which was looked at, see loaders/encodings.py), the bytes as they are."""
    plain: BinaryIO | None = None
    if stream.encoding == "utf-8" and stream.seekable() and (at := stream.tell()) < 1 << 63:  # more than a place where the line may not have ended
        plain = stream.buffer
        plain.seek(at)
    try:
        yield from columns.chunks(plain or stream)
    except UnicodeDecodeError:
        raise _not_text(number) from None


def _read(lines: _Lines, delimiter: str, number: int) -> Iterator[Record]:
    """Records of these lines, blank ones too (no cells, no fault). `number`: of the first."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError:
            raise _not_text(number) from None
        except csv.Error as error:
            if lines.ended or "field limit" in str(error):
                raise Broken(f"row {number}", "the file ends inside quotes", "it is cut short: export it again") from None
            lines.nul = False
            yield number, [], ("broken quoting", f"{error}; export it again")
            number += 1
            continue
        if lines.nul:
            lines.nul = False
            yield number, [], ("a NUL byte", "the row is damaged: export it again")
        else:
            yield number, cells, None
        number += 1


def _not_text(number: int) -> Broken:
    return Broken(f"after row {number - 1}", "the bytes are not text", "the file is damaged: export it again")


class _Lines:
    """The lines of a file for the CSV reader; remembers whether one held a NUL byte, and whether the file has ended."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.nul = False
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self.nul |= "\0" in line
        return line


class PartLines(_Lines):
    """The lines of a part of the file, and of those that follow where a row goes on beyond it. `left`: lines of the part at hand."""

    def __init__(self, part: bytes, more: Iterator[bytes]) -> None:
        self._part, self._more = part, more
        self.left = 1
        super().__init__(self._all())

    def _all(self) -> Iterator[str]:
        part: bytes | None = self._part
        while part is not None:
            lines = list(io.StringIO(part.decode(), newline=""))
            self.left = len(lines)
            for line in lines:
                self.left -= 1
                yield line
            part = next(self._more, None)
