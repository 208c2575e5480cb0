"""What every log of passing mail says: messages, who sent them, to whom, and whether they arrived (formats.md 2).

    trace = Trace(out)
    trace.message(key, place, at=1664672400, sender="a@x.example", size=2048)
    trace.recipient(key, "b@y.example", "delivered", at, place)
    trace.finish()

A message has many records (a recipient each, an event each, a copy each): one fact a message and recipient is stated, delivery before
anything else. Memory is bounded: pairs that have not been spoken of for long are stated and forgotten; a late record of such a pair
is a second fact of the same message and recipient, which counts once. Addresses of health probes are passed over.
What is said waits in columns and is settled many rows at a time (loaders/trace_pending.py); a reader that has columns gives them to `rows`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256

import polars as pl

from graphmodel import identity
from loaders import dates
from loaders.base import FactBuffer
from loaders.recipients import Tally
from loaders.trace_pending import MESSAGE, PAIR, Messages, Pairs

HELD = 400_000
"""So many pairs of message and recipient are held at once (about 300 bytes each)."""

_PLAIN = re.compile(r"(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d+)?Z?", re.ASCII)

address = lru_cache(maxsize=65536)(identity.address)
"""`identity.address`, remembered: logs repeat the same addresses."""


class Trace:
    """States messages, senders and recipients in `out`; `tally` counts what says nothing (loaders/recipients.Tally)."""

    def __init__(self, out: FactBuffer, now: int | None = None, held: int = HELD) -> None:
        self.tally = Tally()
        self.first: int | None = None
        self.last: int | None = None
        self.order: int | None = None
        """Where in the file the next rows stand, for a reader that does not give them in their order; None: behind those before."""
        self._out, self._now = out, now
        self._bad_date = ""
        self._messages, self._pairs = Messages(out, self.tally, held), Pairs(out, held)
        self._given = 0

    def covers(self, at: int | None) -> None:
        """The log has a record of this time."""
        if at is not None:
            self.first = at if self.first is None or at < self.first else self.first
            self.last = at if self.last is None or at > self.last else self.last

    def when(self, value: object, place: str) -> int | None:
        """Seconds of a date as written, text or number; None where there is none, and where it is none to be believed."""
        text = value.strip() if isinstance(value, str) else "" if value is None or isinstance(value, bool) else str(value)
        if not text:
            return None
        try:
            return moment(text, self._now)
        except dates.BadDate as error:
            self._bad_date = self._bad_date or f"{place}: {error}"
            self.tally.add("with a bad date, taken as unknown")
            return None

    def message(self, key: str, place: str, *, at: int | None, sender: str = "", header_from: str = "", size: object = None) -> None:
        """State a message where it first stands, and again where its time or its sender is first told.

        `sender` is its envelope's, `header_from` that of its header, both as written.
        """
        self.covers(at)
        self._messages.add(key, self._next(), place, at, address(sender), address(header_from), _size(size))

    def recipient(self, key: str, to: str, status: str, at: int | None, place: str) -> None:
        """Take note of one recipient (`to` is normalised), with a status in words (delivered, failed, pending)."""
        if not is_probe(to):
            order = self._next()
            self._pairs.add(key, to, order, place, at, status, order)

    def rows(self, frame: pl.DataFrame) -> None:
        """The same of many records, each of one message and one recipient that is no probe, or none (null).

        Columns: `key`, `to`, `order`, `place`, `at`, `status`, `envelope` (normalised or null), `size`, and `author` (the like) or none.
        """
        frame = frame if "author" in frame.columns else frame.with_columns(pl.lit(None, pl.String).alias("author"))
        if frame.height:
            self.covers(frame["at"].min())  # type: ignore[arg-type]
            self.covers(frame["at"].max())  # type: ignore[arg-type]
            self._messages.extend(frame.select(list(MESSAGE)))
            self._pairs.extend(frame.select([*(c for c in PAIR if c != "first"), pl.col("order").alias("first")]).filter(pl.col("to").is_not_null()))

    def stated(self, messages: pl.DataFrame, pairs: pl.DataFrame) -> None:
        """The same as `message` and `recipient` of many records, in this order; no recipient is a probe.

        Columns: those of MESSAGE and PAIR, without `order` and `first`.
        """
        first, self._given = self._given + 1, self._given + messages.height + pairs.height
        order = pl.int_range(first, pl.len() + first).alias("order")
        self._messages.extend(messages.with_columns(order).select(list(MESSAGE)))
        self._pairs.extend(pairs.with_columns(order, order.alias("first")).select(list(PAIR)))

    def _next(self) -> int:
        self._given += 1
        return self._given if self.order is None else self.order

    def header_recipient(self, key: str, to: str, role: str, place: str) -> None:
        """State a recipient that stands in the message's header (role to | cc)."""
        if found := address(to):
            self._out.edge("ADDRESSED_TO", ("Message", key), ("Correspondent", identity.smtp_key(found)), place, role=role)

    def finish(self, capped: bool = False, note: str | None = None, scope: str = "") -> None:
        """State what is held, put the notes, and say what the log covers; `scope`: which part of the mail it saw at all."""
        self._messages.settle()
        self._pairs.settle(last=True)
        self.tally.tell(self._out)
        if self._bad_date:
            self._out.note(f"the first bad date: {self._bad_date}")
        if capped:
            note = "as many rows as one export holds: it was cut, ask for shorter times"
        self._out.coverage("message trace", scope, first=self.first, last=self.last, capped=capped, note=note)


def moment(text: str, now: int | None) -> int:
    """`dates.moment`, fast for `2022-10-02T01:00:05.123Z` and the like. Raises dates.BadDate."""
    # Logs repeat their days; what is not plainly UTC, or whose clock is odd, goes the long way.
    match = _PLAIN.fullmatch(text)
    if match and (day := _day(match[1])) is not None:
        seconds = day + int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4])
        if now is None or seconds <= now:
            return seconds
    return dates.moment(text, None, now)


@lru_cache(maxsize=4096)
def _day(text: str) -> int | None:
    return dates.believed(text)


def message_keys(ids: list[str]) -> list[str | None]:
    """`identity.message_key` of many Message-IDs."""
    text = "\n".join(ids)
    if len(text.split()) != len(ids):  # empty ones, or white space within
        return [identity.message_key(id_, None) for id_ in ids]
    folded = text.casefold().encode("utf-8", "surrogatepass").split(b"\n")
    return ["msg:" + sha256(found).hexdigest()[:32] if (found := id_.strip(b"<>")) else None for id_ in folded]


def is_probe(normalised: str) -> bool:
    """Whether an address is one of Exchange's own health probes."""
    return normalised.startswith(("healthmailbox", "inboundproxy"))


def recipients(texts: list[str]) -> tuple[list[str], list[str]]:
    """(normalised addresses, texts that are none), in order, each once."""
    found: dict[str, None] = {}
    bad: list[str] = []
    for text in texts:
        if normalised := address(text):
            found[normalised] = None
        elif text.strip():
            bad.append(text.strip())
    return list(found), bad


def _size(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < 2**63 else None
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
