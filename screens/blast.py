"""What the account could reach: numbers with what they lean on, the picture, the nodes, and the way to each of them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from hakyu.case import Case
from screens import show, state, words
from screens.picture import HEIGHT, picture
from screens.start import start
from screens.state import Asked, say

_LISTED = 5_000  # nodes in the list of ways; any other is chosen by its row


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
        chosen = _reached(result, question)
        with drawing:
            _picture(result, chosen)
        _others(result)
        st.download_button(say("Whole result as JSON"), lambda: show.as_json(result), "blast.json", "application/json", on_click="ignore")


def _head(result: dict[str, Any]) -> None:
    seed, window = result["seeds"][0], result["window"]
    until = show.moment(window["until"]) or say("now")
    held = say("held from {start} until {until} (UTC)", start=show.moment(window["from"]), until=until)
    show.title(seed["name"], f"{seed['key']} · {held} · {say('profile {profile}', profile=say(result['profile']))}", say(result["evidence"]))
    numbers = [
        (say(_many(row["kind"])), row["reached"], [words.note(words.brief(note), state.language()) for note in row["beside"]], say("nothing known to be missing"))
        for row in result["counts"]
    ]
    lasting = (say("Still held afterwards"), result["still_held"], (), say("by footholds that outlive the window"))
    show.cards([*numbers, lasting] if window["until"] else numbers)


def _many(kind: str) -> str:
    return {"Mailbox": "Mailboxes"}.get(kind, f"{kind}s")


def _sentence(result: dict[str, Any]) -> Any:
    names = {row["key"]: row["name"] for row in [*result["seeds"], *result["reached"]]}
    language = state.language()
    return lambda step: words.sentence(step, names, language)


def _picture(result: dict[str, Any], chosen: str | None) -> None:
    st.subheader(say("How far it reaches"), anchor=False)
    page_, drawn = picture(result, chosen, say, _sentence(result), show.moment)
    st.iframe(page_, height=HEIGHT, alt=say("Picture of what was reached, ring by ring"))
    st.caption(say("A ring is a step further from the start. The thick line is the way to the chosen node. Hover for the sentence, drag to move."))
    seeds = {seed["key"] for seed in result["seeds"]}
    total = len([row for row in result["reached"] if row["key"] not in seeds and row["same_as"] is None])
    if drawn < total:
        show.remark(say("{shown:,} of {total:,} reached nodes are drawn, the nearest first; the table has them all.", shown=drawn, total=total))


def _reached(result: dict[str, Any], question: Asked) -> str | None:
    """The table of reached nodes and the way to the chosen one, whose key it returns."""
    st.subheader(say("What was reached"), anchor=False)
    table, way = st.columns([3, 2], gap="large")
    rows = [row for row in result["reached"] if row["same_as"] is None]  # a thing once, whatever names it has
    sentence = _sentence(result)
    flat = [
        row | {"kind": say(row["kind"]), "first": show.moment(row["first"]), "way": "; ".join(sentence(step) for step in row["way"])} for row in rows
    ]
    with table:
        kinds = list(dict.fromkeys(row["kind"] for row in flat))
        wanted = st.pills(say("Kind"), kinds, selection_mode="multi", key=f"kinds {state.language()}", label_visibility="collapsed") or kinds
        shown = [row for row in flat if row["kind"] in wanted]
        identity = f"reached {question} {wanted}"

        def pick() -> None:
            selection = st.session_state[identity]["selection"]
            picked = [*(row for row, _ in selection["cells"]), *selection["rows"]]
            new = [row for row in picked if row not in st.session_state.get("picked", ())] or picked  # a cell and a row may be marked
            st.session_state["picked"] = picked
            if new:
                st.session_state["node"] = shown[new[0]]["key"]

        headings = {"kind": say("Kind"), "name": say("Name"), "first": say("First held (UTC)"), "hops": say("Steps"), "still_held": say("Still held"), "key": say("Key")}
        show.table(shown, headings, key=identity, on_select=pick, selection_mode=["single-row", "single-cell"])
        st.caption(say("Click a row for the way to it."))
        columns = ["kind", "name", "key", "first", "hops", "still_held", "evidence", "way"]
        show.downloads("reached", shown, columns, (say("Download CSV"), say("Download JSON")), full=rows)
    with way:
        return _way(result, question)


def _way(result: dict[str, Any], question: Asked) -> str | None:
    rows = {row["key"]: row for row in result["reached"] if row["same_as"] is None}
    if st.session_state.get("node") not in rows:
        st.session_state["node"] = max(rows.values(), key=lambda row: row["hops"])["key"] if rows else None
    options = list(rows)[:_LISTED]
    if st.session_state["node"] not in options and rows:
        options.append(st.session_state["node"])
    labels = {key: f"{rows[key]['name']} · {say(rows[key]['kind'])}" for key in options}
    chosen: str | None = st.selectbox(say("The way to"), options, key="node", filter_mode="contains", format_func=lambda key: labels.get(key, str(key)))
    if chosen is None:
        return None
    if not rows[chosen]["way"]:
        show.remark(say("Held from the start: the incident begins here."))
        return chosen
    facts = tuple(dict.fromkeys(fact for step in rows[chosen]["way"] for fact in step["because"]))
    places: dict[str, list[str]] = {}
    for row in state.where(question.folder, question.state, facts):
        places.setdefault(row["fact"], []).append(" · ".join(part for part in (row["source"], row["place"]) if part))
    known = {step.id: step for step in Case.steps()}
    sentence = _sentence(result)
    show.steps([(sentence(step), f"{show.moment(step['at'])} UTC", _places(step, places), _closes(known, step)) for step in rows[chosen]["way"]])
    return chosen


def _places(step: dict[str, Any], places: dict[str, list[str]]) -> list[str]:
    found = [place for fact in step["because"] for place in places.get(fact, [say("derived from other facts")])]
    return list(dict.fromkeys(place or say("derived from other facts") for place in found))


def _closes(known: dict[str, Any], step: dict[str, Any]) -> str:
    if step["rule"] not in known:
        return step["rule"]  # type: ignore[no-any-return]
    rule = known[step["rule"]]
    said = [rule.number, *rule.attack, say("closes with: {text}", text=say(rule.closes_with))]
    return " · ".join([*said, say("survives a password reset")] if rule.survives_reset else said)


def _others(result: dict[str, Any]) -> None:
    """What is not counted as reached, and belongs beside it."""
    ring, send, onward, passing = (result[name] for name in ("approachable", "writes_as", "forwards_to", "in_transit"))
    tabs = st.tabs([
        say("Could be approached ({n:,})", n=len(ring)), say("May write as ({n:,})", n=len(send)),
        say("Held mail goes on to ({n:,})", n=len(onward)), say("Mail seen in passing ({n:,})", n=len(passing)),
    ])  # fmt: skip
    noisy = result["profile"] == "noisy"
    colleagues = (
        say("The noisy profile walks through whom it could approach: they are among what was reached.") if noisy
        else say("Colleagues who could be phished from what is held. They are not counted as reached; the noisy profile walks on through them.")
    )  # fmt: skip
    how = {"sentence": say("How"), "from": say("From (UTC)")}
    with tabs[0]:
        _listed("approachable", colleagues, ring, {"name": say("Name"), **how, "key": say("Key")})
    with tabs[1]:
        _listed("writes_as", say("Addresses that mail could be sent as."), send, {"address": say("Address"), **how})
    with tabs[2]:
        _listed("forwards_to", say("Addresses that mail of held mailboxes is forwarded to."), onward, {"address": say("Address"), **how})
    with tabs[3]:
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
