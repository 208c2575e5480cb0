"""Okta's System Log in batches of lines: what many events say alike is read once, ids, times, addresses and sessions in columns.

Events that give or take rights, and those in which anything is not as usual (another spelling of a key), go the way of single ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from loaders import dates, jsoncells
from loaders.jsonbatch import Batch, Flags, Ints, firsts
from loaders.jsoncells import GOOD
from loaders.jsonscan import Found, Names
from loaders.jsonspans import each, objects_of
from loaders.okta import PREFIX, SSO, UPKEEP, Alike, Okta, Record, folded, is_plain, is_upkeep, text_of, word_of
from loaders.signins import plain_ip

_ALIKE = ("eventType", "displayMessage", "actor", "outcome", "target")
_ENVELOPES = ("events", "value")
_RECORD = Names(
    "uuid", "published", *_ALIKE, *_ENVELOPES,
    one={"client": Names("ipAddress", "userAgent", "geographicalContext"), "authenticationContext": Names("externalSessionId")},
)  # fmt: skip
_KEPT = 100_000
_DAY = 86_400


@dataclass(frozen=True)
class _Scan:
    """What a batch's texts hold, by columns. `usual`: events whose parts are where they should be; `client`, `session`: spans by name."""

    found: Found
    usual: Flags
    keys: pl.Series
    at: Any
    context: Any
    client: dict[str, Ints]
    session: Ints


class OktaBatches:
    """Takes batches for `log`."""

    def __init__(self, log: Okta, now: int | None) -> None:
        self._log, self._latest = log, now + _DAY if now is not None else dates.LATEST
        self._plain: dict[int, str | None] = {}
        self._alike: dict[int, Alike] = {}
        self._ips: dict[int, str | None] = {}

    def take(self, batches: Iterable[Batch]) -> None:
        """State what all batches say."""
        each(batches, self._scan, self._take)

    def _scan(self, batch: Batch) -> _Scan:
        data = batch.data
        found = objects_of(batch, _RECORD)
        usual = np.ones(len(found.row), np.bool_)
        for name in _RECORD.keys:
            usual &= (found.span(name)[:, 0] >= 0) == (name not in _ENVELOPES)
        client, session = found.of_each("client"), found.of_each("authenticationContext")
        for spans in (*client.values(), *session.values()):
            usual &= spans[:, 0] >= 0
        start = session["externalSessionId"][:, 0]
        usual &= ((data[start] == ord('"')) | (data[start] == ord("n")))
        keys, _, state = jsoncells.guids(data, found.span("uuid"), PREFIX)
        at, at_state = jsoncells.times(data, found.span("published"), dates.EARLIEST, self._latest, ending=True)
        context = jsoncells.marks_of(data, found, _ALIKE, client["userAgent"], client["geographicalContext"])
        return _Scan(found, usual & (state == GOOD) & (at_state == GOOD), keys, at, context, client, session["externalSessionId"])

    def _take(self, batch: Batch, scan: _Scan) -> None:
        if len(self._plain) > _KEPT or len(self._ips) > _KEPT:
            self._plain, self._alike, self._ips = {}, {}, {}
        for at in firsts(scan.context, np.flatnonzero(scan.usual)):
            if int(scan.context[at]) not in self._plain:
                self._plain[int(scan.context[at])] = self._type(self._mini(batch, scan, at))
        first, which = jsoncells.distinct(scan.context)
        plain = [self._plain.get(mark) or "" for mark in scan.context[first].tolist()]
        fine = scan.usual & np.array([bool(what) for what in plain], np.bool_)[which]
        self._log.out.records += 0 if batch.counted else int(fine.sum())
        self._cover(scan, np.flatnonzero(fine))
        ids = scan.keys.str.slice(len(PREFIX)).to_list()
        upkeep = fine & np.array([is_upkeep(what) for what in plain], np.bool_)[which]
        kept = np.flatnonzero(fine & ~upkeep)
        if int(fine.sum()) == len(batch) and self._log.are_new([ids[at] for at in kept.tolist()] if upkeep.any() else ids):
            if upkeep.any():
                self._log.tally.add(UPKEEP, int(upkeep.sum()))
            for at in firsts(scan.context, kept):
                self._know(batch, scan, at)
        else:
            in_columns = {row: at for at, row in enumerate(scan.found.row.tolist()) if fine[at]}
            kept = np.array([*self._new_ones(batch, scan, in_columns, upkeep, ids)], np.int64)
        if len(kept):
            self._state(batch, scan, kept, ids)

    def _know(self, batch: Batch, scan: _Scan, at: int) -> None:
        """What is said alike by such events; what they are about is stated."""
        mark = int(scan.context[at])
        if mark not in self._alike:
            self._alike[mark] = self._log.alike(self._mini(batch, scan, at), self._plain[mark] or "", batch.place(int(scan.found.row[at])))

    def _new_ones(self, batch: Batch, scan: _Scan, in_columns: dict[int, int], upkeep: Flags, ids: list[str]) -> Iterator[int]:
        """Events to state in columns; the others are stated.

        It goes by the order of the file, which decides which of two is the copy, and where a thing is stated first.
        """
        for row in range(len(batch)):
            at = in_columns.get(row, -1)
            if at < 0:
                for place, record in batch.row(row):
                    self._log.take(folded(record), place)
            elif upkeep[at]:
                self._log.tally.add(UPKEEP)
            elif self._log.is_new(ids[at]):
                self._know(batch, scan, at)
                yield at

    def _type(self, record: Record) -> str | None:
        """The type of an event that is stated in columns; None where it is not."""
        what = text_of(record, "eventtype")
        return what if what and is_plain(what) else None

    def _mini(self, batch: Batch, scan: _Scan, at: int) -> Record:
        """The part of an event that is alike in others, keys folded."""
        record = {name: batch.value(scan.found.span(name)[at]) for name in _ALIKE}
        record["client"] = {name: batch.value(spans[at]) for name, spans in scan.client.items() if name != "ipAddress" and spans[at, 0] >= 0}
        found: Record = folded(record)
        return found

    def _cover(self, scan: _Scan, rows: Ints) -> None:
        first, which = jsoncells.distinct(scan.context[rows])
        words = np.array([word_of(self._plain[mark] or "") for mark in scan.context[rows[first]].tolist()])
        for word in np.unique(words):
            times = scan.at[rows[(words == word)[which]]]
            self._log.covers(str(word), int(times.min()), int(times.max()), len(times))

    def _state(self, batch: Batch, scan: _Scan, rows: Ints, ids: list[str]) -> None:
        first, which = jsoncells.distinct(scan.context[rows])
        alike = [self._alike[mark] for mark in scan.context[rows[first]].tolist()]
        out, at, place, keys = self._log.out, scan.at[rows], batch.places(scan.found.row[rows]), scan.keys.gather(rows)
        record = keys.str.slice(len(PREFIX))

        def column(values: list[Any], type_: Any = pl.String) -> pl.Series:
            return pl.Series(values, dtype=type_).gather(which)

        session = jsoncells.bare_texts(batch.data, scan.session[rows])
        session = pl.select(pl.when(pl.lit(session).str.to_lowercase().is_in(["null", "unknown"])).then(None).otherwise(pl.lit(session))).to_series()
        out.nodes(
            "Observation", keys, place, name=column([said.name for said in alike]), at=pl.Series(at), operation=column([said.what for said in alike]),
            ip=self._addresses(batch, scan, rows), session=session, user_agent=column([said.agent for said in alike]), app=column([said.app for said in alike]),
            succeeded=column([said.ok for said in alike], pl.Boolean), note=column([said.note for said in alike]),
        )  # fmt: skip
        about = [(said.who, "actor") for said in alike], *([(said.targets[n] if n < len(said.targets) else None, "target") for said in alike]
                                                          for n in range(max(len(said.targets) for said in alike)))  # fmt: skip
        for ends in about:
            for label in {node[0] for node, _ in ends if node}:
                others = column([node[1] if node and node[0] == label else None for node, _ in ends])
                out.edges("OBSERVED", ("Observation", keys), (label, others), place, role=ends[0][1], record=record)
        self._enter(batch, scan, rows, alike, which, ids)

    def _enter(self, batch: Batch, scan: _Scan, rows: Ints, alike: list[Alike], which: Any, ids: list[str]) -> None:
        """The earliest single sign-on of each kind."""
        times = scan.at[rows]
        earliest = np.full(len(alike), np.iinfo(np.int64).max)
        np.minimum.at(earliest, which, times)
        for at in np.flatnonzero(times == earliest[which]).tolist():
            said, row = alike[which[at]], int(rows[at])
            if said.what == SSO and said.ok:
                self._log.entered(said, int(times[at]), batch.place(int(scan.found.row[row])), ids[row])

    def _addresses(self, batch: Batch, scan: _Scan, rows: Ints) -> pl.Series:
        spans = scan.client["ipAddress"][rows]
        marks = jsoncells.marks(batch.data, spans)
        first, which = jsoncells.distinct(marks)
        for mark, at in zip(marks[first].tolist(), first.tolist(), strict=True):
            if mark not in self._ips:
                self._ips[mark] = plain_ip(text_of({"ip": batch.value(spans[at])}, "ip"))
        return pl.Series([self._ips[mark] for mark in marks[first].tolist()], dtype=pl.String).gather(which)
