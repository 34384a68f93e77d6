"""Outputs whose windows differ in turn, as behind up-sampling: which sees least of its own."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice, product
from math import prod

import numpy as np
from numpy.typing import NDArray

from archscope.dependence.answer.fields import Field
from archscope.dependence.sets.sets import are_holed, firsts, kinds
from archscope.records import frozen
from archscope.theory.metrics import first, hull

MOST_UNITS = 1 << 10
"""Units whose windows differ, over all axes, up to which each is looked at."""
MOST_CELLS = 1 << 26
"""Positions of windows with holes, over all units, up to which they are looked at."""


@frozen
class Least:
    """The output that sees least of its own window, of those away from borders."""

    reached: int
    """Positions that it sees, over all axes."""
    window: tuple[int, ...]
    """Positions from the first to the last along each axis."""
    has_gaps: bool
    """Whether some output has positions between those that it sees, on a line along an axis."""
    along: tuple[Fraction, ...]
    """The least share of its window that any output sees along each axis by itself."""
    is_all: bool
    """Whether every output was looked at, or one for each that sees alike."""

    @property
    def share(self) -> Fraction:
        """The share of its window that it sees."""
        return Fraction(self.reached, prod(self.window))


def least(field: Field) -> Least | None:
    """Return the output that sees least; None where all see alike, or that is not known."""
    if not field.is_map or not field.is_exact:
        return None
    units = [_unlike(field, axis) for axis in range(len(field.sizes))]
    if not all(units) or prod(map(len, units)) < 2:
        return None
    own = [field.map_axis(axis) for axis in range(len(field.sizes))]
    left, found, gaps, looked = MOST_CELLS, None, False, 0
    for place in islice(product(*units), MOST_UNITS):
        at = {axis: unit for axis, unit in zip(own, place, strict=True) if axis is not None}
        reached, window, mask = _seen(field, at)
        left -= 0 if mask is None else mask.size
        if left < 0:
            break
        looked += 1
        gaps = gaps or (mask is not None and has_gaps(mask))
        if window and (found is None or reached * prod(found[1]) < found[0] * prod(window)):
            found = reached, window
    if found is None:
        return None
    return Least(
        reached=found[0],
        window=found[1],
        has_gaps=gaps,
        along=tuple(_share(field, axis, each) for axis, each in enumerate(units)),
        is_all=looked == prod(map(len, units)),
    )


def has_gaps(mask: NDArray[np.bool_]) -> bool:
    """Return whether some line along an axis has positions between those that are seen."""
    begins = (np.diff(mask.astype(np.int8), axis=a, prepend=0) > 0 for a in range(mask.ndim))
    return any(bool((begun.sum(axis=axis) > 1).any()) for axis, begun in enumerate(begins))


def _unlike(field: Field, axis: int) -> list[int]:
    """Return units away from borders, one for each that sees alike along an axis, in the middle."""
    line, own = field.lines[axis], field.map_axis(axis)
    off = np.abs(2 * line.interior - len(line.entries))
    if own is None or len(off) < 2:
        return [int(unit) for unit in line.interior]
    units = line.interior
    # Of one product all windows without holes are alike: each is seen whole.
    kind = line.kinds[units]
    alone = len(field.terms) == 1
    keys = [np.where(alone & ~are_holed(line.entries[units]), np.minimum(kind, 1), kind)[:, None]]
    for pattern in [term.sets[axis] for term in field.terms] if not alone else ():
        rows = np.moveaxis(pattern.expanded(own), own, 0).reshape(pattern.shape[own], -1)[units]
        offsets = firsts(rows) - line.firsts[units][:, None]
        keys += [kinds(rows), np.where(kinds(rows) > 0, offsets, 0)]
    table = np.concatenate(keys, axis=1)
    if (table == table[0]).all():  # as behind convolutions: units need no order
        return [int(units[off.argmin()])]
    order = np.argsort(off, kind="stable")
    _, places = np.unique(table[order], axis=0, return_index=True)
    return [int(unit) for unit in units[order][np.sort(places)]]


def _seen(
    field: Field, unit: dict[int, int]
) -> tuple[int, tuple[int, ...], NDArray[np.bool_] | None]:
    """Return how many positions a unit sees, its window, and which it sees where it has holes."""
    sets = list(dict.fromkeys(field.products(unit)))
    starts = [min(map(first, each)) for each in zip(*sets, strict=True)]
    ends = [max(each).bit_length() for each in zip(*sets, strict=True)]
    window = tuple(end - start for start, end in zip(starts, ends, strict=True))
    for one in sets:
        if all(seen.bit_count() == size for seen, size in zip(one, window, strict=True)):
            return prod(window), window, None
    mask = field.over_all(unit)[1] if sets else None
    return 0 if mask is None else int(mask.sum()), window, mask


def _share(field: Field, axis: int, units: list[int]) -> Fraction:
    sets = map(field.lines[axis].seen, units[:MOST_UNITS])
    return min((Fraction(one.bit_count(), hull(one)) for one in sets if one), default=Fraction(1))
