"""A projection from a Neo4j server: columns travel packed, as one list each, and words once for all steps that share them.

One record a row costs five times the time, one list a row still three times (`python -m benchmarks.store`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import polars as pl

from graphmodel.kinds import STEP
from graphmodel.store.port import Projection
from graphmodel.store.step_rows import projected

if TYPE_CHECKING:
    from graphmodel.store.neo4j_sync import Run

PAGE = 200_000
"""Rows in one packed record: its lists cost the server's memory."""
_NULL = -(2**62)  # a time that is null, in a packed column of numbers (`collect` leaves out what is null)
_NONE = "\x00"  # a text that is null
_BETWEEN = "\x1f"  # between the facts of a step, which travel as one text
_WORDS = ("rule", "hold", "vantage", "noise")

_NODES = """MATCH (n:Entity) WHERE n.kind <> 'Message' WITH n SKIP $skip LIMIT $page
RETURN n.kind, collect(id(n)), collect(n.key), collect(coalesce(n.name, $none))"""
# Each property that is read of each step costs a tenth of a second a 100,000: what a rule's steps have in common is read of one.
_STEPS = f"""MATCH (a)-[r:{STEP}]->(b) WITH a, r, b SKIP $skip LIMIT $page
WITH r.rule AS rule, head(collect(r)) AS one, collect(id(a)) AS source, collect(id(b)) AS target,
  collect(coalesce(r.opens, {_NULL})) AS opens, collect(coalesce(r.closes, {_NULL})) AS closes, %s AS because
RETURN rule, one.hold, one.vantage, one.noise, source, target, opens, closes, because"""
_BECAUSE = "collect(reduce(all = coalesce(head(r.because), $none), fact IN tail(r.because) | all + $between + fact))"


def read(run: Run, because: bool) -> Projection:
    """All nodes that are no Message and all steps, see Store.projection."""
    numbers = {"source": pl.Int64, "target": pl.Int64, "opens": pl.Int64, "closes": pl.Int64} | ({"because": pl.String} if because else {})
    nodes = [pl.DataFrame(schema={"id": pl.Int64, "key": pl.String, "name": pl.String, "kind": pl.String})]
    for (kind,), columns in _pages(run, _NODES, 1):
        nodes.append(_frame(dict(zip(("id", "key", "name"), (pl.Int64, pl.String, pl.String), strict=True)), columns, kind=kind))
    steps, said = [pl.DataFrame(schema=numbers | {"rule": pl.String})], []
    for words, columns in _pages(run, _STEPS % (_BECAUSE if because else "null"), len(_WORDS)):
        said.append(words)
        steps.append(_frame(numbers, columns[: len(numbers)], rule=words[0]))
    whole = pl.concat(steps).with_columns(pl.when(pl.col(name) != _NULL).then(name).alias(name) for name in ("opens", "closes"))
    if because:
        facts = pl.when(pl.col("because") == _NONE).then(pl.lit([], dtype=pl.List(pl.String))).otherwise(pl.col("because").str.split(_BETWEEN))
        whole = whole.with_columns(facts.alias("because"))
    names = pl.when(pl.col("name") != _NONE).then("name").alias("name")
    headers = pl.DataFrame(said, schema=dict.fromkeys(_WORDS, pl.String), orient="row").unique()
    return projected(pl.concat(nodes).select("id", "key", "kind", names), whole, headers)


def _pages(run: Run, cypher: str, words: int) -> Iterator[tuple[list[Any], list[Any]]]:
    """(the first values, the packed columns) of each record of all pages."""
    for skip in count(0, PAGE):
        rows = run(cypher, skip=skip, page=PAGE, none=_NONE, between=_BETWEEN).rows
        yield from ((row[:words], row[words:]) for row in rows)
        if sum(len(row[words]) for row in rows) < PAGE:
            return


def _frame(schema: dict[str, Any], columns: list[Any], **word: str) -> pl.DataFrame:
    frame = pl.DataFrame([pl.Series(name, column, dtype=dtype) for (name, dtype), column in zip(schema.items(), columns, strict=True)])
    return frame.with_columns(pl.lit(value, dtype=pl.String).alias(name) for name, value in word.items())
