"""FortiGate log, `key=value` or CEF: sign-ins to its VPN (formats.md 9).

Claims lines with `logid=`, `type=` and one of `devname=`, `devid=`; and `CEF:0|Fortinet|Fortigate`; with or without a syslog prefix.

Yields, of events of the VPN (`subtype="vpn"`): Observation `obs:fortigate/<hash>` (at = `eventtime`; operation = `action`; ip = `remip`; the address
within the tunnel as a note) with OBSERVED to the account and to the Service `service:vpn/<devname>`; SIGNS_IN_TO from the first that was let in.
`tunnel-up` and a successful `negotiate` of a user (xauth) are sign-ins, `ssl-login-fail` is one that failed; of a tunnel whose beginning is not in
the file, the first `tunnel-stats` or `tunnel-down` shows that it was there. Coverage: sign-ins, for each device.

Traps: `eventtime` counts seconds or nanoseconds; without it `date` and `time` are the device's local time, with `tz` or none. `N/A` is nobody:
tunnels between sites have no user. Fields may stand between commas. A user may be written with its LDAP name behind (`ann,cn=ann`). Traffic and all other events are passed over.
"""

from __future__ import annotations

import re

from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.encodings import head_text, numbered_lines
from loaders.remote_access import RemoteAccess

NAME = "fortigate"
TITLE = "FortiGate VPN log (key=value, CEF)"
PRIORITY = "later"
SEEN = "real sample"
READS = "sign-ins to a VPN"

_PAIR = re.compile(r'(?:^|[\s|>,])(\w+)=("(?:[^"\\]|\\.)*"|[^\s",]*)')
_CEF = re.compile(r"(?:CEF:)?\d\|Fortinet\|Forti[Gg]ate[^|]*\|(?:[^|]*\|){4}(?P<fields>.*)")
_CEF_FIELD = re.compile(r"(?:^|\s)([A-Za-z][A-Za-z0-9_]*)=")
_LINE = re.compile(r"^(?=.*\blogid=)(?=.*\btype=)(?=.*\b(?:devname|devid)=)", re.MULTILINE)
_ZONE = re.compile(r"[+-]\d{4}")
_DURING = frozenset(("tunnel-stats", "tunnel-down", "tunnel-statistics"))
Fields = dict[str, str]


def detect(source: Source) -> Claim | None:
    """Claim by the first lines."""
    if source.is_dir:
        return None
    text = head_text(source)
    if "|Fortinet|" in text and _CEF.search(text):
        return Claim(9, "events of a FortiGate (CEF)")
    return Claim(8, "lines of a FortiGate") if "logid=" in text and _LINE.search(text) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines one by one."""
    reader = _Reader(RemoteAccess(out, NAME), options)
    for place, line in numbered_lines(source, options, out):
        if line.strip():
            out.records += 1
            reader.line(line, place)
    reader.log.finish()


class _Reader:
    def __init__(self, log: RemoteAccess, options: Options) -> None:
        self.log, self._now = log, options.now
        self._tunnels: set[tuple[str, str, str]] = set()

    def line(self, text: str, place: str) -> None:
        """One line."""
        fields = _of_cef(text) if "|Fortinet|" in text else {name: value.strip('"') for name, value in _PAIR.findall(text)}
        if "logid" not in fields and "action" not in fields:
            self.log.out.refuse(place, "", "not an event of a FortiGate")
        elif fields.get("subtype") != "vpn" or fields.get("type", "event") != "event":
            self.log.tally.add("of traffic and of other events than the VPN's, passed over")
        else:
            self._event(fields, place)

    def _event(self, fields: Fields, place: str) -> None:
        action = fields.get("action", "").casefold()
        user = next((name for word in ("user", "xauthuser") if (name := fields.get(word, "").partition(",cn=")[0]) not in ("", "N/A")), "")
        gateway = fields.get("devname") or fields.get("devid", "")
        tunnel = (gateway, user, fields.get("tunnelid", ""))
        if action == "negotiate" and user:
            ok = fields.get("status", "").casefold() == "success"
        elif action in ("tunnel-up", "ssl-login-fail"):
            ok = action == "tunnel-up"
        elif action in _DURING and tunnel not in self._tunnels:
            ok = True
        else:
            self.log.tally.add("of the VPN that tell of no sign-in, passed over")
            return
        if ok:
            self._tunnels.add(tunnel)
        inside = fields.get("tunnelip") or fields.get("assignip", "")
        inside = "" if inside in ("N/A", "(null)") else inside
        notes = [f"address within the tunnel {inside}"] if inside else []
        notes += ["its beginning is not in the file"] if action in _DURING else []
        notes += [f"reason {fields['reason']}"] if not ok and fields.get("reason", "N/A") != "N/A" else []
        self.log.sign_in(
            place, at=self._moment(fields), user=user, gateway=gateway, operation=action, ok=ok, ip=fields.get("remip", ""), note="; ".join(notes),
            record="|".join(fields.get(word, "") for word in ("devid", "eventtime", "date", "time", "logid", "tunnelid", "user", "xauthuser", "action", "remip")),
            session=tunnel[2] if tunnel[2] not in ("", "0") else "",
        )  # fmt: skip

    def _moment(self, fields: Fields) -> int | None:
        count = fields.get("eventtime", "")
        local = f"{fields.get('date', '')}T{fields.get('time', '')}"
        zone = fields.get("tz", "")
        known = bool(_ZONE.fullmatch(zone))
        text = count[:10] if count.isdigit() and len(count) >= 10 else f"{local}{zone[:3]}:{zone[3:]}" if known else f"{local}Z"
        found = dates.believed(text, self._now)
        self.log.local += found is not None and text == f"{local}Z"
        return found


def _of_cef(text: str) -> Fields:
    """The fields of a CEF line under their own names."""
    match = _CEF.search(text)
    if match is None:
        return {}
    marks = list(_CEF_FIELD.finditer(match["fields"]))
    ends = [*(mark.start() for mark in marks[1:]), len(match["fields"])]
    given = {mark[1]: match["fields"][mark.end() : end].strip() for mark, end in zip(marks, ends, strict=False)}
    fields = {name.removeprefix("FTNTFGT"): value for name, value in given.items()}
    kind, _, rest = given.get("cat", "").partition(":")
    fields |= {"type": kind, "subtype": rest.partition(" ")[0], "action": given.get("act", "")}
    fields |= {"user": given.get("duser") or given.get("suser", ""), "remip": fields.get("remip") or given.get("src", "")}
    fields |= {"devname": given.get("dvchost") or given.get("shost") or given.get("deviceExternalId", ""), "devid": given.get("deviceExternalId", "")}
    return fields
