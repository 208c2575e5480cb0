r"""Cisco Email Security Appliance (Secure Email Gateway) consolidated events in CEF (formats.md 2).

Claims lines with `CEF:0|Cisco|…|ESA_CONSOLIDATED_LOG_EVENT|`, with or without a syslog prefix.

Yields Message (`cs4` where `cs4Label=ExternalMsgID`, `ESAMsgSize`, `startTime`), SENT_BY (`ESAFriendlyFrom`, and `suser` where it is
another), ADDRESSED_TO (`duser`, items joined by `;`) with the status that `act` says, delivered at `endTime` (or `end`).

Traps: values hold spaces and Python-dict text, `=` in them is written `\=`; times (`Wed Mar  1 19:02:03 2023`) have no zone and are
taken as UTC; DQ and QUARANTINED hold the message; act DELIVERED means handed to the next server. Events that name no message
(about what was attached alone) are passed over. Subjects and attachment names are not read. The fields are those of Cisco's
"Consolidated Event Logs" (AsyncOS user guide).
"""

from __future__ import annotations

import re
from contextlib import closing
from functools import lru_cache

from graphmodel import identity
from loaders.addresses import parse
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.encodings import encoding_of, head_text, open_text
from loaders.trace import Trace, recipients

NAME = "cisco_esa"
TITLE = "Cisco Email Security Appliance CEF log"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages, senders, recipients, delivery"

_CEF = re.compile(r"CEF:\d\|Cisco\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|ESA_CONSOLIDATED_LOG_EVENT\|(?:[^|\\]|\\.)*\|(?:[^|\\]|\\.)*\|(?P<fields>.*)", re.DOTALL)
_FIELD = re.compile(r"(?:^|\s)([A-Za-z][A-Za-z0-9_]*)=")
_CTIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})")
_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}  # noqa: SIM905
_STATUS = {"delivered": "delivered", "dq": "quarantined", "quarantined": "quarantined", "dropped": "discarded", "bounced": "failed",
           "aborted": "failed", "blocked": "failed"}  # fmt: skip


def detect(source: Source) -> Claim | None:
    """Claim consolidated events of the appliance."""
    found = not source.is_dir and b"ESA_CONSOLIDATED_LOG_EVENT" in source.head.replace(b"\0", b"")
    return Claim(9, "consolidated events of a Cisco ESA") if found and "|Cisco|" in head_text(source) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines one by one."""
    encoding = encoding_of(source, options)
    if encoding.remark:
        out.note(encoding.remark)
    trace = Trace(out, options.now)
    with closing(open_text(source, encoding)) as stream:
        try:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    out.records += 1
                    _line(line, f"line {number}", trace, out)
        except UnicodeDecodeError:
            raise Broken("after the header", "the bytes are not text", "the file is damaged: export it again") from None
    trace.finish(note="times without a zone were taken as UTC")


def _line(line: str, place: str, trace: Trace, out: FactBuffer) -> None:
    match = _CEF.search(line)
    if match is None:
        if "CEF:" in line:
            trace.tally.add("about other events than messages, passed over")
        else:
            out.refuse(place, "", "not an event of the appliance")
        return
    fields = _fields(match["fields"])
    text = fields.get("cs4", "") if fields.get("cs4Label", "ExternalMsgID") == "ExternalMsgID" else ""
    key = identity.message_key(text.strip("'\""), None)
    found, bad = recipients(re.split(r"[;,]", fields.get("duser", "")))
    if key is None and not found and not bad:
        trace.tally.add("that name neither message nor recipient, passed over")
        return
    if key is None or bad or not found:
        why = "no message id" if key is None else "the recipient is not an address" if bad else "no recipient"
        out.refuse(place, "; ".join(bad), why)
    if key is None:
        return
    start = trace.when(_time(fields.get("startTime", "")), place)
    end = trace.when(_time(fields.get("endTime") or fields.get("end", "")), place)
    trace.covers(end)
    author = _author(fields.get("ESAFriendlyFrom", ""))
    trace.message(key, place, at=start or end, sender=fields.get("suser", ""), header_from=author, size=fields.get("ESAMsgSize"))
    action = fields.get("act", "").casefold()
    for to in found:
        trace.recipient(key, to, _STATUS.get(action, action), end or start, place)


@lru_cache(maxsize=65536)
def _author(text: str) -> str:
    return next((sender for sender, _ in parse(text)[0]), "")


def _fields(text: str) -> dict[str, str]:
    """The extension's fields; of one that stands twice the first."""
    marks = list(_FIELD.finditer(text))
    found: dict[str, str] = {}
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=False):  # without any field, there is an end and no mark
        value = text[mark.end() : end]
        found.setdefault(mark[1], value.strip().removesuffix("\\n").replace("\\=", "=").replace("\\\\", "\\"))
    return found


def _time(text: str) -> str:
    """`Wed Mar  1 19:02:03 2023` in a form that all dates have; anything else as it is."""
    match = _CTIME.fullmatch(text.strip())
    return f"{match[4]}-{_MONTHS[match[1]]:02}-{int(match[2]):02}T{match[3]}Z" if match and match[1] in _MONTHS else text
