"""Windows logon events many at a time, for logs of millions of records: what values say is read once a value, the rest in columns.

    batches = LogonBatches(logons)
    batches.take(Events(…), one)      # one(row) gives a record that is not as usual to logons.take
    batches.finish()

It says what `Logons.take` says of each record. The order of the file decides where accounts and computers are first seen, which of two
copies is read, and which logon a 4672 belongs to: records that go their own way are taken between the others, in their turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from graphmodel import identity
from loaders import columns
from loaders.columns import Coded
from loaders.jsonbatch import Flags, Ints
from loaders.windows import ALONE, FAILED, LOGOFFS, LOGON, PRIVILEGED, TICKETS, WANTED, Logons
from loaders.windows_whose import Pairs, Said, Whose, bare
from loaders.windows_words import NO_ACCOUNT, NO_SESSION, NOBODY, PRESENT, failure_of, int_of, remote_ip, ticket_of, type_word

FIELDS = (
    "TargetUserName", "TargetDomainName", "TargetUserSid", "TargetSid", "TargetLogonId", "SubjectUserName", "SubjectDomainName", "SubjectUserSid",
    "SubjectLogonId", "LogonType", "IpAddress", "WorkstationName", "Workstation", "Status", "SubStatus",
)  # fmt: skip
"""The fields that are read here."""

IN_COLUMNS = frozenset((LOGON, FAILED, PRIVILEGED, *LOGOFFS, *TICKETS))
"""Events that are; others go the way of single ones."""
_IDS = ("record", "TargetLogonId", "SubjectLogonId")  # another in each record
_NAMES = {
    LOGON: "Windows logon", FAILED: "Windows logon failed", PRIVILEGED: "Special privileges", 4768: "Kerberos sign-in", 4776: "NTLM credentials checked",
}  # fmt: skip
_UNUSUAL = re.compile("[^0-9A-Za-z._{}-]")  # blanks that are stripped, and letters whose case is not that of ASCII
_KEPT = 1_000_000

Column: TypeAlias = pa.Array | pl.Series | Coded
"""Texts of many rows, without nulls."""


@dataclass
class Events:
    """Records, a row each. `at`: seconds, where `good`; `usual`: false where a record has to be looked at by itself.

    `texts`: computer, channel, record and FIELDS as texts ("": nothing is said), those that the file has. `place` says where some rows stand.
    `usable` says which of some texts cannot be taken as they are, None where all can.
    """

    id: Ints
    at: Ints
    good: Flags
    usual: Flags
    place: Callable[[Ints], pl.Series]
    texts: Mapping[str, Column]
    usable: Callable[[list[str]], list[bool] | None] = lambda texts: None


class LogonBatches:
    """States records in columns for `logons`."""

    def __init__(self, logons: Logons) -> None:
        self._logons = logons
        self._accounts: dict[Said, tuple[str | None, str]] = {}
        self._waiting: list[pl.DataFrame] = []
        self._number = 0  # of the next row: by it `logons.waiting` knows rows

    def take(self, given: Events, one: Callable[[int], None]) -> None:
        """State records; those that are not as usual are given to `one` by their row."""
        wanted = np.isin(given.id, list(WANTED)) | ~given.usual
        self._logons.others += int((~wanted).sum())
        if not wanted.any():
            return
        batch = Batch(self._logons, self._accounts, given, np.flatnonzero(wanted), self._number)
        self._waiting += batch.state(one)
        self._number += len(batch.rows)
        self._tell()
        if len(self._accounts) > _KEPT:
            self._accounts.clear()

    def finish(self, note: str | None = None) -> None:
        """State what still waits, then what the whole file says."""
        while self._logons.waiting:
            self._logons.give_up(self._logons.waiting.popitem(last=False)[1])
        self._tell()
        self._logons.finish(note)

    def _tell(self) -> None:
        """State rows that wait no longer. A 4672 whose logon was told privileged is told with it."""
        told = self._logons.told
        if not told:
            return
        frame = pl.concat(self._waiting)
        at = np.searchsorted(frame["number"].to_numpy(), np.fromiter(told, np.int64, len(told)))
        privileged, done = np.zeros(frame.height, np.bool_), np.zeros(frame.height, np.bool_)
        privileged[at], done[at] = np.fromiter(told.values(), np.bool_, len(told)), True
        told.clear()
        self._waiting = [frame.filter(pl.Series(~done))]
        logon, note = pl.col("id") == LOGON, pl.col("note")
        frame = frame.with_columns(pl.Series("privileged", privileged)).filter(pl.Series(done) & (logon | ~pl.col("privileged")))
        words = pl.when(~logon).then(pl.lit(ALONE)).when(~pl.col("privileged")).then(note)
        _state(self._logons, frame.with_columns(words.otherwise(pl.concat_str(pl.lit("special privileges"), note, separator="; ", ignore_nulls=True)).alias("note")))


def _state(logons: Logons, frame: pl.DataFrame) -> None:
    """State one observation a row."""
    out, key, place = logons.out, frame["key"], frame["place"]
    logons.said += frame.height
    said = {name: frame[name] for name in ("name", "at", "ip", "session", "as_who", "succeeded", "note")}
    out.nodes("Observation", key, place, operation=frame["id"].cast(pl.String), **said)
    out.edges("OBSERVED", ("Observation", key), ("Account", frame["account"]), place, role="actor", record=frame["record"])
    out.edges("OBSERVED", ("Observation", key), ("Server", frame["server"]), place, role="target", record=frame["record"])


class Batch:
    """The wanted rows of a batch. `plain`: those that are read in columns; `asked`: those whose account is looked for."""

    def __init__(self, logons: Logons, known: dict[Said, tuple[str | None, str]], given: Events, rows: Ints, number: int) -> None:
        self.logons, self.known, self.rows, self.number = logons, known, rows, number
        some = len(rows) < len(given.id)
        self._texts = {name: _rows_of(texts, rows) if some else texts for name, texts in given.texts.items()}
        self._coded: dict[str, Coded] = {}
        self.id, self.at, self.place = given.id[rows], given.at[rows], given.place(rows)
        self.computer = self.coded("computer")
        host = self.computer.series(identity.host)
        self.server = self.computer.series(lambda text: f"host:{name}" if (name := identity.host(text)) else None)
        self.kind = self.coded("LogonType").of(lambda text: -1 if (found := int_of(text)) is None else found, np.float64)
        self.record, odd, self.target_id, fine, self.subject_id, fine_too = _ids(*map(self.text, _IDS))
        record = self.record.str.strip_chars() if odd.any() else self.record
        self.key = pl.DataFrame([host.alias("host"), record.alias("record")]).select_seq(pl.format("obs:windows/{}/security/{}", "host", "record")).to_series()
        secure = self.coded("channel").of(lambda text: text.strip().casefold() in ("security", ""), np.bool_)
        keyed = given.good[rows] & secure & host.is_not_null().to_numpy() & (self.record != "").to_numpy()
        named = self.computer.of(lambda text: not _UNUSUAL.search(text), np.bool_) & ~odd
        named &= self.coded("channel").of(lambda text: not _UNUSUAL.search(text), np.bool_)
        self.plain = keyed & np.isin(self.id, list(IN_COLUMNS)) & given.usual[rows] & named & fine & fine_too & self._usable(given)
        self._read_once(keyed)
        self.asked = self.plain & ~self._left_out()
        self.whose = Whose(self)

    def text(self, name: str) -> pl.Series:
        """A column as it stands."""
        found = self._texts.get(name, _NOTHING)
        if isinstance(found, Coded):
            return found.series(str) if len(found.codes) else pl.repeat("", len(self.id), dtype=pl.String, eager=True)
        return found if isinstance(found, pl.Series) else columns.series(found)

    def coded(self, name: str) -> Coded:
        """A column by its values."""
        if name not in self._coded:
            found = self._texts.get(name, _NOTHING)
            if found is _NOTHING:
                found = Coded(_NOTHING.values, np.zeros(len(self.id), np.int64))
            self._coded[name] = found if isinstance(found, Coded) else Coded.of_texts(columns.texts(found) if isinstance(found, pl.Series) else found)
        return self._coded[name]

    def _usable(self, given: Events) -> Flags:
        """Rows whose texts can be taken as they are."""
        found: Flags = np.ones(len(self.id), np.bool_)
        for name in self._texts:
            if name not in _IDS and (good := given.usable(self.coded(name).values)) is not None:
                found &= np.array(good, dtype=np.bool_)[self.coded(name).codes]
        return found

    def _read_once(self, keyed: Flags) -> None:
        """Copies of a record, in this batch or of one before, are taken one by one; the keys of all others are remembered."""
        seen = self.logons.seen
        marks = np.fromiter(map(hash, self.key.to_list()), np.int64, len(self.key))
        new = set(marks[keyed].tolist())
        if len(new) < int(keyed.sum()) or not seen.isdisjoint(new):
            values, which, counts = np.unique(np.where(keyed, marks, -np.arange(1, len(marks) + 1)), return_inverse=True, return_counts=True)
            self.plain &= ~((counts > 1) | np.array([mark in seen for mark in values.tolist()], dtype=np.bool_))[which]
        seen.update(marks[self.plain].tolist())

    def _left_out(self) -> Any:
        """Services that started, and logoffs from the network: counted. Names that are nobody's: not looked at."""
        service = self.plain & (self.id == LOGON) & np.isin(self.kind, (0, 5))
        self.present = np.isin(self.kind, list(PRESENT))
        network = self.plain & (self.id == 4634) & ~self.present
        for left, why in ((service, "of services that started: left out"), (network, "of logoffs from the network: left out")):
            if left.any():
                self.logons.dropped[why] += int(left.sum())
        self.failure = _failures(self)
        left_out = service | network
        left_out[[row for row, (code, _) in self.failure.items() if code == NO_ACCOUNT]] = True
        return left_out

    def state(self, one: Callable[[int], None]) -> list[pl.DataFrame]:
        """State all rows but those that may wait: these are handed back."""
        pairs = Pairs(self)
        plain = np.flatnonzero(self.plain)
        firsts = plain[np.unique(self.computer.codes[plain], return_index=True)[1]].tolist()
        servers, accounts = [row for row in firsts if not self.logons.who.knows(self.computer.text(row))], self.whose.new()
        places = dict(zip(new := [*servers, *accounts], self.place.gather(new).to_list(), strict=True)) if servers or accounts else {}
        others = np.flatnonzero(~self.plain).tolist()
        for row, what in sorted([*zip(others, repeat(0)), *zip(servers, repeat(1)), *zip(accounts, repeat(2))]):
            if what == 1:
                self.logons.who.server(self.computer.text(row), places[row])
            elif what == 2:  # noqa: PLR2004
                self.whose.learn(row, places[row])
            else:
                if self.id[row] in (LOGON, PRIVILEGED):
                    pairs.until(row)
                one(int(self.rows[row]))
        pairs.until(len(self.id))
        account = self.whose.accounts()
        self._cover(plain)
        self._sessions(account)
        frame, waits = self._said(account)
        if waits.all():
            return [frame]
        _state(self.logons, frame.filter(pl.Series(~waits)))
        return [frame.filter(pl.Series(waits))]

    def _cover(self, rows: Ints) -> None:
        codes, at, count = self.computer.codes[rows], self.at[rows], len(self.computer.values)
        first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
        np.minimum.at(first, codes, at)
        np.maximum.at(last, codes, at)
        ids: dict[int, list[int]] = {}
        events, which = np.unique(self.id[rows], return_inverse=True)
        for code in np.unique(codes * max(len(events), 1) + which).tolist():
            ids.setdefault(code // len(events), []).append(int(events[code % len(events)]))
        servers = self.computer.values
        records = np.bincount(codes, minlength=count).tolist()
        for code, seen in ids.items():
            server = self.logons.who.server(servers[code], "")
            if server is not None:
                self.logons.covers(server, int(first[code]), int(last[code]), records[code], seen)

    def _sessions(self, account: pl.Series) -> None:
        """Persons who came to a computer or left it."""
        begins = (self.id == LOGON) & self.present
        rows = np.flatnonzero(self.asked & account.is_not_null().to_numpy() & (begins | np.isin(self.id, list(LOGOFFS))))
        if not len(rows):
            return
        id_, record = self.target_id.gather(rows), self.record.gather(rows)
        if (id_ == "").any():
            id_ = pl.select(pl.when((id_ == "") & pl.Series(begins[rows])).then(record).otherwise(id_)).to_series()
        self.logons.sessions.extend(pl.DataFrame([
            self.server.gather(rows).alias("server"), id_.alias("id"), account.gather(rows).alias("account"), pl.Series("at", self.at[rows]),
            pl.Series("begins", begins[rows]), self.place.gather(rows).alias("place"), record.alias("record"),
        ]))  # fmt: skip

    def _said(self, account: pl.Series) -> tuple[pl.DataFrame, Flags]:
        """Rows to be stated; and which of them may wait for another."""
        asked, known = self.asked, account.is_not_null().to_numpy()
        failed, ticket = self.plain & (self.id == FAILED), self.plain & np.isin(self.id, list(TICKETS))
        nameless = self.coded("TargetUserName").of(lambda text: not bare(text), np.bool_) if failed.any() else failed
        pair = asked & np.isin(self.id, (LOGON, PRIVILEGED))
        rows = np.flatnonzero((known & (pair | ticket)) | (failed & (known | ~asked | nameless)))
        ok, words = _answers(self)
        events, which = np.unique(self.id[rows], return_inverse=True)
        frame = pl.DataFrame([
            pl.Series("number", self.number + np.arange(len(self.id))), pl.Series("id", self.id), self.key.alias("key"), self.place.alias("place"),
            pl.Series("at", self.at), account.alias("account"), self.server.alias("server"), self.record.alias("record"), self.target_id.alias("session"),
            self.subject_id.alias("subject"), self.coded("IpAddress").series(remote_ip).alias("ip"), self._kinds().alias("as_who"), ok.alias("succeeded"),
            _workstations(self).alias("note"), *([] if words is None else [words.alias("words")]),
        ])[rows]  # fmt: skip
        session = pl.when(pl.col("session") != "").then("session").otherwise("subject")
        said = [pl.when(~session.is_in(list(NO_SESSION))).then(session).alias("session")]
        if words is not None:
            nobody = pl.Series(ticket[rows]) & (pl.col("words") == NOBODY).fill_null(False)
            note = pl.concat_str("words", "note", separator="; ", ignore_nulls=True).replace("", None)
            said += [pl.when(~nobody).then("account").alias("account"), note.alias("note")]
        name = pl.Series([_NAMES.get(event) for event in events.tolist()], dtype=pl.String).gather(which)
        return frame.with_columns_seq(name.alias("name"), *said).drop("subject", *([] if words is None else ["words"])), pair[rows]

    def _kinds(self) -> pl.Series:
        """How somebody logged on; of a 4672 that is not told."""
        kinds = self.coded("LogonType")
        words = [*(type_word(int_of(text)) for text in kinds.values), None, "domain controller"]
        codes = np.where(np.isin(self.id, list(TICKETS)), len(words) - 1, np.where(self.id == PRIVILEGED, len(words) - 2, kinds.codes))
        return pl.Series(words, dtype=pl.String).gather(codes)


_NOTHING = Coded([""], np.empty(0, np.int64))


def _rows_of(texts: Column, rows: Ints) -> Column:
    """Some rows of a column."""
    if isinstance(texts, Coded):
        return Coded(texts.values, texts.codes[rows])
    return texts.gather(rows) if isinstance(texts, pl.Series) else columns.rows_of(texts, rows)


def _ids(record: pl.Series, target: pl.Series, subject: pl.Series) -> tuple[pl.Series, Flags, pl.Series, Flags, pl.Series, Flags]:
    """The record's number and whether it is unusual; then of each logon id: in lower case, "" where there is none; and whether it is as usual."""
    frame = pl.DataFrame([record.alias("record"), target.alias("target"), subject.alias("subject")]).select_seq(
        *(pl.when(pl.col(name) != "-").then(pl.col(name).str.to_lowercase()).otherwise(pl.lit("")).alias(name) for name in ("target", "subject")),
        *(pl.col(name).str.contains(_UNUSUAL.pattern).alias(f"odd {name}") for name in ("record", "target", "subject")),
    )
    odd, odd_target, odd_subject = (frame[f"odd {name}"].to_numpy() for name in ("record", "target", "subject"))
    return record, odd, frame["target"], ~odd_target, frame["subject"], ~odd_subject


def _failures(batch: Batch) -> dict[int, tuple[str, str]]:
    """(code, words) of each row that is a failure."""
    rows = np.flatnonzero(batch.plain & (batch.id == FAILED))
    if not len(rows):
        return {}
    sub, status = (batch.coded(name).of(bare)[rows].tolist() for name in ("SubStatus", "Status"))
    return {row: failure_of(one, other) for row, one, other in zip(rows.tolist(), sub, status, strict=True)}


def _answers(batch: Batch) -> tuple[pl.Series, pl.Series | None]:
    """(whether it went well, words) of each row; no words where there are only logons."""
    rows = np.flatnonzero(batch.plain & np.isin(batch.id, list(TICKETS)))
    if not len(rows) and not batch.failure:
        return pl.Series(batch.id != FAILED), None
    ok: npt.NDArray[Any] = np.where(batch.id == FAILED, False, True).astype(object)
    words: npt.NDArray[Any] = np.full(len(batch.id), None, object)
    if batch.failure:
        words[list(batch.failure)] = [text or None for _, text in batch.failure.values()]
    if len(rows):
        found = batch.coded("Status").of(lambda text: ticket_of(bare(text)))[rows]
        ok[rows], words[rows] = [given for given, _ in found], [text or None for _, text in found]
    return pl.Series(ok.tolist(), dtype=pl.Boolean), pl.Series(words.tolist(), dtype=pl.String)


def _workstations(batch: Batch) -> pl.Series:
    """`from ws9` of each row; null where that is not told, or is the computer itself."""
    first, second = batch.coded("WorkstationName"), batch.coded("Workstation")
    name = first.series(lambda text: identity.host(bare(text)))
    if "Workstation" in batch._texts:
        says = pl.Series(first.of(lambda text: bool(bare(text)), np.bool_))
        name = pl.select(pl.when(says).then(name).otherwise(second.series(lambda text: identity.host(bare(text))))).to_series()
    here, short = batch.computer.series(str.casefold), batch.computer.series(lambda text: text.casefold().partition(".")[0])
    return pl.select(pl.when((name != here) & (name != short)).then("from " + name)).to_series()
