"""The exposure curve: how much is held and disclosed by when, and what an earlier discovery would have saved.

What is held before a time does not depend on what comes after it, so one search tells of every shorter window too: discovered at
an earlier time, just what begins before that is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from graphmodel.store.port import Store
from graphmodel.times import DAY, to_iso
from reach.evidence import LEVELS
from reach.graph import NEVER
from reports.disclosure import external
from reports.found import Catalogue, Found, Window, search
from reports.held import KINDS, folder_spans, held_spans

EARLIER = ((7, "a week"), (30, "a month"), (183, "six months"))
"""Days by which discovery could have come earlier, and in words."""


def curve(store: Store, catalogue: Catalogue, seeds: Sequence[str], window: Window, last: int) -> dict[str, Any]:
    """Exposure over dwell: `points` (one a day, cumulative), `totals`, `earlier` (what was saved).

    A point: `at` (end of that day, or of the window), `days` (since the start), `reached` (kind -> level -> things held by then at that level
    or above), `persons`, `addresses`, `messages` (outside, disclosed by mail at rest by then). `last`: where an open window is cut (seconds).
    """
    found = search(store, catalogue, seeds, window)
    end = last if window.until is None else window.until
    begun = _begun(found)
    folders = folder_spans(store, found.graph, found.labels, catalogue.profile, found.horizon)
    told = external(store, held_spans(found.graph, found.labels, found.horizon), folders)
    ends = _days(window.start, end)
    points = [_point(begun, told, window.start, at) for at in ends]
    return {
        "window": {"from": to_iso(window.start), "until": to_iso(window.until)},
        "profile": catalogue.profile.name,
        "state": store.state(),
        "points": points,
        "totals": points[-1],
        "earlier": [_saved(begun, told, window.start, end, days, words, points[-1]) for days, words in EARLIER if end - days * DAY > window.start],
    }


def _days(start: int, end: int) -> list[int]:
    """The end of each day of the window; the last is the window's."""
    return [*range(start + DAY, end, DAY), end]


def _begun(found: Found) -> dict[tuple[str, str], np.ndarray[Any, Any]]:
    """(kind, level) -> when each thing was first held at that level or above, sorted; a thing once, whatever names it has."""
    graph = found.graph
    kinds = np.array(graph.kinds)
    begun: dict[tuple[str, str], np.ndarray[Any, Any]] = {}
    for level in LEVELS:
        first, labels = found.first[level], found.levels[level].labels
        times = np.full(len(graph.keys), NEVER, np.int64)
        np.minimum.at(times, graph.thing[first >= 0], labels.start[first[first >= 0]])
        for kind in KINDS:
            begun[kind, level] = np.sort(times[(times < NEVER) & (kinds == kind)])
    return begun


def _point(begun: dict[tuple[str, str], np.ndarray[Any, Any]], told: pl.DataFrame, start: int, at: int) -> dict[str, Any]:
    reached = {
        kind: {level: int(np.searchsorted(begun[kind, level], at, side="left")) for level in reversed(LEVELS)}
        for kind in KINDS if len(begun[kind, LEVELS[0]])
    }  # fmt: skip
    seen = told.filter(pl.col("since") < at)
    counts = {name: seen[column].n_unique() for name, column in (("persons", "person"), ("addresses", "address"), ("messages", "distinct"))}
    return {"at": to_iso(at), "days": round((at - start) / DAY, 2), "reached": reached, **counts}


def _saved(
    begun: dict[tuple[str, str], np.ndarray[Any, Any]], told: pl.DataFrame, start: int, end: int, days: int, words: str, all_: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """What discovery so many days earlier would have left out: the same numbers, as differences."""
    then = _point(begun, told, start, end - days * DAY)
    reached = {kind: {level: all_["reached"][kind][level] - n for level, n in levels.items()} for kind, levels in then["reached"].items()}
    return {"days": days, "words": words, "at": then["at"], "reached": reached} | {name: all_[name] - then[name] for name in ("persons", "addresses", "messages")}
