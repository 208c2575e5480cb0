"""What an analyst decides is a fact too: a sign of the attacker, written as a small load of its own, so that it can be forgotten again."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from graphmodel.errors import UsageError
from graphmodel.ledger import Ledger, Manifest, Staged, load_id
from loaders.indicators import KINDS, Indicators, normal

FORMAT = "mark"


def stage(ledger: Ledger, kind: str, value: str, start: int | None, until: int | None, note: str) -> tuple[Staged, Manifest]:
    """A load that says one indicator, not yet committed (inside `ledger.writing`). Raises UsageError for what is none."""
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is no kind of indicator; there are: {', '.join(KINDS)}")
    found = normal(kind, value)
    if found is None:
        raise UsageError(f"{value!r} is no value of the kind {kind}")
    if start is not None and until is not None and until <= start:
        raise UsageError("the mark ends before it begins")
    text = "\x00".join(map(str, (kind, found, start, until, note)))
    load = ledger.stage(load_id(hashlib.sha256(text.encode()).hexdigest(), FORMAT, {}), f"{kind} {found}", FORMAT)
    Indicators(load.buffer).add(kind, found, "marked by an analyst", valid_from=start, valid_until=until, note=note or None)
    load.buffer.records = 1
    return load, load.finish(
        name=f"{kind} {found}", path="", format=FORMAT, title="Marked by an analyst", sha256="", bytes=0,
        read_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
