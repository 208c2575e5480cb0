"""The compiled part of the ranking: holds of a thousand starts at once, as rows of bits, swept through time.

A node's holds are a chain, that which lasts longest first; the row of one says who holds the node until then *or longer*. So one row tells
whom a new hold is news to, and who goes on when a step opens. Nothing waits for later: what a step gives when it opens is read from the
holds that its source has then. What begins at one time is walked longest hold first, so that nobody's hold is walked and then outdone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from reach.kernel import end_of_hold

_NOT = np.iinfo(np.int64).min
"""As the end by which a node is queued: it is not."""
USED, FREE, SIZE, PUSHED = range(4)


class Flow(NamedTuple):
    """The steps as `reach.graph.Steps` has them (`first`, `target`, `opens`, `closes`, `foothold`, `source`), all within the time that counts.

    `cleaned[cleaned_first[v]:cleaned_first[v + 1]]`: v's remediations, in order. `opening`: the steps that open after the start, in order
    of time. `cleaning`: rows (time, node) in order. `into[into_first[v]:into_first[v + 1]]`: footholds on v, where v has remediations.
    """

    first: Any
    source: Any
    target: Any
    opens: Any
    closes: Any
    foothold: Any
    cleaned_first: Any
    cleaned: Any
    opening: Any
    cleaning: Any
    into_first: Any
    into: Any


class _Holds(NamedTuple):
    """`head[v]`: node v's longest hold, -1: none. Of a hold: `until`, `after` (the next shorter one, -1: none), `rows` (who, or longer).

    `found[v]`: who held v at some time; `fresh[v]`: whose hold of v is still to be walked. A heap orders nodes by (`end`, `turn`): `queued[v]` is the
    end that `node` v waits under. `counts`: holds used, the first free one, size of the heap, how often it was pushed to. `news`: a row to work in.
    """

    head: Any
    until: Any
    after: Any
    rows: Any
    found: Any
    fresh: Any
    queued: Any
    end: Any
    turn: Any
    node: Any
    counts: Any
    news: Any


def _jit(function: Any) -> Any:
    return numba.njit(cache=True, nogil=True)(function)


@_jit
def _larger(table: Any) -> Any:
    """The table with twice the rows."""
    return np.concatenate((table, np.empty_like(table)))


@_jit
def _room(h: Any, more: Any) -> Any:
    """The holds with room for `more` of them and as many in the queue: the same, or larger tables."""
    while h.counts[USED] + more > len(h.until):
        h = _Holds(h.head, _larger(h.until), _larger(h.after), _larger(h.rows), h.found, h.fresh, h.queued, h.end, h.turn, h.node, h.counts, h.news)
    while h.counts[SIZE] + more > len(h.end):
        h = _Holds(h.head, h.until, h.after, h.rows, h.found, h.fresh, h.queued, _larger(h.end), _larger(h.turn), _larger(h.node), h.counts, h.news)
    return h


@_jit
def _end_of_hold(flow: Any, v: Any, time: Any, horizon: Any) -> Any:
    """The first remediation of v after `time`, or the horizon."""
    return end_of_hold(flow.cleaned, flow.cleaned_first[v], flow.cleaned_first[v + 1], time, horizon)


@_jit
def _push(holds: Any, v: Any, end: Any, order: Any) -> None:
    """Queue a node under an end."""
    at = holds.counts[SIZE]
    holds.counts[SIZE] += 1
    holds.counts[PUSHED] += 1
    turn = (np.int64(order[v]) << 32) + (holds.counts[PUSHED] & 0xFFFFFFFF)
    ends, turns, nodes = holds.end, holds.turn, holds.node
    while at > 0:
        parent = (at - 1) >> 1
        if end < ends[parent] or (end == ends[parent] and turn >= turns[parent]):
            break
        ends[at], turns[at], nodes[at] = ends[parent], turns[parent], nodes[parent]
        at = parent
    ends[at], turns[at], nodes[at] = end, turn, v
    holds.queued[v] = end


@_jit
def _pop(holds: Any) -> Any:
    """(node, end) of the longest hold that waits, upstream first."""
    ends, turns, nodes = holds.end, holds.turn, holds.node
    node, end = nodes[0], ends[0]
    holds.counts[SIZE] -= 1
    size, at = holds.counts[SIZE], 0
    last = ends[size], turns[size], nodes[size]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and (ends[child + 1] > ends[child] or (ends[child + 1] == ends[child] and turns[child + 1] < turns[child])):
            child += 1
        if ends[child] < last[0] or (ends[child] == last[0] and turns[child] >= last[1]):
            break
        ends[at], turns[at], nodes[at] = ends[child], turns[child], nodes[child]
        at = child
    ends[at], turns[at], nodes[at] = last
    return node, end


@_jit
def _many(holds: Any, v: Any) -> Any:
    """How many holds there are of v, and one more."""
    many, at = 1, holds.head[v]
    while at >= 0:
        many, at = many + 1, holds.after[at]
    return many


@_jit
def _free(holds: Any, at: Any) -> None:
    """Give a hold's place back."""
    holds.after[at] = holds.counts[FREE]
    holds.counts[FREE] = at


@_jit
def _inserted(holds: Any, v: Any, before: Any, end: Any) -> Any:
    """The place of a new hold of v until `end`, in the chain behind `before` (-1: first), for those who hold v longer."""
    at = holds.counts[FREE]
    if at >= 0:
        holds.counts[FREE] = holds.after[at]
    else:
        at = holds.counts[USED]
        holds.counts[USED] += 1
    holds.until[at] = end
    if before < 0:
        holds.rows[at, :] = 0
        holds.after[at], holds.head[v] = holds.head[v], at
    else:
        holds.rows[at, :] = holds.rows[before]
        holds.after[at], holds.after[before] = holds.after[before], at
    return at


@_jit
def _shorter(holds: Any, last: Any, now: Any) -> None:
    """Let those in `news`, who got a hold, be among those of the shorter holds behind it; drop what is over, or nobody's until just then."""
    rows, after, news = holds.rows, holds.after, holds.news
    at = after[last]
    while at >= 0:
        following, some = after[at], np.uint64(0)
        if holds.until[at] > now:
            for w in range(len(news)):
                rows[at, w] |= news[w]
                some |= rows[at, w] ^ rows[last, w]
        if some:
            last = at
        else:
            after[last] = following
            _free(holds, at)
        at = following


@_jit
def _add(holds: Any, row: Any, v: Any, end: Any, now: Any, order: Any) -> None:
    """Let those in `row` hold node v until `end`, if they do not already."""
    before, at = -1, holds.head[v]
    while at >= 0 and holds.until[at] > end:
        before, at = at, holds.after[at]
    same = at >= 0 and holds.until[at] == end
    known = at if same else before
    news, left = holds.news, np.uint64(0)
    for w in range(len(news)):
        news[w] = row[w] & ~holds.rows[known, w] if known >= 0 else row[w]
        left |= news[w]
    if left == 0:
        return
    if not same:
        at = _inserted(holds, v, before, end)
    for w in range(len(news)):
        holds.rows[at, w] |= news[w]
        holds.found[v, w] |= news[w]
        holds.fresh[v, w] |= news[w]
    _shorter(holds, at, now)
    if holds.queued[v] < end:
        _push(holds, v, end, order)


@_jit
def _fresh(holds: Any, u: Any, part: Any) -> Any:
    """Put into `part` whose longest holds of u are still to be walked. Returns until when they are, or _NOT."""
    at = holds.head[u]
    while at >= 0:
        left = np.uint64(0)
        for w in range(len(part)):
            part[w] = holds.fresh[u, w] & holds.rows[at, w]
            left |= part[w]
        if left:
            return holds.until[at]
        at = holds.after[at]
    return _NOT


@_jit
def _settle(holds: Any, flow: Any, now: Any, horizon: Any, order: Any, part: Any) -> Any:
    """Walk the steps that are open now until nothing more begins now."""
    while holds.counts[SIZE]:
        u, end = _pop(holds)
        if holds.queued[u] != end:
            continue
        holds.queued[u] = _NOT
        until = _fresh(holds, u, part)
        if until == _NOT:
            continue
        for w in range(len(part)):
            holds.fresh[u, w] &= ~part[w]
        holds = _room(holds, flow.first[u + 1] - flow.first[u] + 1)
        for step in range(flow.first[u], flow.first[u + 1]):
            if flow.closes[step] <= now:
                break  # and so have all that follow
            if flow.opens[step] <= now:
                v = flow.target[step]
                stop = _end_of_hold(flow, v, now, horizon) if flow.foothold[step] else min(until, flow.closes[step])
                _add(holds, part, v, stop, now, order)
        more = _fresh(holds, u, part)
        if more > holds.queued[u]:
            _push(holds, u, more, order)
    holds.counts[PUSHED] = 0
    return holds


@_jit
def _open(holds: Any, flow: Any, step: Any, now: Any, horizon: Any, order: Any) -> None:
    """Take a step that opens now, or that is open when its target is cleaned, for those who hold its source."""
    v, close = flow.target[step], flow.closes[step]
    last, at = -1, holds.head[flow.source[step]]
    if flow.foothold[step]:
        while at >= 0 and holds.until[at] > now:
            last, at = at, holds.after[at]
        if last >= 0:
            _add(holds, holds.rows[last], v, _end_of_hold(flow, v, now, horizon), now, order)
        return
    while at >= 0 and holds.until[at] >= close:
        last, at = at, holds.after[at]
    if last >= 0:
        _add(holds, holds.rows[last], v, close, now, order)
    while at >= 0 and holds.until[at] > now:
        _add(holds, holds.rows[at], v, holds.until[at], now, order)
        at = holds.after[at]


@_jit
def sweep(flow: Any, starts: Any, ends: Any, start: Any, horizon: Any, order: Any, words: Any) -> Any:
    """For each node a row of bits: which of `starts` (held from `start` until `ends`) hold it at some time before `horizon`.

    `order[v]`: nodes with a lower number are walked first, among holds of one length; of use where steps lead from low to high.
    """
    n = len(flow.first) - 1
    room = 1024 + n + len(starts)
    holds = _Holds(
        np.full(n, -1, np.int32), np.empty(room, np.int64), np.empty(room, np.int32), np.empty((room, words), np.uint64),
        np.zeros((n, words), np.uint64), np.zeros((n, words), np.uint64), np.full(n, _NOT, np.int64),
        np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int32), np.array([0, -1, 0, 0]), np.zeros(words, np.uint64),
    )  # fmt: skip
    part = np.zeros(words, np.uint64)
    for i in range(len(starts)):
        part[:] = 0
        part[i >> 6] = np.uint64(1) << np.uint64(i & 63)
        _add(holds, part, starts[i], ends[i], start, order)
    holds = _settle(holds, flow, start, horizon, order, part)
    i, j = 0, 0
    while i < len(flow.opening) or j < len(flow.cleaning):
        now = flow.opens[flow.opening[i]] if i < len(flow.opening) else horizon
        if j < len(flow.cleaning):
            now = min(now, flow.cleaning[j, 0])
        while i < len(flow.opening) and flow.opens[flow.opening[i]] == now:
            step = flow.opening[i]
            holds = _room(holds, _many(holds, flow.source[step]))
            _open(holds, flow, step, now, horizon, order)
            i += 1
        while j < len(flow.cleaning) and flow.cleaning[j, 0] == now:
            v = flow.cleaning[j, 1]
            for k in range(flow.into_first[v], flow.into_first[v + 1]):
                step = flow.into[k]
                if flow.opens[step] < now < flow.closes[step]:
                    holds = _room(holds, _many(holds, flow.source[step]))
                    _open(holds, flow, step, now, horizon, order)
            j += 1
        holds = _settle(holds, flow, now, horizon, order, part)
    return holds.found
