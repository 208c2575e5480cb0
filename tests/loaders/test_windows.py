"""Windows logons: one log through four tools, the real samples, and what goes wrong."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graphmodel.facts import FactBuffer
from loaders import registry
from loaders.base import Broken, Options, Source
from loaders.windows_accounts import cloud_id
from loaders.windows_words import int_of, remote_ip
from tests.support import evtx_writer, windows_events
from tests.support.evtx_writer import seconds
from tests.support.fuzz import ends_well, mutated
from tests.support.golden import check_golden, facts_of
from tests.support.windows_events import CLEARED, DESKTOP, DOMAIN, EVENTS

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data" / "06_windows_logon"
NOW = 1_800_000_000  # 2027-01-15
FOLDERS = {
    "windows_evtx": "windows_evtx", "windows_winlogbeat": "windows_winlogbeat", "windows_nxlog": "windows_nxlog",
    "sentinel_security_event": "sentinel_security_event", "lanl_auth": "lanl_auth", "lanl_redteam": "lanl_auth",
}  # fmt: skip
TANAKA, SATO, SUZUKI = (f"ad:{DOMAIN}-{rid}" for rid in (1101, 1102, 1103))
PC, DC = "host:pc01.corp.example", "host:dc01.corp.example"


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def notes(facts: list[dict]) -> list[str]:
    return [fact["note"] for fact in facts if set(fact) == {"note"}]


def refused(facts: list[dict]) -> list[dict]:
    return [fact["refused"] for fact in facts if "refused" in fact]


def fixture(folder: str) -> Path:
    (path,) = (HERE / folder).glob("input.*")
    return path


def sample(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        assert not os.environ.get("CI"), f"{path} is missing"
        pytest.skip("the real samples are not beside this checkout")
    return path


def evtx(tmp_path: Path, *events: dict) -> list[dict]:
    return facts_of(evtx_writer.write(tmp_path / "given.evtx", list(events)), now=NOW)


def logon(record: int, at: str, kind: int = 3, id_: str = "0x1", **data: object) -> dict:
    who = {"TargetUserSid": f"{DOMAIN}-1101", "TargetUserName": "tanaka", "TargetDomainName": "CORP", "TargetLogonId": id_, "LogonType": kind}
    return {"id": 4624, "record": record, "at": at, "computer": "pc01.corp.example", "data": who | data}


def sessions(facts: list[dict]) -> set[tuple[str, str, int | None, int | None]]:
    return {(f["from_key"], f["to_key"], f.get("valid_from"), f.get("valid_until")) for f in kinds(facts, "SESSION_ON")}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_small_log_says_exactly_what_its_golden_file_lists(folder):
    check_golden(HERE / folder, now=NOW)


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_a_log_is_claimed_by_its_own_format_alone(folder, name):
    source = Source(fixture(folder), folder)
    assert [fmt.NAME for fmt in registry.formats() if fmt.detect(source)] == [name]


def test_the_evtx_fixture_is_the_log_it_was_written_from():
    assert fixture("windows_evtx").read_bytes() == evtx_writer.bytes_of([CLEARED, *EVENTS, *DESKTOP])


# --- one log through four tools ---


def shipped() -> dict[str, list[dict]]:
    return {name: facts_of(fixture(name), now=NOW) for name in ("windows_evtx", "windows_winlogbeat", "windows_nxlog", "sentinel_security_event")}


def test_one_log_says_the_same_of_logons_whichever_tool_shipped_it():
    def said(facts: list[dict]) -> tuple[set[str], set[str]]:
        kept = [f for f in kinds(facts, "Observation") if "terminalservices" not in f["key"] and not f["key"].endswith("/900")]
        strip = [json.dumps({k: v for k, v in f.items() if k != "place"}, sort_keys=True) for f in kept]
        edges = {f"{f['from_key']} {f['to_key']} {f['role']}" for f in kinds(facts, "OBSERVED")}
        return set(strip), {edge for edge in edges if "terminalservices" not in edge and "/900 " not in edge}

    found = {name: said(facts) for name, facts in shipped().items()}
    assert len(found["windows_evtx"][0]) == 10
    for name in found:
        assert found[name] == found["windows_evtx"], name


def test_a_person_at_the_screen_has_a_session_until_the_logoff_of_the_same_logon_id():
    for name, facts in shipped().items():
        day = "2026-03-22T"
        wanted = {
            (TANAKA, PC, seconds(f"{day}08:00:00Z"), seconds(f"{day}09:30:00Z")),
            (SUZUKI, PC, None, seconds(f"{day}08:20:00Z")),
            (SUZUKI, PC, seconds(f"{day}08:30:00Z"), None),
        }
        if name == "windows_evtx":
            wanted.add(("account:corp\\adm-sato", DC, seconds(f"{day}08:15:00Z"), seconds(f"{day}08:45:00Z")))
        assert sessions(facts) == wanted, name


def test_special_privileges_become_a_note_of_their_logon_whichever_comes_first():
    facts = facts_of(fixture("windows_evtx"), now=NOW)
    said = {f["key"].rpartition("/")[2]: f for f in kinds(facts, "Observation") if "/security/" in f["key"]}
    assert said["105"]["note"] == "special privileges; from ws9" and said["105"]["ip"] == "198.51.100.7"
    assert said["106"]["note"] == "special privileges" and "ip" not in said["106"]
    assert said["108"]["operation"] == "4672" and "its logon is not in the file" in said["108"]["note"]
    assert "104" not in said and "107" not in said


def test_explicit_credentials_lead_to_the_server_and_to_the_account_that_was_used():
    facts = facts_of(fixture("windows_evtx"), now=NOW)
    ends = {(f["to_key"], f["role"]) for f in kinds(facts, "OBSERVED") if f["from_key"].endswith("/118")}
    assert ends == {(TANAKA, "actor"), (PC, "target"), ("host:file01", "target"), ("account:corp\\adm-sato", "target")}


def test_machines_and_windows_own_accounts_leave_no_trace_but_a_count():
    facts = facts_of(fixture("windows_evtx"), now=NOW)
    names = {fact["name"] for fact in kinds(facts, "Account")}
    assert names == {"tanaka", "adm-sato", "suzuki", "kimura"}
    assert "1 record of machine accounts (NAME$): left out" in notes(facts)
    assert "2 records of Windows' own accounts (SYSTEM, ANONYMOUS LOGON, DWM, services): left out" in notes(facts)
    assert "1 record of services that started: left out" in notes(facts)
    assert "1 record standing in the file more than once, read once" in notes(facts)


def test_what_was_typed_for_an_account_that_does_not_exist_is_not_kept():
    for name in ("windows_evtx", "windows_winlogbeat", "windows_nxlog", "sentinel_security_event"):
        facts = facts_of(fixture(name), now=NOW)
        assert "Spring2026" not in json.dumps(facts) and "spring2026" not in json.dumps(facts)
        (failed,) = [f for f in kinds(facts, "Observation") if f["key"].endswith("/117")]
        assert failed["succeeded"] is False and failed["note"] == "no such account; from kali" and failed["ip"] == "198.51.100.66"


def test_coverage_says_for_each_computer_which_time_and_which_events_were_seen():
    facts = facts_of(fixture("windows_evtx"), now=NOW)
    cover = {f["scope"]: (f["what"], f["first"], f["last"], f["note"]) for f in kinds(facts, "LogCoverage")}
    start, end = seconds("2026-03-22T08:00:00Z"), seconds("2026-03-22T09:30:01Z")
    assert cover["pc01.corp.example"] == ("logons", start, end, "events seen: 4624, 4625, 4634, 4647, 4648, 4672")
    assert cover["dc01.corp.example"][1:3] == (seconds("2026-03-22T07:59:59Z"), seconds("2026-03-22T08:20:00Z"))


# --- single traps ---


def test_the_time_of_a_record_is_never_that_of_its_header(tmp_path):
    facts = evtx(tmp_path, logon(1, "2026-03-22T08:00:00.999999Z"))
    assert [f["at"] for f in kinds(facts, "Observation")] == [seconds("2026-03-22T08:00:00Z")]
    facts = evtx(tmp_path, logon(1, "1601-01-01T00:00:00Z"), logon(2, "2026-03-22T08:00:00Z"))
    assert [r["why"] for r in refused(facts)] == ["no date that can be believed"] and len(kinds(facts, "Observation")) == 1


def test_a_logon_id_that_is_used_again_after_a_restart_begins_a_session_of_its_own(tmp_path):
    off = {"id": 4634, "record": 4, "at": "2026-03-03T10:00:00Z", "computer": "pc01.corp.example", "data": logon(0, "", 2)["data"]}
    facts = evtx(tmp_path, logon(2, "2026-03-22T08:00:00Z", 2), logon(3, "2026-03-03T08:00:00Z", 2), off)
    starts = (seconds("2026-03-22T08:00:00Z"), seconds("2026-03-03T08:00:00Z"))
    assert sessions(facts) == {(TANAKA, PC, starts[0], None), (TANAKA, PC, starts[1], seconds("2026-03-03T10:00:00Z"))}


def test_the_same_logon_id_on_two_computers_makes_two_sessions(tmp_path):
    other = logon(2, "2026-03-22T09:00:00Z", 10) | {"computer": "pc02.corp.example"}
    facts = evtx(tmp_path, logon(1, "2026-03-22T08:00:00Z", 10), other)
    assert {to for _, to, _, _ in sessions(facts)} == {PC, "host:pc02.corp.example"}


def test_only_types_2_10_and_11_put_a_credential_at_the_screen(tmp_path):
    facts = evtx(tmp_path, *(logon(kind + 1, "2026-03-22T08:00:00Z", kind, f"0x{kind + 1}") for kind in range(14)))
    assert len(kinds(facts, "SESSION_ON")) == 3
    assert {f["as_who"] for f in kinds(facts, "Observation")} >= {"3 network", "10 remote interactive", "9 new credentials", "1 of another type"}
    assert not any(f["as_who"].startswith(("0 ", "5 ")) for f in kinds(facts, "Observation"))


def test_events_of_other_logs_with_the_same_numbers_are_no_logons(tmp_path):
    sysmon = logon(1, "2026-03-22T08:00:00Z") | {"id": 21, "channel": "Microsoft-Windows-Sysmon/Operational"}
    facts = evtx(tmp_path, sysmon, logon(2, "2026-03-22T08:00:00Z") | {"channel": "Application"})
    assert not kinds(facts, "Observation") and not kinds(facts, "LogCoverage")
    assert notes(facts) == ["no logon in it: Windows writes them to the log named Security"]


def test_an_account_that_is_called_like_a_system_one_is_kept_by_its_sid(tmp_path):
    facts = evtx(tmp_path, logon(1, "2026-03-22T08:00:00Z", TargetUserName="SYSTEM"))
    assert [f["key"] for f in kinds(facts, "Account")] == [TANAKA]


def test_a_sid_of_the_cloud_is_the_entra_object_it_is_made_of(tmp_path):
    sid = "S-1-12-1-1943430372-1249052806-2496021943-3034400218"
    assert cloud_id(sid) == "73d664e4-0886-4a73-b745-c694da45ddb4"
    facts = evtx(tmp_path, logon(1, "2026-03-22T08:00:00Z", TargetUserSid=sid, TargetUserName="Tanaka@corp.example", TargetDomainName="AzureAD"))
    (account,) = kinds(facts, "Account")
    assert account["key"] == "entra:73d664e4-0886-4a73-b745-c694da45ddb4" and account["upn"] == "tanaka@corp.example"
    assert [(f["to_key"], f["type"]) for f in kinds(facts, "HAS_ADDRESS")] == [("smtp:tanaka@corp.example", "upn")]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"), ("-", None), ("::1", None), ("127.0.0.1", None), ("fe80::3816:b2ee", None), (None, None)],
)
def test_an_address_of_the_computer_itself_is_from_nowhere(given, wanted):
    assert remote_ip(given) == wanted


@pytest.mark.parametrize(("given", "wanted"), [("10", 10), (10, 10), ("0x3e7", 999), ("", None), ("ten", None), (True, None), (None, None)])
def test_numbers_are_read_from_numbers_and_texts(given, wanted):
    assert int_of(given) == wanted


def test_a_log_that_is_read_twice_says_the_same_keys(tmp_path):
    row = json.loads(windows_events.nxlog().splitlines()[0])
    del row["RecordNumber"]
    path = tmp_path / "given.json"
    path.write_text("\n".join([json.dumps(row)] * 3) + "\n")
    facts = facts_of(path, now=NOW)
    assert len(kinds(facts, "Observation")) == 1 and "2 records standing in the file more than once, read once" in notes(facts)


def test_local_time_without_a_zone_is_told(tmp_path):
    row = json.loads(windows_events.nxlog().splitlines()[0])
    del row["@timestamp"]
    path = tmp_path / "given.json"
    path.write_text(json.dumps([row]))
    facts = facts_of(path, now=NOW)
    assert kinds(facts, "Observation")[0]["at"] == seconds("2026-03-22T17:00:00Z")
    assert any("local time" in note for note in notes(facts))


def test_a_zip_of_nxlog_files_is_read_member_by_member(tmp_path):
    lines = windows_events.nxlog().splitlines(keepends=True)
    with zipfile.ZipFile(tmp_path / "given.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", "".join(lines[:9]))
        archive.writestr("b/c.json", json.dumps([json.loads(line) for line in lines[9:]], indent=1))
        archive.writestr("readme.txt", "not a log")
    facts = facts_of(tmp_path / "given.zip", now=NOW)
    assert {f["key"] for f in kinds(facts, "Observation")} == {f["key"] for f in kinds(facts_of(fixture("windows_nxlog"), now=NOW), "Observation")}
    assert any(f["place"].startswith("b/c.json: item ") for f in kinds(facts, "Observation"))


# --- broken files ---


def test_a_log_cut_short_is_refused_whole(tmp_path):
    whole = fixture("windows_evtx").read_bytes()
    for size, what in ((60, "within its header"), (4096, "before the last"), (40_000, "before the last")):
        path = tmp_path / "cut.evtx"
        path.write_bytes(whole[:size])
        with pytest.raises(Broken, match=what):
            facts_of(path, now=NOW)


def test_a_damaged_record_is_refused_and_the_others_are_read(tmp_path):
    raw = bytearray(fixture("windows_evtx").read_bytes())
    at = raw.index("adm-sato".encode("utf-16-le")) - 60
    raw[at : at + 30] = b"\xff" * 30
    path = tmp_path / "damaged.evtx"
    path.write_bytes(bytes(raw))
    facts = facts_of(path, now=NOW)
    assert len(kinds(facts, "Observation")) >= 8 and any("damaged" in r["why"] for r in refused(facts))


def test_a_line_that_is_no_json_is_refused_and_a_cut_one_is_broken(tmp_path):
    lines = windows_events.winlogbeat().splitlines()
    path = tmp_path / "given.ndjson"
    path.write_text("\n".join([lines[0], "{oops", "[1]", lines[1]]) + "\n")
    facts = facts_of(path, now=NOW)
    assert [(r["place"], r["why"]) for r in refused(facts)] == [
        ("line 2", "not JSON: the line is damaged"), ("line 3, item 1", "not a JSON object")]  # fmt: skip
    path.write_text(lines[0] + "\n" + lines[1][:50])
    with pytest.raises(Broken, match="line 2: the file ends in the middle of a record"):
        facts_of(path, now=NOW)


# --- real samples ---

# file -> records, Observations, sessions, computers covered: counted with an independent reader
EVTX = {
    "4624_LT3_AnonymousLogon_Localhost_-_JuicyPotato.evtx": (3, 1, 0, 1),  # 1102; 4624 and 4634 of ANONYMOUS LOGON
    "CA_4624_4625_LogonType2_LogonProc_chrome.evtx": (4, 3, 2, 1),  # one failure, one SYSTEM service
    "DE_RDP_Tunnel_5156.evtx": (101, 9, 2, 1),  # 1102, three 4648, five 4624 (types 11, 7, 3, 3, 10); the three 4672 belong to them
    "DE_RDP_Tunneling_4624.evtx": (18, 3, 3, 1),  # three of type 10; twelve services, three of SYSTEM or ANONYMOUS LOGON
    "DE_sysmon-3-rdp-tun.evtx": (73, 0, 0, 0),
    "Invoke_TokenDuplication_UAC_Bypass4624.evtx": (1, 1, 0, 1),
    "LM_4624_mimikatz_sekurlsa_pth_source_machine.evtx": (6, 2, 0, 1),  # 1102, one of type 9 with its 4672
    "LM_WMIC_4648_rpcss.evtx": (5, 4, 0, 1),
    "LM_WMI_4624_4688_TargetHost.evtx": (8, 4, 0, 1),  # two of machines
    "NTLM2SelfRelay-med0x2e-security_4624_4688.evtx": (11, 5, 0, 1),  # 1102, four logons with their 4672
    "Runas_4624_4648_Webshell_CreateProcessAsUserA.evtx": (3, 3, 0, 1),
    "privesc_KrbRelayUp_windows_4624.evtx": (1, 1, 0, 1),
    "remote_task_update_4624_4702_same_logonid.evtx": (8, 4, 0, 1),
    "security_4624_4673_token_manip.evtx": (14, 2, 0, 1),
}


@pytest.mark.parametrize("name", EVTX)
def test_a_real_evtx_file_says_what_was_counted_otherwise(name):
    facts = facts_of(sample(f"evtx/{name}"), now=NOW)
    counted = Counter(fact.get("kind") for fact in facts)
    (records,) = [f["records"] for f in facts if "records" in f]
    assert (records, counted["Observation"], counted["SESSION_ON"], counted["LogCoverage"]) == EVTX[name]
    assert not refused(facts)
    assert all(f["at"] > seconds("2018-01-01T00:00:00Z") for f in kinds(facts, "Observation"))


def test_a_real_tunnelled_desktop_session_is_seen_with_its_account_and_privileges():
    facts = facts_of(sample("evtx/DE_RDP_Tunnel_5156.evtx"), now=NOW)
    admin = "ad:S-1-5-21-1587066498-1489273250-1035260531-1108"
    assert (admin, "host:pc01.example.corp", seconds("2019-02-13T18:04:58Z"), None) in sessions(facts)
    (logon_,) = [f for f in kinds(facts, "Observation") if f["key"] == "obs:windows/pc01.example.corp/security/227762"]
    assert logon_["as_who"] == "10 remote interactive" and logon_["note"] == "special privileges" and "ip" not in logon_


# file -> format, records, Observations, computers covered
JSON = {
    "covenant_copy_smb_CreateRequest.zip": ("windows_nxlog", 506, 2, 2),  # a logon, and C$ opened with it
    "covenant_psremoting_command.zip": ("windows_nxlog", 4284, 11, 3),  # five 4648, five logons of pgustavo, one ticket
    "empire_psexec_dcerpc_tcp_svcctl.zip": ("windows_nxlog", 4348, 3, 2),  # a logon, and the service it installed, in two logs
    "windows_nxlog_winlogbeat_sekoia.ndjson": ("windows_nxlog", 56, 4, 3),  # one of a certificate that was asked for
    "winlogbeat7_dataset-sample-small.json": ("windows_winlogbeat", 575, 0, 1),  # logons of machines only
    "lanl_auth_excerpt.txt": ("lanl_auth", 5, 2, 2),
    "lanl_redteam_749.csv": ("lanl_auth", 749, 749, 0),
}


@pytest.mark.parametrize("name", JSON)
def test_a_real_log_says_what_was_counted_otherwise(name):
    facts = facts_of(sample(name), now=NOW)
    (head,) = [f for f in facts if "records" in f]
    counted = Counter(fact.get("kind") for fact in facts)
    assert (head["format"], head["records"], counted["Observation"], counted["LogCoverage"]) == JSON[name]


def test_a_network_logon_of_a_real_attack_has_its_address_and_the_time_in_utc():
    facts = facts_of(sample("covenant_copy_smb_CreateRequest.zip"), now=NOW)
    (found,) = [f for f in kinds(facts, "Observation") if f["operation"] == "4624"]
    assert found["at"] == seconds("2020-09-22T18:53:32Z") and found["ip"] == "172.18.39.5" and found["note"] == "special privileges"
    assert {f["to_key"] for f in kinds(facts, "OBSERVED")} == {"ad:S-1-5-21-4228717743-1032521047-1810997296-1104", "host:workstation6.theshire.local"}


def test_explicit_credentials_of_a_real_attack_lead_to_the_next_workstation():
    facts = facts_of(sample("covenant_psremoting_command.zip"), now=NOW)
    ends = Counter((f["to_key"], f["role"]) for f in kinds(facts, "OBSERVED") if f["from_key"].startswith("obs:windows/workstation5"))
    assert ends[("host:workstation6", "target")] == 5 and ends[("host:workstation5.theshire.local", "target")] == 5


def test_no_other_sample_is_claimed_as_windows_logons():
    mine = {"windows_evtx", "windows_winlogbeat", "windows_nxlog", "sentinel_security_event", "lanl_auth"}
    formats = [fmt for fmt in registry.formats() if fmt.NAME in mine]
    root = DATA.parent
    if not root.is_dir():
        pytest.skip("the real samples are not beside this checkout")
    for path in (path for path in sorted(root.rglob("*")) if path.is_file() and path.is_relative_to(DATA) is False):
        for fmt in formats:
            assert fmt.detect(Source(path, path.name)) is None, f"{path.name}: {fmt.NAME}"


# --- fuzz ---


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), folder=st.sampled_from(sorted(FOLDERS)))
def test_a_mutated_log_ends_in_facts_or_in_a_clear_refusal(tmp_path, data, folder):
    path = tmp_path / "given.log"
    path.write_bytes(mutated(data, fixture(folder).read_bytes(), [b"4624", b'"', b",", b":", b"{", b"S-1-5", b"2026", b"0x", b"@"], [b"", b"\0", b"[]", b"null", b"\xff", b"9" * 30, b"{}"]))
    ends_well(next(fmt for fmt in registry.formats() if FOLDERS[folder] == fmt.NAME), path, NOW)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(value={"#text": "4624"})
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2), max_leaves=4))
def test_any_value_in_any_field_ends_in_facts_or_a_refused_record(tmp_path, value):
    rows = []
    for line in (windows_events.nxlog().splitlines()[:2] + windows_events.winlogbeat().splitlines()[:4]):
        record = json.loads(line)
        for holder in (record, record.get("winlog"), record.get("event_data")):
            for key in holder or ():
                rows.append(json.dumps({**record, key: value} if holder is record else {**record, "winlog": {**record.get("winlog", {}), key: value}}))
    path = tmp_path / "given.ndjson"
    path.write_text("\n".join(rows) + "\n")
    for fmt in (fmt for fmt in registry.formats() if fmt.NAME in ("windows_nxlog", "windows_winlogbeat")):
        out = FactBuffer()
        fmt.read(Source(path, "given.ndjson"), Options(now=NOW), out)
        out.frames()


def test_a_packed_log_is_not_taken_for_json(tmp_path):
    path = tmp_path / "given.gz"
    path.write_bytes(gzip.compress(windows_events.nxlog().encode()))
    with pytest.raises(registry.Unrecognised):
        registry.recognise(Source(path, "given.gz"))
