"""Get-MessageTrackingLog CSV: the events of an Exchange server's message tracking, as Export-Csv writes them (formats.md 2).

Claims a header with `Timestamp`, `EventId`, `Sender` and `Recipients` (the cmdlet's names of what the log itself calls `date-time`,
`event-id` …), also where a list was asked for as a script and the column goes by its text (` $_.Recipients `).

Yields what msgtrk does of the log itself (loaders/tracking.py): Message, SENT_BY, ADDRESSED_TO, Mailbox, members of groups as they were
expanded, aliases, forwardings, rules that fired.

Traps: `Recipients`, `Reference` and `EventData` are lists, of which Export-Csv writes only `System.String[]`: such a row names no recipient and is
refused, with advice; joined by `;`, `,` or spaces they are read. `Timestamp` is the local time of the computer that ran the cmdlet, without a zone,
in the order of day and month of its culture: --zone tells which, else `MessageInfo`, which for DELIVER and SEND begins with the time in UTC at which
the message came in; without either it is taken as UTC, and a note says so. -ResultSize is 1,000 by default: a file of so many rows is capped. Subjects
are not read. Documented at learn.microsoft.com, Exchange, "Get-MessageTrackingLog".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of, is_type_name
from loaders.tracking import Event, Tracking
from loaders.zones import Clock

NAME = "get_message_tracking_log"
TITLE = "Get-MessageTrackingLog CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "messages, senders, recipients, delivery, mailboxes, group members, aliases, forwardings, rules that fired"

_NEEDED = ("timestamp", "eventid", "messageid", "recipients", "sender")
_KNOWN_BY = frozenset(("timestamp", "eventid", "recipients", "sender"))
_LISTS = ("recipients", "relatedrecipientaddress", "reference")
_CAP = 1000
_CAME_IN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z(?=;|$)")


def detect(source: Source) -> Claim | None:
    """Claim a header with the cmdlet's names."""
    return Claim(7, "header of Get-MessageTrackingLog") if header_of(source) >= _KNOWN_BY else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one. Raises Broken where a column that is needed is missing."""
    table = Table(source, options, out, dates=("timestamp",))
    table.require(*_NEEDED)
    clock = Clock(options.zone, () if options.zone else _evidence(source, options))
    tracking, before, lists = Tracking(out, "msgtrk", options.now), out.records, 0  # the log itself says the same events
    for row in table:
        local = row.date("timestamp")
        at = clock.utc(local) if local is not None else None
        if at is None and row["timestamp"]:
            out.refuse(row.at("timestamp"), row["timestamp"], "no date that can be believed")
        elif not tracking.passes_over(row["eventid"], at):
            lists += is_type_name(row.raw("recipients"))
            tracking.event(_event(row, at))
    if lists:
        advice = "export with Select-Object …,@{n='Recipients';e={$_.Recipients -join ';'}}"
        out.note(f"{lists:,} {'row' if lists == 1 else 'rows'} in which Recipients is a list that Export-Csv did not write: {advice}")
    if clock.known:
        out.note(f"Timestamp is local time, {clock.words}" + ("" if options.zone else ", as MessageInfo shows"))
    else:
        out.note("Timestamp is local time; it is read as UTC: say --zone where that is wrong")
    capped = out.records - before == _CAP
    tracking.finish(note="as many rows as the cmdlet returns by default: there may be more events" if capped else None)


def _evidence(source: Source, options: Options) -> Iterator[tuple[int, int]]:
    """(local time, UTC) of events whose MessageInfo tells when the message came in."""
    table = Table(source, options, FactBuffer(), dates=("timestamp",))
    if not table.has("messageinfo"):
        return
    for row in table:
        if (match := _CAME_IN.match(row["messageinfo"])) and (local := row.date("timestamp")) is not None:
            with suppress(dates.BadDate):
                yield local, dates.moment(match[0])


def _event(row: Row, at: int | None) -> Event:
    to, related, reference = (row.list(column) for column in _LISTS)
    return Event(
        row.place, at, row.get("source"), row["eventid"], row.get("internalmessageid"), row["messageid"], to, related, reference, row["sender"],
        row.get("totalbytes"),
    )  # fmt: skip
