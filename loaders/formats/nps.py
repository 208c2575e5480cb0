r"""Log of a Windows VPN server or of its policy server (RRAS, NPS), CSV in the database format: sign-ins to Always On VPN and the like (formats.md 9).

Claims lines that begin with a computer's name, `"RAS"` or `"IAS"`, a date and a time of day, and the number of a packet.

Yields, for each answer of the policy (2: let in, 3: refused): Observation `obs:nps/<hash>` with OBSERVED to the account (fully qualified name) and to
the Service `service:vpn/<friendly name of the VPN server, else the computer>`, ip = the client's (Calling-Station-ID of the request), the reason of a
refusal; SIGNS_IN_TO from the first that was let in. Coverage: sign-ins, for each server.

Traps: dates are MM/DD/YYYY in every locale, times are the server's local ones without a zone, taken as UTC. A request (1) and its answer are two
lines in either order, joined by their Class. A policy server answers for wireless networks and switches too: of an `IAS` line only what is asked over a
virtual port (5) is a VPN. Accounting (4) is passed over. Names of the policy may be in any language.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.encodings import head_text, numbered_lines
from loaders.remote_access import RemoteAccess

NAME = "nps"
TITLE = "Windows VPN server, RRAS or NPS log (CSV)"
PRIORITY = "later"
SEEN = "real sample"
READS = "sign-ins to a VPN"

_LINE = re.compile(r'^"[^"\n]{1,64}","(?:RAS|IAS)",\d\d/\d\d/\d{4},\d\d:\d\d:\d\d,\d{1,2},', re.MULTILINE)
_COMPUTER, _SERVICE, _DATE, _TIME, _PACKET, _USER, _FULL, _CALLING, _FRIENDLY, _PORT, _REASON, _CLASS = 0, 1, 2, 3, 4, 5, 6, 8, 16, 19, 25, 26
_FIELDS = 27
_REQUEST, _ACCEPT, _REJECT, _VIRTUAL = "1", "2", "3", "5"
_WAITING = 200_000
"""How many answers wait for their requests: they stand beside each other."""


@dataclass(frozen=True)
class _Answer:
    place: str
    row: list[str]


def detect(source: Source) -> Claim | None:
    """Claim by the first lines."""
    return Claim(8, "lines of a Windows VPN or policy server") if not source.is_dir and _LINE.search(head_text(source)) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines one by one."""
    reader = _Reader(RemoteAccess(out, NAME), options)
    for place, line in numbered_lines(source, options, out):
        if row := _row(line):
            out.records += 1
            reader.take(place, row)
    reader.finish()


def _row(line: str) -> list[str]:
    """The fields of a line; of one that is no CSV a single field."""
    try:
        return next(csv.reader([line.rstrip("\r\n")], strict=True), [])
    except csv.Error:
        return [line.strip()]


class _Reader:
    def __init__(self, log: RemoteAccess, options: Options) -> None:
        self._log, self._now = log, options.now
        self._asked: dict[str, list[str]] = {}  # Class -> the request
        self._answers: list[_Answer] = []

    def take(self, place: str, row: list[str]) -> None:
        """One line."""
        if len(row) < _FIELDS or row[_SERVICE] not in ("RAS", "IAS"):
            self._log.out.refuse(place, "", "not a line of the log")
        elif row[_PACKET] == _REQUEST:
            if row[_CLASS]:
                self._asked[row[_CLASS]] = row
        elif row[_PACKET] in (_ACCEPT, _REJECT):
            self._answers.append(_Answer(place, row))
            if len(self._answers) >= _WAITING:
                self._tell()
        else:
            self._log.tally.add("of accounting and of other packets, passed over")

    def finish(self) -> None:
        """What waited, then what the whole file says."""
        self._tell()
        self._log.finish()

    def _tell(self) -> None:
        for answer in self._answers:
            asked = self._asked.get(answer.row[_CLASS]) if answer.row[_CLASS] else None
            self._state(answer, asked or answer.row)
        self._answers.clear()
        self._asked.clear()

    def _state(self, answer: _Answer, asked: list[str]) -> None:
        row = answer.row
        if row[_SERVICE] == "IAS" and _VIRTUAL not in (asked[_PORT], row[_PORT]):
            self._log.tally.add("of wireless networks, switches and other ports than a VPN's: left out")
            return
        ok = row[_PACKET] == _ACCEPT
        self._log.sign_in(
            answer.place, at=self._moment(row), user=row[_FULL] or asked[_FULL] or row[_USER], gateway=asked[_FRIENDLY] or row[_FRIENDLY] or row[_COMPUTER],
            operation="Access-Accept" if ok else "Access-Reject", ok=ok, ip=asked[_CALLING], note="" if ok else f"reason {row[_REASON] or 'not said'}",
            record="|".join(row[number] for number in (_COMPUTER, _DATE, _TIME, _PACKET, _FULL, _USER, _CLASS)),
        )  # fmt: skip

    def _moment(self, row: list[str]) -> int | None:
        month, day, year = (row[_DATE].split("/") + ["", "", ""])[:3]
        found = dates.believed(f"{year}-{month}-{day}T{row[_TIME]}Z", self._now)
        self._log.local += found is not None
        return found
