"""What is installed, which engine answers, what the graph holds, what is missing."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import TYPE_CHECKING, Any

import polars as pl

from graphmodel.errors import HakyuError
from graphmodel.times import from_iso
from queries.run import read
from reports.casegraph import identities_of
from reports.coverage import coverage

if TYPE_CHECKING:
    from hakyu.case import Case

PACKAGES = ("hakyu", "ladybug", "neo4j", "neo4j-rust-ext", "py2neo", "polars", "pyarrow", "numba", "streamlit", "pyvis", "publicsuffixlist", "pycountry")


def examine(case: Case) -> dict[str, Any]:
    """Plain data: `python`, `packages`, `case`, `engine`, `graph`, `coverage`, `problems` (each one line; empty when all is well)."""
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "case": {"folder": str(case.folder), "exists": case.ledger.exists, "loads": 0, "records": 0, "refused": 0},
        "engine": None,
        "graph": {},
        "coverage": [],
        "problems": [],
    }
    problems: list[str] = found["problems"]
    try:
        manifests = case.loads()
        found["case"] |= {
            "loads": len(manifests), "records": sum(m.records for m in manifests), "refused": sum(m.refused for m in manifests),
        }  # fmt: skip
        store = case.graph()
        found["engine"] = store.engine
        found["graph"] = {"state": store.state(), **_counted(store.nodes(), identities_of(store)), "steps": store.rules()}
        found["coverage"] = coverage(read(store, "coverage"), from_iso("1990-01-01"), None)
        problems += case.ambiguous()
    except HakyuError as error:
        problems.append(str(error))
    return found


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _counted(nodes: pl.DataFrame, identity: dict[str, str]) -> dict[str, dict[str, int]]:
    """`nodes` by kind, and `things`: the same with all names of one thing counted once."""
    one = nodes.with_columns(pl.col("key").replace(identity).alias("thing"))
    counts = one.group_by("kind").agg(pl.len().alias("nodes"), pl.col("thing").n_unique().alias("things")).sort("kind")
    return {name: dict(counts.select("kind", name).iter_rows()) for name in ("nodes", "things")}
