r"""Get-MailboxPermission CSV: who may open whose mailbox (formats.md 3).

Claims a header with `Identity`, `User`, `AccessRights` and no folder column.

Yields FULL_ACCESS where `AccessRights` has FullAccess, from `User` to the mailbox of `Identity` (or of an added
`PrimarySmtpAddress` or `Mailbox` column).

Traps: the mailbox's own `NT AUTHORITY\SELF`, inherited rights (of administrators; an inherited Deny overrides them) and Deny rows
are no rights, and are counted in notes; ReadPermission does not read mail. `Identity` is often an alias, a display name or a
canonical name: the mailbox is then known by that name only. `S-1-5-21-…` is an account that exists no more, or of another forest.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.rights_columns import Rights

NAME = "get_mailbox_permission"
TITLE = "Get-MailboxPermission CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "full access to mailboxes"

_REQUIRED = ("identity", "user", "accessrights")
_SAID = ("accessrights", "deny", "isinherited", "inherited")


def detect(source: Source) -> Claim | None:
    """Claim the header of Get-MailboxPermission."""
    header = header_of(source)
    if not {"user", "accessrights"} <= header or header & {"foldername", "trustee"}:
        return None
    if "identity" in header:
        return Claim(7, "header of Get-MailboxPermission")
    return Claim(5, "User and AccessRights") if header & {"isinherited", "deny", "inheritancetype"} else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows, many at once."""
    table = Table(source, options, out)
    table.require(*_REQUIRED)
    rights = Rights(table, out, ("primarysmtpaddress", "mailbox", "identity"), "user", _SAID, _why, "FULL_ACCESS", "FullAccess")
    rights.read()
    named = sum(1 for key in rights.mailboxes if "@" not in key)
    if named:
        out.note(f"mailboxes known by a name only, as Identity is no address: {named:,}; add a PrimarySmtpAddress column to the export")
    out.coverage("mailbox rights", collected=len(rights.mailboxes))


def _why(row: Row) -> str | None:
    """Why a row says nothing."""
    if row.flag("deny"):
        return "with Deny, which is no right"
    if row.flag("isinherited") or row.flag("inherited"):
        return "with inherited rights, which an inherited Deny overrides"
    return None if "fullaccess" in {right.casefold() for right in row.list("accessrights")} else "without FullAccess, which read no mail"
