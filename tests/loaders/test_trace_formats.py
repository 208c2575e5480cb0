"""Logs of passing mail: JSON traces, Exchange tracking logs, Postfix and the gateways."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.facts import FactBuffer
from graphmodel.identity import message_key
from loaders import registry
from loaders.base import Broken, Source
from loaders.trace import Trace
from tests.support.fuzz import ends_well, mutated
from tests.support.golden import buffer_facts, check_golden, facts_of, read_into

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data"
NOW = 1_800_000_000  # 2027-01-15: later than every sample
FORMATS = {
    "message_trace_json": "message_trace_json", "message_trace_odata": "message_trace_json", "msgtrk": "msgtrk", "msgtrk_2010": "msgtrk",
    "get_message_tracking_log": "get_message_tracking_log",
    "postfix": "postfix", "cisco_esa": "cisco_esa", "proofpoint_pod": "proofpoint_pod", "mimecast": "mimecast", "vade": "vade",
}  # fmt: skip
# file -> format, records, messages, pairs of message and recipient, of these delivered at a known time, refused: counted by eye.
SAMPLES = {
    "message_trace_elastic.ndjson": ("message_trace_json", 1, 1, 1, 1, 0),
    "message_trace_odata_sekoia.ndjson": ("message_trace_json", 1, 1, 1, 0, 0),  # GettingStatus
    "MSGTRK_elastic_fixture_noheader.log": ("msgtrk", 4, 2, 2, 1, 0),  # a shadow copy, RECEIVE, SEND, NOTIFYMAPI
    "cisco_esa_cef_sekoia.log": ("cisco_esa", 7, 6, 6, 4, 0),  # one without act, four DELIVERED, one DQ, one that names no message
    "proofpoint_pod_sekoia.ndjson": ("proofpoint_pod", 4, 1, 2, 0, 1),  # discarded; its recipient and another in To; "REDACTED" refused
    "mimecast_sekoia.ndjson": ("mimecast", 12, 4, 8, 1, 0),
    "vade_m365_sekoia.ndjson": ("vade", 4, 2, 3, 3, 0),  # two of the three messages carry one anonymised id
}


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def ends(facts: list[dict], kind: str) -> list[tuple[str, str]]:
    return [(fact["from_key"], fact["to_key"]) for fact in kinds(facts, kind)]


def notes(facts: list[dict]) -> list[str]:
    return [fact["note"] for fact in facts if set(fact) == {"note"}]


def fixture(folder: str) -> Path:
    (path,) = (HERE / folder).glob("input.*")
    return path


def sample(name: str) -> Path:
    path = DATA / "02_message_trace" / name
    if not path.is_file():
        assert not os.environ.get("CI"), f"{path} is missing"
        pytest.skip("the real samples are not beside this checkout")
    return path


def written(tmp_path: Path, text: str, name: str = "given.log") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("folder", FORMATS)
def test_a_small_log_says_exactly_what_its_golden_file_lists(folder):
    check_golden(HERE / folder, now=1_700_000_000)


@pytest.mark.parametrize(("folder", "name"), FORMATS.items())
def test_a_log_is_claimed_by_its_own_format_alone(folder, name):
    fmt, claim = registry.recognise(Source(fixture(folder), folder))
    assert name == fmt.NAME and 6 <= claim.strength <= 9


@pytest.mark.parametrize("folder", FORMATS)
def test_reading_a_log_twice_says_the_same(folder):
    path = fixture(folder)
    assert buffer_facts(read_into(path, now=NOW), "x") == buffer_facts(read_into(path, now=NOW), "x")


@pytest.mark.parametrize("folder", FORMATS)
def test_a_log_written_twice_into_one_file_counts_once(tmp_path, folder):
    text = fixture(folder).read_text(encoding="utf-8")
    if folder == "message_trace_odata":
        both = json.loads(text)
        both["value"] *= 2
        text, twice = text, json.dumps(both)
    else:
        twice = text + text.removeprefix("\ufeff")
    once, again = (facts_of(written(tmp_path, given_, f"{n}.log"), now=1_700_000_000) for n, given_ in enumerate((text, twice)))

    def facts(found: list[dict]) -> set[str]:
        return {json.dumps(fact | {"place": ""}, sort_keys=True) for fact in found if fact.get("kind") not in (None, "LogCoverage")}

    assert facts(once) == facts(again)


@pytest.mark.parametrize("folder", FORMATS)
def test_words_of_mail_never_leave_the_loader(folder):
    facts = str(facts_of(fixture(folder), now=NOW))
    assert "機密" not in facts and "secret" not in facts


@pytest.mark.parametrize("name", SAMPLES)
def test_the_real_samples_say_what_was_counted_in_them_by_hand(name):
    format_name, records, messages, pairs, delivered, refused = SAMPLES[name]
    facts = facts_of(sample(name), now=NOW)
    assert {"format": format_name, "records": records} in facts
    assert len({fact["key"] for fact in kinds(facts, "Message")}) == messages
    assert len(set(ends(facts, "ADDRESSED_TO"))) == pairs
    assert sum("delivered" in fact for fact in kinds(facts, "ADDRESSED_TO")) == delivered
    assert sum("refused" in fact for fact in facts) == refused


def test_the_real_postfix_lines_without_a_prefix_are_joined_by_queue_id_and_have_no_times():
    path = sample("postfix_sekoia.log")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if ": to=" in line and "status=" in line]
    wanted = {(line.split(":")[0], line.split("to=")[1].split(",")[0].strip("<>").casefold()) for line in lines}
    facts = facts_of(path, now=NOW)
    to = [fact for fact in kinds(facts, "ADDRESSED_TO") if fact.get("status") != "expanded"]
    assert {"format": "postfix", "records": 135} in facts
    assert len(to) == len(wanted) == 11
    assert not any("delivered" in fact for fact in to)
    assert Counter(fact["status"] for fact in to) == {"delivered": 5, "relayed": 4, "pending": 2}
    assert ("group:dmarc@example.org", "smtp:jdoe@example.org") in ends(facts, "FORWARDS_TO")


def test_only_these_formats_claim_the_samples_of_mail_logs():
    for path in sorted((DATA / "02_message_trace").glob("*")):
        registry.recognise(Source(path, path.name))
    others = [p for folder in ("01_m365_ual", "04_entra", "06_windows_logon", "09_network") for p in (DATA / folder).glob("*.*")]
    mine = [fmt for fmt in registry.formats() if fmt.NAME in set(FORMATS.values())]
    assert not [(p.name, fmt.NAME) for p in others for fmt in mine if fmt.detect(Source(p, p.name))]


# --- JSON ---


@pytest.mark.parametrize("shape", ["lines", "array", "value", "results", "pretty", "utf-16 lines", "utf-16 array"])
def test_records_are_found_in_every_shape_in_which_json_is_kept(tmp_path, shape):
    rows = [json.loads(line) for line in fixture("message_trace_json").read_text(encoding="utf-8").splitlines()]
    text = {
        "array": json.dumps(rows), "value": json.dumps({"@odata.context": "x", "value": rows}), "results": json.dumps({"d": {"results": rows}}),
        "pretty": json.dumps(rows, indent=2), "utf-16 array": json.dumps(rows),
    }.get(shape, "\n".join(json.dumps(row) for row in rows))  # fmt: skip
    path = tmp_path / "given.json"
    path.write_bytes(text.encode("utf-16" if shape.startswith("utf-16") else "utf-8-sig"))

    def said(facts: list[dict]) -> list[dict]:
        return [fact | {"place": ""} for fact in facts if "kind" in fact]

    assert said(facts_of(path, now=NOW)) == said(facts_of(fixture("message_trace_json"), now=NOW))


def test_a_json_log_that_ends_in_the_middle_of_a_record_loads_nothing(tmp_path):
    text = fixture("mimecast").read_text(encoding="utf-8")
    with pytest.raises(Broken, match="line 8: the file ends in the middle of a record"):
        read_into(written(tmp_path, text.rstrip("\n")[:-10]))
    with pytest.raises(Broken, match="the file ends in the middle"):
        read_into(written(tmp_path, fixture("message_trace_odata").read_text(encoding="utf-8")[:-40]))


def test_a_damaged_line_is_refused_and_the_rest_is_read(tmp_path):
    lines = fixture("vade").read_text(encoding="utf-8").splitlines()
    facts = facts_of(written(tmp_path, "\n".join([lines[0], '{"broken', "[1]", lines[1]]) + "\n"), now=NOW)
    assert [fact["refused"]["place"] for fact in facts if "refused" in fact] == ["line 2", "line 3"]
    assert len(kinds(facts, "Message")) == 2


# --- Exchange's tracking log ---


def test_an_inbox_rule_that_fired_is_proven_with_the_message_that_set_it_off():
    facts = facts_of(fixture("msgtrk"), now=NOW)
    (seen,) = kinds(facts, "Observation")
    about = {(fact["role"], fact["to_key"]) for fact in kinds(facts, "OBSERVED") if fact["from_key"] == seen["key"]}
    assert about == {
        ("mailbox", "mailbox:mari@nisc.example"), ("message", message_key("m2@abroad.example", None)), ("target", "smtp:ex@outside.example"),
        ("target", "rule:mari@nisc.example/inbox rule/ex@outside.example"),
    }  # fmt: skip


def test_a_rule_whose_owner_cannot_be_told_is_observed_but_given_to_nobody(tmp_path):
    text = fixture("msgtrk").read_bytes().decode().replace("mari@nisc.example,,x@abroad", "mari@nisc.example;ken@nisc.example,,x@abroad")
    rows = [line.replace(",mari@nisc.example,", ",x@abroad.example,") if "MAILBOXRULE" in line else line for line in text.splitlines()]
    rows = [line.replace(",mari@nisc.example,", ",mari@nisc.example;ken@nisc.example,") if "m2@abroad" in line else line for line in rows]
    facts = facts_of(written(tmp_path, "\r\n".join(rows)), now=NOW)
    (seen,) = kinds(facts, "Observation")
    assert "cannot be told" in seen["note"]
    assert not any("inbox rule" in fact["key"] for fact in kinds(facts, "Rule"))


def test_members_of_an_expanded_group_hold_its_rights_from_then_on_and_outsiders_only_get_its_mail():
    facts = facts_of(fixture("msgtrk"), now=NOW)
    members = {(fact["from_key"], fact["to_key"], fact["valid_from"]) for fact in kinds(facts, "MEMBER_OF")}
    assert ("group:team@nisc.example", "group:staff@nisc.example", 1664672404) in members
    assert ("account:sora@nisc.example", "group:team@nisc.example", 1664672405) in members
    assert ("group:staff@nisc.example", "smtp:guest@partner.example") in ends(facts, "FORWARDS_TO")
    assert not any("partner" in source for source, _ in ends(facts, "MEMBER_OF"))


def test_a_tracking_log_whose_fields_lack_a_column_is_broken_and_says_which(tmp_path):
    text = fixture("msgtrk").read_text(encoding="utf-8").replace("recipient-address,", "recipients,")
    with pytest.raises(Broken, match="no column recipient-address in #Fields"):
        read_into(written(tmp_path, text))


def test_columns_are_found_by_the_fields_line_in_whatever_order(tmp_path):
    head = "#Log-type: Message Tracking Log\n#Fields: event-id,source,date-time,sender-address,recipient-address,message-id\n"
    facts = facts_of(written(tmp_path, head + "DELIVER,STOREDRIVER,2022-10-02T01:00:00Z,a@x.example,b@x.example,<m>\n"), now=NOW)
    assert not kinds(facts, "ADDRESSED_TO") and "no time in the first column" in str(facts)
    head = "#Log-type: Message Tracking Log\n#Fields: date-time,event-id,source,sender-address,recipient-address,message-id\n"
    facts = facts_of(written(tmp_path, head + "2022-10-02T01:00:00Z,DELIVER,STOREDRIVER,a@x.example,b@x.example,<m>\n"), now=NOW)
    assert [fact["delivered"] for fact in kinds(facts, "ADDRESSED_TO")] == [1664672400]


# --- Postfix ---

RFC3164 = "Jun 13 10:00:0{n} mx postfix/{daemon}[1]: {rest}\n"


def test_a_queue_id_that_is_used_again_is_another_message():
    facts = facts_of(fixture("postfix"), now=NOW)
    by_host_and_use = {
        message_key("20221231235951.4A1B2C3D4E@mx1.nisc.example", None): {"smtp:x@abroad.example", "smtp:ken@nisc.example", "smtp:y@abroad.example", "smtp:staff@nisc.example"},
        message_key("second@abroad.example", None): {"smtp:hana@nisc.example"},
    }  # fmt: skip
    for key, to in by_host_and_use.items():
        assert {target for source, target in ends(facts, "ADDRESSED_TO") if source == key} == to
    assert len(kinds(facts, "Message")) == 4  # the same queue id on mx2 is a fourth


def test_a_bounce_that_follows_a_deferral_is_what_stays():
    (to_y,) = [fact for fact in kinds(facts_of(fixture("postfix"), now=NOW), "ADDRESSED_TO") if fact["to_key"] == "smtp:y@abroad.example"]
    assert to_y["status"] == "failed" and "delivered" not in to_y


@pytest.mark.parametrize(
    ("name", "now", "year"),
    [("mail.log-20210613", 1_700_000_000, 2021), ("maillog", 1_700_000_000, 2023), ("maillog", 1_685_000_000, 2022), ("maillog", None, None)],
)
def test_the_year_that_syslog_leaves_out_is_told_by_the_files_name_or_is_the_latest_possible(tmp_path, name, now, year):
    rest = "ABCDEF0123: to=<b@x.example>, relay=local, status=sent (delivered)"
    text = RFC3164.format(n=1, daemon="qmgr", rest="ABCDEF0123: from=<a@x.example>, size=1, nrcpt=1 (queue active)") + RFC3164.format(n=2, daemon="local", rest=rest)
    facts = facts_of(written(tmp_path, text, name), now=now)
    (to,) = kinds(facts, "ADDRESSED_TO")
    starts = {2021: 1623578402, 2022: 1655114402, 2023: 1686650402, None: None}
    assert to.get("delivered") == starts[year]
    assert any("without a year" in note for note in notes(facts))


@pytest.mark.parametrize(
    "prefix",
    ["2023-06-13T10:00:02.123456+09:00 mx postfix/local[7]: ", "<22>1 2023-06-13T01:00:02Z mx postfix/local 7 - - ", "<22>Jun 13 2023 01:00:02 mx postfix/local[7]: "],
)
def test_every_form_of_syslog_prefix_gives_the_same_time(tmp_path, prefix):
    lines = [f"{prefix}ABCDEF0123: message-id=<m@x.example>", f"{prefix}ABCDEF0123: to=<b@x.example>, relay=local, status=sent (delivered)"]
    (to,) = kinds(facts_of(written(tmp_path, "\n".join(lines) + "\n"), now=NOW), "ADDRESSED_TO")
    assert to["delivered"] == 1686618002


def test_what_is_handed_to_a_filter_on_the_same_host_is_not_yet_delivered():
    facts = facts_of(fixture("postfix"), now=NOW)
    by_key = {(fact["from_key"], fact["to_key"]): fact.get("status") for fact in kinds(facts, "ADDRESSED_TO")}
    assert by_key[message_key("second@abroad.example", None), "smtp:hana@nisc.example"] == "relayed"
    assert by_key[message_key("20230101001012.5F6A7B8C9D@mx1.nisc.example", None), "smtp:hana@nisc.example"] == "delivered"  # LMTP


# --- gateways ---


def test_a_subject_cannot_add_a_recipient_to_a_gateways_event():
    facts = facts_of(fixture("cisco_esa"), now=NOW)
    assert {target for _, target in ends(facts, "ADDRESSED_TO")} == {"smtp:ken@nisc.example", "smtp:x@abroad.example", "smtp:hana@nisc.example"}


def test_a_discarded_message_is_not_delivered_though_the_gateway_lists_its_recipients_as_delivered():
    statuses = {fact["to_key"]: fact.get("status") for fact in kinds(facts_of(sample("proofpoint_pod_sekoia.ndjson"), now=NOW), "ADDRESSED_TO") if fact["role"] == "envelope"}
    assert statuses == {"smtp:ceo@exec.vogon.science": "quarantined"}


def test_the_time_of_a_click_is_not_taken_for_the_messages():
    facts = facts_of(fixture("mimecast"), now=NOW)
    assert 1664700000 not in {fact.get("sent") for fact in kinds(facts, "Message")}


# --- the shared trace ---


def test_a_trace_with_little_memory_states_the_same_deliveries():
    small, large = FactBuffer(), FactBuffer()
    rng = random.Random(7)
    rows = [(f"msg:{n}", f"r{rng.randrange(3)}@x.example", rng.choice(["received", "delivered", "failed"]), 1_600_000_000 + n) for n in range(400)]
    for out, held in ((small, 8), (large, 10_000)):
        trace = Trace(out, held=held)
        for key, to, status, at in rows:
            trace.message(key, "row", at=at, sender="a@x.example")
            trace.recipient(key, to, status, at, "row")
        trace.finish()
    found = [{json.dumps(fact, sort_keys=True) for fact in buffer_facts(out, "x") if fact.get("kind") == "ADDRESSED_TO"} for out in (small, large)]
    assert found[0] == found[1] and len(found[0]) == 400


def test_a_recipients_earliest_delivery_stays_whatever_comes_after():
    out = FactBuffer()
    trace = Trace(out)
    for status, at in (("received", 5), ("delivered", 9), ("failed", 2), ("delivered", 7), ("pending", 1)):
        trace.recipient("msg:1", "b@x.example", status, at, f"row {at}")
    trace.finish()
    (to,) = [fact for fact in buffer_facts(out, "x") if fact.get("kind") == "ADDRESSED_TO"]
    assert (to["status"], to["delivered"], to["place"]) == ("delivered", 7, "row 7")


# --- fuzz ---


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), folder=st.sampled_from(sorted(FORMATS)))
def test_a_mutated_log_ends_in_facts_or_in_a_clear_refusal(tmp_path, data, folder):
    path = tmp_path / "given.log"
    path.write_bytes(mutated(data, fixture(folder).read_bytes(), [b"@", b"2022", b'"', b",", b"<", b"{", b": ", b"nisc"], [b"", b"\0", b"[]", b"null", b"\xff", b"9" * 30, b"'"]))
    ends_well(next(fmt for fmt in registry.formats() if FORMATS[folder] == fmt.NAME), path, NOW)
