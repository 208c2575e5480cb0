"""correspondents.csv, our own minimal table of who mail is exchanged with (formats.md 13).

Claims `address` and one more of its columns: address, name, organisation, country, category (domestic | abroad | government | press |
vendor), warned_at. Unknown columns are kept in `extra`.

Yields Correspondent with all that is stated of it.

Traps: a country is a code or an English name (`JP`, `Japan`); any other text is told in a note and left unknown. An empty cell is
unknown, `-` is known to be none.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Tally

NAME = "correspondents_csv"
TITLE = "correspondents.csv (hakyu's own)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "correspondents: names, organisations, countries, who was warned"

_COLUMNS = ("address", "name", "organisation", "country", "category", "warned_at")
_CATEGORIES = ("domestic", "abroad", "government", "press", "vendor")


def detect(source: Source) -> Claim | None:
    """Claim `address` with another column that only correspondents.csv has."""
    header = header_of(source)
    own = header & {"organisation", "category", "warned_at"}
    return Claim(6, "columns of correspondents.csv") if "address" in header and own else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out, dates=("warned_at",))
    table.require("address")
    tally, addresses = Tally(), set[str]()
    for row in table:
        address = identity.address(row["address"])
        if address is None:
            out.refuse(row.at("address"), row["address"], "not an address")
            continue
        addresses.add(address)
        _correspondent(row, address, out, tally)
    tally.tell(out)
    out.coverage("correspondents", collected=len(addresses))


def _correspondent(row: Row, address: str, out: FactBuffer, tally: Tally) -> None:
    country, category = _known(row, "country"), _known(row, "category").casefold()
    code = identity.country_code(country)
    if country and code is None:
        tally.add(f"with the country {country!r}, which is no ISO code or English name: left unknown")
    if category and category not in _CATEGORIES:
        tally.add("with a category that is none of " + ", ".join(_CATEGORIES) + ": left unknown")
    out.node(
        "Correspondent", identity.smtp_key(address), row.place, name=_known(row, "name") or None, address=address,
        organisation=_known(row, "organisation") or None, country=code, category=category if category in _CATEGORIES else None,
        warned_at=row.date("warned_at") if _known(row, "warned_at") else None, extra=row.rest(_COLUMNS),
    )  # fmt: skip


def _known(row: Row, column: str) -> str:
    text = row.get(column)
    return "" if text == "-" else text
