"""What closes it, for the small agency: worked out by hand, and never written into the graph."""

from __future__ import annotations

import json

import pytest

from graphmodel.errors import UsageError
from hakyu.case import Case
from tests.support.exports import AGENCY, load, new_case
from tests.support.run import hakyu

START, END = "2022-10-01", "2023-06-13"


@pytest.fixture(scope="module")
def agency(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contain")
    case = new_case(folder)
    load(case, folder / "exports", AGENCY)
    yield case
    case.close()


def named(found, words):
    (one,) = [a for a in found["actions"] if words in a["text"]]
    return one


def dumped(case: Case) -> str:
    nodes, edges = case.graph().dump()
    return json.dumps({k: frame.to_dicts() for k, frame in (nodes | edges).items()}, default=str)


def test_each_action_has_its_exact_gain(agency):
    found = agency.contain("suzuki@agency.example", START, END)
    assert found["held"] == {"Mailbox": 3, "Account": 1, "Rule": 1} and found["things"] == 5
    assert {row["name"] for row in found["lasting"]} == {"Suzuki Ichiro", "mailbox forwarding"}
    # The rule that copies Tanaka's mail has been gained: it stays when the account is cleaned.
    assert named(found, "Reset the password and revoke the sessions of Suzuki")["gain"] == 4
    assert named(found, "opens the mailbox Tanaka Hanako as delegate")["gain"] == 1
    assert named(found, "opens the shared mailbox Desk")["gain"] == 1
    assert found["plan"]["left"] == 0 and found["plan"]["came_back"] == []


def test_what_survives_a_password_reset_is_what_has_a_hold_of_its_own(agency):
    found = agency.contain("suzuki@agency.example", START, END)["survives"]["start"]
    assert found["by_kind"] == {"Rule": 1} and found["nodes"][0]["way"] == []


def test_actions_that_are_done_leave_the_rest(agency):
    first = agency.contain("suzuki@agency.example", START, END)
    assert first["done"] == [] and first["left"]["things"] == 5
    ids = [named(first, "Reset the password")["id"], next(a["id"] for a in first["actions"] if "Delete" in a["text"])]
    then = agency.contain("suzuki@agency.example", START, END, done=ids)
    assert then["left"]["things"] == 0 and then["actions"] == [] and len(then["done"]) == 2
    with pytest.raises(UsageError, match="no action is called 'nothing'"):
        agency.contain("suzuki@agency.example", START, END, done=["nothing"])


def test_the_cheapest_cut_follows_the_costs(agency):
    def cut(**costs):
        (target,) = agency.contain("suzuki@agency.example", START, END, targets=["mailbox:desk@agency.example"], costs=costs)["targets"]
        assert target["possible"] and target["verified"] and target["least"] and target["cost"] == target["lower"]
        return {a["what"] for a in target["actions"]}

    assert cut(reset=1, close=5) == {"reset"}
    assert cut(reset=5, close=1) == {"close"}
    with pytest.raises(UsageError, match="not of 'nothing'"):
        cut(nothing=1)


def test_something_that_is_not_held_needs_no_action(agency):
    (target,) = agency.contain("tanaka@agency.example", START, END, targets=["mailbox:desk@agency.example"])["targets"]
    assert target["actions"] == [] and target["cost"] == 0


def test_nothing_that_is_stored_is_changed(agency):
    before, state = dumped(agency), agency.graph().state()
    agency.contain("suzuki@agency.example", START, END, targets=["mailbox:desk@agency.example"], costs={"reset": 3.0})
    assert dumped(agency) == before and agency.graph().state() == state


def test_a_clean_up_before_the_compromise_is_refused(agency):
    with pytest.raises(UsageError, match="is before the compromise"):
        agency.contain("suzuki@agency.example", START, END, at="2022-01-01")


def test_the_command_prints_what_the_case_answers(agency):
    agency.graph()
    who = ["suzuki@agency.example", "--from", START, "--to", END]
    plain = hakyu(agency.folder, "contain", *who, "--target", "desk@agency.example", "--cost", "close=0.5")
    assert plain.code == 0, plain.err
    for words in ("What single actions take (exact)", "Survives a password reset of the start alone: Rule 1", "in this order 0 things are left and nobody comes back"):
        assert words in plain.out
    found = json.loads(hakyu(agency.folder, "contain", *who, "--json").out)
    assert found["things"] == 5 and found["asked"] == "suzuki@agency.example"
    wrong = hakyu(agency.folder, "contain", *who, "--cost", "close=much")
    assert wrong.code == 2, wrong.err
    assert "the cost of close is a number, not 'much'" in wrong.err
