"""Finds the formats in their folder and gives each file to the most specific claim; a tie is an error."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType
from typing import Protocol, cast

import loaders.formats
from graphmodel.errors import LoadError
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.tablelike import as_table


class Unrecognised(LoadError):
    """No format claims the file."""


class Format(Protocol):
    """A module under loaders/formats (see loaders/base.py)."""

    NAME: str
    TITLE: str
    PRIORITY: str
    SEEN: str
    READS: str
    __doc__: str

    def detect(self, source: Source) -> Claim | None:
        """Whether, how surely and why a file is of this format; by its content, cheaply."""

    def read(self, source: Source, options: Options, out: FactBuffer) -> None:
        """State what the file says. Raises Broken when it breaks midway."""


class AsTable:
    """A format of tables for a file that is one, though written as JSON or as a list (loaders/tablelike.py)."""

    def __init__(self, fmt: Format) -> None:
        self._fmt = fmt
        self.NAME, self.TITLE, self.PRIORITY, self.SEEN, self.READS, self.__doc__ = fmt.NAME, fmt.TITLE, fmt.PRIORITY, fmt.SEEN, fmt.READS, fmt.__doc__ or ""

    def detect(self, source: Source) -> Claim | None:
        """As the format does of the table."""
        table = as_table(source)
        return self._fmt.detect(table) if table else None

    def read(self, source: Source, options: Options, out: FactBuffer) -> None:
        """Read the table; places are its rows."""
        table = as_table(source)
        out.note("read as a table: row 2 is the first object")
        if table and table.cut:
            lists = "list" if table.cut == 1 else "lists"
            out.note(f"{table.cut:,} {lists} that the console cut, taken as unknown: set $FormatEnumerationLimit = -1, or use Export-Csv")
        self._fmt.read(table or source, options, out)


@cache
def formats() -> tuple[Format, ...]:
    """Every format there is, by name."""
    modules: list[ModuleType] = [
        importlib.import_module(f"loaders.formats.{info.name}") for info in pkgutil.iter_modules(loaders.formats.__path__)
    ]
    return tuple(sorted((cast(Format, module) for module in modules if hasattr(module, "NAME")), key=lambda f: f.NAME))


def recognise(source: Source) -> tuple[Format, Claim]:
    """The format whose claim on `source` is strongest; where none claims it as it stands, on the table it is.

    Raises Unrecognised when no format claims it, LoadError when the file is empty, could not be opened, or two formats claim it equally.
    """
    if source.fault is not None:
        raise source.fault
    if not source.is_dir and source.size == 0:
        raise LoadError(f"{source.name}: the file is empty; export it again")
    claims: list[tuple[Claim, Format]] = [(claim, fmt) for fmt in formats() if (claim := fmt.detect(source)) is not None]
    if not claims and (table := as_table(source)) is not None:
        claims = [(claim, AsTable(fmt)) for fmt in formats() if (claim := fmt.detect(table)) is not None]
    if not claims:
        what = "an Excel workbook; save its sheet as CSV (UTF-8)" if _is_workbook(source) else "not a format hakyu knows; `hakyu formats` lists them"
        raise Unrecognised(f"{source.name}: {what}")
    best = max(claim.strength for claim, _ in claims)
    winners = [(claim, fmt) for claim, fmt in claims if claim.strength == best]
    if len(winners) > 1:
        names = ", ".join(fmt.NAME for _, fmt in winners)
        raise LoadError(f"{source.name}: could be any of {names}; this is a fault in hakyu's recognition")
    claim, fmt = winners[0]
    return fmt, claim


def _is_workbook(source: Source) -> bool:
    """Whether a file is one of Excel's own."""
    head = source.head
    return head.startswith(b"PK\x03\x04") and b"xl/" in head or head.startswith(b"\xd0\xcf\x11\xe0") and "Workbook".encode("utf-16-le") in head
