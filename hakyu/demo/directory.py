"""SharpHound's collection of the directory: one zip of version 6, stored so that no compressor makes a difference."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from hakyu.demo.organisation import DOMAIN, SID, Account, Computer, Group, Organisation

STAMP = "20230614093000"
NAME = f"{STAMP}_BloodHound.zip"
_DOMAIN = DOMAIN.upper()
_BASE = ",".join(f"DC={part}" for part in _DOMAIN.split("."))
_MADE, _PASSWORD, _SEEN = 1554076800, 1656633600, 1686700800  # April 2019, July 2022, June 2023
_METHODS = 521215
Json = dict[str, Any]


def archive(org: Organisation) -> bytes:
    """The zip."""
    kinds = (
        {a.sam: "User" for a in org.accounts}
        | {g.sam: "Group" for g in org.groups}
        | {f"{c.host}$": "Computer" for c in org.computers}
    )
    sids = (
        {a.sam: a.sid for a in org.accounts} | {g.sam: g.sid for g in org.groups} | {f"{c.host}$": c.sid for c in org.computers}
    )
    refs = {sam: {"ObjectIdentifier": sid, "ObjectType": kinds[sam]} for sam, sid in sids.items()}
    joined = [computer for computer in org.computers if computer.joined]
    files: dict[str, list[Json]] = {
        "computers": [_computer(computer, refs) for computer in joined],
        "domains": [_domain()],
        "groups": [_group(group, [refs[sam] for sam in group.members]) for group in org.groups],
        "ous": [_ou("MICROSOFT EXCHANGE SECURITY GROUPS"), _ou("STAFF"), _ou("ADMINISTRATION")],
        "users": [_user(account) for account in org.accounts],
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for type_, data in files.items():
            meta = {"methods": _METHODS, "type": type_, "count": len(data), "version": 6}
            text = json.dumps({"data": data, "meta": meta}, ensure_ascii=False, separators=(",", ":"))
            info = zipfile.ZipInfo(f"{STAMP}_{type_}.json", (2023, 6, 14, 9, 30, 0))
            info.create_system, info.external_attr = 0, 0
            made.writestr(info, text.encode())
    return buffer.getvalue()


def _user(account: Account) -> Json:
    admin, unit = account.kind == "admin", "STAFF" if account.email else "ADMINISTRATION"
    spn = [f"{account.sam}/{DOMAIN}"] if account.kind == "service" else []
    return {
        "AllowedToDelegate": [],
        "PrimaryGroupSID": f"{SID}-513",
        "HasSIDHistory": [],
        "SPNTargets": [],
        "Aces": [],
        "ObjectIdentifier": account.sid,
        "IsDeleted": False,
        "IsACLProtected": admin,
        "ContainedBy": None,
        "Properties": {
            **_common(account.sam, f"CN={account.name.upper()},OU={unit},{_BASE}", account.sam),
            "sensitive": False,
            "dontreqpreauth": False,
            "passwordnotreqd": False,
            "unconstraineddelegation": False,
            "pwdneverexpires": account.kind == "service",
            "enabled": account.sam not in ("Guest", "krbtgt"),
            "trustedtoauth": False,
            "lastlogon": _SEEN,
            "lastlogontimestamp": _SEEN,
            "pwdlastset": _PASSWORD,
            "serviceprincipalnames": spn,
            "hasspn": bool(spn),
            "displayname": account.name,
            "email": account.email or None,
            "title": account.title or None,
            "homedirectory": None,
            "admincount": admin,
            "sidhistory": [],
        },
    }


def _group(group: Group, members: list[Json]) -> Json:
    unit = f"OU=MICROSOFT EXCHANGE SECURITY GROUPS,{_BASE}" if group.exchange else f"CN=USERS,{_BASE}"
    return {
        "Properties": {**_common(group.sam, f"CN={group.sam.upper()},{unit}", group.sam), "admincount": group.rid == 512},
        "Members": members,
        "Aces": [],
        "ObjectIdentifier": group.sid,
        "IsDeleted": False,
        "IsACLProtected": group.rid == 512,
        "ContainedBy": None,
    }


def _computer(computer: Computer, refs: dict[str, Json]) -> Json:
    controller, mail, host = computer.role == "domain controller", computer.role == "mail", computer.host
    names = [f"HOST/{host}", f"HOST/{computer.fqdn}", f"TERMSRV/{computer.fqdn}"]
    if mail:
        names += [f"exchangeMDB/{host}", f"exchangeMDB/{computer.fqdn}", f"exchangeAB/{host}", f"SMTP/{computer.fqdn}"]
    found = [{"UserSID": refs[sam]["ObjectIdentifier"], "ComputerSID": computer.sid} for sam in computer.sessions]
    unit = "DOMAIN CONTROLLERS" if controller else "SERVERS"
    return {
        "Properties": {
            **_common(computer.fqdn, f"CN={host},OU={unit},{_BASE}", f"{host}$"),
            "name": computer.fqdn.upper(),
            "haslaps": not controller,
            "enabled": True,
            "unconstraineddelegation": controller,
            "trustedtoauth": False,
            "isdc": controller,
            "lastlogon": _SEEN,
            "lastlogontimestamp": _SEEN,
            "pwdlastset": _PASSWORD,
            "serviceprincipalnames": names,
            "email": None,
            "operatingsystem": computer.os,
            "sidhistory": [],
        },
        "PrimaryGroupSID": f"{SID}-{516 if controller else 515}",
        "AllowedToDelegate": [],
        "AllowedToAct": [],
        "HasSIDHistory": [],
        "DumpSMSAPassword": [],
        "Sessions": _answer([], computer.asked),
        "PrivilegedSessions": _answer(found, computer.asked),
        "RegistrySessions": _answer([], computer.asked),
        "LocalGroups": [] if controller or not computer.asked else _local_groups(computer, refs),
        "UserRights": [],
        "DCRegistryData": {"CertificateMappingMethods": None, "StrongCertificateBindingEnforcement": None},
        "Status": None if computer.asked else {"Connectable": False, "Error": "PortNotOpen"},
        "IsDC": controller,
        "DomainSID": SID,
        "Aces": [],
        "ObjectIdentifier": computer.sid,
        "IsDeleted": False,
        "IsACLProtected": False,
        "ContainedBy": None,
    }


def _local_groups(computer: Computer, refs: dict[str, Json]) -> list[Json]:
    local = [{"ObjectIdentifier": f"{computer.sid}-500", "ObjectType": "LocalUser"}]
    return [
        {
            "ObjectIdentifier": f"{computer.sid}-{number}",
            "Name": f"{name}@{computer.fqdn.upper()}",
            "Results": results,
            "LocalNames": [],
            "Collected": True,
            "FailureReason": None,
        }
        for number, name, results in (
            (544, "ADMINISTRATORS", local + [refs[sam] for sam in computer.admins]),
            (555, "REMOTE DESKTOP USERS", [refs[sam] for sam in computer.remote]),
            (580, "REMOTE MANAGEMENT USERS", []),
        )
    ]


def _answer(results: list[Json], asked: bool) -> Json:
    return {"Results": results if asked else [], "Collected": asked, "FailureReason": None if asked else "ErrorAccessDenied"}


def _common(name: str, distinguished: str, sam: str) -> Json:
    return {
        "domain": _DOMAIN,
        "name": f"{name.upper()}@{_DOMAIN}",
        "distinguishedname": distinguished,
        "domainsid": SID,
        "samaccountname": sam,
        "isaclprotected": False,
        "description": None,
        "whencreated": _MADE,
    }


def _domain() -> Json:
    return {
        "ChildObjects": [],
        "Trusts": [],
        "Links": [],
        "Aces": [],
        "ObjectIdentifier": SID,
        "IsDeleted": False,
        "IsACLProtected": False,
        "ContainedBy": None,
        "Properties": {
            "domain": _DOMAIN,
            "name": _DOMAIN,
            "distinguishedname": _BASE,
            "domainsid": SID,
            "isaclprotected": False,
            "description": None,
            "whencreated": _MADE,
            "functionallevel": "2016",
            "collected": True,
        },
    }


def _ou(name: str) -> Json:
    guid = f"00000000-0000-4000-8000-{len(name):012d}"
    return {
        "Properties": {
            "domain": _DOMAIN,
            "name": f"{name}@{_DOMAIN}",
            "distinguishedname": f"OU={name},{_BASE}",
            "domainsid": SID,
            "isaclprotected": False,
            "description": None,
            "whencreated": _MADE,
            "blocksinheritance": False,
        },
        "ChildObjects": [],
        "Links": [],
        "Aces": [],
        "ObjectIdentifier": guid,
        "IsDeleted": False,
        "IsACLProtected": False,
        "ContainedBy": None,
    }
