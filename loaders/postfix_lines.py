"""Lines of a Postfix log: syslog's prefix in its forms, the queue id, and what a daemon says of the message.

    lines = Lines(year)
    line = lines.parse(text)      # None where the line is not about a queued message

A prefix of RFC 3164 (`Sep 11 10:47:30`) has no year: `year` is that of the first line, and the turn of the year is found where months
go back by more than half a year. Without a prefix there is no time and no host. journalctl writes `short` with a fraction too, `short-full`
(`Fri 2023-06-30 10:00:00 JST`; of zones by name only UTC, GMT and JST are known, for others mean several) and `short-unix` (seconds).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from graphmodel.times import to_iso
from loaders import columns, dates
from loaders.base import Source
from loaders.trace import moment
from loaders.zones import Clock

_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}  # noqa: SIM905
_PREFIX = re.compile(
    r"(?:[\w.-]{1,64} +\| +)?(?:<\d{1,3}>)?(?:1 )?(?:(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:[Zz]|[+-]\d\d:?\d\d)?)"
    r"|(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?:(?P<year>\d{4}) )?(?P<clock>\d\d:\d\d:\d\d)(?:\.\d+)?"
    r"|(?:[A-Z][a-z]{2} )?(?P<full>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? (?P<zone>[A-Z]{3,5}|[+-]\d{2,4})|(?P<unix>\d{9,10})\.\d+) (?P<host>\S+) (?P<program>[\w./-]+)"
    r"(?:(?:\[\d+\])?:| \S+ \S+ (?:-|\[.*?\])) "
)
_ZONES = {"UTC": "Z", "GMT": "Z", "JST": "+0900"}
_QUEUED = re.compile(r"(?P<id>[0-9A-F]{5,15}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20}|\d{5,20}): (?P<rest>.*)", re.DOTALL)
FIELDS = ("to", "orig_to", "from", "relay", "size", "status", "message-id", "client", "uid")
_FIELD = re.compile(rf"(?:^|, )(?P<name>{'|'.join(FIELDS)})=(?P<value><[^>]*>|[^,]*)")
_OF_SERVICE = re.compile(rb"^[\w.-]{1,64} +\| +([A-Z][a-z]{2}) +\d", re.MULTILINE)  # docker compose logs
_YEAR_OF_ID = re.compile(rb"message-id=<(20\d\d)(\d\d)(\d\d)\d{6}\.")
_YEAR_OF_NAME = re.compile(r"(?<!\d)(199\d|20\d\d)[-_.]?(?:0[1-9]|1[0-2])")


@dataclass(slots=True)
class Line:
    """One line about a queued message. `at`: seconds or None; `host`, `program`: "" without a prefix; `fields`: name -> text without <>."""

    at: int | None
    host: str
    program: str
    queue_id: str
    rest: str
    fields: dict[str, str]


class Start(NamedTuple):
    """Syslog's prefix of a line. `end`: where the program's own text begins."""

    at: int | None
    host: str
    program: str
    end: int


class Lines:
    """Parses lines in the order of the file. `year`: of the first line that has none; None leaves such lines without a time.

    `clock`: turns times without a zone into UTC, None: they are taken as UTC.
    """

    def __init__(self, year: int | None, clock: Clock | None = None) -> None:
        self._year, self.clock = year, clock
        self._month = 0
        self.undated = 0
        self.zoneless = 0

    @property
    def state(self) -> list[int]:
        """Year (0: unknown) and month of the last line, how many had no zone, and no year: for who reads lines otherwise."""
        return [self._year or 0, self._month, self.zoneless, self.undated]

    @state.setter
    def state(self, given: list[int]) -> None:
        self._year, self._month, self.zoneless, self.undated = given[0] or None, *given[1:]

    def parse(self, text: str) -> Line | None:
        """The line, or None where it is of another program or not about a queued message."""
        prefix = _PREFIX.match(text)
        program = prefix["program"] if prefix else ""
        if prefix and "postfix" not in program:
            return None
        queued = _QUEUED.match(text, prefix.end() if prefix else 0)
        if queued is None:
            return None
        rest = queued["rest"].rstrip()
        fields = {match["name"]: match["value"].strip("<> ") for match in _FIELD.finditer(rest.partition(" (")[0])}
        if not fields and rest != "removed":
            return None
        return Line(self._time(prefix) if prefix else None, prefix["host"] if prefix else "", program, queued["id"], rest, fields)

    def start(self, text: str) -> Start | None:
        """What syslog puts before a line of any program; None where there is nothing of it."""
        prefix = _PREFIX.match(text)
        return Start(self._time(prefix), prefix["host"], prefix["program"], prefix.end()) if prefix else None

    def _time(self, prefix: re.Match[str]) -> int | None:
        if prefix["iso"]:
            return _moment(prefix["iso"])
        if prefix["unix"]:
            return int(prefix["unix"])
        if prefix["full"]:
            zone = _ZONES.get(prefix["zone"], prefix["zone"].ljust(5, "0") if not prefix["zone"].isalpha() else "")
            self.zoneless += not zone
            at = _moment(prefix["full"].replace(" ", "T") + zone)
            return at if zone else self._utc(at)
        month = _MONTHS.get(prefix["month"], 0)
        year = int(prefix["year"]) if prefix["year"] else self._year
        self.zoneless += 1
        if year is None or not month:
            self.undated += 1
            return None
        if not prefix["year"]:
            self._year = year = year + _turn(self._month, month)
            self._month = month
        return self._utc(_moment(f"{year:04}-{month:02}-{int(prefix['day']):02}T{prefix['clock']}"))

    def _utc(self, local: int | None) -> int | None:
        return self.clock.utc(local) if self.clock and local is not None else local


def _moment(text: str) -> int | None:
    try:
        return moment(text, None)
    except dates.BadDate:
        return None


def _turn(before: int, after: int) -> int:
    """1 where the year turns between two months, -1 where it turns back (logs put together newest first); `before` 0: none."""
    if not before or abs(after - before) <= 6:
        return 0
    return 1 if after < before else -1


def first_year(source: Source, now: int | None) -> tuple[int | None, str]:
    """The year of the first line of a log whose dates have none, and how it is known.

    Postfix writes the date into the Message-IDs it makes; else the file's name may have it; else the last line is taken to be the
    latest possible before `now` (seconds). None where none of these helps.
    """
    months, votes = _survey(source)
    months = months or [_MONTHS[name.decode()] for name in _OF_SERVICE.findall(source.head) if name.decode() in _MONTHS]
    turns = sum(_turn(before, after) for before, after in zip(months, months[1:], strict=False))
    if votes:
        return min(votes, key=lambda year: (-votes[year], year)), "by the dates in its own Message-IDs"
    if match := _YEAR_OF_NAME.search(source.name.rpartition("/")[2]):
        return int(match[1]) - turns, "by the file's name"
    if now is None or not months:
        return None, ""
    today = to_iso(now) or ""
    year, month = int(today[:4]), int(today[5:7])
    return year - turns - (1 if months[-1] > month else 0), "as the latest possible before now"


def _survey(source: Source) -> tuple[list[int], Counter[int]]:
    """Months of the lines without a year, each change of month once; and votes for the year of the first of them."""
    months: list[int] = []
    votes: Counter[int] = Counter()
    turns = 0
    with source.open() as stream:
        for part in columns.chunks(stream):
            starts, found = _months_of(part)
            rows = np.flatnonzero(found)
            if not len(rows):
                continue
            changed, since = [0], [turns]
            for row in rows[np.flatnonzero(np.diff(found[rows], prepend=months[-1] if months else 0))].tolist():
                turns += _turn(months[-1], int(found[row])) if months else 0
                months.append(int(found[row]))
                changed, since = [*changed, row], [*since, turns]
            last = -1
            for match in _YEAR_OF_ID.finditer(part):
                row = int(np.searchsorted(starts, match.start(), "right")) - 1
                if row != last and int(match[2]) == found[row]:
                    votes[int(match[1]) - since[int(np.searchsorted(changed, row, "right")) - 1]] += 1
                last = row
    return months, votes


def _months_of(part: bytes) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(where lines begin, the month that each begins with; 0 for none)."""
    starts = np.concatenate([[0], np.flatnonzero(np.frombuffer(part, np.uint8) == 10) + 1])
    starts = starts[starts < len(part)]
    return starts, months_at(part, starts)


def months_at(part: bytes, starts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The month that each line begins with, behind a priority too; 0 for none."""
    data = np.frombuffer(part + bytes(8), np.uint8)
    begins, found = data[starts], np.zeros(len(starts), np.int64)
    letters = np.flatnonzero(begins >= 65)
    if len(letters):
        code = data[starts[letters]] * np.int64(65536) + data[starts[letters] + 1] * np.int64(256) + data[starts[letters] + 2]
        for name, number in _MONTHS.items():
            found[letters[code == int.from_bytes(name.encode(), "big")]] = number
    for row in np.flatnonzero((begins < 65) & (data[starts + 4] != 45)).tolist():
        found[row] = _MONTHS.get(part[starts[row] : starts[row] + 40].lstrip(b"<0123456789>")[:3].decode("latin-1"), 0)
    return found
