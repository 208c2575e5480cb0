"""Outlook messages (.msg) read by a process of its own (loaders/msg_process.py), which is started with the first of them and kept."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from pathlib import Path
from queue import Empty, Queue
from threading import Lock, Thread
from typing import Any

from loaders.base import Broken
from loaders.outlook import INSTALL, Item

LARGEST = 256 << 20
"""Bytes of a message file that are still read; a mail system's own limit is far below."""
SECONDS = 60

_PROGRAM = Path(__file__).with_name("msg_process.py")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NAMES = ("__properties_version1.0", "__nameid_version1.0", "__substg1.0_", "__recip_version1.0_", "__attach_version1.0_")


def is_msg(stream: Any) -> bool:
    """Whether a file is an Outlook message: a compound file in whose directory stand the names that only those have."""
    header = stream.read(512)
    if len(header) < 512 or not header.startswith(_OLE):
        return False
    sector = 1 << min(header[30], 16)
    stream.seek((int.from_bytes(header[48:52], "little") + 1) * sector)
    directory = stream.read(sector)
    return any(name.encode("utf-16-le") in directory for name in _NAMES)


def read_msg(data: bytes, texts: bool = False) -> Item:
    """What an Outlook message says; `texts`: attachments too. Raises Broken where it cannot be read."""
    if len(data) > LARGEST:
        raise Broken("Outlook message", f"{len(data):,} bytes, more than {LARGEST:,}", "save it as EML and load that")
    said = _READER.ask(data, texts)
    if said.get("error") == "missing":
        raise Broken("Outlook message", "reading it needs the package extract-msg", f"{INSTALL}, or save it as EML and load that")
    if "error" in said:
        raise Broken("Outlook message", f"it cannot be read ({said['error']})", "it is damaged or cut short: save it again, or as EML")
    attached = [(number, name, type_, text.encode("latin-1")) for number, name, type_, text in said["texts"]]
    return Item(**{**said, "sender": tuple(said["sender"]), "recipients": [tuple(row) for row in said["recipients"]], "size": len(data), "texts": attached})


class _Reader:
    """The process that reads. It is started anew when it died or took too long."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: Queue[bytes] = Queue()
        atexit.register(self.stop)

    def ask(self, data: bytes, texts: bool = False) -> dict[str, Any]:
        """The answer on one message; {"error": why} where there is none."""
        with self._lock:
            process = self._running()
            try:
                assert process.stdin is not None  # noqa: S101 - it was made with a pipe
                process.stdin.write((len(data) | texts << 63).to_bytes(8, "big") + data)
                process.stdin.flush()
                line = self._answers.get(timeout=SECONDS)
            except (OSError, Empty):
                line = b""
            if not line:
                self.stop()
                return {"error": "the reader gave up"}
            answer: dict[str, Any] = json.loads(line)
            return answer

    def stop(self) -> None:
        """End the process, where there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._answers = Queue()
            command = [sys.executable, "-P", str(_PROGRAM)]  # -P: modules beside the program hide none of the standard library's
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)  # noqa: S603
            Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()
        return self._process


def _listen(process: subprocess.Popen[bytes], answers: Queue[bytes]) -> None:
    """Pass on every line of a process; an empty one at its end."""
    assert process.stdout is not None  # noqa: S101 - it was made with a pipe
    for line in process.stdout:
        answers.put(line)
    answers.put(b"")


_READER = _Reader()
