"""Indicators: STIX, MISP, plain lists; and the lists that are written by hand: remediations.csv, coverage.csv."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from loaders.base import Broken
from loaders.indicators import guess, normal, refang
from loaders.stix_patterns import BadPattern, signs_of
from tests.support.golden import facts_of

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data" / "11_indicators"
NOW = 1_800_000_000


def sample(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        assert not os.environ.get("CI"), f"{path} is missing"
        pytest.skip("the real samples are not beside this checkout")
    return path


def indicators(facts: list[dict]) -> Counter[str]:
    return Counter(key.partition("/")[0] for key in {fact["key"] for fact in facts if fact.get("kind") == "Indicator"})


def notes(facts: list[dict]) -> str:
    return "\n".join(fact["note"] for fact in facts if set(fact) == {"note"})


def of(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def written(tmp_path: Path, text: str, name: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# --- STIX ---


@pytest.mark.parametrize("name", ["stix_unit42_emotet.json", "stix_unit42_fighting-ursa.json"])
def test_every_comparison_of_the_real_bundles_is_taken_or_counted(name):
    path = sample(name)
    patterns = [found["pattern"] for found in json.loads(path.read_text())["objects"] if found["type"] == "indicator"]
    wanted = {
        "sha256": {m.lower() for p in patterns for m in re.findall(r"'SHA-256'\s*=\s*'([^']+)'", p)},
        "url": {m for p in patterns for m in re.findall(r"url:value = '([^']+)'", p)},
        "ip": {m for p in patterns for m in re.findall(r"ipv4-addr:value = '([^']+)'", p)},
        "domain": {m for p in patterns for m in re.findall(r"domain-name:value = '([^']+)'", p)},
        "email": {m.lower() for p in patterns for m in re.findall(r"email-addr:value = '([^']+)'", p)},
    }
    facts = facts_of(path, now=NOW)
    found = indicators(facts)
    assert {kind: len(values) for kind, values in wanted.items() if values} == {key.partition(":")[2]: count for key, count in found.items()}
    assert not [fact for fact in facts if "refused" in fact]
    other = [p for p in patterns if not re.search(r"SHA-256|url:value|ipv4-addr|domain-name|email-addr", p)]
    assert (f"{len(other)} indicators about things" in notes(facts)) == bool(other)


def test_a_bare_list_of_objects_is_read_and_recipients_are_no_sign_of_the_attacker():
    facts = facts_of(sample("sco-examples-bundle.json"), now=NOW)
    assert indicators(facts) == {"indicator:ip": 15, "indicator:sha256": 9, "indicator:email": 2, "indicator:domain": 1, "indicator:url": 1}
    assert {fact["value"] for fact in of(facts, "Indicator") if fact["type"] == "email"} == {"john@example.com", "jdoe@example.com"}


def test_what_was_only_observed_is_no_indicator():
    facts = facts_of(sample("test_events_collection_stix21.json"), now=NOW)
    assert [fact["value"] for fact in of(facts, "Indicator")] == ["circl.lu"]


def test_of_an_and_only_the_most_telling_comparison_is_taken():
    (sign,) = signs_of("[file:name = 'a.exe' AND (ipv4-addr:value = '203.0.113.7' OR url:value = 'https://e.example/x')]")
    assert (sign.kind, sign.value, sign.partial) == ("url", "https://e.example/x", True)
    assert [sign.kind for sign in signs_of("[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '203.0.113.7']")] == ["domain"]


def test_alternatives_are_a_sign_each_and_negations_are_none():
    found = signs_of("[email-addr:value IN ('a@e.example', 'b@e.example')] OR [ipv4-addr:value ISSUBSET '203.0.113.0/24'] OR [url:value != 'x'] OR [url:value NOT = 'y']")
    assert [(sign.kind, sign.value) for sign in found[:3]] == [("email", "a@e.example"), ("email", "b@e.example"), ("ip", "203.0.113.0/24")]
    assert [sign.kind for sign in found[3:]] == [None, None]


def test_a_pattern_that_does_not_parse_says_where():
    with pytest.raises(BadPattern, match="1:"):
        signs_of("[ipv4-addr:value = ]")
    with pytest.raises(BadPattern, match="longer"):
        signs_of("[" * 30_000)


def test_a_quote_inside_a_value_is_unescaped():
    (sign,) = signs_of(r"[email-message:message_id = '<o\'neil\\x@e.example>']")
    assert sign.value == r"<o'neil\x@e.example>"


# --- MISP ---


def test_the_real_event_gives_what_is_meant_for_detection_and_counts_the_rest():
    path = sample("misp_existing_event.json")
    event = json.loads(path.read_text())
    every = event["Attribute"] + [a for item in event["Object"] for a in item["Attribute"]]
    facts = facts_of(path, now=NOW)
    wanted = {(t, a["value"].lower()) for a in every if a["to_ids"] for t in [a["type"]] if t in ("domain", "ip-dst")}
    assert len(of(facts, "Indicator")) == len(wanted) == 29
    assert f"{sum(not a['to_ids'] for a in every)} indicators not meant for detection" in notes(facts)


def test_an_event_in_japanese_that_holds_only_text_gives_no_indicator():
    facts = facts_of(sample("misp_japanese_test.json"), now=NOW)
    assert not of(facts, "Indicator") and {"format": "misp", "records": 1} in facts


@pytest.mark.parametrize("shape", ["wrapped", "event", "bare event", "list of events", "attributes", "response of attributes"])
def test_attributes_are_found_in_every_shape_misp_writes(tmp_path, shape):
    attribute = {"type": "ip-src", "value": "203.0.113.7", "to_ids": True, "deleted": False}
    event = {"orgc_id": "1", "info": "x", "Attribute": [attribute], "Object": []}
    document = {
        "wrapped": {"response": [{"Event": event}]}, "event": {"Event": event}, "bare event": event, "list of events": [{"Event": event}],
        "attributes": [attribute], "response of attributes": {"response": {"Attribute": [attribute]}},
    }[shape]  # fmt: skip
    assert [fact["value"] for fact in of(facts_of(written(tmp_path, json.dumps(document), "a.json"), now=NOW), "Indicator")] == ["203.0.113.7"]


@pytest.mark.parametrize("change", [{"to_ids": False}, {"to_ids": "0"}, {"deleted": True}, {"deleted": "1"}])
def test_what_is_not_meant_for_detection_or_deleted_never_matches(tmp_path, change):
    event = {"Event": {"Attribute": [{"type": "ip-src", "value": "203.0.113.7", "to_ids": True, "deleted": False} | change]}}
    assert not of(facts_of(written(tmp_path, json.dumps(event), "a.json"), now=NOW), "Indicator")


# --- OpenIOC ---


def test_the_real_documents_give_their_hosts_and_count_what_is_a_part_only():
    facts = facts_of(sample("openioc_FIN4_fb0699e2-23a6-40f9-bf96-4514d629eec3.ioc"), now=NOW)
    assert len(of(facts, "Indicator")) == 9 and "3 indicators by a part of a value only, which is not compared" in notes(facts)
    facts = facts_of(sample("openioc_APT12_2384c8ce-6eca-4d06-8aa4-151b53d9a6bc.ioc"), now=NOW)
    assert indicators(facts) == {"indicator:host": 2, "indicator:ip": 1, "indicator:email": 1}
    assert "21 indicators about things that records here do not hold" in notes(facts)


def test_of_openioc_alternatives_are_a_sign_each_and_a_conjunction_gives_its_most_telling(tmp_path):
    facts = facts_of(HERE / "openioc" / "input.ioc", now=NOW)
    assert {(fact["type"], fact["value"]) for fact in of(facts, "Indicator")} == {
        ("email", "desk@itcornpany.example"), ("host", "evil.example.com"), ("ip", "203.0.113.66"), ("url", "http://drop.example.net/Gate.php"),
    }  # fmt: skip
    assert [fact["note"] for fact in of(facts, "Indicator") if fact["type"] == "url"] == ["Borrowed mailboxes; a part of its condition only"]


def test_an_openioc_file_that_is_cut_or_declares_entities_is_refused(tmp_path):
    text = (HERE / "openioc_11" / "input.ioc").read_text(encoding="utf-8")
    with pytest.raises(Broken, match="stops being XML"):
        facts_of(written(tmp_path, text[:-40], "cut.ioc"), now=NOW)
    declared = text.replace("?>", "?><!DOCTYPE OpenIOC>", 1)
    with pytest.raises(Broken, match="declares what no indicator file does"):
        facts_of(written(tmp_path, declared, "entity.ioc"), now=NOW)


# --- CSV ---


@pytest.mark.parametrize(("text", "said"), [
    ("Indicator type,Indicator,Description\nIPv4,203.0.113.7,\nFileHash-SHA256," + "A" * 64 + ",x\nFileHash-MD5,d41d8cd98f00b204e9800998ecf8427e,\n", {("ip", "203.0.113.7"), ("sha256", "a" * 64)}),
    ("IndicatorType,IndicatorValue,ExpirationTime,Title\nDomainName,evil.example.com,2027-01-01T00:00:00.0Z,C2\n", {("domain", "evil.example.com")}),
    ("ioc;type\nhxxps://evil[.]example.com/a;URL\nevil.example.com;\n", {("url", "https://evil.example.com/a"), ("host", "evil.example.com")}),
    ("uuid,event_id,category,type,value,comment,to_ids,date\nu,1,Network activity,ip-dst|port,203.0.113.7|443,c,1,1577990000\nu,1,x,email-src,a@e.example,c,0,1577990000\n", {("ip", "203.0.113.7")}),
])  # fmt: skip
def test_indicators_as_csv_are_read_by_their_type(tmp_path, text, said):
    facts = facts_of(written(tmp_path, text, "signs.csv"), now=NOW)
    assert {(fact["type"], fact["value"]) for fact in of(facts, "Indicator")} == said
    assert not [fact for fact in facts if "refused" in fact]


def test_a_taxii_answer_and_an_indicator_alone_are_read(tmp_path):
    alone = {"type": "indicator", "id": "indicator--33fe3b22-0201-47cf-85d0-97c02164528d", "pattern": "[ipv4-addr:value = '203.0.113.7']"}
    for document in (alone, {"more": False, "objects": [alone]}):
        facts = facts_of(written(tmp_path, json.dumps(document), "found.json"), now=NOW)
        assert [fact["value"] for fact in of(facts, "Indicator")] == ["203.0.113.7"]


# --- plain lists ---


@pytest.mark.parametrize(
    ("text", "real"),
    [("hxxp://evil[.]com/x", "http://evil.com/x"), ("hXXps[:]//evil(.)com", "https://evil.com"), ("a [at] evil [dot] com", "a@evil.com"), ("a(at)evil{.}com", "a@evil.com"),
     ("203[.]0[.]113[.]7", "203.0.113.7"), ("h**p://evil.com", "http://evil.com")],
)  # fmt: skip
def test_defanged_values_become_what_they_stand_for(text, real):
    assert refang(text) == real


@pytest.mark.parametrize(
    ("text", "found"),
    [("Evil.COM", ("domain", "evil.com")), ("mail.evil.co.jp", ("host", "mail.evil.co.jp")), ("2001:DB8::0007", ("ip", "2001:db8::7")), ("203.0.113.0/24", ("ip", "203.0.113.0/24")),
     ("evil.com/a/B", ("url", "evil.com/a/B")), ("<x@y.com>", ("message id", "x@y.com")), ("d41d8cd98f00b204e9800998ecf8427e", ("", "d41d8cd98f00b204e9800998ecf8427e"))],
)  # fmt: skip
def test_a_bare_text_shows_what_kind_of_sign_it_is(text, found):
    assert guess(text) == found


@pytest.mark.parametrize("text", ["taro.yamada", "report.docx", "192.168.1", "999.1.1.1", "hello", "Mari Mori", "=1+3", "a,b", "10"])
def test_a_text_that_is_no_indicator_is_not_taken_for_one(text):
    assert guess(text) is None


def test_a_list_with_one_line_that_is_none_is_not_claimed_but_a_late_one_is_refused_with_its_line(tmp_path):
    lines = [f"203.0.113.{n % 250}" for n in range(6000)] + ["what is this", "198.51.100.9"]
    facts = facts_of(written(tmp_path, "\n".join(lines), "list.txt"), now=NOW)
    assert [fact["refused"]["place"] for fact in facts if "refused" in fact] == ["line 6001"]
    assert len(of(facts, "Indicator")) == 251


def test_an_international_name_becomes_its_a_label():
    assert normal("domain", "日本語.jp") == "xn--wgv71a119e.jp"


# --- remediations.csv and coverage.csv ---


def test_a_remediation_names_its_target_in_every_way_an_analyst_knows(tmp_path):
    rows = ["ad:S-1-5-21-1-2-3-9,reset", "S-1-5-21-1-2-3-8,reimage", "upn:A@x.example,revoke", "app:ABC,remove", "mailbox:a@x.example,remove", "group:g@x.example,remove", "fs01$,disable", "rule:a@x.example/inbox rule/x; y,deleted"]
    text = "target,what,at\n" + "".join(f'"{row.rpartition(",")[0]}",{row.rpartition(",")[2]},2023-06-13T09:00:00Z\n' for row in rows)
    found = {(fact["to_label"], fact["to_key"]) for fact in of(facts_of(written(tmp_path, text, "r.csv"), now=NOW), "REMEDIATES")}
    assert found == {
        ("Account", "ad:S-1-5-21-1-2-3-9"), ("Server", "ad:S-1-5-21-1-2-3-8"), ("Account", "upn:a@x.example"), ("App", "app:abc"), ("Mailbox", "mailbox:a@x.example"),
        ("Group", "group:g@x.example"), ("Server", "host:fs01"), ("Rule", "rule:a@x.example/inbox rule/x; y"),
    }  # fmt: skip


@pytest.mark.parametrize(("text", "said"), [
    ("account,action,time\nm@n.example,Password reset and sessions revoked,2023-06-13T09:00:00Z\nEX01.n.example,Rebuilt from image,2023-06-15 10:00\n",
     {("reset", "m@n.example"), ("revoke", "m@n.example"), ("reimage", "EX01.n.example")}),
    ("対象,対応,実施日時,担当者\nm@n.example,パスワード初期化、セッション失効,2023/06/13 9:00:00,山田\nEX01.n.example,再構築,2023/06/15 10:00,\nk@n.example,アカウント無効化,2023/06/15 10:00,\n",
     {("reset", "m@n.example"), ("revoke", "m@n.example"), ("reimage", "EX01.n.example"), ("disable", "k@n.example")}),
    ("target,what,at\nm@n.example,account unlocked,2023-06-13\nm@n.example,password reset planned,2023-06-13\nm@n.example,ブロック解除,2023-06-13\n", set()),
])  # fmt: skip
def test_lists_of_incident_teams_say_what_was_done_and_not_what_was_undone_or_planned(tmp_path, text, said):
    facts = facts_of(written(tmp_path, text, "r.csv"), now=NOW)
    assert {(fact["what"], fact["name"].partition(" ")[2]) for fact in of(facts, "Remediation")} == said


def test_a_table_of_other_actions_is_no_list_of_remediations(tmp_path):
    with pytest.raises(Exception, match="not a format hakyu knows"):
        facts_of(written(tmp_path, "user,action,date\nm@n.example,login,2023-06-13\nm@n.example,password reset,2023-06-13\nm@n.example,view file,2023-06-14\n", "a.csv"), now=NOW)


def test_two_remediations_of_one_target_at_different_times_are_two(tmp_path):
    text = "target,what,at\na@x.example,reset,2023-06-13T09:00:00Z\na@x.example,reset,2023-06-20T09:00:00Z\na@x.example,reset,2023-06-20T09:00:00Z\n"
    assert len({fact["key"] for fact in of(facts_of(written(tmp_path, text, "r.csv"), now=NOW), "Remediation")}) == 2


@pytest.mark.parametrize(("name", "text"), [("r.csv", "target,what,at\na@x.example,reset,4/5/2023\n"), ("c.csv", "what,scope,first,last\nsign-ins,,4/5/2023,5/6/2023\n")])
def test_day_and_month_are_never_guessed_in_a_list_written_by_hand(tmp_path, name, text):
    path = written(tmp_path, text, name)
    with pytest.raises(Broken, match="--date-order"):
        facts_of(path, now=NOW)
    assert not [fact for fact in facts_of(path, now=NOW, date_order="dmy") if "refused" in fact]


def test_the_time_between_two_spans_of_one_log_is_blind(tmp_path):
    text = "what,scope,first,last\nlogons,dc1,2023-01-01,2023-02-01\nlogons,dc1,2023-01-15,2023-03-01\nlogons,dc1,2023-04-01,2023-05-01\n"
    found = of(facts_of(written(tmp_path, text, "c.csv"), now=NOW), "LogCoverage")
    assert [(f["first"], f["last"]) for f in found if f.get("blind")] == [(1677628800, 1680307200)]
    assert [(f["first"], f["last"]) for f in found if not f.get("blind")] == [(1672531200, 1682899200)]


def test_headings_bullets_ports_and_several_on_a_line_are_understood(tmp_path):
    text = "IPs:\n- 203.0.113.7\n* 203.0.113[.]9:443\n\nドメイン：\nevil[.]example[.]com, bad.example.net;\n"
    facts = facts_of(written(tmp_path, text, "signs.txt"), now=NOW)
    assert {fact["value"] for fact in of(facts, "Indicator")} == {"203.0.113.7", "203.0.113.9", "evil.example.com", "bad.example.net"}
