"""Windows events in a timeline of plaso (`psort -o json_line`) or as Timesketch exports it (formats.md 6).

Claims records with `data_type` and `timestamp_desc`, an object a line or a list.

Yields what windows_evtx says of the same events (`windows:evtx:record`), under the same keys (computer, channel, record number), so that both count
once: from `xml_string`, the event as Windows writes it; where a version leaves that out, from `strings`, by their order in each event.

Traps: a timeline has a great deal else: files, registry, browsers; all of it is counted and passed over. `datetime` and `timestamp` (microseconds) are UTC.
Output modules that write only a line of text (dynamic, l2tcsv, l2ttln) keep no fields: use json_line. Documented at plaso.readthedocs.io, "psort".
"""

from __future__ import annotations

from typing import Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.jsonlog import Record, records, sample
from loaders.windows import WANTED, Event, Logons
from loaders.windows_record import moment, of_xml
from loaders.windows_words import int_of

NAME = "plaso"
TITLE = "Timeline of plaso or Timesketch, JSON lines (Windows events)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_EVTX = "windows:evtx:record"
_AUDITING = "microsoft-windows-security-auditing"
_SUBJECT = "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId"
_TARGET = "TargetUserSid TargetUserName TargetDomainName"
_DETAILS = "LogonProcessName AuthenticationPackageName WorkstationName"
_FIELDS = {
    4624: f"{_SUBJECT} {_TARGET} TargetLogonId LogonType {_DETAILS} LogonGuid TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort",
    4625: f"{_SUBJECT} {_TARGET} Status FailureReason SubStatus LogonType {_DETAILS} TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort",
    4634: f"{_TARGET} TargetLogonId LogonType", 4647: f"{_TARGET} TargetLogonId",
    4648: f"{_SUBJECT} LogonGuid TargetUserName TargetDomainName TargetLogonGuid TargetServerName TargetInfo ProcessId ProcessName IpAddress IpPort",
    4672: f"{_SUBJECT} PrivilegeList", 4776: "PackageName TargetUserName Workstation Status",
    4768: "TargetUserName TargetDomainName TargetSid ServiceName ServiceSid TicketOptions Status TicketEncryptionType PreAuthType IpAddress IpPort",
    4769: "TargetUserName TargetDomainName ServiceName ServiceSid TicketOptions TicketEncryptionType IpAddress IpPort Status LogonGuid",
    4778: "AccountName AccountDomain LogonID SessionName ClientName ClientAddress", 4779: "AccountName AccountDomain LogonID SessionName ClientName ClientAddress",
}  # fmt: skip
"""The fields of an event of the security log, in the order of its template."""


def detect(source: Source) -> Claim | None:
    """Claim by the first records."""
    found = any(isinstance(record.get("data_type"), str) and "timestamp_desc" in record for record in sample(source, ()))
    return Claim(8, "a timeline of plaso") if found else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read record by record."""
    logons, other, unread = Logons(out), 0, 0
    for place, record in records(source, out, ()):
        if record.get("data_type") != _EVTX:
            other += 1
            continue
        number = int_of(record.get("event_identifier"))
        if number not in WANTED:
            logons.others += 1
            continue
        event = _of_xml(record, place, options.now) or _of_strings(record, number or 0, place, options.now)
        if event is None:
            unread += 1
        else:
            logons.take(event)
    if other:
        out.note(f"{other:,} {'entry' if other == 1 else 'entries'} of the timeline about files and all else, passed over")
    if unread:
        out.note(f"{unread:,} {'event' if unread == 1 else 'events'} without xml_string, in an order not known here: load the EVTX file itself")
    logons.finish()


def _of_xml(record: Record, place: str, now: int | None) -> Event | None:
    text = record.get("xml_string")
    if not isinstance(text, str) or "<EventData" not in text and "<UserData" not in text:
        return None
    try:
        return of_xml(fromstring(text.strip(), forbid_dtd=True), place, now)
    except (ParseError, DefusedXmlException, ValueError):
        return None


def _of_strings(record: Record, number: int, place: str, now: int | None) -> Event | None:
    """An event of the security log by its strings alone."""
    strings, names = record.get("strings"), _FIELDS.get(number, "").split()
    if not isinstance(strings, list) or not names or len(strings) < len(names) or str(record.get("source_name")).casefold() != _AUDITING:
        return None
    data: dict[str, Any] = {name: value if isinstance(value, str) else "" for name, value in zip(names, strings, strict=False)}
    computer = next((name for key in ("computer_name", "hostname") if isinstance(name := record.get(key), str) and name), "")
    micro = record.get("timestamp")
    at = moment(micro // 1_000_000, now) if isinstance(micro, int) and not isinstance(micro, bool) else moment(record.get("datetime"), now)
    return Event(at=at, id=number, computer=computer, channel="Security", record=str(record.get("record_number") or ""), data=data, place=place)
