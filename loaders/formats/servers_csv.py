"""servers.csv, our own minimal table of servers (formats.md 13).

Claims `host` (or `hostname`) and two more of its columns: host, fqdn, ip, role (mail | gateway | file | domain controller |
workstation | server; a list by `;`), owner, criticality. Unknown columns are kept in `extra`.

Yields Server `host:<fqdn, else host>`; a mail server HOSTS the mail system of its registrable domain, and the mail of that
system PASSES_THROUGH a gateway.

Traps: a mail server or gateway without a full name serves no known domain (told in a note). One named in another domain than the
addresses (`ex01.corp.local`) serves that domain only.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Recipients, Tally

NAME = "servers_csv"
TITLE = "servers.csv (hakyu's own)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "servers, their roles, which serve or pass mail"

_COLUMNS = ("host", "hostname", "fqdn", "ip", "role", "owner", "criticality")
_ROLES = ("mail", "gateway", "file", "domain controller", "workstation", "server")
_SHORT = {"dc": "domain controller", "mail server": "mail", "mail gateway": "gateway", "file server": "file"}


def detect(source: Source) -> Claim | None:
    """Claim `host` with two columns that only servers.csv has."""
    header = header_of(source)
    own = len(header & {"fqdn", "ip", "role", "owner", "criticality"})
    return Claim(6, "columns of servers.csv") if header & {"host", "hostname"} and own >= 2 and "right" not in header else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out)
    who, tally = Recipients(out), Tally()
    servers: dict[str, set[str]] = {}
    for row in table:
        text = _known(row, "fqdn") or row.first("host", "hostname")
        name = identity.host(text)
        if name is None:
            out.refuse(row.place, text, "not a host name: fill host or fqdn")
            continue
        servers.setdefault(name, set()).update(_server(row, name, who, out, tally))
    tally.tell(out)
    out.coverage("servers", collected=len(servers))
    mail = sum(1 for roles in servers.values() if "mail" in roles)
    if mail:
        out.coverage("mail hosts", collected=mail)


def _server(row: Row, name: str, who: Recipients, out: FactBuffer, tally: Tally) -> set[str]:
    """State a server; its roles."""
    words = [_SHORT.get(word.casefold(), word.casefold()) for word in row.list("role") if word != "-"]
    roles = [word for word in words if word in _ROLES]
    if len(roles) < len(words):
        tally.add("with a role that is none of " + ", ".join(_ROLES) + ": kept in extra")
    server = ("Server", identity.host_key(name))
    out.node(
        "Server", server[1], row.place, name=_known(row, "host") or _known(row, "hostname") or name, role=roles[0] if roles else None,
        fqdn=name if "." in name else None, ip=_known(row, "ip") or None, owner=_known(row, "owner") or None,
        criticality=_known(row, "criticality") or None, extra=row.rest(set(_COLUMNS) - ({"role"} if len(roles) < len(words) else set())),
    )  # fmt: skip
    if {"mail", "gateway"} & set(roles):
        if "." not in name:
            tally.add("with a mail server or gateway whose domain is not known: fill fqdn")
            return set(roles)
        system = who.mail_system(identity.registrable(name), row.place)
        if "mail" in roles:
            out.edge("HOSTS", server, system, row.place, basis="role mail")
        if "gateway" in roles:
            out.edge("PASSES_THROUGH", system, server, row.place, basis="role gateway")
    return set(roles)


def _known(row: Row, column: str) -> str:
    text = row.get(column)
    return "" if text == "-" else text
