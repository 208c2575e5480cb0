"""A mailbox as a folder of messages: Maildir, or a plain tree with one message a file (formats.md 7). Headers only.

Claims a folder with `cur` and `new`, a folder of messages, or one with mail folders (inbox, sent …) of messages; not a folder of
several people's mailboxes, nor one that merely holds exports of many kinds: those are opened file by file. One folder is one load.

Yields Message, SENT_BY, ADDRESSED_TO, names of Correspondents; with an owner (--mailbox, else inferred and said so) also
Mailbox, Account, OWNS, HAS_ADDRESS (with the owner's further addresses) and HOLDS with the folder; Service and RESETS_BY of resets
and sign-ups; with --secrets Secret, CONTAINS_SECRET and OPENS (loaders/secrets.py).

Traps: flags stand in the name (`:2,S`, `!2,S` on Windows); files may be called `1.` in nested folders without `cur`; mail programs
leave their own files between. Neither a file's time nor the time in a Maildir name is used as a date: copying sets them anew.
"""

from __future__ import annotations

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.mailstore import Mail, Votes
from loaders.mailtree import Entry, entries, why_mailbox
from loaders.messages import Parsed, body_bytes, headers_only, parse_message, read_file

NAME = "maildir"
TITLE = "Mailbox folder (Maildir, or a tree of messages)"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages: sender, recipients, date, folder; the mailbox that holds them and its owner"

_PER_FOLDER = 200


def detect(source: Source) -> Claim | None:
    """Claim a folder that is one mailbox."""
    if not source.is_dir:
        return None
    found = why_mailbox(source.path)
    return Claim(*found) if found else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read file by file; some of each folder are read twice, to tell whose mail it is."""
    votes = Votes()
    if not options.mailbox:
        for entry in entries(source.path, _PER_FOLDER):
            votes.see(_parsed(entry, headers_only(options))[0], entry.folder)
    mail = Mail(options, out, votes)
    for entry in entries(source.path):
        message, size, attachments = _parsed(entry, options)
        mail.add(message, entry.place, entry.folder, size, attachments)
    if out.records and out.records == len(out.refused):
        raise Broken(out.refused[0].place, out.refused[0].why, f"none of the {out.records:,} files could be used: copy or export the folder again")
    mail.finish()


def _parsed(entry: Entry, options: Options) -> tuple[Parsed, int, int]:
    with entry.path.open("rb") as stream:
        head, attachments = read_file(stream, body_bytes(options))
        size = stream.seek(0, 2)
    if not head or b"\x00" in head[:512]:
        return Parsed(no_text="binary, no mail message: give it by itself" if head else "the file is empty"), size, 0
    return parse_message(head, options), size, attachments
