"""A layer for the ATT&CK Navigator (layer format 4.5): the techniques of the steps, or those of a blast radius with their evidence.

Techniques are named by id alone: tactics were split and renamed between versions, so the layer says none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from queries.catalogue import Step, attack_names
from reach.evidence import LEVELS

COLOURS = {"NOT OBSERVED": "#c7d2da", "POSSIBLE": "#f2cf63", "INDICATED": "#e8883a", "CONFIRMED": "#c0392b"}
_PLAIN = "#7fa7c9"


def layer(steps: Sequence[Step], blast: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The layer as plain data. Without a blast radius every technique of the catalogue; with one (`Case.blast`) those of its ways.

    A technique's score is the greatest level of a step of it on some way: 1 NOT OBSERVED … 4 CONFIRMED.
    """
    version, names = attack_names()
    levels = {step.id: 0 for step in steps} if blast is None else _levels(blast)
    by_technique: dict[str, list[Step]] = {}
    for step in steps:
        for technique in step.attack if step.id in levels else ():
            by_technique.setdefault(technique, []).append(step)
    subject = "attack steps" if blast is None else f"{blast['seeds'][0]['name']}, {blast['window']['from']} until {blast['window']['until'] or 'now'}"
    return {
        "name": f"hakyu: {subject}",
        "versions": {"attack": version.partition(".")[0], "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": _described(version, blast),
        "sorting": 3,
        "hideDisabled": False,
        "techniques": [_technique(id_, names[id_], found, levels) for id_, found in sorted(by_technique.items())],
        "legendItems": [] if blast is None else [{"label": level, "color": COLOURS[level]} for level in reversed(LEVELS)],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
    }


def _described(version: str, blast: Mapping[str, Any] | None) -> str:
    made = f"Technique ids of ATT&CK Enterprise {version}."
    if blast is None:
        return f"The steps that hakyu knows. {made}"
    return f"Steps on the ways to what was reached; profile {blast['profile']}, state {blast['state']}. {blast['evidence']} {made}"


def _levels(blast: Mapping[str, Any]) -> dict[str, int]:
    """Rule -> 1 to 4, the greatest level at which a step of it stands on a way; what nobody has to do anything for counts as its node does."""
    found: dict[str, int] = {}
    for row in blast["reached"]:
        for step in row["way"]:
            level = LEVELS.index(step["evidence"] or row["evidence"]) + 1
            found[step["rule"]] = max(found.get(step["rule"], 0), level)
    return found


def _technique(id_: str, name: str, steps: Sequence[Step], levels: Mapping[str, int]) -> dict[str, Any]:
    score = max(levels[step.id] for step in steps)
    return {
        "techniqueID": id_,
        "score": score or 1,
        "color": COLOURS[LEVELS[score - 1]] if score else _PLAIN,
        "enabled": True,
        "showSubtechniques": "." in id_,
        "comment": "; ".join(f"{step.number} {step.title}" for step in steps),
        "metadata": [
            {"name": "technique", "value": name},
            *({"name": step.id, "value": f"closes with: {step.closes_with}" + (" (survives a password reset)" if step.survives_reset else "")} for step in steps),
        ],
    }  # fmt: skip
