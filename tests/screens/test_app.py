"""The app's pages, run without a browser: their numbers are those of Case.blast, and whatever goes wrong is one clear line."""

from __future__ import annotations

import ast
import csv
import json
import re
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest

from hakyu.case import Case, Options, sources
from hakyu.loading import load_one
from screens import show, words
from tests.screens import organisation
from tests.screens.organisation import EVIL_CORRESPONDENT, FROM, HOSTILE, UNTIL, WHO

PAGES = ("blast", "correspondents", "contain", "rank", "coverage", "questions")


@pytest.fixture(scope="module")
def answer(small_case):
    case = Case(small_case, {})
    yield case.blast(WHO, FROM, UNTIL)
    case.close()


def day(year, month, day_):
    return datetime(year, month, day_)  # noqa: DTZ001 - as the form holds it: naive, said to be UTC


def ask(test, folder, who=WHO, start=None, until=None):
    """Fill in the form and press the button."""
    start, until = start or day(2022, 10, 1), until or day(2023, 6, 14)
    test.selectbox(key=f"who {folder}").set_value(who)
    test.datetime_input(key=f"from {folder}").set_value(start)
    test.datetime_input(key=f"until {folder}").set_value(until)
    press(test, "Show", "表示")
    return test.run()


def press(test, *labels):
    next(button for button in test.button if button.label in labels).click()


def go(test, page):
    return test.switch_page(f"screens/{page}.py").run()


def html(test):
    """All that a page puts in as HTML, without the style sheet."""
    bodies = [part.proto.body for part in test.get("html")]
    return [body for body in bodies if "<style>" not in body]


def cards(test):
    """label -> number of the headline numbers."""
    found = re.findall(r'<div class="hk-card"><b>([\d,]+)</b><span>(.*?)</span>', "".join(html(test)))
    return {unescape(label): int(number.replace(",", "")) for number, label in found}


def well(test):
    assert not test.exception, [one.message for one in test.exception]
    assert not test.error, [one.value for one in test.error]
    return test


def failure(test):
    """The one line that is shown, and nothing beside it."""
    assert not test.exception
    assert len(test.error) == 1
    assert "Traceback" not in test.error[0].value
    return test.error[0].value.strip("` ")


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_runs_before_and_after_a_question_is_asked_in_both_languages(app, small_case, page, language):
    test = well(app(language=language))
    well(go(test, page))
    well(ask(test, small_case))
    text = " ".join(html(test)) + " ".join(part.value for part in test.subheader)
    assert any("\u3040" <= c <= "\u30ff" or "\u4e00" <= c <= "\u9fff" for c in text.replace("山田 花子", "")) == (language == "ja" or "鈴木" in text)


def test_the_first_screen_says_what_to_do(app):
    test = well(app())
    assert test.selectbox[1].label == "Compromised account" and test.selectbox[1].value is None
    said = "".join(html(test))
    assert "Choose the compromised account" in said and "Press “Show”" in said
    assert cards(test)["Servers"] == 2
    assert "sessions" in unescape(said) and "may be too small" in said


def test_the_window_begins_as_the_last_year_of_the_mail_that_was_seen(app, small_case):
    test = app()
    assert test.datetime_input(key=f"from {small_case}").value == day(2022, 3, 3)
    assert test.datetime_input(key=f"until {small_case}").value == day(2023, 3, 3)


def test_the_numbers_are_those_of_the_command(app, small_case, answer):
    test = well(ask(app(), small_case))
    shown = cards(test)
    for row in answer["counts"]:
        assert shown[{"Mailbox": "Mailboxes"}.get(row["kind"], f"{row['kind']}s")] == row["reached"]
    assert shown["Still held afterwards"] == answer["still_held"]
    assert shown["Mailboxes"] >= 8
    text = unescape("".join(html(test)))
    assert all(note in text for row in answer["counts"] for note in row["beside"])


def test_the_numbers_follow_the_window(app, small_case):
    before = cards(ask(app(), small_case, start=day(2022, 1, 1), until=day(2022, 2, 1)))
    within = cards(ask(app(), small_case))
    case = Case(small_case, {})
    early = case.blast(WHO, "2022-01-01", "2022-02-01")
    case.close()
    assert before["Mailboxes"] == next(row["reached"] for row in early["counts"] if row["kind"] == "Mailbox")
    assert before["Mailboxes"] < within["Mailboxes"]


def test_an_account_still_held_has_no_end(app, small_case):
    test = app()
    test.selectbox(key=f"who {small_case}").set_value(WHO)
    test.checkbox(key=f"endless {small_case}").check()
    press(test, "Show")
    well(test.run())
    assert "until now (UTC)" in "".join(html(test))
    assert "Still held afterwards" not in cards(test)


def test_the_table_lists_what_was_reached(app, small_case, answer):
    test = well(ask(app(), small_case))
    table = test.dataframe[0].value
    once = [row for row in answer["reached"] if row["same_as"] is None]
    assert sorted(table["key"]) == sorted(row["key"] for row in once)
    assert dict(zip(table["key"], table["first"], strict=True)) == {row["key"]: show.moment(row["first"]) for row in once}


def test_a_chosen_node_shows_its_way_with_file_and_place(app, small_case, answer):
    test = well(ask(app(), small_case))
    well(test.selectbox(key="node").set_value("mailbox:info@nisc.example").run())
    way = unescape(next(part for part in html(test) if "hk-way" in part))
    reached = next(row for row in answer["reached"] if row["key"] == "mailbox:info@nisc.example")
    assert reached["way"]
    for step in reached["way"]:
        assert step["sentence"] in way and f"{show.moment(step['at'])} UTC" in way
    case = Case(small_case, {})
    places = case.where(reached["way"][-1]["because"])
    case.close()
    assert any("delegations.csv" in row["source"] for row in places)
    assert all(f"{row['source']} · {row['place']}" in way for row in places)


def test_the_start_itself_has_no_way(app, small_case, answer):
    test = ask(app(), small_case)
    well(test.selectbox(key="node").set_value(answer["seeds"][0]["key"]).run())
    assert "Held from the start" in "".join(html(test))


def test_correspondents_are_counted_and_listed_by_country(app, small_case, answer):
    test = well(ask(go(app(), "correspondents"), small_case))
    told = answer["disclosed"]
    shown = cards(test)
    names = {"Persons": "persons", "Addresses": "addresses", "Messages": "messages", "Organisations": "organisations", "Countries": "countries"}
    assert {label: shown[label] for label in names} == {label: told["at_rest"][name] for label, name in names.items()}
    assert shown["Country not known"] == told["at_rest"]["of_unknown_country"] == 1
    countries = test.dataframe[0].value
    expected = [(row["name"], row["persons"], row["addresses"], row["messages"]) for row in told["by_country"]]
    assert list(countries[["name", "persons", "addresses", "messages"]].itertuples(index=False, name=None)) == expected
    assert dict(zip(countries["name"], countries["messages"], strict=True)) == {"Germany": 3, "Japan": 2, "France": 1, "unknown": 1}
    everyone = test.dataframe[2].value
    assert sorted(everyone["address"]) == ["w@somewhere.example", "x@abroad.example", "y@ministry.example", "z@vendor.example"]


def test_hostile_names_are_shown_as_text(app, small_case):
    test = well(ask(app(), small_case))
    names = [test.session_state["node"]]
    for key in HOSTILE:
        test = well(ask(test, small_case, who=f"account:{key}"))
        page = "".join(html(test))
        names.append(key)
        assert "<img" not in page and "<script" not in page and "<b>Zoe" not in page
        assert HOSTILE[key] in unescape(page)
    for part in (*test.markdown, *test.caption):
        assert not any(name in part.value for name in HOSTILE.values())
    well(ask(go(test, "correspondents"), small_case))
    assert EVIL_CORRESPONDENT in list(test.dataframe[2].value["name"])


def test_a_hostile_name_in_a_failure_is_one_span_of_code(app, small_case):
    test = ask(app(), small_case, who=HOSTILE["bold"] + "``` nobody")
    value = test.error[0].value
    fence = value.split()[0]
    assert set(fence) == {"`"} and len(fence) == 4 and value.endswith(fence)
    assert fence not in value.strip("`")


def test_an_account_that_nobody_knows_is_said_in_one_line(app, small_case):
    said = failure(ask(app(), small_case, who="nobody@elsewhere.example"))
    assert said == "'nobody@elsewhere.example' is nobody the case knows; give an address, a name or a key that the case holds"


def test_a_window_that_ends_before_it_begins_is_said_in_one_line(app, small_case):
    said = failure(ask(app(), small_case, start=day(2023, 2, 1), until=day(2023, 1, 1)))
    assert said.startswith("the window ends (2023-01-01") and "before it begins" in said


def test_a_case_that_is_not_there_is_said_with_what_to_do(app, tmp_path):
    said = failure(app(tmp_path / "none.hakyu"))
    assert "no case there" in said and "hakyu load" in said
    assert not (tmp_path / "none.hakyu").exists()


def test_a_file_in_place_of_the_case_is_said_in_one_line(app, tmp_path):
    (tmp_path / "file.hakyu").write_text("nothing")
    assert "no case there" in failure(app(tmp_path / "file.hakyu"))


def test_an_empty_case_says_that_nothing_is_loaded(app, tmp_path):
    folder = tmp_path / "empty.hakyu"
    case = Case(folder, {})
    (tmp_path / "one.csv").write_text("account,display_name\nhana,Hana\n")
    report = case.load([tmp_path / "one.csv"])
    case.forget(report.files[0].manifest.id)
    case.close()
    for page in PAGES:
        test = app(folder)
        well(go(test, page))
    assert "hakyu load PATH…" in "".join(html(app(folder)))
    test = go(app(folder), "coverage")
    assert "Nothing is loaded yet." in [part.value for part in test.markdown]


def test_an_unreadable_case_is_said_in_one_line(app, tmp_path):
    folder = tmp_path / "broken.hakyu"
    folder.mkdir()
    (folder / "state.json").write_text("{")
    assert "state.json: cannot be read" in failure(app(folder))


def test_another_case_brings_its_own_accounts(app, small_case, tmp_path):
    (tmp_path / "one.csv").write_text("account,display_name,primary_smtp\nonly,Only One,only@other.example\n")
    other = Case(tmp_path / "other.hakyu", {})
    other.load([tmp_path / "one.csv"])
    other.close()
    test = well(ask(app(), small_case))
    assert "Still held afterwards" in cards(test)
    test.selectbox(key="case").set_value(str(tmp_path / "other.hakyu"))
    well(test.run())
    assert test.selectbox(key=f"who {tmp_path / 'other.hakyu'}").value is None
    assert cards(test)["Accounts"] == 1 and "Still held afterwards" not in cards(test)


def test_what_is_loaded_meanwhile_is_in_the_next_answer(app, tmp_path):
    folder = organisation.case(tmp_path)
    test = app(folder)
    before = cards(ask(test, folder))
    (tmp_path / "more.csv").write_text("mailbox,trustee,right,from,to\nsato@nisc.example,hana@nisc.example,full,2022-09-01,\n")
    case = Case(folder, {})
    case.load([tmp_path / "more.csv"])
    case.close()
    test.run()
    assert cards(test)["Mailboxes"] == before["Mailboxes"] + 1


def test_while_another_process_loads_the_last_answer_stands_and_is_not_kept_for_the_new_state(app, tmp_path):
    folder = organisation.case(tmp_path)
    test = app(folder)
    before = cards(ask(test, folder))
    more = tmp_path / "more.csv"
    more.write_text("mailbox,trustee,right,from,to\nsato@nisc.example,hana@nisc.example,full,2022-09-01,\n")
    other, staged = Case(folder, {}), {}
    with other.ledger.writing():
        load_one(other.ledger, next(iter(sources(more))), Options(), "2023-07-01T00:00:00+00:00", staged, lambda *_: None)
        other.ledger.commit([load for load, _ in staged.values()])  # the load is there, its graph is not yet
        assert cards(well(test.run())) == before
    assert cards(well(test.run()))["Mailboxes"] == before["Mailboxes"] + 1


def test_an_answer_is_computed_once_for_a_state_of_the_case(app, small_case, monkeypatch):
    asked = []
    real = Case.blast

    def counted(self, *arguments, **named):
        asked.append(arguments)
        return real(self, *arguments, **named)

    monkeypatch.setattr(Case, "blast", counted)
    test = well(ask(app(), small_case))
    for page in ("correspondents", "coverage", "blast"):
        test = well(go(test, page))
    well(test.selectbox(key="node").set_value("mailbox:info@nisc.example").run())
    assert len(asked) == 1


def test_thousands_of_reached_nodes_are_listed_and_the_nearest_drawn(app, tmp_path):
    folder = organisation.case(tmp_path, extra=2500)
    test = well(ask(app(folder), folder))
    assert cards(test)["Mailboxes"] > 2500
    assert len(test.dataframe[0].value) > 2500
    assert any("reached nodes are drawn, the nearest first" in part for part in html(test))
    assert len(test.get("iframe")[0].proto.srcdoc) < 2_000_000
    well(test.selectbox(key="node").set_value("mailbox:user02400@nisc.example").run())


def test_sources_say_what_was_loaded_and_what_was_not_collected(app, small_case, answer):
    test = well(ask(go(app(), "coverage"), small_case))
    seen = test.dataframe[0].value
    assert len(seen) == len(answer["coverage"])
    assert "○ not collected" in set(seen["status"])
    loads = test.dataframe[1].value
    assert set(loads["name"]) >= {"exports/accounts.csv", "exports/trace.csv"}
    assert list(test.dataframe[2].value["title"]) == [step.title for step in Case.steps()]


def test_every_saved_question_can_be_asked(app, small_case):
    test = go(app(), "questions")
    assert Case.queries()
    for saved in Case.queries():
        well(test.selectbox(key="saved").set_value(saved.name).run())
        next(button for button in test.button if button.label == "Ask").click()
        test.run()
        if saved.engine == "neo4j":
            assert failure(test) == f"{saved.name} runs on neo4j only; this graph is embedded"
            continue
        well(test)
        case = Case(small_case, {})
        expected = case.query(saved.name, {p.name: str(p.default) for p in saved.parameters})
        case.close()
        assert f"{expected.height:,} rows" in [part.value for part in test.caption]


def test_own_cypher_is_read_only_and_its_failure_one_line(app):
    test = go(app(), "questions")
    for text, rows in (("MATCH (a:Account) RETURN a.key AS key, a.name AS name", True), ("CREATE (a:Account {key: 'x'})", False), ("MATCH (", False)):
        test.text_area(key="cypher").set_value(text)
        next(button for button in test.button if button.label == "Run").click()
        test.run()
        if rows:
            assert "=1+3" in list(well(test).dataframe[-1].value["name"])
        else:
            assert "\n" not in failure(test)


def test_downloads_are_quoted_against_formulas_and_whole(small_case, answer):
    rows = [row | {"way": ""} for row in answer["reached"]] + [{"kind": "Account", "name": name, "key": "=1"} for name in HOSTILE.values()]
    columns = ["kind", "name", "key"]
    text = show.csv(rows, columns).decode("utf-8")
    assert text.startswith("\ufeffkind,name,key")
    cells = [cell for line in csv.reader(text[1:].splitlines()) for cell in line]
    assert "'=1+3" in cells and "'=1" in cells
    assert not [cell for cell in cells if cell[:1] in "=+-@" and cell]
    assert json.loads(show.as_json(answer)) == json.loads(json.dumps(answer))


def test_the_downloads_of_a_page_hold_what_the_page_shows(app, small_case, answer):
    test = well(ask(app(), small_case))
    labels = [button.proto.label for button in test.get("download_button")]
    assert labels.count("Download CSV") >= 1 and "Whole result as JSON" in labels


def test_the_language_is_chosen_and_kept_from_page_to_page(app, small_case):
    test = ask(app(), small_case)
    test.radio(key="language").set_value("ja")
    well(test.run())
    assert "波及" in test.subheader[0].value or "どこまで届くか" in test.subheader[0].value
    well(go(test, "correspondents"))
    assert "国別" in [part.value for part in test.subheader]


def test_all_that_the_pages_say_and_the_steps_close_with_is_known_in_japanese():
    said = set()
    for path in [*Path(show.__file__).parent.glob("*.py"), Path(show.__file__).parents[1] / "streamlit_app.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say" and node.args and isinstance(node.args[0], ast.Constant):
                said.add(node.args[0].value)
    assert len(said) > 50
    steps = {step.closes_with for step in Case.steps()}
    assert not sorted(text for text in said | steps if not words.known(text))
