"""Which outputs are away from all borders of the input, at all phases of the strides."""

from __future__ import annotations

from math import ceil, lcm

import numpy as np

from archscope.dependence.answer.examine import Examination
from archscope.dependence.answer.fields import Field
from archscope.dependence.record.graph import Value
from archscope.dependence.sets.lines import Line

FEW_UNITS = 16
"""Units away from borders among which a repeated pattern would have shown."""


def is_clear(exam: Examination, value: Value) -> bool:
    """Return whether a value is away from borders in a pass, at all phases of the strides."""
    field = exam.local_or_total(exam.again(value))
    return field is not None and not unclear_axes(exam, field)


def unclear_axes(exam: Examination, field: Field) -> list[int]:
    """Return the axes along which a larger input would tell more."""
    found = [
        axis
        for axis, line in enumerate(field.lines)
        if not _is_clear(line, _period(exam, field, axis))
    ]
    return found if field.is_map or not found else list(range(len(field.sizes)))


def _is_clear(line: Line, period: int) -> bool:
    """Return whether windows are known away from borders, at all phases of the strides."""
    if not line.is_whole:
        return False
    if len(line.entries) == 1:
        return True
    if line.cycle is None and len(line.interior) <= FEW_UNITS:
        return False
    inside = np.zeros(len(line.entries) + 2, dtype=np.int64)
    inside[1:-1] = line.kinds == 0
    inside[1 + line.interior] = 1
    if inside.sum() == len(line.entries):
        return True
    edges = np.flatnonzero(np.diff(inside))
    longest = int((edges[1::2] - edges[::2]).max())
    if line.cycle is not None and not line.cycle[1]:
        return longest > period  # units of one period may share a window, those of the next do not
    return longest >= period


def _period(exam: Examination, field: Field, axis: int) -> int:
    """Return after how many outputs the phases of all strides on the way to them repeat."""
    own = field.map_axis(axis)
    if own is None:
        return 1
    return ceil(step(exam, field.value, axis) * field.value.shape[own] / field.sizes[axis])


def step(exam: Examination, value: Value, axis: int) -> int:
    """Return by how many positions all maps on the way to a value move by whole units."""
    before = exam.ancestors(value)
    jumps = {place.jump for each, place in exam.places(axis).items() if each in before}
    return lcm(*(abs(jump) for jump in jumps if jump))
