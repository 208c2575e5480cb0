"""The blast radius: what a compromised account could reach in a window, by which way, and whom that discloses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from graphmodel.derive import components
from graphmodel.store.port import Store
from graphmodel.times import to_iso
from queries.catalogue import Step
from queries.run import read
from reach.exposure import overlaps
from reach.graph import build
from reach.search import Labels, reach
from reach.ways import first_labels, way
from reports.coverage import beside, coverage
from reports.disclosure import Interval, disclosure
from reports.remediation import remediated

# Sorted as people ask: what can be read, who and what is held, then what it hangs on.
KINDS = ("Mailbox", "Account", "Server", "Service", "Group", "Role", "App", "Rule", "File", "Secret")
EVIDENCE = "POSSIBLE"
ALLOWED = "POSSIBLE: the exported configuration allows every step shown; "
NO_LOG = ALLOWED + "no log was read that could confirm one or rule it out."
LOGS = ALLOWED + "the logs that were read are kept as observations and are not weighed for it."
_LOGS = ("audit log", "mail access", "sign-ins", "logons")
_START, _NEVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True)
class Window:
    """When the seed was held: `[start, until)` in seconds; `until` None: still held."""

    start: int
    until: int | None


class _Graph:
    """Keys as numbers, and all steps as arrays in one order."""

    def __init__(self, store: Store, steps: Sequence[Step]) -> None:
        self.steps = store.steps()
        self.nodes = store.nodes()
        self.rules = {step.id: step for step in steps}
        self.keys: list[str] = self.nodes["key"].to_list()
        self.kinds: list[str] = self.nodes["kind"].to_list()
        self.names: list[str] = [name or key for key, name in self.nodes.select("key", "name").iter_rows()]
        self.number = {key: i for i, key in enumerate(self.keys)}
        numbers = pl.DataFrame({"key": self.keys, "n": np.arange(len(self.keys), dtype=np.int32)})
        for end in ("source", "target"):
            self.steps = self.steps.join(numbers.rename({"key": end, "n": f"{end}_n"}), on=end, how="left", maintain_order="left")
        self.source = self.steps["source_n"].to_numpy()
        self.target = self.steps["target_n"].to_numpy()
        self.opens = self.steps["opens"].fill_null(_START).to_numpy()
        self.closes = self.steps["closes"].fill_null(_NEVER).to_numpy()
        self.foothold = (self.steps["hold"] == "foothold").to_numpy()

    def chosen(self, where: pl.Expr) -> np.ndarray[Any, Any]:
        """Indices of the steps for which the expression holds."""
        return np.flatnonzero(self.steps.select(where).to_series().to_numpy())

    def identity(self) -> dict[str, str]:
        """Key -> one key for all names of the same thing, where it has several (steps of the rule same-identity)."""
        return identities(self.steps)

    def cleaned(self, times: Mapping[str, Sequence[int]], identity: Mapping[str, str]) -> list[tuple[int, int]]:
        """(node, time) of each remediation, under every name of what was remediated."""
        return [(n, time) for n, key in enumerate(self.keys) for time in times.get(identity.get(key, key), ())]

    def sentence(self, step: int) -> str:
        """The step in words."""
        rule = self.rules[self.steps["rule"][step]]
        return rule.sentence.format(source=self.names[self.source[step]], target=self.names[self.target[step]])


def blast(store: Store, steps: Sequence[Step], seeds: Sequence[str], window: Window, profile: str = "quiet") -> dict[str, Any]:
    """All that follows from holding `seeds` (keys) during `window`, as plain data (docs/blast.md describes each field).

    `profile`: `quiet` walks rights, credentials and sessions; `noisy` also phishing. Times are ISO 8601 in UTC.
    """
    graph = _Graph(store, steps)
    at_rest = pl.col("vantage") == "at rest"
    walked = graph.chosen(at_rest if profile == "noisy" else at_rest & (pl.col("noise") == "quiet"))
    identity = graph.identity()
    cleaned = graph.cleaned(remediated(read(store, "remediations"), identity), identity)
    labels = _walk(graph, walked, seeds, window, cleaned)
    horizon = _NEVER if window.until is None else window.until
    first = first_labels(labels, len(graph.keys))
    reached = [_node(graph, labels, walked, int(first[n]), window) for n in np.flatnonzero(first >= 0) if graph.kinds[n] in KINDS]
    reached.sort(key=lambda row: (KINDS.index(row["kind"]), row["first"], row["hops"], row["key"]))
    mark_same(reached, identity)
    held = _held(graph, labels, horizon)
    transit = _touched(graph, labels, graph.chosen(pl.col("vantage") == "in transit"), horizon)
    seen = coverage(read(store, "coverage"), window.start, window.until)
    counts = Counter(row["kind"] for row in reached if row["same_as"] is None)
    return {
        "seeds": [{"key": key, "kind": graph.kinds[graph.number[key]], "name": graph.names[graph.number[key]]} for key in seeds],
        "window": {"from": to_iso(window.start), "until": to_iso(window.until)},
        "profile": profile,
        "state": store.state(),
        "engine": store.engine,
        "evidence": evidence(seen),
        "counts": [{"kind": kind, "reached": counts[kind], "beside": beside(kind, seen)} for kind in KINDS if counts[kind] or kind in KINDS[:4]],
        "reached": reached,
        "still_held": sum(row["still_held"] for row in reached if row["same_as"] is None),
        "writes_as": _targets(graph, labels, horizon, "send-as"),
        "forwards_to": _targets(graph, labels, horizon, "forwarding-target"),
        "in_transit": [{"mailbox": key, "spans": [[to_iso(a), _iso_end(b)] for a, b in spans]} for key, spans in sorted(transit.items())],
        "approachable": _ring(graph, labels, first, horizon) if profile == "quiet" else [],
        "disclosed": _disclosed(store, held, transit, seen),
        "coverage": seen,
    }


def evidence(seen: Sequence[Mapping[str, Any]]) -> str:
    """What can be said of how sure the steps are, by the coverage of the case."""
    return LOGS if any(row["what"] in _LOGS and row["status"] != "not collected" for row in seen) else NO_LOG


def _disclosed(
    store: Store, held: dict[str, list[Interval]], transit: dict[str, list[Interval]], seen: list[dict[str, Any]]
) -> dict[str, Any]:
    told = disclosure(store, held, transit)
    silent = [f"no message is known of {told['silent']:,} of {len(held):,} held mailboxes"] if told["silent"] else []
    return told | {"beside": silent + beside("Correspondent", seen)}


def _walk(graph: _Graph, walked: np.ndarray[Any, Any], seeds: Sequence[str], window: Window, cleaned: list[tuple[int, int]]) -> Labels:
    source, target, opens, closes, foothold = (a[walked] for a in (graph.source, graph.target, graph.opens, graph.closes, graph.foothold))
    steps = build(len(graph.keys), source, target, opens, closes, foothold, cleaned)
    starts = [(graph.number[key], window.start, window.until) for key in seeds]
    return reach(steps, starts, horizon=window.until)


def identities(steps: pl.DataFrame) -> dict[str, str]:
    """Key -> one key for all names of the same thing, by the steps (`rule, source, target`) of the rule same-identity."""
    return components(steps.filter(pl.col("rule") == "same-identity").select("source", "target").iter_rows())


def mark_same(rows: list[dict[str, Any]], identity: Mapping[str, str]) -> None:
    """Give each row `same_as`: the key of the first row that is the same thing under another name, or None for that first row."""
    shown: dict[str, str] = {}
    for row in rows:
        first = shown.setdefault(identity.get(row["key"], row["key"]), row["key"])
        row["same_as"] = None if first == row["key"] else first


def _iso_end(seconds: int) -> str | None:
    return None if seconds >= _NEVER else to_iso(seconds)


def _node(graph: _Graph, labels: Labels, walked: np.ndarray[Any, Any], label: int, window: Window) -> dict[str, Any]:
    """A reached node with the earliest way to it, step by step."""
    node = int(labels.node[label])
    path = []
    for arrived, via in way(labels, label):
        if via < 0:
            continue
        step = int(walked[via])
        path.append({
            "rule": graph.steps["rule"][step],
            "number": graph.rules[graph.steps["rule"][step]].number,
            "source": graph.keys[graph.source[step]],
            "target": graph.keys[graph.target[step]],
            "source_name": graph.names[graph.source[step]],
            "target_name": graph.names[graph.target[step]],
            "sentence": graph.sentence(step),
            "at": to_iso(int(labels.start[arrived])),
            "because": graph.steps["because"][step].to_list(),
        })  # fmt: skip
    ends = labels.end[labels.node == node]
    lasting = window.until is not None and bool((ends > window.until).any())
    return {
        "key": graph.keys[node],
        "kind": graph.kinds[node],
        "name": graph.names[node],
        "first": to_iso(int(labels.start[label])),
        "hops": len(path),
        "still_held": lasting,
        "evidence": EVIDENCE,
        "way": path,
    }


def _held(graph: _Graph, labels: Labels, horizon: int) -> dict[str, list[Interval]]:
    """Mailbox key -> the disjoint intervals in which it was held, within the window."""
    spans: dict[str, list[Interval]] = {}
    for node, start, end in zip(labels.node.tolist(), labels.start.tolist(), labels.end.tolist(), strict=True):
        if graph.kinds[node] == "Mailbox" and start < horizon:
            spans.setdefault(graph.keys[node], []).append((start, min(end, horizon)))
    return {key: _merged(found) for key, found in spans.items()}


def _merged(spans: list[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


def _overlapping(graph: _Graph, labels: Labels, chosen: np.ndarray[Any, Any], horizon: int) -> list[tuple[int, int, int]]:
    """(step, start, stop) for each time one of the chosen steps could be taken, within the window."""
    step, _, start, stop = overlaps(labels, graph.source[chosen], graph.opens[chosen], graph.closes[chosen])
    stop = np.minimum(stop, horizon)
    return [(int(chosen[s]), int(a), int(b)) for s, a, b in zip(step, start, stop, strict=True) if a < b]


def _touched(graph: _Graph, labels: Labels, chosen: np.ndarray[Any, Any], horizon: int) -> dict[str, list[Interval]]:
    spans: dict[str, list[Interval]] = {}
    for step, start, stop in _overlapping(graph, labels, chosen, horizon):
        spans.setdefault(graph.keys[graph.target[step]], []).append((start, stop))
    return {key: _merged(found) for key, found in spans.items()}


def _targets(graph: _Graph, labels: Labels, horizon: int, rule: str) -> list[dict[str, Any]]:
    """The addresses that a rule's steps lead to: `address, source, sentence, from`."""
    found: dict[int, dict[str, Any]] = {}
    for step, start, _ in sorted(_overlapping(graph, labels, graph.chosen(pl.col("rule") == rule), horizon), key=lambda row: row[1]):
        address = graph.keys[graph.target[step]].removeprefix("smtp:")
        row = {"address": address, "source": graph.keys[graph.source[step]], "sentence": graph.sentence(step), "from": to_iso(start)}
        found.setdefault(int(graph.target[step]), row)
    return sorted(found.values(), key=lambda row: row["address"])


def _ring(graph: _Graph, labels: Labels, first: np.ndarray[Any, Any], horizon: int) -> list[dict[str, Any]]:
    """Who could be approached (phished) from what is held, and is not held already: a ring apart, not walked. Each once."""
    found: dict[int, dict[str, Any]] = {}
    for step, start, _ in _overlapping(graph, labels, graph.chosen(pl.col("noise") == "noisy"), horizon):
        target = int(graph.target[step])
        if first[target] < 0 or labels.start[first[target]] >= horizon:
            row = {"key": graph.keys[target], "name": graph.names[target], "sentence": graph.sentence(step), "from": to_iso(start)}
            if target not in found or row["from"] < found[target]["from"]:
                found[target] = row
    rows = sorted(found.values(), key=lambda row: (row["from"], row["key"]))
    mark_same(rows, graph.identity())
    return sorted((row for row in rows if row.pop("same_as") is None), key=lambda row: row["key"])
