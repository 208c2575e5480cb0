"""The case folder: a load is whole or not there, and every fact leads to a file and a place."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil

import polars as pl
import pytest

from graphmodel.errors import StoreError, UsageError
from graphmodel.facts import edge_schema
from graphmodel.ledger import CaseBusy, Ledger, content_sha256, fact_ids, load_id
from graphmodel.merge import view
from tests.support.loads import put, staged

HANA, KEN, BOX = ("Account", "upn:hana"), ("Account", "upn:ken"), ("Mailbox", "mailbox:hana@nisc.example")


def owns(out):
    out.edge("OWNS", HANA, BOX, "row 2")
    out.refuse("row 3", "??", "no address")


def access(out):
    out.edge("OWNS", HANA, BOX, "row 9")
    out.edge("FULL_ACCESS", KEN, BOX, "row 5", record="r5")


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "case")


def _say_model(ledger, model):
    state = ledger.folder / "state.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"model": model}))


def test_a_case_of_an_older_model_is_read_but_not_added_to(ledger):
    put(ledger, a=owns)
    _say_model(ledger, "1")
    assert view(ledger).counts[1] == 1
    with pytest.raises(StoreError, match="an older hakyu wrote this case .model 1, now .*into a new case"), ledger.writing():
        pass
    assert ledger.ids() == ["a"]


def test_a_case_of_a_newer_model_is_left_alone(ledger):
    put(ledger, a=owns)
    _say_model(ledger, "99")
    with pytest.raises(StoreError, match="a newer hakyu wrote this case"):
        ledger.ids()


def test_a_load_that_is_not_committed_is_not_there(ledger):
    with ledger.writing():
        staged(ledger, "a", owns)
    assert ledger.exists and ledger.ids() == [] and view(ledger).counts == (0, 0)


def test_a_job_of_several_loads_is_there_whole(ledger):
    put(ledger, a=owns, b=access)
    assert ledger.ids() == ["a", "b"]
    assert [(m.id, m.records, m.refused, m.facts) for m in ledger.manifests()] == [
        ("a", 0, 1, {"OWNS": 1}), ("b", 0, 0, {"FULL_ACCESS": 1, "OWNS": 1})
    ]  # fmt: skip
    assert [(r.place, r.what, r.why) for r in ledger.refused("a")] == [("row 3", "??", "no address")]


def test_a_load_stays_as_it_was_first_written(ledger):
    put(ledger, a=owns)
    put(ledger, a=access)
    assert ledger.ids() == ["a"] and view(ledger).counts == (2, 1)


def test_the_state_names_the_set_of_loads_whatever_the_order(ledger, tmp_path):
    empty = ledger.state()
    put(ledger, a=owns)
    put(ledger, b=access)
    other = Ledger(tmp_path / "other")
    put(other, b=access)
    one = other.state()
    put(other, a=owns)
    assert ledger.state() == other.state() and len({empty, one, ledger.state()}) == 3


def test_the_next_writer_sweeps_what_an_interrupted_one_left(ledger):
    put(ledger, a=owns)
    (ledger.tmp / "123-dead").mkdir()
    shutil.copytree(ledger.loads_folder / "a", ledger.loads_folder / "half")
    assert ledger.ids() == ["a"]
    with ledger.writing():
        assert list(ledger.tmp.iterdir()) == []
        assert [path.name for path in ledger.loads_folder.iterdir()] == ["a"]


def test_forgetting_takes_a_load_out_exactly(ledger):
    put(ledger, a=owns)
    before, graph = ledger.state(), view(ledger)
    put(ledger, b=access)
    with ledger.writing():
        assert ledger.forget("b").id == "b"
    again = view(ledger)
    assert ledger.state() == before and not (ledger.loads_folder / "b").exists()
    assert all(again.edges[k].equals(graph.edges[k]) for k in graph.edges) and set(again.edges) == set(graph.edges)


def test_forgetting_asks_for_one_load_that_there_is(ledger):
    put(ledger, aa=owns, ab=access)
    with ledger.writing():
        for name, matches in (("a", 2), ("x", 0)):
            with pytest.raises(UsageError, match=f"'{name}' names {matches} loads; `hakyu loads` lists them"):
                ledger.forget(name)
    assert ledger.ids() == ["aa", "ab"]


def test_a_load_whose_folder_was_lost_is_told_and_can_be_forgotten(ledger):
    put(ledger, a=owns)
    shutil.rmtree(ledger.loads_folder / "a")
    with pytest.raises(StoreError, match="missing; .*restore it, or `hakyu forget a`"):
        ledger.manifests()
    with ledger.writing():
        assert ledger.forget("a").name == "(lost)"
    assert ledger.ids() == []


def test_an_unreadable_state_is_one_clear_line(ledger):
    put(ledger, a=owns)
    (ledger.folder / "state.json").write_text("{")
    with pytest.raises(StoreError, match=r"state\.json: cannot be read .*; restore it from a copy of the case"):
        ledger.ids()


def _try_to_write(folder, said):
    try:
        with Ledger(folder).writing():
            said.send("wrote")
    except CaseBusy as error:
        said.send(str(error))


def test_one_process_writes_at_a_time_and_the_other_is_told(ledger):
    context = multiprocessing.get_context("spawn")
    answers = []
    with ledger.writing():
        for _ in range(1):
            answers.append(_in_another_process(context, ledger.folder))
    answers.append(_in_another_process(context, ledger.folder))
    assert answers == [f"{ledger.folder}: another hakyu is loading into this case; wait for it and try again", "wrote"]


def _in_another_process(context, folder):
    hear, say = context.Pipe(duplex=False)
    process = context.Process(target=_try_to_write, args=(folder, say))
    process.start()
    try:
        return hear.recv()
    finally:
        process.join()


def test_a_fact_has_one_id_wherever_it_is_read_and_another_when_it_says_something_else(ledger):
    put(ledger, a=owns, b=access)
    ids = {id_: frame["fact"].to_list() for id_, frame in ledger.tables("OWNS")}
    assert ids["a"] == ids["b"]
    (_, frame), *_ = ledger.tables("OWNS")
    changed = frame.with_columns(pl.lit(5, dtype=pl.Int64).alias("valid_from"))
    assert fact_ids("OWNS", changed)[0] != ids["a"][0] == fact_ids("OWNS", frame)[0] != fact_ids("FULL_ACCESS", frame)[0]
    moved = frame.with_columns(pl.lit("row 77").alias("place"), pl.lit("x").alias("record"), pl.lit("y:z").alias("source"))
    assert fact_ids("OWNS", moved)[0] == ids["a"][0]


def test_an_unknown_value_and_an_empty_one_are_two_facts():
    frame = pl.DataFrame({"from_key": ["a", "a"], "basis": ["", None]}, schema={"from_key": pl.String, "basis": pl.String})
    assert fact_ids("OWNS", frame).n_unique() == 2


def test_every_fact_leads_to_the_files_and_places_that_state_it(ledger):
    put(ledger, a=owns, b=access)
    found = view(ledger).edges
    shared = ledger.where(found["OWNS"]["fact"][0])
    assert [(w["load"], w["kind"], w["source"], w["place"]) for w in shared] == [
        ("a", "OWNS", "byhand:a.csv", "row 2"), ("b", "OWNS", "byhand:b.csv", "row 9")
    ]  # fmt: skip
    (own,) = ledger.where(found["FULL_ACCESS"]["fact"][0])
    assert own == {"load": "b", "kind": "FULL_ACCESS", "source": "byhand:b.csv", "place": "row 5", "record": "r5"}
    assert ledger.where("no such fact") == []


def test_a_load_that_is_older_than_a_property_is_read_without_it(ledger):
    put(ledger, a=access)
    (part,) = (ledger.loads_folder / "a").glob("FULL_ACCESS.*.parquet")
    pl.read_parquet(part).drop("inherited").write_parquet(part)
    assert view(ledger).edges["FULL_ACCESS"].select("from_key", "inherited").rows() == [(KEN[1], None)]


def test_a_load_is_named_by_content_format_and_options(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("x")
    content = content_sha256(iter([file]), file)
    names = {load_id(content, "csv", {}), load_id(content, "csv", {"mailbox": "a@b.jp"}), load_id(content, "mbox", {}), load_id("0", "csv", {})}
    assert len(names) == 4 and load_id(content, "csv", {"mailbox": None}) == load_id(content, "csv", {})


def test_a_folder_is_named_by_what_is_in_it_and_not_by_where_it_lies(tmp_path):
    hashes = []
    for place, inside, text in (("a", "x.eml", "1"), ("b", "x.eml", "1"), ("c", "y.eml", "1"), ("d", "x.eml", "2")):
        folder = tmp_path / place
        folder.mkdir()
        (folder / inside).write_text(text)
        hashes.append(content_sha256(iter([folder / inside]), folder))
    assert hashes[0] == hashes[1] and len(set(hashes)) == 3


@pytest.mark.parametrize("kind", ["OBSERVED", "ADDRESSED_TO", "CONTROLS", "CORRESPONDED"])
def test_an_id_is_the_hash_of_what_a_fact_says_whatever_the_other_rows_hold(kind):
    schema = edge_schema(kind)
    values = {pl.String: ["", "é漢", "x" * 150, None], pl.Int64: [-5, 0, 10**12, None], pl.Boolean: [True, False, None, None], pl.Float64: [0.5, 1e20, None, 3.0],
              pl.List(pl.String): [["a", "b"], [], None, ["a"]], pl.List(pl.Int64): [[1], [], None, [2]]}  # fmt: skip
    for shape in range(4):
        rows = {name: [values[type_][(at * (shape > 0) + number * (shape > 1) + shape) % 4] for number in range(9)] for at, (name, type_) in enumerate(schema.items())}
        frame = pl.DataFrame(rows, schema=schema)
        assert fact_ids(kind, frame).to_list() == [_by_hand(kind, row) for row in frame.iter_rows(named=True)]


def _by_hand(kind, row):
    """The id of a fact: its kind and what it says, joined and hashed."""
    cells = [kind]
    for name, value in row.items():
        if name in {"place", "record"} or edge_schema(kind)[name] == pl.List(pl.Int64):
            continue
        text = "\x1e".join(value) if isinstance(value, list) else pl.Series([value]).cast(pl.String)[0] if value is not None else None
        cells.append("\x00" if text is None else text)
    return hashlib.sha256("\x1f".join(cells).encode()).hexdigest()[:16]
