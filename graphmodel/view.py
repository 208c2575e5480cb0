"""The graph that a set of loads says: one table a node label, one a relationship type. Both stores are brought to it.

A view is a function of the set of loads alone: neither their order nor how often they were loaded matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from graphmodel.facts import EDGE_ENDS, POLARS_TYPES
from graphmodel.kinds import EDGES, NODES


def node_view_schema(label: str) -> dict[str, Any]:
    """Columns of a label's table in a view: exactly the properties a node has in the graph."""
    return {p.name: POLARS_TYPES[p.type] for p in NODES[label].columns}


def edge_view_schema(type_: str) -> dict[str, Any]:
    """Columns of a type's table in a view: `from_label, from_key, to_label, to_key`, then the edge's properties."""
    return {p.name: POLARS_TYPES[p.type] for p in EDGE_ENDS + EDGES[type_].columns}


@dataclass(frozen=True)
class View:
    """The tables of a graph, sorted (by key, or fact) and complete: every end of an edge is a node. Kinds without rows are absent.

    `state`: hash of the set of loads and of the model's version.
    """

    state: str
    nodes: dict[str, pl.DataFrame]
    edges: dict[str, pl.DataFrame]

    @property
    def counts(self) -> tuple[int, int]:
        """(nodes, edges)."""
        return sum(frame.height for frame in self.nodes.values()), sum(frame.height for frame in self.edges.values())
