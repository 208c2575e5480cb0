"""Indicators as CSV: a column for the value and one for its type, as sharing platforms export them and analysts keep them (formats.md 11).

Claims a header with a value (indicator, value, ioc, observable, IndicatorValue …) and a type (type, indicator type, ioc_type, IndicatorType …).
Known so: MISP's attributes, OTX, Microsoft Defender's indicators, ThreatFox, lists made by hand.

Yields Indicator by its type (IPv4, domain, hostname, URL, email, SHA-256, user agent, message id, in the spellings these tools have), or by the
value itself where the type is empty; valid_from, valid_until (ExpirationTime); description or title as note.

Traps: values may be defanged. MISP's rows with `to_ids` 0 match nothing. `ip|port` and `domain|ip` are MISP's pairs. Other hashes and file names
are counted. A type that is not known is counted too, never guessed.
"""

from __future__ import annotations

import re

from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.indicators import Indicators, guess, normal
from loaders.reading import Row, Table, header_of

NAME = "indicator_csv"
TITLE = "Indicators CSV: type and value"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "indicators: addresses, domains, hosts, IP addresses, URLs, user agents, message ids, hashes"

_VALUES = ("indicator", "indicatorvalue", "indicator value", "indicator_value", "ioc", "ioc value", "ioc_value", "observable", "value")
_TYPES = ("indicatortype", "indicator type", "indicator_type", "ioc type", "ioc_type", "observable_type", "type")
_NOTES = ("title", "description", "comment", "note", "notes")
_FROM, _UNTIL = ("valid_from", "first_seen", "first seen"), ("valid_until", "expirationtime", "expiration")
_KINDS = {
    "ip": "ip", "ipv4": "ip", "ipv6": "ip", "ipaddress": "ip", "ipv4addr": "ip", "ipv6addr": "ip", "ipsrc": "ip", "ipdst": "ip", "ipport": "ip", "cidr": "ip",
    "ipsrcport": "ip", "ipdstport": "ip", "ipv4cidr": "ip", "netblock": "ip", "domain": "domain", "domainname": "domain", "domainip": "domain", "fqdn": "host", "hostname": "host",
    "host": "host", "hostnameport": "host", "url": "url", "uri": "url", "email": "email", "emailaddr": "email", "emailaddress": "email", "emailsrc": "email",
    "emailreplyto": "email", "sender": "email", "emailsender": "email", "emailmessageid": "message id", "messageid": "message id", "internetmessageid": "message id",
    "sha256": "sha256", "filehashsha256": "sha256", "filesha256": "sha256", "filenamesha256": "sha256", "sha256hash": "sha256", "useragent": "user agent",
}  # fmt: skip
_PAIRED = re.compile(r"^([^|\s]+)\|\S+$")
_PORT = re.compile(r"^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$")


def detect(source: Source) -> Claim | None:
    """Claim by the header: weaker than any known export's claim."""
    header = header_of(source)
    return Claim(3, "columns for a type and a value of indicators") if _pick(header, _VALUES) and _pick(header, _TYPES) and len(header) > 1 else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out)
    value, type_ = _pick(frozenset(table.header), _VALUES), _pick(frozenset(table.header), _TYPES)
    table.require(value or _VALUES[0], type_ or _TYPES[0])
    signs = Indicators(out)
    for row in table:
        if not row[value]:
            out.refuse(row.at(value), "", "no value")
        elif row.get("to_ids").casefold() in ("0", "false", "no"):
            signs.skip("not meant for detection (to_ids is false), which match nothing")
        else:
            _row(row, row[type_], row[value], row.at(value), signs)
    signs.finish()


def _row(row: Row, type_: str, value: str, place: str, signs: Indicators) -> None:
    plain = re.sub(r"[^a-z0-9]", "", type_.casefold())
    kind = _KINDS.get(plain, "")
    if not plain:
        kind, value = guess(value) or ("", value)
    if not kind:
        signs.skip("of types that records here do not hold (file names, other hashes, text)" if plain else "without a type, by whose value none can be told")
        return
    if plain == "filenamesha256":
        value = value.rpartition("|")[2]
    elif found := _PAIRED.match(value) or (_PORT.match(value) if kind == "ip" else None):
        value = found[1]
    if kind in ("domain", "host") and normal("ip", value):
        kind = "ip"
    note = " ".join(row.first(*_NOTES).split())
    signs.add(kind, value, place, valid_from=_time(row, _FROM), valid_until=_time(row, _UNTIL), note=note or None)


def _pick(header: frozenset[str], names: tuple[str, ...]) -> str:
    """The first of these columns that is there; "" where none is."""
    return next((name for name in names if name in header), "")


def _time(row: Row, names: tuple[str, ...]) -> int | None:
    """A date of one of these columns, in the future too; None where there is none."""
    return dates.believed(row.first(*names)) if row.first(*names) else None
