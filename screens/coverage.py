"""What the answers rest on: what the sources saw and did not, the files that were loaded, the steps an attacker can take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from hakyu.case import Case
from screens import show, state, words
from screens.state import Asked, say


def page() -> None:
    """The page."""
    question = state.asked()
    with show.explained():
        _coverage(question)
        _loads(question)
        _steps(question)


def _coverage(question: Asked) -> None:
    found = state.examined(question.folder, question.state)
    rows = found["coverage"] if question.who is None else state.blast(question)["coverage"]
    about = say("For any time: choose an account for a window.") if question.who is None else say("For the window asked about.")
    show.title(say("What the sources saw"), say("“Not collected” is not “none”: numbers that lean on it may be too small."), about)
    language = state.language()
    shown = [
        row | {
            "what": say(row["what"]), "status": f"{_MARKS.get(row['status'], '')} {say(row['status'])}", "detail": words.detail(row["detail"], language),
            "first": show.moment(row["first"]), "last": show.moment(row["last"]),
        }
        for row in rows
    ]  # fmt: skip
    headings = {"what": say("What"), "status": say("Status"), "detail": say("Detail"), "first": say("First (UTC)"), "last": say("Last (UTC)")}
    show.table(shown, headings, height="content")
    for problem in found["problems"]:
        show.remark(problem)


_MARKS = {"collected": "●", "partial": "◐", "not collected": "○"}


def _loads(question: Asked) -> None:
    st.subheader(say("What was loaded"), anchor=False)
    loads = state.loads(question.folder)
    if not loads:
        st.write(say("Nothing is loaded yet."))
        return
    rows = [
        {"name": m.name, "format": m.format, "records": m.records, "loaded": m.loaded, "refused": m.refused, "notes": m.notes,
         "read_at": show.moment(m.read_at), "id": m.id}
        for m in loads
    ]  # fmt: skip
    headings = {
        "name": say("File name"), "format": say("Format"), "records": say("Read"), "loaded": say("Loaded"), "refused": say("Refused"),
        "notes": say("Notes"), "read_at": say("Read at"), "id": say("Load"),
    }  # fmt: skip
    show.table(rows, headings)
    with_refused = {m.id: m.name for m in loads if m.refused}
    if with_refused:
        with st.expander(say("Refused rows")):
            _refused(question, with_refused)


def _refused(question: Asked, names: dict[str, str]) -> None:
    chosen = st.selectbox(say("Load with refused rows"), list(names), format_func=lambda id_: f"{names.get(id_, '')} · {id_}")
    rows: list[dict[str, Any]] = state.refused(question.folder, chosen)
    show.table(rows, {"place": say("Place"), "why": say("Why"), "what": say("What")})
    show.downloads("refused", rows, ["place", "why", "what"], (say("Download CSV"), say("Download JSON")))


def _steps(question: Asked) -> None:
    st.subheader(say("What an attacker can do"), anchor=False)
    st.caption(say("The steps that the blast radius is made of; techniques are of ATT&CK v{version}.", version=Case(Path(question.folder)).attack_version()))
    rows = [
        {"number": s.number, "title": s.title, "hold": say(s.hold), "profile": say(s.profile), "attack": s.attack,
         "survives_reset": say("yes") if s.survives_reset else say("no"), "closes_with": say(s.closes_with),
         "confirmed_by": s.confirmed_by, "limits": s.limits}
        for s in Case.steps()
    ]  # fmt: skip
    headings = {
        "number": say("No."), "title": say("Step"), "hold": say("Hold"), "profile": say("Profile"), "attack": say("Techniques"),
        "survives_reset": say("Survives a reset"), "closes_with": say("Closes with"), "confirmed_by": say("Confirmed by"), "limits": say("Limits"),
    }  # fmt: skip
    show.table(rows, headings, height="content")


if __name__ == "__main__":
    page()
