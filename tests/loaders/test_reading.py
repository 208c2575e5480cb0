"""The shared reader: encodings, CSV as it really comes, dates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from graphmodel.facts import FactBuffer
from loaders import dates
from loaders.base import Broken, Options, Source
from loaders.encodings import encoding_of
from loaders.reading import Table, header_of, is_type_name, split_list

TEXT = "name,address\r\n山田 花子,hana@nisc.example\r\n外務省 連絡係,y@ministry.example\r\n"


def source_of(tmp_path, content: bytes) -> Source:
    path = tmp_path / "given.csv"
    path.write_bytes(content)
    return Source(path, path.name)


def table_of(tmp_path, content: bytes | str, *, date_columns=(), **options) -> tuple[Table, FactBuffer]:
    data = content.encode() if isinstance(content, str) else content
    out = FactBuffer()
    return Table(source_of(tmp_path, data), Options(**options), out, dates=date_columns), out


def places(out: FactBuffer) -> list[str]:
    return [refused.place for refused in out.refused]


@pytest.mark.parametrize(
    ("content", "codec"),
    [
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8-sig"),
        (TEXT.encode(), "utf-8"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("cp932"), "cp932"),
        (TEXT.encode("iso2022_jp"), "iso2022_jp_ext"),
    ],
)
def test_every_encoding_of_an_export_gives_the_same_names(tmp_path, content, codec):
    table, _ = table_of(tmp_path, content)
    assert encoding_of(source_of(tmp_path, content), Options()).codec == codec
    assert [row["name"] for row in table] == ["山田 花子", "外務省 連絡係"]


def test_an_inferred_encoding_is_told_and_a_sure_one_is_not(tmp_path):
    assert "CP932" in table_of(tmp_path, TEXT.encode("cp932"))[1].notes[0]
    assert table_of(tmp_path, TEXT.encode())[1].notes == []


def test_the_stated_encoding_is_used_where_there_is_no_byte_order_mark(tmp_path):
    table, _ = table_of(tmp_path, TEXT.encode("euc_jp"), encoding="euc_jp")
    assert next(iter(table))["name"] == "山田 花子"
    table, _ = table_of(tmp_path, b"\xff\xfe" + TEXT.encode("utf-16-le"), encoding="euc_jp")
    assert next(iter(table))["name"] == "山田 花子"


def test_a_stated_encoding_that_does_not_fit_breaks_the_file_and_says_the_line(tmp_path):
    with pytest.raises(Broken, match="line 2: the bytes are not utf-8"):
        table_of(tmp_path, TEXT.encode("cp932"), encoding="utf-8")
    with pytest.raises(Broken, match="'klingon' is not an encoding"):
        table_of(tmp_path, TEXT, encoding="klingon")


def test_bytes_of_no_encoding_break_the_file_instead_of_becoming_question_marks(tmp_path):
    with pytest.raises(Broken, match="line 2: neither UTF-8"):
        table_of(tmp_path, b"name\r\nM\xfcller\x81\r\n\xa0\xfd\xff\r\n")


def test_a_file_cut_inside_a_character_is_broken_and_not_taken_for_another_encoding(tmp_path):
    with pytest.raises(Broken, match="ends in the middle of a character"):
        table_of(tmp_path, "name\n山田\n花子".encode()[:-1])


def test_utf_16_that_is_cut_is_broken(tmp_path):
    table, _ = table_of(tmp_path, (b"\xff\xfe" + TEXT.encode("utf-16-le"))[:-1])
    with pytest.raises(Broken, match="after row 2: the bytes are not text"):
        list(table)


@pytest.mark.parametrize(("delimiter", "other"), [(",", ";"), (";", ","), ("\t", ","), ("|", ";")])
def test_the_delimiter_is_told_by_the_header_alone(tmp_path, delimiter, other):
    table, _ = table_of(tmp_path, f"a{delimiter}b\n1{other}1{other}1{other}1{delimiter}2\n")
    assert table.delimiter == delimiter
    assert [row["b"] for row in table] == ["2"]


def test_line_ends_may_be_mixed_and_lie_inside_quotes(tmp_path):
    table, out = table_of(tmp_path, b'a,b\r\n1,"x\r\ny"\n2,z\r3,"p\nq"\r\n\r\n4,last')
    assert [(row.number, row["a"], row["b"]) for row in table] == [
        (2, "1", "x\r\ny"), (3, "2", "z"), (4, "3", "p\nq"), (6, "4", "last"),
    ]  # fmt: skip
    assert out.records == 4 and not out.refused


def test_header_names_are_normalised_and_both_copies_of_a_name_are_kept(tmp_path):
    table, _ = table_of(tmp_path, "Application ID ,Autonomous system  number,Date [UTC],Incoming token type,Incoming token type\n1,2,3,4,5\n")
    assert table.header == ["application id", "autonomous system number", "date", "incoming token type", "incoming token type#2"]
    (row,) = table
    assert (row["incoming token type"], row["incoming token type#2"]) == ("4", "5")


def test_a_type_line_before_the_header_is_passed_over(tmp_path):
    table, _ = table_of(tmp_path, "#TYPE Selected.System.String\r\n\"a\",\"b\"\r\n\"1\",\"2\"\r\n")
    (row,) = table
    assert table.header == ["a", "b"] and row.place == "row 3"
    assert header_of(source_of(tmp_path, b"sep=;\na;b\n")) == {"a", "b"}


def test_a_header_without_rows_is_an_empty_table_and_no_error(tmp_path):
    table, out = table_of(tmp_path, "a,b\r\n")
    assert list(table) == [] and out.records == 0


def test_a_file_without_a_header_is_broken(tmp_path):
    with pytest.raises(Broken, match="no header row"):
        table_of(tmp_path, "\n\n")


def test_rows_of_the_wrong_width_are_refused_with_their_place_and_counted(tmp_path):
    table, out = table_of(tmp_path, "a,b\n1,2\n1\n1,2,3\n3,4\n")
    assert [row["a"] for row in table] == ["1", "3"]
    assert places(out) == ["row 3", "row 4"] and out.records == 4
    assert (out.refused[0].what, out.refused[0].why) == ("1 cells", "not as many cells as the header, 2")


def test_a_row_with_a_nul_byte_is_refused_and_the_next_one_is_read(tmp_path):
    table, out = table_of(tmp_path, "a,b\n1,2\n3,\0\n5,6\n")
    assert [row["a"] for row in table] == ["1", "5"]
    assert places(out) == ["row 3"]


def test_a_row_with_broken_quoting_is_refused_and_the_next_one_is_read(tmp_path):
    table, out = table_of(tmp_path, 'a,b\n1,"x" y\n5,6\n')
    assert [row["a"] for row in table] == ["5"]
    assert places(out) == ["row 2"]


def test_a_file_cut_inside_a_quoted_cell_is_broken(tmp_path):
    table, _ = table_of(tmp_path, 'a,b\n1,2\n3,"cut of')
    with pytest.raises(Broken, match="row 3: the file ends inside quotes"):
        list(table)


def test_a_cell_of_a_megabyte_is_normal(tmp_path):
    table, _ = table_of(tmp_path, f'a,b\n1,"{"x" * 1_000_000}"\n')
    assert len(next(iter(table))["b"]) == 1_000_000


def test_a_missing_column_is_named_with_those_that_were_found(tmp_path):
    table, _ = table_of(tmp_path, "Alpha,Beta\n1,2\n")
    with pytest.raises(Broken, match="no column gamma; found: alpha, beta"):
        table.require("alpha", "gamma")


def test_names_of_question_marks_only_are_unknown_and_told(tmp_path):
    table, out = table_of(tmp_path, "name,n\n???? ??,1\nWho?,2\n")
    assert [row["name"] for row in table] == ["", "Who?"]
    assert out.notes == [
        "column name: 1 row (first: row 2) with only question marks: the export lost non-ASCII names, export again with -Encoding UTF8"
    ]


@pytest.mark.parametrize("text", ["System.Collections.ArrayList", "System.String[]", "Microsoft.Exchange.Data.ProxyAddressCollection"])
def test_the_name_of_a_type_is_no_value(tmp_path, text):
    table, out = table_of(tmp_path, f"addresses,n\n{text},1\n")
    assert [row["addresses"] for row in table] == [""]
    assert text in out.notes[0]


@pytest.mark.parametrize("text", ["Microsoft.com", "System admins", "SYSTEM", "Microsoft Teams", "s.tanaka@nisc.example"])
def test_an_ordinary_cell_is_not_taken_for_the_name_of_a_type(text):
    assert not is_type_name(text)


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ("a@x.example; b@x.example", ["a@x.example", "b@x.example"]),
        ("{a@x.example, b@x.example}", ["a@x.example", "b@x.example"]),
        ("a@x.example b@x.example", ["a@x.example", "b@x.example"]),
        ("SMTP:a@x.example smtp:b@x.example X500:/o=A B/cn=c", ["SMTP:a@x.example", "smtp:b@x.example", "X500:/o=A B/cn=c"]),
        ("Ken Sato", ["Ken Sato"]),
        ("CN=Ken,OU=Users,DC=nisc", ["CN=Ken,OU=Users,DC=nisc"]),
        ("{}", []),
        ("", []),
    ],
)
def test_a_list_cell_is_split_however_it_was_joined(cell, items):
    assert split_list(cell) == items


def seconds(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-05-18T21:13:33", seconds(2021, 5, 18, 21, 13, 33)),
        ("2026-01-24T06:54:24.0000000Z ", seconds(2026, 1, 24, 6, 54, 24)),
        ("2024-01-25T15:16:09.843Z", seconds(2024, 1, 25, 15, 16, 9)),
        ("2022-10-01T00:00:00+09:00", seconds(2022, 9, 30, 15)),
        ("5/18/2021 9:13:33 PM", seconds(2021, 5, 18, 21, 13, 33)),
        ("16/12/2025 12:19:16 AM", seconds(2025, 12, 16, 0, 19, 16)),
        ("4/28/2021, 3:05:26.000 PM", seconds(2021, 4, 28, 15, 5, 26)),
        ("13.06.2023 09:05", seconds(2023, 6, 13, 9, 5)),
        ("2023/06/13 9:05:00", seconds(2023, 6, 13, 9, 5)),
        ("/Date(1694859875000)/", 1694859875),
        ("132982099209777070", 1653736320),
        ("20200109193126.0Z", seconds(2020, 1, 9, 19, 31, 26)),
        ("1694859875", 1694859875),
        ("1694859875000", 1694859875),
        ("1694859875000000", 1694859875),
        ("Mon, 14 May 2001 16:39:00 -0700 (PDT)", seconds(2001, 5, 14, 23, 39)),
        ("Mon, 14 May 2001 16:39:00 JST", seconds(2001, 5, 14, 7, 39)),
        ("2023/06/13 9:05:00 JST", seconds(2023, 6, 13, 0, 5)),
        ("2023-06-13 09:05:00+09", seconds(2023, 6, 13, 0, 5)),
        ("Tue Jun 13 09:05:00 2023", seconds(2023, 6, 13, 9, 5)),
        ("Tue Jun 13 09:05:00 JST 2023", seconds(2023, 6, 13, 0, 5)),
        ("Tuesday, June 13, 2023 9:05:00 AM", seconds(2023, 6, 13, 9, 5)),
        ("13-Jun-2023 09:05:00", seconds(2023, 6, 13, 9, 5)),
        ("13/Jun/2023:09:05:00 +0900", seconds(2023, 6, 13, 0, 5)),
        ("20230613T090500Z", seconds(2023, 6, 13, 9, 5)),
    ],
)
def test_every_date_form_becomes_seconds_utc(text, moment):
    assert dates.moment(text) == moment


@pytest.mark.parametrize(
    "text", ["", "soon", "2023-02-30", "31/31/2020", "1979-12-31", "0", "9223372036854775807", "Tue, 21 May 102 10:00:00 -0700", "25:00"]
)
def test_what_is_no_date_or_cannot_be_believed_is_a_bad_date(text):
    with pytest.raises(dates.BadDate):
        dates.moment(text)


def test_a_date_more_than_a_day_after_the_load_is_not_believed():
    now = seconds(2024, 1, 1)
    assert dates.moment("2024-01-01T23:59:59", now=now) > now
    with pytest.raises(dates.BadDate, match="in the future"):
        dates.moment("2024-01-02T00:00:01", now=now)


def test_day_and_month_are_settled_by_any_value_of_the_file_that_can_be_only_one(tmp_path):
    table, out = table_of(tmp_path, "at\n5/01/2026 1:10:40 AM\n16/12/2025 12:19:16 AM\n", date_columns=("at",), date_order="mdy")
    assert [row.date("at") for row in table] == [seconds(2026, 1, 5, 1, 10, 40), seconds(2025, 12, 16, 0, 19, 16)]
    assert out.notes == ["dates read as day/month/year: some of the file can be nothing else"]


@pytest.mark.parametrize(("order", "month", "day"), [("dmy", 1, 5), ("mdy", 5, 1)])
def test_the_analyst_settles_day_and_month_where_the_file_does_not(tmp_path, order, month, day):
    table, _ = table_of(tmp_path, "at\n5/01/2026\n", date_columns=("at",), date_order=order)
    assert not table.ambiguous_dates
    assert [row.date("at") for row in table] == [seconds(2026, month, day)]


def test_day_and_month_are_never_guessed(tmp_path):
    table, out = table_of(tmp_path, "at\n5/01/2026\n", date_columns=("at",))
    assert table.ambiguous_dates
    assert [row.date("at") for row in table] == [None]
    assert "--date-order" in out.notes[0]


def test_a_file_that_writes_both_orders_settles_nothing(tmp_path):
    table, _ = table_of(tmp_path, "at\n16/12/2025\n12/16/2025\n5/01/2026\n", date_columns=("at",))
    assert table.ambiguous_dates
    assert [row.date("at") for row in table] == [seconds(2025, 12, 16), seconds(2025, 12, 16), None]


def test_a_bad_date_keeps_the_row_and_is_told_with_its_column(tmp_path):
    table, out = table_of(tmp_path, "who,at\na,1601-01-01\nb,soon\nc,2022-10-01\n", date_columns=("at",))
    assert [(row["who"], row.date("at")) for row in table] == [("a", None), ("b", None), ("c", seconds(2022, 10, 1))]
    assert out.notes == ["column at: 2 rows (first: row 2) with a bad date, taken as unknown: '1601-01-01' is before 1990"]
    assert not out.refused
