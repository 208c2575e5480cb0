"""Fixtures shared by all rooms. Tests that use a Neo4j are put into one xdist group, so that one worker starts one server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support import neo4j_server as servers

if TYPE_CHECKING:
    from graphmodel.store.neo4j_store import Neo4jStore


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "neo4j_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("neo4j"))


@pytest.fixture(scope="session")
def neo4j_server() -> Iterator[servers.Server]:
    """The Neo4j of this run (uri, username, password): NEO4J_URI, else Docker, else our own; skips when there is none."""
    context = servers.running()
    try:
        server = context.__enter__()
    except servers.Unavailable as why:
        servers.cannot(why)
    yield server
    context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def neo4j_uri(neo4j_server: servers.Server) -> str:
    """Its address. What earlier tests left is still there; `neo4j_empty` sees to that."""
    return neo4j_server.uri


@pytest.fixture
def neo4j_empty(neo4j_server: servers.Server) -> servers.Server:
    """The same server, its database emptied just now."""
    servers.wipe(neo4j_server)
    return neo4j_server


@pytest.fixture
def neo4j_store(neo4j_empty: servers.Server) -> Iterator[Neo4jStore]:
    """A store over the emptied database."""
    from graphmodel.store.neo4j_store import Neo4jStore

    store = Neo4jStore(neo4j_empty.uri, neo4j_empty.username, neo4j_empty.password or "")
    yield store
    store.close()
