"""Exim's main log: who sent what to whom, and what became of it (formats.md 2).

Claims lines `2026-03-02 10:00:00 1rgABC-0001Xy-2Z <= …` with a message id of Exim, also behind syslog's prefix or with a process id.

Yields, joined by Exim's message id: Message (`id=`, `S=`, time of `<=`), SENT_BY (the address after `<=`), ADDRESSED_TO (`=>`, `->` and `>>` are
delivered, `==` is pending, `**` has failed). Where an address in angle brackets is another than the one before it, that one as a
recipient too (expanded), and a Group of it that FORWARDS_TO the other.

Traps: a local delivery names the login or a file (`=> ann <ann@corp.example>`): the address in brackets is taken. `<= <>` is a bounce. Times have
no zone unless log_timezone is set: --zone says it, else they are read as UTC. `T="…"` is the subject and is not read. `*>` (not sent at all) is passed over.
Message ids are longer since 4.97. See chapter "Log files" of Exim's specification.
"""

from __future__ import annotations

import re

from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.encodings import head_text, numbered_lines
from loaders.mail_queues import Queues, Recipient
from loaders.trace import address, moment
from loaders.zones import Clock, told

NAME = "exim"
TITLE = "Exim main log"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "messages, senders, recipients, delivery, aliases"

_ID = r"[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}"
_LINE = re.compile(
    rf"(?P<head>.*?)(?P<day>\d{{4}}-\d\d-\d\d) (?P<clock>\d\d:\d\d:\d\d)(?:\.\d+)?(?: (?P<zone>[+-]\d{{4}}))? (?:\[\d+\] )?(?P<id>{_ID}) (?P<rest>.*)"
)
_CLAIMED = re.compile(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{{4}})? (?:\[\d+\] )?{_ID} (?:<=|=>|->|\*\*|==|Completed)")
_HOST = re.compile(r"^\S*\s*(?:[A-Z][a-z]{2} +\d+ [\d:]{8}|\S+T\S+) (\S+) ")
_FLAG = re.compile(r"(?P<flag><=|=>|->|>>|\*\*|==|\*>|\(=) (?P<what>[^\"]*?)(?= [A-Za-z]{1,3}=|: | for |$)")
_BRACKETS = re.compile(r"<([^<>]*)>")
_STATUS = {"=>": "delivered", "->": "delivered", ">>": "delivered", "==": "pending", "**": "failed"}


def detect(source: Source) -> Claim | None:
    """Claim lines with Exim's message ids."""
    if source.is_dir or source.head.lstrip()[:1] in (b"{", b"["):  # such lines within records of another log
        return None
    return Claim(8, "lines of Exim") if _CLAIMED.search(head_text(source)) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines one by one."""
    text = numbered_lines(source, options, out)
    queues, clock = Queues(out, options.now), Clock(options.zone)
    zoneless = 0
    for place, line in text:
        if line.strip():
            out.records += 1
            zoneless += _line(line.rstrip(), place, queues, clock, out)
    queues.finish(told(clock, "times without a zone") if zoneless else None)


def _line(text: str, place: str, queues: Queues, clock: Clock, out: FactBuffer) -> bool:
    """Take note of one line; whether its time has no zone."""
    line = _LINE.match(text)
    if line is None:
        queues.trace.tally.add("about no message, passed over")
        return False
    host = _HOST.match(line["head"])
    slot, rest = (host[1] if host else "", line["id"]), line["rest"]
    if rest.startswith("Completed"):
        queues.done(slot)
        return False
    flag = _FLAG.match(rest)
    if flag is None or flag["flag"] in ("*>", "(="):
        queues.trace.tally.add("about no delivery, passed over")
        return False
    at = _time(f"{line['day']}T{line['clock']}{line['zone'] or ''}")
    at = at if at is None or line["zone"] else clock.utc(at)
    if flag["flag"] == "<=":
        fields = dict(re.findall(r" (S|id)=(\S+)", rest.partition(' T="')[0]))
        queued = queues.entry(slot, place, at, begins=fields.get("id", ""))
        queued.sender, queued.size, queued.message_id = flag["what"].strip("<> "), fields.get("S", ""), fields.get("id", "")
        return not line["zone"]
    found = _recipient(flag["what"])
    if found is None:
        out.refuse(place, flag["what"], "the recipient is not an address")
        return not line["zone"]
    queues.entry(slot, place, at).to.append(Recipient(*found, _STATUS[flag["flag"]], at, place))
    return not line["zone"]


def _recipient(what: str) -> tuple[str, str] | None:
    """(address, the one it was for) of `ann@x`, `ann@x <staff@x>`, `ann <ann@x>`, `/var/mail/ann (ann@x) <ann@x>`."""
    brackets = [found for item in _BRACKETS.findall(what) if (found := address(item))]
    to = address(what.partition(" ")[0])
    if to is None:
        return (brackets[-1], "") if brackets else None
    return to, brackets[-1] if brackets else ""


def _time(text: str) -> int | None:
    try:
        return moment(text, None)
    except dates.BadDate:
        return None
