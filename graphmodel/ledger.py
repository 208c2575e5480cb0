"""The case folder: every load an immutable set of Parquet files. It is the truth; graphs are views of it (design.md 2).

Its layout:

    case.hakyu/
      state.json            which loads there are: replaced atomically, so a job of many files is there whole or not
      loads/<id>/           one folder a file: facts by kind, refused rows, manifest.json; never written again
      graph/                the embedded engine's files (graphmodel/store/embedded_store.py)
      projection/           the arrays that reports walk, named by the state they are of (reports/projection.py)
      tmp/                  work in progress; what a crash leaves there is swept by the next writer
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

from graphmodel.digests import sha256_of
from graphmodel.errors import StoreError, UsageError
from graphmodel.facts import FactBuffer, Refused, edge_schema, node_schema
from graphmodel.kinds import EDGES, NODES

# Part of every load's id and of the state: a change of the model makes all graphs new.
MODEL_VERSION = "2"
_CHUNK = 1 << 20
_ID = 16
"""Digits of a fact's id."""


class CaseBusy(StoreError):
    """Another process is loading into the case."""


@dataclass(frozen=True)
class Manifest:
    """What is known of one load. `id` is a hash of content, format and options: the same file is the same load."""

    id: str
    name: str
    path: str
    format: str
    title: str
    sha256: str
    bytes: int
    records: int
    loaded: int
    refused: int
    facts: dict[str, int]
    notes: list[str]
    read_at: str
    options: dict[str, Any] = field(default_factory=dict)
    why: list[str] = field(default_factory=list)
    """Why rows were refused, most frequent first: `not an address: 3 rows (first: row 12, column User)`."""


def content_sha256(files: Iterator[Path], root: Path) -> str:
    """Hash of a file's bytes, or of a folder's relative paths and bytes."""
    total = hashlib.sha256()
    for file in files:
        digest = hashlib.sha256()
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        if file == root:
            return digest.hexdigest()
        total.update(f"{file.relative_to(root).as_posix()}\x00{digest.hexdigest()}\n".encode())
    return total.hexdigest()


def load_id(sha256: str, format_name: str, options: dict[str, Any]) -> str:
    """Id of the load that reading this content in this way makes."""
    stated = json.dumps({k: v for k, v in options.items() if v is not None}, sort_keys=True)
    return hashlib.sha256(f"{MODEL_VERSION}\n{format_name}\n{stated}\n{sha256}".encode()).hexdigest()[:12]


def fact_ids(kind: str, frame: pl.DataFrame) -> pl.Series:
    """Id of each edge fact: a hash of what it says (ends, times, properties), not of where it was read."""
    return sha256_of(_said(kind, frame)).str.head(_ID).alias("fact")


def _said(kind: str, frame: pl.DataFrame) -> pl.Series:
    """What each edge fact says, as one text: its kind and its columns, in their order."""
    parts: list[pl.Expr] = []
    literal = kind
    for name in frame.columns:
        type_ = frame.schema[name]
        if name in {"fact", "source", "place", "record"} or type_ == pl.List(pl.Int64):
            continue
        column = frame[name]
        if column.null_count() == frame.height:
            literal += "\x1f\x00"
        elif type_ == pl.String and not column.null_count() and (column == column[0]).all():
            literal += f"\x1f{column[0]}"  # most columns hold one value: that is put into the text once
        else:
            parts += [pl.lit(literal + "\x1f"), (pl.col(name).list.join("\x1e") if type_ == pl.List(pl.String) else pl.col(name).cast(pl.String)).fill_null("\x00")]
            literal = ""
    if not parts:  # all rows say the same
        return pl.repeat(literal, frame.height, dtype=pl.String, eager=True).alias("fact")
    return frame.select(pl.concat_str([*parts, pl.lit(literal)]).alias("fact")).to_series()


def _once(frame: pl.DataFrame, key: str, said: list[str]) -> pl.DataFrame:
    """The first row of those that say the same; where no key comes twice, which is quickly seen, all rows."""
    return frame if frame[key].n_unique() == frame.height else frame.unique(subset=said, keep="first", maintain_order=True)


class Staged:
    """A load being written, in `tmp/`. Give `buffer` to a loader, then `finish`; nothing is in the case before `commit`."""

    def __init__(self, ledger: Ledger, id_: str, source_name: str, format_name: str) -> None:
        self.id = id_
        self.folder = ledger.tmp / f"{os.getpid()}-{uuid4().hex[:8]}"
        self.folder.mkdir(parents=True)
        self.buffer = FactBuffer(on_full=self._write)
        self._source = f"{format_name}:{source_name}"
        self._parts: dict[str, int] = {}
        self.facts: dict[str, int] = {}

    def _write(self, kind: str, frame: pl.DataFrame) -> None:
        if kind in EDGES:
            frame = frame.with_columns(pl.lit(self._source).alias("source"), fact_ids(kind, frame))
            frame = _once(frame, "fact", ["fact"])
        else:
            if kind == "LogCoverage":
                frame = frame.with_columns(
                    pl.col("key").str.replace("{load}", self.id, literal=True), pl.lit(self._source.partition(":")[0]).alias("format")
                )
            frame = _once(frame, "key", [c for c in frame.columns if c != "place"])
        part = self._parts.get(kind, 0)
        self._parts[kind] = part + 1
        self.facts[kind] = self.facts.get(kind, 0) + frame.height
        # Facts are mostly hashes and repeats: level 1 takes a third less time than the usual one, and no more room. Files are read
        # whole, so that nobody asks for the least and greatest value of a column, which take a tenth of the writing.
        frame.write_parquet(self.folder / f"{kind}.{part:05d}.parquet", compression="zstd", compression_level=1, statistics=False)

    def finish(self, **manifest: Any) -> Manifest:
        """Write what is left, the refused rows and the manifest."""
        self.buffer.flush()
        refused = self.buffer.refused
        rows = {name: [getattr(r, name) for r in refused] for name in ("place", "what", "why")}
        schema = {"place": pl.String, "what": pl.String, "why": pl.String}
        pl.DataFrame(rows, schema=schema).write_parquet(self.folder / "refused.parquet")
        made = Manifest(
            id=self.id, records=self.buffer.records, loaded=max(self.buffer.records - len(refused), 0), refused=len(refused),
            facts=dict(sorted(self.facts.items())), notes=self.buffer.notes, why=_reasons(refused), **manifest,
        )  # fmt: skip
        (self.folder / "manifest.json").write_text(json.dumps(asdict(made), ensure_ascii=False, indent=1), encoding="utf-8")
        return made

    def discard(self) -> None:
        """Forget what was staged."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Ledger:
    """A case folder. Reading needs no lock; writing is one process at a time (`writing`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loads_folder = folder / "loads"
        self.tmp = folder / "tmp"

    @property
    def exists(self) -> bool:
        """Whether the folder is a case."""
        return (self.folder / "state.json").is_file()

    def ids(self) -> list[str]:
        """The ids of the loads there are, sorted."""
        return self._named()[0]

    def _named(self) -> tuple[list[str], int]:
        """(the ids of the loads, sorted; the model of facts that the case was written with)."""
        try:
            text = (self.folder / "state.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return [], int(MODEL_VERSION)
        try:
            named = json.loads(text)
            found, model = sorted(named["loads"]), int(named["model"])
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self.folder / 'state.json'}: cannot be read ({error}); restore it from a copy of the case") from None
        if model > int(MODEL_VERSION):
            raise StoreError(f"{self.folder}: a newer hakyu wrote this case (model {model}, this one knows {MODEL_VERSION}); open it with that one")
        return found, model

    def state(self, ids: list[str] | None = None) -> str:
        """Hash of the set of loads: what caches and results name."""
        chosen = self.ids() if ids is None else ids
        return hashlib.sha256("\n".join([MODEL_VERSION, *sorted(chosen)]).encode()).hexdigest()[:16]

    def manifests(self) -> list[Manifest]:
        """What is known of each load, by reading time."""
        found = [self.manifest(id_) for id_ in self.ids()]
        return sorted(found, key=lambda m: (m.read_at, m.name))

    def manifest(self, id_: str) -> Manifest:
        """What is known of one load."""
        path = self.loads_folder / id_ / "manifest.json"
        try:
            return Manifest(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise StoreError(f"{path}: missing; the case names a load that is not there: restore it, or `hakyu forget {id_}`") from None

    def refused(self, id_: str) -> list[Refused]:
        """The rows of a load that could not be used."""
        frame = pl.read_parquet(self.loads_folder / id_ / "refused.parquet")
        return [Refused(*row) for row in frame.select("place", "what", "why").iter_rows()]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the case's write lock; sweeps what an interrupted writer left. Raises StoreError when another writes."""
        for path in (self.folder, self.loads_folder, self.tmp):
            path.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CaseBusy(f"{self.folder}: another hakyu is loading into this case; wait for it and try again") from None
            if not self.exists:
                self._name([])
            loads, model = self._named()
            if loads and model < int(MODEL_VERSION):
                raise StoreError(
                    f"{self.folder}: an older hakyu wrote this case (model {model}, now {MODEL_VERSION}), under other ids of the same facts; "
                    "it can be read as it is, but load its files into a new case to add to it"
                )
            self._sweep()
            yield

    def _sweep(self) -> None:
        for path in self.tmp.iterdir():
            shutil.rmtree(path, ignore_errors=True)
        wanted = set(self.ids())
        for path in self.loads_folder.iterdir():
            if path.name not in wanted:
                shutil.rmtree(path, ignore_errors=True)

    def stage(self, id_: str, source_name: str, format_name: str) -> Staged:
        """Begin a load (inside `writing`)."""
        return Staged(self, id_, source_name, format_name)

    def commit(self, staged: list[Staged]) -> None:
        """Put finished loads into the case: all of them or, after a crash, none."""
        for load in staged:
            target = self.loads_folder / load.id
            if target.exists():
                load.discard()
            else:
                load.folder.rename(target)
        self._name(sorted({*self.ids(), *(load.id for load in staged)}))

    def forget(self, id_: str) -> Manifest:
        """Take a load out of the case (inside `writing`). `id_` may be shortened. Raises UsageError when it names none, or several."""
        matches = [known for known in self.ids() if known.startswith(id_)]
        if len(matches) != 1:
            raise UsageError(f"{id_!r} names {len(matches)} loads; `hakyu loads` lists them")
        path = self.loads_folder / matches[0] / "manifest.json"
        manifest = self.manifest(matches[0]) if path.exists() else _lost(matches[0])
        self._name([known for known in self.ids() if known != matches[0]])
        shutil.rmtree(self.loads_folder / matches[0], ignore_errors=True)
        return manifest

    def _name(self, ids: list[str]) -> None:
        replace_file(self.folder / "state.json", json.dumps({"model": MODEL_VERSION, "loads": ids}))

    def tables(self, kind: str) -> list[tuple[str, pl.DataFrame]]:
        """The fact tables of one kind, (load id, frame), in order of id: what `view` merges."""
        schema = node_schema(kind) if kind in NODES else edge_schema(kind) | {"fact": pl.String, "source": pl.String}
        found = []
        for id_ in self.ids():
            parts = sorted((self.loads_folder / id_).glob(f"{kind}.*.parquet"))
            if parts:
                read = pl.concat([pl.read_parquet(part) for part in parts])
                younger = [pl.lit(None, dtype=t).alias(c) for c, t in schema.items() if c not in read.columns]  # properties, than the load
                found.append((id_, read.with_columns(younger).select(list(schema))))
        return found

    def stated(self, label: str, key: str) -> list[tuple[str, str]]:
        """(source, place) of each load that states a node; empty where there is no case folder."""
        found = []
        for id_, frame in self.tables(label):
            manifest = self.manifest(id_)
            found += [(f"{manifest.format}:{manifest.name}", place) for place in frame.filter(pl.col("key") == key)["place"].head(1)]
        return found

    def where(self, fact: str) -> list[dict[str, str | None]]:
        """Every place that states a fact: `load, source, place, record, kind`."""
        found: list[dict[str, str | None]] = []
        for kind in EDGES:
            for id_, frame in self.tables(kind):
                hits = frame.filter(pl.col("fact") == fact)
                found += [{"load": id_, "kind": kind, **row} for row in hits.select("source", "place", "record").to_dicts()]
        return found


def _reasons(refused: list[Refused]) -> list[str]:
    counts = Counter(row.why for row in refused)
    first = {row.why: row.place for row in reversed(refused)}
    return [f"{why}: {n:,} {'row' if n == 1 else 'rows'} (first: {first[why]})" for why, n in counts.most_common()]


def _lost(id_: str) -> Manifest:
    return Manifest(id_, "(lost)", "", "", "", "", 0, 0, 0, 0, {}, [], "")


def replace_file(path: Path, text: str) -> None:
    """Replace a file's text so that any reader sees the old or the new one, whole; it is on disk when this returns."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
