"""Every saved question against its case, on both engines: the rows, their order, and what must not come."""

from __future__ import annotations

import pytest

from graphmodel.errors import QueryError, UsageError
from graphmodel.kinds import COVERAGE
from graphmodel.store.embedded_store import EmbeddedStore
from graphmodel.store.neo4j_store import Neo4jStore
from queries.catalogue import Saved, find_saved, saved, steps
from queries.run import ask
from tests.support import neo4j_server as servers
from tests.support.cases import Row, Variant, cases, runs_on, saved_answers, view_of

CASES = cases("saved")
VARIANTS = [variant for case in CASES for variant in case.variants]
DERIVATIONS = [step.derivation for step in steps()]

def each_variant(engine: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("variant", [v for v in VARIANTS if runs_on(v, engine)], ids=lambda variant: variant.id)


@pytest.fixture(scope="module")
def embedded_rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    store = EmbeddedStore(tmp_path_factory.mktemp("questions"))
    try:
        return saved_answers(store, CASES, DERIVATIONS)
    finally:
        store.close()


@pytest.fixture(scope="module")
def neo4j_rows(neo4j_server: servers.Server) -> dict[str, list[Row]]:
    servers.wipe(neo4j_server)
    store = Neo4jStore(neo4j_server.uri, neo4j_server.username, neo4j_server.password or "")
    try:
        return saved_answers(store, CASES, DERIVATIONS)
    finally:
        store.close()


@each_variant("embedded")
def test_a_question_has_just_the_rows_of_its_case_in_their_order_in_the_embedded_graph(variant: Variant, embedded_rows):
    assert embedded_rows[variant.id] == variant.rows


@each_variant("neo4j")
def test_a_question_has_just_the_rows_of_its_case_in_their_order_in_neo4j(variant: Variant, neo4j_rows):
    assert neo4j_rows[variant.id] == variant.rows


def test_a_question_runs_on_a_graph_that_has_nothing_it_asks_for(tmp_path):
    store = EmbeddedStore(tmp_path)
    store.sync(view_of([], "nothing"), [])
    for question in (one for one in saved() if one.engine == "both"):
        rows = ask(store, question, {})
        assert rows.height == (len(COVERAGE) if question.name == "coverage_what-was-collected" else 0), question.name
    store.close()


def test_a_question_runs_on_a_server_that_has_nothing_it_asks_for(neo4j_store: Neo4jStore):
    neo4j_store.sync(view_of([], "nothing"), [])
    for question in saved():
        rows = ask(neo4j_store, question, {})
        assert rows.height == (len(COVERAGE) if question.name == "coverage_what-was-collected" else 0), question.name


def test_a_parameter_that_is_not_given_has_its_default():
    bound = find_saved("mail_whom-it-wrote-with").bind({"mailbox": "ann@hq.example"})
    assert bound == {"mailbox": "ann@hq.example", "top": 100}


def test_a_number_that_is_none_is_refused_with_its_name():
    with pytest.raises(UsageError, match=r"mailbox_opened-by-most: top is a whole number, not 'many'"):
        find_saved("mailbox_opened-by-most").bind({"top": "many"})


def test_an_unknown_parameter_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"has no parameter 'account'; it has: mailbox, top"):
        find_saved("mail_whom-it-wrote-with").bind({"account": "ann"})
    with pytest.raises(UsageError, match=r"has no parameter 'x'; it has: none"):
        find_saved("coverage_what-was-collected").bind({"x": "1"})


def test_a_value_is_never_read_as_cypher(tmp_path):
    store = EmbeddedStore(tmp_path)
    case = next(case for case in CASES if case.name == "mailbox_who-can-open")
    store.sync(view_of(case.variants[:1], "one"), [])
    assert ask(store, find_saved("mailbox_who-can-open"), {"mailbox": "'] OR true //"}).height == 0
    store.close()


def test_a_question_whose_columns_are_not_its_headers_is_refused(tmp_path):
    store = EmbeddedStore(tmp_path)
    store.sync(view_of([], "nothing"), [])
    wrong = Saved("a_wrong-one", "t", "a", "q", ("name",), (), "both", "a_wrong-one.cypher", "MATCH (a:Account) RETURN a.key AS who")
    with pytest.raises(QueryError, match=r"a_wrong-one.cypher: returns who, its header says name"):
        ask(store, wrong, {})
    store.close()


def test_a_question_for_another_engine_is_refused_before_it_runs(tmp_path):
    store = EmbeddedStore(tmp_path)
    wrong = Saved("a_far-one", "t", "a", "q", ("who",), (), "neo4j", "a_far-one.cypher", "RETURN 1 AS who")
    with pytest.raises(QueryError, match=r"a_far-one runs on neo4j only; this graph is embedded"):
        ask(store, wrong, {})
