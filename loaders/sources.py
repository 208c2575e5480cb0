"""From a path to the sources it gives: a folder that is one mail store is one, any other folder and any archive is opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loaders.archives import opened
from loaders.base import Source
from loaders.registry import formats


def each_source(path: Path) -> Iterator[Source]:
    """The sources a path gives, in order; what was unpacked of an archive is let go of when the next one is asked for."""
    return _sources(path, path.name if path.is_file() else path.resolve().name)


def sources(path: Path) -> list[Source]:
    """All of them; what lies in an archive is unpacked anew when it is read."""
    return list(each_source(path))


def _sources(path: Path, name: str) -> Iterator[Source]:
    source = Source(path, name)
    if path.is_file():
        yield from opened(source, _is_claimed)
    elif _is_claimed(source):
        yield source
    else:
        for entry in sorted(path.iterdir()):
            if not entry.is_symlink() and not entry.name.startswith("."):
                yield from _sources(entry, f"{name}/{entry.name}")


def _is_claimed(source: Source) -> bool:
    return any(fmt.detect(source) for fmt in formats())
