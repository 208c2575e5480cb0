r"""Windows events as Splunk exports them, CSV or JSON: the record as Splunk keeps it in `_raw` (WinEventLog or XmlWinEventLog).

Claims a CSV header with `_raw`, or JSON records with it (also under `result`), where the first record's text is an event of Windows.

Yields what windows_evtx says of the same events, under the same keys (ComputerName, LogName, RecordNumber), so that both count once. Of text records
the logons (4624, 4625, 4634, 4647, 4648, 4672, 4768, 4776, 1102, remote desktop), by their description in English or Japanese.

Traps: `host` is who sent the record, as a rule but not always the computer itself: ComputerName is taken. `_time` has a zone; the first line of a text
record is local time and is only read where there is no `_time` (--zone, else UTC). SIDs may be shown as names. Records that `_raw` cuts are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.encodings import head_text
from loaders.jsonlog import records
from loaders.reading import Table, header_of
from loaders.windows import DESKTOP, SECURITY, WANTED, Event, Logons
from loaders.windows_record import moment, of_xml
from loaders.windows_text import fields
from loaders.windows_words import int_of
from loaders.zones import Clock, told

NAME = "splunk_windows"
TITLE = "Windows events CSV or JSON, Splunk"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_TEXT = re.compile(r"LogName=[\s\S]{0,200}?EventCode=\d|EventCode=\d[\s\S]{0,200}?LogName=|schemas\.microsoft\.com/win/2004/08/events/event")
_FIELD = re.compile(r"^(LogName|EventCode|ComputerName|RecordNumber|SourceName)=(.*)$", re.MULTILINE)
_ENVELOPES = ("results", "rows")
_CLEARED = 1102


def detect(source: Source) -> Claim | None:
    """Claim by `_raw` and what the first of it says."""
    if source.is_dir:
        return None
    text = head_text(source)
    if "_raw" not in text[:4096] or not _TEXT.search(text):
        return None
    shaped = text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[") or "_raw" in header_of(source)
    return Claim(8, "events of Windows as Splunk keeps them") if shaped else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read record by record."""
    logons, clock, local = Logons(out), Clock(options.zone), 0
    for place, record in _records(source, options, out):
        raw, time = record.get("_raw"), record.get("_time")
        if not isinstance(raw, str) or not raw.strip():
            out.refuse(place, "", "no _raw: export the events with it")
            continue
        event = _xml(raw, place, options.now) if raw.lstrip().startswith("<Event") else _text(raw, time, place, options.now)
        if event is None:
            out.refuse(place, "", "not an event of Windows, or its text is cut or in a language not read here")
        elif event.id not in WANTED:
            logons.others += 1
        else:
            if not time and event.at is not None and not raw.lstrip().startswith("<Event"):
                local, event = local + 1, event._replace(at=clock.utc(event.at))
            logons.take(event)
    if local:
        out.note(f"{local:,} records have no _time, only the computer's local time; {told(clock, 'these times')}")
    logons.finish()


def _records(source: Source, options: Options, out: FactBuffer) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if head_text(source).lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        for place, record in records(source, out, _ENVELOPES):
            inner = record.get("result")
            yield place, inner if isinstance(inner, dict) else record
        return
    table = Table(source, options, out)
    table.require("_raw")
    for row in table:
        yield row.place, {"_raw": row.raw("_raw"), "_time": row.get("_time")}


def _xml(raw: str, place: str, now: int | None) -> Event | None:
    try:
        return of_xml(fromstring(raw.strip(), forbid_dtd=True), place, now)
    except (ParseError, DefusedXmlException, ValueError):
        return None


def _text(raw: str, time: Any, place: str, now: int | None) -> Event | None:
    head, _, message = raw.partition("Message=")
    said = {name: value.strip() for name, value in _FIELD.findall(head)}
    number = int_of(said.get("EventCode"))
    if number is None:
        return None
    data: dict[str, Any] = dict(fields(number, message)) if number in SECURITY | DESKTOP else {}
    if number in SECURITY | DESKTOP and not data and number != _CLEARED:
        return None
    at = moment(time, now) if time else moment(raw.lstrip().partition("\n")[0].strip(), now)
    kept = number if data or number == _CLEARED else 0  # of other records the description is not read
    return Event(
        at=at, id=kept, computer=said.get("ComputerName", ""), channel=said.get("LogName", ""), record=said.get("RecordNumber", ""), data=data, place=place,
    )  # fmt: skip
