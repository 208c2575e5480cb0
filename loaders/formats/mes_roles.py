"""Directory roles and who holds them, CSV of Microsoft-Extractor-Suite and Hawk (formats.md 4.3).

Claims `Role`, `UserName` and `UserId` (Get-AllRoleActivity), `RoleName`, `UserPrincipalName` and `AssignmentType` (Get-PIMAssignments), or
`AdminGroupName`, `Members` and `ObjectId` (Hawk's EntraIDAdministrators).

Yields Account `entra:<UserId>` (`upn:<name>` without an id), HAS_ROLE to the Entra role (with the time of an assignment of PIM), and what the role lets its
holders do.

Traps: an assignment that is only eligible gives nothing until it is switched on: counted. One whose `DirectoryScopeId` is not `/` holds for a part of the
tenant: counted. `EndDateTime` may be the word Permanent. Applications that hold roles are left out by the suite; Hawk names groups and applications too,
and writes a row "No Members" for a role that nobody has.
"""

from __future__ import annotations

from collections import Counter

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.entra_apps import Tenant
from loaders.entra_roles import role_name
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node

NAME = "mes_roles"
TITLE = "Directory roles CSV (Microsoft-Extractor-Suite, Hawk)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "who holds which directory role"

_ALL = frozenset(("role", "username", "userid"))
_HAWK = frozenset(("admingroupname", "members", "objectid"))
_KINDS = {"group": "Group", "serviceprincipal": "ServicePrincipal"}
_PIM = frozenset(("rolename", "userprincipalname", "assignmenttype"))


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    if header >= _PIM:
        return Claim(8, "columns of PIM assignments")
    if header >= _HAWK:
        return Claim(8, "columns of Hawk's administrators")
    return Claim(8, "columns of role memberships") if header >= _ALL and header & {"accountenabled", "lastinteractivesignin"} else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one; roles are stated at the end, when the tenant's domain is known."""
    table = Table(source, options, out, dates=("startdatetime", "createddatetime"))
    tenant, domains = Tenant(out, options), Counter[str]()
    held: list[tuple[Node, str, str, dict[str, int | None]]] = []
    for row in table:
        _row(row, tenant, domains, held)
    tenant.default_domain = min(domains, key=lambda domain: (domain.endswith(".onmicrosoft.com"), -domains[domain], domain), default=None)
    for node, role, place, times in held:
        out.edge("HAS_ROLE", node, tenant.say_role(role, place), place, **times)
    tenant.seen["roles"] = len({role for _, role, _, _ in held})
    tenant.seen.pop("users", None)  # those without a role are not in it: no list of accounts
    tenant.finish()


def _row(row: Row, tenant: Tenant, domains: Counter[str], held: list[tuple[Node, str, str, dict[str, int | None]]]) -> None:
    name, upn = role_name(row.first("role", "rolename", "admingroupname")), row.first("username", "userprincipalname", "members")
    if not name:
        tenant.out.refuse(row.place, upn, "the row names no role")
        return
    if row.get("assignmentstatus").casefold() == "eligible" or "eligible" in row.get("assignmenttype").casefold():
        tenant.tally.add("with a role its holder is only eligible for: counted, not taken")
        return
    if row.get("directoryscopeid") not in ("", "/"):
        tenant.tally.add("with a role for a part of the tenant: counted, not taken")
        return
    if kind := row.get("membertype").casefold():
        if kind == "none":
            return
        if kind in _KINDS:
            if principal := tenant.principal(_KINDS[kind], row["objectid"], row.place, {"displayName": upn}):
                tenant.out.node(principal[0], principal[1], row.place, name=upn or None)
                held.append((principal, name, row.place, {}))
            else:
                tenant.out.refuse(row.at("objectid"), upn, "no object id")
            return
    enabled = row.flag("accountenabled")
    node = tenant.user(
        {"id": row.first("userid", "objectid"), "userPrincipalName": upn, "displayName": row.get("displayname"), "department": row.get("department"),
         "jobTitle": row.get("jobtitle"), "accountEnabled": enabled, "createdDateTime": row.date("createddatetime")}, row.place,
    )  # fmt: skip
    if node is None:
        return
    if address := identity.address(upn):
        domains[identity.domain_of(address)] += 1
    until = row.get("enddatetime")
    times = {"valid_from": row.date("startdatetime"), "valid_until": tenant.moment(until, ahead=True) if until[:1].isdigit() else None}
    held.append((node, name, row.place, times))
