"""Contact lists as they are published: their columns, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from loaders.contact_list import read
from tests.support.fuzz import mutated

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


TIMES = [(20, 1, 2), (20, 3, 4), (40, 2, 3), (60, 4, 1), (80, 3, 2), (100, 1, 4)]


@pytest.mark.parametrize(("line", "said"), [
    ("{t}\t{i}\t{j}", "without a header: when, who, whom; one way as written, --undirected where contacts have no direction"),
    ("{t} {i} {j} 3B MP*1", "without a header: when, who, whom, class, class; one way as written, --undirected where contacts have no direction"),
    ("{t} {i} {j} 7", "without a header: who, whom, weight, when"),
    ("{t} {i} {j} {drop}", "without a header: when, who, whom, and more"),
    ("{i} {j} {t}", "without a header: who, whom, when"),
    ("{i},{j},{drop},{t}.5", "without a header: who, whom, weight, when"),
    ("{i} {j} 10{t:08} 10{t:08}", "without a header: who, whom, from, until: each contact at its beginning"),
])  # fmt: skip
def test_columns_without_a_header_are_told_by_what_they_hold(tmp_path, line, said):
    path = tmp_path / "tij.dat"
    path.write_text("".join(line.format(t=t, i=i, j=j, drop=900 - t * 3) + "\n" for t, i, j in TIMES))
    found = read(path)
    assert found.note == said
    if "weight, when" not in said or "drop" in line:
        assert found.lines == 6
        assert len(set(found.time.tolist())) == 5
        assert (found.source[0], found.target[0], found.source[3], found.target[3]) == (0, 1, 3, 0)


def test_a_list_sorted_by_person_is_not_taken_for_one_sorted_by_time(tmp_path):
    path = tmp_path / "sorted.txt"
    path.write_text("1 2 9\n1 3 4\n2 1 7\n3 2 5\n")
    assert read(path).time.tolist() == [9, 4, 7, 5]


@pytest.mark.parametrize("text", [
    "# timestamp,user_a,user_b,rssi\n5,a,b,-50\n6,b,c,-88\n", "# FromNodeId\tToNodeId\tTime\na\tb\t5\nb\tc\t6\n", ",source,target,timestamp\n0,a,b,5\n1,b,c,6\n",
    "SOURCE_SUBREDDIT\tTARGET_SUBREDDIT\tPOST_ID\tTIMESTAMP\tPROPERTIES\na\tb\tx\t5\t1,2\nb\tc\ty\t6\t3,4\n", 'From;To;Sent At\n"a";"b";5\nb;c;6\n',
    "% asym positive\n7 8\t1\t5\n8 9 1 6\n",
])  # fmt: skip
def test_headers_of_published_lists_are_known(tmp_path, text):
    path = tmp_path / "contacts"
    path.write_text(text)
    assert rows(path) == ROWS


def test_dates_are_times(tmp_path):
    path = tmp_path / "mail.csv"
    path.write_text("sender,recipient,sent_at\na,b,1867-01-01\nb,c,2020-01-01 10:00:00\nc,d,2020-01-01T12:00:00.5+02:00\nd,e,2020/01/01 10:00:01\n")
    assert read(path).time.tolist() == [-3250368000, 1577872800, 1577872800.5, 1577872801]


def test_times_that_a_float_cannot_tell_apart_stay_apart(tmp_path):
    path = tmp_path / "nanoseconds.txt"
    path.write_text("a b 1700000000000000001\nb c 1700000000000000002\n")
    assert read(path).time.tolist() == [1700000000000000001, 1700000000000000002]


def test_two_groups_of_nodes_are_numbered_each_for_itself(tmp_path):
    path = tmp_path / "out.bip"
    path.write_text("% bip unweighted\n1 1 1 5\n2 1 1 6\n")
    assert rows(path) == [(0, 1, 5), (2, 1, 6), (1, 0, 5), (1, 2, 6)]


def test_a_list_that_says_no_times_is_not_counted(tmp_path):
    path = tmp_path / "out.static"
    for text in ("% asym weighted\n1 2 5\n2 3 6\n", "1 2\n2 3\n", "%%MatrixMarket matrix coordinate pattern general\n3 3 2\n2 1\n3 2\n"):
        path.write_text(text)
        with pytest.raises(LoadError, match="holds no times"):
            read(path)


def test_a_matrix_with_times_is_read_without_its_size_line(tmp_path):
    path = tmp_path / "temporal.mtx"
    path.write_text("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\na b 1 5\nb c 1 6\n")
    found = read(path)
    assert (found.lines, len(found.source), found.time.tolist()) == (2, 4, [5, 6, 5, 6])


def test_scans_that_met_nobody_are_passed_over_and_told(tmp_path):
    path = tmp_path / "bluetooth.csv"
    path.write_text("timestamp,user_a,user_b,rssi\n0,1,2,-50\n300,2,-1,0\n300,2,-2,-9\n300,2,3,-80\n600,3,4,-80\n")
    assert rows(path) == [(0, 1, 0), (1, 4, 300), (4, 5, 600)]
    assert read(path).note == "by its header, 2 lines about nobody (a negative number) passed over"


def test_a_contact_that_lasts_is_said_to_count_at_its_beginning(tmp_path):
    path = tmp_path / "spans.csv"
    path.write_text("i,j,start,end\na,b,5,9\nb,c,6,7\n")
    assert rows(path) == ROWS
    assert read(path).note == "by its header, each contact at its beginning"


@pytest.mark.parametrize("pack", ["zip", "tar.bz2", "xz", "bz2"])
def test_packed_lists_are_read_in_place_and_their_readme_passed_over(tmp_path, pack):
    path, text = tmp_path / f"contacts.{pack}", b"% asym positive\na b 1 5\nb c 1 6\n"
    if pack == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.html", "<p>")
            archive.writestr("contacts.edges", text)
    elif pack == "tar.bz2":
        with tarfile.open(path, "w:bz2") as archive:
            for name, data in (("list/README.list", b"words"), ("list/meta.list", b"a: b"), ("list/out.list", text)):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    else:
        path.write_bytes({"xz": lzma, "bz2": bz2}[pack].compress(text))
    assert rows(path) == ROWS


def test_an_archive_of_several_lists_is_refused(tmp_path):
    path = tmp_path / "contacts.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a b 5\n")
        archive.writestr("b.txt", "a b 5\n")
    with pytest.raises(LoadError, match="holds 2 files, of which more than one"):
        read(path)


def test_a_packed_list_is_read_in_place(tmp_path):
    path = tmp_path / "contacts.txt.gz"
    path.write_bytes(gzip.compress(b"a b 5\nb c 6\n"))
    assert rows(path) == ROWS


@pytest.mark.parametrize(("content", "message"), [
    (b"a b 5\na b\n", "contacts.txt: line 2: has 2 columns, but when is column 3; say --columns"),
    (b"a b soon\n", "contacts.txt: line 1: 'soon' is no time (number or date); say --columns if it stands elsewhere"),
    (b"a b 5\n\na b inf\n", "contacts.txt: line 3: 'inf' is no time (number or date); say --columns if it stands elsewhere"),
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


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), good=st.sampled_from([
    b"% bip weighted\n1 2 1 5\n2 3 1 6\n", b"20\t1\t2\n40\t2\t3\n60\t1\t3\n", b"# t,user_a,user_b\n5,1,2\n6,2,-1\n", gzip.compress(b"1 2 5\n", mtime=0),
    bz2.compress(b"1 2 5\n"), lzma.compress(b"1 2 5\n"), b"%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n1 2 1 5\n", b'from,to,date\n"a, b",c,2020-01-01T00:00:00Z\n',
]))  # fmt: skip
def test_a_mutated_list_is_read_or_refused_in_one_line(tmp_path, data, good):
    path = tmp_path / "contacts"
    path.write_bytes(mutated(data, good, [b" ", b",", b"\n", b"1", b"%", b'"'], [b"", b"\0", b"\xff", b"9" * 400, b"nan", b"-", b"1e999"]))
    try:
        found = read(path)
    except LoadError as error:
        assert "\n" not in str(error) and len(str(error)) < 300
    else:
        assert len(found.source) == len(found.target) == len(found.time) >= found.lines >= 0
