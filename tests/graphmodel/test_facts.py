"""The buffer that loaders fill: what it takes, what it refuses, when it hands over."""

from __future__ import annotations

import polars as pl
import pytest

from graphmodel import facts
from graphmodel.facts import FactBuffer
from graphmodel.kinds import COVERAGE, EDGES, NODES

HANA, BOX = ("Account", "upn:hana@nisc.example"), ("Mailbox", "mailbox:hana@nisc.example")


def test_what_is_said_comes_out_in_typed_columns():
    out = FactBuffer()
    assert out.node("Account", HANA[1], "row 2", enabled=True, created=5) == HANA[1]
    out.edge("OWNS", HANA, BOX, "row 2", valid_from=5)
    frames = out.frames()
    assert frames["Account"].select("key", "enabled", "created", "upn", "place").rows() == [(HANA[1], True, 5, None, "row 2")]
    assert frames["OWNS"].select("from_label", "from_key", "to_label", "to_key", "valid_from", "valid_until").rows() == [(*HANA, *BOX, 5, None)]
    assert {kind: dict(frame.schema) for kind, frame in frames.items()} == {"Account": facts.node_schema("Account"), "OWNS": facts.edge_schema("OWNS")}
    assert out.frames() == {}


@pytest.mark.parametrize(
    "say",
    [
        lambda out: out.node("Acount", "a", "row 1"),
        lambda out: out.node("Account", "a", "row 1", colour="red"),
        lambda out: out.edge("OWN", HANA, BOX, "row 1"),
        lambda out: out.edge("OWNS", BOX, HANA, "row 1"),
        lambda out: out.edge("OWNS", HANA, BOX, "row 1", colour="red"),
        lambda out: out.edge("OWNS", HANA, BOX, "row 1", fact="me"),
        lambda out: out.coverage("the weather"),
    ],
)
def test_unknown_kinds_pairs_and_properties_raise(say):
    with pytest.raises(KeyError):
        say(FactBuffer())


def test_every_kind_and_pair_that_is_declared_is_taken():
    out = FactBuffer()
    for label in NODES:
        out.node(label, f"{label}:1", "row 1")
    for type_, kind in EDGES.items():
        for source, target in kind.pairs:
            out.edge(type_, (source, "a"), (target, "b"), "row 1")
    frames = out.frames()
    assert set(frames) == {*NODES, *EDGES}
    assert all(frames[type_].height == len(kind.pairs) for type_, kind in EDGES.items())


def test_full_tables_are_handed_over_so_that_memory_stays_bounded(monkeypatch):
    monkeypatch.setattr(facts, "FLUSH_ROWS", 3)
    handed: list[tuple[str, pl.DataFrame]] = []
    out = FactBuffer(on_full=lambda kind, frame: handed.append((kind, frame)))
    for number in range(7):
        out.node("Account", f"upn:{number}", f"row {number}")
    assert [frame.height for _, frame in handed] == [3, 3]
    out.flush()
    assert [key for _, frame in handed for key in frame["key"]] == [f"upn:{number}" for number in range(7)]
    assert out.frames() == {}


def test_a_refused_row_is_kept_shortened_and_a_note_is_said_once():
    out = FactBuffer()
    out.refuse("row 3", "x" * 300, "too long")
    out.note("dates read as day first")
    out.note("dates read as day first")
    assert (out.refused[0].place, len(out.refused[0].what), out.refused[0].why) == ("row 3", 200, "too long")
    assert out.notes == ["dates read as day first"]


def test_coverage_is_keyed_by_load_subject_and_scope():
    out = FactBuffer()
    for what in COVERAGE:
        out.coverage(what, "nisc.example", collected=3)
    keys = out.frames()["LogCoverage"]["key"].to_list()
    assert keys == [f"coverage:{{load}}/{what}/nisc.example" for what in COVERAGE]


def test_a_batch_says_what_the_same_rows_say_one_by_one():
    one, many = FactBuffer(), FactBuffer()
    for number in range(3):
        key = one.node("Account", f"upn:{number}", f"row {number}", name=f"n{number}", enabled=True, created=None if number else 7)
        one.edge("OWNS", ("Account", key), BOX, f"row {number}", valid_from=number, basis="export")
    keys, places = [f"upn:{number}" for number in range(3)], pl.Series([f"row {number}" for number in range(3)])
    many.nodes("Account", keys, places, name=pl.Series(["n0", "n1", "n2"]), enabled=True, created=[7, None, None])
    many.edges("OWNS", ("Account", pl.Series(keys)), BOX, places, valid_from=range(3), basis="export")
    said, batch = one.frames(), many.frames()
    assert said.keys() == batch.keys()
    assert all(said[kind].equals(batch[kind]) and said[kind].schema == batch[kind].schema for kind in said)
    assert many.frames() == {}


def test_a_batch_leaves_out_rows_without_a_key_or_an_end():
    out = FactBuffer()
    out.nodes("Account", ["upn:a", None, "upn:c"], "row 1", name=["a", "b", "c"])
    out.edges("OWNS", ("Account", ["upn:a", None, "upn:c"]), ("Mailbox", ["mailbox:a", "mailbox:b", None]), ["row 1", "row 2", "row 3"])
    out.nodes("Mailbox", [], "row 1")
    out.nodes("Group", None, "row 1")
    frames = out.frames()
    assert set(frames) == {"Account", "OWNS"}
    assert frames["Account"].select("key", "name").rows() == [("upn:a", "a"), ("upn:c", "c")]
    assert frames["OWNS"].select("from_key", "to_key", "place").rows() == [("upn:a", "mailbox:a", "row 1")]


@pytest.mark.parametrize(
    ("say", "error"),
    [
        (lambda out: out.nodes("Acount", ["a"], "row 1"), KeyError),
        (lambda out: out.nodes("Account", ["a"], "row 1", colour="red"), KeyError),
        (lambda out: out.edges("OWN", HANA, BOX, ["row 1"]), KeyError),
        (lambda out: out.edges("OWNS", BOX, HANA, ["row 1"]), KeyError),
        (lambda out: out.edges("OWNS", HANA, BOX, ["row 1"], fact="me"), KeyError),
        (lambda out: out.nodes("Account", ["a", "b"], ["row 1"]), ValueError),
    ],
)
def test_a_batch_of_unknown_kinds_or_unlike_columns_raises(say, error):
    with pytest.raises(error):
        say(FactBuffer())


def test_batches_and_single_facts_of_one_kind_are_handed_over_in_bounded_frames_of_one_schema(monkeypatch):
    monkeypatch.setattr(facts, "FLUSH_ROWS", 3)
    handed: list[tuple[str, pl.DataFrame]] = []
    out = FactBuffer(on_full=lambda kind, frame: handed.append((kind, frame)))
    out.nodes("Account", ["upn:0", "upn:1"], "row 1")
    out.node("Account", "upn:2", "row 2")
    assert handed == []
    out.nodes("Account", ["upn:3", "upn:4"], "row 3")
    assert [frame["key"].to_list() for _, frame in handed] == [["upn:0", "upn:1", "upn:3", "upn:4"]]
    out.flush()
    assert sorted(key for _, frame in handed for key in frame["key"]) == [f"upn:{number}" for number in range(5)]
    assert {tuple(frame.schema.items()) for _, frame in handed} == {tuple(facts.node_schema("Account").items())}


def test_half_a_surrogate_is_replaced_and_nothing_else_is():
    buffer = FactBuffer()
    for key in ("smtp:\ud800@a.example", "smtp:\U0001f600@a.example", "smtp:é@a.example"):
        buffer.node("Correspondent", key, "line 1", name=key[5:])
    assert buffer.frames()["Correspondent"]["key"].to_list() == ["smtp:\ufffd@a.example", "smtp:\U0001f600@a.example", "smtp:é@a.example"]
