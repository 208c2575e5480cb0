"""Every account by what it could reach in the window, and the things that most accounts reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from screens import show, state, words
from screens.state import Asked, say

_ROWS = 10_000  # a browser's table; the downloads hold all rows
_ALL = "NOT OBSERVED"  # at this level or above: all that is allowed


def page() -> None:
    """The page."""
    question = state.asked()
    until = show.moment(question.until) or say("now")
    window = say("from {start} until {until} (UTC)", start=show.moment(question.start), until=until)
    profile = words.profile(question.profile + (f" without {', '.join(question.without)}" if question.without else ""), state.language())
    show.title(say("Ranking"), f"{window} · {say('profile {profile}', profile=profile)}",
               say("Each account taken as held alone during the window; how many things it could reach, each once, whatever names it has."))  # fmt: skip
    asked = (question.folder, question.start, question.until, question.profile, question.without)
    if st.button(say("Work out the ranking"), type="primary", key="rank"):
        st.session_state["ranked"] = asked
    if st.session_state.get("ranked") != asked:
        st.caption(say("It is worked out for every account: in a large organisation this takes a while."))
        return
    with show.explained():
        found = state.rank(question)
        _accounts(found, question)
        _upstream(found["upstream"])
        st.download_button(say("Whole result as JSON"), lambda: show.as_json(found), "rank.json", "application/json", on_click="ignore")


def _accounts(found: Mapping[str, Any], question: Asked) -> None:
    st.subheader(say("Accounts"), anchor=False)
    given = st.text_input(say("Filter by name or key"), key="rank filter", icon=":material/search:").strip().casefold()
    rows: Sequence[Mapping[str, Any]] = [row for row in found["accounts"] if given in f"{row['name']} {row['key']}".casefold()]
    kinds = [kind for kind in _kinds(found["accounts"]) if kind != "Account"]
    kinds = ["Account", *kinds] if any("Account" in row["reached"] for row in found["accounts"]) else kinds
    flat = [_flat(row, kinds) for row in rows]
    st.caption(say("{n:,} accounts. Click a row for its blast radius.", n=len(flat)))
    if len(flat) > _ROWS:
        st.caption(say("The first {n:,} rows are shown; the download has them all.", n=_ROWS))
    identity = f"ranked {question} {given}"

    def pick() -> None:
        selection = st.session_state[identity]["selection"]
        picked = [*(row for row, _ in selection["cells"]), *selection["rows"]]
        if picked:
            st.session_state[f"who {question.folder}"] = rows[picked[0]]["key"]
            st.session_state["open blast"] = True

    headings = {"name": say("Name"), "total": say("Reaches"), **{kind: say(kind) for kind in kinds}}
    levels = {level: show.signed(level, say(level)) for level in ("CONFIRMED", "INDICATED") if any(row[level] for row in flat)}
    headings |= {**levels, "reached_by": say("Reached by (accounts)"), "key": say("Key")}
    if flat:
        show.table(flat[:_ROWS], headings, key=identity, on_select=pick, selection_mode=["single-row", "single-cell"], height=420)
        show.downloads("rank", flat, list(headings), (say("Download CSV"), say("Download JSON")), full=list(rows))
    else:
        st.write(say("None."))
    if st.session_state.pop("open blast", False):
        st.switch_page("screens/blast.py")


def _kinds(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(kind for row in rows for kind in row["reached"]))


def _flat(row: Mapping[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    reached: Mapping[str, Mapping[str, int]] = row["reached"]
    counts = {kind: int(reached.get(kind, {}).get(_ALL, 0)) for kind in kinds}
    seen = {level: sum(int(levels.get(level, 0)) for levels in reached.values()) for level in ("CONFIRMED", "INDICATED")}
    return {"name": row["name"], "total": int(row["total"]), **counts, **seen, "reached_by": int(row["reached_by"]), "key": row["key"]}


def _upstream(rows: Sequence[Mapping[str, Any]]) -> None:
    st.subheader(say("What most accounts reach"), anchor=False)
    if not rows:
        st.write(say("None."))
        return
    shown = [{**row, "kind": say(row["kind"]), "accounts": int(row["accounts"])} for row in rows]
    headings = {"name": say("Name"), "kind": say("Kind"), "accounts": say("Reached by (accounts)"), "key": say("Key")}
    show.table(shown, headings)
    show.downloads("upstream", shown, list(headings), (say("Download CSV"), say("Download JSON")), full=list(rows))


if __name__ == "__main__":
    page()
