"""What Google's admin console exports of its audit logs, and GAM's `report` of them: CSV (formats.md 8).

Claims a header with `Event` (or `Event Name`), `Date`, `IP address`, `Description` and `Actor` (or `User`): the login audit, "User log events", "OAuth
log events" of the console; or with `id.time`, `id.applicationName`, `actor.email` and `name`: `gam report login` and its like, whose other columns are the
parameters of the events.

Yields what google_reports does of the same records: Observation with OBSERVED to the account, sign-ins, forwarding since it was switched on, grants of
applications and their end.

Traps: the console writes columns and events in the language of who exports: the English words for events are known here, others are kept as observations. The
address that mail is forwarded to stands in the description alone. Dates are ISO 8601 with a zone, or `Oct 2, 2023, 3:00:00 PM GMT+9`; without a zone
they are those of the console: --zone says it, else they are read as UTC. The console's export stops at 100,000 rows.
Documented at support.google.com/a, "User log events"; GAM's documentation, "Reports".
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from graphmodel.times import to_iso
from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.google import Record, Workspace
from loaders.google_events import Events
from loaders.reading import Row, Table, header_of
from loaders.zones import Clock, told

NAME = "google_console_csv"
TITLE = "Google Workspace audit log CSV (admin console, gam report)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "sign-ins, forwarding, application grants, roles, groups"

_EVENT, _ACTOR = ("event", "event name", "イベント", "イベント名"), ("actor", "user", "user email", "actor email", "アクター", "ユーザー")
_IP = ("ip address", "actor ip address", "ip アドレス")
_GAM = frozenset(("id.time", "id.applicationname", "actor.email", "name"))
_SAID = ("description", "event description", "説明", "イベントの説明")
_DATE = re.compile(r"(?:date|日付)(?: \(.*\))?")
# The console's words -> application, kind and name of the event as the Reports API has them.
_NAMES = {
    "successful login": ("login", "login", "login_success"), "login success": ("login", "login", "login_success"), "login": ("login", "login", "login_success"),
    "failed login": ("login", "login", "login_failure"), "login failure": ("login", "login", "login_failure"), "logout": ("login", "login", "logout"),
    "login challenge": ("login", "login", "login_challenge"), "login verification": ("login", "login", "login_verification"),
    "suspicious login": ("login", "account_warning", "suspicious_login"), "suspicious login blocked": ("login", "account_warning", "suspicious_login"),
    "leaked password": ("login", "account_warning", "account_disabled_password_leak"),
    "out of domain email forwarding enabled": ("login", "email_forwarding_change", "email_forwarding_out_of_domain"),
    "out-of-domain email forwarding enabled": ("login", "email_forwarding_change", "email_forwarding_out_of_domain"),
    "account password change": ("login", "password_change", "password_edit"), "password changed": ("login", "password_change", "password_edit"),
    "2-step verification disable": ("login", "2sv_change", "2sv_disable"), "2-step verification disabled": ("login", "2sv_change", "2sv_disable"),
    "2-step verification enroll": ("login", "2sv_change", "2sv_enroll"), "2-step verification enabled": ("login", "2sv_change", "2sv_enroll"),
    "account recovery email change": ("login", "recovery_info_change", "recovery_email_edit"),
    "account recovery phone change": ("login", "recovery_info_change", "recovery_phone_edit"),
    "grant": ("token", "auth", "authorize"), "authorize": ("token", "auth", "authorize"), "revoke": ("token", "auth", "revoke"),
}  # fmt: skip
_FRAME = ("name", "type", "ipaddress")
_ADDRESS = re.compile(r"[^\s<>,;'\"()]+@[^\s<>,;'\"()]+\.[^\s<>,;'\"().]+(?:\.[^\s<>,;'\"().]+)*")
_OFFSET = re.compile(r"\s*(?:GMT|UTC)(?P<offset>[+-]\d{1,2}(?::?\d{2})?)$")


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    if header >= _GAM:
        return Claim(8, "header of gam report")
    named = all(not header.isdisjoint(names) for names in (_EVENT, _ACTOR, _IP, _SAID)) and any(_DATE.fullmatch(name) for name in header)
    return Claim(6, "header of the console's audit logs") if named else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    if header_of(source) >= _GAM:
        _of_gam(source, options, out)
        return
    dated = tuple(sorted(name for name in header_of(source) if _DATE.fullmatch(name)))
    table, log = Table(source, options, out, dates=dated), Workspace(out, options)
    if not dated:
        table.require("date")
    events, clock, local = Events(log), Clock(options.zone), 0
    for row in table:
        at, zoned = _time(row, dated[0], clock)
        local += at is not None and not zoned
        events.take(_activity(row, at), row.place)
    events.finish(False)
    if local:
        out.note(told(clock, "times without a zone"))


def _of_gam(source: Source, options: Options, out: FactBuffer) -> None:
    """A row an event; names of parameters are as the header spells them, which of the admin log are capitals."""
    table, log = Table(source, options, out), Workspace(out, options)
    events = Events(log)
    admin = {"user_email", "group_email", "role_name", "api_client_name", "api_scopes", "oauth2_app_id", "oauth2_app_name", "email_monitor_dest_email", "new_value"}
    for row in table:
        said = [{"name": name.upper() if name in admin else name, "value": row[name]} for name in table.header if "." not in name and name not in _FRAME and row[name]]
        events.take(
            {"id": {"time": row["id.time"], "uniqueQualifier": row.get("id.uniquequalifier"), "applicationName": row["id.applicationname"]},
             "actor": {"email": row["actor.email"], "profileId": row.get("actor.profileid"), "callerType": row.get("actor.callertype"), "key": row.get("actor.key")},
             "ipAddress": row.get("ipaddress"), "events": [{"type": row.get("type"), "name": row["name"], "parameters": said}]},
            row.place,
        )  # fmt: skip
    events.finish(False)


def _time(row: Row, column: str, clock: Clock) -> tuple[int | None, bool]:
    """(seconds, whether the text tells its zone)."""
    text = row[column].replace("\u202f", " ")
    offset = _OFFSET.search(text)
    try:
        if offset:
            return Clock(offset["offset"]).utc(dates.moment(text[: offset.start()], None)), True
        zoned = bool(re.search(r"(?:[Zz]|UTC|GMT|[+-]\d\d:?\d\d)$", text))
        at = dates.moment(text, None) if zoned else row.date(column)
    except dates.BadDate:
        return None, True
    return (at if zoned or at is None else clock.utc(at)), zoned


def _activity(row: Row, at: int | None) -> Record:
    """The row as an activity of the Reports API."""
    words = " ".join(row.first(*_EVENT).split()).casefold()
    app, kind, name = _NAMES.get(words, ("login", "", words.replace(" ", "_")))
    actor, said = row.first(*_ACTOR), _said(row, kind)
    own = hashlib.sha256(repr((at, words, actor, row.first(*_IP), sorted(said.items()))).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return {
        "id": {"time": (to_iso(at) or "") if at is not None else "", "uniqueQualifier": own, "applicationName": app}, "actor": {"email": actor},
        "ipAddress": row.first(*_IP), "events": [{"type": kind, "name": name, "parameters": [{"name": key, "value": value} for key, value in said.items() if value]}],
    }  # fmt: skip


def _said(row: Row, kind: str) -> dict[str, Any]:
    """What the row's further columns say, by the names of the Reports API."""
    if kind == "auth":
        return {"client_id": row.first("client id", "oauth client id", "application id"), "app_name": row.first("app name", "application name", "oauth app name", "application"),
                "scope": row.first("scope", "scopes", "api scopes")}  # fmt: skip
    said = {"login_type": row.first("login type"), "login_challenge_method": row.first("challenge type", "challenge method"),
            "is_suspicious": str(row.flag("is suspicious") or "").casefold()}  # fmt: skip
    if kind == "email_forwarding_change":
        others = [found for found in _ADDRESS.findall(row.first(*_SAID)) if found.casefold() != row.first(*_ACTOR).casefold()]
        said["email_forwarding_destination_address"] = row.first("email forwarding address", "forwarding address") or next(iter(others), "")
    return said
