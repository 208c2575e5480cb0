"""What a loader passed over, counted by reason instead of told one by one."""

from __future__ import annotations

from loaders.base import FactBuffer


class Notes:
    """Counts what was passed over; `tell` puts one note a reason, with the first place."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, str]] = {}

    def add(self, reason: str, place: str) -> None:
        """Count one. `reason` continues "3 ×"."""
        count, first = self._seen.get(reason, (0, place))
        self._seen[reason] = count + 1, first

    def tell(self, out: FactBuffer) -> None:
        """Put the notes."""
        for reason, (count, first) in self._seen.items():
            out.note(f"{count:,} × {reason} (first: {first})")
