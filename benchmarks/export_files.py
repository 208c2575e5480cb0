"""Exports of directories, mail systems, scanners and indicators made up in their real shapes, and the bare parsers beside (benchmarks/loaders.py)."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import iterparse

import orjson

from benchmarks.log_files import Case, csv_floor

DOMAIN = "agency.example"
BEGIN = 1_664_600_000
_SID = "S-1-5-21-111111111-222222222-333333333"
_RIGHTS = ("GenericAll", "WriteDacl", "WriteOwner", "Owns", "GenericWrite", "ForceChangePassword", "AddKeyCredentialLink", "AllExtendedRights", "ReadLAPSPassword")


def _when(n: int, pattern: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    return time.strftime(pattern, time.gmtime(BEGIN + n))


def _documents(before: str, made: Callable[[int], Any], after: str) -> Callable[[Path, int], None]:
    """A writer of one JSON document with a list of what `made` gives for each number."""

    def write(path: Path, size: int) -> None:
        with path.open("wb") as stream:
            stream.write(before.encode())
            n = 0
            while stream.tell() < size:
                stream.write((b",\n" if n else b"") + orjson.dumps(made(n)))
                n += 1
            stream.write(after.encode())

    return write


def _user(n: int) -> dict[str, Any]:
    """SharpHound's user with 12 rights on it, nine of them of kinds that are kept."""
    sid = f"{_SID}-{1000 + n}"
    aces = [{"PrincipalSID": f"{_SID}-{500 + (n + i) % 40}", "PrincipalType": "Group" if i % 2 else "User", "RightName": _RIGHTS[i % len(_RIGHTS)], "IsInherited": i % 3 > 0}
            for i in range(12)]  # fmt: skip
    return {
        "AllowedToDelegate": [], "PrimaryGroupSID": f"{_SID}-513", "HasSIDHistory": [], "SPNTargets": [], "UnconstrainedDelegation": False, "DomainSID": _SID,
        "Properties": {
            "domain": "AGENCY.EXAMPLE", "name": f"USER{n}@AGENCY.EXAMPLE", "distinguishedname": f"CN=USER {n},OU=STAFF {n % 40},DC=AGENCY,DC=EXAMPLE", "domainsid": _SID,
            "highvalue": False, "samaccountname": f"user{n}", "description": None, "whencreated": 1_554_276_663, "sensitive": False, "dontreqpreauth": False,
            "passwordnotreqd": False, "unconstraineddelegation": False, "pwdneverexpires": False, "enabled": True, "trustedtoauth": False, "lastlogon": BEGIN,
            "lastlogontimestamp": BEGIN, "pwdlastset": BEGIN - 90_000, "serviceprincipalnames": [], "hasspn": False, "displayname": f"User {n}", "email": f"user{n}@{DOMAIN}",
            "title": "Officer", "homedirectory": None, "userpassword": None, "admincount": False, "sidhistory": [],
        },
        "Aces": aces, "ObjectIdentifier": sid, "IsDeleted": False, "IsACLProtected": False,
        "ContainedBy": {"ObjectIdentifier": f"{n % 40:08X}-0000-4000-8000-000000000000", "ObjectType": "OU"},
    }  # fmt: skip


def _graph_user(n: int) -> dict[str, Any]:
    id_ = f"{n:08x}-0000-4000-8000-000000000000"
    return {
        "id": id_, "userPrincipalName": f"user{n}@{DOMAIN}", "displayName": f"User {n}", "mail": f"user{n}@{DOMAIN}",
        "proxyAddresses": [f"SMTP:user{n}@{DOMAIN}", f"smtp:u{n}@{DOMAIN}", f"X500:/o=Agency/ou=Exchange Administrative Group/cn=Recipients/cn=user{n}"],
        "otherMails": [], "userType": "Member", "accountEnabled": True, "onPremisesSecurityIdentifier": f"{_SID}-{1000 + n}", "onPremisesSamAccountName": f"user{n}",
        "onPremisesDomainName": DOMAIN, "securityIdentifier": f"S-1-12-1-{n}-2-3-4", "department": "Policy", "jobTitle": "Officer", "country": "Japan", "city": "Tokyo",
        "createdDateTime": _when(n), "signInSessionsValidFromDateTime": _when(n), "refreshTokensValidFromDateTime": _when(n), "manager": None, "employeeId": None,
        "preferredLanguage": "ja-JP", "usageLocation": "JP", "mobilePhone": None, "businessPhones": ["+81 3 0000 0000"], "officeLocation": "3F",
    }  # fmt: skip


def _azure(n: int) -> dict[str, Any]:
    """AzureHound: assignments of an application's permissions, and users between."""
    one, other = f"{n:08x}-0000-4000-8000-000000000000", f"{n % 900:08x}-0000-4000-8000-00000000000a"
    if n % 4:
        return {"kind": "AZUser", "data": {
            "id": one, "userPrincipalName": f"user{n}@{DOMAIN}", "displayName": f"User {n}", "mail": f"user{n}@{DOMAIN}", "accountEnabled": True, "userType": "Member",
            "createdDateTime": _when(n), "onPremisesSyncEnabled": True, "onPremisesSecurityIdentifier": f"{_SID}-{1000 + n}", "jobTitle": "Officer",
            "tenantId": "11111111-2222-3333-4444-555555555555", "tenantName": "Agency"}}  # fmt: skip
    return {"kind": "AZGroupMember", "data": {"groupId": other, "members": [
        {"groupId": other, "member": {"@odata.type": "#microsoft.graph.user", "id": f"{n + i:08x}-0000-4000-8000-000000000000", "displayName": f"User {n + i}"}} for i in range(4)]}}  # fmt: skip


def opengraph(path: Path, size: int) -> None:
    """BloodHound OpenGraph: half of the file nodes, half rights between them."""
    with path.open("wb") as stream:
        stream.write(b'{"metadata": {"source_kind": "Base"}, "graph": {"nodes": [')
        n = 0
        while stream.tell() < size // 2:
            node = {"id": f"{_SID}-{1000 + n}", "kinds": ["User", "Base"], "properties": {
                "name": f"USER{n}@AGENCY.EXAMPLE", "samaccountname": f"user{n}", "displayname": f"User {n}", "email": f"user{n}@{DOMAIN}", "domain": "AGENCY.EXAMPLE", "enabled": True}}  # fmt: skip
            stream.write((b",\n" if n else b"") + orjson.dumps(node))
            n += 1
        stream.write(b'], "edges": [')
        edge = 0
        while stream.tell() < size:
            made = {"kind": _RIGHTS[edge % 5], "start": {"value": f"{_SID}-{1000 + edge % n}", "match_by": "id"}, "end": {"value": f"{_SID}-{1000 + edge * 7 % n}", "match_by": "id"},
                    "properties": {"isinherited": edge % 2 == 0}}  # fmt: skip
            stream.write((b",\n" if edge else b"") + orjson.dumps(made))
            edge += 1
        stream.write(b"]}}")


def _activity(n: int) -> dict[str, Any]:
    parameters = [{"name": "login_type", "value": "google_password"}, {"name": "login_challenge_method", "multiValue": ["password"]}, {"name": "is_suspicious", "boolValue": False}]
    return {
        "kind": "admin#reports#activity", "id": {"time": _when(n, "%Y-%m-%dT%H:%M:%S.000Z"), "uniqueQualifier": str(10**15 + n), "applicationName": "login", "customerId": "C01"},
        "etag": '"x"', "actor": {"callerType": "USER", "email": f"user{n % 300}@{DOMAIN}", "profileId": str(10**9 + n % 300)}, "ownerDomain": DOMAIN,
        "ipAddress": f"192.0.2.{n % 250}", "events": [{"type": "login", "name": "login_success", "parameters": parameters}],
    }  # fmt: skip


def _indicator(n: int) -> dict[str, Any]:
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--{n:08x}-0000-4000-8000-000000000001", "created": _when(n, "%Y-%m-%dT%H:%M:%S.000Z"),
        "modified": _when(n, "%Y-%m-%dT%H:%M:%S.000Z"), "pattern": f"[ipv4-addr:value = '198.51.{n // 250 % 250}.{n % 250}' OR domain-name:value = 'c{n}.evil.example']",
        "pattern_type": "stix", "valid_from": _when(n), "name": f"C2 {n}", "description": "Seen in a campaign.", "indicator_types": ["malicious-activity"], "confidence": 80,
    }  # fmt: skip


def _attribute(n: int) -> dict[str, Any]:
    return {
        "id": str(n), "type": ("ip-dst", "domain", "email-src")[n % 3], "category": "Network activity", "to_ids": True, "uuid": f"{n:08x}-2f40-4dca-8200-276c0a00020f",
        "event_id": "7", "distribution": "5", "timestamp": str(BEGIN + n), "comment": "", "sharing_group_id": "0", "deleted": False, "disable_correlation": False,
        "object_id": "0", "object_relation": None, "first_seen": None, "last_seen": None,
        "value": (f"198.51.{n // 250 % 250}.{n % 250}", f"c{n}.evil.example", f"a{n}@evil.example")[n % 3], "Galaxy": [], "ShadowAttribute": [],
    }  # fmt: skip


def _table(header: str, made: Callable[[int], list[object]]) -> Callable[[Path, int], None]:
    """A writer of a CSV file as Export-Csv quotes it."""

    def write(path: Path, size: int) -> None:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
            writer.writerow(header.split(","))
            n = 0
            while stream.tell() < size:
                writer.writerow(made(n))
                n += 1

    return write


def _nmap_host(n: int) -> str:
    address = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
    ports = "".join(
        f'<port protocol="tcp" portid="{port}"><state state="open" reason="syn-ack" reason_ttl="0"/><service name="{name}" product="x" method="probed" conf="10"/></port>\n'
        for port, name in ((22, "ssh"), (25, "smtp"), (443, "https"), (445, "microsoft-ds"), (3389, "ms-wbt-server"))
    )
    return (
        f'<host starttime="{BEGIN}" endtime="{BEGIN + 100}"><status state="up" reason="echo-reply"/><address addr="{address}" addrtype="ipv4"/>\n'
        f'<hostnames><hostname name="pc{n}.{DOMAIN}" type="PTR"/></hostnames>\n<ports>{ports}</ports></host>\n'
    )


def _nessus_host(n: int) -> str:
    address = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
    items = "".join(
        f'<ReportItem port="{port}" svc_name="{name}" protocol="tcp" severity="{n % 5}" pluginID="{10000 + port}" pluginName="x" pluginFamily="General">'
        "<description>A service answers here, and this text says at some length what that means for whoever looks after the machine.</description>"
        "<risk_factor>None</risk_factor><solution>n/a</solution></ReportItem>\n"
        for port, name in ((0, "general"), (25, "smtp"), (443, "www"), (445, "cifs"), (3389, "msrdp"))
    )
    return (
        f'<ReportHost name="{address}"><HostProperties><tag name="HOST_END">Tue Jun 13 10:20:00 2023</tag><tag name="operating-system">Microsoft Windows 10</tag>'
        f'<tag name="host-ip">{address}</tag><tag name="host-fqdn">pc{n}.{DOMAIN}</tag></HostProperties>\n{items}</ReportHost>\n'
    )


def _markup(before: str, made: Callable[[int], str], after: str) -> Callable[[Path, int], None]:
    """A writer of an XML document with what `made` gives for each number."""

    def write(path: Path, size: int) -> None:
        with path.open("w", encoding="utf-8") as stream:
            stream.write(before)
            n = 0
            while stream.tell() < size:
                stream.write(made(n))
                n += 1
            stream.write(after)

    return write


def json_floor(path: Path) -> None:
    """orjson, the whole document at once."""
    orjson.loads(path.read_bytes())


def _elements(path: Path) -> Iterator[Any]:
    for _, element in iterparse(path):
        yield element
        element.clear()


def xml_floor(path: Path) -> None:
    """ElementTree, element by element."""
    for _ in _elements(path):
        pass


CASES: dict[str, Case] = {
    "sharphound": (_documents('{"data": [', _user, '], "meta": {"methods": 0, "type": "users", "count": 0, "version": 5}}'), json_floor),
    "azurehound": (_documents('{"data": [', _azure, '], "meta": {"type": "azure", "version": 5, "count": 0}}'), json_floor),
    "opengraph": (opengraph, json_floor),
    "graph_users": (_documents('{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users", "value": [', _graph_user, "]}"), json_floor),
    "google_login": (_documents('{"kind": "admin#reports#activities", "activities": [', _activity, "]}"), json_floor),
    "stix": (_documents('{"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": [', _indicator, "]}"), json_floor),
    "misp": (_documents('{"response": [{"Event": {"id": "7", "date": "2023-06-20", "info": "x", "uuid": "5c7cdc3b-2f40-4dca-8200-276c0a00020f", "Attribute": [', _attribute, "]}}]}"), json_floor),
    "mailbox_rights": (
        _table("Identity,User,AccessRights,IsInherited,Deny,InheritanceType", lambda n: [f"user{n // 4}@{DOMAIN}", f"user{n * 7 % 9000}@{DOMAIN}", "FullAccess", False, False, "All"]),
        csv_floor,
    ),
    "recipient_rights": (
        _table("Identity,Trustee,AccessControlType,AccessRights,IsInherited,InheritanceType",
               lambda n: [f"user{n // 4}@{DOMAIN}", f"user{n * 7 % 9000}@{DOMAIN}", "Allow", "SendAs", False, "None"]), csv_floor,
    ),
    "mailboxes": (
        _table("DisplayName,UserPrincipalName,PrimarySmtpAddress,RecipientTypeDetails,EmailAddresses,ForwardingAddress,ForwardingSmtpAddress,DeliverToMailboxAndForward,"
               "GrantSendOnBehalfTo,WhenMailboxCreated",
               lambda n: [f"User {n}", f"user{n}@{DOMAIN}", f"user{n}@{DOMAIN}", "UserMailbox", f"SMTP:user{n}@{DOMAIN} smtp:u{n}@{DOMAIN}", "", "", False, "", _when(n)]), csv_floor,
    ),
    "nmap": (_markup(f'<?xml version="1.0"?>\n<nmaprun scanner="nmap" args="nmap -oX" start="{BEGIN}" version="7.94">\n', _nmap_host, "</nmaprun>\n"), xml_floor),
    "nessus": (_markup('<?xml version="1.0" ?>\n<NessusClientData_v2>\n<Report name="Servers">\n', _nessus_host, "</Report></NessusClientData_v2>\n"), xml_floor),
}  # fmt: skip
