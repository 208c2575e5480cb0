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
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

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


@lru_cache(maxsize=65536)
def ip_of(text: str | None) -> str | None:
    """An IP address in one spelling, or None when it is none, or one that every machine has (loopback) or that nobody else reaches it by."""
    try:
        found = ipaddress.ip_address((text or "").strip())
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

    def __init__(self, node: Node, place: str) -> None:
        self.node, self.place = node, place
        self.ip: str | None = None
        self.fqdn: str | None = None
        self.name: str | None = None
        self.os: str | None = None
        self.ports: dict[tuple[int, str], str] = {}
        self.findings: Counter[str] = Counter()

    def port(self, number: int, protocol: str, name: str = "", product: str = "") -> None:
        """A port that answered, with the service behind it; the first that names it is kept."""
        words = " ".join(word for word in (name.strip(), product.strip()) if word)
        if not self.ports.get((number, protocol.casefold())):
            self.ports[number, protocol.casefold()] = words[:100]


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
        for host in self._hosts.values():
            self._state(host)
        if self._passed:
            self._out.note(f"{len(self._passed):,} {'host' if len(self._passed) == 1 else 'hosts'} without an address of its own (loopback, link-local), passed over")
        self._out.coverage("servers", first=self.first, last=self.last, collected=len(self._hosts), note=note)

    @property
    def times(self) -> dict[str, int]:
        """Between which times a machine had the address that the scan saw: an address may be another's the day after. Empty where not known."""
        return {} if self.first is None or self.last is None else {"valid_from": self.first, "valid_until": self.last + 1}

    def _state(self, host: Host) -> None:
        listed = [f"{number}/{protocol} {words}".strip() for (number, protocol), words in sorted(host.ports.items())]
        extra: dict[str, Any] = {}
        if listed:
            extra["open ports"] = listed[:_LISTED]
        if host.findings:
            extra["findings"] = dict(sorted(host.findings.items()))
        self._out.node(
            "Server", host.node[1], host.place, name=host.fqdn or host.name or host.ip, fqdn=host.fqdn, ip=host.ip, os=host.os,
            extra=json.dumps(extra, ensure_ascii=False, sort_keys=True) if extra else None,
        )  # fmt: skip
        if host.fqdn and host.ip:
            same_server(self._out, host.ip, host.fqdn, "the scan gives both address and name", host.place, **self.times)
        for (number, protocol), words in sorted(host.ports.items()):
            type_ = _NAMES.get(words.partition(" ")[0].casefold().rstrip("?")) or _PORTS.get((number, protocol))
            if type_:
                self._service(host, type_, f"{number}/{protocol} open")

    def _service(self, host: Host, type_: str, basis: str) -> None:
        name = host.fqdn or host.ip or host.node[1].partition(":")[2]
        service = ("Service", f"service:{type_}/{name}")
        self._out.node("Service", service[1], host.place, name=f"{type_} of {name}", type=type_)
        self._out.edge("HOSTS", host.node, service, host.place, basis=basis)


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


def xml_events(source: Source) -> Iterator[tuple[str, Any]]:
    """(start or end, element) through an XML file, without entities or anything from outside it.

    The caller clears elements it has read. Raises Broken where the file stops being XML or declares entities.
    """
    with source.open() as stream:
        try:
            yield from iterparse(stream, events=("start", "end"), forbid_dtd=False, forbid_entities=True, forbid_external=True)
        except ParseError as error:
            line, column = error.position
            raise Broken(f"line {line}, column {column}", "the file stops being XML", "the scan was stopped or the file is cut: export it again") from None
        except DefusedXmlException as error:
            raise Broken("XML", f"declares what no scan does ({type(error).__name__})", "look at where it comes from") from None
        except (UnicodeError, LookupError, ValueError):
            raise Broken("XML", "the bytes do not fit the encoding it declares", "export it again") from None
