"""Many starts at once are the same as one search for each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reach import rank as ranking
from reach import sweep
from reach.graph import ALWAYS, NEVER, build
from reach.rank import rank
from reach.search import first_held, reach

N = 9
NODES = st.integers(0, N - 1)
TIMES = st.none() | st.integers(0, 11)
STEPS = st.lists(st.tuples(NODES, NODES, TIMES, TIMES, st.booleans()), max_size=20)
CLEANED = st.lists(st.tuples(NODES, st.integers(0, 11)), max_size=4)
KINDS = np.array([0, 1, 2, 0, 1, 2, 0, -1, 1], np.int8)


def built(rows, cleaned, n=N):
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return build(n, columns[0], columns[1], [ALWAYS if t is None else t for t in columns[2]], [NEVER if t is None else t for t in columns[3]], columns[4], cleaned)


def one_by_one(steps, sources, start, until, kinds, horizon):
    counts = np.zeros((len(sources), 3), np.int64)
    upstream = np.zeros(steps.n, np.int64)
    for i, source in enumerate(sources):
        nodes = np.unique(reach(steps, [(source, start, until)], horizon).node)
        upstream[nodes] += 1
        for kind in kinds[nodes]:
            if kind >= 0:
                counts[i, kind] += 1
    return counts, upstream


@pytest.fixture(params=["together", "each by itself"])
def way(request, monkeypatch):
    """Both ways to walk, whatever the share of steps that are open all the time."""
    monkeypatch.setattr(ranking, "TOGETHER", 0.0 if request.param == "together" else 2.0)


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, CLEANED, st.integers(0, 6), st.none() | st.integers(7, 12), st.none() | st.integers(2, 12))
def test_it_equals_one_search_a_start(way, rows, cleaned, start, until, horizon):
    steps, sources = built(rows, cleaned), list(range(N))
    found = rank(steps, sources, start, until, KINDS, 3, horizon)
    counts, upstream = one_by_one(steps, sources, start, until, KINDS, horizon)
    assert found.counts.tolist() == counts.tolist() and found.upstream.tolist() == upstream.tolist()


@pytest.mark.parametrize("bounded", [0.0, 0.2, 1.0])
def test_it_equals_one_search_a_start_on_larger_graphs_in_several_batches(bounded, way, monkeypatch):
    monkeypatch.setattr(ranking, "WORDS", 1)
    dice = np.random.default_rng(int(bounded * 10) + 3)
    n, many = 150, 500
    opens = np.where(dice.random(many) < bounded, dice.integers(0, 100, many), ALWAYS)
    closes = np.where(dice.random(many) < bounded, dice.integers(20, 140, many), NEVER)
    steps = build(n, dice.integers(0, n, many), dice.integers(0, n, many), opens, closes, dice.random(many) < 0.3,
                  [(int(v), int(t)) for v, t in zip(dice.integers(0, n, 40), dice.integers(0, 120, 40), strict=True)])  # fmt: skip
    kinds = dice.integers(-1, 3, n).astype(np.int8)
    found = rank(steps, np.arange(n), 10, 90, kinds, 3, 90)
    counts, upstream = one_by_one(steps, range(n), 10, 90, kinds, 90)
    assert found.counts.tolist() == counts.tolist() and found.upstream.tolist() == upstream.tolist()


def test_starts_that_lead_to_each_other_all_the_time_are_walked_once(way, monkeypatch):
    walked = []

    def counting(*given):
        walked.append(len(given[1]))
        return sweep.sweep(*given)

    monkeypatch.setattr(ranking, "sweep", counting)
    monkeypatch.setattr(ranking, "first_held", lambda steps, starts, horizon: walked.append(len(starts)) or first_held(steps, starts, horizon))
    ring = [(0, 1, None, None, True), (1, 2, None, None, False), (2, 0, None, 50, False), (2, 0, None, None, False), (2, 3, 5, 9, True)]
    found = rank(built(ring, [(1, 200)]), [0, 1, 2, 3], 0, 100, KINDS, 3, 100)
    assert sum(walked) == 2
    assert found.counts.tolist() == [[2, 1, 1]] * 3 + [[1, 0, 0]] and found.upstream[:4].tolist() == [3, 3, 3, 4]


def test_one_start_given_twice_counts_twice_upstream():
    steps = built([(0, 1, None, None, False)], [])
    found = rank(steps, [0, 0, 1], 0, None, KINDS, 3)
    assert found.counts.tolist() == [[1, 1, 0], [1, 1, 0], [0, 1, 0]] and found.upstream[:2].tolist() == [2, 3]


def test_what_is_no_node_is_refused():
    with pytest.raises(ValueError, match="no node"):
        rank(built([], []), [N], 0, None, KINDS, 3)
