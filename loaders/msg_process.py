"""Run as a process of its own: reads Outlook messages (.msg) with extract-msg and answers with what they say, in JSON.

extract-msg is under the GPL, so nothing of hakyu imports it, or this file: loaders/msg.py starts it and talks to it. On standard input
come messages, each as eight bytes of length and its bytes; each is answered by one line: the fields of loaders/outlook.Item, or
{"error": why}. It ends with its input.
"""

import json
import logging
import sys
import warnings
from importlib import import_module
from typing import Any

_TIMES = {"submitted": "00390040", "delivered": "0E060040"}
_BODY = 1 << 20


def _said(data: bytes) -> dict[str, Any]:
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
        }


def _answer(data: bytes) -> dict[str, Any]:
    try:
        return _said(data)
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
        data = sys.stdin.buffer.read(int.from_bytes(length, "big"))
        answers.write(json.dumps(_answer(data)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
