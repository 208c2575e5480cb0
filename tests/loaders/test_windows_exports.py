"""Windows logons as tools that read EVTX export them: one log says the same through each; what each tool does to it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import registry
from loaders.base import Broken, Source
from loaders.windows_text import fields
from tests.support import windows_exports
from tests.support.fuzz import ends_well, mutated
from tests.support.golden import check_golden, facts_of
from tests.support.windows_events import EVENTS

HERE = Path(__file__).parent
NOW = 1_800_000_000
FOLDERS = {
    "windows_xml": "windows_xml", "windows_evtx_json": "windows_evtx_json", "windows_evtxecmd": "windows_evtxecmd",
    "windows_viewer_csv": "windows_viewer_csv", "windows_viewer_csv_ja": "windows_viewer_csv", "defender_logons": "defender_logons",
    "sentinel_windows_event": "sentinel_windows_event", "splunk_windows": "splunk_windows",
    "windows_kibana_csv": "windows_kibana_csv", "hayabusa": "hayabusa", "plaso": "plaso",
}  # fmt: skip
WHOLE = ("windows_xml", "windows_evtx_json", "windows_evtxecmd", "sentinel_windows_event", "splunk_windows", "windows_kibana_csv", "plaso")


def fixture(folder: str) -> Path:
    (path,) = (HERE / folder).glob("input.*")
    return path


def notes(facts: list[dict]) -> list[str]:
    return [fact["note"] for fact in facts if set(fact) == {"note"}]


def observations(facts: list[dict], *without: str) -> set[str]:
    found = (fact for fact in facts if fact.get("kind") == "Observation")
    return {json.dumps({key: value for key, value in fact.items() if key not in ("place", *without)}, sort_keys=True) for fact in found}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_small_export_says_exactly_what_its_golden_file_lists(folder):
    check_golden(HERE / folder, now=NOW)


@pytest.mark.parametrize(("folder", "name"), FOLDERS.items())
def test_an_export_is_claimed_by_its_own_format_alone(folder, name):
    source = Source(fixture(folder), folder)
    assert [fmt.NAME for fmt in registry.formats() if fmt.detect(source)] == [name]


def test_the_fixtures_are_the_log_they_were_written_from():
    assert fixture("windows_xml").read_bytes() == windows_exports.xml()
    assert fixture("windows_evtx_json").read_text() == windows_exports.evtx_json()
    assert fixture("windows_evtxecmd").read_bytes() == windows_exports.evtxecmd().encode()
    assert fixture("sentinel_windows_event").read_bytes() == windows_exports.windows_event().encode()
    assert fixture("windows_kibana_csv").read_text() == windows_exports.kibana()
    assert fixture("splunk_windows").read_bytes() == windows_exports.splunk().encode()
    assert fixture("windows_viewer_csv").read_bytes() == windows_exports.viewer("en").encode()
    assert fixture("windows_viewer_csv_ja").read_bytes() == windows_exports.viewer("ja").encode("cp932")


@pytest.mark.parametrize("folder", WHOLE)
def test_one_log_says_the_same_of_logons_through_each_tool(folder):
    shipped = facts_of(fixture("windows_nxlog"), now=NOW)
    assert observations(facts_of(fixture(folder), now=NOW)) == observations(shipped)


def test_what_event_viewer_shows_is_the_same_log_less_record_numbers_and_sids():
    english, japanese = (facts_of(fixture(name), now=NOW) for name in ("windows_viewer_csv", "windows_viewer_csv_ja"))
    assert observations(english, "key") == observations(japanese, "key")
    of_one = [fact for fact in facts_of(fixture("windows_nxlog"), now=NOW) if "/pc01." in fact.get("key", "")]
    assert len(observations(english, "key")) == len(observations(of_one, "key"))
    people = {fact["key"] for fact in english if fact.get("kind") == "Account"}
    assert people == {"account:corp\\tanaka", "account:corp\\adm-sato", "account:corp\\suzuki"}
    assert {fact["key"] for fact in english if fact.get("kind") == "Server"} == {"host:pc01", "host:file01"}
    assert "the columns name no computer: PC01, whose own account stands in the records" in notes(english)
    assert any("local time" in note for note in notes(english))


def test_a_description_without_its_computer_or_in_another_language_is_refused(tmp_path):
    path = tmp_path / "saved.csv"
    head = "Keywords,Date and Time,Source,Event ID,Task Category\r\n"
    row = 'Audit Success,3/22/2026 8:00:00 AM,Microsoft-Windows-Security-Auditing,4624,Logon,"{}"\r\n'
    path.write_text(head + row.format("New Logon:\r\n\tAccount Name:\t\ttanaka\r\n") + row.format("Ein Konto wurde erfolgreich angemeldet."))
    refused = [fact["refused"] for fact in facts_of(path, now=NOW) if "refused" in fact]
    assert [(found["place"], found["why"].partition(":")[0]) for found in refused] == [
        ("row 2", "nothing names the computer, or the log is of several"), ("row 3", "its description is empty or in a language not read here"),
    ]  # fmt: skip


def test_of_forwarded_events_only_records_that_name_their_computer_are_read(tmp_path):
    path = tmp_path / "forwarded.csv"
    row = 'Audit Success,3/22/2026 8:00:0{n} AM,Microsoft-Windows-Security-Auditing,4624,Logon,"{who}Logon Type:\t{kind}\n\nNew Logon:\n\tAccount Name:\ttanaka\n"\n'
    own = "Subject:\n\tAccount Name:\t{}$\n\tLogon ID:\t0x3E7\n\n"
    rows = [row.format(n=1, who=own.format("PC01"), kind=2), row.format(n=2, who=own.format("PC02"), kind=2), row.format(n=3, who="", kind=3)]
    path.write_text("Keywords,Date and Time,Source,Event ID,Task Category\n" + "".join(rows))
    facts = facts_of(path, now=NOW)
    assert {fact["to_key"] for fact in facts if fact.get("kind") == "SESSION_ON"} == {"host:pc01", "host:pc02"}
    assert [fact["refused"]["place"] for fact in facts if "refused" in fact] == ["row 4"]


def test_get_winevent_names_the_computer_and_the_record(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(
        '#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\n"Message","Id","RecordId","ProviderName","LogName","MachineName","TimeCreated"\n'
        '"New Logon:\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1101\n\tAccount Name:\t\ttanaka\n\tLogon ID:\t\t0x51A01\nLogon Type:\t\t3","4624","7","x","Security",'
        '"PC01.corp.example","22/03/2026 08:00:00"\n'
    )
    (found,) = (fact for fact in facts_of(path, now=NOW) if fact.get("kind") == "Observation")
    assert (found["key"], found["as_who"], found["session"]) == ("obs:windows/pc01.corp.example/security/7", "3 network", "0x51a01")


def test_three_picked_columns_are_enough_where_a_record_names_its_computer(tmp_path):
    path = tmp_path / "picked.csv"
    path.write_text(
        '"TimeCreated","Id","Message"\n"13/03/2026 08:00:00","4624","Subject:\n\tAccount Name:\tPC01$\n\tLogon ID:\t0x3E7\nLogon Type:\t2\n\nNew Logon:\n'
        '\tAccount Name:\ttanaka\n\tAccount Domain:\tCORP\n"\n'
    )
    facts = facts_of(path, now=NOW)
    assert [(fact["from_key"], fact["to_key"]) for fact in facts if fact.get("kind") == "SESSION_ON"] == [("account:corp\\tanaka", "host:pc01")]


@pytest.mark.parametrize(("number", "text", "said"), [
    (1149, "User authentication succeeded:\n\nUser: sato\nDomain: CORP\nSource Network Address: 203.0.113.9\n", {"User": "CORP\\sato", "Address": "203.0.113.9"}),
    (21, "セッション ログオンに成功しました:\n\nユーザー: CORP\\sato\nセッション ID: 3\nソース ネットワーク アドレス: ローカル\n", {"User": "CORP\\sato", "SessionID": "3", "Address": "ローカル"}),
    (4634, "Subject:\n\tSecurity ID:\t\tS-1-5-21-1-2-3-4\n\tAccount Name:\tsato\n", {"TargetUserSid": "S-1-5-21-1-2-3-4", "TargetUserName": "sato"}),
    (4776, "Logon Account:\tsato\nSource Workstation:\tWS9\nError Code:\t0xC000006A", {"TargetUserName": "sato", "Workstation": "WS9", "Status": "0xC000006A"}),
    (4624, "no such lines", {}),
])  # fmt: skip
def test_a_description_gives_the_events_own_fields(number, text, said):
    found = fields(number, text)
    assert {name: value for name, value in found.items() if name in said} == said
    assert bool(found) == bool(said)


def test_an_xml_log_with_a_root_or_headers_between_is_read_alike(tmp_path):
    bare = windows_exports.xml().decode("utf-16")
    wanted = observations(facts_of(fixture("windows_xml"), now=NOW))
    path = tmp_path / "log.xml"
    for text in (f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<Events>{bare}</Events>', bare.replace("<Event ", 'Record 1\n<?xml version="1.0"?>\n<Event ')):
        path.write_text(text, encoding="utf-8")
        assert observations(facts_of(path, now=NOW)) == wanted
    path.write_text(bare[:-20], encoding="utf-8")
    with pytest.raises(Broken, match="in the middle of an event"):
        facts_of(path, now=NOW)


def test_numbered_json_of_evtx_dump_and_hunts_of_chainsaw_are_read(tmp_path):
    events = [json.loads(line) for line in windows_exports.evtx_json().splitlines()]
    wanted = observations(facts_of(fixture("windows_evtx_json"), now=NOW))
    path = tmp_path / "log.json"
    path.write_text("".join(f"Record {number}\n{json.dumps(event, indent=2)}\n" for number, event in enumerate(events, 1)))
    assert observations(facts_of(path, now=NOW)) == wanted
    path.write_text(json.dumps([{"group": "Sigma", "document": {"kind": "evtx", "data": event if "Event" in event else {"Event": event}}} for event in events]))
    assert observations(facts_of(path, now=NOW)) == wanted


def test_a_payload_that_a_spreadsheet_cut_is_refused(tmp_path):
    lines = windows_exports.evtxecmd().splitlines(keepends=True)
    path = tmp_path / "log.csv"
    path.write_text(lines[0] + lines[1][:-20] + '"\r\n', encoding="utf-8")
    (found,) = (fact["refused"] for fact in facts_of(path, now=NOW) if "refused" in fact)
    assert found["place"] == "row 2, column payload"


def test_a_timeline_of_hayabusa_names_what_its_short_words_say_and_json_says_the_same(tmp_path):
    facts = facts_of(fixture("hayabusa"), now=NOW)
    assert [(fact["to_key"], fact["valid_from"], fact["valid_until"]) for fact in facts if fact.get("kind") == "SESSION_ON"] == [("host:pc01.corp.example", 1774166400, 1774171800)]
    assert {(fact["operation"], fact.get("ip"), fact.get("note")) for fact in facts if fact.get("kind") == "Observation"} == {
        ("4624", "203.0.113.9", None), ("4624", "198.51.100.7", "special privileges; from ws9"), ("4625", "198.51.100.66", "wrong password; from kali"), ("4648", None, None),
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(fixture("hayabusa").read_text(encoding="utf-8"))))
    for row in rows:
        row |= {name: dict(part.split(": ", 1) for part in row[name].split(" ¦ ") if ": " in part) for name in ("Details", "ExtraFieldInfo")}
    path = tmp_path / "timeline.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert observations(facts_of(path, now=NOW)) == observations(facts)


def test_splunk_exports_json_as_well(tmp_path):
    rows = list(csv.DictReader(io.StringIO(windows_exports.splunk())))
    wanted = observations(facts_of(fixture("splunk_windows"), now=NOW))
    path = tmp_path / "export.json"
    path.write_text("".join(json.dumps({"preview": False, "offset": n, "result": row}) + "\n" for n, row in enumerate(rows)))
    assert observations(facts_of(path, now=NOW)) == wanted


def test_flat_fields_of_elastic_and_alerts_of_wazuh_are_read_as_what_they_are_of(tmp_path):
    wanted = observations(facts_of(fixture("windows_nxlog"), now=NOW))
    flat, wazuh = [], []
    for event in EVENTS:
        beside = {"channel": event.get("channel", "Security"), "computer_name": event["computer"], "event_id": str(event["id"]), "record_id": str(event["record"])}
        fields = {f"winlog.event_data.{name}": str(value) for name, value in event["data"].items()}
        flat.append({"@timestamp": event["at"], "host.name": "collector"} | {f"winlog.{name}": value for name, value in beside.items()} | fields)
        system = {"eventID": str(event["id"]), "systemTime": event["at"], "eventRecordID": str(event["record"]), "channel": beside["channel"], "computer": event["computer"]}
        data = {name[:1].lower() + name[1:]: str(value) for name, value in event["data"].items()}
        wazuh.append({"timestamp": "2026-03-22T23:00:00.000+0000", "agent": {"name": "PC01"}, "data": {"win": {"system": system, "eventdata": data}}})
    path = tmp_path / "log.json"
    for shipped in (flat, wazuh):
        path.write_text("".join(json.dumps(record) + "\n" for record in shipped))
        assert observations(facts_of(path, now=NOW)) == wanted


def test_local_times_are_read_in_the_zone_that_is_said():
    for folder in ("windows_viewer_csv_ja", "windows_kibana_csv"):
        plain, japan = (facts_of(fixture(folder), now=NOW, zone=zone) for zone in (None, "Asia/Tokyo"))
        shifted = [{fact["at"] for fact in facts if fact.get("kind") == "Observation"} for facts in (plain, japan)]
        assert shifted[1] == {at - 9 * 3600 for at in shifted[0]}
        assert any("were read as of the zone Asia/Tokyo" in note for note in notes(japan))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), folder=st.sampled_from(sorted(FOLDERS)))
def test_a_mutated_export_ends_in_facts_or_in_a_clear_refusal(tmp_path, data, folder):
    path = tmp_path / "given.log"
    words, others = [b"4624", b'"', b",", b":", b"{", b"S-1-5", b"2026", b"0x", b"<", b"Event"], [b"", b"\0", b"[]", b"null", b"\xff", b"9" * 30, b"{}", b"&x;"]
    path.write_bytes(mutated(data, fixture(folder).read_bytes(), words, others))
    ends_well(next(fmt for fmt in registry.formats() if FOLDERS[folder] == fmt.NAME), path, NOW)


LOGON = {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "PC01$", "SubjectDomainName": "CORP", "SubjectLogonId": "0x3e7", "TargetUserSid": "S-1-5-21-1-2-3-1101",
         "TargetUserName": "tanaka", "TargetDomainName": "CORP", "TargetLogonId": "0x51a01", "LogonType": "10", "LogonProcessName": "User32",
         "AuthenticationPackageName": "Negotiate", "WorkstationName": "PC02", "LogonGuid": "{0}", "TransmittedServices": "-", "LmPackageName": "-", "KeyLength": "0",
         "ProcessId": "0x1", "ProcessName": "-", "IpAddress": "192.0.2.7", "IpPort": "1"}  # fmt: skip
FILE = {"data_type": "fs:stat", "timestamp": 1774166400000000, "timestamp_desc": "Creation Time", "message": "/etc/passwd", "display_name": "OS:/etc/passwd"}


def timeline(**more: object) -> dict:
    return {"data_type": "windows:evtx:record", "timestamp": 1774166400250000, "datetime": "2026-03-22T08:00:00.250000+00:00", "timestamp_desc": "Creation Time",
            "event_identifier": 4624, "record_number": 7, "source_name": "Microsoft-Windows-Security-Auditing", "computer_name": "PC01.corp.example"} | more  # fmt: skip


@pytest.mark.parametrize("write", [json.dumps, lambda records: "\n".join(json.dumps(record) for record in records)], ids=["list", "lines"])
def test_a_timeline_without_the_xml_is_read_by_the_order_of_the_strings_and_all_else_is_counted(write, tmp_path):
    path = tmp_path / "timeline.jsonl"
    odd = timeline(record_number=8, event_identifier=4648, strings=["S-1-5-18"])
    path.write_text(write([FILE, timeline(strings=list(LOGON.values())), timeline(event_identifier=4688), odd]))
    facts = facts_of(path, now=NOW)
    (seen,) = (fact for fact in facts if fact.get("kind") == "Observation")
    assert (seen["key"], seen["at"], seen["ip"], seen["as_who"]) == ("obs:windows/pc01.corp.example/security/7", 1774166400, "192.0.2.7", "10 remote interactive")
    assert [(fact["from_key"], fact["to_key"]) for fact in facts if fact.get("kind") == "SESSION_ON"] == [("ad:S-1-5-21-1-2-3-1101", "host:pc01.corp.example")]
    assert {note.partition(" ")[2].partition(",")[0] for note in notes(facts)} >= {"entry of the timeline about files and all else", "event without xml_string"}


def test_events_that_velociraptor_hunted_are_those_of_the_log(tmp_path):
    path = tmp_path / "hunt.jsonl"
    flat = {"EventTime": "2026-03-22T08:00:00.25Z", "Computer": "PC01.corp.example", "Channel": "Security", "EventID": 4624, "EventRecordID": 7, "UserSID": "",
            "EventData": dict(LOGON, LogonType=10), "Message": "An account was successfully logged on"}  # fmt: skip
    path.write_text(json.dumps(flat) + "\n" + json.dumps(flat | {"EventRecordID": 8, "EventData": None}) + "\n")
    facts = facts_of(path, now=NOW)
    assert [fact["key"] for fact in facts if fact.get("kind") == "Observation"] == ["obs:windows/pc01.corp.example/security/7"]
    assert [fact["refused"]["place"] for fact in facts if "refused" in fact] == ["line 2"]


def test_a_time_that_powershell_wrote_as_a_number_is_no_local_time(tmp_path):
    path = tmp_path / "events.json"
    message = "New Logon:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1101\r\n\tAccount Name:\t\ttanaka\r\n\tLogon ID:\t\t0x51A01\r\nLogon Type:\t\t3"
    path.write_text(json.dumps([{"Message": message, "Id": 4624, "RecordId": 7, "LogName": "Security", "MachineName": "PC01", "TimeCreated": "/Date(1774166400250)/"}]))
    facts = facts_of(path, now=NOW, zone="Asia/Tokyo")
    assert [fact["at"] for fact in facts if fact.get("kind") == "Observation"] == [1774166400]
    assert not [note for note in notes(facts) if "local time" in note]


@pytest.mark.parametrize(("more", "seen"), [
    ({"EventID": 4624, "Channel": "Security", "LogonType": 10}, ("4624", "192.0.2.7")),
    ({"EventID": 4625, "Channel": "Security", "LogonType": 3}, ("4625", "192.0.2.7")),
    ({"EventID": 21, "Channel": "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational", "LogonType": "null"}, ("21", "192.0.2.7")),
    ({"EventID": 1149, "Channel": "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational", "LogonType": "null"}, ("1149", "192.0.2.7")),
])  # fmt: skip
def test_sign_ins_that_velociraptor_put_into_columns_are_those_of_the_log(more, seen, tmp_path):
    path = tmp_path / "rdp.jsonl"
    row = {"EventTime": "2026-03-22T08:00:00Z", "Computer": "PC01.corp.example", "DomainName": "CORP", "UserName": "tanaka", "SourceIP": "192.0.2.7", "Description": "x",
           "Message": None, "EventRecordID": 7, "FullPath": "C:\\x"}  # fmt: skip
    path.write_text(json.dumps(row | more) + "\n")
    facts = facts_of(path, now=NOW)
    assert [(fact["operation"], fact["ip"]) for fact in facts if fact.get("kind") == "Observation"] == [seen]
    assert "account:corp\\tanaka" in {fact.get("to_key") for fact in facts}
