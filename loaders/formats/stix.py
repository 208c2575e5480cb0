"""STIX 2.0 and 2.1 indicators (formats.md 11): a bundle, or a bare list of objects.

Claims JSON whose first objects have a `type` and an `id` of the form `<type>--<uuid>`, in `objects` (a bundle, or what a TAXII server
sends), in a list, or one alone.

Yields Indicator: ip, email, domain, url, user agent, message id, sha256, from each comparison of `pattern`; valid_from, valid_until,
confidence, and the indicator's name as note. Where a bundle has neither indicators nor observed data, its objects themselves (ipv4-addr,
email-addr, domain-name, url, file) are taken as signs, save addresses that only received a message.

Traps: `revoked` indicators and patterns of another language (YARA, Sigma) match nothing. Alternatives (OR, IN) are an Indicator each; of
comparisons joined by AND only the most telling one is taken and said to be a part. NOT, !=, MATCHES and LIKE with wildcards cannot be
compared. Object paths that STIX does not know (`email:subject`) and patterns that do not parse are counted, the rest is read. Subjects and
file names are never taken. A 2.1 bundle has no spec_version. See docs.oasis-open.org/cti/stix/v2.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from loaders import dates
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.containers import read_json
from loaders.indicators import Indicators
from loaders.jsonbatch import SMALL
from loaders.stix_patterns import BadPattern, Sign, confidence_of, signs_of

NAME = "stix"
TITLE = "STIX 2.0/2.1 bundle or list of objects"
PRIORITY = "should"
SEEN = "real sample"
READS = "indicators: addresses, domains, URLs, user agents, message ids, hashes"

_LARGEST = 256 << 20
_ID = re.compile(rb'"id"\s*:\s*"([a-z0-9-]+)--[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-')
_ALONE = re.compile(rb'\{\s*"(type|id|spec_version)"\s*:')
_BUNDLE = re.compile(rb'"type"\s*:\s*"bundle"')
_OBJECTS = {"ipv4-addr": "ip", "ipv6-addr": "ip", "email-addr": "email", "domain-name": "domain", "url": "url"}


def detect(source: Source) -> Claim | None:
    """Claim a bundle by its id and type, a list by the ids of its objects."""
    head = b"" if source.is_dir else source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] not in (b"{", b"["):
        return None
    found = _ID.search(head)
    if not found:
        return None
    if head[:1] == b"{" and (found[1] == b"bundle" or _BUNDLE.search(head)) and b'"objects"' in head:
        return Claim(9, "a STIX bundle")
    if head[:1] == b"{" and b'"objects"' in head and re.match(rb'\{\s*"(more|next|objects)"\s*:', head):
        return Claim(8, "STIX objects as a TAXII server sends them")
    types = re.findall(rb'"type"\s*:\s*"([a-z0-9-]+)"', head)
    return Claim(8, "STIX objects") if found[1] in types and (head[:1] == b"[" or _ALONE.match(head)) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the objects one by one. Raises Broken where the file is no JSON or holds no objects."""
    if source.size > _LARGEST:
        raise Broken("whole file", f"more than {_LARGEST >> 20} MiB", "split the bundle")
    with source.open() as stream:
        data = stream.read()
    reader = _Reader(out, options)
    if len(data) >= SMALL and reader.in_columns(data):
        return
    document = read_json(data)
    objects = document
    if isinstance(document, dict):
        objects = document.get("objects", [document])
    if not isinstance(objects, list):
        raise Broken("objects", "no list of objects", "it is not a STIX bundle: export it again")
    reader.read(objects)


class _Reader:
    """States the signs of one bundle."""

    def __init__(self, out: FactBuffer, options: Options) -> None:
        self._out, self._now = out, options.now
        self._signs = Indicators(out)
        self._add: Callable[..., None] = self._signs.add

    def in_columns(self, data: bytes) -> bool:
        """Read a large document of the usual shape; False, and nothing is stated, where it has another."""
        from loaders.stix_batches import in_columns  # noqa: PLC0415 -- compiled code, which only large files need

        count = in_columns(data, self._signs, self._apart, self._now)
        if count is None:
            return False
        self._out.records += count
        self._signs.finish()
        return True

    def _apart(self, found: dict[str, Any], place: str, add: Callable[..., None]) -> None:
        self._add = add
        self._indicator(found, place)

    def read(self, objects: list[Any]) -> None:
        types = {found["type"] for found in objects if isinstance(found, dict) and isinstance(found.get("type"), str)}
        bare = not types & {"indicator", "observed-data"}
        received = _received(objects) if bare else set()
        if bare and types & (_OBJECTS.keys() | {"file"}):
            self._out.note("no indicators in it: its objects themselves are taken as signs")
        for number, found in enumerate(objects):
            place = f"objects[{number}]"
            self._out.records += 1
            if not isinstance(found, dict) or not isinstance(found.get("type"), str):
                self._out.refuse(place, type(found).__name__, "not a STIX object")
            elif found["type"] == "indicator":
                self._indicator(found, place)
            elif bare:
                self._object(found, place, received)
        self._signs.finish()

    def _indicator(self, found: dict[str, Any], place: str) -> None:
        language, pattern = found.get("pattern_type", "stix"), found.get("pattern")
        if found.get("revoked") is True:
            self._signs.skip("revoked, which match nothing")
        elif language != "stix":
            self._signs.skip("in another pattern language, which cannot be compared")
        elif not isinstance(pattern, str):
            self._out.refuse(place, type(pattern).__name__, "an indicator without a pattern")
        else:
            try:
                signs = signs_of(pattern)
            except BadPattern as error:
                self._out.refuse(place, found.get("id", ""), f"the pattern does not parse: {error}")
                return
            times = {"valid_from": self._time(found, "valid_from", place), "valid_until": self._time(found, "valid_until", place)}
            for sign in signs:
                self._sign(sign, found, place, times)

    def _sign(self, sign: Sign, found: dict[str, Any], place: str, times: dict[str, int | None]) -> None:
        if sign.kind is None:
            self._signs.skip(sign.reason)
            return
        note = " ".join(str(found.get("name") or "").split())
        parts = [part for part in (note if note != sign.value else "", "a part of its pattern only" if sign.partial else "") if part]
        self._add(sign.kind, sign.value, place, **times, note="; ".join(parts) or None, confidence=confidence_of(found.get("confidence")))

    def _object(self, found: dict[str, Any], place: str, received: set[str]) -> None:
        kind, value = _OBJECTS.get(found["type"]), found.get("value")
        if kind and isinstance(value, str):
            if found.get("id") in received:
                self._signs.skip("that only received a message: no sign of the attacker")
            else:
                self._signs.add(kind, value, place)
        elif found["type"] == "file" and isinstance(hashes := found.get("hashes"), dict) and isinstance(hashes.get("SHA-256"), str):
            self._signs.add("sha256", hashes["SHA-256"], place)

    def _time(self, found: dict[str, Any], name: str, place: str) -> int | None:
        value = found.get(name)
        if not isinstance(value, str):
            return None
        try:
            # An end in the future is normal, so the time of loading does not bound it.
            return dates.moment(value, None, self._now if name == "valid_from" else None)
        except dates.BadDate:
            self._out.note(f"{name} that is no date or cannot be believed, taken as unknown (first: {place})")
            return None


def _received(objects: list[Any]) -> set[str]:
    """Ids of addresses that are only recipients of the messages in the list."""
    to, sent = set[str](), set[str]()
    for found in objects:
        if isinstance(found, dict) and found.get("type") == "email-message":
            to.update(_texts(found, "to_refs", "cc_refs", "bcc_refs"))
            sent.update(_texts(found, "from_ref", "sender_ref"))
    return to - sent


def _texts(found: dict[str, Any], *names: str) -> Iterator[str]:
    for name in names:
        value = found.get(name)
        yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


