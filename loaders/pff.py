"""The folders and items of an Outlook data file, by libpff: nothing here raises on a damaged item, it is said instead.

    store = Store(file)
    for place, folder, item in store.items(): ...    # an Item, or a text: why it could not be read

`file` is an open `pypff.file`; this module does not import the package itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from loaders.base import Broken
from loaders.bodies import PART_BYTES, PARTS, is_text
from loaders.mailstore import is_sent_folder
from loaders.outlook import Item, is_mail, kind_of, seconds

DAMAGE = (OSError, ValueError, OverflowError, MemoryError, SystemError)
"""What libpff raises on damaged bytes."""
AGAIN = "it is damaged or cut short: copy or export it again"

_DEEPEST = 100
_SEARCH_FOLDER = 3  # the type, in the low five bits of a node's number
_TEXT, _NUMBER, _BINARY = 0x1F, 0x03, 0x102  # types of values; 0x1E is text in the file's code page
_CLASS, _SIZE, _MESSAGE_ID = 0x1A, 0xE08, 0x1035
_SENDER, _SENDER_ADDRESS, _SENDER_SMTP = 0xC1A, 0xC1F, 0x5D01
_ROLE, _NAME_OF, _ADDRESS_OF, _SMTP_OF = 0xC15, 0x3001, 0x3003, 0x39FE
_TOP, _SENT, _PASSWORD = 0x35E0, 0x35E4, 0x67FF
_FILE_NAME, _SHORT_NAME, _MEDIA_TYPE = 0x3707, 0x3704, 0x370E

Found = tuple[str, str | None, Item | str]


class Store:
    """An open data file; `texts`: attachments that are text are read too. `others`: items that are no mail, by kind; `blind`: messages whose recipients cannot be told."""

    def __init__(self, file: Any, texts: bool = False) -> None:
        self._file, self._texts = file, texts
        self.others: Counter[str] = Counter()
        self.blind = 0
        try:
            said = _properties(file.message_store)
        except DAMAGE:
            said = {}
        self._top, self._sent = _node(said.get(_TOP)), _node(said.get(_SENT))
        self.has_password = bool(said.get(_PASSWORD))

    def items(self) -> Iterator[Found]:
        """Every message with its place and folder, depth first. Raises Broken where there are no folders to be read."""
        self.others.clear()
        self.blind = 0
        try:
            root = self._file.get_root_folder()
        except DAMAGE:
            root = None
        if root is None:
            raise Broken("folders", "there are none to be read", AGAIN)
        yield from self._folder(root, "", 0, set())

    def _folder(self, folder: Any, path: str, depth: int, seen: set[int]) -> Iterator[Found]:
        messages, folders = (_count(folder, name, -1) for name in ("number_of_sub_messages", "number_of_sub_folders"))
        if messages < 0 or folders < 0:
            yield path or "top folder", path or None, "a damaged folder: what is in it cannot be listed"
        for number in range(messages):
            place = f"{path or 'top folder'}, item {number + 1:,}"
            try:
                item = self._item(folder.get_sub_message(number))
            except DAMAGE:
                yield place, path or None, "a damaged item"
                continue
            if item is not None:
                yield place, path or None, item
        for number in range(folders):
            try:
                child = folder.get_sub_folder(number)
                identifier, name = int(child.identifier), " ".join((child.name or "").replace("/", " ").split())
            except DAMAGE:
                yield f"{path or 'top folder'}, folder {number + 1:,}", path or None, "a damaged folder, with all that is in it"
                continue
            if identifier & 0x1F == _SEARCH_FOLDER or identifier in seen or depth >= _DEEPEST:
                continue
            seen.add(identifier)
            yield from self._folder(child, self._path(path, identifier, name), depth + 1, seen)

    def _path(self, path: str, identifier: int, name: str) -> str:
        """The top of the mailbox has a name in some language, and is none of its folders."""
        if identifier == self._top:
            return ""
        if identifier == self._sent and not is_sent_folder(name):
            name += " (sent items)"
        return f"{path}/{name}" if path else name

    def _item(self, message: Any) -> Item | None:
        """A message; None for what is none."""
        said = _properties(message)
        class_ = said.get(_CLASS)
        headers = getattr(message, "transport_headers", None)
        if class_ is not None and not is_mail(class_) and not headers:
            self.others[kind_of(class_)] += 1
            return None
        item = Item(class_ or "IPM.Note", headers or "", said.get(_MESSAGE_ID), size=int(said.get(_SIZE) or 0))
        item.delivered = _moment(message, "get_delivery_time_as_integer")
        item.submitted = _moment(message, "get_client_submit_time_as_integer")
        item.subject, item.body = _read(message, "subject"), _read(message, "plain_text_body") or _read(message, "html_body")
        item.attachments = _count(message, "number_of_attachments")
        if self._texts and item.attachments:
            item.texts = list(_attached(message))
        if not headers:
            item.sender = said.get(_SENDER), said.get(_SENDER_SMTP) or said.get(_SENDER_ADDRESS)
            item.recipients = _recipients(message)
            self.blind += not item.recipients
        return item


def _recipients(message: Any) -> list[tuple[int, str | None, str | None]]:
    """The table of recipients; libpff-python before 2026 has none."""
    table = getattr(message, "recipients", None)
    found = []
    for row in table.record_sets if table else ():
        said = _values(row)
        found.append((int(said.get(_ROLE) or 0), said.get(_NAME_OF), said.get(_SMTP_OF) or said.get(_ADDRESS_OF)))
    return found


def _attached(message: Any) -> Iterator[tuple[int, str, str, bytes]]:
    """(number, name, media type, first bytes) of the attachments that are text; damaged ones are left out."""
    for number in range(min(_count(message, "number_of_attachments"), PARTS)):
        try:
            attachment = message.get_attachment(number)
            said = _properties(attachment)
            name, type_ = said.get(_FILE_NAME) or said.get(_SHORT_NAME) or "", said.get(_MEDIA_TYPE) or ""
            if is_text(name, type_):
                yield number + 1, name, type_, attachment.read_buffer(min(int(attachment.size), PART_BYTES))
        except (AttributeError, TypeError, *DAMAGE):
            continue


_WANTED = frozenset(
    (_CLASS, _SIZE, _MESSAGE_ID, _SENDER, _SENDER_ADDRESS, _SENDER_SMTP, _ROLE, _NAME_OF, _ADDRESS_OF, _SMTP_OF, _TOP, _SENT, _PASSWORD, _FILE_NAME, _SHORT_NAME,
     _MEDIA_TYPE)
)  # fmt: skip


def _properties(item: Any) -> dict[int, Any]:
    return _values(item.get_record_set(0)) if item.number_of_record_sets else {}


def _values(row: Any) -> dict[int, Any]:
    """Wanted properties of a record: number -> text, number or bytes."""
    said: dict[int, Any] = {}
    for entry in row.entries:
        if entry.entry_type in _WANTED:
            value = _value(entry)
            if value not in (None, "", b""):
                said[entry.entry_type] = value
    return said


def _value(entry: Any) -> Any:
    try:
        if entry.value_type in (_TEXT, _TEXT - 1):
            return entry.get_data_as_string()
        return entry.get_data_as_integer() if entry.value_type == _NUMBER else entry.data
    except DAMAGE:
        return None


def _node(entry_id: Any) -> int | None:
    """The number of a folder by its entry id, whose last four bytes it is."""
    return int.from_bytes(entry_id[-4:], "little") if isinstance(entry_id, bytes) and len(entry_id) >= 24 else None


def _count(thing: Any, name: str, damaged: int = 0) -> int:
    try:
        return int(getattr(thing, name, 0))
    except DAMAGE:
        return damaged


def _moment(message: Any, name: str) -> int | None:
    try:
        return seconds(getattr(message, name)())
    except (AttributeError, *DAMAGE):
        return None


def _read(message: Any, name: str) -> str:
    """A text of the message, "" where it has none or a damaged one."""
    try:
        text = getattr(message, name, None)
    except DAMAGE:
        return ""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text or ""
