"""The shapes in which the Microsoft 365 audit log leaves a tenant, all brought to one: AuditData's own keys (formats.md 1.1).

    for place, record in Shapes(source, options, out, skip): ...
    shapes.batches()        # the same records as texts, many at once, where the file is large and of a shape that allows it; else None

`skip(id, user, text)` is asked before a cell of AuditData is parsed, so that copies and upkeep cost nothing.
A record whose AuditData is cut keeps what the other columns say, and `_cut: True`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, BinaryIO, cast

import orjson

from loaders.audit_who import Record
from loaders.base import Broken, FactBuffer, Options, Source
from loaders.containers import json_items
from loaders.encodings import encoding_of, head_text, open_text
from loaders.jsonbatch import BATCH_BYTES, BATCH_ROWS, SMALL, Batch, of_lines
from loaders.reading import Row, Table, header_of

Skip = Callable[[str, str, str], bool]

_NAMES = (
    "CreationTime Id Operation OrganizationId RecordType ResultStatus UserKey UserType Workload ClientIP ClientIPAddress ObjectId UserId "
    "AppId ClientAppId ApplicationId AppAccessContext AADSessionId UniqueTokenId ExternalAccess OrganizationName OriginatingServer Parameters "
    "SessionId MailboxOwnerUPN MailboxGuid MailboxOwnerSid LogonType InternalLogonType LogonUserSid ClientInfoString ClientProcessName "
    "OperationProperties Folders FolderItems Folder DestFolder AffectedItems Item ParentFolder InternetMessageId Path Name Value MemberUpn "
    "MemberSid MemberRights SendAsUserSmtp SendOnBehalfOfUserSmtp ModifiedProperties OldValue NewValue ExtendedProperties DeviceProperties "
    "Actor Target ID Type ActorIpAddress ErrorNumber LogonError UserAgent SiteUrl SourceFileName TargetUserOrGroupName TargetUserOrGroupType"
)
_BY_FOLDED = {key.casefold(): key for key in _NAMES.split()}
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
_FLAT = {"caller": "UserId", "cmdlet": "Operation", "rundate(utc)": "CreationTime", "objectmodified": "ObjectId", "creationdate": "CreationTime",
         "userids": "UserId", "operations": "Operation", "identity": "Id"}  # fmt: skip
_OUTER_TIMES = ("creationdate", "createddatetime", "_time")
_IN_TEXT = {key: re.compile(rf'"+{key}"+\s*:\s*"+([^"]+)"') for key in ("CreationTime", "Id", "Workload")}
_LOOKS_LIKE_ONE = re.compile(r'"(audit_?data|officeworkload|operation)"\s*:', re.IGNORECASE)
_AND_ALSO = re.compile(r'"(audit_?data|workload|officeworkload|recordtype)"\s*:', re.IGNORECASE)
_USER = re.compile(r'"(audit_?data|userid|userids|user_?key)"\s*:', re.IGNORECASE)
_LINE_LIMIT = 64 << 20
_CHUNK = 1 << 20


def shape_of_header(header: frozenset[str]) -> str | None:
    """Which table a header is: `AuditData`, `OfficeActivity`, `flattened`; None where it is none."""
    if "auditdata" in header:
        return "AuditData"
    if "officeworkload" in header and "operation" in header:
        return "OfficeActivity"
    if {"creationtime", "operation", "userid"} <= header and header & {"workload", "recordtype"}:
        return "flattened"
    if {"caller", "cmdlet", "rundate(utc)"} <= header:
        return "flattened"
    return None


def looks_like_records(source: Source) -> bool:
    """Whether the beginning of a file is JSON, and of such records."""
    text = head_text(source).lstrip("\ufeff \t\r\n")
    return text[:1] in ("{", "[") and all(pattern.search(text) for pattern in (_LOOKS_LIKE_ONE, _AND_ALSO, _USER))


class Shapes:
    """The records of a file, one by one, with their places. `lossy`: the shape lost parts of them."""

    def __init__(self, source: Source, options: Options, out: FactBuffer, skip: Skip) -> None:
        self._source, self._options, self._out, self._skip = source, options, out, skip
        self.lossy = False

    def __iter__(self) -> Iterator[tuple[str, Record]]:
        text = head_text(self._source).lstrip("\ufeff \t\r\n")
        if text[:1] == "{":
            return self._lines()
        return self._arrays() if text[:1] == "[" else self._table()

    def batches(self) -> Iterator[Batch] | None:
        """The records as texts in batches; None where the file is small or its shape gives no text for a record."""
        text = head_text(self._source).lstrip("\ufeff \t\r\n")
        if self._source.size < SMALL or text[:1] == "[":
            return None
        if text[:1] == "{":
            return self._line_batches() if self._is_of_lines() else None
        return self._table_batches(Table(self._source, self._options, self._out)) if shape_of_header(header_of(self._source)) == "AuditData" else None

    # Tables.

    def _table(self) -> Iterator[tuple[str, Record]]:
        shape = shape_of_header(header_of(self._source))
        # AuditData has its own times; only the other tables need the file's word on the order of day and month.
        times = () if shape == "AuditData" else ("timegenerated", "creationtime", "rundate(utc)", "creationdate")
        table = Table(self._source, self._options, self._out, dates=times)
        if shape is None:
            table.require("auditdata")
        if shape == "AuditData":
            return self._audit_data(table)
        return self._sentinel(table) if shape == "OfficeActivity" else self._flattened(table)

    def _audit_data(self, table: Table) -> Iterator[tuple[str, Record]]:
        for row, text in self._cells(table):
            yield from self._cell(row, text)

    def _cells(self, table: Table) -> Iterator[tuple[Row, str]]:
        """Rows, and their AuditData, without copies and upkeep."""
        id_ = next((name for name in ("identity", "recordid", "id") if table.has(name)), "")
        user = next((name for name in ("userids", "userid") if table.has(name)), "")
        for row in table:
            text = row.raw("auditdata")
            if not self._skip(row.raw(id_), row.raw(user), text):
                yield row, text

    def _cell(self, row: Row, text: str) -> Iterator[tuple[str, Record]]:
        try:
            record = orjson.loads(text)
        except orjson.JSONDecodeError:
            record = None
        if not isinstance(record, dict):
            yield row.place, self._outer(row, text or row.raw("_raw"))
            return
        whole = record if "Operation" in record else canonical(record)
        if isinstance(whole.get("Operation"), str):
            yield row.place, whole
        else:
            self._out.refuse(row.place, "", "not a record of the audit log: it has no Operation")

    def _table_batches(self, table: Table) -> Iterator[Batch]:
        rows: list[Row] = []
        texts: list[str] = []
        size = 0
        for row, text in self._cells(table):
            rows.append(row)
            texts.append(text)
            size += len(text)
            if size >= BATCH_BYTES or len(rows) >= BATCH_ROWS:
                yield self._table_batch(rows, texts)
                rows, texts, size = [], [], 0
        if rows:
            yield self._table_batch(rows, texts)

    def _table_batch(self, rows: list[Row], texts: list[str]) -> Batch:
        return Batch.of(texts, [row.number for row in rows], "row {}", lambda i: self._cell(rows[i], texts[i]))

    def _outer(self, row: Row, text: str) -> Record:
        """What the other columns say of a record whose AuditData is cut, and what still stands in it."""
        found = {key: match[1] for key, pattern in _IN_TEXT.items() if (match := pattern.search(text[:4000]))}
        time = found.get("CreationTime") or row.date(*[name for name in _OUTER_TIMES if row.raw(name)][:1])
        return found | {
            "Id": found.get("Id") or row.first("identity", "recordid", "id"), "CreationTime": time,
            "Operation": row.first("operations", "operation"), "UserId": row.first("userids", "userid"), "_cut": True,
        }  # fmt: skip

    def _sentinel(self, table: Table) -> Iterator[tuple[str, Record]]:
        for row in table:
            cells = {name: text for name in table.index if name and (text := row.raw(name))}
            record = sentinel(cells)
            record["CreationTime"] = row.date("timegenerated")
            yield row.place, record

    def _flattened(self, table: Table) -> Iterator[tuple[str, Record]]:
        self.lossy = True
        for row in table:
            record = unflattened({name: text for name in table.index if name and (text := row[name])})
            if (time := record.get("CreationTime")) and not (isinstance(time, str) and time[4:5] == "-"):
                record["CreationTime"] = row.date("creationtime", "rundate(utc)", "creationdate")
            yield row.place, record

    # JSON.

    def _lines(self) -> Iterator[tuple[str, Record]]:
        """One object a line; where the first line is not one by itself, objects spread over lines."""
        if not self._is_of_lines():
            yield from self._objects("")
            return
        with closing(self._bytes()) as stream:
            number = 0
            while line := stream.readline(_LINE_LIMIT):
                number += 1
                yield from self._line(number, line)

    def _is_of_lines(self) -> bool:
        with closing(self._bytes()) as stream:
            first = stream.readline(_LINE_LIMIT)
            while first and not first.strip(b"\xef\xbb\xbf \t\r\n"):
                first = stream.readline(_LINE_LIMIT)
        try:
            orjson.loads(first.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError:
            return first.strip().startswith(b'{"')
        return True

    def _line(self, number: int, line: bytes) -> Iterator[tuple[str, Record]]:
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if line.isspace():
            return
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            if not line.endswith(b"\n"):
                raise Broken(f"line {number}", "the file ends in the middle of a record", "it is cut short: export it again") from None
            self._out.records += 1
            self._out.refuse(f"line {number}", "", "not JSON: the line is damaged, export it again")
            return
        yield from self._values(f"line {number}", value)

    def _line_batches(self) -> Iterator[Batch]:
        with closing(self._bytes()) as stream:
            yield from of_lines(stream, self._line, _LINE_LIMIT)

    def _arrays(self) -> Iterator[tuple[str, Record]]:
        """Arrays of objects, several after another where a tool appended to the file."""
        return self._objects("item")

    def _objects(self, path: str) -> Iterator[tuple[str, Record]]:
        with closing(self._bytes()) as stream:
            for number, value in enumerate(json_items(stream, path, several=True), 1):
                yield from self._values(f"record {number}", value)

    def _values(self, place: str, value: Any) -> Iterator[tuple[str, Record]]:
        """The record in a JSON value; all of them where it is an answer of Graph's (`{"value": […]}`) or a list."""
        if isinstance(value, dict) and isinstance(value.get("value"), list) and "Operation" not in value:
            value = value["value"]
        if isinstance(value, list):
            for number, item in enumerate(value, 1):
                yield from self._values(f"{place}, item {number}", item)
            return
        self._out.records += 1
        record = unwrapped(value) if isinstance(value, dict) else None
        if record is None or not isinstance(record.get("Operation"), str):
            self._out.refuse(place, "", "not a record of the audit log: it has no Operation")
        else:
            yield place, record

    def _bytes(self) -> BinaryIO:
        """The file as UTF-8, whatever it is written in (PowerShell 5.1 writes UTF-16)."""
        encoding = encoding_of(self._source, self._options) if self._source.head[:2] in (b"\xff\xfe", b"\xfe\xff") else None
        if encoding is None:
            return self._source.open()
        return io.BufferedReader(_Recoded(open_text(self._source, encoding)), _CHUNK)


class _Recoded(io.RawIOBase):
    """A text stream as bytes in UTF-8."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._left = text, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            try:
                self._left = self._text.read(_CHUNK).lstrip("\ufeff").encode()
            except UnicodeError:
                raise Broken("text", "the bytes do not fit the byte order mark", "it is damaged or cut short: export it again") from None
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        self._text.close()
        super().close()


def unwrapped(value: Record) -> Record | None:
    """The record in an object: itself, or in its AuditData (an object, or JSON text), or a row of Sentinel's table."""
    inner = value.get("AuditData", value.get("auditData"))
    if isinstance(inner, str):
        try:
            inner = orjson.loads(inner)
        except orjson.JSONDecodeError:
            return canonical({_FLAT.get(key.casefold(), key): item for key, item in value.items() if key.casefold() != "auditdata"}) | {"_cut": True}
    if isinstance(inner, dict):
        return inner if "Operation" in inner else canonical(inner)
    if "Operation" in value and "CreationTime" in value:
        return value
    if "OfficeWorkload" in value:
        return sentinel({key.casefold(): item for key, item in value.items()})
    return canonical(value)


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
        key = _BY_FOLDED.get(name) or _FLAT.get(name)
        if key is None and len(parts) > 1 and all(part.isdigit() and len(part) < 4 or part in _BY_FOLDED for part in parts):
            _put(record, [int(part) if part.isdigit() else _BY_FOLDED[part] for part in parts], value)
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
