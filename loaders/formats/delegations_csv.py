r"""delegations.csv, our own minimal table of rights on mailboxes (formats.md 13).

Claims `mailbox`, `trustee`, `right`: mailbox, trustee, right (full | read | send_as | send_on_behalf | folder; a list by `;`), folder,
from, to, source.

Yields FULL_ACCESS (full, read), SEND_AS, SEND_ON_BEHALF, FOLDER_RIGHT, valid from `from` until before `to`.

Traps: an empty `from` is an unknown start, an empty `to` a right that is still held. Day and month are never guessed: a time decides
what was reachable. A trustee is an address, a SID, `DOMAIN\name` or an account of accounts.csv.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Recipients

NAME = "delegations_csv"
TITLE = "delegations.csv (hakyu's own)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "full access, send as, send on behalf, folder rights, with their times"

_RIGHTS = {"full": "FULL_ACCESS", "read": "FULL_ACCESS", "send_as": "SEND_AS", "send_on_behalf": "SEND_ON_BEHALF", "folder": "FOLDER_RIGHT"}
_COVERS = {"FULL_ACCESS": "mailbox rights", "SEND_AS": "send rights", "SEND_ON_BEHALF": "send rights", "FOLDER_RIGHT": "folder rights"}


def detect(source: Source) -> Claim | None:
    """Claim the three columns that make a delegation, or two of them."""
    header = header_of(source)
    if {"mailbox", "trustee", "right"} <= header:
        return Claim(7, "columns of delegations.csv")
    return Claim(5, "columns of delegations.csv") if {"mailbox", "trustee"} <= header else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one. Raises Broken where day and month cannot be told apart."""
    table = Table(source, options, out, dates=("from", "to"))
    table.require("mailbox", "trustee", "right")
    if table.ambiguous_dates:
        raise Broken("columns from, to", "day and month cannot be told apart in this file", "say --date-order dmy or mdy")
    who = Recipients(out)
    covered: dict[str, set[str]] = {}
    for row in table:
        for type_, mailbox in _delegation(row, who, out):
            covered.setdefault(_COVERS[type_], set()).add(mailbox)
    for what, mailboxes in sorted(covered.items()):
        out.coverage(what, collected=len(mailboxes))


def _delegation(row: Row, who: Recipients, out: FactBuffer) -> list[tuple[str, str]]:
    """State the row's rights; (edge type, mailbox) of each."""
    address, trustee = identity.address(row["mailbox"]), row["trustee"]
    rights = [right.casefold() for right in row.list("right")]
    unknown = [right for right in rights if right not in _RIGHTS]
    start, end = row.date("from"), row.date("to")
    if address is None:
        out.refuse(row.at("mailbox"), row["mailbox"], "not an address")
    elif trustee in ("", "-"):
        out.refuse(row.at("trustee"), trustee, "no trustee")
    elif unknown or not rights:
        out.refuse(row.at("right"), row["right"], "not one of " + ", ".join(_RIGHTS))
    elif start is not None and end is not None and end <= start:
        out.refuse(row.at("to"), row["to"], "the right ends before it begins")
    else:
        mailbox, holder = who.mailbox(address, row.place, None), who.trustee(trustee, row.place)
        for right in rights:
            source = row.get("source")
            basis = f"{right} ({source})" if source not in ("", "-") else right
            properties = {"folder": row.get("folder") or None, "rights": basis} if right == "folder" else {"basis": basis}
            out.edge(_RIGHTS[right], holder, mailbox, row.place, valid_from=start, valid_until=end, **properties)
        return [(_RIGHTS[right], mailbox[1]) for right in rights]
    return []
