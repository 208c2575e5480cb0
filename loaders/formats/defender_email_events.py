"""EmailEvents of Microsoft Defender XDR and Sentinel: a row for each message and recipient, CSV or JSON (formats.md 2).

Claims the names `InternetMessageId`, `RecipientEmailAddress` and `SenderFromAddress`, in a header or in objects (a list, one a line, `{"results": […]}`).

Yields what a message trace does: Message (`InternetMessageId`, `EmailSize`), SENT_BY (`SenderMailFromAddress`, `SenderFromAddress`), ADDRESSED_TO
(`RecipientEmailAddress`; `delivered` where `DeliveryAction` is Delivered or Junked), and the Mailbox of a recipient to whose folder it was delivered.

Traps: `DeliveryAction` Blocked is quarantined, failed or dropped by `DeliveryLocation`; mail that went outside is delivered to the next server. The portal's table writes `Nov 25, 2023 4:05:06 PM`, the time zone of the portal's settings; the API and Sentinel write UTC. Results stop at 10,000,
30,000 or 100,000 rows. Subjects are not read. Documented at learn.microsoft.com, Defender XDR, "EmailEvents".
"""

from __future__ import annotations

from collections.abc import Iterator

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.jsonrow import JsonRow
from loaders.reading import Row, Table, header_of
from loaders.trace import Trace, address
from loaders.trace_records import records, sample

NAME = "defender_email_events"
TITLE = "EmailEvents (Defender XDR, Sentinel; CSV, JSON)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "messages, senders, recipients, delivery, mailboxes"

_NEEDED = frozenset(("internetmessageid", "recipientemailaddress", "senderfromaddress"))
_TIMES = ("timestamp", "timegenerated")
_CAPS = (10_000, 30_000, 100_000)
_IN_MAILBOX = ("inbox", "junk", "deleted")
_NOT_DELIVERED = {"quarantine": "quarantined", "failed": "failed", "dropped": "failed"}


def detect(source: Source) -> Claim | None:
    """Claim by the names."""
    if any({name.casefold() for name in record} >= _NEEDED for record in sample(source, 3)):
        return Claim(8, "records of EmailEvents")
    return Claim(8, "columns of EmailEvents") if header_of(source) >= _NEEDED else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    trace, before, mailboxes = Trace(out, options.now), out.records, set[str]()
    for row in _rows(source, options, out):
        _row(row, trace, out, mailboxes)
    trace.finish(out.records - before in _CAPS)


def _rows(source: Source, options: Options, out: FactBuffer) -> Iterator[Row | JsonRow]:
    if sample(source, 1):
        yield from (JsonRow(record, place, options) for place, record in records(source, out))
        return
    table = Table(source, options, out, dates=_TIMES)
    if not any(table.has(name) for name in _TIMES):
        table.require(_TIMES[0])
    yield from table


def _row(row: Row | JsonRow, trace: Trace, out: FactBuffer, mailboxes: set[str]) -> None:
    key, to = identity.message_key(row["internetmessageid"], None), address(row["recipientemailaddress"])
    if key is None or to is None:
        out.refuse(row.place, row["recipientemailaddress"], "no message id" if key is None else "the recipient is not an address")
        return
    at, action, where = row.date(*_TIMES), row.get("deliveryaction").casefold(), row.get("deliverylocation").casefold()
    trace.message(key, row.place, at=at, sender=row.get("sendermailfromaddress"), header_from=row["senderfromaddress"], size=row.get("emailsize"))
    delivered = action in ("delivered", "junked", "replaced")
    status = "delivered" if delivered else next((word for start, word in _NOT_DELIVERED.items() if where.startswith(start)), "failed" if action == "blocked" else "")
    trace.recipient(key, to, status, at, row.place)
    if delivered and where.startswith(_IN_MAILBOX) and to not in mailboxes:
        mailboxes.add(to)
        mailbox = ("Mailbox", identity.mailbox_key(to))
        out.node("Mailbox", mailbox[1], row.place, address=to, basis="delivery log")
        out.edge("HAS_ADDRESS", mailbox, ("Correspondent", identity.smtp_key(to)), row.place, type="primary")
