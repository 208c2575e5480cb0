"""The arrays that reports walk are kept under their state: never another's, never half, never needed."""

from __future__ import annotations

import pytest

from graphmodel.store.embedded_store import EmbeddedStore
from graphmodel.store.step_rows import STEP_SCHEMA
from queries.catalogue import steps as every_step
from reports.projection import projection
from tests.support.cases import whole_graph
from tests.support.exports import AGENCY, csv, load, new_case

RULES = {"own-mailbox", "full-access", "group-member", "same-identity", "secret-in-mail", "forwarded-mail", "reset-by-mail"}
START, END = "2022-10-01", "2023-06-13"


@pytest.fixture
def agency(tmp_path):
    case = new_case(tmp_path)
    load(case, tmp_path / "exports", AGENCY)
    yield case
    case.close()


def keyed(steps, nodes):
    """The steps with keys in place of numbers, as Store.steps gives them."""
    for end in ("source", "target"):
        steps = steps.with_columns(nodes["key"].gather(steps[f"{end}_n"]).alias(end))
    return steps.select(list(STEP_SCHEMA))


def kept(case):
    return sorted(path.name.partition(".")[0] for path in (case.folder / "projection").glob("*.arrow"))


def reached(case):
    return [(row["key"], row["evidence"], row["first"]) for row in case.blast("suzuki@agency.example", START, END)["reached"]]


def test_it_is_kept_and_read_again_with_the_same_result(agency):
    first = reached(agency)
    assert kept(agency) == [agency.graph().state()] * 2
    steps, nodes = projection(agency.graph(), agency.folder / "projection")
    assert keyed(steps, nodes).equals(agency.graph().steps()) and nodes.equals(agency.graph().nodes())
    assert reached(agency) == first


def test_read_from_either_engine_it_is_all_steps_with_their_facts_in_one_order(tmp_path, neo4j_store):
    embedded, derivations = EmbeddedStore(tmp_path / "graph"), [step.derivation for step in every_step() if step.id in RULES]
    found = []
    for store in (embedded, neo4j_store):
        store.sync(whole_graph(), derivations)
        steps, nodes = projection(store, None)
        known = store.steps()
        assert keyed(steps, nodes).equals(known) and known["rule"].n_unique() > 3 and known["because"].list.len().max() > 1
        found.append((steps, nodes))
    assert found[0][0].equals(found[1][0]) and found[0][1].equals(found[1][1])
    embedded.close()


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
