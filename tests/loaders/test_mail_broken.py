"""Mail that is damaged, cut, foreign or hostile: it ends in facts or in one clear line, in bounded work."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from hakyu.case import sources
from loaders import registry
from loaders.addresses import parse
from loaders.base import Options, Source
from loaders.mboxes import messages
from loaders.messages import looks_like_message, parse_message
from tests.support.golden import facts_of, read_into

HERE = Path(__file__).parent
NOW = 1_700_000_000


def write(path: Path, raw: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


_SEEDS = [(HERE / "eml" / "input.eml").read_bytes(), (HERE / "mbox" / "input.mbox").read_bytes()]
_PIECES = [b"\x00", b"\r", b"\n", b"\n\n", b"\xff\xfe", b"\x1b$B", b"<", b">", b'"', b"(", b")", b";", b":", b"@", b"=?", b"?=", b"=?utf-8?b?",
           b"From ", b"From: ", b"Date: ", b"Message-ID: ", b"Content-Type: multipart/", b"--", b"\\"]  # fmt: skip


@st.composite
def mutated(draw):
    raw = bytearray(draw(st.sampled_from(_SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(raw)))
        raw[at : at + draw(st.integers(0, 40))] = draw(st.sampled_from(_PIECES) | st.binary(max_size=12)) * draw(st.integers(0, 3))
    return bytes(raw[: draw(st.integers(0, len(raw)))]) if draw(st.booleans()) else bytes(raw)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=mutated())
def test_whatever_is_done_to_a_mail_file_ends_in_facts_or_in_one_clear_line(tmp_path, raw):
    path = tmp_path / "file"
    path.write_bytes(raw)
    box = tmp_path / "box"
    shutil.rmtree(box, ignore_errors=True)
    write(box / "cur" / "1", raw)
    (box / "new").mkdir()
    ways = [lambda: read_into(path, now=NOW), lambda: read_into(box, now=NOW)]
    for way in ways:
        try:
            out = way()
        except LoadError as error:
            assert "\n" not in str(error)
            continue
        assert out.records >= 1
        assert all(row.place and row.why and not row.what for row in out.refused)


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=300), text=st.text(max_size=200))
def test_any_bytes_at_all_can_be_asked_for_headers_and_addresses(raw, text):
    parse_message(raw, Options(now=NOW))
    parse_message(b"From: " + raw + b"\nTo: " + text.encode("utf-8", "surrogatepass") + b"\n\n", Options(now=NOW))
    looks_like_message(raw)
    found, unusable = parse(text)
    assert unusable >= 0 and all("@" in address for address, _ in found)


@pytest.mark.parametrize("piece", ["(", '"', "<", "a@", "@a", "()", ";:", "=?a?q?", "\\", "a" * 100, "From Mon ", "Mon Jan 1 "])
def test_a_header_of_a_megabyte_of_nonsense_is_read_in_bounded_work(piece):
    value = (piece * (1 << 20))[: 1 << 20]
    head = f"From: {value}\nTo: a@x.org\nDate: {value}\nSubject: {value}\nMessage-ID: <{value}\n\n".encode()
    assert parse_message(head, Options(now=NOW)).headers >= 1
    list(messages(io.BytesIO(b"From x\n\n" + value.encode() + b"\nFrom " + value.encode())))


def test_a_message_cut_inside_its_headers_is_used_as_far_as_it_goes_and_says_so(tmp_path):
    facts = facts_of(write(tmp_path / "a.eml", b"From: a@x.org\nTo: b@x.org\nDate: Mon, 10 Oc"))
    assert sum(fact.get("kind") == "Message" for fact in facts) == 1
    assert {"note": "1 message cut short inside the headers: export again what you need of them"} in facts


def test_empty_and_foreign_files_are_not_mail(tmp_path):
    for raw in (b"", b"\x00\x00From: a@b\nTo: c@d\n", b"a,b\n1,2\n", b"To be or not to be: that is\nthe question\n", b"{}"):
        with pytest.raises(LoadError):
            registry.recognise(Source(write(tmp_path / "x", raw), "x"))
    (tmp_path / "empty").mkdir()
    assert sources(tmp_path / "empty") == []
