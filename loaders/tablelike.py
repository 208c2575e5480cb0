"""What is a table though it is not written as one: ConvertTo-Json and Format-List of the objects that Export-Csv would write.

    view = as_table(source)      # a Source that reads as CSV; None where the file is none of these

Only asked where no format knows the file as it stands. Lists are whole in JSON, where Export-Csv writes a type name: they are joined by `;`. Of Format-List,
names stand before ` : ` and long values go on in lines that begin with blanks; a list that the console cut (`…`, `...`) is taken as unknown.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any, BinaryIO

import orjson

from graphmodel.errors import LoadError
from loaders.base import SNIFF_BYTES, Broken, Options, Source
from loaders.containers import read_json
from loaders.encodings import encoding_of, head_text, open_text

_LARGEST = 64 << 20
_JSON = re.compile(rb"^(?:\xef\xbb\xbf)?\s*[\[{]")
_NAMED = re.compile(r"^(?P<name>[A-Za-z][\w .#-]{0,60}?)(?P<blanks> *) : ?(?P<value>.*)$")
_CUT = re.compile(r"(?:\.\.\.|…)\}?$")
# What says best who or what an object is: an address, a value, a name. Who holds a folder's right has a recipient within.
_INNER = ("PrimarySmtpAddress", "SmtpAddress", "Address", "WindowsEmailAddress", "RecipientPrincipal", "ADRecipient", "Value", "RawIdentity", "DisplayName", "Name")
Record = dict[str, Any]


class TableView(Source):
    """A file read as CSV; its name and place are those of the file. `cut`: how many of its lists the console cut."""

    def __init__(self, source: Source, text: str, cut: int) -> None:
        super().__init__(source.path, source.name)
        self.cut = cut
        self._data = text.encode("utf-8", "surrogatepass")

    @property
    def is_dir(self) -> bool:
        """Never."""
        return False

    @property
    def size(self) -> int:
        """Bytes of the CSV."""
        return len(self._data)

    @property
    def head(self) -> bytes:
        """The first 64 KiB of the CSV."""
        return self._data[:SNIFF_BYTES]

    def open(self) -> BinaryIO:
        """The CSV as a binary stream, from its start."""
        return io.BytesIO(self._data)


def as_table(source: Source) -> TableView | None:
    """The file as a table; None where it is none, or too large to be one that somebody wrote so."""
    if source.is_dir or source.size > _LARGEST:
        return None
    if _JSON.match(_utf8(source.head[:256])):
        with source.open() as stream:
            found = _objects(_utf8(stream.read()))
    elif " : " in head_text(source):
        found = _blocks(source)
    else:
        return None
    cut = sum(value is Ellipsis for record in found for value in record.values())
    return TableView(source, _written(found), cut) if found else None


def _utf8(data: bytes) -> bytes:
    """UTF-16 (what PowerShell's Out-File writes) as UTF-8; anything else as it is."""
    return data.decode("utf-16", "replace").encode() if data.startswith((b"\xff\xfe", b"\xfe\xff")) else data


def _objects(data: bytes) -> list[Record]:
    """The objects of a list, of several after one another, or one by itself; empty where not all are objects."""
    try:
        document = read_json(data)
    except Broken:
        try:
            document = [orjson.loads(line) for line in data.splitlines() if line.strip()]
        except orjson.JSONDecodeError:
            return []
    if isinstance(document, dict):
        document = next((document[name] for name in ("value", "records", "results") if isinstance(document.get(name), list)), [document])
    return document if isinstance(document, list) and document and all(isinstance(item, dict) and item for item in document) else []


def _blocks(source: Source) -> list[Record]:
    """The objects of Format-List: blocks of `name : value`, parted by empty lines."""
    try:
        with open_text(source, encoding_of(source, Options())) as stream:
            text = stream.read()
    except (LoadError, UnicodeError):
        return []
    found: list[Record] = []
    column, name = 0, ""
    for line in [*text.lstrip("\ufeff").splitlines(), ""]:
        match = _NAMED.match(line)
        if match and (not found or not column or match.start("value") in (column, column - 1)):
            column, name = match.start("value"), match["name"]
            if not found or name in found[-1] and name == next(iter(found[-1])):
                found.append({})
            found[-1][name] = match["value"].strip()
        elif found and name and line.strip() and line[: column - 2].strip() == "":
            found[-1][name] = f"{found[-1][name]} {line.strip()}".strip()
        elif line.strip():
            return []
    alike = [record for record in found if record.keys() & found[0].keys()]
    return [{key: Ellipsis if _CUT.search(value) else value for key, value in record.items()} for record in alike] if found and len(found[0]) >= 2 else []


def _written(records: list[Record]) -> str:
    names = list(dict.fromkeys(name for record in records for name in record))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_cell(record.get(name)) for name in names] for record in records)
    return text.getvalue()


def _inner(value: Any) -> str:
    """A text, or that of an object that is the recipient behind another."""
    if isinstance(value, dict):
        return next((text for name in _INNER[:4] if isinstance(text := value.get(name), str) and text), "")
    return value if isinstance(value, str) else ""


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(_cell(item) for item in value)
    if isinstance(value, dict):  # an enumeration, or an object that stands for somebody
        return next((text for name in _INNER if (text := _inner(value.get(name)))), "") or orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    return "" if value is None or value is Ellipsis else str(value)

