"""What is known of an embedded graph file without opening it: fingerprints of its rows, and the rows of each rule.

Beside the file lies a manifest (`<state>.lbug.json`). It names Parquet files under `cache/`, which are content-addressed: a table of
fingerprints by what it holds, a rule's rows by the rule's fingerprint. Nothing here is needed: what is lost or damaged is found
out again, from the view or by deriving it anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl

from graphmodel.ledger import replace_file
from graphmodel.store.prints import digest

Pair = tuple[str, str]


@dataclass(frozen=True)
class RuleRows:
    """A rule's steps as they are in a file. `print`: the rule's fingerprint; `digest`: of its rows; `pairs`: labels that they join."""

    print: str
    digest: str
    header: tuple[str, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Manifest:
    """What a graph file holds.

    `schema`: of its tables and the engine; `bytes`: its size; `copies`: how many times it has been copied and changed since a file was
    made anew; `fresh`: bytes a row of that one; `nodes`: label -> table of (key, fingerprint); `edges`: `TYPE|FROM|TO` -> table of
    fingerprints; `rules`: rule -> its rows.
    """

    schema: str
    bytes: int = 0
    rows: int = 0
    copies: int = 0
    fresh: float = 0.0
    nodes: dict[str, str] = field(default_factory=dict)
    edges: dict[str, str] = field(default_factory=dict)
    rules: dict[str, RuleRows] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The files of the cache that belong to it."""
        return {*self.nodes.values(), *self.edges.values(), *(rule.print for rule in self.rules.values())}

    def write(self, path: Path) -> None:
        """Replace the file."""
        replace_file(path, json.dumps(asdict(self)))


def read_manifest(path: Path) -> Manifest | None:
    """None when there is none that can be read."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        rules = {
            rule: RuleRows(rows["print"], rows["digest"], tuple(rows["header"]), tuple((a, b) for a, b in rows["pairs"]))
            for rule, rows in said.pop("rules").items()
        }
        return Manifest(**said, rules=rules)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def part_name(type_: str, source: str, target: str) -> str:
    """The name of the relationships of one type that join two labels."""
    return f"{type_}|{source}|{target}"


class Cache:
    """A folder of Parquet files that can be lost."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.parquet"

    def put(self, name: str, frame: pl.DataFrame) -> None:
        """Keep a frame under a name, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f".{name}.{os.getpid()}"
        frame.write_parquet(temporary, compression="lz4", statistics=False)
        temporary.replace(self._path(name))

    def _get(self, name: str) -> pl.DataFrame | None:
        try:
            return pl.read_parquet(self._path(name), memory_map=False)
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return None

    def prints(self, name: str) -> pl.DataFrame | None:
        """The table of that content; None when it is lost or damaged."""
        found = self._get(name)
        return found if found is not None and rows_digest(found) == name else None

    def put_prints(self, frame: pl.DataFrame) -> str:
        """Keep a table under the name of its content."""
        name = rows_digest(frame)
        if self.prints(name) is None:
            self.put(name, frame)
        return name

    def rows(self, rule: RuleRows) -> pl.DataFrame | None:
        """A rule's rows; None when they are lost or damaged."""
        found = self._get(rule.print)
        return found if found is not None and rows_digest(found) == rule.digest else None

    def sweep(self, keep: Iterable[str]) -> None:
        """Remove everything but these."""
        kept = {self._path(name) for name in keep}
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path not in kept:
                path.unlink(missing_ok=True)


def rows_digest(rows: pl.DataFrame) -> str:
    """A name for rows, in their order."""
    return digest(rows.hash_rows(seed=526))
