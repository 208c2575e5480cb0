"""Objects of AzureHound in batches: users as loaders/entra_batches.py states them, and members of groups in columns.

    members = Members(tenant)
    UserBatches(tenant, single, azure, members.take, names).take(batches)
    members.finish(single)      # single: members that were read one by one

What a member is may be said further down in the file, so members wait for its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import polars as pl

from loaders import jsoncells
from loaders.audit_who import guid
from loaders.entra import NO_MEMBER, Record, object_kind
from loaders.entra_apps import Tenant
from loaders.entra_batches import USER, WRAPPED, Users, absent, upns, users_of
from loaders.jsonbatch import Batch, Flags, Ints
from loaders.jsoncells import GOOD
from loaders.jsonscan import Found, Names, objects

Member = tuple[str, Record, str]
"""(group's id, the member, place)."""

_MEMBER = Names("member_of", one={"member": Names("@odata.type", "id", "userPrincipalName", "displayName")})
_AZURE = Names("kind", *WRAPPED, one={"data": Names(*USER, "tenantId", "groupId", many={"members": _MEMBER})})
_PLACE = re.compile(r"\[(\d+)\].*\[(\d+)\]$")
_OF_TENANT = ("AZUser", "AZGroup", "AZServicePrincipal", "AZRole")


@dataclass(frozen=True)
class Scan:
    """Groups' members of a batch, and the rows that they stand in; rows that may tell the tenant's id."""

    members: pl.DataFrame
    rows: Ints
    telling: Ints


def azure(batch: Batch, latest: int) -> tuple[Users, Scan]:
    """The usual users of a batch, and its usual members."""
    data = batch.data
    found = objects(data, np.where(data[batch.starts] == ord("{"), batch.starts, -1), batch.ends, _AZURE)
    within = found.inner["data"]
    fine = absent(found, WRAPPED)[within.row]
    rows, kind = found.row[within.row], _kinds(batch, found)[within.row]
    users = users_of(batch, within, rows, fine & (kind == "AZUser"), latest)
    members, groups = _members(batch, within, rows, fine & (kind == "AZGroupMember") & batch.sound)
    telling = np.union1d(rows[within.span("tenantId")[:, 0] >= 0], np.flatnonzero(found.bad))
    return users, Scan(members, groups, telling)


def _kinds(batch: Batch, found: Found) -> Any:
    """What each object says of its kind; "" where it is no text."""
    spans = found.span("kind")
    first, which = jsoncells.distinct(jsoncells.marks(batch.data, spans))
    said = [batch.value(spans[at]) if spans[at, 0] >= 0 else "" for at in first.tolist()]
    return np.array([one if isinstance(one, str) else "" for one in said] or [""], np.object_)[which]


def _members(batch: Batch, within: Found, rows: Ints, fine: Flags) -> tuple[pl.DataFrame, Ints]:
    data, listed = batch.data, within.inner["members"]
    each = listed.inner["member"]
    groups, _, state = jsoncells.guids(data, within.span("groupId"), "")
    fine = fine & (state == GOOD)
    ids, _, state = jsoncells.guids(data, each.span("id"), "")
    types = each.span("@odata.type")
    first, which = jsoncells.distinct(jsoncells.marks(data, types))
    kinds = [object_kind({"@odata.type": batch.value(types[at])}) if types[at, 0] >= 0 else "" for at in first.tolist()]
    said = np.array([bool(kind) and kind != "ServicePrincipal" for kind in kinds] or [False], np.bool_)[which]
    upn_text, name = (jsoncells.bare_texts(data, each.span(key)) for key in ("userPrincipalName", "displayName"))
    upn = upns(upn_text)
    sound = np.zeros(len(listed.row), np.bool_)
    sound[each.row] = (state == GOOD) & said & (upn.is_not_null() | upn_text.is_null()).to_numpy()
    fine[listed.row[~sound]] = False
    kept = fine[listed.row[each.row]]
    of = listed.row[each.row[kept]]
    number = each.row[kept] - np.searchsorted(listed.row, of)
    frame = pl.DataFrame({"id": ids, "upn": upn, "name": name.fill_null(upn_text), "kind": pl.Series(kinds, dtype=pl.String).gather(which)}).filter(pl.Series(kept))
    place = batch.places(rows[of]) + jsoncells.numbered(".members[{}]", number)
    return frame.with_columns(group=groups.gather(of), place=place), rows[fine]


class Members:
    """Members of groups, which wait for the end of the file."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._frames: list[pl.DataFrame] = []

    def take(self, batch: Batch, scan: Scan) -> Ints:
        """Keep what a batch says; the rows of it that need not be read again."""
        if not self._tenant.tenant_id:
            self._tenant.tenant_id = next(filter(None, (_tenant_of(batch, row) for row in scan.telling.tolist())), "")
        if len(scan.members):
            self._frames.append(scan.members)
        return scan.rows

    def finish(self, single: list[Member], users: pl.DataFrame) -> list[Member]:
        """State them, but not again that an account (`key`) of `users` has the address `upn`.

        Those that one of `single` may be the same as are returned with these, in the order of the file.
        """
        if not self._frames:
            return single
        many = pl.concat(self._frames)
        again = many["id"].is_in([id_ for _, member, _ in single if (id_ := guid(member.get("id")))]) | pl.Series([self._tenant.says_members])
        same, many = many.filter(again), many.filter(~again)
        if len(same):
            moved = [(row["group"], _record(row), row["place"]) for row in same.iter_rows(named=True)]
            single = sorted([*single, *moved], key=lambda one: [*map(int, _PLACE.search(one[2]).groups())])  # type: ignore[union-attr]
        known = pl.col("kind").is_in(["User", "Group"])
        self._tenant.tally.add(NO_MEMBER, len(many.filter(~known)))
        once = many.filter(known).unique(("group", "id", "kind"), keep="first", maintain_order=True)
        for kind, label, prefix in (("User", "Account", "entra:"), ("Group", "Group", "group:")):
            of = once.filter(pl.col("kind") == kind)
            self._tenant.out.edges("MEMBER_OF", (label, prefix + of["id"]), ("Group", "group:" + of["group"]), of["place"])
        named = many.filter((pl.col("kind") == "User") & pl.col("upn").is_not_null()).unique("id", keep="first", maintain_order=True)
        self._name(named.with_columns(key="entra:" + pl.col("id")), users)
        return single

    def _name(self, named: pl.DataFrame, users: pl.DataFrame) -> None:
        """State the accounts that members name."""
        tenant, out = self._tenant, self._tenant.out
        named = named.filter(pl.Series([not tenant.is_named(key) for key in named["key"].to_list()], dtype=pl.Boolean))
        out.nodes("Account", named["key"], named["place"], name=named["name"], upn=named["upn"], object_id=named["id"])
        new = named.join(users, on=("key", "upn"), how="anti")
        new = new.filter(pl.Series([not tenant.who.has_address(key, upn, "upn") for key, upn in new.select("key", "upn").iter_rows()], dtype=pl.Boolean))
        out.edges("HAS_ADDRESS", ("Account", new["key"]), ("Correspondent", "smtp:" + new["upn"]), new["place"], type="upn")


def _record(row: dict[str, Any]) -> Record:
    """A member as a record."""
    return {"id": row["id"], "objectType": row["kind"], "userPrincipalName": row["upn"], "displayName": row["name"]}


def _tenant_of(batch: Batch, row: int) -> str | None:
    """The tenant's id as this object tells it."""
    record = orjson.loads(batch.data[batch.starts[row] : batch.ends[row]].tobytes())
    data = record.get("data") if isinstance(record, dict) and record.get("kind") in _OF_TENANT else None
    if not isinstance(data, dict) or not (record["kind"] == "AZRole" or guid(data.get("id"))):
        return None
    return guid(data.get("tenantId"))
