"""What can be wrong with a server is said in one clear line: where, what, what to do."""

from __future__ import annotations

import socket
import threading

import pytest

from graphmodel.errors import QueryError, StoreError
from graphmodel.store.neo4j_store import Neo4jStore
from tests.support import neo4j_server as servers


def refusal(uri, username="neo4j", password="", database=None):
    """The line that the first question ends with."""
    store = Neo4jStore(uri, username, password, database)
    with pytest.raises(StoreError) as caught:
        store.state()
    store.close()
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("uri", ["localhost:7687", "http://localhost:7474", "bolt:/x", "nonsense"])
def test_an_address_that_is_none_is_told_with_how_to_write_one(uri):
    assert refusal(uri).startswith(f"{uri}: NEO4J_URI cannot be used (")
    assert refusal(uri).endswith("; write it as bolt://host:7687")


def test_where_no_server_answers_that_is_said_and_what_to_do():
    line = refusal(f"bolt://127.0.0.1:{servers.free_port()}")
    assert "no Neo4j answers" in line and "unset NEO4J_URI to use the embedded graph" in line


def test_a_password_in_the_address_stays_out_of_the_message():
    assert "s3cret" not in refusal(f"bolt://neo4j:s3cret@127.0.0.1:{servers.free_port()}")


def test_something_that_is_no_neo4j_is_no_neo4j():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer():
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(64)
                    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        threading.Thread(target=answer, daemon=True).start()
        line = refusal(f"bolt://127.0.0.1:{listener.getsockname()[1]}")
    assert line.startswith("bolt://127.0.0.1:")


@pytest.fixture(scope="module")
def guarded():
    """A server of our own that asks for a password."""
    context = servers.from_jars(password="right-password")
    try:
        server = context.__enter__()
    except servers.Unavailable as why:
        servers.cannot(why)
    yield server
    context.__exit__(None, None, None)


@pytest.mark.xdist_group("neo4j")
def test_a_wrong_password_is_told_without_it_and_the_right_one_opens(guarded):
    for wrong in ("wrong-password", ""):
        line = refusal(guarded.uri, password=wrong)
        assert line == f"{guarded.uri}: refused the name or the password; set NEO4J_USERNAME and NEO4J_PASSWORD"
    store = Neo4jStore(guarded.uri, guarded.username, guarded.password)
    assert store.state() is None
    store.close()


def test_a_database_that_is_not_there_is_told_by_name(neo4j_server):
    line = refusal(neo4j_server.uri, neo4j_server.username, neo4j_server.password or "", "nowhere")
    assert line == f"{neo4j_server.uri}: has no database 'nowhere'; set NEO4J_DATABASE to one it has, or unset it"


@pytest.mark.parametrize(("agent", "fits"), [("Neo4j/5.26.0", True), ("Neo4j/2026.08.0", True), ("Neo4j/5.25.1", False), ("Neo4j/4.4.40", False), ("Memgraph", False)])
def test_a_server_that_is_too_old_is_told_with_what_is_needed(agent, fits):
    check = Neo4jStore("bolt://host:7687")._connection._check_version
    if fits:
        check(agent)
    else:
        with pytest.raises(StoreError, match=f"bolt://host:7687: {agent} answers, but hakyu needs Neo4j 5.26 or newer; upgrade the server"):
            check(agent)


def test_an_empty_server_has_no_state_and_says_what_to_do(neo4j_store):
    assert neo4j_store.state() is None
    with pytest.raises(StoreError, match="the graph is empty; load something first"):
        neo4j_store.nodes()


@pytest.mark.parametrize("cypher", ["CREATE (n:Account {key: 'x'})", "MATCH (n) DETACH DELETE n", "MATCH (n) SET n.name = 'x' RETURN n"])
def test_a_question_that_writes_is_refused(neo4j_server, neo4j_store, cypher):
    from graphmodel.view import View

    neo4j_store.sync(View("empty", {}, {}), [])
    with pytest.raises(QueryError, match="only reading is allowed here"):
        neo4j_store.read(cypher)
