"""Audit records in the exact form of the real ones, with made-up content, and the shapes in which such a log is exported."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]

ORG = "contoso.onmicrosoft.com"
PATH = f"EURPR04A009.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/{ORG}/"
ALICE, BOB, ADMIN = f"Alice@{ORG}", f"bob@{ORG}", f"Admin@{ORG}"
SID = "S-1-5-21-1376570662-3565232716-1187618197-"
APP, SP, USER = ("11111111-aaaa-4bbb-8ccc-000000000001", "22222222-aaaa-4bbb-8ccc-000000000002", "33333333-aaaa-4bbb-8ccc-000000000003")
SERVERS = {ALICE: ("aaaaaaaa-0000-4000-8000-000000000001", f"{SID}1001"), BOB: ("aaaaaaaa-0000-4000-8000-000000000002", f"{SID}1002")}


def record(number: int, operation: str, user: str, **more: Any) -> Record:
    """A record `number` minutes after 2023-06-01 08:00; its Id is made of the number."""
    day, minute = divmod(number, 600)
    return {
        "CreationTime": f"2023-06-{day + 1:02}T{8 + minute // 60:02}:{minute % 60:02}:00", "Id": f"00000000-0000-4000-8000-{number + 1:012}",
        "Operation": operation, "OrganizationId": "99999999-0000-4000-8000-000000000000", "ResultStatus": "Succeeded", "UserType": 0,
        "UserKey": "10032001266C162C", "Version": 1, "Workload": "Exchange", "UserId": user, "OrganizationName": ORG,
    } | more  # fmt: skip


def pairs(**values: str) -> list[Record]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def of(mailbox: str, logon: int = 0, **more: Any) -> Record:
    """What a record about a mailbox says of it."""
    guid, sid = SERVERS[mailbox]
    return {"MailboxOwnerUPN": mailbox, "MailboxGuid": guid, "MailboxOwnerSid": sid, "LogonType": logon, "InternalLogonType": logon, "ExternalAccess": False,
            "ClientIPAddress": "192.0.2.7", "ClientInfoString": "Client=OWA;Action=ViaProxy", "SessionId": "5e551011-0000-4000-8000-000000000001",
            "OriginatingServer": "VI1PR04MB5056 (15.20.4129.032)\r\n"} | more  # fmt: skip


def access(kind: str, throttled: str = "False", **more: Any) -> Record:
    return {"RecordType": 50, "OperationProperties": pairs(MailAccessType=kind, IsThrottled=throttled)} | more


def bind(path: str, *ids: str) -> Record:
    return {"FolderItems": [{"InternetMessageId": f"<{id_}@mail.example>", "SizeInBytes": 9} for id_ in ids], "Id": "LgAAAAB", "Path": path}


def item(id_: str, path: str = "\\Drafts") -> Record:
    return {"Id": "RgAAAAD", "InternetMessageId": f"<{id_}@mail.example>", "Subject": "never kept: 機密", "ParentFolder": {"Id": "LgAAAAB", "Path": path}}


def changed(**values: tuple[str, str]) -> list[Record]:
    return [{"Name": name.replace("__", "."), "OldValue": old, "NewValue": new} for name, (old, new) in values.items()]


def directory(operation: str, number: int, target: list[tuple[str, int]], properties: list[Record], user: str = ADMIN, **more: Any) -> Record:
    return record(number, operation, user, RecordType=8, Workload="AzureActiveDirectory", ResultStatus="Success", ModifiedProperties=properties,
                  Target=[{"ID": id_, "Type": kind} for id_, kind in target], OrganizationName=None) | more  # fmt: skip


PERMISSION = "[[Id: x, ClientId: {}, PrincipalId: {}, ResourceId: r, ConsentType: Principal, Scope:  {}]]"
APP_TARGET = [(f"ServicePrincipal_{SP}", 2), (SP, 2), ("ServicePrincipal", 2), ("Mail Helper", 1), (APP, 2), (APP, 4)]
USER_TARGET = [(f"User_{USER}", 2), (USER, 2), ("User", 2), (ALICE, 5), ("10032001", 3)]


def mail() -> list[Record]:
    """Reads, sends, changes of messages."""
    return [
        record(0, "MailItemsAccessed", ALICE, **access("Bind"), **of(ALICE), Folders=[bind("\\Inbox", "one", "two"), bind("\\l\\Brouillons", "three")]),
        record(1, "MailItemsAccessed", ALICE, **access("Sync", RecordType=2), **of(ALICE),
               Item={"Id": "x", "ParentFolder": {"Id": "x", "Name": "受信トレイ", "Path": "Not Available"}}),
        record(2, "MailItemsAccessed", BOB, **access("Sync"), **of(ALICE, 2), Folders=[{"Id": "x", "Path": "\\Archive"}]),
        record(3, "MailItemsAccessed", ALICE, **access("Bind", "True"), **of(ALICE), Folders=[bind("\\Inbox", "one")]),
        record(4, "Send", ALICE, RecordType=2, **of(ALICE), Item=item("sent")),
        record(5, "SendAs", BOB, RecordType=2, **of(BOB), Item=item("as"), SendAsUserSmtp="ceo@contoso.example"),
        record(6, "SendOnBehalf", BOB, RecordType=2, **of(BOB), Item=item("behalf"), SendOnBehalfOfUserSmtp="alice@contoso.example"),
        record(7, "MoveToDeletedItems", ALICE, RecordType=3, **of(ALICE), AffectedItems=[item("two", "\\Inbox")], Folder={"Path": "\\Inbox"},
               DestFolder={"Path": "\\Deleted Items"}),
        record(8, "HardDelete", ALICE, RecordType=3, **of(ALICE), AffectedItems=[item("two", "\\Deleted Items")], Folder={"Path": "\\Deleted Items"}),
    ]  # fmt: skip


def settings() -> list[Record]:
    """Rules, forwarding, rights: begun and ended."""

    def set_(number: int, operation: str, user: str, object_id: str = "", **values: str) -> Record:
        return record(number, operation, user, RecordType=1, ResultStatus="True", ObjectId=object_id, ClientIP="[2001:db8::5]:54088", Parameters=pairs(**values))

    return [
        set_(20, "New-InboxRule", ALICE, f"{PATH}Alice\\.", Name=".", ForwardTo="thief@evil.example;other@evil.example", DeleteMessage="True", BodyContainsWords="invoice"),
        set_(30, "Disable-InboxRule", ADMIN, f"{PATH}Alice\\.", Identity=f"{PATH}Alice\\."),
        set_(31, "Enable-InboxRule", ADMIN, f"{PATH}Alice\\.", Identity=f"{PATH}Alice\\."),
        set_(40, "Set-InboxRule", ALICE, f"{PATH}Alice\\.", Identity=f"{PATH}Alice\\.", ForwardTo="thief@evil.example"),
        set_(50, "Remove-InboxRule", ADMIN, f"{PATH}Alice\\.", Identity=f"{PATH}Alice\\."),
        record(60, "UpdateInboxRules", BOB, RecordType=2, **of(BOB), OperationProperties=[
            *pairs(RuleOperation="AddMailboxRule", RuleId="-77", RuleState="Enabled", RuleCondition="{(Exists(ItemClass))}"), {"Name": "RuleName"},
            *pairs(RuleActions='[{"ActionType":"Forward","Recipients":["out@evil.example"],"ForwardFlags":"None"}]')]),
        record(61, "UpdateInboxRules", BOB, RecordType=2, **of(BOB), OperationProperties=pairs(RuleOperation="RemoveMailboxRule", RuleId="-77")),
        set_(70, "Set-Mailbox", ADMIN, "Alice", Identity=f"{PATH}Alice", ForwardingSmtpAddress="smtp:sink@evil.example", DeliverToMailboxAndForward="True"),
        set_(80, "Set-Mailbox", ADMIN, "Alice", Identity=ALICE, ForwardingSmtpAddress="", DeliverToMailboxAndForward="False"),
        set_(81, "Set-Mailbox", ADMIN, "Alice", Identity="Alice", GrantSendOnBehalfTo=f"{PATH}bob"),
        set_(82, "Set-Mailbox", ADMIN, "Alice", Identity="Alice", GrantSendOnBehalfTo=""),
        set_(83, "Set-Mailbox", ADMIN, "Alice", Identity="Alice", AuditEnabled="False"),
        set_(84, "Set-Mailbox", ADMIN, "Alice", Identity="Alice", AuditEnabled="True"),
        set_(90, "Add-MailboxPermission", ADMIN, "Alice", Identity=f"{PATH}Alice", User=f"{PATH}bob", AccessRights="FullAccess"),
        set_(91, "Remove-MailboxPermission", ADMIN, "Alice", Identity=SERVERS[ALICE][0], User=SERVERS[BOB][1], AccessRights="FullAccess"),
        set_(92, "Add-RecipientPermission", ADMIN, "Alice", Identity=f"{PATH}Alice", Trustee=f"{PATH}Nobody Known", AccessRights="SendAs"),
        set_(93, "Remove-RecipientPermission", ADMIN, "Alice", Identity=f"{PATH}Alice", Trustee=f"{PATH}Nobody Known", AccessRights="SendAs"),
        set_(94, "Add-MailboxFolderPermission", ADMIN, "", Identity="Alice:\\Inbox", User="bob", AccessRights="Reviewer"),
        set_(95, "Remove-MailboxFolderPermission", ADMIN, "", Identity="Alice:\\Inbox", User="bob"),
        record(96, "ModifyFolderPermissions", ALICE, RecordType=2, **of(ALICE), Item={"Id": "x", "ParentFolder": {
            "Path": "\\Calendar", "Name": "Calendar", "MemberUpn": "Everyone", "MemberSid": "S-1-1-0", "MemberRights": "ReadAny, Visible"}}),
        set_(97, "New-TransportRule", ADMIN, "", Name="Archive", BlindCopyTo="Cont0so@mail.example", SubjectOrBodyContainsWords="password;請求書", Mode="Enforce"),
        set_(98, "Disable-TransportRule", ADMIN, f"{ORG}\\Archive", Identity="Archive"),
        set_(99, "Set-Mailbox", "NT AUTHORITY\\SYSTEM (Microsoft.Exchange.ServiceHost)", "x", Identity="x", ForwardingSmtpAddress="smtp:never@evil.example"),
        set_(100, "Add-MailboxPermission", ADMIN, "Alice", Identity="Alice", User="bob", AccessRights="FullAccess") | {"ResultStatus": "False"},
    ]  # fmt: skip


def tenant() -> list[Record]:
    """Consent, permissions of applications, roles, groups, sign-ins, files."""
    less, more = "openid User.Read", "openid User.Read Mail.Read"
    role = changed(Role__DisplayName=("", "Global Administrator"), Role__TemplateId=("", "62e90394-69f5-4237-9190-012177145e10"))
    return [
        directory("Consent to application.", 120, APP_TARGET, changed(
            ConsentContext__IsAdminConsent=("", "False"), ConsentAction__Permissions=("", f"[] => {PERMISSION.format(SP, USER, less)}; ")), ALICE, InterSystemsId="act-1"),
        directory("Add delegated permission grant.", 125, [], changed(
            DelegatedPermissionGrant__Scope=(less, more), ServicePrincipal__ObjectID=("", SP)), ALICE, InterSystemsId="act-2"),
        directory("Consent to application.", 126, APP_TARGET, changed(
            ConsentAction__Permissions=("", f"{PERMISSION.format(SP, USER, less)} => {PERMISSION.format(SP, USER, less)}; ")), ALICE, InterSystemsId="act-2"),
        directory("Add app role assignment to service principal.", 127, [], changed(
            AppRole__Value=("", "full_access_as_app"), ServicePrincipal__AppId=("", APP), ServicePrincipal__DisplayName=("", "Mail Helper"))),
        directory("Remove app role assignment from service principal.", 128, [], changed(
            AppRole__Value=("full_access_as_app", ""), ServicePrincipal__AppId=(APP, ""))),
        directory("Update application – Certificates and secrets management ", 129, APP_TARGET, changed(KeyDescription=("[]", "[KeyIdentifier=x]"))),
        directory("Add member to role.", 130, USER_TARGET, role),
        directory("Remove member from role.", 131, USER_TARGET, role),
        directory("Add member to group.", 132, USER_TARGET, changed(
            Group__ObjectID=("", "44444444-aaaa-4bbb-8ccc-000000000004"), Group__DisplayName=("", "Finance"))),
        directory("Add owner to application.", 133, USER_TARGET, changed(Application__AppId=("", APP))),
        directory("Reset user password.", 134, USER_TARGET, []),
        directory("Change user password.", 135, USER_TARGET, [], ALICE),
        record(140, "UserLoggedIn", ALICE, RecordType=15, Workload="AzureActiveDirectory", UserKey=USER, ResultStatus="Success", ClientIP="192.0.2.7:1234",
               ApplicationId=APP, ExtendedProperties=pairs(UserAgent="Mozilla/5.0", RequestType="Login:login"),
               DeviceProperties=pairs(OS="Windows 10", SessionId="5e551011-0000-4000-8000-000000000001"), ErrorNumber="0"),
        record(141, "UserLoginFailed", ALICE, RecordType=15, Workload="AzureActiveDirectory", UserKey=USER, ResultStatus="Success",
               ActorIpAddress="::ffff:192.0.2.9", LogonError="InvalidUserNameOrPassword", ErrorNumber="50126"),
        record(142, "FileDownloaded", ALICE, RecordType=6, Workload="OneDrive", ObjectId="https://contoso-my.sharepoint.com/personal/alice/Documents/Plan.docx", ClientIP="192.0.2.7"),
        record(143, "SharingSet", ALICE, RecordType=14, Workload="OneDrive", ObjectId="https://contoso-my.sharepoint.com/personal/alice/Documents/Plan.docx",
               TargetUserOrGroupName="guest@evil.example", TargetUserOrGroupType="Guest"),
        record(144, "PageViewed", ALICE, RecordType=4, Workload="SharePoint", ObjectId="https://contoso.sharepoint.com/x"),
    ]  # fmt: skip


def records() -> list[Record]:
    """All of them; values of None are not in a real record."""
    return [{key: value for key, value in one.items() if value is not None} for one in mail() + settings() + tenant()]


# The shapes of formats.md 1.1.


def _csv(header: list[str], rows: list[list[Any]], bom: bool = False) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([header, *rows])
    return text.getvalue().encode("utf-8-sig" if bom else "utf-8")


def _us(time: str) -> str:
    day, _, clock = time.partition("T")
    year, month, date = day.split("-")
    return f"{int(month)}/{int(date)}/{year} {int(clock[:2]) % 12 or 12}{clock[2:]} {'AM' if int(clock[:2]) < 12 else 'PM'}"


def shape(letter: str, given: list[Record]) -> bytes:
    """The records as the shape A to I (I is lossy)."""
    return _SHAPES[letter](given)


def _a(given: list[Record]) -> bytes:
    header = ["RecordType", "CreationDate", "UserIds", "Operations", "AuditData", "ResultIndex", "ResultCount", "Identity", "IsValid", "ObjectState"]
    return _csv(header, [["ExchangeAdmin", _us(r["CreationTime"]), r["UserId"], r["Operation"], json.dumps(r, ensure_ascii=False), n + 1, len(given), r["Id"], True, "Unchanged"]
                         for n, r in enumerate(given)])  # fmt: skip


def _b(given: list[Record]) -> bytes:
    return _csv(["CreationDate", "UserIds", "Operations", "AuditData"],
                [[f"{r['CreationTime']}.0000000Z", r["UserId"], r["Operation"], json.dumps(r, ensure_ascii=False)] for r in given])  # fmt: skip


def _c(given: list[Record]) -> bytes:
    header = ["RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData", "AssociatedAdminUnits", "AssociatedAdminUnitsNames"]
    return _csv(header, [[r["Id"], f"{r['CreationTime']}.0000000Z ", r.get("RecordType", 1), r["Operation"], r["UserId"], json.dumps(r, ensure_ascii=False), "", ""]
                         for r in given])  # fmt: skip


def _d(given: list[Record]) -> bytes:
    header = ["id", "createdDateTime", "auditLogRecordType", "operation", "organizationId", "userType", "userId", "service", "objectId", "userPrincipalName",
              "clientIp", "administrativeUnits", "auditData"]  # fmt: skip
    return _csv(header, [[r["Id"], f"{r['CreationTime']}Z", "exchangeAdmin", r["Operation"], r["OrganizationId"], "regular", r["UserId"], r["Workload"], "",
                          r["UserId"], "", "", json.dumps(r, ensure_ascii=False, indent=2).replace("\n", "\r\n")] for r in given])  # fmt: skip


def _e(given: list[Record]) -> bytes:
    return "".join(json.dumps(r, ensure_ascii=False) + "\r\n" for r in given).encode("utf-16")


def _f(given: list[Record]) -> bytes:
    wrapped = [{"RecordType": "ExchangeAdmin", "Operations": r["Operation"], "UserIds": r["UserId"], "Identity": r["Id"], "AuditData": r} for r in given]
    half = len(wrapped) // 2
    return (json.dumps(wrapped[:half], indent=4, ensure_ascii=False) + "\r\n\r\n\r\n" + json.dumps(wrapped[half:], indent=4, ensure_ascii=False)).encode()


_SENTINEL = {"Workload": "OfficeWorkload", "ObjectId": "OfficeObjectId", "ClientIPAddress": "Client_IPAddress", "LogonType": "Logon_Type",
             "CreationTime": "TimeGenerated [UTC]", "Id": "SourceRecordId", "SiteUrl": "Site_Url"}  # fmt: skip


def _g(given: list[Record]) -> bytes:
    rows = []
    for one in given:
        row = {_SENTINEL.get(key, key): json.dumps(value, indent=2) if isinstance(value, list | dict) else value for key, value in one.items()}
        if "LogonType" in one:
            row["Logon_Type"] = ("Owner", "Admin", "Delegated")[one["LogonType"]]
        month, rest = _us(one["CreationTime"]).split("/", 1)
        date, clock = rest.split(" ", 1)
        row |= {"TimeGenerated [UTC]": f"{month}/{date}, {clock[:-3]}.000 {clock[-2:]}", "UserType": "Regular", "OfficeId": one["Id"]}
        rows.append(row)
    header = list(dict.fromkeys(key for row in rows for key in row))
    return _csv(header, [[row.get(key, "") for key in header] for row in rows], bom=True)


def _h(given: list[Record]) -> bytes:
    header = ["AuditData", "CreationDate", "Identity", "IsValid", "Operations", "RecordType", "UserIds", "_raw", "_time", "host", "punct"]
    return _csv(header, [[json.dumps(r, ensure_ascii=False).replace("/", "\\/"), _us(r["CreationTime"]), r["Id"], True, r["Operation"], "ExchangeAdmin", r["UserId"],
                          '"outlook.office365.com","…', "1621372413", "summit", '"..."'] for r in given])  # fmt: skip


def _i(given: list[Record]) -> bytes:
    header = list(given[0])  # PowerShell takes the columns of the first object
    return _csv(header, [["System.Object[]" if isinstance(r.get(k), list | dict) else r.get(k, "") for k in header] for r in given])


_SHAPES = {"A": _a, "B": _b, "C": _c, "D": _d, "E": _e, "F": _f, "G": _g, "H": _h, "I": _i}


def write(path: Path, letter: str, given: list[Record]) -> Path:
    path.write_bytes(shape(letter, given))
    return path
