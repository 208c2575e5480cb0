"""GAM `print forward` CSV: which Gmail mailboxes forward all their mail (formats.md 8; GAM's own documentation).

Claims a header with `User` and `forwardEnabled`.

Yields for each row that is switched on a Rule of the type mailbox forwarding, PASSES_THROUGH and FORWARDS_TO `forwardTo`; it keeps a copy unless
`disposition` is `trash`.

Traps: `forwardTo` stands in rows that are switched off too: they forward nothing. Filters forward as well: gam_filters.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.gam import Gam
from loaders.reading import header_of

NAME = "gam_forwarding"
TITLE = "GAM forwarding CSV (Google Workspace)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "mailboxes that forward all their mail"


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    return Claim(8, "header of GAM's forwarding") if header_of(source) >= {"user", "forwardenabled"} else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    gam = Gam(source, options, out, "user", "forwardenabled")
    for row in gam.table:
        found = gam.mailbox(row)
        if found is None:
            continue
        enabled = row.flag("forwardenabled")
        if enabled is None:
            out.refuse(row.at("forwardenabled"), row.raw("forwardenabled"), "neither True nor False")
        elif enabled and (target := gam.target(row, "forwardto")):
            disposition = row.get("disposition").casefold()
            gam.who.forwarding(found[0], found[1], target, row.place, disposition != "trash" if disposition else None)
        elif enabled:
            out.refuse(row.at("forwardto"), "", "switched on without an address")
    gam.finish("forwarding")
