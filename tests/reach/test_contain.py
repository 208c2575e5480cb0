"""What-if on small graphs: against trying everything, and as laws."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reach.contain import Action, Aftermath
from reach.cut import cut
from reach.graph import ALWAYS, NEVER, build
from reach.search import reach

N, AT = 7, 5


def aftermath(rows, seeds=((0, 0),), remediations=(), n=N, at=AT):
    """Rows (source, target, opens | None, closes | None, foothold); every node is a thing of its own and counted."""
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return Aftermath.of(
        n, np.array(columns[0], np.int32), np.array(columns[1], np.int32),
        np.array([ALWAYS if t is None else t for t in columns[2]], np.int64), np.array([NEVER if t is None else t for t in columns[3]], np.int64),
        np.array(columns[4], bool), list(remediations), list(seeds), at, np.arange(n, dtype=np.int32), np.ones(n, bool),
    )  # fmt: skip


def actions_of(rows, n=N):
    """Close each step, clean each node, and cut each node but the first off altogether."""
    found = [Action(closes=frozenset([i])) for i in range(len(rows))]
    found += [Action(cleans=frozenset([node])) for node in range(n)]
    for node in range(1, n):
        touching = frozenset(i for i, row in enumerate(rows) if node in row[:2])
        if touching:
            found.append(Action(touching, frozenset([node]), 3.0))
    return found


def held_by_hand(rows, done, seeds=((0, 0),), remediations=(), at=AT):
    """Who is held after `at`, by the plain search with what was closed and cleaned written into its input."""
    closed = {i for action in done for i in action.closes}
    columns = list(zip(*rows, strict=True)) or [()] * 5
    closes = [min(at, NEVER if t is None else t) if i in closed else (NEVER if t is None else t) for i, t in enumerate(columns[3])]
    steps = build(N, columns[0], columns[1], [ALWAYS if t is None else t for t in columns[2]], closes, columns[4],
                  [*remediations, *((node, at) for action in done for node in action.cleans)])  # fmt: skip
    labels = reach(steps, [(node, start, None) for node, start in seeds])
    return set(labels.node[labels.end > at].tolist())


NODES = st.integers(0, N - 1)
ROWS = st.lists(st.tuples(NODES, NODES, st.none() | st.integers(0, 9), st.none() | st.integers(1, 12), st.booleans()), min_size=1, max_size=10)
STILL = st.lists(st.tuples(NODES, NODES, st.none(), st.none(), st.booleans()), min_size=1, max_size=9)


@settings(deadline=None, max_examples=300)
@given(ROWS, st.data())
def test_what_is_held_after_actions_is_what_a_search_with_them_written_into_its_input_finds(rows, data):
    found, actions = aftermath(rows), actions_of(rows)
    done = data.draw(st.lists(st.sampled_from(actions), max_size=4))
    assert found.things(found.after(done)) == held_by_hand(rows, done)


@settings(deadline=None, max_examples=150)
@given(ROWS)
def test_single_actions_have_their_exact_gain_and_none_is_missed(rows):
    found, actions = aftermath(rows), actions_of(rows)
    now = len(held_by_hand(rows, []))
    exact = {i: now - len(held_by_hand(rows, [action])) for i, action in enumerate(actions)}
    assert {s.action: s.gain for s in found.singles(actions, limit=1000)} == {i: gain for i, gain in exact.items() if gain}
    best = found.singles(actions, limit=2)
    assert [s.gain for s in best] == sorted((gain for gain in exact.values() if gain), reverse=True)[:2]


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_pairs_that_take_more_than_their_two_are_found_all(rows):
    found, actions = aftermath(rows), actions_of(rows)
    now = len(held_by_hand(rows, []))
    gain = {done: now - len(held_by_hand(rows, [actions[i] for i in done])) for size in (1, 2) for done in combinations(range(len(actions)), size)}
    better = {pair: g for pair, g in gain.items() if len(pair) == 2 and g > gain[pair[:1]] + gain[pair[1:]]}
    assert {pair.actions: pair.gain for pair in found.pairs(actions, limit=1000)} == better


def test_two_parallel_ways_gain_nothing_each_and_everything_together():
    rows = [(0, 1, None, None, True), (0, 2, None, None, False), (1, 3, None, None, False), (2, 3, None, None, False)]
    found, actions = aftermath(rows), [Action(closes=frozenset([2])), Action(closes=frozenset([3]))]
    assert found.singles(actions) == [] and found.greedy(actions, 5) == []
    assert [(pair.actions, pair.gain) for pair in found.pairs(actions)] == [((0, 1), 1)]
    assert found.pairs(actions, small=0) is None


@settings(deadline=None, max_examples=100)
@given(ROWS)
def test_a_greedy_plan_says_its_true_gains(rows):
    found, actions = aftermath(rows), actions_of(rows)
    done: list[Action] = []
    for single in found.greedy(actions, 4):
        before = len(held_by_hand(rows, done))
        done.append(actions[single.action])
        assert before - len(held_by_hand(rows, done)) == single.gain > 0


@settings(deadline=None, max_examples=150)
@given(STILL, st.integers(1, N - 1))
def test_a_cut_of_steps_that_are_open_for_good_is_the_cheapest_of_all_sets(rows, target):
    found = aftermath(rows)
    actions = [a for a in actions_of(rows) if target not in a.cleans or not a.closes]
    answer = cut(found, actions, target)
    sets = chain.from_iterable(combinations(range(len(actions)), size) for size in range(4))
    working = [sum(actions[i].cost for i in s) for s in sets if target not in held_by_hand(rows, [actions[i] for i in s])]
    if answer.possible and working and answer.least:
        assert answer.cost == min(working) == answer.lower
    assert answer.holds == (target not in held_by_hand(rows, [actions[i] for i in answer.actions])) or not answer.possible


@settings(deadline=None, max_examples=150)
@given(ROWS, st.integers(1, N - 1))
def test_a_cut_of_steps_with_times_holds(rows, target):
    found = aftermath(rows)
    answer = cut(found, actions_of(rows), target)
    if answer.possible:
        assert answer.holds and target not in held_by_hand(rows, [actions_of(rows)[i] for i in answer.actions])


@settings(deadline=None, max_examples=200)
@given(ROWS)
def test_cleaned_in_order_nobody_comes_back(rows):
    rows = [row for row in rows if row[2] is None or row[2] <= AT]  # nothing opens by itself later
    found = aftermath(rows)
    left, again = found.replay(found.order())
    assert not len(left) and again == []


def test_in_the_wrong_order_the_cleaned_are_taken_again():
    rows = [(0, 1, None, None, True), (1, 2, None, None, True)]
    found = aftermath(rows)
    assert found.order() == [[0], [1], [2]]
    left, again = found.replay([[2], [1], [0]])
    assert again == [1, 2] and set(left.node.tolist()) == {1, 2}


def test_what_lead_to_each_other_are_cleaned_at_once():
    rows = [(0, 1, None, None, True), (1, 2, None, None, True), (2, 1, None, None, True)]
    found = aftermath(rows)
    assert found.order() == [[0], [1, 2]]
    assert found.replay(found.order())[1] == [] and found.replay([[0], [1], [2]])[1] == [1, 2]


@pytest.mark.parametrize("names", [1, 2])
def test_names_of_one_thing_count_once(names):
    found = aftermath([(0, 1, None, None, True), (0, 2, None, None, True)])
    found.thing[2] = found.thing[2 if names == 1 else 1]
    assert len(found.things(found.labels)) == (3 if names == 1 else 2)
