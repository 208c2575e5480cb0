"""Random graphs of the whole schema, dense enough that every query under queries/ finds something in them.

What a property can be is read off the queries: whatever one of them compares it with. So a new query needs nothing here, unless it joins
two properties that are told apart by their names; then `ALIKE` says that they draw from one pool.
"""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Any

from graphmodel.kinds import COVERAGE, EDGES, NODES, Property
from graphmodel.view import View, edge_view_schema, node_view_schema
from queries.catalogue import FOLDER, saved
from tests.support.cases import frame

FEW, RECORDS, TIMES = 12, 800, (None, 10, 20, 30, 40, 50)
BOUNDS = {"valid_from": (None, 10, 20, 30), "valid_until": (None, None, 25, 40, 50)}
# How many relationships of a type there are between two labels, where it is not twice FEW.
MANY = {"SAME_IDENTITY": 4, "MEMBER_OF": 16, "OWNS": 12, "HOLDS": 60, "CONTROLS": 90, "FORWARDS_TO": 60, "HAS_ADDRESS": 36, "BELONGS_TO": 36, "PASSES_THROUGH": 36, "REMEDIATES": 12, "HAS_ROLE": 12}
_COMPARED = re.compile(r"\b\w+\.`?(\w+)`?(?:, '\w*'\))?\s*(?:=|<>|IN|CONTAINS|STARTS WITH)\s*(\[[^\]]*\]|'[^']*')")
_WORD = re.compile(r"'([^']*)'")
ALIKE = {"value": "ip"}
OWN: dict[str, list[Any]] = {
    "folder": ["/Inbox", "Inbox", "\\Inbox", "Sent", None],
    "ip": ["192.0.2.1", "192.0.2.2", None],
    "session": ["192.0.2.1", None],
    "user_agent": ["192.0.2.2", None],
    "country": ["JP", "DE", None],
    "through": ["one", None, None, None],
    "via": ["sso", "vpn", "rdp", "chat"],
    "as_who": ["owner", "delegate", "delegate", "admin", "10 remote interactive", "vpn", None],
    "app": ["Wiki", "other", None],
    "note": ["special privileges", "added servicePrincipalName", "added msDS-KeyCredentialLink", "added msDS-AllowedToActOnBehalfOfOtherIdentity", "added nTSecurityDescriptor", "added versionNumber",
             "template one", "template one; names another account", "template one; names another account", None],
    "Account.type": ["user", "guest", "service", None],
    "App.name": ["wiki", "other", None],
    "Container.type": ["domain", "tenant", "group policy", None],
    "Indicator.type": ["ip", "session", "user agent", "app"],
    "LogCoverage.what": [*COVERAGE, *["mail access"] * 20],
    "Remediation.what": ["reset", "reset", "revoke", None],
    "Role.system": ["google", "google", "entra", None],
    "Service.name": ["Wiki", "other", None],
    "Service.type": ["mail system", "mail system", "chat", "saas", "remote desktop", "vpn", None],
    "Group.name": ["Everyone (Default)", "Domain Admins@one", "other", None],
    "Secret.name": ["one", "one", "other", None],
    "Secret.secret_kind": ["certificate", "certificate", "signing key", "password", None],
    "Role.name": ["super admin", "super admin", "Directory Readers", "other", None],
}
# Operations that only a record with much else about it shows: more of them.
OFTEN = ("CHANGE_PASSWORD", "4648", "Sign-in activity", "4887", "5136", "Add member to role completed (PIM activation)") * 6
# As which the loaders write it; any other label: target.
ROLES = {"Account": ("actor", "actor", "target"), "Mailbox": ("mailbox", "mailbox", "folder"), "Message": ("message",), "App": ("app", "actor"),
         "Correspondent": ("target", "sender"), "Service": ("target", "mailbox")}  # fmt: skip


@cache
def _pools() -> dict[str, tuple[Any, ...]]:
    """Property -> what the queries compare it with, one value more and null."""
    found: dict[str, set[str]] = {}
    for path in FOLDER.rglob("*.cypher"):
        for name, words in _COMPARED.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, set()).update(word for word in _WORD.findall(words) if word)
    found.setdefault("name", set()).update(str(p.default) for question in saved() for p in question.parameters if p.name in {"of", "target"} and p.default)
    return {name: (*sorted(words), *(OFTEN if name == "operation" else ()), "other", None) for name, words in found.items()}


def _words(prop: Property) -> tuple[Any, ...] | None:
    """What a kind's declaration says that the property can be; None where it names no words."""
    said = re.split(r"[;(]", prop.meaning.rpartition(": ")[2] if ": " in prop.meaning.partition(" | ")[0] else prop.meaning)[0]
    return (*(word.strip() for word in said.split(" | ")), None) if " | " in said else None


def _value(dice: random.Random, kind: str, prop: Property) -> Any:
    name = ALIKE.get(prop.name, prop.name)
    if prop.type == "int":
        return dice.choice(BOUNDS.get(name, TIMES))
    if prop.type == "bool":
        return dice.choice([True, True, False, None])
    if prop.type in {"strings", "ints"}:
        return dice.choice([["f1", "f2"] if prop.type == "strings" else [1, 2], None])
    return dice.choice(OWN.get(f"{kind}.{name}") or OWN.get(name) or _words(prop) or _pools().get(name) or ["one", "two", None])


def _node(dice: random.Random, label: str, number: int) -> dict[str, Any]:
    return {p.name: _value(dice, label, p) for p in NODES[label].columns} | {"key": key(label, number), "kind": label}


def key(label: str, number: int) -> str:
    """The key of a node; its number is below FEW."""
    return f"{label.lower()}:{number}"


def _ends(dice: random.Random, type_: str, source: str, target: str) -> list[tuple[int, int]]:
    """Which numbers are joined, a few twice; no node with itself. A record is about one or two of most labels."""
    if source == "Observation":
        return [(o, dice.randrange(FEW)) for o in range(RECORDS) for _ in range(dice.choice((0, 1, 1, 2)))]
    pairs = [(dice.randrange(FEW), dice.randrange(FEW)) for _ in range(MANY.get(type_, 2 * FEW))]
    return [(a, b) for a, b in pairs if source != target or a != b]


def random_graph(seed: int) -> View:
    """The graph of a seed, as a view with every kind of node and relationship."""
    dice = random.Random(seed)
    nodes, edges = {}, {}
    for label in NODES:
        rows = [_node(dice, label, n) for n in range(RECORDS if label == "Observation" else 20 if label == "Indicator" else 40 if label == "LogCoverage" else FEW)]
        nodes[label] = frame(rows, node_view_schema(label)).sort("key")
    for type_, kind in EDGES.items():
        rows = []
        for source, target in kind.pairs:
            for a, b in _ends(dice, type_, source, target):
                row = {p.name: _value(dice, type_, p) for p in kind.columns} | {"fact": f"{type_} {len(rows):05}"}
                row |= {"from_label": source, "from_key": key(source, a), "to_label": target, "to_key": key(target, b)}
                if type_ == "OBSERVED":
                    row["role"] = dice.choice(ROLES.get(target, ("target",)))
                if (type_, source) == ("CONTROLS", "Role"):
                    row["right"] = dice.choice(["ResetPassword", "ResetAnyPassword", "AddSecret", "AssignRole"])
                rows.append(row)
        edges[type_] = frame(rows, edge_view_schema(type_)).sort("fact")
    return View(f"random-{seed}", nodes, edges)
