"""JSON read in columns: what is found is what a parser finds, what is not JSON is left to one, and values become what single functions make."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphmodel import identity
from loaders import jsoncells, messageids
from loaders.audit_who import guid
from loaders.jsonbatch import padded
from loaders.jsoncells import ASK, GOOD, NONE
from loaders.jsonscan import Names, objects

NAMES = Names("Id", "Name", "名前")
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**17), 10**17), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(NAMES.keys), st.text(max_size=9)), inner, max_size=5)),
    max_leaves=12,
)
_OBJECTS = st.dictionaries(st.one_of(st.sampled_from(NAMES.keys), st.text(max_size=12)), _VALUES, max_size=6)


def scan(texts: list[bytes]):
    """(data, found) of texts one after another."""
    data = padded(b"\n".join(texts))
    ends = np.cumsum([len(text) + 1 for text in texts]) - 1
    return data, objects(data, ends - [len(text) for text in texts], ends, NAMES)


def column(values: list[str | None]):
    """(data, spans) of JSON texts; None: absent."""
    data = padded("\n".join(value or "" for value in values).encode())
    sizes = np.array([len((value or "").encode()) for value in values])
    ends = np.cumsum(sizes + 1) - 1
    return data, np.stack([np.where([value is None for value in values], -1, ends - sizes), ends], axis=1)


@settings(max_examples=300, deadline=None)
@given(st.lists(_OBJECTS, min_size=1, max_size=6), st.sampled_from([None, 1]), st.booleans())
def test_values_stand_where_a_parser_finds_them(records, indent, ascii_only):
    data, found = scan([json.dumps(record, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") for record in records])
    for at, row in enumerate(found.row):
        for key in NAMES.keys:
            start, end = found.span(key)[at]
            assert (start >= 0) == (key in records[row])
            if start >= 0:
                assert orjson.loads(data[start:end].tobytes()) == records[row][key]
    assert sorted([*found.row.tolist(), *np.flatnonzero(found.bad).tolist()]) == list(range(len(records)))


@settings(max_examples=400, deadline=None)
@given(_OBJECTS, st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(list(b'{}[]",:\\ \n\x01tfn0-1e.u9ax'))), min_size=1, max_size=3), st.floats(0, 1))
def test_what_a_parser_refuses_is_never_taken(record, changes, cut):
    text = bytearray(json.dumps(record).encode())
    for at, byte in changes:
        text[at % len(text)] = byte
    text = bytes(text[: max(int(len(text) * (0.5 + cut)), 1)])
    _, found = scan([text])
    if not found.bad[0]:
        assert isinstance(orjson.loads(text), dict | list)


def test_what_is_no_object_is_left_to_a_parser_and_of_keys_that_come_twice_the_last_counts():
    data, found = scan([b'[{"Id": 1}]', b"[]", b"5", b'{"Id": 2, "Id": 3}', b"{}", b" "])
    assert found.row.tolist() == [3, 4] and found.bad.tolist() == [True, True, True, False, False, True]
    assert [orjson.loads(data[slice(*span)].tobytes()) if span[0] >= 0 else None for span in found.span("Id")] == [3, None]


_ITEMS = st.lists(st.dictionaries(st.sampled_from(["Mid", "Size", "Mid2"]), _VALUES, max_size=3), max_size=3)
_FOLDERS = st.lists(st.fixed_dictionaries({}, optional={"Path": _VALUES, "x": _VALUES, "Items": _ITEMS}), max_size=3)
_NESTED = st.fixed_dictionaries(
    {}, optional={"Id": _VALUES, "Folders": st.one_of(_FOLDERS, _VALUES), "Client": st.one_of(st.fixed_dictionaries({}, optional={"Ip": _VALUES, "y": _VALUES}), _VALUES)}
)  # fmt: skip
_TREE = Names("Id", one={"Client": Names("Ip")}, many={"Folders": Names("Path", many={"Items": Names("Mid")})})


def _fits(record) -> bool:
    """Whether the values that are looked into are what their names say."""

    def listed(value, key="") -> bool:
        return isinstance(value, list) and all(isinstance(item, dict) and (not key or key not in item or listed(item[key])) for item in value)

    return ("Client" not in record or isinstance(record["Client"], dict)) and ("Folders" not in record or listed(record["Folders"], "Items"))


@settings(max_examples=400, deadline=None)
@given(st.lists(_NESTED, min_size=1, max_size=4), st.sampled_from([None, 1]))
def test_objects_within_values_are_found_in_order_and_what_does_not_fit_is_left_to_a_parser(records, indent):
    texts = [json.dumps(record, indent=indent).encode() for record in records]
    data = padded(b"\n".join(texts))
    ends = np.cumsum([len(text) + 1 for text in texts]) - 1
    found = objects(data, ends - [len(text) for text in texts], ends, _TREE)

    def value(span):
        return orjson.loads(data[span[0] : span[1]].tobytes()) if span[0] >= 0 else "absent"

    good = [record for record, bad in zip(records, found.bad, strict=True) if not bad]
    assert [_fits(record) for record in good] == [True] * len(good)
    assert all(re.search(rb"\\u|\d[eE]", text) or not _fits(record) for record, text, bad in zip(records, texts, found.bad, strict=True) if bad)
    folders, items, clients = found.inner["Folders"], found.inner["Folders"].inner["Items"], found.inner["Client"]
    assert [value(span) for span in found.span("Folders")] == [record.get("Folders", "absent") for record in good]
    wanted = [(at, folder) for at, record in enumerate(good) for folder in record.get("Folders", [])]
    assert list(zip(folders.row.tolist(), map(value, folders.span("Path")), strict=True)) == [(at, folder.get("Path", "absent")) for at, folder in wanted]
    inside = [(at, item.get("Mid", "absent")) for at, (_, folder) in enumerate(wanted) for item in folder.get("Items", [])]
    assert list(zip(items.row.tolist(), map(value, items.span("Mid")), strict=True)) == inside
    assert list(zip(clients.row.tolist(), map(value, clients.span("Ip")), strict=True)) == [
        (at, record["Client"].get("Ip", "absent")) for at, record in enumerate(good) if "Client" in record
    ]
    assert [value(span) for span in found.of_each("Client")["Ip"]] == [record.get("Client", {}).get("Ip", "absent") for record in good]


def test_texts_are_read_with_their_escapes_and_other_values_are_null():
    values = ["plain", 'q"\\/\b\f\n\r\t', "請求書 é", ""]
    given = [json.dumps(value, ensure_ascii=ascii_only) for value in values for ascii_only in (True, False)]
    data, spans = column([*given, "5", "null", None])
    assert jsoncells.texts(data, spans).to_list() == [value for value in values for _ in range(2)] + [None] * 3


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.one_of(st.sampled_from('<>@. "AzZ9\x7f'), st.characters(exclude_categories=["Cs"])), max_size=150), min_size=1, max_size=5))
def test_keys_of_messages_are_those_of_single_messages_or_are_asked_for(ids):
    data, spans = column([*(json.dumps(id_) for id_ in ids), "5", None])
    keys, state = messageids.message_keys(data, spans)
    for id_, key, how in zip(ids, keys.to_list(), state, strict=False):
        wanted = identity.message_key(id_, None)
        assert how == ASK or (wanted is None if how == NONE else key == wanted)
        assert how != ASK or not id_.isascii() or "\\" in json.dumps(id_) or "\x7f" in id_
    assert state[-2:].tolist() == [NONE, NONE]


@pytest.mark.parametrize("length", [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 300])
def test_a_message_id_of_any_length_has_its_key(length):
    data, spans = column([json.dumps("A" * length)])
    keys, state = messageids.message_keys(data, spans)
    assert (keys[0] if state[0] == GOOD else None) == identity.message_key("A" * length, None)


def test_guids_are_read_in_lower_case_and_others_are_asked_for():
    good = "0F8FAD5B-d9cb-469f-a165-70867728950e"
    values = [good, good.replace("-", "x"), "00000000-0000-0000-0000-000000000000", f"{{{good}}}", ""]
    data, spans = column([*(json.dumps(value) for value in values), "7", None])
    keys, numbers, state = jsoncells.guids(data, spans, "obs:x/")
    assert keys[0] == f"obs:x/{guid(good)}" and state.tolist() == [GOOD, ASK, ASK, ASK, ASK, ASK, NONE]
    assert numbers.astype(">u8").tobytes()[:16].hex() == good.replace("-", "").lower()


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), st.integers(0, 18), st.sampled_from("0123459-T: "))  # noqa: DTZ001
def test_times_are_those_of_the_calendar_or_are_asked_for(moment, at, byte):
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    changed = text[:at] + byte + text[at + 1 :]
    data, spans = column([json.dumps(text), json.dumps(changed), "5", None])
    seconds, state = jsoncells.times(data, spans, 0, 1 << 40)
    assert (seconds[0], state.tolist()[0]) == (int(moment.replace(microsecond=0, tzinfo=UTC).timestamp()), GOOD)
    assert state.tolist()[2:] == [ASK, NONE]
    if state[1] == GOOD:
        assert seconds[1] == int(datetime.fromisoformat(changed).replace(tzinfo=UTC).timestamp())


def test_marks_are_the_same_only_where_all_columns_are():
    one, first = column(['"a"', '"a"', '"ab"', '"a"'])
    _, second = column(['"b"', '"b"', '"b"', None])
    marks = jsoncells.marks(one, first, np.where(second < 0, -1, first))
    assert marks[0] == marks[1] and len({*marks.tolist()}) == 3
