"""Rows of a server's answer as a frame: plain values, and the same column types whether or not a column has values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from graphmodel.facts import POLARS_TYPES
from graphmodel.kinds import EDGES, NODES, STEP_COLUMNS, Property

_HIDDEN = {"fingerprint"}


def _declared() -> dict[str, Any]:
    """Types of the property names that have one type wherever they are declared: for columns without a value."""
    everywhere: list[Property] = [p for node in NODES.values() for p in node.columns]
    everywhere += [p for edge in EDGES.values() for p in edge.columns] + list(STEP_COLUMNS)
    types: dict[str, set[str]] = {}
    for p in everywhere:
        types.setdefault(p.name, set()).add(p.type)
    return {name: POLARS_TYPES[next(iter(found))] for name, found in types.items() if len(found) == 1}


_DECLARED = _declared()


def frame(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    """A frame of `names` from rows of driver values.

    Nodes and relationships become structs (`_LABEL` and their properties), paths structs of `_NODES` and `_RELS`. A column without
    a value has the declared type of the property of that name, or else String. Values that no column type holds become JSON text.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pl.DataFrame([_series(name, [plain(v) for v in column]) for name, column in zip(names, columns, strict=True)])


def plain(value: Any) -> Any:
    """A driver value as None, bool, int, float, str, list, dict, date or time."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping) or hasattr(value, "element_id"):
        return _entity(value)
    if hasattr(value, "relationships"):
        return {"_NODES": [plain(n) for n in value.nodes], "_RELS": [plain(r) for r in value.relationships]}
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, Sequence):
        return [plain(v) for v in value]
    return value.iso_format() if hasattr(value, "iso_format") else str(value)


def _entity(value: Any) -> dict[str, Any]:
    own = {str(k): plain(v) for k, v in value.items() if k not in _HIDDEN}
    if hasattr(value, "labels"):
        return {"_LABEL": own.get("kind") or ":".join(sorted(value.labels)), **own}
    if hasattr(value, "type") and hasattr(value, "element_id"):
        return {"_LABEL": value.type, **own}
    return own


def _series(name: str, values: list[Any]) -> pl.Series:
    if all(v is None or v == [] for v in values):
        declared = _DECLARED.get(name, pl.String)
        if any(v == [] for v in values) and not isinstance(declared, pl.List):
            declared = pl.List(pl.String)
        return pl.Series(name, values, dtype=declared)
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {int, float} and len(kinds) == 2:
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if len(kinds) == 1:
        try:
            return pl.Series(name, values, strict=True) if dict not in kinds else _structs(name, values)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            pass
    return pl.Series(name, [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values], dtype=pl.String)


def _structs(name: str, values: list[Any]) -> pl.Series:
    """Maps as structs of all their names; refused when a name holds values of several types."""
    fields = list(dict.fromkeys(key for v in values if v is not None for key in v))
    if not fields:
        raise TypeError("no field")
    parts = [_series(field, [None if v is None else v.get(field) for v in values]) for field in fields]
    whole = pl.DataFrame(parts).to_struct(name)
    return pl.select(pl.when(pl.Series([v is not None for v in values])).then(whole)).to_series().alias(name)
