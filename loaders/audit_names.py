"""Records of the audit log whose keys something folded, renamed or wrote flat, with the keys as Microsoft writes them."""

from __future__ import annotations

import re
from typing import Any, cast

import orjson

from loaders.audit_who import Record

_NAMES = (
    "CreationTime Id Operation OrganizationId RecordType ResultStatus UserKey UserType Workload ClientIP ClientIPAddress ObjectId UserId "
    "AppId ClientAppId ApplicationId AppAccessContext AADSessionId UniqueTokenId ExternalAccess OrganizationName OriginatingServer Parameters "
    "SessionId MailboxOwnerUPN MailboxGuid MailboxOwnerSid LogonType InternalLogonType LogonUserSid ClientInfoString ClientProcessName "
    "OperationProperties Folders FolderItems Folder DestFolder AffectedItems Item ParentFolder InternetMessageId Path Name Value MemberUpn "
    "MemberSid MemberRights SendAsUserSmtp SendOnBehalfOfUserSmtp ModifiedProperties OldValue NewValue ExtendedProperties DeviceProperties "
    "Actor Target ID Type ActorIpAddress ErrorNumber LogonError UserAgent SiteUrl SourceFileName TargetUserOrGroupName TargetUserOrGroupType"
)
_BY_FOLDED = {key.casefold(): key for key in _NAMES.split()} | {"id": "Id"}
_CMDLET_NAMES = (
    "Identity Name Mailbox User Trustee AccessRights Deny ForwardTo RedirectTo ForwardAsAttachmentTo ForwardingSmtpAddress ForwardingAddress "
    "DeliverToMailboxAndForward GrantSendOnBehalfTo AuditEnabled BlindCopyTo RedirectMessageTo CopyTo AddToRecipients DeleteMessage Enabled Mode "
    "SoftDeleteMessage MoveToFolder CopyToFolder MarkAsRead From FromAddressContainsWords SubjectContainsWords BodyContainsWords "
    "SubjectOrBodyContainsWords EmailAddresses PrimarySmtpAddress"
)
_PARAMETERS = {name.casefold(): name for name in _CMDLET_NAMES.split()}
# Sentinel's OfficeActivity calls these otherwise, and writes objects as JSON text.
_SENTINEL = {
    "officeworkload": "Workload", "officeobjectid": "ObjectId", "client_ipaddress": "ClientIPAddress", "logon_type": "LogonType",
    "site_url": "SiteUrl", "timegenerated": "CreationTime", "sendonbehalfofusersmtp": "SendOnBehalfOfUserSmtp", "aadtarget": "Target",
}  # fmt: skip
_JSON_TEXT = frozenset(
    ("Parameters", "Folders", "Folder", "DestFolder", "AffectedItems", "Item", "ModifiedProperties", "OperationProperties",
     "ExtendedProperties", "Actor", "Target", "AppAccessContext", "DeviceProperties")
)  # fmt: skip
FLAT = {"caller": "UserId", "cmdlet": "Operation", "rundate(utc)": "CreationTime", "objectmodified": "ObjectId", "creationdate": "CreationTime",
         "userids": "UserId", "operations": "Operation", "identity": "Id"}  # fmt: skip


def canonical(value: Record) -> Record:
    """The record with its keys as Microsoft writes them, where something folded them."""
    return {_BY_FOLDED.get(key.casefold(), key): item for key, item in value.items()}


def sentinel(cells: Record) -> Record:
    """A row of OfficeActivity (keys folded) as a record; JSON texts are read."""
    record: Record = {}
    for name, value in cells.items():
        key = _SENTINEL.get(name) or _BY_FOLDED.get(name)
        if key is None or value in ("", None):
            continue
        if key in _JSON_TEXT and isinstance(value, str):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                continue
        record[key] = value
    record["Id"] = cells.get("sourcerecordid") or cells.get("officeid")
    return record


def unflattened(cells: dict[str, str]) -> Record:
    """A flattened row (`Param_ForwardTo`, `Folders_0_Path`) as a record; what PowerShell printed as a type name is not there."""
    record: Record = {}
    parameters: list[Record] = []
    for name, value in cells.items():
        if name.startswith("param_"):
            parameters.append({"Name": _PARAMETERS.get(name[6:], name[6:]), "Value": value})
            continue
        parts = [part for part in re.split(r"[_.]", name) if part]
        key = _BY_FOLDED.get(name) or FLAT.get(name)
        if key is None and len(parts) > 1 and all(part.isdigit() and len(part) < 4 or part in _BY_FOLDED for part in parts):
            inner = [int(part) if part.isdigit() else _BY_FOLDED[part] for part in parts]
            _put(record, inner[:-1] + ["ID" if inner[0] in ("Actor", "Target") and inner[-1] == "Id" else inner[-1]], value)
        elif key and (key not in record or name in _BY_FOLDED):
            record[key] = _read(value) if key in _JSON_TEXT else value
    if parameters:
        record["Parameters"] = parameters
    return cast(Record, _lists(record))


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _put(record: Record, path: list[Any], value: str) -> None:
    """Set the value at a path, numbers as keys for now."""
    at: Any = record
    for step in path[:-1]:
        at = at.setdefault(step, {}) if isinstance(at, dict) else {}
    if isinstance(at, dict):
        at[path[-1]] = value


def _lists(value: Any) -> Any:
    """Objects whose keys are numbers become lists."""
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(key, int) for key in value):
        return [_lists(value[key]) for key in sorted(value)]
    return {key: _lists(item) for key, item in value.items()}
