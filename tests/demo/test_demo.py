"""The demo organisation: the same bytes on every run, real formats through the real loaders, and the story in the answer."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hakyu.case import Case, sources
from hakyu.demo import FROM, UNTIL, WHO, run
from hakyu.demo.folder import files, write
from hakyu.demo.organisation import SINK
from hakyu.errors import UsageError
from loaders.registry import recognise

FORMATS = {
    "directory/20230614093000_BloodHound.zip": "sharphound",
    "exchange/Mailboxes.csv": "get_mailbox",
    "exchange/MailboxPermissions.csv": "get_mailbox_permission",
    "exchange/RecipientPermissions.csv": "get_recipient_permission",
    "exchange/InboxRules.csv": "get_inbox_rule",
    "exchange/Export-RecipientPermissions_Result.csv": "recipient_permissions",
    "institute/MessageTraceSummary.csv": "message_trace",
    "institute/mailboxes.csv": "mailboxes_csv",
    "mail/info@ncco.example.mbox": "mbox",
    f"mail/{WHO}": "maildir",
    "notes/access.csv": "access_csv",
    "notes/correspondents.csv": "correspondents_csv",
    "notes/delegations.csv": "delegations_csv",
    "notes/servers.csv": "servers_csv",
}
TRACES = 9


class Demo:
    """One run of the demo: the case, the folder, what `run` answered."""

    def __init__(self, at: Path) -> None:
        self.folder = at / "exports"
        self.case = Case(at / "case", {})
        self.answer: dict[str, Any] = run(self.case, self.folder, lambda _: None)
        self.blast: dict[str, Any] = self.answer["blast"]
        self.nodes = self.case.graph().nodes()

    def reached(self, kind: str) -> dict[str, dict[str, Any]]:
        """Reached nodes of a kind by name."""
        return {row["name"]: row for row in self.blast["reached"] if row["kind"] == kind and row["same_as"] is None}

    def table(self, path: str) -> list[dict[str, str]]:
        """Rows of one of its CSV files."""
        text = (self.folder / path).read_bytes().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    made = Demo(tmp_path_factory.mktemp("demo"))
    yield made
    made.case.close()


@pytest.fixture(scope="module")
def written() -> dict[str, bytes]:
    return files()


def rules(row: dict[str, Any]) -> list[str]:
    return [step["rule"] for step in row["way"]]


def test_two_processes_with_other_hash_seeds_and_time_zones_write_the_same_bytes() -> None:
    script = (
        "import hashlib; from hakyu.demo.folder import files; "
        "print(hashlib.sha256(repr(sorted(files().items())).encode()).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale},
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[2],
        ).stdout
        for seed, zone, locale in (("1", "UTC", "C"), ("2", "Asia/Tokyo", "C.UTF-8"), ("3", "America/New_York", "C"))
    }
    assert len(said) == 1 and len(said.pop().strip()) == 64


def test_every_file_is_recognised_as_what_it_is_meant_to_be(demo: Demo) -> None:
    found = {source.name.partition("/")[2]: recognise(source)[0].NAME for source in sources(demo.folder)}
    traces = {name: fmt for name, fmt in found.items() if name.startswith("trace/")}
    assert set(traces.values()) == {"message_trace"} and len(traces) == TRACES
    assert {name: fmt for name, fmt in found.items() if name not in traces} == FORMATS


def test_every_file_is_loaded_and_no_row_is_refused(demo: Demo) -> None:
    loads = demo.case.loads()
    assert len(loads) == len(FORMATS) + TRACES == len(demo.answer["files"])
    assert {load.name: load.refused for load in loads if load.refused} == {}
    assert all(load.records == load.loaded > 0 for load in loads)


def test_mail_files_tell_by_themselves_whose_mail_they_are(demo: Demo) -> None:
    notes = {load.format: "\n".join(load.notes) for load in demo.case.loads()}
    assert f"inferred {WHO}" in notes["maildir"]
    assert "inferred info@ncco.example" in notes["mbox"]


def test_the_directory_has_300_accounts_with_japanese_and_english_names(demo: Demo) -> None:
    accounts = demo.nodes.filter((pl.col("kind") == "Account") & pl.col("key").str.starts_with("ad:"))
    assert accounts.height == 300
    names = accounts["name"].to_list()
    assert sum(not name.isascii() for name in names) > 200 and sum(name.isascii() and " " in name for name in names) > 20


def test_there_are_40_servers_and_some_could_not_be_asked(demo: Demo) -> None:
    servers = demo.table("notes/servers.csv")
    assert len(servers) == len({row["fqdn"] for row in servers}) == 40
    with zipfile.ZipFile(demo.folder / "directory/20230614093000_BloodHound.zip") as archive:
        computers = json.loads(archive.read("20230614093000_computers.json"))
        stamps = {info.date_time for info in archive.infolist()}
    assert computers["meta"] == {"methods": 521215, "type": "computers", "count": 35, "version": 6}
    assert {row["Properties"]["name"].lower() for row in computers["data"]} < {row["fqdn"] for row in servers}
    assert sum(not row["Sessions"]["Collected"] for row in computers["data"]) == 6
    assert stamps == {(2023, 6, 14, 9, 30, 0)}
    graph = demo.nodes.filter(pl.col("kind") == "Server")["name"].str.to_lowercase().str.split(".").list.first()
    assert graph.n_unique() == 40


def test_mail_headers_are_as_mail_programs_write_them(written: dict[str, bytes]) -> None:
    first, last = datetime(2022, 10, 1, tzinfo=UTC), datetime(2023, 6, 14, tzinfo=UTC)
    messages = [message_from_bytes(content, policy=policy.compat32) for name, content in written.items() if "/cur/" in name]
    assert len(messages) == 1300
    for message in messages:
        assert first <= parsedate_to_datetime(message["Date"]) < last
        assert all("@" in address for _, address in getaddresses(message.get_all("To")))
    raw = b"".join(content for name, content in written.items() if "/cur/" in name)
    assert raw.count(b"=?ISO-2022-JP?B?") > 500 and b"=?UTF-8?B?" in raw
    assert all(len(line) <= 998 and line.isascii() for line in raw.split(b"\n"))


def test_encoded_names_come_out_as_they_went_in(written: dict[str, bytes]) -> None:
    parsed = (message_from_bytes(content, policy=policy.default) for name, content in written.items() if "/cur/" in name)
    named = {address.addr_spec: address.display_name for message in parsed for address in message["To"].addresses}
    assert named[WHO] == "鈴木 美香"


def test_traces_cover_ninety_days_only_and_repeat_messages_of_the_mail_files(demo: Demo) -> None:
    rows = [row for path in sorted((demo.folder / "trace").iterdir()) for row in demo.table(f"trace/{path.name}")]
    assert min(row["Received"] for row in rows) >= "2023-03-16" and max(row["Received"] for row in rows) < "2023-06-14"
    inside = b"".join(path.read_bytes() for path in (demo.folder / "mail").rglob("*") if path.is_file())
    ids = {row["MessageId"] for row in rows}
    twice = [one for one in ids if one.encode() in inside]
    assert 500 < len(twice) < len(ids)
    graph = demo.case.cypher("MATCH (m:Message) RETURN count(m) AS n")["n"][0]
    assert graph == 1300 + 1240 + 3200 + 600  # each once, however many files tell of it
    gap = next(row for row in demo.blast["coverage"] if row["what"] == "message trace")
    assert gap["status"] == "partial" and gap["detail"].startswith("nothing before 2023-03-16")


def test_the_way_to_the_exchange_server_goes_by_groups_a_server_and_a_session(demo: Demo) -> None:
    exchange = demo.reached("Server")["ex01.ncco.example"]
    assert rules(exchange) == ["group-member"] * 3 + [
        "server-administrator",
        "session-harvest",
        "same-identity",
        "server-administrator",
    ]
    assert exchange["first"] == "2022-12-12T00:00:00+00:00"
    sentences = [step["sentence"] for step in exchange["way"]]
    assert sentences[2:5] == [
        "GG-External-Affairs is a member of LG-Fileshare-Maintainers",
        "LG-Fileshare-Maintainers administers fs02.ncco.example",
        "fs02.ncco.example holds the credential of adm-tanaka, who is signed in there",
    ]
    assert exchange["still_held"]


def test_what_is_reached_is_the_exchange_and_not_the_whole_network(demo: Demo) -> None:
    servers = {name.partition(".")[0].casefold() for name in demo.reached("Server")}
    assert servers == {"fs01", "fs02", "ex01", "ex02", "bkp01", "bkp02", "mx1"}
    assert {"adm-tanaka", "adm-sato", "svc-backup", "svc-scan", "鈴木 美香"} <= set(demo.reached("Account"))
    assert not {"adm-kobayashi", "adm-ogawa", "Administrator"} & set(demo.reached("Account"))
    assert {"vpn of vpn.ncco.example", "Contact Register", "Conference Registration"} <= set(demo.reached("Service"))


def test_mailboxes_are_reached_by_their_own_rights_by_the_exchange_and_at_their_time(demo: Demo) -> None:
    found = {row["key"]: row for row in demo.blast["reached"] if row["kind"] == "Mailbox"}
    direct = {"info", "g7-cyber", "asean-desk"}
    assert all(rules(found[f"mailbox:{local}@ncco.example"])[-1] == "shared-mailbox" for local in direct)
    assert rules(found["mailbox:visits@ncco.example"])[-2:] == ["group-member", "shared-mailbox"]
    assert rules(found["mailbox:treaty-working-group@ncco.example"])[-1] == "group-mail"
    assert rules(found["mailbox:procurement@ncco.example"])[-3:] == ["server-administrator", "mail-server", "mail-server"]
    assert len(found) == 281 + 16 + 1 + 2
    assert found["mailbox:liaison@ken-institute.example"]["first"].startswith("2023-01-16")
    assert found["mailbox:board@ken-institute.example"]["first"].startswith("2023-05-08")


def test_the_institutes_mail_is_seen_in_transit_only(demo: Demo) -> None:
    passing = {row["mailbox"] for row in demo.blast["in_transit"]}
    assert sum(key.endswith("@ken-institute.example") for key in passing) == 20
    reached = {row["key"] for row in demo.blast["reached"]}
    assert sum(key in reached for key in passing if key.endswith("@ken-institute.example")) == 2
    assert 100 < demo.blast["disclosed"]["in_transit"]["persons"] < 200


def test_the_forwarding_rule_outlives_the_window(demo: Demo) -> None:
    assert demo.reached("Rule")["."]["still_held"]
    assert SINK in {row["address"] for row in demo.blast["forwards_to"]}
    assert {row["address"] for row in demo.blast["writes_as"]} >= {"info@ncco.example", "g7-cyber@ncco.example"}


def test_five_thousand_addresses_in_more_than_twenty_countries_are_disclosed(demo: Demo) -> None:
    told = demo.blast["disclosed"]
    rest = told["at_rest"]
    assert 4900 < rest["addresses"] < 5200 and rest["persons"] < rest["addresses"]
    assert rest["countries"] >= 20 and 0 < rest["of_unknown_country"] < 60
    countries = {row["country"]: row["addresses"] for row in told["by_country"]}
    assert countries["JP"] > 1000 and all(countries[code] > 50 for code in ("US", "DE", "FR", "KR", "EE", "BR"))
    people = {row["address"]: row for row in told["correspondents"]}
    mission = [row for row in people.values() if row["address"].endswith("@mofa-example.de")]
    assert mission and {(row["country"], row["country_basis"]) for row in mission} == {("BE", "stated")}
    assert any(row["warned_at"] for row in people.values())
    assert all(row["first"] >= "2022-10" and row["last"] < "2023-06-14" for row in people.values())


def test_no_address_is_at_a_real_organisation_by_its_name() -> None:
    from hakyu.demo.correspondents import people

    domains = {person.address.partition("@")[2] for person in people()}
    assert all("-example." in domain or domain.endswith(".example") for domain in domains)


def test_a_second_run_changes_nothing(demo: Demo) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in demo.folder.rglob("*")}
    state = demo.case.ledger.state()
    again = run(demo.case, demo.folder, lambda _: None)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in demo.folder.rglob("*")} == before
    assert demo.case.ledger.state() == state
    assert all("already in the case" in line for line in again["files"])
    assert again["blast"] == demo.blast


def test_the_window_and_the_account_are_the_storys(demo: Demo) -> None:
    assert (demo.blast["asked"], FROM, UNTIL) == (WHO, "2022-10-05", "2023-06-13")
    assert demo.blast["seeds"][0]["name"] == "鈴木 美香"


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis.txt is not what the demo writes; nothing was touched"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_changed_file_of_the_demo_is_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "demo")
    changed = tmp_path / "demo/notes/servers.csv"
    changed.write_text("mine")
    with pytest.raises(UsageError, match=r"notes/servers.csv is not what the demo writes"):
        write(tmp_path / "demo")
    assert changed.read_text() == "mine"
    changed.unlink()
    with pytest.raises(UsageError, match=r"notes/servers.csv is missing"):
        write(tmp_path / "demo")


def test_an_empty_folder_is_filled_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    write(tmp_path / "demo")
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert {path.relative_to(tmp_path / "demo").as_posix() for path in tmp_path.rglob("*") if path.is_file()} == set(files())


def test_a_file_in_the_place_of_the_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("mine")
    with pytest.raises(UsageError, match="is a file; name a new or an empty folder"):
        write(tmp_path / "demo")


def test_a_case_with_other_loads_is_not_mixed_with_the_demo(tmp_path: Path) -> None:
    own = tmp_path / "servers.csv"
    own.write_text("host,fqdn,role\nEX1,ex1.corp.example,mail\n")
    case = Case(tmp_path / "case", {})
    case.load([own])
    with pytest.raises(UsageError, match=r"holds loads that are not the demo's \(servers.csv\); give it a case of its own"):
        run(case, tmp_path / "demo", lambda _: None)
    assert [load.name for load in case.loads()] == ["servers.csv"]
    case.close()
