"""OpenIOC 1.0 and 1.1 (formats.md 11): XML of Mandiant's tools.

Claims the root `ioc` or `OpenIOC` with the namespace of 1.0 or 1.1, or with IndicatorItem.

Yields Indicator from each IndicatorItem by the search of its Context: domain or host (Network/DNS, DnsEntryItem, UrlHistoryItem/HostName), ip
(PortItem/remoteIP, RouteEntryItem, DnsEntryItem/…/IPv4Address), url (UrlHistoryItem/URL, Network/URI), email (Email/From, Email/ReplyTo), user
agent (Network/UserAgent), sha256 (…/Sha256sum); the title (short_description) as note.

Traps: alternatives (`or`) are an Indicator each; of items joined by `and` only the most telling one is taken and said to be a part. `negate`,
`isnot` and `containsnot` match nothing. `contains` is taken where its content is a whole value of its kind (`@evil.example` is a domain), else
counted; so are paths of a URL without its host, files, registry keys and other hashes. Recipients (Email/To) are no sign of the attacker.
The dates are when the file was written, not when a sign was seen. See github.com/mandiant/OpenIOC_1.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.indicators import Indicators, guess, normal
from loaders.scans import root_of

NAME = "openioc"
TITLE = "OpenIOC 1.0/1.1 (XML)"
PRIORITY = "later"
SEEN = "real sample"
READS = "indicators: addresses, domains, hosts, IP addresses, URLs, user agents, hashes"

_LARGEST = 64 << 20
_DEEPEST = 60
_ROOTS = ("ioc", "OpenIOC")
# The end of a Context's search -> kind; the most telling kinds first, which is what an `and` is cut down to.
_KINDS = {
    "sha256sum": "sha256", "sha256": "sha256", "url": "url", "uri": "url", "sourceurl": "url", "from": "email", "replyto": "email", "sender": "email",
    "useragent": "user agent", "useragentstring": "user agent", "dns": "domain", "host": "domain", "hostname": "domain", "recordname": "domain",
    "remoteip": "ip", "remote_ip": "ip", "remoteipaddress": "ip", "ipv4address": "ip", "ipv6address": "ip", "destination": "ip", "ip": "ip",
}  # fmt: skip
_RANK = {kind: number for number, kind in enumerate(dict.fromkeys(_KINDS.values()))}
_ONLY_HERE = {"from": "email", "replyto": "email", "sender": "email", "destination": "routeentryitem", "host": "dnsentryitem"}
"""Ends that mean this only below that document."""
_OTHER = "about things that records here do not hold (files, registry keys, other hashes, text)"
_PART = "by a part of a value only, which is not compared"
_NOT = "of what must not be there, which match nothing"


@dataclass(frozen=True)
class _Sign:
    kind: str
    value: str
    place: str
    partial: bool = False


def detect(source: Source) -> Claim | None:
    """Claim by root and namespace."""
    if source.is_dir or root_of(source.head) not in _ROOTS:
        return None
    head = source.head
    known = any(mark in head for mark in (b"schemas.mandiant.com/2010/ioc", b"openioc.org/schemas", b"<IndicatorItem"))
    return Claim(9, "an OpenIOC document") if known else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the criteria. Raises Broken where the file is no XML."""
    if source.size > _LARGEST:
        raise Broken("whole file", f"more than {_LARGEST >> 20} MiB", "split it")
    with source.open() as stream:
        data = stream.read()
    try:
        root = fromstring(data, forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        raise Broken(f"line {line}, column {column}", "the file stops being XML", "it is cut short: export it again") from None
    except DefusedXmlException as error:
        raise Broken("XML", f"declares what no indicator file does ({type(error).__name__})", "look at where it comes from") from None
    except (UnicodeError, LookupError, ValueError, RecursionError):
        raise Broken("XML", "the bytes do not fit the encoding it declares", "export it again") from None
    _Reader(out, root).read()


class _Reader:
    """States the signs of one document."""

    def __init__(self, out: FactBuffer, root: Any) -> None:
        self._out, self._root, self._signs = out, root, Indicators(out)
        self._title = next((" ".join(found.text.split()) for found in root.iter() if _tag(found) == "short_description" and found.text), "")
        self._items = 0

    def read(self) -> None:
        for found in self._root.iter():
            if _tag(found) in ("definition", "criteria"):
                for branch in found:
                    for sign in self._branch(branch, 0):
                        note = "; ".join(filter(None, (self._title, "a part of its condition only" if sign.partial else "")))
                        self._signs.add(sign.kind, sign.value, sign.place, note=note or None)
        self._out.records += not self._items
        self._signs.finish()

    def _branch(self, element: Any, depth: int) -> list[_Sign]:
        """The signs of an Indicator or an IndicatorItem."""
        tag = _tag(element)
        if tag == "IndicatorItem":
            return list(self._item(element))
        if tag != "Indicator":
            return []
        if depth > _DEEPEST:
            raise Broken("XML", f"more than {_DEEPEST} conditions within conditions", "look at where it comes from")
        several = [child for child in element if _tag(child) in ("Indicator", "IndicatorItem")]
        found = [self._branch(child, depth + 1) for child in several]
        if element.get("operator", "OR").upper() != "AND" or len(several) < 2:
            return [sign for signs in found for sign in signs]
        told = [signs for signs in found if signs]
        best = min(told, key=lambda signs: min(_RANK.get(sign.kind, _RANK["domain"]) for sign in signs), default=[])
        return [_Sign(sign.kind, sign.value, sign.place, partial=True) for sign in best]

    def _item(self, item: Any) -> Iterator[_Sign]:
        self._items += 1
        self._out.records += 1
        place = f"item {self._items}"
        parts = {_tag(part): part for part in item}
        context, content = parts.get("Context"), parts.get("Content")
        value = " ".join((content.text or "").split()) if content is not None else ""
        if context is None or not value:
            self._out.refuse(place, value, "an item without its Context or Content")
            return
        condition = item.get("condition", "is").casefold()
        if item.get("negate", "false").casefold() == "true" or condition.endswith("not"):
            self._signs.skip(_NOT)
            return
        kind = _kind(context.get("search", ""))
        if kind is None:
            self._signs.skip(_OTHER)
        elif (sign := _sign(kind, value)) is not None:
            yield _Sign(*sign, place)
        elif condition == "is" and kind != "url":
            self._out.refuse(place, value, f"not a value of the kind {kind}")
        else:
            self._signs.skip(_PART)


def _kind(search: str) -> str | None:
    parts = search.casefold().replace(" ", "").split("/")
    document, end = parts[0], parts[-1]
    return None if document not in (_ONLY_HERE.get(end, document), "network") or document == "eventlogitem" else _KINDS.get(end)


def _sign(kind: str, value: str) -> tuple[str, str] | None:
    """(kind, value) of an item's content; None where it is no whole value."""
    if kind == "email" and value.startswith("@"):
        kind, value = "domain", value[1:]
    elif kind in ("domain", "ip"):  # either stands in place of the other
        found = guess(value)
        if found and found[0] in ("domain", "host", "ip", "url"):
            return found
    normalised = normal(kind, value)
    return (kind, normalised) if normalised else None


def _tag(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
