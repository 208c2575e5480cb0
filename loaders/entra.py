"""A tenant's directory (Entra ID) as facts: users with their mailboxes, groups, the mail system.

Names of fields are those of Microsoft Graph (`userPrincipalName`, `proxyAddresses` …). Apps, roles and grants: loaders/entra_apps.py.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import polars as pl

from graphmodel import identity
from loaders import dates
from loaders.audit_who import guid, items_of, mail_domain, text_of
from loaders.base import FactBuffer, Options
from loaders.entra_roles import state_tenant
from loaders.recipients import Node, Recipients, Tally, main_domain

Record = dict[str, Any]

KEPT = ("companyName", "creationType", "usageLocation", "onPremisesSyncEnabled", "lastSignInDateTime", "lastNonInteractiveSignInDateTime")
NO_PROXY = "of users with a mail attribute but no proxy address: no mailbox is taken from it"
NO_MEMBER = "of group members that are devices, contacts or without an id: left out"
# Both say from when on sign-ins count: sessions from before were revoked then (or the password was changed).
REVOKED = ("signInSessionsValidFromDateTime", "refreshTokensValidFromDateTime")
_NUMBER = re.compile(r"\[(\d+)\]")
_MEMBER_KINDS = {"user": "User", "group": "Group", "serviceprincipal": "ServicePrincipal", "device": "Device", "orgcontact": "OrgContact"}


def is_outsider(upn: str) -> bool:
    """Whether a user principal name is that of somebody invited from elsewhere (`name_domain.com#EXT#@tenant…`)."""
    return "#ext#" in upn.casefold()


def real_address(upn: str) -> str | None:
    """The address that an invited user's principal name was made of; None where it is no such name. A domain has no `_`."""
    local, _, domain = re.split("#ext#", upn, flags=re.IGNORECASE)[0].rpartition("_")
    return identity.address(f"{local}@{domain}") if is_outsider(upn) else None


def folded(record: Record) -> Record:
    """Keys as Graph writes them; PowerShell begins them with a capital."""
    if not any(key[:1].isupper() for key in record):
        return record
    return {key[:1].lower() + key[1:]: value for key, value in record.items()}


def object_kind(record: Record) -> str:
    """User | Group | ServicePrincipal | Device … of an object in a list of members or owners; "" where it does not say."""
    said = text_of(record, "@odata.type", "odata.type", "objectType").rpartition(".")[2].casefold()
    if said:
        return _MEMBER_KINDS.get(said, said)
    return "User" if "userPrincipalName" in record else "ServicePrincipal" if "appId" in record else "Group" if "groupTypes" in record else ""


class Directory:
    """States users and groups in `out`, each once. `seen` counts objects by kind; `more`: the source is only a page of them."""

    def __init__(self, out: FactBuffer, options: Options) -> None:
        self.out, self.options = out, options
        self.who, self.tally = Recipients(out), Tally()
        self.seen: Counter[str] = Counter()
        self.domains: Counter[str] = Counter()
        self.default_domain: str | None = None
        self.tenant_id = ""
        self.accepted: dict[str, str] = {}
        """Verified domains that take mail -> where the source says so."""
        self.more = self.says_members = False
        self._said: set[tuple[str, ...]] = set()
        self._mailboxes: dict[str, str] = {}
        self._mailbox_of: dict[str, Node] = {}
        self._members: dict[Node, str] = {}
        # Of users that were stated in columns (loaders/entra_batches.py): keys, and the place of each.
        self._hosted: list[tuple[pl.Series, pl.Series]] = []
        self._belonging: list[tuple[pl.Series, pl.Series]] = []
        self._owners: list[tuple[pl.Series, pl.Series]] = []

    def once(self, *what: str) -> bool:
        """Whether this was not said before."""
        new = what not in self._said
        self._said.add(what)
        return new

    def heard(self, said: Iterable[tuple[str, ...]]) -> None:
        """These were stated in columns."""
        self._said.update(said)

    def is_named(self, account: str) -> bool:
        """Whether a list of members or owners named the account, by its key."""
        return ("principal", account) in self._said

    def moment(self, value: Any, *, ahead: bool = False) -> int | None:
        """Seconds of a date as JSON or a table has it; None where it is none. The year 1 means never. `ahead`: it may lie in the future."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if not isinstance(value, str) or not value.strip() or value.startswith("0001-"):
            return None
        try:
            return dates.moment(value, None, None if ahead else self.options.now)
        except dates.BadDate:
            self.tally.add("with a date that is none or not to be believed, taken as unknown")
            return None

    # -- users ---------------------------------------------------------------------------------------------------------

    def user(self, given: Record, place: str) -> Node | None:
        """A user; None, and refused, where it has neither object id nor principal name."""
        user = folded(given)
        id_, upn = guid(user.get("id")) or guid(user.get("objectId")), text_of(user, "userPrincipalName")
        as_address = identity.address(upn)
        if not id_ and not as_address:
            self.out.refuse(place, upn or text_of(user, "id"), "a user with neither object id nor user principal name")
            return None
        node = ("Account", f"entra:{id_}" if id_ else identity.upn_key(upn))
        if not self.once("user", node[1]):
            return node
        self.seen["users"] += 1
        guest = is_outsider(upn) or text_of(user, "userType").casefold() == "guest"
        primary, aliases = self._addresses(user)
        enabled = user.get("accountEnabled")
        created = self.moment(user.get("createdDateTime"))
        self.out.node(
            "Account", node[1], place, name=text_of(user, "displayName") or upn or None, type="guest" if guest else "user", upn=as_address or upn or None,
            email=primary or real_address(upn), sam=text_of(user, "onPremisesSamAccountName") or None,
            domain=text_of(user, "onPremisesDomainName").casefold() or None, enabled=enabled if isinstance(enabled, bool) else None,
            department=text_of(user, "department") or None, title=text_of(user, "jobTitle") or None,
            country=text_of(user, "country", "usageLocation") or None, created=created,
            password_set=self.moment(user.get("lastPasswordChangeDateTime")), object_id=id_, extra=extra_of(user, KEPT),
        )  # fmt: skip
        self._known_by(node, upn, as_address, primary, aliases, place, text_of(user, "displayName"))
        self._x500(node, user, place)
        if not guest:
            self.of_tenant(node, place)
        if primary and not is_outsider(upn):
            self._own_mailbox(node, primary, aliases, user, place)
        if sid := identity.sid(text_of(user, "onPremisesSecurityIdentifier")):
            self.out.edge("SAME_IDENTITY", node, ("Account", identity.ad_key(sid)), place, reason="onPremisesSecurityIdentifier of the user")
        self._revoked(node, user, created, place)
        return node

    def _x500(self, node: Node, user: Record, place: str) -> None:
        """The legacyExchangeDNs among proxyAddresses, by which rules and old mail name a recipient."""
        listed = user.get("proxyAddresses")
        for text in listed if isinstance(listed, list) else ():
            if isinstance(text, str) and text[:5].casefold() == "x500:":
                self.who.known_as(node, text, place)

    def _addresses(self, user: Record) -> tuple[str | None, list[str]]:
        """(primary, others). proxyAddresses says which is which by the case of `SMTP:`; without that list there is only `mail`."""
        listed = user.get("proxyAddresses")
        texts = [item.strip() for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
        primary = next((address for text in texts if text.startswith("SMTP:") and (address := identity.address(text))), None)
        others = [address for text in texts if text.startswith("smtp:") and (address := identity.address(text)) and address != primary]
        return primary or identity.address(text_of(user, "mail")), others

    def _known_by(self, node: Node, upn: str, as_address: str | None, primary: str | None, aliases: list[str], place: str, name: str) -> None:
        title = name or None
        if as_address:
            self.who.address(node, as_address, "upn", place, title if not is_outsider(upn) else None)
        if primary:
            self.who.address(node, primary, "mail", place, title)
        elif outside := real_address(upn):
            self.who.address(node, outside, "mail", place, title)
        for alias in aliases:
            self.who.address(node, alias, "alias", place)

    def _own_mailbox(self, node: Node, primary: str, aliases: list[str], user: Record, place: str) -> None:
        if "proxyAddresses" in user and not user["proxyAddresses"]:
            self.tally.add(NO_PROXY)
            return
        if identity.domain_of(primary) in identity.FREE_MAIL:
            return
        mailbox = self.mailbox(primary, "user", aliases, text_of(user, "displayName"), place)
        self._x500(mailbox, user, place)
        self._mailbox_of[node[1]] = mailbox
        self.out.edge("OWNS", node, mailbox, place, basis="mail attribute")

    def mailbox(self, primary: str, type_: str, aliases: list[str], name: str, place: str) -> Node:
        """The mailbox that a mail attribute shows."""
        node = ("Mailbox", identity.mailbox_key(primary))
        if self.once(*node):
            self.out.node("Mailbox", node[1], place, name=name or None, type=type_, address=primary, basis="mail attribute")
            self._mailboxes[node[1]] = place
            self.domains[mail_domain(primary)] += 1
        self.who.address(node, primary, "primary", place)
        for alias in aliases:
            self.who.address(node, alias, "alias", place)
        return node

    def mailbox_of(self, account: str) -> Node | None:
        """The mailbox of an account, by its key, where a user said so."""
        while self._owners:
            accounts, mailboxes = self._owners.pop()
            self._mailbox_of |= {owner: ("Mailbox", mailbox) for owner, mailbox in zip(accounts.to_list(), mailboxes.to_list(), strict=True)}
        return self._mailbox_of.get(account)

    def own_many(self, accounts: pl.Series, mailboxes: pl.Series, addresses: pl.Series, places: pl.Series) -> None:
        """Accounts were stated in columns with the mailbox of each (keys), which no other statement is about."""
        if len(accounts):
            self._owners.append((accounts, mailboxes))
            self._hosted.append((mailboxes, places))
            for domain, count in addresses.str.replace("^.*@", "").value_counts().iter_rows():
                self.domains[mail_domain(f"@{domain}")] += count

    def many_of_tenant(self, accounts: pl.Series, places: pl.Series) -> None:
        """As `of_tenant`, of accounts by their keys."""
        if len(accounts):
            self._belonging.append((accounts, places))

    def _revoked(self, node: Node, user: Record, created: int | None, place: str) -> None:
        for field in REVOKED:
            at = self.moment(user.get(field))
            if at is None or (created is not None and at <= created):  # set when the account is made
                continue
            key = f"remediation:revoke/{node[1]}/{at}"
            if self.once(key):
                self.out.node("Remediation", key, place, name="sessions revoked", what="revoke", at=at, by=field)
                self.out.edge("REMEDIATES", ("Remediation", key), node, place)

    # -- groups --------------------------------------------------------------------------------------------------------

    def group(self, given: Record, place: str) -> Node | None:
        """A group; None, and refused, where it has no object id."""
        group = folded(given)
        id_ = guid(group.get("id")) or guid(group.get("objectId"))
        if not id_:
            self.out.refuse(place, text_of(group, "displayName"), "a group without an object id")
            return None
        node = ("Group", identity.group_key(id_))
        types = group.get("groupTypes")
        unified = isinstance(types, list) and "Unified" in types
        if self.once(*node):
            self.seen["groups"] += 1
            address, aliases = self._addresses(group)
            type_ = "microsoft365" if unified else "security" if group.get("securityEnabled") is True else "distribution" if address else None
            name = text_of(group, "displayName")
            self.out.node("Group", node[1], place, name=name or None, type=type_, address=address, sam=text_of(group, "onPremisesSamAccountName") or None)
            if address:
                self._group_mail(node, address, aliases, name, unified, place)
            if sid := identity.sid(text_of(group, "onPremisesSecurityIdentifier")):
                self.out.edge("SAME_IDENTITY", node, ("Group", identity.ad_key(sid)), place, reason="onPremisesSecurityIdentifier of the group")
        for number, member in enumerate(items_of(group, "members")):
            self.member(node, member, f"{place}.members[{number}]")
        return node

    def _group_mail(self, node: Node, address: str, aliases: list[str], name: str, unified: bool, place: str) -> None:
        self.who.address(node, address, "primary", place, name or None)
        for alias in aliases:
            self.who.address(node, alias, "alias", place)
        self.out.edge("SAME_IDENTITY", node, ("Group", identity.group_key(address)), place, reason="mail address of the group")
        if unified:
            self.out.edge("OWNS", node, self.mailbox(address, "group", aliases, name, place), place, basis="mail attribute")

    def member(self, group: Node, record: Record, place: str) -> None:
        """A user, group or app in a list of members of `group`. Devices and contacts hold no right here: they are only counted."""
        node = self.principal(object_kind(record), record.get("id"), place, record)
        if node is None:
            self.tally.add(NO_MEMBER)
        elif self.once("member", node[1], group[1]):
            self.says_members = True
            self.out.edge("MEMBER_OF", node, group, place)

    def principal(self, kind: str, object_id: Any, place: str, record: Record | None = None) -> Node | None:
        """User, group or app by its object id; None for other kinds. `record`: what a list says of it besides, so that it has a name."""
        id_ = guid(object_id)
        if id_ is None:
            return None
        if kind in ("User", ""):
            node = ("Account", f"entra:{id_}")
            upn = text_of(record or {}, "userPrincipalName")
            if upn and self.once("principal", node[1]):
                as_address = identity.address(upn)
                self.out.node("Account", node[1], place, name=text_of(record or {}, "displayName") or upn, upn=as_address or upn, object_id=id_)
                if as_address:
                    self.who.address(node, as_address, "upn", place)
            return node
        if kind == "Group":
            return ("Group", identity.group_key(id_))
        return self.app(id_) if kind == "ServicePrincipal" else None

    def app(self, object_id: str) -> Node:
        """An application by an object id, or by its app id."""
        return ("App", f"app:{object_id}")

    # -- the mail system -----------------------------------------------------------------------------------------------

    def domain(self) -> str:
        """The domain of most mailboxes, else the tenant's default one, else that of --mailbox; "" where none is known."""
        stated = identity.address(self.options.mailbox)
        return main_domain(self.domains) or self.default_domain or (mail_domain(stated) if stated else "")

    def tenant(self) -> str:
        """What the tenant is known by: the domain of its mail system, else its id; "" where neither is known. Final when all is read."""
        return self.domain() or self.tenant_id

    def of_tenant(self, node: Node, place: str) -> None:
        """The account or application belongs to the tenant; stated at the end, when it is known what the tenant is called."""
        self._members.setdefault(node, place)

    def _state_tenant(self) -> None:
        """State what belongs to the tenant."""
        tenant = ("Container", identity.tenant_key(self.tenant()))
        accounts = [place for node, place in self._members.items() if node[0] == "Account"][:1]
        if first := _first(accounts, self._belonging) or next(iter(self._members.values()), None):
            state_tenant(self.out, self.tenant(), first)
        for node, place in self._members.items():
            self.out.edge("BELONGS_TO", node, tenant, place, basis="directory of the tenant")
        for keys, places in self._belonging:
            self.out.edges("BELONGS_TO", ("Account", keys), tenant, places, basis="directory of the tenant")

    def _accept_all(self) -> None:
        """The mail system takes mail for the tenant's verified domains."""
        for domain, place in self.accepted.items() if self.domain() else ():
            organisation = ("Organisation", f"domain:{identity.registrable(domain)}")
            self.out.node("Organisation", organisation[1], place, name=identity.registrable(domain))
            self.out.edge("ACCEPTS_MAIL_FOR", self.mail_system(place), organisation, place, domain=domain, subdomains=False, type="authoritative")

    def mail_system(self, place: str) -> Node:
        """The tenant's mail system. One whose domain is not known is kept apart under a key of its own."""
        domain = self.domain()
        node = ("Service", identity.mail_system_key(domain))
        if self.once(*node):
            self.out.node("Service", node[1], place, name=f"mail of {domain or 'the tenant'}", type="mail system")
        return node

    def host_all(self) -> None:
        """The mail system hosts every mailbox stated: one directory has one. With it what takes its mail and what belongs to its tenant."""
        if first := _first([*self._mailboxes.values()][:1], self._hosted):
            self.mail_system(first)
        for keys, places in self._hosted:
            self.out.edges("HOSTS", ("Service", identity.mail_system_key(self.domain())), ("Mailbox", keys), places, basis="same directory")
        for mailbox, place in self._mailboxes.items():
            self.out.edge("HOSTS", self.mail_system(place), ("Mailbox", mailbox), place, basis="same directory")
        self._accept_all()
        self._state_tenant()


def _first(single: list[str], many: list[tuple[pl.Series, pl.Series]]) -> str | None:
    """Which of the first places (`value[12]`) stands first in the file; None where there is none."""
    if not many:
        return single[0] if single else None
    return min((*single, *(str(places[0]) for _, places in many)), key=lambda place: int(_NUMBER.findall(place)[0]))


def extra_of(record: Record, names: tuple[str, ...]) -> str | None:
    """What is kept of a record besides, as JSON; None where it says nothing of it."""
    kept = {name: record[name] for name in names if isinstance(record.get(name), str | bool | int) and record[name] != ""}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else None
