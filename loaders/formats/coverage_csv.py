"""coverage.csv, our own minimal table of what logs and exports covered, given by hand (formats.md 0.2, 13).

Claims `what` and two of scope, first, last, blind: what (a word of the coverage list, such as mail access, sign-ins, message trace,
logons), scope (a mailbox, a domain, a host; empty: all), first, last, blind (yes where nothing was recorded from first until last), note;
also capped, collected, missing, complete.

Yields LogCoverage.

Traps: several spans of one thing are put together, and the time between them is stated as blind, since silence there says nothing. A state (mailbox
rights, groups, servers …) is known at one time: `last` is when it was exported. A log without `first` covers an unknown time and proves nothing.
Day and month are never guessed. A log row with both times is the analyst's word that nothing is missing in between, which is what makes silence
mean something (`not observed`); `capped`, a number in `missing`, or `complete` = no takes it back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graphmodel.kinds import COVERAGE, SNAPSHOTS
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of

NAME = "coverage_csv"
TITLE = "coverage.csv (hakyu's own)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "what logs and exports covered, from when until when"


@dataclass
class _Known:
    """All rows of one thing: spans (first, last), blind spans, and the rest of what they say."""

    spans: list[tuple[int | None, int | None]] = field(default_factory=list)
    blind: list[tuple[int, int | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    capped: bool = False
    collected: int | None = None
    missing: int | None = None
    complete: bool = True


def detect(source: Source) -> Claim | None:
    """Claim `what` with two columns that only coverage.csv has."""
    header = header_of(source)
    own = len(header & {"scope", "first", "last", "blind"})
    return Claim(6, "columns of coverage.csv") if "what" in header and own >= 2 and "target" not in header else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read all rows, then state one coverage a thing. Raises Broken where day and month cannot be told apart."""
    table = Table(source, options, out, dates=("first", "last"))
    table.require("what")
    if table.ambiguous_dates:
        raise Broken("columns first, last", "day and month cannot be told apart in this file", "say --date-order dmy or mdy")
    known: dict[tuple[str, str], _Known] = {}
    for row in table:
        _row(row, known, out)
    for (what, scope), found in known.items():
        _state(what, scope, found, out)


def _row(row: Row, known: dict[tuple[str, str], _Known], out: FactBuffer) -> None:
    what, scope = " ".join(row["what"].casefold().split()), row.get("scope").strip().casefold()
    first, last, blind = row.date("first"), row.date("last"), row.flag("blind")
    if what not in COVERAGE:
        out.refuse(row.at("what"), row["what"], "not one of " + ", ".join(COVERAGE))
    elif first is not None and last is not None and last < first:
        out.refuse(row.at("last"), row["last"], "ends before it begins")
    elif blind and first is None:
        out.refuse(row.at("first"), row.get("first"), "a blind time needs its beginning")
    else:
        found = known.setdefault((what, "" if scope == "-" else scope), _Known())
        if blind and first is not None:
            found.blind.append((first, last))
        else:
            found.spans.append((first, last))
            found.collected = _more(found.collected, row.get("collected"))
            found.missing = _more(found.missing, row.get("missing"))
            found.capped |= bool(row.flag("capped"))
            found.complete &= row.flag("complete") is not False
        if (note := row.get("note")) not in ("", "-", *found.notes):
            found.notes.append(note)


def _state(what: str, scope: str, found: _Known, out: FactBuffer) -> None:
    note = "; ".join(found.notes) or None
    firsts = [first for first, _ in found.spans if first is not None]
    lasts = [last for _, last in found.spans if last is not None]
    if found.spans:
        first, last = min(firsts, default=None), max(lasts, default=None)
        out.coverage(
            what, scope, first=first, last=last, collected=found.collected, missing=found.missing, capped=found.capped,
            snapshot=last if what in SNAPSHOTS else None, complete=_complete(what, found, first, last), note=note,
        )  # fmt: skip
    for begin, end in dict(found.blind + _gaps(found.spans)).items():
        out.coverage(what, scope, first=begin, last=end, blind=True, note=note)


def _complete(what: str, found: _Known, first: int | None, last: int | None) -> bool | None:
    """True where a log's silence means something; else None: nobody says so."""
    whole = found.complete and not found.capped and not found.missing and what not in SNAPSHOTS
    return True if whole and first is not None and last is not None else None


def _gaps(spans: list[tuple[int | None, int | None]]) -> list[tuple[int, int | None]]:
    """The times between spans that are known at both ends."""
    whole = sorted((first, last) for first, last in spans if first is not None and last is not None)
    gaps: list[tuple[int, int | None]] = []
    reached = whole[0][1] if whole else 0
    for first, last in whole[1:]:
        if first > reached:
            gaps.append((reached, first))
        reached = max(reached, last)
    return gaps


def _more(known: int | None, text: str) -> int | None:
    """The sum of counts; a cell that is none says nothing."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        return known
    return (known or 0) + int(text)
