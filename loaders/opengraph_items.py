"""Nodes of a BloodHound OpenGraph as they are kept until all edges are read, and users of it stated in columns."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import polars as pl

from graphmodel import identity
from loaders.base import FactBuffer
from loaders.directory_rights import CONTAINERS, domain_node
from loaders.recipients import Node, Recipients

Json = dict[str, Any]

PRINCIPALS = {"User": "Account", "Group": "Group", "Computer": "Server", "AZUser": "Account", "AZGroup": "Group", "AZServicePrincipal": "App", "AZApp": "App"}
EXCHANGE = ("ExchangeMailbox", "ExchangeMailboxFolder", "ExchangeTransportRule", "ExchangeTransportEndpoint", "ExchangeRbacRole", "ExchangePermissionPrincipal")
_SID = re.compile(r"S-1-5-21(?:-[0-9]+){3}-[0-9]+")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?"
_ADDRESS = re.compile(rf"[a-z0-9._-]+@(?:{_LABEL}\.){{1,4}}{_LABEL}")
"""What `identity.address` leaves as it is; all else is asked of it."""


class Item:
    """A node of the file: its first kind that is known here, its properties by lower-case names, and the fact's node where it has one.

    `sid`: of a principal, its id where that is a SID.
    """

    __slots__ = ("id", "kind", "kinds", "node", "properties", "sid")

    def __init__(self, id_: str, kind: str | None, kinds: tuple[str, ...], properties: Json, node: Node | None) -> None:
        self.id, self.kind, self.kinds, self.properties, self.node = id_, kind, kinds, properties, node
        self.sid: str | None = None

    def text(self, *names: str) -> str:
        """The first of these properties that is a text with something in it, else ""."""
        for name in names:
            if isinstance(value := self.properties.get(name), str) and (value := value.strip()):
                return value
        return ""


class Users:
    """Nodes of users whose id is a SID of a domain, taken one by one and stated together: `state` after each batch."""

    def __init__(self, items: dict[str, Item], who: Recipients) -> None:
        self._items, self._who = items, who
        self._cells: list[Any] = []
        self._addresses: list[Any] = []

    def take(self, found: object, number: int) -> bool:
        """Take a node by its number; False where it is no such user."""
        if not isinstance(found, dict) or not isinstance(id_ := found.get("id"), str) or not isinstance(kinds := found.get("kinds"), list):
            return False
        if not _SID.fullmatch(id_) or known_of(names := same_kinds(tuple([kind for kind in kinds if isinstance(kind, str)]))) != "User":
            return False
        said = folded(found.get("properties"))
        key = identity.ad_key(id_)
        item = self._items[id_.casefold()] = Item(id_, "User", names, said, ("Account", key))
        item.sid = id_
        sam = _text(said, "samaccountname")
        upn, email = plain_address(_text(said, "userprincipalname")), plain_address(_text(said, "email") or _text(said, "mail"))
        name = _text(said, "displayname") or (sam or _text(said, "name")).rstrip("$") or id_
        self._cells += key, number, name, upn, email, sam or None, _text(said, "domain").casefold() or None, flag(said, "enabled", "isenabled"), id_.rpartition("-")[0]
        if upn and self._who.is_new_address(key, upn, "upn"):
            self._addresses += key, upn, "upn", number
        if email and self._who.is_new_address(key, email, "mail"):
            self._addresses += key, email, "mail", number
        return True

    def state(self, out: FactBuffer, before: str) -> set[str]:
        """State those taken since: their accounts, addresses and domains. Returns their keys."""
        keys, numbers, names, upns, emails, sams, domains, enabled, homes = (self._cells[at::9] for at in range(9))
        owners, addresses, types, stated = (self._addresses[at::4] for at in range(4))
        self._cells, self._addresses = [], []
        if not keys:
            return set()
        text = pl.Series(keys, dtype=pl.String)
        place = _places(before, numbers)
        out.nodes("Account", text, place, name=names, type="user", upn=upns, email=emails, sam=sams, domain=domains, enabled=enabled)
        found = {home: domain_node(f"{home}-1") for home in set(homes)}
        out.edges("BELONGS_TO", ("Account", text), ("Container", [node[1] if (node := found[home]) else None for home in homes]), place, basis="sid")
        if owners:
            target = pl.Series(addresses, dtype=pl.String)
            keyed = pl.Series([identity.smtp_key("")]) + target
            out.edges("HAS_ADDRESS", ("Account", owners), ("Correspondent", keyed), _places(before, stated), type=types)
        return set(keys)


def _places(before: str, numbers: list[int]) -> pl.Series:
    return pl.Series([f"{before}["]) + pl.Series(numbers, dtype=pl.Int64).cast(pl.String) + pl.Series(["]"])


def _text(said: Json, name: str) -> str:
    return value.strip() if isinstance(value := said.get(name), str) else ""


def plain_address(text: str) -> str | None:
    """As `identity.address` of a text without white space around, at less cost where it is plain."""
    return text if _ADDRESS.fullmatch(text) else identity.address(text)


def flag(properties: Json, *names: str) -> bool | None:
    """The first of these properties that is true or false."""
    for name in names:
        if isinstance(value := properties.get(name), bool):
            return value
    return None


@lru_cache(maxsize=4096)
def known_of(kinds: tuple[str, ...]) -> str | None:
    """The first of these kinds that is known here."""
    return next((kind for kind in kinds if kind in PRINCIPALS or kind in EXCHANGE or kind in CONTAINERS), None)


@lru_cache(maxsize=4096)
def same_kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """These kinds, the same object for all nodes that have them: it is kept with each."""
    return kinds


@lru_cache(maxsize=4096)
def _in_lower_case(names: tuple[str, ...]) -> bool:
    return all(name == name.casefold() for name in names)


def folded(given: object) -> Json:
    """Properties by lower-case names, as nearly all files have them; none where they are no object."""
    if not isinstance(given, dict):
        return {}
    return given if _in_lower_case(tuple(given)) else {str(name).casefold(): value for name, value in given.items()}
