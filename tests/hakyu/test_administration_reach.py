"""From files to the blast radius: what an administrator, a partner, a guest, a signing key and a mailing list reach."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hakyu.case import Case

GUID = "00000000-0000-4000-8000-0000000000"
SALES, DESK, ROOT, SPARE = (f"{GUID}{n}" for n in ("01", "02", "03", "04"))


def user(id_: str, name: str) -> dict[str, Any]:
    address = f"{name}@hq.example"
    return {"id": id_, "userPrincipalName": address, "displayName": name, "mail": address, "accountEnabled": True, "proxyAddresses": [f"SMTP:{address}"], "userType": "Member"}


def role(name: str, id_: str, *members: str) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.directoryRole", "id": id_, "displayName": name, "roleTemplateId": id_,
            "members": [{"@odata.type": "#microsoft.graph.user", "id": member} for member in members]}  # fmt: skip


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("ways")
    users = [user(SALES, "sales"), user(DESK, "desk"), user(ROOT, "root"), user(SPARE, "spare")]
    (folder / "users.json").write_text(json.dumps({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users", "value": users}), encoding="utf-8")
    roles = [role("Helpdesk Administrator", "729827e3-9c14-49f7-bb1b-9608f156bbb8", DESK), role("Global Administrator", "62e90394-69f5-4237-9190-012177145e10", ROOT)]
    (folder / "roles.json").write_text(json.dumps({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#directoryRoles", "value": roles}), encoding="utf-8")
    (folder / "ways.csv").write_text(
        "who,way,what,kind,from,to\n"
        "group:Partner desk,role,Helpdesk Administrator@hq.example,,2023-02-01,\n"
        "ops@partner.example,role,Privileged Role Administrator@hq.example,,,\n"
        "sales@hq.example,guest,sales_hq.example#EXT#@partner.example,,,\n"
        "sales@hq.example,list,csirt@lists.example,,,\n"
        "csirt@lists.example,archive,csirt-archive@lists.example,,,\n"
        "adfs.hq.example,key,Token signing,signing key,,\n"
        "Token signing,opens,@hq.example,signing key,,\n"
        "sales@hq.example,program,Update check,,,\n",
        encoding="utf-8",
    )
    made = Case(folder / "case", {})
    made.load([folder / "users.json", folder / "roles.json", folder / "ways.csv"])
    yield made
    made.close()


def reached(case: Case, who: str, profile: str = "quiet") -> set[str]:
    """Names of what was reached, without those who were held from the start."""
    found = case.blast(who, "2023-01-01", "2023-06-01", profile)
    return {row["key"] for row in found["reached"]}


def boxes(keys: set[str]) -> set[str]:
    return {key.partition("@")[0].removeprefix("mailbox:") for key in keys if key.startswith("mailbox:")}


def test_a_help_desk_reaches_those_without_a_role_and_a_global_administrator_everybody(case):
    assert boxes(reached(case, "desk@hq.example")) == {"desk", "sales", "spare", "csirt-archive"}
    assert boxes(reached(case, "root@hq.example")) >= {"desk", "sales", "spare", "root"}
    assert boxes(reached(case, "spare@hq.example")) == {"spare"}


def test_a_partners_group_that_holds_a_role_reaches_whom_it_may_reset(case):
    assert {"sales", "spare"} <= boxes(reached(case, "group:partner desk"))
    assert "root" not in boxes(reached(case, "group:partner desk"))


def test_who_assigns_roles_reaches_whatever_the_highest_one_does(case):
    assert boxes(reached(case, "ops@partner.example")) >= {"desk", "sales", "spare", "root"}


def test_who_keeps_a_signing_key_reaches_every_mailbox_that_accepts_it(case):
    assert boxes(reached(case, "host:adfs.hq.example")) >= {"desk", "sales", "spare", "root"}


def test_an_account_reaches_its_guest_the_archive_of_its_list_and_its_rule(case):
    quiet = reached(case, "sales@hq.example")
    assert "upn:sales_hq.example#ext#@partner.example" in quiet
    assert "mailbox:csirt-archive@lists.example" in quiet
    assert "rule:sales@hq.example/inbox rule/Update check" in quiet


def test_the_partner_has_no_role_before_it_was_given(case):
    found = case.blast("group:partner desk", "2022-10-01", "2023-02-01")
    assert boxes({row["key"] for row in found["reached"]}) == set()
