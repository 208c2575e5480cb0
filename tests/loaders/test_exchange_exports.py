"""Exchange's further exports: folder rights, group members, transport rules, Microsoft-Extractor-Suite, Export-Clixml."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import registry
from loaders.base import Broken, Source
from tests.support.fuzz import ends_well, mutated
from tests.support.golden import check_golden, facts_of, read_into

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data" / "03_exchange_powershell"
NOW = 1_700_000_000
FORMATS = {
    "get_mailbox_folder_permission": "get_mailbox_folder_permission", "get_distribution_group_member": "get_distribution_group_member",
    "get_transport_rule": "get_transport_rule", "mes_transport_rules": "get_transport_rule", "mes_mailbox_rules": "get_inbox_rule",
    "mes_mailbox_rules_graph": "get_inbox_rule", "mes_mailbox_permissions": "mes_mailbox_permissions", "mes_groups": "mes_groups",
    "mes_group_members": "mes_groups", "exchange_clixml": "exchange_clixml", "exchange_clixml_servers": "exchange_clixml",
}  # fmt: skip
NAMESPACE = "http://schemas.microsoft.com/powershell/2004/04"


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def ends(facts: list[dict], kind: str) -> list[tuple[str, str]]:
    return [(fact["from_key"], fact["to_key"]) for fact in kinds(facts, kind)]


def refused(facts: list[dict]) -> list[dict]:
    return [fact["refused"] for fact in facts if "refused" in fact]


def notes(facts: list[dict]) -> str:
    return "\n".join(fact["note"] for fact in facts if set(fact) == {"note"})


def fixture(folder: str) -> Path:
    (path,) = (HERE / folder).glob("input.*")
    return path


def written(tmp_path: Path, text: str, name: str = "given.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def sample(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        assert not os.environ.get("CI"), f"{path} is missing"
        pytest.skip("the real samples are not beside this checkout")
    return path


@pytest.mark.parametrize("folder", FORMATS)
def test_a_small_export_says_exactly_what_its_golden_file_lists(folder):
    check_golden(HERE / folder, now=NOW)


@pytest.mark.parametrize(("folder", "name"), FORMATS.items())
def test_an_export_is_claimed_by_its_own_format_and_has_a_refused_row(folder, name):
    fmt, claim = registry.recognise(Source(fixture(folder), folder))
    assert name == fmt.NAME and 5 <= claim.strength <= 9
    assert refused(facts_of(fixture(folder), now=NOW))


@pytest.mark.parametrize("folder", [folder for folder in FORMATS if fixture(folder).suffix == ".csv"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp932"])
def test_a_table_says_the_same_in_every_encoding(tmp_path, folder, encoding):
    path = tmp_path / "input.csv"
    path.write_bytes(fixture(folder).read_text(encoding="utf-8").encode(encoding))

    def without_remarks(facts: list[dict]) -> list[dict]:
        return [fact for fact in facts if not re.search("read as CP932", str(fact.get("note", "")))]

    assert without_remarks(facts_of(path, now=NOW)) == facts_of(fixture(folder), now=NOW)


@pytest.mark.parametrize("folder", FORMATS)
def test_words_of_conditions_never_leave_the_loader(folder):
    facts = str(facts_of(fixture(folder), now=NOW))
    assert "機密" not in facts and "SECRET" not in facts


# --- Get-Mailbox ---


def test_a_mailboxs_owner_is_the_entra_object_that_the_export_names(tmp_path):
    head = "PrimarySmtpAddress,UserPrincipalName,ExternalDirectoryObjectId,RecipientTypeDetails,AuditEnabled\n"
    rows = "hana@nisc.example,h@nisc.example,BBBBBBBB-0000-0000-0000-000000000001,UserMailbox,False\nken@nisc.example,ken@nisc.example,,UserMailbox,True\n"
    facts = facts_of(written(tmp_path, head + rows))
    assert ends(facts, "SAME_IDENTITY") == [("entra:bbbbbbbb-0000-0000-0000-000000000001", "upn:h@nisc.example")]
    assert "1 row with AuditEnabled False: of these mailboxes the audit log sees nothing" in notes(facts)


# --- Get-MailboxFolderPermission ---


def test_folder_rights_without_a_mailbox_are_those_of_the_files_name_or_of_what_the_analyst_says(tmp_path):
    text = "FolderName,User,AccessRights\nInbox,ken@nisc.example,Reviewer\n"
    with pytest.raises(Broken, match="whose folders these are is not known; say --mailbox"):
        read_into(written(tmp_path, text))
    facts = facts_of(written(tmp_path, text, "hana@nisc.example-Inbox.csv"))
    assert ends(facts, "FOLDER_RIGHT") == [("account:ken@nisc.example", "mailbox:hana@nisc.example")]
    assert "by the file's name" in notes(facts)
    facts = facts_of(written(tmp_path, text), mailbox="mari@nisc.example")
    assert ends(facts, "FOLDER_RIGHT") == [("account:ken@nisc.example", "mailbox:mari@nisc.example")]


def test_a_right_that_shows_only_a_calendar_reads_no_mail():
    facts = facts_of(fixture("get_mailbox_folder_permission"))
    assert "/Calendar" not in {fact["folder"] for fact in kinds(facts, "FOLDER_RIGHT")}


# --- groups ---


def test_members_without_the_column_for_their_group_are_not_taken_for_members(tmp_path):
    text = "DisplayName,PrimarySmtpAddress,RecipientTypeDetails\nHana,hana@nisc.example,UserMailbox\n"
    assert registry.recognise(Source(written(tmp_path, text), "x"))[0].NAME == "get_mailbox"


def test_the_group_of_the_suite_and_that_of_exchange_are_said_to_be_one():
    facts = facts_of(fixture("mes_groups"))
    assert ("group:aaaaaaaa-0000-0000-0000-000000000001", "group:staff@nisc.example") in ends(facts, "SAME_IDENTITY")
    members = facts_of(fixture("mes_group_members"))
    assert ("entra:bbbbbbbb-0000-0000-0000-000000000001", "group:aaaaaaaa-0000-0000-0000-000000000001") in ends(members, "MEMBER_OF")
    assert not any("0000000003" in source for source, _ in ends(members, "MEMBER_OF"))  # a device


def test_fillers_of_the_suite_are_no_times():
    assert all("valid_from" not in fact for fact in kinds(facts_of(fixture("mes_group_members")), "MEMBER_OF"))


# --- rules ---


def test_only_action_lines_of_a_description_name_targets():
    facts = facts_of(fixture("mes_transport_rules"))
    assert {target for _, target in ends(facts, "FORWARDS_TO")} == {"smtp:hacker@outside.example", "smtp:a@outside.example", "smtp:b@outside.example"}


def test_a_rule_in_another_language_is_told_and_its_targets_are_not_guessed():
    assert "not English" in notes(facts_of(fixture("mes_transport_rules")))


def test_the_organisation_of_transport_rules_can_be_said():
    facts = facts_of(fixture("mes_transport_rules"), mailbox="hana@nisc.example")
    assert {fact["key"].split("/")[0] for fact in kinds(facts, "Rule")} == {"rule:nisc.example"}


def test_a_rule_that_only_is_tested_copies_nothing():
    facts = facts_of(fixture("get_transport_rule"))
    assert not any("rule/test" in source for source, _ in ends(facts, "FORWARDS_TO"))


def test_the_rules_real_shape_of_the_suite_before_2023_knows_which_rules_are_off():
    rules = {fact["name"]: fact["enabled"] for fact in kinds(facts_of(fixture("mes_mailbox_rules")), "Rule")}
    assert rules == {"..": True, "old": False}


def test_graph_rules_delete_and_forward_as_attachment():
    facts = facts_of(fixture("mes_mailbox_rules_graph"))
    assert {target for _, target in ends(facts, "FORWARDS_TO")} == {f"smtp:{name}@outside.example" for name in "abcd"}
    kept = {fact["to_key"]: fact["keeps_copy"] for fact in kinds(facts, "FORWARDS_TO")}
    assert kept["smtp:c@outside.example"] is False and kept["smtp:d@outside.example"] is True


# --- mailbox permissions of the suite ---


def test_the_last_bracketed_address_is_the_trustee_whatever_the_name_holds():
    facts = facts_of(fixture("mes_mailbox_permissions"))
    assert ends(facts, "FULL_ACCESS") == [("account:ken@nisc.example", "mailbox:hana@nisc.example"), ("account:svc-raw", "mailbox:hana@nisc.example")]
    assert ("account:ken@nisc.example", "mailbox:hana@nisc.example") in ends(facts, "SEND_ON_BEHALF")
    assert not any(source in ("account:sato", "account:mari") for kind in ("FULL_ACCESS", "SEND_ON_BEHALF") for source, _ in ends(facts, kind))


def test_an_unresolved_trustee_stands_for_itself_where_the_count_says_so():
    assert ("account:ken_raw", "mailbox:info@nisc.example") in ends(facts_of(fixture("mes_mailbox_permissions")), "SEND_ON_BEHALF")


# --- Export-Clixml ---


def test_the_real_accepted_domains_are_the_organisations_own_but_not_all_of_com():
    facts = facts_of(sample("clixml_E19_GetAcceptedDomain.xml"), now=1_800_000_000)
    said = {(fact["domain"], fact["type"], fact["subdomains"]) for fact in kinds(facts, "ACCEPTS_MAIL_FOR")}
    assert said == {("solo.com", "authoritative", False), ("contoso.local", "authoritative", True)}
    assert [(row["place"], row["what"]) for row in refused(facts)] == [("object 3", "*.com")]
    assert {source for source, _ in ends(facts, "ACCEPTS_MAIL_FOR")} == {"service:mail/solo.com"}


def test_the_real_exchange_server_hosts_the_mail_system_of_its_domain():
    facts = facts_of(sample("clixml_E19_GetExchangeServer.xml"))
    (server,) = kinds(facts, "Server")
    assert (server["key"], server["role"], server["fqdn"]) == ("host:solo-e19a.solo.com", "mail", "solo-e19a.solo.com")
    assert "Version 15.2 (Build 986.5)" in server["extra"]
    assert ends(facts, "HOSTS") == [("host:solo-e19a.solo.com", "service:mail/solo.com")]


def test_the_real_send_connector_lets_mail_pass_its_smart_host():
    facts = facts_of(sample("clixml_E19_GetSendConnector.xml"))
    assert ends(facts, "PASSES_THROUGH") == [("service:mail/exlab.dom", "host:microsoft-com.mail.protection.outlook.com")]


@pytest.mark.parametrize("name", ["GetMailboxServer", "GetOrganizationConfig"])
def test_what_the_other_real_objects_do_not_tell_is_said(name):
    facts = facts_of(sample(f"clixml_E19_{name}.xml"))
    assert "its mail system is not stated" in notes(facts) or "of type OrganizationConfig, of which nothing is read" in notes(facts)
    assert not kinds(facts, "HOSTS")


def test_serialised_net_objects_are_never_decoded(tmp_path):
    text = fixture("exchange_clixml").read_text(encoding="utf-8")
    odd = text.replace("AAEAAAD/////AQAAAAAAAAAMAgAAAA==", "not base64 at all \u00e9")
    assert facts_of(written(tmp_path, odd, "given.xml"), now=NOW) == facts_of(fixture("exchange_clixml"), now=NOW)


def test_xml_that_declares_entities_is_not_read(tmp_path):
    text = fixture("exchange_clixml").read_text(encoding="utf-8").removeprefix("\ufeff")
    bomb = '<!DOCTYPE Objs [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>\n' + text.replace("NISC<", "&b;<")
    with pytest.raises(Broken, match="declares entities"):
        read_into(written(tmp_path, bomb, "given.xml"))


def test_xml_that_is_cut_short_or_nested_too_deep_is_broken_with_its_place(tmp_path):
    text = fixture("exchange_clixml").read_text(encoding="utf-8").removeprefix("\ufeff")
    with pytest.raises(Broken, match=r"line \d+, column \d+: not well-formed"):
        read_into(written(tmp_path, text[:-200], "given.xml"))
    deep = text.replace('<Nil N="CatchAllRecipientID" />', "<Obj><Props>" * 100 + "</Props></Obj>" * 100, 1)
    with pytest.raises(Broken, match="nested too deep"):
        read_into(written(tmp_path, deep, "given.xml"))


# --- fuzz ---


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), folder=st.sampled_from(sorted(FORMATS)))
def test_a_mutated_export_ends_in_facts_or_in_a_clear_refusal(tmp_path, data, folder):
    path = tmp_path / "given.any"
    path.write_bytes(mutated(data, fixture(folder).read_bytes(), [b"@", b"<S", b'"', b",", b"Obj", b"; ", b"true", b"nisc"], [b"", b"\0", b"(", b"System.Object[]", b"\xff", b"9" * 30, b"'"]))
    ends_well(next(fmt for fmt in registry.formats() if FORMATS[folder] == fmt.NAME), path, NOW)
