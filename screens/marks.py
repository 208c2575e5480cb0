"""Signs of the attacker that the analyst marks, and takes back: what a record is confirmed by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from screens import show, state
from screens.state import Asked, say

KINDS = {"ip": "address", "session": "session", "token": "token", "user agent": "user agent", "app": "application"}
"""What records hold that can be compared -> what the page calls it."""
_FORMAT = "mark"


def marks(question: Asked, steps: Sequence[Mapping[str, Any]]) -> None:
    """Mark a sign seen in the steps of the way, or one typed in; and the list of those that are marked."""
    with st.expander(say("Signs of the attacker"), icon=":material/fingerprint:", expanded=bool(st.session_state.get("marked"))):
        if not state.writable(question.folder):
            show.remark(say("This graph has no case folder, so nothing can be marked here: what analysts decide is kept in the folder. Open the case by its folder."))
            return
        st.caption(say("Log records that fit a marked sign count as the attacker's: they confirm the steps that they show."))
        _form(question, _seen(question, steps))
        _listed(question)


def _seen(question: Asked, steps: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """(kind, value) of what the records of the way hold -> how it is told."""
    keys = tuple(dict.fromkeys(one["observation"] for step in steps for one in step.get("observations", ())))
    found: dict[tuple[str, str], str] = {}
    for row in state.records(question.folder, question.state, keys) if keys else ():
        for kind, word in KINDS.items():
            value = row[kind.replace(" ", "_")]
            if value:
                found.setdefault((kind, value), f"{say(word)}: {value} · {row['operation'] or ''} {show.moment(row['at'])}")
    return found


def _form(question: Asked, seen: Mapping[tuple[str, str], str]) -> None:
    options: list[tuple[str, str] | None] = [*seen, None]
    typed = say("another, typed in")
    picked = st.selectbox(
        say("Sign"), options, key=f"sign {question.folder} {state.language()} {hash(tuple(seen))}", format_func=lambda sign: seen.get(sign, typed) if sign else typed,
    )  # fmt: skip
    with st.form(f"mark {picked}", border=False, clear_on_submit=True):
        kind, value = picked or ("", "")
        if picked is None:
            kind = st.selectbox(say("Kind of sign"), list(KINDS), format_func=lambda kind: say(KINDS[kind]), key=f"mark kind {state.language()}")
            value = st.text_input(say("Value"), key="mark value", placeholder="203.0.113.7")
        left, right = st.columns(2)
        early, late = datetime(1990, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - the field knows no zone; its label says UTC
        limits: dict[str, Any] = {"min_value": early, "max_value": late, "step": 60, "format": "YYYY-MM-DD"}
        start = left.datetime_input(say("Valid from (UTC)"), None, key=f"mark from {picked}", **limits)
        until = right.datetime_input(say("Valid until (UTC)"), None, key=f"mark until {picked}", **limits)
        note = st.text_input(say("Note"), key=f"mark note {picked}")
        if st.form_submit_button(say("Mark as the attacker's"), icon=":material/fingerprint:"):
            with show.explained(stop=False):
                state.mark(question.folder, kind, value, _iso(start), _iso(until), note)
                st.session_state["marked"] = True
                st.rerun()


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.replace(tzinfo=UTC).isoformat()


def _listed(question: Asked) -> None:
    found = [load for load in state.loads(question.folder) if load.format == _FORMAT]
    if not found:
        return
    st.markdown(f"**{say('Marked')}**")
    for load in found:
        with st.container(horizontal=True, vertical_alignment="center"):
            show.lead(f"{load.name} · {show.moment(load.read_at)}")
            if st.button(say("Take back"), key=f"forget {load.id}"):
                with show.explained(stop=False):
                    state.forget(question.folder, load.id)
                    st.rerun()
