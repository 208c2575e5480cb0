"""Writes small EVTX files: one chunk, binary XML without templates, right checksums; what a fixture of that format needs and no more.

    write(path, [{"id": 4624, "record": 7, "at": "2026-03-02T08:00:00.5Z", "computer": "pc01.nisc.example", "data": {"LogonType": 10}}])
"""

from __future__ import annotations

import struct
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

_CHUNK = 65536
_START = 512
NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"


def _name(text: str, at: int) -> bytes:
    """A name that stands where it is used: its offset in the chunk is `at`."""
    hashed = 0
    for char in text:
        hashed = (hashed * 65599 + ord(char)) & 0xFFFF
    return struct.pack("<I", at + 4) + struct.pack("<IHH", 0, hashed, len(text)) + text.encode("utf-16-le") + b"\0\0"


def _value(value: Any) -> bytes:
    text = str(value)
    return b"\x05\x01" + struct.pack("<H", len(text)) + text.encode("utf-16-le")


def _element(name: str, at: int, attributes: dict[str, str], children: list[Any] | str | int | None) -> bytes:
    """One element whose first byte lies at `at` in the chunk; outside of templates it has no dependency id."""
    body = _name(name, at + 1 + 4)
    if attributes:
        listed = b""
        base = at + 1 + 4 + len(body) + 4
        for number, (key, value) in enumerate(attributes.items(), 1):
            more = b"\x46" if number < len(attributes) else b"\x06"
            listed += more + _name(key, base + len(listed) + 1) + _value(value)
        body += struct.pack("<I", len(listed)) + listed
    body += b"\x02"
    if isinstance(children, list):
        for child in children:
            body += _element(child[0], at + 1 + 4 + len(body), child[1], child[2])
    elif children is not None:
        body += _value(children)
    body += b"\x04"
    return (b"\x41" if attributes else b"\x01") + struct.pack("<I", len(body)) + body


def _record(event: dict[str, Any], at: int) -> bytes:
    provider = event.get("provider", "Microsoft-Windows-Security-Auditing")
    system = [
        ("Provider", {"Name": provider}, None), ("EventID", {}, event["id"]), ("TimeCreated", {"SystemTime": event["at"]}, None),
        ("EventRecordID", {}, event["record"]), ("Channel", {}, event.get("channel", "Security")), ("Computer", {}, event["computer"]),
    ]  # fmt: skip
    if "keywords" in event:
        system.append(("Keywords", {}, event["keywords"]))
    if "user" in event:
        system.append(("Security", {"UserID": event["user"]}, None))
    if "user_data" in event:
        ((outer, fields),) = event["user_data"].items()
        data = ("UserData", {}, [(outer, {}, [(key, {}, value) for key, value in fields.items()])])
    else:
        data = ("EventData", {}, [("Data", {"Name": key}, value) for key, value in event.get("data", {}).items()])
    xml = b"\x0f\x01\x01\x00" + _element("Event", at + 24 + 4, {"xmlns": NAMESPACE}, [("System", {}, system), data]) + b"\x00"
    size = 24 + len(xml) + 4
    # As in many logs that were saved again, the header's own time is 1601: nothing may be taken from it.
    return b"\x2a\x2a\0\0" + struct.pack("<IQQ", size, event["record"], 0) + xml + struct.pack("<I", size)


def bytes_of(events: list[dict[str, Any]]) -> bytes:
    """The file's bytes; the events must fit in one chunk of 64 KiB."""
    data, last = b"", _START
    for event in events:
        last = _START + len(data)
        data += _record(event, last)
    assert len(data) <= _CHUNK - _START, "too many events for one chunk"
    first_id, last_id = events[0]["record"], events[-1]["record"]
    free = _START + len(data)
    head = b"ElfChnk\0" + struct.pack("<QQQQIIII", 1, len(events), first_id, last_id, 128, last, free, zlib.crc32(data)) + bytes(64) + bytes(4)
    tail = bytes(_START - 128)
    chunk = head + struct.pack("<I", zlib.crc32(head + tail)) + tail + data
    chunk += bytes(_CHUNK - len(chunk))
    file = b"ElfFile\0" + struct.pack("<QQQIHHHH", 0, 0, last_id + 1, 128, 1, 3, 4096, 1) + bytes(76)
    file += struct.pack("<I", 0) + struct.pack("<I", zlib.crc32(file))
    return file + bytes(4096 - len(file)) + chunk


def write(path: Path, events: list[dict[str, Any]]) -> Path:
    """Write the file; returns `path`."""
    path.write_bytes(bytes_of(events))
    return path


def seconds(text: str) -> int:
    """Seconds of an ISO time, for expectations."""
    return int(datetime.fromisoformat(text).timestamp())
