"""Logs of pyldapsearch and of the ldapsearch BOF (formats.md 5): entries between lines of twenty dashes.

Claims text that begins with `--------------------` and has lines `attribute: value`, among them distinguishedName, objectClass or
sAMAccountName.

Yields the same as the LDIF loader (loaders/ldap_entries.py): accounts, groups and servers by objectSid, members, addresses, mailboxes.

Traps: objectSid is text already. Values of one attribute are joined by `, `: a list of DNs is cut where a new RDN follows the last `DC=`.
An entry without a distinguishedName (a search that asked for one or two attributes) is passed over. The same object may be logged several
times by several searches: what they say is put together by its SID. Security descriptors are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.encodings import encoding_of, head_text, open_text
from loaders.ldap_entries import WANTED, Attributes, Entries
from loaders.ldap_names import split_dns

NAME = "pyldapsearch"
TITLE = "pyldapsearch and ldapsearch BOF logs"
PRIORITY = "later"
SEEN = "real sample"
READS = "accounts, groups, members, servers, addresses, mailboxes"

_RULE = re.compile(r"^-{20,}$")
_LINE = re.compile(r"^([A-Za-z][A-Za-z0-9-]*): ?(.*)$")
_TELLS = re.compile(r"^(distinguishedName|objectClass|sAMAccountName|objectGUID): ", re.MULTILINE)
_DNS = {"member", "memberof", "publicdelegates", "msexchdelegatelistlink", "uniquemember"}
_LISTS = {"objectclass", "serviceprincipalname", "proxyaddresses"}
_LONGEST = 64 << 20


def detect(source: Source) -> Claim | None:
    """Claim a text whose first line is a rule and whose lines are attributes."""
    if source.is_dir or not source.head.lstrip(b"\xef\xbb\xbf\xff\xfe\r\n").startswith((b"-" * 20, b"-\0-\0")):
        return None
    text = head_text(source).removeprefix("\ufeff").replace("\r\n", "\n").lstrip("\n")
    return Claim(8, "entries between rules") if _RULE.match(text.split("\n", 1)[0]) and _TELLS.search(text) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the entries one by one; members are stated at the end."""
    encoding = encoding_of(source, options)
    if encoding.remark:
        out.note(encoding.remark)
    entries = Entries(out, options)
    with closing(open_text(source, encoding)) as stream:
        try:
            for line, entry in _entries(iter(stream)):
                out.records += 1
                _entry(entry, f"line {line}", entries)
        except UnicodeDecodeError:
            raise Broken("whole file", "the bytes are not text", "the file is damaged: collect again") from None
    entries.finish()


def _entry(entry: Attributes, place: str, entries: Entries) -> None:
    dn = entry.get("distinguishedname", [""])[0]
    if dn:
        entries.add(dn, entry, place)
    else:
        entries.notes.add("entry without a distinguishedName (a search for few attributes), passed over", place)


def _entries(lines: Iterator[str]) -> Iterator[tuple[int, Attributes]]:
    """(number of its first line, attributes) for each entry; lines that are no attribute (retrieved 3 results) are left out."""
    entry: Attributes = {}
    start = 1
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if len(text) > _LONGEST:
            raise Broken(f"line {number}", "a line of more than 64 MiB", "the file is damaged: collect again")
        if _RULE.match(text):
            if entry:
                yield start, entry
            entry, start = {}, number + 1
        elif match := _LINE.match(text):
            name = match[1].casefold()
            if name in WANTED and match[2].strip():
                entry.setdefault(name, []).extend(_values(name, match[2].strip()))
    if entry:
        yield start, entry


def _values(name: str, text: str) -> list[str]:
    if name in _DNS:
        return split_dns(text)
    return [item.strip() for item in text.split(", ")] if name in _LISTS else [text]
