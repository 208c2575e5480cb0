"""Whatever is loaded and forgotten, in whatever order rules run, the graph is that of a full recompute; and only what changed is derived."""

from __future__ import annotations

import random
import shutil
from contextlib import contextmanager
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.kinds import EDGES, NODES
from graphmodel.ledger import Ledger
from graphmodel.merge import view
from graphmodel.store.embedded_build import COPIES
from graphmodel.store.embedded_cache import read_manifest
from graphmodel.store.embedded_store import EmbeddedStore
from graphmodel.store.neo4j_steps import derive
from graphmodel.store.neo4j_store import Neo4jStore
from graphmodel.store.port import Derivation
from graphmodel.store.prints import Prints, end_nodes, kinds_read, may_find
from graphmodel.view import View
from queries.catalogue import steps
from tests.support.cases import whole_graph
from tests.support.loads import difference, put
from tests.support.neo4j_server import wipe

DERIVATIONS = [step.derivation for step in steps()]
KEYS = {
    "Account": "upn:u{}@a.example", "Mailbox": "mailbox:m{}@a.example", "Correspondent": "smtp:m{}@a.example", "Group": "group:g{}",
    "Server": "host:s{}.a.example", "Service": "service:vpn/{}", "App": "app:{}", "Organisation": "domain:o{}.example",
}  # fmt: skip
TYPES = {"Mailbox": [None, "shared", "user"], "Service": ["mail system", "vpn"], "Rule": ["inbox rule", "transport rule"]}
STATED = sorted(EDGES.keys() - {"CORRESPONDED", "SAME_IDENTITY"})


def key(label, number):
    return label, KEYS.get(label, label.lower() + ":{}").format(number)


@st.composite
def edges(draw):
    """(type, source, target, since) over few nodes: many loads say the same."""
    type_ = draw(st.sampled_from(STATED))
    source, target = draw(st.sampled_from(EDGES[type_].pairs))
    ends = key(source, draw(st.integers(0, 2))), key(target, draw(st.integers(0, 2)))
    return type_, *ends, draw(st.sampled_from([None, 1_600_000_000, 1_650_000_000]))


@st.composite
def nodes(draw):
    label = draw(st.sampled_from(sorted(TYPES)))
    return label, key(label, draw(st.integers(0, 2)))[1], draw(st.sampled_from(TYPES[label])), draw(st.sampled_from(["one", "two"]))


facts = st.tuples(st.lists(edges(), min_size=1, max_size=12), st.lists(nodes(), max_size=4))


def saying(load):
    """What a load of these facts says."""

    def say(out):
        for n, (type_, source, target, since) in enumerate(load[0]):
            out.edge(type_, source, target, f"row {n}", valid_from=since)
        for n, (label, key_, type_, name) in enumerate(load[1]):
            out.node(label, key_, f"row {n}", name=name, type=type_)

    return say


def states(folder, loads, moves):
    """The views that the case passes through: each move loads a load that is not there, or forgets it."""
    ledger = Ledger(folder)
    for move in moves:
        name = f"load{move}"
        if name in ledger.ids():
            with ledger.writing():
                ledger.forget(name)
        else:
            put(ledger, **{name: saying(loads[move])})
        yield view(ledger)


def some(seed):
    """Twenty of the rules: all of them would take minutes."""
    return random.Random(seed).sample(DERIVATIONS, 20)


def shuffled(rules, seed):
    order = list(rules)
    random.Random(seed).shuffle(order)
    return order


@contextmanager
def fresh(folder, whole, derivations):
    """The graph of a store that has never held another."""
    shutil.rmtree(folder, ignore_errors=True)
    store = EmbeddedStore(folder)
    store.sync(whole, derivations)
    yield store.dump()
    store.close()


SEQUENCES = given(loads=st.lists(facts, min_size=3, max_size=3), moves=st.lists(st.integers(0, 2), min_size=2, max_size=5), seed=st.integers(0, 99))
UNHURRIED = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@UNHURRIED
@SEQUENCES
def test_after_any_loads_and_forgets_the_embedded_graph_is_that_of_a_full_recompute(tmp_path_factory, loads, moves, seed):
    folder = tmp_path_factory.mktemp("sequence")
    store = EmbeddedStore(folder / "graph", share=1e9)  # always the last file copied and changed
    said, rules = [], some(seed)
    for n, whole in enumerate(states(folder / "case", loads, moves)):
        store.sync(whole, shuffled(rules, seed + n), said.append)
        assert not [text for text in said if "made anew" in text]
        with fresh(folder / "fresh", whole, rules) as wanted:
            assert difference(store.dump(), wanted) == []
    store.close()
    shutil.rmtree(folder)


@UNHURRIED
@SEQUENCES
def test_after_any_loads_and_forgets_the_neo4j_graph_is_that_of_a_full_recompute(tmp_path_factory, neo4j_empty, loads, moves, seed):
    folder = tmp_path_factory.mktemp("sequence")
    wipe(neo4j_empty)
    stores = [Neo4jStore(neo4j_empty.uri, neo4j_empty.username, neo4j_empty.password or "", one_transaction=n) for n in (100_000, 0)]
    rules = some(seed)
    for n, whole in enumerate(states(folder / "case", loads, moves)):
        store = stores[(seed + n) % 2]
        store.sync(whole, shuffled(rules, seed + n))
        with fresh(folder / "fresh", whole, rules) as wanted:
            assert difference(store.dump(), wanted) == []
    for store in stores:
        store.close()
    shutil.rmtree(folder)


def derived(store, whole, derivations):
    """The rules that a sync derives anew."""
    said = []
    store.sync(whole, derivations, said.append)
    return {text.split()[-1] for text in said if text.startswith("steps:")}


def with_one_more(whole, type_, state):
    """The view with one more fact of a type, like its first."""
    rows = whole.edges[type_]
    more = rows.head(1).with_columns(pl.lit("zz-more").alias("fact"), pl.lit(77, dtype=pl.Int64).alias("valid_from"))
    return View(state, whole.nodes, whole.edges | {type_: pl.concat([rows, more]).sort("fact")})


def only_what_changed(store, folder):
    whole = whole_graph()
    assert derived(store, whole, DERIVATIONS) == {derivation.rule for derivation in DERIVATIONS}
    after = with_one_more(whole, "SESSION_ON", "more")
    assert derived(store, after, DERIVATIONS) == {d.rule for d in DERIVATIONS if "SESSION_ON" in (kinds_read(d.cypher) or {"SESSION_ON"})}
    renamed = whole.nodes["File"].with_columns(pl.lit("new").alias("url"))
    after = View("renamed", whole.nodes | {"File": renamed}, after.edges)
    assert derived(store, after, DERIVATIONS) == {d.rule for d in DERIVATIONS if "File" in (kinds_read(d.cypher) or {"File"})}
    noisy = [replace(DERIVATIONS[0], profile="noisy"), *DERIVATIONS[2:]]
    assert derived(store, View("rules", after.nodes, after.edges), noisy) == {DERIVATIONS[0].rule}
    with fresh(folder, after, noisy) as wanted:
        assert difference(store.dump(), wanted) == []


def test_only_rules_that_read_what_changed_are_derived_anew_on_the_embedded_engine(tmp_path):
    store = EmbeddedStore(tmp_path / "graph")
    only_what_changed(store, tmp_path / "fresh")
    store.close()


def test_only_rules_that_read_what_changed_are_derived_anew_on_neo4j(tmp_path, neo4j_store):
    only_what_changed(neo4j_store, tmp_path / "fresh")


def test_after_a_sync_that_stopped_midway_on_neo4j_the_rules_that_it_was_not_to_touch_are_kept(tmp_path, neo4j_store):
    whole = whole_graph()
    neo4j_store.sync(whole, DERIVATIONS)
    after = with_one_more(whole, "SESSION_ON", "more")
    neo4j_store._one_transaction = 0

    def stop(text):
        if text.startswith("steps:"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        neo4j_store.sync(after, DERIVATIONS, stop)
    assert neo4j_store.state() is None
    assert derived(neo4j_store, after, DERIVATIONS) == {d.rule for d in DERIVATIONS if "SESSION_ON" in (kinds_read(d.cypher) or {"SESSION_ON"})}
    with fresh(tmp_path / "fresh", after, DERIVATIONS) as wanted:
        assert difference(neo4j_store.dump(), wanted) == []


def test_steps_that_somebody_deleted_on_neo4j_by_hand_come_back_with_the_next_load(tmp_path, neo4j_store):
    whole = whole_graph()
    neo4j_store.sync(whole, DERIVATIONS)
    neo4j_store._connection.auto("MATCH (n:Mailbox) DETACH DELETE n")
    after = with_one_more(whole, "SESSION_ON", "more")
    neo4j_store.sync(after, DERIVATIONS)
    with fresh(tmp_path / "fresh", after, DERIVATIONS) as wanted:
        assert difference(neo4j_store.dump(), wanted) == []


@pytest.mark.parametrize("hurt", ["lost", "empty", "torn", "another's"])
def test_a_cache_that_is_lost_or_damaged_is_made_again(tmp_path, hurt):
    whole = whole_graph()
    store = EmbeddedStore(tmp_path / "graph", share=1e9)
    store.sync(whole, DERIVATIONS)
    files = sorted((tmp_path / "graph" / "cache").iterdir())
    contents = [path.read_bytes() for path in files]
    for n, path in enumerate(files):
        if hurt == "lost":
            path.unlink()
        else:
            path.write_bytes({"empty": b"", "torn": contents[n][: len(contents[n]) // 2], "another's": contents[n - 1]}[hurt])
    after = with_one_more(whole, "OWNS", "more")
    store.sync(after, DERIVATIONS)
    found = store.dump()
    store.close()
    with fresh(tmp_path / "fresh", after, DERIVATIONS) as wanted:
        assert difference(found, wanted) == []


def test_a_manifest_that_is_of_another_file_is_not_believed(tmp_path):
    whole = whole_graph()
    store = EmbeddedStore(tmp_path / "graph", share=1e9)
    store.sync(whole, DERIVATIONS)
    manifest = tmp_path / "graph" / "whole.lbug.json"
    replace(read_manifest(manifest), bytes=1).write(manifest)
    store.sync(with_one_more(whole, "OWNS", "more"), DERIVATIONS)
    assert read_manifest(tmp_path / "graph" / "more.lbug.json").copies == 0
    store.close()


def test_a_file_is_copied_so_many_times_and_then_made_anew_and_keeps_its_size(tmp_path):
    whole = whole_graph()
    store = EmbeddedStore(tmp_path / "graph", share=1e9)
    graphs, copies, sizes = [whole, with_one_more(whole, "OWNS", "more")], [], []
    for n in range(COPIES + 2):
        one = View(f"n{n}", *(graphs[n % 2].nodes, graphs[n % 2].edges))
        store.sync(one, DERIVATIONS[:3])
        copies.append(read_manifest(tmp_path / "graph" / f"n{n}.lbug.json").copies)
        sizes.append((tmp_path / "graph" / f"n{n}.lbug").stat().st_size)
    assert copies == [*range(COPIES + 1), 0]
    assert max(sizes) < 2 * sizes[0]
    store.close()
    kept = read_manifest(tmp_path / "graph" / f"n{COPIES + 1}.lbug.json").names
    assert {path.stem for path in (tmp_path / "graph" / "cache").iterdir()} == kept


@pytest.mark.parametrize(
    ("pattern", "read"),
    [
        ("(a:Account)-[o:OWNS]->(m:Mailbox)", {"Account", "OWNS", "Mailbox"}),
        ("(a:Account|`Group`)-[o:OWNS]->(m:Mailbox)", {"Account", "Group", "OWNS", "Mailbox"}),
        ("(a:account)-[o:owns]->(m:Mailbox {type: 'App'})", {"Account", "OWNS", "Mailbox"}),
        ("(a:Account)-[o:OWNS]->(m:Mailbox) WHERE EXISTS { MATCH (m)-[:HOLDS]->(:Message) }", {"Account", "OWNS", "Mailbox", "HOLDS", "Message"}),
        ("(a:Account)-[o:OWNS]->(m:Mailbox), (a:Account)-[:HAS_ADDRESS]->()", None),
        ("(a)-[o:OWNS]->(m:Mailbox)", None),
        ("(a:Account)-[o]->(m:Mailbox)", None),
        ("(a:Account)-->(m:Mailbox)", None),
        ("(a:Account)--(m:Mailbox)", None),
        ("(a:Account)-[o:STEP]->(m:Mailbox)", None),
        ("(a:Entity)-[o:OWNS]->(m:Mailbox)", None),
        ("(a:Account)-[o:OWNS*1..3]->(m:Mailbox)", {"Account", "OWNS", "Mailbox"}),
        ("(a:Account)-[*1..3]->(m:Mailbox)", None),
        ("(a:!Account)-[o:OWNS]->(m:Mailbox)", None),
    ],
)
def test_what_a_rule_reads_is_what_its_patterns_name_or_else_everything(pattern, read):
    found = kinds_read(f"// needs: [TRUSTS]\nMATCH {pattern}\nRETURN a.key AS source, m.key AS target, null AS opens, null AS closes, [] AS because")
    assert found == read


def test_a_rule_whose_ends_are_no_keys_of_nodes_reads_everything():
    assert kinds_read("MATCH (a:Account)-[o:OWNS]->(m:Mailbox) RETURN a.upn AS source, m.key AS target, null AS opens, null AS closes, [] AS because") is None


def test_every_rule_of_the_catalogue_reads_bounded_kinds_among_them_what_it_needs():
    for step in steps():
        read = kinds_read(step.cypher)
        assert read is not None and set(step.needs) & EDGES.keys() <= read, step.file


def test_a_rules_fingerprint_depends_on_its_header_its_query_and_what_it_reads_and_on_nothing_else():
    whole, rule = whole_graph(), Derivation("r", "MATCH (a:Account)-[o:OWNS]->(m:Mailbox) RETURN a.key AS source, m.key AS target")
    one = Prints(whole).rule(rule, "1")
    others = [replace(rule, hold="foothold"), replace(rule, vantage="in transit"), replace(rule, profile="noisy"), replace(rule, cypher=rule.cypher + " ")]
    assert len({one, Prints(whole).rule(rule, "2"), *(Prints(whole).rule(other, "1") for other in others)}) == 6
    for label, frame in whole.nodes.items():
        without = View("v", whole.nodes | {label: frame.head(1)}, whole.edges)
        assert (Prints(without).rule(rule, "1") != one) == (label in {"Account", "Mailbox"})
    assert NODES.keys() == whole.nodes.keys()


_OWNS = "MATCH (a:Account)-[o:OWNS]->(m:Mailbox)"
_SAID = "o.valid_from AS opens, o.valid_until AS closes, [o.fact] AS because"


@pytest.mark.parametrize(
    ("query", "nodes"),
    [
        (f"// RETURN x.key AS source\n{_OWNS} RETURN a.key AS source, m.key AS target, {_SAID}", True),
        (f"{_OWNS} RETURN DISTINCT a.key  as  source, m.key AS target, {_SAID}", True),
        (f"{_OWNS} WITH a AS x, m, o RETURN x.key AS source, m.key AS target, {_SAID}", False),
        (f"{_OWNS} WITH a.key AS s, m.key AS t, o RETURN s AS source, t AS target, {_SAID}", False),
    ],
)
def test_steps_are_the_same_on_neo4j_whether_it_can_take_the_nodes_or_has_to_find_them_by_their_keys(tmp_path, neo4j_store, query, nodes):
    rules = [Derivation("owns", query)]
    assert end_nodes(query) == nodes and ("USING INDEX" in derive(rules[0])) != nodes
    whole = whole_graph()
    with fresh(tmp_path / "fresh", whole, rules) as wanted:
        assert wanted[1]["STEP"].height
        for once in (100_000, 0):
            neo4j_store._one_transaction = once
            neo4j_store.sync(View("facts", whole.nodes, whole.edges), [])
            neo4j_store.sync(whole, rules)
            assert difference(neo4j_store.dump(), wanted) == []


def test_the_nodes_of_every_rule_of_the_catalogue_can_be_taken():
    assert [step.id for step in steps() if not end_nodes(step.cypher)] == []


def plainly(store):
    """The projection as rows of keys, sorted, and the same columns of `steps()`."""
    found, words = store.projection(), ["source", "target", "opens", "closes", "rule", "hold", "vantage", "noise"]
    assert found.nodes.equals(store.nodes()) and found.steps.columns == words
    keys = found.nodes["key"]
    rows = found.steps.with_columns(keys.gather(found.steps["source"]).alias("source"), keys.gather(found.steps["target"]).alias("target"))
    known = store.steps().filter(pl.col("source").is_in(keys.implode()) & pl.col("target").is_in(keys.implode()))
    return [frame.select(pl.col(words[:2] + words[4:]).cast(pl.String), "opens", "closes").sort(pl.all()) for frame in (rows, known)]


def test_the_projection_is_nodes_and_steps_by_number_on_both_engines(tmp_path, neo4j_store):
    embedded = EmbeddedStore(tmp_path / "graph")
    for store in (embedded, neo4j_store):
        for whole in (whole_graph(), View("none", {}, {})):
            store.sync(whole, DERIVATIONS)
            found, known = plainly(store)
            assert found.equals(known), store.engine
            if store.engine == "embedded":
                (tmp_path / "graph" / f"{whole.state}.lbug.json").unlink()
                assert plainly(store)[0].equals(known)
            assert bool(found.height) == bool(whole.nodes)
    embedded.close()


@pytest.mark.parametrize(("query", "types", "finds"), [
    ("MATCH (a:Account)-[o:OWNS]->(m:Mailbox) RETURN a.key AS source", {"OWNS"}, True),
    ("MATCH (a:Account)-[o:OWNS]->(m:Mailbox) RETURN a.key AS source", {"HOLDS"}, False),
    ("MATCH (a:Account)-[o:OWNS|FULL_ACCESS]->(m:Mailbox) RETURN a.key AS source", {"FULL_ACCESS"}, True),
    ("MATCH (a:Account)-[o:OWNS]->(m:Mailbox)-[h:HOLDS]->(x) RETURN a.key AS source", {"OWNS"}, False),
    ("MATCH (a)-[o:OWNS]->(m) RETURN a.key AS source UNION ALL MATCH (a)-[h:HOLDS]->(m) RETURN a.key AS source", {"HOLDS"}, True),
    ("MATCH (a)-[o:OWNS]->(m) WHERE NOT EXISTS { MATCH (m)-[:HOLDS]->(:Message) } RETURN a.key AS source", {"OWNS"}, True),
    ("MATCH (a)-[o:OWNS]->(m) OPTIONAL MATCH (m)-[:HOLDS]->(x) RETURN a.key AS source", {"OWNS"}, True),
    ("MATCH (a)-->(m) RETURN a.key AS source", {"OWNS"}, True),
    ("// -[x:HOLDS]-\nMATCH (a) WHERE a.name = '-[x:HOLDS]-' RETURN a.key AS source", set(), True),
])  # fmt: skip
def test_a_query_is_run_unless_a_pattern_that_must_match_has_no_relationship(query, types, finds):
    assert may_find(query, types) is finds


def test_a_rule_that_need_not_be_run_has_no_rows_in_a_graph_without_what_it_reads(tmp_path):
    """For every rule: without each of its types in turn, where `may_find` says there is nothing to find, the engine finds nothing."""
    whole, skipped = whole_graph(), 0
    store = EmbeddedStore(tmp_path)
    for type_ in ("CONTROLS", "OBSERVED", "HOLDS", "MEMBER_OF", "HAS_ADDRESS"):
        less = View(f"without {type_}", whole.nodes, {name: frame for name, frame in whole.edges.items() if name != type_})
        store.sync(less, [])
        for derivation in DERIVATIONS:
            if not may_find(derivation.cypher, less.edges):
                skipped += 1
                assert store.read(derivation.cypher).height == 0, (derivation.rule, type_)
    store.close()
    assert skipped > 30
