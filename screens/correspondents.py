"""Whom the account discloses: external correspondents by country, by organisation, and one by one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from screens import evidence, show, state, words
from screens.start import start
from screens.state import say


def page() -> None:
    """The page."""
    question = state.asked()
    if question.who is None:
        start(question)
        return
    with show.explained():
        result = state.blast(question)
        told = result["disclosed"]
        _head(result, told)
        if not told["correspondents"]:
            show.remark(say("Nobody outside was disclosed by what was loaded."))
            return
        _by(told)
        _everyone(told["correspondents"])


def _head(result: dict[str, Any], told: dict[str, Any]) -> None:
    window, rest, passing = result["window"], told["at_rest"], told["in_transit"]
    until = show.moment(window["until"]) or say("now")
    held = say("held from {start} until {until} (UTC)", start=show.moment(window["from"]), until=until)
    show.title(
        say("External correspondents disclosed"), f"{result['seeds'][0]['name']} · {held}",
        say("Mail at rest: every message that lay in a held mailbox meanwhile, however old."),
    )  # fmt: skip
    labels = {"persons": "Persons", "addresses": "Addresses", "messages": "Messages", "organisations": "Organisations", "countries": "Countries"}
    numbers = [(say(label), rest[name], (), "") for name, label in labels.items()]
    show.cards([*numbers, (say("Country not known"), rest["of_unknown_country"], (), say("addresses"))])
    if told["beside"]:
        missing = "; ".join(words.note(note, state.language()) for note in told["beside"])
        show.remark(say("All these numbers may be too small: {missing}", missing=missing))
    st.caption(say("All messages at rest: {all_messages:,}, among them mail with {internal_addresses:,} addresses inside.", **rest))
    if passing["messages"]:
        said = "Only in transit: {persons:,} persons, {addresses:,} addresses, {messages:,} messages that no held mailbox disclosed."
        st.caption(say(said, **passing))
    levels = told["levels"]
    if levels["NOT OBSERVED"] != levels["POSSIBLE"] or levels["INDICATED"]["messages"]:
        with st.expander(say("By level of evidence"), expanded=True):
            evidence.disclosed(told)


def _by(told: dict[str, Any]) -> None:
    counted = {"persons": say("Persons"), "addresses": say("Addresses"), "messages": say("Messages")}
    left, right = st.columns([5, 6], gap="medium")
    with left:
        st.subheader(say("By country"), anchor=False)
        rows = [row | {"name": row["name"] if row["country"] else say("unknown")} for row in told["by_country"]]
        show.table(rows, {"name": say("Country"), **counted, "organisations": say("Organisations")}, height=300)
        show.downloads("by_country", told["by_country"], ["country", "name", *counted, "organisations"], _labels())
    with right:
        st.subheader(say("By organisation"), anchor=False)
        rows = [row | {"organisation": row["organisation"] or say("unknown"), "country": row["country"] or say("unknown")} for row in told["by_organisation"]]
        show.table(rows, {"organisation": say("Organisation"), "country": say("Country"), **counted}, height=300)
        show.downloads("by_organisation", told["by_organisation"], ["organisation", "country", *counted], _labels())


def _everyone(people: list[dict[str, Any]]) -> None:
    st.subheader(say("Everyone disclosed"), anchor=False)
    timed = [row | {name: show.moment(row[name]) for name in ("first", "last", "warned_at")} | {"country": row["country"] or say("unknown")} for row in people]
    headings = {
        "address": say("Address"), "name": say("Name"), "organisation": say("Organisation"), "country": say("Country"), "messages": say("Messages"),
        "warned_at": say("Told (UTC)"), "first": say("First (UTC)"), "last": say("Last (UTC)"), "category": say("Category"),
        "country_basis": say("Country known by"), "person": say("Person"), "mailboxes": say("In mailboxes"),
    }  # fmt: skip
    show.table(timed, headings)
    show.downloads("correspondents", timed, list(headings), _labels(), full=people)


def _labels() -> tuple[str, str]:
    return say("Download CSV"), say("Download JSON")


if __name__ == "__main__":
    page()
