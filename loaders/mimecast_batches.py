"""Mimecast's logs in batches of lines: what a record is once for all that say it alike, ids, times, sizes and addresses in columns.

A record goes the way of single ones where anything in it is not as usual (names of the first API, several recipients, an odd address).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from loaders import columns, dates, jsoncells, messageids
from loaders.collectors import MARKS
from loaders.jsonbatch import Batch, Bytes, Flags, Ints
from loaders.jsoncells import GOOD
from loaders.jsonscan import Found, Names
from loaders.jsonspans import each, objects_of
from loaders.mimecast import PASSED, Alike, Mimecast, alike
from loaders.trace import address

_KIND = ("type", "eventType", "action", "subtype", "delivered")
_OLDER = ("acc", "MsgId", "Rcpt", "datetime", "Act", "Sender", "headerFrom", "MsgSize", "Delivered")
_STRANGE = (*_OLDER, *sorted(MARKS), "o365.audit.Operation")
_CONTEXT = (*_KIND, *_STRANGE)
_STATED = ("messageId", "recipients", "senderEnvelope", "senderHeader", "emailSize")
_RECORD = Names(*_STATED, "timestamp", *_CONTEXT)
_KEPT = 100_000
_DAY = 86_400
_DIGITS = 13
"""Of milliseconds since 1970, between 2001 and 2286."""
_HIGH, _ZEROS, _SIXES = (np.uint64(0x0101010101010101 * byte) for byte in (0xF0, ord("0"), 6))
_JOINS = [tuple(map(np.uint64, one)) for one in ((0x0F0F0F0F0F0F0F0F, 10 * 2**8 + 1, 8), (0x00FF00FF00FF00FF, 100 * 2**16 + 1, 16), (0x0000FFFF0000FFFF, 10_000 * 2**32 + 1, 32))]


@dataclass(frozen=True)
class _Scan:
    """What a batch's texts hold, by columns. `usual`: records whose parts are where they should be."""

    found: Found
    usual: Flags
    at: Ints
    context: Any


class MimecastBatches:
    """Takes batches for `log`."""

    def __init__(self, log: Mimecast, now: int | None) -> None:
        self._log, self._trace = log, log.trace
        self._latest = dates.LATEST if now is None else now + _DAY
        self._known: dict[int, Alike | None] = {}

    def take(self, batches: Iterable[Batch]) -> None:
        """State what all batches say."""
        each(batches, self._scan, self._take)

    def _scan(self, batch: Batch) -> _Scan:
        data = batch.data
        found = objects_of(batch, _RECORD)
        at, usual = _milliseconds(data, found.span("timestamp"))
        usual &= (at >= dates.EARLIEST) & (at <= self._latest)
        size = found.span("emailSize")[:, 0]
        usual &= (size < 0) | (data[size] == ord('"')) | (data[size] == ord("n"))
        return _Scan(found, usual, at, jsoncells.marks_of(data, found, _CONTEXT))

    def _take(self, batch: Batch, scan: _Scan) -> None:
        said, which = self._said(batch, scan)
        usual = scan.usual & np.array([one is not None for one in said], np.bool_)[which]
        passed = usual & np.array([one is not None and one.passed for one in said], np.bool_)[which]
        frame = self._frame(batch, scan, np.flatnonzero(usual & ~passed), [one or Alike(passed=True) for one in said], which)
        single = np.ones(len(batch), np.bool_)
        single[scan.found.row[passed]] = single[frame["row"].to_numpy()] = False
        rows = np.flatnonzero(single)
        for row in rows.tolist():
            self._trace.order = int(batch.number[row])
            for place, record in batch.row(row):
                self._log.take(record, place)
        self._log.out.records += 0 if batch.counted else len(batch) - len(rows)
        self._trace.tally.add(PASSED, int(passed.sum()))
        if frame.height:
            self._trace.covers(frame["seen"].min())  # type: ignore[arg-type]
            self._trace.covers(frame["seen"].max())  # type: ignore[arg-type]
            self._trace.rows(frame)

    def _said(self, batch: Batch, scan: _Scan) -> tuple[list[Alike | None], Ints]:
        """What the different kinds of records say, None where they are not as usual, and of which kind each one is."""
        if len(self._known) > _KEPT:
            self._known.clear()
        first, which = jsoncells.distinct(scan.context)
        said = []
        for mark, row in zip(scan.context[first].tolist(), first.tolist(), strict=True):
            if mark not in self._known:
                given = {name: span for name in _CONTEXT if (span := scan.found.span(name)[row])[0] >= 0}
                self._known[mark] = alike({name: batch.value(span) for name, span in given.items()}) if given.keys().isdisjoint(_STRANGE) else None
            said.append(self._known[mark])
        return said, which

    def _frame(self, batch: Batch, scan: _Scan, rows: Ints, said: list[Alike], which: Ints) -> pl.DataFrame:
        """Those of the rows that can be stated so, as Trace.rows takes them; `row`: of the batch, `seen`: seconds of the record."""
        block = scan.found.spans[rows, : len(_STATED)]  # side by side, so that memory is gone through once
        data, spans = batch.data, {name: block[:, at] for at, name in enumerate(_STATED)}
        first, same = jsoncells.distinct(jsoncells.marks(data, spans["messageId"]))
        keys, state = messageids.message_keys(data, spans["messageId"][first])
        kinds = which[rows]
        timed = np.array([one.timed for one in said], np.bool_)[kinds]
        to, envelope, author = _addresses(data, [spans[name] for name in ("recipients", "senderEnvelope", "senderHeader")])
        frame = pl.DataFrame([
            keys.gather(same).alias("key"), to.alias("to"), pl.Series("seen", scan.at[rows]), envelope.alias("envelope"), author.alias("author"),
            pl.Series([one.status for one in said], dtype=pl.String).gather(kinds).alias("status"), _sizes(data, spans["emailSize"]).alias("size"),
            pl.Series("row", scan.found.row[rows]),
        ])  # fmt: skip
        good = pl.Series((state == GOOD)[same]) & frame["to"].is_not_null()
        frame, timed = (frame, timed) if good.all() else (frame.filter(good), timed[good.to_numpy()])
        row = frame["row"].to_numpy()
        probes = frame["to"].str.contains("^(?:healthmailbox|inboundproxy)")
        if probes.any():
            frame = frame.with_columns(frame["to"].set(probes, None))
        at = frame["seen"].alias("at") if timed.all() else frame["seen"].set(pl.Series(~timed), None).alias("at")
        return frame.with_columns(at, pl.Series("order", batch.number[row]), batch.places(row).alias("place"))


def _milliseconds(data: Bytes, spans: Ints) -> tuple[Ints, Flags]:
    """(seconds, whether they are such) of values written as milliseconds since 1970: thirteen digits."""
    good = (spans[:, 0] >= 0) & (spans[:, 1] - spans[:, 0] == _DIGITS)
    if not good.any():
        return np.zeros(len(spans), np.int64), good
    words, starts = np.ndarray(len(data) - 7, "<u8", data, strides=(1,)), np.where(good, spans[:, 0], 0)
    (head, sound), (tail, sound_too) = _eight_digits(words[starts]), _eight_digits(words[starts + _DIGITS - 8])
    return (head * 100 + tail % 100_000 // 1000).astype(np.int64), good & sound & sound_too & (data[starts] != ord("0"))


def _eight_digits(words: Any) -> tuple[Any, Flags]:
    """(the number, whether it is one) that eight bytes of text spell: pairs are joined to fours, and these to eight."""
    sound = ((words & _HIGH) == _ZEROS) & ((words + _SIXES & _HIGH) == _ZEROS)
    for mask, factor, shift in _JOINS:
        words = (words & mask) * factor >> shift
    return words, sound


def _addresses(data: Bytes, columns_: list[Ints]) -> list[pl.Series]:
    """Normalised addresses of several columns; null where there is none."""
    spans = np.concatenate(columns_)
    first, which = jsoncells.distinct(jsoncells.marks(data, spans))
    found = columns.lowered(jsoncells.texts(data, spans[first]), columns.ADDRESS, address)
    return [found.gather(part) for part in np.split(which, len(columns_))]


def _sizes(data: Bytes, spans: Ints) -> pl.Series:
    """Bytes; null where it is no number."""
    bare = pl.col("text").str.strip_chars(columns.WHITE)
    given = jsoncells.texts(data, spans).to_frame("text")
    return given.select(pl.when(bare.str.contains("^[0-9]{1,18}$")).then(bare).cast(pl.Int64)).to_series()
