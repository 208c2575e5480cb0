"""What an export calls by a name alone meets the one mailbox or account of that name."""

from __future__ import annotations

import pytest

from tests.support.exports import csv, load, new_case

MAILBOXES = csv(
    "DisplayName,PrimarySmtpAddress,RecipientTypeDetails,UserPrincipalName,EmailAddresses",
    ("Suzuki Ichiro", "isuzuki@agency.example", "UserMailbox", "isuzuki@agency.example", "SMTP:isuzuki@agency.example"),
    ("Desk", "desk@agency.example", "SharedMailbox", "desk@agency.example", "SMTP:desk@agency.example"),
    ("Tanaka Hanako", "tanaka1@agency.example", "UserMailbox", "tanaka1@agency.example", "SMTP:tanaka1@agency.example"),
    ("Tanaka Hanako", "tanaka2@agency.example", "UserMailbox", "tanaka2@agency.example", "SMTP:tanaka2@agency.example"),
)


def rights(tmp_path, identity, user):
    case = new_case(tmp_path)
    permissions = csv("Identity,User,AccessRights,IsInherited,Deny", (identity, user, "{FullAccess}", "False", "False"))
    load(case, tmp_path / "exports", {"mailboxes.csv": MAILBOXES, "permissions.csv": permissions})
    return case


@pytest.mark.parametrize("identity", ["Desk", "desk", "agency.example/Users/Desk", "agency.onmicrosoft.example/desk"])
@pytest.mark.parametrize("user", ["Suzuki Ichiro", "suzuki  ichiro", "isuzuki", "agency.example/Staff/Suzuki Ichiro"])
def test_a_right_between_names_is_walked_where_just_one_is_called_so(tmp_path, identity, user):
    case = rights(tmp_path, identity, user)
    result = case.blast("isuzuki@agency.example", "2022-10-01")
    assert "mailbox:desk@agency.example" in {row["key"] for row in result["reached"]}
    assert not any("called so" in problem for problem in case.doctor()["problems"])
    case.close()


def test_a_name_that_two_have_is_joined_to_neither_and_reported(tmp_path):
    case = rights(tmp_path, "desk@agency.example", "Tanaka Hanako")
    for who in ("tanaka1", "tanaka2"):
        reached = {row["key"] for row in case.blast(f"{who}@agency.example", "2022-10-01")["reached"]}
        assert "mailbox:desk@agency.example" not in reached
    assert "tanaka hanako: 2 accounts are called so, none was joined; name the one meant by its address" in case.doctor()["problems"]
    case.close()


def test_a_name_that_nobody_has_stays_a_name(tmp_path):
    case = rights(tmp_path, "desk@agency.example", "Somebody Else")
    assert not case.graph().steps().filter(rule="same-identity", source="account:somebody else").height
    case.close()
