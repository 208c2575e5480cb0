"""What both stores are made of: differences by fingerprint, answers as frames, the rows of a step."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphmodel.errors import QueryError
from graphmodel.store import answers
from graphmodel.store.difference import EDGES_THERE, NODES_THERE, changes, fingerprinted
from graphmodel.store.port import Derivation
from graphmodel.store.step_rows import STEP_SCHEMA, step_rows
from graphmodel.view import View
from tests.support.cases import whole_graph

STEP = Derivation("own-mailbox", "RETURN 1", hold="borrowed")
NOTHING = pl.DataFrame(schema=NODES_THERE)


def there(view: View) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """What a server that holds the view would tell."""
    nodes = pl.concat([fingerprinted(f).select(list(NODES_THERE)) for f in view.nodes.values()]) if view.nodes else NOTHING
    return nodes, {type_: fingerprinted(f).select(list(EDGES_THERE)) for type_, f in view.edges.items()}


def test_a_graph_that_is_there_needs_no_change():
    view = whole_graph()
    assert changes(view, *there(view)).rows == 0


def test_an_empty_server_gets_everything_and_an_empty_view_takes_everything():
    view = whole_graph()
    assert changes(view, NOTHING, {}).rows == sum(view.counts)
    assert changes(View("none", {}, {}), *there(view)).rows == sum(view.counts)


def test_only_the_row_that_differs_is_set_anew():
    view = whole_graph()
    full = pl.col("key") == "Account:full"
    renamed = view.nodes["Account"].with_columns(pl.when(full).then(pl.lit("new")).otherwise("name").alias("name"))
    found = changes(View("b", view.nodes | {"Account": renamed}, view.edges), *there(view))
    assert found.rows == 1 and found.nodes["Account"].changed["name"].to_list() == ["new"]


def test_a_fact_that_says_something_else_goes_and_comes():
    view = whole_graph()
    moved = view.edges["OWNS"].with_columns(pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("row 77")).otherwise("place").alias("place"))
    found = changes(View("b", view.nodes, view.edges | {"OWNS": moved}), *there(view))
    assert found.rows == 2
    assert found.edges["OWNS"].gone.to_list() == found.edges["OWNS"].new["fact"].to_list() == [moved["fact"][0]]


def test_a_node_that_somebody_made_by_hand_under_another_kind_goes():
    view = whole_graph()
    nodes, edges = there(view)
    strange = pl.DataFrame({"key": ["x"], "kind": ["Account"], "fingerprint": [None]}, schema=NODES_THERE)
    assert changes(view, pl.concat([nodes, strange]), edges).nodes["Account"].gone.to_list() == ["x"]


cells = st.one_of(st.none(), st.text(alphabet="ab=", max_size=2))
rows = st.tuples(cells, cells, st.one_of(st.none(), st.lists(st.sampled_from(["", "a", "b"]), max_size=2)))


@given(rows, rows)
def test_rows_have_one_fingerprint_just_when_they_are_equal(one, other):
    schema = {"a": pl.String, "b": pl.String, "c": pl.List(pl.String)}
    found = fingerprinted(pl.DataFrame([one, other], schema=schema, orient="row"))["fingerprint"]
    assert (found[0] == found[1]) == (one == other)


def test_answers_keep_types_whether_or_not_a_column_has_values():
    full = answers.frame(["key", "valid_from", "days", "said"], [["a", 5, [1], "x"], ["b", None, [], None]])
    empty = answers.frame(["key", "valid_from", "days", "said"], [])
    assert full.schema == empty.schema == {"key": pl.String, "valid_from": pl.Int64, "days": pl.List(pl.Int64), "said": pl.String}
    assert full.rows() == [("a", 5, [1], "x"), ("b", None, [], None)]


def test_answers_of_mixed_values_are_text_and_of_mixed_numbers_are_numbers():
    found = answers.frame(["mixed", "numbers"], [[1, 1], ["a", 2.5], [[1], None]])
    assert found["mixed"].to_list() == ["1", "a", "[1]"]
    assert found["numbers"].to_list() == [1.0, 2.5, None]


def test_maps_become_structs_of_all_their_names():
    found = answers.frame(["m"], [[{"a": 1}], [None], [{"b": "x"}]])
    assert found["m"].to_list() == [{"a": 1, "b": None}, None, {"a": None, "b": "x"}]


def rows_of(*given_rows: tuple) -> pl.DataFrame:
    names = ["source", "target", "opens", "closes", "because"]
    return pl.DataFrame(given_rows, schema=dict(zip(names, [pl.String, pl.String, pl.Int64, pl.Int64, pl.List(pl.String)], strict=True)), orient="row")


def test_a_step_that_closes_before_it_opens_or_leads_to_itself_is_none():
    found = step_rows(STEP, rows_of(("a", "b", 5, 5, ["f"]), ("a", "b", 5, 4, ["f"]), ("a", "a", None, None, ["f"]), ("a", "b", 5, None, ["f"])))
    assert found.select("source", "target", "opens", "closes").rows() == [("a", "b", 5, None)]
    assert dict(found.schema) == STEP_SCHEMA


def test_of_steps_that_differ_only_in_their_reason_the_first_by_name_is_kept_in_any_order():
    given_rows = [("a", "b", None, 9, ["g"]), ("a", "b", None, 9, ["f", None]), ("a", "b", 1, 9, ["h"])]
    one, other = (step_rows(STEP, rows_of(*some)).sort("opens") for some in (given_rows, given_rows[::-1]))
    assert one.equals(other)
    assert one.select("opens", "because").rows() == [(None, ["f"]), (1, ["h"])]


def test_a_step_with_other_columns_is_refused_with_its_name():
    with pytest.raises(QueryError, match="own-mailbox: a step returns source, target, opens, closes, because, not a"):
        step_rows(STEP, pl.DataFrame({"a": [1]}))
