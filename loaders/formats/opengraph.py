"""BloodHound OpenGraph (formats.md 5; bloodhound.specterops.io/opengraph): JSON or a zip of such files, ExchangeHound's included.

Claims `{"graph": {"nodes": […], "edges": […]}}`, with or without `metadata` and `$schema` before it; a zip whose members all have that shape.

Yields Account, Group, Server `ad:<SID>` of User, Group, Computer, and AZUser, AZGroup, AZServicePrincipal, AZApp by their ids; MEMBER_OF (MemberOf,
AZMemberOf), ADMIN_TO (AdminTo), SIGNS_IN_TO (CanRDP, CanPSRemote), SESSION_ON (HasSession). Of ExchangeHound: Mailbox (ExchangeMailbox, by its
primary address), OWNS (OwnsMailbox), FULL_ACCESS, SEND_AS, SEND_ON_BEHALF (HasFullAccess, HasSendAs, HasSendOnBehalf), FOLDER_RIGHT
(HasFolderAccess, HasCalendarAccess; the mailbox by ContainsFolder), Rule and FORWARDS_TO (ExchangeTransportRule, AffectsRecipient), HAS_ROLE
(HasExchangeRole), and which roles administer the mail system.

Traps: an end of an edge is matched by id, by name (deprecated) or by properties; one that fits several nodes is passed over. Ids may hold a colon. A
SID that is no node of the file is taken for an account's until its directory says what it is. Default and Anonymous (ExchangePermissionPrincipal)
are everyone. AffectsRecipient tells conditions as well as actions: only what is copied is taken. Every other kind is counted by name. A UTF-8
BOM occurs. ExchangeHound's property names are as its author describes them; no export of it has been seen.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from graphmodel.errors import LoadError
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.containers import Archive, Member, at, json_items, read_json
from loaders.jsonbatch import SMALL
from loaders.opengraph_facts import Graph
from loaders.opengraph_rights import FIRST

if TYPE_CHECKING:
    from loaders.opengraph_batches import Listed

NAME = "opengraph"
TITLE = "BloodHound OpenGraph JSON or zip (ExchangeHound and others)"
PRIORITY = "should"
SEEN = "real sample"
READS = "accounts, groups, servers, mailboxes, their owners and rights, folder rights, transport rules, Exchange roles, sessions, administrators"

_HELD = 256 << 20
"""So much text of large files is held at once; a file beyond that is read object by object (bytes)."""
_SHAPE = re.compile(rb'^\s*\{.*?"graph"\s*:\s*\{\s*"(nodes|edges)"\s*:\s*\[', re.DOTALL)
_WHOLE = 64 << 20
_SNIFFED = 64


def detect(source: Source) -> Claim | None:
    """Claim the shape of the JSON file, or of all members of the zip."""
    if source.is_dir:
        return None
    if not source.head.startswith(b"PK\x03\x04"):
        return Claim(9, "a graph of nodes and edges") if _is_ours(source.head) else None
    try:
        with Archive(source.open()) as archive:
            # A zip with anything else in it is opened, and each file of it is asked for by itself.
            if archive.members and all(_is_graph(archive, member) for member in archive.members[:_SNIFFED]):
                return Claim(8, "a zip of graphs of nodes and edges")
    except LoadError:
        return None
    return None


def _is_graph(archive: Archive, member: Member) -> bool:
    if not member.name.casefold().endswith(".json"):
        return False
    with archive.open(member) as stream:
        return _is_ours(stream.read(64 * 1024))


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read all nodes, then all edges, of the one file or of every file in the zip."""
    with _without_cycles():
        _read_into(Graph(out), source, out)


@contextmanager
def _without_cycles() -> Iterator[None]:
    """Garbage is not searched for cycles meanwhile: what JSON is read into has none, and there is much of it to look through."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _read_into(graph: Graph, source: Source, out: FactBuffer) -> None:
    if source.head.startswith(b"PK"):
        with Archive(source.open()) as archive:
            members = [member for member in archive.members if member.name.casefold().endswith(".json")]
            _read([(member.name, member.size, partial(archive.open, member)) for member in members], graph, out)
    else:
        _read([("", source.size, source.open)], graph, out)


def _read(files: list[tuple[str, int, Callable[[], BinaryIO]]], graph: Graph, out: FactBuffer) -> None:
    parts = _opened(files)
    if len(parts) > 1:
        if any(not part.is_graph for part in parts):
            out.note("files of the zip that are no graph were passed over")
        parts = [part for part in parts if part.is_graph]
    for part in parts:
        if part.listed:
            out.records += part.listed.nodes(graph, part.place("nodes"))
            continue
        for place, found in part.items("nodes"):
            out.records += 1
            graph.add_node(found, place)
    for folders in (True, False):
        for part in parts:
            _read_edges(part, graph, out, folders)
    graph.finish()


def _read_edges(part: _File, graph: Graph, out: FactBuffer, folders: bool) -> None:
    if part.listed:
        count = part.listed.edges(graph, part.place("edges"), folders=folders)
        out.records += 0 if folders else count
        return
    for place, found in part.items("edges", FIRST if folders else None):
        out.records += not folders
        graph.add_edge(found, place, folders)


def _opened(files: list[tuple[str, int, Callable[[], BinaryIO]]]) -> list[_File]:
    parts, held = [], 0
    for name, size, open_ in files:
        parts.append(part := _File(name, size, open_, columns=SMALL <= size <= _HELD - held))
        held += size if part.listed else 0
    return parts


class _File:
    """One JSON file: held in memory where it is small, else its text (`listed`), else read object by object."""

    def __init__(self, name: str, size: int, open_: Callable[[], BinaryIO], *, columns: bool) -> None:
        self._name, self._open = name, open_
        self._document: Any = None
        self.listed: Listed | None = None
        with open_() as stream:
            self.is_graph = _is_ours(stream.read(64 * 1024))
        if columns and self.is_graph:
            from loaders.opengraph_batches import listed_in  # noqa: PLC0415 -- compiled code, which only large files need

            with open_() as stream:
                self.listed = listed_in(stream, size)
        if self.listed:
            return
        if size <= _WHOLE and self.is_graph:
            with open_() as stream:
                document = read_json(stream.read(), name)
            self._document = document.get("graph")
            if not isinstance(self._document, dict):
                raise Broken(at(name, "graph"), "no object", "it is no OpenGraph: export it again")

    def place(self, part: str) -> str:
        """The place of the nodes or the edges."""
        return at(self._name, part)

    def items(self, part: str, kinds: tuple[str, ...] | None = None) -> Iterator[tuple[str, Any]]:
        """(place, object) for the nodes or the edges; `kinds`: of these kinds alone."""
        before = self.place(part)
        if self._document is not None:
            found = self._document.get(part)
            if found is not None and not isinstance(found, list):
                raise Broken(at(self._name, f"graph.{part}"), "no list", "it is no OpenGraph: export it again")
            for number, item in enumerate(found or []):
                if kinds is None or (isinstance(item, dict) and item.get("kind") in kinds):
                    yield f"{before}[{number}]", item
            return
        with self._open() as stream:
            for number, item in enumerate(json_items(stream, f"graph.{part}.item", self._name)):
                if kinds is None or (isinstance(item, dict) and item.get("kind") in kinds):
                    yield f"{before}[{number}]", item


def _is_ours(head: bytes) -> bool:
    return bool(_SHAPE.match(head.removeprefix(b"\xef\xbb\xbf")))
