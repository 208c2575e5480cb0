"""Unpacked bytes with no place of their own on disk: written once within bounds, then read by any number of streams that can seek."""

from __future__ import annotations

import errno
import io
import lzma
import tempfile
import weakref
import zlib
from threading import Lock
from typing import Any, BinaryIO

from loaders.base import Broken
from loaders.containers import Limits, member_name, shown_name

DAMAGE = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)
"""What the decompressors raise on bytes that are not what they should be."""
AGAIN = "it is damaged or cut short: copy or export it again"
UNPACK = "unpack it and load what is inside"
TRUSTED = f"if you trust it, {UNPACK}"

_CHUNK = 1 << 20
_IN_MEMORY = 8 << 20


def refuse(what: str) -> Broken:
    """An archive that is out of bounds."""
    return Broken("archive", what, TRUSTED)


def checked(name: str) -> str:
    """A member's name. Raises Broken where it leads out of the archive or cannot be shown."""
    good = member_name(name)
    if good is None:
        raise refuse(f"a member's name leads out of it or cannot be shown: {shown_name(name)}")
    return good


class Shared:
    """A file that many streams read, each from a place of its own. Closed when nothing refers to it any more."""

    def __init__(self, file: Any) -> None:
        self._file, self._lock = file, Lock()
        weakref.finalize(self, file.close)

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` on."""
        with self._lock:
            self._file.seek(offset)
            data: bytes = self._file.read(size)
        return data


class Spool(Shared):
    """What was unpacked: in memory, or past 8 MiB in a temporary file without a name. Written once, then read."""

    def __init__(self, place: str, limits: Limits, packed: int) -> None:
        super().__init__(tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 - see Shared
        self._place, self._limits, self._packed = place, limits, packed
        self.size = 0

    def write(self, data: bytes) -> int:
        """Append. Raises Broken past the bounds, or where the temporary folder is full."""
        self.size += len(data)
        if self._limits.is_bomb(self.size, self._packed):
            raise Broken(self._place, f"unpacks to more than {self._limits.ratio} times its size", TRUSTED)
        if self.size > self._limits.total:
            raise Broken(self._place, f"unpacks to more than {self._limits.total:,} bytes", TRUSTED)
        try:
            self._file.write(data)
        except OSError as error:
            what = "no room to unpack it" if error.errno == errno.ENOSPC else f"cannot be unpacked ({error.strerror})"
            raise Broken(self._place, what, "let TMPDIR name a folder with more room") from None
        return len(data)

    def take(self, stream: Any) -> Slice:
        """Write all of a stream, and give it back as one that can seek."""
        start = self.size
        while True:
            try:
                data = stream.read(_CHUNK)
            except DAMAGE:
                raise Broken(self._place, f"byte {self.size:,}: the packed bytes are damaged", AGAIN) from None
            if not data:
                return Slice(self, start, self.size - start)
            self.write(data)


class Slice(io.RawIOBase):
    """A part of a shared file as a stream that can seek."""

    def __init__(self, shared: Shared, start: int, size: int) -> None:
        self._shared, self._start, self.size, self._at = shared, start, size, 0

    def part(self, start: int, size: int) -> Slice:
        """A part of the part."""
        return Slice(self._shared, self._start + start, size)

    def again(self) -> BinaryIO:
        """The same part as a stream of its own, from its start."""
        return io.BufferedReader(Slice(self._shared, self._start, self.size), 128 * 1024)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Stand elsewhere; the new place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read up to a buffer's length."""
        data = self._shared.read_at(self._start + self._at, max(0, min(len(buffer), self.size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
