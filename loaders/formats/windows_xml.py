"""Windows events as XML: Event Viewer's "Save All Events As", `wevtutil qe /f:xml`, evtx_dump; with or without a root around them.

Claims text with `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">`.

Yields what windows_evtx says of the same events, under the same keys (Computer, Channel, EventRecordID), so that both count once.

Traps: wevtutil writes events one after another without a root, evtx_dump a line `Record 7` and an XML header before each: each event is read
by itself. UTF-16 is usual. RenderingInfo holds the description in the viewer's language and is not read. No entity is ever resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.encodings import encoding_of, head_text, open_text
from loaders.windows import WANTED, Logons
from loaders.windows_record import of_xml

NAME = "windows_xml"
TITLE = "Windows events XML, Event Viewer or wevtutil"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_MARK = re.compile(r"<Event\b[^>]*schemas\.microsoft\.com/win/2004/08/events/event")
_START, _END = re.compile(r"<Event[\s>]"), "</Event>"
_ID = re.compile(r"<EventID[^>]*>\s*(\d+)\s*</EventID>")
_CHUNK, _LARGEST = 1 << 20, 8 << 20


def detect(source: Source) -> Claim | None:
    """Claim by the namespace of the first event."""
    if source.is_dir:
        return None
    text = head_text(source).lstrip("\ufeff \t\r\n")
    return Claim(9, "events of Windows as XML") if text.startswith(("<", "Record ")) and _MARK.search(text) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read event by event."""
    logons = Logons(out)
    for number, text in enumerate(_events(source, options, out), 1):
        out.records += 1
        found = _ID.search(text)
        if found and int(found[1]) not in WANTED:
            logons.others += 1
            continue
        place = f"event {number}"
        element = _parsed(text)
        event = of_xml(element, place, options.now) if element is not None else None
        if event is None:
            out.refuse(place, "", "not an event as Windows writes it")
        else:
            logons.take(event)
    logons.finish()


def _events(source: Source, options: Options, out: FactBuffer) -> Iterator[str]:
    """The text of each event. Raises Broken where the file ends within one."""
    encoding = encoding_of(source, options)
    if encoding.remark:
        out.note(encoding.remark)
    rest = ""
    with open_text(source, encoding) as stream:
        try:
            while chunk := stream.read(_CHUNK):
                rest += chunk
                at = 0
                while start := _START.search(rest, at):
                    end = rest.find(_END, start.start())
                    if end < 0:
                        break
                    at = end + len(_END)
                    yield rest[start.start() : at]
                rest = rest[start.start() if start else max(at, len(rest) - 16) :]
                if len(rest) > _LARGEST:
                    raise Broken("XML", "an event that does not end", "save the log again")
        except UnicodeDecodeError:
            raise Broken("XML", "the bytes do not fit the byte order mark", "save the log again") from None
    if _START.search(rest):
        raise Broken("end of file", "the file ends in the middle of an event", "it is cut short: save the log again")


def _parsed(text: str) -> Any:
    try:
        return fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return None
