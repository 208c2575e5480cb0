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
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from loaders import columns, dates
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.csv_rows import PartLines
from loaders.encodings import encoding_of, head_text, open_text
from loaders.trace import address, is_probe, message_keys
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


class _Layout(NamedTuple):
    """How many columns a row has, where those are that are read (in the order of _READ, -1: the log lacks it), and what takes them out."""

    width: int
    at: tuple[int, ...]
    take: Callable[[list[str]], tuple[str, ...]]



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
    """Read the rows, many at a time where that is safe. Raises Broken where a `#Fields` line lacks a column that is needed."""
    csv.field_size_limit(_CELL_LIMIT)
    reader = _Reader(options, out)
    with closing(open_text(source, encoding_of(source, options))) as stream:
        parts: Iterator[bytes] = columns.chunks(stream)
        try:
            while part := next(parts, b""):
                if head := reader.head(part):
                    part, parts = part[:head], chain([part[head:]] if part[head:] else [], parts)
                if not reader.many(part):
                    reader.one_by_one(part, parts)
        except UnicodeDecodeError:
            raise Broken(f"after line {reader.lines}", "the bytes are not text", "the file is damaged: copy it again") from None
    reader.tracking.finish()


class _Reader:
    def __init__(self, options: Options, out: FactBuffer) -> None:
        self.tracking = Tracking(out, NAME, options.now)
        self.lines = 0
        """Lines read so far."""
        self._out = out
        self._latest = options.now if options.now is not None else dates.LATEST
        self._layout: _Layout | None = None
        self._tos: dict[str, str | None] = {}
        self._senders: dict[str, str | None] = {}

    def head(self, part: bytes) -> int:
        """Where the header lines at the beginning of a part end; without any, and while no layout is known, where its first line ends."""
        end = 0
        while part.startswith(b"#", end) or (not end and part.startswith(b"\xef\xbb\xbf#")):
            end = part.find(b"\n", end) + 1 or len(part)
        return end or (0 if self._layout else part.find(b"\n") + 1)

    def one_by_one(self, part: bytes, more: Iterator[bytes]) -> None:
        """The rows of a part, and of those after it into which the last one goes on."""
        lines = PartLines(part, more)
        reader = csv.reader(lines)
        before = self.lines
        while lines.left:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                raise Broken(f"line {before + reader.line_num}", "a quote is never closed", "the file is cut short or damaged: copy it again") from None
            self.lines = before + reader.line_num
            if cells:
                self._row(cells, f"line {self.lines}")

    def _row(self, cells: list[str], place: str) -> None:
        if cells[0].lstrip("\ufeff").startswith("#"):
            if (names := _fields(cells)) is not None:
                self._layout = _layout(names, place)
            return
        self._out.records += 1
        if self._layout is None and len(cells) in _BY_COUNT:
            self._layout = _layout(_BY_COUNT[len(cells)], place)
            when = "2013 and later write" if len(cells) == len(_NEW) else "2010 writes"
            self._out.note(f"no #Fields line: rows of {len(cells)} columns are read as Exchange {when} them")
        layout = self._layout
        if layout is None or len(cells) != layout.width or not _TIME.fullmatch(cells[0]):
            why = "no time in the first column" if layout and len(cells) == layout.width else "not as many cells as #Fields names"
            self._out.refuse(place, f"{len(cells)} cells", why)
            return
        self.tracking.trace.order = self.lines
        _event(cells, layout, place, self.tracking)

    def many(self, part: bytes) -> bool:
        """State a part of the file as columns; False where it has to be read row by row."""
        layout, rows = self._layout, part.count(b"\n")
        if layout is None or layout.at[0] != 0 or part.startswith(b"#") or b"\n#" in part or not columns.is_plain(part, ","):
            return False
        present = sorted({at for at in layout.at if at >= 0})
        found = columns.texts_of(part, layout.width, ",", present)
        if found is None or len(found[0]) != rows:
            return False
        texts = dict(zip(present, found, strict=True))
        empty = columns.empty(rows)
        time, where, kind, internal, message, to, _, _, sender, size = (texts.get(at, empty) for at in layout.at)
        at, good = columns.moments(time, self._latest)
        order = pl.int_range(self.lines + 1, self.lines + 1 + rows, eager=True)
        said = pl.DataFrame([columns.series(time).alias("time"), pl.Series("at", at), pl.Series("good", good)])
        frame = pl.DataFrame([
            order.alias("order"), ("line " + order.cast(pl.String)).alias("place"),
            said.select(pl.when(pl.col("good") & pl.col("time").str.contains("^.{10}T.*Z$")).then("at")).to_series(),
            columns.once_a_value(kind, str.casefold, pl.String).alias("kind"), columns.once_a_value(where, str.casefold, pl.String).alias("source"),
            columns.series(internal).alias("internal_id"), columns.of_values(message, message_keys, pl.String).alias("key"),
            columns.once_a_value(to, _to, pl.String, self._tos).alias("to"), columns.once_a_value(sender, _sender, pl.String, self._senders).alias("envelope"),
            columns.numbers(size).alias("size"),
        ])  # fmt: skip
        begin = self.lines
        every: list[pa.Array] = []

        def one(number: int) -> None:
            if not every:
                every.extend(columns.texts_of(part, layout.width, ",", range(layout.width)) or [])
            self.lines = number
            self._row([column[number - begin - 1].as_py() for column in every], f"line {number}")

        singly = self.tracking.many(frame, one)
        self._out.records += rows - singly  # `one` counts its own
        self.lines = begin + rows
        return True


def _to(text: str) -> str | None:
    """One recipient, "" where it is a probe; None where the cell says anything else."""
    normalised = address(text) if ";" not in text else None
    return "" if normalised and is_probe(normalised) else normalised


def _sender(text: str) -> str:
    return address(text) or ""


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
    at = tuple(names.index(name) if name in names else -1 for name in _READ)
    return _Layout(len(names), at, itemgetter(*at))


def _event(cells: list[str], layout: _Layout, place: str, tracking: Tracking) -> None:
    cells.append("")
    time, where, kind, internal, message, to, related, reference, sender, size = layout.take(cells)
    at = tracking.trace.when(time, place)
    if not tracking.passes_over(kind, at):
        tracking.event(Event(place, at, where, kind, internal, message, _items(to), _items(related), _items(reference), sender, size))


def _items(text: str) -> list[str]:
    if ";" not in text:
        return [text] if text else []
    return [item.strip() for item in text.split(";") if item.strip()]
