"""A record of EvtxECmd (Eric Zimmerman's tools), CSV or JSON: its own columns, and the event's fields as JSON in `Payload`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from loaders.windows import Event
from loaders.windows_changes import known
from loaders.windows_record import moment, named
from loaders.windows_words import int_of


def of_columns(record: Mapping[str, Any], place: str, now: int | None, at: int | None = None) -> Event | None:
    """The event of a record by EvtxECmd's names; None where it is none. `at`: its time, where that was read already."""
    number = int_of(record.get("EventId"))
    if number is None or not isinstance(record.get("Computer"), str):
        return None
    data = known(number, _fields(record.get("Payload")), record.get("UserId") or None, record.get("Keywords"))
    return Event(
        at=moment(record.get("TimeCreated"), now) if at is None else at, id=number, computer=record["Computer"], channel=str(record.get("Channel") or ""),
        record=str(record.get("EventRecordId") or ""), data=data, place=place,
    )  # fmt: skip


def _fields(payload: Any) -> dict[str, Any]:
    """The event's fields in `{"EventData": {"Data": […]}}` or `{"UserData": {"X": {…}}}`; empty where it is neither."""
    try:
        found = orjson.loads(payload) if isinstance(payload, str) else payload
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(found, dict):
        return {}
    if isinstance(data := found.get("EventData"), dict):
        return named(data.get("Data"))
    user = found.get("UserData")
    return next((value for value in user.values() if isinstance(value, dict)), {}) if isinstance(user, dict) else {}
