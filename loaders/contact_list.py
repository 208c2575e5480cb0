"""A published contact list (who, whom, when), one contact a line: for checking the time semantics, not for a case.

Columns stand apart by tabs, commas, semicolons or blanks. A header line names them; lines that begin with `%` or `#` are remarks. Without
a header three columns are who, whom, when (SNAP), and four are who, whom, weight, when (KONECT); `columns` says otherwise. KONECT's
`% sym` and `% bip` mark contacts without a direction, which count both ways.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graphmodel.errors import LoadError

_NAMES = {
    "who": {"who", "src", "source", "from", "u", "i", "user1", "sender", "node1"},
    "whom": {"whom", "dst", "target", "to", "v", "j", "user2", "recipient", "receiver", "destination", "node2"},
    "when": {"when", "time", "timestamp", "t", "unixts", "ts", "date"},
}
_KONECT = 4


@dataclass(frozen=True)
class Contacts:
    """Columns of equal length; nodes by number, times as the file has them. `note`: how its columns were read."""

    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    time: npt.NDArray[np.float64]
    note: str


def read(path: Path, columns: Sequence[str] = (), undirected: bool = False) -> Contacts:
    """Read a contact list (`.gz` too). `columns`: what each column is, as who, whom, when, or anything else for one that is not used.

    Raises LoadError with the line that cannot be read.
    """
    names: dict[str, int] = {}
    found: tuple[list[int], list[int], list[float]] = ([], [], [])
    place: tuple[int, int, int] | None = _places([name.strip().casefold() for name in columns]) if columns else None
    if columns and place is None:
        raise LoadError(f"{path.name}: the columns are {', '.join(columns)}; name one who, one whom and one when")
    said = ""
    for number, line in _lines(path):
        if line[0] in "%#":
            undirected |= line.startswith("%") and bool({"sym", "bip"} & set(line[1:].split()))
            continue
        cells = [cell.strip().strip('"') for cell in re.split(r"[,;\t]", line)] if re.search(r"[,;\t]", line) else line.split()
        if place is None:
            place = _places([cell.casefold() for cell in cells])
            said = "by its header" if place else "without a header: " + ("who, whom, weight, when" if len(cells) >= _KONECT else "who, whom, when")
            if place:
                continue
            place = (0, 1, 3 if len(cells) >= _KONECT else 2)
        elif not found[0] and said == "" and _places([cell.casefold() for cell in cells]):
            continue  # a header over columns that were named by hand
        _add(path, number, cells, place, names, found)
    if not found[0]:
        raise LoadError(f"{path.name}: holds no contacts; a line reads: who whom when")
    source, target = np.array(found[0], np.int64), np.array(found[1], np.int64)
    time = np.array(found[2], np.float64)
    if undirected:
        source, target, time = np.concatenate([source, target]), np.concatenate([target, source]), np.tile(time, 2)
    return Contacts(source, target, time, (said or "as the columns were named") + (", both ways" if undirected else ""))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number, text) of every line that says something. Raises LoadError for what is no text."""
    try:
        with path.open("rb") as probe:
            packed = probe.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if text := line.strip():
                    yield number, text
    except FileNotFoundError:
        raise LoadError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise LoadError(f"{path.name}: is no text in UTF-8; give a contact list as text") from None
    except (OSError, EOFError) as error:
        raise LoadError(f"{path.name}: cannot be read ({error})") from None


def _places(cells: Sequence[str]) -> tuple[int, int, int] | None:
    """Where who, whom and when stand in a header; None where it is none."""
    found = [[i for i, cell in enumerate(cells) if cell in names] for names in _NAMES.values()]
    return (found[0][0], found[1][0], found[2][0]) if all(len(places) == 1 for places in found) else None


def _add(
    path: Path, number: int, cells: Sequence[str], place: tuple[int, int, int], names: dict[str, int], found: tuple[list[int], list[int], list[float]]
) -> None:  # fmt: skip
    if len(cells) <= max(place):
        raise LoadError(f"{path.name}: line {number}: has {len(cells)} columns, but when is column {place[2] + 1}; say --columns")
    try:
        when = float(cells[place[2]])
    except ValueError:
        when = float("nan")
    if not np.isfinite(when):
        raise LoadError(f"{path.name}: line {number}: {cells[place[2]][:40]!r} is no time (a number); say --columns if it stands elsewhere")
    found[0].append(names.setdefault(cells[place[0]], len(names)))
    found[1].append(names.setdefault(cells[place[1]], len(names)))
    found[2].append(when)
