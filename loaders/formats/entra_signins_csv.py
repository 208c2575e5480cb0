"""Sign-ins of Entra ID as the portal exports them, CSV.

Interactive and non-interactive ones (56 columns), those of applications and managed identities (22 columns, no user), and the older table
(CreatedDateTime, UserPrincipalName, …).

Claims `Date (UTC)` with `Request ID` and an IP address, or the older header; not the AuthDetails files beside them (formats.md 4.2).

Yields Observation `obs:entra_signin/<Request ID>` (at, ip, session, user agent, app, kind, succeeded) with OBSERVED to the account
`entra:<User ID>` (known by Username) and the app.

Traps: header names repeat (`Incoming token type` twice), end in a space (`Application ID `) or hold two; which of the four files it is
stands in no column: non-interactive is told by the file's own `Incoming token type` or not at all; Status may be Interrupted: neither;
exports stop at 100,000 rows: coverage is capped then.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.signins import SignIn, SignIns, plain_ip, succeeded

NAME = "entra_signins_csv"
TITLE = "Entra ID sign-ins CSV (portal)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "sign-ins of users and applications"

_PORTAL = frozenset(("date (utc)", "request id", "ip address"))
_OLDER = frozenset(("createddatetime", "userprincipalname", "appdisplayname", "ipaddress"))


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    if header >= _PORTAL and header & {"username", "user id", "service principal id", "managed identity type"}:
        return Claim(8, "columns of the portal's sign-ins")
    if header >= _OLDER and not header & {"resulttype", "auditdata", "status_dynamic"}:
        return Claim(7, "columns of the portal's older sign-ins")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    header = header_of(source)
    time = "date (utc)" if "date (utc)" in header else "createddatetime"
    table = Table(source, options, out, dates=(time,))
    table.require(time)
    log = SignIns(out, options)
    convert = _portal if time == "date (utc)" else _older
    for row in table:
        log.add(convert(row), row.place)
    log.finish("times as the table gives them, taken as UTC" if time != "date (utc)" else None)


def _portal(row: Row) -> SignIn:
    code, status = row.get("sign-in error code"), row.get("status").casefold()
    machine = not row.first("username", "user id", "user")
    return SignIn(
        at=row.date("date (utc)"), id=row["request id"], kind=_kind(row, machine), user_id=row.get("user id"), upn=row.get("username"), name=row.get("user"),
        app_id=row.get("application id"), app_name=row.first("application", "service principal name"), principal_id=row.get("service principal id"),
        resource=row.get("resource"), ip=plain_ip(row["ip address"]), code=code, ok=_ok(status, code),
        session=row.first("session id", "unique token identifier"), agent=row.get("user agent"),
        extra=(row.get("location"), row.get("client app"), row.get("authentication requirement")),
    )  # fmt: skip


def _older(row: Row) -> SignIn:
    status = row.get("status").casefold()
    return SignIn(
        at=row.date("createddatetime"), id=row.first("id", "requestid"), upn=row["userprincipalname"], name=row.get("userdisplayname"),
        user_id=row.get("userid"), app_id=row.get("appid"), app_name=row["appdisplayname"], resource=row.get("resourcedisplayname"),
        ip=plain_ip(row["ipaddress"]), ok=_ok(status, ""), agent=", ".join(filter(None, (row.get("browser"), row.get("os")))),
        extra=(", ".join(filter(None, (row.get("city"), row.get("country")))),),
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
