"""What Docker Compose makes of docker-compose.yml, as far as the file uses it, without Docker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<operator>:\?|:-)(?P<text>[^}]*))?\}|(?P<wrong>.?))")


class Refused(Exception):
    """Compose would stop here."""


def interpolated(value: Any, environment: Mapping[str, str]) -> Any:
    """The value with `$$`, `${A}`, `${A:-default}` and `${A:?why}` filled in. Raises Refused."""
    if isinstance(value, dict):
        return {key: interpolated(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, environment) for item in value]
    return _VARIABLE.sub(lambda found: _filled(found, environment), value) if isinstance(value, str) else value


def _filled(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found["escaped"]:
        return "$"
    if found["wrong"] is not None:
        raise Refused(f"invalid interpolation: {found.string!r}")
    given = environment.get(found["name"], "")
    if given:
        return given
    if found["operator"] == ":?":
        raise Refused(f"{found['name']}: {found['text']}")
    if found["operator"] is None:
        raise Refused(f"{found['name']} is not set and has no default")
    return found["text"]


def compose(environment: Mapping[str, str]) -> dict[str, Any]:
    """docker-compose.yml, interpolated."""
    raw = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return interpolated(raw, environment)  # type: ignore[no-any-return]


def dockerfile() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile: (name, arguments), continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in joined.splitlines())]
