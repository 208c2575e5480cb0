"""The same question answered in the dullest way: time goes on tick by tick, and at each tick everything that follows is marked."""

from __future__ import annotations

from dataclasses import dataclass, field

INFINITE = 10**6


@dataclass
class Puzzle:
    """Small integers for times. `steps`: (source, target, opens, closes, foothold); None: no bound."""

    n: int
    steps: list[tuple[int, int, int | None, int | None, bool]]
    starts: list[tuple[int, int, int | None]]
    remediations: list[tuple[int, int]] = field(default_factory=list)
    last: int = 30


def held_by_ticks(puzzle: Puzzle) -> list[set[int]]:
    """For each node the ticks at which it is held, up to `last`."""
    held: list[set[int]] = [set() for _ in range(puzzle.n)]
    foothold: set[int] = set()
    for tick in range(puzzle.last):
        foothold -= {node for node, time in puzzle.remediations if time == tick}
        foothold |= {node for node, start, until in puzzle.starts if until is None and start == tick}
        now = foothold | {node for node, start, until in puzzle.starts if until is not None and start <= tick < until}
        _spread(puzzle, tick, now, foothold)
        for node in now:
            held[node].add(tick)
    return held


def _spread(puzzle: Puzzle, tick: int, now: set[int], foothold: set[int]) -> None:
    """Take every open step from what is held now, again and again until nothing more follows."""
    open_ = [(u, v, lasting) for u, v, opens, closes, lasting in puzzle.steps if (opens or 0) <= tick and (closes is None or tick < closes)]
    changed = True
    while changed:
        before = len(now) + len(foothold)
        for source, target, lasting in open_:
            if source in now:
                now.add(target)
                if lasting:
                    foothold.add(target)
        changed = len(now) + len(foothold) != before
