"""Large files of SharpHound, whose rights are read in columns, say what they say object by object."""

from __future__ import annotations

import codecs
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from loaders import jsonbatch, sharphound_batches
from loaders.base import Options, Source
from loaders.formats import sharphound
from tests.loaders.test_sharphound import JSON, SAMPLE
from tests.support.golden import buffer_facts

NOW = 1_772_400_000
SID = "S-1-5-21-1-2-3"
MANY, FEW = 0, 1 << 40
"""From how many bytes on a file is read in columns."""

WHO = st.sampled_from([f"{SID}-1101", f"{SID}-1102", f"{SID}-513", f"{SID.lower()}-513", f" {SID}-512", "S-1-5-32-544", "B.EXAMPLE-S-1-5-32-544", "S-1-5-18", "nobody", "", None, 5, ["x"]])
KIND = st.sampled_from(["User", "Group", "Computer", "Base", "LocalUser", "", None, 7])
RIGHT = st.sampled_from(["GenericAll", "Owns", "WriteDacl", "AddMember", "GetChanges", "AllExtendedRights", "Nothing", "", "B\u00e9\U0001f600", None, 5, ["Owns"]])
ACE = st.fixed_dictionaries({}, optional={
    "RightName": RIGHT, "PrincipalSID": WHO, "PrincipalType": KIND, "IsInherited": st.sampled_from([True, False, None, "true", 1]), "Other": st.just({"RightName": "Owns", "Aces": []}),
})  # fmt: skip
USUAL = st.fixed_dictionaries({"RightName": RIGHT, "PrincipalSID": WHO, "PrincipalType": KIND, "IsInherited": st.booleans()})
ACES = st.lists(USUAL, max_size=5) | st.lists(ACE, max_size=4) | st.sampled_from([None, {}, 5, "Aces", [5], [{}, None], [[{"RightName": "Owns"}]]])
OBJECT = st.builds(
    lambda number, domain, aces, more: {"ObjectIdentifier": f"{SID}-{number}", "Properties": {"domain": domain, "name": f"N{number}@{domain}", "distinguishedname": f"CN={number}"}}
    | ({} if aces == "none" else {"Aces": aces}) | more,
    st.sampled_from([513, 1101, 1102, 1103]), st.sampled_from(["A.EXAMPLE", "A.EXAMPLE", "B.EXAMPLE"]), ACES | st.just("none"),
    st.sampled_from([{}, {}, {}, {"IsDeleted": True}, {"ObjectIdentifier": "x"}, {"ObjectIdentifier": "S-1-5-32-544"}, {"Properties": 5}, {"LocalAdmins": {"Collected": True, "Results": []}},
                     {"Members": [{"ObjectIdentifier": f"{SID}-1103", "ObjectType": "Computer"}]}, {"Nested": {"Aces": [{"RightName": "Owns"}]}}, {"AceS": [], "Ac\u00e9s": 1}]),
)  # fmt: skip
OBJECTS = st.lists(OBJECT | st.sampled_from([5, None, [], [{"Aces": []}]]), max_size=5)
TYPES = st.sampled_from(["users", "groups", "computers", "users", "ous", "aiacas"])


def said(path: Path, small: int, together: int = 8 << 20) -> tuple[list[Any], list[str], int] | str:
    """The facts of a file, what is refused, and how many records it has; or why it is broken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharphound, "SMALL", small)
        patch.setattr(jsonbatch, "BATCH_BYTES", together)
        out = FactBuffer()
        try:
            sharphound.read(Source(path, path.name), Options(now=NOW), out)
        except LoadError as error:
            return str(error)
    return buffer_facts(out, "x"), list(map(str, out.refused)), out.records


def packed(folder: Path, files: dict[str, Any]) -> Path:
    path = folder / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


def document(type_: str, objects: list[Any], **meta: Any) -> dict[str, Any]:
    return {"data": objects, "meta": {"methods": 1, "type": type_, "count": len(objects), "version": 6, **meta}}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.tuples(TYPES, OBJECTS), min_size=1, max_size=3), indent=st.sampled_from([None, 1]), version=st.sampled_from([6, 6, 5, 4, 3]), together=st.sampled_from([600, 8 << 20]))
def test_objects_whose_rights_are_read_in_columns_say_what_they_say_one_by_one(tmp_path, files, indent, version, together):
    given_ = {f"2026030109000{n}_{type_}.json": json.dumps(document(type_, objects, version=version), indent=indent).encode() for n, (type_, objects) in enumerate(files)}
    path = packed(tmp_path, given_)
    assert said(path, MANY, together) == said(path, FEW)


@pytest.mark.parametrize("path", [*sorted(JSON.glob("*.json")), pytest.param(SAMPLE, marks=pytest.mark.skipif(not SAMPLE.is_file(), reason="the real sample is not beside the project"))],
                         ids=lambda path: path.name)  # fmt: skip
def test_the_fixtures_and_the_real_sample_say_the_same_in_columns(path):
    assert said(path, MANY) == said(path, FEW)


ACES_OF_ONE = [{"RightName": "Owns", "PrincipalSID": f"{SID}-513", "PrincipalType": "Group", "IsInherited": False}]
ONE = {"ObjectIdentifier": f"{SID}-1101", "Properties": {"domain": "A.EXAMPLE", "name": "ANN"}, "Aces": ACES_OF_ONE}
TEXT = json.dumps(document("users", [ONE, ONE]))


@pytest.mark.parametrize("content", [
    codecs.BOM_UTF8 + TEXT.encode(), TEXT.encode("utf-16"), TEXT.encode()[:-1], TEXT.encode()[:200], TEXT.encode() + b"x", TEXT.replace('"data": [', '"data": [ , ').encode(),
    TEXT.replace("ANN", "\\ud800").encode(), TEXT.encode().replace(b"ANN", b"\xff"), TEXT.replace("ANN", "1e5").encode(), TEXT.replace('"Aces":', '"\\u0041ces":').encode(),
    TEXT.replace('"Aces":', '"Aces": [], "Aces":').encode(), TEXT.replace('"IsInherited": false', '"IsInherited": true, "RightName": "GenericAll"').encode(),
    TEXT.replace("false", "1e400").encode(), TEXT.replace("false", "-0").encode(), TEXT.replace("false", "[" * 50 + "]" * 50).encode(), TEXT.replace("false", "[" * 70 + "]" * 70).encode(),
    json.dumps({"meta": {"type": "users", "version": 6}, "data": [ONE]}).encode(), json.dumps({"data": {"x": ONE}, "meta": {"type": "users", "version": 6}}).encode(),
    json.dumps({"data": [ONE], "meta": {"type": "users"}}).encode(), json.dumps({"data": [ONE], "meta": {"type": ["users"], "version": 6}}).encode(),
    json.dumps({"data": [ONE], "meta": [1]}).encode(), json.dumps({"data": [ONE]}).encode(), json.dumps({"data": [], "meta": {"type": "users", "version": 6, "count": 0}}).encode(),
    json.dumps(document("users", [ONE], version=2)).encode(), json.dumps(document("users", [ONE], version=9)).encode(), b"", b"{}", b"[1]",
])  # fmt: skip
def test_a_file_that_is_damaged_or_unusual_says_the_same_or_is_broken_by_the_same_words(tmp_path, content):
    path = tmp_path / "20260301090000_users.json"
    path.write_bytes(content)
    assert said(path, MANY) == said(path, FEW)


def test_a_well_known_sid_is_another_one_on_objects_of_another_domain_of_the_same_file(tmp_path):
    aces = [{"RightName": "Owns", "PrincipalSID": "S-1-5-32-544", "PrincipalType": "Group", "IsInherited": False}]
    objects = [ONE | {"ObjectIdentifier": f"{SID}-{number}", "Properties": {"domain": domain}, "Aces": aces} for number, domain in ((1101, "A.EXAMPLE"), (1102, "B.EXAMPLE"), (1103, "A.EXAMPLE"))]
    path = tmp_path / "20260301090000_users.json"
    path.write_text(json.dumps(document("users", objects)))
    facts = said(path, MANY)[0]
    assert sorted((fact["from_key"], fact["to_key"], fact["place"]) for fact in facts if fact.get("kind") == "CONTROLS") == [
        ("ad:A.EXAMPLE-S-1-5-32-544", f"ad:{SID}-1101", "data[0].Aces[0]"), ("ad:A.EXAMPLE-S-1-5-32-544", f"ad:{SID}-1103", "data[2].Aces[0]"),
        ("ad:B.EXAMPLE-S-1-5-32-544", f"ad:{SID}-1102", "data[1].Aces[0]"),
    ]  # fmt: skip


def test_rights_are_read_in_columns_and_no_object_is_made_of_them():
    listed = sharphound_batches.listed_in(TEXT.encode())
    out = FactBuffer()
    found = [*listed.objects("Account", out)]
    assert [type(one["Aces"]) for one in found] == [sharphound_batches.Aces] * 2
    assert [len(one["Aces"]) for one in found] == [1, 1]
    assert found[0] | {"Aces": ACES_OF_ONE} == ONE
