"""Formats that are tables: what each says of a small input, and what it does with what goes wrong."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from graphmodel.errors import LoadError
from loaders import registry
from loaders.base import Broken, Source
from tests.support.golden import buffer_facts, check_golden, facts_of, read_into

HERE = Path(__file__).parent
NOW = 1_700_000_000  # 2023-11-14, when the fixtures were written
FORMATS = {
    "recipient_permissions": "recipient_permissions", "get_mailbox": "get_mailbox", "get_mailbox_permission": "get_mailbox_permission",
    "get_recipient_permission": "get_recipient_permission", "get_inbox_rule": "get_inbox_rule", "message_trace": "message_trace",
    "message_trace_summary": "message_trace", "message_trace_extended": "message_trace", "accounts_csv": "accounts_csv",
    "mailboxes_csv": "mailboxes_csv", "delegations_csv": "delegations_csv", "correspondents_csv": "correspondents_csv",
    "servers_csv": "servers_csv", "access_csv": "access_csv", "ways_csv": "ways_csv",
}  # fmt: skip
SAMPLE = HERE.parents[2] / "shared" / "data" / "03_exchange_powershell" / "Export-RecipientPermissions_Result.csv"


def given(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "given.csv"
    path.write_bytes(text.encode(encoding))
    return path


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def ends(facts: list[dict], kind: str) -> list[tuple[str, str]]:
    return [(fact["from_key"], fact["to_key"]) for fact in kinds(facts, kind)]


def refused(facts: list[dict]) -> list[dict]:
    return [fact["refused"] for fact in facts if "refused" in fact]


def notes(facts: list[dict]) -> list[str]:
    return [fact["note"] for fact in facts if "note" in fact]


@pytest.mark.parametrize("folder", FORMATS)
def test_a_small_export_says_exactly_what_its_golden_file_lists(folder):
    check_golden(HERE / folder, now=NOW)


@pytest.mark.parametrize(("folder", "name"), FORMATS.items())
def test_every_fixture_is_claimed_by_its_own_format_alone_and_has_a_refused_row(folder, name):
    path = HERE / folder / "input.csv"
    fmt, claim = registry.recognise(Source(path, path.name))
    assert name == fmt.NAME and 5 <= claim.strength <= 9
    assert refused(facts_of(path, now=NOW))


@pytest.mark.parametrize("folder", FORMATS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp932"])
def test_an_export_says_the_same_in_every_encoding(tmp_path, folder, encoding):
    raw = (HERE / folder / "input.csv").read_bytes()
    known = next(codec for bom, codec in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"", "")) if raw.startswith(bom))
    text = raw.decode(known or ("cp932" if folder == "accounts_csv" else "utf-8"))
    path = tmp_path / "input.csv"
    path.write_bytes(text.encode(encoding))

    def without_remarks(facts: list[dict]) -> list[dict]:
        return [fact for fact in facts if not re.search("read as (CP932|UTF)", fact.get("note", ""))]

    assert without_remarks(facts_of(path, now=NOW)) == without_remarks(facts_of(HERE / folder / "input.csv", now=NOW))


@pytest.mark.parametrize("folder", FORMATS)
def test_a_header_without_rows_loads_as_nothing_and_does_not_fail(tmp_path, folder):
    raw = (HERE / folder / "input.csv").read_bytes()
    text = raw.decode("utf-16" if raw.startswith(b"\xff\xfe") else "cp932" if folder == "accounts_csv" else "utf-8-sig")
    header = next(line for line in text.splitlines() if not line.startswith("#TYPE"))
    facts = facts_of(given(tmp_path, header + "\r\n"))
    assert {"format": FORMATS[folder], "records": 0} in facts
    assert {fact["kind"] for fact in facts if "kind" in fact} <= {"LogCoverage"}


@pytest.mark.parametrize("folder", FORMATS)
def test_a_file_cut_inside_quotes_is_broken(tmp_path, folder):
    raw = (HERE / folder / "input.csv").read_bytes()
    text = raw.decode("utf-16" if raw.startswith(b"\xff\xfe") else "cp932" if folder == "accounts_csv" else "utf-8-sig")
    with pytest.raises(Broken, match="the file ends inside quotes"):
        read_into(given(tmp_path, text + '"cut of'))


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("Grantor Primary SMTP;Permission;Trustee Original Identity", "grantor recipient type"),
        ("DisplayName,RecipientTypeDetails,ForwardingSmtpAddress", "primarysmtpaddress"),
        ("User,AccessRights,IsInherited", "identity"),
        ("Trustee,AccessControlType", "identity"),
        ("MailboxOwnerId,ForwardTo", "name"),
        ("Received,SenderAddress,RecipientAddress", "messageid"),
        ("mailbox,trustee", "right"),
        ("account,right", "host"),
    ],
)
def test_a_missing_column_is_named_and_so_is_what_was_found(tmp_path, header, missing):
    with pytest.raises(Broken) as error:
        read_into(given(tmp_path, header + "\n"))
    assert f"no column {missing}" in str(error.value)
    assert header.replace(";", ",").split(",")[0].casefold() in str(error.value).partition("found:")[2]


def test_a_table_of_something_else_is_claimed_by_none(tmp_path):
    with pytest.raises(LoadError, match="not a format hakyu knows"):
        read_into(given(tmp_path, "colour,price\nred,1\n"))


# --- Export-RecipientPermissions ---


@pytest.fixture(scope="module")
def sample() -> list[dict]:
    if not SAMPLE.is_file():
        assert not os.environ.get("CI"), f"{SAMPLE} is missing"
        pytest.skip("the real samples are not beside this checkout")
    return facts_of(SAMPLE, now=NOW)


def test_the_real_export_is_read_whole_and_every_row_is_accounted_for(sample):
    assert {"format": "recipient_permissions", "records": 1144} in sample
    assert not refused(sample)
    passed_over = {note: int(note.split()[0].replace(",", "")) for note in notes(sample)}
    # 1,070 None; 13 AvailabilityOnly + 3 LimitedDetails; 24 of 40 folder rights are the owner's own; 2 ManagedBy; 1 MailEnabled; 1 guest.
    assert sorted(passed_over.values()) == [1, 1, 2, 16, 24, 1070]
    edges = Counter(fact["kind"] for fact in sample if fact.get("kind") in {"FOLDER_RIGHT", "FULL_ACCESS", "SEND_AS", "SEND_ON_BEHALF", "MEMBER_OF", "Rule"})
    assert edges == {"FOLDER_RIGHT": 16, "FULL_ACCESS": 1, "SEND_AS": 4, "SEND_ON_BEHALF": 1, "MEMBER_OF": 6, "Rule": 2}
    assert edges.total() + sum(passed_over.values()) == 1144


def test_the_real_export_gives_every_mailbox_its_type_and_only_users_an_account(sample):
    types = Counter(fact["type"] for fact in kinds(sample, "Mailbox"))
    assert types == {"user": 10, "group": 1, "system": 1, "public folder": 1}
    owners = Counter(source.partition(":")[0] for source, _ in ends(sample, "OWNS"))
    assert owners == {"account": 10, "group": 1}


def test_the_real_export_leads_from_an_administrator_through_nested_role_groups_to_the_mail_system(sample):
    members = ends(sample, "MEMBER_OF")
    assert ("account:postmaster@example.com", "group:tenantadmins_d2d9a@example.com") in members
    assert ("group:tenantadmins_d2d9a@example.com", "group:organization management@example.com") in members
    assert ("group:organization management@example.com", "role:exchange/organization management@example.com") in ends(sample, "HAS_ROLE")
    assert ("role:exchange/organization management@example.com", "service:mail/example.com") in ends(sample, "ADMIN_TO")
    assert len(ends(sample, "HOSTS")) == 13
    assert not any("view-only" in source for source, _ in ends(sample, "HAS_ROLE"))


def test_the_real_export_gives_everyone_the_folders_that_default_may_read(sample):
    by_default = [fact for fact in kinds(sample, "FOLDER_RIGHT") if fact["from_key"] == "group:default/example.com"]
    assert len(by_default) == 13  # 9 folders of contacts of one user, 4 public folders
    assert not any("Kalender" in fact["folder"] for fact in by_default)


def test_a_file_without_rows_on_rights_does_not_claim_to_have_asked_for_them(tmp_path):
    text = (HERE / "recipient_permissions" / "input.csv").read_text(encoding="utf-8-sig").splitlines()
    facts = facts_of(given(tmp_path, "\n".join(text[:3])))
    assert {fact["what"] for fact in kinds(facts, "LogCoverage")} == {"mailboxes", "folder rights"}
    assert "no row is about forwarding: whether the export asked for them is not known" in notes(facts)


# --- Get-Mailbox ---


def test_forwarding_columns_that_are_absent_are_not_no_forwarding(tmp_path):
    facts = facts_of(given(tmp_path, "DisplayName,PrimarySmtpAddress,RecipientTypeDetails\nKen,ken@nisc.example,UserMailbox\n"))
    assert {fact["what"] for fact in kinds(facts, "LogCoverage")} == {"mailboxes"}
    assert any("forwarding is not known" in note for note in notes(facts))
    assert ends(facts, "OWNS") == [("account:ken@nisc.example", "mailbox:ken@nisc.example")]


def test_exactly_a_thousand_mailboxes_are_told_as_a_cut_export(tmp_path):
    rows = [f"m{n}@nisc.example,UserMailbox" for n in range(1000)]
    facts = facts_of(given(tmp_path, "\n".join(["PrimarySmtpAddress,RecipientTypeDetails", *rows])))
    assert [fact["capped"] for fact in kinds(facts, "LogCoverage")] == [True]
    facts = facts_of(given(tmp_path, "\n".join(["PrimarySmtpAddress,RecipientTypeDetails", *rows[1:]])))
    assert [fact["capped"] for fact in kinds(facts, "LogCoverage")] == [False]


# --- rights and rules ---


def test_a_shared_mailbox_known_by_its_name_only_still_carries_the_right(tmp_path):
    facts = facts_of(given(tmp_path, "Identity,User,AccessRights,IsInherited,Deny\nInfo  Desk,ken@nisc.example,FullAccess,False,False\n"))
    assert ends(facts, "FULL_ACCESS") == [("account:ken@nisc.example", "mailbox:info desk")]
    assert not any("smtp:info" in target for _, target in ends(facts, "HAS_ADDRESS"))


def test_a_disabled_rule_is_kept_but_copies_nothing():
    facts = facts_of(HERE / "get_inbox_rule" / "input.csv")
    (rule,) = [fact for fact in kinds(facts, "Rule") if fact["enabled"] is False]
    assert rule["key"] == "rule:ken/inbox rule/old"
    assert not any(rule["key"] in pair for kind in ("FORWARDS_TO", "PASSES_THROUGH") for pair in ends(facts, kind))


def test_words_of_mail_in_rules_and_traces_never_leave_the_loader():
    for folder, words in (("get_inbox_rule", "SECRET"), ("message_trace", "機密"), ("message_trace_summary", "機密")):
        assert words not in str(facts_of(HERE / folder / "input.csv", now=NOW))


def test_rules_without_an_owner_are_those_of_the_mailbox_the_analyst_names(tmp_path):
    path = given(tmp_path, 'Name,Enabled,RuleIdentity,ForwardTo\nx,True,1,"""Ex"" [SMTP:ex@outside.example]"\n')
    with pytest.raises(Broken, match="say --mailbox"):
        read_into(path)
    assert ("mailbox:hana@nisc.example", "smtp:ex@outside.example") in ends(facts_of(path, mailbox="hana@nisc.example"), "FORWARDS_TO")


# --- message trace ---


def test_a_trace_whose_dates_could_be_either_asks_for_their_order(tmp_path):
    path = given(tmp_path, "Received,SenderAddress,RecipientAddress,MessageId,Status\n5/01/2023 1:10:40 AM,a@x.example,b@y.example,<1>,Delivered\n")
    with pytest.raises(Broken, match="--date-order dmy or mdy"):
        read_into(path)
    (sent,) = kinds(facts_of(path, date_order="dmy"), "Message")
    assert sent["sent"] == 1672881040


def test_repeated_rows_of_a_message_count_once_and_delivery_is_what_stays():
    facts = facts_of(HERE / "message_trace" / "input.csv", now=NOW)
    to_ken = [fact for fact in kinds(facts, "ADDRESSED_TO") if fact["to_key"] == "smtp:ken@nisc.example"]
    assert [(fact["status"], fact["delivered"]) for fact in to_ken] == [("delivered", 1664672405)]
    assert not any("delivered" in fact for fact in kinds(facts, "ADDRESSED_TO") if fact["status"] != "delivered")


def test_the_three_shapes_of_a_trace_name_the_same_message():
    found = {folder: kinds(facts_of(HERE / folder / "input.csv", now=NOW), "Message") for folder in FORMATS if folder.startswith("message")}
    shared = set.intersection(*({fact["key"] for fact in messages} for messages in found.values()))
    assert len(shared) == 1


def test_a_trace_of_a_thousand_rows_was_cut(tmp_path):
    rows = [f"2022-10-02T01:00:00,a@x.example,b{n}@y.example,<m@x.example>,Delivered" for n in range(1000)]
    facts = facts_of(given(tmp_path, "\n".join(["Received,SenderAddress,RecipientAddress,MessageId,Status", *rows])))
    (coverage,) = kinds(facts, "LogCoverage")
    assert coverage["capped"] and coverage["first"] == coverage["last"] == 1664672400
    assert len(kinds(facts, "Message")) == 1


# --- our own tables ---


def test_what_is_not_known_is_not_taken_for_none(tmp_path):
    facts = facts_of(given(tmp_path, "mailbox,owner,forward_to\na@x.example,,-\nb@x.example,,\n"))
    (forwarding,) = [fact for fact in kinds(facts, "LogCoverage") if fact["what"] == "forwarding"]
    assert (forwarding["collected"], forwarding["missing"]) == (1, 1)
    facts = facts_of(given(tmp_path, "mailbox,owner,forward_to\na@x.example,,\n"))
    assert {fact["what"] for fact in kinds(facts, "LogCoverage")} == {"mailboxes"}


def test_a_delegation_holds_between_its_two_dates_and_openly_without_them():
    facts = facts_of(HERE / "delegations_csv" / "input.csv")
    (right,) = [fact for fact in kinds(facts, "FULL_ACCESS") if fact["from_key"] == "account:ken@nisc.example"]
    assert (right["valid_from"], right["valid_until"]) == (1664582400, 1686614400)
    assert all("valid_from" not in fact for fact in kinds(facts, "SEND_AS"))


def test_remote_access_leads_to_a_service_and_only_administration_to_the_server():
    facts = facts_of(HERE / "access_csv" / "input.csv")
    assert {target.partition(":")[0] for _, target in ends(facts, "SIGNS_IN_TO")} == {"service"}
    assert ends(facts, "ADMIN_TO") == [("account:ken", "host:fs01"), ("account:ken", "host:ex01.nisc.example")]


def test_an_access_right_holds_between_its_two_dates_and_one_that_ends_before_it_begins_is_refused():
    facts = facts_of(HERE / "access_csv" / "input.csv")
    (vpn,) = [fact for fact in kinds(facts, "SIGNS_IN_TO") if fact["via"] == "vpn"]
    assert (vpn["valid_from"], vpn["valid_until"]) == (1664582400, 1686614400)
    assert {"place": "row 11, column to", "what": "2023-01-15", "why": "the right ends before it begins"} in refused(facts)


def test_the_owner_in_mailboxes_csv_is_the_account_of_accounts_csv():
    stated = {fact["key"] for fact in kinds(facts_of(HERE / "accounts_csv" / "input.csv"), "Account")}
    assert {source for source, _ in ends(facts_of(HERE / "mailboxes_csv" / "input.csv"), "OWNS")} & stated == {"account:hana"}


def test_reading_a_file_twice_says_the_same():
    path = HERE / "recipient_permissions" / "input.csv"
    assert buffer_facts(read_into(path), "x") == buffer_facts(read_into(path), "x")
