"""A Postfix log many lines at a time: the same facts, refusals and notes as line by line, whatever stands in it and wherever it is cut."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from loaders import columns
from loaders.base import Options, Source
from loaders.formats import postfix
from tests.support.fuzz import mutated
from tests.support.golden import buffer_facts

HERE = Path(__file__).parent
INPUT = next((HERE / "postfix").glob("input.*"))
SAMPLE = HERE.parents[2] / "shared" / "data" / "02_message_trace" / "postfix_sekoia.log"
NOW = 1_800_000_000
SOME = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
IDS = st.sampled_from(["4A1B2C3D4E", "4ZxYkL2bGhz3Tqw", "1234567", "5F6A7B8C9D"])
ADDRESSES = st.sampled_from(["ken@nisc.example", "Ken@NISC.example", "x@abroad.example", "bad", "", "healthmailbox1@nisc.example", "日本@x.example"])
STAMPS = st.sampled_from([
    "2022-10-02T01:00:05Z", "2022-10-02T01:00:05.123456+09:00", "2022-10-02T01:00:05-0330", "2022-10-02T01:00:05", "2022-13-02T01:00:05Z", "2022-10-02T25:00:05Z",
    "Oct  2 01:00:05", "Oct 12 01:00:05", "Jan  1 00:00:00", "Dec 31 23:59:59", "Feb 30 10:00:00", "Foo 11 10:00:00", "<34>Oct  2 01:00:05", "<34>1 2022-10-02T01:00:05Z",
    "Oct  2 2021 01:00:05", "2022-10-02T01:00:05,5Z", "1985-10-02T01:00:05Z", "Oct  2 01:00:05.123456", "Sun 2022-10-02 01:00:05 UTC",
    "Sun 2022-10-02 01:00:05.5 CEST", "1664672405.123456", "2022-10-02 01:00:05 +09",
])  # fmt: skip
PROGRAMS = st.sampled_from(["postfix/smtp[9]:", "postfix/qmgr[99]:", "postfix/lmtp[7]:", "postfix-in/smtp:", "smtp[1]:", "CRON[2]:", "postfix/smtp"])
RESTS = st.one_of(
    st.just("removed"), st.just("client=h.example[192.0.2.5]"), st.sampled_from(["a", "b", ""]).map("message-id=<{}@nisc.example>".format),
    st.builds("from=<{}>, size={}, nrcpt=1 (queue active)".format, ADDRESSES, st.sampled_from(["100", "", "x"])),
    st.builds("to=<{}>, orig_to=<{}>, relay={}, delay=1, status={} (said, to=<evil@x.example>)".format, ADDRESSES, ADDRESSES,
              st.sampled_from(["none", "127.0.0.1[127.0.0.1]:10024", "spamfilter[1.2.3.4]"]), st.sampled_from(["sent", "deferred", "bounced", "deliverable", "odd"])),
    st.builds("to=<{}>, relay=mx, status=sent".format, ADDRESSES), st.sampled_from(["warning: header Subject: 機密, from=<z@x.example>", "to=<a@b.example", "status=sent", "é"]),
)  # fmt: skip
LINES = st.one_of(
    st.builds("{} mx1 {} {}: {}".format, STAMPS, PROGRAMS, IDS, RESTS), st.builds("{}: {}".format, IDS, RESTS), st.sampled_from(["", "  ", "junk", "2022-10-02T01:00:05Z mx1 postfix/smtpd[1]: connect from x"]),
)  # fmt: skip


def said(path: Path, many: bool, size: int = 1 << 20, held: int = 200_000, zone: str | None = None) -> list[dict[str, Any]] | str:
    whole = columns.chunks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postfix, "SMALL", 0 if many else 1 << 40)
        patch.setattr(postfix, "_HELD", held)
        patch.setattr(columns, "chunks", lambda stream, _=0: whole(stream, size))
        out = FactBuffer()
        try:
            postfix.read(Source(path, path.name), Options(now=NOW, zone=zone), out)
        except LoadError as error:
            return str(error)
    return buffer_facts(out, "postfix")


@SOME
@given(lines=st.lists(LINES, max_size=40), breaks=st.sampled_from(["\n", "\r\n", "\r"]), end=st.booleans(), size=st.sampled_from([200, 1000, 1 << 20]), held=st.sampled_from([2, 200_000]),
       zone=st.sampled_from([None, "Asia/Tokyo", "Europe/Berlin"]))  # fmt: skip
def test_lines_in_any_order_say_the_same_many_at_a_time(tmp_path, lines, breaks, end, size, held, zone):
    path = tmp_path / "mail.log"
    path.write_bytes((breaks.join(lines) + (breaks if end else "")).encode())
    assert said(path, True, size, held, zone) == said(path, False, size, held, zone)


@SOME
@given(data=st.data())
def test_a_mutated_log_says_the_same_many_at_a_time(tmp_path, data):
    path = tmp_path / "mail.log"
    path.write_bytes(mutated(data, INPUT.read_bytes(), [b"postfix", b"=<", b">", b", ", b": ", b"[", b" "], [b"", b"\0", b"\xff", b"\n", b"removed", b"to=<a@b.example>, "]))
    assert said(path, True, 700) == said(path, False)


@pytest.mark.parametrize("size", [100, 1000, 1 << 20])
def test_the_fixture_and_the_real_sample_say_the_same_many_at_a_time(size):
    for path in (INPUT, SAMPLE):
        if path.is_file():
            assert said(path, True, size) == said(path, False)


def test_a_queue_goes_on_from_one_piece_of_the_file_to_the_next(tmp_path):
    def line(second: int, text: str) -> str:
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(1_664_600_000 + second))}Z mx1 postfix/smtp[1]: 4A1B2C3D4E: {text}\n"

    path = tmp_path / "mail.log"
    path.write_text(line(0, "message-id=<one@nisc.example>") + line(1, "from=<ken@nisc.example>, size=7") + line(2, "to=<x@abroad.example>, relay=mx, status=sent") + line(3, "removed"))
    facts = said(path, True, 90)
    assert facts == said(path, False)
    (sent,) = [fact for fact in facts if isinstance(fact, dict) and fact.get("kind") == "SENT_BY"]
    assert sent["to_key"] == "smtp:ken@nisc.example" and sent["place"] == "line 1"
