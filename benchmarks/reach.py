"""The kernel beside python-igraph's static reachable set (`subcomponent`, which ignores time), on the same graph in the same run.

    python -m benchmarks.reach [--nodes 100000] [--steps 1000000] [--sources 100]
    python -m benchmarks.reach --growth       1M, 3M and 10M steps, ten to a node: how the time grows

Prints, for three kinds of graph, the median time of each over random sources with large reach, and the median of the ratios. Seconds are
the processor's, of this one thread, so that what else the machine does counts for as little as can be; both are of one thread.
"""

from __future__ import annotations

import argparse
import math
import platform
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

import igraph
import numpy as np

from reach.graph import ALWAYS, NEVER, Steps, build
from reach.search import reach

DAY = 86_400
DAYS = 250
KINDS = ("static", "export", "random")


def columns(kind: str, n: int, m: int, rng: np.random.Generator) -> tuple[Any, Any, Any, Any, Any]:
    """Random steps: `static` without bounds; `export` 80 % open from the start and 80 % never closing; `random` with both bounds."""
    source, target = rng.integers(0, n, m), rng.integers(0, n, m)
    opens, closes = rng.integers(0, DAYS * DAY, m), np.zeros(m, np.int64)
    closes[:] = opens + rng.integers(1, DAYS * DAY, m)
    if kind != "random":
        opens[rng.random(m) < (1.0 if kind == "static" else 0.8)] = ALWAYS
        closes[rng.random(m) < (1.0 if kind == "static" else 0.8)] = NEVER
    return source, target, opens, closes, rng.random(m) < 0.3


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds of this thread, result)."""
    begin = time.thread_time()
    result = work()
    return time.thread_time() - begin, result


def compare(steps: Steps, graph: igraph.Graph, sources: list[int]) -> tuple[list[float], list[float], list[int]]:
    """Seconds of the kernel and of igraph by source, and the number of labels."""
    ours, theirs, labels = [], [], []
    for source in sources:
        spent, found = timed(lambda source=source: reach(steps, [(source, 0, None)]))
        ours.append(spent)
        labels.append(len(found))
        theirs.append(timed(lambda source=source: graph.subcomponent(source, mode="out"))[0])
    return ours, theirs, labels


def table(nodes: int, steps: int, many: int) -> None:
    """The kernel beside igraph."""
    print(f"{nodes:,} nodes, {steps:,} steps, {many} sources; medians; seconds")
    print(f"{'graph':<10}{'kernel':>12}{'igraph':>12}{'ratio':>8}{'labels':>12}{'bytes a step':>14}")
    for kind in KINDS:
        rng = np.random.default_rng(7)
        made = columns(kind, nodes, steps, rng)
        built = build(nodes, *made)
        graph = igraph.Graph(n=nodes, edges=np.column_stack(made[:2]).tolist(), directed=True)
        reach(built, [(0, 0, None)])  # compiles, or reads the cache
        ours, theirs, labels = compare(built, graph, [int(s) for s in rng.integers(0, nodes, many)])
        ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
        print(f"{kind:<10}{median(ours):>12.5f}{median(theirs):>12.5f}{ratio:>8.2f}{median(labels):>12,.0f}{built.nbytes / steps:>14.1f}", flush=True)


def growth(many: int) -> None:
    """How the kernel, igraph and building grow."""
    print(f"{'graph':<10}{'steps':>12}{'kernel':>12}{'exponent':>10}{'igraph':>12}{'exponent':>10}{'labels':>12}{'build':>8}{'peak B':>8}")
    for kind in KINDS:
        last = 0.0, 0.0, 0
        for steps in (1_000_000, 3_000_000, 10_000_000):
            rng = np.random.default_rng(7)
            made = columns(kind, steps // 10, steps, rng)
            tracemalloc.start()
            build(steps // 10, *made)
            peak = tracemalloc.get_traced_memory()[1] / steps
            tracemalloc.stop()
            spent, built = timed(lambda made=made, n=steps // 10: build(n, *made))
            graph = igraph.Graph(n=steps // 10, edges=np.column_stack(made[:2]), directed=True)
            reach(built, [(0, 0, None)])
            ours, theirs, labels = compare(built, graph, [int(s) for s in rng.integers(0, steps // 10, many)])
            now = median(ours), median(theirs), steps
            grown = [f"{math.log(now[i] / last[i]) / math.log(steps / last[2]):.2f}" if last[2] else "" for i in (0, 1)]
            last = now
            print(f"{kind:<10}{steps:>12,}{now[0]:>12.4f}{grown[0]:>10}{now[1]:>12.4f}{grown[1]:>10}{median(labels):>12,.0f}{spent:>8.2f}{peak:>8.0f}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--sources", type=int, default=100)
    parser.add_argument("--growth", action="store_true")
    asked = parser.parse_args()
    print(f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}, igraph {igraph.__version__}")
    if asked.growth:
        growth(min(asked.sources, 15))
    else:
        table(asked.nodes, asked.steps, asked.sources)


if __name__ == "__main__":
    main()
