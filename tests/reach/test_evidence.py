"""Reach by level of evidence: against the dullest way of saying the same, and as laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reach.evidence import CONFIRMED, INDICATED, LEVELS, NOT_OBSERVED, POSSIBLE, Allowed, Seen, Silent, by_level, unsaid
from reach.graph import ALWAYS, NEVER

LAST = 12


def allowed(rows):
    """Rows (source, target, opens | None, closes | None, foothold, by_itself)."""
    columns = list(zip(*rows, strict=True)) or [()] * 6
    return Allowed(
        np.array(columns[0], np.int32), np.array(columns[1], np.int32),
        np.array([ALWAYS if t is None else t for t in columns[2]], np.int64), np.array([NEVER if t is None else t for t in columns[3]], np.int64),
        np.array(columns[4], bool), np.array(columns[5], bool), np.zeros(len(columns[0]), bool),
    )  # fmt: skip


def seen(rows):
    """Rows (source, target, at, closes | None, foothold, attributed)."""
    columns = list(zip(*rows, strict=True)) or [()] * 6
    return Seen(
        np.array(columns[0], np.int32), np.array(columns[1], np.int32), np.array(columns[2], np.int64),
        np.array([NEVER if t is None else t for t in columns[3]], np.int64), np.array(columns[4], bool), np.array(columns[5], bool),
    )  # fmt: skip


def silent(rows=()):
    columns = list(zip(*rows, strict=True)) or [()] * 3
    return Silent(np.array(columns[0], np.int32), np.array(columns[1], np.int64), np.array(columns[2], np.int64))


def earliest(found, level, node):
    labels = found[level].labels
    starts = labels.start[labels.node == node]
    return int(starts.min()) if len(starts) else None


def at_levels(found, node):
    return {level: earliest(found, level, node) for level in LEVELS}


def test_without_a_log_what_is_allowed_is_possible_and_nothing_more():
    found = by_level(2, allowed([(0, 1, None, None, False, False)]), seen([]), silent(), [], [(0, 5, None)])
    assert at_levels(found, 1) == {NOT_OBSERVED: 5, POSSIBLE: 5, INDICATED: None, CONFIRMED: None}
    assert at_levels(found, 0) == dict.fromkeys(LEVELS, 5)


def test_a_record_indicates_and_an_attributed_one_confirms_from_when_it_was_made():
    may = allowed([(0, 1, None, None, False, False)])
    found = by_level(2, may, seen([(0, 1, 8, None, False, False)]), silent(), [], [(0, 5, None)])
    assert at_levels(found, 1) == {NOT_OBSERVED: 5, POSSIBLE: 5, INDICATED: 8, CONFIRMED: None}
    found = by_level(2, may, seen([(0, 1, 8, None, False, True)]), silent(), [], [(0, 5, None)])
    assert at_levels(found, 1) == {NOT_OBSERVED: 5, POSSIBLE: 5, INDICATED: 8, CONFIRMED: 8}


def test_a_record_from_before_the_compromise_shows_nothing():
    may = allowed([(0, 1, None, None, False, False)])
    found = by_level(2, may, seen([(0, 1, 3, None, False, True), (0, 1, 4, None, True, True)]), silent(), [], [(0, 5, None)])
    assert at_levels(found, 1) == {NOT_OBSERVED: 5, POSSIBLE: 5, INDICATED: None, CONFIRMED: None}


def test_a_way_is_as_sure_as_its_least_sure_step():
    may = allowed([(0, 1, None, None, False, False), (1, 2, None, None, True, False)])
    found = by_level(3, may, seen([(1, 2, 8, None, True, True)]), silent(), [], [(0, 5, None)])
    assert at_levels(found, 2) == {NOT_OBSERVED: 5, POSSIBLE: 5, INDICATED: None, CONFIRMED: None}
    found = by_level(3, may, seen([(0, 1, 7, None, False, False), (1, 2, 8, None, True, True)]), silent(), [], [(0, 5, None)])
    assert at_levels(found, 2) == {NOT_OBSERVED: 5, POSSIBLE: 5, INDICATED: 8, CONFIRMED: None}


def test_a_membership_of_unknown_beginning_indicates_nothing_and_one_that_is_known_does():
    for opens, sure in ((None, None), (2, 8)):
        may = allowed([(0, 1, opens, None, False, True), (1, 2, None, None, False, False)])
        found = by_level(3, may, seen([(1, 2, 8, None, False, True)]), silent(), [], [(0, 5, None)])
        assert at_levels(found, 2) == {NOT_OBSERVED: 5, POSSIBLE: 5, INDICATED: sure, CONFIRMED: sure}


def test_where_a_log_covers_all_of_it_and_has_no_record_the_step_was_not_observed():
    may = allowed([(0, 1, None, None, False, False)])
    found = by_level(2, may, seen([]), silent([(0, 0, 20)]), [], [(0, 5, 15)], horizon=15)
    assert at_levels(found, 1) == {NOT_OBSERVED: 5, POSSIBLE: None, INDICATED: None, CONFIRMED: None}


def test_what_came_before_a_log_began_stays_possible():
    may = allowed([(0, 1, None, None, False, False)])
    found = by_level(2, may, seen([]), silent([(0, 7, 20)]), [], [(0, 5, 15)], horizon=15)
    assert at_levels(found, 1) == {NOT_OBSERVED: 5, POSSIBLE: 5, INDICATED: None, CONFIRMED: None}
    labels = found[POSSIBLE].labels
    assert [(int(a), int(b)) for a, b, v in zip(labels.start, labels.end, labels.node, strict=True) if v == 1] == [(5, 7)]
    found = by_level(2, may, seen([]), silent([(0, 0, 9)]), [], [(0, 5, 15)], horizon=15)
    assert at_levels(found, 1)[POSSIBLE] == 9


def test_a_borrowed_hold_that_was_seen_ends_with_the_holding_in_which_it_was_seen():
    may = allowed([(0, 1, None, None, True, False), (1, 2, None, None, False, False)])
    taken = seen([(0, 1, 5, None, True, True), (1, 2, 6, None, False, True), (0, 1, 9, None, True, True)])
    found = by_level(3, may, taken, silent(), [(1, 8)], [(0, 5, None)])
    labels = found[CONFIRMED].labels
    assert [(int(a), int(b)) for a, b, v in zip(labels.start, labels.end, labels.node, strict=True) if v == 2] == [(6, 8)]


def test_two_records_do_not_hold_up_each_other():
    may = allowed([(0, 1, None, None, False, False)])
    circle = seen([(1, 2, 6, None, False, True), (2, 1, 6, None, False, True)])
    found = by_level(3, may, circle, silent(), [], [(0, 5, None)])
    assert earliest(found, CONFIRMED, 1) is None and earliest(found, CONFIRMED, 2) is None


@pytest.mark.parametrize(("spans", "left"), [
    ([], [(2, 10)]), ([(0, 12)], []), ([(4, 6)], [(2, 4), (6, 10)]), ([(0, 3), (5, 7), (9, 20)], [(3, 5), (7, 9)]), ([(2, 10)], []),
])  # fmt: skip
def test_what_no_log_would_have_shown_is_what_lies_between_the_silences(spans, left):
    step, opens, closes = unsaid(allowed([(0, 1, 2, 10, False, False)]), silent([(0, *span) for span in spans]))
    assert list(zip(opens.tolist(), closes.tolist(), strict=True)) == left and set(step.tolist()) <= {0}


# -- against a simulation, and laws ------------------------------------------------------------------------------------

NODES = st.integers(0, 4)
TIMES = st.integers(0, LAST - 1)
STEPS = st.lists(st.tuples(NODES, NODES, st.none() | TIMES, st.none() | TIMES, st.booleans(), st.booleans()), max_size=7)
RECORDS = st.lists(st.tuples(NODES, NODES, TIMES, st.none() | TIMES, st.booleans(), st.booleans()), max_size=7)
CLEANED = st.lists(st.tuples(NODES, TIMES), max_size=3)


def is_open(step, tick):
    return (step[2] or 0) <= tick and (step[3] is None or tick < step[3])


def lives(record, tick, before):
    """A contact at its time; a borrowed hold goes on while its source is held without a break, until the right ends."""
    _, _, at, closes, lasting, _ = record
    if lasting:
        return tick == at
    return (tick == at or before and tick > at) and (closes is None or tick < closes)


def by_ticks(steps, records, cleaned):
    """For each node the ticks at which it is held from node 0 on, held from tick 2 on: tick by tick, everything that follows is marked.

    `steps`: (source, target, opens, closes, foothold); `records`: as `seen`.
    """
    foothold, before, held = set(), set(), [set() for _ in range(5)]
    for tick in range(LAST):
        foothold -= {node for node, time in cleaned if time == tick}
        foothold |= {0} if tick == 2 else set()
        now, before = spread(tick, [step for step in steps if is_open(step, tick)], records, foothold, before)
        for node in now:
            held[node].add(tick)
    return held


def spread(tick, open_, records, foothold, before):
    """All that is held at a tick, and the records whose hold goes on; `foothold` is added to."""
    now, live = set(foothold), set()
    size = -1
    while size != len(now) + len(live):
        size = len(now) + len(live)
        for source, target, _, _, lasting in open_:
            if source in now:
                now.add(target)
                foothold |= {target} if lasting else set()
        for i, record in enumerate(records):
            if record[0] in now and lives(record, tick, i in before):
                now.add(record[1])
                live.add(i)
                foothold |= {record[1]} if record[4] else set()
    return now, live


def ticks_of(level):
    held = [set() for _ in range(5)]
    for node, start, end in zip(level.labels.node.tolist(), level.labels.start.tolist(), level.labels.end.tolist(), strict=True):
        held[node] |= set(range(start, min(end, LAST)))
    return held


@settings(deadline=None, max_examples=400)
@given(STEPS, RECORDS, CLEANED)
def test_every_level_is_what_a_simulation_finds_tick_by_tick(steps, records, cleaned):
    found = by_level(5, allowed(steps), seen(records), silent(), cleaned, [(0, 2, None)])
    assert ticks_of(found[POSSIBLE]) == by_ticks([s[:5] for s in steps], records, cleaned)
    known = [s[:5] for s in steps if s[5] and s[2] is not None]
    assert ticks_of(found[INDICATED]) == by_ticks(known, records, cleaned)
    assert ticks_of(found[CONFIRMED]) == by_ticks(known, [r for r in records if r[5]], cleaned)


@settings(deadline=None, max_examples=200)
@given(STEPS, RECORDS, CLEANED, st.lists(st.tuples(st.integers(0, 6), TIMES, st.integers(1, 6)), max_size=4), st.data())
def test_levels_are_nested_and_a_log_or_a_right_more_never_lowers_them(steps, records, cleaned, spans, data):
    quiet = {}
    for step, start, length in spans:
        if step < len(steps) and step not in quiet:
            quiet[step] = (step, start, start + length)
    by_act = silent([span for step, span in sorted(quiet.items()) if not steps[step][5]])
    found = by_level(5, allowed(steps), seen(records), by_act, cleaned, [(0, 2, None)])
    held = {level: ticks_of(found[level]) for level in LEVELS}
    for lower, higher in zip(LEVELS, LEVELS[1:], strict=False):
        assert all(more >= less for more, less in zip(held[lower], held[higher], strict=True))
    fewer = by_level(5, allowed(steps), seen(records[1:]), by_act, cleaned, [(0, 2, None)])
    for level in LEVELS:
        assert all(more >= less for more, less in zip(held[level], ticks_of(fewer[level]), strict=True))
    unlogged = by_level(5, allowed(steps), seen(records), silent(), cleaned, [(0, 2, None)])
    for level in (NOT_OBSERVED, INDICATED, CONFIRMED):  # coverage takes nothing but POSSIBLE away
        assert held[level] == ticks_of(unlogged[level])
    if steps:
        drop = data.draw(st.integers(0, len(steps) - 1))
        kept = [i for i in range(len(steps)) if i != drop]
        moved = silent([(kept.index(s), a, b) for s, a, b in zip(by_act.step.tolist(), by_act.start.tolist(), by_act.stop.tolist(), strict=True) if s != drop])
        narrower = by_level(5, allowed([steps[i] for i in kept]), seen(records), moved, cleaned, [(0, 2, None)])
        for level in LEVELS:
            assert all(more >= less for more, less in zip(held[level], ticks_of(narrower[level]), strict=True))
