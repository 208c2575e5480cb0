"""Addresses that look like the organisation's own and are not: what impersonators register (`ITCornpany` for `ITCompany`).

Two texts look alike when they differ and have one skeleton: full width folded, letters of other scripts and digits replaced by the Latin
letters they are drawn like, `rn` read as `m`. That an address is flagged says what it resembles, not that it is malicious.
"""

from __future__ import annotations

import re
import unicodedata

import polars as pl

from graphmodel import identity

# Drawn alike, most confused first; after Unicode's own compatibility folding.
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_LETTERS = str.maketrans({
    "0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "8": "b", "|": "l", "'": None,
    "і": "l", "ӏ": "l", "ι": "l", "о": "o", "ο": "o", "а": "a", "α": "a", "р": "p", "ρ": "p", "с": "c", "е": "e", "у": "y", "х": "x", "ѕ": "s",
    "ԁ": "d", "ԛ": "q", "һ": "h", "к": "k", "м": "m", "т": "t", "в": "b", "н": "h", "η": "n", "υ": "u", "ν": "v", "ѡ": "w", "ј": "j",
})  # fmt: skip
_SEPARATORS = re.compile(r"[._\-\s]+")
_SHORTEST = 5
# Names that every organisation has: two of them resemble nobody.
_COMMON = frozenset(
    ("admin", "administrator", "info", "support", "sales", "office", "contact", "service", "services", "helpdesk", "postmaster", "webmaster",
     "noreply", "no-reply", "newsletter", "press", "staff", "security", "abuse", "hostmaster", "billing", "accounts", "recruit", "marketing")
)  # fmt: skip


def skeleton(text: str) -> str:
    """What a name or domain looks like: texts with one skeleton are easily taken for each other."""
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))
    for seen, meant in _PAIRS:
        plain = plain.replace(seen, meant)
    return plain.translate(_LETTERS).replace("i", "l")


def _local(address: str) -> str:
    return address.rpartition("@")[0]


def flagged(correspondents: pl.DataFrame) -> pl.DataFrame:
    """The correspondents with a column `looks_like`: the internal address or domain that an address resembles, else null.

    Needs `address` and `internal`. An outside address is flagged for its domain (one skeleton with an internal domain), or, at a public
    mail provider, for the name before the @ (that of somebody inside); an inside one for a name that differs from another inside.
    """
    rows = list(correspondents.select("address", pl.col("internal").fill_null(False)).iter_rows())
    own = sorted({a for a, inside in rows if inside and a and "@" in a})
    domains = {skeleton(domain): domain for domain in sorted({identity.registrable(identity.domain_of(a)) for a in own}, reverse=True)}
    names: dict[str, list[str]] = {}
    for address in own:
        if _tells(_local(address)):
            names.setdefault(skeleton(_local(address)), []).append(address)
    found = [_resembles(address, inside, domains, names) if address and "@" in address else None for address, inside in rows]
    return correspondents.with_columns(pl.Series("looks_like", found, dtype=pl.String))


def _tells(local: str) -> bool:
    return len(local) >= _SHORTEST and local not in _COMMON


def _resembles(address: str, inside: bool, domains: dict[str, str], names: dict[str, list[str]]) -> str | None:
    local, domain = _local(address), identity.registrable(identity.domain_of(address))
    if not inside:
        meant = domains.get(skeleton(domain))
        if meant and meant != domain:
            return meant
        if domain not in identity.FREE_MAIL:
            return None
    if not _tells(local):
        return None
    alike = names.get(skeleton(local), [])
    return next((other for other in alike if not inside or _SEPARATORS.sub("", _local(other)) != _SEPARATORS.sub("", local)), None)
