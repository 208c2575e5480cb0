"""Archives in place (formats.md 0.3.7): what is in a zip, 7z, tar, gzip, bzip2 or xz file is a source of its own, called `archive.7z!member.csv`.

    for source in opened(Source(path, "exports.7z"), is_claimed): ...

A member is unpacked when it is first read, within the bounds of containers.Limits, into memory or into a temporary file without a
name, which is gone when the member is let go or the process ends, however it ends. Of a 7z, which packs its members as one stream,
and of a packed tar all members are unpacked at once, of a zip one at a time. A member that is an archive is opened too, to
Limits.depth; a document that merely is a zip (docx, xlsx, jar) is left as it is.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tarfile
import weakref
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from graphmodel.errors import LoadError
from loaders.base import SNIFF_BYTES, Broken, Source
from loaders.containers import Archive, Limits, is_litter
from loaders.containers import Member as ZipMember
from loaders.sevenzip import Solid
from loaders.spool import AGAIN, DAMAGE, UNPACK, Shared, Slice, Spool, checked, refuse

LIMITS = Limits()

_CHUNK = 1 << 20
_STREAMS: dict[bytes, Callable[[BinaryIO], Any]] = {b"\x1f\x8b\x08": lambda raw: gzip.GzipFile(fileobj=raw), b"BZh": bz2.BZ2File, b"\xfd7zXZ\x00": lzma.LZMAFile}
_PACKED = re.compile(r"\.(gz|gzip|bz2|xz)$", re.IGNORECASE)
_DOCUMENT = frozenset(("[Content_Types].xml", "META-INF/MANIFEST.MF", "mimetype", "AndroidManifest.xml"))


class Member(Source):
    """A file within an archive, unpacked when it is first read."""

    def __init__(self, archive: Source, name: str, fill: Callable[[], Slice]) -> None:
        super().__init__(archive.path / name, f"{archive.name}!{name}")
        self._fill = fill
        self._slice: Slice | None = None

    @property
    def is_dir(self) -> bool:
        """Never."""
        return False

    @cached_property
    def size(self) -> int:
        """Bytes unpacked."""
        return self.content().size

    @cached_property
    def sha256(self) -> str:
        """Hash of the bytes unpacked: the same as that of the file itself."""
        digest = sha256()
        with self.open() as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    @property
    def head(self) -> bytes:
        """The first 64 KiB."""
        if self._head is None:
            self._head = self.content().again().read(SNIFF_BYTES)
        return self._head

    def open(self) -> BinaryIO:
        """The member as a binary stream that can seek, from its start. Raises Broken where it is damaged or out of bounds."""
        return self.content().again()

    def files(self) -> Iterator[Path]:
        """None: it is nowhere on disk."""
        return iter(())

    def close(self) -> None:
        """Let go of what was unpacked; reading again unpacks again."""
        self._slice = self._head = None

    def content(self) -> Slice:
        """What was unpacked. Raises Broken where it is damaged or out of bounds."""
        if self._slice is None:
            self._slice = self._fill()
        return self._slice


def opened(source: Source, is_claimed: Callable[[Source], bool], limits: Limits = LIMITS) -> Iterator[Source]:
    """The source itself; or, where it is an archive that `is_claimed` says no format takes as a whole, its members in turn.

    A member is let go of when the next one is asked for. An archive that cannot be opened is one source with its `fault`.
    """
    yield from _opened(source, is_claimed, limits, 1)


def _opened(source: Source, is_claimed: Callable[[Source], bool], limits: Limits, depth: int) -> Iterator[Source]:
    try:
        members = _reader(source)
        # A tar is one long text to who does not know it, so no format is asked of that.
        if members is None or (members is not _tar and is_claimed(source)):
            yield source
            return
        if depth > limits.depth:
            raise Broken("archive", "archives within archives go too deep", UNPACK)
        inside = members(source, limits)
        if inside is None:
            yield source
            return
        for member in inside:
            yield from _opened(member, is_claimed, limits, depth + 1)
            member.close()
    except LoadError as error:
        yield Source(source.path, source.name, b"", fault=error)


def _reader(source: Source) -> Callable[[Source, Limits], list[Member] | None] | None:
    """How to list the members of an archive, by its first bytes; None for what is none."""
    head = b"" if source.is_dir else source.head
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip
    if head.startswith(b"7z\xbc\xaf\x27\x1c"):
        return _7z
    if _is_tar(head):
        return _tar
    return _packed if head.startswith(tuple(_STREAMS)) else None


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _zip(source: Source, limits: Limits) -> list[Member] | None:
    archive = Archive(source.open(), limits)
    weakref.finalize(archive, archive.closer())  # with the last member that refers to it
    if any(member.name in _DOCUMENT for member in archive.members):
        return None

    def fill(member: ZipMember) -> Slice:
        with archive.open(member) as stream:
            return Spool(member.name, limits, member.packed).take(stream)

    return [Member(source, member.name, partial(fill, member)) for member in archive.members]


def _packed(source: Source, limits: Limits) -> list[Member]:
    """One packed stream; where a tar is in it, the tar's members."""
    unpack = next(unpack for magic, unpack in _STREAMS.items() if source.head.startswith(magic))

    def fill() -> Slice:
        with source.open() as raw, unpack(raw) as stream:
            return Spool("packed stream", limits, source.size).take(stream)

    name = re.sub(r"\.(tgz|tbz2?|txz)$", ".tar", _PACKED.sub("", source.path.name), flags=re.IGNORECASE)
    inside = Member(source, checked(name or "unpacked"), fill)
    return _members_of_tar(source, inside.content(), limits) if _is_tar(inside.head) else [inside]


def _tar(source: Source, limits: Limits) -> list[Member]:
    return _members_of_tar(source, Slice(Shared(source.open()), 0, source.size), limits)


def _members_of_tar(source: Source, whole: Slice, limits: Limits) -> list[Member]:
    """The regular files of a tar; links, devices and sparse files are passed over."""
    found: list[Member] = []

    def fill(start: int, size: int) -> Slice:
        if start + size > whole.size:
            raise Broken(f"byte {whole.size:,} of the tar", "it ends in the middle of the member", AGAIN)
        return whole.part(start, size)

    try:
        with whole.again() as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for number, info in enumerate(archive):
                if number >= limits.members:
                    raise refuse(f"more than {limits.members:,} members")
                if info.isreg() and not info.issparse() and not is_litter(info.name):
                    found.append(Member(source, checked(info.name), partial(fill, info.offset_data, info.size)))
    except (tarfile.TarError, *DAMAGE):
        raise Broken("archive", "the tar is damaged", AGAIN) from None
    return found


def _7z(source: Source, limits: Limits) -> list[Member]:
    solid = Solid(source, limits)
    return [Member(source, name, partial(solid.part, name)) for name in solid.names]
