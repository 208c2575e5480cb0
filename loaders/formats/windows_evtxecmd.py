"""Windows events CSV of EvtxECmd (Eric Zimmerman's tools).

Claims a header with EventRecordId, TimeCreated, EventId, Channel, Computer and Payload.

Yields what windows_evtx says of the same events, under the same keys (Computer, Channel, EventRecordId), so that both count once.

Traps: the fields are in Payload, as JSON; PayloadData1 to 6 are its summary by EvtxECmd's maps and are not read. TimeCreated is UTC without a
zone. A Payload that was cut (spreadsheets keep 32,767 characters) is refused.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.evtxecmd import of_columns
from loaders.reading import Table, header_of
from loaders.windows import WANTED, Logons
from loaders.windows_words import int_of

NAME = "windows_evtxecmd"
TITLE = "Windows events CSV, EvtxECmd"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_NAMES = ("EventRecordId", "TimeCreated", "EventId", "Channel", "Computer", "Payload", "UserId", "Keywords")
_COLUMNS = tuple((name, name.casefold()) for name in _NAMES)
_REQUIRED = frozenset(column for _, column in _COLUMNS[:6])
_WHOLE = ("}", "")


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    return Claim(8, "columns of EvtxECmd") if header_of(source) >= _REQUIRED else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out, dates=("timecreated",))
    table.require(*_REQUIRED)
    logons = Logons(out)
    for row in table:
        number = int_of(row["eventid"])
        if number is not None and number not in WANTED:
            logons.others += 1
            continue
        event = of_columns({name: row.get(column) for name, column in _COLUMNS}, row.place, options.now, row.date("timecreated"))
        if event is None:
            out.refuse(row.at("eventid"), row.raw("eventid"), "not an event id")
        elif row["payload"][-1:] not in _WHOLE:
            out.refuse(row.at("payload"), f"event {number}", "the event's fields are cut: export again, do not save from a spreadsheet")
        else:
            logons.take(event)
    logons.finish()
