"""Rights read many rows at once say what they say row by row."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import columns
from loaders.base import FactBuffer, Options, Source
from loaders.formats import get_mailbox_permission, get_recipient_permission
from loaders.reading import Table

_WHO = st.sampled_from(["a@x.example", "B@x.example", " a@x.example ", "Some Name", "some  name", "<a@x.example>", "corp.example/ou/x", "c@y.example", "", "System.Object[]", "??"])
_TRUSTEE = st.sampled_from(["a@x.example", "A@x.example", "s-1-5-18@x.example", "o'neil@x.example", "x\x1f",  "NT AUTHORITY\\SELF", "CONTOSO\\Organization Management", "S-1-5-21-1-2-3-4", "bob", "B@X.example", "", 'x "q" y', "line\nbreak"])
_RIGHT = st.sampled_from(["FullAccess", "{FullAccess, ReadPermission}", "SendAs", "ReadPermission", "", "System.Collections.X"])
_FLAG = st.sampled_from(["True", "False", "", "yes", "Deny", "Allow"])
_COLUMNS: dict[Any, dict[str, Any]] = {
    get_mailbox_permission: {"Identity": _WHO, "User": _TRUSTEE, "AccessRights": _RIGHT, "Deny": _FLAG, "IsInherited": _FLAG, "PrimarySmtpAddress": _WHO},
    get_recipient_permission: {"Identity": _WHO, "Trustee": _TRUSTEE, "AccessRights": _RIGHT, "AccessControlType": _FLAG, "Inherited": _FLAG},
}


def said(format_: Any, path: Path) -> tuple[list[str], list[Any], list[str], int]:
    """Each fact as often as it was stated."""
    out = FactBuffer()
    format_.read(Source(path, "x"), Options(), out)
    facts = [f"{kind} {sorted((k, v) for k, v in row.items() if v is not None)}" for kind, frame in out.frames().items() for row in frame.to_dicts()]
    return sorted(facts), out.refused, out.notes, out.records


@pytest.mark.parametrize("format_", _COLUMNS, ids=lambda format_: format_.NAME)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), size=st.sampled_from([120, 1 << 20]))
def test_many_rows_at_once_say_what_single_rows_say(tmp_path, format_, data, quoting, size):
    given_columns = _COLUMNS[format_]
    path = tmp_path / "x.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, quoting=quoting)
        writer.writerow(given_columns)
        writer.writerows(data.draw(st.lists(st.tuples(*given_columns.values()), min_size=1, max_size=12)))
    with pytest.MonkeyPatch.context() as patch:
        chunks = columns.chunks
        patch.setattr(columns, "chunks", lambda stream: chunks(stream, size))
        many = said(format_, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "blocks", lambda table, *_: iter(table))
        assert said(format_, path) == many


def test_columns_are_used_at_all(tmp_path, monkeypatch):
    """Rows that all went one by one would agree too."""
    monkeypatch.setattr("loaders.rights_columns.Rights._row", None)
    path = tmp_path / "x.csv"
    path.write_text("Identity,User,AccessRights\na@x.example,bob,FullAccess\na@x.example,NT AUTHORITY\\SELF,FullAccess\n")
    facts, _, notes, records = said(get_mailbox_permission, path)
    assert records == 2 and sum("FullAccess" in str(fact) for fact in facts) == 1
    assert notes == ["1 row on the trustee's own mailbox"]
