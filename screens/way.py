"""The way to the chosen node, step by step; or all ways to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from hakyu.case import Case
from screens import evidence, show, state
from screens.state import Asked, say

_LISTED = 5_000  # nodes in the list of ways; any other is chosen by its row
Say = Callable[[Mapping[str, str]], str]


def choose(result: Mapping[str, Any]) -> str | None:
    """The list of nodes that a way can be shown to; the chosen one's key."""
    rows = {row["key"]: row for row in result["reached"] if row["same_as"] is None}
    if st.session_state.get("node") not in rows:
        st.session_state["node"] = max(rows.values(), key=lambda row: row["hops"])["key"] if rows else None
    options = list(rows)[:_LISTED]
    if st.session_state["node"] not in options and rows:
        options.append(st.session_state["node"])
    labels = {key: f"{rows[key]['name']} · {say(rows[key]['kind'])}" for key in options}
    chosen: str | None = st.selectbox(say("The way to"), options, key="node", filter_mode="contains", format_func=lambda key: labels.get(key, str(key)))
    return chosen


def way(result: Mapping[str, Any], question: Asked, chosen: str, sentence: Say) -> list[dict[str, Any]]:
    """Shows the way to the chosen node, or all of them; returns the steps that are shown."""
    row = next(row for row in result["reached"] if row["key"] == chosen)
    steps: list[dict[str, Any]] = row["way"]
    if not steps:
        show.remark(say("Held from the start: the incident begins here."))
        return []
    if st.toggle(say("All ways"), key="all ways", help=say("Every step on some way in time, the shortest ways first.")):
        return _all(result, question, chosen, sentence)
    _steps(question, steps, sentence)
    return steps


def _steps(question: Asked, steps: Sequence[dict[str, Any]], sentence: Say) -> None:
    places = _where(question, steps)
    known = {step.id: step for step in Case.steps()}
    show.steps([
        (sentence(step), f"{show.moment(step['at'])} UTC", _places(step, places), _closes(known, step), evidence.of_step(step), evidence.records(step))
        for step in steps
    ])  # fmt: skip


def _all(result: Mapping[str, Any], question: Asked, chosen: str, sentence: Say) -> list[dict[str, Any]]:
    found = state.ways(question, chosen)
    steps = in_order(found["steps"], [seed["key"] for seed in found["seeds"]], {row["key"]: row["same_as"] or row["key"] for row in result["reached"]})
    if not steps:
        show.remark(say("No way of configured steps leads there: only a log shows it."))
        return []
    st.caption(say("{steps:,} steps over {things:,} things are on some way.", steps=len(steps), things=found["things"]))
    if found["left_out"] is None:
        show.remark(say("There are more, on longer ways; nobody counted them."))
    elif found["left_out"]:
        show.remark(say("{n:,} more steps are on longer ways.", n=found["left_out"]))
    known = {step.id: step for step in Case.steps()}
    with st.container(height=520 if len(steps) > 4 else "content", border=False):  # noqa: PLR2004 - about as many fit
        show.steps([
            (sentence(step), say("from {at} UTC · shortest way {n:,} steps", at=show.moment(step["at"]), n=step["length"]), [], _closes(known, step), None, [])
            for step in steps
        ])  # fmt: skip
    shown = [step | {"sentence": sentence(step)} for step in steps]
    columns = ["length", "at", "rule", "sentence", "source", "target", "opens", "closes", "closes_with"]
    show.downloads("ways", shown, columns, (say("Download CSV"), say("Download JSON")), full=found)
    return steps


def in_order(steps: Sequence[dict[str, Any]], seeds: Sequence[str], same: Mapping[str, str]) -> list[dict[str, Any]]:
    """The steps as one walks them: by how far from the start they begin, then by the shortest way through them. `same`: key -> one key a thing."""
    far = {same.get(key, key): 0 for key in seeds}
    waiting = [(same.get(step["source"], step["source"]), same.get(step["target"], step["target"])) for step in steps]
    n = 0
    while new := {target for source, target in waiting if far.get(source) == n and target not in far}:
        n += 1
        far |= dict.fromkeys(new, n)
    return sorted(steps, key=lambda step: (far.get(same.get(step["source"], step["source"]), n + 1), step["length"], step["at"]))


def _where(question: Asked, steps: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    facts = tuple(dict.fromkeys(fact for step in steps for fact in step["because"]))
    places: dict[str, list[str]] = {}
    for row in state.where(question.folder, question.state, facts):
        places.setdefault(row["fact"], []).append(" · ".join(part for part in (row["source"], row["place"]) if part))
    return places


def _places(step: Mapping[str, Any], places: Mapping[str, list[str]]) -> list[str]:
    found = [place for fact in step["because"] for place in places.get(fact, [say("derived from other facts")])]
    return list(dict.fromkeys(place or say("derived from other facts") for place in found))


def _closes(known: Mapping[str, Any], step: Mapping[str, Any]) -> str:
    if step["rule"] not in known:
        return str(step["rule"])
    rule = known[step["rule"]]
    said = [rule.number, *rule.attack, say("closes with: {text}", text=say(rule.closes_with))]
    return " · ".join([*said, say("survives a password reset")] if rule.survives_reset else said)
