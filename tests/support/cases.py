"""Cases of the `.cypher` files: a small graph, the rows that must come, and near misses where they must not.

    says: a sentence (optional)
    graph:
      nodes: [{kind, key, props}]            # ends of edges need not be listed
      edges: [{id, type, from: [kind, key], to: [kind, key], props}]
    rows: [[…]]                              # steps: source, target, opens, closes, because; evidence: source, target, observation;
                                             # questions: as their columns
    parameters: {name: text}                 # questions only
    alone: true                              # questions that count or cut over the whole graph: a graph of their own
    near: [{says, without: id | [ids], change: {id or key: {property: value}}, parameters, rows}]

For a step, every fact in a `because` is also taken away in turn, and just the rows that lean on it must go; this need not be written.
All variants of all cases lie in one graph, their keys and ids told apart by a prefix, as making a graph takes most of the time.
There is no word for an engine, and none to skip: the rows are the same everywhere, but for a question whose header names its engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from graphmodel.facts import EDGE_ENDS, POLARS_TYPES
from graphmodel.kinds import EDGES, NODES
from graphmodel.store.port import Derivation, Store
from graphmodel.view import View, edge_view_schema, node_view_schema
from queries.catalogue import evidence, find_saved
from queries.run import ask

TESTS = Path(__file__).parents[1]
TOP_KEYS = {"says", "graph", "rows", "parameters", "alone", "near"}
NEAR_KEYS = {"says", "without", "change", "parameters", "rows"}
Row = list[Any]


@dataclass(frozen=True)
class Variant:
    """One graph of a case and its rows. `prefix` marks its keys and ids in a graph that is shared; empty: it is alone."""

    case: str
    says: str
    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    rows: list[Row]
    parameters: dict[str, str]
    prefix: str

    @property
    def id(self) -> str:
        """Name of the test."""
        return f"{self.case}: {self.says}"


@dataclass(frozen=True)
class Case:
    """A case file: what it says (`raw`), and its variants, the base first."""

    name: str
    raw: dict[str, Any]
    variants: list[Variant]


def cases(folder: str) -> list[Case]:
    """The cases in `tests/<folder>/`. Raises ValueError for a word that no case may say."""
    return [_case(path) for path in sorted((TESTS / folder).glob("*.yaml"))]


def _case(path: Path) -> Case:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    near = [*raw["near"], *_without_each_premise(raw, path.parent.name == "steps")]
    unknown = set(raw) - TOP_KEYS | {word for one in near for word in set(one) - NEAR_KEYS}
    if unknown:
        raise ValueError(f"{path.name}: a case does not say {', '.join(sorted(unknown))}")
    base = {"says": raw.get("says", "the rows come"), "rows": raw["rows"]}
    variants = []
    for number, one in enumerate([base, *near]):
        graph = _changed(raw["graph"], one, path.name)
        prefix = "" if raw.get("alone") else f"{path.stem}#{number}|"
        says = one.get("says") or f"near miss {number}"
        parameters = one.get("parameters", raw.get("parameters", {}))
        variants.append(Variant(path.stem, says, graph["nodes"], graph["edges"], one["rows"], parameters, prefix))
    return Case(path.stem, raw, variants)


def _without_each_premise(raw: dict[str, Any], step: bool) -> list[dict[str, Any]]:
    """A near miss for each fact that a row of a step names."""
    premises = sorted({fact for row in raw["rows"] for fact in row[4]}) if step else []
    return [
        {"says": f"without {fact}", "without": fact, "rows": [row for row in raw["rows"] if fact not in row[4]]} for fact in premises
    ]


def _changed(graph: dict[str, Any], near: dict[str, Any], name: str) -> dict[str, Any]:
    made = {"nodes": deepcopy(graph.get("nodes", [])), "edges": deepcopy(graph.get("edges", []))}
    things = {thing.get("id") or thing["key"]: thing for thing in (*made["nodes"], *made["edges"])}
    gone = near.get("without", [])
    gone = [gone] if isinstance(gone, str) else gone
    change = near.get("change", {})
    if unknown := ({*gone, *change} - things.keys()):
        raise ValueError(f"{name}: near misses name {', '.join(sorted(unknown))}, which the graph has not")
    for thing, values in change.items():
        things[thing].setdefault("props", {}).update(values)
    made["edges"] = [edge for edge in made["edges"] if edge["id"] not in gone]
    made["nodes"] = [node for node in made["nodes"] if node["key"] not in gone]
    return made


def view_of(variants: Sequence[Variant], state: str) -> View:
    """One view with the graphs of all variants side by side."""
    nodes: dict[str, dict[str, dict[str, Any]]] = {}
    edges: dict[str, list[dict[str, Any]]] = {}
    for variant in variants:
        for node in variant.nodes:
            _add_node(nodes, variant, node["kind"], node["key"], node.get("props", {}))
        for edge in variant.edges:
            ends = dict(zip((p.name for p in EDGE_ENDS), (edge["from"][0], variant.prefix + edge["from"][1], edge["to"][0], variant.prefix + edge["to"][1]), strict=True))  # fmt: skip
            for end in ("from", "to"):
                _add_node(nodes, variant, *edge[end], {})
            edges.setdefault(edge["type"], []).append({**ends, "fact": variant.prefix + edge["id"], **edge.get("props", {})})
    return View(
        state,
        {kind: frame(list(rows.values()), node_view_schema(kind)).sort("key") for kind, rows in nodes.items()},
        {type_: frame(rows, edge_view_schema(type_)).sort("fact") for type_, rows in edges.items()},
    )


def _add_node(nodes: dict[str, dict[str, dict[str, Any]]], variant: Variant, kind: str, key: str, props: dict[str, Any]) -> None:
    own = {"key": variant.prefix + key, "kind": kind, "name": key.partition(":")[2]}
    nodes.setdefault(kind, {}).setdefault(own["key"], own | props)


def frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    """Rows as a table of a view; what they do not say is null. Raises ValueError for what the kind has not."""
    if unknown := {name for row in rows for name in row} - schema.keys():
        raise ValueError(f"no such property: {', '.join(sorted(unknown))}")
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")


def kinds_named(cypher: str) -> set[str]:
    """The labels and relationship types that a query names, without the STEP that the store makes."""
    body = "\n".join(line for line in cypher.splitlines() if not line.startswith("//"))
    groups = re.findall(r"[(\[]\w*:([`\w|:]+)", body)
    return {name.strip("`") for group in groups for name in re.split(r"[|:]", group)} - {"STEP"}


def kinds_of(variant: Variant) -> set[str]:
    """The labels and types that a graph has."""
    ends = {edge[end][0] for edge in variant.edges for end in ("from", "to")}
    return {node["kind"] for node in variant.nodes} | {edge["type"] for edge in variant.edges} | ends


def step_answers(store: Store, found: Sequence[Case], derivations: Sequence[Derivation]) -> dict[str, list[Row]]:
    """Variant id -> the rows that the store made of the step the case is named after."""
    variants = [variant for case in found for variant in case.variants]
    store.sync(view_of(variants, "steps"), derivations)
    steps = store.steps().select("rule", "source", "target", "opens", "closes", "because").rows()
    return {v.id: [_bare(row[1:], v.prefix) for row in steps if row[0] == v.case and row[1].startswith(v.prefix)] for v in variants}


def saved_answers(store: Store, found: Sequence[Case], derivations: Sequence[Derivation]) -> dict[str, list[Row]]:
    """Variant id -> the rows of the question the case is named after, in their order; without those of questions for the other engine."""
    variants = [variant for case in found for variant in case.variants if runs_on(variant, store.engine)]
    shared = [variant for variant in variants if variant.prefix]
    store.sync(view_of(shared, "questions"), derivations)
    answers = {variant.id: list(_asked(store, variant)) for variant in shared}
    for variant in variants:
        if not variant.prefix:
            store.sync(view_of([variant], f"question-{len(answers)}"), derivations)
            answers[variant.id] = list(_asked(store, variant))
    return answers


def runs_on(variant: Variant, engine: str) -> bool:
    """Whether a question's header lets it run on an engine."""
    return find_saved(variant.case).engine in {"both", engine}


def evidence_answers(store: Store, found: Sequence[Case], derivations: Sequence[Derivation]) -> dict[str, list[Row]]:
    """Variant id -> the rows (source, target, observation) of the evidence query the case is named after."""
    variants = [variant for case in found for variant in case.variants]
    store.sync(view_of(variants, "evidence"), derivations)
    queries = {Path(one.file).stem: one.cypher for one in evidence()}
    rows = {name: store.read(cypher).select("source", "target", "observation").rows() for name, cypher in queries.items()}
    return {v.id: [_bare(row, v.prefix) for row in rows[v.case] if row[0].startswith(v.prefix)] for v in variants}


def _asked(store: Store, variant: Variant) -> Iterator[Row]:
    for row in ask(store, find_saved(variant.case), variant.parameters).rows():
        if not variant.prefix or any(isinstance(cell, str) and cell.startswith(variant.prefix) for cell in row):
            yield _bare(row, variant.prefix)


def _bare(row: Sequence[Any], prefix: str) -> Row:
    def cell(value: Any) -> Any:
        if isinstance(value, list | tuple | pl.Series):
            return [cell(one) for one in value]
        return value.removeprefix(prefix) if isinstance(value, str) else value

    return [cell(value) for value in row]


def whole_graph() -> View:
    """A view with every kind of node and every pair of every kind of edge: once with all properties, once with none."""
    nodes, edges = {}, {}
    for label, kind in NODES.items():
        full = {p.name: _sample(p.type, 7) for p in kind.columns} | {"key": f"{label}:full", "kind": label}
        nodes[label] = frame([full, {"key": f"{label}:bare", "kind": label}], node_view_schema(label)).sort("key")
    for type_, edge in EDGES.items():
        rows = []
        for number, (source, target) in enumerate(edge.pairs):
            for state in ("full", "bare"):
                said = {p.name: _sample(p.type, number) for p in edge.columns} if state == "full" else {}
                ends = {"from_label": source, "from_key": f"{source}:{state}", "to_label": target, "to_key": f"{target}:bare"}
                rows.append(said | ends | {"fact": f"{type_}-{number}-{state}"})
        edges[type_] = frame(rows, edge_view_schema(type_)).sort("fact")
    return View("whole", nodes, edges)


_SAMPLES: dict[str, Any] = {
    "string": "波及 “O'Neil” \\ \n\t'; DROP", "int": 1_664_582_400, "bool": True, "float": 0.1, "strings": ["a", "", "波及, b"],
    "ints": [0, 19_266, 2**40],
}  # fmt: skip


def _sample(type_: str, number: int) -> Any:
    assert type_ in POLARS_TYPES
    return _SAMPLES[type_] + number if type_ == "int" else _SAMPLES[type_]
