"""A mailbox as files show it: whose it is, by which further addresses its owner is known, and what each message says as facts.

    votes = Votes(); votes.see(parsed, folder)  …          # over a sample
    mail = Mail(options, out, votes); mail.add(parsed, …)  # over all of it
    mail.finish()

Memory holds addresses and counts, never messages: a store of any size can be read.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from graphmodel import identity
from graphmodel.derive import person_name
from loaders import resets
from loaders.base import Broken, FactBuffer, Options
from loaders.messages import Parsed

SAMPLE = 2000
"""How many messages are looked at to tell whose mail it is."""

_SENT = re.compile(r"(?:^|[^a-z])sent(?![a-z])|sent.?(?:items|mail|messages)|outbox|送信|gesendet|envoy|enviad|inviat|verzonden|skickat|отправл|已发送|已傳送", re.IGNORECASE)
_WEAK = 3  # so many messages at least, before the recipients alone tell whose mail it is
_ASK = "whose mail it is cannot be told, so no mailbox is stated to hold it: say --mailbox ADDRESS"


def is_sent_folder(folder: str | None) -> bool:
    """Whether a folder's (or label's) name says that its owner sent what is in it."""
    return bool(folder and _SENT.search(folder))


def _untagged(address: str) -> str:
    """`user+shop@example.org` without its tag."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


@dataclass
class Votes:
    """Counts what speaks for an owner."""

    messages: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    hops: Counter[str] = field(default_factory=Counter)
    to: Counter[str] = field(default_factory=Counter)
    lists: set[str] = field(default_factory=set)
    received: int = 0

    def see(self, message: Parsed, folder: str | None) -> None:
        """Count one message."""
        self.messages += 1
        self.lists.update(message.lists)
        if is_sent_folder(folder):
            if sender := message.sender():
                self.sent[sender] += 1
            return
        self.received += 1
        if last := next((hop for hop in message.hops if "." in identity.domain_of(hop)), None):
            self.hops[last] += 1
        for address in message.to_all():
            self.to[address] += 1

    def owner(self) -> tuple[str, str] | None:
        """(address, why), or None: the same one must stand in at least half of what could show it."""
        for votes, among, least, why in (
            (dict(self.sent), sum(self.sent.values()), 1, "sent {} of the {} messages in sent folders"),
            (dict(self.hops), self.received, 1, "{} of {} received messages were delivered to it"),
            (dict(self.to), self.received, _WEAK, "{} of {} received messages are addressed to it"),
        ):
            best = max(sorted(votes.keys() - self.lists), key=lambda address: votes[address], default=None)
            if best and votes[best] >= least and votes[best] * 2 >= among:
                return best, why.format(f"{votes[best]:,}", f"{among:,}")
        return None


def _of(label: str, key: str, name: str) -> dict[str, str | None]:
    """What the name of a thing that a credential opens says of it."""
    if label == "Server":
        return {"fqdn": name if "." in name else None}
    return {"email": name} if label == "Account" else {"type": key.partition(":")[2].partition("/")[0]}


@dataclass(slots=True)
class _Seen:
    """What shows whether an address of the owner's organisation is the owner's own."""

    place: str
    sent: int = 0
    alone: int = 0


class Mail:
    """States messages in `out`. `votes` tell the owner where the analyst does not (options.mailbox).

    Raises Broken when options.mailbox is no address.
    """

    def __init__(self, options: Options, out: FactBuffer, votes: Votes) -> None:
        self._out = out
        self._owner = self._find_owner(options, votes)
        self._domain = identity.registrable(identity.domain_of(self._owner)) if self._owner else ""
        self._colleagues: dict[str, _Seen] = {}
        self._persons: dict[str, set[str]] = {}
        self._named: set[tuple[str, str]] = set()
        self._names: Counter[str] = Counter()
        self._secrets: Counter[str] = Counter()
        self._first: int | None = None
        self._last: int | None = None
        self._place = ""
        self._used = self._unusable = self._undated = self._cut = self._opened = self._several = 0

    def _find_owner(self, options: Options, votes: Votes) -> str | None:
        if options.mailbox:
            owner = identity.address(options.mailbox)
            if owner is None:
                raise Broken("--mailbox", "not an address", "give the mailbox's primary address")
            return owner
        inferred = votes.owner()
        if inferred is None:
            self._out.note(_ASK)
            return None
        self._out.note(f"whose mail: inferred {inferred[0]} ({inferred[1]}); say --mailbox ADDRESS where that is wrong")
        return inferred[0]

    @property
    def _mailbox(self) -> tuple[str, str]:
        return "Mailbox", identity.mailbox_key(self._owner or "")

    def add(self, message: Parsed, place: str, folder: str | None, size: int, attachments: int) -> None:
        """State one message, or refuse it; its words are in neither."""
        self._out.records += 1
        self._cut += message.cut
        if (fault := message.fault) or message.key is None:
            self._out.refuse(place, "", fault or "neither a Message-ID nor anything to know it by")
            return
        self._place = self._place or place
        self._used += 1
        self._unusable += message.unusable
        self._undated += message.sent is None
        self._state(message, place, folder, size, attachments)
        if self._owner:
            self._own_addresses(message, place, folder)

    def _state(self, message: Parsed, place: str, folder: str | None, size: int, attachments: int) -> None:
        out, node = self._out, ("Message", message.key or "")
        out.node(
            "Message", node[1], place, content=message.content, sent=message.sent, sent_basis=message.sent_basis, size=size,
            attachments=attachments or int(message.attached), encrypted=message.encrypted,
        )  # fmt: skip
        for role, address in message.senders:
            out.edge("SENT_BY", node, ("Correspondent", identity.smtp_key(address)), place, role=role)
        for role, address in message.recipients:
            out.edge("ADDRESSED_TO", node, ("Correspondent", identity.smtp_key(address)), place, role=role)
        for address, name in message.names:
            self._name(address, name, place)
        at = message.delivered if message.delivered is not None else message.sent
        if at is not None:
            self._first = at if self._first is None else min(self._first, at)
            self._last = at if self._last is None else max(self._last, at)
        names: list[str | None] = [*message.folders()] or [folder]
        for label in names if self._owner else ():
            out.edge("HOLDS", self._mailbox, node, place, folder=label, delivered=message.delivered, basis="file", valid_from=at)
        self._state_secrets(message, node, place)

    def _state_secrets(self, message: Parsed, node: tuple[str, str], place: str) -> None:
        """The credentials in a message, and the service that lets whoever reads it set a password anew."""
        out = self._out
        for secret in message.secrets:
            where = f"{place}, {secret.place}"
            out.node("Secret", secret.key, where, name=f"{secret.kind} {secret.fingerprint[:6]}", secret_kind=secret.kind)
            out.edge("CONTAINS_SECRET", node, ("Secret", secret.key), where)
            self._secrets[secret.kind] += 1
            self._several += secret.beside.several
            for label, key, name, basis in secret.beside.opens:
                out.node(label, key, where, name=name, **_of(label, key, name))
                out.edge("OPENS", ("Secret", secret.key), (label, key), where, basis=basis)
                self._opened += 1
        to = [address for role, address in message.recipients if role == "to"]
        if message.reset and len(to) == 1:  # one for many is a circular
            key, name = resets.service_of(message.sender() or "")
            out.node("Service", key, place, name=name, type="saas")
            since = message.sent if message.reset == resets.SIGN_UP else None  # a reset tells of a registration that is older
            out.edge("RESETS_BY", ("Service", key), ("Correspondent", identity.smtp_key(to[0])), place, valid_from=since)

    def _name(self, address: str, name: str, place: str) -> None:
        if address == self._owner:
            self._names[name] += 1
        if (address, name) in self._named:
            return
        self._named.add((address, name))
        self._out.node("Correspondent", identity.smtp_key(address), place, name=name, address=address)
        if self._is_colleague(address) and (person := person_name(name)):
            self._persons.setdefault(address, set()).add(person)

    # -- the owner's further addresses ---------------------------------------------------------------------------------

    def _is_colleague(self, address: str) -> bool:
        """An address that could be the owner's own: of the same organisation, which a public mail provider is not, or a plus tag."""
        if self._domain in identity.FREE_MAIL:
            return _untagged(address) == self._owner
        return identity.registrable(identity.domain_of(address)) == self._domain

    def _own_addresses(self, message: Parsed, place: str, folder: str | None) -> None:
        sender = message.sender()
        if sender and is_sent_folder(folder) and self._is_colleague(sender):
            self._colleagues.setdefault(sender, _Seen(place)).sent += 1
        elif sender != self._owner:
            inside = [address for address in message.to_all() if self._is_colleague(address)]
            if len(inside) == 1:
                self._colleagues.setdefault(inside[0], _Seen(place)).alone += 1

    def _aliases(self, owner: str) -> dict[str, str]:
        """Further addresses of the owner and why: a name alone is not enough, two people may share it.

        Mail must have been sent by it from this mailbox, or have come into this mailbox for it alone of the whole organisation.
        """
        own = {owner: ""}
        persons = set(self._persons.get(owner, ()))
        grew = True
        while grew:
            grew = False
            for address, seen in sorted(self._colleagues.items()):
                if address in own:
                    continue
                if why := self._why_own(address, seen, persons, {known.partition("@")[0] for known in own}):
                    own[address] = why
                    persons |= self._persons.get(address, set())
                    grew = True
        del own[owner]
        return own

    def _why_own(self, address: str, seen: _Seen, persons: set[str], locals_: set[str]) -> str | None:
        local = _untagged(address).partition("@")[0]
        shown = f"sent {seen.sent:,} from here" if seen.sent else f"{seen.alone:,} came in for it alone"
        if self._persons.get(address, set()) & persons:
            return f"same name, {shown}"
        if local in locals_:
            return f"same local part, {shown}"
        if seen.sent + seen.alone >= 2 and person_name(re.sub(r"[._-]+", " ", local)) in persons:
            return f"spells the same name, {shown}"
        return None

    # -- the end -------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """State the mailbox, its owner and what was covered; say what was passed over."""
        if self._used and self._owner:
            self._state_owner(self._owner)
        for number, thing, text in (
            (self._unusable, ("entry", "entries"), "in address headers that give no address, passed over"),
            (self._undated, ("message", "messages"), "without a usable date: there from the start, for all that is known"),
            (self._cut, ("message", "messages"), "cut short inside the headers: export again what you need of them"),
        ):
            if number:
                self._out.note(f"{number:,} {thing[number != 1]} {text}")
        if self._secrets:
            self._out.note("credentials in messages: " + ", ".join(f"{count:,} {kind}" for kind, count in sorted(self._secrets.items())))
        if self._opened or self._several:
            self._out.note(f"what credentials open: {self._opened:,} said beside them, {self._several:,} left open where several could be meant")
        if self._used:
            self._out.coverage("mail headers", self._owner or "", first=self._first, last=self._last, collected=self._used)

    def _state_owner(self, owner: str) -> None:
        out, place = self._out, self._place
        account, name = ("Account", identity.account_key(owner)), max(sorted(self._names), key=lambda n: self._names[n], default=None)
        out.node("Mailbox", self._mailbox[1], place, name=owner, address=owner, basis="mail file")
        out.node("Account", account[1], place, name=name or owner, type="user", email=owner)
        out.edge("OWNS", account, self._mailbox, place, basis="mail file")
        aliases = self._aliases(owner)
        for node in (account, self._mailbox):
            out.edge("HAS_ADDRESS", node, ("Correspondent", identity.smtp_key(owner)), place, type="primary")
        for address in sorted(aliases):
            where = self._colleagues[address].place
            for node in (account, self._mailbox):
                out.edge("HAS_ADDRESS", node, ("Correspondent", identity.smtp_key(address)), where, type="alias")
        if aliases:
            out.note("also the owner's: " + ", ".join(f"{address} ({why})" for address, why in sorted(aliases.items())))
