"""Get-DistributionGroupMember, Get-UnifiedGroupLinks and Get-RoleGroupMember CSV with an added column for the group: who is in which list (formats.md 3).

Claims a header with a column that names a group (`Group`, `GroupName`, `DistributionGroup`, `GroupPrimarySmtpAddress` …) and the
columns of recipients (`PrimarySmtpAddress`, `RecipientType` or `RecipientTypeDetails`).

Yields MEMBER_OF from the member's Account, or Group where the member is one itself, to the Group (by its address where a column has
it); a mail contact outside only gets the group's mail: FORWARDS_TO. A role group (`RoleGroup`) is one of the mail system, and what it lets its
members do is said as well.

Traps: the plain output of the cmdlet lacks the group, and cannot be told from a list of recipients: the column has to be added. Dynamic
groups have no members here. A member without an address is refused. An empty group leaves no row.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients, group_type, recipient_details

NAME = "get_distribution_group_member"
TITLE = "Get-DistributionGroupMember CSV with a group column"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "members of distribution lists"

_ADDRESSES = ("groupprimarysmtpaddress", "group primary smtp address", "groupemail", "group email", "groupaddress", "group address", "groupsmtp")
_ROLE_GROUPS = ("rolegroup", "role group", "rolegroupname")
_NAMES = ("group", "groupname", "group name", "distributiongroup", "distribution group", "groupidentity", "groupdisplayname", "distributiongroupname")
_MEMBERS = ("primarysmtpaddress", "windowsliveid", "externalemailaddress")
_TYPES = ("recipienttypedetails", "recipienttype")


def detect(source: Source) -> Claim | None:
    """Claim recipients with a column for the group."""
    header = header_of(source)
    if header & {*_ADDRESSES, *_NAMES, *_ROLE_GROUPS} and "primarysmtpaddress" in header and header & set(_TYPES):
        return Claim(7, "members with a column for their group")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out)
    table.require("primarysmtpaddress")
    who = Recipients(out)
    groups: set[str] = set()
    for row in table:
        _member(row, who, out, groups)
    out.coverage("groups", collected=len(groups), note="groups without members leave no row")


def _member(row: Row, who: Recipients, out: FactBuffer, groups: set[str]) -> None:
    name = row.first(*_ROLE_GROUPS, *_NAMES)
    address = identity.address(row.first(*_ADDRESSES)) or identity.address(name)
    if not (address or name):
        out.refuse(row.place, row["primarysmtpaddress"], "the row names no group")
        return
    member = identity.address(row.first(*_MEMBERS))
    if row.first(*_ROLE_GROUPS) and member:
        group = who.role_group(name, identity.registrable(identity.domain_of(member)), row.place)
    elif row.first(*_ROLE_GROUPS):
        group = ("Group", "")  # whose mail system it is of, only its members tell
    else:
        group = who.group(address or name, row.place, "distribution", title=name or None, address=address)
    groups.update([group[1]] if group[1] else [])
    if member is None:
        out.refuse(row.place, row.first("displayname", "name"), "the member has no address")
        return
    _state(row, member, group, who, out)


def _state(row: Row, member: str, group: Node, who: Recipients, out: FactBuffer) -> None:
    kind, title = row.first(*_TYPES), row.first("displayname", "name") or None
    details = recipient_details(kind)
    if found := group_type(kind):
        out.edge("MEMBER_OF", who.group(member, row.place, found, title=title, address=member), group, row.place)
    elif details in ("mailcontact", "mailforestcontact"):
        out.edge("FORWARDS_TO", group, ("Correspondent", identity.smtp_key(member)), row.place)
    else:
        type_ = "guest" if "guest" in details else "user" if details in ("usermailbox", "mailuser", "linkedmailbox") else None
        out.edge("MEMBER_OF", who.account(member, row.place, title, type_), group, row.place)
