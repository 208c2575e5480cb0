"""Writes the demo's files: into a new or an empty folder, whole or not at all; what is already there is never overwritten."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hakyu.demo import directory, exchange, stores, tables
from hakyu.demo.correspondents import people, stated
from hakyu.demo.mail import SHARED, post
from hakyu.demo.organisation import WHO, organisation
from hakyu.errors import UsageError

_EMPTY = ("new", "tmp", ".Sent/new", ".Sent/tmp")  # a Maildir has them even where nothing lies in them


def files() -> dict[str, bytes]:
    """Everything the demo writes: path within the folder -> content."""
    org, everybody = organisation(), people()
    mail = post(org, everybody)
    found = {
        f"directory/{directory.NAME}": directory.archive(org),
        "exchange/Mailboxes.csv": exchange.mailboxes(org),
        "exchange/MailboxPermissions.csv": exchange.mailbox_permissions(org),
        "exchange/RecipientPermissions.csv": exchange.recipient_permissions(org),
        "exchange/InboxRules.csv": exchange.inbox_rules(org),
        "exchange/Export-RecipientPermissions_Result.csv": exchange.permissions_of_groups(org),
        "institute/MessageTraceSummary.csv": exchange.summary(mail.institute),
        "institute/mailboxes.csv": tables.mailboxes(org),
        "notes/access.csv": tables.access(org),
        "notes/correspondents.csv": tables.correspondents(stated(everybody)),
        "notes/delegations.csv": tables.delegations(),
        "notes/servers.csv": tables.servers(org),
        f"mail/{SHARED}.mbox": stores.mbox(mail.shared, SHARED),
    }
    found |= {f"trace/{name}": content for name, content in exchange.traces(mail.traced()).items()}
    return found | {f"mail/{WHO}/{path}": content for path, content in stores.maildir(mail.own, WHO).items()}


def write(folder: Path) -> None:
    """Write the demo into `folder`; where a former demo wrote it, nothing is done.

    Raises UsageError when the folder is no folder, holds anything else, or cannot be written.
    """
    wanted = files()
    try:
        if not _is_empty(folder):
            _compare(folder, wanted)
            return
        _write(folder, wanted)
    except OSError as error:
        raise UsageError(f"{folder}: the demo cannot be written there ({error.strerror}); name another folder") from error


def _is_empty(folder: Path) -> bool:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; name a new or an empty folder for the demo")
    return not folder.exists() or not any(folder.iterdir())


def _compare(folder: Path, wanted: dict[str, bytes]) -> None:
    """Raises UsageError unless the folder holds just what the demo writes."""
    found = {
        path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if not path.is_dir() or path.is_symlink()
    }
    strange = next(
        (name for name, path in found.items() if name not in wanted or path.is_symlink() or path.read_bytes() != wanted[name]),
        None,
    )
    missing = next((name for name in wanted if name not in found), None)
    if strange or missing:
        what = f"{strange} is not what the demo writes" if strange else f"{missing} is missing"
        raise UsageError(f"{folder}: is not empty, and {what}; nothing was touched: name a new or an empty folder")


def _write(folder: Path, wanted: dict[str, bytes]) -> None:
    """Write beside the folder, then move in: an interrupted demo leaves no half of itself there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".hakyu-demo-", dir=folder.parent))
    try:
        for name, content in wanted.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name in _EMPTY:
            (made / "mail" / WHO / name).mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        for entry in sorted(made.iterdir()):
            entry.rename(folder / entry.name)
    finally:
        shutil.rmtree(made, ignore_errors=True)
