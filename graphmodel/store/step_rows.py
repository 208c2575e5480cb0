"""The rows of a step file, made the same for both engines."""

from __future__ import annotations

from typing import Any

import polars as pl

from graphmodel.errors import QueryError
from graphmodel.store.port import PROJECTED, Derivation, Projection

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
MADE_BY = "1"
"""To be raised whenever the rows made of the same query and facts become others: then all are derived again."""
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
        pl.col("because").cast(pl.List(pl.String)),
    )  # fmt: skip
    if typed["because"].explode(empty_as_null=False).null_count():
        typed = typed.with_columns(pl.col("because").list.drop_nulls())
    open_ = typed.filter((pl.col("source") != pl.col("target")) & (pl.col("closes") > pl.col("opens")).fill_null(True)).select(list(STEP_SCHEMA))
    return _first_reasons(open_)


def _first_reasons(rows: pl.DataFrame) -> pl.DataFrame:
    """Of rows that are one step, the one whose facts sort first. Only those that are not alone are sorted: a million take their time."""
    one = ["source", "target", "opens", "closes"]
    several = rows.select(one).is_duplicated()
    if not several.any():
        return rows
    ordered = rows.filter(several).with_columns(pl.col("because").list.join(",").alias("_why")).sort(*one, "_why")
    return pl.concat([rows.filter(~several), ordered.unique(subset=one, keep="first", maintain_order=True).drop("_why")])


def projected(nodes: pl.DataFrame, steps: pl.DataFrame, said: pl.DataFrame) -> Projection:
    """A projection of nodes (`id`, and the columns of Store.nodes()) and steps whose `source` and `target` are such ids.

    `said`: what each rule's steps have in common (`rule, hold, vantage, noise`). What else the steps have is kept.
    """
    ordered = nodes.sort("key")
    numbers = ordered.select("id", pl.int_range(pl.len(), dtype=pl.UInt32).alias("_number"))
    for end in ("source", "target"):
        steps = steps.join(numbers, left_on=end, right_on="id", how="inner").drop(end).rename({"_number": end})
    rules = pl.Enum(said["rule"].unique().sort())
    steps = steps.with_columns(pl.col("rule").cast(rules))
    words = said.with_columns(pl.col("rule").cast(rules), pl.col("hold", "vantage", "noise").cast(pl.Categorical))
    more = [name for name in steps.columns if name not in PROJECTED]
    return Projection(ordered.drop("id"), steps.join(words, on="rule", how="left").select(*PROJECTED, *more))
