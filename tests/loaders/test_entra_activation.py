"""Roles that an eligible holder activates for a time: the record says who, which role, until when; being eligible gives nothing."""

from __future__ import annotations

import json

import pytest

from graphmodel.times import from_iso
from tests.support.golden import facts_of

ANN, ROOT = "entra:000000a1-0000-4000-8000-000000000000", "entra:000000f0-0000-4000-8000-000000000000"
ROLE = "role:entra/exchange administrator@agency.example"
NOW = 1_800_000_000


def user(id_: str, name: str) -> dict:
    return {"id": id_.partition(":")[2], "userPrincipalName": f"{name}@agency.example", "type": "User", "modifiedProperties": []}


def record(number: int, operation: str, at: str, by: dict, ends: str | None = None) -> dict:
    targets = [{"id": "00000402-0000-4000-8000-000000000000", "displayName": "Exchange Administrator", "type": "Role", "modifiedProperties": []},
               {"id": "00000008-0000-4000-8000-000000000000", "type": "Request"}, user(ANN, "ann")]  # fmt: skip
    details = [{"key": "ExpirationTime", "value": ends}] if ends else []
    return {"id": f"PIM_{number}", "category": "RoleManagement", "result": "success", "activityDisplayName": operation, "activityDateTime": at,
            "loggedByService": "PIM", "operationType": "ActivateRole", "initiatedBy": {"user": by}, "targetResources": targets, "additionalDetails": details}  # fmt: skip


def told(tmp_path, *records: dict) -> tuple[list[dict], list[dict]]:
    """(roles, observations) that a log of these records states."""
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(list(records)), encoding="utf-8")
    facts = facts_of(path, now=NOW)
    return [f for f in facts if f.get("kind") == "HAS_ROLE"], [f for f in facts if f.get("kind") == "Observation"]


def test_an_activation_gives_the_role_until_it_ends_and_says_that_it_was_one(tmp_path):
    roles, seen = told(tmp_path, record(1, "Add member to role completed (PIM activation)", "2023-05-02T00:00:00Z", user(ANN, "ann"), "2023-05-02T08:00:00Z"))
    start, end = (from_iso(f"2023-05-02T{hour}:00:00Z") for hour in ("00", "08"))
    assert [(f["from_key"], f["to_key"], f["basis"], f["valid_from"], f["valid_until"]) for f in roles] == [(ANN, ROLE, "activated", start, end)]
    assert [one["operation"] for one in seen] == ["Add member to role completed (PIM activation)"]


def test_what_ends_an_activation_before_its_time_ends_the_role(tmp_path):
    ended = record(2, "Remove member from role (PIM activation expired)", "2023-05-02T06:00:00Z", user(ANN, "ann"))
    roles, _ = told(tmp_path, ended)
    assert [(f["basis"], f["valid_until"]) for f in roles] == [("activated", from_iso("2023-05-02T06:00:00Z"))]


@pytest.mark.parametrize("operation", [
    "Add eligible member to role in PIM completed (permanent)", "Add member to role requested (PIM activation)",
    "Add member to role approval requested (PIM activation)", "Add member to role canceled (PIM activation)",
])  # fmt: skip
def test_being_eligible_and_asking_give_no_role_and_are_told_all_the_same(operation, tmp_path):
    roles, seen = told(tmp_path, record(3, operation, "2023-05-02T00:00:00Z", user(ROOT, "root")))
    assert not roles and [one["operation"] for one in seen] == [operation]


def test_a_role_that_an_administrator_gave_for_a_time_is_no_activation(tmp_path):
    roles, _ = told(tmp_path, record(4, "Add member to role in PIM completed (timebound)", "2023-05-02T00:00:00Z", user(ROOT, "root"), "2023-06-02T00:00:00Z"))
    assert [(f["from_key"], f.get("basis")) for f in roles] == [(ANN, None)]
