"""Sendmail's log by syslog (maillog): who sent what to whom, and what became of it (formats.md 2).

Claims lines of sendmail, sm-mta or sm-msp-queue with `from=…, size=…, msgid=…` or `to=…, …, stat=…`, also in the systemd journal as JSON.

Yields, joined by queue id: Message (`msgid=`, `size=`, time of its first line), SENT_BY (`from=`), ADDRESSED_TO (`to=`, several by commas; `stat=`:
Sent is delivered, Deferred and queued are pending, anything else by `dsn=`).

Traps: what is handed on to the same host (relay=[127.0.0.1]) is relayed, not delivered. `to=` may be a login or a program: refused where it is no
address. `ctladdr=` is the sender's own address for local mail, not an alias. Dates of RFC 3164 have neither year nor zone: the note says what
was taken. `from=<>` is a bounce. See the chapter "Log files" of the Sendmail Installation and Operation Guide.
"""

from __future__ import annotations

import re

from loaders import journal
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.encodings import head_text, numbered_lines
from loaders.mail_queues import Queues, Recipient
from loaders.postfix_lines import Lines, first_year
from loaders.trace import address
from loaders.zones import Clock, told

NAME = "sendmail"
TITLE = "Sendmail syslog or journal"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "messages, senders, recipients, delivery"

_PROGRAM = re.compile(r"sendmail|sm-mta|sm-msp|sm-que")
_CLAIMED = re.compile(r"(?:sendmail|sm-mta|sm-msp-queue|sm-que)(?:\[\d+\])?: \w+: (?:from=[^\n]*msgid=|to=[^\n]*stat=)")
_QUEUED = re.compile(r"(?P<id>[0-9A-Za-z]{8,20}): (?P<rest>.*)", re.DOTALL)
_FIELD = re.compile(r"(?:^|, )(from|to|size|msgid|relay|dsn|stat)=")
_LOOPBACK = re.compile(r"\[?(?:127\.|::1|localhost)")
_DSN = {"2": "delivered", "4": "pending", "5": "failed"}


def detect(source: Source) -> Claim | None:
    """Claim lines of sendmail."""
    if source.is_dir or source.head.lstrip()[:1] in (b"{", b"["):  # such lines within records of another log
        return Claim(8, "a journal with lines of sendmail") if journal.speaks_of(source, _CLAIMED, b"sendmail", b"sm-m", b"sm-que") else None
    return Claim(8, "lines of sendmail") if _CLAIMED.search(head_text(source)) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines one by one; a file whose dates have no year is read twice."""
    of_journal = bool(journal.records_of(source))
    text = journal.lines(source, out) if of_journal else numbered_lines(source, options, out)
    year, why = (None, "") if of_journal else first_year(source, options.now)
    queues, lines, clock = Queues(out, options.now), Lines(year), Clock(options.zone)
    for place, line in text:
        if line.strip():
            out.records += not of_journal
            _line(line.rstrip(), place, queues, lines, clock, out)
    if lines.undated:
        out.note("dates without a year, and nothing tells it: times are unknown; put the date into the file's name (maillog-20230630)")
    elif lines.zoneless and year is not None:
        out.note(f"dates without a year: the first is taken to be of {year} {why}")
    queues.finish(told(clock, "times without a zone") if lines.zoneless else None)


def _line(text: str, place: str, queues: Queues, lines: Lines, clock: Clock, out: FactBuffer) -> None:
    before, start = lines.zoneless, lines.start(text)
    if start and start.at is not None and lines.zoneless > before:
        start = start._replace(at=clock.utc(start.at))
    queued = _QUEUED.match(text, start.end) if start and _PROGRAM.search(start.program) else None
    fields = _fields(queued["rest"]) if queued else {}
    if start is None or queued is None or not ("from" in fields or ("to" in fields and "stat" in fields)):
        queues.trace.tally.add("about no queued message, passed over")
        return
    slot = (start.host, queued["id"])
    if "from" in fields:
        begins = fields.get("msgid", "")
        entry = queues.entry(slot, place, start.at, begins=begins)
        entry.sender, entry.size, entry.message_id = fields["from"].strip("<>"), fields.get("size", ""), begins or entry.message_id
        return
    entry = queues.entry(slot, place, start.at)
    for item in fields["to"].split(","):
        to = address(item)
        if to is None:
            out.refuse(place, item, "the recipient is not an address")
        else:
            entry.to.append(Recipient(to, "", _status(fields), start.at, place))


def _fields(text: str) -> dict[str, str]:
    """Fields by name; a value ends where the next one begins."""
    marks = list(_FIELD.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return {mark[1]: text[mark.end() : end].partition(", ")[0].strip() for mark, end in reversed(list(zip(marks, ends, strict=False)))}


def _status(fields: dict[str, str]) -> str:
    word = fields["stat"].casefold()
    if word.startswith("sent"):
        return "relayed" if _LOOPBACK.match(fields.get("relay", "")) else "delivered"
    if word.startswith(("deferred", "queued")):
        return "pending"
    return _DSN.get(fields.get("dsn", "")[:1], "failed")
