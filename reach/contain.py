"""What-if: who is still held after a clean-up, and which actions end it. Pure arrays: nothing that is stored is touched.

Everything here happens from a time `at` on. What the attacker holds then by footholds (and the seed) lasts until it is cleaned; all
else follows from that by the steps still open. Claims are exact where they say so (steps.md 3): the number of nodes cut off is not
submodular, two parallel ways each gain nothing alone, so nothing is said of a greedy plan beyond what was tried and bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import numpy as np

from reach.exposure import overlaps
from reach.graph import ALWAYS, Ints, Steps, Times, build
from reach.search import Labels, reach, until_of
from reach.ways import first_labels

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Action:
    """Something that can be done: `closes` steps (indices), `cleans` nodes of their foothold, at a `cost`."""

    closes: frozenset[int] = frozenset()
    cleans: frozenset[int] = frozenset()
    cost: float = 1.0


@dataclass(frozen=True)
class Single:
    """An action by its index, how many things it alone would take from the attacker, and what then is left."""

    action: int
    gain: int


@dataclass(frozen=True)
class Pair:
    """Two actions by their indices and how many things they take together."""

    actions: tuple[int, int]
    gain: int


@dataclass
class Aftermath:
    """What is held from `at` on. `thing[node]`: one number for all names of a thing; `counted[node]`: whether it is counted.

    Steps are columns of equal length as `reach.graph.build` takes them; only those that matter after `at` and that what is held can
    take are kept (`kept`: their indices).
    """

    n: int
    source: Ints
    target: Ints
    opens: Times
    closes: Times
    foothold: Flags
    remediations: Sequence[tuple[int, int]]
    at: int
    thing: Ints
    counted: Flags
    lasting: Ints = field(init=False)
    """The nodes that are held at `at` in their own right: the seeds, and what footholds gained."""
    kept: Ints = field(init=False)
    labels: Labels = field(init=False)
    _steps: Steps = field(init=False)
    _until: dict[int, int] = field(init=False)
    _tried: dict[frozenset[Action], int] = field(init=False)
    """How many things are left when these actions are done: what is tried for one answer is asked for by the next."""

    @classmethod
    def of(
        cls, n: int, source: Any, target: Any, opens: Any, closes: Any, foothold: Any, remediations: Sequence[tuple[int, int]],
        seeds: Sequence[tuple[int, int]], at: int, thing: Any, counted: Any,
    ) -> Aftermath:  # fmt: skip
        """Walk from the seeds (node, from) until `at`, and keep what goes on from there."""
        steps = build(n, source, target, opens, closes, foothold, remediations)
        before = reach(steps, [(node, start, None) for node, start in seeds], None)
        made = cls(n, source, target, opens, closes, foothold, remediations, at, np.asarray(thing), np.asarray(counted))
        own = before.node[(before.via < 0) & (before.start <= at) & (before.end > at)]
        made.lasting = np.unique(np.concatenate([own, _gained(made, before)])).astype(np.int32)
        reached = np.zeros(n, bool)
        reached[before.node] = True
        made.kept = np.flatnonzero((np.asarray(closes) > at) & reached[source] & reached[target]).astype(np.int32)
        made._steps = made._from_then(())
        made._until = {node: until_of(made._steps, node, at) for node in made.lasting.tolist()}
        made._tried = {}
        made.labels = made.held()
        return made

    def _from_then(self, cleaned: Iterable[tuple[int, int]]) -> Steps:
        """The kept steps from `at` on, with more remediations."""
        kept = self.kept
        return build(
            self.n, self.source[kept], self.target[kept], np.maximum(self.opens[kept], self.at), self.closes[kept], self.foothold[kept],
            [*cleaned, *((node, time) for node, time in self.remediations if time > self.at)],
        )  # fmt: skip

    def _named(self, found: Labels) -> Labels:
        """Labels over the kept steps with `via` as an index into all."""
        return Labels(found.node, found.start, found.end, found.before, np.append(self.kept, -1).astype(np.int32)[found.via])

    def held(self, closed: Iterable[int] = (), cleaned: Iterable[int] = ()) -> Labels:
        """What is held from `at` on when these steps are closed and these nodes cleaned at that time, all at once."""
        gone = np.flatnonzero(np.isin(self.kept, np.fromiter(closed, np.int64)))
        steps = self._steps.without(gone) if len(gone) else self._steps
        clean = set(cleaned)
        starts = [(node, self.at, until) for node, until in self._until.items() if node not in clean and self.at < until]
        return self._named(reach(steps, starts))

    def after(self, actions: Iterable[Action]) -> Labels:
        """What is held when the actions are done at once."""
        done = list(actions)
        return self.held({step for action in done for step in action.closes}, {node for action in done for node in action.cleans})

    def things(self, labels: Labels) -> set[int]:
        """The counted things that are held."""
        held = np.zeros(self.n, bool)
        held[labels.node] = True
        return set(self.thing[held & self.counted].tolist())

    def _left(self, actions: Iterable[Action]) -> int:
        """How many things are held when these actions are done."""
        done = frozenset(actions)
        if done not in self._tried:
            self._tried[done] = len(self.things(self.after(done)))
        return self._tried[done]

    # -- single actions, pairs, one after another ----------------------------------------------------------------------

    def bounds(self, actions: Sequence[Action], labels: Labels) -> dict[int, int]:
        """Action (index) -> the most things it can take; actions that can take nothing are left out.

        What does not stand on the way by which a thing was first found cannot take the thing: that way stays.
        """
        by_step: dict[int, list[int]] = {}
        by_node: dict[int, list[int]] = {}
        for i, action in enumerate(actions):
            for step in action.closes:
                by_step.setdefault(step, []).append(i)
            for node in action.cleans:
                by_node.setdefault(node, []).append(i)
        first, most = first_labels(labels, self.n), dict[int, set[int]]()
        known: dict[int, frozenset[int]] = {-1: frozenset()}
        for node in np.flatnonzero(first >= 0).tolist():
            for i in _on_way(labels, int(first[node]), by_step, by_node, known):
                if self.counted[node]:
                    most.setdefault(i, set()).add(int(self.thing[node]))
        return {i: len(things) for i, things in most.items()}

    def singles(self, actions: Sequence[Action], limit: int = 20, done: Sequence[int] = ()) -> list[Single]:
        """The `limit` best single actions, exactly, the best gain first: each is tried, but for those that cannot be better.

        `done`: actions that are done already.
        """
        labels = self.after(actions[i] for i in done)
        now = len(self.things(labels))
        found: list[Single] = []
        for i, most in sorted(self.bounds(actions, labels).items(), key=lambda item: (-item[1], item[0])):
            if len(found) >= limit and most < sorted((s.gain for s in found), reverse=True)[limit - 1]:
                break
            gain = now - self._left(actions[j] for j in (*done, i))
            if gain:
                found.append(Single(i, gain))
        return sorted(found, key=lambda s: (-s.gain, actions[s.action].cost, s.action))[:limit]

    def pairs(self, actions: Sequence[Action], limit: int = 10, small: int = 60) -> list[Pair] | None:
        """The best pairs that take more than their two do alone, exactly; None where more than `small` actions would have to be tried.

        The second of a pair stands on a way that is left when the first is done, so no pair is missed.
        """
        now, first = self.things(self.labels), self.bounds(actions, self.labels)
        if len(first) > small:
            return None
        alone: dict[int, int] = {}
        gains: dict[tuple[int, int], int] = {}
        for i in first:
            left = self.after([actions[i]])
            alone[i] = len(now) - len(self.things(left))
            for j in self.bounds(actions, left):
                if i != j and (min(i, j), max(i, j)) not in gains:
                    gains[min(i, j), max(i, j)] = len(now) - self._left((actions[i], actions[j]))
        more = [Pair(pair, gain) for pair, gain in gains.items() if gain > sum(alone.get(i, 0) for i in pair)]
        return sorted(more, key=lambda p: (-p.gain, sum(actions[i].cost for i in p.actions), p.actions))[:limit]

    def greedy(self, actions: Sequence[Action], most: int) -> list[Single]:
        """The action of the best gain for its cost, again and again, at most `most` times; it ends where no single action gains.

        Each gain is exact as the step from what was done before. There is no promise that no other set would gain more.
        """
        done: list[Single] = []
        while len(done) < most:
            tried = self.singles(actions, limit=10, done=[single.action for single in done])
            if not tried:
                break
            done.append(max(tried, key=lambda s: (s.gain / max(actions[s.action].cost, 1e-9), -s.action)))
        return done

    # -- clean-up in order ---------------------------------------------------------------------------------------------

    def replay(self, stages: Sequence[Iterable[int]]) -> tuple[Labels, list[int]]:
        """Clean nodes stage by stage, a second after another. What is held in the end, and which cleaned nodes came back meanwhile."""
        times = {node: self.at + 1 + i for i, stage in enumerate(stages) for node in stage}
        end = self.at + 1 + len(stages)
        steps = self._from_then(times.items())
        found = reach(steps, [(node, self.at, until_of(steps, node, self.at)) for node in self.lasting.tolist()])
        back = np.append(self.foothold[self.kept], False)[found.via]
        again = {v for v, start in zip(found.node[back].tolist(), found.start[back].tolist(), strict=True) if v in times and start >= times[v]}
        left = found.end > end
        return Labels(found.node[left], found.start[left], found.end[left], found.before[left], found.via[left]), sorted(again)

    def order(self) -> list[list[int]]:
        """Stages in which to clean what is held in its own right, so that nothing that is still held leads back to what is clean.

        Whoever can lead to another comes first; what lead to each other are one stage, to be done at once.
        """
        nodes = np.unique(np.concatenate([self.labels.node, self.lasting])).tolist()
        leads: dict[int, set[int]] = {int(self.thing[node]): set() for node in nodes}
        for step in self.kept.tolist():
            a, b = int(self.thing[self.source[step]]), int(self.thing[self.target[step]])
            if a != b and a in leads and b in leads:
                leads[a].add(b)
        by_thing: dict[int, list[int]] = {}
        # A foothold that can be gained at `at` itself may be there before the first stage.
        about = self.kept[self.foothold[self.kept] & (self.opens[self.kept] <= self.at)]
        for node in sorted({*self.lasting.tolist(), *self.target[about][np.isin(self.source[about], self.labels.node)].tolist()}):
            by_thing.setdefault(int(self.thing[node]), []).append(node)
        circles = nx.condensation(nx.DiGraph(leads))
        members = circles.nodes(data="members")
        ordered = nx.lexicographical_topological_sort(circles, key=lambda circle: min(members[circle]))
        stages = [sorted(node for thing in members[circle] for node in by_thing.get(thing, ())) for circle in ordered]
        return [stage for stage in stages if stage]


def _gained(made: Aftermath, before: Labels) -> Ints:
    """Nodes that a foothold step gained before `at` and that nobody cleaned since.

    Asked of the steps, not of the labels: a label of a borrowed hold that never ends hides the foothold beside it. What would begin at
    `at` itself can still be stopped.
    """
    step = np.flatnonzero(np.asarray(made.foothold, bool))
    cleaned = np.full(made.n, ALWAYS, np.int64)
    for node, time in made.remediations:
        if time <= made.at:
            cleaned[node] = max(cleaned[node], time)
    hit, _, _, stop = overlaps(before, made.source[step], made.opens[step], np.minimum(made.closes[step], made.at))
    target = made.target[step[hit]]
    return np.unique(target[stop > cleaned[target]]).astype(np.int32)


def _on_way(labels: Labels, label: int, by_step: Mapping[int, list[int]], by_node: Mapping[int, list[int]], known: dict[int, frozenset[int]]) -> frozenset[int]:
    """The actions that touch a step on the way to a label, or the node that it begins at."""
    way = []
    while label not in known:
        way.append(label)
        label = int(labels.before[label])
    for one in reversed(way):
        via = int(labels.via[one])
        touched = by_node.get(int(labels.node[one]), ()) if via < 0 else by_step.get(via, ())
        known[one] = known[int(labels.before[one])] | frozenset(touched)
    return known[way[0]] if way else known[label]
