"""BloodHound's graph out of Neo4j by `apoc.export.json.all`: an object a line, as BloodHound CE's and ADSynth's databases are dumped.

    {"type":"node","id":"0","labels":["Base","Domain"],"properties":{"objectid":"S-1-5-21-…","name":…}}
    {"type":"relationship","id":"0","label":"MemberOf","properties":{…},"start":{"id":"1","labels":[…]},"end":{"id":"2","labels":[…]}}

Claims lines of that shape whose nodes have an `objectid`. Yields what loaders/formats/opengraph.py yields of the same nodes and edges (users,
groups, computers, memberships, sessions, administrators, remote access, and rights with containers, which it describes).

Traps: ends of relationships are Neo4j's ids, not object ids. Labels have no order: what is a user and a group (ADSynth) is taken for a user. The
text `null` stands for nothing. OUs and GPOs carry the domain's SID before their GUID. Rights on an organisational unit that mean the objects in
it (AddMember, AdminTo … on an OU) are stated on those. HasSession occurs both ways round. Passwords among the properties are not taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.directory_rights import CONTAINERS
from loaders.graphjson import Records, peek
from loaders.opengraph_facts import Graph

NAME = "apoc_export"
TITLE = "BloodHound graph exported from Neo4j (APOC JSON lines)"
PRIORITY = "later"
SEEN = "real sample"
READS = "accounts, groups, servers, sessions, administrators, remote access, directory rights, containment"

_ORDER = ("User", "Computer", "Group", *CONTAINERS)
_TYPES = ("node", "relationship")


def detect(source: Source) -> Claim | None:
    """Claim lines of nodes and relationships, the first of which has BloodHound's object id or joins its kinds."""
    seen = peek(source)
    if seen is None or seen.wrapper or seen.values.get("type") not in _TYPES:
        return None
    first = _first(source.head)
    if first is None:
        return None
    labels = first.get("labels") or (first.get("start") or {}).get("labels")
    if isinstance(labels, list) and (_is_ours(first) or "Base" in labels):
        return Claim(9, "nodes and relationships of BloodHound's graph")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read all nodes, then all relationships, twice: what contains what comes first."""
    graph, ids = Graph(out), {}
    for place, record in Records(source, out):
        if record.get("type") == "node":
            found = _node(record)
            if isinstance(record.get("id"), str) and isinstance(found["id"], str):
                ids[record["id"]] = found["id"]
            graph.add_node(found, place)
        elif record.get("type") != "relationship":
            out.refuse(place, record.get("type", "nothing"), "neither a node nor a relationship")
    for folders in (True, False):
        for place, record in _relationships(source):
            graph.add_edge(_edge(record, ids), place, folders)
    graph.finish()


def _relationships(source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    """The relationships once more; what is wrong with the lines was said the first time."""
    for place, record in Records(source, FactBuffer()):
        if record.get("type") == "relationship":
            yield place, record


def _node(record: dict[str, Any]) -> dict[str, Any]:
    given, labels = record.get("properties"), record.get("labels")
    properties = {str(name).casefold(): value for name, value in given.items() if value != "null"} if isinstance(given, dict) else {}
    kinds = [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else None
    if kinds:
        kinds.sort(key=lambda kind: _ORDER.index(kind) if kind in _ORDER else len(_ORDER))
    return {"id": properties.get("objectid"), "kinds": kinds, "properties": properties}


def _edge(record: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    def end(name: str) -> dict[str, Any]:
        found = record.get(name)
        key = found.get("id") if isinstance(found, dict) else None
        return {"value": ids.get(key) if isinstance(key, str) else None}

    return {"kind": record.get("label"), "start": end("start"), "end": end("end"), "properties": record.get("properties")}


def _first(head: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(head.lstrip().partition(b"\n")[0])
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _is_ours(first: dict[str, Any]) -> bool:
    properties = first.get("properties")
    return isinstance(properties, dict) and "objectid" in properties
