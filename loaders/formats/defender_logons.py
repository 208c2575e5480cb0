r"""Logons as Microsoft Defender for Endpoint tells them: the table DeviceLogonEvents of advanced hunting or of Sentinel, CSV.

Claims a header with DeviceName, ActionType, LogonType and AccountName, and Timestamp or TimeGenerated.

Yields what windows_evtx says of 4624 and 4625: Observation with OBSERVED to the account (`ad:<AccountSid>`, else `account:DOMAIN\name`) and to
the device; SESSION_ON from an interactive logon on, without end. Coverage: logons, for each device.

Traps: LogonAttempted says nothing of its outcome and is left out, counted. LogonType is a word. RemoteDeviceName is where somebody came from.
The portal exports at most 10,000, 30,000 or 100,000 rows. The key is a hash of the row: the same logon in a Security log is another record.
"""

from __future__ import annotations

from typing import Any

from loaders.base import Claim, FactBuffer, Options, Source
from loaders.reading import Row, Table, header_of
from loaders.windows import FAILED, LOGON, Event, Logons
from loaders.windows_words import LOGON_TYPES

NAME = "defender_logons"
TITLE = "Logons CSV, Microsoft Defender (DeviceLogonEvents)"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "logons, failed logons, sessions on computers"

_REQUIRED = frozenset(("devicename", "actiontype", "logontype", "accountname"))
_TIMES = ("timestamp", "timegenerated")
_KINDS = {"".join(word.split()): number for number, word in LOGON_TYPES.items()}
_ACTIONS = {"logonsuccess": LOGON, "logonfailed": FAILED}
_REASONS = {"invalidusernameorpassword": "0xc000006d", "accountdisabled": "0xc0000072", "accountlocked": "0xc0000234", "passwordexpired": "0xc0000071"}
_LIMITS = frozenset((10_000, 30_000, 100_000))


def detect(source: Source) -> Claim | None:
    """Claim by the header."""
    header = header_of(source)
    return Claim(8, "columns of DeviceLogonEvents") if header >= _REQUIRED and not header.isdisjoint(_TIMES) else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the rows one by one."""
    table = Table(source, options, out, dates=_TIMES)
    table.require(*_REQUIRED)
    logons = Logons(out)
    for row in table:
        number = _ACTIONS.get(row["actiontype"].casefold())
        if number is not None:
            logons.take(_event(row, number))
        elif row["actiontype"]:
            logons.dropped["of attempts without an outcome: left out"] += 1
        else:
            out.refuse(row.at("actiontype"), "", "no action")
    if out.records in _LIMITS:
        out.note(f"{out.records:,} rows: the portal cuts exports there, what it lacks is unknown")
    logons.finish("as many rows as the portal exports: it was cut" if out.records in _LIMITS else None)


def _event(row: Row, number: int) -> Event:
    data: dict[str, Any] = {
        "TargetUserName": row["accountname"], "TargetDomainName": row.get("accountdomain"), "TargetUserSid": row.get("accountsid"),
        "TargetLogonId": row.get("logonid"), "LogonType": _KINDS.get("".join(row["logontype"].casefold().split())), "IpAddress": row.get("remoteip"),
        "WorkstationName": row.get("remotedevicename"), "Status": _REASONS.get(row.get("failurereason").casefold(), ""),
    }  # fmt: skip
    return Event(at=row.date(*_TIMES), id=number, computer=row["devicename"], channel="Security", record="", data=data, place=row.place)
