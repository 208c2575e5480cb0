"""GAM `print filters` CSV: Gmail filters that forward or hide mail (formats.md 8; GAM's own documentation).

Claims a header with `User`, `id`, and three of a filter's conditions and actions.

Yields a Rule for each row (`id`; `hides` where it archives, trashes or marks as read; `conditions`: which kinds there are, never the words), and for
`forward` PASSES_THROUGH and FORWARDS_TO; for one that only hides PASSES_THROUGH.

Traps: cells hold the setting's name before its value (`forward x@y.example`, `label News`). Forwarding keeps the mailbox's copy unless the filter
trashes it. Mailboxes without filters leave no row.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.gam import Gam
from loaders.reading import Row, header_of

NAME = "gam_filters"
TITLE = "GAM filters CSV (Google Workspace)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "filters that forward or hide mail"

_CONDITIONS = ("from", "to", "subject", "query", "negatedquery", "hasattachment", "excludechats", "size")
_TRASH = ("trash",)
_HIDES = (*_TRASH, "archive", "markread")
_ACTIONS = (*_HIDES, "forward", "label", "star", "important", "notimportant", "neverspam", "category")


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    if {"user", "id"} <= header and len(header & {*_CONDITIONS, *_ACTIONS}) >= 3 and header & {*_ACTIONS, "negatedquery", "excludechats"}:
        return Claim(7, "header of GAM's filters")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    gam = Gam(source, options, out, "user", "id")
    for row in gam.table:
        found = gam.mailbox(row)
        if found is None:
            continue
        mailbox, address = found
        if not row["id"]:
            gam.tally.add("of users without filters")
            continue
        rule = ("Rule", f"rule:{address}/inbox rule/{row['id']}")
        conditions = ", ".join(name for name in _CONDITIONS if _is_on(row, name))
        hides = any(_is_on(row, name) for name in _HIDES)
        out.node("Rule", rule[1], row.place, name=row["id"], type="inbox rule", enabled=True, hides=hides, conditions=f"by {conditions}" if conditions else None)
        if target := gam.target(row, "forward", "forward"):
            gam.who.copies(mailbox, rule, target, row.place, not any(_is_on(row, name) for name in _TRASH))
        elif hides:
            out.edge("PASSES_THROUGH", mailbox, rule, row.place, basis="hides")
    gam.finish("inbox rules", "mailboxes without filters leave no row")


def _is_on(row: Row, column: str) -> bool:
    return row.get(column).casefold() not in ("", "false", f"{column} false")
