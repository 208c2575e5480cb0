"""Components are those of networkx, numbered against the direction of the edges."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from reach.components import components

N = 9
EDGES = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), max_size=25)


@settings(deadline=None, max_examples=400)
@given(EDGES)
def test_components_are_those_of_networkx_and_numbers_fall_along_every_edge(edges):
    found = components(N, [a for a, _ in edges], [b for _, b in edges])
    graph = nx.DiGraph(edges)
    graph.add_nodes_from(range(N))
    assert {frozenset(c) for c in nx.strongly_connected_components(graph)} == {frozenset(v for v in range(N) if found[v] == number) for number in set(found.tolist())}
    assert all(found[a] >= found[b] for a, b in edges)


def test_a_long_way_needs_no_recursion():
    many = 200_000
    assert components(many, range(many - 1), range(1, many)).tolist() == list(range(many))[::-1]
