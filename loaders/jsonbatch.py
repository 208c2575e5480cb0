"""Many JSON texts that stand one after another in one buffer, so that they can be read in columns.

`ahead(batches, scan)` gives each batch with what `scan` says of it, which runs beside the reading of the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Record = dict[str, Any]
Scanned = TypeVar("Scanned")

BATCH_BYTES = 8 << 20
BATCH_ROWS = 20_000
SMALL = 16 << 20
"""Smaller files are read record by record: loading the compiled code that reads columns takes a second, the first time ten (bytes)."""


@dataclass(frozen=True)
class Batch:
    """Texts as spans of `data`. `number`: of their lines or rows, `form`: how places say it (`line {}`); `row(i)` reads the i-th by itself."""

    data: Bytes
    starts: Ints
    ends: Ints
    number: Ints
    form: str
    row: Callable[[int], Iterable[tuple[str, Record]]]
    sound: bool
    """Whether the bytes are UTF-8."""
    counted: bool = False
    """Whether the records are counted already; else `row` counts what it reads, and who reads otherwise has to."""

    def __len__(self) -> int:
        return len(self.starts)

    def places(self, rows: Ints) -> pl.Series:
        """Places of some of the texts."""
        numbers = pl.Series("place", self.number[rows])
        return pl.select(pl.format(self.form, pl.lit(numbers))).to_series()

    def place(self, row: int) -> str:
        """Place of one text."""
        return self.form.format(self.number[row])

    def value(self, span: Ints) -> Any:
        """The value in a span that was found; raises KeyError where it is absent."""
        if span[0] < 0:
            raise KeyError
        return orjson.loads(self.data[span[0] : span[1]].tobytes())

    @classmethod
    def of(cls, texts: Sequence[str], numbers: Sequence[int], form: str, row: Callable[[int], Iterable[tuple[str, Record]]]) -> Batch:
        """A batch of texts, each with its number; they are counted."""
        try:
            data, sound = "\n".join(texts).encode(), True
        except UnicodeEncodeError:
            data, sound = b"", False
        if not sound:
            lengths = np.zeros(len(texts), np.int64)
        elif len(data) == sum(map(len, texts)) + len(texts) - 1:  # one byte a character
            lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        else:
            lengths = np.fromiter((len(text.encode()) for text in texts), np.int64, len(texts))
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths + 1)[:-1]])
        return cls(padded(data), starts, starts + lengths, np.array(numbers, np.int64), form, row, sound, counted=True)


def of_lines(stream: BinaryIO, read: Callable[[int, bytes], Iterable[tuple[str, Record]]], limit: int) -> Iterator[Batch]:
    """Batches of a text in UTF-8 with a record a line; `read(number, line)` reads one line. `limit`: bytes of a line that end it."""
    number, rest = 1, b""
    while data := stream.read(BATCH_BYTES):
        end = data.rfind(b"\n") + 1
        if not end and len(rest) < limit:
            rest += data
            continue
        batch = _lines(rest + data[:end], number, read)
        rest, number = data[end:], number + len(batch)
        yield batch
    if rest:
        yield _lines(rest, number, read)


def _lines(data: bytes, first: int, read: Callable[[int, bytes], Iterable[tuple[str, Record]]]) -> Batch:
    text = padded(data)
    ends = np.flatnonzero(text[: len(data)] == ord("\n")) + 1
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    numbers = np.arange(first, first + len(starts))
    return Batch(text, starts, ends, numbers, "line {}", lambda i: read(first + i, data[starts[i] : ends[i]]), is_text(data))


def is_text(data: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def ahead(batches: Iterable[Batch], scan: Callable[[Batch], Scanned]) -> Iterator[tuple[Batch, Scanned]]:
    """(batch, what `scan` says of it), in order; the next one is read while the scan of this runs in a thread."""
    waiting: tuple[Batch, Future[Scanned]] | None = None
    with ThreadPoolExecutor(1) as pool:
        for batch in batches:
            future = pool.submit(scan, batch)
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = batch, future
        if waiting is not None:
            yield waiting[0], waiting[1].result()


def padded(data: bytes) -> Bytes:
    """Text as jsonscan takes it: blanks after its end, so that eight bytes may be looked at from any of its bytes."""
    return np.frombuffer(data + b"\n" * 8, np.uint8)


def firsts(marks: Any, rows: Ints) -> Iterator[int]:
    """The first of the rows with each mark."""
    _, firsts = np.unique(marks[rows], return_index=True)
    return iter(rows[firsts].tolist())
