"""How a clean-up looks on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from hakyu.present import cell, table

_WAYS = 8


def contain(found: Mapping[str, Any]) -> None:
    """What is held, what each action takes, what survives a reset, and the order."""
    seed = found["seeds"][0]
    click.echo(f"{cell(seed['name'])} ({seed['key']}), held from {found['window']['from']}; cleaned from {found['at']} on; profile {found['profile']}")
    click.echo(f"Held then: {_kinds(found['held'])}; in its own right (to be cleaned each): {len(found['lasting']):,}\n")
    if found["done"]:
        click.echo("Done: " + "; ".join(cell(one["text"]) for one in found["done"]))
        _left("Left then", found["left"])
    table("What single actions take (exact)", ["id", "takes", "cost", "action", "survives a reset"],
          [(a["id"], a["gain"], f"{a['cost']:g}", a["text"], a["survives_reset"]) for a in found["actions"]])  # fmt: skip
    click.echo()
    _pairs(found["pairs"])
    greedy = found["greedy"]
    table(f"Greedy, one after another: takes {greedy['gain']:,} of {found['things']:,}; no {len(greedy['actions'])} actions can take more than {greedy['bound']:,}"
          f" ({greedy['bound_by']})", ["takes", "cost", "action"], [(a["gain"], f"{a['cost']:g}", a["text"]) for a in greedy["actions"]])  # fmt: skip
    click.echo()
    for target in found["targets"]:
        _target(target)
    _left("Survives a password reset of the start alone", found["survives"]["start"])
    _left("Survives a password reset of every held account", found["survives"]["accounts"])
    _plan(found["plan"])


def _kinds(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {n:,}" for kind, n in counts.items()) or "nothing"


def _pairs(pairs: Sequence[Mapping[str, Any]] | None) -> None:
    if pairs is None:
        click.echo("Pairs: too many actions to try all of them; say --without for steps that do not matter\n")
    elif pairs:
        table("Pairs that take more than both alone (exact)", ["takes", "first", "second"], [(p["gain"], *(a["text"] for a in p["actions"])) for p in pairs])
        click.echo()


def _target(target: Mapping[str, Any]) -> None:
    name = cell(target["name"])
    if not target["possible"]:
        click.echo(f"{name}: no set of these actions takes it from the attacker\n")
    elif not target["actions"]:
        click.echo(f"{name}: is not held\n")
    else:
        sure = "the cheapest" if target["least"] else f"a set that does it; the cheapest costs at least {target['lower']:g}"
        table(f"{name}: {sure}, at {target['cost']:g}; tried: {'it holds' if target['verified'] else 'it does not hold'}", ["cost", "action"],
              [(f"{a['cost']:g}", a["text"]) for a in target["actions"]])  # fmt: skip
        click.echo()


def _left(title: str, left: Mapping[str, Any]) -> None:
    if not left["things"]:
        click.echo(f"{title}: nothing\n")
        return
    table(f"{title}: {_kinds(left['by_kind'])}", ["kind", "name", "by this way"],
          [(n["kind"], n["name"], "; ".join(n["way"]) or "held in its own right") for n in left["nodes"][:_WAYS]])  # fmt: skip
    click.echo()


def _plan(plan: Mapping[str, Any]) -> None:
    lines = [(str(i), one["do"]) for i, stage in enumerate(plan["stages"], 1) for one in stage]
    table("Clean up in this order; what has one number is done at once", ["no.", "action"], lines)
    came = ", ".join(cell(n["name"]) for n in plan["came_back"]) or "nobody"
    click.echo(f"Tried: in this order {plan['left']:,} things are left and {came} comes back.")
    wrong = plan["wrong_order"]
    if wrong["came_back"]:
        names = ", ".join(cell(n["name"]) for n in wrong["came_back"][:_WAYS])
        click.echo(f"The other way round {wrong['left']:,} things are left; taken again: {names}.")
