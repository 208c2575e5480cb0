"""Time: integers inside (seconds since 1970 UTC), ISO 8601 with offset outside, intervals half open."""

from __future__ import annotations

from datetime import UTC, datetime

from graphmodel.errors import UsageError

DAY = 86_400
"""Seconds."""


def to_iso(seconds: int | None) -> str | None:
    """`2022-10-01T00:00:00+00:00` for seconds since 1970 UTC; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def from_iso(text: str) -> int:
    """Seconds since 1970 UTC of an ISO 8601 date or time; without an offset it is taken as UTC.

    Raises UsageError when the text is no date.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{text!r} is not a date: write 2022-10-01 or 2022-10-01T09:00:00+09:00") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
