"""Google Workspace's audit activities as facts: the frame that all applications share (formats.md 8). What each says: loaders/google_events.py.

    log = Workspace(out, options)
    for place, activity in …: log.take(activity, place)
    log.finish(more)

An account is known by its primary address (`account:<address>`); a profile id that has two addresses in one log joins them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from graphmodel import identity
from loaders import dates
from loaders.base import FactBuffer, Options
from loaders.recipients import Node, Tally, main_domain
from loaders.signins import plain_ip

Record = dict[str, Any]

BASIS = "audit log"
PREFIX = "obs:google/"
# One click is logged under `login` and under `user_accounts`, at the same time, with the same value.
TWICE = frozenset(("email_forwarding_change", "2sv_change", "password_change", "recovery_info_change", "titanium_change", "passkey_change"))
_WORDS = {"login": "sign-ins", "saml": "sign-ins", "drive": "shared files", "gmail": "mail access"}


def text_of(value: Any) -> str:
    """A value as stripped text; several joined by a space; "" for what is none."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return " ".join(text for item in value if (text := text_of(item)))
    return "" if value is None or isinstance(value, bool | dict) else str(value)


def parameters(event: Record) -> Record:
    """The parameters of an event as a dict: texts, numbers, truths, lists, and dicts for nested messages."""
    given = event.get("parameters", event.get("parameter"))
    if isinstance(given, dict):
        return given
    return {str(item.get("name")): _value(item) for item in given if isinstance(item, dict)} if isinstance(given, list) else {}


def _value(item: Record) -> Any:
    for name in ("value", "boolValue", "intValue", "multiValue", "multiIntValue"):
        if name in item:
            return item[name]
    if isinstance(message := item.get("messageValue"), dict):
        return parameters(message)
    several = item.get("multiMessageValue")
    return [parameters(message) for message in several if isinstance(message, dict)] if isinstance(several, list) else None


def listed(activity: Record) -> list[Record]:
    """The events of an activity as it has them; collectors that split activities leave one, or its keys at the top."""
    given = activity.get("events")
    given = [given] if isinstance(given, dict) else given
    return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else [activity] if "name" in activity else []


def is_upkeep(actor: Record) -> bool:
    """Whether Google itself acted."""
    return text_of(actor.get("callerType")) == "KEY" or text_of(actor.get("key")) == "SYSTEM"


def noted(notes: tuple[str, ...]) -> str | None:
    """Notes as an observation has them."""
    return "; ".join(filter(None, notes)) or None


def own_id(name: str, said: Record) -> str:
    """What tells an event from others of one activity: its name and a hash of its parameters."""
    return f"{name}/{_short(sorted((key, text_of(value)) for key, value in said.items()))}"


@dataclass(frozen=True)
class Happened:
    """One event of an activity: when, where it stands, its own id, who did it and what it says."""

    at: int
    place: str
    id: str
    app: str
    type: str
    name: str
    actor: Node | None
    email: str
    ip: str | None
    said: Record

    def text(self, *names: str) -> str:
        """The first of these parameters that says something."""
        return next((text for name in names if (text := text_of(self.said.get(name)))), "")

    def address(self, *names: str) -> str | None:
        """The address in the first of these parameters that says something."""
        return identity.address(self.text(*names))


class Workspace:
    """States accounts, mailboxes, groups and observations in `out`, each once."""

    def __init__(self, out: FactBuffer, options: Options) -> None:
        self.out, self._options = out, options
        self.tally = Tally()
        self.domains: Counter[str] = Counter()
        self._said: set[tuple[Any, ...]] = set()
        self._observed: set[str] = set()
        self._profiles: dict[str, dict[str, str]] = {}  # profile id -> address -> place
        self._spans: dict[str, list[int]] = {}

    def once(self, *what: Any) -> bool:
        """Whether this was not said before."""
        new = what not in self._said
        self._said.add(what)
        return new

    def moment(self, value: Any) -> int | None:
        """Seconds of a date, or None."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        return dates.believed(value, self._options.now) if isinstance(value, str) and value.strip() else None

    # -- things --------------------------------------------------------------------------------------------------------

    def account(self, address: str, place: str, kind: str = "primary") -> Node:
        """The account whose address (normalised) it is."""
        node = ("Account", identity.account_key(address))
        if self.once(*node):
            self.out.node("Account", node[1], place, name=address, email=address)
            self.out.edge("HAS_ADDRESS", node, ("Correspondent", identity.smtp_key(address)), place, type=kind)
        return node

    def mailbox(self, address: str, place: str) -> Node:
        """The mailbox of that account."""
        node = ("Mailbox", identity.mailbox_key(address))
        if self.once(*node):
            self.out.node("Mailbox", node[1], place, address=address, basis=BASIS)
            self.out.edge("HAS_ADDRESS", node, ("Correspondent", identity.smtp_key(address)), place, type="primary")
            self.out.edge("OWNS", self.account(address, place), node, place, basis=BASIS)
        return node

    def group(self, address: str, place: str) -> Node:
        """A group by its address."""
        node = ("Group", identity.group_key(address))
        if self.once(*node):
            self.out.node("Group", node[1], place, name=address, type="distribution", address=address)
            self.out.edge("HAS_ADDRESS", node, ("Correspondent", identity.smtp_key(address)), place, type="primary")
        return node

    def app(self, id_: str, name: str, place: str) -> Node:
        """An application by its OAuth client id."""
        node = ("App", f"app:{id_.casefold()}")
        if self.once(*node, bool(name)):
            self.out.node("App", node[1], place, name=name or id_)
        return node

    def domain(self) -> str:
        """The domain most accounts of the log are of; "" where it names none."""
        return main_domain(self.domains) or ""

    def mail_system(self, place: str) -> Node:
        """The workspace's mail as a whole."""
        domain = self.domain()
        node = ("Service", identity.mail_system_key(domain))
        if self.once(*node):
            self.out.node("Service", node[1], place, name=f"mail of {domain or 'the workspace'}", type="mail system")
        return node

    # -- records -------------------------------------------------------------------------------------------------------

    def events(self, activity: Record, place: str) -> list[Happened]:
        """The events of one activity; empty, and refused or counted, where it cannot be used or Google itself did it."""
        head, actor = activity.get("id"), activity.get("actor")
        head, actor = (head if isinstance(head, dict) else {}), (actor if isinstance(actor, dict) else {})
        app, time = text_of(head.get("applicationName")).casefold(), text_of(head.get("time"))
        at = self.moment(time)
        if at is None or not app:
            self.out.refuse(place, app, "no application" if not app else "no date that can be believed")
            return []
        self.cover(app, at)
        if is_upkeep(actor):
            self.tally.add("of Google's own upkeep: left out")
            return []
        email = identity.address(text_of(actor.get("email")))
        profile = text_of(actor.get("profileId"))
        who = self._actor(email, profile, place)
        items = listed(activity)
        if not items:
            self.out.refuse(place, app, "an activity without events")
        base, ip = f"{time}/{text_of(head.get('uniqueQualifier'))}/{app}", plain_ip(activity.get("ipAddress"))
        found = []
        for item in items:
            kind, name, said = text_of(item.get("type")), text_of(item.get("name")), parameters(item)
            # Time, qualifier and application are not enough: a sign-in and its second factor are two activities that share all three.
            own = own_id(name, said)
            id_ = f"{time}/{profile or email or ''}/{own}" if kind in TWICE else f"{base}/{own}"
            found.append(Happened(at, place, id_, app, kind, name, who, email or "", ip, said))
        return found

    def _actor(self, email: str | None, profile: str, place: str) -> Node | None:
        if email is None:
            return None
        self.domains[identity.registrable(identity.domain_of(email))] += 1
        if profile and profile.isdigit():
            self._profiles.setdefault(profile, {}).setdefault(email, place)
        return self.account(email, place)

    def cover(self, app: str, at: int, last: int | None = None, count: int = 1) -> None:
        """A record of this application's log and time was read, or a number of them until `last`."""
        span = self._spans.setdefault(app, [at, at, 0])
        span[0], span[1], span[2] = min(span[0], at), max(span[1], at if last is None else last), span[2] + count

    def observe(self, event: Happened, *targets: tuple[Node, str], name: str, operation: str = "", actor: Node | None = None, app: str = "",
                as_who: str = "", ok: bool | None = True, notes: tuple[str, ...] = ()) -> bool:  # fmt: skip
        """State one event with what it is about, (node, role); False where another application's log said the same."""
        key = PREFIX + event.id
        if not self.are_new([key]):
            return False
        self.out.node(
            "Observation", key, event.place, name=name, at=event.at, operation=operation or event.name, ip=event.ip, app=app or None, as_who=as_who or None,
            succeeded=ok, note=noted(notes),
        )  # fmt: skip
        who = actor or event.actor
        for node, role in (*(((who, "actor"),) if who else ()), *dict.fromkeys(targets)):
            if role == "actor" or node != who:
                self.out.edge("OBSERVED", ("Observation", key), node, event.place, role=role, record=event.id)
        return True

    def are_new(self, keys: list[str]) -> list[int]:
        """Which of these observations were not stated before, nor stand twice here; the others are counted."""
        given = set(keys)
        if len(given) == len(keys) and self._observed.isdisjoint(given):
            self._observed |= given
            return list(range(len(keys)))
        kept = []
        for at, key in enumerate(keys):
            if key not in self._observed:
                self._observed.add(key)
                kept.append(at)
        self.tally.add("standing in the logs more than once, read once", len(keys) - len(kept))
        return kept

    def finish(self, more: bool) -> None:
        """Identities, notes, coverage. `more`: the file is only a page."""
        for profile, addresses in sorted(self._profiles.items()):
            first, *rest = sorted(addresses)
            for other in rest:
                self.same(first, other, f"one profile id of the log: {profile}", addresses[other])
        self.tally.tell(self.out)
        for app, (first_at, last_at, count) in sorted(self._spans.items()):
            word, capped = _WORDS.get(app, "audit log"), more or count in (1_000, 10_000)
            scope = self.domain() if app in ("login", "gmail", "drive") else f"{self.domain()} {app}".strip()
            note = f"{app} log of Google Workspace" + ("; as many records as one answer holds: there may be more" if capped else "")
            self.out.coverage(word, scope, first=first_at, last=last_at, collected=count, capped=capped, note=note)

    def same(self, one: str, other: str, reason: str, place: str) -> None:
        """Two addresses (normalised) are one account's."""
        if one != other:
            self.out.edge("SAME_IDENTITY", self.account(one, place), self.account(other, place), place, reason=reason)


def _short(value: Any) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()[:12]
