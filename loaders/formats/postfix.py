"""Postfix log by syslog or the systemd journal (mail.log, maillog, `journalctl`): who sent what to whom, and what became of it (formats.md 2).

Claims lines of postfix daemons with a syslog prefix (RFC 3164, RFC 5424, ISO dates, journalctl's `short-full` and `short-unix`), lines cut to
`QUEUEID: to=<…>, … status=…`, `docker compose logs`, and such lines kept as JSON: the journal (`journalctl -o json`), Docker's, Filebeat's, Splunk's.

Yields, joined by queue id: Message (`message-id=`, `size=`, time of its first line), SENT_BY (`from=`), ADDRESSED_TO (`to=`, `status=`: sent is
delivered; deferred is pending; bounced and expired have failed). Where `orig_to=` is another address: that one as a recipient too
(expanded), and a Group of it that FORWARDS_TO `to=`, from the first time it was seen.

Traps: queue ids are used again, so a message is host + queue id until `removed`, or until another `message-id=` comes; without a
Message-ID it is known by host, queue id and day. What is handed to a filter on the same host (relay=127.0.0.1, a pipe named
…filter) is relayed, not delivered. Dates of RFC 3164 have neither year nor zone: see loaders/postfix_lines.py; --zone says the zone, else they
are read as UTC; the note says what was taken. `from=<>` is a bounce. Lines of other programs are passed over. Header checks print subjects: they are not read.
Documented in Postfix's manual pages (postconf, qmgr, smtp).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field

from graphmodel import identity
from graphmodel.times import to_iso
from loaders import columns, journal
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.encodings import encoding_of, head_text, open_text
from loaders.jsonbatch import SMALL
from loaders.postfix_lines import Line, Lines, first_year
from loaders.trace import Trace, address
from loaders.zones import Clock, told

NAME = "postfix"
TITLE = "Postfix syslog or journal"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages, senders, recipients, delivery, aliases"

_STATUS = {"sent": "delivered", "deferred": "pending", "bounced": "failed", "expired": "failed"}
_LOOPBACK = re.compile(r"(?:127\.|localhost\b|\[?::1\b)")
_FILTER = re.compile(r"filter|spam|amavis|clam|virus", re.IGNORECASE)
_DAEMON = re.compile(r"^(?:<\d+>)?.{15,40} \S+ \S*postfix\S*?(?:\[\d+\]:| \d+ )", re.MULTILINE)
_BARE = re.compile(r"^[0-9A-Za-z]{5,20}: (?:to|from|message-id|client)=.*?(?:status=|size=|>$)", re.MULTILINE)
_HELD = 200_000  # messages in the queue at once; one in a log without "removed" is let go after so many


@dataclass(slots=True)
class _Queued:
    """A message in the queue: what its lines said so far."""

    place: str
    at: int | None
    message_id: str = ""
    sender: str | None = None
    size: str = ""
    to: list[tuple[str, str, str, int | None, str]] = field(default_factory=list)  # address, orig_to, status, when, place


def detect(source: Source) -> Claim | None:
    """Claim lines of Postfix."""
    if source.is_dir:
        return None
    if journal.speaks_of(source, _DAEMON, b"postfix"):
        return Claim(8, "a journal with lines of postfix daemons")
    text = head_text(source)
    if "postfix" in text and _DAEMON.search(text):
        return Claim(8, "lines of postfix daemons")
    return Claim(6, "lines of Postfix without syslog's prefix") if len(_BARE.findall(text)) >= 2 else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines, many at a time in a large file; one whose dates have no year is read twice."""
    if journal.records_of(source):
        of_journal = _Reader(options, out, Lines(None, Clock(options.zone) if options.zone else None))
        for place, line in journal.lines(source, out):
            of_journal.line(line, place)
        of_journal.finish(None, "")
        return
    encoding = encoding_of(source, options)
    if encoding.remark:
        out.note(encoding.remark)
    year, why = first_year(source, options.now)
    reader = _Reader(options, out, Lines(year, Clock(options.zone) if options.zone else None))
    with closing(open_text(source, encoding)) as stream:
        try:
            if source.size < SMALL:
                for number, line in enumerate(stream, 1):
                    if line.strip():
                        out.records += 1
                        reader.line(line, f"line {number}")
            else:
                reader.many(columns.chunks(stream))
        except UnicodeDecodeError:
            raise Broken("in the middle", "the bytes are not text", "say --encoding") from None
    reader.finish(year, why)


class _Reader:
    def __init__(self, options: Options, out: FactBuffer, lines: Lines) -> None:
        self._trace = Trace(out, options.now)
        self._out, self._lines = out, lines
        self._queue: dict[tuple[str, str], _Queued] = {}
        self._aliases: dict[tuple[str, str], tuple[int | None, str]] = {}

    def line(self, text: str, place: str) -> None:
        """Take note of one line."""
        line = self._lines.parse(text)
        if line is None:
            self._trace.tally.add("about no queued message, passed over")
            return
        self._trace.covers(line.at)
        slot = (line.host, line.queue_id)
        if line.rest == "removed":
            if slot in self._queue:
                self._state(slot, self._queue.pop(slot))
            return
        queued = self._entry(slot, line, place)
        fields = line.fields
        queued.message_id = queued.message_id or fields.get("message-id", "")
        if "from" in fields and "to" not in fields:
            queued.sender = fields["from"] if queued.sender is None else queued.sender
            queued.size = queued.size or fields.get("size", "")
        if "to" in fields and "status" in fields:
            self._recipient(queued, line, place)

    def many(self, parts: Iterable[bytes]) -> None:
        """All lines of a file, in pieces of many."""
        from loaders.postfix_batches import PostfixBatches  # noqa: PLC0415 - compiled code takes a while to load

        batches = PostfixBatches(self._out, self._trace, self._lines, _HELD, _status, _unnamed, self._alias)
        for part in parts:
            batches.take(part)
        batches.finish()

    def finish(self, year: int | None, why: str) -> None:
        """State what is still in the queue, and what the file as a whole says."""
        for slot, queued in self._queue.items():
            self._state(slot, queued)
        if self._lines.undated:
            self._out.note("dates without a year, and nothing tells it: times are unknown; put the date into the file's name (mail.log-20230630)")
        elif self._lines.zoneless and year is not None:
            self._out.note(f"dates without a year: the first is taken to be of {year} {why}")
        zone = told(self._lines.clock or Clock(), "times without a zone") if self._lines.zoneless else None
        self._trace.finish(note=zone)

    def _entry(self, slot: tuple[str, str], line: Line, place: str) -> _Queued:
        queued = self._queue.get(slot)
        again = line.fields.get("message-id")
        if queued is not None and again and queued.message_id and queued.message_id != again:
            self._state(slot, self._queue.pop(slot))  # the queue id is used again
            queued = None
        if queued is None:
            if len(self._queue) >= _HELD:
                oldest = next(iter(self._queue))
                self._state(oldest, self._queue.pop(oldest))
            queued = self._queue[slot] = _Queued(place, line.at)
        return queued

    def _recipient(self, queued: _Queued, line: Line, place: str) -> None:
        word = line.fields["status"].split(" ", 1)[0]
        if word in ("deliverable", "undeliverable"):
            self._trace.tally.add("about address probes, passed over")
            return
        to = address(line.fields["to"])
        if to is None:
            self._out.refuse(place, line.fields["to"], "the recipient is not an address")
            return
        status = _status(word, line.fields.get("relay", ""), "lmtp" in line.program)
        queued.to.append((to, address(line.fields.get("orig_to", "")) or "", status, line.at, place))

    def _state(self, slot: tuple[str, str], queued: _Queued) -> None:
        """State a message with all its lines said; nothing where no recipient was seen."""
        if not queued.to:
            self._trace.tally.add("that begin a message of which no delivery is seen")
            return
        key = identity.message_key(queued.message_id, None)
        if key is None:
            key = _unnamed(*slot, queued.at, queued.sender or "", [to for to, *_ in queued.to])
        self._trace.message(key, queued.place, at=queued.at, sender=queued.sender or "", size=queued.size)
        for to, original, status, at, place in queued.to:
            self._trace.recipient(key, to, status, at, place)
            if original and original != to:
                self._trace.recipient(key, original, "expanded", at, place)
                self._alias(original, to, at, place)

    def _alias(self, original: str, to: str, at: int | None, place: str) -> None:
        """Mail to `original` goes on to `to`: stated once, where it is first seen (the file is in order of time)."""
        if (original, to) in self._aliases:
            return
        self._aliases[original, to] = (at, place)
        group = ("Group", identity.group_key(original))
        self._out.node("Group", group[1], place, name=original, type="distribution", address=original)
        self._out.edge("HAS_ADDRESS", group, ("Correspondent", identity.smtp_key(original)), place, type="primary")
        self._out.edge("FORWARDS_TO", group, ("Correspondent", identity.smtp_key(to)), place, valid_from=at)


def _unnamed(host: str, queue_id: str, at: int | None, sender: str, to: list[str]) -> str:
    """The key of a message without a Message-ID: by host, queue id and day; by sender and recipients where the day is unknown."""
    day = (to_iso(at) or "")[:10]
    content = identity.content_hash(day, "" if day else sender, [] if day else sorted(to), f"{host}/{queue_id}", "postfix")
    return identity.message_key(None, content) or ""


def _status(word: str, relay: str, lmtp: bool) -> str:
    """What became of a message, by Postfix' word for it."""
    status = _STATUS.get(word, word)
    return "relayed" if status == "delivered" and _is_filter(relay, lmtp) else status


def _is_filter(relay: str, lmtp: bool) -> bool:
    """Whether "sent" means handed to a content filter, which may still drop the message."""
    return (bool(_LOOPBACK.match(relay)) and not lmtp) or bool(_FILTER.search(relay.partition("[")[0]))
