r"""The fields of a Windows event by its description, the text that Event Viewer shows, in English and Japanese.

    fields(4624, "An account was successfully logged on.\n\nSubject:\n\tAccount Name:\t\tPC01$ …")

gives them under the names the event itself has (TargetUserName, LogonType …). A heading tells whose account follows; 4634 and 4647 write
`Subject` of the account that leaves. Event Viewer puts `DOMAIN\name` where a SID is, so a SID is only taken where it is one.
"""

from __future__ import annotations

import re

_SID = re.compile(r"S-1-[\d-]+")
_LINE = re.compile(r"^[\s\u3000]*([^:\uff1a]{1,60})[:\uff1a][ \t]*(.*)$")
# The account's own heading is another in each event.
_HEADINGS = {
    "subject": "Subject", "newlogon": "Target", "accountforwhichlogonfailed": "Target", "accountwhosecredentialswereused": "Target",
    "accountinformation": "Target", "targetaccount": "Target", "newaccount": "Target", "serviceinformation": "", "processinformation": "",
    "サブジェクト": "Subject", "新しいログオン": "Target", "ログオンを失敗したアカウント": "Target", "ログオンに失敗したアカウント": "Target",
    "資格情報が使用されたアカウント": "Target", "アカウント情報": "Target", "ターゲットアカウント": "Target", "対象アカウント": "Target",
    "新しいアカウント": "Target", "サービス情報": "", "プロセス情報": "",
}  # fmt: skip
_OF_ACCOUNT = {
    "securityid": "UserSid", "userid": "UserSid", "accountname": "UserName", "accountdomain": "DomainName", "suppliedrealmname": "DomainName",
    "logonid": "LogonId", "セキュリティid": "UserSid", "ユーザーid": "UserSid", "アカウント名": "UserName", "アカウントドメイン": "DomainName",
    "指定された領域名": "DomainName", "提供された領域名": "DomainName", "ログオンid": "LogonId",
}  # fmt: skip
_OTHERS = {
    "logontype": "LogonType", "workstationname": "WorkstationName", "sourceworkstation": "Workstation", "sourcenetworkaddress": "IpAddress",
    "networkaddress": "IpAddress", "clientaddress": "IpAddress", "status": "Status", "substatus": "SubStatus", "resultcode": "Status",
    "errorcode": "Status", "targetservername": "TargetServerName", "logonaccount": "TargetUserName", "user": "User", "sessionid": "SessionID",
    "domain": "Domain",
    "ログオンタイプ": "LogonType", "ログオンの種類": "LogonType", "ワークステーション名": "WorkstationName", "ソースワークステーション": "Workstation",
    "ソースネットワークアドレス": "IpAddress", "ネットワークアドレス": "IpAddress", "クライアントアドレス": "IpAddress", "状態": "Status", "ステータス": "Status",
    "サブステータス": "SubStatus", "結果コード": "Status", "エラーコード": "Status", "ターゲットサーバー名": "TargetServerName",
    "ログオンアカウント": "TargetUserName", "ユーザー": "User", "セッションid": "SessionID", "ドメイン": "Domain",
}  # fmt: skip
_LOGOFFS = (4634, 4647)
_DESKTOP = frozenset((21, 22, 23, 24, 25, 1149))


def fields(number: int, text: str) -> dict[str, str]:
    """The event's fields; empty where the text is in a language that is not read, or says none."""
    data: dict[str, str] = {}
    whose = ""
    for line in text.splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        name, value = re.sub(r"[\s\u3000]", "", found[1]).casefold(), found[2].strip()
        if not value and name in _HEADINGS:
            whose = _HEADINGS[name]
        elif name in _OF_ACCOUNT:
            if whose:
                _set(data, number, whose, _OF_ACCOUNT[name], value)
        elif name in _OTHERS:
            data.setdefault(_OTHERS[name], value)
    if number in _DESKTOP:
        return _desktop(data)
    data.pop("User", None)
    return data


def own_name(data: dict[str, str]) -> str:
    """The computer that wrote the event: Windows' own account (logon id 0x3e7) bears its name; "" where it is not told."""
    name = data.get("SubjectUserName", "")
    return name[:-1] if name.endswith("$") and data.get("SubjectLogonId", "").casefold() == "0x3e7" else ""


def _set(data: dict[str, str], number: int, whose: str, field: str, value: str) -> None:
    if field == "UserSid" and not _SID.fullmatch(value):
        return
    prefix = "Target" if number in _LOGOFFS else whose
    data.setdefault(f"{prefix}{field}", value)


def _desktop(data: dict[str, str]) -> dict[str, str]:
    domain = data.get("Domain", "")
    if domain and "\\" not in data.get("User", ""):
        data["User"] = f"{domain}\\{data.get('User', '')}"
    data["Address"] = data.pop("IpAddress", "")
    return data
