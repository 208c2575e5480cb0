"""What records of the audit log say of the directory: consent, permissions of applications, roles, groups, resets (formats.md 1.4).

Entra writes what changed as `ModifiedProperties[{Name, OldValue, NewValue}]` and what it is about as `Target[{ID, Type}]`, where one
target gives several ids: `User_<object id>`, the UPN (type 5), `ServicePrincipal_<object id>`, the app id (type 4).

Privileged Identity Management writes its own operations beside (learn.microsoft.com, "Microsoft Entra audit log categories and activities"):
what is requested, denied or only makes eligible is seen and gives nothing; an activation gives its role until it ends or is ended. The role
may stand among the targets then (`Role_<id>`, its name of type 1) or in `additionalDetails`, and so does the end (`ExpirationTime`). What
the service applies for it is an ordinary `Add member to role.` of its service principal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from graphmodel import identity
from loaders import dates
from loaders.audit_who import Actor, Record, Who, guid, items_of, pairs_of, text_of
from loaders.base import FactBuffer
from loaders.entra_apps import is_mail_permission, scope_text
from loaders.entra_roles import ACTIVATED, gives_any_mailbox, role_name, role_node, state_role
from loaders.recipients import Node

_ROLE = ("Add member to role.", "Remove member from role.")
_KINDS = ("permanent", "timebound", "renew")
_PIM = ("Add member to role completed (PIM activation)", "Remove member from role (PIM activation expired)",
        "Remove member from role completed (PIM deactivate)", "Add member to role outside of PIM (permanent)", "Remove permanent direct role assignment",
        *(f"{what} in PIM completed{kind}" for what in ("Add member to role", "Remove member from role") for kind in ("", *(f" ({kind})" for kind in _KINDS))))  # fmt: skip
_PIM_SEEN = ("Add member to role requested (PIM activation)", "Add member to role approval requested (PIM activation)",
             "Add member to role request approved (PIM activation)", "Add member to role request denied (PIM activation)",
             "Add member to role canceled (PIM activation)", "Add member to role denied (PIM activation)", "Update role setting in PIM",
             "Remove member from role requested (PIM deactivate)", "Remove permanent eligible role assignment",
             *(f"{what} {end}" for what in ("Add eligible member to role in PIM completed", "Remove eligible member from role in PIM completed")
               for end in ("", *(f"({kind})" for kind in _KINDS))))  # fmt: skip
_GROUP = ("Add member to group.", "Remove member from group.")
_OWNER = ("Add owner to application.", "Remove owner from application.", "Add owner to service principal.", "Remove owner from service principal.")
_CONSENT = ("Consent to application.",)
_GRANT = ("Add delegated permission grant.", "Remove delegated permission grant.")
_APP_ROLE = ("Add app role assignment to service principal.", "Remove app role assignment from service principal.")
# Only a log that another did it makes them a remedy: a password that its own user changed may be the intruder's doing.
_REMEDIES = {"Reset user password.": "reset", "Update StsRefreshTokenValidFrom Timestamp.": "revoke", "Disable account.": "disable",
             "Delete user.": "remove"}  # fmt: skip
_SEEN = ("Add app role assignment grant to user.", "Change user password.", "Add application.", "Add service principal.", "Add user.",
         "Update application – Certificates and secrets management", "Update application - Certificates and secrets management",
         "Add service principal credentials.", "Remove service principal credentials.", "Remove service principal.", "Delete application.",
         "Set federation settings on domain.", "Set domain authentication.")  # fmt: skip
_DOTTED = frozenset(f"{name}." for name in (*_PIM, *_PIM_SEEN))
_NAMES = frozenset((*_ROLE, *_PIM, *_PIM_SEEN, *_GROUP, *_OWNER, *_CONSENT, *_GRANT, *_APP_ROLE, *_REMEDIES, *_SEEN)) | _DOTTED
OPERATIONS = _NAMES | frozenset(f"{name} " for name in _NAMES)
ROLES = frozenset((*_ROLE, *_PIM, *_PIM_SEEN)) | _DOTTED
"""Changes of roles: they count whoever the log says did them, Microsoft's own accounts too."""
_PERMISSION = re.compile(r"ClientId: ([^,\]]*), PrincipalId: ([^,\]]*), ResourceId: [^,\]]*, ConsentType: (\w*), Scope: ([^,\]]*)")
_ALL = "AllPrincipals"  # stands for every user of the tenant
_SELF_SERVICE = "fim_password_service@"


class Directory:
    """States changes of the directory, in the order of time, after `learn` has seen each of them."""

    def __init__(self, out: FactBuffer, who: Who) -> None:
        self._out, self._who = out, who
        self._said: set[str] = set()
        self._principals: dict[str, list[str]] = {}  # one act writes a consent and grants: by its id, for whom
        self._held: set[tuple[str, str, str]] = set()
        self._readers: dict[str, Callable[..., None]] = {
            **dict.fromkeys((*_ROLE, *_PIM), self._role), **dict.fromkeys(_GROUP, self._group), **dict.fromkeys(_OWNER, self._owner),
            **dict.fromkeys(_CONSENT, self._consent), **dict.fromkeys(_GRANT, self._grant), **dict.fromkeys(_APP_ROLE, self._app_role),
            **dict.fromkeys(_REMEDIES, self._remedy),
        }  # fmt: skip

    def learn(self, record: Record, place: str) -> None:
        """Which ids are one thing, as far as single records give several of them; for whom a consent was."""
        for end in ("Actor", "Target"):
            ids = _ids(record, end)
            upn = next((identity.address(text) for text, kind in ids if kind == "5" and "@" in text), None)
            if (user := _with_prefix(ids, "User_")) and upn:
                self._who.learn_id(user, upn, place, f"{end} of one record gives both")
        new = pairs_of(record, "ModifiedProperties", "NewValue") if "ModifiedProperties" in record else {}
        for kind in ("ServicePrincipal", "Application"):
            self._who.learn_app(guid(_plain(new.get(f"{kind}.ObjectID", ""))), guid(_plain(new.get(f"{kind}.AppId", ""))), place)
        ids = _ids(record, "Target")
        self._who.learn_app(_with_prefix(ids, "ServicePrincipal_"), _app_id(ids), place)
        if record["Operation"].strip() in _CONSENT and (act := text_of(record, "InterSystemsId")):
            permissions = _PERMISSION.findall(new.get("ConsentAction.Permissions", "").rpartition("=>")[2])
            self._principals[act] = [_ALL if kind == _ALL else f"entra:{guid(principal)}" for _, principal, kind, _ in permissions if kind == _ALL or guid(principal)]

    def note_of(self, record: Record) -> str | None:
        """What an observation of such a record says in words: the permissions or the role it is about."""
        old, new = pairs_of(record, "ModifiedProperties", "OldValue"), pairs_of(record, "ModifiedProperties", "NewValue")
        for name in ("AppRole.Value", "Role.DisplayName", "DelegatedPermissionGrant.Scope"):
            if value := scope_or_text(new.get(name) or old.get(name, "")):
                return value
        scopes = [scope for *_, scope in _PERMISSION.findall(new.get("ConsentAction.Permissions", "").rpartition("=>")[2])]
        return scope_text(" ".join(scopes)) or None

    def read(self, record: Record, place: str, obs: Node, time: int | None, actor: Actor) -> None:
        """State one change."""
        operation = record["Operation"].strip()
        operation = operation.removesuffix(".") if operation in _DOTTED else operation
        about = self._about(record, place)
        if about is None and "PIM activation" in operation and actor.node and actor.node[0] == "Account":
            about = actor.node  # who activates a role does it for himself
        if about:
            self._out.edge("OBSERVED", obs, about, place, role="app" if about[0] == "App" else "target")
        reader = self._readers.get(operation)
        if reader:
            when: dict[str, Any] = {"valid_until" if operation.startswith("Remove") else "valid_from": time, "record": guid(record.get("Id"))}
            if operation in _PIM:
                when |= _activation(record, operation)
            reader(record, place, obs, when, about, actor)

    def _about(self, record: Record, place: str) -> Node | None:
        """The account, app or group that Target names."""
        ids = _ids(record, "Target")
        if user := _with_prefix(ids, "User_"):
            return ("Account", f"entra:{user}")
        name = next((text for text, kind in ids if kind == "1" and text), None)
        app = _app_id(ids) or _with_prefix(ids, "ServicePrincipal_") or _with_prefix(ids, "Application_")
        if app and any(text in ("ServicePrincipal", "Application") or text.startswith(("ServicePrincipal_", "Application_")) for text, _ in ids):
            return self._who.app(app, place, name)
        if group := _with_prefix(ids, "Group_"):
            return ("Group", identity.group_key(group))
        address = next((found for text, kind in ids if kind == "5" and (found := identity.address(text))), None) or identity.address(text_of(record, "ObjectId"))
        return self._who.account(address, place) if address else None

    def _value(self, record: Record, name: str) -> str:
        """A changed property: what it is now, or what it was where it was taken away."""
        now = _plain(pairs_of(record, "ModifiedProperties", "NewValue").get(name, ""))
        return now or _plain(pairs_of(record, "ModifiedProperties", "OldValue").get(name, ""))

    def _role(self, record: Record, place: str, obs: Node, when: dict[str, Any], about: Node | None, _: Actor) -> None:
        details = _details(record)
        template = guid(self._value(record, "Role.TemplateId")) or guid(details.get("TemplateId")) or guid(details.get("RoleDefinitionOriginId"))
        name = role_name(self._value(record, "Role.DisplayName") or _role_target(record) or details.get("RoleName", ""), template)
        if not name or about is None or about[0] not in ("Account", "Group", "App"):
            return
        tenant = self._who.domain() or guid(record.get("OrganizationId")) or ""
        role = role_node(name, tenant)
        if role[1] not in self._said:
            self._said.add(role[1])
            state_role(self._out, name, tenant, self._who.mail_system("", place) if gives_any_mailbox(name) else None, place)
        self._out.edge("OBSERVED", obs, role, place, role="target")
        self._out.edge("HAS_ROLE", about, role, place, **when)

    def _group(self, record: Record, place: str, obs: Node, when: dict[str, Any], about: Node | None, _: Actor) -> None:
        id_ = guid(self._value(record, "Group.ObjectID"))
        if id_ and about and about[0] in ("Account", "Group", "App"):
            group = self._who.group(id_, self._value(record, "Group.DisplayName"), None, place)
            self._out.edge("OBSERVED", obs, group, place, role="target")
            self._out.edge("MEMBER_OF", about, group, place, **when)

    def _owner(self, record: Record, place: str, obs: Node, when: dict[str, Any], about: Node | None, _: Actor) -> None:
        app = self._named_app(record, place)
        if app and about and about[0] == "Account":
            self._out.edge("OBSERVED", obs, app, place, role="app")
            self._out.edge("OWNS", about, app, place, basis="owner", **when)

    def _named_app(self, record: Record, place: str) -> Node | None:
        """The application that the changed properties name."""
        for kind in ("ServicePrincipal", "Application"):
            if id_ := guid(self._value(record, f"{kind}.AppId")) or guid(self._value(record, f"{kind}.ObjectID")):
                return self._who.app(id_, place, self._value(record, f"{kind}.DisplayName") or None)
        return None

    def _consent(self, record: Record, place: str, _: Node, when: dict[str, Any], about: Node | None, actor: Actor) -> None:
        """Permissions as `old => new`: what is new begins, what is gone ends."""
        if about is None or about[0] != "App":
            return
        old, _arrow, new = self._value(record, "ConsentAction.Permissions").partition("=>")
        before, after = self._granted(old, actor), self._granted(new, actor)
        for account, scope in [pair for pair in before if pair not in after]:
            self._change(account, about, scope, "", place, when["valid_from"], when["record"])
        for account, scope in [pair for pair in after if pair not in before]:
            self._change(account, about, "", scope, place, when["valid_from"], when["record"])

    def _granted(self, text: str, actor: Actor) -> list[tuple[str, str]]:
        """(account key, scope) for each permission; one for all users is the consent of who gave it, and of `_ALL`."""
        found = []
        own = actor.node[1] if actor.node and actor.node[0] == "Account" else None
        for _, principal, kind, scope in _PERMISSION.findall(text):
            keys = [own, _ALL] if kind == _ALL else [f"entra:{guid(principal)}" if guid(principal) else own]
            found += [(key, scope_text(scope)) for key in keys if key and scope_text(scope)]
        return list(dict.fromkeys(found))

    def _change(self, account: str, app: Node, old: str, new: str, place: str, time: int | None, record: str | None) -> None:
        """A consent to `old` becomes one to `new`, either may be empty; the application's reach to the mailbox goes with it."""
        key = (account, app[1])
        if new and (*key, new) in self._held:
            return
        if old and old != new:
            if account != _ALL:
                self._out.edge("CONSENTED", ("Account", account), app, place, scope=old, valid_until=time, record=record)
            self._held.discard((*key, old))
        if new:
            if account != _ALL:
                self._out.edge("CONSENTED", ("Account", account), app, place, scope=new, valid_from=time, record=record)
            self._held.add((*key, new))
        gone, come = set(old.split()) - set(new.split()), set(new.split()) - set(old.split())
        for words, when in ((gone, "valid_until"), (come, "valid_from")):
            for word in sorted(words):
                self._reach(account, app, word, place, {when: time, "record": record})

    def _reach(self, account: str, app: Node, permission: str, place: str, when: dict[str, Any]) -> None:
        """The application may act on the mailbox of who consented, where the log shows one; on every one, where it was for all users."""
        if not is_mail_permission(permission):
            return
        if account == _ALL:
            if system := self._who.mail_system("", place):
                self._out.edge("APP_SCOPE", app, system, place, scope=permission, delegated=True, **when)
            return
        address = self._who.address_of_id(account.removeprefix("entra:")) if account.startswith("entra:") else account.removeprefix("upn:")
        if address and self._who.has_mailbox(address):
            self._out.edge("APP_SCOPE", app, self._who.mailbox(address, place), place, scope=permission, delegated=True, **when)

    def _grant(self, record: Record, place: str, obs: Node, when: dict[str, Any], _: Node | None, actor: Actor) -> None:
        """A grant names its app and no user: the consent of the same act says for whom.

        Only grants tell how permissions grew: a consent to more than before is logged as `old => old`.
        """
        app = self._named_app(record, place)
        if app is None:
            return
        self._out.edge("OBSERVED", obs, app, place, role="app")
        old, new = (scope_text(pairs_of(record, "ModifiedProperties", end).get("DelegatedPermissionGrant.Scope", "")) for end in ("OldValue", "NewValue"))
        removed, time = "valid_until" in when, when.get("valid_from", when.get("valid_until"))
        if removed and new:  # the other half of a change, which `Add` says too
            return
        for account in self._principals.get(text_of(record, "InterSystemsId"), []):
            self._change(account, app, old, "" if removed else new, place, time, when["record"])

    def _app_role(self, record: Record, place: str, obs: Node, when: dict[str, Any], _: Node | None, actor: Actor) -> None:
        """A permission without any user: `Mail.Read` or `full_access_as_app` reach every mailbox."""
        app, value = self._named_app(record, place), self._value(record, "AppRole.Value")
        if app:
            self._out.edge("OBSERVED", obs, app, place, role="app")
        if app and is_mail_permission(value) and (system := self._who.mail_system("", place)):
            self._out.edge("APP_SCOPE", app, system, place, scope=value, **when)

    def _remedy(self, record: Record, place: str, obs: Node, when: dict[str, Any], about: Node | None, actor: Actor) -> None:
        time, what = when.get("valid_from"), _REMEDIES[record["Operation"].strip()]
        by = actor.address or ""
        own = about is not None and by and self._who.address_of_id(about[1].removeprefix("entra:")) == by
        if about is None or about[0] != "Account" or time is None or not by or by.startswith(_SELF_SERVICE) or own:
            return
        key = f"remediation:{what}/{about[1]}/{time}"
        if key not in self._said:
            self._said.add(key)
            self._out.node("Remediation", key, place, name=record["Operation"].strip(), what=what, at=time, by=by)
            self._out.edge("REMEDIATES", ("Remediation", key), about, place, record=when["record"])


def scope_or_text(text: str) -> str:
    """One line of it, stripped."""
    return " ".join(_plain(text).split())[:300]


def _plain(text: str) -> str:
    """A value without the JSON quotes some records write around it."""
    return text.strip().strip('"').strip() if text.strip().startswith('"') else text.strip()


def _ids(record: Record, end: str) -> list[tuple[str, str]]:
    """(id, type) of Actor or Target."""
    return [(text, str(item.get("Type"))) for item in items_of(record, end) if isinstance(text := item.get("ID"), str)]


def _with_prefix(ids: list[tuple[str, str]], prefix: str) -> str | None:
    return next((found for text, _ in ids if text.startswith(prefix) and (found := guid(text[len(prefix) :]))), None)


def _details(record: Record) -> dict[str, str]:
    """The additional details, which the log keeps as the JSON text of an object (or of {key, value} pairs) among its extended properties."""
    text = pairs_of(record, "ExtendedProperties").get("additionalDetails", "")
    try:
        found = orjson.loads(text) if text.lstrip()[:1] in ("{", "[") else {}
    except orjson.JSONDecodeError:
        return {}
    if isinstance(found, list):
        found = {str(item.get("key")): item.get("value") for item in found if isinstance(item, dict)}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _activation(record: Record, operation: str) -> dict[str, Any]:
    """That a role was activated, and until when."""
    found: dict[str, Any] = {"basis": ACTIVATED} if "PIM activation" in operation or "PIM deactivate" in operation else {}
    if operation.startswith("Add") and (text := _details(record).get("ExpirationTime", "")):
        try:
            found["valid_until"] = dates.moment(text)
        except ValueError:  # "Permanent", or nothing that can be believed
            return found
    return found


def _role_target(record: Record) -> str:
    """The name of a role that stands among the targets: that of the thing whose kind is Role."""
    named = ""
    for text, kind in _ids(record, "Target"):
        if kind == "1":
            named = text
        if text == "Role" or text.startswith("Role_"):
            return named or next((after for after, kind in _ids(record, "Target") if kind == "1"), "")
    return ""


def _app_id(ids: list[tuple[str, str]]) -> str | None:
    """The app id among the names of a service principal (`<app id>;https://…`, `<app id>/host;<app id>;…`)."""
    names = next((text for text, kind in ids if kind == "4"), "")
    return next((found for part in re.split("[;/]", names) if (found := guid(part))), None)
