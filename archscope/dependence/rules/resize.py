"""Rules of operators that resize: each output reads those inputs that have weight in it.

To the nearest position torch itself resizes by an index, which is an operator of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from archscope.dependence.record.graph import Node, Shape, View
from archscope.dependence.rules import DataDependentError, RuleSet
from archscope.dependence.sets.links import Links, from_matrix
from archscope.dependence.sets.steps import Step, Take

RULES = RuleSet()

_SCALES = ("scale_factors", "scales", "scales_h", "scales_w")

TINY = 1e-9
"""Weights of interpolation that are smaller are rounding: the tap has weight 0."""


@RULES.moves(
    "upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"
)
@RULES.moves("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")
def resize(node: Node | View, before: Shape, after: Shape) -> list[Step]:
    """Each output reads those inputs that have weight in the interpolation, found by trying it."""
    axes = len(before) - 2
    return [
        Take(axis + 2, _resized(node, before[axis + 2], after[axis + 2], axis, axes))
        for axis in range(axes)
    ]


def _resized(node: Node | View, reads: int, size: int, number: int, axes: int) -> Links:
    given, operator = node.arguments, node.operator
    scale = _scale(given, number, axes, reads, size)
    mode = "bicubic" if "bicubic" in operator else "bilinear"
    # One axis at a time: each input position is a channel that is 1 there and 0 elsewhere.
    probe = torch.eye(reads, dtype=torch.float64).view(1, reads, 1, reads)
    sized: dict[str, Any] = {"size": (1, size)}
    if any(given.get(name) for name in _SCALES):
        sized = {"scale_factor": (1.0, float(scale)), "recompute_scale_factor": False}
    weights = F.interpolate(
        probe,
        mode=mode,
        align_corners=given["align_corners"],
        antialias=operator.endswith("_aa"),
        **sized,
    )
    if weights.shape[-1] != size:
        raise DataDependentError
    links = from_matrix((weights.view(reads, size).abs() > TINY).numpy().T)
    return replace(links, clipped=_beyond(operator, reads, size, scale, given))


def _beyond(operator: str, reads: int, size: int, scale: float, given: Any) -> Any:
    """Return which outputs would read beyond the border, where the border is repeated instead."""
    if given["align_corners"]:
        at: NDArray[Any] = np.linspace(0, reads - 1, size)
    else:
        at = (np.arange(size) + 0.5) / scale - 0.5
    wide = 2.0 if "bicubic" in operator else 1.0
    if operator.endswith("_aa"):
        wide *= max(1 / scale, 1.0)
    low, high = np.floor(at - wide + TINY) + 1, np.ceil(at + wide - TINY) - 1
    beyond = (low < 0) | (high > reads - 1)
    return beyond if beyond.any() else None


def _scale(given: Any, number: int, axes: int, reads: int, size: int) -> float:
    factors = given.get("scale_factors")
    if factors:
        return float(factors[number])
    names = {1: ("scales",), 2: ("scales_h", "scales_w"), 3: ("scales_d", "scales_h", "scales_w")}
    found = given.get(names[axes][number])
    return float(found) if found else size / reads
