from __future__ import annotations

import polars as pl
import pytest

from graphmodel.lookalike import flagged, skeleton


def resembles(*rows):
    frame = pl.DataFrame(rows, schema={"address": pl.String, "internal": pl.Boolean}, orient="row")
    return dict(flagged(frame).select("address", "looks_like").iter_rows())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ITCornpany", "ITCompany"), ("rnicrosoft", "microsoft"), ("g00gle", "google"), ("paypa1", "paypal"), ("ｎｃｃｏ", "ncco"),
        ("раураl", "paypal"), ("vvidget", "widget"), ("anna.schmidt", "annaschmidt"), ("josé", "jose"), ("lnfo", "info"),
    ],
)  # fmt: skip
def test_texts_that_are_drawn_alike_have_one_skeleton(one, other):
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [("anna", "hanna"), ("tanaka", "takana"), ("desk1", "desk2"), ("suzuki", "suzuka")])
def test_texts_that_only_resemble_in_part_have_not(one, other):
    assert skeleton(one) != skeleton(other)


def test_a_domain_drawn_like_an_internal_one_is_flagged_and_the_own_and_others_are_not():
    found = resembles(("a@company.example", True), ("b@cornpany.example", False), ("c@other.example", False))
    assert found == {"a@company.example": None, "b@cornpany.example": "company.example", "c@other.example": None}


def test_the_name_of_somebody_inside_at_a_public_provider_is_flagged_and_a_common_or_short_name_is_not():
    found = resembles(
        ("itcornpany@own.example", True), ("info@own.example", True), ("ann@own.example", True),
        ("itcompany@gmail.com", False), ("itcornpany@gmail.com", False), ("info@gmail.com", False), ("ann@gmail.com", False),
        ("itcornpany@partner.example.org", False),
    )  # fmt: skip
    assert {address for address, like in found.items() if like} == {"itcompany@gmail.com", "itcornpany@gmail.com"}
    assert found["itcompany@gmail.com"] == "itcornpany@own.example"


def test_two_names_inside_that_are_drawn_alike_are_flagged_and_two_spellings_with_a_dot_are_not():
    found = resembles(("itcornpany@own.example", True), ("itcompany@own.example", True), ("h.sato@own.example", True), ("hsato@own.example", True))
    assert found == {
        "itcornpany@own.example": "itcompany@own.example", "itcompany@own.example": "itcornpany@own.example",
        "h.sato@own.example": None, "hsato@own.example": None,
    }  # fmt: skip
