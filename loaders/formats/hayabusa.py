"""Windows logons in timelines of Hayabusa (Yamato Security), CSV or JSON lines.

Claims a header, or records, with Timestamp, RuleTitle, Computer, Channel, EventID and Details.

Yields what windows_evtx says of the same events, under the same keys (Computer, Channel, RecordID), so that both count once; of each only what
Details and ExtraFieldInfo (or AllFieldInfo) show.

Traps: names are shortened (`TgtUser`, `SrcIP`, `LID`, channel `Sec`) and parted by ` ¦ `. One event stands once for every rule that fits: read once. Only
what a rule found is in the file: its lack says nothing. Times have the zone that the timeline was made in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.encodings import head_text
from loaders.jsonlog import records, sample
from loaders.reading import Table, header_of
from loaders.windows import DESKTOP, SECURITY, Event, Logons
from loaders.windows_record import moment
from loaders.windows_words import int_of

NAME = "hayabusa"
TITLE = "Windows logons, Hayabusa timeline (CSV or JSON lines)"
PRIORITY = "later"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_REQUIRED = ("Timestamp", "RuleTitle", "Computer", "Channel", "EventID", "Details")
_FIELDS = (*_REQUIRED, "RecordID", "ExtraFieldInfo", "AllFieldInfo")
_SHORT = {
    "TgtUser": "TargetUserName", "TgtDom": "TargetDomainName", "TgtSID": "TargetUserSid", "SrcComp": "WorkstationName", "SrcIP": "IpAddress", "LID": "TargetLogonId",
    "SrcUser": "SubjectUserName", "SubUser": "SubjectUserName", "TgtSvr": "TargetServerName", "Status": "Status", "SubStatus": "SubStatus",
}  # fmt: skip
_CHANNELS = {"sec": "Security", "rds-lsm": "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
             "rds-rcm": "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational"}  # fmt: skip
_NOTE = "only what rules of Hayabusa found: its lack says nothing"


def detect(source: Source) -> Claim | None:
    """Claim by the header, or by the first records' fields."""
    if header_of(source) >= {name.casefold() for name in _REQUIRED}:
        return Claim(8, "columns of Hayabusa")
    return Claim(8, "records of Hayabusa") if any(record.keys() >= set(_REQUIRED) for record in sample(source, ())) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read record by record."""
    logons = Logons(out)
    for place, record in _records(source, options, out):
        number = int_of(record.get("EventID"))
        if number is None:
            out.refuse(place, "", "not an event id")
        elif number not in SECURITY | DESKTOP:
            logons.others += 1
        else:
            logons.take(_event(record, number, place, options.now))
    logons.finish(_NOTE)


def _records(source: Source, options: Options, out: FactBuffer) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if head_text(source).lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        yield from records(source, out, ())
        return
    table = Table(source, options, out)
    table.require(*(name.casefold() for name in _REQUIRED))
    for row in table:
        yield row.place, {name: row.get(name.casefold()) for name in _FIELDS}


def _event(record: Mapping[str, Any], number: int, place: str, now: int | None) -> Event:
    said = {**_pairs(record.get("AllFieldInfo")), **_pairs(record.get("ExtraFieldInfo")), **_pairs(record.get("Details"))}
    # Of a logoff and of privileges `TgtUser` or `User` is whose they are.
    whose = "Subject" if number == 4672 else "Target"
    data: dict[str, Any] = dict(said)
    for short, name in _SHORT.items():
        if text := said.get(short):
            data.setdefault(name.replace("Target", whose) if name.endswith(("UserName", "LogonId", "DomainName", "UserSid")) and short[:1] in "TL" else name, text)
    if (user := said.get("User")) and number not in DESKTOP:
        data.setdefault(f"{whose}UserName", user)
    if kind := re.match(r"\d+", str(said.get("LogonType") or said.get("Type") or "")):
        data["LogonType"] = kind[0]
    channel = str(record.get("Channel") or "")
    return Event(
        at=moment(record.get("Timestamp"), now), id=number, computer=str(record.get("Computer") or ""), channel=_CHANNELS.get(channel.casefold(), channel),
        record=str(record.get("RecordID") or "").strip("- "), data=data, place=place,
    )  # fmt: skip


def _pairs(given: Any) -> dict[str, str]:
    """`Name: value ¦ Name: value`, or an object of them."""
    if isinstance(given, Mapping):
        return {str(name): str(value) for name, value in given.items() if isinstance(value, str | int)}
    parts = (part.partition(": ") for part in re.split(r" ?[¦|] ?", given)) if isinstance(given, str) else ()
    return {name.strip(): value.strip() for name, colon, value in parts if colon}
