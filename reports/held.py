"""What is counted as held, and when mailboxes were."""

from __future__ import annotations

from reach.search import Labels
from reports.casegraph import CaseGraph
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
