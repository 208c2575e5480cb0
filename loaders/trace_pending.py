"""What a log of passing mail said so far and is not stated yet, in columns: messages with their senders, and their recipients (loaders/trace.py).

Rows are taken one by one (`add`) or as frames (`extend`), and settled together when there are many. `order` is the place of a row in the file:
what stands first says where a message was seen, whichever way its row came here.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import polars as pl

from graphmodel.facts import FactBuffer
from loaders.recipients import Tally

MESSAGE: dict[str, Any] = {
    "key": pl.String, "order": pl.Int64, "place": pl.String, "at": pl.Int64, "envelope": pl.String, "author": pl.String, "size": pl.Int64,
}  # fmt: skip
"""A row about a message: its key, where it stands, seconds, the senders of envelope and header (normalised or null), bytes."""
PAIR: dict[str, Any] = {
    "key": pl.String, "to": pl.String, "order": pl.Int64, "place": pl.String, "at": pl.Int64, "status": pl.String, "first": pl.Int64,
}  # fmt: skip
"""A row about one recipient of a message (normalised). `first`: where the pair was first spoken of."""

# A status that says less never replaces one that says more; delivery is last and keeps its earliest time.
_WEIGHT = {"": 0, "received": 1, "gettingstatus": 1, "pending": 2, "relayed": 3, "expanded": 4, "delivered": 9}
_MIDDLE = 5
_WINDOW = 200_000
_TIME, _SENDER = 1, 2
_ALL = _TIME | _SENDER


class _Rows:
    """Rows that wait: tuples and frames of one schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self.rows: list[tuple[Any, ...]] = []
        self._frames: list[pl.DataFrame] = []
        self._framed = 0

    def __len__(self) -> int:
        return len(self.rows) + self._framed

    def extend(self, frame: pl.DataFrame) -> None:
        """Take rows with the columns of the schema."""
        self._frames.append(frame)
        self._framed += frame.height

    def take(self) -> pl.DataFrame:
        """All rows by their order; none are left."""
        frames, self._frames, self._framed = self._frames, [], 0
        if self.rows:
            columns = zip(*self.rows, strict=True)
            frames.append(pl.DataFrame([pl.Series(name, cells, dtype) for (name, dtype), cells in zip(self._schema.items(), columns, strict=True)]))
            self.rows = []
        frame = pl.concat(frames) if frames else pl.DataFrame(schema=self._schema)
        return frame if frame["order"].is_sorted() else frame.sort("order", maintain_order=True)


class Messages:
    """States each message where it first stands, and again where its time or its sender is first told."""

    def __init__(self, out: FactBuffer, tally: Tally, held: int) -> None:
        self._out, self._tally, self._held = out, tally, held
        self._known: dict[str, int] = {}  # key -> what was stated: _TIME, _SENDER
        self._rows = _Rows(MESSAGE)

    def add(self, *row: Any) -> None:
        """One row, in the order of MESSAGE."""
        self._rows.rows.append(row)
        if len(self._rows) >= _WINDOW:
            self.settle()

    def extend(self, frame: pl.DataFrame) -> None:
        """Many rows."""
        self._rows.extend(frame)
        if len(self._rows) >= _WINDOW:
            self.settle()

    def settle(self) -> None:
        """State what the rows so far say."""
        frame = self._rows.take()
        first = frame.unique("key", keep="first", maintain_order=True)
        says = first["at"].is_not_null() & (first["envelope"].is_not_null() | first["author"].is_not_null())
        keys = first["key"].to_list()
        if says.all() and self._known.keys().isdisjoint(keys):  # none of them was spoken of, and all is said
            self._state(first)
            self._known.update(dict.fromkeys(keys, _ALL))
            self._trim()
            return
        known = [self._known.get(key, 0) for key in keys]
        # A message is new and its first row says all, or everything was said before; what is left is looked at row by row.
        plain = says & pl.Series([bits == 0 and key not in self._known for bits, key in zip(known, keys, strict=True)], dtype=pl.Boolean)
        told = pl.Series([bits == _ALL for bits in known], dtype=pl.Boolean)
        whole = first.filter(plain)
        self._state(whole)
        self._known.update(dict.fromkeys(whole["key"].to_list(), _ALL))
        odd = first.filter(~plain & ~told).select("key")
        if odd.height:
            self._one_by_one(frame.join(odd, on="key", how="semi", maintain_order="left"))
        self._trim()

    def _trim(self) -> None:
        if len(self._known) > self._held:
            self._known = dict(islice(self._known.items(), len(self._known) - self._held // 2, None))

    def _one_by_one(self, frame: pl.DataFrame) -> None:
        nodes: list[int] = []
        senders: list[int] = []
        for at, (key, time, envelope, author) in enumerate(frame.select("key", "at", "envelope", "author").iter_rows()):
            known = self._known.get(key)
            says = (_TIME if time is not None else 0) | (_SENDER if author or envelope else 0)
            if known is not None and not says & ~known:
                continue
            self._known[key] = says | (known or 0)
            if known is None or says & ~known & _TIME:
                nodes.append(at)
            if says & ~(known or 0) & _SENDER:
                senders.append(at)
            elif known is None:
                self._tally.add("without a sender (bounces and the like)")
        self._nodes(frame[nodes])
        self._senders(frame[senders])

    def _state(self, frame: pl.DataFrame) -> None:
        self._nodes(frame)
        self._senders(frame)

    def _nodes(self, frame: pl.DataFrame) -> None:
        basis = frame.select(pl.when(pl.col("at").is_not_null()).then(pl.lit("received"))).to_series()
        self._out.nodes("Message", frame["key"], frame["place"], sent=frame["at"], sent_basis=basis, size=frame["size"])

    def _senders(self, frame: pl.DataFrame) -> None:
        author = frame.select("key", "place", pl.coalesce("author", "envelope").alias("sender"))
        self._edges(author, "from")
        # With both, and another than the author: the envelope's is told too.
        self._edges(frame.filter(pl.col("author") != pl.col("envelope")).select("key", "place", pl.col("envelope").alias("sender")), "sender")

    def _edges(self, frame: pl.DataFrame, role: str) -> None:
        self._out.edges("SENT_BY", ("Message", frame["key"]), ("Correspondent", smtp_keys(frame["sender"])), frame["place"], role=role)


class Pairs:
    """States each pair of message and recipient once, with the status that says most."""

    def __init__(self, out: FactBuffer, held: int) -> None:
        self._out, self._held = out, held
        self._rows = _Rows(PAIR)

    def add(self, *row: Any) -> None:
        """One row, in the order of PAIR."""
        self._rows.rows.append(row)
        if len(self._rows) >= self._held:
            self.settle()

    def extend(self, frame: pl.DataFrame) -> None:
        """Many rows."""
        self._rows.extend(frame)
        if len(self._rows) >= self._held:
            self.settle()

    def settle(self, last: bool = False) -> None:
        """Make one row of a pair; state the oldest where many are left, and all of them where these are the `last`."""
        frame = _settled(self._rows.take())
        keep = 0 if last else self._held // 2
        if frame.height > keep:
            frame = frame.sort("first", maintain_order=True)
            self._state(frame.head(frame.height - keep))
            frame = frame.tail(keep)
        self._rows.extend(frame)

    def _state(self, frame: pl.DataFrame) -> None:
        said = frame.select(
            pl.when(pl.col("status") != "").then("status").alias("status"), pl.when(pl.col("status") == "delivered").then("at").alias("delivered")
        )
        self._out.edges(
            "ADDRESSED_TO", ("Message", frame["key"]), ("Correspondent", smtp_keys(frame["to"])), frame["place"], role="envelope",
            status=said["status"], delivered=said["delivered"],
        )  # fmt: skip


def _settled(frame: pl.DataFrame) -> pl.DataFrame:
    """One row a pair. Of two with the same word: of a failure and the like the later, of deliveries the earliest, else the first."""
    # Two rows of one pair have the same number; the few others that happen to have one do no harm.
    repeated = frame.select("key", "to").hash_rows().is_duplicated()
    if not repeated.any():
        return frame
    weight = pl.col("status").replace_strict(_WEIGHT, default=_MIDDLE, return_dtype=pl.Int64)
    several = frame.filter(repeated).with_columns(weight.alias("weight"), pl.col("first").min().over("key", "to"))
    rank = (
        pl.when(pl.col("weight") == _MIDDLE).then(-pl.col("order"))
        .when((pl.col("status") == "delivered") & pl.col("at").is_not_null()).then("at")
        .when(pl.col("status") == "delivered").then(2**62).otherwise("order")
    )  # fmt: skip
    several = several.sort(pl.col("weight"), rank, pl.col("order"), descending=[True, False, False], maintain_order=True)
    return pl.concat([frame.filter(~repeated), several.unique(["key", "to"], keep="first", maintain_order=True).select(list(PAIR))])


def smtp_keys(addresses: pl.Series) -> pl.Series:
    """`smtp:…` of normalised addresses (identity.smtp_key)."""
    return "smtp:" + addresses
