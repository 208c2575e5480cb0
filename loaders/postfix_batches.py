"""A Postfix log many lines at a time: read by compiled code, joined by queue id, stated in columns (see loaders/formats/postfix.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from loaders import columns, jsoncells, postfix_scan
from loaders.base import FactBuffer
from loaders.jsonbatch import padded
from loaders.postfix_join import Joined, join
from loaders.postfix_lines import FIELDS, Lines, months_at
from loaders.postfix_scan import FROM, HOST, MESSAGE_ID, NONE, ORIG_TO, QUEUE_ID, RELAY, SIZE, STATUS, TO, Ints, Scan, cut
from loaders.trace import Trace, address, is_probe, message_keys

PASSED = "about no queued message, passed over"
UNSEEN = "that begin a message of which no delivery is seen"
PROBES = "about address probes, passed over"
_RECIPIENT = {"message": pl.Int64, "line": pl.Int64, "at": pl.Int64, "to": pl.String, "original": pl.String, "status": pl.String}
_MESSAGE = {"message": pl.Int64, "line": pl.Int64, "at": pl.Int64, "id": pl.String, "sender": pl.String, "size": pl.String, "host": pl.String, "queue_id": pl.String}

Unnamed = Callable[[str, str, "int | None", str, list[str]], str]
"""The key of a message without an id: host, queue id, seconds, sender, its recipients."""


def ready() -> None:
    """Load the compiled code, or compile it where that was never done; else the first file does."""
    text = np.frombuffer(b"2022-10-02T01:00:05Z mx1 postfix/qmgr[1]: 4A1B2C3D4E: removed\n", np.uint8)
    ends, found, none = np.array([len(text)]), Scan.of(1), np.zeros(1, np.int64)
    postfix_scan.scan(text, none, ends, 0, np.zeros(4, np.int64), found)
    cut(text, found.spans[:, HOST])
    join(jsoncells.marks(padded(text.tobytes()), found.spans[:, HOST]), none, np.zeros(1, np.uint64), none, none, None, 1)


@dataclass(frozen=True)
class _Part:
    """Lines about queued messages. `data`: what spans are in; `line`: their numbers."""

    data: Any
    line: Ints
    at: Ints
    spans: Ints
    removed: Ints
    lmtp: Ints

    def has(self, field: int) -> Any:
        """Lines that have a field, empty or not."""
        return self.spans[:, field, 0] >= 0

    def says(self, field: int) -> Any:
        """Lines in which a field is not empty."""
        return self.spans[:, field, 1] > self.spans[:, field, 0]

    def texts(self, rows: Ints, field: int) -> Any:
        """A field of some of the lines; "" where it is not there, or the row is negative."""
        spans, there = np.full((len(rows), 2), -1), rows >= 0
        spans[there] = self.spans[rows[there], field]
        return cut(self.data, spans)


class PostfixBatches:
    """Takes a log's text in pieces of whole lines. `unnamed` gives keys to messages without an id; `status` reads one delivery."""

    def __init__(self, out: FactBuffer, trace: Trace, lines: Lines, held: int, status: Callable[[str, str, bool], str], unnamed: Unnamed,
                 alias: Callable[[str, str, int | None, str], None]) -> None:  # fmt: skip
        self._out, self._trace, self._lines, self._held = out, trace, lines, held
        self._status, self._unnamed, self._alias = status, unnamed, alias
        self._number = 1  # of the next line
        self._queued: Joined | None = None
        self._messages = pl.DataFrame(schema=_MESSAGE)  # those that are queued, in order
        self._recipients = pl.DataFrame(schema=_RECIPIENT)  # of these; `message` counts from 0
        self._addresses: dict[str, str | None] = {}

    def take(self, text: bytes) -> None:
        """State what these lines say."""
        part = self._read(text)
        good = part.at != NONE
        if good.any():
            self._trace.covers(int(part.at[good].min()))
            self._trace.covers(int(part.at[good].max()))
        sent = part.has(FROM) & ~part.has(TO)
        marks = jsoncells.marks(part.data, part.spans[:, HOST], part.spans[:, QUEUE_ID])
        named = np.where(part.says(MESSAGE_ID), jsoncells.marks(part.data, part.spans[:, MESSAGE_ID]) | np.uint64(1), np.uint64(0))
        joined = join(marks, part.removed, named, sent.astype(np.int64), (sent & part.says(SIZE)).astype(np.int64), self._queued, self._held)
        messages = self._gather(part, joined)
        recipients = pl.concat([self._recipients, self._deliveries(part, joined)])
        ended = joined.ended >= 0
        self._state(messages, recipients, joined.ended)
        kept = np.flatnonzero(~ended)
        place = np.full(len(ended), -1)
        place[kept] = np.arange(len(kept))
        rows = place[recipients["message"].to_numpy()]
        self._recipients = recipients.with_columns(pl.Series("message", rows)).filter(pl.col("message") >= 0)
        self._messages = messages[kept].with_columns(pl.int_range(pl.len()).alias("message"))
        self._queued = joined.kept(kept)

    def finish(self) -> None:
        """State what is still queued."""
        self._state(self._messages, self._recipients, np.arange(self._messages.height))

    def _read(self, text: bytes) -> _Part:
        """Scan the lines; those in another form are read by `Lines`, their fields put behind the text."""
        data = np.frombuffer(text, np.uint8)
        breaks = data == 10
        if b"\r" in text:
            breaks |= (data == 13) & np.append(data[1:] != 10, True)
        ends = np.flatnonzero(breaks) + 1
        ends = ends if len(ends) and ends[-1] == len(text) else np.append(ends, len(text))
        starts = np.append(0, ends[:-1])
        found, more, blank = Scan.of(len(starts)), bytearray(), 0
        state, at, apart = np.array(self._lines.state, np.int64), 0, []
        while (at := postfix_scan.scan(data, starts, ends, at, state, found)) < len(starts):
            line = text[starts[at] : ends[at]].decode()
            self._lines.state = state.tolist()
            blank += not self._otherwise(line, at, found, more, len(text))
            state[:] = self._lines.state
            apart.append(at)
            at += 1
        self._lines.state = state.tolist()
        if self._lines.clock:
            self._zone(found.at, months_at(text, starts), apart)
        rows = np.flatnonzero(found.kind)
        self._out.records += len(starts) - blank
        self._trace.tally.add(PASSED, len(starts) - blank - len(rows))
        number, self._number = self._number + rows, self._number + len(starts)
        return _Part(padded(text + bytes(more)), number, found.at[rows], found.spans[rows], found.removed[rows], found.lmtp[rows])

    def _zone(self, at: Ints, months: Ints, apart: list[int]) -> None:
        """Times of scanned lines that begin with a month are local; those of lines read by themselves (`apart`) are UTC already."""
        local = (months > 0) & (at != NONE)
        local[apart] = False
        values, where = np.unique(at[local], return_inverse=True)
        clock = self._lines.clock
        at[local] = np.array([clock.utc(value) if clock else value for value in values.tolist()], np.int64)[where] if len(values) else at[local]

    def _otherwise(self, text: str, row: int, found: Scan, more: bytearray, base: int) -> bool:
        """Read one line by itself; false where it is blank."""
        if not text.strip():
            return False
        line = self._lines.parse(text)
        found.spans[row] = -1
        if line is None:
            return True
        found.kind[row], found.at[row] = 1, NONE if line.at is None else line.at
        found.removed[row], found.lmtp[row] = line.rest == "removed", "lmtp" in line.program
        texts = [line.host, line.queue_id, *(line.fields.get(name) for name in FIELDS[:7])]
        for column, value in enumerate(texts):
            if value is not None:
                begin = base + len(more)
                more += value.encode()
                found.spans[row, column] = begin, base + len(more)
        return True

    def _gather(self, part: _Part, joined: Joined) -> pl.DataFrame:
        """What is known of all messages by now."""
        before = self._messages.height
        new = np.maximum(joined.first[before:], 0)
        first = part.at[new]
        fresh = pl.DataFrame({"line": part.line[new], "at": first}).with_columns(pl.when(pl.col("at") != NONE).then("at").alias("at"))
        old = self._messages
        said = {"id": (joined.named, MESSAGE_ID), "sender": (joined.sent, FROM), "size": (joined.sized, SIZE)}
        columns_: list[pl.Series] = []
        for name, (rows, field) in said.items():
            texts = columns.series(part.texts(rows, field))
            known = pl.concat([old[name], pl.Series(name, [None] * (len(rows) - before), dtype=pl.String)])
            columns_.append(pl.select(pl.when(pl.Series(rows >= 0)).then(texts).otherwise(known).alias(name)).to_series())
        slots = [pl.concat([old[name], columns.series(part.texts(new, field)).alias(name)]) for name, field in (("host", HOST), ("queue_id", QUEUE_ID))]
        numbers = pl.int_range(len(joined.slot), eager=True).alias("message")
        return pl.DataFrame([numbers, pl.concat([old["line"], fresh["line"]]), pl.concat([old["at"], fresh["at"]]), *columns_, *slots])

    def _deliveries(self, part: _Part, joined: Joined) -> pl.DataFrame:
        """Recipients whose delivery is told."""
        rows = np.flatnonzero(part.has(TO) & part.has(STATUS) & (joined.of >= 0))
        words = columns.once_a_value(part.texts(rows, STATUS), lambda text: text.split(" ", 1)[0], pl.String)
        probe = words.is_in(["deliverable", "undeliverable"]).to_numpy()
        self._trace.tally.add(PROBES, int(probe.sum()))
        rows, words = rows[~probe], words.filter(pl.Series(~probe))
        texts = part.texts(rows, TO)
        to = columns.once_a_value(texts, address, pl.String, self._addresses)
        for at in to.is_null().arg_true().to_list():
            self._out.refuse(f"line {part.line[rows[at]]}", texts[at].as_py(), "the recipient is not an address")
        relay = columns.series(part.texts(rows, RELAY))
        frame = pl.DataFrame([
            pl.Series("message", joined.of[rows]), pl.Series("line", part.line[rows]), pl.Series("at", part.at[rows]), to.alias("to"),
            columns.once_a_value(part.texts(rows, ORIG_TO), lambda text: address(text) or "", pl.String, None).alias("original"),
            self._words(words, relay, part.lmtp[rows] != 0).alias("status"),
        ])  # fmt: skip
        return frame.with_columns(pl.when(pl.col("at") != NONE).then("at").alias("at")).filter(pl.col("to").is_not_null())

    def _words(self, words: pl.Series, relay: pl.Series, lmtp: Any) -> pl.Series:
        """The status of each delivery, by word, relay, and whether by LMTP."""
        all_ = pl.select(pl.concat_str(words, relay, pl.Series(lmtp).cast(pl.String), separator="\x1f")).to_series()

        def read(text: str) -> str:
            word, rest = text.split("\x1f", 1)
            return self._status(word, *((parts := rest.rpartition("\x1f"))[0], parts[2] == "true"))

        return columns.once_a_value(columns.texts(all_), read, pl.String)

    def _state(self, messages: pl.DataFrame, recipients: pl.DataFrame, ended: Ints) -> None:
        """State the messages that have ended, in the order in which they did (-1: not yet)."""
        count = np.bincount(recipients["message"].to_numpy(), minlength=messages.height)
        self._trace.tally.add(UNSEEN, int(((ended >= 0) & (count == 0)).sum()))
        messages = messages.with_columns(pl.Series("ended", ended), pl.Series("count", count)).filter((pl.col("ended") >= 0) & (pl.col("count") > 0)).sort("ended")
        if not messages.height:
            return
        keys = pl.Series("key", self._keys(messages, recipients), dtype=pl.String)
        given = messages.with_columns(keys, ("line " + pl.col("line").cast(pl.String)).alias("place"))
        said = recipients.join(given.select("message", "key", "ended"), on="message", how="inner").sort("ended", "line")
        said = said.with_columns(("line " + pl.col("line").cast(pl.String)).alias("place"))
        aliased = said.filter((pl.col("original") != "") & (pl.col("original") != pl.col("to")))
        for original, to, at, place in aliased.unique(["original", "to"], keep="first", maintain_order=True).select("original", "to", "at", "place").iter_rows():
            self._alias(original, to, at, place)
        expanded = aliased.with_columns(pl.col("original").alias("to"), pl.lit("expanded").alias("status"))
        pairs = pl.concat([said, expanded]).sort("ended", "line", maintain_order=True) if expanded.height else said
        probes = [to for to in pairs["to"].unique().to_list() if is_probe(to)]
        pairs = pairs.filter(~pl.col("to").is_in(probes)) if probes else pairs
        envelope = columns.once_a_value(columns.texts(given["sender"].fill_null("")), address, pl.String, self._addresses)
        size = columns.numbers(columns.texts(given["size"].fill_null("")))
        author = pl.lit(None, pl.String).alias("author")
        self._trace.stated(given.with_columns(envelope.alias("envelope"), size.alias("size"), author), pairs)
        for when in (given["at"].min(), given["at"].max()):
            self._trace.covers(when)  # type: ignore[arg-type]

    def _keys(self, messages: pl.DataFrame, recipients: pl.DataFrame) -> list[str]:
        ids = messages["id"].fill_null("").to_list()
        keys = message_keys(ids)
        if None not in keys:
            return [key or "" for key in keys]
        found: list[str] = []
        rows = messages.select("message", "at", "sender", "host", "queue_id").iter_rows()
        for key, (message, at, sender, host, queue_id) in zip(keys, rows, strict=True):
            to = [] if key else recipients.filter(pl.col("message") == message)["to"].to_list()
            found.append(key or self._unnamed(host, queue_id, at, sender or "", to))
        return found
