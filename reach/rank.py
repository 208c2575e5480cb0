"""Reach of many starts at once: what each could hold, by kind, and how many of them reach each node.

The same labels as reach/search.py, but of a thousand starts together: a row of bits says which of them have a label. Starts whose
labels have the same times (most do: most steps are open all the time) are walked as one. Exact: equal to one search for each.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from reach.graph import NEVER, Steps

WORDS = 32
"""64-bit words in a row: so many times 64 starts are walked together (benchmarks/rank.py compares widths)."""
_PLANES = 32  # of the counters: nodes are numbered by 32-bit integers


@dataclass(frozen=True)
class Ranked:
    """`counts[i, k]`: how many nodes of kind k the i-th start holds at some time, itself among them; `upstream[v]`: how many starts hold v."""

    counts: npt.NDArray[np.int64]
    upstream: npt.NDArray[np.int64]


def rank(steps: Steps, sources: Any, start: int, until: int | None, kinds: Any, many: int, horizon: int | None = None, threads: int | None = None) -> Ranked:
    """Reach of each of `sources` (nodes), held from `start` until `until` (None: until its next remediation, or for good).

    `kinds[v]`: kind of node v in `range(many)`, -1: not counted. `horizon`: what begins then or later does not count. Raises ValueError
    for a node out of range.
    """
    sources = np.asarray(sources, np.int32)
    kinds = np.asarray(kinds, np.int8)
    if sources.size and (sources.min() < 0 or sources.max() >= steps.n) or kinds.shape != (steps.n,):
        raise ValueError("a start is no node, or the kinds are not one a node")
    counts = np.zeros((len(sources), many), np.int64)
    upstream = np.zeros(steps.n, np.int64)
    wide = steps.widened()
    target, foothold, opens, closes = wide.target, wide.foothold, wide.times[:, 0].copy(), wide.times[:, 1].copy()
    parts = [slice(i, min(i + WORDS * 64, len(sources))) for i in range(0, len(sources), WORDS * 64)]

    def work(part: slice) -> tuple[slice, Any, Any]:
        chosen = sources[part]
        words = (len(chosen) + 63) // 64
        bits = _reached(
            wide.n, wide.first, target, opens, closes, foothold, wide.cleaned_first, wide.cleaned, chosen,
            start, NEVER if until is None else until, until is None, NEVER if horizon is None else horizon, words,
        )  # fmt: skip
        return part, *_count(bits, kinds, many, len(chosen))

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        for part, found, reached_by in pool.map(work, parts):
            counts[part] = found
            upstream += reached_by
    return Ranked(counts, upstream)


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


class _Holds(NamedTuple):
    """The holds there are. `hold`: (until, node, next hold of the node, whether it waits); `bits`: whose it is; `waits`: for whom it is new.

    `head[v]`: node v's newest hold, -1: none; `queue`: a ring of holds to walk from; `counts`: holds, the ring's beginning and end; `spare`: a row.
    """

    head: Any
    hold: Any
    bits: Any
    waits: Any
    queue: Any
    counts: Any
    spare: Any


class _Later(NamedTuple):
    """Holds that begin later: `time` (from, until, node) and `rows`; `heap` orders them; places that are free again are in `free`.

    `counts`: in the heap, places used, places free.
    """

    time: Any
    rows: Any
    heap: Any
    free: Any
    counts: Any


@_jit
def _larger(table: Any) -> Any:
    """The table with twice the rows."""
    grown = np.zeros((2 * table.shape[0], table.shape[1]), table.dtype)
    grown[: table.shape[0]] = table
    return grown


@_jit
def _uncovered(holds: Any, row: Any, v: Any, end: Any) -> Any:
    """Put into `spare` those of `row` whom no hold of v covers until `end`. Returns the hold that ends just then, -1: none; -2: nobody is left."""
    spare = holds.spare
    spare[:] = row
    same, at = -1, holds.head[v]
    while at >= 0:
        if holds.hold[at, 0] >= end:
            left = np.uint64(0)
            for w in range(len(spare)):
                spare[w] &= ~holds.bits[at, w]
                left |= spare[w]
            if left == 0:
                return -2
            if holds.hold[at, 0] == end:
                same = at
        at = holds.hold[at, 2]
    return same


@_jit
def _add(holds: Any, row: Any, v: Any, end: Any) -> Any:
    """Give node v a hold until `end` for those in `row` who have none as long. Returns the holds, whose tables may have grown."""
    at = _uncovered(holds, row, v, end)
    if at == -2:
        return holds
    if at == -1:
        at = holds.counts[0]
        holds.counts[0] += 1
        if at == holds.hold.shape[0]:
            holds = _Holds(holds.head, _larger(holds.hold), _larger(holds.bits), _larger(holds.waits), _requeued(holds), holds.counts, holds.spare)
        holds.hold[at, 0], holds.hold[at, 1], holds.hold[at, 2], holds.hold[at, 3] = end, v, holds.head[v], 0
        holds.head[v] = at
    for w in range(len(holds.spare)):
        holds.bits[at, w] |= holds.spare[w]
        holds.waits[at, w] |= holds.spare[w]
    if holds.hold[at, 3] == 0:
        holds.hold[at, 3] = 1
        holds.queue[holds.counts[2] % len(holds.queue)] = at
        holds.counts[2] += 1
    return holds


@_jit
def _requeued(holds: Any) -> Any:
    """A ring of twice the room, with what waits at its beginning."""
    queue, counts = holds.queue, holds.counts
    grown = np.zeros(2 * len(queue), np.int64)
    many = counts[2] - counts[1]
    for i in range(many):
        grown[i] = queue[(counts[1] + i) % len(queue)]
    counts[1], counts[2] = 0, many
    return grown


@_jit
def _put(later: Any, begin: Any, end: Any, v: Any, row: Any) -> Any:
    """Keep a hold that begins later. Returns the tables, which may have grown."""
    if later.counts[2] > 0:
        later.counts[2] -= 1
        at = later.free[later.counts[2]]
    else:
        at = later.counts[1]
        later.counts[1] += 1
        if at == later.time.shape[0]:
            more = np.zeros(at, np.int64)
            later = _Later(_larger(later.time), _larger(later.rows), np.append(later.heap, more), np.append(later.free, more), later.counts)
    later.time[at, 0], later.time[at, 1], later.time[at, 2] = begin, end, v
    later.rows[at] = row
    heap, place = later.heap, later.counts[0]
    heap[place] = at
    later.counts[0] += 1
    while place > 0 and later.time[heap[place], 0] < later.time[heap[(place - 1) >> 1], 0]:
        heap[place], heap[(place - 1) >> 1] = heap[(place - 1) >> 1], heap[place]
        place = (place - 1) >> 1
    return later


@_jit
def _next(later: Any) -> Any:
    """Take the hold that begins next; its place, whose content stays until the next `_put`."""
    heap, time = later.heap, later.time
    top = heap[0]
    later.counts[0] -= 1
    size = later.counts[0]
    heap[0] = heap[size]
    place = 0
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and time[heap[child + 1], 0] < time[heap[child], 0]:
            child += 1
        if time[heap[child], 0] >= time[heap[place], 0]:
            break
        heap[place], heap[child] = heap[child], heap[place]
        place = child
    later.free[later.counts[2]] = top
    later.counts[2] += 1
    return top


@_jit
def _begun(n: Any, sources: Any, start: Any, until: Any, by_cleaning: Any, horizon: Any, cleaned_first: Any, cleaned: Any, words: Any) -> Any:
    """The starts' own holds."""
    room = 1024 + n
    holds = _Holds(
        np.full(n, -1, np.int64), np.zeros((room, 4), np.int64), np.zeros((room, words), np.uint64), np.zeros((room, words), np.uint64),
        np.zeros(room, np.int64), np.zeros(3, np.int64), np.zeros(words, np.uint64),
    )  # fmt: skip
    row = np.zeros(words, np.uint64)
    for i in range(len(sources)):
        v = sources[i]
        end = _end_of_hold(cleaned, cleaned_first[v], cleaned_first[v + 1], start) if by_cleaning else until
        if start < min(end, horizon):
            row[:] = 0
            row[i >> 6] = np.uint64(1) << np.uint64(i & 63)
            holds = _add(holds, row, v, end)
    return holds


@_jit
def _walk(holds: Any, later: Any, low: Any, high: Any, target: Any, opens: Any, closes: Any, foothold: Any, cleaned_first: Any, cleaned: Any,
          now: Any, until: Any, horizon: Any, row: Any) -> Any:  # fmt: skip
    """Take the steps low:high, last to close first, from a hold until `until`, for those in `row`."""
    for step in range(low, high):
        if closes[step] <= now:
            break
        v = target[step]
        begin, stop = max(now, opens[step]), min(until, closes[step])
        while begin < stop and begin < horizon:
            end = _end_of_hold(cleaned, cleaned_first[v], cleaned_first[v + 1], begin) if foothold[step] else stop
            if begin == now:
                holds = _add(holds, row, v, end)
            else:
                later = _put(later, begin, end, v, row)
            begin = end
    return holds, later


@_jit
def _reached(
    n: Any, first: Any, target: Any, opens: Any, closes: Any, foothold: Any, cleaned_first: Any, cleaned: Any, sources: Any,
    start: Any, until: Any, by_cleaning: Any, horizon: Any, words: Any,
) -> Any:  # fmt: skip
    """For each node the starts that hold it at some time, as a row of bits."""
    holds = _begun(n, sources, start, until, by_cleaning, horizon, cleaned_first, cleaned, words)
    later = _Later(
        np.zeros((1024, 3), np.int64), np.zeros((1024, words), np.uint64), np.zeros(1024, np.int64), np.zeros(1024, np.int64), np.zeros(3, np.int64)
    )
    row, now = np.zeros(words, np.uint64), start
    while True:
        if holds.counts[1] < holds.counts[2]:
            at = holds.queue[holds.counts[1] % len(holds.queue)]
            holds.counts[1] += 1
            holds.hold[at, 3] = 0
            row[:] = holds.waits[at]
            holds.waits[at, :] = 0
            u = holds.hold[at, 1]
            holds, later = _walk(holds, later, first[u], first[u + 1], target, opens, closes, foothold, cleaned_first, cleaned,
                                 now, holds.hold[at, 0], horizon, row)  # fmt: skip
        elif later.counts[0] > 0:
            top = _next(later)
            now = later.time[top, 0]
            row[:] = later.rows[top]
            holds = _add(holds, row, later.time[top, 2], later.time[top, 1])
        else:
            break
    found = np.zeros((n, words), np.uint64)
    for at in range(holds.counts[0]):
        found[holds.hold[at, 1]] |= holds.bits[at]
    return found


@_jit
def _count(bits: Any, kinds: Any, many: Any, sources: Any) -> Any:
    """(counts by start and kind, starts by node) of rows of bits: rows are added up in columns, carry by carry."""
    n, words = bits.shape
    planes = np.zeros((many, words, _PLANES), np.uint64)
    upstream = np.zeros(n, np.int64)
    for v in range(n):
        for w in range(words):
            carry = bits[v, w]
            x = carry
            while x:
                x &= x - np.uint64(1)
                upstream[v] += 1
            plane = 0
            while carry and kinds[v] >= 0:
                both = planes[kinds[v], w, plane] & carry
                planes[kinds[v], w, plane] ^= carry
                carry = both
                plane += 1
    counts = np.zeros((sources, many), np.int64)
    for i in range(sources):
        for k in range(many):
            for plane in range(_PLANES):
                counts[i, k] += np.int64((planes[k, i >> 6, plane] >> np.uint64(i & 63)) & np.uint64(1)) << plane
    return counts, upstream
