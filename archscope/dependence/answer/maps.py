"""The maps within a network, and its input, as one unit of the chosen output sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.answer.backward import over
from archscope.dependence.answer.examine import Examination
from archscope.dependence.answer.receptive import Receptive
from archscope.dependence.record.graph import Value


@dataclass(frozen=True, eq=False)
class Map:
    """One map within, or the input, as a unit of the output sees it."""

    name: str
    value: Value
    mask: NDArray[np.float64]
    """Ways from each position to the unit, up to a factor; over the axes of positions."""
    jump: tuple[Fraction | None, ...]
    """Positions of this map between neighbouring units of the output, along each axis."""
    through: tuple[str, ...]
    """Modules that look at other positions, from this map to the output."""
    is_passage: bool
    """Whether everything that the output sees of the input passes through it."""
    clipped: bool
    """Whether the unit would see more of it, if the map did not end."""


def maps_within(found: Receptive) -> Iterator[Map]:
    """Yield the input and every map within that reaches the chosen output, in order."""
    exam, target = found.looked_from, found.looked_at
    made = {value: call.path or "(model)" for value, call in exam.made_by.items()}
    names = {exam.seed: "input", **made}
    values = [value for value in names if value != target.value]
    reached = exam.ways(target.value, found.unit, values)
    passages = _passages(exam, target.value)
    jumps = [one.jump for one in target.lines]
    looking = [layer for layer in found.layers if layer.looks]
    for value in values:
        field = exam.local(value) or exam.total(value)
        if value not in reached or field is None or not field.is_map:
            continue
        axes = [field.map_axis(axis) for axis in range(len(exam.axes))]
        mask = over(reached[value], [axis for axis in axes if axis is not None])
        if not mask.any():
            continue
        steps = tuple(
            None if mine is None or not one.jump else mine / one.jump
            for mine, one in zip(jumps, field.lines, strict=True)
        )
        touches = any(
            mask.take([0, -1], axis=axis).any() and mask.shape[axis] > 1
            for axis in range(mask.ndim)
        )
        behind = (one for one in looking if value.index < one.value.index <= target.value.index)
        yield Map(
            name=names[value],
            value=value,
            mask=mask,
            jump=steps,
            through=tuple(one.name for one in behind),
            is_passage=value in passages,
            clipped=touches and not target.is_whole,
        )


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
    order = sorted(after & before, key=lambda one: one.index)
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
