"""Message-IDs in JSON or plain text, as the keys of messages, without an object for any of them: bare, in lower case, hashed many at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from graphmodel import digests
from graphmodel.memory import address, byte, jit, put_byte
from loaders.jsonbatch import Bytes, Ints
from loaders.jsoncells import fixed, whole


def message_keys(data: Bytes, spans: Ints, quoted: bool = True) -> tuple[pl.Series, Any]:
    """(keys as `identity.message_key` makes them, state) of Message-IDs in ASCII without escapes; `quoted`: they are JSON, else plain text."""
    rows = np.full((len(spans), 36), ord("0"), np.uint8)
    rows[:, :4] = np.frombuffer(b"msg:", np.uint8)
    bare, state = _bare_ids(address(data), whole(spans), int(quoted))
    joined, ends = np.empty((bare[1] - bare[0]).sum(), np.uint8), np.empty(len(rows) + 1, np.int64)
    _lowered(address(data), bare, address(joined), ends)
    digests.sha256(joined, ends, rows, 4, bare[0] >= 0)
    return fixed(rows), state


@jit
def _bare(data: Any, start: Any, end: Any, brackets: Any) -> Any:
    """Without blanks (or brackets) around: (start, end)."""
    while start < end and ((byte(data, start) == 60 or byte(data, start) == 62) if brackets else byte(data, start) == 32):
        start += 1
    while start < end and ((byte(data, end - 1) == 60 or byte(data, end - 1) == 62) if brackets else byte(data, end - 1) == 32):
        end -= 1
    return start, end


@jit
def _bare_ids(data: Any, spans: Any, quoted: Any) -> Any:
    """(starts and ends, state): ids as they are hashed; -1 where there is none to hash."""
    state, found = np.empty(len(spans), np.uint8), np.full((2, len(spans)), -1)
    for row in range(len(spans)):
        start, end = spans[row, 0] + quoted, spans[row, 1] - quoted
        state[row] = 1 if spans[row, 0] < 0 or (quoted and byte(data, start - 1) != 34) else 0
        if state[row] == 1:
            continue
        start, end = _bare(data, start, end, False)
        start, end = _bare(data, start, end, True)
        start, end = _bare(data, start, end, False)
        plain = True
        for at in range(start, end):
            c = byte(data, at)
            plain &= 32 <= c < 127 and (c != 92 or not quoted)
        state[row] = 2 if not plain else 1 if start == end else 0
        if state[row] == 0:
            found[0, row], found[1, row] = start, end
    return found, state


@jit
def _lowered(data: Any, spans: Any, out: Any, ends: Any) -> None:
    """Texts end to end in lower case, as far as they are ASCII, and where each ends."""
    ends[0] = used = 0
    for row in range(spans.shape[1]):
        for at in range(spans[0, row], spans[1, row]):
            c = byte(data, at)
            put_byte(out, used, c + 32 if 65 <= c <= 90 else c)
            used += 1
        ends[row + 1] = used
