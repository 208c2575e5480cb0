"""Get-TransportRule and Get-JournalRule CSV, and that of Microsoft-Extractor-Suite: rules of the whole organisation that copy mail (formats.md 3).

Claims a header with `Name`, `State` and one of the columns of actions (`BlindCopyTo`, `RedirectMessageTo`, `CopyTo`, `AddToRecipients`,
`GenerateIncidentReport`), with `Name`, `Description`, `CreatedBy`, `State` (the suite's), or with `Name` and `JournalEmailAddress`.

Yields a Rule for each row (`State` Enabled or not; `hides` where it deletes or quarantines), for an enabled one PASSES_THROUGH from the
organisation's mail system and FORWARDS_TO each target; APPLIES_TO where all its conditions on senders and recipients (`From`,
`SentToMemberOf` …) give addresses, and `takes`. The organisation is told by the rule's `DistinguishedName` (its tenant), else by --mailbox, else not known.

Traps: the suite's export has no columns of actions: targets and conditions are taken from `Description`, which is prose and
localised; only English is understood, and a rule whose prose is another language's is told in a note. Lists may be type names. A
rule in a test mode (`Mode` Audit…) copies nothing. Of conditions with words of mail only the kind is kept. A target may be written
`[EX:/o=…]`, or the row is refused for it. `WhenChanged` is no beginning. A journal rule is one that copies all mail, or that of its `Recipient`.
"""

from __future__ import annotations

import re

from graphmodel import identity
from loaders import conditions
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.recipients import Tally
from loaders.transport_rules import ACTIONS, Given, TransportRules, found_conditions, from_prose

NAME = "get_transport_rule"
TITLE = "Get-TransportRule, Get-JournalRule CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "transport rules that copy or redirect mail, and whose mail they take"

_TARGETS = {name.casefold(): keeps for name, keeps in ACTIONS.items()}
_TENANT = re.compile(r"(?:^|,)CN=Configuration,CN=([^,]+\.[^,]+),", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s'\"<>,;()]+@[^\s'\"<>,;()]+")
_ACTIONS = re.compile(r"^\s*Take the following actions:\s*$", re.IGNORECASE | re.MULTILINE)
_PROSE = (
    (re.compile(r"redirect the message to|deliver the message to", re.IGNORECASE), False),
    (re.compile(r"\(?b?cc\)?[^']*the message to|copy the message to|recipients? to the|to the (to|cc|bcc) |send the incident report to|forward", re.IGNORECASE), True),
)  # fmt: skip
_JOURNAL = frozenset(("name", "journalemailaddress"))
_ENABLED, _ENFORCED = ("enabled", "0"), ("", "enforce", "2")  # ConvertTo-Json on the server itself writes the numbers
_END = re.compile(r"^\s*(Except if|Activation date|Expiry date|Rule comments|Comments)\b", re.IGNORECASE | re.MULTILINE)


def detect(source: Source) -> Claim | None:
    """Claim a header of transport rules."""
    header = header_of(source)
    if {"name", "state"} <= header and header & _TARGETS.keys():
        return Claim(8, "header of Get-TransportRule")
    if header >= _JOURNAL:
        return Claim(8, "header of Get-JournalRule")
    if {"name", "description", "state"} <= header and header & {"createdby", "whenchanged", "priority", "mode"}:
        return Claim(7, "transport rules of Microsoft-Extractor-Suite")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out)
    journal = header_of(source) >= _JOURNAL
    table.require("name", *(() if journal else ("state",)))
    tally, rules = Tally(), TransportRules(out)
    own = identity.address(options.mailbox or "")
    fallback = identity.registrable(identity.domain_of(own)) if own else ""
    if not table.has("distinguishedname") and not fallback:
        out.note("which organisation's rules these are is not known: say --mailbox with one of its addresses")
    for row in table:
        if journal:
            _journal_rule(row, fallback, rules, tally, out)
        else:
            _rule(row, fallback, table, rules, tally, out)
    tally.tell(out)
    if not journal:
        out.coverage("transport rules", collected=rules.count)


def _journal_rule(row: Row, fallback: str, rules: TransportRules, tally: Tally, out: FactBuffer) -> None:
    """A rule that copies everybody's mail, or one recipient's, to an address."""
    tenant, target = _TENANT.search(row.get("distinguishedname")), identity.recipient(row["journalemailaddress"])
    if not row["name"] or target is None:
        out.refuse(row.place, row["journalemailaddress"], "the rule has no name" if target else "JournalEmailAddress names no address")
        return
    works, one = row.flag("enabled") is not False, row.get("recipient")
    if not works:
        tally.add("with a rule that is disabled or only tested, which copies nothing")
    found = {"From": one, "SentTo": one} if one else {}
    rules.state(Given(f"journal: {row['name']}", tenant[1].casefold() if tenant else fallback, works, False, {target: True}, found, True, row.first("guid") or str(row.number)), row.place)


def _rule(row: Row, fallback: str, table: Table, rules: TransportRules, tally: Tally, out: FactBuffer) -> None:
    if not row["name"]:
        out.refuse(row.place, "", "the rule has no name")
        return
    tenant = _TENANT.search(row.get("distinguishedname"))
    works = row["state"].casefold() in _ENABLED and row.get("mode").casefold() in _ENFORCED
    targets, unusable = _targets(row, tally)
    if not works:
        tally.add("with a rule that is disabled or only tested, which copies nothing")
    columns = [column for column in table.index if column in conditions.COLUMNS]
    found = found_conditions((column, row.get(column)) for column in columns) if columns else from_prose(row.get("description"))
    rules.state(
        Given(
            row["name"], tenant[1].casefold() if tenant else fallback, works, bool(row.flag("deletemessage") or row.flag("quarantine")),
            targets, found, not columns or {"from", "sentto", "subjectorbodycontainswords"} <= set(columns), row.first("guid", "immutableid") or str(row.number),
        ),
        row.place,
    )  # fmt: skip
    if unusable:
        advice = "names no address: export the target's PrimarySmtpAddress; the rest of the row is used"
        out.refuse(row.at(", ".join(dict.fromkeys(column for column, _ in unusable))), "; ".join(text for _, text in unusable), advice)


def _targets(row: Row, tally: Tally) -> tuple[dict[str, bool], list[tuple[str, str]]]:
    """Addresses with whether the recipients keep theirs, and (column, text) of what is no address."""
    found: dict[str, bool] = {}
    unusable: list[tuple[str, str]] = []
    for column, keeps in _TARGETS.items():
        for item in row.list(column):
            if target := identity.recipient(item):
                found[target] = keeps
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
