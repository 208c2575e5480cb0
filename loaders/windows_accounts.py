r"""Accounts and computers as Windows events name them: by SID where there is one, else by `DOMAIN\name`; Windows' own are left out."""

from __future__ import annotations

import re
import uuid
from typing import Any

from graphmodel import identity
from loaders.base import FactBuffer
from loaders.recipients import Node

MACHINES = "of machine accounts (NAME$): left out"
SYSTEM = "of Windows' own accounts (SYSTEM, ANONYMOUS LOGON, DWM, services): left out"
_OWN_NAMES = re.compile(r"system|local service|network service|anonymous logon|dwm-\d+|umfd-\d+|iusr", re.IGNORECASE)
_OWN_DOMAINS = frozenset(("nt authority", "window manager", "font driver host", "nt service", "iis apppool", "nt virtual machine", "autorite nt", "nt-autorität"))
_PERSONS = "S-1-5-21-"
_CLOUD = "S-1-12-1-"
_NOBODY = "S-1-0-0"


def text_of(data: dict[str, Any], *names: str) -> str:
    """The first of these fields that says something, stripped; "" for missing ones and for `-`, by which Windows says nothing."""
    for name in names:
        value = data.get(name)
        if value is None:
            continue
        if isinstance(value, str):
            value = value.strip()
            if value and value != "-":
                return value
        elif isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return ""


def _reason(name: str, domain: str, sid: str) -> str:
    """Why an account is no person's; "" where it may be one's."""
    if name.endswith("$"):
        return MACHINES
    if sid.startswith("S-1-5-") and not sid.startswith(_PERSONS):
        return SYSTEM
    # With a SID of the domain, whatever it is called: names like these are translated, or chosen to look so.
    if not sid.startswith((_PERSONS, _CLOUD)) and (_OWN_NAMES.fullmatch(name) or domain.casefold() in _OWN_DOMAINS):
        return SYSTEM
    return ""


def cloud_id(sid: str) -> str | None:
    """The Entra object id that a SID `S-1-12-1-a-b-c-d` is made of; None where it is no such SID."""
    parts = sid.removeprefix(_CLOUD).split("-") if sid.startswith(_CLOUD) else []
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 2**32 for part in parts):
        return None
    return str(uuid.UUID(bytes_le=b"".join(int(part).to_bytes(4, "little") for part in parts)))


class Accounts:
    """Keys of accounts and computers; `finish` states them, each once, with the fullest name the file gives."""

    def __init__(self, out: FactBuffer) -> None:
        self._out = out
        self._accounts: dict[tuple[str, str, str], tuple[Node | None, str]] = {}
        self._servers: dict[str, Node | None] = {}
        self._known: dict[str, tuple[str, str, str]] = {}  # key of an account -> (domain, name, place)
        self._places: dict[str, str] = {}

    def account(self, name: str, domain: str, sid: str, place: str) -> tuple[Node | None, str]:
        """(account, why it is left out): None and "" where the record names nobody."""
        said = (name, domain, sid)
        found = self._accounts.get(said)
        if found is None:
            found = self._accounts[said] = self._account(name, domain, (identity.sid(sid) or "").upper(), place)
        return found

    def _account(self, name: str, domain: str, sid: str, place: str) -> tuple[Node | None, str]:
        if why := _reason(name, domain, sid):
            return None, why
        sid = "" if sid == _NOBODY else sid
        if not name and not sid:
            return None, ""
        as_address = identity.address(name) if "@" in name else None
        if (cloud := cloud_id(sid)) is not None:
            key = f"entra:{cloud}"
        elif sid:
            key = identity.ad_key(sid)
        elif as_address:
            key = identity.upn_key(as_address)
        else:
            short = domain.partition(".")[0]  # CORP and CORP.EXAMPLE stand for one domain in one log
            key = identity.account_key(f"{short}\\{name}" if short else name)
        if as_address:
            self._out.edge("HAS_ADDRESS", ("Account", key), ("Correspondent", identity.smtp_key(as_address)), place, type="upn")
        self._learn(key, domain.casefold(), name, place)
        return ("Account", key), ""

    def _learn(self, key: str, domain: str, name: str, place: str) -> None:
        old = self._known.get(key)
        if old is None:
            self._known[key] = (domain, name, place)
            return
        # The full name of a domain says more than its short one; else the first by name, whatever the order of records.
        best = min((old[0], domain), key=lambda text: ("." not in text, not text, text))
        self._known[key] = (best, min(filter(None, (old[1], name)), default=""), old[2])

    def knows(self, computer: str) -> bool:
        """Whether the computer of this name was asked for before."""
        return computer in self._servers

    def server(self, text: str, place: str) -> Node | None:
        """The computer of this name, or None where it is none."""
        if text not in self._servers:
            name = identity.host(text)
            self._servers[text] = ("Server", identity.host_key(name)) if name else None
            if name:
                self._places.setdefault(name, place)
        return self._servers[text]

    def finish(self) -> None:
        """State accounts and computers."""
        for key, (domain, name, place) in self._known.items():
            address = identity.address(name) if "@" in name else None
            bare = name.partition("@")[0] if address else name
            self._out.node(
                "Account", key, place, name=name or None, sam=bare or None, domain=domain or None, upn=address,
                object_id=key.partition(":")[2] if key.startswith("entra:") else None,
            )  # fmt: skip
        for name, place in self._places.items():
            self._out.node("Server", identity.host_key(name), place, name=name, fqdn=name if "." in name else None)
