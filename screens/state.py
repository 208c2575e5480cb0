"""What is asked: case, account, window, profile and language; and the answers, kept for as long as the case stays the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from graphmodel.ledger import Manifest
from hakyu.case import DEFAULT_PROFILE, PROFILES, Case
from screens import show, words
from screens.words import LANGUAGES, translate

_LISTED = 5_000  # accounts in the list; a browser is slow with more, and any other can be typed
_PROFILE_WORDS = {"rights": "What configured rights allow", "quiet": "Also credentials and sessions", "noisy": "Also phishing from held mailboxes"}
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Asked:
    """The question: `folder` of the case; `who` None as long as nobody is chosen; times ISO 8601 in UTC, `until` None: still held.

    `without`: ids of steps that are not walked.
    """

    folder: str
    state: str
    who: str | None
    start: str
    until: str | None
    profile: str
    without: tuple[str, ...] = ()


def language() -> str:
    """`en` or `ja`."""
    return str(st.session_state.get("language", "en"))


def say(text: str, /, **values: object) -> str:
    """A text of the app in the chosen language."""
    return translate(text, language(), **values)


def asked() -> Asked:
    """What the sidebar says."""
    found: Asked = st.session_state["asked"]
    return found


# -- answers: a Case a call, since a graph's connection is not shared between threads. `state` only tells answers apart. ------


@contextmanager
def _open(folder: str) -> Iterator[Case]:
    case = Case(Path(folder))
    try:
        yield case
    finally:
        case.close()


def blast(question: Asked) -> dict[str, Any]:
    """The blast radius of the question (`who` must be chosen)."""
    with st.spinner(say("Working…")):
        return _blast(question)


def curve(question: Asked) -> dict[str, Any]:
    """Exposure over dwell."""
    with st.spinner(say("Working…")):
        return _curve(question)


def rank(question: Asked) -> dict[str, Any]:
    """Every account by what it could reach; whom the question is about does not matter."""
    with st.spinner(say("Working…")):
        return _rank(replace(question, who=None))


def ways(question: Asked, to: str) -> dict[str, Any]:
    """Every step on some way to a node (its key)."""
    with st.spinner(say("Working…")):
        return _ways(question, to)


def contain(question: Asked, at: str | None, targets: tuple[str, ...], done: tuple[str, ...]) -> dict[str, Any]:
    """What closes it, from `at` on (None: the end of the window, or now)."""
    with st.spinner(say("Working…")):
        return _contain(question, at, targets, done)


def _window_of(question: Asked) -> tuple[str, str | None, str, tuple[str, ...]]:
    return question.start, question.until, question.profile, question.without


@st.cache_data(show_spinner=False, max_entries=8)
def _blast(question: Asked) -> dict[str, Any]:
    with _open(question.folder) as case:
        return case.blast(question.who or "", *_window_of(question))


@st.cache_data(show_spinner=False, max_entries=8)
def _curve(question: Asked) -> dict[str, Any]:
    with _open(question.folder) as case:
        return case.curve(question.who or "", *_window_of(question))


@st.cache_data(show_spinner=False, max_entries=4)
def _rank(question: Asked) -> dict[str, Any]:
    with _open(question.folder) as case:
        return case.rank(*_window_of(question))


@st.cache_data(show_spinner=False, max_entries=16)
def _ways(question: Asked, to: str) -> dict[str, Any]:
    with _open(question.folder) as case:
        return case.ways(question.who or "", to, *_window_of(question))


@st.cache_data(show_spinner=False, max_entries=16)
def _contain(question: Asked, at: str | None, targets: tuple[str, ...], done: tuple[str, ...]) -> dict[str, Any]:
    with _open(question.folder) as case:
        return case.contain(question.who or "", *_window_of(question), at=at, targets=targets, done=done)


@st.cache_data(show_spinner=False, max_entries=64)
def records(folder: str, state: str, observations: tuple[str, ...]) -> list[dict[str, Any]]:
    """Log records by key: `observation, at, operation, ip, session, token, user_agent, app`."""
    with _open(folder) as case:
        return case.records(observations)


def mark(folder: str, kind: str, value: str, start: str | None, until: str | None, note: str) -> None:
    """Mark a sign of the attacker; every answer is another one from then on."""
    with st.spinner(say("Working…")), _open(folder) as case:
        case.mark(kind, value, start, until, note)


def forget(folder: str, id_: str) -> None:
    """Take a load out."""
    with st.spinner(say("Working…")), _open(folder) as case:
        case.forget(id_)


def writable(folder: str) -> bool:
    """Whether the case has a folder, where what an analyst decides is kept."""
    return Case(Path(folder)).ledger.exists


@st.cache_data(show_spinner=False, max_entries=256)
def where(folder: str, state: str, facts: tuple[str, ...]) -> list[dict[str, Any]]:
    """File and place of facts: `fact, source, place`."""
    with _open(folder) as case:
        return case.where(facts)


@st.cache_data(show_spinner=False, max_entries=4)
def subjects(folder: str, state: str) -> pl.DataFrame:
    """Everything an incident can begin at: `key, kind, name`, accounts first."""
    with _open(folder) as case:
        return case.subjects()


@st.cache_data(show_spinner=False, max_entries=4)
def examined(folder: str, state: str) -> dict[str, Any]:
    """What the graph holds, what the sources saw at any time, and what is ambiguous (hakyu/doctor.py)."""
    with _open(folder) as case:
        case.graph()  # its failure is the page's, not one problem among others
        return case.doctor()


@st.cache_data(show_spinner=False, max_entries=8)
def query(folder: str, state: str, name: str, given: dict[str, str]) -> pl.DataFrame:
    """Rows of a saved question."""
    with _open(folder) as case:
        return case.query(name, given)


@st.cache_data(show_spinner=False, max_entries=8)
def cypher(folder: str, state: str, text: str) -> pl.DataFrame:
    """Rows of one's own read-only Cypher."""
    with _open(folder) as case:
        return case.cypher(text)


def loads(folder: str) -> list[Manifest]:
    """What is in the case, by reading time."""
    return Case(Path(folder)).loads()


def refused(folder: str, id_: str) -> list[dict[str, str]]:
    """The refused rows of a load: `place, what, why`."""
    return Case(Path(folder)).refused(id_)


def _state(folder: str) -> str:
    """The state that answers are computed from: the graph's, as it lags behind the folder's while another process loads."""
    with _open(folder) as case:
        return str(case.graph().state())


# -- the sidebar ------------------------------------------------------------------------------------------------------------


def sidebar() -> None:
    """Case, account, window, profile and language: beside every page. A failure there is shown there and ends the run."""
    if "language" not in st.session_state:
        st.session_state["language"] = "ja" if str(st.context.locale or "").lower().startswith("ja") else "en"
    with st.sidebar:
        folder = _choose_case()
        question, below = st.container(), st.container()
        with below:
            st.radio(say("Language"), list(LANGUAGES), format_func=LANGUAGES.get, key="language", horizontal=True)
        with question, show.explained():
            state = _state(folder)
            st.session_state["asked"] = _question(folder, state)


def _choose_case() -> str:
    default = str(Case().folder)
    near = [str(path) for path in sorted(Path.cwd().glob("*.hakyu")) if (path / "state.json").is_file()]
    known = {Path(default).resolve()}
    options = [default, *(path for path in near if Path(path).resolve() not in known)]
    help_ = say("A case folder: choose one, or type its path.")
    chosen = st.selectbox(say("Case"), options, key="case", accept_new_options=True, help=help_, format_func=_short)
    return os.path.expanduser(chosen or default)  # noqa: PTH111 - a path as it was typed


def _short(path: str) -> str:
    return Path(path).name if Path(path).parent.resolve() == Path.cwd() else path


def _question(folder: str, state: str) -> Asked:
    people = subjects(folder, state)
    names = {key: f"{name} · {key}" if name and name != key else key for key, name in people.head(_LISTED).select("key", "name").iter_rows()}
    start, until = _window(examined(folder, state)["coverage"])
    with st.form("question", border=False):
        who = st.selectbox(
            say("Compromised account"), list(names), index=None, key=f"who {folder}", format_func=lambda key: names.get(key, key),
            placeholder=say("Name or address"), accept_new_options=True, filter_mode="contains",
        )  # fmt: skip
        if people.height > _LISTED:
            st.caption(say("The first {n:,} of {total:,} are listed; any other can be typed.", n=_LISTED, total=people.height))
        first = _moment(say("Held from (UTC)"), start, f"from {folder}")
        last = _moment(say("Held until (UTC)"), until, f"until {folder}")
        endless = st.checkbox(say("Still held: no end"), key=f"endless {folder}")
        profile, without = _profile()
        st.form_submit_button(say("Show"), type="primary", width="stretch")
    return Asked(folder, state, who or None, _iso(first), None if endless else _iso(last), profile, without)


def _profile() -> tuple[str, tuple[str, ...]]:
    """The profile, and the steps that are switched off."""
    # A browser keeps a choice by its label: in another language it is another widget, which begins with what was chosen.
    profiles = {name: say(name) for name in PROFILES}
    chosen = st.session_state.get("profile", DEFAULT_PROFILE)
    profile = st.radio(
        say("Profile"), PROFILES, PROFILES.index(chosen), key=f"profile {language()}", format_func=lambda name: profiles[name],
        captions=[say(_PROFILE_WORDS[name]) for name in PROFILES],
    ) or chosen  # fmt: skip
    st.session_state["profile"] = profile
    titles = {step.id: f"{step.number} {words.step_title(step, language())}" for step in Case.steps()}
    without = st.multiselect(
        say("Steps switched off"), list(titles), st.session_state.get("without", []), key=f"without {language()}",
        format_func=lambda id_: titles.get(id_, id_), placeholder=say("None: all of the profile"), filter_mode="contains",
    )  # fmt: skip
    st.session_state["without"] = without
    return profile, tuple(without)


def _moment(label: str, value: datetime, key: str) -> datetime:
    early, late = datetime(1990, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - the field knows no zone; its label says UTC
    found: datetime = st.datetime_input(label, value, key=key, min_value=early, max_value=late, step=60, format="YYYY-MM-DD")
    return found


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=UTC).isoformat()


def _window(coverage: list[dict[str, Any]]) -> tuple[datetime, datetime]:
    """The last year of the mail that was seen; where none was, the last year. Naive times in UTC."""
    seen = [row["last"] for row in coverage if row["what"] in {"mail headers", "message trace"} and row["last"]]
    now = datetime.now(UTC)
    end = min(datetime.fromisoformat(max(seen)), now) if seen else now  # a forged date may lie in the future
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=1)
    return midnight - _YEAR, midnight
