"""What log collectors put around a vendor's own record: Splunk's and Elastic's exports hold it as text, or below a name of theirs.

    inside({"result": {"_raw": "{…}"}})        # the record; itself where nothing is around it
    listed({"hits": {"hits": […]}}, names)     # the records in an envelope, None where there is none

Nothing is guessed: a wrapper is taken off only where a JSON object is below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

Record = dict[str, Any]

ENVELOPES = ("hits.hits", "results", "data.events", "records")
"""Where collectors' answers have their records."""

_DEEPEST = 5
# Objects, or texts of objects, by where they lie: Splunk's search results, Elastic's documents, what its agents were handed.
_BELOW = (("_source",), ("result",), ("_raw",), ("event", "original"), ("event.original",), ("o365audit",), ("o365", "audit"), ("message",), ("json",), ("RawEventData",))
MARKS = frozenset([*(path[0] for path in _BELOW), "tables"])
"""Keys by which a wrapper is known."""
_PREFIX = "o365.audit."


def inside(record: Record) -> Record:
    """The vendor's record within a collector's."""
    for _ in range(_DEEPEST):
        if record.keys().isdisjoint(MARKS):
            break
        found = next((inner for path in _BELOW if path[0] in record and (inner := _object(at(record, path))) is not None), None)
        if found is None:
            break
        if found is at(record, ("o365", "audit")) and "ClientIP" not in found and (ip := at(record, ("client", "ip")) or at(record, ("source", "ip"))):
            found = {**found, "ClientIP": ip}  # Elastic moves it
        record = found
    if "o365.audit.Operation" in record:  # as Kibana writes documents flat
        return {key.removeprefix(_PREFIX): value for key, value in record.items()}
    return record


def listed(found: Record, names: Iterable[str]) -> list[Any] | None:
    """The list under the first of these names (`a.b`: under b in a) that is one."""
    for name in names:
        if name.partition(".")[0] not in found:
            continue
        value = at(found, name.split("."))
        if isinstance(value, list):
            return value
    return None


def tabled(found: Record) -> list[Record] | None:
    """The rows of Log Analytics' answers as objects, where columns and rows stand apart (`{"tables": [{"columns": […], "rows": […]}]}`)."""
    tables = found.get("tables")
    if not isinstance(tables, list):
        return None
    rows: list[Record] = []
    for table in tables:
        columns, given = at(table, ("columns",)), at(table, ("rows",))
        if isinstance(columns, list) and isinstance(given, list):
            names = [str(column.get("name", "")) if isinstance(column, dict) else str(column) for column in columns]
            rows += [dict(zip(names, row, strict=False)) for row in given if isinstance(row, list)]
    return rows


def at(record: Any, path: Iterable[str]) -> Any:
    """The value at a path of keys; None where there is none."""
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def _object(value: Any) -> Record | None:
    if isinstance(value, str) and (value[:1] == "{" or (value[:1].isspace() and value.lstrip()[:1] == "{")):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    return value if isinstance(value, dict) and value else None
