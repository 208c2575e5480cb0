"""Logs of VPN gateways: who signed in from where, what failed, what is no sign-in, the real samples, and damaged files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.times import from_iso
from loaders import registry
from loaders.base import Source
from tests.support.fuzz import ends_well, mutated
from tests.support.golden import check_golden, facts_of

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data" / "09_network"
NOW = 1_800_000_000
FORMATS = {"fortigate": "fortigate_sekoia.log", "globalprotect": "paloalto_sekoia.log", "nps": "ms_aovpn_sekoia.log"}


def fixture(name: str) -> Path:
    (path,) = (HERE / name).glob("input.*")
    return path


def sample(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip("the real samples are not beside this checkout")
    return path


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def sign_ins(facts: list[dict]) -> set[tuple]:
    """(when, operation, who, which gateway, from where, let in), None where nobody is named."""
    ends: dict[str, dict[str, str]] = {}
    for edge in kinds(facts, "OBSERVED"):
        ends.setdefault(edge["from_key"], {})[edge["role"]] = edge["to_key"]
    return {(f["at"], f["operation"], ends[f["key"]].get("actor"), ends[f["key"]]["target"], f.get("ip"), f.get("succeeded")) for f in kinds(facts, "Observation")}


@pytest.mark.parametrize("name", FORMATS)
def test_a_small_log_says_exactly_what_its_golden_file_lists(name):
    check_golden(HERE / name, now=NOW)


@pytest.mark.parametrize("name", FORMATS)
def test_a_log_is_claimed_by_its_own_format_alone(name):
    for path in (fixture(name), sample(FORMATS[name])):
        assert [fmt.NAME for fmt in registry.formats() if fmt.detect(Source(path, path.name))] == [name]


def test_a_fortigate_tells_each_tunnel_once_by_its_first_record_and_the_refused_ones():
    facts = facts_of(fixture("fortigate"), now=NOW)
    tanaka, box = "account:tanaka@corp.example", "service:vpn/fw1.corp.example"
    at = lambda text: from_iso(f"2026-03-02T{text}Z")  # noqa: E731
    assert sign_ins(facts) == {
        (at("08:00:00"), "tunnel-up", tanaka, box, "203.0.113.9", True),
        (at("09:00:00"), "tunnel-stats", "account:sato", box, "198.51.100.7", True),  # its beginning is not in the file
        (at("18:10:00"), "ssl-login-fail", tanaka, box, "198.51.100.66", False),  # without a zone
        (at("18:11:00"), "ssl-login-fail", None, box, "198.51.100.66", False),
        (at("18:12:00"), "negotiate", "account:suzuki", box, "198.51.100.9", True),
        (at("09:00:00"), "tunnel-up", tanaka, "service:vpn/fw2", "203.0.113.10", True),
    }
    assert {f["note"] for f in kinds(facts, "Observation") if f["operation"] == "tunnel-up"} == {"address within the tunnel 10.9.0.4", "address within the tunnel 10.9.1.2"}


@pytest.mark.parametrize("name", ["fortigate", "globalprotect"])
def test_what_was_typed_where_nobody_was_let_in_is_not_kept(name):
    said = json.dumps(facts_of(fixture(name), now=NOW)).casefold()
    assert "spring2026" not in said and "winter2026" not in said


def test_globalprotect_is_read_from_csv_of_both_ages_and_from_json():
    facts = facts_of(fixture("globalprotect"), now=NOW)
    at = lambda text: from_iso(f"2026-03-02T{text}Z")  # noqa: E731
    assert sign_ins(facts) == {
        (at("08:00:00"), "gateway-auth", "account:corp\\tanaka", "service:vpn/gw-tokyo", "203.0.113.9", True),
        (at("08:00:05"), "gateway-connected", "account:corp\\tanaka", "service:vpn/gw-tokyo", "203.0.113.9", True),
        (at("08:02:00"), "portal-auth", None, "service:vpn/portal", "198.51.100.66", False),
        (at("08:04:00"), "gateway-connected", "account:sato@corp.example", "service:vpn/gw-osaka", "2001:db8::7", True),
    }


def test_an_answer_of_a_policy_server_takes_the_address_from_its_request_in_either_order():
    facts = facts_of(fixture("nps"), now=NOW)
    at = lambda text: from_iso(f"2026-03-02T{text}Z")  # noqa: E731
    assert sign_ins(facts) == {
        (at("08:00:00"), "Access-Accept", "account:corp\\tanaka", "service:vpn/vpn.corp.example", "203.0.113.9", True),
        (at("08:05:00"), "Access-Reject", None, "service:vpn/vpn.corp.example", "203.0.113.10", False),
    }
    notes = {f["note"] for f in facts if set(f) == {"note"}}
    assert "1 row of wireless networks, switches and other ports than a VPN's: left out" in notes
    assert [f["refused"]["why"] for f in facts if "refused" in f] == ["not a line of the log", "no date that can be believed"]


@pytest.mark.parametrize("name", FORMATS)
def test_the_first_sign_in_proves_the_right_and_the_service_is_called_as_the_entitlements_call_it(name, tmp_path):
    facts = facts_of(fixture(name), now=NOW)
    rights = {(f["from_key"], f["to_key"]): f["valid_from"] for f in kinds(facts, "SIGNS_IN_TO")}
    first: dict[tuple, int] = {}
    for at, _, who, box, _, ok in sign_ins(facts):
        if ok:
            first[who, box] = min(at, first.get((who, box), at))
    assert rights == first and {f["via"] for f in kinds(facts, "SIGNS_IN_TO")} == {"vpn"}
    box = sorted(key for _, key in rights)[0]
    table = tmp_path / "access.csv"
    table.write_text(f"account,host,right\nann@corp.example,{box.partition('/')[2].upper()},vpn\n", encoding="utf-8")
    assert {f["to_key"] for f in kinds(facts_of(table, now=NOW), "SIGNS_IN_TO")} == {box}


def test_the_first_sign_in_is_the_earliest_in_whatever_order_the_log_is(tmp_path):
    path = tmp_path / "given.log"
    path.write_text("\n".join(reversed(fixture("globalprotect").read_text(encoding="utf-8").splitlines())) + "\n", encoding="utf-8")
    assert {(f["from_key"], f["valid_from"]) for f in kinds(facts_of(path, now=NOW), "SIGNS_IN_TO")} == {
        (f["from_key"], f["valid_from"]) for f in kinds(facts_of(fixture("globalprotect"), now=NOW), "SIGNS_IN_TO")}  # fmt: skip


def test_a_log_that_is_read_twice_says_the_same_and_a_copy_counts_once(tmp_path):
    line = fixture("fortigate").read_text(encoding="utf-8").splitlines()[0]
    path = tmp_path / "twice.log"
    path.write_text(f"{line}\n{line}\n", encoding="utf-8")
    facts = facts_of(path, now=NOW)
    assert len(kinds(facts, "Observation")) == 1
    assert "1 row standing in the file more than once, read once" in {f["note"] for f in facts if set(f) == {"note"}}


# --- real samples ---


def test_real_lines_of_a_fortigate_tell_a_tunnel_and_a_refused_sign_in():
    facts = facts_of(sample("fortigate_sekoia.log"), now=NOW)
    (head,) = [f for f in facts if "records" in f]
    assert head["records"] == 48 and not [f for f in facts if "refused" in f]
    told = {(operation, who, ok) for _, operation, who, _, _, ok in sign_ins(facts)}
    assert told == {("tunnel-stats", "account:test", True), ("ssl-login-fail", None, False)}
    assert {at for at, operation, *_ in sign_ins(facts) if operation == "tunnel-stats"} == {1566916060}


def test_real_lines_of_globalprotect_tell_two_sign_ins():
    told = {(operation, who, box, ip, ok) for _, operation, who, box, ip, ok in sign_ins(facts_of(sample("paloalto_sekoia.log"), now=NOW))}
    assert told == {
        ("gw-auth", "account:user", "service:vpn/gw1", "1.2.3.4", True),
        ("gateway-switch-to-ssl", "account:test.fr\\jdoe", "service:vpn/cd78_vpn_gp_gateway", "1.2.3.4", True),
    }


def test_real_lines_of_a_windows_vpn_server_tell_one_sign_in_with_the_address_of_its_request():
    facts = facts_of(sample("ms_aovpn_sekoia.log"), now=NOW)
    assert sign_ins(facts) == {(from_iso("2022-09-22T13:32:06Z"), "Access-Accept", "account:domain\\doe-j", "service:vpn/vpntest1", "4.3.2.1", True)}


# --- damaged files ---

WORDS = (b"2026", b"tunnel-up", b"GLOBALPROTECT", b"success", b'"', b",", b"eventtime=", b"RAS", b"user=")
OTHERS = (b"", b"N/A", b"9999999999", b"\xff\xfe", b'"', b"\n", b",,,,", b"{")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(sorted(FORMATS)))
def test_a_damaged_log_ends_in_facts_or_in_one_line_that_says_why_not(data, name, tmp_path):
    path = tmp_path / "given"
    path.write_bytes(mutated(data, fixture(name).read_bytes(), WORDS, OTHERS))
    (fmt,) = [fmt for fmt in registry.formats() if name == fmt.NAME]
    ends_well(fmt, path, NOW)
