"""Small exports in the real shapes, written by tests, and cases made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hakyu.case import Case, LoadReport
from loaders.base import Options

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "data"
"""The real samples, beside the project; tests that read them skip with the reason where they are not there."""


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files (name -> text or bytes) below `folder`; the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def new_case(tmp_path: Path) -> Case:
    """An empty case on the embedded engine, whatever the environment says."""
    return Case(tmp_path / "case", {})


def load(case: Case, folder: Path, files: Mapping[str, str | bytes], options: Options | None = None) -> LoadReport:
    """Write files and load them, in order of their names."""
    write(folder, files)
    return case.load([folder / name for name in sorted(files)], options)


def csv(columns: str, *rows: Sequence[object]) -> str:
    """CSV text with quoted cells."""
    lines = [columns.split(","), *[[str(cell) for cell in row] for row in rows]]
    return "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) + "\r\n" for line in lines)


MAILBOXES = csv(
    "DisplayName,PrimarySmtpAddress,RecipientTypeDetails,UserPrincipalName,EmailAddresses,ForwardingSmtpAddress,DeliverToMailboxAndForward",
    ("Suzuki Ichiro", "suzuki@agency.example", "UserMailbox", "suzuki@agency.example", "SMTP:suzuki@agency.example smtp:ichiro@agency.example", "", "False"),
    ("Tanaka Hanako", "tanaka@agency.example", "UserMailbox", "tanaka@agency.example", "SMTP:tanaka@agency.example", "smtp:copy@outside.example", "True"),
    ("Desk", "desk@agency.example", "SharedMailbox", "desk@agency.example", "SMTP:desk@agency.example", "", "False"),
)
PERMISSIONS = csv(
    "Identity,User,AccessRights,IsInherited,Deny",
    ("desk@agency.example", "suzuki@agency.example", "{FullAccess}", "False", "False"),
    ("tanaka@agency.example", "suzuki@agency.example", "{FullAccess}", "False", "False"),
)
TRACE = csv(
    "Received,SenderAddress,RecipientAddress,Status,MessageId",
    ("2022-11-03T01:00:00Z", "suzuki@agency.example", "anna@partner.example.de", "Delivered", "<1@agency.example>"),
    ("2022-11-04T01:00:00Z", "li@ministry.example.kr", "suzuki@agency.example", "Delivered", "<2@ministry.example.kr>"),
    ("2023-02-04T01:00:00Z", "desk@agency.example", "press@paper.example.com", "Delivered", "<3@agency.example>"),
    ("2023-05-04T01:00:00Z", "suzuki@agency.example", "tanaka@agency.example", "Delivered", "<4@agency.example>"),
)
AGENCY = {"mailboxes.csv": MAILBOXES, "permissions.csv": PERMISSIONS, "trace.csv": TRACE}
"""Three mailboxes, two rights, four messages: `suzuki` reaches all three."""
