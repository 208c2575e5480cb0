from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reach.exposure import overlaps
from reach.graph import ALWAYS, NEVER, build
from reach.search import Labels, reach, until_of
from reach.ways import first_labels, way
from tests.reach.ticks import Puzzle, held_by_ticks

OPEN = (ALWAYS, NEVER)


def steps_of(puzzle: Puzzle):
    columns = list(zip(*puzzle.steps, strict=True)) or [()] * 5
    opens = [ALWAYS if t is None else t for t in columns[2]]
    closes = [NEVER if t is None else t for t in columns[3]]
    return build(puzzle.n, np.array(columns[0], np.int32), np.array(columns[1], np.int32), np.array(opens, np.int64),
                 np.array(closes, np.int64), np.array(columns[4], bool), puzzle.remediations)  # fmt: skip


def solved(puzzle: Puzzle, horizon: int | None = None) -> Labels:
    return reach(steps_of(puzzle), puzzle.starts, horizon)


def ticks(labels: Labels, n: int, last: int) -> list[set[int]]:
    held: list[set[int]] = [set() for _ in range(n)]
    for node, start, end in zip(labels.node.tolist(), labels.start.tolist(), labels.end.tolist(), strict=True):
        held[node] |= set(range(max(start, 0), min(end, last)))
    return held


def random_puzzle(rng: random.Random) -> Puzzle:
    n, last = rng.randint(1, 8), rng.randint(3, 24)

    def bound() -> int | None:
        return None if rng.random() < 0.25 else rng.randint(0, last)

    steps = [(rng.randrange(n), rng.randrange(n), bound(), bound(), rng.random() < 0.4) for _ in range(rng.randint(0, 3 * n))]
    starts = [(rng.randrange(n), rng.randint(0, last // 2), rng.choice([None, rng.randint(0, last)])) for _ in range(rng.randint(1, 2))]
    remediations = [(rng.randrange(n), rng.randint(0, last)) for _ in range(rng.randint(0, n))]
    return Puzzle(n, steps, starts, remediations, last + 2)


def agree(puzzle: Puzzle) -> None:
    labels = solved(puzzle)
    assert ticks(labels, puzzle.n, puzzle.last) == held_by_ticks(puzzle), puzzle
    for label in range(len(labels)):
        check_way(puzzle, labels, label)
    first = first_labels(labels, puzzle.n)
    for node, found in enumerate(held_by_ticks(puzzle)):
        assert (first[node] >= 0) >= bool(found)
        if found:
            assert labels.start[first[node]] == min(found)


def check_way(puzzle: Puzzle, labels: Labels, label: int) -> None:
    """Every arrow of a way is a step that was open, from a node that was held, at the time it was taken."""
    found = way(labels, label)
    seeds = {(node, start) for node, start, _ in puzzle.starts}
    assert found[0][1] == -1
    assert (labels.node[found[0][0]], labels.start[found[0][0]]) in seeds
    assert found[-1][0] == label
    for (before, _), (after, via) in zip(found, found[1:], strict=False):
        source, target, opens, closes, lasting = puzzle.steps[via]
        at = labels.start[after]
        assert (source, target) == (labels.node[before], labels.node[after])
        assert labels.start[before] <= at < labels.end[before]
        assert (opens is None or opens <= at) and (closes is None or at < closes)
        if not lasting:
            assert labels.end[after] == min(labels.end[before], NEVER if closes is None else closes)


@pytest.mark.parametrize("seed", range(400))
def test_the_search_holds_exactly_what_a_tick_by_tick_simulation_holds(seed):
    agree(random_puzzle(random.Random(seed)))


@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
def test_the_search_and_the_simulation_agree_on_twenty_thousand_graphs(block):
    for seed in range(1000 * (block + 1), 1000 * (block + 2)):
        agree(random_puzzle(random.Random(seed)))


def test_a_borrowed_hold_ends_with_the_right_and_with_the_holder():
    labels = solved(Puzzle(3, [(0, 1, 5, 10, False), (1, 2, 8, 20, False)], [(0, 0, 9)]))
    assert [tuple(map(int, row)) for row in zip(labels.node, labels.start, labels.end, strict=True)] == [(0, 0, 9), (1, 5, 9), (2, 8, 9)]


def test_a_foothold_outlives_the_way_in_until_the_next_remediation_of_its_own():
    labels = solved(Puzzle(2, [(0, 1, 5, 10, True)], [(0, 0, 7)], [(1, 12), (0, 6)]))
    assert (int(labels.start[1]), int(labels.end[1])) == (5, 12)


def test_a_node_cleaned_while_the_way_in_is_open_is_infected_again():
    labels = solved(Puzzle(2, [(0, 1, 2, 10, True)], [(0, 0, None)], [(1, 4), (1, 10), (1, 15)]))
    assert [(int(s), int(e)) for n, s, e in zip(labels.node, labels.start, labels.end, strict=True) if n == 1] == [(2, 4), (4, 10)]


def test_a_step_that_closed_before_arrival_is_not_taken_and_one_that_opens_later_is_waited_for():
    labels = solved(Puzzle(4, [(0, 1, 0, 5, False), (0, 2, 8, None, False), (0, 3, 5, 5, False)], [(0, 5, None)]))
    assert {int(n): int(s) for n, s in zip(labels.node, labels.start, strict=True)} == {0: 5, 2: 8}


def test_what_begins_at_the_horizon_is_left_out():
    puzzle = Puzzle(3, [(0, 1, 7, None, True), (0, 2, 6, None, True)], [(0, 0, None)])
    assert {int(n) for n in solved(puzzle, horizon=7).node} == {0, 2}


def test_equal_times_are_walked_with_the_fewest_steps():
    labels = solved(Puzzle(4, [(0, 1, None, None, False), (1, 2, None, None, False), (2, 3, None, None, False), (0, 3, None, None, False)],
                           [(0, 0, None)]))  # fmt: skip
    first = first_labels(labels, 4)
    assert len(way(labels, int(first[3]))) == 2


def test_more_labels_than_the_first_arrays_hold_are_kept():
    n = 5_000
    steps = [(0, i, i, i + 2, True) for i in range(1, n)]
    labels = solved(Puzzle(n, steps, [(0, 0, None)], [(i, i + 1) for i in range(1, n)]))
    assert len(labels) == 1 + 2 * (n - 1)
    assert (np.diff(labels.start) >= 0).all()


def test_the_end_of_a_start_is_its_next_remediation_where_none_is_given():
    puzzle = Puzzle(1, [], [(0, 3, None)], [(0, 3), (0, 8)])
    assert int(solved(puzzle).end[0]) == 8
    assert until_of(steps_of(puzzle), 0, 8) == NEVER


@pytest.mark.parametrize("what", ["a node out of range", "columns of different length", "a start out of range"])
def test_nonsense_is_refused(what):
    with pytest.raises(ValueError, match="not in 0|length"):
        if what == "a node out of range":
            build(2, [0], [2], [0], [1], [True])
        elif what == "columns of different length":
            build(2, [0, 1], [1], [0], [1], [True])
        else:
            reach(build(2, [0], [1], [0], [1], [True]), [(5, 0, None)])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(-1000, 1000))
def test_laws_shift_widen_clean_and_remove(seed, shift):
    rng = random.Random(seed)
    puzzle = random_puzzle(rng)
    labels = solved(puzzle)
    moved = Puzzle(
        puzzle.n, [(u, v, None if a is None else a + shift, None if b is None else b + shift, f) for u, v, a, b, f in puzzle.steps],
        [(u, a + shift, None if b is None else b + shift) for u, a, b in puzzle.starts], [(v, r + shift) for v, r in puzzle.remediations],
    )  # fmt: skip
    shifted = solved(moved)
    assert (shifted.node == labels.node).all() and (shifted.start == labels.start + shift).all()
    held = held_by_ticks(puzzle)
    node, start, until = puzzle.starts[0]
    if until is not None:
        wider = Puzzle(puzzle.n, puzzle.steps, [(node, max(start - 1, 0), until + 1), *puzzle.starts[1:]], puzzle.remediations, puzzle.last)
        assert all(a <= b for a, b in zip(held, ticks(solved(wider), puzzle.n, puzzle.last), strict=True))
    cleaner = Puzzle(puzzle.n, puzzle.steps, puzzle.starts, [*puzzle.remediations, (rng.randrange(puzzle.n), rng.randint(0, 20))], puzzle.last)
    assert all(a >= b for a, b in zip(held, ticks(solved(cleaner), puzzle.n, puzzle.last), strict=True))
    unreached = {v for v in range(puzzle.n) if not (labels.node == v).any()}
    kept = [step for step in puzzle.steps if not {step[0], step[1]} & unreached]
    assert ticks(solved(Puzzle(puzzle.n, kept, puzzle.starts, puzzle.remediations)), puzzle.n, puzzle.last) == held


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_overlaps_are_the_ticks_at_which_a_source_is_held_and_the_step_open(seed):
    puzzle = random_puzzle(random.Random(seed))
    labels, held = solved(puzzle), held_by_ticks(puzzle)
    asked = [(u, 0 if a is None else a, puzzle.last if b is None else b) for u, _, a, b, _ in puzzle.steps]
    columns = list(zip(*asked, strict=True)) or [(), (), ()]
    found: list[set[int]] = [set() for _ in asked]
    for step, label, start, stop in zip(*overlaps(labels, *columns), strict=True):
        assert labels.node[label] == asked[step][0]
        found[step] |= set(range(max(int(start), 0), min(int(stop), puzzle.last)))
    assert found == [{t for t in held[u] if a <= t < b} for u, a, b in asked]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_reached_in_time_is_reached_without_regard_to_it(seed):
    puzzle = random_puzzle(random.Random(seed))
    timeless = Puzzle(puzzle.n, [(u, v, None, None, True) for u, v, *_ in puzzle.steps], [(node, 0, None) for node, *_ in puzzle.starts], [], puzzle.last)
    assert set(solved(puzzle).node.tolist()) <= set(solved(timeless).node.tolist())
