"""Get-Mailbox and Get-EXOMailbox CSV: the mailboxes, their addresses, forwarding (formats.md 3).

Claims a header with `PrimarySmtpAddress` (else `UserPrincipalName`, `WindowsEmailAddress`) and a column only mailboxes have, or two such columns
without any of them (then it is Broken: the column is named).

Yields Mailbox (`RecipientTypeDetails`, `DisplayName`, `WhenMailboxCreated`), HAS_ADDRESS (`PrimarySmtpAddress`, `EmailAddresses`,
the X500 ones and `LegacyExchangeDN` among them, by which rules name their targets),
for a user's mailbox the owner's Account by `UserPrincipalName` (else by the primary address), the same as the Entra object of
`ExternalDirectoryObjectId`; FORWARDS_TO and a Rule
(`ForwardingSmtpAddress`, `ForwardingAddress`, `DeliverToMailboxAndForward`), SEND_ON_BEHALF (`GrantSendOnBehalfTo`), the mail
system of the commonest domain with all the mailboxes.

Traps: Get-EXOMailbox leaves the forwarding columns out by default, which is not "no forwarding": no coverage is stated then.
Lists come as `{…}`, joined by `;`, `,` or spaces, or as a useless type name. `ForwardingAddress` and `GrantSendOnBehalfTo` may be
names or DNs: such a cell is refused, the rest of the row is used. Without PrimarySmtpAddress the mailbox is known by the user principal name, which may be
another address: a note says so.
"""

from __future__ import annotations

import re
from functools import partial

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.mailbox_columns import Mailboxes
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients, Tally, mailbox_type

NAME = "get_mailbox"
TITLE = "Get-Mailbox / Get-EXOMailbox CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "mailboxes, owners, addresses, forwarding, send on behalf"

_PRIMARY = "primarysmtpaddress"
_INSTEAD = ("windowsemailaddress", "userprincipalname")
_OWN = frozenset(
    ["recipienttypedetails", "forwardingsmtpaddress", "delivertomailboxandforward", "exchangeguid", "whenmailboxcreated", "grantsendonbehalfto", "litigationholdenabled", "forwardingaddress"]
)
_OTHERS = frozenset(["grouptype", "fullaccessusers", "memberjoinrestriction", "foldername", "accessrights", "externalemailaddress"])
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CAPS = (1000, 5000, 10_000, 50_000)


def detect(source: Source) -> Claim | None:
    """Claim a header of mailboxes."""
    header = header_of(source)
    own = len(header & _OWN)
    if not own or header & _OTHERS:
        return None
    if _PRIMARY in header:
        return Claim(6, "PrimarySmtpAddress and columns of mailboxes")
    return Claim(5, "columns of mailboxes") if own >= 2 or header & set(_INSTEAD) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows, many at once; the mail system is stated at the end, when the commonest domain is known."""
    table = Table(source, options, out, dates=("whenmailboxcreated", "whencreated"))
    known_by = next((name for name in (_PRIMARY, *_INSTEAD) if table.has(name)), _PRIMARY)
    table.require(known_by)
    if known_by != _PRIMARY:
        out.note(f"no column PrimarySmtpAddress: mailboxes are known by {known_by}, which may be another address")
    if not table.has("recipienttypedetails"):
        out.note("no column RecipientTypeDetails: every mailbox is taken to be a user's")
    who, tally, before = Recipients(out), Tally(), out.records
    Mailboxes(table, options, known_by, who, out, tally, partial(_mailbox, known_by)).read()
    tally.tell(out)
    domain = who.main_domain()
    if domain:
        who.host_all(domain)
    _coverage(table, out, domain or "", sum(who.domains.values()), out.records - before in _CAPS)


def _coverage(table: Table, out: FactBuffer, domain: str, mailboxes: int, capped: bool) -> None:
    note = "as many rows as Exchange returns by default: there may be more mailboxes" if capped else None
    out.coverage("mailboxes", domain, collected=mailboxes, capped=capped, note=note)
    if table.has("forwardingsmtpaddress") or table.has("forwardingaddress"):
        missing = [name for name in ("ForwardingSmtpAddress", "ForwardingAddress") if not table.has(name.casefold())]
        out.coverage("forwarding", domain, collected=mailboxes, capped=capped, note=f"without {missing[0]}" if missing else None)
    else:
        out.note("no forwarding columns: forwarding is not known (Get-EXOMailbox gives them with -PropertySets Delivery)")
    if table.has("grantsendonbehalfto"):
        out.coverage("send rights", domain, collected=mailboxes, capped=capped, note="send on behalf only")


def _mailbox(known_by: str, row: Row, who: Recipients, out: FactBuffer, tally: Tally) -> None:
    address, details = identity.address(row[known_by]), row.get("recipienttypedetails")
    if address is None:
        out.refuse(row.at(known_by), row.raw(known_by), "not an address")
        return
    type_ = mailbox_type(details) if details else "user"
    if type_ is None:
        tally.add(f"about a {details}, which is no mailbox here")
        return
    name = row.get("displayname") or row.get("name") or None
    mailbox = who.mailbox(address, row.place, type_, name, created=row.date("whenmailboxcreated", "whencreated"))
    _addresses(row, who, mailbox, address)
    if type_ == "user":
        who.owns(_owner(row, who, out, address, name), mailbox, row.place)
    elif type_ == "group":
        who.owns(who.group(address, row.place, "microsoft365", title=name, address=address), mailbox, row.place)
    if row.flag("auditenabled") is False:
        tally.add("with AuditEnabled False: of these mailboxes the audit log sees nothing")
    unusable = _forwarding(row, who, mailbox, address) + _send_on_behalf(row, who, out, mailbox)
    if unusable:
        columns = ", ".join(dict.fromkeys(column for column, _ in unusable))
        texts = "; ".join(text for _, text in unusable)
        out.refuse(row.at(columns), texts, "names no address: export the target's PrimarySmtpAddress; the rest of the row is used")


def _owner(row: Row, who: Recipients, out: FactBuffer, address: str, name: str | None) -> Node:
    upn, object_id = identity.address(row.get("userprincipalname")), row.get("externaldirectoryobjectid").casefold()
    if upn is None:
        return who.account(address, row.place, name, "user")
    owner = ("Account", identity.upn_key(upn))
    out.node("Account", owner[1], row.place, name=name or upn, type="user", upn=upn, email=address, object_id=object_id or None)
    if _GUID.fullmatch(object_id):
        reason = "user principal name and ExternalDirectoryObjectId of one mailbox"
        out.edge("SAME_IDENTITY", ("Account", f"entra:{object_id}"), owner, row.place, reason=reason)
    who.address(owner, upn, "upn", row.place)
    who.address(owner, address, "primary", row.place, name)
    return owner


def _addresses(row: Row, who: Recipients, mailbox: Node, primary: str) -> None:
    who.known_as(mailbox, row.get("legacyexchangedn"), row.place)
    for item in row.list("emailaddresses"):
        prefix, colon, rest = item.partition(":")
        if colon and prefix.casefold() != "smtp":
            who.known_as(mailbox, item, row.place)  # X500: rules name their targets by it; SIP, SPO, EUM: no mail comes by them
            continue
        address = identity.address(rest if colon else item)
        if address and address != primary:
            who.address(mailbox, address, "alias", row.place)


def _forwarding(row: Row, who: Recipients, mailbox: Node, address: str) -> list[tuple[str, str]]:
    """State the forwarding; (column, text) of each target that is no address."""
    unusable = []
    for column in ("forwardingsmtpaddress", "forwardingaddress"):
        text = row.get(column)
        target = identity.recipient(text)
        if target:
            who.forwarding(mailbox, address, target, row.place, row.flag("delivertomailboxandforward"))
        elif text:
            unusable.append((column, text))
    return unusable


def _send_on_behalf(row: Row, who: Recipients, out: FactBuffer, mailbox: Node) -> list[tuple[str, str]]:
    unusable = []
    for item in row.list("grantsendonbehalfto"):
        if trustee := identity.address(item):
            holder = who.account(trustee, row.place)
            out.edge("SEND_ON_BEHALF", holder, mailbox, row.place, basis="GrantSendOnBehalfTo")
        else:
            unusable.append(("grantsendonbehalfto", item))
    return unusable
