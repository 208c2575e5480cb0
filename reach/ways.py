"""How a label was reached: its predecessors, back to where the incident began."""

from __future__ import annotations

import numpy as np

from reach.graph import Ints
from reach.search import Labels


def first_labels(labels: Labels, n: int) -> Ints:
    """For each of `n` nodes the label with which it was held first, -1 where it never was."""
    first = np.full(n, -1, dtype=np.int32)
    # Labels are in order of their start: writing them backwards leaves the earliest.
    first[labels.node[::-1]] = np.arange(len(labels) - 1, -1, -1, dtype=np.int32)
    return first


def way(labels: Labels, label: int) -> list[tuple[int, int]]:
    """(label, step by which it was reached) from the start to `label`; the start's step is -1."""
    found = []
    while label >= 0:
        found.append((label, int(labels.via[label])))
        label = int(labels.before[label])
    return found[::-1]
