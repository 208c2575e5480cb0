"""Windows events as Kibana's Discover exports them, CSV: Winlogbeat's or the Elastic agent's fields as columns (formats.md 6).

Claims a header with `@timestamp`, `winlog.computer_name`, and `winlog.event_id` or `event.code`.

Yields what windows_winlogbeat says of the same events, under the same keys (computer, channel, `winlog.record_id`), as far as their columns were chosen.

Traps: only the columns that were picked are in the file: without `winlog.event_data.TargetUserName` a logon names nobody. Times like
`Mar 22, 2026 @ 08:00:00.250` are in the time zone of the browser (--zone, else UTC); ISO times have theirs. `-` and `(empty)` are nothing.
"""

from __future__ import annotations

import re
from typing import Any

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.windows import WANTED, Event, Logons
from loaders.windows_record import moment
from loaders.windows_words import int_of
from loaders.zones import Clock, told

NAME = "windows_kibana_csv"
TITLE = "Windows events CSV, Kibana (Winlogbeat, Elastic agent)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_FIELDS = (
    "TargetUserName", "TargetDomainName", "TargetUserSid", "TargetLogonId", "TargetServerName", "TargetSid", "SubjectUserName", "SubjectDomainName",
    "SubjectUserSid", "SubjectLogonId", "LogonType", "IpAddress", "WorkstationName", "Workstation", "Status", "SubStatus", "ServiceName", "ShareName",
)  # fmt: skip
_COLUMNS = tuple((name, f"winlog.event_data.{name.casefold()}") for name in _FIELDS)
_IDS = ("winlog.event_id", "event.code")
_SHOWN = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}) @ (\d\d:\d\d:\d\d)(\.\d+)?")
_NOTHING = ("-", "(empty)")


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    known = {"@timestamp", "winlog.computer_name"} <= header and not header.isdisjoint(_IDS)
    return Claim(8, "Winlogbeat's fields as columns") if known else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out)
    table.require("@timestamp", "winlog.computer_name")
    logons, clock, local = Logons(out), Clock(options.zone), 0
    for row in table:
        number = int_of(row.first(*_IDS).replace(",", ""))
        if number is None:
            out.refuse(row.place, row.first(*_IDS), "not an event id")
        elif number not in WANTED:
            logons.others += 1
        else:
            at, zoned = _time(row["@timestamp"], options.now)
            if not zoned and at is not None:
                local, at = local + 1, clock.utc(at)
            logons.take(_event(row, number, at))
    if local:
        out.note(f"{local:,} records have the local time of the browser that exported them; {told(clock, 'these times')}")
    if not table.has("winlog.event_data.targetusername"):
        out.note("the export lacks the column winlog.event_data.TargetUserName: logons name nobody; export with it")
    logons.finish()


def _event(row: Row, number: int, at: int | None) -> Event:
    data: dict[str, Any] = {name: text for name, column in _COLUMNS if (text := row.get(column)) and text not in _NOTHING}
    return Event(
        at=at, id=number, computer=row["winlog.computer_name"], channel=row.get("winlog.channel") or "Security",
        record=row.get("winlog.record_id").replace(",", ""), data=data, place=row.place,
    )  # fmt: skip


def _time(text: str, now: int | None) -> tuple[int | None, bool]:
    """(seconds, whether the zone is known)."""
    shown = _SHOWN.fullmatch(text)
    return (moment(f"{shown[2]} {shown[1]} {shown[3]} {shown[4]} +0000", now), False) if shown else (moment(text, now), True)
