r"""Get-MailboxFolderPermission CSV: who may read which folder (formats.md 3).

Claims a header with `FolderName`, `User`, `AccessRights`.

Yields FOLDER_RIGHT where the right allows reading, from `User` to the mailbox: of an added column (`Mailbox`, `PrimarySmtpAddress`,
`UserPrincipalName`, `MailboxOwner`), or of `Identity` written `mailbox:\Folder`, or of --mailbox, or of an address in the file's name.

Traps: the mailbox is only in the call, so the plain export lacks it: Broken where nothing tells it. `Default` is everyone in the
organisation, `Anonymous` everyone. AvailabilityOnly and LimitedDetails show a calendar, not mail; rights on a calendar, contacts or tasks
folder read no mail either, but the folder's name is localised: they are stated with it. `User` is a display name, unless the export
resolved it.
"""

from __future__ import annotations

import re

from graphmodel import identity
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients, Tally, is_nobody

NAME = "get_mailbox_folder_permission"
TITLE = "Get-MailboxFolderPermission CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "rights on folders"

_OWNERS = ("mailbox", "mailboxaddress", "primarysmtpaddress", "userprincipalname", "mailboxowner", "mailboxownerid")
_READING = frozenset(["owner", "publishingeditor", "editor", "publishingauthor", "author", "noneditingauthor", "reviewer", "readitems"])
_NOT_READING = frozenset(
    ["none", "availabilityonly", "limiteddetails", "contributor", "custom", "createitems", "createsubfolders", "foldervisible", "foldercontact", "folderowner", "editowneditems", "deleteowneditems", "editallitems", "deleteallitems", "fulldetails"]
)
_EVERYONE = {"default": "Everyone (Default)", "anonymous": "Everyone, without signing in (Anonymous)"}
_IN_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*?\.[A-Za-z]{2,}(?=[^A-Za-z]|$)")


def detect(source: Source) -> Claim | None:
    """Claim the header of Get-MailboxFolderPermission."""
    if {"foldername", "user", "accessrights"} <= header_of(source):
        return Claim(8, "header of Get-MailboxFolderPermission")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one. Raises Broken where nothing tells whose folders these are."""
    table = Table(source, options, out)
    table.require("foldername", "user", "accessrights")
    stated = options.mailbox or ""
    if not stated and not any(table.has(column) for column in _OWNERS) and not any(":\\" in row.get("identity") for row in table.peek()):
        match = _IN_NAME.search(source.name.rpartition("/")[2].removesuffix(".csv"))
        if match is None:
            raise Broken("header", "no column Mailbox, so whose folders these are is not known", "say --mailbox, or add the column to the export")
        stated = match[0]
        out.note(f"whose folders: {stated}, by the file's name; say --mailbox where that is wrong")
    who, tally = Recipients(out), Tally()
    mailboxes: set[str] = set()
    for row in table:
        _right(row, stated, who, out, tally, mailboxes)
    tally.tell(out)
    out.coverage("folder rights", collected=len(mailboxes), note="the folders that were asked for")


def _right(row: Row, stated: str, who: Recipients, out: FactBuffer, tally: Tally, mailboxes: set[str]) -> None:
    identity_text = row.get("identity")
    owner = row.first(*_OWNERS) or (identity_text.partition(":\\")[0] if ":\\" in identity_text else "") or stated
    user = row["user"]
    if not owner or not user:
        out.refuse(row.place, user or owner, "no mailbox: say --mailbox" if not owner else "no User")
        return
    mailbox, address = who.mailbox_named(owner, row.place)
    mailboxes.add(mailbox[1])
    rights = [right.strip(" {}") for right in row.list("accessrights")]
    folded = {right.casefold() for right in rights}
    if not folded & _READING:
        unknown = folded - _NOT_READING
        if unknown or not folded:
            out.refuse(row.at("accessrights"), ", ".join(rights), "a right hakyu does not know" if unknown else "no right")
        else:
            tally.add("with a right that does not read mail (None, AvailabilityOnly, LimitedDetails …)")
    elif is_nobody(user) or (address and identity.address(user) == address):
        tally.add("on the trustee's own mailbox")
    else:
        holder = _holder(user, address, who, row.place)
        out.edge("FOLDER_RIGHT", holder, mailbox, row.place, folder=_folder(row), rights=", ".join(rights))


def _holder(user: str, address: str | None, who: Recipients, place: str) -> Node:
    if user.casefold() in _EVERYONE:
        domain = identity.registrable(identity.domain_of(address)) if address else "unknown"
        return who.group(f"{user.casefold()}/{domain}", place, "security", title=_EVERYONE[user.casefold()])
    return who.trustee(user, place)


def _folder(row: Row) -> str:
    path = row.get("identity").partition(":\\")[2] or row.first("folderpath", "foldername")
    return "/" + path.replace("\\", "/").strip("/")
