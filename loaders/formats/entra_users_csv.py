"""Users of Entra ID as a table.

The portal's bulk download (both generations of its header), the Microsoft 365 admin centre's active users, Microsoft-Extractor-Suite's Users CSV, and
what Get-MgUser, Get-AzureADUser and Get-MsolUser export.

Claims `userPrincipalName` with one column only such a table has (`accountEnabled`, `userType`, `alternateEmailAddress`, …) and neither a
sign-in's nor an address list's columns (formats.md 4.1). `id` was `objectId`, `officeLocation` was `physicalDeliveryOfficeName`; the admin centre writes `User principal name`, `Object Id`.

Yields Account `entra:<id>` (`upn:<name>` without an id) with name, type, department, title, country, dates; HAS_ADDRESS; a Mailbox and OWNS
by `mail` or `proxyAddresses`; for invited users (`name_domain.com#EXT#@tenant`) no mailbox, and their real address from `mail`, else from
the name itself. The mail system of the most frequent domain HOSTS the mailboxes.

Traps: cells come out as users typed them (`=1+3`), they are kept as text; PowerShell's dates are in the order of the host's language
(--date-order); the admin centre joins proxy addresses by `+`, and says `Block credential` where others say enabled; `directorySynced` is all there is of the on-premises side: no SID, so no join by one.
"""

from __future__ import annotations

import re
from typing import Any

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.entra_apps import Tenant
from loaders.reading import Row, Table, header_of

NAME = "entra_users_csv"
TITLE = "Entra ID users CSV (portal, admin centre, PowerShell, Microsoft-Extractor-Suite)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "accounts, guests, their addresses, mailboxes by mail attribute"

_OWN = frozenset(("accountenabled", "usertype", "alternateemailaddress", "agegroup", "invitationstate", "directorysynced", "onpremisessyncenabled",
                  "lastpasswordchangedatetime", "creationtype", "block credential", "blockcredential", "islicensed"))  # fmt: skip
_OTHERS = frozenset(("ipaddress", "ip address", "appdisplayname", "auditdata", "operation", "recipienttypedetails", "primarysmtpaddress", "resulttype"))
_JOINED = re.compile(r"\+(?=(?:smtp|x500|sip|spo|eum):)", re.IGNORECASE)
_TEXTS = {
    "userPrincipalName": ("userprincipalname", "user principal name"), "displayName": ("displayname", "display name"), "id": ("id", "objectid", "object id"),
    "userType": ("usertype", "user type"), "department": ("department",), "jobTitle": ("jobtitle", "title"), "country": ("country",),
    "usageLocation": ("usagelocation", "usage location"), "mail": ("mail",),
    "companyName": ("companyname",), "creationType": ("creationtype",), "onPremisesSyncEnabled": ("onpremisessyncenabled", "directorysynced"),
    "onPremisesSecurityIdentifier": ("onpremisessecurityidentifier",), "onPremisesSamAccountName": ("onpremisessamaccountname",),
    "lastSignInDateTime": ("lastsignindatetime",), "lastNonInteractiveSignInDateTime": ("lastnoninteractivesignindatetime",),
}  # fmt: skip
_DATES = {
    "createdDateTime": ("createddatetime", "when created", "whencreated"),
    "lastPasswordChangeDateTime": ("lastpasswordchangedatetime", "last password change time stamp", "lastpasswordchangetimestamp"),
    "signInSessionsValidFromDateTime": ("signinsessionsvalidfromdatetime",),
    "refreshTokensValidFromDateTime": ("refreshtokensvalidfromdatetime", "stsrefreshtokensvalidfrom"),
}  # fmt: skip


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    named = header & set(_TEXTS["userPrincipalName"])
    ours = named and header & _OWN and not header & _OTHERS and header & {*_TEXTS["id"], *_TEXTS["displayName"]}
    return Claim(6, "columns of a users table") if ours else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out, dates=tuple(name for columns in _DATES.values() for name in columns))
    if not table.has("user principal name"):
        table.require("userprincipalname")
    tenant = Tenant(out, options)
    for row in table:
        tenant.user(_record(row), row.place)
    tenant.finish()


def _record(row: Row) -> dict[str, Any]:
    record: dict[str, Any] = {name: text for name, columns in _TEXTS.items() if (text := row.first(*columns))}
    record |= {name: at for name, columns in _DATES.items() if (at := row.date(*columns)) is not None}
    blocked = next((flag for name in ("block credential", "blockcredential") if (flag := row.flag(name)) is not None), None)
    enabled = row.flag("accountenabled")
    if enabled is not None or blocked is not None:
        record["accountEnabled"] = enabled if enabled is not None else not blocked
    if listed := row.list("proxyaddresses") or [item.strip() for item in _JOINED.split(row.get("proxy addresses")) if item.strip()]:
        record["proxyAddresses"] = listed
    return record
