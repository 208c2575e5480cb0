"""Export-RecipientPermissions (GruberMarkus) CSV: one row a right, the best single input there is (formats.md 3).

Claims a header with `Grantor Primary SMTP`, `Permission` and `Trustee Original Identity` (any delimiter; really `;` with BOM).

Yields, grantor by grantor: Mailbox with its type and, for a user's, the owner's Account; Group (a Microsoft 365 group OWNS its
mailbox); from `Permission`: FULL_ACCESS, SEND_AS, SEND_ON_BEHALF; FOLDER_RIGHT where the folder right allows reading; forwarding
from `Forward_*`; MEMBER_OF from `Member*`, from role groups and from `[MemberRecurse]` trustees. The mail system is that of the
commonest domain among the mailboxes; it hosts them, and the administrative role groups administer it.

Traps: nine rows in ten say None. `Default` is everyone in the organisation, `Anonymous` everyone. AvailabilityOnly and
LimitedDetails show a calendar, not mail. A guest's Forward_ExternalEmailAddress is its own address outside. Deny rows are no
rights. Role groups stand in `Folder`, nest by name, and often name members that are no recipients.
"""

from __future__ import annotations

import re
from collections import Counter

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import (
    Node,
    Recipients,
    Tally,
    group_type,
    is_known_group,
    is_nobody,
    mailbox_type,
    main_domain,
    recipient_details,
)

NAME = "recipient_permissions"
TITLE = "Export-RecipientPermissions result CSV"
PRIORITY = "must"
SEEN = "real sample"
READS = "mailboxes, owners, groups, members, full access, send as, folder rights, forwarding, Exchange role groups"

_GRANTOR, _GRANTOR_TYPE, _FOLDER, _RIGHT = "grantor primary smtp", "grantor recipient type", "folder", "permission"
_IDENTITY, _TRUSTEE, _TRUSTEE_TYPE = "trustee original identity", "trustee primary smtp", "trustee recipient type"
_REQUIRED = (_GRANTOR, _GRANTOR_TYPE, _FOLDER, _RIGHT, "allow/deny", _IDENTITY, _TRUSTEE, _TRUSTEE_TYPE)

_READING = frozenset(["owner", "publishingeditor", "editor", "publishingauthor", "author", "noneditingauthor", "reviewer", "readitems"])
_NOT_READING = frozenset(
    ["availabilityonly", "limiteddetails", "contributor", "custom", "createitems", "createsubfolders", "foldervisible", "foldercontact", "folderowner", "editowneditems", "deleteowneditems", "editallitems", "deleteallitems", "fulldetails"]
)
_EDGES = {"fullaccess": "FULL_ACCESS", "sendas": "SEND_AS", "sendonbehalf": "SEND_ON_BEHALF"}
_COVERS = {"fullaccess": "mailbox rights", "sendas": "send rights", "sendonbehalf": "send rights"}
_MEMBER = re.compile(r"^(?P<group>.*?)\s+\[Member(Recurse|Direct)\]\s+", re.IGNORECASE)
_EVERYONE = {"default": "Everyone (Default)", "anonymous": "Everyone, without signing in (Anonymous)"}


def detect(source: Source) -> Claim | None:
    """Claim the header of Export-RecipientPermissions."""
    wanted = {_GRANTOR, _RIGHT, _IDENTITY}
    return Claim(9, "header of Export-RecipientPermissions") if wanted <= header_of(source) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the whole file twice: once for its domain and its groups' names, once for the rights."""
    table = Table(source, options, out)
    table.require(*_REQUIRED)
    reader = _Reader(table, out)
    for row in table:
        reader.row(row)
    reader.finish()


class _Reader:
    def __init__(self, table: Table, out: FactBuffer) -> None:
        self._out = out
        self._who = Recipients(out)
        self._tally = Tally()
        self._seen: set[str] = set()  # words of coverage that some row speaks about
        self._role_groups: set[str] = set()
        self._groups: dict[str, str] = {}  # original identity of a trustee group -> its address
        domains: dict[str, str] = {}
        for row in table.peek():
            grantor = identity.address(row[_GRANTOR])
            if grantor and mailbox_type(row[_GRANTOR_TYPE]):
                domains[grantor] = identity.registrable(identity.domain_of(grantor))
            if group_type(row[_GRANTOR_TYPE]) == "role group":
                self._role_groups.add(row[_FOLDER].casefold())
            if group_type(row[_TRUSTEE_TYPE]) and (address := identity.address(row[_TRUSTEE])):
                self._groups.setdefault(row[_IDENTITY], address)
        self._domain = main_domain(Counter(domains.values())) or "unknown"

    def row(self, row: Row) -> None:
        """State what one row says."""
        if group_type(row[_GRANTOR_TYPE]) == "role group":
            self._role_group_member(row)
            return
        grantor = self._grantor(row)
        if grantor is None:
            return
        right = row[_RIGHT].casefold()
        if right and (row[_FOLDER] or right in _COVERS):
            self._seen.add("folder rights" if row[_FOLDER] else _COVERS[right])
        if right in ("none", ""):
            self._tally.add("with permission None, which grants nothing")
        elif row["allow/deny"].casefold() == "deny":
            self._tally.add("with Deny, which is no right")
        elif right in ("managedby", "mailenabled"):
            self._tally.add(f"with {row[_RIGHT]}, which opens no mailbox")
        elif right.startswith("forward_"):
            self._seen.add("forwarding")
            self._forward(row, grantor, right)
        else:
            self._right(row, grantor, right)

    def finish(self) -> None:
        """State what the file as a whole says."""
        self._tally.tell(self._out)
        mailboxes = sum(self._who.domains.values())
        self._who.host_all(self._domain)
        for what in ("mailboxes", *sorted(self._seen)):
            self._out.coverage(what, self._domain, collected=mailboxes)
        for what in sorted({"mailbox rights", "send rights", "folder rights", "forwarding"} - self._seen):
            self._out.note(f"no row is about {what}: whether the export asked for them is not known")
        if self._role_groups:
            self._out.coverage("exchange administrators", self._domain, collected=len(self._role_groups))

    def _grantor(self, row: Row) -> Node | None:
        """The mailbox, group or guest that grants; None, and refused or counted, where it is none of them."""
        address, name, kind = identity.address(row[_GRANTOR]), row.get("grantor display name"), row[_GRANTOR_TYPE]
        if address is None:
            self._out.refuse(row.at(_GRANTOR), row[_GRANTOR], "not an address")
            return None
        type_, place = mailbox_type(kind), row.place
        if type_:
            mailbox = self._who.mailbox(address, place, type_, name)
            if type_ == "user":
                self._who.owns(self._who.account(address, place, name, "user"), mailbox, place)
            if type_ == "group":
                self._who.owns(self._who.group(address, place, "microsoft365", title=name, address=address), mailbox, place)
            return mailbox
        if found := group_type(kind):
            return self._who.group(address, place, found, title=name, address=address)
        if recipient_details(kind) in ("guestmailuser", "mailuser"):
            return self._who.account(address, place, name, "guest" if "guest" in kind.casefold() else "user")
        self._tally.add(f"about a {kind.rpartition('/')[2] or 'recipient of unknown type'}, which has no mailbox here")
        return None

    def _role_group_member(self, row: Row) -> None:
        if row["allow/deny"].casefold() == "deny" or not row[_RIGHT].casefold().startswith("member") or not row[_FOLDER]:
            self._out.refuse(row.place, row[_RIGHT], "a role group's row must say Member and name the group in Folder")
            return
        group = self._who.role_group(row[_FOLDER], self._domain, row.place)
        name = row[_IDENTITY]
        member = self._trustee(row)
        if member is None:
            # Members that are no recipients are role groups of the directory (TenantAdmins_…), unless written DOMAIN\name.
            member = self._who.trustee(name, row.place) if "\\" in name else self._who.role_group(name, self._domain, row.place)
        self._out.edge("MEMBER_OF", member, group, row.place)

    def _trustee(self, row: Row) -> Node | None:
        """The trustee by its address or SID; None where the export could not resolve it."""
        address = identity.address(row[_TRUSTEE]) or identity.address(row[_IDENTITY])
        name, type_ = row.get("trustee display name"), group_type(row[_TRUSTEE_TYPE])
        if address and type_:
            return self._who.group(address, row.place, type_, title=name, address=address)
        if address:
            return self._who.account(address, row.place, name)
        sid = identity.sid(row.get("trustee sid")) or identity.sid(row[_IDENTITY])
        return self._who.trustee(sid, row.place) if sid else None

    def _holder(self, row: Row) -> Node | None:
        """The trustee by whatever it is called; None, and refused, where the row names none."""
        if found := self._trustee(row):
            return found
        name = row[_IDENTITY]
        if name.casefold() in _EVERYONE:
            return self._who.group(f"{name.casefold()}/{self._domain}", row.place, "security", title=_EVERYONE[name.casefold()])
        if not name:
            self._out.refuse(row.at(_IDENTITY), "", "the right has no trustee")
            return None
        if name.casefold() in self._role_groups:
            return self._who.role_group(name, self._domain, row.place)
        if is_known_group(name) and "\\" not in name:
            return self._who.role_group(name, self._domain, row.place)
        return self._who.trustee(name, row.place)

    def _right(self, row: Row, grantor: Node, right: str) -> None:
        words = {word.strip() for word in right.split(",")}
        if not words & (_READING | _EDGES.keys()) and not right.startswith("member"):
            if words <= _NOT_READING:
                self._tally.add("with a folder right that does not read mail (AvailabilityOnly, LimitedDetails …)")
            else:
                self._out.refuse(row.at(_RIGHT), row[_RIGHT], "a permission hakyu does not know")
            return
        if is_nobody(row[_IDENTITY]) or identity.address(row[_TRUSTEE]) == identity.address(row[_GRANTOR]):
            self._tally.add("on the trustee's own mailbox")
            return
        if match := _MEMBER.match(row[_IDENTITY]):
            self._expanded_member(row, match["group"])
            return
        holder = self._holder(row)
        if holder is not None:
            self._state(row, holder, grantor, right)

    def _state(self, row: Row, holder: Node, grantor: Node, right: str) -> None:
        inherited, place = row.flag("inherited"), row.place
        if right.startswith("member"):
            address = identity.address(row[_GRANTOR]) or ""
            if group_type(row[_GRANTOR_TYPE]):  # a Microsoft 365 group grants as its mailbox, but its members are the group's
                self._out.edge("MEMBER_OF", holder, ("Group", identity.group_key(address)), place)
            else:
                self._out.refuse(row.at(_RIGHT), row[_RIGHT], "only a group has members")
        elif grantor[0] == "Account" or (grantor[0] == "Group" and right not in ("sendas", "sendonbehalf")):
            self._tally.add(f"with {row[_RIGHT]} on a recipient that has no mailbox")
        elif right in _EDGES:
            self._out.edge(_EDGES[right], holder, grantor, place, basis=row[_RIGHT], inherited=inherited)
        else:
            self._out.edge("FOLDER_RIGHT", holder, grantor, place, folder=row[_FOLDER] or "/", rights=row[_RIGHT])

    def _expanded_member(self, row: Row, group_identity: str) -> None:
        """A row that expands the group which really holds the right: the membership is the fact."""
        address = self._groups.get(group_identity) or identity.address(group_identity)
        group = self._who.group(address or f"{group_identity}@{self._domain}", row.place, None, title=group_identity, address=address)
        member = self._trustee(row)
        if member is None:
            self._out.refuse(row.at(_TRUSTEE), row[_IDENTITY], "the group's member has no address")
        else:
            self._out.edge("MEMBER_OF", member, group, row.place)

    def _forward(self, row: Row, grantor: Node, right: str) -> None:
        target = identity.address(row[_TRUSTEE]) or identity.address(row[_IDENTITY])
        own = identity.address(row[_GRANTOR]) or ""
        if target is None:
            self._out.refuse(row.at(_TRUSTEE), row[_IDENTITY], "forwards to something that has no address")
        elif grantor[0] == "Account":
            self._who.address(grantor, target, "mail", row.place)
            self._tally.add("with a guest's own address outside, which is no forwarding")
        elif grantor[0] == "Group":
            keeps = right.endswith("deliverandforward")
            self._out.edge("FORWARDS_TO", grantor, ("Correspondent", identity.smtp_key(target)), row.place, keeps_copy=keeps)
        else:
            self._who.forwarding(grantor, own, target, row.place, right.endswith("deliverandforward"))
