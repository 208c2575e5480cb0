"""Columns of many rows at once, for logs of millions of rows: blocks of a CSV file as Arrow tables, times, and what is worth doing once a value.

    for chunk in chunks(stream):
        if is_plain(chunk, ","): names, dates = texts_of(chunk, width, ",", [0, 3]) or …

Arrow is only given bytes that Arrow and Python's csv module (strict) are known to read alike: no NUL bytes, no blank lines, no quote within a
cell that is not quoted, nothing between a closing quote and the delimiter, as many cells as the header. All else is left to the csv module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from loaders import dates

CHUNK = 8 << 20
WHITE = "".join(filter(str.isspace, map(chr, range(0x3001))))
"""What Python strips from a text; polars by itself leaves the four separators of ASCII."""
_QUOTE = 34
_WINDOW = 128 << 10


def chunks(stream: BinaryIO | TextIO, size: int = CHUNK) -> Iterator[bytes]:
    """The stream in pieces of about `size`, as UTF-8, of whole lines; where there is one near, each ends after an even number of quotes."""
    rest = b""
    while data := stream.read(size):
        more = data.encode("utf-8") if isinstance(data, str) else data
        rest = rest + more if rest else more
        if end := _even_end(rest):
            yield rest[:end]
            rest = rest[end:]
    end = rest.rfind(b"\n") + 1
    yield from filter(None, (rest[:end], rest[end:]))


def _even_end(data: bytes) -> int:
    """The end of the last line that has an even number of quotes up to it, or just of the last line; 0 where there is none."""
    last = end = data.rfind(b"\n") + 1
    whole = np.frombuffer(data, dtype=np.uint8, count=end)
    odd = sum(int(np.count_nonzero(whole[at : at + _WINDOW] == _QUOTE)) for at in range(0, end, _WINDOW)) % 2
    for _ in range(1000):
        if not end or not odd:
            return end or last
        before = data.rfind(b"\n", 0, end - 1) + 1
        odd = (odd + data.count(b'"', before, end)) % 2
        end = before
    return last


def texts_of(data: bytes, width: int, delimiter: str, wanted: Sequence[int], *, quoted: bool = True, coded: bool = False) -> list[pa.Array] | None:
    """The `wanted` columns of a plain chunk, as texts, or `coded` as their values; None where a row has not as many cells as there should be."""
    names, type_ = [f"f{at}" for at in wanted], pa.dictionary(pa.int32(), pa.string()) if coded else pa.string()
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(data),
            read_options=arrow_csv.ReadOptions(column_names=[f"f{at}" for at in range(width)], use_threads=False, block_size=len(data) + 1),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, quote_char='"' if quoted else False, newlines_in_values=quoted, ignore_empty_lines=False),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, type_), strings_can_be_null=False, quoted_strings_can_be_null=False, include_columns=names
            ),
        )
    except pa.ArrowInvalid:
        return None
    return [column.combine_chunks() if column.num_chunks != 1 else column.chunk(0) for column in table.columns]


def is_plain(data: bytes, delimiter: str) -> bool:
    """Whether it is beyond doubt that Arrow and the csv module (strict) split a chunk alike."""
    if b"\0" in data or not data.endswith(b"\n"):
        return False
    mark, returns = ord(delimiter), b"\r" in data
    if b'"' not in data:
        return all(_has_sound_ends(part, returns) for part in _windows(data))
    for part in _windows(data):
        if not _all_quoted(part, mark, returns):
            whole = np.frombuffer(data, dtype=np.uint8)
            return _has_sound_ends(whole, returns) and _quotes_are_sound(whole, mark)
    return True


def _windows(data: bytes) -> Iterator[np.ndarray[Any, Any]]:
    """The chunk in pieces of whole lines that stay in the processor's cache."""
    begin = 0
    while begin < len(data):
        end = data.rfind(b"\n", begin, begin + _WINDOW) + 1 or data.find(b"\n", begin) + 1
        yield np.frombuffer(data, dtype=np.uint8, count=end - begin, offset=begin)
        begin = end


def _has_sound_ends(data: np.ndarray[Any, Any], returns: bool) -> bool:
    """Whether no line is blank, and all end in LF, or all in CR LF and there is no other CR. The last byte is LF."""
    breaks = data == 10
    if not returns:
        return not breaks[0] and not (breaks[1:] & breaks[:-1]).any()
    carriage = data == 13
    # Each LF behind a CR and as many of both: each CR before a LF.
    return (
        len(data) > 2 and not carriage[0] and not breaks[0] and bool((carriage[:-1] == breaks[1:]).all()) and not (breaks[:-2] & carriage[1:-1]).any()
    )


def _all_quoted(data: np.ndarray[Any, Any], delimiter: int, returns: bool) -> bool:
    """Whether every cell of these lines is quoted and none holds a quote or a line break.

    A quote opens a cell (after a line break, or after `",`) or closes one (before a line break, or before `,"`).
    """
    if len(data) < 4 or not _has_sound_ends(data, returns):
        return False
    quote, lines = data == _QUOTE, int(np.count_nonzero(data == 10))
    joints = quote[:-2] & (data[1:-1] == delimiter) & quote[2:]
    starts, ends = quote[1:] & (data[:-1] == 10), quote[:-1] & (data[1:] == (13 if returns else 10))
    if not quote[0] or np.count_nonzero(starts) != lines - 1 or np.count_nonzero(ends) != lines:
        return False
    # No quote is both, and none is neither: then they open and close in turns.
    if (joints[:-2] & joints[2:]).any() or (starts[:-2] & joints[1:]).any() or (joints[:-1] & ends[2:]).any():
        return False
    if (starts[:-1] & ends[1:]).any() or joints[0] or ends[0]:
        return False
    return int(np.count_nonzero(quote)) == 2 * (int(np.count_nonzero(joints)) + lines)


def _quotes_are_sound(data: np.ndarray[Any, Any], delimiter: int) -> bool:
    """Whether each quote opens a cell, closes one, or is doubled within one."""
    at = np.flatnonzero(data == _QUOTE)
    if len(at) % 2:
        return False
    edge = np.zeros(256, dtype=bool)
    edge[[10, 13, delimiter]] = True
    starts = np.flatnonzero(np.diff(at, prepend=-2) != 1)  # where runs of quotes begin
    ends = np.append(starts[1:], len(at)) - 1
    outside_before, outside_after = starts % 2 == 0, ends % 2 == 1
    first, last = at[starts], at[ends]
    before = (first == 0) | edge[data[first - 1]]
    after = edge[data[np.minimum(last + 1, len(data) - 1)]]
    return bool((before | ~outside_before).all() and (after | ~outside_after).all())


def moments(texts: pa.Array, latest: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(seconds, good) of times like `2022-10-02T01:00:05.123Z` (`T` or a space, fraction and `Z` or not), taken as UTC, from 1990 to `latest`.

    What is anything else is not good, and has to be asked of loaders/dates.py.
    """
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    seconds, good = np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=bool)
    if not len(texts) or texts.null_count or texts.buffers()[2] is None:
        return seconds, good
    data, lengths = np.frombuffer(texts.buffers()[2], dtype=np.uint8), np.diff(offsets)
    for length in np.unique(lengths):
        if not 19 <= length <= 32:
            continue
        rows = np.flatnonzero(lengths == length)
        if len(rows) == len(texts):
            cells = data[offsets[0] : offsets[-1]].reshape(-1, length)
        else:
            cells = data[offsets[rows][:, None] + np.arange(length)]
        seconds[rows], good[rows] = _seconds(np.ascontiguousarray(cells.T))
    return seconds, good & (seconds >= dates.EARLIEST) & (seconds <= latest)


_DIGITS = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int32)
_MARCH_DAYS = np.array([(153 * month + 2) // 5 for month in range(12)], dtype=np.int32)


def _seconds(cells: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Of texts of one length, a byte a cell, a text a column: seconds, and whether they are such times."""
    n = cells[list(_DIGITS)] - np.uint8(48)
    good = (n <= 9).all(axis=0) & (cells[4] == ord("-")) & (cells[7] == ord("-")) & (cells[13] == ord(":")) & (cells[16] == ord(":"))
    good &= ((cells[10] == ord("T")) | (cells[10] == ord(" "))) & _is_tail(cells[19:])
    two = n[0::2] * np.uint8(10) + n[1::2]  # century, year, month, day, hour, minute, second
    year, month, day = two[0] * np.int32(100) + two[1], np.minimum(two[2], np.uint8(13)), two[3]
    leap = (month == 2) & (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    good &= (month >= 1) & (month <= 12) & (day >= 1) & (two[4] < 24) & (two[5] < 60) & (two[6] < 60) & (year >= 1970)
    good &= day <= _MONTH_DAYS[np.where(month <= 12, month, 0)] + leap
    # Days since 1970 by the civil calendar counted from March on.
    shifted = year - (month <= 2)
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + _MARCH_DAYS[(month + np.uint8(9)) % np.uint8(12)] + day - 719_469
    clock = two[4] * np.int32(3600) + two[5] * np.int32(60) + two[6]
    return days.astype(np.int64) * 86_400 + clock, good


def _is_tail(tail: np.ndarray[Any, Any]) -> Any:
    """Whether what follows the seconds is nothing, `Z`, or a fraction with or without it."""
    if len(tail) < 2:
        return tail[0] == ord("Z") if len(tail) else True
    last = tail[-1] - np.uint8(48) <= 9
    return (tail[0] == ord(".")) & (tail[1:-1] - np.uint8(48) <= 9).all(axis=0) & (last | ((tail[-1] == ord("Z")) & (len(tail) > 2)))


def laid_out(texts: pa.Array) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(bytes, where the texts end) of a column of texts that stand end to end; the first end is where the first text begins."""
    ends = np.frombuffer(texts.buffers()[1], dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    data = texts.buffers()[2]
    return np.frombuffer(data if data is not None else b"", dtype=np.uint8), ends


def is_clear(texts: pa.Array) -> bool:
    """Whether it is sure, by a short look, that no cell holds what says nothing (reading.Table.clean)."""
    data, ends = laid_out(texts)
    cells = data[ends[0] : ends[-1]].tobytes()
    return not any(word in cells for word in (b"??", b"System.", b"Microsoft."))


def empty(height: int) -> pa.Array:
    """A column of empty texts."""
    return pa.StringArray.from_buffers(height, pa.py_buffer(bytes(4 * (height + 1))), pa.py_buffer(b""))


def series(texts: pa.Array) -> pl.Series:
    """The same column for polars."""
    found: pl.Series = pl.from_arrow(texts)  # type: ignore[assignment]
    return found


def texts(column: pl.Series) -> pa.Array:
    """The other way round."""
    return column.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())


def rows_of(texts: pa.Array, rows: np.ndarray[Any, Any]) -> pa.Array:
    """Some rows of a column (`rows`: 64-bit numbers)."""
    # Not made by pa.array: where pandas is installed, that loads it.
    return texts.take(pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(np.ascontiguousarray(rows))]))


def numbers(texts: pa.Array) -> pl.Series:
    """Whole numbers of at most 18 digits; null where a text is anything else."""
    column = pl.col("text")
    digits = pl.when(column.str.contains(r"^[0-9]{1,18}$")).then(column)
    return pl.DataFrame([series(texts).alias("text")]).select(digits.cast(pl.Int64, strict=False)).to_series()


def of_values(texts: pa.Array, work: Callable[[list[str]], list[Any]], dtype: Any) -> pl.Series:
    """`work` done for all different texts together: a Series of this type, a value a row."""
    coded = texts.dictionary_encode()
    return pl.Series(work(coded.dictionary.to_pylist()), dtype=dtype).gather(series(coded.indices))


def once_a_value(texts: pa.Array, work: Callable[[str], Any], dtype: Any, known: dict[str, Any] | None = None) -> pl.Series:
    """`work` done once for each different text: a Series of this type, a value a row. `known` is remembered from one call to the next."""
    if known is None:
        return of_values(texts, lambda values: [work(value) for value in values], dtype)
    if len(known) > 1_000_000:
        known.clear()

    def remembered(values: list[str]) -> list[Any]:
        for value in values:
            if value not in known:
                known[value] = work(value)
        return [known[value] for value in values]

    return of_values(texts, remembered, dtype)


_LABEL = "[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
HOST = rf"^(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?$"
ADDRESS = rf"^[A-Za-z0-9._%+=-]+@(?:{_LABEL}\.)+{_LABEL}$"
"""Names of hosts and addresses as nearly all are written; only case may be off."""
_SHORT = 64


def lowered(texts: pl.Series, plain: str, work: Callable[[str], str | None]) -> pl.Series:
    """Texts that have a plain form (a regular expression) and at most 64 bytes, in lower case; of the others what `work` says. Null stays null."""
    text = pl.col("text")
    is_plain = text.str.contains(plain) & (text.str.len_bytes() <= _SHORT)
    found, odd = texts.to_frame("text").select(text.str.to_lowercase(), (~is_plain).fill_null(value=False).alias("odd"))
    rows = np.flatnonzero(odd.to_numpy())
    return found.scatter(rows, pl.Series([work(text) for text in texts.gather(rows)], dtype=pl.String)) if len(rows) else found


@dataclass(frozen=True)
class Coded:
    """A column as its different values, and which of them each row has."""

    values: list[str]
    codes: npt.NDArray[np.int64]

    @classmethod
    def of_texts(cls, texts: pa.Array) -> Coded:
        """A column without nulls."""
        coded = texts if isinstance(texts, pa.DictionaryArray) else texts.dictionary_encode()
        return cls(coded.dictionary.to_pylist(), np.frombuffer(coded.indices.buffers()[1], np.int32, len(texts)).astype(np.int64))

    def of(self, work: Callable[[str], Any], dtype: Any = object) -> npt.NDArray[Any]:
        """What `work` says of each row's value."""
        said = np.empty(len(self.values), dtype=dtype)
        said[:] = [work(value) for value in self.values]
        found: npt.NDArray[Any] = said[self.codes]
        return found

    def series(self, work: Callable[[str], str | None], rows: npt.NDArray[np.int64] | None = None) -> pl.Series:
        """The same as a Series of texts, of all rows or of some."""
        return pl.Series([work(value) for value in self.values], dtype=pl.String).gather(self.codes if rows is None else self.codes[rows])

    def text(self, row: int) -> str:
        """A row's value."""
        return self.values[int(self.codes[row])]

    def first(self, rows: npt.NDArray[np.int64]) -> dict[int, int]:
        """Of some rows, in order: each value they have, by its number, and the first row that has it."""
        values, at = np.unique(self.codes[rows], return_index=True)
        return dict(zip(values.tolist(), rows[at].tolist(), strict=True))
