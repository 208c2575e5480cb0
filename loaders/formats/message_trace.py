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
events are passed over. Exactly 1,000, 5,000, 10,000 or 50,000 rows mean that the export was cut. Subjects are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
import pyarrow as pa

from graphmodel import identity
from loaders import columns, dates
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.jsonbatch import SMALL
from loaders.reading import Block, Row, Table, header_of
from loaders.trace import Trace, address, is_probe, message_keys

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
    trace, before = Trace(out), out.records
    many = None if recipients is _summary else _Many(table, recipients, options, trace, source.size >= SMALL)
    for piece in table.blocks(*many.wanted) if many else table:
        if table.undecided:
            raise Broken("dates", "they could be day/month or month/day, and none of the file tells which", "say --date-order dmy or mdy")
        if isinstance(piece, Row):
            trace.order = piece.number
            _row(piece, recipients, trace, out)
        elif many:
            many.take(piece, out)
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
    for text in row["recipient_address"].split(";"):
        if text.strip():
            yield text, _STATUS.get(event, event)


def _row(row: Row, recipients: Callable[[Row], Iterator[Recipient]], trace: Trace, out: FactBuffer) -> None:
    """State one row."""
    if row.get("event_id").casefold().startswith(_PASSED_OVER):
        trace.tally.add("about shadow copies or submission, passed over")
        return
    message = identity.message_key(row.first("messageid", "message_id"), None)
    if message is None:
        out.refuse(row.place, "", "no message id")
        return
    found = [(address(text), text.strip(), status) for text, status in recipients(row)]
    bad = [text for normalised, text, _ in found if normalised is None]
    if bad or not found:
        out.refuse(row.place, "; ".join(bad), "the recipient is not an address" if bad else "no recipient")
    good = [(normalised, status) for normalised, _, status in found if normalised and not is_probe(normalised)]
    if not good:
        return
    at = row.date(*_TIMES)
    trace.message(message, row.place, at=at, sender=row.first("senderaddress", "sender_address"), size=row.first("size", "total_bytes"))
    for normalised, status in good:
        trace.recipient(message, normalised, status, at, row.place)


class _Many:
    """Rows as columns. What is worth doing only once a value is remembered; rows with anything unusual go the way of `_row`."""

    def __init__(self, table: Table, recipients: Callable[[Row], Iterator[Recipient]], options: Options, trace: Trace, large: bool) -> None:
        self._large = large
        self._table, self._recipients, self._trace = table, recipients, trace
        self._latest = options.now if options.now is not None else dates.LATEST
        self._names = {
            name: next((column for column in columns_ if column in table.index), "")
            for name, columns_ in {"id": ("messageid", "message_id"), "from": ("senderaddress", "sender_address"), "size": ("size", "total_bytes"),
                                   "to": ("recipientaddress", "recipient_address"), "at": _TIMES, "status": ("status", "event_id")}.items()
        }  # fmt: skip
        self.wanted = (*self._names.values(), "event_id")
        self._words = "status" if recipients is _plain else "event_id"
        self._senders: dict[str, str | None] = {}
        self._tos: dict[str, str | None] = {}
        self._statuses: dict[str, str | None] = {}

    def take(self, block: Block, out: FactBuffer) -> None:
        """State the rows of a block; null in a column is a value that has to be looked at in its row."""
        texts = {name: block.column(column) for name, column in self._names.items()}
        times, good = columns.moments(texts["at"], self._latest)
        frame = pl.DataFrame([
            self._keys_of(texts["id"]).alias("key"),
            columns.once_a_value(texts["to"], self._to, pl.String, self._tos).alias("to"),
            pl.int_range(block.number, block.number + len(block), eager=True).alias("order"),
            pl.Series("at", times),
            columns.once_a_value(block.column(self._words), self._status, pl.String, self._statuses).alias("status"),
            columns.once_a_value(texts["from"], self._sender, pl.String, self._senders).alias("envelope"),
            _sizes(texts["size"]),
            pl.Series("good", good) & self._unmarked(block),
        ])  # fmt: skip
        plain = frame.select(
            pl.col("good") & pl.all_horizontal(pl.col("key", "to", "status", "envelope").is_not_null()) & ((pl.col("size") >= 0) | pl.col("size").is_null())
        ).to_series()
        for at in (~plain).arg_true().to_list():
            row = block.row(at)
            self._trace.order = row.number
            _row(row, self._recipients, self._trace, out)
        kept = frame if plain.all() else frame.filter(plain)
        kept = kept.filter(pl.col("to") != "") if (kept["to"] == "").any() else kept  # health probes
        self._trace.rows(kept.with_columns(
            ("row " + pl.col("order").cast(pl.String)).alias("place"), pl.when(pl.col("envelope") != "").then("envelope").alias("envelope"),
        ))  # fmt: skip

    def _unmarked(self, block: Block) -> pl.Series:
        """Rows about no event that is passed over."""
        if "event_id" not in self._table.index:
            return pl.repeat(True, len(block), eager=True)
        return columns.once_a_value(block.column("event_id"), lambda text: not text.strip().casefold().startswith(_PASSED_OVER), pl.Boolean)

    def _keys_of(self, ids: pa.Array) -> pl.Series:
        """Keys of Message-IDs; of a large file by compiled code, which takes half a second to load."""
        if not self._large or not columns.is_clear(ids):
            return columns.of_values(ids, self._keys, pl.String)
        from loaders import jsoncells, messageids  # noqa: PLC0415 -- compiled code, which only large files need

        data, ends = columns.laid_out(ids)
        keys, state = messageids.message_keys(data, np.column_stack([ends[:-1], ends[1:]]), quoted=False)
        asked = np.flatnonzero(state != jsoncells.GOOD)
        return keys.scatter(asked, pl.Series(self._keys([ids[int(at)].as_py() for at in asked]), dtype=pl.String)) if len(asked) else keys

    def _keys(self, ids: list[str]) -> list[str | None]:
        if self._table.all_usable(ids):
            return message_keys(ids)
        return [identity.message_key(found, None) if (found := self._table.usable(text)) else None for text in ids]

    def _to(self, text: str) -> str | None:
        found = self._table.usable(text)
        normalised = address(found) if found and ";" not in found else None
        return "" if normalised and is_probe(normalised) else normalised

    def _sender(self, text: str) -> str | None:
        found = self._table.usable(text)
        return None if found is None else address(found) or ""

    def _status(self, text: str) -> str | None:
        found = self._table.usable(text)
        if found is None:
            return None
        word = found.casefold()
        return word if self._words == "status" else _STATUS.get(word, word)


def _sizes(texts: pa.Array) -> pl.Series:
    """Bytes; null where nothing is said, -1 where it is no number."""
    empty = columns.series(texts) == ""
    found = columns.numbers(texts).fill_null(-1)
    return pl.select(pl.when(~empty).then(found).alias("size")).to_series()
