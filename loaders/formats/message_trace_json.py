"""Message trace of Exchange Online as JSON: the reporting web service (OData), Microsoft Graph, collectors' NDJSON (formats.md 2).

Claims records with a sender's and a recipient's address and `Received`, `receivedDateTime` or `MessageTraceId`: one object a line,
an array, or an array in `value` or `d.results`. Names are matched without regard to case.

Yields Message (`MessageId`, `Size`, `Received`), SENT_BY (`SenderAddress`), ADDRESSED_TO (`RecipientAddress`, `Status`; `delivered` only
where the status says so).

Traps: `Received` is UTC without a Z, or `/Date(ms)/`; Index, StartDate and EndDate repeat the query; a message has a record for each
recipient, and GettingStatus is no status yet. Exactly 1,000, 5,000, 10,000 or 50,000 records mean that the export was cut. Subjects
are not read. Documented at learn.microsoft.com, graph/api/resources/exchangemessagetrace.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.trace import Trace, address
from loaders.trace_records import Record, records, sample, text_of

NAME = "message_trace_json"
TITLE = "Message trace JSON (OData, Microsoft Graph, NDJSON)"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages, senders, recipients, delivery"

_CAPS = (1000, 5000, 10_000, 50_000)
_NAMES = ("RecipientAddress", "Received", "MessageId", "SenderAddress", "Status", "Size")
_GRAPH = ("recipientAddress", "receivedDateTime", "messageId", "senderAddress", "status", "size")


def detect(source: Source) -> Claim | None:
    """Claim records of a message trace."""
    for record in sample(source, 3):
        names = {name.casefold() for name in record}
        if {"senderaddress", "recipientaddress"} <= names and names & {"received", "receiveddatetime", "messagetraceid"}:
            return Claim(8, "records of a message trace")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the records one by one."""
    trace, before = Trace(out, options.now), out.records
    for place, record in records(source, out):
        _record(record, _spelling(record), place, trace, out)
    trace.finish(out.records - before in _CAPS)


def _spelling(record: Record) -> tuple[str, ...]:
    """The names of _NAMES as this record writes them."""
    for names in (_NAMES, _GRAPH):
        if names[0] in record and names[1] in record:
            return names
    written = {name.casefold(): name for name in record}
    return tuple(written.get(name.casefold()) or written.get(other.casefold(), "") for name, other in zip(_NAMES, _GRAPH, strict=True))


def _record(record: Record, names: tuple[str, ...], place: str, trace: Trace, out: FactBuffer) -> None:
    recipient_text, received, message_id, sender, status, size = (record.get(name) for name in names)
    message = identity.message_key(text_of(message_id).replace("\\u003c", "<").replace("\\u003e", ">"), None)  # as some collectors escape twice
    text = text_of(recipient_text)
    recipient = address(text)
    if message is None or recipient is None:
        out.refuse(place, text, "no message id" if message is None else "the recipient is not an address")
        return
    at = trace.when(received, place)
    trace.message(message, place, at=at, sender=text_of(sender), size=size)
    trace.recipient(message, recipient, text_of(status).casefold(), at, place)
