"""Which message in the queue each line of a Postfix log is about, by compiled code: queue ids are used again once a message is removed.

A message is known here by its number among those that were still queued when the lines began, in the order in which they came, and those
that came since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphmodel.memory import jit

Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Joined:
    """Messages, and each line's (`of`, -1 for none).

    Of a message: its first line, those that say its id, sender and size (-1: none yet, -2: one before), its host and queue id and its
    Message-ID as marks, and when it ended among these (-1: it is still queued).
    """

    of: Ints
    first: Ints
    named: Ints
    sent: Ints
    sized: Ints
    slot: Marks
    id: Marks
    ended: Ints

    def kept(self, messages: Ints) -> Joined:
        """Some of the messages, as they are known to the next lines."""
        m = messages
        return Joined(self.of, self.first[m], self.named[m], self.sent[m], self.sized[m], self.slot[m], self.id[m], self.ended[m])


def join(slot: Marks, removed: Ints, named: Marks, sent: Ints, sized: Ints, queued: Joined | None, held: int) -> Joined:
    """Lines in their order. `named`: mark of the Message-ID, 0 for none; `queued`: messages that were queued before; `held`: how many may be."""
    lines, before = len(slot), 0 if queued is None else len(queued.slot)
    most = lines + before
    none = np.full((5, most), -1)
    found = Joined(np.full(lines, -1), none[0], none[1], none[2], none[3], np.zeros(most, np.uint64), np.zeros(most, np.uint64), none[4])
    if queued is not None:
        found.slot[:before], found.id[:before] = queued.slot, queued.id
        for part, old in ((found.named, queued.named), (found.sent, queued.sent), (found.sized, queued.sized)):
            part[:before] = np.where(old == -1, -1, -2)  # said before these lines
    places = np.full(1 << max(4, int(2 * most).bit_length()), -1)
    count = _join(
        slot, removed, named, sent, sized, before, held, places, found.of, found.first, found.named, found.sent, found.sized, found.slot, found.id, found.ended
    )
    return found.kept(np.arange(count))


@jit
def _place(places: Any, slots: Any, slot: Any, ended: Any) -> Any:
    """(where the message of this host and queue id stands, or a new one may; the message or -1)."""
    mask = np.uint64(len(places) - 1)
    at = np.int64((slot ^ (slot >> np.uint64(29))) & mask)
    while places[at] != -1:
        message = places[at]
        if slots[message] == slot:
            return at, message if ended[message] < 0 else -1
        at = np.int64(np.uint64(at + 1) & mask)
    return at, -1


@jit
def _end(message: Any, ended: Any, counts: Any) -> None:
    ended[message] = counts[1]
    counts[1], counts[2] = counts[1] + 1, counts[2] - 1


@jit
def _begin(slot: Any, row: Any, slots: Any, first: Any, ended: Any, counts: Any, held: Any) -> Any:
    """A new message; the oldest one ends where too many are queued."""
    if counts[2] >= held:
        while ended[counts[3]] >= 0:
            counts[3] += 1
        _end(counts[3], ended, counts)
    message = counts[0]
    slots[message], first[message] = slot, row
    counts[0], counts[2] = counts[0] + 1, counts[2] + 1
    return message


@jit
def _join(slot: Any, removed: Any, named: Any, sent: Any, sized: Any, before: Any, held: Any, places: Any, of: Any, first: Any, id_row: Any, sent_row: Any,
          size_row: Any, slots: Any, ids: Any, ended: Any) -> Any:  # fmt: skip
    counts = np.array([before, 0, before, 0])  # messages, ends, queued, the oldest that may be
    for message in range(before):
        at, _ = _place(places, slots, slots[message], ended)
        places[at] = message
    for row in range(len(slot)):
        at, message = _place(places, slots, slot[row], ended)
        if message >= 0 and (removed[row] or (named[row] != 0 and ids[message] != 0 and ids[message] != named[row])):
            _end(message, ended, counts)
            message = -1
        if removed[row]:
            continue
        if message < 0:
            message = _begin(slot[row], row, slots, first, ended, counts, held)
            places[at] = message
        of[row] = message
        if named[row] != 0 and ids[message] == 0:
            ids[message], id_row[message] = named[row], row
        if sent[row] and sent_row[message] == -1:
            sent_row[message] = row
        if sized[row] and size_row[message] == -1:
            size_row[message] = row
    return counts[0]
