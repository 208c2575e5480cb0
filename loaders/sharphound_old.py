"""Objects as SharpHound wrote them before version 6, and as bloodhound.py still does, brought into the shape of version 6.

| older key | of | becomes |
|---|---|---|
| MemberId, MemberType | 3, in every list of principals | ObjectIdentifier, ObjectType |
| PrimaryGroupSid, ACLProtected, ComputerSid, UserId, ComputerId, Guid | 3 | PrimaryGroupSID, IsACLProtected, ComputerSID, UserSID, ComputerSID, GUID |
| Sessions: a list | 3 | `{Results, Collected}` |
| LocalAdmins, RemoteDesktopUsers, DcomUsers, PSRemoteUsers | 3, 4, bloodhound.py | LocalGroups with the number of each group |
| AllowedToDelegate: SIDs | 3 | `{ObjectIdentifier, ObjectType}` |
| AceType beside RightName | 3 | the right's name as it is now |
| Users, Computers, ChildOus; LocalAdmins of a unit | 3 | ChildObjects; GPOChanges |

An empty list of version 3 may be nobody or not asked: it counts as not asked, one with somebody in it as asked.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_GROUPS = {"LocalAdmins": "544", "RemoteDesktopUsers": "555", "DcomUsers": "562", "PSRemoteUsers": "580"}
_RENAMED = {"PrimaryGroupSid": "PrimaryGroupSID", "ACLProtected": "IsACLProtected"}
_CHILDREN = {"Users": "User", "Computers": "Computer", "ChildOus": "OU"}
_ACE_TYPES = {
    "All": "AllExtendedRights", "User-Force-Change-Password": "ForceChangePassword", "AddMember": "AddMember", "AllowedToAct": "AddAllowedToAct",
    "GetChanges": "GetChanges", "GetChangesAll": "GetChangesAll",
}  # fmt: skip
_PRINCIPALS = ("Members", "AllowedToAct", "HasSIDHistory")


def modern(found: object, version: int) -> object:
    """The object in today's shape; itself where nothing in it is older."""
    if not isinstance(found, dict):
        return found
    if version >= 4:
        return found if _GROUPS.keys().isdisjoint(found) else {key: value for key, value in found.items() if key not in _GROUPS} | _groups(found)
    new: Json = {_RENAMED.get(str(key), str(key)): value for key, value in found.items() if key not in _GROUPS and key not in _CHILDREN}
    new |= {name: [_principal(entry) for entry in new[name]] for name in _PRINCIPALS if isinstance(new.get(name), list)}
    new |= (_set_by_policy(found) or _groups(found)) | _children(found)
    for name, change in (("Aces", _ace), ("Sessions", _session), ("AllowedToDelegate", _delegate), ("SPNTargets", _target), ("Links", _link)):
        if isinstance(new.get(name), list):
            new[name] = [change(entry) for entry in new[name]]
    if isinstance(new.get("Sessions"), list):
        new["Sessions"] = {"Results": new["Sessions"], "Collected": bool(new["Sessions"])}
    return new


def _groups(found: Json) -> Json:
    """The four lists of a computer as LocalGroups."""
    groups: list[Any] = list(found["LocalGroups"]) if isinstance(found.get("LocalGroups"), list) else []
    for name, number in _GROUPS.items():
        given = found.get(name)
        results = given.get("Results") if isinstance(given, dict) else given
        if not isinstance(results, list):
            continue
        collected = given.get("Collected") is True if isinstance(given, dict) else bool(results)
        groups.append({"ObjectIdentifier": f"{found.get('ObjectIdentifier')}-{number}", "Collected": collected, "Results": [_principal(entry) for entry in results]})
    return {"LocalGroups": groups} if groups else {}


def _set_by_policy(found: Json) -> Json:
    """What a unit's group policies set on the computers in it."""
    computers = found.get("Computers")
    if "ChildOus" not in found or not isinstance(computers, list):
        return {}
    changes: Json = {name: [_principal(entry) for entry in found[name]] for name in _GROUPS if isinstance(found.get(name), list)}
    return {"GPOChanges": changes | {"AffectedComputers": [{"ObjectIdentifier": sid, "ObjectType": "Computer"} for sid in computers]}}


def _children(found: Json) -> Json:
    several = [
        {"ObjectIdentifier": child, "ObjectType": type_} for key, type_ in _CHILDREN.items() if isinstance(found.get(key), list) for child in found[key]
    ]
    return {"ChildObjects": several} if several else {}


def _principal(entry: Any) -> Any:
    if isinstance(entry, dict) and "MemberId" in entry:
        return {"ObjectIdentifier": entry["MemberId"], "ObjectType": entry.get("MemberType")}
    return entry


def _ace(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    right, type_ = entry.get("RightName"), entry.get("AceType")
    if right == "Owner":
        right = "Owns"
    elif right in ("ExtendedRight", "WriteProperty") and isinstance(type_, str) and type_:
        right = _ACE_TYPES.get(type_, type_)
    return {**entry, "RightName": right}


def _session(entry: Any) -> Any:
    if isinstance(entry, dict) and "UserId" in entry:
        return {"UserSID": entry["UserId"], "ComputerSID": entry.get("ComputerId")}
    return entry


def _delegate(entry: Any) -> Any:
    return {"ObjectIdentifier": entry, "ObjectType": "Computer"} if isinstance(entry, str) else entry


def _target(entry: Any) -> Any:
    return {**entry, "ComputerSID": entry["ComputerSid"]} if isinstance(entry, dict) and "ComputerSid" in entry else entry


def _link(entry: Any) -> Any:
    return {**entry, "GUID": entry["Guid"]} if isinstance(entry, dict) and "Guid" in entry else entry
