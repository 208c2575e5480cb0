"""Times: seconds inside, ISO 8601 outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmodel.errors import UsageError
from graphmodel.times import from_iso, to_iso


@given(st.integers(0, 4_102_444_800))
def test_a_time_survives_being_written_and_read(seconds):
    assert from_iso(to_iso(seconds) or "") == seconds


def test_a_time_without_an_offset_is_utc_and_an_offset_counts():
    assert from_iso("2022-10-01") == from_iso("2022-10-01T00:00:00Z") == from_iso(" 2022-10-01T09:00:00+09:00 ") == 1_664_582_400


def test_an_unknown_time_stays_unknown():
    assert to_iso(None) is None


@pytest.mark.parametrize("text", ["", "yesterday", "2022-13-01", "01/10/2022"])
def test_what_is_no_date_is_refused_with_how_to_write_one(text):
    with pytest.raises(UsageError, match="is not a date: write 2022-10-01"):
        from_iso(text)
