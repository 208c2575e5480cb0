"""What closes it: what each action would take from the attacker, what survives a password reset, and an order that lets nobody back in.

Everything is worked out from a time `at` on, over all that is allowed (whatever logs say), on copies: the stored graph is never touched.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphmodel.errors import UsageError
from graphmodel.store.port import Store
from graphmodel.times import to_iso
from reach.contain import Action, Aftermath
from reach.cut import cut, cuttable
from reach.search import Labels
from reach.ways import first_labels, way
from reports.casegraph import SAME, CaseGraph
from reports.found import Catalogue, Found, Window, search
from reports.held import KINDS

COSTS = {"reset": 1.0, "close": 1.0, "remove": 1.0, "rotate": 2.0, "revoke": 1.0, "disable": 4.0, "isolate": 5.0}
"""What an action costs where nobody says otherwise: only their ratios matter."""
_CLEANS = {
    "Account": ("reset", "Reset the password and revoke the sessions of {name}"),
    "Server": ("isolate", "Isolate and reimage {name}"),
    "App": ("revoke", "Revoke the application {name}: its consents, secrets and certificates"),
    "Rule": ("remove", "Delete {name}"),
    "Secret": ("rotate", "Rotate the credential {name}"),
}
_BLOCKS = _CLEANS | {"Account": ("disable", "Disable {name}")}
_OTHER = ("remove", "Take {name} back from the attacker")
_LISTED = 200


@dataclass(frozen=True)
class Named:
    """An action in words: `id` is short and stays the same from run to run; `what` is a key of COSTS."""

    id: str
    what: str
    text: str
    rule: str | None
    node: str | None
    survives_reset: bool


@dataclass(frozen=True)
class Asked:
    """What is asked: from when on (`at`, seconds), critical `targets` (keys), `costs` by action, step or key, actions that are `done`."""

    at: int
    targets: Sequence[str] = ()
    costs: Mapping[str, float] | None = None
    done: Sequence[str] = ()
    limit: int = 15
    greedy: int = 5


def contain(store: Store, catalogue: Catalogue, seeds: Sequence[str], window: Window, asked: Asked) -> dict[str, Any]:
    """Plain data (docs/contain.md describes each field). Raises UsageError for a target or an action that is not there."""
    found = search(store, catalogue, seeds, window)
    graph = found.graph
    starts = [(graph.number[key], window.start) for key in seeds]
    after = _aftermath(found, starts, asked.at)
    named, actions = _actions(graph, found, after, asked.costs or {})
    by_id = {one.id: i for i, one in enumerate(named)}
    if unknown := [id_ for id_ in asked.done if id_ not in by_id]:
        raise UsageError(f"no action is called {unknown[0]!r} here; the list of `contain` gives their ids")
    done = [by_id[id_] for id_ in asked.done]
    words = [one.__dict__ | {"cost": action.cost} for one, action in zip(named, actions, strict=True)]
    singles = after.singles(actions, asked.limit, done)
    greedy = after.greedy(actions, asked.greedy)
    pairs = after.pairs(actions)
    return {
        "seeds": [{"key": key, "kind": graph.kinds[graph.number[key]], "name": graph.names[graph.number[key]]} for key in seeds],
        "window": {"from": to_iso(window.start), "until": to_iso(window.until)},
        "at": to_iso(asked.at),
        "profile": catalogue.profile.name,
        "state": store.state(),
        "held": _by_kind(graph, after, after.labels),
        "things": len(after.things(after.labels)),
        "lasting": [_node(graph, node) for node in _things_of(graph, after.lasting.tolist())],
        "done": [words[i] for i in done],
        "left": _left(graph, found, after, after.after(actions[i] for i in done)),
        "actions": [words[s.action] | {"gain": s.gain} for s in singles],
        "pairs": None if pairs is None else [{"actions": [words[i] for i in pair.actions], "gain": pair.gain} for pair in pairs],
        "greedy": _greedy(after, actions, words, greedy),
        "targets": [_target(graph, found, after, actions, words, key) for key in asked.targets],
        "survives": _survives(graph, found, after, starts),
        "plan": _plan(graph, found, after),
    }


def _aftermath(found: Found, starts: Sequence[tuple[int, int]], at: int) -> Aftermath:
    graph, walked = found.graph, found.walked
    counted = np.isin(np.array(graph.kinds), KINDS)
    return Aftermath.of(
        len(graph.keys), graph.source[walked], graph.target[walked], graph.opens[walked], graph.closes[walked], graph.foothold[walked],
        found.cleaned, starts, at, graph.thing, counted,
    )  # fmt: skip


# -- what can be done --------------------------------------------------------------------------------------------------


class _List:
    """The actions there are, in words and as what they do, at the same places."""

    def __init__(self, graph: CaseGraph, costs: Mapping[str, float]) -> None:
        known = {*COSTS, *graph.rules, *graph.keys}
        if unknown := [name for name in costs if name not in known]:
            raise UsageError(f"a cost is of an action ({', '.join(COSTS)}), a step or a key, not of {unknown[0]!r}")
        self._graph, self._costs = graph, costs
        self.named: list[Named] = []
        self.actions: list[Action] = []

    def add(self, what: str, text: str, action: Action, rule: str | None = None, node: int | None = None) -> None:
        key = None if node is None else self._graph.keys[node]
        id_ = hashlib.blake2b(f"{what}\x00{rule}\x00{key}\x00{text}".encode(), digest_size=3).hexdigest()
        cost = next((self._costs[name] for name in (key, rule, what) if name and name in self._costs), COSTS[what])
        self.named.append(Named(id_, what, text, rule, key, rule is not None and self._graph.rules[rule].survives_reset))
        self.actions.append(Action(action.closes, action.cleans, cost))


def _actions(graph: CaseGraph, found: Found, after: Aftermath, costs: Mapping[str, float]) -> tuple[list[Named], list[Action]]:
    """Close each step between two things, clean what is held in its own right, and cut single things off."""
    rules = graph.steps["rule"].gather(found.walked).to_list()
    steps: dict[tuple[str, int, int], set[int]] = {}
    touching: dict[int, set[int]] = {}
    for i in after.kept.tolist():
        ends = int(after.thing[after.source[i]]), int(after.thing[after.target[i]])
        for end in ends:
            touching.setdefault(end, set()).add(i)
        if rules[i] != SAME and ends[0] != ends[1]:
            steps.setdefault((rules[i], *ends), set()).add(i)
    made = _List(graph, costs)
    for (rule, a, b), closed in sorted(steps.items()):
        made.add("close", f"{graph.rules[rule].closes_with} ({graph.sentence(rule, a, b)})", Action(closes=frozenset(closed)), rule)
    names = _names(graph, after)
    for thing in _things_of(graph, after.lasting.tolist()):
        what, text = _CLEANS.get(graph.kinds[thing], _OTHER)
        if what == "reset" or graph.kinds[thing] not in _BLOCKS:  # the others are cleaned by what cuts them off
            made.add(what, text.format(name=graph.names[thing]), Action(cleans=frozenset(names[thing])), node=thing)
    for thing in sorted(touching):
        if graph.kinds[thing] in _BLOCKS:
            what, text = _BLOCKS[graph.kinds[thing]]
            made.add(what, text.format(name=graph.names[thing]), Action(frozenset(touching[thing]), frozenset(names.get(thing, [thing]))), node=thing)
    return made.named, made.actions


def _names(graph: CaseGraph, after: Aftermath) -> dict[int, list[int]]:
    """Thing -> the nodes that are its names and are held."""
    found: dict[int, list[int]] = {}
    for node in np.unique(np.concatenate([after.labels.node, after.lasting])).tolist():
        found.setdefault(int(graph.thing[node]), []).append(node)
    return found


def _things_of(graph: CaseGraph, nodes: Sequence[int]) -> list[int]:
    return sorted({int(graph.thing[node]) for node in nodes})


# -- what follows ------------------------------------------------------------------------------------------------------


def _node(graph: CaseGraph, node: int) -> dict[str, Any]:
    return {"key": graph.keys[node], "kind": graph.kinds[node], "name": graph.names[node]}


def _by_kind(graph: CaseGraph, after: Aftermath, labels: Labels) -> dict[str, int]:
    counts = Counter(graph.kinds[thing] for thing in after.things(labels))
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def _left(graph: CaseGraph, found: Found, after: Aftermath, labels: Labels) -> dict[str, Any]:
    """What is still held: how many things, by kind, and the first of them with the way."""
    things = after.things(labels)
    first = first_labels(labels, after.n)
    rows = []
    for node in np.flatnonzero(first >= 0).tolist():
        if int(graph.thing[node]) in things:
            things.discard(int(graph.thing[node]))
            rows.append((len(way(labels, int(first[node]))), KINDS.index(graph.kinds[node]) if graph.kinds[node] in KINDS else 99, node))
    nodes = [_node(graph, node) | {"way": _way(graph, found, labels, int(first[node]))} for _, _, node in sorted(rows)[:_LISTED]]
    return {"things": len(after.things(labels)), "by_kind": _by_kind(graph, after, labels), "nodes": nodes}


def _way(graph: CaseGraph, found: Found, labels: Labels, label: int) -> list[str]:
    steps = [int(found.walked[via]) for _, via in way(labels, label) if via >= 0]
    return [graph.sentence(graph.steps["rule"][step], int(graph.source[step]), int(graph.target[step])) for step in steps]


def _greedy(after: Aftermath, actions: Sequence[Action], words: Sequence[dict[str, Any]], greedy: Sequence[Any]) -> dict[str, Any]:
    """The greedy plan, what is left after it, and how many things any plan of as many actions could take at most."""
    left = after.after(actions[s.action] for s in greedy)
    bound = cuttable(after, actions, len(greedy))
    return {
        "actions": [words[s.action] | {"gain": s.gain} for s in greedy],
        "gain": sum(s.gain for s in greedy),
        "bound": bound.things,
        "bound_by": bound.how,
        "left": len(after.things(left)),
    }


def _target(graph: CaseGraph, found: Found, after: Aftermath, actions: Sequence[Action], words: Sequence[dict[str, Any]], key: str) -> dict[str, Any]:
    if key not in graph.number:
        raise UsageError(f"{key!r} is no key of the case; `hakyu cypher` or the app shows keys")
    answer = cut(after, actions, graph.number[key])
    return _node(graph, graph.number[key]) | {
        "possible": answer.possible, "actions": [words[i] for i in answer.actions], "cost": answer.cost if answer.possible else None,
        "least": answer.least, "lower": answer.lower if answer.possible else None, "verified": answer.holds,
    }  # fmt: skip


def _survives(graph: CaseGraph, found: Found, after: Aftermath, starts: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """What is left when only passwords are reset and sessions revoked: of the start alone, and of every account that is held."""
    seeds = {int(graph.thing[node]) for node, _ in starts}
    of_start = [node for node in after.lasting.tolist() if int(graph.thing[node]) in seeds]
    accounts = [node for node in after.lasting.tolist() if graph.kinds[node] == "Account" or int(graph.thing[node]) in seeds]
    return {"start": _left(graph, found, after, after.held((), of_start)), "accounts": _left(graph, found, after, after.held((), accounts))}


def _plan(graph: CaseGraph, found: Found, after: Aftermath) -> dict[str, Any]:
    """An order of clean-up, tried by walking it; and what comes back when it is done the other way round."""
    stages = after.order()
    left, again = after.replay(stages)
    wrong_left, wrong_again = after.replay(stages[::-1] if len(stages) > 1 else [[node] for stage in stages for node in reversed(stage)])
    return {
        "stages": [[_node(graph, thing) | {"do": _do(graph, thing)} for thing in _things_of(graph, stage)] for stage in stages],
        "left": len(after.things(left)),
        "came_back": [_node(graph, node) for node in _things_of(graph, again)],
        "wrong_order": {"left": len(after.things(wrong_left)), "came_back": [_node(graph, node) for node in _things_of(graph, wrong_again)]},
    }


def _do(graph: CaseGraph, thing: int) -> str:
    return _CLEANS.get(graph.kinds[thing], _OTHER)[1].format(name=graph.names[thing])
