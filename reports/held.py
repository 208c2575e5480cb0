"""What is counted as held, and when mailboxes were."""

from __future__ import annotations

import numpy as np

from graphmodel.store.port import Store
from queries.profiles import Profile
from queries.run import read
from reach.exposure import overlaps
from reach.search import Labels
from reports.casegraph import CaseGraph
from reports.disclosure import Folders, folder_name
from reports.spans import Span, joined

# Sorted as people ask: what can be read, who and what is held, then what it hangs on.
KINDS = ("Mailbox", "Account", "Server", "Service", "Group", "Container", "Role", "App", "Rule", "File", "Secret")


def held_spans(graph: CaseGraph, labels: Labels, horizon: int) -> dict[str, list[Span]]:
    """Mailbox key -> the disjoint intervals in which it was held, within the window."""
    spans: dict[str, list[Span]] = {}
    for node, start, end in zip(labels.node.tolist(), labels.start.tolist(), labels.end.tolist(), strict=True):
        if graph.kinds[node] == "Mailbox" and start < horizon:
            spans.setdefault(graph.keys[node], []).append((start, min(end, horizon)))
    return {key: joined(found) for key, found in spans.items()}


def folder_spans(store: Store, graph: CaseGraph, labels: Labels, profile: Profile, horizon: int) -> Folders:
    """Single folders that could be read, without holding their mailbox, and when: by the steps of vantage `in part`."""
    chosen = graph.walked(profile, "in part")
    found: Folders = {}
    if not len(chosen):
        return found
    named = dict(read(store, "folders").iter_rows())
    step, _, start, stop = overlaps(labels, graph.source[chosen], graph.opens[chosen], graph.closes[chosen])
    for s, a, b in zip(chosen[step].tolist(), start.tolist(), np.minimum(stop, horizon).tolist(), strict=True):
        for fact in graph.steps["because"][s].to_list() if a < b else ():
            if fact in named:
                found.setdefault((graph.keys[graph.target[s]], folder_name(named[fact])), []).append((a, b))
    return {key: joined(spans) for key, spans in found.items()}
