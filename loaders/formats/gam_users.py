"""GAM `print users` CSV, and the users the admin console downloads: the accounts of a Google Workspace (formats.md 8; GAM's documentation).

Claims a header with `primaryEmail` and one of `name.fullName`, `suspended`, `orgUnitPath`, `isAdmin`, `aliases.0`; or the console's `Email Address
[Required]` with `Org Unit Path [Required]`.

Yields Account `account:<primaryEmail>` (name, enabled unless `suspended`, `creationTime`), HAS_ADDRESS for `aliases.*` and
`nonEditableAliases.*`, its Mailbox and OWNS (not where `isMailboxSetup` is False), RESETS_BY for `recoveryEmail`, HAS_ROLE super admin for `isAdmin`, whose role is
ADMIN_TO the mail system.

Traps: lists are spread over numbered columns (`aliases.0`, `aliases.1`). `isDelegatedAdmin` says that there is some role, not which: counted.
`primaryEmail` alone is no account list: another column is asked for. The console tells neither aliases nor who is an administrator.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.gam import Gam, indexed
from loaders.reading import Row, header_of
from loaders.recipients import Node

NAME = "gam_users"
TITLE = "Users CSV of Google Workspace (GAM, admin console)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "accounts, aliases, mailboxes, super admins, recovery addresses"

_ROLE = "role:google/super admin"
_CONSOLE = {"primaryemail": "email address [required]", "recoveryemail": "recovery email", "status": "status [read only]"}
_KEPT = ("orgunitpath", "lastlogintime", "isenrolledin2sv", "archived")


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    if "primaryemail" in header and header & {"name.fullname", "suspended", "orgunitpath", "isadmin", "aliases.0"}:
        return Claim(8, "header of GAM's users")
    return Claim(8, "header of the console's users") if header >= {_CONSOLE["primaryemail"], "org unit path [required]"} else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    console = _CONSOLE["primaryemail"] in header_of(source)
    gam = Gam(source, options, out, _CONSOLE["primaryemail"] if console else "primaryemail", dates=("creationtime",))
    admins: list[tuple[Node, str]] = []
    for row in gam.table:
        _user(row, gam, out, admins)
    gam.tally.tell(out)
    domain = gam.domain()
    gam.who.host_all(domain)
    for number, (account, place) in enumerate(admins):
        if number == 0:
            out.node("Role", _ROLE, place, name="super admin", system="google")
            out.edge("ADMIN_TO", ("Role", _ROLE), gam.who.mail_system(domain, place), place, via="admin role", basis="super admin")
        out.edge("HAS_ROLE", account, ("Role", _ROLE), place, basis="isAdmin")
    out.coverage("accounts", domain, collected=len(gam.users))
    out.coverage("mailboxes", domain, collected=sum(gam.who.domains.values()))
    if gam.table.has("isadmin"):
        out.coverage("roles", domain, collected=len(gam.users), note="super admins only")


def _user(row: Row, gam: Gam, out: FactBuffer, admins: list[tuple[Node, str]]) -> None:
    column = "primaryemail" if gam.table.has("primaryemail") else _CONSOLE["primaryemail"]
    address = identity.address(row[column])
    if address is None:
        out.refuse(row.at(column), row.raw(column), "not an address")
        return
    if address in gam.users:
        gam.tally.add("of accounts that stand in the table before")
        return
    gam.users.add(address)
    node = ("Account", identity.account_key(address))
    admin, status = row.flag("isadmin"), row.get(_CONSOLE["status"]).casefold()
    suspended = status in ("suspended", "archived") if status else row.flag("suspended")
    name = row.get("name.fullname") or " ".join(filter(None, (row.get("first name [required]"), row.get("last name [required]"))))
    extra = row.rest(set(gam.table.header) - set(_KEPT))
    out.node(
        "Account", node[1], row.place, name=name or address, type="admin" if admin else "user", email=address,
        enabled=None if suspended is None else not suspended, created=row.date("creationtime"), extra=extra,
    )  # fmt: skip
    gam.who.address(node, address, "primary", row.place, name or None)
    aliases = [alias for name in ("aliases", "noneditablealiases") for text in indexed(row, gam.table, name) if (alias := identity.address(text))]
    mailbox = None
    if row.flag("ismailboxsetup") is not False:
        mailbox = gam.who.mailbox(address, row.place, "user", name or None)
        gam.who.owns(node, mailbox, row.place)
    for alias in aliases:
        for owner in (node, mailbox) if mailbox else (node,):
            gam.who.address(owner, alias, "alias", row.place)
    if recovery := gam.target(row, "recoveryemail") or gam.target(row, _CONSOLE["recoveryemail"]):
        out.edge("RESETS_BY", node, ("Correspondent", identity.smtp_key(recovery)), row.place)
    if admin:
        admins.append((node, row.place))
    elif row.flag("isdelegatedadmin"):
        gam.tally.add("of administrators whose role the table does not say (isDelegatedAdmin)")
