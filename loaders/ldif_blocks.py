"""Records of LDIF (RFC 2849): blocks between blank lines, and the attributes of one that are wanted.

Strict as the `ldif` package is, record by record: a line without a colon, a name that is not ASCII, bad base64, a second `dn:`, or anything before
the first raises ValueError. Values that nobody wants are not kept.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator

from loaders.base import Broken

_CHUNK = 1 << 20
_LONGEST = 64 << 20
_LONGEST_NAME = 8_192
_BLANK = re.compile(rb"\n[\r\n]*\n")
_NAMES = 10_000


def blocks(read: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    """(number of its first line, block) for the blocks between blank lines; comments stay in. `read` gives the next bytes, b"" at the end."""
    rest, line = read(_CHUNK).removeprefix(b"\xef\xbb\xbf"), 1
    while True:
        data = read(_CHUNK)
        begin = 0
        for blank in _BLANK.finditer(rest):
            if data and blank.end() == len(rest):
                break  # more line breaks may follow
            yield from _block(rest[begin : blank.start() + 1], line)
            line += rest.count(b"\n", begin, blank.end())
            begin = blank.end()
        rest = rest[begin:]
        if len(rest) > _LONGEST:
            raise Broken(f"line {line}", "a record of more than 64 MiB", "it is no LDIF, or it is damaged: export it again")
        if not data:
            break
        rest += data
    yield from _block(rest, line)


def _block(block: bytes, line: int) -> Iterator[tuple[int, bytes]]:
    """The block without blank lines before it, where anything is left of it."""
    while block.startswith((b"\r", b"\n")):
        first, _, rest = block.partition(b"\n")
        if first.strip(b"\r"):
            break
        block, line = rest, line + 1
    if block.strip(b"\r\n"):
        yield line, block


class Attributes:
    """Reads blocks. `wanted`: attribute names in lower case; `ranges`: how many lists so far were only a part of what there is (`;range=0-1499`)."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._names: dict[bytes, str] = {}
        self._part = re.compile(r";range=\d+-\d+", re.IGNORECASE)
        self.ranges = 0

    def read(self, block: bytes) -> tuple[str, dict[str, list[bytes]]]:
        """(dn, values by lower-case name without options); "" where there is no dn."""
        if b"\n " in block:
            block = block.replace(b"\r\n ", b"").replace(b"\n ", b"")
        lines = iter(block.split(b"\n"))
        dn = self._dn(lines)
        found: dict[bytes, list[bytes]] = {}
        names, bare_of = self._names, self._bare
        for line in lines:
            name, colon, value = line.partition(b":")
            bare = names.get(name) if colon else bare_of(name, line)
            if bare is None:
                bare = bare_of(name, line)
            if value[:1] == b":":
                value = base64.decodebytes(value[1:])
            elif bare:
                value = value.strip() if value[:1] != b"<" else b""
            if bare:
                found.setdefault(name, []).append(value)
        return dn, self._merged(found)

    def _dn(self, lines: Iterator[bytes]) -> str:
        """The name that the record begins with, behind comments and the version."""
        for line in lines:
            name, colon, value = line.partition(b":")
            if line in (b"", b"\r") or line[:1] == b"#":
                continue
            if not colon or name not in (b"dn", b"version"):
                raise ValueError("a record that does not begin with its name")
            raw = base64.decodebytes(value[1:]) if value[:1] == b":" else value.strip() if value[:1] != b"<" else b""
            if name == b"dn":
                dn = raw.decode()
                if "=" not in dn or len(dn) > _LONGEST_NAME:
                    raise ValueError("no name")
                return dn
        return ""

    def _bare(self, name: bytes, line: bytes) -> str:
        """What the name of an attribute stands for, "" where it is not wanted or the line is none of an attribute; remembered."""
        if line[:1] == b"#" or line in (b"", b"\r"):
            return ""
        if name == line:
            raise ValueError("a line without a colon")
        text = name.decode("ascii")
        if text == "dn":
            raise ValueError("two names in one record")
        bare = text.partition(";")[0].casefold()
        bare = bare if bare in self._wanted else ""
        if len(self._names) < _NAMES:
            self._names[name] = bare
        return bare

    def _merged(self, found: dict[bytes, list[bytes]]) -> dict[str, list[bytes]]:
        merged: dict[str, list[bytes]] = {}
        for name, values in found.items():
            bare = name.decode().partition(";")[0].casefold()
            if b";" in name and self._part.search(name.decode()):
                self.ranges += 1
            merged.setdefault(bare, []).extend(values)
        return merged
