"""Windows events as JSON, as parsers of EVTX write them: evtx_dump, Chainsaw, Velociraptor, EvtxECmd; and as Wazuh archives them.

Claims records with `System` that has EventID and Computer, also under `Event` or `document.data.Event`; with EventId, Computer and Payload; with
EventTime, EventID, Computer, Channel and EventData or UserData (Velociraptor's EvtxHunter), or UserName, DomainName and SourceIP (its RDPAuth); or with
`data.win.system`.

Yields what windows_evtx says of the same events, under the same keys (Computer, Channel, EventRecordID), so that both count once.

Traps: an object a line, an array, or texts one after another, each below a line `Record 7`. EventID may be `{"#text": 4624}` or
`{"Value": 4624}`; TimeCreated may be seconds with a fraction. EvtxECmd's Payload is JSON in a text. Of Chainsaw's hunts and Wazuh's alerts
only what a rule found is in the file: its lack says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

import orjson

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.evtxecmd import of_columns
from loaders.jsonlog import Record, records, sample
from loaders.windows import WANTED, Logons
from loaders.windows_record import of_json

NAME = "windows_evtx_json"
TITLE = "Windows events JSON, evtx_dump, Chainsaw, Velociraptor, EvtxECmd or Wazuh"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_ENVELOPES = ("events", "Events")
_NUMBERED = re.compile(rb"(?:\xef\xbb\xbf)?Record \d+\s*\{")
_HUNTED = frozenset(("EventTime", "EventID", "Computer", "Channel"))
_SIGNED_IN = frozenset(("UserName", "DomainName", "SourceIP"))
_COLUMNS = frozenset(("EventId", "Computer", "Payload", "TimeCreated"))


def detect(source: Source) -> Claim | None:
    """Claim by the first records' fields."""
    if _NUMBERED.match(source.head) and b'"System"' in source.head:
        return Claim(9, "numbered events of evtx_dump")
    found = sample(source, _ENVELOPES)
    return Claim(9, "events of a parser of EVTX") if any(_event(record) or record.keys() >= _COLUMNS for record in found) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read record by record."""
    logons = Logons(out)
    for place, record in _numbered(source, out) if _NUMBERED.match(source.head) else records(source, out, _ENVELOPES):
        inner = _event(record)
        event = of_json(inner, place, options.now) if inner else of_columns(record, place, options.now)
        if event is None:
            out.refuse(place, "", "no event of Windows")
        elif event.id not in WANTED:
            logons.others += 1
        else:
            logons.take(event)
    logons.finish()


def _numbered(source: Source, out: FactBuffer) -> Iterator[tuple[str, Record]]:
    """(place, record) where a line `Record 7` goes before each."""
    place, lines = "", list[bytes]()
    with source.open() as stream:
        for line in chain(stream, [b"Record end"]):
            if not line.startswith(b"Record "):
                lines.append(line)
                continue
            if lines and place:
                out.records += 1
                yield place, _document(b"".join(lines))
            place, lines = line.decode("ascii", "replace").strip()[:40].casefold(), []


def _document(text: bytes) -> Record:
    """An object; an empty one, which is no event, where it is none."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _event(record: Record) -> Record | None:
    """The event in a record, by its System."""
    if (alert := _of_wazuh(record)) is not None:
        return alert
    if (hunted := _of_velociraptor(record)) is not None:
        return hunted
    document = record.get("document")
    data = document.get("data") if isinstance(document, dict) else None
    for event in (record, record.get("Event"), data.get("Event") if isinstance(data, dict) else None):
        system = event.get("System") if isinstance(event, dict) else None
        if isinstance(event, dict) and isinstance(system, dict) and "EventID" in system and "Computer" in system:
            return event
    return None


def _of_wazuh(record: Record) -> Record | None:
    """The event in an alert of Wazuh, under Windows' own names (`eventID` is EventID); None where there is none."""
    data = record.get("data")
    event = data.get("win") if isinstance(data, dict) else None
    system = event.get("system") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(system, dict) or "eventID" not in system:
        return None
    found = event.get("eventdata") or event.get("eventData")
    return {
        "System": {
            "EventID": system["eventID"], "TimeCreated": {"SystemTime": system.get("systemTime")}, "EventRecordID": system.get("eventRecordID"),
            "Channel": system.get("channel"), "Computer": system.get("computer"),
        },
        "EventData": {name[:1].upper() + name[1:]: value for name, value in found.items()} if isinstance(found, dict) else {},
    }  # fmt: skip


def _of_velociraptor(record: Record) -> Record | None:
    """The event in a row of Velociraptor's artifacts; None where there is none."""
    if not record.keys() >= _HUNTED or not isinstance(record["Computer"], str):
        return None
    found: Record = {name: record.get(name) for name in ("EventID", "EventRecordID", "Channel", "Computer")}
    found["TimeCreated"] = {"SystemTime": record["EventTime"]}
    parts = {name: record[name] for name in ("EventData", "UserData") if isinstance(record.get(name), dict)}
    if not parts and record.keys() >= _SIGNED_IN:
        name, domain, ip, kind = ("" if (value := record.get(key)) in (None, "null") else value for key in ("UserName", "DomainName", "SourceIP", "LogonType"))
        if str(record["Channel"]).casefold() == "security":
            parts = {"EventData": {"TargetUserName": name, "TargetDomainName": domain, "IpAddress": ip, "LogonType": kind}}
        else:  # of the services of remote desktop
            parts = {"UserData": {"EventXML": {"User": f"{domain}\\{name}" if domain else name, "Address": ip}}}
    return {"System": found, **parts} if parts else None
