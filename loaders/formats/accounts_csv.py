r"""accounts.csv, our own minimal table of accounts (formats.md 13).

Claims `account` and one more of its columns: account, display_name, primary_smtp, aliases, upn, sid, object_id, department, title,
country, enabled, type (user | admin | shared | service | guest). Unknown columns are kept in `extra`.

Yields Account `account:<account>` with HAS_ADDRESS for its addresses and UPN, and SAME_IDENTITY with `ad:<SID>` and
`entra:<object id>`: here the analyst states it, which no other loader may.

Traps: an empty cell is unknown, `-` is known to be none. A sid or address that is none is told in a note and left out.
"""

from __future__ import annotations

import re

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients, Tally

NAME = "accounts_csv"
TITLE = "accounts.csv (hakyu's own)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "accounts, their addresses, UPN and SID"

_COLUMNS = ("account", "display_name", "primary_smtp", "aliases", "upn", "sid", "object_id", "department", "title", "country",
            "enabled", "type")  # fmt: skip
_TYPES = ("user", "admin", "service", "guest", "shared", "system")
_GUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)


def detect(source: Source) -> Claim | None:
    """Claim `account` with another column that only accounts.csv has."""
    header = header_of(source)
    own = header & {"display_name", "primary_smtp", "aliases", "upn", "sid", "object_id"}
    return Claim(6, "columns of accounts.csv") if "account" in header and own and "right" not in header else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out)
    table.require("account")
    who, tally = Recipients(out), Tally()
    accounts: set[str] = set()
    for row in table:
        name = row["account"]
        if name in ("", "-"):
            out.refuse(row.at("account"), name, "no account")
            continue
        accounts.add(identity.account_key(name))
        _account(row, name, who, out, tally)
    tally.tell(out)
    out.coverage("accounts", collected=len(accounts))


def _account(row: Row, name: str, who: Recipients, out: FactBuffer, tally: Tally) -> None:
    node, place = ("Account", identity.account_key(name)), row.place
    primary, upn = _address(row, "primary_smtp", tally), _address(row, "upn", tally)
    type_ = _known(row, "type").casefold() or None
    if type_ and type_ not in _TYPES:
        tally.add("with a type that is none of " + ", ".join(_TYPES) + ": taken as unknown")
        type_ = None
    title = _known(row, "display_name")
    out.node(
        "Account", node[1], place, name=title or name, type=type_, upn=upn, email=primary, enabled=row.flag("enabled"),
        department=_known(row, "department") or None, title=_known(row, "title") or None, country=_known(row, "country") or None,
        extra=row.rest(_COLUMNS),
    )  # fmt: skip
    if primary:
        who.address(node, primary, "primary", place, title or None)
    if upn:
        who.address(node, upn, "upn", place)
    for item in row.list("aliases"):
        if alias := identity.address(item):
            who.address(node, alias, "alias", place)
        elif item != "-":
            tally.add("with an alias that is no address, left out")
    _same(row, node, out, tally)


def _same(row: Row, node: Node, out: FactBuffer, tally: Tally) -> None:
    """The directory's own ids of the account, as the analyst states them."""
    sid, object_id = _known(row, "sid"), _known(row, "object_id")
    keys = []
    if found := identity.sid(sid):
        keys.append(identity.ad_key(found))
    elif sid:
        tally.add("with a sid that is none, left out")
    if _GUID.match(object_id):
        keys.append(f"entra:{object_id.casefold()}")
    elif object_id:
        tally.add("with an object_id that is none, left out")
    for key in keys:
        out.edge("SAME_IDENTITY", node, ("Account", key), row.place, reason="stated by accounts.csv")


def _address(row: Row, column: str, tally: Tally) -> str | None:
    text = _known(row, column)
    found = identity.address(text)
    if text and not found:
        tally.add(f"with a {column} that is no address, left out")
    return found


def _known(row: Row, column: str) -> str:
    text = row.get(column)
    return "" if text == "-" else text
