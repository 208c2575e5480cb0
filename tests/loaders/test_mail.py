"""Mail files: what a message, an mbox and a mailbox folder say, whose mail it is, and what happens to what is broken."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from hakyu.case import Case, sources
from loaders import registry
from loaders.addresses import name_of, parse, text_of
from loaders.base import Broken, Options, Source
from loaders.formats import mbox
from loaders.mboxes import messages
from loaders.messages import parse_message, read_file
from tests.support.golden import check_golden, facts_of, read_into

HERE = Path(__file__).parent
NOW = 1_700_000_000
FIXTURES = {"eml": "input.eml", "mbox": "input.mbox", "maildir": "input"}


def message(**headers: str) -> str:
    body = headers.pop("body", "text")
    return "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items()) + f"\n{body}\n"


def plain(number: int, **more: str) -> str:
    return message(**{"From": "a@out.example.com", "To": "me@org.example", "Message_ID": f"<{number}@x>"} | more)


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return path


def of_kind(facts: list[dict], kind: str) -> list[dict]:
    return [fact for fact in facts if fact.get("kind") == kind]


def notes(facts: list[dict]) -> list[str]:
    return [fact["note"] for fact in facts if "note" in fact]


def refused(facts: list[dict]) -> list[dict]:
    return [fact["refused"] for fact in facts if "refused" in fact]


def owners(facts: list[dict]) -> list[str]:
    return [fact["address"] for fact in of_kind(facts, "Mailbox")]


# -- fixtures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIXTURES)
def test_a_small_mail_file_says_exactly_what_its_golden_file_lists(name):
    check_golden(HERE / name, now=NOW)


@pytest.mark.parametrize(("name", "file"), FIXTURES.items())
def test_each_fixture_is_claimed_by_its_own_format(name, file):
    fmt, claim = registry.recognise(Source(HERE / name / file, file))
    assert name == fmt.NAME and claim.strength >= 5


@pytest.mark.parametrize(("name", "file"), FIXTURES.items())
def test_no_word_of_subject_body_or_attachment_name_leaves_the_loader(name, file):
    path = HERE / name / file
    raw = b"".join(f.read_bytes() for f in path.rglob("*") if f.is_file()) if path.is_dir() else path.read_bytes()
    assert b"secret" in raw
    said = str(facts_of(path, now=NOW))
    assert "secret" not in said and "秘密" not in said


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "wanted", "bad"),
    [
        ("A <a@x.org>, b@x.org (Bee Bee)", [("a@x.org", "A"), ("b@x.org", "Bee Bee")], 0),
        ("Smith, John <a@x.org>, b@x.org", [("a@x.org", "Smith, John"), ("b@x.org", None)], 0),
        ("Boss, a@x.org", [("a@x.org", None)], 1),
        ("a@x.org; b@x.org", [("a@x.org", None), ("b@x.org", None)], 0),
        ("undisclosed-recipients:;", [], 0),
        ("staff: a@x.org, B <b@x.org>;, c@x.org", [("a@x.org", None), ("b@x.org", "B"), ("c@x.org", None)], 0),
        ('"Doe, John" <J@X.ORG>', [("j@x.org", "Doe, John")], 0),
        ("John Doe.<john.doe@x.org>", [("john.doe@x.org", "John Doe")], 0),
        ('"Anna"<a@x.org>', [("a@x.org", "Anna")], 0),
        ('"a@fake.org" <b@x.org>', [("b@x.org", None)], 0),
        ("a@fake.org <b@x.org>", [("b@x.org", None)], 0),
        ("andy at x.org (Andy G)", [("andy@x.org", "Andy G")], 0),
        ("<<a@x.org>>", [("a@x.org", None)], 0),
        ("mailto:a@x.org", [("a@x.org", None)], 0),
        ('"unclosed <a@x.org>, b@x.org', [("a@x.org", "unclosed"), ("b@x.org", None)], 0),
        ("(unclosed a@x.org", [("a@x.org", None)], 0),
        ("Allen </O=ENRON/OU=NA/CN=RECIPIENTS/CN=PALLEN>, a@x.org", [("a@x.org", None)], 1),
        ("IMCEANOTES-R@x.org, IMCEASMTP-a+40y+2Eorg@x.org", [("a@y.org", None)], 1),
        ("IMCEAEX-_O=E_CN=R@x.org", [("imceaex-_o=e_cn=r@x.org", None)], 0),
        ("matthew=2Elenhart@x.org", [("matthew.lenhart@x.org", None)], 0),
        ("a@例え.jp", [("a@xn--r8jz45g.jp", None)], 0),
        ("=?UTF-8?B?YUB4Lm9yZw==?=", [("a@x.org", None)], 0),
        ("=?utf-8?q?=0A?= <a@x.org>", [("a@x.org", None)], 0),
        ("=?ISO-2022-JP?B?GyRCTmtMWhsoQg==?= <s@x.jp>", [("s@x.jp", "鈴木")], 0),
        ("=?us-ascii?B?l+mW2A==?= <s@x.jp>", [("s@x.jp", "鈴木")], 0),
        ("=?\x00?q?Suzuki?= <s@x.jp>, =?idna?q?A..b?= <t@x.jp>", [("s@x.jp", "Suzuki"), ("t@x.jp", "A..b")], 0),
        ("", [], 0),
    ],
)
def test_an_address_header_is_read_as_people_write_it(header, wanted, bad):
    assert parse(header) == (wanted, bad)


@pytest.mark.parametrize("codec", ["iso2022_jp", "utf-8", "cp932", "euc_jp"])
def test_raw_japanese_in_a_header_is_read_whatever_its_encoding(codec):
    assert text_of("鈴木花子 <s@x.jp>".encode(codec)) == "鈴木花子 <s@x.jp>"


def test_a_name_is_never_an_address_a_link_or_a_text():
    assert name_of("Suzuki") == "Suzuki"
    assert [name_of(text) for text in ("a@b", "http://x.org/", "x" * 101, "***", "", None)] == [None] * 6


# -- times and identity ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "sent", "basis"),
    [
        ({"Date": "Mon, 10 Oct 2022 09:00:00 +0900"}, 1_665_360_000, "date"),
        ({"Date": "Mon, 10 Oct 2022 09:00:00 JST"}, 1_665_360_000, "date"),
        ({"Date": "Mon, 10 Oct 2022 09:00:00 +0900 (JST)"}, 1_665_360_000, "date"),
        ({"Date": "Mon, 31 Dec 1979 16:00:00 -0800", "Received": "by x; Mon, 10 Oct 2022 00:00:00 +0000"}, 1_665_360_000, "received"),
        ({"Date": "Thu, 18 Jul 102 00:00:00 +0000"}, None, None),
        ({"Date": "Mon, 10 Oct 2099 09:00:00 +0900"}, None, None),
        ({"Date": "yesterday"}, None, None),
        ({}, None, None),
    ],
)
def test_a_date_that_cannot_be_is_replaced_by_the_first_hop_or_left_unknown(headers, sent, basis):
    found = parse_message(plain(1, **headers).encode(), Options(now=NOW))
    assert (found.sent, found.sent_basis) == (sent, basis)


def test_copies_with_new_ids_share_the_second_key_and_other_messages_do_not():
    date = {"Date": "Mon, 10 Oct 2022 09:00:00 +0900", "Subject": "s"}
    one, copy = (parse_message(plain(i, **date).encode(), Options()) for i in (1, 2))
    other = parse_message(plain(3, **date, body="another text").encode(), Options())
    assert one.key != copy.key and one.content == copy.content != other.content


def test_a_message_without_an_id_is_known_by_its_content():
    text = "From: a@x.org\nTo: b@x.org\nSubject: s\n\nbody\n"
    assert parse_message(text.encode(), Options()).key == parse_message(text.replace("\n", "\r\n").encode(), Options()).key is not None


@pytest.mark.parametrize(
    ("type_", "body", "encrypted"),
    [
        ("application/pkcs7-mime; smime-type=enveloped-data", "x", True),
        ("application/x-pkcs7-mime; name=smime.p7m", "x", True),
        ("application/pkcs7-mime; smime-type=signed-data", "x", False),
        ("multipart/encrypted; boundary=x", "x", True),
        ("multipart/signed; boundary=x", "x", False),
        ("text/plain", "-----BEGIN PGP MESSAGE-----", True),
        ("text/plain", "x", False),
    ],
)
def test_encrypted_mail_is_told_by_its_type(type_, body, encrypted):
    assert parse_message(plain(1, Content_Type=type_, body=body).encode(), Options()).encrypted is encrypted


def test_attachments_are_counted_across_the_pieces_a_file_is_read_in():
    parts = "".join(f"--b\nContent-Disposition: attachment; filename=x\n\n{'y' * size}\n" for size in (10, 65_000, 65_436, 65_536, 70_001))
    head, attachments = read_file(io.BytesIO(plain(1, Content_Type="multipart/mixed; boundary=b", body=parts).encode()))
    assert attachments == 5 and parse_message(head, Options()).multipart


# -- mbox --------------------------------------------------------------------------------------------------------------


def test_an_mbox_is_split_at_from_lines_and_not_at_words_of_a_body():
    start = "From a@x.org Mon Oct 10 09:00:00 2022\n"
    body = "text\n\nFrom here on it is text.\n\nFrom Monday Mon Oct 10 the year is not said\n>From quoted\n"
    parts = list(messages(io.BytesIO((start + plain(1, body=body) + "\n" + start + plain(2).rstrip()).encode())))
    assert [(part.number, part.line) for part in parts] == [(1, 1), (2, 14)]
    assert bytes(parts[0].head).endswith(b"\nFrom quoted\n\n\n") and bytes(parts[1].head).endswith(b"\n\ntext")


def test_a_from_line_without_an_empty_line_before_it_needs_a_well_known_header_after_it():
    start = "From a@x.org Mon Oct 10 09:00:00 2022\n"
    for after, count in (("Return-Path: <a@x.org>\n", 2), ("x: y\n", 1), ("\n", 1), ("text\n", 1)):
        text = start + "From: a@x.org\n\ntext\n" + start + after
        assert len(list(messages(io.BytesIO(text.encode())))) == count, after
    assert len(list(messages(io.BytesIO((start + "From: a@x.org\n\ntext\n\n" + start + "x: y\n").encode())))) == 2


def test_an_mbox_larger_than_what_may_be_held_is_read_without_holding_it(tmp_path):
    import tracemalloc

    path = tmp_path / "big.mbox"
    with path.open("w") as stream:
        for i in range(3):
            stream.write("From a@x.org Mon Oct 10 09:00:00 2022\n" + plain(i, body=("z" * 700 + "\n") * 15_000) + "\n")
    assert path.stat().st_size > 30_000_000
    tracemalloc.start()
    out = read_into(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert out.records == 3 and not out.refused
    assert peak < 8_000_000


def test_an_mbox_without_headers_is_broken_and_one_with_a_bad_message_says_its_line(tmp_path):
    with pytest.raises(Broken, match="message 1, line 1: no mail headers"):
        facts_of(write(tmp_path / "a.mbox", "From x Mon Oct 10 09:00:00 2022\n\njust text"))
    start = "From a@x.org Mon Oct 10 09:00:00 2022\n"
    (bad,) = refused(facts_of(write(tmp_path / "b.mbox", start + plain(1) + "\n" + start + "Subject: hush\n\nx\n")))
    assert bad == {"place": "message 2, line 8", "what": "", "why": "neither a sender nor a recipient"}


# -- folders -----------------------------------------------------------------------------------------------------------


def test_flags_nested_folders_and_files_of_mail_programs_are_what_they_are(tmp_path):
    top = tmp_path / "Maildir"
    write(top / "cur" / "1.a:2,S", plain(1))
    write(top / "new" / "2.a", plain(2))
    write(top / "tmp" / "3.a", "From: unfinished")
    write(top / ".Archive.2020" / "cur" / "4.a!2,S", plain(4))
    write(top / "Old" / "cur" / "5.a:2,", plain(5))
    for name in ("dovecot-uidlist", "maildirfolder", ".uidvalidity", "subscriptions"):
        write(top / name, "1 2 3")
    facts = facts_of(top)
    assert {"format": "maildir", "records": 4} in facts
    held = {(fact["place"], fact["folder"]) for fact in of_kind(facts, "HOLDS")}
    assert held == {
        ("cur/1.a:2,S", "INBOX"), ("new/2.a", "INBOX"), (".Archive.2020/cur/4.a!2,S", "Archive/2020"), ("Old/cur/5.a:2,", "Old"),
    }  # fmt: skip
    assert not refused(facts)


def test_a_folder_of_mixed_exports_is_opened_file_by_file(tmp_path):
    top = tmp_path / "exports"
    for i in range(60):
        write(top / f"{i:03}.eml", plain(i))
    assert [source.name for source in sources(top)] == ["exports"]
    write(top / "029.csv", "account,display_name\na,b\n")
    assert len(sources(top)) == 61


def test_a_table_in_a_folder_below_opens_the_folder_too(tmp_path):
    top = tmp_path / "exports"
    write(top / "1.eml", plain(1))
    write(top / "logs" / "accounts.csv", "account,display_name\na,b\n")
    assert [source.name for source in sources(top)] == ["exports/1.eml", "exports/logs/accounts.csv"]


def test_a_folder_of_several_mailboxes_is_not_one_mailbox(tmp_path):
    for person in ("anna", "ben"):
        write(tmp_path / "mail" / person / "inbox" / "1.", plain(1))
        write(tmp_path / "mail" / person / "_sent_mail" / "1.", plain(2))
        write(tmp_path / "vmail" / person / "cur" / "1.a:2,", plain(1))
        write(tmp_path / "vmail" / person / "new" / "2.a", plain(1))
    assert [source.name for source in sources(tmp_path / "mail")] == ["mail/anna", "mail/ben"]
    assert [source.name for source in sources(tmp_path / "vmail")] == ["vmail/anna", "vmail/ben"]


def test_a_folder_of_mbox_files_is_opened_file_by_file(tmp_path):
    start = "From a@x.org Mon Oct 10 09:00:00 2022\n"
    for name in ("Inbox", "Sent"):
        write(tmp_path / "profile" / name, (start + plain(1) + "\n") * 2)
    found = sources(tmp_path / "profile")
    assert [registry.recognise(source)[0].NAME for source in found] == ["mbox", "mbox"]


def test_links_are_not_followed(tmp_path):
    top = tmp_path / "box"
    write(top / "cur" / "1.a", plain(1))
    (top / "new").mkdir()
    (top / "loop").symlink_to(top, target_is_directory=True)
    (top / "cur" / "2.a").symlink_to(write(tmp_path / "elsewhere", plain(2)))
    assert read_into(top).records == 1


def test_a_folder_of_which_nothing_can_be_used_loads_nothing(tmp_path):
    top = tmp_path / "box"
    for i, raw in enumerate((b"", b"\x00\x01binary", b"Subject: x\n\nnobody")):
        write(top / "cur" / f"{i}.a", raw)
    (top / "new").mkdir()
    with pytest.raises(Broken, match=r"cur/0\.a: the file is empty; none of the 3 files"):
        read_into(top)
    write(top / "cur" / "9.a", plain(9))
    assert [(bad["place"], bad["what"]) for bad in refused(facts_of(top))] == [("cur/0.a", ""), ("cur/1.a", ""), ("cur/2.a", "")]


def test_a_tree_of_many_files_is_recognised_by_a_few_of_them(tmp_path, monkeypatch):
    top = tmp_path / "box"
    for i in range(3000):
        write(top / "inbox" / f"{i}.", plain(i))
    opened: list[str] = []
    real = Path.open

    def counting(self, *args, **kwargs):
        opened.append(self.name)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", counting)
    assert registry.recognise(Source(top, "box"))[0].NAME == "maildir"
    assert 0 < len(opened) < 100


def test_an_mbox_name_is_its_folder_unless_it_says_nothing(tmp_path):
    start = "From a@x.org Mon Oct 10 09:00:00 2022\n"
    for name, folder in (("Sent.mbox", "Sent"), ("mbox", None)):
        path = write(tmp_path / name, start + plain(1, Delivered_To="me@org.example"))
        (held,) = of_kind(facts_of(path, mailbox="me@org.example"), "HOLDS")
        assert held.get("folder") == folder
    assert mbox.detect(Source(tmp_path, "folder")) is None
    assert os.sep not in held["place"]


# -- whose mail --------------------------------------------------------------------------------------------------------


def test_the_analyst_says_whose_mail_it_is_and_is_told_when_that_is_no_address(tmp_path):
    path = write(tmp_path / "a.eml", plain(1))
    facts = facts_of(path, mailbox="Boss@Org.Example")
    assert owners(facts) == ["boss@org.example"] and not any("inferred" in note for note in notes(facts))
    with pytest.raises(Broken, match="--mailbox: not an address"):
        facts_of(path, mailbox="the boss")


def test_a_single_message_whose_owner_is_unknown_is_stated_without_a_mailbox_and_says_so(tmp_path):
    facts = facts_of(write(tmp_path / "a.eml", plain(1)))
    assert len(of_kind(facts, "Message")) == 1 and not of_kind(facts, "HOLDS") and not owners(facts)
    assert any("--mailbox" in note for note in notes(facts))


def test_a_list_archive_is_nobodys_mailbox(tmp_path):
    for i in range(9):
        write(tmp_path / "box" / f"{i}.eml", plain(i, To="talk@lists.example.org", List_Post="<mailto:talk@lists.example.org>"))
    assert owners(facts_of(tmp_path / "box")) == []


def test_the_sent_folder_tells_whose_mail_it_is_and_a_folder_of_presentations_does_not(tmp_path):
    top = tmp_path / "box"
    for i in range(5):
        write(top / "inbox" / f"{i}.", plain(i, To=f"team{i}@org.example"))
        write(top / "presentations" / f"{i}.", plain(10 + i, To=f"team{i}@org.example"))
    write(top / "sent" / "1.", plain(20, From="me@org.example", To="a@out.example.com"))
    assert owners(facts_of(top)) == ["me@org.example"]


def test_a_namesake_in_the_same_organisation_is_not_the_owner(tmp_path):
    top = tmp_path / "box"
    write(top / "sent" / "1.", plain(1, From="John Smith <smith1@org.example>", To="x@out.example.com"))
    write(top / "inbox" / "1.", plain(2, From="John Smith <smith2@org.example>", To="smith1@org.example"))
    write(top / "inbox" / "2.", plain(3, To="John Smith <smith2@org.example>, smith1@org.example"))
    write(top / "inbox" / "3.", plain(4, To="Smith, John <j.smith@mail.org.example>"))
    write(top / "inbox" / "4.", plain(5, To="smith1+shop@org.example"))
    write(top / "inbox" / "5.", plain(6, To="John Smith <john.smith@gmail.com>"))
    own = {fact["to_key"] for fact in of_kind(facts_of(top), "HAS_ADDRESS")}
    assert own == {"smtp:smith1@org.example", "smtp:j.smith@mail.org.example", "smtp:smith1+shop@org.example"}


def test_blast_finds_the_owner_by_any_address_after_loading_only_the_folder(tmp_path):
    case = Case(tmp_path / "c.hakyu", {})
    report = case.load([HERE / "maildir" / "input"])
    assert report.files[0].status == "loaded" and report.exit_code == 6  # one of its files is binary
    both = [case.blast(who, "2022-10-01", "2022-11-01") for who in ("suzuki@city.example", "h-suzuki@dept.city.example")]
    case.close()
    for found in both:
        people = {row["address"]: row["messages"] for row in found["disclosed"]["correspondents"]}
        # Four messages with the ministry, of which one is a copy.
        assert people == {"tanaka@ministry.example": 3, "news@shop.example.com": 1, "suzuki.private@gmail.com": 1, "yamada@agency.example": 1}
