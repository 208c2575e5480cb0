"""GAM `print group-members` CSV: who is in which Google group (formats.md 8; GAM's own documentation).

Claims a header with `group`, `email` and two of `role`, `type`, `status`.

Yields Group `group:<address>`, and MEMBER_OF from the member's Account, or Group where `type` is GROUP.

Traps: an address of another domain is a member all the same; `type` CUSTOMER is everybody in the organisation and has no address: counted. Suspended
members get no mail, and hold no right while they are: counted. Empty groups leave no row.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.gam import Gam
from loaders.reading import header_of

NAME = "gam_group_members"
TITLE = "GAM group members CSV (Google Workspace)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "members of groups"


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    return Claim(7, "header of GAM's group members") if header >= {"group", "email"} and len(header & {"role", "type", "status"}) >= 2 else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    gam = Gam(source, options, out, "group", "email")
    groups: set[str] = set()
    for row in gam.table:
        if row.get("type").casefold() == "customer":
            gam.tally.add("of a group whose members are the whole organisation, whom the table does not name")
            continue
        group, member = gam.target(row, "group"), gam.target(row, "email")
        if not group or not member:
            if not row["group"] or not row["email"]:
                out.refuse(row.place, row["group"], "no group" if not row["group"] else "the member has no address")
            continue
        groups.add(group)
        if row.get("status").casefold() == "suspended":
            gam.tally.add("of suspended members, who hold no right")
            continue
        node = gam.who.group(group, row.place, "mailing list", address=group)
        if row.get("type").casefold() == "group":
            out.edge("MEMBER_OF", gam.who.group(member, row.place, "mailing list", address=member), node, row.place)
        else:
            out.edge("MEMBER_OF", gam.who.account(member, row.place, row.get("name") or None), node, row.place)
    gam.tally.tell(out)
    out.coverage("groups", collected=len(groups), note="groups without members leave no row")
