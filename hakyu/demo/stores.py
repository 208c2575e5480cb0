"""Mail as it lies on disk: a Maildir of the taken-over mailbox and an mbox of the shared one, as mail programs write them."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone

from hakyu.demo.mail import Mail, Party
from hakyu.demo.organisation import DOMAIN

_TOKYO = timezone(timedelta(hours=9))
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BODIES = {
    "ja": "お世話になっております。\n標記の件、下記のとおりご連絡いたします。\nよろしくお願いいたします。\n",
    "en": "Dear colleague,\n\nplease find the details below.\n\nKind regards\n",
}


def maildir(mails: list[Mail], owner: str) -> dict[str, bytes]:
    """Path within the Maildir -> content: what came in `cur/`, what was sent in `.Sent/cur/`."""
    files = {}
    for number, mail in enumerate(mails):
        sent = mail.sender.address == owner
        unique = f"{int(mail.at.timestamp())}.M{number:06d}P4711.mail.{DOMAIN}"
        folder = ".Sent/cur" if sent else "cur"
        files[f"{folder}/{unique}:2,{'S' if sent or number % 5 else ''}"] = message(mail, owner)
    return files


def mbox(mails: list[Mail], owner: str) -> bytes:
    """The mbox: `From ` lines between messages, `>From ` within them."""
    parts = []
    for mail in mails:
        at = mail.at
        line = f"From {mail.sender.address} {_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:2d} {at:%H:%M:%S %Y}\n"
        parts.append(line.encode() + message(mail, owner).replace(b"\nFrom ", b"\n>From ") + b"\n")
    return b"".join(parts)


def message(mail: Mail, owner: str) -> bytes:
    """A message as it lies in `owner`'s mailbox: a received one has its way in the header, a sent one still has its Bcc."""
    sent = mail.sender.address == owner
    head = (
        []
        if sent
        else [
            f"Return-Path: <{mail.sender.address}>",
            f"Delivered-To: {owner}",
            f"Received: from mgw01.{DOMAIN} (mgw01.{DOMAIN} [192.0.2.44])\n\tby ex01.{DOMAIN} with ESMTPS\n"
            f"\tfor <{owner}>; {_date(mail.at + timedelta(seconds=4))}",
        ]
    )
    head += [f"Date: {_date(mail.at)}", f"From: {_party(mail.sender)}", f"To: {_parties(mail.to)}"]
    if mail.cc:
        head.append(f"Cc: {_parties(mail.cc)}")
    if mail.bcc and sent:
        head.append(f"Bcc: {_parties(mail.bcc)}")
    head += [f"Subject: {_word(mail.subject)}", f"Message-ID: <{mail.id}>"]
    if mail.reply_to:
        head.append(f"In-Reply-To: <{mail.reply_to}>")
    charset, transfer = ("ISO-2022-JP", "7bit") if mail.language == "ja" else ("UTF-8", "7bit")
    head += ["MIME-Version: 1.0", f"Content-Type: text/plain; charset={charset}", f"Content-Transfer-Encoding: {transfer}"]
    return (
        "\n".join(head).encode("ascii")
        + b"\n\n"
        + _BODIES[mail.language].encode("iso2022_jp" if mail.language == "ja" else "utf-8")
    )


def _date(at: datetime) -> str:
    local = at.astimezone(_TOKYO)
    return f"{_DAYS[local.weekday()]}, {local.day} {_MONTHS[local.month - 1]} {local:%Y %H:%M:%S} +0900"


def _parties(parties: tuple[Party, ...]) -> str:
    return ",\n ".join(_party(party) for party in parties)


def _party(party: Party) -> str:
    return f"{_word(party.name)} <{party.address}>" if party.name != party.address else party.address


def _word(text: str) -> str:
    """RFC 2047: Japanese in ISO-2022-JP, other letters in UTF-8, plain ASCII as it is (quoted where it must be)."""
    if text.isascii():
        return f'"{text}"' if any(char in text for char in "',.()") else text
    try:
        return f"=?ISO-2022-JP?B?{base64.b64encode(text.encode('iso2022_jp')).decode()}?="
    except UnicodeEncodeError:
        return f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="
