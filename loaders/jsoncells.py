"""Values that `loaders/jsonscan.py` found in JSON text, as columns: texts, GUIDs, times, keys of messages; and what tells equal ones.

A column's spans are an array of (start, end), start -1 where there is none. Where a value is not in the plain form that is read
here, the answer says so (`state`), and the caller asks the function that reads one value.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from loaders.jsonbatch import Bytes, Ints, padded
from loaders.jsonscan import Names, items, jit, objects, words_of

GOOD, NONE, ASK = 0, 1, 2
"""State of a value: read; absent or null; to be read by the function for one value."""

_SEED = np.uint64(secrets.randbits(64))


def marks(data: Bytes, *columns: Ints) -> Any:
    """A number for each row, the same where the raw text in all columns is (64 bits, another in each process)."""
    found = np.full(len(columns[0]), _SEED, np.uint64)
    for spans in columns:
        _mark(words_of(data), _whole(spans), found)
    return found


def texts(data: Bytes, spans: Ints) -> pl.Series:
    """The strings; null where there is none, or a value of another type."""
    bytes_, ends, valid = _texts(data, _whole(spans))
    return _series(bytes_, ends, np.packbits(valid, bitorder="little"), len(spans))


def guids(data: Bytes, spans: Ints, prefix: str) -> tuple[pl.Series, Any, Any]:
    """(texts of prefix and GUID in lower case, the GUIDs as two numbers each, state)."""
    head = np.frombuffer(prefix.encode(), np.uint8)
    rows = np.empty((len(spans), len(head) + 36), np.uint8)
    rows[:, : len(head)] = head
    numbers, state = _guids(data, _whole(spans), rows, len(head))
    return _fixed(rows), numbers, state


def times(data: Bytes, spans: Ints, earliest: int, latest: int, ending: bool = False) -> tuple[Any, Any]:
    """(seconds, state) of times written `2023-06-01T10:02:00`; `ending`: also with `.123`, `Z` or both after it."""
    return _times(data, _whole(spans), earliest, latest, ending)  # type: ignore[no-any-return]


def message_keys(data: Bytes, spans: Ints) -> tuple[pl.Series, Any]:
    """(keys as `identity.message_key` makes them, state) of Message-IDs in ASCII without escapes."""
    rows = np.empty((len(spans), 36), np.uint8)
    rows[:, :4] = np.frombuffer(b"msg:", np.uint8)
    return _fixed(rows), _message_keys(data, _whole(spans), rows, _ROUNDS)


def ready() -> None:
    """Load the compiled code, or compile it where that was never done; else the first use of each part does."""
    data = padded(b'"x"')
    spans = np.array([[0, 3]])
    objects(data, spans[:, 0].copy(), spans[:, 1].copy(), Names("x"))
    items(padded(b"[1]"), 0)
    marks(data, spans)
    _texts(data, spans)
    _guids(data, spans, np.empty((1, 36), np.uint8), 0)
    times(data, spans, 0, 0)
    _message_keys(data, spans, np.empty((1, 36), np.uint8), _ROUNDS)


def _whole(spans: Ints) -> Ints:
    """Without gaps between rows: code is compiled for one layout."""
    return np.ascontiguousarray(spans, np.int64)


def _fixed(rows: Any) -> pl.Series:
    height, width = rows.shape
    return _series(rows.reshape(-1), np.arange(0, (height + 1) * width, width, dtype=np.int64), None, height)


def _series(data: Any, ends: Any, valid: Any, height: int) -> pl.Series:
    buffers = [None if part is None else pa.py_buffer(part) for part in (valid, ends, data)]
    found = pl.from_arrow(pa.Array.from_buffers(pa.large_string(), height, buffers))
    assert isinstance(found, pl.Series)  # noqa: S101 -- tells the type checker what an array becomes
    return found


@jit
def _mark(words: Any, spans: Any, found: Any) -> None:
    """Eight bytes at a time; of the last ones only those within the span count."""
    for row in range(len(spans)):
        value, at, end = found[row] * np.uint64(0x9E3779B97F4A7C15), spans[row, 0], spans[row, 1]
        value ^= np.uint64(end - at)
        while at < end:
            word = words[at] if end - at >= 8 else words[at] << np.uint64(64 - 8 * (end - at))
            value = (value ^ word) * np.uint64(0xFF51AFD7ED558CCD)
            value ^= value >> np.uint64(32)
            at += 8
        found[row] = (value ^ (value >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)


@jit
def _put_escape(data: Any, at: Any, out: Any, used: Any) -> Any:
    """Write what the escape at `at` says: (after it, how much is written)."""
    c = data[at + 1]
    if c != 117:
        out[used] = 8 if c == 98 else 12 if c == 102 else 10 if c == 110 else 13 if c == 114 else 9 if c == 116 else c
        return at + 2, used + 1
    value = 0
    for i in range(at + 2, at + 6):
        d = data[i]
        value = value * 16 + (d - 48 if d < 58 else (d | 32) - 87)
    if value < 0x80:
        out[used] = value
        return at + 6, used + 1
    if value < 0x800:
        out[used], out[used + 1] = 0xC0 | value >> 6, 0x80 | value & 63
        return at + 6, used + 2
    out[used], out[used + 1], out[used + 2] = 0xE0 | value >> 12, 0x80 | value >> 6 & 63, 0x80 | value & 63
    return at + 6, used + 3


@jit
def _texts(data: Any, spans: Any) -> Any:
    total = 0
    for row in range(len(spans)):
        total += max(spans[row, 1] - spans[row, 0], 0)
    out = np.empty(total, np.uint8)
    ends = np.zeros(len(spans) + 1, np.int64)
    valid = np.zeros(len(spans), np.bool_)
    used = 0
    for row in range(len(spans)):
        start, end = spans[row, 0], spans[row, 1] - 1
        if start >= 0 and data[start] == 34:
            valid[row] = True
            at = start + 1
            while at < end:
                if data[at] == 92:
                    at, used = _put_escape(data, at, out, used)
                else:
                    out[used] = data[at]
                    at, used = at + 1, used + 1
        ends[row + 1] = used
    return out[:used].copy(), ends, valid


@jit
def _nibble(c: Any) -> Any:
    """The value of a hexadecimal digit; 16 where it is none."""
    if 48 <= c <= 57:
        return c - 48
    low = c | 32
    return low - 87 if 97 <= low <= 102 else 16


@jit
def _guid(data: Any, at: Any, out: Any, row: Any, head: Any, numbers: Any) -> Any:
    """Read 36 bytes as a GUID; whether they are one, and not all zeros."""
    numbers[row, 0], numbers[row, 1] = 0, 0
    digits = 0
    for i in range(36):
        c = data[at + i]
        if i == 8 or i == 13 or i == 18 or i == 23:
            if c != 45:
                return False
        else:
            value = _nibble(c)
            if value == 16:
                return False
            half = 0 if digits < 16 else 1
            numbers[row, half] = numbers[row, half] << np.uint64(4) | np.uint64(value)
            digits += 1
            c = c if c < 58 else c | 32
        out[row, head + i] = c
    return numbers[row, 0] != 0 or numbers[row, 1] != 0


@jit
def _guids(data: Any, spans: Any, out: Any, head: Any) -> Any:
    numbers = np.zeros((len(spans), 2), np.uint64)
    state = np.empty(len(spans), np.uint8)
    for row in range(len(spans)):
        start = spans[row, 0]
        if start < 0:
            state[row] = 1
        elif data[start] == 34 and spans[row, 1] - start == 38 and _guid(data, start + 1, out, row, head, numbers):
            state[row] = 0
        else:
            state[row] = 2
        if state[row] > 0:
            out[row, head:] = 45
    return numbers, state


@jit
def _number(data: Any, at: Any, digits: Any) -> Any:
    value = 0
    for i in range(at, at + digits):
        if not 48 <= data[i] <= 57:
            return -1
        value = value * 10 + data[i] - 48
    return value


@jit
def _seconds(data: Any, at: Any) -> Any:
    """Seconds since 1970 of the 19 bytes at `at`; -1 where they are no time from then on."""
    marks_good = data[at + 4] == 45 and data[at + 7] == 45 and data[at + 10] == 84 and data[at + 13] == 58 and data[at + 16] == 58
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
    if at < end and data[at] == 46:
        start = at + 1
        at = start
        while at < end and 48 <= data[at] <= 57:
            at += 1
        if not start < at <= start + 7:
            return False
    return at == end or (at + 1 == end and data[at] == 90)


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
        plain = data[start] == 34 and (end - start == 20 or (ending and end - start > 20 and _ends_well(data, start + 20, end)))
        at = _seconds(data, start + 1) if plain else -1
        state[row] = 0 if at >= 0 and earliest <= at <= latest else 2
        found[row] = at
    return found, state


# SHA-256 of short texts: a call of hashlib for each would cost more than all the rest of reading a log.

_PRIMES = [n for n in range(2, 312) if all(n % d for d in range(2, n))]


def _fraction(prime: int, root: int) -> int:
    """The first 32 bits of the fraction of a prime's root."""
    low, high = 0, prime << 32
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**root <= prime << (32 * root) else (low, middle - 1)
    return low & 0xFFFFFFFF


_ROUNDS = np.array([_fraction(p, 3) for p in _PRIMES[:64]] + [_fraction(p, 2) for p in _PRIMES[:8]], np.uint32)
"""SHA-256's 64 constants of the rounds, then its 8 beginning words."""


@jit
def _turn(x: Any, by: Any) -> Any:
    return np.uint32(x >> np.uint32(by)) | np.uint32(x << np.uint32(32 - by))


@jit
def _block(block: Any, w: Any, rounds: Any, h: Any) -> None:
    """Take 64 bytes into the hash `h`."""
    for i in range(16):
        b = 4 * i
        w[i] = np.uint32(block[b]) << np.uint32(24) | np.uint32(block[b + 1]) << np.uint32(16) | np.uint32(block[b + 2]) << np.uint32(8) | np.uint32(block[b + 3])
    for i in range(16, 64):
        p, q = w[i - 15], w[i - 2]
        w[i] = w[i - 16] + (_turn(p, 7) ^ _turn(p, 18) ^ (p >> np.uint32(3))) + w[i - 7] + (_turn(q, 17) ^ _turn(q, 19) ^ (q >> np.uint32(10)))
    a, b, c, d, e, f, g, k = h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
    for i in range(64):
        one = np.uint32(k + (_turn(e, 6) ^ _turn(e, 11) ^ _turn(e, 25)) + (e & f ^ ~e & g) + rounds[i] + w[i])
        two = np.uint32((_turn(a, 2) ^ _turn(a, 13) ^ _turn(a, 22)) + (a & b ^ a & c ^ b & c))
        k, g, f, e, d, c, b, a = g, f, e, np.uint32(d + one), c, b, a, np.uint32(one + two)
    h[0] += a
    h[1] += b
    h[2] += c
    h[3] += d
    h[4] += e
    h[5] += f
    h[6] += g
    h[7] += k


@jit
def _bare(data: Any, start: Any, end: Any, brackets: Any) -> Any:
    """Without blanks (or brackets) around: (start, end)."""
    while start < end and ((data[start] == 60 or data[start] == 62) if brackets else data[start] == 32):
        start += 1
    while start < end and ((data[end - 1] == 60 or data[end - 1] == 62) if brackets else data[end - 1] == 32):
        end -= 1
    return start, end


@jit
def _message_keys(data: Any, spans: Any, out: Any, rounds: Any) -> Any:
    state = np.empty(len(spans), np.uint8)
    block, w, h = np.zeros(64, np.uint8), np.empty(64, np.uint32), np.empty(8, np.uint32)
    for row in range(len(spans)):
        out[row, 4:] = 48
        start, end = spans[row, 0] + 1, spans[row, 1] - 1
        state[row] = 1 if start < 1 or data[start - 1] != 34 else 0
        if state[row] == 1:
            continue
        start, end = _bare(data, start, end, False)
        start, end = _bare(data, start, end, True)
        start, end = _bare(data, start, end, False)
        plain = True
        for at in range(start, end):
            plain &= data[at] < 127 and data[at] != 92
        state[row] = 2 if not plain else 1 if start == end else 0
        if state[row] == 0:
            _digest(data, start, end, block, w, rounds, h)
            for i in range(32):
                nibble = h[i // 8] >> np.uint32(28 - 4 * (i % 8)) & np.uint32(15)
                out[row, 4 + i] = nibble + (48 if nibble < 10 else 87)
    return state


@jit
def _digest(data: Any, start: Any, end: Any, block: Any, w: Any, rounds: Any, h: Any) -> None:
    """SHA-256 of an ASCII text in lower case."""
    for i in range(8):
        h[i] = rounds[64 + i]
    size = end - start
    for begin in range(0, (size + 9 + 63) // 64 * 64, 64):
        here = min(max(size - begin, 0), 64)
        for i in range(here):
            c = data[start + begin + i]
            block[i] = c + 32 * (65 <= c <= 90)
        for i in range(here, 64):
            block[i] = 0
        if 0 <= size - begin < 64:
            block[size - begin] = 128
        if begin + 64 >= size + 9:
            for i in range(8):
                block[63 - i] = (size * 8) >> (8 * i) & 255
        _block(block, w, rounds, h)
