"""What attributes of MISP say: the kinds of their types, whether they are meant to match, and times (loaders/formats/misp.py)."""

from __future__ import annotations

from typing import Any

from loaders import dates
from loaders.base import FactBuffer, Options
from loaders.indicators import Indicators

DELETED = "deleted, which match nothing"
SILENT = "not meant for detection (to_ids is false), which match nothing"
OTHER = "of types that records here do not hold (file names, other hashes, text)"
ODD = "not an attribute with type and value"

_SINGLE = {
    "email": "email", "email-src": "email", "email-dst": "email", "email-reply-to": "email", "target-email": "",
    "ip-src": "ip", "ip-dst": "ip", "domain": "domain", "hostname": "host", "url": "url", "uri": "url", "user-agent": "user agent",
    "email-message-id": "message id", "sha256": "sha256",
}  # fmt: skip
# Composite type -> the kind of each half; "" is not read.
_PAIRS = {
    "ip-src|port": ("ip", ""), "ip-dst|port": ("ip", ""), "domain|ip": ("domain", "ip"), "hostname|port": ("host", ""),
    "filename|sha256": ("", "sha256"),
}  # fmt: skip


def kinds_of(type_: str) -> tuple[str, ...]:
    """The kind of an attribute's value, or of each half where it has two; "" is not read."""
    folded = type_.strip().casefold()
    return _PAIRS.get(folded) or (_SINGLE.get(folded, ""),)


def is_yes(value: Any) -> bool:
    """Whether a flag is set, as MISP writes them."""
    return value is True or value == 1 or (isinstance(value, str) and value.strip().casefold() in ("1", "true"))


def title_of(event: dict[str, Any]) -> str:
    """The title of an event on one line; "" where it has none."""
    return " ".join(event["info"].split()) if isinstance(event.get("info"), str) else ""


class Attributes:
    """States attributes one by one."""

    def __init__(self, out: FactBuffer, signs: Indicators, options: Options) -> None:
        self.out, self.signs, self._now = out, signs, options.now

    def take(self, found: Any, title: str, place: str) -> None:
        """One attribute of an event with this title."""
        if not isinstance(found, dict) or not isinstance(found.get("type"), str) or not isinstance(found.get("value"), str):
            self.out.refuse(place, type(found).__name__, ODD)
        elif is_yes(found.get("deleted")):
            self.signs.skip(DELETED)
        elif not is_yes(found.get("to_ids")):
            self.signs.skip(SILENT)
        else:
            self._sign(found, title, place)

    def _sign(self, found: dict[str, Any], title: str, place: str) -> None:
        kinds = kinds_of(found["type"])
        if not any(kinds):
            self.signs.skip(OTHER)
            return
        times = {"valid_from": self.time(found.get("first_seen"), "first_seen", place), "valid_until": self.time(found.get("last_seen"), "last_seen", place)}
        for kind, half in zip(kinds, halves(found["value"], kinds), strict=False):
            if kind:
                self.signs.add(kind, half, place, **times, note=title or None)

    def time(self, value: Any, name: str, place: str) -> int | None:
        """Seconds of a time; None where there is none, and where it cannot be believed."""
        try:
            return self.seconds(value)
        except dates.BadDate:
            self.doubt(name, place)
            return None

    def seconds(self, value: Any) -> int | None:
        """The same; raises BadDate where it cannot be believed."""
        return None if value in (None, "", "0") else dates.moment(str(value), None, self._now)

    def doubt(self, name: str, place: str) -> None:
        """Say that a time was not believed."""
        self.out.note(f"{name} that is no date or cannot be believed, taken as unknown (first: {place})")


def halves(value: str, kinds: tuple[str, ...]) -> list[str]:
    """The value, or its halves where it has kinds for two."""
    return value.split("|", 1) if len(kinds) > 1 else [value]
