"""py2neo against the real server: a blast radius as a subgraph."""

from __future__ import annotations

import pytest

from graphmodel.errors import StoreError, UsageError
from graphmodel.notebook import blast_subgraph, connect
from hakyu.case import Case
from tests.support import neo4j_server as servers
from tests.support.loads import LOADERS, environment

FILES = [LOADERS / name / "input.csv" for name in ("recipient_permissions", "get_mailbox", "accounts_csv")]


@pytest.fixture(scope="module")
def blasted(neo4j_server, tmp_path_factory):
    """The server with a loaded case, and a blast radius with ways of several steps."""
    servers.wipe(neo4j_server)
    case = Case(tmp_path_factory.mktemp("notebook") / "case", environment(neo4j_server))
    case.load(FILES)
    result = case.blast("account:ken@nisc.example", "2022-10-01", "2023-06-13")
    case.close()
    return connect(neo4j_server.uri, neo4j_server.username, neo4j_server.password or ""), result


def test_a_blast_radius_is_a_subgraph_of_the_database(neo4j_server, blasted):
    graph, result = blasted
    found = blast_subgraph(graph, result)
    wanted = {row["key"] for row in (*result["seeds"], *result["reached"])}
    assert {node["key"] for node in found.nodes} >= wanted and len(result["reached"]) > 2
    steps = {(step["source"], step["rule"], step["target"]) for row in result["reached"] for step in row["way"]}
    assert {(r.start_node["key"], r["rule"], r.end_node["key"]) for r in found.relationships} == steps
    assert {type(r).__name__ for r in found.relationships} == {"STEP"}


def test_its_nodes_carry_their_kind_and_lead_on_in_the_database(neo4j_server, blasted):
    graph, result = blasted
    found = blast_subgraph(graph, result)
    boxes = {node["key"] for node in found.nodes if node.has_label("Mailbox")}
    assert boxes == {row["key"] for row in result["reached"] if row["kind"] == "Mailbox"} and boxes
    box = next(node for node in found.nodes if node.has_label("Mailbox"))
    assert box.graph is graph
    assert {type(edge).__name__ for edge in graph.match((box,))} <= {"HAS_ADDRESS", "STEP", "FORWARDS_TO", "PASSES_THROUGH"}
    assert graph.match((box,)).count() > 0


def test_a_result_of_another_graph_is_refused(neo4j_server, blasted):
    graph, result = blasted
    strange = result | {"seeds": [{"key": "account:nobody@elsewhere.example"}]}
    with pytest.raises(UsageError, match=r"holds \d+ of \d+ nodes and lacks 0 steps of this result: .*ask blast again"):
        blast_subgraph(graph, strange)


def test_where_no_server_answers_that_is_one_clear_line():
    uri = f"bolt://127.0.0.1:{servers.free_port()}"
    with pytest.raises(StoreError, match=f"{uri}: no Neo4j answers .*; write it as bolt://host:7687"):
        connect(uri)
