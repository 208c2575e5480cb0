"""Indicators, hand-written lists, directories, graphs and scans: what every one of these formats has to keep, whole or damaged."""

from __future__ import annotations

import gzip
import json
import os
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from loaders import registry
from loaders.base import Source
from tests.support.golden import buffer_facts, check_golden, facts_of, read_into

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data"
NOW = 1_800_000_000
# fixture -> format
FORMATS = {
    "stix": "stix", "misp": "misp", "indicator_list": "indicator_list", "remediations_csv": "remediations_csv", "coverage_csv": "coverage_csv",
    "ldif": "ldif", "pyldapsearch": "pyldapsearch", "opengraph": "opengraph", "opengraph_exchange": "opengraph", "nmap": "nmap", "nessus": "nessus",
    "nessus_csv": "nessus", "zeek": "zeek", "zeek_json": "zeek", "zeek_conn": "zeek", "apoc_export": "apoc_export", "openioc": "openioc", "openioc_11": "openioc",
    "indicator_csv": "indicator_csv", "nmap_text": "nmap_text", "nmap_text_normal": "nmap_text",
    "directory_csv": "directory_csv", "directory_csv_powershell": "directory_csv", "ldapdomaindump": "ldapdomaindump",
}  # fmt: skip
# What only these formats may claim of the samples, by the beginning of their path.
OWN = {
    "11_indicators/openioc": "openioc", "11_indicators/misp": "misp", "11_indicators/stix": "stix", "11_indicators/sco": "stix", "11_indicators/test_events": "stix",
    "05_active_directory/ldif": "ldif", "05_active_directory/ldapsearch": "pyldapsearch", "13_opengraph/mssql": "opengraph",
    "13_opengraph/opengraph-minimal": "opengraph", "13_opengraph/sample_graph": "opengraph", "09_network/nmap": "nmap", "10_inventory/nessus": "nessus",
    "09_network/zeek": "zeek", "12_graphs/adsynth": "apoc_export",
}  # fmt: skip


def fixture(folder: str) -> Path:
    (path,) = (HERE / folder).glob("input.*")
    return path


@pytest.mark.parametrize("folder", FORMATS)
def test_a_small_file_says_exactly_what_its_golden_file_lists(folder):
    check_golden(HERE / folder, now=NOW)


@pytest.mark.parametrize(("folder", "name"), FORMATS.items())
def test_a_file_is_claimed_by_its_own_format(folder, name):
    fmt, _ = registry.recognise(Source(fixture(folder), folder))
    assert name == fmt.NAME


@pytest.mark.parametrize("folder", FORMATS)
def test_reading_a_file_twice_says_the_same(folder):
    assert buffer_facts(read_into(fixture(folder), now=NOW), "x") == buffer_facts(read_into(fixture(folder), now=NOW), "x")


@pytest.mark.parametrize("folder", FORMATS)
def test_passwords_descriptions_and_words_of_mail_never_leave_the_loader(folder):
    facts = json.dumps(facts_of(fixture(folder), now=NOW), ensure_ascii=False)
    assert not [word for word in ("hush-hush", "社外秘", "請求書", "Your invoice", "SSHA") if word in facts]


@pytest.mark.parametrize("folder", FORMATS)
def test_the_line_ends_of_a_file_change_nothing(folder, tmp_path):
    path = tmp_path / fixture(folder).name
    data = fixture(folder).read_bytes()
    path.write_bytes(data.replace(b"\r\n", b"\n") if b"\r\n" in data else data.replace(b"\n", b"\r\n"))
    kept = [fact for fact in facts_of(path, now=NOW) if "kind" in fact]
    assert kept == [fact for fact in facts_of(fixture(folder), now=NOW) if "kind" in fact]


def test_no_other_sample_is_claimed_by_these_formats():
    if not DATA.is_dir():
        assert not os.environ.get("CI"), f"{DATA} is missing"
        pytest.skip("the real samples are not beside this checkout")
    mine = [fmt for fmt in registry.formats() if fmt.NAME in set(FORMATS.values())]
    claimed, seen = [], set()
    for path in sorted(path for path in DATA.glob("*/**/*") if path.is_file() and "enron_maildir" not in path.parts and "spamassassin" not in path.parts):
        name = str(path.relative_to(DATA))
        wanted = next((fmt for start, fmt in OWN.items() if name.startswith(start)), None)
        found = [fmt.NAME for fmt in mine if fmt.detect(Source(path, name))]
        if found != ([wanted] if wanted and found else []):
            claimed.append((name, found))
        seen.update(found)
    assert not claimed
    assert seen == {"openioc", "stix", "misp", "ldif", "pyldapsearch", "opengraph", "nmap", "nessus", "zeek", "apoc_export"}


def damaged(data: bytes, how: str, seed: int) -> bytes:
    chance = random.Random(seed)
    if how == "cut":
        return data[: chance.randrange(1, len(data))]
    if how == "shuffled":
        lines = data.splitlines(keepends=True)
        head, rest = lines[:1], lines[1:]
        chance.shuffle(rest)
        return b"".join(head + rest)
    if how == "doubled":
        lines = data.splitlines(keepends=True)
        at = chance.randrange(len(lines))
        return b"".join(lines[:at] + lines[at : at + 3] * 2 + lines[at + 3 :])
    if how == "retyped":  # values of another type, as a careless tool writes them
        old, new = chance.choice([(b'"', b""), (b"true", b'"true"'), (b"[", b"{"), (b": ", b":: "), (b"null", b"[]"), (b"<", b"&lt;"), (b",", b";"), (b'": "', b'": ["')])
        return data.replace(old, new, chance.randrange(1, 6))
    at = chance.randrange(len(data))
    return data[:at] + bytes(chance.randrange(256) for _ in range(chance.randrange(1, 8))) + data[at + chance.randrange(8) :]


@pytest.mark.parametrize("folder", FORMATS)
@given(how=st.sampled_from(["cut", "shuffled", "doubled", "retyped", "mutated"]), seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_ends_in_facts_or_in_a_clear_refusal(tmp_path, folder, how, seed):
    path = tmp_path / fixture(folder).name
    path.write_bytes(damaged(fixture(folder).read_bytes(), how, seed))
    try:
        out = read_into(path, now=NOW)
    except LoadError as error:
        assert str(error).count("\n") == 0 and str(error).strip()
    else:
        assert out.frames() is not None


def retyped(found: object, chance: random.Random, odds: float) -> object:
    """The same JSON, with some values replaced by values of another type."""
    if chance.random() < odds:
        return chance.choice([None, [], {}, 5, -1.5, "x", True, [[]], {"a": []}, "\x00", 10**30])
    if isinstance(found, list):
        return [retyped(item, chance, odds) for item in found]
    return {key: retyped(value, chance, odds) for key, value in found.items()} if isinstance(found, dict) else found


@pytest.mark.parametrize("folder", ["stix", "misp", "opengraph", "opengraph_exchange", "zeek_json", "apoc_export"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_of_the_wrong_types_ends_in_facts_or_in_a_clear_refusal(tmp_path, folder, seed):
    chance = random.Random(seed)
    path, text = tmp_path / "given.json", fixture(folder).read_text(encoding="utf-8-sig")
    if folder in ("zeek_json", "apoc_export"):
        lines = [json.dumps(retyped(json.loads(line), chance, 0.05)) for line in text.splitlines()[: 8 if folder == "zeek_json" else 60]]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        path.write_text(json.dumps(retyped(json.loads(text), chance, 0.02)), encoding="utf-8")
    try:
        read_into(path, now=NOW).frames()
    except LoadError as error:
        assert str(error)


@pytest.mark.parametrize("folder", ["zeek", "zeek_json"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_packed_log_ends_in_facts_or_in_a_clear_refusal(tmp_path, folder, seed):
    path = tmp_path / "log.gz"
    path.write_bytes(damaged(gzip.compress(fixture(folder).read_bytes(), mtime=0), "mutated" if seed % 2 else "cut", seed))
    try:
        read_into(path, now=NOW)
    except LoadError as error:
        assert str(error)


DEEP = {
    "stix": '{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":' + "[" * 200 + "]" * 200 + "}",
    "misp": '{"Event":{"Attribute":' + "[" * 200 + "]" * 200 + "}}",
    "opengraph": '{"graph":{"nodes":[' + "[" * 200 + "]" * 200 + "]}}",
    "nmap": '<?xml version="1.0"?><!DOCTYPE nmaprun [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><nmaprun>&b;</nmaprun>',
    "nessus": '<?xml version="1.0"?><NessusClientData_v2><Report><ReportHost name="&x;"/></Report></NessusClientData_v2>',
}


@pytest.mark.parametrize("name", DEEP)
def test_what_is_nested_without_end_or_declares_entities_is_refused(tmp_path, name):
    path = tmp_path / "given"
    path.write_text(DEEP[name], encoding="utf-8")
    with pytest.raises(LoadError):
        read_into(path, now=NOW)


def test_a_workbook_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "audit.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(LoadError, match="Excel workbook; save its sheet as CSV"):
        facts_of(path)
