"""How long a case's graph takes to make, to change and to read, on both engines: `python -m benchmarks.store`.

An organisation is made up (accounts, mailboxes, groups, rights, addresses) with as many edges as asked for, written into a case
as one load, and then measured; each number is the median of several runs. What to look at:

- *embedded, built anew* against *loads merged*: a new state costs both, whatever changed. The other way would be a copy of the last
  file, then the difference: *copy of the file* is the least that this costs, before anything is deleted, set or derived, and the
  loads have to be merged for it all the same.
- *Neo4j, first sync* against *Neo4j, few rows more*: only the difference is written there.

`--scale 0.02` is a quick run (under 20 s without Neo4j). Neo4j: NEO4J_URI (its database has to be empty), else Docker, else one from
Maven's jars; `--engines embedded` leaves it out.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from graphmodel.facts import FactBuffer
from graphmodel.ledger import Ledger
from graphmodel.merge import view
from graphmodel.store.embedded_store import EmbeddedStore
from graphmodel.store.port import Store
from graphmodel.view import View
from queries.catalogue import steps

SIZES = (100_000, 1_000_000)
FEW = 100
Row = tuple[str, int, float, int]  # what, edges, seconds (median), rows that it handled


def say(out: FactBuffer, edges: int, seed: int) -> None:
    """An organisation with about that many edges: 1 owner, 1 address, 1 membership and 7 rights a mailbox."""
    pick = random.Random(seed)  # noqa: S311 - made-up data, the same every time
    people = max(edges // 10, 20)
    for n in range(people):
        account, box = ("Account", f"upn:{seed}-{n}@nisc.example"), ("Mailbox", f"mailbox:{seed}-{n}@nisc.example")
        place = f"row {n + 2}"
        out.node(*account, place, name=f"person {n}", type="user")
        out.node(*box, place, name=f"person {n}", type="user", address=f"{seed}-{n}@nisc.example")
        out.edge("OWNS", account, box, place)
        out.edge("HAS_ADDRESS", box, ("Correspondent", f"smtp:{seed}-{n}@nisc.example"), place, type="primary")
        out.edge("MEMBER_OF", account, ("Group", f"group:{seed}-{n % (people // 10)}"), place)
        for _ in range(6):
            start = 1_640_000_000 + pick.randrange(50_000_000)
            out.edge("FULL_ACCESS", account, ("Mailbox", f"mailbox:{seed}-{pick.randrange(people)}@nisc.example"), place, valid_from=start)
        out.edge("FULL_ACCESS", ("Group", f"group:{seed}-{n % (people // 10)}"), box, place)


def load(ledger: Ledger, name: str, edges: int, seed: int) -> None:
    """Put such an organisation into a case."""
    with ledger.writing():
        staged = ledger.stage(name, f"{name}.csv", "made-up")
        say(staged.buffer, edges, seed)
        staged.finish(name=name, path=name, format="made-up", title="made up", sha256=name, bytes=0, read_at="2026-01-01T00:00:00+00:00")
        ledger.commit([staged])


def median(runs: int, work: Callable[[], Any], before: Callable[[], Any] = lambda: None) -> float:
    """Seconds that `work` takes; `before` is not counted."""
    found = []
    for _ in range(runs):
        before()
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return statistics.median(found)


def embedded(ledger: Ledger, folder: Path, runs: int) -> Iterator[Row]:
    """What the embedded engine takes."""
    whole = view(ledger)
    nodes, edges = whole.counts
    derivations = [step.derivation for step in steps()]
    yield "loads merged (facts to a view)", edges, median(runs, lambda: view(ledger)), nodes + edges
    graph = folder / "graph"

    def away() -> None:
        shutil.rmtree(graph, ignore_errors=True)

    yield "embedded, built anew: facts only", edges, median(runs, lambda: EmbeddedStore(graph).sync(whole, []), away), nodes + edges
    took = median(runs, lambda: EmbeddedStore(graph).sync(whole, derivations), away)
    store = EmbeddedStore(graph)
    made = store.steps().height
    yield "embedded, built anew: facts and steps", edges, took, nodes + edges + made
    file = graph / f"{whole.state}.lbug"
    size = file.stat().st_size

    def copy() -> None:
        shutil.copyfile(file, folder / "copy")
        with (folder / "copy").open("rb") as stream:
            os.fsync(stream.fileno())

    yield f"embedded, copy of the file ({size / 2**20:,.0f} MiB)", edges, median(runs, copy), 0
    yield from reads(store, edges, runs)
    store.close()


def reads(store: Store, edges: int, runs: int) -> Iterator[Row]:
    """What reading takes on either engine."""
    yield f"{store.engine}, read all steps", edges, median(runs, store.steps), store.steps().height
    yield f"{store.engine}, read all nodes", edges, median(runs, store.nodes), store.nodes().height
    one = "MATCH (a:Account)-[r:FULL_ACCESS]->(m:Mailbox {key: $key}) RETURN a.key AS account, r.valid_from AS since"
    key = store.read("MATCH (m:Mailbox) RETURN m.key AS key ORDER BY key LIMIT 1")["key"][0]
    yield f"{store.engine}, who may open one mailbox", edges, median(runs, lambda: store.read(one, {"key": key})), 0


def neo4j(ledger: Ledger, server: Any, runs: int) -> Iterator[Row]:
    """What Neo4j takes. The first sync is run once: emptying takes longer than filling."""
    from graphmodel.store.neo4j_store import Neo4jStore
    from tests.support.neo4j_server import wipe

    wipe(server)
    derivations = [step.derivation for step in steps()]
    whole = view(ledger)
    nodes, edges = whole.counts
    store = Neo4jStore(server.uri, server.username, server.password or "")
    took = median(1, lambda: store.sync(whole, derivations))
    made = store.steps().height
    yield "neo4j, first sync: facts and steps", edges, took, nodes + edges + made
    views = [_with_few(ledger, whole, n) for n in range(runs)]
    changing = iter(views)
    yield f"neo4j, {FEW} edges more or less, and all steps", edges, median(runs, lambda: store.sync(next(changing), derivations)), FEW + made
    yield from reads(store, edges, runs)
    store.close()
    wipe(server)


def _with_few(ledger: Ledger, whole: View, number: int) -> View:
    """The view with a few rights less, others each time."""
    rights = whole.edges["FULL_ACCESS"]
    fewer = rights.slice(0, number * FEW).vstack(rights.slice((number + 1) * FEW))
    return View(f"{ledger.state()}-{number}", whole.nodes, whole.edges | {"FULL_ACCESS": fewer})


@contextmanager
def a_server() -> Iterator[Any]:
    """A Neo4j, or the reason why there is none."""
    from tests.support.neo4j_server import Unavailable, running

    context = running()
    try:
        server = context.__enter__()
    except Unavailable as why:
        yield str(why)
        return
    try:
        yield server
    finally:
        context.__exit__(None, None, None)


def machine() -> str:
    """Kind of machine and versions, in one line."""
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in ("ladybug", "polars", "neo4j"))
    return f"{(names or [platform.machine()])[0]}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}, {versions}"


def show(row: Row) -> None:
    """One line of the table."""
    what, edges, seconds, rows = row
    rate = f"{rows / seconds:>13,.0f}" if rows else f"{'':>13}"
    print(f"{what:<52} {edges:>10,} {seconds:>10.3f} {rate}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help=f"share of {' and '.join(f'{n:,}' for n in SIZES)} edges")
    parser.add_argument("--runs", type=int, default=3, help="runs a number is the median of")
    parser.add_argument("--engines", choices=["both", "embedded", "neo4j"], default="both")
    options = parser.parse_args()
    print(machine())
    print(f"{'':<52} {'edges':>10} {'seconds':>10} {'rows/s':>13}")
    with tempfile.TemporaryDirectory(prefix="hakyu-bench-") as place:
        ledgers = []
        for size in SIZES:
            edges = max(int(size * options.scale), 1000)
            ledgers.append(Ledger(Path(place) / str(edges) / "case"))
            load(ledgers[-1], "organisation", edges, 1)
        if options.engines != "neo4j":
            for ledger in ledgers:
                for row in embedded(ledger, ledger.folder.parent, options.runs):
                    show(row)
        if options.engines != "embedded":
            with a_server() as server:
                if isinstance(server, str):
                    print(f"Neo4j: not measured: {server}")
                    return
                for ledger in ledgers:
                    for row in neo4j(ledger, server, options.runs):
                        show(row)


if __name__ == "__main__":
    main()
