"""Active Directory as JSON: ldapdomaindump's domain_users.json, domain_groups.json …, and the objects of ADExplorerSnapshot (formats.md 5).

Claims a list of objects with `attributes` and `dn`; or JSON lines with lists under distinguishedName and objectClass.

Yields what ldif says of the same entries: Account, Group and Server, MEMBER_OF, addresses, Mailbox, delegates.

Traps: every value is a list. Without objectClass the kind is told by sAMAccountType, groupType and dNSHostName. Times are text with a zone.
Policies and trusts (domain_policy.json, domain_trusts.json) look the same and say nothing that is read here. Load all files of a dump:
groups name their members by DN.
"""

from __future__ import annotations

import re
from typing import Any

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.containers import read_json
from loaders.jsonlog import records, sample
from loaders.ldap_entries import WANTED, Attributes, Entries

NAME = "ldapdomaindump"
TITLE = "ldapdomaindump JSON, ADExplorerSnapshot NDJSON"
PRIORITY = "later"
SEEN = "not yet seen in the wild"
READS = "accounts, groups, members, servers, addresses, mailboxes, delegates"

_LARGEST = 512 << 20
_CLAIMED = re.compile(rb'^\s*\[\s*\{\s*"(attributes"\s*:\s*\{|dn"\s*:\s*")')
_PLAIN = ("distinguishedName", "objectClass")
_ACCOUNT_TYPES = {"805306368": "user", "805306369": "computer", "268435456": "group", "536870912": "group"}


def detect(source: Source) -> Claim | None:
    """Claim by the first object."""
    head = b"" if source.is_dir else source.head.removeprefix(b"\xef\xbb\xbf")
    if _CLAIMED.match(head) and b'"attributes"' in head:
        return Claim(8, "entries of ldapdomaindump")
    plain = any(all(isinstance(record.get(name), list) for name in _PLAIN) for record in sample(source, ()))
    return Claim(8, "entries of a directory as JSON") if plain else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the entries one by one; members are stated at the end."""
    if not _CLAIMED.match(source.head.removeprefix(b"\xef\xbb\xbf")):
        _plain(source, Entries(out, options), out)
        return
    if source.size > _LARGEST:
        raise Broken("whole file", f"more than {_LARGEST >> 20} MiB", "split the dump")
    with source.open() as stream:
        document = read_json(stream.read())
    if not isinstance(document, list):
        raise Broken("whole file", "no list of entries", "it is not ldapdomaindump's: dump again")
    entries = Entries(out, options)
    for number, found in enumerate(document):
        out.records += 1
        attributes = found.get("attributes") if isinstance(found, dict) else None
        dn = found.get("dn") if isinstance(found, dict) else None
        if not isinstance(attributes, dict) or not isinstance(dn, str) or not dn:
            out.refuse(f"[{number}]", type(found).__name__, "not an entry with attributes and dn")
        else:
            entries.add(dn, _entry(attributes), f"[{number}]")
    entries.finish()


def _plain(source: Source, entries: Entries, out: FactBuffer) -> None:
    """Records that are the attributes themselves."""
    for place, record in records(source, out, ()):
        dn = _first(record, "distinguishedName")
        if isinstance(dn, str) and dn:
            entries.add(dn, _entry(record), place)
        else:
            out.refuse(place, "", "not an entry with a distinguishedName")
    entries.finish()


def _entry(attributes: dict[str, Any]) -> Attributes:
    entry: Attributes = {}
    for name, given in attributes.items():
        folded = str(name).casefold()
        if folded in WANTED:
            values = given if isinstance(given, list) else [given]
            entry[folded] = [str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool) and value != ""]
    if not entry.get("objectclass"):
        kind = _ACCOUNT_TYPES.get(str(_first(attributes, "sAMAccountType")), "group" if "groupType" in attributes else "")
        entry["objectclass"] = [kind] if kind else []
    return {name: values for name, values in entry.items() if values}


def _first(attributes: dict[str, Any], name: str) -> Any:
    value = attributes.get(name)
    return value[0] if isinstance(value, list) and value else value
