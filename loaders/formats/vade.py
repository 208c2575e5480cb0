"""Vade for Microsoft 365 logs as JSON: each message that was filtered, and what was done with it (formats.md 2).

Claims records with `sender_ip`, `from`, `to` and `message_id`.

Yields Message (`message_id`, `size`, `date`), SENT_BY (`from_header`, and `from` where it is another), ADDRESSED_TO (`to`).
`action` gives the status: NOTHING and MOVE (to a folder) leave the message in the mailbox, so it is delivered; anything else is told in
the log's word.

Traps: a message whose `direction` is outgoing left the organisation: whether it arrived is not known. Records of remediation
campaigns name no recipient and are passed over. Fields may be missing (`direction`) or of another type (`auth_results_details`).
Subjects, links and attachment names are not read. The fields are those of Vade's message log API (docs.vadesecure.com).
"""

from __future__ import annotations

from graphmodel import identity
from loaders.addresses import parse
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.trace import Trace, recipients
from loaders.trace_records import Record, records, sample, text_of, texts_of

NAME = "vade"
TITLE = "Vade for Microsoft 365 JSON"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages, senders, recipients, delivery"

_LEFT = frozenset(["nothing", "move", ""])


def detect(source: Source) -> Claim | None:
    """Claim records of Vade."""
    for record in sample(source, 4):
        if {"sender_ip", "from", "to", "message_id"} <= record.keys():
            return Claim(9, "records of Vade")
        if {"nb_messages_remediated", "actions"} <= record.keys():
            return Claim(7, "remediation records of Vade")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the records one by one."""
    trace = Trace(out, options.now)
    for place, record in records(source, out):
        if "nb_messages_remediated" in record and "to" not in record:
            trace.tally.add("about remediation campaigns, which name no recipient, passed over")
        else:
            _record(record, place, trace, out)
    trace.finish()


def _record(record: Record, place: str, trace: Trace, out: FactBuffer) -> None:
    key = identity.message_key(text_of(record.get("message_id")), None)
    found, bad = recipients(texts_of(record.get("to")))
    if key is None or bad or not found:
        why = "no message id" if key is None else "the recipient is not an address" if bad else "no recipient"
        out.refuse(place, "; ".join(bad), why)
    if key is None:
        return
    at = trace.when(record.get("date"), place)
    author = next((sender for sender, _ in parse(text_of(record.get("from_header")))[0]), "")
    trace.message(key, place, at=at, sender=text_of(record.get("from")), header_from=author, size=record.get("size"))
    action = text_of(record.get("action")).casefold()
    outgoing = text_of(record.get("direction")).casefold() == "outgoing"
    status = action if action not in _LEFT else "" if outgoing else "delivered"
    for to in found:
        trace.recipient(key, to, status, at, place)
