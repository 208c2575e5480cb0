"""Every evidence query against its case, on both engines: the records that show a step, and those that only look like it."""

from __future__ import annotations

import pytest

from graphmodel.errors import QueryError
from graphmodel.store.embedded_store import EmbeddedStore
from graphmodel.store.neo4j_store import Neo4jStore
from queries.catalogue import EVIDENCE_COLUMNS, evidence, read_evidence, steps
from tests.support import neo4j_server as servers
from tests.support.cases import Row, Variant, cases, evidence_answers

CASES = cases("evidence")
VARIANTS = [variant for case in CASES for variant in case.variants]
DERIVATIONS = [step.derivation for step in steps()]
HEADER = """\
// step: full-access
// title: A title
// logs: [mail access]
// scope: target
// limits: Some.
"""
QUERY = "MATCH (o:Observation)-[r:OBSERVED]->(a:Account) RETURN a.key AS source, a.key AS target, o.key AS observation\n"

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.id)


@pytest.fixture(scope="module")
def embedded_rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    store = EmbeddedStore(tmp_path_factory.mktemp("evidence"))
    try:
        return evidence_answers(store, CASES, DERIVATIONS)
    finally:
        store.close()


@pytest.fixture(scope="module")
def neo4j_rows(neo4j_server: servers.Server) -> dict[str, list[Row]]:
    servers.wipe(neo4j_server)
    store = Neo4jStore(neo4j_server.uri, neo4j_server.username, neo4j_server.password or "")
    try:
        return evidence_answers(store, CASES, DERIVATIONS)
    finally:
        store.close()


def distinct(rows: list[Row]) -> list[Row]:
    """A record that fits twice shows a step once."""
    return sorted({tuple(row) for row in rows})


@each_variant
def test_the_records_that_show_a_step_are_just_those_of_its_case_in_the_embedded_graph(variant: Variant, embedded_rows):
    assert distinct(embedded_rows[variant.id]) == distinct(variant.rows)


@each_variant
def test_the_records_that_show_a_step_are_just_those_of_its_case_in_neo4j(variant: Variant, neo4j_rows):
    assert distinct(neo4j_rows[variant.id]) == distinct(variant.rows)


def test_every_evidence_query_has_a_case_and_returns_its_three_columns():
    assert {case.name for case in CASES} == {one.file.removesuffix(".cypher") for one in evidence()}
    for one in evidence():
        assert all(f" AS {column}" in one.cypher for column in EVIDENCE_COLUMNS), one.file
        assert one.file.startswith(one.step), one.file


def test_what_a_step_says_confirms_it_has_an_evidence_query_unless_nobody_has_to_do_anything():
    shown = {one.step for one in evidence()}
    assert not [step.id for step in steps() if step.by_itself and step.id in shown]


FAULTS = {
    "a log that is none": ("[mail access]", "[mail access, gossip]", "logs names gossip, which is no word of coverage"),
    "a scope that is none": ("scope: target", "scope: both", "scope is 'both'; it is one of source, target"),
    "a parameter": ("(a:Account)", "(a:Account {key: $who})", "an evidence query takes no parameter, but it uses $who"),
    "a key that is missing": ("// limits: Some.\n", "", "the header lacks limits"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_an_evidence_query_is_named_in_one_line_with_the_file(fault, tmp_path):
    old, new, message = FAULTS[fault]
    path = tmp_path / "full-access.cypher"
    path.write_text((HEADER + QUERY).replace(old, new), encoding="utf-8")
    with pytest.raises(QueryError) as caught:
        read_evidence(path)
    assert str(caught.value) == f"full-access.cypher: {message}"
