"""nmap XML, `-oX` (formats.md 9).

Claims XML whose root is `nmaprun`.

Yields Server for each host that is up (name of type user or PTR, address, operating system by the best match; open ports in `extra`), and for
open ports of remote desktop, remote shell, shares and VPN a Service that the Server HOSTS. The address is the
named machine's while the scan ran (SAME_IDENTITY from `start` to `finished`): it may be another's later.

Traps: most hosts listed are down; `open|filtered` is not open. The scanned machine may be the scanner itself (127.0.0.1): passed over. A
machine may have several names: the first full one is taken. A DTD line is allowed, entities are not. A scan that was stopped ends
without `</nmaprun>` and is not read. No connection is stated, since the scanner's own address is not in the file. Output of scripts, which may hold
anything, is not read. See nmap.org/book/nmap-dtd.html.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.scans import Port, Said, Scan, Walk, port_of, root_of

NAME = "nmap"
TITLE = "nmap XML"
PRIORITY = "should"
SEEN = "real sample"
READS = "servers, open ports, remote desktop, remote shell, shares and VPN they offer"


def detect(source: Source) -> Claim | None:
    """Claim the root element."""
    return Claim(9, "root nmaprun") if not source.is_dir and root_of(source.head) == "nmaprun" else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read host by host. Raises Broken where the file is cut or is no XML."""
    _Reader(options, out).read(source)


class _Reader:
    """Gathers what the elements of one host say, and hands it over when the next begins."""

    def __init__(self, options: Options, out: FactBuffer) -> None:
        self._out, self._now, self._scan = out, options.now, Scan(out)
        self._number = 0
        self._statuses: list[Said] = []
        self._addresses: list[Said] = []
        self._names: list[Said] = []
        self._matches: list[Said] = []
        self._classes: list[Said] = []
        self._ports: list[list[Said]] = []
        self._end: str | None = None
        self._begin: dict[str, Callable[[Said], None]] = {
            "nmaprun": lambda said: self._scan.covers(_time(said.get("start"), self._now)), "finished": lambda said: self._scan.covers(_time(said.get("time"), self._now)),
            "host": self._host, "hosthint": self._hint, "runstats": self._hint, "status": self._statuses.append, "address": self._addresses.append,
            "hostname": self._names.append, "osmatch": self._matches.append, "osclass": self._classes.append, "port": self._port,
        }  # fmt: skip

    def read(self, source: Source) -> None:
        Walk("nmaprun", self._begin).through(source)
        self._hand_over()
        self._out.records += self._number or 1
        self._scan.finish()

    def _host(self, said: Said) -> None:
        self._hint(said)
        self._number += 1
        self._end = said.get("endtime", "")

    def _hint(self, said: Said) -> None:
        """What was learned before the scan (hosthint), or its end: no host, and what follows is none's."""
        self._hand_over()
        self._end = None
        for heard in (self._statuses, self._addresses, self._names, self._matches, self._classes, self._ports):
            heard.clear()
        self._begin.pop("state", None)
        self._begin.pop("service", None)

    def _port(self, said: Said) -> None:
        port = [said]
        self._ports.append(port)
        self._begin["state"] = self._begin["service"] = port.append

    def _hand_over(self) -> None:
        if self._end is None or not self._statuses or self._statuses[0].get("state") != "up":
            return
        ips = {said.get("addrtype"): said.get("addr") for said in self._addresses}
        best = max(self._matches, key=_accuracy, default=None)
        os = best.get("name") if best is not None else _class(self._classes)
        names = [said.get("name", "") for said in self._names]
        found = self._scan.host(ips.get("ipv4") or ips.get("ipv6"), names, f"host {self._number}", os=os)
        self._scan.covers(_time(self._end, self._now))
        if found is None:
            return
        for said, *more in self._ports:
            state, service = {}, {}
            for part in reversed(more):  # the first of each counts
                if "state" in part:
                    state = part
                else:
                    service = part
            if state.get("state") == "open":
                get = service.get
                port = _port_of(said.get("portid", ""), said.get("protocol", "tcp"), get("name", ""), get("product", ""), get("version", ""))
                if port is not None:
                    found.add(port)


@lru_cache(maxsize=65536)
def _port_of(number: str, protocol: str, name: str, product: str, version: str) -> Port | None:
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        return None
    return port_of(int(number), protocol, name, " ".join(part for part in (product, version) if part))


def _accuracy(match: Said) -> int:
    text = match.get("accuracy", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _class(classes: list[Said]) -> str | None:
    """The operating system of older files, by its best class."""
    best = max(classes, key=_accuracy, default=None)
    if best is None or _accuracy(best) < 90:
        return None
    return " ".join(part for name in ("vendor", "osfamily", "osgen") if (part := best.get(name, ""))) or None


@lru_cache(maxsize=4096)
def _time(text: str | None, now: int | None) -> int | None:
    return dates.believed(text or "", now)
