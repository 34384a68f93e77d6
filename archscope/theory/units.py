"""What one output sees, exactly: borders, up-sampling and all, walked back layer by layer.

Up-sampling makes neighbouring outputs see windows of different sizes (the checkerboard of a
transposed convolution), so here the answer is for one output, or a range over all of them.
"""

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from math import lcm

from archscope.errors import UsageError
from archscope.records import frozen
from archscope.theory.layers import Layer, Stack, sizes
from archscope.theory.seen_positions import positions_seen

PERIOD_LIMIT = 4096
"""Outputs that `unit_ranges` looks at; a stack that repeats later is refused."""


@frozen
class UnitRanges:
    """The least and most that an output sees, over one period, away from the borders."""

    period: int
    """Outputs after which everything repeats."""
    hull: tuple[int, int]
    """Smallest and largest window in input positions; 0 for an output that sees nothing."""
    paths: tuple[int, int]
    """Fewest and most paths to one output; they differ where a checkerboard shows."""
    blind: tuple[int, ...]
    """Outputs of the first period that see no input at all."""


def seen_by(stack: Stack, unit: int, *, input_size: int | None = None) -> dict[int, int]:
    """Return the input positions that output `unit` sees, each with its number of paths.

    Without `input_size` the input has no borders and positions may be negative.

    >>> seen_by((Layer(kernel=3, dilation=2, padding=(2, 2)),), 0, input_size=9)
    {0: 1, 2: 1}
    """
    paths = {unit: 1}
    for layer, size in reversed(list(zip(stack, _maps(stack, input_size), strict=True))):
        found: Counter[int] = Counter()
        for position, number in paths.items():
            for source in _sources(layer, position, size):
                found[source] += number
        paths = found
    return dict(sorted(paths.items()))


def period(stack: Stack) -> int:
    """Return after how many outputs the pattern of windows repeats; 1 without up-sampling."""
    step = Fraction(1)
    repeat = 1
    for layer in reversed(stack):
        step = step / layer.stride if layer.upsamples else step * layer.stride
        repeat = lcm(repeat, step.denominator)
    return repeat


@lru_cache(maxsize=64)
def unit_ranges(stack: Stack) -> UnitRanges:
    """Return the least and most that an output sees, over one period of outputs."""
    repeat = period(stack)
    if repeat > PERIOD_LIMIT:
        raise UsageError(
            f"windows repeat only after {repeat} outputs; up to {PERIOD_LIMIT} are looked at."
        )
    seen = [positions_seen(stack, unit).hull for unit in range(repeat)]
    hulls = [0 if hull is None else hull[1] - hull[0] + 1 for hull in seen]
    paths = path_counts(stack)
    return UnitRanges(
        period=repeat,
        hull=(min(hulls), max(hulls)),
        paths=(min(paths), max(paths)),
        blind=tuple(unit for unit in range(repeat) if seen[unit] is None),
    )


def path_counts(stack: Stack) -> tuple[int, ...]:
    """Return how many paths lead to each output of a period, away from the borders.

    Those to an output are those to all that it reads, which repeat by a period of their own.
    """
    paths: tuple[int, ...] = (1,)
    for depth, layer in enumerate(stack, start=1):
        paths = tuple(
            sum(paths[source % len(paths)] for source in _sources(layer, unit, None))
            for unit in range(period(stack[:depth]))
        )
    return paths


def _maps(stack: Stack, input_size: int | None) -> tuple[int | None, ...]:
    # The size of the map that each layer reads; None where there are no borders.
    return (None,) * len(stack) if input_size is None else sizes(stack, input_size)[:-1]


def _sources(layer: Layer, unit: int, size: int | None) -> Iterable[int]:
    if layer.kind == "linear":
        return _resized_from(layer, unit, size)
    if layer.kind == "nearest":
        return (unit // layer.stride,)
    if layer.kind == "transposed":
        first = unit + layer.padding[0]
        back = (first - tap * layer.dilation for tap in range(layer.kernel))
        found: Iterable[int] = (at // layer.stride for at in back if at % layer.stride == 0)
    else:
        first = unit * layer.stride - layer.padding[0]
        found = (first + tap * layer.dilation for tap in range(layer.kernel))
    return found if size is None else (at for at in found if 0 <= at < size)


def _resized_from(layer: Layer, unit: int, size: int | None) -> Iterable[int]:
    # In half steps of the output, so that all is integer: (u + 1/2) / f - 1/2 = whole + rest / 2f.
    whole, rest = divmod(2 * unit + 1 - layer.stride, 2 * layer.stride)
    found = {whole, whole + 1} if rest else {whole}
    return found if size is None else {min(max(at, 0), size - 1) for at in found}
