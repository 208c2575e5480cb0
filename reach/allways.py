"""All ways to one node: every step on some way that respects time, not only on the one that was found first.

A way is a row of steps, each taken at an instant at which what it starts from is held, no earlier than the one before. So a step is on
a way just where an instant at which its source can be held meets one from which its target still leads on. Both are sets of instants,
kept by how many steps they take: from there comes the length of the shortest way through each step, whatever order they are found in.
A way may come by a node twice; such ways are longer, and a limit leaves them out first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reach.graph import ALWAYS, NEVER

Span = tuple[int, int]
Pieces = dict[int, list[tuple[int, int, int]]]
"""Node -> (start, stop, steps): disjoint instants, with the fewest steps to or from them."""


@dataclass(frozen=True)
class Ways:
    """The steps on some way, shortest first.

    `steps`: their indices; `length`: of the shortest way through each, in steps; `at`: the earliest instant at which each is taken on a
    way of that length; `left_out`: how many more steps are on longer ways (None: not counted).
    """

    steps: list[int]
    length: list[int]
    at: list[int]
    left_out: int | None


class _Steps:
    """Columns of steps, by source and by target, and the remediations of each node."""

    def __init__(self, source: Any, target: Any, opens: Any, closes: Any, foothold: Any, remediations: Iterable[tuple[int, int]]) -> None:
        self.source, self.target = np.asarray(source).tolist(), np.asarray(target).tolist()
        self.opens, self.closes = np.asarray(opens).tolist(), np.asarray(closes).tolist()
        self.foothold = np.asarray(foothold).tolist()
        self.cleaned: dict[int, list[int]] = defaultdict(list)
        for node, time in sorted(set(remediations)):
            self.cleaned[node].append(time)

    def held_by(self, step: int, span: Span) -> Span | None:
        """When the target is held by taking the step while its source is held in `span`; a foothold is renewed while the way is open."""
        start, stop = max(span[0], self.opens[step]), min(span[1], self.closes[step])
        if start >= stop:
            return None
        if not self.foothold[step]:
            return start, stop
        times = self.cleaned.get(self.target[step], [])
        later = bisect_left(times, stop)
        return start, times[later] if later < len(times) else NEVER

    def leads_to(self, step: int, span: Span) -> Span | None:
        """At which instants the step can be taken so that its target is held in `span`."""
        start, stop = span
        if self.foothold[step]:
            times = self.cleaned.get(self.target[step], [])
            before = bisect_right(times, start)
            start = times[before - 1] if before else ALWAYS
        start, stop = max(start, self.opens[step]), min(stop, self.closes[step])
        return (start, stop) if start < stop else None


def all_ways(
    source: Any, target: Any, opens: Any, closes: Any, foothold: Any, remediations: Sequence[tuple[int, int]],
    starts: Sequence[tuple[int, int, int | None]], to: int, horizon: int | None = None, limit: int = 200,
) -> Ways:  # fmt: skip
    """Every step on a way from the starts (node, from, until) to the node `to`; arguments otherwise as `build` and `reach` take them.

    At most `limit` steps: those on the shortest ways, whole lengths at a time but for the last, which is cut by the steps' order.
    """
    steps = _Steps(source, target, opens, closes, foothold, remediations)
    end = NEVER if horizon is None else horizon
    begun = [(node, start, min(_until(steps, node, start) if until is None else until, end)) for node, start, until in starts]
    distance = _distance(np.asarray(source), np.asarray(target), to)
    seeds = {node for node, _, _ in starts}
    # Who has arrived goes on to nothing, and nobody needs a way back to where he began.
    forward = _Walk(steps, _by(steps.source, steps.target), steps.target, steps.held_by, [(n, (a, b)) for n, a, b in begun if a < b], end, {to})
    backward = _Walk(steps, _by(steps.target, steps.source), steps.source, steps.leads_to, [(to, (ALWAYS, end))], end, seeds)
    longest, finished = 0, False
    found: dict[int, tuple[int, int]] = {}
    while not finished and len(found) <= limit:
        longest += 1
        forward.go(longest, {node for node, n in distance.items() if n <= longest})
        backward.go(longest, forward.seen)
        finished = forward.ended(distance) and backward.ended(forward.seen)
        # Where nothing more is to be found, every way is no longer than both halves together.
        found = _through(steps, forward.pieces, backward.pieces, 2 * longest + 1 if finished else longest, seeds, to)
    ordered = sorted(found, key=lambda step: (found[step][0], found[step][1], step))
    left = len(ordered) - limit if len(ordered) > limit and finished else 0 if finished else None
    kept = ordered[:limit]
    return Ways(kept, [found[s][0] for s in kept], [found[s][1] for s in kept], left)


def _until(steps: _Steps, node: int, time: int) -> int:
    times = steps.cleaned.get(node, [])
    later = bisect_right(times, time)
    return times[later] if later < len(times) else NEVER


def _by(ends: Sequence[int], others: Sequence[int]) -> dict[int, list[int]]:
    """End -> the steps that have it. What leads to itself leads nowhere, and is on no way."""
    found: dict[int, list[int]] = defaultdict(list)
    for step, (node, other) in enumerate(zip(ends, others, strict=True)):
        if node != other:
            found[node].append(step)
    return found


def _distance(source: Any, target: Any, to: int) -> dict[int, int]:
    """Node -> the fewest steps to `to`, without regard to time: nobody further off can be on a way that short."""
    by_target, found, edge = _by(target.tolist(), source.tolist()), {to: 0}, [to]
    while edge:
        following = []
        for node in edge:
            for step in by_target.get(node, ()):
                before = int(source[step])
                if before not in found:
                    found[before] = found[node] + 1
                    following.append(before)
        edge = following
    return found


class _Walk:
    """Instants by the number of steps to them, one step further each time."""

    def __init__(
        self, steps: _Steps, following: dict[int, list[int]], end_of: Sequence[int], take: Any, begun: Sequence[tuple[int, Span]], end: int,
        last: set[int],
    ) -> None:  # fmt: skip
        self._last = last  # where the walk ends
        self._steps, self._following, self._end_of, self._take, self._end = steps, following, end_of, take, end
        self.pieces: Pieces = {}
        self._covered: dict[int, list[Span]] = {}
        self._edge: list[tuple[int, Span]] = []
        self._waiting: list[tuple[int, int, Span]] = []  # (steps, node, span) of nodes that were too far off so far
        self._hops = 0
        for node, span in begun:
            self._edge += self._add(node, span, 0)

    @property
    def seen(self) -> set[int]:
        """The nodes found so far."""
        return set(self.pieces)

    def ended(self, ever: Container[int]) -> bool:
        """Whether nothing more is to be found, where only the nodes of `ever` will ever be allowed."""
        return not self._edge and not any(node in ever for _, node, _ in self._waiting)

    def go(self, hops: int, allowed: set[int]) -> None:
        """Walk on to so many steps, only through the allowed nodes. Those that were passed over come later, as soon as they are allowed."""
        ready = [entry for entry in self._waiting if entry[1] in allowed]
        self._waiting = [entry for entry in self._waiting if entry[1] not in allowed]
        todo: dict[int, list[tuple[int, Span]]] = defaultdict(list)
        for n, node, span in ready:
            todo[n].append((node, span))
        todo[self._hops] += self._edge
        self._edge = []
        for n in range(min(todo, default=hops), hops):
            for node, span in todo.pop(n, []):
                if node not in allowed:
                    self._waiting.append((n, node, span))
                    continue
                for step in self._following.get(node, ()) if node not in self._last else ():
                    if reached := self._take(step, span):
                        todo[n + 1] += [(v, new) for v, new in self._add(self._end_of[step], reached, n + 1)]
        self._hops = hops
        self._edge = todo.pop(hops, [])

    def _add(self, node: int, span: Span, hops: int) -> list[tuple[int, Span]]:
        """Keep the instants of a span that fewer steps did not reach; those, as new."""
        start, stop = span[0], min(span[1], self._end)
        new = [(start, stop)] if start < stop else []
        known = self._covered.setdefault(node, [])
        for a, b in known:
            new = [piece for c, d in new for piece in ((c, min(d, a)), (max(c, b), d)) if piece[0] < piece[1]]
        known += new
        self.pieces.setdefault(node, []).extend((a, b, hops) for a, b in new)
        return [(node, piece) for piece in new]


def _through(steps: _Steps, forward: Pieces, backward: Pieces, longest: int, seeds: set[int], to: int) -> dict[int, tuple[int, int]]:
    """Step -> (length of the shortest way through it, earliest instant on such a way), for ways of at most `longest` steps."""
    found: dict[int, tuple[int, int]] = {}
    for step, (u, v) in enumerate(zip(steps.source, steps.target, strict=True)):
        if u in (to, v) or v in seeds or u not in forward or v not in backward:
            continue
        best = None
        for start, stop, before in forward[u]:
            for a, b, after in backward[v]:
                leads = steps.leads_to(step, (a, b))
                if leads and max(start, leads[0]) < min(stop, leads[1]) and before + 1 + after <= longest:
                    candidate = (before + 1 + after, max(start, leads[0]))
                    best = candidate if best is None else min(best, candidate)
        if best:
            found[step] = best
    return found
