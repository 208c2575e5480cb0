"""One message in one file: EML, or a raw message under any name (formats.md 7). Headers only.

Claims a file whose first lines are mail headers. Yields Message, SENT_BY, ADDRESSED_TO, names of Correspondents; with an owner
(--mailbox, else the topmost Delivered-To) also Mailbox, Account, OWNS, HAS_ADDRESS and HOLDS; Service and RESETS_BY of resets and sign-ups;
with --secrets Secret, CONTAINS_SECRET and OPENS (loaders/secrets.py).

Traps: the same address stands in many spellings (loaders/addresses.py); a date may be missing or false: the first Received
header stands in then, and `sent_basis` says so. The file's own time is never used: copying sets it anew, and a date that is
too late would take a message out of the time that was compromised. Subject, body and attachment names are never kept.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.mailstore import Mail, Votes
from loaders.messages import body_bytes, looks_like_message, parse_message, read_file

NAME = "eml"
TITLE = "Mail message (EML)"
PRIORITY = "must"
SEEN = "real sample"
READS = "a message: sender, recipients, date; whose mailbox holds it, where that is known"


def detect(source: Source) -> Claim | None:
    """Claim mail headers at the start."""
    if source.is_dir or source.head.startswith(b"From ") or not looks_like_message(source.head):
        return None
    return Claim(5, "begins with mail headers")


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the message's headers."""
    with source.open() as stream:
        head, attachments = read_file(stream, body_bytes(options))
    message, votes = parse_message(head, options), Votes()
    if message.hops:  # one message's recipients do not tell whose copy it is
        votes.see(message, None)
    mail = Mail(options, out, votes)
    mail.add(message, "headers", None, source.size, attachments)
    mail.finish()
