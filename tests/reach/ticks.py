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
    foothold = [False] * puzzle.n
    for tick in range(puzzle.last):
        for node, time in puzzle.remediations:
            if time == tick:
                foothold[node] = False
        now = set()
        for node, start, until in puzzle.starts:
            if until is None:
                foothold[node] |= start == tick
            elif start <= tick < until:
                now.add(node)
        now |= {node for node in range(puzzle.n) if foothold[node]}
        changed = True
        while changed:
            changed = False
            for source, target, opens, closes, lasting in puzzle.steps:
                is_open = (opens is None or opens <= tick) and (closes is None or tick < closes)
                if is_open and source in now and (target not in now or (lasting and not foothold[target])):
                    now.add(target)
                    foothold[target] |= lasting
                    changed = True
        for node in now:
            held[node].add(tick)
    return held
