"""Facts that are gathered and stated together are those stated one by one."""

from __future__ import annotations

import gc

import pytest

from graphmodel.facts import FactBuffer
from loaders import gathered
from loaders.base import Broken, Options, Source
from loaders.formats import opengraph
from loaders.gathered import Gathered
from tests.support.golden import buffer_facts


def state(out: FactBuffer) -> None:
    for number in range(5):
        one, other = ("Account", f"ad:{number}"), ("Group", "ad:9")
        out.node("Account", one[1], f"nodes[{number}]", name=f"a{number}", enabled=None if number % 2 else True)
        out.node("Account", one[1], f"nodes[{number}]", upn="a@b.example")
        out.edge("MEMBER_OF", one, other, f"edges[{number}]")
        out.edge("HAS_ADDRESS", one, ("Correspondent", "smtp:a@b.example"), f"edges[{number}]", type="upn")
    out.edges("MEMBER_OF", ("Group", ["ad:8"]), ("Group", ["ad:9"]), "edges[7]")
    out.nodes("Group", ["ad:8", "ad:9"], ["nodes[8]", "nodes[9]"], name="whole")
    out.coverage("groups", collected=2)
    out.refuse("nodes[11]", "x", "no node")
    out.note("one thing more")


@pytest.mark.parametrize("together", [1, 3, 20_000])
def test_gathered_facts_are_those_stated_one_by_one(monkeypatch, together):
    monkeypatch.setattr(gathered, "_TOGETHER", together)
    plain, batched = FactBuffer(taken=7), FactBuffer(taken=7)
    state(plain)
    batches = Gathered(batched)
    state(batches)
    batches.flush()
    assert buffer_facts(batched, "x") == buffer_facts(plain, "x")
    assert batched.refused == plain.refused and batched.notes == plain.notes


def test_half_a_character_is_made_whole_as_it_is_one_by_one():
    plain, batched = FactBuffer(), FactBuffer()
    batches = Gathered(batched)
    for out in (plain, batches):
        out.node("Account", "ad:\ud800", "nodes[0]", name="x")
        out.edge("MEMBER_OF", ("Account", "ad:\ud800"), ("Group", "ad:9"), "edges[0]")
    batches.flush()
    assert buffer_facts(batched, "x") == buffer_facts(plain, "x")


def test_an_edge_that_joins_nothing_known_is_refused_when_it_is_said():
    with pytest.raises(KeyError, match="MEMBER_OF does not join"):
        Gathered(FactBuffer()).edge("MEMBER_OF", ("Mailbox", "a"), ("Group", "b"), "edges[0]")


def test_the_search_for_cycles_goes_on_after_a_file_whole_or_broken(tmp_path):
    path = tmp_path / "x.json"
    for text, fault in (('{"graph": {"nodes": [], "edges": []}}', None), ('{"graph": {"nodes": [], "edges": 5}}', Broken)):
        path.write_text(text)
        try:
            opengraph.read(Source(path, path.name), Options(), FactBuffer())
        except Broken as error:
            assert fault is type(error)  # noqa: PT017 - the other file is whole
        assert gc.isenabled()
