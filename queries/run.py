"""Runs what the catalogue has: saved questions with their parameters, and the fixed reads that reports are made from."""

from __future__ import annotations

from functools import cache
from typing import Any

import polars as pl

from graphmodel.errors import QueryError
from graphmodel.store.port import Store
from queries.catalogue import FOLDER, Saved


@cache
def text(name: str) -> str:
    """The Cypher of `queries/reads/<name>.cypher`."""
    return (FOLDER / "reads" / f"{name}.cypher").read_text(encoding="utf-8")


def read(store: Store, name: str, **parameters: Any) -> pl.DataFrame:
    """Rows of a fixed read."""
    return store.read(text(name), parameters)


def ask(store: Store, question: Saved, given: dict[str, str]) -> pl.DataFrame:
    """Rows of a saved question, with exactly the columns its header declares. Raises QueryError or UsageError."""
    if question.engine not in {"both", store.engine}:
        raise QueryError(f"{question.name} runs on {question.engine} only; this graph is {store.engine}")
    rows = store.read(question.cypher, question.bind(given))
    if tuple(rows.columns) != question.columns:
        raise QueryError(f"{question.file}: returns {', '.join(rows.columns)}, its header says {', '.join(question.columns)}")
    return rows
