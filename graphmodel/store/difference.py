"""What has to change so that a server's graph equals a view: fingerprints of rows, compared in columns.

A server keeps a fingerprint with every node and relationship, so the comparison needs neither their properties nor a second copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import polars as pl

from graphmodel.view import View

FINGERPRINT = "fingerprint"
NODES_THERE = {"key": pl.String, "kind": pl.String, FINGERPRINT: pl.Int64}
EDGES_THERE = {"fact": pl.String, FINGERPRINT: pl.Int64}


@dataclass(frozen=True)
class NodeChanges:
    """Of one label: keys that go, whole rows that come, whole rows that are set anew (with their fingerprint)."""

    gone: pl.Series
    new: pl.DataFrame
    changed: pl.DataFrame


@dataclass(frozen=True)
class EdgeChanges:
    """Of one type: facts that go, whole rows that come. A fact that says something else goes and comes."""

    gone: pl.Series
    new: pl.DataFrame


@dataclass(frozen=True)
class Changes:
    """By label and by type; kinds without changes are absent."""

    nodes: dict[str, NodeChanges]
    edges: dict[str, EdgeChanges]

    @property
    def rows(self) -> int:
        """How many rows are deleted, made or set."""
        nodes = sum(len(c.gone) + c.new.height + c.changed.height for c in self.nodes.values())
        return nodes + sum(len(c.gone) + c.new.height for c in self.edges.values())


def fingerprinted(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with a last column `fingerprint` (Int64): a hash of the whole row, columns named, nulls counted.

    Another release of Polars may hash otherwise; then rows are written again with the same content, once.
    """
    if FINGERPRINT in frame.columns:
        return frame
    named = int.from_bytes(sha256("|".join(frame.columns).encode()).digest()[:7])
    return frame.with_columns(frame.hash_rows(seed=named).reinterpret(signed=True).alias(FINGERPRINT))


def changes(view: View, nodes_there: pl.DataFrame, edges_there: dict[str, pl.DataFrame]) -> Changes:
    """Compare a view with what is there (`NODES_THERE`; by type `EDGES_THERE`)."""
    nodes = {}
    for label in sorted({*view.nodes, *nodes_there["kind"].drop_nulls().unique()}):
        there = nodes_there.filter(pl.col("kind") == label).select("key", FINGERPRINT)
        if label not in view.nodes:
            found = NodeChanges(there["key"], pl.DataFrame(), pl.DataFrame())
        else:
            found = node_changes(fingerprinted(view.nodes[label]), there)
        if len(found.gone) + found.new.height + found.changed.height:
            nodes[label] = found
    edges = {}
    for type_ in sorted({*view.edges, *edges_there}):
        gone_or_new = _edge_changes(view.edges.get(type_), edges_there.get(type_, pl.DataFrame(schema=EDGES_THERE)))
        if len(gone_or_new.gone) + gone_or_new.new.height:
            edges[type_] = gone_or_new
    return Changes(nodes, edges)


def node_changes(wanted: pl.DataFrame, there: pl.DataFrame) -> NodeChanges:
    """Compare one label's fingerprinted table with what is there (key, fingerprint)."""
    both = wanted.join(there.rename({FINGERPRINT: "_there"}), on="key")
    changed = both.filter(pl.col(FINGERPRINT).ne_missing(pl.col("_there"))).drop("_there")
    return NodeChanges(
        gone=there.join(wanted.select("key"), on="key", how="anti")["key"],
        new=wanted.join(there.select("key"), on="key", how="anti"),
        changed=changed,
    )


def _edge_changes(frame: pl.DataFrame | None, there: pl.DataFrame) -> EdgeChanges:
    if frame is None:
        return EdgeChanges(there["fact"], pl.DataFrame())
    wanted = fingerprinted(frame)
    same = wanted.select("fact", FINGERPRINT)
    return EdgeChanges(
        gone=there.join(same, on=["fact", FINGERPRINT], how="anti")["fact"],
        new=wanted.join(there, on=["fact", FINGERPRINT], how="anti"),
    )
