"""Sign-ins, Okta's events, Google's activities and Mimecast's records read in batches say what they say record by record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from loaders import graphjson, jsonbatch, jsonlog, trace_records
from loaders.base import Options, Source
from loaders.formats import entra_logs_graph, google_reports, mimecast, okta_system_log
from loaders.mimecast import Mimecast
from tests.support.golden import buffer_facts

HERE = Path(__file__).parent
SIGN_INS = json.JSONDecoder().raw_decode((HERE / "entra_logs_graph_signins" / "input.json").read_text())[0]
EVENTS = json.loads((HERE / "okta_system_log" / "input.json").read_text())
MAILS = [json.loads(line) for line in (HERE / "mimecast" / "input.ndjson").read_text().splitlines()]
ACTIVITIES = json.loads((HERE / "google_reports" / "input.json").read_text())["activities"]
SAMPLES = HERE.parents[2] / "shared" / "data"
NOW = 1_800_000_000
_JUNK = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=8), st.lists(st.integers(0, 2), max_size=2), st.builds(dict, city=st.just("x"), ipAddress=st.just(7)),
                  st.sampled_from(["2026-03-02T08:00:00.123Z", "2026-03-02 08:00:00", "2150-01-01T00:00:00Z", " null ", "unknown", "\x1f7\u3000",
                                   1_664_672_400_000, 4_164_672_400_000, " Hana@NISC.example ", "a@x.example;b@y.example", "healthmailbox1@nisc.example", "12", "<M1@nisc.example>"]))  # fmt: skip


def said(format_: Any, path: Path, small: int, size: int, now: int | None) -> list[dict[str, Any]] | str:
    with pytest.MonkeyPatch.context() as patch:
        for module in (graphjson, jsonlog, trace_records):
            patch.setattr(module, "SMALL", small)
        patch.setattr(jsonbatch, "BATCH_BYTES", size)
        out = FactBuffer()
        try:
            format_.read(Source(path, path.name), Options(now=now), out)
        except LoadError as error:
            return str(error)
    return buffer_facts(out, "x")


def agree(format_: Any, path: Path, size: int = 8 << 20, now: int | None = NOW) -> None:
    single, many = said(format_, path, 1 << 40, size, now), said(format_, path, 0, size, now)
    assert single == many


def lines(path: Path, records: list[Any]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def mutated(data: st.DataObject, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Copies of some records, with values exchanged at any depth, and ids of their own in some."""
    found = [json.loads(json.dumps(one)) for one in data.draw(st.lists(st.sampled_from(records), min_size=1, max_size=8))]
    for number, one in enumerate(found):
        for _ in range(data.draw(st.integers(0, 2))):
            inner = one
            for _ in range(data.draw(st.integers(1, 3))):
                if not isinstance(inner, dict) or not inner:
                    break
                key = data.draw(st.sampled_from(sorted(inner)))
                within = data.draw(st.sampled_from(inner[key])) if isinstance(inner[key], list) and inner[key] else inner[key]
                if data.draw(st.booleans()) or not isinstance(within, dict):
                    inner[key] = data.draw(_JUNK)
                    break
                inner = within
        if data.draw(st.booleans()):
            one |= {key: f"{number:08x}-0000-4000-8000-00000000000a" for key in ("id", "uuid") if key in one}
    return found


@pytest.mark.parametrize("size", [1000, 8 << 20])
@pytest.mark.parametrize("wrap", [lambda all_: all_, lambda all_: {"@odata.nextLink": "more", "value": all_}, lambda all_: {"value": all_, "records": []}])
def test_sign_ins_in_batches_say_what_single_ones_say(tmp_path, wrap, size):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(wrap([*SIGN_INS, 5, {"id": "x"}, *SIGN_INS]), indent=1))
    agree(entra_logs_graph, path, size)
    path.write_text(json.dumps(wrap(SIGN_INS))[:-3])
    agree(entra_logs_graph, path, size)


@pytest.mark.parametrize("now", [None, NOW, 1_600_000_000])
def test_times_of_sign_ins_and_events_are_believed_alike(tmp_path, now):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(SIGN_INS))
    agree(entra_logs_graph, path, now=now)
    agree(okta_system_log, lines(tmp_path / "x.ndjson", EVENTS), now=now)


def test_columns_are_used_at_all(tmp_path, monkeypatch):
    """A batch whose every record went the way of single ones would agree too."""
    monkeypatch.setattr(graphjson, "SMALL", 0)
    monkeypatch.setattr(jsonlog, "SMALL", 0)
    monkeypatch.setattr(trace_records, "SMALL", 0)
    monkeypatch.setattr(FactBuffer, "node", lambda self, label, key, place, **_: key)
    path = tmp_path / "x.json"
    path.write_text(json.dumps(SIGN_INS))
    out = FactBuffer()
    entra_logs_graph.read(Source(path, "x"), Options(now=NOW), out)
    assert out.frames()["Observation"].height >= len(SIGN_INS) - 2
    events = [one | {"uuid": f"{number:08x}-0000-4000-8000-000000000000"} for number, one in enumerate(EVENTS)]
    out = FactBuffer()
    okta_system_log.read(Source(lines(tmp_path / "x.ndjson", events), "x"), Options(now=NOW), out)
    assert out.frames()["Observation"].height > 3
    out = FactBuffer()
    google_reports.read(Source(lines(tmp_path / "g.ndjson", [signed_in("saml", "a@x.example", time) for time in range(5)]), "g"), Options(now=NOW), out)
    found = out.frames()
    assert found["Observation"].height == 4
    assert found["SIGNS_IN_TO"].height == 5  # the first goes the way of single ones
    monkeypatch.setattr(Mimecast, "take", lambda self, record, place: None)
    out = FactBuffer()
    mimecast.read(Source(lines(tmp_path / "m.ndjson", MAILS), "m"), Options(now=NOW), out)
    assert out.frames()["ADDRESSED_TO"].height == 2


@pytest.mark.parametrize("size", [1000, 8 << 20])
def test_events_in_batches_say_what_single_ones_say(tmp_path, size):
    numbered = [one | {"uuid": f"{number:08x}-0000-4000-8000-000000000000"} for number, one in enumerate(EVENTS)]
    agree(okta_system_log, lines(tmp_path / "x.ndjson", [*numbered, *EVENTS, 5, {"events": EVENTS[:2]}, *numbered[::-1]]), size)


def signed_in(app: str, person: str, time: int, *events: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": {"time": f"2026-03-02T08:0{time}:00.000Z", "uniqueQualifier": "7", "applicationName": app}, "actor": {"email": person, "profileId": "5"},
        "ipAddress": "192.0.2.7", "events": [{"type": "login", "name": "login_success", "parameters": [{"name": "application_name", "value": "Wiki"}]}, *events],
    }  # fmt: skip


@pytest.mark.parametrize("size", [1000, 8 << 20])
@pytest.mark.parametrize("wrap", [lambda all_: {"kind": "x", "activities": all_}, lambda all_: all_, None, lambda all_: {"activities": all_, "etag": "\ud800"}])
def test_activities_in_batches_say_what_single_ones_say(tmp_path, wrap, size):
    more = [signed_in(app, who, time, *({"type": "login", "name": "logout"} for _ in range(time % 3)))
            for app in ("login", "saml", "drive") for who in ("", "a@x.example", "B@x.example") for time in (1, 2, 1, 3)]  # fmt: skip
    given = [*ACTIVITIES, *more, 5, {"json": more[0]}, more[-1] | {"_raw": json.dumps(more[5])}, *ACTIVITIES[::-1], *more]
    path = tmp_path / "x.json"
    if wrap is None:
        lines(path, given)
    else:
        path.write_text(json.dumps(wrap(given)))
    agree(google_reports, path, size)
    path.write_bytes(path.read_bytes()[:-9])
    agree(google_reports, path, size)


@pytest.mark.parametrize("size", [1000, 8 << 20])
@pytest.mark.parametrize("now", [None, NOW, 1_664_600_000])
def test_mails_in_batches_say_what_single_ones_say(tmp_path, size, now):
    odd = [{"messageId": "<M1@nisc.example>", "type": "Receipt", "timestamp": 1_664_672_400_000, "recipients": given, "senderEnvelope": given, "emailSize": " 7 "}
           for given in ("Ken@NISC.example", "smtp:ken@nisc.example", "o'neil@nisc.example", "ken@localhost", "healthmailbox9@x.example", "a@x.example, b@x.example",
                         "a@-x.example", "a@" + "x" * 70 + ".example", "カ@x.example", "")]  # fmt: skip
    path = lines(tmp_path / "x.ndjson", [*MAILS, *odd, 5, {"_source": MAILS[1]}, MAILS[1] | {"_raw": json.dumps(MAILS[0])}, *MAILS[::-1]])
    agree(mimecast, path, size, now)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"}\n", b"}\r\n\n", 2) + b'{"cut')
    agree(mimecast, path, size, now)
    agree(mimecast, lines(path, [{}]), size, now)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real samples are not here")
@pytest.mark.parametrize(("format_", "name"), [(okta_system_log, "09_network/okta_panther_tests.ndjson"), (mimecast, "02_message_trace/mimecast_sekoia.ndjson")])
def test_the_real_records_are_read_alike(format_, name):
    agree(format_, SAMPLES / name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_sign_ins_are_read_alike(tmp_path, data):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(mutated(data, SIGN_INS)))
    agree(entra_logs_graph, path, data.draw(st.sampled_from([500, 8 << 20])))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_events_are_read_alike(tmp_path, data):
    agree(okta_system_log, lines(tmp_path / "x.ndjson", mutated(data, EVENTS)), data.draw(st.sampled_from([500, 8 << 20])))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_mails_are_read_alike(tmp_path, data):
    agree(mimecast, lines(tmp_path / "x.ndjson", mutated(data, MAILS)), data.draw(st.sampled_from([500, 8 << 20])))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_activities_are_read_alike(tmp_path, data):
    given_ = mutated(data, [*ACTIVITIES[:4], *(signed_in(app, "a@x.example", time) for app in ("login", "saml") for time in (1, 2))])
    agree(google_reports, lines(tmp_path / "x.ndjson", [*given_, *given_[::-1]]), data.draw(st.sampled_from([500, 8 << 20])))
