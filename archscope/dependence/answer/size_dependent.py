"""Operators that resize by the size of their input, so that no part is as it is in the whole."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from archscope.dependence.record.graph import Node

LONGEST_TURN = 8
"""Outputs after which the positions that an index takes must repeat."""


def goes_by_size(node: Node, axis: int, axes: int) -> str:
    """Return what resizes by its input's size along one of some axes of positions; empty: nothing.

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
        drifts = any(at < len(indices) and _drifts(indices[at]) for at in own)
        return "interpolation to a size" if drifts else ""
    if "upsample" not in node.operator:
        return ""
    if node.arguments.get("align_corners"):
        return f"{node.operator} with align_corners"
    scaled = any("scale" in name and given for name, given in node.arguments.items())
    uneven = not scaled and any(not _is_even(Fraction(before[at], after[at])) for at in own)
    return f"{node.operator} to a size" if uneven else ""


def _is_even(ratio: Fraction) -> bool:
    """Return whether a ratio of sizes may be that of strides: of small numbers."""
    return min(ratio.numerator, ratio.denominator) in (1, 2)


def _drifts(index: Tensor | None) -> bool:
    """Return whether an index goes from the first place on by what no strides are."""
    if not isinstance(index, Tensor) or index.is_meta or index.numel() < 2:
        return False
    places: NDArray[np.int64] = index.flatten().numpy()
    if places[0] != 0 or (np.diff(places) < 0).any():
        return False  # a border that is reflected or goes round
    turns = range(1, min(LONGEST_TURN, len(places) - 1) + 1)
    steps = ((turn, np.unique(places[turn:] - places[:-turn])) for turn in turns)
    regular = (Fraction(int(each[0]), turn) for turn, each in steps if len(each) == 1)
    return not any(map(_is_even, regular))
