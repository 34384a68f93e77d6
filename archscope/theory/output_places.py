"""Where outputs look from: their own place among the inputs, and how far before and after it.

The place of output u is floor(u * jump): the newest input at the time when it could first be made
from the past alone. So a causal stack with strides has no look-ahead where all padding comes first,
and one of kernel - 1 where there is none.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, lcm

from archscope.records import frozen
from archscope.theory.layers import Layer, Stack, sizes
from archscope.theory.seen_positions import positions_seen
from archscope.theory.units import period
from archscope.theory.window import window, windows


@frozen
class Outlook:
    """The windows of all outputs along one axis of an input without borders, by one period."""

    windows: tuple[tuple[int, int] | None, ...]
    """First and last position of output 0 and those after it; None: it sees nothing."""
    shift: int
    """Input positions from an output to the one a period later."""

    @property
    def jump(self) -> Fraction:
        """Input positions from output to output."""
        return Fraction(self.shift, len(self.windows))

    @property
    def behind(self) -> int:
        """Positions before its own place that an output sees, at most."""
        return max((self._place(unit) - first for unit, first, _ in self._seen()), default=0)

    @property
    def ahead(self) -> int:
        """Positions after its own place that an output sees, at most; also the lag: the time after
        a sample at which every output that belongs there can be made."""
        return max((last - self._place(unit) for unit, _, last in self._seen()), default=0)

    def _place(self, unit: int) -> int:
        return floor(unit * self.jump)

    def _seen(self) -> list[tuple[int, int, int]]:
        """Return the outputs of a period that see anything; an own place is seen or may be."""
        found = []
        for unit, seen in enumerate(self.windows):
            if seen is not None:
                place = self._place(unit)
                found.append((unit, min(seen[0], place), max(seen[1], place)))
        return found

    def later(self, positions: int) -> Outlook:
        """Return the same windows so many positions later."""
        moved = (w and (w[0] + positions, w[1] + positions) for w in self.windows)
        return Outlook(windows=tuple(moved), shift=self.shift)

    def discarded(self, outputs: int, size: int) -> tuple[int, int]:
        """Return how many outputs at the start and at the end of a tile read beyond its borders.

        The tile has so many `outputs` and `size` positions; output 0 is that of its first one.
        """
        start, end = 0, outputs
        number = len(self.windows)
        for unit, seen in enumerate(self.windows):
            if seen is None:
                continue
            first, last = seen
            clear = max(ceil(Fraction(-first, self.shift)), 0)
            start = max(start, unit + number * (clear - 1) + 1 if clear else 0)
            beyond = max(floor(Fraction(size - 1 - last, self.shift)) + 1, 0)
            end = min(end, unit + number * beyond)
        return min(start, outputs), outputs - max(end, 0)


def clipped(stack: Stack, size: int) -> tuple[int, int]:
    """Return how many outputs at the start and at the end read beyond an input, or beyond a map
    within: what a transposed convolution cuts off may be made of positions inside.

    >>> from archscope.theory.layers import conv, transposed
    >>> clipped((transposed(2, stride=2, padding=1), conv(3)), 8)
    (1, 1)
    """
    first, last, number = 0, size - 1, size
    for layer, number in zip(stack, sizes(stack, size)[1:], strict=True):
        first, last = _clear(layer, first, last)
        first, last = max(first, 0), min(last, number - 1)
    return min(first, number), number - 1 - max(last, -1)


def _clear(layer: Layer, first: int, last: int) -> tuple[int, int]:
    """Return the first and the last output from and up to which nothing else is read."""
    before, stride = layer.padding[0], layer.stride
    if layer.kind == "linear":  # output u lies at (u + 1/2) / stride - 1/2
        return stride * first + stride // 2, stride * last + (stride - 1) // 2
    if layer.kind == "nearest":
        return stride * first, stride * (last + 1) - 1
    if layer.kind == "transposed":
        return stride * (first - 1) + layer.span + 1 - before, stride * (last + 1) - 1 - before
    return -((-first - before) // stride), (last + before - layer.span) // stride


def outlook(stack: Stack) -> Outlook:
    """Return the windows of a stack's outputs; raises `UsageError` where they repeat too late.

    >>> from archscope.theory.layers import conv
    >>> seen = outlook((conv(8, stride=4, padding=0),))
    >>> seen.behind, seen.ahead, seen.jump
    (0, 7, Fraction(4, 1))
    """
    if not any(layer.upsamples for layer in stack):
        seen = window(stack)
        start = seen.start or 0
        return Outlook(windows=((start, start + seen.size - 1),), shift=int(seen.jump))
    jump = windows(stack)[-1].jump
    # Of a jump of 3/2 two outputs are 3 positions, whatever else repeats.
    number = lcm(period(stack), jump.denominator)
    return Outlook(
        windows=tuple(positions_seen(stack, unit).hull for unit in range(number)),
        shift=int(jump * number),
    )


def stride_period(jumps: list[Fraction]) -> int:
    """Return by how many input positions all maps move by whole units, given each map's jump.

    >>> stride_period([Fraction(2), Fraction(4), Fraction(2)]), stride_period([Fraction(3, 2)])
    (4, 3)
    """
    return lcm(*(jump.numerator for jump in jumps if jump), 1)


def jumps(stack: Stack) -> list[Fraction]:
    """Return the jump of every map that a stack makes."""
    return [seen.jump for seen in windows(stack)]
