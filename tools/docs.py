"""Makes the generated pages under docs/ from the code they describe; `--check` fails when a page is out of date."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click

from graphmodel.kinds import COVERAGE, EDGES, NODES, STEP, STEP_COLUMNS, Property
from hakyu.case import Case
from hakyu.cli import main
from queries.catalogue import attack_names, evidence
from tools import secrets_page

DOCS = Path(__file__).resolve().parent.parent / "docs"
MADE = "<!-- Made by `python -m tools.docs`; edit the code instead. -->\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(str(cell).replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _properties(properties: Iterable[Property]) -> str:
    return _table(("property", "type", "meaning"), [(f"`{p.name}`", p.type, p.meaning) for p in properties])


def graph() -> str:
    """The reference of the graph."""
    parts = ["# The graph\n", MADE, "Times are integers, seconds since 1970 UTC; null means unknown. Intervals are half open.\n", "## Nodes\n"]
    for kind in NODES.values():
        parts.append(f"### {kind.label}\n\n{kind.meaning}. Key: `{kind.key}`\n\n{_properties(kind.columns)}")
    parts.append("## Relationships\n")
    for edge in EDGES.values():
        arrows = "<br>".join(f"`(:{a})-[:{edge.type}]->(:{b})`" for a, b in edge.pairs)
        derived = " Derived from all loads together." if edge.derived else ""
        parts.append(f"### {edge.type}\n\n{edge.meaning}.{derived}\n\n{arrows}\n\n{_properties(edge.columns)}")
    parts.append(f"### {STEP}\n\nWritten by the step files (docs/steps.md), in the direction of compromise.\n\n{_properties(STEP_COLUMNS)}")
    parts.append("## Coverage\n\nWhat a source can say it saw; a word that no load covers is shown as not collected.\n")
    parts.append("\n".join(f"- {word}" for word in COVERAGE) + "\n")
    return "\n".join(parts)


def formats() -> str:
    """What can be loaded."""
    parts = ["# Formats\n", MADE]
    parts.append(_table(("format", "what it is", "reads", "seen"), [(f"`{f.NAME}`", f.TITLE, f.READS, f.SEEN) for f in Case.formats()]))
    for fmt in Case.formats():
        parts.append(f"## {fmt.NAME}\n\n{fmt.TITLE}. Priority: {fmt.PRIORITY}. Seen: {fmt.SEEN}.\n\n```text\n{(fmt.__doc__ or '').strip()}\n```\n")
    return "\n".join(parts)


def steps() -> str:
    """What an attacker can do."""
    version, names = attack_names()
    parts = ["# Attack steps\n", MADE, f"Technique ids are of ATT&CK Enterprise {version}. One file a step, under `queries/steps/`.\n"]
    shown = evidence()
    for step in Case.steps():
        facts = [
            ("sentence", step.sentence), ("needs", ", ".join(step.needs)), ("hold", step.hold), ("vantage", step.vantage),
            ("walked", f"from `--profile {step.profile}` on" + ("; by itself: nobody has to do anything for it" if step.by_itself else "")),
            ("ATT&CK", ", ".join(f"{id_} {names[id_]}" for id_ in step.attack)),
            ("survives a password reset", "yes" if step.survives_reset else "no"), ("closes with", step.closes_with),
            ("confirmed by", ", ".join(step.confirmed_by)), ("likelihood", f"{step.likelihood} ({step.likelihood_source})"), ("limits", step.limits),
            *((f"records: {one.title}", f"logs: {', '.join(one.logs)}; `evidence/{one.file}`. {one.limits}") for one in shown if one.step == step.id),
            ("file", f"`{step.file}`"),
        ]  # fmt: skip
        parts.append(f"## {step.number} {step.id}: {step.title}\n\n{_table(('', ''), facts)}")
    return "\n".join(parts)


OWN_CYPHER = (
    "In Cypher of your own (`hakyu cypher`) a relationship with a condition on itself stands alone in its `MATCH`; then comes "
    "`WITH DISTINCT …` and the next `MATCH`, as in the files. The embedded engine (ladybug 0.21 and 0.22) can leave rows out, or give "
    "wrong ones, where another relationship follows in the same `MATCH`; and an `OPTIONAL MATCH` whose `WHERE` names a value carried over "
    "by `WITH` finds nothing where that value is null (`coalesce` it before). Neo4j is not affected.\n"
)


def questions() -> str:
    """What can be asked."""
    parts = ["# Saved questions\n", MADE, "`hakyu query NAME name=value …`; each file under `queries/saved/` pastes into Neo4j Browser as it is.\n", OWN_CYPHER]
    for question in Case.queries():
        rows = [(f"`{p.name}`", p.type, f"`{p.default}`", p.meaning) for p in question.parameters]
        table = _table(("parameter", "type", "default", "meaning"), rows) if rows else "No parameters.\n"
        parts.append(f"## {question.name}\n\n{question.question} Asked by: {question.asks}.\n\nColumns: {', '.join(question.columns)}\n\n{table}")
    return "\n".join(parts)


def commands() -> str:
    """Every command with its help."""
    parts = ["# Commands\n", MADE, _help(main, "hakyu")]
    parts += [_help(command, f"hakyu {name}") for name, command in sorted(main.commands.items())]
    codes = [
        (0, "all well"), (1, "doctor found a problem; any failure without a code of its own"), (2, "the question cannot be answered as asked"),
        (3, "a file could not be loaded"), (4, "the graph cannot be opened, brought up to date or asked"), (5, "a Cypher text is refused"),
        (6, "more than 1 % of the rows was refused (the rest is loaded; `--lenient` ends with 0)"),
    ]  # fmt: skip
    return "\n".join(parts) + "\n## Exit codes\n\n" + _table(("code", "meaning"), codes)


def _help(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name, max_content_width=100, terminal_width=100)
    return f"## {name}\n\n```text\n{command.get_help(context)}\n```\n"


PAGES: dict[str, Callable[[], str]] = {
    "graph.md": graph, "formats.md": formats, "steps.md": steps, "questions.md": questions, "commands.md": commands, "secrets.md": secrets_page.page,
}  # fmt: skip


def run(check: bool) -> int:
    """Write the pages, or with `check` say which are out of date. Returns the exit code."""
    stale = [name for name, make in PAGES.items() if _write(DOCS / name, make(), check)]
    if check and stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run python -m tools.docs\n")
        return 1
    return 0


def _write(path: Path, text: str, check: bool) -> bool:
    current = path.read_text(encoding="utf-8") if path.exists() else None
    if current == text:
        return False
    if not check:
        path.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv[1:]))
