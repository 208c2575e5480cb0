"""Directory audit events of Entra ID as facts: what each shows, and the rights it gives or takes.

    log = Audits(signins)                   # shares accounts and apps with the sign-ins of the same file
    log.add(record, place) …
    log.finish()

A right that an event gives begins at its time; one that it takes ends there. Only what succeeded counts; requests, eligible roles (not
active) and roles scoped to a part of the directory give nothing yet. Times of both kinds meet when loads are joined.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from graphmodel import identity
from loaders.audit_who import guid, items_of, mail_domain, text_of
from loaders.entra import Record
from loaders.entra_apps import is_mail_permission, scope_text
from loaders.entra_roles import ACTIVATED, gives_any_mailbox, role_name, role_node, state_role
from loaders.recipients import Node
from loaders.signins import LIMITS, SignIns, plain_ip

_NOT_YET = ("requested", "request", "eligible", "denied", "canceled", "cancelled", "scoped")
_SCOPE = re.compile(r"ConsentType: (\w+), Scope: ([^,\]]*)")
_PRINCIPAL = re.compile(r"PrincipalId: ([0-9a-fA-F-]{36})?")
_REMEDIES = {
    "reset user password": "reset", "reset password (by admin)": "reset", "update stsrefreshtokenvalidfrom timestamp": "revoke", "disable account": "disable",
    "remove service principal": "remove",
}  # fmt: skip
Properties = dict[str, tuple[str, str]]
"""Name -> (old, new) of what an event changed."""


def properties_of(target: Record) -> Properties:
    """What an event changed in a target; values are JSON within JSON (a role's name stands in two pairs of quotes)."""
    found: Properties = {}
    for item in items_of(target, "modifiedProperties"):
        found[text_of(item, "displayName")] = (_plain(item.get("oldValue")), _plain(item.get("newValue")))
    return found


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    if text[:1] in ('"', "["):
        try:
            inner = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
        while isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        return inner.strip() if isinstance(inner, str) else text
    return text.strip()


class _Event:
    """One record with its parts at hand."""

    def __init__(self, record: Record, at: int, place: str) -> None:
        self.record, self.at, self.place = record, at, place
        self.id = text_of(record, "id")
        self.operation = text_of(record, "activityDisplayName", "operationName").rstrip(".")
        self.targets = items_of(record, "targetResources")
        self.changed: Properties = {}
        for target in self.targets:
            self.changed |= properties_of(target)
        self.details = {text_of(item, "key"): text_of(item, "value") for item in items_of(record, "additionalDetails")}
        self.taken = self.operation.casefold().startswith(("remove", "delete"))

    def of(self, *kinds: str) -> list[Record]:
        """The targets of these kinds."""
        return [target for target in self.targets if text_of(target, "type", "Type").casefold() in kinds]

    def value(self, name: str) -> str:
        """A changed property: the new value, or the old one of what was taken away."""
        old, new = self.changed.get(name, ("", ""))
        return (old or new) if self.taken else (new or old)

    @property
    def times(self) -> dict[str, int]:
        """From when, or until when, the right holds."""
        return {"valid_until" if self.taken else "valid_from": self.at}


class Audits:
    """States directory audit events in `out`."""

    def __init__(self, signins: SignIns) -> None:
        self._log, self.out = signins, signins.out
        self.count = 0
        self._first: int | None = None
        self._last: int | None = None
        self._domains: dict[str, int] = {}
        self._tenant_id = ""
        self._waiting: list[tuple[Node, str, _Event, bool]] = []  # app, permission, whether delegated
        self._roles: list[tuple[str, str, Node, str, dict[str, Any]]] = []  # edge type, role, its other end, place, properties
        self._kinds: tuple[tuple[tuple[str, ...], Callable[[_Event, Node | None], None]], ...] = (
            (("add member to role", "remove member from role"), self._role),
            (("add member to group", "remove member from group"), self._group),
            (("add owner to application", "add owner to service principal", "remove owner from application", "remove owner from service principal"), self._owner),
            (("consent to application",), self._consent),
            (("add delegated permission grant", "remove delegated permission grant"), self._grant),
            (("add app role assignment to service principal", "remove app role assignment from service principal"), self._app_role),
        )

    def add(self, record: Record, place: str, outer: Record | None = None) -> None:
        """One event. `outer`: the diagnostic record around it, keys in lower case."""
        around = outer or {}
        at = self._log.moment(record.get("activityDateTime")) or self._log.moment(around.get("time"))
        if at is None:
            self.out.refuse(place, text_of(record, "id"), "no date that can be believed")
            return
        event = _Event({**record, "operationName": text_of(record, "operationName") or text_of(around, "operationname")}, at, place)
        self.count += 1
        self._tenant_id = self._tenant_id or guid(around.get("tenantid")) or ""
        self._first, self._last = min(at, self._first or at), max(at, self._last or at)
        if text_of(record, "category").casefold() == "device":
            self._log.tally.add("of the upkeep of devices: left out")
            return
        actor = self._actor(record, place)
        ok = text_of(record, "result").casefold() or text_of(around, "result").casefold()
        self._observe(event, actor, ok, plain_ip(_inside(record, "user").get("ipAddress")) or plain_ip(around.get("calleripaddress")))
        operation = event.operation.casefold()
        if ok != "success":
            return
        for beginnings, state in self._kinds:
            if operation.startswith(beginnings) and not any(word in operation for word in _NOT_YET):
                state(event, actor)
                return
        if operation in _REMEDIES:
            self._remedy(event, actor, _REMEDIES[operation])

    def finish(self, capped: bool = False) -> None:
        """What had to wait for the domain (which names the mail system and the tenant's roles), and the coverage. The sign-ins' own end is theirs."""
        domain = min(self._domains, key=lambda name: (-self._domains[name], name)) if self._domains else ""
        for app, value, event, delegated in self._waiting:
            system = self._mail_system(domain, event.place)
            self.out.edge("APP_SCOPE", app, system, event.place, scope=value, delegated=delegated or None, record=event.id or None, **event.times)
        for type_, name, other, place, properties in self._roles:
            role = role_node(name, domain or self._tenant_id)
            if self._log.once(*role):
                state_role(self.out, name, domain or self._tenant_id, self._mail_system(domain, place) if gives_any_mailbox(name) else None, place)
            self.out.edge(type_, other, role, place, **properties)
        if self.count:
            limit = capped or self.count in LIMITS
            self.out.coverage(
                "audit log", "directory audit events", first=self._first, last=self._last, collected=self.count, capped=limit, note="roles, groups, consent"
            )

    # -- the record itself ---------------------------------------------------------------------------------------------

    def _actor(self, record: Record, place: str) -> Node | None:
        user, app = _inside(record, "user"), _inside(record, "app")
        if user:
            return self._user(user, place)
        return self._log.application(text_of(app, "appId"), text_of(app, "servicePrincipalId"), text_of(app, "displayName"), place)

    def _user(self, user: Record, place: str) -> Node | None:
        upn = text_of(user, "userPrincipalName")
        if (address := identity.address(upn)) and "#ext#" not in address:
            domain = mail_domain(address)
            self._domains[domain] = self._domains.get(domain, 0) + 1
        return self._log.account(text_of(user, "id"), upn, text_of(user, "displayName"), place)

    def _target(self, target: Record, place: str) -> Node | None:
        kind, id_ = text_of(target, "type", "Type").casefold(), text_of(target, "id")
        if kind == "user":
            return self._user(target, place)
        if kind == "group":
            return ("Group", identity.group_key(found)) if (found := guid(id_)) else None
        if kind in ("serviceprincipal", "application"):
            return self._log.application("", id_, text_of(target, "displayName"), place)
        return None

    def _observe(self, event: _Event, actor: Node | None, ok: str, ip: str | None) -> None:
        if not event.id:
            event.id = f"{event.at}-{event.operation}-{text_of(event.record, 'correlationId')}".casefold()
        observation = ("Observation", f"obs:entra_audit/{event.id.casefold()}")
        self.out.node(
            "Observation", observation[1], event.place, name=event.operation or "directory audit event", at=event.at, operation=event.operation or None, ip=ip,
            user_agent=event.details.get("User-Agent") or None, succeeded={"success": True, "failure": False}.get(ok),
            as_who="application" if actor and actor[0] == "App" else None, note=text_of(event.record, "category") or None,
        )  # fmt: skip
        if actor is not None:
            self.out.edge("OBSERVED", observation, actor, event.place, role="actor", record=event.id)
        targets = {node: None for target in event.targets if (node := self._target(target, event.place))}
        for target in event.of("role"):
            if name := role_name(text_of(target, "displayName")):
                self._roles.append(("OBSERVED", name, observation, event.place, {"role": "target", "record": event.id}))
        for node in targets:
            self.out.edge("OBSERVED", observation, node, event.place, role="app" if node[0] == "App" else "target", record=event.id)

    # -- rights --------------------------------------------------------------------------------------------------------

    def _role(self, event: _Event, _: Node | None) -> None:
        named = next((text_of(target, "displayName") for target in event.of("role") if text_of(target, "displayName")), "")
        name = role_name(event.value("Role.DisplayName") or named, guid(event.value("Role.TemplateId")) or guid(event.details.get("TemplateId")))
        holders = [node for target in event.of("user", "group", "serviceprincipal") if (node := self._target(target, event.place))]
        if not name or not holders:
            self._log.tally.add("of role changes that do not name both the role and an id of its holder: kept as an observation")
            return
        times: dict[str, Any] = dict(event.times)
        if "pim activation" in event.operation.casefold():
            times["basis"] = ACTIVATED
        if not event.taken and (end := self._log.moment(event.details.get("ExpirationTime"), ahead=True)):
            times["valid_until"] = end
        self._roles.append(("HAS_ROLE", name, holders[0], event.place, {"record": event.id, **times}))

    def _group(self, event: _Event, _: Node | None) -> None:
        given = [target for target in event.of("group") if guid(text_of(target, "id"))]
        id_ = guid(event.value("Group.ObjectID")) or (guid(text_of(given[0], "id")) if given else None)
        members = [node for target in event.of("user", "serviceprincipal") if (node := self._target(target, event.place))]
        if not id_ or not members:
            if event.of("user", "serviceprincipal"):
                self._log.tally.add("of group changes that do not name both the group's id and its member's: kept as an observation")
            return
        group = ("Group", identity.group_key(id_))
        if name := event.value("Group.DisplayName"):
            self.out.node("Group", group[1], event.place, name=name)
        self.out.edge("MEMBER_OF", members[0], group, event.place, record=event.id, **event.times)

    def _application(self, event: _Event, *prefixes: str) -> Node | None:
        for prefix in prefixes:
            if app := self._log.application(
                event.value(f"{prefix}.AppId"), event.value(f"{prefix}.ObjectID"), event.value(f"{prefix}.DisplayName"), event.place
            ):
                return app
        return None

    def _owner(self, event: _Event, _: Node | None) -> None:
        owners = [node for target in event.of("user") if (node := self._target(target, event.place))]
        apps = [node for target in event.of("application", "serviceprincipal") if (node := self._target(target, event.place))]
        app = self._application(event, "Application", "ServicePrincipal") or next(iter(apps), None)
        if owners and app:
            self.out.edge("OWNS", owners[0], app, event.place, basis="owner", record=event.id, **event.times)

    def _consent(self, event: _Event, actor: Node | None) -> None:
        app = self._log.application(event.details.get("AppId", ""), "", "", event.place) or next(
            (node for target in event.of("serviceprincipal", "application") if (node := self._target(target, event.place))), None
        )
        permissions = event.value("ConsentAction.Permissions").rpartition("=>")[2]
        scopes = _SCOPE.findall(permissions)
        scope = scope_text(" ".join(text for kind, text in scopes if kind == "Principal") or " ".join(text for _, text in scopes))
        everybody = event.value("ConsentContext.OnBehalfOfAll").casefold() == "true"
        who = next((found for text in _PRINCIPAL.findall(permissions) if (found := guid(text))), None)
        account = ("Account", f"entra:{who}") if who and not everybody else actor
        if app and account and account[0] == "Account":
            self.out.edge("CONSENTED", account, app, event.place, scope=scope or None, record=event.id, **event.times)
        if app and (everybody or any(kind == "AllPrincipals" for kind, _ in scopes)):
            words = [text for kind, text in scopes if kind != "Principal"] or [scope]
            self._for_all(app, scope_text(" ".join(words)), event)

    def _grant(self, event: _Event, actor: Node | None) -> None:
        app, scope = self._application(event, "ServicePrincipal"), scope_text(event.value("DelegatedPermissionGrant.Scope"))
        user = guid(event.value("User.ObjectID"))
        account = ("Account", f"entra:{user}") if user else actor
        if app and scope and account and account[0] == "Account":
            self.out.edge("CONSENTED", account, app, event.place, scope=scope, record=event.id, **event.times)
        if app and not user and event.value("DelegatedPermissionGrant.ConsentType") == "AllPrincipals":
            self._for_all(app, scope, event)

    def _for_all(self, app: Node, scope: str, event: _Event) -> None:
        """Permissions for every user: the application may act on any mailbox of the tenant."""
        self._waiting += [(app, word, event, True) for word in scope.split() if is_mail_permission(word)]

    def _app_role(self, event: _Event, _: Node | None) -> None:
        app, value = self._application(event, "ServicePrincipal"), event.value("AppRole.Value")
        if app and is_mail_permission(value):
            self._waiting.append((app, value, event, False))

    def _remedy(self, event: _Event, actor: Node | None, what: str) -> None:
        node = next((node for target in event.targets if (node := self._target(target, event.place))), None)
        # A password that its own user changed may be the attacker's doing.
        if node is None or node[0] not in ("Account", "App") or (what == "reset" and node == actor):
            return
        key = f"remediation:{what}/{node[1]}/{event.at}"
        if self._log.once(key):
            self.out.node("Remediation", key, event.place, name=event.operation, what=what, at=event.at, by=actor[1] if actor else None)
            self.out.edge("REMEDIATES", ("Remediation", key), node, event.place, record=event.id)

    def _mail_system(self, domain: str, place: str) -> Node:
        node = ("Service", identity.mail_system_key(domain))
        if self._log.once(*node):
            self.out.node("Service", node[1], place, name=f"mail of {domain or 'the tenant'}", type="mail system")
        return node


def _inside(record: Record, name: str) -> Record:
    initiated = record.get("initiatedBy")
    if isinstance(initiated, str) and initiated[:1] == "{":  # as Log Analytics writes it
        try:
            initiated = orjson.loads(initiated)
        except orjson.JSONDecodeError:
            return {}
    found = initiated.get(name) if isinstance(initiated, dict) else None
    return found if isinstance(found, dict) else {}


