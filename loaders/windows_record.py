"""A Windows event as parsers of EVTX and Windows' own XML give it, as what loaders/windows.py takes.

    of_json({"System": {…}, "EventData": {…}}, "line 3", now)    # evtx_dump, Chainsaw, Velociraptor
    of_xml(element, "event 3", now)                              # Event Viewer, wevtutil

None where it is no event.
"""

from __future__ import annotations

from typing import Any

from loaders import dates
from loaders.windows import Event
from loaders.windows_changes import known
from loaders.windows_words import int_of

Json = dict[str, Any]

_NAMESPACE = "{http://schemas.microsoft.com/win/2004/08/events/event}"


def of_json(event: Json, place: str, now: int | None) -> Event | None:
    """By its parts `System`, and `EventData` or `UserData`."""
    system = event.get("System")
    if not isinstance(system, dict):
        return None
    number = int_of(_inner(system.get("EventID"), "#text", "Value"))
    time = _attribute(system.get("TimeCreated"), "SystemTime")
    if number is None or time is None:
        return None
    computer, channel = system.get("Computer"), system.get("Channel")
    return Event(
        at=moment(time, now), id=number, computer=computer if isinstance(computer, str) else "", channel=channel if isinstance(channel, str) else "",
        record=str(system.get("EventRecordID") or ""), data=known(number, _data(event), _attribute(system.get("Security"), "UserID"), system.get("Keywords")), place=place,
    )  # fmt: skip


def of_xml(event: Any, place: str, now: int | None) -> Event | None:
    """By an element `Event`."""
    parts = {_tag(part): part for part in event}
    system = {_tag(part): part for part in parts.get("System", ())}
    number, time = int_of(_text(system, "EventID")), system.get("TimeCreated")
    if number is None or time is None:
        return None
    security = system.get("Security")
    data = _xml_data(parts)
    return Event(
        at=moment(time.get("SystemTime"), now), id=number, computer=_text(system, "Computer"), channel=_text(system, "Channel"), record=_text(system, "EventRecordID"),
        data=known(number, data, security.get("UserID") if security is not None else None, _text(system, "Keywords") or None), place=place,
    )  # fmt: skip


def named(data: Any) -> Json:
    """Fields kept as a list of `{"@Name": …, "#text": …}`, by their names."""
    items = data if isinstance(data, list) else [data]
    return {item["@Name"]: item.get("#text", "") for item in items if isinstance(item, dict) and isinstance(item.get("@Name"), str)}


def moment(value: Any, now: int | None) -> int | None:
    """A time as text or as a number of seconds; None where it is none to be believed."""
    return dates.believed(str(value), now) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _inner(value: Any, *names: str) -> Any:
    """A value, or the one an object has under one of these names."""
    return next((value[name] for name in names if name in value), None) if isinstance(value, dict) else value


def _attribute(value: Any, name: str) -> Any:
    """An XML attribute as the parsers write it: `#attributes.X`, `X_attributes`, `@X`, or X itself."""
    if not isinstance(value, dict):
        return None
    inner = value.get("#attributes")
    return inner.get(name) if isinstance(inner, dict) else _inner(value, name, f"@{name}")


def _data(event: Json) -> Json:
    data = event.get("EventData")
    if isinstance(data, dict):
        inner = data.get("Data")
        return named(inner) if isinstance(inner, list | dict) and named(inner) else data
    user = event.get("UserData")
    return next((value for value in user.values() if isinstance(value, dict)), {}) if isinstance(user, dict) else {}


def _tag(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _text(parts: dict[str, Any], name: str) -> str:
    found = parts.get(name)
    return (found.text or "").strip() if found is not None else ""


def _xml_data(parts: dict[str, Any]) -> Json:
    if "EventData" in parts:
        return {name: item.text or "" for item in parts["EventData"] if (name := item.get("Name"))}
    for inner in parts.get("UserData", ()):
        return {_tag(item): item.text or "" for item in inner}
    return {}
