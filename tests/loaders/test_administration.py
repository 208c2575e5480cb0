"""What logs and hand-made tables say of administration: role groups, roles and exports of Exchange, chats, Okta's organisation, ways.csv."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import audit
from tests.support.golden import facts_of

NOW = 1_700_000_000
SYSTEM = f"service:mail/{audit.ORG}"
READS = audit.record(0, "MailItemsAccessed", audit.ALICE, **audit.access("Sync"), **audit.of(audit.ALICE), Folders=[{"Id": "x", "Path": "\\Inbox"}])


def set_(number: int, operation: str, **values: str) -> audit.Record:
    return audit.record(number, operation, audit.ADMIN, RecordType=1, ResultStatus="True", Parameters=audit.pairs(**values))


def said(tmp_path: Path, *records: audit.Record) -> list[dict[str, Any]]:
    """Facts of a log in which Alice's mailbox names the organisation."""
    return facts_of(audit.write(tmp_path / "given.csv", "A", [READS, *records]), now=NOW)


def edges(facts: list[dict[str, Any]], kind: str, *more: str) -> set[tuple[Any, ...]]:
    return {(f["from_key"], f["to_key"], *(f.get(name) for name in more)) for f in facts if f.get("kind") == kind}


def about(facts: list[dict[str, Any]], operation: str) -> set[tuple[str, str]]:
    """(role, key) of what the records of an operation are about."""
    keys = {f["key"] for f in facts if f.get("kind") == "Observation" and f["operation"] == operation}
    return {(f["role"], f["to_key"]) for f in facts if f.get("kind") == "OBSERVED" and f["from_key"] in keys}


def seconds(facts: list[dict[str, Any]], operation: str) -> int:
    (at,) = {f["at"] for f in facts if f.get("kind") == "Observation" and f["operation"] == operation}
    return at


def test_who_joins_a_role_group_holds_its_right_over_the_mail_system_until_it_leaves(tmp_path):
    member = {"Identity": "Organization Management", "Member": "bob"}
    facts = said(tmp_path, set_(5, "Add-RoleGroupMember", **member), set_(9, "Remove-RoleGroupMember", **member))
    group, role = f"group:organization management@{audit.ORG}", f"role:exchange/organization management@{audit.ORG}"
    begins, ends = seconds(facts, "Add-RoleGroupMember"), seconds(facts, "Remove-RoleGroupMember")
    assert {row[1:] for row in edges(facts, "MEMBER_OF", "valid_from", "valid_until")} == {(group, begins, None), (group, None, ends)}
    assert edges(facts, "HAS_ROLE") == {(group, role)}
    assert edges(facts, "ADMIN_TO") == {(role, SYSTEM)}


@pytest.mark.parametrize("letter", "BCDEFH")
def test_administration_is_read_alike_from_every_shape_that_keeps_whole_records(tmp_path, letter):
    records = [
        READS, set_(5, "Add-RoleGroupMember", Identity="Organization Management", Member="bob"), set_(6, "New-ManagementRoleAssignment", Role="Mailbox Import Export", User="bob"),
        set_(7, "New-MailboxExportRequest", Mailbox="Alice"), audit.record(8, "MessagesListed", audit.BOB, RecordType=25, Workload="MicrosoftTeams"),
    ]  # fmt: skip
    kinds = ("MEMBER_OF", "HAS_ROLE", "ADMIN_TO")
    suffix = "json" if letter in "EF" else "csv"
    found = [facts_of(audit.write(tmp_path / f"{shape}.{end}", shape, records), now=NOW) for shape, end in ((letter, suffix), ("A", "csv"))]
    assert [edges(found[0], kind, "valid_from") for kind in kinds] == [edges(found[1], kind, "valid_from") for kind in kinds]
    assert len(edges(found[0], "HAS_ROLE")) == 2
    for operation in ("New-MailboxExportRequest", "MessagesListed"):
        assert about(found[0], operation) == about(found[1], operation) != set()


def test_a_role_group_that_reaches_no_mailbox_gives_no_right_over_the_mail_system(tmp_path):
    facts = said(tmp_path, set_(5, "Add-RoleGroupMember", Identity="View-Only Organization Management", Member="bob"))
    assert len(edges(facts, "MEMBER_OF")) == 1
    assert not edges(facts, "HAS_ROLE") and not edges(facts, "ADMIN_TO")


def test_a_role_assignment_gives_any_mailbox_only_where_the_role_does_and_nothing_narrows_it(tmp_path):
    facts = said(
        tmp_path,
        set_(5, "New-ManagementRoleAssignment", Role="ApplicationImpersonation", User="bob"),
        set_(6, "New-ManagementRoleAssignment", Role="Mailbox Import Export", SecurityGroup="Exporters", CustomRecipientWriteScope="Tokyo"),
        set_(7, "New-ManagementRoleAssignment", Role="Message Tracking", App=audit.APP),
    )
    roles = {row[1]: row[0] for row in edges(facts, "HAS_ROLE")}
    whole, narrow, other = (f"role:exchange/{name}@{audit.ORG}" for name in ("applicationimpersonation", "mailbox import export, narrowed", "message tracking"))
    assert set(roles) == {whole, narrow, other}
    assert roles[narrow] == f"group:exporters@{audit.ORG}" and roles[other] == f"app:{audit.APP}"
    assert edges(facts, "ADMIN_TO") == {(whole, SYSTEM)}
    assert ("target", whole) in about(facts, "New-ManagementRoleAssignment")


def test_an_export_request_is_about_the_mailbox_that_it_copies(tmp_path):
    facts = said(tmp_path, set_(5, "New-MailboxExportRequest", Mailbox="Alice", FilePath="\\\\srv\\share\\never-kept.pst"))
    assert ("mailbox", f"mailbox:{audit.ALICE.casefold()}") in about(facts, "New-MailboxExportRequest")
    assert "never-kept" not in json.dumps(facts)


def test_a_change_that_failed_gives_nothing(tmp_path):
    facts = said(tmp_path, set_(5, "Add-RoleGroupMember", Identity="Organization Management", Member="bob") | {"ResultStatus": "False"})
    assert not edges(facts, "MEMBER_OF") and not edges(facts, "HAS_ROLE")


def test_who_reads_chats_is_seen_at_the_chats_of_the_tenant_and_never_what_they_say(tmp_path):
    chat = audit.record(7, "MessagesListed", audit.BOB, RecordType=25, Workload="MicrosoftTeams", ChatName="never kept", MessageIds=["1"])
    facts = said(tmp_path, chat)
    assert about(facts, "MessagesListed") == {("actor", f"upn:{audit.BOB}"), ("target", f"service:chat/{audit.ORG}")}
    assert [f["type"] for f in facts if f.get("key") == f"service:chat/{audit.ORG}"] == ["chat"]
    assert "never kept" not in json.dumps(facts)


def test_a_change_of_federation_settings_is_an_observation_of_who_made_it(tmp_path):
    facts = said(tmp_path, audit.directory("Set federation settings on domain.", 8, [("contoso.example", 1)], audit.changed()))
    assert ("actor", f"upn:{audit.ADMIN.casefold()}") in about(facts, "Set federation settings on domain.")


def okta(number: int, what: str, who: str, result: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    return {
        "uuid": f"u-{number}", "published": f"2023-06-01T08:{number:02}:00.000Z", "eventType": what, "outcome": {"result": result},
        "actor": {"id": f"00u{number}", "type": "User", "alternateId": who, "displayName": who}, "displayMessage": what,
        "client": {"ipAddress": "203.0.113.9", "userAgent": {"rawUserAgent": "x"}, "geographicalContext": None},
        "authenticationContext": {"externalSessionId": "s"}, "target": None, "debugContext": {"debugData": {}},
    } | more  # fmt: skip


def granted(number: int, role: str) -> dict[str, Any]:
    target = [{"id": "00u9", "type": "User", "alternateId": "sato@hq.example", "displayName": "Sato"}]
    return okta(number, "user.account.privilege.grant", "admin@hq.example", target=target, debugContext={"debugData": {"privilegeGranted": role}})


@pytest.mark.parametrize(("role", "right"), [("Super administrator", "ResetAnyPassword"), ("Organization administrator", "ResetPassword"), ("Read-only administrator", None)])
def test_an_okta_role_may_do_to_the_organisations_accounts_what_its_name_says(tmp_path, role, right):
    path = tmp_path / "log.json"
    wrong = okta(3, "user.session.start", "nobody@hq.example", "FAILURE")
    path.write_text(json.dumps([granted(1, role), okta(2, "user.session.start", "tanaka@hq.example"), wrong]), encoding="utf-8")
    facts = facts_of(path, now=NOW)
    assert {row[2] for row in edges(facts, "CONTROLS", "right")} == ({right} if right else set())
    assert {row[0] for row in edges(facts, "BELONGS_TO")} == {f"account:{name}@hq.example" for name in ("admin", "sato", "tanaka")}


def test_an_okta_log_says_the_same_of_its_accounts_line_by_line_and_as_one_list(tmp_path):
    events = [okta(n, "user.session.start", f"user{n % 7}@hq.example", "FAILURE" if n % 5 == 0 else "SUCCESS") for n in range(60)] + [granted(1, "Super administrator") | {"uuid": "g"}]
    lines, whole = tmp_path / "log.ndjson", tmp_path / "log.json"
    lines.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    whole.write_text(json.dumps(events), encoding="utf-8")
    found = [edges(facts_of(path, now=NOW), "BELONGS_TO") for path in (lines, whole)]
    assert found[0] == found[1] and len(found[0]) == 9


WAYS = "who,way,what,kind,from,to,source\n"


def ways(tmp_path: Path, *rows: str) -> list[dict[str, Any]]:
    path = tmp_path / "ways.csv"
    path.write_text(WAYS + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return facts_of(path, now=NOW)


def test_a_partners_group_holds_a_role_of_the_tenant_between_its_dates(tmp_path):
    facts = ways(tmp_path, "group:Desk,role,helpdesk administrator@hq.example,,2022-10-01,2023-06-13,GDAP")
    assert edges(facts, "HAS_ROLE", "valid_from", "valid_until", "basis") == {
        ("group:desk", "role:entra/helpdesk administrator@hq.example", 1664582400, 1686614400, "stated (GDAP)")}  # fmt: skip
    assert edges(facts, "CONTROLS", "right") == {("role:entra/helpdesk administrator@hq.example", "tenant:hq.example", "ResetPassword")}


@pytest.mark.parametrize(
    ("role", "rights"),
    [("Global Administrator", {"ResetAnyPassword", "AddSecret"}), ("User Administrator", {"ResetPassword"}), ("Cloud Application Administrator", {"AddSecret"}),
     ("privileged role administrator", {"AssignRole"}), ("Reports Reader", set())],
)  # fmt: skip
def test_a_role_of_a_tenant_may_do_there_what_its_name_says(tmp_path, role, rights):
    facts = ways(tmp_path, f"ken@hq.example,role,{role}@hq.example,,,,")
    assert {row[2] for row in edges(facts, "CONTROLS", "right")} == rights
    assert {row[1] for row in edges(facts, "CONTROLS")} <= {"tenant:hq.example"}


def test_a_guest_trusts_its_account_at_home_and_is_not_the_same(tmp_path):
    facts = ways(tmp_path, "hana@hq.example,guest,hana_hq.example#EXT#@partner.example,,,,")
    assert edges(facts, "TRUSTS", "type") == {("upn:hana_hq.example#ext#@partner.example", "account:hana@hq.example", "guest")}
    assert not edges(facts, "SAME_IDENTITY") and len(edges(facts, "HAS_ADDRESS")) == 1


@pytest.mark.parametrize(
    ("who", "kind"),
    [("adfs.hq.example", "Server"), ("host:adfs", "Server"), ("a.thulile", "Account"), ("hq\\backup", "Account"), ("ann@mail.hq.example", "Account"), ("group:CA admins", "Group")],
)
def test_a_host_is_told_from_an_account_and_a_group(tmp_path, who, kind):
    facts = ways(tmp_path, f"{who},key,Token signing,signing key,,,")
    assert [f["from_label"] for f in facts if f.get("kind") == "KEEPS"] == [kind]


def test_a_key_never_stands_in_the_facts_but_by_its_name_and_kind(tmp_path):
    facts = ways(tmp_path, "Token signing,opens,@hq.example,Signing Key,,,", "adfs.hq.example,key,token  SIGNING,signing key,,,")
    secrets = [f for f in facts if f.get("kind") == "Secret"]
    assert {f["key"] for f in secrets} == {"secret:stated/token signing"} and {f["secret_kind"] for f in secrets} == {"signing key"}
    assert edges(facts, "OPENS") == {("secret:stated/token signing", "service:mail/hq.example")}
