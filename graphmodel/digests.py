"""SHA-256 of many short texts at once (polars-hash): a call of hashlib for each would cost more than all the rest of reading a log."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

KEPT = 32
"""Digits of a hash that is a key."""
_DIGITS = 64


def sha256_of(texts: pl.Series) -> pl.Series:
    """The 64 digits of the hash of each text (String or Binary); null where there is none."""
    return texts.to_frame("of").select(plh.col("of").chash.sha2_256().alias(texts.name)).to_series()


def sha256(data: Bytes, ends: Ints, rows: Bytes, at: int, there: npt.NDArray[np.bool_]) -> None:
    """Write the first 32 digits of the hash of each text data[ends[i]:ends[i + 1]] into row i, from column `at` on, where it is `there`."""
    if not len(rows):
        return
    texts = pl.Series("", pa.Array.from_buffers(pa.large_binary(), len(rows), [None, pa.py_buffer(ends), pa.py_buffer(data)]))
    found = sha256_of(texts).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.large_string())
    digits = np.frombuffer(found.buffers()[2], np.uint8)[: _DIGITS * len(rows)].reshape(-1, _DIGITS)[:, :KEPT]
    if there.all():
        rows[:, at : at + KEPT] = digits
    else:
        rows[there, at : at + KEPT] = digits[there]
