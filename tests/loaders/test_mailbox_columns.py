"""Mailboxes read many rows at once say what they say row by row."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import reading
from loaders.base import FactBuffer, Options, Source
from loaders.formats import get_mailbox
from loaders.reading import Table

_WHO = [*(f"{name}@x.example" for name in "abcdefgh"), "B@x.example", " a@x.example ", "<c@x.example>", "smtp:d@y.example", "a+tag@x.example", "o'neil@x.example",
        "ſ@x.example", "名@例え.example", "a@x.-example", f"a@{'x' * 64}.example", "s-1-5-18@x.example", "nobody", "", "??", "a\x1f@x.example"]  # fmt: skip
_EMAILS = [
    "SMTP:a@x.example smtp:A2@x.example", "{SMTP:b@x.example, smtp:b2@x.example}", "SMTP:c@x.example;smtp:c2@x.example; SIP:c@x.example;", "System.Object[]", "",
    "SMTP:d@x.example X500:/o=X/ou=Exchange Administrative Group (F)/cn=Recipients/cn=d SPO:SPO_1@x", "a@x.example b@x.example", "a@x.example,e2@x.example",
    "X500:/o=X/cn=a,b", "smtp:e@x.example  smtp:e@x.example SPO:1@x", "{}", "{", "{a2@x.example", "one two", "SMTP:f@x.example ", "smtp:not-an-address", "????",
    "smtp:a@x.example EUM:1;phone-context=y", "mailto:g@x.example", "smtp:名@例え.example smtp:ok@x.example", "smtp:a@x.example\x1csmtp:z@x.example",
]  # fmt: skip
_FLAG = st.sampled_from(["", "", "True", "False", "??"])
_DATE = st.sampled_from(["", "-", "2022-10-02T01:00:05Z", "2022-10-02 01:00:05", "5/18/2021 9:13:33 PM", "1/1/1601 12:00:00 AM", "3/4/2021 12:00:07 AM", "3/4/2021", "18/5/2021 13:00:00", "2/30/2021 1:00:00 PM", "0:1:2", "never", "??"])
_TYPE = ["UserMailbox", "UserMailbox", "UserMailbox", "SharedMailbox", " RoomMailbox", "GroupMailbox", "MailUser", "RemoteUserMailbox", "", "System.Object"]
_COLUMNS: dict[str, Any] = {
    "DisplayName": st.sampled_from(["A", " A b ", "山田 花子", "", "", "???? ??", "? odd", "Microsoft.X.Y", "System", "x\x1f"]),
    "Name": st.sampled_from(["", "n", "??", " n "]),
    "PrimarySmtpAddress": st.sampled_from(_WHO),
    "UserPrincipalName": st.sampled_from(_WHO),
    "RecipientTypeDetails": st.sampled_from(_TYPE),
    "EmailAddresses": st.sampled_from(_EMAILS),
    "ForwardingSmtpAddress": st.sampled_from(["", "", "", "", "smtp:a@z.example", "x/y"]),
    "GrantSendOnBehalfTo": st.sampled_from(["", "", "", "", "a@x.example; b@x.example", "Somebody"]),
    "ExternalDirectoryObjectId": st.sampled_from(["", "0000000A-0000-4000-8000-00000000000f", "no guid", "??"]),
    "LegacyExchangeDN": st.sampled_from(["", "/o=X/ou=Y/cn=Recipients/cn=A", "/o=X", "no"]),
    "WhenMailboxCreated": _DATE,
    "WhenCreated": _DATE,
    "AuditEnabled": _FLAG,
}


def said(path: Path) -> tuple[list[str], list[Any], list[str], int]:
    """Each fact as often as it was stated."""
    out = FactBuffer()
    get_mailbox.read(Source(path, "x"), Options(now=1_700_000_000), out)
    facts = [f"{kind} {sorted((k, v) for k, v in row.items() if v is not None)}" for kind, frame in out.frames().items() for row in frame.to_dicts()]
    return sorted(facts), out.refused, out.notes, out.records


def _written(path: Path, columns: Any, rows: Any, quoting: int = csv.QUOTE_ALL) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, quoting=quoting)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), columns=st.sets(st.sampled_from(list(_COLUMNS)), min_size=3), quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), size=st.sampled_from([200, 1 << 20]))
def test_many_rows_at_once_say_what_single_rows_say(tmp_path, data, columns, quoting, size):
    names = [name for name in _COLUMNS if name in columns | {"PrimarySmtpAddress"}]
    path = _written(tmp_path / "x.csv", names, data.draw(st.lists(st.tuples(*(_COLUMNS[name] for name in names)), min_size=1, max_size=14)), quoting)
    with pytest.MonkeyPatch.context() as patch:
        chunks = reading.columns.chunks
        patch.setattr("loaders.csv_rows.columns.chunks", lambda stream: chunks(stream, size))
        many = said(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "blocks", lambda table, *_: iter(table))
        assert said(path) == many


@pytest.mark.parametrize("column", ["AuditEnabled", "EmailAddresses", "DisplayName"])
def test_usual_rows_are_stated_in_columns(tmp_path, monkeypatch, column):
    """Rows that all went one by one would agree too."""
    monkeypatch.setattr("loaders.formats.get_mailbox._owner", None)
    texts = {"AuditEnabled": "False", "EmailAddresses": "System.Object[]", "DisplayName": "????"}
    rows = [[f"{name}@x.example", "UserMailbox", f"{name}@x.example", texts[column]] for name in "abc"]
    facts, _, notes, _ = said(_written(tmp_path / "x.csv", ["PrimarySmtpAddress", "RecipientTypeDetails", "UserPrincipalName", column], rows))
    assert sum(fact.startswith("Account ") for fact in facts) == 3 and any("3 rows" in note for note in notes)
