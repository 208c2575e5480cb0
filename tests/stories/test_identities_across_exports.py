"""What one export calls by another name is reached where another export explains the name, in either order of loading."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import audit
from tests.support.exports import csv, new_case, write
from tests.support.loads import LOADERS

DN = "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=1a2b-ken"
BOXES = csv(
    "DisplayName,PrimarySmtpAddress,RecipientTypeDetails,UserPrincipalName,EmailAddresses",
    ("Ken", "ken@agency.example", "UserMailbox", "ken@agency.example", f"SMTP:ken@agency.example;X500:{DN}"),
    ("Hana", "hana@agency.example", "UserMailbox", "hana@agency.example", "SMTP:hana@agency.example;smtp:hana@agency.onmicrosoft.com"),
    ("Desk", "desk@agency.example", "SharedMailbox", "desk@agency.example", "SMTP:desk@agency.example"),
)
RULES = csv("MailboxOwnerId,Name,Enabled,ForwardTo", ("hana@agency.example", "tidy", "True", f'"Ken" [EX:{DN}]'))
RIGHTS = csv("Identity,User,AccessRights,IsInherited,Deny", ("desk@agency.example", "staff@agency.example", "{FullAccess}", "False", "False"))
GROUPS = csv("GroupName,GroupEmail,PrimarySmtpAddress,RecipientType", ("Staff", "staff@agency.example", "ken@agency.example", "UserMailbox"))


def case_of(tmp_path: Path, files: dict[str, str | bytes], reverse: bool = False):
    case = new_case(tmp_path)
    write(tmp_path / "exports", files)
    for name in sorted(files, reverse=reverse):
        report = case.load([tmp_path / "exports" / name])
        assert [line.status for line in report.files] == ["loaded"], report
    return case


def reached(case, who: str) -> set[str]:
    return {row["key"] for row in case.blast(who, "2022-10-01")["reached"]}


@pytest.mark.parametrize("reverse", [False, True])
def test_who_holds_a_mailbox_receives_what_a_rule_sends_to_its_legacy_exchange_dn(tmp_path, reverse):
    case = case_of(tmp_path, {"a-rules.csv": RULES, "b-mailboxes.csv": BOXES}, reverse)
    assert "rule:hana@agency.example/inbox rule/tidy" in reached(case, "ken@agency.example")
    assert not any("legacyExchangeDN" in problem for problem in case.ambiguous())
    case.close()


def test_a_legacy_exchange_dn_that_nothing_explains_leads_nowhere_and_is_reported_once(tmp_path):
    case = case_of(tmp_path, {"a-rules.csv": RULES, "b-mailboxes.csv": BOXES.replace("X500:", "SIP:")})
    assert "rule:hana@agency.example/inbox rule/tidy" not in reached(case, "ken@agency.example")
    assert [problem for problem in case.ambiguous() if "legacyExchangeDN" in problem] and len(set(case.ambiguous())) == len(case.ambiguous())
    case.close()


@pytest.mark.parametrize("reverse", [False, True])
def test_a_member_inherits_a_right_that_was_given_to_the_groups_address(tmp_path, reverse):
    case = case_of(tmp_path, {"a-rights.csv": RIGHTS, "b-groups.csv": GROUPS, "c-mailboxes.csv": BOXES}, reverse)
    assert "mailbox:desk@agency.example" in reached(case, "ken@agency.example")
    assert "mailbox:desk@agency.example" not in reached(case, "hana@agency.example")
    case.close()


ENTRY = "dn: {dn}\nobjectClass: {type}\ncn: {name}\nsAMAccountName: {name}\nobjectSid: S-1-5-21-1-2-3-{rid}\n{more}\n"
GROUP = ENTRY.format(dn="CN=Staff,OU=Groups,DC=agency,DC=example", type="group", name="staff", rid=1200, more="mail: staff@agency.example\nmember: CN=Ken,OU=Staff,DC=agency,DC=example\n")
USER = ENTRY.format(dn="CN=Ken,OU=Staff,DC=agency,DC=example", type="user", name="ken", rid=1104, more="mail: ken@agency.example\n")


@pytest.mark.parametrize("reverse", [False, True])
def test_a_directory_that_was_exported_in_two_files_says_what_it_says_in_one(tmp_path, reverse):
    split = case_of(tmp_path / "split", {"a.ldif": GROUP, "b.ldif": USER, "c-rights.csv": RIGHTS}, reverse)
    whole = case_of(tmp_path / "whole", {"a.ldif": GROUP + USER, "c-rights.csv": RIGHTS}, reverse)
    assert "mailbox:desk@agency.example" in reached(split, "ken@agency.example")
    question = "MATCH (a)-[m:MEMBER_OF]->(g) RETURN a.key AS member, g.key AS team ORDER BY member, team"
    assert split.cypher(question).rows() == whole.cypher(question).rows() == [("ad:S-1-5-21-1-2-3-1104", "ad:S-1-5-21-1-2-3-1200")]
    assert not any("distinguished name" in problem for problem in split.ambiguous())
    for case in (split, whole):
        case.close()


def test_a_transport_rule_of_the_tenant_hangs_on_the_mail_system_that_hosts_the_mailboxes(tmp_path):
    path = "CN=x,CN=TransportVersioned,CN=Rules,CN=Transport Settings,CN=Configuration,CN=agency.onmicrosoft.com,OU=x"
    rules = csv("Name,State,Mode,BlindCopyTo,DistinguishedName", ("x", "Enabled", "Enforce", "out@evil.example", path))
    case = case_of(tmp_path, {"a-rules.csv": rules, "b-mailboxes.csv": BOXES})
    question = """MATCH (m:Mailbox)<-[:HOSTS]-(s:Service)-[p:PASSES_THROUGH]->(r:Rule)-[:FORWARDS_TO]->(c:Correspondent), (s)-[i:SAME_IDENTITY]-(t:Service)
                  RETURN DISTINCT m.key AS box, r.key AS through, c.key AS target, i.reason AS why ORDER BY box"""
    found = case.cypher(question).rows()
    assert [row[0] for row in found] == [f"mailbox:{name}@agency.example" for name in ("desk", "hana", "ken")]
    assert {row[1:] for row in found} == {
        ("rule:agency.onmicrosoft.com/transport rule/x", "smtp:out@evil.example", "its mailboxes have addresses at agency.onmicrosoft.com")
    }  # fmt: skip
    case.close()


def test_administrators_of_two_tenants_hold_the_mail_system_of_their_own(tmp_path):
    def tenant(domain: str, number: int) -> bytes:
        user = {"id": f"0000000{number}-0000-4000-8000-000000000000", "userPrincipalName": f"root@{domain}", "displayName": "Root", "mail": f"root@{domain}"}
        role = {"id": f"0000001{number}-0000-4000-8000-000000000000", "displayName": "Global Administrator", "roleTemplateId": "62e90394-69f5-4237-9190-012177145e10"}
        held = {"roleDefinitionId": role["id"], "roleAssignments": [{"roleDefinitionId": role["id"], "principalId": user["id"], "directoryScopeId": "/"}]}
        objects = [("AZUser", user), ("AZRole", role), ("AZRoleAssignment", held)]
        return json.dumps({"data": [{"kind": kind, "data": data} for kind, data in objects], "meta": {"type": "azure", "version": 5, "count": 3}}).encode()

    case = case_of(tmp_path, {"a.json": tenant("a.example", 1), "b.json": tenant("b.example", 2)})
    assert {key for key in reached(case, "root@a.example") if key.startswith("service:")} == {"service:mail/a.example"}
    assert {key for key in reached(case, "root@b.example") if key.startswith("service:")} == {"service:mail/b.example"}
    case.close()


def test_a_consent_of_an_administrator_for_all_gives_the_application_the_mailbox_of_who_signs_in_to_it(tmp_path):
    permissions = audit.PERMISSION.format(audit.SP, "", "openid Mail.Read").replace("ConsentType: Principal", "ConsentType: AllPrincipals")
    properties = audit.changed(ConsentContext__IsAdminConsent=("", "True"), ConsentAction__Permissions=("", f"[] => {permissions}; "))
    consent = audit.directory("Consent to application.", 120, audit.APP_TARGET, properties, audit.ADMIN, InterSystemsId="act")
    signed_in = audit.record(140, "UserLoggedIn", audit.ALICE, RecordType=15, Workload="AzureActiveDirectory", UserKey=audit.USER, ResultStatus="Success",
                             ClientIP="192.0.2.7", ApplicationId=audit.APP, ErrorNumber="0")  # fmt: skip
    records = [*audit.mail(), consent, signed_in]
    path = audit.write(tmp_path / "log.json", "E", records)
    case = new_case(tmp_path)
    case.load([path])
    scopes = case.cypher("MATCH (x:App)-[s:APP_SCOPE]->(t) RETURN t.kind AS kind, s.scope AS scope, s.delegated AS delegated, s.valid_from AS opens").rows()
    assert [row[:3] for row in scopes] == [("Service", "Mail.Read", True)] and scopes[0][3] is not None
    assert case.cypher("MATCH (a:Account)-[c:CONSENTED]->(x:App) RETURN count(*) AS n").rows() == [(1,)]
    mailboxes = {key for key, in case.cypher("MATCH (m:Mailbox)<-[:HOSTS]-(s:Service) RETURN DISTINCT m.key AS key").rows()}
    alice = f"mailbox:{audit.ALICE.casefold()}"
    assert mailboxes > {alice}
    assert {row["key"] for row in case.blast(f"app:{audit.APP}", "2024-01-01")["reached"]} & mailboxes == {alice}
    case.close()


def test_what_was_changed_in_a_directory_is_the_object_that_sharphound_collected(tmp_path):
    """Windows names objects by distinguished name: a unit whose rights were changed, and a user who got a key."""
    case = new_case(tmp_path)
    assert case.load([LOADERS / "sharphound" / "json", LOADERS / "windows_evtx_changes" / "input.evtx"]).exit_code in {0, 6}
    found = case.cypher("MATCH (o:Observation)-[r:OBSERVED]->(c:Container) WHERE r.role = 'target' RETURN c.key AS key, c.name AS name, o.note AS note ORDER BY note")
    case.close()
    assert ("ad:00000001-0000-4000-8000-000000000001", "STAFF@CORP.EXAMPLE", "added nTSecurityDescriptor") in found.rows()
