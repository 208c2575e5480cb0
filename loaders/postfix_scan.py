"""Lines of a Postfix log in their usual form, read by compiled code: where host, queue id and fields stand, and the time.

It says what `postfix_lines.Lines` says. A line in another form (a priority, RFC 5424, no prefix) is left to it: the scan stops there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphmodel.memory import address, byte, jit
from loaders import dates
from loaders.postfix_lines import FIELDS

Ints = npt.NDArray[np.int64]

PASSED, LINE = 0, 1
HOST, QUEUE_ID, TO, ORIG_TO, FROM, RELAY, SIZE, STATUS, MESSAGE_ID = range(9)
"""Columns of spans. A field is without <> and blanks around it; -1 where it is not there."""
_KNOWN = len(FIELDS)
YEAR, MONTH, ZONELESS, UNDATED = range(4)
NONE = -(2**62)
"""No time."""
_NAMES = np.frombuffer("".join(FIELDS).encode(), np.uint8).copy()
_ENDS = np.cumsum([len(name) for name in FIELDS], dtype=np.int64)
_MONTHS = np.frombuffer(b"JanFebMarAprMayJunJulAugSepOctNovDec", np.uint8).copy()


@dataclass(frozen=True)
class Scan:
    """Of each line: its kind, seconds (NONE), spans, whether it says `removed`, whether the program is an LMTP client."""

    kind: Ints
    at: Ints
    spans: Ints
    removed: Ints
    lmtp: Ints

    @classmethod
    def of(cls, count: int) -> Scan:
        """Room for so many lines."""
        return cls(np.zeros(count, np.int64), np.full(count, NONE), np.full((count, 9, 2), -1), np.zeros(count, np.int64), np.zeros(count, np.int64))


def scan(data: Any, starts: Ints, ends: Ints, first: int, state: Ints, found: Scan) -> int:
    """Read lines from `first` on; the number of the line that has to be read otherwise, or how many there are.

    `state`: YEAR (0 is unknown), MONTH, ZONELESS, UNDATED, as `Lines` keeps them.
    """
    known = np.array([dates.EARLIEST, dates.LATEST, address(_NAMES), address(_MONTHS)], np.int64)
    return int(_scan(address(data), starts, ends, first, state, known, _ENDS, found.kind, found.at, found.spans, found.removed, found.lmtp))


@jit
def _digits(data: Any, at: Any, count: Any) -> Any:
    """The number that so many digits are; -1 where they are none."""
    value = 0
    for i in range(at, at + count):
        c = byte(data, i)
        if c < 48 or c > 57:
            return -1
        value = value * 10 + c - 48
    return value


@jit
def _day(year: Any, month: Any, day: Any) -> Any:
    """Days since 1970; -1 where there is no such day, or it is before."""
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    longest = 28 + leap if month == 2 else 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31
    if year < 1970 or month < 1 or month > 12 or day < 1 or day > longest:
        return -1
    years, months = (year, month - 3) if month > 2 else (year - 1, month + 9)  # years that begin in March
    return years * 365 + years // 4 - years // 100 + years // 400 + (153 * months + 2) // 5 + day - 1 - 719468


@jit
def _clock(data: Any, at: Any) -> Any:
    """Seconds of `10:02:00`; -1 where it is none, -2 where it is no form of one."""
    hour, minute, second = _digits(data, at, 2), _digits(data, at + 3, 2), _digits(data, at + 6, 2)
    if hour < 0 or minute < 0 or second < 0 or byte(data, at + 2) != 58 or byte(data, at + 5) != 58:
        return -2
    return -1 if hour > 23 or minute > 59 or second > 59 else (hour * 60 + minute) * 60 + second


@jit
def _iso(data: Any, at: Any, end: Any) -> Any:
    """(after the time or -1, seconds) of `2022-10-02T01:00:05.123456+09:00` and the like."""
    if end - at < 20 or byte(data, at + 4) != 45 or byte(data, at + 7) != 45 or byte(data, at + 10) != 84:
        return -1, 0
    day, clock = _day(_digits(data, at, 4), _digits(data, at + 5, 2), _digits(data, at + 8, 2)), _clock(data, at + 11)
    if day < 0 or clock < 0:
        return -1, 0
    at += 19
    if byte(data, at) == 46:
        start = at + 1
        at = start
        while at < end and 48 <= byte(data, at) <= 57:
            at += 1
        if at == start or at > start + 9:
            return -1, 0
    c, seconds = byte(data, at), day * 86400 + clock
    if c == 90:
        return at + 1, seconds
    if c != 43 and c != 45:
        return at, seconds
    if end - at < 7:
        return -1, 0
    hours, colon = _digits(data, at + 1, 2), byte(data, at + 3) == 58
    minutes = _digits(data, at + 3 + colon, 2)
    if hours < 0 or hours > 14 or minutes < 0 or minutes > 59:
        return -1, 0
    offset = (hours * 60 + minutes) * 60
    return at + 5 + colon, seconds - offset if c == 43 else seconds + offset


@jit
def _month_of(data: Any, at: Any, months: Any) -> Any:
    for month in range(12):
        if byte(data, at) == byte(months, 3 * month) and byte(data, at + 1) == byte(months, 3 * month + 1) and byte(data, at + 2) == byte(months, 3 * month + 2):
            return month + 1
    return 0


@jit
def _syslog(data: Any, at: Any, end: Any, months: Any) -> Any:
    """(after the time or -1, month, day, seconds of the day or -1) of `Sep 11 10:47:30`."""
    month = _month_of(data, at, months) if end - at > 16 else 0
    if month == 0 or byte(data, at + 3) != 32:
        return -1, 0, 0, 0
    at += 4 + (byte(data, at + 4) == 32)
    width = 1 + (byte(data, at + 1) != 32)
    day = _digits(data, at, width)
    at += width + 1
    clock = _clock(data, at)
    if day < 0 or byte(data, at - 1) != 32 or clock == -2:
        return -1, 0, 0, 0
    return at + 8, month, day, clock


@jit
def _dated(month: Any, day: Any, clock: Any, state: Any, earliest: Any, latest: Any) -> Any:
    """Seconds of a time without a year; the year turns where months go back by more than half a year."""
    state[2] += 1
    if state[0] == 0:
        state[3] += 1
        return -(2**62)
    before = state[1]
    if before != 0 and abs(month - before) > 6:
        state[0] += 1 if month < before else -1
    state[1] = month
    days = _day(state[0], month, day)
    found = days * 86400 + clock
    return found if days >= 0 and clock >= 0 and earliest <= found <= latest else -(2**62)


@jit
def _word(data: Any, at: Any, end: Any) -> Any:
    """After the text without blanks that begins here; -1 where there is none, or it has letters that are not ASCII."""
    start = at
    while at < end and byte(data, at) != 32:
        if byte(data, at) < 33 or byte(data, at) > 126:
            return -1
        at += 1
    return at if start < at < end else -1


@jit
def _program(data: Any, at: Any, end: Any) -> Any:
    """(after `postfix/smtp[123]: ` or -1, whether it is postfix, whether lmtp)."""
    start, postfix, lmtp = at, False, False
    while at < end:
        c = byte(data, at)
        if not (48 <= c <= 57 or 97 <= (c | 32) <= 122 or c == 95 or c == 46 or c == 47 or c == 45):
            break
        if at >= start + 6 and c == 120:
            postfix |= byte(data, at - 6) == 112 and byte(data, at - 5) == 111 and byte(data, at - 4) == 115 and byte(data, at - 3) == 116 and byte(data, at - 2) == 102 and byte(data, at - 1) == 105
        if at >= start + 3 and c == 112:
            lmtp |= byte(data, at - 3) == 108 and byte(data, at - 2) == 109 and byte(data, at - 1) == 116
        at += 1
    if at == start or at >= end:
        return -1, False, False
    if byte(data, at) == 91:
        number = at + 1
        at = number
        while at < end and 48 <= byte(data, at) <= 57:
            at += 1
        if at == number or at >= end or byte(data, at) != 93:
            return -1, False, False
        at += 1
    if at + 1 < end and byte(data, at) == 58 and byte(data, at + 1) == 32:
        return at + 2, postfix, lmtp
    return -1, False, False


@jit
def _id_end(data: Any, at: Any, end: Any) -> Any:
    """Where the queue id that begins here ends; -1 where there is none."""
    start, hexadecimal, long, decimal = at, True, True, True
    while at < end and at <= start + 20:
        c = byte(data, at)
        digit, lower = 48 <= c <= 57, c | 32
        if not digit and not 97 <= lower <= 122:
            break
        hexadecimal &= digit or 65 <= c <= 70
        decimal &= digit
        long &= digit or not (lower == 97 or lower == 101 or lower == 105 or lower == 111 or lower == 117)
        at += 1
    size = at - start
    good = (hexadecimal and 5 <= size <= 15) or (long and 10 <= size <= 20) or (decimal and 5 <= size <= 20)
    return at if good and at + 1 < end and byte(data, at) == 58 and byte(data, at + 1) == 32 else -1


@jit
def _field(data: Any, at: Any, end: Any, names: Any, ends: Any) -> Any:
    """(which name stands here before a `=`, after that); -1: none."""
    begin = 0
    for name in range(len(ends)):
        size = ends[name] - begin
        if at + size < end and byte(data, at + size) == 61:
            same = True
            for i in range(size):
                same &= byte(data, at + i) == byte(names, begin + i)
            if same:
                return name, at + size + 1
        begin = ends[name]
    return -1, at


@jit
def _value_end(data: Any, at: Any, end: Any) -> Any:
    """After a value: up to `>` where it begins with `<`, else to the next comma."""
    if at < end and byte(data, at) == 60:
        for i in range(at + 1, end):
            if byte(data, i) == 62:
                return i + 1
    while at < end and byte(data, at) != 44:
        at += 1
    return at


@jit
def _fields(data: Any, at: Any, end: Any, names: Any, ends: Any, spans: Any) -> Any:
    """Note the fields; whether there are any."""
    start, any_ = at, False
    while at < end:
        comma = at + 1 < end and byte(data, at) == 44 and byte(data, at + 1) == 32
        if at != start and not comma:
            at += 1
            continue
        name, value = _field(data, at if at == start and not comma else at + 2, end, names, ends)
        if name < 0:
            at += 1
            continue
        any_ = True
        at = _value_end(data, value, end)
        first, last = value, at
        while first < last and (byte(data, first) == 60 or byte(data, first) == 62 or byte(data, first) == 32):
            first += 1
        while first < last and (byte(data, last - 1) == 60 or byte(data, last - 1) == 62 or byte(data, last - 1) == 32):
            last -= 1
        if name < 7:
            spans[name + 2, 0], spans[name + 2, 1] = first, last
    return any_


@jit
def _rest(data: Any, at: Any, end: Any) -> Any:
    """(where the text ends without blanks, where its first ` (` stands)."""
    while end > at and (byte(data, end - 1) == 32 or 9 <= byte(data, end - 1) <= 13 or 28 <= byte(data, end - 1) <= 31):
        end -= 1
    head = at
    while head < end and not (byte(data, head) == 32 and head + 1 < end and byte(data, head + 1) == 40):
        head += 1
    return end, head


@jit
def _is_removed(data: Any, at: Any, end: Any) -> Any:
    return (
        end - at == 7 and byte(data, at) == 114 and byte(data, at + 1) == 101 and byte(data, at + 2) == 109 and byte(data, at + 3) == 111
        and byte(data, at + 4) == 118 and byte(data, at + 5) == 101 and byte(data, at + 6) == 100
    )  # fmt: skip


@jit
def _prefix(data: Any, start: Any, end: Any, known: Any) -> Any:
    """(after the time or -1, seconds, month or 0 where the time is whole, day, seconds of the day)."""
    if end - start < 20:
        return -1, 0, 0, 0, 0
    if not 48 <= byte(data, start) <= 57:
        at, month, day, clock = _syslog(data, start, end, known[3])
        return at, 0, month, day, clock
    at, seconds = _iso(data, start, end)
    return at if known[0] <= seconds <= known[1] else -1, seconds, 0, 0, 0


@jit
def _scan(data: Any, starts: Any, ends: Any, first: Any, state: Any, known: Any, names: Any, kind: Any, time: Any, spans: Any, removed: Any, lmtp: Any) -> Any:
    for row in range(first, len(starts)):
        start, end = starts[row], ends[row]
        at, seconds, month, day, clock = _prefix(data, start, end, known)
        host = at + 1
        at = _word(data, host, end) if 0 <= at < end and byte(data, at) == 32 else -1
        host_end = at
        at, postfix, is_lmtp = _program(data, at + 1, end) if at >= 0 else (-1, False, False)
        if at < 0:
            return row
        id_end = _id_end(data, at, end) if postfix else -1
        if id_end < 0:
            continue
        last, head = _rest(data, id_end + 2, end)
        if last > id_end + 2 and byte(data, last - 1) > 126:
            return row
        gone = _is_removed(data, id_end + 2, last)
        if not _fields(data, id_end + 2, head, known[2], names, spans[row]) and not gone:
            continue
        spans[row, 0, 0], spans[row, 0, 1], spans[row, 1, 0], spans[row, 1, 1] = host, host_end, at, id_end
        kind[row], removed[row], lmtp[row] = 1, gone, is_lmtp
        time[row] = _dated(month, day, clock, state, known[0], known[1]) if month else seconds
    return len(starts)


def cut(data: Any, spans: Ints) -> pa.Array:
    """The texts in spans; "" where there is none."""
    bytes_, ends = _cut(address(data), np.ascontiguousarray(spans))
    return pa.Array.from_buffers(pa.large_string(), len(spans), [None, pa.py_buffer(ends), pa.py_buffer(bytes_)])


@jit
def _cut(data: Any, spans: Any) -> Any:
    total = 0
    for row in range(len(spans)):
        total += spans[row, 1] - spans[row, 0]
    out, ends, used = np.empty(total, np.uint8), np.zeros(len(spans) + 1, np.int64), 0
    for row in range(len(spans)):
        for at in range(spans[row, 0], spans[row, 1]):
            out[used] = byte(data, at)
            used += 1
        ends[row + 1] = used
    return out, ends
