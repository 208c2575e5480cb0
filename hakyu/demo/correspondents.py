"""Who the organisation exchanges mail with: some five thousand people in more than twenty countries. All of them are invented.

Domains are `<kind>-example.<ending>`, so that the ending tells the country as it does in life; some tell none.
"""

from __future__ import annotations

from dataclasses import dataclass

from hakyu.demo.dice import Dice
from hakyu.demo.names import person

_KINDS = (
    ("cert", "Computer Emergency Response Team"),
    ("mofa", "Ministry of Foreign Affairs"),
    ("univ", "University"),
    ("telecom", "Telecom"),
    ("police", "Cyber Police"),
    ("bank", "Central Bank"),
    ("seclab", "Security Laboratory"),
    ("press", "Press"),
)
_AT_HOME = (
    "cabinet-example.go.jp mofa-example.go.jp police-example.go.jp defence-example.go.jp "
    "telecom-ministry-example.go.jp univ-example.ac.jp tech-univ-example.ac.jp cert-example.or.jp isac-example.or.jp "
    "hospital-example.or.jp port-example.or.jp telecom-example.co.jp power-example.co.jp railway-example.co.jp "
    "bank-example.co.jp press-example.co.jp tv-example.co.jp seclab-example.co.jp cloud-example.co.jp vendor-example.co.jp"
)
# country, region of the names, endings
_COUNTRIES = (
    ("US", "en", "us"),
    ("GB", "en", "co.uk org.uk"),
    ("AU", "en", "com.au"),
    ("NZ", "en", "co.nz"),
    ("CA", "en", "ca"),
    ("DE", "de", "de"),
    ("AT", "de", "at"),
    ("CH", "de", "ch"),
    ("FR", "ro", "fr"),
    ("BE", "ro", "be"),
    ("IT", "ro", "it"),
    ("ES", "ro", "es"),
    ("BR", "ro", "com.br"),
    ("NL", "de", "nl"),
    ("SE", "no", "se"),
    ("FI", "no", "fi"),
    ("NO", "no", "no"),
    ("PL", "sl", "pl"),
    ("CZ", "sl", "cz"),
    ("EE", "sl", "ee"),
    ("KR", "as", "co.kr"),
    ("TW", "as", "com.tw"),
    ("SG", "as", "com.sg"),
    ("TH", "as", "co.th"),
    ("IN", "in", "co.in"),
)
# Endings that tell no country.
_NOWHERE = (
    ("forum-example.org", "en", "Cyber Resilience Forum", "CH"),
    ("assoc-example.net", "ro", "Incident Handlers' Association", None),
    ("cloudhost-example.com", "en", "Cloud Hosting", "US"),
    ("threatfeed-example.com", "de", "Threat Feed", None),
    ("conference.example", "no", "Conference Secretariat", "EE"),
    ("travel.example", "ja", "Travel Desk", "JP"),
)
_CATEGORIES = {
    "press": "press",
    "tv": "press",
    "mofa": "government",
    "police": "government",
    "cabinet": "government",
    "telecom": "vendor",
    "vendor": "vendor",
}
_MISSION = "@mofa-example.de"
_LISTED, _WARNED = 60, 12
_EACH_AT_HOME, _EACH_ABROAD = 98, 17


@dataclass(frozen=True)
class Person:
    """Somebody outside. `organisation`: its name, or ""; `country`: of the domain's ending, None where it tells none."""

    address: str
    name: str
    organisation: str
    country: str | None
    region: str


@dataclass(frozen=True)
class Stated:
    """A row of correspondents.csv."""

    address: str
    name: str
    organisation: str
    country: str
    category: str
    warned_at: str


def people() -> list[Person]:
    """Everybody outside, in a mixed order; whom people write to most comes first."""
    found = [
        one
        for number, domain in enumerate(_AT_HOME.split())
        for one in _staff(domain, "ja", "", "JP", _EACH_AT_HOME, number * 37)
    ]
    for code, region, endings in _COUNTRIES:
        for number, (kind, title) in enumerate(_KINDS):
            domain = f"{kind}-example.{endings.split()[number % len(endings.split())]}"
            found += _staff(domain, region, f"{title} {code}", code, _EACH_ABROAD, number * 31 + len(found))
    for domain, region, title, _ in _NOWHERE:
        found += _staff(domain, region, title, None, 20, len(domain))
    dice = Dice(2022)
    marked = [(dice.number(1 << 30), one) for one in found]
    return [one for _, one in sorted(marked, key=lambda pair: (pair[0], pair[1].address))]


def _staff(domain: str, region: str, organisation: str, country: str | None, count: int, first: int) -> list[Person]:
    people_ = []
    for number in range(count):
        local, name = person(region, (first + number) % 240)
        people_.append(Person(f"{local}@{domain}", name, organisation, country, region))
    # One in each organisation is also known by a second address: two addresses, one person.
    local = people_[0].address.partition("@")[0]
    second = f"{local[0]}{local[local.index('.') :]}@{domain}"
    return [*people_, Person(second, people_[0].name, organisation, country, region)]


def stated(everybody: list[Person]) -> list[Stated]:
    """What the organisation's own list says of some of them: also of those whose domain tells no country, or a wrong one."""
    rows = []
    lands = {title: country for _, _, title, country in _NOWHERE}
    for at, one in enumerate(everybody):
        if country := lands.get(one.organisation):
            rows.append(Stated(one.address, one.name, one.organisation, country, "domestic" if country == "JP" else "abroad", ""))
        elif one.address.endswith(_MISSION):  # a mission to another country: its domain's ending misleads
            rows.append(Stated(one.address, one.name, "", "BE", "government", ""))
        elif at < _LISTED and one.country:
            kind = one.address.partition("@")[2].partition("-")[0]
            category = _CATEGORIES.get(kind, "domestic" if one.country == "JP" else "abroad")
            rows.append(Stated(one.address, one.name, "", one.country, category, "2023-08-04" if at < _WARNED else ""))
    return rows
