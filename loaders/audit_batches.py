"""Records of the Microsoft 365 audit log in batches: the operations that fill a log are stated in columns, all others one by one.

Nearly all of what a record says of who, whose mailbox and with what is the same in many others. Such a record's *context* is read once,
by the functions that read single records; its id, time, address, session and messages are read in columns. A record goes the way of
single ones where anything in it is not as usual, so that both ways say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from graphmodel import identity
from loaders import dates, jsoncells, messageids
from loaders.audit_mail import ACCESS, is_throttled
from loaders.audit_records import SIGN_INS, Records, agent_of, app_of, as_who, ip_of, session_of, succeeded
from loaders.audit_who import BASIS, Record, guid, pairs_of
from loaders.base import FactBuffer
from loaders.jsonbatch import Batch, Flags, Ints, firsts
from loaders.jsoncells import ASK, GOOD
from loaders.jsonscan import Found, Names
from loaders.jsonspans import each, objects_of

_CONTEXT = (
    "Operation", "ResultStatus", "UserId", "UserType", "UserKey", "MailboxOwnerUPN", "MailboxGuid", "MailboxOwnerSid", "OrganizationName", "LogonType",
    "ClientInfoString", "UserAgent", "ClientAppId", "AppId", "ApplicationId", "LogonError", "OperationProperties", "ExtendedProperties",
)  # fmt: skip
_ADDRESSES = ("ClientIPAddress", "ClientIP", "ActorIpAddress")
_SESSION = ("SessionId", "DeviceProperties", "UniqueTokenId")
_STRANGE = ("AuditData", "auditData", "_cut")  # not a record by itself
_RECORD = Names(
    "Id", "CreationTime", *_CONTEXT, *_ADDRESSES, *_SESSION, *_STRANGE,
    one={"AppAccessContext": Names("ClientAppId", "AADSessionId", "UniqueTokenId")},
    many={"Folders": Names("Path", "Name", many={"FolderItems": Names("InternetMessageId")})},
)  # fmt: skip
_CONTEXTS_KEPT = 100_000
_FAR = 1 << 40
_ODD, _ODDER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD)


@dataclass(frozen=True)
class _Context:
    """What many records say alike. `actor`, `app`: (label, key)."""

    upkeep: bool
    sign_in: bool
    throttled: bool = False
    operation: str = ""
    agent: str | None = None
    app: str | None = None
    as_who: str | None = None
    succeeded: bool | None = None
    note: str | None = None
    account: str | None = None
    actor_app: str | None = None
    app_key: str | None = None
    mailbox: str | None = None


@dataclass(frozen=True)
class _Scan:
    """What a batch's texts hold, by columns. `usual`: records whose parts are where they should be; spans as in jsonscan."""

    found: Found
    usual: Flags
    ids: pl.Series
    numbers: Any
    at: Any
    at_state: Any
    context: Any
    access: dict[str, Ints]
    folder_row: Ints
    folders: Found
    item_folder: Ints
    items: Found
    messages: pl.Series
    message_state: Any
    item_marks: Any
    folder_marks: Any


class Batches:
    """Takes batches for `records`."""

    def __init__(self, records: Records, out: FactBuffer) -> None:
        self._records, self._out = records, out
        self._contexts: dict[int, _Context | None] = {}
        self._known: dict[int, bool] = {}
        self._ips: dict[int, str | None] = {}

    def take(self, batches: Iterable[Batch]) -> None:
        """State what all batches say."""
        each(batches, self._scan, self._take)

    # What can be done without Python's objects.

    def _scan(self, batch: Batch) -> _Scan:
        data = batch.data
        found = objects_of(batch, _RECORD)
        usual = _opens_with(data, found, "OperationProperties", "[") & _opens_with(data, found, "ExtendedProperties", "[")
        usual &= (found.span("Operation")[:, 0] >= 0) & (found.span("CreationTime")[:, 0] >= 0)
        for name in _STRANGE:
            usual &= found.span(name)[:, 0] < 0
        access, folders = found.of_each("AppAccessContext"), found.inner["Folders"]
        items = folders.inner["FolderItems"]
        latest = _FAR if self._records.now is None else self._records.now + 86_400
        ids, numbers, id_state = jsoncells.guids(data, found.span("Id"), self._records.prefix)
        usual &= id_state == GOOD
        at, at_state = jsoncells.times(data, found.span("CreationTime"), dates.EARLIEST, latest)
        context = jsoncells.marks_of(data, found, _CONTEXT, access["ClientAppId"])
        messages, message_state = messageids.message_keys(data, items.span("InternetMessageId"))
        item_marks, folder_marks = jsoncells.marks(data, items.span("InternetMessageId")), jsoncells.marks(data, folders.span("Path"), folders.span("Name"))
        return _Scan(
            found, usual, ids, numbers, at, at_state, context, access, folders.row, folders, items.row, items, messages, message_state, item_marks, folder_marks,
        )  # fmt: skip

    # Which records are stated how.

    def _take(self, batch: Batch, scan: _Scan) -> None:
        """`known` rows are stated in columns; the others, and contexts that are new, in the order of the file."""
        rows = scan.found.row
        known = scan.usual & self._in_columns(batch, scan)
        ids = _as_bytes(scan.numbers)
        alone = np.ones(len(batch), np.bool_)
        alone[rows[known]] = False
        single, single_ids = self._singles(batch, np.flatnonzero(alone))
        if single_ids:  # one id read in both ways: the order decides which is the copy
            both = np.array([id_ in single_ids for id_ in ids], np.bool_) & known
            again, _ = self._singles(batch, rows[both])
            single, known = single | again, known & ~both
        kept = self._first_of_each(ids, np.flatnonzero(known))
        new = {int(rows[at]): int(at) for at in firsts(scan.context, kept) if self._contexts.get(int(scan.context[at])) is None}
        for row in sorted(single.keys() | new.keys()):
            for place, record in single.get(row, ()):
                self._records.take(place, record)
            if row in new:
                at = new[row]
                self._contexts[int(scan.context[at])] = self._context(self._mini(batch, scan, at), batch.place(row))
        self._out.records += 0 if batch.counted else int(known.sum())
        self._state(batch, scan, kept)

    def _in_columns(self, batch: Batch, scan: _Scan) -> Flags:
        """Whether each record's context is of a kind that is stated in columns."""
        if len(self._known) > _CONTEXTS_KEPT:
            self._known.clear()
            self._contexts.clear()
        usual = np.flatnonzero(scan.usual)
        for at in firsts(scan.context, usual):
            mark = int(scan.context[at])
            if mark not in self._known:
                self._known[mark] = _is_usual(self._mini(batch, scan, at))
        first, which = jsoncells.distinct(scan.context)
        known: Flags = np.array([self._known.get(mark, False) for mark in scan.context[first].tolist()], np.bool_)[which]
        return known

    def _singles(self, batch: Batch, rows: Ints) -> tuple[dict[int, list[tuple[str, Record]]], set[bytes]]:
        """The records of some texts, read one by one, and their ids."""
        found = {int(row): list(batch.row(int(row))) for row in rows}
        ids = {bytes.fromhex(id_.replace("-", "")) for several in found.values() for _, record in several if (id_ := guid(record.get("Id")))}
        return found, ids

    def _first_of_each(self, ids: list[bytes], rows: Ints) -> Ints:
        """The rows that are no copies; the others are counted."""
        seen = self._records.seen
        given = [ids[row] for row in rows.tolist()] if len(rows) < len(ids) else ids
        new = set(given)
        if len(new) == len(given) and seen.isdisjoint(new):
            seen |= new
            return rows
        kept = []
        for row, id_ in zip(rows.tolist(), given, strict=True):
            if id_ not in seen:
                seen.add(id_)
                kept.append(row)
        self._records.counts["copies"] += len(rows) - len(kept)
        return np.array(kept, np.int64)

    # Contexts.

    def _mini(self, batch: Batch, scan: _Scan, at: int, names: tuple[str, ...] = _CONTEXT) -> Record:
        """The part of a record that its context is read from."""
        record = {name: batch.value(span) for name in names if (span := scan.found.span(name)[at])[0] >= 0}
        access = {name: batch.value(spans[at]) for name, spans in scan.access.items() if spans[at, 0] >= 0}
        return record | ({"AppAccessContext": access} if access else {})

    def _context(self, record: Record, place: str) -> _Context:
        """What a record's context says; accounts and mailboxes that are new are stated."""
        records, app = self._records, app_of(record)
        actor = records.who.actor(record, place)
        sign_in = record["Operation"] in SIGN_INS
        if actor.upkeep and (sign_in or not guid(app)):
            return _Context(upkeep=True, sign_in=sign_in)
        node = records.who.app(actor.node[1], place) if actor.node and actor.node[0] == "App" else actor.node
        owner = None if sign_in else records.who.owner(record, place)
        said = pairs_of(record, "OperationProperties")
        return _Context(
            upkeep=False, sign_in=sign_in, throttled=is_throttled(said), operation=record["Operation"].strip(), agent=agent_of(record), app=app or None,
            as_who=as_who(record), succeeded=succeeded(record), note=None if sign_in else records.mail.note_of(record),
            account=node[1] if node and node[0] == "Account" else None, actor_app=node[1] if node and node[0] == "App" else None,
            app_key=f"app:{found}" if (found := guid(app)) else None, mailbox=owner[1] if owner else None,
        )  # fmt: skip

    # Facts.

    def _state(self, batch: Batch, scan: _Scan, kept: Ints) -> None:
        first, which = jsoncells.distinct(scan.context[kept])
        contexts = [found for mark in scan.context[kept[first]].tolist() if (found := self._contexts[mark])]
        times = self._times(batch, scan, kept)
        upkeep = np.array([context.upkeep for context in contexts], np.bool_)[which] if len(kept) else np.zeros(0, np.bool_)
        self._records.counts["upkeep"] += int(upkeep.sum())
        rows, which, times = kept[~upkeep], which[~upkeep], times.filter(pl.Series(~upkeep))
        if not len(rows):
            return
        said = _Said(contexts, which)
        place, keys = batch.places(scan.found.row[rows]), scan.ids.gather(rows)
        self._out.nodes(
            "Observation", keys, place, at=times, operation=said.of("operation"), ip=self._addresses(batch, scan, rows), session=self._sessions(batch, scan, rows),
            token=self._tokens(batch, scan, rows), user_agent=said.of("agent"), app=said.of("app"), as_who=said.of("as_who"), succeeded=said.of("succeeded", pl.Boolean), note=said.of("note"),
        )  # fmt: skip
        obs = ("Observation", keys)
        for label, name, role in (("Account", "account", "actor"), ("App", "actor_app", "actor"), ("App", "app_key", "app"), ("Mailbox", "mailbox", "mailbox")):
            if any(getattr(context, name) for context in contexts):
                self._out.edges("OBSERVED", obs, (label, said.of(name)), place, role=role)
        self._spans(contexts, which, times)
        self._mail(batch, scan, rows, keys, said, place)

    def _times(self, batch: Batch, scan: _Scan, rows: Ints) -> pl.Series:
        """Seconds, null where a record has no time that can be believed."""
        at, asked = scan.at[rows], scan.at_state[rows] != GOOD
        times = pl.Series("at", at, dtype=pl.Int64)
        if asked.any():
            values = [batch.value(span) for span in scan.found.span("CreationTime")[rows[asked]]]
            found = [value if isinstance(value, int) else self._records.moment(value) if isinstance(value, str) else None for value in values]
            times = times.scatter(np.flatnonzero(asked), pl.Series(found, dtype=pl.Int64))
        self._records.covers(times)
        return times

    def _addresses(self, batch: Batch, scan: _Scan, rows: Ints) -> pl.Series:
        marks = jsoncells.marks(batch.data, *(scan.found.span(name)[rows] for name in _ADDRESSES))
        first, which = jsoncells.distinct(marks)
        if len(self._ips) > _CONTEXTS_KEPT:
            self._ips.clear()
        different = marks[first].tolist()
        for mark, row in zip(different, rows[first].tolist(), strict=True):
            if mark not in self._ips:
                self._ips[mark] = ip_of(self._mini(batch, scan, row, _ADDRESSES))
        return pl.Series([self._ips[mark] for mark in different], dtype=pl.String).gather(which)

    def _sessions(self, batch: Batch, scan: _Scan, rows: Ints) -> pl.Series:
        column = jsoncells.bare_texts(batch.data, scan.found.span("SessionId")[rows])
        elsewhere = (scan.access["AADSessionId"][rows, 0] >= 0) | (scan.found.span("DeviceProperties")[rows, 0] >= 0)
        asked = np.flatnonzero(column.is_null().to_numpy() & elsewhere)
        if len(asked):
            names = ("SessionId", "DeviceProperties")
            column = column.scatter(asked, pl.Series([session_of(self._mini(batch, scan, int(row), names)) for row in rows[asked]], dtype=pl.String))
        return column

    def _tokens(self, batch: Batch, scan: _Scan, rows: Ints) -> pl.Series:
        both = scan.access["UniqueTokenId"][rows], scan.found.span("UniqueTokenId")[rows]
        if max(spans[:, 0].max() for spans in both) < 0:
            return pl.Series([], dtype=pl.String).clear(len(rows))
        inner, outer = (jsoncells.bare_texts(batch.data, spans) for spans in both)
        column = inner.zip_with(inner.is_not_null(), outer)
        return column.set(column.str.strip_chars("0A-=") == "", None)

    def _spans(self, contexts: list[_Context], which: Any, times: pl.Series) -> None:
        """Times that coverage is made of."""
        at, known = times.fill_null(0).to_numpy(), times.is_not_null().to_numpy()
        firsts, lasts = np.full(len(contexts), _FAR), np.full(len(contexts), -_FAR)
        np.minimum.at(firsts, which[known], at[known])
        np.maximum.at(lasts, which[known], at[known])
        for number in np.flatnonzero(firsts <= lasts).tolist():
            first, last = int(firsts[number]), int(lasts[number])
            context = contexts[number]
            if context.sign_in:
                self._records.covers_sign_ins(first, last)
            elif context.mailbox:
                self._records.mail.covers(context.mailbox, first, last, at[known & (which == number)].tolist() if context.throttled else [])

    def _mail(self, batch: Batch, scan: _Scan, rows: Ints, keys: pl.Series, said: _Said, place: pl.Series) -> None:
        """The messages of each record that opened some."""
        opened, mailboxes, mailbox_numbers = said.opened(), said.of("mailbox"), said.numbers("mailbox")
        position = np.full(len(scan.found.row), -1)
        position[rows[opened]] = np.flatnonzero(opened)
        record = position[scan.folder_row[scan.item_folder]]  # a found record is its row of the batch: none is bad here
        state = scan.message_state
        used = np.flatnonzero(record >= 0)
        messages, asked = scan.messages, used[state[used] == ASK]
        if len(asked):
            spans = scan.items.span("InternetMessageId")[asked]
            messages = messages.scatter(asked, pl.Series([identity.message_key(batch.value(span), None) for span in spans], dtype=pl.String))
        valid = pl.Series(state[used] != jsoncells.NONE) & messages.gather(used).is_not_null()
        self._records.mail.nameless += int((~valid).sum())
        used = used[valid.to_numpy()]
        paths = _paths(batch, scan.folders, scan.folder_marks)

        def columns(used: Ints) -> tuple[pl.Series, pl.Series, pl.Series]:
            return messages.gather(used), place.gather(record[used]), paths.gather(scan.item_folder[used])

        found, where, folder = columns(used)
        self._out.edges("OBSERVED", ("Observation", keys.gather(record[used])), ("Message", found), where, role="message", folder=folder)
        # What is written alike is held once; what only means the same is told apart when it is kept.
        alike = scan.item_marks[used] + scan.folder_marks[scan.item_folder[used]] * _ODD + mailbox_numbers[record[used]].astype(np.uint64) * _ODDER
        used = used[jsoncells.distinct(alike)[0]]
        found, where, folder = columns(used)
        self._out.edges("HOLDS", ("Mailbox", mailboxes.gather(record[used])), ("Message", found), where, folder=folder, basis=BASIS)


class _Said:
    """Properties of contexts as columns: the contexts, and which one each row has."""

    def __init__(self, contexts: list[_Context], which: Any) -> None:
        self._contexts, self._which = contexts, which

    def of(self, name: str, type_: Any = pl.String) -> pl.Series:
        """One property."""
        return pl.Series([getattr(context, name) for context in self._contexts], dtype=type_).gather(self._which)

    def numbers(self, name: str) -> Ints:
        """A number for each different value of a property."""
        known: dict[Any, int] = {}
        found: Ints = np.array([known.setdefault(getattr(context, name), len(known)) for context in self._contexts], np.int64)[self._which]
        return found

    def opened(self) -> Flags:
        """Whether the record tells of messages that were opened."""
        found: Flags = np.array([not context.sign_in for context in self._contexts], np.bool_)[self._which]
        return found


def _is_usual(record: Record) -> bool:
    """Whether such records are stated in columns: sign-ins, and messages that were opened one by one."""
    operation = record["Operation"]
    if operation == ACCESS:
        return pairs_of(record, "OperationProperties").get("MailAccessType", "").casefold() == "bind"
    return isinstance(operation, str) and operation in SIGN_INS


def _as_bytes(numbers: Any) -> list[bytes]:
    """Pairs of numbers as 16 bytes."""
    found: list[bytes] = numbers.astype(">u8").view("V16").reshape(-1).tolist()
    return found


def _opens_with(data: Any, found: Found, name: str, bracket: str) -> Flags:
    """Whether a value is absent, or such a bracket's."""
    start = found.span(name)[:, 0]
    good: Flags = (start < 0) | (data[start] == ord(bracket))
    return good


def _paths(batch: Batch, folders: Found, marks: Any) -> pl.Series:
    """A folder's path, or its name where the log has no path."""
    first, which = jsoncells.distinct(marks)
    path, name = (jsoncells.texts(batch.data, folders.span(key)[first]).replace("", None) for key in ("Path", "Name"))
    return pl.select(pl.coalesce(pl.lit(path.replace("Not Available", None)), pl.lit(name))).to_series().gather(which)


