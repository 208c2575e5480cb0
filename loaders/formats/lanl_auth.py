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

import hashlib
import re
from collections.abc import Iterator

from graphmodel import identity
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
    """Read the lines one by one."""
    logons = Logons(out)
    columns: list[str] | None = None
    with open_text(source, encoding_of(source, options)) as text:
        for number, cells in _lines(text):
            place = f"line {number}"
            if number == 1 and set(cells) >= _COPY:
                columns = cells
                continue
            out.records += 1
            if columns is not None:
                cells = [cells[columns.index(name)] for name in ("tstamp", "userdomain", "src", "dst")] if len(cells) == len(columns) else []
            if len(cells) == 9:
                _auth(cells, place, logons)
            elif len(cells) == 4:
                _red_team(cells, place, logons)
            else:
                out.refuse(place, ",".join(cells), "neither nine fields nor four")
    out.note("times are seconds since the data set began, shown as from 1970-01-01 on")
    logons.finish("times count from the beginning of the data set")


def _lines(text: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text, 1):
        if line := line.strip("\ufeff\r\n \0"):
            yield number, line.split(",")


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
    name, _, domain = used.rpartition("@")
    server = logons.who.server(target, place)
    if not re.fullmatch(r"\d{1,10}", time) or server is None or identity.host(target) is None:
        logons.out.refuse(place, f"{time},{target}", "no time, or no computer")
        return None
    account, why = logons.who.account(name, domain if domain != "?" else "", "", place)
    if account is None:
        logons.dropped[why or "that name no account"] += 1
        return None
    return int(time), account, server


def _say(logons: Logons, cells: list[str], place: str, found: tuple[int, Node, Node], operation: str, note: str, kind: str | None, ok: bool) -> None:
    at, account, server = found
    key = f"obs:lanl/{hashlib.sha256(','.join(cells).encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    event = Event(at=at, id=0, computer=server[1], channel="", record="", data={}, place=place)
    logons.observe(event, key, account, server, as_who=kind, ok=ok, notes=(note,), name=operation)
