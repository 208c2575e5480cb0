"""Bad input: one clear line with file and place, a non-zero exit, and the graph as it was or whole."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from hakyu.case import Case
from tests.support.exports import AGENCY, MAILBOXES, PERMISSIONS, TRACE, load, new_case, write
from tests.support.run import hakyu

USERS = {"data": [{"ObjectIdentifier": "S-1-5-21-1-2-3-1001", "Properties": {"name": "A@B.EXAMPLE", "domain": "B.EXAMPLE"}}],
         "meta": {"methods": 0, "type": "users", "count": 1, "version": 6}}  # fmt: skip
GOOD = json.dumps(USERS).encode()


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"20240101000000_{name}.json", content)
    return stream.getvalue()


BROKEN: dict[str, tuple[str, bytes, str, str]] = {
    # what: (file, bytes, place, words)
    "an unknown format": ("notes.txt", b"just some notes\n", "notes.txt", "not a format hakyu knows"),
    "an empty file": ("empty.csv", b"", "empty.csv", "the file is empty"),
    "truncated JSON": ("20240101000000_users.json", GOOD[: len(GOOD) // 2], "byte", "ends in the middle"),
    "JSON that is none": ("20240101000000_users.json", GOOD.replace(b'"Properties":', b'"Properties" '), "byte", "not JSON"),
    "truncated zip": ("bh.zip", zipped(users=GOOD * 3)[:200], "byte 200", "no readable end"),
    "truncated JSON in a zip": ("bh.zip", zipped(users=GOOD[: len(GOOD) // 2]), "users.json: byte", "ends in the middle"),
    "bytes in no encoding": ("mailboxes.csv", MAILBOXES.encode() + b'"\x81\xff\xfe\x80","x"\r\n', "line 5", "neither UTF-8"),
    "UTF-16 cut in a character": ("mailboxes.csv", b"\xff\xfe" + MAILBOXES.encode("utf-16-le")[:-1], "row", "text"),
    "a missing column": ("trace.csv", TRACE.replace("MessageId", "Ident").encode(), "header", "no column messageid"),
    "dates of unknown order": ("trace.csv", TRACE.replace("2022-11-03T01:00:00Z", "04/05/2022 1:00:00 AM").encode(), "dates", "--date-order"),
    "a file that ends inside quotes": ("permissions.csv", PERMISSIONS.encode()[:-20], "row 3", "ends inside quotes"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_ends_in_one_line_with_its_place_and_changes_nothing(what, tmp_path):
    name, content, place, words = BROKEN[what]
    case = new_case(tmp_path)
    load(case, tmp_path / "good", AGENCY)
    before = case.graph().dump()
    state = case.graph().state()
    case.close()
    write(tmp_path / "bad", {name: content})

    done = hakyu(tmp_path / "case", "load", tmp_path / "bad" / name)

    assert done.code == 3
    (line,) = [line for line in done.out.splitlines() if line.startswith(f"{name}: ")]
    assert "not loaded" in line and place in line and words in line
    assert "Traceback" not in done.out + done.err
    after = Case(tmp_path / "case", {})
    assert after.graph().state() == state
    assert same(after.graph().dump(), before)
    after.close()


def same(one, other) -> bool:
    return all(a.keys() == b.keys() and all(a[k].equals(b[k]) for k in a) for a, b in zip(one, other, strict=True))


def test_a_file_that_breaks_midway_in_a_job_leaves_the_others_whole(tmp_path):
    case = new_case(tmp_path)
    report = load(case, tmp_path, AGENCY | {"zz.csv": PERMISSIONS.encode()[:-20]})
    assert report.exit_code == 3
    assert [line.status for line in report.files] == ["loaded", "loaded", "loaded", "not loaded"]
    assert len(case.loads()) == 3 and case.graph().state() == report.state
    case.close()


@pytest.mark.parametrize(
    ("encoding", "text"), [("utf-8-sig", MAILBOXES), ("utf-16", MAILBOXES), ("utf-16-le", MAILBOXES), ("cp932", MAILBOXES), ("iso2022_jp", MAILBOXES)]
)
def test_every_usual_encoding_is_read_to_the_same_names(encoding, text, tmp_path):
    case = new_case(tmp_path)
    report = load(case, tmp_path, {"mailboxes.csv": text.replace("Suzuki Ichiro", "鈴木一郎").encode(encoding)})
    assert report.exit_code == 0, report.files
    assert "鈴木一郎" in case.graph().nodes().filter(kind="Mailbox")["name"].to_list()
    case.close()


def test_mixed_line_endings_are_read_row_by_row(tmp_path):
    lines = PERMISSIONS.split("\r\n")
    case = new_case(tmp_path)
    report = load(case, tmp_path, {"p.csv": lines[0] + "\n" + lines[1] + "\r\n" + lines[2] + "\n"})
    assert [(line.manifest.records, line.manifest.refused) for line in report.files] == [(2, 0)]
    case.close()


def test_a_date_that_is_none_and_an_address_that_is_none_are_told_with_row_and_column(tmp_path):
    rows = TRACE.replace("2023-05-04T01:00:00Z", "some day").replace("anna@partner.example.de", "anna at partner")
    case = new_case(tmp_path)
    report = load(case, tmp_path, {"trace.csv": rows})
    (line,) = report.files
    assert report.exit_code == 6  # 1 of 4 rows refused
    assert "refused 1" in line.sentence() and "row 2" in line.sentence() and "not an address" in line.sentence()
    assert any("column received" in note and "row 5" in note for note in line.manifest.notes)
    assert case.refused(line.manifest.id) == [{"place": "row 2", "what": "anna at partner", "why": "the recipient is not an address"}]
    case.close()


def test_up_to_one_percent_refused_is_well_and_more_is_not_unless_lenient(tmp_path):
    many = PERMISSIONS + "".join(f'"desk@agency.example","u{i}@agency.example","{{FullAccess}}","False","False"\r\n' for i in range(98))
    bad = '"desk@agency.example","v@agency.example"\r\n'
    write(tmp_path, {"well.csv": many + bad * 1, "ill.csv": many + bad * 2})
    assert hakyu(tmp_path / "a", "load", tmp_path / "well.csv").code == 0
    assert hakyu(tmp_path / "b", "load", tmp_path / "ill.csv").code == 6
    assert hakyu(tmp_path / "c", "load", "--lenient", tmp_path / "ill.csv").code == 0


def test_refused_rows_can_be_written_out_and_cannot_run_as_formulas(tmp_path):
    rows = PERMISSIONS + '"=cmd()","","{FullAccess}","False","False"\r\n'
    write(tmp_path, {"p.csv": rows})
    hakyu(tmp_path / "case", "load", "--refused", tmp_path / "refused.csv", tmp_path / "p.csv")
    text = (tmp_path / "refused.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == "place,what,why" and "row 4" in text
    assert not any(cell.startswith("=") for line in text.splitlines() for cell in line.split(","))


def test_what_lies_in_a_folder_and_is_no_export_is_passed_over_but_named_and_a_copy_is_known(tmp_path):
    write(tmp_path / "exports", AGENCY | {"readme.txt": "exported by hand", "sub/more.csv": PERMISSIONS})
    done = hakyu(tmp_path / "case", "load", tmp_path / "exports")
    assert done.code == 0
    assert "exports/readme.txt: passed over: not a format hakyu knows" in done.out
    assert "exports/sub/more.csv: get_mailbox_permission: already in the case" in done.out
