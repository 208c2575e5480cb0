"""All ways to one thing: every step on some way that respects time, the shortest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphmodel.store.port import Store
from graphmodel.times import to_iso
from queries.run import read
from reach.allways import all_ways
from reach.graph import ALWAYS, NEVER
from reports.casegraph import CaseGraph
from reports.found import Catalogue, Window
from reports.remediation import remediated

LIMIT = 200


def ways(store: Store, catalogue: Catalogue, seeds: Sequence[str], to: str, window: Window, limit: int = LIMIT) -> dict[str, Any]:
    """The steps on ways from `seeds` (keys) to `to` (a key): `steps` (each `rule, number, source, target, …, at, length, because`), `left_out`.

    `length`: of the shortest way through the step, in steps; `left_out`: how many more are on longer ways, null where nobody counted.
    """
    graph = catalogue.graph(store)
    walked = graph.walked(catalogue.profile)
    # All names of a thing are held together: ways lead over things, and going from one name to another is no step.
    thing = graph.thing
    walked = walked[thing[graph.source[walked]] != thing[graph.target[walked]]]
    cleaned = sorted({(int(thing[node]), time) for node, time in graph.cleaned(remediated(read(store, "remediations"), graph.identity))})
    starts = sorted({(int(thing[graph.number[key]]), window.start, window.until) for key in seeds})
    found = all_ways(
        thing[graph.source[walked]], thing[graph.target[walked]], graph.opens[walked], graph.closes[walked], graph.foothold[walked], cleaned,
        starts, int(thing[graph.number[to]]), window.until, limit,
    )  # fmt: skip
    rows = [_step(graph, int(walked[i]), length, at) for i, length, at in zip(found.steps, found.length, found.at, strict=True)]
    return {
        "seeds": [{"key": key, "kind": graph.kinds[graph.number[key]], "name": graph.names[graph.number[key]]} for key in seeds],
        "to": {"key": to, "kind": graph.kinds[graph.number[to]], "name": graph.names[graph.number[to]]},
        "window": {"from": to_iso(window.start), "until": to_iso(window.until)},
        "profile": catalogue.profile.name,
        "state": store.state(),
        "steps": rows,
        "things": len(np.unique(graph.thing[[graph.number[row[end]] for row in rows for end in ("source", "target")]])) if rows else 0,
        "left_out": found.left_out,
    }


def _step(graph: CaseGraph, step: int, length: int, at: int) -> dict[str, Any]:
    source, target = int(graph.source[step]), int(graph.target[step])
    rule = graph.rules[graph.steps["rule"][step]]
    opens, closes = int(graph.opens[step]), int(graph.closes[step])
    return {
        "rule": rule.id, "number": rule.number, "source": graph.keys[source], "target": graph.keys[target],
        "source_name": graph.names[source], "target_name": graph.names[target], "sentence": graph.sentence(rule.id, source, target),
        "length": length, "at": to_iso(at), "opens": None if opens == ALWAYS else to_iso(opens),
        "closes": None if closes == NEVER else to_iso(closes), "closes_with": rule.closes_with, "because": graph.steps["because"][step].to_list(),
    }  # fmt: skip
