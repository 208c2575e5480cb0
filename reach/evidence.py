"""Reach by level of evidence (design.md 4): the same search on fewer and fewer steps, from all that is allowed down to what was seen.

A path has the least level of its steps and a node the greatest of its paths, so one search a level, over the steps of that level and
above, gives both the level of every node and the earliest time at which it has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reach.exposure import overlaps
from reach.graph import ALWAYS, Ints, Times, build
from reach.search import Labels, reach

NOT_OBSERVED, POSSIBLE, INDICATED, CONFIRMED = LEVELS = ("NOT OBSERVED", "POSSIBLE", "INDICATED", "CONFIRMED")
"""From the least to the greatest. What is not reached at all is EXCLUDED."""

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Allowed:
    """Steps that the configuration allows: columns of equal length, as `reach.graph.build` takes them.

    `by_itself`: nobody has to do anything for it. `timeless`: it is no matter of time (two names of one thing), so that an unknown
    beginning says nothing against it.
    """

    source: Ints
    target: Ints
    opens: Times
    closes: Times
    foothold: Flags
    by_itself: Flags
    timeless: Flags


@dataclass(frozen=True)
class Seen:
    """Steps that a log saw being taken: at `at` (seconds), after which a borrowed hold lasts until the right ends (`closes`, or NEVER).

    `attributed`: by a session that is tied to the attacker.
    """

    source: Ints
    target: Ints
    at: Times
    closes: Times
    foothold: Flags
    attributed: Flags


@dataclass(frozen=True)
class Silent:
    """Times in which a log that covers everything has no record of a step: `step` (index into Allowed), `[start, stop)`.

    Of one step they are disjoint.
    """

    step: Ints
    start: Times
    stop: Times


@dataclass(frozen=True)
class Level:
    """What is held at a level and above. `step[labels.via]`: index of the allowed step, or their number plus the index of the seen one."""

    labels: Labels
    step: Ints


Starts = Sequence[tuple[int, int, int | None]]
Remediations = Sequence[tuple[int, int]]


def by_level(
    n: int, allowed: Allowed, seen: Seen, silent: Silent, remediations: Remediations, starts: Starts, horizon: int | None = None
) -> dict[str, Level]:
    """For each of LEVELS what is held at it or above, of `n` nodes; other arguments as `reach.search.reach` and `build` take them.

    Where no log says anything, NOT OBSERVED and POSSIBLE are the same object and the other two are found from the steps taken by themselves.
    """
    everything = np.arange(len(allowed.source), dtype=np.int32)
    search = _Search(n, allowed, seen, remediations, starts, horizon)
    found = {NOT_OBSERVED: search.walk(everything, allowed.opens, allowed.closes, np.arange(len(seen.source)))}
    found[POSSIBLE] = found[NOT_OBSERVED] if not len(silent.step) else search.walk(*unsaid(allowed, silent), np.arange(len(seen.source)))
    # What has no known beginning is possible from the start, but indicates and confirms nothing.
    known = everything[allowed.by_itself & ((allowed.opens != ALWAYS) | allowed.timeless)]
    found[INDICATED] = search.walk(known, allowed.opens[known], allowed.closes[known], np.arange(len(seen.source)))
    found[CONFIRMED] = search.walk(known, allowed.opens[known], allowed.closes[known], np.flatnonzero(seen.attributed))
    return found


def unsaid(allowed: Allowed, silent: Silent) -> tuple[Ints, Times, Times]:
    """(step, opens, closes): the times in which a step is open and no log would have shown it being taken."""
    everything = np.arange(len(allowed.source), dtype=np.int32)
    # Between two silences, before the first and after the last: one piece more than there are silences.
    piece = np.concatenate([everything, silent.step])
    begin = np.concatenate([allowed.opens, silent.stop])
    order = np.lexsort((begin, np.concatenate([np.zeros_like(everything), np.ones_like(silent.step)]), piece))
    ends_of = np.concatenate([silent.step, everything])
    end = np.concatenate([silent.start, allowed.closes])
    ends_order = np.lexsort((end, np.concatenate([np.zeros_like(silent.step), np.ones_like(everything)]), ends_of))
    piece, begin, end = piece[order], begin[order], end[ends_order]
    begin, end = np.maximum(begin, allowed.opens[piece]), np.minimum(end, allowed.closes[piece])
    some = begin < end
    return piece[some].astype(np.int32), begin[some], end[some]


@dataclass(frozen=True)
class _Search:
    n: int
    allowed: Allowed
    seen: Seen
    remediations: Remediations
    starts: Starts
    horizon: int | None

    def walk(self, step: Ints, opens: Times, closes: Times, chosen: Any) -> Level:
        """Search over the pieces of allowed steps and over the chosen of the seen ones that were taken while their source was held.

        That a source was held when it was seen follows from other steps, seen ones among them: those that cannot be are taken out until
        none is left. Each that stays has a source held by a way that begins no later, so none can hold up itself.
        """
        seen = self.seen
        chosen = np.asarray(chosen, np.int64)
        until = np.where(seen.foothold[chosen], seen.at[chosen] + 1, seen.closes[chosen])
        while True:
            labels = self._reach(step, opens, closes, chosen, until)
            held = _held_until(labels, seen.source[chosen], seen.at[chosen])
            # A borrowed hold ends with the holding in which it was seen.
            shorter = np.where(seen.foothold[chosen], until, np.minimum(until, held))
            stays = held > seen.at[chosen]
            if stays.all() and (shorter == until).all():
                numbers = np.concatenate([step, len(self.allowed.source) + chosen])
                return Level(labels, np.append(numbers, -1).astype(np.int32))
            chosen, until = chosen[stays], shorter[stays]

    def _reach(self, step: Ints, opens: Times, closes: Times, chosen: Any, until: Times) -> Labels:
        allowed, seen = self.allowed, self.seen
        graph = build(
            self.n,
            np.concatenate([allowed.source[step], seen.source[chosen]]),
            np.concatenate([allowed.target[step], seen.target[chosen]]),
            np.concatenate([opens, seen.at[chosen]]),
            np.concatenate([closes, until]),
            np.concatenate([allowed.foothold[step], seen.foothold[chosen]]),
            self.remediations,
        )
        return reach(graph, self.starts, self.horizon)


def _held_until(labels: Labels, node: Any, at: Any) -> Times:
    """For each (node, at) until when the node is held without a break from `at` on; ALWAYS where it is not held then."""
    found = np.full(len(node), ALWAYS, np.int64)
    if not len(node) or not len(labels):
        return found
    # Each label of a node ends later than those before it: a break is where one begins after all before have ended.
    order = np.argsort(labels.node, kind="stable")
    nodes, start, end = labels.node[order], labels.start[order], labels.end[order]
    breaks = np.append((nodes[1:] != nodes[:-1]) | (start[1:] > end[:-1]), True)
    last_of = np.flatnonzero(breaks)
    whole_end = end[last_of[np.searchsorted(last_of, np.arange(len(nodes)))]]
    moment = np.asarray(at, np.int64)
    hit, label, _, _ = overlaps(labels, node, moment, moment + 1)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    np.maximum.at(found, hit, whole_end[place[label]])
    return found
