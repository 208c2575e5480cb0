"""Bytes read and written by their addresses."""

from __future__ import annotations

import numpy as np
import pytest

from graphmodel.memory import address, byte, jit, number, put_byte, put_number, word


@jit
def _copied(source, target):
    put_byte(target, 0, byte(source, 1))
    put_number(target, 1, np.int64(word(source, 1)))
    put_number(target, 2, number(source, 1))


def test_what_is_read_at_an_address_is_what_the_array_holds():
    source, target = np.arange(16, dtype=np.uint8), np.zeros(24, np.uint8)
    _copied(address(source), address(target))
    assert target.tolist() == [1, *[0] * 7, *range(1, 9), *range(8, 16)]


def test_an_array_with_gaps_has_no_address():
    with pytest.raises(ValueError, match="gaps"):
        address(np.zeros((4, 4))[:, :2])
