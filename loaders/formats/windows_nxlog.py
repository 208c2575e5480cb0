"""Windows events as NXLog ships them, flat JSON: an object a line or an array; also in a zip, as the Mordor data sets are kept (formats.md 6).

Claims records with `EventID`, `Hostname` and one of `Channel`, `SourceModuleType`, `SourceName`.

Yields what windows_evtx says of the same events, under the same keys (Hostname, Channel, `RecordNumber`).

Traps: `EventTime` is the computer's local time without a zone; `@timestamp` (UTC, when the collector took it, a few seconds later) is taken
where there is one. Without it EventTime is read as UTC, and told so. `host` is the collector. EventID and LogonType are numbers or texts.
"""

from __future__ import annotations

import re
from typing import Any

from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.jsonlog import Record, records, sample
from loaders.trace import moment
from loaders.windows import WANTED, Event, Logons
from loaders.windows_gathered import Gathered
from loaders.windows_words import int_of
from loaders.zones import Clock, told

NAME = "windows_nxlog"
TITLE = "Windows events JSON, NXLog (also Mordor data sets)"
PRIORITY = "should"
SEEN = "real sample"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_ENVELOPES = ("events", "Events")
_TIMES = ("@timestamp", "EventTime", "TimeCreated")
_ZONED = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")


def detect(source: Source) -> Claim | None:
    """Claim by the first records' fields."""
    found = sample(source, _ENVELOPES)
    return Claim(7, "events of NXLog") if found and any(_is_event(record) for record in found) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read record by record."""
    logons = Gathered(states := Logons(out))
    clock, local = Clock(options.zone), 0
    for place, record in records(source, out, _ENVELOPES):
        number = int_of(record.get("EventID"))
        if number is None:
            out.refuse(place, "", "no event of Windows")
        elif number not in WANTED:
            states.others += 1
        else:
            at, zoned = _moment(record, options.now)
            if not zoned and at is not None:
                local, at = local + 1, clock.utc(at)
            logons.take(
                Event(
                    at=at, id=number, computer=_text(record.get("Hostname")), channel=_text(record.get("Channel")),
                    record=str(record.get("RecordNumber") or record.get("EventRecordID") or ""), data=record, place=place,
                )  # fmt: skip
            )
    if local:
        out.note(f"{local:,} records have only the computer's local time (EventTime); {told(clock, 'these times')}")
    logons.finish()


def _is_event(record: Record) -> bool:
    return {"EventID", "Hostname"} <= record.keys() and bool(record.keys() & {"Channel", "SourceModuleType", "SourceName"})


def _moment(record: Record, now: int | None) -> tuple[int | None, bool]:
    """(seconds, whether the zone is known) by the first of the times that is good."""
    for name in _TIMES:
        value = record.get(name)
        if not isinstance(value, str):
            continue
        try:
            return moment(value, now), name == "@timestamp" or bool(_ZONED.search(value.strip()))
        except dates.BadDate:
            continue
    return None, True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
