"""Where what is said was read: every fact leads to file and place, a derived one through the facts that carry it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphmodel.store.port import Store
from queries.run import read

Places = list[tuple[str, str]]
Stated = Callable[[str, str], Places]
"""(label, key) -> (source, place) of each load that states the node."""

_DEEPEST = 4  # derived facts that lean on derived facts: mailboxes joined by an address that an account was joined by
_MESSAGES = 20


def places(store: Store, facts: Sequence[str], stated: Stated) -> list[dict[str, Any]]:
    """`fact, source, place` for each place where a fact, or one that carries it, was read; sorted.

    A fact that was derived from what nodes say (a name in common) is followed by its reason and the places of both nodes. One that
    counts messages leads to the first of them. `source` is format and file.
    """
    found: set[tuple[str, str, str]] = set()
    asked = {fact: {fact} for fact in facts}  # fact to read -> facts that lean on it
    for _ in range(_DEEPEST):
        rows = read(store, "facts_behind", facts=sorted(asked)).to_dicts() if asked else []
        deeper: dict[str, set[str]] = {}
        for row in rows:
            for carried in row["because"] or ():
                deeper.setdefault(carried, set()).update(asked[row["fact"]])
            if not row["because"]:
                found.update((fact, *place) for fact in asked[row["fact"]] for place in _places(store, row, stated))
        asked = deeper
    return [{"fact": fact, "source": source, "place": place} for fact, source, place in sorted(found)]


def _places(store: Store, row: dict[str, Any], stated: Stated) -> Places:
    source = row["source"] or ""
    if source.startswith("counted:"):
        mail = read(store, "facts_of_correspondence", mailbox=row["from_key"], address=row["to_key"], limit=_MESSAGES)
        return [(s or "", p or "") for s, p in mail.select("source", "place").iter_rows()]
    if not source.startswith("joined:"):
        return [(source, row["place"] or "")]
    ends = [*stated(row["from_kind"], row["from_key"]), *stated(row["to_kind"], row["to_key"])]
    return [(source, row["reason"] or row["place"] or ""), *ends]
