"""Reads the headers of the `.cypher` files, checks them, and puts the steps in the order of what they need."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphmodel.errors import QueryError, UsageError
from graphmodel.kinds import COVERAGE, EDGES, NODES
from graphmodel.store.port import Derivation

FOLDER = Path(__file__).parent
_HEADER = re.compile(r"^//\s?([a-z_]+):\s*(.*)$")
_MORE = re.compile(r"^//\s{3,}(\S.*)$")
_PARAMETER = re.compile(r"^(\w+) (string|int) = (.*?) \| (.+)$")
_GIVEN = re.compile(r"\$(\w+)")
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NUMBER = re.compile(r"(S|AD)\d\d")
_LIKELIHOOD = re.compile(r"(rare|low|medium|high|near certain|certain); (\S.*)")
_WRITING = re.compile(r"\b(CREATE|MERGE|DELETE|DETACH|SET|REMOVE|DROP|FOREACH|LOAD\s+CSV|CALL)\b", re.IGNORECASE)

STEP_KEYS = ("id", "number", "title", "sentence", "needs", "hold", "attack", "survives_reset", "closes_with", "confirmed_by", "likelihood", "limits")  # fmt: skip
STEP_OPTIONS = {"vantage": "at rest", "profile": "quiet", "taken": "by act"}
EVIDENCE_KEYS = ("step", "title", "logs", "scope", "limits")
EVIDENCE_COLUMNS = {"source", "target", "observation"}
SAVED_KEYS = ("title", "asks", "question", "columns")
_ALLOWED = {
    "hold": {"borrowed", "foothold"},
    "vantage": {"at rest", "in transit", "in part"},
    "profile": {"rights", "quiet", "noisy"},
    "taken": {"by act", "by itself"},
    "scope": {"source", "target"},
    "survives_reset": {"yes", "no"},
    "engine": {"both", "embedded", "neo4j"},
}


@dataclass(frozen=True)
class Step:
    """An attack step: what its header says and the query that finds it."""

    id: str
    number: str
    title: str
    sentence: str
    needs: tuple[str, ...]
    hold: str
    attack: tuple[str, ...]
    survives_reset: bool
    closes_with: str
    confirmed_by: tuple[str, ...]
    likelihood: str
    """An ordinal hint (rare | low | medium | high | near certain | certain), never a probability."""
    likelihood_source: str
    limits: str
    vantage: str
    profile: str
    """From which profile on it is walked: rights (a configured right is enough), quiet (credentials and sessions too), noisy (phishing)."""
    by_itself: bool
    """Nobody has to do anything for it (a membership, another name of the same), so no log could show it."""
    file: str
    cypher: str

    @property
    def version(self) -> str:
        """Short hash of the file: results name it, so that a later change of the step is seen."""
        return hashlib.sha256(self.cypher.encode()).hexdigest()[:8]

    @property
    def derivation(self) -> Derivation:
        """The step as a store needs it."""
        return Derivation(self.id, self.cypher, self.hold, self.vantage, self.profile)


@dataclass(frozen=True)
class Evidence:
    """A query that finds the observations that show a step: columns `source, target, observation` (keys).

    `logs`: words of COVERAGE that must all cover a time before their silence means that the step was not taken then; `scope`: which end
    of the step such a statement may be limited to.
    """

    step: str
    title: str
    logs: tuple[str, ...]
    scope: str
    limits: str
    file: str
    cypher: str


@dataclass(frozen=True)
class Parameter:
    """A parameter of a saved question: its type (string or int), its default and what it is."""

    name: str
    type: str
    default: str | int
    meaning: str


@dataclass(frozen=True)
class Saved:
    """A saved question."""

    name: str
    title: str
    asks: str
    question: str
    columns: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    engine: str
    file: str
    cypher: str

    def bind(self, given: dict[str, str]) -> dict[str, Any]:
        """Values for all parameters: given ones (as text) over the defaults. Raises UsageError."""
        known = {p.name: p for p in self.parameters}
        if unknown := sorted(given.keys() - known.keys()):
            raise UsageError(f"{self.name} has no parameter {unknown[0]!r}; it has: {', '.join(known) or 'none'}")
        values: dict[str, Any] = {}
        for name, parameter in known.items():
            text = given.get(name, parameter.default)
            try:
                values[name] = int(text) if parameter.type == "int" else str(text)
            except ValueError:
                raise UsageError(f"{self.name}: {name} is a whole number, not {text!r}") from None
        return values


def read_header(path: Path) -> tuple[dict[str, list[str]], str]:
    """(key -> values, whole text) of a `.cypher` file. A value goes on in lines that begin with `//` and three spaces."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise QueryError(f"{path.name}: byte {error.start} is no UTF-8; save the file as UTF-8") from None
    found: dict[str, list[str]] = {}
    last: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("//"):
            break
        if last is not None and (more := _MORE.match(line)):
            last[-1] += " " + more.group(1).strip()
        elif entry := _HEADER.match(line):
            last = found.setdefault(entry.group(1), [])
            last.append(entry.group(2).strip())
        else:
            raise QueryError(f"{path.name}: line {number}: a header line reads `// key: value`, not {line!r}")
    body = _body(text)
    if not body.strip():
        raise QueryError(f"{path.name}: there is no query below the header")
    if word := _WRITING.search(body):
        raise QueryError(f"{path.name}: only reading is allowed, but it says {word.group(1).upper()}")
    return found, text


def _body(text: str) -> str:
    """A query without its comment lines and without what stands in quotes."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))
    return re.sub(r"'[^']*'", "''", lines)


def _one(path: Path, header: dict[str, list[str]], keys: tuple[str, ...], optional: dict[str, str]) -> dict[str, str]:
    missing = [key for key in keys if header.get(key, [""])[0] in ("", "[]")]
    unknown = sorted(header.keys() - set(keys) - optional.keys())
    if missing or unknown:
        said = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has an unknown key {', '.join(unknown)}"] * bool(unknown)
        raise QueryError(f"{path.name}: the header {' and '.join(said)}")
    if twice := [key for key in header if len(header[key]) > 1]:
        raise QueryError(f"{path.name}: the header says {twice[0]} twice")
    values = {key: header.get(key, [optional.get(key, "")])[0] for key in (*keys, *optional)}
    for key, allowed in _ALLOWED.items():
        if key in values and values[key] not in allowed:
            raise QueryError(f"{path.name}: {key} is {values[key]!r}; it is one of {', '.join(sorted(allowed))}")
    return values


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.strip("[]").split(",") if part.strip())


@cache
def attack_names() -> tuple[str, dict[str, str]]:
    """(ATT&CK version, technique id -> name): the list shipped beside the steps."""
    shipped = json.loads((FOLDER / "attack.json").read_text(encoding="utf-8"))
    return shipped["version"], shipped["techniques"]


def _check_words(path: Path, values: dict[str, str], cypher: str) -> None:
    if not _ID.fullmatch(values["id"]):
        raise QueryError(f"{path.name}: id is {values['id']!r}; it is made of small letters, digits and hyphens")
    if not _NUMBER.fullmatch(values["number"]):
        raise QueryError(f"{path.name}: number is {values['number']!r}; it is S or AD and two digits")
    if not _LIKELIHOOD.fullmatch(values["likelihood"]):
        raise QueryError(f"{path.name}: likelihood reads `rare|low|medium|high|near certain|certain; source`, not {values['likelihood']!r}")
    if lost := [word for word in ("{source}", "{target}") if word not in values["sentence"]]:
        raise QueryError(f"{path.name}: the sentence does not name {lost[0]}")
    if given := _GIVEN.search(_body(cypher)):
        raise QueryError(f"{path.name}: a step takes no parameter, but it uses ${given.group(1)}")


def read_step(path: Path) -> Step:
    """One step file. Raises QueryError with what is wrong in its header."""
    header, cypher = read_header(path)
    values = _one(path, header, STEP_KEYS, STEP_OPTIONS)
    _check_words(path, values, cypher)
    needs, attack = _listed(values["needs"]), _listed(values["attack"])
    if unknown := [need for need in needs if need not in EDGES and need not in NODES]:
        raise QueryError(f"{path.name}: needs {unknown[0]}, which is no kind of the graph")
    if unknown := [id_ for id_ in attack if id_ not in attack_names()[1]]:
        raise QueryError(f"{path.name}: {unknown[0]} is not in the shipped ATT&CK list")
    likelihood, _, why = values["likelihood"].partition("; ")
    return Step(
        id=values["id"], number=values["number"], title=values["title"], sentence=values["sentence"], needs=needs,
        hold=values["hold"], attack=attack, survives_reset=values["survives_reset"] == "yes", closes_with=values["closes_with"],
        confirmed_by=_listed(values["confirmed_by"]), likelihood=likelihood, likelihood_source=why, limits=values["limits"],
        vantage=values["vantage"], profile=values["profile"], by_itself=values["taken"] == "by itself", file=path.name, cypher=cypher,
    )  # fmt: skip


def read_evidence(path: Path) -> Evidence:
    """One evidence file. Raises QueryError with what is wrong in its header."""
    header, cypher = read_header(path)
    values = _one(path, header, EVIDENCE_KEYS, {})
    logs = _listed(values["logs"])
    if unknown := [word for word in logs if word not in COVERAGE]:
        raise QueryError(f"{path.name}: logs names {unknown[0]}, which is no word of coverage")
    if given := _GIVEN.search(_body(cypher)):
        raise QueryError(f"{path.name}: an evidence query takes no parameter, but it uses ${given.group(1)}")
    return Evidence(values["step"], values["title"], logs, values["scope"], values["limits"], path.name, cypher)


def _parameter(path: Path, line: str) -> Parameter:
    match = _PARAMETER.match(line)
    if not match:
        raise QueryError(f"{path.name}: a parameter reads `name string|int = default | meaning`, not {line!r}")
    name, type_, default, meaning = match.groups()
    if type_ == "string":
        return Parameter(name, type_, default, meaning)
    try:
        return Parameter(name, type_, int(default), meaning)
    except ValueError:
        raise QueryError(f"{path.name}: the default of {name} is a whole number, not {default!r}") from None


def read_saved(path: Path) -> Saved:
    """One saved question. Raises QueryError with what is wrong in its header."""
    header, cypher = read_header(path)
    lines = header.pop("parameter", [])
    values = _one(path, header, SAVED_KEYS, {"engine": "both"})
    parameters = [_parameter(path, line) for line in lines]
    names = [parameter.name for parameter in parameters]
    if twice := [name for name in names if names.count(name) > 1]:
        raise QueryError(f"{path.name}: there are two parameters {twice[0]}")
    used = set(_GIVEN.findall(_body(cypher)))
    if odd := sorted(used ^ set(names)):
        why = "is used but not declared" if odd[0] in used else "is declared but not used"
        raise QueryError(f"{path.name}: the parameter {odd[0]} {why}")
    return Saved(
        path.stem, values["title"], values["asks"], values["question"], _listed(values["columns"]),
        tuple(parameters), values["engine"], path.name, cypher,
    )  # fmt: skip


def read_steps(folder: Path) -> tuple[Step, ...]:
    """Every step file of a folder, by number and id. Raises QueryError for a faulty header, and when two share an id."""
    found = sorted((read_step(path) for path in sorted(folder.glob("*.cypher"))), key=lambda s: (s.number, s.id))
    seen: dict[str, str] = {}
    for step in found:
        if step.id in seen:
            raise QueryError(f"{step.file}: {seen[step.id]} has the id {step.id} too")
        seen[step.id] = step.file
    return tuple(found)


@cache
def steps() -> tuple[Step, ...]:
    """The steps there are, by number and id."""
    return read_steps(FOLDER / "steps")


@cache
def evidence() -> tuple[Evidence, ...]:
    """The evidence queries there are, by step and file. Raises QueryError for one of a step that is not there."""
    known = {step.id for step in steps()}
    found = tuple(sorted((read_evidence(path) for path in (FOLDER / "evidence").glob("*.cypher")), key=lambda e: (e.step, e.file)))
    if lost := [one for one in found if one.step not in known]:
        raise QueryError(f"{lost[0].file}: there is no step {lost[0].step}")
    return found


@cache
def saved() -> tuple[Saved, ...]:
    """Every saved question, by name."""
    return tuple(sorted((read_saved(path) for path in (FOLDER / "saved").glob("*.cypher")), key=lambda s: s.name))


def find_saved(name: str) -> Saved:
    """A saved question by its name. Raises UsageError."""
    for one in saved():
        if one.name == name:
            return one
    near = sorted((one.name for one in saved() if name.casefold() in one.name), key=len)
    hint = f"did you mean {near[0]}?" if near else "`hakyu queries` lists them"
    raise UsageError(f"no saved question is called {name!r}; {hint}")
