"""Entra ID: what directory exports, sign-ins and audit events say, and what is done with what is broken, cut or only a page."""

from __future__ import annotations

import copy
import json
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import HakyuError, LoadError
from loaders import graphjson, registry
from loaders.base import Broken, Source
from loaders.entra import real_address
from loaders.entra_apps import is_mail_permission
from loaders.signins import plain_ip, succeeded
from tests.support.exports import SAMPLES
from tests.support.golden import buffer_facts, check_golden, facts_of, read_into

HERE = Path(__file__).parent
NOW = 1_700_000_000  # 2023-11-14
FIXTURES = {
    "entra_users_csv": "entra_users_csv", "entra_users_csv_older": "entra_users_csv", "entra_users_csv_mes": "entra_users_csv",
    "entra_graph": "entra_graph", "entra_graph_apps": "entra_graph", "entra_graph_powershell": "entra_graph", "entra_graph_roles": "entra_graph",
    "entra_logs_graph": "entra_logs_graph", "entra_logs_graph_signins": "entra_logs_graph", "entra_logs_diagnostic": "entra_logs_diagnostic",
    "entra_signins_csv": "entra_signins_csv", "entra_signins_csv_apps": "entra_signins_csv", "entra_signins_csv_older": "entra_signins_csv",
    "sentinel_signins": "sentinel_signins", "mes_oauth_permissions": "mes_oauth_permissions", "entra_exporter": "entra_exporter", "azurehound": "azurehound",
}  # fmt: skip
JSON = [name for name in FIXTURES if (HERE / name / "input.json").exists()]
ENTRA = SAMPLES / "04_entra"
samples = pytest.mark.skipif(not ENTRA.is_dir(), reason="the real samples are not beside the project")


def fixture(name: str) -> Path:
    return next(path for path in (HERE / name).iterdir() if path.stem == "input")


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def ends(facts: list[dict], kind: str) -> list[tuple[str, str]]:
    return [(fact["from_key"], fact["to_key"]) for fact in kinds(facts, kind)]


def span(facts: list[dict], kind: str) -> list[tuple]:
    return [(f["from_key"], f["to_key"], f.get("valid_from"), f.get("valid_until")) for f in kinds(facts, kind)]


def notes(facts: list[dict]) -> list[str]:
    return [fact["note"] for fact in facts if "note" in fact and "kind" not in fact]


def entra(letter: str) -> str:
    return f"entra:000000{letter}-0000-4000-8000-000000000000"


def app(number: int) -> str:
    return f"app:{number:08x}-0000-4000-8000-000000000000"


ANN, BOB, GUEST, ROOT, DEV = (entra(letters) for letters in ("a1", "b0", "e5", "f0", "de"))
READER, DIARY = app(0x201), app(0x202)
SYSTEM = "service:mail/agency.example"


# --- each shape ---


@pytest.mark.parametrize("name", FIXTURES)
def test_a_small_export_says_exactly_what_its_golden_file_lists(name):
    check_golden(HERE / name, now=NOW)


@pytest.mark.parametrize(("name", "wanted"), FIXTURES.items())
def test_each_export_is_claimed_by_its_own_format(name, wanted):
    fmt, claim = registry.recognise(Source(fixture(name), name))
    assert wanted == fmt.NAME and claim.strength >= 6


@samples
def test_no_sample_of_another_kind_is_claimed_by_a_format_of_this_directory():
    ours = [fmt for fmt in registry.formats() if fmt.NAME in set(FIXTURES.values())]
    others = [path for path in SAMPLES.rglob("*") if path.is_file() and not path.is_relative_to(ENTRA)]
    assert len(others) > 100
    assert [(path.name, fmt.NAME) for path in others for fmt in ours if fmt.detect(Source(path, path.name))] == []


# --- users ---


def test_an_invited_user_has_the_address_behind_its_name_and_no_mailbox():
    assert real_address("eve_wu_far.example#EXT#@agency.onmicrosoft.com") == "eve_wu@far.example"
    assert real_address("ann@agency.example") is None
    facts = facts_of(fixture("entra_users_csv"), now=NOW)
    (guest,) = [fact for fact in kinds(facts, "Account") if fact["key"] == GUEST]
    assert (guest["type"], guest["email"]) == ("guest", "eve_wu@far.example")
    assert (GUEST, "smtp:eve_wu@far.example") in ends(facts, "HAS_ADDRESS")
    assert [owner for owner, _ in ends(facts, "OWNS")] == [ANN]


def test_both_generations_of_the_portals_header_say_the_same():
    def of_users(name: str) -> list[dict]:
        return [fact for fact in facts_of(fixture(name), now=NOW) if "refused" not in fact and "records" not in fact]

    assert of_users("entra_users_csv_older") == of_users("entra_users_csv")


def test_proxy_addresses_say_by_their_case_which_is_primary_and_a_user_without_any_has_no_mailbox():
    facts = facts_of(fixture("entra_graph"), now=NOW)
    assert ends(facts, "OWNS") == [(ANN, "mailbox:ann@agency.example")]
    assert {(f["to_key"], f["type"]) for f in kinds(facts, "HAS_ADDRESS") if f["from_label"] == "Mailbox"} == {
        ("smtp:ann@agency.example", "primary"), ("smtp:an@agency.example", "alias"), ("x500:/o=agency/cn=recipients/cn=ann", "x500")
    }  # fmt: skip
    assert any("no proxy address" in note for note in notes(facts))


def test_sessions_count_as_revoked_only_after_the_account_was_made():
    facts = facts_of(fixture("entra_graph"), now=NOW)
    assert [(f["what"], f["at"]) for f in kinds(facts, "Remediation")] == [("revoke", 1686621600)]
    assert [target for _, target in ends(facts, "REMEDIATES")] == [ANN]


def test_one_page_of_an_answer_is_said_to_be_only_that():
    facts = facts_of(fixture("entra_graph"), now=NOW)
    assert all(fact["capped"] for fact in kinds(facts, "LogCoverage")) and any("one page" in note for note in notes(facts))
    assert not any(fact["capped"] for fact in kinds(facts_of(fixture("entra_graph_apps"), now=NOW), "LogCoverage"))


# --- applications ---


def test_only_app_roles_that_reach_mail_are_a_scope_and_letters_of_an_id_keep_their_case():
    facts = facts_of(fixture("entra_graph_apps"), now=NOW)
    assert sorted((f["from_key"], f["scope"], f["valid_from"], f["record"]) for f in kinds(facts, "APP_SCOPE") if "delegated" not in f) == [
        (READER, "Mail.Read", 1651363200, "aB1"), (READER, "Mail.Send", 1651363200, "ab1")
    ]  # fmt: skip


def test_consent_of_one_user_is_a_consent_and_consent_for_all_only_that_of_users_assigned_to_the_app():
    facts = facts_of(fixture("entra_graph_apps"), now=NOW)
    assert sorted((f["from_key"], f["to_key"], f["scope"]) for f in kinds(facts, "CONSENTED")) == [
        (ANN, DIARY, "Mail.ReadWrite User.Read"), (BOB, DIARY, "Mail.Read offline_access")
    ]  # fmt: skip


def test_an_app_of_ones_own_is_also_known_by_the_object_id_of_its_service_principal():
    facts = facts_of(fixture("entra_graph_apps"), now=NOW)
    assert set(ends(facts, "SAME_IDENTITY")) == {(READER, app(0x101)), (DIARY, app(0x102))}


@pytest.mark.parametrize("name", ["Mail.Read", "Mail.ReadBasic.All", "MailboxSettings.ReadWrite", "full_access_as_app", "EWS.AccessAsUser.All", "IMAP.AccessAsApp"])
def test_a_permission_that_reaches_mail_is_known_as_one(name):
    assert is_mail_permission(name)
    assert not is_mail_permission(f"x{name}") and not is_mail_permission(f"{name}!")


@pytest.mark.parametrize("name", ["User.Read", "Directory.Read.All", "Mailer.Read.X.", "offline_access", "Group-Conversation.ReadWrite.All"])
def test_a_permission_for_something_else_is_not(name):
    assert not is_mail_permission(name)


def test_a_role_of_a_former_name_is_the_one_of_today_and_opens_the_mail_system():
    facts = facts_of(fixture("entra_graph_roles"), now=NOW, mailbox="desk@agency.example")
    role = "role:entra/global administrator@agency.example"
    assert sorted(ends(facts, "HAS_ROLE")) == [(app(0x101), role), (ROOT, role)]
    assert ends(facts, "ADMIN_TO") == [(role, SYSTEM)]


def test_a_table_of_permissions_names_no_domain_unless_told():
    assert {target for _, target in ends(facts_of(fixture("mes_oauth_permissions"), now=NOW), "APP_SCOPE")} == {"service:mail/"}
    told = facts_of(fixture("mes_oauth_permissions"), now=NOW, mailbox="desk@agency.example")
    assert sorted((f["from_key"], f["to_key"], f.get("delegated")) for f in kinds(told, "APP_SCOPE")) == [(READER, SYSTEM, None), (DIARY, SYSTEM, True)]
    assert [(f["from_key"], f["scope"]) for f in kinds(told, "CONSENTED")] == [(ANN, "Mail.Read offline_access")]


def test_a_folder_of_entraexporter_and_a_zip_of_it_in_any_folder_say_the_same(tmp_path):
    def said(facts: list[dict]) -> list[dict]:
        return sorted(facts, key=lambda fact: json.dumps(fact, sort_keys=True))

    folder = fixture("entra_exporter")
    plain = facts_of(folder, now=NOW)
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for path in sorted(folder.rglob("*.json")):
            archive.write(path, f"backup/2023-11/{path.relative_to(folder).as_posix()}")
    assert said(facts_of(tmp_path / "export.zip", now=NOW)) == said(plain)


def test_members_and_owners_of_entraexporter_belong_to_what_their_path_names():
    facts = facts_of(fixture("entra_exporter"), now=NOW)
    assert (DEV, READER) in ends(facts, "OWNS")
    assert ends(facts, "MEMBER_OF") == [(ANN, "group:00000301-0000-4000-8000-000000000000")]
    reader = "role:entra/reports reader@agency.example"
    assert set(ends(facts, "HAS_ROLE")) == {
        (ROOT, "role:entra/global administrator@agency.example"), (READER, reader), ("group:00000301-0000-4000-8000-000000000000", reader)
    }  # fmt: skip


def test_a_grant_of_one_user_reaches_that_users_mailbox_and_one_for_all_those_of_users_assigned_to_the_app():
    facts = facts_of(fixture("entra_exporter"), now=NOW)
    assert {(f["from_key"], f["to_key"], f["scope"]) for f in kinds(facts, "APP_SCOPE") if f["to_label"] == "Mailbox"} == {
        (DIARY, "mailbox:dev@agency.example", "Mail.Read"), (DIARY, "mailbox:ann@agency.example", "Mail.ReadWrite")
    }  # fmt: skip


def test_consent_for_all_users_reaches_the_whole_mail_system_as_whoever_signs_in():
    for name in ("entra_exporter", "entra_graph_apps", "mes_oauth_permissions"):
        facts = facts_of(fixture(name), now=NOW, mailbox="desk@agency.example")
        for_all = [f for f in kinds(facts, "APP_SCOPE") if f["to_label"] == "Service" and f.get("delegated")]
        assert [(f["from_key"], f["to_key"], f["scope"]) for f in for_all] == [(DIARY, SYSTEM, "Mail.ReadWrite")], name


@pytest.mark.parametrize(
    ("template", "rights"),
    [("729827e3-9c14-49f7-bb1b-9608f156bbb8", {"ResetPassword"}), ("7be44c8a-adaf-4e2a-84d6-ab2649e08a13", {"ResetAnyPassword"}),
     ("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", {"AddSecret"}), ("62e90394-69f5-4237-9190-012177145e10", {"ResetAnyPassword", "AddSecret"}),
     ("4a5d8f65-41da-4de4-8968-e035b65339cf", set())],
)  # fmt: skip
def test_what_a_role_may_do_is_known_by_its_template_in_any_language_and_is_a_right_on_its_own_tenant(tmp_path, template, rights):
    role = {"id": "00000401-0000-4000-8000-000000000000", "displayName": "ある役割", "roleTemplateId": template, "members": [{"id": ROOT[6:], "userPrincipalName": "r@x.example"}]}
    (tmp_path / "roles.json").write_text(json.dumps({"value": [role]}), encoding="utf-8")
    found = {}
    for domain in ("agency.example", "other.example"):
        facts = facts_of(tmp_path / "roles.json", now=NOW, mailbox=f"desk@{domain}")
        ((_, key),) = ends(facts, "HAS_ROLE")
        assert key.endswith(f"@{domain}")
        assert {(f["from_key"], f["to_key"], f["right"]) for f in kinds(facts, "CONTROLS")} == {(key, f"tenant:{domain}", right) for right in rights}
        found[domain] = key
    assert len(set(found.values())) == 2


def test_users_and_applications_of_ones_own_belong_to_the_tenant_and_guests_do_not():
    facts = facts_of(fixture("entra_exporter"), now=NOW)
    members = {source for source, target in ends(facts, "BELONGS_TO") if target == "tenant:agency.example"}
    guests = {f["key"] for f in kinds(facts, "Account") if f.get("type") == "guest"}
    assert {ANN, DEV, READER, DIARY} <= members and not members & guests


def test_an_azurehound_file_without_a_domain_knows_the_tenant_by_its_id(tmp_path):
    tenant, role = "000000ee-0000-4000-8000-000000000000", "729827e3-9c14-49f7-bb1b-9608f156bbb8"
    data = [
        {"kind": "AZRole", "data": {"id": role, "templateId": role, "displayName": "Helpdesk Administrator", "tenantId": tenant.upper()}},
        {"kind": "AZRoleAssignment", "data": {"roleDefinitionId": role, "roleAssignments": [{"roleDefinitionId": role, "principalId": ROOT[6:], "directoryScopeId": "/"}]}},
    ]
    (tmp_path / "az.json").write_text(json.dumps({"data": data, "meta": {"type": "azure", "version": 5, "count": 2}}), encoding="utf-8")
    assert ends(facts_of(tmp_path / "az.json", now=NOW), "HAS_ROLE") == [(ROOT, f"role:entra/helpdesk administrator@{tenant}")]


def test_a_role_in_azurehound_is_held_by_what_the_id_stands_for_and_not_for_a_part_of_the_directory():
    facts = facts_of(fixture("azurehound"), now=NOW)
    role = "role:entra/global administrator@agency.example"
    assert set(ends(facts, "HAS_ROLE")) == {(ROOT, role), (READER, role)}
    assert set(ends(facts, "OWNS")) == {(ANN, "mailbox:ann@agency.example"), (ANN, READER), (ROOT, READER)}
    assert {(f["from_key"], f["to_key"], f["scope"]) for f in kinds(facts, "APP_SCOPE")} == {(READER, SYSTEM, "Mail.Read")}


# --- sign-ins ---


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1.2.3.4", "1.2.3.4"), ("1.2.3.4:63070", "1.2.3.4"), ("[2603:10a6::5]:54088", "2603:10a6::5"), ("2001:DB8::7", "2001:db8::7"), ("::ffff:1.2.3.4", "1.2.3.4"),
     ("<null>", None), ("", None), (None, None), ("ANONYMIZED", None)],
)  # fmt: skip
def test_an_address_is_kept_bare_and_what_is_none_is_left_out(text, wanted):
    assert plain_ip(text) == wanted


def test_an_interrupted_sign_in_neither_succeeded_nor_failed():
    assert [succeeded(code) for code in ("0", "50126", "50140", "")] == [True, False, None, None]


def test_one_sign_in_is_one_observation_whichever_log_tells_it():
    one = "obs:entra_signin/00000501-0000-4000-8000-000000000000"
    for name in ("entra_logs_graph_signins", "entra_logs_diagnostic", "entra_signins_csv", "sentinel_signins"):
        facts = facts_of(fixture(name), now=NOW)
        found = [fact for fact in kinds(facts, "Observation") if fact["key"] == one]
        assert {(f["ip"], f["succeeded"]) for f in found} == {("203.0.113.9", True)}, name
        # The portal has a file a kind, and no column that says which.
        assert {f.get("as_who") for f in found} == {None if name == "entra_signins_csv" else "interactive"}, name
        assert {(f["to_key"], f["role"]) for f in kinds(facts, "OBSERVED") if f["from_key"] == one} == {
            (ANN, "actor"), ("app:00000003-0000-0000-c000-000000000000", "app")
        }, name  # fmt: skip


def test_a_name_that_nobody_has_is_no_account_and_an_app_signs_in_itself():
    facts = facts_of(fixture("entra_logs_graph_signins"), now=NOW)
    assert {fact["key"] for fact in kinds(facts, "Account")} == {ANN}
    assert any("account cannot be told" in note for note in notes(facts))
    assert [(f["to_key"], f["role"]) for f in kinds(facts, "OBSERVED") if f["from_key"].endswith("506-0000-4000-8000-000000000000")] == [(READER, "actor")]


def test_a_call_of_the_mail_api_is_kept_without_what_was_searched_for():
    facts = facts_of(fixture("entra_logs_diagnostic"), now=NOW)
    calls = [fact for fact in kinds(facts, "Observation") if fact["key"].startswith("obs:entra_graphcall/")]
    assert [(f["key"][-2:], f["succeeded"]) for f in calls] == [("c1", True), ("c2", False)]
    assert "secret plan" not in json.dumps(facts)
    assert {(f["to_key"], f["role"]) for f in kinds(facts, "OBSERVED") if f["from_key"].endswith("/c1")} == {(READER, "actor"), (ANN, "target")}


@pytest.mark.parametrize(("rows", "capped"), [(999, False), (1000, True), (1001, False)])
def test_a_round_number_of_sign_ins_means_that_the_export_stopped(tmp_path, rows, capped):
    text = fixture("entra_signins_csv_older").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "given.csv"
    path.write_text("\r\n".join([text[0], *[text[1]] * rows]), encoding="utf-8")
    (cover,) = kinds(facts_of(path, now=NOW), "LogCoverage")
    assert (cover["collected"], cover["capped"]) == (rows, capped)


# --- audit events ---


def test_a_right_begins_with_the_event_that_gives_it_and_ends_with_the_one_that_takes_it():
    facts = facts_of(fixture("entra_logs_graph"), now=NOW)
    may_1, june_1, may_2 = 1682899200, 1685577600, 1682985600
    assert sorted(span(facts, "HAS_ROLE"), key=str) == sorted([
        (BOB, "role:entra/global administrator@agency.example", may_1, None), (BOB, "role:entra/global administrator@agency.example", None, june_1),
        (ANN, "role:entra/exchange administrator@agency.example", may_2, may_2 + 8 * 3600),
    ], key=str)  # fmt: skip
    staff = "group:00000301-0000-4000-8000-000000000000"
    assert sorted(span(facts, "MEMBER_OF"), key=str) == [(ANN, staff, 1683072000, None), (ANN, staff, None, 1683590400)]
    assert span(facts, "OWNS") == [(DEV, READER, 1683158400, None)]
    assert sorted(span(facts, "APP_SCOPE"), key=str) == [(READER, SYSTEM, 1683244800, None), (READER, SYSTEM, None, 1688515200)]
    assert sorted(span(facts, "CONSENTED"), key=str) == [(ANN, DIARY, 1683331200, None), (ANN, DIARY, None, 1686009600)]
    assert {f["scope"] for f in kinds(facts, "CONSENTED")} == {"Mail.Read offline_access"}


def test_a_role_that_ends_only_later_still_says_when(tmp_path):
    text = fixture("entra_logs_graph").read_text(encoding="utf-8").replace("2023-05-02T08:00:00Z", "2030-05-02T08:00:00Z")
    (tmp_path / "audit.json").write_text(text, encoding="utf-8")
    ends_at = {until for _, role, _, until in span(facts_of(tmp_path / "audit.json", now=NOW), "HAS_ROLE") if "exchange" in role}
    assert ends_at == {1903939200}


def test_what_was_only_requested_eligible_or_failed_gives_nothing():
    facts = facts_of(fixture("entra_logs_graph"), now=NOW)
    assert DEV not in {holder for holder, _ in ends(facts, "HAS_ROLE")}
    assert {fact["key"][-2:] for fact in kinds(facts, "Observation")} >= {"_4", "_5", "16"}


def test_a_password_that_its_user_changed_is_no_remediation():
    facts = facts_of(fixture("entra_logs_graph"), now=NOW)
    assert sorted((f["what"], f["at"]) for f in kinds(facts, "Remediation")) == [("remove", 1686700800), ("reset", 1686621600), ("revoke", 1686621900)]


# --- JSON in every layout ---


@pytest.mark.parametrize("name", ["entra_graph", "entra_logs_graph", "entra_logs_diagnostic"])
@pytest.mark.parametrize("whole", [0, 64 << 20], ids=["streamed", "whole"])
def test_records_say_the_same_in_every_layout_of_json(tmp_path, monkeypatch, name, whole):
    monkeypatch.setattr(graphjson, "_WHOLE", whole or graphjson._WHOLE)
    text = fixture(name).read_text(encoding="utf-8")
    records = json.loads(text)["value"] if '"value"' in text[:400] else [json.loads(line) for line in text.splitlines()]
    layouts = {
        "array": json.dumps(records, indent=2), "lines": "".join(json.dumps(record) + "\r\n" for record in records),
        "arrays": json.dumps(records[:2], indent=1) + "\r\n\r\n" + json.dumps(records[2:], indent=1), "wrapped": json.dumps({"@odata.context": "x", "value": records}),
    }  # fmt: skip
    if whole == 0:
        monkeypatch.setattr(graphjson, "_WHOLE", 4096)
    said = {}
    for layout, content in layouts.items():
        path = tmp_path / f"{layout}.json"
        path.write_text(content, encoding="utf-8")
        said[layout] = Counter(
            json.dumps({key: value for key, value in fact.items() if key != "place"}, sort_keys=True) for fact in facts_of(path, now=NOW) if "refused" not in fact
        )
    assert said["lines"] == said["array"] == said["arrays"] == said["wrapped"]
    assert sum(said["array"].values()) > 10


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", JSON)
def test_json_says_the_same_with_a_byte_order_mark(tmp_path, name, encoding):
    raw = fixture(name).read_bytes()
    path = tmp_path / "input.json"
    path.write_bytes(raw.decode("utf-16" if raw.startswith(b"\xff\xfe") else "utf-8").encode(encoding))
    assert facts_of(path, now=NOW) == facts_of(fixture(name), now=NOW)


def test_a_line_that_is_no_json_is_refused_and_the_others_are_read(tmp_path):
    path = tmp_path / "log.json"
    lines = fixture("entra_logs_diagnostic").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:2], lines[2][:50], *lines[3:]]), encoding="utf-8")
    refused = [fact["refused"] for fact in facts_of(path, now=NOW) if "refused" in fact]
    assert [row["place"] for row in refused] == ["line 10", "line 3"]


def test_an_array_that_is_cut_is_broken_at_its_byte(tmp_path):
    path = tmp_path / "users.json"
    path.write_text(json.dumps(json.loads(fixture("entra_graph_roles").read_text(encoding="utf-8")), indent=2)[:-40], encoding="utf-8")
    with pytest.raises(Broken, match=r"byte [\d,]+: the file ends in the middle"):
        read_into(path)


def test_a_file_of_json_that_is_something_else_is_claimed_by_none(tmp_path):
    for text in ('{"colour": "red"}', "[1, 2]", "[]", '{"value": []}', '{"kind": "AZUser"}'):
        path = tmp_path / "x.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(LoadError, match="not a format hakyu knows"):
            read_into(path)


def test_a_folder_of_other_things_is_no_entraexporter(tmp_path):
    (tmp_path / "Users" / "ann").mkdir(parents=True)
    (tmp_path / "Users" / "ann" / "notes.json").write_text("{}", encoding="utf-8")
    with pytest.raises(LoadError, match="not a format hakyu knows"):
        read_into(tmp_path)


# --- the real samples, counted by themselves ---


def _lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (ENTRA / name).read_text(encoding="utf-8").splitlines()]


@samples
def test_every_real_diagnostic_sign_in_is_an_observation_and_nothing_is_refused():
    for name in ("entra_diagnostic_sekoia.ndjson", "panther_entra_signin_tests.ndjson"):
        records = [{key.lower(): value for key, value in record.items()} for record in _lines(name)]
        facts = facts_of(ENTRA / name, now=1_800_000_000)
        signs = [record for record in records if record["category"].endswith("SignInLogs")]
        wanted = {record["properties"].get("id") or json.dumps(record, sort_keys=True) for record in signs}
        found = [fact for fact in kinds(facts, "Observation") if fact["key"].startswith("obs:entra_signin/")]
        assert len({fact["key"] for fact in found}) == len(wanted) > 3, name
        assert not [fact for fact in facts if "refused" in fact]
        failed = {r["properties"]["id"] for r in signs if "status" in r["properties"] and r["properties"].get("id") and r["properties"]["status"]["errorCode"] not in (0, 50140)}
        assert {f["key"].rpartition("/")[2] for f in found if f.get("succeeded") is False} >= failed


@samples
def test_real_audit_events_with_masked_ids_are_observations_and_give_no_right():
    name = "entra_graph_signin_audit_sekoia.ndjson"
    audits = [record for record in _lines(name) if "activityDateTime" in record]
    facts = facts_of(ENTRA / name, now=1_800_000_000)
    seen = {fact["key"] for fact in kinds(facts, "Observation") if fact["key"].startswith("obs:entra_audit/")}
    assert len(audits) == 39 and len(seen) == len({record["id"] for record in audits if record["category"] != "Device"})
    assert not ends(facts, "MEMBER_OF") and not ends(facts, "HAS_ROLE")


# --- whatever a file may hold ---

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
    | st.sampled_from(["a@agency.example", "00000101-0000-4000-8000-000000000000", "/Date(99999999999999999)/", "0001-01-01T00:00:00Z", "ServicePrincipal", "\x00", "\ud800", "#EXT#@"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "value", "type", "displayName", "newValue", "user"]), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


def _places(value: object, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in _places(item, (*path, key)))]


def _documents(name: str) -> list:
    raw = fixture(name).read_bytes()
    text = raw.decode("utf-16" if raw.startswith(b"\xff\xfe") else "utf-8")
    found, decoder = [], json.JSONDecoder()
    while text := text.strip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


DOCUMENTS = {name: _documents(name) for name in JSON}
PLACES = {name: _places(documents) for name, documents in DOCUMENTS.items()}


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid file with a few values replaced, moved or taken away, and then, sometimes, a few bytes."""
    name = draw(st.sampled_from(JSON))
    documents = copy.deepcopy(DOCUMENTS[name])
    for path in draw(st.lists(st.sampled_from(PLACES[name][1:]), min_size=1, max_size=6)):
        *way, last = path
        holder = documents
        try:
            for key in way:
                holder = holder[key]
            if draw(st.booleans()):
                holder[last] = draw(_VALUES)
            else:
                del holder[last]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    draw(st.randoms()).shuffle(documents)
    content = bytearray("\n".join(json.dumps(document) for document in documents).encode("utf-8", "surrogatepass"))
    for at in draw(st.lists(st.integers(0, len(content) - 1), max_size=2)) if content else ():
        content[at] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(1, max(1, len(content))))] if draw(st.integers(0, 9)) == 0 else content)


def _ends_well(path: Path) -> None:
    try:
        out = read_into(path, now=NOW)
    except HakyuError as error:
        assert "\n" not in str(error)
    else:
        assert buffer_facts(out, "any")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=mutated())
def test_any_change_to_valid_json_gives_facts_or_an_explained_error(tmp_path, content):
    path = tmp_path / "given.json"
    path.write_bytes(content)
    _ends_well(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_change_to_a_table_gives_facts_or_an_explained_error(tmp_path, data):
    name = data.draw(st.sampled_from([name for name in FIXTURES if fixture(name).suffix == ".csv"]))
    lines = fixture(name).read_bytes().split(b"\r\n")
    content = bytearray(b"\r\n".join([lines[0], *data.draw(st.permutations(lines[1:]))]))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "given.csv"
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))] if data.draw(st.booleans()) else content))
    _ends_well(path)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_change_to_an_entraexporter_folder_gives_facts_or_an_explained_error(tmp_path, data):
    folder = tmp_path / "export"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(fixture("entra_exporter"), folder)
    files = sorted(folder.rglob("*.json"))
    for path in data.draw(st.lists(st.sampled_from(files), min_size=1, max_size=3)):
        raw = path.read_bytes()
        path.write_bytes(data.draw(st.sampled_from([b"", raw[: len(raw) // 2], b"[]", b'{"id": 7, "appRoles": [1], "members": {}}', raw + raw, b"\xff\xfe\x00", b"null"])))
    _ends_well(folder)


def _of_powershell(value):
    if isinstance(value, dict):
        return {"IPAddress" if key == "ipAddress" else key[:1].upper() + key[1:]: _of_powershell(inner) for key, inner in value.items()}
    return [_of_powershell(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("folder", ["entra_logs_graph", "entra_logs_graph_signins"])
def test_what_graphs_powershell_module_wrote_says_the_same_under_its_own_names(folder, tmp_path):
    (given,) = (HERE / folder).glob("input.*")
    text, records, at = given.read_text(encoding="utf-8-sig"), [], 0
    while text[at:].strip():  # one array after another
        found, at = json.JSONDecoder().raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
        records += found if isinstance(found, list) else found.get("value", [found])
    paths = []
    for name, change in (("plain.json", lambda value: value), ("powershell.json", _of_powershell)):
        paths.append(tmp_path / name)
        paths[-1].write_text(json.dumps(change(records)), encoding="utf-8")
    plain, other = (facts_of(path, now=NOW) for path in paths)
    assert [fact for fact in plain if "kind" in fact] and plain == other


def test_grants_as_a_table_say_who_consented_to_what(tmp_path):
    path, app, user = tmp_path / "grants.csv", "11111111-0000-4000-8000-000000000001", "755e500a-6c03-46b0-b53b-282f23374e3b"
    rows = [f'"{app}","Principal","{user}","22222222-0000-4000-8000-000000000002"," Mail.Read offline_access"', f'"{app}","AllPrincipals","","x","Mail.Send"', '"?","Principal","","",""']
    path.write_text('"ClientId","ConsentType","PrincipalId","ResourceId","Scope"\n' + "\n".join(rows) + "\n")
    facts = facts_of(path, now=NOW, mailbox="ann@x.example")
    assert [(f["from_key"], f["to_key"], f["scope"]) for f in facts if f.get("kind") == "CONSENTED"] == [(f"entra:{user}", f"app:{app}", "Mail.Read offline_access")]
    assert [(f["to_key"], f["scope"], f["delegated"]) for f in facts if f.get("kind") == "APP_SCOPE"] == [("service:mail/x.example", "Mail.Send", True)]
    assert [f["refused"]["place"] for f in facts if "refused" in f] == ["row 4, column clientid"]


def test_sign_ins_that_were_laid_out_flat_keep_whether_they_succeeded(tmp_path):
    path = tmp_path / "flat.csv"
    path.write_text("id,createdDateTime,userPrincipalName,userId,appDisplayName,appId,ipAddress,status.errorCode\n"
                    "1,2023-06-01T08:00:00Z,ann@x.example,755e500a-6c03-46b0-b53b-282f23374e3b,Office,a,203.0.113.9,0\n"
                    "2,2023-06-01T08:01:00Z,ann@x.example,755e500a-6c03-46b0-b53b-282f23374e3b,Office,a,203.0.113.9,50126\n")  # fmt: skip
    assert [f["succeeded"] for f in facts_of(path, now=NOW) if f.get("kind") == "Observation"] == [True, False]
