"""What records of the audit log say of mail that was read, sent, moved or deleted (formats.md 1.3): never a subject or an attachment.

`MailItemsAccessed` comes as Bind (single messages, in `Folders[].FolderItems[]`) and Sync (whole folders: `Item.ParentFolder` until
2021, `Folders[]` without items since). `Send` names the message and no recipients: these come from a message trace or a mailbox.
"""

from __future__ import annotations

from typing import Any

from graphmodel import identity
from loaders.audit_who import BASIS, Record, Who, items_of, pairs_of, text_of
from loaders.base import FactBuffer
from loaders.recipients import Node

ACCESS = "MailItemsAccessed"
ATTACHMENT = "AttachmentAccess"
SENDS = frozenset(("Send", "SendAs", "SendOnBehalf"))
CHANGES = frozenset(("Create", "Update", "Move", "Copy", "MoveToDeletedItems", "SoftDelete", "HardDelete", "RecordDelete", "FolderBind", "MessageBind", "MailboxLogin", ATTACHMENT))
THROTTLED = 24 * 3600
"""How long a throttled mailbox's reads go unrecorded, seconds."""

_PAIRS_KEPT = 500_000


def _folder(value: Any) -> str | None:
    """A folder's path, or its name where the log has no path."""
    if not isinstance(value, dict):
        return None
    path, name = value.get("Path"), value.get("Name")
    if isinstance(path, str) and path and path != "Not Available":
        return path
    return name if isinstance(name, str) and name else None


class Mail:
    """States what single records say of mail. `access` and `blind`: by mailbox key, the times that coverage is made of."""

    def __init__(self, out: FactBuffer, who: Who) -> None:
        self._out, self._who = out, who
        self._held: set[int] = set()
        self.access: dict[str, tuple[int, int]] = {}
        self.blind: dict[str, list[int]] = {}
        self.nameless = 0

    def note_of(self, record: Record) -> str | None:
        """What an observation of such a record says in words: `bind`, `sync`, `throttled`, where mail was moved to."""
        if record["Operation"] == ACCESS:
            said = pairs_of(record, "OperationProperties")
            return ", ".join(filter(None, (self._mode(record, said), "throttled" if is_throttled(said) else ""))) or None
        if record["Operation"] == ATTACHMENT:  # its items are known by Exchange's own ids alone
            return "attachments"
        to = _folder(record.get("DestFolder"))
        return f"to {to}" if to else None

    def _mode(self, record: Record, said: dict[str, str]) -> str:
        """`bind` or `sync`; "" where a table without the record's folders says neither: then nothing tells that more than single messages were read."""
        if mode := said.get("MailAccessType", "").casefold():
            return mode
        if any(items_of(folder, "FolderItems") for folder in items_of(record, "Folders")):
            return "bind"
        return "sync" if record.get("Folders") or record.get("Item") else ""

    def read(self, record: Record, place: str, obs: Node, mailbox: Node | None, at: int | None) -> None:
        """State a mail record's messages and folders."""
        operation = record["Operation"]
        if operation == ACCESS:
            self._access(record, place, obs, mailbox, at)
        elif operation in SENDS:
            self._sent(record, place, obs, mailbox)
        else:
            self._changed(record, place, obs, mailbox, at)

    def covers(self, mailbox: str, first: int, last: int, throttled: list[int]) -> None:
        """The log saw reads of a mailbox from `first` to `last`, and was throttled at these times."""
        before = self.access.get(mailbox, (first, last))
        self.access[mailbox] = (min(before[0], first), max(before[1], last))
        if throttled:
            self.blind.setdefault(mailbox, []).extend(throttled)

    def _access(self, record: Record, place: str, obs: Node, mailbox: Node | None, at: int | None) -> None:
        said = pairs_of(record, "OperationProperties")
        if mailbox and at is not None:
            self.covers(mailbox[1], at, at, [at] if is_throttled(said) else [])
        folders, mode = items_of(record, "Folders"), self._mode(record, said)
        if mode == "bind":
            for folder in folders:
                path = _folder(folder)
                for item in items_of(folder, "FolderItems"):
                    self._message(item, place, obs, mailbox, path)
        if mode in ("bind", ""):
            return
        parent = record.get("Item")
        paths = [_folder(folder) for folder in folders] or [_folder(parent.get("ParentFolder")) if isinstance(parent, dict) else None]
        for path in paths:
            if mailbox:
                self._out.edge("OBSERVED", obs, mailbox, place, role="folder", folder=path)

    def _sent(self, record: Record, place: str, obs: Node, mailbox: Node | None) -> None:
        item = record.get("Item")
        if isinstance(item, dict):
            self._message(item, place, obs, mailbox, None)
        as_other = identity.address(text_of(record, "SendAsUserSmtp", "SendOnBehalfOfUserSmtp"))
        sender = as_other or identity.address(text_of(record, "MailboxOwnerUPN"))
        if sender:
            self._out.edge("OBSERVED", obs, ("Correspondent", identity.smtp_key(sender)), place, role="sender")
        if as_other:
            self._out.edge("OBSERVED", obs, self._who.mailbox(as_other, place), place, role="target")

    def _changed(self, record: Record, place: str, obs: Node, mailbox: Node | None, at: int | None) -> None:
        item = record.get("Item")
        folder = _folder(record.get("Folder"))
        gone = at if record["Operation"] == "HardDelete" else None
        if record["Operation"] == "FolderBind" and mailbox and folder:
            self._out.edge("OBSERVED", obs, mailbox, place, role="folder", folder=folder)
        for one in items_of(record, "AffectedItems") or ([item] if isinstance(item, dict) else []):
            self._message(one, place, obs, mailbox, _folder(one.get("ParentFolder")) or folder, gone)

    def _message(self, item: Record, place: str, obs: Node, mailbox: Node | None, path: str | None, gone: int | None = None) -> None:
        id_ = item.get("InternetMessageId")
        key = identity.message_key(id_, None) if isinstance(id_, str) else None
        if key is None:
            self.nameless += 1
            return
        self._out.edge("OBSERVED", obs, ("Message", key), place, role="message", folder=path)
        if mailbox is None:
            return
        pair = hash((mailbox[1], key, path, gone))
        if pair not in self._held:  # the same fact twice would be one all the same: this only saves writing it
            if len(self._held) >= _PAIRS_KEPT:
                self._held.clear()
            self._held.add(pair)
            self._out.edge("HOLDS", mailbox, ("Message", key), place, folder=path, purged=gone, basis=BASIS)


def is_throttled(said: dict[str, str]) -> bool:
    """Whether the mailbox is throttled from this record on."""
    return said.get("IsThrottled", "").casefold() == "true"


def windows(times: list[int]) -> list[tuple[int, int]]:
    """The spans of 24 hours after each time, joined where they meet."""
    spans: list[tuple[int, int]] = []
    for time in sorted(times):
        if spans and time <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], time + THROTTLED))
        else:
            spans.append((time, time + THROTTLED))
    return spans
