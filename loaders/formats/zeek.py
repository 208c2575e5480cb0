"""Zeek's logs conn, smtp, ntlm, rdp, kerberos, ssh, known_hosts and known_services: TSV or JSON, gzip too (formats.md 9).

Claims `#separator` with one of these in `#path`; or JSON lines with `ts` and that name in `_path`, or with `uid` and a field that only that
log has.

Yields of conn CONNECTS_TO between Servers (by address) for connections that were set up between private addresses, or such as the sensor calls
local; of smtp Message, SENT_BY (mailfrom,
from), ADDRESSED_TO (rcptto as envelope, to, cc); of ntlm, kerberos, rdp and ssh an Observation of a logon with its actor (ntlm: domain and username;
kerberos: client) and the Server that was its target; of rdp, ssh and known_services the Service it HOSTS; of ntlm the Server's own name, which is
SAME_IDENTITY with its address from the first to the last time they were seen together.

Traps: a sensor sees what passes it, and TLS hides the rest: coverage says so in its scope. conn_state S0, REJ, RSTOS0 … is no connection. `-` is
unset, `(empty)` an empty list. rdp's cookie is cut to nine characters by clients and is no account. ssh does not tell who. Machine accounts
(`HOST$`) and anonymous logons are counted only. `last_reply` 250 means passed on, not delivered. Subjects are not read.
See docs.zeek.org, script reference of each log.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from email.utils import getaddresses
from functools import lru_cache
from typing import Any

import polars as pl

from graphmodel import identity
from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.recipients import Node, Tally
from loaders.scans import Scan, ip_of, same_server
from loaders.trace import Trace
from loaders.zeek_lines import Columns, Record, path_of, pieces

NAME = "zeek"
TITLE = "Zeek logs: conn, smtp, ntlm, rdp, kerberos, ssh, known_hosts, known_services"
PRIORITY = "later"
SEEN = "real sample"
READS = "network connections, messages on the wire, logons, servers and the remote access they offer"

_PATHS = ("conn", "smtp", "ntlm", "rdp", "kerberos", "ssh", "known_hosts", "known_services")
_WANTED = frozenset(
    ("ts", "uid", "id.orig_h", "id.resp_h", "id.resp_p", "conn_state", "local_orig", "local_resp", "msg_id", "tls", "mailfrom", "from", "rcptto", "last_reply", "to", "cc",
     "username", "domainname", "server_dns_computer_name", "success", "client", "service", "request_type", "error_msg", "result", "security_protocol",
     "auth_success", "host", "port_num", "port_proto")
)  # fmt: skip
_SET_UP = frozenset(("SF", "S1", "S2", "S3", "RSTO", "RSTR"))
# What ipaddress calls private takes in ranges kept for documentation and the like.
_INSIDE = tuple(ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
_FRACTION = re.compile(r"\.(\d+)")
_HELD = 500_000
_OPERATIONS = {"ntlm": "NTLM logon", "kerberos": "Kerberos", "rdp": "Remote desktop connection", "ssh": "SSH logon"}


def detect(source: Source) -> Claim | None:
    """Claim by the name of the log."""
    path = path_of(source)
    return Claim(9, f"Zeek's {path}.log") if path in _PATHS else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the records one by one."""
    reader = _Reader(out, options)
    for piece in pieces(source, out, _WANTED, "conn"):
        if isinstance(piece, Columns):
            reader.connections(piece)
        else:
            place, path, record = piece
            reader.take(path, record, place)
    reader.finish()


_ENDS, _OUT = ("orig", "resp"), "~"


class _Reader:
    """States the records of one file; JSON may hold several logs."""

    def __init__(self, out: FactBuffer, options: Options) -> None:
        self._out = out
        self._trace, self._scan, self.tally = Trace(out, options.now), Scan(out), Tally()
        self._times: dict[str, tuple[int, int]] = {}
        self._said: set[tuple[Any, ...]] = set()
        self._named: dict[tuple[str, str], tuple[int, int, str]] = {}  # address, name -> first and last seen together, where first
        self._machines = False
        self._latest = options.now if options.now is not None else dates.EARLIEST
        self._takers: dict[str, Callable[[Record, int, str], None]] = {
            "conn": self._conn, "smtp": self._smtp, "ntlm": self._ntlm, "kerberos": self._kerberos, "rdp": self._rdp, "ssh": self._ssh,
            "known_hosts": self._known, "known_services": self._known,
        }  # fmt: skip

    def take(self, path: str, record: Record, place: str) -> None:
        """One record; refused where it has no time."""
        taker = self._takers.get(path)
        if taker is None:
            self.tally.add("of logs that are not read")
            return
        at = self._when(record.get("ts"), place)
        if at is None:
            self._out.refuse(place, _text(record, "ts"), "no time that can be believed")
            return
        self._covers(path, at)
        taker(record, at, place)

    def _covers(self, path: str, at: int) -> None:
        first, last = self._times.get(path, (at, at))
        self._times[path] = min(first, at), max(last, at)

    def _when(self, value: Any, place: str) -> int | None:
        """Seconds; the usual form (`1521911721.608646`) without the search for others."""
        if isinstance(value, str) and len(value) > 10 and value[10] == "." and value[:10].isdigit():
            at = int(value[:10])
            if dates.EARLIEST <= at <= self._latest:
                return at
        return self._trace.when(value, place)

    def finish(self) -> None:
        """The names of addresses while they were seen, notes, and what passed the sensor from when until when."""
        for (ip, fqdn), (first, last, place) in self._named.items():
            self._out.node("Server", identity.host_key(fqdn), place, name=fqdn, fqdn=fqdn, ip=ip)
            same_server(self._out, ip, fqdn, "the server named itself in NTLM", place, valid_from=first, valid_until=last + 1)
        self.tally.tell(self._out)
        if "smtp" in self._times:
            self._trace.finish(note="only mail that passes the sensor without TLS", scope="network sensor")
        if self._machines:
            self._scan.finish("machines that the sensor saw at work")
        for path, (first, last) in sorted(self._times.items()):
            if path == "conn":
                self._out.coverage("network", "network sensor", first=first, last=last, note="only what passes the sensor")
            elif path in _OPERATIONS:
                self._out.coverage("logons", f"network sensor, {path}", first=first, last=last, note="only what passes the sensor unencrypted")

    # --- the logs ---

    def _conn(self, record: Record, at: int, place: str) -> None:
        source, target = (_private(record, f"id.{end}_h") or (ip_of(_text(record, f"id.{end}_h")) if _flag(record, f"local_{end}") else None) for end in _ENDS)
        port = _number(record, "id.resp_p")
        if _text(record, "conn_state") not in _SET_UP:
            self.tally.add("of connections that were not set up")
        elif not source or not target or port is None:
            self.tally.add("of connections to or from an address outside")
        else:
            self._connects(source, target, port, place)

    def connections(self, lines: Columns) -> None:
        """Many lines of conn.log; those without a usual time are taken one by one."""
        at = lines.raw("ts").to_frame("ts").select(
            pl.when(pl.col("ts").str.contains(r"^[0-9]{10}\.")).then(pl.col("ts").str.slice(0, 10).cast(pl.Int64, strict=False))
        ).to_series()  # fmt: skip
        usual = at.is_between(dates.EARLIEST, self._latest).fill_null(False)
        odd = [(lines.number + row, "", "", 0) for row in (~usual).arg_true().to_list()]
        frame = pl.DataFrame([
            pl.int_range(lines.number, lines.number + lines.height, eager=True).alias("number"), at.alias("at"),
            lines.column("conn_state", lambda text: text.strip() in _SET_UP, pl.Boolean).alias("up"),
            *(lines.column(f"id.{name}_h", _marked, pl.String).alias(name) for name in _ENDS),
            *(lines.column(f"local_{name}", lambda text: text.strip() == "T", pl.Boolean).alias(f"local_{name}") for name in _ENDS),
            lines.column("id.resp_p", lambda text: _number({"": text}, ""), pl.Int64).alias("port"),
        ]).filter(usual).with_columns(
            pl.when(~pl.col(name).str.starts_with(_OUT)).then(pl.col(name)).when(pl.col(f"local_{name}")).then(pl.col(name).str.strip_prefix(_OUT)).alias(name)
            for name in _ENDS
        )  # fmt: skip
        for when in (frame["at"].min(), frame["at"].max()) if frame.height else ():
            self._covers("conn", int(when))  # type: ignore[arg-type]
        up = frame.filter("up")
        inside = up.drop_nulls(["orig", "resp", "port"])
        self.tally.add("of connections that were not set up", frame.height - up.height)
        self.tally.add("of connections to or from an address outside", up.height - inside.height)
        first = inside.unique(["orig", "resp", "port"], keep="first", maintain_order=True).select("number", "orig", "resp", "port")
        said: list[tuple[str, str, str, int]] = []
        for number, source, target, port in sorted([*odd, *first.iter_rows()]):
            if not source:
                place, path, record = lines.line(number - lines.number)
                self.take(path, record, place)
            elif source != target and self._once("conn", source, target, port):
                said.append((*self._ends(source, target, place := f"line {number}"), place, port))
        if said:
            sources, targets, places, ports = zip(*said, strict=True)
            self._out.edges("CONNECTS_TO", ("Server", sources), ("Server", targets), places, port=ports)

    def _connects(self, source: str, target: str, port: int, place: str) -> None:
        if source != target and self._once("conn", source, target, port):
            keys = self._ends(source, target, place)
            self._out.edge("CONNECTS_TO", ("Server", keys[0]), ("Server", keys[1]), place, port=port)

    def _ends(self, source: str, target: str, place: str) -> tuple[str, str]:
        """Keys of two servers; stated where they are new."""
        for ip in (source, target):
            if self._once("server", ip):
                self._out.node("Server", identity.host_key(ip), place, name=ip, ip=ip)
        return identity.host_key(source), identity.host_key(target)

    def _smtp(self, record: Record, at: int, place: str) -> None:
        key = identity.message_key(_text(record, "msg_id"), None)
        if key is None:
            hidden = record.get("tls") in (True, "T")
            self.tally.add("of sessions hidden by TLS" if hidden else "of sessions without a message id")
            return
        sender, author = _addresses(record.get("mailfrom")), _addresses(record.get("from"))
        self._trace.message(key, place, at=at, sender=next(sender, ""), header_from=next(author, ""))
        status = "relayed" if _text(record, "last_reply").startswith("250") else ""
        for to in _addresses(record.get("rcptto")):
            if address := identity.address(to):
                self._trace.recipient(key, address, status, None, place)
        for role in ("to", "cc"):
            for to in _addresses(record.get(role)):
                if self._once("header", key, to, role):
                    self._trace.header_recipient(key, to, role, place)

    def _ntlm(self, record: Record, at: int, place: str) -> None:
        ip, name = ip_of(_text(record, "id.resp_h")), identity.host(_text(record, "server_dns_computer_name"))
        fqdn = name if name and "." in name else None
        if ip and fqdn:
            first, last, where = self._named.get((ip, fqdn), (at, at, place))
            self._named[ip, fqdn] = (min(first, at), max(last, at), where)
        actor = self._account(_text(record, "username"), _text(record, "domainname"), place)
        if actor:
            known = fqdn or ip
            target = ("Server", identity.host_key(known)) if known else None
            self._observe("ntlm", record, at, place, actor, target, _flag(record, "success"))

    def _kerberos(self, record: Record, at: int, place: str) -> None:
        user, _, realm = _text(record, "client").partition("/")
        actor = self._account(user, realm, place)
        if actor is None:
            return
        kind, _, name = _text(record, "service").partition("/")
        host = identity.host(name) if kind.casefold() != "krbtgt" else None
        target = ("Server", identity.host_key(host)) if host and "." in host else None
        note = "; ".join(part for part in (f"{_text(record, 'request_type')} for {kind}" if kind else "", _text(record, "error_msg")) if part)
        self._observe("kerberos", record, at, place, actor, target, _flag(record, "success"), note)

    def _rdp(self, record: Record, at: int, place: str) -> None:
        note = ", ".join(part for part in (_text(record, "result"), _text(record, "security_protocol")) if part)
        target = self._service(record, "remote desktop", place)
        self._observe("rdp", record, at, place, None, target, None, note)

    def _ssh(self, record: Record, at: int, place: str) -> None:
        self._observe("ssh", record, at, place, None, self._service(record, "remote shell", place), _flag(record, "auth_success"))

    def _known(self, record: Record, at: int, place: str) -> None:
        ip, port = _private(record, "host"), _number(record, "port_num")
        if not ip:
            self.tally.add("of addresses outside")
            return
        self._machines = True
        host = self._scan.host(ip, [], place)
        self._scan.covers(at)
        if host and port:
            named = record.get("service")
            host.port(port, _text(record, "port_proto") or "tcp", ", ".join(str(name).lower() for name in named) if isinstance(named, list) else "")

    # --- what they share ---

    def _account(self, user: str, domain: str, place: str) -> Node | None:
        r"""Who signed in, as `DOMAIN\name` or by its principal name; None, and counted, where the log does not tell or it is a machine."""
        if not user or user.casefold() in ("anonymous", "anonymous logon"):
            self.tally.add("of logons without a user")
            return None
        if user.endswith("$"):
            self.tally.add("of logons of machines")
            return None
        if "@" in user:
            node, upn = ("Account", identity.upn_key(user)), identity.address(user)
        else:
            short = domain.partition(".")[0]  # CORP in NTLM and CORP.EXAMPLE in Kerberos stand for one domain, as in Windows' own logs
            node, upn = ("Account", identity.account_key(f"{short}\\{user}" if short else user)), None
        if self._once("account", node[1]):
            self._out.node("Account", node[1], place, name=user, sam=None if "@" in user else user, domain=domain.casefold() or None, upn=upn)
            if upn:
                self._out.edge("HAS_ADDRESS", node, ("Correspondent", identity.smtp_key(upn)), place, type="upn")
        return node

    def _service(self, record: Record, type_: str, place: str) -> Node | None:
        """The private server that answered, which offers this; None for one outside."""
        ip = _private(record, "id.resp_h")
        if not ip:
            return None
        server, service = ("Server", identity.host_key(ip)), ("Service", f"service:{type_}/{ip}")
        if self._once(type_, ip):
            if self._once("server", ip):
                self._out.node("Server", server[1], place, name=ip, ip=ip)
            self._out.node("Service", service[1], place, name=f"{type_} of {ip}", type=type_)
            self._out.edge("HOSTS", server, service, place, basis=f"connections to port {_text(record, 'id.resp_p')}")
        return server

    def _observe(self, path: str, record: Record, at: int, place: str, actor: Node | None, target: Node | None, ok: bool | None, note: str = "") -> None:
        fraction = _FRACTION.search(_text(record, "ts"))
        part = _text(record, "service").casefold() if path == "kerberos" else ""
        # The same whether the log was written as TSV or as JSON.
        id_ = f"{_text(record, 'uid')}/{at}.{fraction[1][:6].ljust(6, '0') if fraction else '000000'}/{part}".rstrip("/")
        observation = ("Observation", f"obs:zeek/{path}/{id_}")
        self._out.node(
            "Observation", observation[1], place, name=_OPERATIONS[path], at=at, operation=_OPERATIONS[path], ip=ip_of(_text(record, "id.orig_h")),
            as_who=path, succeeded=ok, note=note[:200] or None,
        )  # fmt: skip
        for node, role in ((actor, "actor"), (target, "target")):
            if node:
                self._out.edge("OBSERVED", observation, node, place, role=role, record=_text(record, "uid") or None)

    def _once(self, *what: Any) -> bool:
        """Whether this was not said before; what was said long ago may be said again, which changes nothing."""
        if what in self._said:
            return False
        if len(self._said) >= _HELD:
            self._said.clear()
        self._said.add(what)
        return True


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    return value.strip() if isinstance(value, str) else "" if value is None or isinstance(value, (list, dict, bool)) else str(value)


def _number(record: Record, name: str) -> int | None:
    text = _text(record, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def _flag(record: Record, name: str) -> bool | None:
    value = record.get(name)
    return value if isinstance(value, bool) else {"T": True, "F": False}.get(value) if isinstance(value, str) else None


def _private(record: Record, name: str) -> str | None:
    """An address inside, or None."""
    return _inside(_text(record, name))


def _inside(text: str) -> str | None:
    ip = ip_of(text.strip())
    return ip if ip and _is_private(ip) else None


def _marked(text: str) -> str | None:
    """An address, with a mark before it where it is not a private one: it may still be one's own, as `local_orig` and `local_resp` say."""
    ip = ip_of(text.strip())
    return ip if ip is None or _is_private(ip) else _OUT + ip


@lru_cache(maxsize=65536)
def _is_private(ip: str) -> bool:
    found = ipaddress.ip_address(ip)
    return any(found in network for network in _INSIDE if network.version == found.version)


def _addresses(value: Any) -> Iterator[str]:
    """Addresses of a header's text or of a list of such, without display names."""
    texts = value if isinstance(value, list) else [value]
    for _, address in getaddresses([text for text in texts if isinstance(text, str)]):
        if address:
            yield address
