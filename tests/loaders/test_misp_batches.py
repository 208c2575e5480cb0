"""Attributes of MISP read in columns say what they say one by one."""

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
from loaders.formats import misp
from loaders.misp import Attributes
from tests.support.golden import buffer_facts

EVENT = json.loads((Path(__file__).parent / "misp" / "input.json").read_text())["response"][0]["Event"]
NOW = 1_800_000_000
SHAPES = [
    lambda events: {"response": [{"Event": event} for event in events]}, lambda events: {"Event": events[0]}, lambda events: [{"Event": event} for event in events],
    lambda events: {"response": {"Attribute": events[0].get("Attribute")} | events[0]}, lambda events: events[0],
    lambda events: {"response": [{"Event": event, "to_ids": 1} for event in events]},
]  # fmt: skip
ATTRIBUTE = {"type": "ip-src", "value": "203.0.113.9", "to_ids": True, "deleted": False}
ODD = [ATTRIBUTE | {"value": value, "type": type_}
       for type_, values in {
           "ip-src": ("1.2.3.4.", "01.2.3.4", "256.1.1.1", "1.2.3", "10.0.0.0/8", "::1", "[::1]", "1.2.3[.]4", " 1.2.3.4 "), "sha256": ("A" * 64, "g" * 64, "a" * 63),
           "domain": ("Evil.Example", "*.evil.example", "evil", "evil.example.", "1.2.3", "a-.example", "a" * 70 + ".example", "悪.example", "x..example"),
           "email-src": ("A@Evil.example", "a(at)evil.example", "smtp:a@evil.example", "a@evil", "o'x@evil.example"), "Domain|IP": ("a.example", "a.example|1.2.3.4|5", "|1.2.3.4"),
           "url": ("hxxp://Evil.example/A",), "user-agent": ("a  b",), "filename|sha256": ("x",), "md5": ("x",),
       }.items() for value in values]  # fmt: skip
_JUNK = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=8), st.lists(st.integers(0, 2), max_size=2), st.builds(dict, city=st.just("x")),
                  st.sampled_from(["1", "0", " True ", "2026-03-02T08:00:00.123Z", "2150-01-01", "Evil.example", "1.2.3.4", "1687219200"]))  # fmt: skip


def said(path: Path, small: int) -> list[dict[str, Any]] | str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(misp, "SMALL", small)
        out = FactBuffer()
        try:
            misp.read(Source(path, path.name), Options(now=NOW), out)
        except LoadError as error:
            return str(error)
    return buffer_facts(out, "x")


def agree(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document))
    assert said(path, 1 << 40) == said(path, 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_says_the_same_in_columns_and_one_by_one(tmp_path, shape):
    more = EVENT | {"info": " two\nlines " + "x" * 300, "Attribute": [*ODD, *EVENT["Attribute"], {"type": 5, "value": "x"}, *ODD[:3]], "Object": [*EVENT["Object"], {"Attribute": ODD[:5]}]}
    for events in ([EVENT, more, EVENT | {"Attribute": [], "Object": []}], [more], [{"info": "x"}], [EVENT | {"Attribute": [5]}], [EVENT | {"Attribute": None}]):
        agree(tmp_path / "x.json", shape([{"Attribute": []} | event for event in events]))
    (tmp_path / "x.json").write_text(json.dumps(shape([EVENT]))[:-2])
    assert said(tmp_path / "x.json", 1 << 40) == said(tmp_path / "x.json", 0)


@pytest.mark.parametrize("shape", SHAPES[:4])
def test_the_usual_shapes_are_read_in_columns(tmp_path, shape, monkeypatch):
    monkeypatch.setattr(Attributes, "take", None)
    path = tmp_path / "x.json"
    path.write_text(json.dumps(shape([EVENT])))
    assert len([fact for fact in said(path, 0) if fact.get("kind") == "Indicator"]) == 9


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_attributes_are_read_alike(tmp_path, data):
    found = [dict(one) for one in data.draw(st.lists(st.sampled_from([*EVENT["Attribute"], *ODD]), min_size=1, max_size=6))]
    for one in found:
        if data.draw(st.booleans()):
            one[data.draw(st.sampled_from(["type", "value", "to_ids", "deleted", "first_seen", "last_seen"]))] = data.draw(_JUNK)
    thing = {"deleted": data.draw(_JUNK), "Attribute": found[::2]}
    agree(tmp_path / "x.json", data.draw(st.sampled_from(SHAPES))([{"info": data.draw(_JUNK), "Attribute": found, "Object": [thing]}, {"info": "y", "Attribute": found[1:]}]))
