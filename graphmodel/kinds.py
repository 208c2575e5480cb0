"""THE declaration of the graph: node kinds, edge kinds, their properties, and what each of them means.

Neo4j's constraints, the embedded engine's typed tables, the Parquet schemas of the case folder and the reference page
of the docs are all made from this file. A label or relationship type that is not here does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PropertyType = Literal["string", "int", "bool", "float", "strings", "ints"]


@dataclass(frozen=True)
class Property:
    """One property: its name, type and meaning. Times are integers, seconds since 1970 UTC; null means unknown."""

    name: str
    type: PropertyType
    meaning: str


@dataclass(frozen=True)
class NodeKind:
    """A node label with its key's form and its own properties (besides `NODE_COMMON`)."""

    label: str
    meaning: str
    key: str
    properties: tuple[Property, ...] = ()

    @property
    def columns(self) -> tuple[Property, ...]:
        """All properties in table order, the key first."""
        return NODE_COMMON + self.properties


@dataclass(frozen=True)
class EdgeKind:
    """A relationship type, the pairs of labels it may join, and its own properties (besides `EDGE_COMMON`)."""

    type: str
    pairs: tuple[tuple[str, str], ...]
    meaning: str
    properties: tuple[Property, ...] = ()
    derived: bool = False

    @property
    def columns(self) -> tuple[Property, ...]:
        """All properties in table order, without the two ends."""
        return EDGE_COMMON + self.properties


def _p(name: str, type_: PropertyType, meaning: str) -> Property:
    return Property(name, type_, meaning)


def _cross(sources: str, targets: str) -> tuple[tuple[str, str], ...]:
    return tuple((source, target) for source in sources.split() for target in targets.split())


NODE_COMMON = (
    _p("key", "string", "stable key, native to the source, unique over all kinds"),
    _p("kind", "string", "the label again, so that a query can return it on either engine"),
    _p("name", "string", "what people call it"),
)

EDGE_COMMON = (
    _p("fact", "string", "id of the fact: a hash of what it says, the same wherever it is read"),
    _p("valid_from", "int", "from when it held, seconds since 1970 UTC; null: unknown, or since before the source began"),
    _p("valid_until", "int", "until when it held (exclusive); null: unknown, or still open"),
    _p("source", "string", "format and file that said it"),
    _p("place", "string", "row, line or path within that file"),
    _p("record", "string", "the record's own id within the source, where it has one"),
)

_NODES = (
    # (:Account)-[:OWNS]->(:Mailbox)  (:Account)-[:MEMBER_OF]->(:Group)
    NodeKind(
        "Account",
        "Something that can sign in: user, admin, service account, guest",
        "ad:<SID> | entra:<object id> | upn:<user principal name> | account:<address or name>",
        (
            _p("type", "string", "user | admin | service | guest | shared | system"),
            _p("upn", "string", "user principal name"),
            _p("email", "string", "the address the directory gives for it"),
            _p("sam", "string", "sAMAccountName"),
            _p("domain", "string", "directory domain"),
            _p("enabled", "bool", "may sign in"),
            _p("department", "string", "department"),
            _p("title", "string", "job title"),
            _p("country", "string", "country as the source writes it"),
            _p("created", "int", "when it was made"),
            _p("password_set", "int", "when its password was last set"),
            _p("object_id", "string", "Entra object id"),
            _p("dn", "string", "distinguished name, case folded"),
            _p("extra", "string", "further columns of the source, JSON"),
        ),
    ),
    NodeKind(
        "Mailbox",
        "A mailbox: what it holds can be read by whoever holds it",
        "mailbox:<primary address>",
        (
            _p("type", "string", "user | shared | room | group | archive | system | public folder"),
            _p("address", "string", "primary address"),
            _p("basis", "string", "why we think it exists: export | mail file | mail attribute | forwarding | delivery log"),
            _p("created", "int", "when it was made"),
            _p("extra", "string", "further columns of the source, JSON"),
        ),
    ),
    NodeKind(
        "Server",
        "A computer: server, gateway, file server, domain controller, workstation",
        "ad:<SID> | host:<fully qualified name>",
        (
            _p("role", "string", "mail | gateway | file | domain controller | workstation | server"),
            _p("fqdn", "string", "fully qualified name, lower case"),
            _p("ip", "string", "address"),
            _p("os", "string", "operating system"),
            _p("enabled", "bool", "its account is enabled"),
            _p("owner", "string", "who runs it"),
            _p("criticality", "string", "as the source grades it"),
            _p("dn", "string", "distinguished name, case folded"),
            _p("extra", "string", "further columns of the source, JSON"),
        ),
    ),
    NodeKind(
        "Correspondent",
        "An e-mail address, inside or outside",
        "smtp:<address> | x500:<legacyExchangeDN>, where an export names a recipient by it",
        (
            _p("address", "string", "the address, normalised; of an `x500:` key the legacyExchangeDN"),
            _p("internal", "bool", "its domain is one of the organisation's own (derived)"),
            _p("looks_like", "string", "the organisation's own address or domain that it resembles and is not (derived)"),
            _p("person", "string", "one value for all addresses of one person (derived); count these for persons"),
            _p("organisation", "string", "organisation stated by a correspondents list"),
            _p("country", "string", "ISO 3166 code, stated by a list or else told by the domain's ending; null: not known"),
            _p("country_basis", "string", "stated | domain: why we think so (derived)"),
            _p("category", "string", "domestic | abroad | government | press | vendor, as stated"),
            _p("warned_at", "int", "when they were told"),
            _p("extra", "string", "further columns of the source, JSON"),
        ),
    ),
    NodeKind(
        "Organisation",
        "Who a correspondent belongs to: known by the registrable domain, or stated",
        "domain:<registrable domain> | organisation:<stated name>",
        (
            _p("domains", "strings", "its domains seen"),
            _p("country", "string", "ISO 3166 code; null: not known"),
            _p("country_basis", "string", "stated | domain: why we think so"),
        ),
    ),
    NodeKind(
        "Group",
        "A group whose members hold its rights: security, distribution, Microsoft 365, role group",
        "ad:<SID> | group:<address, object id or name>",
        (
            _p("type", "string", "security | distribution | microsoft365 | role group | mailing list"),
            _p("address", "string", "its address, if it takes mail"),
            _p("sam", "string", "sAMAccountName"),
            _p("domain", "string", "directory domain"),
            _p("dn", "string", "distinguished name, case folded"),
            _p("extra", "string", "further columns of the source, JSON"),
        ),
    ),
    # (:Group)-[:CONTROLS]->(:Container)-[:CONTAINS]->(:Account): a right on what contains an object can become a right on the object
    NodeKind(
        "Container",
        "A part of a directory on which rights are given and from which they are inherited: domain, organisational unit, container, group policy, tenant",
        "ad:<SID or GUID> | tenant:<domain or id of an Entra tenant>",
        (
            _p("type", "string", "domain | unit | container | group policy | tenant"), _p("domain", "string", "directory domain"),
            _p("dn", "string", "distinguished name, case folded"),
        ),
    ),
    NodeKind(
        "Service",
        "Anything an account signs in to, and mail systems as a whole",
        "service:<type>/<name>",
        (_p("type", "string", "mail system | remote desktop | vpn | remote shell | remote com | web mail | saas | chat | share"),),
    ),
    NodeKind(
        "App",
        "OAuth application or service principal",
        "app:<app id, or the object id where only that is known>",
        (_p("publisher", "string", "publisher"), _p("extra", "string", "further columns of the source, JSON")),
    ),
    NodeKind(
        "Role",
        "An administrative role and what it may do",
        "role:<system>/<name>@<domain or tenant id>, without @ where the source does not tell whose",
        (_p("system", "string", "exchange | entra | google | okta"),),
    ),
    NodeKind(
        "Secret",
        "A credential, found in a message or stated by an analyst: kind, fingerprint or name, and place, never the value",
        "secret:<fingerprint> | secret:stated/<name>",
        (_p("secret_kind", "string", "password | api key | private key | vpn profile | recovery code | certificate | signing key"),),
    ),
    NodeKind(
        "Message",
        "One distinct message; never its subject, body or attachment names",
        "msg:<hash of Message-ID, or of date, sender, recipients, subject and first words>",
        (
            _p("content", "string", "second hash (date, sender, recipients, subject, first words): joins copies with new ids"),
            _p("sent", "int", "when it was sent"),
            _p("sent_basis", "string", "date | received | file: where that time was found"),
            _p("size", "int", "bytes"),
            _p("attachments", "int", "how many attachments"),
            _p("encrypted", "bool", "S/MIME or PGP encrypted"),
        ),
    ),
    NodeKind(
        "Rule",
        "Something that copies passing mail elsewhere: inbox rule, mailbox forwarding, transport rule",
        "rule:<mailbox or organisation>/<type>/<name or target>",
        (
            _p("type", "string", "inbox rule | mailbox forwarding | transport rule"),
            _p("enabled", "bool", "is switched on"),
            _p("hides", "bool", "deletes, moves or marks as read what it touches"),
            _p("runs", "bool", "starts a program on the computer on which the mailbox's owner opens it: rule, form or home page of Outlook"),
            _p("conditions", "string", "kinds of conditions in the export's words, with their values where these are no words of mail (`From: a@x; SubjectContainsWords`)"),
            _p("takes", "string", "of a transport rule: all mail | some senders or recipients | some mail (conditions on what it says or is); null: not said"),
        ),
    ),
    NodeKind("File", "A file or site in shared storage", "file:<url or path>", (_p("url", "string", "where"),)),
    NodeKind(
        "Observation",
        "A log record that shows a step",
        "obs:<format>/<record id>",
        (
            _p("at", "int", "when"),
            _p("operation", "string", "what was done, in the log's word"),
            _p("ip", "string", "from where"),
            _p("session", "string", "session id"),
            _p("token", "string", "unique id of the token it was done with"),
            _p("user_agent", "string", "client"),
            _p("app", "string", "id or name of the application that did it"),
            _p("as_who", "string", "in which capacity: owner, admin, delegate, transport; or the type of logon"),
            _p("succeeded", "bool", "whether it did"),
            _p("note", "string", "in words, never content"),
        ),
    ),
    NodeKind(
        "Remediation",
        "Something was done against the attacker: a reset, a revocation, a removal",
        "remediation:<what>/<target>/<when>",
        (_p("what", "string", "reset | revoke | disable | remove | reimage | rotate"), _p("at", "int", "when"), _p("by", "string", "who did it, or on which ground")),
    ),
    NodeKind(
        "LogCoverage",
        "What a source saw, from when to when; without it, silence says nothing",
        "coverage:<load>/<what>/<scope>",
        (
            _p("what", "string", "one of COVERAGE"),
            _p("format", "string", "format of the source"),
            _p("scope", "string", "which part: a mailbox, a domain, a file"),
            _p("first", "int", "earliest record"),
            _p("last", "int", "latest record"),
            _p("collected", "int", "how many objects of this kind the source did ask"),
            _p("missing", "int", "how many objects it names but did not ask"),
            _p("capped", "bool", "the export stopped at a known limit"),
            _p("blind", "bool", "the log saw nothing between `first` and `last` (throttled, switched off)"),
            _p("complete", "bool", "stated by an analyst: between `first` and `last` nothing is missing, so silence means that it did not happen"),
            _p("snapshot", "int", "when a snapshot was taken: what it lacks was gone by then"),
            _p("note", "string", "in words"),
        ),
    ),
    NodeKind(
        "Indicator",
        "A sign of the attacker: address, session, user agent",
        "indicator:<type>/<value>",
        (
            _p("type", "string", "ip | email | domain | host | url | session | token | user agent | app | message id | sha256"),
            _p("value", "string", "the sign"),
            _p("valid_from", "int", "from when it is one"),
            _p("valid_until", "int", "until when"),
            _p("confidence", "int", "0 to 100, where stated"),
            _p("note", "string", "what it is a sign of"),
        ),
    ),
    NodeKind(
        "Incident",
        "A compromise under investigation",
        "incident:<name>",
        (_p("opened", "int", "when it was opened"),),
    ),
)

_RIGHT = (
    _p("basis", "string", "the right's own words"),
    _p("inherited", "bool", "inherited from above"),
)

_EDGES = (
    EdgeKind("OWNS", _cross("Account Group", "Mailbox") + (("Account", "App"),), "The mailbox is the account's own, or the group's",
             (_p("basis", "string", "why: export | mail file | mail attribute"),)),
    EdgeKind("FULL_ACCESS", _cross("Account Group", "Mailbox"), "May open the whole mailbox", _RIGHT),
    EdgeKind("SEND_AS", _cross("Account Group", "Mailbox Group"), "May send as if it were the other", _RIGHT),
    EdgeKind("SEND_ON_BEHALF", _cross("Account Group", "Mailbox Group"), "May send on behalf of the other", _RIGHT),
    EdgeKind("FOLDER_RIGHT", _cross("Account Group", "Mailbox"), "May read one folder",
             (_p("folder", "string", "folder path"), _p("rights", "string", "Reviewer, Editor …"))),
    EdgeKind("MEMBER_OF", _cross("Account Group Server App", "Group"), "Is a member, so holds the group's rights",
             (_p("primary", "bool", "through the primary group"),)),
    EdgeKind("FORWARDS_TO", _cross("Mailbox Rule Group", "Correspondent"), "Copies or redirects passing mail to the address",
             (_p("keeps_copy", "bool", "the mailbox keeps its copy"),)),
    EdgeKind("HAS_ADDRESS", _cross("Account Mailbox Group", "Correspondent"), "Is known by this address",
             (_p("type", "string", "primary | alias | upn | mail | x500"),)),
    EdgeKind("HOLDS", (("Mailbox", "Message"),), "The message lies, or lay, in the mailbox",
             (_p("folder", "string", "folder path"), _p("delivered", "int", "when it came in"),
              _p("purged", "int", "when it was gone for good; null: not known to be gone"),
              _p("basis", "string", "file: seen lying there; trace: delivered there by a log"))),
    EdgeKind("SENT_BY", (("Message", "Correspondent"),), "Its From or Sender address", (_p("role", "string", "from | sender"),)),
    EdgeKind("ADDRESSED_TO", (("Message", "Correspondent"),), "A recipient",
             (_p("role", "string", "to | cc | bcc | reply-to | envelope"), _p("status", "string", "delivered | failed | … where a log says"),
              _p("delivered", "int", "when a log saw it delivered"))),
    EdgeKind("BELONGS_TO", _cross("Correspondent Account", "Organisation") + _cross("Account Group Server App", "Container"),
             "Is of this organisation, of this directory domain, or of this tenant", (_p("basis", "string", "domain | stated | sid | directory of the tenant | mailbox of the tenant"),)),
    EdgeKind("CONTAINS_SECRET", (("Message", "Secret"),), "The message holds a credential"),
    EdgeKind("OPENS", _cross("Secret", "Account Service Server"), "The credential opens it; of a signing key: it accepts what the key signs",
             (_p("basis", "string", "what in the text beside it says so"),)),
    EdgeKind("KEEPS", _cross("Account Group Server", "Secret"), "Can read the key or certificate, use it, or have it issued", (_p("basis", "string", "how"),)),
    EdgeKind("RESETS_BY", _cross("Account Service", "Correspondent"), "Its password is reset by mail to this address"),
    EdgeKind("SIGNS_IN_TO", _cross("Account Group", "Service"), "May sign in there",
             (_p("via", "string", "sso | rdp | vpn | winrm | ssh | dcom | web | chat"), _p("basis", "string", "the right's own words"))),
    EdgeKind("CONSENTED", (("Account", "App"),), "Gave the application access to its data", (_p("scope", "string", "permissions"),)),
    EdgeKind("APP_SCOPE", _cross("App", "Mailbox Service"), "The application may act on it",
             (_p("scope", "string", "permissions"),
              _p("delegated", "bool", "only as a user: one who consented, or any, where an administrator consented for all; null: by its own permission"))),
    EdgeKind("HAS_ROLE", _cross("Account Group App", "Role"), "Holds the administrative role", (_p("basis", "string", "why"),)),
    EdgeKind("ADMIN_TO", _cross("Account Group Server", "Server") + (("Role", "Service"),), "Administers it",
             (_p("via", "string", "local administrators | ssh | exchange role"), _p("basis", "string", "the right's own words"))),
    EdgeKind("SESSION_ON", (("Account", "Server"),), "Was signed in there, so its credential was in memory",
             (_p("basis", "string", "which collection saw it"),)),
    EdgeKind("HOSTS", _cross("Server", "Mailbox Service File Container") + (("Service", "Mailbox"),), "Stores or serves it; of a domain: is its controller", (_p("basis", "string", "why"),)),
    EdgeKind("PASSES_THROUGH", _cross("Mailbox Service", "Server") + _cross("Mailbox Service", "Rule"), "Its mail passes there; of a transport rule: the mail of all its mailboxes, as far as APPLIES_TO does not narrow it", (_p("basis", "string", "why"),)),
    EdgeKind("APPLIES_TO", _cross("Rule", "Correspondent Group"), "A transport rule takes only mail from, or to, these; with several of one role: any of them",
             (_p("role", "string", "from | to | from or to"),)),
    EdgeKind("ACCEPTS_MAIL_FOR", (("Service", "Organisation"),), "The mail system takes mail for the domain: an address there is the organisation's own",
             (_p("domain", "string", "the accepted domain itself, below or equal to the organisation's"),
              _p("subdomains", "bool", "and all domains below it"),
              _p("type", "string", "authoritative | internal relay | external relay (mail passed on to others: not its own)"))),
    EdgeKind("CONNECTS_TO", _cross("Server", "Server Service"), "A network path is open", (_p("port", "int", "port"),)),
    EdgeKind("TRUSTS", (("Organisation", "Organisation"), ("Container", "Container"), ("Account", "Account")), "Accepts the other's accounts; of a guest: whoever holds the account at home holds it",
             (_p("type", "string", "ParentChild | Forest | External …, as a directory names it; guest"),
              _p("filtered", "bool", "identifiers of other domains are taken out of what it accepts; null: not said"))),
    EdgeKind("CONTROLS", _cross("Account Group Server", "Account Group Server Container") + (("Role", "Container"),), "Has a directory right on it",
             (_p("right", "string", "BloodHound's name: GenericAll, WriteDacl, ForceChangePassword, GetChanges, AllowedToDelegate …; of a role on what BELONGS_TO a tenant: "
                                    "ResetPassword (of accounts that hold no administrative role), ResetAnyPassword, AddSecret (to any application), AssignRole (any role)"),
              _p("inherited", "bool", "the directory says that it comes from above"),
              _p("through", "string", "key of the container on which it was given, where the source states it there and not on the object"))),
    EdgeKind("CONTAINS", _cross("Container", "Account Group Server Container"), "Lies directly in it",
             (_p("inherits", "bool", "takes over rights given above it; null: not known"),)),
    EdgeKind("LINKED_TO", (("Container", "Container"),), "The group policy applies to what lies in it",
             (_p("enforced", "bool", "also where inheritance is blocked"), _p("inherited", "bool", "linked above it"))),
    EdgeKind("SAME_IDENTITY", tuple((k, k) for k in ("Account", "Mailbox", "Server", "Group", "App", "Service", "Correspondent")) + (("Account", "Group"),),
             "Two keys, one thing (derived; the reason says why). Account and Group: a right was given to the address of a group",
             (_p("reason", "string", "what joins them"), _p("because", "strings", "the facts that carry it"))),
    EdgeKind("OBSERVED", _cross("Observation", "Account Mailbox Message Server Service Group Rule App File Role Correspondent Container"), "The record is about it",
             (_p("role", "string", "actor | mailbox | message | folder | app | target | sender"), _p("folder", "string", "folder path"))),
    EdgeKind("REMEDIATES", _cross("Remediation", "Account Mailbox Server App Secret Rule Group Role Service"), "Was done to it"),
    EdgeKind("CORRESPONDED", (("Mailbox", "Correspondent"),), "Exchanged mail, counted in distinct messages (derived)",
             (_p("sent", "int", "messages to them"), _p("received", "int", "messages from, or shared with, them"),
              _p("first", "int", "earliest message"), _p("last", "int", "latest message"),
              _p("gone", "int", "when the last of them was gone for good; null: not known to be gone"),
              _p("days", "ints", "days since 1970 on which there was mail"), _p("counts", "ints", "messages on each of those days")), derived=True),
)

NODES: dict[str, NodeKind] = {kind.label: kind for kind in _NODES}
EDGES: dict[str, EdgeKind] = {kind.type: kind for kind in _EDGES}

# Written by the store from the step files, never by a loader; its pairs are those the steps produce.
STEP = "STEP"
STEP_COLUMNS = (
    _p("rule", "string", "id of the step file"),
    _p("opens", "int", "from when the step can be taken; null: from the start"),
    _p("closes", "int", "until when (exclusive); null: never closes"),
    _p("hold", "string", "borrowed | foothold"),
    _p("vantage", "string", "at rest | in transit | in part (one folder: not walked)"),
    _p("noise", "string", "rights | quiet | noisy: walked from that profile on (`profile` is a reserved word of the embedded engine)"),
    _p("because", "strings", "the facts that carry it"),
)
REACHES = "REACHES"  # (:Account)-[:REACHES]->(…): computed by reach/, shown in reports, not stored

COVERAGE = (
    "accounts", "groups", "mailboxes", "mailbox rights", "send rights", "folder rights", "forwarding", "inbox rules",
    "mail headers", "message trace", "servers", "server administrators", "remote access", "sessions", "mail hosts",
    "correspondents", "exchange administrators", "audit log", "mail access", "sign-ins", "logons", "app permissions", "roles",
    "transport rules", "network", "shared files", "indicators", "remediations", "directory rights",
)
"""What a source can say it saw; a word of this list that no load covers is shown as "not collected"."""

SNAPSHOTS = frozenset(COVERAGE) - {
    "mail headers", "message trace", "audit log", "mail access", "sign-ins", "logons", "network", "shared files", "indicators", "remediations",
    "correspondents",
}  # fmt: skip
"""The words that speak of a state at one time; the others speak of what happened over time."""
