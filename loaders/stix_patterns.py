"""The comparisons of a STIX pattern that records can be held against (docs.oasis-open.org/cti/stix/v2.1, chapter 9).

    signs_of("[email-addr:value = 'a@evil.example' OR ipv4-addr:value = '203.0.113.7']")

The parsing is stix2-patterns'; what an alternative or a conjunction means for a single sign is decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stix2patterns.exceptions import ParseException  # type: ignore[import-untyped]
from stix2patterns.v20.grammars.STIXPatternListener import STIXPatternListener as OldListener  # type: ignore[import-untyped]
from stix2patterns.v20.pattern import Pattern as OldPattern  # type: ignore[import-untyped]
from stix2patterns.v21.grammars.STIXPatternListener import STIXPatternListener  # type: ignore[import-untyped]
from stix2patterns.v21.pattern import Pattern  # type: ignore[import-untyped]

LONGEST = 20_000
_BRACKETS = 60  # the parser's time grows steeply with brackets in brackets
# Object path -> kind of the indicator; the most telling ones first, which is what an AND is cut down to.
_KINDS = {
    "email-message:message_id": "message id", "email-message:additional_header_fields.Message-ID": "message id",
    "file:hashes.SHA-256": "sha256", "file:hashes.sha256": "sha256", "file:hashes.SHA256": "sha256", "artifact:hashes.SHA-256": "sha256",
    "url:value": "url",
    "email-addr:value": "email", "email-message:from_ref.value": "email", "email-message:sender_ref.value": "email",
    "email-message:additional_header_fields.Reply-To": "email", "user-account:user_id": "email",
    "network-traffic:extensions.http-request-ext.request_header.User-Agent": "user agent",
    "domain-name:value": "domain", "network-traffic:dst_ref.value": "ip", "network-traffic:src_ref.value": "ip",
    "ipv4-addr:value": "ip", "ipv6-addr:value": "ip", "domain-name:resolves_to_refs[*].value": "ip",
}  # fmt: skip
_RANK = {kind: number for number, kind in enumerate(dict.fromkeys(_KINDS.values()))}
UNKNOWN_PATH = "about things that records here do not hold (file names, subjects, registry keys, other hashes)"
_NOT_EQUAL = "by a comparison other than equality, which is not read"


# A pattern of one observation in which nothing is but equalities joined by OR: most are. What could be a word of the grammar is left to the parser.
_TYPE, _STEP, _VALUE = r"(?:[a-z][a-z0-9]*(?:-[a-z0-9]+)+|url|file|domain)", r"(?:(?!true\b|false\b)[a-z_][a-z0-9_]*|MD5|'[A-Za-z0-9-]+')", r"[^'\\\x00-\x1f]*"
_PATH = rf"{_STEP}(?:\.{_STEP})*"
_EQUALS = re.compile(rf" *({_TYPE}:{_PATH}) *= *'({_VALUE})' *")
_EACH = rf" *{_TYPE}:{_PATH} *= *'{_VALUE}' *"
_PLAIN = re.compile(rf"\[{_EACH}(?: OR {_EACH})*\]")
# The same for columns, whose expressions cannot look ahead.
EACH = _EACH.replace(r"(?!true\b|false\b)", "")
COMPARISONS = rf"^\[{EACH}(?: OR {EACH})*\]$"
UNLIKELY = r"[:.](?:true|false)|\("
"""Plain patterns are those in which COMPARISONS is found and UNLIKELY is not, of at most LONGEST bytes: EACH is each comparison in them."""


class BadPattern(ValueError):
    """The pattern does not parse; says where."""


@dataclass(frozen=True)
class Sign:
    """One comparison. `kind`: None where it cannot be compared, for `reason`; `partial`: the pattern asks for more at the same time."""

    kind: str | None
    value: str
    partial: bool = False
    reason: str = ""


def kind_of(path: str) -> str | None:
    """The kind of indicator that an object path means; None where records hold no such thing."""
    return _KINDS.get(path.replace("'", ""))


def confidence_of(value: Any) -> int | None:
    """An indicator's confidence, from 0 to 100; None where it is anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100 else None


def signs_of(pattern: str) -> list[Sign]:
    """The comparisons of a pattern, in its order. Raises BadPattern."""
    if len(pattern) > LONGEST:
        raise BadPattern(f"longer than {LONGEST:,} characters")
    if pattern.count("(") > _BRACKETS:
        raise BadPattern(f"more than {_BRACKETS} brackets")
    if _PLAIN.fullmatch(pattern):
        return [
            Sign(kind, value) if (kind := kind_of(name)) else Sign(None, value, reason=UNKNOWN_PATH) for name, value in _EQUALS.findall(pattern)
        ]
    found = _Leaves()
    try:
        Pattern(pattern).walk(_listener(STIXPatternListener, found))
    except (ParseException, RecursionError, ValueError) as error:
        found = _Leaves()
        try:  # 2.0 allowed a little that 2.1 does not
            OldPattern(pattern).walk(_listener(OldListener, found))
        except (ParseException, RecursionError, ValueError):
            raise BadPattern(" ".join(str(error).split())[:120]) from None
    return found.signs


class _Leaves:
    """Gathers comparisons; those inside an AND are held back until it ends."""

    def __init__(self) -> None:
        self.signs: list[Sign] = []
        self._depth = 0
        self._joined: list[Sign] = []

    def begin(self) -> None:
        """An AND begins."""
        self._depth += 1

    def end(self) -> None:
        """It ends: keep the most telling comparisons in it."""
        self._depth -= 1
        if self._depth:
            return
        usable = [sign for sign in self._joined if sign.kind is not None]
        best = min((_RANK[sign.kind or ""] for sign in usable), default=0)
        self.signs += [Sign(sign.kind, sign.value, partial=True) for sign in usable if _RANK[sign.kind or ""] == best] or self._joined[:1]
        self._joined = []

    def test(self, ctx: Any, literals: list[Any], equal: bool) -> None:
        """One comparison, a node of the parser's tree, with the literals it names; `equal`: it asks for equality with one of them."""
        kind = kind_of(ctx.objectPath().getText())
        equal = equal and not ctx.NOT()
        into = self._joined if self._depth else self.signs
        for value in (_text(literal.getText()) for literal in literals):
            into.append(Sign(kind, value) if kind and equal else Sign(None, value, reason=_NOT_EQUAL if kind else UNKNOWN_PATH))


def _listener(base: type, found: _Leaves) -> Any:
    """A listener of the grammar of either version, which differ in the base class alone."""

    class Listener(base):  # type: ignore[misc]
        def enterComparisonExpressionAnd(self, ctx: Any) -> None:
            if ctx.AND():
                found.begin()

        def exitComparisonExpressionAnd(self, ctx: Any) -> None:
            if ctx.AND():
                found.end()

        def exitPropTestEqual(self, ctx: Any) -> None:
            found.test(ctx, [ctx.primitiveLiteral()], bool(ctx.EQ()))

        def exitPropTestSet(self, ctx: Any) -> None:
            found.test(ctx, ctx.setLiteral().primitiveLiteral(), True)

        def exitPropTestLike(self, ctx: Any) -> None:
            found.test(ctx, [ctx.StringLiteral()], not {"%", "_"} & set(ctx.StringLiteral().getText()))

        def exitPropTestIsSubset(self, ctx: Any) -> None:
            found.test(ctx, [ctx.StringLiteral()], True)

        def exitPropTestRegex(self, ctx: Any) -> None:
            found.test(ctx, [ctx], False)

        exitPropTestIsSuperset = exitPropTestOrder = exitPropTestRegex

    return Listener()


def _text(literal: str) -> str:
    if literal.startswith("'") and literal.endswith("'") and len(literal) > 1:
        return literal[1:-1].replace("\\'", "'").replace("\\\\", "\\")
    return literal
