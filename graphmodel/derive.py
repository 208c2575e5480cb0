"""What follows from all loads together: whose addresses are one identity, who is internal, organisations, who exchanged mail.

Every derived edge leads to the facts that carry it, or names its reason; nothing is merged silently, and an ambiguous match is
not joined at all (`ambiguous` lists them).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import polars as pl

from graphmodel import identity, tenants
from graphmodel.addressed import ambiguous_groups, groups_meant, is_exchange_name, same_groups, unknown_x500, x500_addresses
from graphmodel.correspondence import corresponded, holds_from_traces
from graphmodel.kinds import NODES
from graphmodel.ledger import fact_ids
from graphmodel.lookalike import flagged
from graphmodel.named import ambiguous_names, same_named
from graphmodel.pairs import ROWS, components, pairs, stars
from graphmodel.resolve import unresolved
from graphmodel.view import edge_view_schema

Tables = dict[str, pl.DataFrame]

_IDENTIFYING = ("primary", "upn", "mail")  # an alias may be shared or handed on; these three are one account's own
_NOT_A_NAME = re.compile(
    r"\b(team|support|list|lists|group|info|sales|admin|administrator|office|department|dept|desk|center|centre|service|services|"
    r"news|newsletter|noreply|reply|webmaster|postmaster|mailer|daemon|staff|all|users|customer|secretariat|press|contact)\b"
)


def derive(nodes: Tables, edges: Tables, stated_names: pl.DataFrame) -> tuple[Tables, Tables]:
    """Nodes and edges with everything derived added. `stated_names`: (address key, display name) as any source states it."""
    nodes, edges = dict(nodes), dict(edges)
    _add(edges, "SAME_IDENTITY", same_accounts(_of(edges, "HAS_ADDRESS")))
    _add(edges, "SAME_IDENTITY", same_domain_accounts(nodes["Account"]))
    _add(edges, "SAME_IDENTITY", same_mailboxes(_of(edges, "HAS_ADDRESS")))
    for label in ("Mailbox", "Account"):
        named = same_named(label, nodes[label], _of(edges, "HAS_ADDRESS"), _identities(edges))
        _add(edges, "SAME_IDENTITY", pairs(named, label, "joined:only one of that name"))
    _add(edges, "SAME_IDENTITY", same_servers(nodes["Server"]))
    _add(edges, "SAME_IDENTITY", same_groups(_of(edges, "HAS_ADDRESS")))
    _add(edges, "SAME_IDENTITY", groups_meant(nodes, edges, _identities(edges)))
    _add(edges, "SAME_IDENTITY", same_mail_system(nodes["Service"], tenants.links(edges)))
    _add(edges, "PASSES_THROUGH", rules_of_systems(edges))
    _add(edges, "BELONGS_TO", of_tenants(nodes["Container"], edges))
    same, known = x500_addresses(nodes["Correspondent"], _of(edges, "HAS_ADDRESS"))
    _add(edges, "SAME_IDENTITY", same)
    _add(edges, "HAS_ADDRESS", known)
    nodes["Correspondent"] = _addresses(nodes["Correspondent"])
    _add(edges, "SAME_IDENTITY", same_persons(stated_names))
    nodes["Correspondent"] = _persons(flagged(_internal(nodes["Correspondent"], nodes["Mailbox"], edges)), edges)
    nodes, belongs = _organisations(nodes)
    _add(edges, "BELONGS_TO", belongs)
    _add(edges, "HOLDS", holds_from_traces(edges))
    _add(edges, "CORRESPONDED", corresponded(nodes["Message"], edges))
    return nodes, edges


def _identities(edges: Tables) -> dict[str, str]:
    return components(_of(edges, "SAME_IDENTITY").select("from_key", "to_key").iter_rows())


def _of(edges: Tables, type_: str) -> pl.DataFrame:
    return edges[type_] if type_ in edges else pl.DataFrame(schema=edge_view_schema(type_))


def _add(edges: Tables, type_: str, made: pl.DataFrame) -> None:
    """Complete derived rows (fact ids, missing columns) and put them beside what is stated."""
    if not made.height:
        return
    schema = edge_view_schema(type_)
    full = made.with_columns([pl.lit(None, dtype=t).alias(c) for c, t in schema.items() if c not in made.columns])
    full = full.select([pl.col(c).cast(t) for c, t in schema.items()]).with_columns(fact_ids(type_, full))
    full = full.sort("fact", "place").unique(subset="fact", keep="first", maintain_order=True)
    known = _of(edges, type_)
    edges[type_] = pl.concat([known, full.join(known.select("fact"), on="fact", how="anti")])


def _account_addresses(has_address: pl.DataFrame) -> pl.DataFrame:
    own = has_address.filter((pl.col("from_label") == "Account") & pl.col("type").is_in(_IDENTIFYING))
    return own.select(
        pl.col("to_key").alias("address"),
        pl.col("from_key").alias("key"),
        # An account that is only known by an address is no second account of a list that gives it a name.
        pl.when(pl.col("from_key").str.contains("^account:.*@"))
        .then(pl.lit("address"))
        .otherwise(pl.col("from_key").str.split_exact(":", 1).struct.field("field_0"))
        .alias("namespace"),
        "fact",
    )


def _claims(addresses: pl.DataFrame) -> pl.DataFrame:
    """Per address and namespace (ad, entra, upn, account, address): how many accounts claim it."""
    return addresses.group_by("address", "namespace").agg(pl.col("key").n_unique().alias("n"))


def ambiguous(edges: Tables) -> list[str]:
    """Addresses that several accounts of one directory claim: not joined, to be reported (`hakyu doctor`)."""
    claims = _claims(_account_addresses(_of(edges, "HAS_ADDRESS"))).filter(pl.col("n") > 1).sort("address", "namespace")
    told = claims.group_by("address", maintain_order=True).agg(pl.format("{} accounts of {}:", "n", "namespace").alias("who"))
    return [
        f"{address.removeprefix('smtp:')}: {' and '.join(who)} claim it, none was joined; correct the address in all but one of them" for address, who in told.rows()
    ]  # fmt: skip


def all_ambiguous(nodes: Tables, edges: Tables) -> list[str]:
    """Everything that could not be joined without guessing, each once, with what to do about it."""
    has_address, one = _of(edges, "HAS_ADDRESS"), _identities(edges)
    names = [text for label in ("Mailbox", "Account") if label in nodes for text in ambiguous_names(label, nodes[label], has_address, one)]
    return list(dict.fromkeys([*ambiguous(edges), *ambiguous_groups(nodes, edges, one), *names, *unknown_x500(nodes, edges), *unresolved(nodes)]))


def same_accounts(has_address: pl.DataFrame) -> pl.DataFrame:
    """Accounts of different directories that have the same address or UPN; not where one directory has two of them."""
    addresses = _account_addresses(has_address)
    bad = _claims(addresses).filter(pl.col("n") > 1).select("address")
    found = stars(addresses.join(bad, on="address", how="anti"), "address")
    reason = pl.format("both have the address {}", pl.col("address").str.strip_prefix("smtp:"))
    return pairs(found.with_columns(reason.alias("reason")), "Account", "joined:address")


def same_domain_accounts(accounts: pl.DataFrame) -> pl.DataFrame:
    r"""`account:domain\name`, as Exchange writes trustees, and the directory's account of that domain and name."""
    written = accounts.filter(pl.col("key").str.starts_with("account:") & pl.col("key").str.contains("\\", literal=True)).select(
        pl.col("key").alias("to_key"), pl.col("key").str.strip_prefix("account:").alias("logon")
    )
    directory = accounts.filter(pl.col("key").str.starts_with("ad:")).select(
        pl.col("key").alias("from_key"),
        pl.concat_str(pl.col("domain").str.to_lowercase().str.split(".").list.first(), pl.col("sam").str.to_lowercase(), separator="\\").alias("logon"),
    )
    once = directory.drop_nulls().filter(pl.col("logon").is_unique())
    found = written.join(once, on="logon").with_columns(
        pl.format("same domain and account name {}", "logon").alias("reason"), pl.lit(None, dtype=pl.List(pl.String)).alias("because")
    )
    return pairs(found.sort("from_key", "to_key"), "Account", "joined:account name")


def same_mailboxes(has_address: pl.DataFrame) -> pl.DataFrame:
    """Mailboxes that have an address in common."""
    own = has_address.filter(pl.col("from_label") == "Mailbox").select(
        pl.col("to_key").alias("address"), pl.col("from_key").alias("key"), "fact"
    )
    found = stars(own, "address").unique(subset=["from_key", "to_key"], keep="first", maintain_order=True)
    reason = pl.format("both have the address {}", pl.col("address").str.strip_prefix("smtp:"))
    return pairs(found.with_columns(reason.alias("reason")), "Mailbox", "joined:address")


def same_servers(servers: pl.DataFrame) -> pl.DataFrame:
    """Servers of the same full name; and one known by a short name only, where just one full name begins so."""
    named = servers.with_columns(
        pl.coalesce(pl.col("fqdn"), pl.col("key").str.strip_prefix("host:")).str.to_lowercase().alias("host")
    ).filter(pl.col("fqdn").is_not_null() | pl.col("key").str.starts_with("host:"))
    full = named.filter(pl.col("host").str.contains(".", literal=True)).select("key", "host", pl.lit("").alias("fact"))
    found = stars(full, "host").with_columns(pl.format("both are named {}", "host").alias("reason"))
    short = named.filter(~pl.col("host").str.contains(".", literal=True)).select(pl.col("key").alias("to_key"), "host")
    hubs = full.group_by("host").agg(pl.col("key").min().alias("from_key"))
    once = hubs.with_columns(pl.col("host").str.split(".").list.first().alias("short")).filter(pl.col("short").is_unique())
    joined = short.join(once.select("from_key", pl.col("short").alias("host")), on="host").with_columns(
        pl.format("only one full name begins with {}", "host").alias("reason")
    )
    both = pl.concat([found.select("from_key", "to_key", "reason"), joined.select("from_key", "to_key", "reason")])
    return pairs(both.with_columns(pl.lit(None, dtype=pl.List(pl.String)).alias("because")).sort("from_key", "to_key"), "Server", "joined:name")


def same_mail_system(services: pl.DataFrame, links: Iterable[tenants.Link] = ()) -> pl.DataFrame:
    """Mail systems that go by several names of one organisation (`links`: name, other name, reason).

    The one that an export names no domain for (an app's permissions) is the case's own, where the case has just one.
    """
    unnamed = identity.mail_system_key("")
    systems = set(services.filter(pl.col("type") == "mail system")["key"].to_list())
    keyed = [(identity.mail_system_key(a), identity.mail_system_key(b), reason) for a, b, reason in links]
    rows: list[tuple[str, str, str, None]] = [(a, b, reason, None) for a, b, reason in keyed if a in systems and b in systems]
    one = components((a, b) for a, b, *_ in rows)
    others = sorted({one.get(key, key) for key in systems - {unnamed}})
    if unnamed in systems and len(others) == 1:
        rows.append((unnamed, others[0], "the only mail system of the case", None))
    return pairs(pl.DataFrame(rows, schema=ROWS, orient="row"), "Service", "joined:mail system")


def rules_of_systems(edges: Tables) -> pl.DataFrame:
    """PASSES_THROUGH rows: what a mail system's mail passes through under one name, it passes through under its others."""
    passes = _of(edges, "PASSES_THROUGH").filter(pl.col("from_label") == "Service")
    same = _of(edges, "SAME_IDENTITY").filter(pl.col("from_label") == "Service").select("from_key", "to_key")
    one = components(same.iter_rows())
    names = pl.DataFrame({"from_key": list(one), "_one": list(one.values())}, schema={"from_key": pl.String, "_one": pl.String})
    both = passes.join(names, on="from_key").join(names.rename({"from_key": "_name"}), on="_one").filter(pl.col("_name") != pl.col("from_key"))
    return both.select(
        "from_label", pl.col("_name").alias("from_key"), "to_label", "to_key", "valid_from", "valid_until", "basis", "record",
        pl.lit("joined:mail system").alias("source"), pl.format("{} is the same mail system ({} {})", "from_key", "source", "place").alias("place"),
    )  # fmt: skip


def of_tenants(containers: pl.DataFrame, edges: Tables) -> pl.DataFrame:
    """BELONGS_TO rows: the cloud's accounts that own a mailbox of a tenant's mail system, for sources that do not list the tenant's users."""
    known = containers.filter(pl.col("type") == "tenant").select(
        pl.col("key").alias("tenant"), pl.format("{}{}", pl.lit(identity.mail_system_key("")), pl.col("key").str.strip_prefix("tenant:")).alias("system")
    )
    owns = _of(edges, "OWNS").filter((pl.col("to_label") == "Mailbox") & pl.col("from_key").str.contains("^(entra|upn):"))
    hosts = _of(edges, "HOSTS").filter(pl.col("from_label") == "Service").join(known, left_on="from_key", right_on="system")
    both = owns.select("from_key", pl.col("to_key").alias("mailbox")).join(hosts.select(pl.col("to_key").alias("mailbox"), "tenant"), on="mailbox")
    return both.select("from_key", "tenant").unique().sort("from_key", "tenant").select(
        pl.lit("Account").alias("from_label"), "from_key", pl.lit("Container").alias("to_label"), pl.col("tenant").alias("to_key"),
        pl.lit("mailbox of the tenant").alias("basis"), pl.lit("joined:mail system").alias("source"), pl.lit("owns a mailbox that the tenant's mail system hosts").alias("place"),
    )  # fmt: skip


def _addresses(correspondents: pl.DataFrame) -> pl.DataFrame:
    key = pl.col("key").str.strip_prefix("smtp:").str.strip_prefix("x500:")
    return correspondents.with_columns(key.alias("address"), pl.coalesce("name", key).alias("name"))


def _internal(correspondents: pl.DataFrame, mailboxes: pl.DataFrame, edges: Tables) -> pl.DataFrame:
    """`internal`: the domain is one in which a mailbox is known or that is given as accepted, or the address is a mailbox's own."""
    known = mailboxes.select(pl.coalesce("address", pl.col("key").str.strip_prefix("mailbox:"))).to_series().drop_nulls().to_list()
    domains = {identity.registrable(identity.domain_of(a)) for a in known if "@" in a} - identity.FREE_MAIL
    own = set(_of(edges, "HAS_ADDRESS").filter(pl.col("from_label") == "Mailbox")["to_key"].to_list())
    given, below = _accepted(edges)
    flags = [
        key in own or identity.registrable(domain := identity.domain_of(address)) in domains or domain in given or domain.endswith(below)
        for key, address in correspondents.select("key", "address").iter_rows()
    ]
    return _of_wrapped(correspondents.with_columns(pl.Series("internal", flags, dtype=pl.Boolean)), own, edges)


def _of_wrapped(correspondents: pl.DataFrame, own: set[str], edges: Tables) -> pl.DataFrame:
    """`internal` of recipients that are named by a legacyExchangeDN: as the address that it is joined to; null where none is known.

    The DN is one of the organisation's own directory, but a contact in it may be anybody outside.
    """
    named = [key for key in correspondents["key"] if is_exchange_name(key)]
    if not named:
        return correspondents
    own = own | set(_of(edges, "HAS_ADDRESS").filter(pl.col("from_label") == "Group")["to_key"].to_list())
    one = components(_of(edges, "SAME_IDENTITY").filter(pl.col("from_label") == "Correspondent").select("from_key", "to_key").iter_rows())
    plain = {key: inside for key, inside in correspondents.select("key", "internal").iter_rows() if not is_exchange_name(key)}
    said: dict[str, list[bool]] = {}
    for key, first in one.items():
        if key in own or key in plain:
            said.setdefault(first, []).append(key in own or plain[key])
    flags = [True if key in own else any(said[one[key]]) if one.get(key) in said else None for key in named]
    known = pl.DataFrame({"key": named, "_inside": flags}, schema={"key": pl.String, "_inside": pl.Boolean})
    joined = correspondents.join(known, on="key", how="left", maintain_order="left")
    told = pl.col("key").is_in(known["key"].implode())
    return joined.with_columns(pl.when(told).then("_inside").otherwise("internal").alias("internal")).drop("_inside")


def _accepted(edges: Tables) -> tuple[set[str], tuple[str, ...]]:
    """(accepted domains, endings of those that are accepted with all domains below them); relays to others are not one's own."""
    own = _of(edges, "ACCEPTS_MAIL_FOR").filter(pl.col("type").fill_null("") != "external relay").drop_nulls("domain")
    return set(own["domain"]), tuple(f".{domain}" for domain in own.filter(pl.col("subdomains").fill_null(False))["domain"])


def person_name(name: str) -> str | None:
    """A display name as a key (`Allen, Phillip K.` and `phillip allen` are equal), or None when it names no person."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    if "@" in plain or _NOT_A_NAME.search(plain):
        return None
    words = [w for w in re.findall(r"[^\W\d_]+", plain) if len(w) > 1 or not w.isascii()]
    if len(words) >= 2:
        return " ".join(sorted(words))
    return words[0] if words and not words[0].isascii() and len(words[0]) >= 3 else None


def same_persons(stated_names: pl.DataFrame) -> pl.DataFrame:
    """Addresses of one organisation with the same person's name; never at public mail providers, where names say nothing."""
    rows = []
    for key, name in stated_names.iter_rows():
        domain = identity.registrable(identity.domain_of(key))
        if domain not in identity.FREE_MAIL and (person := person_name(name)):
            rows.append((f"{person} at {domain}", key, ""))
    frame = pl.DataFrame(rows, schema={"who": pl.String, "key": pl.String, "fact": pl.String}, orient="row")
    found = stars(frame, "who").unique(subset=["from_key", "to_key"], keep="first", maintain_order=True)
    made = found.with_columns(pl.lit("same display name in the same organisation").alias("reason"), pl.lit(None, dtype=pl.List(pl.String)).alias("because"))
    return pairs(made, "Correspondent", "joined:display name")


def _persons(correspondents: pl.DataFrame, edges: Tables) -> pl.DataFrame:
    """`person`: the smallest address key of each set of addresses that belong together."""
    same = _of(edges, "SAME_IDENTITY").filter(pl.col("from_label") == "Correspondent").select("from_key", "to_key")
    links = [(_late(a), _late(b)) for a, b in same.iter_rows()]
    owned = _of(edges, "HAS_ADDRESS").filter(pl.col("from_label").is_in(["Account", "Mailbox"])).select("from_key", "to_key")
    links += [("\uffff" + owner, _late(address)) for owner, address in owned.iter_rows()]  # owners sort last: never the set's name
    one = components(links)
    persons = [one.get(_late(key), key).removeprefix("\ufffe") for key in correspondents["key"]]
    return correspondents.with_columns(pl.Series("person", persons, dtype=pl.String))


def _late(key: str) -> str:
    """A key as it is sorted: Exchange's own names after addresses."""
    return "\ufffe" + key if is_exchange_name(key) else key


def _organisations(nodes: Tables) -> tuple[Tables, pl.DataFrame]:
    """Organisation nodes, BELONGS_TO rows, and the country of each address: stated, else by the domain's ending, else unknown."""
    correspondents = nodes["Correspondent"]
    countries, bases, members = [], [], []
    for key, address, stated, organisation, country in correspondents.select(
        "key", "address", "name", "organisation", "country"
    ).iter_rows():
        domain = identity.registrable(identity.domain_of(address)) if not is_exchange_name(key) else ""
        by_domain = identity.country_of(domain)
        countries.append(country or by_domain)
        bases.append("stated" if country else "domain" if by_domain else None)
        if organisation:
            members.append((key, f"organisation:{organisation.strip().casefold()}", organisation.strip(), domain, country or by_domain, bases[-1], "stated"))
        elif domain and domain not in identity.FREE_MAIL:
            members.append((key, f"domain:{domain}", domain, domain, country or by_domain, bases[-1], "domain"))
        del stated
    names = ["from_key", "to_key", "name", "domain", "country", "country_basis", "basis"]
    frame = pl.DataFrame(members, schema=dict.fromkeys(names, pl.String), orient="row").sort("to_key", "from_key")
    made = frame.group_by(pl.col("to_key").alias("key"), maintain_order=True).agg(
        pl.col("name").first(),
        pl.col("domain").unique().sort().alias("domains"),
        pl.col("country").sort_by(pl.col("country_basis") != "stated", "country", nulls_last=True).drop_nulls().first(),
        pl.col("country_basis").sort_by(pl.col("country_basis") != "stated", "country", nulls_last=True).drop_nulls().first(),
    )
    made = made.with_columns(pl.lit("Organisation").alias("kind"))
    stated_nodes = nodes["Organisation"]
    extra = stated_nodes.join(made.select("key"), on="key", how="anti")
    full = dict(nodes)
    columns = [p.name for p in NODES["Organisation"].columns]
    full["Organisation"] = pl.concat([made.select(columns), extra.select(columns)], how="diagonal_relaxed")
    full["Correspondent"] = correspondents.with_columns(
        pl.Series("country", countries, dtype=pl.String), pl.Series("country_basis", bases, dtype=pl.String)
    )
    belongs = frame.select(
        pl.lit("Correspondent").alias("from_label"), "from_key", pl.lit("Organisation").alias("to_label"), "to_key", "basis",
        pl.lit("joined:domain").alias("source"), pl.lit("public suffix list, or a correspondents list").alias("place"),
    )  # fmt: skip
    return full, belongs
