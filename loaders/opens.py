"""What a credential in a text opens, where the very text says so beside it: a server, a service, or the account of an address.

    beside("password", text, at=40, length=9, others=[120])

Beside is its paragraph, eight lines up and down at most; where that holds another credential too, its own line. Nothing is guessed: two servers
there, or two addresses, and nothing is stated. A bare user name (`admin`) names no account that is known elsewhere, so it is passed over, and
what opens a file, a meeting or a wireless network opens nothing that is kept here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from graphmodel import identity

_LINES, _CHARS = 8, 1500
_HOST = r"(?:tcp:)?(?P<host>[A-Za-z0-9_][\w.-]{1,252})"
_SERVER = re.compile(
    r"(?<![\w@.-])(?:(?:(?:ftp|ssh|rdp|sftp|file|db|database|mail|vpn|web|jump|remote)[ -]?)?(?:server|host(?:[ -]?name)?|machine|computer)(?: name| address)?|data source"
    rf"|[\w]{{0,12}}サーバー?(?:名|アドレス)?|ホスト名?|接続先(?:サーバー?)?)[ \t]*(?:[:=は|\t]|\bis\b)[ \t]*{_HOST}(?![\w@/-])",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b(?:ssh|s?ftps?|rdp|smb|postgres(?:ql)?|mysql|mariadb|mssql|mongodb(?:\+srv)?|redis|ldaps?|amqps?)://(?:[^\s/]*@)?(?P<host>[\w.-]+)", re.IGNORECASE)
_SHARE = re.compile(r"(?<!\\)\\\\(?P<host>[\w.-]+)\\")
_SHELL = re.compile(r"\b(?:ssh|scp|sftp)[ \t]+(?:-\w[ \t]+\S+[ \t]+)*[\w.-]+@(?P<host>[\w.-]+)")
_WEB = re.compile(r"https?://(?:[^\s/@]*@)?(?P<host>[A-Za-z0-9][\w.-]*)", re.IGNORECASE)
_REMOTE = re.compile(r"^[ \t]*(?:remote[ \t]+|Endpoint[ \t]*=[ \t]*)(?P<host>[A-Za-z0-9][\w.-]*)", re.MULTILINE)
_ADDRESS = r"(?P<address>[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)"
_USER = re.compile(
    r"(?<![\w@.-])(?:user(?:[ -]?(?:name|id))?|log-?in(?:[ -]?(?:name|id))?|upn|account|id|e-?mail(?: address)?|ユーザー?(?:名|ID)?|アカウント名?|ログイン(?:ID|名)?|メールアドレス)"
    rf"(?:[ ]?/[ ]?\w{{1,12}})?[ \t]*(?:[:=は|\t]|\bis\b)[ \t]*{_ADDRESS}",
    re.IGNORECASE,
)
_CELL = re.compile(rf"(?:^|[|\t])[ \t]*{_ADDRESS}[ \t]*(?=[|\t])", re.MULTILINE)
_HOST_CELL = re.compile(r"(?:^|[|\t])[ \t]*(?P<host>[A-Za-z0-9][\w-]*(?:\.[\w-]+)*\.[A-Za-z]{2,})[ \t]*(?=[|\t])", re.MULTILINE)
_NOT_HERE = re.compile(
    r"\b(?:zip|7z|pdf|excel|xlsx?|docx?|spreadsheet|workbook|attach\w*|download|meeting|webinar|zoom|webex|wi-?fi|ssid|file(?![ -]?server))\b"
    r"|解凍|添付|エクセル|ファイル(?!サーバ)|ダウンロード|会議|ミーティング|無線",
    re.IGNORECASE,
)


class Opening(NamedTuple):
    """What is opened: label (Account, Server, Service), key and name of its node, and why that is thought."""

    label: str
    key: str
    name: str
    basis: str


class Beside(NamedTuple):
    """What stands beside a credential; `several`: more than one could be meant, so `opens` lacks it."""

    opens: tuple[Opening, ...] = ()
    several: bool = False


def beside(kind: str, text: str, at: int, length: int, others: Iterable[int]) -> Beside:
    """What the text says that the credential of this kind at this place opens; `others`: where further credentials stand."""
    if kind in ("private key", "recovery code"):
        return Beside()
    hidden = text[:at] + "x" * length + text[at + length :] if length < _CHARS else text
    profile = _hosts([_REMOTE], text) if kind == "vpn profile" else []
    if profile:
        places = [Opening("Service", f"service:vpn/{host}", host, "server of the VPN profile") for host in profile]
        return Beside(tuple(places)) if len(places) == 1 else Beside(several=True)
    start, end = _paragraph(hidden, at, at + length)
    wide = _said(hidden[start:end])
    if not any(start <= other < end for other in others):
        return wide
    start, end = _line(hidden, at, at + length)
    if any(start <= other < end for other in others):
        return Beside(several=bool(wide.opens) or wide.several)
    narrow = _said(hidden[start:end])
    return narrow if narrow.opens else Beside(several=bool(wide.opens) or wide.several)


def _said(block: str) -> Beside:
    if _NOT_HERE.search(block):
        return Beside()
    servers = _hosts([_SERVER, _SCHEME, _SHARE, _SHELL, _HOST_CELL], block)
    sites = [host.removeprefix("www.") for host in _hosts([_WEB], block) if host not in servers]
    users = list(dict.fromkeys(address for pattern in (_USER, _CELL) for match in pattern.finditer(block) if (address := identity.address(match["address"]))))
    places = [Opening("Server", identity.host_key(host), host, "server named beside it") for host in servers]
    places += [Opening("Service", f"service:saas/{host}", host, "link beside it") for host in dict.fromkeys(sites)]
    if len(places) > 1:
        return Beside(several=True)
    if len(users) == 1 and _is_of(users[0], [place.name for place in places]):
        places.append(Opening("Account", identity.account_key(users[0]), users[0], "user name beside it"))
    return Beside(tuple(places), len(users) > 1)


def _is_of(address: str, hosts: Sequence[str]) -> bool:
    """Whether the password of an account that is called so is the address's own: elsewhere an address is but a name to sign up with."""
    return not hosts or identity.registrable(identity.domain_of(address)) == identity.registrable(hosts[0])


def _hosts(patterns: Sequence[re.Pattern[str]], text: str) -> list[str]:
    """Host names in order, each once: no numbers, and no plain word that may be anything ("server: down")."""
    found = [identity.host(match["host"].rstrip(".-_")) for pattern in patterns for match in pattern.finditer(text)]
    return list(dict.fromkeys(host for host in found if host and re.search(r"[a-z]", host) and re.search(r"[.\d-]", host)))


def _line(text: str, start: int, end: int) -> tuple[int, int]:
    stop = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if stop < 0 else stop


def _paragraph(text: str, start: int, end: int) -> tuple[int, int]:
    """The lines around that no blank one parts from it."""
    start, end = _line(text, start, end)
    for _ in range(_LINES):
        above = _line(text, start - 1, start - 1) if start else (0, 0)
        if not text[above[0] : above[1]].strip() or end - above[0] > _CHARS:
            break
        start = above[0]
    for _ in range(_LINES):
        below = _line(text, end + 1, end + 1) if end < len(text) else (end, end)
        if not text[below[0] : below[1]].strip() or below[1] - start > _CHARS:
            break
        end = below[1]
    return start, end
