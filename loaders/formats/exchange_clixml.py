"""Export-Clixml of Get-ExchangeServer, Get-MailboxServer, Get-AcceptedDomain, Get-SendConnector and Get-TransportRule (formats.md 3).

Claims XML of PowerShell's `Objs` whose first object is of an Exchange type.

Yields from servers: Server `host:<Fqdn>` (mail, or gateway for an Edge server; version, site and roles in extra), which HOSTS the mail system of
the domain it is joined to, or lets it pass. From accepted domains: the mail system of the default one ACCEPTS_MAIL_FOR each
Organisation, with the exact domain and its type: these domains are the organisation's own (external relays are said to be such).
From enabled send connectors with smart hosts: mail of the system PASSES_THROUGH them. From transport rules what get_transport_rule reads
of them: the Rule, that mail PASSES_THROUGH it, FORWARDS_TO and APPLIES_TO.

Traps: a domain such as `*.com`, under which anybody may register, says nothing on who is internal and is refused; `*.contoso.local` takes
in what is below it. `WhenCreated` is local with an offset, `WhenCreatedUTC` is used. Serialised .NET is never decoded. Other
commands' objects are passed over and told. Documented at learn.microsoft.com, "Export-Clixml".
"""

from __future__ import annotations

import json
import re
from typing import Any

from graphmodel import identity
from loaders import dates
from loaders.base import Claim, FactBuffer, Options, Source
from loaders.clixml import NAMESPACE, Object, objects
from loaders.encodings import head_text
from loaders.recipients import Node, Recipients, Tally
from loaders.transport_rules import ACTIONS, Given, TransportRules, found_conditions

NAME = "exchange_clixml"
TITLE = "Export-Clixml of Exchange servers, accepted domains, send connectors, transport rules"
PRIORITY = "later"
SEEN = "real sample"
READS = "mail servers and gateways, the organisation's own domains, smart hosts, transport rules"

_ROLES = (("IsMailboxServer", "mailbox"), ("IsHubTransportServer", "hub transport"), ("IsClientAccessServer", "client access"),
          ("IsFrontendTransportServer", "frontend transport"), ("IsEdgeServer", "edge"))  # fmt: skip
_TENANT = re.compile(r"(?:^|,)CN=Configuration,CN=([^,]+\.[^,]+),", re.IGNORECASE)
_TYPE = re.compile(r"<T>(?:Deserialized\.)?Microsoft\.Exchange\.")
_DOMAIN_TYPES = {"authoritative": "authoritative", "internalrelay": "internal relay", "externalrelay": "external relay"}


def detect(source: Source) -> Claim | None:
    """Claim objects of Exchange that Export-Clixml wrote."""
    if source.is_dir or b"<" not in source.head[:200]:
        return None
    text = head_text(source)
    return Claim(8, "objects of Exchange by Export-Clixml") if NAMESPACE in text[:500] and _TYPE.search(text[:2000]) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the objects one by one; accepted domains are stated at the end, when the default one is known."""
    reader = _Reader(options, out)
    with source.open() as stream:
        for number, item in objects(stream):
            out.records += 1
            reader.item(item, f"object {number}")
    reader.finish()


class _Reader:
    def __init__(self, options: Options, out: FactBuffer) -> None:
        self._out, self._now = out, options.now
        self._who, self._tally = Recipients(out), Tally()
        self._domains: list[tuple[str, bool, Object, str]] = []
        self._servers: set[str] = set()
        self._rules = TransportRules(out)
        stated = identity.address(options.mailbox or "")
        self._own = identity.registrable(identity.domain_of(stated)) if stated else ""
        self._mail_servers = 0

    def item(self, item: Object, place: str) -> None:
        """State one object by its type."""
        kind = item.type_name.rpartition(".")[2]
        if kind in ("ExchangeServer", "MailboxServer"):
            self._server(item, place, kind)
        elif kind == "AcceptedDomain":
            self._domain(item, place)
        elif kind == "SmtpSendConnectorConfig":
            self._connector(item, place)
        elif kind in ("Rule", "TransportRule") and item.words("Name") and item.get("State") is not None:
            self._rule(item, place)
        else:
            self._tally.add(f"of type {kind or 'unknown'}, of which nothing is read")

    def finish(self) -> None:
        """State the accepted domains and what the file covers."""
        default = next((domain for domain, first, _, _ in self._domains if first), None)
        if self._domains:
            main = identity.registrable(default or self._domains[0][0])
            for domain, _, item, place in self._domains:
                self._accepts(main, domain, item, place)
            names = sorted({domain for domain, _, item, _ in self._domains if item.words("DomainType").casefold() != "externalrelay"})
            shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
            self._out.note(f"the organisation's own domains: {len(names):,} ({shown})")
        self._tally.tell(self._out)
        if self._servers:
            self._out.coverage("servers", "Exchange", collected=len(self._servers), note="the organisation's Exchange servers only")
        if self._mail_servers:
            self._out.coverage("mail hosts", collected=self._mail_servers)
        if self._rules.count:
            self._out.coverage("transport rules", collected=self._rules.count)

    def _server(self, item: Object, place: str, kind: str) -> None:
        name = identity.host(item.words("Fqdn")) or identity.host(item.words("Name"))
        if name is None:
            self._out.refuse(place, item.words("Name"), "the server has no host name")
            return
        domain = identity.host(item.words("Domain"))
        if "." not in name and domain:
            name = f"{name}.{domain}"
        edge = item.get("IsEdgeServer") is True or item.words("ServerRole").casefold() == "edge"
        roles = [words for key, words in _ROLES if item.get(key) is True] or [item.words("ServerRole").casefold()]
        said = {"version": item.words("AdminDisplayVersion"), "site": item.words("Site").rpartition("/")[2], "edition": item.words("Edition"),
                "exchange roles": ", ".join(role for role in roles if role)}  # fmt: skip
        extra = json.dumps({key: text for key, text in said.items() if text}, ensure_ascii=False, sort_keys=True)
        server = ("Server", identity.host_key(name))
        role = "gateway" if edge else "mail"
        full = name if "." in name else None
        self._out.node("Server", server[1], place, name=item.words("Name") or name, role=role, fqdn=full, extra=extra)
        self._servers.add(name)
        if full is None:
            self._tally.add("about a server whose domain is not known: its mail system is not stated")
            return
        system = self._who.mail_system(identity.registrable(domain or name.partition(".")[2]), place)
        if edge:
            self._out.edge("PASSES_THROUGH", system, server, place, basis="Edge Transport server")
        else:
            self._mail_servers += 1
            self._out.edge("HOSTS", server, system, place, basis=f"Get-{kind}")

    def _domain(self, item: Object, place: str) -> None:
        name: Any = item.get("DomainName")
        text = (name.words("Domain") or name.text) if isinstance(name, Object) else item.words("DomainName") or item.words("Name")
        domain = identity.host(text.removeprefix("*."))
        if domain is None:
            self._out.refuse(place, text, "not a domain")
        elif identity.registrable(f"x.{domain}") == f"x.{domain}" or domain in identity.FREE_MAIL:
            self._out.refuse(place, f"*.{domain}", "anybody may have an address there: it does not make one internal")
        else:
            self._domains.append((domain, item.get("Default") is True, item, place))

    def _accepts(self, main: str, domain: str, item: Object, place: str) -> None:
        name = item.get("DomainName")
        below = item.get("MatchSubDomains") is True or (isinstance(name, Object) and name.get("IncludeSubDomains") is True)
        kind = item.words("DomainType").casefold()
        organisation = ("Organisation", f"domain:{identity.registrable(domain)}")
        self._out.node("Organisation", organisation[1], place, name=identity.registrable(domain))
        self._out.edge(
            "ACCEPTS_MAIL_FOR", self._who.mail_system(main, place), organisation, place, domain=domain, subdomains=below,
            type=_DOMAIN_TYPES.get(kind, kind or None), valid_from=self._time(item),
        )  # fmt: skip

    def _connector(self, item: Object, place: str) -> None:
        hosts = [host.text if isinstance(host, Object) else str(host) for host in item.items("SmartHosts")]
        servers = [server.words("DomainId") for server in item.items("SourceTransportServers") if isinstance(server, Object)]
        domain = next((identity.host(text) for text in servers if identity.host(text)), None)
        if item.get("Enabled") is not True or not hosts:
            self._tally.add("about a send connector that is off or has no smart host")
            return
        if domain is None:
            self._out.refuse(place, item.words("Name"), "which domain's servers use the connector is not known")
            return
        for text in hosts:
            name = identity.host(text.strip("[]"))
            if name is None:
                self._out.refuse(place, text, "the smart host is no host name")
                continue
            server: Node = ("Server", identity.host_key(name))
            self._out.node("Server", server[1], place, name=name, role="gateway", fqdn=name if "." in name else None)
            self._out.edge(
                "PASSES_THROUGH", self._who.mail_system(identity.registrable(domain), place), server, place,
                basis="smart host of a send connector", valid_from=self._time(item),
            )  # fmt: skip

    def _rule(self, item: Object, place: str) -> None:
        """A transport rule; lists are lists here, and a property that is not set is null."""
        targets: dict[str, bool] = {}
        for name, keeps in ACTIONS.items():
            for text in _texts(item, name):
                if target := identity.recipient(text):
                    targets[target] = keeps
                else:
                    self._out.refuse(f"{place}, {name}", text, "names no address; the rest of the rule is used")
        tenant = _TENANT.search(item.words("DistinguishedName"))
        works = item.words("State").casefold() == "enabled" and item.words("Mode").casefold() in ("", "enforce")
        if not works:
            self._tally.add("about a transport rule that is disabled or only tested, which copies nothing")
        hides = item.get("DeleteMessage") is True or item.get("Quarantine") is True
        found = found_conditions((name, ";".join(_texts(item, name)) or str(item.get(name) or "")) for name in item.properties)
        whose = tenant[1].casefold() if tenant else self._own
        self._rules.state(Given(item.words("Name"), whose, works, hides, targets, found, own_id=item.words("Guid")), place)

    def _time(self, item: Object) -> int | None:
        text = item.words("WhenCreatedUTC") or item.words("WhenCreated")
        try:
            return dates.moment(text, None, self._now) if text else None
        except dates.BadDate:
            return None


def _texts(item: Object, name: str) -> list[str]:
    """A property's values as text: recipients are objects that are their address in words."""
    return [text for value in item.items(name) if (text := value.text if isinstance(value, Object) else value if isinstance(value, str) else "")]
