r"""Get-RecipientPermission CSV: who may send as whom (formats.md 3).

Claims a header with `Identity`, `Trustee`, `AccessRights`.

Yields SEND_AS from `Trustee` to the mailbox of `Identity` (or of an added `PrimarySmtpAddress` column).

Traps: `NT AUTHORITY\SELF`, inherited and Deny rows are no rights. `Identity` is often an alias or a display name: the mailbox is
then known by that name only. A recipient may be a distribution list; the export does not say, so it is taken as a mailbox.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Recipients, Tally, is_nobody

NAME = "get_recipient_permission"
TITLE = "Get-RecipientPermission CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "send as"

_REQUIRED = ("identity", "trustee", "accessrights")


def detect(source: Source) -> Claim | None:
    """Claim the header of Get-RecipientPermission."""
    header = header_of(source)
    if set(_REQUIRED) <= header:
        return Claim(7, "header of Get-RecipientPermission")
    return Claim(5, "Trustee and AccessControlType") if {"trustee", "accesscontroltype"} <= header else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out)
    table.require(*_REQUIRED)
    who, tally = Recipients(out), Tally()
    recipients: set[str] = set()
    for row in table:
        _right(row, who, out, tally, recipients)
    tally.tell(out)
    named = sum(1 for key in recipients if "@" not in key)
    if named:
        out.note(f"recipients known by a name only, as Identity is no address: {named:,}; add a PrimarySmtpAddress column to the export")
    out.coverage("send rights", collected=len(recipients), note="send as only")


def _right(row: Row, who: Recipients, out: FactBuffer, tally: Tally, recipients: set[str]) -> None:
    name, trustee = row.first("primarysmtpaddress", "identity"), row["trustee"]
    if not name or not trustee:
        out.refuse(row.place, trustee or name, f"no {'Identity' if not name else 'Trustee'}")
        return
    recipient, address = who.mailbox_named(name, row.place)
    recipients.add(recipient[1])
    rights = {right.casefold() for right in row.list("accessrights")}
    if is_nobody(trustee) or (address and identity.address(trustee) == address):
        tally.add("on the trustee's own mailbox")
    elif row.get("accesscontroltype").casefold() == "deny":
        tally.add("with Deny, which is no right")
    elif row.flag("inherited") or row.flag("isinherited"):
        tally.add("with inherited rights")
    elif "sendas" not in rights:
        tally.add("without SendAs")
    else:
        out.edge("SEND_AS", who.trustee(trustee, row.place), recipient, row.place, basis="SendAs", inherited=False)
