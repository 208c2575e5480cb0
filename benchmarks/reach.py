"""The kernel beside python-igraph's static reachable set (`subcomponent`, which ignores time), on the same graph in the same run.

    python -m benchmarks.reach [--nodes 100000] [--steps 1000000] [--sources 100]

Prints, for three kinds of graph, the median time of each over random sources with large reach, and the median of the ratios.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import igraph
import numpy as np

from reach.graph import ALWAYS, NEVER, Steps, build
from reach.search import reach

DAY = 86_400
DAYS = 250


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
    """(seconds, result)."""
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def compare(steps: Steps, graph: igraph.Graph, sources: list[int]) -> tuple[list[float], list[float], list[int]]:
    """Seconds of the kernel and of igraph by source, and the number of labels."""
    ours, theirs, labels = [], [], []
    for source in sources:
        spent, found = timed(lambda source=source: reach(steps, [(source, 0, None)]))
        ours.append(spent)
        labels.append(len(found))
        theirs.append(timed(lambda source=source: graph.subcomponent(source, mode="out"))[0])
    return ours, theirs, labels


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--sources", type=int, default=100)
    asked = parser.parse_args()
    print(f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}, igraph {igraph.__version__}")
    print(f"{asked.nodes:,} nodes, {asked.steps:,} steps, {asked.sources} sources; medians; seconds")
    print(f"{'graph':<10}{'kernel':>12}{'igraph':>12}{'ratio':>8}{'labels':>12}{'bytes a step':>14}{'build':>8}")
    for kind in ("static", "export", "random"):
        rng = np.random.default_rng(7)
        made = columns(kind, asked.nodes, asked.steps, rng)
        built, steps = timed(lambda made=made: build(asked.nodes, *made))
        graph = igraph.Graph(n=asked.nodes, edges=np.column_stack(made[:2]).tolist(), directed=True)
        reach(steps, [(0, 0, None)])  # compiles, or reads the cache
        sources = [int(s) for s in rng.integers(0, asked.nodes, asked.sources)]
        ours, theirs, labels = compare(steps, graph, sources)
        ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
        print(f"{kind:<10}{median(ours):>12.5f}{median(theirs):>12.5f}{ratio:>8.2f}{median(labels):>12,.0f}{steps.nbytes / asked.steps:>14.1f}{built:>8.2f}")


if __name__ == "__main__":
    main()
