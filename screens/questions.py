"""The saved questions, each with a form for its parameters, and one's own read-only Cypher."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from hakyu.case import Case
from screens import show, state
from screens.state import Asked, say

_ROWS = "The first {n:,} rows are shown; the download has them all."


def page() -> None:
    """The page."""
    question = state.asked()
    show.title(say("Questions"))
    saved, own = st.tabs([say("Saved question"), say("Own Cypher")])
    with saved:
        _saved(question)
    with own:
        _own(question)


def _saved(question: Asked) -> None:
    known = {one.name: one for one in Case.queries()}
    if not known:
        st.write(say("No saved questions are installed."))
        return
    name = st.selectbox(say("Saved question"), list(known), key="saved", format_func=lambda name: f"{known[name].title} · {name}", filter_mode="contains")
    chosen = known[name]
    show.lead(chosen.question)
    st.caption(say("Asked by {who}", who=chosen.asks))
    with st.form(f"form {name}"):
        given = {}
        for parameter in chosen.parameters:
            label, key = f"{parameter.name}: {parameter.meaning}", f"{name} {parameter.name}"
            if parameter.type == "int":
                given[parameter.name] = str(st.number_input(label, value=int(parameter.default), step=1, key=key))
            else:
                given[parameter.name] = st.text_input(label, str(parameter.default), key=key)
        if st.form_submit_button(say("Ask"), type="primary"):
            st.session_state["answered"] = (name, given)
    if st.session_state.get("answered", ("",))[0] == name:
        with st.expander(chosen.file):
            st.code(chosen.cypher, language=None)
        _answer(name, state.query, question, *st.session_state["answered"])


def _own(question: Asked) -> None:
    st.caption(say("Read-only Cypher over the graph (docs/graph.md has its labels and relationships)."))
    with st.form("own"):
        text = st.text_area(say("Query"), key="cypher", height=140)
        if st.form_submit_button(say("Run"), type="primary"):
            st.session_state["own_text"] = text
    if st.session_state.get("own_text", "").strip():
        _answer("cypher", state.cypher, question, st.session_state["own_text"])


def _answer(name: str, ask: Any, question: Asked, *what: Any) -> None:
    with show.explained(stop=False):
        with st.spinner(say("Working…")):
            found: pl.DataFrame = ask(question.folder, question.state, *what)
        st.caption(say("{n:,} rows", n=found.height))
        show.frame(found, say(_ROWS))
        show.downloads(name, found.to_dicts(), found.columns, (say("Download CSV"), say("Download JSON")))


if __name__ == "__main__":
    page()
