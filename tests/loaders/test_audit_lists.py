"""Records of the unified audit log on lists, journal rules and rules whose mailbox goes by an id: ways that mail leaves by."""

from __future__ import annotations

import json

import pytest

from graphmodel.times import from_iso
from tests.support.golden import facts_of

ORG, ANN, BOB, OUTSIDE = "agency.onmicrosoft.com", "ann@agency.example", "bob@agency.example", "sink@evil.example"
ID = "0c0c0c0c-0000-4000-8000-000000000001"
PATH = f"EURPR01A001.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/{ORG}"
READ = {"Operation": "MailboxLogin", "RecordType": 2, "UserId": BOB, "MailboxOwnerUPN": BOB, "LogonType": 0}  # tells the organisation's domain


def told(tmp_path, *records: dict) -> list[dict]:
    path = tmp_path / "audit.json"
    base = {"OrganizationName": ORG, "RecordType": 1, "ResultStatus": "True", "UserId": "root@agency.example", "UserKey": "k", "UserType": 2, "Workload": "Exchange"}
    lines = [base | {"CreationTime": f"2023-06-01T08:{at:02}:00", "Id": f"00000000-0000-4000-8000-{at:012}"} | record for at, record in enumerate([READ, *records])]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return facts_of(path, now=1_800_000_000)


def command(operation: str, object_id: str = "", user: str | None = None, **said: str) -> dict:
    return {"Operation": operation, "ObjectId": object_id, "Parameters": [{"Name": name, "Value": value} for name, value in said.items()]} | ({"UserId": user} if user else {})


def edges(facts: list[dict], kind: str) -> set[tuple]:
    return {(f["from_key"], f["to_key"], f.get("valid_from"), f.get("valid_until")) for f in facts if f.get("kind") == kind}


ONE, TWO = from_iso("2023-06-01T08:01:00Z"), from_iso("2023-06-01T08:02:00Z")


def test_who_joins_a_list_is_a_member_and_an_outside_address_only_gets_its_mail(tmp_path):
    facts = told(tmp_path, command("Add-DistributionGroupMember", Identity="staff@agency.example", Member=ANN), command("Add-UnifiedGroupLinks", Identity="staff@agency.example", LinkType="Members", Links=OUTSIDE))
    assert edges(facts, "MEMBER_OF") == {(f"upn:{ANN}", "group:staff@agency.example", ONE, None)}
    assert edges(facts, "FORWARDS_TO") == {("group:staff@agency.example", f"smtp:{OUTSIDE}", TWO, None)}


def test_who_leaves_a_list_is_no_member_from_then_on_and_an_owner_is_none(tmp_path):
    facts = told(tmp_path, command("Remove-DistributionGroupMember", Identity="staff@agency.example", Member=ANN), command("Add-UnifiedGroupLinks", Identity="staff@agency.example", LinkType="Owners", Links=BOB))
    assert edges(facts, "MEMBER_OF") == {(f"upn:{ANN}", "group:staff@agency.example", None, ONE)}


def test_a_journal_rule_copies_passing_mail_as_a_transport_rule_does(tmp_path):
    facts = told(tmp_path, command("New-JournalRule", Name="archive", JournalEmailAddress=OUTSIDE, Enabled="True"), command("Remove-JournalRule", Identity="archive"))
    rule = f"rule:{ORG}/transport rule/journal: archive"
    assert edges(facts, "FORWARDS_TO") == {(rule, f"smtp:{OUTSIDE}", ONE, None), (rule, f"smtp:{OUTSIDE}", None, TWO)}
    assert {(source, target) for source, target, *_ in edges(facts, "PASSES_THROUGH")} == {("service:mail/agency.example", rule)}


def test_a_journal_rule_for_one_recipient_applies_to_that_one(tmp_path):
    facts = told(tmp_path, command("New-JournalRule", Name="boss", JournalEmailAddress=OUTSIDE, Recipient=BOB, Enabled="True"))
    assert {(f["to_key"], f["role"]) for f in facts if f.get("kind") == "APPLIES_TO"} == {(f"smtp:{BOB}", "from"), (f"smtp:{BOB}", "to")}


@pytest.mark.parametrize("name", [ID, "ann0815"])
def test_a_rule_that_somebody_made_without_naming_a_mailbox_is_of_his_own(name, tmp_path):
    facts = told(tmp_path, command("New-InboxRule", f"{PATH}/{name}\\.", ANN, Name=".", ForwardTo=OUTSIDE))
    assert (f"mailbox:{ANN}", f"smtp:{OUTSIDE}", ONE, None) in edges(facts, "FORWARDS_TO")


def test_a_rule_for_a_mailbox_that_is_named_is_not_its_makers(tmp_path):
    facts = told(tmp_path, command("New-InboxRule", f"{PATH}/{ID}\\.", ANN, Name=".", ForwardTo=OUTSIDE, Mailbox=f"{PATH}/{ID}"))
    assert not any(source == f"mailbox:{ANN}" for source, *_ in edges(facts, "FORWARDS_TO"))


def test_an_id_under_which_two_made_rules_is_nobodys(tmp_path):
    facts = told(tmp_path, *(command("New-InboxRule", f"{PATH}/{ID}\\.", user, Name=".", ForwardTo=OUTSIDE) for user in (ANN, BOB)))
    assert {source for source, *_ in edges(facts, "FORWARDS_TO") if source.startswith("mailbox:")} == {f"mailbox:{ID}"}


@pytest.mark.parametrize("text", ["X500:{}", "{}", "EX:{}"])
def test_forwarding_to_a_name_of_exchanges_own_goes_to_who_has_that_name(text, tmp_path):
    dn = "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=5a7b-bob"
    facts = told(tmp_path, command("Set-Mailbox", ANN, Identity=ANN, ForwardingAddress=text.format(dn)))
    assert (f"mailbox:{ANN}", f"x500:{dn.casefold()}", ONE, None) in edges(facts, "FORWARDS_TO")


def test_forwarding_to_a_name_that_the_log_does_not_explain_is_refused_with_it(tmp_path):
    facts = told(tmp_path, command("Set-Mailbox", ANN, Identity=ANN, ForwardingAddress=f"{PATH}/Bob Smith"))
    assert [(f["refused"]["place"], "names no address" in f["refused"]["why"]) for f in facts if "refused" in f] == [("line 2", True)]
