"""Marks of every kind: a record that bears the sign is the attacker's, so what it only indicated is confirmed; another's is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphmodel.facts import FactBuffer
from graphmodel.times import from_iso
from hakyu.case import Case
from tests.support.loads import put

ANN, BOX, OTHER = ("Account", "account:ann@hq.example"), ("Mailbox", "mailbox:ann@hq.example"), ("Mailbox", "mailbox:desk@hq.example")
START = "2026-03-01T00:00:00Z"
SIGNS = {
    "ip": ("ip", "203.0.113.9", "198.51.100.4"),
    "session": ("session", "5e551011-0000-4000-8000-000000000001", "5e551011-0000-4000-8000-000000000002"),
    "token": ("token", "kJ3pQx7TAkqM2wEAAAAAAA", "kJ3pQx7TAkqM2wEAAAAAAB"),
    "user agent": ("user_agent", "BAV2ROPC", "Mozilla/5.0"),
    "app": ("app", "00000007-0000-4000-8000-000000000007", "00000007-0000-4000-8000-000000000008"),
}


def said(out: FactBuffer) -> None:
    """Ann's mailbox and one she may open; a read of each, by two sessions of which every sign differs."""
    out.node("Account", ANN[1], "row 1", name="ann@hq.example")
    for box, number in ((BOX, 1), (OTHER, 2)):
        out.node("Mailbox", box[1], "row 1", name=box[1].partition(":")[2], type="user")
        observation = ("Observation", f"obs:byhand/{number}")
        signs: dict[str, Any] = {column: values[number - 1] for column, *values in SIGNS.values()}
        at = from_iso(f"2026-03-0{number + 1}T12:00:00Z")
        out.node("Observation", observation[1], f"row {number}", at=at, operation="MailItemsAccessed", as_who="owner" if number == 1 else "delegate", succeeded=True, **signs)
        out.edge("OBSERVED", observation, ANN, f"row {number}", role="actor")
        out.edge("OBSERVED", observation, box, f"row {number}", role="mailbox")
    out.edge("OWNS", ANN, BOX, "row 1", basis="export")
    out.edge("FULL_ACCESS", ANN, OTHER, "row 2")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder: Path = tmp_path_factory.mktemp("marks") / "case"
    opened = Case(folder, {})
    put(opened.ledger, made=said)
    yield opened
    opened.close()


def levels(case: Case) -> dict[str, str]:
    """The level of both mailboxes, by their keys."""
    return {row["key"]: row["evidence"] for row in case.blast(ANN[1], START)["reached"] if row["kind"] == "Mailbox"}


@pytest.mark.parametrize("kind", SIGNS)
def test_a_mark_turns_what_a_record_indicates_into_what_it_confirms_and_only_that(kind, case):
    _, mine, _ = SIGNS[kind]
    mark = case.mark(kind, mine)
    assert levels(case) == {BOX[1]: "CONFIRMED", OTHER[1]: "INDICATED"}
    found = {row["key"]: row["way"][-1]["observations"] for row in case.blast(ANN[1], START)["reached"] if row["kind"] == "Mailbox"}
    assert [one["indicator"].casefold() for one in found[BOX[1]]] == [f"indicator:{kind}/{mine}".casefold()]
    case.forget(mark.id)
    assert levels(case) == {BOX[1]: "INDICATED", OTHER[1]: "INDICATED"}


def test_a_token_is_the_same_whatever_its_letters_case_and_the_spaces_around_it(case):
    mark = case.mark("token", f" {SIGNS['token'][1].lower()} ")
    assert levels(case)[BOX[1]] == "CONFIRMED"
    case.forget(mark.id)


@pytest.mark.parametrize(("start", "until", "level"), [
    ("2026-03-02T12:00:00Z", "2026-03-02T12:00:01Z", "CONFIRMED"), (None, "2026-03-02T12:00:00Z", "INDICATED"), ("2026-03-02T12:00:01Z", None, "INDICATED"),
])  # fmt: skip
def test_a_token_counts_only_while_the_mark_says_that_it_was_the_attackers(start, until, level, case):
    mark = case.mark("token", SIGNS["token"][1], start, until)
    assert levels(case)[BOX[1]] == level
    case.forget(mark.id)


def test_the_value_of_one_kind_is_no_sign_of_another(case):
    mark = case.mark("session", SIGNS["token"][1])
    assert levels(case) == {BOX[1]: "INDICATED", OTHER[1]: "INDICATED"}
    case.forget(mark.id)


def test_tokens_of_both_records_confirm_both(case):
    marks = [case.mark("token", value) for value in SIGNS["token"][1:]]
    assert levels(case) == {BOX[1]: "CONFIRMED", OTHER[1]: "CONFIRMED"}
    for mark in marks:
        case.forget(mark.id)
