"""Message trace CSV of Exchange Online: who sent which message to whom, and whether it was delivered (formats.md 2).

Claims three headers:
- Get-MessageTrace, Get-MessageTraceV2 and Microsoft-Extractor-Suite's `*-MTL.csv`: one row a recipient (`Received`,
  `SenderAddress`, `RecipientAddress`, `MessageId`, `Status`);
- enhanced summary: one row a message (`origin_timestamp_utc`, `sender_address`, `recipient_status`
  `a@x##Receive, Deliver;b@y##Receive, Fail`, `message_id`);
- extended: one row an event (`date_time_utc`, `sender_address`, `recipient_address`, `event_id`, `message_id`).

Yields Message (size, time received), SENT_BY (role from), ADDRESSED_TO (role envelope, status; `delivered` only where the trace says
so). A message has many rows (groups, forwarding, events): one fact a message and recipient, delivery before anything else.

Traps: times have no zone and are UTC; day and month are never guessed. Shadow copies (HA…), health probes and the submission
events are passed over. Exactly 1,000, 5,000, 10,000 or 50,000 rows mean that the export was cut. Subjects are not read. The pairs of
message and recipient are held in memory while reading (about 300 bytes each).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from graphmodel import identity
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Tally

NAME = "message_trace"
TITLE = "Message trace CSV (Get-MessageTrace, enhanced summary, extended)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "messages, senders, recipients, delivery"

_TIMES = ("received", "origin_timestamp_utc", "origin_timestamp", "date_time_utc", "date_time")
_PLAIN = ("senderaddress", "recipientaddress", "messageid")
_SUMMARY = ("sender_address", "recipient_status", "message_id")
_EXTENDED = ("sender_address", "recipient_address", "message_id", "event_id")
_CAPS = (1000, 5000, 10_000, 50_000)
_PASSED_OVER = ("ha", "notifymapi", "submit", "submitdefer", "submitfail")
# The last word of a recipient's history, as the status is written in ADDRESSED_TO.
_STATUS = {"deliver": "delivered", "send": "delivered", "fail": "failed", "expand": "expanded", "quarantine": "quarantined",
           "receive": "received", "defer": "pending", "spam": "filteredasspam"}  # fmt: skip

Recipient = tuple[str, str]
"""(address as written, status)."""


def detect(source: Source) -> Claim | None:
    """Claim one of the three headers."""
    header = header_of(source)
    if {"senderaddress", "recipientaddress"} <= header and header & {"received", "messageid", "messagetraceid"}:
        return Claim(7, "header of Get-MessageTrace")
    if set(_EXTENDED) <= header and header & {"date_time", "date_time_utc"}:
        return Claim(8, "header of an extended message trace")
    if {"sender_address", "recipient_status"} <= header and header & {"origin_timestamp", "origin_timestamp_utc"}:
        return Claim(8, "header of an enhanced summary message trace")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read all rows, then state the recipients. Raises Broken where day and month cannot be told apart."""
    table = Table(source, options, out, dates=_TIMES)
    recipients = _shape(table)
    if not any(table.has(column) for column in _TIMES):
        table.require("received")
    if table.ambiguous_dates:
        raise Broken("dates", "they could be day/month or month/day, and none of the file tells which", "say --date-order dmy or mdy")
    trace, before = _Trace(out), out.records
    for row in table:
        trace.row(row, recipients)
    trace.finish(out.records - before in _CAPS)


def _shape(table: Table) -> Callable[[Row], Iterator[Recipient]]:
    """How the recipients of a row are written in this file. Raises Broken when a column is missing."""
    if table.has("senderaddress"):
        table.require(*_PLAIN)
        return _plain
    if table.has("recipient_address"):
        table.require(*_EXTENDED)
        return _extended
    table.require(*_SUMMARY)
    return _summary


def _plain(row: Row) -> Iterator[Recipient]:
    yield row["recipientaddress"], row.get("status").casefold()


def _summary(row: Row) -> Iterator[Recipient]:
    for item in row["recipient_status"].split(";"):
        address, _, history = item.partition("##")
        events = [event.strip().casefold() for event in history.split(",") if event.strip()]
        delivered = next((event for event in events if event in ("deliver", "send")), None)
        last = delivered or (events[-1] if events else "")
        if address.strip():
            yield address, _STATUS.get(last, last)


def _extended(row: Row) -> Iterator[Recipient]:
    event = row["event_id"].casefold()
    for address in row["recipient_address"].split(";"):
        if address.strip():
            yield address, _STATUS.get(event, event)


@dataclass(slots=True)
class _Seen:
    place: str
    status: str
    delivered: int | None


class _Trace:
    def __init__(self, out: FactBuffer) -> None:
        self._out, self._tally = out, Tally()
        self._messages: dict[str, str | None] = {}  # key -> sender
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._first: int | None = None
        self._last: int | None = None

    def row(self, row: Row, recipients: Callable[[Row], Iterator[Recipient]]) -> None:
        """Take note of one row."""
        event = row.get("event_id").casefold()
        if event.startswith(_PASSED_OVER):
            self._tally.add("about shadow copies or submission, passed over")
            return
        message = identity.message_key(row.first("messageid", "message_id"), None)
        if message is None:
            self._out.refuse(row.place, "", "no message id")
            return
        found = [(identity.address(text), text.strip(), status) for text, status in recipients(row)]
        bad = [text for address, text, _ in found if address is None]
        if bad or not found:
            self._out.refuse(row.place, "; ".join(bad), "the recipient is not an address" if bad else "no recipient")
        good = [(address, status) for address, _, status in found if address and not _is_probe(address)]
        if not good:
            return
        at = row.date(*_TIMES)
        if at is not None:
            self._first = at if self._first is None else min(self._first, at)
            self._last = at if self._last is None else max(self._last, at)
        self._message(row, message, at)
        for address, status in good:
            self._recipient(row.place, (message, address), status, at)

    def finish(self, capped: bool) -> None:
        """State every recipient once, and what the trace covers."""
        for (message, address), seen in self._seen.items():
            self._out.edge(
                "ADDRESSED_TO", ("Message", message), ("Correspondent", identity.smtp_key(address)), seen.place,
                role="envelope", status=seen.status or None, delivered=seen.delivered,
            )  # fmt: skip
        self._tally.tell(self._out)
        note = "as many rows as one export holds: it was cut, ask for shorter times" if capped else None
        self._out.coverage("message trace", first=self._first, last=self._last, capped=capped, note=note)

    def _message(self, row: Row, message: str, at: int | None) -> None:
        if message in self._messages:
            return
        text = row.first("senderaddress", "sender_address")
        sender = identity.address(text)
        self._messages[message] = sender
        size = row.first("size", "total_bytes")
        self._out.node(
            "Message", message, row.place, sent=at, sent_basis="received" if at is not None else None,
            size=int(size) if size.isascii() and size.isdigit() else None,
        )  # fmt: skip
        if sender:
            self._out.edge("SENT_BY", ("Message", message), ("Correspondent", identity.smtp_key(sender)), row.place, role="from")
        else:
            self._tally.add("without a sender (bounces and the like)")

    def _recipient(self, place: str, pair: tuple[str, str], status: str, at: int | None) -> None:
        delivered = at if status == "delivered" else None
        seen = self._seen.get(pair)
        if seen is None:
            self._seen[pair] = _Seen(place, status, delivered)
        elif status == "delivered" and (seen.status != "delivered" or (at or 0) < (seen.delivered or 0)):
            seen.place, seen.status, seen.delivered = place, status, delivered
        elif seen.status != "delivered":
            seen.place, seen.status = place, status


def _is_probe(address: str) -> bool:
    return address.startswith(("healthmailbox", "inboundproxy"))
