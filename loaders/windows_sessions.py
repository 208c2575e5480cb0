"""Sessions of persons on computers, from the records of their logons and logoffs."""

from __future__ import annotations

from typing import Any

import polars as pl

from loaders.base import FactBuffer

SESSION: dict[str, Any] = {
    "server": pl.String, "id": pl.String, "account": pl.String, "at": pl.Int64, "begins": pl.Boolean, "place": pl.String, "record": pl.String,
}  # fmt: skip
"""A record: keys of computer and account, the session's id there, seconds, whether it begins (or ends), where it stands, its number."""


class Sessions:
    """Records that wait for the end of the file: they stand in any order."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self._frames: list[pl.DataFrame] = []

    def add(self, *row: Any) -> None:
        """One record, in the order of SESSION."""
        self._rows.append(row)

    def extend(self, frame: pl.DataFrame) -> None:
        """Many records, with the columns of SESSION."""
        self._frames.append(frame.select(list(SESSION)))

    def state(self, out: FactBuffer) -> None:
        """State sessions. An id is used again only after a restart: a logon ends with the next logoff, and 4647 and 4634 both tell of one end."""
        if self._rows:
            cells = zip(*self._rows, strict=True)
            self._frames.append(pl.DataFrame([pl.Series(name, column, dtype) for (name, dtype), column in zip(SESSION.items(), cells, strict=True)]))
            self._rows = []
        if not self._frames:
            return
        frame = pl.concat(self._frames).sort("server", "id", "account", "at", "begins", "place", "record")
        self._frames = []
        whose = pl.struct("server", "id", "account")
        same, next_ = whose == whose.shift(1), whose == whose.shift(-1)
        ends = pl.col("begins") & next_.fill_null(False) & ~pl.col("begins").shift(-1, fill_value=True)
        alone = ~pl.col("begins") & ~same.fill_null(False)
        said = frame.with_columns(ends.alias("ends"), alone.alias("alone"), pl.col("at").shift(-1).alias("end"), pl.col("place").shift(-1).alias("where"))
        said = said.filter((pl.col("begins") | pl.col("alone")) & ~(pl.col("ends") & (pl.col("end") <= pl.col("at")))).with_columns(
            pl.when("begins").then("at").alias("from"), pl.when("ends").then("end").when("alone").then("at").alias("until"),
            pl.when("ends").then(pl.format("{}; ended: {}", "place", "where")).otherwise("place").alias("place"),
            pl.col("record").replace("", None),
        )  # fmt: skip
        out.edges(
            "SESSION_ON", ("Account", said["account"]), ("Server", said["server"]), said["place"], valid_from=said["from"], valid_until=said["until"],
            basis="logon events", record=said["record"],
        )  # fmt: skip
