"""Spans of time, `(start, stop)` in seconds, half open: joined, intersected, taken out of one another. Small lists, in plain Python."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]


def joined(spans: Iterable[Span]) -> list[Span]:
    """Disjoint spans in order; those that touch are one."""
    found: list[Span] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        elif start < stop:
            found.append((start, stop))
    return found


def both(some: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """The times in one of `some` and in one of `others`."""
    rest = list(others)
    return joined((max(a, c), min(b, d)) for a, b in some for c, d in rest if max(a, c) < min(b, d))


def without(some: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """The times in one of `some` and in none of `holes`."""
    found = joined(some)
    for start, stop in joined(holes):
        found = [piece for a, b in found for piece in ((a, min(b, start)), (max(a, stop), b)) if piece[0] < piece[1]]
    return found
