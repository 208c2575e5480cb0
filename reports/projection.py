"""Steps and nodes of a graph as the reports take them, by number, kept in the case folder under the state they are true of.

A file is named by the state, so one of another state is never read. It is written beside its name and renamed when whole; one that
cannot be read is made again.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from graphmodel.store.port import Store

_PARTS = ("numbered", "nodes")
_ORDER = ("source_n", "target_n", "rule", "opens", "closes")


def projection(store: Store, folder: Path | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(steps, nodes); from `folder` where they lie there, else they are put there.

    `nodes`: as `Store.nodes` gives them. `steps`: `source_n, target_n` (rows of `nodes`), `opens, closes, rule, hold, vantage, noise, because`, in
    the order of `Store.steps`. They travel packed from a server (Store.projection).
    """
    state = store.state()
    if folder is None or state is None:
        return _read(store)
    files = [folder / f"{state}.{part}.arrow" for part in _PARTS]
    try:
        steps, nodes = (pl.read_ipc(file) for file in files)
        return steps, nodes
    except (OSError, pl.exceptions.PolarsError):
        pass
    found = _read(store)
    if store.state() == state:  # else it changed while it was read
        _keep(folder, files, found)
    return found


def _read(store: Store) -> tuple[pl.DataFrame, pl.DataFrame]:
    found = store.projection(because=True)
    ends = [pl.col(end).cast(pl.Int32).alias(f"{end}_n") for end in ("source", "target")]
    steps = found.steps.with_columns(ends).drop("source", "target").sort(_ORDER)  # nodes are in the order of their keys, rules in that of their names
    return steps.with_columns(pl.col("rule", "hold", "vantage", "noise").cast(pl.String)), found.nodes


def _keep(folder: Path, files: list[Path], frames: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """Write the files, and take those of other states away. A folder that cannot be written is no fault: it is read again next time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, frame in zip(files, frames, strict=True):
            beside = file.with_name(f".{file.name}.{os.getpid()}")
            frame.write_ipc(beside)
            beside.replace(file)
        for other in folder.glob("*.arrow"):
            if other not in files:
                other.unlink(missing_ok=True)
    except OSError:
        return
