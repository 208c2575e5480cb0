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
_NEAR, _PIECE = 64 << 10, 1 << 20
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
        from loaders.jsoncells import numbered  # noqa: PLC0415 -- compiled code, which only those that read in columns need

        return numbered(self.form, self.number[rows])

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
    number, rest = 1, np.empty(0, np.uint8)
    while True:
        text = np.empty(len(rest) + BATCH_BYTES + 8, np.uint8)
        text[: len(rest)] = rest
        size = len(rest) + _read_into(stream, text[len(rest) : -8].data)
        ended, end = size < len(text) - 8, size
        if not ended:
            end = _last_line(text, size)
        if not end and size and size < limit:
            rest = text[:size]
            continue
        end = end or size
        rest = text[end:size].copy()
        text[end : end + 8] = ord("\n")
        if end:
            batch = _lines(text[: end + 8], number, read)
            number += len(batch)
            yield batch
        if ended:
            return


def cut(text: Bytes, starts: Ints, ends: Ints, share: int = 1) -> Iterator[tuple[int, Bytes, Ints, Ints]]:
    """Values of a text (as `padded` gives it) by batches, or shares of one: (number of the first, the part of the text, where they begin and end in it)."""
    first, together = 0, BATCH_BYTES // share
    while first < len(starts):
        last = int(max(np.searchsorted(ends, starts[first] + together), first + 1))
        shift = int(starts[first])
        # Not a copy: what stands after the last one is not looked at.
        yield first, text[shift : ends[last - 1] + 8], starts[first:last] - shift, ends[first:last] - shift
        first = last


def _read_into(stream: BinaryIO, room: memoryview) -> int:
    """Fill the room; fewer bytes only where the stream ends."""
    used = 0
    while used < len(room) and (count := stream.readinto(room[used:])):  # type: ignore[attr-defined]
        used += count
    return used


def _last_line(text: Bytes, size: int) -> int:
    """Where the last whole line ends; 0 where there is none."""
    for begin in range(max(size - _NEAR, 0), -_NEAR, -_NEAR):
        found = np.flatnonzero(text[max(begin, 0) : min(begin + _NEAR, size)] == ord("\n"))
        if len(found):
            return max(begin, 0) + int(found[-1]) + 1
    return 0


def _lines(text: Bytes, first: int, read: Callable[[int, bytes], Iterable[tuple[str, Record]]]) -> Batch:
    size = len(text) - 8
    # Piece by piece: memory that is touched for the first time costs more than what is done in it.
    ends = np.concatenate([at + 1 + np.flatnonzero(text[at : min(at + _PIECE, size)] == ord("\n")) for at in range(0, max(size, 1), _PIECE)])
    if not len(ends) or ends[-1] < size:
        ends = np.append(ends, size)
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    numbers = np.arange(first, first + len(starts))
    sound = bool(text.max() < 128) or is_text(text.tobytes())
    return Batch(text, starts, ends, numbers, "line {}", lambda i: read(first + i, text[starts[i] : ends[i]].tobytes()), sound)


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
    from loaders.jsoncells import distinct  # noqa: PLC0415 -- as above

    return iter(rows[distinct(marks[rows])[0]].tolist())
