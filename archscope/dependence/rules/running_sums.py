"""Rules of differences: of two sums so far of one value, all that both hold cancels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.record.graph import Node, Shape, Value
from archscope.dependence.record.prefixes import Prefix, weights_of
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import MayCancelError, RuleSet, edges, pointwise, targets
from archscope.dependence.sets.links import Ranges, shifted, so_far
from archscope.dependence.sets.steps import Edge, Keep, Permute, Reshape, Step, Take, everything

RULES = RuleSet()

Places = NDArray[np.int64]
MOST_PAIRS = 1 << 16
"""Pairs of sums so far, along other axes alike, up to which each is told."""
MOST_HELD = 1 << 24
"""Pairs of results and positions up to which ranges with holes between them are told."""
MOST_CELLS = 1 << 24
"""Parts of sums so far over all pairs up to which it is told whether they cancel."""


@RULES.of("add", "sub", "rsub")
def sum_or_difference(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from those at its place, but of sums so far from what does not cancel."""
    given, (target,) = node.arguments, targets(node)
    one, other = given["self"], given["other"]
    plain, weights = pointwise(node, zeros), weights_of(node)
    if not isinstance(one, Value) or not isinstance(other, Value) or weights is None:
        return plain
    total = zeros.prefixes.of(target)
    pairs = zip((one, other), weights, strict=True)
    known = [sums.times(weight) for part, weight in pairs if (sums := zeros.prefixes.of(part))]
    if total is None and not known:
        same = zeros.prefixes.same(one, other, target.shape) if sum(weights) == 0 else None
        return _without_same(plain, same)
    if len(known) == 2 and all(weight > 0 for each in known for weight in each.weights):
        return plain  # nothing is taken off
    if total is None:
        if len(known) > len({each.source for each in known}):
            raise MayCancelError(plain + _looking(known[0], target))
        return plain
    steps = _left(total, target.shape) if total.weights else None
    if steps is None and total.weights:
        raise MayCancelError(plain + _looking(total, target))
    return edges(total.source, steps, target) if steps is not None else []


def _without_same(plain: list[Edge], same: NDArray[np.bool_] | None) -> list[Edge]:
    """Leave out where an element is taken off itself: nothing is left of it."""
    if same is None or not same.any():
        return plain
    if same.all():
        return []
    return [replace(edge, steps=(*edge.steps, Keep(~same))) for edge in plain]


def _looking(known: Prefix, target: Value) -> list[Edge]:
    """Return an edge that says along which axes of the source all this is a bound."""
    shape = known.source.shape
    if shape == target.shape:
        steps = (Take(axis, so_far(shape[axis])) for axis in known.axes)
        return edges(known.source, steps, target)
    return edges(known.source, everything(shape, target.shape), target)


def _left(total: Prefix, after: Shape) -> tuple[Step, ...] | None:
    """Return the steps to what is left of sums along some axes, the other axes kept apart."""
    shape = total.source.shape
    places = [np.broadcast_to(known, after) for known in total.places]
    at = [np.unravel_index(np.maximum(known - 1, 0), shape) for known in places]
    apart = _apart(total, places, at, after)
    if apart is None:
        return None
    kept = [on for on, _ in apart.values()]
    rest = [on for on in range(len(after)) if on not in kept]
    ends = [
        [_ends(known, where[axis], rest, after) for known, where in zip(places, at, strict=True)]
        for axis in total.axes
    ]
    if any(one is None for each in ends for one in each):
        return None
    links = _links(np.array(ends), total, tuple(after[on] for on in rest))
    if links is None:
        return None
    front = [own for own in range(len(shape)) if own not in total.axes]
    made = [rest[number] for own, _ in links for number in own]
    kept_sizes = (after[apart[own][0]] if own in apart else 1 for own in front)
    taken = (*kept_sizes, *(one.size for _, one in links))
    return (
        *(Take(own, shifted(shape[own], after[on], first)) for own, (on, first) in apart.items()),
        Permute((*front, *total.axes)),
        *(Take(len(front) + number, one) for number, (_, one) in enumerate(links)),
        Reshape(taken, tuple(after[on] for on in (*kept, *made))),
        Permute(tuple(int(on) for on in np.argsort([*kept, *made]))),
    )


def _apart(
    total: Prefix, places: list[Places], at: list[tuple[Places, ...]], after: Shape
) -> dict[int, tuple[int, int]] | None:
    """Return of each axis that is not summed along which it becomes, and where that begins on it.

    None where one becomes none.
    """
    shape = total.source.shape
    found: dict[int, tuple[int, int]] = {}
    for own in range(len(shape)):
        if own in total.axes or shape[own] == 1:
            continue
        taken = [on for on, _ in found.values()]
        free = (on for on in range(len(after)) if on not in taken and after[on] <= shape[own])
        begins = ((on, _begin(places, at, own, on, after)) for on in free)
        match = next(((on, first) for on, first in begins if first is not None), None)
        if match is None:
            return None
        found[own] = match
    return found


def _links(
    ends: Places, total: Prefix, sizes: Shape
) -> list[tuple[tuple[int, ...], Ranges]] | None:
    """Return which of some axes each summed one is told along, and what positions these read.

    `ends` are after which position each sum ends, (summed axes, sums, results). None where what is
    left is no product of ranges, or ranges of two axes differ along one, or they are too many.
    """
    axes, sums, results = ends.shape
    boxes = _boxes(ends, total.weights) if sums**axes * results <= MOST_CELLS else None
    if boxes is None:
        return None
    whole = [np.stack(box, axis=-1).reshape(*sizes, -1) for box in boxes]
    owners = [
        [number for number, box in enumerate(whole) if (box != box.take([0], axis)).any()]
        for axis in range(len(sizes))
    ]
    if any(len(own) > 1 for own in owners):
        return None
    found = []
    for number, ((starts, stops), reads) in enumerate(
        zip(boxes, (total.source.shape[axis] for axis in total.axes), strict=True)
    ):
        own = tuple(axis for axis, has in enumerate(owners) if number in (has or [0]))
        first = tuple(slice(None) if axis in own else 0 for axis in range(len(sizes)))
        begins = (ends[number] == 0).any(axis=0)[:, None]
        ranges_of = (one.reshape(*sizes, -1)[first] for one in (starts, stops, begins))
        low, high, of_none = (one.reshape(-1, one.shape[-1]) for one in ranges_of)
        if len(low) > MOST_PAIRS or (low.shape[1] > 1 and len(low) * reads > MOST_HELD):
            return None
        cut = _cut_short(low, high, of_none[:, 0] > 0)
        found.append((own, Ranges(reads, low, high, clipped=cut)))
    return found


def _cut_short(low: Places, high: Places, of_none: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return which results would read from before the first position, if there were any.

    These are sums of none where the others are of windows in a row. None where they are not.
    """
    others = np.flatnonzero(~of_none)
    if len(others) < 2:
        return None
    one, last = others[0], others[-1]
    step = (low[last] - low[one]) // (last - one)
    on = low[one] + step * (np.arange(len(low)) - one)[:, None]
    end = on + high[one] - low[one]
    is_so = (low == np.maximum(on, 0)) & (high == np.maximum(end, 0))
    is_so |= (low == high) & (end <= 0)
    return of_none & (on < 0).any(axis=1) if is_so.all() else None


def _boxes(ends: Places, weights: Sequence[float]) -> list[tuple[Places, Places]] | None:
    """Return along each axis the ranges, (results, ranges), whose product is left of sums; None
    where it is none."""
    stops = np.sort(ends, axis=1)
    starts = np.concatenate([np.zeros_like(stops[:, :1]), stops[:, :-1]], axis=1)
    reached = ends[:, :, None] > starts[:, None]  # (axes, sums, ranges, results)
    each = (reduce(_each_by_each, reached[:, number]) for number in range(len(weights)))
    times = sum(weight * one for weight, one in zip(weights, each, strict=True))
    left = (times != 0) & reduce(_each_by_each, stops > starts)
    others = [tuple(o for o in range(len(ends)) if o != axis) for axis in range(len(ends))]
    along = [left.any(axis=other) for other in others]
    if (reduce(_each_by_each, along) != left).any():
        return None
    return [_united(*box) for box in zip(starts, stops, along, strict=True)]


def _united(starts: Places, stops: Places, held: NDArray[np.bool_]) -> tuple[Places, Places]:
    """Return ranges in a row, of which some are held, (ranges, results), as one if it is one."""
    low = np.where(held, starts, stops[-1]).min(axis=0)
    high = np.where(held, stops, low).max(axis=0)
    if np.array_equal(((stops - starts) * held).sum(axis=0), high - low):
        return low[:, None], high[:, None]
    some = held.any(axis=1)
    return starts[some].T, np.where(held, stops, starts)[some].T


def _each_by_each(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return products of each along all axes but the last, which both share."""
    return one[..., None, :] & other


def _begin(
    places: list[Places], at: list[tuple[Places, ...]], own: int, on: int, after: Shape
) -> int | None:
    """Return where on an axis of what is summed one of the difference begins that lies along it.

    None where it does not, or where that is not the same of all sums.
    """
    number = np.arange(after[on]).reshape([-1 if axis == on else 1 for axis in range(len(after))])
    begins = [(where[own] - number)[known > 0] for known, where in zip(places, at, strict=True)]
    found = np.unique(np.concatenate(begins))
    return int(found[0]) if len(found) == 1 else None


def _ends(known: Places, position: Places, rest: list[int], after: Shape) -> Places | None:
    """Return after which position each sum ends, by the other axes; None: they are not alike."""
    ends = np.where(known == 0, 0, position + 1)
    front = [axis for axis in range(len(after)) if axis not in rest]
    moved = ends.transpose([*front, *rest]).reshape(prod(after[axis] for axis in front), -1)
    return moved[0] if bool((moved == moved[:1]).all()) else None
