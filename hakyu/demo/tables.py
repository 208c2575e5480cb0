"""Our own minimal tables, as an analyst fills them by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from hakyu.demo.correspondents import Stated
from hakyu.demo.organisation import DEPARTMENTS, DOMAIN, INSTITUTE, WHO, Organisation


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV in UTF-8 with BOM, as a spreadsheet saves it."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8-sig")


def servers(org: Organisation) -> bytes:
    """servers.csv: the whole inventory, also what no directory knows."""
    rows = []
    for at, computer in enumerate(org.computers):
        grade = (
            "high"
            if computer.role in ("mail", "gateway", "domain controller")
            else "medium"
            if computer.role == "file"
            else "low"
        )
        owner = "Institute" if computer.fqdn.endswith(INSTITUTE) else "Systems"
        rows.append((computer.host, computer.fqdn, f"192.0.2.{10 + at}", computer.role, owner, grade))
    return table(("host", "fqdn", "ip", "role", "owner", "criticality"), rows)


def access(org: Organisation) -> bytes:
    """access.csv: VPN and single sign-on entitlements, who administers the appliances, and a right given by a change."""
    source = "entitlement list June 2023"
    rows = [(account.email, f"vpn.{DOMAIN}", "vpn", source) for account in org.staff if account.department in DEPARTMENTS[:2]]
    rows += [(account.email, "Contact Register", "sso", source) for account in org.staff if account.department == DEPARTMENTS[0]]
    rows += [(account.email, "Incident Desk", "sso", source) for account in org.staff if account.department == DEPARTMENTS[1]]
    rows.append((WHO, "Conference Registration", "app", "the user's own word"))
    rows += [
        (f"NCCO\\{sam}", host, right, "appliance configuration")
        for sam, host, right in (
            ("adm-tanaka", f"mx1.{INSTITUTE}", "admin;ssh"),
            ("adm-ogawa", f"mgw01.{DOMAIN}", "admin;ssh"),
            ("adm-ogawa", f"mgw02.{DOMAIN}", "admin;ssh"),
            ("adm-aoki", f"mail.{INSTITUTE}", "admin;ssh"),
        )
    ]
    timed = [(*row, "", "") for row in rows]
    # Only after this change could whoever held the file server's sessions go on to the mail server.
    timed.append(("NCCO\\adm-tanaka", f"ex01.{DOMAIN}", "admin", "change 1207", "2022-12-12", ""))
    return table(("account", "host", "right", "source", "from", "to"), timed)


def mailboxes(org: Organisation) -> bytes:
    """mailboxes.csv: the institute's mailboxes, of which there is no export."""
    return table(
        ("mailbox", "owner", "type", "forward_to", "forward_copy", "created"),
        [(account.email, "", "user", "-", "", "") for account in org.institute],
    )


def delegations() -> bytes:
    """delegations.csv: rights given for a time, from the help desk's tickets."""
    rows = [
        (f"liaison@{INSTITUTE}", WHO, "full", "", "2023-01-16", "2023-04-01", "ticket 4411"),
        (f"board@{INSTITUTE}", WHO, "full", "", "2023-05-08", "", "ticket 4630"),
        (f"recruit@{DOMAIN}", f"haruka.sato@{DOMAIN}", "full;send_as", "", "2022-11-01", "2023-02-01", "ticket 4302"),
    ]
    return table(("mailbox", "trustee", "right", "folder", "from", "to", "source"), rows)


def correspondents(rows: list[Stated]) -> bytes:
    """correspondents.csv: what the liaison section knows of some of them."""
    return table(
        ("address", "name", "organisation", "country", "category", "warned_at"),
        [(row.address, row.name, row.organisation, row.country, row.category, row.warned_at) for row in rows],
    )
