"""Nessus: v2 XML (.nessus), and the CSV of Nessus, Tenable.sc and Tenable.io (formats.md 10).

Claims XML with the root NessusClientData_v2; a CSV with `Plugin ID`, `Host`, `Port` (Nessus), `Plugin`, `IP Address`, `Port` (Tenable.sc) or
`asset.display_ipv4_address` and `definition.id` (Tenable.io, by `;`).

Yields Server (host-fqdn, host-ip, netbios-name, operating-system; open ports and the number of findings by severity in `extra`), and for ports of
remote desktop, remote shell, shares and VPN a Service that the Server HOSTS.

Traps: port 0 is the machine itself. HOST_END is local time without a zone and is taken as UTC. In CSV a port is known only where a plugin found
something there. Tenable.sc's times name zones (`MST`), which are not read. What plugins print may hold anything, passwords too, and the policy
of a scan holds the credentials it used: neither is read. See docs.tenable.com, Nessus file format.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from loaders import dates
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.scans import Host, Port, Said, Scan, Walk, port_of, root_of

NAME = "nessus"
TITLE = "Nessus v2 XML; CSV of Nessus, Tenable.sc, Tenable.io"
PRIORITY = "later"
SEEN = "real sample"
READS = "servers, operating systems, open ports, remote desktop, remote shell, shares and VPN they offer"

# Columns of each dialect: address, names, operating system, severity, when last seen.
_DIALECTS = {
    "tenable.io": (("asset.display_ipv4_address",), ("asset.display_fqdn", "asset.host_name", "asset.name", "asset.netbios_name"), "asset.operating_system", "severity", "last_seen"),
    "tenable.sc": (("ip address",), ("dns name", "netbios name"), "", "severity", "last observed"),
    "nessus": (("host", "host ip"), ("fqdn", "host", "netbios name"), "os", "risk", "host end"),
}  # fmt: skip
_SIGNS = {
    "tenable.io": {"asset.display_ipv4_address", "definition.id"}, "tenable.sc": {"plugin", "plugin name", "ip address", "port"},
    "nessus": {"plugin id", "host", "port", "protocol"},
}  # fmt: skip
_SEVERITIES = ("info", "low", "medium", "high", "critical")


def detect(source: Source) -> Claim | None:
    """Claim the root element, or the columns of a dialect."""
    if source.is_dir:
        return None
    if root_of(source.head) == "NessusClientData_v2":
        return Claim(9, "root NessusClientData_v2")
    if source.head.lstrip()[:1] in (b"<", b"{", b"["):
        return None
    found = _dialect(header_of(source))
    return Claim(8, f"columns of {found}") if found else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the file host by host or row by row. Raises Broken where it is cut."""
    if source.head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        _Reader(options, out).read(source)
    else:
        _read_csv(source, options, out)


def _dialect(header: frozenset[str] | set[str]) -> str | None:
    return next((name for name, signs in _SIGNS.items() if signs <= header), None)


class _Reader:
    """Gathers what the elements of one ReportHost say, and hands it over when the next begins.

    Only properties of machines and attributes of findings are looked at: descriptions and what plugins printed never are.
    """

    def __init__(self, options: Options, out: FactBuffer) -> None:
        self._out, self._options, self._scan = out, options, Scan(out)
        self._number = 0
        self._name: str | None = None
        self._tags: dict[str | None, list[str]] | None = None
        self._findings: list[tuple[Port | None, str]] = []
        self._walk = Walk("NessusClientData_v2", {
            "ReportHost": self._host, "HostProperties": self._properties, "tag": self._tag, "ReportItem": self._item, "Report": self._silent, "Policy": self._silent,
        })  # fmt: skip
        self._known: dict[str | None, list[str]] = {}

    def read(self, source: Source) -> None:
        self._walk.through(source)
        self._hand_over()
        if not self._number:
            raise Broken("Report", "no ReportHost", "the scan holds no results: export it again")
        self._out.records += self._number
        self._scan.finish()

    def _host(self, said: Said) -> None:
        self._silent(said)
        self._number += 1
        self._name, self._known, self._findings = said.get("name", ""), {}, []

    def _properties(self, said: Said) -> None:
        self._tags = self._known

    def _tag(self, said: Said) -> None:
        if self._tags is not None:
            parts: list[str] = []
            self._tags[said.get("name")] = parts
            self._walk.texts(parts.append)

    def _item(self, said: Said) -> None:
        if self._tags is not None:
            self._tags = None
            self._walk.texts(None)
        self._findings.append(_finding_of(said.get("port"), said.get("protocol", "tcp"), said.get("svc_name", ""), said.get("severity", "0")))

    def _silent(self, said: Said) -> None:
        """No host, or the next one."""
        self._hand_over()
        self._tags = None
        self._walk.texts(None)

    def _hand_over(self) -> None:
        if self._name is None:
            return
        tags = {name: "".join(parts).strip() for name, parts in self._known.items()}
        name, self._name = self._name.strip(), None
        names = [tags.get("host-fqdn", ""), tags.get("host-rdns", ""), name, tags.get("netbios-name", "").rpartition("\\")[2]]
        self._scan.covers(_when(tags.get("HOST_START", ""), self._options.now))
        self._scan.covers(_when(tags.get("HOST_END", ""), self._options.now))
        os = tags.get("operating-system", "").partition("\n")[0] or None
        found = self._scan.host(tags.get("host-ip") or name, names, f"host {self._number}", os=os)
        if found is None:
            return
        for port, level in self._findings:
            if port is not None:
                found.add(port)
            _finding(found, level)


@lru_cache(maxsize=65536)
def _finding_of(port: str | None, protocol: str, service: str, severity: str) -> tuple[Port | None, str]:
    """(the port or None, the severity in words): the same few stand in a file again and again."""
    number = _number(port)
    return port_of(number, protocol, service) if number else None, _SEVERITIES[int(severity)] if severity in ("0", "1", "2", "3", "4") else ""


def _read_csv(source: Source, options: Options, out: FactBuffer) -> None:
    table, scan = Table(source, options, out), Scan(out)
    dialect = _dialect(set(table.header))
    if dialect is None:
        raise Broken("header", "not a dialect of Nessus that is known", "export with the columns host, port and protocol")
    ips, names, os, severity, seen = _DIALECTS[dialect]
    for row in table:
        scan.covers(_when(row.get(seen), options.now))
        address = next((text for column in ips if (text := row.get(column))), "")
        found = scan.host(address, [row.get(column) for column in names], row.place, os=row.get(os) or None if os else None)
        if found is None:
            continue
        _row(row, found, severity)
    scan.finish("findings of a scanner: a machine without any is not in the file")


def _row(row: Row, found: Host, severity: str) -> None:
    port = _number(row.get("port"))
    if port:
        found.port(port, row.get("protocol") or "tcp")
    _finding(found, row.get(severity).casefold())


def _finding(found: Host, level: str) -> None:
    if level in _SEVERITIES[1:]:
        found.findings[level] = found.findings.get(level, 0) + 1


def _number(text: str | None) -> int | None:
    value = (text or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else None


@lru_cache(maxsize=4096)
def _when(text: str, now: int | None) -> int | None:
    """`Tue Jun 25 10:39:42 2013`, or any other date; None where there is none or its zone is not known."""
    if not text:
        return None
    try:
        at = datetime.strptime(" ".join(text.split()), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        return dates.moment(at.isoformat(), None, now)
    except ValueError:
        pass
    try:
        return dates.moment(text, None, now)
    except dates.BadDate:
        return None
