"""How joins are written: rows of SAME_IDENTITY between names of one thing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

ROWS: dict[str, Any] = {"from_key": pl.String, "to_key": pl.String, "reason": pl.String, "because": pl.List(pl.String)}
"""What a join must say; `pairs` adds the rest."""


def pairs(frame: pl.DataFrame, label: str, source: str, to_label: str | None = None) -> pl.DataFrame:
    """SAME_IDENTITY rows from columns `from_key, to_key, reason, because`. `to_label`: where it is another one."""
    return frame.with_columns(
        pl.lit(label).alias("from_label"), pl.lit(to_label or label).alias("to_label"), pl.lit(source).alias("source"), pl.lit("joined").alias("place")
    )


def stars(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    """For rows (by, key, fact) with several keys per `by`: one row from the smallest key to each other, with both facts."""
    one = frame.sort("key", "fact").unique(subset=[by, "key"], keep="first", maintain_order=True)
    hub = one.group_by(by, maintain_order=True).agg(pl.col("key").first().alias("from_key"), pl.col("fact").first().alias("hub_fact"))
    rest = one.join(hub, on=by).filter(pl.col("key") != pl.col("from_key"))
    return rest.select(by, "from_key", pl.col("key").alias("to_key"), pl.concat_list("hub_fact", "fact").alias("because"))


def components(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Key -> the smallest key of the set that `links` join it to; keys without links are absent."""
    parent: dict[str, str] = {}

    def find(key: str) -> str:
        while (up := parent.setdefault(key, key)) != key:
            parent[key] = key = parent.setdefault(up, up)
        return key

    for a, b in links:
        low, high = sorted((find(a), find(b)))
        parent[high] = low
    return {key: find(key) for key in parent}
