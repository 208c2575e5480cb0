"""What events of Google Workspace's logs say: sign-ins, forwarding, groups, roles, applications, files, mail (formats.md 8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from graphmodel import identity
from loaders.google import Happened, Record, Workspace, text_of
from loaders.recipients import Node

_MAIL_SCOPE = re.compile(
    r"https://mail\.google\.com/?|https://www\.googleapis\.com/auth/gmail\.(readonly|modify|metadata|compose|settings\.basic|settings\.sharing)"
)
_ROLES = {"_seed_admin_role": "super admin", "_domainless_super_admin_role": "super admin"}
SUPER = "super admin"
_REMEDIES = {
    "CHANGE_PASSWORD": "reset", "SUSPEND_USER": "disable", "DELETE_USER": "disable", "RESET_SIGNIN_COOKIES": "revoke", "USER_SIGN_OUT": "revoke",
}  # fmt: skip
_JOINS = frozenset(("ADD_GROUP_MEMBER", "add_user", "add_member", "join"))
_LEAVES = frozenset(("REMOVE_GROUP_MEMBER", "remove_user", "remove_member", "leave"))
_LOGINS = {"login_success": True, "login_failure": False, "logout": True}
_MAIL = {
    1: "sent", 3: "spam classification changed", 7: "opened for the first time", 8: "marked as unread", 9: "replied to", 10: "forwarded",
    11: "forwarded automatically", 12: "moved to the inbox", 13: "moved to the trash", 14: "taken out of the trash", 15: "link clicked",
    16: "link in an attachment clicked", 17: "attachment downloaded", 18: "attachment saved to Drive", 19: "Drive item saved", 26: "archived",
    27: "deleted for good", 28: "attachment previewed", 29: "saved as a draft", 31: "viewed", 32: "downloaded", 33: "accessed by an application",
    34: "delegation granted",
}  # fmt: skip
"""Kinds of Gmail events that somebody did; what only happened (received, quarantined, bounced) is no observation."""
_SENT, _RECEIVED, _GONE, _AUTO = 1, 2, 27, 11


def mail_scopes(text: str) -> list[str]:
    """The scopes among those of a text that let an application read mail, or make rules and delegates."""
    return sorted({scope for scope in re.split(r"[\s,]+", text) if _MAIL_SCOPE.fullmatch(scope)})


def role_name(text: str) -> str:
    """`groups admin` of `_GROUPS_ADMIN_ROLE`; a role made by the organisation keeps its name."""
    folded = text.strip().casefold()
    return _ROLES.get(folded) or folded.removeprefix("_").removesuffix("_role").replace("_", " ").strip()


def sign_in(event: Happened) -> dict[str, Any]:
    """What `Workspace.observe` is told of an event of sign-ins or of the account itself."""
    status = event.text("login_challenge_status").casefold()
    ok = _LOGINS.get(event.name, None if not status else status in ("passed", "challenge passed"))
    suspicious = "suspicious" if event.said.get("is_suspicious") in (True, "true", "True") else ""
    notes = (event.text("login_challenge_method", "affected_email_address"), suspicious, event.text("login_failure_type"))
    return {
        "name": f"Google {event.name.replace('_', ' ')}", "as_who": event.text("login_type"), "notes": notes, "app": event.text("application_name"),
        "ok": ok if event.app != "user_accounts" and event.type in ("login", "") else True,
    }  # fmt: skip


def entered(event: Happened) -> Node | None:
    """The service that an event signs its account in to."""
    service = event.text("application_name")
    return ("Service", f"service:saas/{service.casefold()}") if event.app == "saml" and service and event.name == "login_success" else None


class Spans:
    """Rights that a log sees begin and end, whatever the order of its records. An end that does not say of what ends all that began."""

    def __init__(self, log: Workspace) -> None:
        self._log = log
        self._found: dict[tuple[str, Node, Node], list[tuple[int, bool, tuple[str, ...], str, str]]] = {}

    def add(self, edge: str, source: Node, target: Node, scopes: list[str], event: Happened, taken: bool) -> None:
        """`source` got, or lost, `edge` on `target` for these scopes."""
        self._found.setdefault((edge, source, target), []).append((event.at, not taken, tuple(scopes), event.place, event.id))

    def finish(self) -> None:
        """State beginnings and ends; each is joined to the other where all loads are seen together."""
        for (edge, source, target), events in self._found.items():
            begun: set[str] = set()
            for at, begins, scopes, place, id_ in sorted(events):
                for scope in sorted(scopes if begins or scopes else begun):
                    times = {"valid_from" if begins else "valid_until": at}
                    self._log.out.edge(edge, source, target, place, scope=scope, record=id_, **times)
                begun = begun | set(scopes) if begins else begun - set(scopes or begun)


class Events:
    """Takes activities one by one."""

    def __init__(self, log: Workspace) -> None:
        self.log, self._spans = log, Spans(log)
        self._delegated: list[tuple[Node, list[str], Happened, bool]] = []
        self._supers: dict[Node, str] = {}
        self._apps: dict[str, Callable[[Happened], None]] = {
            "login": self._login, "user_accounts": self._login, "saml": self._login, "admin": self._admin, "token": self._token, "drive": self._drive,
            "gmail": self._gmail, "groups": self._groups, "groups_enterprise": self._groups, "calendar": self._calendar,
        }  # fmt: skip

    def take(self, activity: Record, place: str) -> None:
        """One activity of any application."""
        for event in self.log.events(activity, place):
            handler = self._apps.get(event.app)
            if handler is None:
                self.log.tally.add(f"of the log {event.app[:40]}: left out")
            else:
                handler(event)

    def finish(self, more: bool) -> None:
        """What had to wait for the whole log."""
        for app, scopes, event, taken in self._delegated:
            self._spans.add("APP_SCOPE", app, self.log.mail_system(event.place), scopes, event, taken)
        self._spans.finish()
        for role, place in self._supers.items():
            self.log.out.edge("ADMIN_TO", role, self.log.mail_system(place), place, via="admin role", basis=SUPER)
        self.log.finish(more)

    # -- sign-ins and the account itself ---------------------------------------------------------------------------------

    def _login(self, event: Happened) -> None:
        if event.type == "email_forwarding_change":
            self._forwarding(event)
            return
        if self.log.observe(event, **sign_in(event)) and event.actor and (target := entered(event)):
            if self.log.once(*target):
                self.log.out.node("Service", target[1], event.place, name=event.text("application_name"), type="saas")
            self.log.out.edge("SIGNS_IN_TO", event.actor, target, event.place, via="sso", basis="signed in", valid_from=event.at, record=event.id)

    def _forwarding(self, event: Happened) -> None:
        target = event.address("email_forwarding_destination_address")
        if not target or not event.email:
            self.log.out.refuse(event.place, event.name, "forwarding without an address")
            return
        mailbox, goes = self.log.mailbox(event.email, event.place), ("Correspondent", identity.smtp_key(target))
        if self.log.observe(event, (mailbox, "mailbox"), (goes, "target"), name="Forwarding switched on"):
            self._copies(event, mailbox, event.email, target, "mailbox forwarding", False)

    def _copies(self, event: Happened, mailbox: Node, address: str, target: str, name: str, taken: bool) -> None:
        rule = ("Rule", f"rule:{address}/{name}/{target}")
        if self.log.once(*rule):
            self.log.out.node("Rule", rule[1], event.place, name=name, type="mailbox forwarding", enabled=None if taken else True)
        times = {"valid_until" if taken else "valid_from": event.at}
        goes = ("Correspondent", identity.smtp_key(target))
        self.log.out.edge("PASSES_THROUGH", mailbox, rule, event.place, basis=name, record=event.id, **times)
        for source in (rule, mailbox):
            self.log.out.edge("FORWARDS_TO", source, goes, event.place, record=event.id, **times)

    # -- administration --------------------------------------------------------------------------------------------------

    def _admin(self, event: Happened) -> None:
        targets = self._administered(event)
        title = f"Admin: {event.name.replace('_', ' ').casefold()}"
        if not self.log.observe(event, *targets, name=title, as_who="admin", notes=(event.text("ROLE_NAME"),)):
            return
        user = event.address("USER_EMAIL")
        if event.name in _JOINS | _LEAVES:
            self._member(event, user, event.address("GROUP_EMAIL"))
        elif event.name in ("ASSIGN_ROLE", "UNASSIGN_ROLE", "GRANT_ADMIN_PRIVILEGE", "REVOKE_ADMIN_PRIVILEGE"):
            self._role(event, user)
        elif event.name in ("AUTHORIZE_API_CLIENT_ACCESS", "REMOVE_API_CLIENT_ACCESS"):
            self._delegation(event)
        elif event.name in ("CREATE_EMAIL_MONITOR", "DELETE_EMAIL_MONITOR"):
            self._monitor(event, user)
        elif event.name == "RENAME_USER":
            self._renamed(event, user)
        elif what := _REMEDIES.get(event.name):
            self._remedy(event, user, what)

    def _administered(self, event: Happened) -> list[tuple[Node, str]]:
        targets: list[tuple[Node, str]] = []
        if user := event.address("USER_EMAIL"):
            targets.append((self.log.account(user, event.place), "target"))
        if group := event.address("GROUP_EMAIL"):
            targets.append((self.log.group(group, event.place), "target"))
        if client := event.text("API_CLIENT_NAME", "OAUTH2_APP_ID"):
            targets.append((self.log.app(client, event.text("OAUTH2_APP_NAME"), event.place), "app"))
        return targets

    def _delegation(self, event: Happened) -> None:
        """An application may act for every user of the domain."""
        client, scopes, taken = event.text("API_CLIENT_NAME"), mail_scopes(event.text("API_SCOPES")), event.name.startswith("REMOVE")
        if client and (scopes or taken):
            self._delegated.append((self.log.app(client, "", event.place), scopes, event, taken))

    def _monitor(self, event: Happened, user: str | None) -> None:
        target = event.address("EMAIL_MONITOR_DEST_EMAIL")
        if user and target:
            self._copies(event, self.log.mailbox(user, event.place), user, target, "email monitor", event.name.startswith("DELETE"))

    def _renamed(self, event: Happened, user: str | None) -> None:
        new = event.address("NEW_VALUE")
        if user and new:
            self.log.same(user, new, "renamed by an administrator", event.place)

    def _role(self, event: Happened, user: str | None) -> None:
        name = SUPER if event.name.endswith("_PRIVILEGE") else role_name(event.text("ROLE_NAME"))
        if not user or not name:
            self.log.tally.add("of role changes that do not name both the role and its holder: kept as an observation")
            return
        role = ("Role", f"role:google/{name}")
        if self.log.once(*role):
            self.log.out.node("Role", role[1], event.place, name=name, system="google")
        if name == SUPER:
            self._supers.setdefault(role, event.place)
        times = {"valid_until" if event.name.startswith(("UNASSIGN", "REVOKE")) else "valid_from": event.at}
        self.log.out.edge("HAS_ROLE", self.log.account(user, event.place), role, event.place, basis=event.text("ROLE_NAME") or name, record=event.id, **times)

    def _remedy(self, event: Happened, user: str | None, what: str) -> None:
        if not user or user == event.email:
            return
        about = self.log.account(user, event.place)
        key = f"remediation:{what}/{about[1]}/{event.at}"
        if self.log.once(key):
            self.log.out.node("Remediation", key, event.place, name=event.name, what=what, at=event.at, by=event.email or None)
            self.log.out.edge("REMEDIATES", ("Remediation", key), about, event.place, record=event.id)

    # -- groups ----------------------------------------------------------------------------------------------------------

    def _groups(self, event: Happened) -> None:
        group, member = event.address("group_id", "group_email"), event.address("member_id", "user_email", "target_user")
        if not group:
            self.log.tally.add("of groups without an address: left out")
            return
        targets = [(self.log.group(group, event.place), "target")]
        if member:
            targets.append((self._who(event, member), "target"))
        if self.log.observe(event, *targets, name=f"Group: {event.name.replace('_', ' ')}") and event.name in _JOINS | _LEAVES:
            self._member(event, member or event.email or None, group)

    def _who(self, event: Happened, member: str) -> Node:
        return self.log.group(member, event.place) if event.text("member_type") == "group" else self.log.account(member, event.place)

    def _member(self, event: Happened, member: str | None, group: str | None) -> None:
        taken = event.name in _LEAVES
        # add_user and add_member, and the admin's log, tell of one joining.
        if member and group and self.log.once("member", member, group, event.at, taken):
            times = {"valid_until" if taken else "valid_from": event.at}
            self.log.out.edge("MEMBER_OF", self._who(event, member), self.log.group(group, event.place), event.place, record=event.id, **times)

    # -- applications ----------------------------------------------------------------------------------------------------

    def _token(self, event: Happened) -> None:
        client = event.text("client_id")
        mail_call = "gmail" in f"{event.text('api_name')} {event.text('method_name')}".casefold()
        if not client or (event.name == "activity" and not mail_call):
            self.log.tally.add("of application calls that touch no mail: left out" if client else "of tokens without a client: left out")
            return
        app = self.log.app(client, event.text("app_name"), event.place)
        mailbox = ((self.log.mailbox(event.email, event.place), "mailbox"),) if mail_call and event.email else ()
        scopes = sorted(set(re.split(r"[\s,]+", event.text("scope"))) - {""})
        if not self.log.observe(event, (app, "app"), *mailbox, name=f"Application: {event.name}", app=client, notes=(event.text("method_name"),)):
            return
        if event.name not in ("authorize", "revoke") or event.actor is None:
            return
        taken = event.name == "revoke"
        self._spans.add("CONSENTED", event.actor, app, [" ".join(scopes)] if scopes else [], event, taken)
        if found := mail_scopes(" ".join(scopes)):
            self._spans.add("APP_SCOPE", app, self.log.mailbox(event.email, event.place), found, event, taken)
        elif taken:
            self._spans.add("APP_SCOPE", app, ("Mailbox", identity.mailbox_key(event.email)), [], event, True)

    # -- files and calendars ---------------------------------------------------------------------------------------------

    def _drive(self, event: Happened) -> None:
        id_ = event.text("doc_id")
        if not id_:
            self.log.tally.add("of storage without a file: left out")
            return
        file = ("File", f"file:https://drive.google.com/open?id={id_}")
        if self.log.once(*file):
            self.log.out.node("File", file[1], event.place, url=file[1].removeprefix("file:"))
        targets: list[tuple[Node, str]] = [(file, "target")]
        if shared := event.address("target_user"):
            targets.append((("Correspondent", identity.smtp_key(shared)), "target"))
        visibility, new = event.text("visibility"), event.text("new_value") if event.type == "acl_change" else ""
        notes = (f"visibility {visibility}" if visibility not in ("", "private", "unknown") else "", f"now {new}" if new else "")
        self.log.observe(event, *targets, name=f"Drive: {event.name.replace('_', ' ')}", notes=notes)

    def _calendar(self, event: Happened) -> None:
        grantee = event.address("grantee_email")
        if event.name != "change_calendar_acls" or not grantee:
            self.log.tally.add("of calendars that share nothing: left out")
            return
        self.log.observe(event, (("Correspondent", identity.smtp_key(grantee)), "target"), name="Calendar shared", notes=(event.text("access_level"),))

    # -- mail ------------------------------------------------------------------------------------------------------------

    def _gmail(self, event: Happened) -> None:
        self.mail(event, event.said, event.email)

    def mail(self, event: Happened, said: Record, owner: str) -> None:
        """One event of Gmail's log: `said` has event_info and message_info; `owner`: whose mailbox ("" where not told)."""
        info, message = _inside(said, "event_info"), _inside(said, "message_info")
        kind = _number(info.get("mail_event_type"))
        key = identity.message_key(text_of(message.get("rfc2822_message_id")), None)
        source = identity.address(text_of(_inside(message, "source").get("address")))
        goals = message.get("destination")
        found = (identity.address(text_of(goal.get("address"))) for goal in (goals if isinstance(goals, list) else [goals]) if isinstance(goal, dict))
        to = list(dict.fromkeys(address for address in found if address))
        mailbox = self.log.mailbox(owner, event.place) if owner else None
        if key:
            self._message(event, key, source, to, mailbox, kind)
        if kind not in _MAIL:
            self.log.tally.add("of mail that nobody handled (received, filtered, bounced): only messages are taken from them")
            return
        client = _inside(info, "client_context") or _inside(said, "client_context")
        delegate = identity.address(text_of(_inside(client, "session_context").get("delegate_user_email")))
        targets: list[tuple[Node, str]] = [(("Message", key), "message")] if key else []
        if mailbox:
            targets.append((mailbox, "mailbox"))
        if kind == _AUTO:
            targets += [(("Correspondent", identity.smtp_key(address)), "target") for address in to]
        self.log.observe(
            event, *targets, name=f"Mail {_MAIL[kind]}", operation=f"gmail {_MAIL[kind]}", as_who="delegate" if delegate else "owner",
            actor=self.log.account(delegate, event.place) if delegate else None, ok=info.get("success") is not False,
        )  # fmt: skip

    def _message(self, event: Happened, key: str, source: str | None, to: list[str], mailbox: Node | None, kind: int | None) -> None:
        node, out = ("Message", key), self.log.out
        sent = event.at if kind == _SENT else None
        if self.log.once(*node, sent):
            out.node("Message", key, event.place, sent=sent, sent_basis="received" if sent else None)
        if source and self.log.once("from", key, source):
            out.edge("SENT_BY", node, ("Correspondent", identity.smtp_key(source)), event.place, role="from")
        delivered = event.at if kind == _RECEIVED else None
        for address in to if kind in (_SENT, _RECEIVED) else ():
            if self.log.once("to", key, address, delivered):
                goal = ("Correspondent", identity.smtp_key(address))
                out.edge("ADDRESSED_TO", node, goal, event.place, role="envelope", status="delivered" if delivered else None, delivered=delivered)
        gone = event.at if kind == _GONE else None
        if mailbox and self.log.once("holds", mailbox[1], key, delivered, gone):
            out.edge("HOLDS", mailbox, node, event.place, delivered=delivered, purged=gone, basis="audit log")


def _inside(record: Record, key: str) -> Record:
    found = record.get(key)
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> int | None:
    text = text_of(value)
    return int(text) if text.isdigit() and len(text) < 4 else None
