"""LDIF of a directory: ldapsearch, ldifde, slapcat, Active Directory or another (formats.md 5, RFC 2849).

Claims text whose first record begins with `dn:` (after `version:`, comments and blank lines).

Yields Account, Group and Server `ad:<objectSid>`, as the SharpHound loader does: MEMBER_OF from member, memberOf and primaryGroupID;
HAS_ADDRESS and a Mailbox that the mail system of the domain HOSTS from mail or the primary of proxyAddresses; aliases from proxyAddresses;
mail servers by their exchangeMDB/ principal; SEND_ON_BEHALF from publicDelegates, FULL_ACCESS from msExchDelegateListLink, forwarding from
altRecipient. X500 proxy addresses and
legacyExchangeDN are addresses too, by which rules name recipients; a member, delegate or group whose entry another file has is kept by its DN
(`dn:…`) until that is loaded. Without a SID: Account `account:<mail, else uid@domain>`, Group `group:<mail, else cn@domain>`, Server by dNSHostName.

Traps: lines are folded, also inside base64; binary and non-ASCII values are `attr:: base64`; objectSid is binary and may by chance be valid
text. A group's `member;range=0-1499` is only a part: what members say of their groups (memberOf) completes it. The trailer of ldapsearch
(`search:`, `result:`, `ref:`) is no record; `# numEntries` that differs from what was read means that the file is cut. Changes (`changetype`
other than add) are counted, not read. ldifde -u writes UTF-16. userPassword, unicodePwd, info, description and pictures never leave this module.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import BinaryIO

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.encodings import head_text
from loaders.ldap_entries import WANTED, Entries
from loaders.ldap_names import sid_text
from loaders.ldif_blocks import Attributes, blocks

NAME = "ldif"
TITLE = "LDIF (ldapsearch, ldifde, slapcat)"
PRIORITY = "should"
SEEN = "real sample"
READS = "accounts, groups, members, servers, addresses, mailboxes, delegates and forwarding kept in the directory"

_BEFORE = re.compile(r"\s*(?:$|#|version:)", re.IGNORECASE)
_NAMED = re.compile(r"dn::? ?\S", re.IGNORECASE)
_TRAILER = re.compile(rb"^(search|result|ref|control|text|matchedDN|filter|requesting)\s*:", re.IGNORECASE)
_ENTRIES = re.compile(rb"^# numEntries: (\d+)", re.MULTILINE)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_CHANGE = re.compile(rb"^changetype:\s*(?!add\s*$)\S+", re.MULTILINE | re.IGNORECASE)


def detect(source: Source) -> Claim | None:
    """Claim a text that begins with a `dn:` line."""
    if source.is_dir or source.head[:2] in (b"PK", b"\x1f\x8b") or not re.search(rb"d\0?n\0?:", source.head[:32_768], re.IGNORECASE):
        return None
    text = head_text(source).removeprefix("\ufeff").replace("\r\n", "\n")
    for line in text.split("\n"):
        if _NAMED.match(line):
            return Claim(8, "records that begin with dn:")
        if not _BEFORE.match(line) and not line.startswith(" "):  # a comment may be folded
            return None
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the records one by one; members are stated at the end."""
    reader = _Reader(Entries(out, options), out)
    with source.open() as stream:
        for line, block in blocks(_as_utf8(stream, source)):
            reader.block(block, f"line {line}")
    reader.finish()


def _as_utf8(stream: BinaryIO, source: Source) -> Callable[[int], bytes]:
    """What reads the next bytes of the file, as UTF-8."""
    if not source.head.startswith(_UTF16):
        return stream.read
    text = io.TextIOWrapper(stream, encoding="utf-16", newline="\n")

    def read_text(size: int) -> bytes:
        try:
            return text.read(size).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise Broken("byte 0", "the bytes do not fit the byte order mark", "export it again") from None

    return read_text


class _Reader:
    """Turns blocks into entries."""

    def __init__(self, entries: Entries, out: FactBuffer) -> None:
        self._entries, self._out = entries, out
        self._attributes = Attributes(WANTED)
        self._told: int | None = None
        self._changes = 0

    def block(self, block: bytes, place: str) -> None:
        """One block: a record, a change, or what stands around them."""
        if b"# numEntries" in block and (told := _ENTRIES.search(block)):
            self._told = int(told[1])
        if not block.startswith(b"dn:") and _stands_around(block):
            return
        self._out.records += 1
        if _is_change(block):
            self._changes += 1
            return
        try:
            # The records are strict, one by one, so that a damaged one does not end the file.
            dn, found = self._attributes.read(block)
        except ValueError:
            self._out.refuse(place, "", "not a record of LDIF: a line without a name, or bad base64 or dn")
            return
        if not dn:
            self._out.refuse(place, "", "a record without dn")
            return
        entry = {}
        for name, values in found.items():
            texts = [text for value in values if (text := _sid(value) if name == "objectsid" else _text(value))]
            entry[name] = texts
        self._entries.add(dn, entry, place)

    def finish(self) -> None:
        """State what had to wait, and the notes."""
        self._entries.finish()
        if self._changes:
            self._out.note(f"{self._changes:,} × change (modify, delete, modrdn), not read: export the entries themselves")
        if self._attributes.ranges:
            self._out.note(f"{self._attributes.ranges:,} × list that is only a part (range), completed from what members say of their groups")
        entries = self._out.records - self._changes
        if self._told is not None and self._told != entries:
            self._out.note(f"numEntries says {self._told:,} and there are {entries:,} entries: the file was cut or edited")


def _stands_around(block: bytes) -> bool:
    """Whether a block is no record: comments, the version alone, ldapsearch's trailer."""
    lines = [line for line in block.split(b"\n") if line.strip() and not line.startswith((b"#", b" "))]
    return not lines or bool(_TRAILER.match(lines[0])) or (len(lines) == 1 and lines[0].lower().startswith(b"version:"))


def _is_change(block: bytes) -> bool:
    folded = block.lower()
    at = folded.find(b"\nchangetype:")
    if at < 0:
        return folded.startswith(b"changetype:") and bool(_CHANGE.search(block))
    # Of one plain line no search is needed.
    if folded.find(b"\nchangetype:", at + 1) < 0 and folded[at + 12 : folded.find(b"\n", at + 1)].strip() == b"add":
        return False
    return bool(_CHANGE.search(block))


def _text(value: bytes) -> str | None:
    """A value as text, or None where it is none: a binary one."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _sid(value: bytes) -> str | None:
    return sid_text(value) or _text(value)
