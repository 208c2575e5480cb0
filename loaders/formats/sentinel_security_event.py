r"""Windows logons as Microsoft Sentinel (Log Analytics) exports them: the table SecurityEvent, CSV (formats.md 6).

Claims a header with TimeGenerated, EventID and Computer, and one of TargetUserName, Account, LogonType.

Yields what windows_evtx says of the same events; the key is computer, channel and EventRecordId where that column is there, else the
EventOriginId, else a hash of the row.

Traps: the time column ends in ` [UTC]` and may be US text; rows stand newest first as a rule. `Account` is `DOMAIN\name` and stands in
where TargetUserName is empty. A table cut at 10,000, 30,000 or 50,000 rows was capped by the portal.
"""

from __future__ import annotations

from typing import Any

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.windows import WANTED, Event, Logons, int_of

NAME = "sentinel_security_event"
TITLE = "Windows logons CSV, Microsoft Sentinel (SecurityEvent)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_FIELDS = (
    "TargetUserName", "TargetDomainName", "TargetUserSid", "TargetLogonId", "TargetServerName", "TargetSid", "SubjectUserName", "SubjectDomainName",
    "SubjectUserSid", "SubjectLogonId", "LogonType", "IpAddress", "WorkstationName", "Workstation", "Status", "SubStatus", "LogonGuid",
)  # fmt: skip
_COLUMNS = tuple((name, name.casefold()) for name in _FIELDS)
_LIMITS = frozenset((1_000, 5_000, 10_000, 30_000, 50_000))


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    if {"timegenerated", "eventid", "computer"} <= header and header & {"targetusername", "account", "logontype"}:
        return Claim(8, "columns of Sentinel's SecurityEvent")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out, dates=("timegenerated",))
    table.require("timegenerated", "eventid", "computer")
    logons = Logons(out)
    for row in table:
        number = int_of(row["eventid"])
        if number is None:
            out.refuse(row.at("eventid"), row.raw("eventid"), "not an event id")
        elif number not in WANTED:
            logons.others += 1
        else:
            logons.take(_event(row, number))
    if out.records in _LIMITS:
        out.note(f"{out.records:,} rows: the portal cuts exports there, what it lacks is unknown")
    logons.finish("as many rows as the portal exports: it was cut" if out.records in _LIMITS else None)


def _event(row: Row, number: int) -> Event:
    data: dict[str, Any] = {name: text for name, column in _COLUMNS if (text := row.get(column))}
    for prefix, column in (("Target", "targetaccount"), ("Target", "account"), ("Subject", "subjectaccount")):
        if f"{prefix}UserName" not in data and (text := row.get(column)):
            # Of 4648 and 4672 `Account` is who did it, not whose credentials were used.
            role = "Subject" if column == "account" and number in (4648, 4672, 1102) else prefix
            domain, _, name = text.rpartition("\\")
            data.setdefault(f"{role}UserName", name)
            data.setdefault(f"{role}DomainName", domain)
    record = row.first("eventrecordid", "eventoriginid")
    return Event(
        at=row.date("timegenerated"), id=number, computer=row["computer"], channel=row.get("channel") or "Security", record=record, data=data,
        place=row.place,
    )  # fmt: skip
