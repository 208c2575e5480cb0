"""Cisco Email Security Appliance (Secure Email Gateway) text mail logs, `mail_logs`, as files or by syslog (formats.md 2).

Claims lines `Info: MID 6 ICID 5 From: <…>`, with the appliance's own date or syslog's before them.

Yields, joined by MID: Message (`Message-ID '…'`, `ready N bytes`, time of its first line), SENT_BY (`From:`), ADDRESSED_TO (`RID n To:`) with what became
of it: `Message done … to RID [n]` is delivered (to the next server), `Bounced` has failed, `Delayed` is pending, `Message aborted` and `Dropped` are
discarded, quarantine is quarantined.

Traps: a message that is rewritten goes on under another MID (`rewritten to MID 7`): that one is the message. Dates have no zone, syslog's no year:
the note says what was taken. Lines of other programs are passed over. Subjects and attachment names are not read. MIDs are used again after a
reset: another `Start MID` begins another message. The lines are those of Cisco's "Text Mail Logs" (AsyncOS user guide).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.encodings import head_text, numbered_lines
from loaders.mail_queues import Queued, Queues, Recipient, Slot
from loaders.postfix_lines import Lines, first_year
from loaders.trace import address
from loaders.zones import Clock, told

NAME = "cisco_esa_text"
TITLE = "Cisco Email Security Appliance text mail log"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "messages, senders, recipients, delivery"

_CTIME = re.compile(r"([A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d \d{4}) ")
_CLAIMED = re.compile(r"Info: MID \d+ ICID \d+ (?:RID \d+ To|From): <")
_SAID = re.compile(r"(?:Info|Warning|Debug|Critical): (?P<text>.*)", re.DOTALL)
_MID = re.compile(r"\bMID (\d+)\b")
_FROM, _TO = re.compile(r"From: <([^>]*)>"), re.compile(r"RID (\d+) To: <([^>]*)>")
_ID, _SIZE = re.compile(r"Message-ID '?<?([^'>]*)>?'?"), re.compile(r"ready (\d+) bytes")
_RIDS = re.compile(r"RID \[?([\d, ]+)\]?")
_REWRITTEN = re.compile(r"MID (\d+) rewritten to MID (\d+)")
_OUTCOMES = (("Message done", "delivered"), ("Bounced:", "failed"), ("Delayed:", "pending"))
_ENDINGS = (("Message aborted", "discarded"), ("Dropped by", "discarded"), ("quarantined to", "quarantined"), ("enqueued for transfer to", "quarantined"))
_YEARLESS = re.compile(r"(?:<\d+>)?[A-Z][a-z]{2} +\d")


def detect(source: Source) -> Claim | None:
    """Claim lines about a message's sender or recipient."""
    return Claim(8, "lines of a Cisco ESA") if not source.is_dir and source.head.lstrip()[:1] not in (b"{", b"[") and _CLAIMED.search(head_text(source)) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines one by one."""
    text = numbered_lines(source, options, out)
    year, why = first_year(source, options.now) if _YEARLESS.match(head_text(source).lstrip("\ufeff")) else (None, "")
    reader = _Reader(Queues(out, options.now), Lines(year), Clock(options.zone), out)
    for place, line in text:
        if line.strip():
            out.records += 1
            reader.line(line.rstrip(), place)
    reader.finish(year, why)


class _Reader:
    def __init__(self, queues: Queues, lines: Lines, clock: Clock, out: FactBuffer) -> None:
        self._queues, self._lines, self._clock, self._out = queues, lines, clock, out
        self._named: dict[Slot, dict[str, str]] = {}  # recipients by RID that nothing became of yet

    def line(self, text: str, place: str) -> None:
        """Take note of one line."""
        at, host = self._when(text)
        said = _SAID.search(text)
        mid = _MID.search(said["text"]) if said else None
        if said is None or mid is None:
            self._queues.trace.tally.add("about no message, passed over")
            return
        slot = (host, mid[1])
        if said["text"].startswith("Start MID"):
            self._end(slot, "", at, place)
        queued = self._queues.entry(slot, place, at)
        if moved := _REWRITTEN.search(said["text"]):
            self._move(slot, (host, moved[2]), place, at)
        else:
            self._take(slot, queued, said["text"], at, place)

    def finish(self, year: int | None, why: str) -> None:
        """State what is still in the queue, and what the file as a whole says."""
        for slot in list(self._named):
            self._end(slot, "", None, "end of file")
        if self._lines.undated:
            self._out.note("dates without a year, and nothing tells it: times are unknown; put the date into the file's name (mail.20230630)")
        elif self._lines.zoneless and year is not None:
            self._out.note(f"dates without a year: the first is taken to be of {year} {why}")
        self._queues.finish(told(self._clock, "times without a zone"))

    def _when(self, text: str) -> tuple[int | None, str]:
        before = self._lines.zoneless
        start = None if (own := _CTIME.match(text)) else self._lines.start(text)
        at = _seconds(own[1]) if own else start.at if start else None
        if at is not None and (own or self._lines.zoneless > before):
            at = self._clock.utc(at)
        return at, start.host if start else ""

    def _take(self, slot: Slot, queued: Queued, text: str, at: int | None, place: str) -> None:
        if found := _TO.search(text):
            if (to := address(found[2])) is None:
                self._out.refuse(place, found[2], "the recipient is not an address")
            else:
                self._named.setdefault(slot, {})[found[1]] = to
        elif found := _FROM.search(text):
            queued.sender = queued.sender or found[1]
        elif found := _ID.search(text):
            queued.message_id = queued.message_id or found[1]
        elif found := _SIZE.search(text):
            queued.size = found[1]
        elif outcome := next((status for word, status in _OUTCOMES if word in text), None):
            self._became(slot, queued, _RIDS.search(text), outcome, at, place)
        elif ending := next((status for word, status in _ENDINGS if word in text), None):
            self._end(slot, ending, at, place)
        elif "Message finished" in text:
            self._end(slot, "", at, place)

    def _became(self, slot: Slot, queued: Queued, rids: re.Match[str] | None, status: str, at: int | None, place: str) -> None:
        named = self._named.get(slot, {})
        for rid in re.findall(r"\d+", rids[1]) if rids else ():
            if to := named.get(rid) if status == "pending" else named.pop(rid, None):
                queued.to.append(Recipient(to, "", status, at, place))

    def _move(self, slot: Slot, to: Slot, place: str, at: int | None) -> None:
        """The message goes on under another MID."""
        old, new = self._queues.entry(slot, place, at), self._queues.entry(to, place, at)
        new.sender, new.size, new.message_id = new.sender or old.sender, new.size or old.size, new.message_id or old.message_id
        new.place, new.at, new.day = old.place, old.at, old.day
        self._named.setdefault(to, {}).update(self._named.pop(slot, {}))
        new.to, old.to = [*old.to, *new.to], []
        self._queues.drop(slot)

    def _end(self, slot: Slot, status: str, at: int | None, place: str) -> None:
        """The appliance is done with a message: of recipients that nothing was said of, `status`, "" for unknown."""
        left = self._named.pop(slot, {})
        if left:
            self._queues.entry(slot, place, at).to += [Recipient(to, "", status, at, place) for to in left.values()]
        self._queues.done(slot)


def _seconds(text: str) -> int | None:
    try:
        return int(datetime.strptime(" ".join(text.split()), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
