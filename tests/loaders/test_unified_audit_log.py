"""The Microsoft 365 unified audit log: nine shapes, one meaning; the real samples counted anew from their raw rows; what goes wrong."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel import identity
from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from loaders import registry
from loaders.audit_mail import windows
from loaders.audit_records import address_of
from loaders.base import Broken, Options, Source
from loaders.formats import unified_audit_log
from tests.support import audit
from tests.support.golden import check_golden, facts_of, read_into

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data"
UAL = DATA / "01_m365_ual"
NOW = 1_700_000_000
needs_samples = pytest.mark.skipif(not UAL.is_dir(), reason="the real samples are not here")


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def said(path: Path, **options: Any) -> set[str]:
    """Facts without their places and notes: what must not depend on the shape."""
    facts = [fact for fact in facts_of(path, now=NOW, **options) if "kind" in fact]
    return {json.dumps({k: v for k, v in fact.items() if k not in ("place", "collected")}, sort_keys=True) for fact in facts}


def write(tmp_path: Path, letter: str, records: list[dict]) -> Path:
    return audit.write(tmp_path / f"{letter}.{'json' if letter in 'EF' else 'csv'}", letter, records)


def test_a_small_log_says_exactly_what_its_golden_file_lists():
    check_golden(HERE / "unified_audit_log", now=NOW)


@pytest.mark.parametrize("letter", "ABCDEFGHI")
def test_every_shape_is_recognised_by_its_content(tmp_path, letter):
    fmt, claim = registry.recognise(Source(write(tmp_path, letter, audit.records()), "x"))
    assert fmt.NAME == "unified_audit_log" and claim.strength >= 6


@pytest.mark.parametrize("letter", "BCDEFH")
def test_a_log_says_the_same_in_every_shape_that_keeps_whole_records(tmp_path, letter):
    assert said(write(tmp_path, letter, audit.records())) == said(write(tmp_path, "A", audit.records()))


def test_sentinel_says_the_same_of_exchange_and_files_but_keeps_no_sign_ins(tmp_path):
    exchange = [one for one in audit.records() if one["Workload"] in ("Exchange", "OneDrive")]

    def plain(letter: str) -> set[str]:
        return said(write(tmp_path, letter, exchange), date_order="mdy")

    assert plain("G") == plain("A")


def test_a_flattened_table_keeps_who_and_when_and_is_told_to_be_lossy(tmp_path):
    facts = facts_of(write(tmp_path, "I", audit.records()), now=NOW)
    whole = facts_of(write(tmp_path, "A", audit.records()), now=NOW)
    assert any("flattened" in fact.get("note", "") for fact in facts)
    assert Counter(fact["operation"] for fact in kinds(facts, "Observation")) == Counter(fact["operation"] for fact in kinds(whole, "Observation"))
    assert not kinds(facts, "FORWARDS_TO")


def test_parameters_that_a_tool_flattened_into_columns_are_read(tmp_path):
    path = tmp_path / "Simple_Forwarding.csv"
    path.write_text(
        "CreationTime,Id,Operation,UserId,Workload,OrganizationName,Param_Identity,Param_ForwardingSmtpAddress,Param_DeliverToMailboxAndForward\n"
        f"2023-06-01T08:00:00,00000000-0000-4000-8000-000000000001,Set-Mailbox,{audit.ADMIN},Exchange,{audit.ORG},{audit.ALICE},smtp:sink@evil.example,True\n"
    )
    (edge,) = [fact for fact in kinds(facts_of(path, now=NOW), "FORWARDS_TO") if fact["from_key"].startswith("mailbox:")]
    assert (edge["to_key"], edge["keeps_copy"], edge["valid_from"]) == ("smtp:sink@evil.example", True, 1685606400)


def test_reading_the_log_twice_in_one_file_says_the_same(tmp_path):
    assert said(write(tmp_path, "A", audit.records() * 2)) == said(write(tmp_path, "B", audit.records()))


def test_the_order_of_rows_does_not_matter(tmp_path):
    assert said(write(tmp_path, "A", audit.records()[::-1])) == said(write(tmp_path, "B", audit.records()))


def test_nothing_of_subjects_and_search_words_leaves_the_loader(tmp_path):
    search = audit.record(9, "SearchQueryInitiatedExchange", audit.ALICE, **audit.of(audit.ALICE), QueryText="secret plan")
    text = json.dumps(facts_of(write(tmp_path, "A", [*audit.records(), search])), ensure_ascii=False)
    assert "機密" not in text and "secret plan" not in text and "SearchQueryInitiatedExchange" in text


def test_names_that_could_be_two_accounts_are_left_alone_and_told(tmp_path):
    both = [audit.record(n, "Send", f"sato@{domain}", **audit.of(audit.ALICE) | {"MailboxOwnerUPN": f"sato@{domain}"}) for n, domain in enumerate(("a.example", "b.example"))]
    grant = audit.record(5, "Add-MailboxPermission", audit.ADMIN, Parameters=audit.pairs(Identity=audit.ALICE, User="sato", AccessRights="FullAccess"))
    facts = facts_of(write(tmp_path, "A", [*both, grant]))
    assert [fact["from_key"] for fact in kinds(facts, "FULL_ACCESS")] == [f"account:{audit.ORG}/sato"]
    assert any("could be several accounts" in fact.get("note", "") and "sato" in fact["note"] for fact in facts)


def test_an_end_without_a_beginning_in_the_log_is_told(tmp_path):
    off = audit.record(5, "Set-Mailbox", audit.ADMIN, Parameters=audit.pairs(Identity=audit.ALICE, ForwardingSmtpAddress=""))
    facts = facts_of(write(tmp_path, "A", [off]))
    assert not kinds(facts, "FORWARDS_TO") and any("does not say the beginning of" in fact.get("note", "") for fact in facts)


def test_an_application_that_read_mail_is_kept_though_the_account_is_microsofts(tmp_path):
    byapp = audit.record(1, "MailItemsAccessed", "S-1-5-18", **audit.access("Bind"), **audit.of(audit.ALICE, 1), Folders=[audit.bind("\\Inbox", "one")],
                         AppId=audit.APP, UserKey="S-1-5-18")  # fmt: skip
    facts = facts_of(write(tmp_path, "A", [byapp]))
    edges = {(fact["role"], fact["to_key"]) for fact in kinds(facts, "OBSERVED")}
    assert ("app", f"app:{audit.APP}") in edges and not any(role == "actor" for role, _ in edges)


@pytest.mark.parametrize("user", ["anonymous", "urn:spo:anon#0123456789abcdef"])
def test_whoever_opens_a_file_by_a_link_is_no_account(tmp_path, user):
    url = "https://x.sharepoint.com/plan.docx"
    used = {"CreationTime": "2023-01-02T00:00:00", "Id": "u1", "Operation": "AnonymousLinkUsed", "RecordType": 14, "Workload": "SharePoint", "UserId": user,
            "UserType": 0, "ObjectId": url, "ClientIP": "203.0.113.9"}  # fmt: skip
    facts = facts_of(write(tmp_path, "E", [used]), now=NOW)
    assert [(edge["to_label"], edge["to_key"]) for edge in kinds(facts, "OBSERVED")] == [("File", f"file:{url}")]
    assert not kinds(facts, "Account")


def test_a_mailbox_whose_auditing_stays_off_is_blind_to_the_end_of_the_log(tmp_path):
    off = audit.record(5, "Set-Mailbox", audit.ADMIN, Parameters=audit.pairs(Identity=audit.ALICE, AuditEnabled="False"))
    (blind,) = [fact for fact in kinds(facts_of(write(tmp_path, "A", [off, audit.record(9, "PageViewed", audit.BOB)])), "LogCoverage") if fact.get("blind")]
    assert blind["scope"] == audit.ALICE.casefold() and blind["last"] - blind["first"] == 4 * 60


def test_throttled_times_that_meet_are_one_blind_time():
    day = 86_400
    assert windows([0, day, 3 * day]) == [(0, 2 * day), (3 * day, 4 * day)]


@pytest.mark.parametrize(
    ("text", "ip"),
    [("1.2.3.4", "1.2.3.4"), ("1.2.3.4:63070", "1.2.3.4"), ("[2603:10b6::5]:54088", "2603:10b6::5"), ("2603:10B6::5", "2603:10b6::5"),
     ("::ffff:1.2.3.4", "1.2.3.4"), ("<null>", None), ("", None), ("fe80::1%4", "fe80::1"), ("host.example", None)],
)  # fmt: skip
def test_an_address_is_read_without_its_port_and_brackets(text, ip):
    assert address_of(text) == ip


# The real samples, counted anew.


def ual_rows() -> list[dict[str, Any]]:
    """The distinct records of auditrecords.csv, by plain means."""
    csv.field_size_limit(1 << 26)
    with (UAL / "auditrecords.csv").open(newline="", encoding="utf-8") as stream:
        found = [json.loads(row["AuditData"]) for row in csv.DictReader(stream) if row["AuditData"]]
    return list({one["Id"]: one for one in found}.values())


def is_upkeep(one: dict[str, Any]) -> bool:
    return one["UserId"].startswith(("NT AUTHORITY", "S-1-5-18")) or one["UserKey"].startswith(("S-1-5-18", "S-1-5-20", "NT AUTH"))


@needs_samples
def test_the_real_log_has_as_many_reads_sends_and_sign_ins_as_its_distinct_rows():
    rows, out = ual_rows(), read_into(UAL / "auditrecords.csv", now=NOW)
    frames = out.frames()
    counted = Counter(frames["Observation"]["operation"].to_list())
    assert out.records == 9611 and len(rows) == 5373
    for operation in ("MailItemsAccessed", "Send", "UserLoggedIn", "UserLoginFailed", "New-InboxRule", "New-TransportRule", "Consent to application.", "FileDownloaded"):
        assert counted[operation] == sum(one["Operation"] == operation for one in rows), operation
    failed = frames["Observation"].filter(frames["Observation"]["operation"] == "UserLoginFailed")
    assert failed["succeeded"].to_list() == [False] * failed.height
    assert "4,235 records that stand in the file more than once, read once" in out.notes
    assert any(note.startswith("3 records cut short") for note in out.notes)


@needs_samples
def test_the_real_log_shows_every_message_that_was_opened_in_its_folder():
    refs = {
        (one["Id"].lower(), item["InternetMessageId"].strip("<>").casefold(), folder["Path"])
        for one in ual_rows() if one["Operation"] == "MailItemsAccessed" for folder in one.get("Folders", []) for item in folder["FolderItems"]
    }  # fmt: skip
    frames = read_into(UAL / "auditrecords.csv", now=NOW).frames()
    access = set(frames["Observation"].filter(frames["Observation"]["operation"] == "MailItemsAccessed")["key"])
    edges = [edge for edge in frames["OBSERVED"].to_dicts() if edge["role"] == "message" and edge["from_key"] in access]
    assert {(e["from_key"], e["to_key"], e["folder"]) for e in edges} == {
        (f"obs:unified_audit_log/{id_}", identity.message_key(message, None), path) for id_, message, path in refs
    }
    assert len({to for _, to, _ in {(e["from_key"], e["to_key"], e["folder"]) for e in edges}}) == 291
    synced = [edge for edge in frames["OBSERVED"].to_dicts() if edge["role"] == "folder" and edge["from_key"] in access]
    assert len(synced) == sum("Item" in one for one in ual_rows() if one["Operation"] == "MailItemsAccessed") > 0
    assert "A TRAITER" in {edge["folder"] for edge in synced}


@needs_samples
def test_upkeep_of_the_tenant_makes_no_observation():
    upkeep = {f"obs:unified_audit_log/{one['Id'].lower()}" for one in ual_rows() if is_upkeep(one) and one["Operation"] != "Reset user password."}
    assert len(upkeep) > 3600 and not upkeep & set(read_into(UAL / "auditrecords.csv", now=NOW).frames()["Observation"]["key"])


@needs_samples
def test_outlooks_own_rules_and_keys_in_lower_case_are_read():
    sekoia = facts_of(UAL / "o365_management_api_sekoia.ndjson")
    assert {f["to_key"] for f in kinds(sekoia, "FORWARDS_TO") if f["from_key"] == "mailbox:owner@mail.fr"} == {
        "smtp:john.doe@mail.fr", "smtp:user@email.fr", "smtp:asmithee@mailbox.fr", "smtp:user.name@mail.fr"}  # fmt: skip
    panther = facts_of(UAL / "panther_microsoft365_tests.ndjson")
    assert ("mailbox:john@justice.org", "smtp:bruce@justice.org") in {(f["from_key"], f["to_key"]) for f in kinds(panther, "FORWARDS_TO")}
    assert [f["refused"]["place"] for f in panther if "refused" in f] == [f"line {n}" for n in range(20, 26)]


@needs_samples
def test_no_sample_of_another_format_is_claimed():
    own = {"auditrecords.csv", "o365_management_api_sekoia.ndjson", "panther_microsoft365_tests.ndjson", "sentinel_office_activity.csv"}
    claimed = {p.name for p in DATA.rglob("*") if p.is_file() and unified_audit_log.detect(Source(p, p.name))}
    assert claimed == own


# What goes wrong.


def test_json_cut_in_the_middle_is_broken_and_says_where(tmp_path):
    raw = audit.shape("F", audit.records())
    (tmp_path / "cut.json").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(Broken, match="byte .*in the middle"):
        read_into(tmp_path / "cut.json")
    lines = "".join(json.dumps(one) + "\n" for one in audit.records())
    (tmp_path / "cut.ndjson").write_text(lines[:-40])
    with pytest.raises(Broken, match="line 50: the file ends in the middle of a record"):
        read_into(tmp_path / "cut.ndjson")


def test_a_damaged_line_and_one_of_something_else_are_refused_and_the_rest_is_read(tmp_path):
    lines = [json.dumps(one) for one in audit.records()]
    (tmp_path / "x.ndjson").write_text("\n".join([lines[0], '{"half": ', '{"kind": "other"}', lines[4]]) + "\n")
    facts = facts_of(tmp_path / "x.ndjson", now=NOW)
    assert [f["refused"]["place"] for f in facts if "refused" in f] == ["line 2", "line 3"]
    assert {f["operation"] for f in kinds(facts, "Observation")} == {"MailItemsAccessed", "Send"}


_JUNK = st.one_of(st.none(), st.integers(-5, 5), st.text(max_size=8), st.lists(st.integers(0, 2), max_size=2), st.just({"Name": 5}), st.just([{"Name": "Identity", "Value": 7}]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_records_end_in_facts_or_a_clear_refusal(tmp_path, data):
    records = [dict(one) for one in data.draw(st.lists(st.sampled_from(audit.records()), min_size=1, max_size=8))]
    for one in records:
        for key in data.draw(st.lists(st.sampled_from(sorted(one)), max_size=4)):
            one[key] = data.draw(_JUNK)
    (tmp_path / "x.ndjson").write_text("".join(json.dumps(one) + "\n" for one in records))
    out = FactBuffer()
    try:
        unified_audit_log.read(Source(tmp_path / "x.ndjson", "x"), Options(now=NOW), out)
    except LoadError:
        return
    frames = out.frames()
    assert out.records == len(records) and len(out.refused) + sum(frame.height for frame in frames.values()) > 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(letter=st.sampled_from("ACDEFG"), cut=st.floats(0.02, 1), flip=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_truncated_and_damaged_files_end_in_facts_or_a_clear_refusal(tmp_path, letter, cut, flip, byte):
    raw = bytearray(audit.shape(letter, audit.records()[:12]))
    raw[flip % len(raw)] = byte
    (tmp_path / "x").write_bytes(raw[: int(len(raw) * cut)])
    try:
        unified_audit_log.read(Source(tmp_path / "x", "x"), Options(now=NOW), FactBuffer())
    except LoadError as error:
        assert "\n" not in str(error)
