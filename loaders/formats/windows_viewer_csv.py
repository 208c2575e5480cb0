r"""Windows events as text, CSV: Event Viewer's "Save All Events As", English or Japanese; and `Get-WinEvent`, `Get-EventLog | Export-Csv`.

Claims `Keywords` or `Level` (キーワード, レベル), `Date and Time`, `Source`, `Event ID`, `Task Category`; or `Id`, `TimeCreated`, `Message`;
or `EventID`, `TimeGenerated`, `Message`, without the TenantId of Sentinel's tables.

Yields what windows_evtx says of the logons in it (4624, 4625, 4634, 4647, 4648, 4672, 4768, 4776, 1102, remote desktop), by the description.

Traps: Event Viewer's rows have one cell more than its header, the description. It names no computer: the one whose own account (`NAME$`, logon
id 0x3e7) stands as subject is taken, where it is one; of forwarded events of several only the records that name theirs. Else save the log as
EVTX or XML. Times are the viewer's local time: --zone says which, else they are read as UTC. SIDs are shown as names: accounts are known by
`DOMAIN\name`. A description in another language is refused.
"""

from __future__ import annotations

import re
from collections import Counter

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.windows import DESKTOP, SECURITY, Event, Logons
from loaders.windows_text import fields, own_name
from loaders.windows_words import int_of
from loaders.zones import Clock, told

NAME = "windows_viewer_csv"
TITLE = "Windows events CSV, Event Viewer or Get-WinEvent"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_TIMES = ("date and time", "日付と時刻", "timecreated", "timegenerated")
_IDS = ("event id", "イベント id", "id", "eventid")
_SOURCES = ("logname", "source", "ソース", "providername")
_SHAPES = (
    frozenset(("date and time", "source", "event id", "task category")), frozenset(("日付と時刻", "ソース", "イベント id", "タスクのカテゴリ")),
    frozenset(("message", "id", "timecreated")), frozenset(("message", "eventid", "timegenerated")),
)  # fmt: skip
_ZONED = re.compile(r"(Z|[+-]\d{2}:?\d{2}|/Date\(-?\d+\)\\?/)$")
_WANTED = SECURITY | DESKTOP
_CLEARED = 1102
_ADVICE = "save the log as EVTX or XML"


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    ours = any(shape <= header for shape in _SHAPES) and "tenantid" not in header
    return Claim(7, "columns of Event Viewer or Get-WinEvent") if ours else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read row by row, after a first pass for the computer where the columns do not name it."""
    unnamed = () if "message" in header_of(source) else ("message",)
    table = Table(source, options, out, dates=_TIMES, unnamed=unnamed)
    own = "" if table.has("machinename") else _computer(table)
    logons, clock, local = Logons(out), Clock(options.zone), False
    for row in table:
        number = int_of(row.first(*_IDS))
        if number is None:
            out.refuse(row.place, row.first(*_IDS), "not an event id")
        elif number not in _WANTED:
            logons.others += 1
        else:
            local |= not _ZONED.search(row.first(*_TIMES))
            _take(row, number, own, logons, clock)
    if own:
        out.note(f"the columns name no computer: {own}, whose own account stands in the records")
    if local:
        out.note(told(clock, "the local times of the computer that saved them"))
    logons.finish()


def _take(row: Row, number: int, own: str, logons: Logons, clock: Clock) -> None:
    data = fields(number, row.raw("message"))
    computer = row.get("machinename") or own_name(data) or own
    if not data and number != _CLEARED:
        logons.out.refuse(row.place, f"event {number}", f"its description is empty or in a language not read here: {_ADVICE}")
    elif not computer:
        logons.out.refuse(row.place, f"event {number}", f"nothing names the computer, or the log is of several: {_ADVICE}")
    else:
        log, at = row.first(*_SOURCES), row.date(*_TIMES)
        at = at if at is None or _ZONED.search(row.first(*_TIMES)) else clock.utc(at)
        channel = "Security" if log.casefold() in ("security", "microsoft-windows-security-auditing", "microsoft-windows-eventlog", "eventlog") else log
        logons.take(Event(at=at, id=number, computer=computer, channel=channel, record=row.get("recordid"), data=dict(data), place=row.place))


def _computer(table: Table) -> str:
    """The computer whose own account stands in the records; "" where none does, or those of several (forwarded events)."""
    names = Counter(own_name(fields(number, row.raw("message"))) for row in table.peek() if (number := int_of(row.first(*_IDS))) in SECURITY)
    names.pop("", None)
    return next(iter(names)) if len({name.casefold() for name in names}) == 1 else ""
