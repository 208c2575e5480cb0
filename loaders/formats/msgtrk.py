"""Message tracking log of an Exchange server (MSGTRK, MSGTRKMD, MSGTRKMS, MSGTRKMA): every event on every message (formats.md 2).

Claims a file with `#Log-type: Message Tracking Log` or a `#Fields:` line of such a log, and one without header whose first row has
exactly 30 columns (Exchange 2013 and later) or 26 (2010), with the time first, then source and event in their places.

Yields Message (`message-id`, `total-bytes`, `date-time`), SENT_BY (`sender-address`), ADDRESSED_TO (`recipient-address`; DELIVER and SEND
are proof of delivery, RECEIVE an attempt, FAIL a failure); Mailbox where STOREDRIVER delivered; from EXPAND the members of a group
(`related-recipient-address`) from then on, members outside as FORWARDS_TO; from RESOLVE another address of the mailbox, from
REDIRECT its forwarding; from source MAILBOXRULE an Observation that an inbox rule fired (`reference` is the id of what set it off),
the Rule, and where it FORWARDS_TO.

Traps: columns are found by `#Fields`, which is repeated where a log was rotated into another; three servers log the same mail
(it counts once). Shadow copies (HA…), NOTIFYMAPI, SUBMIT, agents' notes and health probes are passed over. The sender `<>` is a
bounce. A forwarding and a rule are known by their work: from the first time they are seen, their end is not known. Subjects are not
read. Documented at learn.microsoft.com, Exchange, "Message tracking".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from operator import itemgetter

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.encodings import encoding_of, head_text, open_text
from loaders.tracking import Event, Tracking

NAME = "msgtrk"
TITLE = "Exchange message tracking log (MSGTRK)"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages, senders, recipients, delivery, mailboxes, group members, aliases, forwardings, rules that fired"

_OLD = """
    date-time client-ip client-hostname server-ip server-hostname source-context connector-id source event-id internal-message-id message-id
    recipient-address recipient-status total-bytes recipient-count related-recipient-address reference message-subject sender-address
    return-path message-info directionality tenant-id original-client-ip original-server-ip custom-data
""".split()  # noqa: SIM905
_NEW = [*_OLD[:11], "network-message-id", *_OLD[11:], "transport-traffic-type", "log-id", "schema-version"]
_BY_COUNT = {len(_NEW): _NEW, len(_OLD): _OLD}
_READ = ("date-time", "source", "event-id", "internal-message-id", "message-id", "recipient-address", "related-recipient-address", "reference",
         "sender-address", "total-bytes")  # fmt: skip
_NEEDED = ("date-time", "source", "event-id", "message-id", "recipient-address", "sender-address")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_EVENT = re.compile(r"[A-Z]{3,24}")
_CELL_LIMIT = 16 << 20

_Layout = tuple[int, Callable[[list[str]], tuple[str, ...]]]
"""How many columns a row has, and what takes those out that are read, in the order of _READ."""


def detect(source: Source) -> Claim | None:
    """Claim a message tracking log by its header, or by the shape of its first row."""
    if source.is_dir:
        return None
    text = head_text(source).lstrip("\ufeff")
    if text.startswith("#") and re.search(r"^#(Log-type: Message Tracking Log|Fields: .*\binternal-message-id\b)", text[:4000], re.MULTILINE):
        return Claim(9, "header of a message tracking log")
    with suppress(csv.Error, StopIteration):
        cells = next(csv.reader(text.splitlines(keepends=True)[:1]))
        if len(cells) in _BY_COUNT and _TIME.fullmatch(cells[0]) and _EVENT.fullmatch(cells[7]) and _EVENT.fullmatch(cells[8]):
            return Claim(8, f"rows of a message tracking log with {len(cells)} columns")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one. Raises Broken where a `#Fields` line lacks a column that is needed."""
    csv.field_size_limit(_CELL_LIMIT)
    tracking = Tracking(out, NAME, options.now)
    layout: _Layout | None = None
    for number, cells in _rows(source, options):
        place = f"line {number}"
        if cells[0].lstrip("\ufeff").startswith("#"):
            if (names := _fields(cells)) is not None:
                layout = _layout(names, place)
            continue
        out.records += 1
        if layout is None and len(cells) in _BY_COUNT:
            layout = _layout(_BY_COUNT[len(cells)], place)
            when = "2013 and later write" if len(cells) == len(_NEW) else "2010 writes"
            out.note(f"no #Fields line: rows of {len(cells)} columns are read as Exchange {when} them")
        if layout is None or len(cells) != layout[0] or not _TIME.fullmatch(cells[0]):
            why = "no time in the first column" if layout and len(cells) == layout[0] else "not as many cells as #Fields names"
            out.refuse(place, f"{len(cells)} cells", why)
            continue
        _event(cells, layout, place, tracking)
    tracking.finish()


def _rows(source: Source, options: Options) -> Iterator[tuple[int, list[str]]]:
    """(number of the last line, cells) of each row, header lines among them."""
    with closing(open_text(source, encoding_of(source, options))) as stream:
        reader = csv.reader(stream)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except UnicodeDecodeError:
                raise Broken(f"after line {reader.line_num}", "the bytes are not text", "the file is damaged: copy it again") from None
            except csv.Error:
                raise Broken(f"line {reader.line_num}", "a quote is never closed", "the file is cut short or damaged: copy it again") from None
            if cells:
                yield reader.line_num, cells


def _fields(cells: list[str]) -> list[str] | None:
    """Column names of a `#Fields: date-time,…` line."""
    first = cells[0].lstrip("\ufeff")
    if not first.casefold().startswith("#fields:"):
        return None
    return [name.strip().casefold() for name in [first[len("#fields:") :], *cells[1:]]]


def _layout(names: list[str], place: str) -> _Layout:
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise Broken(place, f"no column {', '.join(missing)} in #Fields", "the log is not one of message tracking")
    # A column that the log lacks is read from the end of the row, where an empty cell is put.
    return len(names), itemgetter(*(names.index(name) if name in names else -1 for name in _READ))


def _event(cells: list[str], layout: _Layout, place: str, tracking: Tracking) -> None:
    cells.append("")
    time, where, kind, internal, message, to, related, reference, sender, size = layout[1](cells)
    at = tracking.trace.when(time, place)
    if not tracking.passes_over(kind, at):
        tracking.event(Event(place, at, where, kind, internal, message, _items(to), _items(related), _items(reference), sender, size))


def _items(text: str) -> list[str]:
    if ";" not in text:
        return [text] if text else []
    return [item.strip() for item in text.split(";") if item.strip()]
