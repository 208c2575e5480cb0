"""Logs and directories made up in their real shapes, and the bare parsers that read them and throw the rows away (benchmarks/loaders.py)."""

from __future__ import annotations

import base64
import csv
import re
import time
from collections.abc import Callable
from pathlib import Path

import orjson
from ldif import LDIFParser  # type: ignore[import-untyped]

DOMAIN = "agency.example"
BEGIN = 1_664_600_000
Case = tuple[Callable[[Path, int], None], Callable[[Path], None]]

_MSGTRK = (
    "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,internal-message-id,message-id,"
    "network-message-id,recipient-address,recipient-status,total-bytes,recipient-count,related-recipient-address,reference,message-subject,"
    "sender-address,return-path,message-info,directionality,tenant-id,original-client-ip,original-server-ip,custom-data,transport-traffic-type,"
    "log-id,schema-version"
)
_EVENTS = ("STOREDRIVER,SUBMIT", "SMTP,HAREDIRECT", "STOREDRIVER,RECEIVE", "AGENT,AGENTINFO", "SMTP,RECEIVE", "SMTP,SENDEXTERNAL", "STOREDRIVER,DELIVER")
_SECURITY = (
    "TimeGenerated [UTC],Account,AccountType,Computer,EventSourceName,Channel,EventID,Activity,EventRecordId,SubjectUserName,SubjectDomainName,"
    "SubjectUserSid,SubjectLogonId,TargetUserName,TargetDomainName,TargetUserSid,TargetLogonId,LogonType,LogonProcessName,"
    "AuthenticationPackageName,WorkstationName,IpAddress,IpPort,Status,SubStatus,Type"
)


def _when(n: int, pattern: str = "%Y-%m-%dT%H:%M:%S") -> str:
    return time.strftime(pattern, time.gmtime(BEGIN + n))


def msgtrk(path: Path, size: int) -> None:
    """Exchange 2016's message tracking: seven events a message."""
    info = "2022-10-01T01:00:05.535Z;LSRV=ex1.agency.example:TOTAL-HUB=1.921|SMR=0.127(SMRDE=0.002|SMRC=0.125)|CAT=1.698(CATOS=0.018)|QDM=0.010"
    custom = "S:E2ELatency=1.928;S:MsgRecipCount=1;S:IncludeInSla=True;S:DeliveryPriority=Normal;S:AccountForest=agency.example"
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write("#Software: Microsoft Exchange Server\r\n#Version: 15.02.0330.005\r\n#Log-type: Message Tracking Log\r\n")
        stream.write(f"#Date: 2022-10-01T00:00:00.000Z\r\n#Fields: {_MSGTRK}\r\n")
        n = 0
        while stream.tell() < size:
            m, event = divmod(n, 7)
            to = f"person{m % 9000}@partner{m % 400}.example.com" if m % 3 else f"user{m % 200}@{DOMAIN}"
            stream.write(
                f"{_when(n // 3)}.{n % 1000:03}Z,192.0.2.{n % 250},EX1,192.0.2.9,EX2,08DA{m:012X};{_when(n // 3)}.000Z;0,EX2\\Default EX2,{_EVENTS[event]},"
                f"{40_000_000 + m},<{m:032x}@{DOMAIN}>,{m:08x}-c6b4-1234-1b69-56dc1db88f50,{to},250 2.1.5 Recipient OK,{5000 + m % 9999},1,,,"
                f"Weekly report {m},user{m % 300}@{DOMAIN},user{m % 300}@{DOMAIN},{info},Originating,,,192.0.2.9,{custom},Email,"
                f"{n:08x}-c5b9-46fe-1234-56dc1db88f8f,15.02.0330.005\r\n"
            )
            n += 1


def ldif(path: Path, size: int) -> None:
    """Users of an Active Directory as ldifde writes them."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        n = 0
        while stream.tell() < size:
            numbers = b"".join(part.to_bytes(4, "little") for part in (21, 111_111_111, 222_222_222, 333_333_333, 1000 + n))
            sid = base64.b64encode(b"\1\5\0\0\0\0\0\5" + numbers).decode()
            lines = [
                f"dn: CN=User {n},OU=Staff {n % 40},DC=agency,DC=example", "changetype: add", "objectClass: top", "objectClass: person",
                "objectClass: organizationalPerson", "objectClass: user", f"cn: User {n}", f"sn: {n}", "title: Officer", "physicalDeliveryOfficeName: 3F",
                "telephoneNumber: +81 3 0000 0000", "givenName: User", f"distinguishedName: CN=User {n},OU=Staff {n % 40},DC=agency,DC=example",
                "instanceType: 4", "whenCreated: 20190403063102.0Z", "whenChanged: 20220919020117.0Z", f"displayName: User {n}", f"uSNCreated: {20_000 + n}",
                *(f"memberOf: CN=Group {(n * 7 + i) % 300},OU=Groups,DC=agency,DC=example" for i in range(4)), f"uSNChanged: {90_000 + n}",
                "department: Policy", *(f"proxyAddresses: {kind}{n}@{DOMAIN}" for kind in ("SMTP:user", "smtp:u", "smtp:staff")),
                "homeMTA: CN=Microsoft MTA,CN=EX1,CN=Servers,CN=Exchange Administrative Group,CN=Administrative Groups,CN=Agency,CN=Microsoft Exchange,\r\n"
                " CN=Services,CN=Configuration,DC=agency,DC=example", f"name: User {n}", f"objectGUID:: {base64.b64encode(numbers[:16]).decode()}",
                "userAccountControl: 512", "badPwdCount: 0", "codePage: 0", "countryCode: 0", "badPasswordTime: 133080984000000000", "lastLogon: 133080984000000000",
                "pwdLastSet: 132080984000000000", "primaryGroupID: 513", f"objectSid:: {sid}", "accountExpires: 9223372036854775807", "logonCount: 65",
                f"sAMAccountName: user{n}", "sAMAccountType: 805306368", f"userPrincipalName: user{n}@{DOMAIN}", f"mail: user{n}@{DOMAIN}",
                "objectCategory: CN=Person,CN=Schema,CN=Configuration,DC=agency,DC=example", "dSCorePropagationData: 20220919020117.0Z", f"mailNickname: user{n}",
            ]  # fmt: skip
            stream.write("\r\n".join(lines) + "\r\n\r\n")
            n += 1


def zeek_conn(path: Path, size: int) -> None:
    """Zeek's conn.log: half of the connections from 300 machines to 12 inside, the rest to the Internet."""
    fields = [
        "ts",
        "uid",
        "id.orig_h",
        "id.orig_p",
        "id.resp_h",
        "id.resp_p",
        "proto",
        "service",
        "duration",
        "orig_bytes",
        "resp_bytes",
        "conn_state",
        "local_orig",
        "local_resp",
        "missed_bytes",
        "history",
        "orig_pkts",
        "orig_ip_bytes",
        "resp_pkts",
        "resp_ip_bytes",
        "tunnel_parents",
    ]
    types = "time string addr port addr port enum string interval count count string bool bool count string count count count count set[string]".split()  # noqa: SIM905
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2022-10-01-00-00-00\n")
        stream.write("#fields\t" + "\t".join(fields) + "\n#types\t" + "\t".join(types) + "\n")
        n = 0
        while stream.tell() < size:
            target = f"10.0.1.{n * 7 % 12}" if n % 2 else f"203.0.113.{n % 250}"
            stream.write(
                f"{BEGIN + n // 20}.{n % 1_000_000:06}\tC{n:016x}\t10.1.{n * 31 % 3}.{n * 17 % 100}\t{49152 + n % 9999}\t{target}\t{(443, 445, 88, 53)[n % 4]}\ttcp\tssl\t"
                f"0.{n % 997:03}\t{n % 5000}\t{n % 90000}\t{('SF', 'S0', 'SF', 'RSTO', 'SF')[n % 5]}\tT\tF\t0\tShADadFf\t12\t{n % 7000}\t14\t{n % 90900}\t-\n"
            )
            n += 1
        stream.write("#close\t2022-10-02-00-00-00\n")


def lanl(path: Path, size: int) -> None:
    """auth.txt: two in five lines are about machines."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        n = 0
        while stream.tell() < size:
            user = f"C{n % 900}$@DOM1" if n % 5 < 2 else f"U{n % 4000}@DOM1"
            stream.write(
                f"{n // 30},{user},{user},C{n % 1700},C{n % 523},{('Kerberos', 'NTLM', '?')[n % 3]},{('Network', 'Network', 'Interactive', '?')[n % 4]},"
                f"{('LogOn', 'LogOn', 'TGS', 'LogOff')[n % 7 % 4]},{'Fail' if n % 50 == 0 else 'Success'}\n"
            )
            n += 1


def security_csv(path: Path, size: int) -> None:
    """Sentinel's SecurityEvent, exported from the portal: logons, one in five of a machine."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(_SECURITY.split(","))
        n = 0
        while stream.tell() < size:
            name = f"PC{n % 400}$" if n % 5 == 0 else f"user{n % 3000}"
            sid = f"S-1-5-21-111111111-222222222-333333333-{1000 + n % 3000}"
            writer.writerow([
                _when(n // 4, "%Y-%m-%dT%H:%M:%S") + ".123Z", f"AGENCY\\{name}", "User", f"PC{n % 400}.{DOMAIN}", "Microsoft-Windows-Security-Auditing", "Security",
                (4624, 4624, 4634, 4672)[n % 4], "4624 - An account was successfully logged on.", n, "-", "-", "S-1-0-0", "0x0", name, "AGENCY", sid, hex(0x30000 + n),
                (3, 3, 10, 2)[n % 4], "Kerberos", "Kerberos", f"PC{n % 77}", f"192.0.2.{n % 250}", 49152 + n % 999, "", "", "SecurityEvent",
            ])  # fmt: skip
            n += 1


def _logon(n: int) -> dict[str, object]:
    name = f"PC{n % 400}$" if n % 5 == 0 else f"user{n % 3000}"
    return {
        "SubjectUserSid": "S-1-0-0", "SubjectUserName": "-", "SubjectDomainName": "-", "SubjectLogonId": "0x0", "TargetUserName": name,
        "TargetDomainName": "AGENCY", "TargetUserSid": f"S-1-5-21-111111111-222222222-333333333-{1000 + n % 3000}", "TargetLogonId": hex(0x30000 + n),
        "LogonType": str((3, 3, 10, 2)[n % 4]), "LogonProcessName": "Kerberos", "AuthenticationPackageName": "Kerberos", "WorkstationName": f"PC{n % 77}",
        "LogonGuid": "{00000000-0000-0000-0000-000000000000}", "TransmittedServices": "-", "LmPackageName": "-", "KeyLength": "0", "ProcessId": "0x0",
        "ProcessName": "-", "IpAddress": f"192.0.2.{n % 250}", "IpPort": str(49152 + n % 999), "ImpersonationLevel": "%%1833", "ElevatedToken": "%%1842",
    }  # fmt: skip


def winlogbeat(path: Path, size: int) -> None:
    """Winlogbeat 7: logons, one in five of a machine."""
    text = "An account was successfully logged on.\n\nSubject:\n\tSecurity ID:\t\tS-1-0-0\n\tAccount Name:\t\t-\n" * 8
    with path.open("wb") as stream:
        n = 0
        while stream.tell() < size:
            computer, when = f"PC{n % 400}.{DOMAIN}", _when(n // 4) + ".123Z"
            stream.write(orjson.dumps({
                "@timestamp": when, "@metadata": {"beat": "winlogbeat", "type": "_doc", "version": "7.17.5"}, "ecs": {"version": "1.12.0"}, "message": text,
                "event": {"code": "4624", "kind": "event", "provider": "Microsoft-Windows-Security-Auditing", "created": when, "action": "Logon", "outcome": "success"},
                "host": {"name": "collector", "os": {"family": "windows", "version": "10.0", "kernel": "10.0.17763.3406"}}, "log": {"level": "information"},
                "winlog": {
                    "channel": "Security", "event_id": (4624, 4624, 4634, 4672)[n % 4], "computer_name": computer, "record_id": n, "api": "wineventlog",
                    "provider_name": "Microsoft-Windows-Security-Auditing", "provider_guid": "{54849625-5478-4994-a5ba-3e3b0328c30d}", "task": "Logon",
                    "keywords": ["Audit Success"], "opcode": "Info", "process": {"pid": 720, "thread": {"id": 4120}}, "event_data": _logon(n), "version": 2,
                },
                "agent": {"type": "winlogbeat", "version": "7.17.5", "hostname": "collector", "ephemeral_id": "e", "id": "i"},
            }) + b"\n")  # fmt: skip
            n += 1


def nxlog(path: Path, size: int) -> None:
    """NXLog, as the Mordor data sets are kept."""
    text = "An account was successfully logged on.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-0-0\r\n" * 8
    with path.open("wb") as stream:
        n = 0
        while stream.tell() < size:
            stream.write(orjson.dumps({
                "EventTime": _when(n // 4, "%Y-%m-%d %H:%M:%S"), "Hostname": f"PC{n % 400}.{DOMAIN}", "Keywords": -9214364837600034816, "EventType": "AUDIT_SUCCESS",
                "SeverityValue": 2, "Severity": "INFO", "EventID": (4624, 4624, 4634, 4672)[n % 4], "SourceName": "Microsoft-Windows-Security-Auditing",
                "ProviderGuid": "{54849625-5478-4994-A5BA-3E3B0328C30D}", "Version": 2, "Task": 12544, "OpcodeValue": 0, "RecordNumber": n, "ProcessID": 720,
                "ThreadID": 4120, "Channel": "Security", "Message": text, "Category": "Logon", "Opcode": "Info", **_logon(n),
                "EventReceivedTime": _when(n // 4 + 2, "%Y-%m-%d %H:%M:%S"), "SourceModuleName": "eventlog", "SourceModuleType": "im_msvistalog",
                "@timestamp": _when(n // 4) + ".123Z", "@version": "1", "host": "wec.agency.example", "port": 60000, "tags": ["mordorDataset"],
            }) + b"\n")  # fmt: skip
            n += 1


def postfix(path: Path, size: int) -> None:
    """mail.log: seven lines a message."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        n = 0
        while stream.tell() < size:
            when, id_, to = _when(n), f"{0x10000000000 + n:X}", f"person{n % 9000}@partner{n % 400}.example.com"
            prefix = f"{when}.000000+09:00 mx1"
            stream.write(
                f"{prefix} postfix/smtpd[1234]: connect from host{n % 99}.example.net[192.0.2.{n % 250}]\n"
                f"{prefix} postfix/smtpd[1234]: {id_}: client=host{n % 99}.example.net[192.0.2.{n % 250}]\n"
                f"{prefix} postfix/cleanup[1235]: {id_}: message-id=<{n}@{DOMAIN}>\n"
                f"{prefix} postfix/qmgr[99]: {id_}: from=<user{n % 300}@{DOMAIN}>, size={1000 + n % 9000}, nrcpt=1 (queue active)\n"
                f"{prefix} postfix/smtp[1236]: {id_}: to=<{to}>, relay=mx.partner.example.com[198.51.100.7]:25, delay=0.5, delays=0.1/0/0.2/0.2, dsn=2.0.0, "
                f"status=sent (250 2.0.0 Ok: queued as {n:X})\n"
                f"{prefix} postfix/qmgr[99]: {id_}: removed\n"
                f"{prefix} postfix/smtpd[1234]: disconnect from host{n % 99}.example.net[192.0.2.{n % 250}] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5\n"
            )
            n += 1


def cisco_esa(path: Path, size: int) -> None:
    """Consolidated events of a Cisco appliance in CEF, one a message."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        n = 0
        while stream.tell() < size:
            when = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(BEGIN + n))
            stream.write(
                f"<22>Oct 01 05:00:00 esa1: CEF:0|Cisco|C300V Email Security Virtual Appliance|14.2.0-620|ESA_CONSOLIDATED_LOG_EVENT|Consolidated Log Event|5|"
                f"deviceExternalId=42156AC79142E979C5CD ESAMID={n} ESAICID={n} ESADCID={n} endTime={when} deviceDirection=0 ESAAMPVerdict=CLEAN ESAASVerdict=NEGATIVE "
                f"ESAAVVerdict=NEGATIVE act=DELIVERED ESADKIMVerdict=pass ESADMARCVerdict=MonitorPass dvc=192.0.2.9 ESAFriendlyFrom=Person <user{n % 300}@{DOMAIN}> "
                f"ESAGMVerdict=NEGATIVE startTime={when} deviceInboundInterface=MAIL ESAMailFlowPolicy=ACCEPT suser=user{n % 300}@{DOMAIN} cs1Label=MailPolicy cs1=DEFAULT "
                f"cs4Label=ExternalMsgID cs4='<{n}@{DOMAIN}>' ESAMsgSize={1000 + n % 9000} ESAOFVerdict=NEGATIVE duser=person{n % 9000}@partner{n % 400}.example.com "
                f"ESAHeloDomain=mx.example.com ESAHeloIP=192.0.2.{n % 250} cs3Label=SubjectHeader cs3=Weekly report {n} ESASPFVerdict=pass sourceHostName=mx.example.com\n"
            )
            n += 1


def mimecast(path: Path, size: int) -> None:
    """Mimecast's SIEM batches: receipt, process and delivery of each message."""
    with path.open("wb") as stream:
        n = 0
        while stream.tell() < size:
            m, kind = n // 3, ("receipt", "process", "delivery")[n % 3]
            said = {"recipients": f"person{m % 9000}@partner{m % 400}.example.com", "senderEnvelope": f"user{m % 300}@{DOMAIN}"} if kind != "process" else {}
            stream.write(orjson.dumps({
                "processingId": f"{m}_1664", "aggregateId": f"agg{m}", "accountId": "CDE22A102", "type": kind, "timestamp": (BEGIN + n) * 1000, "action": "Acc",
                "messageId": f"<{m}@{DOMAIN}>", "subject": f"Weekly report {m}", "senderIp": "192.0.2.9", "direction": "Outbound", "emailSize": str(1000 + m % 9000),
                "tlsVersion": "TLSv1.3", "tlsCipher": "TLS_AES_256_GCM_SHA384", "delivered": "true", "route": "Outbound", "totalSizeAttachments": "0", **said,
            }) + b"\n")  # fmt: skip
            n += 1


_CEF = re.compile(r"(?:^|\s)([A-Za-z][A-Za-z0-9_]*)=(.*?)(?=\s[A-Za-z][A-Za-z0-9_]*=|$)")


def cef_floor(path: Path) -> None:
    """The fields of a CEF line, by a regular expression."""
    with path.open(encoding="utf-8", newline="") as stream:
        for line in stream:
            dict(_CEF.findall(line.rsplit("|", 1)[1]))


def csv_floor(path: Path) -> None:
    """Python's csv module."""
    with path.open(encoding="utf-8", newline="") as stream:
        for _ in csv.reader(stream):
            pass


def ndjson_floor(path: Path) -> None:
    """Lines, each read by orjson."""
    with path.open("rb") as stream:
        for line in stream:
            orjson.loads(line)


def ldif_floor(path: Path) -> None:
    """The ldif package."""
    with path.open("rb") as stream:
        for _ in LDIFParser(stream).parse():
            pass


def split_floor(separator: str) -> Callable[[Path], None]:
    """Lines, split at a separator."""

    def floor(path: Path) -> None:
        with path.open(encoding="utf-8", newline="") as stream:
            for line in stream:
                line.split(separator)

    return floor


_SYSLOG = re.compile(
    r"(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)|[A-Z][a-z]{2} [ \d]\d [\d:]{8}) (\S+) ([\w./-]+)(?:\[(\d+)\])?: (?:([0-9A-F]{5,15}|[0-9A-Za-z]{10,20}): )?(.*)"
)


def syslog_floor(path: Path) -> None:
    """One regular expression: time, host, program, its number, queue id, the rest."""
    with path.open(encoding="utf-8", newline="") as stream:
        for line in stream:
            if (match := _SYSLOG.match(line)) is not None:
                match.groups()


CASES: dict[str, Case] = {
    "msgtrk": (msgtrk, csv_floor), "ldif": (ldif, ldif_floor), "zeek_conn": (zeek_conn, split_floor("\t")), "lanl_auth": (lanl, split_floor(",")),
    "security_csv": (security_csv, csv_floor), "postfix": (postfix, syslog_floor), "winlogbeat": (winlogbeat, ndjson_floor), "nxlog": (nxlog, ndjson_floor),
    "cisco_esa": (cisco_esa, cef_floor), "mimecast": (mimecast, ndjson_floor),
}  # fmt: skip
