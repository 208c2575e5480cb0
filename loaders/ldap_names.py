"""Distinguished names and SIDs as LDAP writes them."""

from __future__ import annotations

import re
from functools import lru_cache

_ESCAPED = re.compile(r"\\([0-9a-fA-F]{2})")
_UNEVEN = re.compile(r"""[\\"]|\s[,=]|[,=]\s|^\s|\s$""")
_RDN = re.compile(r'(?:\\.|"(?:\\.|[^"\\])*"|[^,\\"])+')


def fold_dn(dn: str) -> str:
    r"""A DN in one spelling: case folded, no spaces around separators, escapes `\2C` as `\,`."""
    if not _UNEVEN.search(dn):
        return dn.casefold()
    text = _ESCAPED.sub(lambda match: "\\" + chr(int(match[1], 16)) if int(match[1], 16) < 128 else match[0], dn)
    return ",".join("=".join(part.strip() for part in piece.split("=", 1)) for piece in split_dn(text)).casefold()


def split_dn(dn: str) -> list[str]:
    """The RDNs of a DN, by commas that are not escaped or quoted."""
    return _RDN.findall(dn) or [dn]


def split_dns(text: str) -> list[str]:
    """DNs that were joined by `, ` in one line (pyldapsearch): a new one begins at the RDN after the last `DC=`."""
    found: list[list[str]] = []
    after_dc = True
    for piece in split_dn(text):
        is_dc = piece.lstrip().casefold().startswith("dc=")
        if not found or (after_dc and not is_dc):
            found.append([])
        found[-1].append(piece.strip())
        after_dc = is_dc
    return [",".join(pieces) for pieces in found]


def domain_of(dn: str) -> str:
    """`planetexpress.com` of a DN's `dc=` parts, "" where it has none."""
    # Most entries of a directory have the same tail, which is all that tells.
    start = -1 if _UNEVEN.search(dn) else dn.casefold().find(",dc=")
    return _domain(dn[start + 1 :] if start >= 0 else dn)


@lru_cache(maxsize=4096)
def _domain(dn: str) -> str:
    parts = [piece.strip() for piece in split_dn(dn)]
    return ".".join(part[3:].strip() for part in parts if part.casefold().startswith("dc=")).casefold()


def sid_text(data: bytes) -> str | None:
    """`S-1-5-21-…` of a binary objectSid, or None when the bytes are none ([MS-DTYP] 2.4.2.2)."""
    if len(data) < 8 or data[0] != 1 or len(data) != 8 + 4 * data[1]:
        return None
    numbers = [int.from_bytes(data[at : at + 4], "little") for at in range(8, len(data), 4)]
    return "-".join(["S-1", str(int.from_bytes(data[2:8], "big")), *map(str, numbers)])
