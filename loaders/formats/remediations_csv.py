r"""remediations.csv, our own minimal table of what was done against the attacker (formats.md 13).

Claims `target` and `what`: target, what (reset | revoke | disable | remove | reimage | rotate; `password reset`, `revoked`, `wiped` and the
like too, and several: `password reset and sessions revoked`), at, by; or such columns under the names that incident teams use (account,
action, time; 対象, 対応, 日時), where most of the first rows say what was done. Target: an address or user principal name, a SID, an object
id, `DOMAIN\name`, a host, or a key as hakyu shows it (`mailbox:…`, `rule:…`, `app:…`, `secret:…`, `group:…`); several by `;`.

Yields Remediation, and REMEDIATES what the target names: Account, or Server where what is reimage or the target is a host.

Traps: a row without a time ends nothing and is refused; day and month are never guessed. An address means the account that signs in with it,
not its mailbox: what the mailbox's own rules, delegates and applications hold goes on until they are named themselves. A name without a
domain is taken as an account, and as a server only for reimage.
"""

from __future__ import annotations

import re

from graphmodel import identity
from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.encodings import head_text
from loaders.reading import Row, Table, header_of
from loaders.recipients import Node, Recipients

NAME = "remediations_csv"
TITLE = "remediations.csv (hakyu's own, and lists like it)"
PRIORITY = "must"
SEEN = "not yet seen in the wild"
READS = "what was reset, revoked, disabled, removed, reimaged or rotated, and when"

_WORDS = {
    "reset": "reset", "password reset": "reset", "password changed": "reset", "password change": "reset",
    "revoke": "revoke", "revoked": "revoke", "sessions revoked": "revoke", "session revoked": "revoke", "tokens revoked": "revoke",
    "disable": "disable", "disabled": "disable", "blocked": "disable", "locked": "disable", "block": "disable",
    "remove": "remove", "removed": "remove", "delete": "remove", "deleted": "remove",
    "reimage": "reimage", "reimaged": "reimage", "rebuilt": "reimage", "reinstalled": "reimage", "wiped": "reimage", "replaced": "reimage",
    "rotate": "rotate", "rotated": "rotate", "renewed": "rotate",
}  # fmt: skip
# What else people write, by a part of it; the first that fits.
_PARTS = (
    ("reset", r"(password|passphrase|credentials?)\b.*\b(reset|chang|set)|\b(reset|chang)\w* .*password|パスワード.*(リセット|変更|再設定|初期化)"),
    ("reimage", r"re-?imag|re-?build|rebuilt|re-?install|\bwipe|再構築|初期化|再インストール"), ("revoke", r"revok|sign(ed)? ?out|invalidat|失効|取り消し"),
    ("rotate", r"rotat|renew|ローテーション"), ("reset", r"\breset|リセット"), ("disable", r"disabl|block|suspend|\block|deactivat|無効|停止|凍結|ロック"),
    ("remove", r"remov|delet|削除"),
)  # fmt: skip
_UNDONE = re.compile(r"\b(un-?(lock|block|suspend)|re-?enabl|not|no|to ?do|planned|pending|will|request)|未|予定|解除|依頼|再開")
"""What takes a measure back, or was not done yet."""
_AND = re.compile(r"\s*(?:[,;+&/、・]|\band\b|および|及び)\s*")
_TARGETS = ("target", "account", "user", "username", "userprincipalname", "upn", "host", "hostname", "asset", "server", "対象", "アカウント", "ユーザー", "ホスト")
_ACTS = ("what", "action", "remediation", "done", "measure", "対応", "対処", "処置", "作業内容")
_WHEN = ("at", "time", "when", "date", "datetime", "timestamp", "done at", "completed", "completed at", "日時", "実施日時", "対応日時", "実施日")
_BY = ("by", "who", "operator", "analyst", "実施者", "担当者", "担当")
_WIDEST, _SHOWN = 8, 20
_LABELS = {
    "upn": "Account", "entra": "Account", "account": "Account", "mailbox": "Mailbox", "host": "Server", "app": "App", "secret": "Secret",
    "rule": "Rule", "group": "Group", "role": "Role", "service": "Service",
}  # fmt: skip
_GUID = re.compile(r"^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$", re.IGNORECASE)


def detect(source: Source) -> Claim | None:
    """Claim the two columns that make a remediation; under other names, where what was done is known in most of the first rows."""
    header = header_of(source)
    if {"target", "what"} <= header:
        return Claim(7, "columns of remediations.csv")
    if len(header) > _WIDEST or not all(_column(header, names) for names in (_TARGETS, _ACTS, _WHEN)):
        return None
    lines = head_text(source).splitlines()[1:_SHOWN]
    known = sum(any(_acts(cell) for cell in re.split(r"[,;\t]", line)) for line in lines)
    return Claim(4, "columns for a target, an action and a time") if known * 2 > len(lines) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one. Raises Broken where day and month cannot be told apart."""
    table = Table(source, options, out, dates=_WHEN)
    header = frozenset(table.header)
    columns = tuple(_column(header, names) or names[0] for names in (_TARGETS, _ACTS, _WHEN, _BY))
    table.require(*columns[:3])
    if table.ambiguous_dates:
        raise Broken(f"column {columns[2]}", "day and month cannot be told apart in this file", "say --date-order dmy or mdy")
    who = Recipients(out)
    times = [at for row in table if (at := _row(row, columns, who, out)) is not None]
    if times:
        out.coverage("remediations", first=min(times), last=max(times), collected=len(times))


def _column(header: frozenset[str], names: tuple[str, ...]) -> str:
    """The first of these columns that is there; "" where none is."""
    return next((name for name in names if name in header), "")


def _acts(text: str) -> list[str]:
    """What a cell says was done: one or several of the six; empty where it says none of them."""
    words = " ".join(text.casefold().split())
    if words in _WORDS:
        return [_WORDS[words]]
    if _UNDONE.search(words):
        return []
    found = [next((act for act, parts in _PARTS if re.search(parts, piece)), _WORDS.get(piece, "")) for piece in _AND.split(words) if piece]
    return list(dict.fromkeys(found)) if all(found) else []


def _row(row: Row, columns: tuple[str, ...], who: Recipients, out: FactBuffer) -> int | None:
    """State a row; when it was done, or None where the row was refused."""
    target, what, when, by = columns
    acts, at, text = _acts(row[what]), row.date(when), row[target]
    parts = [text] if text.casefold().startswith("rule:") else text.split(";")  # a rule may be called anything
    targets = [item for item in (part.strip() for part in parts) if item not in ("", "-")]
    if not acts:
        out.refuse(row.at(what), row[what], "not one of reset, revoke, disable, remove, reimage, rotate")
    elif at is None:
        out.refuse(row.at(when), row[when], "no time that can be believed: without it a remediation ends nothing")
    elif not targets:
        out.refuse(row.at(target), row[target], "no target")
    else:
        named = False
        for act in acts:
            for one in targets:
                if (node := _target(one, act, row, who)) is not None:
                    named = True
                    _state(row, act, at, node, one, row.get(by), out)
                elif act == acts[0]:
                    out.refuse(row.at(target), one, "neither an address, a SID, an object id, a host nor a key that hakyu shows")
        return at if named else None
    return None


def _state(row: Row, what: str, at: int, node: Node, text: str, by: str, out: FactBuffer) -> None:
    key = f"remediation:{what}/{node[1]}/{at}"
    out.node("Remediation", key, row.place, name=f"{what} {text}", what=what, at=at, by=by if by not in ("", "-") else None)
    out.edge("REMEDIATES", ("Remediation", key), node, row.place)


def _target(text: str, what: str, row: Row, who: Recipients) -> Node | None:
    kind, colon, rest = text.partition(":")
    kind = kind.strip().casefold()
    if colon and rest.strip() and kind in (*_LABELS, "ad"):
        if kind == "ad":
            return _sid(rest, what)
        if kind == "host":
            name = identity.host(rest)
            return ("Server", identity.host_key(name)) if name else None
        # The names of rules keep their case, addresses and ids do not.
        return _LABELS[kind], f"{kind}:{rest.strip() if kind in ('rule', 'secret', 'service', 'role') else rest.strip().casefold()}"
    if guid := _GUID.match(text):
        return "Account", f"entra:{guid[1].lower()}"
    if identity.sid(text):
        return _sid(text, what)
    if identity.address(text) or "\\" in text:
        return who.trustee(text, row.place)
    name = identity.host(text)
    if name and ("." in name or what == "reimage" or text.endswith("$")):
        return "Server", identity.host_key(name)
    return ("Account", identity.account_key(text)) if text.strip() and what != "reimage" else None


def _sid(text: str, what: str) -> Node | None:
    found = identity.sid(text)
    # What a SID is of is told by the directory; where nothing else names it, only a machine is reimaged.
    return ("Server" if what == "reimage" else "Account", identity.ad_key(found)) if found else None
