"""What a store can do. Differences between the engines end here: above this, one Cypher text and the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from graphmodel.view import View

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Derivation:
    """One step file as a store needs it: a read-only query and what its header says of the steps it makes.

    The query's columns are `source, target, opens, closes, because`: keys, two times or null, a list of fact ids.
    """

    rule: str
    cypher: str
    hold: str = "borrowed"
    vantage: str = "at rest"
    profile: str = "quiet"


@dataclass(frozen=True)
class SyncReport:
    """What a sync did. `steps`: rule -> relationships; `derived`: the rules whose steps were derived anew, the others' stayed."""

    state: str
    changed: bool
    nodes: int
    edges: int
    steps: dict[str, int]
    derived: frozenset[str] = frozenset()


PROJECTED = ("source", "target", "opens", "closes", "rule", "hold", "vantage", "noise")


@dataclass(frozen=True)
class Projection:
    """The steps as the kernel needs them, of one state of the graph.

    `nodes`: as `Store.nodes()`. `steps`: columns `PROJECTED`, without order; `source` and `target` are row numbers in `nodes` (UInt32),
    `opens` and `closes` seconds since 1970 or null, the others categories; `because` (fact ids) too where it was asked for. A step from
    or to a Message is left out.
    """

    nodes: pl.DataFrame
    steps: pl.DataFrame


class Store(Protocol):
    """A graph that can be brought to a state and asked. Not shared between threads."""

    engine: str
    """`embedded` or `neo4j`."""

    def state(self) -> str | None:
        """The state of the graph (None: empty or incomplete), as `sync` was last told."""

    def sync(self, view: View, derivations: Sequence[Derivation], progress: Progress = ...) -> SyncReport:
        """Bring the graph to `view` with the steps of `derivations`; afterwards it is whole, or as it was.

        `View.state` names both the facts and the step files, so an equal state means there is nothing to do.
        Raises StoreError.
        """

    def read(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Rows of a read-only query. Raises QueryError when it writes, is malformed or names what does not exist."""

    def explain(self, cypher: str, parameters: Mapping[str, Any] | None = None) -> list[str]:
        """Warnings of the planner, without running the query: unknown labels, types and properties. Raises QueryError."""

    def steps(self) -> pl.DataFrame:
        """All STEP relationships: `source, target, rule, opens, closes, hold, vantage, noise, because`, sorted."""

    def rules(self) -> dict[str, int]:
        """Rule -> how many STEP relationships it has; without the rules that have none."""

    def projection(self, because: bool = False) -> Projection:
        """Nodes and steps by number, `because` only if asked for: several times faster than `steps()`."""

    def nodes(self) -> pl.DataFrame:
        """All nodes that are no Message: `key, kind, name`, sorted by key."""

    def dump(self) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
        """The whole graph as tables like a View's (nodes, edges incl. STEP), sorted: for comparing graphs."""

    def close(self) -> None:
        """Let go of the database."""
