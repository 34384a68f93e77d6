"""The windows of all outputs along one axis, as if the input had no borders."""

from __future__ import annotations

from math import lcm

import numpy as np

from archscope.dependence.answer.receptive import Receptive
from archscope.dependence.sets.lines import Line
from archscope.theory.output_places import Outlook


def outlook_of(line: Line) -> Outlook | None:
    """Return the windows of a row of units; None where these do not repeat."""
    if line.cycle is None or line.cycle[1] <= 0:
        return None
    period, shift = line.cycle
    units = line.interior
    steps = units[period:] - units[:-period]
    if not len(steps) or (steps != steps[0]).any():
        return None
    number = int(steps[0])
    middle = len(units) // 2
    start = max(min(middle, len(units) - period), 0)
    found: list[tuple[int, int] | None] = [None] * number
    for unit in units[start : start + period].tolist():
        turns, place = divmod(unit, number)
        first = int(line.firsts[unit]) - turns * shift
        found[place] = (first, first + int(line.widths[unit]) - 1)
    return Outlook(windows=tuple(found), shift=shift)


def is_cut_short(line: Line, seen: Outlook) -> bool:
    """Return whether the units of a finite input see these windows, cut short by its borders.

    One that is cut short by a border of a map within may see less.
    """
    turns, places = np.divmod(np.arange(len(line.entries)), len(seen.windows))
    told = np.array([each is not None for each in seen.windows])[places]
    windows = np.array([each or (0, 0) for each in seen.windows])
    starts, ends = (windows[places] + (turns * seen.shift)[:, None]).T
    first, last = np.maximum(starts, 0), np.minimum(ends, line.size - 1)
    sees, cut = line.kinds != 0, np.array(line.clipped)
    firsts, lasts = line.firsts, line.firsts + line.widths - 1
    silent = told & ~sees & ~cut & (first <= last)  # it would see something within the input
    wider = told & sees & ((firsts < first) | (lasts > last))
    whole = told & sees & ~cut & (starts >= 0) & (ends < line.size)
    unlike = whole & ((firsts != first) | (lasts != last))
    return not (silent | wider | unlike).any()


def cut_at_ends(line: Line) -> tuple[int, int]:
    """Return how many units at the start and at the end a border cuts short, also one within.

    Some units must be clear of both.
    """
    middle = line.interior[len(line.interior) // 2]
    cut = np.flatnonzero(line.clipped)
    before, after = cut[cut < middle], cut[cut > middle]
    start = int(before[-1]) + 1 if len(before) else 0
    return start, len(line.entries) - int(after[0]) if len(after) else 0


def shift_of(found: Receptive, axis: int, *, beside: bool = True) -> int | None:
    """Return by how many positions every map within moves by whole units; None: not known.

    That is no property of the output's windows alone: a path of a coarser map may hide in them, or
    constants that begin again. Without `beside` only maps count that the output is made of.
    """
    counted = None if beside else found.given.ancestors(found.target.value)
    steps = [found.best.dependences.periods.get(axis, 1)]
    indices = None if counted is None else {value.index for value in counted}
    for index, strides in found.best.dependences.strides.items():
        if indices is None or index in indices:
            steps.append(strides.get(axis, 1))
    for layer in (*found.layers, found.target):
        field = layer.field
        if counted is not None and layer.value not in counted:
            continue
        if axis >= len(field.sizes) or field.map_axis(axis) is None:
            continue  # it was reduced, or has units of several axes
        line = field.lines[axis]
        if len(line.entries) < 2:
            continue
        seen = outlook_of(line)
        if seen is None:
            return None
        steps += [seen.shift, seen.jump.numerator]
    return lcm(*steps)


def reach(line: Line) -> tuple[int, int]:
    """Return how far before and after its own place a unit sees at most, of the given input.

    There are as many units as positions.
    """
    units = np.flatnonzero(line.kinds)
    starts = line.firsts[units]
    ahead = (starts + line.widths[units] - 1 - units).max(initial=0)
    return int((units - starts).max(initial=0)), int(ahead)
