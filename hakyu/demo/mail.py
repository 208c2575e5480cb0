"""The mail of the demo, October 2022 to June 2023: who wrote what to whom, and in which files it is found.

Mail of one mailbox (the taken-over one) and of one shared mailbox lies there whole; of all others only the message traces of
the last ninety days speak. Both kinds tell of the same messages by the same Message-ID.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hakyu.demo.correspondents import Person
from hakyu.demo.dice import Dice
from hakyu.demo.organisation import DOMAIN, WHO, Account, Organisation

FIRST = datetime(2022, 10, 1, tzinfo=UTC)
LAST = datetime(2023, 6, 13, tzinfo=UTC)
TRACED_FROM = datetime(2023, 3, 16, tzinfo=UTC)
SHARED = f"info@{DOMAIN}"
_OWN, _INQUIRIES, _LETTERS, _OTHERS, _INSTITUTE = 1300, 700, 130, 3200, 600
_KNOWN = 5000
_RESERVED = 160  # people whom only the institute knows

_SUBJECTS = {
    "ja": (
        "会議の日程について",
        "資料の送付",
        "演習の参加確認",
        "御礼",
        "打合せ議事録の確認",
        "講演のお願い",
        "情報共有のご連絡",
        "来訪の件",
    ),
    "en": (
        "Meeting schedule",
        "Exercise participation",
        "Draft agenda",
        "Thank you for the visit",
        "Information sharing",
        "Question on the programme",
        "Travel arrangements",
        "Minutes of the call",
    ),
}


@dataclass(frozen=True)
class Party:
    """One end of a message: address and display name."""

    address: str
    name: str


@dataclass(frozen=True)
class Mail:
    """A message. `id`: without angle brackets; `size`: bytes; `language`: ja | en; `reply_to`: the id it answers."""

    id: str
    at: datetime
    sender: Party
    to: tuple[Party, ...]
    cc: tuple[Party, ...]
    bcc: tuple[Party, ...]
    subject: str
    language: str
    size: int
    reply_to: str | None = None

    @property
    def recipients(self) -> tuple[Party, ...]:
        """All of them."""
        return self.to + self.cc + self.bcc


@dataclass(frozen=True)
class Post:
    """All mail: of the taken-over mailbox, of the shared one, what else the organisation and the institute wrote and got."""

    own: list[Mail]
    shared: list[Mail]
    others: list[Mail]
    institute: list[Mail]

    def traced(self) -> list[Mail]:
        """What the organisation's trace holds: all its mail of the last ninety days."""
        found = [mail for mail in (*self.own, *self.shared, *self.others) if mail.at >= TRACED_FROM]
        return sorted(found, key=lambda mail: (mail.at, mail.id))


class _Desk:
    """Makes messages one after the other; every message has an id of its own."""

    def __init__(self, seed: int) -> None:
        self.dice = Dice(seed)
        self._seed, self._made = seed, 0

    def when(self, first: datetime) -> datetime:
        """A moment from `first` until LAST, in office hours of Tokyo on a working day."""
        day = first + timedelta(days=self.dice.number((LAST - first).days + 1))
        if day.weekday() >= 5:
            day += timedelta(days=-2 if day - timedelta(days=2) >= first else 2)
        day = min(day, LAST)
        return day + timedelta(minutes=self.dice.number(9 * 60), seconds=self.dice.number(60))

    def mail(
        self,
        at: datetime,
        sender: Party,
        to: list[Party],
        cc: list[Party],
        *,
        language: str,
        bcc: tuple[Party, ...] = (),
        reply_to: str | None = None,
    ) -> Mail:
        """A message."""
        self._made += 1
        domain = sender.address.partition("@")[2]
        subject = self.dice.pick(_SUBJECTS[language])
        if reply_to:
            subject = f"Re: {subject}"
        size = 2048 + self.dice.number(60_000)
        return Mail(
            f"{at:%Y%m%d%H%M%S}.{self._seed}{self._made:05d}@{domain}",
            at,
            sender,
            tuple(to),
            tuple(cc),
            bcc,
            subject,
            language,
            size,
            reply_to,
        )


def post(org: Organisation, everybody: list[Person]) -> Post:
    """All mail, always the same."""
    outside, institute_only = everybody[:_KNOWN], everybody[-_RESERVED:]
    staff = [_inside(account) for account in org.staff]
    own = _own(org, staff, outside)
    shared = _shared(staff, outside)
    others = _others(staff, outside)
    return Post(own, shared, others, _institute(org, institute_only, staff))


def _inside(account: Account) -> Party:
    return Party(account.email, account.name)


def _outside(person: Person) -> Party:
    return Party(person.address, person.name)


def _language(person: Person) -> str:
    return "ja" if person.region == "ja" else "en"


def _own(org: Organisation, staff: list[Party], outside: list[Person]) -> list[Mail]:
    """The liaison's mail: mostly with abroad, with a cc to others of both sides."""
    desk = _Desk(1)
    me, colleagues = (
        staff[0],
        [p for p, a in zip(staff, org.staff, strict=True) if a.department == org.staff[0].department and p != staff[0]],
    )
    abroad = [person for person in outside if person.country != "JP"][:900] + [
        person for person in outside if person.country == "JP"
    ][:250]
    abroad = [abroad[at * 7 % len(abroad)] for at in range(len(abroad))]  # 1,150 is no multiple of 7: everybody once, mixed
    found: list[Mail] = []
    for _ in range(_OWN):
        at, other = desk.when(FIRST), desk.dice.favour(abroad)
        cc = [_outside(person) for person in desk.dice.some(abroad[:400], desk.dice.number(3))] if desk.dice.chance(40) else []
        cc += [desk.dice.pick(colleagues)] if desk.dice.chance(30) else []
        kind = desk.dice.number(10)
        if kind < 5:
            found.append(desk.mail(at, _outside(other), [me], cc, language=_language(other)))
        elif kind < 8:
            found.append(
                desk.mail(at, me, [_outside(other)], cc, language=_language(other), reply_to=found[-1].id if found else None)
            )
        else:
            found.append(desk.mail(at, desk.dice.pick(staff[1:]), [me], cc[-1:], language="ja"))
    return _sorted(found)


def _shared(staff: list[Party], outside: list[Person]) -> list[Mail]:
    """The public desk: inquiries, answers, and a letter to some forty subscribers on most days."""
    desk, me = _Desk(2), Party(SHARED, "総合窓口")
    found: list[Mail] = []
    for _ in range(_INQUIRIES):
        other = desk.dice.pick(outside)
        at = desk.when(FIRST)
        asked = desk.mail(at, _outside(other), [me], [], language=_language(other))
        found.append(asked)
        if desk.dice.chance(60):
            answered = min(at + timedelta(minutes=30 + desk.dice.number(300)), LAST + timedelta(hours=23))
            found.append(
                desk.mail(
                    answered,
                    me,
                    [asked.sender],
                    [desk.dice.pick(staff)] if desk.dice.chance(20) else [],
                    language=asked.language,
                    reply_to=asked.id,
                )
            )
    for number in range(_LETTERS):
        readers = tuple(_outside(person) for person in outside[number::_LETTERS])
        found.append(desk.mail(desk.when(FIRST), me, [me], [], language="en" if number % 2 else "ja", bcc=readers))
    return _sorted(found)


def _others(staff: list[Party], outside: list[Person]) -> list[Mail]:
    """What everybody else wrote in the last ninety days."""
    desk, people = _Desk(3), staff[1:]
    found = []
    for _ in range(_OTHERS):
        at, one, other = desk.when(TRACED_FROM), desk.dice.pick(people), desk.dice.favour(outside[:1800])
        kind = desk.dice.number(10)
        cc = [desk.dice.pick(people)] if desk.dice.chance(25) else []
        if kind < 4:
            found.append(desk.mail(at, _outside(other), [one], cc, language=_language(other)))
        elif kind < 7:
            found.append(desk.mail(at, one, [_outside(other)], cc, language=_language(other)))
        else:
            found.append(desk.mail(at, one, desk.dice.some(people, 1 + desk.dice.number(3)), cc, language="ja"))
    return _sorted(found)


def _institute(org: Organisation, outside: list[Person], staff: list[Party]) -> list[Mail]:
    """The institute's mail of the last ninety days."""
    desk, people = _Desk(4), [_inside(account) for account in org.institute]
    found = []
    for _ in range(_INSTITUTE):
        at, one, other = desk.when(TRACED_FROM), desk.dice.pick(people), desk.dice.pick(outside)
        if desk.dice.chance(15):
            found.append(desk.mail(at, one, [desk.dice.pick(staff)], [], language="ja"))
        elif desk.dice.chance(55):
            found.append(desk.mail(at, _outside(other), [one], [], language=_language(other)))
        else:
            found.append(desk.mail(at, one, [_outside(other)], [desk.dice.pick(people)], language=_language(other)))
    return _sorted(found)


def _sorted(found: list[Mail]) -> list[Mail]:
    return sorted(found, key=lambda mail: (mail.at, mail.id))


def copies(mail: Mail) -> bool:
    """Whether the rule sent a copy of it out: all that came to the taken-over mailbox while it was held."""
    return mail.at >= datetime(2022, 10, 6, tzinfo=UTC) and any(party.address == WHO for party in mail.to + mail.cc)
