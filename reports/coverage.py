"""What the loaded sources saw, and what they did not: it stands beside every number."""

from __future__ import annotations

from typing import Any

import polars as pl

from graphmodel.kinds import COVERAGE
from graphmodel.times import to_iso

# Which sources a number of reached nodes leans on. Where one is missing, the number may be too small.
LEANS_ON: dict[str, tuple[str, ...]] = {
    "Account": ("accounts", "groups", "sessions", "server administrators", "directory rights"),
    "Mailbox": ("mailboxes", "mailbox rights", "groups", "mail hosts", "exchange administrators"),
    "Group": ("groups", "directory rights"),
    "Container": ("directory rights",),
    "Server": ("servers", "server administrators", "groups", "directory rights"),
    "Service": ("remote access", "groups"),
    "Rule": ("inbox rules", "forwarding"),
    "File": ("servers",),
    "Correspondent": ("mail headers", "message trace"),
}


def coverage(rows: pl.DataFrame, start: int, until: int | None) -> list[dict[str, Any]]:
    """For each word of COVERAGE: `what`, `status` (collected | partial | not collected), `missing`, `detail`, `first`, `last`.

    `missing`: what makes it partial, in words; `detail`: that and the sources' own notes.

    `rows`: the LogCoverage nodes; `start`, `until`: the window in seconds, which a log of mail should cover.
    """
    return [_one(what, rows.filter(pl.col("what") == what), start, until) for what in COVERAGE]


def _one(what: str, rows: pl.DataFrame, start: int, until: int | None) -> dict[str, Any]:
    if not rows.height:
        return {"what": what, "status": "not collected", "missing": "", "detail": "no loaded source speaks of it", "first": None, "last": None}
    first, last = _bound(rows["first"].min()), _bound(rows["last"].max())
    missing, collected = int(rows["missing"].sum() or 0), int(rows["collected"].sum() or 0)
    said = []
    if missing:
        said.append(f"{missing:,} of {missing + collected:,} were not asked")
    if rows["capped"].any():
        said.append("an export stopped at a known limit")
    if what == "message trace" and first is not None and last is not None:
        said += _gaps(first, last, start, until)
    notes = sorted({note for note in rows["note"].to_list() if note})
    status = "partial" if said else "collected"
    return {"what": what, "status": status, "missing": "; ".join(said), "detail": "; ".join(said + notes), "first": to_iso(first), "last": to_iso(last)}


def _bound(value: Any) -> int | None:
    return None if value is None else int(value)


def _gaps(first: int, last: int, start: int, until: int | None) -> list[str]:
    said = []
    if first > start:
        said.append(f"nothing before {to_iso(first)}")
    if until is not None and last < until - 86400:
        said.append(f"nothing after {to_iso(last)}")
    return said


def beside(kind: str, table: list[dict[str, Any]]) -> list[str]:
    """What to print beside a number of `kind`: `sessions not collected`, `server administrators: 21 of 34 were not asked`."""
    by_what = {row["what"]: row for row in table}
    said = []
    for what in LEANS_ON.get(kind, ()):
        row = by_what[what]
        if row["status"] == "not collected":
            said.append(f"{what} not collected")
        elif row["status"] == "partial":
            said.append(f"{what}: {row['missing']}")
    return said
