"""Archives in place: what is in a zip, 7z, tar or packed file is loaded as if it lay there by itself, within bounds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphmodel.errors import LoadError
from graphmodel.facts import FactBuffer
from hakyu.case import Case
from loaders import archives, registry, spool
from loaders.archives import opened
from loaders.base import Options, Source
from loaders.containers import Limits
from loaders.sources import each_source, sources
from tests.support.exports import MAILBOXES, PERMISSIONS, SAMPLES, new_case
from tests.support.golden import buffer_facts, facts_of

HERE = Path(__file__).parent
NOW = 1_700_000_000
FILES = {"a/mailboxes.csv": MAILBOXES.encode(), "b/permissions.csv": PERMISSIONS.encode()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def sevenzipped(files: Mapping[str, bytes], password: str | None = None) -> bytes:
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w", password=password) as archive:
        for name, content in files.items():
            archive.writestr(content, name)
    return stream.getvalue()


KINDS = {
    "x.zip": zipped, "x.7z": sevenzipped, "x.tar": tarred, "x.tar.gz": lambda files: gzip.compress(tarred(files)),
    "x.tgz": lambda files: gzip.compress(tarred(files)), "x.tar.bz2": lambda files: bz2.compress(tarred(files)),
    "x.tar.xz": lambda files: lzma.compress(tarred(files)),
}  # fmt: skip


def put(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def opening(path: Path, limits: Limits) -> list[Source]:
    return list(opened(Source(path, path.name), lambda _: False, limits))


def fault(path: Path, limits: Limits | None = None) -> str:
    """Why the archive cannot be opened, or its one member not be read, in one line."""
    (source,) = opening(path, limits or Limits())
    try:
        registry.recognise(source)
    except LoadError as error:
        assert "\n" not in str(error)
        return str(error)
    return ""


# -- the same as by itself ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> dict[str, Path]:
    """The fixture of every format, except of those that take a zip with it in as a whole."""
    folder = tmp_path_factory.mktemp("zips")
    found = {f"{path.parent.name}/{path.name}": path for path in sorted(HERE.glob("*/input.*")) if path.is_file()}
    zips = {name: put(folder, "x.zip", zipped({name: path.read_bytes()})) and sources(folder / "x.zip")[0].name for name, path in found.items()}
    return {name: found[name] for name, source in zips.items() if source != "x.zip"}


@pytest.mark.parametrize("kind", ["x.zip", "x.7z", "x.tar.gz"])
def test_a_file_of_any_format_says_the_same_from_within_an_archive(kind, tmp_path, inputs):
    files = inputs
    path = put(tmp_path, kind, KINDS[kind]({name: file.read_bytes() for name, file in files.items()}))
    seen = []
    for source in each_source(path):
        archive, _, name = source.name.partition("!")
        assert archive == kind
        try:
            fmt, _ = registry.recognise(source)
            out = FactBuffer()
            fmt.read(source, Options(now=NOW), out)
            found: object = buffer_facts(out, fmt.NAME)
        except LoadError as error:
            found = str(error).partition(": ")[2]
        try:
            alone: object = facts_of(files[name], now=NOW)
        except LoadError as error:
            alone = str(error).partition(": ")[2]
        assert found == alone, name
        seen.append(name)
    assert len(seen) > 20
    assert set(seen) == set(files)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_loads_like_the_files_in_it_and_a_second_time_changes_nothing(kind, tmp_path):
    case = new_case(tmp_path)
    path = put(tmp_path, kind, KINDS[kind](FILES))
    first = case.load([path])
    assert [(line.name, line.status) for line in first.files] == [(f"{kind}!a/mailboxes.csv", "loaded"), (f"{kind}!b/permissions.csv", "loaded")]
    assert first.exit_code == 0
    again = case.load([path])
    assert [line.status for line in again.files] == ["known", "known"] and again.state == first.state
    plain = put(tmp_path, "mailboxes.csv", FILES["a/mailboxes.csv"])
    assert [line.status for line in case.load([plain]).files] == ["known"]
    case.close()


def test_a_fact_leads_to_the_archive_and_the_member_it_was_read_from(tmp_path):
    case = new_case(tmp_path)
    case.load([put(tmp_path, "exports.7z", sevenzipped(FILES))])
    facts = case.cypher("MATCH (a:Account)-[f:FULL_ACCESS]->(m:Mailbox) RETURN f.fact")["f.fact"].to_list()
    assert {place["source"] for place in case.where(facts)} == {"get_mailbox_permission:exports.7z!b/permissions.csv"}
    case.close()


def test_a_packed_file_is_called_without_its_ending_and_an_mbox_keeps_its_folder(tmp_path):
    text = (HERE / "mbox" / "input.mbox").read_bytes().replace(b"X-Gmail-Labels", b"X-None")
    (source,) = sources(put(tmp_path, "Sent.mbox.gz", gzip.compress(text)))
    assert source.name == "Sent.mbox.gz!Sent.mbox"
    fmt, _ = registry.recognise(source)
    out = FactBuffer()
    fmt.read(source, Options(now=NOW, mailbox="suzuki@city.example"), out)
    assert fmt.NAME == "mbox" and out.records > 4
    assert set(out.frames()["HOLDS"]["folder"]) == {"Sent"}


def test_the_real_audit_log_in_its_7z_is_the_same_load_as_the_file_itself():
    folder = SAMPLES / "01_m365_ual"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside the project")
    packed, plain = sources(folder / "auditrecords.7z") + sources(folder / "auditrecords.csv")
    assert packed.name == "auditrecords.7z!auditrecords.csv"
    assert (packed.sha256, packed.size, packed.head) == (plain.sha256, plain.size, plain.head)
    assert plain.size == 38_886_358
    assert registry.recognise(packed)[0] is registry.recognise(plain)[0]


@pytest.mark.parametrize("name", ["05_active_directory/ad_sampledata.zip", "04_entra/entraexporter_huntress2025_angler.zip"])
def test_a_zip_that_a_format_takes_as_a_whole_stays_one_source(name):
    if not SAMPLES.is_dir():
        pytest.skip("no ../shared/data beside the project")
    (source,) = sources(SAMPLES / name)
    assert source.name == Path(name).name and type(source) is Source


def test_what_no_format_claims_in_an_archive_is_passed_over_and_the_rest_is_loaded(tmp_path):
    case = new_case(tmp_path)
    report = case.load([put(tmp_path, "x.zip", zipped({"notes.txt": b"just words", "__MACOSX/._x": b"litter", **FILES}))])
    assert {line.name: line.status for line in report.files} == {
        "x.zip!a/mailboxes.csv": "loaded", "x.zip!b/permissions.csv": "loaded", "x.zip!notes.txt": "passed over",
    }  # fmt: skip
    assert report.exit_code == 0
    case.close()


def test_a_document_that_merely_is_a_zip_is_not_opened(tmp_path):
    path = put(tmp_path, "letter.docx", zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}))
    assert [source.name for source in sources(path)] == ["letter.docx"]
    assert "not a format hakyu knows" in fault(path)


def test_archives_within_a_folder_and_within_an_archive_are_opened_and_deeper_ones_are_said(tmp_path):
    inner = zipped(FILES)
    (tmp_path / "all").mkdir()
    put(tmp_path / "all", "outer.tar.gz", gzip.compress(tarred({"in.zip": inner, "deep.zip": zipped({"deeper.zip": inner})})))
    found = {source.name: source.fault for source in sources(tmp_path / "all")}
    assert list(found) == [
        "all/outer.tar.gz!in.zip!a/mailboxes.csv", "all/outer.tar.gz!in.zip!b/permissions.csv", "all/outer.tar.gz!deep.zip!deeper.zip",
    ]  # fmt: skip
    assert [name for name, why in found.items() if why] == ["all/outer.tar.gz!deep.zip!deeper.zip"]
    assert "too deep" in str(found["all/outer.tar.gz!deep.zip!deeper.zip"])


def test_sources_of_a_list_can_be_read_in_any_order_and_again(tmp_path):
    for kind, make in KINDS.items():
        first, second = sources(put(tmp_path, kind, make(FILES)))
        for _ in range(2):
            with second.open() as one, first.open() as other:
                assert other.read(10) + one.read() + other.read() == FILES["a/mailboxes.csv"][:10] + FILES["b/permissions.csv"] + FILES["a/mailboxes.csv"][10:]
        with first.open() as stream:
            assert stream.seek(-5, io.SEEK_END) == len(FILES["a/mailboxes.csv"]) - 5
            assert stream.read() == FILES["a/mailboxes.csv"][-5:]


def test_what_is_unpacked_has_no_name_in_the_temporary_folder(tmp_path, monkeypatch):
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    monkeypatch.setattr(spool, "_IN_MEMORY", 16)
    for kind, make in KINDS.items():
        for source in each_source(put(tmp_path, kind, make(FILES))):
            with source.open() as stream:
                assert stream.read() in FILES.values()
                assert list(room.iterdir()) == [], kind


# -- bounds ------------------------------------------------------------------------------------------------------------

TIGHT = Limits(members=3, total=100_000, ratio=10, ratio_from=20_000)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_of_too_many_members_is_refused(kind, tmp_path):
    path = put(tmp_path, kind, KINDS[kind]({f"{i}.txt": b"x" for i in range(4)}))
    assert "members, more than 3" in fault(path, TIGHT) or "more than 3 members" in fault(path, TIGHT)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "x.tar"])
def test_a_member_that_unpacks_to_far_more_than_it_is_packed_is_refused(kind, tmp_path):
    assert "unpacks to" in fault(put(tmp_path, kind, KINDS[kind]({"bomb.csv": bytes(90_000)})), TIGHT)


def test_a_packed_stream_is_cut_off_where_it_passes_the_bounds_and_not_unpacked_first(tmp_path, monkeypatch):
    written = []
    real = spool.Spool.write
    monkeypatch.setattr(spool.Spool, "write", lambda self, data: written.append(len(data)) or real(self, data))
    path = put(tmp_path, "bomb.gz", gzip.compress(bytes(300 << 20)))
    assert "more than 250 times its size" in fault(path)
    assert 64 << 20 < sum(written) < 80 << 20


def test_total_size_is_bounded_whatever_the_ratio(tmp_path):
    noise = bytes(range(256)) * 400
    limits = Limits(total=50_000)
    for kind in ("x.zip", "x.7z", "x.tar.gz"):
        assert "unpacks to" in fault(put(tmp_path, kind, KINDS[kind]({"big.csv": noise})), limits)


@pytest.mark.parametrize("name", ["../out.csv", "/etc/passwd", "C:/x.csv", "a/../../x.csv", "bad\x1b[2Jname.csv", "bad\u202ename.csv"])
def test_a_name_that_leads_out_or_cannot_be_shown_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.setattr("py7zr.py7zr.check_archive_path", lambda _: True)
    for kind in ("x.zip", "x.tar", "x.7z"):
        said = fault(put(tmp_path, kind, KINDS[kind]({name: b"x"})))
        assert "leads out of it or cannot be shown" in said and said.isprintable(), kind


def test_links_and_devices_of_a_tar_are_passed_over(tmp_path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for number, type_ in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)):
            info = tarfile.TarInfo(f"{number}")
            info.type, info.linkname = type_, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("real.csv")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"a,b"))
    assert [source.name for source in sources(put(tmp_path, "x.tar", stream.getvalue()))] == ["x.tar!real.csv"]


def test_two_members_of_one_name_in_a_7z_are_refused(tmp_path):
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w") as archive:
        archive.writestr(b"1", "a.csv")
        archive.writestr(b"2", "a.csv")
    assert "same name" in fault(put(tmp_path, "x.7z", stream.getvalue()))


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_locked_archive_says_so(tmp_path):
    assert "protected by a password" in fault(put(tmp_path, "x.7z", sevenzipped({"a.csv": b"x"}, password="p")))


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_cut_short_ends_in_one_line_and_loads_nothing(kind, tmp_path):
    whole = KINDS[kind]({"permissions.csv": PERMISSIONS.encode() * 30})
    path = put(tmp_path, kind, whole[: len(whole) // 2])
    case = new_case(tmp_path)
    report = case.load([path])
    assert report.exit_code == 3 and not case.loads()
    (line,) = report.files
    assert line.status == "not loaded" and "\n" not in line.sentence() and line.name.startswith(kind)
    assert any(word in line.sentence() for word in ("damaged", "cut short", "no readable end")), line.sentence()
    case.close()


def test_a_damaged_member_does_not_keep_the_others_from_loading(tmp_path):
    data = bytearray(zipped(FILES))
    at = data.find(b"a/mailboxes.csv") + 60
    data[at : at + 4] = b"\xff\xff\xff\xff"
    case = new_case(tmp_path)
    report = case.load([put(tmp_path, "x.zip", bytes(data))])
    assert [(line.name, line.status) for line in report.files] == [("x.zip!a/mailboxes.csv", "not loaded"), ("x.zip!b/permissions.csv", "loaded")]
    assert report.exit_code == 3 and len(case.loads()) == 1
    case.close()


def test_a_full_temporary_folder_is_said_in_words(tmp_path, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    class Full(tempfile.SpooledTemporaryFile):
        write = full

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Full)
    said = fault(put(tmp_path, "x.csv.gz", gzip.compress(b"a,b\n")))
    assert "no room to unpack it" in said and "TMPDIR" in said


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), cut=st.integers(0, 4000), at=st.integers(0, 4000), new=st.binary(min_size=1, max_size=6))
def test_a_mutated_archive_ends_in_sources_or_in_a_clear_refusal(kind, cut, at, new):
    data = bytearray(KINDS[kind](FILES))
    data[at % len(data) : at % len(data) + len(new)] = new
    if cut < len(data):
        data = data[: len(data) - cut]
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder), kind, bytes(data))
        for source in opened(Source(path, kind), lambda _: False, archives.LIMITS):
            try:
                registry.recognise(source)
                with source.open() as stream:
                    stream.read()
            except LoadError as error:
                assert "\n" not in str(error)


def test_a_case_is_as_it_was_after_an_archive_that_cannot_be_opened(tmp_path):
    case = new_case(tmp_path)
    before = case.load([put(tmp_path, "x.zip", zipped(FILES))]).state
    assert case.load([put(tmp_path, "y.7z", b"7z\xbc\xaf\x27\x1c" + bytes(60))]).exit_code == 3
    assert Case(case.folder, {}).ledger.state() == case.ledger.state()
    assert case.graph().state() == before
    case.close()
