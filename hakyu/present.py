"""How answers look: tables for a terminal, JSON and CSV for a pipe. Nothing is computed here."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import click
import polars as pl
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from graphmodel.ledger import Manifest
from hakyu.case import Case, LoadReport
from loaders.registry import Format
from queries.catalogue import Saved
from reach.evidence import LEVELS

_STEP_FIELDS = ("id", "number", "title", "sentence", "hold", "vantage", "profile", "needs", "attack", "survives_reset", "closes_with",
                "confirmed_by", "limits", "file")  # fmt: skip
_FORMAT_FIELDS = ("NAME", "TITLE", "PRIORITY", "SEEN", "READS")


def _console() -> Console:
    # A pipe has no width: a wide one keeps every row on its line.
    return Console(width=None if sys.stdout.isatty() else 200, highlight=False, soft_wrap=False)


@dataclass
class Doing:
    """The line that says what is being done, and how far a file is read: made anew each time it is drawn."""

    case: Case
    text: str = "…"

    def __rich__(self) -> Text:
        """The line as it is now."""
        return Text(self.line())

    def line(self) -> str:
        """`reading mail.mbox  1.2 of 10.0 GB, 52,341 records`."""
        if self.case.reading is None:
            return self.text
        source, buffer = self.case.reading
        size = 0 if source.is_dir else source.size
        done = f"{decimal(min(source.read_bytes, size))} of {decimal(size)}, " if size else ""
        return f"{self.text}  {done}{buffer.records:,} records"


@contextmanager
def progress(case: Case) -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what is being done; silent where stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    doing = Doing(case)

    def say(text: str) -> None:
        doing.text = cell(text)

    with console.status(doing):
        yield say


def plain(value: Any) -> Any:
    """Any answer as JSON's types."""
    if isinstance(value, pl.DataFrame):
        return value.to_dicts()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if hasattr(value, "NAME"):
        return {name.lower(): getattr(value, name) for name in _FORMAT_FIELDS} | {"notes": (value.__doc__ or "").strip()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value


def show(value: Any, as_json: bool, human: Callable[[Any], None]) -> None:
    """Print an answer for people, or as JSON."""
    if as_json:
        click.echo(json.dumps(plain(value), ensure_ascii=False, indent=1, default=str))
    else:
        human(value)


def table(title: str, columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    """Print a table; cells of any type. The title is a line of its own, so that it is not folded to a narrow table's width."""
    drawn = Table(header_style="bold", box=None, pad_edge=False)
    if title:
        click.secho(cell(title), italic=True)
    for name in columns:
        drawn.add_column(name, overflow="fold")
    for line in lines:
        drawn.add_row(*(escape(cell(value)) for value in line))
    _console().print(drawn)


def cell(value: Any) -> str:
    """A value as it stands in a table: without control characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    # Control characters from a file must not reach a terminal.
    return "".join(char if char.isprintable() else "\ufffd" for char in str(value))


def load_report(report: LoadReport) -> None:
    """A line a file, its notes, why rows were refused, and what the graph is now."""
    for line in report.files:
        click.echo(cell(line.sentence()))
        if line.manifest is not None:
            for note in line.manifest.notes:
                click.echo(f"    {cell(note)}")
            if line.manifest.refused:
                click.echo(f"    refused rows: hakyu loads {line.manifest.id}")
    if report.nodes:
        click.echo(f"graph: {report.nodes:,} nodes, {report.edges:,} facts, {sum(report.steps.values()):,} steps (state {report.state})")


def loads(manifests: Sequence[Manifest]) -> None:
    """The loads of the case."""
    table("", ["load", "file", "format", "read", "loaded", "refused", "at"],
           [(m.id, m.name, m.format, m.records, m.loaded, m.refused, m.read_at) for m in manifests])  # fmt: skip


def refused(rows_: Sequence[dict[str, str]]) -> None:
    """Refused rows."""
    table("", ["place", "why", "what"], [(row["place"], row["why"], row["what"]) for row in rows_])


def formats(found: Sequence[Format]) -> None:
    """The formats."""
    table("", ["format", "what it is", "reads", "seen"], [(f.NAME, f.TITLE, f.READS, f.SEEN) for f in found])


def steps(found: Mapping[str, Any]) -> None:
    """What became of the graph (`graph`; None without a case), and the steps."""
    if found["graph"] is not None:
        click.echo(f"{derived(found['graph'])}\n")
    table("", ["no.", "step", "what the attacker does", "hold", "ATT&CK", "survives reset", "closes with"],
           [(s.number, s.id, s.title, s.hold, s.attack, s.survives_reset, s.closes_with) for s in found["steps"]])  # fmt: skip


def derived(graph: Mapping[str, Any]) -> str:
    """What was recomputed, in a line."""
    some = [f"{rule} {count:,}" for rule, count in graph["derived"].items() if count]
    anew = f"{len(graph['derived'])} rules derived anew ({sum(graph['derived'].values()):,} steps{': ' if some else ''}{', '.join(some)})"
    kept = f"{len(graph['kept'])} kept ({sum(graph['kept'].values()):,} steps)"
    if not graph["changed"]:
        return f"graph: at state {graph['state']} already, nothing to derive; {len(graph['kept'])} rules, {sum(graph['kept'].values()):,} steps"
    return f"graph: brought to state {graph['state']}: {anew}, {kept}"


def queries(found: Sequence[Saved]) -> None:
    """The saved questions."""
    table("", ["question", "asked by", "in words", "parameters"],
           [(q.name, q.asks, q.question, [f"{p.name}={p.default}" for p in q.parameters]) for q in found])  # fmt: skip


def rows(frame: pl.DataFrame) -> None:
    """Rows of a query: a table to a terminal, CSV to a pipe."""
    if sys.stdout.isatty():
        table("", frame.columns, frame.rows())
    else:
        _csv(sys.stdout, frame.columns, frame.rows())


def _safe(value: Any) -> str:
    """A cell for CSV: text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    text = "" if value is None else cell(value) if isinstance(value, list | tuple | bool) else str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _csv(stream: Any, columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_safe(cell) for cell in line] for line in lines])


def write_csv(path: Path, rows_: Sequence[dict[str, Any]]) -> None:
    """Rows of one shape to a CSV file (with BOM, so that a spreadsheet reads it as UTF-8)."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        columns = list(rows_[0]) if rows_ else ["place", "what", "why"]
        _csv(stream, columns, [[row[name] for name in columns] for row in rows_])


def rank(found: dict[str, Any], limit: int = 30) -> None:
    """Accounts by what they could reach; things by how many accounts reach them."""
    rows_ = found["accounts"]
    kinds = list(dict.fromkeys(kind for row in rows_ for kind in row["reached"]))
    seen = [level for level in ("INDICATED", "CONFIRMED") if any(levels[level] for row in rows_ for levels in row["reached"].values())]
    table(f"Accounts by what they could reach: {len(rows_):,}", ["account", "things", *kinds, *(level.lower() for level in seen), "accounts that reach it"],
          [(r["name"], r["total"], *(r["reached"].get(kind, {}).get(LEVELS[0], 0) for kind in kinds),
            *(sum(levels[level] for levels in r["reached"].values()) for level in seen), r["reached_by"]) for r in rows_[:limit]])  # fmt: skip
    click.echo()
    table("What most accounts reach", ["kind", "name", "accounts"], [(r["kind"], r["name"], r["accounts"]) for r in found["upstream"][:limit]])


def ways(found: dict[str, Any]) -> None:
    """All steps on ways to a node."""
    if not found["steps"]:
        click.echo(f"No way in time leads from {cell(found['seeds'][0]['name'])} to {cell(found['to']['name'])}.")
        return
    table(f"Steps on ways from {found['seeds'][0]['name']} to {found['to']['name']}: {len(found['steps']):,}", ["length of the way", "from", "step", "closes with"],
          [(s["length"], s["at"], s["sentence"], s["closes_with"]) for s in found["steps"]])  # fmt: skip
    if found["left_out"] is None:
        click.echo("There are longer ways, which were not followed; --limit says how many steps are.")
    elif found["left_out"]:
        click.echo(f"{found['left_out']:,} more steps are on longer ways; --limit shows them.")


_CURVE_ROWS = 12


def curve(found: dict[str, Any]) -> None:
    """Points of the exposure curve, thinned out evenly, and what an earlier discovery would have saved."""
    points = found["points"]
    chosen = sorted({round(i * (len(points) - 1) / max(_CURVE_ROWS - 1, 1)) for i in range(_CURVE_ROWS)})
    kinds = list(found["totals"]["reached"])
    all_levels = [(kind, LEVELS[0]) for kind in kinds]
    table("Exposure by day (cumulative; `--json` has every day and level)", ["until", "days", *kinds, "persons outside", "messages"],
           [(p["at"], str(p["days"]), *(p["reached"][k][level] for k, level in all_levels), p["persons"], p["messages"]) for p in (points[i] for i in chosen)])  # fmt: skip
    click.echo()
    table("Discovered earlier, this would not have been held or disclosed", ["earlier by", "at", *kinds, "persons outside", "messages"],
           [(e["words"], e["at"], *(e["reached"][k][level] for k, level in all_levels), e["persons"], e["messages"]) for e in found["earlier"]])  # fmt: skip


def contacts(found: dict[str, Any]) -> None:
    """The pairs of a contact list."""
    click.echo(
        f"{found['nodes']:,} nodes, {found['contacts']:,} contacts (columns {cell(found['read'])}): "
        f"{found['static_pairs']:,} pairs joined without regard to time, {found['time_respecting_pairs']:,} in strict order of time"
    )


def write_json(value: Any, path: Path | None) -> None:
    """An answer as JSON, to a file or printed."""
    text = json.dumps(plain(value), ensure_ascii=False, indent=1, default=str)
    if path is None:
        click.echo(text)
    else:
        path.write_text(text + "\n", encoding="utf-8")


def blast(result: dict[str, Any], limit: int = 15) -> None:
    """The blast radius: counts with what they lean on, what was reached and how, who is disclosed."""
    seed = result["seeds"][0]
    window = f"{result['window']['from']} until {result['window']['until'] or 'now'}"
    click.echo(f"{cell(seed['name'])} ({seed['key']}), held from {window}, profile {result['profile']}")
    click.echo(result["evidence"])
    click.echo()
    # Levels that nothing has are columns of zeros: they are left out, as is the one of all that is not reached.
    levels = [level for level in LEVELS if any(row["levels"][level] for row in result["counts"])] if _levels_differ(result) else []
    table("Reached", ["kind", "number", *(level.lower() for level in levels), "not collected, so it may be more"],
           [(row["kind"], row["reached"], *(row["levels"][level] for level in levels), "; ".join(row["beside"])) for row in result["counts"]])  # fmt: skip
    click.echo(f"Still held after the window, by footholds that outlive it: {result['still_held']:,}\n")
    once = [row for row in result["reached"] if row["same_as"] is None]
    for kind in dict.fromkeys(row["kind"] for row in once):
        found = _by_way([row for row in once if row["kind"] == kind])
        more = f", the first {limit} ways" if len(found) > limit else ""
        number = sum(row["kind"] == kind for row in once)
        columns = ["name", "first", "evidence", "by this way"] if levels else ["name", "first", "by this way"]
        table(f"{kind}: {number:,}{more}", columns, [(name, *([first, level] if levels else [first]), said) for name, first, level, said in found[:limit]])
        click.echo()
    _elsewhere(result, limit)
    _disclosed(result, limit)
    _others(result)


def _levels_differ(result: dict[str, Any]) -> bool:
    return any(row["way"] and row["evidence"] != "POSSIBLE" for row in result["reached"])


def _elsewhere(result: dict[str, Any], limit: int) -> None:
    if result["elsewhere"]:
        table(f"The attacker's indicators fit records that this way does not confirm: {len(result['elsewhere']):,}", ["who", "at", "what the record shows", "indicator"],
               [(row["name"], row["at"], row["sentence"], row["indicator"]) for row in result["elsewhere"][:limit]])  # fmt: skip
        click.echo()


def _by_way(reached: Sequence[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """(name, first, evidence, way in sentences) of reached nodes; those that differ in the last step alone are one row: `Abe and 280 more`."""
    alike: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in reached:
        before = tuple(step["sentence"] for step in row["way"][:-1])
        last = (row["way"][-1]["rule"], row["way"][-1]["source"]) if row["way"] else (row["key"],)
        alike.setdefault((row["first"], row["evidence"], *before, *last), []).append(row)
    found = []
    for rows_ in alike.values():
        first, others = rows_[0], len(rows_) - 1
        sentences = [step["sentence"] for step in first["way"] if not _says_nothing(step)]
        name = f"{first['name']} and {others:,} more" if others else first["name"]
        found.append((name, first["first"], first["evidence"], "; ".join(sentences) or "held from the start"))
    return found


def _says_nothing(step: dict[str, Any]) -> bool:
    """Whether a step only changes between two names that read alike."""
    return bool(step["rule"] == "same-identity" and step["source_name"] == step["target_name"])


def _disclosed(result: dict[str, Any], limit: int) -> None:
    told = result["disclosed"]
    rest, transit = told["at_rest"], told["in_transit"]
    beside = f" ({'; '.join(told['beside'])})" if told["beside"] else ""
    click.echo(
        f"External correspondents disclosed, mail at rest: {rest['persons']:,} persons, {rest['addresses']:,} addresses, "
        f"{rest['messages']:,} messages, {rest['organisations']:,} organisations, {rest['countries']:,} countries; "
        f"country not known for {rest['of_unknown_country']:,} addresses{beside}"
    )
    if any(row != told["levels"]["POSSIBLE"] for row in told["levels"].values() if row["messages"]) or told["levels"]["CONFIRMED"]["messages"]:
        said = ", ".join(f"{level.lower()} {row['persons']:,} persons in {row['messages']:,} messages" for level, row in told["levels"].items())
        click.echo(f"Of these, by evidence and above: {said}")
    if transit["messages"]:
        click.echo(f"Only in transit: {transit['persons']:,} persons, {transit['addresses']:,} addresses, {transit['messages']:,} messages")
    click.echo()
    numbers = ("persons", "addresses", "messages")
    if told["by_country"]:
        table("By country", ["country", *numbers, "organisations"],
               [(row["name"], *(row[n] for n in numbers), row["organisations"]) for row in told["by_country"][:limit]])  # fmt: skip
        click.echo()
        table("By organisation", ["organisation", "country", *numbers],
               [(row["organisation"] or "unknown", row["country"] or "unknown", *(row[n] for n in numbers)) for row in told["by_organisation"][:limit]])  # fmt: skip
        click.echo()


def _others(result: dict[str, Any]) -> None:
    if result["writes_as"]:
        click.echo(f"May write as: {', '.join(row['address'] for row in result['writes_as'])}")
    if result["forwards_to"]:
        click.echo(f"Held mail is forwarded to: {', '.join(row['address'] for row in result['forwards_to'])}")
    if result["in_transit"]:
        click.echo(f"Mailboxes whose passing mail was seen: {len(result['in_transit']):,}")
    inside = result["disclosed"]["at_rest"]["internal_addresses"]
    if result["approachable"] or inside:
        click.echo(
            f"Could be approached from there (not walked; --profile noisy walks it): {len(result['approachable']):,} accounts; "
            f"held mail was exchanged with {inside:,} addresses inside"
        )
    missing = [row["what"] for row in result["coverage"] if row["status"] == "not collected"]
    if missing:
        click.echo(f"Not collected: {', '.join(missing)}")


def doctor(found: dict[str, Any]) -> None:
    """The examination."""
    click.echo(f"python {found['python']}; " + ", ".join(f"{name} {version or 'not installed'}" for name, version in found["packages"].items()))
    case = found["case"]
    click.echo(f"case {case['folder']}: {case['loads']:,} loads, {case['records']:,} records, {case['refused']:,} refused")
    if found["graph"]:
        click.echo(f"engine {found['engine']}, state {found['graph']['state']}")
        things = found["graph"]["things"]
        table("Nodes", ["kind", "number", "things, whatever names they have"], [(k, n, things[k]) for k, n in found["graph"]["nodes"].items()])
        table("Steps", ["step", "number"], found["graph"]["steps"].items())
        table("Coverage", ["what", "status", "detail", "from", "to"], [tuple(row[name] for name in ("what", "status", "detail", "first", "last")) for row in found["coverage"]])
    for problem in found["problems"]:
        click.echo(f"problem: {cell(problem)}")


def demo_end(folder: Path, result: dict[str, Any]) -> str:
    """How to go on from the demo."""
    window = result["blast"]["window"]
    return (
        f"\nThe exports are in {result['folder']}, the case is {folder}. Open the app on it:\n"
        f"    hakyu --case {folder} app\n"
        f"then choose {result['blast']['asked']}, from {window['from']} until {window['until']}."
    )


def run_app(folder: Path, port: int) -> None:
    """Run Streamlit on the app, on 127.0.0.1, without telemetry, until it is stopped."""
    script = Path(__file__).resolve().parent.parent / "streamlit_app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.address", "127.0.0.1", "--server.port", str(port),
               "--browser.gatherUsageStats", "false"]  # fmt: skip
    environment = os.environ | {"HAKYU_CASE": str(folder.resolve())}
    subprocess.run(command, check=False, env=environment)  # noqa: S603 - our own script
