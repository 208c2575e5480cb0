"""The command line: each command is one function of case.py, printed. Tables go to a terminal, data to a pipe (`--json`)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from graphmodel.times import from_iso
from hakyu import __version__, present, present_contain
from hakyu.case import Case, Options
from hakyu.errors import HakyuError, TooManyRefused


class Group(click.Group):
    """Ends every explained failure in one line on stderr and its exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except HakyuError as error:
            click.echo(f"hakyu: {error}", err=True)
            sys.exit(error.exit_code)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--case", "folder", type=click.Path(path_type=Path), help="The case folder (default: HAKYU_CASE, or ./case.hakyu).")
@click.version_option(__version__, prog_name="hakyu")
@click.pass_context
def main(ctx: click.Context, folder: Path | None) -> None:
    """侵害されたメールボックスは、どこまで届くか。 How far does a compromised mailbox reach?"""
    ctx.obj = Case(folder)
    ctx.call_on_close(ctx.obj.close)


def _json(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")(command)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("demo"))
@_json
@click.pass_obj
def demo(case: Case, folder: Path, as_json: bool) -> None:
    """Write the exports of a made-up organisation into FOLDER, load them, and show a blast radius."""
    with present.progress(case) as say:
        result = case.demo(folder, say)
    present.show(result["blast"] if not as_json else result, as_json, present.blast)
    if not as_json:
        click.echo(present.demo_end(case.folder, result))


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--mailbox", help="Whose mail a mail file holds (address).")
@click.option("--encoding", help="Encoding of text files that say none and are not UTF-8.")
@click.option("--date-order", type=click.Choice(["dmy", "mdy"]), help="How 5/6/2023 is to be read where a file does not tell.")
@click.option("--zone", help="Zone of local times in files that say none: +09:00, Asia/Tokyo.")
@click.option("--taken", help="When exports of rights were made, for files that do not say: what they lack was gone by then.")
@click.option("--secrets", is_flag=True, help="Look through the text of mail for credentials; only kind, fingerprint and place are kept.")
@click.option("--refused", "refused_to", type=click.Path(path_type=Path), help="Write the refused rows to this CSV file.")
@click.option("--lenient", is_flag=True, help="End with 0 though more than 1 % was refused.")
@_json
@click.pass_obj
def load(
    case: Case, paths: tuple[Path, ...], mailbox: str | None, encoding: str | None, date_order: str | None, zone: str | None, taken: str | None,
    secrets: bool, refused_to: Path | None, lenient: bool, as_json: bool,
) -> None:  # fmt: skip
    """Recognise and load files and folders. Each file is loaded whole or not at all."""
    with present.progress(case) as say:
        options = Options(mailbox, encoding, date_order, taken=from_iso(taken) if taken else None, secrets=secrets, zone=zone)
        report = case.load(list(paths), options, say)
    present.show(report, as_json, present.load_report)
    if refused_to:
        present.write_csv(refused_to, [row for line in report.files if line.manifest for row in case.refused(line.manifest.id)])
    if report.exit_code and not (lenient and report.exit_code == TooManyRefused.exit_code):
        sys.exit(report.exit_code)


@main.command()
@click.argument("load_id", required=False)
@_json
@click.pass_obj
def loads(case: Case, load_id: str | None, as_json: bool) -> None:
    """What is in the case; with LOAD_ID, the rows of that load that were refused."""
    present.show(case.refused(load_id) if load_id else case.loads(), as_json, present.refused if load_id else present.loads)


@main.command()
@click.argument("load_id")
@click.pass_obj
def forget(case: Case, load_id: str) -> None:
    """Take a load out of the case: the graph becomes the one that never had it."""
    with present.progress(case) as say:
        manifest = case.forget(load_id, say)
    click.echo(f"forgot load {manifest.id} ({manifest.name})")


@main.command()
@click.argument("kind")
@click.argument("value")
@click.option("--from", "start", help="From when it is the attacker's; without it, always.")
@click.option("--to", "--until", "until", help="Until when (exclusive).")
@click.option("--note", default="", help="Why.")
@click.pass_obj
def mark(case: Case, kind: str, value: str, start: str | None, until: str | None, note: str) -> None:
    """Mark VALUE (of the KIND ip, session, token, "user agent", app …) as the attacker's: log records that fit it confirm steps.

    `hakyu forget` takes it back, by the load that `hakyu loads` shows.
    """
    with present.progress(case) as say:
        manifest = case.mark(kind, value, start, until, note, say)
    click.echo(f"marked {manifest.name} as load {manifest.id}")


@main.command()
@_json
@click.pass_obj
def formats(case: Case, as_json: bool) -> None:
    """What can be loaded."""
    present.show(case.formats(), as_json, present.formats)


@main.command()
@_json
@click.pass_obj
def steps(case: Case, as_json: bool) -> None:
    """What an attacker can do: the steps the blast radius is made of.

    In a case, the graph is first brought to the case's state where it is behind: a step file was changed, a load was interrupted, the graph
    was lost, the server has another state. Only steps that can have changed are derived anew, and how many is said; the others are kept.
    """
    with present.progress(case) as say:
        graph = case.derive(say)
    present.show({"graph": graph, "steps": case.steps()}, as_json, present.steps)


@main.command()
@_json
@click.pass_obj
def queries(case: Case, as_json: bool) -> None:
    """What can be asked: the saved questions, for `hakyu query`."""
    present.show(case.queries(), as_json, present.queries)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    wrong = [pair for pair in given if "=" not in pair]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r}: write name=value")
    return dict(pair.split("=", 1) for pair in given)


@main.command()
@click.argument("name")
@click.argument("parameters", nargs=-1)
@_json
@click.pass_obj
def query(case: Case, name: str, parameters: tuple[str, ...], as_json: bool) -> None:
    """Ask the saved question NAME; PARAMETERS are name=value."""
    present.show(case.query(name, _pairs(parameters)), as_json, present.rows)


@main.command()
@click.argument("text")
@click.argument("parameters", nargs=-1)
@_json
@click.pass_obj
def cypher(case: Case, text: str, parameters: tuple[str, ...], as_json: bool) -> None:
    """Run one's own read-only Cypher TEXT; PARAMETERS are name=value (text)."""
    present.show(case.cypher(text, _pairs(parameters)), as_json, present.rows)


def _walking(command: Callable[..., Any]) -> Callable[..., Any]:
    profile = click.option(
        "--profile", default="quiet", show_default=True,
        help="rights: what configured rights allow; quiet: credentials and sessions too; noisy: phishing too; or a .toml file of your own.",
    )  # fmt: skip
    without = click.option("--without", multiple=True, metavar="STEP", help="A step that is not walked (`hakyu steps`); may be said again.")
    return profile(without(command))


def _incident(command: Callable[..., Any]) -> Callable[..., Any]:
    who = click.argument("who")
    start = click.option("--from", "start", required=True, help="When the compromise began: 2022-10-01 or 2022-10-01T09:00:00+09:00.")
    until = click.option("--to", "--until", "until", help="When it ended (exclusive); without it, it goes on.")
    return who(start(until(_walking(command))))


@main.command()
@_incident
@click.option("--limit", default=15, show_default=True, help="How many rows of each table to print.")
@_json
@click.pass_obj
def blast(case: Case, who: str, start: str, until: str | None, profile: str, without: tuple[str, ...], limit: int, as_json: bool) -> None:
    """What WHO (address, name or key), compromised in the window, could reach, and whom that discloses."""
    with present.progress(case) as say:
        say("computing reach")
        with Case.compiling(lambda: say("computing reach: compiling the kernel, which only the first start does")):
            result = case.blast(who, start, until, profile, without)
    present.show(result, as_json, lambda found: present.blast(found, limit))


@main.command()
@_incident
@_json
@click.pass_obj
def curve(case: Case, who: str, start: str, until: str | None, profile: str, without: tuple[str, ...], as_json: bool) -> None:
    """Exposure over dwell: what was held and disclosed by when, and what an earlier discovery would have saved."""
    present.show(case.curve(who, start, until, profile, without), as_json, present.curve)


@main.command()
@click.option("--from", "start", required=True, help="From when each account is taken as held.")
@click.option("--to", "--until", "until", help="Until when (exclusive); without it, for good.")
@_walking
@click.option("--limit", default=30, show_default=True, help="How many rows of each table to print.")
@_json
@click.pass_obj
def rank(case: Case, start: str, until: str | None, profile: str, without: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Every account by what it could reach, and everything by how many accounts reach it."""
    with present.progress(case) as say:
        say("computing the reach of every account")
        with Case.compiling(lambda: say("computing reach: compiling the kernel, which only the first start does")):
            found = case.rank(start, until, profile, without)
    present.show(found, as_json, lambda ranked: present.rank(ranked, limit))


@main.command()
@click.argument("who")
@click.argument("to")
@click.option("--from", "start", required=True, help="When the compromise of WHO began.")
@click.option("--to", "--until", "until", help="When it ended (exclusive); without it, it goes on.")
@_walking
@click.option("--limit", default=200, show_default=True, help="How many steps; those on the shortest ways are kept.")
@_json
@click.pass_obj
def ways(
    case: Case, who: str, to: str, start: str, until: str | None, profile: str, without: tuple[str, ...], limit: int, as_json: bool
) -> None:  # fmt: skip
    """All ways in time from WHO to TO, not only the first: every step on one of them, the shortest ways first."""
    present.show(case.ways(who, to, start, until, profile, without, limit), as_json, present.ways)


def _costs(given: tuple[str, ...]) -> dict[str, float]:
    costs = {}
    for name, text in _pairs(given).items():
        try:
            costs[name] = float(text)
        except ValueError:
            raise click.BadParameter(f"the cost of {name} is a number, not {text!r}") from None
        if not 0 <= costs[name] < float("inf"):
            raise click.BadParameter(f"the cost of {name} is not negative and has an end")
    return costs


@main.command()
@_incident
@click.option("--at", help="When the clean-up begins; without it, at the end of the window, or now.")
@click.option("--target", "targets", multiple=True, help="Something critical (address, name or key): the cheapest actions that take it from the attacker.")
@click.option("--cost", "costs", multiple=True, metavar="WHAT=NUMBER", help="The cost of an action (reset, close, isolate …), of a step, or of what touches a key.")
@click.option("--do", "done", multiple=True, metavar="ID", help="Take an action as done (ids are in the list): what is left then?")
@_json
@click.pass_obj
def contain(
    case: Case, who: str, start: str, until: str | None, profile: str, without: tuple[str, ...], at: str | None, targets: tuple[str, ...],
    costs: tuple[str, ...], done: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """What closes it: what each action takes from the attacker, what survives a password reset, an order that lets nobody back in."""
    found = case.contain(who, start, until, profile, without, at=at, targets=targets, costs=_costs(costs), done=done)
    present.show(found, as_json, present_contain.contain)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--columns", default="", help="What each column is: who,whom,weight,when (the default is in the docs).")
@click.option("--undirected", is_flag=True, help="Each contact counts both ways.")
@_json
def contacts(file: Path, columns: str, undirected: bool, as_json: bool) -> None:
    """Reachable pairs of a published contact list (who, whom, when), with and without regard to time."""
    named = [name for name in columns.split(",") if name.strip()]
    present.show(Case.contacts(file, named, undirected), as_json, present.contacts)


@main.command()
@click.argument("who", required=False)
@click.option("--as", "form", type=click.Choice(["navigator", "json"]), required=True, help="navigator: a layer for the ATT&CK Navigator.")
@click.option("--from", "start", help="When the compromise of WHO began.")
@click.option("--to", "--until", "until", help="When it ended (exclusive).")
@_walking
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file instead of printing.")
@click.pass_obj
def export(
    case: Case, who: str | None, form: str, start: str | None, until: str | None, profile: str, without: tuple[str, ...], out: Path | None
) -> None:  # fmt: skip
    """The blast radius of WHO in another tool's format; without WHO the Navigator layer of all steps."""
    if who is None and form != "navigator":
        raise click.UsageError("say WHO and --from")
    if who is not None and start is None:
        raise click.UsageError("say when the compromise began: --from")
    found = case.blast(who, start or "", until, profile, without) if who is not None else None
    present.write_json(case.layer(found) if form == "navigator" else found, out)


@main.command()
@click.option("--rebuild", is_flag=True, help="First make the graph anew from the loads (it is damaged, or was changed by hand).")
@_json
@click.pass_obj
def doctor(case: Case, rebuild: bool, as_json: bool) -> None:
    """What is installed, which engine answers, what the graph holds, what is missing."""
    if rebuild:
        with present.progress(case) as say:
            case.rebuild(say)
    found = case.doctor()
    present.show(found, as_json, present.doctor)
    if found["problems"]:
        sys.exit(1)


@main.command()
@click.option("--port", default=8501, show_default=True, help="Port on 127.0.0.1.")
@click.pass_obj
def app(case: Case, port: int) -> None:
    """Open the Streamlit app on the case."""
    present.run_app(case.folder, port)
