"""Credentials in the text of messages (steps.md S10): of each its kind, a fingerprint and where it stands, never the value.

    look(raw, options)                        # a message in MIME, first megabyte
    look_in([("body", text)], options)        # texts that are already plain

detect-secrets knows the tokens of many services; the rules here know how people write credentials to one another in Japanese and English.
The fingerprint is a salted and slow hash, cut short: with the case's own salt no table of known passwords helps, yet the same value in two
messages is one Secret. Whoever holds the case can still test a guess against it: such a case is to be kept like the mail itself.

One-time codes are not taken: they are void within minutes. docs/secrets.md says how much of a labelled set is found.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from loaders.base import Options
from loaders.bodies import texts

PASSWORD, API_KEY, PRIVATE_KEY, VPN, RECOVERY = KINDS = ("password", "api key", "private key", "vpn profile", "recovery code")

_ROUNDS = 10_000
_MOST = 50
"""Credentials that are taken of one message: more are a list of something else."""
_PIECE, _OVERLAP = 4096, 256
_HITS = 500
"""And how often, the same ones counted again."""

# Detectors whose false alarms in mail are few; those that go by entropy or by the names of variables are for source code.
_DETECTORS = (
    "aws.AWSKeyDetector", "azure_storage_key.AzureStorageKeyDetector", "basic_auth.BasicAuthDetector", "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector", "gitlab_token.GitLabTokenDetector", "mailchimp.MailchimpDetector", "npm.NpmDetector",
    "openai.OpenAIDetector", "pypi_token.PypiTokenDetector", "sendgrid.SendGridDetector", "slack.SlackDetector",
    "square_oauth.SquareOAuthDetector", "stripe.StripeDetector", "telegram_token.TelegramBotTokenDetector", "twilio.TwilioKeyDetector",
)  # fmt: skip

_WORD = (
    r"(?:(?<![A-Za-z])(?<!one-time )(?<!one time )(?:pass ?word|passwort|pass ?wd|pass ?code|pass ?phrase|pwd|pw|(?<!boarding )pass|pin(?: ?code)?|p/w)(?![A-Za-z])"
    r"|(?<!ワンタイム)パスワード|パス(?=[ \t]*[:=])|パスフレーズ|パスコード|暗証番号|合言葉|密码)"
)
_TOKEN = r"(?P<value>[!-~]{4,64})"  # noqa: S105 - a pattern
_ITS = r"(?:(?: for| to| of)[^\n:=]{1,50}?| ?\([^\n()]{1,30}\)|\s?[\[\]「」【】]){0,2}"
_STATED = re.compile(rf"{_WORD}[」】\]]?{_ITS}[ \t]*(?P<link>[:=]|→|⇒|->|=>)[ \t]*[「『\"'`]?{_TOKEN}", re.IGNORECASE)
_SAID = re.compile(rf"{_WORD}{_ITS}[ \t]*(?P<link>\bis(?: now)?:?|\bto\b:?|は、?|が、?|を)[ \t]*[「『\"'`]?{_TOKEN}", re.IGNORECASE)
_BESIDE = re.compile(rf"(?:(?<!ワンタイム)パスワード|PW)[ \t]*(?:[ \t【「『\[]){_TOKEN}", re.IGNORECASE)
_BELOW = re.compile(rf"{_WORD}[^\n]{{0,60}}\n\s{{0,8}}(?:[「『\"'`>*・-] ?)?{_TOKEN}[」』\"'`]?[ \t]*(?:$|\n)", re.IGNORECASE)
_KEY_WORD = (
    r"(?:api[ _-]?(?:key|token|secret)|(?:access|auth|bearer|secret|service)[ _-]?(?:key|token)|client[ _-]?secret|webhook[ _-]?secret"
    r"|(?:API|アクセス|シークレット|認証)[ ]?(?:キー|トークン)|クライアントシークレット)"
)
_KEYED = re.compile(rf"{_KEY_WORD}[^\n:=は]{{0,30}}?[ \t]*(?:[:=]|は|\bis\b:?)\s*[「\"'`]?(?P<value>[A-Za-z0-9+/=_.~-]{{16,200}})", re.IGNORECASE)
_BEARER = re.compile(r"Authorization:\s*(?:Bearer|Token|Basic)\s+(?P<value>[A-Za-z0-9+/=_.~-]{16,2000})", re.IGNORECASE)
_SHARED = re.compile(
    r"(?:pre-?shared[ _-]?(?:key|secret)|(?:ipsec|l2tp|vpn)[ _-]?(?:shared )?(?:secret|psk|key)|\bpsk\b|事前共有(?:キー|鍵)|共有(?:シークレット|鍵))"
    rf"[^\n:=は]{{0,20}}?[ \t]*(?P<link>[:=]|は|\bis\b:?)[ \t]*[「\"'`]?{_TOKEN}",
    re.IGNORECASE,
)
_PEM = re.compile(r"-----BEGIN ((?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?)-----(?P<value>[^-]{20,}?)(?:-----END|\Z)", re.DOTALL)
_PUTTY = re.compile(r"Private-Lines: ?\d+\s(?P<value>[A-Za-z0-9+/=\s]{20,8000})")
_WIREGUARD = re.compile(r"\[Interface\][^\[]{0,500}?PrivateKey\s*=\s*(?P<value>[A-Za-z0-9+/]{42,43}=)", re.DOTALL)
_OPENVPN = re.compile(r"<(?:key|tls-auth|tls-crypt|auth-user-pass)>(?P<value>[^<]{20,8000})</")
_REMOTE = re.compile(r"^[ \t]*remote[ \t]+\S{1,253}[ \t]+\d", re.MULTILINE)
_STATIC = re.compile(r"-----BEGIN OpenVPN Static key V1-----(?P<value>[^-]{20,}?)(?:-----END|\Z)", re.DOTALL)
_CODES = re.compile(
    r"(?:recovery|backup|rescue|emergency|scratch)[ -]?(?:codes?|keys?)|(?:リカバリー?|バックアップ|回復|復旧|復元|予備)(?:用)?[ ・]?(?:コード|キー)", re.IGNORECASE
)
_CODE = re.compile(
    r"(?<![\w-])(?:\d{6}(?:-\d{6}){7}|[a-z0-9]{4,6}-[a-z0-9]{4,6}(?:-[a-z0-9]{4,6}){0,6}|\d{4} \d{4}|\d{8}|(?=[a-z]*\d)[a-z0-9]{10,16})(?![\w-])", re.IGNORECASE
)
_AFTER = 400
_CALENDAR = re.compile(r"(?:19|20)\d\d-?[01]\d-?[0-3]\d$|0\d{1,4}-\d{1,4}-\d{3,4}$|\d{3,4}-\d{4}$")

_TRAILING = ".,;:!?)]}>」』\"'`"
_MASKED = re.compile(r"^(?:(.)\1*|[*•x_.-]+|<[^<>]*|\[[^\[\]]*|\{+[^{}]*|\$\{?\w.*|%\w+%?)$", re.IGNORECASE)
_ADDRESS = re.compile(r"^(?:[a-z]+://|www\.|mailto:)|^[^@\s]+@[^@\s]+\.[a-z]{2,}$|^[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|jp|html?|aspx?|php|pdf|zip|docx?|xlsx?)$", re.IGNORECASE)
_PLAIN_WORD = re.compile(r"^[A-Za-z]+(?:[-'’/][A-Za-z]+)*$")
_SENTENCE = re.compile(r"^[ \t]+[A-Za-z]{2,}")
_NO_VALUES = frozenset(
    "required optional expired expires invalid incorrect wrong none null unknown hidden omitted redacted removed attached below above separate "  # noqa: SIM905
    "separately same changed unchanged reset sent will your please the this that see tbd n/a na yes no not must should enter type "
    "confirm forgot forgotten protected secret password passwort username user here new old policy manager minimum least disabled enabled "
    "following as-is confidential somewhere via email phone sms text string true false default blank empty".split()
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A credential: its kind (one of KINDS), fingerprint and place (`body, line 3`)."""

    kind: str
    fingerprint: str
    place: str

    @property
    def key(self) -> str:
        """Key of its Secret."""
        return f"secret:{self.fingerprint}"


Hit = tuple[str, int, str]
"""(kind, position, value): never leaves this module."""


def look(raw: bytes, options: Options) -> list[Found]:
    """The credentials in a message's texts, headers left out."""
    return look_in(texts(raw), options)


def look_in(found: Iterable[tuple[str, str]], options: Options) -> list[Found]:
    """The credentials in (place, text) pairs, each value once."""
    seen: dict[str, Found] = {}
    for place, text in found:
        clean = unicodedata.normalize("NFKC", text)
        for kind, at, value in _hits(clean):
            if value not in seen:
                seen[value] = Found(kind, fingerprint(value, options.salt), f"{place}, line {clean.count(chr(10), 0, at) + 1:,}")
            if len(seen) >= _MOST:
                return list(seen.values())
    return list(seen.values())


def fingerprint(value: str, salt: str) -> str:
    """What stands for a value: 96 bits of a slow, salted hash."""
    return hashlib.pbkdf2_hmac("sha256", value.encode("utf-8", "surrogatepass"), f"hakyu:{salt}".encode(), _ROUNDS).hex()[:24]


def _hits(text: str) -> Iterator[Hit]:
    """Credentials of a text, the most telling rule first; a value within one that was taken is not taken again."""
    taken: list[tuple[int, int]] = []
    for rule in _RULES:
        for kind, start, value in rule(text):
            end = start + len(value)
            if not any(start < until and at < end for at, until in taken):
                taken.append((start, end))
                yield kind, start, value
            if len(taken) >= _HITS:
                return


def _blocks(text: str) -> Iterator[Hit]:
    """Keys and profiles that stand as a whole."""
    patterns = [(VPN, _WIREGUARD), (VPN, _STATIC), (PRIVATE_KEY, _PEM)]
    patterns += [(VPN, _OPENVPN)] if _REMOTE.search(text) else []
    patterns += [(PRIVATE_KEY, _PUTTY)] if "PuTTY-User-Key-File-" in text else []
    for kind, pattern in patterns:
        for match in pattern.finditer(text):
            yield kind, match.start("value"), match["value"]


def _tokens(text: str) -> Iterator[Hit]:
    """What detect-secrets knows; not within a link, unless that says user and password."""
    for start in range(0, len(text), _PIECE - _OVERLAP):
        piece = text[start : start + _PIECE]  # some of the detectors' patterns take time that grows with the square of the length
        for kind, detector in _detectors():
            for value in sorted({str(value) for value in detector.analyze_string(piece)}):
                at = piece.find(value)
                word = piece[max(piece.rfind(gap, 0, at) for gap in " \n\t\"'<(") + 1 : at]
                if at >= 0 and (kind == PASSWORD or "://" not in word) and not _MASKED.match(value):
                    yield kind, start + at, value


def _recovery(text: str) -> Iterator[Hit]:
    """A set of codes after a word for them, as one credential."""
    for match in _CODES.finditer(text):
        codes = [code for code in _CODE.finditer(text, match.end(), match.end() + _AFTER) if _is_code(code[0])]
        if codes:
            start, end = codes[0].start(), codes[-1].end()
            yield RECOVERY, start, text[start:end]


def _is_code(code: str) -> bool:
    digits = sum(char.isdigit() for char in code)
    return digits >= 2 and not _CALENDAR.match(code)


def _keyed(text: str) -> Iterator[Hit]:
    for match in (*_KEYED.finditer(text), *_BEARER.finditer(text)):
        value = match["value"].rstrip(_TRAILING)
        if len(value) >= 16 and re.search(r"\d", value) and re.search(r"[A-Za-z]", value) and not _MASKED.match(value) and not _ADDRESS.search(value):
            yield API_KEY, match.start("value"), value


def _shared(text: str) -> Iterator[Hit]:
    for match in _SHARED.finditer(text):
        if value := _value(match, text, stated=match["link"] in ":="):
            yield VPN, match.start("value"), value


def _passwords(text: str) -> Iterator[Hit]:
    for pattern, stated in ((_STATED, True), (_SAID, False), (_BESIDE, False), (_BELOW, False)):
        for match in pattern.finditer(text):
            if value := _value(match, text, stated):
                yield PASSWORD, match.start("value"), value


def _value(match: re.Match[str], text: str, stated: bool) -> str | None:
    """The value that was found, when it can be one: after a colon any odd word will do, else it has to look chosen."""
    value = match["value"].rstrip(_TRAILING)
    if len(value) < 4 or _MASKED.match(value) or _ADDRESS.search(value) or value.casefold() in _NO_VALUES:
        return None
    if not _PLAIN_WORD.match(value):
        return value if _looks_chosen(value) or (stated and len(value) >= 4 and any(char.isdigit() for char in value)) else None
    if not stated:
        return value if _looks_chosen(value) else None
    alone = not _SENTENCE.match(text[match.end() :])
    return value if alone and len(value) >= 5 else None


def _looks_chosen(value: str) -> bool:
    """Whether a word looks made up to be guessed by nobody: letters with digits or signs, or capitals within."""
    letters, digits = sum(char.isalpha() for char in value), sum(char.isdigit() for char in value)
    signs = len(value) - letters - digits
    if digits and letters:
        return True
    if signs and letters and not _PLAIN_WORD.match(value):
        return value[-1] in "!#$%&@*+" or any(char in "!#$%&@*+=_^~" for char in value)
    return bool(re.search(r"[a-z][A-Z]", value)) or (digits >= 4 and not letters)


_RULES: tuple[Callable[[str], Iterator[Hit]], ...] = (_blocks, _tokens, _shared, _recovery, _keyed, _passwords)


@cache
def _detectors() -> tuple[tuple[str, Any], ...]:
    """detect-secrets' detectors with the kind of what they find; asked for patterns alone, they reach for no network."""
    found = []
    for name in _DETECTORS:
        module, _, class_ = name.partition(".")
        found.append((PASSWORD if module == "basic_auth" else API_KEY, getattr(import_module(f"detect_secrets.plugins.{module}"), class_)()))
    return tuple(found)
