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

PARTS = 60
"""How many parts of a message are looked at."""
PART_BYTES = 1 << 19
"""How much of each."""
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
            if number >= PARTS:
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
    if not is_text(name, type_):
        return None
    payload, charset = part.get_payload(decode=True), part.get_param("charset")
    return readable(payload, type_, charset if isinstance(charset, str) else None) if isinstance(payload, bytes) else None


def is_text(name: str | None, type_: str | None) -> bool:
    """Whether a part of this name and media type is text."""
    return bool((type_ or "").casefold().startswith(_TEXT_TYPE) or _TEXT_NAME.search(name or ""))


def readable(payload: bytes, type_: str, charset: str | None = None) -> str | None:
    """The text of such a part; None where its bytes are none."""
    if b"\x00" in payload[:512]:
        return None
    payload = payload[:PART_BYTES]
    return plain(charset_text(payload, charset) if charset else text_of(payload), type_)


def plain(text: str, type_: str = "text/plain") -> str:
    """Text without markup (where it is HTML) and without the marks of quoting."""
    if type_ == "text/html" or text.lstrip()[:15].casefold().startswith(("<html", "<!doctype html", "<body", "<div")):
        text = html.unescape(_TAG.sub(" ", _CELL.sub("\t", _BREAK.sub("\n", _DROPPED.sub(" ", text)))))
    return _QUOTE.sub("", text)
