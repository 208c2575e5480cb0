"""The blast radius: what a compromised account could reach in a window, what logs say of it, by which way, and whom that discloses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from graphmodel.store.port import Store
from graphmodel.times import to_iso
from queries.profiles import Profile
from reach.evidence import CONFIRMED, INDICATED, LEVELS, NOT_OBSERVED, POSSIBLE, Level
from reach.exposure import overlaps
from reach.graph import NEVER
from reach.search import Labels
from reach.ways import way
from reports.casegraph import CaseGraph, Index
from reports.coverage import beside, coverage
from reports.disclosure import Folders, Interval, disclosure
from reports.evidence import logs
from reports.found import EXCLUDED, Catalogue, Found, Window, search
from reports.held import KINDS, folder_spans, held_spans
from reports.spans import joined

NO_LOG = "POSSIBLE: the exported configuration allows every step shown; no log was read that could confirm one or rule it out."
_SHOWN = 3  # observations that a step of a way names


def blast(store: Store, catalogue: Catalogue, seeds: Sequence[str], window: Window) -> dict[str, Any]:
    """All that follows from holding `seeds` (keys) during `window`, as plain data (docs/blast.md describes each field)."""
    found = search(store, catalogue, seeds, window)
    graph, labels, horizon = found.graph, found.labels, found.horizon
    reached = [_node(found, n) for n in np.flatnonzero(found.first[NOT_OBSERVED] >= 0).tolist() if graph.kinds[n] in KINDS]
    reached.sort(key=lambda row: (KINDS.index(row["kind"]), row["first"], row["hops"], row["key"]))
    mark_same(reached, graph.identity)
    transit = _touched(graph, labels, graph.walked(catalogue.profile, "in transit"), horizon)
    folders = folder_spans(store, graph, labels, catalogue.profile, horizon)
    seen = coverage(found.stated, window.start, window.until)
    return {
        "seeds": [{"key": key, "kind": graph.kinds[graph.number[key]], "name": graph.names[graph.number[key]]} for key in seeds],
        "window": {"from": to_iso(window.start), "until": to_iso(window.until)},
        "profile": catalogue.profile.name,
        "steps": {step.id: step.version for step in catalogue.steps if catalogue.profile.walks(step)},
        "state": store.state(),
        "engine": store.engine,
        "evidence": evidence_sentence(found),
        "logs": logs(found.stated),
        "counts": _counts(graph, reached, seen),
        "reached": reached,
        "still_held": sum(row["still_held"] for row in reached if row["same_as"] is None),
        "elsewhere": _elsewhere(found),
        "writes_as": _targets(graph, labels, horizon, "send-as", catalogue.profile),
        "forwards_to": _targets(graph, labels, horizon, "forwarding-target", catalogue.profile),
        "in_transit": [{"mailbox": key, "spans": [[to_iso(a), _iso_end(b)] for a, b in spans]} for key, spans in sorted(transit.items())],
        "in_part": [{"mailbox": key, "folder": folder, "spans": [[to_iso(a), _iso_end(b)] for a, b in spans]} for (key, folder), spans in sorted(folders.items())],
        "approachable": _ring(found, catalogue, horizon),
        "disclosed": _disclosed(store, found, transit, folders, seen),
        "coverage": seen,
    }


def evidence_sentence(found: Found) -> str:
    """What the levels lean on, in one or two sentences."""
    read_ = logs(found.stated)
    if not found.weighed.rows.height and not read_:
        return NO_LOG
    attributed = found.weighed.rows["indicator"].is_not_null().sum()
    said = f"{found.weighed.rows.height:,} log records fit a step, {attributed:,} of them an indicator of the attacker."
    whole = [log for log in read_ if log["complete"]]
    if not whole:
        return said + " No log is stated to be complete, so silence says nothing."
    horizon = ", ".join(f"{log['what']} from {log['complete'][0][0]} until {log['complete'][-1][1]}" for log in whole)
    early = any(log["complete"][0][0] > (to_iso(found.window.start) or "") for log in whole)
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


def _elsewhere(found: Found) -> list[dict[str, Any]]:
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


def _disclosed(store: Store, found: Found, transit: dict[str, list[Interval]], folders: Folders, seen: list[dict[str, Any]]) -> dict[str, Any]:
    held = {level: held_spans(found.graph, found.levels[level].labels, found.horizon) for level in LEVELS}
    told = disclosure(store, held[NOT_OBSERVED], transit, folders)
    totals = {NOT_OBSERVED: told["at_rest"]}
    for lower, level in zip(LEVELS, LEVELS[1:], strict=False):
        # Which folders were read is allowed, not seen: they count up to POSSIBLE.
        parts = folders if level == POSSIBLE else {}
        same = held[level] == held[lower] and (level != INDICATED or not folders)
        totals[level] = totals[lower] if same else disclosure(store, held[level], {}, parts)["at_rest"]
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


def _node(found: Found, node: int) -> dict[str, Any]:
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
        "still_held": bool((ends > found.horizon).any()),
        "evidence": evidence,
        "levels": times,
        "way": steps,
    }


def _step(found: Found, level: Level, label: int) -> dict[str, Any]:
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


def _of_step(found: Found, number: int, row: Mapping[str, Any] | None, at: int) -> str | None:
    """The level of one step taken at a time; None for what nobody has to do anything for."""
    if row is not None:
        return CONFIRMED if row["indicator"] else INDICATED
    if found.weighed.allowed.by_itself[number]:
        return None
    silent = found.weighed.silent
    unseen = (silent.step == number) & (silent.start <= at) & (at < silent.stop)
    return NOT_OBSERVED if unseen.any() else POSSIBLE


def _records(found: Found, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The first records that show the step from then on, those of the attacker before others: `observation, at, indicator`."""
    same = (pl.col("rule") == row["rule"]) & (pl.col("source_n") == row["source_n"]) & (pl.col("target_n") == row["target_n"]) & (pl.col("at") >= row["at"])
    rows = found.weighed.rows.filter(same).sort(pl.col("indicator").is_null(), "at", "observation").head(_SHOWN)
    return [{"observation": o, "at": to_iso(at), "indicator": i} for o, at, i in rows.select("observation", "at", "indicator").iter_rows()]


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


def _ring(found: Found, catalogue: Catalogue, horizon: int) -> list[dict[str, Any]]:
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
