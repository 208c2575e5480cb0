"""One mail message by its headers: who, to whom, when (formats.md 7). Nothing here raises, whatever the bytes are.

Subject and first words go into a hash (identity.content_hash) and are then forgotten; bodies are not kept.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field, replace
from email.utils import mktime_tz, parsedate_tz
from typing import BinaryIO

from graphmodel import identity
from loaders import dates, resets, secrets
from loaders.addresses import Named, decoded, name_of, parse, text_of
from loaders.base import Options

HEADER_LIMIT = 1 << 20
"""Bytes of headers that are read; real ones reach some ten thousand."""
BODY_BYTES = 4096
SEARCHED_BYTES = 1 << 20
"""Bytes of a message that are looked through for credentials, where that was asked for."""
_CHUNK = 1 << 16
_DAY = 86_400
_DATE_LIMIT = 200

_END = re.compile(rb"\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_NAME = re.compile(rb"^[!-9;-~]+$")
_PREFACE = re.compile(rb"^(?:\xef\xbb\xbf)?\s*(?:>?From [^\n]*\n|\d+[ \t]*\r?\n)*")  # BOM, blank lines, From_ lines, the length of .emlx
_ATTACHED = re.compile(rb"^content-disposition:[ \t]*attachment", re.IGNORECASE | re.MULTILINE)
_JAPAN = re.compile(r"(?<=\d )JST\b")  # the mail standard's library knows American names alone
_BRACKETED = re.compile(r"<([^<>]+)>")
_PART = re.compile(rb"^--[^\n]*\n(?:[^\n]+\n)*?\r?\n", re.MULTILINE)
_KNOWN = frozenset(
    b"from to cc bcc date subject received message-id return-path delivered-to mime-version content-type sender reply-to "
    b"x-original-to envelope-to references in-reply-to x-mailer".split()
)
_TELLING = frozenset(b"from to received message-id return-path delivered-to".split())
_ROLES = (("to", "to"), ("cc", "cc"), ("bcc", "bcc"), ("resent-to", "to"), ("resent-cc", "cc"), ("apparently-to", "to"), ("reply-to", "reply-to"))
_NAMES = (("from", "x-from"), ("to", "x-to"), ("cc", "x-cc"), ("bcc", "x-bcc"))
_WANTED = frozenset(
    [name for name, _ in _ROLES] + [name for pair in _NAMES for name in pair] + ["sender", "date", "message-id", "received", "subject"]
    + ["content-type", "content-disposition", "delivered-to", "x-original-to", "envelope-to", "list-post", "x-mailing-list", "x-gmail-labels"]
)  # fmt: skip
# Gmail's labels that are no place, as Takeout writes them in English and Japanese.
_STATE = re.compile(
    r"(?:opened|unread|read|important|starred|category .+|開封済み|未読|既読|重要|スター付き|カテゴリ.+)$", re.IGNORECASE
)
Headers = dict[str, list[bytes]]


@dataclass(slots=True)
class Parsed:
    """What one message says. Times are seconds since 1970 UTC; `key` is None when it has neither id nor anything to hash.

    `hops`: addresses it was delivered to, the last one first; `lists`: addresses of mailing lists it came through;
    `no_text`: why the bytes are no text at all; `labels`: Gmail's labels; `unusable`: recipients that are no address; `cut`: the headers do not end.
    `reset`: whether a service mails to set a password anew, or to sign up; where that was asked for, `secrets`: credentials in its text.
    """

    key: str | None = None
    content: str | None = None
    sent: int | None = None
    sent_basis: str | None = None
    delivered: int | None = None
    encrypted: bool = False
    multipart: bool = False
    attached: bool = False
    cut: bool = False
    senders: list[tuple[str, str]] = field(default_factory=list)
    recipients: list[tuple[str, str]] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)
    hops: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    labels: str | None = None
    unusable: int = 0
    headers: int = 0
    no_text: str | None = None
    secrets: list[secrets.Found] = field(default_factory=list)
    reset: str | None = None

    def sender(self) -> str | None:
        """The From address, else the Sender."""
        return self.senders[0][1] if self.senders else None

    def folders(self) -> list[str]:
        """The folders that Gmail's labels name; what only tells a state (opened, starred) is none."""
        names = [name.strip() for name in next(csv.reader([self.labels or ""], skipinitialspace=True), [])]
        return [name for name in dict.fromkeys(names) if name and not _STATE.match(name)]

    def to_all(self) -> list[str]:
        """Every To, Cc and Bcc address, once."""
        return list(dict.fromkeys(address for role, address in self.recipients if role != "reply-to"))

    @property
    def fault(self) -> str | None:
        """Why the message cannot be used, or None."""
        if self.no_text:
            return self.no_text
        if not self.headers:
            return "no mail headers"
        if not self.senders and not self.recipients:
            return "neither a sender nor a recipient"
        return None


def body_bytes(options: Options) -> int:
    """How much of a message's body has to be read."""
    return SEARCHED_BYTES if options.secrets else BODY_BYTES


def headers_only(options: Options) -> Options:
    """The same options for a look at headers."""
    return replace(options, secrets=False)


def looks_like_message(head: bytes) -> bool:
    """Whether a file that begins so is a mail message: header lines from the first one on, two of them known ones."""
    if b"\x00" in head[:1024]:
        return False
    block = _END.split(head[_prefix(head) : 8192], maxsplit=1)[0]
    names = [line.partition(b":") for line in _FOLD.sub(b" ", block).splitlines()]
    if not names or not names[0][1] or not _NAME.match(names[0][0].rstrip()):
        return False
    seen = {name.strip().lower() for name, colon, _ in names if colon}
    return len(seen & _KNOWN) >= 2 and bool(seen & _TELLING)


def _prefix(head: bytes) -> int:
    match = _PREFACE.match(head)
    return match.end() if match else 0


def read_file(stream: BinaryIO, least: int = 0) -> tuple[bytes, int]:
    """(headers with the first body bytes, `least` at least, attachments) of a file that is one message; the rest is passed through, not kept."""
    head = stream.read(max(_CHUNK, least))
    while len(head) < HEADER_LIMIT and not _END.search(head, max(0, _prefix(head) - 1)) and (more := stream.read(_CHUNK)):
        head += more
    match = _END.search(head, _prefix(head))
    if not match or b"multipart" not in head[: match.start()].lower():
        return head, 0
    attached, tail = len(_ATTACHED.findall(head, match.end())), _unfinished(head)
    while chunk := stream.read(_CHUNK):
        lines = tail + chunk
        attached += len(_ATTACHED.findall(lines))
        tail = _unfinished(lines)
    return head, attached


def _unfinished(lines: bytes) -> bytes:
    """The beginning of the last line, where it may yet become one that counts."""
    tail = lines[lines.rfind(b"\n") + 1 :][:256]
    return b"" if _ATTACHED.match(tail) else tail


def parse_message(head: bytes, options: Options, fallback: int | None = None) -> Parsed:
    """A message by its headers and first body bytes. `fallback`: the time its container gives (an mbox From_ line)."""
    headers, body, cut, count = _split(head)
    found = Parsed(headers=count, cut=cut)
    texts = {name: [text_of(raw, options.encoding) for raw in raws] for name, raws in headers.items()}
    _people(found, texts)
    _times(found, texts, options.now, fallback)
    type_ = " ".join(texts.get("content-type", [])[:1]).casefold()
    found.multipart = type_.startswith("multipart/")
    found.attached = " ".join(texts.get("content-disposition", [])[:1]).casefold().startswith("attachment")
    found.encrypted = _encrypted(type_, body)
    found.labels = " ".join(decoded(texts["x-gmail-labels"][0]).split()) if "x-gmail-labels" in texts else None
    identifier = _message_id(texts.get("message-id", []))
    found.content = _content(found, texts, body)
    found.key = identity.message_key(identifier, found.content)
    if options.secrets:
        found.secrets = secrets.look(head, options)
    found.reset = resets.reset_of(found.sender(), decoded(" ".join(texts.get("subject", []))))
    return found


def _split(head: bytes) -> tuple[Headers, bytes, bool, int]:
    """(wanted headers by lower-cased name, first body bytes, whether the headers do not end, how many header lines)."""
    if b"\n" not in head:
        head = head.replace(b"\r", b"\n")
    start = _prefix(head)
    match = _END.search(head, start)
    stop, after = (match.start(), match.end()) if match else (len(head), len(head))
    headers: Headers = {}
    count = 0
    for line in _FOLD.sub(b" ", head[start:stop]).splitlines():
        name, colon, value = line.partition(b":")
        name = name.rstrip()
        if not colon or not _NAME.match(name):
            continue
        count += 1
        lowered = name.decode("ascii").lower()
        if lowered in _WANTED:
            headers.setdefault(lowered, []).append(value.strip())
    return headers, head[after : after + BODY_BYTES], match is None and not head.endswith(b"\n"), count


def _people(found: Parsed, texts: dict[str, list[str]]) -> None:
    by_header: dict[str, list[Named]] = {}
    for name in ("from", "sender", *(header for header, _ in _ROLES)):
        if name in texts:
            by_header[name] = _addresses(found, texts[name])
    for header in ("from", "sender"):
        known = {address for _, address in found.senders}
        found.senders += [(header, address) for address, _ in by_header.get(header, []) if address not in known]
    pairs = [(role, address) for header, role in _ROLES for address, _ in by_header.get(header, [])]
    authors = {address for _, address in found.senders}
    found.recipients = [pair for pair in dict.fromkeys(pairs) if pair[0] != "reply-to" or pair[1] not in authors]
    found.names = [(address, name) for named in by_header.values() for address, name in named if name]
    for header, beside in _NAMES:
        if beside in texts:
            found.names += _beside(by_header.get(header, []), texts[beside])
    found.hops = [a for h in ("delivered-to", "envelope-to", "x-original-to") for text in texts.get(h, []) for a, _ in parse(text)[0]]
    found.lists = [a for h in ("list-post", "x-mailing-list") for text in texts.get(h, []) for a, _ in parse(text)[0]]


def _addresses(found: Parsed, values: list[str]) -> list[Named]:
    named: list[Named] = []
    for value in values:
        good, bad = parse(value)
        named += good
        found.unusable += bad
    return named


def _beside(named: list[Named], values: list[str]) -> list[tuple[str, str]]:
    """Names that exports keep in a header of their own (`X-From: Allen, Phillip K. </O=…>`), where it is clear whose they are."""
    text = " ".join(values)
    if "@" in text:
        known = {address for address, _ in named}
        return [(address, name) for address, name in parse(text)[0] if name and address in known]
    name = name_of(text.partition("<")[0])
    plain = text.count("<") == 1 or ("," not in text and "<" not in text)
    return [(named[0][0], name)] if name and plain and len(named) == 1 else []


def _times(found: Parsed, texts: dict[str, list[str]], now: int | None, fallback: int | None) -> None:
    hops = [value.rpartition(";")[2] for value in texts.get("received", []) if ";" in value]
    found.delivered = moment(hops[0], now) if hops else None
    found.sent, found.sent_basis = next((at for value in texts.get("date", []) if (at := moment(value, now)) is not None), None), "date"
    if found.sent is None:
        found.sent, found.sent_basis = min((at for hop in hops if (at := moment(hop, now)) is not None), default=None), "received"
    if found.sent is None:
        found.sent, found.sent_basis = fallback, "file" if fallback is not None else None


def moment(text: str, now: int | None) -> int | None:
    """Seconds of a date as mail writes it, or None when it is none, before 1990, or more than a day after the load."""
    try:
        given = text[:_DATE_LIMIT]
        parts = parsedate_tz(_JAPAN.sub("+0900", given, count=1) if "JST" in given else given)
        seconds = int(mktime_tz(parts)) if parts else dates.moment(given, now=now)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return seconds if dates.EARLIEST <= seconds <= (now + _DAY if now is not None else 4_102_444_800) else None


def _message_id(values: list[str]) -> str | None:
    for value in values:
        match = _BRACKETED.search(value)
        if text := "".join((match[1] if match else value).split()).strip("<>"):
            return text
    return None


def _content(found: Parsed, texts: dict[str, list[str]], body: bytes) -> str:
    """The hash that joins copies; of a multipart body the first part's text counts, since boundaries differ between copies."""
    date = str(found.sent) if found.sent_basis == "date" else " ".join(texts.get("date", []))
    if found.multipart and (match := _PART.search(body)):
        body = body[match.end() :]
    subject = decoded(" ".join(texts.get("subject", [])))
    return identity.content_hash(date, found.sender() or "", found.to_all(), subject, body.decode("latin-1"))


def _encrypted(type_: str, body: bytes) -> bool:
    if type_.startswith("multipart/encrypted") or body.lstrip().startswith(b"-----BEGIN PGP MESSAGE-----"):
        return True
    pkcs7 = type_.startswith(("application/pkcs7-mime", "application/x-pkcs7-mime"))
    return pkcs7 and not re.search(r"smime-type=\"?(signed-data|certs-only|compressed-data)", type_)
