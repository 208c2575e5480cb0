"""What the account could reach: numbers with what they lean on, the picture, the nodes, and the way to each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from hakyu.case import Case
from screens import evidence, show, state, words
from screens.curve import exposure
from screens.marks import marks
from screens.picture import HEIGHT, picture
from screens.start import start
from screens.state import Asked, say
from screens.way import choose, way


def page() -> None:
    """The page."""
    question = state.asked()
    if question.who is None:
        start(question)
        return
    with show.explained():
        result = state.blast(question)
        _head(result)
        drawing = st.container()
        chosen, steps = _reached(result, question)
        with drawing:
            _picture(result, chosen, steps)
        _others(result)
        exposure(question)
        with st.container(horizontal=True):
            st.download_button(say("Whole result as JSON"), lambda: show.as_json(result), "blast.json", "application/json", on_click="ignore")
            layer = Case(Path(question.folder)).layer
            st.download_button(
                say("Layer for the ATT&CK Navigator"), lambda: show.as_json(layer(result)), "hakyu-layer.json", "application/json", on_click="ignore",
            )  # fmt: skip


def _head(result: dict[str, Any]) -> None:
    seed, window = result["seeds"][0], result["window"]
    until = show.moment(window["until"]) or say("now")
    held = say("held from {start} until {until} (UTC)", start=show.moment(window["from"]), until=until)
    profile = say("profile {profile}", profile=words.profile(result["profile"], state.language()))
    show.title(seed["name"], f"{seed['key']} · {held} · {profile}", words.evidence(result["evidence"], state.language()))
    levels = evidence.matters(result)
    numbers = [
        (say(_many(row["kind"])), row["reached"], [words.note(words.brief(note), state.language()) for note in row["beside"]],
         say("nothing known to be missing"), evidence.by_level(row) if levels else [])
        for row in result["counts"]
    ]  # fmt: skip
    lasting = (say("Still held afterwards"), result["still_held"], (), say("by footholds that outlive the window"))
    show.cards([*numbers, lasting] if window["until"] else numbers)


def _many(kind: str) -> str:
    return {"Mailbox": "Mailboxes"}.get(kind, f"{kind}s")


def _sentence(result: dict[str, Any]) -> Any:
    names = {row["key"]: row["name"] for row in [*result["seeds"], *result["reached"]]}
    language = state.language()
    return lambda step: words.sentence(step, names, language)


def _picture(result: dict[str, Any], chosen: str | None, steps: list[dict[str, Any]]) -> None:
    st.subheader(say("How far it reaches"), anchor=False)
    page_, drawn = picture(result, chosen, say, _sentence(result), show.moment, steps)
    st.iframe(page_, height=HEIGHT, alt=say("Picture of what was reached, ring by ring"))
    st.caption(say("A ring is a step further from the start. The thick line is the way to the chosen node. Hover for the sentence, drag to move."))
    seeds = {seed["key"] for seed in result["seeds"]}
    total = len([row for row in result["reached"] if row["key"] not in seeds and row["same_as"] is None])
    if drawn < total:
        show.remark(say("{shown:,} of {total:,} reached nodes are drawn, the nearest first; the table has them all.", shown=drawn, total=total))


def _reached(result: dict[str, Any], question: Asked) -> tuple[str | None, list[dict[str, Any]]]:
    """The table of reached nodes and the way to the chosen one; its key, and the steps that are shown."""
    st.subheader(say("What was reached"), anchor=False)
    table, beside = st.columns([3, 2], gap="large")
    rows = [row for row in result["reached"] if row["same_as"] is None]  # a thing once, whatever names it has
    with table:
        _table(rows, _sentence(result), question)
    with beside:
        chosen = choose(result)
        steps = way(result, question, chosen, _sentence(result)) if chosen else []
        marks(question, next((row["way"] for row in rows if row["key"] == chosen), []))  # all ways are of what is allowed: records are of the one
    return chosen, steps


def _filtered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the kinds and levels that are chosen; nothing chosen: all."""
    kinds = {say(kind): kind for kind in dict.fromkeys(row["kind"] for row in rows)}
    levels = {show.signed(level, say(level)): level for level in evidence.LEVELS if any(row["evidence"] == level for row in rows)}
    with st.container(horizontal=True):
        kind = st.pills(say("Kind"), list(kinds), selection_mode="multi", key=f"kinds {state.language()}", label_visibility="collapsed")
        level = st.pills(say("Level"), list(levels), selection_mode="multi", key=f"levels {state.language()}", label_visibility="collapsed") if len(levels) > 1 else None
    some, seen = {kinds[word] for word in kind or kinds}, {levels[word] for word in level or levels}
    return [row for row in rows if row["kind"] in some and row["evidence"] in seen]


def _table(rows: list[dict[str, Any]], sentence: Any, question: Asked) -> None:
    chosen = _filtered(rows)
    shown = [
        row | {"kind": say(row["kind"]), "first": show.moment(row["first"]), "level": show.signed(row["evidence"], say(row["evidence"])),
               "way": "; ".join(sentence(step) for step in row["way"])}
        for row in chosen
    ]  # fmt: skip
    identity = f"reached {question} {sorted({row['kind'] for row in chosen})} {sorted({row['evidence'] for row in chosen})}"

    def pick() -> None:
        selection = st.session_state[identity]["selection"]
        picked = [*(row for row, _ in selection["cells"]), *selection["rows"]]
        new = [row for row in picked if row not in st.session_state.get("picked", ())] or picked  # a cell and a row may be marked
        st.session_state["picked"] = picked
        if new:
            st.session_state["node"] = shown[new[0]]["key"]

    headings = {
        "kind": say("Kind"), "name": say("Name"), "level": say("Level"), "first": say("First held (UTC)"), "hops": say("Steps"),
        "still_held": say("Still held"), "key": say("Key"),
    }  # fmt: skip
    show.table(shown, headings, key=identity, on_select=pick, selection_mode=["single-row", "single-cell"])
    st.caption(say("Click a row for the way to it."))
    columns = ["kind", "name", "key", "first", "hops", "still_held", "evidence", "way"]
    show.downloads("reached", shown, columns, (say("Download CSV"), say("Download JSON")), full=chosen)


def _others(result: dict[str, Any]) -> None:
    """What is not counted as reached, and belongs beside it."""
    ring, send, onward, passing = (result[name] for name in ("approachable", "writes_as", "forwards_to", "in_transit"))
    tabs = st.tabs([
        say("What logs cover"), say("The attacker elsewhere ({n:,})", n=len(result["elsewhere"])),
        say("Could be approached ({n:,})", n=len(ring)), say("May write as ({n:,})", n=len(send)),
        say("Held mail goes on to ({n:,})", n=len(onward)), say("Mail seen in passing ({n:,})", n=len(passing)),
    ])  # fmt: skip
    noisy = result["profile"].split(" ")[0] == "noisy"
    colleagues = (
        say("The noisy profile walks through whom it could approach: they are among what was reached.") if noisy
        else say("Colleagues who could be phished from what is held. They are not counted as reached; the noisy profile walks on through them.")
    )  # fmt: skip
    how = {"sentence": say("How"), "from": say("From (UTC)")}
    with tabs[0]:
        evidence.timeline(result)
    with tabs[1]:
        evidence.elsewhere(result)
    with tabs[2]:
        _listed("approachable", colleagues, ring, {"name": say("Name"), **how, "key": say("Key")})
    with tabs[3]:
        _listed("writes_as", say("Addresses that mail could be sent as."), send, {"address": say("Address"), **how})
    with tabs[4]:
        _listed("forwards_to", say("Addresses that mail of held mailboxes is forwarded to."), onward, {"address": say("Address"), **how})
    with tabs[5]:
        spans = [{"mailbox": row["mailbox"], "from": start, "until": until} for row in passing for start, until in row["spans"]]
        headings = {"mailbox": say("Mailbox"), "from": say("From (UTC)"), "until": say("Until (UTC)")}
        _listed("in_transit", say("Mailboxes whose passing mail could be read, without holding the mailbox itself."), spans, headings)


def _listed(name: str, note: str, rows: list[dict[str, Any]], headings: dict[str, str]) -> None:
    st.caption(note)
    if not rows:
        st.write(say("None."))
        return
    timed = [row | {time: show.moment(row[time]) for time in ("from", "until") if time in row} for row in rows]
    show.table(timed, headings)
    show.downloads(name, timed, list(headings), (say("Download CSV"), say("Download JSON")), full=rows)


if __name__ == "__main__":
    page()
