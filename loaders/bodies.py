"""The readable texts of a message, for the search after credentials alone (loaders/secrets.py): nothing of them is kept.

Nothing here raises, whatever the bytes are; what cannot be read is left out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32

from loaders.addresses import charset_text, text_of

_PARTS = 60
_PART_BYTES = 1 << 19
_TEXT_NAME = re.compile(r"\.(txt|csv|tsv|pem|key|asc|wg|secrets|properties|toml|plist|ppk|ovpn|conf|cfg|ini|env|rdp|mobileconfig|pcf|json|ya?ml|xml|sh|ps1|bat|md|log|html?|eml)$", re.IGNORECASE)
_TEXT_TYPE = ("text/", "application/x-pem", "application/x-openvpn", "application/json", "application/xml", "application/pkcs8", "application/pgp-keys", "application/x-apple-aspen-config", "application/x-yaml", "application/rdp", "application/x-rdp")
_DROPPED = re.compile(r"<!--.*?-->|<(style|script|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d|/table|/pre)\b[^<>]*>", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,2000}>")
_QUOTE = re.compile(r"^[ \t]*(?:[>|][ \t]?)+", re.MULTILINE)


def texts(raw: bytes) -> Iterator[tuple[str, str]]:
    """(`body` or `attachment 2`, text) of each readable part of a message in MIME."""
    attachment = 0
    try:
        for number, part in enumerate(BytesParser(policy=compat32).parsebytes(raw).walk()):
            if number >= _PARTS:
                return
            if part.is_multipart():
                continue
            name = _name_of(part)
            attachment += name is not None
            if (text := _text(part, name)) is not None:
                yield ("body" if name is None else f"attachment {attachment}"), text
    except Exception:  # the standard library raises many things on real mail; what was read until then has been given
        return


def _name_of(part: Message) -> str | None:
    try:
        name = part.get_filename()
        return str(name or "") if name is not None or part.get_content_disposition() == "attachment" else None
    except Exception:  # as above: a damaged name
        return ""


def _text(part: Message, name: str | None) -> str | None:
    type_ = part.get_content_type()
    if not type_.startswith(_TEXT_TYPE) and not _TEXT_NAME.search(name or ""):
        return None
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes) or b"\x00" in payload[:512]:
        return None
    charset = part.get_param("charset")
    payload = payload[:_PART_BYTES]
    text = charset_text(payload, charset) if isinstance(charset, str) else text_of(payload)
    return plain(text, type_)


def plain(text: str, type_: str = "text/plain") -> str:
    """Text without markup (where it is HTML) and without the marks of quoting."""
    if type_ == "text/html" or text.lstrip()[:15].casefold().startswith(("<html", "<!doctype html", "<body", "<div")):
        text = html.unescape(_TAG.sub(" ", _CELL.sub("\t", _BREAK.sub("\n", _DROPPED.sub(" ", text)))))
    return _QUOTE.sub("", text)
