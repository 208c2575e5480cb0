"""The one tree of errors that people are meant to read. Each message is one line: where, what, what to do."""

from __future__ import annotations


class HakyuError(Exception):
    """Any failure that is explained to the user in one line and ends the command with `exit_code`."""

    exit_code = 1


class UsageError(HakyuError):
    """The question cannot be answered as asked (unknown account, bad date, unknown name)."""

    exit_code = 2


class LoadError(HakyuError):
    """A file cannot be loaded; nothing of it was kept."""

    exit_code = 3


class TooManyRefused(LoadError):
    """More than 1 % of what was read was refused; what was not refused is in the case."""

    exit_code = 6


class StoreError(HakyuError):
    """The graph cannot be opened, brought up to date or asked."""

    exit_code = 4


class QueryError(HakyuError):
    """A Cypher text is refused: it writes, it is malformed, or it names what does not exist."""

    exit_code = 5
