"""One small case for all tests of the app; they read it only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from tests.screens import organisation

SCRIPT = Path(__file__).resolve().parents[2] / "streamlit_app.py"


@pytest.fixture(scope="session")
def small_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case of tests/screens/organisation.py."""
    return organisation.case(tmp_path_factory.mktemp("organisation"))


@pytest.fixture(scope="session")
def logged_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case with logs of tests/screens/organisation.py, nothing marked; tests read it only."""
    return organisation.case_with_logs(tmp_path_factory.mktemp("logged"))


def _as_a_browser_sends_it(box: Selectbox) -> WidgetState:
    """AppTest knows no `accept_new_options`: what was typed and is no option goes out as it is."""
    state = WidgetState()
    state.id = box.id
    if box.value is not None:
        state.string_value = box.format_func(box.value)
    return state


@pytest.fixture
def app(small_case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Starts the app on a case (default: the small one), in a folder that holds no other; nothing is cached."""
    for name in ("NEO4J_URI", "HAKYU_CASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Selectbox, "_widget_state", property(_as_a_browser_sends_it))
    monkeypatch.chdir(tmp_path)

    def start(folder: Path = small_case, **state: object) -> AppTest:
        monkeypatch.setenv("HAKYU_CASE", str(folder))
        st.cache_data.clear()
        test = AppTest.from_file(str(SCRIPT), default_timeout=120)
        for name, value in state.items():
            test.session_state[name] = value
        return test.run()

    return start
