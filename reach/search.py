"""The search of design.md 3: labels (node, from, until) in order of `from`, for both kinds of hold, remediations and re-infection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.core.event import Listener, install_listener

from reach import kernel
from reach.graph import ALWAYS, NEVER, Ints, Steps, Times, absolute, relative


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
    steps, found = _found(steps, starts, horizon)
    node, before, via = (found[:, column].astype(np.int32) for column in (kernel.NODE, kernel.BEFORE, kernel.VIA))
    way_in = via >= 0  # a start has none
    via[way_in] = steps.number[via[way_in]]
    return Labels(node, absolute(found[:, kernel.START], steps.base), absolute(found[:, kernel.END], steps.base), before, via)


def first_held(steps: Steps, starts: Sequence[tuple[int, int, int | None]], horizon: int | None = None) -> Times:
    """For each node when it is first held (seconds; NEVER: not at all). As `reach`, but says nothing else, and takes a little less time."""
    steps, found = _found(steps, starts, horizon)
    first = np.full(steps.n, NEVER, np.int64)
    # Labels are in order of their start: writing them backwards leaves the earliest.
    first[found[::-1, kernel.NODE]] = absolute(found[::-1, kernel.START], steps.base)
    return first


@contextmanager
def compiling(tell: Callable[[], None]) -> Iterator[None]:
    """Within it, call `tell` once if and when the kernel has to be compiled: on the first start, or where nothing can be kept on disk."""
    listener = _Compiling(tell)
    with install_listener("numba:compile", listener):
        yield


class _Compiling(Listener):  # type: ignore[misc]
    """Hears when numba compiles a function of this room, rather than reads what it compiled before."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self.tell: Callable[[], None] | None = tell

    def on_start(self, event: Any) -> None:
        if self.tell is not None and event.data["dispatcher"].py_func.__module__.startswith("reach."):
            tell, self.tell = self.tell, None
            tell()

    def on_end(self, event: Any) -> None:
        """Of no interest."""


def until_of(steps: Steps, node: int, time: int) -> int:
    """The first remediation of `node` after `time`, or NEVER."""
    cleaned = absolute(steps.cleaned[steps.cleaned_first[node] : steps.cleaned_first[node + 1]], steps.base)
    later = int(np.searchsorted(cleaned, time, side="right"))
    return int(cleaned[later]) if later < len(cleaned) else NEVER


def _found(steps: Steps, starts: Sequence[tuple[int, int, int | None]], horizon: int | None) -> tuple[Steps, Any]:
    """The kernel's labels, and the steps whose times they are in."""
    for node, _, _ in starts:
        if not 0 <= node < steps.n:
            raise ValueError(f"node {node} is not in 0 … {steps.n - 1}")
    rows = [(node, start, until_of(steps, node, start) if until is None else until) for node, start, until in starts]
    seeds = np.array(rows, dtype=np.int64).reshape(-1, 3)
    dtype = steps.times.dtype
    bounds = np.iinfo(dtype)
    asked = [time for row in rows for time in row[1:] if time not in (ALWAYS, NEVER)]
    if dtype != np.int64 and any(not bounds.min < time - steps.base < bounds.max for time in asked):
        return _found(steps.widened(), starts, horizon)
    narrow = np.column_stack([seeds[:, 0].astype(dtype), relative(seeds[:, 1], steps.base, dtype), relative(seeds[:, 2], steps.base, dtype)])
    end = NEVER if horizon is None else horizon
    last = bounds.max if end == NEVER else int(min(max(end - steps.base, bounds.min), bounds.max))
    graph = (steps.runs, steps.packed, steps.times, steps.cleaned_first, steps.cleaned)
    return steps, kernel.search(steps.n, graph, narrow, last, bounds.min, bounds.max, steps.lowest, steps.shift)
