"""Okta System Log: JSON (an array, `{"events": […]}`, an event a line) and the CSV of the administrators' console (formats.md 9).

Claims records with `eventType` and two of `actor`, `outcome`, `published`, `authenticationContext`, `legacyEventType`; a table with `event_type`,
`actor.alternate_id` and `outcome.result`. Spelling of the keys differs from collector to collector.

Yields Observation `obs:okta/<uuid>` (at = published; operation = eventType; ip, session = externalSessionId, user agent, outcome) with OBSERVED to the
account `account:<alternateId>`, and to the accounts, services `service:saas/<label>` and groups it is about. Where it succeeded: SIGNS_IN_TO by
`sso` from the first single sign-on of an account to a service, and from and until `application.user_membership`; MEMBER_OF; HAS_ROLE for each privilege granted
or revoked; CONTROLS `okta:organisation` for the roles that reset passwords, and BELONGS_TO for the accounts that succeeded there; Remediation where somebody else reset a password, suspended, or ended sessions.

Traps: `alternateId` may be `unknown` or a login that is no address; targets may be null; `zone` is the text `null`. A first sign-on proves the right at
that time, it may be older. The right to sign on with an application's own password (`show_password`) is an observation only. Rate limits are upkeep.
"""

from __future__ import annotations

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.jsonlog import batches, records, sample
from loaders.okta import Okta, folded, unflattened
from loaders.reading import Table, header_of

NAME = "okta_system_log"
TITLE = "Okta System Log (JSON, CSV)"
PRIORITY = "should"
SEEN = "real sample"
READS = "sign-ins, single sign-on, second factors, privileges, memberships"

_ENVELOPES = ("events", "value")
_BESIDE = frozenset(("actor", "outcome", "published", "authenticationcontext", "legacyeventtype", "displaymessage"))
_COLUMNS = frozenset(("event_type", "actor.alternate_id", "outcome.result"))


def detect(source: Source) -> Claim | None:
    """Claim by the first records, or by the header."""
    for record in sample(source, _ENVELOPES):
        keys = {str(key).replace("_", "").casefold() for key in record}
        if "eventtype" in keys and len(keys & _BESIDE) >= 2:
            return Claim(8, "events of Okta's System Log")
    return Claim(8, "columns of Okta's System Log") if header_of(source) >= _COLUMNS else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the events in batches or one by one."""
    log = Okta(out, options)
    if source.head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] in (b"{", b"["):
        many = batches(source, out, _ENVELOPES)
        if many is not None:
            from loaders.okta_batches import OktaBatches  # noqa: PLC0415 -- compiled code, which only large files need

            OktaBatches(log, options.now).take(many)
        else:
            for place, record in records(source, out, _ENVELOPES):
                log.take(folded(record), place)
    else:
        table = Table(source, options, out)
        table.require(*sorted(_COLUMNS))
        for row in table:
            log.take(unflattened({name: row[name] for name in table.header if name and row[name]}), row.place)
    log.finish()
