"""How a format reads batches of JSON by spans: `scan` finds without Python's objects what there is, in a thread; `state` says it, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
import orjson

from loaders import jsoncells
from loaders.jsonbatch import Batch, Bytes, Ints, ahead
from loaders.jsonscan import Found, Names, objects

Scanned = TypeVar("Scanned")


def objects_of(batch: Batch, names: Names) -> Found:
    """The object in each row of a batch; none in a row that is no object, or that must be read by a real parser."""
    return objects(batch.data, np.where(batch.sound & (batch.data[batch.starts] == ord("{")), batch.starts, -1), batch.ends, names)


def values_of(data: Bytes, spans: Ints, absent: Any = None) -> list[Any]:
    """The value in each span; `absent` where there is none."""
    return [orjson.loads(data[start:end].tobytes()) if start >= 0 else absent for start, end in spans.tolist()]


def once_a_value(data: Bytes, spans: Ints, absent: Any = None) -> tuple[list[Any], Ints]:
    """(each different value, which of these each row has)."""
    first, which = jsoncells.distinct(jsoncells.marks(data, spans))
    return values_of(data, spans[first], absent), which


def each(batches: Iterable[Batch], scan: Callable[[Batch], Scanned], state: Callable[[Batch, Scanned], None]) -> None:
    """State all batches, each by what `scan` says of it."""
    for batch, scanned in ahead(batches, scan):
        state(batch, scanned)
