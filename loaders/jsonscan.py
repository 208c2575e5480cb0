"""Where the values of some keys stand in JSON text, for many records at once and without making an object of any of them.

    names = Names("Id", "Operation", "Folders")
    found = objects(data, starts, ends, names)      # data: bytes as a numpy array; each span one object, or an array of objects
    found.span("Folders")                           # (start, end) of the raw values; start -1: the object has no such key

Stricter than a parser where that is cheap: `found.bad` are spans that must be read by a real one, because they are not JSON, or
hold what is not worth deciding here (exponents, surrogates, escapes in keys, deep nesting). Bytes must be valid UTF-8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from loaders.jsonbatch import Bytes, Flags, Ints

_DEPTH = 48
_NONE, _ONE, _SEVEN, _TOP = np.uint64(0), np.uint64(1), np.uint64(7), np.uint64(56)
_ONES, _HIGH = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_QUOTES, _BACKS, _BLANKS = (np.uint64(0x0101010101010101 * ord(c)) for c in '"\\ ')
_PLACES = np.uint64(0x0001020304050607)


class Names:
    """Keys to look for; their bytes end to end, and where each ends."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys
        self.column = {key: at for at, key in enumerate(keys)}
        self.bytes = np.frombuffer("".join(keys).encode(), np.uint8)
        self.ends = np.cumsum([len(key.encode()) for key in keys], dtype=np.int64)


@dataclass(frozen=True)
class Found:
    """Objects in the order found. `row`: the given span each stands in; `spans[object, name]` = (start, end); `bad`: of the given spans."""

    names: Names
    row: Ints
    spans: Ints
    bad: Flags

    def span(self, key: str) -> Ints:
        """(start, end) of one key's values."""
        found: Ints = self.spans[:, self.names.column[key]]
        return found


def objects(data: Bytes, starts: Ints, ends: Ints, names: Names) -> Found:
    """The objects in each span: itself, or the items of an array. A span that begins at -1 has none."""
    most = _braces(data, starts, ends)
    row, spans, bad = np.empty(most, np.int64), np.empty((most, len(names.keys), 2), np.int64), np.zeros(len(starts), np.bool_)
    count = _objects(data, words_of(data), starts, ends, names.bytes, names.ends, np.zeros((64, 3), np.int64), row, spans, bad)
    return Found(names, row[:count], spans[:count], bad)


def items(data: Bytes, start: int) -> tuple[Ints, Ints] | None:
    """(starts, ends) of the values in the array that begins at `start` and ends the text; None where it does not, or is not JSON."""
    starts, ends = np.empty(64, np.int64), np.empty(64, np.int64)
    at, used = start, 0
    while True:
        at, used, whole = _items(data, words_of(data), at, len(data) - 8, starts, ends, used)
        if whole or at < 0:
            return (starts[:used], ends[:used]) if whole else None
        starts, ends = (np.concatenate([part, np.empty(used, np.int64)]) for part in (starts, ends))


def words_of(data: Bytes) -> npt.NDArray[np.uint64]:
    """The eight bytes from each byte on, as one number."""
    return np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))


def jit(function: Any) -> Any:
    """Compiled when first called, kept on disk."""
    return numba.njit(cache=True, nogil=True)(function)


@jit
def _braces(data: Any, starts: Any, ends: Any) -> Any:
    """How many objects the spans can hold."""
    count = 0
    for row in range(len(starts)):
        if starts[row] >= 0:
            for c in data[starts[row] : ends[row]]:
                count += c == 123
    return count


@jit
def _blank(data: Any, at: Any, end: Any) -> Any:
    while at < end and (data[at] == 32 or data[at] == 10 or data[at] == 13 or data[at] == 9):
        at += 1
    return at


@jit
def _hex(data: Any, at: Any, end: Any) -> Any:
    """The number that four hexadecimal digits are; -1 where they are none."""
    if at + 4 > end:
        return -1
    value = 0
    for i in range(at, at + 4):
        c = data[i]
        if 48 <= c <= 57:
            value = value * 16 + c - 48
        elif 97 <= (c | 32) <= 102:
            value = value * 16 + (c | 32) - 87
        else:
            return -1
    return value


@jit
def _escape_end(data: Any, at: Any, end: Any) -> Any:
    """After the escape whose backslash is at `at`; -1: not one, or half of a pair."""
    if at + 1 >= end:
        return -1
    c = data[at + 1]
    if c == 117:  # \u
        value = _hex(data, at + 2, end)
        return -1 if value < 0 or 0xD800 <= value <= 0xDFFF else at + 6
    # " \ / b f n r t
    return at + 2 if c == 34 or c == 92 or c == 47 or c == 98 or c == 102 or c == 110 or c == 114 or c == 116 else -1


@jit
def _string_end(data: Any, words: Any, at: Any, end: Any) -> Any:
    """After the closing quote of the string whose opening quote is at `at`; -1 where it has none or holds what it must not.

    Eight bytes at a time: the lowest bit set in `hit` marks the first quote, backslash or control character among them.
    """
    at += 1
    while at < end:
        x = words[at]
        quote, back = x ^ _QUOTES, x ^ _BACKS
        hit = (((quote - _ONES) & ~quote) | ((back - _ONES) & ~back) | ((x - _BLANKS) & ~x)) & _HIGH
        if hit == 0:
            at += 8
            continue
        at += np.int64((((hit & (~hit + _ONE)) >> _SEVEN) * _PLACES) >> _TOP)
        if at >= end:
            return -1
        c = data[at]
        if c == 34:
            return at + 1
        if c != 92:
            return -1
        at = _escape_end(data, at, end)
        if at < 0:
            return -1
    return -1


@jit
def _word_end(data: Any, at: Any, end: Any) -> Any:
    """After true, false or null."""
    c = data[at]
    if c == 116:
        return at + 4 if at + 4 <= end and data[at + 1] == 114 and data[at + 2] == 117 and data[at + 3] == 101 else -1
    if c == 110:
        return at + 4 if at + 4 <= end and data[at + 1] == 117 and data[at + 2] == 108 and data[at + 3] == 108 else -1
    if c == 102:
        good = at + 5 <= end and data[at + 1] == 97 and data[at + 2] == 108 and data[at + 3] == 115 and data[at + 4] == 101
        return at + 5 if good else -1
    return -1


@jit
def _digits_end(data: Any, at: Any, end: Any) -> Any:
    """After one digit or more; -1 where there is none, or more than are sure to fit a number."""
    start = at
    while at < end and 48 <= data[at] <= 57:
        at += 1
    return at if start < at <= start + 18 else -1


@jit
def _scalar_end(data: Any, at: Any, end: Any) -> Any:
    """After a number without exponent, or a word."""
    c = data[at]
    if c != 45 and not 48 <= c <= 57:
        return _word_end(data, at, end)
    if c == 45:
        at += 1
    start = at
    at = _digits_end(data, at, end)
    if at < 0 or (at > start + 1 and data[start] == 48):
        return -1
    if at < end and data[at] == 46:
        at = _digits_end(data, at + 1, end)
        if at < 0:
            return -1
    return -1 if at < end and (data[at] | 32) == 101 else at


@jit
def _key_end(data: Any, words: Any, at: Any, end: Any) -> Any:
    """After the colon of the key that follows; -1 where there is none."""
    at = _blank(data, at, end)
    if at >= end or data[at] != 34:
        return -1
    at = _string_end(data, words, at, end)
    if at < 0:
        return -1
    at = _blank(data, at, end)
    return at + 1 if at < end and data[at] == 58 else -1


@jit
def _closed(data: Any, words: Any, at: Any, end: Any, depth: Any, kinds: Any) -> Any:
    """After a value within brackets: (where the next value begins, depth, kinds), past the brackets that close; depth 0: all did."""
    while depth > 0:
        at = _blank(data, at, end)
        if at >= end:
            return -1, depth, kinds
        c, inside = data[at], kinds & 1
        at += 1
        if c == 44:
            return (_key_end(data, words, at, end) if inside else at), depth, kinds
        if (c != 125 or not inside) and (c != 93 or inside):
            return -1, depth, kinds
        depth, kinds = depth - 1, kinds >> 1
    return at, depth, kinds


@jit
def _value_end(data: Any, words: Any, at: Any, end: Any) -> Any:
    """After the value that begins at `at`; -1 where it is not JSON. `kinds`: a bit for each open bracket, 1 an object."""
    depth, kinds = 0, 0
    while True:
        at = _blank(data, at, end)
        if at >= end:
            return -1
        c = data[at]
        if c == 123 or c == 91:
            depth, kinds = depth + 1, kinds * 2 + (c == 123)
            inner = _blank(data, at + 1, end)
            if inner < end and data[inner] == c + 2:
                at = inner + 1
                depth, kinds = depth - 1, kinds >> 1
            else:
                at = _key_end(data, words, inner, end) if c == 123 else inner
                if at < 0 or depth > _DEPTH:
                    return -1
                continue
        else:
            at = _string_end(data, words, at, end) if c == 34 else _scalar_end(data, at, end)
        if at < 0 or depth == 0:
            return at
        at, depth, kinds = _closed(data, words, at, end, depth, kinds)
        if at < 0 or depth == 0:
            return at


@jit
def _same(words: Any, one: Any, other: Any, length: Any) -> Any:
    """Whether as many bytes are the same from `one` and from `other` on."""
    while length >= 8:
        if words[one] != words[other]:
            return False
        one, other, length = one + 8, other + 8, length - 8
    return length == 0 or (words[one] ^ words[other]) << np.uint64(64 - 8 * length) == _NONE


@jit
def _name_of(data: Any, start: Any, end: Any, names: Any, bounds: Any) -> Any:
    """Which name a key (without quotes) is; -1 none, -2 one with an escape."""
    found, begin = -1, 0
    for i in range(start, end):
        if data[i] == 92:
            return -2
    for name in range(len(bounds)):
        if bounds[name] - begin == end - start:
            same = True
            for i in range(end - start):
                same &= data[start + i] == names[begin + i]
            if same:
                found = name
        begin = bounds[name]
    return found


@jit
def _key(data: Any, words: Any, at: Any, end: Any, names: Any, bounds: Any, guess: Any) -> Any:
    """The key that begins at `at`: (after its colon or -1, which name).

    `guess`: (start, length, name) of the key at this place in the last object; nearly always it is the same again.
    """
    length = guess[1]
    if length > 0 and at + length < end and _same(words, at, guess[0], length):
        return at + length, guess[2]
    after = _key_end(data, words, at, end)
    if after < 0:
        return -1, -1
    stop = after - 2
    while data[stop] != 34:
        stop -= 1
    which = _name_of(data, at + 1, stop, names, bounds)
    if which == -2:
        return -1, -1
    guess[0], guess[1], guess[2] = at, after - at, which
    return after, which


@jit
def _members(data: Any, words: Any, at: Any, end: Any, names: Any, bounds: Any, guess: Any, spans: Any) -> Any:
    """Note the values of the object at `at`; after it, or -1 where it is not one."""
    spans[:] = -1
    at = _blank(data, at + 1, end)
    if at < end and data[at] == 125:
        return at + 1
    number = 0
    while at < end and data[at] == 34:
        at, which = _key(data, words, at, end, names, bounds, guess[min(number, len(guess) - 1)])
        if at < 0:
            return -1
        number += 1
        start = _blank(data, at, end)
        at = _string_end(data, words, start, end) if start < end and data[start] == 34 else _value_end(data, words, start, end)
        if at < 0:
            return -1
        if which >= 0:
            spans[which, 0], spans[which, 1] = start, at
        at = _blank(data, at, end)
        if at < end and data[at] == 125:
            return at + 1
        if at >= end or data[at] != 44:
            return -1
        at = _blank(data, at + 1, end)
    return -1


@jit
def _listed(data: Any, words: Any, at: Any, end: Any, names: Any, bounds: Any, guess: Any, spans: Any, used: Any) -> Any:
    """Note the objects of the array at `at`: (after it or -1, how many are noted)."""
    first = True
    while True:
        at = _blank(data, at + 1, end)
        if first and at < end and data[at] == 93:
            return at + 1, used
        first = False
        if at >= end or data[at] != 123:
            return -1, used
        at = _members(data, words, at, end, names, bounds, guess, spans[used])
        used += 1
        if at < 0:
            return -1, used
        at = _blank(data, at, end)
        if at < end and data[at] == 93:
            return at + 1, used
        if at >= end or data[at] != 44:
            return -1, used


@jit
def _objects(data: Any, words: Any, starts: Any, ends: Any, names: Any, bounds: Any, guess: Any, rows: Any, spans: Any, bad: Any) -> Any:
    """Note the objects of each span; how many there are."""
    used = 0
    for row in range(len(starts)):
        if starts[row] < 0:
            continue
        before, end = used, ends[row]
        at = _blank(data, starts[row], end)
        if at < end and data[at] == 91:
            at, used = _listed(data, words, at, end, names, bounds, guess, spans, used)
        elif at < end and data[at] == 123:
            at, used = _members(data, words, at, end, names, bounds, guess, spans[used]), used + 1
        else:
            at = -1
        if at < 0 or _blank(data, at, end) != end:
            bad[row] = True
            used = before
        rows[before:used] = row
    return used


@jit
def _items(data: Any, words: Any, at: Any, end: Any, starts: Any, ends: Any, used: Any) -> Any:
    """Note values of an array from the bracket or comma at `at`: (where to go on or -1, how many are noted, whether it ended)."""
    while used < len(starts):
        start = _blank(data, at + 1, end)
        if used == 0 and start < end and data[start] == 93:
            return start, used, _blank(data, start + 1, end) == end
        stop = _value_end(data, words, start, end)
        if stop < 0:
            return -1, used, False
        starts[used], ends[used] = start, stop
        used += 1
        at = _blank(data, stop, end)
        if at < end and data[at] == 93:
            return -1, used, _blank(data, at + 1, end) == end
        if at >= end or data[at] != 44:
            return -1, used, False
    return at, used, False
