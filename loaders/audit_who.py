"""Who and whose, in records of the Microsoft 365 audit log: accounts, mailboxes, apps, by what the same log says of them.

One log calls one mailbox `GradyA@…`, `gradya@…`, `…/tenant.onmicrosoft.com/GradyA`, `GradyA`, a GUID and a SID. Nothing is guessed: a
name is resolved where the log itself gives the address, and the reason is stated as SAME_IDENTITY; else the name stays its own key.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson

from graphmodel import identity
from loaders.base import FactBuffer
from loaders.recipients import Node, is_known_group

Record = dict[str, Any]

BASIS = "audit log"
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_NOTHING = "00000000-0000-0000-0000-000000000000"
_CANONICAL = re.compile(r"^.+/(?P<org>[^/@\s]+\.[^/@\s]+)/(?P<name>[^/]+)$")
# Accounts that Microsoft itself works with: they keep a tenant in order, nobody signs in to them.
_UPKEEP = ("nt authority\\", "s-1-5-18", "s-1-5-19", "s-1-5-20", "sharepoint\\system", "app@sharepoint", "microsoft\\serviceoperator")
_UPKEEP_KEYS = ("S-1-5-18", "S-1-5-19", "S-1-5-20")
_BACK_END = ".prod.outlook.com"
_DC_ADMIN, _SYSTEM, _APPLICATION = (3, "3", "DcAdmin"), (4, "4", "System"), (5, "5", "Application")
_ARGUMENT = re.compile(r"-(?P<name>\w+)\s+(?:\"(?P<one>[^\"]*)\"|\((?P<several>[^()]*)\))")
_WORD = re.compile(r"\"([^\"]*)\"")
_NOBODY = frozenset(("NOT-FOUND", "UNKNOWN", "NOT AVAILABLE", "ANONYMOUS"))
"""What stands for a user where there is none; ANONYMOUS: whoever had a link to a file."""
EVERYONE = {"default": "Everyone (Default)", "anonymous": "Everyone, without signing in (Anonymous)"}


def guid(text: Any) -> str | None:
    """A GUID in lower case, or None when it is none or all zeros."""
    value = text.strip().strip("{}").lower() if isinstance(text, str) else ""
    return value if len(value) == 36 and value != _NOTHING and _GUID.fullmatch(value) else None


def is_upkeep(user: str) -> bool:
    """Whether a UserId is one of Microsoft's own accounts."""
    folded = user.casefold()
    return folded.startswith(_UPKEEP) or folded.endswith(_BACK_END)


def text_of(record: Record, *names: str) -> str:
    """The first of these values that is a text with something in it, stripped; else ""."""
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and (value := value.strip()):
            return value
    return ""


def items_of(record: Record, name: str) -> list[Record]:
    """The objects of a list value, also of one that is written as text; empty where it is no list."""
    value = record.get(name)
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def pairs_of(record: Record, name: str, value: str = "Value") -> dict[str, str]:
    """A list of {Name, Value} as a dict of texts; a missing value is "". So are an object (Elastic's: {Name: Value}), and a command's own text."""
    given = record.get(name)
    if isinstance(given, dict):
        pairs = [(key if value == "Value" else key.replace("_", "."), inner.get(value) if isinstance(inner, dict) else inner) for key, inner in given.items()]
    elif isinstance(given, str) and given.lstrip()[:1] == "-":
        pairs = [(m["name"], m["one"] if m["one"] is not None else ";".join(_WORD.findall(m["several"]))) for m in _ARGUMENT.finditer(given)]
    else:
        pairs = [(str(item.get("Name")), item.get(value)) for item in items_of(record, name)]
    return {key: text if isinstance(text, str) else "" if text is None else str(text) for key, text in pairs}


def token_id(text: str) -> str | None:
    """A token's unique id; None for none, and for the zeros that stand for it (`AAAA…` in base 64)."""
    return text if text.strip("0A-=") else None


@dataclass(frozen=True)
class Actor:
    """Who did it. `node`: None where the log names nobody; `upkeep`: Microsoft's own account."""

    node: Node | None
    address: str | None = None
    upkeep: bool = False


class Who:
    """States accounts and mailboxes in `out`, each once, and learns from every record what the log calls them."""

    def __init__(self, out: FactBuffer) -> None:
        self._out = out
        self._said: set[tuple[str, ...]] = set()
        self._actors: dict[tuple[Any, ...], Actor] = {}
        self._owners: dict[tuple[Any, ...], Node | None] = {}
        self._names: dict[tuple[str, str], dict[str, str]] = {}  # (organisation, name) -> address -> how we know
        self._ids: dict[str, str] = {}  # GUID or SID -> address
        self._makers: dict[str, set[str]] = {}  # GUID by which rules name a mailbox -> who made them there
        self._apps: dict[str, str] = {}  # object id of an application or service principal -> app id
        self._mailboxes: dict[str, str] = {}
        self.addresses: set[str] = set()
        self.domains: Counter[str] = Counter()
        self.ambiguous: set[str] = set()

    def _once(self, *what: str) -> bool:
        new = what not in self._said
        self._said.add(what)
        return new

    # What a record says by the way.

    def actor(self, record: Record, place: str) -> Actor:
        """Who did it, by UserId (and UserKey where that is an object id)."""
        user, key, kind = record.get("UserId"), record.get("UserKey"), record.get("UserType")
        said = (user if isinstance(user, str) else "", key if isinstance(key, str) else "", kind if isinstance(kind, int | str) else None)
        cached = self._actors.get(said)
        if cached is None:
            cached = self._actors[said] = self._actor(said[0].strip(), said[1], said[2], place)
        return cached

    def _actor(self, user: str, key: str, kind: Any, place: str) -> Actor:
        if is_upkeep(user) or key in _UPKEEP_KEYS:
            return Actor(None, upkeep=True)
        if user.startswith("ServicePrincipal_") and (found := guid(user.partition("_")[2])):
            return Actor(("App", found))  # completed by `app` when the whole log is read
        if user.casefold().startswith("urn:spo:"):
            address = identity.address(user.rpartition("#")[2]) if ":guest#" in user.casefold() else None
            return Actor(self.outsider(address, place) if address else None, address)
        if address := identity.address(user):
            node = self.account(address, place)
            if (found := guid(key)) and kind not in _APPLICATION:  # where an application did it, the key may be the application's
                self.learn_id(found, address, place, "UserId and UserKey of one record")
            return Actor(node, address)
        if found := guid(user):
            return Actor(("Account", f"entra:{found}"))
        if sid := identity.sid(user):
            return Actor(("Account", identity.ad_key(sid)))
        if kind in _DC_ADMIN or kind in _SYSTEM:
            return Actor(None, upkeep=True)
        return Actor(("Account", identity.account_key(user)) if user and user.upper() not in _NOBODY else None)

    def owner(self, record: Record, place: str) -> Node | None:
        """The mailbox a record is about (MailboxOwnerUPN, MailboxGuid, MailboxOwnerSid); None where it names none."""
        said = (record.get("MailboxOwnerUPN"), record.get("MailboxGuid"), record.get("MailboxOwnerSid"), record.get("OrganizationName"))
        try:
            if said in self._owners:
                return self._owners[said]
        except TypeError:  # a list or an object where a text should be
            return None
        upn, id_, sid, org = (value if isinstance(value, str) else "" for value in said)
        mailbox = self._owners[said] = self._owner(upn, guid(id_), identity.sid(sid), org.strip().casefold(), place)
        return mailbox

    def _owner(self, upn: str, id_: str | None, sid: str | None, org: str, place: str) -> Node | None:
        address = identity.address(upn)
        if address is None:
            name = id_ or " ".join(upn.split()).casefold()
            return self.mailbox(name, place) if name else None
        mailbox = self.mailbox(address, place)
        self.domains[mail_domain(address)] += 1
        self._learn_name(org, address.partition("@")[0], address, f"MailboxOwnerUPN of a record of {org}")
        if self._once("owns", address):
            self._out.edge("OWNS", self.account(address, place), mailbox, place, basis=BASIS)
        if id_:
            self._ids[id_] = address
            self._same("Mailbox", identity.mailbox_key(id_), mailbox[1], "MailboxGuid and MailboxOwnerUPN of one record", place)
        if sid:
            self._ids[sid] = address
            self._same("Account", identity.ad_key(sid), identity.upn_key(address), "MailboxOwnerSid and MailboxOwnerUPN of one record", place)
        return mailbox

    def learn_recipient(self, record: Record) -> None:
        """What New-Mailbox and Set-Mailbox say of a recipient's name: the primary address in EmailAddresses, or PrimarySmtpAddress."""
        parameters = pairs_of(record, "Parameters")
        given = [item[5:] for item in parameters.get("EmailAddresses", "").split(";") if item.startswith("SMTP:")]
        address = identity.address(given[0] if len(given) == 1 else parameters.get("PrimarySmtpAddress"))
        found = _CANONICAL.match(text_of(record, "ObjectId"))
        if address and found:
            self._learn_name(found["org"].casefold(), found["name"].casefold(), address, f"{text_of(record, 'Operation')} of the log gives its address")

    def learn_rule(self, record: Record) -> None:
        """New-InboxRule makes a rule in the mailbox of who runs it, unless it names another: what the record calls that mailbox."""
        address, found = identity.address(text_of(record, "UserId")), _CANONICAL.match(text_of(record, "ObjectId").rpartition("\\")[0])
        if address is None or found is None or "Mailbox" in pairs_of(record, "Parameters"):
            return
        if known := guid(found["name"]):
            self._makers.setdefault(known, set()).add(address)
        else:
            self._learn_name(found["org"].casefold(), " ".join(found["name"].split()).casefold(), address, "New-InboxRule of the log names no other mailbox than its maker's")

    def learn_app(self, object_id: str | None, app_id: str | None, place: str) -> None:
        """A record gives both ids of an application or its service principal."""
        if object_id and app_id and object_id != app_id:
            self._apps[object_id] = app_id
            self._same("App", f"app:{object_id}", f"app:{app_id}", "one record of the log gives both ids", place)

    def learn_id(self, object_id: str, address: str, place: str, reason: str) -> None:
        """A record gives an account's Entra object id and its UPN: both have the address, so they meet there."""
        self._ids[object_id] = address
        if self._once("entra", object_id, address):
            account = ("Account", f"entra:{object_id}")
            self._out.node("Account", account[1], place, upn=address, object_id=object_id)
            self._out.edge("HAS_ADDRESS", account, ("Correspondent", identity.smtp_key(address)), place, type="upn")
            self._same("Account", account[1], identity.upn_key(address), reason, place)

    def _learn_name(self, org: str, name: str, address: str, reason: str) -> None:
        if org and name:
            known = self._names.setdefault((org, name), {})
            known[address] = min(known.get(address, reason), reason)  # whatever the order of the records

    def _same(self, label: str, key: str, other: str, reason: str, place: str) -> None:
        if key != other and self._once("same", label, key, other):
            self._out.edge("SAME_IDENTITY", (label, key), (label, other), place, reason=reason)

    # Things by their address.

    def account(self, address: str, place: str) -> Node:
        """The account whose UPN is `address` (normalised)."""
        node = ("Account", identity.upn_key(address))
        if self._once("account", address):
            self.addresses.add(address)
            self._out.node("Account", node[1], place, upn=address)
            self._out.edge("HAS_ADDRESS", node, ("Correspondent", identity.smtp_key(address)), place, type="upn")
        return node

    def outsider(self, address: str, place: str) -> Node:
        """Somebody who was let in by mail address, and has no account here."""
        node = ("Account", identity.account_key(address))
        if self._once("outsider", address):
            self._out.node("Account", node[1], place, type="guest", email=address)
            self._out.edge("HAS_ADDRESS", node, ("Correspondent", identity.smtp_key(address)), place, type="mail")
        return node

    def mailbox(self, address: str, place: str) -> Node:
        """The mailbox known by `address` (normalised), or by a name or GUID where the log gives no address."""
        node = ("Mailbox", identity.mailbox_key(address))
        if self._once("mailbox", address):
            self._out.node("Mailbox", node[1], place, basis=BASIS)
            if "@" in address:
                self._mailboxes[node[1]] = place
                self._out.edge("HAS_ADDRESS", node, ("Correspondent", identity.smtp_key(address)), place, type="upn")
        return node

    # Things by whatever a command calls them: only when the whole log is read.

    def resolve(self, text: str, org: str) -> tuple[str | None, str, str]:
        """(address or None, the name as a key, how we know) of a recipient as commands write it; `org`: the record's organisation."""
        value = text.strip().rstrip("\\")
        if address := identity.address(value):
            return address, address, ""
        known = guid(value) or identity.sid(value)
        if known:
            return self._ids.get(known), known, "one record of the log gives both"
        found = _CANONICAL.match(value)
        org, name = (found["org"].casefold(), found["name"]) if found else (org, value)
        folded = " ".join(name.split()).casefold()
        key = f"{org}/{folded}" if org and (found or "/" not in value) else " ".join(value.split()).casefold()
        if found and (known := guid(name)):
            makers = self._makers.get(known, set())
            return self._ids.get(known) or (next(iter(makers)) if len(makers) == 1 else None), known, "one record of the log gives both"
        candidates = self._names.get((org, folded), {})
        if f"{folded}@{org}" in self.addresses:
            candidates = {f"{folded}@{org}": f"the log has an account {folded}@{org}"} | candidates
        if len(candidates) > 1:
            self.ambiguous.add(name)
        if len(candidates) != 1:
            return None, key, ""
        address, reason = next(iter(candidates.items()))
        return address, key, f"{name} of {org}: {reason}"

    def mailbox_named(self, text: str, org: str, place: str) -> Node:
        """A mailbox by whatever a command calls it."""
        address, key, reason = self.resolve(text, org)
        node = self.mailbox(address or key, place)
        if address and key != address:
            self._same("Mailbox", identity.mailbox_key(key), node[1], reason, place)
            if "/" in text:  # as permission exports write it
                self._same("Mailbox", identity.mailbox_key(" ".join(text.split()).casefold()), node[1], reason, place)
        return node

    def trustee(self, text: str, org: str, place: str) -> Node | None:
        """Who is given a right; None where that is the mailbox itself or the machine."""
        folded = text.strip().casefold()
        if not folded or folded.startswith("nt authority\\") or folded in ("s-1-5-10", "s-1-5-18", "owner@local", "member@local"):
            return None
        everyone = {"s-1-1-0": "default", "everyone": "default", "s-1-5-7": "anonymous"}.get(folded, folded)
        if everyone in EVERYONE:
            return self.group(f"{everyone}/{org or self.domain()}", EVERYONE[everyone], "security", place)
        if is_known_group(text):
            return self.group(folded.rpartition("\\")[2], text, "security", place)
        address, key, reason = self.resolve(text, org)
        if address is None:
            return ("Account", identity.ad_key(key)) if identity.sid(key) else ("Account", identity.account_key(key))
        node = self.account(address, place)
        if key != address:
            other = f"entra:{key}" if guid(key) else identity.ad_key(key) if identity.sid(key) else identity.account_key(key)
            self._same("Account", other, node[1], reason, place)
            if "/" in text:
                self._same("Account", identity.account_key(text), node[1], reason, place)
        return node

    def group(self, name: str, title: str, type_: str | None, place: str) -> Node:
        """A group by its name or object id."""
        node = ("Group", identity.group_key(name))
        if self._once("group", node[1]):
            self._out.node("Group", node[1], place, name=title or None, type=type_)
        return node

    def app(self, id_: str, place: str, name: str | None = None) -> Node:
        """An application by its app id, or by an object id the log ties to one; else by that object id."""
        app_id = self._apps.get(id_, id_)
        node = ("App", f"app:{app_id}")
        if name and self._once("app", app_id):
            self._out.node("App", node[1], place, name=name)
        return node

    def has_mailbox(self, address: str) -> bool:
        """Whether the log shows a mailbox of this address."""
        return identity.mailbox_key(address) in self._mailboxes

    def address_of_id(self, object_id: str) -> str | None:
        """The UPN the log gives for an Entra object id."""
        return self._ids.get(object_id)

    # The mail system.

    def domain(self) -> str:
        """The domain of most mailboxes of the log; the first by name where two are equal; "" where there is none."""
        return min(self.domains, key=lambda domain: (-self.domains[domain], domain)) if self.domains else ""

    def mail_system(self, org: str, place: str) -> Node | None:
        """The mail system of the log's mailboxes, else of `org`; None where neither is known."""
        domain = self.domain() or org
        if not domain:
            return None
        node = ("Service", identity.mail_system_key(domain))
        if self._once("service", domain):
            self._out.node("Service", node[1], place, name=f"mail of {domain}", type="mail system")
        return node

    def host_all(self) -> None:
        """The mail system hosts every mailbox of its domain."""
        domain = self.domain()
        for key, place in self._mailboxes.items():
            if domain and mail_domain(key) == domain and (system := self.mail_system(domain, place)):
                self._out.edge("HOSTS", system, ("Mailbox", key), place, basis="same log")


def mail_domain(address: str) -> str:
    """The domain that names an address's mail system; tenants' own `.onmicrosoft.com` names stay apart."""
    domain = identity.domain_of(address)
    return domain if domain.endswith(".onmicrosoft.com") else identity.registrable(domain)
