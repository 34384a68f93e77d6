"""Rows of the maps within: how evenly one output sees what each layer made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Any

from archscope.analyses.rf.numbers import plain
from archscope.analyses.rf.rows import MapRow, Sizes
from archscope.theory import metrics

if TYPE_CHECKING:
    from archscope.dependence.answer.maps import Map
    from archscope.dependence.answer.receptive import Receptive

MOST_CELLS = 1 << 22
"""Positions of a map over all axes up to which it is looked at for gaps."""


def map_rows(found: Receptive) -> tuple[MapRow, ...]:
    """Return a row for each map that the chosen output sees, the input first."""
    from archscope.dependence.answer.maps import maps_within

    rows = [_map_row(one) for one in maps_within(found)]
    return _listed(rows[::-1])


def _listed(rows: Sequence[MapRow]) -> tuple[MapRow, ...]:
    """Return the maps, the first alone listed of those seen alike, as before and behind a ReLU."""
    groups = groupby(rows, key=lambda row: replace(row, reads=""))
    return tuple(
        row if number == 0 else replace(row, listed=False)
        for _, alike in groups
        for number, row in enumerate(alike)
    )


def _map_row(one: Map) -> MapRow:
    seen = list(map(_bits, one.seen))
    hulls = tuple(map(metrics.hull, seen))
    touched = tuple(each.bit_count() for each in seen)
    paths = list(map(_marginal, one.paths))
    steps = [int(j) if j is not None and j.denominator == 1 and j > 0 else None for j in one.jump]
    known = [step for step in steps if step is not None]
    regular = len(known) == len(steps)
    first, last = (one.through[0], one.through[-1]) if one.through else ("", "")
    return MapRow(
        reads=one.name,
        through=first if first == last else f"{first}–{last}",
        layers=len(one.through),
        axes=len(seen),
        hull=hulls,
        touched=touched,
        coverage_1d=tuple(part / size for part, size in zip(touched, hulls, strict=True)),
        coverage=one.reached / prod(hulls),
        reached=one.reached,
        positions=prod(hulls),
        has_gaps=_has_gaps(one, hulls),
        jump=None if None in one.jump else tuple(plain(j) for j in one.jump if j is not None),
        streams=tuple(map(metrics.streams, seen, known)) if regular else None,
        max_gap=tuple(map(metrics.longest_gap, seen)),
        solid_core=tuple(map(metrics.solid_core, seen)),
        adjacent_overlap=tuple(map(metrics.overlap, seen, known)) if regular else None,
        input_use=tuple(map(metrics.input_use, seen, known)) if regular else None,
        uniformity=tuple(map(metrics.uniformity, paths, hulls)),
        erf_sd=tuple(map(metrics.standard_deviation, paths)),
        width_95=tuple(map(metrics.held_width, paths)),
        clipped=one.clipped,
        unknown="" if regular else "streams, adjacent_overlap, input_use",
    )


def _has_gaps(one: Map, hulls: Sizes) -> bool | None:
    """Return whether what is seen of a map has gaps on any line along an axis."""
    from archscope.dependence.answer.phases import has_gaps

    if one.reached == prod(hulls):
        return False
    if prod(one.value.shape[axis] for axis in one.axes) > MOST_CELLS:
        return None
    return has_gaps(one.mask > 0)


def _marginal(line: Any) -> metrics.Paths:
    """Return the paths from all positions with the same place along an axis."""
    held = line.nonzero()[0]
    return metrics.Columns(held, line[held])


def _bits(mask: Any) -> int:
    import numpy as np

    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")
