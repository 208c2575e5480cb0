r"""Active Directory as CSV: `csvde`, and `Get-ADUser`, `Get-ADGroup`, `Get-ADComputer | Export-Csv` (formats.md 5).

Claims a header with `DN` or `distinguishedName`, and objectClass, or sAMAccountName with a SID.

Yields what ldif says of the same entries, as far as there are columns for it: Account, Group and Server, MEMBER_OF, addresses, Mailbox, delegates.
A column that names a group (`Get-ADGroupMember` with an added `GroupName`) makes each row its member: of the entry where it is a distinguished name,
of a Domain Admins and the like by the number of its SID, else of a group known by its name alone.

Traps: csvde joins several values by `;` and writes a binary SID as `X'0105…'`. PowerShell writes the name of a type instead of a list
(`MemberOf`), which is unknown, not empty; `Enabled` stands in for userAccountControl, EmailAddress for mail, SID for objectSid. Of objectClass only
the last is told. An entry without a SID is known by its mail address, as in ldif. Descriptions are not read.
"""

from __future__ import annotations

import re

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.ldap_entries import WANTED, Attributes, Entries
from loaders.ldap_names import domain_of, sid_text
from loaders.reading import Row, Table, header_of, split_list
from loaders.recipients import Node

NAME = "directory_csv"
TITLE = "Active Directory CSV, csvde or Get-ADUser"
PRIORITY = "later"
SEEN = "not yet seen in the wild"
READS = "accounts, groups, members, servers, addresses, mailboxes, delegates"

_DNS = frozenset(("member", "members", "memberof", "publicdelegates", "msexchdelegatelistlink", "uniquemember"))
_LISTS = frozenset(("objectclass", "serviceprincipalname", "serviceprincipalnames"))
_ADDRESSES = "proxyaddresses"
_RENAMED = {
    "sid": "objectsid", "emailaddress": "mail", "members": "member", "serviceprincipalnames": "serviceprincipalname", "country": "c", "created": "whencreated",
}  # fmt: skip
_GROUPS = ("groupname", "group", "group name", "adgroup", "groupdn", "group dn", "groupsamaccountname")
# Groups of the whole domain, which have its own accounts alone as members: the last number of their SID.
_NUMBERED = {"domain admins": "512", "domain users": "513", "domain guests": "514", "domain computers": "515", "domain controllers": "516",
             "group policy creator owners": "520"}  # fmt: skip
_IS_DN = re.compile(r"CN=.+,DC=", re.IGNORECASE)
_DATES = ("whencreated", "created")
_NEXT_DN = re.compile(r"[;|\r\n]+\s*(?=(?:CN|OU|DC|UID)=)|\s+(?=CN=[^,]*,(?:OU|CN)=)", re.IGNORECASE)
_BINARY = re.compile(r"X'([0-9A-Fa-f]*)'")


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    named = header & {"dn", "distinguishedname"}
    known = "objectclass" in header or ("samaccountname" in header and bool(header & {"sid", "objectsid"}))
    return Claim(7, "columns of a directory's attributes") if named and known else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one; members are stated at the end."""
    table = Table(source, options, out, dates=_DATES)
    column = "dn" if table.has("dn") else "distinguishedname"
    table.require(column)
    entries = Entries(out, options)
    names, by_name = [name for name in table.header if _RENAMED.get(name, name) in WANTED], 0
    for row in table:
        if dn := row[column]:
            group, entry = row.first(*_GROUPS), _entry(row, names)
            if _IS_DN.match(group):
                entry["memberof"] = [*entry.get("memberof", []), group]
            entries.add(dn, entry, row.place)
            if group and not _IS_DN.match(group):
                by_name += _member(entries.node_of(dn), group, domain_of(dn), row.place, out)
        else:
            out.refuse(row.at(column), "", "no distinguished name")
    entries.finish()
    if by_name:
        out.note(f"{by_name:,} {'row' if by_name == 1 else 'rows'} whose group is known by its name alone: load the groups too (Get-ADGroup, LDIF)")


def _member(node: Node | None, group: str, domain: str, place: str, out: FactBuffer) -> bool:
    """State that the row's entry is in the group; whether that is known by its name alone."""
    if node is None or node[0] not in ("Account", "Group", "Server"):
        return False
    sid, number = node[1].removeprefix("ad:"), _NUMBERED.get(group.casefold())
    if number and sid.startswith("S-1-5-21-"):
        out.edge("MEMBER_OF", node, ("Group", identity.ad_key(f"{sid.rpartition('-')[0]}-{number}")), place)
        return False
    named = ("Group", identity.group_key(f"{group}@{domain}" if domain else group))
    out.node("Group", named[1], place, name=group, domain=domain or None)
    out.edge("MEMBER_OF", node, named, place)
    return True


def _entry(row: Row, names: list[str]) -> Attributes:
    entry: Attributes = {}
    for name in names:
        attribute = _RENAMED.get(name, name)
        if attribute in entry or not (text := row[name]):
            continue
        if name in _DATES:
            entry[attribute] = [str(when)] if (when := row.date(name)) is not None else []
        elif attribute == "objectsid":
            entry[attribute] = [sid] if (sid := _sid(text)) else []
        else:
            entry[attribute] = _values(name, text)
    enabled = row.flag("enabled")
    if "useraccountcontrol" not in entry and enabled is not None:
        entry["useraccountcontrol"] = ["512" if enabled else "514"]
    if "objectclass" not in entry and row.first("groupscope", "groupcategory", "grouptype"):
        entry["objectclass"] = ["group"]
    return entry


def _values(name: str, text: str) -> list[str]:
    if name in _DNS:
        return [dn.strip() for dn in _NEXT_DN.split(text) if dn.strip()]
    if name == _ADDRESSES:
        return split_list(text)
    if name in _LISTS:
        return [item.strip() for item in re.split(r"[;,|]", text) if item.strip()]
    return [text]


def _sid(text: str) -> str | None:
    binary = _BINARY.fullmatch(text)
    if binary is None:
        return text
    return sid_text(bytes.fromhex(binary[1])) if len(binary[1]) % 2 == 0 else None
