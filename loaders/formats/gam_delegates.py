"""GAM `print delegates` CSV: who may open another's Gmail mailbox (formats.md 8; GAM's own documentation).

Claims a header with `User`, `delegateAddress` and `delegationStatus`.

Yields for each accepted delegate FULL_ACCESS and SEND_ON_BEHALF on the user's mailbox: a delegate reads, deletes and sends in its name.

Traps: a delegation that was not accepted gives no right: counted. `delegateName` is missing in older versions. Mailboxes without delegates
leave no row.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.gam import Gam
from loaders.reading import header_of

NAME = "gam_delegates"
TITLE = "GAM delegates CSV (Google Workspace)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "who may open another's mailbox"


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    return Claim(8, "header of GAM's delegates") if header_of(source) >= {"user", "delegateaddress", "delegationstatus"} else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    gam = Gam(source, options, out, "user", "delegateaddress", "delegationstatus")
    for row in gam.table:
        found = gam.mailbox(row)
        delegate = gam.target(row, "delegateaddress")
        if found is None or delegate is None:
            continue
        if row["delegationstatus"].casefold() != "accepted":
            gam.tally.add("of delegations that are not accepted, which give no right")
            continue
        account = gam.who.account(delegate, row.place, row.get("delegatename") or None)
        out.edge("FULL_ACCESS", account, found[0], row.place, basis="delegate")
        out.edge("SEND_ON_BEHALF", account, found[0], row.place, basis="delegate")
    gam.finish("mailbox rights", "mailboxes without delegates leave no row")
