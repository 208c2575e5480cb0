"""Audit tables that are not AuditData, and are read as if they were: one record a row.

- `mailbox audit`: Search-MailboxAuditLog -ShowDetails, on servers of one's own the only log of what was opened, moved, deleted and sent as another
- `admin audit`: Search-AdminAuditLog, commands and (in JSON) their parameters
- `opened messages`, `sessions`: Get-MessageIDs and Get-Sessions of Microsoft-Extractor-Suite, single fields of MailItemsAccessed

The first two are written in the local time of the computer they were exported on (loaders/zones.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphmodel import identity
from loaders.audit_who import Record
from loaders.reading import Row

_HEADERS = {
    "mailbox audit": frozenset(("operation", "lastaccessed", "logontype", "mailboxguid")),
    "admin audit": frozenset(("cmdletname", "caller", "rundate")),
    "opened messages": frozenset(("timestamp", "user", "internetmessageid")),
    "sessions": frozenset(("timestamp", "user", "action", "sessionid")),
}
SHAPES = frozenset(_HEADERS)
LOCAL = frozenset(("mailbox audit", "admin audit"))
TIMES = ("lastaccessed", "rundate", "timestamp")
_AS_OTHER = ("sendas", "sendonbehalf")


def shape_of(header: frozenset[str]) -> str | None:
    """Which of these tables a header is."""
    return next((shape for shape, needed in _HEADERS.items() if header >= needed), None)


def record_of(shape: str, row: Row, at: int | None) -> Record:
    """A row as a record of the audit log; `at`: its time in UTC."""
    return {name: value for name, value in _READERS[shape](row).items() if value} | {"CreationTime": at}


def named(shape: str, row: Row) -> tuple[str, str] | None:
    """(key, display name) of the account that did it, where a table tells its SID beside its name."""
    sid = identity.sid(row.get("logonusersid")) if shape == "mailbox audit" else None
    name = row.get("logonuserdisplayname")
    return (identity.ad_key(sid), name) if sid and name and not sid.startswith(("S-1-5-18", "S-1-5-20")) else None


def from_command(value: Record) -> Record:
    """A JSON object of Search-AdminAuditLog as a record of the audit log."""
    said = {key.casefold(): item for key, item in value.items()}
    return {
        "Operation": said.get("cmdletname"), "UserId": said.get("caller"), "CreationTime": said.get("rundate"), "ObjectId": said.get("objectmodified"),
        "Parameters": said.get("cmdletparameters"), "ResultStatus": str(said.get("succeeded", "")),
    }  # fmt: skip


def _mailbox_audit(row: Row) -> Record:
    operation, owner, sid = row["operation"], row.get("mailboxownerupn"), row.get("logonusersid")
    own = row["logontype"].casefold() == "owner"
    folder = _path(row.get("folderpathname"))
    ids = row.list("sourceiteminternetmessageidslist") or row.list("iteminternetmessageid")
    record: Record = {
        "Operation": operation, "UserId": owner if own and owner else sid or row.get("logonuserdisplayname"), "LogonType": row["logontype"],
        "ResultStatus": row.get("operationresult"), "MailboxOwnerUPN": owner or row.get("mailboxresolvedownername"), "MailboxGuid": row["mailboxguid"],
        "MailboxOwnerSid": row.get("mailboxownersid"), "ClientIPAddress": row.get("clientipaddress"), "ClientInfoString": row.get("clientinfostring"),
        "SessionId": row.get("sessionid"), "ClientAppId": row.get("clientappid"), "Folder": folder, "DestFolder": _path(row.get("destfolderpathname")),
    }  # fmt: skip
    if operation.casefold() in _AS_OTHER:
        record["SendAsUserSmtp"] = owner
        record["Item"] = {"InternetMessageId": ids[0]} if ids else None
    else:
        record["AffectedItems"] = [{"InternetMessageId": id_, "ParentFolder": folder} for id_ in ids]
    return record


def _path(text: str) -> dict[str, str] | None:
    return {"Path": text} if text else None


def _admin_audit(row: Row) -> Record:
    return {
        "Operation": row["cmdletname"], "UserId": row["caller"], "ObjectId": row.get("objectmodified"), "Parameters": row.get("cmdletparameters"),
        "ResultStatus": row.get("succeeded"),
    }  # fmt: skip


def _opened(row: Row) -> Record:
    items = [{"InternetMessageId": row["internetmessageid"]}] if row["internetmessageid"] else []
    return _access(row) | {"Folders": [{"FolderItems": items}], "OperationProperties": [{"Name": "MailAccessType", "Value": "Bind"}]}


def _access(row: Row) -> Record:
    return {
        "Operation": row.get("action") or "MailItemsAccessed", "UserId": row["user"], "SessionId": row.get("sessionid"),
        "ClientIPAddress": row.first("ipaddress", "clientip", "clientipaddress"),
    }  # fmt: skip


_READERS: dict[str, Callable[[Row], dict[str, Any]]] = {
    "mailbox audit": _mailbox_audit, "admin audit": _admin_audit, "opened messages": _opened, "sessions": _access,
}  # fmt: skip
