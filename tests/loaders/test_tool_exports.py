"""Exports of consoles, scripts and tools that hold what a cmdlet or an interface also tells: each in its own columns, with its own traps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from graphmodel.times import from_iso
from loaders import registry
from loaders.base import Broken, Options, Source
from loaders.jsonrow import JsonRow
from loaders.reading import column_name
from loaders.tablelike import as_table
from tests.support.fuzz import ends_well, mutated
from tests.support.golden import check_golden, facts_of

HERE = Path(__file__).parent
NOW = 1_700_000_000
FOLDERS = {
    "defender_email_events": "defender_email_events", "defender_email_events_explorer": "defender_email_events", "mes_roles": "mes_roles", "mes_roles_pim": "mes_roles", "mes_roles_hawk": "mes_roles", "gam_group_members": "gam_group_members",
    "gam_admins": "gam_admins", "google_console_csv": "google_console_csv", "google_console_csv_gam": "google_console_csv", "gam_tokens": "gam_tokens", "gam_users_console": "gam_users", "entra_users_csv_admin": "entra_users_csv",
    "entra_signins_csv_hunting": "entra_signins_csv", "entra_signins_csv_powershell": "entra_signins_csv", "sentinel_signins_json": "sentinel_signins",
    "google_reports_split": "google_reports", "get_mailbox_upn": "get_mailbox", "get_distribution_group_member_roles": "get_distribution_group_member",
    "okta_system_log_hook": "okta_system_log", "entra_audits_csv": "entra_audits_csv", "entra_audits_csv_sentinel": "entra_audits_csv",
    "get_management_role_assignment": "get_management_role_assignment", "get_transport_rule_journal": "get_transport_rule",
    "get_inbox_rule_list": "get_inbox_rule", "get_inbox_rule_described": "get_inbox_rule", "get_mailbox_json": "get_mailbox",
}  # fmt: skip

WORDS = [b"hana@agency.example", b"@", b'"', b",", b"[", b"{", b"null", b"2023", b"True", b"1"]
OTHERS = [b"", b"\x00", b"\xff", b"{}", b"[[", b'"', b"999999999999999999999", b"-1", b"x@y@z", "日本".encode(), b"\n"]


def fixture(folder: str) -> Path:
    (path,) = (HERE / folder).glob("input.*")
    return path


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_small_export_says_exactly_what_its_golden_file_lists(folder):
    check_golden(HERE / folder, now=NOW, date_order="mdy")


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_each_export_is_recognised_by_its_content_alone(folder, name):
    fmt, claim = registry.recognise(Source(fixture(folder), "x"))
    assert (fmt.NAME, claim.strength >= 5) == (name, True)


@pytest.mark.parametrize("folder", FOLDERS)
@given(data=st.data())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutated_export_ends_with_facts_or_one_clear_line(tmp_path, folder, data):
    path = tmp_path / "q7.bin"
    path.write_bytes(mutated(data, fixture(folder).read_bytes(), WORDS, OTHERS))
    fmt, _ = registry.recognise(Source(fixture(folder), "x"))
    ends_well(fmt, path, NOW)


def test_no_word_of_a_subject_leaves_the_loader():
    for folder in ("defender_email_events", "defender_email_events_explorer"):
        assert "機密" not in str(facts_of(fixture(folder), now=NOW))


def test_explorer_tells_the_time_in_the_zone_of_its_header_and_every_recipient_of_a_cell():
    facts = facts_of(fixture("defender_email_events_explorer"), now=NOW)
    assert {fact["sent"] for fact in kinds(facts, "Message")} == {from_iso(f"2023-11-01T23:0{minute}:06Z") for minute in (5, 7, 8)}
    assert {(fact["to_key"], fact["status"]) for fact in kinds(facts, "ADDRESSED_TO")} == {
        ("smtp:hana@agency.example", "delivered"), ("smtp:bob@y.example", "delivered"), ("smtp:cho@y.example", "delivered"), ("smtp:ken@agency.example", "quarantined"),
    }  # fmt: skip
    assert [fact["refused"]["place"] for fact in facts if "refused" in fact] == ["row 5"]


def test_an_export_of_explorer_without_message_ids_is_broken_with_the_column_that_is_missing(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("Email date (UTC),Recipients,Sender address,Delivery action\n2023-11-01 09:00:00,a@x.example,b@y.example,Delivered\n")
    with pytest.raises(Broken, match="internet message id"):
        facts_of(path)


def test_the_same_mail_events_say_the_same_as_a_table_and_as_an_answer_of_the_hunting_api(tmp_path):
    facts = facts_of(fixture("defender_email_events"), now=NOW)
    rows = [line.split(",") for line in fixture("defender_email_events").read_text().replace('"Nov 1, 2023 ', '"Nov 1; 2023 ').splitlines()]
    records = [dict(zip(rows[0], (cell.strip('"').replace(";", ",") for cell in row), strict=True)) for row in rows[1:]]
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"schema": [], "results": records}))
    other = facts_of(path, now=NOW)

    def plain(given: list[dict]) -> list[str]:
        return sorted(str({k: v for k, v in fact.items() if k != "place"}) for fact in given if "kind" in fact)

    assert plain(facts) == plain(other)


@pytest.mark.parametrize(
    ("header", "name"),
    [(" $_.Recipients ", "recipients"), ("{ $_.Recipientstatus }", "recipientstatus"), (' $_.EmailAddresses -join ";" ', "emailaddresses"),
     ("[string]$_.AccessRights", "accessrights"), ("$PSItem.User", "user"), ("Price $_.x", "price $_.x"), ("Received [UTC]", "received")],
)  # fmt: skip
def test_a_column_that_was_asked_for_as_a_script_goes_by_the_property_it_names(header, name):
    assert column_name(header) == name


def test_mailboxes_without_an_address_column_are_broken_with_the_column_that_is_missing(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("DisplayName,RecipientTypeDetails,ForwardingSmtpAddress\nHana,UserMailbox,\n")
    with pytest.raises(Broken, match="primarysmtpaddress"):
        facts_of(path)


def test_a_row_of_json_is_read_as_a_row_of_a_table_is():
    row = JsonRow({"Name": " a ", "Flag": True, "Object": {"b": 1}, "None": None, "When": "4/5/2023 1:00:00 AM", "Bad": "soon"}, "item 1", Options(date_order="mdy", now=NOW))
    assert (row["name"], row.get("object"), row["none"], row["missing"]) == ("a", '{"b":1}', "", "")
    assert (row.flag("flag"), row.flag("name"), row.first("none", "name"), row.place) == (True, None, "a", "item 1")
    assert (row.date("when"), row.date("bad"), row.date("missing", "none")) == (1_680_656_400, None, None)
    assert JsonRow({"When": "4/5/2023"}, "x", Options()).date("when") is None


def test_a_role_that_waits_to_be_switched_on_or_holds_for_a_part_gives_nothing():
    facts = facts_of(fixture("mes_roles_pim"), now=NOW)
    assert {fact["to_key"].partition("@")[0] for fact in kinds(facts, "HAS_ROLE")} == {"role:entra/exchange administrator", "role:entra/helpdesk administrator"}


@pytest.mark.parametrize("text", ["DisplayName,ItemCount,LastLogonTime\nHana,10,x\n", '{"a": 1}\n', "just words\n", "\x00\x01\x02"])
def test_what_is_none_of_the_formats_gets_one_clear_line(tmp_path, text):
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(LoadError, match=r"^x: not a format hakyu knows; `hakyu formats` lists them$"):
        facts_of(path)


# -- tables that are not written as one ------------------------------------------------------------------------------------


def view(tmp_path: Path, data: bytes) -> str | None:
    path = tmp_path / "x"
    path.write_bytes(data)
    table = as_table(Source(path, "x"))
    return table.open().read().decode() if table else None


def test_a_list_of_a_rules_targets_that_the_console_cut_is_unknown_and_not_the_part_it_shows():
    facts = facts_of(fixture("get_inbox_rule_list"), now=NOW)
    assert {fact["to_key"] for fact in kinds(facts, "FORWARDS_TO")} == {"smtp:sink@out.example", "smtp:x@out.example"}
    assert "機密" not in str(facts)
    assert any("1 list that the console cut" in fact.get("note", "") for fact in facts)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'[{"A": [1, "b"], "B": null}, {"A": true, "C": {"Name": "x"}}]', "A,B,C\r\n1;b,,\r\nTrue,,x\r\n"),
        (b'{"value": [{"A": "x"}]}', "A\r\nx\r\n"),
        (b'{"A": 1}\n{"A": 2}\n', "A\r\n1\r\n2\r\n"),
        (b"\r\nA  : 1\r\nBB : {x, y}\r\n\r\nA  : 2\r\nBB :\r\n     more\r\n", 'A,BB\r\n1,"{x, y}"\r\n2,more\r\n'),
        ("A : 1\nB : …\n".encode(), "A,B\r\n1,\r\n"),
    ],
)
def test_json_and_lists_are_seen_as_the_table_they_are(tmp_path, data, text):
    assert view(tmp_path, data) == text
    assert view(tmp_path, data.decode().encode("utf-16")) == text or data[:1] in b"[{"


@pytest.mark.parametrize("data", [b"", b"words", b"[1, 2]", b"[]", b"[{}, 3]", b'{"A": ', b"A : 1\n", b"Note : this is a text\nand goes on\n", b"\x00 : \x00"])
def test_what_is_no_table_is_not_made_one(tmp_path, data):
    assert view(tmp_path, data) is None


@given(st.binary(max_size=300) | st.text(st.sampled_from("AB: {}\n[],;\u2026\t.\""), max_size=200).map(str.encode))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_are_met_with_a_crash_when_a_table_is_looked_for(tmp_path, data):
    view(tmp_path, data)


@pytest.mark.parametrize(("holder", "key"), [
    ({"DisplayName": "Bob", "RecipientPrincipal": {"DisplayName": "Bob", "PrimarySmtpAddress": "bob@agency.example"}}, "account:bob@agency.example"),
    ({"IsInvalid": False, "RawIdentity": "AGENCY\\bob", "SecurityIdentifier": {"Value": "S-1-5-21-1-2-3-1105"}}, "account:agency\\bob"),
    ({"DisplayName": "Bob Smith", "RecipientPrincipal": None}, "account:bob smith"), ("bob@agency.example", "account:bob@agency.example"),
])  # fmt: skip
def test_a_holder_that_json_writes_as_an_object_is_who_it_stands_for(holder, key, tmp_path):
    path = tmp_path / "rights.json"
    path.write_text(json.dumps([{"Identity": "hana@agency.example", "User": holder, "AccessRights": ["FullAccess"], "IsInherited": False, "Deny": False}]))
    assert [fact["from_key"] for fact in kinds(facts_of(path, now=NOW), "FULL_ACCESS")] == [key]


@pytest.mark.parametrize(("header", "event"), [("Date,Event,Description,Actor,IP address", "connexion échouée"), ("日付,イベント名,イベントの説明,ユーザー,IP アドレス", "ログイン失敗")])
def test_the_consoles_words_in_another_language_are_kept_and_say_nothing_of_success(header, event, tmp_path):
    path = tmp_path / "login.csv"
    path.write_text(f"{header}\n2023-10-02T06:00:00Z,{event},x,hana@agency.example,203.0.113.9\n", encoding="utf-8")
    (seen,) = kinds(facts_of(path, now=NOW), "Observation")
    assert (seen["operation"], seen["ip"], seen.get("succeeded")) == (event.replace(" ", "_"), "203.0.113.9", None)


def test_local_times_of_the_console_are_read_in_the_zone_that_is_said(tmp_path):
    path = tmp_path / "login.csv"
    path.write_text('Date,Event,Description,Actor,IP address\n"Oct 2, 2023, 3:00:00 PM",Logout,x,hana@agency.example,203.0.113.9\n')
    times = [kinds(facts_of(path, now=NOW, zone=zone), "Observation")[0]["at"] for zone in (None, "Asia/Tokyo")]
    assert times == [from_iso("2023-10-02T15:00:00Z"), from_iso("2023-10-02T06:00:00Z")]


def test_json_that_powershell_wrote_in_utf16_is_the_same_table(tmp_path):
    path, text = tmp_path / "rights.json", json.dumps({"Identity": "hana@agency.example", "User": "bob@agency.example", "AccessRights": "FullAccess", "IsInherited": False, "Deny": False})
    found = []
    for encoding in ("utf-8", "utf-16"):
        path.write_bytes(text.encode(encoding))
        found.append(facts_of(path, now=NOW))
    assert found[0] == found[1] and kinds(found[0], "FULL_ACCESS")


@pytest.mark.parametrize(("state", "mode", "works"), [(0, 2, True), (1, 2, False), (0, 0, False), ("Enabled", "Enforce", True)])
def test_a_transport_rule_whose_words_json_wrote_as_numbers_is_as_it_says(state, mode, works, tmp_path):
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([{"Name": "copies", "State": state, "Mode": mode, "BlindCopyTo": ["sink@evil.example"]}]))
    assert [fact["to_key"] for fact in kinds(facts_of(path, now=NOW), "FORWARDS_TO")] == ["smtp:sink@evil.example"] * works
