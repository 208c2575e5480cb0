"""Messages of an mbox, as a stream: line by line, so a file of any size is read in bounded memory (formats.md 7).

A message begins at a From_ line: `From `, something, a date as `Mon Jan  1 10:00:00 2001`, with a header line after it, and
before it the start of the file or an empty line (or, where a writer forgot that, a well-known header after it). What else
begins with `From ` is text of a body that nobody quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from loaders.messages import BODY_BYTES, HEADER_LIMIT

_LINE = 1 << 20
_FROM = re.compile(
    rb"^From .*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} +[A-Z][a-z]{2}),? +(?P<rest>[\d: A-Za-z+-]*\d{1,2}:\d{2}[\d: A-Za-z+-]*)"
)
_HEADER = re.compile(rb"^>?[!-9;-~]+[ \t]*:|^>From ")
_WELL_KNOWN = re.compile(rb"^(?:return-path|received|from|to|date|message-id|delivered-to|x-[!-9;-~]+|mime-version|subject|status):", re.IGNORECASE)
_ATTACHED = re.compile(rb"^content-disposition:[ \t]*attachment", re.IGNORECASE)


@dataclass(slots=True)
class Part:
    """One message: its number and first line in the file, its From_ line, headers with first body bytes, bytes, attachments."""

    number: int
    line: int
    envelope: bytes
    head: bytearray = field(default_factory=bytearray)
    size: int = 0
    attachments: int = 0
    multipart: bool = False
    body_at: int | None = None


def is_separator(line: bytes, after: bytes, blank_before: bool) -> bool:
    """Whether a line begins a message; `after` is the line that follows."""
    if not line.startswith(b"From ") or not _FROM.match(line[:500]):
        return False
    return bool((_HEADER if blank_before else _WELL_KNOWN).match(after)) or (blank_before and not after.strip())


def messages(stream: BinaryIO, body: int = BODY_BYTES) -> Iterator[Part]:
    """The messages of an mbox in order, with the first `body` bytes of each one's body.

    The stream must stand at a From_ line; of that first one no date is asked.
    """
    line = stream.readline(_LINE)
    number, at, blank, whole = 0, 1, True, True
    part: Part | None = None
    while line:
        after = stream.readline(_LINE)
        if part is None or (whole and is_separator(line, after, blank)):
            if part:
                yield part
            number += 1
            part = Part(number, at, line)
        else:
            _take(part, line, body)
        blank, whole = not line.strip(), line.endswith(b"\n")
        at += whole
        line = after
    if part:
        yield part


def _take(part: Part, line: bytes, body: int) -> None:
    part.size += len(line)
    if part.body_at is None:
        if len(part.head) < HEADER_LIMIT:
            part.head += line
        if not line.strip(b"\r\n") and part.head.strip():
            part.body_at = len(part.head)
            part.multipart = b"multipart" in part.head.lower()
        return
    if len(part.head) < part.body_at + body:
        quoted = line.startswith(b">") and line.lstrip(b">").startswith(b"From ")
        part.head += line[1:] if quoted else line
    if part.multipart and _ATTACHED.match(line):
        part.attachments += 1
