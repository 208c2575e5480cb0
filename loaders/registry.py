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


@cache
def formats() -> tuple[Format, ...]:
    """Every format there is, by name."""
    modules: list[ModuleType] = [
        importlib.import_module(f"loaders.formats.{info.name}") for info in pkgutil.iter_modules(loaders.formats.__path__)
    ]
    return tuple(sorted((cast(Format, module) for module in modules if hasattr(module, "NAME")), key=lambda f: f.NAME))


def recognise(source: Source) -> tuple[Format, Claim]:
    """The format whose claim on `source` is strongest.

    Raises Unrecognised when no format claims it, LoadError when the file is empty, could not be opened, or two formats claim it equally.
    """
    if source.fault is not None:
        raise source.fault
    if not source.is_dir and source.size == 0:
        raise LoadError(f"{source.name}: the file is empty; export it again")
    claims = [(claim, fmt) for fmt in formats() if (claim := fmt.detect(source)) is not None]
    if not claims:
        raise Unrecognised(f"{source.name}: not a format hakyu knows; `hakyu formats` lists them")
    best = max(claim.strength for claim, _ in claims)
    winners = [(claim, fmt) for claim, fmt in claims if claim.strength == best]
    if len(winners) > 1:
        names = ", ".join(fmt.NAME for _, fmt in winners)
        raise LoadError(f"{source.name}: could be any of {names}; this is a fault in hakyu's recognition")
    claim, fmt = winners[0]
    return fmt, claim
