"""Roles activated for a time, as the unified audit log has them: built to the documentation, for no public export shows one."""

from __future__ import annotations

import json

import pytest

from graphmodel.times import from_iso
from tests.support.golden import facts_of

ANN, ID = "ann@agency.example", "000000a1-0000-4000-8000-000000000000"
ROLE = "role:entra/exchange administrator@99999999-0000-4000-8000-000000000000"
SERVICE = "e37f1832-6370-4145-b145-82197758790f"
TEMPLATE = "29232cdf-9323-42fd-ade2-1d097af3e4de"
HOLDER = [{"ID": f"User_{ID}", "Type": 2}, {"ID": ID, "Type": 2}, {"ID": "User", "Type": 2}, {"ID": ANN, "Type": 5}]
AMONG_TARGETS = [{"ID": "Role_00000402-0000-4000-8000-000000000000", "Type": 2}, {"ID": "Role", "Type": 2}, {"ID": "Exchange Administrator", "Type": 1}]


def record(operation: str, at: str, **more: object) -> dict:
    return {"CreationTime": at, "Id": "00000000-0000-4000-8000-000000000001", "Operation": operation, "RecordType": 8, "ResultStatus": "Success",
            "OrganizationId": "99999999-0000-4000-8000-000000000000", "Workload": "AzureActiveDirectory", "UserId": ANN, "UserKey": "10032000AA@agency.example",
            "UserType": 0, "Target": HOLDER} | more  # fmt: skip


def details(**pairs: str) -> list[dict]:
    return [{"Name": "additionalDetails", "Value": json.dumps(pairs)}, {"Name": "extendedAuditEventCategory", "Value": "Role"}]


def changed(**names: str) -> list[dict]:
    return [{"Name": name.replace("_", "."), "NewValue": value, "OldValue": ""} for name, value in names.items()]


def told(tmp_path, *records: dict) -> tuple[list[tuple], list[dict]]:
    """(roles as (holder, role, why, from, until), observations) that a log of these records states."""
    path = tmp_path / "audit.json"
    path.write_text("\n".join(json.dumps(one) for one in records), encoding="utf-8")
    facts = facts_of(path, now=1_800_000_000)
    roles = [(f["from_key"], f["to_key"], f.get("basis"), f.get("valid_from"), f.get("valid_until")) for f in facts if f.get("kind") == "HAS_ROLE"]
    return roles, [f for f in facts if f.get("kind") == "Observation"]


START, END = from_iso("2023-05-02T00:00:00Z"), from_iso("2023-05-02T08:00:00Z")
ACTIVATES = "Add member to role completed (PIM activation)"


@pytest.mark.parametrize("more", [
    {"ModifiedProperties": changed(Role_DisplayName="Exchange Administrator", Role_TemplateId=TEMPLATE)},
    {"Target": AMONG_TARGETS + HOLDER},
    {"ExtendedProperties": details(TemplateId=TEMPLATE, ExpirationTime="2023-05-02T08:00:00Z")},
    {"ExtendedProperties": details(RoleName="Exchange Administrator")},
], ids=["changed", "target", "template", "named"])  # fmt: skip
@pytest.mark.parametrize("dot", ["", "."])
def test_an_activation_gives_the_role_wherever_the_record_names_it(more, dot, tmp_path):
    roles, seen = told(tmp_path, record(ACTIVATES + dot, "2023-05-02T00:00:00", **more))
    assert roles == [(f"entra:{ID}", ROLE, "activated", START, END if "ExpirationTime" in json.dumps(more) else None)]
    assert [one["operation"] for one in seen] == [ACTIVATES + dot]


def test_an_activation_that_names_no_holder_is_by_its_actor_and_for_him(tmp_path):
    roles, _ = told(tmp_path, record(ACTIVATES, "2023-05-02T00:00:00", Target=AMONG_TARGETS))
    assert roles == [(f"upn:{ANN}", ROLE, "activated", START, None)]


@pytest.mark.parametrize("operation", ["Remove member from role (PIM activation expired)", "Remove member from role completed (PIM deactivate)"])
def test_what_ends_an_activation_ends_the_role(operation, tmp_path):
    roles, _ = told(tmp_path, record(operation, "2023-05-02T08:00:00", Target=AMONG_TARGETS + HOLDER))
    assert roles == [(f"entra:{ID}", ROLE, "activated", None, END)]


@pytest.mark.parametrize("operation", [
    "Add eligible member to role in PIM completed (timebound)", "Add member to role requested (PIM activation)",
    "Add member to role request denied (PIM activation)",
])  # fmt: skip
def test_being_eligible_and_asking_give_no_role_and_are_told_all_the_same(operation, tmp_path):
    roles, seen = told(tmp_path, record(operation, "2023-05-02T00:00:00", Target=AMONG_TARGETS + HOLDER))
    assert not roles and [one["operation"] for one in seen] == [operation]


def test_a_role_that_an_administrator_gave_for_a_time_is_no_activation_and_ends(tmp_path):
    given = record("Add member to role in PIM completed (timebound)", "2023-05-02T00:00:00", UserId="root@agency.example", Target=AMONG_TARGETS + HOLDER,
                   ExtendedProperties=details(ExpirationTime="2023-05-02T08:00:00.000Z"))  # fmt: skip
    assert told(tmp_path, given)[0] == [(f"entra:{ID}", ROLE, None, START, END)]


@pytest.mark.parametrize(("user", "kind"), [(f"ServicePrincipal_{SERVICE}", 4), ("MS-PIM", 4), ("NT AUTHORITY\\SYSTEM (w3wp)", 3)])
def test_what_the_service_applies_for_it_gives_the_role_though_no_person_did_it(user, kind, tmp_path):
    applied = record("Add member to role.", "2023-05-02T00:00:00", UserId=user, UserType=kind, UserKey="Not Available",
                     ModifiedProperties=changed(Role_DisplayName="Exchange Administrator", Role_TemplateId=TEMPLATE))  # fmt: skip
    assert told(tmp_path, applied)[0] == [(f"entra:{ID}", ROLE, None, START, None)]


@pytest.mark.parametrize("text", ["{", "[1]", '[{"key": "ExpirationTime", "value": "Permanent"}]', "3"])
def test_details_that_are_no_details_are_passed_over(text, tmp_path):
    odd = record(ACTIVATES, "2023-05-02T00:00:00", Target=AMONG_TARGETS + HOLDER, ExtendedProperties=[{"Name": "additionalDetails", "Value": text}])
    assert told(tmp_path, odd)[0] == [(f"entra:{ID}", ROLE, "activated", START, None)]
