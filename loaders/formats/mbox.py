"""Mail folder in one file: mbox as Thunderbird, Mutt, Google Takeout and Pipermail write it (formats.md 7). Headers only.

Claims a file that begins with a From_ line and headers. Yields Message, SENT_BY, ADDRESSED_TO, names of Correspondents; with an
owner (--mailbox, else inferred and said so) also Mailbox, Account, OWNS, HAS_ADDRESS and HOLDS. The folder is the file's name; where
Takeout wrote X-Gmail-Labels each of them is one, except those that tell a state (Opened, Starred, 開封済み …). Mails by which a service resets or signs up:
Service, RESETS_BY. With --secrets also Secret, CONTAINS_SECRET and OPENS (loaders/secrets.py). A packed mbox (.mbox.gz) is opened as any archive is.

Traps: `>From ` quoting and bodies that lack it, no newline at the end, `user at domain`, ten gigabytes in one file: read as a
stream. The From_ line's date is the last resort for a message's time (`sent_basis` file).
"""

from __future__ import annotations

import re
from itertools import islice

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.mailstore import SAMPLE, Mail, Votes
from loaders.mboxes import Part, messages
from loaders.messages import Parsed, body_bytes, headers_only, looks_like_message, moment, parse_message

NAME = "mbox"
TITLE = "Mail folder (mbox)"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages: sender, recipients, date, folder; the mailbox that holds them and its owner"

_BARE = re.compile(rb"^From [^\n]*\d{1,2}:\d{2}(?::\d{2})?[^\n]*\n", re.ASCII)
_ENVELOPE_DATE = re.compile(rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .*$")
_SUFFIX = re.compile(r"\.(mbox|mbx|mbs)$", re.IGNORECASE)


def detect(source: Source) -> Claim | None:
    """Claim a From_ line with headers, or with a time, after it."""
    head = source.head
    if source.is_dir or not head.startswith(b"From ") or b"\x00" in head[:1024]:
        return None
    if looks_like_message(head) or _BARE.match(head):
        return Claim(7, "begins with a From_ line")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read message by message; the first of them are read twice, to tell whose mail it is."""
    name = _SUFFIX.sub("", source.path.name)
    folder = None if name.casefold() == "mbox" else name
    votes = Votes()
    if not options.mailbox:
        with source.open() as stream:
            for part in islice(messages(stream), SAMPLE):
                message = _parsed(part, headers_only(options))
                votes.see(message, ",".join(message.folders()) or folder)
    mail = Mail(options, out, votes)
    with source.open() as stream:
        for part in messages(stream, body_bytes(options)):
            message = _parsed(part, options)
            where = f"message {part.number:,}, line {part.line:,}"
            mail.add(message, where, ",".join(message.folders()) or folder, part.size, part.attachments)
    if out.records == len(out.refused) == 1:
        raise Broken(out.refused[0].place, out.refused[0].why, "it is damaged or no mbox: export the folder again")
    mail.finish()


def _parsed(part: Part, options: Options) -> Parsed:
    match = _ENVELOPE_DATE.search(part.envelope.strip())
    at = moment(match[0].decode("latin-1"), options.now) if match else None
    return parse_message(bytes(part.head), options, at)
