"""Windows events as NXLog ships them, flat JSON: an object a line or an array; also in a zip, as the Mordor data sets are kept (formats.md 6).

Claims records with `EventID`, `Hostname` and one of `Channel`, `SourceModuleType`, `SourceName`.

Yields what windows_evtx says of the same events, under the same keys (Hostname, Channel, `RecordNumber`).

Traps: `EventTime` is the computer's local time without a zone; `@timestamp` (UTC, when the collector took it, a few seconds later) is taken
where there is one. Without it EventTime is read as UTC, and told so. `host` is the collector. EventID and LogonType are numbers or texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.jsonlog import Record, batches, records, sample
from loaders.trace import moment
from loaders.windows import WANTED, Event, Logons
from loaders.windows_gathered import Gathered
from loaders.windows_layout import Layout, layout_of
from loaders.windows_words import int_of
from loaders.zones import Clock, told

NAME = "windows_nxlog"
TITLE = "Windows events JSON, NXLog (also Mordor data sets)"
PRIORITY = "should"
SEEN = "real sample"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_ENVELOPES = ("events", "Events")
_TIMES = ("@timestamp", "EventTime", "TimeCreated")
_LAYOUT = Layout("EventID", "Hostname", "Channel", ("RecordNumber", "EventRecordID"), _TIMES, _ENVELOPES)
_ZONED = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")


def detect(source: Source) -> Claim | None:
    """Claim by the first records' fields."""
    found = sample(source, _ENVELOPES)
    return Claim(7, "events of NXLog") if found and any(_is_event(record) for record in found) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read many records at once where they stand a line each, else one by one."""
    reader = _Reader(Logons(out), options)
    layout = layout_of(source, _LAYOUT)
    many = batches(source, out, _ENVELOPES) if layout else None
    if layout and many is not None:
        from loaders.windows_spans import Spans  # noqa: PLC0415 -- compiled code, which only large files need

        spans = Spans(reader.logons, layout, reader.moment, reader.one, options.now)
        spans.take(many)
        reader.tell(spans.local)
        spans.finish()
        return
    gathered = Gathered(reader.logons)
    for place, record in records(source, out, _ENVELOPES):
        reader.one(place, record, gathered.take)
    reader.tell(0)
    gathered.finish()


class _Reader:
    def __init__(self, logons: Logons, options: Options) -> None:
        self.logons, self._now, self._clock = logons, options.now, Clock(options.zone)
        self._local = 0

    def one(self, place: str, record: Record, take: Callable[[Event], None]) -> None:
        """One record."""
        number = int_of(record.get("EventID"))
        if number is None:
            self.logons.out.refuse(place, "", "no event of Windows")
        elif number not in WANTED:
            self.logons.others += 1
        else:
            at, zoned = self.moment(record)
            self._local += at is not None and not zoned
            take(
                Event(
                    at=at, id=number, computer=_text(record.get("Hostname")), channel=_text(record.get("Channel")),
                    record=str(record.get("RecordNumber") or record.get("EventRecordID") or ""), data=record, place=place,
                )  # fmt: skip
            )

    def moment(self, record: Record) -> tuple[int | None, bool]:
        """(seconds, whether the record tells its zone) by the first of the times that is good."""
        for name in _TIMES:
            value = record.get(name)
            if not isinstance(value, str):
                continue
            try:
                at = moment(value, self._now)
            except dates.BadDate:
                continue
            zoned = name == _TIMES[0] or bool(_ZONED.search(value.strip()))
            return at if zoned else self._clock.utc(at), zoned
        return None, True

    def tell(self, others: int) -> None:
        """Note how many records have no zone, with so many that were read otherwise."""
        if local := self._local + others:
            self.logons.out.note(f"{local:,} records have only the computer's local time (EventTime); {told(self._clock, 'these times')}")


def _is_event(record: Record) -> bool:
    return {"EventID", "Hostname"} <= record.keys() and bool(record.keys() & {"Channel", "SourceModuleType", "SourceName"})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
