"""One attacker's address through two logs of one tenant, 2021-04-28: the mailbox's part (Sentinel's OfficeActivity).

From 175.45.176.99 adelev's mailbox got a rule, mail was read and sent, a file shared. Counted from the raw rows.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graphmodel import identity
from tests.support.golden import read_into

LOG = Path(__file__).parents[2] / "../shared/data/01_m365_ual/sentinel_office_activity.csv"
pytestmark = pytest.mark.skipif(not LOG.is_file(), reason="the real sample is not here")

ATTACKER = "175.45.176.99"
ADELE = "adelev@m365x816222.onmicrosoft.com"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    csv.field_size_limit(1 << 26)
    with LOG.open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def frames() -> dict[str, pl.DataFrame]:
    return read_into(LOG).frames()


def key(row: dict[str, Any]) -> str:
    return f"obs:unified_audit_log/{row['SourceRecordId'].lower()}"


def about(frames: dict[str, pl.DataFrame], observation: str, role: str) -> set[str]:
    edges = frames["OBSERVED"].filter((pl.col("from_key") == observation) & (pl.col("role") == role))
    return set(edges["to_key"])


def test_upper_and_lower_case_names_are_one_account(rows, frames):
    assert {row["UserId"] for row in rows if row["UserId"].casefold() == ADELE} == {"AdeleV@M365x816222.OnMicrosoft.com", ADELE}
    actors = {e["to_key"] for e in frames["OBSERVED"].to_dicts() if e["role"] == "actor" and "adelev" in e["to_key"]}
    assert actors == {f"upn:{ADELE}"}
    assert frames["Mailbox"]["key"].to_list() == [f"mailbox:{ADELE}"]


def test_the_rule_came_from_the_attackers_address(rows, frames):
    (made,) = [row for row in rows if row["Operation"] == "New-InboxRule"]
    (seen,) = frames["Observation"].filter(pl.col("operation") == "New-InboxRule").to_dicts()
    assert made["ClientIP"] == f"{ATTACKER}:17362" and seen["ip"] == ATTACKER and seen["key"] == key(made)
    assert about(frames, seen["key"], "target") == {f"rule:{ADELE}/inbox rule/junk"}


def test_everything_done_from_that_address_is_found_by_it(rows, frames):
    used = ("New-InboxRule", "MoveToDeletedItems", "Update", "Send", "FileAccessed", "FilePreviewed", "FileUploaded", "FileDeleted", "SharingSet", "AnonymousLinkCreated")
    raw = {key(row) for row in rows if row["Operation"] in used and ATTACKER in (row["ClientIP"], row["ClientIP"].rpartition(":")[0])}
    found = set(frames["Observation"].filter((pl.col("ip") == ATTACKER) & pl.col("operation").is_in(used))["key"])
    assert found == raw and len(raw) > 20
    assert {"New-InboxRule", "SharingSet"} <= {row["Operation"] for row in rows if key(row) in found}


def test_each_message_opened_or_sent_is_the_raw_rows_own(rows, frames):
    for row in [row for row in rows if row["Operation"] == "MailItemsAccessed"]:
        opened = {identity.message_key(item["InternetMessageId"], None) for folder in json.loads(row["Folders"]) for item in folder["FolderItems"]}
        assert about(frames, key(row), "message") == opened
    for row in [row for row in rows if row["Operation"] == "Send"]:
        assert about(frames, key(row), "message") == {identity.message_key(json.loads(row["Item"])["InternetMessageId"], None)}
        assert about(frames, key(row), "sender") == {f"smtp:{ADELE}"}


def test_a_message_that_was_sent_is_opened_in_sent_items(rows, frames):
    sends = {k for row in rows if row["Operation"] == "Send" for k in about(frames, key(row), "message")}
    reads = {key(row) for row in rows if row["Operation"] == "MailItemsAccessed"}
    opened = frames["OBSERVED"].filter((pl.col("folder") == "\\Sent Items") & pl.col("from_key").is_in(list(reads)))
    assert sends & set(opened["to_key"])
    held = frames["HOLDS"].filter(pl.col("folder") == "\\Sent Items")
    assert sends & set(held["to_key"]) and set(held["from_key"]) == {f"mailbox:{ADELE}"}


def test_shared_files_are_the_ones_of_the_raw_rows(rows, frames):
    shared = {key(row): row["OfficeObjectId"].casefold() for row in rows if row["Operation"] == "SharingSet"}
    assert {k: f"file:{url}" for k, url in shared.items()} == {k: next(iter(t for t in about(frames, k, "target") if t.startswith("file:"))) for k in shared}
