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
_LOWER = np.array([byte + 32 if ord("A") <= byte <= ord("Z") else byte for byte in range(256)], np.uint8)


def sha256_of(texts: pl.Series) -> pl.Series:
    """The 64 digits of the hash of each text (String or Binary); null where there is none."""
    return texts.to_frame("of").select(plh.col("of").chash.sha2_256().alias(texts.name)).to_series()


def sha256(data: Bytes, starts: Ints, ends: Ints, rows: Bytes, at: int, *, lower: bool = True) -> None:
    """Write the first 32 digits of the hash of each text data[start:end] into its row, from column `at` on.

    `lower`: of the text in lower case, as far as it is ASCII. Texts that begin at -1 are left out.
    """
    there = np.flatnonzero(starts >= 0)
    if not len(there):
        return
    lengths = (ends - starts)[there]
    stops = np.concatenate([[0], np.cumsum(lengths)])
    joined = data[np.arange(stops[-1]) + np.repeat(starts[there] - stops[:-1], lengths)]
    if lower:
        joined = _LOWER[joined]
    texts = pl.Series("", pa.Array.from_buffers(pa.large_binary(), len(there), [None, pa.py_buffer(stops), pa.py_buffer(joined)]))
    found = sha256_of(texts).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.large_string())
    digits = np.frombuffer(found.buffers()[2], np.uint8)[: _DIGITS * len(there)].reshape(-1, _DIGITS)
    rows[there, at : at + KEPT] = digits[:, :KEPT]
