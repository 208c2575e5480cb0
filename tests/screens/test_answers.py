"""What the pages show of evidence, marks, exposure, ways, containment and ranking: just what the case answers, in both languages."""

from __future__ import annotations

import json
import re
from html import unescape
from types import SimpleNamespace

import pytest

from hakyu.case import Case
from screens import evidence, marks, rings, show, state, way, words
from tests.screens import organisation
from tests.screens.organisation import ATTACKER, FROM, UNTIL, WHO
from tests.screens.test_app import ask, cards, day, go, html, press, well


@pytest.fixture
def marked(tmp_path):
    """A case of its own with logs in which the attacker's address is marked."""
    folder = organisation.case_with_logs(tmp_path)
    case = Case(folder, {})
    case.mark("ip", ATTACKER)
    case.close()
    return folder


def answer(folder, name="blast", **given):
    case = Case(folder, {})
    found = getattr(case, name)(WHO, FROM, UNTIL, **given)
    case.close()
    return found


def text(test):
    return unescape(" ".join([*html(test), *(part.value for part in (*test.caption, *test.markdown))]))


def by_level(test, label):
    """level -> number of a card."""
    card = next(part for part in re.split(r'<div class="hk-card">', "".join(html(test))) if f"<span>{label}</span>" in part)
    return {name: int(n) for name, n in re.findall(r">\S ([^<]+)</span><span>(\d+)</span>", card)}


# -- evidence ----------------------------------------------------------------------------------------------------------


def test_cards_tell_each_level_where_there_is_more_than_possible(app, marked):
    test = well(ask(app(marked), marked))
    row = next(row for row in answer(marked)["counts"] if row["kind"] == "Mailbox")
    assert by_level(test, "Mailboxes") == row["levels"]
    assert row["levels"]["CONFIRMED"] == 2 and row["levels"]["INDICATED"] == 1 and row["levels"]["POSSIBLE"] > 0


def test_cards_tell_no_levels_where_no_log_says_anything(app, small_case):
    test = well(ask(app(), small_case))
    assert "hk-levels" not in "".join(html(test))


def test_within_a_complete_log_silence_is_not_observed(app, marked):
    test = well(ask(app(marked), marked, start=day(2023, 1, 1), until=day(2023, 4, 1)))
    assert by_level(test, "Mailboxes")["NOT OBSERVED"] > 0 == by_level(test, "Mailboxes")["POSSIBLE"]


def test_the_table_has_the_level_and_is_filtered_by_it(app, marked):
    test = well(ask(app(marked), marked))
    expected = {row["key"]: show.signed(row["evidence"], row["evidence"]) for row in answer(marked)["reached"] if row["same_as"] is None}
    table = test.dataframe[0].value
    assert dict(zip(table["key"], table["level"], strict=True)) == expected
    pills = next(group for group in test.button_group if group.key == "levels en")
    well(pills.set_value(["● CONFIRMED"]).run())
    assert set(test.dataframe[0].value["level"]) == {"● CONFIRMED"}
    assert len(test.dataframe[0].value) == sum(level == "● CONFIRMED" for level in expected.values())


def test_a_step_of_the_way_has_its_level_and_the_records_that_show_it(app, marked):
    test = well(ask(app(marked), marked))
    well(test.selectbox(key="node").set_value("mailbox:ken@nisc.example").run())
    shown = unescape(next(part for part in html(test) if "hk-way" in part))
    step = next(row for row in answer(marked)["reached"] if row["key"] == "mailbox:ken@nisc.example")["way"][-1]
    assert step["evidence"] == "CONFIRMED" and "● CONFIRMED" in shown
    (seen,) = step["observations"]
    assert f"{show.moment(seen['at'])} UTC · {seen['observation']}" in shown and f"the attacker’s: ip/{ATTACKER}" in shown


def test_logs_are_drawn_over_the_window_with_the_horizon(app, marked):
    test = well(ask(app(marked), marked))
    drawn = next(part for part in html(test) if "hk-logs" in part)
    at = (day(2023, 1, 1) - day(2022, 10, 1)) / (day(2023, 6, 14) - day(2022, 10, 1)) * 100
    assert f'class="horizon" style="left:{at:.2f}%"' in drawn and f'class="whole" style="left:{at:.2f}%' in drawn
    assert drawn.count('class="seen"') >= len(answer(marked)["logs"])


def test_what_the_attacker_did_elsewhere_is_listed_and_leads_nowhere_by_itself(app, marked):
    test = well(ask(app(marked), marked))
    assert "The attacker elsewhere (1)" in [tab.label for tab in test.tabs]
    rows = next(table.value for table in test.dataframe if "indicator" in table.value.columns)
    assert list(rows["name"]) == ["mari@nisc.example"] and list(rows["indicator"]) == [f"ip/{ATTACKER}"]


def test_correspondents_are_told_by_level_where_levels_differ(app, marked, small_case):
    test = well(ask(go(app(marked), "correspondents"), marked))
    table = next(table.value for table in test.dataframe if "level" in table.value.columns)
    told = answer(marked)["disclosed"]["levels"]
    assert dict(zip(table["level"], table["persons"], strict=True)) == {show.signed(level, level): n["persons"] for level, n in told.items()}
    plain = well(ask(go(app(), "correspondents"), small_case))
    assert not [table for table in plain.dataframe if "level" in table.value.columns]


def test_the_evidence_sentence_is_japanese_from_its_numbers():
    told = ("1,204 log records fit a step, 3 of them an indicator of the attacker. Silence counts only where a log is stated to be complete: "
            "mail access from 2023-01-01T00:00:00+00:00 until 2023-05-01T00:00:00+00:00, sign-ins from 2023-02-01T00:00:00+00:00 until "
            "2023-03-01T00:00:00+00:00. What was possible before stays possible.")  # fmt: skip
    said = words.evidence(told, "ja")
    assert "1,204 件" in said and "3 件" in said and "メール閲覧の監査 2023-01-01 00:00 UTC から 2023-05-01 00:00 UTC まで" in said
    assert "サインイン 2023-02-01 00:00 UTC から" in said and not re.search("[a-z]{3}", said)
    none = "0 log records fit a step, 0 of them an indicator of the attacker. No log is stated to be complete, so silence says nothing."
    assert not re.search("[A-Za-z]", words.evidence(none, "ja"))


def test_every_level_has_a_sign_of_its_own_and_a_word():
    assert len({sign for sign, _ in show.LEVELS.values()}) == len(show.LEVELS) == 5
    assert all(words.known(level) for level in evidence.LEVELS)


# -- the question ------------------------------------------------------------------------------------------------------


def test_steps_that_are_switched_off_are_not_walked(app, small_case):
    test = app()
    before = cards(ask(test, small_case))["Mailboxes"]
    test.multiselect(key="without en").set_value(["full-access"])
    well(ask(test, small_case))
    found = answer(small_case, without=["full-access"])
    assert cards(test)["Mailboxes"] == next(row["reached"] for row in found["counts"] if row["kind"] == "Mailbox") < before
    assert found["profile"] in text(test)
    test.radio(key="language").set_value("ja")
    well(test.run())
    assert test.multiselect(key="without ja").value == ["full-access"] and "除外: full-access" in text(test)


@pytest.mark.parametrize("profile", ["rights", "quiet", "noisy"])
def test_each_profile_can_be_chosen(app, small_case, profile):
    test = app()
    test.radio(key="profile en").set_value(profile)
    well(ask(test, small_case))
    assert cards(test)["Mailboxes"] == next(row["reached"] for row in answer(small_case, profile=profile)["counts"] if row["kind"] == "Mailbox")


# -- marks -------------------------------------------------------------------------------------------------------------


def test_a_sign_seen_in_the_way_is_marked_and_taken_back(app, tmp_path):
    folder = organisation.case_with_logs(tmp_path)
    test = well(ask(app(folder), folder))
    assert by_level(test, "Mailboxes")["CONFIRMED"] == 0
    well(test.selectbox(key="node").set_value("mailbox:ken@nisc.example").run())
    box = next(box for box in test.selectbox if box.label == "Sign")
    assert box.value == ("ip", ATTACKER)
    press(test, "Mark as the attacker's")
    well(test.run())
    assert by_level(test, "Mailboxes")["CONFIRMED"] == 2
    (load,) = [load for load in state.loads(str(folder)) if load.format == "mark"]
    test.button(key=f"forget {load.id}").click()
    well(test.run())
    assert by_level(test, "Mailboxes")["CONFIRMED"] == 0 and not [load for load in state.loads(str(folder)) if load.format == "mark"]


def test_a_typed_sign_counts_only_while_it_is_valid_and_nonsense_is_one_line(app, tmp_path):
    folder = organisation.case_with_logs(tmp_path)
    test = well(ask(app(folder), folder))
    test.selectbox(key="node").set_value("mailbox:bold@nisc.example").run()  # nothing is seen of it
    test.text_input(key="mark value").set_value("no address at all")
    press(test, "Mark as the attacker's")
    test.run()
    assert "is no value of the kind ip" in test.error[0].value and not test.exception
    test.text_input(key="mark value").set_value(ATTACKER)
    test.datetime_input(key="mark until None").set_value(day(2023, 2, 2))
    press(test, "Mark as the attacker's")
    well(test.run())
    assert by_level(test, "Mailboxes")["CONFIRMED"] == 1  # hana's own, on the day before


def test_a_graph_without_a_folder_says_why_nothing_can_be_marked(app, small_case, monkeypatch):
    monkeypatch.setattr(state, "writable", lambda folder: False)
    test = well(ask(app(), small_case))
    assert "This graph has no case folder" in text(test) and not [b for b in test.button if b.label == "Mark as the attacker's"]


def test_a_folder_that_is_none_is_not_writable(tmp_path, small_case):
    assert state.writable(str(small_case)) and not state.writable(str(tmp_path / "none"))


# -- exposure and ways -------------------------------------------------------------------------------------------------


def test_the_curve_is_drawn_when_it_is_asked_for_and_says_what_was_saved(app, small_case):
    test = well(ask(app(), small_case))
    assert not test.get("vega_lite_chart") and not test.get("arrow_vega_lite_chart")
    well(test.toggle(key="curve").set_value(True).run())
    found = answer(small_case, "curve")
    table = next(table.value for table in test.dataframe if "words" in table.value.columns)
    assert list(table["persons"]) == [one["persons"] for one in found["earlier"]] and list(table["words"]) == [f"{one['words']} earlier" for one in found["earlier"]]
    assert list(table["Mailbox"]) == [one["reached"]["Mailbox"]["NOT OBSERVED"] for one in found["earlier"]]
    assert test.get("vega_lite_chart") or test.get("arrow_vega_lite_chart")


def test_all_ways_take_the_place_of_the_single_way_in_list_and_picture(app, small_case):
    test = well(ask(app(), small_case))
    well(test.selectbox(key="node").set_value("mailbox:info@nisc.example").run())
    well(test.toggle(key="all ways").set_value(True).run())
    case = Case(small_case, {})
    found = case.ways(WHO, "mailbox:info@nisc.example", FROM, UNTIL)
    case.close()
    shown = unescape(next(part for part in html(test) if "hk-way" in part))
    assert found["steps"] and all(step["sentence"] in shown for step in found["steps"])
    assert f"{len(found['steps'])} steps over {found['things']} things" in text(test)


def test_steps_are_told_in_the_order_in_which_they_are_walked():
    steps = [{"source": a, "target": b, "length": 2, "at": ""} for a, b in (("y2", "z"), ("x", "y1"), ("s", "x"))]
    assert [step["target"] for step in way.in_order(steps, ["s"], {"y1": "y", "y2": "y"})] == ["x", "y1", "z"]


def test_steps_of_other_ways_are_laid_over_the_picture_thick():
    reached = [{"key": "m", "hops": 1, "way": [{"source": "s", "target": "m", "rule": "r"}]}]
    drawn = rings.with_steps(rings.tree(["s"], reached, 9), [{"source": "k", "target": "m2", "rule": "q"}, {"source": "s", "target": "k", "rule": "q"}], {"m2": "m"})
    assert drawn.thick == {("s", "k"), ("k", "m")} and drawn.depth == {"s": 0, "m": 1, "k": 1}
    assert set(rings.positions(drawn)[0]) == {"s", "m", "k"}


def test_the_navigator_layer_is_offered(app, small_case):
    test = well(ask(app(), small_case))
    assert "Layer for the ATT&CK Navigator" in [button.proto.label for button in test.get("download_button")]


# -- contain and rank --------------------------------------------------------------------------------------------------


def test_contain_shows_what_each_action_takes_and_what_is_left_after_the_ticked_ones(app, small_case):
    test = well(ask(go(app(), "contain"), small_case))
    found = answer(small_case, "contain")
    assert cards(test)["Held then"] == found["things"] == cards(test)["Left after the ticked actions"]
    assert cards(test)["In its own right"] == len(found["lasting"])
    first = found["actions"][0]
    box = next(box for box in test.checkbox if str(box.key).startswith(f"do {first['id']} "))
    assert f"takes {first['gain']}" in box.label and f"` {first['text']} `" in box.label
    box.check()
    press(test, "Show what is left")
    well(test.run())
    after = answer(small_case, "contain", done=[first["id"]])
    assert cards(test)["Left after the ticked actions"] == after["left"]["things"] < found["things"]


def test_contain_finds_the_least_for_what_matters_most(app, small_case):
    test = well(ask(go(app(), "contain"), small_case))
    box = next(box for box in test.multiselect if box.label.startswith("What matters most"))
    box.set_value(["mailbox:info@nisc.example"])
    press(test, "Work out")
    well(test.run())
    (target,) = answer(small_case, "contain", targets=["mailbox:info@nisc.example"])["targets"]
    assert target["verified"] and "Tried by walking again: it holds." in text(test)
    assert [action["text"] for action in target["actions"]] in [list(table.value["text"]) for table in test.dataframe if "text" in table.value.columns]


def test_contain_tells_the_order_and_offers_it(app, small_case):
    test = well(ask(go(app(), "contain"), small_case))
    plan = answer(small_case, "contain")["plan"]
    table = next(table.value for table in test.dataframe if "stage" in table.value.columns)
    assert list(table["do"]) == [one["do"] for stage in plan["stages"] for one in stage]
    labels = [button.proto.label for button in test.get("download_button")]
    assert labels.count("Download CSV") >= 3 and "Whole result as JSON" in labels


def test_actions_are_told_in_japanese(small_case):
    found = answer(small_case, "contain")
    for one in [*found["actions"], *found["greedy"]["actions"]]:
        said = words.action(one["text"], "ja")
        assert said != one["text"] and re.search("[\u3040-\u30ff]", said), said
    assert words.known(found["greedy"]["bound_by"])


def test_ranking_waits_for_its_button_and_lists_every_account(app, small_case):
    test = well(go(app(), "rank"))
    assert not test.dataframe
    ask(test, small_case)
    press(test, "Work out the ranking")
    well(test.run())
    case = Case(small_case, {})
    found = case.rank(FROM, UNTIL)
    case.close()
    table = test.dataframe[0].value
    assert list(zip(table["key"], table["total"], strict=True)) == [(row["key"], row["total"]) for row in found["accounts"]]
    assert list(test.dataframe[1].value["accounts"]) == [row["accounts"] for row in found["upstream"]]
    well(test.text_input(key="rank filter").set_value("ken").run())
    assert 0 < len(test.dataframe[0].value) < len(found["accounts"])
    assert all("ken" in f"{name} {key}".casefold() for name, key in zip(test.dataframe[0].value["name"], test.dataframe[0].value["key"], strict=True))


def test_numbers_stay_numbers_in_what_is_saved(small_case):
    case = Case(small_case, {})
    found = json.loads(show.as_json(case.rank(FROM, UNTIL)))
    case.close()
    assert all(isinstance(row["total"], int) for row in found["accounts"])


def test_a_mark_of_every_kind_is_one_that_the_case_takes(tmp_path):
    assert [words.known(word) for word in marks.KINDS.values()] == [True] * 5
    case = Case(tmp_path / "case", {})
    for kind in marks.KINDS:
        assert case.mark(kind, "203.0.113.9" if kind == "ip" else "value-1").format == "mark"
    case.close()


def test_a_title_of_a_step_is_japanese_where_its_sentence_is():
    step = SimpleNamespace(id="full-access", title="Open a mailbox", sentence="x")
    assert words.step_title(step, "en") == "Open a mailbox" and "A" in words.step_title(step, "ja")
