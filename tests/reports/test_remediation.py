from __future__ import annotations

import polars as pl
import pytest

from reports.remediation import remediated

SCHEMA = {"target": pl.String, "kind": pl.String, "what": pl.String, "at": pl.Int64}


def times(*rows, identity=None):
    return remediated(pl.DataFrame(rows, schema=SCHEMA, orient="row"), identity or {})


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ([("reset", 10)], []),
        ([("revoke", 10)], []),
        ([("reset", 10), ("revoke", 30)], [30]),
        ([("revoke", 10), ("reset", 30)], [30]),
        ([("reset", 10), ("reset", 20), ("revoke", 30), ("revoke", 40)], [30]),
        ([("reset", 10), ("revoke", 20), ("reset", 30), ("revoke", 40)], [20, 40]),
        ([("disable", 5), ("reset", 10)], [5]),
        ([("reset", 10), ("revoke", 10)], [10]),
    ],
)
def test_an_account_is_clean_once_its_password_was_reset_and_its_sessions_revoked(events, wanted):
    found = times(*[("upn:a", "Account", what, at) for what, at in events])
    assert found == ({"upn:a": wanted} if wanted else {})


@pytest.mark.parametrize(("kind", "what"), [("Server", "reimage"), ("App", "remove"), ("Rule", "remove"), ("Secret", "rotate"), ("App", "revoke")])
def test_what_is_done_to_anything_else_counts_by_itself(kind, what):
    assert times(("x:1", kind, what, 7), ("x:1", kind, what, 3)) == {"x:1": [3, 7]}


def test_what_is_done_under_two_names_is_done_to_one_account_and_an_unknown_time_says_nothing():
    identity = {"upn:a": "ad:a", "ad:a": "ad:a"}
    rows = [("upn:a", "Account", "reset", 1), ("ad:a", "Account", "revoke", 9), ("ad:a", "Account", "disable", None)]
    assert times(*rows, identity=identity) == {"ad:a": [9]}
