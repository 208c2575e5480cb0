"""The small Security log of windows_events as tools that read EVTX export it: what more fixtures of the Windows formats were written from."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from xml.sax.saxutils import escape

from tests.support.windows_events import EVENTS

_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
_EVTXECMD = (
    "RecordNumber,EventRecordId,TimeCreated,EventId,Level,Provider,Channel,ProcessId,ThreadId,Computer,ChunkNumber,UserId,MapDescription,UserName,RemoteHost,"
    "PayloadData1,PayloadData2,PayloadData3,PayloadData4,PayloadData5,PayloadData6,ExecutableInfo,HiddenRecord,SourceFile,Keywords,ExtraDataOffset,Payload"
)


def _channel(event: dict[str, Any]) -> str:
    return event.get("channel", "Security")


def xml() -> bytes:
    """As wevtutil writes it: UTF-16, without a root."""
    found = []
    for event in EVENTS:
        data = "".join(f"<Data Name='{name}'>{escape(str(value))}</Data>" for name, value in event["data"].items())
        found.append(
            f"<Event xmlns='{_NAMESPACE}'><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>{event['id']}</EventID>"
            f"<Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='{event['at']}'/><EventRecordID>{event['record']}</EventRecordID>"
            f"<Channel>{_channel(event)}</Channel><Computer>{event['computer']}</Computer><Security/></System><EventData>{data}</EventData></Event>\r\n"
        )
    return "".join(found).encode("utf-16")


def evtx_json() -> str:
    """As evtx_dump (two of three) and Velociraptor write it, a line each."""
    lines = []
    for number, event in enumerate(EVENTS):
        system = {"Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}}, "EventID": event["id"], "Channel": _channel(event),
                  "TimeCreated": {"#attributes": {"SystemTime": event["at"]}}, "EventRecordID": event["record"], "Computer": event["computer"]}  # fmt: skip
        if number % 3 == 1:
            system |= {"EventID": {"#attributes": {"Qualifiers": ""}, "#text": event["id"]}}
        found = {"System": system, "EventData": event["data"]}
        if number % 3 == 2:
            found["System"] = system | {"EventID": {"Value": event["id"]}, "TimeCreated": {"SystemTime": event["at"]}}
        lines.append(json.dumps(found if number % 3 == 2 else {"Event": {"#attributes": {"xmlns": _NAMESPACE}} | found}))
    return "\n".join(lines) + "\n"


def evtxecmd() -> str:
    """As EvtxECmd writes it."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(_EVTXECMD.split(","))
    for number, event in enumerate(EVENTS, 1):
        payload = {"EventData": {"Data": [{"@Name": name, "#text": str(value)} for name, value in event["data"].items()]}}
        time = event["at"].replace("T", " ").rstrip("Z") + ("" if "." in event["at"] else ".0000000")
        rows.writerow([number, event["record"], time, event["id"], "LogAlways", "Microsoft-Windows-Security-Auditing", _channel(event), 572, 1244, event["computer"], 2, "",
                       "", "-\\-", "", "", "", "", "", "", "", "-", "False", "C:\\Security.evtx", "Audit success", 0, json.dumps(payload)])  # fmt: skip
    return "\ufeff" + text.getvalue()


_WORDS = {
    "en": {"Subject": "Subject", "New": "New Logon", "Failed": "Account For Which Logon Failed", "Used": "Account Whose Credentials Were Used",
           "Account": "Account Information", "Sid": "Security ID", "Name": "Account Name", "Domain": "Account Domain", "Id": "Logon ID", "Type": "Logon Type",
           "Workstation": "Workstation Name", "Ip": "Source Network Address", "Status": "Status", "Sub": "Sub Status", "Server": "Target Server Name",
           "Header": "Keywords,Date and Time,Source,Event ID,Task Category", "Audit": "Audit Success", "Logon": "Logon Account", "From": "Source Workstation",
           "Error": "Error Code", "Result": "Result Code", "Client": "Client Address", "Realm": "Supplied Realm Name"},
    "ja": {"Subject": "サブジェクト", "New": "新しいログオン", "Failed": "ログオンを失敗したアカウント", "Used": "資格情報が使用されたアカウント",
           "Account": "アカウント情報", "Sid": "セキュリティ ID", "Name": "アカウント名", "Domain": "アカウント ドメイン", "Id": "ログオン ID", "Type": "ログオン タイプ",
           "Workstation": "ワークステーション名", "Ip": "ソース ネットワーク アドレス", "Status": "状態", "Sub": "サブ ステータス", "Server": "ターゲット サーバー名",
           "Header": "キーワード,日付と時刻,ソース,イベント ID,タスクのカテゴリ", "Audit": "成功の監査", "Logon": "ログオン アカウント", "From": "ソース ワークステーション",
           "Error": "エラー コード", "Result": "結果コード", "Client": "クライアント アドレス", "Realm": "指定された領域名"},
}  # fmt: skip


def viewer(language: str) -> str:
    """What one computer's Event Viewer saves as CSV, in English or Japanese: the description instead of fields, SIDs as names, no computer."""
    words, text = _WORDS[language], io.StringIO()
    text.write(words["Header"] + "\r\n")
    rows = csv.writer(text, lineterminator="\r\n")
    for event in EVENTS:
        if event["computer"].startswith("PC01"):
            day, time = event["at"][:10], event["at"][11:19]
            shown = f"{day.replace('-', '/')} {time.removeprefix('0')}" if language == "ja" else f"3/22/2026 {time.removeprefix('0')} AM"
            rows.writerow([words["Audit"], shown, "Microsoft-Windows-Security-Auditing", event["id"], "", _described(event, words)])
    return text.getvalue()


def _described(event: dict[str, Any], words: dict[str, str]) -> str:
    data, number = event["data"], event["id"]
    lines = ["An account did something.", ""]
    heading = {4625: "Failed", 4648: "Used", 4634: "Subject", 4647: "Subject"}.get(number, "New")
    for prefix, title in (("Subject", "Subject"), ("Target", heading)):
        if f"{prefix}UserName" in data and not (prefix == "Subject" and heading == "Subject"):
            lines += [f"{words[title]}:", f"\t{words['Sid']}:\t\t{data.get(f'{prefix}DomainName', '')}\\{data[f'{prefix}UserName']}"]
            lines += [f"\t{words[label]}:\t\t{data.get(f'{prefix}{field}', '-')}" for label, field in (("Name", "UserName"), ("Domain", "DomainName"), ("Id", "LogonId"))]
            lines.append("")
    for label, field in (("Type", "LogonType"), ("Status", "Status"), ("Sub", "SubStatus"), ("Server", "TargetServerName"), ("Workstation", "WorkstationName"), ("Ip", "IpAddress")):
        if field in data:
            lines.append(f"\t{words[label]}:\t\t{data[field]}")
    return "\r\n".join(lines) + "\r\n"


def windows_event() -> str:
    """As Sentinel exports the table WindowsEvent: newest first, the fields as JSON."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(["TenantId", "TimeGenerated [UTC]", "Channel", "Computer", "EventData", "EventID", "EventLevel", "EventRecordId", "Provider", "Type"])
    for event in reversed(EVENTS):
        hour = int(event["at"][11:13])
        time = f"3/22/2026, {hour % 12 or 12}:{event['at'][14:19]}.000 {'AM' if hour < 12 else 'PM'}"
        data = json.dumps({name: str(value) for name, value in event["data"].items()})
        rows.writerow(["t", time, _channel(event), event["computer"], data, event["id"], 0, event["record"], "Microsoft-Windows-Security-Auditing", "WindowsEvent"])
    return text.getvalue()


def splunk() -> str:
    """What Splunk exports of one computer as CSV: every other record as XML, the others as text."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["_time", "host", "source", "sourcetype", "_raw"])
    as_xml = xml().decode("utf-16").splitlines()
    for number, event in enumerate(EVENTS):
        raw = as_xml[number]
        if number % 2 and event["computer"].startswith("PC01"):
            raw = (
                f"03/22/2026 05:00:00 PM\nLogName={_channel(event)}\nEventCode={event['id']}\nEventType=0\nComputerName={event['computer']}\n"
                f"RecordNumber={event['record']}\nKeywords=Audit Success\nMessage={_described(event, _WORDS['en'])}"
            )
        rows.writerow([event["at"].replace("Z", "+00:00"), "collector", "WinEventLog:Security", "WinEventLog", raw])
    return text.getvalue()


def kibana() -> str:
    """As Kibana's Discover exports chosen columns: newest first, in the browser's own way of writing times."""
    names = ("SubjectUserName", "SubjectDomainName", "SubjectUserSid", "SubjectLogonId", "TargetUserName", "TargetDomainName", "TargetUserSid", "TargetLogonId",
             "TargetServerName", "TargetSid", "LogonType", "IpAddress", "WorkstationName", "Workstation", "Status", "SubStatus")  # fmt: skip
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    rows.writerow(["@timestamp", "host.name", "winlog.channel", "winlog.computer_name", "winlog.event_id", "winlog.record_id", *(f"winlog.event_data.{name}" for name in names)])
    for event in reversed(EVENTS):
        fields = [event["data"].get(name, "-") for name in names]
        rows.writerow([f"Mar 22, 2026 @ {event['at'][11:19]}.000", "collector", _channel(event), event["computer"], event["id"], event["record"], *fields])
    return text.getvalue()
