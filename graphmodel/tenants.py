"""Which names are one organisation's: the domains and tenant names that its mail system and its Entra tenant go by in different sources.

A mail export is known by the domain of most mailboxes, an audit log or a transport rule by the tenant's own name (`contoso.onmicrosoft.com`).
They are one where a source gives both: a domain that the mail system accepts as its own, a mailbox that has an address in the tenant, a
transport rule of the tenant through which the mail system's mail passes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from graphmodel import identity

Link = tuple[str, str, str]
"""(name, other name, reason)."""

_SYSTEM = identity.mail_system_key("")
_TENANT = ".onmicrosoft.com"
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def links(edges: Mapping[str, pl.DataFrame]) -> list[Link]:
    """Names that some source says are one organisation's, sorted."""
    found: set[Link] = set()
    if "ACCEPTS_MAIL_FOR" in edges:
        own = edges["ACCEPTS_MAIL_FOR"].filter(pl.col("type").fill_null("authoritative") == "authoritative").drop_nulls("domain")
        for system, domain in own.select("from_key", "domain").iter_rows():
            for name in {domain, identity.registrable(domain)}:
                found.add((_name(system), name, f"the mail system takes mail for {domain}"))
    if "HOSTS" in edges and "HAS_ADDRESS" in edges:
        hosts = edges["HOSTS"].filter((pl.col("from_label") == "Service") & (pl.col("to_label") == "Mailbox")).select(pl.col("from_key").alias("system"), "to_key")
        known = edges["HAS_ADDRESS"].filter((pl.col("from_label") == "Mailbox") & pl.col("to_key").str.ends_with(_TENANT))
        both = known.select(pl.col("from_key").alias("mailbox"), pl.col("to_key").str.split("@").list.last().alias("domain"))
        for system, domain in both.join(hosts, left_on="mailbox", right_on="to_key").select("system", "domain").unique().iter_rows():
            tenant = identity.registrable(domain)
            found.add((_name(system), tenant, f"its mailboxes have addresses at {tenant}"))
    if "PASSES_THROUGH" in edges:
        rules = edges["PASSES_THROUGH"].filter((pl.col("from_label") == "Service") & (pl.col("to_label") == "Rule"))
        for system, rule in rules.select("from_key", "to_key").unique().iter_rows():
            whose = rule.removeprefix("rule:").partition("/transport rule/")[0]
            if whose != "organisation":
                found.add((_name(system), whose, f"its mail passes through transport rules of {whose}"))
    return sorted(link for link in found if link[0] and link[0] != link[1])


def _name(system: str) -> str:
    return system.removeprefix(_SYSTEM)


def first_name(names: set[str]) -> str:
    """The one of an organisation's names that stands for it: a domain of its own, else its tenant's name, else an id."""
    return min(names, key=lambda name: (bool(_GUID.fullmatch(name)), name.endswith(_TENANT), name))
