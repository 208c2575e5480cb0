"""Profiles: which steps a blast radius walks. Built-in ones, one's own in a file, and single steps switched off.

A file is TOML:

    name = "no phones"                # how results name it
    base = "quiet"                    # rights | quiet | noisy; quiet where it is not said
    without = ["session-harvest"]     # steps that are not walked
    with = ["internal-phishing"]      # steps that are, though the base would not
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphmodel.errors import UsageError
from queries.catalogue import Step

BUILT_IN = ("rights", "quiet", "noisy")
"""Each walks all that those before it walk. `rights`: what configured rights allow; `quiet`: credentials and sessions too; `noisy`: phishing."""
_OTHER_NAMES = {"rights-only": "rights"}
DEFAULT = "quiet"
_KEYS = {"name", "base", "without", "with"}


@dataclass(frozen=True)
class Profile:
    """The ids of the steps that are walked (and of those that only see what passes)."""

    name: str
    rules: frozenset[str]

    def walks(self, step: Step) -> bool:
        """Whether it walks the step."""
        return step.id in self.rules


def built_in(name: str, steps: Sequence[Step]) -> Profile:
    """A built-in profile; `rights` may be called `rights-only` too. Raises UsageError."""
    name = _OTHER_NAMES.get(name, name)
    if name not in BUILT_IN:
        raise UsageError(f"no profile is called {name!r}; there are: {', '.join(BUILT_IN)}, or give a .toml file of your own")
    most = BUILT_IN.index(name)
    return Profile(name, frozenset(step.id for step in steps if BUILT_IN.index(step.profile) <= most))


def profile(given: str, steps: Sequence[Step], without: Iterable[str] = ()) -> Profile:
    """A profile by its name or its file, with steps switched off: `quiet without remote-access`. Raises UsageError."""
    path = Path(given)
    base = _from_file(path, steps) if path.suffix == ".toml" else built_in(given, steps)
    off = sorted(set(without))
    _known(off, steps, "--without")
    return Profile(f"{base.name} without {', '.join(off)}", base.rules - set(off)) if off else base


def _from_file(path: Path, steps: Sequence[Step]) -> Profile:
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such profile file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as TOML: {error}") from None
    if unknown := sorted(set(said) - _KEYS):
        raise UsageError(f"{path}: {unknown[0]} is no key of a profile; it has: {', '.join(sorted(_KEYS))}")
    base, name = said.get("base", DEFAULT), said.get("name", path.stem)
    if not isinstance(base, str) or not isinstance(name, str):
        raise UsageError(f"{path}: base and name are texts")
    off, on = (_ids(path, key, said.get(key, []), steps) for key in ("without", "with"))
    return Profile(name, (built_in(base, steps).rules | on) - off)


def _ids(path: Path, key: str, value: Any, steps: Sequence[Step]) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{path}: {key} is a list of step ids")
    _known(value, steps, f"{path}: {key}")
    return frozenset(value)


def _known(ids: Iterable[str], steps: Sequence[Step], where: str) -> None:
    known = [step.id for step in steps]
    for id_ in ids:
        if id_ not in known:
            near = difflib.get_close_matches(id_, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "`hakyu steps` lists them"
            raise UsageError(f"{where}: no step is called {id_!r}; {hint}")
