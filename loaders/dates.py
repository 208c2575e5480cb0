"""Dates as exports write them → seconds since 1970 UTC (formats.md 0.3.3). A date without a zone is taken as UTC.

`18/05/2021` is day/month, `5/18/2021` month/day; `4/5/2021` is either and is never guessed: see `DateOrder`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Literal

Order = Literal["dmy", "mdy"]

EARLIEST = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
_DAY = 86_400
LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
"""Without a load time nothing after 2100 is believed either: such values are fillers ("never expires") or misread numbers."""
_FILETIME_1970 = 116_444_736_000_000_000  # 100 ns ticks from 1601 to 1970

_HALF = r"(?: ?(?P<ampm>[AaPp]\.?[Mm]\.?))?"
_CLOCK = rf"(?:(?P<half>午前|午後) ?)?(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})(?::(?P<second>\d{{2}})(?:[.,]\d+)?)?{_HALF}"
_ZONE = r" ?(?P<zone>[Zz]|UTC|GMT|JST|[+-]\d{2}(?::?\d{2})?)?"
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})(?P<sep>[-/.年])(?P<month>\d{{1,2}})(?:(?P=sep)|月)(?P<day>\d{{1,2}})日?(?:(?:T|t|, ?| ){_CLOCK}{_ZONE})?"
)
_YEAR_LAST = re.compile(rf"(?P<a>\d{{1,2}})(?P<sep>[-/.])(?P<b>\d{{1,2}})(?P=sep)(?P<year>\d{{4}})(?:(?:, ?| ){_CLOCK}{_ZONE})?")
_NAMED = re.compile(rf"(?P<month>[A-Z][a-z]{{2,8}})\.? (?P<day>\d{{1,2}}),? (?P<year>\d{{4}})(?:,?(?: @| at)? {_CLOCK}{_ZONE})?")
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
# Thu Jun 30 09:00:00 JST 2023 (date, ctime); 30-Jun-2023 09:00:00, 30/Jun/2023:09:00:00 +0900 (servers).
_CTIME = re.compile(rf"[A-Z][a-z]{{2}} (?P<month>[A-Z][a-z]{{2}}) {{1,2}}(?P<day>\d{{1,2}}) {_CLOCK}{_ZONE} (?P<year>\d{{4}})")
_DAY_NAMED = re.compile(rf"(?P<day>\d{{1,2}})(?P<sep>[-/])(?P<month>[A-Z][a-z]{{2}})(?P=sep)(?P<year>\d{{4}})(?:[: ]{_CLOCK}{_ZONE})?")
_WEEKDAY = re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, ?")
_GENERALISED = re.compile(r"(\d{4})(\d{2})(\d{2})T?(\d{2})(\d{2})(\d{2})(?:[.,]\d+)?(?P<zone>Z|[+-]\d{4})?")
_JSON_DATE = re.compile(r"\\?/Date\((-?\d+)(?:[+-]\d{4})?\)\\?/")
_JAPAN, _JST = re.compile(r"\bJST$"), timezone(timedelta(hours=9))  # the mail standard's library knows American names alone
_DIGITS = re.compile(r"-?\d+(\.\d+)?")
_RFC2822 = re.compile(r"(?:[A-Za-z]{3}, ?)?\d{1,2} [A-Za-z]{3} \d{2,4} \d{1,2}:\d{2}.*")


class BadDate(ValueError):
    """The text is no date, or none that can be believed; says why in a few words."""


class AmbiguousDate(BadDate):
    """Day and month cannot be told apart."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} could be day/month or month/day: say --date-order dmy or mdy")


@dataclass
class DateOrder:
    """What a file's own dates say of the order of day and month. Show it every date (`see`), then ask `settle`."""

    dmy: bool = False
    mdy: bool = False
    open: bool = False

    def see(self, text: str) -> None:
        """Take note of one date; anything but `a/b/year` says nothing."""
        match = _YEAR_LAST.match(text.strip())
        if not match or match["sep"] == ".":
            return
        first, second = int(match["a"]), int(match["b"])
        self.dmy |= first > 12
        self.mdy |= second > 12
        self.open |= first <= 12 and second <= 12 and first != second

    def settle(self, stated: str | None) -> Order | None:
        """The order by the file's own evidence, else as stated by the analyst; None: unknown, or the file has both."""
        if self.dmy != self.mdy:
            return "dmy" if self.dmy else "mdy"
        return "dmy" if stated == "dmy" else "mdy" if stated == "mdy" else None


def moment(text: str, order: Order | None = None, now: int | None = None) -> int:
    """Seconds since 1970 UTC of any date form of formats.md 0.3.3; fractions of a second are dropped.

    `order` settles `4/5/2021`; `now` (seconds) is the load time: more than a day later is not believed.
    Raises BadDate (AmbiguousDate where only the order is missing).
    """
    value = text.strip()
    try:
        seconds = _seconds(value, order)
    except BadDate:
        raise
    except (ValueError, OverflowError, TypeError, IndexError):
        raise BadDate(f"{value[:40]!r} is not a date") from None
    if seconds < EARLIEST:
        raise BadDate(f"{value[:40]!r} is before 1990")
    if seconds > (now + _DAY if now is not None else LATEST):
        raise BadDate(f"{value[:40]!r} is in the future")
    return seconds


def believed(text: str, now: int | None = None) -> int | None:
    """As `moment`; None where the text is no date, or none to be believed."""
    try:
        return moment(text, None, now)
    except BadDate:
        return None


def _seconds(value: str, order: Order | None) -> int:
    if match := _YEAR_FIRST.fullmatch(value):
        return _of_parts(match, int(match["month"]), int(match["day"]))
    if match := _YEAR_LAST.fullmatch(value):
        return _of_parts(match, *_month_and_day(value, match, order))
    named = _NAMED.fullmatch(_WEEKDAY.sub("", value, count=1)) or _CTIME.fullmatch(value) or _DAY_NAMED.fullmatch(value)
    if (match := named) and (month := _month(match["month"])):
        return _of_parts(match, month, int(match["day"]))
    if match := _JSON_DATE.fullmatch(value):
        return int(match[1]) // 1000
    if match := _GENERALISED.fullmatch(value):
        parts = [int(part) for part in match.groups()[:6]]
        return int(datetime(*parts, tzinfo=_zone(match["zone"])).timestamp())  # type: ignore[arg-type,misc]
    if _DIGITS.fullmatch(value):
        return _of_number(value)
    if _RFC2822.fullmatch(value):
        found = parsedate_to_datetime(_JAPAN.sub("+0900", value))
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    raise BadDate(f"{value[:40]!r} is not a date")


def _month(name: str) -> int:
    """The number of an English month, also of its first letters; 0 where it is none."""
    return next((number for number, month in enumerate(_MONTHS, 1) if month.startswith(name.casefold())), 0)


def _month_and_day(value: str, match: re.Match[str], order: Order | None) -> tuple[int, int]:
    first, second = int(match["a"]), int(match["b"])
    if match["sep"] == ".":  # 13.06.2023 is written only day first
        return second, first
    if first == second:
        return first, second
    if first > 12 or second > 12:
        return (second, first) if first > 12 else (first, second)
    if order is None:
        raise AmbiguousDate(value[:40])
    return (second, first) if order == "dmy" else (first, second)


def _of_parts(match: re.Match[str], month: int, day: int) -> int:
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    half = match["half"] or (match["ampm"] or "")[:1].lower()
    if half:
        if not (0 if match["half"] else 1) <= hour <= 12:
            raise BadDate(f"{match[0][:40]!r} is not a date")
        hour = hour % 12 + (12 if half in ("p", "午後") else 0)
    return int(datetime(int(match["year"]), month, day, hour, minute, second, tzinfo=_zone(match["zone"])).timestamp())


def _zone(text: str | None) -> timezone:
    if not text or text in ("Z", "z", "UTC", "GMT"):
        return UTC
    if text == "JST":
        return _JST
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]) if len(text) > 3 else 0)
    return timezone(-offset if text[0] == "-" else offset)


def _of_number(value: str) -> int:
    """Epoch seconds, milliseconds or microseconds, or FILETIME: told apart by size, each range covers 1990 to 2100."""
    number = int(value.partition(".")[0])
    if number >= _FILETIME_1970:
        return (number - _FILETIME_1970) // 10_000_000
    if number >= 10**14:
        return number // 1_000_000
    if number >= 10**11:
        return number // 1000
    return number
