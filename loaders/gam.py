"""What GAM's tables of one Google Workspace have in common: a row of a user, whose mailbox is the user's own (formats.md 8).

GAM writes `True` and `False`, lists as `aliases.0`, `aliases.1`, and in filters the setting's name before its value (`forward x@y.example`).
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import FactBuffer, Options, Source
from loaders.reading import Row, Table
from loaders.recipients import Node, Recipients, Tally


class Gam:
    """One of GAM's tables. `users`: addresses whose mailboxes it speaks of."""

    def __init__(self, source: Source, options: Options, out: FactBuffer, *columns: str, dates: tuple[str, ...] = ()) -> None:
        self.out, self.table = out, Table(source, options, out, dates=dates)
        self.table.require(*columns)
        self.who, self.tally = Recipients(out), Tally()
        self.users: set[str] = set()

    def mailbox(self, row: Row, column: str = "user") -> tuple[Node, str] | None:
        """(mailbox, address) of the row's user; None, and refused, where that is no address."""
        address = identity.address(row[column])
        if address is None:
            self.out.refuse(row.at(column), row.raw(column), "not an address")
            return None
        if address not in self.users:
            self.users.add(address)
            mailbox = self.who.mailbox(address, row.place, "user")
            self.who.owns(self.who.account(address, row.place), mailbox, row.place)
        return ("Mailbox", identity.mailbox_key(address)), address

    def target(self, row: Row, column: str, prefix: str = "") -> str | None:
        """The address in a cell, without the setting's name before it; None, and refused, where there is a text but no address."""
        text = row.get(column)
        bare = text[len(prefix) :].strip() if prefix and text.casefold().startswith(f"{prefix} ") else text
        if not bare:
            return None
        address = identity.address(bare)
        if address is None:
            self.out.refuse(row.at(column), text, "not an address")
        return address

    def finish(self, word: str, note: str | None = None) -> None:
        """Notes and coverage."""
        self.tally.tell(self.out)
        self.who.host_all(self.domain())
        self.out.coverage(word, self.domain(), collected=len(self.users), note=note)

    def domain(self) -> str:
        """The domain of most mailboxes; "" where there is none."""
        return self.who.main_domain() or ""


def indexed(row: Row, table: Table, name: str) -> list[str]:
    """The cells of `name.0`, `name.1` … that hold something, and of `name` itself."""
    columns = [column for column in table.header if column == name or (column.startswith(f"{name}.") and column[len(name) + 1 :].isdigit())]
    return [item for column in columns for item in row.get(column).split() if item]
