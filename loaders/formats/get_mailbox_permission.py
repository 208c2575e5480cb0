r"""Get-MailboxPermission CSV: who may open whose mailbox (formats.md 3).

Claims a header with `Identity`, `User`, `AccessRights` and no folder column.

Yields FULL_ACCESS where `AccessRights` has FullAccess, from `User` to the mailbox of `Identity` (or of an added
`PrimarySmtpAddress` or `Mailbox` column).

Traps: the mailbox's own `NT AUTHORITY\SELF`, inherited rights (of administrators; an inherited Deny overrides them) and Deny rows
are no rights, and are counted in notes; ReadPermission does not read mail. `Identity` is often an alias, a display name or a
canonical name: the mailbox is then known by that name only. `S-1-5-21-…` is an account that exists no more, or of another forest.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Recipients, Tally, is_nobody

NAME = "get_mailbox_permission"
TITLE = "Get-MailboxPermission CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "full access to mailboxes"

_REQUIRED = ("identity", "user", "accessrights")


def detect(source: Source) -> Claim | None:
    """Claim the header of Get-MailboxPermission."""
    header = header_of(source)
    if not {"user", "accessrights"} <= header or header & {"foldername", "trustee"}:
        return None
    if "identity" in header:
        return Claim(7, "header of Get-MailboxPermission")
    return Claim(5, "User and AccessRights") if header & {"isinherited", "deny", "inheritancetype"} else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out)
    table.require(*_REQUIRED)
    who, tally = Recipients(out), Tally()
    mailboxes: set[str] = set()
    for row in table:
        _right(row, who, out, tally, mailboxes)
    tally.tell(out)
    named = sum(1 for key in mailboxes if "@" not in key)
    if named:
        out.note(f"mailboxes known by a name only, as Identity is no address: {named:,}; add a PrimarySmtpAddress column to the export")
    out.coverage("mailbox rights", collected=len(mailboxes))


def _right(row: Row, who: Recipients, out: FactBuffer, tally: Tally, mailboxes: set[str]) -> None:
    name, user = row.first("primarysmtpaddress", "mailbox", "identity"), row["user"]
    if not name or not user:
        out.refuse(row.place, user or name, f"no {'Identity' if not name else 'User'}")
        return
    mailbox, address = who.mailbox_named(name, row.place)
    mailboxes.add(mailbox[1])
    rights = {right.casefold() for right in row.list("accessrights")}
    if is_nobody(user) or (address and identity.address(user) == address):
        tally.add("on the trustee's own mailbox")
    elif row.flag("deny"):
        tally.add("with Deny, which is no right")
    elif row.flag("isinherited") or row.flag("inherited"):
        tally.add("with inherited rights, which an inherited Deny overrides")
    elif "fullaccess" not in rights:
        tally.add("without FullAccess, which read no mail")
    else:
        out.edge("FULL_ACCESS", who.trustee(user, row.place), mailbox, row.place, basis="FullAccess", inherited=False)
