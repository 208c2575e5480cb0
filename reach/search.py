"""The search of design.md 3: labels (node, from, until) in order of `from`, for both kinds of hold, remediations and re-infection.

A kept label extends how long its node is held, so it need only look at steps that close after the node's earlier hold ended:
steps are sorted by closing time for that. Labels that begin now are kept in the order found (fewest steps first) without a heap;
the heap holds only those that begin later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from reach.graph import ALWAYS, NEVER, Ints, Steps, Times


@dataclass(frozen=True)
class Labels:
    """What was held, in order of `start`: `node` during `[start, end)` (seconds; NEVER: it does not end).

    `before`: the label it was reached from, -1 for a start. `via`: which of the steps given to `build`, -1 for a start.
    Labels of one node may overlap; each reaches further than those before it.
    """

    node: Ints
    start: Times
    end: Times
    before: Ints
    via: Ints

    def __len__(self) -> int:
        return len(self.node)


def reach(steps: Steps, starts: Sequence[tuple[int, int, int | None]], horizon: int | None = None) -> Labels:
    """All that is held when each (node, from, until) of `starts` is; until None: until its next remediation, or for good.

    Labels that begin at `horizon` or later are left out. Raises ValueError for a node out of range.
    """
    for node, _, _ in starts:
        if not 0 <= node < steps.n:
            raise ValueError(f"node {node} is not in 0 … {steps.n - 1}")
    seeds = np.array(
        [(start, until_of(steps, node, start) if until is None else until, 0, node, -1, -1) for node, start, until in starts], dtype=_LABEL
    )
    found = _search(
        steps.n, steps.first, steps.target, steps.opens, steps.closes, steps.foothold, steps.cleaned_first, steps.cleaned,
        seeds, NEVER if horizon is None else horizon,
    )  # fmt: skip
    numbers = np.append(steps.number, np.int32(-1))  # so that via -1 stays -1
    node, start, end, before = (found[name].copy() for name in ("node", "start", "end", "before"))
    return Labels(node, start, end, before, numbers[found["via"]])


def until_of(steps: Steps, node: int, time: int) -> int:
    """The first remediation of `node` after `time`, or NEVER."""
    cleaned = steps.cleaned[steps.cleaned_first[node] : steps.cleaned_first[node + 1]]
    later = int(np.searchsorted(cleaned, time, side="right"))
    return int(cleaned[later]) if later < len(cleaned) else NEVER


# `had`: until when the node was held by its labels before this one; `via`: index into the sorted steps.
_LABEL = np.dtype([("start", "i8"), ("end", "i8"), ("had", "i8"), ("node", "i4"), ("before", "i4"), ("via", "i4")], align=True)


def _jit(function: Any) -> Any:
    return numba.njit(cache=True, nogil=True)(function)


@_jit
def _end_of_hold(cleaned: Any, low: Any, high: Any, time: Any) -> Any:
    """The first remediation after `time` in cleaned[low:high], or NEVER."""
    last = high
    while low < high:
        middle = (low + high) // 2
        if cleaned[middle] <= time:
            low = middle + 1
        else:
            high = middle
    return cleaned[low] if low < last else NEVER


@_jit
def _room(labels: Any, used: Any, more: Any) -> Any:
    """The array with room for `more` labels after `used`: itself, or one at least twice as long."""
    if used + more <= len(labels):
        return labels
    larger = np.empty(max(2 * len(labels), used + more), labels.dtype)
    larger[:used] = labels[:used]
    return larger


@_jit
def _put(labels: Any, at: Any, start: Any, end: Any, node: Any, before: Any, via: Any) -> None:
    row = labels[at]
    row.start, row.end, row.node, row.before, row.via = start, end, node, before, via


@_jit
def _keep(kept: Any, at: Any, best: Any, start: Any, end: Any, node: Any, before: Any, via: Any) -> None:
    """Keep a label that extends how long its node is held."""
    _put(kept, at, start, end, node, before, via)
    kept[at].had = best[node]
    best[node] = end


@_jit
def _still_open(closes: Any, low: Any, high: Any, had: Any) -> Any:
    """Where the steps closes[low:high], last first, begin to close by `had`."""
    while low < high:
        middle = (low + high) // 2
        if closes[middle] > had:
            low = middle + 1
        else:
            high = middle
    return low


@_jit
def _sooner(a: Any, b: Any) -> Any:
    """Earlier start first, then the longer hold, then the one found first."""
    if a.start != b.start:
        return a.start < b.start
    if a.end != b.end:
        return a.end > b.end
    return a.before < b.before or (a.before == b.before and a.via < b.via)


@_jit
def _sift_up(heap: Any, at: Any) -> None:
    while at > 0:
        parent = (at - 1) >> 1
        if not _sooner(heap[at], heap[parent]):
            return
        _swap(heap, at, parent)
        at = parent


@_jit
def _sift_down(heap: Any, size: Any) -> None:
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _sooner(heap[child + 1], heap[child]):
            child += 1
        if not _sooner(heap[child], heap[at]):
            return
        _swap(heap, at, child)
        at = child


@_jit
def _swap(heap: Any, a: Any, b: Any) -> None:
    x, y = heap[a], heap[b]
    x.start, y.start = y.start, x.start
    x.end, y.end = y.end, x.end
    x.node, y.node = y.node, x.node
    x.before, y.before = y.before, x.before
    x.via, y.via = y.via, x.via


@_jit
def _search(
    n: Any, first: Any, target: Any, opens: Any, closes: Any, foothold: Any, cleaned_first: Any, cleaned: Any, seeds: Any, horizon: Any
) -> Any:
    """The kept labels, as rows of _LABEL."""
    best = np.full(n, ALWAYS, np.int64)  # until when the kept labels hold each node
    kept, many, head = np.empty(1024 + len(seeds), seeds.dtype), 0, 0  # the next to look at is `head`
    heap, waiting = np.empty(1024 + len(seeds), seeds.dtype), 0  # labels that begin later
    for seed in seeds:
        _put(heap, waiting, seed.start, seed.end, seed.node, -1, -1)
        _sift_up(heap, waiting)
        waiting += 1
    holds = 1 + (np.diff(cleaned_first).max() if len(cleaned) else 0)  # what one step can make at most
    while head < many or waiting > 0:
        if head == many:
            # Nothing more begins now: go on to what begins next.
            waiting -= 1
            _swap(heap, 0, waiting)
            _sift_down(heap, waiting)
            then = heap[waiting]
            if then.start < min(then.end, horizon) and then.end > best[then.node]:
                kept = _room(kept, many, 1)
                _keep(kept, many, best, then.start, then.end, then.node, then.before, then.via)
                many += 1
            continue
        u, had = kept[head].node, kept[head].had
        # Further steps closed while the node was held before: they were taken then.
        last = first[u + 1] if had == ALWAYS else _still_open(closes, first[u], first[u + 1], had)
        kept, heap = _room(kept, many, (last - first[u]) * holds), _room(heap, waiting, (last - first[u]) * holds)
        many, waiting = _walk(first[u], last, target, opens, closes, foothold, cleaned_first, cleaned, horizon, best, kept, many, heap, waiting, head)
        head += 1
    return kept[:many]


@_jit
def _walk(
    low: Any, high: Any, target: Any, opens: Any, closes: Any, foothold: Any, cleaned_first: Any, cleaned: Any, horizon: Any,
    best: Any, kept: Any, many: Any, heap: Any, waiting: Any, head: Any,
) -> Any:  # fmt: skip
    """Take the steps low:high from the label at `head`: what begins now is kept, what begins later goes to the heap."""
    now, until = kept[head].start, kept[head].end
    for step in range(low, high):
        v = target[step]
        if best[v] == NEVER:
            continue  # held for good since before
        begin, stop = max(now, opens[step]), min(until, closes[step])
        # Borrowed: one hold. Foothold: one until the next remediation, and again from each while the way is open.
        while begin < stop and begin < horizon:
            end = _end_of_hold(cleaned, cleaned_first[v], cleaned_first[v + 1], begin) if foothold[step] else stop
            if end > best[v] and begin == now:
                _keep(kept, many, best, now, end, v, head, step)
                many += 1
            elif end > best[v]:
                _put(heap, waiting, begin, end, v, head, step)
                _sift_up(heap, waiting)
                waiting += 1
            begin = end
    return many, waiting
