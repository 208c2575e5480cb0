"""All ways on small graphs: against walking every way there is."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from reach.allways import all_ways
from reach.graph import ALWAYS, NEVER

N, LAST = 5, 8
TO = 4
NODES = st.integers(0, N - 1)
TIMES = st.none() | st.integers(0, LAST - 1)
STEPS = st.lists(st.tuples(NODES, NODES, TIMES, TIMES, st.booleans()), max_size=8)
CLEANED = st.lists(st.tuples(NODES, st.integers(0, LAST - 1)), max_size=3)


def asked(rows, cleaned, starts=((0, 1, None),), limit=1000, order=None):
    order = range(len(rows)) if order is None else order
    given_ = [rows[i] for i in order]
    columns = list(zip(*given_, strict=True)) or [()] * 5
    opens, closes = [ALWAYS if t is None else t for t in columns[2]], [NEVER if t is None else t for t in columns[3]]
    return all_ways(columns[0], columns[1], opens, closes, columns[4], cleaned, list(starts), TO, LAST, limit)


def by_ticks(rows, cleaned, starts=((0, 1, None),)):
    """Step -> (shortest way through it, earliest instant on such a way): every instant of every way, one by one.

    A state is (node, tick, whether it is held in its own right); going on to the next tick costs no step, taking a step costs one.
    """
    def clean(node, tick):
        return (node, tick) in set(cleaned)

    first = {(node, start, True): 0 for node, start, _ in starts}
    todo = list(first)
    arcs = []  # (state, state, step or None)
    while todo:
        state = todo.pop()
        node, tick, own = state
        for nxt, step in following(rows, node, tick, own, clean):
            arcs.append((state, nxt, step))
            if nxt not in first:
                first[nxt] = 0
                todo.append(nxt)
    seeds = {node for node, _, _ in starts}
    arcs = [(a, b, step) for a, b, step in arcs if step is None or a[0] != TO and b[0] not in seeds and a[0] != b[0]]
    ahead = shortest([s for s in first if s in {(n, a, True) for n, a, _ in starts}], [(a, b, step) for a, b, step in arcs])
    behind = shortest([s for s in first if s[0] == TO], [(b, a, step) for a, b, step in arcs])
    found = {}
    for a, b, step in arcs:
        if step is None or a not in ahead or b not in behind:
            continue
        length = ahead[a] + 1 + behind[b]
        found[step] = min(found.get(step, (length, a[1])), (length, a[1]))
    return found


def following(rows, node, tick, own, clean):
    if own and tick + 1 < LAST and not clean(node, tick + 1):
        yield (node, tick + 1, True), None
    for i, (u, v, opens, closes, foothold) in enumerate(rows):
        if u == node and (opens or 0) <= tick and (closes is None or tick < closes):
            yield (v, tick, foothold), i
            if foothold:
                yield (v, tick, False), i


def shortest(begin, arcs):
    best = dict.fromkeys(begin, 0)
    for _ in range(len(arcs) + 1):
        changed = False
        for a, b, step in arcs:
            if a in best and best[a] + (step is not None) < best.get(b, 10**9):
                best[b] = best[a] + (step is not None)
                changed = True
        if not changed:
            break
    return best


@settings(deadline=None, max_examples=400)
@given(STEPS, CLEANED)
def test_the_steps_on_some_way_are_those_of_walking_every_instant(rows, cleaned):
    found = asked(rows, cleaned)
    expected = by_ticks(rows, cleaned)
    assert dict(zip(found.steps, found.length, strict=True)) == {step: length for step, (length, _) in expected.items()}
    assert found.left_out == 0


@settings(deadline=None, max_examples=100)
@given(STEPS, CLEANED, st.randoms(use_true_random=False))
def test_the_order_in_which_steps_are_given_changes_nothing(rows, cleaned, dice):
    order = list(range(len(rows)))
    dice.shuffle(order)
    one, other = asked(rows, cleaned), asked(rows, cleaned, order=order)
    assert sorted(zip(one.steps, one.length, one.at, strict=True)) == sorted((order[s], n, at) for s, n, at in zip(other.steps, other.length, other.at, strict=True))


def test_parallel_ways_are_all_there_and_dead_ends_are_not():
    rows = [(0, 1, None, None, False), (1, 4, None, None, False), (0, 2, None, None, True), (2, 4, 5, None, False), (0, 3, None, None, False)]
    found = asked(rows, [])
    assert (found.steps, found.length, found.at) == ([0, 1, 2, 3], [2, 2, 2, 2], [1, 1, 1, 5])


def test_a_step_that_leads_to_itself_holds_nothing_longer():
    rows = [(0, 1, None, 2, False), (1, 1, None, None, True), (1, 4, None, None, False), (2, 1, None, None, False), (1, 2, 2, None, False)]
    found = asked(rows, [])
    assert (found.steps, found.length) == ([0, 2], [2, 2])


def test_a_way_that_time_forbids_is_none():
    assert asked([(0, 1, 5, None, False), (1, 4, None, 4, False)], []).steps == []
    assert asked([(0, 1, None, 3, True), (1, 4, 5, None, False)], []).steps == [0, 1]  # a foothold waits
    assert asked([(0, 1, None, 3, True), (1, 4, 5, None, False)], [(1, 4)]).steps == []  # until it is cleaned


def test_a_limit_keeps_the_shortest_and_says_what_it_left_out():
    rows = [(0, 4, None, None, False), (0, 1, None, None, False), (1, 4, None, None, False), (1, 2, None, None, False), (2, 4, None, None, False)]
    found = asked(rows, [], limit=3)
    assert (found.steps, found.length) == ([0, 1, 2], [1, 2, 2]) and (found.left_out is None or found.left_out == 2)
    assert asked(rows, [], limit=100).left_out == 0


def test_many_ways_are_told_apart_quickly_enough_to_be_of_use():
    dice = random.Random(7)
    rows = [(dice.randrange(400), dice.randrange(400), None, None, dice.random() < 0.5) for _ in range(3000)]
    found = asked(rows, [], limit=50)
    assert len(found.steps) == 50 and found.length == sorted(found.length)
