"""Exim's main log: who sent what to whom, and what became of it (formats.md 2).

Claims lines `2026-03-02 10:00:00 1rgABC-0001Xy-2Z <= …` with a message id of Exim, also behind syslog's prefix or with a process id, without
their own time behind such a prefix (syslog_timestamp = no), and in the systemd journal as JSON (`journalctl -o json`).

Yields, joined by Exim's message id: Message (`id=`, `S=`, time of `<=`), SENT_BY (the address after `<=`), ADDRESSED_TO (`=>`, `->` and `>>` are
delivered, `==` is pending, `**` has failed). Where an address in angle brackets is another than the one before it, that one as a
recipient too (expanded), and a Group of it that FORWARDS_TO the other.

Traps: a local delivery names the login or a file (`=> ann <ann@corp.example>`): the address in brackets is taken. `<= <>` is a bounce. Times have
no zone unless log_timezone is set: --zone says it, else they are read as UTC. `T="…"` is the subject and is not read. `*>` (not sent at all) is passed over.
Message ids are longer since 4.97. See chapter "Log files" of Exim's specification.
"""

from __future__ import annotations

import re

from loaders import dates, journal
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.encodings import head_text, numbered_lines
from loaders.mail_queues import Queues, Recipient
from loaders.postfix_lines import Lines, first_year
from loaders.trace import address, moment
from loaders.zones import Clock, told

NAME = "exim"
TITLE = "Exim main log or journal"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "messages, senders, recipients, delivery, aliases"

_ID = r"[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}"
_LINE = re.compile(
    rf"(?P<head>.*?)(?P<day>\d{{4}}-\d\d-\d\d) (?P<clock>\d\d:\d\d:\d\d)(?:\.\d+)?(?: (?P<zone>[+-]\d{{4}}))? (?:\[\d+\] )?(?P<id>{_ID}) (?P<rest>.*)"
)
_CLAIMED = re.compile(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{{4}})? (?:\[\d+\] )?{_ID} (?:<=|=>|->|\*\*|==|Completed)")
_BARE = re.compile(rf"(?:\[\d+\] )?(?P<id>{_ID}) (?P<rest>.*)")
_OF_JOURNAL = re.compile(rf"exim\S*\[\d+\]: (?:\d{{4}}-\d\d-\d\d \S+ (?:[+-]\d{{4}} )?)?(?:\[\d+\] )?{_ID} (?:<=|=>|->|\*\*|==|Completed)")
_OWN_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})? ")
_HOST = re.compile(r"^\S*\s*(?:[A-Z][a-z]{2} +\d+ [\d:]{8}|\S+T\S+) (\S+) ")
_FLAG = re.compile(r"(?P<flag><=|=>|->|>>|\*\*|==|\*>|\(=) (?P<what>[^\"]*?)(?= [A-Za-z]{1,3}=|: | for |$)")
_BRACKETS = re.compile(r"<([^<>]*)>")
_STATUS = {"=>": "delivered", "->": "delivered", ">>": "delivered", "==": "pending", "**": "failed"}


def detect(source: Source) -> Claim | None:
    """Claim lines with Exim's message ids."""
    if source.is_dir or source.head.lstrip()[:1] in (b"{", b"["):  # such lines within records of another log
        return Claim(8, "a journal with lines of Exim") if journal.speaks_of(source, _OF_JOURNAL, b"exim") else None
    text = head_text(source)
    return Claim(8, "lines of Exim") if _CLAIMED.search(text) or _OF_JOURNAL.search(text) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines one by one; a file whose dates have no year is read twice."""
    of_journal = bool(journal.records_of(source))
    text = journal.lines(source, out) if of_journal else numbered_lines(source, options, out)
    year, why = (None, "") if of_journal else first_year(source, options.now)
    reader = _Reader(options, out, Lines(year), of_journal)
    for place, line in text:
        if line.strip():
            out.records += not of_journal
            reader.line(line.rstrip(), place)
    reader.finish(year, why)


class _Reader:
    """Takes lines in the order of the file. `of_journal`: the time before a line is the system's, and better than the line's own."""

    def __init__(self, options: Options, out: FactBuffer, lines: Lines, of_journal: bool) -> None:
        self._queues, self._clock, self._lines, self._out = Queues(out, options.now), Clock(options.zone), lines, out
        self._of_journal, self._zoneless, self._yearless = of_journal, 0, 0

    def line(self, text: str, place: str) -> None:
        """Take note of one line."""
        parsed = self._parsed(text)
        if parsed is None:
            self._queues.trace.tally.add("about no message, passed over")
            return
        host, at, id_, rest = parsed
        slot = (host, id_)
        if rest.startswith("Completed"):
            self._queues.done(slot)
            return
        flag = _FLAG.match(rest)
        if flag is None or flag["flag"] in ("*>", "(="):
            self._queues.trace.tally.add("about no delivery, passed over")
        elif flag["flag"] == "<=":
            fields = dict(re.findall(r" (S|id)=(\S+)", rest.partition(' T="')[0]))
            queued = self._queues.entry(slot, place, at, begins=fields.get("id", ""))
            queued.sender, queued.size, queued.message_id = flag["what"].strip("<> "), fields.get("S", ""), fields.get("id", "")
        elif found := _recipient(flag["what"]):
            self._queues.entry(slot, place, at).to.append(Recipient(*found, _STATUS[flag["flag"]], at, place))
        else:
            self._out.refuse(place, flag["what"], "the recipient is not an address")

    def finish(self, year: int | None, why: str) -> None:
        """State what is still in the queue, and what was taken of the dates."""
        if self._yearless and year is not None:
            self._out.note(f"dates without a year: the first is taken to be of {year} {why}")
        elif self._yearless:
            self._out.note("dates without a year, and nothing tells it: times are unknown; put the date into the file's name (mainlog-20230630)")
        self._queues.finish(told(self._clock, "times without a zone") if self._zoneless else None)

    def _parsed(self, text: str) -> tuple[str, int | None, str, str] | None:
        """(host, time, Exim's id, what follows it) of a line with a message id."""
        own = None if self._of_journal else _LINE.match(text)
        if own:
            host, at = _HOST.match(own["head"]), _time(f"{own['day']}T{own['clock']}{own['zone'] or ''}")
            return host[1] if host else "", at if own["zone"] else self._local(at), own["id"], own["rest"]
        before = self._lines.zoneless
        start = self._lines.start(text)
        if start is None or not start.program.startswith("exim"):
            return None
        rest = _OWN_TIME.sub("", text[start.end :], count=1)
        bare = _BARE.match(rest)
        if bare is None:
            return None
        zoneless = self._lines.zoneless > before
        self._yearless += zoneless
        return start.host, self._local(start.at) if zoneless else start.at, bare["id"], bare["rest"]

    def _local(self, at: int | None) -> int | None:
        """A time without a zone as UTC."""
        self._zoneless += 1
        return at if at is None else self._clock.utc(at)


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
