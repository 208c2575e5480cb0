"""Objects that PowerShell's Export-Clixml wrote, as plain values, one top object after another (formats.md 3).

    for number, item in objects(stream):      # Object(type_name, text, {property: value})

Values are text, bool, None, lists, and Objects. Nothing is run or decoded: serialised .NET (`<BA N="SerializationData">`) is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError  # noqa: S405 (types only: parsing is defusedxml's)

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from loaders.base import Broken

NAMESPACE = "http://schemas.microsoft.com/powershell/2004/04"
_DEPTH = 60
_LISTS = frozenset(["LST", "IE", "STK", "QUE"])


@dataclass
class Object:
    """One object: its first type name, what it is in words (`ToString`), and its properties, names as written."""

    type_name: str = ""
    text: str = ""
    properties: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """A property; None where there is none."""
        return self.properties.get(name)

    def words(self, name: str) -> str:
        """A property as text; of an object what it is in words; "" where there is none."""
        value = self.properties.get(name)
        if isinstance(value, Object):
            return value.text
        return value.strip() if isinstance(value, str) else ""

    def items(self, name: str) -> list[Any]:
        """A property that is a list; a single value is a list of one."""
        value = self.properties.get(name)
        return value if isinstance(value, list) else [] if value is None else [value]


def objects(stream: BinaryIO) -> Iterator[tuple[int, Object]]:
    """(number from 1, object) for each top object. Raises Broken where the XML is damaged, cut short or not of this kind."""
    try:
        for number, value in enumerate(_tops(stream), 1):
            yield from ((number, item) for item in (value if isinstance(value, list) else [value]) if isinstance(item, Object))
    except DefusedXmlException:
        raise Broken("XML", "it declares entities", "no export does: look at where it comes from") from None
    except ParseError as error:
        line, column = error.position
        raise Broken(f"line {line}, column {column}", "not well-formed XML from here on", "it is damaged or cut short: export it again") from None
    except (UnicodeError, ValueError, LookupError):
        raise Broken("XML", "the bytes do not fit their encoding", "export it again") from None


def _tops(stream: BinaryIO) -> Iterator[Any]:
    """The value of each element below the root, which is emptied as it goes."""
    reader, depth = _Reader(), 0
    root: Element | None = None
    for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
        depth += 1 if event == "start" else -1
        if depth > _DEPTH * 3:
            raise _too_deep()
        if root is None:
            root = element
            if element.tag != f"{{{NAMESPACE}}}Objs":
                raise Broken("XML", "not written by Export-Clixml", "export it again")
        elif event == "end" and depth == 1:
            yield reader.value(element, 0)
            root.clear()


def _too_deep() -> Broken:
    return Broken("XML", "nested too deep", "no export is: look at where it comes from")


class _Reader:
    """Turns elements into values; remembers objects and type names, to which later ones refer."""

    def __init__(self) -> None:
        self._objects: dict[str, Any] = {}
        self._types: dict[str, str] = {}

    def value(self, element: Element, depth: int) -> Any:
        """The value of an element; of what says nothing, None."""
        tag = element.tag.rpartition("}")[2]
        if depth > _DEPTH:
            raise _too_deep()
        if tag in ("Nil", "BA"):
            return None
        if tag == "B":
            return (element.text or "").strip().casefold() == "true"
        if tag == "Ref":
            return self._objects.get(element.get("RefId", ""))
        if tag in _LISTS:
            return [self.value(child, depth + 1) for child in element]
        return self._object(element, depth) if tag == "Obj" else (element.text or "")

    def _object(self, element: Element, depth: int) -> Any:
        found = Object()
        if reference := element.get("RefId"):
            self._objects[reference] = found
        items: list[Any] | None = None
        for child in element:
            tag = child.tag.rpartition("}")[2]
            if tag in ("TN", "TNRef"):
                found.type_name = self._type(child, tag)
            elif tag in ("Props", "MS"):
                self._properties(found, child, depth)
            elif tag in _LISTS:
                items = self.value(child, depth + 1)
            elif tag == "ToString" or not found.text:
                found.text = (child.text or "").strip()
        if items is None:
            return found
        if reference:
            self._objects[reference] = items
        return items

    def _type(self, element: Element, tag: str) -> str:
        """The first of an object's type names, stated here or referred to."""
        reference = element.get("RefId", "")
        if tag == "TN":
            self._types[reference] = next((name.text or "" for name in element), "")
        return self._types.get(reference, "")

    def _properties(self, found: Object, element: Element, depth: int) -> None:
        for item in element:
            if (name := item.get("N")) and name != "SerializationData":
                found.properties.setdefault(name, self.value(item, depth + 1))
