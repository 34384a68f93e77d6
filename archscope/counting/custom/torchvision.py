"""Operators of torchvision."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archscope.counting.custom import FormulaSet, no_products

FORMULAS = FormulaSet()


@FORMULAS.of("torchvision::deform_conv2d")
def deformable(x: Tensor, weight: Tensor, *_: Any, result: Tensor, **__: Any) -> int:
    """x (N, Cin, H, W), weight (Cout, Cin/groups, *k): where it looks costs no products."""
    return result.numel() * weight.shape[1:].numel()


FORMULAS.of(
    "torchvision::nms",
    "torchvision::roi_align",
    "torchvision::roi_pool",
    "torchvision::ps_roi_align",
    "torchvision::ps_roi_pool",
)(no_products)
