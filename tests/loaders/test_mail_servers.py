"""Logs of Exim, sendmail and Cisco's gateway: what becomes of a message, and what its lines do not say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import registry
from loaders.base import Source
from tests.support.fuzz import ends_well, mutated
from tests.support.golden import check_golden, facts_of

HERE = Path(__file__).parent
NOW = 1_800_000_000
FORMATS = ("exim", "sendmail", "cisco_esa_text")


def fixture(folder: str) -> Path:
    return HERE / folder / "input.log"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mail.log"
    path.write_text(text, encoding="utf-8")
    return path


def deliveries(facts: list[dict]) -> set[tuple[str, str]]:
    return {(fact["to_key"], fact["status"]) for fact in facts if fact.get("kind") == "ADDRESSED_TO"}


@pytest.mark.parametrize("folder", FORMATS)
def test_a_small_log_says_exactly_what_its_golden_file_lists(folder):
    check_golden(HERE / folder, now=NOW)


@pytest.mark.parametrize("folder", FORMATS)
def test_a_log_is_claimed_by_its_own_format_alone(folder):
    source = Source(fixture(folder), folder)
    assert [fmt.NAME for fmt in registry.formats() if fmt.detect(source)] == [folder]


def test_exim_tells_alias_login_and_what_came_of_a_delay():
    facts = facts_of(fixture("exim"), now=NOW)
    assert deliveries(facts) == {
        ("smtp:ann@corp.example", "delivered"), ("smtp:staff@corp.example", "delivered"), ("smtp:y@other.example", "delivered"), ("smtp:bob@example.net", "failed"),
    }  # fmt: skip
    assert [(fact["from_key"], fact["to_key"]) for fact in facts if fact.get("kind") == "FORWARDS_TO"] == [("group:staff@corp.example", "smtp:ann@corp.example")]
    assert {fact["sent"] for fact in facts if fact.get("kind") == "Message"} == {1772413200, 1772413560}
    assert [fact["refused"]["place"] for fact in facts if "refused" in fact] == ["line 10"]
    assert not [fact for fact in facts if "請求書" in str(fact)]


def test_exim_behind_syslog_keeps_hosts_apart(tmp_path):
    line = "Mar  2 10:00:00 {host} exim[7]: 2026-03-02 10:00:00 1rgABC-0001Xy-2Z {rest}\n"
    text = "".join(line.format(host=host, rest=rest) for host in ("mx1", "mx2") for rest in (f"<= bob@{host}.example S=1", "=> ann@corp.example R=x T=y", "Completed"))
    facts = facts_of(written(tmp_path, text), now=NOW)
    assert {fact["to_key"] for fact in facts if fact.get("kind") == "SENT_BY"} == {"smtp:bob@mx1.example", "smtp:bob@mx2.example"}


def test_sendmail_tells_several_recipients_failures_and_what_is_handed_on():
    facts = facts_of(fixture("sendmail"), now=NOW)
    assert deliveries(facts) == {
        ("smtp:ann@corp.example", "delivered"), ("smtp:x@other.example", "delivered"), ("smtp:y@other.example", "delivered"), ("smtp:bob@example.net", "failed"),
        ("smtp:cho@corp.example", "relayed"),
    }  # fmt: skip
    assert {fact["sent"] for fact in facts if fact.get("kind") == "Message"} == {1772445600, 1772445602, 1772445604}
    assert any("dates without a year: the first is taken to be of 2026" in fact["note"] for fact in facts if set(fact) == {"note"})


def test_a_gateway_tells_what_became_of_each_recipient_and_follows_a_message_that_is_rewritten():
    facts = facts_of(fixture("cisco_esa_text"), now=NOW)
    assert {(fact["to_key"], fact.get("status")) for fact in facts if fact.get("kind") == "ADDRESSED_TO"} == {
        ("smtp:ann@corp.example", "delivered"), ("smtp:cho@corp.example", "delivered"), ("smtp:x@other.example", "failed"), ("smtp:ann@corp.example", "discarded"),
        ("smtp:y@other.example", None),
    }  # fmt: skip
    assert sorted(fact["sent"] for fact in facts if fact.get("kind") == "Message") == [1772445600, 1772446200, 1772446260]
    assert {fact["to_key"] for fact in facts if fact.get("kind") == "SENT_BY"} == {"smtp:bob@example.net", "smtp:cho@corp.example"}
    assert [fact["refused"]["what"] for fact in facts if "refused" in fact] == ["not an address"]
    assert not [fact for fact in facts if "hush" in str(fact)]


def test_a_gateway_behind_syslog_is_read_alike(tmp_path):
    lines = [line[25:] for line in fixture("cisco_esa_text").read_text().splitlines()]
    path = written(tmp_path, "".join(f"<22>Mar  2 10:00:00 esa1 mail_logs: {line}\n" for line in lines))
    facts = facts_of(path, now=NOW)
    assert {(fact["to_key"], fact.get("status")) for fact in facts if fact.get("kind") == "ADDRESSED_TO"} >= {("smtp:x@other.example", "failed")}
    assert any("2026 as the latest possible before now" in fact["note"] for fact in facts if set(fact) == {"note"})


@pytest.mark.parametrize("folder", ["sendmail", "cisco_esa_text"])
def test_times_without_a_zone_are_read_in_the_one_that_is_said(folder):
    plain, japan = (facts_of(fixture(folder), now=NOW, zone=zone) for zone in (None, "+09:00"))
    shifted = [{fact["sent"] for fact in facts if fact.get("kind") == "Message"} for facts in (plain, japan)]
    assert shifted[1] == {at - 9 * 3600 for at in shifted[0]}


def test_a_postfix_log_of_local_times_is_read_in_the_zone_that_is_said_and_others_as_they_are(tmp_path):
    path = written(tmp_path, "".join(f"{at} mx postfix/{line}\n" for at in ("Oct  2 2022 10:00:05", "2022-10-02T10:00:05+02:00") for line in POSTFIX).replace("+02:00 mx", "+02:00 mx2"))
    sent = [{fact["sent"] for fact in facts_of(path, now=NOW, zone=zone) if fact.get("kind") == "Message"} for zone in (None, "Asia/Tokyo")]
    assert sent == [{1664704805, 1664697605}, {1664672405, 1664697605}]


POSTFIX = ("qmgr[1]: 4Qx1234567: from=<bob@example.net>, size=9, nrcpt=1 (queue active)", "local[2]: 4Qx1234567: to=<ann@corp.example>, relay=local, status=sent (ok)",
           "qmgr[1]: 4Qx1234567: removed")  # fmt: skip
EXIM = ("1rgABC-0001Xy-2Z <= bob@example.net H=x S=9", "1rgABC-0001Xy-2Z => ann <ann@corp.example> R=x T=y", "1rgABC-0001Xy-2Z Completed")
SENDMAIL = ("35U0001a000123: from=<bob@example.net>, size=9, msgid=<a@example.net>", "35U0001a000123: to=<ann@corp.example>, relay=mx, dsn=2.0.0, stat=Sent (ok)")
JOURNALS = {
    "postfix": [(f"postfix/{line.partition('[')[0]}", line.partition("]: ")[2]) for line in POSTFIX], "exim": [("exim4", line) for line in EXIM],
    "exim with its own time": [("exim4", f"2022-10-02 10:00:05 +0900 [77] {line}") for line in EXIM], "sendmail": [("sendmail", line) for line in SENDMAIL],
}  # fmt: skip


def journal(*said: tuple[str, object]) -> list[dict]:
    """Records of the journal, a second each, after one of another program."""
    return [{"_HOSTNAME": "mx", "SYSLOG_IDENTIFIER": program, "_PID": "7", "__REALTIME_TIMESTAMP": f"{1664672404 + at}123456", "MESSAGE": text}
            for at, (program, text) in enumerate([("systemd", "Started Session 1."), *said])]  # fmt: skip


def as_lines(records: list[dict]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.mark.parametrize("name", JOURNALS)
@pytest.mark.parametrize("write", [as_lines, json.dumps, lambda records: "\n".join(json.dumps(record, indent=4) for record in records)], ids=["lines", "list", "pretty"])
def test_the_journal_as_json_says_what_the_servers_own_log_would(name, write, tmp_path):
    path = written(tmp_path, write(journal(*JOURNALS[name])))
    facts = facts_of(path, now=NOW, zone="Asia/Tokyo")  # the journal tells UTC, whatever the zone
    assert [fmt.NAME for fmt in registry.formats() if fmt.detect(Source(path, "x"))] == [name.partition(" ")[0]]
    assert deliveries(facts) == {("smtp:ann@corp.example", "delivered")}
    assert [fact["sent"] for fact in facts if fact.get("kind") == "Message"] == [1664672405]
    assert [fact["to_key"] for fact in facts if fact.get("kind") == "SENT_BY"] == ["smtp:bob@example.net"]
    assert [fact["records"] for fact in facts if "records" in fact] == [len(JOURNALS[name]) + 1]


def test_a_journal_whose_mail_comes_late_and_whose_texts_are_bytes_is_read_and_what_is_no_record_refused(tmp_path):
    records = journal(*JOURNALS["postfix"])
    late = [dict(record, MESSAGE=list(record["MESSAGE"].encode())) for record in records[1:]]
    path = written(tmp_path, as_lines([records[0]] * 800 + late + [{"_HOSTNAME": "mx", "MESSAGE": None}]))
    facts = facts_of(path, now=NOW)
    assert deliveries(facts) == {("smtp:ann@corp.example", "delivered")}
    assert [fact["refused"]["place"] for fact in facts if "refused" in fact] == ["line 804"]


def docker(said: list[tuple[str, str]]) -> str:
    return as_lines([{"log": f"Oct  2 10:00:05 mx {program}[7]: {text}\n", "stream": "stdout", "time": "2022-10-02T01:00:05.5Z"} for program, text in said])


def beats(said: list[tuple[str, str]]) -> str:
    """As Filebeat ships the lines of a log; it was read in the new year."""
    return as_lines([{"@timestamp": "2023-01-01T00:00:00.000Z", "message": f"Oct  2 10:00:05 mx {program}[7]: {text}", "host": {"name": "collector"}} for program, text in said])


def parsed(said: list[tuple[str, str]]) -> str:
    """As Filebeat's system module parses them."""
    return as_lines([{"@timestamp": "2022-10-02T01:00:05.000Z", "message": text, "process": {"name": program, "pid": 7}, "host": {"name": "mx"}} for program, text in said])


def splunk(said: list[tuple[str, str]]) -> str:
    return as_lines([{"preview": False, "result": {"_raw": f"Oct  2 10:00:05 mx {program}[7]: {text}", "_time": "2022-10-02 01:00:05.000 UTC"}} for program, text in said])


def compose(said: list[tuple[str, str]]) -> str:
    return "".join(f"mail-postfix-1  | Oct  2 2022 10:00:05 mx {program}[7]: {text}\n" for program, text in said)


@pytest.mark.parametrize("name", ["postfix", "exim", "sendmail"])
@pytest.mark.parametrize("write", [docker, beats, parsed, splunk, compose])
def test_a_log_that_docker_filebeat_or_splunk_wrapped_is_the_servers_own(name, write, tmp_path):
    path = written(tmp_path, write(JOURNALS[name]))
    facts = facts_of(path, now=NOW, zone="Asia/Tokyo")
    assert [fmt.NAME for fmt in registry.formats() if fmt.detect(Source(path, "x"))] == [name]
    assert deliveries(facts) == {("smtp:ann@corp.example", "delivered")}
    assert [fact["sent"] for fact in facts if fact.get("kind") == "Message"] == [1664672405]


def test_the_year_of_what_docker_compose_shows_is_told_as_any_logs_is(tmp_path):
    facts = facts_of(written(tmp_path, compose(JOURNALS["postfix"]).replace("Oct  2 2022", "Oct  2")), now=1_664_800_000)
    assert [fact["sent"] for fact in facts if fact.get("kind") == "Message"] == [1664704805]


def test_a_journal_without_mail_is_of_no_format_here(tmp_path):
    assert not [fmt.NAME for fmt in registry.formats() if fmt.detect(Source(written(tmp_path, as_lines(journal() * 9)), "x"))]


@pytest.mark.parametrize("stamp", ["Sun 2022-10-02 01:00:05 UTC", "Sun 2022-10-02 10:00:05.123456 JST", "1664672405.123456", "2022-10-02T10:00:05+0900", "2022-10-02 10:00:05 +09"])
@pytest.mark.parametrize("name", ["postfix", "exim", "sendmail"])
def test_every_way_in_which_journalctl_writes_the_time_is_read(stamp, name, tmp_path):
    path = written(tmp_path, "-- Journal begins at Sat 2022-10-01 00:00:00 UTC, ends at Mon 2022-10-03 00:00:00 UTC. --\n"
                   + "".join(f"{stamp} mx {program}[7]: {text}\n" for program, text in JOURNALS[name]))  # fmt: skip
    assert [fact["sent"] for fact in facts_of(path, now=NOW) if fact.get("kind") == "Message"] == [1664672405]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), folder=st.sampled_from(FORMATS))
def test_a_mutated_log_ends_in_facts_or_in_a_clear_refusal(tmp_path, data, folder):
    path = tmp_path / "given.log"
    path.write_bytes(mutated(data, fixture(folder).read_bytes(), [b"=>", b"<=", b"@", b"to=", b"MID", b"RID", b"<", b"2026", b"id="], [b"", b"\0", b"<", b">", b"\xff", b"9" * 30, b"Feb 31"]))
    ends_well(next(fmt for fmt in registry.formats() if folder == fmt.NAME), path, NOW)
