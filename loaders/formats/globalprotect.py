"""Palo Alto firewall log, CSV by syslog or JSON: sign-ins to GlobalProtect, its VPN (formats.md 9).

Claims lines with `…,GLOBALPROTECT,…` in the fourth field, and JSON records whose LogType is GLOBALPROTECT.

Yields Observation `obs:globalprotect/<hash>` (at = the time generated; operation = the event's name; ip = the client's public address) with OBSERVED to
the account and to the Service `service:vpn/<portal or gateway>`; SIGNS_IN_TO from the first that was let in. Sign-ins are the events of
authentication and connection (`portal-auth`, `gateway-auth`, `gateway-connected`, `gateway-register`, `gateway-switch-to-ssl`); their status says
whether they were let in. Coverage: sign-ins, for each portal or gateway.

Traps: the time generated has no zone and is taken as UTC, except where the one in high resolution is there, which has. Older versions have fewer
fields and call `gateway-auth` `gw-auth`. Traffic, threats and what has no user (tunnels that are kept up, logouts) are passed over.
"""

from __future__ import annotations

import csv
import re
from typing import Any

import orjson

from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.encodings import head_text, numbered_lines
from loaders.remote_access import RemoteAccess

NAME = "globalprotect"
TITLE = "Palo Alto GlobalProtect log (CSV, JSON)"
PRIORITY = "later"
SEEN = "real sample"
READS = "sign-ins to a VPN"

_CSV = re.compile(r"(?:^|\s)(\d+,\d{4}/\d\d/\d\d \d\d:\d\d:\d\d,[^,\s]*,GLOBALPROTECT,.*)")
_ANY = re.compile(r"(?:^|\s)\d+,\d+/\d+/\d+ \d+:\d\d(?::\d\d)?,[^,\s]*,[A-Z]{3,},")
_JSON = re.compile(r'"LogType"\s*:\s*"GLOBALPROTECT"')
_SIGN_INS = frozenset(("portal-auth", "gateway-auth", "gw-auth", "gateway-connected", "gateway-register", "gateway-switch-to-ssl"))
# Names of a record's parts -> number of the field in CSV.
_FIELDS = {
    "time": 6, "event": 8, "user": 12, "machine": 14, "public": 15, "public6": 16, "private": 17, "description": 27, "status": 28, "gateway": 33,
    "sequence": 34, "exact": 36,
}  # fmt: skip
_KEYS = {
    "time": ("TimeGenerated",), "event": ("EventIDValue", "EventID"), "user": ("SourceUserName", "SourceUser"), "machine": ("EndpointDeviceName",), "public": ("PublicIPv4",),
    "public6": ("PublicIPv6",), "private": ("PrivateIPv4",), "description": ("Description",), "status": ("EventStatus",),
    "gateway": ("Gateway", "Portal", "DeviceName"), "sequence": ("SequenceNo",), "exact": ("TimeGeneratedHighResolution",),
}  # fmt: skip
Parts = dict[str, str]


def detect(source: Source) -> Claim | None:
    """Claim by the first lines."""
    if source.is_dir:
        return None
    text = head_text(source)
    return Claim(8, "events of GlobalProtect") if "GLOBALPROTECT" in text and (_JSON.search(text) or any(map(_CSV.search, text.splitlines()))) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines one by one."""
    log = RemoteAccess(out, NAME)
    for place, line in numbered_lines(source, options, out):
        if line.strip():
            out.records += 1
            _line(line, place, log, options.now)
    log.finish()


def _line(text: str, place: str, log: RemoteAccess, now: int | None) -> None:
    parts = _of_json(text) if text.lstrip().startswith("{") else _of_csv(text)
    if parts is None:
        log.out.refuse(place, "", "not an event of the firewall")
    elif parts.get("event", "").casefold() not in _SIGN_INS:
        log.tally.add("of traffic and of events that tell of no sign-in, passed over")
    else:
        _event(parts, place, log, now)


def _event(parts: Parts, place: str, log: RemoteAccess, now: int | None) -> None:
    ok = {"success": True, "failure": False, "failed": False}.get(parts["status"].casefold())
    inside = parts["private"] if any(char in "123456789" for char in parts["private"]) else ""
    notes = [f"from {parts['machine'].casefold()}"] if parts["machine"] else []
    notes += [f"address within the tunnel {inside}"] if inside else []
    log.sign_in(
        place, at=_moment(parts, log, now), user=parts["user"], gateway=parts["gateway"], operation=parts["event"], ok=ok, note="; ".join(notes),
        ip=parts["public"] if any(char in "123456789" for char in parts["public"]) else parts["public6"],
        record="|".join(parts[name] for name in ("sequence", "time", "event", "user", "gateway", "public")),
    )  # fmt: skip


def _moment(parts: Parts, log: RemoteAccess, now: int | None) -> int | None:
    for text, zoned in ((parts["exact"], True), (parts["time"], parts["time"].endswith("Z"))):
        if (found := dates.believed(text, now)) is not None:
            log.local += not zoned
            return found
    return None


def _of_csv(text: str) -> Parts | None:
    """The parts of a line; without `event` those of other logs; None for what is no line of the firewall."""
    match = _CSV.search(text)
    if match is None:
        return {} if _ANY.search(text) or "|Palo Alto Networks|" in text or "LEEF:" in text else None
    try:
        (row,) = csv.reader([match[1].strip()], strict=True)
    except (csv.Error, ValueError):
        return None
    return {name: row[number].strip() if number < len(row) else "" for name, number in _FIELDS.items()}


def _of_json(text: str) -> Parts | None:
    if '"LogType"' in text and not _JSON.search(text):
        return {}
    try:
        record: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(record, dict):
        return None
    if record.get("LogType") != "GLOBALPROTECT":
        return {}
    return {name: next((str(value).strip() for key in keys if (value := record.get(key)) not in (None, "")), "") for name, keys in _KEYS.items()}
