"""Sign-ins to Entra ID as facts, whichever of its logs tells them: one record is one Observation, by the id that all of them give it.

    log = SignIns(out, options)
    log.add(SignIn(at=…, …), place) …
    log.finish()

A log of one account says nothing of others, so coverage names the account where the file holds but one, else the tenant.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from graphmodel import identity
from loaders import dates
from loaders.audit_who import guid, text_of, token_id
from loaders.base import FactBuffer, Options
from loaders.entra import Record, is_outsider, real_address
from loaders.recipients import Node, Recipients, Tally

# The sign-in stopped to ask for something (a second factor, "stay signed in?") and went on in another record.
INTERRUPTED = frozenset(("50055", "50072", "50074", "50076", "50079", "50097", "50125", "50129", "50140", "50143"))
PREFIX, OPERATION = "obs:entra_signin/", "Sign-in activity"
NOBODY = "of sign-ins whose account cannot be told: kept with their address and application"
_KNOWN = 200_000  # names remembered, so that memory stays bounded
# Exports stop here without saying so (formats.md 0.2, and the portal's own limits).
LIMITS = frozenset((1_000, 5_000, 10_000, 50_000, 100_000, 250_000))


def plain_ip(text: Any) -> str | None:
    """An IP address without port and brackets, or None when it is none (`<null>`, a name put there by anonymising)."""
    return _plain_ip(text) if isinstance(text, str) else None


@lru_cache(maxsize=65536)
def _plain_ip(text: str) -> str | None:
    value = text.strip()
    if value.startswith("["):
        value = value[1:].partition("]")[0]
    elif value.count(":") == 1:
        value = value.partition(":")[0]
    try:
        found = ipaddress.ip_address(value)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def succeeded(code: str) -> bool | None:
    """Whether a sign-in with this error code got in; None where it was only interrupted, or the code is missing."""
    return None if not code or code in INTERRUPTED else code == "0"


@dataclass
class SignIn:
    """One sign-in. `kind`: interactive | non-interactive | service principal | managed identity; `code`: "0" is success."""

    at: int | None
    id: str = ""
    kind: str = ""
    user_id: str = ""
    upn: str = ""
    name: str = ""
    app_id: str = ""
    app_name: str = ""
    principal_id: str = ""
    resource: str = ""
    ip: str | None = None
    code: str = ""
    ok: bool | None = None
    session: str = ""
    token: str = ""
    agent: str = ""
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alike:
    """What sign-ins of one account to one application from one client and place say alike."""

    actor: Node | None
    app: Node | None
    machine: bool
    name: str
    agent: str | None
    app_name: str | None
    kind: str | None
    ok: bool | None
    note: str | None

    @property
    def nobody(self) -> bool:
        """Whether the account cannot be told."""
        return self.actor is None and not self.machine

    @property
    def app_role(self) -> str:
        """What the application is to the sign-in."""
        return "actor" if self.machine else "app"


def from_graph(record: Record, moment: Any, outer: Record | None = None) -> SignIn:
    """A sign-in as Graph writes it, or the `properties` of a diagnostic record (`outer`: the record around them, keys in lower case).

    `moment`: turns a date into seconds or None.
    """
    around = outer or {}
    status, place = record.get("status"), record.get("location")
    code = status.get("errorCode") if isinstance(status, dict) else None
    code = str(around.get("resulttype", "") if code is None else code).strip()
    kinds = record.get("signInEventTypes")
    kind = str(kinds[0]) if isinstance(kinds, list) and kinds else _text(around.get("category"))
    created = record.get("createdDateTime")
    risk = _text(record.get("riskLevelDuringSignIn")) or _text(record.get("riskLevelAggregated"))
    return SignIn(
        at=moment(created) or moment(around.get("time")), id=_text(record.get("id")), kind=_kind(kind, record.get("isInteractive")),
        user_id=_text(record.get("userId")), upn=_text(record.get("userPrincipalName")), name=_text(record.get("userDisplayName")),
        app_id=_text(record.get("appId")), app_name=_text(record.get("appDisplayName")) or _text(record.get("servicePrincipalName")),
        principal_id=_text(record.get("servicePrincipalId")), resource=_text(record.get("resourceDisplayName")),
        ip=plain_ip(record.get("ipAddress")) or plain_ip(around.get("calleripaddress")), code=code, ok=succeeded(code),
        session=_text(record.get("sessionId")), token=_text(record.get("uniqueTokenIdentifier")), agent=_text(record.get("userAgent")),
        extra=(_where(place) if isinstance(place, dict) else "", _text(record.get("clientAppUsed")), _strength(_text(record.get("authenticationRequirement"))), _risk(risk)),
    )  # fmt: skip


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


@lru_cache(maxsize=4096)
def _day(text: str) -> int:
    """Seconds of a day written `2023-06-01`. Raises ValueError where it is none."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _quick(text: str) -> int | None:
    """Seconds of `2023-06-01T10:02:00.123Z` (or with a blank, or without Z), the form of nearly every record; None for any other."""
    if len(text) < 19 or text[10] not in "T " or text[13] != ":" or text[16] != ":" or text[19:20] not in ("", ".", "Z") or "+" in text or text.count("-") != 2:
        return None
    try:
        hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
        day = _day(text[:10])
    except ValueError:
        return None
    return day + hour * 3600 + minute * 60 + second if hour < 24 and minute < 60 and second < 60 else None


def _kind(text: str, interactive: Any) -> str:
    return _kind_of(text, interactive is False or str(interactive).casefold() == "false")


@lru_cache(maxsize=256)
def _kind_of(text: str, alone: bool) -> str:
    said = text.casefold()
    if "managedidentity" in said:
        return "managed identity"
    if "serviceprincipal" in said:
        return "service principal"
    if "noninteractive" in said or alone:
        return "non-interactive"
    return "interactive"


def _where(place: Record) -> str:
    return ", ".join(filter(None, (text_of(place, "city"), text_of(place, "countryOrRegion"))))


def _strength(text: str) -> str:
    return {"singlefactorauthentication": "single factor", "multifactorauthentication": "several factors"}.get(text.casefold(), text)


def _risk(text: str) -> str:
    return f"risk {text}" if text and text.casefold() not in ("none", "hidden") else ""


class SignIns:
    """States sign-ins in `out`."""

    def __init__(self, out: FactBuffer, options: Options) -> None:
        self.out, self._options = out, options
        self._who, self.tally = Recipients(out), Tally()
        self._said: set[tuple[str, ...]] = set()
        self._accounts: set[str] = set()
        self._upns: set[str] = set()
        self._nodes: dict[tuple[str, str, str], Node | None] = {}
        self.latest = options.now if options.now is not None else 0  # later ones are asked of loaders/dates.py
        self._first: int | None = None
        self._last: int | None = None
        self.count = 0
        self.more = False
        self.tenant = ""

    def once(self, *what: str) -> bool:
        """Whether this was not said before."""
        new = what not in self._said
        self._said.add(what)
        return new

    def moment(self, value: Any, *, ahead: bool = False) -> int | None:
        """Seconds of a date in a record, or None. `ahead`: it may lie in the future."""
        if not isinstance(value, str) or not value.strip():
            return None
        found = _quick(value)
        if found is not None and dates.EARLIEST <= found <= (self.latest if not ahead else found):
            return found
        try:
            order = self._options.date_order
            return dates.moment(value, order if order in ("dmy", "mdy") else None, None if ahead else self._options.now)  # type: ignore[arg-type]
        except dates.BadDate:
            return None

    def covers(self, first: int, last: int, count: int) -> None:
        """So many records were read, of these times."""
        self._first = first if self._first is None or first < self._first else self._first
        self._last = last if self._last is None or last > self._last else self._last
        self.count += count

    def account(self, user_id: str, upn: str, name: str, place: str) -> Node | None:
        """The account that an object id, else a user principal name, tells; None where neither is one (a mistyped name, a mask)."""
        asked = (user_id, upn, name)
        if asked not in self._nodes:
            if len(self._nodes) > _KNOWN:
                self._nodes.clear()
            self._nodes[asked] = self._account(user_id, upn, name, place)
        return self._nodes[asked]

    def _account(self, user_id: str, upn: str, name: str, place: str) -> Node | None:
        id_, address = guid(user_id), identity.address(upn)
        if not id_ and not address:
            return None
        node = ("Account", f"entra:{id_}" if id_ else identity.upn_key(upn))
        if self.once(*node, address or ""):
            self._accounts.add(node[1])
            if address:
                self._upns.add(address)
                self._who.address(node, address, "upn", place, name if name and not is_outsider(upn) else None)
            self.out.node(
                "Account", node[1], place, name=name or address, type="guest" if is_outsider(upn) else None, upn=address, object_id=id_,
                email=real_address(upn),
            )  # fmt: skip
            if outside := real_address(upn):
                self._who.address(node, outside, "mail", place, name or None)
        return node

    def application(self, app_id: str, object_id: str, name: str, place: str) -> Node | None:
        """The application by its app id, else by its object id."""
        asked = (app_id, object_id, f"\x00{name}")
        if asked not in self._nodes:
            key = guid(app_id) or guid(object_id)
            node = self._nodes[asked] = ("App", f"app:{key}") if key else None
            if node and name and self.once(*node):
                self.out.node("App", node[1], place, name=name)
        return self._nodes[asked]

    def alike(self, given: SignIn, place: str) -> Alike:
        """What all sign-ins say that differ from this one only by id, time, address and session; things that are new are stated."""
        actor = self.account(given.user_id, given.upn, given.name, place)
        app = self.application(given.app_id, given.principal_id, given.app_name, place)
        note = "; ".join(part for part in (f"to {given.resource}" if given.resource else "", *given.extra, f"error {given.code}" if given.code not in ("", "0") else "") if part)
        return Alike(
            actor, app, given.kind in ("service principal", "managed identity"), f"Sign-in to {given.app_name or given.app_id or 'an application'}",
            given.agent or None, given.app_id or given.app_name or None, given.kind or None, given.ok, note or None,
        )  # fmt: skip

    def add(self, given: SignIn, place: str) -> None:
        """One sign-in; refused where it has no time."""
        if given.at is None:
            self.out.refuse(place, given.id, "no date that can be believed")
            return
        self.covers(given.at, given.at, 1)
        said = self.alike(given, place)
        if said.nobody:
            self.tally.add(NOBODY)
        observation = ("Observation", f"{PREFIX}{given.id.casefold() or _hash(given)}")
        self.out.node(
            "Observation", observation[1], place, name=said.name, at=given.at, operation=OPERATION, ip=given.ip, session=given.session or None,
            token=token_id(given.token), user_agent=said.agent, app=said.app_name, as_who=said.kind, succeeded=said.ok, note=said.note,
        )  # fmt: skip
        if said.actor is not None:
            self.out.edge("OBSERVED", observation, said.actor, place, role="actor", record=given.id or None)
        if said.app is not None:
            self.out.edge("OBSERVED", observation, said.app, place, role=said.app_role, record=given.id or None)

    def finish(self, note: str | None = None) -> None:
        """Notes and coverage."""
        self.tally.tell(self.out)
        if self.count:
            scope = next(iter(self._upns)) if len(self._accounts) == 1 and len(self._upns) == 1 else self.tenant
            capped = self.more or self.count in LIMITS
            if capped:
                self.out.note(f"{self.count:,} sign-ins: the export stopped at a limit, what it lacks is unknown")
            self.out.coverage("sign-ins", scope, first=self._first, last=self._last, collected=self.count, capped=capped, note=note)


def _hash(given: SignIn) -> str:
    said = (given.at, given.kind, given.user_id, given.upn, given.app_id, given.principal_id, given.resource, given.ip, given.code, given.session or given.token)
    return hashlib.sha256("\x1f".join(map(str, said)).encode("utf-8", "surrogatepass")).hexdigest()[:32]
