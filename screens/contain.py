"""What closes it: single actions, pairs, a plan; cuts for what matters most, what survives a reset, and the order of the clean-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from screens import show, state, words
from screens.start import start
from screens.state import Asked, say

_SHOWN = 200  # nodes in the list of targets are all that were reached; rows of other tables
_LISTED = 5_000


def page() -> None:
    """The page."""
    question = state.asked()
    if question.who is None:
        start(question)
        return
    with show.explained():
        top = st.container()
        at, targets = _asked(question)
        done = tuple(st.session_state.get(_key(question), ()))
        found = state.contain(question, at, targets, done)
        with top:
            _title(found)
        _head(found)
        _actions(found, question)
        _plan(found)
        _targets(found["targets"])
        _survives(found["survives"])
        _order(found["plan"])
        st.download_button(say("Whole result as JSON"), lambda: show.as_json(found), "contain.json", "application/json", on_click="ignore")


def _key(question: Asked) -> str:
    return f"done {question.who} {question.start} {question.until} {question.profile} {question.without}"


def _act(action: Mapping[str, Any]) -> str:
    return words.action(action["text"], state.language())


# -- what is asked -----------------------------------------------------------------------------------------------------


def _asked(question: Asked) -> tuple[str | None, tuple[str, ...]]:
    """When the clean-up begins, and what matters most."""
    rows = [row for row in state.blast(question)["reached"] if row["same_as"] is None][:_LISTED]
    names = {row["key"]: f"{row['name']} · {say(row['kind'])}" for row in rows}
    with st.form(f"contain {question}", border=True):
        left, right = st.columns([1, 3])
        limits: dict[str, Any] = {"min_value": datetime(1990, 1, 1), "max_value": datetime(2100, 1, 1)}  # noqa: DTZ001 - the field knows no zone
        default = datetime.fromisoformat(question.until).replace(tzinfo=None) if question.until else None
        at = left.datetime_input(say("Clean-up begins (UTC)"), default, key=f"at {_key(question)}", step=60, format="YYYY-MM-DD", **limits)
        targets = right.multiselect(
            say("What matters most: find the least that takes these from the attacker"), list(names), key=f"targets {question.state} {_key(question)}",
            format_func=lambda key: names.get(key, key), placeholder=say("Choose among what was reached"), filter_mode="contains",
        )  # fmt: skip
        st.form_submit_button(say("Work out"))
    return (None if at is None or at == default else at.replace(tzinfo=UTC).isoformat()), tuple(targets)


def _title(found: Mapping[str, Any]) -> None:
    seed, window = found["seeds"][0], found["window"]
    until = show.moment(window["until"]) or say("now")
    held = say("held from {start} until {until} (UTC)", start=show.moment(window["from"]), until=until)
    cleaned = say("cleaned from {at} on (UTC)", at=show.moment(found["at"]))
    show.title(say("What closes it: {name}", name=seed["name"]), f"{held} · {cleaned} · {words.profile(found['profile'], state.language())}",
               say("All that is allowed counts, whatever logs say. Everything is worked out on copies: nothing is changed."))  # fmt: skip


def _head(found: Mapping[str, Any]) -> None:
    left = found["left"]["things"]
    show.cards([
        (say("Held then"), found["things"], (), _kinds(found["held"])),
        (say("In its own right"), len(found["lasting"]), (), say("to be cleaned each")),
        (say("Left after the ticked actions"), left, (), _kinds(found["left"]["by_kind"])),
    ])  # fmt: skip
    with st.expander(say("Held in its own right ({n:,})", n=len(found["lasting"]))):
        st.caption(say("The start, and what a foothold gained and nobody cleaned. All else is held through these."))
        _nodes(found["lasting"])


def _kinds(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{say(kind)} {n:,}" for kind, n in counts.items()) or say("nothing")


def _nodes(rows: Sequence[Mapping[str, Any]]) -> None:
    shown = [{**row, "kind": say(row["kind"])} for row in rows[:_SHOWN]]
    show.table(shown, {"kind": say("Kind"), "name": say("Name"), "key": say("Key")})


# -- what can be done --------------------------------------------------------------------------------------------------


def _actions(found: Mapping[str, Any], question: Asked) -> None:
    st.subheader(say("What single actions take"), anchor=False)
    st.caption(say("Exact: each was tried. Tick what is done, or planned, and see what is left; the gains of the others follow."))
    rows = [*found["done"], *(one for one in found["actions"] if one["id"] not in {done["id"] for done in found["done"]})]
    if not rows:
        st.write(say("None."))
        return
    done = {one["id"] for one in found["done"]}
    with st.form(f"actions {sorted(done)}", border=False):
        ticked = [one["id"] for one in rows if st.checkbox(_label(one), one["id"] in done, key=f"do {one['id']} {sorted(done)} {state.language()}")]
        if st.form_submit_button(say("Show what is left"), type="primary"):
            st.session_state[_key(question)] = ticked
            st.rerun()
    _downloads("actions", [one | {"text": _act(one)} for one in rows], rows)
    if done:
        _left(say("Left after the ticked actions"), found["left"])


def _label(action: Mapping[str, Any]) -> str:
    """One line; the text holds names from the data and is shown as it is."""
    takes = say("takes {n:,}", n=action["gain"]) if "gain" in action else say("ticked")
    lasting = f" · {say('survives a password reset')}" if action["survives_reset"] else ""
    return f"**{takes}** · {say('cost {n}', n=format(action['cost'], 'g'))}{lasting} · {show.code(_act(action))}"


def _downloads(name: str, rows: Sequence[Mapping[str, Any]], full: Any) -> None:
    given = [{"gain": None} | dict(one) for one in rows]
    show.downloads(name, given, ["gain", "cost", "what", "text", "rule", "node", "survives_reset", "id"], (say("Download CSV"), say("Download JSON")), full=full)


def _left(title: str, left: Mapping[str, Any]) -> None:
    st.markdown(f"**{title}**: {left['things']:,} ({_kinds(left['by_kind'])})")
    if not left["nodes"]:
        return
    language = state.language()
    rows = [
        {"kind": say(one["kind"]), "name": one["name"], "way": "; ".join(words.said(step, language) for step in one["way"]) or say("held in its own right")}
        for one in left["nodes"]
    ]  # fmt: skip
    show.table(rows, {"kind": say("Kind"), "name": say("Name"), "way": say("By this way")}, height=260)
    if left["things"] > len(rows):
        st.caption(say("The first {n:,} are listed.", n=len(rows)))


def _plan(found: Mapping[str, Any]) -> None:
    greedy, pairs = found["greedy"], found["pairs"]
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(say("One after another"), anchor=False)
        said = "Greedy: these {n:,} take {gain:,} of {things:,} things; as many others can take {bound:,} at most ({how})."
        st.caption(say(said, n=len(greedy["actions"]), gain=greedy["gain"], things=found["things"], bound=greedy["bound"], how=say(greedy["bound_by"])))
        rows = [{"gain": one["gain"], "cost": one["cost"], "text": _act(one)} for one in greedy["actions"]]
        if rows:
            show.table(rows, {"gain": say("Takes"), "cost": say("Cost"), "text": say("Action")})
            _downloads("greedy", [one | {"text": _act(one)} for one in greedy["actions"]], greedy)
    with right:
        st.subheader(say("Pairs"), anchor=False)
        if pairs is None:
            show.remark(say("Too many actions to try all pairs. Switch off steps that do not matter."))
            return
        st.caption(say("Exact: those that take more together than both alone, as two parallel ways do."))
        if not pairs:
            st.write(say("None."))
            return
        both = [{"gain": pair["gain"], "first": _act(pair["actions"][0]), "second": _act(pair["actions"][1])} for pair in pairs]
        show.table(both, {"gain": say("Takes"), "first": say("Action"), "second": say("And")})
        show.downloads("pairs", both, ["gain", "first", "second"], (say("Download CSV"), say("Download JSON")), full=pairs)


# -- cuts, what survives, the order ------------------------------------------------------------------------------------


def _targets(targets: Sequence[Mapping[str, Any]]) -> None:
    if not targets:
        return
    st.subheader(say("What takes these from the attacker"), anchor=False)
    for target in targets:
        show.lead(f"{target['name']} · {say(target['kind'])}")
        if not target["possible"]:
            show.remark(say("No set of these actions takes it from the attacker."))
        elif not target["actions"]:
            st.write(say("It is not held then."))
        else:
            cost = format(target["cost"], "g")
            sure = say("The cheapest set, at cost {cost}.", cost=cost) if target["least"] else say(
                "A set that does it, at cost {cost}; the cheapest costs at least {lower}.", cost=cost, lower=format(target["lower"], "g"))  # fmt: skip
            tried = say("Tried by walking again: it holds.") if target["verified"] else say("Tried by walking again: it does not hold.")
            st.caption(f"{sure} {tried}")
            show.table([{"cost": one["cost"], "text": _act(one)} for one in target["actions"]], {"cost": say("Cost"), "text": say("Action")})
    flat = [one | {"target": target["key"], "text": _act(one)} for target in targets for one in target["actions"]]
    show.downloads("cuts", flat, ["target", "cost", "what", "text", "id"], (say("Download CSV"), say("Download JSON")), full=targets)


def _survives(survives: Mapping[str, Any]) -> None:
    st.subheader(say("What survives a password reset"), anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        _left(say("Of the start alone"), survives["start"])
    with right:
        _left(say("Of every account that is held"), survives["accounts"])


def _order(plan: Mapping[str, Any]) -> None:
    st.subheader(say("The order of the clean-up"), anchor=False)
    st.caption(say("Stage by stage, so that nobody comes back in; what has one number is done at once."))
    rows = [
        {"stage": n, "do": words.action(one["do"], state.language()), "kind": say(one["kind"]), "key": one["key"]}
        for n, stage in enumerate(plan["stages"], 1) for one in stage
    ]  # fmt: skip
    if rows:
        show.table(rows, {"stage": say("No."), "do": say("Action"), "kind": say("Kind"), "key": say("Key")})
        show.downloads("order", rows, ["stage", "do", "kind", "key"], (say("Download CSV"), say("Download JSON")), full=plan)
    show.lead(say("Tried: in this order {n:,} things are left; comes back: {who}.", n=plan["left"], who=_named(plan["came_back"])))
    wrong = plan["wrong_order"]
    if wrong["came_back"]:
        show.remark(say("The other way round {n:,} things are left; taken again: {who}.", n=wrong["left"], who=_named(wrong["came_back"])))


def _named(nodes: Sequence[Mapping[str, Any]], most: int = 8) -> str:
    names = ", ".join(str(one["name"]) for one in nodes[:most])
    more = say("{n:,} more", n=len(nodes) - most) if len(nodes) > most else ""
    return ", ".join(part for part in (names, more) if part) or say("nobody")


if __name__ == "__main__":
    page()
