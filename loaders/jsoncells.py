"""Values that `loaders/jsonscan.py` found in JSON text, as columns: texts, GUIDs, times, keys of messages; and what tells equal ones.

A column's spans are an array of (start, end), start -1 where there is none. Where a value is not in the plain form that is read
here, the answer says so (`state`), and the caller asks the function that reads one value.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from graphmodel.memory import address, byte, jit, put_byte, word
from loaders.columns import WHITE
from loaders.jsonbatch import Bytes, Ints, padded
from loaders.jsonscan import Found, Names, items, objects

GOOD, NONE, ASK = 0, 1, 2
"""State of a value: read; absent or null; to be read by the function for one value."""

_SEED = np.uint64(secrets.randbits(64))


def marks(data: Bytes, *columns: Ints) -> Any:
    """A number for each row, the same where the raw text in all columns is (64 bits, another in each process)."""
    found = np.full(len(columns[0]), _SEED, np.uint64)
    for spans in columns:
        _mark(address(data), whole(spans), found)
    return found


def marks_of(data: Bytes, found: Found, names: Sequence[str], *columns: Ints) -> Any:
    """The same of some keys of each object, and of further columns."""
    made = np.full(len(found.row), _SEED, np.uint64)
    _mark_keys(address(data), found.spans, np.array([found.names.column[name] for name in names], np.int64), made)
    for spans in columns:
        _mark(address(data), whole(spans), made)
    return made


def texts(data: Bytes, spans: Ints) -> pl.Series:
    """The strings; null where there is none, or a value of another type."""
    spans = whole(spans)
    out = np.empty(int((spans[:, 1] - spans[:, 0]).clip(0).sum()), np.uint8)
    ends, valid = np.empty(len(spans) + 1, np.int64), np.empty(len(spans), np.bool_)
    used = _texts(address(data), spans, address(out), ends, valid)
    return _series(out[:used], ends, np.packbits(valid, bitorder="little"), len(spans))


def bare_texts(data: Bytes, spans: Ints) -> pl.Series:
    """The strings without white space around; null where nothing is left, where there is none, or a value of another type."""
    spans = whole(spans)
    if _is_bare(address(data), spans):
        return texts(data, np.where((spans[:, 1] - spans[:, 0] == 2)[:, None], -1, spans))
    return texts(data, spans).str.strip_chars(WHITE).replace("", None)


def distinct(marks: Any) -> tuple[Ints, Ints]:
    """(the first row of each different mark, in order, and for each row which of these marks it has)."""
    size = 16
    while size < 2 * len(marks):
        size *= 2
    firsts, which = np.empty(len(marks), np.int64), np.empty(len(marks), np.int64)
    count = _distinct(np.ascontiguousarray(marks, np.uint64), np.full(size, -1, np.int64), firsts, which)
    return firsts[:count], which


def numbered(form: str, numbers: Ints) -> pl.Series:
    """Texts that differ in a number (from 0 on): `form` has `{}` where it stands."""
    before, _, after = form.partition("{}")
    head, tail = (np.frombuffer(part.encode(), np.uint8) for part in (before, after))
    out, ends = np.empty(len(numbers) * (len(head) + 20 + len(tail)), np.uint8), np.zeros(len(numbers) + 1, np.int64)
    used = _numbered(whole(numbers), head, tail, address(out), ends)
    return _series(out[:used], ends, None, len(numbers))


def guids(data: Bytes, spans: Ints, prefix: str) -> tuple[pl.Series, Any, Any]:
    """(texts of prefix and GUID in lower case, the GUIDs as two numbers each, state)."""
    head = np.frombuffer(prefix.encode(), np.uint8)
    rows = np.empty((len(spans), len(head) + 36), np.uint8)
    rows[:, : len(head)] = head
    numbers = np.zeros((len(spans), 2), np.uint64)
    state = _guids(address(data), whole(spans), address(rows) + len(head), rows.shape[1], numbers)
    return fixed(rows), numbers, state


def times(data: Bytes, spans: Ints, earliest: int, latest: int, ending: bool = False) -> tuple[Any, Any]:
    """(seconds, state) of times written `2023-06-01T10:02:00`; `ending`: also with `.123`, `Z` or both after it."""
    return _times(address(data), whole(spans), earliest, latest, ending)  # type: ignore[no-any-return]


def ready() -> None:
    """Load the compiled code, or compile it where that was never done; else the first use of each part does."""
    data = padded(b'"x"')
    spans = np.array([[0, 3]])
    marks_of(data, objects(data, spans[:, 0].copy(), spans[:, 1].copy(), Names("x")), ("x",))
    items(padded(b"[1]"), 0)
    marks(data, spans)
    texts(data, spans)
    guids(data, spans, "")
    times(data, spans, 0, 0)
    bare_texts(data, spans)
    distinct(marks(data, spans))
    numbered("{}", spans[:, 0])


def whole(spans: Ints) -> Ints:
    """Without gaps between rows: code is compiled for one layout."""
    return np.ascontiguousarray(spans, np.int64)


def fixed(rows: Any) -> pl.Series:
    """Rows of bytes as texts of one length."""
    height, width = rows.shape
    return _series(rows.reshape(-1), np.arange(0, (height + 1) * width, width, dtype=np.int64), None, height)


def _series(data: Any, ends: Any, valid: Any, height: int) -> pl.Series:
    buffers = [None if part is None else pa.py_buffer(part) for part in (valid, ends, data)]
    found = pl.from_arrow(pa.Array.from_buffers(pa.large_string(), height, buffers))
    assert isinstance(found, pl.Series)  # noqa: S101 -- tells the type checker what an array becomes
    return found


@jit
def _marked(data: Any, at: Any, end: Any, value: Any) -> Any:
    """Eight bytes at a time; of the last ones only those within the span count."""
    value = value * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(end - at)
    while at < end:
        x = word(data, at) if end - at >= 8 else word(data, at) << np.uint64(64 - 8 * (end - at))
        value = (value ^ x) * np.uint64(0xFF51AFD7ED558CCD)
        value ^= value >> np.uint64(32)
        at += 8
    return (value ^ (value >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)


@jit
def _mark(data: Any, spans: Any, found: Any) -> None:
    for row in range(len(spans)):
        found[row] = _marked(data, spans[row, 0], spans[row, 1], found[row])


@jit
def _mark_keys(data: Any, spans: Any, keys: Any, found: Any) -> None:
    for row in range(len(spans)):
        value = found[row]
        for key in keys:
            value = _marked(data, spans[row, key, 0], spans[row, key, 1], value)
        found[row] = value


@jit
def _is_bare(data: Any, spans: Any) -> Any:
    """Whether no text begins or ends with what may be white space: by its first byte, its last ones, and what may be an escape there."""
    for row in range(len(spans)):
        start, end = spans[row, 0] + 1, spans[row, 1] - 2
        if start > 0 and byte(data, start - 1) == 34 and start <= end:
            first, last = byte(data, start), byte(data, end)
            if first <= 32 or last <= 32 or first >= 127 or last >= 127 or first == 92:
                return False
            if (end > start and byte(data, end - 1) == 92) or (end - start >= 5 and byte(data, end - 5) == 92):
                return False
    return True


@jit
def _distinct(marks: Any, table: Any, firsts: Any, which: Any) -> Any:
    count, mask = 0, len(table) - 1
    for row in range(len(marks)):
        at = np.int64(marks[row] >> np.uint64(20)) & mask
        while table[at] >= 0 and marks[firsts[table[at]]] != marks[row]:
            at = (at + 1) & mask
        if table[at] < 0:
            table[at], firsts[count] = count, row
            count += 1
        which[row] = table[at]
    return count


@jit
def _numbered(numbers: Any, head: Any, tail: Any, out: Any, ends: Any) -> Any:
    used = 0
    for row in range(len(numbers)):
        for i in range(len(head)):
            put_byte(out, used + i, head[i])
        used += len(head)
        digits, left = 1, numbers[row] // 10
        while left > 0:
            digits, left = digits + 1, left // 10
        left = numbers[row]
        for i in range(digits):
            put_byte(out, used + digits - 1 - i, 48 + left % 10)
            left //= 10
        used += digits
        for i in range(len(tail)):
            put_byte(out, used + i, tail[i])
        used += len(tail)
        ends[row + 1] = used
    return used


@jit
def _put_escape(data: Any, at: Any, out: Any, used: Any) -> Any:
    """Write what the escape at `at` says: (after it, how much is written)."""
    c = byte(data, at + 1)
    if c != 117:
        put_byte(out, used, 8 if c == 98 else 12 if c == 102 else 10 if c == 110 else 13 if c == 114 else 9 if c == 116 else c)
        return at + 2, used + 1
    value = 0
    for i in range(at + 2, at + 6):
        d = byte(data, i)
        value = value * 16 + (d - 48 if d < 58 else (d | 32) - 87)
    if value < 0x80:
        put_byte(out, used, value)
        return at + 6, used + 1
    if value < 0x800:
        put_byte(out, used, 0xC0 | value >> 6)
        put_byte(out, used + 1, 0x80 | value & 63)
        return at + 6, used + 2
    put_byte(out, used, 0xE0 | value >> 12)
    put_byte(out, used + 1, 0x80 | value >> 6 & 63)
    put_byte(out, used + 2, 0x80 | value & 63)
    return at + 6, used + 3


@jit
def _texts(data: Any, spans: Any, out: Any, ends: Any, valid: Any) -> Any:
    used = 0
    ends[0] = 0
    for row in range(len(spans)):
        start, end = spans[row, 0], spans[row, 1] - 1
        valid[row] = start >= 0 and byte(data, start) == 34
        if valid[row]:
            at = start + 1
            while at < end:
                if byte(data, at) == 92:
                    at, used = _put_escape(data, at, out, used)
                else:
                    put_byte(out, used, byte(data, at))
                    at, used = at + 1, used + 1
        ends[row + 1] = used
    return used


@jit
def _nibble(c: Any) -> Any:
    """The value of a hexadecimal digit; 16 where it is none."""
    if 48 <= c <= 57:
        return c - 48
    low = c | 32
    return low - 87 if 97 <= low <= 102 else 16


@jit
def _guid(data: Any, at: Any, out: Any) -> Any:
    """Read 36 bytes as a GUID: (whether they are one, and not all zeros, its two numbers)."""
    high, low = np.uint64(0), np.uint64(0)
    for i in range(36):
        c = byte(data, at + i)
        if i == 8 or i == 13 or i == 18 or i == 23:
            if c != 45:
                return False, high, low
        else:
            value = _nibble(c)
            if value == 16:
                return False, high, low
            high = high << np.uint64(4) | low >> np.uint64(60)
            low = low << np.uint64(4) | np.uint64(value)
            c = c if c < 58 else c | 32
        put_byte(out, i, c)
    return high != np.uint64(0) or low != np.uint64(0), high, low


@jit
def _guids(data: Any, spans: Any, out: Any, width: Any, numbers: Any) -> Any:
    state = np.empty(len(spans), np.uint8)
    for row in range(len(spans)):
        start = spans[row, 0]
        state[row] = 1 if start < 0 else 2
        if start >= 0 and byte(data, start) == 34 and spans[row, 1] - start == 38:
            good, high, low = _guid(data, start + 1, out + row * width)
            numbers[row, 0], numbers[row, 1] = high, low
            state[row] = 0 if good else 2
        if state[row] > 0:
            for i in range(36):
                put_byte(out, row * width + i, 45)
    return state


@jit
def _number(data: Any, at: Any, digits: Any) -> Any:
    value = 0
    for i in range(at, at + digits):
        if not 48 <= byte(data, i) <= 57:
            return -1
        value = value * 10 + byte(data, i) - 48
    return value


@jit
def _seconds(data: Any, at: Any) -> Any:
    """Seconds since 1970 of the 19 bytes at `at`; -1 where they are no time from then on."""
    marks_good = byte(data, at + 4) == 45 and byte(data, at + 7) == 45 and byte(data, at + 10) == 84 and byte(data, at + 13) == 58 and byte(data, at + 16) == 58
    year, month, day = _number(data, at, 4), _number(data, at + 5, 2), _number(data, at + 8, 2)
    hour, minute, second = _number(data, at + 11, 2), _number(data, at + 14, 2), _number(data, at + 17, 2)
    if not marks_good or year < 1970 or not 1 <= month <= 12 or day < 1 or not 0 <= hour < 24 or not 0 <= minute < 60 or not 0 <= second < 60:
        return -1
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    longest = 28 + leap if month == 2 else 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31
    if day > longest:
        return -1
    years, months = (year, month - 3) if month > 2 else (year - 1, month + 9)  # years that begin in March
    days = years * 365 + years // 4 - years // 100 + years // 400 + (153 * months + 2) // 5 + day - 1 - 719468
    return ((days * 24 + hour) * 60 + minute) * 60 + second


@jit
def _ends_well(data: Any, at: Any, end: Any) -> Any:
    """Whether a time may end so: nothing, parts of a second, `Z`."""
    if at < end and byte(data, at) == 46:
        start = at + 1
        at = start
        while at < end and 48 <= byte(data, at) <= 57:
            at += 1
        if not start < at <= start + 7:
            return False
    return at == end or (at + 1 == end and byte(data, at) == 90)


@jit
def _times(data: Any, spans: Any, earliest: Any, latest: Any, ending: Any) -> Any:
    found = np.zeros(len(spans), np.int64)
    state = np.empty(len(spans), np.uint8)
    for row in range(len(spans)):
        start = spans[row, 0]
        if start < 0:
            state[row] = 1
            continue
        end = spans[row, 1] - 1
        plain = byte(data, start) == 34 and (end - start == 20 or (ending and end - start > 20 and _ends_well(data, start + 20, end)))
        at = _seconds(data, start + 1) if plain else -1
        state[row] = 0 if at >= 0 and earliest <= at <= latest else 2
        found[row] = at
    return found, state
