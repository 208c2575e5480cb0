"""Where who, whom and when stand in a published contact list: by its header, or by what the columns hold.

Published lists without a header come as `who whom when` (SNAP), `who whom weight when` (KONECT, Network Repository), `when who whom` and
`when who whom class class` (SocioPatterns). Whoever is named as source is, in all of them, also named as target somewhere: the two columns
that share most of their values are the people, and of the rest the one that never falls from line to line is the time.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from loaders.dates import BadDate, moment

_WHO = """who src source from sender u i user1 node1 id1 usera nodea a caller ego userid user person1 p1 fromid fromnode fromnodeid sourceid sourcenode
 srcid src_user sourcesubreddit sourceuser senderid useri nodei idi id_1 fromuser fromuserid rater"""
_WHOM = """whom dst target to recipient receiver destination v j user2 node2 id2 userb nodeb b callee alter targetid item itemid person2 p2 toid tonode
 tonodeid targetnode dstid dst_user targetsubreddit targetuser recipientid receiverid userj nodej idj touser touserid ratee dest"""
_WHEN = """when time timestamp t unixts ts datetime date epoch unixtime unixtimestamp sentat sent createdat created timestampms timesec times start
 starttime tstart begin timeutc"""
_UNTIL = "end endtime tend stop until duration tau"


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.casefold())


_NAMES = tuple([_plain(name) for name in names.split()] for names in (_WHO, _WHOM, _WHEN))
_LASTS = frozenset(_UNTIL.split())
_HUGE = 1e300
_EPOCH = 1e8
"""No list of people has so many that their numbers look like a time of our days."""


@dataclass(frozen=True)
class Layout:
    """`places`: columns of who, whom and when; `delimiter`: None for blanks; `note`: how that was found."""

    places: tuple[int, int, int]
    delimiter: str | None
    note: str


def delimiter_of(line: str) -> str | None:
    """What stands between the cells of a line; None for blanks."""
    for mark in "\t;,|":
        if mark in line:
            # `1 2<TAB>1<TAB>1082040961`: some of KONECT's have both, from line to line too.
            return None if mark == "\t" and all(number(word) is not None for word in line.split()) else mark
    return None


def split(line: str, delimiter: str | None) -> list[str]:
    """The cells of a line."""
    if delimiter is None:
        return [cell.strip('"') for cell in line.split()]
    if '"' in line:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])]
    return [cell.strip() for cell in line.split(delimiter)]


def by_header(cells: Sequence[str]) -> tuple[int, int, int] | None:
    """Where a header names who, whom and when; None where it is none. Of several names for one the more usual counts."""
    plain = [_plain(cell) for cell in cells]
    found = [next((plain.index(name) for name in names if name in plain), None) for names in _NAMES]
    if None in found or len(set(found)) < 3 or any(number(cell) is not None for cell in cells):
        return None
    return found[0], found[1], found[2]  # type: ignore[return-value]


def lasting(cells: Sequence[str]) -> bool:
    """Whether a header says when a contact ended."""
    return any(_plain(cell) in _LASTS for cell in cells)


def number(text: str) -> int | float | None:
    """A cell as a finite number; None where it is none."""
    try:
        return whole if abs(whole := int(text)) < _HUGE else None
    except ValueError:
        pass
    try:
        found = float(text)
    except ValueError:
        return None
    return found if abs(found) < _HUGE else None


def time(text: str) -> int | float | None:
    """A cell as a time: a number as it stands, a date as seconds since 1970 (with their fraction); None where it is neither."""
    found = number(text)
    if found is not None:
        return found
    try:
        read = datetime.fromisoformat(text)  # of any century: such lists are of letters and alliances too
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        pass
    try:
        seconds = moment(text)
    except BadDate:
        return None
    fraction = re.search(r":\d{2}[.,](\d+)", text)
    return seconds + float(f"0.{fraction[1]}") if fraction else seconds


def by_content(rows: Sequence[Sequence[str]], konect: bool) -> tuple[tuple[int, int, int], str]:
    """Where who, whom and when stand in the first rows of a list without a header, and how that reads.

    `konect`: the list begins with KONECT's remark, whose third column is a weight. Raises ValueError where no column is a time.
    """
    widths = Counter(len(row) for row in rows)
    width = max(widths, key=lambda found: (widths[found], found))
    rows = [row for row in rows if len(row) == width]
    if width < 3 or (width == 3 and konect):
        raise ValueError("holds no times: only lists that say when each contact was can be counted")
    columns = [[row[at] for row in rows] for at in range(min(width, 8))]
    times = [_times(column) for column in columns]
    if width == 3 or width == 5 or (width == 4 and not konect and times[3] is None):
        if _leads(columns, times):
            more = ", class, class" if width == 5 else ", and more" if width == 4 else ""
            return (1, 2, 0), f"when, who, whom{more}; one way as written, --undirected where contacts have no direction"
        if width == 3:
            return (0, 1, 2), "who, whom, when"
    if width == 4 and not konect and _rising(times[0]) and not _rising(times[3]) and _leads(columns, times):
        return (1, 2, 0), "when, who, whom, and more"
    if width == 4 and not konect and _spans(times[2], times[3]):
        return (0, 1, 2), "who, whom, from, until: each contact at its beginning"
    if width == 4 or (konect and width > 4):
        return (0, 1, 3), "who, whom, weight, when"
    raise ValueError(f"has {width} columns without a header: say --columns")


def _times(column: Sequence[str]) -> list[int | float] | None:
    """A column as numbers or dates; None where it holds anything else."""
    found: list[int | float] = []
    for text in column:
        value = time(text)
        if value is None:
            return None
        found.append(value)
    return found


def _rising(values: Sequence[Any] | None) -> bool:
    """Whether a column holds times that never fall from line to line."""
    return values is not None and all(later >= earlier for earlier, later in zip(values, values[1:], strict=False))


def _spans(starts: Sequence[Any] | None, ends: Sequence[Any] | None) -> bool:
    """Whether two columns are when a contact began and ended: a weight neither looks like a time of our days nor rises from line to line."""
    if starts is None or ends is None or any(end < start for start, end in zip(starts, ends, strict=True)):
        return False
    return max(starts) >= _EPOCH or (_rising(starts) and len(set(starts)) > 1)


def _leads(columns: Sequence[Sequence[str]], times: Sequence[Any]) -> bool:
    """Whether the time stands first, as SocioPatterns has it, and the people after it."""
    first = times[0]
    if first is None or not _rising(first):
        return False
    if times[2] is None or (len(times) > 3 and times[3] is None):
        return True  # people or their class where the time would be, numbers that never fall in the first
    if max(times[2]) >= _EPOCH > max(first):
        return False
    if max(first) >= _EPOCH > max(times[2]):
        return True
    return not _rising(times[2]) and _shared(columns[1], columns[2]) > _shared(columns[0], columns[1])


def _shared(one: Sequence[str], other: Sequence[str]) -> float:
    """Which part of the fewer different values of two columns is in both."""
    left, right = set(one), set(other)
    return len(left & right) / min(len(left), len(right))
