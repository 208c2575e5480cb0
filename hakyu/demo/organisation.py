"""The organisation: a made-up National Cyber Coordination Office: 300 accounts, 40 servers, an institute it runs mail for.

The story. The account of Mika Suzuki (international liaison) is taken over on 5 October 2022 and closed on 13 June 2023. By group
in group it administers a file server; an administrator is signed in there, who also administers the Exchange server and the mail
gateway of the institute. A rule of the mailbox goes on copying mail to an address outside after the password was reset.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hakyu.demo.dice import Dice
from hakyu.demo.names import person

DOMAIN = "ncco.example"
INSTITUTE = "ken-institute.example"
WHO = f"mika.suzuki@{DOMAIN}"
FROM, UNTIL = "2022-10-05", "2023-06-13"
SINK = "inbox7@mail-archive.example"
SID = "S-1-5-21-2022100520-2023061317-300040020"
DEPARTMENTS = (
    "International Liaison",
    "Incident Response",
    "Critical Infrastructure",
    "Policy",
    "General Affairs",
    "Public Relations",
    "Systems",
    "Analysis",
)
_STAFF, _ADMINS, _SERVICES = 281, 10, 6
_ENGLISH_EVERY = 8


@dataclass(frozen=True)
class Account:
    """An account of the directory. `rid`: last number of its SID; `email`: "" without mailbox; `kind`: user | admin | service."""

    sam: str
    name: str
    rid: int
    kind: str
    email: str = ""
    department: str = ""
    title: str = ""

    @property
    def sid(self) -> str:
        """Its SID."""
        return f"{SID}-{self.rid}"


@dataclass
class Group:
    """A directory group; `members`: accounts, groups and computers by their sam name."""

    sam: str
    rid: int
    members: list[str] = field(default_factory=list)
    exchange: bool = False

    @property
    def sid(self) -> str:
        """Its SID."""
        return f"{SID}-{self.rid}"


@dataclass
class Computer:
    """A server.

    `joined`: known to the directory; `asked`: SharpHound could ask it; `admins`, `remote`: groups and accounts (sam) among its
    local administrators and remote desktop users; `sessions`: who is signed in (sam).
    """

    fqdn: str
    role: str
    rid: int = 0
    joined: bool = True
    asked: bool = True
    os: str = "Windows Server 2019 Standard"
    admins: list[str] = field(default_factory=list)
    remote: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        """Its short name, in capitals as Windows has it."""
        return self.fqdn.partition(".")[0].upper()

    @property
    def sid(self) -> str:
        """Its SID in the directory."""
        return f"{SID}-{self.rid}"


@dataclass(frozen=True)
class Shared:
    """A mailbox that is nobody's own. `type`: Exchange's RecipientTypeDetails; `delegates`: addresses with full access."""

    address: str
    name: str
    type: str
    delegates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Organisation:
    """All of it."""

    accounts: list[Account]
    groups: list[Group]
    computers: list[Computer]
    shared: list[Shared]
    institute: list[Account]

    @property
    def staff(self) -> list[Account]:
        """Those with a mailbox of their own."""
        return [account for account in self.accounts if account.email]


def organisation() -> Organisation:
    """The organisation, always the same."""
    staff = _staff()
    accounts = [*_builtin(), *staff, *_admins(), *_services()]
    return Organisation(accounts, _groups(staff), _computers(), _shared(staff), _institute())


def _builtin() -> list[Account]:
    return [
        Account("Administrator", "Administrator", 500, "admin"),
        Account("Guest", "Guest", 501, "user"),
        Account("krbtgt", "krbtgt", 502, "admin"),
    ]


def _staff() -> list[Account]:
    found = [Account("m.suzuki", "鈴木 美香", 1104, "user", WHO, DEPARTMENTS[0], "Deputy Director")]
    taken, number = {WHO, "m.suzuki"}, 0
    while len(found) < _STAFF:
        local, name = person("en" if number % _ENGLISH_EVERY == 0 else "ja", number)
        number += 1
        sam = f"{local[0]}{local[local.index('.') :]}"
        sam = next(text for text in (sam, *(f"{sam}{n}" for n in range(2, 99))) if text not in taken)
        email = f"{local}@{DOMAIN}"
        if email in taken:
            continue
        taken |= {sam, email}
        at = len(found)
        title = ("Director", "Deputy Director", "Section Chief", "Officer", "Officer", "Analyst")[at % 6]
        found.append(Account(sam, name, 1104 + at, "user", email, DEPARTMENTS[at % len(DEPARTMENTS)], title))
    return found


def _admins() -> list[Account]:
    names = ("tanaka", "sato", "kobayashi", "inoue", "hayashi", "abe", "mori", "ogawa", "kondo", "aoki")
    return [Account(f"adm-{name}", f"adm-{name}", 1500 + at, "admin") for at, name in enumerate(names[:_ADMINS])]


def _services() -> list[Account]:
    names = ("svc-backup", "svc-sql", "svc-scan", "svc-monitor", "svc-deploy", "svc-print")
    return [Account(name, name, 1600 + at, "service") for at, name in enumerate(names[:_SERVICES])]


def _groups(staff: list[Account]) -> list[Group]:
    sections = [Group(f"GG-{name.replace(' ', '-')}", 2000 + at) for at, name in enumerate(DEPARTMENTS)]
    for account in staff:
        sections[DEPARTMENTS.index(account.department)].members.append(account.sam)
    liaison, _, _, policy = (group.sam for group in sections[:4])
    return [
        Group("Domain Admins", 512, ["Administrator", "adm-kobayashi", "adm-hayashi"]),
        Group("Domain Users", 513),
        Group("Domain Computers", 515),
        Group("Domain Controllers", 516),
        *sections,
        # Group in group in group: who looks at the file server's administrators sees no person.
        Group("GG-External-Affairs", 2010, [liaison]),
        Group("LG-Fileshare-Maintainers", 2011, ["GG-External-Affairs"]),
        Group("LG-Remote-Desktop", 2012, [liaison, policy]),
        Group("LG-Server-Operators", 2013, ["adm-inoue", "adm-abe", "svc-deploy"]),
        Group("LG-Mail-Operators", 2014, ["adm-tanaka", "adm-ogawa"]),
        Group("LG-Backup", 2015, ["svc-backup"]),
        Group("Organization Management", 2100, ["adm-sato"], exchange=True),
        Group("Recipient Management", 2101, ["adm-mori"], exchange=True),
        Group("Exchange Servers", 2102, ["EX01$", "EX02$"], exchange=True),
        Group("Exchange Trusted Subsystem", 2103, ["EX01$", "EX02$"], exchange=True),
    ]


_PLAIN_SERVERS = (
    "fs01:file fs02:file fs03:file fs04:file app01:server app02:server app03:server app04:server web01:server web02:server "
    "sql01:server sql02:server sql03:server bkp01:server bkp02:server wsus01:server print01:server ts01:server ts02:server "
    "siem01:server siem02:server log01:server log02:server ca01:server nps01:server mgmt01:server mgmt02:server "
    "dev01:server dev02:server wiki01:server cmdb01:server"
)


def _computers() -> list[Computer]:
    everywhere = ["Domain Admins", "LG-Server-Operators"]
    found = [
        Computer(f"dc01.{DOMAIN}", "domain controller"),
        Computer(f"dc02.{DOMAIN}", "domain controller"),
        Computer(
            f"ex01.{DOMAIN}",
            "mail",
            admins=["Domain Admins", "Exchange Trusted Subsystem", "Organization Management"],
            sessions=["adm-sato", "svc-backup"],
        ),
        Computer(
            f"ex02.{DOMAIN}",
            "mail",
            admins=["Domain Admins", "Exchange Trusted Subsystem", "Organization Management"],
        ),
    ]
    for word in _PLAIN_SERVERS.split():
        name, _, role = word.partition(":")
        found.append(Computer(f"{name}.{DOMAIN}", role, admins=list(everywhere)))
    by_host = {computer.host: computer for computer in found}
    by_host["FS02"].admins.append("LG-Fileshare-Maintainers")
    by_host["FS02"].sessions += ["adm-tanaka", "svc-scan"]
    by_host["TS01"].remote.append("LG-Remote-Desktop")
    by_host["TS01"].sessions += ["adm-inoue", "m.suzuki"]
    for host in ("FS01", "BKP01", "BKP02"):
        by_host[host].admins.append("LG-Backup")
    by_host["MGMT01"].sessions += ["adm-kobayashi", "adm-abe"]
    by_host["SQL01"].admins.append("svc-sql")
    for host in ("DEV01", "DEV02", "WIKI01", "CMDB01", "LOG02", "SIEM02"):
        by_host[host].asked = False
    for at, computer in enumerate(found):
        computer.rid = 1001 + at
    for fqdn, role in (
        (f"mgw01.{DOMAIN}", "gateway"),
        (f"mgw02.{DOMAIN}", "gateway"),
        (f"vpn.{DOMAIN}", "server"),
        (f"mx1.{INSTITUTE}", "gateway"),
        (f"mail.{INSTITUTE}", "mail"),
    ):
        found.append(Computer(fqdn, role, joined=False, asked=False))
    return found


def _shared(staff: list[Account]) -> list[Shared]:
    dice = Dice(12)
    names = (
        ("info", "総合窓口"),
        ("press", "広報室"),
        ("incident-report", "インシデント報告窓口"),
        ("recruit", "採用担当"),
        ("training", "研修事務局"),
        ("events", "Events Desk"),
        ("library", "資料室"),
        ("procurement", "調達担当"),
        ("it-help", "IT Helpdesk"),
        ("g7-cyber", "G7 Cyber Desk"),
        ("asean-desk", "ASEAN Desk"),
        ("visits", "Visits and Protocol"),
    )
    found = []
    for local, name in names:
        delegates = tuple(account.email for account in dice.some(staff[1:], 4))
        # What the taken-over account may open by itself.
        mine = (WHO,) if local in ("info", "g7-cyber", "asean-desk") else ()
        found.append(Shared(f"{local}@{DOMAIN}", name, "SharedMailbox", mine + delegates))
    return found + [Shared(f"room-{n}01@{DOMAIN}", f"会議室 {n}01", "RoomMailbox") for n in range(1, 5)]


def _institute() -> list[Account]:
    found = [
        Account("liaison", "Liaison", 1, "user", f"liaison@{INSTITUTE}"),
        Account("board", "Board", 2, "user", f"board@{INSTITUTE}"),
    ]
    for number in range(18):
        local, name = person("ja" if number % 3 else "en", number * 5 + 2)
        found.append(Account(local, name, number + 3, "user", f"{local}@{INSTITUTE}"))
    return found
