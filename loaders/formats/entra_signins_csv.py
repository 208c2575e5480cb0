"""Sign-ins of Entra ID as the portal exports them, CSV.

Interactive and non-interactive ones (56 columns), those of applications and managed identities (22 columns, no user), and the older table
(CreatedDateTime, UserPrincipalName, …), which Get-AzureADAuditSignInLogs and Get-MgAuditLogSignIn write too, and Defender's hunting tables
(EntraIdSignInEvents, AADSignInEventsBeta).

Claims `Date (UTC)` with `Request ID` and an IP address, the older header, or `ErrorCode` with `ApplicationId` and `AccountUpn`; not the AuthDetails
files beside them (formats.md 4.2).

Yields Observation `obs:entra_signin/<Request ID>` (at, ip, session, token, user agent, app, kind, succeeded) with OBSERVED to the account
`entra:<User ID>` (known by Username) and the app.

Traps: header names repeat (`Incoming token type` twice), end in a space (`Application ID `) or hold two; which of the four files it is
stands in no column: non-interactive is told by the file's own `Incoming token type` or not at all; Status may be Interrupted: neither;
exports stop at 100,000 rows: coverage is capped then.
"""

from __future__ import annotations

import re

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.signins import SignIn, SignIns, plain_ip, succeeded

NAME = "entra_signins_csv"
TITLE = "Entra ID sign-ins CSV (portal)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "sign-ins of users and applications"

_PORTAL = frozenset(("date (utc)", "request id", "ip address"))
_HUNTING = frozenset(("timestamp", "applicationid", "errorcode", "ipaddress", "logontype"))
_ERROR = re.compile(r"ErrorCode\W+(\d+)", re.IGNORECASE)
_OLDER = frozenset(("createddatetime", "userprincipalname", "appdisplayname", "ipaddress"))


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    if header >= _PORTAL and header & {"username", "user id", "service principal id", "managed identity type"}:
        return Claim(8, "columns of the portal's sign-ins")
    if header >= _OLDER and not header & {"resulttype", "auditdata", "status_dynamic"}:
        return Claim(7, "columns of the portal's older sign-ins")
    if header >= _HUNTING and header & {"accountupn", "accountobjectid", "serviceprincipalid"}:
        return Claim(8, "columns of Defender's sign-ins")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    header = header_of(source)
    time = next((name for name in ("date (utc)", "createddatetime", "timestamp") if name in header), "date (utc)")
    table = Table(source, options, out, dates=(time,))
    table.require(time, *sorted({"date (utc)": _PORTAL, "createddatetime": _OLDER, "timestamp": _HUNTING}[time]))
    log = SignIns(out, options)
    convert = {"date (utc)": _portal, "createddatetime": _older, "timestamp": _hunting}[time]
    for row in table:
        log.add(convert(row), row.place)
    log.finish("times as the table gives them, taken as UTC" if time == "createddatetime" else None)


def _portal(row: Row) -> SignIn:
    code, status = row.get("sign-in error code"), row.get("status").casefold()
    machine = not row.first("username", "user id", "user")
    return SignIn(
        at=row.date("date (utc)"), id=row["request id"], kind=_kind(row, machine), user_id=row.get("user id"), upn=row.get("username"), name=row.get("user"),
        app_id=row.get("application id"), app_name=row.first("application", "service principal name"), principal_id=row.get("service principal id"),
        resource=row.get("resource"), ip=plain_ip(row["ip address"]), code=code, ok=_ok(status, code),
        session=row.get("session id"), token=row.get("unique token identifier"), agent=row.get("user agent"),
        extra=(row.get("location"), row.get("client app"), row.get("authentication requirement")),
    )  # fmt: skip


def _older(row: Row) -> SignIn:
    status, error = row.get("status").casefold(), _ERROR.search(row.get("status"))  # `class SignInStatus { ErrorCode: 50126 … }`
    code = error[1] if error else row.first("status.errorcode", "status_errorcode", "errorcode")  # JSON that somebody laid out flat
    return SignIn(
        at=row.date("createddatetime"), id=row.first("id", "requestid"), kind="non-interactive" if row.flag("isinteractive") is False else "", upn=row["userprincipalname"], name=row.get("userdisplayname"),
        user_id=row.get("userid"), app_id=row.get("appid"), app_name=row["appdisplayname"], resource=row.get("resourcedisplayname"),
        ip=plain_ip(row["ipaddress"]), code=code, ok=_ok(status, code), agent=", ".join(filter(None, (row.get("browser"), row.get("os")))),
        extra=(", ".join(filter(None, (row.get("city"), row.get("country")))),),
    )  # fmt: skip


def _hunting(row: Row) -> SignIn:
    code, said = row["errorcode"], row["logontype"].casefold()
    kind = "non-interactive" if "noninteractive" in said else "service principal" if row.get("serviceprincipalid") else "interactive" if said else ""
    return SignIn(
        at=row.date("timestamp"), id=row.first("requestid", "reportid"), kind=kind, user_id=row.get("accountobjectid"), upn=row.get("accountupn"),
        name=row.get("accountdisplayname"), app_id=row["applicationid"], app_name=row.first("application", "serviceprincipalname"),
        principal_id=row.get("serviceprincipalid"), resource=row.get("resourcedisplayname"), ip=plain_ip(row["ipaddress"]), code=code, ok=succeeded(code),
        session=row.get("sessionid"), token=row.get("uniquetokenid"), agent=row.get("useragent"),
        extra=(", ".join(filter(None, (row.get("city"), row.get("country")))), row.get("clientappused")),
    )  # fmt: skip


def _kind(row: Row, machine: bool) -> str:
    if machine:
        return "managed identity" if row.get("managed identity type") not in ("", "none", "None") else "service principal"
    # Non-interactive sign-ins bring a token; interactive ones have none.
    token = row.get("incoming token type").casefold()
    return "non-interactive" if "refreshtoken" in token.replace(" ", "") else ""


def _ok(status: str, code: str) -> bool | None:
    if status in ("success", "failure"):
        return status == "success"
    return succeeded(code) if status != "interrupted" else None
