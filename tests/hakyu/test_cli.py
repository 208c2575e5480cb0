"""Each command as a user types it: what it prints for people, what for a pipe, how it ends."""

from __future__ import annotations

import csv
import io
import json
import os

import pytest
from click.testing import CliRunner

from graphmodel.facts import FactBuffer
from hakyu import present
from hakyu.cli import main
from loaders.base import Source
from tests.support.exports import AGENCY, load, new_case, write
from tests.support.run import hakyu

WHO = ("suzuki@agency.example", "--from", "2022-10-01", "--to", "2023-06-13")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli")
    case = new_case(path)
    load(case, path / "exports", AGENCY | {"other.csv": AGENCY["permissions.csv"] + '"","x","{FullAccess}","False","False"\r\n'})
    case.close()
    return path / "case"


@pytest.fixture
def run(folder, monkeypatch):
    for name in ("NEO4J_URI", "HAKYU_CASE"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(main, ["--case", str(folder), *arguments])


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_has_help(command, run):
    done = run(command, "--help")
    assert done.exit_code == 0 and len(done.output.splitlines()) > 3


@pytest.mark.parametrize("arguments", [("loads",), ("formats",), ("steps",), ("queries",), ("query", "mailbox_who-can-open"),
                                       ("cypher", "MATCH (a:Account) RETURN a.key AS key ORDER BY key"), ("blast", *WHO), ("doctor",)])  # fmt: skip
def test_every_answer_comes_as_a_table_and_as_json(arguments, run):
    table, data = run(*arguments), run(*arguments, "--json")
    assert table.exit_code == data.exit_code == 0
    assert table.output.strip() and "Traceback" not in table.output
    assert json.loads(data.output)


def test_rows_go_to_a_pipe_as_csv_with_formulas_quoted(run):
    done = run("cypher", "RETURN '=1+3' AS a, '+x' AS b, 5 AS c, 'plain' AS d")
    assert list(csv.reader(io.StringIO(done.output))) == [["a", "b", "c", "d"], ["'=1+3", "'+x", "5", "plain"]]


def test_blast_says_numbers_ways_countries_and_what_was_not_collected(run):
    text = run("blast", *WHO).output
    assert "Suzuki Ichiro (upn:suzuki@agency.example), held from 2022-10-01" in text
    assert "opens the shared mailbox Desk" in text
    assert "3 persons, 3 addresses, 3 messages, 3 organisations, 2 countries; country not known for 1 addresses" in text
    assert "Germany" in text and "South Korea" in text
    assert "groups not collected" in text and "Not collected:" in text


def test_rows_by_the_same_way_are_told_once_with_their_number():
    def row(n):
        way = [{"rule": "mail-server", "source": "s", "target": n, "source_name": "S", "target_name": n, "sentence": f"S stores {n}"}]
        return {"key": n, "name": n, "first": "2023", "evidence": "POSSIBLE", "way": way}

    assert present._by_way([row("a"), row("b"), row("c")]) == [("a and 2 more", "2023", "POSSIBLE", "S stores a")]


def test_a_step_between_two_names_that_read_alike_is_not_told_but_another_is(run):
    ways = [row["way"] for row in json.loads(run("blast", *WHO, "--json").output)["reached"]]
    same = [step for way in ways for step in way if step["rule"] == "same-identity"]
    assert same and "is the same as" in same[0]["sentence"]
    text = run("blast", *WHO).output
    assert all((step["sentence"] in text) == (step["source_name"] != step["target_name"]) for step in same)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("blast", "nobody@agency.example", "--from", "2022-10-01"), 2, "is nobody the case knows"),
        (("blast", *WHO[:1], "--from", "spring"), 2, "'spring' is not a date"),
        (("query", "no-such-question"), 2, "no saved question is called"),
        (("query", "mailbox_who-can-open", "nonsense=1"), 2, "has no parameter"),
        (("cypher", "MATCH (a DELETE a"), 5, "refused"),
        (("cypher", "CREATE (a:Account {key: 'x'})"), 5, "only reading"),
        (("forget", "zzz"), 2, "names 0 loads"),
        (("loads", "zzz"), 2, "names 0 loads"),
        (("load", "not-there.csv"), 2, "no such file"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_with_its_own_exit_code(arguments, code, words, run):
    done = run(*arguments)
    assert done.exit_code == code
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("hakyu: ") and words in line


def test_control_characters_of_a_file_never_reach_the_terminal(tmp_path):
    name = "\x1b[31mred\x1b[0m\x07"
    write(tmp_path, {"m.csv": AGENCY["mailboxes.csv"].replace("Suzuki Ichiro", name)})
    hakyu(tmp_path / "case", "load", tmp_path / "m.csv")
    done = hakyu(tmp_path / "case", "blast", "suzuki@agency.example", "--from", "2022-10-01")
    assert done.code == 0 and "red" in done.out
    assert "\x1b" not in done.out and "\x07" not in done.out


def test_refused_rows_of_a_load_are_listed(run):
    loads = json.loads(run("loads", "--json").output)
    (load_,) = (one for one in loads if one["refused"])
    rows = json.loads(run("loads", load_["id"], "--json").output)
    assert [row["place"] for row in rows] == ["row 4"]
    assert load_["why"][0].endswith("1 row (first: row 4)")


def test_doctor_ends_with_1_when_something_is_wrong(tmp_path):
    done = hakyu(tmp_path / "nothing", "doctor")
    assert done.code == 1 and "no case there" in done.out


def test_the_case_folder_is_named_by_the_environment(tmp_path, folder):
    clean = hakyu(folder, "loads", "--json")
    import subprocess
    import sys

    environment = {k: v for k, v in os.environ.items() if not k.startswith("NEO4J_")} | {"HAKYU_CASE": str(folder)}
    done = subprocess.run([sys.executable, "-m", "hakyu", "loads", "--json"], capture_output=True, text=True, env=environment, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == json.loads(clean.out)


def test_the_line_of_progress_says_bytes_and_records_of_the_file_being_read(tmp_path):
    case = new_case(tmp_path)
    source = Source(write(tmp_path, {"p.csv": AGENCY["permissions.csv"]}) / "p.csv", "p.csv")
    doing = present.Doing(case, "reading p.csv")
    assert doing.line() == "reading p.csv"
    case.reading = (source, FactBuffer(records=1234))
    size = len(AGENCY["permissions.csv"])
    assert doing.line() == f"reading p.csv  0 bytes of {size} bytes, 1,234 records"
    with source.open() as stream:
        stream.read()
    assert doing.line() == f"reading p.csv  {size} bytes of {size} bytes, 1,234 records"
    case.reading = (Source(tmp_path, "folder"), FactBuffer(records=2))
    assert doing.line() == "reading p.csv  2 records"


def test_progress_is_drawn_on_a_terminal_and_leaves_nothing_in_a_pipe(tmp_path):
    import pty
    import subprocess
    import sys

    write(tmp_path, AGENCY)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hakyu", "--case", str(tmp_path / "case"), "load", str(tmp_path / "trace.csv")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True)
    os.close(theirs)
    drawn = b""
    while chunk := _read(ours):
        drawn += chunk
    assert "trace.csv: message_trace: read 4" in done.stdout and "\x1b" not in done.stdout
    assert b"reading" in drawn or b"merging" in drawn or b"steps" in drawn


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
