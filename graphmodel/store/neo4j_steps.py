"""The steps on a Neo4j server: how they are derived and written there, and which rules' steps can stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from graphmodel.kinds import STEP
from graphmodel.store.port import Derivation
from graphmodel.store.prints import KEY_OF_END, end_nodes

if TYPE_CHECKING:
    from graphmodel.store.neo4j_sync import Run

_DERIVE = """CALL () {{
{cypher}
}}
WITH source, target, opens, closes, [fact IN because WHERE fact IS NOT NULL] AS because
WHERE source <> target AND (opens IS NULL OR closes IS NULL OR closes > opens)
WITH source, target, opens, closes, min(because) AS because
"""
_FIND = """MATCH (a:Entity {key: source}) USING INDEX a:Entity(key)
MATCH (b:Entity {key: target}) USING INDEX b:Entity(key)
WITH a AS source, b AS target, opens, closes, because
"""
WRITE_STEP = f"""CREATE (source)-[:{STEP} {{rule: $rule, opens: opens, closes: closes, hold: $hold, vantage: $vantage, noise: $noise,
  because: because}}]->(target)
"""
MADE_BY = sha256((_DERIVE + _FIND + WRITE_STEP).encode()).hexdigest()


def derive(derivation: Derivation) -> str:
    """The rows of a step, each once: `source` and `target` as nodes, `opens, closes, because`.

    Where the query says the keys of nodes that it has matched, the nodes are taken as they are: finding a node by its key costs more than
    all else that is done for a step (`python -m benchmarks.store`).
    """
    cypher = derivation.cypher.strip().rstrip(";")
    if end_nodes(cypher):
        return _DERIVE.format(cypher=KEY_OF_END.sub(r"\1\2", cypher))
    return _DERIVE.format(cypher=cypher) + _FIND


def header(derivation: Derivation) -> dict[str, str]:
    """What WRITE_STEP asks of the rule."""
    return {"rule": derivation.rule, "hold": derivation.hold, "vantage": derivation.vantage, "noise": derivation.profile}


@dataclass(frozen=True)
class Rules:
    """The marks of rules whose steps stay (fingerprint, how many), and how many steps of which others there are."""

    kept: dict[str, str]
    stale: dict[str, int]


def steps_there(run: Run) -> dict[str, int]:
    """How many steps each rule has in the graph."""
    rows = run(f"MATCH ()-[r:{STEP}]->() RETURN coalesce(r.rule, ''), count(*)").rows
    return {str(rule): int(count) for rule, count in rows}


def rules_there(run: Run, wanted: Mapping[str, str]) -> Rules:
    """What the marker and the graph say of the rules. Steps of a rule that is not on the marker are half made.

    A rule of which somebody deleted steps by hand, with their nodes perhaps, is derived anew: its number is another.
    """
    said = run("MATCH (s:HakyuState {name: 'graph'}) RETURN s.rules").rows
    marks = dict(text.split("=", 1) for text in (said[0][0] if said else None) or ())
    steps = steps_there(run)
    kept = {rule: mark for rule, mark in marks.items() if mark == f"{wanted.get(rule)} {steps.get(rule, 0)}"}
    return Rules(kept, {rule: count for rule, count in steps.items() if rule not in kept})


def marked(marks: Mapping[str, str]) -> list[str]:
    """Marks as the marker node keeps them."""
    return [f"{rule}={mark}" for rule, mark in sorted(marks.items())]
