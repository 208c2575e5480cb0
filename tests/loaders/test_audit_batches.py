"""The audit log read in batches says what it says record by record: whatever the shape, the size of a batch, the order, and what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from loaders import audit_shapes
from loaders.base import Options, Source
from loaders.formats import unified_audit_log
from tests.support import audit
from tests.support.golden import buffer_facts

HERE = Path(__file__).parent
UAL = HERE.parents[2] / "shared" / "data" / "01_m365_ual"
NOW = 1_700_000_000
needs_samples = pytest.mark.skipif(not UAL.is_dir(), reason="the real samples are not here")


def said(path: Path, small: int, rows: int = 20_000, size: int = 8 << 20) -> list[str] | str:
    """Facts, sorted, or the error. A fact that lies in a mailbox twice is one: only there the place may be either's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_shapes, "SMALL", small)
        patch.setattr(audit_shapes, "BATCH_ROWS", rows)
        patch.setattr(audit_shapes, "BATCH_BYTES", size)
        out = FactBuffer()
        try:
            unified_audit_log.read(Source(path, path.name), Options(now=NOW), out)
        except LoadError as error:
            return str(error)
    facts = buffer_facts(out, "x")
    return sorted({json.dumps({k: v for k, v in fact.items() if k != "place" or fact["kind"] != "HOLDS"}, sort_keys=True) for fact in facts})


def agree(path: Path, **batch: int) -> None:
    single, many = said(path, 1 << 40), said(path, 0, **batch)
    assert single == many


def sign_in(number: int, user: str, **more: Any) -> dict[str, Any]:
    return audit.record(number, "UserLoggedIn", user, RecordType=15, Workload="AzureActiveDirectory", ClientIP=f"192.0.2.{number % 5}:12", **more)


def opened(number: int, user: str, *messages: str, **more: Any) -> dict[str, Any]:
    owner = audit.of(user if user in audit.SERVERS else audit.ALICE)
    return audit.record(number, "MailItemsAccessed", user, **audit.access("Bind"), **owner, Folders=[audit.bind("\\Inbox", *messages)]) | more


@pytest.mark.parametrize("letter", "ABCDEH")
@pytest.mark.parametrize("rows", [1, 7, 20_000])
def test_batches_say_what_single_records_say(tmp_path, letter, rows):
    agree(audit.write(tmp_path / "x", letter, audit.records()), rows=rows)
    agree(audit.write(tmp_path / "x", letter, audit.records()[::-1] + audit.records()), rows=rows)


@pytest.mark.parametrize("size", [200, 3000])
def test_a_line_may_lie_in_several_pieces_of_a_file(tmp_path, size):
    path = tmp_path / "x.ndjson"
    path.write_text("\n\n".join(json.dumps(one) for one in audit.records()))
    agree(path, size=size)


def test_the_golden_log_is_read_alike_in_batches():
    agree(HERE / "unified_audit_log" / "input.csv")


@needs_samples
@pytest.mark.parametrize("name", ["auditrecords.csv", "o365_management_api_sekoia.ndjson", "panther_microsoft365_tests.ndjson"])
def test_the_real_logs_are_read_alike_in_batches(name):
    agree(UAL / name)


def test_unusual_values_of_usual_records_are_read_as_by_themselves(tmp_path):
    alice, bob = audit.ALICE, audit.BOB
    records = [
        opened(1, alice, "one", "two"), opened(2, alice, "one", CreationTime="2023-06-01T10:02:00.123Z"), opened(3, alice, "one", CreationTime="nonsense"),
        opened(4, alice, "three", CreationTime=5) | {"SessionId": "  s "}, opened(5, alice) | {"Folders": None}, opened(6, alice) | {"Folders": {"Path": "x"}},
        opened(7, alice) | {"Folders": [{"Path": "Not Available", "Name": "n", "FolderItems": [{"InternetMessageId": "<請求@x>"}, {"InternetMessageId": ""}, {}]}]},
        opened(8, alice) | {"Folders": [5, {"FolderItems": [{"InternetMessageId": 7}, 8]}]}, opened(9, bob, "x") | {"MailboxOwnerUPN": ["no"]},
        opened(10, "S-1-5-18", "by app", AppId=audit.APP), opened(11, "S-1-5-18", "upkeep"), opened(12, f"ServicePrincipal_{audit.APP}", "by app"),
        opened(13, alice, "x", AppAccessContext={"AADSessionId": "from access", "ClientAppId": audit.APP}) | {"SessionId": None},
        opened(14, alice, "x", AppAccessContext=[{"AADSessionId": "no"}]) | {"SessionId": ""}, opened(15, alice, "x") | {"Id": "no guid"},
        sign_in(16, alice, DeviceProperties=audit.pairs(SessionId="device"), ExtendedProperties=audit.pairs(UserAgent="agent")), sign_in(17, "S-1-5-18"),
        sign_in(18, alice, LogonError="x", ExtendedProperties="none"), opened(19, alice, "x", AuditData=opened(20, bob, "y")), {"value": [opened(21, bob, "z")]},
        opened(22, alice, "x", LogonType=2, UserType="0"), opened(23, alice, "x", LogonType="2", ResultStatus=True), opened(24, alice, "x", Number=1e300),
    ]  # fmt: skip
    throttled = opened(25, alice, "x")
    throttled["OperationProperties"] = audit.pairs(MailAccessType="Bind", IsThrottled="True")
    path = tmp_path / "x.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in [*records, throttled, opened(1, bob, "copy")]))
    agree(path)
    agree(path, size=2000)


def test_a_record_that_is_cut_short_and_its_whole_copy_count_once_in_either_order(tmp_path):
    whole = audit.shape("A", [opened(1, audit.ALICE, "one"), opened(2, audit.ALICE, "two")]).decode().splitlines()
    cut = whole[1].replace('""LogonType""', '""LogonType', 1).replace("}]}]}", "", 1)
    for lines in ([*whole[1:], cut], [cut, *whole[1:]]):
        (tmp_path / "x.csv").write_text("\n".join([whole[0], *lines]) + "\n")
        agree(tmp_path / "x.csv")


_JUNK = st.one_of(st.none(), st.integers(-5, 5), st.text(max_size=8), st.lists(st.integers(0, 2), max_size=2), st.just({"Name": 5}), st.just([{"Name": "Identity", "Value": 7}]))
_BUSY = [one for one in audit.records() if one["Operation"] in ("MailItemsAccessed", "UserLoggedIn", "UserLoginFailed")]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_records_are_read_alike(tmp_path, data):
    records = [dict(one) for one in data.draw(st.lists(st.sampled_from(_BUSY), min_size=1, max_size=8))]
    for number, one in enumerate(records):
        for key in data.draw(st.lists(st.sampled_from(sorted(one)), max_size=3)):
            one[key] = data.draw(_JUNK)
        if data.draw(st.booleans()) and isinstance(one["Id"], str):
            one["Id"] = f"{number:08x}{one['Id'][8:]}"
    path = tmp_path / "x.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    agree(path, size=data.draw(st.sampled_from([500, 8 << 20])))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(letter=st.sampled_from("ACDE"), cut=st.floats(0.02, 1), flip=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_truncated_and_damaged_files_are_read_alike(tmp_path, letter, cut, flip, byte):
    raw = bytearray(audit.shape(letter, _BUSY))
    raw[flip % len(raw)] = byte
    (tmp_path / "x").write_bytes(raw[: int(len(raw) * cut)])
    agree(tmp_path / "x")
