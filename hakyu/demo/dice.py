"""Numbers that are the same on every machine, with every Python: the demo is made of nothing else, no clock and no system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_FACTOR, _ADDEND, _MODULUS = 6364136223846793005, 1442695040888963407, 1 << 64


class Dice:
    """A linear congruential generator: `seed` decides all that follows."""

    def __init__(self, seed: int) -> None:
        self._state = (seed * _FACTOR + _ADDEND) % _MODULUS

    def number(self, below: int) -> int:
        """A number from 0 to `below` - 1 (`below` < 2^31)."""
        self._state = (self._state * _FACTOR + _ADDEND) % _MODULUS
        return (self._state >> 33) * below >> 31

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, each as likely."""
        return items[self.number(len(items))]

    def favour(self, items: Sequence[T]) -> T:
        """One of the items, the first far more likely than the last: people write mostly to the same few."""
        share = self.number(1 << 15)
        return items[len(items) * share * share >> 30]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items (all of them where there are fewer), in the order of the items."""
        left, found = min(count, len(items)), []
        for at, item in enumerate(items):
            if self.number(len(items) - at) < left:
                found.append(item)
                left -= 1
        return found

    def chance(self, percent: int) -> bool:
        """Whether something happens that happens `percent` times in a hundred."""
        return self.number(100) < percent
