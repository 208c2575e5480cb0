"""Events and snapshots of the same right become its intervals, whatever files they were read from (formats.md 0.3.6).

A log says that something began (`valid_from` alone) or ended (`valid_until` alone); a list states whole intervals; an export says that it
holds, without a time. Of one right (type, ends, and what tells two rights apart):

- a beginning is joined to the next end; one that is said twice counts once; an end without a beginning ends what began at an unknown time;
- an export is taken after the events, unless it says when: what it lists and a log ended before holds again since that end;
- an export that says when it was taken, asked the node, and does not list a right that a log saw begin before: gone by then.

Rights of which no source gives half an interval are left as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

Tables = dict[str, pl.DataFrame]
Row = dict[str, Any]

# Rights, and the properties that tell two rights between the same ends apart.
RIGHTS: dict[str, str | None] = {
    "OWNS": None, "FULL_ACCESS": None, "SEND_AS": None, "SEND_ON_BEHALF": None, "FOLDER_RIGHT": "folder", "MEMBER_OF": None,
    "FORWARDS_TO": None, "PASSES_THROUGH": None, "SIGNS_IN_TO": "via", "CONSENTED": "scope", "APP_SCOPE": "scope delegated", "HAS_ROLE": None,
    "ADMIN_TO": None, "SESSION_ON": None, "HOSTS": None, "RESETS_BY": None, "CONTROLS": "right",
}  # fmt: skip
# The word of COVERAGE that an export of such rights speaks of, and the end that it was asked about.
_ASKED = {
    "FULL_ACCESS": ("mailbox rights", "to"), "SEND_AS": ("send rights", "to"), "SEND_ON_BEHALF": ("send rights", "to"),
    "FOLDER_RIGHT": ("folder rights", "to"), "FORWARDS_TO": ("forwarding", "from"), "MEMBER_OF": ("groups", "to"), "HAS_ROLE": ("roles", "to"),
    "APP_SCOPE": ("app permissions", "from"), "CONSENTED": ("app permissions", "to"), "ADMIN_TO": ("server administrators", "to"),
}  # fmt: skip


@dataclass(frozen=True)
class Snapshots:
    """Exports that say when they were taken.

    `taken`: word of COVERAGE -> (time, load); `asked`: load -> keys of nodes it states; `source_loads`: `source` of a fact -> its load,
    where that is one of them.
    """

    taken: Mapping[str, list[tuple[int, str]]]
    asked: Mapping[str, frozenset[str]]
    source_loads: Mapping[str, str]

    def time_of(self, row: Row, word: str) -> int | None:
        """When the export that a row is from was taken; None: not known."""
        load = self.source_loads.get(row["source"])
        return next((time for time, other in self.taken.get(word, ()) if other == load), None)

    def gone_by(self, word: str, key: str, since: int) -> int | None:
        """The earliest export after `since` that asked about the node `key`."""
        return min((time for time, load in self.taken.get(word, ()) if time > since and key in self.asked[load]), default=None)


_START = -(2**62)
NONE = Snapshots({}, {}, {})


def intervals(type_: str, frame: pl.DataFrame, snapshots: Snapshots = NONE) -> pl.DataFrame:
    """The facts of a type with half-known intervals joined; rows that are new have an empty `fact`."""
    if type_ not in RIGHTS:
        return frame
    half = pl.col("valid_from").is_null() != pl.col("valid_until").is_null()
    apart = (RIGHTS[type_] or "").split()
    same = ["from_label", "from_key", "to_label", "to_key", *apart]
    word, end = _ASKED.get(type_, ("", "to"))
    halves = frame.select(*same, half.alias("half"))
    if word not in snapshots.taken:  # a right of which there is one fact is as it says
        halves = halves.filter(pl.struct(same).is_duplicated())
    touched = halves.filter("half").select(same).unique()
    if not touched.height:
        return frame
    keep = frame.join(touched, on=same, how="anti", nulls_equal=True)
    joined: list[Row] = []
    for part in frame.join(touched, on=same, how="semi", nulls_equal=True).partition_by(same, maintain_order=True):
        joined += _joined(part.to_dicts(), word, end, snapshots)
    return pl.concat([keep, pl.DataFrame(joined, schema=frame.schema, orient="row")])


def _joined(rows: list[Row], word: str, end: str, snapshots: Snapshots) -> list[Row]:
    whole = [row for row in rows if row["valid_from"] is not None and row["valid_until"] is not None]
    begins = [row for row in rows if row["valid_from"] is not None and row["valid_until"] is None]
    ends = [row for row in rows if row["valid_from"] is None and row["valid_until"] is not None]
    states = [row for row in rows if row["valid_from"] is None and row["valid_until"] is None]
    begins = [row for row in begins if not any(w["valid_from"] <= row["valid_from"] <= w["valid_until"] for w in whole)]
    ends = [row for row in ends if not any(w["valid_from"] < row["valid_until"] <= w["valid_until"] for w in whole)]
    found = _swept(begins, ends)
    last = max((row["valid_until"] for row in [*found, *whole] if row["valid_until"] is not None), default=None)
    still = next((row for row in found if row["valid_until"] is None), None)
    if still is None and states:
        # Listed as holding: after the last end, unless the export says that it was taken before.
        later = [row for row in states if (taken := snapshots.time_of(row, word)) is None or last is None or taken >= last]
        found += [_changed(later[0], valid_from=last)] if later else []
    elif still is not None and not states:
        gone = snapshots.gone_by(word, still[f"{end}_key"], still["valid_from"]) if still["valid_from"] is not None else None
        if gone is not None:
            found[found.index(still)] = _changed(still, valid_until=gone, place=f"{still['place']}; not in the export of that time")
    return [*whole, *found]


def _swept(begins: list[Row], ends: list[Row]) -> list[Row]:
    """Beginnings and ends in order of time, an end before a beginning at the same second; said twice is said once."""
    events = [(row["valid_until"], 0, row) for row in ends] + [(row["valid_from"], 1, row) for row in begins]
    found: list[Row] = []
    begun: Row | None = None
    for time, begins_, row in sorted(events, key=lambda event: (event[0], event[1], str(event[2]["source"]), str(event[2]["place"]))):
        if begins_:
            begun = begun or row
        elif begun is not None:
            where = row["place"] if row["source"] == begun["source"] else f"{row['source']} {row['place']}"
            found.append(_changed(begun, valid_until=time, place=f"{begun['place']}; ended: {where}"))
            begun = None
        elif not found:
            found.append(row)
    return found if begun is None else [*found, begun]


def _changed(row: Row, **values: Any) -> Row:
    """A row that says something else: a fact of its own."""
    return row if all(row[name] == value for name, value in values.items()) else row | values | {"fact": ""}


def without_removed(edges: Tables, remediations: pl.DataFrame) -> Tables:
    """The rights to and from what was removed (a rule, an application) end when it was; what begins later stays.

    So does what a message says of a credential that was rotated: it holds the old value, wherever else the new one is kept.

    `remediations`: nodes, with `key, what, at`. Rows that are new have an empty `fact`.
    """
    if "REMEDIATES" not in edges:
        return edges
    done = edges["REMEDIATES"].select("from_key", pl.col("to_key").alias("gone"), pl.col("source").alias("by"), pl.col("place").alias("by_place"))
    removed, rotated = (_done(done, remediations, what) for what in ("remove", "rotate"))
    return {
        type_: _cut(frame, removed, "removed") if removed.height and type_ in RIGHTS
        else _cut(frame, rotated, "rotated") if rotated.height and type_ == "CONTAINS_SECRET" else frame
        for type_, frame in edges.items()
    }  # fmt: skip


def _done(done: pl.DataFrame, remediations: pl.DataFrame, what: str) -> pl.DataFrame:
    """gone, at, by, by_place of the remediations of one kind, each once, sorted by `at`."""
    times = remediations.filter(pl.col("what") == what).drop_nulls("at").select(pl.col("key").alias("from_key"), "at")
    return done.join(times, on="from_key").sort("at", "by", "by_place").unique(subset=["gone", "at"], keep="first", maintain_order=True).drop("from_key")


def _cut(frame: pl.DataFrame, removed: pl.DataFrame, word: str) -> pl.DataFrame:
    """End each row at the first removal of one of its ends after it began; `removed` is sorted by `at`, `word` says what was done."""
    for end in ("from_key", "to_key"):
        began = frame.with_columns(pl.col("valid_from").fill_null(_START).alias("began")).sort("began", "fact")
        both = began.join_asof(
            removed, left_on="began", right_on="at", by_left=end, by_right="gone", strategy="forward", allow_exact_matches=False, check_sortedness=False
        )  # fmt: skip
        cut = pl.col("at").is_not_null() & (pl.col("valid_until").is_null() | (pl.col("valid_until") > pl.col("at")))
        frame = both.with_columns(
            pl.when(cut).then("at").otherwise("valid_until").alias("valid_until"),
            pl.when(cut).then(pl.format(f"{{}}; {word}: {{}} {{}}", "place", "by", "by_place")).otherwise("place").alias("place"),
            pl.when(cut).then(pl.lit("")).otherwise("fact").alias("fact"),
        ).select(frame.columns)
    return frame
