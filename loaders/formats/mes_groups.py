"""Groups and group members CSV of Microsoft-Extractor-Suite (Get-Groups, Get-DynamicGroups, Get-GroupMembers; formats.md 3).

Claims a header with `GroupId`, and `MemberId` (members) or `DisplayName` and `MembershipRule` (groups).

Yields Group `group:<GroupId>`, with its address (`Mail`), and SAME_IDENTITY with the group of that address, as Exchange's exports call it; a
Microsoft 365 group (`GroupTypes` Unified) OWNS its mailbox. MEMBER_OF from Account `entra:<MemberId>`, with HAS_ADDRESS
(`UserPrincipalName`, `Email`), or from Group where the member is a group of the same file.

Traps: `AddedDate`, `Permissions` and `GroupCreated` are fillers of the suite, no facts. A member without user principal name and address is a
device, an application or an empty nested group: it is passed over and counted. Groups whose members could not be read, and
groups without members, leave no row. `ProxyAddresses` are joined by `;`.
"""

from __future__ import annotations

import re

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients, Tally

NAME = "mes_groups"
TITLE = "Microsoft-Extractor-Suite groups and group members CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "groups, members, mailboxes of Microsoft 365 groups"

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def detect(source: Source) -> Claim | None:
    """Claim a header of groups or of members."""
    header = header_of(source)
    if {"groupid", "memberid"} <= header:
        return Claim(8, "group members of Microsoft-Extractor-Suite")
    return Claim(8, "groups of Microsoft-Extractor-Suite") if {"groupid", "displayname", "membershiprule"} <= header else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one; members are read twice, for which of them are groups."""
    table = Table(source, options, out)
    table.require("groupid", *(() if table.has("memberid") else ("displayname",)))
    who, tally = Recipients(out), Tally()
    groups: set[str] = set()
    known = {row["groupid"].casefold() for row in table.peek()} if table.has("memberid") else set()
    for row in table:
        guid = row["groupid"].casefold()
        if not _GUID.fullmatch(guid):
            out.refuse(row.at("groupid"), row["groupid"], "not an object id")
            continue
        if table.has("memberid"):
            _member(row, guid, known, who, tally, out)
        else:
            _group(row, guid, who, out)
        groups.add(guid)
    tally.tell(out)
    if table.has("memberid"):
        out.coverage("groups", collected=len(groups), note="groups without members leave no row")
    else:
        out.note("groups without their members: load the members' file too")


def _group(row: Row, guid: str, who: Recipients, out: FactBuffer) -> None:
    group, mail = ("Group", identity.group_key(guid)), identity.address(row.get("mail"))
    unified = "unified" in row.get("grouptypes").casefold()
    type_ = "microsoft365" if unified else "security" if row.flag("securityenabled") else "distribution" if mail else None
    out.node("Group", group[1], row.place, name=row["displayname"] or None, type=type_, address=mail)
    if mail is None:
        return
    who.address(group, mail, "primary", row.place)
    known = who.group(mail, row.place, type_, title=row["displayname"] or None, address=mail)
    out.edge("SAME_IDENTITY", group, known, row.place, reason="mail address of the group")
    if unified:
        who.owns(group, who.mailbox(mail, row.place, "group", row["displayname"] or None), row.place)
    for item in row.list("proxyaddresses"):
        alias = identity.address(item) if item.casefold().startswith("smtp:") else None
        if alias and alias != mail:
            who.address(group, alias, "alias", row.place)


def _member(row: Row, guid: str, known: set[str], who: Recipients, tally: Tally, out: FactBuffer) -> None:
    member = row["memberid"].casefold()
    if not _GUID.fullmatch(member):
        out.refuse(row.at("memberid"), row["memberid"], "not an object id")
        return
    group: Node = ("Group", identity.group_key(guid))
    out.node("Group", group[1], row.place, name=row.get("groupname") or None)
    if member in known:
        out.edge("MEMBER_OF", ("Group", identity.group_key(member)), group, row.place)
        return
    upn, mail = identity.address(row.get("userprincipalname")), identity.address(row.get("email"))
    if upn is None and mail is None:
        tally.add("with a member that is no user (a device, an application or an empty group)")
        return
    account: Node = ("Account", f"entra:{member}")
    if upn:
        type_ = "guest" if "#ext#" in upn else "user"
        out.node("Account", account[1], row.place, name=row.get("displayname") or upn, type=type_, upn=upn, email=mail, object_id=member)
        who.address(account, upn, "upn", row.place)
        if mail:
            who.address(account, mail, "mail", row.place)
    out.edge("MEMBER_OF", account, group, row.place)
