"""Who is meant by an address: groups to which a right was given by their address, recipients that Exchange names by a legacyExchangeDN.

A right export gives trustees by address and does not say of what kind they are; a rule may name its target `/o=…/cn=…`. Both are joined
where an export tells whose address that is, in any order of loads, and by the facts that say so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from graphmodel import identity
from graphmodel.pairs import ROWS, pairs, stars

Tables = dict[str, pl.DataFrame]

_GUID = re.compile(r"^group:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$")
_BY_ADDRESS = ("account:", "upn:")
_SMTP, _X500, _WRAPPED = "smtp:", "x500:", "smtp:imceaex-"
_OWN = ("primary", "mail", "upn")


def same_groups(has_address: pl.DataFrame) -> pl.DataFrame:
    """Groups of different directories with one primary address; not where one directory has two of them."""
    own = has_address.filter((pl.col("from_label") == "Group") & pl.col("type").is_in(_OWN))
    space = [_space(key) for key in own["from_key"]]
    known = own.select(pl.col("to_key").alias("address"), pl.col("from_key").alias("key"), "fact").with_columns(pl.Series("space", space, dtype=pl.String))
    twice = known.group_by("address", "space").agg(pl.col("key").n_unique().alias("n")).filter(pl.col("n") > 1).select("address")
    found = stars(known.join(twice, on="address", how="anti"), "address")
    reason = pl.format("both have the address {}", pl.col("address").str.strip_prefix(_SMTP))
    return pairs(found.with_columns(reason.alias("reason")), "Group", "joined:address")


def is_exchange_name(key: str) -> bool:
    """Whether a correspondent's key is no address of its own: a legacyExchangeDN, bare or wrapped in an address."""
    return key.startswith((_X500, _WRAPPED))


def _space(key: str) -> str:
    return "ad" if key.startswith("ad:") else "id" if _GUID.match(key) else "address" if "@" in key else "name"


def groups_meant(nodes: Tables, edges: Tables, one: Mapping[str, str]) -> pl.DataFrame:
    """SAME_IDENTITY rows from an account that is known by an address alone to the group that has this address."""
    rows = [(account, next(iter(groups)), f"the address {address} is the group's", [fact]) for address, account, groups, others, fact in _meant(nodes, edges, one)
            if len({one.get(group, group) for group in groups}) == 1 and not others]  # fmt: skip
    return pairs(pl.DataFrame(sorted(rows), schema=ROWS, orient="row"), "Account", "joined:address of a group", "Group")


def ambiguous_groups(nodes: Tables, edges: Tables, one: Mapping[str, str]) -> list[str]:
    """Addresses of which a right may be a group's or another's: not joined, one line each."""
    said = {}
    for address, _, groups, others, _ in _meant(nodes, edges, one):
        several = len({one.get(group, group) for group in groups}) > 1
        if several or others:
            who = f"{len(groups)} groups have" if several else f"a group and {others[0]} have"
            said[address] = f"{address}: {who} this address, and a right given to it was joined to none; correct the address in one of the exports"
    return [said[address] for address in sorted(said)]


def _meant(nodes: Tables, edges: Tables, one: Mapping[str, str]) -> list[tuple[str, str, list[str], list[str], str]]:
    """(address, account known by it alone, groups that have it, other accounts that have it, a fact that says so)."""
    if "HAS_ADDRESS" not in edges or "Account" not in nodes:
        return []
    has = edges["HAS_ADDRESS"].select("from_label", "from_key", "to_key", "type", "fact")
    of_groups: dict[str, dict[str, str]] = {}
    for key, to, fact in has.filter(pl.col("from_label") == "Group").select("from_key", "to_key", "fact").sort("from_key", "fact").iter_rows():
        of_groups.setdefault(to.removeprefix(_SMTP), {}).setdefault(key, fact)
    if not of_groups:
        return []
    named = {f"{prefix}{address}" for address in of_groups for prefix in _BY_ADDRESS}
    candidates = nodes["Account"].filter(pl.col("key").is_in(sorted(named)))
    existing, bare = set(candidates["key"]), _bare(candidates, edges)
    claims: dict[str, set[str]] = {}
    smtp = [f"{_SMTP}{address}" for address in of_groups]
    accounts = has.filter((pl.col("from_label") == "Account") & pl.col("type").is_in(_OWN) & pl.col("to_key").is_in(smtp))
    for key, to in accounts.select("from_key", "to_key").iter_rows():
        claims.setdefault(to.removeprefix(_SMTP), set()).add(key)
    found = []
    for account in sorted(bare):
        address = account.partition(":")[2]
        others = sorted(key for key in claims.get(address, set()) | ({f"{prefix}{address}" for prefix in _BY_ADDRESS} & existing) if key not in bare)
        groups = of_groups[address]
        found.append((address, account, sorted(groups), others, groups[min(groups)]))
    return found


def _bare(accounts: pl.DataFrame, edges: Tables) -> set[str]:
    """Those of which no source says anything an account only has: a mailbox, a directory's id, something it did."""
    found = set(accounts.filter(pl.col("object_id").is_null() & pl.col("sam").is_null() & pl.col("password_set").is_null())["key"])
    for type_, role in (("OWNS", None), ("OBSERVED", "actor"), ("SESSION_ON", None), ("CONSENTED", None)):
        if type_ in edges:
            rows = edges[type_] if role is None else edges[type_].filter(pl.col("role") == role)
            found -= set(rows["to_key" if role else "from_key"].unique())
    return found


def x500_addresses(correspondents: pl.DataFrame, has_address: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(SAME_IDENTITY, HAS_ADDRESS) rows of recipients that are named by a legacyExchangeDN, where an export tells whose it is.

    The DN is joined to the primary address of the mailbox or group that has it; so is each address that Exchange wrapped it in
    (`IMCEAEX-…`), which becomes an address of that mailbox too.
    """
    x500 = has_address.filter(pl.col("to_key").str.starts_with(_X500) & pl.col("from_label").is_in(["Mailbox", "Group"]))
    owners = x500.sort("to_key", "from_label", "from_key", "fact", descending=[False, True, False, False])
    owners = owners.select(pl.col("to_key").alias("dn"), "from_label", "from_key", pl.col("fact").alias("dn_fact"))
    primary = has_address.filter(pl.col("type").is_in(_OWN) & pl.col("to_key").str.starts_with(_SMTP) & ~pl.col("to_key").str.starts_with(_WRAPPED))
    primary = primary.sort("from_key", pl.col("type") != "primary", "to_key", "fact").unique("from_key", keep="first", maintain_order=True)
    both = owners.join(primary.select("from_key", pl.col("to_key").alias("smtp"), "fact"), on="from_key", maintain_order="left")
    one = both.unique("dn", keep="first", maintain_order=True)
    joined: list[tuple[str, str, str, list[str] | None]] = [(smtp, dn, f"{owner} has both addresses", [fact, dn_fact]) for dn, owner, smtp, fact, dn_fact in one.select("dn", "from_key", "smtp", "fact", "dn_fact").iter_rows()]
    wrapped = {key: dn for key in correspondents["key"] if key.startswith(_WRAPPED) and (dn := identity.exchange_dn(key.removeprefix(_SMTP)))}
    holders: dict[str, list[tuple[str, str, str]]] = {}
    for dn, label, key, fact in owners.iter_rows():
        holders.setdefault(dn, []).append((label, key, fact))
    known = []
    for key, dn in sorted(wrapped.items()):
        joined.append((f"{_X500}{dn}", key, "the address holds the legacyExchangeDN", None))
        known += [(label, owner, "Correspondent", key, "x500") for label, owner, _ in holders.get(f"{_X500}{dn}", ())]
    same = pairs(pl.DataFrame(joined, schema=ROWS, orient="row"), "Correspondent", "joined:legacyExchangeDN")
    schema = dict.fromkeys(("from_label", "from_key", "to_label", "to_key", "type"), pl.String)
    has = pl.DataFrame(known, schema=schema, orient="row").unique(maintain_order=True)
    return same, has.with_columns(pl.lit("joined:legacyExchangeDN").alias("source"), pl.lit("the address holds it").alias("place"))


def unknown_x500(nodes: Tables, edges: Tables) -> list[str]:
    """Recipients that are named by a legacyExchangeDN and that no export gives an address: one line."""
    if "Correspondent" not in nodes:
        return []
    known: set[str] = set()
    for type_, sides in (("HAS_ADDRESS", ("to_key",)), ("SAME_IDENTITY", ("from_key", "to_key"))):
        if type_ in edges:
            rows = edges[type_].filter(pl.col("source") != "joined:legacyExchangeDN") if type_ == "SAME_IDENTITY" else edges[type_]
            known.update(key for side in sides for key in rows.filter(pl.col(side).str.starts_with(_X500))[side].to_list())
    open_ = sorted(key.removeprefix(_X500) for key in nodes["Correspondent"]["key"] if key.startswith(_X500) and key not in known)
    if not open_:
        return []
    some = ", ".join(open_[:3]) + (f" and {len(open_) - 3:,} more" if len(open_) > 3 else "")
    return [f"{some}: recipients by legacyExchangeDN whose address no export tells; load Get-Mailbox with EmailAddresses or LegacyExchangeDN, or LDIF"]
