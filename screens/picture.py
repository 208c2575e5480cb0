"""The picture of a blast radius: an HTML page that needs nothing from outside. The only file that imports pyvis.

pyvis keeps the nodes and edges and brings vis-network; its own page template is not used: it links style sheets and scripts of
other hosts, and shows titles that contain `href` as HTML. Names are data: they enter the page as escaped JSON, are drawn on a
canvas or shown as text, and the page's policy allows its own two scripts (by hash) and no request at all.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyvis
from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup
from pyvis.network import Network

from screens.rings import FLATTENED, Ring, Tree, positions, tree, with_steps

CAP = 300
HEIGHT = 560  # CSS pixels
_LABEL = 26  # characters of a name that are drawn; the title has it all
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

# kind -> (shape of vis-network, colour, the same shape as a character for the legend)
KINDS = {
    "Account": ("dot", "#2f6fd0", "●"),
    "Mailbox": ("square", "#13907a", "■"),
    "Server": ("triangle", "#c2570c", "▲"),
    "Service": ("hexagon", "#7a4fd0", "⬢"),
    "Group": ("diamond", "#6b7a8c", "◆"),
    "Container": ("square", "#5a5f86", "■"),
    "Role": ("star", "#b8336a", "★"),
    "App": ("triangleDown", "#0b87a8", "▼"),
    "Rule": ("triangleDown", "#a07a12", "▼"),
    "File": ("square", "#8a8f98", "■"),
    "Secret": ("star", "#c22b2b", "★"),
    "Other": ("dot", "#a8b0ba", "●"),
}
_SEED, _CHOSEN, _LINE = "#d3262f", "#1d5fbf", "#b6c0cc"

_OPTIONS: dict[str, Any] = {
    "physics": {"enabled": False},
    "layout": {"randomSeed": 1},
    "edges": {"smooth": False, "arrows": {"to": {"enabled": True, "scaleFactor": 0.5}}, "color": {"color": _LINE, "highlight": _CHOSEN, "inherit": False}},
    "interaction": {"hover": True, "tooltipDelay": 120, "zoomView": False, "dragNodes": False, "keyboard": False},
}


def picture(
    result: Mapping[str, Any],
    chosen: str | None,
    say: Callable[..., str],
    sentence: Callable[[Mapping[str, str]], str],
    moment: Callable[[str | None], str],
    thick_steps: Sequence[Mapping[str, Any]] = (),
) -> tuple[str, int]:
    """(HTML page, number of reached nodes drawn) for the result of `Case.blast`.

    `chosen`: the node of interest; `thick_steps`: the steps of its way, or of all ways to it, which are drawn thick; `say`, `sentence`,
    `moment` give the words of the page.
    """
    rows = {row["key"]: row for row in [*result["seeds"], *result["reached"]]}
    seeds = [seed["key"] for seed in result["seeds"]]
    once = [row for row in result["reached"] if row["same_as"] is None]
    drawn = with_steps(tree(seeds, once, CAP, chosen), thick_steps, {row["key"]: row["same_as"] for row in result["reached"] if row["same_as"]})
    places, rings = positions(drawn)
    way = drawn.thick
    net = Network(directed=True)
    net.options = _OPTIONS
    numbers = {key: n for n, key in enumerate(drawn.order)}
    first = {*seeds, *(key for step in way for key in step)}
    for key, n in numbers.items():
        row = rows.get(key, {"key": key, "name": key, "kind": "Other"})
        _add_node(net, n, row | {"rank": int(key not in first)}, places[key], key in seeds, key == chosen, say, moment)
    for (source, target), steps in drawn.steps.items():
        title = "\n".join(f"{moment(step['at'])}  {sentence(step)}" for step in steps)
        thick = (source, target) in way
        net.add_edge(numbers[source], numbers[target], title=title, width=3 if thick else 1, color=_CHOSEN if thick else _LINE)
    page = _page(net, _legend(drawn, rows, say), rings, say)
    return page, sum(row["key"] in numbers for row in once if row["key"] not in seeds)


def _add_node(
    net: Network, n: int, row: Mapping[str, Any], place: tuple[float, float], seed: bool, chosen: bool,
    say: Callable[..., str], moment: Callable[[str | None], str],
) -> None:  # fmt: skip
    shape, colour, _ = KINDS.get(row["kind"], KINDS["Other"])
    name = _printable(row["name"])
    lines = [f"{say(row['kind'])}: {name}", _printable(row["key"])]
    if row.get("first"):
        lines.append(f"{say('First held (UTC)')}: {moment(row['first'])}")
    border = _SEED if seed else _CHOSEN if chosen else colour
    net.add_node(
        n, label=name if len(name) <= _LABEL else name[: _LABEL - 1] + "…", title="\n".join(lines), shape=shape, x=place[0], y=place[1],
        size=20 if seed else 14 if chosen else 11, borderWidth=4 if seed or chosen else 1, rank=row["rank"],
        color={"background": colour, "border": border, "highlight": {"background": colour, "border": _CHOSEN}, "hover": {"background": colour, "border": _CHOSEN}},
    )  # fmt: skip


def _printable(text: str) -> str:
    """A name without control and direction characters, which could make it look like another."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text) or "\ufffd"


def _legend(drawn: Tree, rows: Mapping[str, Mapping[str, Any]], say: Callable[..., str]) -> list[dict[str, str]]:
    seen = {rows[key]["kind"] if key in rows and rows[key]["kind"] in KINDS else "Other" for key in drawn.order}
    found = [{"mark": mark, "colour": colour, "word": say(kind)} for kind, (_, colour, mark) in KINDS.items() if kind in seen]
    return [*found, {"mark": "◯", "colour": _SEED, "word": say("start")}]


@cache
def _template() -> tuple[Template, str]:
    """(the page's template, vis-network as pyvis brings it)."""
    library = Path(pyvis.__file__).parent / "templates" / "lib" / "vis-9.1.2" / "vis-network.min.js"
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent / "static"), autoescape=True)
    return environment.get_template("picture.html"), library.read_text(encoding="utf-8")


def _page(net: Network, legend: list[dict[str, str]], rings: list[Ring], say: Callable[..., str]) -> str:
    template, library = _template()
    nodes, edges, *_ = net.get_network_data()
    for node in nodes:
        node["text"] = node.pop("label")  # the page draws the names itself, only where there is room for them
    buttons = {"larger": say("Larger"), "smaller": say("Smaller"), "whole": say("Whole")}
    page = template.render(
        library=Markup(library),  # noqa: S704 - pyvis' own file
        data={"nodes": nodes, "edges": edges, "options": net.options, "flattened": FLATTENED, "rings": [[r.radius, r.outer] for r in rings]},
        legend=legend, height=HEIGHT, buttons=buttons, policy=Markup("@@policy@@"),
    )  # fmt: skip
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in _SCRIPT.findall(page))
    policy = f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return page.replace("@@policy@@", policy, 1)
