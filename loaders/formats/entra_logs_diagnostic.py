"""Logs of Entra ID as diagnostic settings send them (event hub, storage account), in JSON.

Sign-ins of users and applications, audit events, risk detections, calls of the mail API.

Claims JSON objects, one a line, in an array or in `{"records": […]}`, with `category`, `properties` and Entra's resource (`…/microsoft.aadiam`)
or one of its categories (formats.md 4.2). Names of outer fields differ in case from collector to collector.

SignInLogs, NonInteractiveUserSignInLogs, ServicePrincipalSignInLogs, ManagedIdentitySignInLogs yield Observation `obs:entra_signin/<id>`, AuditLogs
`obs:entra_audit/<id>` and the rights they give or take, both as entra_logs_graph says. UserRiskEvents yield an Observation with the kind of risk.
MicrosoftGraphActivityLogs yield an Observation only for calls that touch mail (`/messages`, `/mailFolders`): app, account, address, never the
query, which may hold words that were searched for.

Traps: resultType is a text or a number; `time` of UserRiskEvents is US text while its neighbours are ISO: the time inside `properties` is
taken; `callerIpAddress` may be `<null>`; `properties` may be a text that holds JSON.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson

from loaders.audit_who import text_of, token_id
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.entra_audits import Audits
from loaders.graphjson import Record, Records, peek
from loaders.signins import SignIns, from_graph, plain_ip

NAME = "entra_logs_diagnostic"
TITLE = "Entra ID logs, diagnostic JSON (event hub, storage account)"
PRIORITY = "must"
SEEN = "real sample"
READS = "sign-ins, directory audit events, risk detections, mail API calls"

_SIGN_INS = ("signinlogs", "noninteractiveusersigninlogs", "serviceprincipalsigninlogs", "managedidentitysigninlogs", "adfssigninlogs")
_CATEGORIES = frozenset((*_SIGN_INS, "auditlogs", "userriskevents", "riskyusers", "microsoftgraphactivitylogs", "serviceprincipalriskevents"))
_MAIL_PATH = re.compile(r"/(messages|mailfolders|sendmail|mailboxsettings|messagerules)(/|$|\()", re.IGNORECASE)
_OWNER = re.compile(r"/users/([^/?]+)/", re.IGNORECASE)


def detect(source: Source) -> Claim | None:
    """Claim by the first record's fields."""
    seen = peek(source)
    if seen is None or seen.wrapper not in (None, "records", "value"):
        return None
    keys = {key.casefold() for key in seen.keys}
    values = {key.casefold(): value.casefold() for key, value in seen.values.items()}
    if not {"category", "properties"} <= keys or not keys & {"operationname", "time"}:
        return None
    if values.get("category") in _CATEGORIES or "microsoft.aadiam" in values.get("resourceid", ""):
        return Claim(7, "diagnostic records of Entra ID")
    return None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read record by record."""
    signins = SignIns(out, options)
    audits = Audits(signins)
    records = Records(source, out)
    for place, given in records:
        outer = {_lower(key): value for key, value in given.items()}
        inner = _inner(outer.get("properties"))
        category = text_of(outer, "category").casefold()
        if inner is None:
            out.refuse(place, category, "no properties")
        elif category in _SIGN_INS:
            signins.add(from_graph(inner, signins.moment, outer), place)
        elif category == "microsoftgraphactivitylogs":
            _api_call(signins, inner, outer, place)
        elif category == "userriskevents":
            _risk(signins, inner, place)
        elif "activityDateTime" in inner or "activityDisplayName" in inner:
            audits.add(inner, place, outer)
        else:
            signins.tally.add(f"of the category {category[:40]}: left out")
    audits.finish(records.more)
    signins.finish()


@lru_cache(maxsize=1024)
def _lower(key: str) -> str:
    return key.casefold()


def _inner(properties: Any) -> Record | None:
    if isinstance(properties, str):
        try:
            properties = orjson.loads(properties)
        except orjson.JSONDecodeError:
            return None
    return properties if isinstance(properties, dict) else None


def _risk(log: SignIns, inner: Record, place: str) -> None:
    at = log.moment(inner.get("activityDateTime")) or log.moment(inner.get("detectedDateTime"))
    id_ = text_of(inner, "id")
    if at is None or not id_:
        log.out.refuse(place, id_, "a risk detection without id and time")
        return
    observation = ("Observation", f"obs:entra_risk/{id_.casefold()}")
    kind = text_of(inner, "riskEventType", "riskType")
    log.out.node(
        "Observation", observation[1], place, name="Risk detection", at=at, operation=kind or None, ip=plain_ip(inner.get("ipAddress")),
        note="; ".join(filter(None, (text_of(inner, "riskLevel") and f"risk {text_of(inner, 'riskLevel')}", text_of(inner, "riskState")))) or None,
    )  # fmt: skip
    actor = log.account(text_of(inner, "userId"), text_of(inner, "userPrincipalName"), text_of(inner, "userDisplayName"), place)
    if actor is not None:
        log.out.edge("OBSERVED", observation, actor, place, role="actor", record=id_)


def _api_call(log: SignIns, inner: Record, outer: Record, place: str) -> None:
    path = urlsplit(text_of(inner, "requestUri")).path if _is_uri(inner.get("requestUri")) else ""
    if not _MAIL_PATH.search(path):
        log.tally.add("of Graph calls that touch no mail: left out")
        return
    at = log.moment(inner.get("timeGenerated")) or log.moment(outer.get("time"))
    if at is None:
        log.out.refuse(place, text_of(inner, "requestId"), "no date that can be believed")
        return
    id_ = text_of(inner, "requestId", "operationId") or hashlib.sha256(f"{at}{path}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    status = str(inner.get("responseStatusCode", outer.get("resultsignature", "")))
    observation = ("Observation", f"obs:entra_graphcall/{id_.casefold()}")
    log.out.node(
        "Observation", observation[1], place, name="Call of the mail API", at=at, operation=f"Graph {text_of(inner, 'requestMethod')}".strip(),
        ip=plain_ip(inner.get("ipAddress")) or plain_ip(outer.get("calleripaddress")), session=text_of(inner, "sessionId") or None,
        token=token_id(text_of(inner, "signInActivityId")), user_agent=text_of(inner, "userAgent") or None, app=text_of(inner, "appId") or None, succeeded=status.startswith("2") if status else None,
    )  # fmt: skip
    app = log.application(text_of(inner, "appId"), "", "", place)
    actor = log.account(text_of(inner, "userId"), "", "", place)
    owner = _OWNER.search(path)
    mailbox = log.account(owner[1], owner[1], "", place) if owner else actor
    for node, role in ((app, "app" if actor else "actor"), (actor, "actor"), (mailbox if mailbox != actor else None, "target")):
        if node is not None:
            log.out.edge("OBSERVED", observation, node, place, role=role, record=id_)


def _is_uri(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(urlsplit(value).scheme)
    except ValueError:
        return False
