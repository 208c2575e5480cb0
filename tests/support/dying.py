"""Processes that die in the middle of what they do, at a point that is counted: the same point every time.

A point is a call that changes something: a file made, renamed or removed (as the interpreter's audit events tell them), a table
written, a statement sent to an engine. Nothing in the project knows of them: they are put around it in the dying process only.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import ladybug
import neo4j
import polars as pl

from graphmodel.errors import HakyuError
from hakyu.case import Case
from tests.support.loads import Graph, difference

FILE_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate"}
CALLS = (
    (pl.DataFrame, "write_parquet"), (ladybug.Connection, "execute"), (neo4j.Transaction, "run"), (neo4j.Transaction, "commit"),
    (neo4j.Session, "run"),
)  # fmt: skip

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.dying", "graphmodel.store.neo4j_store"])


def in_a_process(work: Callable[..., None], *arguments: Any) -> tuple[int, Any]:
    """Run `work(send, *arguments)` in a fresh process: (its exit code, negative for a signal; what it sent, or None).

    The processes are forked from one that has loaded everything and started nothing.
    """
    process, hear = start(work, *arguments)
    try:
        said = hear.recv()
    except EOFError:
        said = None
    process.join()
    assert process.exitcode is not None
    return process.exitcode, said


def load_and_die(
    say: Connection, folder: Path, told: Mapping[str, str], files: list[Path], at: int | None, largest: int | None, parts: bool
) -> None:  # fmt: skip
    """Load files into a case; die before the point number `at`, or when a file grows over `largest` bytes. Sends how many points it passed.

    `parts`: on Neo4j, in many transactions instead of one.
    """
    case = Case(folder, told)
    if parts:
        case._open()._one_transaction = 0
    points = Points(at)
    points.instrument()
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest & -4096, largest & -4096))  # whole pages: half a page is a short write first
    case.load(files)
    points.point()
    say.send(points.passed)


class Points:
    """Counts points; dies before the one with the number `at`."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.passed = 0

    def point(self) -> None:
        """Something is about to be changed."""
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1

    def instrument(self) -> None:
        """Make every change of this process a point."""
        for owner, name in CALLS:
            self._wrap(owner, name)
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in FILE_EVENTS or (event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")):
            self.point()

    def _wrap(self, owner: type, name: str) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.point()
            return real(*arguments, **named)

        setattr(owner, name, call)


def look(say: Connection, folder: Path, told: Mapping[str, str], files: list[Path]) -> None:
    """Sends what is there as it was left, and after the files are loaded again: (ids, state or None, graph or None) twice."""
    case = Case(folder, told)
    found = []
    for again in (False, True):
        if again:
            case.load(files)
        store = case._open()
        state = store.state()
        graph: Graph | None = None if state is None else store.dump()
        found.append((case.ledger.ids(), state, graph))
    case.close()
    say.send(found)


def blast_again_and_again(say: Connection, folder: Path, told: Mapping[str, str], who: str, until: Path) -> None:
    """Ask for the blast radius of `who` until the file `until` is there; sends how often it was asked, and each answer by its state.

    Two different answers of one state are both sent.
    """
    case = Case(folder, told)
    answers: list[dict[str, Any]] = []
    asked = 0
    while not until.exists():
        found = case.blast(who, "2022-10-01", "2023-06-13") | {"engine": ""}
        asked += 1
        _count(until, asked)
        if found not in answers:
            answers.append(found)
    case.close()
    say.send((asked, answers))


def dump_again_and_again(say: Connection, folder: Path, told: Mapping[str, str], until: Path) -> None:
    """Read the whole graph until the file `until` is there; sends how often, and each graph that differs from the ones before."""
    case = Case(folder, told)
    graphs: list[Graph] = []
    asked = 0
    while not until.exists():
        graph = case._open().dump()
        asked += 1
        _count(until, asked)
        if all(difference(graph, known) for known in graphs):
            graphs.append(graph)
    case.close()
    say.send((asked, graphs))


def _count(until: Path, asked: int) -> None:
    """Say beside `until` how often was asked so far."""
    until.with_name("answered").write_text(str(asked), encoding="ascii")


def _answered(until: Path) -> int:
    path = until.with_name("answered")
    return int((path.read_text(encoding="ascii") if path.exists() else "") or 0)


def _wait_for_answers(until: Path, more: int) -> None:
    """Wait until the reader has answered `more` times from now on, however slow the machine is; not for ever, as it may have died."""
    wanted = _answered(until) + more
    for _ in range(5_000):
        if _answered(until) >= wanted:
            return
        time.sleep(0.02)


def load_each(say: Connection, folder: Path, told: Mapping[str, str], files: list[Path], until: Path) -> None:
    """Load one file after another, each when the reader has answered since the one before, then make the file `until`."""
    case = Case(folder, told)
    try:
        for file in files:
            _wait_for_answers(until, 1)
            case.load([file])
        _wait_for_answers(until, 2)  # the first may have begun before the last load ended
    finally:
        until.touch()
        case.close()


def sync_slowly(say: Connection, folder: Path, told: Mapping[str, str], files: list[Path], stop: Path, parts: bool) -> None:
    """Load files (`parts`: in many transactions); sends "holding" when the graph is being changed, and then waits until the file `stop` is there."""
    case = Case(folder, told)
    if parts:
        case._open()._one_transaction = 0

    def progress(text: str) -> None:
        if text.startswith("steps:") and not stop.exists():
            say.send("holding")
            while not stop.exists():
                time.sleep(0.02)

    try:
        case.load(files, progress=progress)
        say.send("done")
    except HakyuError as error:
        say.send(str(error))
    case.close()


def start(work: Callable[..., None], *arguments: Any) -> tuple[Any, Connection]:
    """Start `work(send, *arguments)` in a fresh process: the process, and where what it sends is heard."""
    hear, say = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=work, args=(say, *arguments))
    process.start()
    say.close()
    return process, hear
