"""The arrays that reports walk are kept under their state: never another's, never half, never needed."""

from __future__ import annotations

import pytest

from reports.projection import projection
from tests.support.exports import AGENCY, csv, load, new_case

START, END = "2022-10-01", "2023-06-13"


@pytest.fixture
def agency(tmp_path):
    case = new_case(tmp_path)
    load(case, tmp_path / "exports", AGENCY)
    yield case
    case.close()


def kept(case):
    return sorted(path.name.partition(".")[0] for path in (case.folder / "projection").glob("*.arrow"))


def reached(case):
    return [(row["key"], row["evidence"], row["first"]) for row in case.blast("suzuki@agency.example", START, END)["reached"]]


def test_it_is_kept_and_read_again_with_the_same_result(agency):
    first = reached(agency)
    assert kept(agency) == [agency.graph().state()] * 2
    steps, nodes = projection(agency.graph(), agency.folder / "projection")
    assert steps.equals(agency.graph().steps()) and nodes.equals(agency.graph().nodes())
    assert reached(agency) == first


def test_after_a_load_and_after_a_forget_another_is_made(agency, tmp_path):
    before, old = reached(agency), agency.graph().state()
    more = csv("Identity,User,AccessRights,IsInherited,Deny", ("other@agency.example", "suzuki@agency.example", "{FullAccess}", "False", "False"))
    load(agency, tmp_path / "more", {"more.csv": more})
    after = reached(agency)
    assert "mailbox:other@agency.example" in {row[0] for row in after} and old not in kept(agency)
    (manifest,) = [m for m in agency.loads() if m.name == "more.csv"]
    agency.forget(manifest.id)
    assert reached(agency) == before and kept(agency) == [old] * 2


@pytest.mark.parametrize("damage", [b"", b"ARROW1\0\0 and no more", b"\0" * 4096])
def test_a_damaged_file_is_made_again(agency, damage):
    first = reached(agency)
    for path in (agency.folder / "projection").glob("*.arrow"):
        path.write_bytes(damage)
    assert reached(agency) == first
    assert all(path.read_bytes() != damage for path in (agency.folder / "projection").glob("*.arrow"))


def test_a_folder_that_cannot_be_written_is_no_fault(agency):
    (agency.folder / "projection").write_text("a file where the folder should be", encoding="utf-8")
    assert reached(agency)
