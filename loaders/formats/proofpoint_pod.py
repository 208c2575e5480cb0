"""Proofpoint on Demand (PoD) log stream as JSON: what the gateway decided on each message, and its mailer's deliveries (formats.md 2).

Claims records with `guid` or `sm` and a `type` of message | maillog, or an `envelope` beside a `filter`.

Yields, from `message` records: Message (`msg.header.message-id`, `msg.sizeBytes`, `ts`), SENT_BY (the header's From by
`msg.parsedAddresses.from`, and the envelope's sender where it is another), ADDRESSED_TO (envelope: `envelope.rcpts`; to and cc:
`msg.parsedAddresses`). From `maillog` records (`sm.to`, `sm.stat`): delivery, joined to the message by the queue id (`filter.qid`, `sm.qid`).

Traps: `filter.delivered.rcpts` also names recipients of a message that was discarded or quarantined, so the disposition goes first:
only `continue` is delivered, and of its recipients those named there. msgParts and msgPartsUrl records tell of attachments and links, and are passed over. Times carry
their zone. Subjects, links and parts are not read. A mailer's record whose message is not in the file says nothing. The fields are
those of Proofpoint's "PoD Log API" guide.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.trace import Trace, recipients
from loaders.trace_records import Record, dig, records, sample, text_of, texts_of

NAME = "proofpoint_pod"
TITLE = "Proofpoint on Demand message and maillog JSON"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages, senders, recipients, delivery"

_STATUS = {"discard": "discarded", "reject": "failed", "continue": "delivered", "accept": "delivered", "": ""}
_QUEUE_IDS = 200_000  # remembered, for the mailer's records that follow


def detect(source: Source) -> Claim | None:
    """Claim records of PoD."""
    for record in sample(source):
        if isinstance(dig(record, "envelope", "rcpts"), list) and "filter" in record:
            return Claim(9, "envelope and filter of Proofpoint on Demand")
        if isinstance(record.get("sm"), dict) and record.get("type") == "maillog":
            return Claim(9, "maillog of Proofpoint on Demand")
        if str(record.get("type")).startswith("msgParts") and "guid" in record:
            return Claim(7, "message parts of Proofpoint on Demand")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the records one by one."""
    reader = _Reader(options, out)
    for place, record in records(source, out):
        if isinstance(record.get("sm"), dict):
            reader.delivery(record, place)
        elif isinstance(record.get("envelope"), dict):
            reader.message(record, place)
        else:
            reader.trace.tally.add("about attachments, links and the like, passed over")
    reader.trace.finish()


class _Reader:
    def __init__(self, options: Options, out: FactBuffer) -> None:
        self.trace = Trace(out, options.now)
        self._out = out
        self._queue: dict[str, str] = {}  # queue id -> message
        self._early: dict[str, list[tuple[list[str], str, int | None, str]]] = {}

    def message(self, record: Record, place: str) -> None:
        """State one message as the filter saw it."""
        key = identity.message_key(_message_id(record), None)
        found, bad = recipients(texts_of(dig(record, "envelope", "rcpts")))
        if key is None or bad or not found:
            why = "no message id" if key is None else "the recipient is not an address" if bad else "no recipient"
            self._out.refuse(place, "; ".join(bad), why)
        if key is None:
            return
        at = self.trace.when(record.get("ts"), place)
        addresses = dig(record, "msg", "parsedAddresses")
        author = next(iter(texts_of(dig(addresses, "from"))), "")
        size = dig(record, "msg", "sizeBytes")
        self.trace.message(key, place, at=at, sender=text_of(dig(record, "envelope", "from")), header_from=author, size=size)
        status = _status(record)
        named = dig(record, "filter", "delivered", "rcpts")
        delivered = set(recipients(texts_of(named))[0]) if isinstance(named, list) else set(found)
        for to in found:
            self.trace.recipient(key, to, status if status != "delivered" or to in delivered else "", at, place)
        for role in ("to", "cc"):
            for text in texts_of(dig(addresses, role)):
                self.trace.header_recipient(key, text, role, place)
        self._remember(text_of(dig(record, "filter", "qid")), key)

    def delivery(self, record: Record, place: str) -> None:
        """State what the mailer did with a message."""
        sm = record["sm"]
        found, bad = recipients(texts_of(sm.get("to")))
        if bad or not found:
            if bad or "stat" in sm:
                self._out.refuse(place, "; ".join(bad), "the recipient is not an address" if bad else "no recipient")
            return
        said = (found, _mailer_status(text_of(sm.get("stat"))), self.trace.when(record.get("ts"), place), place)
        queue_id = text_of(sm.get("qid"))
        if queue_id in self._queue:
            self._deliver(self._queue[queue_id], *said)
        elif len(self._early) < _QUEUE_IDS:
            self._early.setdefault(queue_id, []).append(said)
            self.trace.covers(said[2])

    def _remember(self, queue_id: str, key: str) -> None:
        if not queue_id:
            return
        if len(self._queue) >= _QUEUE_IDS:
            self._queue.pop(next(iter(self._queue)))
        self._queue[queue_id] = key
        for said in self._early.pop(queue_id, ()):
            self._deliver(key, *said)

    def _deliver(self, key: str, found: list[str], status: str, at: int | None, place: str) -> None:
        self.trace.covers(at)
        for to in found:
            self.trace.recipient(key, to, status, at, place)


def _message_id(record: Record) -> str:
    for headers in ("header", "normalizedHeader"):
        for text in texts_of(dig(record, "msg", headers, "message-id")):
            return text
    return ""


def _status(record: Record) -> str:
    disposition = text_of(dig(record, "filter", "disposition")).casefold()
    if isinstance(dig(record, "filter", "quarantine"), dict) and _STATUS.get(disposition) != "delivered":
        return "quarantined"
    return _STATUS.get(disposition, disposition)


def _mailer_status(text: str) -> str:
    said = text.casefold()
    if said.startswith("sent"):
        return "delivered"
    return "pending" if said.startswith(("deferred", "queued")) else "failed"
