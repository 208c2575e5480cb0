"""Which encoding a text file has (formats.md 0.3.1): BOM, the analyst's word, UTF-16 by its NULs, ISO-2022-JP, UTF-8, CP932.

Every try is strict and covers the whole file; nothing is ever replaced by a question mark.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count

from loaders.base import Broken, FactBuffer, Options, Source

_CHUNK = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ISO_2022_ESCAPE = b"\x1b$"
_ADVICE = "say --encoding, or export again as UTF-8"


@dataclass(frozen=True)
class Encoding:
    """A codec's name, and a remark for the analyst where it was inferred."""

    codec: str
    remark: str | None = None


def open_text(source: Source, encoding: Encoding) -> io.TextIOWrapper:
    """The file as a stream of text with its line ends as they are. Wrong bytes raise UnicodeDecodeError while reading."""
    return io.TextIOWrapper(source.open(), encoding=encoding.codec, errors="strict", newline="")


def numbered_lines(source: Source, options: Options, out: FactBuffer) -> Iterator[tuple[str, str]]:
    """(`line 7`, the line with its end) of a text file; how its encoding was inferred is noted at once. Raises Broken where the bytes are not text."""
    encoding = encoding_of(source, options)
    if encoding.remark:
        out.note(encoding.remark)
    return _numbered(source, encoding)


def _numbered(source: Source, encoding: Encoding) -> Iterator[tuple[str, str]]:
    with closing(open_text(source, encoding)) as stream:
        try:
            for number, line in enumerate(stream, 1):
                yield f"line {number}", line
        except UnicodeDecodeError:
            raise Broken("in the middle", "the bytes are not text", "say --encoding") from None


def encoding_of(source: Source, options: Options) -> Encoding:
    """The encoding of a file. Reads it once through where it has no BOM.

    Raises Broken when no encoding fits, or the one the analyst gave does not.
    """
    if codec := _bom(source.head):
        return Encoding(codec)
    if options.encoding:
        return _stated(source, options.encoding)
    if (codec := _utf16_by_nuls(source.head)) and _fault(source, codec) is None:
        return Encoding(codec, f"no byte order mark: read as {codec.upper()}")
    if _is_ascii(source):
        return Encoding("utf-8")
    # ISO-2022-JP is plain ASCII to a UTF-8 decoder, so it has to be asked first.
    if _contains(source, _ISO_2022_ESCAPE) and _fault(source, "iso2022_jp_ext") is None:
        return Encoding("iso2022_jp_ext", "read as ISO-2022-JP, by its escape sequences")
    fault = _fault(source, "utf-8")
    if fault is None:
        return Encoding("utf-8")
    if fault.at_end:
        raise Broken(f"line {fault.line}", "the file ends in the middle of a character", "it is cut short: export it again")
    if _fault(source, "cp932") is None:
        return Encoding("cp932", "not UTF-8: read as CP932 (Japanese Windows); say --encoding where that is wrong")
    raise Broken(f"line {fault.line}", "neither UTF-8, UTF-16, ISO-2022-JP nor CP932", _ADVICE)


def head_text(source: Source) -> str:
    """The text of the first 64 KiB, good enough to recognise a header by; never kept as data."""
    head = source.head
    for codec in (_bom(head) or _utf16_by_nuls(head) or "utf-8", "cp932"):
        with suppress(UnicodeDecodeError):
            return codecs.getincrementaldecoder(codec)("strict").decode(head)
    return head.decode("latin-1")  # header names are ASCII in all of these encodings


def _bom(head: bytes) -> str | None:
    return next((codec for bom, codec in _BOMS if head.startswith(bom)), None)


def _stated(source: Source, name: str) -> Encoding:
    try:
        "".encode(name)
    except LookupError:
        raise Broken("--encoding", f"{name!r} is not an encoding", "say cp932, utf-8, euc_jp, …") from None
    fault = _fault(source, name)
    if fault is not None:
        raise Broken(f"line {fault.line}", f"the bytes are not {name}", "leave --encoding out, or say another")
    return Encoding(name)


def _utf16_by_nuls(head: bytes) -> str | None:
    """Latin text in UTF-16 has a NUL in every other byte: odd places are little-endian, even ones big-endian."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) < 4 or max(even, odd) < 5 * min(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _is_ascii(source: Source) -> bool:
    """Whether a file is ASCII without any escape: it is read once, where to ask for each encoding would be to read it twice."""
    with source.open() as stream:
        while chunk := stream.read(_CHUNK):
            if not chunk.isascii() or _ISO_2022_ESCAPE[:1] in chunk:
                return False
    return True


def _contains(source: Source, wanted: bytes) -> bool:
    tail = b""
    with source.open() as stream:
        while chunk := stream.read(_CHUNK):
            # One byte is looked for many times faster than two.
            if (wanted[:1] in chunk or tail) and wanted in tail + chunk:
                return True
            tail = chunk[-1:] if chunk.endswith(wanted[:1]) else b""
    return False


@dataclass(frozen=True)
class _Fault:
    line: int
    at_end: bool


def _fault(source: Source, codec: str) -> _Fault | None:
    """Where the file stops being this encoding; None when all of it is."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    with source.open() as stream:
        for number in count():
            chunk = stream.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return _Fault(1 + _lines(source, number) + bytes(error.object[: error.start]).count(b"\n"), at_end=not chunk)
            if not chunk:
                break
    return None


def _lines(source: Source, chunks: int) -> int:
    """How many lines end in the first so many chunks."""
    with source.open() as stream:
        return sum(stream.read(_CHUNK).count(b"\n") for _ in range(chunks))
