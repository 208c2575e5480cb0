"""Applications, roles and grants of a tenant: what an app may do with mail, who owns it, who administers.

    tenant = Tenant(out, options)
    tenant.service_principal(record, place) …       # in any order; names are those of Microsoft Graph
    tenant.finish()                                 # what had to wait for other records, and the coverage

Which app role is meant is said by another object (the resource's `appRoles`), and an app's object id is not its app id: both are
looked up among what the same source holds, else among the well-known permissions of Microsoft Graph and Exchange Online.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from loaders.audit_who import guid, items_of, text_of
from loaders.base import FactBuffer, Options
from loaders.entra import Directory, folded, object_kind
from loaders.entra_roles import gives_any_mailbox, role_name, role_node, state_role
from loaders.recipients import Node

Record = dict[str, Any]

# App roles of Microsoft Graph and Office 365 Exchange Online that reach mail, for sources that lack the resource itself.
MAIL_ROLES = {
    "810c84a8-4a9e-49e6-bf7d-12d183f40d01": "Mail.Read", "e2a3a72e-5f79-4c64-b1b1-878b674786c9": "Mail.ReadWrite",
    "b633e1c5-b582-4048-a93e-9f11b44c7e96": "Mail.Send", "6be147d2-ea4f-4b5a-a3fa-3eab6f3c140a": "Mail.ReadBasic",
    "693c5e45-0940-467d-9b8a-1022fb9d42ef": "Mail.ReadBasic.All", "e118f1da-5c1c-46cf-bff6-8858d786f46f": "Mail-Advanced.ReadWrite.All",
    "40f97065-369a-49f4-947c-6a255697ae91": "MailboxSettings.Read", "6931bccd-447a-43d1-b442-00a195474933": "MailboxSettings.ReadWrite",
    "d45fa9f8-36e5-4cd2-b601-b063c7cf9ac2": "MailboxSettings.Read", "f9156939-25cd-4ba8-abfe-7fabcf003749": "MailboxSettings.ReadWrite",
    "99280d24-a782-4793-93cc-0888549957f6": "MailboxFolder.Read.All", "fef87b92-8391-4589-9da7-eb93dab7dc8a": "MailboxFolder.ReadWrite.All",
    "7d9f353d-a7bd-4fbb-822a-26d5dd39a3ce": "MailboxItem.Read.All", "76577085-e73d-4f1d-b26a-85fb33892327": "MailboxItem.ImportExport.All",
    "dc890d15-9560-4a4c-9b7f-a736ec74ec40": "full_access_as_app", "f7264778-fba9-422d-8e9e-2675a2c4b513": "Mailbox.Migration",
    "5e5addcd-3e8d-4e90-baf5-964efab2b20a": "IMAP.AccessAsApp", "cb842b43-da6e-4506-86fe-bb12199c656d": "POP.AccessAsApp",
    "7146a1f0-8703-45b3-9eae-527a64c00995": "SMTP.SendAsApp",
}  # fmt: skip
_MAIL = re.compile(
    r"(Mail(-Advanced)?|MailboxSettings|MailboxFolder|MailboxItem|Mailbox)\.[A-Za-z.]+|full_access_as_(app|user)|EWS\.AccessAsUser\.All|"
    r"EAS\.AccessAsUser\.All|(IMAP|POP)\.AccessAs(App|User\.All)|SMTP\.Send(AsApp)?"
)
_MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"  # the tenant that Microsoft's own apps come from
_ANY = "00000000-0000-0000-0000-000000000000"  # "may use the app at all"


def is_mail_permission(name: str) -> bool:
    """Whether an OAuth permission reaches mail (`Mail.Read`, `full_access_as_app`, `IMAP.AccessAsUser.All` …)."""
    return bool(_MAIL.fullmatch(name))


def scope_text(text: str) -> str:
    """Permissions of a grant in one spelling: sorted, one space between."""
    return " ".join(sorted(set(text.split())))


@dataclass(frozen=True)
class _Assignment:
    """An app role given to an application, waiting for the names of role and app."""

    app: str
    resource: str
    role: str
    resource_name: str
    place: str
    valid_from: int | None
    valid_until: int | None
    record: str | None


@dataclass(frozen=True)
class _Grant:
    """Delegated permissions of an application, waiting for its app id and for the users' mailboxes. `user`: None for all users."""

    app: str
    scope: str
    user: str | None
    place: str
    record: str | None
    valid_from: int | None = None


class Tenant(Directory):
    """Directory with applications, roles and grants."""

    def __init__(self, out: FactBuffer, options: Options) -> None:
        super().__init__(out, options)
        self._apps: dict[str, str] = {}
        self._role_values: dict[tuple[str, str], str] = {}
        self._roles: dict[str, str] = {}
        self._assigned: dict[str, list[str]] = {}
        self._assignments: list[_Assignment] = []
        self._grants: list[_Grant] = []
        self._pending: list[tuple[str, str, str, str, str]] = []
        self._ours: dict[str, tuple[str, str]] = {}

    # -- apps ----------------------------------------------------------------------------------------------------------

    def app(self, object_id: str) -> Node:
        """An application by an object id, or by its app id: its app id is its key wherever the source gives it."""
        return ("App", f"app:{self._apps.get(object_id, object_id)}")

    def service_principal(self, given: Record, place: str) -> None:
        """A service principal or an application: name, publisher, app id; the names of the app roles it offers."""
        app = folded(given)
        id_, app_id = guid(app.get("id")) or guid(app.get("objectId")), guid(app.get("appId"))
        if not app_id:
            self.out.refuse(place, text_of(app, "displayName"), "an application without an app id")
            return
        if id_:
            self._apps[id_] = app_id
            for role in items_of(app, "appRoles"):
                if is_mail_permission(value := text_of(role, "value")):
                    self._role_values[id_, text_of(role, "id").casefold()] = value
                else:
                    self._role_values[id_, text_of(role, "id").casefold()] = ""
            if text_of(app, "appOwnerOrganizationId").casefold() != _MICROSOFT:
                self._ours[id_] = (app_id, place)
        self.seen["apps"] += self.once("app", app_id)
        self._say_app(app, app_id, id_, place)
        self._inside(app, id_, app_id, place)

    def _say_app(self, app: Record, app_id: str, id_: str | None, place: str) -> None:
        verified = app.get("verifiedPublisher")
        publisher = text_of(verified, "displayName") if isinstance(verified, dict) else ""
        secrets, keys = items_of(app, "passwordCredentials"), items_of(app, "keyCredentials")
        extra: Record = {"object_id": id_, "owner_tenant": text_of(app, "appOwnerOrganizationId"), "secrets": len(secrets), "certificates": len(keys)}
        ends = [at for credential in (*secrets, *keys) if (at := self.moment(credential.get("endDateTime"), ahead=True)) is not None]
        extra |= {"last_credential_ends": max(ends)} if ends else {}
        extra |= {"disabled": True} if app.get("accountEnabled") is False else {}
        self.out.node(
            "App", f"app:{app_id}", place, name=text_of(app, "displayName", "appDisplayName") or app_id,
            publisher=publisher or text_of(app, "publisherName", "publisherDomain") or None,
            extra=json.dumps({name: value for name, value in extra.items() if value}, ensure_ascii=False, sort_keys=True),
        )  # fmt: skip

    def _inside(self, app: Record, id_: str | None, app_id: str, place: str) -> None:
        """What `$expand` puts into an app's own record."""
        for number, owner in enumerate(items_of(app, "owners")):
            self.owner(id_ or app_id, owner, f"{place}.owners[{number}]")
        for name in ("appRoleAssignments", "appRoleAssignedTo"):
            for number, assignment in enumerate(items_of(app, name)):
                self.app_role_assignment(assignment, f"{place}.{name}[{number}]")
        for number, grant in enumerate(items_of(app, "oauth2PermissionGrants")):
            self.grant(grant, f"{place}.oauth2PermissionGrants[{number}]")

    def owner(self, app: str, record: Record, place: str) -> None:
        """An owner (user or app) of the application with this object id (or app id)."""
        if object_kind(record) not in ("User", "") or self.principal("User", record.get("id"), place, record) is None:
            self.tally.add("of app owners that are apps themselves or without an id: left out")
        else:
            self._pending.append(("OWNS", f"entra:{guid(record.get('id'))}", app, "Account", place))

    # -- roles ---------------------------------------------------------------------------------------------------------

    def role(self, given: Record, place: str) -> None:
        """A directory role (or role definition)."""
        role = folded(given)
        id_, template = guid(role.get("id")), guid(role.get("roleTemplateId")) or guid(role.get("templateId"))
        name = role_name(text_of(role, "displayName"), template or id_)
        if not name:
            self.out.refuse(place, id_ or "", "a directory role without a name")
            return
        self.seen["roles"] += 1
        for known in filter(None, (id_, template)):
            self._roles[known] = name
        for number, member in enumerate(items_of(role, "members")):
            self.role_member(id_ or name, member, f"{place}.members[{number}]")

    def role_member(self, role: str, record: Record, place: str) -> None:
        """A user, group or app that holds the role with this id (or template id, or name)."""
        self.role_holder(role, object_kind(record), record.get("id"), place, record)

    def role_holder(self, role: str, kind: str, object_id: Any, place: str, record: Record | None = None) -> None:
        """The same, by kind and object id."""
        node = self.principal(kind, object_id, place, record)
        if node is None:
            self.tally.add("of role members without an id or of an unknown kind: left out")
        else:
            self._pending.append(("HAS_ROLE", node[1].partition(":")[2] if node[0] == "App" else node[1], role, node[0], place))

    def say_role(self, name: str, place: str) -> Node:
        """The directory role of this name, and what it lets its holders do."""
        node = role_node(name, self.tenant())
        if self.once(*node):
            state_role(self.out, name, self.tenant(), self.mail_system(place) if gives_any_mailbox(name) else None, place)
        return node

    # -- permissions ---------------------------------------------------------------------------------------------------

    def app_role_assignment(self, given: Record, place: str) -> None:
        """An app role given to an app, or to a user (who then may use the app). The same one may stand at both its ends."""
        assignment = folded(given)
        principal, resource = guid(assignment.get("principalId")), guid(assignment.get("resourceId"))
        id_ = text_of(assignment, "id") or None
        if not principal or not resource:
            self.out.refuse(place, id_ or "", "an app role assignment without principalId and resourceId")
            return
        if not self.once("assignment", id_ or f"{principal}{resource}{assignment.get('appRoleId')}"):
            return
        self.seen["assignments"] += 1
        kind = text_of(assignment, "principalType")
        if kind == "User":
            self._assigned.setdefault(resource, []).append(f"entra:{principal}")
        elif kind == "ServicePrincipal":
            self._assignments.append(_Assignment(
                principal, resource, text_of(assignment, "appRoleId").casefold(), text_of(assignment, "resourceDisplayName"), place,
                self.moment(assignment.get("createdDateTime")), self.moment(assignment.get("deletedDateTime")), id_,
            ))  # fmt: skip

    def grant(self, given: Record, place: str) -> None:
        """An oauth2PermissionGrant: what an app may do as a user, of one or of all users."""
        grant = folded(given)
        app, user, scope = guid(grant.get("clientId")), guid(grant.get("principalId")), scope_text(text_of(grant, "scope"))
        id_ = text_of(grant, "id") or None
        if not app or not scope:
            self.out.refuse(place, id_ or "", "a grant without clientId and scope")
        elif self.once("grant", id_ or f"{app}{user}{grant.get('resourceId')}{scope}"):
            self.seen["grants"] += 1
            self._grants.append(_Grant(app, scope, f"entra:{user}" if user else None, place, id_))

    def app_permission(self, app: str, value: str, place: str, valid_from: int | None = None, record: str | None = None) -> None:
        """An app role whose name the source itself gives."""
        self.seen["assignments"] += 1
        self._role_values[app, value.casefold()] = value if is_mail_permission(value) else ""
        self._assignments.append(_Assignment(app, app, value.casefold(), "", place, valid_from, None, record))

    # -- the end -------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """State what had to wait, the notes, and what was seen."""
        for type_, source, target, label, place in self._pending:
            if type_ == "OWNS" and self.once(type_, source, target):
                self.out.edge("OWNS", ("Account", source), self.app(target), place, basis="owner")
            elif type_ == "HAS_ROLE":
                name = self._roles.get(target) or role_name(target, target)
                holder = self.app(source) if label == "App" else (label, source)
                if self.once(type_, holder[1], name):
                    self.out.edge("HAS_ROLE", holder, self.say_role(name, place), place)
        for assignment in self._assignments:
            self._finish_assignment(assignment)
        for grant in self._grants:
            self._finish_grant(grant)
        for id_, (app_id, place) in self._ours.items():
            self.of_tenant(("App", f"app:{app_id}"), place)
            if id_ != app_id:
                self.out.edge("SAME_IDENTITY", ("App", f"app:{app_id}"), ("App", f"app:{id_}"), place, reason="object id and app id of one record")
        self.host_all()
        self.tally.tell(self.out)
        self._cover()

    def _finish_assignment(self, given: _Assignment) -> None:
        value = self._role_values.get((given.resource, given.role))
        if value is None:
            value = MAIL_ROLES.get(given.role, "")
            if not value and given.role != _ANY and (given.resource not in self._apps or given.resource_name == ""):
                self.tally.add("of app roles whose name the source does not give (load the service principals together with them): left out")
        if value:
            self.out.edge(
                "APP_SCOPE", self.app(given.app), self.mail_system(given.place), given.place, scope=value,
                valid_from=given.valid_from, valid_until=given.valid_until, record=given.record,
            )  # fmt: skip

    def _finish_grant(self, given: _Grant) -> None:
        app = self.app(given.app)
        mail = [name for name in given.scope.split() if is_mail_permission(name)]
        if given.user is None and mail:
            self.tally.add("of mail permissions for all users: the app may act on every mailbox whose user signs in to it")
            for name in mail:
                if self.once("scope", app[1], "", name):
                    self.out.edge(
                        "APP_SCOPE", app, self.mail_system(given.place), given.place, scope=name, delegated=True, record=given.record, valid_from=given.valid_from
                    )  # fmt: skip
        users = [given.user] if given.user else self._assigned.get(given.app, []) if mail else []
        for user in users:
            account = ("Account", user)
            if self.once("consent", user, app[1], given.scope):
                self.out.edge("CONSENTED", account, app, given.place, scope=given.scope, record=given.record, valid_from=given.valid_from)
            mailbox = self.mailbox_of(user)
            for name in mail if mailbox else ():
                if mailbox and self.once("scope", app[1], mailbox[1], name):
                    self.out.edge("APP_SCOPE", app, mailbox, given.place, scope=name, delegated=True, record=given.record, valid_from=given.valid_from)

    def _cover(self) -> None:
        words = {"accounts": ("users",), "groups": ("groups",), "roles": ("roles",), "app permissions": ("apps", "assignments", "grants")}
        for what, kinds in words.items():
            if any(kind in self.seen for kind in kinds):
                self.out.coverage(what, self.domain(), collected=sum(self.seen[kind] for kind in kinds), capped=self.more, snapshot=self.options.taken)
        if self.more:
            self.out.note("only one page of the answer (@odata.nextLink): what it lacks is unknown, fetch the other pages too")
