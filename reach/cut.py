"""The cheapest set of actions that takes one thing from the attacker: a minimum cut between all he holds and it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import networkx as nx

from reach.contain import Action, Aftermath


@dataclass(frozen=True)
class Cut:
    """`actions` (indices) at `cost`; `least`: no cheaper set of these actions does it. `lower`: what any set costs at least.

    `possible` is False where some way has no action on it. `holds`: tried by walking again, the target is not held.
    """

    possible: bool
    actions: tuple[int, ...]
    cost: float
    lower: float
    least: bool
    holds: bool


def cut(aftermath: Aftermath, actions: Sequence[Action], target: int) -> Cut:
    """The cheapest actions after which `target` (a node, under all its names) is not held.

    An action that cleans cuts what is held in its own right, one that closes a single step cuts that step; one that closes all steps of
    a thing cuts the thing. Where a step opens only later, all steps count as open at once: the cut holds all the same, but need not be the
    cheapest (`least` is False).
    """
    sink = int(aftermath.thing[target])
    network, of_edge = _network(aftermath, actions, sink)
    if not network.has_node(_in(sink)) or not nx.has_path(network, "attacker", _in(sink)):
        return Cut(True, (), 0.0, 0.0, True, True)
    try:
        value, (near, _) = nx.minimum_cut(network, "attacker", _in(sink), capacity="cost")
    except nx.NetworkXUnbounded:
        return Cut(False, (), inf, inf, False, False)
    chosen = sorted({i for (a, b), found in of_edge.items() if a in near and b not in near for i in found})
    labels = aftermath.after(actions[i] for i in chosen)
    cost = sum(actions[i].cost for i in chosen)
    later = bool((aftermath.opens[aftermath.kept] > aftermath.at).any())
    holds = sink not in set(aftermath.thing[labels.node].tolist())
    # An action that stands on several edges is paid once: then the flow may be more than the cost, and bounds nothing.
    twice = sum(len(found) for found in of_edge.values()) != len({i for found in of_edge.values() for i in found})
    return Cut(True, tuple(chosen), cost, 0.0 if twice or later else float(value), not later and not twice and holds, holds)


def _in(thing: int) -> tuple[str, int]:
    return ("in", thing)


def _out(thing: int) -> tuple[str, int]:
    return ("out", thing)


def _network(aftermath: Aftermath, actions: Sequence[Action], sink: int) -> tuple[Any, dict[tuple[Any, Any], list[int]]]:
    """Things as edges from their way in to their way out, steps as edges between them, and the actions that cut each edge."""
    alone = [_single(aftermath, action) for action in actions]
    by_thing: dict[int, list[int]] = {}
    for i, action in enumerate(actions):
        if action.closes and not alone[i]:
            by_thing.setdefault(_whole(aftermath, action), []).append(i)
    cleans = {int(aftermath.thing[node]): i for i, action in enumerate(actions) for node in action.cleans if not action.closes}
    network, of_edge = nx.DiGraph(), dict[tuple[Any, Any], list[int]]()

    def add(a: Any, b: Any, found: list[int]) -> None:
        network.add_edge(a, b, cost=sum(actions[i].cost for i in found) if found else inf)
        of_edge[a, b] = found

    edges = _between(aftermath, actions, alone)
    for (a, b), found in edges.items():
        add(_out(a), _in(b), sorted(found or ()))
    lasting = {int(aftermath.thing[node]) for node in aftermath.lasting.tolist()}
    for thing in {end for ends in edges for end in ends} | lasting | {sink}:
        whole = min(by_thing.get(thing, ()), key=lambda i: (actions[i].cost, i), default=None)
        add(_in(thing), _out(thing), [] if whole is None else [whole])
    for thing in lasting:
        add("attacker", _in(thing), [cleans[thing]] if thing in cleans else [])
    return network, of_edge


def _between(aftermath: Aftermath, actions: Sequence[Action], alone: Sequence[bool]) -> dict[tuple[int, int], set[int] | None]:
    """(thing, thing) -> the actions that together close all steps between them, the cheapest for each; None: some cannot be closed."""
    by_step: dict[int, list[int]] = {}
    for i, action in enumerate(actions):
        for step in action.closes if alone[i] else ():
            by_step.setdefault(step, []).append(i)
    edges: dict[tuple[int, int], set[int] | None] = {}
    for step in aftermath.kept.tolist():
        ends = (int(aftermath.thing[aftermath.source[step]]), int(aftermath.thing[aftermath.target[step]]))
        if ends[0] != ends[1]:
            best = min(by_step.get(step, ()), key=lambda i: (actions[i].cost, i), default=None)
            known = edges.setdefault(ends, set())
            if best is None or known is None:
                edges[ends] = None
            else:
                known.add(best)
    return edges


def _single(aftermath: Aftermath, action: Action) -> bool:
    """Whether it closes steps between the same two things only, and cleans nothing."""
    ends = {(int(aftermath.thing[aftermath.source[s]]), int(aftermath.thing[aftermath.target[s]])) for s in action.closes}
    return len(ends) == 1 and not action.cleans


def _whole(aftermath: Aftermath, action: Action) -> int:
    """The thing that an action closes all steps of: what it cleans."""
    return int(aftermath.thing[min(action.cleans)])


@dataclass(frozen=True)
class Bound:
    """At most how many things can be taken, and how that was found."""

    things: int
    how: str


def cuttable(aftermath: Aftermath, actions: Sequence[Action], many: int, small: int = 300) -> Bound:
    """How many of the held things any `many` actions can take at most: those that have no more ways without a common action.

    A thing with more ways than there are actions keeps one. Asked for each thing up to `small` of them; beyond, of each only whether
    it can be taken at all.
    """
    things = aftermath.things(aftermath.labels)
    if not many:
        return Bound(0, "no action was found")
    if len(things) > small:
        return Bound(len(things), "all that is held: too many to count the ways to each")
    alike = [Action(action.closes, action.cleans) for action in actions]  # each counts one
    network, of_edge = _network(aftermath, alike, -1)
    shared = {i for i in range(len(actions)) if sum(i in found for found in of_edge.values()) > 1}
    for (a, b), found in of_edge.items():
        if shared & set(found):
            network[a][b]["cost"] = 0  # an action on several edges takes them all at once: counted for nothing, so the bound holds
    return Bound(sum(_flow(network, thing) <= many for thing in things), "things with no more separate ways to them than actions")


def _flow(network: Any, thing: int) -> float:
    """The least number of actions that cut a thing off, the thing's own included."""
    if not network.has_node(_out(thing)):
        return 0
    try:
        return float(nx.maximum_flow_value(network, "attacker", _out(thing), capacity="cost"))
    except nx.NetworkXUnbounded:
        return inf
