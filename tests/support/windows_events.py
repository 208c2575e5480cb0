"""One small Security log of two computers, and how each tool ships it: what the fixtures of the Windows formats were written from."""

from __future__ import annotations

import json
from typing import Any

DOMAIN = "S-1-5-21-1111111111-2222222222-3333333333"
PC, DC = "PC01.corp.example", "dc01.corp.example"
_NOBODY = {"SubjectUserSid": "S-1-0-0", "SubjectUserName": "-", "SubjectDomainName": "-", "SubjectLogonId": "0x0"}
_MACHINE = {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "PC01$", "SubjectDomainName": "CORP", "SubjectLogonId": "0x3e7"}


def _who(name: str, rid: int | str, id_: str, domain: str = "CORP") -> dict[str, Any]:
    sid = f"{DOMAIN}-{rid}" if isinstance(rid, int) else rid
    return {"TargetUserSid": sid, "TargetUserName": name, "TargetDomainName": domain, "TargetLogonId": id_}


def _logon(kind: int, ip: str = "-", workstation: str = "-") -> dict[str, Any]:
    return {"LogonType": kind, "IpAddress": ip, "IpPort": "0", "WorkstationName": workstation, "AuthenticationPackageName": "Negotiate"}


def _privileges(name: str, rid: int, id_: str) -> dict[str, Any]:
    return {"SubjectUserSid": f"{DOMAIN}-{rid}", "SubjectUserName": name, "SubjectDomainName": "CORP", "SubjectLogonId": id_, "PrivilegeList": "SeDebugPrivilege"}


def _failed(name: str, sub: str, ip: str) -> dict[str, Any]:
    who = {"TargetUserSid": "S-1-0-0", "TargetUserName": name, "TargetDomainName": "CORP", "Status": "0xc000006d", "SubStatus": sub}
    return _NOBODY | who | _logon(3, ip, "KALI")


def _event(number: int, record: int, time: str, data: dict[str, Any], computer: str = PC, **more: Any) -> dict[str, Any]:
    return {"id": number, "record": record, "at": f"2026-03-22T{time}Z", "computer": computer, "data": data, **more}


EVENTS = [
    # tanaka by remote desktop, 08:00 to 09:30; the logoff is told twice (4647, 4634)
    _event(4624, 101, "08:00:00.250000", _MACHINE | _who("tanaka", 1101, "0x51a01") | _logon(10, "203.0.113.9", "PC01")),
    _event(4647, 102, "09:30:00.000000", _who("tanaka", 1101, "0x51a01")),
    _event(4634, 103, "09:30:01.000000", _who("tanaka", 1101, "0x51a01") | {"LogonType": 10}),
    # an administrator over the network, told privileged before and after the logon; and a privileged one whose logon is not there
    _event(4672, 104, "08:10:00.000000", _privileges("adm-sato", 1102, "0x51b00")),
    _event(4624, 105, "08:10:00.000000", _NOBODY | _who("adm-sato", 1102, "0x51b00", "CORP.EXAMPLE") | _logon(3, "::ffff:198.51.100.7", "WS9")),
    _event(4624, 106, "08:11:00.000000", _NOBODY | _who("adm-sato", 1102, "0x51b01") | _logon(3, "fe80::1")),
    _event(4672, 107, "08:11:00.000000", _privileges("adm-sato", 1102, "0x51b01")),
    _event(4672, 108, "08:12:00.000000", _privileges("adm-sato", 1102, "0x51bff")),
    _event(4634, 109, "08:13:00.000000", _who("adm-sato", 1102, "0x51b00") | {"LogonType": 3}),
    # a session that began before the log, and one that nothing ends
    _event(4634, 110, "08:20:00.000000", _who("suzuki", 1103, "0x40000") | {"LogonType": 2}),
    _event(4624, 111, "08:30:00.000000", _MACHINE | _who("suzuki", 1103, "0x52000") | _logon(2, "127.0.0.1", "PC01")),
    # what is left out: machine, SYSTEM, services, DWM, anonymous
    _event(4624, 112, "08:40:00.000000", _NOBODY | _who("WS9$", 1200, "0x53000") | _logon(3, "198.51.100.7")),
    _event(4624, 113, "08:41:00.000000", _MACHINE | _who("SYSTEM", "S-1-5-18", "0x3e7", "NT AUTHORITY") | _logon(5)),
    _event(4624, 114, "08:42:00.000000", _MACHINE | _who("DWM-2", "S-1-5-90-0-2", "0x53001", "Window Manager") | _logon(2)),
    _event(4624, 115, "08:43:00.000000", _NOBODY | _who("ANONYMOUS LOGON", "S-1-5-7", "0x53002", "NT AUTHORITY") | _logon(3, "198.51.100.8")),
    # failures: a wrong password, and a name that is nobody's (and might be a password)
    _event(4625, 116, "08:50:00.000000", _failed("tanaka", "0xc000006a", "198.51.100.66")),
    _event(4625, 117, "08:51:00.000000", _failed("Spring2026!", "0xc0000064", "198.51.100.66")),
    # explicit credentials: tanaka uses adm-sato's on another server
    _event(4648, 118, "09:00:00.000000", {
        "SubjectUserSid": f"{DOMAIN}-1101", "SubjectUserName": "tanaka", "SubjectDomainName": "CORP", "SubjectLogonId": "0x51a01",
        "TargetUserName": "adm-sato", "TargetDomainName": "CORP", "TargetServerName": "FILE01", "TargetInfo": "cifs/FILE01", "IpAddress": "-"}),
    _event(4624, 105, "08:10:00.000000", _NOBODY | _who("adm-sato", 1102, "0x51b00", "CORP.EXAMPLE") | _logon(3, "::ffff:198.51.100.7", "WS9"), channel="security"),
    # a domain controller: a ticket, a check of NTLM credentials, and the log that was cleared
    _event(4768, 901, "07:59:59.000000", {
        "TargetUserName": "tanaka", "TargetDomainName": "corp.example", "TargetSid": f"{DOMAIN}-1101", "Status": "0x0", "IpAddress": "::ffff:203.0.113.9"}, DC),
    _event(4776, 902, "08:09:59.000000", {"TargetUserName": "kimura", "Workstation": "WS9", "Status": "0xc000006a"}, DC),
    _event(4688, 903, "08:10:30.000000", {"NewProcessName": "cmd.exe"}, DC),
]  # fmt: skip
CLEARED = {
    "id": 1102, "record": 900, "at": "2026-03-22T07:00:00Z", "computer": DC, "provider": "Microsoft-Windows-Eventlog",
    "user_data": {"LogFileCleared": {"SubjectUserSid": f"{DOMAIN}-1102", "SubjectUserName": "adm-sato", "SubjectDomainName": "CORP", "SubjectLogonId": "0x1"}},
}  # fmt: skip
_TS = "Microsoft-Windows-TerminalServices-LocalSessionManager"
DESKTOP = [
    {"id": number, "record": record, "at": at, "computer": DC, "provider": _TS, "channel": f"{_TS}/Operational",
     "user_data": {"EventXML": {"User": r"CORP\adm-sato", "SessionID": "3", "Address": "203.0.113.9"}}}
    for number, record, at in ((21, 11, "2026-03-22T08:15:00Z"), (25, 12, "2026-03-22T08:20:00Z"), (23, 13, "2026-03-22T08:45:00Z"))
]  # fmt: skip


def winlogbeat() -> str:
    """The log as Winlogbeat 7 ships it; every fourth record as version 6 did."""
    lines = []
    for number, event in enumerate(EVENTS):
        data, channel = {key: str(value) for key, value in event["data"].items()}, event.get("channel", "Security")
        if number % 4 == 3:
            record = {"@timestamp": event["at"], "beat": {"hostname": "collector"}, "event_id": event["id"], "log_name": channel,
                      "computer_name": event["computer"], "record_number": str(event["record"]), "event_data": data}  # fmt: skip
        else:
            record = {"@timestamp": event["at"], "host": {"name": "collector"}, "event": {"created": "2026-03-09T00:00:00Z", "code": event["id"]},
                      "winlog": {"event_id": event["id"] if number % 2 else str(event["id"]), "channel": channel, "computer_name": event["computer"],
                                 "record_id": event["record"], "event_data": data}}  # fmt: skip
        lines.append(json.dumps(record))
    return "\n".join(lines) + "\n"


def nxlog() -> str:
    """The log as NXLog ships it; EventTime is nine hours ahead."""
    lines = []
    for number, event in enumerate(EVENTS):
        hour = int(event["at"][11:13]) + 9
        local = f"2026-03-22 {hour:02}:{event['at'][14:19]}"
        record = {"EventTime": local, "@timestamp": event["at"], "Hostname": event["computer"], "host": "collector", "EventID": event["id"] if number % 2 else str(event["id"]),
                  "Channel": event.get("channel", "Security"), "RecordNumber": event["record"], "SourceModuleType": "im_msvistalog"}  # fmt: skip
        lines.append(json.dumps(record | {key: str(value) for key, value in event["data"].items()}))
    return "\n".join(lines) + "\n"


def sentinel() -> str:
    """The log as Sentinel exports it: newest first, dates as US text."""
    columns = ("SubjectUserName", "SubjectDomainName", "SubjectUserSid", "SubjectLogonId", "TargetUserName", "TargetDomainName", "TargetUserSid", "TargetLogonId",
               "TargetServerName", "TargetSid", "LogonType", "IpAddress", "WorkstationName", "Workstation", "Status", "SubStatus")  # fmt: skip
    rows = ["TimeGenerated [UTC],EventID,Computer,Channel,EventRecordId,Account," + ",".join(columns)]
    for event in reversed(EVENTS):
        hour, data = int(event["at"][11:13]), event["data"]
        time = f'"3/22/2026, {hour % 12 or 12}:{event["at"][14:19]}.000 {"AM" if hour < 12 else "PM"}"'
        account = f"{data.get('TargetDomainName', '')}\\{data.get('TargetUserName', '')}"
        cells = [time, event["id"], event["computer"], event.get("channel", "Security"), event["record"], account, *(data.get(name, "") for name in columns)]
        rows.append(",".join(map(str, cells)))
    return "\r\n".join(rows) + "\r\n"
