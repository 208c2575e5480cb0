"""Okta's System Log as JSON and as CSV; the real sample, and what goes wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.facts import FactBuffer
from loaders import registry
from loaders.base import Broken, Options, Source
from loaders.formats import okta_system_log
from loaders.okta import folded, unflattened
from tests.support.fuzz import ends_well, mutated
from tests.support.golden import check_golden, facts_of

HERE = Path(__file__).parent
SAMPLE = HERE.parents[2] / "shared" / "data" / "09_network" / "okta_panther_tests.ndjson"
NOW = 1_800_000_000  # 2027-01-15
DAY = 1_772_409_600  # 2026-03-02
TANAKA = "account:tanaka@nisc.example"
JSON, CSV = HERE / "okta_system_log" / "input.json", HERE / "okta_csv" / "input.csv"


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def spans(facts: list[dict], kind: str) -> set[tuple]:
    return {(f["from_key"], f["to_key"], f.get("valid_from"), f.get("valid_until")) for f in kinds(facts, kind)}


def notes(facts: list[dict]) -> list[str]:
    return [fact["note"] for fact in facts if set(fact) == {"note"}]


def sample() -> Path:
    if not SAMPLE.is_file():
        assert not os.environ.get("CI"), f"{SAMPLE} is missing"
        pytest.skip("the real samples are not beside this checkout")
    return SAMPLE


def hour(hours: int, minutes: int = 0) -> int:
    return DAY + hours * 3600 + minutes * 60


@pytest.fixture(scope="module")
def small() -> list[dict]:
    return facts_of(JSON, now=NOW)


@pytest.mark.parametrize("folder", ["okta_system_log", "okta_csv"])
def test_a_small_log_says_exactly_what_its_golden_file_lists(folder):
    check_golden(HERE / folder, now=NOW)


@pytest.mark.parametrize("path", [JSON, CSV], ids=["json", "csv"])
def test_a_log_is_claimed_by_its_own_format_alone(path):
    assert [fmt.NAME for fmt in registry.formats() if fmt.detect(Source(path, path.name))] == ["okta_system_log"]


def test_single_sign_on_is_a_right_from_the_first_time_that_it_succeeded(small):
    assert (TANAKA, "service:saas/payroll (production)", hour(8, 10), None) in spans(small, "SIGNS_IN_TO")
    assert not [row for row in spans(small, "SIGNS_IN_TO") if "vpn portal" in row[1]]  # denied
    assert {f["via"] for f in kinds(small, "SIGNS_IN_TO")} == {"sso"}


def test_an_assigned_application_is_a_right_from_and_until(small):
    assert {row for row in spans(small, "SIGNS_IN_TO") if row[1] == "service:saas/file share"} == {
        (TANAKA, "service:saas/file share", hour(9), None), (TANAKA, "service:saas/file share", None, hour(18))}  # fmt: skip


def test_each_privilege_is_a_role_of_its_own_and_ends_when_it_is_revoked(small):
    assert spans(small, "HAS_ROLE") == {
        (TANAKA, "role:okta/organization administrator", hour(9, 20), None),
        (TANAKA, "role:okta/application administrator (all, but one)", hour(9, 20), None),
        (TANAKA, "role:okta/organization administrator", None, hour(19)),
    }
    assert any("privileges that do not name both" in note for note in notes(small))


def test_membership_of_a_group_is_stated(small):
    assert spans(small, "MEMBER_OF") == {(TANAKA, "group:okta/00gvpn", hour(9, 10), None)}


def test_what_somebody_else_does_to_a_password_or_a_session_is_a_remediation(small):
    assert {(f["what"], f["key"], f["by"]) for f in kinds(small, "Remediation")} == {
        ("reset", f"remediation:reset/{TANAKA}/{hour(20)}", "admin@nisc.example"),
        ("revoke", f"remediation:revoke/account:sato@nisc.example/{hour(20, 1)}", "Okta"),
    }


def test_a_sign_in_has_its_session_address_and_result(small):
    found = {f["at"]: f for f in kinds(small, "Observation") if f["operation"] == "user.session.start"}
    assert found[hour(8)]["session"] == "102sess" and found[hour(8)]["ip"] == "203.0.113.9" and found[hour(8)]["succeeded"] is True
    assert found[hour(7, 59)]["succeeded"] is False and found[hour(7, 59)]["note"] == "INVALID_CREDENTIALS; Osaka, Japan"
    nobody = found[hour(7, 58)]["key"]
    assert not [f for f in kinds(small, "OBSERVED") if f["from_key"] == nobody]


def test_a_login_that_is_no_address_is_kept_apart_from_accounts_of_other_sources(small):
    assert "account:okta/kimura" in {f["key"] for f in kinds(small, "Account")}
    assert "unknown" not in json.dumps([f["key"] for f in kinds(small, "Account")])


def test_keys_are_read_however_a_collector_spells_them(small):
    (ended,) = [f for f in kinds(small, "Observation") if f["operation"] == "user.session.end"]
    assert ended["ip"] == "203.0.113.9" and ended["user_agent"] == "Mozilla/5.0"
    assert folded({"eventType": [{"alternate_id": 1}]}) == {"eventtype": [{"alternateid": 1}]}


def test_the_csv_says_what_the_json_says_of_the_same_events(small):
    table = facts_of(CSV, now=NOW)
    ids = {f["key"] for f in kinds(table, "Observation")}
    assert ids == {f"obs:okta/uuid-{number}" for number in ("01", "07", "12")}
    same = ("at", "operation", "ip", "session", "succeeded", "app", "user_agent", "note")
    wanted = {f["key"]: {name: f.get(name) for name in same} for f in kinds(small, "Observation") if f["key"] in ids}
    assert {f["key"]: {name: f.get(name) for name in same} for f in kinds(table, "Observation")} == wanted
    assert {row for row in spans(small, "HAS_ROLE") if row[2]} == spans(table, "HAS_ROLE")


def test_a_row_becomes_the_record_it_was_made_of():
    row = {"actor.alternate_id": "a", "actor.id": "1", "target0.type": "User", "target.1.type": "App", "target[2].type": "Group", "uuid": "u"}
    assert unflattened(row) == {"actor": {"alternateid": "a", "id": "1"}, "target": [{"type": "User"}, {"type": "App"}, {"type": "Group"}], "uuid": "u"}


def test_envelopes_and_lines_are_read_alike(tmp_path, small):
    events = json.loads(JSON.read_text())
    for name, text in {"wrapped": json.dumps({"events": events}), "lines": "\n".join(map(json.dumps, events)) + "\n"}.items():
        path = tmp_path / f"{name}.json"
        path.write_text(text)
        facts = facts_of(path, now=NOW)
        assert {f["key"] for f in kinds(facts, "Observation")} == {f["key"] for f in kinds(small, "Observation")}, name


def test_a_log_cut_short_is_broken(tmp_path):
    path = tmp_path / "cut.json"
    path.write_bytes(JSON.read_bytes()[:9000])
    with pytest.raises(Broken, match="the file ends in the middle"):
        facts_of(path, now=NOW)


def test_the_real_sample_says_what_was_counted_otherwise():
    """100 test events edited by hand: 13 ids and bodies are distinct among those with a date that are no upkeep; 42 have no type or no date."""
    facts = facts_of(sample(), now=NOW)
    assert len(kinds(facts, "Observation")) == 13 and len([f for f in facts if "refused" in f]) == 42
    assert {(f["from_key"], f["to_key"]) for f in kinds(facts, "HAS_ROLE")} == {
        ("account:alice@acme.io", "role:okta/organization administrator"), ("account:alice@acme.io", "role:okta/application administrator (all)")}  # fmt: skip
    assert {f["at"] for f in kinds(facts, "Remediation")} == {1638212200}  # 2021-11-29 18:56:40


def test_no_other_sample_is_claimed_as_okta():
    root = sample().parents[1]
    for path in (path for path in sorted(root.rglob("*")) if path.is_file() and path != SAMPLE):
        assert okta_system_log.detect(Source(path, path.name)) is None, path.name


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), given_=st.sampled_from([JSON, CSV]))
def test_a_mutated_log_ends_in_facts_or_in_a_clear_refusal(tmp_path, data, given_):
    path = tmp_path / "given.log"
    path.write_bytes(mutated(data, given_.read_bytes(), [b"@", b"2026", b'"', b",", b"{", b"User", b"target", b"SUCCESS", b"[", b"."], [b"", b"\0", b"[]", b"null", b"\xff", b"9" * 30, b"{}"]))
    ends_well(okta_system_log, path, NOW)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2), max_leaves=4))
def test_any_value_in_any_field_ends_in_facts_or_a_refused_record(tmp_path, value):
    rows = []
    for record in json.loads(JSON.read_text())[:16]:
        rows += [{**record, key: value, "uuid": f"{record['uuid']}{key}"} for key in record]
        rows += [{**record, holder: {**record[holder], key: value}, "uuid": f"{record['uuid']}{key}"} for holder in ("actor", "client", "outcome", "debugContext") for key in record[holder]]
        rows += [{**record, "target": [{**target, key: value}], "uuid": f"{record['uuid']}{key}"} for target in record["target"] or () for key in target]
    path = tmp_path / "given.ndjson"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    out = FactBuffer()
    okta_system_log.read(Source(path, "given.ndjson"), Options(now=NOW), out)
    out.frames()
