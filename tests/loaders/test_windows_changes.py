"""Windows events besides logons: one log through three tools, the real samples, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import registry
from tests.support import evtx_writer, windows_change_events
from tests.support.fuzz import ends_well, mutated
from tests.support.golden import check_golden, facts_of
from tests.support.windows_change_events import EVENTS
from tests.support.windows_events import DOMAIN

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data" / "06_windows_logon"
NOW = 1_800_000_000
TANAKA, BY_NAME = f"ad:{DOMAIN}-1101", "account:corp\\tanaka"
SERVER, DC, AUTHORITY = "host:files.corp.example", "host:dc01.corp.example", "host:ca.corp.example"


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def told(facts: list[dict]) -> dict[str, dict]:
    """What each record is about: its own properties, and `ends` as (key, role)."""
    found = {f["key"].rpartition("/")[2]: f | {"ends": set()} for f in kinds(facts, "Observation")}
    for edge in kinds(facts, "OBSERVED"):
        found[edge["from_key"].rpartition("/")[2]]["ends"].add((edge["to_key"], edge["role"]))
    return found


@pytest.fixture(scope="module")
def facts() -> list[dict]:
    return facts_of(HERE / "windows_evtx_changes" / "input.evtx", now=NOW)


def test_a_log_of_changes_says_exactly_what_its_golden_file_lists():
    check_golden(HERE / "windows_evtx_changes", now=NOW)


def test_the_fixture_is_the_log_it_was_written_from():
    assert (HERE / "windows_evtx_changes" / "input.evtx").read_bytes() == evtx_writer.bytes_of(EVENTS)


@pytest.mark.parametrize("tool", ["winlogbeat", "nxlog"])
def test_it_says_the_same_whichever_tool_shipped_it(tool, tmp_path, facts):
    path = tmp_path / "given.ndjson"
    path.write_text(getattr(windows_change_events, tool)(), encoding="utf-8")

    def bare(given: list[dict]) -> set[str]:
        named = [f for f in given if f.get("kind") in ("Observation", "OBSERVED", "Account", "Server")]
        return {json.dumps({k: v for k, v in f.items() if k != "place"}, sort_keys=True) for f in named}

    assert bare(facts_of(path, now=NOW)) == bare(facts)


def test_a_table_of_sentinel_says_the_same_of_the_security_log(tmp_path, facts):
    path = tmp_path / "given.csv"
    path.write_text(windows_change_events.sentinel(), encoding="utf-8")

    def bare(given: dict[str, dict]) -> dict[str, tuple]:
        return {key: (one["at"], one["operation"], one.get("note"), one.get("ip"), one["succeeded"], frozenset(one["ends"])) for key, one in given.items()}

    wanted = {key: one for key, one in told(facts).items() if one["operation"] != "7045"}
    assert bare(told(facts_of(path, now=NOW))) == bare(wanted)


def test_a_service_that_somebody_installed_names_him_in_both_logs_and_never_its_command(facts):
    found = told(facts)
    for record, operation in (("201", "4697"), ("301", "7045")):
        assert found[record]["ends"] == {(TANAKA, "actor"), (SERVER, "target")}
        assert found[record]["operation"] == operation and found[record]["note"] == "service Updater"
    assert not {"302", "202", "203"} & found.keys()  # by Windows itself, and in a log that is not its own
    assert "S3cr3tInACommand" not in json.dumps(facts)


def test_only_shares_of_administrators_count_and_a_refusal_is_told_as_one(facts):
    found = told(facts)
    assert (found["204"]["note"], found["204"]["ip"], found["204"]["succeeded"]) == ("share C$", "198.51.100.7", True)
    assert found["206"]["succeeded"] is False
    assert "205" not in found


def test_a_session_taken_up_again_from_afar_is_told_from_one_at_the_console(facts):
    found = told(facts)
    assert (found["207"]["as_who"], found["207"]["ip"], found["207"]["note"], found["207"]["session"]) == ("10 remote interactive", "203.0.113.9", "from ws9", "0x71")
    assert found["208"]["as_who"] == "2 interactive" and "ip" not in found["208"]
    assert found["207"]["ends"] == {(BY_NAME, "actor"), (SERVER, "target")}


def test_a_certificate_names_its_template_and_the_account_it_is_for_where_that_is_another(facts):
    found = told(facts)
    assert found["401"]["ends"] == {(BY_NAME, "actor"), (AUTHORITY, "target")} and found["401"]["note"] == "template UserLogon"
    assert found["403"]["ends"] == {(BY_NAME, "actor"), (AUTHORITY, "target"), ("upn:root@corp.example", "target")}
    assert found["403"]["note"] == "template WebServer; names another account"
    assert "404" not in found


def test_accounts_and_groups_are_what_a_change_is_about(facts):
    found = told(facts)
    assert found["501"]["ends"] == {(TANAKA, "actor"), (DC, "target"), (f"ad:{DOMAIN}-1190", "target")}
    assert found["502"]["succeeded"] is True and (f"ad:{DOMAIN}-1102", "target") in found["502"]["ends"]
    assert found["503"]["succeeded"] is False
    assert "504" not in found  # one's own password
    assert (f"ad:{DOMAIN}-512", "target") in found["505"]["ends"] and (f"ad:{DOMAIN}-519", "target") in found["507"]["ends"]
    assert found["506"]["ends"] == {(TANAKA, "actor"), (SERVER, "target")} and found["506"]["note"] == "group Administrators"
    assert {f["to_label"] for f in kinds(facts, "OBSERVED") if f["to_key"] == f"ad:{DOMAIN}-512"} == {"Group"}


def test_a_membership_begins_and_ends_with_its_records_and_names_the_member_as_the_directory_does(facts):
    times = {(f["from_key"], f["to_key"], f.get("valid_from"), f.get("valid_until")) for f in kinds(facts, "MEMBER_OF")}
    start, more, end = (evtx_writer.seconds(f"2026-03-23T{at}Z") for at in ("08:23:00", "08:25:00", "09:25:00"))
    member, admins = "dn:cn=sato,dc=corp,dc=example", f"ad:{DOMAIN}-512"
    assert times == {(member, admins, start, None), (member, admins, None, end), (member, f"ad:{DOMAIN}-519", more, None)}


def test_a_value_that_gives_a_way_to_an_object_is_told_where_it_was_added(facts):
    found = told(facts)
    assert found["512"]["note"] == "added msDS-KeyCredentialLink"
    assert found["512"]["ends"] == {(TANAKA, "actor"), ("dn:cn=sato,dc=corp,dc=example", "target")}
    assert found["515"]["ends"] == {(TANAKA, "actor"), ("dn:cn=files,cn=computers,dc=corp,dc=example", "target")}
    assert {f["to_label"] for f in kinds(facts, "OBSERVED") if f["to_key"].startswith("dn:cn=files")} == {"Server"}
    assert found["516"]["ends"] == {(TANAKA, "actor"), ("dn:ou=staff,dc=corp,dc=example", "target")}
    assert (found["516"]["note"], found["517"]["note"]) == ("added nTSecurityDescriptor", "added versionNumber")
    assert {f["to_label"] for f in kinds(facts, "OBSERVED") if "ou=staff" in f["to_key"] or "cn=policies" in f["to_key"]} == {"Container"}
    assert not {"513", "514", "518"} & found.keys() and "B:828" not in json.dumps(facts)


def test_copying_the_directory_is_told_by_the_right_to_all_changes_and_not_of_its_controllers(facts):
    found = told(facts)
    assert found["508"]["ends"] == {(TANAKA, "actor"), (DC, "target")}
    assert not {"509", "510"} & found.keys()


def test_the_log_named_system_covers_no_logons(facts):
    last = {f["scope"]: f["last"] for f in kinds(facts, "LogCoverage")}
    assert last["files.corp.example"] == evtx_writer.seconds("2026-03-23T08:24:00Z")
    only = [event for event in EVENTS if event["id"] == 7045]
    assert all(event.get("channel", "Security") == "System" for event in only[:2])


def sample(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip("the real samples are not beside this checkout")
    return path


def test_the_service_that_a_real_attack_installed_is_told_in_both_logs():
    found = told(facts_of(sample("empire_psexec_dcerpc_tcp_svcctl.zip"), now=NOW))
    installed = [one for one in found.values() if one["operation"] in ("4697", "7045")]
    assert {one["operation"] for one in installed} == {"4697", "7045"}
    assert {end for one in installed for end in one["ends"]} == {
        ("ad:S-1-5-21-4228717743-1032521047-1810997296-1104", "actor"), ("host:workstation6.theshire.local", "target")}  # fmt: skip
    assert {one["note"] for one in installed} == {"service Updater"}


# --- broken files ---

WORDS = (b"4697", b"Updater", b"UserID", b"S-1-5-21-", b"audit_failure", b"Attributes", b"0x")
OTHERS = (b"", b"null", b"-1", b"4662", b"\xff\xfe", b"[]", b"{", b"upn=@")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), tool=st.sampled_from(["windows_winlogbeat", "windows_nxlog", "windows_evtx"]))
def test_a_damaged_log_ends_in_facts_or_in_one_line_that_says_why_not(data, tool, tmp_path):
    good = evtx_writer.bytes_of(EVENTS) if tool == "windows_evtx" else getattr(windows_change_events, tool.partition("_")[2])().encode()
    path = tmp_path / "given"
    path.write_bytes(mutated(data, good, WORDS, OTHERS))
    (fmt,) = [fmt for fmt in registry.formats() if tool == fmt.NAME]
    ends_well(fmt, path, NOW)
