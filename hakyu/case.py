"""A case: the one place that joins loaders, facts, graph, queries and reach. Command line and app both call only this.

For example:

    case = Case(Path("case.hakyu"))
    case.load([Path("exports/")])
    case.blast("suzuki@example.jp", "2022-10-01", "2023-06-13")
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from graphmodel.derive import all_ambiguous
from graphmodel.errors import StoreError, UsageError
from graphmodel.facts import FactBuffer
from graphmodel.kinds import EDGES, NODES, STEP_COLUMNS
from graphmodel.ledger import CaseBusy, Ledger, Manifest, Staged
from graphmodel.merge import view
from graphmodel.store.embedded_store import EmbeddedStore
from graphmodel.store.port import Store
from graphmodel.times import DAY, from_iso, to_iso
from graphmodel.view import View
from hakyu import marks
from hakyu.loading import FileLine, LoadReport, load_one
from hakyu.who import find
from loaders import contact_list
from loaders.base import Options, Source
from loaders.registry import Format, formats
from loaders.sources import each_source, sources
from queries.catalogue import Saved, Step, attack_names, evidence, find_saved, saved, steps
from queries.profiles import BUILT_IN as PROFILES
from queries.profiles import DEFAULT as DEFAULT_PROFILE
from queries.profiles import profile as find_profile
from queries.run import ask, read
from reach.contacts import count_pairs
from reach.search import compiling
from reports.blast import blast
from reports.contain import Asked, contain
from reports.curve import curve
from reports.export.navigator import layer
from reports.found import Catalogue, Window
from reports.provenance import places
from reports.rank import ranking
from reports.ways import ways

DEFAULT_FOLDER = "case.hakyu"
Progress = Callable[[str], None]
T = TypeVar("T")
_TRIES = 5


def _silent(_: str) -> None:
    return None


class Case:
    """A case folder and its graph (embedded, or Neo4j where NEO4J_URI is set)."""

    def __init__(self, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self.folder = folder or Path(self._environment.get("HAKYU_CASE", DEFAULT_FOLDER))
        self.ledger = Ledger(self.folder)
        self.reading: tuple[Source, FactBuffer] | None = None
        """What `load` reads just now, for whoever shows how far it is."""
        self._store: Store | None = None

    # -- the graph -----------------------------------------------------------------------------------------------------

    def _open(self) -> Store:
        if self._store is None:
            if uri := self._environment.get("NEO4J_URI"):
                from graphmodel.store.neo4j_store import Neo4jStore  # noqa: PLC0415 - the driver is only loaded where it is used

                user = self._environment.get("NEO4J_USERNAME", "neo4j")
                password = self._environment.get("NEO4J_PASSWORD", "")
                self._store = Neo4jStore(uri, user, password, self._environment.get("NEO4J_DATABASE") or None)
            else:
                self._store = EmbeddedStore(self.folder / "graph")
        return self._store

    def _wanted(self) -> str:
        """The state the graph should have: the loads, the model and the step files."""
        texts = "".join(f"{s.id}\x00{s.cypher}\x01" for s in steps()) + repr((NODES, EDGES, STEP_COLUMNS))
        return hashlib.sha256(f"{self.ledger.state()}{texts}".encode()).hexdigest()[:16]

    def graph(self, progress: Progress = _silent) -> Store:
        """The graph at the case's state: brought there first when it lags behind (a crash, a new step file).

        Without a case folder a Neo4j graph is taken as it is. While another process loads, the last whole state is used.
        """
        store = self._open()
        if not self.ledger.exists:
            if store.engine == "embedded":
                raise UsageError(f"{self.folder}: no case there; `hakyu load PATH…` begins one, `hakyu demo` makes an example")
            return store
        if store.state() != self._wanted():
            try:
                with self.ledger.writing():
                    self._sync(store, progress)
            except CaseBusy:
                if store.state() is None:
                    raise
        return store

    def _of_one_state(self, work: Callable[[Store], T]) -> T:
        """An answer of several questions, all of one state: asked again when another process changed the graph meanwhile."""
        for _ in range(_TRIES):
            store = self.graph()
            before = store.state()
            try:
                answer = work(store)
            except Exception:
                if store.state() == before:
                    raise
                continue
            if store.state() == before:
                return answer
        raise StoreError(f"{self.folder}: the graph keeps changing; try again")

    def _sync(self, store: Store, progress: Progress) -> Any:
        progress("merging loads")
        return store.sync(view(self.ledger, self._wanted()), [s.derivation for s in steps()], progress)

    def rebuild(self, progress: Progress = _silent) -> Any:
        """Make the graph anew from the loads, whatever it holds now: it was damaged, or changed by hand."""
        store = self._open()
        with self.ledger.writing():
            store.sync(View("emptied", {}, {}), [], progress)
            return self._sync(store, progress)

    def close(self) -> None:
        """Let go of the graph."""
        if self._store is not None:
            self._store.close()
            self._store = None

    # -- what goes in --------------------------------------------------------------------------------------------------

    def load(self, paths: Sequence[Path], options: Options | None = None, progress: Progress = _silent) -> LoadReport:
        """Recognise and load files and folders, all in one job: each file whole or not at all.

        Raises UsageError for a path that is not there, StoreError when the case is busy or the graph cannot be synced.
        """
        options = options or Options()
        now = datetime.now(UTC)
        believed = replace(options, now=options.now or int(now.timestamp()))
        for path in paths:
            if not path.exists():
                raise UsageError(f"{path}: no such file or folder")
        with self.ledger.writing():
            if options.secrets and not options.salt:
                believed = replace(believed, salt=self._salt())
            lines: list[FileLine] = []
            staged: dict[str, tuple[Staged, Manifest]] = {}
            for source in (found for path in paths for found in each_source(path)):
                progress(f"reading {source.name}")
                lines.append(load_one(self.ledger, source, believed, now.isoformat(timespec="seconds"), staged, self._reads))
                self.reading = None
            self.ledger.commit([load for load, _ in staged.values()])
            if not self.ledger.ids():
                return LoadReport(lines, self.ledger.state())
            report = self._sync(self._open(), progress)
        return LoadReport(lines, report.state, report.nodes, report.edges, report.steps)

    def _reads(self, source: Source, buffer: FactBuffer) -> None:
        self.reading = (source, buffer)

    def _salt(self) -> str:
        """What fingerprints of credentials are made with: the case's own, so that no table of known passwords helps."""
        path = self.folder / "salt"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(16), encoding="ascii")
        return path.read_text(encoding="ascii")

    def demo(self, folder: Path, progress: Progress = _silent) -> dict[str, Any]:
        """Write a made-up organisation's exports into `folder`, load them; `folder`, and the `blast` of its story."""
        from hakyu.demo import run  # noqa: PLC0415 - it calls this class

        return run(self, folder, progress)

    def loads(self) -> list[Manifest]:
        """What is in the case, by reading time."""
        return self.ledger.manifests()

    def refused(self, id_: str) -> list[dict[str, str]]:
        """The refused rows of a load (`place, what, why`); `id_` may be shortened."""
        matches = [known for known in self.ledger.ids() if known.startswith(id_)]
        if len(matches) != 1:
            raise UsageError(f"{id_!r} names {len(matches)} loads; `hakyu loads` lists them")
        return [asdict(row) for row in self.ledger.refused(matches[0])]

    def forget(self, id_: str, progress: Progress = _silent) -> Manifest:
        """Take a load out; the graph becomes the one that never had it."""
        with self.ledger.writing():
            manifest = self.ledger.forget(id_)
            self._sync(self._open(), progress)
        return manifest

    def mark(self, kind: str, value: str, start: str | None = None, until: str | None = None, note: str = "", progress: Progress = _silent) -> Manifest:
        """Mark a sign of the attacker (`ip`, `session`, `token`, `user agent`, `app` …): records that fit it count as the attacker's.

        Valid in `[start, until)`, ISO 8601; without them always. `forget` takes it back. Raises UsageError.
        """
        with self.ledger.writing():
            times = [from_iso(time) if time else None for time in (start, until)]
            load, manifest = marks.stage(self.ledger, kind, value, times[0], times[1], note)
            self.ledger.commit([load])
            self._sync(self._open(), progress)
        return manifest

    # -- what can be read, done and asked ------------------------------------------------------------------------------

    @staticmethod
    def formats() -> tuple[Format, ...]:
        """The formats that can be loaded."""
        return formats()

    @staticmethod
    def steps() -> tuple[Step, ...]:
        """The attack steps."""
        return steps()

    def derive(self, progress: Progress = _silent) -> dict[str, Any] | None:
        """Bring the graph to the case's state where it is behind (a step file changed, the graph lost, a load interrupted); None: no case.

        `state`, `changed`, and rule -> steps of those that were derived anew (`derived`) and of those whose steps stayed (`kept`).
        Raises CaseBusy while somebody else changes the case, StoreError.
        """
        if not self.ledger.exists:
            return None
        store, derived, changed = self._open(), frozenset[str](), False
        if store.state() != self._wanted():
            with self.ledger.writing():
                report = self._sync(store, progress)
            derived, changed = report.derived, report.changed
        counted = {step.id: 0 for step in steps()} | store.rules()
        kept = {rule: count for rule, count in counted.items() if rule not in derived}
        return {"state": store.state(), "changed": changed, "derived": {rule: counted[rule] for rule in counted if rule in derived}, "kept": kept}

    @staticmethod
    def queries() -> tuple[Saved, ...]:
        """The saved questions."""
        return saved()

    def query(self, name: str, given: Mapping[str, str] | None = None) -> pl.DataFrame:
        """Rows of a saved question."""
        return ask(self.graph(), find_saved(name), dict(given or {}))

    def cypher(self, text: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Rows of one's own read-only Cypher."""
        return self.graph().read(text, parameters)

    def _asked(self, start: str, until: str | None, profile: str, without: Sequence[str]) -> tuple[Window, Catalogue]:
        """The window and what is walked in it. Raises UsageError."""
        window = Window(from_iso(start), from_iso(until) if until else None)
        if window.until is not None and window.until <= window.start:
            raise UsageError(f"the window ends ({until}) before it begins ({start})")
        cache = self.folder / "projection" if self.ledger.exists else None
        return window, Catalogue(steps(), evidence(), find_profile(profile, steps(), without), cache)

    @staticmethod
    def compiling(tell: Callable[[], None]) -> AbstractContextManager[None]:
        """Within it `tell` is called if and when the kernel has to be compiled, which takes some seconds on the first start."""
        return compiling(tell)

    def blast(
        self, who: str, start: str, until: str | None = None, profile: str = DEFAULT_PROFILE, without: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The blast radius of `who` (address, key or name), compromised from `start` until `until` (ISO 8601).

        `profile`: rights, quiet, noisy, or the path of a .toml file; `without`: ids of steps that are not walked.
        """
        window, catalogue = self._asked(start, until, profile, without)
        return self._of_one_state(lambda store: {"asked": who} | blast(store, catalogue, find(store, who), window))

    def curve(
        self, who: str, start: str, until: str | None = None, profile: str = DEFAULT_PROFILE, without: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Exposure over dwell, day by day, and what an earlier discovery would have saved; asked as `blast` is."""
        window, catalogue = self._asked(start, until, profile, without)
        now = int(datetime.now(UTC).timestamp())
        return self._of_one_state(lambda store: {"asked": who} | curve(store, catalogue, find(store, who), window, max(now, window.start + DAY)))

    def rank(self, start: str, until: str | None = None, profile: str = DEFAULT_PROFILE, without: Sequence[str] = ()) -> dict[str, Any]:
        """Every account by what it could reach in the window, exactly, by kind and level; and how many accounts reach each thing."""
        window, catalogue = self._asked(start, until, profile, without)
        return self._of_one_state(lambda store: ranking(store, catalogue, window))

    def ways(
        self, who: str, to: str, start: str, until: str | None = None, profile: str = DEFAULT_PROFILE, without: Sequence[str] = (), limit: int = 200
    ) -> dict[str, Any]:
        """Every step on some way in time from `who` to `to` (address, key or name), the shortest ways first; asked as `blast` is."""
        window, catalogue = self._asked(start, until, profile, without)
        return self._of_one_state(lambda store: {"asked": who} | ways(store, catalogue, find(store, who), find(store, to)[0], window, limit))

    def contain(
        self, who: str, start: str, until: str | None = None, profile: str = DEFAULT_PROFILE, without: Sequence[str] = (), *,
        at: str | None = None, targets: Sequence[str] = (), costs: Mapping[str, float] | None = None, done: Sequence[str] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """What closes it, from `at` on (the end of the window, or now): single actions, pairs, cuts for `targets`, what survives, an order.

        `costs`: by action, step or key; `done`: ids of actions that are taken as done. Nothing stored is changed.
        """
        window, catalogue = self._asked(start, until, profile, without)
        when = from_iso(at) if at else window.until or max(int(datetime.now(UTC).timestamp()), window.start + 1)
        if when < window.start:
            raise UsageError(f"the clean-up ({at}) is before the compromise ({start})")

        def work(store: Store) -> dict[str, Any]:
            keys = [find(store, target)[0] for target in targets]
            return {"asked": who} | contain(store, catalogue, find(store, who), window, Asked(when, keys, costs, done))

        return self._of_one_state(work)

    @staticmethod
    def contacts(path: Path, columns: Sequence[str] = (), undirected: bool = False) -> dict[str, Any]:
        """`nodes, contacts, static_pairs, time_respecting_pairs` of a published contact list, and `read`: how its columns were read."""
        found = contact_list.read(path, columns, undirected)
        return asdict(count_pairs(found.source, found.target, found.time)) | {"contacts": found.lines, "read": found.note}

    def layer(self, blast: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A layer for the ATT&CK Navigator: of all steps, or of a blast radius (the result of `blast`)."""
        return layer(steps(), blast)

    def where(self, facts: Sequence[str]) -> list[dict[str, Any]]:
        """File and place of facts: `fact, source, place`; a derived fact leads to those that carry it."""
        return places(self.graph(), facts, self.ledger.stated)

    def records(self, observations: Sequence[str]) -> list[dict[str, Any]]:
        """Log records by key: `observation, at, operation, ip, session, token, user_agent, app`, by time; `at` ISO 8601."""
        rows = read(self.graph(), "records", keys=list(observations)).sort("at", "observation").to_dicts()
        return [row | {"at": to_iso(row["at"])} for row in rows]

    def subjects(self) -> pl.DataFrame:
        """Everything an incident can begin at: `key, kind, name`, accounts first."""
        order = {kind: i for i, kind in enumerate(("Account", "Mailbox", "Server", "App", "Secret"))}
        found = self.graph().nodes().filter(pl.col("kind").is_in(list(order)))
        return found.sort(pl.col("kind").replace_strict(order, return_dtype=pl.Int8), "name", "key")

    def doctor(self) -> dict[str, Any]:
        """What is installed, which engine answers, what the graph holds, what is missing or ambiguous."""
        from hakyu.doctor import examine  # noqa: PLC0415 - examines this class

        return examine(self)

    def ambiguous(self) -> list[str]:
        """Identities that could not be joined without guessing."""
        merged = view(self.ledger)
        return all_ambiguous(merged.nodes, merged.edges)

    def attack_version(self) -> str:
        """The ATT&CK version that the steps' ids are of."""
        return attack_names()[0]


__all__ = ["DEFAULT_PROFILE", "PROFILES", "Case", "FileLine", "LoadReport", "Options", "Step", "StoreError", "find", "sources"]
