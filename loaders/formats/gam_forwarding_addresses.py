"""GAM `print forwardingaddresses` CSV: addresses that Gmail users may forward to (formats.md 8; GAM's own documentation).

Claims a header with `User`, `forwardingEmail` and `verificationStatus`.

Yields for each accepted address a Rule of the type mailbox forwarding that is switched off, with FORWARDS_TO: it leads there once it is used. The
mailbox does not pass through it: whether it forwards, gam_forwarding and gam_filters tell.

Traps: an address stays in the list after forwarding was switched off, so it is a trace of it. One that was not verified cannot be used: counted.
"""

from __future__ import annotations

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.gam import Gam
from loaders.reading import header_of

NAME = "gam_forwarding_addresses"
TITLE = "GAM forwarding addresses CSV (Google Workspace)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "addresses that mailboxes may forward to"


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    return Claim(8, "header of GAM's forwarding addresses") if header_of(source) >= {"user", "forwardingemail", "verificationstatus"} else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    gam = Gam(source, options, out, "user", "forwardingemail", "verificationstatus")
    said: set[str] = set()
    for row in gam.table:
        found = gam.mailbox(row)
        target = gam.target(row, "forwardingemail")
        if found is None or target is None:
            continue
        if row["verificationstatus"].casefold() != "accepted":
            gam.tally.add("of addresses that were not verified, which cannot be used")
            continue
        key = f"rule:{found[1]}/forwarding address/{target}"
        if key not in said:
            said.add(key)
            out.node("Rule", key, row.place, name="forwarding address, not in use by itself", type="mailbox forwarding", enabled=False)
            out.edge("FORWARDS_TO", ("Rule", key), ("Correspondent", identity.smtp_key(target)), row.place)
    gam.tally.tell(out)
    gam.who.host_all(gam.domain())
    out.note("these addresses forward nothing by themselves: load GAM's forwarding and filters too")
