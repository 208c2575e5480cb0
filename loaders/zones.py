"""Local times without a zone → UTC: by the zone an analyst names, else by the file's own evidence of it.

    clock = Clock(zone="Asia/Tokyo")                 # or "+09:00"
    clock = Clock(evidence=[(local, utc), …])        # pairs of times that are one moment, but for what mail needs on its way
    clock.utc(local)                                 # `local`: seconds as though it were UTC
    clock.known, clock.words

The evidence also tells when the clocks were changed: each time is read by the nearest pair.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from loaders.base import Broken

_OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?", re.IGNORECASE)
_HOUR, _SLACK = 3600, 600
_HALVES = (-9.5, -3.5, -2.5, 3.5, 4.5, 5.5, 5.75, 6.5, 8.75, 9.5, 10.5, 12.75)
_OFFSETS = tuple(sorted([hours * _HOUR for hours in range(-12, 15)] + [int(hours * _HOUR) for hours in _HALVES]))


def zone_of(text: str) -> tzinfo:
    """A zone by its offset (`+09:00`, `UTC-5`) or name (`Asia/Tokyo`). Raises Broken where it is none."""
    value = text.strip()
    if value.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if match := _OFFSET.fullmatch(value):
        offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
        if offset <= timedelta(hours=14):
            return timezone(-offset if match["sign"] == "-" else offset)
    else:
        try:
            return ZoneInfo(value)
        except (OSError, ValueError, KeyError):  # no such name, or none that may be one
            pass
    raise Broken("--zone", f"{value[:40]!r} is no zone", "write +09:00 or a name such as Asia/Tokyo")


class Clock:
    """Turns local times into UTC. `known`: it knows how; `words`: by what, for a note."""

    def __init__(self, zone: str | None = None, evidence: Iterable[tuple[int, int]] = ()) -> None:
        self._zone = zone_of(zone) if zone else None
        found = [] if self._zone else _offsets(evidence)
        self._times = [local for local, _ in found]
        self._offsets = [offset for _, offset in found]
        self.known = bool(self._zone or found)
        self.words = zone if zone else ", ".join(_word(offset) for offset in sorted(set(self._offsets)))

    def utc(self, local: int) -> int:
        """Seconds since 1970 UTC; as it stands where no zone is known."""
        if self._zone is not None:
            return int(datetime.fromtimestamp(local, UTC).replace(tzinfo=self._zone).timestamp())
        if not self._times:
            return local
        at = bisect_left(self._times, local)
        if at == len(self._times) or (at and local - self._times[at - 1] <= self._times[at] - local):
            at -= 1
        return local - self._offsets[at]


def told(clock: Clock, what: str) -> str:
    """A note on local times (`what`, such as "times without a zone"): how they were read, and what to say where that is wrong."""
    return f"{what} were read as of the zone {clock.words}" if clock.known else f"{what} were read as UTC: say --zone where that is wrong"


def _offsets(evidence: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """(local time, offset), sorted; without pairs that are far from every offset there is, or of an offset that hardly any other has (mail that waited)."""
    found = []
    for local, utc in evidence:
        offset = max((known for known in _OFFSETS if known <= local - utc + 2), default=_OFFSETS[0])  # what is on its way comes later, never sooner
        if 0 <= local - utc + 2 - offset <= _SLACK:
            found.append((local, offset))
    counts = Counter(offset for _, offset in found)
    return sorted((local, offset) for local, offset in found if counts[offset] * 10 >= len(found))


def _word(offset: int) -> str:
    return f"{'-' if offset < 0 else '+'}{abs(offset) // _HOUR:02}:{abs(offset) % _HOUR // 60:02}"
