"""The blast radius: what a compromised account could reach in a window, what logs say of it, by which way, and whom that discloses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from graphmodel.store.port import Store
from graphmodel.times import to_iso
from queries.catalogue import Evidence, Step
from queries.profiles import Profile
from queries.run import read
from reach.evidence import CONFIRMED, INDICATED, LEVELS, NOT_OBSERVED, POSSIBLE, Level, by_level
from reach.exposure import overlaps
from reach.graph import NEVER
from reach.search import Labels
from reach.ways import first_labels, way
from reports.casegraph import CaseGraph, Index
from reports.coverage import beside, coverage
from reports.disclosure import Interval, disclosure
from reports.evidence import Weighed, logs, weigh
from reports.remediation import remediated
from reports.spans import joined

# Sorted as people ask: what can be read, who and what is held, then what it hangs on.
KINDS = ("Mailbox", "Account", "Server", "Service", "Group", "Role", "App", "Rule", "File", "Secret")
EXCLUDED = "EXCLUDED"
NO_LOG = "POSSIBLE: the exported configuration allows every step shown; no log was read that could confirm one or rule it out."
_SHOWN = 3  # observations that a step of a way names


@dataclass(frozen=True)
class Window:
    """When the seed was held: `[start, until)` in seconds; `until` None: still held."""

    start: int
    until: int | None


@dataclass(frozen=True)
class Catalogue:
    """What the blast radius goes by: the steps, the evidence queries, and which steps are walked."""

    steps: Sequence[Step]
    evidence: Sequence[Evidence]
    profile: Profile


@dataclass(frozen=True)
class _Found:
    """What the search found: the steps walked (indices into the graph's), what was weighed, and the labels by level."""

    graph: CaseGraph
    walked: Index
    weighed: Weighed
    levels: dict[str, Level]
    first: dict[str, Any]

    @property
    def labels(self) -> Labels:
        """All that is allowed, whatever logs say."""
        return self.levels[NOT_OBSERVED].labels

    def level(self, node: int) -> str:
        """The greatest level at which a node is held."""
        return next((level for level in reversed(LEVELS) if self.first[level][node] >= 0), EXCLUDED)


def blast(store: Store, catalogue: Catalogue, seeds: Sequence[str], window: Window) -> dict[str, Any]:
    """All that follows from holding `seeds` (keys) during `window`, as plain data (docs/blast.md describes each field)."""
    graph = CaseGraph(store, catalogue.steps)
    stated = read(store, "coverage")
    found = _search(store, graph, catalogue, seeds, window, stated)
    labels, horizon = found.labels, NEVER if window.until is None else window.until
    reached = [_node(found, n, window) for n in np.flatnonzero(found.first[NOT_OBSERVED] >= 0).tolist() if graph.kinds[n] in KINDS]
    reached.sort(key=lambda row: (KINDS.index(row["kind"]), row["first"], row["hops"], row["key"]))
    mark_same(reached, graph.identity)
    transit = _touched(graph, labels, graph.walked(catalogue.profile, "in transit"), horizon)
    seen = coverage(stated, window.start, window.until)
    return {
        "seeds": [{"key": key, "kind": graph.kinds[graph.number[key]], "name": graph.names[graph.number[key]]} for key in seeds],
        "window": {"from": to_iso(window.start), "until": to_iso(window.until)},
        "profile": catalogue.profile.name,
        "steps": {step.id: step.version for step in catalogue.steps if catalogue.profile.walks(step)},
        "state": store.state(),
        "engine": store.engine,
        "evidence": evidence_sentence(found, stated, window),
        "logs": logs(stated),
        "counts": _counts(graph, reached, seen),
        "reached": reached,
        "still_held": sum(row["still_held"] for row in reached if row["same_as"] is None),
        "elsewhere": _elsewhere(found),
        "writes_as": _targets(graph, labels, horizon, "send-as", catalogue.profile),
        "forwards_to": _targets(graph, labels, horizon, "forwarding-target", catalogue.profile),
        "in_transit": [{"mailbox": key, "spans": [[to_iso(a), _iso_end(b)] for a, b in spans]} for key, spans in sorted(transit.items())],
        "approachable": _ring(found, catalogue, horizon),
        "disclosed": _disclosed(store, found, transit, seen, horizon),
        "coverage": seen,
    }


def _search(store: Store, graph: CaseGraph, catalogue: Catalogue, seeds: Sequence[str], window: Window, stated: pl.DataFrame) -> _Found:
    walked = graph.walked(catalogue.profile)
    weighed = weigh(store, graph, walked, catalogue.evidence, stated)
    cleaned = graph.cleaned(remediated(read(store, "remediations"), graph.identity))
    starts = [(graph.number[key], window.start, window.until) for key in seeds]
    levels = by_level(len(graph.keys), weighed.allowed, weighed.seen, weighed.silent, cleaned, starts, window.until)
    first = {level: first_labels(levels[level].labels, len(graph.keys)) for level in LEVELS}
    return _Found(graph, walked, weighed, levels, first)


def evidence_sentence(found: _Found, stated: pl.DataFrame, window: Window) -> str:
    """What the levels lean on, in one or two sentences."""
    read_ = logs(stated)
    if not found.weighed.rows.height and not read_:
        return NO_LOG
    attributed = found.weighed.rows["indicator"].is_not_null().sum()
    said = f"{found.weighed.rows.height:,} log records fit a step, {attributed:,} of them an indicator of the attacker."
    whole = [log for log in read_ if log["complete"]]
    if not whole:
        return said + " No log is stated to be complete, so silence says nothing."
    horizon = ", ".join(f"{log['what']} from {log['complete'][0][0]} until {log['complete'][-1][1]}" for log in whole)
    early = any(log["complete"][0][0] > (to_iso(window.start) or "") for log in whole)
    return said + f" Silence counts only where a log is stated to be complete: {horizon}." + (" What was possible before stays possible." if early else "")


def _counts(graph: CaseGraph, reached: Sequence[Mapping[str, Any]], seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By kind: `reached`, by `levels` (EXCLUDED: known, and not reached), and what stands `beside` them."""
    counts = Counter(row["kind"] for row in reached if row["same_as"] is None)
    levels = Counter((row["kind"], row["evidence"]) for row in reached if row["same_as"] is None)
    things = Counter(graph.kinds[n] for n in np.unique(graph.thing).tolist())
    return [
        {"kind": kind, "reached": counts[kind],
         "levels": {level: levels[kind, level] for level in reversed(LEVELS)} | {EXCLUDED: things[kind] - counts[kind]}, "beside": beside(kind, seen)}
        for kind in KINDS if counts[kind] or kind in KINDS[:4]
    ]  # fmt: skip


def _elsewhere(found: _Found) -> list[dict[str, Any]]:
    """Where records fit an indicator of the attacker though the start of the step is not held with that certainty: `key, name, rule, at, …`.

    Each is worth asking about by itself: an account that the attacker used and that this incident does not explain.
    """
    graph, rows = found.graph, found.weighed.rows
    told: dict[int, dict[str, Any]] = {}
    for row in rows.filter(pl.col("indicator").is_not_null()).iter_rows(named=True):
        source = row["source_n"]
        if found.first[CONFIRMED][source] < 0 and source not in told:
            told[source] = {
                "key": graph.keys[source], "kind": graph.kinds[source], "name": graph.names[source], "rule": row["rule"], "at": to_iso(row["at"]),
                "sentence": graph.sentence(row["rule"], source, row["target_n"]), "observation": row["observation"], "indicator": row["indicator"],
                "evidence": found.level(source),
            }  # fmt: skip
    return sorted(told.values(), key=lambda row: (row["at"], row["key"]))


def _disclosed(store: Store, found: _Found, transit: dict[str, list[Interval]], seen: list[dict[str, Any]], horizon: int) -> dict[str, Any]:
    held = {level: _held(found.graph, found.levels[level].labels, horizon) for level in LEVELS}
    told = disclosure(store, held[NOT_OBSERVED], transit)
    totals = {NOT_OBSERVED: told["at_rest"]}
    for lower, level in zip(LEVELS, LEVELS[1:], strict=False):
        totals[level] = totals[lower] if held[level] == held[lower] else disclosure(store, held[level], {})["at_rest"]
    levels = {level: {name: totals[level][name] for name in ("persons", "addresses", "messages", "organisations")} for level in reversed(LEVELS)}
    silent = [f"no message is known of {told['silent']:,} of {len(held[NOT_OBSERVED]):,} held mailboxes"] if told["silent"] else []
    return told | {"levels": levels, "beside": silent + beside("Correspondent", seen)}


def mark_same(rows: list[dict[str, Any]], identity: Mapping[str, str]) -> None:
    """Give each row `same_as`: the key of the first row that is the same thing under another name, or None for that first row."""
    shown: dict[str, str] = {}
    for row in rows:
        first = shown.setdefault(identity.get(row["key"], row["key"]), row["key"])
        row["same_as"] = None if first == row["key"] else first


def _iso_end(seconds: int) -> str | None:
    return None if seconds >= NEVER else to_iso(seconds)


def _node(found: _Found, node: int, window: Window) -> dict[str, Any]:
    """A reached node with its level and the earliest way that has it, step by step."""
    graph, labels = found.graph, found.labels
    evidence = found.level(node)
    chosen = found.levels[evidence]
    steps = [_step(found, chosen, label) for label, via in way(chosen.labels, int(found.first[evidence][node])) if via >= 0]
    ends = labels.end[labels.node == node]
    times = {level: to_iso(int(found.levels[level].labels.start[found.first[level][node]])) for level in LEVELS if found.first[level][node] >= 0}
    return {
        "key": graph.keys[node],
        "kind": graph.kinds[node],
        "name": graph.names[node],
        "first": times[NOT_OBSERVED],
        "hops": len(steps),
        "still_held": window.until is not None and bool((ends > window.until).any()),
        "evidence": evidence,
        "levels": times,
        "way": steps,
    }


def _step(found: _Found, level: Level, label: int) -> dict[str, Any]:
    """One step of a way: what it is, when, by which facts it is allowed, and by which records it is shown."""
    graph, number = found.graph, int(level.step[level.labels.via[label]])
    taken = number - len(found.walked)
    row = found.weighed.rows.row(taken, named=True) if taken >= 0 else None
    step = int(found.walked[number]) if row is None else int(row["allowed"])
    rule = graph.steps["rule"][step] if row is None else row["rule"]
    source, target = (int(graph.source[step]), int(graph.target[step])) if row is None else (row["source_n"], row["target_n"])
    return {
        "rule": rule,
        "number": graph.rules[rule].number,
        "source": graph.keys[source],
        "target": graph.keys[target],
        "source_name": graph.names[source],
        "target_name": graph.names[target],
        "sentence": graph.sentence(rule, source, target),
        "at": to_iso(int(level.labels.start[label])),
        "because": graph.steps["because"][step].to_list() if step >= 0 else [],
        "evidence": _of_step(found, number, row, int(level.labels.start[label])),
        "observations": [] if row is None else _records(found, row),
    }


def _of_step(found: _Found, number: int, row: Mapping[str, Any] | None, at: int) -> str | None:
    """The level of one step taken at a time; None for what nobody has to do anything for."""
    if row is not None:
        return CONFIRMED if row["indicator"] else INDICATED
    if found.weighed.allowed.by_itself[number]:
        return None
    silent = found.weighed.silent
    unseen = (silent.step == number) & (silent.start <= at) & (at < silent.stop)
    return NOT_OBSERVED if unseen.any() else POSSIBLE


def _records(found: _Found, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The first records that show the step from then on, those of the attacker before others: `observation, at, indicator`."""
    same = (pl.col("rule") == row["rule"]) & (pl.col("source_n") == row["source_n"]) & (pl.col("target_n") == row["target_n"]) & (pl.col("at") >= row["at"])
    rows = found.weighed.rows.filter(same).sort(pl.col("indicator").is_null(), "at", "observation").head(_SHOWN)
    return [{"observation": o, "at": to_iso(at), "indicator": i} for o, at, i in rows.select("observation", "at", "indicator").iter_rows()]


def _held(graph: CaseGraph, labels: Labels, horizon: int) -> dict[str, list[Interval]]:
    """Mailbox key -> the disjoint intervals in which it was held, within the window."""
    spans: dict[str, list[Interval]] = {}
    for node, start, end in zip(labels.node.tolist(), labels.start.tolist(), labels.end.tolist(), strict=True):
        if graph.kinds[node] == "Mailbox" and start < horizon:
            spans.setdefault(graph.keys[node], []).append((start, min(end, horizon)))
    return {key: joined(found) for key, found in spans.items()}


def _overlapping(graph: CaseGraph, labels: Labels, chosen: Index, horizon: int) -> list[tuple[int, int, int]]:
    """(step, start, stop) for each time one of the chosen steps could be taken, within the window."""
    step, _, start, stop = overlaps(labels, graph.source[chosen], graph.opens[chosen], graph.closes[chosen])
    stop = np.minimum(stop, horizon)
    return [(int(chosen[s]), int(a), int(b)) for s, a, b in zip(step, start, stop, strict=True) if a < b]


def _touched(graph: CaseGraph, labels: Labels, chosen: Index, horizon: int) -> dict[str, list[Interval]]:
    spans: dict[str, list[Interval]] = {}
    for step, start, stop in _overlapping(graph, labels, chosen, horizon):
        spans.setdefault(graph.keys[graph.target[step]], []).append((start, stop))
    return {key: joined(found) for key, found in spans.items()}


def _targets(graph: CaseGraph, labels: Labels, horizon: int, rule: str, profile: Profile) -> list[dict[str, Any]]:
    """The addresses that a rule's steps lead to: `address, source, sentence, from`."""
    if rule not in profile.rules:
        return []
    found: dict[int, dict[str, Any]] = {}
    for step, start, _ in sorted(_overlapping(graph, labels, graph.chosen(pl.col("rule") == rule), horizon), key=lambda row: row[1]):
        source, target = int(graph.source[step]), int(graph.target[step])
        row = {"address": graph.keys[target].removeprefix("smtp:"), "source": graph.keys[source], "sentence": graph.sentence(rule, source, target), "from": to_iso(start)}
        found.setdefault(target, row)
    return sorted(found.values(), key=lambda row: row["address"])


def _ring(found: _Found, catalogue: Catalogue, horizon: int) -> list[dict[str, Any]]:
    """Who could be approached (phished) from what is held, and is not held already: a ring apart, where it is not walked. Each once."""
    graph, labels, first = found.graph, found.labels, found.first[NOT_OBSERVED]
    apart = [step.id for step in catalogue.steps if step.profile == "noisy" and not catalogue.profile.walks(step)]
    near: dict[int, dict[str, Any]] = {}
    for step, start, _ in _overlapping(graph, labels, graph.chosen(pl.col("rule").is_in(apart)), horizon):
        source, target = int(graph.source[step]), int(graph.target[step])
        if graph.kinds[target] == "Account" and (first[target] < 0 or labels.start[first[target]] >= horizon):
            sentence = graph.sentence(graph.steps["rule"][step], source, target)
            row = {"key": graph.keys[target], "name": graph.names[target], "sentence": sentence, "from": to_iso(start)}
            if target not in near or row["from"] < near[target]["from"]:
                near[target] = row
    rows = sorted(near.values(), key=lambda row: (row["from"], row["key"]))
    mark_same(rows, graph.identity)
    return sorted((row for row in rows if row.pop("same_as") is None), key=lambda row: row["key"])
