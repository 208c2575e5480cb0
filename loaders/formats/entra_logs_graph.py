"""Sign-ins and directory audit events of Entra ID as Microsoft Graph answers them, in JSON (`auditLogs/signIns`, `auditLogs/directoryAudits`).

Claims JSON whose first record has a sign-in's fields (createdDateTime, ipAddress, appId, status) or an audit event's (activityDateTime,
activityDisplayName, initiatedBy): an array, several arrays one after another (as Microsoft-Extractor-Suite appends pages),
`{"value": […]}`, one object a line (formats.md 4.2). Both kinds may stand in one file. Names with a capital (`IPAddress`), as Graph's PowerShell
module gives them to ConvertTo-Json, are the same.

A sign-in yields Observation `obs:entra_signin/<id>` (at, ip, session, user agent, app, kind, succeeded by errorCode) with OBSERVED to its
account and app. An audit event yields Observation `obs:entra_audit/<id>` with OBSERVED to actor and targets; where it succeeded also HAS_ROLE,
MEMBER_OF, OWNS, CONSENTED, APP_SCOPE, from or until its time, and Remediation for a reset by another, a revocation, a disabling.

Traps: errorCode 0 is success, some codes (50140 …) only an interruption: neither; createdDateTime is used, no outer time; values in
modifiedProperties are JSON within JSON; PIM requests and eligible roles give nothing yet; upkeep of devices is counted, not kept.
"""

from __future__ import annotations

import re
from typing import Any

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.entra_audits import Audits
from loaders.graphjson import Record, Records, peek
from loaders.signins import SignIns, from_graph

NAME = "entra_logs_graph"
TITLE = "Entra ID sign-ins and directory audit events, Microsoft Graph JSON"
PRIORITY = "must"
SEEN = "real sample"
READS = "sign-ins; roles, group members, owners, consent and app permissions given or taken; resets"

_CAPITALS = re.compile(r"^(?:[A-Z]+(?=[A-Z][a-z])|[A-Z])")
_AUDIT = frozenset(("activityDateTime", "activityDisplayName", "initiatedBy"))
_SIGN_IN = frozenset(("createdDateTime", "ipAddress"))
_WHO = frozenset(("userPrincipalName", "servicePrincipalId", "userId"))


def detect(source: Source) -> Claim | None:
    """Claim by the first record's fields."""
    seen = peek(source)
    if seen is None or seen.wrapper not in (None, "value"):
        return None
    keys = _names(seen.keys)
    if keys >= _AUDIT:
        return Claim(7, "directory audit events of Graph")
    return Claim(7, "sign-ins of Graph") if _is_sign_in(keys) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read in batches or record by record."""
    signins = SignIns(out, options)
    audits = Audits(signins)
    records = Records(source, out)

    def take(given: Record, place: str) -> None:
        record = given if "id" in given else _camel(given)
        if "activityDateTime" in record and "activityDisplayName" in record:
            audits.add(record, place)
        elif _is_sign_in(frozenset(record)):
            signins.add(from_graph(record, signins.moment), place)
        else:
            signins.tally.add("of another kind of record: left out")

    batches = records.batches()
    if batches is not None:
        from loaders.signin_batches import SignInBatches  # noqa: PLC0415 -- compiled code, which only large files need

        SignInBatches(signins, take, _is_sign_in).take(batches)
    else:
        for place, given in records:
            take(given, place)
    signins.more = records.more
    audits.finish(records.more)
    signins.finish()


def _is_sign_in(keys: frozenset[str]) -> bool:
    return keys >= _SIGN_IN and bool(keys & _WHO) and bool(keys & {"appId", "appDisplayName"}) and bool(keys & {"status", "isInteractive", "signInEventTypes"})


def _names(keys: frozenset[str]) -> frozenset[str]:
    return frozenset(_name(key) for key in keys)


def _name(key: str) -> str:
    """`ipAddress` of `IPAddress`, as Graph's PowerShell module calls it."""
    return _CAPITALS.sub(lambda found: found[0].lower(), key)


def _camel(value: Any) -> Any:
    """What Graph's PowerShell module wrote, under Graph's own names, however deep."""
    if isinstance(value, dict):
        return {_name(key): _camel(inner) for key, inner in value.items()}
    return [_camel(inner) for inner in value] if isinstance(value, list) else value
