"""A published contact list (who, whom, when), one contact a line: for checking the time semantics, not for a case.

Columns stand apart by tabs, commas, semicolons or blanks. A header line names them, also as a remark (`# time,user_a,user_b`); other lines
that begin with `%` or `#` are remarks. Without a header the columns are told by what they hold (loaders/contact_columns.py); `columns` says
otherwise. KONECT's `% sym` and `% bip`, and a symmetric MatrixMarket file, mark contacts without a direction, which count both ways; `bip`
is of two groups of nodes, numbered each for itself. Times are numbers in any unit, or dates. A node with a negative number, where others have
none, is nobody (a scan that met no one): passed over.
Packed lists are read in place: gzip, bzip2, xz, and the one list in a zip or in KONECT's tar.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from graphmodel.errors import LoadError
from loaders.contact_columns import Layout, by_content, by_header, delimiter_of, lasting, split, time

_NAMED = {"who": 0, "whom": 1, "when": 2}
_SAMPLE = 20_000
"""Lines by which a list without a header is judged."""
_LINE = 1 << 20
_OPENERS = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, RuntimeError, NotImplementedError)
_LISTS = (".edges", ".mtx", ".txt", ".csv", ".tsv", ".dat", ".tij", ".edgelist")
_NO_LIST = re.compile(r"(^|/)(readme|meta|licen[sc]e|citation|ent\.|\.|__macosx)", re.IGNORECASE)


@dataclass(frozen=True)
class Contacts:
    """Columns of equal length; nodes by number, times as the file has them. `note`: how its columns were read; `lines`: its contacts."""

    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    time: npt.NDArray[Any]
    note: str
    lines: int


@dataclass
class _Reader:
    """What was read so far. `rows`: lines that wait until the columns are known."""

    path: Path
    asked: tuple[int, int, int] | None
    names: dict[str, int] = field(default_factory=dict)
    source: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    times: list[int | float] = field(default_factory=list)
    layout: Layout | None = None
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    remark: str = ""
    konect = matrix = both_ways = bipartite = ends = False
    delimiter: str | None = None
    first: bool = True

    def line(self, number: int, line: str) -> None:
        """Take one line that says something."""
        if line[0] in "%#":
            self._remark(line)
            return
        if self.first:
            self.first = False
            self.delimiter = delimiter_of(line)
            if self.matrix or self._header(split(line, self.delimiter)):
                return  # of a matrix: how many rows, columns and entries
        cells = split(line, self.delimiter)
        if self.layout is not None:
            self._add(number, cells, self.layout.places)
            return
        self.rows.append((number, cells))
        if len(self.rows) >= _SAMPLE:
            self.decide()

    def _remark(self, line: str) -> None:
        words = set(line.lstrip("%#").split())
        self.matrix |= line.casefold().startswith("%%matrixmarket")
        self.konect |= line.startswith("%") and bool({"sym", "asym", "bip"} & words)
        self.bipartite |= line.startswith("%") and "bip" in words
        self.both_ways |= line.startswith("%") and bool({"sym", "bip", "symmetric"} & words)
        if self.first:
            self.remark = line.lstrip("%# ")

    def _header(self, cells: list[str]) -> bool:
        """Whether the first line is a header; a remark over it may be one, where it has as many names as the line has cells."""
        if self.asked is not None:
            self.layout = Layout(self.asked, self.delimiter, "as the columns were named")
            return by_header(cells) is not None or all(time(cells[at]) is None for at in self.asked[2:] if at < len(cells))
        for header, is_line in ((cells, True), (split(self.remark, delimiter_of(self.remark)), False)):
            places = by_header(header) if is_line or len(header) == len(cells) else None
            if places:
                self.ends = lasting(header)
                self.layout = Layout(places, self.delimiter, "by its header")
                return is_line
        return False

    def decide(self) -> None:
        """Find the columns by the lines there are, and take these lines."""
        if self.layout is None and self.rows:
            try:
                places, said = by_content([cells for _, cells in self.rows], self.konect)
            except ValueError as error:
                raise LoadError(f"{self.path.name}: {error}") from None
            self.layout = Layout(places, self.delimiter, f"without a header: {said}")
        if self.layout is not None:
            for number, cells in self.rows:
                self._add(number, cells, self.layout.places)
        self.rows.clear()

    def _add(self, number: int, cells: Sequence[str], place: tuple[int, int, int]) -> None:
        if len(cells) <= max(place):
            raise LoadError(f"{self.path.name}: line {number}: has {len(cells)} columns, but when is column {place[2] + 1}; say --columns")
        when = time(cells[place[2]])
        if when is None:
            raise LoadError(
                f"{self.path.name}: line {number}: {cells[place[2]][:40]!r} is no time (number or date); say --columns if it stands elsewhere"
            )
        self.source.append(self.names.setdefault(cells[place[0]], len(self.names)))
        # Of two groups of nodes, each is numbered for itself.
        whom = f"\0{cells[place[1]]}" if self.bipartite else cells[place[1]]
        self.target.append(self.names.setdefault(whom, len(self.names)))
        self.times.append(when)

    def contacts(self, undirected: bool) -> Contacts:
        """All of it, as columns."""
        source, target = np.array(self.source, np.int64), np.array(self.target, np.int64)
        whole = all(isinstance(when, int) and abs(when) < 2**63 for when in self.times)
        times = np.array(self.times, np.int64 if whole else np.float64)
        notes = [self.layout.note if self.layout else ""]
        nobody = self._nobody()
        if nobody.any():
            keep = ~(nobody[source] | nobody[target])
            notes.append(f"{int((~keep).sum()):,} lines about nobody (a negative number) passed over")
            source, target, times = source[keep], target[keep], times[keep]
        if self.ends:
            notes.append("each contact at its beginning")
        lines = len(source)
        if undirected or self.both_ways:
            source, target, times = np.concatenate([source, target]), np.concatenate([target, source]), np.tile(times, 2)
            notes.append("both ways")
        return Contacts(source, target, times, ", ".join(notes), lines)

    def _nobody(self) -> npt.NDArray[np.bool_]:
        """Which nodes are negative numbers, where most are numbers from 0 on."""
        negative = np.array([bool(re.fullmatch(r"\0?-\d+", name)) for name in self.names], np.bool_)
        return negative if negative.sum() * 10 <= len(negative) or negative.sum() <= 2 < len(negative) else np.zeros_like(negative)


def read(path: Path, columns: Sequence[str] = (), undirected: bool = False) -> Contacts:
    """Read a contact list, packed or not. `columns`: what each column is, as who, whom, when, or anything else for one that is not used.

    Raises LoadError with the line that cannot be read.
    """
    reader = _Reader(path, _asked(path, [name.strip().casefold() for name in columns]) if columns else None)
    for number, line in _lines(path):
        reader.line(number, line)
    reader.decide()
    if not reader.source:
        raise LoadError(f"{path.name}: holds no contacts; a line reads: who whom when")
    return reader.contacts(undirected)


def _asked(path: Path, columns: list[str]) -> tuple[int, int, int]:
    found = [[at for at, name in enumerate(columns) if name == wanted] for wanted in _NAMED]
    if any(len(places) != 1 for places in found):
        raise LoadError(f"{path.name}: the columns are {', '.join(columns)}; name one who, one whom and one when")
    return found[0][0], found[1][0], found[2][0]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text) of every line that says something. Raises LoadError for what is no text."""
    try:
        with ExitStack() as stack:
            stream = io.TextIOWrapper(_opened(path, stack), encoding="utf-8-sig")
            number = 0
            while line := stream.readline(_LINE):
                number += 1
                if len(line) >= _LINE:
                    raise LoadError(f"{path.name}: line {number}: is longer than any contact; give a contact list as text")
                if text := line.strip():
                    yield number, text
    except FileNotFoundError:
        raise LoadError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise LoadError(f"{path.name}: is no text in UTF-8; give a contact list as text") from None
    except _DAMAGE as error:
        raise LoadError(f"{path.name}: cannot be read ({error})") from None


def _opened(path: Path, stack: ExitStack) -> IO[bytes]:
    """The bytes of the list, unpacked while they are read."""
    with path.open("rb") as probe:
        head = probe.read(4)
    if head == b"PK\x03\x04":
        archive = stack.enter_context(zipfile.ZipFile(path))
        return stack.enter_context(archive.open(_member(path, [name for name in archive.namelist() if not name.endswith("/")])))
    if _is_tar(path):
        tar = stack.enter_context(tarfile.TarFile.open(path, "r:*"))
        members = {member.name: member for member in tar if member.isfile()}
        found = tar.extractfile(members[_member(path, list(members))])
        return stack.enter_context(found) if found else io.BytesIO()
    opener: Any = _OPENERS.get(head[:2])
    return stack.enter_context(opener(path, "rb") if opener else path.open("rb"))


def _is_tar(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except _DAMAGE:
        return False


def _member(path: Path, names: list[str]) -> str:
    """The list among an archive's files: `out.*`, else the only one that is named like a list."""
    known = [name for name in names if not _NO_LIST.search(name)]
    for found in ([name for name in known if name.rpartition("/")[2].startswith("out.")], [name for name in known if name.casefold().endswith(_LISTS)], known):
        if len(found) == 1:
            return found[0]
        if found:
            break
    raise LoadError(f"{path.name}: holds {len(names):,} files, of which more than one or none is a contact list; unpack it and give one")
