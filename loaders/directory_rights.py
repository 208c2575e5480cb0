"""Rights in an Active Directory under BloodHound's names, what contains what, and which of them become facts.

A right on an object is CONTROLS with that name. A container (domain, organisational unit, container, group policy) is a node of its own,
known by its GUID, a domain by its SID.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphmodel import identity
from loaders.base import FactBuffer
from loaders.ldap_names import fold_dn
from loaders.recipients import Node

Json = dict[str, Any]

FULL = frozenset(("GenericAll", "WriteDacl", "WriteOwner", "Owns"))
"""Whoever has one of these can give themselves every other right on the object."""
ON_OBJECTS = FULL | {
    "GenericWrite", "ForceChangePassword", "AddMember", "AddSelf", "AllExtendedRights", "AddKeyCredentialLink", "WriteSPN", "AddAllowedToAct",
    "WriteAccountRestrictions", "ReadLAPSPassword", "SyncLAPSPassword", "ReadGMSAPassword", "DumpSMSAPassword", "AllowedToDelegate",
    "AllowedToAct", "HasSIDHistory", "SQLAdmin",
}  # fmt: skip
ON_DOMAINS = frozenset(("AllExtendedRights", "GetChanges", "GetChangesAll", "GetChangesInFilteredSet", "DCSync", "CoerceToTGT", "GoldenCert"))
CERTIFICATES = re.compile(r"ADCSESC\d+[ab]?")
"""What BloodHound concludes from certificate templates and authorities: whoever has it signs in as anybody of the domain."""

FILES = {"domains": "domain", "ous": "unit", "containers": "container", "gpos": "group policy"}
"""SharpHound's files of containers, and the type of what is in them."""
CONTAINERS = {"Domain": "domain", "OU": "unit", "Container": "container", "GPO": "group policy"}
_DIRECTIONS = {0: "Disabled", 1: "Inbound", 2: "Outbound", 3: "Bidirectional"}
_BATCH = 250_000
_GUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$")
_DOMAIN = re.compile(r"S-1-5-21(-\d+){3}$")
_OF_DOMAIN = re.compile(r"(S-1-5-21(?:-\d+){3})-\d+$")


def container_node(id_: object) -> Node | None:
    """The node of a container by its GUID (some tools write the domain's SID before it) or SID; None for what is neither."""
    return _container(id_) if isinstance(id_, str) else None


@lru_cache(maxsize=4096)  # many objects lie in one
def _container(id_: str) -> Node | None:
    text = id_.strip().upper()
    found = _GUID.search(text)
    if found:
        return "Container", identity.ad_key(found[0])
    return ("Container", identity.ad_key(text)) if _DOMAIN.match(text) else None


def domain_node(sid: str, domain: str = "", stated: object = None) -> Node | None:
    """The domain that an object is of: by its SID, or, of a built-in group that carries the name of `domain`, by the SID stated for that."""
    own = _OF_DOMAIN.match(sid)
    if own:
        return container_node(own[1])
    return container_node(stated) if domain and sid.startswith(f"{domain.upper()}-S-1-5-32-") else None


def counts(right: str, label: str, type_: str | None = None) -> bool:
    """Whether a right on an object of this label is kept; `type_`: the container's type."""
    if label != "Container":
        return right in ON_OBJECTS
    if right in FULL or (right == "GenericWrite" and type_ == "group policy"):
        return True
    return type_ in (None, "domain") and (right in ON_DOMAINS or bool(CERTIFICATES.fullmatch(right)))


def dn_of(properties: Json) -> str | None:
    """The distinguished name among an object's properties, case folded."""
    found = properties.get("distinguishedname")
    return fold_dn(found) if isinstance(found, str) and "=" in found else None


@dataclass
class Container:
    """A container of one source. `protected`: takes over no rights; `blocks`: takes over no group policies."""

    node: Node
    type: str
    name: str
    domain: str | None
    place: str
    found: Json = field(default_factory=dict, repr=False)
    parent: Node | None = None
    protected: bool | None = None
    blocks: bool = False
    dn: str | None = None


class Tree:
    """The containers of a source and what lies in them; states those on which something hangs, when every object is known."""

    def __init__(self, out: FactBuffer) -> None:
        self._out = out
        self.containers: dict[Node, Container] = {}
        self._holding: set[Node] = set()
        self._inside: dict[Node, list[Node]] = {}
        self._links: list[tuple[Node, Node, bool, str]] = []

    def contain(self, parent: Node, child: Node, place: str, inherits: bool | None) -> None:
        """State that an account, group or server lies directly in the container."""
        self._holding.add(parent)
        self._out.edge("CONTAINS", parent, child, place, inherits=inherits)

    def add(self, container: Container) -> None:
        """Remember a container; it is stated in `finish`, if it holds anything."""
        self.containers[container.node] = container

    def link(self, policy: Node, container: Node, enforced: bool, place: str) -> None:
        """Remember that a group policy is linked to the container."""
        self._links.append((policy, container, enforced, place))

    def finish(self) -> Iterator[Container]:
        """State containers, containment and links; yields each container that was stated."""
        kept = self._kept()
        for container in kept.values():
            if container.parent is not None:
                self._inside.setdefault(container.parent, []).append(container.node)
        policies = {policy for policy, target, _, _ in self._links if target in kept}
        for container in self.containers.values():
            if container.node in kept or container.node in policies:
                self._out.node("Container", container.node[1], container.place, name=container.name, type=container.type, domain=container.domain, dn=container.dn)
                yield container
            if container.node in kept and container.parent in kept:
                inherits = None if container.protected is None else not container.protected
                self._out.edge("CONTAINS", container.parent, container.node, container.place, inherits=inherits)
        for policy, target, enforced, place in self._links:
            if target in kept:
                self._out.edge("LINKED_TO", policy, target, place, enforced=enforced, inherited=False)
                self._link_below(policy, target, enforced, place)

    def _kept(self) -> dict[Node, Container]:
        """Domains, units, and every container above an object."""
        kept: dict[Node, Container] = {}
        starts = [*self._holding, *(c.node for c in self.containers.values() if c.type in ("domain", "unit"))]
        for start in starts:
            at: Node | None = start
            while at is not None and at not in kept and at in self.containers:
                kept[at] = self.containers[at]
                at = kept[at].parent
        return {node: container for node, container in self.containers.items() if node in kept}

    def _link_below(self, policy: Node, target: Node, enforced: bool, place: str) -> None:
        waiting, seen = [target], {target}
        while waiting:
            for node in self._inside.get(waiting.pop(), ()):
                if node not in seen and (enforced or not self.containers[node].blocks):
                    seen.add(node)
                    waiting.append(node)
                    self._out.edge("LINKED_TO", policy, node, place, enforced=enforced, inherited=True)


class AcesAside(ABC):
    """What stands in an object in place of its Aces where these are read in columns (loaders/sharphound_batches.py)."""

    @abstractmethod
    def take(self, node: Node, place: str, domain: str, known: Callable[[str, str, str], Node | None], edge: Callable[..., None]) -> list[Any] | None:
        """Take them: they will be stated; those to be read one by one are the answer. `known`, `edge`: as SharpHoundRights has them."""


_REMOTE = {"RemoteDesktopUsers": "555", "DcomUsers": "562", "PSRemoteUsers": "580"}
"""Lists of GPOChanges -> number of the local group."""


class SharpHoundRights:
    """What SharpHound's objects say of rights.

    `edge(type, principal, node, place, domain, **properties)` states one of any principal; `known(SID, kind, domain)` is the node of one whose
    kind is told. `remote`: whom group policies let in to a computer from afar: its SID, the number of the local group, the principal, place and
    domain, for who knows the computers' names.
    """

    def __init__(
        self, out: FactBuffer, edge: Callable[..., None], known: Callable[[str, str, str], Node | None], note: Callable[[str, str], None]
    ) -> None:
        self._out, self._edge, self._known, self._note = out, edge, known, note
        self._tree = Tree(out)
        self.remote: list[tuple[str, str, Json, str, str]] = []
        self._homeless: dict[Node, bool | None] = {}
        """What no object of its own file lies in, and whether it takes over rights."""
        self._children: list[tuple[Node, str, str, str]] = []
        self._kept: dict[tuple[str, str | None], dict[str, bool]] = {}
        """Which rights count on objects of a label and type."""
        self._principals: dict[str, dict[tuple[str, str], Node | None]] = {}
        """The nodes of principals by domain, SID and kind."""
        self._batches: dict[tuple[str, str], list[Any]] = {}
        """CONTROLS between two labels, one after another: source, target, place, right, whether it is inherited. A directory has about ten rights an object,
        stated one by one they would cost the most."""

    def of_object(self, found: Json, node: Node, sid: str, domain: str, place: str) -> None:
        """State the rights on an account, group or server, where it lies, and the rights it has itself."""
        aces = found.get("Aces")
        self._aces(aces.take(node, place, domain, self._known, self._edge) if isinstance(aces, AcesAside) else aces, node, place, domain)
        stated = found.get("ContainedBy")
        parent = container_node(stated.get("ObjectIdentifier")) if isinstance(stated, dict) else None
        protected = found.get("IsACLProtected")
        inherits = not protected if isinstance(protected, bool) else None
        if parent:
            self._tree.contain(parent, node, place, inherits)
        else:
            self._homeless[node] = inherits
        properties = found.get("Properties")
        properties = properties if isinstance(properties, dict) else {}
        home = domain_node(sid, domain, properties.get("domainsid"))
        if home:
            self._out.edge("BELONGS_TO", node, home, place, basis="sid")
        if node[0] != "Group":
            self._held(found, node, place, domain)
        if node[0] == "Server" and home:
            self._server(found, properties, node, home, place)

    def _server(self, found: Json, properties: Json, node: Node, home: Node, place: str) -> None:
        primary = found.get("PrimaryGroupSID")
        controller = found.get("IsDC") is True or properties.get("isdc") is True or (isinstance(primary, str) and primary.endswith("-516"))
        if controller and not (isinstance(primary, str) and primary.endswith("-521")):
            self._out.edge("HOSTS", node, home, place, basis="domain controller")
        elif not controller and properties.get("unconstraineddelegation") is True:
            self._out.edge("CONTROLS", node, home, place, right="CoerceToTGT")

    def _held(self, found: Json, node: Node, place: str, domain: str) -> None:
        """Delegation, identifiers of old domains, stored passwords and databases."""
        for name in ("AllowedToDelegate", "HasSIDHistory", "DumpSMSAPassword"):
            for at, target in _objects(found[name], f"{place}.{name}") if found.get(name) else ():
                self._edge("CONTROLS", target, node, at, domain, outward=True, right=name)
        for at, target in _objects(found["SPNTargets"], f"{place}.SPNTargets") if found.get("SPNTargets") else ():
            if target.get("Service") == "SQLAdmin":
                principal = {"ObjectIdentifier": target.get("ComputerSID"), "ObjectType": "Computer"}
                self._edge("CONTROLS", principal, node, at, domain, outward=True, right="SQLAdmin")
        if node[0] == "Server":
            for at, principal in _objects(found.get("AllowedToAct"), f"{place}.AllowedToAct"):
                self._edge("CONTROLS", principal, node, at, domain, right="AllowedToAct")

    def _aces(self, aces: object, node: Node, place: str, domain: str, type_: str | None = None) -> None:
        label = node[0]
        kept, known = self._kept.setdefault((label, type_), {}), self._principals.setdefault(domain, {})
        for number, ace in enumerate(aces if isinstance(aces, list) else ()):
            right = ace.get("RightName") if isinstance(ace, dict) else None
            if not isinstance(right, str):
                continue
            if right not in kept:
                kept[right] = counts(right, label, type_)
            if not kept[right]:
                continue
            who, kind, inherited = ace.get("PrincipalSID"), ace.get("PrincipalType"), ace.get("IsInherited")
            inherited = inherited if isinstance(inherited, bool) else None
            at = f"{place}.Aces[{number}]"
            principal = None
            if isinstance(who, str) and isinstance(kind, str):
                said = who, kind
                if said not in known:
                    known[said] = self._known(who, kind, domain)
                principal = known[said]
            if principal is None:
                self._edge("CONTROLS", {"ObjectIdentifier": who, "ObjectType": kind}, node, at, domain, right=right, inherited=inherited)
            elif principal != node:
                batch = self._batches.setdefault((principal[0], label), [])
                batch += principal[1], node[1], at, right, inherited
                if len(batch) >= _BATCH:
                    self._state((principal[0], label))

    def _state(self, kinds: tuple[str, str]) -> None:
        cells = self._batches.pop(kinds)
        sources, targets, places, rights, inherited = (cells[column::5] for column in range(5))
        self._out.edges("CONTROLS", (kinds[0], sources), (kinds[1], targets), places, right=rights, inherited=inherited)

    def take(self, type_: str, found: object, place: str) -> None:
        """Take one object of a file of domains, ous, containers or gpos; refused where it has no GUID or SID."""
        node = container_node(found.get("ObjectIdentifier")) if isinstance(found, dict) else None
        if not isinstance(found, dict) or node is None:
            self._out.refuse(place, type(found).__name__, "not an object with a GUID or a SID of a domain")
            return
        if found.get("IsDeleted") is True:
            self._note("deleted object, passed over", place)
            return
        properties = found.get("Properties")
        properties = properties if isinstance(properties, dict) else {}
        name, domain, above = properties.get("name"), properties.get("domain"), found.get("ContainedBy")
        protected = found.get("IsACLProtected")
        self._tree.add(Container(
            node, type_, name if isinstance(name, str) else node[1], domain.casefold() if isinstance(domain, str) else None, place, found,
            parent=container_node(above.get("ObjectIdentifier")) if isinstance(above, dict) else None,
            protected=protected if isinstance(protected, bool) else None, blocks=properties.get("blocksinheritance") is True, dn=dn_of(properties),
        ))  # fmt: skip
        for at, child in _objects(found.get("ChildObjects"), f"{place}.ChildObjects"):
            if isinstance(child.get("ObjectIdentifier"), str) and isinstance(child.get("ObjectType"), str):
                self._children.append((node, child["ObjectIdentifier"], child["ObjectType"], at))
        self._set_by_policy(found.get("GPOChanges"), f"{place}.GPOChanges", domain if isinstance(domain, str) else "")
        for at, link in _objects(found.get("Links"), f"{place}.Links"):
            if policy := container_node(link.get("GUID")):
                self._tree.link(policy, node, link.get("IsEnforced") is True, at)
        for at, trust in _objects(found.get("Trusts"), f"{place}.Trusts"):
            self._trust(node, trust, at)

    def _set_by_policy(self, changes: object, place: str, domain: str) -> None:
        """Members of local groups that the container's group policies set on the computers in it."""
        if not isinstance(changes, dict):
            return
        for _, computer in _objects(changes.get("AffectedComputers"), place):
            sid = computer.get("ObjectIdentifier")
            server = self._known(sid, "Computer", domain) if isinstance(sid, str) else None
            for at, principal in _objects(changes.get("LocalAdmins"), f"{place}.LocalAdmins") if server else ():
                self._edge("ADMIN_TO", principal, server, at, domain, via="local administrators", basis="group policy")
            if not isinstance(sid, str) or server is None or server[0] != "Server":
                continue
            for name, group in _REMOTE.items():
                self.remote += [(sid, group, principal, at, domain) for at, principal in _objects(changes.get(name), f"{place}.{name}")]

    def _trust(self, node: Node, trust: Json, place: str) -> None:
        other = container_node(trust.get("TargetDomainSid"))
        given = trust.get("TrustDirection")
        direction = _DIRECTIONS.get(given) if isinstance(given, int) else given  # older versions write a number
        if other is None or other == node:
            self._note("trust of a domain without a SID, passed over", place)
            return
        type_, filtered = trust.get("TrustType"), trust.get("SidFilteringEnabled")
        said = {"type": str(type_) if isinstance(type_, (str, int)) else None, "filtered": filtered if isinstance(filtered, bool) else None}
        # Inbound: the other domain accepts the accounts of this one.
        if direction in ("Inbound", "Bidirectional"):
            self._out.edge("TRUSTS", other, node, place, **said)
        if direction in ("Outbound", "Bidirectional"):
            self._out.edge("TRUSTS", node, other, place, **said)

    def _adopt(self) -> None:
        """Put what does not say where it lies into the container that says it holds it."""
        for parent, child, type_, place in self._children:
            if type_ in CONTAINERS:
                found = self._tree.containers.get(container_node(child) or parent)
                if found is not None and found.parent is None and found.node != parent:
                    found.parent = parent
            elif (node := self._known(child, type_, "")) in self._homeless and node is not None:
                self._tree.contain(parent, node, place, self._homeless.pop(node))

    def finish(self) -> None:
        """State the containers and the rights on them."""
        self._adopt()
        for container in self._tree.finish():
            self._aces(container.found.get("Aces"), container.node, container.place, container.domain or "", container.type)
        for kinds in list(self._batches):
            self._state(kinds)


def _objects(found: object, place: str) -> Iterator[tuple[str, Json]]:
    if isinstance(found, list):
        for number, entry in enumerate(found):
            if isinstance(entry, dict):
                yield f"{place}[{number}]", entry
