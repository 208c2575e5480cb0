"""What a record of Mimecast's logs says of a message, its sender and its recipients (loaders/formats/mimecast.py).

    log = Mimecast(out, options.now)
    for place, record in …: log.take(record, place)
    log.trace.finish()

A record is one of Mimecast's API 2.0 or of its first API, whose names differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphmodel import identity
from loaders.base import FactBuffer
from loaders.trace import Trace, recipients
from loaders.trace_records import Record, text_of, texts_of

PASSED = "about processing or attachments, which name no recipient, passed over"

_RECEIPT = {"acc": "received", "rej": "failed", "bnc": "failed", "hld": "held", "ign": "", "": ""}


@dataclass(frozen=True)
class Alike:
    """What records of a kind and an outcome say alike. `passed`: nothing; `timed`: their time is the message's."""

    passed: bool
    timed: bool = False
    status: str = ""


class Mimecast:
    """States what records say; `trace` holds it until it is finished."""

    def __init__(self, out: FactBuffer, now: int | None) -> None:
        self.out, self.trace = out, Trace(out, now)

    def take(self, record: Record, place: str) -> None:
        """One record."""
        said = alike(record)
        key = identity.message_key(_first(record, "messageId", "MsgId"), None)
        if said.passed or (key is None and not said.timed):
            self.trace.tally.add(PASSED)
            return
        found, bad = recipients(texts_of(record.get("recipients") or record.get("Rcpt")))
        if key is None or bad or not found:
            why = "no message id" if key is None else "the recipient is not an address" if bad else "no recipient"
            self.out.refuse(place, "; ".join(bad), why)
        if key is None:
            return
        at = self.trace.when(record.get("timestamp") or record.get("datetime"), place)
        self.trace.covers(at)
        self.trace.message(
            key, place, at=at if said.timed else None, sender=_first(record, "senderEnvelope", "Sender"),
            header_from=_first(record, "senderHeader", "headerFrom"), size=_first(record, "emailSize", "MsgSize"),
        )  # fmt: skip
        for to in found:
            self.trace.recipient(key, to, said.status, at if said.status else None, place)


def _first(record: Record, *names: str) -> str:
    return next((text for name in names if (text := text_of(record.get(name)))), "")


def _kind(record: Record) -> str:
    """What a record is: receipt, delivery, process, or anything else."""
    kind = _first(record, "type", "eventType").casefold()
    if kind or "acc" not in record:
        return kind
    return "delivery" if "Delivered" in record else "receipt" if "Rcpt" in record else "process"


def alike(record: Record) -> Alike:
    """What a record says by its kind and outcome."""
    kind, status = _kind(record), ""
    if kind == "receipt":
        action = _first(record, "action", "Act", "subtype").casefold()
        status = _RECEIPT.get(action, action)
    elif kind == "delivery":
        status = "delivered" if _first(record, "delivered", "Delivered").casefold() == "true" else "failed"
    return Alike(kind == "process", kind in ("receipt", "delivery"), status)
