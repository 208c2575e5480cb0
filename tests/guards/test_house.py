"""Rules of the house that a reader should not have to check by eye (CONTRIBUTING.md lists them)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from graphmodel.kinds import COVERAGE, EDGES, NODES
from hakyu.case import Case
from hakyu.cli import main
from loaders.registry import formats
from queries.catalogue import FOLDER, saved, steps
from tools.docs import DOCS, PAGES

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("graphmodel", "loaders", "queries", "reach", "reports", "hakyu", "screens")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=_id)
def test_no_module_is_longer_than_400_lines_and_no_function_than_40_statements_of_text(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
            assert len(body) <= 60, f"{node.name} has {len(body)} lines"


@pytest.mark.parametrize("path", MODULES, ids=_id)
def test_cypher_is_written_in_cypher_files_or_in_the_store(path):
    if path.is_relative_to(ROOT / "graphmodel" / "store") or path.name == "notebook.py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not re.search(r"\b(MATCH|MERGE)\s*\(", node.value), f"line {node.lineno}"


def test_every_kind_named_in_cypher_is_declared():
    known = set(NODES) | set(EDGES) | {"STEP"}
    for path in FOLDER.rglob("*.cypher"):
        body = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("//"))
        for group in re.findall(r"[(\[][\w]*:([`\w|:]+)", body):
            for name in re.split(r"[|:]", group):
                assert name.strip("`") in known, f"{path.name}: {name}"


def test_every_step_question_and_format_is_in_the_docs():
    pages = {name: (DOCS / name).read_text(encoding="utf-8") for name in PAGES}
    assert all(f"{s.id}: {s.title}" in pages["steps.md"] for s in steps())
    assert all(f"## {q.name}" in pages["questions.md"] for q in saved())
    assert all(f"## {f.NAME}" in pages["formats.md"] for f in formats())
    assert all(f"## hakyu {name}" in pages["commands.md"] for name in main.commands)
    assert all(f"### {label}\n" in pages["graph.md"] for label in [*NODES, *EDGES])


def test_the_question_of_what_was_collected_asks_for_every_word():
    text = (FOLDER / "saved" / "coverage_what-was-collected.cypher").read_text(encoding="utf-8")
    (words,) = re.findall(r"UNWIND \[(.*?)\] AS what", text, re.DOTALL)
    assert re.findall(r"'([^']+)'", words) == list(COVERAGE)


def test_every_format_says_what_it_is():
    assert Case.formats()
    for fmt in Case.formats():
        assert fmt.PRIORITY in {"must", "should", "later"}
        assert fmt.SEEN in {"real sample", "not yet seen in the wild"}
        assert "formats.md" in (fmt.__doc__ or "") or len((fmt.__doc__ or "").splitlines()) > 3, fmt.NAME


def test_every_format_has_a_fixture_with_golden_facts():
    for fmt in Case.formats():
        folder = ROOT / "tests" / "loaders" / fmt.NAME
        assert (folder / "facts.jsonl").is_file(), f"{fmt.NAME} has no tests/loaders/{fmt.NAME}/facts.jsonl"


def _texts():
    """(path, text) of every text file of the project."""
    skip = {".git", ".venv", ".ruff_cache", ".mypy_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache", "demo", "demo.hakyu", "case.hakyu", "build"}
    kinds = {".py", ".md", ".toml", ".lock", ".yml", ".yaml", ".java", ".xml", ".cypher", ".html", ".json", ".jsonl", ".csv", ""}
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and parts[0] not in skip and "__pycache__" not in parts and path.suffix in kinds:
            yield path, path.read_text(encoding="utf-8", errors="ignore")


def test_no_file_says_where_this_checkout_lies():
    here = str(ROOT)
    assert not [_id(path) for path, text in _texts() if here in text]


def test_the_lock_files_hold_hashes_and_no_addresses():
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pinned = re.findall(r"^[a-z0-9_.-]+==", text, re.MULTILINE)
        assert len(pinned) > 30 and text.count("--hash=sha256:") >= len(pinned)
        assert "://" not in text and "index-url" not in text
