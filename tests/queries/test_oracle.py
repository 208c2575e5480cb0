"""An oracle that shares nothing with the kernel: reach in time worked out by the server, in Cypher, over STEP relationships alone."""

from __future__ import annotations

import random

import numpy as np
import polars as pl

from graphmodel.store.neo4j_store import Neo4jStore
from graphmodel.store.port import Derivation
from queries.catalogue import find_saved
from queries.run import ask
from reach.graph import ALWAYS, NEVER, build
from reach.search import reach
from tests.support.cases import Variant, view_of

# Any step at all, told by a fact that joins two accounts.
_QUERY = (
    "MATCH (a:Account)-[r:SAME_IDENTITY]->(b:Account) WHERE r.reason = '{hold}' "
    "RETURN a.key AS source, b.key AS target, r.valid_from AS opens, r.valid_until AS closes, [r.fact] AS because"
)
DERIVATIONS = [Derivation(f"any-{hold}", _QUERY.format(hold=hold), hold, profile="rights") for hold in ("borrowed", "foothold")]
NODES, GRAPHS, LAST = 7, 60, 40


def graphs() -> list[list[tuple[int, int, int | None, int | None, str]]]:
    """Random small graphs: (source, target, opens, closes, hold)."""
    dice = random.Random(20260)
    found = []
    for _ in range(GRAPHS):
        rows = []
        for _ in range(dice.randint(1, 14)):
            source, target = dice.sample(range(NODES), 2)
            opens, closes = (dice.choice([None, dice.randrange(LAST)]) for _ in range(2))
            rows.append((source, target, opens, closes, dice.choice(["borrowed", "foothold"])))
        found.append(rows)
    return found


def by_kernel(rows: list[tuple[int, int, int | None, int | None, str]], since: int, until: int) -> dict[int, tuple[int, int | None]]:
    """Node -> (first held, last held; None: for good)."""
    columns = list(zip(*rows, strict=True))
    opens = [ALWAYS if t is None else t for t in columns[2]]
    closes = [NEVER if t is None else t for t in columns[3]]
    steps = build(NODES, columns[0], columns[1], opens, closes, np.array(columns[4]) == "foothold")
    labels = reach(steps, [(0, since, until)])
    found: dict[int, tuple[int, int | None]] = {}
    for node, start, end in zip(labels.node.tolist(), labels.start.tolist(), labels.end.tolist(), strict=True):
        first, last = found.get(node, (start, start))
        found[node] = (min(first, start), max(last if last is not None else NEVER, end))
    return {node: (first, None if last == NEVER else last) for node, (first, last) in found.items()}


def test_cypher_alone_finds_what_the_kernel_finds(neo4j_store: Neo4jStore):
    variants = []
    for number, rows in enumerate(graphs()):
        edges = [
            {"id": f"f{i}", "type": "SAME_IDENTITY", "from": ["Account", f"n{u}"], "to": ["Account", f"n{v}"],
             "props": {"reason": hold, "valid_from": opens, "valid_until": closes}}
            for i, (u, v, opens, closes, hold) in enumerate(rows)
        ]  # fmt: skip
        variants.append(Variant("oracle", str(number), [{"kind": "Account", "key": "n0"}], edges, [], {}, f"{number}|"))
    question, compared = find_saved("reach_by-steps-alone"), 0
    for number, rows in enumerate(graphs()):
        neo4j_store.sync(view_of([variants[number]], f"oracle-{number}"), DERIVATIONS)
        for since, until in ((0, LAST), (LAST // 2, LAST * 2)):
            given = {"start": f"{number}|n0", "since": str(since), "until": str(until)}
            answer = ask(neo4j_store, question, given)
            assert answer["complete"].all()
            found = {int(key.rpartition("|n")[2]): (first, last) for key, first, last, _ in answer.rows()}
            assert found == by_kernel(rows, since, until)
            compared += len(found)
    assert compared > 4 * GRAPHS and isinstance(answer, pl.DataFrame)
