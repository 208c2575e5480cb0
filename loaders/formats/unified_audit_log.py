r"""Microsoft 365 unified audit log in every shape it leaves a tenant: what was read, sent, forwarded, granted (formats.md 1).

Claims a table with a column `AuditData` (Search-UnifiedAuditLog, the old and the new Purview portal, the Graph audit query of
Microsoft-Extractor-Suite, Splunk's copy of them, or `_raw` alone), Sentinel's `OfficeActivity`, a flattened table (Hawk, AuditDataOnly), and JSON: one
AuditData a line (Management Activity API, SOF-ELK, DFIR-O365RC), arrays with `AuditData` inside, one or several after
another, and what Elastic and Splunk export around it (loaders/collectors.py). Also Exchange's own Search-MailboxAuditLog and Search-AdminAuditLog, and the
Get-MessageIDs and Get-Sessions tables of Microsoft-Extractor-Suite (loaders/audit_tables.py).

Yields an Observation for each record that shows a step (`Id`, else a hash of it; never a subject, file content or search words) with
OBSERVED to who did it, the mailbox, messages (`InternetMessageId`), folders, apps, files; HOLDS for messages named in a mailbox; for
changes (`Parameters`, `ModifiedProperties`, `OperationProperties`) the right itself with the time it begins or ends: FORWARDS_TO,
PASSES_THROUGH and Rule (inbox rules, also Outlook's `UpdateInboxRules`; `Set-Mailbox` forwarding; transport rules), FULL_ACCESS,
SEND_AS, SEND_ON_BEHALF, FOLDER_RIGHT, CONSENTED, APP_SCOPE, HAS_ROLE (of Entra; of Exchange by role groups and New-ManagementRoleAssignment),
MEMBER_OF, OWNS; Remediation where another account reset a password or ended sessions; the Service `service:chat/…` whose chats or meetings were read. Coverage: the whole log, sign-ins, mail access a mailbox, blind where it was throttled or switched off.

Traps: 44 of 100 rows of a real export are copies: read once. Two in three records are upkeep by Microsoft's own accounts: counted only.
`UserLoginFailed` says `Success`. `Send` names no recipients. Commands call mailboxes by alias, canonical name or GUID: resolved where
the same log gives the address, with the reason, else kept as names. What ends without saying what it was (`ForwardingSmtpAddress`
empty) ends what the same log saw begin. Cut AuditData keeps who, what and when. A flattened table has lost much, and is told so.
"""

from __future__ import annotations

from loaders.audit_records import Records
from loaders.audit_shapes import Shapes, looks_like_records, shape_of
from loaders.base import Claim, FactBuffer, Options, Source

NAME = "unified_audit_log"
TITLE = "Microsoft 365 unified audit log (CSV, JSON, Sentinel OfficeActivity)"
PRIORITY = "must"
SEEN = "real sample"
READS = "mail access, sends, inbox rules, forwarding, rights, consent, roles, sign-ins, files"

_STRENGTH = {"flattened": 6}


def detect(source: Source) -> Claim | None:
    """Claim a table or JSON of audit records."""
    if source.is_dir:
        return None
    if looks_like_records(source):
        return Claim(8, "JSON records with Operation and Workload, or AuditData")
    shape = shape_of(source)
    return Claim(_STRENGTH.get(shape, 8), f"header of audit records ({shape})") if shape else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the records in batches or one by one; changes are stated at the end, in the order of their times."""
    records = Records(out, NAME, options.now)
    shapes = Shapes(source, options, out, records.skip)
    batches = shapes.batches()
    if batches is not None:
        from loaders.audit_batches import Batches  # noqa: PLC0415 -- compiled code, which only large files need

        Batches(records, out).take(batches)
    else:
        for place, record in shapes:
            records.take(place, record)
    records.finish(shapes.lossy)
