"""Whom an analyst means: a key, an address, a host name or a name, as one identity of the case."""

from __future__ import annotations

import polars as pl

from graphmodel import identity
from graphmodel.errors import UsageError
from graphmodel.store.port import Store
from queries.run import read
from reports.casegraph import identities_of

_PREFERRED = ("upn", "entra", "ad", "account")


def find(store: Store, who: str) -> list[str]:
    """The key of whom `who` names: a key, an address, or a name. One key, since names of one identity reach each other.

    Raises UsageError when nobody, or more than one identity, is meant.
    """
    nodes = store.nodes().filter(pl.col("kind").is_in(["Account", "Mailbox", "Server", "Group", "App", "Secret", "Service"]))
    named_host = identity.host(who)
    exact = nodes.filter(pl.col("key").is_in([who, identity.host_key(named_host)] if named_host else [who]))
    address = identity.address(who)
    if not exact.height and address:
        owners = read(store, "addresses_of", address=identity.smtp_key(address)).filter(pl.col("kind").is_in(["Account", "Mailbox"]))
        exact = _accounts_first(owners)
    if not exact.height:
        exact = _accounts_first(nodes.filter(pl.col("name").str.to_lowercase() == who.strip().lower()))
    if not exact.height:
        raise UsageError(f"{who!r} is nobody the case knows; {_hint(nodes, who.strip().lower())}")
    candidates = _one_identity(store, sorted(exact["key"].to_list(), key=_rank))
    if len(candidates) > 1:
        raise UsageError(f"{who!r} could be {', '.join(candidates)}; give the key of the one you mean")
    return candidates


def _hint(nodes: pl.DataFrame, part: str) -> str:
    """What to give instead of `part` (lower case): three accounts or servers whose name or key it is a part of."""
    held = [pl.col(column).str.to_lowercase().str.contains(part, literal=True) for column in ("name", "key")]
    near = nodes.filter(pl.col("kind").is_in(["Account", "Server"]) & pl.any_horizontal(held)).sort("key").head(3)
    told = [name if part in (name or "").lower() else key.partition(":")[2] for name, key in near.select("name", "key").iter_rows()]
    return f"did you mean {', '.join(dict.fromkeys(told))}?" if told and part else "give an address, a name or a key that the case holds"


def _accounts_first(found: pl.DataFrame) -> pl.DataFrame:
    """Only the accounts, where there are some: whoever names a person means the account, not the mailbox of that name."""
    return found.filter(pl.col("kind") == "Account") if (found["kind"] == "Account").any() else found


def _rank(key: str) -> tuple[int, str]:
    prefix = key.partition(":")[0]
    return (_PREFERRED.index(prefix) if prefix in _PREFERRED else len(_PREFERRED), key)


def _one_identity(store: Store, keys: list[str]) -> list[str]:
    """Of keys that are one identity (joined by SAME_IDENTITY), the first; others stay."""
    if len(keys) == 1:
        return keys
    one = identities_of(store)
    return list({one.get(key, key): key for key in reversed(keys)}.values())[::-1]
