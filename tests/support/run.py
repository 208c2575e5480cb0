"""Runs the command line as a user does: a process of its own, its output, its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """What a command printed and ended with."""

    code: int
    out: str
    err: str


def hakyu(case: Path, *arguments: object, environment: Mapping[str, str] | None = None) -> Done:
    """Run `hakyu --case CASE ARGUMENTS…` without a Neo4j unless `environment` names one."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NEO4J_", "HAKYU_"))}
    command = [sys.executable, "-m", "hakyu", "--case", str(case), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=clean | dict(environment or {}), encoding="utf-8")
    return Done(done.returncode, done.stdout, done.stderr)
