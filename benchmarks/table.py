"""All in one table: this project beside its peers on the same graphs in one run, and how each part of it grows.

    python -m benchmarks.table [--quick] [--only kernel|cypher|rank|growth]

- kernel: one source, beside python-igraph, rustworkx and networkx (which all ignore time); thread time, sources interleaved.
- cypher: reachable set and shortestPath over STEP on a real Neo4j (NEO4J_URI, empty; else Docker, else Maven's jars); wall time, since
  a server's processor time is not ours.
- rank: all accounts, beside a loop over igraph's `subcomponent` extrapolated from 50 sources; wall and processor time of all threads.
- growth: made-up exports through the loaders into a case, then steps, projection, blast, rank; exponents of accounts, of processor
  time, which what else the machine does counts for little in.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import igraph
import networkx
import numpy as np
import rustworkx

from benchmarks.reach import KINDS, columns, timed
from benchmarks.store import a_server, machine
from hakyu.case import Case
from reach.graph import build
from reach.rank import rank
from reach.search import reach

PARTS = ("kernel", "cypher", "rank", "growth")
ABOVE = 1.1
LIMIT = 15
"""Seconds after which a Cypher query is ended."""


def made(kind: str, nodes: int, steps: int) -> tuple[Any, list[tuple[int, int]]]:
    """(columns, pairs) of one of the graphs of benchmarks.reach."""
    found = columns(kind, nodes, steps, np.random.default_rng(7))
    return found, list(zip(found[0].tolist(), found[1].tolist(), strict=True))


def kernel(quick: bool) -> None:
    """One source, beside three libraries; networkx is asked for fewer sources."""
    nodes, steps, many, few = (10_000, 100_000, 10, 3) if quick else (100_000, 1_000_000, 20, 3)
    print(f"kernel: {nodes:,} nodes, {steps:,} steps, {many} sources ({few} for networkx); medians, thread seconds; ratio = ours / theirs")
    for kind in KINDS:
        found, pairs = made(kind, nodes, steps)
        built = build(nodes, *found)
        i, r, x = igraph.Graph(n=nodes, edges=pairs, directed=True), rustworkx.PyDiGraph(), networkx.DiGraph(pairs)
        r.add_nodes_from(range(nodes))
        r.add_edges_from_no_data(pairs)
        peers: dict[str, Callable[[int], Any]] = {
            "igraph": lambda s, i=i: i.subcomponent(s, mode="out"),  # type: ignore[misc]
            "rustworkx": lambda s, r=r: rustworkx.descendants(r, s),  # type: ignore[misc]
            "networkx": lambda s, x=x: networkx.descendants(x, s),  # type: ignore[misc]
        }
        reach(built, [(0, 0, None)])
        ours: list[float] = []
        theirs: dict[str, list[tuple[float, float]]] = {name: [] for name in peers}
        for number, source in enumerate(random.Random(7).sample(range(nodes), many)):
            spent = timed(lambda b=built, s=source: reach(b, [(s, 0, None)]))[0]
            ours.append(spent)
            for name, work in peers.items():
                if name != "networkx" or number < few:
                    theirs[name].append((timed(lambda w=work, s=source: w(s))[0], spent))
        line = "".join(f"  {n} {median(t for t, _ in p):.5f} (ratio {median(o / t for t, o in p):.3f})" for n, p in theirs.items())
        print(f"  {kind:<8} ours {median(ours):.5f}{line}", flush=True)


_PATH = "MATCH (a:N {id: $a}), (b:N {id: $b}) RETURN length(shortestPath((a)-[:STEP*]->(b)))"
_QUERIES = {
    "reachable set (shortestPath to every node)": "MATCH (a:N {id: $a}), (b:N) WHERE a <> b MATCH p = shortestPath((a)-[:STEP*]->(b)) RETURN count(p)",
    "reachable set (DISTINCT ends, breadth first)": "MATCH (a:N {id: $a})-[:STEP*]->(b) RETURN count(DISTINCT b)",
    "shortestPath to one node": _PATH,
}


def cypher(quick: bool) -> None:
    """Cypher on Neo4j beside the kernel, times ignored by the first and kept by the second."""
    import neo4j

    nodes, steps, many = (200, 2_000, 3) if quick else (10_000, 100_000, 3)
    found, pairs = made("export", nodes, steps)
    built = build(nodes, *found)
    reach(built, [(0, 0, None)])
    with a_server() as server:
        if isinstance(server, str):
            print(f"cypher: not measured: {server}")
            return
        with neo4j.GraphDatabase.driver(server.uri, auth=server.auth) as driver, driver.session() as session:
            session.run("CREATE INDEX measured IF NOT EXISTS FOR (n:N) ON (n.id)").consume()
            session.run("UNWIND range(0, $n - 1) AS id CREATE (:N {id: id})", n=nodes).consume()
            session.run("CALL db.awaitIndexes()").consume()
            for begin in range(0, steps, 10_000):
                rows = pairs[begin : begin + 10_000]
                session.run("UNWIND $rows AS r MATCH (a:N {id: r[0]}), (b:N {id: r[1]}) CREATE (a)-[:STEP]->(b)", rows=[list(p) for p in rows]).consume()
            print(f"cypher: {nodes:,} nodes, {steps:,} steps (export), {many} sources; medians, wall seconds", flush=True)
            for name, text in _QUERIES.items():
                ours, theirs, cut = [], [], 0
                query = neo4j.Query(text, timeout=LIMIT)  # type: ignore[arg-type]
                for source in random.Random(7).sample(range(nodes), many):
                    begin_ = time.perf_counter()
                    reach(built, [(source, 0, None)])
                    ours.append(time.perf_counter() - begin_)
                    begin_ = time.perf_counter()
                    try:
                        session.run(query, a=source, b=(source + nodes // 2) % nodes).consume()
                    except (neo4j.exceptions.ClientError, neo4j.exceptions.TransientError) as error:
                        if "TransactionTimedOut" not in (error.code or ""):
                            raise
                        cut += 1  # what is printed then is a lower bound
                    theirs.append(time.perf_counter() - begin_)
                times = median(t / o for t, o in zip(theirs, ours, strict=True))
                print(f"  {name:<44} cypher {median(theirs):.4f}  kernel (whole set) {median(ours):.6f}  {times:,.0f} times{f' ({cut} of {many} ended after {LIMIT} s: at least)' if cut else ''}", flush=True)
            session.run("MATCH (n:N) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS").consume()
            session.run("DROP INDEX measured").consume()


def all_accounts(quick: bool) -> None:
    """`rank` beside a loop over igraph."""
    nodes, steps, accounts = (10_000, 100_000, 2_000) if quick else (100_000, 1_000_000, 50_000)
    print(f"rank: {steps:,} steps; igraph's loop extrapolated from 50 sources; wanted: ratio 0.1")
    for kind in KINDS:
        asked = accounts if kind != "random" else 500  # each of them is a search of its own there, one takes as long as the next
        found, pairs = made(kind, nodes, steps)
        built, graph = build(nodes, *found), igraph.Graph(n=nodes, edges=pairs, directed=True)
        kinds = np.zeros(nodes, np.int8)
        rank(built, [0], 0, None, kinds, 1)  # compiles, or reads the cache
        loop = []
        for source in range(50):
            loop.append(timed(lambda g=graph, s=source: g.subcomponent(s, mode="out"))[0])
        wall, cpu = time.perf_counter(), time.process_time()
        rank(built, np.arange(asked), 0, None, kinds, 1)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        whole = sum(loop) / 50 * asked
        print(f"  {kind:<8} {asked:,} accounts: rank wall {wall:.2f} s, processor {cpu:.2f} s; igraph {whole:.1f} s; ratio {wall / whole:.4f} wall, {cpu / whole:.4f} processor", flush=True)


def exports(folder: Path, accounts: int) -> None:
    """mailboxes.csv and Get-MailboxPermission of a made-up organisation: a mailbox and two delegates each."""
    pick = random.Random(7)  # the same every time
    with (folder / "mailboxes.csv").open("w", newline="") as boxes, (folder / "permissions.csv").open("w", newline="") as rights:
        box, right = csv.writer(boxes), csv.writer(rights)
        box.writerow(["mailbox", "owner", "type", "forward_to"])
        right.writerow(["Identity", "User", "AccessRights", "IsInherited", "Deny"])
        for n in range(accounts):
            box.writerow([f"user{n}@nisc.example", f"user{n}@nisc.example", "user", "-"])
            for _ in range(2):
                right.writerow([f"user{n}@nisc.example", f"user{pick.randrange(accounts)}@nisc.example", "FullAccess", "False", "False"])


def parts(folder: Path, accounts: int) -> dict[str, float]:
    """Seconds of each part, of the processor, all threads; load writes the facts and brings the graph up to date, steps among it."""
    exports(folder, accounts)
    case, spent = Case(folder / "case", {}), {}

    def clock(name: str, work: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        found = work()
        wall, spent[name] = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{name} {spent[name]:.3f} ({wall:.3f})", end=", ", flush=True)
        return found

    print(f"  {accounts:>8,} accounts: ", end="", flush=True)

    clock("load, steps", lambda: case.load([folder / "mailboxes.csv", folder / "permissions.csv"]))
    clock("steps, anew", case.rebuild)
    store = case.graph()
    clock("projection", store.projection)
    clock("blast", lambda: case.blast("user0@nisc.example", "2022-01-01"))
    clock("rank", lambda: case.rank("2022-01-01"))
    print(f"{sum(store.rules().values()):,} steps, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB", flush=True)
    case.close()
    return spent


def growth(quick: bool) -> None:
    """Every part at growing sizes; the first size is run twice, since the first run loads compiled code."""
    sizes = (100, 300) if quick else (1_000, 10_000, 100_000)
    print("growth: single runs, seconds of the processor (and of the wall)")
    last: dict[str, float] = {}
    for number, accounts in enumerate((sizes[0], *sizes)):
        with tempfile.TemporaryDirectory(prefix="hakyu-table-") as place:
            now = parts(Path(place), accounts)
        if number > 1:
            grown = {k: math.log(now[k] / last[k]) / math.log(accounts / sizes[number - 2]) for k in now}
            print("    exponents: " + ", ".join(f"{k} {v:.2f}{' (above 1.1)' if v > ABOVE else ''}" for k, v in grown.items()), flush=True)
        last = now


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small graphs")
    parser.add_argument("--only", action="append", choices=PARTS)
    asked = parser.parse_args()
    print(f"{machine()}; igraph {igraph.__version__}, rustworkx {rustworkx.__version__}, networkx {networkx.__version__}")
    work = dict(zip(PARTS, (kernel, cypher, all_accounts, growth), strict=True))
    for part in asked.only or PARTS:
        work[part](asked.quick)


if __name__ == "__main__":
    main()
