"""Archives and JSON from strangers: what is within bounds is read, what is not is Broken with its place."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders import containers
from loaders.base import Broken
from loaders.containers import JSON_DEPTH, Archive, Limits, ends_of, json_items, read_json


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    stream.seek(0)
    return stream


def items(content: bytes) -> list:
    return list(json_items(io.BytesIO(content), "data.item"))


# --- archives ---


def test_members_are_the_regular_files_without_what_desktops_add():
    stream = zipped({"b.json": b"2", "folder/": b"", "folder/a.json": b"1", "__MACOSX/._b.json": b"x", "folder/.DS_Store": b"x"})
    with Archive(stream) as archive:
        assert [(member.name, archive.read(member)) for member in archive.members] == [("b.json", b"2"), ("folder/a.json", b"1")]


def test_backslashes_in_names_are_read_as_slashes():
    with Archive(zipped({"mail\\inbox\\1.eml": b"x"})) as archive:
        assert [member.name for member in archive.members] == ["mail/inbox/1.eml"]


@pytest.mark.parametrize("name", ["../up.json", "a/../../up.json", "/etc/passwd", "C:\\x.json", "..\\up.json", "a\nb.json", "a\x1b[2J.json", "\u202egnp.json"])
def test_a_name_that_leads_out_or_cannot_be_shown_is_broken_and_shown_harmlessly(name):
    with pytest.raises(Broken, match="zip archive: a member's name leads out of it or cannot be shown") as error:
        Archive(zipped({name: b"x"}))
    assert str(error.value).isprintable()


def test_names_that_only_look_like_leading_out_are_read():
    with Archive(zipped({"..a.json": b"x", "a..json": b"x", "予算.json": b"x"})) as archive:
        assert len(archive.members) == 3


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (Limits(members=2), "3 members, more than 2"),
        (Limits(total=2_999), "unpacks to 3,000 bytes, more than 2,999"),
        (Limits(ratio=20, ratio_from=999), "a.txt unpacks to more than 20 times its size"),
    ],
)
def test_an_archive_out_of_bounds_is_broken_before_anything_is_unpacked(limits, what):
    members = {f"{letter}.txt": b"a" * 1000 for letter in "abc"}
    with pytest.raises(Broken, match=what):
        Archive(zipped(members), limits)
    within = Limits(members=3, total=3_000, ratio=20, ratio_from=1_000)
    assert len(Archive(zipped(members), within).members) == 3


def test_members_that_lie_over_one_another_are_broken():
    stream = zipped({"a.txt": bytes(range(256)) * 40}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.filelist.extend([archive.filelist[0]] * 3)  # the directory names the same bytes four times
        archive._didModify = True
    stream.seek(0)
    with pytest.raises(Broken, match="members lie over one another"):
        Archive(stream)


def test_archives_within_archives_are_opened_once_and_no_deeper():
    inner = zipped({"x.json": b"1"}).getvalue()
    with Archive(zipped({"middle.zip": zipped({"inner.zip": inner}).getvalue()})) as outer:
        middle = outer.nested(outer.members[0])
        with pytest.raises(Broken, match=r"middle\.zip: inner\.zip: zip archive: archives within archives go too deep"):
            middle.nested(middle.members[0])


@pytest.mark.parametrize("kept", [0, 3, 21, -1, -20])
def test_an_archive_cut_short_is_broken_with_its_last_byte(kept):
    content = zipped({"a.json": b"{}" * 100}).getvalue()
    cut = content[:kept]
    with pytest.raises(Broken, match=f"^byte {len(cut):,}: the zip archive has no readable end"):
        Archive(io.BytesIO(cut))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_with_a_changed_byte_never_reads_as_something_else(method):
    plain = bytes(range(256)) * 8
    content = zipped({"a.bin": plain}, method).getvalue()
    data_at = 30 + len("a.bin")
    broken = 0
    for at in range(data_at, data_at + 40):
        damaged = bytearray(content)
        damaged[at] ^= 0x55
        with Archive(io.BytesIO(bytes(damaged))) as archive:
            try:
                assert archive.read(archive.members[0]) == plain  # a few bytes of LZMA's own header mean nothing
            except Broken as error:
                assert re.match(r"a\.bin: byte [\d,]+: ", str(error))
                broken += 1
    assert broken >= 30


def test_a_locked_member_is_broken_with_what_to_do():
    content = bytearray(zipped({"a.json": b"{}"}).getvalue())
    content[6] |= 1  # the flag in the member's own header and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with Archive(io.BytesIO(bytes(content))) as archive, pytest.raises(Broken, match="a.json: protected by a password; unpack it"):
        archive.open(archive.members[0])


def test_a_way_of_packing_that_is_not_known_is_broken_with_what_to_do():
    content = bytearray(zipped({"a.json": b"{}"}).getvalue())
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 9  # Deflate64, as Windows packs large files
    with Archive(io.BytesIO(bytes(content))) as archive, pytest.raises(Broken, match="packed by a method that is not known"):
        archive.read(archive.members[0])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_change_to_an_archive_gives_its_members_or_an_explained_error(data):
    content = bytearray(zipped({"a.json": b'{"data":[]}', "b/c.txt": b"text" * 50}).getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        with Archive(io.BytesIO(bytes(content))) as archive:
            for member in archive.members:
                archive.read(member)
    except Broken as error:
        assert "\n" not in str(error)


# --- the ends of a stream ---


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 19, 20, 25, 5000])
def test_the_ends_of_a_stream_are_the_same_whether_it_can_seek_or_not(tmp_path: Path, size):
    content = bytes(n % 251 for n in range(size))
    expected = (content[:10], content[-10:], size)
    path = tmp_path / "x"
    path.write_bytes(content)
    with path.open("rb") as stream:
        assert ends_of(stream, 10) == expected
    with Archive(zipped({"x": content})) as archive:
        assert ends_of(archive.open(archive.members[0]), 10) == expected


# --- JSON ---


@pytest.mark.parametrize(
    ("content", "byte"),
    [
        (b'{"data":[1,', 11),
        (b"", 0),
        ('{"名":"値",'.encode(), 13),
        (b"\xef\xbb\xbf[1,", 6),
        (b'{"a":NaN}', 5),
        (b'{"a":"\xff"}', 6),
        (b"[1] 2", 4),
    ],
)
def test_what_is_not_json_is_broken_with_the_byte_where_it_stops_being_it(content, byte):
    with pytest.raises(Broken, match=f"^f.json: byte {byte}: "):
        read_json(content, "f.json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_read_by_its_byte_order_mark(encoding):
    assert read_json('{"名":[1]}'.encode(encoding)) == {"名": [1]}


def test_a_wrong_byte_order_mark_is_broken():
    with pytest.raises(Broken, match="do not fit the byte order mark"):
        read_json(b'\xff\xfe{"a":1} ' + b"\x00")


def test_items_come_one_by_one_and_what_follows_the_damage_does_not():
    content = json.dumps({"data": [{"n": n} for n in range(20_000)]}).encode()
    assert len(items(content)) == 20_000 and items(b"\xef\xbb\xbf" + content)[0] == {"n": 0}
    found = json_items(io.BytesIO(content[: len(content) // 2]), "data.item", "f.json")
    assert next(found) == {"n": 0}
    with pytest.raises(Broken, match=f"^f.json: before byte {len(content) // 2:,}: the file ends in the middle"):
        list(found)


def test_a_large_utf16_document_is_refused_with_what_to_do():
    with pytest.raises(Broken, match="UTF-16 is not read in a file of this size; save it as UTF-8"):
        items('{"data":[1]}'.encode("utf-16"))


@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_read_to_the_bound_and_not_a_bracket_deeper(brackets):
    def nested(depth: int) -> bytes:
        return brackets[0] * depth + b"1" + brackets[1] * depth

    assert read_json(nested(JSON_DEPTH))
    for read in (read_json, items):
        with pytest.raises(Broken, match=f"nested more than {JSON_DEPTH} deep"):
            read(nested(JSON_DEPTH + 1))
        with pytest.raises(Broken, match=f"nested more than {JSON_DEPTH} deep"):
            read(nested(1_000_000))


def test_brackets_in_strings_and_side_by_side_are_not_nesting(monkeypatch):
    value = {"data": ["[" * 500, '\\"{' * 500, "\\" * 333, [[], {}] * 500]}
    content = json.dumps(value).encode()
    for chunk in (1, 2, 3, 7, 4096):
        monkeypatch.setattr(containers, "_CHUNK", chunk)
        assert read_json(content) == value
    assert items(content) == value["data"]
