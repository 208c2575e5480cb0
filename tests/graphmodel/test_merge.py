"""From loads to one view: the same facts meet, every end is a node, a key is of one kind, order does not matter."""

from __future__ import annotations

from itertools import permutations

from graphmodel.ledger import Ledger
from graphmodel.merge import view
from graphmodel.view import edge_view_schema, node_view_schema
from tests.support.loads import difference, edges, nodes, put, view_of

SID = "ad:S-1-5-21-1-2-3-1105"
HANA, BOX = ("Account", "upn:hana@x.example"), ("Mailbox", "mailbox:hana@x.example")


def rights(out):
    out.edge("FULL_ACCESS", ("Account", SID), BOX, "row 4", basis="FullAccess")
    out.edge("SESSION_ON", ("Account", SID), ("Server", "host:dc.x.example"), "row 5")


def directory(out):
    out.node("Group", SID, "$[0]", name="SOC")
    out.edge("MEMBER_OF", HANA, ("Group", SID), "$[0]")


def computers(out):
    out.node("Server", SID, "$[7]", name="WS1")


def test_the_same_fact_in_two_loads_is_one_edge_shown_at_the_first_place_by_name(tmp_path):
    def at(place):
        return lambda out: out.edge("OWNS", HANA, BOX, place)

    found = view_of(tmp_path, b=at("row 1"), a=at("row 9"))
    assert edges(found, "OWNS", "source", "place") == [("byhand:a.csv", "row 9")]


def test_a_right_that_ended_and_began_anew_is_two_facts(tmp_path):
    def say(out):
        out.edge("OWNS", HANA, BOX, "row 1", valid_from=1, valid_until=5)
        out.edge("OWNS", HANA, BOX, "row 2", valid_from=7)

    assert edges(view_of(tmp_path, a=say), "OWNS", "valid_from", "valid_until") == [(1, 5), (7, None)]


def test_each_property_of_a_node_is_the_first_that_a_load_has(tmp_path):
    found = view_of(
        tmp_path,
        b=lambda out: out.node("Account", HANA[1], "row 1", name="Hana B", title="Chief"),
        a=lambda out: out.node("Account", HANA[1], "row 1", name="Hana A"),
    )
    assert nodes(found, "Account", "key", "name", "title", "kind") == [(HANA[1], "Hana A", "Chief", "Account")]


def test_an_end_that_no_source_states_is_a_node_named_by_its_key(tmp_path):
    found = view_of(tmp_path, a=lambda out: out.edge("OWNS", HANA, BOX, "row 1"))
    assert nodes(found, "Account", "key", "name") == [(HANA[1], "hana@x.example")]
    assert nodes(found, "Mailbox", "key", "kind", "name") == [(BOX[1], "Mailbox", "hana@x.example")]


def test_a_file_that_no_source_names_goes_by_the_last_part_of_its_path(tmp_path):
    keys = ["file:https://x.example/sites/a/plan 1.docx", "file:https://x.example/sites/team/", "file:\\\\fs01\\share\\b.xlsx", "file:c.txt"]

    def say(out):
        for key in keys:
            out.node("File", key, "row 1")

    found = view_of(tmp_path, a=say)
    assert dict(nodes(found, "File", "key", "name")) == dict(zip(keys, ["plan 1.docx", "team", "b.xlsx", "c.txt"], strict=True))


def test_a_sid_named_in_a_right_is_the_group_that_the_directory_says_it_is(tmp_path):
    found = view_of(tmp_path, rights=rights, directory=directory)
    assert edges(found, "FULL_ACCESS", "from_label", "from_key", "to_key") == [("Group", SID, BOX[1])]
    assert nodes(found, "Group", "key", "name") == [(SID, "SOC")]
    assert nodes(found, "Account") == [(HANA[1],)]


def test_a_fact_that_cannot_be_of_such_a_kind_is_left_out_but_stays_in_the_case(tmp_path):
    found = view_of(tmp_path, rights=rights, directory=directory)
    assert "SESSION_ON" not in found.edges
    assert [frame.height for _, frame in Ledger(tmp_path).tables("SESSION_ON")] == [1]


def test_a_sid_that_only_rights_name_is_taken_for_an_account(tmp_path):
    found = view_of(tmp_path, rights=rights)
    assert nodes(found, "Account") == [(SID,)] and edges(found, "SESSION_ON") == [(SID, "host:dc.x.example")]


def test_a_key_is_of_one_kind_even_where_sources_disagree(tmp_path):
    found = view_of(tmp_path, rights=rights, directory=directory, computers=computers)
    owners = [(label, key) for label, frame in found.nodes.items() for key in frame["key"] if key == SID]
    assert owners == [("Server", SID)]
    assert edges(found, "MEMBER_OF") == []


def test_the_view_is_the_same_in_whatever_order_loads_came(tmp_path):
    loads = {"rights": rights, "directory": directory, "computers": computers}
    found = []
    for number, order in enumerate(permutations(loads)):
        ledger = Ledger(tmp_path / str(number))
        for name in order:
            put(ledger, **{name: loads[name]})
        found.append(view(ledger))
    assert {v.state for v in found} == {found[0].state}
    assert all(difference((found[0].nodes, found[0].edges), (v.nodes, v.edges)) == [] for v in found)


def test_the_tables_of_a_view_have_exactly_the_declared_columns_and_every_end(tmp_path):
    found = view_of(tmp_path, rights=rights, directory=directory)
    assert all(dict(frame.schema) == node_view_schema(label) for label, frame in found.nodes.items())
    assert all(dict(frame.schema) == edge_view_schema(type_) for type_, frame in found.edges.items())
    there = {(label, key) for label, frame in found.nodes.items() for key in frame["key"]}
    for type_ in found.edges:
        for a, b, c, d in edges(found, type_, "from_label", "from_key", "to_label", "to_key"):
            assert {(a, b), (c, d)} <= there


def test_a_case_without_loads_is_an_empty_view(tmp_path):
    assert view_of(tmp_path).counts == (0, 0)


def test_a_server_goes_by_its_qualified_name_whichever_load_comes_first(tmp_path):
    for folder, (first, second) in enumerate([("EX01", "ex01.x.example"), ("ex01.x.example", "EX01")]):
        found = view_of(
            tmp_path / str(folder),
            a=lambda out, name=first: out.node("Server", "host:ex01.x.example", "row 1", name=name),
            b=lambda out, name=second: out.node("Server", "host:ex01.x.example", "row 1", name=name),
        )
        assert nodes(found, "Server", "name") == [("ex01.x.example",)]
