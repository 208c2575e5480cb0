"""Get-TransportRule CSV, and the transport rules CSV of Microsoft-Extractor-Suite: rules of the whole organisation that copy mail (formats.md 3).

Claims a header with `Name`, `State` and one of the columns of actions (`BlindCopyTo`, `RedirectMessageTo`, `CopyTo`, `AddToRecipients`,
`GenerateIncidentReport`), or with `Name`, `Description`, `CreatedBy`, `State` (the suite's).

Yields a Rule for each row (`State` Enabled or not; `hides` where it deletes or quarantines) and for each target of an enabled rule
FORWARDS_TO. The organisation is told by the rule's `DistinguishedName` (its tenant), else by --mailbox, else not known.

Traps: the suite's export has no columns of actions: targets are taken from the action lines of `Description`, which is prose and
localised; only English is understood, and a rule whose prose is another language's is told in a note. Lists may be type names. A
rule in a test mode (`Mode` Audit…) copies nothing. Conditions are not read: they hold words of mail. `WhenChanged` is no beginning.
"""

from __future__ import annotations

import re

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Tally

NAME = "get_transport_rule"
TITLE = "Get-TransportRule CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "transport rules that copy or redirect mail"

_TARGETS = ("blindcopyto", "redirectmessageto", "copyto", "addtorecipients", "generateincidentreport")
_KEEPS = {"redirectmessageto": False}
_TENANT = re.compile(r"(?:^|,)CN=Configuration,CN=([^,]+\.[^,]+),", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s'\"<>,;()]+@[^\s'\"<>,;()]+")
_ACTIONS = re.compile(r"^\s*Take the following actions:\s*$", re.IGNORECASE | re.MULTILINE)
_PROSE = (
    (re.compile(r"redirect the message to|deliver the message to", re.IGNORECASE), False),
    (re.compile(r"\(?b?cc\)?[^']*the message to|copy the message to|recipients? to the|to the (to|cc|bcc) |send the incident report to|forward", re.IGNORECASE), True),
)  # fmt: skip
_END = re.compile(r"^\s*(Except if|Activation date|Expiry date|Rule comments|Comments)\b", re.IGNORECASE | re.MULTILINE)


def detect(source: Source) -> Claim | None:
    """Claim a header of transport rules."""
    header = header_of(source)
    if {"name", "state"} <= header and header & set(_TARGETS):
        return Claim(8, "header of Get-TransportRule")
    if {"name", "description", "createdby", "whenchanged", "state"} <= header:
        return Claim(7, "transport rules of Microsoft-Extractor-Suite")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out)
    table.require("name", "state")
    tally = Tally()
    own = identity.address(options.mailbox or "")
    fallback = identity.domain_of(own) if own else ""
    if not table.has("distinguishedname") and not fallback:
        out.note("which organisation's rules these are is not known: say --mailbox with one of its addresses")
    seen: set[str] = set()
    for row in table:
        _rule(row, fallback, seen, tally, out)
    tally.tell(out)
    out.coverage("transport rules", collected=len(seen))


def _rule(row: Row, fallback: str, seen: set[str], tally: Tally, out: FactBuffer) -> None:
    name = row["name"]
    if not name:
        out.refuse(row.place, "", "the rule has no name")
        return
    tenant = _TENANT.search(row.get("distinguishedname"))
    key = f"rule:{(tenant[1].casefold() if tenant else fallback) or 'organisation'}/transport rule/{name}"
    if key in seen:
        key = f"{key}#{row.first('guid', 'immutableid') or row.number}"
    seen.add(key)
    works = row["state"].casefold() == "enabled" and row.get("mode").casefold() in ("", "enforce")
    hides = bool(row.flag("deletemessage") or row.flag("quarantine"))
    out.node("Rule", key, row.place, name=name, type="transport rule", enabled=works, hides=hides)
    targets, unusable = _targets(row, tally)
    if not works:
        tally.add("with a rule that is disabled or only tested, which copies nothing")
    else:
        for target, keeps in targets.items():
            out.edge("FORWARDS_TO", ("Rule", key), ("Correspondent", identity.smtp_key(target)), row.place, keeps_copy=keeps)
    if unusable:
        advice = "names no address: export the target's PrimarySmtpAddress; the rest of the row is used"
        out.refuse(row.at(", ".join(dict.fromkeys(column for column, _ in unusable))), "; ".join(text for _, text in unusable), advice)


def _targets(row: Row, tally: Tally) -> tuple[dict[str, bool], list[tuple[str, str]]]:
    """Addresses with whether the recipients keep theirs, and (column, text) of what is no address."""
    found: dict[str, bool] = {}
    unusable: list[tuple[str, str]] = []
    for column in _TARGETS:
        for item in row.list(column):
            if target := identity.address(item):
                found[target] = _KEEPS.get(column, True)
            else:
                unusable.append((column, item))
    if not found and not unusable and not any(row.raw(column) for column in _TARGETS):
        found = _prose(row.get("description"), tally)
    return found, unusable


def _prose(description: str, tally: Tally) -> dict[str, bool]:
    """Targets that the action lines of an English description name."""
    begin = _ACTIONS.search(description)
    if begin is None:
        if description:
            tally.add("with a description that is not English or names no action: its targets are unknown, export the columns BlindCopyTo, RedirectMessageTo, CopyTo")
        return {}
    end = _END.search(description, begin.end())
    found: dict[str, bool] = {}
    for line in description[begin.end() : end.start() if end else len(description)].splitlines():
        keeps = next((keeps for words, keeps in _PROSE if words.search(line)), None)
        if keeps is not None:
            found |= {target: keeps for text in _ADDRESS.findall(line) if (target := identity.address(text))}
    return found
