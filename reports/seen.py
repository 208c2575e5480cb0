"""Reach of single accounts by what logs saw: only those need a search of their own from whom a record leads on."""

from __future__ import annotations

from typing import Any

import numpy as np

from reach.evidence import CONFIRMED, INDICATED, Allowed, Seen, Silent, by_level
from reach.graph import ALWAYS
from reach.rank import Ranked
from reports.casegraph import CaseGraph, Index
from reports.evidence import Weighed
from reports.found import Window
from reports.held import KINDS

_NO_SILENCE = Silent(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64))


def by_record(
    graph: CaseGraph, weighed: Weighed, cleaned: list[tuple[int, int]], accounts: Index, kinds: Index, window: Window
) -> tuple[Ranked, Ranked]:  # fmt: skip
    """(indicated, confirmed): what each account reaches by steps that records show, and by those that nobody has to do anything for."""
    thing, allowed, seen = graph.thing, weighed.allowed, weighed.seen
    known = np.flatnonzero(allowed.by_itself & (allowed.opens != ALWAYS) & (thing[allowed.source] != thing[allowed.target]))
    given = Allowed(
        thing[allowed.source[known]], thing[allowed.target[known]], allowed.opens[known], allowed.closes[known], allowed.foothold[known],
        allowed.by_itself[known], allowed.timeless[known],
    )  # fmt: skip
    records = Seen(thing[seen.source], thing[seen.target], seen.at, seen.closes, seen.foothold, seen.attributed)
    leads_on = set(given.source.tolist()) | set(records.source.tolist())
    counts = {level: np.zeros((len(accounts), len(KINDS)), np.int64) for level in (INDICATED, CONFIRMED)}
    upstream = {level: np.zeros(len(graph.keys), np.int64) for level in (INDICATED, CONFIRMED)}
    for i, node in enumerate(accounts.tolist()):
        held = _held(graph, given, records, cleaned, node, window) if node in leads_on else dict.fromkeys(counts, np.array([node]))
        for level, nodes in held.items():
            upstream[level][nodes] += 1
            counted = kinds[nodes]
            counts[level][i] = np.bincount(counted[counted >= 0], minlength=len(KINDS))
    return Ranked(counts[INDICATED], upstream[INDICATED]), Ranked(counts[CONFIRMED], upstream[CONFIRMED])


def _held(graph: CaseGraph, given: Allowed, records: Seen, cleaned: list[tuple[int, int]], node: int, window: Window) -> dict[str, Any]:
    found = by_level(len(graph.keys), given, records, _NO_SILENCE, cleaned, [(node, window.start, window.until)], window.until)
    return {level: np.unique(found[level].labels.node) for level in (INDICATED, CONFIRMED)}
