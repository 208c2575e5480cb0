r"""remediations.csv, our own minimal table of what was done against the attacker (formats.md 13).

Claims `target` and `what`: target, what (reset | revoke | disable | remove | reimage | rotate; `password reset`, `revoked`, `wiped` and the
like too), at, by. Target: an address or user principal name, a SID, an object id, `DOMAIN\name`, a host, or a key as hakyu shows it
(`mailbox:…`, `rule:…`, `app:…`, `secret:…`, `group:…`); several by `;`.

Yields Remediation, and REMEDIATES what the target names: Account, or Server where what is reimage or the target is a host.

Traps: a row without a time ends nothing and is refused; day and month are never guessed. An address means the account that signs in with it,
not its mailbox: what the mailbox's own rules, delegates and applications hold goes on until they are named themselves. A name without a
domain is taken as an account, and as a server only for reimage.
"""

from __future__ import annotations

import re

from graphmodel import identity
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients

NAME = "remediations_csv"
TITLE = "remediations.csv (hakyu's own)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "what was reset, revoked, disabled, removed, reimaged or rotated, and when"

_WORDS = {
    "reset": "reset", "password reset": "reset", "password changed": "reset", "password change": "reset",
    "revoke": "revoke", "revoked": "revoke", "sessions revoked": "revoke", "session revoked": "revoke", "tokens revoked": "revoke",
    "disable": "disable", "disabled": "disable", "blocked": "disable", "locked": "disable", "block": "disable",
    "remove": "remove", "removed": "remove", "delete": "remove", "deleted": "remove",
    "reimage": "reimage", "reimaged": "reimage", "rebuilt": "reimage", "reinstalled": "reimage", "wiped": "reimage", "replaced": "reimage",
    "rotate": "rotate", "rotated": "rotate", "renewed": "rotate",
}  # fmt: skip
_LABELS = {
    "upn": "Account", "entra": "Account", "account": "Account", "mailbox": "Mailbox", "host": "Server", "app": "App", "secret": "Secret",
    "rule": "Rule", "group": "Group", "role": "Role", "service": "Service",
}  # fmt: skip
_GUID = re.compile(r"^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$", re.IGNORECASE)


def detect(source: Source) -> Claim | None:
    """Claim the two columns that make a remediation."""
    header = header_of(source)
    return Claim(7, "columns of remediations.csv") if {"target", "what"} <= header else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one. Raises Broken where day and month cannot be told apart."""
    table = Table(source, options, out, dates=("at",))
    table.require("target", "what", "at")
    if table.ambiguous_dates:
        raise Broken("column at", "day and month cannot be told apart in this file", "say --date-order dmy or mdy")
    who = Recipients(out)
    times = [at for row in table if (at := _row(row, who, out)) is not None]
    if times:
        out.coverage("remediations", first=min(times), last=max(times), collected=len(times))


def _row(row: Row, who: Recipients, out: FactBuffer) -> int | None:
    """State a row; when it was done, or None where the row was refused."""
    what = _WORDS.get(" ".join(row["what"].casefold().split()))
    at = row.date("at")
    text = row["target"]
    parts = [text] if text.casefold().startswith("rule:") else text.split(";")  # a rule may be called anything
    targets = [item for item in (part.strip() for part in parts) if item not in ("", "-")]
    if what is None:
        out.refuse(row.at("what"), row["what"], "not one of reset, revoke, disable, remove, reimage, rotate")
    elif at is None:
        out.refuse(row.at("at"), row["at"], "no time that can be believed: without it a remediation ends nothing")
    elif not targets:
        out.refuse(row.at("target"), row["target"], "no target")
    else:
        found = [(text, _target(text, what, row, who)) for text in targets]
        for text, node in found:
            if node is None:
                out.refuse(row.at("target"), text, "neither an address, a SID, an object id, a host nor a key that hakyu shows")
            else:
                _state(row, what, at, node, text, out)
        return at if any(node for _, node in found) else None
    return None


def _state(row: Row, what: str, at: int, node: Node, text: str, out: FactBuffer) -> None:
    key = f"remediation:{what}/{node[1]}/{at}"
    by = row.get("by")
    out.node("Remediation", key, row.place, name=f"{what} {text}", what=what, at=at, by=by if by not in ("", "-") else None)
    out.edge("REMEDIATES", ("Remediation", key), node, row.place)


def _target(text: str, what: str, row: Row, who: Recipients) -> Node | None:
    kind, colon, rest = text.partition(":")
    kind = kind.strip().casefold()
    if colon and rest.strip() and kind in (*_LABELS, "ad"):
        if kind == "ad":
            return _sid(rest, what)
        if kind == "host":
            name = identity.host(rest)
            return ("Server", identity.host_key(name)) if name else None
        # The names of rules keep their case, addresses and ids do not.
        return _LABELS[kind], f"{kind}:{rest.strip() if kind in ('rule', 'secret', 'service', 'role') else rest.strip().casefold()}"
    if guid := _GUID.match(text):
        return "Account", f"entra:{guid[1].lower()}"
    if identity.sid(text):
        return _sid(text, what)
    if identity.address(text) or "\\" in text:
        return who.trustee(text, row.place)
    name = identity.host(text)
    if name and ("." in name or what == "reimage" or text.endswith("$")):
        return "Server", identity.host_key(name)
    return ("Account", identity.account_key(text)) if text.strip() and what != "reimage" else None


def _sid(text: str, what: str) -> Node | None:
    found = identity.sid(text)
    # What a SID is of is told by the directory; where nothing else names it, only a machine is reimaged.
    return ("Server" if what == "reimage" else "Account", identity.ad_key(found)) if found else None
