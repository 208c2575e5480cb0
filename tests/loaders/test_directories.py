"""Directories and graphs of them: LDIF, pyldapsearch, BloodHound OpenGraph."""

from __future__ import annotations

import base64
import json
import os
import re
import struct
import zipfile
from pathlib import Path

import pytest

from loaders import registry
from loaders.base import Broken, Source
from loaders.directory_rights import counts
from loaders.ldap_names import domain_of, fold_dn, sid_text, split_dns
from tests.support.golden import facts_of

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data"
NOW = 1_800_000_000


def sample(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        assert not os.environ.get("CI"), f"{path} is missing"
        pytest.skip("the real samples are not beside this checkout")
    return path


def of(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def keys(facts: list[dict], kind: str) -> set[str]:
    return {fact["key"] for fact in of(facts, kind)}


def ends(facts: list[dict], kind: str) -> set[tuple[str, str]]:
    return {(fact["from_key"], fact["to_key"]) for fact in of(facts, kind)}


def notes(facts: list[dict]) -> str:
    return "\n".join(fact["note"] for fact in facts if set(fact) == {"note"})


def ldif(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "given.ldif"
    path.write_bytes(text.encode(encoding))
    return path


def sid(rid: int) -> bytes:
    return b"\x01\x05" + (5).to_bytes(6, "big") + struct.pack("<5I", 21, 1, 2, 3, rid)


def record(dn: str, rid: int, *more: str, kind: str = "user") -> str:
    return f"dn: {dn}\nobjectClass: {kind}\nobjectSid:: {base64.b64encode(sid(rid)).decode()}\n" + "".join(f"{line}\n" for line in more) + "\n"


# --- names ---


def test_names_are_compared_without_regard_to_case_spaces_and_the_way_a_comma_is_escaped():
    assert fold_dn("CN=Policy\\2C Tokyo, OU=Groups,DC=x") == fold_dn("cn=policy\\, tokyo,ou=groups,dc=X")
    assert fold_dn("CN=A,OU=B") != fold_dn("CN=A\\,OU=B")


def test_a_list_of_names_joined_by_commas_is_cut_after_the_last_domain_component():
    text = "CN=A\\, B,OU=x,DC=ez,DC=lab, CN=C,DC=ez,DC=lab, CN=D,DC=ez,DC=lab"
    assert split_dns(text) == ["CN=A\\, B,OU=x,DC=ez,DC=lab", "CN=C,DC=ez,DC=lab", "CN=D,DC=ez,DC=lab"]
    assert domain_of(text) == "ez.lab.ez.lab.ez.lab" and domain_of("cn=x,o=y") == ""


def test_a_binary_sid_is_read_and_other_bytes_are_none():
    assert sid_text(sid(1104)) == "S-1-5-21-1-2-3-1104"
    assert sid_text(b"\x01\x02" + (5).to_bytes(6, "big") + struct.pack("<2I", 32, 544)) == "S-1-5-32-544"
    assert sid_text(b"") is None and sid_text(sid(1)[:-1]) is None and sid_text(b"\x02" + sid(1)[1:]) is None


# --- LDIF ---


def test_the_real_ldif_files_in_one_give_people_mailboxes_and_both_groups_members(tmp_path):
    folder = sample("05_active_directory")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.ldif")))
    mails = [re.findall(r"^mail: (\S+)$", block, re.MULTILINE) for block in re.split(r"\n\n+", text)]
    facts = facts_of(ldif(tmp_path, text), now=NOW)
    assert {"format": "ldif", "records": 10} in facts
    assert len(keys(facts, "Account")) == 7 and keys(facts, "Group") == {"group:admin_staff@planetexpress.com", "group:ship_crew@planetexpress.com"}
    assert keys(facts, "Mailbox") == {f"mailbox:{found[0]}" for found in mails if found}
    assert {key for _, key in ends(facts, "HAS_ADDRESS")} == {f"smtp:{mail}" for found in mails for mail in found}  # one has two
    assert len(ends(facts, "MEMBER_OF")) == len(re.findall(r"^member: ", text, re.MULTILINE)) == 5
    assert "jpeg" not in json.dumps(facts) and "Robot" not in json.dumps(facts)


def test_lines_folded_inside_base64_and_inside_a_name_are_put_together(tmp_path):
    name = base64.b64encode("情報 セキュリティ".encode()).decode()
    text = f"dn: CN=Mari Mori,OU=Sta\n ff,DC=nisc,DC=example\nobjectClass: user\nobjectSid:: {base64.b64encode(sid(7)).decode()[:10]}\n {base64.b64encode(sid(7)).decode()[10:]}\ndisplayName:: {name[:8]}\n {name[8:]}\n"
    (account,) = of(facts_of(ldif(tmp_path, text), now=NOW), "Account")
    assert (account["key"], account["name"], account["domain"]) == ("ad:S-1-5-21-1-2-3-7", "情報 セキュリティ", "nisc.example")


def test_a_sid_whose_bytes_happen_to_be_text_is_a_sid_all_the_same(tmp_path):
    sid(0x41414141).decode("utf-8")  # the point: this does not raise
    assert keys(facts_of(ldif(tmp_path, record("CN=A,DC=x,DC=example", 0x41414141)), now=NOW), "Account") == {"ad:S-1-5-21-1-2-3-1094795585"}


def test_a_list_of_members_that_is_only_a_part_is_completed_by_what_members_say(tmp_path):
    group = record("CN=G,DC=x,DC=example", 50, "member;range=0-0: CN=A,DC=x,DC=example", kind="group")
    people = record("CN=A,DC=x,DC=example", 1) + record("CN=B,DC=x,DC=example", 2, "memberOf: CN=G,DC=x,DC=example")
    facts = facts_of(ldif(tmp_path, group + people), now=NOW)
    assert ends(facts, "MEMBER_OF") == {("ad:S-1-5-21-1-2-3-1", "ad:S-1-5-21-1-2-3-50"), ("ad:S-1-5-21-1-2-3-2", "ad:S-1-5-21-1-2-3-50")}
    assert "only a part" in notes(facts)


def test_the_order_of_entries_does_not_matter(tmp_path):
    parts = [record("CN=G,DC=x,DC=example", 50, "member: CN=A,DC=x,DC=example", kind="group"), record("CN=A,DC=x,DC=example", 1, "publicDelegates: CN=B,DC=x,DC=example", "mail: a@x.example"), record("CN=B,DC=x,DC=example", 2)]
    there, back = ([{k: v for k, v in fact.items() if k != "place"} for fact in facts_of(ldif(tmp_path, "".join(p)), now=NOW)] for p in (parts, parts[::-1]))

    def said(facts: list[dict]) -> set[str]:
        return {json.dumps(fact, sort_keys=True) for fact in facts if "kind" in fact}

    assert said(there) == said(back)


def test_ldifde_writes_utf_16_and_adds_changetype_add(tmp_path):
    text = record("CN=A,DC=x,DC=example", 1, "changetype: add", "mail: a@x.example").replace("\n", "\r\n")
    facts = facts_of(ldif(tmp_path, text, "utf-16"), now=NOW)
    assert keys(facts, "Mailbox") == {"mailbox:a@x.example"}


def test_a_file_of_which_less_is_there_than_it_counts_says_so(tmp_path):
    text = record("CN=A,DC=x,DC=example", 1) + "search: 2\nresult: 0 Success\n\n# numResponses: 4\n# numEntries: 3\n"
    assert "numEntries says 3 and there are 1 entries" in notes(facts_of(ldif(tmp_path, text), now=NOW))


def test_a_deleted_object_and_a_record_without_a_name_are_left_out(tmp_path):
    text = record("CN=A,DC=x,DC=example", 1, "isDeleted: TRUE") + "objectClass: user\nmail: b@x.example\n\n" + record("CN=C,DC=x,DC=example", 3)
    facts = facts_of(ldif(tmp_path, text), now=NOW)
    assert keys(facts, "Account") == {"ad:S-1-5-21-1-2-3-3"}
    assert [fact["refused"]["place"] for fact in facts if "refused" in fact] == ["line 6"]


def test_no_mailbox_is_taken_from_an_address_at_a_public_provider(tmp_path):
    facts = facts_of(ldif(tmp_path, "dn: uid=a,dc=x,dc=example\nobjectClass: inetOrgPerson\nuid: a\nmail: a@gmail.com\n"), now=NOW)
    assert keys(facts, "Account") == {"account:a@gmail.com"} and not of(facts, "Mailbox")


def test_members_of_a_posix_group_are_named_by_their_uid(tmp_path):
    text = "dn: uid=a,dc=x,dc=example\nobjectClass: posixAccount\nuid: a\ncn: A\n\ndn: cn=g,dc=x,dc=example\nobjectClass: posixGroup\ncn: g\nmemberUid: a\nmemberUid: gone\n"
    facts = facts_of(ldif(tmp_path, text), now=NOW)
    assert ends(facts, "MEMBER_OF") == {("account:a@x.example", "group:g@x.example")} and "1 × member" in notes(facts)


# --- pyldapsearch ---


def test_the_real_log_gives_the_objects_and_members_that_another_reading_of_it_finds():
    path = sample("05_active_directory/ldapsearch_516-objects.log")
    blocks = [dict(re.findall(r"^([A-Za-z-]+): (.*)$", block, re.MULTILINE)) for block in path.read_text().split("-" * 20 + "\n")]
    kinds, sids, wanted = {}, {}, set()
    for block in blocks:
        classes = block.get("objectClass", "").split(", ")
        kind = next((kind for kind in ("computer", "group", "user") if kind in classes), None)
        if kind and "objectSid" in block:
            dn, own = block["distinguishedName"].lower(), block["objectSid"]
            kinds[dn], sids[dn] = kind, f"EZ.LAB-{own}" if own.startswith("S-1-5-32") else own
    for block in blocks:
        dn = block.get("distinguishedName", "").lower()
        if dn not in kinds:
            continue
        wanted |= {(sids[m.lower()], sids[dn]) for m in re.findall(r"CN=.*?DC=ez,DC=lab", block.get("member", "")) if kinds[dn] == "group" and m.lower() in sids}
        wanted |= {(sids[dn], sids[g.lower()]) for g in re.findall(r"CN=.*?DC=ez,DC=lab", block.get("memberOf", "")) if kinds.get(g.lower()) == "group"}
        if "primaryGroupID" in block:
            wanted.add((sids[dn], f"{sids[dn].rpartition('-')[0]}-{block['primaryGroupID']}"))
    facts = facts_of(path, now=NOW)
    for label, kind in (("Account", "user"), ("Group", "group"), ("Server", "computer")):
        assert keys(facts, label) == {f"ad:{sids[dn]}" for dn in kinds if kinds[dn] == kind}
    assert ends(facts, "MEMBER_OF") == {(f"ad:{a}", f"ad:{b}") for a, b in wanted}


# --- OpenGraph ---


def test_the_real_graph_of_sql_servers_gives_its_directory_objects_and_counts_the_rest():
    path = sample("13_opengraph/mssql-bloodhound-20260115-105846.zip")
    with zipfile.ZipFile(path) as archive:
        graph = json.loads(archive.read(archive.namelist()[0]).decode("utf-8-sig"))["graph"]
    facts = facts_of(path, now=NOW)
    assert {"format": "opengraph", "records": len(graph["nodes"]) + len(graph["edges"])} in facts
    for label, kind in (("Account", "User"), ("Server", "Computer")):
        assert keys(facts, label) == {f"ad:{node['id']}" for node in graph["nodes"] if kind in node["kinds"]}
    (session,) = [edge for edge in graph["edges"] if edge["kind"] == "HasSession"]
    assert ends(facts, "SESSION_ON") == {(f"ad:{session['end']['value']}", f"ad:{session['start']['value']}")}
    assert "MSSQL_Contains (188)" in notes(facts)


@pytest.mark.parametrize("name", ["opengraph-minimal.json", "sample_graph.json"])
def test_a_graph_of_kinds_that_mean_nothing_here_is_read_and_says_so(name):
    facts = facts_of(sample(f"13_opengraph/{name}"), now=NOW)
    assert not [fact for fact in facts if "refused" in fact or "kind" in fact] and "nothing is taken from nodes of kind" in notes(facts)


@pytest.mark.parametrize("packed", [False, True])
def test_nodes_and_edges_may_lie_in_different_files_of_a_zip(tmp_path, packed):
    nodes = {"graph": {"nodes": [{"id": f"S-1-5-21-1-2-3-{n}", "kinds": [kind]} for n, kind in ((1, "User"), (2, "Group"))], "edges": []}}
    edges = {"graph": {"edges": [{"kind": "MemberOf", "start": {"value": "S-1-5-21-1-2-3-1"}, "end": {"value": "S-1-5-21-1-2-3-2"}}]}}
    path = tmp_path / "graph.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        archive.writestr("a_edges.json", json.dumps(edges))
        archive.writestr("b_nodes.json", json.dumps(nodes))
    facts = facts_of(path, now=NOW)
    assert ends(facts, "MEMBER_OF") == {("ad:S-1-5-21-1-2-3-1", "ad:S-1-5-21-1-2-3-2")}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("mailboxes.csv", "mailbox,owner\n")
    assert not any(fmt.detect(Source(path, "graph.zip")) for fmt in registry.formats())  # opened, each file by itself


def test_an_end_that_fits_two_nodes_means_none_of_them(tmp_path):
    nodes = [{"id": f"S-1-5-21-1-2-3-{n}", "kinds": ["User"], "properties": {"name": "SAME"}} for n in (1, 2)] + [{"id": "S-1-5-21-1-2-3-9", "kinds": ["Group"]}]
    edges = [{"kind": "MemberOf", "start": {"match_by": "name", "value": "SAME"}, "end": {"value": "S-1-5-21-1-2-3-9"}}]
    path = tmp_path / "g.json"
    path.write_text(json.dumps({"graph": {"nodes": nodes, "edges": edges}}), encoding="utf-8")
    facts = facts_of(path, now=NOW)
    assert not of(facts, "MEMBER_OF") and "is several nodes" in notes(facts)


def test_a_graph_cut_short_loads_nothing(tmp_path):
    path = tmp_path / "g.json"
    path.write_bytes((HERE / "opengraph" / "input.json").read_bytes()[:-40])
    with pytest.raises(Broken, match="byte"):
        facts_of(path, now=NOW)


@pytest.mark.parametrize("name", ["CN=" + "\\," * 20_000, 'CN="' + "a," * 20_000, "CN=" + "a+" * 20_000, "CN=" + "a," * 4_000])
def test_a_name_made_to_keep_a_parser_busy_is_read_or_refused(tmp_path, name):
    facts = facts_of(ldif(tmp_path, f"dn: {name}DC=x\nobjectClass: user\nuid: x\n\n" + record("CN=A,DC=x,DC=example", 1, f"memberOf: {name}")), now=NOW)
    assert "ad:S-1-5-21-1-2-3-1" in keys(facts, "Account")


def test_a_node_is_known_by_the_sid_among_its_properties_and_a_name_is_matched_in_any_case(tmp_path):
    nodes = [
        {"id": "n1", "kinds": ["User", "Base"], "properties": {"name": "Alice@Corp.Example", "objectid": "S-1-5-21-1-2-3-1101"}},
        {"id": "n2", "kinds": ["Computer", "Base"], "properties": {"name": "PC01.CORP.EXAMPLE", "objectsid": "S-1-5-21-1-2-3-1102"}},
        {"id": "n3", "kinds": ["AZUser"], "properties": {"name": "Bob", "objectid": "11111111-1111-4111-8111-111111111111"}},
    ]
    edge = {"kind": "AdminTo", "start": {"value": "ALICE@CORP.EXAMPLE", "match_by": "name"}, "end": {"value": "N2", "match_by": "id"}}
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"metadata": {"source_kind": "X"}, "graph": {"nodes": nodes, "edges": [edge]}}))
    facts = facts_of(path, now=NOW)
    assert [(fact["from_key"], fact["to_key"]) for fact in facts if fact.get("kind") == "ADMIN_TO"] == [("ad:S-1-5-21-1-2-3-1101", "ad:S-1-5-21-1-2-3-1102")]
    assert {fact["key"] for fact in facts if fact.get("kind") == "Account"} == {"ad:S-1-5-21-1-2-3-1101", "entra:11111111-1111-4111-8111-111111111111"}


def test_copying_a_domain_as_bloodhound_concludes_it_is_a_right_on_a_domain_alone():
    assert counts("DCSync", "Container", "domain") and not counts("DCSync", "Container", "unit") and not counts("DCSync", "Account")


def test_objects_of_adexplorersnapshot_say_what_ldapdomaindump_says(tmp_path):
    dump = json.loads((HERE / "ldapdomaindump" / "input.json").read_text())[:3]
    lines = []
    for number, found in enumerate(dump):
        kind = ("user", "group", "computer")[number]
        lines.append(json.dumps({"distinguishedName": [found["dn"]], "objectClass": ["top", kind]} | {k: v for k, v in found["attributes"].items() if k != "objectClass"}))
    path = tmp_path / "snapshot_objects.ndjson"
    path.write_text("\n".join(lines) + "\n")
    mine = [{k: v for k, v in fact.items() if k != "place"} for fact in facts_of(path, now=NOW) if "kind" in fact]
    theirs = [{k: v for k, v in fact.items() if k != "place"} for fact in facts_of(HERE / "ldapdomaindump" / "input.json", now=NOW) if "kind" in fact]
    assert sorted(map(str, mine)) == sorted(map(str, theirs))


@pytest.mark.parametrize(("group", "key"), [
    ("Domain Admins", "ad:S-1-5-21-1-2-3-512"), ("Mail admins", "group:mail admins@corp.example"), ("CN=Mail admins,OU=Groups,DC=corp,DC=example", "dn:cn=mail admins,ou=groups,dc=corp,dc=example"),
])  # fmt: skip
def test_members_of_a_group_that_a_column_names_are_its_members(group, key, tmp_path):
    path = tmp_path / "members.csv"
    path.write_text(f'"GroupName","distinguishedName","name","objectClass","SamAccountName","SID"\n"{group}","CN=Ann,DC=corp,DC=example","Ann","user","ann","S-1-5-21-1-2-3-1105"\n')
    facts = facts_of(path, now=NOW)
    assert ends(facts, "MEMBER_OF") == {("ad:S-1-5-21-1-2-3-1105", key)}
    assert ("known by its name alone" in notes(facts)) == key.startswith("group:")
