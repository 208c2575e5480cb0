"""Addresses and lists of them, a whole column at once: plain ones by polars, all others as identity.address and reading.split_list say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from graphmodel import identity
from loaders import columns
from loaders.reading import split_list

Rows = npt.NDArray[np.int64]

PLAIN = r"[a-z0-9._+-]+@[a-z0-9_]+(?:-+[a-z0-9_]+)*(?:\.[a-z0-9_]+(?:-+[a-z0-9_]+)*)+$"
LONGEST = 64  # no label of a domain can be too long then
DN = r"^/o=[ -~]*/cn=(?:[ -~]*[!-;=?-Z\\^-~])?$"
"""Addresses and legacyExchangeDNs in lower case as nearly all are written: the first without the text's beginning, of at most LONGEST bytes."""
_NO_MAIL = r"^(?:sip|spo|eum):[a-z0-9._+@-]+$"


def addresses(texts: pl.Series) -> pl.Series:
    """As identity.address: each text's address in one spelling, null where it is none."""
    return columns.lowered(texts, columns.ADDRESS, identity.address)


def block_places(number: int, height: int) -> pl.Series:
    """Places of rows that follow one another; `number`: of the first."""
    return "row " + pl.Series(np.arange(number, number + height)).cast(pl.String)


def exchange_dns(texts: pl.Series) -> pl.Series:
    """As identity.exchange_dn: each text's legacyExchangeDN in one spelling, null where it is none."""
    folded = texts.str.to_lowercase().str.strip_prefix("x500:")
    odd = np.flatnonzero(~folded.str.contains(DN).to_numpy())
    if not len(odd):
        return folded
    return folded.scatter(odd, pl.Series([identity.exchange_dn(text) for text in texts.gather(odd).to_list()], dtype=pl.String))


@dataclass(frozen=True)
class Known:
    """What lists of addresses say: (`at`, `addresses`) cells and addresses, (`named`, `names`) the same of legacyExchangeDNs. Null where an item is none."""

    at: Rows
    addresses: pl.Series
    named: Rows
    names: pl.Series


def listed(cells: pl.Series, primary: pl.Series, cleaned: Callable[[Rows, pl.Series], pl.Series]) -> Known:
    """What cells like `SMTP:a@x smtp:b@x X500:/o=…` say. `primary`: an address a cell that need not be told.

    `cleaned(rows, cells)` gives the texts of cells that are not as plain as that.
    """
    # Where each word is a plain address with its prefix, words are the items.
    text = pl.DataFrame({"cell": cells, "primary": primary.fill_null("")}).select(pl.col("cell").str.strip_prefix(pl.format("SMTP:{} ", pl.col("primary"))))
    at, items = _exploded(np.arange(len(cells)), text.to_series().str.split(" "))
    plain, found = _plain(items)
    if plain.all():
        return Known(at, found, at[:0], found.clear())
    odd = np.unique(at[~plain.to_numpy()])
    usual = ~np.isin(at, odd)
    first, known = at[usual], found.filter(usual)
    at, items = _split(odd, cleaned(odd, cells.gather(odd)))
    plain, found = _plain(items)
    # Prefixes of other kinds say that no mail comes by it; rules name their targets by a legacyExchangeDN.
    kind = items.str.extract("^([^:]*):", 1).str.to_lowercase()
    others = (~plain & kind.is_not_null() & (kind != "smtp") & kind.str.contains(r"^[\x00-\x7f]*$")).fill_null(False)
    rest = np.flatnonzero((~plain & ~others).to_numpy())
    said = pl.Series([_address(item) for item in items.gather(rest).to_list()], dtype=pl.String)
    named = np.flatnonzero(others.to_numpy())
    found = found.scatter(rest, said).scatter(named, None)
    return Known(np.concatenate([first, at]), pl.concat([known, found]), at[named], exchange_dns(items.gather(named)))


def _address(item: str) -> str | None:
    prefix, colon, rest = item.partition(":")
    return identity.address(rest if colon else item) if not colon or prefix.casefold() == "smtp" else None


def _plain(items: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Whether items are plain addresses with their prefix; those addresses, null where the prefix says that no mail comes by it."""
    folded = items.str.to_lowercase()
    plain = folded.str.contains("^smtp:" + PLAIN) & (folded.str.len_bytes() <= LONGEST)
    found = folded.str.strip_prefix("smtp:")
    if plain.all():
        return plain, found
    others = folded.str.contains(_NO_MAIL)
    return plain | others, found.set(others, None) if others.any() else found


def _split(rows: Rows, cells: pl.Series) -> tuple[Rows, pl.Series]:
    """(row, item) of all the items of lists: as reading.split_list, which `cells` are stripped for."""
    bare = cells.str.starts_with("{") & cells.str.ends_with("}") & (cells.str.len_bytes() > 1)
    inner = cells.zip_with(~bare, cells.str.slice(1).str.strip_suffix("}")) if bare.any() else cells
    semicolon, comma = inner.str.contains(";", literal=True), inner.str.contains(",", literal=True)
    comma &= ~semicolon & ~inner.str.contains("^(?i:CN=|X500:)")
    parts: list[tuple[Rows, pl.Series]] = []
    for mask, separator in ((semicolon, ";"), (comma, ",")):
        if len(at := np.flatnonzero(mask.to_numpy())):
            parts.append(_exploded(rows[at], inner.gather(at).str.split(separator)))
    if len(at := np.flatnonzero((~semicolon & ~comma & (cells != "")).to_numpy())):
        lists = [split_list(text) for text in cells.gather(at).to_list()]
        parts.append((np.repeat(rows[at], [len(one) for one in lists]), pl.Series([item for one in lists for item in one], dtype=pl.String)))
    if not parts:
        return np.zeros(0, dtype=np.int64), pl.Series([], dtype=pl.String)
    found, items = np.concatenate([part[0] for part in parts]), pl.concat([part[1] for part in parts]).str.strip_chars(columns.WHITE)
    there = items != ""
    return found[there.to_numpy()], items.filter(there)


def _exploded(rows: Rows, lists: pl.Series) -> tuple[Rows, pl.Series]:
    return np.repeat(rows, lists.list.len().to_numpy()), lists.explode()
