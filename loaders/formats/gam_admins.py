"""GAM `print admins` CSV: who holds which administrative role of a Google Workspace (formats.md 8; GAM's documentation, "Administrators").

Claims a header with `roleAssignmentId` and `assignedToUser`.

Yields Role `role:google/<name>` and HAS_ROLE from the Account (`assignedToUser`, `assignedToServiceAccount`) or the Group (`assignedToGroup`); the super
admin's role is ADMIN_TO the mail system.

Traps: `_SEED_ADMIN_ROLE` is the super admin; a role of the organisation's own keeps its name. A role over one organisational unit (`scopeType` ORG_UNIT) is
a part of what its name says: kept, and said in `basis`. Holders that are known by a number alone (deleted accounts, `assignedToUnknown`) are counted.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.gam import Gam
from loaders.google_events import SUPER, role_name
from loaders.reading import Row, header_of
from loaders.recipients import Node

NAME = "gam_admins"
TITLE = "GAM admins CSV (Google Workspace)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "administrative roles and who holds them"


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    return Claim(8, "header of GAM's admins") if header_of(source) >= {"roleassignmentid", "assignedtouser"} else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    gam = Gam(source, options, out, "role", "assignedtouser")
    roles: dict[str, str] = {}
    for row in gam.table:
        name, holder = role_name(row["role"]), _holder(row, gam)
        if not name or holder is None:
            gam.tally.add("whose holder is known by a number alone" if name else "without the name of a role: ask GAM for it")
            continue
        if holder[0] == "Account":
            gam.who.domains[identity.registrable(identity.domain_of(holder[1].removeprefix("account:")))] += 1
        role = ("Role", f"role:google/{name}")
        if name not in roles:
            roles[name] = row.place
            out.node("Role", role[1], row.place, name=name, system="google")
        unit = row.get("orgunit") if row.get("scopetype").casefold() == "org_unit" else ""
        out.edge("HAS_ROLE", holder, role, row.place, basis=f"over {unit}" if unit else row["role"], record=row.get("roleassignmentid") or None)
    gam.tally.tell(out)
    if SUPER in roles:
        place = roles[SUPER]
        out.edge("ADMIN_TO", ("Role", f"role:google/{SUPER}"), gam.who.mail_system(gam.domain(), place), place, via="admin role", basis=SUPER)
    out.coverage("roles", gam.domain(), collected=out.records)


def _holder(row: Row, gam: Gam) -> Node | None:
    """Who is given the role; None where the table has no address of it."""
    if group := gam.target(row, "assignedtogroup"):
        return gam.who.group(group, row.place, "mailing list", address=group)
    if service := gam.target(row, "assignedtoserviceaccount"):
        return gam.who.account(service, row.place, type_="service")
    user = gam.target(row, "assignedtouser")
    return gam.who.account(user, row.place) if user else None
