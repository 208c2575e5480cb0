"""Mimecast logs as JSON: receipts, deliveries and what its scanners say (formats.md 2).

Claims records with `aggregateId` and `processingId` (SIEM batches of API 2.0), or with `acc`, `MsgId` and `datetime` (API 1.0).

Yields Message (`messageId`; `emailSize`, time of receipt), SENT_BY (`senderHeader`, and `senderEnvelope` where it is another),
ADDRESSED_TO (`recipients`) with a status from `receipt` (Acc: received, Rej: failed) and `delivery` (`delivered`: delivered or failed).

Traps: only a `delivery` record proves delivery. `process` records name no recipient; they and records about attachments alone are
passed over. The time of a `url protect` record is that of a click and of a scanner's record that of a scan: neither is taken for the
message's. Numbers and truths are texts. Subjects and attachment names are not read. Documented at developer.services.mimecast.com.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.mimecast import Mimecast
from loaders.trace_records import batches, records, sample

NAME = "mimecast"
TITLE = "Mimecast email security JSON"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages, senders, recipients, delivery"

def detect(source: Source) -> Claim | None:
    """Claim records of Mimecast."""
    for record in sample(source, 4):
        if {"aggregateId", "processingId"} <= record.keys():
            return Claim(9, "aggregateId and processingId of Mimecast")
        if {"acc", "MsgId", "datetime"} <= record.keys():
            return Claim(8, "records of Mimecast's first API")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the records in batches or one by one."""
    log = Mimecast(out, options.now)
    many = batches(source, out)
    if many is not None:
        from loaders.mimecast_batches import MimecastBatches  # noqa: PLC0415 -- compiled code, which only large files need

        MimecastBatches(log, options.now).take(many)
    else:
        for place, record in records(source, out):
            log.take(record, place)
    log.trace.finish()
