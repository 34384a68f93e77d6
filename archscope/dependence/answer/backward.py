"""Which elements of every value reach one output unit, and in how many ways: a walk backward.

Ways are counted through the taps of windows and through additions; features count as one (where
channels are mixed, numbers are averaged), and so does an axis along which nothing differs. For a
single path of convolutions these are exactly the path counts of `theory.paths`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.record.graph import Value
from archscope.dependence.rules import Lowered
from archscope.dependence.sets.patterns import Pattern
from archscope.dependence.sets.steps import Edge, applied, backward

LARGEST = 2.0**600
"""Where numbers are divided by 2**500, all alike; float64 ends at 2**1024."""
SMALLEST = 2.0**-900
"""What a number that would vanish so is set to, so that no element is lost."""

Ways = dict[Value, Pattern]
"""Ways from each element of a value to the unit, up to a factor that all values share."""


def ways(
    lowered: tuple[Lowered, ...],
    target: Value,
    unit: dict[int, int],
    wanted: Iterable[Value],
    *,
    without: frozenset[Edge] = frozenset(),
) -> Ways:
    """Return the ways to the elements of `target` at `unit`, from every element of each value.

    `unit` fixes some axes of the target by number; along the others all elements are meant.
    Edges in `without` are not walked.
    """
    kept = set(wanted)
    found: Ways = {target: _start(target, unit)}
    results: Ways = {}
    for each in reversed(lowered):
        for edge in each.edges:
            if edge.target not in found or edge in without:
                continue
            back = found[edge.target]
            for step in backward(edge.steps):
                back = applied(step, back)
            before = found.get(edge.source)
            found[edge.source] = back if before is None else before.united(back)
        for value in each.node.outputs:
            if value in found:
                done = found.pop(value)
                if value in kept:
                    results[value] = done
        _rescale(found)
    return {**results, **{value: found[value] for value in kept if value in found}}


def _start(target: Value, unit: dict[int, int]) -> Pattern:
    sizes = [target.shape[axis] if axis in unit else 1 for axis in range(len(target.shape))]
    entries = np.zeros(sizes)
    entries[tuple(unit.get(axis, 0) for axis in range(len(sizes)))] = 1
    return Pattern(target.shape, entries, (None,) * len(sizes))


def _rescale(found: Ways) -> None:
    largest = max((float(one.entries.max(initial=0)) for one in found.values()), default=0.0)
    if largest < LARGEST:
        return
    for value, pattern in found.items():
        smaller = pattern.entries / 2.0**500
        entries = np.where(pattern.entries > 0, np.maximum(smaller, SMALLEST), 0.0)
        found[value] = replace(pattern, entries=entries)


def over(pattern: Pattern, axes: Iterable[int]) -> NDArray[np.float64]:
    """Return the ways over some axes of a value, those of all other axes added up."""
    axes = tuple(axes)
    others = [axis for axis in range(len(pattern.shape)) if axis not in axes]
    found = pattern
    for axis in others:
        if found.varies(axis):
            found = found.reduced((axis,))
    entries = found.entries
    for axis in axes:
        entries = entries.take(found.index(axis), axis=axis)
    entries = entries.reshape([pattern.shape[axis] for axis in sorted(axes)])
    return entries.transpose(np.argsort(np.argsort(axes)))
