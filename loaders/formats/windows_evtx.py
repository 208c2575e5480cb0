r"""Windows event log as Windows keeps it, EVTX: logons of people to computers (formats.md 6).

Claims the signature `ElfFile`.

Yields, of the log Security: Observation `obs:windows/<computer>/<channel>/<record number>` for 4624, 4625, 4648, 4768, 4776 and 1102 (at =
TimeCreated of the event; operation = event id; ip, logon type, reason of a failure) with OBSERVED to the account (`ad:<TargetUserSid>`, else
`account:DOMAIN\name`) and to the computer; of services, administrators' shares, certificates, accounts, groups and the directory what
loaders/windows_changes.py lists; SESSION_ON for types 2, 10 and 11, from the logon until 4634 or 4647 of the same LogonId; a
note for 4672. Of TerminalServices: 21, 25, 1149, and sessions from 21 until 23. Coverage: logons, for each computer.

Traps: the time in the record's header is 1601 in many re-saved logs: never used. The channel is `Security` or `security`: one log. Machine
accounts, SYSTEM, ANONYMOUS LOGON, DWM, UMFD and starting services are counted, not kept; what was typed for an account that does not exist is
not kept, as it may be a password. Damaged records are refused with their place; a file cut short is refused whole.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

import evtx
import orjson

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.windows import WANTED, Event, Logons
from loaders.windows_record import of_json

NAME = "windows_evtx"
TITLE = "Windows event log, EVTX (Security, TerminalServices)"
PRIORITY = "should"
SEEN = "real sample"
READS = "logons, failed logons, explicit credentials, sessions on computers; services, certificates, accounts and groups that changed"

_SIGNATURE = b"ElfFile\0"
_HEADER, _CHUNK = 4096, 65536
_DIRTY = 1  # a log copied while Windows wrote to it: its header is behind
_EVENT_ID = re.compile(r'"EventID":\s*(?:\{[^{}]*(?:\{[^{}]*\})?[^{}]*"#text":\s*)?"?(\d+)')
_AGAIN = "it is cut short: copy it again"


def detect(source: Source) -> Claim | None:
    """Claim by the signature."""
    return Claim(9, "signature of an EVTX file") if source.head.startswith(_SIGNATURE) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read record by record."""
    _check(source)
    logons = Logons(out)
    for place, text in _records(source, out):
        out.records += 1
        found = _EVENT_ID.search(text)
        if found and int(found[1]) not in WANTED:
            logons.others += 1
            continue
        event = _event(text, place, options.now)
        if event is None:
            out.refuse(place, "", "not an event as Windows writes it")
        else:
            logons.take(event)
    logons.finish()


def _check(source: Source) -> None:
    head = source.head[:_HEADER]
    if len(head) < 128:
        raise Broken(f"byte {len(head)}", "the file ends within its header", _AGAIN)
    chunks, flags = struct.unpack_from("<H", head, 42)[0], struct.unpack_from("<I", head, 120)[0]
    if source.size < _HEADER + chunks * _CHUNK and not flags & _DIRTY:
        raise Broken(f"byte {source.size:,}", f"the file ends before the last of its {chunks} chunks", _AGAIN)
    if source.size < _HEADER + _CHUNK:
        raise Broken(f"byte {source.size:,}", "no chunk of records", "it is empty or cut short: copy it again")


def _records(source: Source, out: FactBuffer) -> Iterator[tuple[str, str]]:
    """(place, JSON text) of each record; damaged ones are refused."""
    try:
        found = iter(evtx.PyEvtxParser(str(source.path) if source.path.is_file() else source.open()).records_json())
    except (RuntimeError, OSError, ValueError) as error:
        raise Broken("header", "not a readable EVTX file", str(error).splitlines()[0][:120] if str(error) else "") from None
    number = 0
    while True:
        number += 1
        try:
            record = next(found)
        except StopIteration:
            return
        except (RuntimeError, OSError, ValueError):
            out.records += 1
            out.refuse(f"record {number}", "", "damaged: copy the log again, or repair it")
            continue
        if record is not None:
            yield f"record {record['event_record_id']}", record["data"]


def _event(text: str, place: str, now: int | None) -> Event | None:
    try:
        event = orjson.loads(text)["Event"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return of_json(event, place, now) if isinstance(event, dict) else None
