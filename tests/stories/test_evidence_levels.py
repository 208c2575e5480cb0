"""What two real logs confirm, as a careful reader of their raw rows would say it.

Sentinel's pair: on 2021-04-28 somebody at 175.45.176.99 worked in Adele's mailbox. The rows from that address are the reading: the first read or
act within the mailbox confirms the mailbox, each file row by her account confirms its file; rows of hers from elsewhere fit as well, but whose they
were stays open. The rule that was made only pins mail: it neither forwards nor hides, so it takes nothing from her.

The tenant with the look-alike: Joey's rule that forwards invoices was made from one address. Taken as the attacker's, that row confirms that Joey's
mailbox was open to the attacker and that the rule is there; it says nothing of the other mailboxes, which others' rows only indicate or nothing does.
"""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hakyu.case import Case
from tests.support.exports import SAMPLES

SENTINEL = SAMPLES / "01_m365_ual/sentinel_office_activity.csv"
LOOK_ALIKE = SAMPLES / "01_m365_ual/auditrecords.csv"
pytestmark = pytest.mark.skipif(not SENTINEL.is_file(), reason="the real samples are not here")

ATTACKER = "175.45.176.99"
ADELE = "adelev@m365x816222.onmicrosoft.com"
JOEY = "joey@dutchmasterz.onmicrosoft.com"
READS = {"MailItemsAccessed", "Send", "New-InboxRule", "Move", "MoveToDeletedItems", "SoftDelete", "HardDelete"}


def address(text: str) -> str:
    """An address without its port and brackets."""
    found = re.fullmatch(r"\[?([0-9a-fA-F:.]+?)\]?(?::\d+)?", text or "") if (text or "").count(":") == 1 or (text or "").startswith("[") else None
    return found[1] if found else text or ""


@pytest.fixture(scope="module")
def sentinel(tmp_path_factory):
    case = Case(tmp_path_factory.mktemp("sentinel") / "case", {})
    case.load([SENTINEL])
    yield case
    case.close()


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    csv.field_size_limit(1 << 26)
    with SENTINEL.open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def seconds(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["TimeGenerated [UTC]"] if "TimeGenerated [UTC]" in row else row["TimeGenerated"]).replace(tzinfo=UTC)


def taken(row: dict[str, Any]) -> bool:
    """Whether somebody had to do something to get there: it is not another name of the start."""
    return any(step["evidence"] for step in row["way"])


def reached(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in result["reached"]}


def test_without_a_mark_adeles_rows_fit_and_confirm_nothing(sentinel):
    found = reached(sentinel.blast(ADELE, "2021-04-20"))
    assert found[f"mailbox:{ADELE}"]["evidence"] == "INDICATED"
    assert not [row["key"] for row in found.values() if row["evidence"] == "CONFIRMED" and taken(row)]


def test_marked_the_attackers_rows_confirm_mailbox_rule_and_files(sentinel, rows):
    mark = sentinel.mark("ip", ATTACKER)
    found = reached(sentinel.blast(ADELE, "2021-04-20"))
    mine = [row for row in rows if address(row["ClientIP"] or row["Client_IPAddress"]) == ATTACKER and ADELE in (row["UserId"] or "").casefold()]
    assert found[f"mailbox:{ADELE}"]["evidence"] == "CONFIRMED"
    step = found[f"mailbox:{ADELE}"]["way"][-1]
    assert step["rule"] == "own-mailbox" and step["observations"][0]["indicator"] == f"indicator:ip/{ATTACKER}"
    (made,) = [row for row in mine if row["Operation"] == "New-InboxRule"]
    assert '"PinMessage"' in made["Parameters"] and not [row for row in found.values() if row["kind"] == "Rule"]
    files = {row["OfficeObjectId"] for row in mine if row["Operation"] in ("FileAccessed", "FilePreviewed", "FileDownloaded", "FileAccessedExtended")}
    confirmed = {row["key"] for row in found.values() if row["kind"] == "File" and row["evidence"] == "CONFIRMED"}
    assert len(files) > 5 and {f"file:{file}".casefold() for file in files} <= {key.casefold() for key in confirmed}
    sentinel.forget(mark.id)
    assert reached(sentinel.blast(ADELE, "2021-04-20"))[f"mailbox:{ADELE}"]["evidence"] == "INDICATED"


def test_what_was_done_before_the_compromise_began_confirms_nothing(sentinel):
    mark = sentinel.mark("ip", ATTACKER)
    found = reached(sentinel.blast(ADELE, "2021-04-29"))
    assert not [row["key"] for row in found.values() if row["evidence"] == "CONFIRMED" and taken(row)]
    sentinel.forget(mark.id)


def test_another_account_that_the_address_used_is_told_apart(sentinel, rows):
    mark = sentinel.mark("ip", ATTACKER)
    others = {row["UserId"].casefold() for row in rows if address(row["ClientIP"] or row["Client_IPAddress"]) == ATTACKER} - {ADELE}
    told = {row["name"] for row in sentinel.blast(ADELE, "2021-04-20")["elsewhere"]}
    assert "johns@m365x816222.onmicrosoft.com" in others & told
    sentinel.forget(mark.id)


def test_joeys_forwarding_rule_is_confirmed_by_the_row_that_made_it(tmp_path):
    with LOOK_ALIKE.open(newline="", encoding="utf-8") as stream:
        audit = {one["Id"]: one for row in csv.DictReader(stream) if row["AuditData"] for one in [json.loads(row["AuditData"])]}
    (made,) = [one for one in audit.values() if one["Operation"] == "New-InboxRule" and any(p["Name"] == "ForwardTo" for p in one["Parameters"])]
    assert made["UserId"].casefold() == JOEY
    source = address(made["ClientIP"])
    case = Case(tmp_path / "case", {})
    case.load([Path(LOOK_ALIKE)])
    case.mark("ip", source)
    began = min(one["CreationTime"] for one in audit.values() if address(one.get("ClientIP") or one.get("ClientIPAddress") or "") == source)
    found = reached(case.blast(JOEY, began))
    rules = {row["levels"]["CONFIRMED"]: row for row in found.values() if row["kind"] == "Rule" and row["evidence"] == "CONFIRMED"}
    assert "Financial Reporting" in rules[f"{made['CreationTime']}+00:00"]["key"]
    changes = {f"{one['CreationTime']}+00:00" for one in audit.values() if one["Operation"] in ("New-InboxRule", "Set-Mailbox") and address(one.get("ClientIP") or "") == source}
    assert set(rules) <= changes and {row["key"].split("/")[0] for row in rules.values()} == {f"rule:{JOEY}"}
    assert found[f"mailbox:{JOEY}"]["evidence"] == "CONFIRMED"
    assert {row["key"] for row in found.values() if row["kind"] == "Mailbox" and row["evidence"] == "CONFIRMED" and row["same_as"] is None} == {f"mailbox:{JOEY}"}
    case.close()
