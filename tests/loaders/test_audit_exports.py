"""Audit records as collectors and tools hand them on: the same facts as from the log itself; other audit tables; local times; ids of tokens."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from loaders import collectors, registry
from loaders.audit_batches import Batches
from loaders.audit_records import Records
from loaders.audit_shapes import Shapes
from loaders.audit_who import pairs_of, token_id
from loaders.base import Broken, Options, Source
from loaders.zones import Clock, zone_of
from tests.support import audit
from tests.support.exports import new_case
from tests.support.golden import check_golden, facts_of

HERE = Path(__file__).parent
NOW = 1_700_000_000
TOKEN = "oRtLpkXwZ0ilf7Q2c0kDAA"  # noqa: S105 - the id of one
Record = dict[str, Any]


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def said(path: Path, **options: Any) -> set[str]:
    """Facts without their places."""
    facts = [fact for fact in facts_of(path, now=NOW, **options) if "kind" in fact]
    return {json.dumps({k: v for k, v in fact.items() if k not in ("place", "collected")}, sort_keys=True) for fact in facts}


def lines(*records: Record) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def table(header: list[str], *rows: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return text.getvalue()


def splunk(record: Record) -> Record:
    return {"preview": False, "offset": 0, "result": {"_raw": json.dumps(record), "_time": "2023-06-01T08:00:00.000+0000", "sourcetype": "o365:management:activity"}}


def elastic(record: Record) -> Record:
    return {"_index": "logs-o365.audit-default", "_id": record["Id"], "_source": {"event": {"original": json.dumps(record), "dataset": "o365.audit"}}}


def listed(records: list[Record]) -> list[Record]:
    return [{"Name": name, "Value": value} for name, value in records]  # type: ignore[misc]


WRAPPED: dict[str, Callable[[list[Record]], str]] = {
    "Splunk, a result a line": lambda records: lines(*map(splunk, records)),
    "Splunk, one answer": lambda records: json.dumps({"results": [splunk(record)["result"] for record in records]}),
    "Splunk, _raw in a table": lambda records: table(["_time", "_raw", "host"], *(["2023-06-01", json.dumps(record), "h"] for record in records)),
    "Elastic, a hit a line": lambda records: lines(*map(elastic, records)),
    "Elastic, an answer of a search": lambda records: json.dumps({"took": 3, "hits": {"total": {"value": 2}, "hits": [elastic(record) for record in records]}}, indent=1),
    "Elastic, documents alone": lambda records: lines(*(elastic(record)["_source"] for record in records)),
    "Elastic's agent": lambda records: lines(*({"@timestamp": "2023-06-01T08:00:00Z", "message": json.dumps(record)} for record in records)),
    "its test files": lambda records: json.dumps({"events": [{"o365audit": record} for record in records]}, indent=4),
    "normalised, without the original": lambda records: lines(*({"o365": {"audit": record}} for record in records)),
}


@pytest.mark.parametrize("name", [f"unified_audit_log_{name}" for name in ("mailbox", "messages", "elastic")])
def test_a_small_export_says_exactly_what_its_golden_file_lists(name):
    check_golden(HERE / name, now=NOW, zone="+09:00")


def test_the_zone_of_a_tracking_log_is_told_by_when_its_messages_came_in():
    check_golden(HERE / "get_message_tracking_log_zone", now=NOW)


@pytest.mark.parametrize("name", WRAPPED)
def test_a_log_says_the_same_whatever_a_collector_put_around_its_records(tmp_path, name):
    path = tmp_path / "x"
    path.write_text(WRAPPED[name](audit.records()))
    fmt, claim = registry.recognise(Source(path, "x"))
    assert (fmt.NAME, claim.strength) == ("unified_audit_log", 8)
    assert said(path) == said(audit.write(tmp_path / "A.csv", "A", audit.records()))


def test_a_large_export_of_a_collector_says_the_same_in_batches_as_record_by_record(tmp_path):
    path = tmp_path / "x"
    tokens = [{"AppAccessContext": {"UniqueTokenId": TOKEN}}, {"AppAccessContext": {"UniqueTokenId": "A" * 22}, "UniqueTokenId": TOKEN}, {"UniqueTokenId": f" {TOKEN} "}, {"UniqueTokenId": 7}]
    opened = [
        audit.record(900 + at, "MailItemsAccessed", audit.ALICE, **audit.of(audit.ALICE), **audit.access("Bind", Folders=[audit.bind("\\Inbox", f"t{at}")]), **token)
        for at, token in enumerate(tokens)
    ]
    path.write_text(lines(*map(elastic, audit.records()), *audit.records()[:3], *opened))
    one, many = FactBuffer(), FactBuffer()
    records = Records(one, "unified_audit_log", NOW)
    for place, record in Shapes(Source(path, "x"), Options(now=NOW), one, records.skip):
        records.take(place, record)
    records.finish(False)
    batched = Records(many, "unified_audit_log", NOW)
    shapes = Shapes(Source(path, "x"), Options(now=NOW), many, batched.skip)
    Batches(batched, many).take(shapes._line_batches())
    batched.finish(False)
    assert one.notes == many.notes and one.records == many.records
    first, second = one.frames(), many.frames()
    assert first["Observation"]["token"].drop_nulls().to_list() == [TOKEN, TOKEN]
    assert {kind: sorted(map(str, frame.to_dicts())) for kind, frame in first.items()} == {kind: sorted(map(str, frame.to_dicts())) for kind, frame in second.items()}


def test_what_is_no_record_within_a_wrapper_is_refused_with_its_place(tmp_path):
    path = tmp_path / "x"
    path.write_text(lines(splunk(audit.records()[0]), {"result": {"_raw": '{"Operation": "cut'}}, {"result": {"_raw": "no JSON"}}))
    assert [fact["refused"]["place"] for fact in facts_of(path, now=NOW) if "refused" in fact] == ["line 2", "line 3"]


@pytest.mark.parametrize(
    ("given", "inner"),
    [
        ({"message": "plain words", "eventType": "x"}, {"message": "plain words", "eventType": "x"}),
        ({"result": "success", "id": 1}, {"result": "success", "id": 1}),
        ({"_source": {}}, {"_source": {}}),
        ({"_source": {"event": {"original": '{"a": 1}'}}}, {"a": 1}),
        ({"o365.audit.Operation": "Send", "o365.audit.UserId": "a@x", "tags": 1}, {"Operation": "Send", "UserId": "a@x", "tags": 1}),
    ],
)
def test_only_an_object_below_a_wrapper_is_taken_out_of_it(given, inner):
    assert collectors.inside(given) == inner


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["_source", "result", "_raw", "event", "original", "message", "o365", "audit", "Operation", "AuditData"]), inner, max_size=3), max_leaves=8)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["_source", "result", "_raw", "event", "message", "o365", "Operation"]), JSON, max_size=4))
@settings(max_examples=100, deadline=None)
def test_nothing_in_a_wrapper_is_met_with_a_crash(record):
    assert isinstance(collectors.inside(record), dict)


# -- values in other forms -------------------------------------------------------------------------------------------------


def test_parameters_are_read_as_a_list_an_object_a_command_and_as_text_of_a_list():
    wanted = {"Identity": "bob", "ForwardingSmtpAddress": "smtp:x@out.example", "GrantSendOnBehalfTo": "a;b"}
    given = listed(list(wanted.items()))  # type: ignore[arg-type]
    command = '-Identity "bob" -ForwardingSmtpAddress "smtp:x@out.example" -GrantSendOnBehalfTo ("a","b")'
    for form in (given, wanted, command, json.dumps(given)):
        assert pairs_of({"Parameters": form}, "Parameters") == wanted
    assert pairs_of({"P": {"Role_DisplayName": {"NewValue": "x", "OldValue": None}}}, "P", "OldValue") == {"Role.DisplayName": ""}
    assert pairs_of({"P": "no list"}, "P") == pairs_of({"P": "[broken"}, "P") == {}


def test_forwarding_that_was_set_by_a_command_written_as_text_is_not_lost(tmp_path):
    path = tmp_path / "x"
    record = audit.record(1, "Set-Mailbox", audit.ADMIN, RecordType=1, ObjectId=f"{audit.PATH}bob", Parameters='-Identity "bob" -ForwardingSmtpAddress "smtp:x@out.example"')
    path.write_text(lines(record))
    assert {fact["to_key"] for fact in kinds(facts_of(path, now=NOW), "FORWARDS_TO")} == {"smtp:x@out.example"}


def test_a_table_that_lost_how_mail_was_read_does_not_say_that_a_whole_folder_was(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(table(["o365.audit.CreationTime", "o365.audit.Id", "o365.audit.Operation", "o365.audit.UserId", "o365.audit.Workload", "o365.audit.MailboxOwnerUPN"],
                          ["2023-06-01T08:00:00", "00000000-0000-4000-8000-000000000001", "MailItemsAccessed", "a@agency.example", "Exchange", "a@agency.example"]))  # fmt: skip
    facts = facts_of(path, now=NOW)
    (observation,) = kinds(facts, "Observation")
    assert observation["key"].endswith("/00000000-0000-4000-8000-000000000001") and "note" not in observation
    assert {fact["role"] for fact in kinds(facts, "OBSERVED")} == {"actor", "mailbox"}


def test_the_key_of_what_an_application_did_is_not_taken_for_the_users_object_id(tmp_path):
    path = tmp_path / "x"
    path.write_text(lines(audit.record(1, "MailItemsAccessed", audit.ALICE, UserType=5, UserKey=audit.APP, **audit.of(audit.ALICE), **audit.access("Bind", Folders=[audit.bind("\\Inbox", "m1")]))))
    assert not [fact for fact in kinds(facts_of(path, now=NOW), "Account") if fact["key"].startswith("entra:")]


# -- other audit tables ----------------------------------------------------------------------------------------------------


def test_commands_of_an_exchange_servers_own_audit_log_are_read_as_those_of_the_cloud(tmp_path):
    path = tmp_path / "x.json"
    said_ = [{"Name": "Identity", "Value": "hana"}, {"Name": "ForwardingSmtpAddress", "Value": "smtp:x@out.example"}]
    path.write_text(json.dumps([{
        "ObjectModified": "nisc.example/Users/Hana", "CmdletName": "Set-Mailbox", "CmdletParameters": said_, "ModifiedProperties": [], "Succeeded": True,
        "Caller": "nisc.example/Users/Administrator", "RunDate": "2022-11-03T16:12:09+09:00", "Identity": "RgAA",
    }]))  # fmt: skip
    facts = facts_of(path, now=NOW)
    assert {(fact["to_key"], fact["valid_from"]) for fact in kinds(facts, "FORWARDS_TO")} == {("smtp:x@out.example", 1667459529)}
    assert [fact["succeeded"] for fact in kinds(facts, "Observation")] == [True]


def test_a_table_in_local_time_says_so_and_is_read_by_the_zone_that_is_named():
    path = HERE / "unified_audit_log_mailbox" / "input.csv"
    (here,) = {fact["at"] for fact in kinds(facts_of(path, now=NOW, zone="Asia/Tokyo"), "Observation") if fact["operation"] == "SendAs"}
    (there,) = {fact["at"] for fact in kinds(facts_of(path, now=NOW), "Observation") if fact["operation"] == "SendAs"}
    assert there - here == 9 * 3600
    assert any("say --zone" in fact.get("note", "") for fact in facts_of(path, now=NOW))


def test_no_subject_of_a_mailbox_audit_log_leaves_the_loader():
    assert "機密" not in str(facts_of(HERE / "unified_audit_log_mailbox" / "input.csv", now=NOW))


# -- zones -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "hours"), [("+09:00", 9), ("-0530", -5.5), ("UTC", 0), ("utc+2", 2), ("GMT-5", -5), ("Asia/Tokyo", 9)])
def test_a_zone_is_an_offset_or_a_name(text, hours):
    assert Clock(text).utc(1_700_000_000) == 1_700_000_000 - hours * 3600 and zone_of(text) is not None


@pytest.mark.parametrize("text", ["", "Tokio/Asia", "+25:00", "../etc/passwd", "JST time", "9"])
def test_what_is_no_zone_is_told_with_how_to_write_one(text):
    with pytest.raises(Broken, match=r"--zone: .* write \+09:00 or a name such as Asia/Tokyo"):
        zone_of(text)


def test_summer_time_is_told_by_the_nearest_message_and_mail_that_waited_is_no_evidence():
    summer, winter = 1_688_000_000, 1_701_000_000
    pairs = [(summer + 7200 + late, summer) for late in (1, 30, 5)] + [(winter + 3600 + late, winter) for late in (1, 2, 400)] + [(winter + 3600 + 5000, winter)]
    clock = Clock(evidence=pairs)
    assert clock.known and clock.words == "+01:00, +02:00"
    assert clock.utc(summer + 100_000) == summer + 92_800 and clock.utc(winter - 100_000) == winter - 103_600


def test_without_evidence_times_stay_as_they_are():
    clock = Clock(evidence=[(1_700_000_000, 1_600_000_000)])
    assert not clock.known and clock.utc(5) == 5


@given(st.lists(st.tuples(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000)), max_size=20), st.integers(0, 4_000_000_000))
@settings(max_examples=100, deadline=None)
def test_whatever_the_evidence_a_time_is_moved_by_no_more_than_a_zone_can(pairs, local):
    assert -14 * 3600 <= Clock(evidence=pairs).utc(local) - local <= 12 * 3600


# -- ids of tokens ---------------------------------------------------------------------------------------------------------


def test_the_token_of_an_audit_record_is_the_one_that_the_sign_in_log_gives(tmp_path):
    context = {"AADSessionId": audit.USER, "UniqueTokenId": TOKEN}
    access = audit.record(1, "MailItemsAccessed", audit.ALICE, AppAccessContext=context, **audit.of(audit.ALICE), **audit.access("Bind", Folders=[audit.bind("\\Inbox", "m1")]))
    (tmp_path / "a.json").write_text(lines(access))
    (tmp_path / "s.json").write_text(json.dumps([{
        "id": audit.USER, "createdDateTime": "2023-06-01T08:00:00Z", "userPrincipalName": audit.ALICE, "userId": audit.USER, "appDisplayName": "x", "ipAddress": "192.0.2.7",
        "status": {"errorCode": 0}, "uniqueTokenIdentifier": TOKEN,
    }]))  # fmt: skip
    for name, session in (("a.json", "5e551011-0000-4000-8000-000000000001"), ("s.json", None)):
        (observation,) = kinds(facts_of(tmp_path / name, now=NOW), "Observation")
        assert (observation["token"], observation.get("session")) == (TOKEN, session)


def test_sentinels_tables_tell_tokens_too(tmp_path):
    (tmp_path / "o.csv").write_text(table(
        ["TimeGenerated [UTC]", "OfficeWorkload", "Operation", "UserId", "OfficeId", "MailboxOwnerUPN", "AppAccessContext"],
        ["6/21/2023, 8:00:00.000 AM", "Exchange", "Send", audit.ALICE, audit.USER, audit.ALICE, json.dumps({"UniqueTokenId": TOKEN})],
    ))  # fmt: skip
    (tmp_path / "s.csv").write_text(table(
        ["CreatedDateTime [UTC]", "ResultType", "UserPrincipalName", "AppDisplayName", "IPAddress", "Id", "UniqueTokenIdentifier"],
        ["6/21/2023, 8:00:00.000 AM", "0", audit.ALICE, "x", "192.0.2.7", audit.USER, TOKEN],
    ))  # fmt: skip
    for name in ("o.csv", "s.csv"):
        assert [fact.get("token") for fact in kinds(facts_of(tmp_path / name, now=NOW), "Observation")] == [TOKEN]


@pytest.mark.parametrize("text", ["", "AAAAAAAAAAAAAAAAAAAAAA", "0000000000000000000000", "00000000-0000-0000-0000-000000000000", "AAAAAAAAAAAAAAAAAAAAAA=="])
def test_zeros_are_the_id_of_no_token(text):
    assert token_id(text) is None and token_id(f"{text}x") == f"{text}x"


# -- damage ----------------------------------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(WRAPPED)), st.integers(0, 4000), st.binary(max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_exports_end_with_facts_or_one_clear_line(tmp_path, name, at, noise):
    data = bytearray(WRAPPED[name](audit.records()[:12]).encode())
    data[at : at + len(noise)] = noise
    path = tmp_path / "x"
    path.write_bytes(data)
    try:
        facts_of(path, now=NOW)
    except LoadError as error:
        assert len(str(error).splitlines()) == 1


def test_a_log_loaded_under_two_zones_is_two_loads_and_a_zone_that_is_none_loads_nothing(tmp_path):
    case = new_case(tmp_path)
    path = HERE / "unified_audit_log_mailbox" / "input.csv"
    for zone in ("+09:00", "UTC"):
        report = case.load([path], Options(zone=zone))
        assert [line.status for line in report.files] == ["loaded"]
        assert report.files[0].manifest.options == {"zone": zone}
    assert [line.status for line in case.load([path], Options(zone="UTC")).files] == ["known"]
    (line,) = case.load([path], Options(zone="Tokio")).files
    assert line.status == "not loaded" and "--zone" in (line.error or "")
