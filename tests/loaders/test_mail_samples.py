"""Real mail: what the loaders say of it beside what the standard library alone finds in the same files."""

from __future__ import annotations

import email
import mailbox
import re
from collections import Counter
from datetime import UTC
from email.header import decode_header, make_header
from email.utils import getaddresses, parsedate_to_datetime
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from graphmodel.errors import LoadError
from hakyu.case import Case, sources
from loaders import registry
from loaders.base import FactBuffer, Options
from queries.run import read
from tests.support.golden import read_into

MAIL = Path(__file__).parents[2] / "../shared/data/07_mail"
pytestmark = pytest.mark.skipif(not MAIL.is_dir(), reason="the sample collection is not beside the checkout")
ALLEN = MAIL / "enron_maildir" / "allen-p"
OWN = {"phillip.allen@enron.com", "pallen@enron.com", "k..allen@enron.com", "phillip.k.allen@enron.com", "pallen@ect.enron.com"}
NOW = 1_800_000_000
ADDRESS_HEADERS = ("from", "sender", "reply-to", "to", "cc", "bcc")


@cache
def stdlib(folder: Path) -> list[email.message.Message]:
    """Every file below as the standard library's tolerant parser reads it."""
    return [email.message_from_bytes(path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]


def addresses(message: email.message.Message, *headers: str) -> set[str]:
    values = [re.sub(r"\s+", " ", str(value)) for name in headers for value in message.get_all(name, [])]
    return {address.lower().strip("'") for _, address in getaddresses(values) if "@" in address}


def frames(path: Path, **options: str) -> dict[str, pl.DataFrame]:
    return read_into(path, now=NOW, **options).frames()


# -- all of it ---------------------------------------------------------------------------------------------------------


def test_every_sample_is_read_or_refused_in_one_line():
    lines = {}
    for source in sources(MAIL):
        out = FactBuffer()
        try:
            fmt, _ = registry.recognise(source)
            if fmt.NAME not in ("eml", "mbox", "maildir"):
                continue
            fmt.read(source, Options(now=NOW), out)
        except LoadError as error:
            assert "\n" not in str(error)
            lines[source.name.partition("/")[2]] = "error"
            continue
        lines[source.name.partition("/")[2]] = (fmt.NAME, out.records, len(out.refused))
    mail = {name: line for name, line in lines.items() if name.split("/")[0] not in ("enron_graph", "msg", "pst")}
    assert mail == {
        "eml_govcert": ("maildir", 19, 1),  # one has `From: <>` and `To:` with nothing in it
        "eml_japanese": ("maildir", 2, 0),
        "eml_spamscope": ("maildir", 23, 1),  # one is an Outlook .msg
        "enron_maildir/allen-p": ("maildir", 309, 0),
        "enron_maildir/arora-h": ("maildir", 385, 0),
        "maildir_notmuch_default": ("maildir", 53, 0),
        "maildir_notmuch_lkml": ("maildir", 210, 0),
        "mbox/complex.mbox": ("mbox", 3, 0),
        "mbox/mbox_multipart.mbox": ("mbox", 2, 0),
        "mbox/pipermail_2015_november.mbox": ("mbox", 4, 0),
        "mbox/quoted.mbox": "error",  # a From_ line and a body, no header
        "spamassassin": ("maildir", 560, 0),
    }


@pytest.mark.parametrize("name", ["eml_govcert", "eml_spamscope", "spamassassin/spam-1"])
def test_each_message_alone_is_read_too(name):
    for path in sorted((MAIL / name).iterdir()):
        try:
            out = read_into(path, now=NOW)
        except LoadError as error:
            assert path.name == "mail_outlook_1" and "\n" not in str(error)
            continue
        assert out.records == 1
        assert bool(out.refused) is (path.name == "sample_invalid_date1.eml")


@pytest.mark.parametrize("name", ["enron_maildir/allen-p", "enron_maildir/arora-h", "maildir_notmuch_default", "maildir_notmuch_lkml", "spamassassin"])
def test_a_folder_has_the_message_ids_dates_and_addresses_that_the_standard_library_finds(name):
    found, plain = frames(MAIL / name), stdlib(MAIL / name)
    assert found["Message"].height == len(plain)
    ids = {re.sub(r"\s", "", str(message["message-id"] or "")).strip("<>").casefold() for message in plain} - {""}
    assert abs(found["Message"]["key"].n_unique() - len(ids)) <= sum(not message["message-id"] for message in plain)
    ours = {key.removeprefix("smtp:") for type_ in ("SENT_BY", "ADDRESSED_TO") for key in found[type_]["to_key"]}
    theirs = set().union(*(addresses(message, *ADDRESS_HEADERS, "resent-to", "resent-cc", "apparently-to") for message in plain))
    odd = ours ^ {address for address in theirs if re.fullmatch(r"[^@\s]+@[\w-]+(\.[\w-]+)+|[^@\s]+@localhost", address)}
    assert len(odd) <= len(theirs) // 100, sorted(odd)


def test_dates_are_the_standard_library_s():
    ours = Counter(frames(MAIL / "maildir_notmuch_lkml")["Message"]["sent"].to_list())
    theirs = Counter()
    for message in stdlib(MAIL / "maildir_notmuch_lkml"):
        at = parsedate_to_datetime(message["date"])
        theirs[int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())] += 1
    assert ours == theirs


@pytest.mark.parametrize("name", ["complex", "mbox_multipart", "pipermail_2015_november"])
def test_an_mbox_has_as_many_messages_as_the_standard_library_finds(name):
    path = MAIL / "mbox" / f"{name}.mbox"
    assert frames(path)["Message"].height == len(mailbox.mbox(path, create=False))


def test_mangled_addresses_of_an_archive_are_read():
    found = frames(MAIL / "mbox" / "pipermail_2015_november.mbox")
    assert set(found["SENT_BY"]["to_key"]) == {"smtp:andy@example.com", "smtp:jgb@gsyc.es"}
    assert "Andy Grunwald" in set(found["Correspondent"]["name"])


def test_japanese_and_other_encoded_names_are_decoded():
    names = dict(frames(MAIL / "eml_japanese")["Correspondent"].filter(pl.col("name") != "Mikel Lindsaar").select("key", "name").rows())
    assert names == {"smtp:raasdnil@gmail.com": str(make_header(decode_header("=?UTF-8?B?44G/44GR44KL?=")))}
    spam = frames(MAIL / "eml_spamscope")["Correspondent"]
    assert {"Суворов", "张先生"} <= {word for name in spam["name"] for word in name.split()}
    assert not spam["name"].str.contains(r"=\?|\?=|@").any()


# -- Enron: whose mail, copies, and who was disclosed --------------------------------------------------------------------


@pytest.fixture(scope="module")
def allen(tmp_path_factory):
    case = Case(tmp_path_factory.mktemp("allen") / "c.hakyu", {})
    report = case.load([MAIL / "enron_maildir"])
    assert [(line.status, line.manifest.refused) for line in report.files] == [("loaded", 0)] * 2 and report.exit_code == 0
    yield case
    case.close()


def test_the_enron_tree_is_two_mailboxes_with_694_messages(allen):
    held = allen.cypher("MATCH (m:Mailbox)-[:HOLDS]->(x:Message) RETURN m.address AS mailbox, count(DISTINCT x.key) AS messages ORDER BY mailbox")
    assert held.rows() == [("harry.arora@enron.com", 385), ("phillip.allen@enron.com", 309)]


def test_copies_are_as_many_as_date_people_subject_and_first_words_say():
    found = frames(MAIL / "enron_maildir" / "allen-p")["Message"], frames(MAIL / "enron_maildir" / "arora-h")["Message"]
    distinct = set()
    for message in (m for name in ("allen-p", "arora-h") for m in stdlib(MAIL / "enron_maildir" / name)):
        body = " ".join(str(message.get_payload()).split())[:300]
        people = tuple(sorted(addresses(message, "to", "cc", "bcc")))
        distinct.add((message["date"], message["from"], people, " ".join((message["subject"] or "").split()), body))
    assert pl.concat(found).select(pl.coalesce("content", "key")).to_series().n_unique() == len(distinct)
    assert 694 - len(distinct) == 164  # the extra copies that formats.md counts


def test_the_owner_is_one_person_with_five_addresses_and_neither_his_private_mail_nor_his_namesake(allen):
    own = allen.cypher("MATCH (m:Mailbox {address: 'phillip.allen@enron.com'})-[:HAS_ADDRESS]->(c:Correspondent) RETURN c.key AS key")
    assert {key.removeprefix("smtp:") for key in own["key"]} == OWN
    known = read(allen.graph(), "correspondents").with_columns(pl.col("address").str.strip_prefix("smtp:"))
    person = {row["address"]: (row["person"], row["internal"]) for row in known.to_dicts()}
    assert len({person[address] for address in OWN}) == 1 and person["pallen@enron.com"][1]
    for outside in ("pallen70@hotmail.com", "steven.l.allen@chase.com"):
        assert person[outside] == (f"smtp:{outside}", False)


@pytest.mark.parametrize("who", ["phillip.allen@enron.com", "pallen@ect.enron.com"])
def test_the_external_correspondents_of_one_mailbox_are_those_of_an_independent_count(allen, who):
    outside: set[str] = set()
    names: dict[str, set[str]] = {}
    for message in stdlib(ALLEN):
        here = {a for a in addresses(message, *ADDRESS_HEADERS) if not re.search(r"[@.]enron\.com$", a)}
        outside |= here
        shown = re.match(r'\W*([^"<@]+?)\W*<', message["x-from"] or "")
        for sender in addresses(message, "from") & here if shown else ():
            names.setdefault(sender, set()).add(shown[1].casefold())
    # Two addresses of one organisation with one name of several words are one person; Amazon.com is two words as well.
    groups = {(name, ".".join(a.split("@")[1].split(".")[-2:])) for a, all_ in names.items() for name in all_ if len(re.findall(r"[a-z]{2,}", name)) >= 2}
    merged = sum(len({a for a in names if name in names[a] and a.endswith(domain)}) - 1 for name, domain in groups)
    found = allen.blast(who, "2001-12-01", "2002-06-01")["disclosed"]
    theirs = {row["address"] for row in found["correspondents"]}
    assert theirs == outside
    assert found["at_rest"]["addresses"] == len(outside) == 85
    assert found["at_rest"]["persons"] == len(outside) - merged == 82


def test_loading_the_same_folder_again_changes_nothing(allen):
    before = allen.graph().state()
    again = allen.load([MAIL / "enron_maildir"])
    assert [line.status for line in again.files] == ["known", "known"]
    assert allen.graph().state() == before
