"""Exposure over dwell: how much was held and disclosed by when, and what an earlier discovery would have saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from screens import show, state
from screens.state import Asked, say

_OUTSIDE = "Persons outside"
_POINTS = 800  # of a longer curve every n-th day is drawn


def exposure(question: Asked) -> None:
    """The expander; the curve is worked out when it is asked for."""
    with st.expander(say("Exposure over time"), icon=":material/show_chart:"):
        if not st.toggle(say("Work out the curve"), key="curve"):
            st.caption(say("How much was held and disclosed by when, and what an earlier discovery would have saved."))
            return
        found = state.curve(question)
        points: Sequence[Mapping[str, Any]] = found["points"]
        kinds = [_OUTSIDE, *found["totals"]["reached"]]
        labels = {kind: say(kind) for kind in kinds}
        drawn = st.selectbox(say("Draw"), kinds, key=f"curve of {state.language()}", format_func=lambda kind: labels.get(kind, kind))
        rows = _rows(points, drawn)
        _draw(rows)
        _saved(found)
        show.downloads("curve", _flat(points), ["at", "days", "what", "level", "number"], (say("Download CSV"), say("Download JSON")), full=found)


def _flat(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for point in points:
        told = {"at": point["at"], "days": point["days"]}
        rows += [told | {"what": name, "level": "", "number": point[name]} for name in ("persons", "addresses", "messages")]
        rows += [told | {"what": kind, "level": level, "number": n} for kind, levels in point["reached"].items() for level, n in levels.items()]
    return rows


def _rows(points: Sequence[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The lines of one kind: a level each that says something else than the one below it; of persons outside just one."""
    every = max(1, len(points) // _POINTS)
    some = [*points[: -1 : every], points[-1]]
    if kind == _OUTSIDE:
        return [{"days": p["days"], "at": show.moment(p["at"]), "number": int(p["persons"]), "level": say(_OUTSIDE)} for p in some]
    levels = list(points[-1]["reached"][kind])
    lines = {level: [int(p["reached"][kind][level]) for p in some] for level in levels}
    kept = [level for i, level in enumerate(levels) if level == "POSSIBLE" or (any(lines[level]) and (i == 0 or lines[level] != lines[levels[i - 1]]))]
    return [
        {"days": p["days"], "at": show.moment(p["at"]), "number": n, "level": show.signed(level, say(level))}
        for level in kept for p, n in zip(some, lines[level], strict=True)
    ]  # fmt: skip


def _draw(rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(row["level"] for row in rows))
    colours = [next((colour for sign, colour in show.LEVELS.values() if name.startswith(f"{sign} ")), "#1d5fbf") for name in names]
    dashes = [[1, 0], [6, 3], [2, 3], [8, 3, 2, 3]][: len(names)]  # told apart in print and without colours, too
    shared = alt.Scale(domain=names, range=colours)
    legend = alt.Legend(title=say("At this level or above"), orient="top") if len(names) > 1 else None
    chart = (
        alt.Chart(pl.DataFrame(rows))
        .mark_line(interpolate="step-after", strokeWidth=2.5)
        .encode(
            x=alt.X("days:Q", title=say("Days since the start"), axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("number:Q", title=say("By then"), axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("level:N", scale=shared, legend=legend),
            strokeDash=alt.StrokeDash("level:N", scale=alt.Scale(domain=names, range=dashes), legend=legend),
            tooltip=[alt.Tooltip("at:N", title="UTC"), alt.Tooltip("number:Q", format=",", title=say("By then")), alt.Tooltip("level:N", title=say("Level"))],
        )
        .properties(height=280)
    )
    st.altair_chart(chart, width="stretch")


def _saved(found: Mapping[str, Any]) -> None:
    st.markdown(f"**{say('What an earlier discovery would have saved')}**")
    if not found["earlier"]:
        st.write(say("The window is shorter than a week."))
        return
    kinds = list(found["totals"]["reached"])
    rows = [
        {"words": say("{time} earlier", time=say(one["words"])), "at": show.moment(one["at"]), "persons": int(one["persons"]), "messages": int(one["messages"])}
        | {kind: int(one["reached"][kind]["NOT OBSERVED"]) for kind in kinds}
        for one in found["earlier"]
    ]  # fmt: skip
    headings = {"words": say("Discovered"), "at": say("At (UTC)"), "persons": say(_OUTSIDE), "messages": say("Messages")} | {kind: say(kind) for kind in kinds}
    show.table(rows, headings)
    st.caption(say("Numbers that would not have been reached, or disclosed, by then; whatever the level of evidence."))
