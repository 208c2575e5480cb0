"""Columns of addresses say what each text says by itself."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from graphmodel import identity
from loaders import address_columns, reading

_NAMES = ["x500:/o=X/cn=a", "X500:/O=X/ou=Ä/CN=A]", "/o=X/cn=", "/o=x", "EX:/o=X/cn=\u212a", "IMCEAEX-_O=X_CN=K+2Ea@x.example", "[EX:/o=X/cn=a]", "ſmtp:a@x.example",
          "SMTP:p@x.example smtp:b@x.example", "SMTP:p@x.example  x", "SMTP:p@x.example smtp:b@x.example,smtp:c@x.example", "x500:/o=X/cn=a smtp:q@x.example"]  # fmt: skip
_CELLS = ["SMTP:a@x.example smtp:b@x.example", "{SMTP:b@x.example, smtp:b2@x.example}", "a@x.example; b@x.example", "X500:/o=X/cn=a,b", "CN=a,b", "one two", "{a;b"]


def test_addresses_are_those_of_the_one_spelling():
    """For every character of Unicode's first planes, in both places of an address."""
    texts = [f"{before}{chr(code)}{after}" for code in [*range(0x500), *range(0x2000, 0x2200), 0x3000, 0xFF21] for before, after in (("", "a@x.example"), ("a@x", ".example"))]
    texts += ["a@x", "a@localhost", "a.@x.example", ".@x.example", "a@x_y.example", "a@x..example", "a@-x.example", "a@x-.example", "a@b@x.example", f"{'a' * 70}@x.example"]
    assert address_columns.addresses(pl.Series(texts)).to_list() == [identity.address(text) for text in texts]


@given(st.lists(st.text(alphabet="aX:@;, {}=/5\u3000.", max_size=14) | st.sampled_from(_CELLS), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_lists_of_many_cells_have_the_items_of_each(cells):
    cells = [cell.strip() for cell in cells]
    rows, items = address_columns._split(np.arange(len(cells)), pl.Series(cells, dtype=pl.String))
    assert sorted(zip(rows.tolist(), items.to_list(), strict=True)) == sorted((at, item) for at, cell in enumerate(cells) for item in reading.split_list(cell))


@given(st.lists(st.text(alphabet="aKſ\u212a:@;, =/-.X50o<]cn", max_size=12) | st.sampled_from(_NAMES), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_names_and_items_of_many_cells_are_those_of_each(texts):
    assert address_columns.exchange_dns(pl.Series(texts)).to_list() == [identity.exchange_dn(text) for text in texts]
    known = address_columns.listed(pl.Series(texts), pl.Series(["p@x.example"] * len(texts)), lambda _, cells: cells.str.strip_chars())
    addresses, names = [], []
    for at, text in enumerate(texts):
        for prefix, colon, item, whole in ((*item.partition(":"), item) for item in reading.split_list(text)):
            if colon and prefix.casefold() != "smtp":
                names.append((at, identity.exchange_dn(whole)))
            else:
                addresses.append((at, identity.address(item if colon else whole)))
    found = {*zip(known.at.tolist(), known.addresses.to_list(), strict=True)}, {*zip(known.named.tolist(), known.names.to_list(), strict=True)}
    for one, other in zip(found, (addresses, names), strict=True):
        assert {pair for pair in one if pair[1] not in (None, "p@x.example")} == {pair for pair in other if pair[1] not in (None, "p@x.example")}
