"""Google Workspace: audit logs of the Reports API, Gmail's log, GAM's tables; the real samples, and what goes wrong."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.facts import FactBuffer
from graphmodel.identity import message_key
from loaders import registry
from loaders.base import Broken, Options, Source
from loaders.google_events import mail_scopes, role_name
from tests.support.fuzz import ends_well, mutated
from tests.support.golden import check_golden, facts_of

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data" / "08_google_workspace"
NOW = 1_800_000_000  # 2027-01-15
FOLDERS = {
    "google_reports": "google_reports", "google_reports_ndjson": "google_reports", "google_reports_bigquery": "google_reports", "gam_delegates": "gam_delegates",
    "gam_forwarding": "gam_forwarding", "gam_forwarding_addresses": "gam_forwarding_addresses", "gam_filters": "gam_filters", "gam_users": "gam_users",
}  # fmt: skip
DAY = 1_772_409_600  # 2026-03-02
TANAKA, SATO = "account:tanaka@nisc.example", "account:sato@nisc.example"


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def spans(facts: list[dict], kind: str) -> set[tuple]:
    return {(f["from_key"], f["to_key"], f.get("valid_from"), f.get("valid_until")) for f in kinds(facts, kind)}


def notes(facts: list[dict]) -> list[str]:
    return [fact["note"] for fact in facts if set(fact) == {"note"}]


def fixture(folder: str) -> Path:
    (path,) = (HERE / folder).glob("input.*")
    return path


def sample(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        assert not os.environ.get("CI"), f"{path} is missing"
        pytest.skip("the real samples are not beside this checkout")
    return path


def hour(hours: int, minutes: int = 0) -> int:
    return DAY + hours * 3600 + minutes * 60


@pytest.fixture(scope="module")
def small() -> list[dict]:
    return facts_of(fixture("google_reports"), now=NOW)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_small_export_says_exactly_what_its_golden_file_lists(folder):
    check_golden(HERE / folder, now=NOW)


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_an_export_is_claimed_by_its_own_format_alone(folder, name):
    source = Source(fixture(folder), folder)
    assert [fmt.NAME for fmt in registry.formats() if fmt.detect(source)] == [name]


# --- audit logs ---


def test_forwarding_begins_when_it_was_switched_on_and_is_read_once_from_two_logs(small):
    rule = "rule:tanaka@nisc.example/mailbox forwarding/collector@evil.example"
    goes = "smtp:collector@evil.example"
    assert {row for row in spans(small, "FORWARDS_TO") if row[1] == goes} == {
        (rule, goes, hour(8, 5), None), ("mailbox:tanaka@nisc.example", goes, hour(8, 5), None)}  # fmt: skip
    assert ("mailbox:tanaka@nisc.example", rule, hour(8, 5), None) in spans(small, "PASSES_THROUGH")
    assert len([f for f in kinds(small, "Observation") if f["operation"] == "email_forwarding_out_of_domain"]) == 1
    assert "1 row standing in the logs more than once, read once" in notes(small)


def test_a_sign_in_and_its_second_factor_are_two_observations_though_their_ids_are_one(small):
    at_eight = [f for f in kinds(small, "Observation") if f["at"] == hour(8) and "/login/" in f["key"]]
    assert {(f["operation"], f["succeeded"]) for f in at_eight} == {("login_success", True), ("login_verification", True)}
    (failed,) = [f for f in kinds(small, "Observation") if f["operation"] == "login_failure"]
    assert failed["succeeded"] is False and "invalid_password" in failed["note"] and failed["ip"] == "203.0.113.9"


def test_membership_of_a_group_begins_and_ends_once_though_three_records_tell_of_it(small):
    assert spans(small, "MEMBER_OF") == {
        (TANAKA, "group:board@nisc.example", hour(9), None), (TANAKA, "group:board@nisc.example", None, hour(15))}  # fmt: skip


def test_a_super_admin_reaches_the_mail_system_and_another_role_does_not(small):
    assert spans(small, "HAS_ROLE") == {(TANAKA, "role:google/super admin", hour(9, 10), None), (SATO, "role:google/groups admin", hour(9, 11), None)}
    assert [(f["from_key"], f["to_key"]) for f in kinds(small, "ADMIN_TO")] == [("role:google/super admin", "service:mail/nisc.example")]


def test_domain_wide_delegation_reaches_all_mailboxes_by_its_mail_scopes_until_it_is_removed(small):
    app = "app:106850843410684334493"
    found = {(f["scope"], f.get("valid_from"), f.get("valid_until")) for f in kinds(small, "APP_SCOPE") if f["from_key"] == app}
    assert found == {("https://mail.google.com/", hour(9, 20), None), ("https://mail.google.com/", None, hour(14))}
    assert {f["to_key"] for f in kinds(small, "APP_SCOPE") if f["from_key"] == app} == {"service:mail/nisc.example"}


def test_a_token_reaches_the_users_own_mailbox_until_it_is_revoked(small):
    app, mailbox = "app:77.apps.googleusercontent.com", "mailbox:tanaka@nisc.example"
    assert {row for row in spans(small, "APP_SCOPE") if row[0] == app} == {(app, mailbox, hour(10), None), (app, mailbox, None, hour(12))}
    assert spans(small, "CONSENTED") == {(TANAKA, app, hour(10), None), (TANAKA, app, None, hour(12))}
    assert len({f["scope"] for f in kinds(small, "CONSENTED")}) == 1


def test_a_renamed_account_is_one_by_its_profile_id_and_by_the_administrators_word(small):
    found = {(f["from_key"], f["to_key"]): f["reason"] for f in kinds(small, "SAME_IDENTITY")}
    assert found[(SATO, "account:hanako@nisc.example")] == "renamed by an administrator"
    assert found[("account:hanako@nisc.example", SATO)] == "one profile id of the log: 103"


def test_a_password_set_by_an_administrator_is_a_remediation(small):
    found = {(f["what"], f["at"], f["by"]) for f in kinds(small, "Remediation")}
    assert found == {("reset", hour(16), "admin@nisc.example"), ("revoke", hour(16), "admin@nisc.example")}


def test_files_are_known_by_their_id_and_never_by_their_title(small):
    assert "Secret plan" not in json.dumps(small)
    assert [f["key"] for f in kinds(small, "File")] == ["file:https://drive.google.com/open?id=1abc"]
    shared = [f for f in kinds(small, "OBSERVED") if f["to_key"] == "smtp:friend@evil.example"]
    assert len(shared) == 2  # the file and the calendar


def test_signing_in_to_another_service_is_the_right_to(small):
    assert spans(small, "SIGNS_IN_TO") == {(TANAKA, "service:saas/payroll", hour(11, 20), None)}


def test_coverage_says_for_each_log_what_it_saw(small):
    found = {(f["what"], f["scope"]): (f["first"], f["last"], f["collected"]) for f in kinds(small, "LogCoverage")}
    assert found[("sign-ins", "nisc.example")] == (hour(6), hour(17), 6)
    assert found[("audit log", "nisc.example admin")][0] == hour(9)
    assert found[("shared files", "nisc.example")] == (hour(11), hour(11), 1)


def test_the_log_of_gmail_says_who_opened_which_message_and_when_it_was_gone():
    facts = facts_of(fixture("google_reports_ndjson"), now=NOW)
    first, second = message_key("<m1@nisc.example>", None), message_key("<m2@nisc.example>", None)
    done = {f["operation"]: f for f in kinds(facts, "Observation")}
    assert set(done) == {"gmail opened for the first time", "gmail viewed", "gmail forwarded automatically", "gmail sent", "gmail deleted for good"}
    ends = {(f["role"], f["to_key"]) for f in kinds(facts, "OBSERVED") if f["from_key"] == done["gmail viewed"]["key"]}
    assert ends == {("actor", SATO), ("message", first), ("mailbox", "mailbox:tanaka@nisc.example")} and done["gmail viewed"]["as_who"] == "delegate"
    assert {f["purged"] for f in kinds(facts, "HOLDS") if f["to_key"] == second and "purged" in f} == {hour(9)}
    assert {(f["to_key"], f.get("status")) for f in kinds(facts, "ADDRESSED_TO")} == {
        ("smtp:tanaka@nisc.example", "delivered"), ("smtp:a@partner.example", None), ("smtp:b@partner.example", None)}  # fmt: skip
    assert "never kept" not in json.dumps(facts)


def test_only_scopes_that_let_it_read_mail_reach_a_mailbox():
    text = "https://mail.google.com/, https://www.googleapis.com/auth/gmail.send https://www.googleapis.com/auth/gmail.settings.sharing,openid"
    assert mail_scopes(text) == ["https://mail.google.com/", "https://www.googleapis.com/auth/gmail.settings.sharing"]
    assert mail_scopes("https://www.googleapis.com/auth/admin.reports.audit.readonly") == []


@pytest.mark.parametrize(("given", "wanted"), [("_SEED_ADMIN_ROLE", "super admin"), ("_GROUPS_ADMIN_ROLE", "groups admin"), ("Mail Operators", "mail operators"), ("", "")])
def test_roles_have_the_name_that_people_know(given, wanted):
    assert role_name(given) == wanted


def test_a_page_of_a_log_says_that_there_is_more(tmp_path):
    activities = json.loads(fixture("google_reports").read_text())["activities"]
    path = tmp_path / "page.json"
    path.write_text(json.dumps({"kind": "admin#reports#activities", "nextPageToken": "A:1", "items": activities}))
    facts = facts_of(path, now=NOW)
    assert all(f["capped"] for f in kinds(facts, "LogCoverage")) and any("nextPageToken" in note for note in notes(facts))


def test_lines_pages_and_envelopes_say_the_same(tmp_path, small):
    activities = json.loads(fixture("google_reports").read_text())["activities"]
    texts = {
        "lines": "\n".join(map(json.dumps, activities)) + "\n", "array": json.dumps(activities), "indented": json.dumps({"items": activities}, indent=2),
        "pages": "".join(json.dumps({"activities": part}) + "\n" for part in (activities[:7], activities[7:])),
        "one after another": "".join(json.dumps(item, indent=1) for item in activities), "utf-16": json.dumps(activities),
    }  # fmt: skip
    for name, text in texts.items():
        path = tmp_path / f"{name}.json"
        path.write_text(text, encoding="utf-16" if name == "utf-16" else "utf-8")
        facts = facts_of(path, now=NOW)
        assert Counter(f.get("kind") for f in facts) == Counter(f.get("kind") for f in small), name


def test_a_log_cut_short_is_broken(tmp_path):
    path = tmp_path / "cut.json"
    path.write_bytes(fixture("google_reports").read_bytes()[:5000])
    with pytest.raises(Broken, match="the file ends in the middle"):
        facts_of(path, now=NOW)


# --- GAM ---


def test_an_accepted_delegate_opens_the_mailbox_and_sends_in_its_name():
    facts = facts_of(fixture("gam_delegates"), now=NOW)
    wanted = {(SATO, "mailbox:tanaka@nisc.example", None, None), ("account:helper@partner.example", "mailbox:tanaka@nisc.example", None, None)}
    assert spans(facts, "FULL_ACCESS") == wanted == spans(facts, "SEND_ON_BEHALF")
    assert "1 row of delegations that are not accepted, which give no right" in notes(facts)


def test_only_forwarding_that_is_switched_on_forwards():
    facts = facts_of(fixture("gam_forwarding"), now=NOW)
    found = {(f["from_key"], f["to_key"]): f["keeps_copy"] for f in kinds(facts, "FORWARDS_TO") if f["from_label"] == "Mailbox"}
    assert found == {("mailbox:tanaka@nisc.example", "smtp:collector@evil.example"): True, ("mailbox:sato@nisc.example", "smtp:sato.private@gmail.com"): False}
    (cover,) = kinds(facts, "LogCoverage")
    assert (cover["what"], cover["collected"], cover["scope"]) == ("forwarding", 6, "nisc.example")


def test_a_forwarding_address_alone_lets_no_mail_pass():
    facts = facts_of(fixture("gam_forwarding_addresses"), now=NOW)
    assert {(f["name"], f["enabled"]) for f in kinds(facts, "Rule")} == {("forwarding address, not in use by itself", False)}
    assert not kinds(facts, "PASSES_THROUGH") and not kinds(facts, "LogCoverage")
    assert {f["from_label"] for f in kinds(facts, "FORWARDS_TO")} == {"Rule"}


def test_a_filter_that_forwards_and_hides_is_a_rule_without_its_words():
    facts = facts_of(fixture("gam_filters"), now=NOW)
    rules = {f["name"]: f for f in kinds(facts, "Rule")}
    assert {name: rule["hides"] for name, rule in rules.items()} == {"ANe1BmjXf": True, "ANe1BmjXg": True, "ANe1BmjXh": False, "ANe1BmjXi": True}
    assert rules["ANe1BmjXf"]["conditions"] == "by from, subject" and "invoice" not in json.dumps(facts) and "bank" not in json.dumps(facts)
    assert {f["to_key"] for f in kinds(facts, "FORWARDS_TO")} == {"smtp:collector@evil.example"}


def test_users_have_aliases_mailboxes_administrators_and_a_way_to_reset():
    facts = facts_of(fixture("gam_users"), now=NOW)
    aliases = {f["to_key"] for f in kinds(facts, "HAS_ADDRESS") if f["from_key"] == TANAKA and f["type"] == "alias"}
    assert aliases == {"smtp:t.tanaka@nisc.example", "smtp:ichiro@nisc.example", "smtp:tanaka@nisc.example.test-google-a.com"}
    assert spans(facts, "RESETS_BY") == {(TANAKA, "smtp:tanaka.private@gmail.com", None, None)}
    assert spans(facts, "HAS_ROLE") == {("account:admin@nisc.example", "role:google/super admin", None, None)}
    assert {f["key"] for f in kinds(facts, "Mailbox")} == {f"mailbox:{name}@nisc.example" for name in ("tanaka", "admin", "old")}
    assert {f["key"]: f["enabled"] for f in kinds(facts, "Account")}["account:old@nisc.example"] is False


# --- real samples ---

# file -> activities, observations; events counted with another reader: upkeep, storage and calendars are passed over
SAMPLES = {
    "gws_admin.json": (206, 204), "gws_login.json": (71, 71), "gws_user_accounts.json": (6, 6), "gws_groups_enterprise.json": (4, 7),
    "gws_drive.json": (30, 58), "gws_calendar.json": (8, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_a_real_log_says_what_was_counted_otherwise(name):
    facts = facts_of(sample(name), now=NOW)
    (head,) = [f for f in facts if "records" in f]
    assert (head["format"], head["records"], len(kinds(facts, "Observation"))) == ("google_reports", *SAMPLES[name])
    assert not [f for f in facts if "refused" in f]


def test_the_real_forwarding_is_the_same_in_both_logs():
    one, two = (facts_of(sample(f"gws_{name}.json"), now=NOW) for name in ("login", "user_accounts"))
    assert spans(one, "FORWARDS_TO") == spans(two, "FORWARDS_TO") and len(spans(one, "FORWARDS_TO")) == 6
    keys = [{f["key"] for f in kinds(facts, "Observation") if "forwarding" in f["operation"]} for facts in (one, two)]
    assert keys[0] == keys[1] and len(keys[0]) == 3


MEMBERS = {
    ("account:workspace@cloud-response.com", "group:sales@cloud-response.com"), ("account:workspace@cloud-response.com", "group:admins@cloud-response.com"),
    ("account:greg@cloud-response.com", "group:admins@cloud-response.com"),
}  # fmt: skip


def test_the_real_administrators_log_gives_a_role_groups_and_an_identity():
    facts = facts_of(sample("gws_admin.json"), now=NOW)
    assert {(f["from_key"], f["to_key"]) for f in kinds(facts, "HAS_ROLE")} == {("account:greg@cloud-response.com", "role:google/super admin")}
    assert {(f["from_key"], f["to_key"]) for f in kinds(facts, "MEMBER_OF")} == MEMBERS
    assert len(kinds(facts, "Remediation")) == 5  # one password changed, four accounts deleted
    assert {(f["from_key"], f["to_key"]) for f in kinds(facts, "SAME_IDENTITY")} == {
        ("account:suspicious@cloud-response.com", "account:workspace@cloud-response.com")}  # fmt: skip
    assert not kinds(facts, "APP_SCOPE")  # the delegation is for audit reports, not for mail


def test_no_other_sample_is_claimed_as_google():
    mine = set(FOLDERS.values())
    formats = [fmt for fmt in registry.formats() if fmt.NAME in mine]
    if not DATA.is_dir():
        pytest.skip("the real samples are not beside this checkout")
    for path in (path for path in sorted(DATA.parent.rglob("*")) if path.is_file() and not path.is_relative_to(DATA)):
        for fmt in formats:
            assert fmt.detect(Source(path, path.name)) is None, f"{path.name}: {fmt.NAME}"


# --- fuzz ---


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), folder=st.sampled_from(sorted(FOLDERS)))
def test_a_mutated_export_ends_in_facts_or_in_a_clear_refusal(tmp_path, data, folder):
    path = tmp_path / "given.log"
    path.write_bytes(mutated(data, fixture(folder).read_bytes(), [b"@", b"2026", b'"', b",", b"{", b"value", b"name", b"nisc", b"[", b"True"], [b"", b"\0", b"[]", b"null", b"\xff", b"9" * 30, b"{}"]))
    ends_well(next(fmt for fmt in registry.formats() if FOLDERS[folder] == fmt.NAME), path, NOW)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2), max_leaves=4))
def test_any_value_in_any_place_of_an_activity_ends_in_facts_or_a_refused_record(tmp_path, value):
    given_ = json.loads(fixture("google_reports").read_text())["activities"] + [json.loads(line) for line in fixture("google_reports_ndjson").read_text().splitlines()]
    rows = []
    for record in given_:
        rows += [{**record, key: value} for key in record]
        event = record["events"][0]
        rows += [{**record, "events": [{**event, key: value}]} for key in event]
        for number, parameter in enumerate(event.get("parameters", ())):
            others = event["parameters"][:number] + event["parameters"][number + 1 :]
            rows.append({**record, "events": [{**event, "parameters": [*others, {"name": parameter["name"], "value": value}]}]})
    path = tmp_path / "given.ndjson"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    (fmt,) = [fmt for fmt in registry.formats() if fmt.NAME == "google_reports"]
    out = FactBuffer()
    fmt.read(Source(path, "given.ndjson"), Options(now=NOW), out)
    out.frames()
