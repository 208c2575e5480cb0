"""Windows events in JSON many at a time, an event a line: no object is made of an event that is read in columns.

    spans = Spans(logons, layout_of(source, …), moment, single, now)
    spans.take(jsonlog.batches(…))
    spans.finish()

An event goes the way of single ones (`single(place, record, take)`) where anything in it is not as usual, so that both ways say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import polars as pl

from loaders import dates, jsoncells
from loaders.columns import Coded
from loaders.jsonbatch import Batch, Bytes, Flags, Ints, ahead
from loaders.jsoncells import GOOD
from loaders.jsonscan import Found
from loaders.jsonspans import objects_of
from loaders.windows import WANTED, Event, Logons
from loaders.windows_batches import FIELDS, IN_COLUMNS, Column, Events, LogonBatches
from loaders.windows_layout import Layout
from loaders.windows_words import int_of

Record = dict[str, Any]
Moment = Callable[[Record], tuple[int | None, bool]]
"""(seconds UTC, whether the record itself tells the zone) by the keys `Layout.times` of a record."""

Single = Callable[[str, Record, Callable[[Event], None]], None]
"""Reads a record at a place, and hands its event over, if it is one."""

_HEAD = ("computer", "channel", "record")
_DAY, _DIGITS = 86_400, 18
_LOGON_IDS = ("TargetLogonId", "SubjectLogonId")
_QUOTE, _NULL = ord('"'), ord("n")
# Bytes with which white space may begin, or an escape of it; and a text that is an object.
_SUSPECT = np.isin(np.arange(256), [*range(33), *b"{\\\xc2\xe1\xe2"])
_WIDE = (0xE3, 0x80)  # the blank of Japanese begins so
_MOST, _ROWS = 4, 20_000
"""So many batches, or rows, are stated together: what is done once a value is done less often."""


@dataclass(frozen=True)
class _Values:
    """A column as its different values, what tells them from others in any batch, and which of them each row has."""

    values: list[str]
    marks: Any
    codes: Ints


@dataclass(frozen=True)
class _Scan:
    """The events of a batch, as `Events` has them. `alone`: those that are read one by one; `local`: those whose own zone is not known."""

    id: Ints
    at: Ints
    good: Flags
    alone: Flags
    local: Flags
    texts: dict[str, pl.Series | _Values]


@dataclass(frozen=True)
class _Part:
    """A batch of which all is known. `rows`, `odd`: as `_alone` gives them."""

    scan: _Scan
    number: Ints
    form: str
    rows: Ints
    odd: list[Event]


class Spans:
    """Takes batches for `logons`."""

    def __init__(self, logons: Logons, layout: Layout, moment: Moment, single: Single, now: int | None) -> None:
        self._logons, self._layout, self._moment, self._single = logons, layout, moment, single
        self._batches = LogonBatches(logons)
        self._latest = now + _DAY if now is not None else dates.LATEST
        self.local = 0
        """How many events that were read in columns have no zone."""

    def take(self, batches: Iterable[Batch]) -> None:
        """State what all batches say."""
        parts: list[_Part] = []
        for batch, scan in ahead(batches, self._scan):
            # What is to be read alone is read now: the text is not needed any more then.
            parts.append(_Part(scan, batch.number, batch.form, *self._alone(batch, np.flatnonzero(scan.alone))))
            self._logons.out.records += 0 if batch.counted else int((~scan.alone).sum())
            self.local += int((scan.local & ~scan.alone).sum())
            if len(parts) >= _MOST or sum(len(part.number) for part in parts) >= _ROWS:
                self._take(parts)
                parts = []
        if parts:
            self._take(parts)

    def _alone(self, batch: Batch, odd: Ints) -> tuple[Ints, list[Event]]:
        """(which rows there are, once for each event of those that are read alone; these events). A line may hold several events, or none."""
        times, found = np.ones(len(batch), np.int64), list[Event]()
        for row in odd.tolist():
            before = len(found)
            for place, record in batch.row(row):
                self._single(place, record, found.append)
            wanted = [event for event in found[before:] if event.id in WANTED]
            self._logons.others += len(found) - before - len(wanted)
            found[before:] = wanted
            times[row] = len(wanted)
        return np.repeat(np.arange(len(batch)), times), found

    def _take(self, parts: list[_Part]) -> None:
        scans, odd = [part.scan for part in parts], [event for part in parts for event in part.odd]
        starts = np.cumsum([0, *(len(part.number) for part in parts)]).tolist()
        rows = np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=False)])
        id_, at, good, alone = (np.concatenate([getattr(scan, name) for scan in scans])[rows] for name in ("id", "at", "good", "alone"))
        names = dict.fromkeys(name for scan in scans for name in scan.texts)
        texts: dict[str, Column] = {name: _joined([(scan.texts.get(name), len(scan.id)) for scan in scans]) for name in names}
        at_odd = np.flatnonzero(alone)
        if len(at_odd) or len(rows) < starts[-1]:
            id_[at_odd], at[at_odd] = [event.id for event in odd], [event.at or 0 for event in odd]
            good[at_odd] = [event.at is not None for event in odd]
            heads = {name: [getattr(event, name) for event in odd] for name in _HEAD}
            texts = {name: _replaced(column, rows, at_odd, heads.get(name) or [""] * len(odd)) for name, column in texts.items()}
        number, form = np.concatenate([part.number for part in parts])[rows], parts[0].form
        events = dict(zip(at_odd.tolist(), odd, strict=True))

        def one(row: int) -> None:
            if row not in events:  # all that is asked for of such an event stands in the columns
                said = {name: column.text(row) if isinstance(column, Coded) else column[row] for name, column in texts.items()}
                computer, channel, record = (said[name] for name in _HEAD)
                events[row] = Event(int(at[row]) if good[row] else None, int(id_[row]), computer, channel, record, said, form.format(number[row]))
            self._logons.take(events[row])

        self._batches.take(Events(id_, at, good, ~alone, lambda rows: jsoncells.numbered(form, number[rows]), texts), one)

    def finish(self, note: str | None = None) -> None:
        """State what still waits, then what the whole file says."""
        self._batches.finish(note)

    def _scan(self, batch: Batch) -> _Scan:
        data, layout, count = batch.data, self._layout, len(batch)
        found = objects_of(batch, layout.names)
        record, head, fields = (_Rows(found, path, count) for path in (layout.record, layout.head, layout.fields))
        id_, usual = _ids(data, head.span(layout.id))
        channel, computer = head.span(layout.channel), head.span(layout.computer)
        usual &= _as_it_is(data, found, layout, count) & _is_text(data, channel, 3)
        numbers, numbered = _records(data, _first(*(head.span(name) for name in layout.records)))
        full = fields.has & _is_text(data, computer, 2) & numbered
        texts: dict[str, pl.Series | _Values] = {"record": numbers}
        for name in _LOGON_IDS:
            spans = fields.span(name)
            start = spans[:, 0]
            full &= (start < 0) | (data[start] == _QUOTE) | (data[start] == _NULL)
            texts[name] = _filled(jsoncells.texts(data, spans))
        given = {"computer": computer, "channel": channel, **{name: fields.span(name) for name in FIELDS if name not in _LOGON_IDS}}
        for name, spans in given.items():
            if (spans[:, 0] >= 0).any() or name in _HEAD:
                texts[name], fine = _coded(data, spans, name != "IpAddress")
                full &= fine
        wanted = np.isin(id_, list(WANTED))
        at, good, local = self._times(batch, record, usual & wanted)
        return _Scan(id_, at, good, ~usual | (wanted & ~(full & np.isin(id_, list(IN_COLUMNS)))), local, texts)

    def _times(self, batch: Batch, record: _Rows, wanted: Flags) -> tuple[Ints, Flags, Flags]:
        """(seconds, whether there are any, whether their zone is not known) of the wanted events."""
        spans = [record.span(name) for name in self._layout.times]
        at, state = jsoncells.times(batch.data, spans[0], dates.EARLIEST, self._latest, ending=True)
        good, local = state == GOOD, np.zeros(len(batch), np.bool_)
        rows = np.flatnonzero(wanted & ~good)
        if len(rows):
            first, which = jsoncells.distinct(jsoncells.marks(batch.data, *(span[rows] for span in spans)))
            said = [
                self._moment({name: batch.value(span[row]) for name, span in zip(self._layout.times, spans, strict=True) if span[row, 0] >= 0})
                for row in rows[first].tolist()
            ]
            at[rows] = np.array([seconds or 0 for seconds, _ in said], np.int64)[which]
            good[rows] = np.array([seconds is not None for seconds, _ in said], np.bool_)[which]
            local[rows] = np.array([seconds is not None and not zoned for seconds, zoned in said], np.bool_)[which]
        return at, good, local


def _replaced(column: Column, rows: Ints, at: Ints, texts: list[str]) -> Column:
    """Some rows of a column, with other texts at some places."""
    if isinstance(column, Coded):
        codes = column.codes[rows]
        codes[at] = len(column.values) + np.arange(len(at))
        return Coded([*column.values, *texts], codes)
    return column.gather(rows).scatter(at, texts) if len(at) else column.gather(rows)


class _Rows:
    """The objects under a path of keys, a row of the batch each. `has`: which rows have one."""

    def __init__(self, found: Found, path: tuple[str, ...], count: int) -> None:
        rows = found.row
        for key in path:
            found = found.inner[key]
            rows = rows[found.row]
        self._found, self._rows, self._count = found, rows, count
        self.has = np.zeros(count, np.bool_)
        self.has[rows] = True

    def span(self, key: str) -> Ints:
        """Where the value of a key stands in each row; -1 where there is none."""
        spans = self._found.span(key)
        if len(self._rows) == self._count:
            return spans
        whole = np.full((self._count, 2), -1)
        whole[self._rows] = spans
        return whole

    def has_any(self, keys: tuple[str, ...]) -> Flags:
        """Which rows have one of some keys."""
        found = np.zeros(self._count, np.bool_)
        columns = [self._found.names.column[key] for key in keys]
        found[self._rows] = (self._found.spans[:, columns, 0] >= 0).any(axis=1)
        return found


def _as_it_is(data: Bytes, found: Found, layout: Layout, count: int) -> Flags:
    """Whether no collector put anything else around an event (loaders/collectors.py), by a short look."""
    fine = ~(_Rows(found, (), count).has_any(layout.several) | _Rows(found, layout.record, count).has_any(layout.wrappers))
    for *path, name in layout.texts:
        spans = _Rows(found, tuple(path), count).span(name)
        start = spans[:, 0] + (data[spans[:, 0]] == _QUOTE)
        fine &= (spans[:, 0] < 0) | ~(_SUSPECT[data[start]] | ((data[start] == _WIDE[0]) & (data[start + 1] == _WIDE[1])))
    return fine


def _first(first: Ints, second: Ints) -> Ints:
    """The one, the other where there is none."""
    return np.where((first[:, 0] < 0)[:, None], second, first)


def _is_text(data: Bytes, spans: Ints, least: int) -> Flags:
    """Which values are texts of so many bytes, with their quotes."""
    found: Flags = (spans[:, 0] >= 0) & (data[spans[:, 0]] == _QUOTE) & (spans[:, 1] - spans[:, 0] >= least)
    return found


def _ids(data: Bytes, spans: Ints) -> tuple[Ints, Flags]:
    """Numbers of events, and which are any."""
    first, which = jsoncells.distinct(jsoncells.marks(data, spans))
    found = [int_of(_value(data, span)) for span in spans[first].tolist()]
    fine = [number is not None and 0 <= number < 2**63 for number in found]
    numbers = [number if number is not None and good else -1 for number, good in zip(found, fine, strict=True)]
    return np.array(numbers, np.int64)[which], np.array(fine, np.bool_)[which]


def _value(data: Bytes, span: list[int]) -> Any:
    return orjson.loads(data[span[0] : span[1]].tobytes()) if span[0] >= 0 else None


def _coded(data: Bytes, spans: Ints, numbers: bool) -> tuple[_Values, Flags]:
    """Texts by their values, "" for what is absent or null; and which can be taken so. `numbers`: also as those that say the same as their texts."""
    first, which = jsoncells.distinct(marks := jsoncells.marks(data, spans))
    texts: list[Any] = jsoncells.texts(data, spans[first]).to_list()
    fine = np.ones(len(texts), np.bool_)
    for at in [at for at, text in enumerate(texts) if text is None] if None in texts else ():
        value = _value(data, spans[first[at]].tolist())
        is_number = numbers and type(value) is int and 0 <= value < 10**_DIGITS
        texts[at] = str(value) if is_number else ""
        fine[at] = is_number or value is None
    return _Values(texts, marks[first], which), fine[which]


def _records(data: Bytes, spans: Ints) -> tuple[pl.Series, Flags]:
    """Numbers of records as texts, whether they are written as numbers or as texts; and which are any."""
    start, length = spans[:, 0], spans[:, 1] - spans[:, 0]
    whole = (start >= 0) & (data[start] > ord("0")) & (data[start] <= ord("9")) & (length <= _DIGITS)
    value = np.zeros(len(spans), np.int64)
    for at in range(int(length[whole].max()) if whole.any() else 0):
        digit = data[np.minimum(start + at, len(data) - 1)] - np.uint8(ord("0"))
        inside = at < length
        whole &= ~inside | (digit <= 9)
        value = np.where(whole & inside, 10 * value + digit, value)
    if whole.all():
        return jsoncells.numbered("{}", value), whole
    texts = jsoncells.numbered("{}", value).zip_with(pl.Series(whole), _filled(jsoncells.texts(data, spans)))
    return texts, (texts != "").to_numpy()


def _filled(texts: pl.Series) -> pl.Series:
    return texts.fill_null("") if texts.null_count() else texts


def _joined(parts: list[tuple[pl.Series | _Values | None, int]]) -> Column:
    """One column of those that follow each other; where there is none, so many empty texts."""
    if isinstance(parts[0][0], pl.Series):
        return pl.concat([part for part, _ in parts if isinstance(part, pl.Series)])
    found = [part if isinstance(part, _Values) else _Values([""], np.zeros(1, np.uint64), np.zeros(count, np.int64)) for part, count in parts]
    starts = np.cumsum([0, *(len(part.values) for part in found)])
    first, which = jsoncells.distinct(np.concatenate([part.marks for part in found]))
    values = [value for part in found for value in part.values]
    codes = np.concatenate([part.codes + start for part, start in zip(found, starts.tolist(), strict=False)])
    return Coded([values[at] for at in first.tolist()], which[codes])
