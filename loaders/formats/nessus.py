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
from typing import Any

from loaders import dates
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.scans import Host, Scan, root_of, xml_events

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
        _read_xml(source, options, out)
    else:
        _read_csv(source, options, out)


def _dialect(header: frozenset[str] | set[str]) -> str | None:
    return next((name for name, signs in _SIGNS.items() if signs <= header), None)


def _read_xml(source: Source, options: Options, out: FactBuffer) -> None:
    scan, number = Scan(out), 0
    ports: list[tuple[int, str, str]] = []
    findings: list[str] = []
    for event, element in xml_events(source):
        if event != "end":
            continue
        if element.tag == "ReportItem":
            port = _number(element.get("port"))
            if port:
                ports.append((port, element.get("protocol", "tcp"), element.get("svc_name", "")))
            findings.append(element.get("severity", "0"))
            element.clear()  # descriptions and what plugins printed: never kept
        elif element.tag == "ReportHost":
            number += 1
            out.records += 1
            _xml_host(element, f"host {number}", scan, options, ports, findings)
            element.clear()
            ports, findings = [], []
        elif element.tag in ("Policy", "preference", "item"):
            element.clear()
    if not number:
        raise Broken("Report", "no ReportHost", "the scan holds no results: export it again")
    scan.finish()


def _xml_host(element: Any, place: str, scan: Scan, options: Options, ports: list[tuple[int, str, str]], findings: list[str]) -> None:
    tags = {tag.get("name"): (tag.text or "").strip() for tag in element.iter("tag")}
    name = element.get("name", "").strip()
    names = [tags.get("host-fqdn", ""), tags.get("host-rdns", ""), name, tags.get("netbios-name", "").rpartition("\\")[2]]
    scan.covers(_when(tags.get("HOST_START", ""), options))
    scan.covers(_when(tags.get("HOST_END", ""), options))
    found = scan.host(tags.get("host-ip") or name, names, place, os=tags.get("operating-system", "").partition("\n")[0] or None)
    if found is None:
        return
    for port, protocol, service in ports:
        found.port(port, protocol, service)
    for level in findings:
        _finding(found, _SEVERITIES[int(level)] if level in ("0", "1", "2", "3", "4") else "")


def _read_csv(source: Source, options: Options, out: FactBuffer) -> None:
    table, scan = Table(source, options, out), Scan(out)
    dialect = _dialect(set(table.header))
    if dialect is None:
        raise Broken("header", "not a dialect of Nessus that is known", "export with the columns host, port and protocol")
    ips, names, os, severity, seen = _DIALECTS[dialect]
    for row in table:
        scan.covers(_when(row.get(seen), options))
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
        found.findings[level] += 1


def _number(text: str | None) -> int | None:
    value = (text or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else None


def _when(text: str, options: Options) -> int | None:
    """`Tue Jun 25 10:39:42 2013`, or any other date; None where there is none or its zone is not known."""
    if not text:
        return None
    try:
        at = datetime.strptime(" ".join(text.split()), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        return dates.moment(at.isoformat(), None, options.now)
    except ValueError:
        pass
    try:
        return dates.moment(text, None, options.now)
    except dates.BadDate:
        return None
