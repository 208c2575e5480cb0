"""The order that a query asks for: the embedded engine does not keep it where many rows are alike in longer texts."""

from __future__ import annotations

import re

import polars as pl

_ORDER = re.compile(r"\bORDER\s+BY\s+(`?\w+`?(?:\s+(?:ASC|DESC))?(?:\s*,\s*`?\w+`?(?:\s+(?:ASC|DESC))?)*)\s*;?\s*$", re.IGNORECASE)


def in_order(cypher: str, found: pl.DataFrame) -> pl.DataFrame:
    """The rows in the order that a query asks for at its end by names of its columns; nulls are the greatest.

    ladybug 0.22 compares wrongly what comes after a longer text and a null, from some thousands of rows on.
    """
    asked = _ORDER.search(without_comments(cypher))
    keys = [one.split() for one in asked[1].split(",")] if asked else []
    names = [key[0].strip("`") for key in keys]
    if not keys or any(name not in found.columns or found.schema[name].is_nested() for name in names):
        return found
    down = [key[-1].upper() == "DESC" for key in keys]
    return found.sort(names, descending=down, nulls_last=[not one for one in down], maintain_order=True)


def without_comments(cypher: str) -> str:
    """A query without the lines that are comments, and without a semicolon at its end."""
    kept = [line for line in cypher.splitlines() if not line.lstrip().startswith("//")]
    return "\n".join(kept).strip().rstrip(";")
