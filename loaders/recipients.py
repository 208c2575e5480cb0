"""What exports about recipients have in common: mailboxes and their owners, trustees, forwarding, Exchange's role groups.

Said in the keys of graphmodel/identity.py; nothing here reads a file. Each thing is stated once a file, where it first stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import polars as pl

from graphmodel import identity
from loaders.base import FactBuffer

Node = tuple[str, str]
"""(label, key)."""

# Members of these may give themselves any mailbox (default assignments; a custom scope is not seen in exports).
ADMIN_ROLE_GROUPS = frozenset(
    ("organization management", "recipient management", "discovery management", "exchange trusted subsystem", "exchange servers")
)
# Trustees known to be groups though the export gives only their name.
_KNOWN_GROUPS = ADMIN_ROLE_GROUPS | frozenset(
    ("view-only organization management", "exchange windows permissions", "public folder management", "delegated setup",
     "hygiene management", "compliance management", "records management", "help desk", "server management", "managed availability servers",
     "domain admins", "enterprise admins", "administrators", "exchange organization administrators", "exchange domain servers")
)  # fmt: skip
_NOBODY = ("nt authority\\", "nt-autorität\\", "s-1-5-10", "s-1-5-18")

_MAILBOX_TYPES = {
    "user": "user", "linked": "user", "legacy": "user", "shared": "shared", "team": "shared", "room": "room", "equipment": "room",
    "scheduling": "room", "group": "group", "discovery": "system", "system": "system", "arbitration": "system", "monitoring": "system",
    "auditlog": "system", "auxauditlog": "system", "supervisoryreviewpolicy": "system", "publicfolder": "public folder",
}  # fmt: skip


def recipient_details(recipient_type: str) -> str:
    """`sharedmailbox` of `UserMailbox/SharedMailbox` or `RemoteSharedMailbox`: the details, case folded."""
    return recipient_type.rpartition("/")[2].strip().casefold().removeprefix("remote")


def mailbox_type(recipient_type: str) -> str | None:
    """A mailbox's type by its RecipientType(Details), or None when it is no mailbox."""
    details = recipient_details(recipient_type)
    if not details.endswith("mailbox"):
        return None
    return _MAILBOX_TYPES.get(details.removesuffix("mailbox"), "system")


def group_type(recipient_type: str) -> str | None:
    """A group's type by its RecipientType(Details), or None when it is no group."""
    details = recipient_details(recipient_type)
    if "rolegroup" in details:
        return "role group"
    if details == "groupmailbox":
        return "microsoft365"
    if "group" not in details and details != "roomlist":
        return None
    return "security" if "security" in details else "distribution"


def is_nobody(trustee: str) -> bool:
    r"""Whether a trustee is the mailbox itself or the machine (`NT AUTHORITY\SELF`, `NT AUTHORITY\SYSTEM`)."""
    return trustee.casefold().startswith(_NOBODY)


def is_known_group(trustee: str) -> bool:
    r"""Whether a trustee's name (`CONTOSO\Organization Management`) is that of a group every Exchange or domain has."""
    return trustee.rpartition("\\")[2].strip().casefold() in _KNOWN_GROUPS


class Tally:
    """Counts rows that were read and say nothing for the graph; `tell` puts one note a reason: `1,070 rows with …`."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, reason: str, rows: int = 1) -> None:
        """Count one row, or several. `reason` continues "12 rows"."""
        if rows:
            self._counts[reason] += rows

    def tell(self, out: FactBuffer) -> None:
        """Put the notes."""
        for reason, rows in self._counts.items():
            out.note(f"{rows:,} {'row' if rows == 1 else 'rows'} {reason}")


class Recipients:
    """States recipients in `out`, each once."""

    def __init__(self, out: FactBuffer) -> None:
        self._out = out
        self._said: set[tuple[str, ...]] = set()
        self.domains: Counter[str] = Counter()
        """Registrable domains of the mailboxes stated: the most frequent one names the mail system."""
        self._mailboxes: dict[str, str] = {}
        self._many: list[tuple[pl.Series, pl.Series]] = []

    def echo(self, out: FactBuffer) -> Recipients:
        """States into another buffer; what it states counts as stated here, too."""
        other = Recipients(out)
        other._said = self._said
        return other

    def heard(self, said: Iterable[tuple[str, ...]]) -> None:
        """These were stated in columns: ("address", owner's key, address, kind), ("name", address), ("x500", owner's key, name)."""
        self._said.update(said)

    def has_address(self, owner: str, address: str, kind: str) -> bool:
        """Whether it was said that the owner, by its key, is known by the address."""
        return ("address", owner, address, kind) in self._said

    def is_new_address(self, owner: str, address: str, kind: str) -> bool:
        """Whether this was not said yet; then whoever asks states it."""
        return self._once("address", owner, address, kind)

    def _once(self, *what: str) -> bool:
        new = what not in self._said
        self._said.add(what)
        return new

    def address(self, owner: Node, address: str, kind: str, place: str, name: str | None = None) -> None:
        """`owner` is known by `address` (normalised); `kind`: primary | alias | upn | mail. `name`: whose address it is."""
        if self._once("address", owner[1], address, kind):
            self._out.edge("HAS_ADDRESS", owner, ("Correspondent", identity.smtp_key(address)), place, type=kind)
        if name and self._once("name", address):
            self._out.node("Correspondent", identity.smtp_key(address), place, name=name, address=address)

    def known_as(self, owner: Node, text: str, place: str) -> None:
        """`owner` is known by a legacyExchangeDN (`X500:/o=…`), which rules and old mail name it by; nothing where the text is none."""
        dn = identity.exchange_dn(text)
        if dn and self._once("x500", owner[1], dn):
            self._out.edge("HAS_ADDRESS", owner, ("Correspondent", identity.correspondent_key(dn)), place, type="x500")

    def account(self, address: str, place: str, name: str | None = None, type_: str | None = None) -> Node:
        """The account known by `address` (normalised), its primary one."""
        node = ("Account", identity.account_key(address))
        # Stated only where there is more to say than its key, so that a bare address never stands in for a name elsewhere.
        if (name or type_) and self._once(*node, type_ or ""):
            self._out.node("Account", node[1], place, name=name or address, type=type_, email=address)
        self.address(node, address, "primary", place, name)
        return node

    def mailbox(self, address: str, place: str, type_: str | None, name: str | None = None, *,
                created: int | None = None, extra: str | None = None) -> Node:  # fmt: skip
        """The mailbox whose primary address is `address` (normalised)."""
        node = ("Mailbox", identity.mailbox_key(address))
        if self._once(*node):
            self._out.node(
                "Mailbox", node[1], place, name=name, type=type_, address=address, basis="export", created=created, extra=extra
            )
            self._mailboxes[node[1]] = place
            self.domains[identity.registrable(identity.domain_of(address))] += 1
        self.address(node, address, "primary", place)
        return node

    def mailbox_node(self, text: str) -> tuple[Node, str | None]:
        """A mailbox by whatever an export calls it, and its address; by its name alone where that is no address. States nothing."""
        address = identity.address(text)
        return ("Mailbox", identity.mailbox_key(address or " ".join(text.split()).casefold())), address

    def mailbox_named(self, text: str, place: str) -> tuple[Node, str | None]:
        """The same, stated."""
        node, address = self.mailbox_node(text)
        if address:
            return self.mailbox(address, place, None), address
        if self._once(*node):
            self._out.node("Mailbox", node[1], place, name=text, basis="export")
        return node, None

    def owns(self, owner: Node, mailbox: Node, place: str) -> None:
        """`owner` (account or group) owns the mailbox."""
        if self._once("owns", owner[1], mailbox[1]):
            self._out.edge("OWNS", owner, mailbox, place, basis="export")

    def group(self, name: str, place: str, type_: str | None, *, title: str | None = None, address: str | None = None) -> Node:
        """The group known by `name` (address or name); `title` is what people call it."""
        node = ("Group", identity.group_key(name))
        if self._once(*node):
            self._out.node("Group", node[1], place, name=title or name, type=type_, address=address)
        if address:
            self.address(node, address, "primary", place)
        return node

    def trustee(self, text: str, place: str) -> Node:
        r"""Who holds a right, by whatever an export calls it: SID, address, `DOMAIN\name`, or a bare name."""
        if sid := identity.sid(text):
            return "Account", identity.ad_key(sid)
        if address := identity.address(text):
            return self.account(address, place)
        if is_known_group(text):
            return self.group(text, place, "security")
        return "Account", identity.account_key(text)

    def forwarding(self, mailbox: Node, address: str, target: str, place: str, keeps_copy: bool | None) -> None:
        """The mailbox forwards all its mail: `address` is its own, `target` where it goes (as identity.recipient gives it)."""
        key = f"rule:{address}/mailbox forwarding/{target}"
        if self._once(key):
            self._out.node("Rule", key, place, name="mailbox forwarding", type="mailbox forwarding", enabled=True)
            self.copies(mailbox, ("Rule", key), target, place, keeps_copy)

    def copies(self, mailbox: Node, rule: Node, target: str, place: str, keeps_copy: bool | None) -> None:
        """Mail of the mailbox passes the rule, which copies it to `target` (as identity.recipient gives it)."""
        goes = ("Correspondent", identity.correspondent_key(target))
        if self._once("passes", mailbox[1], rule[1]):
            self._out.edge("PASSES_THROUGH", mailbox, rule, place, basis="forwarding")
        if self._once("goes", rule[1], target):
            self._out.edge("FORWARDS_TO", rule, goes, place, keeps_copy=keeps_copy)
        if self._once("goes", mailbox[1], target):
            self._out.edge("FORWARDS_TO", mailbox, goes, place, keeps_copy=keeps_copy)

    def mail_system(self, domain: str, place: str) -> Node:
        """The mail system (Exchange organisation) of a domain; "" where the source does not tell it."""
        node = ("Service", identity.mail_system_key(domain))
        if self._once(*node):
            self._out.node("Service", node[1], place, name=f"mail of {domain or 'the tenant'}", type="mail system")
        return node

    def hosted(self, keys: pl.Series, places: pl.Series, addresses: pl.Series) -> None:
        """Mailboxes were stated in columns, in rows of a table that no other statement is about."""
        self._many.append((keys, places))
        domain = identity.domain_of(addresses[0])
        same = addresses.str.ends_with(f"@{domain}")  # few exports have more than one or two
        self.domains[identity.registrable(domain)] += int(same.sum())
        for domain, mailboxes in addresses.filter(~same).str.splitn("@", 2).struct[1].value_counts().iter_rows():
            self.domains[identity.registrable(domain)] += mailboxes

    def host_all(self, domain: str) -> None:
        """The mail system of `domain` hosts every mailbox stated so far: one export comes from one organisation."""
        many = [*self._many, *([(pl.Series([*self._mailboxes]), pl.Series([*self._mailboxes.values()]))] if self._mailboxes else [])]
        if self._many:  # by the first of the rows
            self.mail_system(domain, min((places[0] for _, places in many), key=lambda place: int(place.removeprefix("row "))))
        for keys, places in many:
            self._out.edges("HOSTS", self.mail_system(domain, places[0]), ("Mailbox", keys), places, basis="same export")

    def role_group(self, name: str, domain: str, place: str) -> Node:
        """An Exchange role group of the mail system of `domain`; where it may give itself any mailbox, that is said too."""
        group = self.group(f"{name}@{domain}", place, "role group", title=name)
        role = ("Role", f"role:exchange/{name.casefold()}@{domain}")
        if name.casefold() in ADMIN_ROLE_GROUPS and self._once(*role):
            self._out.node("Role", role[1], place, name=name, system="exchange")
            self._out.edge("HAS_ROLE", group, role, place, basis="role group")
            self._out.edge("ADMIN_TO", role, self.mail_system(domain, place), place, via="exchange role", basis=name)
        return group

    def main_domain(self) -> str | None:
        """The most frequent registrable domain of the mailboxes stated; the first by name where two are equal."""
        return main_domain(self.domains)


def main_domain(domains: Counter[str]) -> str | None:
    """The most frequent domain; the first by name where two are equal."""
    return min(domains, key=lambda domain: (-domains[domain], domain)) if domains else None
