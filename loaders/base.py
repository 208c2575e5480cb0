"""What a loader is given and what it answers.

A format is one module under `loaders/formats/` with these names; the registry finds it by itself:

    NAME = "sharphound"                    # stable, used in `source` and on the command line
    TITLE = "SharpHound v5/v6 JSON or zip" # one line for `hakyu formats`
    PRIORITY = "must"                      # must | should | later, as formats.md has it
    SEEN = "real sample"                   # or "not yet seen in the wild"
    READS = "accounts, groups, …"          # what comes out, in words
    def detect(source: Source) -> Claim | None
    def read(source: Source, options: Options, out: FactBuffer) -> None

`detect` looks at content, not at names, and is cheap; `read` states facts in `out`. It raises `Broken` when the file breaks
midway: then nothing of the file is kept. A row that cannot be used goes to `out.refuse` and reading goes on.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from graphmodel.ledger import content_sha256

__all__ = ["Broken", "Claim", "FactBuffer", "Options", "Source"]

SNIFF_BYTES = 64 * 1024


class Broken(LoadError):
    """The file cannot be read to its end: place and what to do, in one line."""

    def __init__(self, place: str, what: str, advice: str = "") -> None:
        super().__init__(f"{place}: {what}" + (f"; {advice}" if advice else ""))


@dataclass(frozen=True)
class Claim:
    """A loader's claim on a file. `strength`: 1 generic shape, 5 a known header, 9 a signature nobody else has."""

    strength: int
    why: str


@dataclass(frozen=True)
class Options:
    """What the analyst said about the input.

    `mailbox`: whose mail a file holds (address); `encoding`: for files without a BOM that are not UTF-8; `date_order`: dmy | mdy for
    dates that could be either; `now`: latest date believed (load time); `taken`: when snapshots were exported (seconds); `secrets`:
    look for credentials in the text of messages; `salt`: what their fingerprints are made with, the case's own; `zone`: of local times in
    files that do not say theirs (loaders/zones.py).
    """

    mailbox: str | None = None
    encoding: str | None = None
    date_order: str | None = None
    now: int | None = None
    taken: int | None = None
    secrets: bool = False
    salt: str = ""
    zone: str | None = None


@dataclass
class Source:
    """A file or folder to load. `name` is how people see it (relative to what was given); it never holds a host's path.

    `fault`: why it cannot be opened, where that is known before anything asks. A file within an archive is a subclass
    (loaders/archives.py): its `path` is no place on disk, so formats read through `open`, `head` and `size`.
    """

    path: Path
    name: str
    _head: bytes | None = field(default=None, repr=False)
    fault: LoadError | None = field(default=None, repr=False)
    read_bytes: int = field(default=0, repr=False)
    """Bytes read so far, over all times it was opened; of a folder none are counted."""

    @property
    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    @cached_property
    def size(self) -> int:
        """Bytes of the file, or of all files below the folder."""
        return sum(file.stat().st_size for file in self.files())

    @cached_property
    def sha256(self) -> str:
        """Hash of the file's bytes, or of the folder's relative paths and bytes."""
        return content_sha256(self.files(), self.path)

    @property
    def head(self) -> bytes:
        """The first 64 KiB (empty for a folder)."""
        if self._head is None:
            self._head = b""
            if self.path.is_file():
                with self.path.open("rb") as stream:
                    self._head = stream.read(SNIFF_BYTES)
        return self._head

    def open(self) -> BinaryIO:
        """The file as a binary stream, from its start. What is read of it counts in `read_bytes`."""
        return io.BufferedReader(_Counted(self))

    def files(self) -> Iterator[Path]:
        """The file itself, or every regular file below the folder in sorted order; links are not followed."""
        if self.path.is_file():
            yield self.path
            return
        for path in sorted(self.path.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path


class _Counted(io.FileIO):
    """A file that tells its source how much of it was read."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.path)
        self._source = source

    def readinto(self, buffer: Any) -> int | None:
        """Read into `buffer`; how many bytes."""
        done = super().readinto(buffer)
        self._source.read_bytes += done or 0
        return done

    def readall(self) -> bytes:
        """The rest of the file."""
        data = super().readall()
        self._source.read_bytes += len(data)
        return data
