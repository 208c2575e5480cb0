"""Addresses and display names out of mail headers as they really are (formats.md 7): nothing here raises.

    parse("Suzuki <s@example.jp>, staff: a@example.jp;")   ->  ([("s@example.jp", "Suzuki"), ("a@example.jp", None)], 0)

The second value counts what stands in the header and is no address (names alone, X.400 and Exchange's internal addresses).
"""

from __future__ import annotations

import binascii
import re
from email.errors import HeaderParseError
from email.header import decode_header
from functools import lru_cache

from graphmodel import identity

Named = tuple[str, str | None]
"""(address, display name)."""

_ALIASES = {
    "iso-2022-jp": "iso2022_jp_ext", "iso-2022-jp-ms": "iso2022_jp_ext", "cp50220": "iso2022_jp_ext", "cp50221": "iso2022_jp_ext",
    "shift_jis": "cp932", "shift-jis": "cp932", "x-sjis": "cp932", "sjis": "cp932", "gb2312": "gb18030", "gbk": "gb18030",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949",
}  # fmt: skip
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")
_MANGLED = re.compile(r"^(\S+) at ([\w-]+(?:\.[\w-]+)+)$")  # Pipermail archives
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\((?:\\.|[^()\\])*\)|<[^<>]*>|[,;]|[^",;:()<>]+|.', re.DOTALL)
_ANY = re.compile(r"[^\s<>()\[\],;:\"'\\@]{1,128}@[^\s<>()\[\],;:\"'\\@]{1,255}")
_ENCAPSULATED = re.compile(r"^imcea(?!smtp-|ex-)[a-z]*-")  # IMCEAEX- holds a legacyExchangeDN: an export may tell whose
_HEX = re.compile(r"\+([0-9a-f]{2})")
_SURNAME = re.compile(r"^[^\W\d_][\w'-]*( [\w'-]+)?$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff\ufffd]+")
_NO_NAME = re.compile(r"@|://|^[\W\d_]*$|=\?")
_NAME_LIMIT = 100
_HEADER_LIMIT = 1 << 20
_WORDS_LIMIT = 20_000
_ENTRY_LIMIT = 2_000


def text_of(raw: bytes, encoding: str | None = None) -> str:
    """A header's bytes as text: what they are, by strict tries; Latin-1 takes what is left. `encoding`: the analyst's word."""
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    if encoding and (text := _strictly(raw, encoding)) is not None:
        return text
    tries = ("iso2022_jp_ext", "utf-8") if b"\x1b" in raw else ("utf-8",)
    for codec in tries:
        if (text := _strictly(raw, codec)) is not None:
            return text
    japanese = _strictly(raw, "cp932")
    if japanese is None or _HALF_WIDTH.search(japanese):  # EUC-JP read as CP932 is a row of half-width letters
        japanese = _strictly(raw, "euc_jp") or japanese
    return japanese if japanese is not None else raw.decode("latin-1")


def _strictly(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except (ValueError, LookupError):  # ValueError: wrong bytes, or a charset whose very name is damaged
        return None


def decoded(text: str) -> str:
    """Text with its RFC 2047 words decoded; a word that says a wrong charset is decoded by what it is."""
    if "=?" not in text or len(text) > _WORDS_LIMIT:
        return text
    try:
        parts = decode_header(text)
    except (HeaderParseError, binascii.Error, ValueError, IndexError):
        return text
    return "".join(part if isinstance(part, str) else _word(part, charset) for part, charset in parts)


def _word(raw: bytes, charset: str | None) -> str:
    if charset is None:
        return raw.decode("ascii", "replace") if raw.isascii() else raw.decode("latin-1")
    return charset_text(raw, charset.partition("*")[0])


def charset_text(raw: bytes, charset: str) -> str:
    """Bytes in the charset they are said to be in; where that is wrong, by what they are."""
    name = charset.strip().casefold()
    if b"\x1b$" in raw and name in ("", "us-ascii", "ascii", "utf-8"):  # ISO-2022-JP is plain ASCII to those
        return text_of(raw)
    found = _strictly(raw, _ALIASES.get(name, name))
    return found if found is not None else text_of(raw)


def name_of(text: str | None) -> str | None:
    """A display name worth keeping, or None: not an address, a link, a number, or a sentence."""
    if not text:
        return None
    name = " ".join(_CONTROL.sub(" ", decoded(text)).replace('\\"', '"').replace('"', " ").split()).strip("'<>,;. ")
    return name if name and len(name) <= _NAME_LIMIT and not _NO_NAME.search(name) else None


def parse(text: str) -> tuple[list[Named], int]:
    """The addresses of a header in order, and how many entries are none. Groups are opened, `undisclosed-recipients:;` is nobody."""
    found: list[Named] = []
    unusable, surname = 0, ""
    for item in _items(text[:_HEADER_LIMIT]):
        named = _entry(item)
        if surname and len(named) == 1 and named[0][1] and item.endswith(">"):
            named = [(named[0][0], name_of(f"{surname}, {named[0][1]}"))]  # `Smith, John <j@x.org>` without its quotes
            unusable -= 1
        found += named
        unusable += not named
        surname = item if not named and _SURNAME.match(item) else ""
    return found, unusable


def _items(text: str) -> list[str]:
    """Entries of an address list: split at `,` and `;` outside quotes, brackets and comments; group names are dropped."""
    items = [""]
    for part in _TOKEN.findall(text):
        if part in ",;":
            items.append("")
        elif part == ":" and "@" not in items[-1] and items[-1].strip().casefold() not in ("mailto", "smtp"):
            items[-1] = ""
        elif len(items[-1]) < _ENTRY_LIMIT:  # longer is a broken quote, and would cost time that grows with its square
            items[-1] += part
    return [item.strip() for item in items if item.strip(" \t.'\"<>")]


def _entry(item: str) -> list[Named]:
    """The address of one entry with its name; all addresses in it where its quoting is broken."""
    item = item[:_ENTRY_LIMIT]
    before, bracket, rest = item.rpartition("<")
    inside = rest.partition(">")[0] if bracket else _outside_comments(item)
    address = _address(inside)
    if address:
        name = name_of(before) or name_of(_comment(rest.partition(">")[2]))
        return [(address, name if bracket else name_of(_comment(item)))]
    if "=?" in item:
        plain = decoded(item)
        if plain != item and "@" in plain:
            return _anywhere(plain)
    return _anywhere(item)


def _anywhere(item: str) -> list[Named]:
    found = [address for text in _ANY.findall(item) if (address := _address(text))]
    return [(address, None) for address in dict.fromkeys(found)]


def _outside_comments(item: str) -> str:
    while (start := item.rfind("(")) >= 0:
        end = item.find(")", start)
        if end < 0:
            return item[:start].strip()
        item = item[:start] + item[end + 1 :]
    return item.strip()


def _comment(item: str) -> str | None:
    start, end = item.find("("), item.rfind(")")
    return item[start + 1 : end] if 0 <= start < end else None


@lru_cache(maxsize=65536)
def _address(text: str) -> str | None:
    """One address in our spelling: archive mangling, leaked quoted-printable and Exchange's encapsulation undone."""
    value = text.strip()
    if "@" not in value and (match := _MANGLED.match(value)):
        value = f"{match[1]}@{match[2]}"
    address = identity.address(value.replace("=2E", ".").replace("=2e", "."))
    if address is None or _ENCAPSULATED.match(address):
        return None
    if address.startswith("imceasmtp-"):
        local = address.removeprefix("imceasmtp-").rpartition("@")[0]
        return identity.address(_HEX.sub(lambda match: chr(int(match[1], 16)), local))
    return address
