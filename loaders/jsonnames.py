"""Keys whose values loaders/jsonscan.py looks for in JSON text, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from loaders.jsonbatch import Flags, Ints

GUESSES = 64
"""So many keys of an object of each kind are remembered from one to the next."""


class Names:
    """Keys to look for. `one`: those whose value is an object that is looked into in turn, `many`: an array of objects.

    `room`: numbers that the spans of an object of each kind take; `plan`, a row a key of this or of an inner object: where its bytes begin
    and end in `bytes`, the kind of the objects within it (-1: it is not looked into), whether they are in an array.
    """

    def __init__(self, *keys: str, one: Mapping[str, Names] | None = None, many: Mapping[str, Names] | None = None) -> None:
        self.inner = {**(one or {}), **(many or {})}
        self.keys = (*keys, *self.inner)
        self.column = {key: at for at, key in enumerate(self.keys)}
        self._many = frozenset(many or ())
        kinds = self._kinds()
        texts = [key.encode() for kind in kinds for key in kind.keys]
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        within = [(kinds.index(kind.inner[key]), key in kind._many) if key in kind.inner else (-1, False) for kind in kinds for key in kind.keys]
        self.bytes = np.frombuffer(b"".join(texts), np.uint8)
        self.plan = np.column_stack([ends - [len(text) for text in texts], ends, np.array(within, np.int64)])
        self.room = 2 * len(texts)

    def _kinds(self) -> list[Names]:
        return [self, *(found for inner in self.inner.values() for found in inner._kinds())]

    def placed(self, most: int) -> Ints:
        """Of each kind of object: its first key, how many, where its spans and its rows begin if there are `most` of each."""
        widths = np.array([len(kind.keys) for kind in self._kinds()], np.int64)
        firsts = np.cumsum(widths) - widths
        return np.column_stack([firsts, widths, 2 * firsts * most, np.arange(len(widths)) * most])

    def found(self, levels: Ints, rows: Ints, spans: Ints, used: Ints, bad: Flags) -> Found:
        """What was noted, kind by kind."""
        kinds = self._kinds()
        made: dict[int, Found] = {}
        for kind, (_, width, base, row), count in zip(reversed(kinds), levels[::-1].tolist(), used[::-1].tolist(), strict=True):
            inner = {key: made[id(names)] for key, names in kind.inner.items()}
            made[id(kind)] = Found(kind, rows[row : row + count], spans[base : base + count * width * 2].reshape(count, width, 2), bad, inner)
        return made[id(self)]


@dataclass(frozen=True)
class Found:
    """Objects in the order found.

    `row`: the given span each stands in, or the outer object; `spans[object, key]` = (start, end); `bad`: of the given spans; `inner`: the
    objects within some of the values.
    """

    names: Names
    row: Ints
    spans: Ints
    bad: Flags
    inner: dict[str, Found] = field(default_factory=dict)

    def span(self, key: str) -> Ints:
        """(start, end) of one key's values."""
        found: Ints = self.spans[:, self.names.column[key]]
        return found

    def of_each(self, key: str) -> dict[str, Ints]:
        """Spans of the object within each one's value, -1 where there is none."""
        within, spans = self.inner[key], {}
        for name in within.names.keys:
            spans[name] = np.full((len(self.row), 2), -1)
            spans[name][within.row] = within.span(name)
        return spans
