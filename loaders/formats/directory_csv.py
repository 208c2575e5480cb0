r"""Active Directory as CSV: `csvde`, and `Get-ADUser`, `Get-ADGroup`, `Get-ADComputer | Export-Csv` (formats.md 5).

Claims a header with `DN` or `distinguishedName`, and objectClass, or sAMAccountName with a SID.

Yields what ldif says of the same entries, as far as there are columns for it: Account, Group and Server, MEMBER_OF, addresses, Mailbox, delegates.

Traps: csvde joins several values by `;` and writes a binary SID as `X'0105…'`. PowerShell writes the name of a type instead of a list
(`MemberOf`), which is unknown, not empty; `Enabled` stands in for userAccountControl, EmailAddress for mail, SID for objectSid. Of objectClass only
the last is told. An entry without a SID is known by its mail address, as in ldif. Descriptions are not read.
"""

from __future__ import annotations

import re

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.ldap_entries import WANTED, Attributes, Entries
from loaders.ldap_names import sid_text
from loaders.reading import Row, Table, header_of, split_list

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
    names = [name for name in table.header if _RENAMED.get(name, name) in WANTED]
    for row in table:
        if dn := row[column]:
            entries.add(dn, _entry(row, names), row.place)
        else:
            out.refuse(row.at(column), "", "no distinguished name")
    entries.finish()


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
