"""Steps as arrays: grouped by source, those that close last first, which is what lets a later label skip most of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

ALWAYS = int(np.iinfo(np.int64).min)
"""As an opening time: open from the start of the mapped period."""
NEVER = int(np.iinfo(np.int64).max)
"""As a closing time, or the end of a hold: it does not end."""

Ints = npt.NDArray[np.int32]
Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Steps:
    """`n` nodes, numbered from 0; the steps of node u are `first[u]:first[u + 1]` of the other arrays, by closing time, last first.

    `opens`, `closes`: seconds since 1970 UTC, half open (ALWAYS, NEVER: no bound). `foothold`: 1 foothold, 0 borrowed.
    `number`: which of the steps given to `build` it is. `cleaned[cleaned_first[v]:cleaned_first[v + 1]]`: v's remediations, in order.
    """

    n: int
    first: Times
    target: Ints
    opens: Times
    closes: Times
    foothold: npt.NDArray[np.uint8]
    number: Ints
    cleaned_first: Times
    cleaned: Times

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(getattr(self, f.name).nbytes for f in fields(self) if f.name != "n")


def build(
    n: int, source: Any, target: Any, opens: Any, closes: Any, foothold: Any, remediations: Sequence[tuple[int, int]] = ()
) -> Steps:
    """Steps from columns of equal length (source and target in `range(n)`, times in seconds or ALWAYS, NEVER).

    `remediations`: (node, time). Steps that are never open are left out. Raises ValueError for a node out of range and for columns
    of different length.
    """
    columns = [np.asarray(column) for column in (source, target, opens, closes, foothold)]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise ValueError("the columns of the steps differ in length")
    cleaned = sorted(set(remediations))
    nodes = np.array([node for node, _ in cleaned], dtype=np.int64)
    for ends in (columns[0], columns[1], nodes):
        if ends.size and (ends.min() < 0 or ends.max() >= n):
            raise ValueError(f"a node is not in 0 … {n - 1}")
    alive = np.flatnonzero(columns[3] > columns[2])
    # ~x sorts as -x does, without overflow at either end.
    order = alive[np.lexsort((~columns[3][alive].astype(np.int64), columns[0][alive]))]
    return Steps(
        n=n,
        first=_starts(columns[0][order], n),
        target=columns[1][order].astype(np.int32),
        opens=columns[2][order].astype(np.int64),
        closes=columns[3][order].astype(np.int64),
        foothold=columns[4][order].astype(np.uint8),
        number=order.astype(np.int32),
        cleaned_first=_starts(nodes, n),
        cleaned=np.array([time for _, time in cleaned], dtype=np.int64),
    )


def _starts(nodes: npt.NDArray[Any], n: int) -> Times:
    """Where each node's run begins in a sorted column of nodes; one more entry at the end."""
    first = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(nodes.astype(np.int64), minlength=n), out=first[1:])
    return first
