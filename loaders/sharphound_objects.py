"""What SharpHound's users, groups and computers say, as facts; loaders/formats/sharphound.py reads the files they lie in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphmodel import identity
from loaders.base import FactBuffer
from loaders.dates import EARLIEST, LATEST, BadDate, moment
from loaders.directory_rights import FILES, SharpHoundRights, dn_of
from loaders.notes import Notes
from loaders.recipients import ADMIN_ROLE_GROUPS, Node

Json = dict[str, Any]

LABELS = {"users": "Account", "groups": "Group", "computers": "Server"}
"""SharpHound's files of principals, and the label of what is in them."""
_LABELS = {"User": "Account", "Group": "Group", "Computer": "Server"}
_EXCHANGE_OU = "OU=MICROSOFT EXCHANGE SECURITY GROUPS,"
_ADMINISTRATORS, _REMOTE_DESKTOP, _REMOTE_COM, _REMOTE_SHELL = "544", "555", "562", "580"
# Local groups that let in without administering: type of the service they open, via, and the group's name.
_REMOTE = {
    _REMOTE_DESKTOP: ("remote desktop", "rdp", "Remote Desktop Users"),
    _REMOTE_SHELL: ("remote shell", "winrm", "Remote Management Users"),
    _REMOTE_COM: ("remote com", "dcom", "Distributed COM Users"),
}
_SESSION_LISTS = ("Sessions", "PrivilegedSessions", "RegistrySessions")
_CONTROLLER_GROUPS = ("-516", "-521")  # Domain Controllers, Read-only Domain Controllers
_WORKSTATION = re.compile(r"windows (xp|vista|7|8|8\.1|10|11)\b", re.IGNORECASE)
_OWN_SID = re.compile(r"S-1-(5-21|12-1)-")  # of a domain or a tenant; all others mean something else on every machine
# Exchange names its own accounts SM_<17 hex digits>; a person called SM_Tanaka is not one of them.
_SYSTEM_ACCOUNT = re.compile(r"(HealthMailbox[0-9a-f]{6,}|SM_[0-9a-f]{12,})", re.IGNORECASE)
_GUID = r"\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?"
_SYSTEM_MAILBOX = re.compile(rf"healthmailbox[0-9a-f]{{20,}}@|(systemmailbox|discoverysearchmailbox|federatedemail\.|migration\.|arbitration\.?){_GUID}@")


@dataclass(frozen=True)
class Item:
    """One object of a `data` list with a SID.

    `domain`: its directory domain in lower case, "" where it is not said; `snapshot`: when it was collected, in seconds.
    """

    object: Json
    properties: Json
    sid: str
    domain: str
    place: str
    snapshot: int | None

    def text(self, name: str) -> str | None:
        """A property that is a text with something in it, else None."""
        value = self.properties.get(name)
        return value.strip() or None if isinstance(value, str) else None

    def flag(self, name: str) -> bool | None:
        """A property that is true or false, else None."""
        value = self.properties.get(name)
        return value if isinstance(value, bool) else None

    @property
    def title(self) -> str:
        """What people call it: display name, else logon name, else SharpHound's `NAME@DOMAIN`."""
        return self.text("displayname") or (self.text("samaccountname") or "").rstrip("$") or self.text("name") or self.sid


class Directory:
    """States the objects of one source in `out`, and remembers what kind of thing each SID is."""

    def __init__(self, out: FactBuffer, now: int | None) -> None:
        self._out, self._now = out, now
        self.notes = Notes()
        self._kinds: dict[str, str] = {}
        self._titles: dict[str, str] = {}
        self._said: set[tuple[str, ...]] = set()
        self._later: list[tuple[str, str, Node, str, Json, bool]] = []
        self._asked: dict[tuple[str, str], dict[str, bool]] = {}
        self._snapshots: dict[tuple[str, str], int] = {}
        self._hosts: dict[str, str] = {}  # SID of a computer -> its name, else the SID
        self._rights = SharpHoundRights(out, self._edge, self._known, self.notes.add)

    def take(self, type_: str, found: object, place: str, snapshot: int | None) -> None:
        """State one object of a file of `type_` (users, groups, computers, domains, ous, containers, gpos); what cannot be used is refused."""
        if type_ in FILES:
            self._rights.take(FILES[type_], found, place)
            return
        item = self._item(found, place, snapshot)
        if item is None:
            return
        if item.object.get("IsDeleted") is True:
            self.notes.add("deleted object, passed over", place)
            return
        {"users": self._user, "groups": self._group, "computers": self._computer}[type_](item)

    def finish(self) -> None:
        """State what had to wait until every object was known, coverage and notes."""
        self._rights.finish()
        for computer, group, principal, place, domain in self._rights.remote:
            self._remote(("Server", identity.ad_key(computer)), self._hosts.get(computer, computer.casefold()), group, principal, place, domain, "group policy")
        for type_, sid, other, place, properties, outward in self._later:
            kind = self._kinds.get(sid)
            if kind:
                self._put(type_, (kind, identity.ad_key(sid)), other, place, outward, properties)
            else:
                self.notes.add("principal whose kind no object of this source says (of a domain that was not collected), passed over", place)
        for (what, domain), asked in self._asked.items():
            last, collected = self._snapshots.get((what, domain)), sum(asked.values())
            note = None if last is None else "collection times are local times of the collecting machine"
            self._out.coverage(what, domain, last=last, collected=collected, missing=len(asked) - collected, note=note)
        self.notes.tell(self._out)

    def _item(self, found: object, place: str, snapshot: int | None) -> Item | None:
        if not isinstance(found, dict):
            self._out.refuse(place, type(found).__name__, "not an object")
            return None
        properties = found.get("Properties")
        if properties is None:  # collections of sessions alone leave it out
            properties = {}
        if not isinstance(properties, dict):
            self._out.refuse(place, type(properties).__name__, "Properties is not an object")
            return None
        domain = properties.get("domain")
        if not isinstance(domain, str):
            name = properties.get("name")
            domain = name.partition("@")[2] if isinstance(name, str) else ""
        domain = domain.strip().casefold()
        sid = _sid(found.get("ObjectIdentifier"), domain)
        if sid is None:
            self._out.refuse(place, found.get("ObjectIdentifier", "nothing"), "ObjectIdentifier is not a SID")
            return None
        return Item(found, properties, sid, domain, place, snapshot)

    def _state(self, label: str, what: str, item: Item, **properties: Any) -> bool:
        """State the object itself; False, and refused, when its SID is already known as another kind of thing."""
        kind = self._kinds.setdefault(item.sid, label)
        if kind != label:
            self._out.refuse(item.place, item.sid, f"the SID is that of a {kind} elsewhere in this source")
            return False
        title = properties["name"]
        if _OWN_SID.match(item.sid) and self._titles.setdefault(item.sid, title) != title:
            self.notes.add("object that repeats the SID of another one with another name: both shown as one", item.place)
        # Stand-ins for well-known groups have no such name; they come from domains, too, that were not collected.
        if item.text("distinguishedname"):
            self._ask(what, item, True)
        self._out.node(label, identity.ad_key(item.sid), item.place, dn=item.text("dn") or dn_of(item.properties), **properties)
        self._ask("directory rights", item, bool(item.object.get("Aces")))
        self._rights.of_object(item.object, (label, identity.ad_key(item.sid)), item.sid, item.domain, item.place)
        return True

    # --- users ---

    def _user(self, item: Item) -> None:
        sam, type_ = item.text("samaccountname"), _account_type(item)
        email = identity.address(item.text("email"))
        upn = identity.address(item.text("userprincipalname"))
        if not self._state(
            "Account", "accounts", item, name=item.title, type=type_, upn=upn, email=email, sam=sam, domain=item.domain or None,
            enabled=item.flag("enabled"), title=item.text("title"), created=self._time(item, "whencreated"),
            password_set=self._time(item, "pwdlastset"),
        ):  # fmt: skip
            return
        account = ("Account", identity.ad_key(item.sid))
        self._primary_group(item, account)
        if upn:
            self._out.edge("HAS_ADDRESS", account, ("Correspondent", identity.smtp_key(upn)), item.place, type="upn")
        if email:
            self._mail(item, account, email, type_)
        elif item.text("email"):
            self.notes.add("mail attribute that is no address, left out", item.place)

    def _mail(self, item: Item, account: Node, email: str, type_: str) -> None:
        """The mail attribute: the account's address, and most likely its mailbox in the mail system of the domain."""
        place, address = item.place, ("Correspondent", identity.smtp_key(email))
        self._out.edge("HAS_ADDRESS", account, address, place, type="mail")
        if type_ in ("user", "admin") and item.text("displayname"):
            self._out.node("Correspondent", address[1], place, name=item.text("displayname"), address=email)
        host = identity.domain_of(email)
        if {host, identity.registrable(host)} & identity.FREE_MAIL:
            self.notes.add("mail attribute at a public mail provider: no mailbox of the organisation taken from it", place)
            return
        mailbox = ("Mailbox", identity.mailbox_key(email))
        system = type_ == "system" or bool(_SYSTEM_MAILBOX.match(email))
        self._out.node(
            "Mailbox", mailbox[1], place, name=item.text("displayname") or email, type="system" if system else "user", address=email,
            basis="mail attribute",
        )  # fmt: skip
        self._out.edge("OWNS", account, mailbox, place, basis="mail attribute")
        self._out.edge("HAS_ADDRESS", mailbox, address, place, type="mail")
        if item.domain:
            self._out.edge("HOSTS", self._mail_system(item), mailbox, place, basis="mail attribute of a user of this domain")

    def _mail_system(self, item: Item) -> Node:
        node = ("Service", identity.mail_system_key(item.domain))
        if self._once(*node):
            self._out.node("Service", node[1], item.place, name=f"mail of {item.domain}", type="mail system")
        return node

    # --- groups ---

    def _group(self, item: Item) -> None:
        name = item.text("samaccountname") or (item.text("name") or "").partition("@")[0] or item.sid
        inside = _EXCHANGE_OU in (item.text("distinguishedname") or "").upper()
        role = inside and bool(item.domain) and name.casefold() in ADMIN_ROLE_GROUPS
        if not self._state("Group", "groups", item, name=name, type="role group" if role else None, sam=item.text("samaccountname"),
                           domain=item.domain or None):  # fmt: skip
            return
        group = ("Group", identity.ad_key(item.sid))
        if role:
            self._role(item, group, name)
        for number, member in self._list(item, "Members"):
            self._edge("MEMBER_OF", member, group, f"{item.place}.Members[{number}]", item.domain)

    def _role(self, item: Item, group: Node, name: str) -> None:
        role = ("Role", f"role:exchange/{name.casefold()}@{item.domain}")
        self._out.node("Role", role[1], item.place, name=name, system="exchange")
        self._out.edge("HAS_ROLE", group, role, item.place, basis="role group")
        self._out.edge("ADMIN_TO", role, self._mail_system(item), item.place, via="exchange role", basis=name)
        self._ask("exchange administrators", item, True)

    # --- computers ---

    def _computer(self, item: Item) -> None:
        names = item.properties.get("serviceprincipalnames")
        mail = isinstance(names, list) and any(isinstance(n, str) and n.casefold().startswith("exchangemdb/") for n in names)
        fqdn = identity.host(item.text("name"))
        fqdn = fqdn if fqdn and "." in fqdn else None
        if not self._state("Server", "servers", item, name=fqdn or item.title, fqdn=fqdn, os=item.text("operatingsystem"),
                           enabled=item.flag("enabled"), role=_server_role(item, mail)):  # fmt: skip
            return
        server = ("Server", identity.ad_key(item.sid))
        self._primary_group(item, server)
        if mail and item.domain:
            self._out.edge("HOSTS", server, self._mail_system(item), item.place, basis="exchangeMDB")
            self._ask("mail hosts", item, True)
        self._hosts[item.sid] = fqdn or item.sid.casefold()
        asked = self._local_groups(item, server, self._hosts[item.sid])
        self._ask("server administrators", item, asked.get(_ADMINISTRATORS, False))
        remote = [asked[group] for group in _REMOTE if group in asked]
        self._ask("remote access", item, bool(remote) and all(remote))
        sessions = [self._sessions(item, name) for name in _SESSION_LISTS]
        self._ask("sessions", item, any(sessions))

    def _local_groups(self, item: Item, server: Node, host: str) -> dict[str, bool]:
        """State who administers the computer or may sign in from afar. Last number of the group's SID -> whether it was asked.

        The name is not looked at: domain controllers and renamed or translated groups have others (`IGNOREME`).
        """
        asked: dict[str, bool] = {}
        for number, group in self._list(item, "LocalGroups"):
            place, sid = f"{item.place}.LocalGroups[{number}]", group.get("ObjectIdentifier")
            kind = sid.rpartition("-")[2] if isinstance(sid, str) else ""
            if kind not in (_ADMINISTRATORS, *_REMOTE):
                continue
            asked[kind] = group.get("Collected") is True and asked.get(kind, True)
            for index, principal in self._refs(group.get("Results"), f"{place}.Results"):
                if kind == _ADMINISTRATORS:
                    self._edge("ADMIN_TO", principal, server, f"{place}.Results[{index}]", item.domain, via="local administrators",
                               basis="Administrators")  # fmt: skip
                else:
                    self._remote(server, host, kind, principal, f"{place}.Results[{index}]", item.domain, _REMOTE[kind][2])
        return asked

    def _remote(self, server: Node, host: str, group: str, principal: Json, place: str, domain: str, basis: str) -> None:
        type_, via, name = _REMOTE[group]
        service = ("Service", f"service:{type_}/{host}")
        if self._once(*service):
            self._out.node("Service", service[1], place.partition(".LocalGroups")[0], name=host, type=type_)
            self._out.edge("HOSTS", server, service, place.partition(".LocalGroups")[0], basis=name)
        self._edge("SIGNS_IN_TO", principal, service, place, domain, via=via, basis=basis)

    def _sessions(self, item: Item, name: str) -> bool:
        """State the sessions of one list; whether the computer was asked for it."""
        found = item.object.get(name)
        if not isinstance(found, dict):
            return False
        for index, session in self._refs(found.get("Results"), f"{item.place}.{name}.Results"):
            place = f"{item.place}.{name}.Results[{index}]"
            user = _sid(session.get("UserSID"), "")
            computer = _sid(session.get("ComputerSID"), "") if session.get("ComputerSID") else item.sid
            # Accounts like SYSTEM are signed in everywhere and are another one on every machine.
            if user is None or computer is None or not _OWN_SID.match(user) or not _OWN_SID.match(computer):
                self.notes.add("session of a system account or of one without a SID, passed over", place)
            elif (self._kinds.setdefault(user, "Account"), self._kinds.setdefault(computer, "Server")) != ("Account", "Server"):
                self.notes.add("session of what is no user, or on what is no computer, passed over", place)
            elif self._once(name, user, computer):
                self._out.edge("SESSION_ON", ("Account", identity.ad_key(user)), ("Server", identity.ad_key(computer)), place, basis=name)
        return found.get("Collected") is True

    # --- what they share ---

    def _once(self, *what: str) -> bool:
        new = what not in self._said
        self._said.add(what)
        return new

    def _ask(self, what: str, item: Item, asked: bool) -> None:
        """Count the object for coverage; one that was asked in any of the files was asked."""
        known = self._asked.setdefault((what, item.domain), {})
        known[item.sid] = asked or known.get(item.sid, False)
        if item.snapshot is not None:
            self._snapshots[what, item.domain] = max(item.snapshot, self._snapshots.get((what, item.domain), item.snapshot))

    def _time(self, item: Item, name: str) -> int | None:
        """Seconds since 1970; 0 and -1 are SharpHound's "never"."""
        value = item.properties.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            return None
        if isinstance(value, int) and EARLIEST <= value <= (LATEST if self._now is None else self._now):
            return value  # as nearly all are
        try:
            return moment(str(int(value)), now=self._now)
        except BadDate:
            self.notes.add(f"{name} that cannot be believed, taken as unknown", item.place)
            return None

    def _primary_group(self, item: Item, member: Node) -> None:
        text = item.object.get("PrimaryGroupSID")
        group = _sid(text, item.domain)
        if group and self._kinds.setdefault(group, "Group") == "Group":
            self._out.edge("MEMBER_OF", member, ("Group", identity.ad_key(group)), item.place, primary=True)
        elif text:
            self.notes.add("primary group that is none, left out", item.place)

    def _list(self, item: Item, name: str) -> Iterator[tuple[int, Json]]:
        yield from self._refs(item.object.get(name), f"{item.place}.{name}")

    def _refs(self, found: object, place: str) -> Iterator[tuple[int, Json]]:
        """The objects of a list with their numbers; what is no list or no object is noted."""
        if found is None:
            return
        if not isinstance(found, list):
            self.notes.add("part of an object that should be a list and is none, left out", place)
            return
        for number, entry in enumerate(found):
            if isinstance(entry, dict):
                yield number, entry
            else:
                self.notes.add("entry of a list that is no object, left out", f"{place}[{number}]")

    def _edge(self, type_: str, principal: Json, other: Node, place: str, domain: str, *, outward: bool = False, **properties: Any) -> None:
        """State an edge from a principal (`ObjectIdentifier`, `ObjectType`), or `outward` to it; one of unknown kind waits for `finish`."""
        sid, claimed = _sid(principal.get("ObjectIdentifier"), domain), principal.get("ObjectType")
        if sid is None:
            self.notes.add("principal without a SID, passed over", place)
            return
        label = _LABELS.get(claimed) if isinstance(claimed, str) else None
        if isinstance(claimed, str) and claimed.startswith("Local"):
            self.notes.add("account or group of one machine alone, passed over", place)
        elif label is None and sid not in self._kinds:
            self._later.append((type_, sid, other, place, properties, outward))
        else:
            kind = self._kind(sid, label)
            if type_ == "SIGNS_IN_TO" and kind == "Server":
                self.notes.add("computer that may sign in from afar, passed over", place)
            else:
                self._put(type_, (kind, identity.ad_key(sid)), other, place, outward, properties)

    def _kind(self, sid: str, label: str | None) -> str:
        """An object's own file knows better than those who name it."""
        return self._kinds.setdefault(sid, label) if label else self._kinds[sid]

    def _known(self, sid_text: str, claimed: str, domain: str) -> Node | None:
        """The node of a principal whose kind is told; of all others `_edge` says what becomes of them."""
        sid, label = _sid(sid_text, domain), _LABELS.get(claimed)
        return (self._kind(sid, label), identity.ad_key(sid)) if sid and label else None

    def _put(self, type_: str, node: Node, other: Node, place: str, outward: bool, properties: Json) -> None:
        if node != other:
            self._out.edge(type_, *((other, node) if outward else (node, other)), place, **properties)


def _sid(text: object, domain: str) -> str | None:
    """A SID in one spelling. A bare well-known one (`S-1-5-32-544`) gets its domain before it, as SharpHound writes it elsewhere."""
    sid = identity.sid(text) if isinstance(text, str) else None
    return f"{domain.upper()}-{sid}" if sid and domain and sid.startswith("S-1-") and not _OWN_SID.match(sid) else sid


def _account_type(item: Item) -> str:
    sam = item.text("samaccountname") or (item.text("name") or "").partition("@")[0]
    if _SYSTEM_ACCOUNT.fullmatch(sam) or not _OWN_SID.match(item.sid):
        return "system"
    if item.flag("admincount"):
        return "admin"
    return "service" if item.flag("hasspn") or item.flag("gmsa") or item.flag("msa") else "user"


def _server_role(item: Item, mail: bool) -> str | None:
    """The computer's role; None where neither its groups nor its operating system say it."""
    primary = item.object.get("PrimaryGroupSID")
    if item.flag("isdc") or item.object.get("IsDC") is True or (isinstance(primary, str) and primary.endswith(_CONTROLLER_GROUPS)):
        return "domain controller"
    if mail:
        return "mail"
    os = item.text("operatingsystem")
    if os is None:
        return None
    return "workstation" if _WORKSTATION.search(os) else "server"
