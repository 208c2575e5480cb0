"""The demo: a made-up organisation, written as the files its administrators would export, loaded by the real loaders.

Nothing of it enters by a side door, and every run writes the same bytes: no clock, no chance, nothing of the system it runs on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hakyu.case import Case, sources
from hakyu.demo.folder import write
from hakyu.demo.organisation import FROM, UNTIL, WHO
from hakyu.errors import LoadError, UsageError

__all__ = ["FROM", "UNTIL", "WHO", "run"]


def run(case: Case, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Write the exports into `folder`, load them into `case`, and ask for the blast radius of the taken-over account.

    The answer: `folder`, `files` (a line a loaded file), `blast` (with `asked`). Raises UsageError when the folder holds anything
    else or the case holds other loads, LoadError when a file of the demo could not be loaded.
    """
    say("writing the exports")
    write(folder)
    _only_ours(case, folder)
    report = case.load([folder], progress=say)
    if report.exit_code:
        failed = next((line.sentence() for line in report.files if line.error), "more rows were refused than may be")
        raise LoadError(f"the demo could not be loaded: {failed}")
    say("how far it reaches")
    return {"folder": str(folder), "files": [line.sentence() for line in report.files], "blast": case.blast(WHO, FROM, UNTIL)}


def _only_ours(case: Case, folder: Path) -> None:
    """A real case must not be mixed with an invented organisation."""
    ours = {source.sha256 for source in sources(folder)}
    others = [load.name for load in case.loads() if load.sha256 not in ours] if case.ledger.exists else []
    if others:
        raise UsageError(
            f"{case.folder}: holds loads that are not the demo's ({others[0]}); "
            "give it a case of its own: hakyu --case demo.hakyu demo"
        )
