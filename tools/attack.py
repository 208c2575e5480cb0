"""Compares queries/attack.json with MITRE's own file: `python -m tools.attack enterprise-attack-18.1.json`.

The file is the STIX 2.1 bundle that MITRE publishes (the collection object in it says the version), or a list of attack patterns cut out of
it (`{"_metadata": {"source_file": …}, "attack_patterns": […]}`). Nothing is fetched. Says every id that the bundle lacks, has revoked or
deprecated, or calls by another name, and ends with 1 where there is one; `--write` takes the bundle's names and version over.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from queries.catalogue import FOLDER

OURS = FOLDER / "attack.json"
_VERSION = re.compile(r"(\d+\.\d+)(?=\.json$)")


def techniques(bundle: dict[str, Any]) -> tuple[str, dict[str, str], set[str]]:
    """(version, id -> name, ids that are revoked or deprecated). Raises ValueError for a file that holds no attack patterns."""
    names: dict[str, str] = {}
    gone: set[str] = set()
    if "attack_patterns" in bundle:
        found = _VERSION.search(str(bundle.get("_metadata", {}).get("source_file", "")))
        version = found[1] if found else ""
        rows = [(one["external_id"], one["name"], one.get("revoked") or one.get("deprecated")) for one in bundle["attack_patterns"]]
    else:
        things = bundle.get("objects", [])
        version = next((str(one.get("x_mitre_version", "")) for one in things if one.get("type") == "x-mitre-collection"), "")
        rows = [
            (id_, one["name"], one.get("revoked") or one.get("x_mitre_deprecated")) for one in things if one.get("type") == "attack-pattern" and (id_ := _id(one))
        ]  # fmt: skip
    for id_, name, ended in rows:
        # An id stays with what is in force, where the same one was given twice.
        if ended and id_ not in names:
            gone.add(id_)
        elif not ended:
            names[id_] = name
            gone.discard(id_)
    if not names:
        raise ValueError("no attack patterns in it: it is not MITRE's bundle")
    return version, names, gone


def _id(thing: dict[str, Any]) -> str | None:
    return next((ref.get("external_id") for ref in thing.get("external_references", []) if ref.get("source_name") == "mitre-attack"), None)


def differences(ours: dict[str, Any], bundle: dict[str, Any]) -> list[str]:
    """What differs, a line each."""
    version, names, gone = techniques(bundle)
    said = [f"version: {ours['version']} here, {version} there"] if version and version != ours["version"] else []
    for id_, name in ours["techniques"].items():
        if id_ in gone:
            said.append(f"{id_} {name}: revoked or deprecated there")
        elif id_ not in names:
            said.append(f"{id_} {name}: not there")
        elif names[id_] != name:
            said.append(f"{id_} {name}: called {names[id_]} there")
    return said


def main(arguments: list[str]) -> int:
    """The command; its exit code."""
    paths = [Path(one) for one in arguments if one != "--write"]
    if len(paths) != 1:
        print("one file: python -m tools.attack enterprise-attack-18.1.json [--write]")
        return 2
    try:
        bundle = json.loads(paths[0].read_text(encoding="utf-8"))
        ours = json.loads(OURS.read_text(encoding="utf-8"))
        said = differences(ours, bundle)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        print(f"{paths[0].name}: cannot be read: {error}")
        return 2
    print("\n".join(said) or f"{len(ours['techniques'])} techniques of ATT&CK {ours['version']}: all as there")
    if "--write" in arguments:
        version, names, _ = techniques(bundle)
        ours["techniques"] = {id_: names.get(id_, name) for id_, name in ours["techniques"].items()}
        OURS.write_text(json.dumps(ours | {"version": version or ours["version"]}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
