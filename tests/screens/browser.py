"""A real Streamlit server and a real Chromium whose every request to the outside fails and is noted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, sync_playwright

from tests.support.neo4j_server import free_port

SCRIPT = Path(__file__).resolve().parents[2] / "streamlit_app.py"
READY_SECONDS = 60
_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
_OWN = {"127.0.0.1", "localhost"}


def chromium() -> str:
    """Where Chromium is; without one the test is skipped, or fails where HAKYU_REQUIRE_CHROMIUM says that it must be there."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("HAKYU_REQUIRE_CHROMIUM") == "1":
            pytest.fail("HAKYU_REQUIRE_CHROMIUM=1, but there is no chromium on the path", pytrace=False)
        pytest.skip("there is no chromium on the path")
    return found


@contextmanager
def server(case: Path) -> Iterator[str]:
    """The address of the app, run as `hakyu app` runs it, on the case."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NEO4J_", "STREAMLIT_"))}
    environment |= {"HAKYU_CASE": str(case), "HOME": tempfile.gettempdir()}
    command = [sys.executable, "-m", "streamlit", "run", str(SCRIPT), "--server.port", str(port), "--server.headless", "true"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=SCRIPT.parent, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                assert answer.read() == b"ok"
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the app does not answer at {address}") from error
            time.sleep(0.1)


@dataclass
class Visit:
    """A page and what it did: requests to the outside, errors on its console, all that was asked of this machine."""

    page: Page
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Fail and note what is not of this machine."""
        context.route("**/*", self._route)
        self.page.on("websocket", lambda socket: self._note(socket.url))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _route(self, route: Route) -> None:
        if self._note(route.request.url):
            route.continue_()
        else:
            route.abort()

    def _note(self, url: str) -> bool:
        parts = urlsplit(url)
        own = parts.scheme in {"data", "blob", "about"} or parts.hostname in _OWN
        (self.inside if own else self.outside).append(url)
        return own

    def press(self, button: Locator) -> None:
        """Click until the button has had it: what moves or is drawn anew between the mouse's down and up takes no click, as on a busy machine."""
        for _ in range(5):
            button.evaluate("(it) => { window.had = false; it.addEventListener('click', () => { window.had = true; }, { once: true, capture: true }); }")
            button.click()
            if self.page.evaluate("window.had"):
                return
            self.settled()
        raise AssertionError("five clicks were lost")

    def settled(self) -> None:
        """Until the app has finished its run, and has begun no other."""
        for _ in range(2):
            self.page.wait_for_timeout(_BEGINS)
            self.page.wait_for_function(_SETTLED, timeout=120_000)


# Streamlit marks stale elements and shows its status while a run goes on. Synchronous: Playwright takes a promise, whatever it comes to, for a yes.
_SETTLED = """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
  && !document.querySelector('[data-testid="stSkeleton"]') && !document.querySelector('[data-stale="true"]')"""
_BEGINS = 250
"""Milliseconds: a run begins a moment after a click."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as tools:
        running = tools.chromium.launch(executable_path=chromium(), args=_ARGUMENTS)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def visit(running: Browser, address: str, width: int = 1400, height: int = 1000, locale: str = "en-GB") -> Iterator[Visit]:
    """The app's first page in a window of its own."""
    context = running.new_context(viewport={"width": width, "height": height}, locale=locale, service_workers="block")
    context.set_default_timeout(20_000)
    try:
        made = Visit(context.new_page())
        made.watch(context)
        made.page.goto(address)
        made.page.get_by_text("Compromised account" if locale.startswith("en") else "侵害されたアカウント", exact=True).wait_for(timeout=120_000)
        made.settled()
        yield made
    finally:
        context.close()
