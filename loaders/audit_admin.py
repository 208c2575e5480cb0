"""What records of the audit log say of administration beside mailboxes' own settings: role groups, roles, lists, exports; and of chats and meetings.

`Add-RoleGroupMember`, `Update-RoleGroupMember`, `Remove-RoleGroupMember` and `New-ManagementRoleAssignment` give or take a right of Exchange;
`Add-DistributionGroupMember` and `Add-UnifiedGroupLinks` give a list's mail, and to somebody of the organisation its rights;
`New-MailboxExportRequest` copies a mailbox into a file. Of Teams only that somebody read is told, never what.
"""

from __future__ import annotations

import re
from typing import Any

from graphmodel import identity
from loaders.audit_who import Record, Who, guid, mail_domain, pairs_of, text_of
from loaders.base import FactBuffer
from loaders.recipients import ADMIN_ROLE_GROUPS, Node

_MEMBERS = ("Add-RoleGroupMember", "Update-RoleGroupMember", "Remove-RoleGroupMember")
_ASSIGNMENT = "New-ManagementRoleAssignment"
_EXPORTS = ("New-MailboxExportRequest", "New-MailboxSearch")
_CHAT = ("MessagesListed", "ChatRetrieved", "MessageRead", "MessageHostedContentRead", "MessageHostedContentsListed", "MeetingDetail", "MeetingParticipantDetail")
_LISTS = ("Add-DistributionGroupMember", "Remove-DistributionGroupMember", "Add-UnifiedGroupLinks", "Remove-UnifiedGroupLinks")
OPERATIONS = frozenset((*_LISTS, *_MEMBERS, _ASSIGNMENT, *_EXPORTS, *_CHAT))
# Roles of Exchange that let their holder read any mailbox, or make himself able to.
READING_ROLES = frozenset(("applicationimpersonation", "mailbox import export", "role management"))
_ROLE_OF_GROUPS = "exchange"


class Administration:
    """States such records, in the order of time."""

    def __init__(self, out: FactBuffer, who: Who) -> None:
        self._out, self._who = out, who
        self._said: set[str] = set()

    def read(self, record: Record, place: str, obs: Node, time: int | None) -> None:
        """State one record."""
        operation = record["Operation"].strip()
        said, org = pairs_of(record, "Parameters"), text_of(record, "OrganizationName").casefold()
        if operation in _CHAT:
            self._chat(record, place, obs)
        elif operation in _EXPORTS:
            for name in filter(None, re.split("[;,]", said.get("Mailbox") or said.get("SourceMailboxes", ""))):
                self._out.edge("OBSERVED", obs, self._who.mailbox_named(name.strip(), org, place), place, role="mailbox")
        elif operation == _ASSIGNMENT:
            self._assigned(record, place, obs, time, said, org)
        elif operation in _LISTS:
            self._listed(record, place, obs, time, said, org)
        else:
            self._member(record, place, obs, time, said, org)

    def _chat(self, record: Record, place: str, obs: Node) -> None:
        tenant = self._who.domain() or guid(record.get("OrganizationId")) or "the tenant"
        service = ("Service", f"service:chat/{tenant}")
        if service[1] not in self._said:
            self._said.add(service[1])
            self._out.node("Service", service[1], place, name=f"chats and meetings of {tenant}", type="chat")
        self._out.edge("OBSERVED", obs, service, place, role="target")

    def _role(self, name: str, org: str, reads: bool, place: str) -> Node:
        domain = self._who.domain() or org
        role = ("Role", identity.role_key(_ROLE_OF_GROUPS, name, domain))
        if role[1] not in self._said:
            self._said.add(role[1])
            self._out.node("Role", role[1], place, name=name, system=_ROLE_OF_GROUPS)
            if reads and (system := self._who.mail_system(org, place)):
                self._out.edge("ADMIN_TO", role, system, place, via="exchange role", basis=name)
        return role

    def _assigned(self, record: Record, place: str, obs: Node, time: int | None, said: dict[str, str], org: str) -> None:
        """A role for a user, a group or an application."""
        name = said.get("Role", "").rpartition("\\")[2].strip()
        group, user, app = said.get("SecurityGroup", ""), said.get("User", ""), guid(said.get("App"))
        holder: Node | None
        if app:
            holder = self._who.app(app, place)
        elif group:
            holder = self._who.group(f"{group.casefold()}@{self._who.domain() or org}", group, "role group", place)
        else:
            holder = self._who.trustee(user, org, place)
        if not name or holder is None:
            return
        # A scope of recipients, or of an administrative unit, narrows it: what is left of it is not known.
        narrowed = any(word.endswith("Scope") and text.casefold() not in ("", "organization") for word, text in said.items())
        role = self._role(f"{name}, narrowed" if narrowed else name, org, name.casefold() in READING_ROLES and not narrowed, place)
        self._out.edge("OBSERVED", obs, role, place, role="target")
        self._out.edge("OBSERVED", obs, holder, place, role="app" if holder[0] == "App" else "target")
        self._out.edge("HAS_ROLE", holder, role, place, valid_from=time, record=guid(record.get("Id")), basis="role assignment")

    def _listed(self, record: Record, place: str, obs: Node, time: int | None, said: dict[str, str], org: str) -> None:
        """Somebody joins or leaves a list, and gets its mail; somebody of the organisation holds the list's rights too."""
        given = said.get("Identity") or text_of(record, "ObjectId")
        address = self._who.resolve(given, org)[0]
        name = address or " ".join(given.rpartition("/")[2].split()).casefold()
        if not name or not said.get("LinkType", "Members").casefold().startswith("member"):  # owners and subscribers are no members yet
            return
        group = self._who.group(name, given.rpartition("/")[2], "distribution", place)
        self._out.edge("OBSERVED", obs, group, place, role="target")
        when: dict[str, Any] = {"valid_until" if record["Operation"].startswith("Remove") else "valid_from": time, "record": guid(record.get("Id"))}
        for text in filter(None, re.split("[;,]", said.get("Member") or said.get("Links", ""))):
            known = self._who.resolve(text.strip(), org)[0]
            if known and self._who.domains and known not in self._who.addresses and mail_domain(known) not in (*self._who.domains, org):
                self._out.edge("FORWARDS_TO", group, ("Correspondent", identity.smtp_key(known)), place, **when)
            elif (holder := self._who.trustee(text.strip(), org, place)) is not None:
                self._out.edge("OBSERVED", obs, holder, place, role="target")
                self._out.edge("MEMBER_OF", holder, group, place, **when)

    def _member(self, record: Record, place: str, obs: Node, time: int | None, said: dict[str, str], org: str) -> None:
        """Somebody joins or leaves a role group."""
        name = (said.get("Identity") or text_of(record, "ObjectId")).rpartition("\\")[2].rpartition("/")[2].strip()
        if not name:
            return
        group = self._who.group(f"{name.casefold()}@{self._who.domain() or org}", name, "role group", place)
        self._out.edge("OBSERVED", obs, group, place, role="target")
        if name.casefold() in ADMIN_ROLE_GROUPS:
            self._out.edge("HAS_ROLE", group, self._role(name, org, True, place), place, basis="role group")
        if record["Operation"].startswith("Update"):  # gives the whole list: who is no longer in it is not told
            return
        when: dict[str, Any] = {"valid_until" if record["Operation"].startswith("Remove") else "valid_from": time}
        for text in filter(None, re.split("[;,]", said.get("Member", ""))):
            if (holder := self._who.trustee(text.strip(), org, place)) is not None:
                self._out.edge("OBSERVED", obs, holder, place, role="target")
                self._out.edge("MEMBER_OF", holder, group, place, record=guid(record.get("Id")), **when)
