"""A tenant's users in batches: those whose every part is as usual are stated in columns, all other objects go the way of single records.

    columns = UserBatches(tenant, single, graph_users)
    columns.take(batches)                       # loaders/graphjson.Records.batches
    columns.tell()                              # before single records that stand in none of the batches

A thing is stated once a file, where it first stands. So an object is left to the way of single records, and in the order of the file, where
another one names the same account or address; what was stated in columns is told to that way only when it needs it (`tell`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import orjson
import polars as pl

from graphmodel import identity
from loaders import columns, dates, jsoncells
from loaders.address_columns import DN, LONGEST, PLAIN
from loaders.audit_who import guid
from loaders.collectors import MARKS
from loaders.entra import KEPT, NO_PROXY, REVOKED, Record, extra_of, real_address
from loaders.entra_apps import Tenant
from loaders.jsonbatch import Batch, Bytes, Flags, Ints, ahead
from loaders.jsoncells import ASK, GOOD
from loaders.jsonscan import Found, Names, objects

_TEXTS = (
    "displayName", "userType", "mail", "onPremisesSamAccountName", "onPremisesDomainName", "department", "jobTitle", "country", "usageLocation",
    "onPremisesSecurityIdentifier",
)  # fmt: skip
_TIMES = ("createdDateTime", "lastPasswordChangeDateTime", *REVOKED)
_USED = ("id", "userPrincipalName", "proxyAddresses", "accountEnabled", *_TEXTS, *_TIMES, *(name for name in KEPT if name not in _TEXTS))
# By these an object is of another kind, or a record of a log; so it is for names that begin with a capital, as PowerShell writes them.
_OTHERS = ("appRoleId", "clientId", "roleDefinitionId", "roleTemplateId", "rolePermissions", "appId",
           "ipAddress", "operation", "auditLogRecordType", "activityDateTime", "riskEventType", "auditData", "workload")  # fmt: skip


def _other_case(name: str) -> str:
    return name[:1].swapcase() + name[1:]


_CAPITALS = tuple(map(_other_case, (*_USED, *_OTHERS)))
WRAPPED = (*sorted(MARKS), "o365.audit.Operation")
"""Names of what collectors put around a record."""
UNUSUAL = (*_OTHERS, *_CAPITALS)
USER = (*_USED, *UNUSUAL)
"""Names that are looked for in a user."""
_GRAPH = Names(*USER, *WRAPPED)
_POWERSHELL = Names(*(_other_case(name) for name in USER), *WRAPPED)

_ADDRESS = "^" + PLAIN
_UPN = r"^[a-z0-9._+#-]+@" + PLAIN.partition("@")[2]  # somebody invited: name_domain.example#EXT#@tenant
_DAY = 86_400


@dataclass(frozen=True)
class Users:
    """Users that are as usual: a row each, `row` in the batch; `aliases` and `names` (legacyExchangeDNs): `at` a row of `frame`."""

    frame: pl.DataFrame
    aliases: pl.DataFrame
    names: pl.DataFrame

    def where(self, fine: Flags) -> Users:
        """Some of them."""
        if fine.all():
            return self
        new = pl.Series(np.cumsum(fine) - 1)

        def some(given: pl.DataFrame) -> pl.DataFrame:
            kept = given.filter(pl.Series(fine[given["at"].to_numpy()]))
            return kept.with_columns(new.gather(kept["at"]).alias("at"))

        return Users(self.frame.filter(pl.Series(fine)), some(self.aliases), some(self.names))


def absent(found: Found, names: Iterable[str]) -> Flags:
    """Objects that have none of these keys."""
    columns = [found.names.column[name] for name in names]
    none: Flags = np.logical_and.reduce(found.spans[:, columns, 0] < 0, axis=1)
    return none


def users_of(batch: Batch, found: Found, rows: Ints, usual: Flags, latest: int) -> Users:
    """The usual ones among objects that were found; `rows`: of the batch, `latest`: times after it are not believed."""
    data, usual = batch.data, usual & absent(found, UNUSUAL) & batch.sound
    span = {name: _said(data, found.span(name)) for name in _USED}
    keys, _, state = jsoncells.guids(data, span["id"], "entra:")
    usual &= state == GOOD
    times = {}
    for name in _TIMES:
        times[name], state = jsoncells.times(data, span[name], dates.EARLIEST, latest, ending=True)
        usual &= state != ASK
        times[name] = pl.Series(name, times[name]).set(pl.Series(state != GOOD), None)
    upn_text = jsoncells.bare_texts(data, span["userPrincipalName"])
    upn = addresses(upn_text, _UPN)
    outside = upn.str.contains("#ext#", literal=True).fill_null(value=False)
    sid_text, mail_text = (jsoncells.bare_texts(data, span[name]) for name in ("onPremisesSecurityIdentifier", "mail"))
    sid, mail = sid_text.str.to_uppercase(), addresses(mail_text)
    usual &= (upn.is_not_null() & (sid_text.is_null() | sid.str.contains(r"^S-1-[0-9]+(?:-[0-9]+)+$"))).to_numpy()
    proxies = span["proxyAddresses"]
    listed = data[proxies[:, 0]] == ord("[")
    usual &= listed | (proxies[:, 0] < 0)
    known, odd = _proxies(data, proxies, np.flatnonzero(usual & listed))
    usual[odd] = False
    primary = _at_rows(known.filter(pl.col("kind") == "SMTP:").unique("at", keep="first", maintain_order=True), len(keys))
    usual &= (primary.is_not_null() | mail_text.is_null() | mail.is_not_null()).to_numpy()
    # An empty or null list says that there is no mailbox, an absent one says nothing.
    bare = (found.span("proxyAddresses")[:, 0] >= 0) & ((proxies[:, 0] < 0) | (proxies[:, 1] - proxies[:, 0] == 2) | ~_has(known["at"], len(keys)))
    enabled = data[span["accountEnabled"][:, 0]]
    texts = {name: jsoncells.bare_texts(data, span[name]) for name in _TEXTS if name not in ("mail", "onPremisesSecurityIdentifier")}
    listed_primary = primary.gather(known["at"])
    primary = primary.fill_null(mail) if primary.null_count() else primary
    frame = pl.DataFrame({
        "row": rows, "key": keys, "upn_text": upn_text, "upn": upn, "primary": primary, "outside": outside, "email": _emails(primary, upn_text, outside),
        "sid": sid, "bare": bare, "enabled": _flags(enabled, span["accountEnabled"]), "extra": _extras(batch, found), **texts, **times,
    })  # fmt: skip
    kinds = (known["kind"] == "smtp:") & known["text"].ne_missing(listed_primary), known["kind"] == "x500:"
    return Users(frame, *(known.filter(kind).select("at", "text").unique() for kind in kinds)).where(usual)


def addresses(texts: pl.Series, form: str = _ADDRESS) -> pl.Series:
    """Addresses in one spelling, as `identity.address` gives them; null also for those that are not in the plain form."""
    lowered = pl.lit(texts).str.to_lowercase()
    plain = lowered.str.contains(form) & (lowered.str.len_bytes() <= LONGEST)
    return pl.select(pl.when(plain).then(lowered)).to_series()


def upns(texts: pl.Series) -> pl.Series:
    """The same of user principal names."""
    return addresses(texts, _UPN)


def _emails(primary: pl.Series, upn: pl.Series, outside: pl.Series) -> pl.Series:
    """The address that a user is mailed at: of somebody invited without one, what the principal name was made of."""
    asked = outside & primary.is_null()
    if not asked.any():
        return primary
    return primary.scatter(asked.arg_true(), pl.Series([real_address(text) for text in upn.filter(asked).to_list()], dtype=pl.String))


def _said(data: Bytes, spans: Ints) -> Ints:
    """The spans without those of nulls."""
    null = (spans[:, 0] >= 0) & (data[spans[:, 0]] == ord("n"))
    return np.where(null[:, None], -1, spans) if null.any() else spans


def _flags(first: Any, spans: Ints) -> pl.Series:
    true, known = first == ord("t"), (spans[:, 0] >= 0) & ((first == ord("t")) | (first == ord("f")))
    return pl.Series(true).set(pl.Series(~known), None)


def _has(at: pl.Series, height: int) -> Flags:
    found = np.zeros(height, np.bool_)
    found[at.to_numpy()] = True
    return found


def _at_rows(known: pl.DataFrame, height: int) -> pl.Series:
    """Texts at their rows, null at the others."""
    places = np.full(height, len(known))
    places[known["at"].to_numpy()] = np.arange(len(known))
    return known["text"].append(pl.Series([None], dtype=pl.String)).gather(places)


def _proxies(data: Bytes, spans: Ints, rows: Ints) -> tuple[pl.DataFrame, Ints]:
    """Items of lists as (`at`: the row, `kind`: `SMTP:` | `smtp:` | `x500:` or another, `text`), and the rows with items out of the plain form."""
    raw = data.data
    lists = orjson.loads(b"[" + b",".join([raw[start:end] for start, end in spans[rows].tolist()]) + b"]")
    at = np.repeat(rows, np.fromiter(map(len, lists), np.int64, len(lists)))
    flat: list[Any] = list(chain.from_iterable(lists))
    odd = np.zeros(len(flat), np.bool_)
    if {*map(type, flat)} - {str}:
        odd = np.fromiter((not isinstance(item, str) for item in flat), np.bool_, len(flat))
        flat = [item if isinstance(item, str) else "" for item in flat]
    items = pl.DataFrame({"at": at, "item": pl.Series(flat, dtype=pl.String)}).with_columns(
        kind=pl.col("item").str.head(5), text=pl.col("item").str.tail(-5).str.to_lowercase())  # fmt: skip
    mail, other = pl.col("kind").is_in(["SMTP:", "smtp:"]), pl.col("kind").str.to_lowercase() == "x500:"
    plain = pl.when(mail).then(pl.col("text").str.contains(_ADDRESS) & (pl.col("text").str.len_bytes() <= LONGEST)).when(other).then(
        pl.col("text").str.contains(DN)).otherwise(pl.col("item") == pl.col("item").str.strip_chars(columns.WHITE))  # fmt: skip
    items = items.with_columns(plain=plain, kind=pl.when(other).then(pl.lit("x500:")).otherwise("kind"))
    odd |= ~items["plain"].to_numpy()
    return items.select("at", "kind", "text"), np.unique(at[odd])


def _extras(batch: Batch, found: Found) -> pl.Series:
    """What is kept besides, of all objects; what is said alike is written once."""
    marks = jsoncells.marks_of(batch.data, found, KEPT)
    first, which = jsoncells.distinct(marks)
    made = [extra_of({name: batch.value(found.span(name)[at]) for name in KEPT if found.span(name)[at, 0] >= 0}, KEPT) for at in first.tolist()]
    return pl.Series(made, dtype=pl.String).gather(which)


def names_in(value: Any) -> Iterator[str]:
    """Every id and address that stands anywhere in a record, in one spelling: by what it says, another may be named."""
    if isinstance(value, str):
        if id_ := guid(value):
            yield id_
        elif "@" in value and value.lstrip()[:1] != "[":
            yield from (found for found in (identity.address(value.strip()), real_address(value.strip())) if found)
        elif value.lstrip()[:1] == "[":  # a list written as text
            with suppress(orjson.JSONDecodeError):
                yield from names_in(orjson.loads(value))
    elif isinstance(value, dict):
        yield from chain.from_iterable(map(names_in, value.values()))
    elif isinstance(value, list):
        yield from chain.from_iterable(map(names_in, value))


class UserBatches:
    """Takes batches for `tenant`; `single(record, place)` states a record by itself, `names` are the ids and addresses that it then names.

    `scan(batch, latest)` finds the usual users of a batch, and whatever else is stated in columns: `others(batch, that)` does, and gives its rows.
    """

    def __init__(self, tenant: Tenant, single: Callable[[Record, str], object], scan: Callable[[Batch, int], tuple[Users, Any]],
                 others: Callable[[Batch, Any], Ints] | None = None, names: Callable[[Record], Iterable[str]] = names_in) -> None:  # fmt: skip
        self._tenant, self._single, self._scan, self._others, self._names = tenant, single, scan, others, names
        self._seen: set[str] = set()
        self._single_names: set[str] = set()
        self._untold: list[tuple[Users, pl.DataFrame]] = []

    def take(self, batches: Iterable[Batch]) -> None:
        """State what all batches say."""
        now = self._tenant.options.now
        latest = now + _DAY if now is not None else dates.LATEST
        for batch, (users, others) in ahead(batches, lambda batch: self._scan(batch, latest)):
            done = self._others(batch, others) if self._others else np.empty(0, np.int64)
            self._tenant.out.records += 0 if batch.counted else len(done)
            self._take(batch, users, done)

    def _take(self, batch: Batch, users: Users, done: Ints) -> None:
        single = np.ones(len(batch), np.bool_)
        single[done] = False
        rows = users.frame["row"].to_numpy()
        single[rows] = False
        ids, upn, email = users.frame["key"].str.slice(6), users.frame["upn"], users.frame["email"]
        named = pl.concat([ids, upn, email.set((email == upn).fill_null(value=True), None)])
        again: Flags = np.logical_or.reduce((named.is_duplicated() & named.is_not_null()).to_numpy().reshape(3, -1))
        records = {row: self._record(batch, row) for row in np.flatnonzero(single).tolist()}
        here: set[str] = set()
        for found in records.values():
            here.update(*(self._names(record) for _, record in found))
        self._single_names |= here
        texts = named.drop_nulls().to_list()
        if not self._single_names.isdisjoint(texts) or not self._seen.isdisjoint(texts):
            doubtful = [name in self._single_names or name in self._seen for name in named.to_list()]
            again |= np.logical_or.reduce(np.array(doubtful, np.bool_).reshape(3, -1))
        if again.any():
            for row in rows[again].tolist():
                records[row] = self._record(batch, row)
                here.update(*(self._names(record) for _, record in records[row]))
            self._single_names |= here
            users = users.where(~again)
        if not here.isdisjoint(self._seen):
            self.tell()
        self._seen.update(texts)
        self._tenant.out.records += 0 if batch.counted else len(users.frame)
        if len(users.frame):
            self._state(users, batch.places(users.frame["row"].to_numpy()))
        for row in sorted(records):
            for place, record in records[row]:
                self._single(record, place)

    def _record(self, batch: Batch, row: int) -> list[tuple[str, Record]]:
        return [*batch.row(row)]

    def _state(self, users: Users, place: pl.Series) -> None:
        tenant, out, of = self._tenant, self._tenant.out, users.frame
        key, upn, email, title = of["key"], of["upn"], of["email"], of["displayName"]
        guest = of["outside"] | of["userType"].str.to_lowercase().eq_missing("guest")
        domains = of["onPremisesDomainName"]
        out.nodes(
            "Account", key, place, name=title.fill_null(of["upn_text"]), type=pl.select(pl.when(guest).then(pl.lit("guest")).otherwise(pl.lit("user"))).to_series(),
            upn=upn, email=email, sam=of["onPremisesSamAccountName"], domain=pl.Series([text and text.casefold() for text in domains.to_list()], dtype=pl.String),
            enabled=of["enabled"], department=of["department"], title=of["jobTitle"], country=of["country"].fill_null(of["usageLocation"]),
            created=of["createdDateTime"], password_set=of["lastPasswordChangeDateTime"], object_id=key.str.slice(6), extra=of["extra"],
        )  # fmt: skip
        tenant.seen["users"] += len(of)
        self._known_by(users, "Account", key, place)
        for address, type_, unnamed in ((upn, "upn", of["outside"]), (email, "mail", (email == upn).fill_null(value=True))):
            ends = "smtp:" + address
            out.edges("HAS_ADDRESS", ("Account", key), ("Correspondent", ends), place, type=type_)
            named = ~(title.is_null() | unnamed)
            if named.any():
                out.nodes("Correspondent", ends.set(~named, None), place, name=title, address=address)
        out.edges("SAME_IDENTITY", ("Account", key), ("Account", "ad:" + of["sid"]), place, reason="onPremisesSecurityIdentifier of the user")
        tenant.many_of_tenant(key.filter(~guest), place.filter(~guest))
        self._own(users, place)
        self._revoked(of, place)
        self._untold.append((users, of))

    def _known_by(self, users: Users, label: str, keys: pl.Series, place: pl.Series) -> None:
        """The other addresses and names of accounts, or of mailboxes."""
        for known, prefix, type_ in ((users.aliases, "smtp:", "alias"), (users.names, "x500:", "x500")):
            ends = (label, keys.gather(known["at"])), ("Correspondent", prefix + known["text"])
            self._tenant.out.edges("HAS_ADDRESS", *ends, place.gather(known["at"]), type=type_)

    def _mailboxes(self, of: pl.DataFrame) -> pl.Series:
        """The key of each user's own mailbox; null where it has none."""
        free = of["primary"].str.replace("^.*@", "").is_in([*identity.FREE_MAIL])
        return ("mailbox:" + of["primary"]).set((of["bare"] | of["outside"] | free).fill_null(value=True), None)

    def _own(self, users: Users, place: pl.Series) -> None:
        of, out = users.frame, self._tenant.out
        key, primary, mailbox = of["key"], of["primary"], self._mailboxes(of)
        self._tenant.tally.add(NO_PROXY, int((of["bare"] & ~of["outside"] & primary.is_not_null()).sum()))
        out.nodes("Mailbox", mailbox, place, name=of["displayName"], type="user", address=primary, basis="mail attribute")
        out.edges("HAS_ADDRESS", ("Mailbox", mailbox), ("Correspondent", "smtp:" + primary), place, type="primary")
        self._known_by(users, "Mailbox", mailbox, place)
        out.edges("OWNS", ("Account", key), ("Mailbox", mailbox), place, basis="mail attribute")
        has = mailbox.is_not_null()
        self._tenant.own_many(key.filter(has), mailbox.filter(has), primary.filter(has), place.filter(has))

    def _revoked(self, of: pl.DataFrame, place: pl.Series) -> None:
        """Sessions that were revoked after the account was made; once where both fields say the same time."""
        out, key, before = self._tenant.out, of["key"], None
        for field in REVOKED:
            at = of[field]
            late = (at > of["createdDateTime"]).fill_null(value=True) & at.is_not_null()
            if before is not None:
                late &= at.ne_missing(before)
            before = at.set(~late, None)
            if late.any():
                made = ("remediation:revoke/" + key + "/" + at.cast(pl.String)).set(~late, None)
                out.nodes("Remediation", made, place, name="sessions revoked", what="revoke", at=at, by=field)
                out.edges("REMEDIATES", ("Remediation", made), ("Account", key), place)

    def untold(self) -> pl.DataFrame:
        """(key, upn) of users of which the way of single records knows nothing."""
        return pl.concat([of.select("key", "upn") for _, of in self._untold]) if self._untold else pl.DataFrame(schema={"key": pl.String, "upn": pl.String})

    def tell(self) -> None:
        """Tell the way of single records what was stated in columns, so that it states nothing of it again."""
        for users, of in self._untold:
            columns = of["key"], of["upn"], of["primary"], self._mailboxes(of), of["email"], of["displayName"], of["upn"].set(of["outside"], None)
            key, upn, primary, mailbox, email, title, own = (column.to_list() for column in columns)
            self._tenant.heard(("user", one) for one in key)
            self._tenant.heard(("Mailbox", one) for one in mailbox if one)
            who = self._tenant.who
            who.heard(("address", one, address, "upn") for one, address in zip(key, upn, strict=True))
            who.heard(("name", address) for one in (own, email) for address, name in zip(one, title, strict=True) if name and address)
            who.heard(("address", box, address, "primary") for box, address in zip(mailbox, primary, strict=True) if box)
            who.heard(("address", mailbox[at], text, "alias") for at, text in users.aliases.iter_rows() if mailbox[at])
            who.heard(("x500", mailbox[at], text) for at, text in users.names.iter_rows() if mailbox[at])
        self._untold.clear()


def graph_users(batch: Batch, latest: int) -> tuple[Users, None]:
    """The usual users of a batch of Graph's objects; of PowerShell's, if the first is one."""
    data = batch.data
    capital = b'"UserPrincipalName"' in data[batch.starts[0] : batch.ends[0]].tobytes()
    found = objects(data, np.where(data[batch.starts] == ord("{"), batch.starts, -1), batch.ends, _POWERSHELL if capital else _GRAPH)
    found = replace(found, names=_GRAPH)
    usual = absent(found, WRAPPED) & ~absent(found, ("displayName", "proxyAddresses", "accountEnabled"))
    return users_of(batch, found, found.row, usual, latest), None
