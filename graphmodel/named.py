"""Mailboxes and accounts that an export calls by a name (`Suzuki Ichiro`, `contoso.example/Users/ISuzuki`) and no address.

They are joined to the one mailbox or account of that name, alias or canonical tail, with the reason; where several are called so, none is
(`ambiguous_names` lists them). A display name is the last resort, so anything with an address of its own is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

Claims = dict[str, set[str]]
"""Name as written in keys -> keys of the things that are called so."""

_PREFIX = {"Mailbox": "mailbox:", "Account": "account:"}
_CALLED = {"Mailbox": ("name", "address"), "Account": ("name", "sam", "upn", "email")}


def same_named(label: str, nodes: pl.DataFrame, has_address: pl.DataFrame, identity: Mapping[str, str]) -> pl.DataFrame:
    """SAME_IDENTITY rows (`from_key, to_key, reason, because`) of a label. `identity`: key -> one key for all its names so far."""
    rows = []
    for key, text, found in _matches(label, nodes, has_address, identity):
        if len(found) == 1:
            rows.append((min(found), key, f"the only {label.lower()} called {text}", None))
    schema: dict[str, Any] = {"from_key": pl.String, "to_key": pl.String, "reason": pl.String, "because": pl.List(pl.String)}
    return pl.DataFrame(sorted(rows), schema=schema, orient="row")


def ambiguous_names(label: str, nodes: pl.DataFrame, has_address: pl.DataFrame, identity: Mapping[str, str]) -> list[str]:
    """What could be several: to be reported (`hakyu doctor`)."""
    matches = _matches(label, nodes, has_address, identity)
    return [f"{text}: {len(found)} {label.lower()}s are called so, none was joined; name the one meant by its address" for _, text, found in matches if len(found) > 1]


def _matches(label: str, nodes: pl.DataFrame, has_address: pl.DataFrame, identity: Mapping[str, str]) -> list[tuple[str, str, set[str]]]:
    """(key, name, identities that are called so) of each thing that is known by a name alone."""
    prefix = _PREFIX[label]
    addressed = set(has_address.filter(pl.col("from_label") == label)["from_key"])
    known: Claims = {}
    named: list[str] = []
    for row in nodes.select("key", *_CALLED[label]).iter_rows():
        key = row[0]
        if key in addressed or not key.startswith(prefix) or "@" in key:
            for name in _names(row[1:]):
                known.setdefault(name, set()).add(identity.get(key, key))
        elif "\\" not in key and not any(row[2:]):
            named.append(key)
    found = []
    for key in sorted(named):
        text = " ".join(key.removeprefix(prefix).split())
        # A canonical name's tail is the name or alias: `contoso.example/Users/Suzuki Ichiro`.
        hits = known.get(text) or known.get(text.rpartition("/")[2]) or set()
        if hits:
            found.append((key, text, hits))
    return found


def _names(cells: tuple[str | None, ...]) -> set[str]:
    """What a thing is called, as keys are written; of an address also the part before the @, which most aliases are."""
    plain = {" ".join(cell.split()).casefold() for cell in cells if cell}
    return plain | {text.rpartition("@")[0] for text in plain if "@" in text}
