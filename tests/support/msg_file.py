"""Writes Outlook messages (.msg) as Outlook does: a compound file with a stream for each text and a table of the rest ([MS-OXMSG])."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

EPOCH = 11_644_473_600
TEXT, NUMBER, TIME = 0x001F, 0x0003, 0x0040


def write_msg(
    path: Path,
    *,
    texts: dict[int, str],
    times: dict[int, int] | None = None,
    recipients: Sequence[tuple[int, str, str]] = (),
    attachments: int = 0,
    files: Sequence[tuple[str, bytes]] = (),
) -> Path:
    """A message. `texts`, `times`: property number -> value (seconds since 1970); `recipients`: (1 to | 2 cc | 3 bcc, name, address).

    `attachments`: how many like one another; `files`: (name, bytes) of further ones.
    """
    from extract_msg import OleWriter

    writer = OleWriter()
    writer.addEntry("__nameid_version1.0", storage=True)
    for number in ("00020102", "00030102", "00040102"):
        writer.addEntry(f"__nameid_version1.0/__substg1.0_{number}", b"")
    attached = [("secret plan.pdf", b"%PDF-")] * attachments + list(files)
    header = struct.pack("<8xIIII8x", len(recipients), len(attached), len(recipients), len(attached))
    _item(writer, "", header, texts, {}, times or {})
    for row, (role, name, address) in enumerate(recipients):
        folder = f"__recip_version1.0_#{row:08X}"
        writer.addEntry(folder, storage=True)
        _item(writer, f"{folder}/", bytes(8), {0x3001: name, 0x3003: address, 0x3002: "SMTP", 0x39FE: address}, {0x0C15: role}, {})
    for row, (name, data) in enumerate(attached):
        folder = f"__attach_version1.0_#{row:08X}"
        writer.addEntry(folder, storage=True)
        writer.addEntry(f"{folder}/__substg1.0_37010102", data)
        _item(writer, f"{folder}/", bytes(8), {0x3707: name}, {0x3705: 1}, {})
    writer.write(str(path))
    return path


def _item(writer, folder: str, header: bytes, texts: dict[int, str], numbers: dict[int, int], times: dict[int, int]) -> None:
    table = bytearray(header)
    for number, text in texts.items():
        data = text.encode("utf-16-le")
        writer.addEntry(f"{folder}__substg1.0_{number:04X}{TEXT:04X}", data)
        table += struct.pack("<HHIII", TEXT, number, 6, len(data) + 2, 0)
    for number, value in numbers.items():
        table += struct.pack("<HHIII", NUMBER, number, 6, value, 0)
    for number, seconds in times.items():
        table += struct.pack("<HHIQ", TIME, number, 6, (seconds + EPOCH) * 10_000_000)
    writer.addEntry(f"{folder}__properties_version1.0", bytes(table))
