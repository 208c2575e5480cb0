"""Golden files of loaders: what a small input says, as a sorted list of JSON facts beside it (`facts.jsonl`).

`HAKYU_REWRITE_GOLDEN=1` writes the golden files anew instead of comparing; look at the difference before keeping it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from graphmodel.facts import FactBuffer
from loaders import registry
from loaders.base import Options, Source

Fact = dict[str, Any]


def read_into(path: Path, **options: Any) -> FactBuffer:
    """Recognise and read one file or folder; the buffer with all it said. `options` are those of `loaders.base.Options`."""
    source = Source(path, path.name)
    fmt, _ = registry.recognise(source)
    out = FactBuffer()
    fmt.read(source, Options(**options), out)
    return out


def facts_of(path: Path, **options: Any) -> list[Fact]:
    """What a file says: one dict a node, edge (`kind` is the label or type), refused row and note, sorted; nulls dropped.

    One more says how many records were read: `{"records": 12, "format": "get_mailbox"}`.
    """
    fmt, _ = registry.recognise(Source(path, path.name))
    return buffer_facts(read_into(path, **options), fmt.NAME)


def buffer_facts(out: FactBuffer, format_name: str) -> list[Fact]:
    """The same from a buffer that was filled otherwise. Empties the buffer."""
    facts: list[Fact] = [{"format": format_name, "records": out.records}]
    facts += [{"refused": {"place": r.place, "what": r.what, "why": r.why}} for r in out.refused]
    facts += [{"note": note} for note in out.notes]
    for kind, frame in out.frames().items():
        facts += [{"kind": kind} | {k: v for k, v in row.items() if v is not None} for row in frame.to_dicts()]
    lines = {json.dumps(fact, ensure_ascii=False, sort_keys=True) for fact in facts}
    return [json.loads(line) for line in sorted(lines)]


def check_golden(folder: Path, **options: Any) -> None:
    """Fail unless `folder/input.*` (a file, or a folder `input`) says exactly what `folder/facts.jsonl` lists."""
    (given,) = (path for path in folder.iterdir() if path.stem == "input")
    found = [json.dumps(fact, ensure_ascii=False, sort_keys=True) for fact in facts_of(given, **options)]
    golden = folder / "facts.jsonl"
    if os.environ.get("HAKYU_REWRITE_GOLDEN") == "1":
        golden.write_text("".join(f"{line}\n" for line in found), encoding="utf-8")
    wanted = golden.read_text(encoding="utf-8").split("\n")[:-1]
    more = [line for line in found if line not in wanted]
    less = [line for line in wanted if line not in found]
    assert not more and not less, "\n".join([f"{folder.name}: not expected:", *more, "missing:", *less])
