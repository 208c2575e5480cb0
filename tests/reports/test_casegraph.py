"""Which names are one thing: those that always were, not an address that a scan saw a machine have for a while."""

from __future__ import annotations

import polars as pl

from reports.casegraph import identities


def test_a_name_that_was_a_things_only_for_a_time_is_no_name_of_it():
    rows = [("same-identity", "host:a", "ad:1", None, None), ("same-identity", "host:192.0.2.7", "host:a", 100, 200),
            ("same-identity", "host:192.0.2.7", "host:b", 300, None), ("own-mailbox", "host:a", "mailbox:m", None, None)]  # fmt: skip
    steps = pl.DataFrame(rows, schema={"rule": pl.String, "source": pl.String, "target": pl.String, "opens": pl.Int64, "closes": pl.Int64}, orient="row")
    assert identities(steps) == {"ad:1": "ad:1", "host:a": "ad:1"}
