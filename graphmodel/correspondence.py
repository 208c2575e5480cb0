"""Who exchanged mail with whom: HOLDS from delivery logs, and CORRESPONDED, counted in distinct messages."""

from __future__ import annotations

import polars as pl

from graphmodel.view import edge_view_schema

Tables = dict[str, pl.DataFrame]


def _of(edges: Tables, type_: str) -> pl.DataFrame:
    return edges[type_] if type_ in edges else pl.DataFrame(schema=edge_view_schema(type_))


def _mailbox_addresses(edges: Tables) -> pl.DataFrame:
    return _of(edges, "HAS_ADDRESS").filter(pl.col("from_label") == "Mailbox").select(
        pl.col("from_key").alias("mailbox"), pl.col("to_key").alias("address")
    ).unique()  # fmt: skip


def holds_from_traces(edges: Tables) -> pl.DataFrame:
    """HOLDS rows for messages that a log saw delivered to a mailbox's address, or sent from it.

    Where a mail file already shows the message in the mailbox, nothing is added.
    """
    own = _mailbox_addresses(edges)
    to = _of(edges, "ADDRESSED_TO").filter(pl.col("delivered").is_not_null())
    received = to.join(own, left_on="to_key", right_on="address").select(
        pl.col("mailbox").alias("from_key"), pl.col("from_key").alias("to_key"), "delivered", "source", "place"
    )
    logged = to.group_by("from_key").agg(pl.col("delivered").min())
    sent = _of(edges, "SENT_BY").join(own, left_on="to_key", right_on="address").join(logged, on="from_key").select(
        pl.col("mailbox").alias("from_key"), pl.col("from_key").alias("to_key"), "delivered", "source", "place"
    )  # fmt: skip
    both = pl.concat([received, sent]).sort("from_key", "to_key", "delivered", "source", "place")
    both = both.unique(subset=["from_key", "to_key"], keep="first", maintain_order=True)
    seen = _of(edges, "HOLDS").select("from_key", "to_key")
    return both.join(seen, on=["from_key", "to_key"], how="anti").with_columns(
        pl.lit("Mailbox").alias("from_label"), pl.lit("Message").alias("to_label"), pl.lit("trace").alias("basis")
    )


def distinct_messages(messages: pl.DataFrame) -> pl.DataFrame:
    """(message key, `distinct`): copies with new ids share a content hash, so they share `distinct`."""
    return messages.select("key", pl.coalesce("content", "key").alias("distinct"), "sent")


def corresponded(messages: pl.DataFrame, edges: Tables) -> pl.DataFrame:
    """CORRESPONDED rows: one a (mailbox, address) pair, over the distinct messages the mailbox holds; its own addresses left out."""
    own = _mailbox_addresses(edges)
    ends = pl.concat([
        _of(edges, "SENT_BY").select("from_key", "to_key", pl.lit(True).alias("from")),
        _of(edges, "ADDRESSED_TO").select("from_key", "to_key", pl.lit(False).alias("from")),
    ]).rename({"from_key": "message", "to_key": "address"}).unique()  # fmt: skip
    held = _of(edges, "HOLDS").select(pl.col("from_key").alias("mailbox"), pl.col("to_key").alias("message"), "delivered", "purged", "fact")
    held = held.join(distinct_messages(messages), left_on="message", right_on="key", how="left")
    held = held.with_columns(pl.coalesce("delivered", "sent").alias("at"), pl.coalesce("distinct", "message").alias("distinct"))
    authored = held.join(ends.filter("from"), on="message").join(own, on=["mailbox", "address"], how="semi").select("mailbox", "distinct").unique()
    mail = held.join(ends, on="message").join(own, on=["mailbox", "address"], how="anti")
    per_message = mail.group_by("mailbox", "address", "distinct").agg(
        pl.col("at").min(), pl.col("purged").max(), pl.col("purged").is_null().any().alias("stays")
    )
    per_message = per_message.join(authored.with_columns(pl.lit(True).alias("authored")), on=["mailbox", "distinct"], how="left")
    day = (pl.col("at") // 86400).alias("day")
    days = per_message.drop_nulls("at").group_by("mailbox", "address", day).len().sort("mailbox", "address", "day")
    histogram = days.group_by("mailbox", "address", maintain_order=True).agg(
        pl.col("day").alias("days"), pl.col("len").cast(pl.Int64).alias("counts")
    )
    totals = per_message.group_by("mailbox", "address").agg(
        pl.col("authored").fill_null(False).sum().cast(pl.Int64).alias("sent"),
        (~pl.col("authored").fill_null(False)).sum().cast(pl.Int64).alias("received"),
        pl.when(pl.col("at").is_null().any()).then(None).otherwise(pl.col("at").min()).alias("opens"),
        pl.col("at").min().alias("first"),
        pl.col("at").max().alias("last"),
        pl.when(pl.col("stays").any()).then(None).otherwise(pl.col("purged").max()).alias("gone"),
    )
    return totals.join(histogram, on=["mailbox", "address"], how="left").select(
        pl.lit("Mailbox").alias("from_label"), pl.col("mailbox").alias("from_key"),
        pl.lit("Correspondent").alias("to_label"), pl.col("address").alias("to_key"),
        "sent", "received", "first", "last", "gone", "days", "counts",
        pl.col("opens").alias("valid_from"), pl.col("gone").alias("valid_until"),
        pl.lit("counted:mail").alias("source"), pl.lit("messages held").alias("place"),
    ).sort("from_key", "to_key")  # fmt: skip
