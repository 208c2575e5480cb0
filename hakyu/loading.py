"""Loading one file: recognised, read, and staged for the case; and the line that says what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from graphmodel.errors import HakyuError, LoadError, TooManyRefused
from graphmodel.facts import FactBuffer
from graphmodel.ledger import Ledger, Manifest, Staged, load_id
from loaders.base import Options, Source
from loaders.registry import Unrecognised, recognise

REFUSED_LIMIT = 0.01
_REASONS = 3  # of why rows were refused, in a file's line; `hakyu loads ID` has every row
Reading = Callable[[Source, FactBuffer], None]


@dataclass(frozen=True)
class FileLine:
    """What became of one file: `status` is loaded | known | not loaded | passed over; `error` says why it was not loaded.

    Passed over: no format claims it, and it was not named but only lay in a folder or an archive.
    """

    name: str
    status: str
    manifest: Manifest | None = None
    error: str | None = None

    def sentence(self) -> str:
        """The line people read."""
        if self.manifest is None:
            return f"{self.name}: {self.status}: {self.error}"
        m = self.manifest
        head = f"{self.name}: {m.format}: "
        if self.status == "known":
            return head + f"already in the case as load {m.id}; nothing to do"
        more = f"; {len(m.why) - _REASONS} more reasons" if len(m.why) > _REASONS else ""
        why = f": {'; '.join(m.why[:_REASONS])}{more}" if m.why else ""
        return head + f"read {m.records:,}, loaded {m.loaded:,}, refused {m.refused:,}{why}"


@dataclass(frozen=True)
class LoadReport:
    """What a load did: a line a file, the new state, and the exit code that the command line ends with."""

    files: list[FileLine]
    state: str
    nodes: int = 0
    edges: int = 0
    steps: dict[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 all well; 3 when nothing was loaded, or not a file that should be; 6 when of a file more than 1 % was refused."""
        known = [line.manifest for line in self.files if line.manifest]
        if not known or any(line.status == "not loaded" for line in self.files):
            return LoadError.exit_code
        return TooManyRefused.exit_code if any(m.refused > REFUSED_LIMIT * m.records for m in known) else 0


def load_one(ledger: Ledger, source: Source, options: Options, read_at: str, staged: dict[str, tuple[Staged, Manifest]], reading: Reading) -> FileLine:
    """Read one file into a staged load, whole or not at all; `reading` is told what is read just now."""
    load: Staged | None = None
    try:
        fmt, _ = recognise(source)
        said = {name: getattr(options, name) or None for name in ("mailbox", "encoding", "date_order", "taken", "secrets", "zone")}
        id_ = load_id(source.sha256, fmt.NAME, said)
        if id_ in ledger.ids():
            return FileLine(source.name, "known", ledger.manifest(id_))
        if id_ in staged:
            return FileLine(source.name, "known", staged[id_][1])
        load = ledger.stage(id_, source.name, fmt.NAME)
        load.buffer.taken = options.taken
        reading(source, load.buffer)
        fmt.read(source, options, load.buffer)
        if not load.buffer.records:
            raise LoadError(f"{source.name}: holds no records; export it again")
        if load.buffer.records == len(load.buffer.refused):
            first = load.buffer.refused[0]
            raise LoadError(f"{source.name}: {first.place}: {first.why}; none of its {load.buffer.records:,} records could be used")
        manifest = load.finish(
            name=source.name, path=str(source.path), format=fmt.NAME, title=fmt.TITLE, sha256=source.sha256, bytes=source.size,
            read_at=read_at, options={k: v for k, v in said.items() if v is not None},
        )  # fmt: skip
    except HakyuError as error:
        if load is not None:
            load.discard()
        strewn = isinstance(error, Unrecognised) and ("/" in source.name or "!" in source.name)
        return FileLine(source.name, "passed over" if strewn else "not loaded", None, str(error).removeprefix(f"{source.name}: "))
    staged[id_] = (load, manifest)
    return FileLine(source.name, "loaded", manifest)
