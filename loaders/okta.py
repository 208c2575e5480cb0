"""Okta's System Log as facts: sign-ins, single sign-on, second factors, privileges, memberships (formats.md 9).

    log = Okta(out, options)
    for place, event in …: log.take(event, place)      # keys as `folded` makes them
    log.finish(more)

An account is known by its login (`account:<login>`), which is an address in most organisations; else by `okta/<login>`, which is one organisation's.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from graphmodel import identity
from loaders import dates
from loaders.base import FactBuffer, Options
from loaders.recipients import Node, Tally
from loaders.signins import plain_ip

Record = dict[str, Any]

_UPKEEP = re.compile(r"(system\.(org|operation|client)\.|application\.integration\.)(.*\.)?(rate_limit|concurrency)|system\.import\.|system\.agent\.[a-z]+\.(read|connect|import)")
_SIGN_IN = ("user.session.", "user.authentication.", "user.mfa.", "policy.evaluate_sign_on", "security.threat", "app.oauth2.")
_REMEDIES = {
    "user.account.reset_password": "reset", "user.account.update_password": "reset", "user.account.expire_password": "reset",
    "user.lifecycle.suspend": "disable", "user.lifecycle.deactivate": "disable", "user.session.clear": "revoke",
}  # fmt: skip
_ACCESS = {"application.user_membership.add": True, "application.user_membership.remove": False}
_MEMBER = {"group.user_membership.add": True, "group.user_membership.remove": False}
_PRIVILEGE = {"user.account.privilege.grant": True, "user.account.privilege.revoke": False, "group.privilege.grant": True, "group.privilege.revoke": False}
_RESULTS = {"success": True, "allow": True, "failure": False, "deny": False}
_NOBODY = frozenset(("", "unknown", "system@okta.com"))
_COLUMN = re.compile(r"^target\[?\.?(\d+)\]?\.(.+)$")
PREFIX, SSO = "obs:okta/", "user.authentication.sso"
UPKEEP = "of Okta's own upkeep (rate limits, imports, agents): left out"
_LIMITS = frozenset((1_000, 10_000, 200_000))
# What some roles may do to the accounts of the organisation; a role that is limited to groups ("… (scoped)") is not one of them.
_RIGHTS = {"super administrator": "ResetAnyPassword", "organization administrator": "ResetPassword", "help desk administrator": "ResetPassword"}
_ORGANISATION = ("Container", "okta:organisation")


def folded(value: Any) -> Any:
    """A record with its keys in lower case without `_`: collectors write `eventType`, `eventtype` and `event_type`."""
    if isinstance(value, dict):
        return {_folded(key): folded(inner) if isinstance(inner, dict | list) else inner for key, inner in value.items()}
    return [folded(item) for item in value] if isinstance(value, list) else value


@lru_cache(maxsize=4096)
def _folded(key: str) -> str:
    return key.replace("_", "").casefold()


def unflattened(cells: dict[str, str]) -> Record:
    """A row of the CSV download (`actor.alternate_id`, `target0.type`) as the record it was made of, keys folded."""
    found: Record = {}
    targets: dict[int, Record] = {}
    for column, text in cells.items():
        if match := _COLUMN.match(column):
            targets.setdefault(int(match[1]), {})[match[2].replace("_", "")] = text
            continue
        inner = found
        *path, last = column.replace("_", "").split(".")
        for part in path:
            inner = inner.setdefault(part, {}) if isinstance(inner.get(part, {}), dict) else {}
        inner[last] = text
    found["target"] = [targets[number] for number in sorted(targets)]
    return found


def text_of(record: Record, *path: str) -> str:
    """The text at a path of keys; "" where there is none, or where it says `null` or `unknown`."""
    value: Any = record
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    text = value.strip() if isinstance(value, str) else str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
    return "" if text.casefold() in ("null", "unknown") else text


def word_of(what: str) -> str:
    """What an event of this type is coverage of."""
    return "sign-ins" if what.startswith(_SIGN_IN) else "audit log"


def is_upkeep(what: str) -> bool:
    """Whether events of this type are Okta's own upkeep."""
    return bool(_UPKEEP.match(what))


def is_plain(what: str) -> bool:
    """Whether events of this type say nothing of rights, but for single sign-on."""
    return what not in _ACCESS and what not in _MEMBER and what not in _PRIVILEGE and what not in _REMEDIES


@dataclass(frozen=True)
class Alike:
    """What events of one type, one actor, the same targets, client and outcome say alike."""

    what: str
    who: Node | None
    users: list[Node]
    apps: list[Node]
    groups: list[Node]
    ok: bool | None
    name: str
    agent: str | None
    note: str | None

    @property
    def targets(self) -> list[Node]:
        """What it is about besides the actor, each once."""
        return list(dict.fromkeys(node for node in (*self.users, *self.apps, *self.groups) if node != self.who))

    @property
    def app(self) -> str | None:
        """The service."""
        return next((node[1].rpartition("/")[2] for node in self.apps if node != self.who), None)


class Okta:
    """States events in `out`."""

    def __init__(self, out: FactBuffer, options: Options) -> None:
        self.out, self._options = out, options
        self.tally = Tally()
        self._said: set[tuple[Any, ...]] = set()
        self._events: set[str] = set()
        self._spans: dict[str, list[int]] = {}
        self._entered: dict[tuple[Node, Node], tuple[int, str, str]] = {}
        self._own: dict[Node, str] = {}

    def _once(self, *what: Any) -> bool:
        new = what not in self._said
        self._said.add(what)
        return new

    # -- things --------------------------------------------------------------------------------------------------------

    def _account(self, given: Record, place: str) -> Node | None:
        """An actor or target of the type User; None for Okta itself, tokens, agents."""
        login = text_of(given, "alternateid").casefold()
        if text_of(given, "type") not in ("User", "AppUser", "") or login in _NOBODY:
            return None
        address = identity.address(login)
        node = ("Account", identity.account_key(address or f"okta/{login}"))
        if self._once(*node):
            name = text_of(given, "displayname")
            self.out.node("Account", node[1], place, name=name or login, upn=address)
            if address:
                self.out.edge("HAS_ADDRESS", node, ("Correspondent", identity.smtp_key(address)), place, type="upn")
        return node

    def _service(self, given: Record, place: str) -> Node | None:
        """An application, by the label its administrators gave it, else by its name."""
        name = " ".join((text_of(given, "alternateid") or text_of(given, "displayname")).split())
        if not name:
            return None
        node = ("Service", f"service:saas/{name.casefold()}")
        if self._once(*node):
            self.out.node("Service", node[1], place, name=name, type="saas")
        return node

    def _group(self, given: Record, place: str) -> Node | None:
        name = text_of(given, "id") or text_of(given, "displayname")
        if not name:
            return None
        node = ("Group", identity.group_key(f"okta/{name}"))
        if self._once(*node):
            self.out.node("Group", node[1], place, name=text_of(given, "displayname") or name, type="security")
        return node

    def _targets(self, record: Record, kind: str) -> list[Record]:
        found = record.get("target")
        return [item for item in found if isinstance(item, dict) and text_of(item, "type") == kind] if isinstance(found, list) else []

    # -- events --------------------------------------------------------------------------------------------------------

    def take(self, record: Record, place: str) -> None:
        """One event, keys folded; refused where it has no type or no time."""
        what = text_of(record, "eventtype")
        at = self._moment(text_of(record, "published") or text_of(record, "timestamp"))
        if not what or at is None:
            self.out.refuse(place, what or text_of(record, "uuid"), "no event of Okta" if not what else "no date that can be believed")
            return
        self.covers(word_of(what), at, at, 1)
        if is_upkeep(what):
            self.tally.add(UPKEEP)
            return
        id_ = text_of(record, "uuid").casefold() or hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
        if not self.is_new(id_):
            return
        said = self.alike(record, what, place)
        self._observe(record, said, at, place, id_)
        if said.ok:
            self._rights(record, said, at, place, id_)

    def covers(self, word: str, first: int, last: int, count: int) -> None:
        """So many events were read, of these times; `word`: what they cover."""
        span = self._spans.setdefault(word, [first, last, 0])
        span[0], span[1], span[2] = min(span[0], first), max(span[1], last), span[2] + count

    def is_new(self, id_: str) -> bool:
        """Whether an event was not read before; else it is counted."""
        new = id_ not in self._events
        self._events.add(id_)
        if not new:
            self.tally.add("standing in the file more than once, read once")
        return new

    def are_new(self, ids: list[str]) -> bool:
        """Whether none of these events was read before, nor is there twice; if not, each has to be asked by itself."""
        new = set(ids)
        if len(new) < len(ids) or not self._events.isdisjoint(new):
            return False
        self._events |= new
        return True

    def alike(self, record: Record, what: str, place: str) -> Alike:
        """What all events say that differ from this one only by id, time, address and session; things that are new are stated."""
        actor = record.get("actor")
        who = self._account(actor, place) if isinstance(actor, dict) else None
        users = [node for given in self._targets(record, "User") if (node := self._account(given, place))]
        apps = [node for given in self._targets(record, "AppInstance") if (node := self._service(given, place))]
        groups = [node for given in self._targets(record, "UserGroup") if (node := self._group(given, place))]
        city = ", ".join(filter(None, (text_of(record, "client", "geographicalcontext", name) for name in ("city", "country"))))
        ok = _RESULTS.get(text_of(record, "outcome", "result").casefold())
        for account in filter(None, (who, *users)) if ok else ():
            self._own.setdefault(account, place)
        return Alike(
            what=what, who=who, users=users, apps=apps, groups=groups, ok=ok,
            name=text_of(record, "displaymessage") or what, agent=text_of(record, "client", "useragent", "rawuseragent") or None,
            note="; ".join(filter(None, (text_of(record, "outcome", "reason"), city))) or None,
        )  # fmt: skip

    def _observe(self, record: Record, said: Alike, at: int, place: str, id_: str) -> None:
        observation = ("Observation", f"{PREFIX}{id_}")
        self.out.node(
            "Observation", observation[1], place, name=said.name, at=at, operation=said.what, ip=plain_ip(text_of(record, "client", "ipaddress")),
            session=text_of(record, "authenticationcontext", "externalsessionid") or None, user_agent=said.agent, app=said.app, succeeded=said.ok, note=said.note,
        )  # fmt: skip
        if said.who is not None:
            self.out.edge("OBSERVED", observation, said.who, place, role="actor", record=id_)
        for node in said.targets:
            self.out.edge("OBSERVED", observation, node, place, role="target", record=id_)

    def entered(self, said: Alike, at: int, place: str, id_: str) -> None:
        """An account signed on to services: kept where it is the earliest time."""
        if said.who is not None:
            for app in said.apps:
                self._entered[said.who, app] = min(self._entered.get((said.who, app), (at, place, id_)), (at, place, id_))

    def _rights(self, record: Record, said: Alike, at: int, place: str, id_: str) -> None:
        """What an event that succeeded gives or takes."""
        what, who, users, apps, groups = said.what, said.who, said.users, said.apps, said.groups
        if what == SSO:
            self.entered(said, at, place, id_)
        elif what in _ACCESS:
            for account, app in itertools.product(self._assigned(record, users, place), apps):
                self.out.edge("SIGNS_IN_TO", account, app, place, via="sso", basis="assigned", record=id_, **_times(at, _ACCESS[what]))
        elif what in _MEMBER:
            for account, group in itertools.product(users[:1], groups):
                self.out.edge("MEMBER_OF", account, group, place, record=id_, **_times(at, _MEMBER[what]))
        elif what in _PRIVILEGE:
            self._privilege(record, what, at, place, id_, groups if what.startswith("group.") else users)
        elif what in _REMEDIES and users and users[0] != who:
            self._remedy(_REMEDIES[what], what, at, place, id_, users[0], who)

    def _assigned(self, record: Record, users: list[Node], place: str) -> list[Node]:
        """Whom an application was assigned to: the user, else the name in the application where that is an address."""
        names = (given for given in self._targets(record, "AppUser") if identity.address(text_of(given, "alternateid")))
        return users[:1] or [node for given in names if (node := self._account(given, place))][:1]

    def _privilege(self, record: Record, what: str, at: int, place: str, id_: str, holders: list[Node]) -> None:
        data = record.get("debugcontext")
        said = text_of(data, "debugdata", "privilegegranted") or text_of(data, "debugdata", "privilegerevoked") if isinstance(data, dict) else ""
        names = [" ".join(name.split()) for name in re.split(r",(?![^(]*\))", said) if name.strip()]
        if not names or not holders:
            self.tally.add("of privileges that do not name both the role and its holder: kept as an observation")
            return
        for name in names:
            role = ("Role", f"role:okta/{name.casefold()}")
            if self._once(*role):
                self.out.node("Role", role[1], place, name=name, system="okta")
                if right := _RIGHTS.get(name.casefold()):
                    self.out.edge("CONTROLS", role, self._organisation(place), place, right=right)
            self.out.edge("HAS_ROLE", holders[0], role, place, basis=name, record=id_, **_times(at, _PRIVILEGE[what]))

    def _organisation(self, place: str) -> Node:
        """The organisation whose log it is, to which its accounts belong: the log does not name it."""
        if self._once(*_ORGANISATION):
            self.out.node("Container", _ORGANISATION[1], place, name="the organisation in Okta", type="tenant")
        return _ORGANISATION

    def _remedy(self, kind: str, what: str, at: int, place: str, id_: str, about: Node, who: Node | None) -> None:
        key = f"remediation:{kind}/{about[1]}/{at}"
        if self._once(key):
            self.out.node("Remediation", key, place, name=what, what=kind, at=at, by=who[1].partition(":")[2] if who else "Okta")
            self.out.edge("REMEDIATES", ("Remediation", key), about, place, record=id_)

    def _moment(self, text: str) -> int | None:
        return dates.believed(text, self._options.now) if text else None

    def finish(self, more: bool = False) -> None:
        """The earliest sign-on of each account to each service; the organisation's accounts, those that the log saw succeed; notes, coverage."""
        for (account, app), (at, place, id_) in sorted(self._entered.items(), key=lambda entry: entry[1]):
            self.out.edge("SIGNS_IN_TO", account, app, place, via="sso", basis="signed in", valid_from=at, record=id_)
        for account, place in self._own.items():
            self.out.edge("BELONGS_TO", account, self._organisation(place), place, basis="directory of the tenant")
        self.tally.tell(self.out)
        for word, (first, last, count) in sorted(self._spans.items()):
            capped = more or self.out.records in _LIMITS
            note = "System Log of Okta" + ("; as many events as one answer holds: there may be more" if capped else "")
            self.out.coverage(word, "okta", first=first, last=last, collected=count, capped=capped, note=note)


def _times(at: int, begins: bool) -> dict[str, int]:
    return {"valid_from" if begins else "valid_until": at}
