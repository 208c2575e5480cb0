"""Windows logon events as facts, whichever tool shipped them (formats.md 6): who was on which computer, from where, from when until when.

    logons = Logons(out)
    logons.take(Event(at, 4624, "pc01.corp.example", "Security", "227701", data, place)) …
    logons.finish()

`data` has the names of the event's own fields (TargetUserName, LogonType …). A copy of a record, by computer, channel and record id, is read
once. Machines and Windows' own accounts are counted, not kept. 4672 follows or goes before the logon of its LogonId: it becomes its note.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
import polars as pl

from loaders import windows_changes
from loaders.base import FactBuffer
from loaders.recipients import Node
from loaders.windows_accounts import Accounts, text_of
from loaders.windows_sessions import Sessions
from loaders.windows_words import (  # fmt: skip
    NO_ACCOUNT,
    NOBODY,
    PRESENT,
    failure_of,
    logon_type,
    remote_ip,
    session_of,
    ticket_of,
    type_word,
    workstation_of,
)

LOGON, FAILED, EXPLICIT, PRIVILEGED, CLEARED = 4624, 4625, 4648, 4672, 1102
LOGOFFS = frozenset((4634, 4647))
TICKETS = frozenset((4768, 4776))
SECURITY = frozenset((LOGON, FAILED, EXPLICIT, PRIVILEGED, CLEARED, *LOGOFFS, *TICKETS))
DESKTOP = frozenset((21, 22, 23, 24, 25, 1149))
_DESKTOP_WORDS = {21: "remote desktop logon", 25: "remote desktop reconnected", 1149: "remote desktop: network sign-in"}
WAITING = 4096
"""How many logons wait for their 4672: it stands beside them in every log."""

RECORDS = SECURITY | windows_changes.CHANGES
WANTED = RECORDS | DESKTOP
PRIVILEGES, ALONE = "special privileges", "special privileges; its logon is not in the file"


class Event(NamedTuple):
    """One record. `at`: seconds, None where no time can be believed; `record`: its number in the log, "" where unknown."""

    at: int | None
    id: int
    computer: str
    channel: str
    record: str
    data: dict[str, Any]
    place: str


@dataclass
class _Waiting:
    """A logon that may yet be told privileged, or a 4672 whose logon has not been seen."""

    event: Event
    key: str
    account: Node
    server: Node


class Logons:
    """States logons in `out`. Reads of `Accounts` what names and SIDs say."""

    def __init__(self, out: FactBuffer) -> None:
        self.out = out
        self.who = Accounts(out)
        self.dropped: Counter[str] = Counter()
        self.seen: set[int] = set()
        self.waiting: OrderedDict[tuple[str, str], _Waiting | int] = OrderedDict()
        """By computer and LogonId; a number is that of a row that was read in columns: twice it, and 1 for a logon."""
        self.told: dict[int, bool] = {}
        """Rows that wait no longer, and whether they are those of a logon with special privileges."""
        self.sessions = Sessions()
        self._spans: dict[str, list[int]] = {}
        self._ids: dict[str, set[int]] = {}
        self.others = self.said = 0

    # -- one record ----------------------------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """One record of any log; what is no logon is only counted."""
        channel = event.channel.casefold()
        desktop = event.id in DESKTOP and "terminalservices" in channel
        if not desktop and (event.id not in RECORDS or channel not in (windows_changes.right_log(event.id), "")):
            self.others += 1
            return
        server = self.who.server(event.computer, event.place)
        if event.at is None or server is None:
            what = f"event {event.id}, record {event.record or 'without number'}"
            self.out.refuse(event.place, what, "no date that can be believed" if event.at is None else "no name of a computer")
            return
        key = self._key(event, server[1], channel)
        if (mark := hash(key)) in self.seen:
            self.dropped["standing in the file more than once, read once"] += 1
            return
        self.seen.add(mark)
        if desktop:
            self._desktop(event, key, server)
            return
        if event.id not in (CLEARED, windows_changes.INSTALLED):
            self.cover(server, event.at, event.id)
        if event.id == LOGON:
            self._logon(event, key, server)
        elif event.id in LOGOFFS:
            self._logoff(event, server)
        elif event.id == PRIVILEGED:
            self._privileged(event, key, server)
        elif event.id in windows_changes.CHANGES:
            windows_changes.state(self, event, key, server)
        else:
            {FAILED: self._failed, EXPLICIT: self._explicit, CLEARED: self._cleared}.get(event.id, self._ticket)(event, key, server)

    def _key(self, event: Event, server: str, channel: str) -> str:
        if event.record:
            return f"obs:windows/{server.partition(':')[2]}/{channel or 'security'}/{event.record}"
        said = orjson.dumps([event.at, event.id, server, event.data], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
        return f"obs:windows/{hashlib.sha256(said).hexdigest()[:32]}"

    def observe(self, event: Event, key: str, actor: Node | None, server: Node, *, as_who: str | None = None, ok: bool | None = True,
                notes: tuple[str, ...] = (), others: tuple[Node, ...] = (), name: str = "Windows logon") -> None:  # fmt: skip
        """State one record: who did it, on which computer, and what else it is about."""
        self.said += 1
        self.out.node(
            "Observation", key, event.place, name=name, at=event.at, operation=str(event.id) if event.id else name, ip=remote_ip(event.data.get("IpAddress")),
            session=session_of(event.data), as_who=as_who, succeeded=ok, note="; ".join(filter(None, notes)) or None,
        )  # fmt: skip
        observation, record = ("Observation", key), event.record or None
        if actor is not None:
            self.out.edge("OBSERVED", observation, actor, event.place, role="actor", record=record)
        for node in (server, *others):
            self.out.edge("OBSERVED", observation, node, event.place, role="target", record=record)

    def observed(self, keys: pl.Series, place: pl.Series, at: pl.Series, name: pl.Series, words: pl.DataFrame, actors: pl.Series, servers: pl.Series) -> None:
        """State many records. `words`: `as_who`, `ok`, `note`; `actors`, `servers`: keys."""
        self.said += len(keys)
        self.out.nodes("Observation", keys, place, name=name, at=at, operation=name, as_who=words["as_who"], succeeded=words["ok"], note=words["note"])
        for label, others, role in (("Account", actors, "actor"), ("Server", servers, "target")):
            self.out.edges("OBSERVED", ("Observation", keys), (label, others), place, role=role)

    def covers(self, server: Node, first: int, last: int, count: int, ids: Iterable[int] = ()) -> None:
        """So many logon records of this computer were read, of these times, with these numbers."""
        span = self._spans.setdefault(server[1], [first, last, 0])
        span[0], span[1], span[2] = min(span[0], first), max(span[1], last), span[2] + count
        if ids:
            self._ids.setdefault(server[1], set()).update(ids)

    def cover(self, server: Node, at: int, id_: int = 0) -> None:
        """A logon record of this computer and time was read."""
        self.covers(server, at, at, 1, (id_,) if id_ else ())

    def session(self, account: Node, server: Node, id_: str, at: int, begins: bool, place: str, record: str) -> None:
        """A person came to (or left) the computer in the session `id_`."""
        self.sessions.add(server[1], id_, account[1], at, begins, place, record)

    def _target(self, event: Event) -> Node | None:
        return self._named(event, "Target")

    def _named(self, event: Event, prefix: str) -> Node | None:
        """The account in the fields that begin so; None, and counted, where it is a machine's or Windows' own, or none."""
        data = event.data
        node, why = self.who.account(text_of(data, f"{prefix}UserName"), text_of(data, f"{prefix}DomainName"), text_of(data, f"{prefix}UserSid"), event.place)
        if why:
            self.dropped[why] += 1
        return node

    def _quietly(self, event: Event, prefix: str) -> Node | None:
        """The same without counting: for a record that is kept, or was counted before."""
        data = event.data
        return self.who.account(text_of(data, f"{prefix}UserName"), text_of(data, f"{prefix}DomainName"), text_of(data, f"{prefix}UserSid"), event.place)[0]

    # -- the kinds of records ------------------------------------------------------------------------------------------

    def _logon(self, event: Event, key: str, server: Node) -> None:
        kind = logon_type(event.data)
        if kind in (0, 5):
            self.dropped["of services that started: left out"] += 1
            return
        account = self._target(event)
        if account is None:
            return
        id_ = text_of(event.data, "TargetLogonId").casefold()
        if kind in PRESENT and event.at is not None:
            self.session(account, server, id_ or event.record, event.at, True, event.place, event.record)
        self._meet(_Waiting(event, key, account, server), (server[1], id_) if id_ else None)

    def _privileged(self, event: Event, key: str, server: Node) -> None:
        account = self._named(event, "Subject")
        if account is not None:
            self._meet(_Waiting(event, key, account, server), (server[1], text_of(event.data, "SubjectLogonId").casefold()))

    def _meet(self, given: _Waiting, at: tuple[str, str] | None) -> None:
        """A logon or a 4672: told with the other one, or it waits for it."""
        is_logon = given.event.id == LOGON
        other = self.waiting.get(at) if at else None
        if at is None:
            self._say_logon(given, "")
        elif other is None or is_logon == _is_logon(other):
            self.wait(at, given)
        else:
            del self.waiting[at]
            if isinstance(other, int):
                self.told[other >> 1] = True
            if is_logon:
                self._say_logon(given, PRIVILEGES)
            elif not isinstance(other, int):
                self._say_logon(other, PRIVILEGES)

    def meet(self, at: tuple[str, str], row: int) -> None:
        """The same of a row that was read in columns, as `waiting` has it."""
        other, is_logon = self.waiting.get(at), bool(row & 1)
        if other is None or is_logon == _is_logon(other):
            self.wait(at, row)
            return
        del self.waiting[at]
        self.told[row >> 1] = True
        if isinstance(other, int):
            self.told[other >> 1] = True
        elif not is_logon:
            self._say_logon(other, PRIVILEGES)

    def wait_all(self, keys: list[tuple[str, str]], rows: list[int]) -> None:
        """Let rows wait for which nothing waits yet, and none of which waits for another."""
        over = len(self.waiting) + len(rows) - WAITING
        for _ in range(min(over, len(self.waiting))):
            self.give_up(self.waiting.popitem(last=False)[1])
        late = max(len(rows) - WAITING, 0)
        self.told.update(dict.fromkeys([row >> 1 for row in rows[:late]], False))
        self.waiting.update(zip(keys[late:], rows[late:], strict=True))

    def wait(self, at: tuple[str, str], waiting: _Waiting | int) -> None:
        """Let one wait; what stood there before, and the eldest of too many, are told."""
        if (old := self.waiting.pop(at, None)) is not None:
            self.give_up(old)
        self.waiting[at] = waiting
        if len(self.waiting) > WAITING:
            self.give_up(self.waiting.popitem(last=False)[1])

    def give_up(self, waiting: _Waiting | int) -> None:
        """Tell one that waited in vain."""
        if isinstance(waiting, int):
            self.told[waiting >> 1] = False
        elif waiting.event.id == LOGON:
            self._say_logon(waiting, "")
        else:
            self.observe(waiting.event, waiting.key, waiting.account, waiting.server, notes=(ALONE,), name="Special privileges")

    def _say_logon(self, given: _Waiting, privileges: str) -> None:
        data = given.event.data
        notes = (privileges, workstation_of(data, given.event.computer))
        self.observe(given.event, given.key, given.account, given.server, as_who=type_word(logon_type(data)), notes=notes)

    def _logoff(self, event: Event, server: Node) -> None:
        kind = logon_type(event.data)
        if kind not in PRESENT and event.id != 4647:  # 4647 is only written for interactive sessions, without their type
            self.dropped["of logoffs from the network: left out"] += 1
            return
        account = self._target(event)
        if account is not None and event.at is not None:
            self.session(account, server, text_of(event.data, "TargetLogonId").casefold(), event.at, False, event.place, event.record)

    def _failed(self, event: Event, key: str, server: Node) -> None:
        code, said = failure_of(text_of(event.data, "SubStatus"), text_of(event.data, "Status"))
        if code == NO_ACCOUNT:
            account = None  # what was typed is nobody, and sometimes a password: it is not kept
        elif (account := self._target(event)) is None and text_of(event.data, "TargetUserName"):
            return
        notes = (said, workstation_of(event.data, event.computer))
        self.observe(event, key, account, server, as_who=type_word(logon_type(event.data)), ok=False, notes=notes, name="Windows logon failed")

    def _explicit(self, event: Event, key: str, server: Node) -> None:
        subject, used = self._quietly(event, "Subject"), self._target(event)
        if used is None:
            return
        named = text_of(event.data, "TargetServerName")
        target = server if named.casefold() in ("", "localhost") else self.who.server(named, event.place)
        others = tuple(node for node in (used if subject not in (None, used) else None, target if target != server else None) if node is not None)
        said = "" if target is not None else "to a server without a usable name"
        self.observe(event, key, subject or used, server, as_who="explicit credentials", notes=(said,), others=others, name="Explicit credentials")

    def _ticket(self, event: Event, key: str, server: Node) -> None:
        account, why = self.who.account(
            text_of(event.data, "TargetUserName"), text_of(event.data, "TargetDomainName"), text_of(event.data, "TargetUserSid", "TargetSid"), event.place
        )
        if account is None:
            self.dropped[why or "that name no account"] += 1
            return
        ok, said = ticket_of(text_of(event.data, "Status"))
        if said == NOBODY:
            account = None
        name = "Kerberos sign-in" if event.id == 4768 else "NTLM credentials checked"
        self.observe(event, key, account, server, as_who="domain controller", ok=ok, notes=(said, workstation_of(event.data, event.computer)), name=name)

    def _cleared(self, event: Event, key: str, server: Node) -> None:
        self.observe(event, key, self._quietly(event, "Subject"), server, notes=("the security log was cleared: nothing before it is left",), name="Log cleared")

    def _desktop(self, event: Event, key: str, server: Node) -> None:
        data = event.data
        domain, _, name = (text_of(data, "User") or f"{text_of(data, 'Param2')}\\{text_of(data, 'Param1')}").rpartition("\\")
        account, why = self.who.account(name, domain, "", event.place)
        if account is None or event.at is None:
            self.dropped[why or "that name no account"] += 1
            return
        id_ = f"desktop {text_of(data, 'SessionID')}"
        if event.id in (21, 23):
            self.session(account, server, id_, event.at, event.id == 21, event.place, event.record)
        if event.id in _DESKTOP_WORDS:
            self.cover(server, event.at, event.id)
            given = event._replace(data={"IpAddress": text_of(data, "Address", "Param3")})
            self.observe(given, key, account, server, as_who=type_word(10), name=_DESKTOP_WORDS[event.id].capitalize())

    # -- the whole file ------------------------------------------------------------------------------------------------

    def finish(self, note: str | None = None) -> None:
        """What waited, sessions, accounts and computers, notes, coverage."""
        while self.waiting:
            self.give_up(self.waiting.popitem(last=False)[1])
        self.sessions.state(self.out)
        self.who.finish()
        for why, count in sorted(self.dropped.items()):
            self.out.note(f"{count:,} {'record' if count == 1 else 'records'} {why}")
        if not self._spans and not self.said:
            self.out.note("no logon in it: Windows writes them to the log named Security")
        for server, (first, last, count) in sorted(self._spans.items()):
            ids = ", ".join(map(str, sorted(self._ids.get(server, ()))))
            said = "; ".join(filter(None, (note, f"events seen: {ids}" if ids else "")))
            self.out.coverage("logons", server.partition(":")[2], first=first, last=last, collected=count, note=said or None)


def _is_logon(waiting: _Waiting | int) -> bool:
    return bool(waiting & 1) if isinstance(waiting, int) else waiting.event.id == LOGON
