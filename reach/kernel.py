"""The compiled part of the search: labels (node, from, until) in order of `from`, for both kinds of hold.

What begins at one time is walked as a queue, fewest steps first. What begins later waits unsorted until that time is walked; most
of it is overtaken meanwhile and dropped. The rest waits in buckets of time, and only the bucket that is due is ordered, by a heap. A bucket
is a chain of blocks that lie together: the labels of one bucket come from all over the graph, and would else be read one by one.
A label that extends how long its node is held looks only at steps that close after the earlier hold ended.

All that is slow here is waiting for memory. Hence narrow types, one row of numbers a label, a bit for each node held for good (a step
to it is skipped before anything else is read; the bits fit into the fastest cache), and fetching ahead what the next labels need.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from reach.graph import BUCKETS

NODE, START, END, BEFORE, VIA, HAD = range(6)
"""The columns of a label. `via`: index into the sorted steps. `had`: until when its node was held by earlier labels."""
_NEXT = HAD
"""The same column of the first label of a block while it waits: the block before, of its bucket or of those that are free."""
_BLOCK = 16
"""Labels in a block. A bucket is a row (its last block, how many labels are in that)."""
_LARGE, _MANY, _PARTS = 1 << 21, 2048, 512
"""On a graph of so many steps a queue of so many labels is sorted by node, roughly, into so many parts: what is read next then lies near."""
_AHEAD = 8
"""So many labels ahead of the one that is walked, its node's steps are fetched; the places where they begin, twice as many."""


def _jit(function: Any) -> Any:
    return numba.njit(cache=True, nogil=True)(function)


def _fetching(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    """Code for `_fetch`."""
    array = context.make_array(signature.args[0])(context, builder, given[0])
    place = builder.bitcast(builder.gep(array.data, [given[1]]), ir.IntType(8).as_pointer())
    numbers = [ir.Constant(ir.IntType(32), number) for number in (0, 3, 1)]  # to read, to keep, data
    # Under its name without a suffix, which every version of LLVM completes for the kind of pointers it has.
    fetch = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [place.type, *(n.type for n in numbers)]), "llvm.prefetch")
    builder.call(fetch, [place, *numbers])
    return context.get_dummy_value()


@intrinsic  # type: ignore[untyped-decorator]
def _fetch(_: Any, array: Any, index: Any) -> Any:
    """Ask for element `index` of an array (as it lies in memory) to be brought, without waiting. An index out of range does no harm."""
    return types.void(array, types.intp), _fetching


@_jit
def end_of_hold(cleaned: Any, low: Any, high: Any, time: Any, never: Any) -> Any:
    """The first remediation after `time` in cleaned[low:high], or never."""
    last = high
    while low < high:
        middle = (low + high) // 2
        if cleaned[middle] <= time:
            low = middle + 1
        else:
            high = middle
    return cleaned[low] if low < last else never


@_jit
def _still_open(times: Any, low: Any, high: Any, had: Any) -> Any:
    """Where the steps low:high, which close last first, begin to close by `had`."""
    while low < high:
        middle = (low + high) // 2
        if times[middle, 1] > had:
            low = middle + 1
        else:
            high = middle
    return low


@_jit
def _room(labels: Any, used: Any, more: Any) -> Any:
    """The array with room for `more` labels after `used`: itself, or one at least twice as long."""
    if used + more <= len(labels):
        return labels
    larger = np.empty((max(2 * len(labels), used + more), labels.shape[1]), labels.dtype)
    larger[:used] = labels[:used]
    return larger


@_jit
def _put(labels: Any, at: Any, node: Any, start: Any, end: Any, before: Any, via: Any) -> None:
    labels[at, NODE], labels[at, START], labels[at, END], labels[at, BEFORE], labels[at, VIA] = node, start, end, before, via


@_jit
def _copy(source: Any, a: Any, target: Any, b: Any) -> None:
    for column in range(NODE, HAD):
        target[b, column] = source[a, column]


@_jit
def _keep(kept: Any, at: Any, held: Any, node: Any, start: Any, end: Any, before: Any, via: Any, never: Any) -> None:
    """Keep a label that extends how long its node is held."""
    best, good = held
    _put(kept, at, node, start, end, before, via)
    kept[at, HAD] = best[node]
    best[node] = end
    if end == never:
        good[node >> 6] |= np.uint64(1) << np.uint64(node & 63)


@_jit
def _sooner(a: Any, i: Any, b: Any, j: Any) -> Any:
    """Earlier start first, then the longer hold, then the one found first."""
    if a[i, START] != b[j, START]:
        return a[i, START] < b[j, START]
    if a[i, END] != b[j, END]:
        return a[i, END] > b[j, END]
    return a[i, BEFORE] < b[j, BEFORE] or (a[i, BEFORE] == b[j, BEFORE] and a[i, VIA] < b[j, VIA])


@_jit
def _push(heap: Any, at: Any, labels: Any, label: Any) -> None:
    """Put a label into the heap, which has `at` so far."""
    while at > 0:
        parent = (at - 1) >> 1
        if not _sooner(labels, label, heap, parent):
            break
        _copy(heap, parent, heap, at)
        at = parent
    _copy(labels, label, heap, at)


@_jit
def _pop(heap: Any, size: Any) -> None:
    """Take the first of `size` labels out of the heap."""
    last, at = size - 1, 0
    while True:
        child = 2 * at + 1
        if child >= last:
            break
        if child + 1 < last and _sooner(heap, child + 1, heap, child):
            child += 1
        if not _sooner(heap, child, heap, last):
            break
        _copy(heap, child, heap, at)
        at = child
    _copy(heap, last, heap, at)


@_jit
def search(n: Any, graph: Any, seeds: Any, horizon: Any, always: Any, never: Any, lowest: Any, shift: Any) -> Any:
    """The kept labels. `seeds`: rows (node, from, until). Times are as those of the graph, with `always` and `never` for no bound.

    `lowest`, `shift`: times from `lowest` on, divided by 2**shift, are the numbers of their buckets.
    """
    times = graph[2]
    held = np.full(n, always, times.dtype), np.zeros((n >> 6) + 1, np.uint64)  # until when each node is held, and whether for good
    kept, many, head = np.empty((n + 64, 6), times.dtype), 0, 0
    later, found = np.empty((64 + len(seeds), 6), times.dtype), len(seeds)  # later[:found] was found to begin later, and is not yet put away
    heap, size = np.empty((64, HAD), times.dtype), 0
    blocks, buckets = np.empty((64 * _BLOCK, 6), times.dtype), np.full((BUCKETS, 2), -1, np.int32)
    used, due = np.array([0, -1]), -1  # all up to the bucket that is due are in the heap
    for i in range(len(seeds)):
        _put(later, i, seeds[i, 0], seeds[i, 1], seeds[i, 2], -1, -1)
    while True:
        # Nothing more begins now. Put away what was found to begin later.
        heap = _room(heap, size, found)
        blocks = _room(blocks, used[0] * _BLOCK, min(found * _BLOCK, found + BUCKETS * _BLOCK))
        size = _put_away(later, found, held[0], heap, size, blocks, buckets, used, due, lowest, shift)
        while size == 0 and due + 1 < len(buckets):
            due += 1
            if buckets[due, 0] >= 0:
                heap, size = _open(graph, buckets[due], blocks, used, held[0], heap)
        if size == 0:
            return kept[:many]
        kept = _room(kept, many, size)
        size, many = _begin(graph, heap, size, kept, many, held, horizon, never)
        kept, many, later, found = _spread(graph, held, kept, many, head, later, horizon, always, never)
        head = many


@_jit
def _lengthen(blocks: Any, bucket: Any, used: Any) -> None:
    """Give a bucket one more block, of those that are free, or a new one. `used`: blocks used so far, the first that is free."""
    block = used[1]
    if block >= 0:
        used[1] = blocks[block * _BLOCK, _NEXT]
    else:
        block = used[0]
        used[0] += 1
    blocks[block * _BLOCK, _NEXT] = bucket[0]
    bucket[0], bucket[1] = block, 0


@_jit
def _put_away(later: Any, found: Any, best: Any, heap: Any, size: Any, blocks: Any, buckets: Any, used: Any, due: Any, lowest: Any, shift: Any) -> Any:
    """Sort later[:found] into the heap (what is due) and the buckets, without those that no longer extend a hold."""
    for i in range(found):
        if later[i, END] <= best[later[i, NODE]]:
            continue
        bucket = min(max((later[i, START] >> shift) - (lowest >> shift), 0), len(buckets) - 1)
        if bucket <= due:
            _push(heap, size, later, i)
            size += 1
            continue
        if buckets[bucket, 0] < 0 or buckets[bucket, 1] == _BLOCK:
            _lengthen(blocks, buckets[bucket], used)
        _copy(later, i, blocks, buckets[bucket, 0] * _BLOCK + buckets[bucket, 1])
        buckets[bucket, 1] += 1
    return size


@_jit
def _open(graph: Any, bucket: Any, blocks: Any, used: Any, best: Any, heap: Any) -> Any:
    """The heap of a bucket's labels that still extend a hold."""
    runs = graph[0]
    size, block, many = 0, bucket[0], bucket[1]
    while block >= 0:
        first = block * _BLOCK
        before = blocks[first, _NEXT]
        if before >= 0:
            for i in range(_BLOCK // 2):
                _fetch(blocks, (before * _BLOCK + 2 * i) * 6)
        for i in range(first, first + many):
            _fetch(best, blocks[i, NODE])
        heap = _room(heap, size, many)
        for i in range(first, first + many):
            if blocks[i, END] > best[blocks[i, NODE]]:
                _push(heap, size, blocks, i)
                _fetch(runs, 2 * blocks[i, NODE])
                size += 1
        blocks[first, _NEXT] = used[1]
        used[1] = block
        block, many = before, _BLOCK
    return heap, size


@_jit
def _begin(graph: Any, heap: Any, size: Any, kept: Any, many: Any, held: Any, horizon: Any, never: Any) -> Any:
    """Keep what begins next: of the heap's first time, all labels that extend a hold."""
    runs, target, times = graph[:3]
    now = heap[0, START]
    while size > 0 and heap[0, START] == now:
        node, end = heap[0, NODE], heap[0, END]
        if end > held[0][node] and now < min(end, horizon):
            _keep(kept, many, held, node, now, end, heap[0, BEFORE], heap[0, VIA], never)
            many += 1
        _pop(heap, size)
        size -= 1
    for i in range(min(size, 3)):
        _fetch(target, runs[heap[i, NODE], 0])
        _fetch(times, 2 * runs[heap[i, NODE], 1])
    return size, many


@_jit
def _sort(kept: Any, low: Any, high: Any, n: Any) -> None:
    """Sort the labels kept[low:high], which no other refers to yet, by their nodes' leading bits."""
    shift = 0
    while (n >> shift) >= _PARTS:
        shift += 1
    places = np.zeros(_PARTS + 1, np.int64)
    for i in range(low, high):
        places[(kept[i, NODE] >> shift) + 1] += 1
    for i in range(_PARTS):
        places[i + 1] += places[i]
    rows = np.empty((high - low, 6), kept.dtype)
    for i in range(low, high):
        part = kept[i, NODE] >> shift
        at = places[part]
        places[part] += 1
        for column in range(6):
            rows[at, column] = kept[i, column]
    kept[low:high] = rows


@_jit
def _spread(graph: Any, held: Any, kept: Any, many: Any, head: Any, later: Any, horizon: Any, always: Any, never: Any) -> Any:
    """Walk from the labels at `head` and on until nothing more begins at their time; what begins later is put into `later`."""
    runs, target, times, cleaned_first, cleaned = graph
    found, level = 0, many
    holds = 1  # what one step can make at most
    if len(cleaned):
        holds += np.max(cleaned_first[1:] - cleaned_first[:-1])
    while head < many:
        if head == level:
            level = many
            if len(target) > _LARGE and many - head > _MANY:
                _sort(kept, head, many, len(held[0]))
        if head + 2 * _AHEAD < many:
            _fetch(runs, 2 * kept[head + 2 * _AHEAD, NODE])
        if head + _AHEAD < many:
            ahead = kept[head + _AHEAD, NODE]
            _fetch(target, runs[ahead, 0])
            _fetch(target, runs[ahead, 0] + 16)  # the line of 64 bytes after that
            if runs[ahead, 1] < runs[ahead + 1, 0]:
                _fetch(times, 2 * runs[ahead, 1])
        node, had = kept[head, NODE], kept[head, HAD]
        low, bounded, high = runs[node, 0], runs[node, 1], runs[node + 1, 0]
        if had != always:
            high = _still_open(times, bounded, high, had)  # the others closed while the node was held before: they were taken then
        kept, later = _room(kept, many, high - low), _room(later, found, (high - low) * holds)
        many, found = _walk(low, bounded, high, graph, held, kept, many, head, later, found, horizon, never)
        head += 1
    return kept, many, later, found


@_jit
def _walk(low: Any, bounded: Any, high: Any, graph: Any, held: Any, kept: Any, many: Any, head: Any, later: Any, found: Any, horizon: Any, never: Any) -> Any:
    """Take the steps low:high (from `bounded` on they have bounds) from the label at `head`."""
    _, target, times, cleaned_first, cleaned = graph
    best, good = held
    now, until = kept[head, START], kept[head, END]
    for step in range(low, high):
        node = target[step] >> 1
        if good[node >> 6] >> np.uint64(node & 63) & np.uint64(1):
            continue
        begin, stop = now, until
        if step >= bounded:
            begin, stop = max(now, times[step, 0]), min(until, times[step, 1])
        # Borrowed: one hold. Foothold: one until the next remediation, and again from each while the way is open.
        while begin < stop and begin < horizon:
            end = stop
            if target[step] & 1:
                end = end_of_hold(cleaned, cleaned_first[node], cleaned_first[node + 1], begin, never) if len(cleaned) else never
            if end > best[node] and begin == now:
                _keep(kept, many, held, node, now, end, head, step, never)
                many += 1
            elif end > best[node]:
                _put(later, found, node, begin, end, head, step)
                found += 1
            begin = end
    return many, found
