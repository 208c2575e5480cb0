"""Loads and graphs for tests: hand-made loads, the fixtures of the formats as loads, cases on either engine, whole graphs compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from graphmodel.facts import FactBuffer
from graphmodel.ledger import Ledger, Manifest, Staged, content_sha256, load_id
from graphmodel.merge import view
from graphmodel.view import View
from loaders.base import Options, Source
from loaders.registry import recognise
from tests.support.neo4j_server import Server

Say = Callable[[FactBuffer], Any]
Graph = tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]
LOADERS = Path(__file__).parents[1] / "loaders"


def staged(ledger: Ledger, name: str, say: Say) -> tuple[Staged, Manifest]:
    """A finished hand-made load, not yet in the case; call inside `ledger.writing()`. Its id is its name."""
    load = ledger.stage(name, f"{name}.csv", "byhand")
    say(load.buffer)
    manifest = load.finish(
        name=f"{name}.csv", path=f"{name}.csv", format="byhand", title="by hand", sha256=name, bytes=1, read_at="2026-01-01T00:00:00+00:00"
    )  # fmt: skip
    return load, manifest


def put(ledger: Ledger, **loads: Say) -> None:
    """Put hand-made loads (name -> what they say) into a case, in one job."""
    with ledger.writing():
        ledger.commit([staged(ledger, name, say)[0] for name, say in loads.items()])


def view_of(folder: Path, **loads: Say) -> View:
    """The view of a new case with these hand-made loads."""
    ledger = Ledger(folder)
    put(ledger, **loads)
    return view(ledger)


def fixtures() -> list[Path]:
    """The inputs of the formats' own tests: one file a load."""
    sharphound = sorted((LOADERS / "sharphound" / "json").glob("*.json"))
    return sorted(LOADERS.glob("*/input.*")) + [path for path in sharphound if "093000" not in path.name]


def staged_file(ledger: Ledger, path: Path, name: str | None = None) -> Staged:
    """A finished load of one file, named with its folder unless `name` says otherwise, not yet in the case; call inside `writing()`."""
    source = Source(path, name or f"{path.parent.name}/{path.name}")
    fmt, _ = recognise(source)
    sha256 = content_sha256(source.files(), path)
    load = ledger.stage(load_id(sha256, fmt.NAME, {}), source.name, fmt.NAME)
    fmt.read(source, Options(now=int(time.time())), load.buffer)
    load.finish(
        name=source.name, path=source.name, format=fmt.NAME, title=fmt.TITLE, sha256=sha256, bytes=source.size, read_at="2026-01-01T00:00:00+00:00"
    )  # fmt: skip
    return load


def environment(server: Server | None) -> dict[str, str]:
    """What a case is told of its engine: nothing for the embedded one."""
    if server is None:
        return {}
    told = {"NEO4J_URI": server.uri, "NEO4J_USERNAME": server.username}
    return told | ({"NEO4J_PASSWORD": server.password} if server.password else {})


def difference(one: Graph, other: Graph) -> list[str]:
    """How two whole graphs differ, kind by kind; empty when they are equal in every row, property and type."""
    said = []
    for a, b in zip(one, other, strict=True):
        said += [f"{kind}: only in one" for kind in sorted(a.keys() ^ b.keys())]
        for kind in sorted(a.keys() & b.keys()):
            if a[kind].schema != b[kind].schema or not a[kind].equals(b[kind]):
                said.append(f"{kind}: {_rows_apart(a[kind], b[kind])}")
    return said


def _rows_apart(a: pl.DataFrame, b: pl.DataFrame) -> str:
    if a.schema != b.schema:
        return f"{a.schema} and {b.schema}"
    ones, others = ([repr(row) for row in frame.rows()] for frame in (a, b))
    return f"{[r for r in ones if r not in others][:3]} against {[r for r in others if r not in ones][:3]}"


def edges(found: View, type_: str, *columns: str) -> list[tuple[Any, ...]]:
    """Rows of one type in a view (default: both keys), sorted."""
    frame = found.edges.get(type_)
    return [] if frame is None else sorted(frame.select(columns or ("from_key", "to_key")).rows())


def nodes(found: View, label: str, *columns: str) -> list[tuple[Any, ...]]:
    """Rows of one label in a view (default: keys), sorted by key."""
    frame = found.nodes.get(label)
    return [] if frame is None else frame.sort("key").select(columns or ("key",)).rows()
