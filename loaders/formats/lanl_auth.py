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
from hashlib import sha256

import polars as pl

from graphmodel import identity
from loaders import columns
from loaders.base import Claim, FactBuffer, Options, Source
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
_FIELDS = ("time", "who", "used", "source", "target", "package", "kind", "orientation", "result")
# What a line is stripped of, and what ends lines otherwise.
_UNUSUAL = (b"\r", b"\0", b" \n", b"\n ", b"\n\n", b"\xef\xbb\xbf")
_COPY = {"tstamp", "userdomain", "src", "dst"}
_TYPES = {
    "interactive": "2 interactive", "network": "3 network", "batch": "4 batch", "service": "5 service", "unlock": "7 unlock",
    "networkcleartext": "8 network cleartext", "newcredentials": "9 new credentials", "remoteinteractive": "10 remote interactive",
    "cachedinteractive": "11 cached interactive",
}  # fmt: skip
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
    with open_text(source, encoding_of(source, options)) as text:
        for part in columns.chunks(text):
            if not reader.many(part):
                for line in io.StringIO(part.decode(), newline=""):
                    reader.line(line)
    out.note("times are seconds since the data set began, shown as from 1970-01-01 on")
    reader.logons.finish("times count from the beginning of the data set")


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
        if self._names is not None or not part.endswith(b"\n") or part.startswith((b" ", b"\n")) or any(text in part for text in _UNUSUAL):
            return False
        texts = columns.texts_of(part, len(_FIELDS), ",", range(len(_FIELDS)), quoted=False)
        if texts is None:
            return False
        frame = pl.DataFrame([columns.series(text).alias(name) for text, name in zip(texts, _FIELDS, strict=True)]).with_row_index("row")
        at = columns.numbers(texts[0])
        frame = frame.with_columns(pl.when(pl.col("time").str.len_bytes() <= 10).then(at).alias("at"))
        lines = part.split(b"\n")
        begin = self._number
        singly = self._learn(frame, lines)
        self._out.records += frame.height - singly  # those count themselves
        self._number = begin + frame.height
        frame = frame.with_columns(
            columns.once_a_value(texts[4], lambda text: node[1] if (node := self._servers.get(text)) else None, pl.String).alias("server"),
            columns.once_a_value(texts[2], lambda text: node[1] if (node := self._account(text)[0]) else None, pl.String).alias("account"),
            columns.once_a_value(texts[6], str.casefold, pl.String).alias("folded"),
            columns.once_a_value(texts[3], str.casefold, pl.String).alias("folded_source"),
        ).filter(pl.col("at").is_not_null() & pl.col("server").is_not_null())  # fmt: skip
        whose = pl.col("account").is_not_null()
        for used, count in frame.filter(~whose)["used"].value_counts().iter_rows():
            self.logons.dropped[self._account(used)[1] or "that name no account"] += count
        self._state(frame.filter(whose), lines, begin + 1)
        return True

    def _account(self, used: str) -> tuple[Node | None, str]:
        return self._accounts.get(used, (None, ""))

    def _learn(self, frame: pl.DataFrame, lines: list[bytes]) -> int:
        """Accounts and computers that are new, in the order in which they stand; lines to be refused are read one by one, and their number told."""
        first, singly = self._number, 0
        known = all(text in self._servers for text in frame["target"].unique()) and all(text in self._accounts for text in frame["used"].unique())
        if known and None not in self._servers.values() and not frame["at"].null_count():
            return 0
        bad = pl.col("at").is_null() | pl.col("target").is_in([text for text, node in self._servers.items() if node is None])
        new_target = pl.col("target").is_first_distinct() & ~pl.col("target").is_in(list(self._servers))
        new_user = ~pl.col("used").is_in(list(self._accounts))
        todo = frame.select("row", "at", "used", "target").filter(bad | new_target | new_user)
        for row, at, used, target in todo.iter_rows():
            place = f"line {first + row + 1}"
            server = self.logons.who.server(target, place)
            self._servers.setdefault(target, server if identity.host(target) else None)
            if at is None or self._servers[target] is None:
                self._number, singly = first + row, singly + 1
                self.line(lines[row].decode())
            elif used not in self._accounts:
                self._accounts[used] = _account(used, place, self.logons)
        return singly

    def _state(self, frame: pl.DataFrame, lines: list[bytes], first: int) -> None:
        """Lines with account and computer."""
        logons = self.logons
        for server, begin, end, count in frame.group_by("server").agg(pl.col("at").min(), pl.col("at").max().alias("last"), pl.len()).iter_rows():
            logons.covers(("Server", server), begin, end, count)
        frame = frame.with_columns(("line " + (pl.col("row").cast(pl.Int64) + first).cast(pl.String)).alias("place"))
        present = frame.filter(pl.col("folded").is_in(list(_PRESENT)) & (pl.col("result") == "Success") & pl.col("orientation").is_in(["LogOn", "LogOff"]))
        for account, server, at, orientation, place in present.select("account", "server", "at", "orientation", "place").iter_rows():
            logons.session(("Account", account), ("Server", server), "", at, orientation == "LogOn", place, "")
        off = frame["orientation"] == "LogOff"
        if count := int(off.sum()):
            logons.dropped["of logoffs: only the end of sessions"] += count
        said = frame.filter(~off)
        keys = ["obs:lanl/" + sha256(lines[row]).hexdigest()[:32] for row in said["row"].to_list()]
        by, came = pl.col("package") != "?", pl.col("source") != pl.col("target")
        note = pl.when(by & came).then(pl.format("by {}; from {}", "package", "folded_source")).when(by).then("by " + pl.col("package"))
        words = said.select(
            note.when(came).then("from " + pl.col("folded_source")).alias("note"), (pl.col("result") == "Success").alias("ok"),
            pl.col("folded").replace_strict(_TYPES, default=None, return_dtype=pl.String).alias("as_who"),
        )  # fmt: skip
        logons.observed(pl.Series(keys, dtype=pl.String), said["place"], said["at"], said["orientation"], words, said["account"], said["server"])


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
    note = "; ".join(filter(None, (f"by {package}" if package != "?" else "", f"from {source.casefold()}" if source != target else "")))
    _say(logons, cells, place, found, orientation, note, _TYPES.get(folded), result == "Success")


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
    key = f"obs:lanl/{sha256(','.join(cells).encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    event = Event(at=at, id=0, computer=server[1], channel="", record="", data={}, place=place)
    logons.observe(event, key, account, server, as_who=kind, ok=ok, notes=(note,), name=operation)
