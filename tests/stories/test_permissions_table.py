"""A table of permissions that names no domain, beside an export of mailboxes and an audit log: what they give only together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hakyu.case import Case
from tests.support.exports import MAILBOXES, csv, load, new_case

READER, OBJECT = "00000201-0000-4000-8000-000000000000", "00000101-0000-4000-8000-000000000000"
DIARY, TANAKA = "00000202-0000-4000-8000-000000000000", "000000a1-0000-4000-8000-000000000000"
PERMISSIONS = csv(
    "PermissionType,AppId,ClientObjectId,AppDisplayName,Permission,ConsentType,PrincipalObjectId,CreationTimestamp",
    ("Application", READER, OBJECT, "Archive reader", "Mail.Read", "", "", "2022-05-21T00:00:00Z"),
    ("Application", DIARY, "", "Diary", "Mail.Send", "", "", "2022-05-21T00:00:00Z"),
)
ALL = {"mailbox:suzuki@agency.example", "mailbox:tanaka@agency.example", "mailbox:desk@agency.example"}


def audit(operation: str, at: str, target: dict, *, who: str = "tanaka@agency.example", **changed: str) -> dict:
    properties = [{"displayName": name.replace("__", "."), "oldValue": None, "newValue": json.dumps(value)} for name, value in changed.items()]
    return {
        "id": f"{operation}-{at}", "activityDateTime": at, "activityDisplayName": operation, "category": "ApplicationManagement", "result": "success",
        "initiatedBy": {"app": None, "user": {"id": TANAKA, "userPrincipalName": who, "ipAddress": "203.0.113.9"}},
        "targetResources": [{"modifiedProperties": properties, **target}], "additionalDetails": [],
    }  # fmt: skip


AUDITS = json.dumps([
    audit("Add owner to service principal", "2022-12-01T00:00:00Z", {"type": "User", "id": TANAKA, "userPrincipalName": "tanaka@agency.example"},
          ServicePrincipal__ObjectID=OBJECT, ServicePrincipal__DisplayName="Archive reader"),
    audit("Remove service principal", "2023-06-01T00:00:00Z", {"type": "ServicePrincipal", "id": OBJECT, "displayName": "Archive reader"}, who="root@agency.example"),
])  # fmt: skip


@pytest.fixture
def case(tmp_path: Path):
    made = new_case(tmp_path)
    yield made
    made.close()


def boxes(case: Case, who: str, start: str, until: str | None = None) -> set[str]:
    return {row["key"] for row in case.blast(who, start, until)["reached"] if row["key"].startswith("mailbox:")}


def test_an_application_with_a_permission_reaches_the_mailboxes_of_the_only_mail_system(case, tmp_path):
    load(case, tmp_path / "in", {"a.csv": PERMISSIONS, "mailboxes.csv": MAILBOXES})
    assert boxes(case, f"app:{READER}", "2022-10-01") == ALL
    assert boxes(case, f"app:{DIARY}", "2022-10-01") == set()  # sending opens nothing


def test_alone_the_table_reaches_no_mailbox_it_cannot_know(case, tmp_path):
    load(case, tmp_path / "in", {"a.csv": PERMISSIONS})
    assert boxes(case, f"app:{READER}", "2022-10-01") == set()


def test_an_owner_that_an_audit_event_names_by_object_id_inherits_from_then_on_and_not_before(case, tmp_path):
    load(case, tmp_path / "in", {"a.csv": PERMISSIONS, "b.json": AUDITS, "mailboxes.csv": MAILBOXES})
    own = {"mailbox:tanaka@agency.example"}
    assert boxes(case, "tanaka@agency.example", "2022-10-01", "2022-11-01") == own
    assert boxes(case, "tanaka@agency.example", "2022-10-01", "2023-03-01") == ALL
