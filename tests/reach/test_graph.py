from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reach.graph import ALWAYS, NEVER, build
from reach.search import compiling, first_held, reach
from reach.ways import first_labels
from tests.reach.test_search import random_puzzle, solved, steps_of
from tests.reach.ticks import Puzzle

FIELDS = ("node", "start", "end", "before", "via")


def rows(labels):
    return [tuple(map(int, row)) for row in zip(*(getattr(labels, name) for name in FIELDS), strict=True)]


def test_those_without_bounds_come_first_and_then_those_that_close_last():
    steps = build(2, [0, 1, 0, 0, 0], [1, 0, 0, 1, 1], [ALWAYS, 3, 2, ALWAYS, ALWAYS], [9, NEVER, NEVER, NEVER, 4], [0, 1, 0, 1, 0])
    assert steps.source.tolist() == [0, 0, 0, 0, 1]
    assert steps.number.tolist() == [3, 2, 0, 4, 1]
    assert steps.plain.tolist() == [1, 4]
    assert steps.target.tolist() == [1, 0, 1, 1, 0]
    assert steps.foothold.tolist() == [True, False, False, False, True]
    assert steps.opens.tolist() == [ALWAYS, 2, ALWAYS, ALWAYS, 3]
    assert steps.closes.tolist() == [NEVER, NEVER, 9, 4, NEVER]


def test_steps_that_are_never_open_are_left_out_and_the_others_keep_their_number():
    steps = build(2, [0, 0, 1], [1, 1, 0], [5, 5, ALWAYS], [5, 6, ALWAYS], [True, True, False])
    assert steps.number.tolist() == [1]
    assert len(steps) == 1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.none() | st.integers(0, 9), st.none() | st.integers(3, 12), st.booleans()), max_size=15), st.sets(st.integers(0, 14)))
def test_without_some_steps_they_are_as_if_built_without_them(given_, gone):
    def made(rows):
        columns = list(zip(*rows, strict=True)) or [()] * 5
        return build(6, columns[0], columns[1], [ALWAYS if t is None else t for t in columns[2]], [NEVER if t is None else t for t in columns[3]], columns[4])

    left = made(given_).without(list(gone))
    kept = [i for i in range(len(given_)) if i not in gone]
    expected = made([given_[i] for i in kept])
    assert [kept[i] for i in expected.number.tolist()] == left.number.tolist()
    for column in ("first", "plain", "target", "foothold", "opens", "closes"):
        assert getattr(left, column).tolist() == getattr(expected, column).tolist(), column


@pytest.mark.parametrize("years", [67, 69])
def test_times_take_the_fewest_bits_they_fit_into_and_come_out_as_they_were(years):
    least = -2_000_000_000
    opens, closes = [ALWAYS, least, 7], [least + years * 31_557_600, NEVER, 8]
    steps = build(1, [0] * 3, [0] * 3, opens, closes, [False] * 3, [(0, 5)])
    assert steps.times.dtype == (np.int32 if years == 67 else np.int64)
    assert sorted(zip(steps.opens.tolist(), steps.closes.tolist(), strict=True)) == sorted(zip(opens, closes, strict=True))


@pytest.mark.parametrize("at", [-(10**12), -1, 10**12])
def test_a_start_far_from_all_times_of_the_graph_is_answered_to_the_second(at):
    now = 1_700_000_000
    steps = build(3, [0, 1], [1, 2], [now, ALWAYS], [NEVER, NEVER], [True, False], [(1, now + 60)])
    assert first_held(steps, [(0, at, None)]).tolist() == [at, max(at, now), max(at, now)]
    assert reach(steps, [(0, at, at + 5)]).end[0] == at + 5


@pytest.mark.parametrize("horizon", [-(10**15), -(10**12), 10**12, NEVER])
def test_a_horizon_far_from_all_times_of_the_graph_keeps_all_or_nothing(horizon):
    steps = build(2, [0], [1], [1_700_000_000], [NEVER], [True])
    assert len(reach(steps, [(0, 1_600_000_000, None)], horizon)) == (2 if horizon > 0 else 0)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_wide_times_give_the_same_labels_as_narrow_ones(seed):
    puzzle = random_puzzle(random.Random(seed))
    steps = steps_of(puzzle)
    assert steps.times.dtype == np.int32
    assert rows(reach(steps.widened(), puzzle.starts)) == rows(reach(steps, puzzle.starts))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.one_of(st.none(), st.integers(0, 20)), st.sampled_from([1, 1_000, 40_000_000]))
def test_stretching_all_times_stretches_the_labels(seed, horizon, factor):
    """Times that share one stretch of the search, and times that are stretches apart, or too wide for 32 bits."""
    puzzle = random_puzzle(random.Random(seed))

    def far(time):
        return None if time is None else time * factor

    long = Puzzle(puzzle.n, [(u, v, far(a), far(b), f) for u, v, a, b, f in puzzle.steps],
                  [(u, far(a), far(b)) for u, a, b in puzzle.starts], [(v, far(r)) for v, r in puzzle.remediations])  # fmt: skip
    there, here = solved(long, far(horizon)), solved(puzzle, horizon)
    assert [(n, a * factor, b if b == NEVER else b * factor, c, d) for n, a, b, c, d in rows(here)] == rows(there)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_first_held_is_the_start_of_each_nodes_first_label(seed):
    puzzle = random_puzzle(random.Random(seed))
    labels, first = solved(puzzle), first_held(steps_of(puzzle), puzzle.starts)
    for node, label in enumerate(first_labels(labels, puzzle.n).tolist()):
        assert first[node] == (labels.start[label] if label >= 0 else NEVER)


def test_a_start_out_of_range_and_no_start_at_all():
    steps = build(1, [], [], [], [], [])
    assert len(reach(steps, [])) == 0
    assert rows(reach(steps, [(0, 5, 5)])) == []
    assert rows(reach(steps, [(0, 5, None)])) == [(0, 5, NEVER, -1, -1)]


def test_that_it_compiles_is_said_once_and_not_when_it_has():
    steps = build(1, [0], [0], [0], [1], [True])
    reach(steps, [(0, 0, None)])
    said = []
    with compiling(lambda: said.append("again")):
        reach(steps, [(0, 0, None)])
    assert said == []
