"""The shipped ATT&CK names: the comparison with MITRE's own file, which is given and never fetched."""

from __future__ import annotations

import json

import pytest

from queries.catalogue import attack_names, steps
from tools import attack

OURS = {"version": "18.1", "domain": "enterprise-attack", "techniques": {"T1534": "Internal Spearphishing", "T1656": "Impersonation", "T1040": "Network Sniffing"}}


def pattern(id_: str, name: str, **more: bool) -> dict:
    refs = [{"source_name": "capec", "external_id": "CAPEC-1"}, {"source_name": "mitre-attack", "external_id": id_}]
    return {"type": "attack-pattern", "name": name, "external_references": refs, **more}


def bundle(*patterns: dict, version: str = "18.1") -> dict:
    others = [{"type": "x-mitre-collection", "x_mitre_version": version}, {"type": "malware", "name": "T1534"}]
    return {"type": "bundle", "objects": [*others, *patterns]}


GOOD = [pattern("T1534", "Internal Spearphishing"), pattern("T1656", "Impersonation"), pattern("T1040", "Network Sniffing")]


def test_a_list_that_is_as_in_the_bundle_differs_in_nothing():
    assert attack.differences(OURS, bundle(*GOOD)) == []


@pytest.mark.parametrize(("changed", "said"), [
    (pattern("T1656", "Impersonation", revoked=True), "T1656 Impersonation: revoked or deprecated there"),
    (pattern("T1656", "Impersonation", x_mitre_deprecated=True), "T1656 Impersonation: revoked or deprecated there"),
    (pattern("T1656", "Posing as Another"), "T1656 Impersonation: called Posing as Another there"),
    (pattern("T1657", "Impersonation"), "T1656 Impersonation: not there"),
])  # fmt: skip
def test_an_id_that_is_gone_or_bears_another_name_is_told(changed, said):
    assert attack.differences(OURS, bundle(GOOD[0], changed, GOOD[2])) == [said]


def test_an_id_that_was_given_anew_is_not_gone():
    assert attack.differences(OURS, bundle(*GOOD, pattern("T1040", "Sniffing", revoked=True))) == []
    assert attack.differences(OURS, bundle(pattern("T1040", "Sniffing", revoked=True), *GOOD)) == []


def test_another_version_is_told_and_a_list_cut_out_of_the_bundle_is_read_too():
    assert attack.differences(OURS, bundle(*GOOD, version="19.0")) == ["version: 18.1 here, 19.0 there"]
    cut = {"_metadata": {"source_file": "enterprise-attack-18.1.json"}, "attack_patterns": [{"external_id": id_, "name": name} for id_, name in OURS["techniques"].items()]}
    assert attack.differences(OURS, cut) == []


def test_the_command_says_what_it_found_by_its_exit_code_and_writes_only_where_it_is_told_to(tmp_path, monkeypatch, capsys):
    ours, given = tmp_path / "attack.json", tmp_path / "enterprise-attack-18.1.json"
    ours.write_text(json.dumps(OURS), encoding="utf-8")
    given.write_text(json.dumps(bundle(GOOD[0], pattern("T1656", "Posing as Another"), GOOD[2])), encoding="utf-8")
    monkeypatch.setattr(attack, "OURS", ours)
    assert attack.main([str(given)]) == 1 and json.loads(ours.read_text()) == OURS
    assert attack.main([str(given), "--write"]) == 1 and attack.main([str(given)]) == 0
    assert json.loads(ours.read_text())["techniques"]["T1656"] == "Posing as Another"
    given.write_text("[]", encoding="utf-8")
    assert attack.main([str(given)]) == 2 and attack.main([]) == 2
    assert "cannot be read" in capsys.readouterr().out


def test_every_technique_that_is_shipped_is_named_and_every_one_that_a_step_names_is_shipped():
    version, names = attack_names()
    assert version == "18.1" and all(names.values())
    assert {id_ for step in steps() for id_ in step.attack} <= names.keys()
