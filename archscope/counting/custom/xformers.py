"""Fused layers of the package xFormers; its attention is torch's own, or FlashAttention's."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from archscope.counting.custom import FormulaSet

FORMULAS = FormulaSet()


@FORMULAS.of("xformers::dual_gemm_silu_identity_mul")
def gated(x: Tensor, gate: Tensor, _: Any, up: Tensor, *__: Any, **___: Any) -> int:
    """x (rows, in) times the two weights (out, in) of a SwiGLU, with their biases between."""
    return x.numel() * (gate.shape[0] + up.shape[0])
