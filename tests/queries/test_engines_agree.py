"""Every query under queries/ has the same rows on both engines, over random graphs: what no case thought of differs here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from graphmodel.store.embedded_store import EmbeddedStore
from graphmodel.store.neo4j_store import Neo4jStore
from graphmodel.store.port import Store
from queries.catalogue import FOLDER, Parameter, Saved, evidence, find_saved, saved, steps
from tests.support import neo4j_server as servers
from tests.support.random_graph import key, random_graph

SEEDS, MORE = (1,), (2, *range(10, 30))
DERIVATIONS = [step.derivation for step in steps()]
BOTH = [question for question in saved() if question.engine == "both"]
Answers = dict[str, list[tuple[Any, ...]]]


def _some(label: str) -> list[str]:
    return [key(label, number) for number in range(6)]


# What a parameter takes so that it hits something in a random graph, by its name.
HITS: dict[str, list[Any]] = {
    "account": [*_some("Account"), "one"],
    "accounts": [1],
    "address": _some("Correspondent"),
    "app": _some("App"),
    "before": [45],
    "country": ["DE", "not known"],
    "department": ["one"],
    "domain": _some("Container"),
    "facts": [[f"{type_} {n:05}" for type_ in ("OWNS", "HOLDS", "SAME_IDENTITY") for n in range(4)]],
    "ip": ["192.0.2.1"],
    "kind": ["Mailbox", "password"],
    "keys": [[*_some("Account"), *_some("Observation")]],
    "levels": [2],
    "limit": [3],
    "list": _some("Group"),
    "mailbox": [*_some("Mailbox"), "one"],
    "mailboxes": [_some("Mailbox")],
    "of": ["", *_some("Group")],
    "partner": _some("Organisation"),
    "right": ["AllowedToDelegate"],
    "role": ["mail", "file"],
    "rule": _some("Rule"),
    "server": _some("Server"),
    "servers": [1],
    "session": ["192.0.2.1"],
    "since": [20],
    "step": ["full-access", "own-mailbox"],
    "target": ["", *_some("Account")],
    "top": [3],
    "type": ["ip"],
    "until": [45],
    "what": ["mail access"],
    "whom": _some("Mailbox"),
}
# Queries, or parameters of them, with which no graph has a row, and why that is so.
EMPTY: dict[str, str] = {}


def _asked(question: Saved) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, values) of a question: with its defaults, and with each parameter in turn so that it hits."""
    yield question.name, question.bind({})
    for parameter in question.parameters:
        for value in _hits(parameter):
            yield f"{question.name} {parameter.name}={value}", question.bind({parameter.name: str(value)})


def _hits(parameter: Parameter) -> list[Any]:
    assert parameter.name in HITS, f"HITS has to say what the parameter {parameter.name} takes"
    return HITS[parameter.name]


def _queries() -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    """(name, query, parameters, its order counts) of everything that both engines run; steps are derived when a store is made."""
    for one in evidence():
        yield f"evidence/{one.file}", one.cypher, {}, False
    for path in sorted((FOLDER / "reads").glob("*.cypher")):
        text = path.read_text(encoding="utf-8")
        yield f"reads/{path.stem}", text, {name: HITS[name][0] for name in re.findall(r"\$(\w+)", text)}, "ORDER BY" in text
    for question in BOTH:
        for name, values in _asked(question):
            yield f"saved/{name}", question.cypher, values, True


def _answers(store: Store, seed: int) -> Answers:
    store.sync(random_graph(seed), DERIVATIONS)
    found = {name: _rows(store.read(cypher, values), ordered) for name, cypher, values, ordered in _queries()}
    rules = store.steps().partition_by("rule", as_dict=True)
    return found | {f"steps/{step.id}": _rows(rules[step.id,], False) if (step.id,) in rules else [] for step in steps()}


def _rows(table: pl.DataFrame, ordered: bool) -> list[tuple[Any, ...]]:
    rows = [tuple(list(cell) if isinstance(cell, pl.Series) else cell for cell in row) for row in table.select(sorted(table.columns)).rows()]
    return rows if ordered else sorted(rows, key=repr)


@pytest.fixture(scope="module")
def engines(neo4j_server: servers.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedStore, Neo4jStore]]:
    servers.wipe(neo4j_server)
    embedded = EmbeddedStore(tmp_path_factory.mktemp("agree"))
    server = Neo4jStore(neo4j_server.uri, neo4j_server.username, neo4j_server.password or "")
    yield embedded, server
    embedded.close()
    server.close()


def _differing(embedded: Answers, server: Answers) -> dict[str, str]:
    """Name -> how many rows only one has, or that just their order differs."""
    found = {}
    for name, rows in embedded.items():
        if rows != server[name]:
            here, there = ({repr(row) for row in some} for some in (rows, server[name]))
            found[name] = f"{len(rows)} and {len(server[name])} rows; only embedded {sorted(here - there)[:2]}; only Neo4j {sorted(there - here)[:2]}"
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_every_query_has_the_same_rows_on_both_engines(seed: int, engines):
    assert _differing(_answers(engines[0], seed), _answers(engines[1], seed)) == {}


def test_a_sorted_answer_is_the_same_each_time_it_is_asked(tmp_path):
    """Texts that begin alike, and unknown times: where several threads of the embedded engine sort these, one answer of forty is out of order."""
    store = EmbeddedStore(tmp_path)
    store.sync(random_graph(SEEDS[0]), DERIVATIONS)
    question = find_saved("send_who-may-write-as-whom")
    answers = {repr(_rows(store.read(question.cypher, question.bind({})), ordered=True)) for _ in range(150)}
    store.close()
    assert len(answers) == 1


def test_thousands_of_rows_are_sorted_by_every_key_whatever_is_unknown_in_them(tmp_path):
    store = EmbeddedStore(tmp_path)
    store.sync(random_graph(11), DERIVATIONS)
    question = find_saved("directory_who-controls")
    found = store.read(question.cypher, question.bind({"target": ""}))
    store.close()
    keys = "target, right, kind, who, through, given_on, inherited, since, until, source, place"
    assert f"ORDER BY {keys}" in question.cypher and found.height > 5_000
    rows = [[(cell is None, "" if cell is None else cell) for cell in row] for row in found.select(keys.split(", ")).iter_rows()]
    assert rows == sorted(rows)


@pytest.mark.long
def test_every_query_finds_something_in_some_random_graph(tmp_path):
    store, every, found = EmbeddedStore(tmp_path), set(), set()
    for seed in (*SEEDS, *MORE):
        answers = _answers(store, seed)
        every |= {name.partition("=")[0] for name in answers}
        found |= {name.partition("=")[0] for name, rows in answers.items() if rows}
    store.close()
    assert every - found == set(EMPTY)


@pytest.mark.long
@pytest.mark.parametrize("seed", MORE)
def test_every_query_has_the_same_rows_on_both_engines_over_more_graphs(seed: int, engines):
    assert _differing(_answers(engines[0], seed), _answers(engines[1], seed)) == {}


def test_the_embedded_engine_still_loses_rows_behind_a_condition_on_a_relationship(tmp_path):
    """Why files under queries/ are staged (test_guards.py). It fails when the engine is mended: then the guard and the sentence in README can go."""
    store, graph = EmbeddedStore(tmp_path), random_graph(SEEDS[0])
    store.sync(graph, [])
    found = store.read(
        "MATCH (m:Mailbox)<-[r:OBSERVED]-(o:Observation)-[w:OBSERVED]->(a:Account) "
        "WHERE m.kind = 'Mailbox' AND r.role = 'mailbox' AND w.role = 'actor' RETURN m.key, o.key, a.key"
    )
    staged = store.read(
        "MATCH (o:Observation)-[r:OBSERVED]->(m:Mailbox) WHERE r.role = 'mailbox' WITH DISTINCT o, m, r.fact AS fact "
        "MATCH (o)-[w:OBSERVED]->(a:Account) WHERE w.role = 'actor' RETURN m.key, o.key, a.key"
    )
    store.close()
    records = graph.edges["OBSERVED"].filter(pl.col("from_label") == "Observation")
    boxes = records.filter((pl.col("to_label") == "Mailbox") & (pl.col("role") == "mailbox")).select("from_key", mailbox="to_key")
    actors = records.filter((pl.col("to_label") == "Account") & (pl.col("role") == "actor")).select("from_key", actor="to_key")
    right = sorted(boxes.join(actors, on="from_key").select("mailbox", "from_key", "actor").rows())
    assert sorted(staged.rows()) == right
    assert sorted(found.rows()) != right
