"""Get-ManagementRoleAssignment CSV: who holds which role of Exchange, such as the one that opens every mailbox to a program (formats.md 3).

Claims a header with `Role`, and `RoleAssignee` or `RoleAssigneeName`, and `RoleAssigneeType`, `EffectiveUserName` or `AssignmentMethod`.

Yields Role, and HAS_ROLE from the Account or the role group that it is assigned to; of ApplicationImpersonation, Mailbox Import Export and Role Management
also ADMIN_TO the mail system, as they let their holder read any mailbox or make himself able to. With `-GetEffectiveUsers` each user of a group
has a row (`EffectiveUserName`), which makes him its member.

Traps: an assignment with a scope (`CustomRecipientWriteScope`, `RecipientAdministrativeUnitScope`) is for a part of the mailboxes: kept as a role of its own,
which opens nothing. Delegating assignments (`RoleAssignmentDelegationType` Delegating…) let give the role, not use it: counted. Policies
(RoleAssignmentPolicy) are what every user may do with his own mailbox: counted. The organisation is told by an address, else by --mailbox.
"""

from __future__ import annotations

from collections import Counter

from graphmodel import identity
from loaders.audit_admin import READING_ROLES
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import ADMIN_ROLE_GROUPS, Node, Recipients, Tally, main_domain

NAME = "get_management_role_assignment"
TITLE = "Get-ManagementRoleAssignment CSV"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "roles of Exchange and who holds them"

_WHO = ("roleassigneename", "roleassignee")
_NARROWED = ("customrecipientwritescope", "recipientadministrativeunitscope", "recipientorganizationalunitscope")


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    ours = "role" in header and header & {*_WHO} and header & {"roleassigneetype", "effectiveusername", "assignmentmethod"}
    return Claim(8, "header of Get-ManagementRoleAssignment") if ours else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows, twice: the first time for the organisation's domain."""
    table, who, tally = Table(source, options, out), Recipients(out), Tally()
    table.require("role")
    domains = Counter(
        identity.registrable(identity.domain_of(found)) for row in table.peek() for name in (*_WHO, "effectiveusername") if (found := identity.address(row.get(name)))
    )
    own = identity.address(options.mailbox or "")
    domain = identity.registrable(identity.domain_of(own)) if own else main_domain(domains) or ""
    said: set[tuple[str, ...]] = set()
    for row in table:
        _row(row, domain, who, tally, out, said)
    tally.tell(out)
    out.coverage("exchange administrators", domain, collected=out.records)


def _row(row: Row, domain: str, who: Recipients, tally: Tally, out: FactBuffer, said: set[tuple[str, ...]]) -> None:
    name, holder, kind = row["role"].rpartition("\\")[2].strip(), row.first(*_WHO), row.get("roleassigneetype").casefold()
    if not name or not holder:
        out.refuse(row.place, name, "no role" if not name else "nobody it is assigned to")
    elif row.flag("enabled") is False or "delegating" in row.get("roleassignmentdelegationtype").casefold():
        tally.add("of assignments that are disabled, or only let give the role to others")
    elif "policy" in kind:
        tally.add("of what every user may do with his own mailbox (RoleAssignmentPolicy)")
    else:
        _assignment(row, name, holder, kind, domain, who, out, said)


def _assignment(row: Row, name: str, holder: str, kind: str, domain: str, who: Recipients, out: FactBuffer, said: set[tuple[str, ...]]) -> None:
    narrowed = any(row.get(column).casefold() not in ("", "organization") for column in _NARROWED)
    role = ("Role", identity.role_key("exchange", f"{name}, narrowed" if narrowed else name, domain))
    if role not in said:
        said.add(role)
        out.node("Role", role[1], row.place, name=f"{name}, narrowed" if narrowed else name, system="exchange")
        if name.casefold() in READING_ROLES and not narrowed:
            out.edge("ADMIN_TO", role, who.mail_system(domain, row.place), row.place, via="exchange role", basis=name)
    is_group = "group" in kind or holder.casefold() in ADMIN_ROLE_GROUPS
    node: Node = who.role_group(holder, domain, row.place) if is_group else who.trustee(holder, row.place)
    if (*role, *node) not in said:
        said.add((*role, *node))
        out.edge("HAS_ROLE", node, role, row.place, basis="role assignment")
    user = row.get("effectiveusername")
    if is_group and user and user.casefold() not in ("all group members", "all linked group members", holder.casefold()):
        member = who.trustee(user, row.place)
        if ("member", *member, *node) not in said:
            said.add(("member", *member, *node))
            out.edge("MEMBER_OF", member, node, row.place)
