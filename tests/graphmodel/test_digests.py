"""Hashes of many texts at once are those that hashlib makes of each."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from graphmodel.digests import sha256, sha256_of


def written(texts: list[bytes], **how) -> list[str]:
    data, ends = np.frombuffer(b"".join(texts), np.uint8), np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    rows = np.full((len(texts), 33), ord("-"), np.uint8)
    sha256(data, ends[:-1], ends[1:], rows, 1, **how)
    return [row.tobytes().decode() for row in rows]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=400), max_size=20))
def test_hashes_of_any_bytes_are_hashlibs(texts):
    expected = [hashlib.sha256(text).hexdigest() for text in texts]
    assert sha256_of(pl.Series(texts, dtype=pl.Binary)).to_list() == expected
    assert written(texts, lower=False) == ["-" + digest[:32] for digest in expected]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.characters(max_codepoint=127), max_size=200), max_size=20))
def test_hashes_of_ascii_are_those_of_the_text_in_lower_case(texts):
    assert written([text.encode() for text in texts]) == ["-" + hashlib.sha256(text.lower().encode()).hexdigest()[:32] for text in texts]


def test_a_text_that_begins_at_minus_one_is_left_out():
    rows = np.full((2, 32), ord("-"), np.uint8)
    sha256(np.frombuffer(b"a", np.uint8), np.array([-1, 0]), np.array([-1, 1]), rows, 0)
    assert rows[0].tobytes() == b"-" * 32 and rows[1].tobytes().decode() == hashlib.sha256(b"a").hexdigest()[:32]
