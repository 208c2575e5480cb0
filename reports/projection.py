"""Steps and nodes of a graph as the reports take them, kept in the case folder under the state they are true of.

A file is named by the state, so one of another state is never read. It is written beside its name and renamed when whole; one that
cannot be read is made again.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from graphmodel.store.port import Store

_PARTS = ("steps", "nodes")


def projection(store: Store, folder: Path | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(steps, nodes) as `Store.steps` and `Store.nodes` give them; from `folder` where they lie there, else they are put there."""
    state = store.state()
    if folder is None or state is None:
        return store.steps(), store.nodes()
    files = [folder / f"{state}.{part}.arrow" for part in _PARTS]
    try:
        steps, nodes = (pl.read_ipc(file) for file in files)
        return steps, nodes
    except (OSError, pl.exceptions.PolarsError):
        pass
    found = store.steps(), store.nodes()
    if store.state() == state:  # else it changed while it was read
        _keep(folder, files, found)
    return found


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
