"""What every log of passing mail says: messages, who sent them, to whom, and whether they arrived (formats.md 2).

    trace = Trace(out)
    trace.message(key, place, at=1664672400, sender="a@x.example", size=2048)
    trace.recipient(key, "b@y.example", "delivered", at, place)
    trace.finish()

A message has many records (a recipient each, an event each, a copy each): one fact a message and recipient is stated, delivery before
anything else. Memory is bounded: pairs that have not been spoken of for long are stated and forgotten; a late record of such a pair
is a second fact of the same message and recipient, which counts once. Addresses of health probes are passed over.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice

from graphmodel import identity
from loaders import dates
from loaders.base import FactBuffer
from loaders.recipients import Tally

HELD = 400_000
"""So many pairs of message and recipient are held at once (about 300 bytes each)."""

# A status that says less never replaces one that says more; delivery is last and keeps its earliest time.
_WEIGHT = {"": 0, "received": 1, "gettingstatus": 1, "pending": 2, "relayed": 3, "expanded": 4, "delivered": 9}
_MIDDLE = 5

_PLAIN = re.compile(r"(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d+)?Z?", re.ASCII)

address = lru_cache(maxsize=65536)(identity.address)
"""`identity.address`, remembered: logs repeat the same addresses."""


class _Seen:
    __slots__ = ("at", "place", "status")

    def __init__(self, place: str, status: str, at: int | None) -> None:
        self.place, self.status, self.at = place, status, at


class Trace:
    """States messages, senders and recipients in `out`; `tally` counts what says nothing (loaders/recipients.Tally)."""

    def __init__(self, out: FactBuffer, now: int | None = None, held: int = HELD) -> None:
        self.tally = Tally()
        self.first: int | None = None
        self.last: int | None = None
        self._out, self._now, self._held = out, now, held
        self._bad_date = ""
        self._messages: dict[str, int] = {}  # key -> what was stated: 1 its time, 2 its sender
        self._pairs: dict[tuple[str, str], _Seen] = {}

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
        known, envelope, author = self._messages.get(key), address(sender), address(header_from)
        says = (1 if at is not None else 0) | (2 if author or envelope else 0)
        if known is not None and not says & ~known:
            return
        if known is None and len(self._messages) >= self._held:
            self._messages = dict(islice(self._messages.items(), self._held // 2, None))
        self._messages[key] = says | (known or 0)
        if known is None or says & ~known & 1:
            self._out.node("Message", key, place, sent=at, sent_basis="received" if at is not None else None, size=_size(size))
        if known is not None and not says & ~known & 2:
            return
        if author or envelope:
            self._sender(key, author or envelope or "", "from", place)
        else:
            self.tally.add("without a sender (bounces and the like)")
        if author and envelope and author != envelope:
            self._sender(key, envelope, "sender", place)

    def recipient(self, key: str, to: str, status: str, at: int | None, place: str) -> None:
        """Take note of one recipient (`to` is normalised), with a status in words (delivered, failed, pending)."""
        if is_probe(to):
            return
        seen = self._pairs.get((key, to))
        if seen is None:
            if len(self._pairs) >= self._held:
                self._release(self._held // 2)
            self._pairs[key, to] = _Seen(place, status, at)
            return
        old, new = _WEIGHT.get(seen.status, _MIDDLE), _WEIGHT.get(status, _MIDDLE)
        earlier = status == "delivered" and at is not None and (seen.at is None or at < seen.at)
        if new > old or (new == old and (earlier or new == _MIDDLE)):
            seen.place, seen.status, seen.at = place, status, at

    def header_recipient(self, key: str, to: str, role: str, place: str) -> None:
        """State a recipient that stands in the message's header (role to | cc)."""
        if found := address(to):
            self._out.edge("ADDRESSED_TO", ("Message", key), ("Correspondent", identity.smtp_key(found)), place, role=role)

    def finish(self, capped: bool = False, note: str | None = None, scope: str = "") -> None:
        """State what is held, put the notes, and say what the log covers; `scope`: which part of the mail it saw at all."""
        self._release(len(self._pairs))
        self.tally.tell(self._out)
        if self._bad_date:
            self._out.note(f"the first bad date: {self._bad_date}")
        if capped:
            note = "as many rows as one export holds: it was cut, ask for shorter times"
        self._out.coverage("message trace", scope, first=self.first, last=self.last, capped=capped, note=note)

    def _sender(self, key: str, sender: str, role: str, place: str) -> None:
        self._out.edge("SENT_BY", ("Message", key), ("Correspondent", identity.smtp_key(sender)), place, role=role)

    def _release(self, count: int) -> None:
        """State the oldest pairs and forget them."""
        pairs = list(islice(self._pairs, count))
        for pair in pairs:
            seen = self._pairs.pop(pair)
            self._out.edge(
                "ADDRESSED_TO", ("Message", pair[0]), ("Correspondent", identity.smtp_key(pair[1])), seen.place, role="envelope",
                status=seen.status or None, delivered=seen.at if seen.status == "delivered" else None,
            )  # fmt: skip


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
    try:
        return dates.moment(text)
    except dates.BadDate:
        return None


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
