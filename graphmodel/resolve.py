"""Names in facts that only all loads together can tell, put into their place before anything is joined; each says so in its place.

- A member, delegate or group that LDIF names by its distinguished name (`dn:…`) is the one entry that has this name, in whatever file.
- A directory role or tenant that a source gives no organisation for is the case's only one's; one that goes by another of its
  organisation's names (graphmodel/tenants.py) goes by the first.

What cannot be told stays as it is, and is reported (`unresolved`).
"""

from __future__ import annotations

from typing import Any

import polars as pl

from graphmodel import identity, tenants
from graphmodel.kinds import EDGES
from graphmodel.ledger import fact_ids
from graphmodel.pairs import components

Tables = dict[str, pl.DataFrame]

_ENTRIES = ("Account", "Group", "Server", "Container")
_DN = "dn:"
_ROLE, _TENANT, _SYSTEM = "role:entra/", identity.tenant_key(""), identity.mail_system_key("")
_TENANTS_OWN = ("Role", "Container")
_RENAMED: dict[str, Any] = {"key": pl.String, "new": pl.String, "kind": pl.String, "why": pl.String}


def meant(nodes: Tables, edges: Tables) -> pl.DataFrame:
    """Names to be replaced: `key`, `new` key, `kind` (label) of what is meant, `why`."""
    return pl.concat([_entries(nodes, edges), _of_tenants(nodes, edges)])


def resolved(nodes: Tables, edges: Tables, names: pl.DataFrame) -> tuple[Tables, Tables]:
    """Nodes and edges with the names replaced; rows that change get the id of what they say now."""
    if not names.height:
        return nodes, edges
    full = dict(nodes)
    for label in _TENANTS_OWN:
        full[label] = _renamed_nodes(full[label], names.filter(pl.col("kind") == label))
    return full, {type_: _renamed(type_, frame, names) for type_, frame in edges.items()}


def unresolved(nodes: Tables) -> list[str]:
    """What is still called by a name that no load explains, one line a case, with what to do."""
    said = []
    entries = sorted(key.removeprefix(_DN) for label in _ENTRIES if label in nodes for key in nodes[label]["key"].to_list() if key.startswith(_DN))
    if entries:
        said.append(f"{_some(entries)}: named by distinguished name, but not an entry of any load; load the part of the directory that has it")
    roles = sorted(name for name, key in nodes["Role"].select("name", "key").iter_rows() if key.startswith(_ROLE) and "@" not in key) if "Role" in nodes else []
    others = [key for label in (*_TENANTS_OWN, "Service") if label in nodes for key in nodes[label]["key"] if _names_one(key)]
    if roles and others:
        said.append(f"{_some(roles)}: directory roles of a tenant that no source names, and the case has several; load them with their users, or say --mailbox")
    return said


def _names_one(key: str) -> bool:
    """Whether a key names a tenant, or a mail system that could be one's."""
    return key.startswith((_ROLE, _TENANT, _SYSTEM)) and bool(_whose(key) if not key.startswith(_SYSTEM) else key.removeprefix(_SYSTEM))


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def _entries(nodes: Tables, edges: Tables) -> pl.DataFrame:
    """Distinguished names that facts use -> the entry that has each, where just one has."""
    used = {key for frame in edges.values() for side in ("from_key", "to_key") for key in frame.filter(pl.col(side).str.starts_with(_DN))[side].to_list()}
    if not used:
        return pl.DataFrame(schema=_RENAMED)
    frames = [nodes[label].select("key", "dn", pl.lit(label).alias("kind")).drop_nulls("dn") for label in _ENTRIES]
    known = pl.concat(frames).filter(~pl.col("key").str.starts_with(_DN)).unique()
    # An entry may be known by its SID and, from an export without SIDs, by its address: the SID goes first.
    by_sid = pl.col("key").str.starts_with("ad:")
    kept = known.filter(by_sid | ~by_sid.any().over("dn"))
    wanted = pl.DataFrame({"dn": sorted(key.removeprefix(_DN) for key in used)}, schema={"dn": pl.String})
    once = kept.join(wanted, on="dn", how="semi", maintain_order="left").filter(pl.col("key").n_unique().over("dn") == 1).sort("dn")
    return once.select(pl.format("dn:{}", "dn").alias("key"), pl.col("key").alias("new"), "kind", pl.lit("named by its distinguished name").alias("why"))


def _of_tenants(nodes: Tables, edges: Tables) -> pl.DataFrame:
    """Keys of roles and tenants -> those they should have."""
    keys = {label: _keys(label, nodes, edges) for label in _TENANTS_OWN}
    called = {key: _whose(key) for label in _TENANTS_OWN for key in keys[label] if key.startswith((_ROLE, _TENANT))}
    if not called:
        return pl.DataFrame(schema=_RENAMED)
    named = {name for name in called.values() if name}
    systems = {key.removeprefix(_SYSTEM) for key in _keys("Service", nodes, edges) if key.startswith(_SYSTEM)} - {""}
    one = components((a, b) for a, b, _ in tenants.links(edges) if {a, b} <= named | systems)
    sets: dict[str, set[str]] = {}
    for name in named | systems:
        sets.setdefault(one.get(name, name), set()).add(name)
    first = {name: tenants.first_name(names) for names in sets.values() for name in names}
    choice = {first[name] for name in named} or {first[name] for name in systems}
    only = choice.pop() if len(choice) == 1 else ""
    rows = []
    for label in _TENANTS_OWN:
        for key in sorted(keys[label] & called.keys()):
            whose = called[key]
            meant = first[whose] if whose else only
            if meant != whose:
                why = f"the tenant is also called {whose}" if whose else "of the only tenant of the case"
                rows.append((key, _with(key, whose, meant), label, why))
    return pl.DataFrame(rows, schema=_RENAMED, orient="row")


def _keys(label: str, nodes: Tables, edges: Tables) -> set[str]:
    found = set(nodes[label]["key"].to_list()) if label in nodes else set()
    for type_, frame in edges.items():
        for end, side in enumerate(("from", "to")):
            if any(pair[end] == label for pair in EDGES[type_].pairs):
                found.update(frame.filter(pl.col(f"{side}_label") == label)[f"{side}_key"].unique().to_list())
    return found


def _whose(key: str) -> str:
    return key.removeprefix(_TENANT) if key.startswith(_TENANT) else key.rpartition("@")[2] if "@" in key else ""


def _with(key: str, whose: str, meant: str) -> str:
    if key.startswith(_TENANT):
        return identity.tenant_key(meant)
    return identity.role_key("entra", key.removeprefix(_ROLE).removesuffix(f"@{whose}" if whose else ""), meant)


def _renamed_nodes(frame: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    if not names.height or not frame.height:
        return frame
    both = frame.join(names.select("key", "new"), on="key", how="left", maintain_order="left").with_columns(pl.coalesce("new", "key").alias("key")).drop("new")
    rest = [column for column in frame.columns if column != "key"]
    # What a source says under the name itself goes before what another says under a name that was replaced.
    ordered = both.with_columns(pl.Series("_moved", frame["key"] != both["key"])).sort("_moved", maintain_order=True)
    return ordered.group_by("key", maintain_order=True).agg(pl.col(column).drop_nulls().first() for column in rest).select(frame.columns)


def _renamed(type_: str, frame: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    either = pl.col("from_key").is_in(names["key"].implode()) | pl.col("to_key").is_in(names["key"].implode())
    rows = frame.filter(either)
    if not rows.height:
        return frame
    for side in ("from", "to"):
        known = names.rename({"key": f"{side}_key", "new": "_new", "kind": "_kind", "why": "_why"})
        rows = rows.join(known, on=f"{side}_key", how="left", maintain_order="left").with_columns(
            pl.coalesce("_new", f"{side}_key").alias(f"{side}_key"), pl.coalesce("_kind", f"{side}_label").alias(f"{side}_label"),
            pl.when(pl.col("_why").is_null()).then("place").otherwise(pl.format("{}; {}", "place", "_why")).alias("place"),
        ).drop("_new", "_kind", "_why")  # fmt: skip
    allowed = pl.DataFrame(EDGES[type_].pairs, schema=["from_label", "to_label"], orient="row")
    rows = rows.join(allowed, on=["from_label", "to_label"], how="semi", maintain_order="left")
    full = pl.concat([frame.filter(~either), rows.with_columns(fact_ids(type_, rows)).select(frame.columns)])
    return full.sort("fact", "source", "place", "record", nulls_last=True).unique(subset="fact", keep="first", maintain_order=True)
