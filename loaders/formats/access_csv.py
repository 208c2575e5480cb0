"""access.csv, our own minimal table of who may sign in where (formats.md 13).

Claims `account`, `host`, `right`: account, host, right (admin | rdp | ssh | winrm | vpn | app | sso | chat; a list by `;`), source, and
from, to where the time is known.

Yields ADMIN_TO Server for admin; for the others SIGNS_IN_TO Service (`remote desktop/`, `remote shell/`, `vpn/`, `saas/`, `chat/`), and for
rdp, ssh and winrm the Server that HOSTS it; the rights valid from `from` until before `to`.

Traps: an empty `from` is an unknown start, an empty `to` a right that is still held; day and month are never guessed. Only admin holds a server; the other rights are a position, not the machine. For app, sso and chat `host` is the service's name.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients

NAME = "access_csv"
TITLE = "access.csv (hakyu's own)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "administrators of servers, remote access, single sign-on, chats, with their times"

# right -> (type of the service, how one signs in)
_SERVICES = {
    "rdp": ("remote desktop", "rdp"), "ssh": ("remote shell", "ssh"), "winrm": ("remote shell", "winrm"), "vpn": ("vpn", "vpn"),
    "app": ("saas", "web"), "sso": ("saas", "sso"), "chat": ("chat", "chat"),
}  # fmt: skip
_ON_A_SERVER = ("rdp", "ssh", "winrm")
_BY_NAME = ("app", "sso", "vpn", "chat")


def detect(source: Source) -> Claim | None:
    """Claim the three columns that make an access right, or two of them."""
    header = header_of(source)
    if {"account", "host", "right"} <= header:
        return Claim(7, "columns of access.csv")
    return Claim(5, "columns of access.csv") if {"account", "right"} <= header or {"host", "right"} <= header else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one. Raises Broken where day and month cannot be told apart."""
    table = Table(source, options, out, dates=("from", "to"))
    table.require("account", "host", "right")
    if table.ambiguous_dates:
        raise Broken("columns from, to", "day and month cannot be told apart in this file", "say --date-order dmy or mdy")
    who = Recipients(out)
    covered: dict[str, set[str]] = {}
    for row in table:
        for right in _access(row, who, out):
            if right == "admin":
                covered.setdefault("server administrators", set()).add(row["host"].casefold())
            elif right in (*_ON_A_SERVER, "vpn"):
                covered.setdefault("remote access", set()).add(row["host"].casefold())
    for what, hosts in sorted(covered.items()):
        out.coverage(what, collected=len(hosts))


def _access(row: Row, who: Recipients, out: FactBuffer) -> list[str]:
    """State the row's rights; those that were."""
    account, text = row["account"], row["host"]
    rights = [right.casefold() for right in row.list("right")]
    by_name = all(right in _BY_NAME for right in rights)
    start, end = row.date("from"), row.date("to")
    host = " ".join(text.split()).casefold() if by_name and text != "-" else identity.host(text)
    if account in ("", "-"):
        out.refuse(row.at("account"), account, "no account")
    elif not rights or any(right != "admin" and right not in _SERVICES for right in rights):
        out.refuse(row.at("right"), row["right"], "not one of admin, " + ", ".join(_SERVICES))
    elif not host:
        out.refuse(row.at("host"), text, "not a host name")
    elif start is not None and end is not None and end <= start:
        out.refuse(row.at("to"), row["to"], "the right ends before it begins")
    else:
        holder = who.trustee(account, row.place)
        for right in rights:
            _right(row, holder, host, right, out)
        return rights
    return []


def _right(row: Row, holder: Node, host: str, right: str, out: FactBuffer) -> None:
    source, place = row.get("source"), row.place
    basis = f"{right} ({source})" if source not in ("", "-") else right
    server = ("Server", identity.host_key(host))
    if right in ("admin", *_ON_A_SERVER):
        out.node("Server", server[1], place, name=row["host"], fqdn=host if "." in host else None)
    times = {"valid_from": row.date("from"), "valid_until": row.date("to")}
    if right == "admin":
        out.edge("ADMIN_TO", holder, server, place, via="local administrators", basis=basis, **times)
        return
    type_, via = _SERVICES[right]
    service = ("Service", f"service:{type_}/{host}")
    out.node("Service", service[1], place, name=row["host"] if type_ == "saas" else f"{type_} of {row['host']}", type=type_)
    out.edge("SIGNS_IN_TO", holder, service, place, via=via, basis=basis, **times)
    if right in _ON_A_SERVER:
        out.edge("HOSTS", server, service, place, basis=right)
