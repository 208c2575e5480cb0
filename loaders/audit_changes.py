r"""What records of the audit log say of Exchange's settings: rules, forwarding, rights (formats.md 1.4). Taken in the order of time.

A change that begins something is the fact with `valid_from`, one that ends it the same fact with `valid_until`. Where a record ends
something without saying what (`ForwardingSmtpAddress` set to nothing, a rule removed by its name), it is what the same log saw begin.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from graphmodel import identity
from loaders import conditions, transport_rules
from loaders.audit_who import BASIS, Actor, Record, Who, guid, items_of, pairs_of, text_of
from loaders.base import FactBuffer
from loaders.recipients import Node

_RULES = ("New-InboxRule", "Set-InboxRule", "Enable-InboxRule", "Disable-InboxRule", "Remove-InboxRule", "UpdateInboxRules")
_TRANSPORT = tuple(f"{verb}-{what}Rule" for what in ("Transport", "Journal") for verb in ("New", "Set", "Enable", "Disable", "Remove"))
_FOLDERS = ("Add-MailboxFolderPermission", "Set-MailboxFolderPermission", "Remove-MailboxFolderPermission")
_MAPI_FOLDERS = ("AddFolderPermissions", "ModifyFolderPermissions", "UpdateFolderPermissions", "RemoveFolderPermissions")
_RIGHTS = ("Add-MailboxPermission", "Remove-MailboxPermission", "Add-RecipientPermission", "Remove-RecipientPermission")
OPERATIONS = frozenset((*_RULES, *_TRANSPORT, *_FOLDERS, *_MAPI_FOLDERS, *_RIGHTS, "Set-Mailbox"))

_FORWARDS = ("ForwardTo", "RedirectTo", "ForwardAsAttachmentTo")
_HIDES = ("DeleteMessage", "SoftDeleteMessage", "MarkAsRead")
_BRACKETED = re.compile(r"\[(SMTP|EX|X500):([^\]]*)\]", re.IGNORECASE)
_READING = frozenset(
    ("owner", "publishingeditor", "editor", "publishingauthor", "author", "noneditingauthor", "reviewer", "readitems", "readany")
)  # fmt: skip


@dataclass
class _Rule:
    """A rule as the log has it so far. `targets`: address -> whether the mailbox keeps its copy; `open`: those it copies to now."""

    name: str
    type: str
    place: str
    enabled: bool = True
    hides: bool | None = None
    passing: bool = False
    conditions: dict[str, str] = field(default_factory=dict)
    complete: bool = False  # the log saw it made, so that a condition that was not named is not set
    via: str = ""
    deletes: bool = False
    targets: dict[str, bool | None] = field(default_factory=dict)
    open: dict[str, bool | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _At:
    """The record at hand: where, when, its id, its organisation, who did it."""

    place: str
    time: int | None
    record: str | None
    org: str
    obs: Node
    actor: Actor


class Changes:
    """States changes of settings. `unknown_targets`: ends of what the log did not see begin; `audit_off`: (mailbox, from, until)."""

    def __init__(self, out: FactBuffer, who: Who) -> None:
        self._out, self._who = out, who
        self._rules: dict[str, _Rule] = {}
        self._rule_ids: dict[tuple[str, str], str] = {}
        self._holding: dict[tuple[str, str, str, str], dict[str, Any]] = {}
        self._audit: dict[str, int] = {}
        self.audit_off: list[tuple[str, int, int | None]] = []
        self.unknown_targets = 0

    def read(self, record: Record, place: str, obs: Node, time: int | None, actor: Actor) -> None:
        """State one change."""
        operation = record["Operation"]
        org = text_of(record, "OrganizationName").casefold()
        at = _At(place, time, guid(record.get("Id")), org, obs, actor)
        readers: tuple[tuple[tuple[str, ...], Callable[[Record, _At, dict[str, str]], None]], ...] = (
            (_RULES, self._inbox_rule), (_TRANSPORT, self._transport_rule), (_FOLDERS, self._folder_permission),
            (_MAPI_FOLDERS, self._folder_acl), (_RIGHTS, self._permission), (("Set-Mailbox",), self._set_mailbox),
        )  # fmt: skip
        reader = next(reader for operations, reader in readers if operation in operations)
        reader(record, at, pairs_of(record, "Parameters"))

    def finish(self) -> None:
        """State the rules as the log left them, and the mailboxes whose auditing is still off."""
        for key, rule in self._rules.items():
            said = {name: text for name, text in rule.conditions.items() if text}
            more = transport_rules.whose_mail(self._out, key, said, rule.complete, rule.place) if rule.type == "transport rule" else {}
            more["conditions"] = conditions.told(said.items())
            self._out.node("Rule", key, rule.place, name=rule.name or "(no name)", type=rule.type, enabled=rule.enabled, hides=rule.hides, **more)
        self.audit_off += [(address, start, None) for address, start in sorted(self._audit.items())]

    # Rules.

    def _inbox_rule(self, record: Record, at: _At, said: dict[str, str]) -> None:
        operation = record["Operation"]
        if operation == "UpdateInboxRules":
            self._client_rule(record, at)
            return
        given = next((text for text in (text_of(record, "ObjectId"), said.get("Identity", "")) if "\\" in text), said.get("Identity", ""))
        where, _, named = given.rpartition("\\")
        mailbox = self._mailbox(said.get("Mailbox") or where, record, at)
        if mailbox is None:
            self._out.refuse(at.place, operation, "does not say whose rule it is")
            return
        id_ = said.get("Identity", "").rpartition("\\")[2]
        name = said["Name"] if "Name" in said else self._rule_ids.get((mailbox[1], id_)) or named or id_
        if operation == "New-InboxRule" and id_.isdigit():
            self._rule_ids[mailbox[1], id_] = name
        key = f"rule:{mailbox[1].removeprefix('mailbox:')}/inbox rule/{name.strip()}"
        if operation in ("New-InboxRule", "Set-InboxRule"):
            made = self._rule(key, name.strip(), "inbox rule", at, new=operation.startswith("New"))
            self._describe(made, said)
            if any(word in said for word in _HIDES[:2]):
                made.deletes = any(_true(said, word) for word in _HIDES[:2])
                made.targets = dict.fromkeys(made.targets, not made.deletes)
            self._retarget(made, said, _FORWARDS, at, keeps=not made.deletes)
        rule = self._rules.get(key)
        self._switch(rule, operation, said.get("Enabled", ""))
        self._apply(key, rule, mailbox, at, gone=operation.startswith("Remove"))

    def _client_rule(self, record: Record, at: _At) -> None:
        """A rule that Outlook itself wrote: its actions are JSON within a text."""
        said = pairs_of(record, "OperationProperties")
        mailbox = self._who.owner(record, at.place) or self._mailbox("", record, at)
        if mailbox is None:
            self._out.refuse(at.place, "UpdateInboxRules", "does not say whose rule it is")
            return
        id_, what = said.get("RuleId", ""), said.get("RuleOperation", "")
        name = said.get("RuleName") or self._rule_ids.get((mailbox[1], id_)) or id_
        if id_:
            name = self._rule_ids.setdefault((mailbox[1], id_), name)
        key = f"rule:{mailbox[1].removeprefix('mailbox:')}/inbox rule/{name}"
        if what.startswith("Remove"):
            self._apply(key, self._rules.get(key), mailbox, at, gone=True)
            return
        rule = self._rule(key, name, "inbox rule", at, new=what.startswith("Add"))
        actions = _actions(said.get("RuleActions", ""))
        rule.enabled = "enabled" in said.get("RuleState", "enabled").casefold()
        rule.conditions |= dict.fromkeys(conditions.of_restriction(said.get("RuleCondition", "")), "true")
        rule.hides = any(word in str(action.get("ActionType", "")) for action in actions for word in ("Delete", "Move", "MarkAsRead"))
        keeps = not any("Delete" in str(action.get("ActionType", "")) for action in actions)
        given = [recipient for action in actions for recipient in _recipients(action)]
        if actions:
            rule.targets = dict.fromkeys(self._addresses(given, at, "RuleActions"), keeps)
        self._apply(key, rule, mailbox, at, gone=False)

    def _transport_rule(self, record: Record, at: _At, said: dict[str, str]) -> None:
        operation = record["Operation"]
        if "Journal" in operation:
            said = transport_rules.of_journal(said, text_of(record, "ObjectId"))
        name = said["Name"] if "Name" in said else (said.get("Identity") or text_of(record, "ObjectId")).rpartition("\\")[2]
        key = transport_rules.key_of(at.org or self._who.domain(), name)
        if operation.startswith(("New", "Set")):
            made = self._rule(key, name.strip(), "transport rule", at, new=operation.startswith("New"))
            self._describe(made, said)
            self._retarget(made, said, tuple(transport_rules.ACTIONS), at, keeps="RedirectMessageTo" not in said)
            if said.get("Mode", "Enforce").casefold() not in ("", "enforce"):
                made.enabled = False
        rule = self._rules.get(key)
        self._switch(rule, operation, said.get("Enabled", ""))
        self._apply(key, rule, self._who.mail_system(at.org, at.place), at, gone=operation.startswith("Remove"))

    def _rule(self, key: str, name: str, type_: str, at: _At, new: bool) -> _Rule:
        """The rule of that key, made anew where a record says so."""
        known = self._rules.get(key)
        if known is None or new:
            known = self._rules[key] = _Rule(name, type_, at.place, complete=new, open=known.open if known else {}, passing=bool(known and known.passing))
        return known

    def _describe(self, rule: _Rule, said: dict[str, str]) -> None:
        if any(word in said for word in (*_HIDES, "MoveToFolder", "CopyToFolder")) or rule.hides is None:
            rule.hides = any(_true(said, word) for word in _HIDES) or bool(said.get("MoveToFolder"))
        rule.conditions |= {name: value for name, value in said.items() if conditions.is_condition(name)}

    def _retarget(self, rule: _Rule, said: dict[str, str], words: tuple[str, ...], at: _At, keeps: bool) -> None:
        """Where the rule copies to, as far as a record says it; what it does not speak of stays as it was."""
        if any(word in said for word in words):
            given = [item for word in words for item in _listed(said.get(word, ""))]
            rule.targets = dict.fromkeys(self._addresses(given, at, ", ".join(word for word in words if word in said)), keeps)

    def _switch(self, rule: _Rule | None, operation: str, enabled: str) -> None:
        if rule and operation.startswith(("Enable", "Disable")):
            rule.enabled = operation.startswith("Enable")
        elif rule and enabled.casefold() in ("true", "false"):
            rule.enabled = enabled.casefold() == "true"

    def _apply(self, key: str, rule: _Rule | None, source: Node | None, at: _At, gone: bool) -> None:
        """Begin and end copies until the rule does what it should now. `source`: whose mail passes it."""
        node = ("Rule", key)
        self._out.edge("OBSERVED", at.obs, node, at.place, role="target")
        if source:
            self._out.edge("OBSERVED", at.obs, source, at.place, role="mailbox")
        if rule is None:
            self.unknown_targets += 1
            if source and gone:
                self._out.edge("PASSES_THROUGH", source, node, at.place, valid_until=at.time, record=at.record, basis=BASIS)
            return
        wanted = rule.targets if rule.enabled and not gone else {}
        for target, keeps in [*rule.open.items()]:
            if target not in wanted or wanted[target] != keeps:
                self._copy(source, node, target, keeps, at, begins=False)
                del rule.open[target]
        for target, keeps in wanted.items():
            if target not in rule.open:
                rule.open[target] = keeps
                self._copy(source, node, target, keeps, at, begins=True)
        passing = bool(rule.open or rule.hides and rule.enabled and not gone)  # one that only hides takes mail too
        if source and rule.passing != passing:
            rule.passing, when = passing, {"valid_from": at.time} if passing else {"valid_until": at.time}
            self._out.edge("PASSES_THROUGH", source, node, at.place, record=at.record, basis=BASIS, **when)
        rule.enabled = rule.enabled and not gone

    def _copy(self, source: Node | None, rule: Node, target: str, keeps: bool | None, at: _At, begins: bool) -> None:
        goes = ("Correspondent", identity.correspondent_key(target))
        when: dict[str, Any] = {"valid_from": at.time} if begins else {"valid_until": at.time}
        self._out.edge("FORWARDS_TO", rule, goes, at.place, keeps_copy=keeps, record=at.record, **when)
        if source is None or source[0] != "Mailbox":
            return
        prefix = f"rule:{source[1].removeprefix('mailbox:')}/"
        others = any(key != rule[1] and key.startswith(prefix) and target in other.open for key, other in self._rules.items())
        if not others:
            self._out.edge("FORWARDS_TO", source, goes, at.place, keeps_copy=keeps, record=at.record, **when)

    # Mailboxes.

    def _set_mailbox(self, record: Record, at: _At, said: dict[str, str]) -> None:
        mailbox = self._mailbox(said.get("Identity", ""), record, at, fallback=text_of(record, "ObjectId"))
        if mailbox is None:
            return
        self._out.edge("OBSERVED", at.obs, mailbox, at.place, role="mailbox")
        own = mailbox[1].removeprefix("mailbox:")
        for word in ("ForwardingSmtpAddress", "ForwardingAddress"):
            if word in said:
                self._forwarding(said, word, mailbox, own, at)
        if "DeliverToMailboxAndForward" in said and not {"ForwardingSmtpAddress", "ForwardingAddress"} & said.keys():
            self._keep(said, mailbox, own, at)
        if "GrantSendOnBehalfTo" in said:
            self._on_behalf(said["GrantSendOnBehalfTo"], mailbox, at)
        if at.time is not None and said.get("AuditEnabled", "").casefold() == "false":
            self._audit.setdefault(own, at.time)
        elif said.get("AuditEnabled", "").casefold() == "true" and own in self._audit:
            self.audit_off.append((own, self._audit.pop(own), at.time))

    def _forwarding(self, said: dict[str, str], word: str, mailbox: Node, own: str, at: _At) -> None:
        text = said[word]
        targets = self._addresses(_listed(text), at, word)
        prefix, open_ = f"rule:{own}/mailbox forwarding/", False
        for key, rule in list(self._rules.items()):
            if key.startswith(prefix) and rule.open and rule.via == word and not set(rule.open) <= set(targets):
                self._apply(key, rule, mailbox, at, gone=True)
                open_ = True
        if not text.strip() and not open_:
            self.unknown_targets += 1
        keeps = {"true": True, "false": False}.get(said.get("DeliverToMailboxAndForward", "").casefold())
        for target in targets:
            rule = self._rule(f"{prefix}{target}", "mailbox forwarding", "mailbox forwarding", at, new=False)
            rule.enabled, rule.targets, rule.hides, rule.via = True, {target: keeps}, None, word
            self._apply(f"{prefix}{target}", rule, mailbox, at, gone=False)

    def _keep(self, said: dict[str, str], mailbox: Node, own: str, at: _At) -> None:
        keeps = said["DeliverToMailboxAndForward"].casefold() == "true"
        for key, rule in list(self._rules.items()):
            if key.startswith(f"rule:{own}/mailbox forwarding/") and rule.open:
                rule.targets = dict.fromkeys(rule.open, keeps)
                self._apply(key, rule, mailbox, at, gone=False)

    def _on_behalf(self, text: str, mailbox: Node, at: _At) -> None:
        now = [holder for item in _listed(text) if (holder := self._who.trustee(item, at.org, at.place))]
        known = [key for key in self._holding if key[0] == "SEND_ON_BEHALF" and key[2] == mailbox[1]]
        for key in known:
            if key[1] not in [holder[1] for holder in now]:
                self._hold("SEND_ON_BEHALF", ("Account", key[1]), mailbox, at, begins=False)
        if not now and not known:
            self.unknown_targets += 1
        for holder in now:
            self._out.edge("OBSERVED", at.obs, holder, at.place, role="target")
            self._hold("SEND_ON_BEHALF", holder, mailbox, at, begins=True, basis="GrantSendOnBehalfTo")

    def _permission(self, record: Record, at: _At, said: dict[str, str]) -> None:
        operation = record["Operation"]
        mailbox = self._mailbox(said.get("Identity", ""), record, at, fallback=text_of(record, "ObjectId"))
        holder = self._who.trustee(said.get("User") or said.get("Trustee") or "", at.org, at.place)
        if mailbox is None or holder is None:
            return
        self._out.edge("OBSERVED", at.obs, mailbox, at.place, role="mailbox")
        self._out.edge("OBSERVED", at.obs, holder, at.place, role="target")
        rights = {right.strip().casefold() for right in re.split("[,;]", said.get("AccessRights", ""))}
        if _true(said, "Deny"):
            return
        if "fullaccess" in rights and "Mailbox" in operation:
            self._hold("FULL_ACCESS", holder, mailbox, at, begins=operation.startswith("Add"), basis="FullAccess")
        if "sendas" in rights:
            self._hold("SEND_AS", holder, mailbox, at, begins=operation.startswith("Add"), basis="SendAs")

    # Folders.

    def _folder_permission(self, record: Record, at: _At, said: dict[str, str]) -> None:
        where, _, folder = (said.get("Identity") or text_of(record, "ObjectId")).partition(":\\")
        mailbox = self._mailbox(where, record, at)
        holder = self._who.trustee(said.get("User", ""), at.org, at.place)
        rights = said.get("AccessRights", "")
        self._folder_right(mailbox, holder, f"\\{folder}", rights, at, removed=record["Operation"].startswith("Remove"))

    def _folder_acl(self, record: Record, at: _At, said: dict[str, str]) -> None:
        """As Outlook and other clients set it: rights in MAPI's words."""
        item = record.get("Item")
        parent = item.get("ParentFolder") if isinstance(item, dict) else None
        if not isinstance(parent, dict):
            return
        member = text_of(parent, "MemberUpn")
        holder = self._who.trustee(member or text_of(parent, "MemberSid"), at.org, at.place)
        folder = text_of(parent, "Path", "Name") or "\\"
        removed = record["Operation"] == "RemoveFolderPermissions"
        self._folder_right(self._who.owner(record, at.place), holder, folder, text_of(parent, "MemberRights"), at, removed=removed)

    def _folder_right(self, mailbox: Node | None, holder: Node | None, folder: str, rights: str, at: _At, removed: bool) -> None:
        if mailbox is None or holder is None:
            return
        self._out.edge("OBSERVED", at.obs, mailbox, at.place, role="folder", folder=folder)
        self._out.edge("OBSERVED", at.obs, holder, at.place, role="target")
        reads = bool({word.strip().casefold() for word in re.split("[,;]", rights)} & _READING)
        if reads and not removed:
            self._hold("FOLDER_RIGHT", holder, mailbox, at, begins=True, folder=folder, rights=rights)
        elif removed or ("FOLDER_RIGHT", holder[1], mailbox[1], folder) in self._holding:
            self._hold("FOLDER_RIGHT", holder, mailbox, at, begins=False, folder=folder)

    # What they share.

    def _hold(self, type_: str, holder: Node, mailbox: Node, at: _At, begins: bool, **properties: Any) -> None:
        """A right begins or ends; one that changes ends and begins anew, one that is given twice is one."""
        key = (type_, holder[1], mailbox[1], str(properties.get("folder", "")))
        known = self._holding.pop(key, None)
        if known is not None and known != properties:
            self._out.edge(type_, holder, mailbox, at.place, valid_until=at.time, record=at.record, **known)
        elif known is None and not begins:
            self._out.edge(type_, holder, mailbox, at.place, valid_until=at.time, record=at.record, **properties)
        elif known is not None and not begins:
            self._out.edge(type_, holder, mailbox, at.place, valid_until=at.time, record=at.record, **known)
        if begins:
            self._holding[key] = properties
            if known != properties:
                self._out.edge(type_, holder, mailbox, at.place, valid_from=at.time, record=at.record, **properties)

    def _mailbox(self, text: str, record: Record, at: _At, fallback: str = "") -> Node | None:
        """The mailbox a command names, else the one the record is about, else the actor's own."""
        address = self._who.resolve(text, at.org)[0] if text else None
        if text and address is None and fallback:
            text = fallback if self._who.resolve(fallback, at.org)[0] else text
        if text or fallback:
            return self._who.mailbox_named(text or fallback, at.org, at.place)
        if owner := self._who.owner(record, at.place):
            return owner
        return self._who.mailbox(at.actor.address, at.place) if at.actor.address else None

    def _addresses(self, given: list[str], at: _At, word: str) -> list[str]:
        """Addresses of targets; those that are only names are resolved by the log, or told."""
        found: list[str] = []
        for item in given:
            address = identity.exchange_dn(item) or self._who.resolve(item, at.org)[0]
            if address:
                found.append(address)
                self._out.edge("OBSERVED", at.obs, ("Correspondent", identity.correspondent_key(address)), at.place, role="target")
            else:
                self._out.refuse(at.place, item, f"{word} names no address; the rest of the record is used")
        return found


def _listed(text: str) -> list[str]:
    """Items of a parameter's value: joined by `;`, or `"Name" [SMTP:x@y]`."""
    bracketed = _BRACKETED.findall(text)
    if bracketed:
        return [value if kind.upper() == "SMTP" else f"{kind}:{value}" for kind, value in bracketed]
    return [item.strip() for item in re.split("[;,]" if text.count("@") > 1 else ";", text) if item.strip()]


def _recipients(action: Record) -> list[str]:
    """Where an Outlook rule's action sends mail to."""
    given = action.get("Recipients")
    sends = re.search("Forward|Redirect|Delegate", str(action.get("ActionType", "")))
    return [str(recipient) for recipient in given] if sends and isinstance(given, list) else []


def _true(said: dict[str, str], word: str) -> bool:
    return said.get(word, "").casefold() == "true"


def _actions(text: str) -> list[Record]:
    try:
        found = orjson.loads(text) if text.strip() else []
    except orjson.JSONDecodeError:
        return []
    return items_of({"actions": found if isinstance(found, list) else [found]}, "actions")
