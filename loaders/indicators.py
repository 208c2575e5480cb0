"""Signs of an attacker as indicator files write them, as Indicator nodes (formats.md 11).

    signs = Indicators(out)
    signs.add("ip", "203.0.113[.]7", place, valid_from=…)
    signs.finish(note)

Values are refanged and brought into the one spelling in which records have them; what is no value of its kind is refused.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter

import polars as pl
from publicsuffixlist import PublicSuffixList

from graphmodel import identity
from loaders.base import FactBuffer

KINDS = ("ip", "email", "domain", "host", "url", "session", "token", "user agent", "app", "message id", "sha256")
"""Types of the Indicator node; records hold nothing else that could be compared."""

_KNOWN = PublicSuffixList(accept_unknown=False)
_DOT = re.compile(r"\s*[\[({]\s*(?:\.|dot|punkt)\s*[\])}]\s*|\[\.|\.\]", re.IGNORECASE)
_AT = re.compile(r"\s*[\[({]\s*(?:@|at)\s*[\])}]\s*", re.IGNORECASE)
_SCHEME = re.compile(r"^h(?:tt|xx|\*\*|__)p(s?)\[?:\]?/\]?/\]?", re.IGNORECASE)
_URL = re.compile(r"^(?:https?|ftp)://[^\s/]+(?:/\S*)?$", re.IGNORECASE)
_NETWORK = re.compile(r"^[\d.]+/\d{1,2}$")
_HEX = re.compile(r"^[0-9a-f]+$", re.IGNORECASE)
_OTHER_HASHES = (32, 40, 96, 128)
_MESSAGE_ID = re.compile(r"^<[^<>\s]+@[^<>\s]+>$")


def refang(text: str) -> str:
    """`hxxp://evil[.]example`, `a(at)evil[dot]example` → as they really are."""
    value = _AT.sub("@", _DOT.sub(".", text.strip())).replace("[:]", ":").replace("[://]", "://").replace("[/]", "/")
    return _SCHEME.sub(lambda match: f"http{match[1].lower()}://", value)


def normal(kind: str, text: str) -> str | None:
    """The value of an indicator in one spelling, or None when it is none of that kind."""
    value = refang(text)
    if kind == "ip":
        return _ip(value)
    if kind == "email":
        return identity.address(value)
    if kind in ("domain", "host"):
        return _name(value)
    if kind == "sha256":
        return value.lower() if len(value) == 64 and _HEX.match(value) else None
    if kind == "url":
        return _url(value)
    if kind == "message id":
        return value.strip("<>").strip() or None
    return " ".join(text.split()) or None


def guess(text: str) -> tuple[str, str] | None:
    """(kind, value) of a bare text; the kind is "" for a hash that records do not have; None where it is no indicator at all."""
    value = refang(text)
    if _MESSAGE_ID.match(value):
        return "message id", value.strip("<>")
    for kind in ("ip", "url", "email", "sha256"):
        if found := normal(kind, value):
            return kind, found
    if len(value) in _OTHER_HASHES and _HEX.match(value):
        return "", value.lower()
    name = _name(value)
    if name and _KNOWN.privatesuffix(name):
        return ("domain" if name == identity.registrable(name) else "host"), name
    return None


def _ip(value: str) -> str | None:
    try:
        if "/" in value:
            network = ipaddress.ip_network(value, strict=False)
            return str(network.network_address) if network.num_addresses == 1 else str(network)
        return str(ipaddress.ip_address(value.strip("[]")))
    except ValueError:
        return None


def _name(value: str) -> str | None:
    name = value.strip().rstrip(".").lower().removeprefix("*.")
    if not name.isascii():
        found = identity.address(f"a@{name}")  # the same way to an A-label as an address goes
        name = identity.domain_of(found) if found else ""
    host = identity.host(name)
    # A last label of digits alone makes an address of numbers, not a name.
    return host if host and "." in host and not host.rpartition(".")[2].isdigit() else None


def _url(value: str) -> str | None:
    """A URL with scheme and host in lower case, which do not depend on case as the path does; many lists leave the scheme out."""
    if not _URL.match(value):
        host, slash, path = value.partition("/")
        name = _name(host.partition(":")[0]) or _ip(host.partition(":")[0])
        return f"{host.lower()}/{path}" if slash and name and not re.search(r"\s", path) and not _NETWORK.match(value) else None
    scheme, _, rest = value.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}"


class Indicators:
    """States Indicator nodes in `out`, each once for its times, and counts what is passed over."""

    def __init__(self, out: FactBuffer) -> None:
        self._out = out
        self._said: set[tuple[str, str, int | None, int | None]] = set()
        self._passed: Counter[str] = Counter()
        self.keys: set[str] = set()

    def add(
        self,
        kind: str,
        text: str,
        place: str,
        *,
        valid_from: int | None = None,
        valid_until: int | None = None,
        confidence: int | None = None,
        note: str | None = None,
    ) -> None:
        """State one; refused where the text is no value of its kind."""
        value = normal(kind, text)
        if value is None:
            self.refuse(place, text, kind)
            return
        key = f"indicator:{kind}/{value}"
        if (kind, value, valid_from, valid_until) in self._said:
            return
        self._said.add((kind, value, valid_from, valid_until))
        self.keys.add(key)
        self._out.node(
            "Indicator", key, place, name=value, type=kind, value=value, valid_from=valid_from, valid_until=valid_until,
            confidence=confidence, note=note[:200] if note else None,
        )  # fmt: skip

    def refuse(self, place: str, text: str, kind: str) -> None:
        """Keep one whose text is no value of its kind."""
        self._out.refuse(place, text, f"not a value of the kind {kind}")

    def state(self, frame: pl.DataFrame) -> None:
        """The same of all a file has: columns `kind`, `value` (normalised), `place`, `valid_from`, `valid_until` and `note`, perhaps `confidence`."""
        frame = frame.unique(["kind", "value", "valid_from", "valid_until"], keep="first", maintain_order=True)
        keys = pl.select("indicator:" + pl.lit(frame["kind"]) + "/" + pl.lit(frame["value"])).to_series()
        self.keys.update(keys.to_list())
        self._out.nodes(
            "Indicator", keys, frame["place"], name=frame["value"], type=frame["kind"], value=frame["value"], valid_from=frame["valid_from"],
            valid_until=frame["valid_until"], note=frame["note"].str.slice(0, 200), confidence=frame["confidence"] if "confidence" in frame.columns else None,
        )  # fmt: skip

    def skip(self, reason: str, count: int = 1) -> None:
        """Count one that can match nothing, or several; `reason` continues "3 indicators"."""
        if count:
            self._passed[reason] += count

    def finish(self, scope: str = "") -> None:
        """Put the notes and say how many signs there were."""
        for reason, count in self._passed.items():
            self._out.note(f"{count:,} {'indicator' if count == 1 else 'indicators'} {reason}")
        self._out.coverage("indicators", scope, collected=len(self.keys))
