"""The maps within a network, and its input, as one unit of the chosen output sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.answer.examine import Examination
from archscope.dependence.answer.receptive import Receptive
from archscope.dependence.record.graph import Value
from archscope.dependence.sets.products import Ways, over, reached, seen_along


@dataclass(frozen=True, eq=False)
class Map:
    """One map within, or the input, as a unit of the output sees it."""

    name: str
    value: Value
    ways: Ways
    """From each position to the unit, up to a factor."""
    axes: tuple[int, ...]
    """Its axes of positions."""
    jump: tuple[Fraction | None, ...]
    """Positions of this map between neighbouring units of the output, along each axis."""
    through: tuple[str, ...]
    """Modules that look at other positions, from this map to the output."""
    clipped: bool
    """Whether the unit would see more of it, if the map did not end."""

    @property
    def mask(self) -> NDArray[np.float64]:
        """Ways from each position to the unit, up to a factor; over the axes of positions."""
        return over(self.ways, self.axes)

    @cached_property
    def reached(self) -> int:
        """Positions over all axes that the unit sees."""
        return reached(self.ways, self.axes)

    @cached_property
    def paths(self) -> tuple[NDArray[np.float64], ...]:
        """Ways from all positions with the same place along each axis, up to a factor."""
        return tuple(over(self.ways, (axis,)) for axis in self.axes)

    @cached_property
    def seen(self) -> tuple[NDArray[np.bool_], ...]:
        """Which places along each axis the unit sees."""
        return tuple(seen_along(self.ways, axis) for axis in self.axes)


def maps_within(found: Receptive) -> Iterator[Map]:
    """Yield the input and every map that all the chosen output sees of it passes through.

    The last comes first.
    """
    exam, target = found.looked_from, found.looked_at
    made = {value: call.path or "(model)" for value, call in exam.made_by.items()}
    names = {exam.seed: "input", **made}
    passages = _passages(exam, target.value)
    values = [value for value in names if value != target.value and value in passages]
    jumps = [one.jump for one in target.lines]
    looking = [(one.value.index, one.name) for one in found.layers if one.looks]
    for value, ways in exam.ways(target.value, found.unit, values):
        field = exam.local_or_total(value)
        if field is None or not field.is_map:
            continue
        axes = [field.map_axis(axis) for axis in range(len(exam.axes))]
        steps = tuple(
            None if mine is None or not one.jump else mine / one.jump
            for mine, one in zip(jumps, field.lines, strict=True)
        )
        behind = (name for at, name in looking if value.index < at <= target.value.index)
        made_of = Map(
            name=names[value],
            value=value,
            ways=ways,
            axes=tuple(axis for axis in axes if axis is not None),
            jump=steps,
            through=tuple(behind),
            clipped=False,
        )
        if not all(one.any() for one in made_of.seen):
            continue
        touches = any(one[[0, -1]].any() and len(one) > 1 for one in made_of.seen)
        yield replace(made_of, clipped=touches and not target.is_whole)


def _passages(exam: Examination, target: Value) -> frozenset[Value]:
    """Return the values that every way from the input to the target passes through.

    Walking the values in the order in which they were made, a value is such a passage where no
    edge that is on some way goes past it.
    """
    edges = [
        edge
        for each in exam.lowered
        for edge in each.edges
        if edge not in exam.dependences.cut or not exam.without_reductions(target)
    ]
    after, before = {target}, {exam.seed}
    for edge in edges:
        if edge.source in before:
            before.add(edge.target)
    for edge in reversed(edges):
        if edge.target in after:
            after.add(edge.source)
    order = sorted(after & before, key=lambda one: (one.index, one.part))
    place = {value: number for number, value in enumerate(order)}
    farthest, found = 0, set()
    ends: dict[Value, int] = {}
    for edge in edges:
        if edge.source in place and edge.target in place:
            ends[edge.source] = max(ends.get(edge.source, 0), place[edge.target])
    for number, value in enumerate(order):
        if farthest <= number:
            found.add(value)
        farthest = max(farthest, ends.get(value, 0))
    return frozenset(found)
