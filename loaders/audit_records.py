"""Records of the Microsoft 365 audit log → facts, whatever shape they came in (formats.md 1.2).

Mail access, sign-ins and files are stated as they are read; changes of rules, rights and applications at the end, in the order of
their times, when the whole log has told what its names mean. Copies of a record count once.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import orjson
import polars as pl

from graphmodel import identity
from loaders import dates
from loaders.audit_admin import OPERATIONS as ADMINISTRATION
from loaders.audit_admin import Administration
from loaders.audit_changes import OPERATIONS as EXCHANGE_CHANGES
from loaders.audit_changes import Changes
from loaders.audit_directory import OPERATIONS as DIRECTORY_CHANGES
from loaders.audit_directory import ROLES, Directory
from loaders.audit_mail import ACCESS, CHANGES, SENDS, Mail, windows
from loaders.audit_who import Actor, Record, Who, guid, is_upkeep, pairs_of, text_of, token_id
from loaders.base import FactBuffer
from loaders.recipients import Node

SIGN_INS = frozenset(("UserLoggedIn", "UserLoginFailed"))
_MAIL = SENDS | CHANGES | {ACCESS}
_DEFERRED = EXCHANGE_CHANGES | DIRECTORY_CHANGES | ADMINISTRATION
_SEARCHES = frozenset(("SearchQueryInitiatedExchange", "SearchQueryInitiatedSharePoint"))
_FILE_WORDS = ("FileAccessed", "FileDownloaded", "FilePreviewed", "FileSync", "FileUploaded", "FileModified", "FileDeleted", "FileRecycled",
               "FileCopied", "FileMoved", "FileRenamed", "FolderDownloaded", "Sharing", "AnonymousLink", "SecureLink", "CompanyLink",
               "AddedToSecureLink", "RemovedFromSecureLink")  # fmt: skip
_LOGON = {"0": "owner", "1": "admin", "2": "delegate", "3": "transport", "4": "service", "6": "delegated admin"}
_SAID = {"owner": "owner", "admin": "admin", "delegated": "delegate", "delegate": "delegate", "transport": "transport", "systemservice": "service", "delegatedadmin": "delegated admin"}
_FAILED = frozenset(("failed", "failure", "false"))
_DONE = frozenset(("true", "succeeded", "success", "partiallysucceeded"))
_CAPS = (1000, 5000, 10_000, 50_000)
_URLS_KEPT = 200_000
_FAR = 1 << 40


class Records:
    """Takes records one by one (`take`) and states what they say; `finish` states what only the whole log can say."""

    def __init__(self, out: FactBuffer, format_name: str, now: int | None) -> None:
        self._out, self.now, self.prefix = out, now, f"obs:{format_name}/"
        self.who = Who(out)
        self.mail = Mail(out, self.who)
        self.seen: set[bytes] = set()
        self._kept: list[tuple[int, str, str, bytes]] = []  # (time, place, observation, record): changes, for the end
        self.counts: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._span: tuple[int, int] | None = None
        self._sign_ins: tuple[int, int] | None = None
        self._files: set[str] = set()

    def skip(self, id_: str, user: str, text: str) -> bool:
        """Whether a record need not be parsed: a copy of one read, or upkeep by Microsoft's own accounts. Counts it."""
        if (found := guid(id_)) and _number(found) in self.seen:
            self.counts["copies"] += 1
            return True
        if not found or not is_upkeep(user) or user.casefold().endswith(".prod.outlook.com"):
            return False  # provisioning accounts say what names mean
        if self._keeps(text):
            return False
        start = text.find('"CreationTime":"', 0, 400)
        if start < 0:
            return False
        self.seen.add(_number(found))
        self.counts["upkeep"] += 1
        self._when(text[start + 16 : start + 35])
        return True

    @staticmethod
    def _keeps(text: str) -> bool:
        """Whether an application may stand behind Microsoft's account (it read or sent mail), or a role was given or taken."""
        return '"MailItemsAccessed"' in text or '"Send' in text or " role" in text

    def take(self, place: str, record: Record) -> None:
        """State one record."""
        operation, cut = record["Operation"], "_cut" in record
        if self._is_copy(record):
            return
        self.counts["cut"] += cut
        at = self._when(record.get("CreationTime"))
        actor = self.who.actor(record, place)
        if operation in ("New-Mailbox", "Set-Mailbox"):
            self.who.learn_recipient(record)
        elif operation == "New-InboxRule":
            self.who.learn_rule(record)
        if actor.upkeep and operation not in ROLES and not (operation in _MAIL and guid(app_of(record))):
            self.counts["upkeep"] += 1
        elif operation in _DEFERRED and not cut:
            self._kept.append((at or 0, place, self._key(record), orjson.dumps(record)))
        elif operation in _MAIL or operation in SIGN_INS or operation in _SEARCHES or operation.startswith(_FILE_WORDS) or cut:
            self._state(place, record, at, actor, cut)
        else:
            self._others[operation] += 1

    def finish(self, lossy: bool) -> None:
        """State the changes in the order of their times, then the mail system and what the log covers."""
        self._kept.sort(key=lambda kept: kept[0])
        changes, directory, administration = Changes(self._out, self.who), Directory(self._out, self.who), Administration(self._out, self.who)
        for _, place, _, raw in self._kept:
            if (record := orjson.loads(raw))["Operation"] in DIRECTORY_CHANGES:
                directory.learn(record, place)
        for _, place, key, raw in self._kept:
            record = orjson.loads(raw)
            at = self._when(record.get("CreationTime"))
            actor = self.who.actor(record, place)
            obs = self._observe(place, record, key, at, actor, directory.note_of(record))
            if succeeded(record) is False:
                self.counts["failed"] += 1
            elif record["Operation"] in ADMINISTRATION:
                administration.read(record, place, obs, at)
            else:
                (changes if record["Operation"] in EXCHANGE_CHANGES else directory).read(record, place, obs, at, actor)
        changes.finish()
        self.who.host_all()
        self._cover()
        self._audit_off(changes.audit_off)
        self._tell(lossy, changes.unknown_targets)

    # One record.

    def _is_copy(self, record: Record) -> bool:
        found = guid(record.get("Id"))
        number = _number(found) if found else bytes.fromhex(_hash(record))
        if number in self.seen:
            self.counts["copies"] += 1
            return True
        self.seen.add(number)
        return False

    def _key(self, record: Record) -> str:
        return f"{self.prefix}{guid(record.get('Id')) or _hash(record)}"

    def _when(self, value: Any) -> int | None:
        at = value if isinstance(value, int) else self.moment(value) if isinstance(value, str) else None
        if at is None:
            self.counts["timeless"] += 1
        else:
            self._span = (min(self._span[0], at), max(self._span[1], at)) if self._span else (at, at)
        return at

    def covers(self, times: pl.Series) -> None:
        """Records of these times were read; null: of none."""
        self.counts["timeless"] += times.null_count()
        if times.null_count() < len(times):
            first, last = self._span or (_FAR, -_FAR)
            self._span = (min(first, cast(int, times.min())), max(last, cast(int, times.max())))

    def covers_sign_ins(self, first: int, last: int) -> None:
        """Sign-ins of these times were read."""
        self._sign_ins = (min(self._sign_ins[0], first), max(self._sign_ins[1], last)) if self._sign_ins else (first, last)

    def moment(self, text: str) -> int | None:
        """Seconds of a time as the log writes it; None where it is none to be believed."""
        try:
            if len(text) == 19 and text[10] == "T":
                found = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
                if dates.EARLIEST <= found <= (self.now + 86_400 if self.now is not None else found):
                    return found
            return dates.moment(text, None, self.now)
        except ValueError:
            return None

    def _state(self, place: str, record: Record, at: int | None, actor: Actor, cut: bool) -> None:
        operation = record["Operation"]
        if operation in SIGN_INS:
            if at is not None:
                self.covers_sign_ins(at, at)
            self._observe(place, record, self._key(record), at, actor, None)
            return
        mail = operation in _MAIL
        note = "the record is cut short" if cut else self.mail.note_of(record) if mail else None
        obs = self._observe(place, record, self._key(record), at, actor, note)
        mailbox = self.who.owner(record, place)
        if mailbox:
            self._out.edge("OBSERVED", obs, mailbox, place, role="mailbox")
        if cut:
            return
        if mail:
            self.mail.read(record, place, obs, mailbox, at)
        elif operation not in _SEARCHES:
            self._file(record, place, obs)

    def _observe(self, place: str, record: Record, key: str, at: int | None, actor: Actor, note: str | None) -> Node:
        app = app_of(record)
        self._out.node(
            "Observation", key, place, at=at, operation=record["Operation"].strip(), ip=ip_of(record), session=session_of(record),
            token=token_of(record), user_agent=agent_of(record), app=app or None, as_who=as_who(record),
            succeeded=succeeded(record), note=note,
        )  # fmt: skip
        obs = ("Observation", key)
        if actor.node:
            node = self.who.app(actor.node[1], place) if actor.node[0] == "App" else actor.node
            self._out.edge("OBSERVED", obs, node, place, role="actor")
        if found := guid(app):
            self._out.edge("OBSERVED", obs, ("App", f"app:{found}"), place, role="app")
        return obs

    def _file(self, record: Record, place: str, obs: Node) -> None:
        url = text_of(record, "ObjectId")
        if "://" in url:
            key = f"file:{url.casefold()}"
            if key not in self._files:
                if len(self._files) >= _URLS_KEPT:
                    self._files.clear()
                self._files.add(key)
                self._out.node("File", key, place, url=url)
            self._out.edge("OBSERVED", obs, ("File", key), place, role="target")
        if target := identity.address(text_of(record, "TargetUserOrGroupName").rpartition("#")[2]):
            self._out.edge("OBSERVED", obs, ("Correspondent", identity.smtp_key(target)), place, role="target")

    # The whole log.

    def _cover(self) -> None:
        capped = self._out.records in _CAPS
        first, last = self._span or (None, None)
        note = "as many records as one search returns: it was cut, ask for shorter times" if capped else None
        self._out.coverage("audit log", self.who.domain(), first=first, last=last, collected=self._out.records, capped=capped, note=note)
        if self._sign_ins:
            self._out.coverage("sign-ins", self.who.domain(), first=self._sign_ins[0], last=self._sign_ins[1], capped=capped)
        for key, (start, end) in sorted(self.mail.access.items()):
            self._out.coverage("mail access", key.removeprefix("mailbox:"), first=start, last=end, capped=capped)
        for key, times in sorted(self.mail.blind.items()):
            for start, end in windows(times):
                why = "throttled: too many reads, for 24 hours none was recorded"
                self._out.coverage("mail access", key.removeprefix("mailbox:"), first=start, last=end, blind=True, note=why)

    def _audit_off(self, spans: list[tuple[str, int, int | None]]) -> None:
        for address, start, end in spans:
            last = end if end is not None else self._span[1] if self._span else None
            self._out.coverage("mail access", address, first=start, last=last, blind=True, note="auditing of the mailbox was switched off")

    def _tell(self, lossy: bool, unknown_targets: int) -> None:
        ambiguous = sorted(self.who.ambiguous)
        said = (
            (self.counts["copies"], "that stand in the file more than once, read once"),
            (self.counts["upkeep"], "by Microsoft's own accounts (upkeep of the tenant), passed over"),
            (sum(self._others.values()), "of other operations, passed over: " + ", ".join(name for name, _ in self._others.most_common(5))),
            (self.counts["timeless"], "without a time that can be believed"),
            (self.counts["failed"], "of changes that failed, which made no right"),
            (self.counts["cut"], "cut short: only who, what and when are known of them"),
            (self.mail.nameless, "of messages without a Message-ID, which cannot be told from others"),
            (unknown_targets, "that end a forwarding, a rule or a right this log does not say the beginning of"),
        )
        for count, what in said:
            if count:
                self._out.note(f"{count:,} {'record' if count == 1 else 'records'} {what}")
        if lossy:
            self._out.note("flattened by a tool: fields of many operations are lost; export AuditData itself")
        if ambiguous:
            self._out.note(f"names that could be several accounts, left as they are: {', '.join(ambiguous[:10])}")


def _number(id_: str) -> bytes:
    """The 16 bytes of a GUID."""
    return bytes.fromhex(id_.replace("-", ""))


def _hash(record: Record) -> str:
    return hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).hexdigest()[:32]


def app_of(record: Record) -> str:
    """Id of the application that did it: the client behind Graph before the interface itself."""
    access = record.get("AppAccessContext")
    through = text_of(access, "ClientAppId") if isinstance(access, dict) else ""
    return through or text_of(record, "ClientAppId", "AppId", "ApplicationId")


def ip_of(record: Record) -> str | None:
    """The address it was done from."""
    return address_of(text_of(record, "ClientIPAddress", "ClientIP", "ActorIpAddress"))


@lru_cache(maxsize=65536)
def address_of(text: str) -> str | None:
    """An IP address without its port, brackets and mapping (`[2603:…::5]:54088`, `::ffff:1.2.3.4`); None where it is none."""
    value = text.strip()
    if value.startswith("["):
        value = value[1:].partition("]")[0]
    elif value.count(":") == 1:
        value = value.partition(":")[0]
    try:
        found = ipaddress.ip_address(value.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def session_of(record: Record) -> str | None:
    """Id of the session it was done in."""
    if found := text_of(record, "SessionId"):
        return found
    access = record.get("AppAccessContext")
    if isinstance(access, dict) and (found := text_of(access, "AADSessionId")):
        return found
    return pairs_of(record, "DeviceProperties").get("SessionId") or None if "DeviceProperties" in record else None


def token_of(record: Record) -> str | None:
    """Unique id of the token it was done with, the one that the sign-in log gives too."""
    access = record.get("AppAccessContext")
    return token_id((text_of(access, "UniqueTokenId") if isinstance(access, dict) else "") or text_of(record, "UniqueTokenId"))


def agent_of(record: Record) -> str | None:
    """The client, as it names itself."""
    found = text_of(record, "ClientInfoString", "UserAgent")
    if not found and "ExtendedProperties" in record:
        found = pairs_of(record, "ExtendedProperties").get("UserAgent", "")
    return found[:300] or None


def as_who(record: Record) -> str | None:
    """In which capacity: owner, admin, delegate and so on."""
    logon = str(record.get("LogonType"))
    return _LOGON.get(logon, _SAID.get(logon.casefold()))


def succeeded(record: Record) -> bool | None:
    """By the operation and its error: sign-ins that failed carry the status `Success`."""
    if record["Operation"] == "UserLoginFailed" or text_of(record, "LogonError"):
        return False
    status = str(record.get("ResultStatus", "")).casefold()
    return False if status in _FAILED else True if status in _DONE else None
