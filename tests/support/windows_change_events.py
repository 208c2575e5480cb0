"""A small log of what Windows tells besides logons, of a server, a domain controller and a certificate authority, and how each tool ships it."""

from __future__ import annotations

import json
from typing import Any

from tests.support.windows_events import DC, DOMAIN

SERVER, AUTHORITY = "files.corp.example", "ca.corp.example"
FAILURE, SUCCESS = "0x8010000000000000", "0x8020000000000000"
_TANAKA = {"SubjectUserSid": f"{DOMAIN}-1101", "SubjectUserName": "tanaka", "SubjectDomainName": "CORP", "SubjectLogonId": "0x71"}
_SYSTEM = {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "FILES$", "SubjectDomainName": "CORP", "SubjectLogonId": "0x3e7"}
_DC = {"SubjectUserSid": f"{DOMAIN}-1001", "SubjectUserName": "DC01$", "SubjectDomainName": "CORP", "SubjectLogonId": "0x3e7"}
_COMMAND = "%COMSPEC% /C powershell -enc S3cr3tInACommand"
_CHANGES, _ALL = "{1131f6aa-9c07-11d1-f79f-00c04fc2dcd2}", "{1131f6ad-9c07-11d1-f79f-00c04fc2dcd2}"


def _event(number: int, record: int, time: str, data: dict[str, Any], computer: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "record": record, "at": f"2026-03-23T{time}Z", "computer": computer, "data": data, **more}


def _member(group: str, sid: str) -> dict[str, Any]:
    return _TANAKA | {"MemberName": "CN=Sato,DC=corp,DC=example", "MemberSid": f"{DOMAIN}-1102", "TargetUserName": group, "TargetDomainName": "CORP", "TargetSid": sid}


def _changed(attribute: str, dn: str = "CN=Sato, DC=corp, DC=example", class_: str = "user", kind: str = "%%14674") -> dict[str, Any]:
    return _TANAKA | {"ObjectDN": dn, "ObjectClass": class_, "AttributeLDAPDisplayName": attribute, "AttributeValue": "B:828:00", "OperationType": kind}


EVENTS = [
    # a service by an administrator from afar, told in both logs; and one that Windows installs itself
    _event(4697, 201, "08:00:00", _TANAKA | {"ServiceName": "Updater", "ServiceFileName": _COMMAND}, SERVER, keywords=SUCCESS),
    _event(7045, 301, "08:00:01", {"ServiceName": "Updater", "ImagePath": _COMMAND, "AccountName": "LocalSystem"}, SERVER, channel="System", user=f"{DOMAIN}-1101"),
    _event(7045, 302, "08:01:00", {"ServiceName": "Spooler", "ImagePath": "spoolsv.exe"}, SERVER, channel="System", user="S-1-5-18"),
    _event(4697, 202, "08:01:00", _SYSTEM | {"ServiceName": "Spooler"}, SERVER),
    # 7045 is of the log System alone
    _event(7045, 203, "08:02:00", {"ServiceName": "Other"}, SERVER, user=f"{DOMAIN}-1101"),
    # shares: of administrators, and of everybody; one that was not allowed
    _event(5140, 204, "08:03:00", _TANAKA | {"ShareName": r"\\*\C$", "IpAddress": "198.51.100.7"}, SERVER, keywords=SUCCESS),
    _event(5140, 205, "08:03:01", _TANAKA | {"ShareName": r"\\*\IPC$", "IpAddress": "198.51.100.7"}, SERVER),
    _event(5140, 206, "08:03:02", _TANAKA | {"ShareName": r"\\*\ADMIN$", "IpAddress": "198.51.100.7"}, SERVER, keywords=FAILURE),
    # a session taken up again from afar, and one at the console
    _event(4778, 207, "08:04:00", {"AccountName": "tanaka", "AccountDomain": "CORP", "LogonID": "0x71", "SessionName": "RDP-Tcp#4", "ClientName": "WS9",
                                   "ClientAddress": "203.0.113.9"}, SERVER),
    _event(4778, 208, "08:05:00", {"AccountName": "tanaka", "AccountDomain": "CORP", "LogonID": "0x72", "SessionName": "Console", "ClientName": "Unknown",
                                   "ClientAddress": "LOCAL"}, SERVER),
    # certificates: for oneself, in another's name, and of a machine
    _event(4886, 401, "08:10:00", {"RequestId": "7", "Requester": r"CORP\tanaka", "Attributes": "\nCertificateTemplate:UserLogon\r\nccm:ws9.corp.example"}, AUTHORITY),
    _event(4887, 402, "08:10:01", {"RequestId": "7", "Requester": r"CORP\tanaka", "Attributes": "\nCertificateTemplate:UserLogon", "Disposition": "3",
                                   "Subject": "CN=tanaka"}, AUTHORITY),
    _event(4887, 403, "08:11:00", {"RequestId": "8", "Requester": r"CORP\tanaka", "Attributes": "CertificateTemplate:WebServer\nSAN:upn=root@corp.example"}, AUTHORITY),
    _event(4887, 404, "08:12:00", {"RequestId": "9", "Requester": r"CORP\WS9$", "Attributes": "CertificateTemplate:Machine"}, AUTHORITY),
    # accounts and groups
    _event(4720, 501, "08:20:00", _TANAKA | {"TargetUserName": "helper", "TargetDomainName": "CORP", "TargetSid": f"{DOMAIN}-1190"}, DC),
    _event(4724, 502, "08:21:00", _TANAKA | {"TargetUserName": "sato", "TargetDomainName": "CORP", "TargetSid": f"{DOMAIN}-1102"}, DC, keywords=SUCCESS),
    _event(4724, 503, "08:22:00", _TANAKA | {"TargetUserName": "suzuki", "TargetDomainName": "CORP", "TargetSid": f"{DOMAIN}-1103"}, DC, keywords=FAILURE),
    _event(4724, 504, "08:22:30", _TANAKA | {"TargetUserName": "tanaka", "TargetDomainName": "CORP", "TargetSid": f"{DOMAIN}-1101"}, DC),
    _event(4728, 505, "08:23:00", _member("Domain Admins", f"{DOMAIN}-512"), DC),
    _event(4732, 506, "08:24:00", _member("Administrators", "S-1-5-32-544"), SERVER),
    _event(4756, 507, "08:25:00", _member("Enterprise Admins", f"{DOMAIN}-519"), DC),
    _event(4729, 511, "09:25:00", _member("Domain Admins", f"{DOMAIN}-512"), DC),
    # values of the directory: a key added, one taken away, one that gives no way
    _event(5136, 512, "08:26:00", _changed("msDS-KeyCredentialLink"), DC),
    _event(5136, 513, "08:26:01", _changed("msDS-KeyCredentialLink", kind="%%14675"), DC),
    _event(5136, 514, "08:26:02", _changed("description"), DC),
    _event(5136, 515, "08:26:03", _changed("msDS-AllowedToActOnBehalfOfOtherIdentity", "CN=Files,CN=Computers,DC=corp,DC=example", "computer"), DC),
    # rights on a unit, a new version of a policy, and a unit that gets another policy
    _event(5136, 516, "08:27:00", _changed("nTSecurityDescriptor", "OU=Staff,DC=corp,DC=example", "organizationalUnit"), DC),
    _event(5136, 517, "08:27:01", _changed("versionNumber", "CN={6AC1786C-016F-11D2-945F-00C04FB984F9},CN=Policies,CN=System,DC=corp,DC=example", "groupPolicyContainer"), DC),
    _event(5136, 518, "08:27:02", _changed("gPLink", "OU=Staff,DC=corp,DC=example", "organizationalUnit"), DC),
    # replication: both halves, one half, and a domain controller's own
    _event(4662, 508, "08:30:00", _TANAKA | {"ObjectServer": "DS", "Properties": f"%%7688\n\t\t{_ALL}\n\t{{19195a5b-6da0-11d0-afd3-00c04fd930c9}}"}, DC),
    _event(4662, 509, "08:30:01", _TANAKA | {"ObjectServer": "DS", "Properties": f"%%7688\n\t\t{_CHANGES}"}, DC),
    _event(4662, 510, "08:30:02", _DC | {"ObjectServer": "DS", "Properties": f"%%7688\n\t\t{_ALL}"}, DC),
]  # fmt: skip


def winlogbeat() -> str:
    """The log as Winlogbeat ships it."""
    lines = []
    for event in EVENTS:
        log = {"event_id": event["id"], "channel": event.get("channel", "Security"), "computer_name": event["computer"], "record_id": event["record"], "event_data": event["data"]}
        log |= {"user": {"identifier": event["user"]}} if "user" in event else {}
        log |= {"keywords": ["Audit Failure" if event["keywords"] == FAILURE else "Audit Success"]} if "keywords" in event else {}
        lines.append(json.dumps({"@timestamp": event["at"], "winlog": log}))
    return "\n".join(lines) + "\n"


def sentinel() -> str:
    """What the log named Security has of it, as Sentinel exports it."""
    told = [event for event in EVENTS if event.get("channel", "Security") == "Security"]
    names = sorted({name for event in told for name in event["data"]})
    rows = ["TimeGenerated [UTC],EventID,Computer,Channel,EventRecordId,Account,Keywords," + ",".join(names)]
    for event in told:
        data = event["data"]
        account = f"{data['SubjectDomainName']}\\{data['SubjectUserName']}" if "SubjectUserName" in data else ""
        cells = [event["at"], event["id"], event["computer"], "Security", event["record"], account, event.get("keywords", ""), *(data.get(name, "") for name in names)]
        rows.append(",".join('"' + str(cell).replace('"', '""') + '"' for cell in cells))
    return "\r\n".join(rows) + "\r\n"


def nxlog() -> str:
    """The log as NXLog ships it; a set of bits is a negative number there."""
    lines = []
    for event in EVENTS:
        record = {"@timestamp": event["at"], "Hostname": event["computer"], "EventID": event["id"], "Channel": event.get("channel", "Security"),
                  "RecordNumber": event["record"], "SourceModuleType": "im_msvistalog"}  # fmt: skip
        record |= {"UserID": event["user"]} if "user" in event else {}
        record |= {"Keywords": int(event["keywords"], 16) - 2**64} if "keywords" in event else {}
        lines.append(json.dumps(record | event["data"]))
    return "\n".join(lines) + "\n"
