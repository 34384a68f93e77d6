"""The depthwise convolution over the past alone that Mamba uses, of the package causal-conv1d."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archscope.counting.custom import FormulaSet

FORMULAS = FormulaSet()


@FORMULAS.of("DaoAILab::_causal_conv1d_fwd_cpp")
def depthwise(x: Tensor, weight: Tensor, *_: Any, **__: Any) -> int:
    """x (B, C, L), weight (C, k): each element of the output, as many as of x, sums k products."""
    return x.numel() * weight.shape[-1]
