"""Google Workspace's audit activities in batches: what many sign-ins say alike is read once, ids, times and addresses in columns.

The first of those that are alike goes the way of single ones, and so do all of other applications, and whatever is not as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from graphmodel import identity
from loaders import dates, jsoncells
from loaders.collectors import MARKS
from loaders.google import PREFIX, TWICE, Happened, Record, Workspace, is_upkeep, listed, noted, own_id, parameters, text_of
from loaders.google_events import entered, sign_in
from loaders.jsonbatch import Batch, Flags, Ints, firsts
from loaders.jsoncells import GOOD
from loaders.jsonscan import Found, Names
from loaders.jsonspans import each, objects_of
from loaders.recipients import Node
from loaders.signins import plain_ip

_STRANGE = ("gmail", "message_info", "event_info", *sorted(MARKS), "o365.audit.Operation")
_CONTEXT = ("actor", "events", *_STRANGE)
_RECORD = Names("ipAddress", *_CONTEXT, one={"id": Names("time", "uniqueQualifier", "applicationName")})
_APPS = frozenset(("login", "user_accounts", "saml"))
_KEPT = 100_000
_DAY = 86_400


@dataclass(frozen=True)
class _Event:
    """What events of one kind say alike. `own`: the end of their ids; `entered`: the service they sign in to."""

    own: str
    actor: str | None
    operation: str
    said: dict[str, Any]
    entered: Node | None


@dataclass(frozen=True)
class _Alike:
    """What activities say alike: their application, their events, and the domain of who did it ("" where nobody is told)."""

    app: str
    domain: str
    events: tuple[_Event, ...]


@dataclass(frozen=True)
class _Scan:
    """What a batch's texts hold, by columns. `usual`: activities whose parts are where they should be; `head`: spans of their ids' parts."""

    found: Found
    usual: Flags
    at: Ints
    context: Any
    head: dict[str, Ints]


_NOTHING = _Alike("", "", ())


class GoogleBatches:
    """Takes batches for `log`; `single(record, place)` states a record by itself."""

    def __init__(self, log: Workspace, single: Callable[[Record, str], None], now: int | None) -> None:
        self._log, self._single, self._latest = log, single, now + _DAY if now is not None else dates.LATEST
        self._alike: dict[int, _Alike | None] = {}
        self._ips: dict[int, str | None] = {}

    def take(self, batches: Iterable[Batch]) -> None:
        """State what all batches say."""
        each(batches, self._scan, self._take)

    def _scan(self, batch: Batch) -> _Scan:
        data = batch.data
        found = objects_of(batch, _RECORD)
        head = found.of_each("id")
        usual = np.ones(len(found.row), np.bool_)
        for name in ("time", "uniqueQualifier"):
            usual &= (head[name][:, 0] >= 0) & (data[head[name][:, 0]] == ord('"'))
        at, state = jsoncells.times(data, head["time"], dates.EARLIEST, self._latest, ending=True)
        return _Scan(found, usual & (state == GOOD), at, jsoncells.marks_of(data, found, _CONTEXT, head["applicationName"]), head)

    def _take(self, batch: Batch, scan: _Scan) -> None:
        """`rows` are stated in columns; the others, and the first of those that are alike, in the order of the file."""
        if len(self._alike) > _KEPT or len(self._ips) > _KEPT:
            self._alike, self._ips = {}, {}
        fine = scan.usual.copy()
        for at in firsts(scan.context, np.flatnonzero(scan.usual)):
            if int(scan.context[at]) not in self._alike:
                self._alike[int(scan.context[at])] = _read(self._mini(batch, scan, at))
                fine[at] = False
        first, which = jsoncells.distinct(scan.context)
        said = [self._alike.get(mark) or _NOTHING for mark in scan.context[first].tolist()]
        rows = np.flatnonzero(fine & np.array([one is not _NOTHING for one in said], np.bool_)[which])
        events = self._events(batch, scan, rows, said, which)
        in_columns = np.zeros(len(batch), np.bool_)
        in_columns[scan.found.row[rows]] = True
        self._log.out.records += 0 if batch.counted else len(rows)
        keys, kept, begin = events["key"].to_list(), [], 0
        for row in np.flatnonzero(~in_columns).tolist():  # the order of the file decides which of two is the copy
            end = int(np.searchsorted(events["row"].to_numpy(), row))
            kept += [begin + at for at in self._log.are_new(keys[begin:end])]
            begin = end
            for place, record in batch.row(row):
                self._single(record, place)
        kept += [begin + at for at in self._log.are_new(keys[begin:])]
        if kept:
            self._state(events if len(kept) == len(keys) else events[kept], [event for one in said for event in one.events])
        self._count(scan.at[rows], said, which[rows])

    def _mini(self, batch: Batch, scan: _Scan, at: int) -> Record:
        """The part of an activity that is alike in others."""
        record = {name: batch.value(span) for name in _CONTEXT if (span := scan.found.span(name)[at])[0] >= 0}
        app = scan.head["applicationName"][at]
        return record | ({"id": {"applicationName": batch.value(app)}} if app[0] >= 0 else {})

    def _count(self, times: Ints, said: list[_Alike], which: Ints) -> None:
        """Whose activities they are, and what times the applications' logs cover."""
        for one, count in zip(said, np.bincount(which, minlength=len(said)).tolist(), strict=True):
            if one.domain and count:
                self._log.domains[one.domain] += count
        apps = np.array([one.app for one in said])[which] if said else np.array([], str)
        for app in np.unique(apps).tolist():
            at = times[apps == app]
            self._log.cover(app, int(at.min()), int(at.max()), len(at))

    def _events(self, batch: Batch, scan: _Scan, rows: Ints, said: list[_Alike], which: Ints) -> pl.DataFrame:
        """The events of these rows in their order: `row` of the batch, `key`, `id`, `place`, `at`, `ip`, and `kind`: the number among all that are said alike."""
        counts = np.array([len(one.events) for one in said], np.int64)
        begins, many = (np.cumsum(counts) - counts)[which[rows]], counts[which[rows]]
        of = np.repeat(np.arange(len(rows)), many)
        kind = begins[of] + np.arange(len(of)) - np.repeat(np.cumsum(many) - many, many)
        frame = pl.DataFrame([
            pl.Series("row", scan.found.row[rows]), batch.places(scan.found.row[rows]).alias("place"), pl.Series("at", scan.at[rows]), self._addresses(batch, scan, rows).alias("ip"),
            jsoncells.texts(batch.data, scan.head["time"][rows]).alias("time"), jsoncells.bare_texts(batch.data, scan.head["uniqueQualifier"][rows]).fill_null("").alias("number"),
        ])  # fmt: skip
        if not np.array_equal(of, np.arange(len(rows))):
            frame = frame[of]
        own = pl.Series("own", [f"{one.app}/{event.own}" for one in said for event in one.events], dtype=pl.String).gather(kind)
        id_ = pl.concat_str(["time", pl.lit("/"), "number", pl.lit("/"), "own"])
        return frame.with_columns(own, pl.Series("kind", kind, dtype=pl.Int64)).with_columns(id_.alias("id"), (PREFIX + id_).alias("key"))

    def _state(self, frame: pl.DataFrame, events: list[_Event]) -> None:
        """State observations with who made them, and what was entered."""
        out, keys, place = self._log.out, frame["key"], frame["place"]

        def column(values: list[Any], type_: Any = pl.String) -> pl.Series:
            return pl.Series(values, dtype=type_).gather(frame["kind"])

        actor = column([event.actor for event in events])
        out.nodes(
            "Observation", keys, place, name=column([event.said["name"] for event in events]), at=frame["at"], operation=column([event.operation for event in events]), ip=frame["ip"],
            app=column([event.said["app"] or None for event in events]), as_who=column([event.said["as_who"] or None for event in events]),
            succeeded=column([event.said["ok"] for event in events], pl.Boolean), note=column([noted(event.said["notes"]) for event in events]),
        )  # fmt: skip
        out.edges("OBSERVED", ("Observation", keys), ("Account", actor), place, role="actor", record=frame["id"])
        if any(event.entered for event in events):
            goal = column([event.entered[1] if event.entered else None for event in events])
            self._services(frame.select("place", "kind", goal.alias("goal")).drop_nulls("goal").unique("goal", keep="first", maintain_order=True), events)
            out.edges("SIGNS_IN_TO", ("Account", actor), ("Service", goal), place, via="sso", basis="signed in", valid_from=frame["at"], record=frame["id"])

    def _services(self, frame: pl.DataFrame, events: list[_Event]) -> None:
        """State services that are new: where the first that signed in to one was a copy."""
        for place, kind, goal in frame.iter_rows():
            if self._log.once("Service", goal):
                self._log.out.node("Service", goal, place, name=events[kind].said["app"], type="saas")

    def _addresses(self, batch: Batch, scan: _Scan, rows: Ints) -> pl.Series:
        spans = scan.found.span("ipAddress")[rows]
        marks = jsoncells.marks(batch.data, spans)
        first, which = jsoncells.distinct(marks)
        for mark, at in zip(marks[first].tolist(), first.tolist(), strict=True):
            if mark not in self._ips:
                self._ips[mark] = plain_ip(batch.value(spans[at])) if spans[at, 0] >= 0 else None
        return pl.Series([self._ips[mark] for mark in marks[first].tolist()], dtype=pl.String).gather(which)


def _read(record: Record) -> _Alike | None:
    """What activities with this part say; None where they do not go into columns."""
    head, actor = record.get("id", {}), record.get("actor")
    app, actor = text_of(head.get("applicationName")).casefold(), (actor if isinstance(actor, dict) else {})
    given = listed(record)
    if app not in _APPS or not given or is_upkeep(actor) or not record.keys().isdisjoint(_STRANGE):
        return None
    email = identity.address(text_of(actor.get("email")))
    who = ("Account", identity.account_key(email)) if email else None
    events = []
    for item in given:
        event = Happened(0, "", "", app, text_of(item.get("type")), text_of(item.get("name")), who, email or "", None, parameters(item))
        if event.type in TWICE:
            return None
        events.append(_Event(own_id(event.name, event.said), who[1] if who else None, event.name, sign_in(event), entered(event) if who else None))
    return _Alike(app, identity.registrable(identity.domain_of(email)) if email else "", tuple(events))
