"""Rules of differences: of two sums so far of one value, all that both hold cancels."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.record.graph import Node, Shape, Value
from archscope.dependence.record.prefixes import Prefix
from archscope.dependence.record.zeros import Zeros
from archscope.dependence.rules import MayCancelError, RuleSet, edges, pointwise, targets
from archscope.dependence.sets.links import ranges, so_far
from archscope.dependence.sets.steps import Edge, Keep, Permute, Reshape, Step, Take, everything

RULES = RuleSet()

Places = NDArray[np.int64]
MOST_PAIRS = 1 << 16
"""Pairs of sums so far, along other axes alike, up to which each is told."""


@RULES.of("sub", "rsub")
def difference(node: Node, zeros: Zeros) -> list[Edge]:
    """Each element from those at its place, but of two sums so far from what lies between."""
    given, (target,) = node.arguments, targets(node)
    one, other = given["self"], given["other"]
    plain = pointwise(node, zeros)
    if not isinstance(one, Value) or not isinstance(other, Value) or given.get("alpha", 1) != 1:
        return plain
    first, second = zeros.prefixes.of(one), zeros.prefixes.of(other)
    known = first or second
    if known is None:
        return _without_same(plain, zeros.prefixes.same(one, other, target.shape))
    summed = zeros.prefixes.are_one(other if first else one, known.source)
    if (
        summed
        and known.source.shape == target.shape
        and np.array_equal(known.places.reshape(-1), np.arange(1, prod(target.shape) + 1))
    ):
        own = np.arange(target.shape[known.axis])
        links = ranges(len(own), np.zeros_like(own), own)
        return edges(known.source, (Take(known.axis, links),), target)
    if first is None or second is None or first.source != second.source:
        return plain
    if first.axis != second.axis:
        return plain
    steps = _between(first, second, target.shape)
    if steps is None:
        raise MayCancelError(plain + _looking(first, target))
    return edges(first.source, steps, target)


def _without_same(plain: list[Edge], same: NDArray[np.bool_] | None) -> list[Edge]:
    """Leave out where an element is taken off itself: nothing is left of it."""
    if same is None or not same.any():
        return plain
    if same.all():
        return []
    return [replace(edge, steps=(*edge.steps, Keep(~same))) for edge in plain]


def _looking(known: Prefix, target: Value) -> list[Edge]:
    """Return an edge that says along which axis of the source all this is a bound."""
    shape = known.source.shape
    if shape == target.shape:
        return edges(known.source, (Take(known.axis, so_far(shape[known.axis])),), target)
    return edges(known.source, everything(shape, target.shape), target)


def _between(one: Prefix, other: Prefix, after: Shape) -> tuple[Step, ...] | None:
    """Return the steps to sums between two positions of an axis, the other axes kept apart."""
    shape, axis = one.source.shape, one.axis
    places = [np.broadcast_to(known.places, after) for known in (one, other)]
    at = [np.unravel_index(np.maximum(known - 1, 0), shape) for known in places]
    kept: list[int] = []
    apart = [own for own in range(len(shape)) if own != axis and shape[own] > 1]
    for own in apart:
        free = (on for on in range(len(after)) if on not in kept and after[on] == shape[own])
        match = next((on for on in free if _runs_along(places, at, own, on, after)), None)
        if match is None:
            return None
        kept.append(match)
    rest = [on for on in range(len(after)) if on not in kept]
    sizes = tuple(after[on] for on in rest)
    if prod(sizes) > MOST_PAIRS:
        return None
    first, second = (
        _ends(known, where[axis], rest, after) for known, where in zip(places, at, strict=True)
    )
    if first is None or second is None:
        return None
    low, high = np.minimum(first, second), np.maximum(first, second)
    front = [own for own in range(len(shape)) if own != axis]
    order = np.argsort([*kept, *rest])
    return (
        Permute((*front, axis)),
        Take(len(front), ranges(shape[axis], low, high)),
        Reshape(
            (*(shape[own] for own in front), prod(sizes)), (*(shape[o] for o in apart), *sizes)
        ),
        Permute(tuple(int(on) for on in order)),
    )


def _runs_along(
    places: list[Places], at: list[tuple[Places, ...]], own: int, on: int, after: Shape
) -> bool:
    """Return whether an axis of what is summed is one of the difference, of both of its sides."""
    number = np.arange(after[on]).reshape([-1 if axis == on else 1 for axis in range(len(after))])
    return all(
        bool(((where[own] == number) | (known == 0)).all())
        for known, where in zip(places, at, strict=True)
    )


def _ends(known: Places, position: Places, rest: list[int], after: Shape) -> Places | None:
    """Return after which position each sum ends, by the other axes; None: they are not alike."""
    ends = np.where(known == 0, 0, position + 1)
    front = [axis for axis in range(len(after)) if axis not in rest]
    moved = ends.transpose([*front, *rest]).reshape(prod(after[axis] for axis in front), -1)
    return moved[0] if bool((moved == moved[:1]).all()) else None
