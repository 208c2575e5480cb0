"""Real exports, read in place beside the project: what an analyst would find in them by hand, the blast radius finds."""

from __future__ import annotations

import csv
import json
import zipfile

import pytest

from tests.support.exports import SAMPLES, new_case
from tools import readme

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no samples at {SAMPLES.name} beside the project")
AD = SAMPLES / "05_active_directory" / "ad_sampledata.zip"
RIGHTS = SAMPLES / "03_exchange_powershell" / "Export-RecipientPermissions_Result.csv"
ALLEN = SAMPLES / "07_mail" / "enron_maildir" / "allen-p"
SINCE, UNTIL = "2024-03-01", "2024-04-01"


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    made = new_case(tmp_path_factory.mktemp("real"))
    report = made.load([AD, RIGHTS, ALLEN])
    assert report.exit_code == 0, [line.sentence() for line in report.files]
    yield made
    made.close()


def names(result, kind):
    return {row["name"] for row in result["reached"] if row["kind"] == kind}


def test_the_mail_server_is_found_by_its_service_principal_name(case):
    rows = case.cypher("MATCH (s:Server) WHERE s.role = 'mail' RETURN s.name AS name")
    assert rows["name"].to_list() == ["extexch01.wraith.corp"]


def test_organization_management_reaches_every_mailbox_of_its_domain(case):
    with zipfile.ZipFile(AD) as archive:
        users = [user for name in archive.namelist() if "_users" in name for user in json.loads(archive.read(name))["data"]]
    there = [user["Properties"] for user in users if user["Properties"].get("domain") == "WRAITH.CORP"]
    own = {(user.get("email") or "").lower() for user in there}
    own = {address for address in own if address.partition("@")[2] in ("wraith.corp", "wraith.com")}  # the rest is at public providers
    result = case.blast("batman", SINCE, UNTIL)
    assert {row["key"] for row in result["reached"] if row["kind"] == "Mailbox"} == {f"mailbox:{address}" for address in own}
    far = next(row for row in result["reached"] if row["key"].startswith("mailbox:healthmailbox"))
    # Exchange's administrators also control the accounts of its own mailboxes in the directory, which is as short a way.
    assert [step["rule"] for step in far["way"]] in (["group-member", "exchange-administrator", "mail-server"], ["group-member", "generic-all", "own-mailbox"])


def test_what_sharphound_did_not_collect_is_unknown_and_counted(case):
    with zipfile.ZipFile(AD) as archive:
        computers = [one for name in archive.namelist() if "_computers" in name for one in json.loads(archive.read(name))["data"]]
    unasked = sum(not any(group.get("Collected") for group in one.get("LocalGroups") or ()) for one in computers)
    servers = next(row for row in case.blast("batman", SINCE, UNTIL)["coverage"] if row["what"] == "server administrators")
    assert servers["status"] == "partial"
    assert servers["missing"] == f"{unasked} of {len(computers)} were not asked"


def test_rights_of_the_export_are_the_rows_that_are_not_none(case):
    with RIGHTS.open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter=";") if row["Permission"] in ("SendAs", "SendOnBehalf")]
    wanted = {(row["Trustee Primary SMTP"].lower(), row["Grantor Primary SMTP"].lower()) for row in rows}
    asked = case.query("send_who-may-write-as-whom")
    found = {(w.partition(":")[2], m.partition(":")[2]) for w, m in asked.select("who", "whom").iter_rows()}
    assert found == wanted
    result = case.blast("john.doe@example.com", SINCE, UNTIL)
    assert {row["address"] for row in result["writes_as"]} == {m for w, m in wanted if w == "john.doe@example.com"}
    assert [row["mailbox"] for row in result["in_transit"]] == ["mailbox:postmaster@example.com"]


def test_loading_everything_again_changes_nothing(case):
    before = case.graph().dump()
    assert [line.status for line in case.load([ALLEN, AD, RIGHTS]).files] == ["known"] * 3
    after = case.graph().dump()
    assert all(after[i][kind].equals(before[i][kind]) for i in (0, 1) for kind in before[i])


def test_the_readme_shows_what_its_commands_print():
    assert readme.made() == (readme.ROOT / "README.md").read_text(encoding="utf-8"), "run python -m tools.readme"
