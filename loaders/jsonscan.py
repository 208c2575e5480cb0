"""Where the values of some keys stand in JSON text, for many records at once and without making an object of any of them.

    names = Names("Id", "Operation", many={"Folders": Names("Path")})
    found = objects(data, starts, ends, names)      # data: bytes as a numpy array; each span one object
    found.span("Operation")                         # (start, end) of the raw values; start -1: the object has no such key
    found.inner["Folders"].span("Path")             # the same of the objects within a value, `row`: the object that they stand in

Stricter than a parser where that is cheap: `found.bad` are spans that must be read by a real one, because they are not JSON, or
hold what is not worth deciding here (exponents, surrogates, escapes in keys, deep nesting; a value to be looked into that is
neither absent nor what its name says). Bytes must be valid UTF-8. All is read in one pass; nothing here makes a view of an
array, which would cost more than what is read of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphmodel.memory import address, byte, jit, number, put_number, word
from loaders.jsonbatch import Bytes, Ints
from loaders.jsonnames import GUESSES, Found, Names

__all__ = ["Found", "Names", "items", "objects"]

_DEPTH, _PIECE = 48, 1 << 20
_NONE, _ONE, _SEVEN, _TOP = np.uint64(0), np.uint64(1), np.uint64(7), np.uint64(56)
_ONES, _HIGH = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_QUOTES, _BACKS, _BLANKS = (np.uint64(0x0101010101010101 * ord(c)) for c in '"\\ ')
_TRUE, _NULL, _FALSE = (np.uint64(int.from_bytes(text, "little")) for text in (b"true", b"null", b"false"))
_FOUR, _FIVE = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFFFF)
_PLACES = np.uint64(0x0001020304050607)


def objects(data: Bytes, starts: Ints, ends: Ints, names: Names) -> Found:
    """The object in each span. A span that begins at -1 has none."""
    most = sum(int(np.count_nonzero(data[at : at + _PIECE] == ord("{"))) for at in range(0, len(data), _PIECE))
    levels = names.placed(most)
    rows, spans = np.empty(len(levels) * most, np.int64), np.empty(names.room * most, np.int64)
    bad, used = np.zeros(len(starts), np.bool_), np.zeros(len(levels), np.int64)
    tables = (names.bytes, names.plan, levels, np.zeros((GUESSES * len(levels), 3), np.int64), np.zeros((len(levels), 6), np.int64), rows, spans, used)
    _objects(address(data), starts, ends, tuple(address(table) for table in tables), used, bad)
    return names.found(levels, rows, spans, used, bad)


def items(data: Bytes, start: int) -> tuple[Ints, Ints] | None:
    """(starts, ends) of the values in the array that begins at `start` and ends the text; None where it does not, or is not JSON."""
    starts, ends = np.empty(64, np.int64), np.empty(64, np.int64)
    at, used = start, 0
    while True:
        at, used, whole = _items(address(data), at, len(data) - 8, starts, ends, used)
        if whole or at < 0:
            return (starts[:used], ends[:used]) if whole else None
        starts, ends = (np.concatenate([part, np.empty(used, np.int64)]) for part in (starts, ends))


@jit
def _blank(data: Any, at: Any, end: Any) -> Any:
    while at < end and (byte(data, at) == 32 or byte(data, at) == 10 or byte(data, at) == 13 or byte(data, at) == 9):
        at += 1
    return at


@jit
def _is_half(data: Any, at: Any, end: Any) -> Any:
    """Whether what follows is not four hexadecimal digits, or half of a pair (D800 to DFFF)."""
    value = 0
    for i in range(at, min(at + 4, end)):
        c = byte(data, i) | 32
        digit = c - 48 if c <= 57 else c - 87
        if not 0 <= digit <= 15 or (c > 57 and digit < 10) or byte(data, i) < 48:
            return True
        value = value * 16 + digit
    return at + 4 > end or 0xD800 <= value <= 0xDFFF


@jit
def _escape_end(data: Any, at: Any, end: Any) -> Any:
    """After the escape whose backslash is at `at`; -1: not one, or half of a pair."""
    c = byte(data, at + 1) if at + 1 < end else 0
    if c == 117:  # \u
        return -1 if _is_half(data, at + 2, end) else at + 6
    # " \ / b f n r t
    return at + 2 if c == 34 or c == 92 or c == 47 or c == 98 or c == 102 or c == 110 or c == 114 or c == 116 else -1


@jit
def _string_end(data: Any, at: Any, end: Any) -> Any:
    """After the closing quote of the string whose opening quote is at `at`; -1 where it has none or holds what it must not.

    Eight bytes at a time: the lowest bit set in `hit` marks the first quote, backslash or control character among them.
    """
    at += 1
    while at < end:
        x = word(data, at)
        quote, back = x ^ _QUOTES, x ^ _BACKS
        hit = (((quote - _ONES) & ~quote) | ((back - _ONES) & ~back) | ((x - _BLANKS) & ~x)) & _HIGH
        if hit == 0:
            at += 8
            continue
        at += np.int64((((hit & (~hit + _ONE)) >> _SEVEN) * _PLACES) >> _TOP)
        if at >= end:
            return -1
        c = byte(data, at)
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
    x, size = word(data, at), 5 if byte(data, at) == 102 else 4
    good = x & _FOUR == _TRUE or x & _FOUR == _NULL or x & _FIVE == _FALSE
    return at + size if good and at + size <= end else -1


@jit
def _digits_end(data: Any, at: Any, end: Any) -> Any:
    """After one digit or more; -1 where there is none, or more than are sure to fit a number."""
    start = at
    while at < end and 48 <= byte(data, at) <= 57:
        at += 1
    return at if start < at <= start + 19 else -1


@jit
def _scalar_end(data: Any, at: Any, end: Any) -> Any:
    """After a number without exponent, or a word."""
    c = byte(data, at)
    if c != 45 and not 48 <= c <= 57:
        return _word_end(data, at, end)
    start = at + (c == 45)
    at = _digits_end(data, start, end)
    if at < 0 or (at > start + 1 and byte(data, start) == 48):
        return -1
    if at < end and byte(data, at) == 46:
        at = _digits_end(data, at + 1, end)
        if at < 0:
            return -1
    return -1 if at < end and (byte(data, at) | 32) == 101 else at


@jit
def _key_end(data: Any, at: Any, end: Any) -> Any:
    """After the colon of the key that follows; -1 where there is none."""
    at = _blank(data, at, end)
    if at >= end or byte(data, at) != 34:
        return -1
    at = _string_end(data, at, end)
    if at < 0:
        return -1
    at = _blank(data, at, end)
    return at + 1 if at < end and byte(data, at) == 58 else -1


@jit
def _closed(data: Any, at: Any, end: Any, depth: Any, kinds: Any) -> Any:
    """After a value within brackets: (where the next value begins, depth, kinds), past the brackets that close; depth 0: all did."""
    while depth > 0:
        at = _blank(data, at, end)
        if at >= end:
            return -1, depth, kinds
        c, inside = byte(data, at), kinds & 1
        at += 1
        if c == 44:
            return (_key_end(data, at, end) if inside else at), depth, kinds
        if (c != 125 or not inside) and (c != 93 or inside):
            return -1, depth, kinds
        depth, kinds = depth - 1, kinds >> 1
    return at, depth, kinds


@jit
def _value_end(data: Any, at: Any, end: Any) -> Any:
    """After the value that begins at `at`; -1 where it is not JSON. `kinds`: a bit for each open bracket, 1 an object."""
    depth, kinds = 0, 0
    while True:
        at = _blank(data, at, end)
        if at >= end:
            return -1
        c = byte(data, at)
        if c == 123 or c == 91:
            depth, kinds = depth + 1, kinds * 2 + (c == 123)
            inner = _blank(data, at + 1, end)
            if inner < end and byte(data, inner) == c + 2:
                at = inner + 1
                depth, kinds = depth - 1, kinds >> 1
            else:
                at = _key_end(data, inner, end) if c == 123 else inner
                if at < 0 or depth > _DEPTH:
                    return -1
                continue
        else:
            at = _string_end(data, at, end) if c == 34 else _scalar_end(data, at, end)
        if at < 0 or depth == 0:
            return at
        at, depth, kinds = _closed(data, at, end, depth, kinds)
        if at < 0 or depth == 0:
            return at


@jit
def _same(data: Any, one: Any, other: Any, length: Any) -> Any:
    """Whether as many bytes are the same from `one` and from `other` on."""
    while length >= 8:
        if word(data, one) != word(data, other):
            return False
        one, other, length = one + 8, other + 8, length - 8
    return length == 0 or (word(data, one) ^ word(data, other)) << np.uint64(64 - 8 * length) == _NONE


# `look`: addresses of the keys' bytes, their plan, the kinds of objects (loaders/jsonnames.py), guesses (3 numbers each), open objects (6 each:
# kind, place of its spans, members so far, the key looked into, where its value begins, its number), rows, spans, and how many of each kind there are.


@jit
def _name_of(data: Any, start: Any, end: Any, level: Any, look: Any) -> Any:
    """Which name of an object of kind `level` a key (without quotes) is; -1 none, -2 one with an escape."""
    for i in range(start, end):
        if byte(data, i) == 92:
            return -2
    first = number(look[2], 4 * level)
    for name in range(first, first + number(look[2], 4 * level + 1)):
        begin, same = number(look[1], 4 * name), number(look[1], 4 * name + 1) - number(look[1], 4 * name) == end - start
        for i in range(end - start if same else 0):
            same &= byte(data, start + i) == byte(look[0], begin + i)
        if same:
            return name
    return -1


@jit
def _key(data: Any, at: Any, end: Any, level: Any, which: Any, look: Any) -> Any:
    """The key that begins at `at`: (after its colon or -1, its name).

    The guess: where the key at this place in the last object began, its length and name; nearly always it is the same again.
    """
    guess, which = look[3], 3 * (64 * level + min(which, 63))
    length = number(guess, which + 1)
    if length > 0 and at + length < end and _same(data, at, number(guess, which), length):
        return at + length, number(guess, which + 2)
    after = _key_end(data, at, end)
    if after < 0:
        return -1, -1
    stop = after - 2
    while byte(data, stop) != 34:
        stop -= 1
    name = _name_of(data, at + 1, stop, level, look)
    if name == -2:
        return -1, -1
    put_number(guess, which, at)
    put_number(guess, which + 1, after - at)
    put_number(guess, which + 2, name)
    return after, name


@jit
def _inside(data: Any, at: Any, end: Any, many: Any) -> Any:
    """Where the first object within a value begins: itself, or an array's first; -1 where it is neither, -2 for an empty array."""
    if byte(data, at) != (91 if many else 123):
        return -1
    at = _blank(data, at + 1, end) if many else at
    return at if at < end and byte(data, at) == 123 else -2 if at < end and byte(data, at) == 93 else -1


@jit
def _member(data: Any, at: Any, end: Any, top: Any, look: Any) -> Any:
    """Note a member of the object whose numbers stand at `top`: (after its value or -1, where an object within it begins or -1)."""
    level, spans = number(top, 0), look[6] + 8 * number(top, 1)
    at, name = _key(data, at, end, level, number(top, 2), look)
    put_number(top, 2, number(top, 2) + 1)
    start = _blank(data, at, end) if at >= 0 else end
    if start >= end:
        return -1, -1
    place = 2 * (name - number(look[2], 4 * level))
    if name >= 0 and number(look[1], 4 * name + 2) >= 0:
        inner = _inside(data, start, end, number(look[1], 4 * name + 3))
        if inner == -1 or number(spans, place) >= 0:
            return -1, -1
        if inner >= 0:
            put_number(top, 3, name)
            put_number(top, 4, start)
            return at, inner
    at = _string_end(data, start, end) if byte(data, start) == 34 else _value_end(data, start, end)
    if name >= 0:
        put_number(spans, place, start)
        put_number(spans, place + 1, at)
    return at, -1


@jit
def _open(level: Any, parent: Any, top: Any, look: Any) -> None:
    """Put a new object on top of the stack."""
    index, width = number(look[7], level), 2 * number(look[2], 4 * level + 1)
    base = number(look[2], 4 * level + 2) + index * width
    put_number(look[7], level, index + 1)
    put_number(look[5], number(look[2], 4 * level + 3) + index, parent)
    for i in range(base, base + width):
        put_number(look[6], i, -1)
    put_number(top, 0, level)
    put_number(top, 1, base)
    put_number(top, 2, 0)
    put_number(top, 5, index)


@jit
def _outward(data: Any, at: Any, end: Any, depth: Any, look: Any) -> Any:
    """After the object at `depth` ended: (where to go on or -1, depth or -1 past the outermost, whether the next object of an array begins)."""
    while depth > 0:
        top = look[4] + 48 * (depth - 1)
        name = number(top, 3)
        if number(look[1], 4 * name + 3):
            at = _blank(data, at, end)
            if at < end and byte(data, at) == 44:
                at = _blank(data, at + 1, end)
                return (at if at < end and byte(data, at) == 123 else -1), depth, True
            if at >= end or byte(data, at) != 93:
                return -1, depth, False
            at += 1
        depth -= 1
        place = number(top, 1) + 2 * (name - number(look[2], 4 * number(top, 0)))
        put_number(look[6], place, number(top, 4))
        put_number(look[6], place + 1, at)
        at = _blank(data, at, end)
        if at < end and byte(data, at) == 44:
            return _blank(data, at + 1, end), depth, False
        if at >= end or byte(data, at) != 125:
            return -1, depth, False
        at += 1
    return at, -1, False


@jit
def _object(data: Any, at: Any, end: Any, row: Any, look: Any) -> Any:
    """Note the object at `at` and those within it that are looked into; after it, or -1 where it is not one."""
    depth, opens = 0, True
    while at >= 0 and depth >= 0:
        top = look[4] + 48 * depth
        closes = False
        if opens:
            level = number(look[1], 4 * number(top - 48, 3) + 2) if depth > 0 else 0
            _open(level, number(top - 48, 5) if depth > 0 else row, top, look)
            at = _blank(data, at + 1, end)
            opens, closes = False, at < end and byte(data, at) == 125
        if not closes:
            if at >= end or byte(data, at) != 34:
                return -1
            at, inner = _member(data, at, end, top, look)
            if at < 0 or inner >= 0:
                at, depth, opens = (inner, depth + 1, True) if at >= 0 else (at, depth, False)
                continue
            at = _blank(data, at, end)
            if at < end and byte(data, at) == 44:
                at = _blank(data, at + 1, end)
                continue
            if at >= end or byte(data, at) != 125:
                return -1
        at, depth, opens = _outward(data, at + 1, end, depth, look)
    return at


@jit
def _objects(data: Any, starts: Any, ends: Any, look: Any, used: Any, bad: Any) -> None:
    """Note the object of each span."""
    before = np.zeros(len(used), np.int64)
    for row in range(len(starts)):
        if starts[row] < 0:
            continue
        before[:] = used
        at, end = _blank(data, starts[row], ends[row]), ends[row]
        at = _object(data, at, end, row, look) if at < end and byte(data, at) == 123 else -1
        if at < 0 or _blank(data, at, end) != end:
            bad[row] = True
            used[:] = before


@jit
def _items(data: Any, at: Any, end: Any, starts: Any, ends: Any, used: Any) -> Any:
    """Note values of an array from the bracket or comma at `at`: (where to go on or -1, how many are noted, whether it ended)."""
    while used < len(starts):
        start = _blank(data, at + 1, end)
        if used == 0 and start < end and byte(data, start) == 93:
            return start, used, _blank(data, start + 1, end) == end
        stop = _value_end(data, start, end)
        if stop < 0:
            return -1, used, False
        starts[used], ends[used] = start, stop
        used += 1
        at = _blank(data, stop, end)
        if at < end and byte(data, at) == 93:
            return -1, used, _blank(data, at + 1, end) == end
        if at >= end or byte(data, at) != 44:
            return -1, used, False
    return at, used, False
