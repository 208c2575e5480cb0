"""What applications may do in a tenant, CSV of Microsoft-Extractor-Suite (Get-OAuthPermissions): one permission a row, already joined.

Claims PermissionType, Permission and AppId or ClientObjectId (formats.md 4.3); or ClientId, ConsentType, PrincipalId and Scope: the grants themselves,
as `Get-MgOauth2PermissionGrant` and `Get-AzureADOAuth2PermissionGrant` give them to Export-Csv, one a row.

Yields App `app:<AppId>` (object id where that is missing) with publisher; for PermissionType Application and a permission that reaches mail,
APP_SCOPE to the mail system since CreationTimestamp; for Delegated permissions of one user (ConsentType Principal), CONSENTED with all of
that user's permissions of the app together.

Traps: the table names no domain, so the mail system is `--mailbox`'s domain, else one whose name is not known, which is the case's own where
the case has just one; ExpiryTime is a leftover of an older interface and says nothing; permissions for all users act only as a user who
signs in, so they open no mailbox by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from loaders.audit_who import guid
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.entra_apps import Tenant
from loaders.reading import Row, Table, header_of

NAME = "mes_oauth_permissions"
TITLE = "OAuth permissions CSV (Microsoft-Extractor-Suite)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "applications, what they may do with mail, who consented"


_GRANTS = frozenset(("clientid", "consenttype", "principalid", "scope"))


@dataclass
class _Consent:
    place: str
    scopes: list[str] = field(default_factory=list)


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    ours = {"permissiontype", "permission"} <= header and header & {"appid", "clientobjectid"}
    if header >= _GRANTS:
        return Claim(7, "columns of permission grants")
    return Claim(7, "columns of OAuthPermissions") if ours else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one; consents are put together at the end."""
    if header_of(source) >= _GRANTS:
        _grants(source, options, out)
        return
    table = Table(source, options, out, dates=("creationtimestamp",))
    table.require("permissiontype", "permission")
    tenant = Tenant(out, options)
    consents: dict[tuple[str, str, str], _Consent] = {}
    for row in table:
        app, permission = _app(row, tenant), row["permission"]
        kind = row["permissiontype"].casefold()
        if app is None or not permission:
            out.refuse(row.place, row.get("appdisplayname"), "neither AppId nor ClientObjectId" if app is None else "no permission")
        elif kind.startswith("app"):
            tenant.app_permission(app, permission, row.place, row.date("creationtimestamp"))
        elif kind.startswith("delegated"):
            user = guid(row.get("principalobjectid")) if row.get("consenttype").casefold() != "allprincipals" else None
            consents.setdefault((app, user or "", row.get("resourceobjectid")), _Consent(row.place)).scopes.append(permission)
            _user(row, user, tenant)
        else:
            out.refuse(row.at("permissiontype"), row["permissiontype"], "neither Application nor Delegated")
    for (app, user, resource), consent in consents.items():
        tenant.grant({"clientId": app, "principalId": user or None, "resourceId": resource, "scope": " ".join(consent.scopes)}, consent.place)
    tenant.finish()


def _grants(source: Source, options: Options, out: FactBuffer) -> None:
    tenant = Tenant(out, options)
    for row in Table(source, options, out):
        app = guid(row["clientid"])
        if app is None:
            out.refuse(row.at("clientid"), row["clientid"], "not an id of an application")
            continue
        user = guid(row["principalid"]) if row["consenttype"].casefold() != "allprincipals" else None
        tenant.grant({"clientId": app, "principalId": user, "resourceId": row.get("resourceid"), "scope": row["scope"], "consentType": row["consenttype"]}, row.place)
    tenant.finish()


def _app(row: Row, tenant: Tenant) -> str | None:
    """The key's id of a row's app, which is stated where it is first seen."""
    app_id, object_id = guid(row.get("appid")), guid(row.get("clientobjectid"))
    id_ = app_id or object_id
    if app_id and tenant.once("row", app_id, object_id or ""):
        tenant.service_principal(
            {"id": object_id, "appId": app_id, "displayName": row.get("appdisplayname"), "publisherName": row.get("publishername"),
             "appOwnerOrganizationId": row.get("appownerorganizationid"), "accountEnabled": row.get("applicationstatus").casefold() != "disabled"},
            row.place,
        )  # fmt: skip
    return id_


def _user(row: Row, user: str | None, tenant: Tenant) -> None:
    name = row.get("principaldisplayname")
    if user and name and tenant.once("name", user):
        tenant.out.node("Account", f"entra:{user}", row.place, name=name, object_id=user)
