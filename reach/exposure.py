"""Which steps could be taken when, without walking on: what passes a held place, who could be approached."""

from __future__ import annotations

from typing import Any

import numpy as np

from reach.graph import Ints, Times
from reach.search import Labels


def overlaps(labels: Labels, source: Any, opens: Any, closes: Any) -> tuple[Ints, Ints, Times, Times]:
    """(step, label, start, stop) for each time in which a step's source is held while the step is open; `[start, stop)`, in seconds.

    `source`, `opens`, `closes`: columns of the steps asked about; `step` is an index into them. Ordered by step, then label.
    """
    source, opens, closes = np.asarray(source, np.int64), np.asarray(opens, np.int64), np.asarray(closes, np.int64)
    by_node = np.argsort(labels.node, kind="stable")
    sorted_nodes = labels.node[by_node]
    low = np.searchsorted(sorted_nodes, source, side="left")
    many = np.searchsorted(sorted_nodes, source, side="right") - low
    step = np.repeat(np.arange(len(source)), many)
    # Within each step's run: 0, 1, 2 … on top of where its source's labels begin.
    within = np.arange(len(step)) - np.repeat(np.cumsum(many) - many, many)
    label = by_node[np.repeat(low, many) + within]
    start = np.maximum(labels.start[label], opens[step])
    stop = np.minimum(labels.end[label], closes[step])
    some = start < stop
    return step[some].astype(np.int32), label[some].astype(np.int32), start[some], stop[some]
