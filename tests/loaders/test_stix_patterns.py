"""Patterns of equalities alone are read without the parser, and say what it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders import stix_patterns
from loaders.stix_patterns import BadPattern, signs_of

_NAMES = [
    "email-addr:value", "ipv4-addr:value", "url:value", "file:name", "file:hashes.MD5", "file:hashes.'SHA-256'", "file:hashes.SHA-256", "file:hashes.sha256", "x-foo:bar", "x-foo:true",
    "x-a:false.b", "x-a:trueb", "file:IN", "x-a-b:c.d", "email-message:sender_ref.value", "email-message:additional_header_fields.'Reply-To'", "x-1a:_v", "url:1a", "file:like", "x-2-3:start",
]  # fmt: skip
_VALUES = ["a@evil.example", "10.0.0.1", "日本", "", "x OR [y:z = 1]", "a[b", "]", "'", "a\\'b", "q\\\\", "%", "a b", "\t"]
_PART = st.builds("{}{}'{}'".format, st.sampled_from(_NAMES), st.sampled_from([" = ", " = ", " = ", "=", "  =  ", " != "]), st.sampled_from(_VALUES))
_PATTERNS = st.builds(
    lambda parts, joint, before, after: f"[{before}{joint.join(parts)}{after}]", st.lists(_PART, min_size=1, max_size=3),
    st.sampled_from([" OR ", " OR ", " OR ", " AND ", "OR", "  OR "]), st.sampled_from(["", " "]), st.sampled_from(["", " ", "\n"]),
)  # fmt: skip


def said(pattern: str) -> Any:
    try:
        return signs_of(pattern)
    except BadPattern:
        return "bad"


@settings(max_examples=150, deadline=None)
@given(_PATTERNS)
def test_what_is_read_without_the_parser_is_what_it_says(pattern):
    quick = said(pattern)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stix_patterns, "_PLAIN", re.compile(r"(?!)"))
        assert said(pattern) == quick


def test_a_usual_pattern_needs_no_parser(monkeypatch):
    monkeypatch.setattr(stix_patterns, "Pattern", None)
    assert [(sign.kind, sign.value) for sign in signs_of("[ipv4-addr:value = '192.0.2.1' OR file:hashes.'SHA-256' = 'aa']")] == [("ip", "192.0.2.1"), ("sha256", "aa")]
