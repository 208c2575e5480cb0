"""Outlook data file, PST or OST (formats.md 7): its folders and messages by libpff. Headers only.

Claims the signature `!BDN`. Reading needs libpff-python (the extra `outlook`); the package index's `pypff` is another one.

Yields Message, SENT_BY, ADDRESSED_TO, names of Correspondents; with an owner (--mailbox, else inferred and said so) also Mailbox,
Account, OWNS, HAS_ADDRESS and HOLDS with the folder, below the top of the mailbox whatever that is called in its language; Service
and RESETS_BY of resets and sign-ups; with --secrets Secret, CONTAINS_SECRET and OPENS (loaders/secrets.py), attachments that are text among them.

Traps: what was sent from the mailbox has no transport headers: its date, id and recipients come from the properties and the table of
recipients, which libpff-python before 2026 does not show (then they are counted as unknown); its sender is often given by Exchange's own
address alone, which is none here. Contacts, appointments and the like lie among the messages: counted in a note. Search folders show what
lies elsewhere: passed over. A password does not keep the file from being read. A damaged item or folder is refused with its place.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from itertools import islice

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.mailstore import SAMPLE, Mail, Votes
from loaders.messages import headers_only
from loaders.outlook import INSTALL, Item
from loaders.pff import AGAIN, DAMAGE, Store

NAME = "pst"
TITLE = "Outlook data file (PST, OST)"
PRIORITY = "must"
SEEN = "real sample"
READS = "messages: sender, recipients, date, folder; the mailbox that holds them and its owner"


def detect(source: Source) -> Claim | None:
    """Claim the signature."""
    return Claim(9, "the signature of an Outlook data file") if source.head.startswith(b"!BDN") else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read folder by folder; the first messages are read twice, to tell whose mail it is."""
    try:
        pypff = import_module("pypff")
    except ImportError:
        raise Broken("Outlook data file", "reading it needs the package libpff-python", INSTALL) from None
    with source.open() as stream:
        file = pypff.file()
        try:
            file.open_file_object(stream)
        except DAMAGE:
            raise Broken("header", "not to be opened as an Outlook data file", AGAIN) from None
        try:
            _read(Store(file, options.secrets), options, out)
        finally:
            with suppress(*DAMAGE):
                file.close()


def _read(store: Store, options: Options, out: FactBuffer) -> None:
    votes = Votes()
    if not options.mailbox:
        for _, folder, item in islice(store.items(), SAMPLE):
            if isinstance(item, Item):
                votes.see(item.parsed(headers_only(options)), folder)
    mail = Mail(options, out, votes)
    for place, folder, item in store.items():
        if isinstance(item, Item):
            mail.add(item.parsed(options), place, folder, item.size, item.attachments)
        else:
            out.records += 1
            out.refuse(place, "", item)
    if out.records and out.records == len(out.refused):
        raise Broken(out.refused[0].place, out.refused[0].why, AGAIN)
    if store.others:
        out.note("no mail, passed over: " + ", ".join(f"{kind} ({count:,})" for kind, count in sorted(store.others.items())))
    if store.blind:
        out.note(f"messages without headers and without recipients that can be read: {store.blind:,}; whom they went to is not known")
    if store.has_password:
        out.note("it has a password, which keeps nobody from reading it")
    mail.finish()

