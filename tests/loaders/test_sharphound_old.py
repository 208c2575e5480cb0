"""SharpHound's older versions and bloodhound.py: one small directory says the same in every version's shape."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.sharphound_old import modern
from tests.support.golden import facts_of

NOW = 1_772_400_000
SID = "S-1-5-21-1111111111-2222222222-3333333333"
UNIT = "2D8E7B4C-0000-4000-8000-000000000001"
POLICY = "2D8E7B4C-0000-4000-8000-000000000002"
ANN, BOB, ADMINS, PC = f"{SID}-1101", f"{SID}-1102", f"{SID}-1103", f"{SID}-1104"


def _named(name: str, **more: object) -> dict:
    return {"domain": "CORP.EXAMPLE", "name": name, "distinguishedname": f"CN={name}", **more}


def _lists(version: int, principals: list[tuple[str, str]]) -> list[dict]:
    keys = ("MemberId", "MemberType") if version == 3 else ("ObjectIdentifier", "ObjectType")
    return [dict(zip(keys, principal, strict=True)) for principal in principals]


def _local(version: int, name: str, number: str, principals: list[tuple[str, str]]) -> dict:
    found = _lists(version, principals)
    if version == 3:
        return {name: found}
    return {name: {"Results": found, "Collected": True, "FailureReason": None}}


def _aces(version: int, *rights: tuple[str, str, str, str]) -> list[dict]:
    """(principal, name in version 3, its AceType, name now)."""
    if version == 3:
        return [{"PrincipalSID": who, "PrincipalType": "User", "RightName": old, "AceType": type_, "IsInherited": False} for who, old, type_, _ in rights]
    return [{"PrincipalSID": who, "PrincipalType": "User", "RightName": new, "IsInherited": False} for who, _, _, new in rights]


def directory(version: int) -> dict[str, list[dict]]:
    """The directory's files by type, as this version writes them."""
    old = version == 3
    primary = "PrimaryGroupSid" if old else "PrimaryGroupSID"
    protected = "ACLProtected" if old else "IsACLProtected"
    aces = _aces(version, (ANN, "Owner", "", "Owns"), (ANN, "ExtendedRight", "User-Force-Change-Password", "ForceChangePassword"))
    people = [
        {"ObjectIdentifier": ANN, "Properties": _named("ANN@CORP.EXAMPLE", samaccountname="ann", email="ann@corp.example"), primary: ADMINS, "Aces": [],
         "AllowedToDelegate": [PC] if old else [{"ObjectIdentifier": PC, "ObjectType": "Computer"}], protected: False, "SPNTargets": [], "HasSIDHistory": []},
        {"ObjectIdentifier": BOB, "Properties": _named("BOB@CORP.EXAMPLE", samaccountname="bob"), primary: None, "Aces": aces, protected: True,
         "AllowedToDelegate": [], "SPNTargets": [], "HasSIDHistory": []},
    ]  # fmt: skip
    group = {"ObjectIdentifier": ADMINS, "Properties": _named("ADMINS@CORP.EXAMPLE", samaccountname="admins"), "Members": _lists(version, [(BOB, "User")]),
             "Aces": _aces(version, (BOB, "WriteProperty", "AddMember", "AddMember"))}  # fmt: skip
    sessions = [{"UserId": ANN, "ComputerId": PC}] if old else {"Results": [{"UserSID": ANN, "ComputerSID": PC}], "Collected": True, "FailureReason": None}
    computer = {"ObjectIdentifier": PC, "Properties": _named("PC.CORP.EXAMPLE", samaccountname="PC$"), primary: None, "Aces": [], protected: False,
                "Sessions": sessions, "AllowedToDelegate": [], "AllowedToAct": _lists(version, [(BOB, "User")])}  # fmt: skip
    for name, number, who in (("LocalAdmins", "544", (ADMINS, "Group")), ("RemoteDesktopUsers", "555", (BOB, "User")), ("DcomUsers", "562", (BOB, "User")), ("PSRemoteUsers", "580", (BOB, "User"))):
        if version < 5:
            computer |= _local(version, name, number, [who])
        else:
            given = {"ObjectIdentifier": f"{PC}-{number}", "Name": name, "Collected": True, "Results": _lists(version, [who])}
            computer["LocalGroups"] = [*computer.get("LocalGroups", []), given]
    inside = {"Users": [ANN, BOB], "Computers": [PC], "ChildOus": []} if old else {"ChildObjects": _lists(version, [(ANN, "User"), (BOB, "User"), (PC, "Computer")])}
    above = {"Users": [], "Computers": [], "ChildOus": [UNIT]} if old else {"ChildObjects": _lists(version, [(UNIT, "OU")])}
    who = _lists(version, [(BOB, "User")])
    inside |= {"LocalAdmins": who} if old else {"GPOChanges": {"LocalAdmins": who, "RemoteDesktopUsers": [], "AffectedComputers": [{"ObjectIdentifier": PC, "ObjectType": "Computer"}]}}
    link = {"IsEnforced": True, "Guid": POLICY} if old else {"IsEnforced": True, "GUID": POLICY}
    unit = {"ObjectIdentifier": UNIT, "Properties": _named("STAFF@CORP.EXAMPLE", blocksinheritance=False), "Links": [link], "Aces": [], protected: False} | inside
    trust = {"TargetDomainSid": "S-1-5-21-9-9-9", "TargetDomainName": "OTHER", "IsTransitive": True, "TrustDirection": 2, "TrustType": 3, "SidFilteringEnabled": True}
    domain = {"ObjectIdentifier": SID, "Properties": _named("CORP.EXAMPLE"), "Links": [], "Trusts": [trust], "Aces": _aces(version, (BOB, "ExtendedRight", "GetChanges", "GetChanges"))} | above
    policy = {"ObjectIdentifier": POLICY, "Properties": _named("RULES@CORP.EXAMPLE"), "Aces": _aces(version, (ANN, "WriteDacl", "", "WriteDacl"))}
    return {"users": people, "groups": [group], "computers": [computer], "ous": [unit], "domains": [domain], "gpos": [policy]}


def packed(folder: Path, version: int) -> Path:
    path = folder / f"v{version}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for type_, objects in directory(version).items():
            meta = {"type": type_, "count": len(objects), "version": version} | ({} if version == 3 else {"methods": 0})
            name = type_ if version == 3 else "data"
            archive.writestr(f"20200101120000_{type_}.json", json.dumps({name: objects, "meta": meta}))
    return path


def said(path: Path) -> set[str]:
    facts = [fact for fact in facts_of(path, now=NOW) if "from_key" in fact or fact.get("kind") in ("Account", "Group", "Server", "Container", "Mailbox")]
    return {json.dumps({key: value for key, value in fact.items() if key != "place"}, sort_keys=True) for fact in facts}


@pytest.mark.parametrize("version", [3, 4, 5])
def test_every_version_says_the_same_of_one_directory(tmp_path, version):
    assert said(packed(tmp_path, version)) == said(packed(tmp_path, 6))


def test_what_it_says_is_what_is_in_it(tmp_path):
    facts = facts_of(packed(tmp_path, 3), now=NOW)
    key = {f"ad:{ANN}": "ann", f"ad:{BOB}": "bob", f"ad:{ADMINS}": "admins", f"ad:{PC}": "pc", f"ad:{UNIT}": "unit", f"ad:{SID}": "domain", f"ad:{POLICY}": "policy"}
    edges = {(fact["kind"], key.get(fact["from_key"]), key.get(fact["to_key"], fact["to_key"]), fact.get("right")) for fact in facts if fact.get("from_key") in key}
    for edge in (
        ("ADMIN_TO", "bob", "pc", None), ("MEMBER_OF", "ann", "admins", None), ("MEMBER_OF", "bob", "admins", None), ("ADMIN_TO", "admins", "pc", None), ("SESSION_ON", "ann", "pc", None),
        ("CONTROLS", "ann", "bob", "Owns"), ("CONTROLS", "ann", "bob", "ForceChangePassword"), ("CONTROLS", "bob", "admins", "AddMember"),
        ("CONTROLS", "ann", "pc", "AllowedToDelegate"), ("CONTROLS", "bob", "pc", "AllowedToAct"), ("CONTROLS", "bob", "domain", "GetChanges"),
        ("CONTROLS", "ann", "policy", "WriteDacl"), ("CONTAINS", "unit", "ann", None), ("CONTAINS", "domain", "unit", None), ("LINKED_TO", "policy", "unit", None),
        ("TRUSTS", "domain", "ad:S-1-5-21-9-9-9", None), ("SIGNS_IN_TO", "bob", "service:remote desktop/pc.corp.example", None),
    ):  # fmt: skip
        assert edge in edges
    contains = {key[fact["to_key"]]: fact.get("inherits") for fact in facts if fact.get("kind") == "CONTAINS" and fact["from_key"] == f"ad:{UNIT}"}
    assert contains == {"ann": True, "bob": False, "pc": True}


def test_a_list_of_version_3_with_nobody_in_it_counts_as_not_asked():
    (group,) = modern({"ObjectIdentifier": PC, "LocalAdmins": []}, 3)["LocalGroups"]
    assert group == {"ObjectIdentifier": f"{PC}-544", "Collected": False, "Results": []}


def test_local_groups_of_bloodhound_py_are_read_whatever_version_it_writes():
    computer = {"ObjectIdentifier": PC, "LocalAdmins": {"Results": [{"ObjectIdentifier": ADMINS, "ObjectType": "Group"}], "Collected": True}}
    assert modern(computer, 6)["LocalGroups"] == modern(computer, 4)["LocalGroups"] != []
    assert modern({"ObjectIdentifier": PC}, 6) == {"ObjectIdentifier": PC}


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6)
_KEYS = ("LocalAdmins", "Sessions", "Aces", "Members", "AllowedToDelegate", "SPNTargets", "Links", "Users", "HasSIDHistory", "LocalGroups", "ObjectIdentifier")


@settings(max_examples=100, deadline=None)
@given(found=st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=4), version=st.sampled_from([3, 4, 6]))
def test_any_value_in_any_key_is_brought_over_or_left(found, version):
    assert isinstance(modern(found, version), dict)


@pytest.mark.parametrize("version", [3, 4, 6])
@pytest.mark.parametrize("first", ["ous", "computers"])
def test_whom_a_policy_lets_in_from_afar_signs_in_to_the_computers_below_it_by_their_names(tmp_path, version, first):
    given = directory(version)
    computer, (unit,) = given["computers"][0], given["ous"]
    for name in ("LocalGroups", "LocalAdmins", "RemoteDesktopUsers", "DcomUsers", "PSRemoteUsers"):
        computer.pop(name, None)
    (unit if version == 3 else unit["GPOChanges"]).update({name: _lists(version, [(ANN, "User")]) for name in ("RemoteDesktopUsers", "DcomUsers", "PSRemoteUsers")})
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for type_ in sorted(given, key=lambda name: name != first):
            meta = {"type": type_, "count": len(given[type_]), "version": version}
            archive.writestr(f"20200101120000_{type_}.json", json.dumps({type_ if version == 3 else "data": given[type_], "meta": meta}))
    found = {(fact["from_key"], fact["to_key"], fact["via"], fact["basis"]) for fact in facts_of(path, now=NOW) if fact.get("kind") == "SIGNS_IN_TO"}
    assert found == {(f"ad:{ANN}", f"service:{type_}/pc.corp.example", via, "group policy")
                     for type_, via in (("remote desktop", "rdp"), ("remote com", "dcom"), ("remote shell", "winrm"))}  # fmt: skip
