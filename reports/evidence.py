"""What logs say of the steps: which were seen, which of those by the attacker, and when silence means that a step was not taken.

Observations are matched to steps by queries/evidence/*.cypher; they count as the attacker's where a marked or imported indicator
(address, session, token, user agent, application) fits at that time. Silence counts only where an analyst has stated that the log is
complete (coverage.csv): that a file has records from then until then does not say that it has all of them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from graphmodel.store.port import Store
from graphmodel.times import to_iso
from queries.catalogue import Evidence
from queries.run import read
from reach.evidence import Allowed, Seen, Silent
from reach.graph import NEVER
from reports.casegraph import SAME, CaseGraph, Index
from reports.spans import Span, both, joined, without

SEEN_SCHEMA: dict[str, Any] = {"source": pl.String, "target": pl.String, "observation": pl.String}
_COLUMNS = {"ip": "ip", "session": "session", "token": "token", "user agent": "user_agent", "app": "app"}
LOGS = ("audit log", "mail access", "sign-ins", "logons", "message trace", "network", "shared files")


@dataclass(frozen=True)
class Weighed:
    """Steps as they are allowed, were seen, and were not, for `reach.evidence.by_level`.

    `rows`: of each seen step `rule, source_n, target_n, observation, at, indicator` and `allowed` (index into all steps, -1: the log shows
    it, but nothing that was read allows it).
    """

    allowed: Allowed
    seen: Seen
    silent: Silent
    rows: pl.DataFrame


def weigh(store: Store, graph: CaseGraph, walked: Index, evidence: Sequence[Evidence], coverage: pl.DataFrame) -> Weighed:
    """Weigh the walked steps (indices into the graph's) by the evidence queries and the LogCoverage nodes."""
    rules = graph.steps["rule"].gather(walked)
    alone = sorted(rule.id for rule in graph.rules.values() if rule.by_itself)
    allowed = Allowed(
        graph.source[walked], graph.target[walked], graph.opens[walked], graph.closes[walked], graph.foothold[walked],
        rules.is_in(alone).to_numpy(), (rules == SAME).to_numpy(),
    )  # fmt: skip
    known = set(rules.unique().to_list())
    asked = [one for one in evidence if one.step in known or one.step in graph.rules]
    rows = _seen(store, graph, walked, asked)
    foothold = rows["rule"].is_in([rule.id for rule in graph.rules.values() if rule.hold == "foothold"])
    seen = Seen(
        rows["source_n"].to_numpy(), rows["target_n"].to_numpy(), rows["at"].to_numpy(), rows["closes"].to_numpy(),
        foothold.to_numpy(), rows["indicator"].is_not_null().to_numpy(),
    )  # fmt: skip
    return Weighed(allowed, seen, _silent(graph, walked, asked, coverage), rows)


# -- what was seen -----------------------------------------------------------------------------------------------------


def _seen(store: Store, graph: CaseGraph, walked: Index, evidence: Sequence[Evidence]) -> pl.DataFrame:
    """Rows `rule, source_n, target_n, observation, at, indicator, closes, allowed`, one a step and observation."""
    parts = [store.read(one.cypher).cast(SEEN_SCHEMA).with_columns(rule=pl.lit(one.step)) for one in evidence]  # type: ignore[arg-type]
    found = pl.concat([pl.DataFrame(schema=SEEN_SCHEMA | {"rule": pl.String}), *parts]).drop_nulls().unique()
    if found.height:
        told = attributed(read(store, "observations"), read(store, "indicators"))
        found = graph.numbered(found).drop_nulls(["source_n", "target_n"]).join(told, on="observation")
    else:
        found = graph.numbered(found).with_columns(at=pl.lit(None, pl.Int64), indicator=pl.lit(None, pl.String))
    found = found.select("rule", "source_n", "target_n", "observation", "at", "indicator").sort("at", "rule", "source_n", "target_n", "observation")
    return _fitted(graph, walked, found.with_row_index("i"))


def _fitted(graph: CaseGraph, walked: Index, found: pl.DataFrame) -> pl.DataFrame:
    """With the step that allows what was seen, under any name of its ends: when its right ends, and its index."""
    thing = graph.thing
    steps = pl.DataFrame({
        "rule": graph.steps["rule"].gather(walked), "s": thing[graph.source[walked]], "t": thing[graph.target[walked]],
        "opens": graph.opens[walked], "closes": graph.closes[walked], "allowed": walked.astype(np.int64),
    })  # fmt: skip
    named = found.with_columns(s=pl.Series(thing[found["source_n"].to_numpy()]), t=pl.Series(thing[found["target_n"].to_numpy()]))
    fits = named.join(steps, on=["rule", "s", "t"]).filter((pl.col("opens") <= pl.col("at")) & (pl.col("at") < pl.col("closes")))
    best = fits.sort("closes", "allowed", descending=[True, False]).unique("i", keep="first", maintain_order=True).select("i", "closes", "allowed")
    return found.join(best, on="i", how="left").with_columns(pl.col("closes").fill_null(NEVER), pl.col("allowed").fill_null(-1)).sort("i").drop("i")


def attributed(observations: pl.DataFrame, indicators: pl.DataFrame) -> pl.DataFrame:
    """Observations as `observation, at, indicator`: the key of the first indicator that fits it at that time, or null."""
    hits = [_hits(observations, column, indicators.filter(pl.col("type") == kind)) for kind, column in _COLUMNS.items()]
    first = pl.concat([pl.DataFrame(schema={"observation": pl.String, "indicator": pl.String}), *hits]).group_by("observation").agg(pl.col("indicator").min())
    return observations.select("observation", "at").join(first, on="observation", how="left")


def _hits(observations: pl.DataFrame, column: str, signs: pl.DataFrame) -> pl.DataFrame:
    """(observation, indicator) where the column's value is the sign's, without regard to case, while the sign is valid."""
    values = observations.select(pl.col(column).drop_nulls().unique()).to_series().to_list() if signs.height else []
    pairs = [(value, sign) for value in values for sign in _fitting(value, column, signs)]
    fits = pl.DataFrame(pairs, schema={column: pl.String, "indicator": pl.String}, orient="row")
    times = signs.select("indicator", "valid_from", "valid_until").cast({"valid_from": pl.Int64, "valid_until": pl.Int64})
    joined_ = observations.select("observation", "at", column).join(fits, on=column).join(times, on="indicator")
    valid = (pl.col("valid_from") <= pl.col("at")).fill_null(True) & (pl.col("at") < pl.col("valid_until")).fill_null(True)
    return joined_.filter(valid).select("observation", "indicator")


def _fitting(value: str, column: str, signs: pl.DataFrame) -> list[str]:
    """Keys of the signs that a value is; a network of addresses is all its addresses."""
    folded = " ".join(value.split()).casefold()
    found = [key for key, sign in signs.select("indicator", "value").iter_rows() if " ".join(str(sign).split()).casefold() == folded]
    if column == "ip" and not found:
        found = [key for key, sign in signs.select("indicator", "value").iter_rows() if "/" in sign and _within(value, sign)]
    return found


def _within(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


# -- when silence counts -----------------------------------------------------------------------------------------------


class _Cover:
    """When a log is known to be complete for a node: stated spans less the times in which it saw nothing, by word and scope."""

    def __init__(self, coverage: pl.DataFrame, graph: CaseGraph) -> None:
        self._graph = graph
        timed = coverage.drop_nulls("first")
        self._whole = _by_scope(timed.filter(pl.col("complete").fill_null(False) & pl.col("last").is_not_null()))
        self._blind = _by_scope(timed.filter(pl.col("blind").fill_null(False)))
        self._known: dict[tuple[Any, ...], list[Span]] = {}

    def spans(self, words: Sequence[str], node: int) -> list[Span]:
        """The times in which all of the logs would have shown what happened to, or was done by, the node."""
        scopes = self._scopes(node)
        key = (tuple(words), tuple(scope for scope in scopes if any((word, scope) in part for word in words for part in (self._whole, self._blind))))
        if key not in self._known:
            self._known[key] = self._spans(words, key[1])
        return self._known[key]

    def _spans(self, words: Sequence[str], scopes: Sequence[str]) -> list[Span]:
        found: list[Span] | None = None
        for word in words:
            stated = [span for scope in scopes for span in self._whole.get((word, scope), [])]
            holes = [span for scope in scopes for span in self._blind.get((word, scope), [])]
            part = without(stated, holes)
            found = part if found is None else both(found, part)
        return found or []

    def any(self, words: Sequence[str]) -> bool:
        """Whether anything is stated of all the logs."""
        return all(any(word == stated for stated, _ in self._whole) for word in words)

    def _scopes(self, node: int) -> list[str]:
        """What a statement may call the node: everything, its name, its address, the domain of that."""
        names = {self._graph.names[node].casefold(), self._graph.keys[node].partition(":")[2].casefold(), self._graph.keys[node].casefold()}
        domains = {name.rpartition("@")[2] for name in names if "@" in name} | {name.partition(".")[2] for name in names if "." in name}
        return ["", *sorted(names | domains)]


def _by_scope(rows: pl.DataFrame) -> dict[tuple[str, str], list[Span]]:
    found: dict[tuple[str, str], list[Span]] = {}
    for what, scope, first, last in rows.select("what", "scope", "first", "last").iter_rows():
        found.setdefault((what, (scope or "").casefold()), []).append((first, NEVER if last is None else last))
    return {key: joined(spans) for key, spans in found.items()}


def _silent(graph: CaseGraph, walked: Index, evidence: Sequence[Evidence], coverage: pl.DataFrame) -> Silent:
    """The times in which no record of a step means that it was not taken: every log that could show it is complete then."""
    cover = _Cover(coverage, graph)
    by_rule: dict[str, list[Evidence]] = {}
    for one in evidence:
        by_rule.setdefault(one.step, []).append(one)
    rules = graph.steps["rule"].gather(walked)
    found: list[tuple[int, int, int]] = []
    for rule, queries in by_rule.items():
        if graph.rules[rule].by_itself or not all(cover.any(one.logs) for one in queries):
            continue
        for i in np.flatnonzero((rules == rule).to_numpy()).tolist():
            step = walked[i]
            spans: list[Span] | None = None
            for one in queries:
                part = cover.spans(one.logs, int(graph.source[step] if one.scope == "source" else graph.target[step]))
                spans = part if spans is None else both(spans, part)
            found += [(i, start, stop) for start, stop in spans or []]
    columns = np.array(sorted(found), dtype=np.int64).reshape(-1, 3)
    return Silent(columns[:, 0].astype(np.int32), columns[:, 1], columns[:, 2])


def logs(coverage: pl.DataFrame) -> list[dict[str, Any]]:
    """For each log that was read or stated `what, first, last` (of all records), `complete` (stated spans) and `blind` (how many times).

    What lies before the earliest complete span is beyond the evidence horizon: nothing there is ever "not observed".
    """
    found = []
    for what in LOGS:
        rows = coverage.filter(pl.col("what") == what)
        if not rows.height:
            continue
        whole = joined((a, b) for a, b in rows.filter(pl.col("complete").fill_null(False)).select("first", "last").iter_rows() if a is not None and b is not None)
        seen = rows.filter(~pl.col("blind").fill_null(False))
        found.append({
            "what": what, "first": to_iso(_int(seen["first"].min())), "last": to_iso(_int(seen["last"].max())),
            "complete": [[to_iso(a), to_iso(b)] for a, b in whole], "blind": int(rows["blind"].fill_null(False).sum()),
        })  # fmt: skip
    return found


def _int(value: Any) -> int | None:
    return None if value is None else int(value)
