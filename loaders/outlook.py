"""A message as Outlook keeps it: transport headers where it came in by mail, else the MAPI properties and the table of recipients (formats.md 7).

What the headers lack is written into them from the properties, and the whole is read as any other message (loaders/messages.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import formatdate

from loaders import secrets
from loaders.base import Options
from loaders.bodies import PARTS, is_text, plain, readable
from loaders.messages import BODY_BYTES, SEARCHED_BYTES, Parsed, headers_only, parse_message

INSTALL = "pip install 'hakyu[outlook]'"
"""How to get the packages that read Outlook's files."""

_EPOCH = 11_644_473_600
"""Seconds between 1601, where Windows begins, and 1970."""
_ROLES = {1: "To", 2: "Cc", 3: "Bcc"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_MAIL = re.compile(r"ipm$|ipm\.note|report\.ipm|ipm\.schedule\.meeting|ipm\.recall|ipm\.post|ipm\.outlook\.recall", re.IGNORECASE)
_KINDS = {"contact": "contacts", "distlist": "distribution lists", "appointment": "appointments", "task": "tasks", "stickynote": "notes", "activity": "journal entries"}

Person = tuple[str | None, str | None]
"""(display name, address); the address is SMTP's, or Exchange's own and then of no use here."""


@dataclass
class Item:
    """What Outlook says of one message. Times are seconds since 1970 UTC; `recipients`: (1 to | 2 cc | 3 bcc, name, address).

    `texts`: (number from 1 on, name, media type, bytes) of the first attachments, where credentials are looked for.
    """

    message_class: str = "IPM.Note"
    headers: str = ""
    message_id: str | None = None
    sender: Person = (None, None)
    recipients: list[tuple[int, str | None, str | None]] = field(default_factory=list)
    submitted: int | None = None
    delivered: int | None = None
    subject: str = ""
    body: str = ""
    size: int = 0
    attachments: int = 0
    texts: list[tuple[int, str, str, bytes]] = field(default_factory=list)

    def parsed(self, options: Options) -> Parsed:
        """The message by its headers and properties; where that is asked for, with the credentials in its text and in attachments that are text."""
        head = "\n".join(self._lines()).encode("utf-8", "surrogatepass") + b"\n\n"
        found = parse_message(head + self.body[:BODY_BYTES].encode("utf-8", "surrogatepass"), headers_only(options))
        if options.secrets:
            found.secrets = secrets.look_in([("body", plain(self.body[:SEARCHED_BYTES])), *self._attached()], options)
        if found.delivered is None:
            found.delivered = self.delivered
        found.encrypted = found.encrypted or self.message_class.casefold() == "ipm.note.smime"
        return found

    def _attached(self) -> list[tuple[str, str]]:
        """(`attachment 2`, text) of each attachment that is text."""
        texts = ((number, readable(data, type_)) for number, name, type_, data in self.texts[:PARTS] if is_text(name, type_))
        return [(f"attachment {number}", text) for number, text in texts if text is not None]

    def _lines(self) -> list[str]:
        """Header lines, those that are missing made from the properties."""
        lines = [line for line in self.headers.replace("\x00", "").splitlines() if line.strip()]
        known = {line.partition(":")[0].strip().casefold() for line in lines if line[:1] not in " \t"}
        more: list[tuple[str, str]] = []
        if not known & {"from", "sender"}:
            more.append(("From", _person(self.sender)))
        if not known & {"to", "cc", "bcc"}:
            more += [(_ROLES[role], _person((name, address))) for role, name, address in self.recipients if role in _ROLES]
        if "date" not in known and self.submitted is not None:
            more.append(("Date", formatdate(self.submitted)))
        more += [(name, text) for name, text in (("Message-ID", self.message_id or ""), ("Subject", self.subject)) if name.casefold() not in known]
        return [f"{name}: {' '.join(_CONTROL.sub(' ', text).split())}" for name, text in more if text] + lines


def _person(person: Person) -> str:
    name, address = ((text or "").strip().strip("'\"") for text in person)
    quoted = name.replace("\\", " ").replace('"', " ")
    if not address:
        return f'"{quoted}"' if quoted else ""
    return f'"{quoted}" <{address}>' if quoted and quoted.casefold() != address.casefold() else f"<{address}>"


def is_mail(message_class: str | None) -> bool:
    """Whether an item of this class is a message; one without a class is taken for one."""
    return not message_class or bool(_MAIL.match(message_class))


def kind_of(message_class: str) -> str:
    """What an item that is no message is, in words."""
    return _KINDS.get(message_class.casefold().removeprefix("ipm.").partition(".")[0], "other items")


def seconds(filetime: int | None) -> int | None:
    """A time as Windows counts it (100 ns since 1601) in seconds since 1970; None for none, and for the zero that stands for it."""
    at = filetime // 10_000_000 - _EPOCH if filetime else None
    return at if at is not None and 0 < at < 4_102_444_800 else None
