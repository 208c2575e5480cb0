"""A tenant's configuration as the PowerShell module EntraExporter writes it: a folder, or a zip of it, with one JSON file an object.

Claims a folder (or a zip, whatever folder it was packed in) with `Users/<id>/<id>.json`, `ServicePrincipals/<id>/<id>.json`, `DirectoryRoles/…` and the
like (formats.md 4.3). The whole folder or zip is one load; nothing is unpacked.

Yields what entra_graph says of users, groups, applications, roles, assignments and grants. The parent of a member or owner stands only in the
path: DirectoryRoles/<role>/Members → HAS_ROLE, Groups/<group>/Members → MEMBER_OF, ServicePrincipals (Applications)/<app>/Owners → OWNS. The
domain is that of most mailboxes, else the default one of Domains/, whose verified ones take mail: ACCEPTS_MAIL_FOR.

Traps: files are UTF-16 with a BOM; dates are `/Date(ms)/`; the same assignment stands under AppRoleAssignments of one service principal and
AppRoleAssignedTo of the other, told by its id, whose letters' case matters; disabled users and those whose licence is gone keep a mail attribute,
so a mailbox is stated by that attribute only. No file says when the export was made
(`--taken` does).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from graphmodel import identity
from graphmodel.errors import LoadError
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.containers import Archive, Limits, read_json
from loaders.entra_apps import Tenant

NAME = "entra_exporter"
TITLE = "EntraExporter folder or zip"
PRIORITY = "should"
SEEN = "real sample"
READS = "accounts, groups, applications and their owners, roles, app permissions, consent, revoked sessions"

# Each tenant has more objects than an archive of logs has members.
_LIMITS = Limits(members=2_000_000)
_LARGEST = 64 << 20
_TYPES = frozenset(("Users", "Groups", "ServicePrincipals", "Applications", "DirectoryRoles", "Domains"))
_SOME = 20_000  # names that are looked at to recognise a zip


@dataclass(frozen=True)
class _File:
    """One JSON file: its path within the export (`Users`, id, `id.json`), and how to read it."""

    parts: tuple[str, ...]
    size: int
    read: Callable[[], bytes]

    @property
    def place(self) -> str:
        return "/".join(self.parts)


def detect(source: Source) -> Claim | None:
    """Claim a folder by the names in it, a zip by those of its members."""
    if source.is_dir:
        found = [path for type_ in sorted(_TYPES) if (path := source.path / type_).is_dir() and not path.is_symlink()]
        return Claim(8, "folders of EntraExporter") if any(_has_object(path) for path in found) else None
    if not source.head.startswith(b"PK\x03\x04"):
        return None
    try:
        with Archive(source.open(), _LIMITS) as archive:
            ours = _depth(member.name for member in archive.members[:_SOME]) is not None
            return Claim(8, "a zip of EntraExporter's folders") if ours else None
    except LoadError:
        return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read file by file; those that depend on others wait in the tenant."""
    tenant = Tenant(out, options)
    left: Counter[str] = Counter()
    if source.is_dir:
        _take(_of_folder(source.path), tenant, out, left)
    else:
        with Archive(source.open(), _LIMITS) as archive:
            depth = _depth(member.name for member in archive.members) or 0
            found = (member for member in archive.members if member.name.casefold().endswith(".json"))
            _take((_File(tuple(m.name.split("/")[depth:]), m.size, partial(archive.read, m)) for m in found if m.name.count("/") > depth), tenant, out, left)
    if left:
        out.note("nothing is taken from " + ", ".join(f"{name} ({count:,})" for name, count in sorted(left.items())))
    tenant.finish()


def _take(files: Iterator[_File], tenant: Tenant, out: FactBuffer, left: Counter[str]) -> None:
    for file in files:
        take = _what(file.parts, tenant)
        if take is None:
            left[file.parts[0].removesuffix(".json")] += 1
            continue
        out.records += 1
        if file.size > _LARGEST:
            out.refuse(file.place, f"{file.size:,} bytes", "too large for one object of a directory")
            continue
        try:
            found = read_json(file.read(), file.place)
        except Broken as error:
            out.refuse(file.place, "", str(error).removeprefix(f"{file.place}: "))
            continue
        if isinstance(found, dict):
            take(found, file.place)
        else:
            out.refuse(file.place, "", "not an object")


def _what(parts: tuple[str, ...], tenant: Tenant) -> Callable[[dict[str, Any], str], object] | None:
    """What is to be done with a file, by its path; None where it says nothing here."""
    if len(parts) == 3:
        objects: dict[str, Callable[[dict[str, Any], str], object]] = {
            "Users": tenant.user, "Groups": tenant.group, "ServicePrincipals": tenant.service_principal, "Applications": tenant.service_principal,
            "DirectoryRoles": tenant.role, "Domains": partial(_domain, tenant),
        }  # fmt: skip
        return objects.get(parts[0])
    if len(parts) != 5:
        return None
    parent = parts[1].casefold()
    if parts[2] in ("AppRoleAssignments", "AppRoleAssignedTo"):
        return tenant.app_role_assignment
    if parts[2] == "Oauth2PermissionGrants":
        return tenant.grant
    children: dict[tuple[str, str], Callable[[dict[str, Any], str], object]] = {
        ("DirectoryRoles", "Members"): partial(tenant.role_member, parent), ("ServicePrincipals", "Owners"): partial(tenant.owner, parent),
        ("Applications", "Owners"): partial(tenant.owner, parent), ("Groups", "Members"): partial(tenant.member, ("Group", identity.group_key(parent))),
    }  # fmt: skip
    return children.get((parts[0], parts[2]))


def _domain(tenant: Tenant, record: dict[str, Any], place: str) -> None:
    name, services = record.get("id"), record.get("supportedServices")
    domain = identity.host(name) if isinstance(name, str) else None
    if domain is None:
        return
    if record.get("isDefault") is True:
        tenant.default_domain = domain
    if record.get("isVerified") is True and isinstance(services, list) and "Email" in services:
        tenant.accepted[domain] = place


def _of_folder(root: Path) -> Iterator[_File]:
    for path in sorted(root.rglob("*.json")):
        if path.is_file() and not path.is_symlink():
            yield _File(path.relative_to(root).parts, path.stat().st_size, path.read_bytes)


def _depth(names: Iterable[str]) -> int | None:
    """How many folders lie around the export, by the first object's path (`…/Users/<id>/<id>.json`); None where there is no object."""
    for name in names:
        *around, type_, id_, file = name.split("/") if name.count("/") >= 2 else ("", "", "")
        if type_ in _TYPES and file == f"{id_}.json":
            return len(around)
    return None


def _has_object(folder: Path) -> bool:
    """Whether the folder has `<id>/<id>.json`; only its first entries are looked at."""
    for _, entry in zip(range(64), folder.iterdir(), strict=False):
        if entry.is_dir() and (entry / f"{entry.name}.json").is_file():
            return True
    return False
