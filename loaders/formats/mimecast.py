"""Mimecast logs as JSON: receipts, deliveries and what its scanners say (formats.md 2).

Claims records with `aggregateId` and `processingId` (SIEM batches of API 2.0), or with `acc`, `MsgId` and `datetime` (API 1.0).

Yields Message (`messageId`; `emailSize`, time of receipt), SENT_BY (`senderHeader`, and `senderEnvelope` where it is another),
ADDRESSED_TO (`recipients`) with a status from `receipt` (Acc: received, Rej: failed) and `delivery` (`delivered`: delivered or failed).

Traps: only a `delivery` record proves delivery. `process` records name no recipient; they and records about attachments alone are
passed over. The time of a `url protect` record is that of a click and of a scanner's record that of a scan: neither is taken for the
message's. Numbers and truths are texts. Subjects and attachment names are not read. Documented at developer.services.mimecast.com.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.trace import Trace, recipients
from loaders.trace_records import Record, records, sample, text_of, texts_of

NAME = "mimecast"
TITLE = "Mimecast email security JSON"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages, senders, recipients, delivery"

_RECEIPT = {"acc": "received", "rej": "failed", "bnc": "failed", "hld": "held", "ign": "", "": ""}


def detect(source: Source) -> Claim | None:
    """Claim records of Mimecast."""
    for record in sample(source, 4):
        if {"aggregateId", "processingId"} <= record.keys():
            return Claim(9, "aggregateId and processingId of Mimecast")
        if {"acc", "MsgId", "datetime"} <= record.keys():
            return Claim(8, "records of Mimecast's first API")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the records one by one."""
    trace = Trace(out, options.now)
    for place, record in records(source, out):
        _record(record, place, trace, out)
    trace.finish()


def _first(record: Record, *names: str) -> str:
    return next((text for name in names if (text := text_of(record.get(name)))), "")


def _kind(record: Record) -> str:
    """What a record is: receipt, delivery, process, or anything else."""
    kind = _first(record, "type", "eventType").casefold()
    if kind or "acc" not in record:
        return kind
    return "delivery" if "Delivered" in record else "receipt" if "Rcpt" in record else "process"


def _record(record: Record, place: str, trace: Trace, out: FactBuffer) -> None:
    kind = _kind(record)
    key = identity.message_key(_first(record, "messageId", "MsgId"), None)
    if kind == "process" or (key is None and kind not in ("receipt", "delivery")):
        trace.tally.add("about processing or attachments, which name no recipient, passed over")
        return
    found, bad = recipients(texts_of(record.get("recipients") or record.get("Rcpt")))
    if key is None or bad or not found:
        why = "no message id" if key is None else "the recipient is not an address" if bad else "no recipient"
        out.refuse(place, "; ".join(bad), why)
    if key is None:
        return
    at = trace.when(record.get("timestamp") or record.get("datetime"), place)
    status = ""
    if kind == "receipt":
        action = _first(record, "action", "Act", "subtype").casefold()
        status = _RECEIPT.get(action, action)
    elif kind == "delivery":
        status = "delivered" if _first(record, "delivered", "Delivered").casefold() == "true" else "failed"
    trace.covers(at)
    trace.message(
        key, place, at=at if kind in ("receipt", "delivery") else None, sender=_first(record, "senderEnvelope", "Sender"),
        header_from=_first(record, "senderHeader", "headerFrom"), size=_first(record, "emailSize", "MsgSize"),
    )  # fmt: skip
    for to in found:
        trace.recipient(key, to, status, at if status else None, place)
