"""Every step against its case, on both engines: the rows that must come, and those that must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphmodel.store.embedded_store import EmbeddedStore
from graphmodel.store.neo4j_store import Neo4jStore
from queries.catalogue import steps
from tests.support import neo4j_server as servers
from tests.support.cases import Row, Variant, cases, step_answers, view_of

CASES = cases("steps")
VARIANTS = [variant for case in CASES for variant in case.variants]
DERIVATIONS = [step.derivation for step in steps()]

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.id)


@pytest.fixture(scope="module")
def embedded_rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    store = EmbeddedStore(tmp_path_factory.mktemp("steps"))
    try:
        return step_answers(store, CASES, DERIVATIONS)
    finally:
        store.close()


@pytest.fixture(scope="module")
def neo4j_rows(neo4j_server: servers.Server) -> dict[str, list[Row]]:
    servers.wipe(neo4j_server)
    store = Neo4jStore(neo4j_server.uri, neo4j_server.username, neo4j_server.password or "")
    try:
        return step_answers(store, CASES, DERIVATIONS)
    finally:
        store.close()


def in_any_order(rows: list[Row]) -> list[Row]:
    """A step's rows are a set: a store sorts them by key, a case as it reads best."""
    return sorted(rows, key=repr)


@each_variant
def test_a_step_finds_just_the_rows_of_its_case_in_the_embedded_graph(variant: Variant, embedded_rows):
    assert in_any_order(embedded_rows[variant.id]) == in_any_order(variant.rows)


@each_variant
def test_a_step_finds_just_the_rows_of_its_case_in_neo4j(variant: Variant, neo4j_rows):
    assert in_any_order(neo4j_rows[variant.id]) == in_any_order(variant.rows)


def test_no_step_row_comes_twice(embedded_rows, neo4j_rows):
    for found in (embedded_rows, neo4j_rows):
        for rows in found.values():
            assert len({repr(row[:4]) for row in rows}) == len(rows)


def _two_facts_that_say_the_same() -> Variant:
    """One mailbox with an address in two roles, and one right that two sources state: a single step each, told by the fact that sorts first."""

    def edge(id_: str, type_: str, start: list[str], end: list[str], **props: object) -> dict[str, object]:
        return {"id": id_, "type": type_, "from": start, "to": end, "props": props}

    box, address = ["Mailbox", "mailbox:bob"], ["Correspondent", "smtp:bob"]
    edges = [
        edge("h9", "HAS_ADDRESS", box, address, type="primary"),
        edge("h1", "HAS_ADDRESS", box, address, type="mail"),
        edge("f1", "FORWARDS_TO", ["Rule", "rule:copy"], address),
        edge("r2", "FULL_ACCESS", ["Account", "account:ann"], box, valid_from=100, source="b.csv"),
        edge("r1", "FULL_ACCESS", ["Account", "account:ann"], box, valid_from=100, source="a.csv"),
        edge("r0", "FULL_ACCESS", ["Account", "account:ann"], box, valid_from=300, source="c.csv"),
        edge("s1", "SAME_IDENTITY", box, box),
    ]
    return Variant("twice", "said twice", [], edges, [], {}, "")


def _is_told_once(store: EmbeddedStore | Neo4jStore) -> None:
    store.sync(view_of([_two_facts_that_say_the_same()], "twice"), DERIVATIONS)
    found = store.steps().select("rule", "source", "target", "opens", "closes", "because").rows()
    assert in_any_order([list(row) for row in found]) == in_any_order([
        ["forwarded-mail", "mailbox:bob", "rule:copy", None, None, ["h1", "f1"]],
        ["forwarding-target", "rule:copy", "smtp:bob", None, None, ["f1"]],
        ["full-access", "account:ann", "mailbox:bob", 100, None, ["r1"]],
        ["full-access", "account:ann", "mailbox:bob", 300, None, ["r0"]],
    ])  # fmt: skip


def test_what_two_sources_say_is_one_step_and_nothing_leads_to_itself_in_the_embedded_graph(tmp_path: Path):
    store = EmbeddedStore(tmp_path)
    _is_told_once(store)
    store.close()


def test_what_two_sources_say_is_one_step_and_nothing_leads_to_itself_in_neo4j(neo4j_store: Neo4jStore):
    _is_told_once(neo4j_store)
