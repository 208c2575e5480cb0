"""GAM `print tokens` CSV: which applications each Google user let into the account (formats.md 8; GAM's own documentation).

Claims a header with `user`, `clientId` and `scopes`.

Yields App `app:<clientId>`, CONSENTED with the scopes, and APP_SCOPE to the user's mailbox for scopes that reach mail.

Traps: scopes are joined by spaces; the table says nothing of when consent was given. Users without tokens leave no row. Domain-wide delegation is not in it.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.gam import Gam
from loaders.google_events import mail_scopes
from loaders.reading import header_of

NAME = "gam_tokens"
TITLE = "GAM tokens CSV (Google Workspace)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "applications that users let in, and what they may do with mail"


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    return Claim(8, "header of GAM's tokens") if header_of(source) >= {"user", "clientid", "scopes"} else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    gam = Gam(source, options, out, "user", "clientid", "scopes")
    for row in gam.table:
        found = gam.mailbox(row)
        if found is None:
            continue
        if not row["clientid"]:
            out.refuse(row.place, row.get("displaytext"), "no clientId")
            continue
        app = ("App", f"app:{row['clientid'].casefold()}")
        out.node("App", app[1], row.place, name=row.get("displaytext") or None)
        scopes = sorted(set(row["scopes"].replace(",", " ").split()))
        out.edge("CONSENTED", gam.who.account(found[1], row.place), app, row.place, scope=" ".join(scopes) or None)
        for scope in mail_scopes(" ".join(scopes)):
            out.edge("APP_SCOPE", app, found[0], row.place, scope=scope)
    gam.finish("app permissions", "users without tokens leave no row")
