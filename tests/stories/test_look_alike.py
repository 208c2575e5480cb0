"""A real log of a tenant that was taken over: a look-alike account given mailboxes, a transport rule, forwarding on and off.

What must come out is counted from the raw rows of the sample, by plain means, and followed into the graph: whose mailboxes the
look-alike opens, where mail leaves to, and from when until when.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graphmodel.intervals import intervals
from graphmodel.merge import view
from hakyu.case import Case
from tests.support.golden import read_into

LOG = Path(__file__).parents[2] / "../shared/data/01_m365_ual/auditrecords.csv"
pytestmark = pytest.mark.skipif(not LOG.is_file(), reason="the real sample is not here")

TENANT = "dutchmasterz.onmicrosoft.com"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Every row's AuditData, copies included."""
    csv.field_size_limit(1 << 26)
    with LOG.open(newline="", encoding="utf-8") as stream:
        return [json.loads(row["AuditData"]) for row in csv.DictReader(stream) if row["AuditData"]]


@pytest.fixture(scope="module")
def frames() -> dict[str, pl.DataFrame]:
    return read_into(LOG).frames()


def parameters(one: dict[str, Any]) -> dict[str, str]:
    return {p["Name"]: p["Value"] for p in one["Parameters"]}


def seconds(one: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(one["CreationTime"] + "+00:00").astimezone(UTC).timestamp())


def tail(text: str) -> str:
    return f"{text.rpartition('/')[2]}@{TENANT}".casefold()


def by_people(rows: list[dict[str, Any]], operation: str) -> list[dict[str, Any]]:
    found = {one["Id"]: one for one in rows if one["Operation"] == operation and not one["UserId"].startswith("NT AUTHORITY")}
    return sorted(found.values(), key=lambda one: one["CreationTime"])


def test_the_look_alike_holds_the_mailboxes_that_the_raw_rows_gave_it(rows, frames):
    given = {(tail(p["User"]), tail(p["Identity"]), seconds(one)) for one in by_people(rows, "Add-MailboxPermission") if (p := parameters(one))["AccessRights"] == "FullAccess"}
    stated = {(e["from_key"].removeprefix("upn:"), e["to_key"].removeprefix("mailbox:"), e["valid_from"]) for e in frames["FULL_ACCESS"].to_dicts()}
    assert stated == given and len(given) == 4
    assert {to for who, to, _ in stated if who == f"itcornpany@{TENANT}"} == {f"{name}@{TENANT}" for name in ("adelev", "a.thulile", "henriettam")}
    (send,) = by_people(rows, "Add-RecipientPermission")
    (edge,) = frames["SEND_AS"].to_dicts()
    assert (edge["from_key"], edge["to_key"], edge["valid_from"]) == (f"upn:itcornpany@{TENANT}", f"mailbox:henriettam@{TENANT}", seconds(send))
    (behalf,) = frames["SEND_ON_BEHALF"].to_dicts()
    assert (behalf["from_key"], behalf["to_key"]) == (edge["from_key"], edge["to_key"])


def test_names_were_resolved_with_a_reason_from_the_log_itself(frames):
    reasons = {(e["from_key"], e["to_key"]): e["reason"] for e in frames["SAME_IDENTITY"].to_dicts()}
    assert "MailboxOwnerUPN" in reasons[f"account:{TENANT}/itcornpany", f"upn:itcornpany@{TENANT}"]
    assert f"the log has an account henriettam@{TENANT}" in reasons[f"mailbox:{TENANT}/henriettam", f"mailbox:henriettam@{TENANT}"]


def test_the_transport_rule_copies_to_the_look_alike_outside(rows, frames):
    (made,) = by_people(rows, "New-TransportRule")
    (edge,) = [e for e in frames["FORWARDS_TO"].to_dicts() if "transport rule" in e["from_key"]]
    assert edge["to_key"] == f"smtp:{parameters(made)['BlindCopyTo']}".casefold() == "smtp:itcornpany@gmail.com"
    assert (edge["valid_from"], edge["valid_until"], edge["keeps_copy"]) == (seconds(made), None, True)
    (rule,) = [r for r in frames["Rule"].to_dicts() if r["type"] == "transport rule"]
    assert (rule["conditions"], rule["takes"]) == ("SubjectOrBodyContainsWords", "some mail")
    words = parameters(made)["SubjectOrBodyContainsWords"].split(";")
    assert words and not any(word in str(rule) for word in words if word != rule["name"])
    (passes,) = [e for e in frames["PASSES_THROUGH"].to_dicts() if e["to_key"] == rule["key"]]
    assert (passes["from_label"], passes["valid_from"], passes["valid_until"]) == ("Service", seconds(made), None)


def test_forwarding_that_was_switched_on_and_off_opens_and_closes_once(rows, frames):
    on, off = [one for one in by_people(rows, "Set-Mailbox") if tail(parameters(one)["Identity"]) == f"gradya@{TENANT}" and "ForwardingSmtpAddress" in parameters(one)]
    edges = frames["FORWARDS_TO"].filter((pl.col("from_key") == f"mailbox:gradya@{TENANT}") & (pl.col("to_key") == "smtp:ex@exdigy.net"))
    joined = intervals("FORWARDS_TO", edges.with_columns(pl.lit("log").alias("source"), pl.lit("").alias("fact")))
    assert [(r["valid_from"], r["valid_until"]) for r in joined.to_dicts()] == [(seconds(on), seconds(off))]
    assert seconds(off) - seconds(on) == 11


def test_the_rule_that_forwards_invoices_is_still_open_and_the_hiding_ones_are_marked(rows, frames):
    (made,) = [one for one in by_people(rows, "New-InboxRule") if "ForwardTo" in parameters(one)]
    edges = [e for e in frames["FORWARDS_TO"].to_dicts() if e["to_key"] == "smtp:korstiaan@financial-technology.com"]
    assert {(e["from_key"], e["valid_from"], e["valid_until"]) for e in edges} == {
        (f"mailbox:joey@{TENANT}", seconds(made), None),
        (f"rule:joey@{TENANT}/inbox rule/{parameters(made)['Name']}", seconds(made), None),
    }
    hiding = {one["UserId"].casefold() for one in by_people(rows, "New-InboxRule") if parameters(one).get("DeleteMessage") == "True"}
    assert {r["key"].partition(":")[2].partition("/")[0] for r in frames["Rule"].to_dicts() if r["type"] == "inbox rule" and r["hides"]} == hiding


def test_an_application_grew_its_permissions_and_reaches_the_mailbox_from_then(rows, frames):
    grew = [one for one in rows if one["Operation"] == "Add delegated permission grant." and one["ResultStatus"] == "Success" and any(
        p["Name"] == "DelegatedPermissionGrant.Scope" and "Mail.Read" in p["NewValue"].split() and p["OldValue"] and "Mail.Read" not in p["OldValue"].split()
        for p in one["ModifiedProperties"])]  # fmt: skip
    graph_explorer = "app:de8bc8b5-d9f9-48b1-a8ad-b748da725064"
    stated = frames["APP_SCOPE"].filter((pl.col("from_key") == graph_explorer) & (pl.col("scope") == "Mail.Read"))
    assert {(e["to_key"], e["valid_from"]) for e in stated.to_dicts()} == {(f"mailbox:{one['UserId'].casefold()}", seconds(one)) for one in grew}
    assert stated.height == 2


def test_copies_of_rows_count_once(rows, frames):
    assert len(rows) == 9608 and len({one["Id"] for one in rows}) == 5373
    for operation in ("Send", "MailItemsAccessed", "Set-Mailbox"):
        distinct = len(by_people(rows, operation)) - sum(one["UserId"].endswith(".prod.outlook.com") for one in by_people(rows, operation))
        assert frames["Observation"].filter(pl.col("operation") == operation).height == distinct
    assert frames["Observation"]["key"].is_unique().all()


def test_loaded_into_a_case_the_forwarding_is_one_closed_interval_and_a_second_load_changes_nothing(rows, tmp_path):
    case = Case(tmp_path / "case.hakyu")
    case.load([LOG])
    before = case.ledger.state()
    edges = view(case.ledger).edges["FORWARDS_TO"].filter(pl.col("to_key") == "smtp:ex@exdigy.net")
    on, off = [seconds(one) for one in by_people(rows, "Set-Mailbox") if "ForwardingSmtpAddress" in parameters(one)][:2]
    assert set(edges.select("valid_from", "valid_until").rows()) == {(on, off)} and edges.height == 2
    case.load([LOG])
    assert case.ledger.state() == before
