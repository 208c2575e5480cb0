"""Who is disclosed: the external correspondents of the messages in held mailboxes, and of mail that passed a held place.

At rest: holding a mailbox at a time discloses every message retained then, however old. In transit: only what passes meanwhile.
Persons, addresses, messages and organisations are counted separately: they are different numbers.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from graphmodel.identity import country_name
from graphmodel.store.port import Store
from graphmodel.times import to_iso
from queries.run import read
from reports.spans import Span

Interval = Span
_FOREVER = 2**62
_BATCH = 500


Folders = dict[tuple[str, str], list[Interval]]
"""(mailbox key, folder as `folder_name` gives it) -> disjoint intervals."""


def folder_name(path: str | None) -> str:
    r"""A folder's path in one spelling: `\\Inbox`, `/Inbox` and `inbox` are one."""
    return "/".join(part for part in (path or "").replace("\\", "/").casefold().split("/") if part)


def messages_disclosed(
    store: Store, held: dict[str, list[Interval]], in_transit: dict[str, list[Interval]], in_part: Folders | None = None
) -> tuple[pl.DataFrame, set[str]]:
    """One row a (mailbox, message) that was disclosed: `mailbox, message, distinct, at, since, vantage`; and the mailboxes with any message.

    `at`: when it came in; `since`: from when it was disclosed, which is then or when the mailbox was first held.
    `held`, `in_transit`: mailbox key -> disjoint intervals in seconds during which it was held, or its passing mail seen; `in_part`: single
    folders that could be read, whose mail is disclosed at rest.
    """
    keys = sorted({*held, *in_transit, *(mailbox for mailbox, _ in in_part or ())})
    parts = [read(store, "held_messages", mailboxes=keys[i : i + _BATCH]) for i in range(0, len(keys), _BATCH)]
    if not parts:
        schema = {"mailbox": pl.String, "message": pl.String, "distinct": pl.String, "at": pl.Int64, "since": pl.Int64, "vantage": pl.String}
        return pl.DataFrame(schema=schema), set()
    mail = pl.concat(parts, how="vertical_relaxed").with_columns(
        pl.coalesce("content", "message").alias("distinct"),
        pl.coalesce("delivered", "sent").cast(pl.Int64).alias("at"),
        pl.col("purged").cast(pl.Int64),
    )
    # A message without a time counts as there from the start; one not known to be purged counts as there for good.
    whole = mail.join(_frame(held), on="mailbox")
    parted = mail.with_columns(pl.col("folder").map_elements(folder_name, pl.String, skip_nulls=False)).join(_folders(in_part or {}), on=["mailbox", "folder"])
    rested = pl.concat([whole.drop("folder"), parted.drop("folder")]).filter(
        pl.max_horizontal(pl.col("at").fill_null(-_FOREVER), "start") < pl.min_horizontal(pl.col("purged").fill_null(_FOREVER), "stop")
    )
    passed = mail.join(_frame(in_transit), on="mailbox").filter((pl.col("at") >= pl.col("start")) & (pl.col("at") < pl.col("stop")))
    passed = passed.drop("folder")
    both = pl.concat([rested.with_columns(pl.lit("at rest").alias("vantage")), passed.with_columns(pl.lit("in transit").alias("vantage"))])
    since = pl.max_horizontal(pl.col("at").fill_null(-_FOREVER), "start").alias("since")
    rows = both.with_columns(since).group_by("mailbox", "message", "distinct", "at", "vantage").agg(pl.col("since").min())
    return rows, set(mail["mailbox"])


def _frame(intervals: dict[str, list[Interval]]) -> pl.DataFrame:
    rows = [(key, start, stop) for key, spans in intervals.items() for start, stop in spans]
    return pl.DataFrame(rows, schema={"mailbox": pl.String, "start": pl.Int64, "stop": pl.Int64}, orient="row")


def _folders(intervals: Folders) -> pl.DataFrame:
    rows = [(mailbox, folder, start, stop) for (mailbox, folder), spans in intervals.items() for start, stop in spans]
    return pl.DataFrame(rows, schema={"mailbox": pl.String, "folder": pl.String, "start": pl.Int64, "stop": pl.Int64}, orient="row")


def disclosure(
    store: Store, held: dict[str, list[Interval]], in_transit: dict[str, list[Interval]], in_part: Folders | None = None
) -> dict[str, Any]:
    """The external correspondents disclosed: `at_rest` and `in_transit` totals, `by_country`, `by_organisation`, `correspondents`.

    `silent`: of how many held mailboxes no message is known at all, whatever its time. The two tables and the list are of the mail at rest; `in_transit` counts what only a passing place disclosed.
    """
    mail, known_of = messages_disclosed(store, held, in_transit, in_part)
    full = _with_addresses(store, mail)
    external = full.filter(~pl.col("internal").fill_null(False))
    rest = external.filter(pl.col("vantage") == "at rest")
    transit_only = external.filter(pl.col("vantage") == "in transit").join(rest.select("distinct", "address"), on=["distinct", "address"], how="anti")
    inside = full.filter(pl.col("internal").fill_null(False) & (pl.col("vantage") == "at rest"))
    at_rest = mail.filter(pl.col("vantage") == "at rest")
    return {
        "at_rest": _totals(rest) | {"all_messages": at_rest["distinct"].n_unique(), "internal_addresses": inside["address"].n_unique()},
        "in_transit": _totals(transit_only),
        "by_country": _by_country(rest),
        "by_organisation": _by_organisation(rest),
        "correspondents": _people(rest),
        "silent": len(held.keys() - known_of),
    }


def external(store: Store, held: dict[str, list[Interval]], in_part: Folders | None = None) -> pl.DataFrame:
    """The addresses outside on the mail at rest that was disclosed: `address, person, distinct, since` and more, one row a message and address."""
    return _with_addresses(store, messages_disclosed(store, held, {}, in_part)[0]).filter(~pl.col("internal").fill_null(False))


def _with_addresses(store: Store, mail: pl.DataFrame) -> pl.DataFrame:
    """Messages with every address on them and what is known of it."""
    keys = sorted(mail["mailbox"].unique())
    parts = [read(store, "message_addresses", mailboxes=keys[i : i + _BATCH]) for i in range(0, len(keys), _BATCH)]
    schema = {"message": pl.String, "address": pl.String}
    ends = pl.concat([part.cast(schema) for part in parts]).unique() if parts else pl.DataFrame(schema=schema)  # type: ignore[arg-type]
    known = read(store, "correspondents").join(read(store, "organisations"), on="address", how="left")
    known = known.with_columns(pl.coalesce("country", "organisation_country").alias("country"))
    return mail.join(ends, on="message").join(known, on="address")


def _counts() -> list[pl.Expr]:
    return [
        pl.col("person").n_unique().alias("persons"),
        pl.col("address").n_unique().alias("addresses"),
        pl.col("distinct").n_unique().alias("messages"),
        pl.col("organisation").drop_nulls().n_unique().alias("organisations"),
    ]


def _totals(rows: pl.DataFrame) -> dict[str, Any]:
    totals: dict[str, Any] = rows.select(_counts()).row(0, named=True)
    return totals | {"countries": rows["country"].drop_nulls().n_unique(), "of_unknown_country": rows.filter(pl.col("country").is_null())["address"].n_unique()}


def _by_country(rows: pl.DataFrame) -> list[dict[str, Any]]:
    grouped = rows.group_by("country").agg(_counts()).sort("persons", "country", descending=[True, False], nulls_last=True)
    return [{"country": row["country"], "name": country_name(row["country"]) or "unknown"} | _numbers(row) for row in grouped.to_dicts()]


def _by_organisation(rows: pl.DataFrame) -> list[dict[str, Any]]:
    grouped = rows.group_by("organisation", "country").agg(_counts()).sort(
        "persons", "organisation", descending=[True, False], nulls_last=True
    )  # fmt: skip
    named = [{"organisation": row["organisation"], "country": row["country"]} | _numbers(row) for row in grouped.to_dicts()]
    for row in named:
        del row["organisations"]
    return named


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("persons", "addresses", "messages", "organisations")}


def _people(rows: pl.DataFrame) -> list[dict[str, Any]]:
    grouped = rows.group_by("address").agg(
        pl.col("name").first(), pl.col("person").first(), pl.col("organisation").sort(nulls_last=True).first(),
        pl.col("country").first(), pl.col("country_basis").first(), pl.col("category").first(), pl.col("warned_at").first(),
        pl.col("distinct").n_unique().alias("messages"), pl.col("at").min().alias("first"), pl.col("at").max().alias("last"),
        pl.col("mailbox").unique().sort().alias("mailboxes"),
    ).sort("messages", "address", descending=[True, False])  # fmt: skip
    people = grouped.to_dicts()
    for row in people:
        row["address"] = row["address"].removeprefix("smtp:")
        row["person"] = row["person"].removeprefix("smtp:")
        for name in ("first", "last", "warned_at"):
            row[name] = to_iso(row[name])
    return people
