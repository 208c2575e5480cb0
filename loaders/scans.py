"""Scans of a network as facts: which machines answered, and what they offer (formats.md 9, 10).

    scan = Scan(out)
    host = scan.host("192.0.2.7", ["ex01.corp.example"], place)
    host.port(3389, "tcp", "ms-wbt-server")
    scan.finish()

A machine is known by its full name, else by its address; a scan that gives both says that they were one while it ran. Nothing is said of who may connect:
a scan sees what answers the scanner.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any
from xml.parsers.expat import ExpatError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from graphmodel import identity
from loaders.base import Broken, FactBuffer, Source
from loaders.recipients import Node

# Port and protocol -> what an account signs in to there; the name of a service goes before the port's.
_PORTS = {
    (3389, "tcp"): "remote desktop", (22, "tcp"): "remote shell", (23, "tcp"): "remote shell", (5985, "tcp"): "remote shell",
    (5986, "tcp"): "remote shell", (445, "tcp"): "share", (139, "tcp"): "share", (2049, "tcp"): "share", (1194, "udp"): "vpn",
    (1194, "tcp"): "vpn", (500, "udp"): "vpn", (4500, "udp"): "vpn", (1723, "tcp"): "vpn", (1701, "udp"): "vpn",
}  # fmt: skip
_NAMES = {
    "ms-wbt-server": "remote desktop", "msrdp": "remote desktop", "rdp": "remote desktop", "ssh": "remote shell", "telnet": "remote shell",
    "wsman": "remote shell", "wsmans": "remote shell", "microsoft-ds": "share", "cifs": "share", "smb": "share", "netbios-ssn": "share",
    "nfs": "share", "openvpn": "vpn", "isakmp": "vpn", "pptp": "vpn", "l2tp": "vpn",
}  # fmt: skip
_LISTED = 200
_TOGETHER = 20_000  # machines stated at a time
_CHUNK = 1 << 16

Said = dict[str, str]
"""The attributes of an element."""
Port = tuple[tuple[int, str], str]
"""((number, protocol), words for the service behind it)."""


@lru_cache(maxsize=65536)
def ip_of(text: str | None) -> str | None:
    """An IP address in one spelling, or None when it is none, or one that every machine has (loopback) or that nobody else reaches it by."""
    value = (text or "").strip()
    if value[-1:].isalpha() and ":" not in value:
        return None  # a name, most of the time: no need to fail at it
    try:
        found = ipaddress.ip_address(value)
    except ValueError:
        return None
    return None if found.is_loopback or found.is_link_local or found.is_unspecified or found.is_multicast else str(found)


def server_of(ip: str | None, names: Iterable[str]) -> tuple[Node, str | None] | None:
    """(the server by its first full name, else by its address; that name), or None where it has neither."""
    fqdn = next((host for name in names if (host := identity.host(name)) and "." in host and ip_of(host) is None and not host[-1].isdigit()), None)
    known = fqdn or ip
    return (("Server", identity.host_key(known)), fqdn) if known else None


class Host:
    """One machine of a scan: gathers what it offers, and states it when the scan ends."""

    __slots__ = ("findings", "fqdn", "ip", "name", "node", "os", "place", "ports")

    def __init__(self, node: Node, place: str) -> None:
        self.node, self.place = node, place
        self.ip: str | None = None
        self.fqdn: str | None = None
        self.name: str | None = None
        self.os: str | None = None
        self.ports: dict[tuple[int, str], str] = {}
        self.findings: dict[str, int] = {}

    def port(self, number: int, protocol: str, name: str = "", product: str = "") -> None:
        """A port that answered, with the service behind it; the first that names it is kept."""
        self.add(port_of(number, protocol, name, product))

    def add(self, port: Port) -> None:
        """The same, as `port_of` gives it."""
        if not self.ports.get(port[0]):
            self.ports[port[0]] = port[1]


@lru_cache(maxsize=65536)
def port_of(number: int, protocol: str, name: str = "", product: str = "") -> Port:
    """A port and its service in one spelling: the same few stand in a file again and again."""
    return (number, protocol.casefold()), " ".join(word for word in (name.strip(), product.strip()) if word)[:100]


@lru_cache(maxsize=4096)
def _offers(ports: tuple[Port, ...], findings: tuple[tuple[str, int], ...]) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """(a Server's `extra`, (type, basis) of each Service it hosts) of machines with these ports and findings: many are alike."""
    extra: dict[str, Any] = {}
    if ports:
        extra["open ports"] = [f"{number}/{protocol} {words}".strip() for (number, protocol), words in sorted(ports)][:_LISTED]
    if findings:
        extra["findings"] = dict(sorted(findings))
    types = (
        (_NAMES.get(words.partition(" ")[0].casefold().rstrip("?")) or _PORTS.get((number, protocol)), f"{number}/{protocol} open")
        for (number, protocol), words in sorted(ports)
    )
    return json.dumps(extra, ensure_ascii=False, sort_keys=True) if extra else None, tuple((type_, basis) for type_, basis in types if type_)


class Scan:
    """States machines and services in `out`."""

    def __init__(self, out: FactBuffer) -> None:
        self._out = out
        self._hosts: dict[str, Host] = {}
        self._passed: set[str] = set()
        self.first: int | None = None
        self.last: int | None = None

    def host(self, ip: str | None, names: list[str], place: str, *, os: str | None = None) -> Host | None:
        """The machine with this address and these names; None, and counted, where it is only the scanner's own loopback."""
        address = ip_of(ip)
        found = server_of(address, names)
        if found is None:
            self._passed.add(" ".join([ip or "", *names]))
            return None
        node, fqdn = found
        host = self._hosts.setdefault(node[1], Host(node, place))
        host.ip, host.fqdn, host.os = host.ip or address, host.fqdn or fqdn, host.os or os
        host.name = host.name or next((name for name in names if name and ip_of(name) is None), None)
        return host

    def covers(self, at: int | None) -> None:
        """Something was seen at this time."""
        if at is not None:
            self.first = at if self.first is None or at < self.first else self.first
            self.last = at if self.last is None or at > self.last else self.last

    def finish(self, note: str = "a scan sees what answers it") -> None:
        """State the machines, and how many there were."""
        hosts = iter(self._hosts.values())
        while together := [*islice(hosts, _TOGETHER)]:
            self._state(together)
        if self._passed:
            self._out.note(f"{len(self._passed):,} {'host' if len(self._passed) == 1 else 'hosts'} without an address of its own (loopback, link-local), passed over")
        self._out.coverage("servers", first=self.first, last=self.last, collected=len(self._hosts), note=note)

    @property
    def times(self) -> dict[str, int]:
        """Between which times a machine had the address that the scan saw: an address may be another's the day after. Empty where not known."""
        return {} if self.first is None or self.last is None else {"valid_from": self.first, "valid_until": self.last + 1}

    def _state(self, hosts: list[Host]) -> None:
        said = [_offers(tuple(host.ports.items()), tuple(host.findings.items())) for host in hosts]
        self._out.nodes(
            "Server", [host.node[1] for host in hosts], [host.place for host in hosts], name=[host.fqdn or host.name or host.ip for host in hosts],
            fqdn=[host.fqdn for host in hosts], ip=[host.ip for host in hosts], os=[host.os for host in hosts], extra=[extra for extra, _ in said],
        )  # fmt: skip
        known = [(host.ip, host.fqdn, host.place) for host in hosts if host.fqdn and host.ip]
        self._out.edges(
            "SAME_IDENTITY", ("Server", [identity.host_key(ip) for ip, _, _ in known]), ("Server", [identity.host_key(fqdn) for _, fqdn, _ in known]),
            [place for _, _, place in known], reason="the scan gives both address and name", **self.times,
        )  # fmt: skip
        self._services([(host, *offer) for host, (_, offers) in zip(hosts, said, strict=True) for offer in offers])

    def _services(self, offered: list[tuple[Host, str, str]]) -> None:
        """What is offered: (machine, type, basis)."""
        names = [host.fqdn or host.ip or host.node[1].partition(":")[2] for host, _, _ in offered]
        types = [type_ for _, type_, _ in offered]
        keys = [f"service:{type_}/{name}" for type_, name in zip(types, names, strict=True)]
        places = [host.place for host, _, _ in offered]
        self._out.nodes("Service", keys, places, name=[f"{type_} of {name}" for type_, name in zip(types, names, strict=True)], type=types)
        self._out.edges("HOSTS", ("Server", [host.node[1] for host, _, _ in offered]), ("Service", keys), places, basis=[basis for _, _, basis in offered])


def same_server(out: FactBuffer, ip: str, fqdn: str, reason: str, place: str, **times: int) -> None:
    """The machine known by its address and the one known by its name are one, for `reason`; while `times` (valid_from, valid_until) last."""
    out.edge("SAME_IDENTITY", ("Server", identity.host_key(ip)), ("Server", identity.host_key(fqdn)), place, reason=reason, **times)


def root_of(head: bytes) -> str:
    """The name of an XML file's root element by its beginning, "" where that is none."""
    at, ends = len(head) - len(head.removeprefix(b"\xef\xbb\xbf").lstrip()), ((b"<!--", b"-->"), (b"<?", b"?>"), (b"<!", b">"))
    while closing := next((end for start, end in ends if head.startswith(start, at)), None):
        found = head.find(closing, at)
        if found < 0:
            return ""
        at = found + len(closing)
        while head[at : at + 1].isspace():
            at += 1
    name = re.compile(rb"<([A-Za-z_][\w.-]*)").match(head, at)
    return name[1].decode() if name else ""


class Walk:
    """Goes through an XML file once, without entities or anything from outside it, and without building a tree.

        walk = Walk("nmaprun", {"host": self._host, "port": self._port})
        walk.through(source)

    `begin`: what to do with the attributes of each element that begins, by its name; all others are passed over.
    """

    def __init__(self, root: str, begin: Mapping[str, Callable[[Said], None]]) -> None:
        self._root, self._begin = root, begin
        self._expat: Any = DefusedXMLParser(forbid_dtd=False, forbid_entities=True, forbid_external=True).parser
        # The guards of defusedxml stay in place; what would build a tree of what is read goes.
        for name in ("DefaultHandlerExpand", "EndElementHandler", "CharacterDataHandler", "CommentHandler", "ProcessingInstructionHandler"):
            setattr(self._expat, name, None)
        self._expat.buffer_text, self._expat.ordered_attributes = True, False
        self._expat.SkippedEntityHandler = self._skipped
        self._expat.StartElementHandler = self._first

    def texts(self, take: Callable[[str], None] | None) -> None:
        """From here on hand over the text between elements (in parts, until asked to stop by None)."""
        self._expat.CharacterDataHandler = take

    def through(self, source: Source) -> None:
        """Read it all. Raises Broken where the file stops being XML, declares entities, or has another root."""
        with source.open() as stream:
            try:
                while data := stream.read(_CHUNK):
                    self._expat.Parse(data, False)
                self._expat.Parse(b"", True)
            except ExpatError as error:
                raise _cut(error.lineno, error.offset) from None
            except DefusedXmlException as error:
                raise Broken("XML", f"declares what no scan does ({type(error).__name__})", "look at where it comes from") from None
            except (UnicodeError, LookupError, ValueError):
                raise Broken("XML", "the bytes do not fit the encoding it declares", "export it again") from None

    def _first(self, tag: str, said: Said) -> None:
        if tag != self._root:
            raise Broken("XML", f"the root is {tag[:40]}", "it is not the scanner's")
        find = self._begin.get

        def begin(tag: str, said: Said) -> None:
            if (take := find(tag)) is not None:
                take(said)

        self._expat.StartElementHandler = begin
        begin(tag, said)

    def _skipped(self, name: str, is_parameter_entity: bool) -> None:
        """An entity that is declared nowhere in the file."""
        if not is_parameter_entity:
            raise _cut(self._expat.CurrentLineNumber, self._expat.CurrentColumnNumber)


def _cut(line: int, column: int) -> Broken:
    return Broken(f"line {line}, column {column}", "the file stops being XML", "the scan was stopped or the file is cut: export it again")
