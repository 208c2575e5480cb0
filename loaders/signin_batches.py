"""Sign-ins to Entra ID in batches, as Graph writes them: what many say alike is read once, ids, times, addresses and sessions in columns.

A record goes the way of single ones where anything in it is not as usual, so that both ways say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from loaders import dates, jsoncells
from loaders.entra import Record
from loaders.jsonbatch import Batch, Flags, Ints, firsts
from loaders.jsoncells import GOOD
from loaders.jsonscan import Found, Names
from loaders.jsonspans import each, objects_of
from loaders.signins import NOBODY, OPERATION, PREFIX, Alike, SignIns, from_graph, plain_ip

_CONTEXT = (
    "status", "location", "signInEventTypes", "isInteractive", "riskLevelDuringSignIn", "riskLevelAggregated", "userId", "userPrincipalName", "userDisplayName",
    "appId", "appDisplayName", "servicePrincipalName", "servicePrincipalId", "resourceDisplayName", "userAgent", "clientAppUsed", "authenticationRequirement",
)  # fmt: skip
_AUDIT = ("activityDateTime", "activityDisplayName")
_RECORD = Names("id", "createdDateTime", "ipAddress", "sessionId", "uniqueTokenIdentifier", *_CONTEXT, *_AUDIT)
_KEPT = 100_000


@dataclass(frozen=True)
class _Scan:
    """What a batch's texts hold, by columns. `usual`: records whose parts are where they should be."""

    found: Found
    usual: Flags
    keys: pl.Series
    at: Any
    context: Any


class SignInBatches:
    """Takes batches for `log`; `single(record, place)` states a record by itself, `is_one` tells a sign-in by its keys."""

    def __init__(self, log: SignIns, single: Callable[[Record, str], None], is_one: Callable[[frozenset[str]], bool]) -> None:
        self._log, self._single, self._is_one = log, single, is_one
        self._alike: dict[int, Alike] = {}
        self._known: dict[int, bool] = {}
        self._ips: dict[int, str | None] = {}

    def take(self, batches: Iterable[Batch]) -> None:
        """State what all batches say."""
        each(batches, self._scan, self._take)

    def _scan(self, batch: Batch) -> _Scan:
        data = batch.data
        found = objects_of(batch, _RECORD)
        usual = (found.span("ipAddress")[:, 0] >= 0) & (found.span("activityDateTime")[:, 0] < 0)
        keys, _, state = jsoncells.guids(data, found.span("id"), PREFIX)
        at, at_state = jsoncells.times(data, found.span("createdDateTime"), dates.EARLIEST, self._log.latest or dates.LATEST, ending=True)
        context = jsoncells.marks_of(data, found, _CONTEXT)
        return _Scan(found, usual & (state == GOOD) & (at_state == GOOD), keys, at, context)

    def _take(self, batch: Batch, scan: _Scan) -> None:
        if len(self._known) > _KEPT or len(self._ips) > _KEPT:
            for kept in (self._known, self._alike, self._ips):
                kept.clear()
        self._know(batch, scan)
        marks, which = np.unique(scan.context, return_inverse=True)
        known = scan.usual & np.array([self._known.get(int(mark), False) for mark in marks], np.bool_)[which]
        rows = scan.found.row
        new = {int(rows[at]): at for at in firsts(scan.context, np.flatnonzero(known)) if int(scan.context[at]) not in self._alike}
        single = np.setdiff1d(np.arange(len(batch)), rows[known]).tolist()
        for row in sorted({*single, *new}):
            if row in new:
                given = from_graph(self._mini(batch, scan, new[row]), lambda _: None)
                self._alike[int(scan.context[new[row]])] = self._log.alike(given, batch.place(row))
            else:
                for place, record in batch.row(row):
                    self._single(record, place)
        if known.any():
            self._log.out.records += 0 if batch.counted else int(known.sum())
            self._state(batch, scan, np.flatnonzero(known))

    def _know(self, batch: Batch, scan: _Scan) -> None:
        """Find out which new contexts are those of sign-ins."""
        for at in firsts(scan.context, np.flatnonzero(scan.usual)):
            mark = int(scan.context[at])
            if mark not in self._known:
                self._known[mark] = self._is_one(frozenset((*self._mini(batch, scan, at), "createdDateTime", "ipAddress")))

    def _mini(self, batch: Batch, scan: _Scan, at: int) -> Record:
        """The part of a record that is alike in others."""
        return {name: batch.value(span) for name in _CONTEXT if (span := scan.found.span(name)[at])[0] >= 0}

    def _state(self, batch: Batch, scan: _Scan, rows: Ints) -> None:
        marks, which = np.unique(scan.context[rows], return_inverse=True)
        alike = [self._alike[int(mark)] for mark in marks]
        log, at, place, keys = self._log, scan.at[rows], batch.places(scan.found.row[rows]), scan.keys.gather(rows)
        log.covers(int(at.min()), int(at.max()), len(rows))
        log.tally.add(NOBODY, int(np.array([said.nobody for said in alike])[which].sum()))

        def column(values: list[Any], type_: Any = pl.String) -> pl.Series:
            return pl.Series(values, dtype=type_).gather(which)

        log.out.nodes(
            "Observation", keys, place, name=column([said.name for said in alike]), at=pl.Series(at), operation=OPERATION, ip=self._addresses(batch, scan, rows),
            session=_texts(batch, scan, rows, "sessionId"), token=_tokens(batch, scan, rows), user_agent=column([said.agent for said in alike]), app=column([said.app_name for said in alike]),
            as_who=column([said.kind for said in alike]), succeeded=column([said.ok for said in alike], pl.Boolean), note=column([said.note for said in alike]),
        )  # fmt: skip
        record = jsoncells.texts(batch.data, scan.found.span("id")[rows])
        for label, ends, roles in (
            ("Account", [said.actor for said in alike], "actor"), ("App", [said.app for said in alike], column([said.app_role for said in alike])),
        ):  # fmt: skip
            if any(ends):
                log.out.edges("OBSERVED", ("Observation", keys), (label, column([end[1] if end else None for end in ends])), place, role=roles, record=record)

    def _addresses(self, batch: Batch, scan: _Scan, rows: Ints) -> pl.Series:
        spans = scan.found.span("ipAddress")[rows]
        marks, first, which = np.unique(jsoncells.marks(batch.data, spans), return_index=True, return_inverse=True)
        for mark, at in zip(marks.tolist(), first.tolist(), strict=True):
            if mark not in self._ips:
                self._ips[mark] = plain_ip(batch.value(spans[at]))
        return pl.Series([self._ips[mark] for mark in marks.tolist()], dtype=pl.String).gather(which)


def _tokens(batch: Batch, scan: _Scan, rows: Ints) -> pl.Series:
    """Ids of tokens, as loaders/audit_who.token_id takes them."""
    column = _texts(batch, scan, rows, "uniqueTokenIdentifier")
    return column.set(column.str.strip_chars("0A-=") == "", None)


def _texts(batch: Batch, scan: _Scan, rows: Ints, name: str) -> pl.Series:
    """A text of each record, null where there is none."""
    return jsoncells.bare_texts(batch.data, scan.found.span(name)[rows])
