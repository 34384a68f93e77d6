"""Where windows would lie if maps had no ends: the first position of unit 0, and the jump.

Of the given input itself: padding may depend on its size, so that a larger input tells another.
Araujo et al. 2019: a layer of stride s, padding p on a map of jump J that starts at P makes one
that starts at P - p J, of jump s J. Parallel paths are compared by their first positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from archscope.dependence.record.graph import Value
from archscope.dependence.rules import Lowered
from archscope.dependence.sets.axes import cut
from archscope.dependence.sets.steps import (
    Edge,
    Keep,
    Mix,
    Permute,
    Reduce,
    ReduceWhere,
    Reshape,
    Spread,
    SpreadWhere,
    Step,
    Take,
)
from archscope.records import frozen


@frozen
class Place:
    """Where the units of a value lie along one axis of the input."""

    axis: int
    """The value's axis that goes along it, or holds it, merged with others."""
    size: int
    """How many units there are."""
    inner: int = 1
    """How many elements of that axis lie from one unit to the next: more where axes are merged."""
    start: int = 0
    """The first position that unit 0 sees; negative inside padding."""
    jump: int = 1
    """Positions from one unit to the next."""
    reach: int = 1
    """From the first to the last position that a unit sees; no less where maps have room for all
    that is read of them."""

    @property
    def last(self) -> int:
        """The last position that unit 0 sees."""
        return self.start + self.reach - 1


class LostError(Exception):
    """Windows are not each a step further on than the one before."""


class CollapsedError(Exception):
    """All positions become one: such ways are not followed."""


def places(lowered: tuple[Lowered, ...], seed: Value, axis: int) -> Mapping[Value, Place]:
    """Return where the units of each value lie along an axis of the input, where that is told."""
    found: dict[Value, Place | None] = {seed: Place(axis=axis, size=seed.shape[axis])}
    for each in lowered:
        for target in dict.fromkeys(edge.target for edge in each.edges):
            edges = [e for e in each.edges if e.target == target and e.source in found]
            ways = [way for edge in edges if (way := _followed(edge, found[edge.source])) != ()]
            if ways:
                found[target] = _together([way for way in ways if isinstance(way, Place)], ways)
    return {value: place for value, place in found.items() if place is not None}


def _followed(edge: Edge, place: Place | None) -> Place | tuple[()] | None:
    """Return a place at the end of an edge, None where it is lost, () where all become one."""
    if place is None:
        return None
    try:
        for step in edge.steps:
            place = _moved(step, place)
    except LostError:
        return None
    except CollapsedError:
        return ()
    return place


def _together(known: list[Place], ways: list[Place | tuple[()] | None]) -> Place | None:
    alike = len({replace(place, start=0, reach=1) for place in known}) == 1
    if not alike or len(known) < len(ways):
        return None
    start = min(place.start for place in known)
    reach = max(place.last for place in known) - start + 1
    return replace(known[0], start=start, reach=reach)


def _moved(step: Step, place: Place) -> Place:
    """Return a place after a step; raises `LostError` and `CollapsedError`."""
    match step:
        case Permute(order):
            return replace(place, axis=order.index(place.axis))
        case Reshape(before, after):
            return _reshaped(before, after, place)
        case Take(axis, links) if axis == place.axis and not links.is_identity:
            if links.endless is None or place.inner > 1 or links.reads != place.size:
                raise LostError
            first, stride = links.endless
            return replace(
                place,
                size=links.size,
                start=place.start + first * place.jump,
                jump=place.jump * stride,
                reach=place.reach + max(links.span - 1, 0) * abs(place.jump),
            )
        case Mix(axis, reads) if axis == place.axis:
            raise CollapsedError if reads == place.size else LostError
        case Reduce(axes) if place.axis in axes:
            raise CollapsedError
        case ReduceWhere(axis) if axis == place.axis:
            raise LostError
        case Spread(axes, sizes) if place.axis in axes and prod(sizes) > 1:
            raise LostError
        case Keep(mask) | SpreadWhere(mask=mask) if mask.shape[place.axis] > 1:
            raise LostError
    return place


def _reshaped(before: tuple[int, ...], after: tuple[int, ...], place: Place) -> Place:
    """Return a place on the axis that holds its own after a reshape; raises `LostError`."""
    old_start = new_start = 0
    for old, new in cut(before, after):
        own = place.axis - old_start
        if own < len(old):
            apart = place.inner * prod(old[own + 1 :])
            axis, inner = _holder(new, apart, place.size)
            return replace(place, axis=new_start + axis, inner=inner)
        old_start, new_start = old_start + len(old), new_start + len(new)
    raise LostError


def _holder(shape: tuple[int, ...], apart: int, size: int) -> tuple[int, int]:
    """Return which of some axes holds units that lie so far apart, and how far apart on it."""
    step = 1
    for axis in reversed(range(len(shape))):
        ends = step * shape[axis]
        if apart % step == 0 and apart * size <= ends and (shape[axis] > 1 or size == 1):
            return axis, apart // step
        step = ends
    raise LostError
