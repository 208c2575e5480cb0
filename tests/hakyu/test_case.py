from __future__ import annotations

import shutil

import pytest

from hakyu.case import Case, find, sources
from hakyu.errors import QueryError, StoreError, UsageError
from tests.support.exports import AGENCY, csv, load, new_case, write

WINDOW = ("2022-10-01", "2023-06-13")


@pytest.fixture
def agency(tmp_path):
    case = new_case(tmp_path)
    assert load(case, tmp_path / "exports", AGENCY).exit_code == 0
    yield case
    case.close()


def test_loading_again_changes_nothing_and_says_so(agency, tmp_path):
    before, state = agency.graph().dump(), agency.graph().state()
    report = agency.load([tmp_path / "exports"])
    assert [line.status for line in report.files] == ["known"] * 3
    assert report.exit_code == 0 and report.state == state
    after = agency.graph().dump()
    assert all(after[i][kind].equals(before[i][kind]) for i in (0, 1) for kind in before[i])


def test_a_load_is_forgotten_by_the_beginning_of_its_id(agency):
    permissions = next(m for m in agency.loads() if m.name == "permissions.csv")
    assert agency.forget(permissions.id[:6]).id == permissions.id
    assert [m.name for m in agency.loads()] == ["mailboxes.csv", "trace.csv"]
    assert not agency.graph().steps().filter(rule="full-access").height
    with pytest.raises(UsageError, match="names 0 loads"):
        agency.forget(permissions.id)


def test_every_fact_of_a_way_leads_to_file_and_row_also_one_that_was_derived(agency):
    result = agency.blast("suzuki@agency.example", *WINDOW)
    (row,) = (row for row in result["reached"] if row["key"] == "mailbox:tanaka@agency.example")
    joined, opened = ([(p["source"], p["place"]) for p in agency.where(step["because"])] for step in row["way"])
    assert joined == [("get_mailbox:mailboxes.csv", "row 2"), ("get_mailbox_permission:permissions.csv", "row 2")]
    assert opened == [("get_mailbox_permission:permissions.csv", "row 3")]


def test_what_counts_messages_leads_to_the_messages(agency):
    (fact,) = agency.cypher("MATCH (m)-[r:CORRESPONDED]->(c) WHERE c.key = 'smtp:li@ministry.example.kr' RETURN r.fact AS fact")["fact"]
    assert [(p["source"], p["place"]) for p in agency.where([fact])] == [("message_trace:trace.csv", "row 3")]


def test_an_identity_joined_by_name_leads_to_both_ends(tmp_path):
    case = new_case(tmp_path)
    load(case, tmp_path, {"a.csv": csv("host,fqdn,ip,role", ("mx1", "mx1.agency.example", "", "mail")), "b.csv": csv("host,fqdn,ip,role", ("mx1", "", "10.0.0.1", "gateway"))})
    (fact,) = case.cypher("MATCH (a:Server)-[r:SAME_IDENTITY]->(b:Server) RETURN r.fact AS fact")["fact"]
    assert {p["source"] for p in case.where([fact])} == {"joined:name", "servers_csv:a.csv", "servers_csv:b.csv"}
    case.close()


@pytest.mark.parametrize("who", ["suzuki@agency.example", "Suzuki Ichiro", "suzuki ichiro", "ichiro@agency.example", "upn:suzuki@agency.example"])
def test_an_account_is_found_by_address_alias_name_and_key(agency, who):
    assert find(agency.graph(), who) == ["upn:suzuki@agency.example"]


def test_nobody_and_a_half_name_are_answered_with_a_hint(agency):
    with pytest.raises(UsageError, match="nobody the case knows; did you mean .*Suzuki Ichiro"):
        agency.blast("suzuki", *WINDOW)
    with pytest.raises(UsageError, match=r"did you mean suzuki@agency\.example\?"):
        agency.blast("suzuki@", *WINDOW)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("suzuki@agency.example", "2023-06-13", "2022-10-01"), "ends .* before it begins"),
        (("suzuki@agency.example", "2023-06-13", "2023-06-13"), "ends .* before it begins"),
        (("suzuki@agency.example", "yesterday"), "not a date"),
        (("suzuki@agency.example", "2022-10-01", None, "loud"), "no profile is called 'loud'"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(agency, arguments, words):
    with pytest.raises(UsageError, match=words):
        agency.blast(*arguments)


def test_reading_a_case_that_is_not_there_says_how_to_begin(tmp_path):
    with pytest.raises(UsageError, match="no case there; `hakyu load"):
        new_case(tmp_path).graph()


def test_a_path_that_is_not_there_loads_nothing_of_the_job(tmp_path):
    case = new_case(tmp_path)
    folder = write(tmp_path / "exports", AGENCY)
    with pytest.raises(UsageError, match="no such file"):
        case.load([folder, tmp_path / "missing.csv"])
    assert not case.ledger.exists


def test_two_writers_do_not_meet(agency):
    other = Case(agency.folder, {})
    with agency.ledger.writing(), pytest.raises(StoreError, match="another hakyu is loading"):
        other.load([agency.folder.parent / "exports"])
    other.close()


def test_a_lost_graph_is_made_again_from_the_loads(agency):
    before = agency.graph().dump()
    agency.close()
    shutil.rmtree(agency.folder / "graph")
    after = Case(agency.folder, {})
    assert all(after.graph().dump()[i][kind].equals(before[i][kind]) for i in (0, 1) for kind in before[i])
    after.close()


def test_a_damaged_graph_is_told_and_made_anew_on_request(agency):
    before = agency.graph().dump()
    agency.close()
    for path in (agency.folder / "graph").glob("*.lbug"):
        path.write_bytes(path.read_bytes()[:2048] + b"\xff" * 4096)
    damaged = Case(agency.folder, {})
    with pytest.raises(StoreError, match="doctor --rebuild"):
        damaged.graph().nodes()
    damaged.rebuild()
    assert all(damaged.graph().dump()[i][kind].equals(before[i][kind]) for i in (0, 1) for kind in before[i])
    damaged.close()


def test_writing_cypher_is_refused_and_unknown_names_are_told(agency):
    for text in ("CREATE (a:Account {key: 'x'})", "MATCH (a:Account) SET a.name = 'x'", "MATCH (a) DETACH DELETE a"):
        with pytest.raises(QueryError, match="only reading|read-only"):
            agency.cypher(text)
    with pytest.raises(QueryError, match="Acount"):
        agency.cypher("MATCH (a:Acount) RETURN a.key AS key")


def test_a_question_is_asked_with_its_parameters_and_others_are_refused(agency):
    rows = agency.query("mailbox_who-can-open", {"mailbox": "tanaka@agency.example"})
    assert rows.select("who", "right").rows() == [("account:suzuki@agency.example", "full access"), ("upn:tanaka@agency.example", "own mailbox")]
    with pytest.raises(UsageError, match="has no parameter 'box'"):
        agency.query("mailbox_who-can-open", {"box": "x"})
    with pytest.raises(UsageError, match="did you mean mailbox_who-can-open"):
        agency.query("who-can-open")


def test_an_identity_that_two_accounts_claim_is_reported_and_not_joined(tmp_path):
    accounts = csv("account,display_name,primary_smtp", ("a1", "One", "same@agency.example"), ("a2", "Two", "same@agency.example"))
    case = new_case(tmp_path)
    load(case, tmp_path, {"accounts.csv": accounts})
    assert any("same@agency.example" in problem for problem in case.doctor()["problems"])
    assert not case.graph().steps().filter(rule="same-identity").height
    case.close()


def test_a_folder_is_opened_in_order_and_hidden_files_and_links_are_left(tmp_path):
    write(tmp_path / "exports", AGENCY | {".hidden.csv": "x", "b/c.csv": "y"})
    (tmp_path / "exports" / "link.csv").symlink_to(tmp_path / "exports" / "trace.csv")
    assert [source.name for source in sources(tmp_path / "exports")] == [
        "exports/b/c.csv", "exports/mailboxes.csv", "exports/permissions.csv", "exports/trace.csv"
    ]  # fmt: skip


def test_what_an_incident_can_begin_at_is_listed_accounts_first(agency):
    found = agency.subjects()
    assert found["kind"].to_list() == sorted(found["kind"].to_list(), key=["Account", "Mailbox", "Server"].index)
    assert "mailbox:desk@agency.example" in found["key"].to_list()
