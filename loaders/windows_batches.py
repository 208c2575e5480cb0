"""Windows logon events many at a time, for logs of millions of records: what values say is read once a value, the rest in columns.

    batches = LogonBatches(logons)
    batches.take(Events(…), one)      # one(row) gives a record that is not as usual to logons.take
    batches.finish()

It says what `Logons.take` says of each record. The order of the file decides where accounts and computers are first seen, which of two
copies is read, and which logon a 4672 belongs to: records that go their own way are taken between the others, in their turn.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from graphmodel import identity
from loaders import columns
from loaders.columns import Coded
from loaders.windows import ALONE, FAILED, LOGOFFS, LOGON, PRIVILEGED, TICKETS, WANTED, Logons
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

Said = tuple[str, str, str]
"""Name, domain and SID of an account, as a record has them."""
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


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
    texts: dict[str, pa.Array]
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
        batch = _Batch(self._logons, self._accounts, given, np.flatnonzero(wanted), self._number)
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


class _Batch:
    """The wanted rows of a batch. `plain`: those that are read in columns; `asked`: those whose account is looked for."""

    def __init__(self, logons: Logons, known: dict[Said, tuple[str | None, str]], given: Events, rows: Ints, number: int) -> None:
        self.logons, self.known, self.rows, self.number = logons, known, rows, number
        some = len(rows) < len(given.id)
        self._texts = {name: columns.rows_of(texts, rows) if some else texts for name, texts in given.texts.items()}
        self._empty = columns.empty(len(rows))
        self._coded: dict[str, Coded] = {}
        self.id, self.at, self.place = given.id[rows], given.at[rows], given.place(rows)
        self.computer = self.coded("computer")
        host = self.computer.series(identity.host)
        self.server, self.record = "host:" + host, columns.series(self.text("record"))
        self.kind = self.coded("LogonType").of(lambda text: -1 if (found := int_of(text)) is None else found, np.float64)
        self.key = pl.select(pl.format("obs:windows/{}/security/{}", host, self.record.str.strip_chars())).to_series()
        self.target_id, fine = _logon_ids(self.text("TargetLogonId"))
        self.subject_id, fine_too = _logon_ids(self.text("SubjectLogonId"))
        secure = self.coded("channel").of(lambda text: text.strip().casefold() in ("security", ""), np.bool_)
        keyed = given.good[rows] & secure & host.is_not_null().to_numpy() & (self.record != "").to_numpy()
        named = self.computer.of(lambda text: not _UNUSUAL.search(text), np.bool_) & ~self.record.str.contains(_UNUSUAL.pattern).to_numpy()
        named &= self.coded("channel").of(lambda text: not _UNUSUAL.search(text), np.bool_)
        self.plain = keyed & np.isin(self.id, list(IN_COLUMNS)) & given.usual[rows] & named & fine & fine_too & self._usable(given)
        self._read_once(keyed)
        self.asked = self.plain & ~self._left_out()
        self.whose = _Whose(self)

    def text(self, name: str) -> pa.Array:
        """A column as it stands."""
        return self._texts.get(name, self._empty)

    def coded(self, name: str) -> Coded:
        """A column by its values."""
        if name not in self._coded:
            self._coded[name] = Coded.of_texts(self.text(name))
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
        return service | network | np.array([code == NO_ACCOUNT for code in self.failure[0]], dtype=np.bool_)

    def state(self, one: Callable[[int], None]) -> list[pl.DataFrame]:
        """State all rows but those that may wait: these are handed back."""
        pairs = _Pairs(self)
        tasks: list[tuple[int, Callable[[int], Any]]] = [(row, lambda row: one(int(self.rows[row]))) for row in np.flatnonzero(~self.plain).tolist()]
        plain = np.flatnonzero(self.plain)
        firsts = plain[np.unique(self.computer.codes[plain], return_index=True)[1]].tolist()
        tasks += [(row, self._learn_server) for row in firsts if not self.logons.who.knows(self.computer.values[self.computer.codes[row]])]
        tasks += [(row, self.whose.learn) for row in self.whose.new()]
        for row, task in sorted(tasks, key=lambda task: task[0]):
            if not self.plain[row] and self.id[row] in (LOGON, PRIVILEGED):
                pairs.until(row)
            task(row)
        pairs.until(len(self.id))
        account = self.whose.accounts()
        self._cover()
        self._sessions(account)
        frame = self._said(account)
        waiting = frame.filter(pl.col("waits"))
        _state(self.logons, frame.filter(~pl.col("waits")))
        return [waiting.drop("waits")]

    def _learn_server(self, row: int) -> None:
        self.logons.who.server(self.computer.values[self.computer.codes[row]], self.place[row])

    def _cover(self) -> None:
        rows = np.flatnonzero(self.plain)
        frame = pl.DataFrame([self.server.gather(rows).alias("server"), pl.Series("at", self.at[rows]), pl.Series("id", self.id[rows])])
        at = pl.col("at")
        for server, first, last, count, ids in frame.group_by("server").agg(at.min(), at.max().alias("last"), pl.len(), pl.col("id").unique()).iter_rows():
            self.logons.covers(("Server", server), first, last, count, ids)

    def _sessions(self, account: pl.Series) -> None:
        """Persons who came to a computer or left it."""
        begins = (self.id == LOGON) & self.present
        rows = np.flatnonzero(self.asked & account.is_not_null().to_numpy() & (begins | np.isin(self.id, list(LOGOFFS))))
        if not len(rows):
            return
        frame = pl.DataFrame([
            self.server.alias("server"), self.target_id.alias("id"), account.alias("account"), pl.Series("at", self.at), pl.Series("begins", begins),
            self.place.alias("place"), self.record.alias("record"),
        ])[rows]  # fmt: skip
        self.logons.sessions.extend(frame.with_columns(pl.when((pl.col("id") == "") & pl.col("begins")).then("record").otherwise("id").alias("id")))

    def _said(self, account: pl.Series) -> pl.DataFrame:
        """Rows to be stated; `waits`: those that may wait for another."""
        asked, known = self.asked, account.is_not_null().to_numpy()
        failed, ticket = self.plain & (self.id == FAILED), self.plain & np.isin(self.id, list(TICKETS))
        nameless = self.coded("TargetUserName").of(lambda text: not _bare(text), np.bool_) if failed.any() else failed
        pair = asked & np.isin(self.id, (LOGON, PRIVILEGED))
        rows = np.flatnonzero((known & (pair | ticket)) | (failed & (known | ~asked | nameless)))
        ok, words = _answers(self)
        nobody = ticket & (words == NOBODY).fill_null(False).to_numpy()
        session = pl.select(pl.when(self.target_id != "").then(self.target_id).otherwise(self.subject_id)).to_series()
        kind = self.coded("LogonType").series(lambda text: type_word(int_of(text)))
        frame = pl.DataFrame([
            pl.Series("number", self.number + np.arange(len(self.id))), pl.Series("id", self.id), self.key.alias("key"), self.place.alias("place"),
            pl.Series("at", self.at), account.alias("account"), self.server.alias("server"), self.record.alias("record"), session.alias("session"),
            self.coded("IpAddress").series(remote_ip).alias("ip"), kind.alias("as_who"), ok.alias("succeeded"), words.alias("words"),
            _workstations(self).alias("from"), pl.Series("nobody", nobody), pl.Series("waits", pair),
        ])[rows]  # fmt: skip
        id_, ticket_ = pl.col("id"), pl.col("id").is_in(list(TICKETS))
        return frame.with_columns(
            id_.replace_strict(_NAMES, default=None, return_dtype=pl.String).alias("name"),
            pl.when(~pl.col("nobody")).then("account").alias("account"),
            pl.when(~pl.col("session").is_in(list(NO_SESSION))).then("session").alias("session"),
            pl.when(ticket_).then(pl.lit("domain controller")).when(id_ != PRIVILEGED).then("as_who").alias("as_who"),
            pl.concat_str(pl.col("words"), pl.col("from"), separator="; ", ignore_nulls=True).replace("", None).alias("note"),
        ).drop("words", "from", "nobody")


class _Whose:
    """The accounts of a batch: 4672 says them as its subject, all others as their target."""

    def __init__(self, batch: _Batch) -> None:
        self._batch = batch
        self._rows = np.flatnonzero(batch.asked)
        subject = batch.id == PRIVILEGED
        name, domain, sid = (
            _either(subject, batch.coded(f"Subject{part}"), batch.coded(f"Target{part}")) for part in ("UserName", "DomainName", "UserSid")
        )
        if "TargetSid" in batch._texts:
            blank = np.array([not _bare(text) for text in sid.values], dtype=np.bool_)[sid.codes]
            sid = _either(blank & np.isin(batch.id, list(TICKETS)), batch.coded("TargetSid"), sid)
        codes = ((name.codes * len(domain.values) + domain.codes) * len(sid.values) + sid.codes)[self._rows]
        _, first, self._which = np.unique(codes, return_index=True, return_inverse=True)
        first = self._rows[first]
        names, domains, sids = ([*map(_bare, part.values)] for part in (name, domain, sid))
        said = zip(name.codes[first].tolist(), domain.codes[first].tolist(), sid.codes[first].tolist(), strict=True)
        self._said = [(names[n], domains[d], sids[s]) for n, d, s in said]
        self._found = [batch.known.get(said) for said in self._said]
        self._new = {row: at for at, row in enumerate(first.tolist()) if self._found[at] is None}

    def new(self) -> list[int]:
        """Rows at which an account stands first that was not asked for before."""
        return list(self._new)

    def learn(self, row: int) -> None:
        """Ask for the account of such a row."""
        at = self._new[row]
        node, why = self._batch.logons.who.account(*self._said[at], self._batch.place[row])
        self._found[at] = self._batch.known[self._said[at]] = (node[1] if node else None, why)

    def has(self, rows: Ints) -> Any:
        """Whether there is an account, of some of the rows that are asked and known by now."""
        which = self._which[np.searchsorted(self._rows, rows)].tolist()
        return np.array([(known := self._found[at]) is not None and known[0] is not None for at in which], dtype=np.bool_)

    def accounts(self) -> pl.Series:
        """A key a row, where there is one; what is left out is counted."""
        found = [known or (None, "") for known in self._found]
        ticket = np.isin(self._batch.id[self._rows], list(TICKETS))
        missing = [at for at, (key, _) in enumerate(found) if key is None]
        for tickets in (True, False):
            counts = np.bincount(self._which[ticket == tickets], minlength=len(found))
            for at in missing:
                if counts[at] and (found[at][1] or tickets):
                    self._batch.logons.dropped[found[at][1] or "that name no account"] += int(counts[at])
        codes = np.full(len(self._batch.id), len(found))
        codes[self._rows] = self._which
        return pl.Series([*(key for key, _ in found), None], dtype=pl.String).gather(codes)


class _Pairs:
    """Logons and the 4672 that tell of their privileges, in the order of the file."""

    def __init__(self, batch: _Batch) -> None:
        self._batch, self._done = batch, 0
        logon = batch.id == LOGON
        self._rows = np.flatnonzero(batch.asked & (logon | (batch.id == PRIVILEGED)))
        ids = pl.select(pl.when(pl.Series(logon)).then(batch.target_id).otherwise(batch.subject_id)).to_series()
        self._without = (ids == "").to_numpy()[self._rows]
        self._keys = list(zip(batch.server.gather(self._rows).to_list(), ids.gather(self._rows).to_list(), strict=True))

    def until(self, row: int) -> None:
        """Take those that stand before this row."""
        begin, end = self._done, int(np.searchsorted(self._rows, row))
        self._done = end
        rows = self._rows[begin:end]
        logon = self._batch.id[rows] == LOGON
        told = logon & self._without[begin:end]
        kept = np.flatnonzero(self._batch.whose.has(rows))
        logons, numbers = self._batch.logons, self._batch.number + rows
        logons.told.update(dict.fromkeys(numbers[kept[told[kept]]].tolist(), False))
        kept = kept[~told[kept]]
        keys = [self._keys[at] for at in (begin + kept).tolist()]
        given = (numbers[kept] << 1 | logon[kept]).tolist()
        done = 0
        for at in self._with_others(keys):
            logons.wait_all(keys[done:at], given[done:at])
            logons.meet(keys[at], given[at])
            done = at + 1
        logons.wait_all(keys[done:], given[done:])

    def _with_others(self, keys: list[tuple[str, str]]) -> list[int]:
        """Those that may meet another, by their keys: that of one which waits, or stands here too."""
        waiting = self._batch.logons.waiting
        if len(set(keys)) == len(keys) and waiting.keys().isdisjoint(keys):
            return []
        counts = Counter(keys)
        return [at for at, key in enumerate(keys) if counts[key] > 1 or key in waiting]


def _bare(text: str) -> str:
    """What a field says: as `text_of` has it."""
    text = text.strip()
    return "" if text == "-" else text


def _either(where: Flags, one: Coded, other: Coded) -> Coded:
    """One column where it says so, else the other."""
    return Coded(one.values + other.values, np.where(where, one.codes, other.codes + len(one.values)))


def _logon_ids(texts: pa.Array) -> tuple[pl.Series, Flags]:
    """Ids in lower case, "" where there is none; and whether they are as usual."""
    found = columns.series(texts)
    return pl.select(pl.when(found != "-").then(found.str.to_lowercase()).otherwise(pl.lit(""))).to_series(), ~found.str.contains(_UNUSUAL.pattern).to_numpy()


def _failures(batch: _Batch) -> tuple[list[str], list[str]]:
    """(code, words) of each row that is a failure, "" of others."""
    codes, words = [""] * len(batch.id), [""] * len(batch.id)
    rows = np.flatnonzero(batch.plain & (batch.id == FAILED))
    if len(rows):
        sub, status = (batch.coded(name).of(_bare)[rows].tolist() for name in ("SubStatus", "Status"))
        for row, one, other in zip(rows.tolist(), sub, status, strict=True):
            codes[row], words[row] = failure_of(one, other)
    return codes, words


def _answers(batch: _Batch) -> tuple[pl.Series, pl.Series]:
    """(whether it went well, words) of each row; no words of a logon."""
    ok: npt.NDArray[Any] = np.where(batch.id == FAILED, False, True).astype(object)
    words: npt.NDArray[Any] = np.array([text or None for text in batch.failure[1]], dtype=object)
    rows = np.flatnonzero(batch.plain & np.isin(batch.id, list(TICKETS)))
    if len(rows):
        found = batch.coded("Status").of(lambda text: ticket_of(_bare(text)))[rows]
        ok[rows], words[rows] = [given for given, _ in found], [text or None for _, text in found]
    return pl.Series(ok.tolist(), dtype=pl.Boolean), pl.Series(words.tolist(), dtype=pl.String)


def _workstations(batch: _Batch) -> pl.Series:
    """`from ws9` of each row; null where that is not told, or is the computer itself."""
    first, second = batch.coded("WorkstationName"), batch.coded("Workstation")
    name = first.series(lambda text: identity.host(_bare(text)))
    if "Workstation" in batch._texts:
        says = pl.Series(first.of(lambda text: bool(_bare(text)), np.bool_))
        name = pl.select(pl.when(says).then(name).otherwise(second.series(lambda text: identity.host(_bare(text))))).to_series()
    here, short = batch.computer.series(str.casefold), batch.computer.series(lambda text: text.casefold().partition(".")[0])
    return pl.select(pl.when((name != here) & (name != short)).then("from " + name)).to_series()
