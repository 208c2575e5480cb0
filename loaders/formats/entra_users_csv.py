"""Users of Entra ID as a table: the portal's bulk download (both generations of its header), and Microsoft-Extractor-Suite's Users CSV.

Claims `userPrincipalName` with one column only such a table has (`accountEnabled`, `userType`, `alternateEmailAddress`, …) and neither a
sign-in's nor an address list's columns (formats.md 4.1). `id` was `objectId`, `officeLocation` was `physicalDeliveryOfficeName`.

Yields Account `entra:<id>` (`upn:<name>` without an id) with name, type, department, title, country, dates; HAS_ADDRESS; a Mailbox and OWNS
by `mail` or `proxyAddresses`; for invited users (`name_domain.com#EXT#@tenant`) no mailbox, and their real address from `mail`, else from
the name itself. The mail system of the most frequent domain HOSTS the mailboxes.

Traps: cells come out as users typed them (`=1+3`), they are kept as text; PowerShell's dates are in the order of the host's language
(--date-order); `directorySynced` is all there is of the on-premises side: no SID, so no join by one.
"""

from __future__ import annotations

from typing import Any

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.entra_apps import Tenant
from loaders.reading import Row, Table, header_of

NAME = "entra_users_csv"
TITLE = "Entra ID users CSV (portal bulk download, Microsoft-Extractor-Suite)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "accounts, guests, their addresses, mailboxes by mail attribute"

_OWN = frozenset(("accountenabled", "usertype", "alternateemailaddress", "agegroup", "invitationstate", "directorysynced", "onpremisessyncenabled",
                  "lastpasswordchangedatetime", "creationtype"))  # fmt: skip
_OTHERS = frozenset(("ipaddress", "ip address", "appdisplayname", "auditdata", "operation", "recipienttypedetails", "primarysmtpaddress", "resulttype"))
_TEXTS = {
    "userPrincipalName": ("userprincipalname",), "displayName": ("displayname",), "id": ("id", "objectid"), "userType": ("usertype",),
    "department": ("department",), "jobTitle": ("jobtitle",), "country": ("country",), "usageLocation": ("usagelocation",), "mail": ("mail",),
    "companyName": ("companyname",), "creationType": ("creationtype",), "onPremisesSyncEnabled": ("onpremisessyncenabled", "directorysynced"),
    "onPremisesSecurityIdentifier": ("onpremisessecurityidentifier",), "onPremisesSamAccountName": ("onpremisessamaccountname",),
    "lastSignInDateTime": ("lastsignindatetime",), "lastNonInteractiveSignInDateTime": ("lastnoninteractivesignindatetime",),
}  # fmt: skip
_DATES = {
    "createdDateTime": "createddatetime", "lastPasswordChangeDateTime": "lastpasswordchangedatetime",
    "signInSessionsValidFromDateTime": "signinsessionsvalidfromdatetime", "refreshTokensValidFromDateTime": "refreshtokensvalidfromdatetime",
}  # fmt: skip


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    ours = "userprincipalname" in header and header & _OWN and not header & _OTHERS and header & {"id", "objectid", "displayname"}
    return Claim(6, "columns of a users table") if ours else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out, dates=tuple(_DATES.values()))
    table.require("userprincipalname")
    tenant = Tenant(out, options)
    for row in table:
        tenant.user(_record(row), row.place)
    tenant.finish()


def _record(row: Row) -> dict[str, Any]:
    record: dict[str, Any] = {name: text for name, columns in _TEXTS.items() if (text := row.first(*columns))}
    record |= {name: at for name, column in _DATES.items() if (at := row.date(column)) is not None}
    if (enabled := row.flag("accountenabled")) is not None:
        record["accountEnabled"] = enabled
    if listed := row.list("proxyaddresses"):
        record["proxyAddresses"] = listed
    return record
