"""From all loads of a case to one view: the same facts meet, nodes get one row, edges lead to nodes that exist."""

from __future__ import annotations

import polars as pl

from graphmodel.derive import derive
from graphmodel.facts import node_schema
from graphmodel.intervals import Snapshots, intervals, without_removed
from graphmodel.kinds import EDGES, NODES
from graphmodel.ledger import Ledger, fact_ids
from graphmodel.resolve import meant, resolved
from graphmodel.view import View, edge_view_schema, node_view_schema

_PRINCIPALS = ("Server", "Group", "App", "Account")  # kinds whose keys have one form (`ad:<SID>`), the guessed one last


def view(ledger: Ledger, state: str | None = None) -> View:
    """The view of a case. `state` names it (default: the ledger's own). A function of the set of loads alone."""
    stated = {label: ledger.tables(label) for label in NODES}
    edges = {type_: frame for type_ in EDGES if (frame := _merge_edges(type_, ledger)) is not None}
    nodes = {label: _merge_nodes(label, tables) for label, tables in stated.items()}
    names = meant(nodes, edges)
    nodes, edges = _one_kind(*resolved(nodes, edges, names))
    snapshots = _snapshots(ledger, stated, dict(names.select("key", "new").iter_rows()))
    edges = without_removed({type_: intervals(type_, frame, snapshots) for type_, frame in edges.items()}, nodes["Remediation"])
    edges = {type_: _identified(type_, frame) for type_, frame in edges.items()}
    nodes = _with_ends(nodes, edges)
    nodes, edges = derive(nodes, edges, _stated_names(stated["Correspondent"]))
    nodes = {label: _named(frame) for label, frame in _with_ends(nodes, edges).items()}
    return View(
        state=state or ledger.state(),
        nodes={k: f.select(list(node_view_schema(k))).sort("key") for k, f in nodes.items() if f.height},
        edges={k: f.select(list(edge_view_schema(k))).sort("fact") for k, f in edges.items() if f.height},
    )


def _merge_edges(type_: str, ledger: Ledger) -> pl.DataFrame | None:
    frames = [frame for _, frame in ledger.tables(type_)]
    if not frames:
        return None
    # The same fact in two sources is one edge; the place shown is the first by name, whatever the order of loading.
    merged = pl.concat(frames).sort("fact", "source", "place", "record", nulls_last=True)
    return merged.unique(subset="fact", keep="first", maintain_order=True).select(list(edge_view_schema(type_)))


def _identified(type_: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows that were joined from several facts get their own id."""
    made = frame.filter(pl.col("fact") == "")
    if not made.height:
        return frame
    return pl.concat([frame.filter(pl.col("fact") != ""), made.with_columns(fact_ids(type_, made))]).unique(subset="fact", keep="first", maintain_order=True)


def _snapshots(ledger: Ledger, stated: dict[str, list[tuple[str, pl.DataFrame]]], renamed: dict[str, str]) -> Snapshots:
    """The loads that say when they were taken, what they spoke of, and which nodes they state, by the names these have now."""
    taken: dict[str, list[tuple[int, str]]] = {}
    for load, frame in stated["LogCoverage"]:
        for what, time in frame.drop_nulls("snapshot").select("what", "snapshot").iter_rows():
            taken.setdefault(what, []).append((time, load))
    loads = {load for found in taken.values() for _, load in found}
    asked: dict[str, set[str]] = {load: set() for load in loads}
    for tables in stated.values() if loads else ():
        for load, frame in tables:
            if load in loads:
                asked[load].update(frame["key"])
    for keys in asked.values():
        keys.update([renamed[key] for key in keys & renamed.keys()])
    sources = {f"{m.format}:{m.name}": load for load in loads for m in [ledger.manifest(load)]}
    return Snapshots(taken, {load: frozenset(keys) for load, keys in asked.items()}, sources)


def _merge_nodes(label: str, tables: list[tuple[str, pl.DataFrame]]) -> pl.DataFrame:
    schema = node_schema(label)
    properties = [c for c in schema if c not in {"key", "place"}]
    if not tables:
        return pl.DataFrame(schema=schema).with_columns(pl.lit(label).alias("kind")).drop("place")
    # Where sources differ, the value of the first load by id that has one is shown; all of them stay in the case.
    stacked = pl.concat([frame for _, frame in tables])
    first = [pl.col(c).drop_nulls().first().alias(c) for c in properties if (label, c) != ("Server", "name")]
    if label == "Server":  # logs call it EX01, the directory ex01.example.org: the qualified name says more, whichever was loaded first
        named = pl.col("name").drop_nulls()
        first.append(named.sort_by(named.str.len_chars(), named, descending=[True, False]).first().alias("name"))
    return stacked.group_by("key", maintain_order=True).agg(first).select("key", *properties).with_columns(pl.lit(label).alias("kind"))


def _one_kind(nodes: dict[str, pl.DataFrame], edges: dict[str, pl.DataFrame]) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """A key is of one kind: an export of rights names a SID without knowing whose it is, and takes it for an account's.

    What a source states as a node goes before what is only named as an end, and an account, the guess, last. Ends are relabelled;
    an edge that does not join such kinds says nothing and is left out.
    """
    named = [
        frame.select(pl.col(f"{side}_key").alias("key"), pl.col(f"{side}_label").alias("kind"), pl.lit(1).alias("rank"))
        for frame in edges.values()
        for side in ("from", "to")
    ]
    stated = [nodes[label].select("key", "kind", pl.lit(0).alias("rank")) for label in _PRINCIPALS]
    said = pl.concat(stated + named).filter(pl.col("kind").is_in(_PRINCIPALS)).unique()
    order = pl.col("kind").replace_strict({kind: i for i, kind in enumerate(_PRINCIPALS)}, return_dtype=pl.Int64)
    several = said.filter(pl.col("kind").n_unique().over("key") > 1).sort("key", "rank", order)
    kinds = several.unique(subset="key", keep="first", maintain_order=True).select("key", "kind")
    if not kinds.height:
        return nodes, edges
    full = dict(nodes)
    for label in _PRINCIPALS:
        full[label] = nodes[label].join(kinds.filter(pl.col("kind") != label), on="key", how="anti", maintain_order="left")
    return full, {type_: _relabelled(type_, frame, kinds) for type_, frame in edges.items()}


def _relabelled(type_: str, frame: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    for side in ("from", "to"):
        known = kinds.rename({"key": f"{side}_key", "kind": "_kind"})
        frame = frame.join(known, on=f"{side}_key", how="left", maintain_order="left")
        frame = frame.with_columns(pl.coalesce("_kind", f"{side}_label").alias(f"{side}_label")).drop("_kind")
    pairs = pl.DataFrame(EDGES[type_].pairs, schema=["from_label", "to_label"], orient="row")
    return frame.join(pairs, on=["from_label", "to_label"], how="semi", maintain_order="left")


def _with_ends(nodes: dict[str, pl.DataFrame], edges: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Add a bare node for each end of an edge that no source states."""
    ends = [
        frame.select(pl.col(f"{side}_label").alias("label"), pl.col(f"{side}_key").alias("key"))
        for frame in edges.values()
        for side in ("from", "to")
    ]
    if not ends:
        return nodes
    named = pl.concat(ends).unique()
    full = dict(nodes)
    for label in NODES:
        missing = named.filter(pl.col("label") == label).select("key").join(full[label].select("key"), on="key", how="anti")
        if missing.height:
            bare = missing.sort("key").with_columns(pl.lit(label).alias("kind"))
            full[label] = pl.concat([full[label], bare], how="diagonal")
    return full


def _named(nodes: pl.DataFrame) -> pl.DataFrame:
    """A node that no source names goes by its key, a file by the last part of its path."""
    key = pl.col("key").str.replace("^[^:]*:", "")
    last = key.str.extract(r"([^/\\]+)[/\\]*$")
    return nodes.with_columns(pl.coalesce("name", pl.when(pl.col("kind") == "File").then(last), key).alias("name"))


def _stated_names(tables: list[tuple[str, pl.DataFrame]]) -> pl.DataFrame:
    """Every (address key, display name) that any source states: what persons are joined by."""
    frames = [frame.select("key", "name") for _, frame in tables]
    if not frames:
        return pl.DataFrame(schema={"key": pl.String, "name": pl.String})
    return pl.concat(frames).drop_nulls().unique().sort("key", "name")
