"""Many rows at once: the same facts, refusals and notes as row by row, whatever stands in a file and wherever it is cut into parts."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import columns, dates, zeek_lines
from loaders.base import Broken, FactBuffer, Options, Source
from loaders.reading import Row, Table
from tests.support.golden import facts_of

HERE = Path(__file__).parent
NOW = 1_700_000_000
TOKENS = ["a", "b", '"', '""', ",", ",", "\n", "\r\n", "\r", "é", " ", 'x"y', '"q"', '"q,r"', '"1\n2"', "2022-01-01T00:00:00Z", "1/2/2022", "a,b\n", '"a","b"\n', '"a","b"\r\n']
LOGS = ["msgtrk", "msgtrk_2010", "message_trace", "message_trace_extended", "message_trace_summary", "sentinel_security_event", "lanl_auth", "lanl_redteam", "zeek_conn"]
SMALL = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def given_log(name: str) -> Path:
    folder = HERE / name
    if not folder.is_dir():
        pytest.skip(f"there is no fixture {name}")
    (path,) = folder.glob("input.*")
    return path


def cut_into(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Let files be read in parts of about so many bytes."""
    whole = columns.chunks
    monkeypatch.setattr(columns, "chunks", lambda stream, _=0: whole(stream, size))
    monkeypatch.setattr(zeek_lines, "_CHUNK", size)


@SMALL
@given(text=st.lists(st.sampled_from(TOKENS), max_size=20).map("".join), width=st.integers(1, 3))
def test_what_is_called_plain_is_split_as_the_csv_module_splits_it(text, width):
    found = columns.texts_of(text.encode(), width, ",", range(width)) if columns.is_plain(text.encode(), ",") else None
    if found is not None:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert [list(row) for row in zip(*(column.to_pylist() for column in found), strict=True)] == rows


def test_whole_lines_of_quoted_cells_are_plain_and_broken_quoting_is_not():
    for text in ('"a","b"\n"c",""\n', "a,b\r\nc,d\r\n", 'a,"x ""y"" z"\n', '"1\n2",b\n'):
        assert columns.is_plain(text.encode(), ",") and columns.texts_of(text.encode(), 2, ",", [1]) is not None, text
    for text in ('"a"b,c\n', 'a,b"c\n', '","é,"q"\n', "a,b\n\nc,d\n", "a\0,b\n", "a,b", "a,b\rc,d\n"):
        assert not columns.is_plain(text.encode(), ","), text
    assert columns.texts_of(b"a,b\nc\n", 2, ",", [0]) is None


@SMALL
@given(body=st.lists(st.sampled_from(TOKENS), max_size=24).map("".join), size=st.sampled_from([5, 20, 60, 1000]))
def test_blocks_of_a_table_hold_the_same_rows_as_iterating(tmp_path, body, size):
    path = tmp_path / "given.csv"
    path.write_bytes(("h1,h2\n" + body).encode())

    def rows(as_blocks: bool) -> object:
        out = FactBuffer()
        try:
            table = Table(Source(path, path.name), Options(), out, dates=("h2",))
            pieces = table.blocks("h1") if as_blocks else iter(table)
            found = [row for piece in pieces for row in ([piece] if isinstance(piece, Row) else [piece.row(at) for at in range(len(piece))])]
            said = [(row.number, row.raw("h1"), row["h2"], row.date("h2")) for row in found]
        except Broken as error:
            return str(error)
        return said, out.refused, out.records, sorted(out.notes)

    with pytest.MonkeyPatch.context() as patch:
        cut_into(patch, size)
        assert rows(True) == rows(False)


@pytest.mark.parametrize("size", [60, 400, 1 << 20])
@pytest.mark.parametrize("name", LOGS)
def test_a_log_says_the_same_as_columns_and_row_by_row(monkeypatch, name, size):
    path = given_log(name)
    cut_into(monkeypatch, size)
    many = facts_of(path, now=NOW)
    monkeypatch.setattr(columns, "texts_of", lambda *_, **__: None)
    assert many == facts_of(path, now=NOW)


@SMALL
@given(st.lists(st.from_regex(r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,7})?Z?", fullmatch=True), min_size=1, max_size=20))
def test_times_of_a_column_are_those_of_one_by_one(texts):
    seconds, good = columns.moments(pa.array(texts), NOW)
    for text, second, is_good in zip(texts, seconds.tolist(), good.tolist(), strict=True):
        try:
            wanted: int | None = dates.moment(text, None, NOW)
        except dates.BadDate:
            wanted = None
        assert (wanted == second) if is_good else (wanted is None or wanted > NOW), text
