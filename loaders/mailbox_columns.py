"""Mailboxes as Get-Mailbox exports them, many rows at once.

A mailbox has some nine facts, and most rows are as usual: a primary address and a user principal name that no other row has, no forwarding, nobody
who sends on behalf. Those are stated in columns; all others by the caller's `single`, row by row. Both say the same of a row.

Each thing is stated once a file. All that a row in columns says hangs on its two addresses, so rows that share one with another go row by row; where
the other one was stated in columns before, it is said again to nobody first, so that Recipients knows of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from graphmodel import identity
from loaders import columns, dates
from loaders.address_columns import addresses, block_places, exchange_dns, listed
from loaders.base import FactBuffer, Options
from loaders.reading import Block, Row, Table
from loaders.recipients import Recipients, Tally, mailbox_type

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_GUID = r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_DOUBTFUL = r"^\s*(?:\?|System\.|Microsoft\.|Deserialized\.)"
_SLASHED = "^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4} [0-9]{1,2}:[0-5][0-9]:[0-5][0-9]"
_JANUARY_2 = 1_609_545_600
_FORWARDING = ("forwardingsmtpaddress", "forwardingaddress", "grantsendonbehalfto")
_CREATED = ("whenmailboxcreated", "whencreated")
_UNAUDITED = "with AuditEnabled False: of these mailboxes the audit log sees nothing"


@dataclass(frozen=True)
class _Stated:
    """Columns of a block of which rows were stated, as they stand. `number`: of the first row."""

    number: int
    texts: dict[str, pa.Array]


@dataclass
class Mailboxes:
    """How a table of mailboxes is read. `known_by`: column of the primary address; `single(row, who, out, tally)` states one row."""

    table: Table
    options: Options
    known_by: str
    who: Recipients
    out: FactBuffer
    tally: Tally
    single: Callable[[Row, Recipients, FactBuffer, Tally], None]
    _hashes: Hashes = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    _numbers: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Of each address and user principal name of a row stated in columns, sorted: its hash, and the row's number."""
    _alone: set[int] = field(default_factory=set)
    """Hashes of those of the other rows. Where two texts have one hash, a row goes by itself that need not."""
    _blocks: list[_Stated] = field(default_factory=list)

    def read(self) -> None:
        """State all rows."""
        texts = [self.known_by, "displayname", "name", "recipienttypedetails", "userprincipalname", "externaldirectoryobjectid", "legacyexchangedn",
                 "emailaddresses", "auditenabled"]  # fmt: skip
        self._names = [name for name in dict.fromkeys(texts) if self.table.has(name)]
        for piece in self.table.blocks(*self._names, *_FORWARDING, *_CREATED):
            if isinstance(piece, Row):
                found = [identity.address(piece.raw(name)) for name in (self.known_by, "userprincipalname")]
                self._single(piece, {*pl.Series(found, dtype=pl.String).drop_nulls().hash().to_list()})
            else:
                self._block(piece)

    def _single(self, row: Row, hashes: set[int]) -> None:
        """One row by itself; `hashes` of its addresses."""
        for one in hashes - self._alone:
            first, last = (int(np.searchsorted(self._hashes, np.uint64(one), side=side)) for side in ("left", "right"))
            for at in range(first, last):
                self._say_again(int(self._numbers[at]))
        self._alone |= hashes
        self.single(row, self.who, self.out, self.tally)

    def _say_again(self, number: int) -> None:
        """Let Recipients know what a row that was stated in columns has said."""
        block = self._blocks[bisect_right(self._blocks, number, key=lambda block: block.number) - 1]
        cells = {name: texts[number - block.number].as_py() for name, texts in block.texts.items()}
        row = Row(self.table, number, [cells.get(name, "") for name in self.table.header])
        nobody = FactBuffer(on_full=lambda kind, frame: None)
        self.single(row, self.who.echo(nobody), nobody, Tally())

    def _block(self, block: Block) -> None:
        found = _Found(block, self)
        usual = self._new(found)
        rows = np.flatnonzero(usual)
        if len(rows):
            self._state(found, rows, block.number)
            kept = {name: text for name in self._names if (text := found.texts.get(name)) is not None}
            self._blocks.append(_Stated(block.number, kept))
        unaudited = found.unaudited & usual
        # In the order of the rows, as notes name the first.
        later: list[tuple[int, str]] = [(int(at), "") for at in np.flatnonzero(~usual)]
        later += [(at, column) for column, at in found.unusable if usual[at]]
        if unaudited.any():
            later.append((int(unaudited.argmax()), _UNAUDITED))
        for at, what in sorted(later, key=lambda event: event[0]):
            if not what:
                self._single(block.row(at), found.hashes_of(at))
            elif what == _UNAUDITED:
                self.tally.add(what, int(unaudited.sum()))
            else:
                self.table.clean(Row(self.table, block.number + at, []), what, found.texts[what][at].as_py())

    def _new(self, found: _Found) -> Mask:
        """The usual rows whose addresses no other row has, up to the end of this block. They are remembered."""
        hashes, rows = found.hashes()
        order = np.argsort(hashes)
        hashes, rows = hashes[order], rows[order]
        again = np.zeros(len(hashes), dtype=bool)
        same = hashes[1:] == hashes[:-1]
        again[1:] |= same
        again[:-1] |= same
        if len(self._hashes):
            at = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
            again |= self._hashes[at] == hashes
        if self._alone:
            again |= np.isin(hashes, np.fromiter(self._alone, np.uint64, len(self._alone)))
        usual = found.usual.copy()
        usual[rows[again]] = False
        kept = usual[rows]
        hashes, numbers = np.concatenate([self._hashes, hashes[kept]]), np.concatenate([self._numbers, rows[kept] + found.number])
        order = np.argsort(hashes, kind="stable")  # quick for two that are sorted
        self._hashes, self._numbers = hashes[order], numbers[order]
        return usual

    def _state(self, found: _Found, rows: Rows, number: int) -> None:
        """State these rows."""
        every = len(rows) == len(found.primary)

        def of(column: pl.Series) -> pl.Series:
            return column if every else column.gather(rows)

        primary, name, out = of(found.primary), of(found.name), self.out
        place = of(block_places(number, len(found.primary)))
        mailbox, person = ("Mailbox", "mailbox:" + primary), ("Correspondent", "smtp:" + primary)
        out.nodes("Mailbox", mailbox[1], place, name=name, type=of(found.type), address=primary, basis="export", created=of(found.created))
        out.edges("HAS_ADDRESS", mailbox, person, place, type="primary")
        self.who.hosted(mailbox[1], place, primary)
        self._state_known(found, rows, primary, mailbox[1], place)
        if not (owned := found.owned[rows]).all():
            at = np.flatnonzero(owned)
            rows, primary, name, place = rows[at], primary.gather(at), name.gather(at), place.gather(at)
            mailbox, person = ("Mailbox", mailbox[1].gather(at)), ("Correspondent", person[1].gather(at))
        if len(rows):
            self._state_owners(found, rows, primary, name, mailbox, person, place)

    def _state_owners(self, found: _Found, rows: Rows, primary: pl.Series, name: pl.Series,
                      mailbox: tuple[str, pl.Series], person: tuple[str, pl.Series], place: pl.Series) -> None:  # fmt: skip
        """The owners of users' mailboxes."""
        out, same = self.out, len(rows) == len(found.upn)
        upn = found.upn if same else found.upn.gather(rows)
        owner = ("Account", "upn:" + upn)
        ids = None
        if found.object_id is not None:
            ids = found.object_id if same else found.object_id.gather(rows)
            reason = "user principal name and ExternalDirectoryObjectId of one mailbox"
            out.edges("SAME_IDENTITY", ("Account", "entra:" + ids), owner, place, reason=reason)
        out.nodes("Account", owner[1], place, name=name.zip_with(name.is_not_null(), upn), type="user", upn=upn, email=primary, object_id=ids)
        out.edges("HAS_ADDRESS", owner, person if upn is primary else ("Correspondent", "smtp:" + upn), place, type="upn")
        out.edges("HAS_ADDRESS", owner, person, place, type="primary")
        named = name.is_not_null()
        keys = person[1] if named.all() else person[1].zip_with(named, pl.Series([None], dtype=pl.String))
        out.nodes("Correspondent", keys, place, name=name, address=primary)
        out.edges("OWNS", owner, mailbox, place, basis="export")

    def _state_known(self, found: _Found, rows: Rows, primary: pl.Series, mailbox: pl.Series, place: pl.Series) -> None:
        """What else the mailboxes are known by."""
        number = np.full(len(found.primary), -1, dtype=np.int64)
        number[rows] = np.arange(len(rows))
        names = [pl.DataFrame({"at": number, "known": exchange_dns(found.legacy)})] if found.legacy is not None else []
        if found.known is not None:
            known = _said(number[found.known.at], found.known.addresses)
            self._state_aliases(known.filter(known["known"] != primary.gather(known["at"])), "smtp:", "alias", mailbox, place)
            names.append(pl.DataFrame({"at": number[found.known.named], "known": found.known.names}))
        if names:
            known = pl.concat(names)
            self._state_aliases(_said(known["at"].to_numpy(), known["known"]), "x500:", "x500", mailbox, place)

    def _state_aliases(self, known: pl.DataFrame, prefix: str, type_: str, mailbox: pl.Series, place: pl.Series) -> None:
        if known["known"].n_unique() < known.height:
            known = known.unique()
        if known.height:
            at = known["at"]
            self.out.edges("HAS_ADDRESS", ("Mailbox", mailbox.gather(at)), ("Correspondent", prefix + known["known"]), place.gather(at), type=type_)


def _said(at: Rows, known: pl.Series) -> pl.DataFrame:
    found = pl.DataFrame({"at": at, "known": known})
    return found.filter((found["at"] >= 0) & found["known"].is_not_null())


class _Found:
    """What the rows of a block say, a value a row. `usual`: rows that these columns say everything of; of others they may say anything."""

    def __init__(self, block: Block, whole: Mailboxes) -> None:
        self.number, self._block, self._table = block.number, block, whole.table
        self.texts = {name: text for name in whole._names if (text := self._text(name)) is not None}
        self.usual = np.ones(len(block), dtype=bool)
        self.unusable: list[tuple[str, int]] = []
        """(column, row) of cells that say nothing, of which the table has to be told."""
        for name in _FORWARDING:
            if (text := self._text(name)) is not None:
                self.usual &= np.diff(columns.laid_out(text)[1]) == 0
        self._take_addresses(whole.known_by)
        self._take_types()
        self.name = self._names()
        self._latest = whole.options.now if whole.options.now is not None else dates.LATEST
        self.created = self._moments()
        self.object_id = self._matching("externaldirectoryobjectid", _GUID)
        self.legacy = None if self._matching("legacyexchangedn", "^/o=") is None else self._series("legacyexchangedn")
        self.known = None
        if "emailaddresses" in self.texts:
            self.known = listed(self._series("emailaddresses"), self.primary, lambda rows, cells: self._clean("emailaddresses", rows, cells))
        self.unaudited = self._flags("auditenabled")

    def _text(self, name: str) -> pa.Array | None:
        """A column; None where it is empty."""
        text = self._block.column(name)
        ends = columns.laid_out(text)[1]
        return text if ends[-1] > ends[0] else None

    def _series(self, name: str) -> pl.Series:
        return columns.series(self.texts[name]) if name in self.texts else columns.series(columns.empty(len(self._block)))

    def _take_addresses(self, known_by: str) -> None:
        raw, upn = self._series(known_by), self._series("userprincipalname")
        self.primary = addresses(raw)
        self.upn = self.primary if (raw == upn).all() else addresses(upn)
        self.usual &= self.primary.is_not_null().to_numpy()

    def hashes(self) -> tuple[Hashes, Rows]:
        """(hashes, rows) of all the addresses, each once a row."""
        there, rows = self.primary.is_not_null().to_numpy(), np.arange(len(self.primary))
        self._hashed = [(self.primary.hash().to_numpy(), there)]
        if self.upn is not self.primary:
            self._hashed.append((self.upn.hash().to_numpy(), (self.upn.is_not_null() & ~self.upn.eq_missing(self.primary)).to_numpy()))
        return np.concatenate([hashes[there] for hashes, there in self._hashed]), np.concatenate([rows[there] for _, there in self._hashed])

    def hashes_of(self, row: int) -> set[int]:
        """Those of a row."""
        return {int(hashes[row]) for hashes, there in self._hashed if there[row]}

    def _take_types(self) -> None:
        """`type`, and `owned`: of users' mailboxes."""
        self.owned = np.ones(len(self._block), dtype=bool)
        self.type = pl.Series(["user"]).new_from_index(0, len(self._block))
        if "recipienttypedetails" in self.texts:
            types = columns.Coded.of_texts(self.texts["recipienttypedetails"])
            self.usual &= types.of(lambda text: self._table.usable(text) is not None and self._type(text) not in (None, "group"), bool)
            self.type = types.series(self._type)
            self.owned = types.of(lambda text: self._type(text) == "user", bool)
        self.usual &= ~self.owned | self.upn.is_not_null().to_numpy()

    def _type(self, text: str) -> str | None:
        return mailbox_type(text) if text.strip() else "user"

    def _names(self) -> pl.Series:
        """The names, null where there is none."""
        name, other = (self._series(column) for column in ("displayname", "name"))
        every = np.arange(len(name))
        if "displayname" in self.texts:
            name = self._clean("displayname", every, name)
        if "name" in self.texts and (empty := name == "").any():
            self.usual &= (~empty | ~other.str.contains(_DOUBTFUL + "|[\x1c-\x1f]")).to_numpy()
            name = name.zip_with(~empty, other.str.strip_chars())
        none = name == ""
        return name.set(none, None) if none.any() else name

    def _clean(self, column: str, rows: Rows, texts: pl.Series) -> pl.Series:
        """Texts of these rows of a column, stripped, "" where they say nothing."""
        if (odd := texts.str.contains(r"[\x1c-\x1f]").to_numpy()).any():  # what Python takes for spaces and polars does not
            self.usual[rows[odd]] = False
        texts = texts.str.strip_chars()
        doubtful = np.flatnonzero(texts.str.contains(_DOUBTFUL).to_numpy())
        nothing = [at for at, text in zip(doubtful.tolist(), texts.gather(doubtful).to_list(), strict=True) if self._table.usable(text) is None]
        self.unusable += [(column, int(rows[at])) for at in nothing]
        return texts.scatter(nothing, "") if nothing else texts

    def _moments(self) -> pl.Series:
        """When the mailboxes were made."""
        seconds, given = np.zeros(len(self._block), dtype=np.int64), np.zeros(len(self._block), dtype=bool)
        for name in _CREATED:
            if given.all() or (text := self._text(name)) is None:
                continue
            found, good = columns.moments(text, self._latest)
            if not good.all():
                rest = columns.series(text).str.strip_chars()
                odd = np.flatnonzero(~rest.is_in(["", "-"]).to_numpy() & ~good & ~given)
                others = self._slashed(rest.gather(odd))
                if len(at := np.flatnonzero(others.is_null().to_numpy())):
                    others = others.scatter(at, columns.once_a_value(columns.rows_of(text, odd[at]), self._block.moment_of, pl.Int64))
                self.usual[odd[others.is_null().to_numpy()]] = False
                found[odd], good[odd] = others.fill_null(0).to_numpy(), True
            seconds, given = np.where(given, seconds, found), given | good
        made = pl.Series(seconds)
        return made if given.all() else made.set(pl.Series(~given), None)

    def _slashed(self, texts: pl.Series) -> pl.Series:
        """Moments of dates as `5/18/2021 9:13:33 PM`, which Export-Csv writes; null for others."""
        first = self._block.moment_of("01/02/2021 00:00:00")
        if first is None or not len(texts):
            return pl.Series([None], dtype=pl.Int64).new_from_index(0, len(texts))
        day = "%m/%d/%Y" if first == _JANUARY_2 else "%d/%m/%Y"
        cell = pl.col("texts")
        forms = [(_SLASHED + " [AP]M$", f"{day} %I:%M:%S %p"), (_SLASHED + "$", f"{day} %H:%M:%S")]
        found = [pl.when(cell.str.contains(form)).then(cell).str.to_datetime(pattern, strict=False).dt.epoch("s") for form, pattern in forms]
        seconds = pl.coalesce(found)
        return texts.to_frame("texts").select(pl.when(seconds.is_between(dates.EARLIEST, self._latest)).then(seconds)).to_series()

    def _matching(self, column: str, pattern: str) -> pl.Series | None:
        """A column's texts in lower case, null where empty; rows where they do not match are not usual. None where the column is empty."""
        if column not in self.texts:
            return None
        texts = self._series(column)
        there, texts = texts != "", texts.str.to_lowercase()
        self.usual &= (~there | texts.str.contains(pattern)).to_numpy()
        return texts if there.all() else texts.set(~there, None)

    def _flags(self, column: str) -> Mask:
        """Where a column says no."""
        if column not in self.texts:
            return np.zeros(len(self._block), dtype=bool)
        flags = columns.Coded.of_texts(self.texts[column])
        self.usual &= flags.of(lambda text: self._table.usable(text) is not None, bool)
        return flags.of(lambda text: self._table.usable(text) is not None and self._row(text, column).flag(column) is False, bool)

    def _row(self, text: str, column: str) -> Row:
        return Row(self._table, self.number, [text if name == column else "" for name in self._table.header])
