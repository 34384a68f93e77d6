"""Parallel paths from one input to one output (ASPP, inception, skips): what they see together.

Each path is one stack per axis. A single path sees the product of what it sees on each axis; a
union of paths does not: ASPP 6/12/18 sees 7 of 37 positions along each axis, but 25 of 37 x 37.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any

from archscope.errors import UsageError
from archscope.records import frozen
from archscope.theory.bits import volume
from archscope.theory.combs import combs, jump, reach
from archscope.theory.layers import Path, Stack
from archscope.theory.metrics import input_use, longest_gap, overlap, solid_core, streams
from archscope.theory.support import find_support
from archscope.theory.window import window

HULL_LIMIT = 1 << 24
"""Positions along one axis up to which the union of paths is formed."""


@frozen
class AxisUnion:
    """What the paths see together along one axis: the same network in one dimension."""

    hull: int
    """Positions from the first to the last that any path sees; can exceed every path's own."""
    start: int
    """First position of output 0, negative inside padding."""
    touched: int
    """Positions that some path sees."""
    max_gap: int
    """Positions in the longest hole of the union."""
    solid_core: int
    """Positions in the run without a hole through the centre, or nearest to it."""
    streams: int
    """Interleaved networks into which the outputs fall; 0: no two outputs share anything."""
    adjacent_overlap: float
    """Positions that two neighbouring outputs share, as a share of those that either sees."""
    input_use: float
    """Share of the input's positions that any output sees."""
    jump: int
    """Input positions between neighbouring outputs, the same in all paths."""


@frozen
class Union:
    """What one output sees through all paths, away from the borders, without up-sampling."""

    axes: tuple[AxisUnion, ...]
    """Along each axis by itself."""
    touched: int
    """Positions seen over all axes together; not the product of the axes' own."""
    positions: int
    """Positions of the bounding box."""
    centres: tuple[Fraction, ...]
    """Where each path's output 0 is centred: on the first axis on which they differ (Araujo, Norris
    & Sim 2019), or on the first of all."""

    @property
    def coverage(self) -> float:
        """Share of the bounding box that is seen."""
        return self.touched / self.positions

    def along(self, name: str) -> tuple[Any, ...]:
        """Return a field of `AxisUnion` for each axis."""
        return tuple(getattr(axis, name) for axis in self.axes)


def union(paths: Sequence[Path]) -> Union:
    """Return what one output sees through all paths together.

    Raises `UsageError` where their strides differ: their outputs then differ in what they see.

    >>> from archscope.theory.layers import dilated
    >>> row = union([(dilated((d,)),) * 2 for d in (6, 12, 18)])
    >>> row.touched, row.positions, row.axes[0].touched
    (25, 1369, 7)
    """
    _check(paths)
    spread_out = [_axis_masks([path[axis] for path in paths]) for axis in range(len(paths[0]))]
    return union_of(
        [masks for masks, _ in spread_out],
        [start for _, start in spread_out],
        [jump(stack) for stack in paths[0]],
        _centres(paths),
    )


def union_of(
    along: list[list[int]],
    starts: Sequence[int],
    jumps: Sequence[int],
    centres: tuple[Fraction, ...] = (),
) -> Union:
    """Return the union of products, given each one's set along every axis as bits.

    `starts` are the positions that bit 0 stands for, which some product sees.
    """
    axes = tuple(map(_axis_union, along, starts, jumps))
    return Union(
        axes=axes,
        touched=volume(along),
        positions=prod(axis.hull for axis in axes),
        centres=centres or (axes[0].start + Fraction(axes[0].hull - 1, 2),),
    )


def _centres(paths: Sequence[Path]) -> tuple[Fraction, ...]:
    found = [tuple(window(stack).centre for stack in axis) for axis in zip(*paths, strict=True)]
    return next((centres for centres in found if len(set(centres)) > 1), found[0])


def _check(paths: Sequence[Path]) -> None:
    if not paths or len({len(path) for path in paths}) > 1:
        raise UsageError("give at least one path; all paths need the same number of axes.")
    for axis in range(len(paths[0])):
        jumps = [jump(path[axis]) for path in paths]
        if len(set(jumps)) > 1:
            raise UsageError(
                f"the paths' strides differ on axis {axis}: {', '.join(map(str, jumps))}; "
                "they must be equal for one receptive field to exist."
            )


def _axis_masks(stacks: Sequence[Stack]) -> tuple[list[int], int]:
    # Each path's positions as bits of one common frame, and where that frame starts.
    starts = [int(window(stack).start or 0) for stack in stacks]
    first = min(starts)
    masks = []
    for stack, start in zip(stacks, starts, strict=True):
        support = find_support(combs(stack)) if reach(combs(stack)) <= HULL_LIMIT else None
        if support is None:
            raise UsageError(
                f"a path reaches {reach(combs(stack))} positions; a union of paths is formed for "
                f"up to {HULL_LIMIT}."
            )
        masks.append(support.mask() << start - first)
    return masks, first


def _axis_union(masks: list[int], start: int, step: int) -> AxisUnion:
    seen = 0
    for mask in masks:
        seen |= mask
    return AxisUnion(
        hull=seen.bit_length(),
        start=start,
        touched=seen.bit_count(),
        max_gap=longest_gap(seen),
        solid_core=solid_core(seen),
        streams=streams(seen, step),
        adjacent_overlap=overlap(seen, step),
        input_use=input_use(seen, step),
        jump=step,
    )
