"""py2neo for analysts' notebooks: a blast radius as a Subgraph of a Neo4j graph. The only file that imports py2neo.

It is an extra: `pip install 'hakyu[notebook]'`. In a notebook, with NEO4J_URI set as for the command line:

    from hakyu.case import Case
    from graphmodel.notebook import blast_subgraph, connect

    result = Case().blast("suzuki@example.jp", "2022-10-01", "2023-06-13")
    graph = connect("bolt://localhost:7687", "neo4j", "password")
    reached = blast_subgraph(graph, result)

    [node["name"] for node in reached.nodes if node.has_label("Mailbox")]
    [(step.start_node["name"], step["rule"], step.end_node["name"]) for step in reached.relationships]

Nodes and relationships are bound to the database: `graph.match((node,))` goes on from them. Look, but do not `graph.push` or
`graph.delete`: the graph is a view of the case, and the next load brings it back to what the facts say.

py2neo 2021.2.4 is its last release. Against Neo4j 5.26 reading, matching, data frames and subgraphs work; `graph.schema` and
sending a datetime with an offset do not. Times in the graph are integers, seconds since 1970 UTC, so nothing of that is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    import py2neo
    from py2neo import errors
except ImportError as missing:  # an extra, so the one import that people meet without it
    raise ImportError("py2neo is not installed: pip install 'hakyu[notebook]'") from missing

from graphmodel.errors import StoreError, UsageError
from graphmodel.times import from_iso

_NODES = "MATCH (n:Entity) WHERE n.key IN $keys RETURN n"
_STEPS = """UNWIND $steps AS s
MATCH (a:Entity {key: s.source})-[r:STEP {rule: s.rule}]->(b:Entity {key: s.target})
WHERE r.because = s.because AND (r.opens IS NULL OR r.opens <= s.at) AND (r.closes IS NULL OR r.closes > s.at)
RETURN a, r, b"""


def connect(uri: str, user: str = "neo4j", password: str = "") -> py2neo.Graph:
    """A py2neo graph; `password` empty where the server asks for none.

    Raises StoreError when no server answers there, or it refuses the name or the password.
    """
    try:
        graph = py2neo.Graph(uri, auth=(user, password or "none"))
        graph.run("RETURN 1").evaluate()
    except errors.Neo4jError as error:
        what = "refused the name or the password" if "Unauthorized" in str(error.code) else str(error.message)
        raise StoreError(f"{uri}: {what}; say connect(uri, user, password)") from None
    except (errors.ConnectionUnavailable, errors.ServiceUnavailable, errors.ConnectionBroken, OSError, ValueError) as error:
        raise StoreError(f"{uri}: no Neo4j answers ({type(error).__name__}); write it as bolt://host:7687") from None
    return graph


def blast_subgraph(graph: py2neo.Graph, result: Mapping[str, Any]) -> py2neo.Subgraph:
    """What `Case.blast` reached, from its seeds on, and the STEP relationships of the ways there.

    Raises UsageError when the graph does not hold all of it: then it was changed since, or is another case's.
    """
    steps = {
        (step["source"], step["rule"], step["target"], step["at"]): {
            "source": step["source"], "rule": step["rule"], "target": step["target"], "at": from_iso(step["at"]), "because": step["because"]
        }
        for node in result["reached"]
        for step in node["way"]
    }  # fmt: skip
    keys = sorted({row["key"] for row in (*result["seeds"], *result["reached"])} | {end for a, _, b, _ in steps for end in (a, b)})
    nodes = [row["n"] for row in graph.run(_NODES, keys=keys)]
    rows = list(graph.run(_STEPS, steps=list(steps.values())))
    found = {(row["a"]["key"], row["r"]["rule"], row["b"]["key"]) for row in rows}
    missing = {step[:3] for step in steps} - found
    if missing or len(nodes) < len(keys):
        raise UsageError(
            f"the graph holds {len(nodes)} of {len(keys)} nodes and lacks {len(missing)} steps of this result: "
            "it was changed since, or is another case's; ask blast again"
        )
    return py2neo.Subgraph(nodes, [row["r"] for row in rows])
