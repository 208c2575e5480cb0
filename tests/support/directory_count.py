"""Who reaches whom in a directory, counted from the collector's raw JSON alone: it knows nothing of the project.

A breadth-first search over adjacency sets, after BloodHound's own description of its edges. It puts the two halves of copying a domain
together through groups of any depth, and knows no times.
"""

from __future__ import annotations

import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Ways = defaultdict[str, set[str]]

FULL = {"GenericAll", "WriteDacl", "WriteOwner", "Owns"}
ON = {
    "User": FULL | {"GenericWrite", "ForceChangePassword", "AllExtendedRights", "AddKeyCredentialLink", "ReadGMSAPassword", "WriteSPN"},
    "Group": FULL | {"GenericWrite", "AddMember", "AddSelf"},
    "Computer": FULL | {"GenericWrite", "AddKeyCredentialLink", "ReadLAPSPassword", "AllExtendedRights", "AllowedToAct", "AllowedToDelegate", "SQLAdmin",
                        "AdminTo", "AddAllowedToAct", "WriteAccountRestrictions"},
    "Domain": FULL | {"AllExtendedRights"},
    "OU": FULL, "Container": FULL, "GPO": FULL | {"GenericWrite"},
}  # fmt: skip
"""Which right gives an object of which kind."""
PRINCIPALS = ("User", "Group", "Computer")


def spread(ways: Ways, start: str) -> set[str]:
    """Everything that can be reached from a node, itself included."""
    found, waiting = {start}, [start]
    while waiting:
        new = ways.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


class Count:
    """`ways`: what a node gives; `parents`: the groups it is a direct member of; `kinds`: User, Group, Computer, Domain, OU, Container, GPO."""

    def __init__(self) -> None:
        self.ways: Ways = defaultdict(set)
        self.parents: Ways = defaultdict(set)
        self.kinds: dict[str, str] = {}
        self.halves: dict[str, Ways] = {"GetChanges": defaultdict(set), "GetChangesAll": defaultdict(set)}

    def member(self, who: str, group: str) -> None:
        """Say that it is a direct member."""
        self.ways[who].add(group)
        self.parents[who].add(group)

    def copy_domains(self, domains: Iterable[str]) -> None:
        """Whoever holds both halves, each by itself or through groups of any depth, copies the domain."""
        holders = {holder for half in self.halves.values() for holders in half.values() for holder in holders}
        for who in {*self.parents, *holders}:
            mine = spread(self.parents, who)
            self.ways[who].update(domain for domain in domains if all(mine & half[domain] for half in self.halves.values()))

    def reached(self, start: str) -> set[str]:
        """Everything else that can be reached from a node."""
        return spread(self.ways, start) - {start}

    def principals(self, start: str, *others: str) -> set[str]:
        """The users, groups and computers that can be reached, and `others` if they are."""
        return {name for name in self.reached(start) if self.kinds.get(name) in PRINCIPALS or name in others}


# --- a graph out of Neo4j, as ADSynth makes it ---


def count_export(path: Path, of_domain: tuple[str, ...], *, containment: bool) -> Count:
    """The count over an export of ADSynth; nodes are `ad:<objectid>`. `of_domain`: how the keys of what the domain's secrets open begin."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    count, properties, key = Count(), {}, {}
    for line in lines:
        if line["type"] == "node":
            key[line["id"]] = name = "ad:" + line["properties"]["objectid"]
            count.kinds[name] = next(kind for kind in ("User", "Computer", "Group", "Domain", "OU", "Container", "GPO") if kind in line["labels"])
            properties[name] = line["properties"]
    edges = [(key[line["start"]["id"]], line["label"], key[line["end"]["id"]]) for line in lines if line["type"] == "relationship"]
    inside: Ways = defaultdict(set)
    for source, label, target in edges:
        if label == "Contains" and properties[target].get("admincount") is not True:  # the directory protects its administrators
            inside[source].add(target)
    for source, label, target in edges:
        _relationship(count, source, label, target)
        if containment and count.kinds[target] in ("OU", "Container") and label not in FULL:
            count.ways[source].update(item for item in spread(inside, target) if _bites(label, count.kinds[item], properties[item]))
    for unit in inside if containment else ():
        count.ways[unit] |= inside[unit]
    domain = next(name for name, kind in count.kinds.items() if kind == "Domain")
    count.ways[domain].update(name for name, kind in count.kinds.items() if kind in PRINCIPALS and name.startswith(of_domain))
    count.copy_domains([domain])
    return count


def _relationship(count: Count, source: str, label: str, target: str) -> None:
    if label == "MemberOf":
        count.member(source, target)
    elif label == "HasSession":
        computer, user = (source, target) if count.kinds[source] == "Computer" else (target, source)
        count.ways[computer].add(user)
    elif label in count.halves:
        count.halves[label][target].add(source)
    elif label in ON[count.kinds[target]]:
        count.ways[source].add(target)


def _bites(right: str, kind: str, properties: Json) -> bool:
    """Whether a right on a unit gives an object of that kind in it."""
    if kind not in PRINCIPALS or right not in ON[kind]:
        return False
    return kind != "Computer" or right != "AllExtendedRights" or properties.get("haslaps") is True


# --- a collection of SharpHound ---

_SINGULAR = {"users": "User", "groups": "Group", "computers": "Computer", "domains": "Domain", "ous": "OU", "containers": "Container", "gpos": "GPO"}
_EXCHANGE = {"organization management", "recipient management", "discovery management", "exchange trusted subsystem", "exchange servers"}


def _objects(path: Path) -> Iterator[tuple[str, Json]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            file = json.loads(archive.read(name).decode("utf-8-sig")) if name.endswith(".json") else {"meta": {"type": ""}}
            for found in file["data"] if file["meta"]["type"] in _SINGULAR else ():
                yield _SINGULAR[file["meta"]["type"]], found


def count_collection(path: Path, mail: str, *, containment: bool = True) -> Count:
    """The count over a zip of SharpHound; nodes are SIDs and GUIDs. `mail`: what Exchange's administrators and servers give."""
    count, objects = Count(), list(_objects(path))
    count.kinds = {found["ObjectIdentifier"]: kind for kind, found in objects}
    domains = {found["Properties"]["name"]: found["ObjectIdentifier"] for kind, found in objects if kind == "Domain"}
    for kind, found in objects:
        _aces(count, kind, found)
        _memberships(count, found)
        _trusts(count, found)
        above = found["ContainedBy"]
        if containment and above and not found["IsACLProtected"] and kind != "GPO":
            count.ways[above["ObjectIdentifier"]].add(found["ObjectIdentifier"])
        if kind in PRINCIPALS:
            count.ways[_home(found["ObjectIdentifier"], domains)].add(found["ObjectIdentifier"])
        if _is_exchange(kind, found):
            count.ways[found["ObjectIdentifier"]].add(mail)
        if kind == "Computer":
            _computer(count, found)
        changes = found.get("GPOChanges") or {"LocalAdmins": []}
        for principal in changes["LocalAdmins"]:
            count.ways[principal["ObjectIdentifier"]].update(computer["ObjectIdentifier"] for computer in changes["AffectedComputers"])
    _policies(count, objects)
    count.copy_domains(domains.values())
    return count


def _aces(count: Count, kind: str, found: Json) -> None:
    for ace in found["Aces"]:
        if ace["RightName"] in ON[kind]:
            count.ways[ace["PrincipalSID"]].add(found["ObjectIdentifier"])
        elif ace["RightName"] in count.halves:
            count.halves[ace["RightName"]][found["ObjectIdentifier"]].add(ace["PrincipalSID"])


def _memberships(count: Count, found: Json) -> None:
    sid = found["ObjectIdentifier"]
    for member in found.get("Members", ()):
        count.member(member["ObjectIdentifier"], sid)
    if found.get("PrimaryGroupSID"):
        count.member(sid, found["PrimaryGroupSID"])
    for name in ("AllowedToDelegate", "DumpSMSAPassword", "HasSIDHistory"):
        count.ways[sid].update(target["ObjectIdentifier"] for target in found.get(name) or ())


def _trusts(count: Count, found: Json) -> None:
    for trust in found.get("Trusts", ()):
        here, there = found["ObjectIdentifier"], trust["TargetDomainSid"]
        if not trust["SidFilteringEnabled"]:
            if trust["TrustDirection"] in ("Inbound", "Bidirectional"):
                count.ways[here].add(there)
            if trust["TrustDirection"] in ("Outbound", "Bidirectional"):
                count.ways[there].add(here)


def _home(sid: str, domains: dict[str, str]) -> str:
    """The domain of an object; built-in groups carry its name, and other groups that do are of none."""
    name, _, rest = sid.partition("-S-1-5-32-")
    return sid.rpartition("-")[0] if sid.startswith("S-1-5-21-") else domains[name] if rest else "none"


def _is_exchange(kind: str, found: Json) -> bool:
    properties = found["Properties"]
    if kind == "Computer":
        return any(name.lower().startswith("exchangemdb/") for name in properties.get("serviceprincipalnames") or ())
    inside = "OU=MICROSOFT EXCHANGE SECURITY GROUPS," in (properties.get("distinguishedname") or "")
    return kind == "Group" and inside and properties["samaccountname"].casefold() in _EXCHANGE


def _computer(count: Count, found: Json) -> None:
    sid = found["ObjectIdentifier"]
    for group in found["LocalGroups"] or ():
        if group["ObjectIdentifier"].endswith("-544"):
            for principal in group["Results"]:
                count.ways[principal["ObjectIdentifier"]].add(sid)
    for principal in found["AllowedToAct"] or ():
        count.ways[principal["ObjectIdentifier"]].add(sid)
    for name in ("Sessions", "PrivilegedSessions", "RegistrySessions"):
        count.ways[sid].update(session["UserSID"] for session in found[name]["Results"])
    full_controller = found["IsDC"] and not found["PrimaryGroupSID"].endswith("-521")
    if full_controller or (found["Properties"].get("unconstraineddelegation") and not found["IsDC"]):
        count.ways[sid].add(sid.rpartition("-")[0])


def _policies(count: Count, objects: list[tuple[str, Json]]) -> None:
    """A group policy runs on the users and computers below what it is linked to, past a unit that blocks it only where it is enforced."""
    children: Ways = defaultdict(set)
    for _, found in objects:
        if found["ContainedBy"]:
            children[found["ContainedBy"]["ObjectIdentifier"]].add(found["ObjectIdentifier"])
    blocks = {found["ObjectIdentifier"] for _, found in objects if found["Properties"].get("blocksinheritance")}
    open_ = defaultdict(set, {above: below - blocks for above, below in children.items()})
    for _, found in objects:
        for link in found.get("Links", ()):
            below = {item for node in spread(children if link["IsEnforced"] else open_, found["ObjectIdentifier"]) for item in children[node]}
            count.ways[link["GUID"]].update(item for item in below if count.kinds[item] in ("User", "Computer"))
