"""On graphs that outgrow the caches the search takes other ways (queues are sorted): what it finds is the same."""

from __future__ import annotations

import igraph
import numpy as np

from reach import rank as ranking
from reach.graph import ALWAYS, NEVER, build
from reach.kernel import _LARGE
from reach.rank import rank
from reach.search import reach

N, MANY = 220_000, 2_200_000


def columns(bounded):
    dice = np.random.default_rng(5)
    opens, length = dice.integers(0, 1000, MANY), dice.integers(1, 1000, MANY)
    closes = opens + length
    opens[dice.random(MANY) >= bounded], closes[dice.random(MANY) >= bounded] = ALWAYS, NEVER
    return dice.integers(0, N, MANY), dice.integers(0, N, MANY), opens, closes, dice.random(MANY) < 0.3


def test_without_times_it_holds_what_igraph_reaches():
    found = columns(0.0)
    labels = reach(build(N, *found), [(3, 0, None)])
    expected = igraph.Graph(n=N, edges=np.column_stack(found[:2]), directed=True).subcomponent(3, mode="out")
    assert MANY > _LARGE and len(labels) > 200_000
    assert sorted(labels.node.tolist()) == sorted(expected)


def test_with_times_it_holds_what_the_sweep_does_and_every_label_comes_of_its_step(monkeypatch):
    monkeypatch.setattr(ranking, "TOGETHER", 0.0)
    source, target, opens, closes, foothold = columns(0.2)
    cleaned = [(v, 300 + v % 500) for v in range(0, N, 50)]
    steps = build(N, source, target, opens, closes, foothold, cleaned)
    labels = reach(steps, [(3, 0, None)])
    swept = rank(steps, [3], 0, None, np.zeros(N, np.int8), 1)
    assert np.unique(labels.node).tolist() == np.flatnonzero(swept.upstream).tolist()
    assert np.all(np.diff(labels.start) >= 0) and len(labels) > len(np.unique(labels.node))
    later = labels.before >= 0
    before, via, at = labels.before[later], labels.via[later], labels.start[later]
    assert np.all(before < np.flatnonzero(later))
    assert np.array_equal(source[via], labels.node[before]) and np.array_equal(target[via], labels.node[later])
    assert np.all((opens[via] <= at) & (at < closes[via]) & (labels.start[before] <= at) & (at < labels.end[before]))
