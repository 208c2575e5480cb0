"""Windows logons many at a time: the same facts, refusals and notes as record by record, whatever stands in a log and in which order."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.facts import FactBuffer
from loaders import columns, jsonbatch, jsonlog, windows, windows_batches, windows_gathered
from loaders.base import Options, Source
from loaders.formats import lanl_auth, sentinel_security_event, windows_nxlog, windows_winlogbeat
from loaders.windows_sessions import Sessions
from tests.support import windows_events
from tests.support.golden import buffer_facts

HERE = Path(__file__).parent
NOW = 1_800_000_000
SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SID = "S-1-5-21-1-2-3-"
NAMES = st.sampled_from(["tanaka", "sato", "PC01$", "SYSTEM", "-", "", "suzuki@corp.example", "ANONYMOUS LOGON", " tanaka ", "????", "System.String[]"])
DOMAINS, COMPUTERS = st.sampled_from(["CORP", "corp.example", "NT AUTHORITY", "-", ""]), st.sampled_from(["pc01.corp.example", "PC01.corp.example", "pc2", "", "no host", "x"])
SIDS, IDS = st.sampled_from([f"{SID}1101", f"{SID}1102", "S-1-5-18", "S-1-0-0", "-", "", "S-1-12-1-1-2-3-4"]), st.sampled_from(["0x1", "0X1", "0x2", "0x3", "0x0", "-", "", " 0x1", "é"])
FIELDS = {
    "EventID": st.sampled_from(["4624", "4624", "4672", "4672", "4634", "4647", "4625", "4768", "4776", "4648", "1102", "4688", "x", "0x1210"]),
    "Computer": COMPUTERS, "Channel": st.sampled_from(["Security", "security", "", "System"]), "EventRecordId": st.integers(0, 30).map(str) | st.just(""),
    "TargetUserName": NAMES, "TargetDomainName": DOMAINS, "TargetUserSid": SIDS, "TargetSid": SIDS, "TargetLogonId": IDS, "SubjectUserName": NAMES,
    "SubjectDomainName": DOMAINS, "SubjectUserSid": SIDS, "SubjectLogonId": IDS, "LogonType": st.sampled_from(["2", "3", "10", "5", "0", "", "x", "0x3", "77"]),
    "IpAddress": st.sampled_from(["-", "::1", "203.0.113.9", "::ffff:203.0.113.9", "", "x"]), "WorkstationName": st.sampled_from(["WS9", "PC01", "-", ""]),
    "Workstation": st.sampled_from(["ws8", ""]), "Status": st.sampled_from(["0x0", "0xc000006d", "0xC0000064", "0x6", "", "-"]),
    "SubStatus": st.sampled_from(["0x0", "0xc000006a", "0xc0000064", ""]), "TargetServerName": st.sampled_from(["srv1", "localhost", ""]),
    "Account": st.sampled_from(["CORP\\ito", "ito", "\\", "", "??"]), "TargetAccount": st.sampled_from(["CORP\\abe", "", ""]), "SubjectAccount": st.sampled_from(["CORP\\ono", "", ""]),
}  # fmt: skip
TIMES = st.sampled_from(["2026-03-22T08:00:00.123Z", "2026-03-22T08:00:01Z", "2026-03-21T08:00:00Z", "3/22/2026, 8:10:30.000 AM", "", "-", "junk", "1601-01-01T00:00:00Z"])


def said(format_: Any, path: Path, one_by_one: bool, size: int = 1 << 20, waiting: int = 4096, spans: bool = False) -> list[dict[str, Any]]:
    whole = columns.chunks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "WAITING", waiting)
        patch.setattr(columns, "CHUNK", size)
        patch.setattr(columns, "chunks", lambda stream, _=0: whole(stream, size))
        patch.setattr(windows_gathered, "_FEW", 1 << 40 if one_by_one else 0)
        patch.setattr(windows_gathered, "_ROWS", size)
        patch.setattr(jsonlog, "SMALL", 0 if spans else 1 << 40)
        patch.setattr(jsonbatch, "BATCH_BYTES", 700 * size)
        if one_by_one:
            patch.setattr(columns, "texts_of", lambda *_, **__: None)
        out = FactBuffer()
        format_.read(Source(path, path.name), Options(now=NOW), out)
    return buffer_facts(out, "x")


@SOME
@given(rows=st.lists(st.fixed_dictionaries({"TimeGenerated": TIMES, **FIELDS}), min_size=1, max_size=40), left=st.sets(st.sampled_from(sorted(set(FIELDS) - {"EventID", "Computer"}))),
       size=st.sampled_from([400, 2000, 1 << 20]), waiting=st.sampled_from([2, 4096]))  # fmt: skip
def test_rows_of_a_table_say_the_same_as_columns_and_one_by_one(tmp_path, rows, left, size, waiting):
    text = io.StringIO()
    writer = csv.DictWriter(text, [name for name in rows[0] if name not in left], extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path / "given.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    assert said(sentinel_security_event, path, False, size, waiting) == said(sentinel_security_event, path, True, size, waiting)


@SOME
@given(data=st.data(), size=st.sampled_from([5, 1000]), waiting=st.sampled_from([2, 4096]))
def test_events_that_are_gathered_say_the_same_as_one_by_one(tmp_path, data, size, waiting):
    for format_, lines in ((windows_nxlog, windows_events.nxlog()), (windows_winlogbeat, windows_events.winlogbeat())):
        records = [json.loads(line) for line in lines.splitlines()]
        given = [json.loads(json.dumps(one)) for one in data.draw(st.lists(st.sampled_from(records), min_size=1, max_size=12))]
        for one in given:
            inner = one.get("winlog", {}).get("event_data", one) if data.draw(st.booleans()) else one.get("winlog", one)
            if isinstance(inner, dict) and data.draw(st.booleans()):
                key = data.draw(st.sampled_from([*sorted(inner), "IpAddress", "TargetLogonId", "RecordNumber", "record_id"]))
                inner[key] = data.draw(st.none() | st.booleans() | st.integers(-5, 30) | st.just(10**20) | IDS | NAMES | st.lists(st.integers(), max_size=1))
        texts = [json.dumps(wrapped(data, one, given), ensure_ascii=data.draw(st.booleans())) for one in given]
        path = tmp_path / "given.ndjson"
        path.write_text(encoding="utf-8", data="".join(text + "\n" for text in [*texts[:1], *data.draw(st.lists(st.sampled_from(["", "5", "{}", "[{}]", "cut {"]), max_size=2)), *texts[1:]]))
        single = said(format_, path, True, size, waiting)
        assert said(format_, path, False, size, waiting) == single
        assert said(format_, path, False, size, waiting, spans=True) == single


def wrapped(data: st.DataObject, record: dict[str, Any], others: list[Any]) -> dict[str, Any]:
    """A record with another time, or with what collectors put beside it or around it."""
    other = json.dumps(data.draw(st.sampled_from(others)))
    return data.draw(st.sampled_from([
        record, record, record, record | {"@timestamp": "2026-03-22T08:00:00+09:00"}, record | {"@timestamp": None}, record | {"@timestamp": "2026-03-22 08:00:00,5"},
        {"_source": record}, {"_source": {}} | record, record | {"message": other}, record | {"message": " " + other}, record | {"message": "\u3000" + other},
        record | {"event": {"original": other}}, record | {"event": "x"}, {"_raw": json.dumps(record)}, {"records": [record, 5]}, {"events": None} | record,
        {f"winlog.{key}": value for key, value in record.get("winlog", {}).items()} | record, {"Events": [record, record]},
    ]))  # fmt: skip


@pytest.mark.parametrize(("format_", "hit"), [(windows_nxlog, False), (windows_winlogbeat, False), (windows_winlogbeat, True)])
def test_events_that_are_plain_are_read_without_making_records_of_them(tmp_path, monkeypatch, format_, hit):
    lines = windows_events.nxlog() if format_ is windows_nxlog else windows_events.winlogbeat()
    plain = {str(id_): json.loads(line) for line in lines.splitlines() for id_ in (4624, 4672, 4634) if f" {id_}," in line.replace('":', '": ')}
    records = [record | {"message": message, "keywords": -9214364837600034816} for record, message in zip(plain.values(), ("アカウント", "", "Logon {x}"), strict=True)]
    path = tmp_path / "given.ndjson"
    path.write_text("".join(json.dumps({"_index": "logs", "_source": record} if hit else record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    single = said(format_, path, True)
    monkeypatch.setattr(windows.Logons, "take", lambda *_: pytest.fail("a plain event went its own way"))
    assert said(format_, path, False, spans=True) == single


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_local_times_are_counted_and_read_by_the_zone_in_columns_as_well(tmp_path, monkeypatch, zone):
    records = [{key: value for key, value in json.loads(line).items() if key != "@timestamp"} for line in windows_events.nxlog().splitlines()]
    path = tmp_path / "given.ndjson"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    found = []
    for small in (1 << 40, 0):
        monkeypatch.setattr(jsonlog, "SMALL", small)
        out = FactBuffer()
        windows_nxlog.read(Source(path, path.name), Options(now=NOW, zone=zone), out)
        found.append(buffer_facts(out, "x"))
    assert found[0] == found[1]
    assert any("local time" in fact.get("note", "") for fact in found[0])


def test_plain_rows_are_read_in_columns(tmp_path, monkeypatch):
    path = tmp_path / "given.csv"
    row = "2026-03-22T08:00:00Z,4624,pc01.corp.example,Security,{},tanaka,CORP," + SID + "1101,{:#x},3,203.0.113.9\n"
    head = "TimeGenerated,EventID,Computer,Channel,EventRecordId,TargetUserName,TargetDomainName,TargetUserSid,TargetLogonId,LogonType,IpAddress\n"
    path.write_text(head + "".join(row.format(n, n + 1) for n in range(50)))
    monkeypatch.setattr(windows.Logons, "take", lambda *_: pytest.fail("a plain row went its own way"))
    facts = said(sentinel_security_event, path, False)
    assert sum(fact.get("kind") == "Observation" for fact in facts) == 50
    assert windows_batches.FIELDS[0] == "TargetUserName"


@SOME
@given(rows=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["U1@DOM1", "C1$@DOM1", "U2@?", "ANONYMOUS LOGON@C2", "bad"]), st.sampled_from(["C1", "C2", "c1", "no host", "?"]),
                               st.sampled_from(["C1", "C3", "?"]), st.sampled_from(["Kerberos", "?", "NTLM"]), st.sampled_from(["Interactive", "interactive", "Network", "?"]),
                               st.sampled_from(["LogOn", "LogOff", "TGS"]), st.sampled_from(["Success", "Fail"])), max_size=30), last=st.sampled_from(["", "1,,a@,,c,,,,\n", "cut", "2,U1@DOM1,U1@DOM1,C1,C2,?,?,LogOn,Success"]), size=st.sampled_from([60, 400, 1 << 20]))  # fmt: skip
def test_lines_of_lanl_say_the_same_hashed_together_and_one_by_one(tmp_path, rows, last, size):
    path = tmp_path / "given.txt"
    path.write_text("".join(f"{time},U9@DOM1,{used},{source},{target},{package},{kind},{way},{result}\n" for time, used, target, source, package, kind, way, result in rows) + last)
    assert said(lanl_auth, path, False, size) == said(lanl_auth, path, True, size)


@SOME
@given(rows=st.lists(st.tuples(st.sampled_from(["s", "t"]), st.sampled_from(["", "1"]), st.just("a"), st.integers(0, 4), st.booleans(), st.sampled_from("pqr"), st.sampled_from(["", "9"])), max_size=14))
def test_sessions_of_columns_are_those_that_follow_from_the_records_in_order(rows):
    wanted: set[tuple[Any, ...]] = set()
    for group in {row[:3] for row in rows}:
        begun: tuple[Any, ...] | None = None
        ended = False
        for at, begins, place, record in sorted(row[3:] for row in rows if row[:3] == group):
            if begun is not None and (begins or at > begun[0]):
                wanted.add((group[0], begun[0], None, begun[1], begun[2]) if begins else (group[0], begun[0], at, f"{begun[1]}; ended: {place}", begun[2]))
            if not begins and begun is None and not ended:
                wanted.add((group[0], None, at, place, record or None))
            begun, ended = ((at, place, record or None), False) if begins else (None, True)
        if begun is not None:
            wanted.add((group[0], begun[0], None, begun[1], begun[2]))
    sessions, out = Sessions(), FactBuffer()
    for row in rows[:5]:
        sessions.add(*row)
    sessions.extend(pl.DataFrame(rows[5:], schema=["server", "id", "account", "at", "begins", "place", "record"], orient="row") if rows[5:] else pl.DataFrame(
        schema={"server": pl.String, "id": pl.String, "account": pl.String, "at": pl.Int64, "begins": pl.Boolean, "place": pl.String, "record": pl.String}))  # fmt: skip
    sessions.state(out)
    frame = out.frames().get("SESSION_ON")
    assert (set(frame.select("to_key", "valid_from", "valid_until", "place", "record").rows()) if frame is not None else set()) == wanted
