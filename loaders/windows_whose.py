"""Of Windows logons that are read in columns: whose they are, and which 4672 belongs to which logon (loaders/windows_batches.py)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from loaders.columns import Coded
from loaders.jsonbatch import Flags, Ints
from loaders.windows import LOGON, PRIVILEGED, TICKETS

if TYPE_CHECKING:
    from loaders.windows_batches import Batch

Said = tuple[str, str, str]
"""Name, domain and SID of an account, as a record has them."""


class Whose:
    """The accounts of a batch: 4672 says them as its subject, all others as their target."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._rows = np.flatnonzero(batch.asked)
        subject = batch.id == PRIVILEGED
        name, domain, sid = (
            _either(subject, batch.coded(f"Subject{part}"), batch.coded(f"Target{part}")) for part in ("UserName", "DomainName", "UserSid")
        )
        if "TargetSid" in batch._texts:
            blank = np.array([not bare(text) for text in sid.values], dtype=np.bool_)[sid.codes]
            sid = _either(blank & np.isin(batch.id, list(TICKETS)), batch.coded("TargetSid"), sid)
        codes = ((name.codes * len(domain.values) + domain.codes) * len(sid.values) + sid.codes)[self._rows]
        _, first, self._which = np.unique(codes, return_index=True, return_inverse=True)
        first = self._rows[first]
        names, domains, sids = ([*map(bare, part.values)] for part in (name, domain, sid))
        said = zip(name.codes[first].tolist(), domain.codes[first].tolist(), sid.codes[first].tolist(), strict=True)
        self._said = [(names[n], domains[d], sids[s]) for n, d, s in said]
        self._found = [batch.known.get(said) for said in self._said]
        self._new = {row: at for at, row in enumerate(first.tolist()) if self._found[at] is None}
        self._has = np.array([found is not None and found[0] is not None for found in self._found], np.bool_)

    def new(self) -> list[int]:
        """Rows at which an account stands first that was not asked for before."""
        return list(self._new)

    def learn(self, row: int, place: str) -> None:
        """Ask for the account of such a row."""
        at = self._new[row]
        node, why = self._batch.logons.who.account(*self._said[at], place)
        self._found[at] = self._batch.known[self._said[at]] = (node[1] if node else None, why)
        self._has[at] = node is not None

    def has(self, rows: Ints) -> Flags:
        """Whether there is an account, of some of the rows that are asked and known by now."""
        found: Flags = self._has[self._which[np.searchsorted(self._rows, rows)]]
        return found

    def accounts(self) -> pl.Series:
        """A key a row, where there is one; what is left out is counted."""
        found = [known or (None, "") for known in self._found]
        ticket = np.isin(self._batch.id[self._rows], list(TICKETS))
        missing = [at for at, (key, _) in enumerate(found) if key is None]
        for tickets in (True, False):
            counts = np.bincount(self._which[ticket == tickets], minlength=len(found))
            for at in missing:
                if counts[at] and (found[at][1] or tickets):
                    self._batch.logons.dropped[found[at][1] or "that name no account"] += int(counts[at])
        codes = np.full(len(self._batch.id), len(found))
        codes[self._rows] = self._which
        return pl.Series([*(key for key, _ in found), None], dtype=pl.String).gather(codes)


class Pairs:
    """Logons and the 4672 that tell of their privileges, in the order of the file."""

    def __init__(self, batch: Batch) -> None:
        self._batch, self._done = batch, 0
        logon = batch.id == LOGON
        self._rows = np.flatnonzero(batch.asked & (logon | (batch.id == PRIVILEGED)))
        ids = batch.target_id.zip_with(pl.Series(logon), batch.subject_id)
        self._without = (ids == "").to_numpy()[self._rows]
        self._keys = list(zip(batch.server.gather(self._rows).to_list(), ids.gather(self._rows).to_list(), strict=True))

    def until(self, row: int) -> None:
        """Take those that stand before this row."""
        begin, end = self._done, int(np.searchsorted(self._rows, row))
        self._done = end
        rows = self._rows[begin:end]
        logon = self._batch.id[rows] == LOGON
        told = logon & self._without[begin:end]
        kept = np.flatnonzero(self._batch.whose.has(rows))
        logons, numbers = self._batch.logons, self._batch.number + rows
        logons.told.update(dict.fromkeys(numbers[kept[told[kept]]].tolist(), False))
        kept = kept[~told[kept]]
        keys = [self._keys[at] for at in (begin + kept).tolist()]
        given = (numbers[kept] << 1 | logon[kept]).tolist()
        done = 0
        for at in self._with_others(keys):
            logons.wait_all(keys[done:at], given[done:at])
            logons.meet(keys[at], given[at])
            done = at + 1
        logons.wait_all(keys[done:], given[done:])

    def _with_others(self, keys: list[tuple[str, str]]) -> list[int]:
        """Those that may meet another, by their keys: that of one which waits, or stands here too."""
        waiting = self._batch.logons.waiting
        if len(set(keys)) == len(keys) and waiting.keys().isdisjoint(keys):
            return []
        counts = Counter(keys)
        return [at for at, key in enumerate(keys) if counts[key] > 1 or key in waiting]


def bare(text: str) -> str:
    """What a field says: as `text_of` has it."""
    text = text.strip()
    return "" if text == "-" else text


def _either(where: Flags, one: Coded, other: Coded) -> Coded:
    """One column where it says so, else the other."""
    return Coded(one.values + other.values, np.where(where, one.codes, other.codes + len(one.values)))
