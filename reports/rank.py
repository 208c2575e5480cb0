"""Every account by what it could reach, and everything by how many accounts reach it."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphmodel.store.port import Store
from graphmodel.times import to_iso
from queries.run import read
from reach.evidence import CONFIRMED, INDICATED, LEVELS, NOT_OBSERVED, POSSIBLE, unsaid
from reach.graph import build
from reach.rank import Ranked, rank
from reports.casegraph import CaseGraph, Index
from reports.evidence import Weighed, weigh
from reports.found import Catalogue, Window
from reports.held import KINDS
from reports.remediation import remediated
from reports.seen import by_record

UPSTREAM = 100
"""How many of the things that most accounts reach are listed."""


def ranking(store: Store, catalogue: Catalogue, window: Window) -> dict[str, Any]:
    """Plain data: `accounts` (one row a thing: `key, name, reached`, by kind and level), and `upstream` (`key, kind, name, accounts`).

    Each account is taken as held during the window, alone. Rows are sorted by what they could reach; a thing is counted once, whatever
    names it has, and the account itself is not.
    """
    graph = catalogue.graph(store)
    walked = graph.walked(catalogue.profile)
    weighed = weigh(store, graph, walked, catalogue.evidence, read(store, "coverage"))
    cleaned = sorted({(int(graph.thing[node]), time) for node, time in graph.cleaned(remediated(read(store, "remediations"), graph.identity))})
    accounts = np.unique(graph.thing[[n for n, kind in enumerate(graph.kinds) if kind == "Account"]]).astype(np.int32)
    kinds = np.array([KINDS.index(kind) if kind in KINDS else -1 for kind in graph.kinds], np.int8)
    kinds[graph.thing != np.arange(len(graph.thing))] = -1  # other names of a thing
    found = _levels(graph, weighed, cleaned, accounts, kinds, window)
    return {
        "window": {"from": to_iso(window.start), "until": to_iso(window.until)},
        "profile": catalogue.profile.name,
        "state": store.state(),
        "steps": {step.id: step.version for step in catalogue.steps if catalogue.profile.walks(step)},
        "accounts": _accounts(graph, accounts, kinds, found),
        "upstream": _upstream(graph, found[NOT_OBSERVED], kinds),
    }


def _levels(
    graph: CaseGraph, weighed: Weighed, cleaned: list[tuple[int, int]], accounts: Index, kinds: Index, window: Window
) -> dict[str, Ranked]:  # fmt: skip
    """What each account reaches at a level or above, over things: going from one name of a thing to another is no step."""
    allowed, seen, thing = weighed.allowed, weighed.seen, graph.thing
    source = np.concatenate([thing[allowed.source], thing[seen.source]])
    target = np.concatenate([thing[allowed.target], thing[seen.target]])
    other = np.flatnonzero(thing[allowed.source] != thing[allowed.target])

    def search(step: Any, opens: Any, closes: Any) -> Ranked:
        steps = build(len(graph.keys), source[step], target[step], opens, closes, allowed.foothold[step], cleaned)
        return rank(steps, accounts, window.start, window.until, kinds, len(KINDS), window.until)

    found = {NOT_OBSERVED: search(other, allowed.opens[other], allowed.closes[other])}
    found[POSSIBLE] = found[NOT_OBSERVED]
    if len(weighed.silent.step):
        step, opens, closes = unsaid(allowed, weighed.silent)
        some = np.isin(step, other)
        found[POSSIBLE] = search(step[some], opens[some], closes[some])
    found[INDICATED], found[CONFIRMED] = by_record(graph, weighed, cleaned, accounts, kinds, window)
    return found


def _accounts(graph: CaseGraph, accounts: Index, kinds: Index, found: dict[str, Ranked]) -> list[dict[str, Any]]:
    rows = []
    for i, node in enumerate(accounts.tolist()):
        reached = {
            kind: {level: int(found[level].counts[i, k]) - (kinds[node] == k) for level in reversed(LEVELS)}
            for k, kind in enumerate(KINDS) if found[NOT_OBSERVED].counts[i, k] - (kinds[node] == k)
        }  # fmt: skip
        total = sum(levels[NOT_OBSERVED] for levels in reached.values())
        rows.append({"key": graph.keys[node], "name": graph.names[node], "total": total, "reached": reached, "reached_by": int(found[NOT_OBSERVED].upstream[node]) - 1})
    return sorted(rows, key=lambda row: (-row["total"], row["key"]))


def _upstream(graph: CaseGraph, found: Ranked, kinds: Index) -> list[dict[str, Any]]:
    """The things that most accounts reach."""
    counted = np.flatnonzero(kinds >= 0)
    order = counted[np.argsort(-found.upstream[counted], kind="stable")][:UPSTREAM]
    return [
        {"key": graph.keys[n], "kind": graph.kinds[n], "name": graph.names[n], "accounts": int(found.upstream[n]) - (graph.kinds[n] == "Account")}
        for n in order.tolist() if found.upstream[n]
    ]  # fmt: skip
