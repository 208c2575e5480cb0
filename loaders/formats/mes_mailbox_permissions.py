"""Mailbox permissions CSV of Microsoft-Extractor-Suite (Get-MailboxPermissions): one row a mailbox, lists of trustees in cells (formats.md 3).

Claims a header with `FullAccessUsers`, `SendAsUsers` and `UserPrincipalName`.

Yields the Mailbox by its `UserPrincipalName` (and, for a user's, the Account that owns it); FULL_ACCESS from `FullAccessPermissions`,
SEND_AS from `SendAsPermissions`, SEND_ON_BEHALF from `SendOnBehalfUsers`, FOLDER_RIGHT on the inbox from `InboxUsers`.

Traps: a trustee is `Name (address)`, and a name may itself hold brackets, `;` or ` - `: the last bracketed address counts; what was not
resolved is a raw id. Deny is no right. `CalendarUsers` read no mail. The suite leaves out inherited rights and SIDs, and asks of
the folders only for the English names Inbox and Calendar: an empty cell of a mailbox in another language says nothing. The user
principal name is taken for the mailbox's address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients, Tally, is_nobody, mailbox_type

NAME = "mes_mailbox_permissions"
TITLE = "Microsoft-Extractor-Suite mailbox permissions CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "mailboxes, owners, full access, send as, send on behalf, rights on the inbox"

_FULL = re.compile(r"(?P<who>.*?) - Rights: (?P<rights>.*?), Deny: (?P<deny>True|False), Inheritance: \w*(?: \| |$)", re.DOTALL)
_SEND_AS = re.compile(r"(?P<who>.*?) - Type: (?P<type>\w*), Rights: (?P<rights>.*?), Inheritance: \w*(?: \| |$)", re.DOTALL)
_FOLDER = re.compile(r"(?P<who>.*?\([^()]*\)) - (?P<rights>[A-Za-z]+(?:[, ]+[A-Za-z]+)*)(?:; |$)", re.DOTALL)
_BRACKETED = re.compile(r"\(([^()\s]+@[^()\s]+)\)\s*$")
_READING = frozenset(["owner", "publishingeditor", "editor", "publishingauthor", "author", "noneditingauthor", "reviewer", "readitems"])


def detect(source: Source) -> Claim | None:
    """Claim the header of the suite's mailbox permissions."""
    if {"userprincipalname", "fullaccessusers", "sendasusers"} <= header_of(source):
        return Claim(9, "mailbox permissions of Microsoft-Extractor-Suite")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out)
    table.require("userprincipalname", "fullaccesspermissions", "sendaspermissions", "sendonbehalfusers")
    reader = _Reader(out)
    for row in table:
        reader.row(row)
    reader.finish(table.has("inboxusers"))


class _Reader:
    def __init__(self, out: FactBuffer) -> None:
        self._out, self._who, self._tally = out, Recipients(out), Tally()
        self._mailboxes = 0

    def row(self, row: Row) -> None:
        """State the rights on one mailbox."""
        upn = identity.address(row["userprincipalname"])
        if upn is None:
            self._out.refuse(row.at("userprincipalname"), row["userprincipalname"], "not a user principal name")
            return
        type_ = mailbox_type(row.get("recipienttypedetails"))
        mailbox = self._who.mailbox(upn, row.place, type_, row.get("displayname") or None)
        self._mailboxes += 1
        if type_ == "user":
            owner = ("Account", identity.upn_key(upn))
            self._out.node("Account", owner[1], row.place, name=row.get("displayname") or upn, type="user", upn=upn)
            self._who.address(owner, upn, "upn", row.place)
            self._who.owns(owner, mailbox, row.place)
        for trustee in self._full_access(row):
            self._right("FULL_ACCESS", trustee, upn, mailbox, row, "FullAccess")
        for trustee in self._send_as(row):
            self._right("SEND_AS", trustee, upn, mailbox, row, "SendAs")
        for trustee in _on_behalf(row):
            self._right("SEND_ON_BEHALF", trustee, upn, mailbox, row, "GrantSendOnBehalfTo")
        self._inbox(row, upn, mailbox)

    def finish(self, folders: bool) -> None:
        """State what the file as a whole says."""
        self._tally.tell(self._out)
        for what, note in (("mailbox rights", None), ("send rights", None), ("folder rights", "the folders named Inbox and Calendar only")):
            if what != "folder rights" or folders:
                self._out.coverage(what, collected=self._mailboxes, note=note)

    def _full_access(self, row: Row) -> Iterator[str]:
        for match in self._matches(_FULL, row, "fullaccesspermissions"):
            if match["deny"] == "True":
                self._tally.add("with Deny, which is no right")
            elif "fullaccess" in match["rights"].casefold():
                yield match["who"]
            else:
                self._tally.add("without FullAccess, which read no mail")

    def _send_as(self, row: Row) -> Iterator[str]:
        for match in self._matches(_SEND_AS, row, "sendaspermissions"):
            if match["type"].casefold() == "deny":
                self._tally.add("with Deny, which is no right")
            elif "sendas" in match["rights"].casefold():
                yield match["who"]

    def _inbox(self, row: Row, upn: str, mailbox: Node) -> None:
        for match in self._matches(_FOLDER, row, "inboxusers"):
            if {right.casefold() for right in re.split(r"[, ]+", match["rights"])} & _READING:
                holder = self._holder(match["who"], upn, row)
                if holder is not None:
                    self._out.edge("FOLDER_RIGHT", holder, mailbox, row.place, folder="/Inbox", rights=match["rights"])
            else:
                self._tally.add("with a right on the inbox that does not read mail")

    def _matches(self, pattern: re.Pattern[str], row: Row, column: str) -> Iterator[re.Match[str]]:
        """Every item of a cell; what is left between and after them is refused."""
        text, end = row.get(column), 0
        for match in pattern.finditer(text):
            end = match.end()
            yield match
        if text[end:].strip():
            self._out.refuse(row.at(column), text[end:], "not written as the suite writes permissions; the rest of the row is used")

    def _right(self, type_: str, trustee: str, upn: str, mailbox: Node, row: Row, basis: str) -> None:
        holder = self._holder(trustee, upn, row)
        if holder is not None:
            self._out.edge(type_, holder, mailbox, row.place, basis=basis, inherited=False)

    def _holder(self, trustee: str, upn: str, row: Row) -> Node | None:
        match = _BRACKETED.search(trustee)
        text = (match[1] if match else trustee.removesuffix("()")).strip()
        if not text or is_nobody(text) or identity.address(text) == upn:
            self._tally.add("on the trustee's own mailbox")
            return None
        return self._who.trustee(text, row.place)


def _on_behalf(row: Row) -> list[str]:
    """Items of `Name (address); raw id; …`. Where the names hold `;`, the count beside it tells that pieces belong together."""
    pieces = [piece.strip() for piece in row.get("sendonbehalfusers").split("; ") if piece.strip()]
    count = row.get("sendonbehalfcount")
    if not count.isdigit() or int(count) >= len(pieces):
        return pieces
    merged: list[str] = []
    open_: str = ""
    for piece in pieces:
        open_ = f"{open_}; {piece}" if open_ else piece
        if _BRACKETED.search(piece):
            merged.append(open_)
            open_ = ""
    return merged + ([open_] if open_ else [])
