"""A plain list of indicators, one a line (formats.md 11).

Claims a text of which every line of the first 64 KiB is an address, a domain, an IP address or network, a URL or a hash, defanged or not;
or a kind before a colon and a value: `session: …`, `user agent: …`, `app: …`, `message id: …`, `host: …`, and the kinds that show themselves.

Yields Indicator, with what stands after ` # ` as note.

Traps: headings (`Domains:`), bullets and a port behind an IP address are passed over. `hxxp`, `[.]`, `[dot]`, `(at)` are undone. A bare name counts only where its ending is on the public suffix list, so that lists of
logon names (`first.last`) are not taken for domains; write `host: fs01.corp.local` for internal names. A registrable domain is a domain, a
name below one a host. Hashes other than SHA-256 are counted and match nothing. A list of one's own correspondents looks the same: do
not load it as this.
"""

from __future__ import annotations

import re
from contextlib import closing

from loaders.base import Broken, Claim, FactBuffer, Options, Source
from loaders.encodings import encoding_of, head_text, open_text
from loaders.indicators import KINDS, Indicators, guess, normal

NAME = "indicator_list"
TITLE = "Plain list of indicators, one a line"
PRIORITY = "should"
SEEN = "not yet seen in the wild"
READS = "indicators: addresses, domains, hosts, IP addresses, URLs, sessions, user agents, applications, message ids, hashes"

_KIND = re.compile(rf"^({'|'.join(KINDS)})\s*[:=]\s*(.+)$", re.IGNORECASE)
_COMMENT = re.compile(r"\s+#\s*(.*)$")
_BULLET = re.compile(r"^[-*•・]\s+")
_HEADING = re.compile(r"^[^:\d@]{1,40}[:：]$")
_PORT = re.compile(r"^(\d{1,3}(?:\[?\.\]?\d{1,3}){3})\[?:\]?\d{1,5}$")
_LONGEST = 4_096


def detect(source: Source) -> Claim | None:
    """Claim a text of which every line is an indicator: the weakest claim there is."""
    if source.is_dir or b"\0" in source.head[:2] or source.head.startswith((b"PK", b"\x1f\x8b", b"{", b"[{", b"<")):
        return None
    text = head_text(source).removeprefix("\ufeff")
    lines = text.splitlines()
    if len(source.head) < source.size:
        lines = lines[:-1]
    seen = 0
    for line in lines:
        if not (item := _split(line)[0]):
            continue
        seen += 1
        if len(item) > _LONGEST or any(_parse(one) is None for one in _items(item)):
            return None
    return Claim(2, "every line is an indicator") if seen else None


def read(source: Source, options: Options, out: FactBuffer) -> None:
    """Read the lines one by one; a line that is none is refused."""
    encoding = encoding_of(source, options)
    if encoding.remark:
        out.note(encoding.remark)
    signs = Indicators(out)
    with closing(open_text(source, encoding)) as stream:
        try:
            for number, line in enumerate(stream, 1):
                item, note = _split(line)
                if item:
                    out.records += 1
                    for one in _items(item):
                        _line(one, note, f"line {number}", signs, out)
        except UnicodeDecodeError:
            raise Broken("whole file", "the bytes are not text", "the file is damaged: export it again") from None
    signs.finish()


def _line(item: str, note: str, place: str, signs: Indicators, out: FactBuffer) -> None:
    found = _parse(item) if len(item) <= _LONGEST else None
    if found is None:
        out.refuse(place, item, "not an indicator: write the kind before it (host: …, session: …)")
    elif not found[0]:
        signs.skip("of a hash that records here do not hold")
    else:
        signs.add(found[0], found[1], place, note=note or None)


def _items(item: str) -> list[str]:
    """The indicators of a line: itself, or those between commas where each is one."""
    several = [one.strip() for one in item.split(",")] if "," in item and len(item) <= _LONGEST else [item]
    return several if len(several) > 1 and all(_parse(one) for one in several) else [item]


def _parse(item: str) -> tuple[str, str] | None:
    """(kind, value); the kind is "" for hashes that nothing holds."""
    if match := _KIND.match(item):
        kind = match[1].lower()
        value = normal(kind, match[2])
        return (kind, value) if value else None
    port = _PORT.match(item)
    return guess(port[1] if port else item)


def _split(line: str) -> tuple[str, str]:
    """(item, comment) of a line; nothing of a remark or of a heading (`Domains:`)."""
    text = _BULLET.sub("", line.strip().removeprefix("\ufeff")).rstrip(",;")
    if text.startswith(("#", ";", "//")) or _HEADING.match(text):
        return "", ""
    comment = _COMMENT.search(text)
    return (text[: comment.start()].rstrip(), comment[1].strip()) if comment else (text, "")
