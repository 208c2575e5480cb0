"""Entries of a directory as LDAP shows them, as facts: what loaders/formats/ldif.py and pyldapsearch.py read (formats.md 5).

    entries = Entries(out, options)
    entries.add(dn, {"objectclass": ["user"], "mail": ["a@x.example"], …}, place) …
    entries.finish()

Attribute names are in lower case, without options; `objectsid` is text. An entry with a SID goes the same way as SharpHound's objects do
(loaders/sharphound_objects.py); one without (OpenLDAP) is known by its mail address, else by its uid. Members are named by their DN, so they
are stated when all entries are known; one whose entry this source lacks is stated by its DN (`dn:…`), which the entry of another load
explains (graphmodel/resolve.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphmodel import identity
from loaders import dates
from loaders.base import FactBuffer, Options
from loaders.ldap_names import domain_of, fold_dn
from loaders.recipients import Node, Recipients
from loaders.sharphound_objects import Directory

Attributes = dict[str, list[str]]

WANTED = frozenset((
    "objectclass", "objectsid", "objectguid", "distinguishedname", "cn", "name", "uid", "samaccountname", "userprincipalname", "displayname", "mail",
    "proxyaddresses", "mailalternateaddress", "mailnickname", "memberof", "member", "uniquemember", "memberuid", "primarygroupid",
    "useraccountcontrol", "admincount", "serviceprincipalname", "dnshostname", "operatingsystem", "pwdlastset", "whencreated", "createtimestamp",
    "title", "department", "co", "c", "ou", "grouptype", "isdeleted", "publicdelegates", "msexchdelegatelistlink", "altrecipient", "deliverandredirect",
    "targetaddress", "legacyexchangedn",
))  # fmt: skip
"""What is read of an entry. userPassword, unicodePwd, info, description and all else never leave the reader of a file."""

_USER, _GROUP, _COMPUTER = "users", "groups", "computers"
_LABELS = {_USER: "Account", _GROUP: "Group", _COMPUTER: "Server"}
_TYPES = {_USER: "User", _GROUP: "Group", _COMPUTER: "Computer"}
_PEOPLE = {"person", "inetorgperson", "organizationalperson", "posixaccount", "account", "mailuser", "mailaccount", "qmailuser"}
_GROUPS = {"group", "groupofnames", "groupofuniquenames", "posixgroup", "mailgroup", "groupofmembers"}
_SERVICE_ACCOUNTS = {"msds-groupmanagedserviceaccount", "msds-managedserviceaccount"}
_DISABLED = 2


@dataclass
class _Group:
    """A group that waits until all members are known. `sid`: None outside Active Directory."""

    node: Node
    sid: str | None
    place: str
    members: list[str] = field(default_factory=list)
    object: dict[str, Any] = field(default_factory=dict)


class Entries:
    """States the entries of one source in `out`."""

    def __init__(self, out: FactBuffer, options: Options) -> None:
        self._out, self._now = out, options.now
        self._directory, self._who = Directory(out, options.now), Recipients(out)
        self.notes = self._directory.notes
        self._known: dict[str, tuple[str, Node, str | None]] = {}  # folded DN -> type, node, SID
        self._uids: dict[str, Node] = {}
        self._groups: list[_Group] = []
        self._memberships: list[tuple[str, str]] = []  # folded DNs: member, group
        self._rights: list[tuple[str, str, str, str, str]] = []  # kind, folded DN of the mailbox, address, folded DN of the other, place
        self._addresses: dict[str, str] = {}  # folded DN -> address, of all that mail can be forwarded to
        self._plain: set[str] = set()
        self._passed: set[str] = set()  # folded DNs of entries that are none of these kinds

    def add(self, dn: str, entry: Attributes, place: str) -> None:
        """Take one entry; one that is no account, group or computer is counted."""
        classes = {value.casefold() for value in entry.get("objectclass", ())}
        type_ = _type(classes, entry)
        key, sid, domain = fold_dn(dn), identity.sid(_one(entry, "objectsid")), domain_of(dn)
        if "contact" in classes and (outside := identity.address(_one(entry, "targetaddress")) or identity.address(self._primary(entry))):
            self._addresses[key] = outside  # what mail may be forwarded to
            self._contact(entry, outside, place)
        if type_ is None or _one(entry, "isdeleted").casefold() == "true":
            self._passed.add(key)
            self.notes.add("entry that is no account, group or computer, or was deleted, passed over", place)
            return
        if sid and sid.startswith("S-1-5-32-") and domain:
            sid = f"{domain.upper()}-{sid}"
        if sid:
            node = (_LABELS[type_], identity.ad_key(sid))
            self._with_sid(type_, dn, entry, place, sid, domain)
        else:
            found = self._without_sid(type_, entry, place, domain, key)
            if found is None:
                self._passed.add(key)
                return
            node = found
        self._known[key] = (type_, node, sid)
        self._memberships += [(key, fold_dn(group)) for group in entry.get("memberof", ())]
        self._exchange(key, entry, node, place)

    def node_of(self, dn: str) -> Node | None:
        """What an entry that was added became; None where it became nothing."""
        known = self._known.get(fold_dn(dn))
        return known[1] if known else None

    def finish(self) -> None:
        """State groups with their members, delegates and forwarding, coverage and notes."""
        for group in self._groups:
            if group.sid:
                group.object["Members"] = [self._member_object(dn, group.place) for dn in group.members]
                group.object["Members"] = [found for found in group.object["Members"] if found]
                self._directory.take(_GROUP, group.object, group.place, None)
                self._elsewhere(group)
            else:
                self._plain_members(group)
        self._backlinks()
        for right in self._rights:
            self._right(*right)
        self._directory.finish()
        for what in sorted(self._plain):
            self._out.coverage(what, collected=sum(1 for _, node, sid in self._known.values() if not sid and _WORDS[node[0]] == what))

    # --- Active Directory ---

    def _with_sid(self, type_: str, dn: str, entry: Attributes, place: str, sid: str, domain: str) -> None:
        control, mail = _number(entry, "useraccountcontrol"), self._primary(entry)
        names = entry.get("serviceprincipalname", [])
        properties: dict[str, Any] = {
            "domain": domain, "distinguishedname": dn.upper(), "dn": fold_dn(dn), "samaccountname": _one(entry, "samaccountname"), "name": _name(type_, entry),
            "displayname": _one(entry, "displayname"), "email": mail, "userprincipalname": _one(entry, "userprincipalname"), "title": _one(entry, "title"),
            "enabled": None if control is None else not control & _DISABLED, "admincount": _one(entry, "admincount") == "1", "serviceprincipalnames": names,
            "hasspn": bool(names), "gmsa": any(value.casefold() in _SERVICE_ACCOUNTS for value in entry.get("objectclass", ())), "operatingsystem": _one(entry, "operatingsystem"), "pwdlastset": _number(entry, "pwdlastset"),
            "whencreated": self._time(_one(entry, "whencreated"), place),
        }  # fmt: skip
        primary = _number(entry, "primarygroupid")
        found = {"ObjectIdentifier": sid, "Properties": properties, "PrimaryGroupSID": f"{sid.rpartition('-')[0]}-{primary}" if primary else None}
        node = (_LABELS[type_], identity.ad_key(sid))
        if type_ == _GROUP:
            self._groups.append(_Group(node, sid, place, _members(entry), found))
            self._group_address(entry, node, place)
            return
        self._directory.take(type_, found, place, None)
        if type_ == _USER:
            self._more_of(entry, node, mail, place)

    def _more_of(self, entry: Attributes, node: Node, mail: str, place: str) -> None:
        """What SharpHound does not collect of a user."""
        extra = {name: _one(entry, column) for name, column in (("department", "department"), ("country", "c"))}
        if any(extra.values()):
            self._out.node("Account", node[1], place, **{name: text for name, text in extra.items() if text})
        self._also_known(node, entry, identity.address(mail), place)

    def _group_address(self, entry: Attributes, node: Node, place: str) -> None:
        address = identity.address(self._primary(entry))
        kind = _number(entry, "grouptype")
        type_ = None if kind is None else "security" if kind & 0x80000000 else "distribution"
        if address or type_ == "distribution":
            self._out.node("Group", node[1], place, address=address, type=type_ if address else None)
        if address:
            self._who.address(node, address, "primary", place)
        self._also_known(node, entry, address, place)

    def _member_object(self, dn: str, place: str) -> dict[str, str] | None:
        known = self._known.get(fold_dn(dn))
        if known and known[2]:
            return {"ObjectIdentifier": known[2], "ObjectType": _TYPES[known[0]]}
        return None

    def _elsewhere(self, group: _Group) -> None:
        """Members whose entries this source lacks: by their names, for another load to explain."""
        for dn in group.members:
            key = fold_dn(dn)
            if key not in self._known and not self._passed_over(key, group.place):
                self._out.edge("MEMBER_OF", ("Account", f"dn:{key}"), group.node, group.place)

    def _passed_over(self, key: str, place: str) -> bool:
        """Whether an entry is no account, group or computer; else it is counted as one of another file."""
        if key in self._passed:
            self.notes.add("member that is a contact, was deleted or is of no known kind, passed over", place)
            return True
        self.notes.add("member or group whose own entry is not in this file, kept by its name: load the file that has it too", place)
        return False

    def _backlinks(self) -> None:
        """Memberships that only the member's entry tells: a group's own list is cut at 1,500, or the group was not asked for its members."""
        told = {(fold_dn(dn), group.node[1]) for group in self._groups for dn in group.members}
        for member, group in self._memberships:
            known, of = self._known.get(member), self._known.get(group)
            if of is None and known and not self._passed_over(group, f"memberOf of {member}"):
                self._out.edge("MEMBER_OF", known[1], ("Group", f"dn:{group}"), f"memberOf of {member}")
            elif of is None or of[0] != _GROUP:
                continue
            elif known and (member, of[1][1]) not in told:
                self._out.edge("MEMBER_OF", known[1], of[1], f"memberOf of {member}")

    # --- other directories ---

    def _without_sid(self, type_: str, entry: Attributes, place: str, domain: str, dn: str) -> Node | None:
        mail = identity.address(self._primary(entry))
        uid = _one(entry, "uid") or _one(entry, "samaccountname")
        name = _one(entry, "displayname") or _one(entry, "cn") or uid
        if type_ == _COMPUTER:
            return self._host(entry, place, dn)
        if not mail and not name:
            self._out.refuse(place, "", "an entry without mail, uid or cn")
            return None
        self._plain.add(_WORDS[_LABELS[type_]])
        if type_ == _GROUP:
            node = ("Group", identity.group_key(mail or (f"{name}@{domain}" if domain else name)))
            self._out.node("Group", node[1], place, name=name or mail, address=mail, domain=domain or None, dn=dn)
            if mail:
                self._who.address(node, mail, "primary", place)
            self._also_known(node, entry, mail, place)
            members = entry.get("memberuid", [])
            self._groups.append(_Group(node, None, place, _members(entry), {"uids": members}))
            return node
        node = ("Account", identity.account_key(mail or f"{uid or name}@{domain}"))
        self._out.node(
            "Account", node[1], place, name=name or mail, type="user", email=mail, sam=uid or None, domain=domain or None,
            department=_one(entry, "department") or _one(entry, "ou") or None, title=_one(entry, "title") or None,
            created=self._time(_one(entry, "createtimestamp"), place), dn=dn,
        )  # fmt: skip
        if uid:
            self._uids[uid.casefold()] = node
        if mail:
            self._mailbox(node, mail, name, domain, place)
        self._also_known(node, entry, mail, place)
        return node

    def _mailbox(self, node: Node, mail: str, name: str, domain: str, place: str) -> None:
        self._who.address(node, mail, "mail", place, name or None)
        host = identity.domain_of(mail)
        if {host, identity.registrable(host)} & identity.FREE_MAIL:
            self.notes.add("mail attribute at a public mail provider: no mailbox of the organisation taken from it", place)
            return
        mailbox = ("Mailbox", identity.mailbox_key(mail))
        self._out.node("Mailbox", mailbox[1], place, name=name or mail, type="user", address=mail, basis="mail attribute")
        self._out.edge("OWNS", node, mailbox, place, basis="mail attribute")
        self._who.address(mailbox, mail, "mail", place)
        if domain:
            self._out.edge("HOSTS", self._who.mail_system(domain, place), mailbox, place, basis="mail attribute of a user of this domain")

    def _host(self, entry: Attributes, place: str, dn: str) -> Node | None:
        name = identity.host(_one(entry, "dnshostname") or _one(entry, "cn"))
        if not name:
            self._out.refuse(place, _one(entry, "cn"), "a computer without a SID or a host name")
            return None
        self._plain.add("servers")
        os = _one(entry, "operatingsystem") or None
        self._out.node("Server", identity.host_key(name), place, name=name, fqdn=name if "." in name else None, os=os, dn=dn)
        return "Server", identity.host_key(name)

    def _plain_members(self, group: _Group) -> None:
        found = [(dn, known[1]) for dn in group.members if (known := self._known.get(fold_dn(dn)))]
        for _, node in found:
            self._out.edge("MEMBER_OF", node, group.node, group.place)
        uids = [self._uids.get(uid.casefold()) for uid in group.object["uids"]]
        for node in dict.fromkeys(node for node in uids if node):
            self._out.edge("MEMBER_OF", node, group.node, group.place)
        self._elsewhere(group)
        for _ in range(uids.count(None)):
            self.notes.add("memberUid of which this file has no entry, passed over: export both into one", group.place)

    # --- what Exchange keeps in the directory ---

    def _exchange(self, key: str, entry: Attributes, node: Node, place: str) -> None:
        address = identity.address(self._primary(entry))
        if address:
            self._addresses[key] = address
        if node[0] != "Account" or not address:
            return
        for kind in ("publicdelegates", "msexchdelegatelistlink", "altrecipient"):
            self._rights += [(kind, _one(entry, "deliverandredirect").casefold(), address, fold_dn(dn), place) for dn in entry.get(kind, ())]

    def _right(self, kind: str, keeps: str, address: str, other: str, place: str) -> None:
        mailbox, known, target = ("Mailbox", identity.mailbox_key(address)), self._known.get(other), self._addresses.get(other)
        if kind == "altrecipient" and target:
            self._who.forwarding(mailbox, address, target, place, keeps_copy=keeps == "true")
        elif kind != "altrecipient" and (holder := known[1] if known else ("Account", f"dn:{other}"))[0] != "Server" and other not in self._passed:
            if known is None:
                self.notes.add("delegate whose own entry is not in this file, kept by its name: load the file that has it too", place)
            if kind == "publicdelegates":
                self._out.edge("SEND_ON_BEHALF", holder, mailbox, place, basis="publicDelegates")
            else:
                self._out.edge("FULL_ACCESS", holder, mailbox, place, basis="msExchDelegateListLink", inherited=False)
        else:
            self.notes.add("delegate or forwarding target whose own entry is not in this file or has no address, passed over: export both into one", place)

    def _contact(self, entry: Attributes, outside: str, place: str) -> None:
        """Somebody outside whom the directory lists: rules may name them by the directory's own name."""
        for text in (_one(entry, "legacyexchangedn"), *entry.get("proxyaddresses", ())):
            if dn := identity.exchange_dn(text):
                ends = [("Correspondent", identity.correspondent_key(name)) for name in (outside, dn)]
                self._out.edge("SAME_IDENTITY", ends[0], ends[1], place, reason="address and legacyExchangeDN of one contact")

    # --- what they share ---

    def _primary(self, entry: Attributes) -> str:
        """The mail attribute, else the primary of proxyAddresses (`SMTP:` in capitals)."""
        if mail := _one(entry, "mail"):
            return mail
        return next((value[5:].strip() for value in entry.get("proxyaddresses", ()) if value.startswith("SMTP:")), "")

    def _aliases(self, entry: Attributes) -> set[str]:
        values = [value for value in entry.get("proxyaddresses", ()) if value[:5].casefold() == "smtp:"]
        # Of several mail values the first is the one that is used.
        return {found for value in (*values, *entry.get("mailalternateaddress", ()), *entry.get("mail", ())[1:]) if (found := identity.address(value))}

    def _also_known(self, node: Node, entry: Attributes, address: str | None, place: str) -> None:
        """Further addresses, of the account or group and of the mailbox whose primary one is `address`; those of X.500 among them."""
        for text in (_one(entry, "legacyexchangedn"), *(value for value in entry.get("proxyaddresses", ()) if value[:5].casefold() == "x500:")):
            self._who.known_as(node, text, place)
            if address and node[0] == "Account":
                self._who.known_as(("Mailbox", identity.mailbox_key(address)), text, place)
        for alias in sorted(self._aliases(entry) - {address}):
            self._who.address(node, alias, "alias", place)
            if address and node[0] == "Account":
                self._who.address(("Mailbox", identity.mailbox_key(address)), alias, "alias", place)

    def _time(self, text: str, place: str) -> int | None:
        if not text:
            return None
        try:
            return dates.moment(text, None, self._now)
        except dates.BadDate:
            self.notes.add("whenCreated that cannot be believed, taken as unknown", place)
            return None


_WORDS = {"Account": "accounts", "Group": "groups", "Server": "servers"}


def _type(classes: set[str], entry: Attributes) -> str | None:
    if "computer" in classes:
        return _COMPUTER
    if classes & _GROUPS:
        return _GROUP
    if "contact" in classes or "foreignsecurityprincipal" in classes:
        return None
    if classes & (_PEOPLE | {"user"} | _SERVICE_ACCOUNTS):
        return _USER
    # A search that asked for few attributes: the name tells.
    if not classes and "samaccountname" in entry and "objectsid" in entry:
        return _COMPUTER if "dnshostname" in entry or entry["samaccountname"][0].endswith("$") else _GROUP if "member" in entry else _USER
    return None


def _members(entry: Attributes) -> list[str]:
    return list(_unique(entry.get("member", []) + entry.get("uniquemember", [])))


def _unique(values: list[str]) -> Iterator[str]:
    yield from dict.fromkeys(value for value in values if value)


def _one(entry: Attributes, name: str) -> str:
    values = entry.get(name)
    return values[0].strip() if values else ""


def _name(type_: str, entry: Attributes) -> str:
    if type_ == _COMPUTER:
        return _one(entry, "dnshostname") or _one(entry, "name") or _one(entry, "cn")
    return _one(entry, "samaccountname") or _one(entry, "cn") or _one(entry, "name")


def _number(entry: Attributes, name: str) -> int | None:
    text = _one(entry, name)
    return int(text) if re.fullmatch(r"-?\d{1,19}", text) else None
