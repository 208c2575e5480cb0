"""Indicators of STIX read in columns say what they say one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from loaders.base import Options, Source
from loaders.formats import stix
from tests.loaders.test_network import sample
from tests.support.golden import buffer_facts

NOW = 1_800_000_000
PLAIN = {
    "type": "indicator", "id": "indicator--00000001-0000-4000-8000-000000000001", "pattern": "[ipv4-addr:value = '203.0.113.7' OR domain-name:value = 'C2.Evil.example']",
    "pattern_type": "stix", "valid_from": "2026-03-02T08:00:00Z", "name": "C2  of\nmarch", "confidence": 80,
}  # fmt: skip
PATTERNS = [
    "[ipv4-addr:value='203.0.113.7']", "[ ipv4-addr:value  =  '203.0.113.7' ]", "[file:hashes.'SHA-256' = '" + "aB" * 32 + "']", "[file:hashes.MD5 = 'x']", "[file:name = 'x']",
    "[email-addr:value = 'a@evil.example' AND url:value = 'http://evil.example/A']", "[email-addr:value = 'Ａ@evil.example' OR email-addr:value = 'none']",
    "[url:value = 'hxxp://Evil.example/A' OR url:value = 'x']", "[ipv4-addr:value = '10.0.0.0/8' OR ipv4-addr:value = '256.1.1.1']", "[domain-name:true = 'x']",
    "[domain-name:value = 'a' OR domain-name:value = 'x OR url:value = ']", "[domain-name:value = 'it\\'s.example']", "[email-message:subject = '()']", "[x:value = 'a']", "[", "",
    "[email-message:additional_header_fields.'Reply-To' = 'r@evil.example'] OR [url:value = 'http://b.example/']", "[ipv4-addr:value IN ('203.0.113.8', '203.0.113.7')]",
    "[ipv4-addr:value = '203.0.113.7' OR " + " OR ".join(["domain-name:value = 'c.evil.example'"] * 600) + "]", "[domain-name:value = '\u0001']", 5, None,
]  # fmt: skip
CHANGES = [
    *({"pattern": pattern} for pattern in PATTERNS), *({"name": name} for name in (None, 5, "", "203.0.113.7", "x" * 300, "\u001ca\u00a0b", ["x"])),
    *({"confidence": value} for value in (None, True, 101, -1, 5.0, "80", 0)), *({"revoked": value} for value in (True, False, None, 1, "true")),
    *({"pattern_type": value} for value in ("yara", None, ["stix"])),
    *({name: value} for name in ("valid_from", "valid_until") for value in (None, 5, "", "soon", "2026-03-02", "2026-03-02T08:00:00.123456Z", "2026-03-02T08:00:00+09:00", "2091-01-01T00:00:00Z",
                                                                         "1970-01-01T00:00:00Z", "2026-02-30T08:00:00Z")),
    {"type": "malware"}, {"type": "domain-name", "value": "evil.example"}, {"id": 5}, {"external": {"pattern": "[x"}},
]  # fmt: skip


def said(path: Path, small: int) -> tuple[list[Any], list[str]] | str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stix, "SMALL", small)
        out = FactBuffer()
        try:
            stix.read(Source(path, path.name), Options(now=NOW), out)
        except LoadError as error:
            return str(error)
    return buffer_facts(out, "x"), sorted(map(str, out.refused))


def agree(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")
    assert said(path, 1 << 40) == said(path, 0)


def bundle(objects: Any) -> dict[str, Any]:
    return {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": objects}


@pytest.mark.parametrize("shape", [bundle, list, lambda objects: {"more": False, "objects": objects}, lambda objects: objects[0]])
def test_every_kind_of_indicator_says_the_same_in_columns_and_one_by_one(tmp_path, shape):
    agree(tmp_path / "x.json", shape([PLAIN | change for change in CHANGES] + [PLAIN]))


@pytest.mark.parametrize("shape", [bundle, list])
def test_documents_of_an_unusual_shape_are_left_to_the_reader_of_objects(tmp_path, shape):
    for objects in ([], [PLAIN, 5], [PLAIN, {}], [PLAIN, {"type": 5}], [PLAIN | {"type": "url", "value": "http://evil.example/"}], [PLAIN | {"revoked": True}], [PLAIN, [PLAIN]]):
        agree(tmp_path / "x.json", shape(objects))
    agree(tmp_path / "x.json", bundle({"a": PLAIN}))
    (tmp_path / "x.json").write_text(json.dumps(shape([PLAIN]))[:-2])
    assert said(tmp_path / "x.json", 1 << 40) == said(tmp_path / "x.json", 0)


@pytest.mark.parametrize("name", ["stix_unit42_emotet.json", "stix_unit42_fighting-ursa.json", "test_events_collection_stix21.json", "sco-examples-bundle.json"])
def test_real_bundles_say_the_same_in_columns(name):
    path = sample(f"11_indicators/{name}")
    assert said(path, 1 << 40) == said(path, 0)


def test_plain_indicators_are_not_read_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(stix._Reader, "_indicator", None)
    path = tmp_path / "x.json"
    path.write_text(json.dumps(bundle([PLAIN, {"type": "malware"}, PLAIN | {"valid_until": "2026-05-02T08:00:00Z", "confidence": None}])))
    facts, refused = said(path, 0)
    assert not refused
    assert sorted(fact["value"] for fact in facts if fact.get("kind") == "Indicator") == ["203.0.113.7"] * 2 + ["c2.evil.example"] * 2


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=st.lists(st.lists(st.sampled_from(CHANGES), max_size=3), min_size=1, max_size=4))
def test_any_indicators_say_the_same(tmp_path, changes):
    objects = []
    for parts in changes:
        found = dict(PLAIN)
        for part in parts:
            found |= part
        objects.append(found)
    agree(tmp_path / "x.json", bundle(objects))
