"""Lines of syslog that something keeps as JSON, as syslog would have written them.

    if records_of(source): …                        # whether the file is one
    for place, line in lines(source, out): …        # `2023-06-30T10:00:00Z mail postfix/smtp[71]: 4Qx: to=<…>, …`

- The systemd journal (`journalctl -o json`, `json-pretty`): the time in microseconds (`_SOURCE_REALTIME_TIMESTAMP`, when the program spoke; else
  `__REALTIME_TIMESTAMP`), `_HOSTNAME`, `SYSLOG_IDENTIFIER` and `MESSAGE`, which is a list of bytes where it is no UTF-8. See
  systemd.journal-fields(7), "Journal JSON Format".
- Docker's logs (`json-file`): `log`, and `time`, which is that of the line.
- Filebeat's documents: `message`, with syslog's own beginning (then `@timestamp`, when it was read, tells the year alone) or behind `process.name`.
- Splunk's results: `_raw`, also below `result`, with `_time` in the same part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson

from loaders import jsonlog
from loaders.base import FactBuffer, Source

Record = dict[str, Any]

_MARKS = (b"SYSLOG_IDENTIFIER", b"__REALTIME_TIMESTAMP", b'"stream"', b'"@timestamp"', b'"_raw"')
_START = re.compile(
    r"(?:<\d{1,3}>)?(?:(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d)|\d{4}-\d\d-\d\dT\S+) (?P<host>\S+) (?=[\w./-]+(?:\[\d+\])?: )"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)")
_LOOKED_AT = 4 << 20
_MICRO = re.compile(r"\d{15,17}")


def records_of(source: Source) -> list[Record]:
    """The first records of a journal; empty for any other file."""
    if source.is_dir or source.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return []
    if not any(mark in source.head for mark in _MARKS):
        return []
    return [record for record in jsonlog.sample(source, ()) if _is_one(record)]


def speaks_of(source: Source, claimed: re.Pattern[str], *words: bytes) -> bool:
    """Whether such a file has lines that match, in its first 4 MiB: a whole system's journal has much else before. `words`: one is in each such record."""
    first = records_of(source)
    if not first:
        return False
    if any(claimed.search(line(record) or "") for record in first):
        return True
    with source.open() as stream:
        for text in stream.read(_LOOKED_AT).split(b"\n"):
            if any(word in text for word in words):
                with suppress(orjson.JSONDecodeError):
                    record = orjson.loads(text)
                    if isinstance(record, dict) and claimed.search(line(record) or ""):
                        return True
    return False


def lines(source: Source, out: FactBuffer) -> Iterator[tuple[str, str]]:
    """(place, line) of each record; all are counted, what is no record of a journal is refused. Raises Broken as jsonlog.records does."""
    for place, record in jsonlog.records(source, out, ()):
        text = line(record)
        if text is None:
            out.refuse(place, "", "a record without a line of a log")
        else:
            yield place, text


def line(record: Record) -> str | None:
    """The record as syslog's line; None where it has no message."""
    if "MESSAGE" not in record:
        return _of_docker(record) if isinstance(record.get("log"), str) else _of_beats(record)
    message = record.get("MESSAGE")
    if isinstance(message, list) and all(isinstance(value, int) and 0 <= value < 256 for value in message):
        message = bytes(message).decode("utf-8", "replace")
    if not isinstance(message, str):
        return None
    stamp = next((text for name in ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP") if (text := _word(record, name)) and _MICRO.fullmatch(text)), "")
    time = datetime.fromtimestamp(int(stamp) // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if stamp else "1970-01-01T00:00:00Z"
    program = _word(record, "SYSLOG_IDENTIFIER") or _word(record, "_COMM") or "-"
    return f"{time} {_word(record, '_HOSTNAME') or '-'} {program}[{_word(record, '_PID') or '0'}]: {' '.join(message.split())}"


def _is_one(record: Record) -> bool:
    if "MESSAGE" in record:
        return "_HOSTNAME" in record or "__REALTIME_TIMESTAMP" in record
    docker = isinstance(record.get("log"), str) and isinstance(record.get("time"), str) and "stream" in record
    return docker or _of_beats(record) is not None


def _of_docker(record: Record) -> str | None:
    text, time = " ".join(record["log"].split()), _seconds(record.get("time"))
    start = _START.match(text)
    return f"{time} {start['host']} {text[start.end() :]}" if start and time else f"{time} - {text}" if time else text


def _of_beats(record: Record) -> str | None:
    if isinstance(inner := record.get("result", record), dict) and isinstance(inner.get("_raw"), str):
        record = {"message": inner["_raw"], "@timestamp": str(inner.get("_time")).replace(" UTC", "Z").replace(" ", "T", 1)}
    text, time = record.get("message"), _seconds(record.get("@timestamp"))
    if not isinstance(text, str) or not time:
        return None
    start = _START.match(text)
    if start and start["month"]:
        year = int(time[:4]) - (_MONTHS.index(start["month"]) + 1 > int(time[5:7]) if start["month"] in _MONTHS else 0)
        return f"{start['month']} {start['day']} {year} {start['clock']} {start['host']} {text[start.end() :]}"
    if start:
        return text
    process, host = record.get("process"), record.get("host")
    name = _word(process, "name") if isinstance(process, dict) else ""
    return f"{time} {_word(host, 'name') or '-' if isinstance(host, dict) else '-'} {name}[0]: {' '.join(text.split())}" if name else None


def _seconds(value: Any) -> str:
    """A time of RFC 3339 to the second, in UTC; "" for none."""
    match = _RFC3339.match(value) if isinstance(value, str) else None
    return f"{match[1]}{match[2]}" if match else ""


def _word(record: Record, name: str) -> str:
    """A field without white space; "" for none. A field that was given twice is a list."""
    value = record.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    return "_".join(str(value).split()) if isinstance(value, str | int) and not isinstance(value, bool) else ""
