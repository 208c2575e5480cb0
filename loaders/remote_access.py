r"""Sign-ins to a VPN as facts, whichever gateway wrote them (formats.md 9): who, to which gateway, from where, when, and whether it was let in.

    log = RemoteAccess(out, "fortigate")
    log.sign_in(place, at=…, user="CORP\\ann", gateway="fw1", operation="tunnel-up", ok=True, record="…", ip="203.0.113.9") …
    log.finish()

The gateway is the Service `service:vpn/<its name>`, as access.csv names it. A first sign-in that was let in proves the right at that time
(SIGNS_IN_TO); it may be older. What was typed where nobody was let in may be a password in the wrong place: such a name is kept only where the
same one was let in at some time in the file.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from loaders.base import FactBuffer
from loaders.recipients import Node, Recipients, Tally
from loaders.signins import plain_ip

_NOBODY = frozenset(("", "-", "n/a", "(null)", "null", "unknown"))
_MACHINE = re.compile(r"^host/|\$(@.*)?$", re.IGNORECASE)
LOCAL_TIME = "times without a zone were taken as UTC: they may be hours off"


@dataclass(frozen=True)
class _Failed:
    """A sign-in that was not let in, until it is known whether its name is somebody's."""

    place: str
    at: int
    user: str
    gateway: Node
    operation: str
    key: str
    ip: str | None
    note: str | None


class RemoteAccess:
    """States sign-ins to VPN gateways in `out`."""

    def __init__(self, out: FactBuffer, format_: str) -> None:
        self.out, self.tally = out, Tally()
        self._format, self._who = format_, Recipients(out)
        self._accounts: dict[str, Node] = {}
        self._said: set[tuple[str, ...]] = set()
        self._failed: list[_Failed] = []
        self._first: dict[tuple[str, str], tuple[int, str]] = {}  # account, service -> when it was first let in, and where that stands
        self._spans: dict[str, list[int]] = {}
        self.local = 0
        """Records of which only a local time is known."""

    def sign_in(
        self, place: str, *, at: int | None, user: str, gateway: str, operation: str, ok: bool | None, record: str, ip: str = "", session: str = "", note: str = ""
    ) -> None:  # fmt: skip
        """One record. `record`: what tells it from every other, in any form; `note`: in words."""
        name, box = user.strip(), " ".join(gateway.split()).casefold()
        if at is None or not box:
            self.out.refuse(place, operation, "no date that can be believed" if at is None else "no name of a gateway")
            return
        if name.casefold() in _NOBODY or _MACHINE.search(name):
            self.tally.add("of machines, or of nobody: left out")
            return
        key = f"obs:{self._format}/{hashlib.sha256(record.encode()).hexdigest()[:32]}"
        if not self._once(key):
            self.tally.add("standing in the file more than once, read once")
            return
        span = self._spans.setdefault(box, [at, at, 0])
        span[0], span[1], span[2] = min(span[0], at), max(span[1], at), span[2] + 1
        service = self._service(box, gateway, place)
        if ok is False:
            self._failed.append(_Failed(place, at, name, service, operation, key, plain_ip(ip), note or None))
            return
        account = self._account(name, place)
        self._observe(place, at, account, service, operation, key, plain_ip(ip), note or None, ok=ok, session=session or None)
        known = self._first.get((account[1], service[1]))
        if known is None or at < known[0]:
            self._first[account[1], service[1]] = (at, place)

    def _once(self, *what: str) -> bool:
        new = what not in self._said
        self._said.add(what)
        return new

    def _service(self, box: str, gateway: str, place: str) -> Node:
        service = ("Service", f"service:vpn/{box}")
        if self._once(*service):
            self.out.node("Service", service[1], place, name=f"vpn of {gateway.strip()}", type="vpn")
        return service

    def _account(self, name: str, place: str) -> Node:
        known = self._accounts.get(name.casefold())
        if known is None:
            known = self._accounts[name.casefold()] = self._who.trustee(name, place)
        return known

    def _observe(
        self, place: str, at: int, account: Node | None, service: Node, operation: str, key: str, ip: str | None, note: str | None, *, ok: bool | None, session: str | None = None
    ) -> None:  # fmt: skip
        self.out.node(
            "Observation", key, place, name="VPN sign-in" if ok is not False else "VPN sign-in failed", at=at, operation=operation, ip=ip, session=session,
            as_who="vpn", succeeded=ok, note=note,
        )  # fmt: skip
        if account is not None:
            self.out.edge("OBSERVED", ("Observation", key), account, place, role="actor")
        self.out.edge("OBSERVED", ("Observation", key), service, place, role="target")

    def finish(self, note: str | None = None) -> None:
        """What failed, the rights, the notes, the coverage."""
        for one in self._failed:
            self._observe(one.place, one.at, self._accounts.get(one.user.casefold()), one.gateway, one.operation, one.key, one.ip, one.note, ok=False)
        self._failed.clear()
        for (account, service), (at, place) in self._first.items():
            self.out.edge("SIGNS_IN_TO", ("Account", account), ("Service", service), place, via="vpn", basis="sign-in in the log", valid_from=at)
        self._first.clear()
        if self.local:
            self.out.note(f"{self.local:,} {'record' if self.local == 1 else 'records'}: {LOCAL_TIME}")
        self.tally.tell(self.out)
        for box, (first, last, count) in sorted(self._spans.items()):
            self.out.coverage("sign-ins", box, first=first, last=last, collected=count, note="; ".join(filter(None, ("VPN", note))))
