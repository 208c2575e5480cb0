"""What logs say of a blast radius: by level, over time, and of whom else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

import streamlit as st

from screens import show, state, words
from screens.state import say

LEVELS = tuple(show.LEVELS)  # the greatest first


def matters(result: Mapping[str, Any]) -> bool:
    """Whether anything that somebody had to do something for is more, or less, than possible."""
    taken = (row["evidence"] for row in result["reached"] if any(step["evidence"] for step in row["way"]))
    return any(level != "POSSIBLE" for level in taken) or bool(result["elsewhere"])


def by_level(row: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """The lines of a card: (level, its name, number); what was not reached (EXCLUDED) stands for completeness."""
    return [(level, say(level), row["levels"].get(level, 0)) for level in LEVELS]


def of_step(step: Mapping[str, Any]) -> tuple[str, str] | None:
    """(level, its name) of a step; None where nobody has to do anything for it."""
    found = step.get("evidence")
    return (found, say(found)) if found else None


def records(step: Mapping[str, Any]) -> list[str]:
    """The records that show a step, a line each."""
    lines = []
    for one in step.get("observations", ()):
        sign = f" · {say('the attacker’s: {indicator}', indicator=one['indicator'].removeprefix('indicator:'))}" if one["indicator"] else ""
        lines.append(f"{show.moment(one['at'])} UTC · {one['observation']}{sign}")
    return lines


# -- over time ---------------------------------------------------------------------------------------------------------


def timeline(result: Mapping[str, Any]) -> None:
    """Which log covers which part of the window, and from when on silence says something."""
    logs = result["logs"]
    if not logs:
        st.write(say("No log was read."))
        return
    begin = datetime.fromisoformat(result["window"]["from"])
    end = _end(result)
    rows = []
    for log in logs:
        bars = _bar("seen", begin, end, log["first"], log["last"])
        bars += "".join(_bar("whole", begin, end, first, last) for first, last in log["complete"])
        first = min((first for first, _ in log["complete"]), default=None)
        at = None if first is None else _share(begin, end, datetime.fromisoformat(first))
        line = "" if at is None or at <= 0 else f'<i class="horizon" style="left:{min(at, 100):.2f}%"></i>'
        blind = f" · {say('blind {n:,} times', n=log['blind'])}" if log["blind"] else ""
        rows.append(f'<div>{escape(say(log["what"]) + blind)}</div><div class="hk-track" title="{escape(_told(log))}">{bars}{line}</div>')
    axis = f'<div></div><div class="hk-axis"><span>{escape(show.moment(begin.isoformat()))}</span><span>{escape(show.moment(end.isoformat()))}</span></div>'
    key = "".join(
        f'<span><span class="hk-track"><i class="{kind}" style="left:{left};width:{wide}"></i></span>{escape(text)}</span>'
        for kind, left, wide, text in (
            ("seen", "0", "100%", say("has records")), ("whole", "0", "100%", say("stated to be complete")),
            ("horizon", "50%", "0", say("evidence horizon: what lies before it stays POSSIBLE")),
        )
    )  # fmt: skip
    st.html(f'<div class="hk-logs">{"".join(rows)}{axis}</div><div class="hk-key">{key}</div>')
    timed = [
        {"what": say(log["what"]), "first": show.moment(log["first"]), "last": show.moment(log["last"]), "blind": log["blind"],
         "complete": "; ".join(f"{show.moment(a)} – {show.moment(b)}" for a, b in log["complete"]) or say("not stated")}
        for log in logs
    ]  # fmt: skip
    headings = {"what": say("Log"), "first": say("First (UTC)"), "last": say("Last (UTC)"), "complete": say("Complete (UTC)"), "blind": say("Blind times")}
    show.table(timed, headings)


def _end(result: Mapping[str, Any]) -> datetime:
    """The end of the window; of an open one, now."""
    until = result["window"]["until"]
    return datetime.fromisoformat(until) if until else max(datetime.now(UTC), datetime.fromisoformat(result["window"]["from"]))


def _share(begin: datetime, end: datetime, at: datetime) -> float:
    return (at - begin) / (end - begin) * 100 if end > begin else 0.0


def _bar(kind: str, begin: datetime, end: datetime, first: str | None, last: str | None) -> str:
    if first is None or last is None:
        return ""
    left, right = (_share(begin, end, datetime.fromisoformat(time)) for time in (first, last))
    left, right = max(left, 0.0), min(right, 100.0)
    return f'<i class="{kind}" style="left:{left:.2f}%;width:{right - left:.2f}%"></i>' if left <= right else ""


def _told(log: Mapping[str, Any]) -> str:
    return f"{show.moment(log['first'])} – {show.moment(log['last'])}"


# -- of whom else ------------------------------------------------------------------------------------------------------


def elsewhere(result: Mapping[str, Any]) -> None:
    """Whom the attacker's signs were seen at, though this incident does not lead there with that certainty."""
    rows: Sequence[Mapping[str, Any]] = result["elsewhere"]
    st.caption(say("Log records fit a sign of the attacker, but this incident does not confirm a way there: ask about each by itself."))
    if not rows:
        st.write(say("None."))
        return
    language = state.language()
    shown = [
        {**row, "at": show.moment(row["at"]), "kind": say(row["kind"]), "evidence": show.signed(row["evidence"], say(row["evidence"])),
         "sentence": words.said(row["sentence"], language), "indicator": row["indicator"].removeprefix("indicator:")}
        for row in rows
    ]  # fmt: skip
    headings = {
        "name": say("Name"), "kind": say("Kind"), "at": say("At (UTC)"), "sentence": say("How"), "indicator": say("Sign"), "evidence": say("Level here"),
        "observation": say("Record"), "key": say("Key"),
    }  # fmt: skip
    show.table(shown, headings)
    show.downloads("elsewhere", shown, list(headings), (say("Download CSV"), say("Download JSON")), full=rows)


def disclosed(told: Mapping[str, Any]) -> None:
    """How many are disclosed at a level of evidence or above."""
    counted = {"persons": say("Persons"), "addresses": say("Addresses"), "messages": say("Messages"), "organisations": say("Organisations")}
    rows = [{"level": show.signed(level, say(level)), **numbers} for level, numbers in told["levels"].items()]
    show.table(rows, {"level": say("At this level or above"), **counted})
