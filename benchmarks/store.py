"""How long a case's graph takes to make, to change and to read, on both engines: `python -m benchmarks.store`.

An organisation is made up (accounts, mailboxes, groups, rights, addresses) with as many edges as asked for, written into a case
as one load, and then measured; each number is the median of several runs. What to look at:

- *embedded, built anew* against *embedded, 100 … more or less*: the last file is copied and changed, only rules that read what
  changed are derived. *Loads merged* comes on top of either.
- *steps derived and written* against *plain relationships*: as many of them, created by a query (CREATE) and copied in (COPY, which only the
  embedded engine has), without a property and with those that a right has.
- *projection* against *row by row*: what the kernel needs, by number, without and with the facts that carry the steps.

`--scale 0.02` is a quick run (under 20 s without Neo4j); `--only large` leaves out the smaller size. Neo4j (a million steps: HAKYU_NEO4J_HEAP=6g): NEO4J_URI (its database has to be empty), else Docker, else one from
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from graphmodel.facts import FactBuffer
from graphmodel.kinds import EDGES, Property
from graphmodel.ledger import Ledger
from graphmodel.merge import view
from graphmodel.store.embedded_build import columns
from graphmodel.store.embedded_store import EmbeddedStore, _writing
from graphmodel.store.port import Derivation, Store
from graphmodel.view import View, node_view_schema
from queries.catalogue import steps
from reports.projection import projection

SIZES = {"small": 111_110, "large": 1_111_110}
"""Edges, of which 100,000 and a million steps come."""
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


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
clock = CLOCKS["wall"]


def median(runs: int, work: Callable[[], Any], before: Callable[[], Any] = lambda: None) -> float:
    """Seconds that `work` takes; `before` is not counted."""
    found = []
    for _ in range(runs):
        before()
        begin = clock()
        work()
        found.append(clock() - begin)
    return statistics.median(found)


def embedded(ledger: Ledger, folder: Path, runs: int, short: bool) -> Iterator[Row]:
    """What the embedded engine takes. `short`: only steps beside plain relationships."""
    whole = view(ledger)
    nodes, edges = whole.counts
    derivations = [step.derivation for step in steps()]
    yield "loads merged (facts to a view)", edges, median(runs, lambda: view(ledger)), nodes + edges
    graph = folder / "graph"

    def away() -> None:
        shutil.rmtree(graph, ignore_errors=True)

    facts = median(runs, lambda: EmbeddedStore(graph).sync(whole, []), away)
    yield "embedded, built anew: facts only", edges, facts, nodes + edges
    took = median(runs, lambda: EmbeddedStore(graph).sync(whole, derivations), away)
    store = EmbeddedStore(graph)
    made = store.steps().height
    yield "embedded, built anew: facts and steps", edges, took, nodes + edges + made
    yield "embedded, steps derived and written (the difference)", edges, took - facts, made
    rights = list(EDGES["FULL_ACCESS"].columns)
    for what, by, properties in (("no property", "CREATE", []), ("no property", "COPY", []), ("a right's properties", "COPY", rights)):
        spent = median(runs, *plain(folder / "plain.lbug", whole, made, properties, by))
        yield f"embedded, plain relationships, {what}, {by}", edges, spent, made
    file = graph / f"{whole.state}.lbug"
    size = file.stat().st_size
    if short:
        return

    def copy() -> None:
        shutil.copyfile(file, folder / "copy")
        with (folder / "copy").open("rb") as stream:
            os.fsync(stream.fileno())

    yield f"embedded, copy of the file ({size / 2**20:,.0f} MiB)", edges, median(runs, copy), 0
    yield from reads(store, edges, runs)
    store.close()
    yield from small_loads(graph, whole, derivations, edges, runs)


def plain(path: Path, whole: View, wanted: int, properties: Sequence[Property], by: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """(COPY or CREATE of that many relationships between accounts and mailboxes, making the tables before it)."""
    rights = whole.edges["FULL_ACCESS"].filter(pl.col("from_label") == "Account")
    rights = pl.concat([rights] * (wanted // rights.height + 1)).head(wanted)
    rows = rights.select("from_key", "to_key", *(p.name for p in properties)).to_arrow()
    own = f", {columns(properties)}" if properties else ""
    open_ = ExitStack()

    def before() -> None:
        open_.close()
        path.unlink(missing_ok=True)
        writer = open_.enter_context(_writing(path, False))
        for label in ("Account", "Mailbox"):
            writer.execute(f"CREATE NODE TABLE `{label}`(key STRING, PRIMARY KEY(key))")
            writer.copy(label, whole.nodes[label].select("key").to_arrow())
        writer.execute(f"CREATE REL TABLE PLAIN(FROM Account TO Mailbox{own})")
        if by == "CREATE":
            writer.execute("CREATE REL TABLE THERE(FROM Account TO Mailbox)")
            writer.copy("THERE", rows)
        state.append(writer)

    state: list[Any] = []
    if by == "CREATE":
        return lambda: state[-1].execute("MATCH (a:Account)-[:THERE]->(m:Mailbox) CREATE (a)-[:PLAIN]->(m)"), before
    return lambda: state[-1].copy("PLAIN", rows), before


def small_loads(graph: Path, whole: View, derivations: Sequence[Derivation], edges: int, runs: int) -> Iterator[Row]:
    """What a new state takes that differs from the last one in a few rows."""
    kept = graph.with_name("kept")
    shutil.copytree(graph, kept)

    def back() -> None:
        shutil.rmtree(graph)
        shutil.copytree(kept, graph)

    def more(type_: str) -> View:
        rows = whole.edges[type_]
        added = rows.head(FEW).with_columns(pl.col("fact") + "x", pl.lit(5, dtype=pl.Int64).alias("valid_from"))
        return View("more", whole.nodes, whole.edges | {type_: pl.concat([rows, added]).sort("fact")})

    seen = pl.DataFrame([{"key": f"obs:log/{n}", "kind": "Observation"} for n in range(FEW)], schema=node_view_schema("Observation"))
    changed = {
        f"{FEW} log records more (no rule reads them)": View("more", whole.nodes | {"Observation": seen}, whole.edges),
        f"{FEW} memberships more": more("MEMBER_OF"),
        f"{FEW} rights more (most steps come of them)": more("FULL_ACCESS"),
        f"{FEW} rights less": View("less", whole.nodes, whole.edges | {"FULL_ACCESS": whole.edges["FULL_ACCESS"].slice(FEW)}),
    }
    for what, view_ in changed.items():
        yield f"embedded, {what}", edges, median(runs, lambda v=view_: EmbeddedStore(graph).sync(v, derivations), back), FEW  # type: ignore[misc]


def reads(store: Store, edges: int, runs: int) -> Iterator[Row]:
    """What reading takes on either engine."""
    yield f"{store.engine}, read all steps", edges, median(runs, store.steps), store.steps().height
    yield f"{store.engine}, projection: nodes and steps by number", edges, median(runs, store.projection), store.steps().height
    yield f"{store.engine}, the same row by row", edges, median(runs, lambda: row_by_row(store)), store.steps().height
    yield f"{store.engine}, projection with facts, as reports read it", edges, median(runs, lambda: projection(store, None)), store.steps().height
    yield f"{store.engine}, the same row by row", edges, median(runs, lambda: row_by_row(store, ", r.because")), store.steps().height
    yield f"{store.engine}, read all nodes", edges, median(runs, store.nodes), store.nodes().height
    one = "MATCH (a:Account)-[r:FULL_ACCESS]->(m:Mailbox {key: $key}) RETURN a.key AS account, r.valid_from AS since"
    key = store.read("MATCH (m:Mailbox) RETURN m.key AS key ORDER BY key LIMIT 1")["key"][0]
    yield f"{store.engine}, who may open one mailbox", edges, median(runs, lambda: store.read(one, {"key": key})), 0


_ROWS = "MATCH (a)-[r:STEP]->(b) RETURN a.key, b.key, r.opens, r.closes, r.rule, r.hold, r.vantage, r.noise"


def row_by_row(store: Any, more: str = "") -> list[Any]:
    """What a projection holds, asked of the engine one record a row."""
    if store.engine == "embedded":
        ask: Callable[[str], Any] = store._reader().execute
        return _numbered(ask("MATCH (n) WHERE n.kind <> 'Message' RETURN n.key, n.kind, n.name"), ask(_ROWS + more))
    with store._connection.session("READ") as session:
        nodes = [list(record) for record in session.run("MATCH (n:Entity) WHERE n.kind <> 'Message' RETURN n.key, n.kind, n.name")]
        return _numbered(nodes, (list(record) for record in session.run(_ROWS + more)))


def _numbered(nodes: Iterable[Any], steps: Iterable[Any]) -> list[Any]:
    number = {row[0]: n for n, row in enumerate(sorted(nodes))}
    return [(number[row[0]], number[row[1]], *row[2:]) for row in steps]


def neo4j(ledger: Ledger, server: Any, runs: int) -> Iterator[Row]:
    """What Neo4j takes. The first sync is run once: emptying takes longer than filling."""
    from graphmodel.store.neo4j_store import Neo4jStore
    from tests.support.neo4j_server import wipe

    wipe(server)
    derivations = [step.derivation for step in steps()]
    whole = view(ledger)
    nodes, edges = whole.counts
    store = Neo4jStore(server.uri, server.username, server.password or "")
    facts = median(1, lambda: store.sync(View("facts", whole.nodes, whole.edges), []))
    yield "neo4j, first sync: facts only", edges, facts, nodes + edges
    compared = median(1, lambda: store.sync(View("again", whole.nodes, whole.edges), []))
    took = median(1, lambda: store.sync(whole, derivations))
    made = store.steps().height
    yield "neo4j, steps derived and written, facts compared", edges, took, made
    yield "neo4j, steps derived and written (the difference)", edges, took - compared, made
    yield "neo4j, plain relationships, no property, CREATE", edges, median(1, lambda: created_on_server(store)), made
    store._connection.auto("MATCH ()-[r:PLAIN]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 10000 ROWS")
    yield "neo4j, plain relationships, by keys from here", edges, median(1, lambda: plain_on_server(store, whole, made)), made
    store._connection.auto("MATCH ()-[r:PLAIN]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 10000 ROWS")
    views = [_with_few(ledger, whole, n) for n in range(runs)]
    changing = iter(views)
    yield f"neo4j, {FEW} rights more or less", edges, median(runs, lambda: store.sync(next(changing), derivations)), FEW
    members = [View(f"m{n}", whole.nodes, views[-1].edges | {"MEMBER_OF": whole.edges["MEMBER_OF"].slice(n + 1)}) for n in range(runs)]
    changing = iter(members)
    yield "neo4j, 1 membership less", edges, median(runs, lambda: store.sync(next(changing), derivations)), 1
    yield from reads(store, edges, runs)
    store.close()
    wipe(server)


def on_server(server: Any, wanted: int) -> Iterator[Row]:
    """That many rights, made up on the server itself so that no row travels: steps of them beside plain relationships, each in batches."""
    from graphmodel.store.neo4j_steps import header
    from graphmodel.store.neo4j_store import Neo4jStore
    from graphmodel.store.neo4j_sync import in_batches

    rule = next(step.derivation for step in steps() if step.id == "full-access")
    store = Neo4jStore(server.uri, server.username, server.password or "")
    people = wanted // 10
    auto = store._connection.auto
    auto("CREATE CONSTRAINT hakyu_key_entity IF NOT EXISTS FOR (n:Entity) REQUIRE n.key IS UNIQUE")
    auto("MERGE (s:HakyuState {name: 'graph'}) SET s.token = 'measured'")
    auto(
        "UNWIND range(0, $people - 1) AS n CALL (n) { CREATE (:Entity:Account {key: 'upn:' + n, kind: 'Account'}), "
        "(:Entity:Mailbox {key: 'mailbox:' + n, kind: 'Mailbox'}) } IN TRANSACTIONS OF 10000 ROWS",
        people=people,
    )
    auto(
        "MATCH (a:Account) CALL (a) { UNWIND range(1, 10) AS m MATCH (b:Mailbox {key: 'mailbox:' + toInteger(rand() * $people)}) "
        "CREATE (a)-[:FULL_ACCESS {fact: left(randomUUID(), 16), valid_from: toInteger(1640000000 + rand() * 50000000)}]->(b) } IN TRANSACTIONS OF 1000 ROWS",
        people=people,
    )
    clear = "MATCH ()-[r:{}]->() CALL (r) {{ DELETE r }} IN TRANSACTIONS OF 10000 ROWS"
    plainly = "MATCH (a:Account)-[:FULL_ACCESS]->(b:Mailbox) CALL (a, b) { CREATE (a)-[:PLAIN]->(b) } IN TRANSACTIONS OF 10000 ROWS"
    by_key = plainly.replace("(a:Account)", "(x:Account)").replace("(b:Mailbox)", "(y:Mailbox)").replace(
        "CALL (a, b) {", "WITH x.key AS s, y.key AS t CALL (s, t) { MATCH (a:Entity {key: s}) MATCH (b:Entity {key: t})"
    )  # fmt: skip
    yield "neo4j, plain relationships, no property, CREATE", wanted, median(1, lambda: auto(plainly)), wanted
    auto(clear.format("PLAIN"))
    yield "neo4j, steps derived and written on the server", wanted, median(1, lambda: auto(in_batches(rule), token="measured", **header(rule))), wanted
    auto(clear.format("STEP"))
    yield "neo4j, plain relationships by keys, CREATE", wanted, median(1, lambda: auto(by_key)), wanted
    store.close()


def created_on_server(store: Any) -> None:
    """Create as many relationships as there are steps, without a property and beside the facts they come of, by a query on the server."""
    facts = "MATCH (a)-[:FULL_ACCESS|OWNS|MEMBER_OF]->(b)"
    store._connection.auto(f"{facts} CALL (a, b) {{ CREATE (a)-[:PLAIN]->(b) }} IN TRANSACTIONS OF 10000 ROWS")


def plain_on_server(store: Any, whole: View, wanted: int) -> None:
    """Create that many relationships without a property, as facts are written: by the keys of their ends, in batches."""
    rows = whole.edges["FULL_ACCESS"].select("from_key", "to_key").rows()
    rows = (rows * (wanted // len(rows) + 1))[:wanted]
    cypher = (
        "UNWIND $rows AS row MATCH (a:Entity {key: row[0]}) USING INDEX a:Entity(key) "
        "MATCH (b:Entity {key: row[1]}) USING INDEX b:Entity(key) CREATE (a)-[:PLAIN]->(b)"
    )
    for start in range(0, wanted, 10_000):
        with store._connection.transaction() as run:
            run(cypher, rows=rows[start : start + 10_000])


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


def measured(options: argparse.Namespace, place: str) -> Iterator[Row]:
    """What was asked for; says why where Neo4j was not measured."""
    ledgers = []
    for size in [SIZES[options.only]] if options.only else SIZES.values():
        edges = max(int(size * options.scale), 1000)
        ledgers.append(Ledger(Path(place) / str(edges) / "case"))
        load(ledgers[-1], "organisation", edges, 1)
    if options.engines != "neo4j":
        for ledger in ledgers:
            yield from embedded(ledger, ledger.folder.parent, options.runs, options.short)
    if options.engines != "embedded":
        with a_server() as server:
            if isinstance(server, str):
                print(f"Neo4j: not measured: {server}")
                return
            for ledger in ledgers:
                yield from neo4j(ledger, server, options.runs)


def main() -> None:
    """Measure and print."""
    global clock
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help=f"share of {' and '.join(f'{n:,}' for n in SIZES.values())} edges")
    parser.add_argument("--only", choices=list(SIZES), help="one of the two sizes")
    parser.add_argument("--runs", type=int, default=3, help="runs a number is the median of")
    parser.add_argument("--engines", choices=["both", "embedded", "neo4j"], default="both")
    parser.add_argument("--short", action="store_true", help="embedded: only steps beside plain relationships")
    parser.add_argument("--cpu", action="store_true", help="seconds of the processor, all threads (of the embedded engine; a server's are its own)")
    parser.add_argument("--server", type=int, metavar="STEPS", help="only that many steps beside plain relationships, made up and derived on Neo4j")
    options = parser.parse_args()
    print(machine())
    print(f"{'':<52} {'edges':>10} {'seconds':>10} {'rows/s':>13}")
    if options.cpu:
        clock = CLOCKS["cpu"]
    if options.server:
        with a_server() as server:
            for row in () if isinstance(server, str) else on_server(server, options.server):
                show(row)
            if isinstance(server, str):
                print(f"Neo4j: not measured: {server}")
        return
    with tempfile.TemporaryDirectory(prefix="hakyu-bench-") as place:
        for row in measured(options, place):
            show(row)


if __name__ == "__main__":
    main()
