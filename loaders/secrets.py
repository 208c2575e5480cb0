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
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any

from loaders.base import Options
from loaders.bodies import texts
from loaders.opens import Beside, beside

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
    r"(?:(?<![A-Za-z])(?<!one-time )(?<!one time )(?:pass ?word|passwort|kennwort|pass ?wd|pass ?code|pass ?phrase|pwd|pw|(?<!boarding )pass|pin(?: ?code)?|p/w)(?![A-Za-z])"
    r"|(?<!ワンタイム)パスワード|パス(?=[ \t]*[:=は])|パスフレーズ|パスコード|暗証番号|合言葉|密码|(?:ネットワーク|暗号化|セキュリティー?)キー"
    r"|(?<![A-Za-z])(?:wi-?fi|wlan|wpa2?|network security|network) (?:key|password)(?![A-Za-z]))"
)
_TOKEN = r"(?P<value>[!-~]{4,64})"  # noqa: S105 - a pattern
_ITS = r"(?:(?: for| to| of| on| at| in)[^\n:=]{1,50}?| ?\([^\n()]{1,30}\)|\s?[\[\]「」【】]){0,2}"
_STATED = re.compile(rf"{_WORD}[」】\]\"']?{_ITS}[ \t]*(?P<link>[:=]|→|⇒|->|=>)[ \t]*[「『\"'`]?{_TOKEN}", re.IGNORECASE)
_SAID = re.compile(
    rf"{_WORD}{_ITS}[ \t]*(?P<link>\b(?:is|was|remains|will be)(?: now| still)?:?|(?:\b(?:has been|have been|is|was|now) )?(?:(?:re)?set |changed |updated )?\bto\b:?| - |は、?|が、?|を)"
    rf"[ \t]*[「『\"'`]?{_TOKEN}",
    re.IGNORECASE,
)
_BESIDE = re.compile(rf"(?:(?<!ワンタイム)パスワード|PW)[ \t]*(?:[ \t【「『\[]){_TOKEN}", re.IGNORECASE)
_LINE = re.compile(rf"^[ \t|・*•>-]*{_WORD}(?:[ \t]*[\t|][ \t]*|[ \t]+){_TOKEN}[ \t|]*$", re.IGNORECASE | re.MULTILINE)
_BELOW = re.compile(rf"{_WORD}[^\n]{{0,60}}\n\s{{0,8}}(?:[「『\"'`>*・-] ?)?{_TOKEN}[」』\"'`]?[ \t]*(?:$|\n)", re.IGNORECASE)
_QUOTED = re.compile(rf"{_WORD}[^\n\"'「『。.:]{{0,20}}[「『\"'`](?P<value>[!-&(-~]{{4,64}})[」』\"'`]", re.IGNORECASE)
_NAMED = re.compile(rf"(?<![!-~])(?:[「『\"'`])?{_TOKEN}[」』\"'`]?[ \t]*(?:(?:is|as) (?:the|your|its|our) (?:\w+ )?|(?:が|を|は)(?:仮|初期|新しい)?){_WORD}", re.IGNORECASE)
# Words that follow the value: what stands between is any Japanese, but a number of another kind
_ENDED = re.compile(rf"{_WORD}[^\n。:]{{0,30}}?(?<![!-~]){_TOKEN}[」』]?[ \t]*(?:です|でお願い|でござい|になります|となります|にしました|に変更しました|に設定しました)", re.IGNORECASE)
_OTHER_NUMBER = re.compile(r"(?:受付|注文|会員|管理|整理|問い合わせ|電話)番号|番号は|期限|ポリシー|URL|型番|品番|メール|手順|画面|ユーザー?|アカウント|ID", re.IGNORECASE)
_ASIDE = re.compile(rf"(?<![A-Za-z])(?:password|pwd|pw|pass)[ \t]{_TOKEN}", re.IGNORECASE)
_PRODUCT = re.compile(r"^(?i:win(?:dows)?|office|ios|android|sha|md|aes|v)[-_ ]?\d|^\d+(?:st|nd|rd|th|x)\b|^[A-Z]+-?\d+$")
_SPELT = re.compile(r"(?:合言葉|パスワード|パス|パスフレーズ)は[^\n「。]{0,10}「(?P<value>[^\s「」!-~]{2,20}\d{2,8})」")
_RULED = re.compile(r"文字|桁|半角|全角|英|数字|記号|種類|回|日")
_MARKED = re.compile(r"<(?:\w*(?:password|passwd|pwd|passphrase|keyMaterial))>\s*(?P<value>[^<>\s]{4,64})\s*</|\bcpassword=\"(?P<policy>[^\"]{8,200})\"|\bWIFI:[^\n]{0,80}?;P:(?P<wifi>[^;\n]{4,64});", re.IGNORECASE)
_COLUMNS = re.compile(r"[ \t]*\|[ \t]*|\t+|[ ]{2,}|,|;")
_HEAD = re.compile(rf"^[ \t\"']*(?:[^\n\t|,;:]{{0,20}} )?{_WORD}[ \t\"']*$", re.IGNORECASE)
_ROWS = 200
_KEY_WORD = (
    r"(?:api[ _-]?(?:key|token|secret)|(?:access|auth|bearer|secret|service)[ _-]?(?:key|token)|client[ _-]?secret|webhook[ _-]?secret"
    r"|(?:API|アクセス|シークレット|認証)[ ]?(?:キー|トークン)|クライアントシークレット)"
)
_KEYED = re.compile(rf"{_KEY_WORD}[^\n:=は]{{0,30}}?[ \t]*(?:[:=]|は|\bis\b:?)\s*[「\"'`]?(?P<value>[A-Za-z0-9+/=_.~-]{{16,200}})", re.IGNORECASE)
_KEY_FOR = re.compile(
    r"(?<!public )(?<!host )(?<!product )(?<!licen[sc]e )(?<!primary )(?<!message )(?:\b(?:key|token) (?:for|to|of)\b[^\n:=]{1,40}|(?<!ワンタイム)(?:トークン|秘密キー)[ \t]*)[:=]\s*"
    r"[「\"'`]?(?P<value>[A-Za-z0-9+/=_.~-]{16,200})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
# What the usual services begin their keys with, where detect-secrets does not know them.
_SERVICES = re.compile(
    r"(?<![A-Za-z0-9_/-])(?P<value>AIza[\w-]{35}|GOCSPX-[\w-]{20,40}|ya29\.[\w.-]{20,400}|github_pat_\w{22,255}|sk-(?:ant|proj|svcacct)-[\w-]{20,250}|hf_[A-Za-z]{30,40}"
    r"|dop_v1_[0-9a-f]{64}|shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}|xapp-\d-\w+-\d+-\w{20,90}|xox[abeprs]-[\w-]{20,250}|dckr_pat_[\w-]{20,40}|ATATT3[\w=-]{50,300}|rk_live_\w{20,100}"
    r"|(?:glrt|gldt|glptt)-[\w-]{20,60}|lin_api_\w{30,60}|figd_[\w-]{30,60}|NRAK-[A-Z0-9]{27}|secret_[A-Za-z0-9]{43})(?![A-Za-z0-9])"
    r"|https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/(?P<hook>[\w/-]{20,200})|AccountKey=(?P<account>[A-Za-z0-9+/]{40,90}={1,2})"
    r"|SharedAccessKey=(?P<shared>[A-Za-z0-9+/]{40,60}=)"
)
_BEARER = re.compile(r"Authorization:\s*(?:Bearer|Token|Basic)\s+(?P<value>[A-Za-z0-9+/=_.~-]{16,2000})", re.IGNORECASE)
_SHARED = re.compile(
    r"(?:pre-?shared[ _-]?(?:key|secret)|\bshared[ _-](?:secret|key)|(?:ipsec|l2tp|vpn)[ _-]?(?:shared )?(?:secret|psk|key)|\bipsec\b[^\n:=]{0,20}\b(?:secret|key)|\bpsk\b"
    r"|事前共有(?:キー|鍵)|共有(?:シークレット|鍵|キー)|\b(?:enc_)?GroupPwd)"
    rf"[^\n:=は]{{0,40}}?[ \t]*(?P<link>[:=]|は|\bis\b:?)[ \t]*[「\"'`]?{_TOKEN}",
    re.IGNORECASE,
)
_SHARED_MARKS = re.compile(
    r"<(?:pre_?shared_?key|sharedsecret|psk|groupsecret)>\s*(?P<value>[^<>\s]{4,200})\s*</|<key>SharedSecret</key>\s*<(?:data|string)>\s*(?P<apple>[^<>\s]{4,200})\s*<"
    r"|:[ \t]*PSK[ \t]+\"(?P<swan>[^\"\n]{4,64})\"|^[ \t]*crypto isakmp key (?:\d )?(?P<isakmp>\S{4,64}) address",
    re.IGNORECASE | re.MULTILINE,
)
_PEM = re.compile(
    r"-----?[ ]?BEGIN ((?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?)[ ]?-----?(?P<value>(?:(?!-----?[ ]?(?:BEGIN|END) ).){20,16000}?)(?:-----?[ ]?END |\Z)", re.DOTALL
)
_XML_KEY = re.compile(r"<RSAKeyValue>[^\0]{0,3000}?<D>\s*(?P<value>[A-Za-z0-9+/=\s]{20,1000})</D>|(?P<age>AGE-SECRET-KEY-1[A-Z0-9]{58})")
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
_NEXT_SETTING = re.compile(r";(?=[A-Za-z][\w .-]{1,30}=)|(?<=.{4})</")
_SENTENCE = re.compile(r"^[ \t]+[A-Za-z]{2,}")
_NO_VALUES = frozenset(
    "required optional expired expires invalid incorrect wrong none null unknown hidden omitted redacted removed attached below above separate "  # noqa: SIM905
    "separately same changed unchanged reset sent will your please the this that see tbd n/a na yes no not must should enter type "
    "confirm forgot forgotten protected secret password passwort username user here new old policy manager minimum least disabled enabled "
    "following as-is confidential somewhere via email phone sms text string true false default blank empty".split()
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A credential: its kind (one of KINDS), fingerprint and place (`body, line 3`); what the text says that it opens."""

    kind: str
    fingerprint: str
    place: str
    beside: Beside = field(default_factory=Beside)

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
        hits = list(_hits(clean))
        for kind, at, value in hits:
            said = beside(kind, clean, at, len(value), (start for _, start, other in hits if other != value))
            if (known := seen.get(value)) is None:
                where = f"{place}, line {clean.count(chr(10), 0, at) + 1:,}"
                seen[value] = Found(kind, fingerprint(value, options.salt), where, said)
            elif more := tuple(opening for opening in said.opens if opening not in known.beside.opens):  # one password for several things
                seen[value] = replace(known, beside=Beside(known.beside.opens + more, known.beside.several))
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
    patterns = [(VPN, _WIREGUARD), (VPN, _STATIC), (VPN, _SHARED_MARKS), (PRIVATE_KEY, _PEM), (PRIVATE_KEY, _XML_KEY), (API_KEY, _SERVICES), (PASSWORD, _MARKED)]
    patterns += [(VPN, _OPENVPN)] if _REMOTE.search(text) else []
    patterns += [(PRIVATE_KEY, _PUTTY)] if "PuTTY-User-Key-File-" in text else []
    for kind, pattern in patterns:
        for match in pattern.finditer(text):
            group = match.lastgroup or "value"
            if not _MASKED.match(match[group]):
                yield kind, match.start(group), match[group]


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
    for match in (*_KEYED.finditer(text), *_KEY_FOR.finditer(text), *_BEARER.finditer(text)):
        value = match["value"].rstrip(_TRAILING)
        if len(value) >= 16 and re.search(r"\d", value) and re.search(r"[A-Za-z]", value) and not _MASKED.match(value) and not _ADDRESS.search(value):
            yield API_KEY, match.start("value"), value


def _shared(text: str) -> Iterator[Hit]:
    for match in _SHARED.finditer(text):
        if value := _value(match, text, stated=match["link"] in ":="):
            yield VPN, match.start("value"), value


def _passwords(text: str) -> Iterator[Hit]:
    for pattern, stated in ((_STATED, True), (_SAID, False), (_BESIDE, False), (_LINE, False), (_QUOTED, False), (_NAMED, False), (_BELOW, False)):
        for match in pattern.finditer(text):
            if value := _value(match, text, stated):
                yield PASSWORD, match.start("value"), value


def _in_sentences(text: str) -> Iterator[Hit]:
    """Values that only their look and the end of their sentence tell."""
    for match in _ENDED.finditer(text):
        between = text[match.start() : match.start("value")]
        if not _OTHER_NUMBER.search(between) and (value := _value(match, text, False)) and re.search(r"[A-Za-z]", value):
            yield PASSWORD, match.start("value"), value
    for match in _ASIDE.finditer(text):
        value = _value(match, text, False)
        if value and len(value) >= 6 and re.search(r"[a-z]", value) and re.search(r"\d", value) and re.search(r"[A-Z]|[^A-Za-z0-9]", value) and not _PRODUCT.match(value):
            yield PASSWORD, match.start("value"), value
    for match in _SPELT.finditer(text):
        if not _RULED.search(match["value"]):
            yield PASSWORD, match.start("value"), match["value"]


def _tables(text: str) -> Iterator[Hit]:
    """The cells below a heading for passwords, where a table is drawn with bars, tabs, commas or wide gaps."""
    lines, at = text.split("\n"), 0
    column, width, left = -1, 0, 0
    for line in lines:
        cells = _cells(line)
        heads = [n for n, (_, cell) in enumerate(cells) if _HEAD.match(cell)]
        if len(cells) > 1 and len(heads) == 1 and not any(re.search(r"\d", cell) for _, cell in cells):
            column, width, left = heads[0], len(cells), _ROWS
        elif left and len(cells) == width:
            left -= 1
            start, cell = cells[column]
            value = cell.strip("\"' ")
            if " " not in value and not _refused(value) and _looks_chosen(value):
                yield PASSWORD, at + start + cell.find(value), value
        elif line.strip():
            left = 0
        at += len(line) + 1


def _cells(line: str) -> list[tuple[int, str]]:
    """(where it begins, text) of each cell of a line."""
    inner = line.strip(" \t|")
    start = line.find(inner)
    found = []
    if len(line) < 2000:
        for gap in _COLUMNS.finditer(line, start, start + len(inner)):
            found.append((start, line[start : gap.start()]))
            start = gap.end()
    return [*found, (start, line[start : line.find(inner) + len(inner)])]


def _refused(value: str) -> bool:
    return len(value) < 4 or bool(_MASKED.match(value) or _ADDRESS.search(value)) or value.casefold() in _NO_VALUES


def _value(match: re.Match[str], text: str, stated: bool) -> str | None:
    """The value that was found, when it can be one: after a colon any odd word will do, else it has to look chosen."""
    value = match["value"]
    before = text[max(0, match.start("value") - 1) : match.start("value")]
    if before and before in "\"'`" and before in value:
        value = value[: value.index(before)]
    value = _NEXT_SETTING.split(value, maxsplit=1)[0].rstrip(_TRAILING)
    if _refused(value):
        return None
    if not _PLAIN_WORD.match(value):
        return value if _looks_chosen(value) or (stated and any(char.isdigit() for char in value)) else None
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


_RULES: tuple[Callable[[str], Iterator[Hit]], ...] = (_blocks, _tokens, _shared, _recovery, _keyed, _tables, _passwords, _in_sentences)


@cache
def _detectors() -> tuple[tuple[str, Any], ...]:
    """detect-secrets' detectors with the kind of what they find; asked for patterns alone, they reach for no network."""
    found = []
    for name in _DETECTORS:
        module, _, class_ = name.partition(".")
        found.append((PASSWORD if module == "basic_auth" else API_KEY, getattr(import_module(f"detect_secrets.plugins.{module}"), class_)()))
    return tuple(found)
