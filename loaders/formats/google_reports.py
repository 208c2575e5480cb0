"""Google Workspace's audit logs (Reports API) in JSON: what was forwarded, granted, read, and who signed in (formats.md 8).

Claims activities with `id.applicationName`: `{"activities": […]}`, `{"items": […]}`, an array, or one a line (GAM, ALFA); and rows of Gmail's log
as BigQuery exports them (`message_info`, `event_info`, alone or under `gmail`).

Yields Observation `obs:google/<time>/<qualifier>/<application>` (at, ip, operation = event name) with OBSERVED to the account
`account:<address>`, and what it is about. Of `login` and `user_accounts`: sign-ins, FORWARDS_TO, PASSES_THROUGH and Rule since forwarding was switched on.
Of `admin` and groups: MEMBER_OF, HAS_ROLE (a super admin's role ADMIN_TO the mail system), APP_SCOPE on the mail system for domain-wide delegation with
mail scopes, email monitors, Remediation where another account reset a password or suspended. Of `token`: CONSENTED, and APP_SCOPE on the user's
mailbox for mail scopes. Of `drive`: files seen and shared. Of `gmail`: Message, SENT_BY, ADDRESSED_TO, HOLDS, and who opened, forwarded, deleted.

Traps: forwarding, passwords and second factors are logged under `login` and under `user_accounts`: read once. An activity may hold several events.
An account that was renamed has two addresses and one profile id. `REMOVE_API_CLIENT_ACCESS` does not say of which scopes: it ends what the same
log saw begin. Records with the caller type KEY are Google's own. Titles, subjects and words searched for are not read. That forwarding was
switched off stands in no log: gam_forwarding tells what is so now.
"""

from __future__ import annotations

import hashlib

import orjson

from graphmodel import identity
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.google import Happened, Record, Workspace, text_of
from loaders.google_events import Events
from loaders.jsonlog import batches, listed_batches, records, sample

NAME = "google_reports"
TITLE = "Google Workspace audit logs JSON (Reports API; Gmail log from BigQuery)"
PRIORITY = "should"
SEEN = "real sample"
READS = "sign-ins, forwarding, groups, roles, application grants, files, mail access"

_ENVELOPES = ("activities", "items")
_MORE = b'"nextPageToken"'


def detect(source: Source) -> Claim | None:
    """Claim by the first records."""
    for record in sample(source, _ENVELOPES):
        head = record.get("id")
        if isinstance(head, dict) and "applicationName" in head and record.keys() & {"actor", "events"}:
            return Claim(9, "activities of Google's Reports API")
        if _mail_row(record) is not None:
            return Claim(8, "rows of Gmail's log")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the activities in batches or one by one."""
    log = Workspace(out, options)
    events = Events(log)

    def take(record: Record, place: str) -> None:
        row = _mail_row(record)
        if row is None:
            events.take(record, place)
        else:
            _mail(events, record, row, place)

    many = batches(source, out, _ENVELOPES) or listed_batches(source, out, _ENVELOPES)
    if many is not None:
        from loaders.google_batches import GoogleBatches  # noqa: PLC0415 -- compiled code, which only large files need

        GoogleBatches(log, take, options.now).take(many)
    else:
        for place, record in records(source, out, _ENVELOPES):
            take(record, place)
    more = _MORE in source.head
    if more:
        out.note("only a page of the log (nextPageToken): what follows is unknown")
    events.finish(more)


def _mail_row(record: Record) -> Record | None:
    """A row of Gmail's log in BigQuery: the record itself, or what is under `gmail`."""
    inner = record.get("gmail")
    row = inner if isinstance(inner, dict) else record
    return row if isinstance(row.get("message_info"), dict) and isinstance(row.get("event_info"), dict) else None


def _mail(events: Events, record: Record, row: Record, place: str) -> None:
    log, info, message = events.log, row["event_info"], row["message_info"]
    at = log.moment(info.get("timestamp_usec")) or log.moment(record.get("time_usec"))
    if at is None:
        log.out.refuse(place, "", "no date that can be believed")
        return
    log.cover("gmail", at)
    owner = identity.address(text_of(record.get("email"))) or ""
    if owner:
        log.domains[identity.registrable(identity.domain_of(owner))] += 1
    said = orjson.dumps([info, text_of(message.get("rfc2822_message_id")), owner], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    id_ = f"gmail/{hashlib.sha256(said).hexdigest()[:32]}"
    actor = log.account(owner, place) if owner else None
    events.mail(Happened(at, place, id_, "gmail", "", "gmail", actor, owner, None, row), row, owner)
