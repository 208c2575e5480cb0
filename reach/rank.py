"""Reach of many starts at once: what each could hold, by kind, and how many of them reach each node.

The same holds as those of reach/search.py, but of a thousand starts together: a row of bits says which of them have a hold (reach/sweep.py). Starts
that lead to each other all the time reach the same, so one of them is walked for all. Exact: equal to one search for each.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from reach.components import components
from reach.graph import NEVER, Steps, absolute, starts_of
from reach.search import first_held
from reach.sweep import Flow, sweep

WORDS = 32
"""64-bit words in a row at most: so many times 64 starts are walked together."""
TOGETHER = 0.97
"""From this share of steps that are open all the time on, starts are swept together; below, each is searched for by itself, which then is faster."""
_ROOM = 1 << 26
"""Bytes of one table of rows at most, of a few in each thread: on large graphs rows are narrower."""
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
    end = NEVER if horizon is None else horizon
    counts, upstream = np.zeros((len(sources), many), np.int64), np.zeros(steps.n, np.int64)
    flow = _flow(steps, start, end)
    ends = _ends(flow, sources, until, end)
    held = np.flatnonzero(ends > start)
    good = _for_good(flow, start, end)
    component = components(steps.n, flow.source[good], flow.target[good]).astype(np.int64)
    alone = component.max(initial=0) + 1 + np.arange(len(held))  # a start that is cleaned is like no other
    _, chosen, same = np.unique(np.where(ends[held] == end, component[sources[held]], alone), return_index=True, return_inverse=True)
    starts, starts_end, weights = sources[held][chosen], ends[held][chosen], np.bincount(same, minlength=len(chosen))
    together = good.mean() >= TOGETHER if len(good) else True
    order = component.max(initial=0) - component
    room = 64 * max(1, min(WORDS, _ROOM // (8 * max(steps.n, 1))))
    workers = threads or os.cpu_count() or 1
    if not together:  # each start is a search of its own: no thread is to be without any
        room = min(room, 64 * max(1, math.ceil(len(starts) / (64 * workers))))
    parts = [slice(i, min(i + room, len(starts))) for i in range(0, len(starts), room)]
    found = np.zeros((len(starts), many), np.int64)

    def work(part: slice) -> Any:
        words = (part.stop - part.start + 63) // 64
        if together:
            bits = sweep(flow, starts[part], starts_end[part], start, end, order, words)
        else:
            bits = np.zeros((steps.n, words), np.uint64)
            for i, source in enumerate(starts[part].tolist()):
                _mark(bits, i, first_held(steps, [(source, start, until)], horizon))
        found[part], reached_by = _count(bits, kinds, many, weights[part])
        return reached_by

    with ThreadPoolExecutor(workers) as pool:
        for reached_by in pool.map(work, parts):
            upstream += reached_by
    counts[held] = found[same]
    return Ranked(counts, upstream)


def _flow(steps: Steps, start: int, end: int) -> Flow:
    """The steps and remediations that count between `start` and `end`; what was open before is open from the start, what closes later at the end."""
    opens, closes = np.maximum(steps.opens, start), np.minimum(steps.closes, end)
    kept = np.flatnonzero(opens < closes)
    source, target, foothold = steps.source[kept], steps.target[kept], steps.foothold[kept]
    cleaned = absolute(steps.cleaned, steps.base)
    node = np.repeat(np.arange(steps.n, dtype=np.int64), np.diff(steps.cleaned_first))
    counts = (cleaned > start) & (cleaned < end)
    cleaned, node = cleaned[counts], node[counts]
    opening = np.flatnonzero(opens[kept] > start)
    into = np.flatnonzero(foothold & np.isin(target, node))
    return Flow(
        starts_of(source, steps.n), source, target, opens[kept], closes[kept], foothold, starts_of(node, steps.n), cleaned,
        opening[np.argsort(opens[kept][opening], kind="stable")],
        np.column_stack([cleaned, node])[np.argsort(cleaned, kind="stable")],
        starts_of(target[into], steps.n), into[np.argsort(target[into], kind="stable")],
    )  # fmt: skip


def _ends(flow: Flow, sources: Any, until: int | None, end: int) -> Any:
    """Until when each start is held."""
    if until is not None:
        return np.full(len(sources), min(until, end), np.int64)
    first = flow.cleaned_first[sources]
    ends = np.full(len(sources), end, np.int64)
    some = first < flow.cleaned_first[sources + 1]
    ends[some] = flow.cleaned[first[some]]
    return ends


def _for_good(flow: Flow, start: int, end: int) -> Any:
    """Which steps let whoever holds their source from `start` to `end` hold their target as long.

    Whoever holds one node of a component of these steps so long holds all of it so long: what starts of one component reach is the same.
    """
    cleaned = np.diff(flow.cleaned_first) > 0
    return (flow.opens == start) & (flow.closes == end) & ~(flow.foothold & cleaned[flow.target])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mark(bits: Any, i: Any, first: Any) -> None:
    """Set the i-th bit of each node that is held from some time on."""
    for v in range(len(first)):
        if first[v] != NEVER:
            bits[v, i >> 6] |= np.uint64(1) << np.uint64(i & 63)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count(bits: Any, kinds: Any, many: Any, weights: Any) -> Any:
    """(counts by start and kind, starts by node) of rows of bits: rows are added up in columns, carry by carry. A start counts `weights` times by node."""
    n, words = bits.shape
    sources = len(weights)
    planes = np.zeros((many, words, _PLANES), np.uint64)
    upstream = np.zeros(n, np.int64)
    several = np.zeros(words, np.uint64)
    for i in range(sources):
        if weights[i] > 1:
            several[i >> 6] |= np.uint64(1) << np.uint64(i & 63)
    for v in range(n):
        for w in range(words):
            carry = bits[v, w]
            upstream[v] += _ones(carry)
            x = carry & several[w]
            while x:
                lowest = x & ~(x - np.uint64(1))
                upstream[v] += weights[w * 64 + _ones(lowest - np.uint64(1))] - 1
                x ^= lowest
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


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _ones(x: Any) -> Any:
    """How many bits of a 64-bit word are set."""
    x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))
