"""Rights in an Active Directory as the edges of a BloodHound graph; loaders/opengraph_facts.py hands them over.

A right on a container that gives the container itself is stated there. One that means what lies in it (AddMember, AdminTo, ReadLAPSPassword …
on an organisational unit) is stated on every object below that takes over rights, with `through` naming the container.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Protocol

from graphmodel.kinds import EDGES
from loaders.base import FactBuffer
from loaders.directory_rights import CERTIFICATES, CONTAINERS, ON_DOMAINS, ON_OBJECTS, Container, Tree, counts, dn_of, domain_node
from loaders.recipients import Node

Json = dict[str, Any]

FIRST = ("ContainsFolder", "Contains", "GpLink")
"""Edges that the others lean on: they are taken in a first pass."""
_OTHERS = ("Contains", "GpLink", "DCFor", "TrustedBy")
_REMOTE = ("CanRDP", "CanPSRemote", "ExecuteDCOM")
# Rights on a container that mean what lies in it, and the kinds of thing they bite on.
_BELOW = {
    "AddMember": ("Group",), "AddSelf": ("Group",), "ForceChangePassword": ("Account",), "AllExtendedRights": ("Account", "Server"),
    "GenericWrite": ("Account", "Group", "Server"), "AddKeyCredentialLink": ("Account", "Server"), "WriteSPN": ("Account",),
    "ReadLAPSPassword": ("Server",), "SyncLAPSPassword": ("Server",), "AddAllowedToAct": ("Server",), "WriteAccountRestrictions": ("Server",),
    "AllowedToDelegate": ("Server",), "AllowedToAct": ("Server",), "SQLAdmin": ("Server",), "AdminTo": ("Server",),
    "CanRDP": ("Server",), "CanPSRemote": ("Server",), "ExecuteDCOM": ("Server",),
}  # fmt: skip


class Thing(Protocol):
    """A node of the file, as loaders/opengraph_facts.py keeps it."""

    @property
    def id(self) -> str:
        """The file's own id."""

    @property
    def kind(self) -> str | None:
        """Its first kind that is known."""

    @property
    def properties(self) -> Json:
        """By lower-case names."""

    @property
    def sid(self) -> str | None:
        """Of a principal, its id where that is a SID."""

    @property
    def node(self) -> Node | None:
        """The fact's node."""

    def text(self, *names: str) -> str:
        """The first of these properties that is a text."""


@lru_cache(maxsize=4096)
def _home(domain: str) -> Node | None:
    """The domain whose SID this is, what comes before the number of an account or group; None where it is none."""
    return domain_node(f"{domain}-1")


_counts = lru_cache(maxsize=4096)(counts)


@lru_cache(maxsize=4096)
def is_right(kind: str) -> bool:
    """Whether this module takes edges of that kind."""
    return kind in ON_OBJECTS or kind in ON_DOMAINS or kind in _OTHERS or bool(CERTIFICATES.fullmatch(kind))


def holds(kind: str, label: str) -> bool:
    """Whether an edge of that kind, to a node of a label that is no container's, states the right itself."""
    return kind not in _OTHERS and is_right(kind) and _counts(kind, label)


def is_inherited(properties: Json) -> bool | None:
    """Whether a right is inherited, as far as the properties (by lower-case names) of its edge say."""
    for name in ("isinherited", "inherited"):
        if isinstance(value := properties.get(name), bool):
            return value
    return None


class GraphRights:
    """`state(type, source, target, place, **properties)` states an edge; `remote(kind, start, end, place)` one of remote access."""

    def __init__(self, out: FactBuffer, state: Callable[..., None], remote: Callable[..., None]) -> None:
        self._out, self._state, self._remote = out, state, remote
        self._tree = Tree(out)
        self._below: dict[Node, list[Thing]] = {}
        self._builtin: list[tuple[str, Node, str]] = []

    def add_container(self, item: Thing, place: str) -> None:
        """Remember a domain, unit, container or group policy."""
        if item.node:
            self._tree.add(Container(
                item.node, CONTAINERS[item.kind or ""], item.text("name") or item.id, item.text("domain").casefold() or None, place,
                protected=_protected(item), blocks=item.properties.get("blocksinheritance") is True, dn=dn_of(item.properties),
            ))  # fmt: skip

    def add_object(self, item: Thing, place: str) -> None:
        """State the domain that an account, group or server is of."""
        sid = item.sid
        if not sid or not item.node or item.node[0] == "App":
            return
        home = _home(sid.rpartition("-")[0])
        if home:
            self._state("BELONGS_TO", item.node, home, place, basis="sid")
        elif "-S-1-5-32-" in sid:  # a built-in group carries its domain's name, whose SID is known at the end
            self._builtin.append((sid.partition("-S-1-")[0].casefold(), item.node, place))

    def edge(self, kind: str, start: Thing, end: Thing, properties: Json, place: str) -> bool:
        """Take an edge; False where it is none of this module's."""
        on_container = end.node is not None and end.node[0] == "Container"
        if not is_right(kind) and not (on_container and kind in _BELOW):
            return False
        if kind == "Contains":
            self._contains(start, end, place)
        elif kind == "GpLink":
            if start.node and end.node:
                self._tree.link(start.node, end.node, properties.get("enforced") is True, place)
        elif kind == "DCFor":
            self._state("HOSTS", start.node, end.node, place, basis="domain controller")
        elif kind == "TrustedBy":
            filtered = properties.get("sidfiltering", properties.get("sidfilteringenabled"))
            type_ = properties.get("trusttype")
            self._state("TRUSTS", end.node, start.node, place, type=type_ if isinstance(type_, str) else None,
                        filtered=filtered if isinstance(filtered, bool) else None)  # fmt: skip
        else:
            self._right(kind, start, end, properties, place)
        return True

    def _right(self, kind: str, start: Thing, end: Thing, properties: Json, place: str) -> None:
        inherited = is_inherited(properties)
        known = self._tree.containers.get(end.node) if end.node else None
        if end.node is None or _counts(kind, end.node[0], known.type if known else None):
            self._state("CONTROLS", start.node, end.node, place, right=kind, inherited=inherited)
        elif kind in _BELOW and properties.get("inheritancetype") != "None":
            for item in self._inside(end.node):
                if item.node and item.node[0] in _BELOW[kind] and _bites(kind, item):
                    if kind in _REMOTE:
                        self._remote(kind, start, item, place)
                    else:
                        self._state("CONTROLS", start.node, item.node, place, right=kind, inherited=True, through=end.node[1])

    def _contains(self, start: Thing, end: Thing, place: str) -> None:
        if not start.node or not end.node or start.node[0] != "Container":
            self._state("CONTAINS", None, None, place)
            return
        self._below.setdefault(start.node, []).append(end)
        if end.node[0] == "Container":
            if child := self._tree.containers.get(end.node):
                child.parent = start.node
        elif ("Container", end.node[0]) not in EDGES["CONTAINS"].pairs:
            self._state("CONTAINS", start.node, end.node, place)  # which notes it
        else:
            protected = _protected(end)
            self._tree.contain(start.node, end.node, place, None if protected is None else not protected)

    def _inside(self, node: Node) -> Iterator[Thing]:
        """Every object below a container that takes over rights from it."""
        waiting, seen = [node], {node}
        while waiting:
            for item in self._below.get(waiting.pop(), ()):
                if item.node and item.node not in seen and not _protected(item):
                    seen.add(item.node)
                    waiting.append(item.node)
                    yield item

    def finish(self) -> None:
        """State the containers, and the domains of built-in groups."""
        domains = {c.name.casefold(): c.node for c in self._tree.containers.values() if c.type == "domain"}
        for domain, node, place in self._builtin:
            if domain in domains:
                self._state("BELONGS_TO", node, domains[domain], place, basis="sid")
        for _ in self._tree.finish():
            pass


def _bites(kind: str, item: Thing) -> bool:
    """All extended rights on a computer read its local administrator's password, where one is kept."""
    return kind != "AllExtendedRights" or item.node is None or item.node[0] != "Server" or item.properties.get("haslaps") is True


def _protected(item: Thing) -> bool | None:
    """Whether it takes over no rights: as stated, else because the directory protects administrators (AdminSDHolder); None: not known."""
    stated = item.properties.get("isaclprotected")
    if isinstance(stated, bool):
        return stated
    return True if item.properties.get("admincount") is True else None
