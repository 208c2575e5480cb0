"""Transport (mail flow) rules of an Exchange organisation as facts, wherever they are read: CSV, Export-Clixml, the audit log.

    rules = TransportRules(out)
    rules.state(Given("audit", whose="contoso.onmicrosoft.com", works=True, targets={"x@out.example": True}, conditions={"From": "a@x"}), place)

A rule is known by its organisation (domain or tenant name; "" where the source does not tell) and its name. The mail system passes through
it while it works. Whose mail it takes is said by APPLIES_TO where all its conditions on senders or recipients give addresses; else `takes`
says that it takes some mail, and any mailbox's may be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphmodel import identity
from loaders import conditions
from loaders.base import FactBuffer
from loaders.reading import split_list
from loaders.recipients import Node, Recipients

ACTIONS = {"BlindCopyTo": True, "RedirectMessageTo": False, "CopyTo": True, "AddToRecipients": True, "GenerateIncidentReport": True}
"""Actions that send mail elsewhere -> whether the recipients keep theirs."""
_ROLES = {"From": "from", "FromMemberOf": "from", "SentTo": "to", "SentToMemberOf": "to", "AnyOfToHeader": "to", "AnyOfToHeaderMemberOf": "to",
          "AnyOfCcHeader": "to", "AnyOfCcHeaderMemberOf": "to", "AnyOfToCcHeader": "to", "AnyOfToCcHeaderMemberOf": "to",
          "BetweenMemberOf1": "from or to", "BetweenMemberOf2": "from or to"}  # fmt: skip
_BRACKETED = re.compile(r"\[((?:SMTP|EX|X500):[^\]]*)\]", re.IGNORECASE)
_PROSE_END = re.compile(r"^\s*(Take the following actions|Except if|Activation date|Expiry date|Rule comments|Comments)\b", re.IGNORECASE | re.MULTILINE)
_PROSE = re.compile(r"^\s*(?:and )?is (sent to|received from) (?:(a member of (?:group|distribution list)) )?(.*)$", re.IGNORECASE)


@dataclass(frozen=True)
class Given:
    """What a source says of a rule.

    `conditions`: name -> value as written, None where it does not say which there are; `complete`: those that are not given are not set.
    """

    name: str
    whose: str
    works: bool
    hides: bool | None = None
    targets: Mapping[str, bool] = field(default_factory=dict)
    conditions: Mapping[str, str] | None = None
    complete: bool = True
    own_id: str = ""


def key_of(whose: str, name: str) -> str:
    """Key of a transport rule. `whose`: domain or tenant name of its organisation, "" where it is not known."""
    return f"rule:{whose or 'organisation'}/transport rule/{name.strip()}"


def of_journal(said: Mapping[str, str], object_id: str) -> dict[str, str]:
    """A journal rule's parameters as those of a transport rule: it too copies passing mail, of everybody or of one recipient (`Recipient`)."""
    found = {word: said[word] for word in ("Enabled",) if word in said}
    for word in ("Name", "Identity"):
        if text := said.get(word) or (object_id if word == "Identity" else ""):
            found[word] = f"journal: {text.rpartition(chr(92))[2]}"
    for word, action in (("JournalEmailAddress", "BlindCopyTo"), ("Recipient", "From"), ("Recipient", "SentTo")):
        if word in said:
            found[action] = said[word]
    return found


def applies_to(given: Mapping[str, str] | None) -> list[tuple[str, Node]]:
    """(role, address or group) of all conditions on senders and recipients; empty where there are none, or one gives no address."""
    found: list[tuple[str, Node]] = []
    for name, role in _ROLES.items():
        for item in _items((given or {}).get(name, "")):
            who = identity.recipient(item)
            if who is None:
                return []
            member = "MemberOf" in name
            found.append((role, ("Group", identity.group_key(who)) if member else ("Correspondent", identity.correspondent_key(who))))
    return list(dict.fromkeys(found))


def takes(given: Mapping[str, str] | None, complete: bool = True) -> str | None:
    """Which mail the rule takes, in the words of kinds.py. `complete`: a condition that is not given is not set."""
    if given is None:
        return None
    if applies_to(given):
        return "some senders or recipients"
    return "some mail" if conditions.told(given.items()) else "all mail" if complete else None


def whose_mail(out: FactBuffer, key: str, given: Mapping[str, str] | None, complete: bool, place: str) -> dict[str, str | None]:
    """State whose mail the rule takes; the properties of its node that say so."""
    for role, who in applies_to(given):
        out.edge("APPLIES_TO", ("Rule", key), who, place, role=role)
    return {"takes": takes(given, complete), "conditions": conditions.told((given or {}).items())}


def _items(text: str) -> list[str]:
    bracketed = _BRACKETED.findall(text)
    return bracketed or split_list(text)


def from_prose(description: str) -> dict[str, str] | None:
    """Conditions that an English description names; None where it says nothing of them."""
    begin = re.search(r"^\s*If the message:\s*$", description, re.IGNORECASE | re.MULTILINE)
    if begin is None:
        everything = re.search(r"^\s*(Apply to all messages|Take the following actions:)", description, re.IGNORECASE | re.MULTILINE)
        return {} if everything else None
    end = _PROSE_END.search(description, begin.end())
    found: dict[str, str] = {}
    for line in description[begin.end() : end.start() if end else len(description)].splitlines():
        if named := _PROSE.match(line):
            name = ("SentTo" if named[1].casefold() == "sent to" else "From") + ("MemberOf" if named[2] else "")
            scope = re.search(r"'?(inside|outside) the organi[sz]ation", named[3], re.IGNORECASE)
            found[f"{name}Scope" if scope else name] = scope[1] if scope else ";".join(re.findall(r"'([^']+)'", named[3]))
        elif line.strip():
            found["SubjectOrBodyContainsWords"] = "words"  # whatever it asks, the value goes no further
    if end and description[end.start() :].lstrip().casefold().startswith("except"):
        found["ExceptIfProse"] = "prose"
    return found


class TransportRules:
    """States rules of one source in `out`. `count`: how many."""

    def __init__(self, out: FactBuffer) -> None:
        self._out, self._who = out, Recipients(out)
        self._seen: set[str] = set()

    @property
    def count(self) -> int:
        """How many rules were stated."""
        return len(self._seen)

    def state(self, given: Given, place: str) -> None:
        """One rule as it is."""
        key = key_of(given.whose, given.name)
        if key in self._seen:
            key = f"{key}#{given.own_id or place}"
        self._seen.add(key)
        rule, more = ("Rule", key), whose_mail(self._out, key, given.conditions, given.complete, place)
        self._out.node("Rule", key, place, name=given.name, type="transport rule", enabled=given.works, hides=given.hides, **more)
        if given.works:
            self._out.edge("PASSES_THROUGH", self._who.mail_system(given.whose, place), rule, place, basis="transport rule")
            for target, keeps in given.targets.items():
                self._out.edge("FORWARDS_TO", rule, ("Correspondent", identity.correspondent_key(target)), place, keeps_copy=keeps)


def found_conditions(values: Iterator[tuple[str, str]]) -> dict[str, str]:
    """Conditions that are set, of (column or property in any case, value as written)."""
    return {conditions.COLUMNS[name.casefold()]: text for name, text in values if name.casefold() in conditions.COLUMNS and conditions.told([(conditions.COLUMNS[name.casefold()], text)])}
