"""Logs of Exim, sendmail and Cisco's gateway: what becomes of a message, and what its lines do not say."""

from __future__ import annotations

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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), folder=st.sampled_from(FORMATS))
def test_a_mutated_log_ends_in_facts_or_in_a_clear_refusal(tmp_path, data, folder):
    path = tmp_path / "given.log"
    path.write_bytes(mutated(data, fixture(folder).read_bytes(), [b"=>", b"<=", b"@", b"to=", b"MID", b"RID", b"<", b"2026", b"id="], [b"", b"\0", b"<", b">", b"\xff", b"9" * 30, b"Feb 31"]))
    ends_well(next(fmt for fmt in registry.formats() if folder == fmt.NAME), path, NOW)
