"""Rights on mailboxes, a row each, as Exchange's cmdlets export them: who has which right on whose mailbox (formats.md 3).

Tables of large organisations have hundreds of thousands of rows, and few different texts: a mailbox, a trustee and what a row says besides
are looked at once each, and the rights stated in columns. Rows that are not plainly split go the same way one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from graphmodel import identity
from loaders import columns
from loaders.base import FactBuffer
from loaders.reading import Block, Row, Table
from loaders.recipients import Node, Recipients, Tally, is_nobody

_OWN = "on the trustee's own mailbox"


@dataclass
class Rights:
    """How one cmdlet's rows are read. `why(row)`: why a row says nothing, or None where it is a right.

    `names`: columns of the mailbox, the first that is not empty counts; `said`: columns that `why` looks at; `type` and `basis`: of the fact.
    """

    table: Table
    out: FactBuffer
    names: tuple[str, ...]
    trustee: str
    said: tuple[str, ...]
    why: Callable[[Row], str | None]
    type: str
    basis: str
    mailboxes: set[str] = field(default_factory=set)
    """Keys of the mailboxes that rows are about."""

    def __post_init__(self) -> None:
        self.tally, self._who = Tally(), Recipients(self.out)
        self._known: dict[str, tuple[Node, str | None]] = {}
        self._trustees: dict[str, Node] = {}
        self._addresses: dict[str, str | None] = {}
        self._reasons: dict[tuple[str, ...], str | None] = {}

    def read(self) -> None:
        """State all rows; the notes are put."""
        wanted = [name for name in (*self.names, self.trustee, *self.said) if self.table.has(name)]
        for piece in self.table.blocks(*wanted):
            if isinstance(piece, Row):
                self._row(piece)
            elif all(columns.is_clear(piece.column(name)) for name in wanted):
                self._block(piece)
            else:
                for at in range(len(piece)):
                    self._row(piece.row(at))
        self.tally.tell(self.out)

    def _row(self, row: Row) -> None:
        name, trustee = row.first(*self.names), row[self.trustee]
        if not name or not trustee:
            self.out.refuse(row.place, trustee or name, f"no {'Identity' if not name else self.trustee.capitalize()}")
            return
        mailbox, address = self._mailbox(name, row.place)
        row.list("accessrights")  # where it says nothing, that is told of every row
        reason = _OWN if self._is_own(trustee, address) else self.why(row)
        if reason is not None:
            self.tally.add(reason)
        else:
            self.out.edge(self.type, self._holder(trustee, row.place), mailbox, row.place, basis=self.basis, inherited=False)

    def _block(self, block: Block) -> None:
        """Rows as columns; places of what is stated anew are those of the first rows that name it."""
        names = [""] * len(block)
        for column in self.names:
            if self.table.has(column):
                names = [name or cell.strip() for name, cell in zip(names, block.column(column).to_pylist(), strict=True)]
        trustees = [cell.strip() for cell in block.column(self.trustee).to_pylist()]
        said = list(zip(*(block.column(name).to_pylist() for name in self.said if self.table.has(name)), strict=True))
        good: list[int] = []
        for at, (name, trustee, words) in enumerate(zip(names, trustees, said or [()] * len(names), strict=True)):
            if not name or not trustee:
                self._row(block.row(at))
                continue
            mailbox = self._known.get(name)
            address = (mailbox or self._mailbox(name, f"row {block.number + at}"))[1]
            if self._is_own(trustee, address):
                self.tally.add(_OWN)
                continue
            if words not in self._reasons:
                self._reasons[words] = self.why(block.row(at))
            if (reason := self._reasons[words]) is not None:
                self.tally.add(reason)
            else:
                good.append(at)
        holders = [self._trustees.get(trustees[at]) or self._holder(trustees[at], f"row {block.number + at}") for at in good]
        mailboxes = [self._known[names[at]][0][1] for at in good]
        numbers = pl.select(pl.lit("row ") + pl.lit(pl.Series(np.array(good, np.int64) + block.number)).cast(pl.String)).to_series()
        for label in sorted({holder[0] for holder in holders}):
            keys = [key if own == label else None for own, key in holders]
            self.out.edges(self.type, (label, keys), ("Mailbox", mailboxes), numbers, basis=self.basis, inherited=False)

    def _mailbox(self, name: str, place: str) -> tuple[Node, str | None]:
        if name not in self._known:
            self._known[name] = self._who.mailbox_named(name, place)
            self.mailboxes.add(self._known[name][0][1])
        return self._known[name]

    def _holder(self, trustee: str, place: str) -> Node:
        if trustee not in self._trustees:
            self._trustees[trustee] = self._who.trustee(trustee, place)
        return self._trustees[trustee]

    def _is_own(self, trustee: str, address: str | None) -> bool:
        """Whether the trustee is the mailbox itself, or the machine."""
        if trustee not in self._addresses:
            self._addresses[trustee] = "" if is_nobody(trustee) else identity.address(trustee)
        found = self._addresses[trustee]
        return found == "" or (address is not None and found == address)
