"""What nodes and edges of a BloodHound OpenGraph say, as facts; loaders/formats/opengraph.py reads the files they lie in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from graphmodel import identity
from graphmodel.kinds import EDGES
from loaders.base import FactBuffer
from loaders.directory_rights import CONTAINERS, container_node
from loaders.gathered import Gathered
from loaders.notes import Notes
from loaders.opengraph_items import PRINCIPALS, Item, Json, Users, flag, folded, known_of
from loaders.opengraph_rights import FIRST, GraphRights, holds, is_inherited, is_right
from loaders.recipients import ADMIN_ROLE_GROUPS, Node, Recipients, mailbox_type

_COUNTED = {"Account": "accounts", "Group": "groups", "Server": "servers"}
_ADDRESSES = ("primarysmtpaddress", "primary_smtp_address", "primarysmtp", "smtpaddress", "emailaddress", "mail", "email", "address", "windowsemailaddress")
_FOLDERS = ("folderpath", "path", "foldername", "displayname", "name")
_RIGHTS = {"HasFullAccess": "FULL_ACCESS", "HasSendAs": "SEND_AS", "HasSendOnBehalf": "SEND_ON_BEHALF", "OwnsMailbox": "OWNS"}
_FOLDER_RIGHTS = ("HasFolderAccess", "HasCalendarAccess")
_READING = frozenset(("owner", "publishingeditor", "editor", "publishingauthor", "author", "noneditingauthor", "reviewer", "readitems"))
_REMOTE = {"CanRDP": ("remote desktop", "rdp"), "CanPSRemote": ("remote shell", "winrm"), "ExecuteDCOM": ("remote com", "dcom")}
# Management roles, and role groups that are sometimes listed among them, whose holders may give themselves any mailbox.
_ADMIN_ROLES = ADMIN_ROLE_GROUPS | {"applicationimpersonation", "mail recipients", "mailbox import export", "mailbox search", "role management"}
_KNOWN_EDGES = {
    "MemberOf", "AZMemberOf", "AdminTo", "HasSession", "ContainsFolder", "AffectsRecipient", "HasExchangeRole", *_REMOTE, *_RIGHTS, *_FOLDER_RIGHTS,
}  # fmt: skip
_NAMED = 40
_COPYING = re.compile(r"blindcopy|bcc|redirect|copyto|addto|forward|moderate", re.IGNORECASE)
_EVERYONE = {"default": "Everyone (Default)", "anonymous": "Everyone, without signing in (Anonymous)"}
_GUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)


class Usual(NamedTuple):
    """An edge that is the same between all nodes of two labels. `turned`: from the file's end to its start."""

    type: str
    source: str
    target: str
    via: str | None = None
    basis: str | None = None
    turned: bool = False


class Graph:
    """States a graph in `out`: first every node, then every edge."""

    def __init__(self, out: FactBuffer) -> None:
        self._out = self.out = Gathered(out)
        self._who = Recipients(self._out)
        self.notes = Notes()
        self._items: dict[str, Item] = {}
        self._matched: dict[str, dict[Any, list[Item]]] = {}
        self._folders: dict[str, Item] = {}  # id of a folder -> its mailbox
        self._said: set[tuple[str, ...]] = set()
        self._roles: list[tuple[Item, Item, str]] = []
        self._left: Counter[tuple[str, str]] = Counter()
        self._counts: dict[str, set[str]] = {}
        self._rights = GraphRights(self._out, self._state, self._remote)

    # --- nodes ---

    def add_node(self, found: object, place: str) -> None:
        """Take one node; refused where it has no id and kinds."""
        if not isinstance(found, dict) or not isinstance(found.get("id"), str) or not isinstance(found.get("kinds"), list):
            self._out.refuse(place, type(found).__name__, "not a node with id and kinds")
            return
        kinds = tuple([kind for kind in found["kinds"] if isinstance(kind, str)])
        kind = known_of(kinds)
        properties = folded(found.get("properties"))
        item = Item(found["id"], kind, kinds, properties, None)
        item.node = self._node_of(item)
        self._items[item.id.casefold()] = item
        if kind is None:
            self._left["nodes", kinds[0][:60] if kinds else "none"] += 1
        elif item.node is None and kind not in ("ExchangeMailboxFolder", "ExchangePermissionPrincipal", "ExchangeRbacRole"):
            self.notes.add(f"{kind} without an id or address to know it by, passed over", place)
        elif kind in CONTAINERS:
            self._rights.add_container(item, place)
        elif kind in PRINCIPALS:
            self._principal(item, place)
            self._rights.add_object(item, place)
        elif kind == "ExchangeMailbox":
            self._mailbox(item, place)
        elif kind == "ExchangeTransportRule" and item.node:
            enabled = item.text("state").casefold() != "disabled" and properties.get("enabled") is not False
            self._out.node("Rule", item.node[1], place, name=item.text("displayname", "name") or item.id, type="transport rule", enabled=enabled)
            self._counts.setdefault("transport rules", set()).add(item.id)

    def add_nodes(self, found: list[Any], first: int, before: str) -> None:
        """Take nodes that follow one another, the first of that number."""
        users = Users(self._items, self._who)
        for number, value in enumerate(found, first):
            if not users.take(value, number):
                self.add_node(value, f"{before}[{number}]")
        if keys := users.state(self._out, before):
            self._counts.setdefault("accounts", set()).update(keys)

    def _node_of(self, item: Item) -> Node | None:
        kind = item.kind
        if kind in CONTAINERS:
            return container_node(item.id)
        if kind in PRINCIPALS:
            return _principal_node(item, PRINCIPALS[kind])
        address = identity.address(item.text(*_ADDRESSES))
        if kind == "ExchangeMailbox":
            return ("Mailbox", identity.mailbox_key(address)) if address else None
        if kind == "ExchangeTransportEndpoint":
            address = address or identity.address(item.text("displayname", "name")) or identity.address(item.id)
            return ("Correspondent", identity.smtp_key(address)) if address else None
        if kind == "ExchangeTransportRule":
            return "Rule", f"rule:{item.text('domain').casefold() or 'organisation'}/transport rule/{item.text('displayname', 'name') or item.id}"
        return None  # folders are told by their mailbox, roles by the organisation, which is known at the end

    def _principal(self, item: Item, place: str) -> None:
        label, key = item.node or ("", "")
        name = item.text("displayname") or item.text("samaccountname", "name").rstrip("$") or item.id
        domain = item.text("domain").casefold() or None
        enabled = flag(item.properties, "enabled", "isenabled")
        if label == "Account":
            upn, email = identity.address(item.text("userprincipalname")), identity.address(item.text("email", "mail"))
            sam = item.text("samaccountname") or None
            self._out.node("Account", key, place, name=name, type="user", upn=upn, email=email, sam=sam, domain=domain, enabled=enabled)
            for address, type_ in ((upn, "upn"), (email, "mail")):
                if address:
                    self._who.address((label, key), address, type_, place)
        elif label == "Group":
            self._out.node("Group", key, place, name=name, sam=item.text("samaccountname") or None, domain=domain)
        elif label == "Server":
            fqdn = next((host for text in ("dnshostname", "name") if (host := identity.host(item.text(text))) and "." in host), None)
            self._out.node("Server", key, place, name=fqdn or name, fqdn=fqdn, os=item.text("operatingsystem") or None, enabled=enabled)
        else:
            self._out.node("App", key, place, name=name)
        self._counts.setdefault(_COUNTED.get(label, "app permissions"), set()).add(key)

    def _mailbox(self, item: Item, place: str) -> None:
        address = identity.address(item.text(*_ADDRESSES)) or ""
        type_ = mailbox_type(item.text("recipienttypedetails", "recipienttype", "mailboxtype"))
        self._who.mailbox(address, place, type_, item.text("displayname", "name") or None)
        self._counts.setdefault("mailboxes", set()).add(address)

    # --- edges ---

    def add_edge(self, found: object, place: str, folders: bool) -> None:
        """Take one edge. `folders`: take only what tells whose a folder is (a first pass), else all the rest."""
        kind = found.get("kind") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(kind, str):
            if not folders:
                self._out.refuse(place, type(found).__name__, "not an edge with kind, start and end")
            return
        if folders != (kind in FIRST):
            return
        if not _is_taken(kind):
            self._left["edges", kind[:60]] += 1
            return
        start, end = self.end(found.get("start")), self.end(found.get("end"))
        if start is None or end is None:
            self.notes.add("edge with an end that is not in this file, or is several nodes, passed over", place)
            return
        properties = folded(found.get("properties"))
        if self._rights.edge(kind, start, end, properties, place):
            self._counts.setdefault("directory rights", set()).add(end.id)
        elif folders:
            owner = self._folders.get(start.id, start)
            self._folders[end.id] = owner
        else:
            self._edge(kind, start, end, properties, place)

    def takes(self, kind: str) -> bool:
        """Whether edges of that kind say anything."""
        return _is_taken(kind)

    def leave(self, kind: str, count: int) -> None:
        """Count edges of a kind that says nothing."""
        self._left["edges", kind[:60]] += count

    def usual(self, kind: str, start: str, end: str) -> Usual | None:
        """What every edge of this kind between different nodes of these labels says; None where it takes `add_edge` to tell."""
        if end == "Container":  # what lies in it may be meant
            return None
        if is_right(kind):
            found = Usual("CONTROLS", start, end) if holds(kind, end) else None
        elif kind in ("MemberOf", "AZMemberOf"):
            found = Usual("MEMBER_OF", start, end)
        elif kind == "AdminTo":
            found = Usual("ADMIN_TO", start, end, via="local administrators", basis=kind)
        elif kind == "HasSession":
            found = Usual("SESSION_ON", start, end, basis=kind) if start == "Account" else Usual("SESSION_ON", end, start, basis=kind, turned=True)
        else:
            found = None
        return found if found and (found.source, found.target) in EDGES[found.type].pairs else None

    def inherited(self, properties: object) -> bool | None:
        """Whether a right is inherited, by the properties of its edge."""
        return is_inherited(folded(properties))

    def count_rights(self, ids: set[str]) -> None:
        """Count those on whom rights in the directory were stated."""
        self._counts.setdefault("directory rights", set()).update(ids)

    def of_id(self, id_: str) -> Item | None:
        """The file's node of that id."""
        return self._items.get(id_.casefold())

    def end(self, found: object) -> Item | None:
        """The node that an end of an edge means: by id (the default), by name, or by properties; None where none or several fit."""
        if not isinstance(found, dict):
            return None
        by, value = found.get("match_by") or "id", found.get("value")
        kind = found.get("kind")
        if by == "id" and isinstance(value, str):
            return self._items.get(value.casefold()) or _stranger(value, kind if isinstance(kind, str) else "")
        if by == "name":
            wanted = [("name", value)]
        else:
            matchers = found.get("property_matchers")
            wanted = [(str(m.get("key")).casefold(), m.get("value")) for m in matchers if isinstance(m, dict)] if isinstance(matchers, list) else []
        fitting = [item for item in self._fitting(wanted) if not isinstance(kind, str) or kind in item.kinds]
        return fitting[0] if len(fitting) == 1 else None

    def _fitting(self, wanted: list[tuple[str, Any]]) -> Iterator[Item]:
        if not wanted:
            return
        key, value = wanted[0]
        if key not in self._matched:
            index: dict[Any, list[Item]] = {}
            for item in self._items.values():
                if isinstance(own := item.properties.get(key), (str, int, float, bool)):
                    index.setdefault(_name_of(key, own), []).append(item)
            self._matched[key] = index
        if isinstance(value, (str, int, float, bool)):
            yield from (item for item in self._matched[key].get(_name_of(key, value), ()) if all(item.properties.get(name) == want for name, want in wanted[1:]))

    def _edge(self, kind: str, start: Item, end: Item, properties: Json, place: str) -> None:
        if kind in ("MemberOf", "AZMemberOf"):
            self._state("MEMBER_OF", start.node, end.node, place)
        elif kind == "AdminTo":
            self._state("ADMIN_TO", start.node, end.node, place, via="local administrators", basis=kind)
        elif kind in _REMOTE:
            self._remote(kind, start, end, place)
        elif kind == "HasSession":
            # Computer to user; some tools also write it the other way round.
            host, user = (end, start) if start.node and start.node[0] == "Account" else (start, end)
            self._state("SESSION_ON", user.node, host.node, place, basis=kind)
        elif kind in _RIGHTS:
            more = {"basis": "export"} if kind == "OwnsMailbox" else {"basis": kind.removeprefix("Has"), "inherited": flag(properties, "isinherited", "inherited")}
            self._state(_RIGHTS[kind], self._holder(start, end, place), end.node, place, **more)
            if kind != "OwnsMailbox":
                self._counts.setdefault("mailbox rights" if kind == "HasFullAccess" else "send rights", set()).add(end.id)
        elif kind in _FOLDER_RIGHTS:
            self._folder_right(start, end, properties, place)
        elif kind == "AffectsRecipient":
            self._copies(start, end, properties, place)
        else:
            self._roles.append((start, end, place))

    def _state(self, type_: str, source: Node | None, target: Node | None, place: str, **properties: Any) -> None:
        if source is None or target is None or source == target:
            self.notes.add("edge with an end that has no id or address to know it by, or from a node to itself, passed over", place)
            return
        try:
            self._out.edge(type_, source, target, place, **properties)
        except KeyError:
            self.notes.add(f"{type_} between kinds that it does not join ({source[0]}, {target[0]}), passed over", place)

    def _remote(self, kind: str, start: Item, end: Item, place: str) -> None:
        type_, via = _REMOTE[kind]
        if end.node is None or end.node[0] != "Server":
            self._state("ADMIN_TO", None, None, place)
            return
        host = identity.host(end.text("dnshostname", "name")) or end.id.casefold()
        service = ("Service", f"service:{type_}/{host}")
        if service not in self._said:
            self._said.add(service)
            self._out.node("Service", service[1], place, name=host, type=type_)
            self._out.edge("HOSTS", end.node, service, place, basis=kind)
        self._state("SIGNS_IN_TO", start.node, service, place, via=via, basis=kind)

    def _folder_right(self, start: Item, end: Item, properties: Json, place: str) -> None:
        owner = self._folders.get(end.id)
        rights = properties.get("accessrights") or properties.get("rights") or properties.get("permission")
        said = [str(right) for right in rights] if isinstance(rights, list) else re.split(r"[,;]\s*", rights) if isinstance(rights, str) else []
        if owner is None:
            self.notes.add("right on a folder whose mailbox is not told (ContainsFolder), passed over", place)
        elif said and not {right.strip(" {}").casefold() for right in said} & _READING:
            self.notes.add("right on a folder that does not read it (None, AvailabilityOnly, LimitedDetails …), passed over", place)
        else:
            path = "/" + end.text(*_FOLDERS).partition(":\\")[2].replace("\\", "/").strip("/") if ":\\" in end.text(*_FOLDERS) else end.text(*_FOLDERS).replace("\\", "/")
            self._state("FOLDER_RIGHT", self._holder(start, owner, place), owner.node, place, folder=path if path.startswith("/") else f"/{path}", rights=", ".join(said) or None)
            self._counts.setdefault("folder rights", set()).add(owner.id)

    def _holder(self, start: Item, mailbox: Item, place: str) -> Node | None:
        """Who holds a right; `Default` and `Anonymous` are everyone, as a group of the mailbox's organisation."""
        name = start.text("displayname", "name").casefold()
        if start.kind != "ExchangePermissionPrincipal" or name not in _EVERYONE or mailbox.node is None:
            return start.node
        domain = identity.registrable(identity.domain_of(mailbox.node[1].partition(":")[2]))
        return self._who.group(f"{name}/{domain}", place, "security", title=_EVERYONE[name])

    def _copies(self, rule: Item, target: Item, properties: Json, place: str) -> None:
        """A transport rule and whom it affects: a copy only where an action says so, or where the target is an address outside."""
        said = " ".join(value for name, value in properties.items() if isinstance(value, str) and ("action" in name or "type" in name or "parameter" in name))
        address = identity.address(target.text(*_ADDRESSES)) if target.node and target.node[0] != "Correspondent" else None
        goes = ("Correspondent", identity.smtp_key(address)) if address else target.node
        if not (_COPYING.search(said) if said else target.kind == "ExchangeTransportEndpoint"):
            self.notes.add("recipient of a transport rule's condition, to whom nothing is copied, passed over", place)
        elif rule.properties.get("enabled") is False or rule.text("state").casefold() == "disabled":
            self.notes.add("target of a transport rule that is disabled, passed over", place)
        else:
            keeps = not re.search("redirect", said, re.IGNORECASE) if said else None
            self._state("FORWARDS_TO", rule.node, goes if goes and goes[0] == "Correspondent" else None, place, keeps_copy=keeps)

    # --- at the end ---

    def finish(self) -> None:
        """State what the organisation's name was needed for, coverage and notes."""
        domain = self._who.main_domain()
        if domain:
            self._who.host_all(domain)
        for start, role, place in self._roles:
            self._role(start, role, domain, place)
        self._rights.finish()
        for word, keys in sorted(self._counts.items()):
            self._out.coverage(word, collected=len(keys))
        for part in ("nodes", "edges"):
            named = [f"{kind} ({count:,})" for (of, kind), count in sorted(self._left.items()) if of == part]
            if named:
                more = f", and {len(named) - _NAMED:,} kinds more" if len(named) > _NAMED else ""
                self._out.note(f"nothing is taken from {part} of kind {', '.join(named[:_NAMED])}{more}")
        self.notes.tell(self._out)
        self._out.flush()
        for held in (self._items, self._matched, self._folders):  # else all of it waits for the collector, as this and its parts know each other
            held.clear()

    def _role(self, start: Item, role: Item, domain: str | None, place: str) -> None:
        name = role.text("displayname", "name") or role.id
        node = ("Role", f"role:exchange/{name.casefold()}@{domain or 'organisation'}")
        if node not in self._said:
            self._said.add(node)
            self._out.node("Role", node[1], place, name=name, system="exchange")
            self._counts.setdefault("exchange administrators", set()).add(node[1])
            if name.casefold() in _ADMIN_ROLES and domain:
                self._out.edge("ADMIN_TO", node, self._who.mail_system(domain, place), place, via="exchange role", basis=name)
        self._state("HAS_ROLE", start.node, node, place, basis="role assignment")


@lru_cache(maxsize=4096)
def _is_taken(kind: str) -> bool:
    return kind in _KNOWN_EDGES or is_right(kind)


def _principal_node(item: Item, label: str) -> Node | None:
    item.sid = sid = identity.sid(item.id)
    stated = "" if sid else item.text("objectid", "objectsid", "object_sid", "sid")
    if sid := sid or identity.sid(stated):
        return (label, identity.ad_key(sid)) if label != "App" else None
    guid = next((text for text in (item.text("appid") if label == "App" else "", item.id, stated) if _GUID.match(text)), "").lower()
    if guid and label in ("Account", "Group", "App"):
        return label, {"Account": "entra", "Group": "group", "App": "app"}[label] + f":{guid}"
    return None


def _name_of(key: str, value: Any) -> Any:
    """What a property is matched by: a name without regard to case, as BloodHound keeps all names in capitals."""
    return value.casefold() if key == "name" and isinstance(value, str) else value


def _stranger(id_: str, kind: str) -> Item | None:
    """An end that is no node of this file: a SID is known elsewhere: a domain's, else taken for an account's until its directory says what it is."""
    sid, container = identity.sid(id_), container_node(id_)
    if container and (sid or kind in CONTAINERS):
        return Item(id_, kind or None, (), {}, container)
    return Item(id_, None, (), {}, (PRINCIPALS.get(kind, "Account"), identity.ad_key(sid))) if sid else None
