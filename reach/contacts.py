"""Contacts (who, whom, when): how many ordered pairs are joined by a way, with and without regard to time.

A way respects time when each contact of it is strictly later than the one before. Everybody is a row of bits, one for each that he
reaches; going back through time, whoever makes a contact gains all that the other reaches by later contacts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

_WORD = 64
_BLOCK = 1 << 14
"""Nodes whose reach is found in one sweep: their bits times all nodes is the memory it takes (1M nodes: 2 GB)."""


@dataclass(frozen=True)
class Pairs:
    """Ordered pairs of different nodes, and what they were counted from."""

    nodes: int
    contacts: int
    static_pairs: int
    time_respecting_pairs: int


def count_pairs(source: Any, target: Any, time: Any) -> Pairs:
    """Count the reachable pairs of contacts; columns of equal length (nodes as any integers, times in any unit and as any number).

    A contact of somebody with himself makes him a node and joins nobody. Raises ValueError for columns of different length.
    """
    source, target = np.asarray(source, np.int64), np.asarray(target, np.int64)
    time = np.unique(np.asarray(time), return_inverse=True)[1]  # only their order counts
    if not source.shape == target.shape == time.shape or source.ndim != 1:
        raise ValueError("the columns of the contacts differ in length")
    names, numbers = np.unique(np.concatenate([source, target]), return_inverse=True)
    n, many = len(names), len(source)
    order = np.argsort(time, kind="stable")[::-1]
    u, v, t = numbers[:many][order].astype(np.int32), numbers[many:][order].astype(np.int32), time[order]
    static = temporal = 0
    edges = np.unique(numbers[:many].astype(np.int64) * n + numbers[many:])
    first = np.searchsorted(edges, np.arange(n + 1, dtype=np.int64) * n)
    leads_to = (edges % n).astype(np.int32) if n else np.empty(0, np.int32)
    leaving = _leaves_first(first, leads_to)
    block = max(_WORD, min(n, _BLOCK * max(1, 131_072 // max(n, 1))))
    for low in range(0, n, block):
        words = (min(block, n - low) + _WORD - 1) // _WORD
        temporal += int(_sweep(n, u, v, t, low, words))
        static += int(_closure(first, leads_to, leaving, low, words))
    return Pairs(n, many, static, temporal)


def _jit(function: Any) -> Any:
    return numba.njit(cache=True, nogil=True)(function)


@_jit
def _ones(bits: Any) -> Any:
    """How many bits are set."""
    total = 0
    for word in bits.ravel():
        x = word
        while x:
            x &= x - np.uint64(1)
            total += 1
    return total


@_jit
def _own(n: Any, bits: Any, low: Any) -> None:
    """Take out that somebody reaches himself."""
    for node in range(n):
        at = node - low
        if 0 <= at < bits.shape[1] * 64:
            bits[node, at >> 6] &= ~(np.uint64(1) << np.uint64(at & 63))


@_jit
def _sweep(n: Any, u: Any, v: Any, t: Any, low: Any, words: Any) -> Any:
    """Pairs (node, one of the `words * 64` nodes from `low`) joined in strict order of time; contacts come latest first."""
    bits = np.zeros((n, words), np.uint64)
    before = np.zeros((n, words), np.uint64)  # what a node reached by later contacts, while those of one time are taken
    changed = np.full(n, -1, np.int64)
    i, group = 0, 0
    while i < len(u):
        end = i
        while end < len(u) and t[end] == t[i]:
            end += 1
        # Who is changed by this time's contacts and asked in the same: the others see what was before.
        for j in range(i, end):
            if changed[u[j]] != group:
                changed[u[j]] = group
                before[u[j]] = bits[u[j]]
        for j in range(i, end):
            a, b = u[j], v[j]
            reached = before[b] if changed[b] == group else bits[b]
            for w in range(words):
                bits[a, w] |= reached[w]
            at = b - low
            if 0 <= at < words * 64:
                bits[a, at >> 6] |= np.uint64(1) << np.uint64(at & 63)
        i = end
        group += 1
    _own(n, bits, low)
    return _ones(bits)


@_jit
def _leaves_first(first: Any, target: Any) -> Any:
    """All nodes, each after those it leads to, but for circles: a depth-first search's order of leaving."""
    n = len(first) - 1
    order, many = np.empty(n, np.int32), 0
    at, seen = first[:-1].copy(), np.zeros(n, np.uint8)
    stack, height = np.empty(n, np.int32), 0
    for root in range(n):
        if seen[root]:
            continue
        seen[root] = 1
        stack[0], height = root, 1
        while height:
            node = stack[height - 1]
            if at[node] == first[node + 1]:
                order[many] = node
                many += 1
                height -= 1
                continue
            following = target[at[node]]
            at[node] += 1
            if not seen[following]:
                seen[following] = 1
                stack[height] = following
                height += 1
    return order


@_jit
def _closure(first: Any, target: Any, order: Any, low: Any, words: Any) -> Any:
    """Pairs joined without regard to time: in that order until nothing is gained, which takes one round more than circles are nested."""
    n = len(first) - 1
    bits = np.zeros((n, words), np.uint64)
    gained = True
    while gained:
        gained = False
        for a in order:
            for j in range(first[a], first[a + 1]):
                b = target[j]
                at = b - low
                if 0 <= at < words * 64:
                    word, bit = at >> 6, np.uint64(1) << np.uint64(at & 63)
                    gained |= not bits[a, word] & bit
                    bits[a, word] |= bit
                for w in range(words):
                    more = bits[a, w] | bits[b, w]
                    gained |= more != bits[a, w]
                    bits[a, w] = more
    _own(n, bits, low)
    return _ones(bits)
