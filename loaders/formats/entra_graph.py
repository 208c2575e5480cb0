"""Objects of Entra ID as Microsoft Graph answers them, in JSON (DFIR-O365RC `*_AADUsers.json`, Graph Explorer, PowerShell's ConvertTo-Json).

Users, groups, servicePrincipals, applications, directory roles, app role assignments, oauth2PermissionGrants.

Claims JSON whose first record has the fields of such an object: an array, several arrays one after another, `{"value": […]}`, one object a
line, or one object (formats.md 4.1, 4.3). Fields may begin with a capital, as PowerShell writes them; `/Date(ms)/` is a date.

Yields Account `entra:<id>`, HAS_ADDRESS, Mailbox and OWNS by `proxyAddresses` (SMTP: is the primary one) or `mail`, SAME_IDENTITY with the SID
of onPremisesSecurityIdentifier, Remediation `revoke` at signInSessionsValidFromDateTime (later than createdDateTime); Group `group:<id>` with
MEMBER_OF where members are expanded; App `app:<appId>` with OWNS where owners are expanded; APP_SCOPE to the mail system for app roles that
reach mail, since createdDateTime; CONSENTED for delegated grants, and APP_SCOPE to that user's mailbox; HAS_ROLE.

Traps: `@odata.nextLink` says that the file is one page: coverage is capped then. A file of grants or assignments alone names apps by
object id, and no domain: load the service principals and users too, or give --mailbox. Mail.Send and the like are kept as they are said:
an application access policy, which may narrow them, is not in these objects.
"""

from __future__ import annotations

from collections.abc import Callable

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.entra_apps import Tenant
from loaders.graphjson import Record, Records, peek

NAME = "entra_graph"
TITLE = "Entra ID objects, Microsoft Graph JSON"
PRIORITY = "must"
SEEN = "real sample"
READS = "accounts, groups, applications, roles, app permissions, consent, revoked sessions"

_KINDS: tuple[tuple[str, frozenset[str]], ...] = (
    ("assignment", frozenset(("appRoleId", "principalId", "resourceId"))),
    ("grant", frozenset(("clientId", "consentType", "scope"))),
    ("role assignment", frozenset(("roleDefinitionId", "principalId"))),
    ("role", frozenset(("roleTemplateId", "displayName"))),
    ("role", frozenset(("rolePermissions", "displayName"))),
    ("app", frozenset(("appId", "servicePrincipalType"))),
    ("app", frozenset(("appId", "appRoles"))),
    ("app", frozenset(("appId", "signInAudience"))),
    ("app", frozenset(("appId", "keyCredentials"))),
    ("app", frozenset(("appId", "passwordCredentials"))),
    ("user", frozenset(("userPrincipalName", "displayName"))),
    ("user", frozenset(("userPrincipalName", "proxyAddresses"))),
    ("user", frozenset(("userPrincipalName", "accountEnabled"))),
    ("group", frozenset(("groupTypes", "displayName"))),
    ("group", frozenset(("securityEnabled", "mailEnabled"))),
)
_LOGS = frozenset(("ipAddress", "operation", "auditLogRecordType", "activityDateTime", "riskEventType", "auditData", "workload"))


def kind_of(keys: frozenset[str]) -> str:
    """What an object with these fields is; "" for what is none of a directory's."""
    if keys & _LOGS:
        return ""
    return next((kind for kind, fields in _KINDS if fields <= keys), "")


def detect(source: Source) -> Claim | None:
    """Claim by the first record's fields."""
    seen = peek(source)
    if seen is None or not (kind := kind_of(_names(seen.keys))) or seen.wrapper not in (None, "value"):
        return None
    if not seen.keys.isdisjoint(("PrimarySmtpAddress", "RecipientTypeDetails", "MailboxOwnerId")):  # Exchange's objects, as ConvertTo-Json writes them
        return None
    return Claim(7, f"Graph's {kind} objects")


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read record by record; each says by its own fields what it is."""
    tenant = Tenant(out, options)
    take: dict[str, Callable[[Record, str], object]] = {
        "user": tenant.user, "group": tenant.group, "app": tenant.service_principal, "role": tenant.role,
        "assignment": tenant.app_role_assignment, "grant": tenant.grant,
    }  # fmt: skip

    def single(given: Record, place: str) -> None:
        record = {key[:1].lower() + key[1:]: value for key, value in given.items()}
        kind = kind_of(frozenset(record))
        if kind == "role assignment":
            tenant.role_holder(str(record["roleDefinitionId"]).casefold(), "", record["principalId"], place)
        elif kind:
            take[kind](record, place)
        else:
            tenant.tally.add("of another kind of object: left out")

    records = Records(source, out)
    if (batches := records.batches()) is not None:
        from loaders.entra_batches import UserBatches, graph_users  # noqa: PLC0415 -- compiled code, which only large files need

        UserBatches(tenant, single, graph_users).take(batches)
    else:
        for place, given in records:
            single(given, place)
    tenant.more = records.more
    tenant.finish()


def _names(keys: frozenset[str]) -> frozenset[str]:
    return frozenset(key[:1].lower() + key[1:] for key in keys)
