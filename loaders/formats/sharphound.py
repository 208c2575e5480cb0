"""SharpHound's view of an Active Directory, versions 3 to 6 (formats.md 5): a zip, or one of its JSON files; bloodhound.py's too.

Claims `{"data": […], "meta": {methods, type, count, version}}`, by its first and last 64 KiB since `meta` stands at the end; a zip by
members of that shape.

Yields Account, Group and Server `ad:<SID>`; MEMBER_OF from Members and PrimaryGroupSID; from a user's mail attribute HAS_ADDRESS and a
Mailbox that the mail system of the domain HOSTS; from local groups ADMIN_TO (…-544), SIGNS_IN_TO
remote desktop (…-555), remote shell (…-580) and remote COM (…-562), these also from the GPOChanges of a unit; SESSION_ON from the three lists of sessions; a computer with an exchangeMDB/ principal HOSTS the mail system, and Exchange's
own groups that may give themselves any mailbox administer it. Container `ad:<GUID>` (a domain: `ad:<SID>`) of domains, organisational units,
containers and group policies; CONTROLS from Aces, AllowedToDelegate, AllowedToAct, HasSIDHistory, SPNTargets (SQLAdmin), DumpSMSAPassword and
unconstraineddelegation (CoerceToTGT); CONTAINS from ContainedBy, else from the container's ChildObjects, which inherits unless IsACLProtected;
BELONGS_TO the domain; HOSTS from a domain controller to its domain; LINKED_TO from Links, on to the units below that do not block it; TRUSTS from Trusts.

Traps: `"Collected": false` is not asked, not nobody: counted as missing in coverage. `meta.count` may be less than there are objects.
exchangeAB/ alone is on every domain controller and makes no mail host. Local groups of domain controllers are called IGNOREME. A well-known
SID carries its domain (`CORP.EXAMPLE-S-1-5-32-544`). A member of another domain is of type Base: its kind is taken from that domain's own
files in the same zip. The 14 digits of a file's name are the local time of the collecting machine.

Containers in which no account, group or server lies are left out. TrustDirection is seen from the collected domain.
Left for later: UserRights and the files of certificate templates and authorities.
That everybody signed in belongs to Authenticated Users and Everyone is said by no object, so it is not stated here either.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, BinaryIO

import orjson

from graphmodel.errors import LoadError
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.containers import Archive, Member, at, ends_of, json_items, read_json
from loaders.gathered import Gathered
from loaders.jsonbatch import SMALL
from loaders.sharphound_objects import LABELS, Directory
from loaders.sharphound_old import modern

NAME = "sharphound"
TITLE = "SharpHound v3 to v6 JSON or zip"
PRIORITY = "should"
SEEN = "real sample"
READS = "accounts, groups, servers, local administrators, remote access, sessions, mail hosts, Exchange administrators, directory rights, containment"

# Users first, so that the SIDs of groups and sessions meet objects that are known.
_TAKEN = ("users", "groups", "computers", "domains", "ous", "containers", "gpos")
_TYPES = (*_TAKEN, "aiacas", "rootcas", "enterprisecas", "ntauthstores", "certtemplates",
          "issuancepolicies")  # fmt: skip
_OLDEST, _NEWEST = 3, 6
# A document of this size is held in memory whole; a larger one is read object by object.
_WHOLE = 64 << 20
_SINCE = 4  # the version since which objects have Aces as today
_SNIFFED_MEMBERS = 64

_NAME = re.compile(rf"(?:^|[/_])(\d{{14}})_({'|'.join(_TYPES)})\.json", re.IGNORECASE)
_NAME_IN_BYTES = re.compile(_NAME.pattern.replace("(?:^|[/_])", "").encode(), re.IGNORECASE)
_STAMP = re.compile(r"(?:^|[/_])(\d{14})_")
_META = re.compile(rb'"meta"\s*:\s*(\{[^{}]{0,2000}\})')
_FIRST_KEY = re.compile(rf'\{{\s*"(data|meta|{"|".join(_TYPES)})"\s*:'.encode())
_FIRST_OBJECT = re.compile(rb'\{\s*"data"\s*:\s*\[\s*\{')


@dataclass(frozen=True)
class _File:
    """One JSON file: `name` within the zip, or "" for a file of its own; `stamp` is what names it for its time."""

    name: str
    stamp: str
    size: int
    open: Callable[[], BinaryIO]


def detect(source: Source) -> Claim | None:
    """Claim a JSON file by its `meta` or by its first object; a zip by its members, or by their names where it is damaged."""
    if source.is_dir:
        return None
    if source.head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _detect_zip(source)
    if not _text(source.head).startswith(b"{"):
        return None
    with source.open() as stream:
        head, tail, _ = ends_of(stream)
    if _meta(head, tail) and _FIRST_KEY.match(_text(head)):
        return Claim(9, "meta of SharpHound")
    return Claim(8, "objects of SharpHound, no meta") if _is_cut(head) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read all files of the zip, or the one file."""
    gathered = Gathered(out)
    reader = _Reader(out, Directory(gathered, options.now))
    if source.head.startswith(b"PK"):
        with Archive(source.open()) as archive:
            for member in sorted(archive.members, key=_order):
                reader.read(_File(member.name, member.name, member.size, partial(archive.open, member)), alone=False)
    else:
        reader.read(_File("", source.path.name, source.size, source.open), alone=True)
    reader.finish()
    gathered.flush()


def _detect_zip(source: Source) -> Claim | None:
    try:
        with Archive(source.open()) as archive:
            candidates = [member for member in archive.members if member.name.casefold().endswith(".json")][:_SNIFFED_MEMBERS]
            if any(_sniff(archive, member) for member in candidates):
                return Claim(9, "a zip of SharpHound's files")
    except LoadError:
        if _NAME_IN_BYTES.search(source.head):
            return Claim(8, "a damaged zip with names of SharpHound's files")
    return None


def _sniff(archive: Archive, member: Member) -> bool:
    """Whether a member looks like SharpHound's; one that cannot be opened is believed by its name, so that reading says why."""
    try:
        with archive.open(member) as stream:
            head = stream.read(64 * 1024)
    except LoadError:
        return bool(_NAME.search(member.name))
    return _is_ours(head)


def _is_ours(head: bytes) -> bool:
    return _is_cut(head) or bool(_meta(head, b"") and _FIRST_KEY.match(_text(head)))


def _is_cut(head: bytes) -> bool:
    """Whether the beginning alone tells: `{"data": [{` and keys that SharpHound's objects have."""
    text = _text(head)
    return bool(_FIRST_OBJECT.match(text)) and b'"Properties"' in text and (b'"domainsid"' in text or b'"ObjectIdentifier"' in text)


def _text(head: bytes) -> bytes:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "ignore").encode("utf-8", "ignore")
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def _meta(head: bytes, tail: bytes) -> dict[str, Any] | None:
    """The `meta` of a file by its two ends; None where there is none, or none of SharpHound's."""
    for text in (*_META.findall(tail)[-1:], *_META.findall(head)[:1]):
        try:
            meta = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        # AzureHound's meta has a type that is not here, and no methods.
        if isinstance(meta.get("type"), str) and "version" in meta and (meta["type"] in _TYPES or "methods" in meta):
            return dict(meta)
    return None


def _order(member: Member) -> tuple[int, str]:
    named = _NAME.search(member.name)
    type_ = named[2].casefold() if named else ""
    return _TAKEN.index(type_) if type_ in _TAKEN else len(_TAKEN), member.name


class _Reader:
    """Reads files one after the other and gathers what is to be said about all of them."""

    def __init__(self, out: FactBuffer, directory: Directory) -> None:
        self._out, self._directory = out, directory
        self._left: Counter[str] = Counter()
        self._strangers: list[str] = []
        self._counts: list[str] = []

    def read(self, file: _File, *, alone: bool) -> None:
        """Read one file. A stranger among SharpHound's files is passed over; one given alone is Broken."""
        if not alone and not _NAME.search(file.name) and not self._is_ours(file):
            self._strangers.append(file.name)
            return
        whole = file.size <= _WHOLE
        meta, items = self._in_columns(file) or (self._whole(file) if whole else self._streamed(file))
        type_ = self._check(meta, file)
        snapshot, number = _snapshot(file.stamp), 0
        for number, found in enumerate(items, 1):
            self._out.records += 1
            if type_ in _TAKEN:
                self._directory.take(type_, modern(found, meta["version"]), at(file.name, f"data[{number - 1}]"), snapshot)
        if type_ not in _TAKEN:
            self._left[type_] += number
        if not whole and not number and meta.get("count") != 0:
            raise Broken(at(file.name, "data"), "no list of objects", "it is not as SharpHound writes it: collect again")
        if isinstance(meta.get("count"), int) and meta["count"] != number:
            self._counts.append(at(file.name, f"{meta['count']:,} of {number:,}"))

    def finish(self) -> None:
        """State what had to wait, and the notes."""
        self._directory.finish()
        if self._left:
            named = ", ".join(f"{type_} ({count:,})" for type_, count in sorted(self._left.items()))
            self._out.note(f"nothing is taken from {named}")
        if self._counts:
            self._out.note(f"meta.count differs from the objects that are there, which were all read: {_some(self._counts)}")
        if self._strangers:
            self._out.note(f"not SharpHound's, passed over: {_some(self._strangers)}")

    def _is_ours(self, file: _File) -> bool:
        if not file.name.casefold().endswith(".json"):
            return False
        with file.open() as stream:
            return _is_ours(stream.read(64 * 1024))

    def _in_columns(self, file: _File) -> tuple[dict[str, Any], Iterator[Any]] | None:
        """A file of users, groups or computers that is neither small nor huge; None of any other, and of one of unusual shape."""
        if not SMALL <= file.size <= _WHOLE:
            return None
        from loaders.sharphound_batches import listed_in  # noqa: PLC0415 -- compiled code, which only large files need

        with file.open() as stream:
            listed = listed_in(stream.read())
        type_, version = (listed.meta.get("type"), listed.meta.get("version")) if listed else (None, None)
        if listed is None or not isinstance(type_, str) or type_ not in LABELS or not isinstance(version, int) or version < _SINCE:
            return None
        return listed.meta, listed.objects(LABELS[type_], self._out)

    def _whole(self, file: _File) -> tuple[dict[str, Any], Iterator[Any]]:
        with file.open() as stream:
            document = read_json(stream.read(), file.name)
        meta = document.get("meta") if isinstance(document, dict) else None
        if not isinstance(meta, dict):
            raise Broken(at(file.name, "meta"), "there is none", "it is not as SharpHound writes it: collect again")
        self._check(meta, file)
        items = document.get(_list_name(meta))
        if not isinstance(items, list):
            raise Broken(at(file.name, "data"), "no list of objects", "it is not as SharpHound writes it: collect again")
        return meta, iter(items)

    def _streamed(self, file: _File) -> tuple[dict[str, Any], Iterator[Any]]:
        with file.open() as stream:
            head, tail, size = ends_of(stream)
        meta = _meta(head, tail)
        if meta is None:
            raise Broken(at(file.name, f"byte {size:,}"), "the file ends without its meta", "it is cut short: copy or collect it again")
        return meta, self._items(file, _list_name(meta))

    def _items(self, file: _File, name: str) -> Iterator[Any]:
        with file.open() as stream:
            yield from json_items(stream, f"{name}.item", file.name)

    def _check(self, meta: dict[str, Any], file: _File) -> str:
        """The type of a file's objects. Raises Broken for a version that is not read."""
        type_, version = meta.get("type"), meta.get("version")
        if not isinstance(type_, str) or not isinstance(version, int):
            raise Broken(at(file.name, "meta"), "no type and version", "it is not as SharpHound writes it: collect again")
        if version < _OLDEST:
            raise Broken(at(file.name, "meta"), f"version {version} of SharpHound's format", "3 to 6 are read: collect with SharpHound 2")
        if version > _NEWEST:
            self._out.note(f"version {version} of SharpHound's format is newer than what is known here: look at what was taken")
        return type_ if type_ in _TYPES else f"{type_[:40]!r} (unknown)"


def _list_name(meta: dict[str, Any]) -> str:
    """Under which name a file has its objects: `data`, and before version 4 their type."""
    return "data" if meta["version"] > 3 else str(meta["type"])


def _snapshot(name: str) -> int | None:
    """Seconds since 1970 of the 14 digits in a file's name, as if its local time were UTC; None where there are none."""
    stamp = _STAMP.search(name)
    if not stamp:
        return None
    try:
        return int(datetime.strptime(stamp[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def _some(texts: list[str]) -> str:
    return ", ".join(texts[:8]) + (f", and {len(texts) - 8:,} more" if len(texts) > 8 else "")


