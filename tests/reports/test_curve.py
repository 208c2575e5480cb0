"""The exposure curve of the small agency: each point is what a shorter window would have given."""

from __future__ import annotations

import pytest

from reach.evidence import LEVELS
from tests.support.exports import AGENCY, load, new_case

START, END = "2022-10-01T00:00:00+00:00", "2023-06-13T00:00:00+00:00"


@pytest.fixture(scope="module")
def agency(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curve")
    case = new_case(folder)
    load(case, folder / "exports", AGENCY)
    yield case
    case.close()


def numbers(blast):
    return {row["kind"]: row["reached"] for row in blast["counts"] if row["reached"]}


def test_there_is_a_point_a_day_and_the_last_is_the_whole_window(agency):
    found = agency.curve("suzuki@agency.example", START, END)
    whole = agency.blast("suzuki@agency.example", START, END)
    assert len(found["points"]) == 255 and found["totals"] == found["points"][-1]
    assert {kind: levels[LEVELS[0]] for kind, levels in found["totals"]["reached"].items()} == numbers(whole)
    assert [found["totals"][name] for name in ("persons", "addresses", "messages")] == [
        whole["disclosed"]["at_rest"][name] for name in ("persons", "addresses", "messages")
    ]


@pytest.mark.parametrize("until", ["2022-10-02", "2022-11-04", "2022-11-05", "2023-02-05", "2023-06-01"])
@pytest.mark.parametrize("profile", ["rights", "noisy"])
def test_a_point_is_what_a_window_that_ends_there_gives(agency, until, profile):
    found = agency.curve("tanaka@agency.example", START, END, profile)
    shorter = agency.blast("tanaka@agency.example", START, until, profile)
    (point,) = (p for p in found["points"] if p["at"] == f"{until}T00:00:00+00:00")
    assert {kind: levels[LEVELS[0]] for kind, levels in point["reached"].items() if levels[LEVELS[0]]} == numbers(shorter)
    assert point["persons"] == shorter["disclosed"]["at_rest"]["persons"] and point["messages"] == shorter["disclosed"]["at_rest"]["messages"]


def test_it_only_grows(agency):
    points = agency.curve("tanaka@agency.example", START, END, "noisy")["points"]
    for before, after in zip(points, points[1:], strict=False):
        assert all(before[name] <= after[name] for name in ("persons", "addresses", "messages"))
        assert all(n <= after["reached"][kind][level] for kind, levels in before["reached"].items() for level, n in levels.items())


def test_earlier_discovery_saves_what_came_after_it(agency):
    found = agency.curve("suzuki@agency.example", START, END)
    assert [(row["days"], row["at"]) for row in found["earlier"]] == [(7, "2023-06-06T00:00:00+00:00"), (30, "2023-05-14T00:00:00+00:00"), (183, "2022-12-12T00:00:00+00:00")]
    saved = {row["days"]: (row["persons"], row["messages"]) for row in found["earlier"]}
    assert saved == {7: (0, 0), 30: (0, 0), 183: (1, 1)}  # the press was written to in February 2023
    assert agency.curve("suzuki@agency.example", "2023-06-01", END)["earlier"][-1]["days"] == 7  # no longer than the window
