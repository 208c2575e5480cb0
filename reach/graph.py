"""Steps as arrays: grouped by source, those without bounds first, then those that close last first.

No time need be read for the first; the order of the others lets a later label skip most of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

ALWAYS = int(np.iinfo(np.int64).min)
"""As an opening time: open from the start of the mapped period."""
NEVER = int(np.iinfo(np.int64).max)
"""As a closing time, or the end of a hold: it does not end."""

Ints = npt.NDArray[np.int32]
Times = npt.NDArray[np.int64]
Narrow = npt.NDArray[np.int32] | npt.NDArray[np.int64]
"""Seconds after `Steps.base`: 32 bits where all fit (68 years from the first to the last), else 64; its own least and greatest: no bound."""

BUCKETS = 4096
"""Into so many stretches of time the search sorts what begins later."""
_MOST = 1 << 30


@dataclass(frozen=True)
class Steps:
    """`n` nodes, numbered from 0; the steps of node u are `first[u]:first[u + 1]` of the other arrays, from `plain[u]` on with bounds.

    `runs`: a row (first, plain) for each node, and one more. `packed`: twice the target, and one more for a foothold. `times`: a row (opens, closes) each, half open. `number`: which of the
    steps given to `build` it is. `cleaned[cleaned_first[v]:cleaned_first[v + 1]]`: v's remediations, in order.
    `lowest`, `shift`: what begins later than its way in begins from `lowest` on, and within BUCKETS times 2**shift seconds.
    """

    n: int
    base: int
    lowest: int
    shift: int
    runs: Ints
    packed: Ints
    times: Narrow
    number: Ints
    cleaned_first: Ints
    cleaned: Narrow

    def __len__(self) -> int:
        return len(self.packed)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All arrays by name."""
        return {name: getattr(self, name) for name in ARRAYS}

    @property
    def first(self) -> Ints:
        """Where each node's steps begin; one more entry at the end."""
        return self.runs[:, 0].copy()

    @property
    def plain(self) -> Ints:
        """Where each node's steps with bounds begin."""
        return self.runs[:-1, 1].copy()

    @property
    def source(self) -> Ints:
        """The source of each step, in the order of the arrays."""
        return np.repeat(np.arange(self.n, dtype=np.int32), np.diff(self.first))

    @property
    def target(self) -> Ints:
        """The target of each step, in the order of the arrays."""
        return self.packed >> 1

    @property
    def foothold(self) -> npt.NDArray[np.bool_]:
        """Whether each step is a foothold, in the order of the arrays."""
        return (self.packed & 1).astype(bool)

    @property
    def opens(self) -> Times:
        """Seconds since 1970 UTC, or ALWAYS, in the order of the arrays."""
        return absolute(self.times[:, 0], self.base)

    @property
    def closes(self) -> Times:
        """Seconds since 1970 UTC, or NEVER, in the order of the arrays."""
        return absolute(self.times[:, 1], self.base)

    def without(self, gone: Any) -> Steps:
        """The same without some of the steps given to `build` (their indices)."""
        kept = ~np.isin(self.number, gone)
        before = np.zeros(len(kept) + 1, np.int32)
        np.cumsum(kept, out=before[1:])
        return replace(self, runs=before[self.runs], packed=self.packed[kept], times=self.times[kept], number=self.number[kept])

    def widened(self) -> Steps:
        """The same with times of 64 bits from 1970 on, which take whatever time is asked about."""
        times = np.column_stack([self.opens, self.closes])
        return replace(self, base=0, lowest=self.lowest + self.base, times=times, cleaned=absolute(self.cleaned, self.base))


NUMBERS = ("n", "base", "lowest", "shift")
ARRAYS = tuple(f.name for f in fields(Steps) if f.name not in NUMBERS)


def absolute(times: npt.NDArray[Any], base: int) -> Times:
    """Seconds after `base` as seconds since 1970 UTC; the least and the greatest of their type as ALWAYS and NEVER."""
    wide = times.astype(np.int64) + base
    if times.dtype != np.int64:
        bounds = np.iinfo(times.dtype)
        wide[times == bounds.min], wide[times == bounds.max] = ALWAYS, NEVER
    return wide


def relative(times: npt.NDArray[Any], base: int, dtype: Any) -> npt.NDArray[Any]:
    """The inverse of `absolute`, for times that fit."""
    if dtype == np.int64:
        return times.astype(np.int64)
    bounds = np.iinfo(dtype)
    narrow = np.asarray(np.where(times == NEVER, bounds.max, times - base)).astype(dtype)
    narrow[times == ALWAYS] = bounds.min
    return narrow


def build(
    n: int, source: Any, target: Any, opens: Any, closes: Any, foothold: Any, remediations: Sequence[tuple[int, int]] = ()
) -> Steps:
    """Steps from columns of equal length (source and target in `range(n)`, times in seconds or ALWAYS, NEVER).

    `remediations`: (node, time). Steps that are never open are left out. Raises ValueError for a node out of range and for columns
    of different length.
    """
    columns = [np.asarray(column, None if len(column) else np.int64) for column in (source, target, opens, closes, foothold)]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise ValueError("the columns of the steps differ in length")
    cleaned = np.array(sorted(set(remediations)), dtype=np.int64).reshape(-1, 2)
    for ends in (columns[0], columns[1], cleaned[:, 0]):
        if ends.size and (ends.min() < 0 or ends.max() >= n):
            raise ValueError(f"a node is not in 0 … {n - 1}")
    if n > _MOST:
        raise ValueError(f"{n} nodes are more than {_MOST}")
    number = np.flatnonzero(columns[3] > columns[2]).astype(np.int32)
    types = (np.int32, np.int32, np.int64, np.int64, np.bool_)
    if len(number) < len(columns[0]):
        columns = [column[number] for column in columns]
    typed: list[Any] = [column.astype(kind, copy=False) for column, kind in zip(columns, types, strict=True)]
    return _built(n, typed, number, cleaned)


def _built(n: int, columns: list[Any], number: Ints, cleaned: Times) -> Steps:
    """Checked columns, put in order. `cleaned`: rows (node, time), in order."""
    source, target, opens, closes, foothold = columns
    finite = [opens[opens != ALWAYS], cleaned[:, 1], closes[closes != NEVER]]
    least, most = (np.array([getattr(times, which)() for times in finite if len(times)] or [0]) for which in ("min", "max"))
    narrow = int(most.max()) - int(least.min()) < np.iinfo(np.int32).max
    base, dtype = (int(least.min()), np.int32) if narrow else (0, np.int64)
    begins = [int(f(times)) for times in finite[:2] if len(times) for f in (np.min, np.max)] or [0]
    plain = (opens == ALWAYS) & (closes == NEVER)
    # ~x sorts as -x does, without overflow at either end.
    order = np.lexsort((~relative(closes, base, dtype), ~plain, source))
    runs = np.empty((n + 1, 2), np.int32)
    runs[:, 0] = runs[:, 1] = starts_of(source, n)
    runs[:-1, 1] += np.bincount(source[plain], minlength=n).astype(np.int32)
    times = np.empty((len(order), 2), dtype)
    times[:, 0], times[:, 1] = relative(opens, base, dtype)[order], relative(closes, base, dtype)[order]
    return Steps(
        n=n, base=base, lowest=min(begins) - base, shift=max((max(begins) - min(begins)) // BUCKETS, 1).bit_length(),
        runs=runs,
        packed=(target << 1 | foothold)[order],
        times=times,
        number=number[order],
        cleaned_first=starts_of(cleaned[:, 0], n),
        cleaned=relative(cleaned[:, 1], base, dtype),
    )  # fmt: skip


def starts_of(nodes: npt.NDArray[Any], n: int) -> Ints:
    """Where each node's run begins in a sorted column of nodes; one more entry at the end."""
    first = np.zeros(n + 1, dtype=np.int32)
    np.cumsum(np.bincount(nodes.astype(np.int64), minlength=n), out=first[1:])
    return first
