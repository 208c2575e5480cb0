"""Every text of the app in two languages. The English text is the key: `translate("Case", "ja")`.

Sentences and notes that come from `reports/` and the step files are English; those that are known here are shown in Japanese,
and any other stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from hakyu.case import Case, Step
from screens.answer_words import ANSWERS_JA
from screens.page_words import PAGES_JA
from screens.source_words import SOURCES_JA
from screens.step_words import CLOSES_JA, SENTENCES_JA

LANGUAGES = {"en": "English", "ja": "日本語"}

_JA = {**PAGES_JA, **SOURCES_JA, **ANSWERS_JA, **CLOSES_JA}

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\+00:00|Z)")
_LIMITS = re.compile(r"were not asked$|stopped at a known limit$|^nothing (before|after) ")
_PATTERNS_JA = [
    (re.compile(r"^([\d,]+) of ([\d,]+) were not asked$"), r"\2 件中 \1 件は未取得"),
    (re.compile(r"^no message is known of ([\d,]+) of ([\d,]+) held mailboxes$"), r"掌握したメールボックス \2 件中 \1 件のメールは不明"),
    (re.compile(r"^nothing before (.+)$"), r"\1 より前はなし"),
    (re.compile(r"^nothing after (.+)$"), r"\1 より後はなし"),
]
_EVIDENCE_JA = [
    (re.compile(r"([\d,]+) log records fit a step, ([\d,]+) of them an indicator of the attacker\."),
     r"ログの記録 \1 件が手順に合い、うち \2 件は攻撃者の指標にも合います。"),
    (re.compile(r" No log is stated to be complete, so silence says nothing\."), "完全と明示されたログがないため、記録がないことは何も意味しません。"),
    (re.compile(r" Silence counts only where a log is stated to be complete: (.+?)\.(?= What|$)"),
     r"記録がないことに意味があるのは、ログが完全と明示された範囲だけです: \1。"),
    (re.compile(r" What was possible before stays possible\."), "それより前に可能だったことは、可能性のままです。"),
]  # fmt: skip
_ACTIONS_JA = [
    (re.compile(r"^Reset the password and revoke the sessions of (.+)$"), "{name} のパスワードを再設定し、セッションを無効にする"),
    (re.compile(r"^Isolate and reimage (.+)$"), "{name} を隔離して再構築する"),
    (re.compile(r"^Revoke the application (.+): its consents, secrets and certificates$"), "アプリ {name} の同意・シークレット・証明書を無効にする"),
    (re.compile(r"^Delete (.+)$"), "{name} を削除する"),
    (re.compile(r"^Rotate the credential (.+)$"), "資格情報 {name} を更新する"),
    (re.compile(r"^Disable (.+)$"), "{name} を無効化する"),
    (re.compile(r"^Take (.+) back from the attacker$"), "{name} を攻撃者から取り戻す"),
]
_SPAN = re.compile(r"([a-z -]+?) from (\d{4}\S*(?: \S+ UTC)?) until (\d{4}\S*(?: \S+ UTC)?)(?=, |。|$)")
_PROFILE = re.compile(r"^(rights|quiet|noisy) without (.+)$")


def translate(text: str, language: str, /, **values: object) -> str:
    """The text in `language` (`en` or `ja`), with `{values}` filled in. A text that is not known stays as it is."""
    found = _JA.get(text, text) if language == "ja" else text
    return found.format(**values) if values else found


def known(text: str) -> bool:
    """Whether the text has a Japanese translation."""
    return text in _JA


def note(text: str, language: str) -> str:
    """A note of the coverage: `sessions not collected`, `groups: 3 of 9 were not asked; nothing before …`."""
    if language != "ja":
        return _plain_times(text)
    if text.endswith(" not collected"):
        return f"{translate(text.removesuffix(' not collected'), language)}: {_JA['not collected']}"
    head, colon, rest = text.partition(": ")
    if colon and head in _JA:
        return f"{_JA[head]}: {detail(rest, language)}"
    return detail(text, language)


def brief(text: str) -> str:
    """A note without its remarks: what was not seen is left. What says nothing else stays as it is."""
    head, colon, rest = text.partition(": ")
    limits = [part for part in rest.split("; ") if _LIMITS.search(part)]
    return f"{head}: {'; '.join(limits)}" if colon and limits else text


def detail(text: str, language: str) -> str:
    """A detail of the coverage, whose parts are joined by semicolons."""
    text = _plain_times(text)
    return text if language != "ja" else "; ".join(_detail_part(part) for part in text.split("; "))


def _plain_times(text: str) -> str:
    """ISO 8601 as the tables write it: `2023-01-02 01:00 UTC`."""
    return _ISO.sub(lambda found: f"{found[1]} {found[2].removesuffix(':00')} UTC", text)


def _detail_part(part: str) -> str:
    for pattern, japanese in _PATTERNS_JA:
        if pattern.match(part):
            return pattern.sub(japanese, part)
    return _JA.get(part, part)


def evidence(text: str, language: str) -> str:
    """What the levels lean on (`evidence` of a blast radius)."""
    text = _plain_times(text)
    if language != "ja" or text in _JA:
        return translate(text, language)
    for pattern, japanese in _EVIDENCE_JA:
        text = pattern.sub(japanese, text)
    return _SPAN.sub(lambda found: f"{_JA.get(found[1].strip(), found[1])} {found[2]} から {found[3]} まで", text)


def profile(name: str, language: str) -> str:
    """A profile as results name it: `quiet without remote-access`."""
    found = _PROFILE.match(name)
    if found is None or language != "ja":
        return translate(name, language)
    return f"{_JA[found[1]]} (除外: {found[2]})"


def sentence(step: Mapping[str, str], names: Mapping[str, str], language: str) -> str:
    """The sentence of one step of a way (`rule, source, target, sentence`); `names`: key -> name."""
    template = SENTENCES_JA.get(step["rule"]) if language == "ja" else None
    if template is None:
        return step["sentence"]
    return template.format(source=names.get(step["source"], step["source"]), target=names.get(step["target"], step["target"]))


def step_title(step: Step, language: str) -> str:
    """What a step is called; in Japanese its sentence about some `A` and `B`."""
    template = SENTENCES_JA.get(step.id) if language == "ja" else None
    return step.title if template is None else template.format(source="A", target="B")


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """(the English sentence of a step as a pattern, the Japanese one), those with the most words first."""
    found = []
    for step in sorted(Case.steps(), key=lambda step: -len(step.sentence)):
        if step.id in SENTENCES_JA:
            pattern = re.escape(step.sentence).replace(r"\{source\}", "(?P<source>.+)").replace(r"\{target\}", "(?P<target>.+)")
            found.append((re.compile(f"^{pattern}$", re.DOTALL), SENTENCES_JA[step.id]))
    return found


def said(text: str, language: str) -> str:
    """A step's sentence that comes without its step."""
    if language == "ja":
        for pattern, japanese in _templates():
            if found := pattern.match(text):
                return japanese.format(**{"source": "", "target": ""} | found.groupdict())
    return text


def action(text: str, language: str) -> str:
    """What to do about it (`text` of an action): of a thing, or what closes a step and in brackets the step."""
    if language != "ja":
        return text
    for closes in sorted(CLOSES_JA, key=len, reverse=True):
        if text.startswith(f"{closes} (") and text.endswith(")"):
            return f"{CLOSES_JA[closes]} ({said(text[len(closes) + 2 : -1], language)})"
    for pattern, japanese in _ACTIONS_JA:
        if found := pattern.match(text):
            return japanese.format(name=found[1])
    return text
