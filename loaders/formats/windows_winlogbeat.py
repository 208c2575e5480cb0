"""Windows events as Winlogbeat and the Elastic agent ship them, JSON: an object a line, an array, or the hits of a search (formats.md 6).

Claims records with `winlog` that has `event_id` and `channel` (7 and later), or with `event_id`, `log_name` and `computer_name` (6).

Yields what windows_evtx says of the same events, under the same keys (computer, channel, `record_id`), so that both count once.

Traps: `host.name` is the collector; the computer is `winlog.computer_name`. `event.created` is when the record was read: the time is
`@timestamp`. `event_id` is a number or a text. One log is collected as `Security` and as `security` by two collectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.jsonlog import Record, batches, records, sample
from loaders.trace import moment
from loaders.windows import Event, Logons
from loaders.windows_changes import known
from loaders.windows_gathered import Gathered
from loaders.windows_layout import Layout, layout_of
from loaders.windows_words import int_of

NAME = "windows_winlogbeat"
TITLE = "Windows events JSON, Winlogbeat or Elastic agent"
PRIORITY = "should"
SEEN = "real sample"
READS = "logons, failed logons, explicit credentials, sessions on computers"

_ENVELOPES = ("hits.hits", "events")
_LAYOUT = Layout(
    "event_id", "computer_name", "channel", ("record_id", "record_number"), ("@timestamp",), _ENVELOPES, event="winlog", data="event_data", unlike=("winlog.event_id",)
)


def detect(source: Source) -> Claim | None:
    """Claim by the first records' fields."""
    found = [_inner(record) for record in sample(source, _ENVELOPES)]
    return Claim(8, "events of Winlogbeat") if found and any(_is_event(record) for record in found) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read many records at once where they stand a line each, else one by one."""
    logons = Logons(out)

    def one(place: str, given: Record, take: Callable[[Event], None]) -> None:
        record = _inner(given)
        if _is_event(record):
            take(_event(record, place, options.now))
        else:
            out.refuse(place, "", "no event of Windows")

    layout = layout_of(source, _LAYOUT)
    many = batches(source, out, _ENVELOPES) if layout else None
    if layout and many is not None:
        from loaders.windows_spans import Spans  # noqa: PLC0415 -- compiled code, which only large files need

        spans = Spans(logons, layout, lambda record: (_moment(record.get("@timestamp"), options.now), True), one, options.now)
        spans.take(many)
        spans.finish()
        return
    gathered = Gathered(logons)
    for place, record in records(source, out, _ENVELOPES):
        one(place, record, gathered.take)
    gathered.finish()


def _inner(record: Record) -> Record:
    """The event itself; a search's hit has it under `_source`."""
    inner = record.get("_source")
    inner = inner if isinstance(inner, dict) else record
    return _nested(inner) if "winlog.event_id" in inner else inner


def _nested(record: Record) -> Record:
    """A record whose fields are flat (`winlog.event_data.LogonType`), as it was shipped."""
    log: Record = {name.removeprefix("winlog."): value for name, value in record.items() if name.startswith("winlog.")}
    data = {name.removeprefix("event_data."): log.pop(name) for name in list(log) if name.startswith("event_data.")}
    return {**record, "winlog": {**log, "event_data": data}}


def _is_event(record: Record) -> bool:
    log = record.get("winlog")
    return ("event_id" in log and "channel" in log) if isinstance(log, dict) else {"event_id", "log_name", "computer_name"} <= record.keys()


def _event(record: Record, place: str, now: int | None) -> Event:
    found = record.get("winlog")
    log: Record = found if isinstance(found, dict) else record
    data = log.get("event_data")
    if not isinstance(data, dict):
        data = log.get("user_data")
    number, user = int_of(log.get("event_id")) or 0, log.get("user")
    beside = known(number, data if isinstance(data, dict) else {}, user.get("identifier") if isinstance(user, dict) else None, log.get("keywords"))
    return Event(
        at=_moment(record.get("@timestamp"), now), id=number, computer=_text(log.get("computer_name")),
        channel=_text(log.get("channel") or log.get("log_name")), record=str(log.get("record_id") or log.get("record_number") or ""),
        data=beside, place=place,
    )  # fmt: skip


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: Any, now: int | None) -> int | None:
    try:
        return moment(value, now) if isinstance(value, str) else None
    except dates.BadDate:
        return None
