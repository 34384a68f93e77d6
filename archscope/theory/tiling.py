"""Tiles and chunks: what to throw away of each, so that they join to what the whole would give."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor

from archscope.records import frozen
from archscope.theory.output_places import Outlook


@frozen
class Tiling:
    """How to cut an input along one axis.

    Tiles start at multiples of `step` and are multiples of it, and `rest`, long. Only the first
    tile keeps the outputs at its start, only the last one those at its end.
    """

    step: int
    """Input positions by which every map within moves by whole units."""
    rest: int
    """Input positions of a tile beyond a multiple of that; 0 but for networks that want some."""
    discard_before: int
    """Outputs at the start of a tile that would have seen what lies before it."""
    discard_after: int
    """Outputs at its end that would have seen what lies after it, or that the next tile keeps."""
    margin_before: int
    """Positions at the start of a tile that belong to those outputs, rounded up."""
    margin_after: int
    """Positions at its end that make no output that is kept, rounded up."""
    overlap: int
    """Positions that neighbouring tiles share at least."""


def tiling(
    seen: Outlook,
    step: int,
    outputs: Callable[[int], int | None],
    *,
    rest: int = 0,
    given: int = 0,
    clipped: Callable[[int], tuple[int, int]] = lambda _: (0, 0),
) -> Tiling | None:
    """Return how to cut an input; `outputs` says how many a tile of some size has, and `clipped`
    how many at its start and end read beyond a map within; `given` is a size that runs.

    None where no tile of a size that can be tried has an output that keeps clear of its borders.
    """
    if seen.shift <= 0:
        return None
    spread = max((last - first for first, last in filter(None, seen.windows)), default=0)
    size = rest + step * (2 + ceil(Fraction(2 * (spread + seen.behind + seen.ahead), step)))
    # Such sizes may lie beyond the end of a table, where the given one does not.
    if step < given < size + step and outputs(size + step) is None:
        size = given - step
    number, more = outputs(size), outputs(size + step)
    if number is None or more is None or (more - number) * seen.jump != step:
        return None  # it does not run on such, or resizes what it makes to a size of its own
    before, after = map(max, seen.discarded(number, size), clipped(size))
    kept = number - before - after
    moved = step * floor(kept * seen.jump / step)
    if moved > size:  # strides skip what would lie between two tiles
        moved -= step
    if moved <= 0:
        return None
    after += floor(kept - moved / seen.jump)  # what the next tile begins with
    return Tiling(
        step=step,
        rest=rest,
        discard_before=before,
        discard_after=after,
        margin_before=ceil(before * seen.jump),
        margin_after=max(ceil(size - (number - after) * seen.jump), 0),
        overlap=size - moved,
    )
