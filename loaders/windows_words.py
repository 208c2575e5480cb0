"""What the fields of Windows logon events say, one value at a time: types of logons, failures, addresses, computers."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Any

from graphmodel import identity
from loaders.signins import plain_ip
from loaders.windows_accounts import text_of

LOGON_TYPES = {
    0: "system", 2: "interactive", 3: "network", 4: "batch", 5: "service", 7: "unlock", 8: "network cleartext", 9: "new credentials",
    10: "remote interactive", 11: "cached interactive", 12: "cached remote interactive", 13: "cached unlock",
}  # fmt: skip
# The person sits at the computer, or at its screen from afar: the credential stays in its memory until the logoff.
PRESENT = frozenset((2, 10, 11))
FAILURES = {
    "0xc0000064": "no such account", "0xc000006a": "wrong password", "0xc0000234": "account locked", "0xc0000072": "account disabled",
    "0xc000006f": "outside permitted hours", "0xc0000070": "computer not permitted", "0xc0000071": "password expired",
    "0xc0000193": "account expired", "0xc0000224": "password must be changed", "0xc000015b": "logon type not granted",
    "0xc0000133": "clocks differ", "0xc000006d": "bad name or password",
}  # fmt: skip
NO_ACCOUNT = "0xc0000064"
KERBEROS = {"0x6": "no such account", "0x12": "account disabled, locked or expired", "0x17": "password expired", "0x18": "wrong password"}
NO_SESSION = frozenset(("", "0x0", "0"))
NOBODY = "no such account"
"""Said of a name that is nobody's: it is not kept, since sometimes it is a password."""
_HERE, _NOWHERE = ("127.", "169.254.", "fe80:"), frozenset((str(ipaddress.IPv4Address(0)), "::", "::1"))


def logon_type(data: dict[str, Any]) -> int | None:
    """The number of the logon's type; None where it is missing."""
    return int_of(data.get("LogonType"))


@lru_cache(maxsize=64)
def type_word(kind: int | None) -> str | None:
    """`10 remote interactive`."""
    return None if kind is None else f"{kind} {LOGON_TYPES.get(kind, 'of another type')}"


def int_of(value: Any) -> int | None:
    """A whole number, or the text of one (`10`, `0x3e7`); None where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text):
        return int(text, 16)
    return int(text) if re.fullmatch(r"\d{1,18}", text) else None


@lru_cache(maxsize=65536)
def _remote(text: str) -> str | None:
    found = plain_ip(text)
    return None if found is None or found.startswith(_HERE) or found in _NOWHERE else found


def remote_ip(value: Any) -> str | None:
    """An address from which somebody came; None for the computer itself and for its own link."""
    return _remote(value) if isinstance(value, str) else None


def session_of(data: dict[str, Any]) -> str | None:
    """The id of the logon that a record is about."""
    found = text_of(data, "TargetLogonId", "SubjectLogonId").casefold()
    return found if found not in NO_SESSION else None


def workstation_of(data: dict[str, Any], computer: str) -> str:
    """`from ws9`; "" where that is not told, or is the computer itself."""
    return _from(text_of(data, "WorkstationName", "Workstation"), computer)


@lru_cache(maxsize=65536)
def _from(workstation: str, computer: str) -> str:
    name, here = identity.host(workstation), computer.casefold()
    return f"from {name}" if name and name not in (here, here.partition(".")[0]) else ""


def failure_of(sub_status: str, status: str) -> tuple[str, str]:
    """(code, words) of a logon that failed; "" for both where there is no code."""
    codes = (sub_status.casefold(), status.casefold())
    code = next((code for code in codes if code and int_of(code) not in (0, None)), "")
    return code, FAILURES.get(code, f"error {code}" if code else "")


def ticket_of(status: str) -> tuple[bool | None, str]:
    """(whether it was given, words) of a domain controller's answer."""
    code = status.casefold()
    ok = int_of(code) == 0 if code else None
    return ok, "" if ok else FAILURES.get(code) or KERBEROS.get(code) or (f"error {code}" if code else "")
