"""Messages whose records are spread over the lines of a mail server's log: gathered by queue id, stated when the server is done with them.

    queues = Queues(out, options.now)
    queued = queues.entry((host, queue_id), place, at)
    queued.message_id, queued.sender = …
    queued.to.append(Recipient("a@x.example", "staff@x.example", "delivered", at, place))
    queues.done((host, queue_id))
    queues.finish(note)

A queue id is used again: with another Message-ID it is another message. One without a Message-ID is known by host, queue id and day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from graphmodel import identity
from graphmodel.times import to_iso
from loaders.base import FactBuffer
from loaders.trace import Trace

_HELD = 200_000  # messages in the queue at once; one that the log never ends is let go after so many

Slot = tuple[str, str]


class Recipient(NamedTuple):
    """Where a message went. `original`: the address it was for, "" where that is `to`."""

    to: str
    original: str
    status: str
    at: int | None
    place: str


@dataclass(slots=True)
class Queued:
    """A message in the queue: what its lines said so far."""

    place: str
    day: str
    at: int | None
    message_id: str = ""
    sender: str = ""
    size: str = ""
    to: list[Recipient] = field(default_factory=list)


class Queues:
    """States messages in `out`, each when it is done."""

    def __init__(self, out: FactBuffer, now: int | None) -> None:
        self.trace = Trace(out, now)
        self._out = out
        self._queue: dict[Slot, Queued] = {}
        self._aliases: set[tuple[str, str]] = set()

    def entry(self, slot: Slot, place: str, at: int | None, *, begins: str = "") -> Queued:
        """The message of this queue id. `begins`: the Message-ID of a line that begins one; another than before, and the id is used again."""
        queued = self._queue.get(slot)
        if queued is not None and begins and queued.message_id not in ("", begins):
            self.done(slot)
            queued = None
        if queued is None:
            if len(self._queue) >= _HELD:
                self.done(next(iter(self._queue)))
            queued = self._queue[slot] = Queued(place, (to_iso(at) or "")[:10], at)
        self.trace.covers(at)
        return queued

    def done(self, slot: Slot) -> None:
        """The server is done with a message."""
        if (queued := self._queue.pop(slot, None)) is not None:
            self._state(slot, queued)

    def drop(self, slot: Slot) -> None:
        """Forget a message that goes on under another queue id."""
        self._queue.pop(slot, None)

    def finish(self, note: str | None) -> None:
        """State what is still in the queue, and what the log covers."""
        for slot in list(self._queue):
            self.done(slot)
        self.trace.finish(note=note)

    def _state(self, slot: Slot, queued: Queued) -> None:
        if not queued.to:
            self.trace.tally.add("that begin a message of which no delivery is seen")
            return
        content = None if queued.message_id else identity.content_hash(queued.day, queued.sender, sorted(r.to for r in queued.to), "/".join(slot), "queue")
        key = identity.message_key(queued.message_id, content) or ""
        self.trace.message(key, queued.place, at=queued.at, sender=queued.sender, size=queued.size)
        for found in queued.to:
            self.trace.recipient(key, found.to, found.status, found.at, found.place)
            if found.original and found.original != found.to:
                self.trace.recipient(key, found.original, "expanded", found.at, found.place)
                self._alias(found)

    def _alias(self, found: Recipient) -> None:
        """Mail to one address goes on to another: stated once, where it is first seen."""
        if (found.original, found.to) in self._aliases:
            return
        self._aliases.add((found.original, found.to))
        group = ("Group", identity.group_key(found.original))
        self._out.node("Group", group[1], found.place, name=found.original, type="distribution", address=found.original)
        self._out.edge("HAS_ADDRESS", group, ("Correspondent", identity.smtp_key(found.original)), found.place, type="primary")
        self._out.edge("FORWARDS_TO", group, ("Correspondent", identity.smtp_key(found.to)), found.place, valid_from=found.at)
