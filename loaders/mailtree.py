"""Folders of messages: what is one mailbox and what is only a folder with exports, and the messages in it (formats.md 7).

A Maildir has `cur` beside `new` or `tmp`, its subfolders are `.Name` or plain ones. A plain tree has one message a file. Which files
are messages is seen by their first lines, on a sample that is spread over each folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loaders.mboxes import is_separator
from loaders.messages import looks_like_message

_DELIVERY = frozenset(("cur", "new", "tmp"))
_LITTER = re.compile(r"^(\.|dovecot|courier|maildir(folder|size)|subscriptions$|thumbs\.db$|desktop\.ini$)|\.(msf|lock)$", re.IGNORECASE)
_MAIL_FOLDER = re.compile(
    r"^(in-?box|_?sent(?![a-z])|outbox|drafts?|deleted|trash|junk|spam|archiv|all.?documents|受信|送信|下書き|削除|ゴミ箱|posteingang|gesendet|boîte|réception)|[ ._-]sent(?![a-z])",
    re.IGNORECASE,
)
_PLAIN_SUFFIX = re.compile(r"^\.[A-Za-z][A-Za-z0-9]{0,4}$")
_HEAD = 8192
_SMALL = 64 * 1024
_FEW, _MANY, _FOLDERS = 5, 40, 200


@dataclass(frozen=True)
class Entry:
    """One file of a mailbox: `place` is its path inside, `folder` the mail folder (None: the top of a plain tree)."""

    path: Path
    place: str
    folder: str | None


@dataclass
class _Listing:
    files: list[str]
    folders: list[str]

    @property
    def is_maildir(self) -> bool:
        return "cur" in self.folders and bool({"new", "tmp"} & set(self.folders) or set(self.folders) == {"cur"})


def _list(path: Path) -> _Listing:
    """Names in a folder, sorted; links and what mail programs keep for themselves left out."""
    listing = _Listing([], [])
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__MACOSX":
                    listing.folders.append(entry.name)
            elif entry.is_file(follow_symlinks=False) and not _LITTER.search(entry.name):
                listing.files.append(entry.name)
    listing.files.sort()
    listing.folders.sort()
    return listing


def why_mailbox(path: Path) -> tuple[int, str] | None:
    """(strength, why) when a folder is one mailbox, else None. Cheap: reads the first lines of some files."""
    top = _list(path)
    if top.is_maildir:
        names = top.folders if len(top.folders) > 1 else []
        return (8, "a Maildir: cur, new, tmp") if names or _are_messages(path / "cur", _MANY) else None
    if top.files:
        if _are_messages(path, _MANY) and _below(path, top.folders):
            return 7, "a folder of mail messages"
        return None
    if any(_MAIL_FOLDER.search(name) or (name.startswith(".") and _list(path / name).is_maildir) for name in top.folders) and _below(path, top.folders):
        return 7, "mail folders, a message a file"
    return None


def _below(path: Path, folders: list[str]) -> bool:
    """Whether every folder below (the first 200 of them) holds messages or nothing."""
    waiting = [path / name for name in reversed(folders)]
    for _ in range(_FOLDERS):
        if not waiting:
            return True
        here = waiting.pop()
        listing = _list(here)
        if listing.files and here.name not in _DELIVERY and not listing.is_maildir and not _are_messages(here, _FEW):
            return False
        waiting += [here / name for name in reversed(listing.folders)]
    return True


def _are_messages(path: Path, sample: int) -> bool:
    """Whether the sampled files are mail, nine in ten at least, and what is not could be damaged mail rather than another export."""
    names = _list(path).files
    step = max(1, len(names) // sample)
    kinds = {Path(name).suffix: name for name in reversed(names) if _PLAIN_SUFFIX.match(Path(name).suffix)}  # one of each, however rare
    good: list[str] = []
    bad: list[str] = []
    for name in sorted({*names[::step], *kinds.values()}):
        (good if _is_message(path / name) else bad).append(name)
    known = {Path(name).suffix for name in good}
    other = any(_PLAIN_SUFFIX.match(Path(name).suffix) and Path(name).suffix not in known for name in bad)
    return bool(good) and not other and len(bad) * 10 <= len(good)


def _is_message(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        if not looks_like_message(head):
            return False
        if not head.startswith(b"From "):
            return True
        lines = (head + stream.read(_SMALL)).split(b"\n")
    # One message may keep its From_ line; a second one makes the file an mbox.
    return not any(is_separator(line, lines[i + 1], not lines[i - 1].strip()) for i, line in enumerate(lines[1:-1], 1))


def entries(path: Path, most: int | None = None) -> Iterator[Entry]:
    """The messages of a mailbox, folder by folder in sorted order; `most`: so many of each folder, spread over it."""
    waiting = [(path, "")]
    while waiting:
        here, inside = waiting.pop()
        listing = _list(here)
        chosen = listing.files if most is None else listing.files[:: max(1, len(listing.files) // most)]
        for name in chosen:
            yield Entry(here / name, f"{inside}{name}", _folder(path, here))
        skip = {"tmp"} if listing.is_maildir else set()  # what is still being delivered there is not yet in the mailbox
        waiting += [(here / name, f"{inside}{name}/") for name in reversed(listing.folders) if name not in skip]


def _folder(top: Path, here: Path) -> str | None:
    """The mail folder's name: `.Archive.2020/cur` is Archive/2020, the top of a Maildir INBOX."""
    parts = list(here.relative_to(top).parts)
    delivery = bool(parts) and parts[-1] in _DELIVERY
    if delivery:
        parts.pop()
    names = [part[1:].replace(".", "/") if part.startswith(".") else part for part in parts]
    return "/".join(names) or ("INBOX" if delivery else None)
