"""One message as Outlook saves it, MSG (formats.md 7): headers and the table of recipients, by extract-msg. Headers only.

Claims a compound file with the names of an Outlook message in it, not one that is a document. Reading needs extract-msg (the extra
`outlook`), which is under the GPL and runs in a process of its own.

Yields Message, SENT_BY, ADDRESSED_TO, names of Correspondents; with an owner (--mailbox, else the topmost Delivered-To) also Mailbox,
Account, OWNS, HAS_ADDRESS and HOLDS; Service and RESETS_BY of resets and sign-ups; with --secrets Secret, CONTAINS_SECRET and OPENS (loaders/secrets.py), attachments
that are text among them.

Traps: a message that was sent, or saved by a program, has no transport headers: properties and the table of recipients stand in. The
sender may be missing, and so may the date: it is then unknown. An appointment or a contact saved so is no message, and is refused.
"""

from __future__ import annotations

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.mailstore import Mail, Votes
from loaders.msg import LARGEST, is_msg, read_msg
from loaders.outlook import is_mail, kind_of

NAME = "msg"
TITLE = "Outlook message (MSG)"
PRIORITY = "must"
SEEN = "real sample"
READS = "a message: sender, recipients, date; whose mailbox holds it, where that is known"


def detect(source: Source) -> Claim | None:
    """Claim the names in the directory of a compound file."""
    if source.is_dir or not source.head.startswith(b"\xd0\xcf\x11\xe0"):
        return None
    with source.open() as stream:
        return Claim(8, "a compound file with the properties of an Outlook message") if is_msg(stream) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the one message."""
    with source.open() as stream:
        item = read_msg(stream.read(LARGEST + 1), options.secrets)
    if not is_mail(item.message_class) and not item.headers:
        raise Broken("message class", f"no mail: one of Outlook's {kind_of(item.message_class)}", "nothing of it is read")
    message, votes = item.parsed(options), Votes()
    if message.hops:  # one message's recipients do not tell whose copy it is
        votes.see(message, None)
    mail = Mail(options, out, votes)
    mail.add(message, "headers", None, item.size, item.attachments)
    mail.finish()
