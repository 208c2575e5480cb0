"""Damage done to a good file, and what a format must make of it: facts, or one line that says why not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from loaders.base import Options, Source

_REACH = 20_000  # bytes from the start that are damaged; binary formats have long runs of nothing behind them


def mutated(data: st.DataObject, good: bytes, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    """The file cut short, with its lines shuffled, with bytes changed, or with one of `words` replaced by one of `others`."""
    raw = bytearray(good)
    how = data.draw(st.sampled_from(["cut", "shuffle", "bytes", "words"]))
    if how == "cut":
        return bytes(raw[: data.draw(st.integers(1, len(raw)))])
    if how == "shuffle":
        return b"\n".join(data.draw(st.permutations(raw.splitlines()))) or b"x"
    if how == "bytes":
        for _ in range(data.draw(st.integers(1, 20))):
            raw[data.draw(st.integers(0, min(len(raw), _REACH) - 1))] = data.draw(st.integers(0, 255))
        return bytes(raw)
    return bytes(raw.replace(data.draw(st.sampled_from(words)), data.draw(st.sampled_from(others)))) or b"x"


def ends_well(fmt: Any, path: Path, now: int) -> None:
    """Ask the format whether it claims the file, and read it: facts, or a refusal in one line, and nothing else."""
    fmt.detect(Source(path, path.name))
    out = FactBuffer()
    try:
        fmt.read(Source(path, path.name), Options(now=now), out)
    except LoadError as error:
        said = str(error)
        assert 0 < len(said) < 400 and "\n" not in said and "Traceback" not in said and path.name not in said
    else:
        for frame in out.frames().values():
            assert frame.height
