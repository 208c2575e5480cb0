"""The fixed reads, and everything else under queries/ as text: the same rows on both engines, and no name that either has to guess."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graphmodel.kinds import EDGES, NODES
from graphmodel.store.embedded_store import EmbeddedStore
from graphmodel.store.neo4j_store import Neo4jStore
from queries.catalogue import FOLDER, saved, steps
from queries.run import ask, read
from tests.support import neo4j_server as servers
from tests.support.cases import Variant, view_of, whole_graph

FILES = sorted(FOLDER.rglob("*.cypher"))
# The only property of which one engine asks that it be quoted. No file names it; like `Group` it is quoted where one asks for it.
_RESERVED = {"primary": "`primary`"}
BOTH = [question for question in saved() if question.engine == "both"]
DERIVATIONS = [step.derivation for step in steps()]


def _edge(id_: str, type_: str, start: tuple[str, str], end: tuple[str, str], **props: Any) -> dict[str, Any]:
    return {"id": id_, "type": type_, "from": list(start), "to": list(end), "props": props}


def _mail() -> Variant:
    """Two mailboxes, three messages, four addresses: enough that every fixed read has rows and leaves some out."""
    ann, bob = ("Mailbox", "mailbox:ann"), ("Mailbox", "mailbox:bob")
    one, two, three = (("Message", f"msg:{n}") for n in (1, 2, 3))
    a, b, eve, kei = (("Correspondent", f"smtp:{n}") for n in ("ann@hq.example", "bob@hq.example", "eve@far.example", "kei@far.example"))
    nodes = [
        {"kind": "Message", "key": "msg:1", "props": {"content": "c1", "sent": 100}},
        {"kind": "Message", "key": "msg:2", "props": {"sent": 200}},
        {"kind": "Correspondent", "key": "smtp:eve@far.example", "props": {"internal": False, "person": "smtp:eve@far.example", "country": "DE",
                                                                          "country_basis": "stated", "category": "press", "warned_at": 900}},
        {"kind": "Correspondent", "key": "smtp:ann@hq.example", "props": {"internal": True}},
        {"kind": "Organisation", "key": "domain:far.example", "props": {"country": "DE"}},
        {"kind": "Remediation", "key": "remediation:1", "props": {"what": "reset", "at": 700}},
        {"kind": "LogCoverage", "key": "coverage:1/mail headers/", "props": {"what": "mail headers", "format": "mbox", "first": 100, "capped": False}},
        {"kind": "LogCoverage", "key": "coverage:2/sessions/", "props": {"what": "sessions", "collected": 3, "missing": 1, "complete": True, "note": "two asleep"}},
        {"kind": "Observation", "key": "obs:1", "props": {"at": 120, "ip": "192.0.2.1", "session": "s1", "token": "t1", "user_agent": "Mozilla", "app": "a1"}},
        {"kind": "Observation", "key": "obs:2", "props": {"at": 130, "succeeded": True}},
        {"kind": "Observation", "key": "obs:failed", "props": {"at": 140, "succeeded": False}},
        {"kind": "Observation", "key": "obs:timeless", "props": {"ip": "192.0.2.1"}},
        {"kind": "Indicator", "key": "indicator:ip/192.0.2.1", "props": {"type": "ip", "value": "192.0.2.1", "valid_from": 100, "valid_until": 200}},
        {"kind": "Indicator", "key": "indicator:sha256/00", "props": {"type": "sha256", "value": "00"}},
    ]  # fmt: skip
    edges = [
        _edge("h1", "HOLDS", ann, one, delivered=110, purged=500, folder="/Inbox"), _edge("h2", "HOLDS", ann, two, delivered=210),
        _edge("h3", "HOLDS", bob, two), _edge("h4", "HOLDS", bob, three, delivered=300),
        _edge("s1", "SENT_BY", one, eve, role="from"), _edge("s2", "SENT_BY", two, a, role="from", source="a.mbox", place="message 2"),
        _edge("s3", "SENT_BY", two, a, role="sender"), _edge("t1", "ADDRESSED_TO", one, a, role="to", source="a.mbox", place="message 1"), _edge("t2", "ADDRESSED_TO", two, eve, role="to"),
        _edge("t3", "ADDRESSED_TO", two, eve, role="cc"), _edge("t4", "ADDRESSED_TO", three, kei, role="to"),
        _edge("g1", "BELONGS_TO", eve, ("Organisation", "domain:far.example"), basis="domain"),
        _edge("a1", "HAS_ADDRESS", ann, a, type="primary", source="boxes.csv", place="row 2"), _edge("a2", "HAS_ADDRESS", ann, a, type="mail"),
        _edge("a3", "HAS_ADDRESS", ("Account", "account:ann"), a, type="upn"), _edge("a4", "HAS_ADDRESS", bob, b, type="primary"),
        _edge("i1", "SAME_IDENTITY", ("Account", "account:ann"), ("Account", "upn:ann"), reason="one address", because=["a2", "a3"],
              source="joined:address", place="joined"),
        _edge("p1", "FOLDER_RIGHT", ("Account", "account:bob"), ann, folder="/Inbox", rights="Reviewer"),
        _edge("r1", "REMEDIATES", ("Remediation", "remediation:1"), ("Account", "account:ann")),
        _edge("o2", "OWNS", ("Account", "account:chief"), ann), _edge("o3", "OWNS", ("Account", "account:bob"), bob),
        _edge("o1", "OWNS", ("Account", "account:ann"), ann, source="boxes.csv", place="row 2"),
    ]  # fmt: skip
    return Variant("reads", "mail", nodes, edges, [], {}, "")


EXPECTED: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]]]] = {
    "addresses_of": (
        {"address": "smtp:ann@hq.example"},
        [("account:ann", "Account", "ann"), ("account:chief", "Account", "chief"), ("mailbox:ann", "Mailbox", "ann")],
    ),
    "correspondents": (
        {},
        [
            ("smtp:ann@hq.example", "ann@hq.example", True, None, None, None, None, None),
            ("smtp:bob@hq.example", "bob@hq.example", None, None, None, None, None, None),
            ("smtp:eve@far.example", "eve@far.example", False, "smtp:eve@far.example", "DE", "stated", "press", 900),
            ("smtp:kei@far.example", "kei@far.example", None, None, None, None, None, None),
        ],
    ),
    "coverage": (
        {},
        [
            ("mail headers", None, "mbox", 100, None, None, None, False, None, None, None),
            ("sessions", None, None, None, None, 3, 1, None, None, True, "two asleep"),
        ],
    ),
    "facts_behind": (
        {"facts": ["o1", "a1", "i1", "nothing"]},
        [
            ("a1", "boxes.csv", "row 2", None, None, "Mailbox", "mailbox:ann", "Correspondent", "smtp:ann@hq.example"),
            ("i1", "joined:address", "joined", ["a2", "a3"], "one address", "Account", "account:ann", "Account", "upn:ann"),
            ("o1", "boxes.csv", "row 2", None, None, "Account", "account:ann", "Mailbox", "mailbox:ann"),
        ],
    ),
    "facts_of_correspondence": (
        {"mailbox": "mailbox:ann", "address": "smtp:ann@hq.example", "limit": 2},
        [("s2", "a.mbox", "message 2"), ("t1", "a.mbox", "message 1")],
    ),
    "folders": ({}, [("p1", "/Inbox")]),
    "held_messages": (
        {"mailboxes": ["mailbox:ann", "mailbox:nobody"]},
        [("mailbox:ann", "msg:1", "c1", 100, 110, 500, "/Inbox"), ("mailbox:ann", "msg:2", None, 200, 210, None, None)],
    ),
    "indicators": ({}, [("indicator:ip/192.0.2.1", "ip", "192.0.2.1", 100, 200)]),
    "observations": (
        {},
        [
            ("obs:1", 120, "192.0.2.1", "s1", "t1", "Mozilla", "a1"),
            ("obs:2", 130, None, None, None, None, None),
        ],
    ),
    "message_addresses": (
        {"mailboxes": ["mailbox:ann"]},
        [
            ("msg:1", "smtp:ann@hq.example"), ("msg:1", "smtp:eve@far.example"),
            ("msg:2", "smtp:ann@hq.example"), ("msg:2", "smtp:eve@far.example"),
        ],
    ),
    "records": ({"keys": ["obs:1", "obs:nothing"]}, [("obs:1", 120, None, "192.0.2.1", "s1", "t1", "Mozilla", "a1")]),
    "remediations": ({}, [("account:ann", "Account", "reset", 700)]),
    "organisations": ({}, [("smtp:eve@far.example", "far.example", "DE")]),
}  # fmt: skip


def _all_answers(store: EmbeddedStore | Neo4jStore) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every read over the mail graph, sorted; then those of every property by its bare name over the whole graph."""
    store.sync(view_of([_mail()], "mail"), DERIVATIONS)
    answers = {name: sorted(_plain(read(store, name, **values)), key=repr) for name, (values, _) in EXPECTED.items()}
    store.sync(whole_graph(), DERIVATIONS)
    for question in BOTH:
        answers[question.name] = ask(store, question, {}).rows()
    for label, kind in NODES.items():
        cells = ", ".join(f"n.{p.name} AS {p.name}" for p in kind.columns)
        answers[label] = _plain(store.read(f"MATCH (n:`{label}`) RETURN {cells} ORDER BY key"))
    for type_, edge in EDGES.items():
        cells = ", ".join(f"r.{_RESERVED.get(p.name, p.name)} AS own_{p.name}" for p in edge.columns)
        answers[type_] = _plain(store.read(f"MATCH (a)-[r:{type_}]->(b) RETURN a.key AS a, b.key AS b, {cells} ORDER BY own_fact"))
    answers["steps"] = _plain(store.steps())
    own = {question.file for question in saved() if question.engine not in {"both", store.engine}}
    answers["warnings"] = [(path.name, tuple(found)) for path in FILES if path.name not in own and (found := store.explain(path.read_text(encoding="utf-8"), _parameters(path)))]
    return answers


def _plain(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(list(cell) if isinstance(cell, pl.Series) else cell for cell in row) for row in frame.rows()]


def _parameters(path: Path) -> dict[str, Any]:
    if path.parent.name == "reads":
        return EXPECTED.get(path.stem, ({}, []))[0]
    return next((question.bind({}) for question in saved() if question.file == path.name), {})


@pytest.fixture(scope="module")
def embedded_answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    store = EmbeddedStore(tmp_path_factory.mktemp("reads"))
    try:
        return _all_answers(store)
    finally:
        store.close()


@pytest.fixture(scope="module")
def neo4j_answers(neo4j_server: servers.Server) -> dict[str, list[tuple[Any, ...]]]:
    servers.wipe(neo4j_server)
    store = Neo4jStore(neo4j_server.uri, neo4j_server.username, neo4j_server.password or "")
    try:
        return _all_answers(store)
    finally:
        store.close()


def test_every_read_is_tested():
    assert set(EXPECTED) == {path.stem for path in (FOLDER / "reads").glob("*.cypher")}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_read_has_just_these_rows_in_the_embedded_graph(name: str, embedded_answers):
    assert embedded_answers[name] == sorted(EXPECTED[name][1], key=repr)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_read_has_just_these_rows_in_neo4j(name: str, neo4j_answers):
    assert neo4j_answers[name] == sorted(EXPECTED[name][1], key=repr)


@pytest.mark.parametrize("name", [*NODES, *EDGES])
def test_a_kind_has_the_same_rows_on_both_with_its_properties_by_their_names(name: str, embedded_answers, neo4j_answers):
    assert embedded_answers[name]
    assert embedded_answers[name] == neo4j_answers[name]


def test_questions_and_steps_have_the_same_rows_on_both_over_a_graph_of_every_kind(embedded_answers, neo4j_answers):
    for name in [*(question.name for question in BOTH), "steps"]:
        assert embedded_answers[name] == neo4j_answers[name], name


def test_no_file_has_a_name_that_an_engine_does_not_know(embedded_answers, neo4j_answers):
    assert embedded_answers["warnings"] == []
    assert neo4j_answers["warnings"] == []


def test_no_file_names_a_property_that_would_have_to_be_quoted():
    for path in FILES:
        assert not re.search(r"\w\.(" + "|".join(_RESERVED) + r")\b", path.read_text(encoding="utf-8")), path.name


def test_no_file_says_what_only_one_engine_understands():
    for path in FILES:
        text = path.read_text(encoding="utf-8").casefold()
        for word in (" type(", "label(", "labels(", "id(", "elementid(", "call {", "shortestpath", "apoc."):
            assert word not in text, f"{path.name} says {word.strip()}"
