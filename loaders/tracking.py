"""Events of Exchange's message tracking, and what follows from them: messages, groups as they were expanded, forwardings, rules that fired.

    tracking = Tracking(out, "msgtrk", now)
    if not tracking.passes_over(kind, at): tracking.event(Event(…))
    tracking.finish()

An expansion shows who was in a group at that time: the membership is stated from then on (its beginning is not known, its end neither).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from graphmodel import identity
from loaders.base import FactBuffer
from loaders.recipients import Node, Recipients
from loaders.trace import Trace, address, is_probe, recipients

_DELIVERED = frozenset(["deliver", "duplicatedeliver", "send", "sendexternal"])
_STATUS = {"fail": "failed", "badmail": "failed", "poisonmessage": "failed", "defer": "pending", "receive": "received", "expand": "expanded"}
_RECIPIENTS = frozenset([*_DELIVERED, *_STATUS, "transfer", "redirect", "resolve"])
_OVER = "about submission, shadow copies, agents and the like, passed over"
_PLAIN = _RECIPIENTS - {"expand", "redirect", "resolve"}
_HELD = 200_000  # messages by the server's own id, remembered for the rules they set off
_WAITING = 1_000_000


@dataclass(slots=True)
class Event:
    """One event, fields as written (`to`: recipients; `related`, `reference`: items). `at` in seconds; `place` within the file."""

    place: str
    at: int | None
    source: str
    kind: str
    internal_id: str
    message_id: str
    to: list[str]
    related: list[str]
    reference: list[str]
    sender: str
    size: str


class Tracking:
    """States what events say. `format_name` goes into the keys of observations."""

    def __init__(self, out: FactBuffer, format_name: str, now: int | None) -> None:
        self.trace = Trace(out, now)
        self._out, self._format = out, format_name
        self._who = Recipients(out)
        self._internal: dict[str, tuple[str, set[str]]] = {}  # the server's id -> message, recipients
        self._unread: list[pl.DataFrame] = []  # rows for _internal: most logs have no rule that asks for them
        self._members: dict[tuple[str, str], tuple[int | None, str]] = {}  # member, group -> first seen
        self._groups: set[str] = set()
        self._mailboxes: set[str] = set()
        self._forwards: set[tuple[str, str, str]] = set()

    def passes_over(self, kind: str, at: int | None) -> bool:
        """Whether events of this kind (`event-id` as written) say nothing: then it is counted, and need not be given to `event`."""
        if kind.casefold() in _RECIPIENTS:
            return False
        self.trace.covers(at)
        self.trace.tally.add(_OVER)
        return True

    def event(self, event: Event) -> None:
        """State one event that is not passed over."""
        kind = event.kind.casefold()
        self.trace.covers(event.at)
        if (sender := address(event.sender)) and is_probe(sender):
            self.trace.tally.add("about health probes, passed over")
            return
        key = identity.message_key(event.message_id, None)
        found, bad = recipients(event.to)
        if key is None or bad or not found:
            why = "no message id" if key is None else "the recipient is not an address" if bad else "no recipient"
            self._out.refuse(event.place, "; ".join(bad), why)
        found = [to for to in found if not is_probe(to)]
        if key is None or not found:
            return
        self.trace.message(key, event.place, at=event.at, sender=event.sender, size=event.size)
        self._remember(event, key, found)
        if kind in _DELIVERED or kind in _STATUS:
            status = "delivered" if kind in _DELIVERED else _STATUS[kind]
            for to in found:
                self.trace.recipient(key, to, "received" if kind == "expand" else status, event.at, event.place)
        self._what_follows(event, kind, key, found)

    def many(self, frame: pl.DataFrame, one: Callable[[int], None]) -> int:
        """State many events, a row each; those that are not plain are given to `one` by their `order`, which has to call `event`. How many these were.

        Columns: `order`, `place`, `at`; `kind`, `source` (case folded), `internal_id`; `key`, `to` (one address, "" of a probe), `envelope` ("": none),
        each null where it has to be looked at; `size`.
        """
        over = ~frame["kind"].is_in(list(_RECIPIENTS))
        whole = pl.all_horizontal(pl.col("at", "key", "to", "envelope").is_not_null())
        plain = frame.select(whole & pl.col("kind").is_in(list(_PLAIN)) & (pl.col("source") != "mailboxrule")).to_series() & ~over
        passed = over & frame["at"].is_not_null()
        self.trace.covers(frame.filter(passed)["at"].min())  # type: ignore[arg-type]
        self.trace.covers(frame.filter(passed)["at"].max())  # type: ignore[arg-type]
        self.trace.tally.add(_OVER, int(passed.sum()))
        given = frame.filter(plain)
        senders = {sender for sender in given["envelope"].unique().to_list() if is_probe(sender)}
        if senders:
            probes = given["envelope"].is_in(list(senders))
            self.trace.tally.add("about health probes, passed over", int(probes.sum()))
            self.trace.covers(given.filter(probes)["at"].min())  # type: ignore[arg-type]
            self.trace.covers(given.filter(probes)["at"].max())  # type: ignore[arg-type]
            given = given.filter(~probes)
        given = given.filter(pl.col("to") != "")
        status = pl.col("kind").replace_strict({**_STATUS, **dict.fromkeys(_DELIVERED, "delivered")}, default=None, return_dtype=pl.String)
        self.trace.rows(given.with_columns(
            status.alias("status"), pl.when(pl.col("envelope") != "").then("envelope").alias("envelope"), pl.when(status.is_not_null()).then("to").alias("to"),
        ))  # fmt: skip
        self._unread.append(given.filter(pl.col("internal_id") != "").select("order", "internal_id", "key", "to"))
        if sum(part.height for part in self._unread) > _WAITING:
            del self._unread[0]
        stored = given.filter((pl.col("kind") == "deliver") & (pl.col("source") == "storedriver")).unique("to", keep="first", maintain_order=True)
        todo: list[tuple[int, str, str]] = [row for row in stored.select("order", "to", "place").iter_rows() if row[1] not in self._mailboxes]
        others = frame.filter(~plain & ~passed)["order"].to_list()
        todo += [(order, "", "") for order in others]
        for order, to, place in sorted(todo):
            if to:
                self._mailbox(to, place)
            else:
                self.trace.order = order
                one(order)
        return len(others)

    def finish(self, note: str | None = None) -> None:
        """State memberships, now that it is known which members are groups, and what the log covers."""
        for (member, group), (at, place) in self._members.items():
            self._member(member, group, at, place)
        if self._groups:
            self._out.note(f"groups whose members are known by their expansions: {len(self._groups):,}; each membership is stated from when it was first seen")
        self.trace.finish(note=note)

    def _remember(self, event: Event, key: str, found: list[str]) -> None:
        if event.internal_id:
            self._catch_up()
            self._learn(event.internal_id, key, found)

    def _catch_up(self) -> None:
        """Read what `many` left unread, up to the row that is being stated."""
        until = self.trace.order
        if until is None or not self._unread:
            return
        rows = pl.concat(self._unread)
        for internal_id, key, to in rows.filter(pl.col("order") < until).select("internal_id", "key", "to").iter_rows():
            self._learn(internal_id, key, [to])
        self._unread = [rows.filter(pl.col("order") > until)]

    def _learn(self, internal_id: str, key: str, found: list[str]) -> None:
        known = self._internal.get(internal_id)
        if known is None or known[0] != key:
            if len(self._internal) >= _HELD:
                self._internal.pop(next(iter(self._internal)))
            self._internal[internal_id] = (key, set(found))
        else:
            known[1].update(found)

    def _what_follows(self, event: Event, kind: str, key: str, found: list[str]) -> None:
        related = [to for text in event.related if (to := address(text))]
        if event.source.casefold() == "mailboxrule":
            self._rule_fired(event, found)
        elif kind == "deliver" and event.source.casefold() == "storedriver":
            for to in found:
                self._mailbox(to, event.place)
        elif kind == "expand":
            for group in related:
                self.trace.recipient(key, group, "expanded", event.at, event.place)
                self._groups.add(group)
                for member in found:
                    self._members.setdefault((member, group), (event.at, event.place))
        elif kind in ("redirect", "resolve") and len(related) == len(found):
            for original, to in zip(related, found, strict=True):
                if original != to:
                    self._moved(event, kind, key, original, to)

    def _mailbox(self, to: str, place: str) -> None:
        """The store took the message: there is a mailbox of that address."""
        if to not in self._mailboxes:
            self._mailboxes.add(to)
            self._out.node("Mailbox", identity.mailbox_key(to), place, address=to, basis="delivery log")
            self._who.address(("Mailbox", identity.mailbox_key(to)), to, "primary", place)

    def _moved(self, event: Event, kind: str, key: str, original: str, to: str) -> None:
        """The message was for `original` and goes to `to`: another address of the mailbox, or a forwarding."""
        self.trace.recipient(key, original, "redirected" if kind == "redirect" else "resolved", event.at, event.place)
        if kind == "resolve" and _domain(original) == _domain(to):
            self._who.address(("Mailbox", identity.mailbox_key(to)), original, "alias", event.place)
        else:
            self._forwards_to(original, to, "mailbox forwarding", event.at, event.place)

    def _rule_fired(self, event: Event, found: list[str]) -> None:
        """An inbox rule made this message of another one: `reference` is the server's id of that one."""
        self._catch_up()
        trigger = next((self._internal[item] for item in event.reference if item in self._internal), None)
        sender = address(event.sender)
        owner = sender if trigger is None or sender in trigger[1] else None
        if trigger is not None and owner is None and len(trigger[1]) == 1:
            owner = next(iter(trigger[1]))
        seen = ("Observation", f"obs:{self._format}/{_hash(event)}")
        what = "an inbox rule sent a copy on" if owner else "an inbox rule sent a copy on; whose rule it is cannot be told"
        self._out.node(*seen, event.place, at=event.at, operation="MAILBOXRULE", as_who="rule", succeeded=True, note=what)
        if trigger is not None:
            self._out.edge("OBSERVED", seen, ("Message", trigger[0]), event.place, role="message")
        for to in found:
            self._out.edge("OBSERVED", seen, ("Correspondent", identity.smtp_key(to)), event.place, role="target")
        if owner is None:
            return
        self._out.edge("OBSERVED", seen, ("Mailbox", identity.mailbox_key(owner)), event.place, role="mailbox")
        for to in found:
            rule = self._forwards_to(owner, to, "inbox rule", event.at, event.place)
            self._out.edge("OBSERVED", seen, rule, event.place, role="target")

    def _forwards_to(self, original: str, to: str, kind: str, at: int | None, place: str) -> Node:
        """A forwarding of a mailbox, known by its work: it stands from the first time it was seen."""
        rule = ("Rule", f"rule:{original}/{kind}/{to}")
        if (original, kind, to) not in self._forwards:
            self._forwards.add((original, kind, to))
            mailbox, target = ("Mailbox", identity.mailbox_key(original)), ("Correspondent", identity.smtp_key(to))
            self._out.node("Rule", rule[1], place, name=f"{kind} to {to}", type=kind, enabled=True)
            self._who.address(mailbox, original, "primary", place)
            self._out.edge("PASSES_THROUGH", mailbox, rule, place, basis="seen at work", valid_from=at)
            self._out.edge("FORWARDS_TO", rule, target, place, valid_from=at)
            self._out.edge("FORWARDS_TO", mailbox, target, place, valid_from=at)
        return rule

    def _member(self, member: str, group: str, at: int | None, place: str) -> None:
        """A member of the group's own organisation holds its rights; one outside only gets its mail."""
        node = self._who.group(group, place, "distribution", address=group)
        if member in self._groups:
            self._out.edge("MEMBER_OF", ("Group", identity.group_key(member)), node, place, valid_from=at)
        elif _domain(member) == _domain(group):
            self._out.edge("MEMBER_OF", self._who.account(member, place), node, place, valid_from=at)
        else:
            self._out.edge("FORWARDS_TO", node, ("Correspondent", identity.smtp_key(member)), place, valid_from=at)


def _domain(normalised: str) -> str:
    return identity.registrable(identity.domain_of(normalised))


def _hash(event: Event) -> str:
    parts = [str(event.at), event.kind, event.internal_id, event.message_id, *event.to, *event.reference]
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
