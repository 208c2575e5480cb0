"""mailboxes.csv, our own minimal table of mailboxes (formats.md 13).

Claims `mailbox` and one more of its columns: mailbox, owner, type (user | shared | room | group | archive | system | public folder),
forward_to (list by `;`), forward_copy, created. Unknown columns are kept in `extra`.

Yields Mailbox, its mail system by the domain, FORWARDS_TO with a Rule, and for a user's mailbox (or one of unknown type) the
Account that OWNS it: `account:<owner>`, or `account:<mailbox>` where the owner is not known. The `owner` of a shared mailbox or a
room has FULL_ACCESS.

Traps: an empty cell is unknown, `-` is known to be none: forwarding is covered only for mailboxes whose cell is filled.
"""

from __future__ import annotations

from collections import Counter

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients, Tally

NAME = "mailboxes_csv"
TITLE = "mailboxes.csv (hakyu's own)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "mailboxes, owners, forwarding"

_COLUMNS = ("mailbox", "owner", "type", "forward_to", "forward_copy", "created")
_TYPES = ("user", "shared", "room", "group", "archive", "system", "public folder")


def detect(source: Source) -> Claim | None:
    """Claim `mailbox` with another column that only mailboxes.csv has."""
    header = header_of(source)
    own = header & {"owner", "forward_to", "forward_copy"}
    return Claim(6, "columns of mailboxes.csv") if "mailbox" in header and own and "trustee" not in header else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out, dates=("created",))
    table.require("mailbox")
    who, tally, asked = Recipients(out), Tally(), Counter[bool]()
    for row in table:
        address = identity.address(row["mailbox"])
        if address is None:
            out.refuse(row.at("mailbox"), row["mailbox"], "not an address")
            continue
        asked[bool(row.get("forward_to"))] += 1
        _mailbox(row, address, who, out, tally)
    tally.tell(out)
    out.coverage("mailboxes", collected=asked.total())
    if asked[True]:
        out.coverage("forwarding", collected=asked[True], missing=asked[False])


def _mailbox(row: Row, address: str, who: Recipients, out: FactBuffer, tally: Tally) -> None:
    place, type_ = row.place, row.get("type").casefold() or None
    if type_ and type_ not in _TYPES:
        tally.add("with a type that is none of " + ", ".join(_TYPES) + ": taken as unknown")
        type_ = None
    mailbox = who.mailbox(address, place, type_, created=_created(row), extra=row.rest(_COLUMNS))
    system = who.mail_system(identity.registrable(identity.domain_of(address)), place)
    out.edge("HOSTS", system, mailbox, place, basis="domain of the address")
    _owner(row, address, mailbox, type_, who, out)
    unusable = []
    for item in row.list("forward_to"):
        if target := identity.address(item):
            who.forwarding(mailbox, address, target, place, row.flag("forward_copy"))
        elif item != "-":
            unusable.append(item)
    if unusable:
        out.refuse(row.at("forward_to"), "; ".join(unusable), "not an address; the rest of the row is used")


def _owner(row: Row, address: str, mailbox: Node, type_: str | None, who: Recipients, out: FactBuffer) -> None:
    owner = row.get("owner")
    if type_ == "group":
        who.owns(who.group(address, row.place, "microsoft365", address=address), mailbox, row.place)
    elif type_ in ("user", "archive", None) and owner != "-":
        who.owns(who.trustee(owner or address, row.place), mailbox, row.place)
    elif owner not in ("", "-"):
        out.edge("FULL_ACCESS", who.trustee(owner, row.place), mailbox, row.place, basis="owner", inherited=False)


def _created(row: Row) -> int | None:
    return row.date("created") if row.get("created") != "-" else None
