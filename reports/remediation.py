"""When the attacker lost what he had: remediations as times at which a foothold ends (steps.md, the remediation trap)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

# A new password alone leaves the sessions open, so for an account it takes both, unless it was switched off.
_ALONE = {"disable", "remove", "reimage", "rotate"}


def remediated(rows: pl.DataFrame, identity: Mapping[str, str]) -> dict[str, list[int]]:
    """Key (of `identity`, or its own) -> the times from which a foothold on it is gone, sorted.

    `rows`: `target, kind, what, at`. An account is clean again once its password was reset *and* its sessions were revoked: at the later
    of the two, each paired with the last of the other before it. Whatever else is done to something counts by itself.
    """
    found: dict[str, set[int]] = {}
    halves: dict[str, list[tuple[int, str]]] = {}
    for target, kind, what, at in rows.drop_nulls("at").select("target", "kind", "what", "at").iter_rows():
        key = identity.get(target, target)
        if what in _ALONE or kind != "Account":
            found.setdefault(key, set()).add(at)
        else:
            halves.setdefault(key, []).append((at, what))
    for key, events in halves.items():
        found.setdefault(key, set()).update(_both(sorted(events)))
    return {key: sorted(times) for key, times in found.items() if times}


def _both(events: Iterable[tuple[int, str]]) -> Iterable[int]:
    """The times at which the second of reset and revoke was done; then both must be done again."""
    done: set[str] = set()
    for at, what in events:
        done.add(what)
        if {"reset", "revoke"} <= done:
            yield at
            done = set()
