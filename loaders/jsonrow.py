"""An object of JSON read as a row of a table is (loaders/reading.Row), for tables that are exported both ways."""

from __future__ import annotations

from typing import Any

import orjson

from loaders import dates
from loaders.base import Options


class JsonRow:
    """`row["column"]` is the text, "" where there is none; names without regard to case. Objects and lists are texts of JSON."""

    __slots__ = ("_cells", "_options", "place")

    def __init__(self, record: dict[str, Any], place: str, options: Options) -> None:
        self._cells = {name.casefold(): value for name, value in record.items()}
        self._options, self.place = options, place

    def __getitem__(self, column: str) -> str:
        value = self._cells.get(column)
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, dict | list):
            return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
        return "" if value is None else str(value)

    def get(self, column: str) -> str:
        """The same."""
        return self[column]

    def first(self, *columns: str) -> str:
        """The first of these that is not empty."""
        return next((text for column in columns if (text := self[column])), "")

    def date(self, *columns: str) -> int | None:
        """Seconds since 1970 UTC of the first of these that is neither empty nor `-`; None where it is no good date."""
        text = next((text for column in columns if (text := self[column]) not in ("", "-")), "")
        order = self._options.date_order
        try:
            return dates.moment(text, order if order in ("dmy", "mdy") else None, self._options.now) if text else None  # type: ignore[arg-type]
        except dates.BadDate:
            return None

    def flag(self, column: str) -> bool | None:
        """A yes or no; None where it is neither."""
        return {"true": True, "1": True, "false": False, "0": False}.get(self[column].casefold())
