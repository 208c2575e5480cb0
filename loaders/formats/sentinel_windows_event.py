"""Windows events as Microsoft Sentinel (Log Analytics) keeps forwarded ones: the table WindowsEvent, CSV (formats.md 6).

Claims a header with TimeGenerated, EventID, Computer, Channel and EventData.

Yields what windows_evtx says of the same events, under the same keys (Computer, Channel, EventRecordId), so that both count once.

Traps: the event's fields are in EventData, as JSON. The time column ends in ` [UTC]` and may be US text. Computer is the one that wrote the event;
the collector is in `_ResourceId`. A table cut at 10,000, 30,000 or 50,000 rows was capped by the portal.
"""

from __future__ import annotations

from typing import Any

import orjson

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.windows import WANTED, Event, Logons
from loaders.windows_changes import known
from loaders.windows_record import named
from loaders.windows_words import int_of

NAME = "sentinel_windows_event"
TITLE = "Windows events CSV, Microsoft Sentinel (WindowsEvent)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_REQUIRED = frozenset(("timegenerated", "eventid", "computer", "channel", "eventdata"))
_LIMITS = frozenset((10_000, 30_000, 50_000))


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    # The table SecurityEvent has the fields as columns beside EventData.
    return Claim(8, "columns of Sentinel's WindowsEvent") if header >= _REQUIRED and header.isdisjoint(("targetusername", "account", "logontype")) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out, dates=("timegenerated",))
    table.require(*_REQUIRED)
    logons = Logons(out)
    for row in table:
        number = int_of(row["eventid"])
        if number is None:
            out.refuse(row.at("eventid"), row.raw("eventid"), "not an event id")
        elif number not in WANTED:
            logons.others += 1
        elif (data := _fields(row)) is None:
            out.refuse(row.at("eventdata"), f"event {number}", "not the event's fields as JSON: they are cut, or were exported otherwise")
        else:
            logons.take(
                Event(
                    at=row.date("timegenerated"), id=number, computer=row["computer"], channel=row["channel"], record=row.first("eventrecordid", "recordid"),
                    data=known(number, data, row.get("systemuserid") or None, row.get("keywords") or None), place=row.place,
                )  # fmt: skip
            )
    if out.records in _LIMITS:
        out.note(f"{out.records:,} rows: the portal cuts exports there, what it lacks is unknown")
    logons.finish("as many rows as the portal exports: it was cut" if out.records in _LIMITS else None)


def _fields(row: Row) -> dict[str, Any] | None:
    try:
        found = orjson.loads(row.raw("eventdata") or "{}")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    inner = found.get("Data")
    return named(inner) if isinstance(inner, list) else found
