"""Contact lists as they are published: their columns, and what is refused."""

from __future__ import annotations

import gzip

import pytest

from graphmodel.errors import LoadError
from loaders.contact_list import read

ROWS = [(0, 1, 5.0), (1, 2, 6.0)]


def rows(path, **options):
    found = read(path, **options)
    return list(zip(found.source.tolist(), found.target.tolist(), found.time.tolist(), strict=True))


@pytest.mark.parametrize("text", [
    "a b 5\nb c 6\n", "src dst time\na b 5\nb c 6\n", "a,b,5\r\nb,c,6\r\n", "% asym positive\n% 2 3 3\na b 1 5\nb c 1 6\n", "# remark\na\tb\t5\nb\tc\t6",
    'time,"source","target"\n5,a,b\n6,b,c\n', "\ufeffwho;whom;when\na;b;5.0\nb;c;6.0\n", "a b -1 5\nb c -1 6\n",
])  # fmt: skip
def test_columns_are_found_by_header_or_by_number(tmp_path, text):
    path = tmp_path / "contacts.txt"
    path.write_text(text, encoding="utf-8")
    assert rows(path) == ROWS


def test_columns_can_be_named_and_a_header_over_them_is_passed_over(tmp_path):
    path = tmp_path / "tij.txt"
    path.write_text("5 a b x\n6 b c y\n", encoding="utf-8")
    assert rows(path, columns=["when", "who", "whom", "class"]) == ROWS
    path.write_text("t i j\n5 a b\n6 b c\n", encoding="utf-8")
    assert rows(path, columns=["when", "who", "whom"]) == rows(path) == ROWS


def test_contacts_without_a_direction_count_both_ways(tmp_path):
    path = tmp_path / "out.sym"
    path.write_text("% sym unweighted\na b 1 5\n", encoding="utf-8")
    assert rows(path) == [(0, 1, 5.0), (1, 0, 5.0)]
    path.write_text("a b 5\n", encoding="utf-8")
    assert rows(path, undirected=True) == [(0, 1, 5.0), (1, 0, 5.0)]


def test_a_packed_list_is_read_in_place(tmp_path):
    path = tmp_path / "contacts.txt.gz"
    path.write_bytes(gzip.compress(b"a b 5\nb c 6\n"))
    assert rows(path) == ROWS


@pytest.mark.parametrize(("content", "message"), [
    (b"a b 5\na b\n", "contacts.txt: line 2: has 2 columns, but when is column 3; say --columns"),
    (b"a b soon\n", "contacts.txt: line 1: 'soon' is no time (a number); say --columns if it stands elsewhere"),
    (b"a b 5\n\na b inf\n", "contacts.txt: line 3: 'inf' is no time (a number); say --columns if it stands elsewhere"),
    (b"% nothing\n", "contacts.txt: holds no contacts; a line reads: who whom when"),
    (b"\xff\xfe\x00", "contacts.txt: is no text in UTF-8; give a contact list as text"),
])  # fmt: skip
def test_what_cannot_be_read_is_one_line_with_its_place(tmp_path, content, message):
    path = tmp_path / "contacts.txt"
    path.write_bytes(content)
    with pytest.raises(LoadError) as caught:
        read(path)
    assert str(caught.value) == message


def test_a_file_that_breaks_off_or_is_not_there_is_refused(tmp_path):
    path = tmp_path / "contacts.txt.gz"
    path.write_bytes(gzip.compress(b"a b 5\n" * 1000)[:-20])
    with pytest.raises(LoadError, match="cannot be read"):
        read(path)
    with pytest.raises(LoadError, match="no such file"):
        read(tmp_path / "gone.txt")
    with pytest.raises(LoadError, match="name one who, one whom and one when"):
        read(path, columns=["who", "when"])
