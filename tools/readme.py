"""Runs the commands that README.md shows (```console blocks) and writes what they print below them; `--check` compares.

All blocks share one new case. The samples they load lie beside the project; without them nothing is run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT.parent / "shared" / "data"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The state changes with every edit of a step; its name says nothing here.
_STATE = re.compile(r"\(state [0-9a-f]+\)")


def made() -> str:
    """README.md with the output of its commands as they print it now."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NEO4J_")} | {"HAKYU_CASE": f"{folder}/case.hakyu"}
        return _BLOCK.sub(lambda block: "```console\n" + "".join(_run(c, environment) for c in _commands(block[1])) + "```", text)


def _commands(block: str) -> list[str]:
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def _run(command: str, environment: dict[str, str]) -> str:
    words = shlex.split(command)
    assert words[0] == "hakyu", command  # noqa: S101 - a README that runs anything else is a mistake
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", *words], cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    printed = [_STATE.sub("(state …)", line).rstrip() for line in (done.stdout + done.stderr).splitlines()]
    return "\n".join([f"$ {command}", *printed]).rstrip() + "\n"


def run(check: bool) -> int:
    """Write README.md, or with `check` say whether it is out of date. Returns the exit code."""
    if not SAMPLES.is_dir():
        sys.stderr.write("no samples beside the project: nothing was run\n")
        return 1
    current, wanted = (ROOT / "README.md").read_text(encoding="utf-8"), made()
    if check and current != wanted:
        sys.stderr.write("README.md is out of date; run python -m tools.readme\n")
        return 1
    if not check:
        (ROOT / "README.md").write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv[1:]))
