"""Where the parts of a Windows event stand in a collector's JSON, for those that are read in columns (loaders/windows_spans.py)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import orjson

from loaders.base import Source
from loaders.collectors import ENVELOPES, MARKS, inside
from loaders.jsonnames import Names
from loaders.windows_batches import FIELDS

_HIT = "_source"
_AGENTS, _ORIGINAL, _TEXT = "event", "original", "message"
"""Where Elastic's agents keep what they were handed, and the text that Windows makes of an event."""


@dataclass(frozen=True)
class Layout:
    """Keys of a record. `records`: of its number in the log, the first that is there; `times`: the first that is good.

    `event`, `data`: the objects within it that have these keys, and the event's own fields; "" where they stand in the record itself.
    `envelopes`: keys under which a line may hold several records; `unlike`: keys that no record has which is read in columns.
    `hit`: whether the record is what a search found, under `_source`.
    """

    id: str
    computer: str
    channel: str
    records: tuple[str, str]
    times: tuple[str, ...]
    envelopes: tuple[str, ...]
    event: str = ""
    data: str = ""
    unlike: tuple[str, ...] = ()
    hit: bool = False

    @property
    def record(self) -> tuple[str, ...]:
        """The way to the record."""
        return (_HIT,) if self.hit else ()

    @property
    def head(self) -> tuple[str, ...]:
        """The way to the object that has number, computer and log."""
        return (*self.record, *filter(None, (self.event,)))

    @property
    def fields(self) -> tuple[str, ...]:
        """The way to the event's own fields."""
        return (*self.head, *filter(None, (self.data,)))

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """The ways to texts that are an object where the record is another's."""
        return ((*self.record, _TEXT), *([(*self.record, _AGENTS, _ORIGINAL)] if self.event else []))

    @property
    def several(self) -> tuple[str, ...]:
        """Keys of a line that holds several records."""
        return tuple(sorted({name.partition(".")[0] for name in (*self.envelopes, *ENVELOPES)}))

    @property
    def wrappers(self) -> tuple[str, ...]:
        """Keys of a record that something else is around; `o365.audit.Operation` makes one another's document."""
        return (*sorted(MARKS - {_TEXT} - ({_AGENTS} if self.event else set())), "o365.audit.Operation", *self.unlike)

    @cached_property
    def names(self) -> Names:
        """The keys that are looked for in a line."""
        head, record = (self.id, self.computer, self.channel, *self.records), (*self.times, _TEXT, *self.wrappers)
        if not self.event:
            own, within = (*record, *head, *FIELDS), {}
        else:
            own, within = record, {self.event: Names(*head, one={self.data: Names(*FIELDS)}), _AGENTS: Names(_ORIGINAL)}
        return Names(*self.several, one={_HIT: Names(*own, one=within)}) if self.hit else Names(*own, *self.several, one=within)


def layout_of(source: Source, layout: Layout) -> Layout | None:
    """The layout of a file with a record a line, by its first one; None where something else is around the records, or they are laid out otherwise."""
    try:
        record = orjson.loads(source.head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0])
    except orjson.JSONDecodeError:
        return None
    if isinstance(record, dict) and isinstance(record.get(_HIT), dict):
        layout, record = replace(layout, hit=True), record[_HIT]
    if not isinstance(record, dict) or inside(record) is not record:
        return None
    event = record.get(layout.event) if layout.event else record
    return layout if isinstance(event, dict) and layout.id in event else None
