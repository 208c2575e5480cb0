"""Large files of OpenGraph, whose edges are read in columns, say what they say object by object."""

from __future__ import annotations

import codecs
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel import identity
from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from loaders import jsonbatch, opengraph_items
from loaders.base import Options, Source
from loaders.formats import opengraph
from tests.support.golden import buffer_facts

NOW = 1_772_400_000
SID = "S-1-5-21-1-2-3"
UNIT = "11111111-2222-4333-8444-555555555555"
MANY, FEW = 0, 1 << 40
"""From how many bytes on a file is read in columns."""
HERE = Path(__file__).parent
SAMPLES = Path(__file__).parents[2] / "../shared/data/13_opengraph"

ID = st.sampled_from([f"{SID}-1101", f"{SID}-1102", f"{SID}-1103", f"{SID.lower()}-1101", f"{SID}-513", SID, UNIT, "box", "folder", "rule", "role", "elsewhere", "S-1-5-9-7-1"])
MATCHED = st.fixed_dictionaries({"value": ID | st.sampled_from(["USER1101@A.EXAMPLE", "user1101@a.example", "", None, 5])}, optional={
    "match_by": st.sampled_from(["id", "id", "name", "property", "", None, 5, ["id"]]), "kind": st.sampled_from(["User", "Group", "Computer", "Domain", None, 5]),
    "property_matchers": st.sampled_from([[{"key": "name", "value": "USER1101@A.EXAMPLE"}], [{"key": "Domain", "value": "A.EXAMPLE"}], [], 5]),
})  # fmt: skip
USUAL_END = ID.map(lambda id_: {"value": id_, "match_by": "id"})
END = MATCHED | st.sampled_from([None, 5, [], {}, [{"value": f"{SID}-1101"}]])
KIND = st.sampled_from([
    "GenericAll", "Owns", "AddMember", "AllExtendedRights", "GetChanges", "MemberOf", "AZMemberOf", "AdminTo", "HasSession", "CanRDP", "Contains", "GpLink", "DCFor", "TrustedBy",
    "ADCSESC1", "OwnsMailbox", "HasFullAccess", "HasFolderAccess", "ContainsFolder", "AffectsRecipient", "HasExchangeRole", "Unknown", "Unkn\u00f6wn", "",
])  # fmt: skip
MORE = st.sampled_from([{}, {"isinherited": True}, {"isinherited": False, "x": 1}, {"IsInherited": True}, {"isinherited": "x", "inherited": True}, {"inheritancetype": "None"},
                        {"rights": "Reviewer"}, {"enforced": True}, None, 5, [1]])  # fmt: skip
USUAL = st.fixed_dictionaries({"kind": KIND, "start": USUAL_END, "end": USUAL_END, "properties": MORE})
ODD = st.fixed_dictionaries({}, optional={"kind": KIND | st.sampled_from([None, 5, ["GenericAll"], {}]), "start": END, "end": END, "properties": MORE, "other": st.just({"kind": "x"})})
EDGES = st.lists(USUAL | USUAL | ODD | st.sampled_from([5, None, [], "GenericAll"]), max_size=12)
PROPERTIES = st.fixed_dictionaries({}, optional={
    "name": st.sampled_from(["USER1101@A.EXAMPLE", "Reviewer", "Default", "", 5, None]), "Domain": st.just("A.EXAMPLE"), "domain": st.sampled_from(["A.EXAMPLE", "b.example"]),
    "displayname": st.sampled_from(["Ann", " \u00c5sa ", ""]), "samaccountname": st.sampled_from(["ann", "PC1$", None]), "email": st.sampled_from(["ann@a.example", "SMTP:Bo@A.Example", "x"]),
    "userprincipalname": st.sampled_from(["ann@a.example", "b\u00f6@b.example", 5]), "enabled": st.sampled_from([True, False, None, "x"]), "admincount": st.booleans(),
    "objectid": st.just(f"{SID}-1177"), "dnshostname": st.just("pc1.a.example"), "operatingsystem": st.just("Windows"), "isaclprotected": st.booleans(), "mail": st.just("ann@a.example"),
})  # fmt: skip
NODE = st.fixed_dictionaries({"id": ID, "kinds": st.sampled_from([
    ["User", "Base"], ["User"], ["Group", "Base"], ["Computer"], ["Base", "User"], ["Domain"], ["OU"], ["ExchangeMailbox"], ["ExchangeMailboxFolder"], ["ExchangeTransportRule"],
    ["ExchangeRbacRole"], ["AZUser"], ["AZApp"], ["ExchangePermissionPrincipal"], ["Unknown"], [], [5, "User"],
])}, optional={"properties": PROPERTIES | st.sampled_from([None, 5]), "more": st.just([1])})  # fmt: skip
NODES = st.lists(NODE | NODE | st.sampled_from([5, None, {}, {"id": "x"}, {"id": 5, "kinds": []}, {"kinds": ["User"]}]), max_size=8)


def said(path: Path, small: int, together: int = 8 << 20) -> tuple[list[Any], list[str], list[str], int] | str:
    """The facts of a file, what is refused and noted, and how many records it has; or why it is broken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opengraph, "SMALL", small)
        patch.setattr(jsonbatch, "BATCH_BYTES", together)
        out = FactBuffer()
        try:
            opengraph.read(Source(path, path.name), Options(now=NOW), out)
        except LoadError as error:
            return str(error)
    return buffer_facts(out, "x"), list(map(str, out.refused)), list(out.notes), out.records


def document(nodes: list[Any], edges: list[Any], **more: Any) -> dict[str, Any]:
    return {"metadata": {"source_kind": "Base"}, "graph": {"nodes": nodes, "edges": edges, **more}}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nodes=NODES, edges=EDGES, indent=st.sampled_from([None, 1]), together=st.sampled_from([300, 8 << 20]))
def test_edges_that_are_read_in_columns_say_what_they_say_one_by_one(tmp_path, nodes, edges, indent, together):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(document(nodes, edges), indent=indent, ensure_ascii=False), encoding="utf-8")
    assert said(path, MANY, together) == said(path, FEW)


PART = st.text(st.sampled_from("ab0-._'+:<>@ \"A\u00e9\n"), max_size=4) | st.sampled_from(["a" * 29, "a" * 31, "a" * 64, "smtp:a", "mailto:a", "localhost", "example"])


@settings(max_examples=300, deadline=None)
@given(local=PART, labels=st.lists(PART, max_size=6))
def test_an_address_that_is_taken_as_it_is_is_so_by_the_rules_for_addresses_too(local, labels):
    text = f"{local}@{'.'.join(labels)}".strip()
    assert opengraph_items.plain_address(text) == identity.address(text)


@pytest.mark.parametrize("together", [400, 8 << 20])
def test_users_that_are_stated_together_say_what_they_say_one_by_one_and_the_last_of_an_id_counts(tmp_path, together):
    properties = {"name": "ANN@A.EXAMPLE", "samaccountname": "ann", "email": "ann@a.example", "userprincipalname": "Ann@A.Example", "domain": "A.EXAMPLE", "enabled": True}
    nodes = [
        {"id": f"{SID}-1101", "kinds": ["User", "Base"], "properties": properties}, {"id": f"{SID.lower()}-1101", "kinds": ["User"], "properties": properties | {"mail": "x"}},
        {"id": f"{SID}-1102", "kinds": ["Base", "User"], "properties": {"Name": "BOB$", "displayname": " ", "isenabled": False, "mail": "SMTP:bob@a.example"}},
        {"id": f"{SID}-1102", "kinds": ["Group"], "properties": {"name": "BOB"}}, {"id": "x", "kinds": ["User"], "properties": properties | {"objectid": f"{SID}-1101"}},
        {"id": f"{SID}-1103", "kinds": ["User"]}, {"id": f"{SID}-1104", "kinds": ["User", ["Base"]], "properties": {"email": "ann@a.example"}}, {"id": "A.EXAMPLE-S-1-5-32-544", "kinds": ["User"]},
        {"id": f"{SID}-1105\n", "kinds": ["User"]}, {"id": "S-1-5-21-1-2-3-\u0661", "kinds": ["User"]},
    ]  # fmt: skip
    edges = [{"kind": "MemberOf", "start": {"value": f"{SID}-1101"}, "end": {"value": f"{SID}-1102"}}, {"kind": "Owns", "start": {"value": "bob", "match_by": "name"}, "end": {"value": f"{SID}-1101"}}]
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(document(nodes, edges)))
    columns = said(path, MANY, together)
    assert columns == said(path, FEW)
    assert {"MEMBER_OF", "BELONGS_TO", "HAS_ADDRESS", "CONTROLS"} <= {fact.get("kind") for fact in columns[0]}


def everything() -> dict[str, Any]:
    """Nodes of many kinds and every usual edge between any two of them."""
    kinds = [("User", f"{SID}-1101"), ("User", f"{SID}-1102"), ("Group", f"{SID}-513"), ("Computer", f"{SID}-1103"), ("Domain", SID), ("OU", UNIT), ("ExchangeMailbox", "box"), ("Unknown", "other")]
    nodes = [{"id": id_, "kinds": [kind], "properties": {"name": f"N{n}@A.EXAMPLE", "domain": "A.EXAMPLE", "email": f"n{n}@a.example"}} for n, (kind, id_) in enumerate(kinds)]
    edges = [{"kind": kind, "start": {"value": one}, "end": {"value": other.lower()}, "properties": {"isinherited": (n + m) % 2 == 0}}
             for kind in ("GenericAll", "Owns", "MemberOf", "AdminTo", "AddMember", "HasSession", "CanRDP", "Contains", "GetChanges", "Unknown", "OwnsMailbox")
             for n, one in enumerate(id_ for _, id_ in kinds) for m, other in enumerate([*(id_ for _, id_ in kinds), f"{SID}-9999", "nobody"])]  # fmt: skip
    return document(nodes, edges)


@pytest.mark.parametrize("together", [700, 8 << 20])
def test_every_usual_edge_between_nodes_of_every_kind_says_the_same(tmp_path, together):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(everything()))
    columns = said(path, MANY, together)
    assert columns == said(path, FEW)
    assert {"CONTROLS", "MEMBER_OF", "ADMIN_TO", "SESSION_ON"} <= {fact.get("kind") for fact in columns[0]}


def test_files_of_a_zip_say_the_same_and_one_of_them_may_name_nodes_of_another(tmp_path):
    path = tmp_path / "all.zip"
    whole = everything()["graph"]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("{}a.json", json.dumps(document([], whole["edges"])))
        archive.writestr("b.json", json.dumps(document(whole["nodes"], [])))
        archive.writestr("c.json", json.dumps({"other": 1}))
    assert said(path, MANY) == said(path, FEW)


@pytest.mark.parametrize("path", [HERE / "opengraph" / "input.json", HERE / "opengraph_exchange" / "input.json", *(
    pytest.param(path, marks=pytest.mark.skipif(not path.is_file(), reason="the real sample is not beside the project"))
    for path in (SAMPLES / "mssql-bloodhound-20260115-105846.zip", SAMPLES / "opengraph-minimal.json", SAMPLES / "sample_graph.json")
)], ids=lambda path: f"{path.parent.name}-{path.name}")  # fmt: skip
def test_the_fixtures_and_the_real_samples_say_the_same_in_columns(path):
    assert said(path, MANY) == said(path, FEW)


def test_a_zip_with_a_damaged_file_is_broken_by_the_same_words(tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.json", json.dumps(everything()))
    path.write_bytes(path.read_bytes().replace(b"N1@A.EXAMPLE", b"N9@A.EXAMPLE"))
    assert "a.json" in said(path, MANY)
    assert said(path, MANY) == said(path, FEW)


ONE = {"id": f"{SID}-1101", "kinds": ["User"], "properties": {"name": "ANN"}}
RIGHT = {"kind": "Owns", "start": {"value": f"{SID}-513"}, "end": {"value": f"{SID}-1101"}, "properties": {"isinherited": False}}
TEXT = json.dumps(document([ONE, ONE], [RIGHT, RIGHT]))


@pytest.mark.parametrize("content", [
    codecs.BOM_UTF8 + TEXT.encode(), TEXT.encode("utf-16"), TEXT.encode()[:-1], TEXT.encode()[:200], TEXT.encode() + b"x", TEXT.replace('"nodes": [', '"nodes": [ , ').encode(),
    TEXT.replace("ANN", "\\ud800").encode(), TEXT.encode().replace(b"ANN", b"\xff"), TEXT.encode().replace(b"ANN", "\u00c5".encode()[:1]), TEXT.replace("ANN", "\\u00c5sa \\ud83d\\ude00").encode(),
    TEXT.replace("false", "1e5").encode(), TEXT.replace("false", "1e400").encode(), TEXT.replace("false", "-0").encode(), TEXT.replace('"kind":', '"\\u006bind":').encode(),
    TEXT.replace('"kind":', '"kind": "GenericAll", "kind":').encode(), TEXT.replace('"start":', '"start": {}, "start":').encode(), TEXT.replace("false", "[" * 50 + "]" * 50).encode(),
    TEXT.replace("false", "[" * 200 + "]" * 200).encode(), json.dumps(document([ONE], {"x": RIGHT})).encode(), json.dumps(document([ONE], None)).encode(), json.dumps(document([ONE], 5)).encode(),
    json.dumps({"graph": {"edges": [RIGHT]}}).encode(), json.dumps({"graph": {"edges": [RIGHT], "nodes": [ONE]}, "more": 1}).encode(), json.dumps(document([], [])).encode(),
    TEXT.replace('"nodes":', '"nodes": [], "nodes":').encode(), TEXT.replace('"edges":', '"edges": [1], "edges":').encode(), TEXT.replace("}}", '}, "graph": 5}').encode(), b"", b"{}", b"[1]",
])  # fmt: skip
def test_a_file_that_is_damaged_or_unusual_says_the_same_or_is_broken_by_the_same_words(tmp_path, content):
    path = tmp_path / "graph.json"
    path.write_bytes(content)
    assert said(path, MANY) == said(path, FEW)


def test_rights_are_stated_in_columns_and_no_object_is_made_of_them(tmp_path, monkeypatch):
    path = tmp_path / "graph.json"
    path.write_text(TEXT)
    expected = said(path, FEW)
    monkeypatch.setattr("loaders.opengraph_facts.Graph.add_edge", lambda *_: pytest.fail("an edge was read by itself"))
    assert said(path, MANY) == expected


def test_a_file_beyond_what_is_held_is_read_object_by_object_and_says_the_same(tmp_path, monkeypatch):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(everything()))
    expected = said(path, MANY)
    monkeypatch.setattr(opengraph, "_HELD", 10)
    monkeypatch.setattr(opengraph, "_WHOLE", 10)
    assert said(path, MANY) == expected
