"""All ways in the small agency: two parallel ones, and one that time forbids."""

from __future__ import annotations

import pytest

from graphmodel.errors import UsageError
from tests.support.exports import AGENCY, csv, load, new_case

START, END = "2022-10-01", "2023-06-13"
RIGHTS = csv(
    "Identity,User,AccessRights,IsInherited,Deny",
    ("desk@agency.example", "suzuki@agency.example", "{FullAccess}", "False", "False"),
    ("desk@agency.example", "tanaka@agency.example", "{FullAccess}", "False", "False"),
    ("tanaka@agency.example", "suzuki@agency.example", "{FullAccess}", "False", "False"),
)


@pytest.fixture(scope="module")
def agency(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ways")
    case = new_case(folder)
    load(case, folder / "exports", AGENCY | {"permissions.csv": RIGHTS})
    yield case
    case.close()


def test_every_step_on_a_way_is_listed_with_the_shortest_way_through_it(agency):
    found = agency.ways("suzuki@agency.example", "mailbox:desk@agency.example", START, END)
    assert ("shared-mailbox", "mailbox:desk@agency.example") in {(s["rule"], s["target"]) for s in found["steps"]}
    assert found["left_out"] == 0 and [s["length"] for s in found["steps"]] == sorted(s["length"] for s in found["steps"])
    assert all(s["because"] and s["at"].startswith("2022-10-01") for s in found["steps"])


def test_phishing_makes_more_ways_only_where_it_is_walked(agency):
    def rules(profile):
        return {s["rule"] for s in agency.ways("suzuki@agency.example", "mailbox:desk@agency.example", START, END, profile)["steps"]}

    assert "internal-phishing" in rules("noisy") and "internal-phishing" not in rules("quiet")


def test_a_limit_keeps_the_shortest(agency):
    full = agency.ways("suzuki@agency.example", "mailbox:desk@agency.example", START, END, "noisy")["steps"]
    cut = agency.ways("suzuki@agency.example", "mailbox:desk@agency.example", START, END, "noisy", limit=2)
    assert cut["steps"] == full[:2] and cut["left_out"] != 0


def test_nobody_leads_to_nothing(agency):
    assert agency.ways("tanaka@agency.example", "mailbox:suzuki@agency.example", START, END)["steps"] == []
    with pytest.raises(UsageError, match="is nobody the case knows"):
        agency.ways("tanaka@agency.example", "nobody@agency.example", START, END)
