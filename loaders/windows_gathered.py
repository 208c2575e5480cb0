"""Windows events that a reader has one by one, stated many at a time (loaders/windows_batches.py): for the formats that are no tables.

logons = Gathered(Logons(out))
logons.take(Event(…)) …
logons.finish()
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from loaders import columns
from loaders.windows import WANTED, Event, Logons
from loaders.windows_batches import FIELDS, IN_COLUMNS, Events, LogonBatches

_ROWS = 20_000
_FEW = 500
_ALL = ("computer", "channel", "record", *FIELDS)


class Gathered:
    """Takes events for `logons`; says what `logons.take` says of each."""

    def __init__(self, logons: Logons) -> None:
        self._logons = logons
        self._batches = LogonBatches(logons)
        self._clear()

    def _clear(self) -> None:
        self._heads: list[tuple[int, int | None, str]] = []
        self._rows: list[list[str]] = []
        self._odd: dict[int, Event] = {}

    def take(self, event: Event) -> None:
        """One event."""
        if event.id not in WANTED:
            self._logons.others += 1
            return
        texts = _texts(event) if event.id in IN_COLUMNS and event.record else None
        if texts is None:
            self._odd[len(self._rows)] = event
            texts = [event.computer, event.channel, event.record, *_NOTHING]
        self._heads.append((event.id, event.at, event.place))
        self._rows.append(texts)
        if len(self._rows) >= _ROWS:
            self._state()

    def finish(self, note: str | None = None) -> None:
        """State the rest, then what the whole file says."""
        self._state()
        self._batches.finish(note)

    def _state(self) -> None:
        count = len(self._rows)
        if count < max(_FEW, 1):
            for row in range(count):
                self._logons.take(self._event(row))
        else:
            ids, times, places = zip(*self._heads, strict=True)
            at = pl.Series(times, dtype=pl.Int64)
            usual = np.ones(count, np.bool_)
            usual[list(self._odd)] = False
            texts = {name: columns.texts(pl.Series(cells, dtype=pl.String)) for name, cells in zip(_ALL, zip(*self._rows, strict=True), strict=True) if any(cells)}
            place = pl.Series(places, dtype=pl.String)
            self._batches.take(
                Events(np.array(ids), at.fill_null(0).to_numpy(), at.is_not_null().to_numpy(), usual, place.gather, {"computer": columns.empty(count), **texts}),
                lambda row: self._logons.take(self._event(row)),
            )
        self._clear()

    def _event(self, row: int) -> Event:
        """An event as it was given, as far as anything of it is asked for."""
        if row in self._odd:
            return self._odd[row]
        (id_, at, place), (computer, channel, record, *fields) = self._heads[row], self._rows[row]
        return Event(at=at, id=id_, computer=computer, channel=channel, record=record, data=dict(zip(FIELDS, fields, strict=True)), place=place)


_NOTHING = [""] * len(FIELDS)
_TEXT, _IP = {str}, _ALL.index("IpAddress")


def _texts(event: Event) -> list[str] | None:
    """The texts of an event in the order of _ALL; None where a field is no text, and no number that says the same as its text."""
    get = event.data.get
    found: list[Any] = [event.computer, event.channel, event.record, *[get(name, "") for name in FIELDS]]
    if {*map(type, found)} == _TEXT:
        return found
    for at in range(3, len(found)):
        value = found[at]
        if value is None:
            found[at] = ""
        elif type(value) is int and 0 <= value < 10**18 and at != _IP:
            found[at] = str(value)
        elif type(value) is not str:
            return None
    return found
