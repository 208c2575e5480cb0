"""EmailEvents of Microsoft Defender XDR and Sentinel, and what the portal's Explorer exports: a row for each message and recipient (formats.md 2).

Claims the names `InternetMessageId`, `RecipientEmailAddress` and `SenderFromAddress`, in a header or in objects (a list, one a line,
`{"results": […]}`); and Explorer's header `Internet message ID`, `Recipients`, `Sender address`, `Delivery action` (Threat Explorer, Real-time
detections: "Export email list").

Yields what a message trace does: Message (`InternetMessageId`, `EmailSize`), SENT_BY (`SenderMailFromAddress`, `SenderFromAddress`), ADDRESSED_TO
(`RecipientEmailAddress`; `delivered` where `DeliveryAction` is Delivered or Junked), and the Mailbox of a recipient to whose folder it was delivered.

Traps: `DeliveryAction` Blocked is quarantined, failed or dropped by `DeliveryLocation`; mail that went outside is delivered to the next server. Explorer
tells two locations: the original one counts, for the latest is where somebody moved the message afterwards. Its date column names its zone
(`Email date (UTC)`, `Email date (UTC-07:00)`); a cell may hold several recipients. The portal's table writes `Nov 25, 2023 4:05:06 PM`, the time zone
of the portal's settings; the API and Sentinel write UTC. Results stop at 10,000, 30,000, 100,000 or (Explorer) 200,000 rows. Subjects are not read.
Documented at learn.microsoft.com, Defender XDR, "EmailEvents"; Defender for Office 365, "About Threat Explorer".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.jsonrow import JsonRow
from loaders.reading import Row, Table, header_of
from loaders.trace import Trace, recipients
from loaders.trace_records import records, sample
from loaders.zones import Clock

NAME = "defender_email_events"
TITLE = "EmailEvents (Defender XDR, Sentinel; CSV, JSON), Threat Explorer CSV"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "messages, senders, recipients, delivery, mailboxes"

_NEEDED = frozenset(("internetmessageid", "recipientemailaddress", "senderfromaddress"))
_EXPLORER = frozenset(("sender address", "delivery action"))
_ID, _TO, _FROM = ("internetmessageid", "internet message id"), ("recipientemailaddress", "recipients", "recipient"), ("senderfromaddress", "sender address")
_WHERE = ("deliverylocation", "original delivery location", "delivery location", "latest delivery location")
_TIMES = ("timestamp", "timegenerated")
_DATE = re.compile(r"(?:email )?date(?: \((?P<zone>utc(?:[+-]\d\d:\d\d)?)\))?")
_CAPS = (10_000, 30_000, 100_000, 200_000)
_IN_MAILBOX = ("inbox", "junk", "deleted")
_NOT_DELIVERED = {"quarantine": "quarantined", "failed": "failed", "dropped": "failed"}


def detect(source: Source) -> Claim | None:
    """Claim by the names."""
    if any({name.casefold() for name in record} >= _NEEDED for record in sample(source, 3)):
        return Claim(8, "records of EmailEvents")
    header = header_of(source)
    if header >= _EXPLORER and not header.isdisjoint(_TO):
        return Claim(8, "columns of Explorer's email list")
    return Claim(8, "columns of EmailEvents") if header >= _NEEDED else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    reader, before = _Reader(out, options), out.records
    for row in _rows(source, options, out, reader):
        reader.row(row)
    reader.trace.finish(out.records - before in _CAPS)


def _rows(source: Source, options: Options, out: FactBuffer, reader: _Reader) -> Iterator[Row | JsonRow]:
    if sample(source, 1):
        yield from (JsonRow(record, place, options) for place, record in records(source, out))
        return
    dated = [name for name in header_of(source) if _DATE.fullmatch(name)]
    table = Table(source, options, out, dates=(*_TIMES, *dated))
    for names in (_ID, _TO, _FROM, (*_TIMES, *dated)):
        if not any(table.has(name) for name in names):
            table.require(names[1] if names in (_ID, _FROM) and header_of(source) >= _EXPLORER else names[0])
    reader.dated_by(dated)
    yield from table


class _Reader:
    """States rows in `out`."""

    def __init__(self, out: FactBuffer, options: Options) -> None:
        self.trace = Trace(out, options.now)
        self._out, self._mailboxes = out, set[str]()
        self._times: tuple[str, ...] = _TIMES
        self._clock: Clock | None = None

    def dated_by(self, names: list[str]) -> None:
        """The columns in which Explorer tells the time, in the zone that their name tells."""
        self._times = (*_TIMES, *names)
        zones = [match["zone"] for name in names if (match := _DATE.fullmatch(name)) and match["zone"]]
        self._clock = Clock(zones[0]) if zones else None

    def row(self, row: Row | JsonRow) -> None:
        """One message and its recipient, or recipients."""
        out, key = self._out, identity.message_key(row.first(*_ID), None)
        good, bad = recipients(re.split("[;,]", row.first(*_TO)))
        if key is None or bad or not good:
            why = "no message id" if key is None else "the recipient is not an address"
            out.refuse(row.place, row.first(*_TO) if key is None or not bad else bad[0], why)
        if key is None or not good:
            return
        action, where, at = row.first("deliveryaction", "delivery action").casefold(), row.first(*_WHERE).casefold(), row.date(*self._times)
        at = self._clock.utc(at) if self._clock and at is not None else at
        envelope = row.first("sendermailfromaddress", "sender mail from address")
        self.trace.message(key, row.place, at=at, sender=envelope, header_from=row.first(*_FROM), size=row.first("emailsize", "size"))
        delivered = action in ("delivered", "junked", "replaced", "delivered to junk")
        status = "delivered" if delivered else next((word for start, word in _NOT_DELIVERED.items() if where.startswith(start)), "failed" if action == "blocked" else "")
        for to in good:
            self.trace.recipient(key, to, status, at, row.place)
            if delivered and where.startswith(_IN_MAILBOX) and to not in self._mailboxes:
                self._mailboxes.add(to)
                mailbox = ("Mailbox", identity.mailbox_key(to))
                out.node("Mailbox", mailbox[1], row.place, address=to, basis="delivery log")
                out.edge("HAS_ADDRESS", mailbox, ("Correspondent", identity.smtp_key(to)), row.place, type="primary")
