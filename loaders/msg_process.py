"""Run as a process of its own: reads Outlook messages (.msg) with extract-msg and answers with what they say, in JSON.

extract-msg is under the GPL, so nothing of hakyu imports it, or this file: loaders/msg.py starts it and talks to it. On standard input
come messages, each as eight bytes of length and its bytes (the topmost bit of the length: attachments too); each is answered by one line: the
fields of loaders/outlook.Item (bytes as Latin-1), or {"error": why}. It ends with its input.
"""

import json
import logging
import sys
import warnings
from importlib import import_module
from typing import Any

_TIMES = {"submitted": "00390040", "delivered": "0E060040"}
_BODY = 1 << 20
_PARTS, _PART = 60, 1 << 19
_WITH_TEXTS = 1 << 63


def _texts(found: Any) -> list[tuple[int, str, str, str]]:
    """(number, name, media type, first bytes) of attachments without zero bytes; what cannot be read is left out."""
    texts = []
    for number, attachment in enumerate(getattr(found, "attachments", [])[:_PARTS], 1):
        try:
            data = attachment.data
            if isinstance(data, bytes) and b"\x00" not in data[:512]:
                texts.append((number, attachment.longFilename or attachment.shortFilename or "", attachment.mimetype or "", data[:_PART].decode("latin-1")))
        except Exception:  # noqa: S112 - whatever comes of damaged bytes
            continue
    return texts


def _said(data: bytes, texts: bool) -> dict[str, Any]:
    with import_module("extract_msg").openMsg(data, delayAttachments=True) as found:

        def text(number: str) -> str | None:
            value = found.getStringStream(f"__substg1.0_{number}")
            return value.replace("\x00", "") if isinstance(value, str) and value else None

        def moment(number: str) -> int | None:
            value = found.getPropertyVal(number)
            return int(value.timestamp()) if hasattr(value, "timestamp") else None

        people = [(int(r.type or 0), r.name, getattr(r, "smtpAddress", None) or r.email) for r in getattr(found, "recipients", [])]
        return {
            "message_class": found.classType or "IPM.Note",
            "headers": getattr(found, "headerText", None) or "",
            "message_id": text("1035"),
            "sender": (text("0C1A") or text("0042"), text("5D01") or text("0C1F") or text("0065")),
            "recipients": people,
            "submitted": moment(_TIMES["submitted"]),
            "delivered": moment(_TIMES["delivered"]),
            "subject": text("0037") or "",
            "body": (text("1000") or "")[:_BODY],
            "attachments": len(getattr(found, "attachments", [])),
            "texts": _texts(found) if texts else [],
        }


def _answer(data: bytes, texts: bool) -> dict[str, Any]:
    try:
        return _said(data, texts)
    except ImportError:
        return {"error": "missing"}
    except Exception as error:  # whatever comes of damaged bytes; only the kind of fault is said, never content
        return {"error": type(error).__name__}


def main() -> None:
    """Answer until the input ends."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    answers, sys.stdout = sys.stdout, sys.stderr  # what the library may print is no answer
    while len(length := sys.stdin.buffer.read(8)) == 8:
        size = int.from_bytes(length, "big")
        data = sys.stdin.buffer.read(size & ~_WITH_TEXTS)
        answers.write(json.dumps(_answer(data, bool(size & _WITH_TEXTS))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
