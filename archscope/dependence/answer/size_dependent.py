"""Operators that resize by the size of their input, so that no part is as it is in the whole."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from archscope.dependence.record.graph import Node, Value

LONGEST_TURN = 8
"""Outputs after which the positions that an index takes must repeat."""
LONGEST_KNOWN = 64
"""The same where those of a larger input are known to be the same."""


def goes_by_size(node: Node, axis: int, axes: int, larger: Node | None = None) -> str:
    """Return what resizes by its input's size along one of some axes of positions; empty: nothing.

    `larger` is the node on a larger input: an index that goes on alike goes by a factor of its own.

    What is made as large as another map is a little more or less than a multiple of its input
    where sizes are odd: then taps or weights drift from one end to the other, of a larger input
    more slowly.
    """
    output = node.outputs[0]
    if output is None:
        return ""
    before, after = getattr(node.arguments.get("self"), "shape", ()), output.shape
    own = [len(after) - axes + axis] if len(after) == axes + 2 else range(2, len(after))
    if node.operator == "_unsafe_index":  # what torch makes of resizing to the nearest
        indices = node.arguments["indices"]
        more = [None] * len(indices) if larger is None else larger.arguments["indices"]
        drifts = any(at < len(indices) and _drifts(indices[at], more[at]) for at in own)
        return "interpolation to a size" if drifts else ""
    if "upsample" not in node.operator:
        return ""
    if node.arguments.get("align_corners"):
        return f"{node.operator} with align_corners"
    scaled = any("scale" in name and given for name, given in node.arguments.items())
    uneven = not scaled and any(not _is_even(Fraction(before[at], after[at])) for at in own)
    return f"{node.operator} to a size" if uneven else ""


def is_plain_pool(node: Node, larger: Node | None, axis: int, axes: int) -> bool:
    """Return whether an adaptive pool is a plain one along one of some axes of positions, or the
    nearest: its input's size is the same multiple of its output's, or the other way round, here and
    on a `larger` input."""
    ratio = _ratio(node, axis, axes)
    known = None if larger is None else _ratio(larger, axis, axes)
    return ratio is not None and ratio == known and 1 in (ratio.numerator, ratio.denominator)


def _ratio(node: Node, axis: int, axes: int) -> Fraction | None:
    """Return how many positions of its input there are to one of its output along an axis."""
    source, output = node.arguments.get("self"), node.outputs[0]
    if not isinstance(source, Value) or output is None or len(output.shape) < axes:
        return None
    own = len(output.shape) - axes + axis
    return Fraction(source.shape[own], output.shape[own])


def _is_even(ratio: Fraction) -> bool:
    """Return whether a ratio of sizes may be that of strides: of small numbers."""
    return min(ratio.numerator, ratio.denominator) in (1, 2)


def _drifts(index: Tensor | None, larger: Tensor | None = None) -> bool:
    """Return whether an index goes from the first place on by what no strides are."""
    places = _places(index)
    if places is None or places[0] != 0 or (np.diff(places) < 0).any():
        return False  # a border that is reflected or goes round
    turns = _turns(places, min(LONGEST_TURN, len(places) - 1))
    if any(_is_even(Fraction(step, turn)) for turn, step in turns):
        return False
    more = _places(larger)
    if more is None or not np.array_equal(more[: len(places)], places):
        return True
    return not any(True for _ in _turns(more, min(LONGEST_KNOWN, len(places) // 2)))


def _places(index: Tensor | None) -> NDArray[np.int64] | None:
    if not isinstance(index, Tensor) or index.is_meta or index.numel() < 2:
        return None
    found: NDArray[np.int64] = index.flatten().numpy()
    return found


def _turns(places: NDArray[np.int64], longest: int) -> Iterator[tuple[int, int]]:
    """Yield after how many outputs the positions that they take repeat, and how far on."""
    for turn in range(1, longest + 1):
        steps = np.unique(places[turn:] - places[:-turn])
        if len(steps) == 1:
            yield turn, int(steps[0])
