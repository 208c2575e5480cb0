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

from typing import Any

from loaders import dates
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.scans import Scan, root_of, xml_events

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
    scan = Scan(out)
    root: Any = None
    number = 0
    for event, element in xml_events(source):
        if root is None:
            root = element
            if element.tag != "nmaprun":
                raise Broken("XML", f"the root is {element.tag[:40]}", "it is not nmap's")
            scan.covers(_time(element.get("start"), options))
        elif event == "end" and element.tag == "host":
            number += 1
            out.records += 1
            _host(element, f"host {number}", scan, options)
            root.clear()
        elif event == "end" and element.tag == "finished":
            scan.covers(_time(element.get("time"), options))
    out.records += not number
    scan.finish()


def _host(host: Any, place: str, scan: Scan, options: Options) -> None:
    status = host.find("status")
    if status is None or status.get("state") != "up":
        return
    addresses = {item.get("addrtype"): item.get("addr") for item in host.iter("address")}
    names = [item.get("name", "") for item in host.iter("hostname")]
    best = max(host.iter("osmatch"), key=_accuracy, default=None)
    found = scan.host(addresses.get("ipv4") or addresses.get("ipv6"), names, place, os=best.get("name") if best is not None else _class(host))
    scan.covers(_time(host.get("endtime"), options))
    if found is None:
        return
    for port in host.iter("port"):
        state, service, number = port.find("state"), port.find("service"), port.get("portid", "")
        if state is not None and state.get("state") == "open" and number.isascii() and number.isdigit() and len(number) < 6:
            said = service.attrib if service is not None else {}
            product = " ".join(part for part in (said.get("product", ""), said.get("version", "")) if part)
            found.port(int(number), port.get("protocol", "tcp"), said.get("name", ""), product)


def _accuracy(match: Any) -> int:
    text = match.get("accuracy", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _class(host: Any) -> str | None:
    """The operating system of older files, by its best class."""
    best = max(host.iter("osclass"), key=_accuracy, default=None)
    if best is None or _accuracy(best) < 90:
        return None
    return " ".join(part for name in ("vendor", "osfamily", "osgen") if (part := best.get(name, ""))) or None


def _time(text: str | None, options: Options) -> int | None:
    return dates.believed(text or "", options.now)
