"""Rights on mailboxes, a row each, as Exchange's cmdlets export them: who has which right on whose mailbox (formats.md 3).

Tables of large organisations have hundreds of thousands of rows, and few different texts: a mailbox, a trustee and what a row says besides
are looked at once each a block, and what they are is stated in columns. Rows that are not plainly split go the same way one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from graphmodel import identity
from loaders.address_columns import addresses, block_places
from loaders.base import FactBuffer
from loaders.columns import Coded
from loaders.reading import Block, Row, Table
from loaders.recipients import Node, Recipients, Tally, is_nobody

_OWN = "on the trustee's own mailbox"
_LABELS = ("Account", "Group")

Rows = npt.NDArray[np.int64]


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
    """Keys of the mailboxes that rows are about: those are stated."""

    def __post_init__(self) -> None:
        self.tally, self._who = Tally(), Recipients(self.out)
        self._trustees: set[str] = set()
        """Addresses of trustees: those are stated."""
        self._holders: dict[str, Node] = {}
        self._reasons: dict[tuple[str, ...], str | None] = {}

    def read(self) -> None:
        """State all rows; the notes are put."""
        wanted = [name for name in (*self.names, self.trustee, *self.said) if self.table.has(name)]
        for piece in self.table.blocks(*wanted):
            if isinstance(piece, Row):
                self._row(piece)
                continue
            coded = {name: Coded.of_texts(piece.column(name)) for name in wanted}
            if all(self.table.all_usable(one.values) for one in coded.values()):
                self._block(piece, coded)
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

    def _block(self, block: Block, coded: dict[str, Coded]) -> None:
        """Rows as columns; places of what is stated anew are those of the first rows that name it."""
        names, trustees = self._names(coded), coded[self.trustee]
        there = names.of(lambda text: bool(text.strip()), bool) & trustees.of(lambda text: bool(text.strip()), bool)
        for at in np.flatnonzero(~there).tolist():
            self._row(block.row(at))
        rows, place = np.flatnonzero(there), block_places(block.number, len(block))
        known, address = self._state_mailboxes(names, rows, place)
        whose, nobody = self._addresses(trustees.values)
        own = nobody[trustees.codes[rows]] | _equal(address, names.codes[rows], whose, trustees.codes[rows])
        reasons = {_OWN: rows[own]} if own.any() else {}
        rows, others = self._good(block.number, coded, rows[~own])
        for reason, why in sorted((reasons | others).items(), key=lambda one: int(one[1][0])):
            self.tally.add(reason, len(why))
        label, key = self._state_holders(trustees, whose, rows, place)
        labels = label[trustees.codes[rows]]
        for number in np.unique(labels):
            mine = rows if len(rows) == np.count_nonzero(labels == number) else rows[labels == number]
            holder, mailbox = (_LABELS[number], key.gather(trustees.codes[mine])), ("Mailbox", known.gather(names.codes[mine]))
            places = place if len(mine) == len(place) else place.gather(mine)
            self.out.edges(self.type, holder, mailbox, places, basis=self.basis, inherited=False)

    def _names(self, coded: dict[str, Coded]) -> Coded:
        """What the rows call their mailboxes."""
        first, *others = [coded[name] for name in self.names if name in coded]
        for other in others:
            empty = first.of(lambda text: not text.strip(), bool)
            first = Coded(first.values + other.values, np.where(empty, other.codes + len(first.values), first.codes))
        return first

    def _good(self, number: int, texts: dict[str, Coded], rows: Rows) -> tuple[Rows, dict[str, Rows]]:
        """The rows that are rights, and by why they are none those that are not."""
        said = [name for name in self.said if self.table.has(name)]
        coded = [texts[name] for name in said]
        codes = np.zeros(len(rows), dtype=np.int64)
        for one in coded:
            codes = codes * len(one.values) + one.codes[rows]
        good = np.ones(len(rows), dtype=bool)
        reasons: dict[str, list[Rows]] = {}
        for code in np.unique(codes):
            mine = codes == code
            words = tuple(one.text(int(rows[mine.argmax()])) for one in coded)
            if words not in self._reasons:
                cells = dict(zip(said, words, strict=True))
                self._reasons[words] = self.why(Row(self.table, number, [cells.get(name, "") for name in self.table.header]))
            if (reason := self._reasons[words]) is not None:
                good &= ~mine
                reasons.setdefault(reason, []).append(rows[mine])
        return rows[good], {reason: np.sort(np.concatenate(parts)) for reason, parts in reasons.items()}

    def _state_mailboxes(self, names: Coded, rows: Rows, place: pl.Series) -> tuple[pl.Series, pl.Series]:
        """State the mailboxes of `rows`; keys and addresses, one a value of `names`."""
        address = addresses(pl.Series(names.values, dtype=pl.String))
        key, called = "mailbox:" + address, None
        if address.null_count():
            named = address.is_null()
            texts = [text if there else None for text, there in zip(names.values, named.to_list(), strict=True)]
            by_name = [self._who.mailbox_node(text)[0][1] if text is not None else None for text in texts]
            key = key.zip_with(~named, pl.Series(by_name, dtype=pl.String))
            called = pl.Series([text.strip() if text is not None else None for text in texts], dtype=pl.String)
        new, values, first = _first(key, names, rows, self.mailboxes)
        at, address_of = place.gather(first), address.gather(values)
        self.out.nodes("Mailbox", new, at, name=None if called is None else called.gather(values), address=address_of, basis="export")
        self.out.edges("HAS_ADDRESS", ("Mailbox", new), ("Correspondent", "smtp:" + address_of), at, type="primary")
        return key, address

    def _addresses(self, trustees: list[str]) -> tuple[pl.Series, npt.NDArray[np.bool_]]:
        """The trustees' addresses, and which are the mailbox itself or the machine."""
        found = addresses(pl.Series(trustees, dtype=pl.String))
        nobody = np.zeros(len(trustees), dtype=bool)
        for at in np.flatnonzero((found.is_null() | found.str.starts_with("s-1-5-")).to_numpy()).tolist():
            nobody[at] = is_nobody(trustees[at].strip())
        return found, nobody

    def _state_holders(self, trustees: Coded, whose: pl.Series, rows: Rows, place: pl.Series) -> tuple[npt.NDArray[np.int64], pl.Series]:
        """State the trustees of `rows`: (number of the label, key), one a value; of values that no row has, anything."""
        label, key = np.zeros(len(trustees.values), dtype=np.int64), "account:" + whose
        new, values, first = _first(whose, trustees, rows, self._trustees)
        self.out.edges("HAS_ADDRESS", ("Account", key.gather(values)), ("Correspondent", "smtp:" + new), place.gather(first), type="primary")
        if whose.null_count():
            others, found = whose.is_null().to_numpy(), key.to_list()
            for value, row in trustees.first(rows[others[trustees.codes[rows]]]).items():
                holder = self._holder(trustees.values[value].strip(), place[row])
                label[value], found[value] = _LABELS.index(holder[0]), holder[1]
            key = pl.Series(found, dtype=pl.String)
        return label, key

    def _mailbox(self, name: str, place: str) -> tuple[Node, str | None]:
        node, address = self._who.mailbox_node(name)
        if node[1] not in self.mailboxes:
            self.mailboxes.add(node[1])
            self._who.mailbox_named(name, place)
        return node, address

    def _holder(self, trustee: str, place: str) -> Node:
        address = identity.address(trustee)
        if address in self._trustees:
            return "Account", identity.account_key(address)
        if trustee not in self._holders:
            self._holders[trustee] = self._who.trustee(trustee, place)
            if address:
                self._trustees.add(address)
        return self._holders[trustee]

    def _is_own(self, trustee: str, address: str | None) -> bool:
        """Whether the trustee is the mailbox itself, or the machine."""
        return is_nobody(trustee) or (address is not None and identity.address(trustee) == address)


def _first(keys: pl.Series, coded: Coded, rows: Rows, known: set[str]) -> tuple[pl.Series, Rows, Rows]:
    """(keys, values, first rows) of the values that `rows` have and whose keys are not `known`, each key once. They are known then."""
    first = np.full(len(coded.values), -1, dtype=np.int64)
    first[coded.codes[rows[::-1]]] = rows[::-1]  # the last that is put counts
    values = np.flatnonzero((first >= 0) & keys.is_not_null().to_numpy())
    texts = keys.gather(values).to_list()
    if len(new := set(texts)) < len(texts) or not known.isdisjoint(new):
        seen: dict[str, int] = {}
        for text, value in sorted(zip(texts, values.tolist(), strict=True), key=lambda one: int(first[one[1]])):
            if text not in known:
                seen.setdefault(text, value)
        values = np.array([*seen.values()], dtype=np.int64)
    known |= new
    return keys.gather(values), values, first[values]


def _equal(one: pl.Series, ones: Rows, other: pl.Series, others: Rows) -> npt.NDArray[np.bool_]:
    """Where texts are equal, each given by its number among those of `one` and of `other`; nulls never are."""
    there = one.is_not_null().to_numpy()[ones]
    equal: npt.NDArray[np.bool_] = there & (one.hash().to_numpy()[ones] == other.hash().to_numpy()[others])
    at = np.flatnonzero(equal)
    equal[at] = (one.gather(ones[at]) == other.gather(others[at])).fill_null(False).to_numpy()
    return equal
