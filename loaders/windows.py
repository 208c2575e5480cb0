"""Windows logon events as facts, whichever tool shipped them (formats.md 6): who was on which computer, from where, from when until when.

    logons = Logons(out)
    logons.take(Event(at, 4624, "pc01.corp.example", "Security", "227701", data, place)) …
    logons.finish()

`data` has the names of the event's own fields (TargetUserName, LogonType …). A copy of a record, by computer, channel and record id, is read
once. Machines and Windows' own accounts are counted, not kept. 4672 follows or goes before the logon of its LogonId: it becomes its note.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections import Counter, OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
import polars as pl

from graphmodel import identity
from loaders.base import FactBuffer
from loaders.recipients import Node
from loaders.signins import plain_ip
from loaders.windows_accounts import Accounts, text_of

LOGON_TYPES = {
    0: "system", 2: "interactive", 3: "network", 4: "batch", 5: "service", 7: "unlock", 8: "network cleartext", 9: "new credentials",
    10: "remote interactive", 11: "cached interactive", 12: "cached remote interactive", 13: "cached unlock",
}  # fmt: skip
# The person sits at the computer, or at its screen from afar: the credential stays in its memory until the logoff.
PRESENT = frozenset((2, 10, 11))
_FAILURES = {
    "0xc0000064": "no such account", "0xc000006a": "wrong password", "0xc0000234": "account locked", "0xc0000072": "account disabled",
    "0xc000006f": "outside permitted hours", "0xc0000070": "computer not permitted", "0xc0000071": "password expired",
    "0xc0000193": "account expired", "0xc0000224": "password must be changed", "0xc000015b": "logon type not granted",
    "0xc0000133": "clocks differ", "0xc000006d": "bad name or password",
}  # fmt: skip
_NO_ACCOUNT = "0xc0000064"
_KERBEROS = {"0x6": "no such account", "0x12": "account disabled, locked or expired", "0x17": "password expired", "0x18": "wrong password"}
_LOGON, _FAILED, _EXPLICIT, _PRIVILEGED, _CLEARED = 4624, 4625, 4648, 4672, 1102
_LOGOFFS = frozenset((4634, 4647))
_TICKETS = frozenset((4768, 4776))
_SECURITY = frozenset((_LOGON, _FAILED, _EXPLICIT, _PRIVILEGED, _CLEARED, *_LOGOFFS, *_TICKETS))
_DESKTOP = frozenset((21, 22, 23, 24, 25, 1149))
_DESKTOP_WORDS = {21: "remote desktop logon", 25: "remote desktop reconnected", 1149: "remote desktop: network sign-in"}
_WAITING = 4096
"""How many logons wait for their 4672: it stands beside them in every log."""

_HERE, _NOWHERE = ("127.", "169.254.", "fe80:"), frozenset((str(ipaddress.IPv4Address(0)), "::", "::1"))

WANTED = _SECURITY | _DESKTOP


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
        self._seen: set[int] = set()
        self._waiting: OrderedDict[tuple[str, str], _Waiting] = OrderedDict()
        self._sessions: dict[tuple[str, str, str], list[tuple[int, bool, str, str]]] = {}
        self._held: list[tuple[str, str, str, int | None, int | None, str | None]] = []  # account, server, place, from, until, record
        self._spans: dict[str, list[int]] = {}
        self._ids: dict[str, set[int]] = {}
        self.others = self.said = 0

    # -- one record ----------------------------------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """One record of any log; what is no logon is only counted."""
        channel = event.channel.casefold()
        desktop = event.id in _DESKTOP and "terminalservices" in channel
        if not desktop and (event.id not in _SECURITY or channel not in ("security", "")):
            self.others += 1
            return
        server = self.who.server(event.computer, event.place)
        if event.at is None or server is None:
            what = f"event {event.id}, record {event.record or 'without number'}"
            self.out.refuse(event.place, what, "no date that can be believed" if event.at is None else "no name of a computer")
            return
        key = self._key(event, server[1], channel)
        if (mark := hash(key)) in self._seen:
            self.dropped["standing in the file more than once, read once"] += 1
            return
        self._seen.add(mark)
        if desktop:
            self._desktop(event, key, server)
            return
        if event.id != _CLEARED:
            self.cover(server, event.at, event.id)
        if event.id == _LOGON:
            self._logon(event, key, server)
        elif event.id in _LOGOFFS:
            self._logoff(event, server)
        elif event.id == _PRIVILEGED:
            self._privileged(event, key, server)
        else:
            {_FAILED: self._failed, _EXPLICIT: self._explicit, _CLEARED: self._cleared}.get(event.id, self._ticket)(event, key, server)

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
            session=_session(event.data), as_who=as_who, succeeded=ok, note="; ".join(filter(None, notes)) or None,
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

    def covers(self, server: Node, first: int, last: int, count: int) -> None:
        """So many logon records of this computer were read, of these times."""
        span = self._spans.setdefault(server[1], [first, last, 0])
        span[0], span[1], span[2] = min(span[0], first), max(span[1], last), span[2] + count

    def cover(self, server: Node, at: int, id_: int = 0) -> None:
        """A logon record of this computer and time was read."""
        self.covers(server, at, at, 1)
        if id_:
            self._ids.setdefault(server[1], set()).add(id_)

    def session(self, account: Node, server: Node, id_: str, at: int, begins: bool, place: str, record: str) -> None:
        """A person came to (or left) the computer in the session `id_`."""
        self._sessions.setdefault((server[1], id_, account[1]), []).append((at, begins, place, record))

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
        other = self._waiting.get((server[1], id_)) if id_ else None
        if other is not None and other.event.id == _PRIVILEGED:
            del self._waiting[server[1], id_]
            self._say_logon(_Waiting(event, key, account, server), "special privileges")
        elif id_:
            self._wait((server[1], id_), _Waiting(event, key, account, server))
        else:
            self._say_logon(_Waiting(event, key, account, server), "")

    def _privileged(self, event: Event, key: str, server: Node) -> None:
        account = self._named(event, "Subject")
        if account is None:
            return
        at = (server[1], text_of(event.data, "SubjectLogonId").casefold())
        other = self._waiting.get(at)
        if other is not None and other.event.id == _LOGON:
            del self._waiting[at]
            self._say_logon(other, "special privileges")
        else:
            self._wait(at, _Waiting(event, key, account, server))

    def _wait(self, at: tuple[str, str], waiting: _Waiting) -> None:
        if (old := self._waiting.pop(at, None)) is not None:
            self._give_up(old)
        self._waiting[at] = waiting
        if len(self._waiting) > _WAITING:
            self._give_up(self._waiting.popitem(last=False)[1])

    def _give_up(self, waiting: _Waiting) -> None:
        if waiting.event.id == _LOGON:
            self._say_logon(waiting, "")
        else:
            notes = ("special privileges; its logon is not in the file",)
            self.observe(waiting.event, waiting.key, waiting.account, waiting.server, notes=notes, name="Special privileges")

    def _say_logon(self, given: _Waiting, privileges: str) -> None:
        data = given.event.data
        notes = (privileges, _workstation(data, given.event.computer))
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
        codes = [text_of(event.data, name).casefold() for name in ("SubStatus", "Status")]
        code = next((code for code in codes if code and int_of(code) not in (0, None)), "")
        if code == _NO_ACCOUNT:
            account = None  # what was typed is nobody, and sometimes a password: it is not kept
        elif (account := self._target(event)) is None and text_of(event.data, "TargetUserName"):
            return
        notes = (_FAILURES.get(code, f"error {code}" if code else ""), _workstation(event.data, event.computer))
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
        code = text_of(event.data, "Status").casefold()
        ok = int_of(code) == 0 if code else None
        said = "" if ok else _FAILURES.get(code) or _KERBEROS.get(code) or (f"error {code}" if code else "")
        if said == "no such account":
            account = None
        name = "Kerberos sign-in" if event.id == 4768 else "NTLM credentials checked"
        self.observe(event, key, account, server, as_who="domain controller", ok=ok, notes=(said, _workstation(event.data, event.computer)), name=name)

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
        while self._waiting:
            self._give_up(self._waiting.popitem(last=False)[1])
        for (server, _, account), events in self._sessions.items():
            self._pair(("Account", account), ("Server", server), sorted(events))
        self._sessions.clear()
        if self._held:
            accounts, servers, places, starts, ends, numbers = zip(*self._held, strict=True)
            self.out.edges(
                "SESSION_ON", ("Account", accounts), ("Server", servers), places, valid_from=starts, valid_until=ends, basis="logon events", record=numbers
            )
            self._held.clear()
        self.who.finish()
        for why, count in sorted(self.dropped.items()):
            self.out.note(f"{count:,} {'record' if count == 1 else 'records'} {why}")
        if not self._spans and not self.said:
            self.out.note("no logon in it: Windows writes them to the log named Security")
        for server, (first, last, count) in sorted(self._spans.items()):
            ids = ", ".join(map(str, sorted(self._ids.get(server, ()))))
            said = "; ".join(filter(None, (note, f"events seen: {ids}" if ids else "")))
            self.out.coverage("logons", server.partition(":")[2], first=first, last=last, collected=count, note=said or None)

    def _pair(self, account: Node, server: Node, events: list[tuple[int, bool, str, str]]) -> None:
        """Sessions of one LogonId, which is used again only after a restart: a logon ends with the next logoff."""
        begun: tuple[int, bool, str, str] | None = None
        ended = False
        for event in events:
            at, begins, place, record = event
            if begins:
                if begun is not None:
                    self._say_session(account, server, begun[0], None, begun[2], begun[3])
                begun, ended = event, False
            elif begun is not None:
                self._say_session(account, server, begun[0], at, f"{begun[2]}; ended: {place}", begun[3])
                begun, ended = None, True
            elif not ended:
                self._say_session(account, server, None, at, place, record)
                ended = True  # 4647 and 4634 both tell of one end
        if begun is not None:
            self._say_session(account, server, begun[0], None, begun[2], begun[3])

    def _say_session(self, account: Node, server: Node, start: int | None, end: int | None, place: str, record: str) -> None:
        if start is None or end is None or end > start:
            self._held.append((account[1], server[1], place, start, end, record or None))


def logon_type(data: dict[str, Any]) -> int | None:
    """The number of the logon's type; None where it is missing."""
    return int_of(data.get("LogonType"))


@lru_cache(maxsize=64)
def type_word(kind: int | None) -> str | None:
    """`10 remote interactive`."""
    return None if kind is None else f"{kind} {LOGON_TYPES.get(kind, 'of another type')}"


def int_of(value: Any) -> int | None:
    """A whole number, or the text of one (`10`, `0x3e7`); None where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text):
        return int(text, 16)
    return int(text) if re.fullmatch(r"\d{1,18}", text) else None


@lru_cache(maxsize=65536)
def _remote(text: str) -> str | None:
    found = plain_ip(text)
    return None if found is None or found.startswith(_HERE) or found in _NOWHERE else found


def remote_ip(value: Any) -> str | None:
    """An address from which somebody came; None for the computer itself and for its own link."""
    return _remote(value) if isinstance(value, str) else None


def _session(data: dict[str, Any]) -> str | None:
    found = text_of(data, "TargetLogonId", "SubjectLogonId").casefold()
    return found if found not in ("", "0x0", "0") else None


def _workstation(data: dict[str, Any], computer: str) -> str:
    return _from(text_of(data, "WorkstationName", "Workstation"), computer)


@lru_cache(maxsize=65536)
def _from(workstation: str, computer: str) -> str:
    name, here = identity.host(workstation), computer.casefold()
    return f"from {name}" if name and name not in (here, here.partition(".")[0]) else ""
