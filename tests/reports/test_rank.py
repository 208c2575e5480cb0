"""Every account of the small agency, ranked: each row is what a blast radius of that account says."""

from __future__ import annotations

import pytest

from reach.evidence import LEVELS
from tests.support.exports import AGENCY, load, new_case

START, END = "2022-10-01", "2023-06-13"


@pytest.fixture(scope="module")
def agency(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rank")
    case = new_case(folder)
    load(case, folder / "exports", AGENCY)
    yield case
    case.close()


@pytest.mark.parametrize("profile", ["rights", "quiet", "noisy"])
def test_each_account_reaches_what_its_blast_radius_says(agency, profile):
    found = agency.rank(START, END, profile)
    assert len(found["accounts"]) >= 2 and [row["total"] for row in found["accounts"]] == sorted((row["total"] for row in found["accounts"]), reverse=True)
    for row in found["accounts"]:
        counts = {one["kind"]: one for one in agency.blast(row["key"], START, END, profile)["counts"]}
        for kind, levels in row["reached"].items():
            own = kind == "Account"
            assert levels[LEVELS[0]] == counts[kind]["reached"] - own
        assert row["total"] == sum(one["reached"] for one in counts.values()) - 1


def test_upstream_is_how_many_accounts_reach_a_thing(agency):
    found = agency.rank(START, END)
    names = {row["key"]: row["accounts"] for row in found["upstream"]}
    by_hand: dict[str, int] = {}
    for row in found["accounts"]:
        for node in agency.blast(row["key"], START, END)["reached"]:
            if node["same_as"] is None and node["key"] != row["key"]:
                by_hand[node["key"]] = by_hand.get(node["key"], 0) + 1
    assert names["mailbox:desk@agency.example"] == by_hand["mailbox:desk@agency.example"] == 1
    assert names["mailbox:tanaka@agency.example"] == by_hand["mailbox:tanaka@agency.example"] == 2
