"""Lines of a Postfix log: syslog's prefix in its forms, the queue id, and what a daemon says of the message.

    lines = Lines(year)
    line = lines.parse(text)      # None where the line is not about a queued message

A prefix of RFC 3164 (`Sep 11 10:47:30`) has no year: `year` is that of the first line, and the turn of the year is found where months
go back by more than half a year. Without a prefix there is no time and no host.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from graphmodel.times import to_iso
from loaders import dates
from loaders.base import Source
from loaders.trace import moment

_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}  # noqa: SIM905
_PREFIX = re.compile(
    r"(?:<\d{1,3}>)?(?:1 )?(?:(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:[Zz]|[+-]\d\d:?\d\d)?)"
    r"|(?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?:(?P<year>\d{4}) )?(?P<clock>\d\d:\d\d:\d\d)) (?P<host>\S+) (?P<program>[\w./-]+)"
    r"(?:(?:\[\d+\])?:| \S+ \S+ (?:-|\[.*?\])) "
)
_QUEUED = re.compile(r"(?P<id>[0-9A-F]{5,15}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20}|\d{5,20}): (?P<rest>.*)", re.DOTALL)
_FIELD = re.compile(r"(?:^|, )(?P<name>to|orig_to|from|relay|size|status|message-id|client|uid)=(?P<value><[^>]*>|[^,]*)")
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


class Lines:
    """Parses lines in the order of the file. `year`: of the first line that has none; None leaves such lines without a time."""

    def __init__(self, year: int | None) -> None:
        self._year = year
        self._month = 0
        self.undated = 0
        self.zoneless = 0

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

    def _time(self, prefix: re.Match[str]) -> int | None:
        if prefix["iso"]:
            return _moment(prefix["iso"])
        month = _MONTHS.get(prefix["month"], 0)
        year = int(prefix["year"]) if prefix["year"] else self._year
        self.zoneless += 1
        if year is None or not month:
            self.undated += 1
            return None
        if not prefix["year"]:
            self._year = year = year + _turn(self._month, month)
            self._month = month
        return _moment(f"{year:04}-{month:02}-{int(prefix['day']):02}T{prefix['clock']}")


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
        for line in stream:
            month = _MONTHS.get(line.lstrip(b"<0123456789>")[:3].decode("latin-1"), 0)
            if month and (not months or months[-1] != month):
                turns += _turn(months[-1], month) if months else 0
                months.append(month)
            if month and (match := _YEAR_OF_ID.search(line)) and int(match[2]) == month:
                votes[int(match[1]) - turns] += 1
    return months, votes
