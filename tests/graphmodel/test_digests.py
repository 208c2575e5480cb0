"""Hashes of many texts at once are those that hashlib makes of each."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from graphmodel.digests import sha256, sha256_of


def written(texts: list[bytes], there: list[bool] | None = None) -> list[str]:
    data, ends = np.frombuffer(b"".join(texts), np.uint8), np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    rows = np.full((len(texts), 33), ord("-"), np.uint8)
    sha256(data, ends, rows, 1, np.array(there or [True] * len(texts), np.bool_))
    return [row.tobytes().decode() for row in rows]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=400), max_size=20))
def test_hashes_of_any_bytes_are_hashlibs(texts):
    expected = [hashlib.sha256(text).hexdigest() for text in texts]
    assert sha256_of(pl.Series(texts, dtype=pl.Binary)).to_list() == expected
    assert written(texts) == ["-" + digest[:32] for digest in expected]


def test_a_text_that_is_not_there_is_left_out():
    assert written([b"", b"a"], [False, True]) == ["-" * 33, "-" + hashlib.sha256(b"a").hexdigest()[:32]]
