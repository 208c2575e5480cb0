"""Archives and JSON from strangers, read within bounds: number of members, bytes, ratio, nesting, paths (formats.md 0.3.7).

    with Archive(source.open()) as archive:
        for member in archive.members:
            with archive.open(member) as stream: ...
    read_json(data, place)                    # a document that fits in memory
    json_items(stream, "data.item", place)    # one that does not, item by item

Nothing is unpacked to disk. What is damaged, locked or out of bounds is Broken, with member and byte.
"""

from __future__ import annotations

import codecs
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, Self

import ijson
import numpy as np
import orjson

from loaders.base import Broken

JSON_DEPTH = 64
"""Brackets within brackets that are still read; no export seen goes past 20."""

_MIB = 1 << 20
_CHUNK = 4 * _MIB
_CUT = "the file ends in the middle"
_AGAIN = "it is damaged or cut short: copy or export it again"
# What zipfile and the decompressors raise on bytes that are not what they should be.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError, IndexError, OverflowError, struct.error)
_LEADS_OUT = re.compile(r"^/|^[A-Za-z]:|(^|/)\.\.(/|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e]")
_LITTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$)")
_NOT_BRACKETS = bytes(set(range(256)) - set(b'"[]{}'))
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"{[")], _STEPS[list(b"}]")] = 1, -1


def at(place: str, rest: str) -> str:
    """`member.json: byte 12`, or the rest alone where there is no place."""
    return f"{place}: {rest}" if place else rest


def member_name(name: str) -> str | None:
    """A member's name with forward slashes; None where it leads out of the archive or cannot be shown."""
    name = name.replace("\\", "/")  # as older .NET writes it
    return None if _LEADS_OUT.search(name) or _CONTROL.search(name) or not 0 < len(name) <= 1000 else name


def shown_name(name: str) -> str:
    """A member's name as it may be printed, whatever is in it."""
    return name[:100].encode("unicode_escape").decode()


def is_litter(name: str) -> bool:
    """What desktops strew into archives."""
    return bool(_LITTER.search(name))


@dataclass(frozen=True)
class Limits:
    """Bounds of an archive.

    `ratio`: unpacked to packed, asked only of members over `ratio_from` bytes (small ones pack well); `depth`: archives within
    archives, 1 is none.
    """

    members: int = 50_000
    total: int = 64 << 30
    ratio: int = 250
    ratio_from: int = 64 * _MIB
    depth: int = 2

    def is_bomb(self, size: int, packed: int) -> bool:
        """Whether so many bytes out of so many are more than honest data gives."""
        return size > self.ratio_from and size > self.ratio * packed


@dataclass(frozen=True)
class Member:
    """A regular file in an archive. `name` has forward slashes; `size` and `packed` in bytes."""

    name: str
    size: int
    packed: int
    encrypted: bool
    info: zipfile.ZipInfo


class Archive:
    """A zip archive, checked when it is opened. `members`: its regular files, in its own order, without what desktops strew in.

    `place` stands before every error, for an archive within another. Raises Broken when it is damaged or out of bounds.
    """

    def __init__(self, stream: BinaryIO, limits: Limits | None = None, *, place: str = "", depth: int = 1) -> None:
        self._stream, self._place, self._depth = stream, place, depth
        self._limits = limits or Limits()
        if depth > self._limits.depth:
            raise Broken(at(place, "zip archive"), "archives within archives go too deep", "unpack it and load what is inside")
        try:
            self._size = stream.seek(0, io.SEEK_END)
            self._zip = zipfile.ZipFile(stream)
        except _DAMAGE:
            stream.close()
            raise Broken(at(place, f"byte {self._size:,}"), "the zip archive has no readable end", _AGAIN) from None
        try:
            self.members = self._checked()
        except Broken:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._stream.close()

    def closer(self) -> Callable[[], None]:
        """What closes it, for who cannot use `with`; refers to no part of this object but the stream."""
        return self._stream.close

    def open(self, member: Member) -> BinaryIO:
        """The member as a binary stream from its start, not seekable. Opening and reading raise Broken where it is damaged."""
        place = at(self._place, member.name)
        if member.encrypted:
            raise Broken(place, "protected by a password", "unpack it and load what is inside")
        try:
            raw = self._zip.open(member.info)
        except NotImplementedError:
            raise Broken(place, "packed by a method that is not known here", "unpack it and load what is inside") from None
        except _DAMAGE:
            raise Broken(at(place, "byte 0"), "the archive does not hold it where it says", _AGAIN) from None
        return io.BufferedReader(_Guarded(raw, place), _MIB)

    def read(self, member: Member) -> bytes:
        """The whole member; its checksum is verified."""
        with self.open(member) as stream:
            return stream.read()

    def nested(self, member: Member) -> Archive:
        """A member that is an archive itself, held in memory; the same bounds, one deeper."""
        return Archive(io.BytesIO(self.read(member)), self._limits, place=at(self._place, member.name), depth=self._depth + 1)

    def _checked(self) -> tuple[Member, ...]:
        infos = self._zip.infolist()
        if len(infos) > self._limits.members:
            raise self._unsafe(f"{len(infos):,} members, more than {self._limits.members:,}")
        members = [self._member(info) for info in infos if not info.is_dir() and not is_litter(info.filename)]
        if (total := sum(member.size for member in members)) > self._limits.total:
            raise self._unsafe(f"unpacks to {total:,} bytes, more than {self._limits.total:,}")
        # Members that share bytes are how a small file unpacks to anything.
        if sum(member.packed for member in members) > self._size:
            raise self._unsafe("members lie over one another")
        return tuple(members)

    def _member(self, info: zipfile.ZipInfo) -> Member:
        if (name := member_name(info.filename)) is None:
            raise self._unsafe(f"a member's name leads out of it or cannot be shown: {shown_name(info.filename)}")
        if self._limits.is_bomb(info.file_size, info.compress_size):
            raise self._unsafe(f"{shown_name(name)} unpacks to more than {self._limits.ratio} times its size")
        return Member(name, info.file_size, info.compress_size, bool(info.flag_bits & 1), info)

    def _unsafe(self, what: str) -> Broken:
        return Broken(at(self._place, "zip archive"), what, "if you trust it, unpack it and load what is inside")


class _Guarded(io.RawIOBase):
    """A member's stream whose faults are Broken, with the byte it was read to."""

    def __init__(self, raw: Any, place: str) -> None:
        self._raw, self._place, self._read = raw, place, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._raw.read(len(buffer))
        except _DAMAGE as error:
            what = "the checksum does not match" if "CRC" in str(error) else "the packed bytes are damaged"
            raise Broken(at(self._place, f"byte {self._read:,}"), what, _AGAIN) from None
        self._read += len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._raw.close()
        super().close()


def ends_of(stream: BinaryIO, length: int = 64 * 1024) -> tuple[bytes, bytes, int]:
    """The first and last `length` bytes of a stream, and how long it is. One that cannot seek is read through."""
    head = stream.read(length)
    if stream.seekable():
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - length))
        return head, stream.read(length), size
    tail, size = head, len(head)
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        tail = (tail + chunk)[-length:]
    return head, tail[-length:], size


def read_json(data: bytes, place: str = "") -> Any:
    """A JSON document in UTF-8, or by its BOM in UTF-16. Raises Broken with the byte where it stops being one."""
    text = _utf8(data, place)
    shift = len(data) - len(text) if data.startswith(codecs.BOM_UTF8) else 0
    guard = _Depth(place)
    for start in range(0, len(text), _CHUNK):
        guard.feed(text[start : start + _CHUNK])
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        byte = shift + _byte_of(error, text)
        cut = "unexpected end" in error.msg or not text.strip()
        raise Broken(at(place, f"byte {byte:,}"), _CUT if cut else "not JSON from here on", _AGAIN) from None


@lru_cache(maxsize=1)  # many formats ask of one file
def shallow(head: bytes) -> bytes:
    """The beginning of a file as it is; nothing where its brackets go deeper than any export's, which parsers pay for dearly."""
    try:
        _Depth("").feed(head)
    except Broken:
        return b""
    return head


def json_items(stream: BinaryIO, path: str, place: str = "", *, several: bool = False) -> Iterator[Any]:
    """The items at `path` (as ijson writes it: `data.item`) of a JSON document in UTF-8, one by one; `several`: documents may follow one another.

    Raises Broken with the byte up to which it was read where it stops being JSON.
    """
    counted = _JsonStream(stream, place)
    try:
        yield from ijson.items(counted, path, use_float=True, multiple_values=several)
    except ijson.JSONError as error:
        cut = re.search("premature|incomplete", str(error), re.IGNORECASE)
        raise Broken(at(place, f"before byte {counted.read_bytes:,}"), _CUT if cut else "not JSON", _AGAIN) from None


def _utf8(data: bytes, place: str) -> bytes:
    if data.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :]
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16").encode()
        except UnicodeError:
            raise Broken(at(place, "byte 0"), "the bytes do not fit the byte order mark", _AGAIN) from None
    return data


def _byte_of(error: orjson.JSONDecodeError, text: bytes) -> int:
    """The parser counts characters, and says 0 for bytes that are not UTF-8."""
    try:
        return len(text.decode()[: error.pos].encode())
    except UnicodeDecodeError as fault:
        return fault.start


class _JsonStream:
    """Bytes for the streaming parser: without a BOM, counted, and with their depth watched."""

    def __init__(self, stream: BinaryIO, place: str) -> None:
        self._stream, self._place = stream, place
        self._guard = _Depth(place)
        self.read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        if not self.read_bytes:
            if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise Broken(at(self._place, "byte 0"), "UTF-16 is not read in a file of this size", "save it as UTF-8")
            self.read_bytes = len(chunk)
            # An empty answer would mean the end of the file, so the mark is dropped only together with what follows it.
            chunk = chunk.removeprefix(codecs.BOM_UTF8) or self._stream.read(size)
        else:
            self.read_bytes += len(chunk)
        self._guard.feed(chunk)
        return chunk


class _Depth:
    """Watches how deep brackets outside strings go, chunk by chunk, before a parser builds anything."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._depth, self._quotes, self._carry = 0, 0, b""

    def feed(self, chunk: bytes) -> None:
        text = self._carry + chunk
        # A backslash at the end speaks of what the next chunk begins with.
        self._carry = b"\\" if (len(text) - len(text.rstrip(b"\\"))) % 2 else b""
        text = text[:-1] if self._carry else text
        marks = np.frombuffer(text.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NOT_BRACKETS), dtype=np.uint8)
        if not marks.size:
            return
        # One byte a mark: whether so many quotes are odd does not change when their count runs over.
        quotes = np.cumsum(marks == ord('"'), dtype=np.uint8) + np.uint8(self._quotes)
        depth = np.cumsum(_STEPS[marks] * (quotes % 2 == 0), dtype=np.int32) + self._depth
        if int(depth.max()) > JSON_DEPTH:
            raise Broken(at(self._place, "JSON"), f"nested more than {JSON_DEPTH} deep", "no export is: look at where it comes from")
        self._depth, self._quotes = int(depth[-1]), int(quotes[-1]) % 2
