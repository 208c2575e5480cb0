"""Directory audit events of Entra ID as a table: the portal's download, and Microsoft Sentinel's AuditLogs (formats.md 4).

Claims `Activity`, `ActorType` and `Target1Type` (portal), or `OperationName`, `InitiatedBy` and `TargetResources` (Sentinel).

Yields what entra_logs_graph does of such events: Observation `obs:entra_audit/<id>`; HAS_ROLE, MEMBER_OF, OWNS, CONSENTED and APP_SCOPE with the time they
begin or end; Remediation where somebody else reset a password or ended sessions.

Traps: the portal spreads targets and what changed over numbered columns (`Target1ModifiedProperty2NewValue`), three targets at most, and gives no id:
correlation id, activity and targets stand in. Sentinel's cells hold JSON; its dates are US text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.entra_audits import Audits
from loaders.reading import Row, Table, header_of
from loaders.signins import SignIns

NAME = "entra_audits_csv"
TITLE = "Entra ID directory audit events CSV (portal, Sentinel AuditLogs)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "roles, group members, owners, consent and app permissions given or taken; resets"

Record = dict[str, Any]

_PORTAL = frozenset(("activity", "actortype", "target1type"))
_SENTINEL = frozenset(("operationname", "initiatedby", "targetresources"))
_TIMES = ("activitydatetime", "date (utc)", "date", "timegenerated")
_MOST = 30
"""Numbered columns of a kind that are looked for."""


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    return Claim(8, "columns of directory audit events") if header >= _PORTAL or header >= _SENTINEL else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out, dates=_TIMES)
    if not any(table.has(name) for name in _TIMES):
        table.require("date (utc)")
    convert = _portal if table.has(*sorted(_PORTAL)) else _sentinel
    audits = Audits(SignIns(out, options))
    for row in table:
        at = row.date(*[name for name in _TIMES if table.has(name)])
        if at is None:
            out.refuse(row.place, row.first("correlationid"), "no date that can be believed")
            continue
        audits.add({"activityDateTime": datetime.fromtimestamp(at, UTC).isoformat(), "correlationId": row.get("correlationid"), **convert(row)}, row.place)
    audits.finish(False)


def _portal(row: Row) -> Record:
    targets: list[Record] = []
    for number in range(1, 4):
        if not row.first(f"target{number}type", f"target{number}objectid"):
            continue
        changed = [
            {"displayName": name, "oldValue": row.get(f"target{number}modifiedproperty{at}oldvalue"), "newValue": row.get(f"target{number}modifiedproperty{at}newvalue")}
            for at in range(1, _MOST) if (name := row.get(f"target{number}modifiedproperty{at}name"))
        ]  # fmt: skip
        targets.append({
            "type": row.get(f"target{number}type"), "displayName": row.get(f"target{number}displayname"), "id": row.get(f"target{number}objectid"),
            "userPrincipalName": row.get(f"target{number}userprincipalname"), "modifiedProperties": changed,
        })  # fmt: skip
    user = {"id": row.get("actorobjectid"), "userPrincipalName": row.get("actoruserprincipalname"), "displayName": row.get("actordisplayname"), "ipAddress": row.get("ipaddress")}
    app = {"servicePrincipalId": row.first("actorserviceprincipalid", "actorobjectid"), "displayName": row.first("actorserviceprincipalname", "actordisplayname")}
    named = "-".join(filter(None, (row.get("correlationid"), row.get("activity"), *(target["id"] for target in targets))))
    return {
        "id": named, "activityDisplayName": row.get("activity"), "category": row.get("category"), "result": row.get("result"), "targetResources": targets,
        "initiatedBy": {"user": user} if row.get("actortype").casefold() == "user" else {"app": app},
        "additionalDetails": [{"key": key, "value": row.get(f"additionaldetail{at}value")} for at in range(1, _MOST) if (key := row.get(f"additionaldetail{at}key"))],
    }  # fmt: skip


def _sentinel(row: Row) -> Record:
    return {
        "id": row.get("id"), "activityDisplayName": row.first("activitydisplayname", "operationname"), "category": row.get("category"), "result": row.get("result"),
        "initiatedBy": _json(row.get("initiatedby")), "targetResources": _json(row.get("targetresources")), "additionalDetails": _json(row.get("additionaldetails")),
    }  # fmt: skip


def _json(text: str) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None
