"""Identity: one spelling for each address, SID, UPN and host; keys; domains, organisations and countries.

Nothing here guesses that two things are one: that is said by SAME_IDENTITY facts (graphmodel/derive.py), with a reason.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

import pycountry
from publicsuffixlist import PublicSuffixList

_PSL = PublicSuffixList()  # bundled with the package: nothing is fetched
_TENANTS = ".onmicrosoft.com"
_SID = re.compile(r"^S-1-\d+(-\d+)+$", re.IGNORECASE)
_DOMAIN_SID = re.compile(r"^[A-Z0-9._-]+-(S-1-5-32-\d+|S-1-5-\d+|S-1-1-0)$", re.IGNORECASE)
_LOCAL = re.compile(r"^[^\s@<>()\[\],;:\\\"\x00-\x1f]+$")
_QUOTED_LOCAL = re.compile(r'^"[^"\x00-\x1f]+"$')
_ENCODED = re.compile(r"\+([0-9a-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$")

FREE_MAIL = frozenset(
    "gmail.com googlemail.com hotmail.com hotmail.co.jp outlook.com outlook.jp live.com live.jp msn.com yahoo.com yahoo.co.jp "  # noqa: SIM905
    "ymail.com aol.com icloud.com me.com mac.com mail.com gmx.net gmx.de gmx.com web.de proton.me protonmail.com qq.com 163.com "
    "126.com sina.com naver.com daum.net hanmail.net yandex.ru mail.ru docomo.ne.jp ezweb.ne.jp au.com softbank.ne.jp "
    "i.softbank.jp nifty.com biglobe.ne.jp so-net.ne.jp ocn.ne.jp excite.co.jp comcast.net verizon.net att.net sbcglobal.net "
    "earthlink.net bellsouth.net cox.net orange.fr free.fr laposte.net libero.it t-online.de btinternet.com".split()
)
"""Public mail providers: an address there says nothing about an organisation, and never makes the domain internal."""

# Domains that are a country's by use though their ending does not say so.
_GENERIC_BUT_NATIONAL = {"gov": "US", "mil": "US", "edu": "US"}
# Country-code endings that are sold as generic ones: they say nothing about a country.
_GENERIC_CCTLD = frozenset("io co me tv ai cc ws fm to ly gg sh ac la vc im nu tk ml ga cf gq".split())  # noqa: SIM905
_ALIAS_CCTLD = {"uk": "GB", "eu": None, "su": "RU"}


def address(text: str | None) -> str | None:
    """The address in one spelling, or None when it is none.

    Strips `smtp:`, `mailto:`, angle brackets and quotes, folds case, turns an international domain into its A-label;
    plus tags are kept (formats.md 0.3.4).
    """
    if not text:
        return None
    value = text.strip().strip("<>").strip()
    lowered = value.casefold()
    for prefix in ("smtp:", "mailto:"):
        if lowered.startswith(prefix):
            value = value[len(prefix) :]
            lowered = value.casefold()
    value = lowered.strip("'").strip("<>").strip()
    local, at, domain = value.rpartition("@")
    if not at or not (_LOCAL.match(local) or _QUOTED_LOCAL.match(local)):
        return None
    local = local.strip("'") or local
    host = _ascii_domain(domain.strip("'\" ").rstrip("."))
    return f"{local}@{host}" if host and ("." in host or host == "localhost") else None


@lru_cache(maxsize=65536)
def _ascii_domain(domain: str) -> str | None:
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return ascii_domain if _HOST.match(ascii_domain) else None


def exchange_dn(text: str | None) -> str | None:
    """A legacyExchangeDN in one spelling (`/o=exchangelabs/ou=…/cn=recipients/cn=ken`), or None when it is none.

    Takes `EX:/o=…`, `X500:/o=…`, `[EX:/o=…]`, and the address it is wrapped in (`IMCEAEX-_O=EXCHANGELABS_…_CN=KEN@domain`).
    """
    value = (text or "").strip().strip("<>[]").strip().casefold()
    for prefix in ("smtp:", "mailto:", "ex:", "x500:"):
        value = value.removeprefix(prefix)
    if value.startswith("imceaex-") and "@" in value:
        local = value.removeprefix("imceaex-").rpartition("@")[0]
        value = _ENCODED.sub(lambda match: chr(int(match[1], 16)).casefold(), local.replace("_", "/"))
    return value if value.startswith("/o=") and "/cn=" in value and not _CONTROL.search(value) else None


def recipient(text: str | None) -> str | None:
    """What mail is sent to, in one spelling: an address, or the legacyExchangeDN that stands for one; None when it is neither."""
    return exchange_dn(text) or address(text)


def sid(text: str | None) -> str | None:
    """A SID in upper case (`S-1-5-21-…`, or SharpHound's `DOMAIN-S-1-5-32-544`), or None when it is none."""
    value = (text or "").strip().upper()
    return value if _SID.match(value) or _DOMAIN_SID.match(value) else None


def host(text: str | None) -> str | None:
    """A host name in lower case without a trailing dot or `$`, or None when it is none."""
    value = (text or "").strip().rstrip("$").rstrip(".").lower()
    return value if value and _HOST.match(value) else None


def ad_key(sid_text: str) -> str:
    """Key of an Active Directory object (account, group or computer): `ad:<SID>`."""
    return f"ad:{sid_text}"


def account_key(name: str) -> str:
    """Key of an account known only by an address or a name."""
    return f"account:{name.strip().casefold()}"


def upn_key(upn: str) -> str:
    """Key of an account known by its user principal name."""
    return f"upn:{upn.strip().casefold()}"


def mailbox_key(primary: str) -> str:
    """Key of a mailbox, by its primary address (normalised)."""
    return f"mailbox:{primary}"


def smtp_key(normalised: str) -> str:
    """Key of a correspondent, by its address (normalised)."""
    return f"smtp:{normalised}"


def correspondent_key(normalised: str) -> str:
    """Key of a correspondent, by what `recipient` gives: its address, or a legacyExchangeDN."""
    return f"x500:{normalised}" if normalised.startswith("/o=") else f"smtp:{normalised}"


def role_key(system: str, name: str, whose: str) -> str:
    """Key of an administrative role of one organisation; `whose`: its domain or tenant id, "" where the source does not tell."""
    return f"role:{system}/{name.strip().casefold()}" + (f"@{whose.casefold()}" if whose else "")


def tenant_key(whose: str) -> str:
    """Key of an Entra tenant, by the domain of most of its mailboxes (as its mail system), else by its id; "" where neither is known."""
    return f"tenant:{whose.casefold()}"


def group_key(name: str) -> str:
    """Key of a group known only by an address or a name."""
    return f"group:{name.strip().casefold()}"


def host_key(fqdn: str) -> str:
    """Key of a server known by its name (normalised)."""
    return f"host:{fqdn}"


def mail_system_key(domain: str) -> str:
    """Key of the mail system (Exchange organisation) that serves a domain."""
    return f"service:mail/{domain.casefold()}"


def message_key(message_id: str | None, content: str | None) -> str | None:
    """Key of a message: hash of its Message-ID, else of its content hash; None when it has neither."""
    identifier = (message_id or "").strip().strip("<>").strip()
    if identifier:
        return "msg:" + _hash(identifier.casefold())
    return f"msg:{content}" if content else None


def content_hash(date: str, sender: str, recipients: list[str], subject: str, first_words: str) -> str:
    """Second key of a message, which joins copies that carry new ids (formats.md 7): a hash, nothing readable."""
    parts = [date, sender, ";".join(sorted(recipients)), " ".join(subject.split()), " ".join(first_words.split())[:300]]
    return _hash("\x1f".join(parts))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def domain_of(normalised_address: str) -> str:
    """The domain of a normalised address."""
    return normalised_address.rpartition("@")[2]


@lru_cache(maxsize=65536)
def registrable(domain: str) -> str:
    """The registrable domain by the bundled public-suffix list (`ect.enron.com` -> `enron.com`); itself where there is none.

    Below `onmicrosoft.com` every name is another tenant's, though the list does not say so (`contoso.mail.onmicrosoft.com` is contoso's).
    """
    if domain.endswith(_TENANTS):
        return f"{domain.removesuffix(_TENANTS).removesuffix('.mail').rpartition('.')[2]}{_TENANTS}"
    return _PSL.privatesuffix(domain) or domain


@lru_cache(maxsize=65536)
def country_of(domain: str) -> str | None:
    """ISO 3166 code that a domain's ending says, or None: unknown stays unknown (`.com`, `.io`)."""
    ending = domain.rpartition(".")[2]
    if ending in _GENERIC_BUT_NATIONAL:
        return _GENERIC_BUT_NATIONAL[ending]
    if ending in _GENERIC_CCTLD:
        return None
    if ending in _ALIAS_CCTLD:
        return _ALIAS_CCTLD[ending]
    found = pycountry.countries.get(alpha_2=ending.upper()) if len(ending) == 2 else None
    return found.alpha_2 if found else None


def country_code(text: str | None) -> str | None:
    """ISO 3166 code of a country written as code or name (`Japan`, `JP`, `JPN`, `United States`), or None."""
    value = (text or "").strip()
    if not value:
        return None
    try:
        found = pycountry.countries.lookup(value)
    except LookupError:
        return None
    code: str = found.alpha_2
    return code


def country_name(code: str | None) -> str | None:
    """English name of an ISO 3166 code, or None."""
    found = pycountry.countries.get(alpha_2=code) if code else None
    if not found:
        return None
    name: str = getattr(found, "common_name", found.name)
    return name
