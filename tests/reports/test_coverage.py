from __future__ import annotations

import polars as pl
import pytest

from graphmodel.kinds import COVERAGE
from graphmodel.times import from_iso
from reports.coverage import LEANS_ON, beside, coverage

START, UNTIL = from_iso("2022-10-01"), from_iso("2023-06-13")
SCHEMA = {"what": pl.String, "scope": pl.String, "format": pl.String, "first": pl.Int64, "last": pl.Int64, "collected": pl.Int64,
          "missing": pl.Int64, "capped": pl.Boolean, "note": pl.String}  # fmt: skip


def rows(*given):
    return pl.DataFrame([{name: row.get(name) for name in SCHEMA} for row in given], schema=SCHEMA, orient="row")


def one(what, *given, until=UNTIL):
    return next(row for row in coverage(rows(*given), START, until) if row["what"] == what)


def test_every_word_has_a_line_and_without_a_source_it_is_not_collected():
    found = coverage(rows(), START, UNTIL)
    assert [row["what"] for row in found] == list(COVERAGE)
    assert {row["status"] for row in found} == {"not collected"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"collected": 5, "missing": 29}, "29 of 34 were not asked"),
        ({"collected": 5, "capped": True}, "stopped at a known limit"),
    ],
)
def test_what_was_asked_in_part_is_partial(given, words):
    row = one("sessions", {"what": "sessions"} | given)
    assert row["status"] == "partial" and words in row["detail"]


def test_a_trace_that_does_not_cover_the_window_says_where_it_is_blind():
    seen = {"what": "message trace", "first": from_iso("2023-03-01"), "last": from_iso("2023-05-01"), "collected": 9}
    row = one("message trace", seen)
    assert row["status"] == "partial"
    assert "nothing before 2023-03-01" in row["detail"] and "nothing after 2023-05-01" in row["detail"]
    assert "nothing after" not in one("message trace", seen, until=None)["detail"]
    whole = seen | {"first": START, "last": UNTIL - 3600}
    assert one("message trace", whole)["status"] == "collected"


def test_beside_a_number_stands_what_it_leans_on_and_only_what_is_missing():
    table = coverage(rows({"what": "servers", "collected": 3}, {"what": "groups", "collected": 1, "missing": 1}), START, UNTIL)
    assert beside("Server", table) == ["server administrators not collected", "groups: 1 of 2 were not asked", "directory rights not collected"]


def test_numbers_lean_on_words_that_sources_can_say():
    assert {word for words in LEANS_ON.values() for word in words} <= set(COVERAGE)
