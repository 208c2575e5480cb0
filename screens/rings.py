"""Where the nodes of the picture are: rings by the number of steps, each node near the one it was reached from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, cos, pi, sin
from typing import Any

FLATTENED = 1.7  # pages are wider than high: circles are drawn as ellipses (the page itself suits it to its window)
_GAP, _DEEP, _LEAST = 150.0, 700.0, 70.0  # between two rings; of many, as much as leaves them within _DEEP, but not under _LEAST
_LANE = 34.0  # between two lanes of a crowded ring
_LANES = 8  # at most
_ARC = {True: 64.0, False: 30.0}  # room for a node in its lane: few nodes have room for their names


@dataclass(frozen=True)
class Tree:
    """What is drawn: `order` of keys, root(s) first; `parent` and `depth` by key; `steps`: (source, target) -> steps of ways.

    `thick`: the (source, target) of the steps that were asked for.
    """

    order: list[str]
    parent: dict[str, str]
    depth: dict[str, int]
    steps: dict[tuple[str, str], list[Mapping[str, Any]]]
    thick: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Ring:
    """The nodes one step further: in `lanes` ellipses from `radius` on, so that a crowded ring need not be a wide one."""

    radius: float
    lanes: int

    @property
    def outer(self) -> float:
        """Radius of the outermost lane."""
        return self.radius + (self.lanes - 1) * _LANE


def tree(seeds: Sequence[str], reached: Sequence[Mapping[str, Any]], cap: int, must: str | None = None) -> Tree:
    """The ways of the reached nodes laid over each other, nearest nodes first, at most `cap` nodes; `must` is not left out.

    A way is never cut: a node comes with all that lies before it.
    """
    order, parent, depth = list(seeds), {}, dict.fromkeys(seeds, 0)
    steps: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in _within(cap - len(seeds), sorted(reached, key=lambda row: row["hops"]), must):
        for step in row["way"]:
            if step["target"] not in depth:
                order.append(step["target"])
                parent[step["target"]] = step["source"]
                depth[step["target"]] = depth.get(step["source"], 0) + 1
            said = steps.setdefault((step["source"], step["target"]), [])
            if step not in said:
                said.append(step)
    return Tree(order, parent, depth, steps)


def with_steps(drawn: Tree, steps: Sequence[Mapping[str, Any]], same: Mapping[str, str]) -> Tree:
    """The tree with the steps of some ways laid over it; `same`: key -> the key under which the same thing is drawn.

    A node that was not drawn is put one ring further than that it is reached from.
    """
    order, parent, depth = list(drawn.order), dict(drawn.parent), dict(drawn.depth)
    lines = {pair: list(said) for pair, said in drawn.steps.items()}
    drawn_as = {same.get(key, key): key for key in reversed(order)}

    def shown(key: str) -> str:
        return key if key in depth else drawn_as.get(same.get(key, key), key)

    thick: set[tuple[str, str]] = set()
    waiting = [(shown(step["source"]), shown(step["target"]), step) for step in steps]
    while ready := [one for one in waiting if one[0] in depth]:
        waiting = [one for one in waiting if one[0] not in depth]
        for source, target, step in ready:
            if target not in depth:
                order.append(target)
                parent[target] = source
                depth[target] = depth[source] + 1
            said = lines.setdefault((source, target), [])
            if not any(one["rule"] == step["rule"] for one in said):
                said.append(step)
            thick.add((source, target))
    return Tree(order, parent, depth, lines, frozenset(thick))


def _within(cap: int, rows: Sequence[Mapping[str, Any]], must: str | None) -> list[Mapping[str, Any]]:
    """The rows whose ways together have at most `cap` nodes, in their order (so a picture does not change with `must`)."""
    taken: set[str] = set()
    kept: set[str] = set()
    for row in sorted(rows, key=lambda row: row["key"] != must):
        new = {step["target"] for step in row["way"]} - taken
        if len(taken) + len(new) <= cap:
            taken |= new
            kept.add(row["key"])
    return [row for row in rows if row["key"] in kept]


def positions(drawn: Tree) -> tuple[dict[str, tuple[float, float]], list[Ring]]:
    """(key -> (x, y), the rings from the first on): every node has a sector as wide as the leaves behind it."""
    children: dict[str, list[str]] = {}
    for key in drawn.order:
        if key in drawn.parent:
            children.setdefault(drawn.parent[key], []).append(key)
    leaves: dict[str, int] = {}
    for key in reversed(drawn.order):  # a child comes after its parent
        leaves[key] = sum(leaves[child] for child in children.get(key, ())) or 1
    roots = [key for key in drawn.order if key not in drawn.parent]
    total = sum(leaves[key] for key in roots)
    rings = _rings(drawn, leaves, total)
    places: dict[str, tuple[float, float]] = {}
    begin = -pi / 2
    waiting = []
    for root in roots:
        waiting.append((root, begin, begin + 2 * pi * leaves[root] / total))
        begin = waiting[-1][2]
    waiting.reverse()  # a stack: nodes come off it in the order of their angles
    seen = [0] * (len(rings) + 1)
    while waiting:
        key, start, stop = waiting.pop()
        depth = drawn.depth[key]
        radius = _radius(rings, depth, seen[depth]) if depth else 0.0 if len(roots) == 1 else 60.0
        seen[depth] += 1
        angle = (start + stop) / 2
        places[key] = (round(radius * cos(angle) * FLATTENED, 1), round(radius * sin(angle), 1))
        sectors = []
        for child in children.get(key, ()):
            end = start + (stop - start) * leaves[child] / leaves[key]
            sectors.append((child, start, end))
            start = end
        waiting += reversed(sectors)
    return places, rings


def _radius(rings: Sequence[Ring], depth: int, number: int) -> float:
    """Of the `number`th node of a ring, by its angle: neighbours are in different lanes."""
    ring = rings[depth - 1]
    return ring.radius + number % ring.lanes * _LANE


def _rings(drawn: Tree, leaves: Mapping[str, int], total: int) -> list[Ring]:
    """Wide enough, or of enough lanes, that the narrowest sectors have room for their nodes."""
    arc = _ARC[len(drawn.order) <= 60]
    rings: list[Ring] = []
    deepest = max(drawn.depth.values(), default=0)
    gap = max(_LEAST, min(_GAP, _DEEP / max(deepest, 1)))
    for depth in range(1, deepest + 1):
        narrowest = min(leaves[key] for key in drawn.order if drawn.depth[key] == depth)
        least = (rings[-1].outer if rings else 0.0) + gap
        needed = arc * total / (2 * pi * narrowest)
        lanes = min(_LANES, max(1, ceil(needed / least)))
        rings.append(Ring(max(least, needed / lanes), lanes))
    return rings
