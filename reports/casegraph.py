"""The graph of a case as arrays: keys as numbers, all steps in one order, names of one thing together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from graphmodel.pairs import components
from graphmodel.store.port import Store
from queries.catalogue import Step
from queries.profiles import Profile
from reach.graph import ALWAYS, NEVER
from reports.projection import projection

SAME = "same-identity"
Index = np.ndarray[Any, Any]


class CaseGraph:
    """Keys as numbers, and all steps as arrays in one order."""

    def __init__(self, store: Store, rules: Sequence[Step], cache: Path | None = None) -> None:
        self.steps, self.nodes = projection(store, cache)
        self.rules = {rule.id: rule for rule in rules}
        self.keys: list[str] = self.nodes["key"].to_list()
        self.kinds: list[str] = self.nodes["kind"].to_list()
        self.names: list[str] = [name or key for key, name in self.nodes.select("key", "name").iter_rows()]
        self.number = {key: i for i, key in enumerate(self.keys)}
        self.numbers = pl.DataFrame({"key": self.keys, "n": np.arange(len(self.keys), dtype=np.int32)})
        self.source: Index = self.steps["source_n"].to_numpy()
        self.target: Index = self.steps["target_n"].to_numpy()
        self.opens: Index = self.steps["opens"].fill_null(ALWAYS).to_numpy()
        self.closes: Index = self.steps["closes"].fill_null(NEVER).to_numpy()
        self.foothold: Index = (self.steps["hold"] == "foothold").to_numpy()

    def numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with `source` and `target` as keys, and as numbers (`source_n`, `target_n`; null: no such node)."""
        for end in ("source", "target"):
            rows = rows.join(self.numbers.rename({"key": end, "n": f"{end}_n"}), on=end, how="left", maintain_order="left")
        return rows

    def chosen(self, where: pl.Expr) -> Index:
        """Indices of the steps for which the expression holds."""
        return np.flatnonzero(self.steps.select(where).to_series().to_numpy())

    def walked(self, profile: Profile, vantage: str = "at rest") -> Index:
        """Indices of the steps of a vantage that a profile walks."""
        return self.chosen((pl.col("vantage") == vantage) & pl.col("rule").is_in(sorted(profile.rules)))

    @cached_property
    def identity(self) -> dict[str, str]:
        """Key -> one key for all names of the same thing, where it has several (steps of the rule same-identity)."""
        return _identities(self.steps, self.nodes, "source_n", "target_n")

    @cached_property
    def thing(self) -> Index:
        """For each node the number of the one that stands for all names of the same thing: itself, where it has no other.

        Of several, one that people have a name for: not its address, its account name or its key over again.
        """
        things = np.arange(len(self.keys), dtype=np.int32)
        together: dict[str, list[int]] = {}
        for key, first in self.identity.items():
            together.setdefault(first, []).append(self.number[key])
        for nodes in together.values():
            things[nodes] = min(nodes, key=lambda n: (self._is_plain(n), self.keys[n]))
        return things

    def _is_plain(self, node: int) -> bool:
        name = self.names[node].casefold()
        return "@" in name or "\\" in name or name in (self.keys[node].casefold(), self.keys[node].partition(":")[2].casefold())

    def cleaned(self, times: Mapping[str, Sequence[int]]) -> list[tuple[int, int]]:
        """(node, time) of each remediation, under every name of what was remediated."""
        return [(n, time) for n, key in enumerate(self.keys) for time in times.get(self.identity.get(key, key), ())]

    def sentence(self, rule: str, source: int, target: int) -> str:
        """A step in words."""
        return self.rules[rule].sentence.format(source=self.names[source], target=self.names[target])


def identities_of(store: Store) -> dict[str, str]:
    """`identities` of all steps of a store."""
    found = store.projection()
    return _identities(found.steps, found.nodes, "source", "target")


def _identities(steps: pl.DataFrame, nodes: pl.DataFrame, source: str, target: str) -> dict[str, str]:
    """`identities` of steps whose ends are rows of `nodes`, in these columns."""
    same = steps.filter(pl.col("rule") == SAME)
    return identities(same.with_columns(nodes["key"].gather(same[numbers]).alias(end) for numbers, end in ((source, "source"), (target, "target"))))


def identities(steps: pl.DataFrame) -> dict[str, str]:
    """Key -> one key for all names of the same thing, by the steps (`rule, source, target, opens, closes`) of the rule same-identity.

    A name that was its only for a time (an address that a scan saw a host have) is no name of it.
    """
    always = (pl.col("rule") == SAME) & pl.col("opens").is_null() & pl.col("closes").is_null()
    return components(steps.filter(always).select("source", "target").iter_rows())
