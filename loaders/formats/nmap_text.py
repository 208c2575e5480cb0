"""nmap's other outputs: grepable, `-oG` (.gnmap), and normal, `-oN` (.nmap) (formats.md 9).

Claims text that begins with `# Nmap … scan initiated`, or that has lines `Host: … Ports:` or `Nmap scan report for …`.

Yields what nmap says of the same machines: Server for each host that is up, and for open ports of remote desktop, remote shell, shares and VPN a
Service that it HOSTS; the address is the named machine's while the scan ran.

Traps: `open|filtered` is not open. The time is that of the scan's first and last line, in the scanner's zone, which is not told: --zone, else UTC.
A scan without its last line was stopped: what it found is kept, and told. Output of scripts is not read. In grepable output a service's
name may hold `|` for `/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.encodings import head_text, numbered_lines
from loaders.scans import Host, Scan
from loaders.zones import Clock

NAME = "nmap_text"
TITLE = "nmap grepable (-oG) or normal (-oN) output"
PRIORITY = "later"
SEEN = "not yet seen in the wild"
READS = "servers, open ports, remote desktop, remote shell, shares and VPN they offer"

_WHEN = r"[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d \d{4}"
_FIRST, _LAST = re.compile(rf"# Nmap .*scan initiated ({_WHEN})"), re.compile(rf"# Nmap done at ({_WHEN})")
_HOST = re.compile(r"Host: (\S+) \(([^)]*)\)\t(.*)")
_REPORT = re.compile(r"Nmap scan report for (?:(\S+) \(([^)\s]+)\)|(\S+))")
_PORT = re.compile(r"(\d{1,5})/(tcp|udp|sctp) +(\S+) *(\S*) *(.*)")
_CLAIMED = re.compile(r"^(?:# Nmap [^\n]*scan initiated |Host: \S+ \([^)\n]*\)\t(?:Ports|Status): |Nmap scan report for )", re.MULTILINE)


def detect(source: Source) -> Claim | None:
    """Claim by the lines that only nmap writes."""
    if source.is_dir or source.head.lstrip()[:1] == b"<":
        return None
    return Claim(8, "output of nmap") if _CLAIMED.search(head_text(source)) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines one by one."""
    text = numbered_lines(source, options, out)
    reader = _Reader(Scan(out), Clock(options.zone), out)
    for place, line in text:
        reader.line(line.rstrip("\r\n"), place)
    reader.finish()


class _Reader:
    def __init__(self, scan: Scan, clock: Clock, out: FactBuffer) -> None:
        self._scan, self._clock, self._out = scan, clock, out
        self._machines: dict[str, Host | None] = {}
        self._at: Host | None = None
        self._waiting: tuple[str, list[str], str] | None = None
        self._ended = False

    def line(self, text: str, place: str) -> None:
        if when := _FIRST.match(text) or _LAST.match(text):
            self._ended |= text.startswith("# Nmap done")
            at = _seconds(when[1])
            self._scan.covers(self._clock.utc(at) if at is not None else None)
        elif text.startswith("Nmap done"):
            self._ended = True
        elif host := _HOST.match(text):
            self._grepable(host[1], host[2], host[3], place)
        elif report := _REPORT.match(text):
            self._out.records += 1
            self._waiting = (report[2] or report[3], [report[1]] if report[1] else [], place)
            self._at = None
        elif text.startswith("Host is up") and self._waiting:
            self._at = self._scan.host(*self._waiting)
        elif self._at is not None and (port := _PORT.match(text)) and port[3] == "open":
            self._at.port(int(port[1]), port[2], port[4], port[5])

    def finish(self) -> None:
        self._out.records = max(1, self._out.records)
        if not self._ended:
            self._out.note("the scan's last line is missing: it was stopped, machines may be missing")
        self._scan.finish()

    def _grepable(self, ip: str, name: str, rest: str, place: str) -> None:
        parts = dict(part.partition(": ")[::2] for part in rest.split("\t"))
        if parts.get("Status") in ("Down", "Unknown") or not {"Ports", "Status"} & parts.keys():
            return
        if ip not in self._machines:
            self._out.records += 1
            self._machines[ip] = self._scan.host(ip, [name] if name else [], place, os=parts.get("OS"))
        if (host := self._machines[ip]) is not None:
            host.os = host.os or parts.get("OS")
            for number, protocol, service, product in _ports(parts.get("Ports", "")):
                host.port(number, protocol, service, product)


def _ports(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Open ports of `25/open/tcp//smtp//Exchange/, …`: number, state, protocol, owner, service, RPC, version."""
    for item in re.split(r", (?=\d+/)", text):
        cells = item.split("/")
        if len(cells) > 4 and cells[1] == "open" and cells[0].isascii() and cells[0].isdigit() and len(cells[0]) < 6:
            yield int(cells[0]), cells[2], cells[4].replace("|", "/"), cells[6] if len(cells) > 6 else ""


def _seconds(text: str) -> int | None:
    try:
        return int(datetime.strptime(" ".join(text.split()), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
