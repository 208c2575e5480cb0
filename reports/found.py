"""The search that reports are made from: from whom, in which window, by which steps, with what logs say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from graphmodel.store.port import Store
from queries.catalogue import Evidence, Step
from queries.profiles import Profile
from queries.run import read
from reach.evidence import LEVELS, NOT_OBSERVED, Level, by_level
from reach.graph import NEVER
from reach.search import Labels
from reach.ways import first_labels
from reports.casegraph import CaseGraph, Index
from reports.evidence import Weighed, weigh
from reports.remediation import remediated

EXCLUDED = "EXCLUDED"


@dataclass(frozen=True)
class Window:
    """When the seed was held: `[start, until)` in seconds; `until` None: still held."""

    start: int
    until: int | None


@dataclass(frozen=True)
class Catalogue:
    """What reports go by: the steps, the evidence queries, which steps are walked; and where the graph's arrays may be kept."""

    steps: Sequence[Step]
    evidence: Sequence[Evidence]
    profile: Profile
    cache: Path | None = None

    def graph(self, store: Store) -> CaseGraph:
        """The graph as arrays."""
        return CaseGraph(store, self.steps, self.cache)


@dataclass(frozen=True)
class Found:
    """What the search found.

    `walked`: the steps walked (indices into the graph's); `levels`: what is held, by level; `first`: by level the first label of each node
    (-1: none); `stated`: the LogCoverage nodes; `cleaned`: (node, time) of each remediation.
    """

    graph: CaseGraph
    window: Window
    walked: Index
    weighed: Weighed
    levels: dict[str, Level]
    first: dict[str, Any]
    stated: pl.DataFrame
    cleaned: list[tuple[int, int]]

    @property
    def horizon(self) -> int:
        """When the window ends, in seconds; NEVER where it is still open."""
        return NEVER if self.window.until is None else self.window.until

    @property
    def labels(self) -> Labels:
        """All that is allowed, whatever logs say."""
        return self.levels[NOT_OBSERVED].labels

    def level(self, node: int) -> str:
        """The greatest level at which a node is held."""
        return next((level for level in reversed(LEVELS) if self.first[level][node] >= 0), EXCLUDED)


def search(store: Store, catalogue: Catalogue, seeds: Sequence[str], window: Window) -> Found:
    """Everything that follows from holding `seeds` (keys) during the window, by level of evidence."""
    graph = catalogue.graph(store)
    walked = graph.walked(catalogue.profile)
    stated = read(store, "coverage")
    weighed = weigh(store, graph, walked, catalogue.evidence, stated)
    cleaned = graph.cleaned(remediated(read(store, "remediations"), graph.identity))
    starts = [(graph.number[key], window.start, window.until) for key in seeds]
    levels = by_level(len(graph.keys), weighed.allowed, weighed.seen, weighed.silent, cleaned, starts, window.until)
    first = {level: first_labels(levels[level].labels, len(graph.keys)) for level in LEVELS}
    return Found(graph, window, walked, weighed, levels, first, stated, cleaned)


