"""Writes small Outlook data files (.pst) as [MS-PST] says, for tests: folders, items, recipients, small attachments; no encryption.

    write_pst(path, Folder("Top", [Folder("Inbox", items=[{"class": "IPM.Note", "headers": "From: …"}])]), sent="Gesendete Elemente")
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EPOCH = 11_644_473_600
ROOT, STORE, NAMES, RECIPIENTS, ATTACHMENTS = 0x122, 0x21, 0x61, 0x692, 0x671
_FOLDER, _SEARCH, _MESSAGE, _ATTACHMENT = 2, 3, 4, 5
_NUMBER, _BOOL, _TIME, _TEXT, _BINARY = 0x03, 0x0B, 0x40, 0x1F, 0x102
_PROPERTIES = {
    "class": (0x1A, _TEXT), "subject": (0x37, _TEXT), "headers": (0x7D, _TEXT), "message_id": (0x1035, _TEXT), "body": (0x1000, _TEXT),
    "sender": (0xC1A, _TEXT), "sender_address": (0xC1F, _TEXT), "sender_smtp": (0x5D01, _TEXT), "submitted": (0x39, _TIME),
    "delivered": (0xE06, _TIME), "size": (0xE08, _NUMBER),
}  # fmt: skip
Item = dict[str, Any]


@dataclass
class Folder:
    """A folder. An item has keys of `_PROPERTIES` `recipients`: (1 to | 2 cc | 3 bcc, name, address), `attachments`: (name, bytes)."""

    name: str
    folders: list[Folder] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    search: bool = False


def write_pst(path: Path, top: Folder, *, sent: str | None = None, password: bool = False) -> Path:
    """A data file whose mailbox begins at `top`; `sent` names the folder that the store says holds what was sent."""
    writer = _Writer()
    numbers: dict[str, int] = {}
    writer.folder(ROOT, ROOT, "", [(writer.tree(top, ROOT, numbers), top)], [])
    store = [(0x3001, _TEXT, "mail"), (0x35E0, _BINARY, _entry(numbers[top.name])), (0x67FF, _NUMBER, 0x1234 if password else 0)]
    if sent:
        store.append((0x35E4, _BINARY, _entry(numbers[sent])))
    writer.node(STORE, 0, _properties(store))
    names = [(1, _NUMBER, 251), (2, _BINARY, bytes(range(16))), (3, _BINARY, struct.pack("<IHH", 0x8501, 6, 0)), (4, _BINARY, struct.pack("<I2s", 2, b"x\0"))]
    writer.node(NAMES, 0, _properties(names))
    path.write_bytes(writer.finish())
    return path


def _entry(number: int) -> bytes:
    return bytes(4) + bytes(range(16)) + struct.pack("<I", number)


class _Writer:
    def __init__(self) -> None:
        self._data = bytearray(0x4600)
        self._blocks: list[tuple[int, int, int]] = []
        self._nodes: list[tuple[int, int, int, int]] = []
        self._next = {_FOLDER: 0x400, _SEARCH: 0x500, _MESSAGE: 0x10000}
        self._bid = 4

    def number(self, type_: int) -> int:
        self._next[type_] += 1
        return self._next[type_] << 5 | type_

    def tree(self, folder: Folder, parent: int, numbers: dict[str, int]) -> int:
        number = numbers[folder.name] = self.number(_SEARCH if folder.search else _FOLDER)
        messages = [(self.item(item, number), item) for item in folder.items]
        children = [(self.tree(child, number, numbers), child) for child in folder.folders]
        self.folder(number, parent, folder.name, children, messages)
        return number

    def folder(self, number: int, parent: int, name: str, children: list[tuple[int, Folder]], messages: list[tuple[int, Item]]) -> None:
        said = [(0x3602, _NUMBER, len(messages)), (0x360A, _BOOL, bool(children))]
        self.node(number, parent, _properties([(0x3001, _TEXT, name), *said] if name else said))
        rows = [(child, {0x3001: folder.name, 0x3602: len(folder.items)}) for child, folder in children]
        self.node(number & ~0x1F | 0x0D, 0, _table({0x3001: _TEXT, 0x3602: _NUMBER}, rows))
        self.node(number & ~0x1F | 0x0E, 0, _table({0x1A: _TEXT}, [(child, {0x1A: item.get("class")}) for child, item in messages]))
        self.node(number & ~0x1F | 0x0F, 0, _table({0x1A: _TEXT}, []))

    def item(self, item: Item, folder: int) -> int:
        said = [(*_PROPERTIES[name], value) for name, value in item.items() if name not in ("recipients", "attachments")]
        nodes = {RECIPIENTS: self.block(_recipients(item["recipients"]))} if item.get("recipients") else {}
        rows = [(0x8000 + at << 5 | _ATTACHMENT, name, data) for at, (name, data) in enumerate(item.get("attachments", ()))]
        if rows:
            nodes[ATTACHMENTS] = self.block(_table({0xE20: _NUMBER, 0x3704: _TEXT, 0x3705: _NUMBER}, [(n, {0xE20: len(d), 0x3704: t, 0x3705: 1}) for n, t, d in rows]))
            nodes |= {n: self.block(_properties([(0xE20, _NUMBER, len(d)), (0x3701, _BINARY, d), (0x3705, _NUMBER, 1), (0x3707, _TEXT, t)])) for n, t, d in rows}
        below = self._subnodes(dict(sorted(nodes.items()))) if nodes else 0
        number = self.number(_MESSAGE)
        self.node(number, folder, _properties(said), below)
        return number

    def node(self, number: int, parent: int, data: bytes, below: int = 0) -> None:
        self._nodes.append((number, self.block(data), below, parent))

    def block(self, data: bytes, internal: bool = False) -> int:
        bid = self._bid | (2 if internal else 0)
        self._bid += 4
        assert len(data) <= 8176
        at, size = len(self._data), -(-(len(data) + 16) // 64) * 64
        trailer = struct.pack("<HHIQ", len(data), _signature(at, bid), _crc(data), bid)
        self._data += data + bytes(size - len(data) - 16) + trailer
        self._blocks.append((bid, at, len(data)))
        return bid

    def _subnodes(self, nodes: dict[int, int]) -> int:
        return self.block(struct.pack("<BBHI", 2, 0, len(nodes), 0) + b"".join(struct.pack("<QQQ", n, bid, 0) for n, bid in nodes.items()), internal=True)

    def finish(self) -> bytes:
        nodes = [(number, struct.pack("<QQQII", number, bid, below, parent, 0)) for number, bid, below, parent in sorted(self._nodes)]
        nbt = self._tree(nodes, 0x81, 32)
        blocks = [(bid, struct.pack("<QQHHI", bid, at, size, 2, 0)) for bid, at, size in sorted(self._blocks)]
        bbt = self._tree(blocks, 0x80, 24)
        self._data[:564] = _header(len(self._data), nbt, bbt, self._bid)
        return bytes(self._data)

    def _tree(self, entries: Sequence[tuple[int, bytes]], type_: int, width: int) -> tuple[int, int]:
        level, most = 0, 488 // width
        while True:
            pages = [entries[i : i + most] for i in range(0, len(entries), most)]
            refs = [(page[0][0], *self._page(page, type_, width, level)) for page in pages]
            if len(refs) == 1:
                return refs[0][1], refs[0][2]
            entries = [(key, struct.pack("<QQQ", key, bid, at)) for key, bid, at in refs]
            level, width, most = level + 1, 24, 20

    def _page(self, entries: Sequence[tuple[int, bytes]], type_: int, width: int, level: int) -> tuple[int, int]:
        self._data += bytes(-len(self._data) % 512)
        bid, at = self._bid, len(self._data)
        self._bid += 4
        body = b"".join(data for _, data in entries).ljust(488, b"\x00") + struct.pack("<BBBBI", len(entries), 488 // width, width, level, 0)
        self._data += body + struct.pack("<BBHIQ", type_, type_, _signature(at, bid), _crc(body), bid)
        return bid, at


def _header(size: int, nbt: tuple[int, int], bbt: tuple[int, int], bid: int) -> bytes:
    root = struct.pack("<IQQQQQQQQBBH", 0, size, 0x4400, 0, 0, *nbt, *bbt, 2, 0, 0)
    rest = b"SM" + struct.pack("<HHBBIIQQI", 23, 19, 1, 1, 0, 0, 0, bid, 1) + struct.pack("<32I", *[0x400] * 32) + bytes(8) + root
    rest += bytes(4) + b"\xff" * 256 + struct.pack("<BBHQ", 0x80, 0, 0, bid)
    return b"!BDN" + struct.pack("<I", _crc(rest[:471])) + rest + struct.pack("<I", _crc(rest[:516])) + bytes(36)


def _signature(at: int, bid: int) -> int:
    value = (at ^ bid) & 0xFFFFFFFF
    return (value >> 16) ^ (value & 0xFFFF)


def _crc(data: bytes) -> int:
    return zlib.crc32(data, 0xFFFFFFFF) ^ 0xFFFFFFFF


class _Heap:
    """A heap on a node: values are told by their number in it."""

    def __init__(self, kind: int) -> None:
        self._kind = kind
        self._parts: list[bytes] = []

    def put(self, data: bytes) -> int:
        self._parts.append(data)
        return len(self._parts) << 5

    def tree(self, key: int, width: int, entries: Sequence[bytes]) -> int:
        root = self.put(b"".join(entries)) if entries else 0
        return self.put(struct.pack("<BBBBI", 0xB5, key, width, 0, root))

    def finish(self, top: int) -> bytes:
        data, places = bytearray(12), []
        for part in self._parts:
            places.append(len(data))
            data += part
        places.append(len(data))
        data += bytes(len(data) % 2)
        data[:12] = struct.pack("<HBBII", len(data), 0xEC, self._kind, top, 0)
        return bytes(data) + struct.pack(f"<HH{len(places)}H", len(self._parts), 0, *places)


def _value(type_: int, value: Any) -> bytes:
    if type_ == _TEXT:
        return str(value).encode("utf-16-le")
    return struct.pack("<Q", (value + EPOCH) * 10_000_000) if type_ == _TIME else value


def _properties(said: Sequence[tuple[int, int, Any]]) -> bytes:
    heap = _Heap(0xBC)
    top = heap.put(bytes(8))  # the tree's head, filled in when the values have their numbers
    entries = []
    for number, type_, value in sorted(said, key=lambda row: row[0]):
        inline = type_ in (_NUMBER, _BOOL)
        entries.append(struct.pack("<HHI", number, type_, value if inline else heap.put(_value(type_, value))))
    heap._parts[0] = struct.pack("<BBBBI", 0xB5, 2, 6, 0, heap.put(b"".join(entries)))
    return heap.finish(top)


def _recipients(rows: Sequence[tuple[int, str, str]]) -> bytes:
    columns = {0x0C15: _NUMBER, 0x3001: _TEXT, 0x3002: _TEXT, 0x3003: _TEXT, 0x39FE: _TEXT}
    said = []
    for number, (role, name, address) in enumerate(rows):
        smtp = {0x3002: "SMTP", 0x39FE: address} if "@" in address else {0x3002: "EX"}
        said.append((number, {0x0C15: role, 0x3001: name, 0x3003: address} | smtp))
    return _table(columns, said)


def _table(columns: dict[int, int], rows: Sequence[tuple[int, dict[int, Any]]]) -> bytes:
    """A table of (row number, property -> value) with numbers and texts alone."""
    order = list({0x67F2: _NUMBER, 0x67F3: _NUMBER, **columns}.items())
    width = 4 * len(order)
    heap = _Heap(0x7C)
    matrix = b""
    for row, said in rows:
        present = 0
        cells = []
        for bit, value in enumerate((row, 1, *(said.get(name) for name in columns))):
            present |= (value is not None) << (7 - bit)
            cells.append(value if isinstance(value, int) else heap.put(_value(_TEXT, value)) if value else 0)
        matrix += struct.pack(f"<{len(cells)}IB", *cells, present)
    index = heap.tree(4, 4, [struct.pack("<II", row, place) for place, (row, _) in enumerate(rows)])
    described = b"".join(struct.pack("<HHHBB", type_, number, bit * 4, 4, bit) for bit, (number, type_) in enumerate(order))
    info = struct.pack("<BBHHHHIII", 0x7C, len(order), width, width, width, width + 1, index, heap.put(matrix) if rows else 0, 0)
    return heap.finish(heap.put(info + described))
