"""How things are put on a page. Every text that came from data passes through here and is shown as text, whatever it holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import streamlit as st

from graphmodel.errors import HakyuError
from hakyu.present import write_csv

_ROWS = 10_000  # a browser's table; the downloads hold all rows

# The table's own CSV button would write formulas as they are; ours quotes them (hakyu/present.py).
_CSS = """
<style>
[data-testid="stElementToolbarButton"]:has(button[aria-label^="Download as CSV"]) { display: none; }
[data-testid="stMainBlockContainer"] { padding-top: 4.2rem; padding-bottom: 3rem; max-width: 1400px; }
.hk-title { font-size: 1.65rem; font-weight: 650; line-height: 1.25; overflow-wrap: anywhere; }
.hk-sub { opacity: .72; font-size: .9rem; overflow-wrap: anywhere; }
.hk-note { border-left: 3px solid #c58a1a; background: #fdf7ea; padding: .45rem .75rem; font-size: .88rem; margin-top: .6rem; }
.hk-lead { font-size: 1rem; overflow-wrap: anywhere; }
/* Beside each other only where both have room. */
[data-testid="stMain"] [data-testid="stHorizontalBlock"] { flex-wrap: wrap; }
[data-testid="stMain"] [data-testid="stColumn"] { min-width: min(100%, 21rem); }
@media (max-width: 1250px) { [data-testid="stMainBlockContainer"] { padding-left: 1.5rem; padding-right: 1.5rem; } }
.hk-cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(126px, 1fr)); gap: .6rem; }
/* Lines by level need more room. */
.hk-cards.wide { grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); }
.hk-card { border: 1px solid #d9dfe7; border-radius: .4rem; padding: .6rem .75rem; min-width: 0; }
.hk-card b { display: block; font-size: 1.6rem; font-weight: 650; line-height: 1.15; font-variant-numeric: tabular-nums; }
.hk-card span { font-size: .88rem; }
.hk-card ul { list-style: none; margin: .35rem 0 0; padding: 0; }
.hk-card li { font-size: .76rem; line-height: 1.3; color: #8a5a00; margin: 0 0 .15rem; overflow-wrap: anywhere; }
.hk-card p { font-size: .76rem; line-height: 1.3; opacity: .65; margin: .35rem 0 0; }
/* A level is told by its sign and word; the colour only helps, and differs in lightness too. */
.hk-level { display: inline-block; border: 1.5px solid currentColor; border-radius: .25rem; padding: 0 .35rem; font-size: .74rem; font-weight: 600;
  line-height: 1.35; white-space: nowrap; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.hk-levels { margin: .3rem 0 0; display: flex; flex-direction: column; gap: .12rem; font-size: .78rem; }
.hk-levels div { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; }
.hk-logs { display: grid; grid-template-columns: max-content 1fr; gap: .35rem .8rem; align-items: center; font-size: .86rem; }
.hk-track { position: relative; height: 1.05rem; background: #f4f6f9; border: 1px solid #d9dfe7; }
.hk-track i { position: absolute; top: 0; bottom: 0; min-width: 2px; box-sizing: border-box; }
.hk-track .seen { border: 1.5px solid #56606e; background: repeating-linear-gradient(135deg, #fff 0 4px, #c3cbd6 4px 6px); }
.hk-track .whole { background: #1d5fbf; border: 1.5px solid #123f80; }
.hk-track .horizon { border-left: 2.5px dashed #1c2733; width: 0; top: -.3rem; bottom: -.3rem; }
.hk-track, .hk-track i { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.hk-axis { display: flex; justify-content: space-between; font-size: .78rem; opacity: .75; font-variant-numeric: tabular-nums; }
.hk-key { font-size: .8rem; margin-top: .5rem; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; align-items: center; }
.hk-key .hk-track { display: inline-block; width: 2rem; vertical-align: middle; margin-right: .35rem; }
[data-testid="stCheckbox"] code, [data-testid="stMultiSelect"] code { font: inherit; background: none; color: inherit; padding: 0; white-space: normal; }
.hk-way .seen { font-size: .8rem; display: block; margin-top: .15rem; overflow-wrap: anywhere; }
.hk-way { list-style: none; margin: 0; padding: 0; }
.hk-way > li { position: relative; padding: 0 0 .8rem 1.9rem; overflow-wrap: anywhere; }
.hk-way > li::before { content: attr(data-n); position: absolute; left: 0; top: .1rem; width: 1.3rem; height: 1.3rem; border-radius: 50%;
  background: #1d5fbf; color: #fff; font-size: .75rem; text-align: center; line-height: 1.3rem; }
.hk-way > li:not(:last-child)::after { content: ""; position: absolute; left: .62rem; top: 1.5rem; bottom: 0; border-left: 2px solid #d9dfe7; }
.hk-way .at { font-size: .8rem; opacity: .7; font-variant-numeric: tabular-nums; }
.hk-way .place { font-size: .78rem; font-family: ui-monospace, monospace; background: #f4f6f9; border-radius: .25rem; padding: .1rem .35rem;
  margin-top: .2rem; display: block; }
.hk-way .closes { font-size: .8rem; opacity: .8; }
</style>
"""


def style() -> None:
    """The app's few rules of style, once a run."""
    st.html(_CSS)


def code(text: str) -> str:
    """Any text as one Markdown code span: nothing within it is read as Markdown, a link or a formula."""
    line = " ".join(text.split()) or " "
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in line).split()), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}"


@contextmanager
def explained(stop: bool = True) -> Iterator[None]:
    """Shows a failure that people are meant to read as one line, and ends the page there (`stop`)."""
    try:
        yield
    except HakyuError as error:
        st.error(code(str(error)), icon=":material/error:")
        if stop:
            st.stop()


def title(text: str, *below: str) -> None:
    """A page's heading with smaller lines below it."""
    lines = "".join(f'<div class="hk-sub">{escape(line)}</div>' for line in below)
    st.html(f'<div class="hk-title">{escape(text)}</div>{lines}')


def lead(text: str) -> None:
    """A sentence or two that say what follows."""
    st.html(f'<div class="hk-lead">{escape(text)}</div>')


def numbered(lines: Iterable[str]) -> None:
    """What to do, step by step."""
    st.html(f'<ol class="hk-way">{"".join(f"<li data-n={n}>{escape(line)}</li>" for n, line in enumerate(lines, 1))}</ol>')


def remark(text: str) -> None:
    """A remark that has to be seen."""
    st.html(f'<div class="hk-note">{escape(text)}</div>')


LEVELS = {
    "CONFIRMED": ("●", "#7a1600"), "INDICATED": ("◐", "#b3500a"), "POSSIBLE": ("○", "#1f5f99"), "NOT OBSERVED": ("◌", "#5d6673"), "EXCLUDED": ("✕", "#5d6673"),
}  # fmt: skip
"""Level of evidence -> (its sign, its colour on white: no two that are told by hue alone)."""


def level(word: str, name: str) -> str:
    """A level as HTML: sign and word (`name`: in the language of the page)."""
    sign, colour = LEVELS.get(word, ("", "#1c2733"))
    return f'<span class="hk-level" style="color:{colour}">{sign} {escape(name)}</span>'


def signed(word: str, name: str) -> str:
    """A level as plain text, for tables."""
    return f"{LEVELS.get(word, ('',))[0]} {name}".strip()


def cards(numbers: Iterable[tuple[Any, ...]]) -> None:
    """Headline numbers: (label, number, what was not collected, a word in its place when nothing is missing[, levels]).

    `levels`: (level, its name, number) each, listed below the number.
    """
    parts, wide = [], False
    for label, number, missing, otherwise, *levels in numbers:
        wide = wide or bool(levels and levels[0])
        notes = "".join(f"<li>{escape(line)}</li>" for line in missing)
        below = f"<ul>{notes}</ul>" if notes else f"<p>{escape(otherwise)}</p>" if otherwise else ""
        lines = "".join(f"<div>{level(word, name)}<span>{n:,}</span></div>" for word, name, n in (levels[0] if levels else ()))
        by_level = f'<div class="hk-levels">{lines}</div>' if lines else ""
        parts.append(f'<div class="hk-card"><b>{number:,}</b><span>{escape(label)}</span>{by_level}{below}</div>')
    st.html(f'<div class="hk-cards{" wide" if wide else ""}">{"".join(parts)}</div>')


def steps(items: Iterable[tuple[str, str, Sequence[str], str, tuple[str, str] | None, Sequence[str]]]) -> None:
    """A way, step by step: (sentence, time, places, what closes it, level and its name, the records that show it)."""
    parts = []
    for number, (sentence, at, places, closes, level_, seen) in enumerate(items, 1):
        where = "".join(f'<span class="place">{escape(place)}</span>' for place in places)
        records = "".join(f'<span class="seen">{escape(line)}</span>' for line in seen)
        how = f" {level(*level_)}" if level_ else ""
        parts.append(
            f'<li data-n="{number}">{escape(sentence)}<div class="at">{escape(at)}{how}</div>{records}{where}<div class="closes">{escape(closes)}</div></li>'
        )
    st.html(f'<ol class="hk-way">{"".join(parts)}</ol>')


def moment(iso: str | None) -> str:
    """`2022-10-05 09:00` for a time in UTC, with the seconds where there are any; empty for none."""
    return "" if iso is None else iso[:19].replace("T", " ").removesuffix(":00")


def table(rows: Sequence[Mapping[str, Any]], headings: Mapping[str, str], **options: Any) -> None:
    """A table of the named columns, in that order, sortable by its headings."""
    data = pl.DataFrame({name: [_cell(row[name]) for row in rows] for name in headings}, strict=False).with_columns(pl.col(pl.String).fill_null(""))
    columns = {
        name: st.column_config.NumberColumn(heading, format="localized") if data[name].dtype.is_integer() else heading for name, heading in headings.items()
    }
    options.setdefault("height", "content" if len(rows) <= 10 else 388)
    st.dataframe(data, hide_index=True, width="stretch", column_config=columns, **options)


def _cell(value: Any) -> Any:
    return ", ".join(str(item) for item in value) if isinstance(value, list | tuple) else value


def frame(found: pl.DataFrame, rows_note: str) -> None:
    """The rows of a question; `rows_note` is said when there are more than a browser should hold."""
    if found.height > _ROWS:
        st.caption(rows_note.format(n=_ROWS))
    table(found.head(_ROWS).to_dicts(), {name: name for name in found.columns})


def csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """The named columns as CSV (UTF-8 with BOM; cells that a spreadsheet would run are quoted)."""
    if not rows:
        return ("\ufeff" + ",".join(columns) + "\n").encode()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write_csv(path, [{name: _text(row[name]) for name in columns} for row in rows])
        return path.read_bytes()


def _text(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def as_json(value: Any) -> bytes:
    """Plain data as JSON (UTF-8)."""
    return json.dumps(value, ensure_ascii=False, indent=1, default=lambda one: one.item() if hasattr(one, "item") else str(one)).encode()


def downloads(name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], labels: tuple[str, str], full: Any = None) -> None:
    """Two buttons: the columns as CSV, and `full` (default: the rows) as JSON; made when they are pressed."""
    whole = rows if full is None else full
    with st.container(horizontal=True):
        st.download_button(labels[0], lambda: csv(rows, columns), f"{name}.csv", "text/csv", key=f"{name}.csv", on_click="ignore")
        st.download_button(labels[1], lambda: as_json(whole), f"{name}.json", "application/json", key=f"{name}.json", on_click="ignore")
