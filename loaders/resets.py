"""Services that can be entered by mail: who sends mails to set a password anew, or to confirm an address (steps.md S11).

By subject and sender alone, in Japanese and English, so that it is stated whether or not bodies are looked at; a notice that the password was changed tells as much. The subject is looked at and forgotten; what stays is that there was such a mail.
"""

from __future__ import annotations

import re

from graphmodel import identity

RESET, SIGN_UP = "reset", "sign-up"

_REPLY = re.compile(r"^\s*(?:re|fw|fwd|aw|wg|tr|返信|転送)\s*[::]", re.IGNORECASE)
_RESET = re.compile(
    r"\b(?:reset|recover|forg[eo]t(?:ten)?|change)\b.{0,40}\bpass ?(?:word|code|phrase)\b|\bnew password\b|\bpassword\b.{0,30}\b(?:reset|recovery|changed?|assistance)\b"
    r"|\baccount recovery\b|\brecover your account\b|パスワード.{0,8}(?:再設定|リセット|再発行|初期化|変更|お忘れ)|(?:再設定|リセット).{0,6}パスワード|アカウントの?(?:復旧|回復|復元)",
    re.IGNORECASE,
)
_SIGN_UP = re.compile(
    r"\b(?:confirm|verify|activate|validate)\b.{0,30}\b(?:e-?mail|account|address|registration|sign-?up)|\b(?:email|account|address) (?:confirmation|verification|activation)\b"
    r"|\bcomplete your (?:registration|sign-?up)\b|\bwelcome to\b|\b(?:thank you|thanks) for (?:registering|signing up)\b|\baccount (?:has been )?created\b"
    r"|(?:会員|ユーザー?|アカウント|メールアドレス|利用者)の?.{0,6}(?:登録|作成|認証|確認|有効化)|(?:本|仮|新規|会員)登録|登録(?:完了|手続き?|確認|ありがとう)|メールアドレスの?(?:確認|認証)|へようこそ",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    r"(?:^|[._+-])(?:no-?_?reply|do-?_?not-?_?reply|donotreply|accounts?|security|support|service|info|admin|auth|id|notif\w*|alerts?|register|registration|signup|"
    r"members?|membership|system|help|mailer|verify|verification|password|passwordreset|reset|login|welcome|hello|team|customer\w*|cs|entry|touroku|toiawase)(?:$|[._+\d-])",
    re.IGNORECASE,
)


def reset_of(sender: str | None, subject: str) -> str | None:
    """`reset` or `sign-up` when a service mails so; None for all else, and for what people write to one another."""
    if not sender or identity.domain_of(sender) in identity.FREE_MAIL or _REPLY.match(subject) or not _MACHINE.search(sender.partition("@")[0]):
        return None
    if _RESET.search(subject):
        return RESET
    return SIGN_UP if _SIGN_UP.search(subject) else None


def service_of(sender: str) -> tuple[str, str]:
    """(key, name) of the service behind a sender: its registrable domain."""
    domain = identity.registrable(identity.domain_of(sender))
    return f"service:saas/{domain}", domain
