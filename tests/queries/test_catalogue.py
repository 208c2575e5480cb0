"""Headers: what they say, and that each fault is named in one line with the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graphmodel.errors import QueryError, UsageError
from graphmodel.kinds import EDGES
from queries.catalogue import FOLDER, attack_names, find_saved, read_saved, read_step, read_steps, saved, steps
from queries.profiles import profile
from tests.support.cases import kinds_named

STEP = """\
// id: read-shelf
// number: S99
// title: Read a shelf
// sentence: {source} reads {target}
// needs: [OWNS]
// hold: borrowed
// attack: [T1114.002]
// survives_reset: no
// closes_with: Lock it
// confirmed_by: [a log, another log]
// likelihood: low; a study
// limits: Says nothing
//   about drawers.
MATCH (a:Account)-[o:OWNS]->(m:Mailbox)
RETURN a.key AS source, m.key AS target, o.valid_from AS opens, o.valid_until AS closes, [o.fact] AS because
"""
SAVED = """\
// title: Who owns what
// asks: incident lead
// question: Whose is it?
// columns: [who]
// parameter: who string =  | name; empty: all
// parameter: top int = 5 | how many
MATCH (a:Account)
WHERE $who IN ['', a.name]
RETURN a.key AS who
ORDER BY who
LIMIT $top
"""


def written(folder: Path, text: str, name: str = "collection_shelf.cypher") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_header_says_what_a_step_is(tmp_path):
    step = read_step(written(tmp_path, STEP))
    assert (step.id, step.number, step.needs, step.attack) == ("read-shelf", "S99", ("OWNS",), ("T1114.002",))
    assert (step.hold, step.survives_reset, step.vantage, step.profile) == ("borrowed", False, "at rest", "quiet")
    assert step.confirmed_by == ("a log", "another log")
    assert (step.likelihood, step.likelihood_source, step.by_itself) == ("low", "a study", False)
    assert step.limits == "Says nothing about drawers."
    assert step.cypher == STEP
    assert (step.derivation.rule, step.derivation.hold, step.derivation.vantage) == ("read-shelf", "borrowed", "at rest")


def test_a_header_says_what_a_question_is(tmp_path):
    question = read_saved(written(tmp_path, SAVED, "owner_whose.cypher"))
    assert (question.name, question.columns, question.engine) == ("owner_whose", ("who",), "both")
    assert [(p.name, p.type, p.default, p.meaning) for p in question.parameters] == [
        ("who", "string", "", "name; empty: all"), ("top", "int", 5, "how many"),
    ]  # fmt: skip
    assert question.bind({"top": "3"}) == {"who": "", "top": 3}


FAULTS = {
    "a line that is no key": ("// title: Read a shelf\n", "// Read a shelf\n", "line 3: a header line reads `// key: value`, not '// Read a shelf'"),
    "a key that is missing": ("// hold: borrowed\n", "", "the header lacks hold"),
    "a key without a value": ("// hold: borrowed\n", "// hold:\n", "the header lacks hold"),
    "an empty list": ("[OWNS]", "[]", "the header lacks needs"),
    "an unknown key": ("// hold: borrowed\n", "// hold: borrowed\n// colour: red\n", "the header has an unknown key colour"),
    "a key that is missing and one that is unknown": ("// hold:", "// holt:", "the header lacks hold and has an unknown key holt"),
    "a key said twice": ("// hold: borrowed\n", "// hold: borrowed\n// hold: foothold\n", "the header says hold twice"),
    "an unknown hold": ("borrowed", "kept", "hold is 'kept'; it is one of borrowed, foothold"),
    "an unknown survives_reset": ("survives_reset: no", "survives_reset: maybe", "survives_reset is 'maybe'; it is one of no, yes"),
    "an unknown vantage": ("// hold: borrowed\n", "// hold: borrowed\n// vantage: above\n", "vantage is 'above'; it is one of at rest, in part, in transit"),
    "an unknown profile": ("// hold: borrowed\n", "// hold: borrowed\n// profile: loud\n", "profile is 'loud'; it is one of noisy, quiet, rights"),
    "a need that is no kind": ("[OWNS]", "[OWNS, LENDS]", "needs LENDS, which is no kind of the graph"),
    "an ATT&CK id that is none": ("[T1114.002]", "[T1114.002, T9999]", "T9999 is not in the shipped ATT&CK list"),
    "an id with a blank": ("id: read-shelf", "id: Read shelf", "id is 'Read shelf'; it is made of small letters, digits and hyphens"),
    "a number that is none": ("S99", "99", "number is '99'; it is S or AD and two digits"),
    "a likelihood without a source": ("low; a study", "low", "likelihood reads `rare|low|medium|high|near certain|certain; source`, not 'low'"),
    "a likelihood that is none": ("low; a study", "5 %; a study", "likelihood reads `rare|low|medium|high|near certain|certain; source`, not '5 %; a study'"),
    "an unknown way to be taken": ("// hold: borrowed\n", "// hold: borrowed\n// taken: by chance\n", "taken is 'by chance'; it is one of by act, by itself"),
    "a sentence without an end": ("{source} reads {target}", "{source} reads", "the sentence does not name {target}"),
    "a parameter": ("(a:Account)-", "(a:Account {key: $who})-", "a step takes no parameter, but it uses $who"),
    "a query that writes": ("RETURN a.key", "SET a.name = 'x'\nRETURN a.key", "only reading is allowed, but it says SET"),
    "a query that calls": ("MATCH (a", "CALL db.labels()\nMATCH (a", "only reading is allowed, but it says CALL"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_step_is_named_in_one_line_with_the_file(fault, tmp_path):
    old, new, message = FAULTS[fault]
    assert STEP.count(old) == 1
    with pytest.raises(QueryError) as caught:
        read_step(written(tmp_path, STEP.replace(old, new)))
    assert str(caught.value) == f"collection_shelf.cypher: {message}"


SAVED_FAULTS = {
    "a key that is missing": ("// asks: incident lead\n", "", "the header lacks asks"),
    "columns that are none": ("[who]", "[]", "the header lacks columns"),
    "a parameter without a meaning": (" | how many", "", "a parameter reads `name string|int = default | meaning`, not 'top int = 5'"),
    "a parameter of an unknown type": ("top int", "top date", "a parameter reads `name string|int = default | meaning`, not 'top date = 5 | how many'"),
    "a default that is no number": ("int = 5", "int = few", "the default of top is a whole number, not 'few'"),
    "a parameter declared twice": ("// parameter: top", "// parameter: top int = 1 | how many\n// parameter: top", "there are two parameters top"),
    "a parameter that is not used": ("LIMIT $top", "LIMIT 5", "the parameter top is declared but not used"),
    "a parameter that is not declared": ("LIMIT $top", "SKIP $from_row LIMIT $top", "the parameter from_row is used but not declared"),
    "an unknown engine": ("// columns", "// engine: abacus\n// columns", "engine is 'abacus'; it is one of both, embedded, neo4j"),
    "a query that writes": ("RETURN", "MERGE (b:Account)\nRETURN", "only reading is allowed, but it says MERGE"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SAVED_FAULTS)
def test_a_fault_in_a_question_is_named_in_one_line_with_the_file(fault, tmp_path):
    old, new, message = SAVED_FAULTS[fault]
    assert SAVED.count(old) == 1
    with pytest.raises(QueryError) as caught:
        read_saved(written(tmp_path, SAVED.replace(old, new)))
    assert str(caught.value) == f"collection_shelf.cypher: {message}"


def test_a_header_alone_is_no_step(tmp_path):
    with pytest.raises(QueryError, match=r"^collection_shelf\.cypher: there is no query below the header$"):
        read_step(written(tmp_path, STEP[: STEP.index("MATCH")]))


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "collection_shelf.cypher"
    path.write_bytes(STEP.replace("drawers", "Türen").encode("latin-1"))
    with pytest.raises(QueryError, match=r"^collection_shelf\.cypher: byte \d+ is no UTF-8; save the file as UTF-8$"):
        read_step(path)


def test_a_word_of_writing_within_quotes_or_a_comment_is_no_writing(tmp_path):
    text = STEP.replace("RETURN a.key", "// SET nothing here\nWHERE a.name <> 'DELETE me'\nRETURN a.key")
    assert read_step(written(tmp_path, text)).id == "read-shelf"


def test_two_steps_with_one_id_are_refused(tmp_path):
    written(tmp_path, STEP, "a_first.cypher")
    written(tmp_path, STEP.replace("S99", "S98"), "b_second.cypher")
    with pytest.raises(QueryError, match=r"^a_first\.cypher: b_second\.cypher has the id read-shelf too$"):
        read_steps(tmp_path)


def test_steps_come_by_number_and_id(tmp_path):
    for name, id_, number in (("a", "z-last", "S02"), ("b", "b-second", "S01"), ("c", "a-first", "S01")):
        written(tmp_path, STEP.replace("read-shelf", id_).replace("S99", number), f"{name}.cypher")
    assert [step.id for step in read_steps(tmp_path)] == ["a-first", "b-second", "z-last"]


def test_every_step_file_is_a_step_with_an_id_of_its_own():
    files = list((FOLDER / "steps").glob("*.cypher"))
    assert len(files) == len(steps()) == len({step.id for step in steps()})
    assert all(step.id == step.file.removesuffix(".cypher").partition("_")[2] for step in steps())


def test_the_steps_are_those_that_were_to_be_built_first():
    wanted = {"S01", "S02", "S03", "S04", "S05", "S06", "S07", "S12", "S14", "S16", "S23", "S24", "S25", "S26"}
    assert wanted <= {step.number for step in steps()}


def test_a_step_needs_just_the_relationships_that_its_query_names():
    for step in steps():
        assert set(step.needs) == kinds_named(step.cypher) & set(EDGES), step.file


def test_the_profile_of_rights_may_be_called_rights_only():
    assert profile("rights-only", steps()) == profile("rights", steps())


def test_only_phishing_is_walked_with_the_noisy_profile_alone():
    assert [step.id for step in steps() if step.profile == "noisy"] == ["internal-phishing", "vendor-compromise", "list-members"]


def test_only_passing_mail_is_seen_in_transit():
    assert [step.id for step in steps() if step.vantage == "in transit"] == ["mail-in-transit", "transport-rule-mail"]


def test_every_attack_id_is_a_technique_of_the_shipped_version():
    version, techniques = attack_names()
    assert version == "18.1"
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", id_) and name for id_, name in techniques.items())
    assert all(id_ in techniques for step in steps() for id_ in step.attack)


def test_a_question_is_found_by_its_name():
    assert find_saved("mail_whom-it-wrote-with").title == "Whom a mailbox wrote with most"
    assert len(saved()) >= 10
    assert [question.name for question in saved()] == sorted(question.name for question in saved())


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one():
    with pytest.raises(UsageError, match=r"no saved question is called 'Opened-By'; did you mean mailbox_opened-by-most\?"):
        find_saved("Opened-By")


def test_a_name_that_is_quite_wrong_is_answered_with_where_they_are_listed():
    with pytest.raises(UsageError, match=r"no saved question is called 'weather'; `hakyu queries` lists them"):
        find_saved("weather")


def test_every_question_is_asked_by_somebody_and_ends_like_one():
    for question in saved():
        assert question.asks
        assert "?" in question.question, question.file
        assert "ORDER BY" in question.cypher, f"{question.file}: rows without an order differ by engine"
