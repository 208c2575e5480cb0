"""Exports of the mail system as PowerShell's Export-Csv and Export-RecipientPermissions write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from hakyu.demo.dice import Dice
from hakyu.demo.mail import TRACED_FROM, Mail, copies
from hakyu.demo.organisation import DOMAIN, SINK, WHO, Account, Organisation

_BOM = "\ufeff"
_TRACE_DAYS = 10  # Get-MessageTraceV2 answers for ten days at a time


def quoted(header: Sequence[str], rows: Iterable[Sequence[str]], *, delimiter: str = ",", bom: bool = True) -> bytes:
    """A CSV as Export-Csv writes it: every cell quoted, lines end in CR LF."""
    lines = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in (header, *rows)]
    return ((_BOM if bom else "") + "".join(f"{line}\r\n" for line in lines)).encode()


def mailboxes(org: Organisation) -> bytes:
    """Get-Mailbox | Select-Object … | Export-Csv -Encoding UTF8."""
    header = (
        "DisplayName",
        "PrimarySmtpAddress",
        "Alias",
        "RecipientTypeDetails",
        "EmailAddresses",
        "ForwardingAddress",
        "ForwardingSmtpAddress",
        "DeliverToMailboxAndForward",
        "GrantSendOnBehalfTo",
        "HiddenFromAddressListsEnabled",
        "WhenMailboxCreated",
    )
    rows = []
    directors = [account for account in org.staff if account.title == "Director"]
    for at, account in enumerate(org.staff):
        forward = f"smtp:{account.email.partition('@')[0]}@ken-institute.example" if at in (40, 170) else ""
        behalf = org.staff[at - 1].email if account in directors and at % 12 == 0 and at else ""
        rows.append(_mailbox(account.name, account.email, "UserMailbox", account.sam, forward, behalf, at))
    rows += [
        _mailbox(shared.name, shared.address, shared.type, shared.address.partition("@")[0], "", "", 300) for shared in org.shared
    ]
    return quoted(header, rows)


def _mailbox(name: str, address: str, type_: str, alias: str, forward: str, behalf: str, number: int) -> tuple[str, ...]:
    local = address.partition("@")[0]
    addresses = f"SMTP:{address} smtp:{alias}@{DOMAIN}" if alias != local else f"SMTP:{address}"
    created = f"{2019 + number % 3}-{1 + number % 12:02d}-{1 + number % 28:02d}T09:00:00"
    return name, address, alias, type_, addresses, "", forward, "True" if forward else "False", behalf, "False", created


def mailbox_permissions(org: Organisation) -> bytes:
    """Get-MailboxPermission: the mailbox itself, administrators by inheritance, and the delegates that matter."""
    rows = []
    for account in org.staff:
        rows += _standing_rights(account.email)
    for at in range(20, len(org.staff), 24):  # secretaries of directors
        rows.append(_full_access(org.staff[at].email, org.staff[at + 1].email))
    for shared in org.shared:
        rows += _standing_rights(shared.address)
        rows += [_full_access(shared.address, delegate) for delegate in shared.delegates]
    return quoted(("Identity", "User", "AccessRights", "IsInherited", "Deny", "InheritanceType"), rows)


def _standing_rights(address: str) -> list[tuple[str, ...]]:
    return [
        (address, "NT AUTHORITY\\SELF", "FullAccess, ReadPermission", "False", "False", "All"),
        (address, "NCCO\\Organization Management", "FullAccess", "True", "True", "All"),
        (address, "NCCO\\Exchange Servers", "FullAccess", "True", "False", "All"),
    ]


def _full_access(address: str, user: str) -> tuple[str, ...]:
    return address, user, "FullAccess", "False", "False", "All"


def recipient_permissions(org: Organisation) -> bytes:
    """Get-RecipientPermission: send as."""
    rows = [(account.email, "NT AUTHORITY\\SELF", "Allow", "SendAs", "False", "None") for account in org.staff]
    rows += [(f"{local}@{DOMAIN}", WHO, "Allow", "SendAs", "False", "None") for local in ("info", "g7-cyber")]
    rows += [
        (shared.address, shared.delegates[-1], "Allow", "SendAs", "False", "None") for shared in org.shared if shared.delegates
    ]
    return quoted(("Identity", "Trustee", "AccessControlType", "AccessRights", "IsInherited", "InheritanceType"), rows)


def inbox_rules(org: Organisation) -> bytes:
    """Get-InboxRule of all mailboxes: order and habits, and one rule named by a dot."""
    header = (
        "MailboxOwnerId",
        "PrimarySmtpAddress",
        "Name",
        "Enabled",
        "Priority",
        "RuleIdentity",
        "ForwardTo",
        "RedirectTo",
        "ForwardAsAttachmentTo",
        "MoveToFolder",
        "DeleteMessage",
        "MarkAsRead",
        "From",
        "SubjectOrBodyContainsWords",
        "Description",
    )
    dice, rows = Dice(77), []
    for number, account in enumerate(dice.some(org.staff[1:], 45)):
        name, folder = (("Newsletter", "Newsletters"), ("会議", "会議"), ("ML", "Mailing lists"))[number % 3]
        rows.append(_rule(account, name, 1000 + number, folder=folder))
    deputy = org.staff[-1]
    rows.append(_rule(org.staff[9], "Holiday", 1100, forward=f'"{deputy.name}" [SMTP:{deputy.email}]', enabled=False))
    rows.append(_rule(org.staff[33], "代理", 1101, forward=f'"{deputy.name}" [SMTP:{deputy.email}]'))
    rows.append(_rule(org.staff[0], ".", 7105, redirect=f'"{SINK}" [SMTP:{SINK}]', read=True))
    return quoted(header, rows)


def _rule(
    account: Account,
    name: str,
    number: int,
    *,
    forward: str = "",
    redirect: str = "",
    folder: str = "",
    enabled: bool = True,
    read: bool = False,
) -> tuple[str, ...]:
    return (
        account.name,
        account.email,
        name,
        str(enabled),
        "1",
        f"{2**40 + number}",
        forward,
        redirect,
        "",
        folder,
        "False",
        str(read),
        "",
        "",
        "",
    )


def permissions_of_groups(org: Organisation) -> bytes:
    """Export-RecipientPermissions, run over groups and the mailboxes that groups open: `;`, BOM, most rows say None."""
    header = (
        "Grantor Primary SMTP",
        "Grantor Display Name",
        "Grantor Recipient Type",
        "Grantor Environment",
        "Folder",
        "Permission",
        "Allow/Deny",
        "Inherited",
        "InheritanceType",
        "Trustee Original Identity",
        "Trustee Primary SMTP",
        "Trustee Display Name",
        "Trustee Recipient Type",
        "Trustee Environment",
    )
    liaison = (f"liaison-section@{DOMAIN}", "国際連携室", "MailUniversalSecurityGroup/MailUniversalSecurityGroup")
    team = (f"treaty-working-group@{DOMAIN}", "Treaty Working Group", "MailUniversalDistributionGroup/GroupMailbox")
    visits = (f"visits@{DOMAIN}", "Visits and Protocol", "UserMailbox/SharedMailbox")
    events = (f"events@{DOMAIN}", "Events Desk", "UserMailbox/SharedMailbox")
    members = [account for account in org.staff if account.department == org.staff[0].department]
    rows = []
    for mailbox in (visits, events):
        rows += [_right(mailbox, folder, "None", ("Default", "", "", "")) for folder in ("/", "/受信トレイ", "/予定表")]
        rows.append(_right(mailbox, "/予定表", "AvailabilityOnly", ("Default", "", "", "")))
    rows.append(_right(visits, "", "FullAccess", (liaison[1], liaison[0], liaison[1], liaison[2])))
    rows.append(_right(events, "/受信トレイ", "Reviewer", _user(members[2])))
    rows += [_right(liaison, "", "MemberDirect", _user(account)) for account in members]
    rows += [_right(team, "", "MemberDirect", _user(account)) for account in (*members[:2], *org.staff[50:58])]
    return quoted(header, rows, delimiter=";")


def _user(account: Account) -> tuple[str, ...]:
    return account.name, account.email, account.name, "UserMailbox/UserMailbox"


def _right(grantor: tuple[str, ...], folder: str, right: str, trustee: tuple[str, ...]) -> tuple[str, ...]:
    return (*grantor, "Cloud", folder, right, "Allow", "False", "None", *trustee, "Cloud")


def traces(traced: list[Mail]) -> dict[str, bytes]:
    """Get-MessageTraceV2 in pieces of ten days, one row a recipient: file name -> content."""
    header = (
        "MessageId",
        "Received",
        "SenderAddress",
        "RecipientAddress",
        "Subject",
        "Status",
        "ToIP",
        "FromIP",
        "Size",
        "MessageTraceId",
    )
    pieces: dict[datetime, list[tuple[str, ...]]] = {}
    for mail in traced:
        start = TRACED_FROM + timedelta(days=(mail.at - TRACED_FROM).days // _TRACE_DAYS * _TRACE_DAYS)
        pieces.setdefault(start, []).extend(_trace_rows(mail))
    return {f"{start:%Y%m%d}-MTL.csv": quoted(header, rows) for start, rows in sorted(pieces.items())}


def _trace_rows(mail: Mail) -> list[tuple[str, ...]]:
    received = (mail.at + timedelta(seconds=4)).strftime("%Y-%m-%dT%H:%M:%S")
    addresses = list(dict.fromkeys(party.address for party in mail.recipients)) + ([SINK] if copies(mail) else [])
    ip = f"192.0.2.{10 + mail.size % 40}" if mail.sender.address.endswith(DOMAIN) else f"198.51.100.{1 + mail.size % 200}"
    return [
        (
            f"<{mail.id}>",
            received,
            mail.sender.address,
            address,
            mail.subject,
            "Failed" if (mail.size + at) % 97 == 0 and address != WHO else "Delivered",
            "",
            ip,
            str(mail.size),
            f"{mail.id[-12:]}-{at}",
        )
        for at, address in enumerate(addresses)
    ]


def summary(found: list[Mail]) -> bytes:
    """The institute's enhanced summary report, as the admin centre gives it for download: UTF-16, one row a message."""
    header = (
        "origin_timestamp_utc,sender_address,recipient_status,message_subject,total_bytes,message_id,network_message_id,"
        "original_client_ip,directionality,connector_id,delivery_priority"
    )
    lines = [header]
    for at, mail in enumerate(found):
        inward = mail.recipients[0].address.endswith("@ken-institute.example")
        status = ";".join(
            f"{party.address}##Receive, {'Deliver' if party.address.endswith('.example') else 'Send'}"
            for party in mail.recipients
        )
        lines.append(
            f'{mail.at:%Y-%m-%dT%H:%M:%S}.0000000Z,{mail.sender.address},"{status}",{mail.subject},{mail.size},<{mail.id}>,'
            f"{at:08x}-0000-4000-8000-{mail.size:012x},198.51.100.7,{1 if inward else 2},,Normal"
        )
    return _BOM.encode("utf-16-le") + "".join(f"{line}\r\n" for line in lines).encode("utf-16-le")
