r"""Logons as the LANL data sets write them: auth.txt and redteam.txt, tables without a header (formats.md 6; csr.lanl.gov/data/cyber1).

Claims lines of nine fields (time, user@domain, user@domain, computer, computer, authentication, logon type, orientation, result), lines of
four (time, user@domain, computer, computer), and the copy of redteam.txt with a header that has `tstamp`, `userdomain`, `src`, `dst`.

Yields Observation `obs:lanl/<hash of the line>` (at; operation LogOn, TGS, TGT …; logon type, succeeded, from which computer) with OBSERVED to
the account that was used (`account:DOMAIN\name`) and the computer it was used on; SESSION_ON from a LogOn until a LogOff of the types Interactive,
RemoteInteractive and CachedInteractive. Lines of redteam.txt are Observations with the operation `red team`. Coverage: logons.

Traps: times are seconds since the data set began: they stand as from 1970-01-01 on, which is told. `?` is a missing value; accounts
`C625$@DOM1` are machines. There is no mail in it: it serves for scale.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Any, BinaryIO, TextIO

import numpy as np
import polars as pl
import pyarrow as pa

from graphmodel import identity
from graphmodel.digests import sha256_of
from loaders import columns
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.columns import Coded
from loaders.encodings import encoding_of, head_text, open_text
from loaders.recipients import Node
from loaders.windows import Event, Logons

NAME = "lanl_auth"
TITLE = "LANL authentication events (auth.txt, redteam.txt)"
PRIORITY = "later"
SEEN = "real sample"
READS = "logons, sessions on computers"

_USER = r"[^,@\s]+@[^,@\s]+"
_AUTH = re.compile(rf"\d+,{_USER},{_USER},[^,\s]+,[^,\s]+,[^,]*,[^,]*,[^,]+,(Success|Fail)\s*")
_RED = re.compile(rf"\d+,{_USER},[^,\s]+,[^,\s]+\s*")
_WIDTH, _READ = 9, (0, 2, 3, 4, 5, 6, 7, 8)
# What a line is stripped of, and what ends lines otherwise; a blank line has not nine fields.
_UNUSUAL, _BLANKS = (b"\r", b"\0", b"\xef"), (b" \n", b"\n ")
_COPY = {"tstamp", "userdomain", "src", "dst"}
_TYPES = {
    "interactive": "2 interactive", "network": "3 network", "batch": "4 batch", "service": "5 service", "unlock": "7 unlock",
    "networkcleartext": "8 network cleartext", "newcredentials": "9 new credentials", "remoteinteractive": "10 remote interactive",
    "cachedinteractive": "11 cached interactive",
}  # fmt: skip
_PREFIX, _INLINE, _PIECE = "obs:lanl/", 12, 1 << 20
_PRESENT = frozenset(("interactive", "remoteinteractive", "cachedinteractive"))


def detect(source: Source) -> Claim | None:
    """Claim by the first lines."""
    if source.is_dir:
        return None
    lines = [line for line in head_text(source).lstrip("\ufeff").split("\n")[:4] if line.strip()]
    if not lines:
        return None
    if set(lines[0].strip().split(",")) >= _COPY:
        return Claim(8, "header of LANL's redteam.txt")
    if all(_AUTH.fullmatch(line) for line in lines[:1]):
        return Claim(8, "nine fields of LANL's auth.txt")
    return Claim(6, "four fields of LANL's redteam.txt") if all(_RED.fullmatch(line) for line in lines) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines, many at a time where all of them have nine fields."""
    reader = _Reader(out)
    encoding = encoding_of(source, options)
    with source.open() if encoding.codec == "utf-8" else open_text(source, encoding) as stream:
        for part in _parts(stream):
            if not reader.many(part):
                for line in io.StringIO(part.decode(), newline=""):
                    reader.line(line)
    out.note("times are seconds since the data set began, shown as from 1970-01-01 on")
    reader.logons.finish("times count from the beginning of the data set")


def _parts(stream: BinaryIO | TextIO) -> Iterator[bytes]:
    """The stream in pieces of whole lines, as UTF-8."""
    while part := stream.read(columns.CHUNK):
        whole = part if part[-1:] in ("\n", b"\n") else part + stream.readline()  # type: ignore[operator]
        yield whole.encode() if isinstance(whole, str) else whole


@dataclass(frozen=True)
class _Lines:
    """The columns of many lines."""

    time: Coded
    used: Coded
    source: Coded
    target: Coded
    package: Coded
    kind: Coded
    orientation: Coded
    result: Coded

    @cached_property
    def sources(self) -> dict[str, int]:
        """Numbers of the values of `source`."""
        return {text: number for number, text in enumerate(self.source.values)}


class _Reader:
    def __init__(self, out: FactBuffer) -> None:
        self.logons = Logons(out)
        self._out = out
        self._number = 0  # lines read
        self._names: list[str] | None = None
        self._accounts: dict[str, tuple[Node | None, str]] = {}
        self._servers: dict[str, Node | None] = {}

    def line(self, line: str) -> None:
        """One line."""
        self._number += 1
        if not (line := line.strip("\ufeff\r\n \0")):
            return
        cells, place = line.split(","), f"line {self._number}"
        if self._number == 1 and set(cells) >= _COPY:
            self._names = cells
            return
        self._out.records += 1
        if self._names is not None:
            cells = [cells[self._names.index(name)] for name in ("tstamp", "userdomain", "src", "dst")] if len(cells) == len(self._names) else []
        if len(cells) == 9:
            _auth(cells, place, self.logons)
        elif len(cells) == 4:
            _red_team(cells, place, self.logons)
        else:
            self._out.refuse(place, ",".join(cells), "neither nine fields nor four")

    def many(self, part: bytes) -> bool:
        """State lines of nine fields as columns; False where they have to be read one by one."""
        if self._names is not None or not part.endswith(b"\n") or part.startswith(b" ") or any(byte in part for byte in _UNUSUAL):
            return False
        if b" " in part and any(text in part for text in _BLANKS):
            return False
        texts = columns.texts_of(part, _WIDTH, ",", _READ, quoted=False, coded=True)
        if texts is None:
            return False
        lines = _Lines(*(Coded.of_texts(text) for text in texts))
        at = _seconds(lines.time)
        begin = self._number
        known = (at >= 0) & lines.target.of(lambda text: identity.host(text) is not None, np.bool_)
        self._learn(lines, known, part)
        self._out.records += int(known.sum())  # the others count themselves
        self._number = begin + len(at)
        whose = pl.Series([node[1] if (node := self._account(text)[0]) else None for text in lines.used.values], dtype=pl.String)
        has = known & whose.is_not_null().to_numpy()[lines.used.codes]
        left = np.bincount(lines.used.codes[known & ~has], minlength=len(lines.used.values))
        for used, count in zip(lines.used.values, left.tolist(), strict=True):
            if count:
                self.logons.dropped[self._account(used)[1] or "that name no account"] += count
        self._cover(lines, at, np.flatnonzero(has))
        self._state(lines, at, np.flatnonzero(has), whose, part, begin + 1)
        return True

    def _account(self, used: str) -> tuple[Node | None, str]:
        return self._accounts.get(used, (None, ""))

    def _learn(self, lines: _Lines, known: Any, part: bytes) -> None:
        """Accounts and computers that are new, in the order in which they stand; lines that are refused are read one by one."""
        first, bad = self._number, np.flatnonzero(~known).tolist()
        texts = part.split(b"\n") if bad else []
        good = np.flatnonzero(known)
        new = {row for which, row in _first(lines.target, good) if lines.target.values[which] not in self._servers}
        new |= {row for which, row in _first(lines.used, good) if lines.used.values[which] not in self._accounts}
        for row in sorted({*new, *bad}):
            if row not in new:
                self._number = first + row
                self.line(texts[row].decode())
                continue
            target, used, place = lines.target.text(row), lines.used.text(row), f"line {first + row + 1}"
            if target not in self._servers:
                self._servers[target] = self.logons.who.server(target, place)
            if used not in self._accounts:
                self._accounts[used] = _account(used, place, self.logons)

    def _cover(self, lines: _Lines, at: Any, rows: Any) -> None:
        """Which times are covered of each computer."""
        codes, count = lines.target.codes[rows], len(lines.target.values)
        first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, -1)
        np.minimum.at(first, codes, at[rows])
        np.maximum.at(last, codes, at[rows])
        for name, begin, end, records in zip(lines.target.values, first.tolist(), last.tolist(), np.bincount(codes, minlength=count).tolist(), strict=True):
            if records:
                self.logons.covers(("Server", self._server(name)), begin, end, records)

    def _server(self, name: str) -> str:
        node = self._servers.get(name)
        return node[1] if node else ""

    def _keys(self, part: bytes, rows: Any) -> pl.Series:
        """Keys of some of the lines."""
        data = np.frombuffer(part, np.uint8)
        # Piece by piece: memory that is touched for the first time costs more than what is done in it.
        ends = np.concatenate([at + np.flatnonzero(data[at : at + _PIECE] == ord("\n")) for at in range(0, len(data), _PIECE)])
        starts = np.append(0, ends[:-1] + 1)
        return _PREFIX + sha256_of(_views(data, starts[rows], ends[rows])).str.head(32)

    def _state(self, lines: _Lines, at: Any, rows: Any, whose: pl.Series, part: bytes, first: int) -> None:
        """Lines with account and computer. `whose`: the account of each value of `used`."""
        logons = self.logons
        off = lines.orientation.of(lambda text: text == "LogOff", np.bool_)
        on, good = lines.orientation.of(lambda text: text == "LogOn", np.bool_), lines.result.of(lambda text: text == "Success", np.bool_)
        present = rows[(lines.kind.of(lambda text: text.casefold() in _PRESENT, np.bool_) & good & (on | off))[rows]]
        empty = pl.repeat("", len(present), dtype=pl.String, eager=True)
        logons.sessions.extend(pl.DataFrame({
            "server": lines.target.series(self._server, present), "id": empty, "account": whose.gather(lines.used.codes[present]), "at": at[present], "begins": on[present],
            "place": _places(present + first), "record": empty,
        }))  # fmt: skip
        if count := int(off[rows].sum()):
            logons.dropped["of logoffs: only the end of sessions"] += count
        said = rows[~off[rows]]
        words = pl.DataFrame({
            "note": _notes(lines, said), "ok": pl.Series(good[said]), "as_who": lines.kind.series(lambda text: _TYPES.get(text.casefold()), said),
        })  # fmt: skip
        name, server = lines.orientation.series(str, said), lines.target.series(self._server, said)
        logons.observed(self._keys(part, said), _places(said + first), pl.Series(at[said]), name, words, whose.gather(lines.used.codes[said]), server)


def _seconds(times: Coded) -> Any:
    """Seconds of each row; -1 where they are none."""
    text = pl.col("text")
    number = pl.when(text.str.contains(r"^[0-9]{1,10}$")).then(text).cast(pl.Int64).fill_null(-1)
    return pl.DataFrame({"text": times.values}, schema={"text": pl.String}).select_seq(number).to_series().to_numpy()[times.codes]


def _first(column: Coded, rows: Any) -> list[tuple[int, int]]:
    """Each value that some rows have, by its number, and the first row that has it."""
    at = np.full(len(column.values), -1)
    at[column.codes[rows[::-1]]] = rows[::-1]  # what is written last stays
    there = np.flatnonzero(at >= 0)
    return list(zip(there.tolist(), at[there].tolist(), strict=True))


def _views(data: Any, starts: Any, ends: Any) -> pl.Series:
    """Texts where they stand: each as its length, its first four bytes, and its place in the one buffer. Short ones would be laid out otherwise."""
    if len(starts) and int((ends - starts).min()) <= _INLINE:
        return pl.Series([data[start:end].tobytes() for start, end in zip(starts.tolist(), ends.tolist(), strict=True)], dtype=pl.Binary)
    heads = np.ndarray((len(data) - 3,), "<i4", data, strides=(1,))
    views = np.zeros((len(starts), 4), "<i4")
    views[:, 0], views[:, 1], views[:, 3] = ends - starts, heads[starts], starts
    return pl.Series("", pa.Array.from_buffers(pa.binary_view(), len(starts), [None, pa.py_buffer(views), pa.py_buffer(data)]))


def _places(numbers: Any) -> pl.Series:
    return "line " + pl.Series(numbers).cast(pl.String)


def _notes(lines: _Lines, rows: Any) -> pl.Series:
    """By what package, and from which computer, where that is another: once for each two that stand together."""
    same = lines.target.of(lambda text: lines.sources.get(text, -1), np.int64)[rows] == lines.source.codes[rows]
    codes = (lines.package.codes[rows] * len(lines.source.values) + lines.source.codes[rows]) * 2 + same
    there = np.zeros(len(lines.package.values) * len(lines.source.values) * 2, np.bool_)
    there[codes] = True
    notes = []
    for code in np.flatnonzero(there).tolist():
        package, source = lines.package.values[code // 2 // len(lines.source.values)], lines.source.values[code // 2 % len(lines.source.values)]
        notes.append(_note(package, source, came=not code % 2))
    return pl.Series(notes, dtype=pl.String).gather((np.cumsum(there) - 1)[codes])


@lru_cache(maxsize=65536)
def _note(package: str, source: str, came: bool) -> str | None:
    return "; ".join(filter(None, (f"by {package}" if package != "?" else "", f"from {source.casefold()}" if came else ""))) or None


def _auth(cells: list[str], place: str, logons: Logons) -> None:
    time, _, used, source, target, package, kind, orientation, result = cells
    found = _ends(time, used, target, place, logons)
    if found is None:
        return
    at, account, server = found
    logons.cover(server, at)
    folded = kind.casefold()
    if folded in _PRESENT and result == "Success" and orientation in ("LogOn", "LogOff"):
        logons.session(account, server, "", at, orientation == "LogOn", place, "")
    if orientation == "LogOff":
        logons.dropped["of logoffs: only the end of sessions"] += 1
        return
    note = _note(package, source, source != target)
    _say(logons, cells, place, found, orientation, note or "", _TYPES.get(folded), result == "Success")


def _red_team(cells: list[str], place: str, logons: Logons) -> None:
    time, used, source, target = cells
    found = _ends(time, used, target, place, logons)
    if found is not None:
        _say(logons, cells, place, found, "red team", f"named by the red team as its own; from {source.casefold()}", None, True)


def _ends(time: str, used: str, target: str, place: str, logons: Logons) -> tuple[int, Node, Node] | None:
    """(seconds, account, computer); None where the line is refused, or is about a machine's account."""
    server = logons.who.server(target, place)
    if not re.fullmatch(r"\d{1,10}", time) or server is None or identity.host(target) is None:
        logons.out.refuse(place, f"{time},{target}", "no time, or no computer")
        return None
    account, why = _account(used, place, logons)
    if account is None:
        logons.dropped[why or "that name no account"] += 1
        return None
    return int(time), account, server


def _account(used: str, place: str, logons: Logons) -> tuple[Node | None, str]:
    name, _, domain = used.rpartition("@")
    return logons.who.account(name, domain if domain != "?" else "", "", place)


def _say(logons: Logons, cells: list[str], place: str, found: tuple[int, Node, Node], operation: str, note: str, kind: str | None, ok: bool) -> None:
    at, account, server = found
    key = f"{_PREFIX}{sha256(','.join(cells).encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    event = Event(at=at, id=0, computer=server[1], channel="", record="", data={}, place=place)
    logons.observe(event, key, account, server, as_who=kind, ok=ok, notes=(note,), name=operation)
