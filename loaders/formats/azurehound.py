"""AzureHound JSON: a tenant as BloodHound collects it. BloodHound drops what app roles do with mail; here that is what counts.

Claims `{"data": [{"kind": "AZ…", "data": {…}}, …], "meta": {"type": "azure", …}}` and the same objects one a line (formats.md 4.4).

Yields of AZUser, AZGroup, AZApp, AZServicePrincipal what entra_graph says of them; AZGroupMember → MEMBER_OF, AZAppOwner and AZServicePrincipalOwner →
OWNS, AZRole and AZRoleAssignment → HAS_ROLE, AZAppRoleAssignment → APP_SCOPE where the role reaches mail. AZTenant gives the default domain; without
a domain the tenant is known by its id.

Traps: lists of members and owners are nested (`members[].member`, `owners[].owner`) and name their kind only by `@odata.type`, if at all; ids may be in
capitals; a role assignment does not say of what kind its holder is: it is told by the object with that id, else taken for a user.
Roles that are only eligible and those of Azure's own resources (subscriptions, machines, vaults) are counted, not taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from loaders.audit_who import guid, items_of, text_of
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.entra import object_kind
from loaders.entra_apps import Tenant
from loaders.graphjson import Record, Records, peek
from loaders.jsonbatch import Batch

NAME = "azurehound"
TITLE = "AzureHound JSON"
PRIORITY = "later"
SEEN = "not yet seen in the wild"
READS = "accounts, groups, applications and their owners, roles, app permissions"

_NODES = {"AZUser": "User", "AZGroup": "Group", "AZServicePrincipal": "ServicePrincipal"}
# Kinds whose objects state nothing of accounts before all is read.
_LATER = frozenset(("AZGroupMember", "AZRoleAssignment", "AZAppRoleAssignment", "AZTenant"))


def detect(source: Source) -> Claim | None:
    """Claim by the first object's kind."""
    seen = peek(source)
    if seen is None or seen.wrapper not in (None, "data") or not {"kind", "data"} <= seen.keys:
        return None
    return Claim(9, "kinds of AzureHound") if seen.values.get("kind", "").startswith("AZ") else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read object by object; what depends on others waits."""
    tenant = Tenant(out, options)
    reader = _Reader(tenant)
    left: Counter[str] = Counter()

    def single(record: Record, place: str) -> None:
        kind, data = record.get("kind"), record.get("data")
        if not isinstance(kind, str) or not isinstance(data, dict):
            out.refuse(place, str(kind)[:40], "not an object with kind and data")
        elif (take := reader.taken.get(kind)) is not None:
            take(data, place)
        else:
            left[kind[:60]] += 1

    records = Records(source, out)
    if (batches := records.batches()) is not None:
        reader.many(batches, single)
    else:
        for place, record in records:
            single(record, place)
    reader.finish()
    if left:
        out.note("nothing is taken from " + ", ".join(f"{name} ({count:,})" for name, count in sorted(left.items())[:12]))
    tenant.finish()


class _Reader:
    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._kinds: dict[str, str] = {}
        self._holders: list[tuple[str, Any, str]] = []
        self._members: list[tuple[str, Record, str]] = []
        self.taken: dict[str, Callable[[Record, str], object]] = {
            "AZUser": self._node("AZUser", tenant.user), "AZGroup": self._node("AZGroup", tenant.group),
            "AZServicePrincipal": self._node("AZServicePrincipal", tenant.service_principal), "AZApp": tenant.service_principal,
            "AZRole": self._role, "AZTenant": self._of_tenant, "AZGroupMember": self._group_members, "AZAppOwner": self._owners,
            "AZServicePrincipalOwner": self._owners, "AZRoleAssignment": self._assignments, "AZAppRoleAssignment": tenant.app_role_assignment,
        }  # fmt: skip

    def many(self, batches: Iterator[Batch], single: Callable[[Record, str], None]) -> None:
        """Take the objects of a large file."""
        from loaders.entra_batches import UserBatches, names_in  # noqa: PLC0415 -- compiled code, which only large files need
        from loaders.entra_members import Members, azure  # noqa: PLC0415 -- as above

        members, named = Members(self._tenant), self.taken.keys() - _LATER
        users = UserBatches(self._tenant, single, azure, members.take, lambda record: names_in(record) if str(record.get("kind")) in named else ())
        users.take(batches)
        self._members = members.finish(self._members, users.untold())
        if self._members:
            users.tell()

    def finish(self) -> None:
        """What names others by id alone: now it is known of what kind they are."""
        for role, id_, place in self._holders:
            self._tenant.role_holder(role, self._kinds.get(guid(id_) or "", ""), id_, place)
        for group, member, place in self._members:
            known = self._kinds.get(guid(member.get("id")) or "", "")
            self._tenant.member(("Group", f"group:{group}"), member if object_kind(member) else {**member, "objectType": known or "user"}, place)

    def _node(self, kind: str, state: Callable[[Record, str], object]) -> Callable[[Record, str], object]:
        def take(data: Record, place: str) -> None:
            if id_ := guid(data.get("id")):
                self._kinds[id_] = _NODES[kind]
                self._tenant.tenant_id = self._tenant.tenant_id or guid(data.get("tenantId")) or ""
            state(data, place)

        return take

    def _role(self, data: Record, place: str) -> None:
        self._tenant.tenant_id = self._tenant.tenant_id or guid(data.get("tenantId")) or ""
        self._tenant.role({**data, "roleTemplateId": data.get("templateId")}, place)

    def _of_tenant(self, data: Record, _: str) -> None:
        if name := text_of(data, "defaultDomain"):
            self._tenant.default_domain = name.casefold()
        self._tenant.tenant_id = guid(data.get("tenantId")) or self._tenant.tenant_id

    def _group_members(self, data: Record, place: str) -> None:
        if group := guid(data.get("groupId")):
            for number, item in enumerate(items_of(data, "members")):
                member = item.get("member")
                self._members.append((group, member if isinstance(member, dict) else item, f"{place}.members[{number}]"))

    def _owners(self, data: Record, place: str) -> None:
        app = guid(data.get("appId")) or guid(data.get("servicePrincipalId"))
        for number, item in enumerate(items_of(data, "owners")):
            owner = item.get("owner")
            if app:
                self._tenant.owner(app, owner if isinstance(owner, dict) else item, f"{place}.owners[{number}]")

    def _assignments(self, data: Record, place: str) -> None:
        for number, item in enumerate(items_of(data, "roleAssignments") or [data]):
            role = text_of(item, "roleDefinitionId") or text_of(data, "roleDefinitionId")
            if text_of(item, "directoryScopeId") in ("", "/"):
                self._holders.append((role.casefold(), item.get("principalId"), f"{place}.roleAssignments[{number}]"))
            else:
                self._tenant.tally.add("of roles that hold for a part of the directory: left out")
