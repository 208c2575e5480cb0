"""ways.csv, our own minimal table of ways that no export tells: partners, lists, keys, programs that rules start (formats.md 13).

Claims `who`, `way`, `what`: who, way, what, kind, from, to, source.

| way | who | what |
|---|---|---|
| `guest` | an account | the address by which another organisation's tenant knows it, or its guest account's name there |
| `role` | an account or group, a partner's too (GDAP) | `<role>@<domain of the tenant>`, as `Helpdesk Administrator@contoso.example` |
| `list` | an account | the address of the mailing list that it is on |
| `archive` | the address of a mailing list | the address of its archive |
| `key` | an account or host | the name of a key or certificate that it keeps, or can have issued |
| `opens` | the name of a key, certificate or credential | an account, host or mail domain (`@contoso.example`) that accepts it |
| `program` | a mailbox | the name of its rule, form or home page that starts a program |

Yields for them: a guest Account that TRUSTS the account at home; HAS_ROLE and what the role may do; MEMBER_OF Group `group:<address>` (mailing list); OWNS
Mailbox; KEEPS Secret `secret:stated/<name>`; OPENS; Rule with `runs`, PASSES_THROUGH. All valid from `from` until before `to`. `kind` is a key's:
password | api key | private key | vpn profile | recovery code | certificate | signing key.

Traps: names, never keys themselves, belong in it. A host is told from an account by two dots and no `@`, or by `host:` before it; a group by `group:`.
A guest is not the same as its account at home: the way between them has an end of its own.
A signing key that opens a mail domain opens every mailbox there. An empty `from` is an unknown start, an empty `to` what still holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from graphmodel import identity
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.entra_roles import gives_any_mailbox, role_name, state_role
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients

NAME = "ways_csv"
TITLE = "ways.csv (hakyu's own)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "guests and roles of partners, mailing lists, keys and what accepts them, rules that start programs"

_KINDS = frozenset(("password", "api key", "private key", "vpn profile", "recovery code", "certificate", "signing key"))
_COVERS = {"guest": "accounts", "role": "roles", "list": "groups"}
Times = dict[str, Any]


def detect(source: Source) -> Claim | None:
    """Claim the three columns that make a way."""
    return Claim(7, "columns of ways.csv") if {"who", "way", "what"} <= header_of(source) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one. Raises Broken where day and month cannot be told apart."""
    table = Table(source, options, out, dates=("from", "to"))
    table.require("who", "way", "what")
    if table.ambiguous_dates:
        raise Broken("columns from, to", "day and month cannot be told apart in this file", "say --date-order dmy or mdy")
    ways = _Ways(out)
    for row in table:
        ways.take(row)
    for what, count in sorted(ways.covered.items()):
        out.coverage(what, collected=count)


class _Ways:
    """States the rows. `covered`: by word of coverage, how many rows."""

    def __init__(self, out: FactBuffer) -> None:
        self._out, self._who = out, Recipients(out)
        self.covered: Counter[str] = Counter()
        self._takers: dict[str, Callable[[Row, Times], str]] = {
            "guest": self._guest, "role": self._role, "list": self._list, "archive": self._archive, "key": self._key, "opens": self._opens,
            "program": self._program,
        }  # fmt: skip

    def take(self, row: Row) -> None:
        """One row; refused with the reason where it cannot be meant."""
        way = row["way"].casefold()
        start, end = row.date("from"), row.date("to")
        taker = self._takers.get(way)
        if taker is None:
            self._out.refuse(row.at("way"), row["way"], "not one of " + ", ".join(self._takers))
        elif row["who"] in ("", "-") or row["what"] in ("", "-"):
            self._out.refuse(row.at("who"), row["who"], "who and what are both needed")
        elif start is not None and end is not None and end <= start:
            self._out.refuse(row.at("to"), row["to"], "it ends before it begins")
        elif why := taker(row, {"valid_from": start, "valid_until": end}):
            self._out.refuse(row.at("what"), row["what"], why)
        elif way in _COVERS:
            self.covered[_COVERS[way]] += 1

    def _basis(self, row: Row) -> str:
        source = row.get("source")
        return f"stated ({source})" if source not in ("", "-") else "stated"

    def _holder(self, text: str, place: str) -> Node:
        """An account, a host (`host:`, or two dots and no `@`) or a group (`group:`)."""
        prefix, _, rest = text.partition(":")
        if prefix.casefold() == "group" and rest:
            return self._who.group(identity.address(rest) or " ".join(rest.split()), place, None, title=rest)
        name = identity.host(rest if prefix.casefold() == "host" and rest else text)
        if name and (prefix.casefold() == "host" or (name.count(".") > 1 and "@" not in text)):
            server = ("Server", identity.host_key(name))
            self._out.node("Server", server[1], place, name=name, fqdn=name if "." in name else None)
            return server
        return self._who.trustee(text, place)

    def _guest(self, row: Row, times: Times) -> str:
        home, there = identity.address(row["who"]), row["what"]
        if home is None:
            return "a guest is known by the address of its account at home"
        account = self._who.account(home, row.place)
        name = identity.address(there) or " ".join(there.split())
        guest = ("Account", identity.upn_key(name) if name != home else identity.account_key(f"guest/{home}"))
        self._out.node("Account", guest[1], row.place, name=there, type="guest", email=home, upn=name if name != home else None)
        self._out.edge("TRUSTS", guest, account, row.place, type="guest", **times)
        return ""

    def _role(self, row: Row, times: Times) -> str:
        name, _, tenant = row["what"].rpartition("@")
        domain = identity.host(tenant)
        if not name.strip() or not domain or "." not in domain:
            return "a role reads `<role>@<domain of the tenant>`"
        said = role_name(" ".join(name.split()))
        role = state_role(self._out, said, domain, self._who.mail_system(domain, row.place) if gives_any_mailbox(said) else None, row.place)
        self._out.edge("HAS_ROLE", self._holder(row["who"], row.place), role, row.place, basis=self._basis(row), **times)
        return ""

    def _mailing_list(self, address: str, place: str) -> Node:
        return self._who.group(address, place, "mailing list", address=address)

    def _list(self, row: Row, times: Times) -> str:
        address = identity.address(row["what"])
        if address is None:
            return "a mailing list is known by its address"
        self._out.edge("MEMBER_OF", self._holder(row["who"], row.place), self._mailing_list(address, row.place), row.place, **times)
        return ""

    def _archive(self, row: Row, times: Times) -> str:
        address, archive = identity.address(row["who"]), identity.address(row["what"])
        if address is None or archive is None:
            return "a mailing list and its archive are known by their addresses"
        mailbox = self._who.mailbox(archive, row.place, "archive", f"archive of {address}")
        self._out.edge("OWNS", self._mailing_list(address, row.place), mailbox, row.place, basis=self._basis(row), **times)
        return ""

    def _secret(self, name: str, row: Row) -> Node:
        secret = ("Secret", f"secret:stated/{' '.join(name.split()).casefold()}")
        self._out.node("Secret", secret[1], row.place, name=" ".join(name.split()), secret_kind=row.get("kind").casefold() or None)
        return secret

    def _key(self, row: Row, times: Times) -> str:
        if (kind := row.get("kind").casefold()) and kind not in _KINDS:
            return f"its kind {kind} is not one of {', '.join(sorted(_KINDS))}"
        holder = self._holder(row["who"], row.place)
        self._out.edge("KEEPS", holder, self._secret(row["what"], row), row.place, basis=self._basis(row), **times)
        return ""

    def _opens(self, row: Row, times: Times) -> str:
        if (kind := row.get("kind").casefold()) and kind not in _KINDS:
            return f"its kind {kind} is not one of {', '.join(sorted(_KINDS))}"
        text = row["what"]
        domain = identity.host(text[1:]) if text.startswith("@") else None
        if text.startswith("@") and not domain:
            return "a mail domain reads `@contoso.example`"
        target = self._who.mail_system(domain, row.place) if domain else self._holder(text, row.place)
        if target[0] == "Group":
            return "a group is not opened by a key"
        self._out.edge("OPENS", self._secret(row["who"], row), target, row.place, **times)
        return ""

    def _program(self, row: Row, times: Times) -> str:
        address = identity.address(row["who"])
        if address is None:
            return "a program is started by a rule of a mailbox, known by its address"
        name = " ".join(row["what"].split())
        mailbox, rule = self._who.mailbox(address, row.place, None), ("Rule", f"rule:{address}/inbox rule/{name}")
        self._out.node("Rule", rule[1], row.place, name=name, type="inbox rule", runs=True)
        self._out.edge("PASSES_THROUGH", mailbox, rule, row.place, basis=self._basis(row), **times)
        return ""
