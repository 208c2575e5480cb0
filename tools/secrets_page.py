"""How much the search after credentials finds: measured on a labelled set of made-up texts, for the docs and for the tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from loaders.base import Options
from loaders.bodies import plain
from loaders.secrets import KINDS, look_in

FRESH = Path(__file__).resolve().parent.parent / "tests" / "loaders" / "secrets" / "fresh.yaml"
LABELLED = Path(__file__).resolve().parent.parent / "tests" / "loaders" / "secrets" / "labelled.yaml"


@dataclass(frozen=True)
class Score:
    """Of one kind, or of all: how many there are, were found, and were found where none is."""

    name: str
    present: int
    found: int
    false: int

    @property
    def precision(self) -> float:
        """Of what was reported, the part that is there."""
        return self.found / (self.found + self.false) if self.found + self.false else 1.0

    @property
    def recall(self) -> float:
        """Of what is there, the part that was reported."""
        return self.found / self.present if self.present else 1.0


def labelled() -> list[dict[str, Any]]:
    """The texts: `text`, `lang`, `kinds`, `set` (first, second or fresh)."""
    rows: list[dict[str, Any]] = yaml.safe_load(LABELLED.read_text(encoding="utf-8"))
    fresh: list[dict[str, Any]] = yaml.safe_load(FRESH.read_text(encoding="utf-8"))
    return [*(row | {"set": "second" if row.get("unseen") else "first"} for row in rows), *(row | {"set": "fresh"} for row in fresh)]


def kinds_in(text: str) -> list[str]:
    """The kinds of credential reported of a text, one for each that is found."""
    return [found.kind for found in look_in([("body", plain(text))], Options())]


def scores() -> list[Score]:
    """By kind, by language, and of all texts together, the last."""
    present: Counter[str] = Counter()
    good: Counter[str] = Counter()
    false: Counter[str] = Counter()
    for row in labelled():
        wanted, reported = Counter(row["kinds"]), Counter(kinds_in(row["text"]))
        for group in (row["lang"], row["set"], "all"):
            present[group] += wanted.total()
            good[group] += (wanted & reported).total()
            false[group] += (reported - wanted).total()
        for kind in KINDS:
            present[kind] += wanted[kind]
            good[kind] += min(wanted[kind], reported[kind])
            false[kind] += max(0, reported[kind] - wanted[kind])
    return [Score(name, present[name], good[name], false[name]) for name in (*KINDS, "en", "ja", "first", "second", "fresh", "all")]


def page() -> str:
    """The page docs/secrets.md."""
    rows = labelled()
    without = sum(not row["kinds"] for row in rows)
    lines = [f"| {s.name} | {s.present} | {s.found} | {s.false} | {s.precision:.2f} | {s.recall:.2f} |" for s in scores()]
    return _TEXT.format(texts=len(rows), without=without, fresh=sum(row["set"] == "fresh" for row in rows), table="\n".join(lines))


_TEXT = """# Credentials in mail

<!-- Made by `python -m tools.docs`; edit the code instead. -->

`hakyu load --secrets` looks through the text of mail (bodies and text attachments of EML, Maildir, mbox, PST and MSG) for
passwords, API keys, private keys, VPN profiles and recovery codes, in Japanese and English. Without the option no text is looked at.

What is kept of a credential: its kind, where it stands (`inbox/9., body, line 14`), and a fingerprint by which the same value in two messages is one
`Secret`. The value never leaves the loader. The fingerprint is a slow hash (PBKDF2) with a salt that each case has for itself, cut to 96 bits: no table
of known passwords helps to look it up. Whoever has the case folder can still try a guess against it, so keep such a case as you keep the mail.

Attachments of text (by type, or by a name like `.txt`, `.csv`, `.ovpn`, `.conf`, `.pem`, `.key`, `.rdp`, `.json`, `.xml`) are read as bodies are, the first
512 KiB of each. A profile without a key or password in it is no credential.

Mails by which a service lets somebody set a password anew or sign up are told by sender and subject alone, so they need no option: they give
`(:Service)-[:RESETS_BY]->(:Correspondent)`.

## What a credential opens

Where the text says so beside it, `(:Secret)-[:OPENS]->(:Server|:Service|:Account)` is stated with its `basis`:

- a server that is named (`server: fs01.example`, `ssh user@host`, a share, a connection string), by its host name;
- the service behind a link, or the gateway of a VPN profile;
- the account of the address that is given as user name, where no server or link stands there, or one of the same domain. Elsewhere an address is
  but a name to sign up with, and says nothing of the password of that mailbox.

Beside means the same paragraph, or the same line where the paragraph holds a second credential. Two servers, or two addresses, there: nothing is
stated, and the load report says how many were left open so. User names that are no address, numbers of hosts, and what opens a file, a meeting or a
wireless network are passed over.

A rotation of the Secret in remediations.csv ends what the messages say: they hold the old value. A mail that came later with the same value counts as older all the same.

## How much is found

Measured on {texts} short made-up texts (`tests/loaders/secrets/`), of which {without} hold no credential. `present` credentials stand in them,
`found` of those were reported, `false` were reported where there is none. The rules were made for the sets `first` and `second`. The {fresh} texts of
`fresh` were written before the rules were last changed, and measured before and after; no rule was changed for what was missed in them. But the
same hand wrote both within the hour, and thought of some of the same forms: take that row as the most to expect of your mail. Before that change 12 of its 20 were found, with 1 false (recall 0.60); on `second`,
before it was used for the rules, 10 of 17 (0.59).

| texts | present | found | false | precision | recall |
|---|---|---|---|---|---|
{table}

On 1,559 real messages of the public samples 11 credentials are reported, and each of them is one.

## What is not found

- Values without a word for them beside (`sa / …`), or described in words ("your employee number followed by …").
- Passwords of several plain words, and in Japanese script unless in 「」 and with digits.
- Text in pictures, in Office and PDF files, in encrypted messages, and past the first megabyte of a message.
- One-time codes are left out on purpose: they are void within minutes.
"""
