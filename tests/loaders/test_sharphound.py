"""SharpHound: what a collection of an Active Directory says, and what it does with what is broken, old or not asked."""

from __future__ import annotations

import codecs
import copy
import json
import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graphmodel.errors import HakyuError, LoadError
from loaders import registry
from loaders.base import Broken, Source
from loaders.formats import sharphound
from tests.support.golden import buffer_facts, check_golden, facts_of, read_into

HERE = Path(__file__).parent / "sharphound"
JSON = HERE / "json"
SAMPLE = HERE.parents[3] / "shared" / "data" / "05_active_directory" / "ad_sampledata.zip"
NOW = 1_772_400_000  # 2026-03-01, when the fixture was written
CORP = "ad:S-1-5-21-1111111111-2222222222-3333333333"
PHANTOM = "ad:S-1-5-21-2697957641-2271029196-387917394"
WRAITH = "ad:S-1-5-21-3702535222-3822678775-2090119576"


def packed(folder: Path, members: dict[str, bytes] | None = None) -> Path:
    """A zip of the fixture's files, or of `members`."""
    path = folder / "input.zip"
    files = members or {file.name: file.read_bytes() for file in sorted(JSON.iterdir())}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def written(folder: Path, content: object, name: str = "20260301090000_users.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def users(*objects: object, **meta: object) -> dict:
    return {"data": list(objects), "meta": {"methods": 1, "type": "users", "count": len(objects), "version": 6, **meta}}


def user(number: int = 1101, **properties: object) -> dict:
    known = {"domain": "CORP.EXAMPLE", "name": f"U{number}@CORP.EXAMPLE", "distinguishedname": "CN=U", "samaccountname": f"u{number}"}
    return {"Properties": known | properties, "ObjectIdentifier": f"S-1-5-21-1-2-3-{number}", "PrimaryGroupSID": None, "Aces": []}


def kinds(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def ends(facts: list[dict], kind: str) -> list[tuple[str, str]]:
    return [(fact["from_key"], fact["to_key"]) for fact in kinds(facts, kind)]


def notes(facts: list[dict]) -> list[str]:
    return [fact["note"] for fact in facts if "note" in fact and "kind" not in fact]


def asked(facts: list[dict], what: str) -> dict[str, tuple[int, int]]:
    return {fact["scope"]: (fact["collected"], fact["missing"]) for fact in kinds(facts, "LogCoverage") if fact["what"] == what}


@pytest.fixture
def small(tmp_path) -> list[dict]:
    return facts_of(packed(tmp_path), now=NOW)


# --- the small collection ---


def test_a_small_collection_says_exactly_what_its_golden_file_lists(tmp_path):
    packed(tmp_path)
    (tmp_path / "facts.jsonl").symlink_to(HERE / "facts.jsonl")
    check_golden(tmp_path, now=NOW)


def test_a_zip_and_each_of_its_files_are_claimed_by_sharphound(tmp_path):
    for path in (packed(tmp_path), *JSON.glob("*.json")):
        fmt, claim = registry.recognise(Source(path, path.name))
        assert (fmt.NAME, claim.strength) == ("sharphound", 9)


def test_a_group_called_like_an_exchange_role_group_but_lying_elsewhere_gives_no_mailbox(small):
    roles = {target for _, target in ends(small, "HAS_ROLE")}
    assert roles == {"role:exchange/organization management@corp.example", "role:exchange/exchange trusted subsystem@corp.example"}
    assert {target for source, target in ends(small, "ADMIN_TO") if source in roles} == {"service:mail/corp.example"}


def test_only_exchangemdb_makes_a_mail_host_and_exchangeab_does_not(small):
    assert [source for source, target in ends(small, "HOSTS") if target == "service:mail/corp.example"] == [f"{CORP}-1301"]
    roles = {fact["name"]: fact.get("role") for fact in kinds(small, "Server")}
    assert roles == {
        "dc01.corp.example": "domain controller", "ex01.corp.example": "mail", "pc07.corp.example": "workstation",
        "rodc01.corp.example": "domain controller", "OLDBOX": None,
    }  # fmt: skip


def test_a_member_of_another_domain_is_known_by_that_domains_own_file(tmp_path, small):
    partner = "ad:S-1-5-21-4444444444-5555555555-6666666666-2001"
    assert (partner, f"{CORP}-1000") in ends(small, "ADMIN_TO")
    assert (partner, "ad:CORP.EXAMPLE-S-1-5-32-544") in ends(small, "MEMBER_OF")
    # Without that file nothing says whether it is a user, a group or a computer.
    alone = facts_of(packed(tmp_path, {p.name: p.read_bytes() for p in JSON.glob("20260301090000_*.json")}), now=NOW)
    assert not [pair for kind in ("ADMIN_TO", "MEMBER_OF") for pair in ends(alone, kind) if pair[0] == partner]
    assert any(note.startswith("5 × principal whose kind no object") for note in notes(alone))


def test_local_groups_are_told_by_their_number_whatever_they_are_called(small):
    assert (f"{CORP}-1205", f"{CORP}-1302") in ends(small, "ADMIN_TO")  # 管理者@PC07
    assert (f"{CORP}-500", f"{CORP}-1000") in ends(small, "ADMIN_TO")  # IGNOREME
    assert set(ends(small, "SIGNS_IN_TO")) == {
        (f"{CORP}-1101", "service:remote shell/pc07.corp.example"), (f"{CORP}-1205", "service:remote desktop/dc01.corp.example"),
        (f"{CORP}-1205", "service:remote com/pc07.corp.example"),
    }  # fmt: skip
    assert (f"{CORP}-1302", "service:remote shell/pc07.corp.example") in ends(small, "HOSTS")


def test_what_was_not_collected_is_missing_and_not_none(small):
    assert asked(small, "sessions")["corp.example"] == (2, 3)
    assert asked(small, "server administrators")["corp.example"] == (2, 3)
    assert asked(small, "remote access")["corp.example"] == (1, 4)  # PC07 told of one of its two groups only
    assert asked(small, "groups") == {"corp.example": (9, 0)}  # no stand-ins, and none for the partner's


def test_system_is_signed_in_everywhere_and_makes_no_session(small):
    sessions = {(fact["from_key"], fact["to_key"], fact["basis"]) for fact in kinds(small, "SESSION_ON")}
    assert sessions == {
        (f"{CORP}-500", f"{CORP}-1000", "PrivilegedSessions"), (f"{CORP}-1102", f"{CORP}-1302", "RegistrySessions")
    }  # fmt: skip


def test_a_mailbox_is_taken_from_a_mail_attribute_unless_its_provider_is_a_public_one(small):
    owned = {source.rpartition("-")[2]: target for source, target in ends(small, "OWNS")}
    assert owned == {
        "1101": "mailbox:hanako.yamada@corp.example", "1104": "mailbox:tanaka@corp.example", "2001": "mailbox:jd@partner.example",
        "1103": "mailbox:healthmailboxabc60d05a51e4ed49d858ae3357c00ec@corp.example",
    }  # fmt: skip
    assert (f"{CORP}-1102", "smtp:ken@gmail.com") in ends(small, "HAS_ADDRESS")
    assert ("service:mail/corp.example", "mailbox:hanako.yamada@corp.example") in ends(small, "HOSTS")
    assert Counter(fact["type"] for fact in kinds(small, "Mailbox")) == {"user": 3, "system": 1}


def test_a_person_whose_name_begins_like_a_system_account_stays_a_person(small):
    types = {fact["sam"]: fact["type"] for fact in kinds(small, "Account") if "sam" in fact}
    assert types == {
        "Administrator": "admin", "yamada": "user", "ken": "admin", "HealthMailboxabc60d0": "system", "sm_tanaka": "user",
        "svc_backup": "service", "gMSA_web$": "service", "jd": "user",
    }  # fmt: skip


def test_a_well_known_sid_never_joins_two_domains(small):
    assert ("ad:CORP.EXAMPLE-S-1-5-17", "ad:CORP.EXAMPLE-S-1-5-32-554") in ends(small, "MEMBER_OF")
    keys = {key for kind in ("MEMBER_OF", "ADMIN_TO", "SESSION_ON") for pair in ends(small, kind) for key in pair}
    assert not [key for key in keys if key.startswith("ad:S-1-5-") and not key.startswith("ad:S-1-5-21-")]


def test_the_time_of_a_file_name_is_the_last_and_said_to_be_local(small):
    last = {(fact["what"], fact["scope"]): fact["last"] for fact in kinds(small, "LogCoverage")}
    assert last["accounts", "corp.example"] == 1772355600  # 09:00 in the name
    assert last["accounts", "partner.example"] == 1772357400
    assert all("local" in fact["note"] for fact in kinds(small, "LogCoverage"))


# --- single files ---


def test_a_file_says_the_same_with_a_bom_in_utf16_and_with_meta_at_its_beginning(tmp_path):
    plain = facts_of(written(tmp_path, users(user(email="a@corp.example"))))
    assert len(kinds(plain, "Mailbox")) == 1
    text = json.dumps(users(user(email="a@corp.example")))
    turned = {key: users(user(email="a@corp.example"))[key] for key in ("meta", "data")}
    for other in (codecs.BOM_UTF8 + text.encode(), text.encode("utf-16"), json.dumps(turned).encode()):
        assert facts_of(written(tmp_path, other)) == plain


def test_meta_at_the_end_of_a_file_larger_than_its_head_is_found(tmp_path):
    path = written(tmp_path, users(*[user(1000 + n, description="x" * 100) for n in range(1000)]))
    assert path.stat().st_size > 3 * 64 * 1024
    assert registry.recognise(Source(path, path.name))[1].strength == 9


def test_a_large_file_is_read_object_by_object_and_says_the_same(tmp_path, monkeypatch):
    archive = packed(tmp_path)
    plain = facts_of(archive, now=NOW)
    monkeypatch.setattr(sharphound, "_WHOLE", 100)
    assert facts_of(archive, now=NOW) == plain
    bom = written(tmp_path, codecs.BOM_UTF8 + json.dumps(users(user())).encode())
    assert {"format": "sharphound", "records": 1} in facts_of(bom)


@pytest.mark.parametrize("whole", [64 << 20, 100])
def test_a_file_cut_short_is_broken_with_its_byte(tmp_path, monkeypatch, whole):
    monkeypatch.setattr(sharphound, "_WHOLE", whole)
    content = json.dumps(users(*[user(1000 + n) for n in range(5)])).encode()
    for length in (len(content) - 1, len(content) // 2):
        with pytest.raises(Broken, match=f"byte {length:,}: the file ends (in the middle|without its meta)"):
            read_into(written(tmp_path, content[:length]))


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_version_is_refused_by_its_number(tmp_path, version):
    with pytest.raises(Broken, match=f"version {version} of SharpHound's format; .*collect with SharpHound 2"):
        read_into(written(tmp_path, users(user(), version=version)))


def test_the_oldest_shape_is_refused_by_its_number_too(tmp_path):
    old = {"computers": [{"Name": "PC01.CORP.EXAMPLE"}], "meta": {"count": 1, "type": "computers", "version": 2}}
    with pytest.raises(Broken, match="version 2"):
        read_into(written(tmp_path, old))


def test_azurehound_and_any_other_json_are_claimed_by_none(tmp_path):
    azure = {"data": [{"kind": "AZUser", "data": {"id": "1"}}], "meta": {"type": "azure", "version": 5, "count": 1}}
    for other in (azure, {"data": [{"id": 1}], "meta": {"page": 1}}, [1]):
        path = written(tmp_path, other)
        assert sharphound.detect(Source(path, path.name)) is None


def test_one_bad_object_is_refused_with_its_place_and_the_others_are_read(tmp_path):
    bad = [{"Properties": {}}, 5, {**user(), "Properties": "x"}, {**user(), "ObjectIdentifier": "6AC1786C-016F-11D2-945F-00C04FB984F9"}]
    facts = facts_of(written(tmp_path, users(user(), *bad, user(1102))))
    assert sorted(fact["refused"]["place"] for fact in facts if "refused" in fact) == ["data[1]", "data[2]", "data[3]", "data[4]"]
    assert {"format": "sharphound", "records": 6} in facts and len(kinds(facts, "Account")) == 2


def test_a_sid_that_is_a_user_and_a_computer_is_refused_the_second_time(tmp_path):
    computer = {**user(), "Sessions": {"Collected": True, "Results": []}}
    both = {"1_users.json": json.dumps(users(user())).encode(), "2_computers.json": json.dumps(users(computer, type="computers")).encode()}
    facts = facts_of(packed(tmp_path, both))
    assert [fact["refused"]["place"] for fact in facts if "refused" in fact] == ["2_computers.json: data[0]"]
    assert not kinds(facts, "Server")


def test_members_of_wrong_shape_are_noted_and_never_count_as_refused_records(tmp_path):
    group = {**user(), "Members": [None, {"ObjectIdentifier": 5, "ObjectType": "User"}, {"ObjectIdentifier": "S-1-5-21-1-2-3-9", "ObjectType": ["x"]}]}
    facts = facts_of(written(tmp_path, users(group, {**user(1102), "Members": "none"}, type="groups")))
    assert not [fact for fact in facts if "refused" in fact] and not kinds(facts, "MEMBER_OF")
    assert len(notes(facts)) == 4


def test_passwords_and_descriptions_of_the_directory_are_not_taken(tmp_path):
    facts = facts_of(written(tmp_path, users(user(userpassword="Hunter2!", description="pw Hunter2!", unixpassword="Hunter2!"))))
    assert "Hunter2" not in str(facts)


# --- rights ---


def rights(facts: list[dict], *names: str) -> set[tuple[str, str, str]]:
    return {(fact["from_key"], fact["right"], fact["to_key"]) for fact in kinds(facts, "CONTROLS") if fact["right"] in names}


def test_a_right_is_told_under_bloodhounds_name_and_neither_reading_nor_a_right_to_oneself_is_one(small):
    assert {right for _, right, target in rights(small, *(fact["right"] for fact in kinds(small, "CONTROLS"))) if target == f"{CORP}-1101"} == {
        "ForceChangePassword", "GenericWrite", "Owns", "AddKeyCredentialLink", "GenericAll",
    }  # fmt: skip
    assert not [fact for fact in kinds(small, "CONTROLS") if fact["from_key"] == fact["to_key"]]
    (reset,) = [fact for fact in kinds(small, "CONTROLS") if fact["right"] == "ForceChangePassword" and fact["to_key"] == f"{CORP}-1101"]
    assert reset["inherited"] is True and "through" not in reset


def test_what_an_object_may_do_elsewhere_points_away_from_it(small):
    assert rights(small, "AllowedToDelegate") == {(f"{CORP}-1105", "AllowedToDelegate", f"{CORP}-1301")}
    assert rights(small, "AllowedToAct") == {(f"{CORP}-1302", "AllowedToAct", f"{CORP}-1301")}
    assert rights(small, "HasSIDHistory", "SQLAdmin") == {(f"{CORP}-1102", "HasSIDHistory", f"{CORP}-1105"), (f"{CORP}-1105", "SQLAdmin", f"{CORP}-1302")}
    # Unconstrained delegation of a domain controller is no way to the domain: it is the domain.
    assert rights(small, "CoerceToTGT") == {(f"{CORP}-1302", "CoerceToTGT", CORP)}
    assert [source for source, target in ends(small, "HOSTS") if target == CORP] == [f"{CORP}-1000"]


def test_rights_to_copy_count_on_the_domain_alone_and_writing_on_policies_alone(small):
    assert rights(small, "GetChanges", "GetChangesAll") == {(f"{CORP}-1105", "GetChanges", CORP), (f"{CORP}-1205", "GetChangesAll", CORP)}
    containers = {fact["key"]: fact["type"] for fact in kinds(small, "Container")}
    assert {containers[target] for _, _, target in rights(small, "GenericWrite") if target in containers} == {"group policy"}


def test_containers_are_kept_where_something_lies_in_them_and_say_whether_it_inherits(small):
    assert {fact["name"] for fact in kinds(small, "Container")} == {
        "CORP.EXAMPLE", "STAFF@CORP.EXAMPLE", "ADMINS@CORP.EXAMPLE", "SERVERS@CORP.EXAMPLE", "USERS@CORP.EXAMPLE", "DEFAULT DOMAIN POLICY@CORP.EXAMPLE",
        "STAFF POLICY@CORP.EXAMPLE",
    }  # fmt: skip
    inherits = {fact["to_key"]: fact.get("inherits") for fact in kinds(small, "CONTAINS")}
    assert inherits[f"{CORP}-500"] is False and inherits[f"{CORP}-1101"] is True
    assert inherits[f"{CORP}-1301"] is None  # the file does not say
    assert inherits["ad:00000002-0000-4000-8000-000000000002"] is False


def test_a_policy_reaches_the_units_below_unless_they_block_it_and_it_is_not_enforced(small):
    links = {(fact["from_key"][-1], fact["to_key"].removeprefix("ad:")[:8], fact["inherited"]) for fact in kinds(small, "LINKED_TO")}
    assert {link for link in links if link[0] == "7"} == {("7", "00000001", False)}  # ADMINS below it blocks
    assert {link[1] for link in links if link[0] == "9"} == {"S-1-5-21", "00000001", "00000002", "00000003", "00000004"}


def test_trusts_point_from_who_accepts_to_whose_accounts(small):
    partner, child = "ad:S-1-5-21-4444444444-5555555555-6666666666", "ad:S-1-5-21-7777777777-8888888888-9999999999"
    assert {(f["from_key"], f["to_key"], f["filtered"]) for f in kinds(small, "TRUSTS")} == {(partner, CORP, True), (child, CORP, False), (CORP, child, False)}


# --- archives ---


def test_a_zip_cut_short_is_recognised_and_broken(tmp_path):
    path = packed(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(Broken, match=f"byte {len(content) // 2:,}: the zip archive has no readable end"):
        read_into(path)


def test_a_zip_with_a_changed_byte_is_broken_with_the_member(tmp_path):
    path = tmp_path / "input.zip"
    with zipfile.ZipFile(path, "w") as archive:  # stored, so that only the checksum can tell
        archive.writestr("20260301090000_users.json", json.dumps(users(user(title="clerk"))))
    path.write_bytes(path.read_bytes().replace(b"clerk", b"clark"))
    with pytest.raises(Broken, match="20260301090000_users.json: byte 0: the checksum does not match"):
        read_into(path)


def test_json_cut_short_inside_a_zip_names_member_and_byte(tmp_path):
    cut = json.dumps(users(user())).encode()[:-5]
    with pytest.raises(Broken, match=rf"^20260301090000_users.json: byte {len(cut)}: "):
        read_into(packed(tmp_path, {"20260301090000_users.json": cut}))


def test_other_files_in_the_zip_are_passed_over_and_named(tmp_path):
    members = {"a/20260301090000_users.json": json.dumps(users(user())).encode(), "report.json": b"{}", "x.pdf": b"%PDF"}
    facts = facts_of(packed(tmp_path, members))
    assert "not SharpHound's, passed over: report.json, x.pdf" in notes(facts)
    assert {fact["place"] for fact in kinds(facts, "Account")} == {"a/20260301090000_users.json: data[0]"}


def test_a_zip_of_something_else_is_not_claimed(tmp_path):
    with pytest.raises(LoadError, match="not a format hakyu knows"):
        read_into(packed(tmp_path, {"report.json": b"{}"}))


# --- the real collection ---


@pytest.fixture(scope="module")
def sample() -> list[dict]:
    if not SAMPLE.is_file():
        assert not os.environ.get("CI"), f"{SAMPLE} is missing"
        pytest.skip("the real samples are not beside this checkout")
    return facts_of(SAMPLE)


def test_the_real_collection_is_read_whole(sample):
    assert {"format": "sharphound", "records": 1718} in sample
    assert not [fact for fact in sample if "refused" in fact]
    # 53+7+40 users, 21+1+12 computers; of 115+58+112 groups 82 are stand-ins without a distinguished name.
    assert Counter(fact["kind"] for fact in sample if fact.get("kind") in ("Account", "Group", "Server")) == {
        "Account": 100, "Group": 285, "Server": 34,
    }  # fmt: skip
    assert any("20240305110018_users.json: 49 of 53" in note for note in notes(sample))
    assert any("certtemplates (106)" in note for note in notes(sample))


def test_the_real_collection_has_one_mail_host_though_three_computers_have_exchange_principals(sample):
    assert [source for source, target in ends(sample, "HOSTS") if target == "service:mail/wraith.corp"] == [f"{WRAITH}-1123"]
    (mail,) = [fact for fact in kinds(sample, "Server") if fact.get("role") == "mail"]
    assert mail["name"] == "extexch01.wraith.corp"
    assert asked(sample, "mail hosts") == {"wraith.corp": (1, 0)}


def test_the_real_collection_leads_from_batman_through_organization_management_to_every_mailbox(sample):
    assert (f"{WRAITH}-1113", f"{WRAITH}-1124") in ends(sample, "MEMBER_OF")
    assert (f"{WRAITH}-1124", "role:exchange/organization management@wraith.corp") in ends(sample, "HAS_ROLE")
    assert ("role:exchange/organization management@wraith.corp", "service:mail/wraith.corp") in ends(sample, "ADMIN_TO")
    assert asked(sample, "exchange administrators") == {"wraith.corp": (5, 0)}
    # 26 users have a mail attribute; 3 of those are at mail.com.
    assert len(ends(sample, "OWNS")) == 23 == len([s for s, _ in ends(sample, "HOSTS") if s == "service:mail/wraith.corp"])
    assert Counter(fact["type"] for fact in kinds(sample, "Mailbox")) == {"system": 20, "user": 3}


def test_the_real_collection_says_of_how_many_computers_nothing_was_asked(sample):
    # Sessions were had of 8 of 21, 0 of 1 and 3 of 12 computers; administrators of 2, 0 and 3; Remote Desktop Users of 1, 0 and 3.
    assert asked(sample, "sessions") == {"phantom.corp": (8, 13), "ghost.corp": (0, 1), "wraith.corp": (3, 9)}
    assert asked(sample, "server administrators") == {"phantom.corp": (2, 19), "ghost.corp": (0, 1), "wraith.corp": (3, 9)}
    assert asked(sample, "remote access") == {"phantom.corp": (1, 20), "ghost.corp": (0, 1), "wraith.corp": (3, 9)}


def test_the_real_collection_has_an_administrator_from_another_domain(sample):
    assert (f"{PHANTOM}-2113", f"{WRAITH}-1000") in ends(sample, "ADMIN_TO")
    assert len([1 for source, _ in ends(sample, "ADMIN_TO") if source.startswith("ad:")]) == 13 + 9  # of local groups, and of what two units' policies set on their computers
    assert any(note.startswith("2 × principal without a SID") for note in notes(sample))  # written as names: ENTERPRISE ADMINS of PHANTOM


def test_the_real_collection_takes_sessions_from_lists_other_than_the_empty_first(sample):
    assert {fact["basis"] for fact in kinds(sample, "SESSION_ON")} == {"PrivilegedSessions", "RegistrySessions"}


def test_no_key_of_the_real_collection_stands_for_two_kinds_of_thing(sample):
    labels: dict[str, set[str]] = {}
    for fact in sample:
        if "from_key" in fact:
            labels.setdefault(fact["from_key"], set()).add(fact["from_label"])
            labels.setdefault(fact["to_key"], set()).add(fact["to_label"])
        elif "key" in fact:
            labels.setdefault(fact["key"], set()).add(fact["kind"])
    assert len(labels) > 400 and {key for key, kinds_of_it in labels.items() if len(kinds_of_it) > 1} == set()


def test_the_real_collection_has_every_right_that_its_files_list(sample):
    files = {"users": "User", "groups": "Group", "computers": "Computer"}
    listed, known = set(), set()
    with zipfile.ZipFile(SAMPLE) as archive:
        for name in archive.namelist():
            if any(word in name for word in files):
                for found in json.loads(archive.read(name).decode("utf-8-sig"))["data"]:
                    known.add(found["ObjectIdentifier"])
                    listed |= {(ace["PrincipalSID"], ace["RightName"], found["ObjectIdentifier"]) for ace in found["Aces"]}
    wanted = {(f"ad:{who}", right, f"ad:{what}") for who, right, what in listed if who in known and who != what}
    found = {(f["from_key"], f["right"], f["to_key"]) for f in kinds(sample, "CONTROLS") if f["to_label"] != "Container" and ".Aces[" in f["place"]}
    assert len(wanted) > 2000 and found == wanted


def test_reading_the_real_collection_twice_says_the_same(sample):
    assert buffer_facts(read_into(SAMPLE), "sharphound") == sample


# --- whatever a file may hold ---

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["S-1-5-21-1-2-3-500", "S-1-5-32-544", "User", "Group", "Computer", "a@corp.example", True, 4, 6, "computers", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ObjectIdentifier", "ObjectType", "Results", "x"]), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


def _places(value: object, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in _places(item, (*path, key)))]


DOCUMENTS = [json.loads((JSON / f"20260301090000_{name}.json").read_text(encoding="utf-8")) for name in ("users", "groups", "computers", "domains", "ous")]
PLACES = [_places(document) for document in DOCUMENTS]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid file with a few values replaced or taken away, and then, sometimes, a few bytes."""
    which = draw(st.integers(0, len(DOCUMENTS) - 1))
    document = copy.deepcopy(DOCUMENTS[which])
    for path in draw(st.lists(st.sampled_from(PLACES[which][1:]), min_size=1, max_size=6)):
        *way, last = path
        holder = document
        try:
            for key in way:
                holder = holder[key]
            if draw(st.booleans()):
                holder[last] = draw(_VALUES)
            else:
                del holder[last]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    content = bytearray(json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass"))
    for at in draw(st.lists(st.integers(0, len(content) - 1), max_size=2)):
        content[at] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(1, len(content)))] if draw(st.integers(0, 9)) == 0 else content)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=mutated(), whole=st.sampled_from([0, 64 << 20]), zipped=st.booleans())
@example(content=b'{"data":[{"Properties":{"domainsid":""},"ObjectIdentifier":"\\ud800"}],"meta":{}}', whole=0, zipped=False)
@example(content=b'{"data":' + b"[" * 100_000, whole=0, zipped=True)
def test_any_change_to_a_valid_file_gives_facts_or_an_explained_error(tmp_path, monkeypatch, content, whole, zipped):
    monkeypatch.setattr(sharphound, "_WHOLE", whole)
    path = packed(tmp_path, {"20260301090000_users.json": content}) if zipped else written(tmp_path, content)
    try:
        facts = buffer_facts(read_into(path, now=NOW), "sharphound")
    except HakyuError as error:
        assert "\n" not in str(error)
    else:
        assert facts
