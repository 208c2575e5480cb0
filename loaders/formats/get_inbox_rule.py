"""Get-InboxRule CSV, and the mailbox rules CSVs of Microsoft-Extractor-Suite: rules that copy or hide mail (formats.md 3).

Claims a header with a rule's name and mailbox, and one of `ForwardTo`, `RedirectTo`, `ForwardAsAttachmentTo`. The suite writes three: by
Exchange (`UserName`, `RuleName`, `Enabled`, until 2023 `RuleEnabled`), and by Graph (`UserPrincipalName`, `RuleName`, `Sequence`,
`ForwardAsAttachment`, `Delete`, `PermanentDelete`, `RuleId`). Without these columns a rule's name, mailbox and `Description` do: its actions are then
read from that text, where it is English.

Yields a Rule for each row (`Name`, `Enabled`; `hides` where it deletes, moves or marks as read; `conditions`), and for each target of an
enabled rule FORWARDS_TO and PASSES_THROUGH; for one that only hides PASSES_THROUGH.

Traps: targets are written `"Name" [SMTP:x@y]`; `[EX:/o=…]` is a recipient by its legacyExchangeDN: an export that lists X500 addresses
(Get-Mailbox, LDIF) tells whose that is. A target that is a name only is refused, the other targets are used. A disabled rule copies nothing. Mailboxes without rules leave no row; hidden rules need -IncludeHidden.
The owner may be no address: the mailbox is then known by that name only. Of conditions
with words of mail (`SubjectContainsWords` …) only the kind is kept.
"""

from __future__ import annotations

import re

from graphmodel import identity
from loaders import conditions
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of, split_list
from loaders.recipients import Node, Recipients, Tally

NAME = "get_inbox_rule"
TITLE = "Get-InboxRule CSV"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "inbox rules that forward or hide mail"

_TARGETS = ("forwardto", "redirectto", "forwardasattachmentto", "forwardasattachment")
_DELETES = ("deletemessage", "softdeletemessage", "delete", "permanentdelete")
_PROSE = re.compile(r"take the following actions:", re.IGNORECASE)
_COPY = re.compile(r"\b(?:forward|redirect)\b[^'\"\n]*\bto\b(?P<targets>[^\n]*)", re.IGNORECASE)
_QUOTED = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"")
_HIDING = re.compile(r"\b(?:(?P<gone>delete) the message|move the message to|mark the message as read)", re.IGNORECASE)
_OWNERS = ("primarysmtpaddress", "mailboxownerid", "userprincipalname", "username", "mailbox", "mailboxname")
_BRACKETED = re.compile(r'(?:"(?:[^"]|"")*"\s*)?\[((?:SMTP|EX|X500):[^\]]*)\]', re.IGNORECASE)


def detect(source: Source) -> Claim | None:
    """Claim a header of inbox rules."""
    header = header_of(source)
    if not header & set(_TARGETS):
        ours = "description" in header and header & {"name", "rulename"} and header & {"mailboxownerid", "ruleidentity", "mailbox", "mailboxname"}
        return Claim(5, "rule names with what they do in words") if ours and not header & {"state", "recipienttypedetails"} else None
    if header & {"mailboxownerid", "ruleidentity"}:
        return Claim(7, "header of Get-InboxRule")
    return Claim(6, "rule names and forwarding targets") if header & {"name", "rulename"} else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one. `options.mailbox` says whose rules they are where no column does."""
    table = Table(source, options, out)
    if not table.has("name") and not table.has("rulename"):
        table.require("name")
    if not options.mailbox and not any(table.has(column) for column in (*_OWNERS, "identity")):
        raise Broken("header", "no column MailboxOwnerId, so whose rules these are is not known", "say --mailbox")
    prose = not any(table.has(column) for column in _TARGETS)
    if prose:
        table.require("description")
    reader = _Reader(options, out, [column for column in table.index if column in conditions.COLUMNS], prose)
    for row in table:
        reader.row(row)
    reader.finish()


def _actions(row: Row) -> str:
    """What a rule does, in its own English words; "" in another language."""
    match = _PROSE.search(text := row.get("description"))
    return text[match.end() :] if match else ""


def _hides(row: Row) -> bool:
    if _HIDING.search(_actions(row)):
        return True
    return bool(row.get("movetofolder")) or any(row.flag(column) for column in (*_DELETES, "markasread"))


class _Reader:
    def __init__(self, options: Options, out: FactBuffer, asked: list[str], prose: bool) -> None:
        self._out, self._own, self._asked, self._prose = out, options.mailbox or "", asked, prose
        self._by_dn: set[str] = set()
        self._who, self._tally = Recipients(out), Tally()
        self._mailboxes: set[str] = set()
        self._rules: dict[str, str] = {}  # key -> the rule's own id: two rules of a mailbox may have one name

    def row(self, row: Row) -> None:
        """State one rule."""
        owner = row.first(*_OWNERS) or row.get("identity").partition("\\")[0] or self._own
        name = row.first("name", "rulename", "ruleidentity")
        if not owner or not name:
            self._out.refuse(row.place, name or owner, "no owner: say --mailbox" if not owner else "the rule has no name")
            return
        mailbox, _ = self._who.mailbox_named(owner, row.place)
        self._mailboxes.add(mailbox[1])
        targets, unusable = self._targets(row)
        enabled = row.flag("enabled") if row.get("enabled") else row.flag("ruleenabled")
        rule = self._rule(row, mailbox, name, enabled)
        if enabled is False:
            self._tally.add("with a disabled rule, which copies nothing")
        else:
            for target, keeps_copy in targets.items():
                self._who.copies(mailbox, rule, target, row.place, keeps_copy)
            if not targets and _hides(row):
                self._out.edge("PASSES_THROUGH", mailbox, rule, row.place, basis="hides")
        if unusable:
            advice = "names no address: export the target's PrimarySmtpAddress; the rest of the row is used"
            self._out.refuse(row.at(", ".join(dict.fromkeys(column for column, _ in unusable))), "; ".join(t for _, t in unusable), advice)

    def finish(self) -> None:
        """State what the file as a whole says."""
        self._tally.tell(self._out)
        named = sum(1 for key in self._mailboxes if "@" not in key)
        if named:
            self._out.note(f"mailboxes known by a name only, as the owner is no address: {named:,}; add a PrimarySmtpAddress column")
        if self._by_dn:
            self._out.note(f"targets known by their legacyExchangeDN: {len(self._by_dn):,}; Get-Mailbox with EmailAddresses or LegacyExchangeDN, or LDIF, tells whose they are")
        self._out.coverage("inbox rules", collected=len(self._mailboxes), note="mailboxes without rules leave no row")

    def _rule(self, row: Row, mailbox: Node, name: str, enabled: bool | None) -> Node:
        key = f"rule:{mailbox[1].removeprefix('mailbox:')}/inbox rule/{name}"
        own_id = row.first("ruleidentity", "ruleid", "identity") or str(row.number)
        if self._rules.setdefault(key, own_id) != own_id:
            key = f"{key}#{own_id}"
        hides = None if self._prose and not _actions(row) else _hides(row)
        told = conditions.told((conditions.COLUMNS[column], row.get(column)) for column in self._asked)
        self._out.node("Rule", key, row.place, name=name, type="inbox rule", enabled=enabled, hides=hides, conditions=told)
        return "Rule", key

    def _targets(self, row: Row) -> tuple[dict[str, bool], list[tuple[str, str]]]:
        """Addresses with whether the mailbox keeps its copy, and (column, text) of each target that is no address."""
        if self._prose:
            return self._told(row)
        keeps = not any(row.flag(column) for column in _DELETES)
        found: dict[str, bool] = {}
        unusable: list[tuple[str, str]] = []
        for column in _TARGETS:
            text = row.get(column)
            for item in [*_BRACKETED.findall(text), *split_list(_BRACKETED.sub(";", text))]:
                if target := identity.recipient(item):
                    found[target] = keeps
                    self._by_dn.update([target] if target.startswith("/") else [])
                else:
                    unusable.append((column, item))
        return found, unusable

    def _told(self, row: Row) -> tuple[dict[str, bool], list[tuple[str, str]]]:
        """The same from the rule's description."""
        actions = _actions(row)
        if row.get("description") and not actions:
            self._tally.add("whose description is not in English: what the rule does is not known")
        keeps = not any(match["gone"] for match in _HIDING.finditer(actions))
        items = [one or other for match in _COPY.finditer(actions) for one, other in _QUOTED.findall(match["targets"])]
        found = {target: keeps for item in items if (target := identity.recipient(item))}
        return found, [("description", item) for item in items if not identity.recipient(item)]
