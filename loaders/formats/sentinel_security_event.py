r"""Windows logons as Microsoft Sentinel (Log Analytics) exports them: the table SecurityEvent, CSV (formats.md 6).

Claims a header with TimeGenerated, EventID and Computer, and one of TargetUserName, Account, LogonType.

Yields what windows_evtx says of the same events; the key is computer, channel and EventRecordId where that column is there, else the
EventOriginId, else a hash of the row.

Traps: the time column ends in ` [UTC]` and may be US text; rows stand newest first as a rule. `Account` is `DOMAIN\name` and stands in
where TargetUserName is empty. A table cut at 10,000, 30,000 or 50,000 rows was capped by the portal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from loaders import columns, dates, windows_changes
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Block, Row, Table, header_of
from loaders.windows import WANTED, Event, Logons
from loaders.windows_batches import FIELDS, Events, LogonBatches
from loaders.windows_words import int_of

NAME = "sentinel_security_event"
TITLE = "Windows logons CSV, Microsoft Sentinel (SecurityEvent)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_FIELDS = (
    "TargetUserName", "TargetDomainName", "TargetUserSid", "TargetLogonId", "TargetServerName", "TargetSid", "SubjectUserName", "SubjectDomainName",
    "SubjectUserSid", "SubjectLogonId", "LogonType", "IpAddress", "WorkstationName", "Workstation", "Status", "SubStatus", "LogonGuid",
    *windows_changes.FIELDS,
)  # fmt: skip
_ACCOUNTS, _RECORDS = ("targetaccount", "account", "subjectaccount"), ("eventrecordid", "eventoriginid")
_BY_SUBJECT = (4648, 4672, 1102, *sorted(windows_changes.CHANGES))
"""Of these `Account` is who did it, not whose credentials were used."""
_COLUMNS = tuple((name, name.casefold()) for name in _FIELDS)
_LIMITS = frozenset((1_000, 5_000, 10_000, 30_000, 50_000))


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    if {"timegenerated", "eventid", "computer"} <= header and header & {"targetusername", "account", "logontype"}:
        return Claim(8, "columns of Sentinel's SecurityEvent")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows, many at a time where that is safe."""
    table = Table(source, options, out, dates=("timegenerated",))
    table.require("timegenerated", "eventid", "computer")
    reader = _Reader(table, Logons(out), options)
    for piece in table.blocks("eventid", "computer", "channel", *_RECORDS, *_ACCOUNTS, *(name.casefold() for name in FIELDS)):
        if isinstance(piece, Row):
            reader.one(piece)
        else:
            reader.many(piece)
    if out.records in _LIMITS:
        out.note(f"{out.records:,} rows: the portal cuts exports there, what it lacks is unknown")
    reader.batches.finish("as many rows as the portal exports: it was cut" if out.records in _LIMITS else None)


class _Reader:
    def __init__(self, table: Table, logons: Logons, options: Options) -> None:
        self._table, self._logons, self.batches = table, logons, LogonBatches(logons)
        self._latest = options.now if options.now is not None else dates.LATEST
        self._has = [name for name in FIELDS if table.has(name.casefold())]

    def one(self, row: Row) -> None:
        """One row."""
        number = int_of(row["eventid"])
        if number is None:
            self._logons.out.refuse(row.at("eventid"), row.raw("eventid"), "not an event id")
        elif number not in WANTED:
            self._logons.others += 1
        else:
            self._logons.take(_event(row, number))

    def many(self, block: Block) -> None:
        """Rows as columns."""
        id_ = columns.once_a_value(block.column("eventid"), _number, pl.Int64)
        at, good = columns.moments(block.column("timegenerated"), self._latest)
        if not good.all():
            others = columns.once_a_value(block.column("timegenerated"), block.moment_of, pl.Int64)
            at, good = np.where(good, at, others.fill_null(0).to_numpy()), good | others.is_not_null().to_numpy()
        usual = id_.is_not_null()
        texts = {name: block.column(name.casefold()) for name in self._has}
        texts |= {"computer": block.column("computer"), "channel": block.column("channel"), "record": _first(block, *_RECORDS)}
        usual &= _named_otherwise(block, texts, id_, self._usable)
        self.batches.take(
            Events(id_.fill_null(-1).to_numpy(), at, good, usual.to_numpy(), lambda rows: "row " + pl.Series(rows + block.number).cast(pl.String), texts, self._usable),
            lambda row: self.one(block.row(row)),
        )

    def _usable(self, texts: list[str]) -> list[bool] | None:
        return None if self._table.all_usable(texts) else [self._table.usable(text) is not None for text in texts]


def _number(text: str) -> int | None:
    return found if (found := int_of(text)) is not None and found < 2**63 else None


def _first(block: Block, *names: str) -> pa.Array:
    """The first of these columns that says something."""
    first, second = (columns.series(block.column(name)) for name in names)
    if (first != "").all():
        return block.column(names[0])
    return columns.texts(pl.select(pl.when(first != "").then(first).otherwise(second)).to_series())


def _named_otherwise(block: Block, texts: dict[str, pa.Array], id_: pl.Series, usable: Callable[[list[str]], list[bool] | None]) -> pl.Series:
    r"""Take names from `DOMAIN\name` where TargetUserName is empty (as `_event` does). False for rows in which that is not as usual."""
    name, domain, target, account, subject = (
        columns.series(texts.get(given, columns.empty(len(block))) if given in FIELDS else block.column(given)).str.strip_chars(columns.WHITE)
        for given in ("TargetUserName", "TargetDomainName", *_ACCOUNTS)
    )
    empty = name == ""
    other = pl.select(pl.when(target != "").then(target).otherwise(account)).to_series()
    by_subject = id_.is_in(list(_BY_SUBJECT))
    needed = empty & (other != "") & ~by_subject
    who, whose = (columns.series(texts.get(given, columns.empty(len(block)))) for given in ("SubjectUserName", "SubjectDomainName"))
    usual = ~(by_subject & (((who == "") | (whose == "")) & ((account != "") | (subject != ""))))
    if needed.any():
        if usable(other.filter(needed).to_list()) is not None:
            return usual & ~needed
        found = pl.DataFrame([name.alias("name"), domain.alias("domain"), other.alias("other"), needed.alias("needed")]).select(
            pl.when("needed").then(pl.col("other").str.extract(r"([^\\]*)$")).otherwise("name").alias("name"),
            pl.when(pl.col("needed") & (pl.col("domain") == "")).then(pl.col("other").str.extract(r"^(.*)\\[^\\]*$").fill_null("")).otherwise("domain").alias("domain"),
        )  # fmt: skip
        texts |= {f"Target{part}": columns.texts(found[given]) for given, part in (("name", "UserName"), ("domain", "DomainName"))}
    return usual


def _event(row: Row, number: int) -> Event:
    data: dict[str, Any] = {name: text for name, column in _COLUMNS if (text := row.get(column))}
    for prefix, column in (("Target", "targetaccount"), ("Target", "account"), ("Subject", "subjectaccount")):
        if f"{prefix}UserName" not in data and (text := row.get(column)):
            role = "Subject" if column == "account" and number in _BY_SUBJECT else prefix
            domain, _, name = text.rpartition("\\")
            data.setdefault(f"{role}UserName", name)
            data.setdefault(f"{role}DomainName", domain)
    record = row.first(*_RECORDS)
    return Event(
        at=row.date("timegenerated"), id=number, computer=row["computer"], channel=row.get("channel") or "Security", record=record, data=data,
        place=row.place,
    )  # fmt: skip
