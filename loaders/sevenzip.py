"""7z archives by py7zr: the names from its header, the members in one pass, since most pack them as one stream (formats.md 12)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import py7zr
from py7zr.exceptions import PasswordRequired, UnsupportedCompressionMethodError
from py7zr.io import Py7zIO, WriterFactory

from graphmodel.errors import LoadError
from loaders.base import Broken, Source
from loaders.containers import Limits, is_litter
from loaders.spool import AGAIN, UNPACK, Slice, Spool, checked, refuse


class Solid:
    """A 7z: one pass unpacks all its members into one spool, when the first of them is read."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source, self._limits = source, limits
        self.names: list[str] = []
        total = 0
        with self._open() as archive:
            for info in archive.files:
                if not info.is_directory and not info.is_symlink and not info.is_junction and not info.is_socket and not is_litter(info.filename):
                    self.names.append(Path(checked(info.filename)).as_posix())
                    total += info.uncompressed
        if len(self.names) > limits.members:
            raise refuse(f"{len(self.names):,} members, more than {limits.members:,}")
        if limits.is_bomb(total, source.size) or total > limits.total:
            raise refuse(f"unpacks to {total:,} bytes, from {source.size:,}")
        if len(set(self.names)) < len(self.names):
            raise refuse("two members have the same name")

    def part(self, name: str) -> Slice:
        """A member's bytes."""
        return self._parts[name]

    @cached_property
    def _parts(self) -> dict[str, Slice]:
        spool = Spool("7z archive", self._limits, self._source.size)
        factory = _Writers(spool)
        with self._open() as archive:
            archive.extract(factory=factory)  # what is left out (links, litter) is written too, and never read
        return {name: Slice(spool, *factory.places.get(name, (0, 0))) for name in self.names}

    @contextmanager
    def _open(self) -> Iterator[py7zr.SevenZipFile]:
        """The archive, whose faults are Broken."""
        try:
            with self._source.open() as stream, py7zr.SevenZipFile(stream) as archive:
                if archive.needs_password():
                    raise PasswordRequired("", "")
                yield archive
        except LoadError:
            raise
        except PasswordRequired:
            raise Broken("7z archive", "protected by a password", UNPACK) from None
        except UnsupportedCompressionMethodError:
            raise Broken("7z archive", "packed by a method that is not known here", UNPACK) from None
        except Exception:  # whatever comes of damaged bytes: py7zr promises no list
            raise Broken("7z archive", "the packed bytes are damaged", AGAIN) from None


class _Writers(WriterFactory):
    """Lets py7zr write one member after the other into a spool. `places`: name -> (start, size)."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.places: dict[str, tuple[int, int]] = {}

    def create(self, filename: str) -> Py7zIO:
        """A member begins."""
        return _Writer(self, filename)


class _Writer(Py7zIO):
    def __init__(self, all_: _Writers, name: str) -> None:
        self._all, self._name, self._start = all_, name, all_.spool.size
        all_.places[name] = (self._start, 0)

    def write(self, s: bytes | bytearray) -> int:
        self._all.spool.write(bytes(s))
        self._all.places[self._name] = (self._start, self.size())
        return len(s)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        pass

    def size(self) -> int:
        return self._all.spool.size - self._start
