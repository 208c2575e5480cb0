"""Pairs of a contact list: against the dullest count, and against what was published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hakyu.case import Case
from reach.contacts import count_pairs
from tests.support.exports import SAMPLES

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 8)), max_size=25)


def dull(rows):
    """Pairs by walking every way: time-respecting ones, and ones that ignore time."""
    nodes = {end for row in rows for end in row[:2]}
    temporal = static = 0
    for start in nodes:
        arrived, todo = {start: None}, [(start, None)]
        best = {}
        while todo:
            node, at = todo.pop()
            for u, v, t in rows:
                if u == node and (at is None or t > at) and t < best.get(v, 10**9):
                    best[v] = t
                    todo.append((v, t))
        temporal += len(set(best) - {start})
        seen, todo = set(), [start]
        while todo:
            node = todo.pop()
            new = {v for u, v, _ in rows if u == node} - seen
            seen |= new
            todo += new
        static += len(seen - {start})
        assert arrived
    return len(nodes), static, temporal


@settings(deadline=None, max_examples=300)
@given(ROWS)
def test_pairs_are_those_of_a_walk_along_every_way(rows):
    columns = np.array(rows, np.int64).reshape(-1, 3)
    found = count_pairs(columns[:, 0], columns[:, 1], columns[:, 2])
    assert (found.nodes, found.static_pairs, found.time_respecting_pairs) == dull(rows)


def test_contacts_at_one_time_do_not_follow_one_another():
    assert count_pairs([0, 1], [1, 2], [5, 5]).time_respecting_pairs == 2
    assert count_pairs([0, 1], [1, 2], [5, 6]).time_respecting_pairs == 3


def test_a_long_chain_in_the_worst_order_is_one_round():
    n = 20_000
    found = count_pairs(np.arange(n), np.arange(1, n + 1), np.arange(n))
    assert (found.static_pairs, found.time_respecting_pairs) == (n * (n + 1) // 2, n * (n + 1) // 2)


def test_more_nodes_than_one_sweep_takes_are_counted_block_by_block(monkeypatch):
    rng = np.random.default_rng(7)
    u, v, t = rng.integers(0, 300, 900), rng.integers(0, 300, 900), rng.integers(0, 400, 900)
    whole = count_pairs(u, v, t)
    monkeypatch.setattr("reach.contacts._BLOCK", 0)  # 64 nodes a sweep
    assert count_pairs(u, v, t) == whole


@pytest.mark.skipif(not (SAMPLES / "14_contacts").is_dir(), reason="the real samples are not here")
@pytest.mark.parametrize(("name", "numbers"), [
    ("CollegeMsg.txt", (1_899, 59_835, 2_462_699, 1_792_345)), ("radoslaw_email.txt", (167, 82_927, 21_143, 20_938)),
])  # fmt: skip
def test_published_contact_lists_have_their_known_pairs(name, numbers):
    found = Case.contacts(SAMPLES / "14_contacts" / name)
    assert (found["nodes"], found["contacts"], found["static_pairs"], found["time_respecting_pairs"]) == numbers
