r"""What Windows logs besides logons: services, sessions that were taken up again, certificates, accounts and groups, the directory's secrets.

| event | what is kept of it |
|---|---|
| 7045 (log System), 4697 | a service was installed: by whom, on which computer; its name, never its command |
| 5140 | a share that only administrators open (`ADMIN$`, `C$`) was opened |
| 4778 | a session was taken up again, as a rule by remote desktop; from where |
| 4886, 4887 | a certificate was asked for, or issued: by whom, of which template, and the account it names where that is another |
| 4720, 4724 | an account was made; its password was set by another |
| 4728, 4732, 4756, 4729, 4733, 4757 | somebody became, or is no more, a member of a group: MEMBER_OF from or until then, of a domain's groups |
| 5136 | a value was added that gives a way to the object: keys, delegation, rights, service names; a group policy has a new version |
| 4662 | secrets of the directory were copied, as a domain controller does (only with the right to all changes) |

Who did it is the actor; the computer, the account or the group are what it is about. What machines and Windows' own accounts do is counted.
A member, and the object of 5136, are named by distinguished name: they are the entry of the directory that has it, where one was loaded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from graphmodel import identity
from loaders.ldap_names import fold_dn
from loaders.recipients import Node
from loaders.windows_accounts import text_of

if TYPE_CHECKING:
    from loaders.windows import Event, Logons

INSTALLED, SERVICE, SHARE, RECONNECTED, REQUESTED, ISSUED = 7045, 4697, 5140, 4778, 4886, 4887
CREATED, PASSWORD, COPIED, MODIFIED = 4720, 4724, 4662, 5136
ADDED, REMOVED = frozenset((4728, 4732, 4756)), frozenset((4729, 4733, 4757))
CHANGES = ADDED | REMOVED | {INSTALLED, SERVICE, SHARE, RECONNECTED, REQUESTED, ISSUED, CREATED, PASSWORD, COPIED, MODIFIED}
FIELDS = (
    "ServiceName", "ShareName", "AccountName", "AccountDomain", "LogonID", "SessionName", "ClientName", "ClientAddress", "Requester", "Attributes",
    "MemberName", "Properties", "ObjectDN", "ObjectClass", "AttributeLDAPDisplayName", "OperationType", "Keywords", "EventType",
)  # fmt: skip
"""The events' own fields that are read here, besides those of logons."""
_NAMES = {
    INSTALLED: "Service installed", SERVICE: "Service installed", SHARE: "Administrative share opened", RECONNECTED: "Session reconnected",
    REQUESTED: "Certificate requested", ISSUED: "Certificate issued", CREATED: "Account created", PASSWORD: "Password set by another",
    COPIED: "Directory secrets copied", MODIFIED: "Directory object changed",
    **dict.fromkeys(ADDED, "Member added to a group"), **dict.fromkeys(REMOVED, "Member removed from a group"),
}  # fmt: skip
_OUTSIDE = "of other shares, and of other rights and values of the directory: left out"
_ADMINISTRATIVE = re.compile(r"(?:ADMIN|[A-Z])\$", re.IGNORECASE)
_ALL_CHANGES = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"  # DS-Replication-Get-Changes-All
_TEMPLATE = re.compile(r"CertificateTemplate:\s*([^\r\n]{1,100})")
_NAMED = re.compile(r"SAN:[^\r\n]*?\bupn=([^&\r\n]{1,200})", re.IGNORECASE)
_AUDIT_FAILURE = 0x10000000000000
_DOMAIN_SID = "S-1-5-21-"
_ADDED = "%%14674"
_WAYS = {name.casefold(): name for name in ("msDS-KeyCredentialLink", "msDS-AllowedToActOnBehalfOfOtherIdentity", "nTSecurityDescriptor", "servicePrincipalName", "versionNumber")}
_CLASSES = {"user": "Account", "inetorgperson": "Account", "computer": "Server", "group": "Group"} | dict.fromkeys(
    ("organizationalunit", "container", "domaindns", "builtindomain", "grouppolicycontainer"), "Container"
)


def right_log(id_: int) -> str:
    """The log in which Windows writes the event."""
    return "system" if id_ == INSTALLED else "security"


def known(id_: int, data: dict[str, Any], user: Any, keywords: Any) -> dict[str, Any]:
    """The event's own fields, and for CHANGES what stands beside them: who wrote it (`UserID`, a SID), whether it failed (`Keywords`)."""
    return {"UserID": user, "Keywords": keywords} | data if id_ in CHANGES else data


def state(logons: Logons, event: Event, key: str, server: Node) -> None:
    """State one record of CHANGES as an observation."""
    id_, data = event.id, event.data
    if _is_outside(id_, data):
        logons.dropped[_OUTSIDE] += 1
        return
    actor, why = logons.who.account(*_who(id_, data), event.place)
    if actor is None:
        logons.dropped[why or "that name no account"] += 1
        return
    if id_ in (INSTALLED, SERVICE):
        _say(logons, event, key, actor, server, note=f"service {text_of(data, 'ServiceName')[:100]}".strip())
    elif id_ == SHARE:
        _say(logons, event, key, actor, server, note=f"share {_share(data)}")
    elif id_ == RECONNECTED:
        _reconnected(logons, event, key, actor, server)
    elif id_ in (REQUESTED, ISSUED):
        _certificate(logons, event, key, actor, server)
    elif id_ == COPIED:
        _say(logons, event, key, actor, server)
    elif id_ in ADDED | REMOVED:
        _member(logons, event, key, actor, server)
    elif id_ == MODIFIED:
        object_ = (_CLASSES[text_of(data, "ObjectClass").casefold()], f"dn:{fold_dn(text_of(data, 'ObjectDN'))}")
        # The controller that wrote it down is not said: the object may be a computer too.
        _say(logons, event, key, actor, object_, note=f"added {_WAYS[text_of(data, 'AttributeLDAPDisplayName').casefold()]}")
    else:
        _about(logons, event, key, actor, server)


def _is_outside(id_: int, data: dict[str, Any]) -> bool:
    """Whether it is one of the many records of its kind that show no way."""
    if id_ == SHARE:
        return not _share(data)
    if id_ == COPIED:
        return _ALL_CHANGES not in text_of(data, "Properties").casefold()
    if id_ != MODIFIED:
        return False
    kind, attribute = text_of(data, "ObjectClass").casefold(), text_of(data, "AttributeLDAPDisplayName").casefold()
    return kind not in _CLASSES or attribute not in _WAYS or text_of(data, "OperationType") != _ADDED or "=" not in text_of(data, "ObjectDN")


def _who(id_: int, data: dict[str, Any]) -> tuple[str, str, str]:
    r"""(name, domain, SID) of who did it."""
    if id_ == INSTALLED:
        return "", "", text_of(data, "UserID")
    if id_ == RECONNECTED:
        return text_of(data, "AccountName"), text_of(data, "AccountDomain"), ""
    if id_ in (REQUESTED, ISSUED):
        domain, _, name = text_of(data, "Requester").rpartition("\\")
        return name, domain, ""
    return text_of(data, "SubjectUserName"), text_of(data, "SubjectDomainName"), text_of(data, "SubjectUserSid")


def _say(logons: Logons, event: Event, key: str, actor: Node, server: Node, *, note: str = "", as_who: str | None = None, others: tuple[Node, ...] = ()) -> None:
    logons.observe(
        event, key, actor, server, as_who=as_who, ok=not _failed(event.data), notes=(note,), others=others, name=_NAMES[event.id]
    )  # fmt: skip


def _share(data: dict[str, Any]) -> str:
    r"""The name of an administrative share (`\\*\C$`); "" of any other."""
    name = text_of(data, "ShareName").rpartition("\\")[2]
    return name.upper() if _ADMINISTRATIVE.fullmatch(name) else ""


def _reconnected(logons: Logons, event: Event, key: str, actor: Node, server: Node) -> None:
    data = event.data
    remote = not text_of(data, "SessionName").casefold().startswith("console") and text_of(data, "ClientAddress").casefold() not in ("", "local", "unknown")
    client = identity.host(text_of(data, "ClientName"))
    given = event._replace(data={"IpAddress": text_of(data, "ClientAddress"), "TargetLogonId": text_of(data, "LogonID"), "Keywords": data.get("Keywords")})
    note = f"from {client}" if remote and client else ""
    _say(logons, given, key, actor, server, note=note, as_who="10 remote interactive" if remote else "2 interactive")


def _certificate(logons: Logons, event: Event, key: str, actor: Node, server: Node) -> None:
    said = text_of(event.data, "Attributes")
    template, named = _TEMPLATE.search(said), _NAMED.search(said)
    address = identity.address(named[1].strip()) if named else None
    own = text_of(event.data, "Requester").rpartition("\\")[2].casefold()
    other = address if address and address.partition("@")[0] != own else None
    others: tuple[Node, ...] = ()
    if other:
        node, _ = logons.who.account(other, "", "", event.place)
        others = (node,) if node else ()
    notes = [f"template {template[1].strip()}"] if template else []
    _say(logons, event, key, actor, server, note="; ".join([*notes, *(["names another account"] if others else [])]), others=others)


def _about(logons: Logons, event: Event, key: str, actor: Node, server: Node) -> None:
    """An account that was made, or whose password was set."""
    data = event.data
    sid = text_of(data, "TargetSid")
    target, why = logons.who.account(text_of(data, "TargetUserName"), text_of(data, "TargetDomainName"), sid, event.place)
    if target is None:
        logons.dropped[why or "that name no account"] += 1
    elif target != actor:
        _say(logons, event, key, actor, server, others=(target,))


def _member(logons: Logons, event: Event, key: str, actor: Node, server: Node) -> None:
    """A member of a group that came or went. Groups of a computer's own have no key that is theirs alone: they are a note."""
    data = event.data
    sid, dn = text_of(data, "TargetSid"), text_of(data, "MemberName")
    if not sid.startswith(_DOMAIN_SID):
        _say(logons, event, key, actor, server, note=f"group {text_of(data, 'TargetUserName')[:100]}".strip())
        return
    group = ("Group", identity.ad_key(sid))
    _say(logons, event, key, actor, server, others=(group,))
    logons.out.node("Group", group[1], event.place, name=text_of(data, "TargetUserName") or None, type="security")
    if "=" in dn and not _failed(data):
        when = {"valid_from" if event.id in ADDED else "valid_until": event.at}
        logons.out.edge("MEMBER_OF", ("Account", f"dn:{fold_dn(dn)}"), group, event.place, record=event.record or None, **when)


def _failed(data: dict[str, Any]) -> bool:
    """Whether Windows says that it was not allowed: by a word, or by a bit of a number (which may be written as negative)."""
    given = data.get("Keywords")
    if isinstance(given, str) and re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", given.strip()):
        given = int(given.strip(), 16)
    if isinstance(given, int) and not isinstance(given, bool):
        return bool(given & _AUDIT_FAILURE)
    said = " ".join(map(str, given)) if isinstance(given, list) else str(given or "")
    return "audit failure" in said.casefold() or text_of(data, "EventType").casefold() == "audit_failure"
