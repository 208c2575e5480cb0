"""MISP events as JSON (formats.md 11): `{"response": [{"Event": …}]}`, a list of events, one event wrapped or bare, or bare attributes.

Claims JSON with `Event`, or with `Attribute` of which the first have `type`, `value` and `to_ids`, also under `response`; or a list of such
attributes.

Yields Indicator from Event.Attribute[] and Event.Object[].Attribute[] of type email-src, email-dst, email-reply-to, email, ip-src, ip-dst
(also `|port`), domain, hostname, `domain|ip` (both), url, user-agent, email-message-id, sha256, `filename|sha256`; valid_from, valid_until
from first_seen, last_seen; the event's title (info) as note.

Traps: attributes with `to_ids` false, and deleted ones, match nothing and are only counted; an attribute without `to_ids` likewise. The
timestamp is when an attribute was edited, not when the sign was seen. Ports, file names and comments are not read. `to_ids` may be text
(`"1"`). See www.misp-standard.org/rfc/misp-standard-core.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.containers import read_json
from loaders.indicators import Indicators
from loaders.jsonbatch import SMALL
from loaders.misp import Attributes, is_yes, title_of

NAME = "misp"
TITLE = "MISP event or attributes (JSON)"
PRIORITY = "should"
SEEN = "real sample"
READS = "indicators: addresses, domains, hosts, URLs, user agents, message ids, hashes"

_LARGEST = 256 << 20
_KEY = re.compile(rb'"(Event|Attribute|to_ids)"\s*:')
_MISP = re.compile(rb'"(info|Attribute|orgc_id|Orgc|threat_level_id)"\s*:')
_ATTRIBUTE = frozenset(("type", "value", "to_ids"))


def detect(source: Source) -> Claim | None:
    """Claim by the keys that MISP alone has."""
    head = b"" if source.is_dir else source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] not in (b"{", b"["):
        return None
    keys = set(_KEY.findall(head))
    if b"to_ids" in keys:
        return Claim(8, "attributes of MISP")
    if b"Event" in keys and _MISP.search(head) and re.match(rb'[\[{\s]*("response"\s*:\s*\[?\s*\{\s*)?"Event"\s*:\s*\{', head):
        return Claim(8, "an event of MISP")
    return Claim(7, "an event of MISP") if b"Attribute" in keys and b'"orgc_id"' in head else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read every event's attributes. Raises Broken where the file is no JSON or has neither."""
    if source.size > _LARGEST:
        raise Broken("whole file", f"more than {_LARGEST >> 20} MiB", "export fewer events at a time")
    with source.open() as stream:
        data = stream.read()
    signs, found = Indicators(out), False
    attributes = Attributes(out, signs, options)
    if len(data) >= SMALL:
        from loaders.misp_batches import in_columns  # noqa: PLC0415 -- compiled code, which only large files need

        if in_columns(data, attributes):
            signs.finish()
            return
    document = read_json(data)
    for place, title, attribute in _attributes(document, ""):
        found = True
        out.records += 1
        attributes.take(attribute, title, place)
    if not found and not _is_event(document):
        raise Broken("whole file", "neither an Event nor Attribute of MISP", "export the event as MISP JSON")
    out.records += not found
    signs.finish()


def _is_event(document: Any) -> bool:
    if isinstance(document, list):
        return any(_is_event(item) for item in document)
    if not isinstance(document, dict):
        return False
    return isinstance(document.get("Event"), dict) or "Attribute" in document or _is_event(document.get("response"))


def _attributes(found: Any, place: str) -> Iterator[tuple[str, str, Any]]:
    """(place, title of the event, attribute) wherever in the document MISP puts them; it nests no deeper than this goes."""
    if isinstance(found, list):
        for number, item in enumerate(found):
            here = f"{place}[{number}]"
            if isinstance(item, dict) and item.keys() >= _ATTRIBUTE:
                yield here, "", item
            elif isinstance(item, dict):
                yield from _attributes(item, here)
    elif isinstance(found, dict):
        if isinstance(found.get("Event"), dict):
            yield from _event(found["Event"], f"{place}.Event".lstrip("."))
        elif "response" in found:
            yield from _attributes(found["response"], f"{place}.response".lstrip("."))
        else:
            yield from _event(found, place)


def _event(event: dict[str, Any], place: str) -> Iterator[tuple[str, str, Any]]:
    title = title_of(event)
    dot = f"{place}." if place else ""
    for number, attribute in enumerate(_list(event.get("Attribute"))):
        yield f"{dot}Attribute[{number}]", title, attribute
    for index, item in enumerate(_list(event.get("Object"))):
        for number, attribute in enumerate(_list(item.get("Attribute")) if isinstance(item, dict) else []):
            inside = isinstance(item, dict) and is_yes(item.get("deleted")) and isinstance(attribute, dict)
            yield f"{dot}Object[{index}].Attribute[{number}]", title, {**attribute, "deleted": True} if inside else attribute


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
