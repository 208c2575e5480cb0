"""The rows of a step file, made the same for both engines."""

from __future__ import annotations

from typing import Any

import polars as pl

from graphmodel.errors import QueryError
from graphmodel.store.port import Derivation

STEP_SCHEMA: dict[str, Any] = {
    "source": pl.String,
    "target": pl.String,
    "rule": pl.String,
    "opens": pl.Int64,
    "closes": pl.Int64,
    "hold": pl.String,
    "vantage": pl.String,
    "noise": pl.String,
    "because": pl.List(pl.String),
}
QUERY_COLUMNS = ("source", "target", "opens", "closes", "because")


def step_rows(derivation: Derivation, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of STEP_SCHEMA from a step query's result.

    Intervals that are empty are dropped; of rows that differ only in `because`, the one whose facts sort first is kept, so the
    steps do not depend on an engine's order. Raises QueryError when the columns are not those of a step.
    """
    if set(rows.columns) != set(QUERY_COLUMNS):
        raise QueryError(f"{derivation.rule}: a step returns {', '.join(QUERY_COLUMNS)}, not {', '.join(rows.columns)}")
    typed = rows.select(
        pl.col("source").cast(pl.String), pl.col("target").cast(pl.String), pl.lit(derivation.rule).alias("rule"),
        pl.col("opens").cast(pl.Int64), pl.col("closes").cast(pl.Int64),
        pl.lit(derivation.hold).alias("hold"), pl.lit(derivation.vantage).alias("vantage"), pl.lit(derivation.profile).alias("noise"),
        pl.col("because").cast(pl.List(pl.String)).list.drop_nulls(),
    )  # fmt: skip
    open_ = typed.filter((pl.col("source") != pl.col("target")) & (pl.col("closes") > pl.col("opens")).fill_null(True))
    ordered = open_.with_columns(pl.col("because").list.join(",").alias("_why")).sort("source", "target", "opens", "closes", "_why")
    return ordered.unique(subset=["source", "target", "opens", "closes"], keep="first", maintain_order=True).select(list(STEP_SCHEMA))
