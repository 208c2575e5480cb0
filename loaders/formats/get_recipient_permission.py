r"""Get-RecipientPermission CSV: who may send as whom (formats.md 3).

Claims a header with `Identity`, `Trustee`, `AccessRights`.

Yields SEND_AS from `Trustee` to the mailbox of `Identity` (or of an added `PrimarySmtpAddress` column).

Traps: `NT AUTHORITY\SELF`, inherited and Deny rows are no rights. `Identity` is often an alias or a display name: the mailbox is
then known by that name only. A recipient may be a distribution list; the export does not say, so it is taken as a mailbox.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.rights_columns import Rights

NAME = "get_recipient_permission"
TITLE = "Get-RecipientPermission CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "send as"

_REQUIRED = ("identity", "trustee", "accessrights")
_SAID = ("accessrights", "accesscontroltype", "isinherited", "inherited")


def detect(source: Source) -> Claim | None:
    """Claim the header of Get-RecipientPermission."""
    header = header_of(source)
    if set(_REQUIRED) <= header:
        return Claim(7, "header of Get-RecipientPermission")
    return Claim(5, "Trustee and AccessControlType") if {"trustee", "accesscontroltype"} <= header else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows, many at once."""
    table = Table(source, options, out)
    table.require(*_REQUIRED)
    rights = Rights(table, out, ("primarysmtpaddress", "identity"), "trustee", _SAID, _why, "SEND_AS", "SendAs")
    rights.read()
    named = sum(1 for key in rights.mailboxes if "@" not in key)
    if named:
        out.note(f"recipients known by a name only, as Identity is no address: {named:,}; add a PrimarySmtpAddress column to the export")
    out.coverage("send rights", collected=len(rights.mailboxes), note="send as only")


def _why(row: Row) -> str | None:
    """Why a row says nothing."""
    if row.get("accesscontroltype").casefold() == "deny":
        return "with Deny, which is no right"
    if row.flag("inherited") or row.flag("isinherited"):
        return "with inherited rights"
    return None if "sendas" in {right.casefold() for right in row.list("accessrights")} else "without SendAs"
