"""Sign-ins as Microsoft Sentinel (Log Analytics) exports them, CSV and JSON.

The tables SigninLogs, AADNonInteractiveUserSignInLogs, AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs.

Claims a header, or the names of JSON objects (a list, one a line, `{"tables": […]}`), with ResultType, a user or service principal, IPAddress and one
of AppDisplayName, ServicePrincipalName (formats.md 4.2).

Yields Observation `obs:entra_signin/<Id>` (at = CreatedDateTime, else TimeGenerated; ip, session, token, user agent, app, kind, succeeded by
ResultType "0") with OBSERVED to the account `entra:<UserId>` (known by UserPrincipalName) and the app.

Traps: cells hold pretty-printed JSON with line breaks; dates are US text with milliseconds (`4/28/2021, 2:08:45.221 PM`) in columns that end in
` [UTC]`; an export of one account's sign-ins says nothing of others: coverage names that account.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.graphjson import Records, peek
from loaders.jsonrow import JsonRow
from loaders.reading import Row, Table, header_of
from loaders.signins import SignIn, SignIns, plain_ip, succeeded

NAME = "sentinel_signins"
TITLE = "Sign-ins, Microsoft Sentinel (SigninLogs; CSV, JSON)"
PRIORITY = "must"
SEEN = "real sample"
READS = "sign-ins of users and applications"

_KINDS = {
    "signinlogs": "interactive", "aadnoninteractiveusersigninlogs": "non-interactive", "noninteractiveusersigninlogs": "non-interactive",
    "aadserviceprincipalsigninlogs": "service principal", "serviceprincipalsigninlogs": "service principal",
    "aadmanagedidentitysigninlogs": "managed identity", "managedidentitysigninlogs": "managed identity",
}  # fmt: skip


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    seen = peek(source)
    header = frozenset(key.casefold() for key in seen.keys) if seen else header_of(source)
    who = header & {"userprincipalname", "serviceprincipalid"}
    if {"resulttype", "ipaddress"} <= header and who and header & {"appdisplayname", "serviceprincipalname"} and header & {"createddatetime", "timegenerated"}:
        return Claim(8, "columns of Sentinel's sign-ins")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    log = SignIns(out, options)
    for row in _rows(source, options, out, log):
        log.tenant = log.tenant or row.first("aadtenantid", "resourcetenantid")
        log.add(_sign_in(row), row.place)
    log.finish()


def _rows(source: Source, options: Options, out: FactBuffer, log: SignIns) -> Iterator[Row | JsonRow]:
    if peek(source) is None:
        table = Table(source, options, out, dates=("createddatetime", "timegenerated"))
        table.require("resulttype", "ipaddress")
        yield from table
        return
    records = Records(source, out)
    for place, record in records:
        yield JsonRow(record, place, options)
    log.more |= records.more


def _sign_in(row: Row | JsonRow) -> SignIn:
    code = row["resulttype"]
    kind = _KINDS.get(row.first("type", "category").casefold(), "")
    if kind == "interactive" and row.flag("isinteractive") is False:
        kind = "non-interactive"
    place = _object(row.first("locationdetails_dynamic", "locationdetails_string", "locationdetails"))
    risk = row.first("risklevelduringsignin", "risklevelaggregated")
    return SignIn(
        at=row.date("createddatetime", "timegenerated"), id=row.first("id", "originalrequestid"), kind=kind, user_id=row.get("userid"),
        upn=row.get("userprincipalname"), name=row.get("userdisplayname"), app_id=row.get("appid"),
        app_name=row.first("appdisplayname", "serviceprincipalname"), principal_id=row.get("serviceprincipalid"), resource=row.get("resourcedisplayname"),
        ip=plain_ip(row["ipaddress"]), code=code, ok=succeeded(code), session=row.get("sessionid"), token=row.get("uniquetokenidentifier"),
        agent=row.get("useragent"),
        extra=(
            ", ".join(str(place[name]) for name in ("city", "countryOrRegion") if place.get(name)) or row.get("location"), row.get("clientappused"),
            "single factor" if row.get("authenticationrequirement") == "singleFactorAuthentication" else row.get("authenticationrequirement"),
            f"risk {risk}" if risk not in ("", "none", "hidden") else "",
        ),
    )  # fmt: skip


def _object(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text) if text.startswith("{") else None
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
